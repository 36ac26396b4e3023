//! What is worth a person's attention in a connection: a closed catalogue of codes, each with its proof.
use super::{
    connection::{Connection, Reuse},
    race::Race,
};
use crate::record::{
    CloseKind, Evidence, Finding, FlowFacts, PacketNumber, Severity, Side, Subject, TcpState, Timestamp,
};

/// Share of segments sent again from which it is a warning: one in a hundred.
const RETRANSMISSION_SHARE: u64 = 100;

/// An answer that is not there after this time is late enough to say so, in nanoseconds: a SYN is sent again after one
/// second (RFC 6298 2.1).
const ANSWER_WITHIN_NS: i64 = 1_000_000_000;
/// A window closed for longer than this, in nanoseconds, is felt.
const LONG_ZERO_WINDOW_NS: i64 = 200_000_000;

/// The longest TIME-WAIT in use: twice RFC 9293's maximum segment lifetime, in nanoseconds.
const TIME_WAIT_AT_MOST_NS: i64 = 240_000_000_000;
/// A silence shorter than this, in nanoseconds, is no idle timeout worth naming.
const WORTH_NAMING_NS: i64 = 500_000_000;

struct Writer<'a> {
    facts: &'a FlowFacts,
    findings: Vec<Finding>,
}

impl Writer<'_> {
    fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        evidence: Evidence,
        title: String,
        explanation: &str,
        reference: &'static str,
    ) {
        self.findings.push(Finding {
            subject: Subject::new(self.facts.id, evidence),
            client: Some(self.facts.client),
            server: Some(self.facts.server),
            severity,
            code,
            title,
            explanation: explanation.to_owned(),
            reference: Some(reference),
        });
    }
}

fn proof(numbers: &[PacketNumber], total: u64) -> Evidence {
    let mut evidence: Evidence = numbers.iter().copied().collect();
    evidence.add_unlisted(total.saturating_sub(evidence.total()));
    evidence
}

/// A number of things, as one says it.
fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// A time in words: `3.1 ms`, `5.0 s`.
fn duration(nanoseconds: i64) -> String {
    let tenths = |unit: i64| {
        let tenths = nanoseconds.saturating_add(unit / 20).checked_div(unit / 10).unwrap_or(0);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match nanoseconds {
        ..1_000_000 => format!("{} µs", nanoseconds.max(0) / 1000),
        ..1_000_000_000 => format!("{} ms", tenths(1_000_000)),
        _ => format!("{} s", tenths(1_000_000_000)),
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

impl Connection {
    /// The findings about this connection, in a fixed order. It was watched until `until`.
    #[must_use]
    pub fn findings(&self, facts: &FlowFacts, until: Timestamp) -> Vec<Finding> {
        let mut writer = Writer { facts, findings: Vec::new() };
        self.opening_findings(&mut writer, until);
        self.closing_findings(&mut writer);
        for side in [Side::Client, Side::Server] {
            self.quality_findings(&mut writer, side);
        }
        writer.findings
    }

    fn opening_findings(&self, writer: &mut Writer<'_>, until: Timestamp) {
        let [client, server] = &self.ends;
        let close = self.close();
        let ends = writer.facts;
        if close.kind == CloseKind::Refused {
            let evidence =
                self.syn.map(|at| at.number).into_iter().chain(server.reset_packet).chain(self.refused_by_icmp);
            let (title, explanation, reference) = if self.refused_by_icmp.is_some() {
                (
                    format!("{} cannot reach {}: ICMP says so", ends.client, ends.server),
                    "The SYN was answered with an ICMP error: no route, no such host, or a firewall that rejects. The \
                     ICMP packet tells who sent it and why.",
                    "RFC 9293 3.9.2.2",
                )
            } else {
                (
                    format!("{} refused the connection from {}", ends.server, ends.client),
                    "The SYN was answered with RST: nothing listens on that port, or a firewall rejects the connection. \
                     Check that the service runs and listens on this address and port.",
                    "RFC 9293 3.10.7.1",
                )
            };
            writer.add("tcp.refused", Severity::Error, evidence.collect(), title, explanation, reference);
        } else if let Some(syn) = self.syn
            && server.packets == 0
        {
            if client.flags & 0b1110 == 0 {
                let soon = until.since(syn.timestamp) < ANSWER_WITHIN_NS;
                let syns = count(client.packets, "SYN", "SYNs");
                writer.add(
                    "tcp.no-answer",
                    if soon { Severity::Note } else { Severity::Error },
                    self.evidence(),
                    if soon {
                        format!("the capture ended before {} could answer the SYN from {}", ends.server, ends.client)
                    } else {
                        format!("{} did not answer {syns} from {}", ends.server, ends.client)
                    },
                    "No SYN-ACK, no RST, no ICMP error: the host is down, the packets are dropped by a firewall, or \
                     the answers take another way that the capture does not see.",
                    "RFC 9293 3.8.3",
                );
            } else {
                self.one_sided(writer, Side::Client);
            }
        } else if client.packets == 0 || server.packets == 0 {
            let side = if client.packets == 0 { Side::Server } else { Side::Client };
            self.one_sided(writer, side);
        } else if self.syn_ack.is_some() && !self.was_established && self.reset_by.is_none() {
            writer.add(
                "tcp.half-open",
                Severity::Warning,
                self.evidence(),
                format!("the handshake of {} with {} was never completed", ends.client, ends.server),
                "The server answered the SYN, but the client never acknowledged that. Many of these at once are a SYN \
                 flood; a single one is a lost packet or a client that has gone.",
                "RFC 4987 2",
            );
        }
        self.slow_handshake(writer);
        if let Some(reuse) = self.reuses.as_deref() {
            self.reuse_finding(writer, reuse);
        }
    }

    fn reuse_finding(&self, writer: &mut Writer<'_>, reuse: &Reuse) {
        let ends = writer.facts;
        let after = duration(reuse.after_ns);
        let evidence = std::iter::once(self.first.number).collect();
        if reuse.was_open {
            writer.add(
                "tcp.port-reuse",
                Severity::Warning,
                evidence,
                format!("{} opened a connection where flow {} was still open, {after} after its last packet", ends.client, reuse.earlier),
                "The same addresses and ports as a connection that nobody had closed. The client has forgotten that one (a \
                 restart, or a translator that used the port again); the server still holds it, and answers the SYN with an ACK \
                 first, until the client resets it.",
                "RFC 9293 3.5.1",
            );
        } else if reuse.begins_behind && reuse.after_ns < TIME_WAIT_AT_MOST_NS {
            writer.add(
                "tcp.port-reuse",
                Severity::Warning,
                evidence,
                format!("{} used its port again {after} after flow {}, with sequence numbers of that one", ends.client, reuse.earlier),
                "A server in TIME-WAIT takes a SYN only when its sequence number or timestamp is beyond those of the earlier \
                 connection. This one is not: the SYN may be ignored or answered with an ACK, and late segments of the earlier \
                 connection can be taken for this one's.",
                "RFC 6191 2",
            );
        } else {
            writer.add(
                "tcp.port-reuse",
                Severity::Note,
                evidence,
                format!("{} used its port again for {}, {after} after flow {}", ends.client, ends.server, reuse.earlier),
                "A new connection uses the addresses and ports of an earlier one in this capture. Its sequence numbers or \
                 timestamps are beyond those of that one, as RFC 6191 asks for while the earlier one may be in TIME-WAIT; late \
                 packets are told apart by them.",
                "RFC 6191 2",
            );
        }
    }

    fn slow_handshake(&self, writer: &mut Writer<'_>) {
        let Some(((syn, last_syn), ack)) = self.syn.zip(self.last_syn).zip(self.ack) else { return };
        let took = ack.timestamp.since(syn.timestamp);
        if took < ANSWER_WITHIN_NS - ANSWER_WITHIN_NS / 10 {
            return;
        }
        let (title, who) = if last_syn.number == syn.number {
            (
                format!("the handshake took {}: the SYN-ACK or its acknowledgement was lost or late", duration(took)),
                "The server",
            )
        } else {
            (format!("the handshake took {}: the SYN had to be sent again", duration(took)), "The client")
        };
        let explanation = format!(
            "{who} waited a second, then twice as long each time, before it sent its part again (RFC 6298 2.1, 5.5). Nothing else \
             happens in that time, so users notice. Packets were lost, or the server's backlog was full."
        );
        let evidence =
            [syn.number, last_syn.number].into_iter().chain(self.syn_ack.map(|at| at.number)).chain([ack.number]);
        writer.add("tcp.slow-handshake", Severity::Warning, evidence.collect(), title, &explanation, "RFC 6298 5.7");
    }

    fn one_sided(&self, writer: &mut Writer<'_>, side: Side) {
        if self.end(side).packets < 3 {
            return;
        }
        let packets = self.end(side).packets;
        writer.add(
            "tcp.one-sided",
            Severity::Note,
            self.evidence(),
            format!("only the {}'s {packets} packets were captured", name(side)),
            "The capture holds one direction only: asymmetric routing, a filter, or a mirror port for one direction. \
             What the other side did is concluded from this one.",
            "RFC 9293 3.3.2",
        );
    }

    fn closing_findings(&self, writer: &mut Writer<'_>) {
        let close = self.close();
        if close.kind == CloseKind::Reset
            && let Some(by) = self.reset_by
        {
            self.reset_finding(writer, by);
        }
        if close.late_packets > 0 {
            writer.add(
                "tcp.late-packets",
                Severity::Note,
                proof(&self.late_packets, close.late_packets),
                format!("{} came after both ends had closed", count(close.late_packets, "packet", "packets")),
                "Copies and retransmissions that were still on their way. TIME-WAIT exists to absorb them.",
                "RFC 9293 3.4.2",
            );
        }
        if self.was_established
            && close.kind == CloseKind::HalfClosed
            && self.machine.state(Side::Client) != Some(TcpState::Closed)
            && self.machine.state(Side::Server) != Some(TcpState::Closed)
            && let Some((side, false)) = self.first_close
        {
            writer.add(
                "tcp.half-closed",
                Severity::Note,
                self.end(side).fin_packet.into_iter().collect(),
                format!("the {} closed, the {} did not until the capture ended", name(side), name(side.other())),
                "One direction is closed, the other still open. Normal while data flows on; else the program on the \
                 other side has not closed its socket (CLOSE-WAIT).",
                "RFC 9293 3.6",
            );
        }
    }

    fn reset_finding(&self, writer: &mut Writer<'_>, by: Side) {
        let peer = by.other();
        let (sender, receiver) = (self.end(by), self.end(peer));
        let (who, other) = (name(by), name(peer));
        let resets = sender.reset_packet;
        if let Some(race) = self.race() {
            let evidence = sender.fin_packet.into_iter().chain([race.data]).chain(resets).collect();
            if by == Side::Server {
                self.race_finding(writer, &race, evidence);
                return;
            }
            if race.after_fin_ns.is_some() {
                writer.add(
                    "tcp.reset-after-close",
                    Severity::Note,
                    evidence,
                    format!("the {who} closed while the {other} was still sending, and answered the rest with RST"),
                    "The program had closed its socket and nobody was left to read: common when a user stops a download \
                     or a client needs no more. The data behind the FIN is lost, as the client wanted it.",
                    "RFC 9293 3.6.1",
                );
                return;
            }
        }
        let lost = u64::from(sender.unacknowledged()).saturating_add(u64::from(receiver.unacknowledged()));
        if sender.fin.is_some() || receiver.fin.is_some() {
            let how = if sender.fin.is_some() { "after its FIN" } else { "instead of sending FIN" };
            writer.add(
                "tcp.reset-after-close",
                Severity::Note,
                sender.fin_packet.into_iter().chain(receiver.fin_packet).chain(resets).collect(),
                format!("the {who} ended the connection with RST {how}"),
                "A FIN had announced the end already. Many programs close this way, to spare TIME-WAIT or because \
                 data came that nobody would read any more. No harm, unless the other program logs it as an error.",
                "RFC 9293 3.10.7.4",
            );
            return;
        }
        let (severity, title) = if lost == 0 {
            (Severity::Note, format!("the {who} reset the connection while it was idle"))
        } else {
            let bytes = count(lost, "byte", "bytes");
            (Severity::Warning, format!("the {who} reset the connection with {bytes} unacknowledged"))
        };
        writer.add(
            "tcp.reset-mid-stream",
            severity,
            resets.into_iter().collect(),
            title,
            "RST ends a connection at once: data on its way is lost, and the other side sees an error when it next uses \
             the connection. A program crashed, gave up, or closed its socket with data unread or on purpose without \
             FIN; a firewall may do it too.",
            "RFC 9293 3.10.7.4",
        );
    }

    fn race_finding(&self, writer: &mut Writer<'_>, race: &Race, evidence: Evidence) {
        let (server, client) = (writer.facts.server, writer.facts.client);
        let idle = race.idle_ns.filter(|idle| *idle >= WORTH_NAMING_NS).map(duration);
        let title = match (race.after_fin_ns, &idle) {
            (Some(after), _) if after >= 0 => {
                format!("{client} sent a request {} after the FIN of {server}; it was reset", duration(after))
            }
            (Some(after), _) => format!(
                "{client} sent a request {} before the FIN of {server} came by: they crossed, and it was reset",
                duration(after.saturating_neg())
            ),
            (None, Some(idle)) => {
                format!("{client} sent a request after {idle} of silence; {server} answered with RST")
            }
            (None, None) => format!("{client} sent a request that {server} answered with RST"),
        };
        let explanation = match (race.after_fin_ns.is_some(), idle) {
            (true, Some(idle)) => format!(
                "The server closes after {idle} without data, and the client used the connection in the same moment: the \
                 keep-alive race, the classic cause of sporadic 502 answers behind a load balancer. Let the client give idle \
                 connections up after less than {idle}, or the server keep them longer than the client does. The client may \
                 safely repeat the request if it is idempotent."
            ),
            (true, None) => "The server closed while the client sent another request on the same connection: behind a load \
                 balancer this shows as a 502 answer. The server had announced the close with its FIN only; in HTTP it should \
                 say Connection: close in its last response. The client may safely repeat the request if it is idempotent."
                .to_owned(),
            (false, _) => "The client took the connection for open, but the server, or a firewall or translator before it, had \
                 forgotten it, and no FIN of that was captured: a restart, or an idle timeout that drops connections silently. \
                 Let the client give idle connections up sooner, or send keep-alives (RFC 9293 3.8.4) more often than that \
                 timeout."
                .to_owned(),
        };
        writer.add("tcp.close-race", Severity::Error, evidence, title, &explanation, "RFC 9293 3.6.1");
    }

    fn quality_findings(&self, writer: &mut Writer<'_>, side: Side) {
        let end = self.end(side);
        let Some(trouble) = end.trouble.as_deref() else { return };
        let who = name(side);
        let unanswered = self.end(side.other()).packets == 0;
        if trouble.retransmissions > 0 && !unanswered {
            let much = trouble.retransmissions.saturating_mul(RETRANSMISSION_SHARE) > end.packets;
            let enough = trouble.retransmissions >= 3;
            writer.add(
                "tcp.retransmissions",
                if much && enough { Severity::Warning } else { Severity::Note },
                proof(&trouble.retransmitted, trouble.retransmissions),
                format!(
                    "the {who} sent {} of its {} again",
                    trouble.retransmissions,
                    count(end.packets, "segment", "segments")
                ),
                "Segments or their acknowledgements were lost or late, and were sent again. Above one in a hundred \
                 transfers become slow. Look for a congested link, a bad cable or radio, a wrong duplex setting.",
                "RFC 6298",
            );
        }
        if trouble.copies > 0 {
            writer.add(
                "tcp.duplicated-packets",
                Severity::Note,
                proof(&trouble.copied, trouble.copies),
                format!("the capture holds {} of the {who} twice", count(trouble.copies, "packet", "packets")),
                "They carry the same IP identification, so the sender sent them once: a mirror port that sees both ways \
                 through the switch, a capture on all interfaces, or a network that doubles packets. They count as \
                 packets, but not as retransmissions.",
                "RFC 6864 4.3",
            );
        }
        if trouble.zero_windows > 0 {
            let closed = trouble.zero_window_ns;
            let times = count(trouble.zero_windows, "time", "times");
            writer.add(
                "tcp.zero-window",
                if closed == 0 || closed > LONG_ZERO_WINDOW_NS { Severity::Warning } else { Severity::Note },
                proof(&trouble.zero_window_packets, trouble.zero_windows),
                match closed {
                    0 => format!("the {who} announced a window of zero {times} and never opened it again"),
                    _ => format!("the {who} announced a window of zero {times}, for {} ms in all", closed / 1_000_000),
                },
                "Its receive buffer was full: the program there reads more slowly than data arrives. The network is not \
                 to blame.",
                "RFC 9293 3.8.6.1",
            );
        }
        let gap = end.gap_bytes();
        if gap > 0 {
            writer.add(
                "tcp.tap-losses",
                Severity::Warning,
                proof(&trouble.gap_packets, u64::try_from(trouble.gap_packets.len()).unwrap_or(0)),
                format!("{gap} bytes of the {who} were acknowledged but are not in the capture"),
                "The receiver got them, so the network did not lose them: the capture did. Its buffer was too small, \
                 the disk too slow, or the mirror port overloaded. Do not read them as network losses.",
                "RFC 9293 3.10.7.4",
            );
        }
    }
}
