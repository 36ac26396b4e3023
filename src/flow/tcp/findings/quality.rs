//! Findings about what went less than well while a connection was open.
use super::{Writer, count, name, proof};
use crate::{
    flow::tcp::{connection::Connection, loss::Trouble},
    record::{Severity, Side},
};

/// Share of segments sent again from which it is a warning: one in a hundred.
const RETRANSMISSION_SHARE: u64 = 100;
/// A window closed for longer than this, in nanoseconds, is felt.
const LONG_ZERO_WINDOW_NS: i64 = 200_000_000;

impl Connection {
    pub(super) fn quality_findings(&self, writer: &mut Writer<'_>, side: Side) {
        let end = self.end(side);
        let Some(trouble) = end.trouble.as_deref() else { return };
        let who = name(side);
        // While it was never open, other findings tell what its SYNs met.
        if trouble.retransmissions > 0 && self.was_established {
            retransmissions(writer, trouble, who, end.packets);
        }
        if trouble.spurious > 0 {
            spurious(writer, trouble, who);
        }
        if trouble.ecn_ce > 0 {
            let marked = count(trouble.ecn_ce, "packet", "packets");
            writer.add(
                "tcp.congestion-marked",
                Severity::Note,
                proof(&trouble.marked, trouble.ecn_ce),
                format!("routers marked {marked} of the {who} because of congestion"),
                "Both ends understand Explicit Congestion Notification: a router whose queue was filling marked packets (CE) \
                 instead of dropping them, and the sender slowed down. Nothing was lost by it; the path is at its limit.",
                "RFC 3168 6.1",
            );
        }
        if trouble.copies > 0 {
            writer.add(
                "tcp.duplicated-packets",
                Severity::Note,
                proof(&trouble.copied, trouble.copies),
                format!("the capture holds {} of the {who} twice", count(trouble.copies, "packet", "packets")),
                "All their numbers are the same, the IP identification where there is one, so the sender sent them once: a mirror port that sees both ways \
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

fn retransmissions(writer: &mut Writer<'_>, trouble: &Trouble, who: &str, packets: u64) {
    let much = trouble.retransmissions.saturating_mul(RETRANSMISSION_SHARE) > packets;
    let enough = trouble.retransmissions >= 3;
    let kinds = [
        (trouble.fast, "by fast retransmission"),
        (trouble.timeouts, "after a timeout"),
        (trouble.probes, "to probe for a loss at the end"),
    ];
    let known: Vec<String> =
        kinds.iter().filter(|(times, _)| *times > 0).map(|(times, how)| format!("{times} {how}")).collect();
    let how = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
    let segments = count(packets, "segment", "segments");
    writer.add(
        "tcp.retransmissions",
        if much && enough { Severity::Warning } else { Severity::Note },
        proof(&trouble.retransmitted, trouble.retransmissions),
        format!("the {who} sent {} of its {segments} again{how}", trouble.retransmissions),
        if trouble.timeouts > 0 {
            "Segments or their acknowledgements were lost or late, and were sent again. Before a timeout nothing flows for 200 ms \
             or more: these are the losses that users feel. Look for a congested link, a bad cable or radio, a wrong duplex \
             setting, a policer that drops bursts."
        } else {
            "Segments or their acknowledgements were lost or late, and were sent again. Above one in a hundred transfers become \
             slow. Look for a congested link, a bad cable or radio, a wrong duplex setting."
        },
        "RFC 6298",
    );
}

fn spurious(writer: &mut Writer<'_>, trouble: &Trouble, who: &str) {
    let most = trouble.spurious >= 3 && trouble.spurious.saturating_mul(2) > trouble.retransmissions;
    writer.add(
        "tcp.spurious-retransmissions",
        if most { Severity::Warning } else { Severity::Note },
        proof(&trouble.retransmitted, trouble.retransmissions),
        format!("{} of the {} the {who} sent again had arrived", trouble.spurious, count(trouble.retransmissions, "segment", "segments")),
        "The receiver had the data already: it had acknowledged them, reported them as duplicates (DSACK), or its answer carried \
         the clock of the first copy. Nothing was lost; the path reorders packets, or its delay jumped, or acknowledgements were \
         lost on the way back. Each time the sender slows down for nothing.",
        "RFC 3708",
    );
}
