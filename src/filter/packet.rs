//! What a filter can ask of a packet. Who prepares it is `engine`'s matter; everything is asked for only when it is needed.
use crate::record::{Header, Layer, PlainHeaders};

/// A number that is not in the packet's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The packet's number, from 1.
    Number,
    /// Bytes on the wire.
    WireLength,
    /// Bytes in the capture.
    CapturedLength,
    /// Nanoseconds since 1970.
    Time,
    /// Nanoseconds since the first packet.
    SinceFirst,
    /// Nanoseconds since the packet before.
    SincePrevious,
    /// Nanoseconds since the packet before that passed the filter.
    SinceDisplayed,
    /// Number of the interface within the file, from 0.
    Interface,
    /// Number of the TCP stream, from 0, in order of appearance.
    TcpStream,
    /// The same for UDP.
    UdpStream,
    /// Sequence number, relative to the stream's first.
    TcpSequence,
    /// Sequence number that the next segment will have, relative.
    TcpNextSequence,
    /// Acknowledgment number, relative.
    TcpAcknowledgment,
    /// Window in bytes.
    TcpWindow,
    /// Nanoseconds since the stream's first packet.
    TcpSinceFirst,
    /// Nanoseconds since the stream's previous packet.
    TcpSincePrevious,
    /// The same for UDP.
    UdpSinceFirst,
    /// The same for UDP.
    UdpSincePrevious,
}

impl Fact {
    /// Whether it depends on earlier packets of the flow.
    #[must_use]
    pub fn is_of_stream(self) -> bool {
        !matches!(
            self,
            Self::Number
                | Self::WireLength
                | Self::CapturedLength
                | Self::Time
                | Self::SinceFirst
                | Self::SincePrevious
                | Self::SinceDisplayed
                | Self::Interface
        )
    }
}

/// A packet as a filter sees it.
pub trait Packet {
    /// Its headers where it is a plain one: then [`Packet::headers`] may not be asked for at all.
    fn plain_headers(&self) -> Option<&PlainHeaders>;
    /// Its headers, outer first.
    fn headers(&self) -> &[Header];
    /// Its bytes, or those of the datagram that it completed.
    fn bytes(&self, of_datagram: bool) -> &[u8];
    /// The same headers with their fields by name.
    fn tree(&self) -> &[Layer];
    /// What sessions say that the packet completes.
    fn told(&self) -> &[Layer];
    /// Where the bytes are that [`Packet::told`] speaks of.
    fn told_bytes(&self) -> &[u8];
    /// A number, where the packet has it. What belongs to a stream is that of the header at `place` among those of its
    /// protocol, from 0; for what belongs to the packet, `place` means nothing.
    fn fact(&self, fact: Fact, place: usize) -> Option<i128>;
    /// Protocols from the link upwards, joined by colons, as `frame.protocols` has them.
    fn protocols(&self) -> &str;
    /// Whether the named judgement (`tcp.analysis.retransmission`) was passed on the packet.
    fn judged(&self, name: &str) -> bool;
}
