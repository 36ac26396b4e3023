//! The `connection` record of a connection that is over.
use super::{connection::Connection, endpoint::Endpoint};
use crate::record::{
    self, Close, CloseKind, ConnectionSide, Evidence, FlowFacts, Handshake, OpenConnection, PacketNumber, Side,
    StateNow, Subject, TcpState, Transition, Vantage, WhichSide,
};

/// Handshake halves shorter than this, in nanoseconds, say nothing about where the capture was taken.
const VANTAGE_FLOOR_NS: i64 = 100_000;
/// How many times longer one half must be.
const VANTAGE_RATIO: i64 = 5;

/// Segments with new data from which a side's windows are shown over time.
const SERIES_FROM: u64 = 16;

impl Connection {
    /// The record.
    #[must_use]
    pub fn record(&self, facts: &FlowFacts, application: Option<&'static str>) -> record::Connection {
        let handshake = self.handshake_record();
        record::Connection {
            subject: Subject::new(facts.id, self.evidence()),
            community_id: facts.into(),
            start_ts: self.first.timestamp,
            end_ts: self.last.timestamp,
            duration_ns: self.last.timestamp.since(self.first.timestamp),
            application,
            tunnel: Vec::new(),
            vantage: vantage(&handshake),
            client_certainty: facts.client_certainty,
            client: self.side_record(facts, Side::Client),
            server: self.side_record(facts, Side::Server),
            handshake,
            transitions: self.transitions(),
            transitions_total: self.machine.total,
            close: self.close(),
            completeness: self.completeness,
            zeek: record::Zeek { conn_state: self.zeek.conn_state(), history: self.zeek.history() },
        }
    }

    /// The connection as it stands; what it carries is not filled in.
    #[must_use]
    pub fn glance(&self, facts: &FlowFacts) -> OpenConnection {
        let ends = [Side::Client, Side::Server];
        OpenConnection {
            flow: facts.id,
            client: facts.client,
            server: facts.server,
            application: None,
            start_ts: self.first.timestamp,
            last_ts: self.last.timestamp,
            states: ends.map(|side| StateNow {
                state: self.machine.state(side),
                implied: self.machine.lost_track || self.machine.is_doubtful(side),
            }),
            bytes: ends.map(|side| self.end(side).wire_bytes),
            recent_bytes: None,
            retransmissions: ends.iter().fold(0, |sum: u64, side| {
                sum.saturating_add(self.end(*side).trouble.as_deref().map_or(0, |trouble| trouble.retransmissions))
            }),
            round_trip_ns: self.round_trip_ns(),
        }
    }

    fn transitions(&self) -> Vec<Transition> {
        let of = |entry: &super::machine::Entry| Transition {
            packet: entry.packet,
            ts: entry.ts,
            side: entry.side,
            from: entry.from,
            to: entry.step.to,
            event: entry.step.event,
            certainty: entry.step.certainty,
            rule: entry.step.rule,
        };
        self.machine.entries.iter().map(of).collect()
    }

    fn handshake_record(&self) -> Handshake {
        let between = |from: Option<record::PacketRef>, to: Option<record::PacketRef>| {
            from.zip(to).map(|(from, to)| to.timestamp.since(from.timestamp))
        };
        Handshake {
            syn_packet: self.syn.map(|at| at.number),
            syn_ack_packet: self.syn_ack.map(|at| at.number),
            ack_packet: self.ack.map(|at| at.number),
            syn_to_syn_ack_ns: between(self.last_syn, self.syn_ack),
            syn_ack_to_ack_ns: between(self.syn_ack, self.ack),
            complete: self.syn.is_some() && self.syn_ack.is_some() && self.ack.is_some(),
            fast_open: self.offer.as_ref().and_then(|offer| offer.fast_open),
            multipath: self.offer.as_ref().and_then(|offer| offer.multipath),
            ecn: self.offer.as_ref().and_then(|offer| offer.ecn),
        }
    }

    /// First, handshake, FINs, RSTs and last, in order; the others are counted.
    pub(super) fn evidence(&self) -> Evidence {
        let [client, server] = &self.ends;
        let mut numbers: Vec<PacketNumber> = [self.syn, self.syn_ack, self.ack]
            .into_iter()
            .flatten()
            .map(|at| at.number)
            .chain(
                [client.fin_packet, server.fin_packet, client.reset_packet, server.reset_packet].into_iter().flatten(),
            )
            .chain([self.first.number, self.last.number])
            .collect();
        numbers.sort_unstable();
        let mut evidence: Evidence = numbers.into_iter().collect();
        let packets = client.packets.saturating_add(server.packets);
        evidence.add_unlisted(packets.saturating_sub(evidence.total()));
        evidence
    }

    fn side_record(&self, facts: &FlowFacts, side: Side) -> ConnectionSide {
        let end: &Endpoint = self.end(side);
        let address = facts.endpoint(side);
        let trouble = end.trouble.as_deref();
        let count = |read: fn(&super::loss::Trouble) -> u64| trouble.map_or(0, read);
        let path_ns = self.round_trip_ns();
        let (throughput, goodput) = end.rates(path_ns);
        let transfer = end.transfer.as_deref().filter(|transfer| transfer.segments >= SERIES_FROM);
        let accurate_ecn = self.is_accurate_ecn();
        let options_seen = self.ends.iter().all(|end| end.timestamps.is_some());
        let classic = |number| (!accurate_ecn).then_some(number);
        let letters = "SAFRPU".chars().enumerate();
        ConnectionSide {
            address: address.address,
            port: address.port,
            packets: end.packets,
            wire_bytes: end.wire_bytes,
            payload_bytes: end.payload_bytes,
            flags: letters.filter(|(bit, _)| end.flags & (1 << bit) != 0).map(|(_, letter)| letter).collect(),
            final_state: self.machine.state(side),
            mss: end.mss,
            window_scale: end.window_scale,
            sack_permitted: end.sack_permitted,
            timestamps: end.timestamps,
            retransmissions: count(|trouble| trouble.retransmissions),
            fast_retransmissions: count(|trouble| trouble.fast),
            timeout_retransmissions: count(|trouble| trouble.timeouts),
            tail_loss_probes: count(|trouble| trouble.probes),
            spurious_retransmissions: count(|trouble| trouble.spurious),
            loss_episodes: count(|trouble| trouble.loss_episodes),
            out_of_order: count(|trouble| trouble.out_of_order),
            duplicate_acks: count(|trouble| trouble.duplicate_acks),
            sack_blocks: count(|trouble| trouble.sack_blocks),
            duplicate_sacks: count(|trouble| trouble.duplicate_sacks),
            zero_windows: count(|trouble| trouble.zero_windows),
            zero_window_ns: trouble.map_or(0, |trouble| trouble.zero_window_until(self.last.timestamp)),
            window_full: count(|trouble| trouble.window_full),
            keep_alives: count(|trouble| trouble.keep_alives),
            zero_window_probes: count(|trouble| trouble.zero_window_probes),
            gap_bytes: end.gap_bytes(),
            max_bytes_in_flight: u64::from(end.max_in_flight),
            window_series: transfer.map_or_else(Vec::new, |transfer| transfer.series.samples().to_vec()),
            window_series_total: transfer.map_or(0, |transfer| transfer.segments),
            initial_window: end.initial_window(path_ns),
            throughput_bits_per_second: throughput,
            goodput_bits_per_second: goodput,
            ecn_ce: count(|trouble| trouble.ecn_ce),
            ece: classic(count(|trouble| trouble.ece)),
            cwr: classic(count(|trouble| trouble.cwr)),
            limited_by: end.limited_by(path_ns).filter(|_| options_seen),
            rtt: end.rtt.summary(),
        }
    }

    /// Whether the handshake agreed on Accurate ECN: the SYN carries AE, CWR and ECE, and the SYN-ACK answers which codepoint
    /// the SYN arrived with (RFC 9768 3.1.1, table 2). ECE alone agrees on classic ECN; all three are a broken mirror.
    fn is_accurate_ecn(&self) -> bool {
        let [client, server] = &self.ends;
        let bits = |end: &Endpoint| (end.syn_ecn.ae(), end.syn_ecn.cwr(), end.syn_ecn.ece());
        let answer = bits(server);
        bits(client) == (true, true, true) && matches!(answer, (false, true, _) | (true, _, false))
    }

    fn went_through(&self, side: Side, state: TcpState) -> bool {
        self.machine.entries.iter().any(|entry| entry.side == side && entry.step.to == state)
    }

    pub(super) fn close(&self) -> Close {
        let [client, server] = &self.ends;
        let fins = (client.fin.is_some(), server.fin.is_some());
        let both_closed = [Side::Client, Side::Server]
            .iter()
            .all(|side| matches!(self.machine.state(*side), Some(TcpState::Closed | TcpState::TimeWait)));
        let kind = if self.refused_by_icmp.is_some() {
            CloseKind::Refused
        } else if let Some(by) = self.reset_by {
            match (self.was_established, by) {
                // Data were lost on the way: both said goodbye, but one of them in vain.
                (true, _) if fins == (true, true) && self.race().is_none() => CloseKind::Graceful,
                (true, _) => CloseKind::Reset,
                (false, Side::Server) => CloseKind::Refused,
                (false, Side::Client) => CloseKind::Aborted,
            }
        } else if self.gave_up {
            CloseKind::TimedOut
        } else {
            match fins {
                (true, true) if both_closed => CloseKind::Graceful,
                (true, true) => CloseKind::Graceful,
                (true, false) | (false, true) => CloseKind::HalfClosed,
                (false, false) => CloseKind::Open,
            }
        };
        let which = |side| if side == Side::Client { WhichSide::Client } else { WhichSide::Server };
        let waited =
            (self.went_through(Side::Client, TcpState::TimeWait), self.went_through(Side::Server, TcpState::TimeWait));
        let closing =
            (self.went_through(Side::Client, TcpState::Closing), self.went_through(Side::Server, TcpState::Closing));
        Close {
            kind,
            initiator: if closing == (true, true) {
                Some(WhichSide::Both)
            } else {
                self.first_close.map(|(side, _)| which(side))
            },
            time_wait: match waited {
                (true, true) => Some(WhichSide::Both),
                (true, false) => Some(WhichSide::Client),
                (false, true) => Some(WhichSide::Server),
                (false, false) => None,
            },
            late_packets: self.late_total,
        }
    }
}

/// Whose answers take much longer lies farther away.
fn vantage(handshake: &Handshake) -> Option<Vantage> {
    let (server, client) = (handshake.syn_to_syn_ack_ns?, handshake.syn_ack_to_ack_ns?);
    if server.max(client) < VANTAGE_FLOOR_NS || server < 0 || client < 0 {
        None
    } else if server >= client.saturating_mul(VANTAGE_RATIO) {
        Some(Vantage::NearClient)
    } else if client >= server.saturating_mul(VANTAGE_RATIO) {
        Some(Vantage::NearServer)
    } else {
        Some(Vantage::Between)
    }
}
