//! What a SYN asks for beyond a connection, and what the SYN-ACK makes of it: Fast Open, Multipath TCP, ECN.
use super::{segment::Segment, sequence::distance};
use crate::{
    record::{Ecn, FastOpen, FastOpenCookie, Multipath, MultipathSubtype},
    wire::{TcpFlags, TcpOption},
};

/// What was asked for, and the answer as far as seen.
#[derive(Debug, Default)]
pub(super) struct Offer {
    sequence_number: u32,
    pub fast_open: Option<FastOpen>,
    pub multipath: Option<Multipath>,
    pub ecn: Option<Ecn>,
    /// The SYN asked for accurate ECN, and would take the classic one.
    accurate: bool,
}

impl Offer {
    /// What `syn` asks for; nothing when it asks for nothing.
    pub fn of(syn: &Segment<'_>) -> Option<Box<Self>> {
        let flags = syn.header.flags;
        let mut offer = Self { sequence_number: syn.header.sequence_number, ..Self::default() };
        // RFC 9768 3.1.1: AE, CWR and ECE; RFC 3168 6.1.1: CWR and ECE.
        if flags.contains(TcpFlags::ECE) && flags.contains(TcpFlags::CWR) {
            offer.ecn = Some(Ecn::Offered);
            offer.accurate = flags.contains(TcpFlags::AE);
        }
        let mut cookie = None;
        for option in syn.options {
            match option {
                TcpOption::FastOpen([]) => cookie = Some(FastOpenCookie::Requested),
                TcpOption::FastOpen(_) => cookie = Some(FastOpenCookie::Sent),
                TcpOption::Mptcp(data) => {
                    offer.multipath = Some(Multipath { subtype: subtype(data), accepted: false });
                }
                _ => {}
            }
        }
        if cookie.is_some() || syn.length > 0 {
            offer.fast_open = Some(FastOpen {
                cookie: cookie.unwrap_or(FastOpenCookie::Missing),
                granted: false,
                data_bytes: syn.length,
                accepted: None,
            });
        }
        let asks = offer.ecn.is_some() || offer.fast_open.is_some() || offer.multipath.is_some();
        asks.then(|| Box::new(offer))
    }

    /// The answer.
    pub fn answer(&mut self, syn_ack: &Segment<'_>) {
        let flags = syn_ack.header.flags;
        let bits = (flags.contains(TcpFlags::AE), flags.contains(TcpFlags::CWR), flags.contains(TcpFlags::ECE));
        if let Some(ecn) = &mut self.ecn {
            *ecn = match bits {
                // RFC 9768 3.1.2, table 2: how the SYN itself arrived.
                (false, true, false) | (false, true, true) | (true, false, false) | (true, true, false)
                    if self.accurate =>
                {
                    Ecn::Accurate
                }
                // RFC 3168 6.1.1; with AE it is the nonce sum of RFC 3540.
                (_, false, true) => Ecn::Classic,
                // Nothing, or the SYN's own bits sent back by something that does not know them.
                _ => Ecn::Refused,
            };
        }
        let acknowledged = distance(self.sequence_number, syn_ack.header.acknowledgment_number);
        if let Some(fast_open) = &mut self.fast_open {
            fast_open.accepted = (fast_open.data_bytes > 0).then_some(acknowledged > 1);
            fast_open.granted = { syn_ack.options }.any(|option| matches!(option, TcpOption::FastOpen([_, ..])));
        }
        if let Some(multipath) = &mut self.multipath {
            multipath.accepted = { syn_ack.options }.any(|option| matches!(option, TcpOption::Mptcp(_)));
        }
    }
}

fn subtype(data: &[u8]) -> MultipathSubtype {
    match data.first().map(|byte| byte >> 4) {
        Some(0) => MultipathSubtype::MpCapable,
        Some(1) => MultipathSubtype::MpJoin,
        _ => MultipathSubtype::Other,
    }
}
