//! Findings about where a side's packets came from, by their hop limits.
use super::{Writer, count, name};
use crate::{
    flow::tcp::connection::Connection,
    record::{Evidence, PacketNumber, Severity, Side},
};

impl Connection {
    pub(super) fn hop_findings(&self, writer: &mut Writer<'_>, side: Side) {
        let hops = &self.end(side).hops;
        let who = name(side);
        if let Some(odd) = hops.foreign_reset() {
            let before = count(odd.packets.into(), "packet", "packets");
            let over = self.ends.iter().all(|end| end.fin.is_some());
            let is_likely_own = odd.is_as_far_away() || over;
            writer.add(
                "tcp.injected-reset",
                if is_likely_own { Severity::Note } else { Severity::Warning },
                std::iter::once(odd.packet).collect(),
                format!(
                    "an RST in the name of the {who} came with hop limit {}, the {before} before it with {}",
                    odd.hop_limit, odd.usual
                ),
                if odd.is_as_far_away() {
                    "Counted from the usual initial values it came over as many routers as the rest. Most likely the host itself sent \
                     it, from a part of its system that begins with another hop limit; a device just before it may have, too."
                } else {
                    "The same sender over the same path would have the same hop limit. Likely somebody between sent the RST: a firewall \
                     or load balancer that gave the connection up, a filter, an intrusion prevention system. It cannot be proven from \
                     here: capture at the host itself and see whether it sent the RST."
                },
                "RFC 3360",
            );
        }
        if let Some((odd, by)) = hops.foreign_data() {
            let evidence: Evidence = [odd.packet, by].into_iter().collect();
            writer.add(
                "tcp.injected-data",
                Severity::Warning,
                evidence,
                format!(
                    "data in the name of the {who} came with hop limit {}, and other data for the same place with {} as usual",
                    odd.hop_limit, odd.usual
                ),
                "Two segments that begin at the same byte and differ in length, from different distances, within a moment: the first \
                 was likely forged by somebody on the path who answered faster (a filter that redirects, an advertisement, an \
                 attack). The receiver took what came first. TLS would not have let it pass.",
                "RFC 9293 3.10.7.4",
            );
        }
        let moves = hops.moves();
        if let Some((packet, from, to)) = moves.first {
            let evidence: Evidence = std::iter::once::<PacketNumber>(packet).collect();
            let times = match moves.times {
                1 => String::new(),
                times => format!(", and {} after", count(times.saturating_sub(1), "time", "times")),
            };
            writer.add(
                "tcp.path-changed",
                Severity::Note,
                evidence,
                format!("the hop limit of the {who} changed from {from} to {to}{times}"),
                "Its packets came over more or fewer routers from then on: the route changed, or another machine took the address \
                 over (a load balancer, a failover). Round trips may change with it, and what was on its way may arrive out of \
                 order.",
                "RFC 1812 5.3.1",
            );
        }
    }
}
