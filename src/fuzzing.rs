//! Bodies of the fuzz targets: a target in `fuzz/` is one line, and `tests/fuzz_replay.rs` runs every seed through
//! the same bodies on stable. Each takes any bytes at all, and must return.
mod above_ip;
mod certificates;
mod check;
mod choices;
mod chunks;
mod commands;
mod copies;
mod differential;
mod driver;
mod filter;
mod fragments;
mod generated;
mod given;
mod headers;
mod neighbors;
mod parsers;
mod quic;
mod runs;
mod secrets;
mod segments;
mod sessions;
mod table;
mod templates;
mod text;

use std::io::{self, Cursor};

pub use above_ip::{
    datagrams_session, igmp_session, ipsec_session, ospf_session, routing_session, sctp_session, vrrp_session,
};
pub use certificates::{tls_certificate, tls_staple};
pub use check::check_spec;
pub use chunks::stream_chunks;
pub use commands::{connection_run, follow_run, packets_run, statistics_run};
pub use copies::capture_roundtrip;
pub use differential::differential;
pub use filter::filter_language;
pub use fragments::ip_fragments;
pub use generated::generated_capture;
pub use given::{arguments, object_names, rsa_key, trust_pem};
pub use headers::{wire_header, wire_link};
pub use neighbors::{arp_session, icmp_session};
pub use parsers::{cross_flow, dns_rdata, hpack};
pub use quic::{quic_header, quic_session};
pub use secrets::{tls_decrypt, tls_key_log};
pub use segments::flow_segments;
pub use sessions::{
    dhcp_session, dns_session, ftp_session, http_session, http2_session, isakmp_session, mail_session, nbns_session,
    ntp_session, openvpn_session, proxy_session, rip_session, snmp_session, socks_session, ssh_session,
    starttls_session, telnet_session, tftp_session, tls_session, websocket_session, wireguard_session,
};
pub use table::flow_table;
pub use text::report_escape;

use crate::{
    app::tls::{
        extension_values::{Place, read},
        extensions::Extensions,
    },
    capture::{self, Batch, More},
    flow,
    record::{LinkType, PacketRef, Record, Timestamp},
    report::{self, Writer},
    wire,
};

/// What a fuzz target runs.
pub type Body = fn(&[u8]);

/// The targets by name; `fuzz/fuzz_targets` and `fuzz/corpus` have the same names.
pub const TARGETS: &[(&str, Body)] = &[
    ("capture_file", capture_file),
    ("pcapng_blocks", pcapng_blocks),
    ("filter_names", filter_names),
    ("filter_language", filter_language),
    ("check_spec", check_spec),
    ("wire_packet", wire_packet),
    ("wire_link", wire_link),
    ("wire_header", wire_header),
    ("dns_session", dns_session),
    ("dns_rdata", dns_rdata),
    ("hpack", hpack),
    ("cross_flow", cross_flow),
    ("http_session", http_session),
    ("http2_session", http2_session),
    ("tls_session", tls_session),
    ("tls_extensions", tls_extensions),
    ("tls_key_log", tls_key_log),
    ("tls_decrypt", tls_decrypt),
    ("tls_certificate", tls_certificate),
    ("tls_staple", tls_staple),
    ("quic_header", quic_header),
    ("quic_session", quic_session),
    ("openvpn_session", openvpn_session),
    ("starttls_session", starttls_session),
    ("socks_session", socks_session),
    ("ssh_session", ssh_session),
    ("ftp_session", ftp_session),
    ("mail_session", mail_session),
    ("telnet_session", telnet_session),
    ("dhcp_session", dhcp_session),
    ("ntp_session", ntp_session),
    ("snmp_session", snmp_session),
    ("nbns_session", nbns_session),
    ("tftp_session", tftp_session),
    ("rip_session", rip_session),
    ("isakmp_session", isakmp_session),
    ("wireguard_session", wireguard_session),
    ("proxy_session", proxy_session),
    ("sctp_session", sctp_session),
    ("igmp_session", igmp_session),
    ("vrrp_session", vrrp_session),
    ("ospf_session", ospf_session),
    ("ipsec_session", ipsec_session),
    ("routing_session", routing_session),
    ("datagrams_session", datagrams_session),
    ("websocket_session", websocket_session),
    ("icmp_session", icmp_session),
    ("arp_session", arp_session),
    ("http_coding", http_coding),
    ("flow_segments", flow_segments),
    ("whole_run", whole_run),
    ("report_escape", report_escape),
    ("capture_roundtrip", capture_roundtrip),
    ("differential", differential),
    ("stream_chunks", stream_chunks),
    ("ip_fragments", ip_fragments),
    ("flow_table", flow_table),
    ("generated_capture", generated_capture),
    ("follow_run", follow_run),
    ("statistics_run", statistics_run),
    ("connection_run", connection_run),
    ("packets_run", packets_run),
    ("arguments", arguments),
    ("trust_pem", trust_pem),
    ("rsa_key", rsa_key),
    ("object_names", object_names),
];

/// A file of any kind: every packet it claims to hold must lie in its batch.
pub fn capture_file(bytes: &[u8]) {
    let Ok(mut source) = capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "fuzz", 0, None) else { return };
    let (mut batch, mut packets) = (Batch::default(), 0);
    while let Ok(more) = source.next_batch(&mut batch) {
        for head in &batch.heads {
            packets += 1;
            assert_eq!(batch.bytes(head).len(), head.captured_length as usize);
        }
        if more == More::No {
            break;
        }
    }
    assert_eq!(source.descriptions().iter().map(|capture| capture.packets).sum::<u64>(), packets);
    copies::read_back(bytes);
}

/// A pcapng file whose blocks have right lengths, so that what is in them is reached: each step of the script is a byte
/// that chooses the kind of block, a byte of length, and so many bytes of body.
pub fn pcapng_blocks(script: &[u8]) {
    const KINDS: [u32; 16] =
        [1, 2, 3, 4, 5, 6, 6, 6, 9, 10, 0x0a0d_0d0a, 0xbad, 0x4000_0bad, 0x204, 0x101, 0x8000_0001];
    const SECTION: [u8; 16] = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    const ETHERNET: [u8; 8] = [1, 0, 0, 0, 0, 0, 4, 0];
    let big = script.first().is_some_and(|first| first & 1 == 1);
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let block = |out: &mut Vec<u8>, kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let total = word(padded as u32 + 12);
        out.extend_from_slice(&word(kind));
        out.extend_from_slice(&total);
        out.extend_from_slice(body);
        out.resize(out.len() + padded - body.len(), 0);
        out.extend_from_slice(&total);
    };
    let section: Vec<u8> = if big {
        [&SECTION[..4], &SECTION[4..6], &SECTION[6..]]
            .concat()
            .chunks(4)
            .take(1)
            .flat_map(|magic| magic.iter().rev().copied())
            .chain([0, 1, 0, 0])
            .chain([255; 8])
            .collect()
    } else {
        SECTION.to_vec()
    };
    let mut file = Vec::new();
    block(&mut file, 0x0a0d_0d0a, &section);
    if script.first().is_none_or(|first| first & 2 == 0) {
        let ethernet = if big { [0, 1, 0, 0, 0, 4, 0, 0] } else { ETHERNET };
        block(&mut file, 1, &ethernet);
    }
    let mut script = script.get(1..).unwrap_or_default();
    while let [kind, length, rest @ ..] = script {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        let kind = KINDS[usize::from(*kind) % KINDS.len()];
        if kind == 0x0a0d_0d0a {
            block(&mut file, kind, &[&section[..8], body].concat());
        } else {
            block(&mut file, kind, body);
        }
    }
    capture_file(&file);
}

/// A capture filter: no word that libpcap would look up over the network may pass.
pub fn filter_names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let verdict = capture::bpf::refuse_names(&text);
    // A word that is neither known nor an address, alone or behind what passed, is a host's name to libpcap.
    assert!(capture::bpf::refuse_names("host example.org").is_err());
    // Behind an open bracket nothing is looked up: it is a syntax error there.
    if verdict.is_ok() && !text.contains('[') {
        assert!(capture::bpf::refuse_names(&format!("{text} or host www.example.org")).is_err(), "{text}");
    }
}

/// A packet: the first byte chooses the link type.
pub fn wire_packet(bytes: &[u8]) {
    const LINKS: [u16; 14] = [1, 113, 276, 101, 0, 108, 228, 229, 12, 9, 50, 104, 105, 127];
    let Some((first, packet)) = bytes.split_first() else { return };
    let link = LinkType(LINKS[usize::from(*first) % LINKS.len()]);
    let wire_length = packet.len() as u32 + u32::from(*first >> 4);
    let decoded = wire::decode(link, packet, wire_length);
    assert!(decoded.payload(packet).len() <= packet.len());
    let _ = (decoded.endpoints(packet), decoded.flow_key(packet), decoded.quoted(packet));
    let _ = (decoded.transport_checksum(packet), decoded.tcp_header(packet), decoded.tcp_options(packet).count());
    let _ = (decoded.path.to_string(), decoded.stop.map(|stop| stop.to_string()));
    if let Some(fragment) = decoded.fragment(packet) {
        let mut fragments = flow::fragment::Reassembler::default();
        let at = PacketRef::default();
        if let flow::fragment::Outcome::Complete(datagram) = fragments.add(&fragment, at, Timestamp(0)) {
            let datagram = datagram.to_vec();
            let _ = wire::decode_reassembled(&datagram, &decoded);
        }
    }
    for layer in wire::describe(link, packet, wire_length) {
        assert!(layer.offset <= packet.len(), "{layer:?}");
    }
    let _ = wire::summary(link, packet, wire_length);
}

/// Content codings: the first two bytes choose which. Never more than its bounds may come out.
pub fn http_coding(bytes: &[u8]) {
    use crate::app::codec::http::coding::{Bounds, Coding, decoder};
    let [first, second, coded @ ..] = bytes else { return };
    let known = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    let codings = [first, second].map(|choice| known[usize::from(*choice) % 4].clone());
    let codings = if first % 8 < 4 { &codings[..1] } else { &codings[..] };
    let bounds = Bounds { bytes: 1 << 20, ratio: 200, free: 1 << 16 };
    let Ok((mut content, _)) = decoder(Box::new(coded), coded.len() as u64, codings, bounds) else { return };
    let mut out = Vec::new();
    let _ = io::Read::read_to_end(&mut content, &mut out);
    assert!(out.len() as u64 <= bounds.bytes);
}

/// The extensions of a TLS message: the first byte says which message, the others are its list of extensions, and once more
/// its whole body. What is kept for a report and what is only checked must be judged alike.
pub fn tls_extensions(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let places = [
        Place::ClientHello { ech: false },
        Place::ClientHello { ech: true },
        Place::ServerHello,
        Place::HelloRetryRequest,
        Place::EncryptedExtensions,
        Place::CertificateRequest,
        Place::NewSessionTicket,
    ];
    let place = places[usize::from(*first) % places.len()];
    let whole = [4, 8, 13].into_iter().filter_map(|kind| Extensions::of_message(kind, rest));
    for list in whole.chain([Extensions::new(rest, false)]) {
        let _ = list.is_sound();
        for (kind, body) in list.iter() {
            let (kept, walked) = (read(kind, body, place, true), read(kind, body, place, false));
            assert_eq!(kept.as_ref().map(Result::is_ok), walked.as_ref().map(Result::is_ok), "{kind} {body:02x?}");
            if let Some(Ok(value)) = kept {
                serde_json::to_string(&value).expect("every value has a JSON form");
            }
        }
    }
}

/// A whole capture file through the whole path, as NDJSON and as tables; the same for one worker and for two.
pub fn whole_run(bytes: &[u8]) {
    let run = |threads, format| {
        let Some(source) = runs::open(bytes) else { return Vec::new() };
        runs::run(source, threads, format)
    };
    let one = run(1, report::Format::Ndjson);
    assert!(one == run(2, report::Format::Ndjson), "one worker and two disagree");
    let table = run(1, report::Format::Table);
    assert!(!table.contains(&0x1b), "an escape code reached the table");
}

/// A writer that keeps nothing, for measuring everything before it.
#[derive(Debug, Default)]
pub struct Nowhere;

impl Writer for Nowhere {
    fn record(&mut self, _: &Record) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
