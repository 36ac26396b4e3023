//! Findings about how a connection ended.
use super::{Writer, count, duration, name, proof};
use crate::{
    flow::tcp::{connection::Connection, race::Race},
    record::{CloseKind, Evidence, Severity, Side, TcpState},
};

/// A silence shorter than this, in nanoseconds, is no idle timeout worth naming.
const WORTH_NAMING_NS: i64 = 500_000_000;

impl Connection {
    pub(super) fn closing_findings(&self, writer: &mut Writer<'_>) {
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
}
