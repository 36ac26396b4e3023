//! What is worth a person's attention in a connection: a closed catalogue of codes, each with its proof.
use super::connection::Connection;
use crate::record::{CloseKind, Evidence, Finding, FlowFacts, PacketNumber, Severity, Side, Subject, TcpState};

/// Share of segments sent again from which it is a warning: one in a hundred.
const RETRANSMISSION_SHARE: u64 = 100;

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

fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

impl Connection {
    /// The findings about this connection, in a fixed order.
    #[must_use]
    pub fn findings(&self, facts: &FlowFacts) -> Vec<Finding> {
        let mut writer = Writer { facts, findings: Vec::new() };
        self.opening_findings(&mut writer);
        self.closing_findings(&mut writer);
        for side in [Side::Client, Side::Server] {
            self.quality_findings(&mut writer, side);
        }
        writer.findings
    }

    fn opening_findings(&self, writer: &mut Writer<'_>) {
        let [client, server] = &self.ends;
        let close = self.close();
        let ends = writer.facts;
        if close.kind == CloseKind::Refused {
            let evidence =
                self.syn.map(|at| at.number).into_iter().chain(server.reset_packet).chain(self.refused_by_icmp);
            writer.add(
                "tcp.refused",
                Severity::Error,
                evidence.collect(),
                format!("{} refused the connection from {}", ends.server, ends.client),
                "The SYN was answered with RST or with an ICMP error: nothing listens on that port, or a firewall \
                 rejects the connection. Check that the service runs and listens on this address and port.",
                "RFC 9293 3.10.7.1",
            );
        } else if self.syn.is_some() && server.packets == 0 {
            let lone = client.packets;
            if client.flags & 0b1110 == 0 {
                writer.add(
                    "tcp.no-answer",
                    Severity::Error,
                    self.evidence(),
                    format!("{} did not answer {lone} SYN from {}", ends.server, ends.client),
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
        if self.reuses {
            writer.add(
                "tcp.port-reuse",
                Severity::Note,
                std::iter::once(self.first.number).collect(),
                format!("{} used the same port again for {}", ends.client, ends.server),
                "A new connection uses the addresses and ports of an earlier one in this capture. Late packets of the \
                 earlier one can be taken for this one's when that happens soon.",
                "RFC 6191",
            );
        }
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
            let peer = by.other();
            let reset = self.end(by).reset_packet;
            let race = self.end(by).fin_packet.is_some() && self.data_after_fin.is_some();
            if race {
                let evidence = self.end(by).fin_packet.into_iter().chain(self.data_after_fin).chain(reset);
                writer.add(
                    "tcp.close-race",
                    Severity::Error,
                    evidence.collect(),
                    format!("the {} sent data while the {} was closing, and got RST", name(peer), name(by)),
                    "One side closed an idle connection at the very moment the other one used it: the data crossed the \
                     FIN and was answered with RST. Behind a load balancer this is the classic cause of sporadic 502 \
                     answers. Make the idle timeout of the side that reuses connections shorter than that of the side \
                     that closed first.",
                    "RFC 9293 3.10.7.4",
                );
            } else {
                writer.add(
                    "tcp.reset-mid-stream",
                    Severity::Warning,
                    reset.into_iter().collect(),
                    format!("the {} reset the connection", name(by)),
                    "RST ends a connection at once: data on its way is lost, and the other side sees an error. A program \
                     crashed, gave up, or closed its socket with data unread; a firewall may do it too.",
                    "RFC 9293 3.10.7.4",
                );
            }
        }
        if close.late_packets > 0 {
            writer.add(
                "tcp.late-packets",
                Severity::Note,
                proof(&self.late_packets, close.late_packets),
                format!("{} packets came after both ends had closed", close.late_packets),
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
                "tcp.half-open",
                Severity::Note,
                self.end(side).fin_packet.into_iter().collect(),
                format!("the {} closed, the {} did not until the capture ended", name(side), name(side.other())),
                "One direction is closed, the other still open. Normal while data flows on; else the program on the \
                 other side has not closed its socket (CLOSE-WAIT).",
                "RFC 9293 3.6",
            );
        }
    }

    fn quality_findings(&self, writer: &mut Writer<'_>, side: Side) {
        let end = self.end(side);
        let Some(trouble) = end.trouble.as_deref() else { return };
        let who = name(side);
        if trouble.retransmissions > 0 {
            let much = trouble.retransmissions.saturating_mul(RETRANSMISSION_SHARE) > end.packets;
            let enough = trouble.retransmissions >= 3;
            writer.add(
                "tcp.retransmissions",
                if much && enough { Severity::Warning } else { Severity::Note },
                proof(&trouble.retransmitted, trouble.retransmissions),
                format!("the {who} sent {} of {} segments again", trouble.retransmissions, end.packets),
                "Segments or their acknowledgements were lost or late, and were sent again. Above one in a hundred \
                 transfers become slow. Look for a congested link, a bad cable or radio, a wrong duplex setting.",
                "RFC 6298",
            );
        }
        if trouble.zero_windows > 0 {
            writer.add(
                "tcp.zero-window",
                Severity::Warning,
                proof(&trouble.zero_window_packets, trouble.zero_windows),
                format!("the {who} announced a window of zero {} times", trouble.zero_windows),
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
