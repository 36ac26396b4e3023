//! A server's RSA private key, for sessions whose premaster secret was encrypted to it (RFC 5246 7.4.7.1). The `rsa` crate
//! does the mathematics. Its known timing leak (RUSTSEC-2023-0071) is of no account here: nobody who could measure how
//! long an analysis takes learns more than the capture and the key file, which the user holds, already say.
use std::{fmt, sync::Arc};

use rsa::{Pkcs1v15Encrypt, RsaPrivateKey, pkcs1::DecodeRsaPrivateKey, pkcs8::DecodePrivateKey};

use crate::record::{PremasterKey, Secret};

/// Bytes of a premaster secret of the RSA key exchange.
const PREMASTER_BYTES: usize = 48;

/// Why a file holds no key. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has a passphrase.
    #[error("the private key is encrypted: remove its passphrase first, with openssl rsa -in FILE -out PLAIN")]
    Encrypted,
    /// It is something else.
    #[error("no RSA private key (PEM or DER, PKCS #1 or PKCS #8) is in it")]
    None,
}

struct RsaKey(RsaPrivateKey);

impl fmt::Debug for RsaKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an RSA private key")
    }
}

impl PremasterKey for RsaKey {
    fn open(&self, sealed: &[u8]) -> Option<Secret> {
        let opened = self.0.decrypt(Pkcs1v15Encrypt, sealed).ok()?;
        (opened.len() == PREMASTER_BYTES).then(|| Secret::new(&opened))
    }
}

/// Reads a private key: PEM among other text, or DER.
///
/// # Errors
/// There is none that can be used.
pub fn read(bytes: &[u8]) -> Result<Arc<dyn PremasterKey>, KeyError> {
    let der =
        || RsaPrivateKey::from_pkcs8_der(bytes).or_else(|_| RsaPrivateKey::from_pkcs1_der(bytes).map_err(Into::into));
    let key = match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("-----BEGIN ") => pem(text)?,
        _ => der().map_err(|_: rsa::pkcs8::Error| KeyError::None)?,
    };
    Ok(Arc::new(RsaKey(key)))
}

/// The first block of a kind that is understood; certificates and parameters may stand before it.
fn pem(text: &str) -> Result<RsaPrivateKey, KeyError> {
    let mut encrypted = false;
    for (start, _) in text.match_indices("-----BEGIN ") {
        let Some(block) = text.get(start..) else { continue };
        let end = block.find("-----END ").and_then(|end| {
            let rest = block.get(end..)?;
            let line = rest.find('\n').map_or(rest.len(), |line| line.saturating_add(1));
            block.get(..end.saturating_add(line))
        });
        let block = end.unwrap_or(block);
        encrypted |= block.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY") || block.contains("Proc-Type: 4,ENCRYPTED");
        let key = RsaPrivateKey::from_pkcs8_pem(block).ok().or_else(|| RsaPrivateKey::from_pkcs1_pem(block).ok());
        if let Some(key) = key {
            return Ok(key);
        }
    }
    Err(if encrypted { KeyError::Encrypted } else { KeyError::None })
}
