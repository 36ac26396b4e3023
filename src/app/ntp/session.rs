//! One flow of NTP: requests and their answers, and what clock they show.
use std::collections::VecDeque;

use super::{
    note::{self, mode_name},
    parser::{self, Header, MONLIST, header, moment},
};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Facts, Spread, finding, hex},
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Severity, Timestamp},
};

/// What is no time of a client's clock: farther from the capture's, in nanoseconds. Clients that send a random number
/// instead come so near in one of 25,000 cases.
const PLAUSIBLE_NS: u64 = 86_400_000_000_000;

/// The session.
#[derive(Debug, Default)]
pub(super) struct Ntp {
    facts: Facts,
    /// Requests without their answer: what they call their moment, and the packet.
    asked: VecDeque<(u64, PacketRef)>,
    requests: u64,
    exchanges: u64,
    delay: Spread,
    offset: Spread,
    /// Kinds of findings told.
    told: [bool; 3],
    last: Option<(Direction, PacketRef)>,
}

impl Ntp {
    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let packet = context.packet;
        match bytes.first().map(|first| first & 7) {
            Some(6) => self.control(direction, bytes, packet, out),
            Some(7) => self.private(direction, bytes, context, out),
            Some(_) => {
                if let Ok((_, header)) = header(bytes) {
                    self.packet(direction, &header, context, out);
                }
            }
            None => {}
        }
    }

    fn packet(&mut self, direction: Direction, header: &Header, context: &Context<'_>, out: &mut Sink<'_>) {
        let packet = context.packet;
        self.facts.see(packet);
        self.last = Some((direction, packet));
        let mode = mode_name(header.mode());
        note::header(header, out);
        self.facts.first("version", header.version().to_string(), direction, packet);
        self.facts.first("mode", mode, direction, packet);
        match header.mode() {
            1 | 3 => {
                self.requests = self.requests.saturating_add(1);
                if self.asked.len() >= limits::MAX_NTP_OUTSTANDING {
                    self.asked.pop_front();
                    self.facts.leave_out();
                }
                self.asked.push_back((header.transmit, packet));
                if header.mode() == 1 {
                    self.clock(direction, header, context, out);
                    self.answers(direction, header, packet);
                }
            }
            2 | 4 => {
                self.clock(direction, header, context, out);
                self.answers(direction, header, packet);
            }
            5 => self.clock(direction, header, context, out),
            _ => {}
        }
    }

    /// What the packet says of the sender's clock.
    fn clock(&mut self, direction: Direction, header: &Header, context: &Context<'_>, out: &mut Sink<'_>) {
        let packet = context.packet;
        let stratum = match header.stratum {
            0 => "0 (unspecified)".to_owned(),
            1 => "1 (a clock of its own)".to_owned(),
            16 => "16 (not synchronised)".to_owned(),
            stratum => stratum.to_string(),
        };
        self.facts.first("stratum", stratum, direction, packet);
        if header.stratum == 0 {
            self.kiss(direction, header, context, out);
        } else {
            self.facts.first("reference_id", reference(header), direction, packet);
        }
        if header.leap() != 0 {
            self.facts.first("leap", leap_name(header.leap()), direction, packet);
        }
        if (1..16).contains(&header.stratum) {
            self.facts.first("root_delay_ns", short_ns(header.root_delay).to_string(), direction, packet);
            self.facts.first("root_dispersion_ns", short_ns(header.root_dispersion).to_string(), direction, packet);
        }
        // With stratum 0 and no code: chrony's way to say it.
        let is_kiss = header.stratum == 0 && header.reference_id.iter().all(u8::is_ascii_graphic);
        let unset = header.stratum == 16 || (header.leap() == 3 && !is_kiss);
        if unset && header.mode() == 4 && !std::mem::replace(&mut self.told[1], true) {
            let title = "An NTP server says that its own clock is not set".to_owned();
            let explanation = "The server answers, but warns that it is not synchronised itself. Clients do not use its \
                               time. It may just have started; if it stays so, it cannot reach its own servers.";
            let about = (Severity::Warning, "ntp.unsynchronized");
            out.finding(finding(context, [packet], about, title, (explanation, "RFC 5905 7.3")));
        }
    }

    fn kiss(&mut self, direction: Direction, header: &Header, context: &Context<'_>, out: &mut Sink<'_>) {
        if header.mode() != 4 || !header.reference_id.iter().all(u8::is_ascii_graphic) {
            return;
        }
        let code = String::from_utf8_lossy(&header.reference_id).into_owned();
        self.facts.first("kiss", code.clone(), direction, context.packet);
        if std::mem::replace(&mut self.told[0], true) {
            return;
        }
        let meaning = match code.as_str() {
            "RATE" => "it is asked too often, and wants to be asked less",
            "DENY" => "it refuses this client",
            "RSTR" => "its rules refuse this client",
            "INIT" => "it has just started and is not set yet",
            "STEP" => "its own clock has just jumped",
            "NTSN" => "it does not accept the client's cookie",
            _ => "the code is not a common one",
        };
        let title = format!("An NTP server answers with a kiss of death: {code}, {meaning}");
        let explanation = "The answer holds no time. A client that gets DENY or RSTR has to stop asking this server, with RATE \
                           to ask it less often; one that goes on is ignored or blocked, and its clock drifts.";
        let about = (Severity::Warning, "ntp.kiss-of-death");
        out.finding(finding(context, [context.packet], about, title, (explanation, "RFC 5905 7.4")));
    }

    /// Computes what the four moments tell, where the request was seen.
    fn answers(&mut self, direction: Direction, header: &Header, packet: PacketRef) {
        let place = self.asked.iter().position(|(transmit, asked)| *transmit == header.origin && *asked != packet);
        let Some((t1, asked)) = place.and_then(|place| self.asked.remove(place)) else { return };
        self.exchanges = self.exchanges.saturating_add(1);
        let waited = packet.timestamp.since(asked.timestamp);
        self.facts.first("answered_after_ns", waited.to_string(), direction, packet);
        if header.origin == 0 || header.receive == 0 || header.stratum == 0 {
            return;
        }
        let four = moments(header, asked.timestamp, packet.timestamp);
        self.delay.add(four.delay_ns);
        let client_clock = moment(t1, asked.timestamp).saturating_sub(asked.timestamp.nanoseconds());
        if client_clock.unsigned_abs() <= PLAUSIBLE_NS {
            self.offset.add(four.server_clock_ns.saturating_sub(client_clock));
        }
        self.facts.first("delay_ns", four.delay_ns.to_string(), direction, packet);
        self.facts.first("server_clock_ns", four.server_clock_ns.to_string(), direction, packet);
        if self.offset.count == 1 {
            self.facts.first("offset_ns", self.offset.min.to_string(), direction, packet);
        }
    }

    fn control(&mut self, direction: Direction, bytes: &[u8], packet: PacketRef, out: &mut Sink<'_>) {
        let Some((opcode, is_response, sequence)) = parser::control(bytes) else { return };
        self.facts.see(packet);
        self.last = Some((direction, packet));
        self.facts.first("mode", mode_name(6), direction, packet);
        let name = parser::control_name(opcode).map_or_else(|| format!("opcode {opcode}"), str::to_owned);
        self.facts.add(if is_response { "control_response" } else { "control_request" }, name, direction, packet);
        note::control(bytes, (opcode, is_response, sequence), out);
    }

    fn private(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some((is_response, implementation, code)) = parser::private(bytes) else { return };
        let packet = context.packet;
        self.facts.see(packet);
        self.last = Some((direction, packet));
        self.facts.first("mode", mode_name(7), direction, packet);
        let is_monlist = MONLIST.contains(&code);
        let name = if is_monlist { format!("monlist ({code})") } else { format!("code {code}") };
        self.facts.add(if is_response { "private_response" } else { "private_request" }, name, direction, packet);
        note::private(bytes, (is_response, implementation, code), out);
        if is_monlist && is_response && !std::mem::replace(&mut self.told[2], true) {
            let title = "An NTP server tells who asked it: it answers monlist".to_owned();
            let explanation = "One small request makes the server send a list of up to 600 hosts. With a forged source address \
                               that is the best known way to flood somebody with other people's servers. Update the \
                               server, or set `disable monitor` and `restrict noquery`.";
            let about = (Severity::Warning, "ntp.monlist");
            out.finding(finding(context, [packet], about, title, (explanation, "CVE-2013-5211")));
        }
    }

    /// Reports what is known.
    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some((direction, packet)) = self.last
            && (self.requests > 1 || self.exchanges > 1)
        {
            self.facts.add("requests", self.requests.to_string(), direction, packet);
            self.facts.add("exchanges", self.exchanges.to_string(), direction, packet);
            let spreads = [
                (self.delay, ["delay_min_ns", "delay_mean_ns", "delay_max_ns"]),
                (self.offset, ["offset_min_ns", "offset_mean_ns", "offset_max_ns"]),
            ];
            for (spread, names) in spreads {
                if let (Some(mean), 2..) = (spread.mean(), spread.count) {
                    for (name, value) in names.into_iter().zip([spread.min, mean, spread.max]) {
                        self.facts.add(name, value.to_string(), direction, packet);
                    }
                }
            }
        } else if let (Some((direction, packet)), 1, 0) = (self.last, self.requests, self.exchanges) {
            self.facts.add("answer", "none seen", direction, packet);
        }
        self.facts.tell("ntp", context, out);
    }
}

struct Moments {
    delay_ns: i64,
    server_clock_ns: i64,
}

/// What the server's two moments say, with the capture's own beside them.
fn moments(header: &Header, asked: Timestamp, answered: Timestamp) -> Moments {
    let (t2, t3) = (moment(header.receive, asked), moment(header.transmit, answered));
    let (c1, c4) = (asked.nanoseconds(), answered.nanoseconds());
    let delay_ns = c4.saturating_sub(c1).saturating_sub(t3.saturating_sub(t2));
    let server_clock_ns = t2.saturating_sub(c1).saturating_add(t3.saturating_sub(c4)) / 2;
    Moments { delay_ns, server_clock_ns }
}

/// 1/65536 s in nanoseconds.
fn short_ns(value: u32) -> u64 {
    u64::from(value).saturating_mul(1_000_000_000) >> 16
}

fn reference(header: &Header) -> String {
    let [a, b, c, d] = header.reference_id;
    let is_text = header.stratum == 1;
    match header.reference_id.iter().rposition(|byte| *byte != 0) {
        Some(last) if is_text => {
            let name = header.reference_id.get(..=last).unwrap_or_default();
            if name.iter().all(|byte| (0x20..0x7f).contains(byte)) {
                String::from_utf8_lossy(name).into_owned()
            } else {
                hex(&header.reference_id)
            }
        }
        _ => format!("{a}.{b}.{c}.{d}"),
    }
}

fn leap_name(leap: u8) -> &'static str {
    match leap {
        0 => "none",
        1 => "the day's last minute has 61 seconds",
        2 => "the day's last minute has 59 seconds",
        _ => "not synchronised",
    }
}

impl Session for Ntp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context, out),
            Input::Close => self.tell(context, out),
            _ => {}
        }
        Progress::Consumed(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        app::Said,
        record::{Certainty, Endpoint, FlowFacts, FlowId, PacketNumber, Record, Secrets, Transport, Wanted},
    };

    /// What a session says of datagrams: each with its direction and moment.
    fn run(sent: &[(Direction, i64, Vec<u8>)]) -> (Vec<(&'static str, String)>, Vec<&'static str>) {
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let flow = FlowFacts {
            id: FlowId::default(),
            transport: Transport::Udp,
            client: end(40_000),
            server: end(123),
            client_certainty: Certainty::Assumed,
        };
        let mut said = Vec::new();
        let mut session = Ntp::default();
        let mut ask = |input: Input<'_>, index: u64, moment: i64| {
            let packet = PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp: Timestamp(moment) };
            let context = Context {
                flow: &flow,
                packet,
                origins: &[],
                from_start: false,
                round_trip_ns: None,
                server_round_trip_ns: None,
                hop_limit: None,
                secrets: Secrets::none(),
            };
            session.input(input, &context, &mut Sink::new(Wanted::usual(), true, &mut said));
        };
        for (index, (direction, moment, bytes)) in sent.iter().enumerate() {
            ask(Input::Datagram { direction: *direction, bytes }, index as u64, *moment);
        }
        ask(Input::Close, sent.len() as u64, 0);
        let (mut facts, mut codes) = (Vec::new(), Vec::new());
        for said in said {
            match said {
                Said::Record(Record::Application(record)) => {
                    facts.extend(record.facts.into_iter().map(|fact| (fact.name, fact.value)));
                }
                Said::Record(Record::Finding(finding)) => codes.push(finding.code),
                _ => {}
            }
        }
        (facts, codes)
    }

    const SECOND: u64 = 1 << 32;
    /// 2026-11-21 20:00:00 UTC.
    const NOW_NS: i64 = 1_795_291_200_000_000_000;
    const NOW_NTP: u64 = (1_795_291_200 + 2_208_988_800) * SECOND;

    fn packet(flags: u8, stratum: u8, id: [u8; 4], times: [u64; 3]) -> Vec<u8> {
        let mut bytes = vec![flags, stratum, 6, 0xe9, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(id);
        bytes.extend([0; 8]);
        times.iter().for_each(|time| bytes.extend(time.to_be_bytes()));
        bytes
    }

    #[test]
    fn four_moments_give_delay_and_offset() {
        // The client's clock is 2 s behind the capture's, the server's 3 s ahead; 10 ms each way, 5 ms in the server.
        let ms = |ms: u64| ms * SECOND / 1000;
        let t1 = NOW_NTP - 2 * SECOND;
        let (t2, t3) = (NOW_NTP + 3 * SECOND + ms(10), NOW_NTP + 3 * SECOND + ms(15));
        let (facts, codes) = run(&[
            (Direction::ClientToServer, NOW_NS, packet(0x23, 0, [0; 4], [0, 0, t1])),
            (Direction::ServerToClient, NOW_NS + 25_000_000, packet(0x24, 2, [192, 0, 2, 1], [t1, t2, t3])),
        ]);
        assert_eq!(codes, [""; 0]);
        let value = |name: &str| facts.iter().find(|fact| fact.0 == name).map(|fact| fact.1.as_str());
        let near = |name: &str, expected: i64| {
            let value: i64 = value(name).unwrap().parse().unwrap();
            assert!(value.abs_diff(expected) < 100, "{name}: {value}");
        };
        assert_eq!(value("answered_after_ns"), Some("25000000"));
        near("delay_ns", 20_000_000);
        near("server_clock_ns", 3_000_000_000);
        near("offset_ns", 5_000_000_000);
        assert_eq!(value("reference_id"), Some("192.0.2.1"));
    }

    #[test]
    fn a_random_number_is_no_clock() {
        let t1 = 0x1234_5678_9abc_def0;
        let (facts, _) = run(&[
            (Direction::ClientToServer, NOW_NS, packet(0x23, 0, [0; 4], [0, 0, t1])),
            (Direction::ServerToClient, NOW_NS, packet(0x24, 1, *b"GPS\0", [t1, NOW_NTP, NOW_NTP])),
        ]);
        assert!(facts.iter().any(|fact| fact.0 == "delay_ns") && !facts.iter().any(|fact| fact.0 == "offset_ns"));
        assert!(facts.contains(&("reference_id", "GPS".to_owned())));
    }

    #[test]
    fn servers_in_trouble() {
        let answer =
            |flags, stratum, id| vec![(Direction::ServerToClient, NOW_NS, packet(flags, stratum, id, [1, 2, 3]))];
        assert_eq!(run(&answer(0xe4, 0, *b"RATE")).1, ["ntp.kiss-of-death"]);
        assert_eq!(run(&answer(0xe4, 0, [0; 4])).1, ["ntp.unsynchronized"]);
        assert_eq!(run(&answer(0x24, 16, [0; 4])).1, ["ntp.unsynchronized"]);
        assert_eq!(run(&answer(0x24, 3, [10, 0, 0, 1])).1, [""; 0]);
        let monlist = |first| vec![first, 0, 3, 42, 0, 1, 0, 72];
        assert_eq!(run(&[(Direction::ClientToServer, 0, monlist(0x17))]).1, [""; 0], "asking is no answer");
        assert_eq!(run(&[(Direction::ServerToClient, 0, monlist(0x97))]).1, ["ntp.monlist"]);
    }

    proptest! {
        #[test]
        fn any_bytes(sent in proptest::collection::vec((any::<bool>(), any::<i64>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..6)) {
            let direction = |client: &bool| if *client { Direction::ClientToServer } else { Direction::ServerToClient };
            let sent: Vec<_> = sent.iter().map(|(client, moment, bytes)| (direction(client), *moment, bytes.clone())).collect();
            run(&sent);
        }
    }
}
