//! The protocols a packet consists of, named as Wireshark's protocol hierarchy names them. No parsing here.
use std::fmt;

use crate::record::ProtocolName;

macro_rules! layered {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $osi:literal, $unit:literal;)*) => {
        /// A protocol met on the way. Names are Wireshark's.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Layered {
            $($(#[$meta])* $variant,)*
        }

        impl Layered {
            /// Wireshark's short name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The same, to be compared.
            #[must_use]
            pub const fn protocol_name(self) -> ProtocolName {
                match self { $(Self::$variant => const { ProtocolName::new($name) },)* }
            }

            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Layer of the OSI model, 1 to 7.
            #[must_use]
            pub fn osi(self) -> u8 {
                match self { $(Self::$variant => $osi,)* }
            }

            /// What a unit is called on this layer.
            #[must_use]
            pub fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)* }
            }
        }
    };
}

layered! {
    #[default]
    Data = "data", 7, "message";
    Ethernet = "eth", 2, "frame";
    Vlan = "vlan", 2, "frame";
    Ieee8021ad = "ieee8021ad", 2, "frame";
    Sll = "sll", 2, "frame";
    Null = "null", 2, "frame";
    Raw = "raw", 2, "frame";
    Ppp = "ppp", 2, "frame";
    Chdlc = "chdlc", 2, "frame";
    PppoeSession = "pppoes", 2, "frame";
    PppoeDiscovery = "pppoed", 2, "frame";
    Llc = "llc", 2, "frame";
    Mpls = "mpls", 2, "frame";
    PseudowireEthernet = "pweth.cw", 2, "frame";
    PseudowireControlWord = "pwethcw", 2, "frame";
    Macsec = "macsec", 2, "frame";
    Nsh = "nsh", 2, "frame";
    Lldp = "lldp", 2, "frame";
    Eapol = "eapol", 2, "frame";
    Loop = "loop", 2, "frame";
    Slow = "slow", 2, "frame";
    Lacp = "lacp", 2, "frame";
    Marker = "marker", 2, "frame";
    Oampdu = "oampdu", 2, "frame";
    Ossp = "ossp", 2, "frame";
    Vtp = "vtp", 2, "frame";
    Dtp = "dtp", 2, "frame";
    Udld = "udld", 2, "frame";
    Pagp = "pagp", 2, "frame";
    Slarp = "slarp", 2, "packet";
    Ddp = "ddp", 3, "packet";
    Aarp = "aarp", 3, "packet";
    Aoe = "aoe", 7, "message";
    Realtek = "realtek", 2, "frame";
    Cfm = "cfm", 2, "frame";
    Ptp = "ptp", 7, "message";
    Trill = "trill", 2, "frame";
    Batadv = "batadv", 2, "frame";
    Ipx = "ipx", 3, "packet";
    Stp = "stp", 2, "frame";
    Cdp = "cdp", 2, "frame";
    FabricPath = "cfp", 2, "frame";
    Vntag = "vntag", 2, "frame";
    FrameRelay = "fr", 2, "frame";
    Fddi = "fddi", 2, "frame";
    Ipnet = "ipnet", 2, "frame";
    Arcnet = "arcnet", 2, "frame";
    Ipoib = "ipoib", 2, "frame";
    JuniperEthernet = "juniper", 2, "frame";
    Capwap = "capwap.data", 2, "frame";
    Nhrp = "nhrp", 3, "message";
    Ipcomp = "ipcomp", 3, "packet";
    Ayiya = "ayiya", 4, "packet";
    Ieee8021ah = "ieee8021ah", 2, "frame";
    Netbios = "netbios", 2, "frame";
    Clnp = "clnp", 3, "packet";
    Esis = "esis", 3, "packet";
    Isis = "isis", 3, "packet";
    Lcp = "lcp", 2, "message";
    Pap = "pap", 2, "message";
    Chap = "chap", 2, "message";
    Ipcp = "ipcp", 2, "message";
    Ipv6cp = "ipv6cp", 2, "message";
    Ccp = "ccp", 2, "message";
    Pktap = "pktap", 2, "frame";
    Ppi = "ppi", 1, "frame";
    WlanRadio = "wlan_radio", 1, "frame";
    Nflog = "nflog", 2, "frame";
    Radiotap = "radiotap", 1, "frame";
    Wlan = "wlan", 2, "frame";
    Arp = "arp", 3, "packet";
    Ipv4 = "ip", 3, "packet";
    Ipv6 = "ipv6", 3, "packet";
    Ipv6HopByHop = "ipv6.hopopts", 3, "header";
    Ipv6Routing = "ipv6.routing", 3, "header";
    Ipv6Fragment = "ipv6.fraghdr", 3, "header";
    Ipv6Destination = "ipv6.dstopts", 3, "header";
    Shim6 = "shim6", 3, "header";
    Mobility = "mipv6", 3, "message";
    Ah = "ah", 3, "header";
    Esp = "esp", 3, "packet";
    Icmp = "icmp", 3, "message";
    Icmpv6 = "icmpv6", 3, "message";
    Igmp = "igmp", 3, "message";
    Ospf = "ospf", 3, "packet";
    Pim = "pim", 3, "message";
    Vrrp = "vrrp", 3, "message";
    Eigrp = "eigrp", 3, "packet";
    Rsvp = "rsvp", 3, "message";
    Tcp = "tcp", 4, "segment";
    Udp = "udp", 4, "datagram";
    Etherip = "etherip", 2, "frame";
    UdpLite = "udplite", 4, "datagram";
    Sctp = "sctp", 4, "packet";
    Dccp = "dccp", 4, "packet";
    Gre = "gre", 3, "packet";
    Erspan = "erspan", 2, "frame";
    Vxlan = "vxlan", 2, "frame";
    Geneve = "geneve", 2, "frame";
    Gtp = "gtp", 4, "message";
    Teredo = "teredo", 3, "packet";
    L2tp = "l2tp", 2, "message";
    Lisp = "lisp-data", 3, "packet";
    UdpEncapsulation = "udpencap", 4, "datagram";
}

impl fmt::Display for Layered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The protocols of a packet in order, at most [`Path::CAPACITY`]; deeper ones are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path {
    length: u8,
    protocols: [Layered; Path::CAPACITY],
}

impl Path {
    /// Protocols kept.
    pub const CAPACITY: usize = 11;

    /// Adds a protocol, unless the path is full.
    #[inline]
    pub(super) fn push(&mut self, protocol: Layered) {
        if let Some(place) = self.protocols.get_mut(usize::from(self.length)) {
            *place = protocol;
            self.length = self.length.saturating_add(1);
        }
    }

    /// The last protocol turns out to be another.
    pub(super) fn replace_last(&mut self, protocol: Layered) {
        if let Some(last) = self.protocols.get_mut(usize::from(self.length.saturating_sub(1))) {
            *last = protocol;
        }
    }

    /// The path down to what carries the last IP header.
    pub(super) fn before_last_network(&self) -> Self {
        let is_network = |protocol: Layered| matches!(protocol, Layered::Ipv4 | Layered::Ipv6);
        let kept = self.iter().rposition(is_network).unwrap_or(usize::from(self.length));
        let mut path = Self::default();
        self.iter().take(kept).for_each(|protocol| path.push(protocol));
        path
    }

    /// The path without the packet that an ICMP error quotes: what was on its way here, not what is told about.
    #[must_use]
    pub fn without_quote(&self) -> Self {
        let mut path = *self;
        if let Some(error) = self.iter().position(|protocol| matches!(protocol, Layered::Icmp | Layered::Icmpv6)) {
            let kept = error.saturating_add(1);
            path.protocols.iter_mut().skip(kept).for_each(|protocol| *protocol = Layered::default());
            path.length = path.length.min(u8::try_from(kept).unwrap_or(u8::MAX));
        }
        path
    }

    /// The protocols, outer first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Layered> + ExactSizeIterator + '_ {
        self.as_slice().iter().copied()
    }

    /// The same as a slice.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[Layered] {
        self.protocols.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl<'a> IntoIterator for &'a Path {
    type Item = Layered;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, Layered>>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter().copied()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, protocol) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(":")?;
            }
            f.write_str(protocol.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_so_do_their_keys() {
        for (place, one) in Layered::ALL.iter().enumerate() {
            for other in &Layered::ALL[..place] {
                assert_ne!(one.protocol_name(), other.protocol_name(), "{one} and {other}");
            }
        }
    }
}
