//! Which conversation a packet without TCP or UDP belongs to, and who asks in it: ARP, ICMP echo, neighbour discovery, and
//! whatever else runs right above IP.
use std::net::IpAddr;

use super::{
    Decoded, Network, Quoted, TransportHeader, icmp, icmpv6, ipv4, ipv6,
    read::{ipv4_at, ipv6_at, u8_at, u16_at, u32_at},
};
use crate::record::{Endpoint, FlowKey, Transport};

/// Number of ICMP as a protocol of IPv4 (RFC 792).
pub const ICMP: u8 = 1;
/// Number of ICMPv6 (RFC 4443).
pub const ICMPV6: u8 = 58;
/// Number of SCTP (RFC 9260).
pub const SCTP: u8 = 132;

/// Stands for the port in flows of Multicast Listener Discovery (RFC 2710): the number of its first type.
const MLD_PORT: u16 = 130;

/// What the sender of a packet does in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asks, or opens.
    Asks,
    /// It answers.
    Answers,
    /// The packet does not tell.
    Unknown,
}

/// The two ends of a packet without TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// What runs between them.
    pub transport: Transport,
    /// The sender. The port is that of SCTP, DCCP and UDP-Lite, the identifier of ICMP queries, else 0.
    pub source: Endpoint,
    /// The other end, likewise. Of ARP and neighbour discovery the address that is asked for, or that asked.
    pub destination: Endpoint,
    /// What the sender does.
    pub role: Role,
}

/// The head of an ICMP error (RFC 792, RFC 4443 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// Its type.
    pub message_type: u8,
    /// Its code.
    pub code: u8,
    /// Largest packet that would have passed, in bytes (RFC 1191 4, RFC 4443 3.2); null when it does not say.
    pub mtu: Option<u32>,
    /// Of a redirect, the better next hop.
    pub gateway: Option<IpAddr>,
}

impl Ends {
    /// The key of the flow.
    #[must_use]
    pub fn key(&self) -> FlowKey {
        FlowKey::new(self.transport, self.source, self.destination)
    }
}

impl Decoded {
    /// The ends of a packet without TCP or UDP. Null for those two, for fragments, for what is not above IP (ARP for IPv4 is
    /// counted as if it were), and for ICMP errors, which belong to the flow that they quote.
    #[must_use]
    pub fn ends(&self, bytes: &[u8]) -> Option<Ends> {
        if self.network == Network::Arp {
            return arp(bytes.get(self.network_offset as usize..)?);
        }
        let number = match self.transport {
            TransportHeader::Icmp => ICMP,
            TransportHeader::Icmpv6 => ICMPV6,
            TransportHeader::Other(number) => number,
            TransportHeader::None | TransportHeader::Fragment | TransportHeader::Tcp | TransportHeader::Udp => {
                return None;
            }
        };
        let (source, destination) = self.addresses(bytes)?;
        of_protocol(number, source, destination, self.message(bytes))
    }

    /// What a flow without TCP or UDP gives its reader: the whole message, from the header above IP on, or from ARP's.
    #[must_use]
    pub fn message<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = if self.network == Network::Arp { self.network_offset } else { self.transport_offset };
        let end = (self.payload_offset as usize).saturating_add(self.payload_length as usize);
        bytes.get(start as usize..end).unwrap_or_default()
    }

    /// How many more routers the packet may pass: time to live (RFC 791) or hop limit (RFC 8200) of the innermost header.
    #[inline]
    #[must_use]
    pub fn hop_limit(&self, bytes: &[u8]) -> Option<u8> {
        let header = bytes.get(self.network_offset as usize..)?;
        match self.network {
            Network::Ipv4 => u8_at(header, 8),
            Network::Ipv6 => u8_at(header, 7),
            Network::None | Network::Arp => None,
        }
    }

    /// What an ICMP or ICMPv6 error says besides its type, when this is one.
    #[must_use]
    pub fn icmp_error(&self, bytes: &[u8]) -> Option<IcmpError> {
        let message = bytes.get(self.transport_offset as usize..)?;
        let (message_type, code) = (u8_at(message, 0)?, u8_at(message, 1)?);
        let v6 = match self.transport {
            TransportHeader::Icmp if icmp::quotes(message_type) => false,
            TransportHeader::Icmpv6 if icmpv6::quotes(message_type) => true,
            _ => return None,
        };
        let mtu = match (v6, message_type, code) {
            (false, 3, 4) => u16_at(message, 6).map(u32::from),
            (true, 2, _) => u32_at(message, 4),
            _ => None,
        };
        let gateway = if !v6 && message_type == 5 { ipv4_at(message, 4).map(IpAddr::from) } else { None };
        // Routers older than RFC 1191 leave the field zero.
        Some(IcmpError { v6, message_type, code, mtu: mtu.filter(|mtu| *mtu > 0), gateway })
    }

    /// The packet an ICMP or ICMPv6 error quotes, as far as it is there.
    #[must_use]
    pub fn quoted<'a>(&self, bytes: &'a [u8]) -> Option<Quoted<'a>> {
        let message = bytes.get(self.transport_offset as usize..)?;
        let message_type = *message.first()?;
        let quote = message.get(icmp::LENGTH..)?;
        let ((number, source, destination, header), length) = match self.transport {
            TransportHeader::Icmp if icmp::quotes(message_type) => {
                (ipv4::quoted(quote)?, u16_at(quote, 2).map(u32::from))
            }
            TransportHeader::Icmpv6 if icmpv6::quotes(message_type) => {
                let fixed = u32::try_from(ipv6::LENGTH).ok();
                (
                    ipv6::quoted(quote)?,
                    u16_at(quote, 4).zip(fixed).map(|(rest, fixed)| fixed.saturating_add(rest.into())),
                )
            }
            _ => return None,
        };
        let transport = match number {
            6 => Transport::Tcp,
            17 => Transport::Udp,
            _ => {
                let Ends { transport, source, destination, .. } = of_protocol(number, source, destination, header)?;
                let sequence_number = None;
                return Some(Quoted { transport, source, destination, sequence_number, length, payload: header });
            }
        };
        Some(Quoted {
            transport,
            source: Endpoint { address: source, port: u16_at(header, 0)? },
            destination: Endpoint { address: destination, port: u16_at(header, 2)? },
            sequence_number: if transport == Transport::Tcp { u32_at(header, 4) } else { None },
            length,
            payload: if transport == Transport::Udp { header.get(8..).unwrap_or_default() } else { &[] },
        })
    }
}

/// The ends of a packet of protocol `number` whose header above IP is `header`, or of what is quoted of one.
fn of_protocol(number: u8, source: IpAddr, destination: IpAddr, header: &[u8]) -> Option<Ends> {
    let transport = Transport::Ip(number);
    let ends = |source_port, destination_port, role| Ends {
        transport,
        source: Endpoint { address: source, port: source_port },
        destination: Endpoint { address: destination, port: destination_port },
        role,
    };
    Some(match number {
        ICMP | ICMPV6 => {
            let message_type = u8_at(header, 0)?;
            let identifier = u16_at(header, 4);
            match (number, message_type) {
                // Echo, timestamp, information, address mask (RFC 792, RFC 950), extended echo (RFC 8335).
                (ICMP, 8 | 13 | 15 | 17 | 42) | (ICMPV6, 128 | 160) => ends(identifier?, identifier?, Role::Asks),
                (ICMP, 0 | 14 | 16 | 18 | 43) | (ICMPV6, 129 | 161) => ends(identifier?, identifier?, Role::Answers),
                (ICMP, kind) if icmp::quotes(kind) => return None,
                (ICMPV6, kind) if icmpv6::quotes(kind) => return None,
                // Neighbour discovery (RFC 4861 4.3, 4.4) is about the target, whoever the packet goes to.
                (ICMPV6, 135) => {
                    let target = ipv6_at(header, 8)?.into();
                    Ends { destination: Endpoint { address: target, port: 0 }, ..ends(0, 0, Role::Asks) }
                }
                (ICMPV6, 136) => {
                    let target = ipv6_at(header, 8)?.into();
                    Ends { source: Endpoint { address: target, port: 0 }, ..ends(0, 0, Role::Answers) }
                }
                // A listener's or querier's messages are a conversation apart from what routers and hosts say to the same group.
                (ICMPV6, 130..=132 | 143) => ends(MLD_PORT, MLD_PORT, Role::Unknown),
                (ICMPV6, 133) => ends(0, 0, Role::Asks),
                (ICMPV6, 134) => ends(0, 0, Role::Answers),
                _ => ends(0, 0, Role::Unknown),
            }
        }
        // DCCP (RFC 4340), SCTP, UDP-Lite (RFC 3828).
        33 | SCTP | 136 => {
            // The first chunk of an SCTP packet, the type of a DCCP packet: INIT and COOKIE ECHO are the opener's, their acknowledgments are not.
            let role = match (number, u8_at(header, 12), u8_at(header, 8).map(|octet| octet >> 1 & 15)) {
                (SCTP, Some(1 | 10), _) | (33, _, Some(0)) => Role::Asks,
                (SCTP, Some(2 | 11), _) | (33, _, Some(1)) => Role::Answers,
                _ => Role::Unknown,
            };
            ends(u16_at(header, 0)?, u16_at(header, 2)?, role)
        }
        _ => ends(0, 0, Role::Unknown),
    })
}

/// Of ARP for IPv4 (RFC 826) over anything.
fn arp(packet: &[u8]) -> Option<Ends> {
    if u16_at(packet, 2)? != super::ethernet::IPV4 || u8_at(packet, 5)? != 4 {
        return None;
    }
    let hardware_length = usize::from(u8_at(packet, 4)?);
    let sender = hardware_length.saturating_add(8);
    let target = sender.saturating_add(4).saturating_add(hardware_length);
    let end = |address: std::net::Ipv4Addr| Endpoint { address: address.into(), port: 0 };
    Some(Ends {
        transport: Transport::Arp,
        source: end(ipv4_at(packet, sender)?),
        destination: end(ipv4_at(packet, target)?),
        role: match u16_at(packet, 6)? {
            1 => Role::Asks,
            2 => Role::Answers,
            _ => Role::Unknown,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::LinkType, wire::decode};

    /// An IPv4 packet from 10.0.0.1 to 10.0.0.2.
    fn ipv4(number: u8, payload: &[u8]) -> Vec<u8> {
        let length = (20 + payload.len()) as u8;
        let mut packet = vec![0x45, 0, 0, length, 0, 0, 0, 0, 63, number, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(payload);
        packet
    }

    fn ends(link_type: LinkType, packet: &[u8]) -> Option<Ends> {
        decode(link_type, packet, packet.len() as u32).ends(packet)
    }

    #[test]
    fn a_ping_and_its_answer_are_one_flow() {
        let asks = ends(LinkType::IPV4, &ipv4(1, &[8, 0, 0, 0, 0x12, 0x34, 0, 1])).unwrap();
        assert_eq!((asks.transport, asks.source.port, asks.role), (Transport::Ip(1), 0x1234, Role::Asks));
        let mut answer = ipv4(1, &[0, 0, 0, 0, 0x12, 0x34, 0, 1]);
        answer[15] = 2;
        answer[19] = 1;
        let answers = ends(LinkType::IPV4, &answer).unwrap();
        assert_eq!((answers.key(), answers.role), (asks.key(), Role::Answers));
        let another = ends(LinkType::IPV4, &ipv4(1, &[8, 0, 0, 0, 0x12, 0x35, 0, 1])).unwrap();
        assert_ne!(another.key(), asks.key());
    }

    #[test]
    fn an_error_belongs_to_the_ping_it_quotes() {
        let ping = ipv4(1, &[8, 0, 0, 0, 0x12, 0x34, 0, 1]);
        let mut error = vec![11, 0, 0, 0, 0, 0, 0, 0];
        error.extend_from_slice(&ping);
        let error = ipv4(1, &error);
        let decoded = decode(LinkType::IPV4, &error, error.len() as u32);
        assert_eq!(decoded.ends(&error), None);
        let quoted = decoded.quoted(&error).unwrap();
        assert_eq!((quoted.transport, quoted.source.port), (Transport::Ip(1), 0x1234));
        assert_eq!(quoted.payload, &ping[20..]);
        assert_eq!(decode(LinkType::IPV4, &ping, 28).hop_limit(&ping), Some(63));
    }

    #[test]
    fn arp_is_between_addresses() {
        let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
        let frame = |packet: &[u8]| [&[0xff; 12][..], &[8, 6], packet].concat();
        let asks = ends(LinkType::ETHERNET, &frame(&packet)).unwrap();
        assert_eq!((asks.transport, asks.role), (Transport::Arp, Role::Asks));
        packet[7] = 2;
        packet[17] = 2;
        packet[27] = 1;
        let answers = ends(LinkType::ETHERNET, &frame(&packet)).unwrap();
        assert_eq!((answers.key(), answers.role), (asks.key(), Role::Answers));
    }

    #[test]
    fn a_neighbour_is_asked_for_by_its_address() {
        let mut target = [0u8; 16];
        target[..2].copy_from_slice(&[0xfe, 0x80]);
        target[15] = 2;
        let message = |kind: u8| [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &target].concat();
        let address = |last: u8| {
            let mut address = target;
            address[15] = last;
            address
        };
        let packet = |kind: u8, source: [u8; 16], destination: [u8; 16]| {
            let body = message(kind);
            let head = [0x60, 0, 0, 0, 0, body.len() as u8, 58, 255];
            [&head[..], &source, &destination, &body].concat()
        };
        let mut group = [0u8; 16];
        group[..2].copy_from_slice(&[0xff, 2]);
        let asks = ends(LinkType::IPV6, &packet(135, address(1), group)).unwrap();
        let answers = ends(LinkType::IPV6, &packet(136, address(2), address(1))).unwrap();
        assert_eq!((asks.key(), asks.role, answers.role), (answers.key(), Role::Asks, Role::Answers));
    }
}
