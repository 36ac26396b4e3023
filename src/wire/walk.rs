//! The decode loop: one walk from the link upwards, for [`super::decode`] and [`super::describe`] alike.
//!
//! Each header's file has a `walk` function that reads the header at [`Walk::at`], calls [`Walk::enter`] and says what
//! comes [`Next`]. There is no recursion: the loop runs at most [`MAX_LAYERS`] times.
use super::{
    Decoded, Layered, Network, Stop, StopReason, TransportHeader, Violation, ethernet, gre, icmp, icmpv6, ipv4, ipv6,
    link, mpls, read::narrow, tcp, udp,
};
use crate::{
    limits::{MAX_LAYERS, MAX_TUNNEL_DEPTH},
    record::LinkType,
};

/// A header that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Whose.
    pub protocol: Layered,
    /// Where it starts.
    pub offset: usize,
    /// Its length.
    pub length: usize,
    /// Where the bytes that belong to it and its payload end, as far as they are here.
    pub end: usize,
    /// Where they ended on the wire.
    pub wire_end: usize,
    /// Whether it is part of a packet that an ICMP error quotes.
    pub quoted: bool,
}

/// Who is told of every header.
pub(super) trait Visitor {
    /// A header was read.
    fn layer(&mut self, found: Found);
}

/// The visitor of the hot path: nobody listens.
pub(super) struct Nobody;

impl Visitor for Nobody {
    #[inline(always)]
    fn layer(&mut self, _: Found) {}
}

/// What the bytes at [`Walk::at`] are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// The first header of a packet of this link type.
    Link(LinkType),
    /// What an EtherType says.
    EtherType(u16),
    /// What a protocol number of an IP header says.
    Protocol(u8),
    /// An Ethernet frame.
    Frame,
    /// IPv4 or IPv6, by its first four bits.
    AnyIp,
    /// Nothing more that is read here.
    Done,
}

/// State of a walk.
pub(super) struct Walk<'a, V> {
    /// The packet.
    pub bytes: &'a [u8],
    /// Where the next header starts.
    pub at: usize,
    /// Where the innermost unit ends, as far as it is here; never beyond `bytes`.
    pub end: usize,
    /// Where the innermost unit ended on the wire; never below `end`.
    pub wire_end: usize,
    /// Whether this is a packet quoted by an ICMP error: then only the path and the visitor hear of it.
    pub quoted: bool,
    /// Tunnels entered.
    pub depth: u8,
    /// What was found.
    pub decoded: Decoded,
    /// Who else is told.
    pub visitor: V,
}

impl<'a, V: Visitor> Walk<'a, V> {
    /// At the start of a packet.
    #[inline]
    pub fn new(bytes: &'a [u8], wire_length: u32, visitor: V) -> Self {
        let wire_end = (wire_length as usize).max(bytes.len());
        let decoded = Decoded {
            payload_length: narrow(bytes.len()),
            payload_wire_length: narrow(wire_end),
            ..Decoded::default()
        };
        Self { bytes, at: 0, end: bytes.len(), wire_end, quoted: false, depth: 0, decoded, visitor }
    }

    /// Runs to the end.
    #[inline]
    pub fn run(&mut self, first: Next) {
        let mut next = first;
        for _ in 0..MAX_LAYERS {
            next = match next {
                Next::Link(link_type) => link::walk(self, link_type),
                Next::EtherType(number) => ethernet::walk_payload(self, number),
                Next::Frame => ethernet::walk(self),
                Next::Protocol(number) => self.protocol(number),
                Next::AnyIp => self.any_ip(),
                Next::Done => return,
            };
        }
        if !matches!(next, Next::Done) {
            self.stop(Layered::Data, StopReason::TooDeep);
        }
    }

    #[inline]
    fn protocol(&mut self, number: u8) -> Next {
        match number {
            6 => tcp::walk(self),
            17 => udp::walk(self),
            _ => self.other_protocol(number),
        }
    }

    fn other_protocol(&mut self, number: u8) -> Next {
        self.transport(TransportHeader::Other(number), self.at);
        let unread = match number {
            1 => return icmp::walk(self),
            58 => return icmpv6::walk(self),
            4 if self.tunnel(Layered::Ipv4) => return Next::EtherType(ethernet::IPV4),
            41 if self.tunnel(Layered::Ipv6) => return Next::EtherType(ethernet::IPV6),
            4 | 41 => return Next::Done,
            47 => return gre::walk(self),
            51 => return ipv6::walk_authentication(self),
            97 if self.here().len() >= 16 && self.tunnel(Layered::Etherip) => {
                self.enter(Layered::Etherip, 2);
                return Next::Frame;
            }
            137 => return mpls::walk(self),
            2 => Layered::Igmp,
            33 => Layered::Dccp,
            46 => Layered::Rsvp,
            50 => Layered::Esp,
            88 => Layered::Eigrp,
            89 => Layered::Ospf,
            103 => Layered::Pim,
            // What follows is compressed (RFC 3173).
            108 => Layered::Ipcomp,
            112 => Layered::Vrrp,
            132 => Layered::Sctp,
            135 => Layered::Mobility,
            136 => Layered::UdpLite,
            _ => return self.data(),
        };
        self.message(unread)
    }

    fn any_ip(&mut self) -> Next {
        match self.here().first().map(|first| first >> 4) {
            Some(4) => ipv4::walk(self),
            Some(6) => ipv6::walk(self),
            Some(_) => self.data(),
            None => Next::Done,
        }
    }

    /// The bytes from here to the end of the innermost unit.
    #[inline]
    pub fn here(&self) -> &'a [u8] {
        self.bytes.get(self.at..self.end).unwrap_or_default()
    }

    /// Bytes from here to the end of the innermost unit on the wire.
    #[inline]
    pub fn wire_left(&self) -> usize {
        self.wire_end.saturating_sub(self.at)
    }

    /// The unit that starts here is `length` bytes long on the wire: what follows it is padding.
    #[inline]
    pub fn limit(&mut self, length: usize) {
        self.wire_end = self.wire_end.min(self.at.saturating_add(length));
        self.end = self.end.min(self.wire_end);
    }

    /// A header of `length` bytes was read here: goes beyond it.
    #[inline]
    pub fn enter(&mut self, protocol: Layered, length: usize) {
        self.decoded.path.push(protocol);
        self.enter_unnamed(protocol, length);
    }

    /// The same for a header that Wireshark's hierarchy does not count as a protocol of its own.
    #[inline]
    pub fn enter_unnamed(&mut self, protocol: Layered, length: usize) {
        let found =
            Found { protocol, offset: self.at, length, end: self.end, wire_end: self.wire_end, quoted: self.quoted };
        self.visitor.layer(found);
        self.at = self.at.saturating_add(length).min(self.end);
        if !self.quoted && matches!(self.decoded.network, Network::None) {
            self.payload_is_here();
        }
    }

    /// All that is here is a message of `protocol`, which nothing is inside of. It stays the payload.
    pub fn message(&mut self, protocol: Layered) -> Next {
        let length = self.here().len();
        if length > 0 {
            self.decoded.path.push(protocol);
            let found = Found {
                protocol,
                offset: self.at,
                length,
                end: self.end,
                wire_end: self.wire_end,
                quoted: self.quoted,
            };
            self.visitor.layer(found);
        }
        Next::Done
    }

    /// A protocol that has no header of its own.
    pub fn enter_named(&mut self, protocol: Layered) {
        self.decoded.path.push(protocol);
    }

    /// The limits changed behind the last link header: so does its payload.
    pub fn restart_payload(&mut self) {
        if matches!(self.decoded.network, Network::None) {
            self.payload_is_here();
        }
    }

    /// The payload starts here.
    #[inline]
    pub fn payload_is_here(&mut self) {
        if !self.quoted {
            self.decoded.payload_offset = narrow(self.at);
            self.decoded.payload_length = narrow(self.end.saturating_sub(self.at));
            self.decoded.payload_wire_length = narrow(self.wire_left());
        }
    }

    /// The innermost network header so far starts at `offset`; its payload starts here.
    #[inline]
    pub fn network(&mut self, network: Network, offset: usize) {
        if !self.quoted {
            self.decoded.network = network;
            self.decoded.network_offset = narrow(offset);
            self.decoded.depth = self.depth;
            self.decoded.transport = TransportHeader::None;
            self.decoded.transport_offset = narrow(self.at);
            self.payload_is_here();
        }
    }

    /// The transport header of the innermost network header starts at `offset`; its payload starts here.
    #[inline]
    pub fn transport(&mut self, transport: TransportHeader, offset: usize) {
        if !self.quoted {
            self.decoded.transport = transport;
            self.decoded.transport_offset = narrow(offset);
            self.payload_is_here();
        }
    }

    /// Bytes that no decoder here knows.
    pub fn data(&mut self) -> Next {
        if !self.here().is_empty() {
            self.enter(Layered::Data, 0);
        }
        Next::Done
    }

    /// Enters a tunnel. False when there are too many: then the walk is over.
    pub fn tunnel(&mut self, protocol: Layered) -> bool {
        if self.depth >= MAX_TUNNEL_DEPTH {
            self.stop(protocol, StopReason::TooDeep);
            return false;
        }
        self.depth = self.depth.saturating_add(1);
        true
    }

    /// The walk ends here, because of `reason`. What is cut inside a quoted packet is so by design (RFC 792).
    #[cold]
    pub fn stop(&mut self, protocol: Layered, reason: StopReason) -> Next {
        if !self.quoted {
            self.decoded.stop = Some(Stop { protocol, offset: narrow(self.at), reason });
        }
        Next::Done
    }

    /// The header here needs `required` bytes and has not got them.
    #[cold]
    pub fn short(&mut self, protocol: Layered, required: usize) -> Next {
        let present = narrow(self.here().len());
        self.stop(protocol, StopReason::Short { required: narrow(required), present })
    }

    /// The header here is not allowed.
    #[cold]
    pub fn invalid(&mut self, protocol: Layered, violation: Violation) -> Next {
        self.stop(protocol, StopReason::Invalid(violation))
    }
}
