//! Which certification authorities are trusted: Mozilla's list as compiled in, and what the user adds. Built once by the
//! command line and shared by all workers; nothing here changes afterwards, and nothing asks the clock.
use rustls_pki_types::{CertificateDer, TrustAnchor, pem::PemObject};
use sha2::{Digest, Sha256};

/// What certificates are judged by.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    /// SHA-256 of the certificates that the user gave: such a one is trusted itself, even when it is no authority.
    given: Vec<[u8; 32]>,
    /// Where the anchors are from, in words.
    sources: Vec<String>,
    /// The moment that counts as now, in seconds since the epoch; null when nothing is judged for now.
    now: Option<i64>,
}

impl Trust {
    /// Mozilla's list, as `webpki-roots` has it.
    #[must_use]
    pub fn mozilla() -> Self {
        let anchors = webpki_roots::TLS_SERVER_ROOTS.to_vec();
        Self { anchors, given: Vec::new(), sources: vec!["Mozilla's list".into()], now: None }
    }

    /// Judges also for this moment, in seconds since the epoch.
    #[must_use]
    pub fn with_now(self, seconds: i64) -> Self {
        Self { now: Some(seconds), ..self }
    }

    /// Trusts the certificates of a PEM file as well. `source` is how reports call it.
    ///
    /// # Errors
    /// A sentence, when it holds no certificate or one that cannot be read.
    pub fn add_pem(&mut self, pem: &[u8], source: &str) -> Result<usize, String> {
        let mut count = 0_usize;
        for der in CertificateDer::pem_slice_iter(pem) {
            let der = der.map_err(|error| format!("{source}: not PEM: {error}"))?;
            self.add(&der).map_err(|error| format!("{source}: {error}"))?;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(format!("{source}: no certificate in it; PEM with BEGIN CERTIFICATE lines is expected"));
        }
        self.sources.push(source.into());
        Ok(count)
    }

    /// Trusts certificates of the system's store as well; those that cannot be read are left out. Answers how many were
    /// taken.
    pub fn add_system<'d>(&mut self, certificates: impl IntoIterator<Item = &'d [u8]>) -> usize {
        let mut count = 0_usize;
        for der in certificates {
            if self.add(&CertificateDer::from(der)).is_ok() {
                count = count.saturating_add(1);
            }
        }
        self.sources.push("the system's store".into());
        count
    }

    fn add(&mut self, der: &CertificateDer<'_>) -> Result<(), String> {
        let anchor = webpki::anchor_from_trusted_cert(der).map_err(|error| format!("not a certificate: {error}"))?;
        self.anchors.push(anchor.to_owned());
        self.given.push(Sha256::digest(der).into());
        Ok(())
    }

    /// The anchors.
    #[must_use]
    pub fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// Whether the user gave certificates of their own.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        !self.given.is_empty()
    }

    /// Whether the user gave this very certificate.
    #[must_use]
    pub fn is_given(&self, der: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(der).into();
        self.given.contains(&digest)
    }

    /// Where the anchors are from, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.sources.as_slice() {
            [] => "an empty list".into(),
            [one] => one.clone(),
            [most @ .., last] => format!("{} and {last}", most.join(", ")),
        }
    }

    /// The moment that counts as now, in seconds since the epoch.
    #[must_use]
    pub fn now(&self) -> Option<i64> {
        self.now
    }

    /// Whether an anchor's name has this organisation.
    #[must_use]
    pub fn knows_organisation(&self, organisation: &[u8]) -> bool {
        // organizationName (2.5.4.10), then a string of any type.
        const ORGANISATION: [u8; 5] = [6, 3, 0x55, 4, 0x0a];
        let Ok(length) = u8::try_from(organisation.len()) else { return false };
        self.anchors.iter().any(|anchor| {
            let subject = anchor.subject.as_ref();
            memchr::memmem::find_iter(subject, &ORGANISATION).any(|at| {
                let value = subject.get(at.saturating_add(ORGANISATION.len())..).unwrap_or_default();
                matches!(value, [_, found, value @ ..] if *found == length && value.starts_with(organisation))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mozillas_list_is_there() {
        let trust = Trust::mozilla();
        assert!(trust.anchors().len() > 100);
        assert!(trust.knows_organisation(b"Internet Security Research Group"));
        assert!(!trust.knows_organisation(b"Internet Security"));
        assert_eq!(trust.describe(), "Mozilla's list");
    }

    #[test]
    fn given_certificates_are_added_and_nonsense_is_refused() {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let mut trust = Trust::default();
        let two = format!("{}\n{}", certificate.pem(), certificate.pem());
        assert_eq!(trust.add_pem(two.as_bytes(), "mine.pem"), Ok(2));
        assert!(trust.is_given(certificate.der()) && trust.is_extended());
        assert!(trust.add_pem(b"hello", "x").unwrap_err().contains("no certificate"));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(trust.add_pem(broken.as_bytes(), "x").unwrap_err().contains("not a certificate"));
    }
}
