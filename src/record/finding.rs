//! `finding`: something worth a person's attention, with its proof.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, Subject};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// May hurt.
    Warning,
    /// Something failed.
    Error,
}

/// Something worth attention.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// Flow and evidence; the flow is null when it concerns the whole capture.
    #[serde(flatten)]
    pub subject: Subject,
    /// One end, when it concerns a flow.
    pub client: Option<Endpoint>,
    /// The other end.
    pub server: Option<Endpoint>,
    /// How much it matters.
    pub severity: Severity,
    /// Code from a closed catalogue, such as `tcp.close-race`.
    pub code: &'static str,
    /// What happened, in one line.
    pub title: String,
    /// Why it matters and what to do.
    pub explanation: String,
    /// Where the rule is written, such as `RFC 9293 3.10.7`.
    pub reference: Option<&'static str>,
}
