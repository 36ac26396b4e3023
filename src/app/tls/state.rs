//! How far a handshake is, as an observer sees it: a pure step function over what both sides sent. It never refuses:
//! an observer must carry on where an endpoint may stop.
use super::{names, parser::kind, record_layer::content};
use crate::record::{Certainty, Side};

/// Something one side sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A readable handshake message of this type; a HelloRetryRequest is told as such.
    Message(u8),
    /// ChangeCipherSpec.
    ChangeCipherSpec,
    /// An encrypted record: content type and length of the fragment.
    Protected {
        /// ContentType on the wire.
        content_type: u8,
        /// Bytes.
        length: u16,
    },
    /// An encrypted record of DTLS 1.3, whose epoch is told.
    ProtectedIn {
        /// Epoch: 1 early data, 2 the handshake, 3 and more application data.
        epoch: u64,
        /// Bytes of the fragment.
        length: u16,
    },
    /// A readable fatal alert.
    FatalAlert,
    /// Application data that was opened with keys.
    ApplicationData {
        /// Whether it is 0-RTT data.
        early: bool,
    },
    /// A packet of QUIC's Handshake level that stays closed.
    HandshakePacket {
        /// Its protected bytes.
        length: u64,
    },
    /// A packet with 0-RTT data of QUIC.
    EarlyPacket {
        /// Whether it was opened.
        opened: bool,
    },
    /// A packet of QUIC's 1-RTT level.
    DataPacket {
        /// Whether it was opened.
        opened: bool,
        /// Whether the application's data are in it; supposed of one that stays closed.
        of_application: bool,
    },
    /// The server says that the handshake is complete: QUIC's HANDSHAKE_DONE.
    Confirmed,
}

impl From<(u8, u16)> for Event {
    /// Of a record's content type and length.
    fn from((content_type, length): (u8, u16)) -> Self {
        Self::Protected { content_type, length }
    }
}

/// A step to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The message's name.
    pub name: &'static str,
    /// Encrypted messages are implied.
    pub certainty: Certainty,
    /// Whether the server's Finished must have come before this: its last encrypted record was it.
    pub server_finished_before: bool,
    /// The client's Finished must have come before this, in a packet that stays closed.
    pub client_finished_before: bool,
}

impl Step {
    /// One that was read.
    #[must_use]
    pub fn observed(name: &'static str) -> Self {
        Self { name, certainty: Certainty::Observed, server_finished_before: false, client_finished_before: false }
    }

    /// One that must have happened.
    #[must_use]
    pub fn implied(name: &'static str) -> Self {
        Self { certainty: Certainty::Implied, ..Self::observed(name) }
    }
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not yet agreed.
    Negotiating,
    /// Both sides finished; no application data yet.
    Finished,
    /// Application data flow.
    Open,
    /// Broken off by a readable alert.
    Refused,
    /// Broken off by what must be an alert, from its size and place.
    RefusedSilently(Side),
    /// Both sides finished, and this side answered with what must be an alert: a refusal, if the end follows at once.
    PerhapsRefused(Side),
}

/// The machine. Sides are TLS's: the client is who sent the ClientHello.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    tls13: Option<bool>,
    early_data: bool,
    hello_retry: bool,
    changed: [bool; 2],
    finished: [bool; 2],
    protected: [bool; 2],
    open: bool,
    /// The client sent application data, or what must be an alert, after its Finished.
    client_spoke: bool,
    client_left: bool,
    /// The first that the server sent after the client's Finished must be an alert.
    server_left: bool,
    /// The server sent tickets or data, so that it accepted the client.
    server_spoke: bool,
    /// What the server's flight showed of its records so far.
    flight: Flight,
    early_seen: bool,
    /// The suite's tags have eight bytes instead of sixteen (CCM_8), so that records are shorter.
    short_tag: bool,
    refused: bool,
    refused_silently: Option<Side>,
    packets: Packets,
}

/// What QUIC's packets showed.
#[derive(Clone, Copy, Debug, Default)]
struct Packets {
    /// Protected bytes of the server's closed Handshake packets.
    server_flight: u64,
    /// EncryptedExtensions were read, or implied by that.
    extensions: bool,
    /// Nothing of the server's came behind the client's first 1-RTT packet, which alone shows that the client finished.
    unanswered: bool,
}

/// Protected bytes of Handshake packets that are more than acknowledgements, or a CONNECTION_CLOSE with a few words:
/// EncryptedExtensions of QUIC hold transport parameters, with two connection IDs at least, and Finished follows them.
const LEAST_SERVER_FLIGHT: u64 = 100;

/// Lengths of a TLS 1.3 record that holds only Finished: 4 + 32 or 48 bytes, one of inner type, 16 of tag.
const FINISHED_RECORDS: [u16; 2] = [53, 69];
/// The same with eight bytes of tag (CCM_8).
const FINISHED_RECORDS_SHORT: [u16; 2] = [45, 61];
/// By how many bytes the header of a handshake message is longer in DTLS (RFC 9147 5.2).
const DTLS_HEADER_MORE: u16 = 8;

/// Whether a DTLS 1.3 record is as long as one that holds only an acknowledgment (RFC 9147 7): a length, sixteen bytes for
/// each record, inner type and tag.
fn is_acknowledgment(length: u16) -> bool {
    length > 19 && length.wrapping_sub(19).is_multiple_of(16)
}

/// Finished with padding, behind an empty Certificate, or with DTLS's longer header: too short for a certificate.
const PADDED_FINISHED_RECORDS: std::ops::Range<u16> = 53..256;
/// A TLS 1.3 record that holds only an alert (2 bytes), with eight bytes of tag (CCM_8) or sixteen.
const ALERT_RECORDS: [u16; 2] = [11, 19];
/// By how many bytes the tags of CCM_8 are shorter.
const SHORTER_TAG: u16 = 8;
/// A TLS 1.3 record that holds only EndOfEarlyData.
const END_OF_EARLY_DATA_RECORD: u16 = 21;

/// The least length of a TLS 1.3 record that must hold a certificate, in the server's flight behind
/// EncryptedExtensions: a CertificateRequest without a list of authorities is shorter.
const LEAST_CERTIFICATE_RECORD: u16 = 400;
/// Lengths of a TLS 1.3 record that holds only CertificateVerify: 4 + 4 + signature + 1 + 16 bytes, for ECDSA with
/// P-256 and P-384, Ed25519, and RSA keys of 2048, 3072 and 4096 bits.
const SIGNATURE_RECORDS: [std::ops::RangeInclusive<u16>; 6] =
    [93..=97, 125..=129, 89..=89, 281..=281, 409..=409, 537..=537];

/// How far the server's encrypted flight is, by the sizes of its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flight {
    /// Before the certificate.
    #[default]
    Start,
    /// The last record was as long as a certificate.
    Certificate,
    /// Beyond that.
    Other,
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Server)
}

impl Machine {
    /// The server chose a version: of the TLS 1.3 kind or before.
    pub fn negotiated(&mut self, tls13: bool) {
        self.tls13 = Some(tls13);
    }

    /// The chosen suite's tags have eight bytes (RFC 6655): lengths of records are judged accordingly.
    pub fn has_short_tags(&mut self) {
        self.short_tag = true;
    }

    /// Whether the client offered early data in its latest ClientHello.
    pub fn offers_early_data(&mut self, offered: bool) {
        self.early_data = offered;
    }

    /// Whether the version is of the TLS 1.3 kind; null before a ServerHello.
    #[must_use]
    pub fn is_tls13(&self) -> Option<bool> {
        self.tls13
    }

    /// Whether a HelloRetryRequest was seen: then ChangeCipherSpec means nothing.
    #[must_use]
    pub fn saw_hello_retry(&self) -> bool {
        self.hello_retry
    }

    /// Whether a side sent ChangeCipherSpec.
    #[must_use]
    pub fn changed(&self, side: Side) -> bool {
        self.changed.get(place(side)).copied().unwrap_or_default()
    }

    /// Whether a side's Finished was seen or is implied.
    #[must_use]
    pub fn finished(&self, side: Side) -> bool {
        self.finished.get(place(side)).copied().unwrap_or_default()
    }

    /// Where it stands.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if self.refused {
            Stage::Refused
        } else if self.open {
            Stage::Open
        } else if self.packets.unanswered {
            Stage::Negotiating
        } else if let Some(side) = self.refused_silently {
            Stage::RefusedSilently(side)
        } else if self.server_left && !self.client_left {
            Stage::PerhapsRefused(Side::Server)
        } else if self.finished == [true, true] {
            Stage::Finished
        } else {
            Stage::Negotiating
        }
    }

    /// Whether a TLS 1.3 record of this length holds only an alert.
    #[must_use]
    pub fn is_alert_length(length: u16) -> bool {
        ALERT_RECORDS.contains(&length)
    }

    /// One step.
    pub fn step(&mut self, side: Side, event: Event) -> Option<Step> {
        match event {
            Event::Message(kind) => {
                if kind == kind::HELLO_RETRY_REQUEST {
                    self.hello_retry = true;
                }
                self.server_spoke |= side == Side::Server && kind == kind::NEW_SESSION_TICKET;
                if kind == kind::FINISHED {
                    set(&mut self.finished, side);
                }
                self.packets.extensions |= kind == kind::ENCRYPTED_EXTENSIONS;
                Some(Step::observed(names::handshake_type(kind)?))
            }
            Event::ChangeCipherSpec => {
                // The client answers the server's flight with it in TLS 1.3's compatibility mode.
                let answers = self.tls13 == Some(true) && side == Side::Client && self.protected == [false, true];
                let server_finished_before = answers && set(&mut self.finished, Side::Server);
                let first = set(&mut self.changed, side);
                first.then(|| Step { server_finished_before, ..Step::observed("change_cipher_spec") })
            }
            Event::FatalAlert => {
                // Application data of the client proves nothing: the server may still refuse it (RFC 9846 4.4.2.4).
                let unaccepted = self.tls13 == Some(true) && side == Side::Server && !self.server_spoke;
                self.refused |= !self.open || unaccepted;
                None
            }
            Event::ApplicationData { early: true } => {
                let first = !std::mem::replace(&mut self.early_seen, true);
                first.then(|| Step::observed("early_data"))
            }
            // A client may send data before the server's Finished (RFC 7918), a server before the client's.
            Event::ApplicationData { early: false } => {
                self.server_spoke |= side == Side::Server;
                self.open(Certainty::Observed)
            }
            Event::HandshakePacket { length } => self.handshake_packet(side, length),
            Event::DataPacket { opened, of_application } => self.data_packet(side, opened, of_application),
            Event::EarlyPacket { opened } => {
                let certainty = if opened { Certainty::Observed } else { Certainty::Implied };
                self.early().map(|step| Step { certainty, ..step })
            }
            Event::Confirmed => {
                self.finished = [true, true];
                self.server_spoke = true;
                self.packets.unanswered = false;
                None
            }
            Event::Protected { content_type, length } if self.tls13 == Some(true) => {
                self.protected13(side, content_type, length)
            }
            Event::Protected { content_type, .. } => self.protected12(side, content_type),
            Event::ProtectedIn { epoch: 0 | 1, .. } => self.early(),
            Event::ProtectedIn { epoch: 2, length } => self.protected_flight(side, length),
            Event::ProtectedIn { length, .. } => self.protected_data(side, length),
        }
    }

    /// DTLS 1.3, epoch 2: the rest of the handshake, and acknowledgments of it.
    fn protected_flight(&mut self, side: Side, length: u16) -> Option<Step> {
        // What seemed to be an alert was an empty acknowledgment: its side goes on.
        self.refused_silently = self.refused_silently.filter(|refuser| *refuser != side);
        if ALERT_RECORDS.contains(&length) && !self.finished(side) {
            self.refused_silently = Some(side);
            return None;
        }
        if is_acknowledgment(length) {
            return None;
        }
        match side {
            Side::Server if self.finished(Side::Server) => None,
            Side::Server => {
                let first = set(&mut self.protected, Side::Server);
                self.flight_record(first, length.saturating_sub(DTLS_HEADER_MORE))
            }
            Side::Client => {
                let server_finished_before = set(&mut self.finished, Side::Server);
                let bare = length.saturating_sub(DTLS_HEADER_MORE);
                if FINISHED_RECORDS.contains(&bare) || FINISHED_RECORDS_SHORT.contains(&bare) {
                    let first = set(&mut self.finished, Side::Client);
                    return first.then(|| Step { server_finished_before, ..Step::implied("finished") });
                }
                let first = set(&mut self.protected, Side::Client);
                first.then(|| Step { server_finished_before, ..Step::implied("certificate") })
            }
        }
    }

    /// DTLS 1.3, epoch 3 and on: its sender has finished, and what both sent there proves that both have.
    fn protected_data(&mut self, side: Side, length: u16) -> Option<Step> {
        self.refused_silently = self.refused_silently.filter(|refuser| *refuser != side);
        let finishes = !self.finished(side);
        // A client finishes after the server; a server may send data before the client has finished.
        let server_finished_before = side == Side::Client && set(&mut self.finished, Side::Server);
        set(&mut self.finished, side);
        let tells = !is_acknowledgment(length) && !ALERT_RECORDS.contains(&length);
        if side == Side::Server && self.finished(Side::Client) {
            if ALERT_RECORDS.contains(&length) && !self.server_spoke {
                self.server_left = true;
                return None;
            }
            (self.server_spoke, self.server_left) = (true, false);
            self.open |= tells;
        }
        self.open |= tells && side == Side::Client && self.server_spoke;
        if finishes {
            return Some(Step { server_finished_before, ..Step::implied("finished") });
        }
        let first = tells && !std::mem::replace(&mut self.client_spoke, true);
        first.then(|| Step::implied("application_data"))
    }

    /// TLS 1.2 and before: the first encrypted handshake record of a side is its Finished.
    fn protected12(&mut self, side: Side, content_type: u8) -> Option<Step> {
        match content_type {
            content::HANDSHAKE => set(&mut self.finished, side).then(|| Step::implied("finished")),
            content::APPLICATION_DATA if self.early_data && self.tls13.is_none() => self.early(),
            // A client may send data before the server's Finished (False Start, RFC 7918): that proves nothing yet.
            content::APPLICATION_DATA
                if side == Side::Client && self.tls13.is_some() && !self.finished(Side::Server) =>
            {
                None
            }
            content::APPLICATION_DATA => self.open(Certainty::Observed),
            content::ALERT if self.stage() == Stage::Negotiating => {
                self.refused_silently = Some(side);
                None
            }
            _ => None,
        }
    }

    /// TLS 1.3: all looks like application data; order, direction and size tell.
    fn protected13(&mut self, side: Side, content_type: u8, length: u16) -> Option<Step> {
        let encrypted_handshake = content_type == content::APPLICATION_DATA || content_type == content::HANDSHAKE;
        if !encrypted_handshake {
            return None;
        }
        let length = if self.short_tag { length.saturating_add(SHORTER_TAG) } else { length };
        match side {
            Side::Server => {
                let first = set(&mut self.protected, Side::Server);
                // An answer to the client's flight: that flight ended with Finished, whatever its records' sizes were.
                if self.protected == [true, true] {
                    self.finished = [true, true];
                }
                if self.finished == [true, true] {
                    if ALERT_RECORDS.contains(&length) && !self.server_left {
                        self.server_left = true;
                        return None;
                    }
                    return self.open(Certainty::Implied);
                }
                self.flight_record(first, length)
            }
            Side::Client if self.finished == [true, true] => {
                // It proves that the client finished; whether the server accepted that is for the server to show.
                self.client_left |= ALERT_RECORDS.contains(&length);
                let first = !std::mem::replace(&mut self.client_spoke, true);
                first.then(|| Step::implied("application_data"))
            }
            Side::Client if FINISHED_RECORDS.contains(&length) => {
                let server_finished_before = set(&mut self.finished, Side::Server);
                set(&mut self.finished, Side::Client);
                Some(Step { server_finished_before, ..Step::implied("finished") })
            }
            Side::Client if self.early_data => {
                if length == END_OF_EARLY_DATA_RECORD {
                    let server_finished_before = set(&mut self.finished, Side::Server);
                    return Some(Step { server_finished_before, ..Step::implied("end_of_early_data") });
                }
                self.early()
            }
            Side::Client if ALERT_RECORDS.contains(&length) => {
                self.refused_silently = Some(Side::Client);
                None
            }
            Side::Client if PADDED_FINISHED_RECORDS.contains(&length) => {
                let server_finished_before = set(&mut self.finished, Side::Server);
                set(&mut self.finished, Side::Client);
                Some(Step { server_finished_before, ..Step::implied("finished") })
            }
            Side::Client => {
                // Neither Finished nor an alert: the client's certificate comes first.
                let server_finished_before = set(&mut self.finished, Side::Server);
                let first = set(&mut self.protected, Side::Client);
                first.then(|| Step { server_finished_before, ..Step::implied("certificate") })
            }
        }
    }

    /// A record of the server's flight, which most servers fill with one message each: EncryptedExtensions is the first,
    /// Finished has a size of its own, what is as long as a certificate is one, and a signature follows it.
    fn flight_record(&mut self, first: bool, length: u16) -> Option<Step> {
        let before = std::mem::replace(&mut self.flight, Flight::Other);
        if first {
            self.flight = Flight::Start;
            return Some(Step::implied("encrypted_extensions"));
        }
        if FINISHED_RECORDS.contains(&length) {
            return set(&mut self.finished, Side::Server).then(|| Step::implied("finished"));
        }
        match before {
            Flight::Start if length >= LEAST_CERTIFICATE_RECORD => {
                self.flight = Flight::Certificate;
                Some(Step::implied("certificate"))
            }
            Flight::Start => {
                self.flight = Flight::Start;
                None
            }
            Flight::Certificate if SIGNATURE_RECORDS.iter().any(|sizes| sizes.contains(&length)) => {
                Some(Step::implied("certificate_verify"))
            }
            Flight::Certificate | Flight::Other => None,
        }
    }

    /// QUIC: a client needs nothing but the ServerHello for a Handshake packet, which may only acknowledge; the server's
    /// first hold EncryptedExtensions (RFC 9001 4.1).
    fn handshake_packet(&mut self, side: Side, length: u64) -> Option<Step> {
        if side == Side::Client {
            return None;
        }
        self.packets.server_flight = self.packets.server_flight.saturating_add(length);
        // Packets may overtake the one with ServerHello.
        let shown = self.packets.server_flight >= LEAST_SERVER_FLIGHT && self.tls13.is_some();
        let first = shown && !std::mem::replace(&mut self.packets.extensions, true);
        first.then(|| Step::implied("encrypted_extensions"))
    }

    /// QUIC: a server has 1-RTT keys once it sent its Finished, and may use them at once; a client uses them when it
    /// has verified the server's Finished and sent its own (RFC 9001 4.1.1, 5.7). That the server accepted that is shown
    /// by what it sends then.
    fn data_packet(&mut self, side: Side, opened: bool, of_application: bool) -> Option<Step> {
        let certainty = if opened { Certainty::Observed } else { Certainty::Implied };
        let server_finished_before = set(&mut self.finished, Side::Server);
        match side {
            Side::Server if self.finished(Side::Client) => {
                self.packets.unanswered = false;
                self.server_spoke = true;
                if of_application { self.open(certainty) } else { None }
            }
            // 0.5-RTT: the client may still refuse.
            Side::Server => server_finished_before.then(|| Step::implied("finished")),
            Side::Client => {
                let client_finished_before = set(&mut self.finished, Side::Client);
                self.packets.unanswered |= client_finished_before;
                let first = of_application && !self.open && !std::mem::replace(&mut self.client_spoke, true);
                let certainty = if of_application { certainty } else { Certainty::Implied };
                let step = Step::observed("application_data");
                let step = Step { certainty, server_finished_before, client_finished_before, ..step };
                (first || client_finished_before).then_some(step)
            }
        }
    }

    fn open(&mut self, certainty: Certainty) -> Option<Step> {
        let first = !self.open && !self.client_spoke;
        self.open = true;
        first.then_some(Step { certainty, ..Step::observed("application_data") })
    }

    fn early(&mut self) -> Option<Step> {
        let first = !self.early_seen;
        self.early_seen = true;
        first.then(|| Step::implied("early_data"))
    }
}

/// Sets a side's flag; says whether it was not set before.
fn set(flags: &mut [bool; 2], side: Side) -> bool {
    flags.get_mut(place(side)).is_some_and(|flag| !std::mem::replace(flag, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: u8 = content::APPLICATION_DATA;

    fn run(machine: &mut Machine, events: &[(Side, Event)]) -> Vec<&'static str> {
        events.iter().filter_map(|(side, event)| machine.step(*side, *event)).map(|step| step.name).collect()
    }

    #[test]
    fn full_handshake_of_tls12() {
        let mut machine = Machine::default();
        let (c, s) = (Side::Client, Side::Server);
        let hs = Event::Protected { content_type: content::HANDSHAKE, length: 40 };
        run(&mut machine, &[(c, Event::Message(1)), (s, Event::Message(2))]);
        machine.negotiated(false);
        let steps = run(&mut machine, &[(c, Event::ChangeCipherSpec), (c, hs), (s, Event::ChangeCipherSpec), (s, hs)]);
        assert_eq!(steps, ["change_cipher_spec", "finished", "change_cipher_spec", "finished"]);
        assert_eq!(machine.stage(), Stage::Finished);
        run(&mut machine, &[(c, Event::Protected { content_type: DATA, length: 9 })]);
        assert_eq!(machine.stage(), Stage::Open);
    }

    #[test]
    fn tls13_is_told_from_sizes() {
        let (c, s) = (Side::Client, Side::Server);
        let data = |length| Event::Protected { content_type: DATA, length };
        let mut machine = Machine::default();
        machine.negotiated(true);
        assert_eq!(run(&mut machine, &[(s, data(1200)), (c, data(69))]), ["encrypted_extensions", "finished"]);
        assert_eq!(machine.stage(), Stage::Finished);
        assert_eq!(run(&mut machine, &[(c, data(19))]), ["application_data"]);
        let mut machine = Machine::default();
        machine.negotiated(true);
        run(&mut machine, &[(s, data(1200)), (c, data(19))]);
        assert_eq!(machine.stage(), Stage::RefusedSilently(Side::Client));
    }

    #[test]
    fn shorter_tags_make_shorter_records() {
        let (c, s) = (Side::Client, Side::Server);
        let data = |length| Event::Protected { content_type: DATA, length };
        let mut machine = Machine::default();
        machine.negotiated(true);
        machine.has_short_tags();
        let flight = [(s, data(20)), (s, data(900)), (s, data(273)), (s, data(45)), (c, data(45))];
        let names = ["encrypted_extensions", "certificate", "certificate_verify", "finished", "finished"];
        assert_eq!(run(&mut machine, &flight), names);
    }

    #[test]
    fn encrypted_alert_before_finished_is_a_refusal() {
        let mut machine = Machine::default();
        machine.negotiated(false);
        let alert = Event::Protected { content_type: content::ALERT, length: 26 };
        assert_eq!(machine.step(Side::Server, alert), None);
        assert_eq!(machine.stage(), Stage::RefusedSilently(Side::Server));
    }
}
