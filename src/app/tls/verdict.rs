//! A handshake's verdict on the certificates it shows: the chain's problems at the capture's time and now, the host name,
//! and the staple, put together for the record.
use super::{
    certificate::Content,
    verification::{self, Problem, Verifier},
};
use crate::record::{
    OcspStaple, PacketRef, RevocationStatus, Timestamp, Verification, VerificationNow, VerificationReason as Reason,
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
    serial: Option<String>,
}

impl Verdict {
    /// Judges `chain`, whose content is `contents`, at the time of `packet`. With an encrypted ClientHello (`hidden`) the
    /// name that can be seen need not be the one that was asked for: it counts only when it fits.
    pub(super) fn of(
        verifier: &mut Verifier,
        chain: &[&[u8]],
        contents: &[Content],
        host: Option<String>,
        hidden: bool,
        packet: PacketRef,
    ) -> Self {
        let leaf = contents.first();
        let mismatch = leaf.zip(host.as_deref()).and_then(|(leaf, host)| verification::wrong_host(leaf, host));
        let (host, mismatch) = if hidden && mismatch.is_some() { (None, None) } else { (host, mismatch) };
        let now = verifier.trust().now();
        let mut judge = |at: i64| {
            let mut problems = verifier.judge(chain, contents, at).to_vec();
            problems.extend(mismatch.clone());
            problems.sort_by_key(|problem| problem.reason);
            problems
        };
        let problems = judge(packet.timestamp.nanoseconds().div_euclid(NANOSECONDS));
        let now = now.map(judge);
        let serial = leaf.and_then(|leaf| leaf.serial.clone());
        Self { at: packet.timestamp, host, trust: verifier.trust().describe(), problems, now, serial }
    }

    /// What is wrong, what the staple says included; the weightiest first.
    pub(super) fn problems(&self, staple: Option<&OcspStaple>) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        problems.extend(self.revoked(staple));
        problems.sort_by_key(|problem| problem.reason);
        problems
    }

    /// Where the anchors are from, in words.
    pub(super) fn trust(&self) -> &str {
        &self.trust
    }

    fn revoked(&self, staple: Option<&OcspStaple>) -> Option<Problem> {
        let staple = staple.filter(|staple| staple.status == RevocationStatus::Revoked)?;
        if self.serial.as_ref().is_some_and(|serial| *serial != staple.serial) {
            return None;
        }
        let when = staple.revoked_at.as_deref().map_or(String::new(), |at| format!(" on {at}"));
        let explanation = format!("The server's own OCSP staple says that its certificate was revoked{when}.");
        Some(Problem { reason: Reason::RevokedByStaple, explanation })
    }

    /// As the record shows it.
    pub(super) fn record(&self, staple: Option<&OcspStaple>) -> Verification {
        let problems = self.problems(staple);
        let now = self.now.as_ref().map(|now| {
            let staple = self.revoked(staple);
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
