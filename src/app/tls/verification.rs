//! Verdicts on the certificates a server, or a client, shows: the chain is built and checked by `webpki` for a given moment against
//! given anchors, and what it says is put in terms of the one link that is missing or wrong. Names are matched as RFC 9525
//! says. Whether the other side really refused is not known here: this is what a client with these anchors would do.
use std::{collections::HashMap, sync::Arc, time::Duration};

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, Error, KeyUsage};
use x509_parser::certificate::X509Certificate;

use super::{
    certificate::{self, Content},
    diagnosis::who,
    signatures,
    staple::{Response, Single},
    staple_check,
    trust::Trust,
    verification_words,
};
use crate::{
    limits,
    record::{Side, VerificationReason as Reason},
};

/// Clients refuse RSA keys of less than 2048 bits from 2014-01-01 on (CA/Browser Forum Baseline Requirements, A).
const SHORT_KEYS_END: i64 = 1_388_534_400;
/// Clients refuse SHA-1 signatures from 2017-01-01 on.
const SHA1_ENDS: i64 = 1_483_228_800;
/// Clients refuse MD5 signatures from 2012-01-01 on.
const MD5_ENDS: i64 = 1_325_376_000;

/// Something wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub reason: Reason,
    /// A sentence that names the certificate.
    pub explanation: String,
}

/// Judges chains; keeps the verdicts on those it has seen.
pub struct Verifier {
    trust: Arc<Trust>,
    algorithms: Vec<&'static dyn rustls_pki_types::SignatureVerificationAlgorithm>,
    kept: HashMap<[u8; 32], Vec<Kept>>,
    staples: HashMap<[u8; 32], Arc<staple_check::Found>>,
}

/// A verdict, and the seconds from and until which time does not change it.
struct Kept {
    from: i64,
    until: i64,
    problems: Arc<[Problem]>,
}

impl Verifier {
    /// By these anchors.
    #[must_use]
    pub fn new(trust: Arc<Trust>) -> Self {
        Self { trust, algorithms: signatures::algorithms(), kept: HashMap::new(), staples: HashMap::new() }
    }

    /// What the chains are judged by.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What of a staple time does not change. Kept, as a server shows the same one to all its clients.
    pub(super) fn staple(
        &mut self,
        response: &Response<'_>,
        single: &Single<'_>,
        leaf: &X509Certificate<'_>,
        chain: &[&[u8]],
    ) -> Arc<staple_check::Found> {
        let mut digest = Sha256::new();
        let parts = [response.signed, response.algorithm, response.signature];
        for part in parts.iter().chain(&response.certificates).chain(chain) {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        let key: [u8; 32] = digest.finalize().into();
        if let Some(found) = self.staples.get(&key) {
            return Arc::clone(found);
        }
        let (anchors, algorithms) = (self.trust.anchors(), self.algorithms.as_slice());
        let question = staple_check::Question { response, single, leaf, chain, anchors, algorithms };
        let found = Arc::new(question.answer());
        if self.staples.len() >= limits::MAX_KEPT_VERDICTS {
            self.staples.clear();
        }
        self.staples.insert(key, Arc::clone(&found));
        found
    }

    /// What is wrong with a chain that `side` shows, the leaf first, at a moment in seconds since the epoch; the weightiest
    /// first. `contents` are the same certificates, read. Host names are not looked at: see [`wrong_host`].
    pub fn judge(&mut self, chain: &[&[u8]], contents: &[Content], side: Side, at: i64) -> Arc<[Problem]> {
        let mut digest = Sha256::new();
        digest.update([u8::from(side == Side::Client)]);
        contents.iter().for_each(|content| digest.update(&content.sha256));
        let key: [u8; 32] = digest.finalize().into();
        let known = self.kept.get(&key).into_iter().flatten();
        if let Some(kept) = known.into_iter().find(|kept| kept.from <= at && at <= kept.until) {
            return Arc::clone(&kept.problems);
        }
        let problems: Arc<[Problem]> =
            Judged { chain, contents, side, trust: &self.trust, algorithms: &self.algorithms }.problems(at).into();
        // Verdicts change only where a certificate's validity begins or ends, or where a rule did.
        let ends = contents.iter().filter_map(|content| content.not_after).map(|after| after.saturating_add(1));
        let starts = contents.iter().filter_map(|content| content.not_before);
        let (mut from, mut until) = (i64::MIN, i64::MAX);
        for boundary in ends.chain(starts).chain([SHORT_KEYS_END, SHA1_ENDS, MD5_ENDS]) {
            if boundary <= at {
                from = from.max(boundary);
            } else {
                until = until.min(boundary.saturating_sub(1));
            }
        }
        if self.kept.len() >= limits::MAX_KEPT_VERDICTS {
            self.kept.clear();
        }
        self.kept.entry(key).or_default().push(Kept { from, until, problems: Arc::clone(&problems) });
        problems
    }
}

/// What is wrong with a certificate for a host that was asked for; null when nothing is.
#[must_use]
pub fn wrong_host(leaf: &Content, host: &str) -> Option<Problem> {
    leaf.subject.as_ref()?;
    if certificate::is_for(leaf, host) {
        return None;
    }
    let listed = leaf.san_dns.iter().chain(&leaf.san_ip).map(String::as_str).take(8).collect::<Vec<_>>().join(", ");
    let more = leaf.san_dns.len().saturating_add(leaf.san_ip.len()).saturating_sub(8);
    let names = match (listed.is_empty(), more) {
        (true, _) => "no name (what stands in the subject does not count, RFC 9525 4.1)".into(),
        (false, 0) => listed,
        (false, more) => format!("{listed} and {more} more"),
    };
    let explanation = format!("The client asked for {host}; subjectAltName lists {names}.");
    Some(Problem { reason: Reason::WrongHost, explanation })
}

/// One chain being judged.
struct Judged<'a> {
    chain: &'a [&'a [u8]],
    contents: &'a [Content],
    /// Whose they are.
    side: Side,
    trust: &'a Trust,
    algorithms: &'a [&'static dyn rustls_pki_types::SignatureVerificationAlgorithm],
}

impl Judged<'_> {
    fn problems(&self, at: i64) -> Vec<Problem> {
        let Some((der, leaf)) = self.chain.first().zip(self.contents.first()) else { return Vec::new() };
        let mut found = Vec::new();
        let mut add = |reason, explanation| found.push(Problem { reason, explanation });
        if self.trust.is_given(der) {
            // Trusted by itself: only its dates count.
            if let Some((reason, explanation)) = self.out_of_date(leaf, at) {
                add(reason, explanation);
            }
            return found;
        }
        match self.verify(at) {
            Ok(()) => {}
            Err(error @ (Error::CertExpired { .. } | Error::CertNotValidYet { .. })) => {
                let path = self.path();
                let dated = path.iter().filter_map(|content| self.out_of_date(content, at)).next();
                let (reason, explanation) = dated.unwrap_or_else(|| self.explain(&error));
                add(reason, explanation);
                // What else is wrong shows at a time when all are valid.
                if let Some(Err(other)) = self.common_time().map(|time| self.verify(time))
                    && !matches!(other, Error::CertExpired { .. } | Error::CertNotValidYet { .. })
                {
                    let (reason, explanation) = self.explain(&other);
                    add(reason, explanation);
                }
            }
            Err(error) => {
                let (reason, explanation) = self.explain(&error);
                add(reason, explanation);
                // An error in the leaf itself may hide that it is out of date.
                if let Some((reason, explanation)) = self.out_of_date(leaf, at) {
                    add(reason, explanation);
                }
            }
        }
        for content in self.path() {
            if let Some((reason, explanation)) = weakness(content, at)
                && !found.iter().any(|problem| problem.reason == reason)
            {
                found.push(Problem { reason, explanation });
            }
        }
        found.sort_by_key(|problem| problem.reason);
        found.dedup_by_key(|problem| problem.reason);
        found
    }

    fn verify(&self, at: i64) -> Result<(), Error> {
        self.verify_up_to(self.trust.anchors(), at)
    }

    fn verify_up_to(&self, anchors: &[TrustAnchor<'_>], at: i64) -> Result<(), Error> {
        let ders: Vec<CertificateDer<'_>> = self.chain.iter().map(|der| CertificateDer::from(*der)).collect();
        let Some((leaf, intermediates)) = ders.split_first() else { return Ok(()) };
        let leaf = EndEntityCert::try_from(leaf)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at).unwrap_or_default()));
        let usage = match self.side {
            Side::Client => KeyUsage::client_auth(),
            Side::Server => KeyUsage::server_auth(),
        };
        leaf.verify_for_usage(self.algorithms, anchors, intermediates, time, usage, None, None).map(|_| ())
    }

    /// The leaf, its issuer, the issuer's issuer, ... as far as the server sent them, by their names; a self-issued one
    /// at its end is left out.
    fn path(&self) -> Vec<&Content> {
        let mut path: Vec<&Content> = self.contents.first().into_iter().collect();
        while let Some(last) = path.last()
            && last.self_issued != Some(true)
            && let Some(next) = self.contents.iter().find(|content| {
                content.subject.is_some() && content.subject == last.issuer && content.self_issued != Some(true)
            })
            && !path.iter().any(|content| std::ptr::eq(*content, next))
        {
            path.push(next);
        }
        path
    }

    /// A moment when all of the path is valid.
    fn common_time(&self) -> Option<i64> {
        let path = self.path();
        let from = path.iter().filter_map(|content| content.not_before).max()?;
        let until = path.iter().filter_map(|content| content.not_after).min()?;
        (from <= until).then_some(until)
    }

    fn out_of_date(&self, content: &Content, at: i64) -> Option<(Reason, String)> {
        let name = self.name(content);
        match (content.not_before, content.not_after) {
            (_, Some(after)) if at > after => {
                Some((Reason::Expired, format!("{name} expired on {}.", certificate::moment(after))))
            }
            (Some(before), _) if at < before => {
                Some((Reason::NotYetValid, format!("{name} is not valid before {}.", certificate::moment(before))))
            }
            _ => None,
        }
    }

    /// A certificate in words.
    fn name(&self, content: &Content) -> String {
        let what = match self.contents.first() {
            Some(leaf) if std::ptr::eq(leaf, content) => format!("The {}'s certificate", who(self.side)),
            _ => "The issuing certificate".into(),
        };
        format!("{what} {}", content.subject.as_deref().filter(|name| !name.is_empty()).unwrap_or(&content.sha256))
    }

    fn explain(&self, error: &Error) -> (Reason, String) {
        let leaf_is_self_issued = self.contents.first().is_some_and(|leaf| leaf.self_issued == Some(true));
        match error {
            Error::UnknownIssuer => self.no_anchor(),
            Error::CaUsedAsEndEntity | Error::UnsupportedCertVersion if leaf_is_self_issued => self.no_anchor(),
            Error::InvalidSignatureForPublicKey | Error::SignatureAlgorithmMismatch => self.bad_signature(),
            #[allow(deprecated)] // the older forms may still be returned
            Error::UnsupportedSignatureAlgorithm
            | Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKey
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => self.unsupported_signature(),
            other => {
                let (reason, words) = verification_words::of(other, self.side);
                (reason, format!("{words}."))
            }
        }
    }

    /// No path leads to an anchor: where it ends, and what would have to follow.
    fn no_anchor(&self) -> (Reason, String) {
        let store = self.trust.describe();
        let path = self.path();
        let Some((leaf, last)) = path.first().zip(path.last()) else {
            return (Reason::UnknownCa, format!("No certificate leads to {store}."));
        };
        if leaf.self_issued == Some(true) {
            let explanation = format!("{} is signed by itself and is not in {store}.", self.name(leaf));
            return (Reason::SelfSigned, explanation);
        }
        let issuer = last.issuer.as_deref().unwrap_or("unknown");
        if self.contents.iter().any(|content| content.subject == last.issuer) {
            let explanation = format!("The chain ends with the root {issuer}, which is not in {store}.");
            return (Reason::UnknownCa, explanation);
        }
        let whose = self.name(last);
        let alone = path.len() == 1;
        if alone && self.is_probably_issued_by_an_intermediate(last) {
            let others = match self.contents.len() {
                0 | 1 => format!("The {} sent no other certificate", who(self.side)),
                count => {
                    let count = count.saturating_sub(1);
                    format!("None of the {count} others that the {} sent is its", who(self.side))
                }
            };
            let explanation = format!(
                "{whose} was issued by {issuer}, which is not in {store}. {others}: the intermediate certificate is \
                 missing."
            );
            return (Reason::MissingIntermediate, explanation);
        }
        let explanation = format!(
            "{whose} was issued by {issuer}, which the {} did not send and which is not in {store}: a private or \
             former authority, or one more intermediate certificate that is missing.",
            who(self.side)
        );
        (Reason::UnknownCa, explanation)
    }

    /// Authorities in public use never let their roots sign servers' certificates: then the issuer is an intermediate,
    /// which is not in lists of roots. That it is one shows where authorities say where to find the issuer or ask
    /// about revocation, or where the user gave the roots.
    fn is_probably_issued_by_an_intermediate(&self, leaf: &Content) -> bool {
        let issuer = leaf.issuer_cn.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
        if issuer.contains("root") {
            return false;
        }
        let organisation = leaf.issuer_organisation.as_deref().unwrap_or_default();
        // Who verifies clients gave them their certificates as a rule, from a root of its own.
        leaf.has_authority_access
            || (self.side == Side::Server
                && (self.trust.is_extended()
                    || (!organisation.is_empty() && self.trust.knows_organisation(organisation.as_bytes()))))
    }

    fn bad_signature(&self) -> (Reason, String) {
        let path = self.path();
        // Keys that are too short cannot be used at all.
        let short = path.iter().skip(1).find(|content| is_rsa(content) && content.key_bits.is_some_and(|n| n < 1024));
        if let Some(content) = short {
            let bits = content.key_bits.unwrap_or_default();
            return (Reason::WeakKey, format!("{} has an RSA key of {bits} bits.", self.name(content)));
        }
        let issuer = path.last().and_then(|content| content.issuer.as_deref()).unwrap_or("its issuer");
        if self.sent_links_hold(&path) {
            let explanation = format!(
                "The chain ends with the authority {issuer}; {} holds one of that name, but with another key.",
                self.trust.describe()
            );
            return (Reason::UnknownCa, explanation);
        }
        let explanation = format!(
            "A signature of the chain up to {issuer} does not fit the issuer's key: a certificate was altered, or the \
             issuer has another key under the same name."
        );
        (Reason::InvalidSignature, explanation)
    }

    /// Whether all that the server sent is well signed, so that only the step to the anchor is wrong.
    fn sent_links_hold(&self, path: &[&Content]) -> bool {
        let Some((last, below)) = path.split_last().filter(|(_, below)| !below.is_empty()) else { return false };
        let place = self.contents.iter().position(|content| std::ptr::eq(content, *last));
        let Some(der) = place.and_then(|place| self.chain.get(place)) else { return false };
        let der = CertificateDer::from(*der);
        let Ok(anchor) = webpki::anchor_from_trusted_cert(&der) else { return false };
        let until = below.iter().filter_map(|content| content.not_after).min().unwrap_or_default();
        self.verify_up_to(&[anchor], self.common_time().unwrap_or(until)).is_ok()
    }

    fn unsupported_signature(&self) -> (Reason, String) {
        let weak = self.path().into_iter().find_map(|content| weakness(content, i64::MAX));
        weak.unwrap_or_else(|| {
            let algorithms: Vec<&str> =
                self.contents.iter().filter_map(|content| content.signature_algorithm.as_deref()).collect();
            let explanation = format!(
                "The chain uses a signature algorithm or key that is not checked here ({}).",
                algorithms.join(", ")
            );
            (Reason::Unsupported, explanation)
        })
    }
}

fn is_rsa(content: &Content) -> bool {
    content.key_type.as_deref().is_some_and(|kind| kind.starts_with("RSA"))
}

/// A key that is too short, or a hash that is broken, as clients judged it at a time.
fn weakness(content: &Content, at: i64) -> Option<(Reason, String)> {
    let name = content.subject.as_deref().unwrap_or(&content.sha256);
    let bits = content.key_bits.unwrap_or(u32::MAX);
    let short = match content.key_type.as_deref() {
        Some("RSA" | "RSA-PSS" | "DSA") => bits < 2048 && (at >= SHORT_KEYS_END || bits < 1024),
        Some("EC") => bits < 224,
        _ => false,
    };
    if short {
        let kind = content.key_type.as_deref().unwrap_or_default();
        return Some((Reason::WeakKey, format!("{name} has a key of type {kind} of {bits} bits.")));
    }
    // What somebody says of themselves does not rest on the signature.
    let algorithm = content.signature_algorithm.as_deref().filter(|_| content.self_issued != Some(true))?;
    let lower = algorithm.to_ascii_lowercase();
    let weak = (lower.contains("sha1") && at >= SHA1_ENDS)
        || (lower.contains("md5") && at >= MD5_ENDS)
        || ["md2", "md4"].iter().any(|hash| lower.contains(hash));
    weak.then(|| (Reason::WeakSignature, format!("{name} is signed with {algorithm}.")))
}
