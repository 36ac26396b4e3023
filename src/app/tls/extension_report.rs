//! The extensions of handshake messages as the record `tls_extensions` lists them, and findings about those that are
//! malformed, doubled or answer nothing. Does only what is asked for.
use super::{
    conversation::{Handshake, Message},
    diagnosis, extension_names as names,
    extension_values::{self, Place},
    extensions::{Extensions, kind},
    parser,
};
use crate::{
    app::Sink,
    record::{Context, Evidence, ExtensionDetail, Record, RecordKind, Severity, Subject, TlsExtensions, TlsTransport},
};

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV, which asks for renegotiation_info (RFC 5746 3.3).
const RENEGOTIATION_SCSV: u32 = 0x00ff;
const RENEGOTIATION_INFO: u16 = 65281;
const COOKIE: u16 = 44;

/// Takes a ClientHello.
pub(super) fn of_client_hello(
    handshake: &Handshake,
    hello: &parser::ClientHello<'_>,
    message: Message<'_>,
    transport: TlsTransport,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    let place = Place::ClientHello { ech: hello.extensions.find(kind::ENCRYPTED_CLIENT_HELLO).is_some() };
    examine(handshake, hello.extensions, place, message, transport, context, out);
}

/// Takes a ServerHello, or HelloRetryRequest.
pub(super) fn of_server_hello(
    handshake: &Handshake,
    hello: &parser::ServerHello<'_>,
    retry: bool,
    message: Message<'_>,
    transport: TlsTransport,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    let place = if retry { Place::HelloRetryRequest } else { Place::ServerHello };
    examine(handshake, hello.extensions, place, message, transport, context, out);
}

/// Takes another message, where it has extensions: in TLS 1.3.
pub(super) fn of_message(
    handshake: &Handshake,
    message: Message<'_>,
    transport: TlsTransport,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if handshake.machine.is_tls13() != Some(true) {
        return;
    }
    let place = match message.kind {
        parser::kind::ENCRYPTED_EXTENSIONS => Place::EncryptedExtensions,
        parser::kind::CERTIFICATE_REQUEST => Place::CertificateRequest,
        parser::kind::NEW_SESSION_TICKET => Place::NewSessionTicket,
        _ => return,
    };
    if let Some(extensions) = Extensions::of_message(message.kind, message.body) {
        examine(handshake, extensions, place, message, transport, context, out);
    }
}

fn examine(
    handshake: &Handshake,
    extensions: Extensions<'_>,
    place: Place,
    message: Message<'_>,
    transport: TlsTransport,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if out.wants(RecordKind::Finding) {
        judge(handshake, extensions, place, message, context, out);
    }
    if out.wants(RecordKind::TlsExtensions) {
        let (client, server) = handshake.endpoints(context);
        out.record(Record::TlsExtensions(Box::new(TlsExtensions {
            subject: Subject::new(context.flow.id, Evidence::from_iter([message.packet.number])),
            client,
            server,
            transport,
            packet: message.packet.number,
            ts: message.packet.timestamp,
            side: handshake.side(message.direction),
            message: place.name(),
            extension_details: extensions.iter().map(|(kind, body)| detail(kind, body, place)).collect(),
        })));
    }
}

/// An extension for the report.
fn detail(id: u16, body: &[u8], place: Place) -> ExtensionDetail {
    let read = extension_values::read(id, body, place, true);
    let (value, malformed) = match read {
        None => (None, None),
        Some(Ok(value)) => (Some(value), None),
        Some(Err(expected)) => (None, Some(expected)),
    };
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    ExtensionDetail { id, name: names::extension(id), length, value, malformed }
}

/// The message as a sentence names it.
fn title(place: Place) -> &'static str {
    match place {
        Place::ClientHello { .. } => "ClientHello",
        Place::ServerHello => "ServerHello",
        Place::HelloRetryRequest => "HelloRetryRequest",
        Place::EncryptedExtensions => "EncryptedExtensions",
        Place::CertificateRequest => "CertificateRequest",
        Place::NewSessionTicket => "NewSessionTicket",
    }
}

fn judge(
    handshake: &Handshake,
    extensions: Extensions<'_>,
    place: Place,
    message: Message<'_>,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    let (where_, evidence) = (title(place), Evidence::from_iter([message.packet.number]));
    let wrong = extensions
        .iter()
        .find_map(|(id, body)| Some((id, body.len(), extension_values::read(id, body, place, false)?.err()?)));
    if let Some((id, length, expected)) = wrong {
        let title = format!("Malformed extension {} in the {where_}", names::extension(id));
        let explanation = format!(
            "Its {length} bytes are not what its definition asks for: {expected}. A strict peer ends the handshake with \
             decode_error or illegal_parameter."
        );
        let found = (Severity::Warning, "tls.malformed-extension");
        diagnosis::report(out, context, found, evidence.clone(), title, explanation, "RFC 9846 4.2");
    } else if !extensions.is_sound() {
        let title = format!("The extensions of the {where_} do not end where the message does");
        let explanation = "A length among them is wrong: what stands behind it cannot be read. A strict peer ends the \
                           handshake with decode_error."
            .into();
        let found = (Severity::Warning, "tls.malformed-extension");
        diagnosis::report(out, context, found, evidence.clone(), title, explanation, "RFC 9846 4.2");
    }
    let mut seen = Types::default();
    let twice = extensions.iter().map(|(id, _)| id).find(|id| !seen.insert(*id));
    if let Some(id) = twice {
        let title = format!("Extension {} stands twice in the {where_}", names::extension(id));
        let explanation =
            "No type may come more than once in a message. A strict peer ends the handshake; lenient ones \
                           may take either."
                .into();
        let found = (Severity::Warning, "tls.duplicate-extension");
        diagnosis::report(out, context, found, evidence.clone(), title, explanation, "RFC 9846 4.2");
    }
    if place.answers()
        && let Some(id) = unsolicited(handshake, extensions, place)
    {
        let hellos = handshake.client_hellos.iter().map(|hello| hello.packet);
        let packets: Evidence = hellos.chain([message.packet.number]).collect();
        let title = format!("The {where_} holds {}, which the client did not offer", names::extension(id));
        let explanation = "A server may answer only what the client sent. Clients end the handshake with \
                           unsupported_extension."
            .into();
        let found = (Severity::Warning, "tls.unsolicited-extension");
        diagnosis::report(out, context, found, packets, title, explanation, "RFC 9846 4.2");
    }
}

/// The first extension of a server that answers nothing the client sent, where that is certain: all hellos were seen, and
/// none of them hides another one.
fn unsolicited(handshake: &Handshake, extensions: Extensions<'_>, place: Place) -> Option<u16> {
    let hellos = &handshake.client_hellos;
    if hellos.is_empty() || hellos.iter().any(|hello| hello.encrypted_client_hello) {
        return None;
    }
    let mut offered = Types::default();
    hellos.iter().flat_map(|hello| &hello.extensions).for_each(|id| {
        offered.insert(*id);
    });
    let signalled = hellos.iter().any(|hello| hello.cipher_suites.contains(&RENEGOTIATION_SCSV));
    extensions.iter().map(|(id, _)| id).find(|id| {
        let free = match *id {
            COOKIE => place == Place::HelloRetryRequest,
            RENEGOTIATION_INFO => signalled,
            _ => false,
        };
        !free && offered.insert(*id)
    })
}

/// A set of extension types. A message may hold thousands, so that comparing each with each would take too long.
struct Types([u64; 1 << 10]);

impl Default for Types {
    fn default() -> Self {
        Self([0; 1 << 10])
    }
}

impl Types {
    /// Adds one; says whether it was not there before.
    fn insert(&mut self, id: u16) -> bool {
        let Some(word) = self.0.get_mut(usize::from(id >> 6)) else { return false };
        let bit = 1_u64 << (id & 63);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

#[cfg(test)]
#[path = "extension_report_tests.rs"]
mod tests;
