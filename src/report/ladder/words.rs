//! What the picture says in words, the same in every format: both ends, what they agreed on, phases, labels. Everything
//! from the network is escaped here.
use std::collections::BTreeMap;

use super::{fold::Folded, handshake, text::side_name};
use crate::{
    record::{
        Certainty, Close, CloseKind, Connection, ConnectionSide, Ecn, Endpoint, LimitedBy, Mark, PacketNumber, Phase,
        Record, Segment, Side, TcpState, Timestamp, Tls, TlsExtensions, Vantage, WhichSide,
    },
    report::{escape::escape, tls_extensions, units},
};

/// Bytes of a label that are looked at: more would be cut in any picture.
const MAX_LABEL_BYTES: usize = 400;
/// Of less payload, a rate says nothing.
const WORTH_A_RATE_BYTES: u64 = 10_000;
/// Waits shorter than this, in nanoseconds, are not worth a word.
const WORTH_SAYING_NS: i64 = 50_000;
/// TLS handshakes of one connection that are told above the picture: renegotiations are rare.
const MAX_HANDSHAKES_IN_FACTS: usize = 3;

/// An end of the connection.
pub fn endpoint(side: &ConnectionSide) -> String {
    Endpoint { address: side.address, port: side.port }.to_string()
}

/// Who talked, and over what: the parts of the title.
pub fn title(connection: &Connection, beside: &[Record]) -> Vec<String> {
    let mut parts = vec![format!("{} → {}", endpoint(&connection.client), endpoint(&connection.server))];
    match (tls(beside).next(), connection.application) {
        (Some(tls), _) => {
            let version = tls.version.as_deref().unwrap_or("TLS");
            let inside = connection.application.filter(|name| *name != "tls").or(tls.alpn.as_deref());
            let words = [Some(version), tls.server_name.as_deref(), inside];
            parts.push(short(&words.into_iter().flatten().collect::<Vec<_>>().join(" ")));
        }
        (None, Some(application)) => parts.push(application.to_owned()),
        (None, None) => {}
    }
    parts.extend(connection.tunnel.iter().map(|tunnel| match (tunnel.source, tunnel.destination) {
        (Some(source), Some(destination)) => format!("in {tunnel} from {source} to {destination}"),
        _ => format!("in {tunnel}"),
    }));
    parts.extend(connection.vantage.map(|vantage| {
        match vantage {
            Vantage::NearClient => "captured near the client",
            Vantage::NearServer => "captured near the server",
            Vantage::Between => "captured between the two",
        }
        .to_owned()
    }));
    if connection.client_certainty != Certainty::Observed {
        parts.push("joined late: who is the client is assumed".to_owned());
    }
    parts
}

fn tls(beside: &[Record]) -> impl Iterator<Item = &Tls> {
    beside.iter().filter_map(|record| if let Record::Tls(tls) = record { Some(tls.as_ref()) } else { None })
}

/// What is worth knowing before looking at the picture, by name.
pub fn facts(connection: &Connection, beside: &[Record]) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let (client, server) = (&connection.client, &connection.server);
    facts.extend(agreed(connection).map(|text| ("agreed", text)));
    facts.push(("client", sent(client)));
    facts.push(("server", sent(server)));
    facts.extend(round_trip(connection).map(|text| ("round trip", text)));
    let phases = phases(connection, beside);
    if !phases.is_empty() {
        let text: Vec<String> = phases.iter().map(|(name, ns)| format!("{name} {}", units::duration(*ns))).collect();
        facts.push(("phases", text.join(" · ")));
    }
    for tls in tls(beside).take(MAX_HANDSHAKES_IN_FACTS) {
        facts.extend(handshake::facts(tls, beside));
    }
    facts.push(("end", closed(&connection.close)));
    facts
}

/// What the SYNs announced.
fn agreed(connection: &Connection) -> Option<String> {
    let (client, server) = (&connection.client, &connection.server);
    let mut parts = Vec::new();
    let number = |number: Option<u16>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    if client.mss.is_some() || server.mss.is_some() {
        parts.push(format!("mss {} / {}", number(client.mss), number(server.mss)));
    }
    match (client.window_scale, server.window_scale) {
        (Some(one), Some(other)) => parts.push(format!("window scale {one} / {other}")),
        _ if client.mss.is_some() && server.mss.is_some() => parts.push("no window scale".to_owned()),
        _ => {}
    }
    let mut both = |name: &str, one: Option<bool>, other: Option<bool>| match (one, other) {
        (Some(true), Some(true)) => parts.push(name.to_owned()),
        (Some(false), _) | (_, Some(false)) => parts.push(format!("no {name}")),
        _ => {}
    };
    both("sack", client.sack_permitted, server.sack_permitted);
    both("timestamps", client.timestamps, server.timestamps);
    let handshake = &connection.handshake;
    parts.extend(handshake.ecn.map(|ecn| {
        match ecn {
            Ecn::Offered => "ECN asked for",
            Ecn::Classic => "ECN",
            Ecn::Accurate => "Accurate ECN",
            Ecn::Refused => "ECN refused",
        }
        .to_owned()
    }));
    parts.extend(handshake.fast_open.map(|open| match (open.data_bytes, open.accepted) {
        (0, _) if open.granted => "Fast Open cookie given".to_owned(),
        (0, _) => "Fast Open asked for".to_owned(),
        (bytes, Some(true)) => format!("Fast Open: {} in the SYN, accepted", units::bytes(bytes.into())),
        (bytes, Some(false)) => format!("Fast Open: {} in the SYN, not accepted", units::bytes(bytes.into())),
        (bytes, None) => format!("Fast Open: {} in the SYN", units::bytes(bytes.into())),
    }));
    parts.extend(
        handshake
            .multipath
            .map(|multipath| if multipath.accepted { "Multipath TCP" } else { "Multipath TCP refused" }.to_owned()),
    );
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// What a side sent.
fn sent(side: &ConnectionSide) -> String {
    let mut parts = vec![
        endpoint(side),
        units::counted(side.packets, "packet"),
        format!("{} of payload", units::bytes(side.payload_bytes)),
    ];
    let mut more = |number: u64, one: &str, several: &str| {
        if number > 0 {
            parts.push(format!("{} {}", units::count(number), if number == 1 { one } else { several }));
        }
    };
    let causes = [
        (side.timeout_retransmissions, "by timeout"),
        (side.fast_retransmissions, "fast"),
        (side.tail_loss_probes, if side.tail_loss_probes == 1 { "tail loss probe" } else { "tail loss probes" }),
        (side.spurious_retransmissions, "needlessly"),
    ];
    let causes: Vec<String> = causes
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, cause)| format!("{} {cause}", units::count(*number)))
        .collect();
    let again = if causes.is_empty() { "sent again".to_owned() } else { format!("sent again ({})", causes.join(", ")) };
    more(side.retransmissions, &again, &again);
    more(side.out_of_order, "out of order", "out of order");
    more(side.duplicate_acks, "duplicate ACK", "duplicate ACKs");
    more(side.zero_windows, "zero window", "zero windows");
    more(side.keep_alives, "keep-alive", "keep-alives");
    more(side.zero_window_probes, "window probe", "window probes");
    if side.gap_bytes > 0 {
        parts.push(format!("{} not captured", units::bytes(side.gap_bytes)));
    }
    if let Some(bits) = side.goodput_bits_per_second.filter(|_| side.payload_bytes >= WORTH_A_RATE_BYTES) {
        // Bits in one second are so many bytes in eight.
        parts.extend(units::rate(bits, 8_000_000_000).map(|rate| format!("{rate} of new data")));
    }
    parts.extend(side.limited_by.and_then(|limits| held_back(&limits)));
    parts.join(" · ")
}

/// What held a sender back most of the time.
fn held_back(limits: &LimitedBy) -> Option<String> {
    let shares = [
        (limits.application_ns, "by the application"),
        (limits.receiver_window_ns, "by the peer's window"),
        (limits.network_ns, "by the network"),
    ];
    let all: i64 = shares.iter().map(|(ns, _)| ns.max(&0)).fold(0, |sum, ns| sum.saturating_add(*ns));
    let (most, name) = shares.into_iter().max_by_key(|(ns, _)| *ns)?;
    // A few milliseconds are too few to speak of.
    (all > 50_000_000).then(|| format!("limited {name} {} % of the time", i128::from(most) * 100 / i128::from(all)))
}

/// Of the handshake, by halves.
fn round_trip(connection: &Connection) -> Option<String> {
    let handshake = &connection.handshake;
    let (server, client) = (handshake.syn_to_syn_ack_ns?, handshake.syn_ack_to_ack_ns?);
    Some(format!(
        "{} ({} between the capture and the server, {} between it and the client)",
        units::duration(server.saturating_add(client)),
        units::duration(server),
        units::duration(client)
    ))
}

/// The parts of its life in order, in nanoseconds.
pub fn phases(connection: &Connection, beside: &[Record]) -> Vec<(&'static str, i64)> {
    let steps = &connection.transitions;
    let of = |state: TcpState| steps.iter().filter(move |step| step.to == state);
    let mut phases = Vec::new();
    let opened = connection.handshake.syn_packet.is_some();
    let established = of(TcpState::Established).map(|step| step.ts).max();
    let closing = |step: &&crate::record::Transition| {
        step.packet.is_some()
            && matches!(step.to, TcpState::FinWait1 | TcpState::CloseWait | TcpState::Closing | TcpState::Closed)
    };
    let closes = steps.iter().filter(closing).map(|step| step.ts).min();
    let ended = steps.iter().filter(|step| step.packet.is_some()).map(|step| step.ts).max();
    let mut at = connection.start_ts;
    match established {
        Some(established) if opened => {
            phases.push(("handshake", established.since(at)));
            at = established;
        }
        Some(_) => {}
        None => return phases,
    }
    for tls in tls(beside) {
        let Some(hello) = tls.client_hellos.first().map(|hello| hello.ts).filter(|hello| *hello >= at) else {
            continue;
        };
        let last = tls.phases.last().map(|phase| phase.ts.since(hello).max(0));
        let (name, ns) = match tls.handshake_ns {
            Some(ns) => ("TLS handshake", Some(ns)),
            None if tls.failure.is_some() => ("failed TLS handshake", last),
            None => ("unfinished TLS handshake", last),
        };
        if let Some(ns) = ns {
            // Time between the two handshakes is nobody's, unless it is long.
            if hello.since(at).saturating_mul(20) > connection.duration_ns && hello.since(at) > 1_000_000 {
                phases.push(("pause", hello.since(at)));
            }
            phases.push((name, ns));
            at = hello.plus(ns);
        }
    }
    let until = closes.unwrap_or(connection.end_ts).max(at);
    phases.push(("data", until.since(at)));
    if let Some((closes, ended)) = closes.zip(ended) {
        phases.push(("close", ended.since(closes).max(0)));
    }
    phases
}

/// The messages with TLS extensions, each with its extensions' names and what they say. Escaped.
pub fn extensions(beside: &[Record]) -> Vec<(String, Vec<(String, String)>)> {
    let of = |message: &TlsExtensions| {
        let name = title_case(message.message);
        let details = message.extension_details.iter();
        let details =
            details.map(|detail| (super::escaped(&detail.name), super::escaped(&tls_extensions::words(detail))));
        (format!("Extensions of the {name}, #{}", message.packet), details.collect())
    };
    tls_extensions::messages(beside).map(of).collect()
}

/// How it ended.
pub fn closed(close: &Close) -> String {
    let kind = match close.kind {
        CloseKind::Graceful => "closed cleanly",
        CloseKind::HalfClosed => "half closed: one side sent FIN, the other did not",
        CloseKind::Reset => "reset",
        CloseKind::Refused => "refused",
        CloseKind::Aborted => "given up before it was established",
        CloseKind::TimedOut => "never answered",
        CloseKind::Open => "still open at the end of the capture",
    };
    let by = close.initiator.map_or(String::new(), |side| format!(", begun by {}", which(side)));
    let waits = close.time_wait.map_or(String::new(), |side| format!(" · TIME-WAIT at {}", which(side)));
    let late = match close.late_packets {
        0 => String::new(),
        late => format!(" · {} after that", units::counted(late, "packet")),
    };
    format!("{kind}{by}{waits}{late}")
}

fn which(side: WhichSide) -> &'static str {
    match side {
        WhichSide::Client => "the client",
        WhichSide::Server => "the server",
        WhichSide::Both => "both",
    }
}

/// A state, in brackets when its own side did not show it.
pub fn state((state, certainty): (TcpState, Certainty)) -> String {
    match certainty {
        Certainty::Observed => state.name().to_owned(),
        Certainty::Implied | Certainty::Assumed => format!("[{}]", state.name()),
    }
}

/// The messages of TLS handshakes and the answers of HTTP, by packet.
pub struct Messages<'a> {
    phases: BTreeMap<PacketNumber, Vec<&'a Phase>>,
    /// From the request to the response that begins in the packet, in nanoseconds.
    answered: BTreeMap<PacketNumber, i64>,
}

impl<'a> Messages<'a> {
    /// Of the flow's records.
    pub fn new(beside: &'a [Record]) -> Self {
        let mut phases: BTreeMap<PacketNumber, Vec<&Phase>> = BTreeMap::new();
        for phase in tls(beside).flat_map(|tls| &tls.phases) {
            phases.entry(phase.packet).or_default().push(phase);
        }
        let answers = beside.iter().filter_map(|record| match record {
            Record::Http(http) => http.response.as_ref().map(|response| response.packet).zip(http.ttfb_ns),
            _ => None,
        });
        Self { phases, answered: answers.collect() }
    }

    fn of(&self, segment: &Segment) -> impl Iterator<Item = &Phase> {
        let side = segment.direction.sender();
        let phases = self.phases.get(&segment.packet.number).map_or(&[][..], Vec::as_slice);
        phases.iter().copied().filter(move |phase| phase.side == side)
    }

    /// What was waited for until this segment, and how long; in brief, the larger part only.
    pub fn wait(&self, segment: &Segment, brief: bool) -> Option<String> {
        let Some(phase) = self.of(segment).next() else {
            let ns = self.answered.get(&segment.packet.number).filter(|ns| **ns >= WORTH_SAYING_NS)?;
            return Some(format!("after {}", units::duration(*ns)));
        };
        let waited = phase.since_previous_ns.filter(|ns| *ns >= WORTH_SAYING_NS && phase.waiting_for.is_some())?;
        let (own, way) = (phase.thinking_ns.unwrap_or(0), waited.saturating_sub(phase.thinking_ns.unwrap_or(0)));
        let mut parts = vec![(side_name(phase.side), own), ("network", way)];
        parts.sort_by_key(|(_, ns)| std::cmp::Reverse(*ns));
        // A part of less than a tenth is not worth a word.
        parts.retain(|(_, ns)| ns.saturating_mul(10) >= waited);
        parts.truncate(if brief { 1 } else { 2 });
        let parts = parts.iter().map(|(whose, ns)| format!("{whose} {}", units::duration(*ns)));
        Some(parts.collect::<Vec<_>>().join(", "))
    }

    /// What stands on a segment's arrow.
    pub fn label(&self, segment: &Segment) -> String {
        let said = if segment.notes.is_empty() { numbers(segment) } else { self.notes(segment) };
        let remarks: Vec<&str> = segment.marks.iter().map(|mark| remark(*mark)).collect();
        [said].into_iter().chain((!remarks.is_empty()).then(|| remarks.join(", "))).collect::<Vec<_>>().join(" · ")
    }

    /// What the segment completes, above TCP. Encrypted messages of a handshake stand in brackets.
    fn notes(&self, segment: &Segment) -> String {
        let implied: Vec<String> = self
            .of(segment)
            .filter(|phase| phase.certainty != Certainty::Observed && phase.name != "application_data")
            .map(|phase| title_case(phase.name))
            .collect();
        let mut words: Vec<(String, usize)> = Vec::new();
        for note in &segment.notes {
            let note = short(note);
            if !implied.is_empty() && matches!(note.as_str(), "Application Data" | "Encrypted Handshake Message") {
                continue;
            }
            match words.last_mut() {
                Some((last, times)) if *last == note => *times += 1,
                _ => words.push((note, 1)),
            }
        }
        if !implied.is_empty() {
            words.push((format!("[{}]", implied.join(", ")), 1));
        }
        let words = words.into_iter().map(|(word, times)| match times {
            1 => word,
            times => format!("{times} × {word}"),
        });
        let flags: Vec<&str> = ["SYN", "FIN", "RST"].into_iter().filter(|flag| segment.flags.contains(flag)).collect();
        flags.into_iter().map(str::to_owned).chain(words).collect::<Vec<_>>().join(", ")
    }
}

/// `PSH ACK  seq 1  ack 1  len 18`.
fn numbers(segment: &Segment) -> String {
    let mut words = vec![segment.flags.clone()];
    if segment.is_control || segment.payload_length > 0 || segment.marks.contains(&Mark::KeepAlive) {
        words.push(format!("seq {}", segment.sequence_number));
    }
    words.extend(segment.acknowledgment_number.map(|number| format!("ack {number}")));
    if segment.payload_length > 0 {
        words.push(format!("len {}", segment.payload_length));
    }
    words.extend((!segment.options.is_empty()).then(|| segment.options.join(" ")));
    words.join("  ").trim().to_owned()
}

/// What is peculiar, in words.
pub fn remark(mark: Mark) -> &'static str {
    match mark {
        Mark::Retransmission => "sent again",
        Mark::FastRetransmission => "sent again: fast",
        Mark::TimeoutRetransmission => "sent again: timeout",
        Mark::TailLossProbe => "sent again: tail loss probe",
        Mark::SpuriousRetransmission => "needless",
        Mark::OutOfOrder => "out of order",
        Mark::Copy => "captured twice",
        Mark::DuplicateAck => "duplicate ACK",
        Mark::ZeroWindow => "window 0",
        Mark::WindowOpens => "window opens",
        Mark::WindowFull => "fills the window",
        Mark::WindowProbe => "window probe",
        Mark::KeepAlive => "keep-alive",
    }
}

/// The same behind a number.
fn counted_remark(mark: Mark, count: u64) -> &'static str {
    match (mark, count) {
        (Mark::DuplicateAck, 2..) => "duplicate ACKs",
        (Mark::ZeroWindow, 1) => "zero window",
        (Mark::ZeroWindow, _) => "zero windows",
        (Mark::SpuriousRetransmission, _) => "needlessly",
        (Mark::WindowOpens, _) => "opening the window",
        (Mark::WindowFull, _) => "filling the window",
        (Mark::WindowProbe, 2..) => "window probes",
        (Mark::KeepAlive, 2..) => "keep-alives",
        (mark, _) => remark(mark),
    }
}

/// What a folded row says: `86 segments, 1.9 kB ↑, 94.1 kB ↓, 3 sent again, 1.24 s`.
pub fn folded(folded: &Folded) -> String {
    let mut parts = vec![units::counted(folded.segments, if folded.is_cut { "further segment" } else { "segment" })];
    for (bytes, arrow) in folded.bytes.iter().zip(["↑", "↓"]) {
        if *bytes > 0 {
            parts.push(format!("{} {arrow}", units::bytes(*bytes)));
        }
    }
    let again = Mark::ALL.iter().zip(folded.marks).filter(|(mark, _)| mark.is_again()).map(|(_, count)| count).sum();
    let mut more = |number: u64, what: &str| {
        if number > 0 {
            parts.push(format!("{} {what}", units::count(number)));
        }
    };
    more(folded.lost, "lost");
    more(again, "sent again");
    for (mark, count) in Mark::ALL.iter().zip(folded.marks).filter(|(mark, _)| !mark.is_again()) {
        more(count, counted_remark(*mark, count));
    }
    if folded.missing > 0 {
        parts.push(format!("{} not captured", units::bytes(folded.missing)));
    }
    parts.push(units::duration(folded.lasted()));
    parts.push(format!("#{}–{}", folded.first.number, folded.last.number));
    parts.join(", ")
}

/// What a gap of the capture says.
pub fn missing(side: Side, bytes: u64) -> String {
    let whose = if side == Side::Client { "client" } else { "server" };
    format!("not captured: {} of the {whose}", units::bytes(bytes))
}

/// How a segment is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it should be.
    Plain,
    /// Something went wrong and was mended.
    Caution,
    /// Lost, or the end of the connection.
    Problem,
}

/// How a segment is to be looked at.
pub fn look(segment: &Segment) -> Look {
    if segment.is_lost || segment.flags.contains("RST") {
        Look::Problem
    } else if segment.marks.iter().any(|mark| !matches!(mark, Mark::KeepAlive | Mark::WindowOpens)) {
        Look::Caution
    } else {
        Look::Plain
    }
}

/// Whether the segment is one more of what was sent before.
pub fn is_again(segment: &Segment) -> bool {
    segment.marks.iter().any(|mark| mark.is_again() || *mark == Mark::Copy)
}

/// `certificate_verify`: `Certificate Verify`.
fn title_case(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Escaped text of bounded length.
fn short(text: &str) -> String {
    let end = (0..=MAX_LABEL_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let cut = if end < text.len() { "…" } else { "" };
    format!("{}{cut}", escape(text.get(..end).unwrap_or_default()))
}

/// The moment a picture counts from.
pub fn origin(connection: &Connection) -> Timestamp {
    connection.start_ts
}
