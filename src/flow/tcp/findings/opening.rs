//! Findings about how a connection began.
use super::{Writer, count, duration, name};
use crate::{
    flow::tcp::connection::{Connection, Reuse},
    record::{CloseKind, Severity, Side, Timestamp},
};

/// An answer that is not there after this time is late enough to say so, in nanoseconds: a SYN is sent again after one
/// second (RFC 6298 2.1).
const ANSWER_WITHIN_NS: i64 = 1_000_000_000;
/// The longest TIME-WAIT in use: twice RFC 9293's maximum segment lifetime, in nanoseconds.
const TIME_WAIT_AT_MOST_NS: i64 = 240_000_000_000;

impl Connection {
    pub(super) fn opening_findings(&self, writer: &mut Writer<'_>, until: Timestamp) {
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
            if self.is_trace_step() {
                // A router's time exceeded was all that the sender wanted; the path tells.
            } else if client.flags & 0b1110 == 0 {
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
                    if self.told {
                        "No SYN-ACK, no RST; but an ICMP error speaks of it, which is explained by itself."
                    } else {
                        "No SYN-ACK, no RST, no ICMP error: the host is down, the packets are dropped by a firewall, or \
                         the answers take another way that the capture does not see."
                    },
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
}
