//! One TCP segment, as a connection needs it.
use crate::{
    record::PacketRef,
    wire::{TcpHeader, TcpOptions},
};

/// A segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The fixed header.
    pub header: TcpHeader,
    /// The payload that is here.
    pub payload: &'a [u8],
    /// Bytes of payload on the wire.
    pub length: u32,
    /// The options.
    pub options: TcpOptions<'a>,
    /// The packet.
    pub at: PacketRef,
    /// Length of the packet on the wire, in bytes.
    pub wire_length: u32,
    /// IPv4 identification; zero where there is none.
    pub identification: u16,
    /// Hop limit; IPv4: time to live.
    pub hop_limit: u8,
    /// The two bits of Explicit Congestion Notification in the IP header (RFC 3168 5).
    pub ecn: u8,
}

impl Segment<'_> {
    /// The sequence number behind the last thing this segment occupies; SYN and FIN count (RFC 9293 3.4).
    #[must_use]
    pub fn end(&self) -> u32 {
        let flags = self.header.flags;
        let span = self.length.wrapping_add(u32::from(flags.syn())).wrapping_add(u32::from(flags.fin()));
        self.header.sequence_number.wrapping_add(span)
    }

    /// The sequence number of the first byte of payload.
    #[must_use]
    pub fn payload_sequence(&self) -> u32 {
        self.header.sequence_number.wrapping_add(u32::from(self.header.flags.syn()))
    }

    /// The acknowledgment number, where it means something.
    #[must_use]
    pub fn acknowledged(&self) -> Option<u32> {
        self.header.flags.ack().then_some(self.header.acknowledgment_number)
    }
}
