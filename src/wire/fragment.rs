//! What a reassembler needs of a fragment (RFC 791 section 3.2, RFC 8200 section 4.5). Reassembly itself is in `flow`.
use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6FragmentHeaderSlice};

use super::{Decoded, Network, TransportHeader};

/// A fragment of an IP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentInfo<'a> {
    /// IPv4 or IPv6.
    pub network: Network,
    /// Who sent the datagram.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// IPv4: the protocol. IPv6: the next header of the fragment header.
    pub protocol: u8,
    /// Which datagram of the sender.
    pub identification: u32,
    /// Where `data` belongs in the datagram, in bytes.
    pub offset_bytes: u32,
    /// Whether more fragments follow behind this one.
    pub more: bool,
    /// The network header as in this fragment; for IPv6 the unfragmentable part, whose last next header is still 44.
    pub header: &'a [u8],
    /// The part of the datagram that is here.
    pub data: &'a [u8],
    /// Whether `data` is all that this fragment carried: not cut by the snap length.
    pub complete_here: bool,
}

impl Decoded {
    /// The fragment, when [`TransportHeader::Fragment`] was found.
    #[must_use]
    pub fn fragment<'a>(&self, bytes: &'a [u8]) -> Option<FragmentInfo<'a>> {
        if self.transport != TransportHeader::Fragment {
            return None;
        }
        let (source, destination) = self.addresses(bytes)?;
        let start = self.network_offset as usize;
        let network_header = bytes.get(start..)?;
        let data = self.payload(bytes);
        let complete_here = self.payload_length == self.payload_wire_length;
        match self.network {
            Network::Ipv4 => {
                let header = Ipv4HeaderSlice::from_slice(network_header).ok()?;
                Some(FragmentInfo {
                    network: self.network,
                    source,
                    destination,
                    protocol: header.protocol().0,
                    identification: u32::from(header.identification()),
                    offset_bytes: u32::from(header.fragments_offset().byte_offset()),
                    more: header.more_fragments(),
                    header: header.slice(),
                    data,
                    complete_here,
                })
            }
            Network::Ipv6 => {
                let fragment_start = (self.payload_offset as usize).checked_sub(8)?;
                let header = Ipv6FragmentHeaderSlice::from_slice(bytes.get(fragment_start..)?).ok()?;
                Some(FragmentInfo {
                    network: self.network,
                    source,
                    destination,
                    protocol: header.next_header().0,
                    identification: header.identification(),
                    offset_bytes: u32::from(header.fragment_offset().byte_offset()),
                    more: header.more_fragments(),
                    header: bytes.get(start..fragment_start)?,
                    data,
                    complete_here,
                })
            }
            Network::None | Network::Arp => None,
        }
    }
}
