//! A handshake's verdict on the certificates it shows: the chain's problems at the capture's time and now, the host name,
//! and the staple, put together for the record.
use super::{
    certificate::Content,
    verification::{self, Problem, Verifier},
};
use crate::record::{
    OcspStaple, PacketRef, RevocationStatus, Side, StapleProblem, Timestamp, Verification, VerificationNow,
    VerificationReason as Reason,
};

const NANOSECONDS: i64 = 1_000_000_000;

/// What was found when the certificates were shown.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    at: Timestamp,
    host: Option<String>,
    trust: String,
    problems: Vec<Problem>,
    now: Option<Vec<Problem>>,
}

impl Verdict {
    /// Judges the `chain` that `side` showed, whose content is `contents`, at the time of `packet`. With an encrypted ClientHello (`hidden`) the
    /// name that can be seen need not be the one that was asked for: it counts only when it fits.
    pub(super) fn of(
        verifier: &mut Verifier,
        side: Side,
        (chain, contents): (&[&[u8]], &[Content]),
        host: Option<String>,
        hidden: bool,
        packet: PacketRef,
    ) -> Self {
        let leaf = contents.first();
        let mismatch = leaf.zip(host.as_deref()).and_then(|(leaf, host)| verification::wrong_host(leaf, host));
        let (host, mismatch) = if hidden && mismatch.is_some() { (None, None) } else { (host, mismatch) };
        let now = verifier.trust().now();
        let mut judge = |at: i64| {
            let mut problems = verifier.judge(chain, contents, side, at).to_vec();
            problems.extend(mismatch.clone());
            problems.sort_by_key(|problem| problem.reason);
            problems
        };
        let problems = judge(packet.timestamp.nanoseconds().div_euclid(NANOSECONDS));
        let now = now.map(judge);
        Self { at: packet.timestamp, host, trust: verifier.trust().describe(), problems, now }
    }

    /// What is wrong, what the staple says included; the weightiest first.
    pub(super) fn problems(&self, staple: Option<&OcspStaple>) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        problems.extend(Self::revoked(staple));
        problems.sort_by_key(|problem| problem.reason);
        problems
    }

    /// Where the anchors are from, in words.
    pub(super) fn trust(&self) -> &str {
        &self.trust
    }

    /// Whether the chain leads to an authority that is trusted.
    pub(super) fn is_trusted(&self) -> bool {
        let apart = [Reason::UnknownCa, Reason::SelfSigned, Reason::MissingIntermediate, Reason::InvalidSignature];
        !apart.into_iter().any(|reason| self.has(reason))
    }

    /// Whether this is among what is wrong.
    pub(super) fn has(&self, reason: Reason) -> bool {
        self.problems.iter().any(|problem| problem.reason == reason)
    }

    /// Revoked, by a staple that may be believed.
    fn revoked(staple: Option<&OcspStaple>) -> Option<Problem> {
        let staple = staple.filter(|staple| staple.status == RevocationStatus::Revoked)?;
        let not_for_it =
            [StapleProblem::WrongSignature, StapleProblem::UnauthorisedResponder, StapleProblem::OtherCertificate];
        if staple.problems.iter().any(|problem| not_for_it.contains(problem)) {
            return None;
        }
        let when = staple.revoked_at.as_deref().map_or(String::new(), |at| format!(" on {at}"));
        let unchecked = match staple.signed_by {
            Some(_) => "",
            None => " The signature on that could not be checked.",
        };
        let explanation =
            format!("The server's own OCSP staple says that its certificate was revoked{when}.{unchecked}");
        Some(Problem { reason: Reason::RevokedByStaple, explanation })
    }

    /// As the record shows it.
    pub(super) fn record(&self, staple: Option<&OcspStaple>) -> Verification {
        let problems = self.problems(staple);
        let now = self.now.as_ref().map(|now| {
            let staple = Self::revoked(staple);
            let reason = now.iter().chain(&staple).map(|problem| problem.reason).min().unwrap_or(Reason::Ok);
            VerificationNow { ok: reason == Reason::Ok, reason }
        });
        let explanation = match problems.as_slice() {
            [] => format!("The chain leads to {} and was valid.", self.trust),
            some => some.iter().map(|problem| problem.explanation.as_str()).collect::<Vec<_>>().join(" "),
        };
        Verification {
            ok: problems.is_empty(),
            reason: problems.first().map_or(Reason::Ok, |problem| problem.reason),
            at: self.at,
            reasons: problems.iter().map(|problem| problem.reason).collect(),
            explanation,
            host: self.host.clone(),
            trust: self.trust.clone(),
            now,
        }
    }
}
