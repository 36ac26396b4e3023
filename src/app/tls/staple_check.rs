//! Whether a stapled OCSP response is to be believed (RFC 6960 3.2): it is about the certificate that was shown, who signed
//! it may, the signature holds, and the capture's time lies between thisUpdate and nextUpdate. Signatures are the
//! libraries' business.
use std::{sync::Arc, time::Duration};

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::{certificate::X509Certificate, der_parser::asn1_rs::FromDer};

use super::{
    certificate, der,
    signatures::{self, Checked},
    staple::{self, Responder, Response, Single, Stapled},
    verification::Verifier,
};
use crate::record::{OcspSigner, OcspStaple, SignedCertificateTimestamp, StapleProblem as Problem};

/// Clocks of responders and captures may differ by so much, as OpenSSL allows: 5 minutes.
const SKEW_SECONDS: i64 = 300;
/// id-kp-OCSPSigning (RFC 6960 4.2.2.2), in DER.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];

/// What was found that time does not change.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    signer: Option<OcspSigner>,
    problems: Vec<(Problem, String)>,
    /// Validity of the responder's own certificate.
    delegate: Option<(i64, i64)>,
}

/// What a staple came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// For the record; null when there is no statement in it.
    pub(super) staple: Option<OcspStaple>,
    /// Signed certificate timestamps in it.
    pub(super) scts: Vec<SignedCertificateTimestamp>,
    /// What is wrong with it, also when it holds no statement.
    pub(super) problems: Vec<Problem>,
    /// The same in sentences.
    pub(super) explanation: String,
}

/// Reads an OCSPResponse, and judges it, where somebody judges, for the leaf of `chain` at a moment in seconds since the
/// epoch.
pub(super) fn judge(response: &[u8], chain: &[&[u8]], verifier: Option<&mut Verifier>, at: i64) -> Judged {
    let response = match staple::read(response) {
        Some(Stapled::Response(response)) => response,
        Some(Stapled::Unsuccessful(status)) => {
            let explanation = format!("The responder's answer holds no statement: {}.", status_words(status));
            return Judged { problems: vec![Problem::Unsuccessful], explanation, ..Judged::default() };
        }
        None => return Judged::default(),
    };
    let leaf = chain.first().and_then(|der| X509Certificate::from_der(der).ok()).map(|(_, leaf)| leaf);
    let serial = leaf.as_ref().map(|leaf| certificate::serial(leaf.raw_serial()));
    let Some(single) = response.about(serial.as_deref()) else { return Judged::default() };
    let mut staple = staple::record(&response, single);
    if let Some(verifier) = verifier {
        let found = match &leaf {
            Some(leaf) => verifier.staple(&response, single, leaf, chain),
            None => Arc::new(Found::not_checked("The certificate it is about was not seen.")),
        };
        staple.signed_by = found.signer;
        let mut problems = found.problems.clone();
        problems.extend(out_of_time(single, found.delegate, at));
        problems.sort_by_key(|(problem, _)| *problem);
        staple.problems = problems.iter().map(|(problem, _)| *problem).collect();
        staple.problems.dedup();
        staple.explanation = problems.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(" ");
    }
    Judged {
        scts: single.scts.clone(),
        problems: staple.problems.clone(),
        explanation: staple.explanation.clone(),
        staple: Some(staple),
    }
}

/// OCSPResponseStatus in words (RFC 6960 4.2.1).
fn status_words(status: u8) -> String {
    let words = match status {
        1 => "the request was malformed",
        2 => "the responder failed",
        3 => "the responder asks to try again later",
        5 => "the request must be signed",
        6 => "the request was not allowed",
        other => return format!("status {other}"),
    };
    words.into()
}

fn out_of_time(single: &Single<'_>, delegate: Option<(i64, i64)>, at: i64) -> Vec<(Problem, String)> {
    let mut problems = Vec::new();
    if let Some(this) = single.this_update.filter(|this| at < this.saturating_sub(SKEW_SECONDS)) {
        let words = format!("It is not valid before {} (thisUpdate).", certificate::moment(this));
        problems.push((Problem::NotYetValid, words));
    }
    if let Some(next) = single.next_update.filter(|next| at > next.saturating_add(SKEW_SECONDS)) {
        let words = format!("A newer one was to be had from {} on (nextUpdate).", certificate::moment(next));
        problems.push((Problem::Outdated, words));
    }
    if let Some((from, until)) = delegate.filter(|(from, until)| at < *from || at > *until) {
        let (from, until) = (certificate::moment(from), certificate::moment(until));
        let words = format!("The responder's own certificate was valid from {from} to {until} only.");
        problems.push((Problem::Outdated, words));
    }
    problems
}

impl Found {
    fn not_checked(why: &str) -> Self {
        Self { problems: vec![(Problem::NotChecked, why.into())], ..Self::default() }
    }

    fn problem(mut self, problem: Problem, words: String) -> Self {
        self.problems.push((problem, words));
        self
    }
}

/// A staple, the certificate it should be about, and those who may have signed it.
pub(super) struct Question<'a> {
    pub(super) response: &'a Response<'a>,
    pub(super) single: &'a Single<'a>,
    pub(super) leaf: &'a X509Certificate<'a>,
    pub(super) chain: &'a [&'a [u8]],
    pub(super) anchors: &'a [TrustAnchor<'static>],
    pub(super) algorithms: &'a [&'static dyn rustls_pki_types::SignatureVerificationAlgorithm],
}

impl Question<'_> {
    /// All that does not depend on the time.
    pub(super) fn answer(&self) -> Found {
        let issuers = self.issuers();
        let known: Vec<(&TrustAnchor<'_>, &[u8], &[u8])> = issuers
            .iter()
            .filter_map(|issuer| {
                let (algorithm, key) = der::public_key(issuer.subject_public_key_info.as_ref())?;
                Some((issuer, algorithm, key))
            })
            .collect();
        let keys: Vec<&[u8]> = known.iter().map(|(_, _, key)| *key).collect();
        let found = Found::default();
        let found = match self.other_certificate(&keys) {
            Some(words) => found.problem(Problem::OtherCertificate, words),
            None => found,
        };
        if known.is_empty() {
            let words = "The issuer's certificate was not shown and is not among the authorities: the signature was not \
                         checked.";
            return found.problem(Problem::NotChecked, words.into());
        }
        let mut unknown = false;
        for (issuer, algorithm, key) in
            known.iter().filter(|(issuer, _, key)| self.is_responder(issuer.subject.as_ref(), key))
        {
            let _ = issuer;
            match self.check((algorithm, key)) {
                Checked::Fits => return Found { signer: Some(OcspSigner::Issuer), ..found },
                Checked::DoesNotFit => {}
                Checked::Unknown => unknown = true,
            }
        }
        let named_issuer = known.iter().any(|(issuer, _, key)| self.is_responder(issuer.subject.as_ref(), key));
        let mut named_delegate = false;
        for der in &self.response.certificates {
            let Ok((_, delegate)) = X509Certificate::from_der(der) else { continue };
            let Some((subject, _)) = der::expect(der::SEQUENCE, delegate.subject().as_raw()) else { continue };
            let Some((info, _)) = der::expect(der::SEQUENCE, delegate.public_key().raw) else { continue };
            let Some((algorithm, key)) = der::public_key(info) else { continue };
            if !self.is_responder(subject, key) {
                continue;
            }
            named_delegate = true;
            let validity = delegate.validity();
            let dates = (validity.not_before.timestamp(), validity.not_after.timestamp());
            match self.check((algorithm, key)) {
                Checked::DoesNotFit => continue,
                Checked::Unknown => unknown = true,
                Checked::Fits if issuers.iter().any(|issuer| self.is_authorised(der, issuer, dates)) => {
                    return Found { signer: Some(OcspSigner::Delegate), delegate: Some(dates), ..found };
                }
                Checked::Fits => {
                    let words = format!(
                        "It is signed by {}, whose certificate the issuer did not issue for signing OCSP responses.",
                        self.response.responder()
                    );
                    return found.problem(Problem::UnauthorisedResponder, words);
                }
            }
        }
        if unknown {
            let words = "It is signed with an algorithm that is not checked here.";
            return found.problem(Problem::NotChecked, words.into());
        }
        let responder = self.response.responder();
        if named_issuer || named_delegate {
            let words = format!("Its signature does not fit the key of {responder}: it was altered, or forged.");
            return found.problem(Problem::WrongSignature, words);
        }
        let words =
            format!("It is from {responder}, which is neither the issuer nor shows that the issuer authorised it.");
        found.problem(Problem::UnauthorisedResponder, words)
    }

    /// Those with the name of the leaf's issuer: among what the server sent, and among the authorities.
    fn issuers(&self) -> Vec<TrustAnchor<'static>> {
        let Some((wanted, _)) = der::expect(der::SEQUENCE, self.leaf.issuer().as_raw()) else { return Vec::new() };
        let sent = self.chain.iter().filter_map(|der| {
            let der = CertificateDer::from(*der);
            let anchor = webpki::anchor_from_trusted_cert(&der).ok()?;
            (anchor.subject.as_ref() == wanted).then(|| anchor.to_owned())
        });
        let trusted = self.anchors.iter().filter(|anchor| anchor.subject.as_ref() == wanted).cloned();
        sent.chain(trusted).collect()
    }

    /// What of the CertID does not fit the leaf, in words.
    fn other_certificate(&self, issuer_keys: &[&[u8]]) -> Option<String> {
        let Single { serial, name_hash, key_hash, .. } = self.single;
        let (said, shown) = (certificate::serial(serial), certificate::serial(self.leaf.raw_serial()));
        if said != shown {
            return Some(format!("It is about the certificate with the serial number {said}, not {shown}."));
        }
        if self.hash(self.leaf.issuer().as_raw()).is_some_and(|hash| hash != *name_hash) {
            return Some("It is about a certificate of an issuer with another name.".into());
        }
        let fits = |key: &&[u8]| self.hash(key).is_none_or(|hash| hash == *key_hash);
        let other_key = !issuer_keys.is_empty() && !issuer_keys.iter().any(fits);
        other_key.then(|| "It is about a certificate of an issuer with another key.".into())
    }

    /// By the CertID's hash; null when that is not known here.
    fn hash(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        Some(match self.single.hash {
            [0x2b, 14, 3, 2, 26] => Sha1::digest(bytes).to_vec(),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1] => Sha256::digest(bytes).to_vec(),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2] => Sha384::digest(bytes).to_vec(),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3] => Sha512::digest(bytes).to_vec(),
            _ => return None,
        })
    }

    /// Whether the response names this as its responder. `subject`: a Name without its header.
    fn is_responder(&self, subject: &[u8], key: &[u8]) -> bool {
        match self.response.responder {
            Responder::Name(name) => der::expect(der::SEQUENCE, name).is_some_and(|(name, _)| name == subject),
            Responder::KeyHash(hash) => Sha1::digest(key).as_slice() == hash,
        }
    }

    fn check(&self, key: (&[u8], &[u8])) -> Checked {
        let Response { algorithm, signature, signed, .. } = self.response;
        signatures::check(self.algorithms, key, (algorithm, signature), signed)
    }

    /// Whether a certificate was issued by the issuer itself for signing OCSP responses.
    fn is_authorised(&self, der: &[u8], issuer: &TrustAnchor<'_>, (from, until): (i64, i64)) -> bool {
        let der = CertificateDer::from(der);
        let Ok(delegate) = EndEntityCert::try_from(&der) else { return false };
        // Its dates are judged apart.
        let time = u64::try_from(from.max(0)).unwrap_or_default().min(u64::try_from(until).unwrap_or_default());
        let (time, usage) = (UnixTime::since_unix_epoch(Duration::from_secs(time)), KeyUsage::required(OCSP_SIGNING));
        let issuer = std::slice::from_ref(issuer);
        delegate.verify_for_usage(self.algorithms, issuer, &[], time, usage, None, None).is_ok()
    }
}
