//! Fields of headers that have just a few: of links, of tunnels, and the first bytes of protocols that are not read further.
use super::{
    Layered, TransportHeader,
    describe::{Fields, Scene},
    read::{ipv4_at, u8_at, u16_at, u32_at, u64_at},
};

/// Fields of the header of `protocol`.
pub(super) fn fields(fields: &mut Fields, protocol: Layered, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    match protocol {
        Layered::Sll if scene.length == 16 => {
            fields.number("sll.pkttype", u16_at(bytes, 0));
            fields.number("sll.hatype", u16_at(bytes, 2));
            fields.number("sll.halen", u16_at(bytes, 4));
            if u16_at(bytes, 4) == Some(6) {
                fields.mac("sll.src.eth", bytes, 6);
            }
            cooked_type(fields, u16_at(bytes, 14));
        }
        Layered::Sll => {
            cooked_type(fields, u16_at(bytes, 0));
            fields.number("sll.ifindex", u32_at(bytes, 4));
            fields.number("sll.hatype", u16_at(bytes, 8));
            fields.number("sll.pkttype", u8_at(bytes, 10));
            fields.number("sll.halen", u8_at(bytes, 11));
            if u8_at(bytes, 11) == Some(6) {
                fields.mac("sll.src.eth", bytes, 12);
            }
        }
        Layered::Null => {
            let family = u32_at(bytes, 0);
            fields
                .number("null.family", family.map(|family| if family > 0xffff { family.swap_bytes() } else { family }));
        }
        Layered::Mpls => {
            let entry = u32_at(bytes, 0);
            fields.number("mpls.label", entry.map(|entry| entry >> 12));
            fields.number("mpls.exp", entry.map(|entry| entry >> 9 & 7));
            fields.number("mpls.bottom", entry.map(|entry| entry >> 8 & 1));
            fields.number("mpls.ttl", entry.map(|entry| entry & 0xff));
        }
        Layered::PppoeSession | Layered::PppoeDiscovery => {
            let first = u8_at(bytes, 0);
            fields.number("pppoe.version", first.map(|first| first >> 4));
            fields.number("pppoe.type", first.map(|first| first & 15));
            fields.number("pppoe.code", u8_at(bytes, 1));
            fields.number("pppoe.session_id", u16_at(bytes, 2));
            fields.number("pppoe.payload_length", u16_at(bytes, 4));
        }
        Layered::Ppp => ppp(fields, bytes.get(..scene.length).unwrap_or_default()),
        Layered::Lcp | Layered::Ipcp | Layered::Ipv6cp | Layered::Ccp => {
            fields.number("ppp.code", u8_at(bytes, 0));
            fields.number("ppp.identifier", u8_at(bytes, 1));
            fields.number("ppp.length", u16_at(bytes, 2));
        }
        Layered::Pap => {
            fields.number("pap.code", u8_at(bytes, 0));
            fields.number("pap.identifier", u8_at(bytes, 1));
            fields.number("pap.length", u16_at(bytes, 2));
        }
        Layered::Chap => {
            fields.number("chap.code", u8_at(bytes, 0));
            fields.number("chap.identifier", u8_at(bytes, 1));
            fields.number("chap.length", u16_at(bytes, 2));
        }
        Layered::Chdlc => {
            fields.number("chdlc.address", u8_at(bytes, 0));
            fields.number("chdlc.control", u8_at(bytes, 1));
            fields.number("chdlc.protocol", u16_at(bytes, 2));
        }
        Layered::Llc => llc(fields, scene),
        Layered::Eapol => {
            fields.number("eapol.version", u8_at(bytes, 0));
            fields.number("eapol.type", u8_at(bytes, 1));
            fields.number("eapol.len", u16_at(bytes, 2));
        }
        Layered::Slow => fields.number("slow.subtype", u8_at(bytes, 0)),
        Layered::Wlan => wlan(fields, bytes),
        Layered::Radiotap => {
            fields.number("radiotap.version", u8_at(bytes, 0));
            fields.number("radiotap.length", u16_at(bytes, 2).map(u16::swap_bytes));
        }
        Layered::Arcnet => {
            fields.number("arcnet.src", u8_at(bytes, 0));
            fields.number("arcnet.dst", u8_at(bytes, 1));
        }
        Layered::Ipoib => fields.number("ipoib.type", u16_at(bytes, 40)),
        Layered::Macsec => macsec(fields, bytes),
        Layered::Nsh => {
            let first = u16_at(bytes, 0);
            fields.number("nsh.version", first.map(|first| first >> 14));
            fields.number("nsh.ttl", first.map(|first| first >> 6 & 0x3f));
            fields.number("nsh.length", first.map(|first| first & 0x3f));
            fields.number("nsh.mdtype", u8_at(bytes, 2).map(|byte| byte & 15));
            fields.number("nsh.nextproto", u8_at(bytes, 3));
            fields.number("nsh.spi", u32_at(bytes, 4).map(|number| number >> 8));
            fields.number("nsh.si", u8_at(bytes, 7));
        }
        _ => network(fields, protocol, scene),
    }
}

/// The same above the link.
fn network(fields: &mut Fields, protocol: Layered, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    match protocol {
        Layered::Gre => gre(fields, bytes),
        Layered::Vxlan => {
            let flags = u8_at(bytes, 0);
            // The P bit says that there is a protocol: the Generic Protocol Extension (draft-ietf-nvo3-vxlan-gpe).
            if flags.is_some_and(|flags| flags & 0x04 != 0) {
                fields.number("vxlan.flags", flags);
                fields.number("vxlan.next_proto", u8_at(bytes, 3));
            } else {
                fields.number("vxlan.flags", u16_at(bytes, 0));
                fields.number("vxlan.gbp", u16_at(bytes, 2));
            }
            fields.number("vxlan.vni", u32_at(bytes, 4).map(|number| number >> 8));
        }
        Layered::Geneve => {
            let second = u8_at(bytes, 1);
            fields.number("geneve.version", u8_at(bytes, 0).map(|first| first >> 6));
            fields.bit("geneve.flags.oam", second, 0x80);
            fields.bit("geneve.flags.critical", second, 0x40);
            fields.number("geneve.proto_type", u16_at(bytes, 2));
            fields.number("geneve.vni", u32_at(bytes, 4).map(|number| number >> 8));
        }
        Layered::Gtp => {
            let flags = u8_at(bytes, 0);
            fields.number("gtp.flags", flags);
            fields.number("gtp.flags.version", flags.map(|flags| flags >> 5));
            fields.number("gtp.flags.payload", flags.map(|flags| flags >> 4 & 1));
            fields.number("gtp.message", u8_at(bytes, 1));
            fields.number("gtp.length", u16_at(bytes, 2));
            fields.number("gtp.teid", u32_at(bytes, 4));
            if flags.is_some_and(|flags| flags & 2 != 0) {
                fields.number("gtp.seq_number", u16_at(bytes, 8));
            }
        }
        Layered::Lisp => fields.number("lisp-data.iid", instance(bytes)),
        Layered::Erspan if scene.length >= 8 => {
            let (first, second) = (u16_at(bytes, 0), u16_at(bytes, 2));
            fields.number("erspan.version", first.map(|number| number >> 12));
            fields.number("erspan.vlan", first.map(|number| number & 0x0fff));
            fields.number("erspan.cos", second.map(|number| number >> 13));
            fields.number("erspan.truncated", second.map(|number| number >> 10 & 1));
            fields.number("erspan.spanid", second.map(|number| number & 0x03ff));
            if scene.length == 8 {
                fields.number("erspan.index", u32_at(bytes, 4).map(|number| number & 0x000f_ffff));
            } else {
                fields.number("erspan.timestamp", u32_at(bytes, 4));
            }
        }
        Layered::L2tp => l2tp(fields, bytes),
        Layered::Ipcomp => {
            fields.number("ipcomp.next_header", u8_at(bytes, 0));
            fields.number("ipcomp.flags", u8_at(bytes, 1));
            fields.number("ipcomp.cpi", u16_at(bytes, 2));
        }
        Layered::Esp => {
            fields.number("esp.spi", u32_at(bytes, 0));
            fields.number("esp.sequence", u32_at(bytes, 4));
        }
        Layered::UdpEncapsulation => {
            if bytes.first() == Some(&0xff) && bytes.len() == 1 {
                fields.flag("udpencap.nat_keepalive", true);
            } else if bytes.starts_with(&[0; 4]) {
                fields.flag("udpencap.non_esp_marker", true);
            }
        }
        Layered::UdpLite => {
            fields.number("udp.srcport", u16_at(bytes, 0));
            fields.number("udp.dstport", u16_at(bytes, 2));
            fields.number("udp.checksum_coverage", u16_at(bytes, 4));
            fields.number("udp.checksum", u16_at(bytes, 6));
        }
        Layered::Dccp => {
            fields.number("dccp.srcport", u16_at(bytes, 0));
            fields.number("dccp.dstport", u16_at(bytes, 2));
            fields.number("dccp.data_offset", u8_at(bytes, 4));
            fields.number("dccp.checksum", u16_at(bytes, 6));
            fields.number("dccp.type", u8_at(bytes, 8).map(|byte| byte >> 1 & 15));
        }
        Layered::Nhrp => {
            fields.number("nhrp.hdr.hopcnt", u8_at(bytes, 9));
            fields.number("nhrp.hdr.pktsz", u16_at(bytes, 10));
            fields.number("nhrp.hdr.version", u8_at(bytes, 16));
            fields.number("nhrp.hdr.op.type", u8_at(bytes, 17));
        }
        Layered::Teredo => {
            let origin = (bytes.len() >= 8 && bytes.starts_with(&[0, 0])).then(|| bytes.get(..8)).flatten();
            if let Some(origin) = origin {
                // Both are hidden from address translators by inversion (RFC 4380 section 5.1.1).
                fields.number("teredo.orig.port", u16_at(origin, 2).map(|port| !port));
                fields.text("teredo.orig.addr", u32_at(origin, 4).map(|address| std::net::Ipv4Addr::from(!address)));
            }
        }
        Layered::Rsvp => fields.number("rsvp.msg", u8_at(bytes, 1)),
        Layered::Mobility => {
            fields.number("mip6.proto", u8_at(bytes, 0));
            fields.number("mip6.hlen", u8_at(bytes, 1));
            fields.number("mip6.mhtype", u8_at(bytes, 2));
        }
        Layered::Data => fields.size("data.len", bytes.len()),
        _ => {}
    }
}

/// A type field, or the kind of frame where it is too small for one.
fn cooked_type(fields: &mut Fields, number: Option<u16>) {
    let is_type = number.is_some_and(|number| number >= super::ethernet::FIRST_ETHER_TYPE);
    fields.number(if is_type { "sll.etype" } else { "sll.ltype" }, number);
}

fn ppp(fields: &mut Fields, header: &[u8]) {
    if header.starts_with(&[0xff, 3]) {
        fields.number("ppp.address", u8_at(header, 0));
        fields.number("ppp.control", u8_at(header, 1));
    }
    let number = match header {
        [.., high, low] if (*high, *low) != (0xff, 3) && high & 1 == 0 => u16::from_be_bytes([*high, *low]),
        [.., low] => u16::from(*low),
        [] => 0,
    };
    fields.number("ppp.protocol", Some(number));
}

fn llc(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("llc.dsap", u8_at(bytes, 0));
    fields.number("llc.ssap", u8_at(bytes, 1));
    if scene.length == 4 {
        fields.number("llc.control", u16_at(bytes, 2).map(u16::swap_bytes));
    } else {
        fields.number("llc.control", u8_at(bytes, 2));
    }
    if scene.length == 8 {
        let organization = u32_at(bytes, 2).map(|number| number & 0x00ff_ffff);
        fields.number("llc.oui", organization);
        // What the protocol field is called depends on whose it is.
        let name = match organization {
            Some(0 | 0xf8) => "llc.type",
            Some(0x0c) => "llc.cisco_pid",
            Some(0x08_0007) => "llc.apple_atalk_pid",
            _ => "llc.pid",
        };
        fields.number(name, u16_at(bytes, 6));
    }
}

/// Frame control, the addresses by their meaning (IEEE 802.11 section 9.3.2.1), and the sequence control.
fn wlan(fields: &mut Fields, bytes: &[u8]) {
    let (control, flags) = (u8_at(bytes, 0), u8_at(bytes, 1));
    fields.number("wlan.fc.version", control.map(|control| control & 3));
    let kind = control.map(|control| control >> 2 & 3);
    fields.number("wlan.fc.type", kind);
    fields.number("wlan.fc.subtype", control.map(|control| control >> 4));
    fields.number("wlan.fc.type_subtype", control.map(|control| (control >> 4) | (control << 2 & 0x30)));
    fields.bit("wlan.fc.tods", flags, 0x01);
    fields.bit("wlan.fc.fromds", flags, 0x02);
    fields.bit("wlan.fc.frag", flags, 0x04);
    fields.bit("wlan.fc.retry", flags, 0x08);
    fields.bit("wlan.fc.pwrmgt", flags, 0x10);
    fields.bit("wlan.fc.moredata", flags, 0x20);
    fields.bit("wlan.fc.protected", flags, 0x40);
    fields.bit("wlan.fc.order", flags, 0x80);
    let addresses: &[(&'static str, usize)] = match (kind, flags.unwrap_or_default() & 3) {
        (Some(0), _) => &[("wlan.ra", 4), ("wlan.da", 4), ("wlan.ta", 10), ("wlan.sa", 10), ("wlan.bssid", 16)],
        (Some(2), 0) => &[("wlan.ra", 4), ("wlan.da", 4), ("wlan.ta", 10), ("wlan.sa", 10), ("wlan.bssid", 16)],
        (Some(2), 1) => &[("wlan.ra", 4), ("wlan.bssid", 4), ("wlan.ta", 10), ("wlan.sa", 10), ("wlan.da", 16)],
        (Some(2), 2) => &[("wlan.ra", 4), ("wlan.da", 4), ("wlan.ta", 10), ("wlan.bssid", 10), ("wlan.sa", 16)],
        (Some(2), _) => &[("wlan.ra", 4), ("wlan.ta", 10), ("wlan.da", 16), ("wlan.sa", 24)],
        // Control frames have a receiver; those with a second address are not told apart here.
        _ => &[("wlan.ra", 4)],
    };
    for (name, at) in addresses {
        fields.mac(name, bytes, *at);
    }
    if matches!(kind, Some(0 | 2)) {
        let sequence = u16_at(bytes, 22).map(u16::swap_bytes);
        fields.number("wlan.frag", sequence.map(|sequence| sequence & 15));
        fields.number("wlan.seq", sequence.map(|sequence| sequence >> 4));
    }
}

fn macsec(fields: &mut Fields, bytes: &[u8]) {
    let control = u8_at(bytes, 0);
    fields.number("macsec.TCI", control.map(|control| control >> 2));
    fields.number("macsec.AN", control.map(|control| control & 3));
    fields.number("macsec.SL", u8_at(bytes, 1));
    fields.number("macsec.PN", u32_at(bytes, 2));
    if control.is_some_and(|control| control & 0x20 != 0) {
        fields.mac("macsec.SCI.system_identifier", bytes, 6);
        fields.number("macsec.SCI.port_identifier", u16_at(bytes, 12));
    }
}

/// GRE: which words follow depends on the flags (RFC 2784, RFC 2890, RFC 2637).
fn gre(fields: &mut Fields, bytes: &[u8]) {
    let Some(flags) = u16_at(bytes, 0) else { return };
    fields.number("gre.flags_and_version", Some(flags));
    for (name, mask) in [
        ("gre.flags.checksum", 0x8000),
        ("gre.flags.routing", 0x4000),
        ("gre.flags.key", 0x2000),
        ("gre.flags.sequence_number", 0x1000),
    ] {
        fields.flag(name, flags & mask != 0);
    }
    let version = flags & 7;
    fields.number("gre.flags.version", Some(version));
    fields.number("gre.proto", u16_at(bytes, 2));
    let mut at = 4usize;
    let mut word = |present: bool| {
        let here = at;
        at = at.saturating_add(if present { 4 } else { 0 });
        present.then_some(here)
    };
    if let Some(at) = word(flags & 0xc000 != 0)
        && flags & 0x8000 != 0
    {
        fields.number("gre.checksum", u16_at(bytes, at));
    }
    if let Some(at) = word(flags & 0x2000 != 0) {
        if version == 1 {
            fields.number("gre.key.payload_length", u16_at(bytes, at));
            fields.number("gre.key.call_id", u16_at(bytes, at.saturating_add(2)));
        } else {
            fields.number("gre.key", u32_at(bytes, at));
        }
    }
    if let Some(at) = word(flags & 0x1000 != 0) {
        fields.number("gre.sequence_number", u32_at(bytes, at));
    }
    if let Some(at) = word(version == 1 && flags & 0x0080 != 0) {
        fields.number("gre.ack_number", u32_at(bytes, at));
    }
}

/// L2TP version 2 (RFC 2661) or, where the session is four bytes long, 3 over UDP (RFC 3931).
fn l2tp(fields: &mut Fields, bytes: &[u8]) {
    let Some(flags) = u16_at(bytes, 0) else { return };
    fields.number("l2tp.type", Some(flags >> 15));
    fields.number("l2tp.version", Some(flags & 15));
    if flags & 15 == 3 {
        if flags & 0x8000 != 0 {
            fields.number("l2tp.length", u16_at(bytes, 2));
            fields.number("l2tp.ccid", u32_at(bytes, 4));
            fields.number("l2tp.Ns", u16_at(bytes, 8));
            fields.number("l2tp.Nr", u16_at(bytes, 10));
        } else {
            fields.number("l2tp.sid", u32_at(bytes, 4));
        }
        return;
    }
    let mut at = 2usize;
    if flags & 0x4000 != 0 {
        fields.number("l2tp.length", u16_at(bytes, at));
        at = at.saturating_add(2);
    }
    fields.number("l2tp.tunnel", u16_at(bytes, at));
    fields.number("l2tp.session", u16_at(bytes, at.saturating_add(2)));
    if flags & 0x0800 != 0 {
        fields.number("l2tp.Ns", u16_at(bytes, at.saturating_add(4)));
        fields.number("l2tp.Nr", u16_at(bytes, at.saturating_add(6)));
    }
}

/// LISP's instance, when the header has it (RFC 9300 section 5.3).
fn instance(bytes: &[u8]) -> Option<u32> {
    u8_at(bytes, 0).filter(|flags| flags & 0x08 != 0)?;
    u32_at(bytes, 4).map(|word| word >> 8)
}

/// ICMP messages that are no echo (RFC 792, RFC 950, RFC 1256).
pub(super) fn icmp(fields: &mut Fields, bytes: &[u8]) {
    match u8_at(bytes, 0) {
        Some(13 | 14) => {
            fields.number("icmp.originate_timestamp", u32_at(bytes, 8));
            fields.number("icmp.receive_timestamp", u32_at(bytes, 12));
            fields.number("icmp.transmit_timestamp", u32_at(bytes, 16));
        }
        Some(17 | 18) => fields.text("icmp.address_mask", ipv4_at(bytes, 8)),
        Some(9) => {
            fields.number("icmp.num_addrs", u8_at(bytes, 4));
            fields.number("icmp.addr_entry_size", u8_at(bytes, 5));
            fields.number("icmp.lifetime", u16_at(bytes, 6));
        }
        Some(12) => fields.number("icmp.pointer", u8_at(bytes, 4)),
        _ => {}
    }
}

/// The payload of a Multipath TCP option, from the subtype on (RFC 8684 section 3).
pub(super) fn multipath(fields: &mut Fields, data: &[u8]) {
    let (first, second) = (u8_at(data, 0).unwrap_or_default(), u8_at(data, 1));
    let subtype = first >> 4;
    fields.number("tcp.options.mptcp.subtype", Some(subtype));
    match (subtype, data.len()) {
        (0, length) => {
            fields.number("tcp.options.mptcp.version", Some(first & 15));
            fields.number("tcp.options.mptcp.flags", second);
            if length >= 10 {
                fields.number("tcp.options.mptcp.sendkey", u64_at(data, 2));
            }
            if length >= 18 {
                fields.number("tcp.options.mptcp.recvkey", u64_at(data, 10));
            }
        }
        (1, 10) => {
            fields.number("tcp.options.mptcp.addrid", second);
            fields.number("tcp.options.mptcp.recvtok", u32_at(data, 2));
            fields.number("tcp.options.mptcp.sendrand", u32_at(data, 6));
        }
        (1, 14) => {
            fields.number("tcp.options.mptcp.addrid", second);
            fields.number("tcp.options.mptcp.sendtrunchmac", u64_at(data, 2));
            fields.number("tcp.options.mptcp.sendrand", u32_at(data, 10));
        }
        (2, _) => data_sequence(fields, data),
        (3, length) => {
            fields.number("tcp.options.mptcp.addrid", second);
            if (6..16).contains(&length) {
                fields.text("tcp.options.mptcp.ipv4", ipv4_at(data, 2));
            } else {
                fields.text("tcp.options.mptcp.ipv6", super::read::ipv6_at(data, 2));
            }
        }
        (4 | 5, _) => fields.number("tcp.options.mptcp.addrid", second),
        (7, _) => fields.number("tcp.options.mptcp.recvkey", u64_at(data, 2)),
        _ => {}
    }
}

/// Acknowledgment and mapping of data (RFC 8684 section 3.3).
fn data_sequence(fields: &mut Fields, data: &[u8]) {
    let Some(flags) = u8_at(data, 1) else { return };
    fields.number("tcp.options.mptcp.flags", Some(flags));
    let mut at = 2usize;
    let mut number = |long: bool| {
        let here = at;
        at = at.saturating_add(if long { 8 } else { 4 });
        if long { u64_at(data, here) } else { u32_at(data, here).map(u64::from) }
    };
    if flags & 1 != 0 {
        fields.number("tcp.options.mptcp.rawdataack", number(flags & 2 != 0));
    }
    if flags & 4 != 0 {
        fields.number("tcp.options.mptcp.rawdataseqno", number(flags & 8 != 0));
        fields.number("tcp.options.mptcp.subflowseqno", number(false));
        fields.number("tcp.options.mptcp.datalvllen", u16_at(data, at));
    }
}

/// Verdict on UDP's checksum in Wireshark's numbers; 3 where a sender over IPv4 chose to compute none (RFC 768).
pub(super) fn datagram_checksum(fields: &mut Fields, scene: &Scene<'_>) {
    let is_absent = u16_at(scene.bytes, 6) == Some(0) && scene.addresses.is_some_and(|(source, _)| source.is_ipv4());
    if is_absent {
        fields.number("udp.checksum.status", Some(3u8));
    } else {
        fields.status("udp.checksum.status", scene.checksum(TransportHeader::Udp));
    }
}
