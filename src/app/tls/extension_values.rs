//! What extensions say: a body, by its type and the message it stands in, to the value that is reported, or to what
//! should have stood there. Strict about lengths, lenient about values: names for unknown numbers are their numbers.
use x509_parser::{prelude::FromDer, x509::X509Name};

use super::{
    certificate,
    extension_body::{Body, Expected, Width, vector},
    extension_names as names,
    extensions::kind,
    fingerprint::hex,
    names as tls_names,
};
use crate::{
    app::codec::varint::varint,
    limits,
    record::{EchConfig, ExtensionValue, KeyShare, NamedNumber, PskIdentity, StatusRequest, TransportParameter},
};

/// The message that extensions stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// ClientHello. `ech`: it carries encrypted_client_hello, too.
    ClientHello {
        /// Whether it carries encrypted_client_hello.
        ech: bool,
    },
    /// ServerHello, of any version.
    ServerHello,
    /// HelloRetryRequest.
    HelloRetryRequest,
    /// EncryptedExtensions.
    EncryptedExtensions,
    /// CertificateRequest of TLS 1.3.
    CertificateRequest,
    /// NewSessionTicket of TLS 1.3.
    NewSessionTicket,
}

impl Place {
    /// The message's name in snake case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientHello { .. } => "client_hello",
            Self::ServerHello => "server_hello",
            Self::HelloRetryRequest => "hello_retry_request",
            Self::EncryptedExtensions => "encrypted_extensions",
            Self::CertificateRequest => "certificate_request",
            Self::NewSessionTicket => "new_session_ticket",
        }
    }

    fn is_client(self) -> bool {
        matches!(self, Self::ClientHello { .. })
    }

    /// Whether what stands in it answers what the client offered.
    #[must_use]
    pub fn answers(self) -> bool {
        matches!(self, Self::ServerHello | Self::HelloRetryRequest | Self::EncryptedExtensions)
    }
}

/// Extension types that only this file looks at.
mod only_here {
    pub const MAX_FRAGMENT_LENGTH: u16 = 1;
    pub const CERT_TYPE: u16 = 9;
    pub const USE_SRTP: u16 = 14;
    pub const HEARTBEAT: u16 = 15;
    pub const STATUS_REQUEST_V2: u16 = 17;
    pub const SIGNED_CERTIFICATE_TIMESTAMP: u16 = 18;
    pub const CLIENT_CERTIFICATE_TYPE: u16 = 19;
    pub const SERVER_CERTIFICATE_TYPE: u16 = 20;
    pub const PADDING: u16 = 21;
    pub const ENCRYPT_THEN_MAC: u16 = 22;
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    pub const COMPRESS_CERTIFICATE: u16 = 27;
    pub const RECORD_SIZE_LIMIT: u16 = 28;
    pub const DELEGATED_CREDENTIAL: u16 = 34;
    pub const COOKIE: u16 = 44;
    pub const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    pub const CERTIFICATE_AUTHORITIES: u16 = 47;
    pub const POST_HANDSHAKE_AUTH: u16 = 49;
    pub const SIGNATURE_ALGORITHMS_CERT: u16 = 50;
    pub const CONNECTION_ID: u16 = 54;
    pub const QUIC_TRANSPORT_PARAMETERS: u16 = 57;
    pub const TICKET_REQUEST: u16 = 58;
    pub const TLS_FLAGS: u16 = 62;
    pub const NEXT_PROTOCOL_NEGOTIATION: u16 = 13172;
    pub const APPLICATION_SETTINGS_OLD: u16 = 17513;
    pub const APPLICATION_SETTINGS: u16 = 17613;
    pub const ECH_OUTER_EXTENSIONS: u16 = 64768;
    pub const RENEGOTIATION_INFO: u16 = 65281;
    pub const QUIC_TRANSPORT_PARAMETERS_DRAFT: u16 = 65445;
}
use only_here::*;

/// What a reader makes of lists: kept for the report, or only walked to see whether they are sound.
#[derive(Clone, Copy)]
struct Reader {
    keep: bool,
    place: Place,
}

type Value = Result<ExtensionValue, Expected>;

/// Reads an extension's body. Null when its type is not decoded in that message. With `keep` false only lengths are
/// checked and the value is a hollow one, for which nothing is allocated.
pub fn read(kind: u16, body: &[u8], place: Place, keep: bool) -> Option<Value> {
    let reader = Reader { keep, place };
    let client = place.is_client();
    let asked = client || place == Place::CertificateRequest;
    Some(match kind {
        kind::SERVER_NAME if client => reader.server_name(body),
        kind::SUPPORTED_VERSIONS if client => reader.pairs(body, Width::One, tls_names::version, "a list of versions"),
        kind::SUPPORTED_VERSIONS => reader.one16(body, tls_names::version, "the chosen version, two bytes"),
        kind::SUPPORTED_GROUPS => reader.pairs(body, Width::Two, tls_names::group, "a list of groups"),
        kind::SIGNATURE_ALGORITHMS | SIGNATURE_ALGORITHMS_CERT | DELEGATED_CREDENTIAL if asked => {
            reader.pairs(body, Width::Two, tls_names::signature_scheme, "a list of signature schemes")
        }
        kind::EC_POINT_FORMATS => reader.bytes(body, names::point_format, "a list of point formats"),
        PSK_KEY_EXCHANGE_MODES if client => reader.bytes(body, names::psk_key_exchange_mode, "a list of modes"),
        CERT_TYPE | CLIENT_CERTIFICATE_TYPE | SERVER_CERTIFICATE_TYPE if client => {
            reader.bytes(body, names::certificate_type, "a list of certificate types")
        }
        CERT_TYPE | CLIENT_CERTIFICATE_TYPE | SERVER_CERTIFICATE_TYPE => {
            reader.one8(body, names::certificate_type, "the chosen certificate type, one byte")
        }
        COMPRESS_CERTIFICATE if asked => {
            reader.pairs(body, Width::One, names::certificate_compression, "a list of compression algorithms")
        }
        HEARTBEAT => reader.one8(body, names::heartbeat_mode, "the heartbeat mode, one byte"),
        kind::ALPN => reader.protocols(body, "a list of protocol names"),
        APPLICATION_SETTINGS | APPLICATION_SETTINGS_OLD if client => reader.protocols(body, "a list of protocol names"),
        APPLICATION_SETTINGS | APPLICATION_SETTINGS_OLD => opaque(body.len()),
        NEXT_PROTOCOL_NEGOTIATION if client => empty(body),
        NEXT_PROTOCOL_NEGOTIATION => reader.names(body, "protocol names, each behind its length"),
        kind::KEY_SHARE => reader.key_share(body),
        kind::PRE_SHARED_KEY if client => reader.offered_psks(body),
        kind::PRE_SHARED_KEY => selected_psk(body),
        kind::EARLY_DATA if place == Place::NewSessionTicket => {
            limit32(body, "the most early data that may be sent, four bytes")
        }
        EXTENDED_MASTER_SECRET | ENCRYPT_THEN_MAC | POST_HANDSHAKE_AUTH | kind::EARLY_DATA | kind::SERVER_NAME => {
            empty(body)
        }
        kind::SESSION_TICKET | PADDING => opaque(body.len()),
        COOKIE => inner(body, Width::Two, 1, "a cookie behind its two-byte length"),
        RENEGOTIATION_INFO => inner(body, Width::One, 0, "verify data behind their one-byte length"),
        CONNECTION_ID => inner(body, Width::One, 0, "a connection id behind its one-byte length"),
        kind::STATUS_REQUEST if client => reader.status_request(body),
        STATUS_REQUEST_V2 if client => reader.status_requests(body),
        kind::STATUS_REQUEST | STATUS_REQUEST_V2 if body.is_empty() || place == Place::ServerHello => empty(body),
        SIGNED_CERTIFICATE_TIMESTAMP if asked => empty(body),
        SIGNED_CERTIFICATE_TIMESTAMP => timestamps(body),
        MAX_FRAGMENT_LENGTH => max_fragment_length(body),
        RECORD_SIZE_LIMIT => record_size_limit(body),
        CERTIFICATE_AUTHORITIES if asked => reader.authorities(body),
        USE_SRTP => reader.srtp(body),
        kind::ENCRYPTED_CLIENT_HELLO => return reader.encrypted_client_hello(body),
        ECH_OUTER_EXTENSIONS if client => reader.pairs(body, Width::One, names::extension, "a list of extension types"),
        QUIC_TRANSPORT_PARAMETERS => reader.transport_parameters(body),
        // Early drafts wrote them in another way (before draft 27): what does not fit is not decoded.
        QUIC_TRANSPORT_PARAMETERS_DRAFT => return reader.transport_parameters(body).ok().map(Ok),
        TICKET_REQUEST if client => ticket_request(body),
        TLS_FLAGS => reader.flags(body),
        _ => return None,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn length64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn length16(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

fn empty(body: &[u8]) -> Value {
    if body.is_empty() { Ok(ExtensionValue::Present(true)) } else { Err("nothing: an empty extension") }
}

fn opaque(bytes: usize) -> Value {
    Ok(ExtensionValue::Opaque { bytes: length64(bytes), items: None })
}

/// Bytes behind a length of their own, at least so many.
fn inner(body: &[u8], width: Width, least: usize, expected: Expected) -> Value {
    let mut body = Body(body);
    let bytes = vector(&mut body, width, expected)?;
    if bytes.len() < least {
        return Err(expected);
    }
    body.end(ExtensionValue::Opaque { bytes: length64(bytes.len()), items: None }, expected)
}

fn selected_psk(body: &[u8]) -> Value {
    const EXPECTED: Expected = "the number of the chosen key, two bytes";
    let mut body = Body(body);
    let selected_identity = body.number16(EXPECTED)?;
    body.end(ExtensionValue::SelectedPsk { selected_identity }, EXPECTED)
}

fn limit32(body: &[u8], expected: Expected) -> Value {
    let mut body = Body(body);
    let bytes = body.number32(expected)?;
    body.end(ExtensionValue::Limit { bytes }, expected)
}

/// RFC 8449 4.
fn record_size_limit(body: &[u8]) -> Value {
    const EXPECTED: Expected = "the longest record accepted, two bytes, 64 at least";
    let mut body = Body(body);
    let bytes = body.number16(EXPECTED)?;
    if bytes < 64 {
        return Err(EXPECTED);
    }
    body.end(ExtensionValue::Limit { bytes: bytes.into() }, EXPECTED)
}

/// RFC 6066 4.
fn max_fragment_length(body: &[u8]) -> Value {
    match body {
        [code @ 1..=4] => Ok(ExtensionValue::Limit { bytes: 256_u32 << code }),
        _ => Err("a code for the longest fragment: one byte, 1 to 4"),
    }
}

/// RFC 9149 3.
fn ticket_request(body: &[u8]) -> Value {
    match *body {
        [new_session_count, resumption_count] => {
            Ok(ExtensionValue::TicketRequest { new_session_count, resumption_count })
        }
        _ => Err("two numbers of tickets, one byte each"),
    }
}

/// RFC 6962 3.3.
fn timestamps(body: &[u8]) -> Value {
    const EXPECTED: Expected = "a list of signed certificate timestamps";
    let mut body = Body(body);
    let mut list = Body(body.vector16(EXPECTED)?);
    let (mut bytes, mut items) = (0_u64, 0_u64);
    while !list.is_empty() {
        bytes = bytes.saturating_add(length64(list.vector16(EXPECTED)?.len()));
        items = items.saturating_add(1);
    }
    body.end(ExtensionValue::Opaque { bytes, items: Some(items) }, EXPECTED)
}

impl Reader {
    fn named(self, id: u16, name: fn(u16) -> String) -> NamedNumber {
        NamedNumber { id, name: if self.keep { name(id) } else { String::new() } }
    }

    /// Two-byte numbers behind a length; at least one.
    fn pairs(self, body: &[u8], width: Width, name: fn(u16) -> String, expected: Expected) -> Value {
        let mut body = Body(body);
        let list = vector(&mut body, width, expected)?;
        if list.is_empty() || list.len() % 2 != 0 {
            return Err(expected);
        }
        let mut numbers = Vec::new();
        if self.keep {
            let read = |pair: &[u8]| pair.iter().fold(0, |number: u16, byte| number << 8 | u16::from(*byte));
            numbers = list.chunks_exact(2).map(|pair| self.named(read(pair), name)).collect();
        }
        body.end(ExtensionValue::Numbers(numbers), expected)
    }

    /// One-byte numbers behind a one-byte length; at least one.
    fn bytes(self, body: &[u8], name: fn(u16) -> String, expected: Expected) -> Value {
        let mut body = Body(body);
        let list = body.vector8(expected)?;
        if list.is_empty() {
            return Err(expected);
        }
        let mut numbers = Vec::new();
        if self.keep {
            numbers = list.iter().map(|number| self.named((*number).into(), name)).collect();
        }
        body.end(ExtensionValue::Numbers(numbers), expected)
    }

    fn one(self, number: u16, name: fn(u16) -> String) -> ExtensionValue {
        ExtensionValue::Numbers(if self.keep { vec![self.named(number, name)] } else { Vec::new() })
    }

    fn one8(self, body: &[u8], name: fn(u16) -> String, expected: Expected) -> Value {
        match body {
            [number] => Ok(self.one((*number).into(), name)),
            _ => Err(expected),
        }
    }

    fn one16(self, body: &[u8], name: fn(u16) -> String, expected: Expected) -> Value {
        let mut body = Body(body);
        let number = body.number16(expected)?;
        body.end(self.one(number, name), expected)
    }

    /// Texts, each behind a one-byte length, none of them empty (RFC 7301 3.1).
    fn names(self, body: &[u8], expected: Expected) -> Value {
        let (mut list, mut texts) = (Body(body), Vec::new());
        while !list.is_empty() {
            let name = list.vector8(expected)?;
            if name.is_empty() {
                return Err(expected);
            }
            if self.keep {
                texts.push(text(name));
            }
        }
        Ok(ExtensionValue::Texts(texts))
    }

    /// The same in a list with a length; a server names one.
    fn protocols(self, body: &[u8], expected: Expected) -> Value {
        let mut body = Body(body);
        let list = body.vector16(expected)?;
        if list.is_empty() {
            return Err(expected);
        }
        let first = usize::from(list.first().copied().unwrap_or_default());
        if !self.place.is_client() && first.saturating_add(1) != list.len() {
            return Err("one protocol name: the chosen one");
        }
        body.end(self.names(list, expected)?, expected)
    }

    /// RFC 6066 3.
    fn server_name(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "a list of names, each with its type and length";
        let mut body = Body(body);
        let mut list = Body(body.vector16(EXPECTED)?);
        if list.is_empty() {
            return Err(EXPECTED);
        }
        let mut host_names = Vec::new();
        while !list.is_empty() {
            let name_type = list.number8(EXPECTED)?;
            let name = list.vector16(EXPECTED)?;
            if name.is_empty() {
                return Err(EXPECTED);
            }
            if self.keep && name_type == 0 {
                host_names.push(text(name));
            }
        }
        let outer = self.place == Place::ClientHello { ech: true };
        body.end(ExtensionValue::ServerName { host_names, outer }, EXPECTED)
    }

    /// RFC 9846 4.2.8.
    fn key_share(self, body: &[u8]) -> Value {
        let mut body = Body(body);
        let share = |body: &mut Body<'_>, expected| {
            let group = body.number16(expected)?;
            let length = Some(length16(body.vector16(expected)?)).filter(|length| *length > 0).ok_or(expected)?;
            let NamedNumber { id, name } = self.named(group, tls_names::group);
            Ok::<_, Expected>(KeyShare { group: id, name, length: Some(length) })
        };
        match self.place {
            Place::ClientHello { .. } => {
                const EXPECTED: Expected = "a list of groups with a key each";
                let (mut list, mut shares) = (Body(body.vector16(EXPECTED)?), Vec::new());
                while !list.is_empty() {
                    let share = share(&mut list, EXPECTED)?;
                    if self.keep {
                        shares.push(share);
                    }
                }
                body.end(ExtensionValue::KeyShares(shares), EXPECTED)
            }
            Place::HelloRetryRequest => {
                const EXPECTED: Expected = "the group wanted, two bytes";
                let NamedNumber { id, name } = self.named(body.number16(EXPECTED)?, tls_names::group);
                body.end(ExtensionValue::KeyShares(self.kept(KeyShare { group: id, name, length: None })), EXPECTED)
            }
            _ => {
                const EXPECTED: Expected = "the chosen group and the server's key";
                let share = share(&mut body, EXPECTED)?;
                body.end(ExtensionValue::KeyShares(self.kept(share)), EXPECTED)
            }
        }
    }

    fn kept<T>(self, one: T) -> Vec<T> {
        if self.keep { vec![one] } else { Vec::new() }
    }

    /// RFC 9846 4.2.11.
    fn offered_psks(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "keys with their ages, and as many binders of 32 bytes or more";
        let mut body = Body(body);
        let (mut list, mut identities, mut offered) = (Body(body.vector16(EXPECTED)?), Vec::new(), 0_usize);
        while !list.is_empty() {
            let length = length16(list.vector16(EXPECTED)?);
            let obfuscated_ticket_age = list.number32(EXPECTED)?;
            offered = offered.saturating_add(1);
            if length == 0 {
                return Err(EXPECTED);
            }
            if self.keep {
                identities.push(PskIdentity { length, obfuscated_ticket_age });
            }
        }
        let (mut list, mut binders, mut bound) = (Body(body.vector16(EXPECTED)?), Vec::new(), 0_usize);
        while !list.is_empty() {
            let length = u8::try_from(list.vector8(EXPECTED)?.len()).unwrap_or(u8::MAX);
            bound = bound.saturating_add(1);
            if length < 32 {
                return Err(EXPECTED);
            }
            if self.keep {
                binders.push(length);
            }
        }
        if offered == 0 || offered != bound {
            return Err(EXPECTED);
        }
        body.end(ExtensionValue::OfferedPsks { identities, binders }, EXPECTED)
    }

    /// RFC 6066 8.
    fn status_request(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "a status type with responder ids and extensions";
        let mut body = Body(body);
        let status_type = body.number8(EXPECTED)?;
        if status_type != 1 {
            // Only ocsp is defined here: what others hold is theirs.
            return Ok(ExtensionValue::StatusRequests(self.kept(self.status(status_type, 0))));
        }
        let responder_ids = ocsp_request(&mut body, EXPECTED)?;
        body.end(ExtensionValue::StatusRequests(self.kept(self.status(status_type, responder_ids))), EXPECTED)
    }

    fn status(self, status_type: u8, responder_ids: u64) -> StatusRequest {
        let name = self.named(status_type.into(), names::certificate_status_type).name;
        StatusRequest { status_type: name, responder_ids }
    }

    /// RFC 6961 2.2.
    fn status_requests(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "a list of status types, each with its request";
        let mut body = Body(body);
        let (mut list, mut requests) = (Body(body.vector16(EXPECTED)?), Vec::new());
        while !list.is_empty() {
            let status_type = list.number8(EXPECTED)?;
            let mut request = Body(list.vector16(EXPECTED)?);
            let responder_ids = if matches!(status_type, 1 | 2) { ocsp_request(&mut request, EXPECTED)? } else { 0 };
            if self.keep {
                requests.push(self.status(status_type, responder_ids));
            }
        }
        body.end(ExtensionValue::StatusRequests(requests), EXPECTED)
    }

    /// RFC 9846 4.2.4.
    fn authorities(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "a list of distinguished names";
        let mut body = Body(body);
        let (mut list, mut names, mut names_total) = (Body(body.vector16(EXPECTED)?), Vec::new(), 0_u64);
        while !list.is_empty() {
            let name = list.vector16(EXPECTED)?;
            names_total = names_total.saturating_add(1);
            if self.keep && names.len() < limits::MAX_LISTED_AUTHORITIES {
                let read = X509Name::from_der(name).map(|(_, name)| certificate::distinguished_name(&name));
                names.push(read.unwrap_or_else(|_| format!("{} bytes that are no name", name.len())));
            }
        }
        body.end(ExtensionValue::Authorities { names, names_total }, EXPECTED)
    }

    /// RFC 5764 4.1.1.
    fn srtp(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "a list of protection profiles and an identifier";
        let mut body = Body(body);
        let list = body.vector16(EXPECTED)?;
        if list.is_empty() || list.len() % 2 != 0 {
            return Err(EXPECTED);
        }
        let mki_length = u8::try_from(body.vector8(EXPECTED)?.len()).unwrap_or(u8::MAX);
        let mut profiles = Vec::new();
        let mut list = Body(list);
        while self.keep && !list.is_empty() {
            profiles.push(self.named(list.number16(EXPECTED)?, names::srtp_profile));
        }
        body.end(ExtensionValue::Srtp { profiles, mki_length }, EXPECTED)
    }

    /// RFC 9849 5. Null where its form is not one that is known.
    fn encrypted_client_hello(self, body: &[u8]) -> Option<Value> {
        Some(match self.place {
            Place::ClientHello { .. } => match body {
                [1] => Ok(ExtensionValue::InnerClientHello { form: "inner" }),
                [0, outer @ ..] => self.outer_hello(outer),
                _ => Err("the form of the hello: 0 and what belongs to it, or 1 alone"),
            },
            Place::HelloRetryRequest => match body.len() {
                8 => opaque(8),
                _ => Err("a confirmation of eight bytes"),
            },
            Place::EncryptedExtensions => self.retry_configs(body),
            _ => return None,
        })
    }

    fn outer_hello(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "cipher suite, configuration, encapsulated key and encrypted hello";
        let mut body = Body(body);
        let (kdf, aead) = (body.number16(EXPECTED)?, body.number16(EXPECTED)?);
        let config_id = body.number8(EXPECTED)?;
        let enc_length = length16(body.vector16(EXPECTED)?);
        let payload_length = length16(body.vector16(EXPECTED)?);
        if payload_length == 0 {
            return Err(EXPECTED);
        }
        let (kdf, aead) = (self.named(kdf, names::hpke_kdf), self.named(aead, names::hpke_aead));
        let value =
            ExtensionValue::EncryptedClientHello { form: "outer", config_id, kdf, aead, enc_length, payload_length };
        body.end(value, EXPECTED)
    }

    fn retry_configs(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "a list of configurations for encrypted hellos";
        let mut body = Body(body);
        let (mut list, mut retry_configs) = (Body(body.vector16(EXPECTED)?), Vec::new());
        while !list.is_empty() {
            let version = list.number16(EXPECTED)?;
            let contents = list.vector16(EXPECTED)?;
            let (mut config_id, mut kem, mut public_name) = (None, None, None);
            if version == kind::ENCRYPTED_CLIENT_HELLO {
                let mut contents = Body(contents);
                config_id = Some(contents.number8(EXPECTED)?);
                kem = Some(self.named(contents.number16(EXPECTED)?, names::hpke_kem).name);
                let (_key, _suites) = (contents.vector16(EXPECTED)?, contents.vector16(EXPECTED)?);
                let _maximum_name_length = contents.number8(EXPECTED)?;
                let name = contents.vector8(EXPECTED)?;
                public_name = self.keep.then(|| text(name));
            }
            if self.keep {
                retry_configs.push(EchConfig { version, config_id, kem, public_name });
            }
        }
        body.end(ExtensionValue::RetryConfigs { retry_configs }, EXPECTED)
    }

    /// RFC 9000 18.
    fn transport_parameters(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "parameters, each a number, a length and a value";
        let (mut rest, mut parameters) = (body, Vec::new());
        while !rest.is_empty() {
            let (after, id) = varint(rest).map_err(|_| EXPECTED)?;
            let (after, length) = varint(after).map_err(|_| EXPECTED)?;
            let length_here = usize::try_from(length).map_err(|_| EXPECTED)?;
            let (value, after) = after.split_at_checked(length_here).ok_or(EXPECTED)?;
            rest = after;
            if self.keep {
                parameters.push(parameter(id, value));
            }
        }
        Ok(ExtensionValue::TransportParameters(parameters))
    }

    /// RFC-ietf-tls-tlsflags 2: bits from the lowest of the first byte on.
    fn flags(self, body: &[u8]) -> Value {
        const EXPECTED: Expected = "flags behind their one-byte length, the last byte not zero";
        let mut body = Body(body);
        let flags = body.vector8(EXPECTED)?;
        if flags.last().is_none_or(|last| *last == 0) {
            return Err(EXPECTED);
        }
        let mut set = Vec::new();
        if self.keep {
            let bits = flags.iter().flat_map(|byte| (0..8_u8).map(move |bit| byte >> bit & 1 == 1));
            let places = bits.zip(0_u16..).filter(|(bit, _)| *bit).map(|(_, place)| place);
            set = places.map(|id| NamedNumber { id, name: format!("flag {id}") }).collect();
        }
        body.end(ExtensionValue::Numbers(set), EXPECTED)
    }
}

/// Responder ids and request extensions (RFC 6066 8); says how many ids.
fn ocsp_request(body: &mut Body<'_>, expected: Expected) -> Result<u64, Expected> {
    let (mut ids, mut count) = (Body(body.vector16(expected)?), 0_u64);
    while !ids.is_empty() {
        ids.vector16(expected)?;
        count = count.saturating_add(1);
    }
    body.vector16(expected)?;
    Ok(count)
}

fn parameter(id: u64, value: &[u8]) -> TransportParameter {
    let name = match names::transport_parameter(id) {
        Some(name) => name.into(),
        None if names::is_reserved_transport_parameter(id) => "GREASE".into(),
        None => format!("0x{id:x}"),
    };
    let whole = || varint(value).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, number)| number);
    let (number, text) = match id {
        0x00 | 0x0f | 0x10 => (None, Some(hex(value))),
        0x01 | 0x03..=0x0b | 0x0e | 0x20 | 0x3127 | 0xff04_de1b => (whole(), None),
        0x11 => {
            let versions: Vec<String> = value.chunks_exact(4).map(|version| format!("0x{}", hex(version))).collect();
            (None, Some(versions.join(" ")))
        }
        _ => (None, None),
    };
    TransportParameter { id, name, length: length64(value.len()), number, text }
}

#[cfg(test)]
#[path = "extension_values_tests.rs"]
mod tests;
