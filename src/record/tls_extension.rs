//! `tls_extensions`: the extensions of one TLS handshake message, decoded, on request.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Side, Subject, Timestamp, TlsTransport};

/// The extensions of one TLS handshake message. Messages that are encrypted have them when they were decrypted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TlsExtensions {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The TLS client.
    pub client: Endpoint,
    /// The TLS server.
    pub server: Endpoint,
    /// What carried it.
    pub transport: TlsTransport,
    /// The packet that completed the message.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// The message's name in snake case: `client_hello server_hello hello_retry_request encrypted_extensions
    /// certificate_request new_session_ticket`.
    pub message: &'static str,
    /// The extensions in wire order, GREASE kept.
    pub extension_details: Vec<ExtensionDetail>,
}

/// One extension.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExtensionDetail {
    /// ExtensionType.
    pub id: u16,
    /// IANA's name; of a GREASE value `GREASE (0x1a1a)`, of one without a name its number in hex.
    pub name: String,
    /// Length of its body in bytes.
    pub length: u16,
    /// What it says; null where it is not decoded, or malformed.
    pub value: Option<ExtensionValue>,
    /// What should stand there, when what does is not that.
    pub malformed: Option<&'static str>,
}

/// What an extension says. The shape depends on the extension, and for some on the message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ExtensionValue {
    /// `true`: it says all by being there, or agrees to what was asked for.
    Present(bool),
    /// Numbers with their names, in wire order: supported_versions, supported_groups, signature_algorithms and
    /// signature_algorithms_cert, delegated_credential, ec_point_formats, psk_key_exchange_modes,
    /// compress_certificate, certificate types, heartbeat, ech_outer_extensions, tls_flags.
    Numbers(Vec<NamedNumber>),
    /// Protocol names, what is not UTF-8 replaced: ALPN, next_protocol_negotiation, application_settings.
    Texts(Vec<String>),
    /// key_share.
    KeyShares(Vec<KeyShare>),
    /// server_name of a client (RFC 6066 3).
    ServerName {
        /// The names asked for.
        host_names: Vec<String>,
        /// Whether the hello also carries encrypted_client_hello: then this is the outer, public name and not the
        /// one meant, unless that one is GREASE, which nobody but the client can tell (RFC 9849 6.2).
        outer: bool,
    },
    /// pre_shared_key of a client (RFC 9846 4.2.11).
    OfferedPsks {
        /// The keys offered.
        identities: Vec<PskIdentity>,
        /// Lengths of the binders in bytes.
        binders: Vec<u8>,
    },
    /// pre_shared_key of a server.
    SelectedPsk {
        /// Which of the client's was taken, from 0.
        selected_identity: u16,
    },
    /// Bytes that mean something only to who made them: session_ticket, cookie, connection_id, renegotiation_info,
    /// padding, signed_certificate_timestamp of a server.
    Opaque {
        /// How many bytes, lengths around them left out.
        bytes: u64,
        /// How many items these are, where there may be several.
        items: Option<u64>,
    },
    /// A greatest size: max_fragment_length, record_size_limit, early_data of a ticket.
    Limit {
        /// In bytes.
        bytes: u32,
    },
    /// status_request and status_request_v2 of a client.
    StatusRequests(Vec<StatusRequest>),
    /// certificate_authorities.
    Authorities {
        /// Distinguished names, the first 32.
        names: Vec<String>,
        /// How many there are.
        names_total: u64,
    },
    /// use_srtp (RFC 5764 4.1.1).
    Srtp {
        /// Protection profiles.
        profiles: Vec<NamedNumber>,
        /// Length of srtp_mki in bytes.
        mki_length: u8,
    },
    /// encrypted_client_hello of a client, outer form (RFC 9849 5).
    EncryptedClientHello {
        /// `outer`.
        form: &'static str,
        /// Which of the server's configurations it is made for.
        config_id: u8,
        /// Key derivation function of HPKE.
        kdf: NamedNumber,
        /// AEAD of HPKE.
        aead: NamedNumber,
        /// Length of the encapsulated key in bytes; 0 in the second hello.
        enc_length: u16,
        /// Length of the encrypted hello in bytes.
        payload_length: u16,
    },
    /// encrypted_client_hello inside the encrypted hello.
    InnerClientHello {
        /// `inner`.
        form: &'static str,
    },
    /// encrypted_client_hello in EncryptedExtensions: the server could not open it and says what it could.
    RetryConfigs {
        /// The configurations.
        retry_configs: Vec<EchConfig>,
    },
    /// quic_transport_parameters (RFC 9000 18).
    TransportParameters(Vec<TransportParameter>),
    /// ticket_request of a client (RFC 9149).
    TicketRequest {
        /// Tickets wanted after a full handshake.
        new_session_count: u8,
        /// Tickets wanted after a resumption.
        resumption_count: u8,
    },
}

/// A number of one of IANA's registries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamedNumber {
    /// The number.
    pub id: u16,
    /// Its name; in hex where it has none.
    pub name: String,
}

/// A key share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyShare {
    /// The group's number.
    pub group: u16,
    /// The group's name.
    pub name: String,
    /// Length of the key in bytes; null in a HelloRetryRequest, which only names the group.
    pub length: Option<u16>,
}

/// A pre-shared key that a client offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PskIdentity {
    /// Length of the identity, or ticket, in bytes.
    pub length: u16,
    /// obfuscated_ticket_age as on the wire: milliseconds since the ticket came plus a secret number, modulo 2^32.
    pub obfuscated_ticket_age: u32,
}

/// What a client wants to be told of the certificate's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatusRequest {
    /// CertificateStatusType: `ocsp`, `ocsp_multi`.
    pub status_type: String,
    /// How many responders it names.
    pub responder_ids: u64,
}

/// A configuration for encrypted hellos (RFC 9849 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EchConfig {
    /// version: 0xfe0d.
    pub version: u16,
    /// config_id; null in a version that is not known.
    pub config_id: Option<u8>,
    /// Key encapsulation mechanism of HPKE.
    pub kem: Option<String>,
    /// The name to be shown outside.
    pub public_name: Option<String>,
}

/// A transport parameter of QUIC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TransportParameter {
    /// Its number.
    pub id: u64,
    /// IANA's name; of a reserved one `GREASE`, of one without a name its number in hex.
    pub name: String,
    /// Length of its value in bytes.
    pub length: u64,
    /// Its value, where it is a number: milliseconds, bytes, or a count, as its definition says.
    pub number: Option<u64>,
    /// Its value in hex, where it is a connection id; versions as such, the chosen one first.
    pub text: Option<String>,
}
