//! `certificate`: one certificate, with the timestamps of transparency logs; and what is said of certificates in `tls`:
//! verdicts and OCSP staples.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Side, Subject, Timestamp, TlsTransport};

/// What a stapled OCSP response says of the server's certificate (RFC 6960 4.2.1), and what of it a client that checks
/// would believe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OcspStaple {
    /// certStatus.
    pub status: RevocationStatus,
    /// The certificate's serial number, lower-case hex without leading zeros.
    pub serial: String,
    /// revocationTime, RFC 3339.
    pub revoked_at: Option<String>,
    /// thisUpdate, RFC 3339.
    pub this_update: Option<String>,
    /// nextUpdate, RFC 3339.
    pub next_update: Option<String>,
    /// producedAt, RFC 3339.
    pub produced_at: Option<String>,
    /// ResponderID: a distinguished name as RFC 4514 writes it, or the hash of a key in hex.
    pub responder: Option<String>,
    /// Whose signature is on it; null when it does not hold or was not checked.
    pub signed_by: Option<OcspSigner>,
    /// What a client that checks would object to; empty when nothing, or when nobody judged.
    pub problems: Vec<StapleProblem>,
    /// What is wrong with it, in sentences; empty when nothing is.
    pub explanation: String,
}

/// Who signed an OCSP response (RFC 6960 4.2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OcspSigner {
    /// The authority that issued the certificate.
    Issuer,
    /// One whose certificate, sent along, the authority issued for this purpose (extendedKeyUsage OCSPSigning).
    Delegate,
}

/// What is wrong with a stapled OCSP response. In the order of their weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StapleProblem {
    /// Its signature does not fit the key of who claims to have signed it.
    WrongSignature,
    /// Who signed is neither the certificate's issuer nor authorised by it (RFC 6960 4.2.2.2).
    UnauthorisedResponder,
    /// It is about another certificate than the one shown (CertID).
    OtherCertificate,
    /// The responder's answer holds no statement (OCSPResponseStatus other than successful).
    Unsuccessful,
    /// thisUpdate is later than the packet.
    NotYetValid,
    /// nextUpdate is before the packet, or the responder's certificate had expired.
    Outdated,
    /// The issuer's certificate was not shown and is not among the authorities, or the algorithm is not known here: the
    /// signature could not be checked.
    NotChecked,
}

/// Whether a certificate was revoked (RFC 6960 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum RevocationStatus {
    Good,
    Revoked,
    Unknown,
}

/// Verdict on one side's certificates: what a peer with the given authorities would make of them. Whether the peer that was
/// captured refused is told by `outcome` and `failure`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verification {
    /// Whether they verified.
    pub ok: bool,
    /// The weightiest reason why not; `ok` when they did.
    pub reason: VerificationReason,
    /// For which moment they were judged: when the last of them was captured.
    pub at: Timestamp,
    /// All reasons why not, the weightiest first.
    pub reasons: Vec<VerificationReason>,
    /// What is missing or wrong, in sentences.
    pub explanation: String,
    /// The host name they were compared with, which is the one the client asked for; null when it asked for none, and for
    /// a client's certificates.
    pub host: Option<String>,
    /// The authorities by which they were judged, in words.
    pub trust: String,
    /// The same certificates judged for the moment of the analysis (or `--now`).
    pub now: Option<VerificationNow>,
}

/// Verdict on the same certificates at the moment of the analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerificationNow {
    /// Whether they verify.
    pub ok: bool,
    /// The weightiest reason why not; `ok` when they do.
    pub reason: VerificationReason,
}

/// Why a chain of certificates is not accepted. In the order of their weight: what is wrong with the certificates
/// themselves comes before what depends on whom one trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationReason {
    /// Nothing is wrong.
    Ok,
    /// A signature does not fit the issuer's key.
    InvalidSignature,
    /// A certificate does not follow RFC 5280.
    Malformed,
    /// The OCSP response that the server showed says revoked (RFC 6960).
    RevokedByStaple,
    /// An authority is distrusted by name.
    Distrusted,
    /// Past notAfter.
    Expired,
    /// Before notBefore.
    NotYetValid,
    /// The certificate is signed by itself and not among those trusted.
    SelfSigned,
    /// It is for other names than the one that the client asked for (RFC 9525).
    WrongHost,
    /// The certificate of its issuer was left out.
    MissingIntermediate,
    /// The chain does not end with a trusted authority.
    UnknownCa,
    /// extendedKeyUsage or basicConstraints say it is not for servers (or, a client's, not for clients).
    WrongPurpose,
    /// An issuer is no authority.
    NotACa,
    /// An issuer may not issue for this name (RFC 5280 4.2.1.10).
    NameConstraints,
    /// Too many authorities below one that limits them (RFC 5280 4.2.1.9).
    PathLength,
    /// A key that is too short.
    WeakKey,
    /// A signature with a broken hash.
    WeakSignature,
    /// Of a version, with a critical extension or with an algorithm that is not accepted or not checked here.
    Unsupported,
    /// Too many possible paths.
    TooComplex,
}

impl VerificationReason {
    /// For a table's cell.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InvalidSignature => "invalid signature",
            Self::Malformed => "malformed",
            Self::RevokedByStaple => "revoked",
            Self::Distrusted => "distrusted",
            Self::Expired => "expired",
            Self::NotYetValid => "not yet valid",
            Self::SelfSigned => "self-signed",
            Self::WrongHost => "wrong host",
            Self::MissingIntermediate => "missing intermediate",
            Self::UnknownCa => "unknown CA",
            Self::WrongPurpose => "wrong purpose",
            Self::NotACa => "issuer is no CA",
            Self::NameConstraints => "name constraints",
            Self::PathLength => "path too long",
            Self::WeakKey => "weak key",
            Self::WeakSignature => "weak signature",
            Self::Unsupported => "not checked",
            Self::TooComplex => "too complex",
        }
    }
}

/// A certificate seen in a flow (RFC 5280).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Certificate {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject_flow: Subject,
    /// The TLS client.
    pub client: Endpoint,
    /// The TLS server.
    pub server: Endpoint,
    /// Who showed it.
    pub side: Side,
    /// What carried it.
    pub transport: TlsTransport,
    /// Place in the list, 0 for the leaf.
    pub position: u32,
    /// Subject's distinguished name.
    pub subject: Option<String>,
    /// Issuer's distinguished name.
    pub issuer: Option<String>,
    /// Subject's common names.
    pub subject_cn: Vec<String>,
    /// Issuer's common names.
    pub issuer_cn: Vec<String>,
    /// Serial number in lower-case hex without leading zeros.
    pub serial: Option<String>,
    /// Valid from, RFC 3339.
    pub not_before: Option<String>,
    /// Valid until, RFC 3339.
    pub not_after: Option<String>,
    /// DNS names in subjectAltName.
    pub san_dns: Vec<String>,
    /// IP addresses in subjectAltName.
    pub san_ip: Vec<String>,
    /// Type of the public key, such as `RSA`.
    pub key_type: Option<String>,
    /// Its size in bits.
    pub key_bits: Option<u32>,
    /// Signature algorithm.
    pub signature_algorithm: Option<String>,
    /// Whether basicConstraints make it a CA.
    pub is_ca: Option<bool>,
    /// Whether subject and issuer are the same.
    pub self_signed: Option<bool>,
    /// Length of the DER in bytes.
    pub der_length: u64,
    /// SHA-256 of the DER, hex.
    pub sha256: String,
    /// SHA-1 of the DER, hex.
    pub sha1: String,
    /// Signed certificate timestamps, from the certificate itself, the handshake's extension and the OCSP staple. Their
    /// signatures are not verified: that needs the keys of the logs, of which no list is shipped.
    pub scts: Vec<SignedCertificateTimestamp>,
    /// The DER itself; not part of reports.
    #[serde(skip)]
    pub der: Box<[u8]>,
}

/// A statement of a certificate transparency log that it has, or will have, a certificate (RFC 6962 3.2). Not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignedCertificateTimestamp {
    /// Where it stood.
    pub source: SctSource,
    /// The structure's version, 1 for RFC 6962 (0 on the wire). Of others nothing else is read.
    pub version: u16,
    /// LogID: SHA-256 of the log's key, lower-case hex.
    pub log_id: Option<String>,
    /// When the log took the certificate.
    pub ts: Option<Timestamp>,
    /// Algorithm of the log's signature by the name of the SignatureScheme with its number: `ecdsa_secp256r1_sha256`.
    pub signature_algorithm: Option<String>,
}

/// Where a signed certificate timestamp stood (RFC 6962 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SctSource {
    /// In the certificate's own extension.
    Certificate,
    /// In the handshake's extension signed_certificate_timestamp: of ServerHello, in TLS 1.3 of the Certificate message.
    TlsExtension,
    /// In the stapled OCSP response.
    OcspStaple,
}

/// What a server's certificate shows of who made it, when those of many connections are compared. Never printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafMarks {
    /// The packet that completed it.
    pub packet: PacketNumber,
    /// Issuer's distinguished name.
    pub issuer: String,
    /// Issuer's common names and organisations.
    pub issuer_words: Vec<String>,
    /// Whether a chain leads to an authority that is trusted.
    pub trusted: bool,
    /// Whether it is for the name that the client asked for.
    pub for_host: bool,
    /// Whether it has signed certificate timestamps from anywhere.
    pub has_scts: bool,
    /// Whether it says by which rules it was issued or where to ask about revocation (certificatePolicies,
    /// authorityInfoAccess or cRLDistributionPoints), as those of public authorities do.
    pub has_public_pointers: bool,
    /// SHA-256 of its subjectPublicKeyInfo.
    pub key: [u8; 32],
    /// SHA-256 of its DER, hex.
    pub sha256: String,
    /// notBefore in seconds since the epoch.
    pub not_before: i64,
}
