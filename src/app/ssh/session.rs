//! One connection up to the new keys of both ends. Each direction is read by itself: neither end waits for the other.
use super::{
    negotiation::{self, agree},
    note,
    parser::{self, KexInit, Packet, message},
};
use crate::{
    app::{
        Carrier, Probe, Session, Sink, Verdict,
        codec::{
            draft::Draft,
            facts::{Facts, text},
            lines::Lines,
        },
    },
    record::{Context, Direction, Evidence, Finding, Input, PacketRef, Progress, Severity, Side, Subject},
};

/// An identification begins what each end sends, so that it proves a beginning where no SYN does. A server may send other lines
/// before (RFC 4253 4.2); then the client's tells.
pub(super) fn probe(asked: &Probe<'_>) -> Verdict {
    if !matches!(asked.carrier, Carrier::Tcp | Carrier::Tls) {
        return Verdict::No;
    }
    match asked.bytes {
        [b'S', b'S', b'H', b'-', b'1' | b'2', b'.', b'0'..=b'9', ..] => Verdict::Certain,
        _ if !asked.from_start => Verdict::No,
        short if short.len() < 7 && (b"SSH-2.0".starts_with(short) || b"SSH-1.".starts_with(short)) => Verdict::Maybe,
        _ => Verdict::No,
    }
}

/// How far one end is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Its identification is awaited.
    #[default]
    Greeting,
    /// It sends packets in the clear.
    Clear,
    /// It sent NEWKEYS: what follows is encrypted.
    Encrypted,
    /// Where its next packet begins is not known.
    Lost,
}

/// Lines before the identification that are read; no server sends so many.
const MAX_LINES_BEFORE: u8 = 64;

/// One direction.
#[derive(Debug, Default)]
struct Half {
    stage: Stage,
    lines_before: u8,
    version_1: bool,
    offer: Option<(KexInit, PacketRef)>,
}

impl Half {
    /// Whether nothing was read of it.
    fn is_silent(&self) -> bool {
        self.stage == Stage::Greeting && self.lines_before == 0
    }
}

/// Whether a TLS record with an alert in the clear begins here (RFC 9846 5.1).
fn is_tls_alert(bytes: &[u8]) -> bool {
    matches!(bytes, [21, 3, 0..=4, 0, 2, ..])
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct Ssh {
    halves: [Half; 2],
    lines: Lines,
    facts: Facts,
    /// Both offers were compared.
    compared: bool,
}

impl Ssh {
    fn half(&mut self, direction: Direction) -> &mut Half {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        if self.half(direction).is_silent() && is_tls_alert(bytes) {
            // A client that came to the wrong port: whoever reads TLS says so.
            self.tell(context, out);
            return Progress::HandOver(0);
        }
        let (mut at, mut draft) = (0_usize, Draft::default());
        let progress = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            match self.half(direction).stage {
                Stage::Greeting => {
                    let Some(line) = self.lines.next(direction, bytes, &mut at) else {
                        break Progress::Consumed(at);
                    };
                    self.line(direction, line.text, context.packet_completing(line.end), (context, &mut draft), out);
                }
                Stage::Clear => match parser::packet(rest) {
                    Ok((after, packet)) => {
                        at = bytes.len().saturating_sub(after.len());
                        self.packet(direction, &packet, context.packet_completing(at), (context, &mut draft), out);
                    }
                    Err(nom::Err::Incomplete(_)) => {
                        let length = rest.first_chunk().map(|length| u32::from_be_bytes(*length)).unwrap_or_default();
                        let at_least = usize::try_from(length).unwrap_or_default().saturating_add(4);
                        break Progress::Need { consumed: at, at_least };
                    }
                    Err(_) => self.half(direction).stage = Stage::Lost,
                },
                Stage::Encrypted if out.wants_notes() => {
                    note::encrypted(direction, rest.len(), &mut draft);
                    at = bytes.len();
                    break Progress::Consumed(bytes.len());
                }
                Stage::Encrypted | Stage::Lost => {
                    // Nothing more comes of either side: what is known is told now.
                    if self.halves.iter().all(|half| matches!(half.stage, Stage::Encrypted | Stage::Lost)) {
                        self.tell(context, out);
                        if !out.wants_notes() {
                            break Progress::Done;
                        }
                    }
                    break Progress::Skip(u64::MAX);
                }
            }
        };
        out.lies(0..at);
        draft.tell("ssh", out);
        let ready = |half: &Half| half.stage == Stage::Encrypted;
        if self.halves.iter().all(ready) {
            self.tell(context, out);
        }
        progress
    }

    fn line(
        &mut self,
        direction: Direction,
        line: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        let Some(said) = parser::identification(line) else {
            let half = self.half(direction);
            half.lines_before = half.lines_before.saturating_add(1);
            if half.lines_before > MAX_LINES_BEFORE {
                half.stage = Stage::Lost;
            }
            return;
        };
        if out.wants_notes() {
            note::identification(direction, line, draft);
        }
        let side = direction.sender();
        let (software, version) = match side {
            Side::Client => ("client_software", "client_version"),
            Side::Server => ("server_software", "server_version"),
        };
        self.facts.add(software, text(said.software), side, packet);
        if said.version != b"2.0" {
            self.facts.add(version, text(said.version), side, packet);
        }
        let version_1 = parser::is_version_1(said.version);
        let told = self.halves.iter().any(|half| half.version_1);
        let half = self.half(direction);
        (half.stage, half.version_1) = (if version_1 { Stage::Lost } else { Stage::Clear }, version_1);
        if version_1 && !told {
            self.finding(
                (Severity::Warning, "ssh.old-version"),
                Evidence::from_iter([packet.number]),
                "An end of this connection speaks version 1 of SSH".to_owned(),
                "Version 1 is broken: whoever is on the way can read and change what passes. Replace that software.",
                context,
                out,
            );
        }
    }

    fn packet(
        &mut self,
        direction: Direction,
        packet: &Packet<'_>,
        at: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        let side = direction.sender();
        if out.wants_notes() {
            note::packet(direction, packet, draft);
        }
        match packet.message {
            message::KEXINIT if self.half(direction).offer.is_none() => {
                let Ok((_, offer)) = parser::kex_init(packet.body) else { return };
                let hassh = negotiation::hassh(&offer, direction.index());
                if out.wants_notes() {
                    note::lists(&offer, &hassh, side, draft);
                }
                self.facts.add(if side == Side::Client { "hassh" } else { "hassh_server" }, hassh, side, at);
                self.half(direction).offer = Some((offer, at));
                self.compare(context, out);
            }
            message::NEWKEYS => self.half(direction).stage = Stage::Encrypted,
            message::DISCONNECT => {
                if let Ok((_, (number, description))) = parser::disconnect(packet.body) {
                    let why = parser::reason(number).map_or_else(|| format!("reason {number}"), str::to_owned);
                    let description = text(description);
                    let value = if description.is_empty() { why } else { format!("{why}: {description}") };
                    self.facts.add_once("disconnect", value, side, at);
                }
            }
            _ => {}
        }
    }

    /// Says what both offers come to, once both are here.
    fn compare(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let [Half { offer: Some((client, asked)), .. }, Half { offer: Some((server, answered)), .. }] = &self.halves
        else {
            return;
        };
        if std::mem::replace(&mut self.compared, true) {
            return;
        }
        let at = if asked.index > answered.index { *asked } else { *answered };
        // The client's list decides, by the server's.
        let side = Side::Client;
        let evidence: Evidence = Evidence::from_iter([asked.number, answered.number]);
        let agreed = agree(client, server);
        let mut facts: Vec<(&'static str, String)> = Vec::new();
        facts.extend(agreed.key_exchange.map(|name| ("key_exchange", name.to_owned())));
        facts.extend(agreed.host_key.map(|name| ("host_key_algorithm", name.to_owned())));
        for (names, pair) in [
            (["cipher", "cipher_to_server", "cipher_to_client"], agreed.cipher),
            (["mac", "mac_to_server", "mac_to_client"], agreed.mac),
            (["compression", "compression_to_server", "compression_to_client"], agreed.compression),
        ] {
            let ([both, to_server, to_client], [there, back]) = (names, pair);
            if there == back {
                facts.extend(there.map(|name| (both, name.to_owned())));
            } else {
                facts.extend(there.map(|name| (to_server, name.to_owned())));
                facts.extend(back.map(|name| (to_client, name.to_owned())));
            }
        }
        let strict = match negotiation::strict(Some(client), Some(server)) {
            [Some(true), Some(true)] => "both sides",
            [Some(true), _] => "client only",
            [_, Some(true)] => "server only",
            _ => "no",
        };
        facts.push(("strict_key_exchange", strict.to_owned()));
        let (missing, weak) = (agreed.missing(), agreed.weak().join(", "));
        let cut = agreed.needs_strict() && strict != "both sides" && missing.is_none();
        for (name, value) in facts {
            self.facts.add(name, value, side, at);
        }
        if let Some(what) = missing {
            self.finding(
                (Severity::Error, "ssh.nothing-in-common"),
                evidence.clone(),
                format!("The ends of this SSH connection have no {what} in common"),
                "The connection cannot be made: one end is much older than the other, or its configuration allows too \
                 little. Compare both offers (packets -V shows them), and allow on one end what the other has.",
                context,
                out,
            );
        } else if !weak.is_empty() {
            self.finding(
                (Severity::Note, "ssh.weak-algorithm"),
                evidence.clone(),
                format!("This SSH connection uses {weak}"),
                "What is named here is no longer thought to be strong enough. Newer software on the older end, or its \
                 configuration, helps.",
                context,
                out,
            );
        }
        if cut {
            self.finding(
                (Severity::Note, "ssh.terrapin"),
                evidence,
                "Messages of this SSH connection could be removed unnoticed (Terrapin)".to_owned(),
                "With this cipher, somebody on the way can take messages out of the beginning of the connection, such as \
                 the server's extensions, unless both ends do strict key exchange. Update the end that does not.",
                context,
                out,
            );
        }
    }

    fn finding(
        &self,
        (severity, code): (Severity, &'static str),
        evidence: Evidence,
        title: String,
        explanation: &str,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let reference = match code {
            "ssh.terrapin" => "CVE-2023-48795",
            "ssh.weak-algorithm" => "RFC 9142",
            "ssh.old-version" => "RFC 4253 5",
            _ => "RFC 4253 7.1",
        };
        out.finding(Finding {
            subject: Subject::new(context.flow.id, evidence),
            client: Some(context.flow.client),
            server: Some(context.flow.server),
            severity,
            code,
            title,
            explanation: explanation.to_owned(),
            reference: Some(reference),
        });
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.facts.is_empty() {
            return;
        }
        let [client, server] = &self.halves;
        if !client.version_1 && !server.version_1 {
            let encrypted = |half: &Half| half.stage == Stage::Encrypted;
            let value = match (encrypted(client), encrypted(server)) {
                (true, true) => "both sides",
                (true, false) => "client only",
                (false, true) => "server only",
                (false, false) => "neither side",
            };
            let side = if encrypted(client) || !encrypted(server) { Side::Client } else { Side::Server };
            self.facts.add("new_keys", value, side, context.packet);
        }
        self.facts.tell("ssh", context, out);
    }
}

impl Session for Ssh {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            Input::Gap { direction, .. } => {
                let half = self.half(direction);
                if half.stage != Stage::Encrypted {
                    half.stage = Stage::Lost;
                }
                Progress::Consumed(0)
            }
            Input::Close | Input::Datagram { .. } => {
                self.tell(context, out);
                Progress::Done
            }
            Input::End { .. } | Input::Skipped { .. } => Progress::Consumed(0),
        }
    }
}
