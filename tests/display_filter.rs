//! Display filters against tshark: the same packets must pass, and the table of fields must have Wireshark's names and types.
//!
//! Needs tshark (skipped loudly without), and `WIREGLASS_CORPUS` and `WIREGLASS_LAB` for captures. One run of tshark a
//! capture asks every filter: a listener for each, in Lua. `WIREGLASS_FILTER_ALL=1` takes every capture of the corpus up to
//! a size, not only those listed.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, atomic::AtomicBool},
};

use wireglass::{
    capture, engine,
    filter::{Filter, fields},
    flow,
};

/// Written so that Wireshark 4.0 understands them too.
const FILTERS: [&str; 101] = [
    // Presence.
    "eth",
    "ip",
    "ipv6",
    "tcp",
    "udp",
    "icmp",
    "icmpv6",
    "arp",
    "vlan",
    "dns",
    "tls",
    "http",
    "http2",
    "quic",
    "mdns",
    "dtls",
    "gre",
    "vxlan",
    "mpls",
    "ip and not tcp",
    "not ip",
    "tcp or udp",
    "ip.flags.mf",
    "tcp.options.mss_val",
    "tcp.payload",
    // Addresses and ports.
    "ip.addr == 10.0.0.0/8",
    "ip.src == 192.168.0.0/16",
    "ip.dst != 10.0.0.0/8",
    "ip.src == ip.dst",
    "ip.addr in {172.16.0.0/12, 192.168.0.0/16}",
    "ipv6.addr == fe80::/10",
    "ipv6.dst == ff02::/16",
    "eth.dst[0] & 1",
    "eth.src[0:3] == 00:0c:29",
    "eth.addr contains 00:0c",
    "tcp.port == 80",
    "tcp.port != 80",
    "tcp.srcport > tcp.dstport",
    "tcp.port in {443, 8000..9000}",
    "udp.port == 53",
    "not udp.port in {53, 5353}",
    "any tcp.port > 1024",
    "all tcp.port > 1024",
    // Numbers, flags, bits.
    "ip.ttl < 64",
    "ip.ttl in {32, 64, 128, 255}",
    "ip.len > 500",
    "ip.proto == 6",
    "ip.id == 0",
    "ip.flags.df == 1",
    "ip.frag_offset > 0",
    "ip.hdr_len > 20",
    "ip.dsfield.dscp > 0",
    "ipv6.nxt == 17",
    "ipv6.hlim == 255",
    "vlan.id < 100",
    "arp.opcode == 1",
    "icmp.type == 3",
    "icmp.type == 8 and icmp.code == 0",
    "icmpv6.type >= 133",
    "tcp.flags.syn == 1",
    "tcp.flags.syn == 1 and tcp.flags.ack == 0",
    "tcp.flags & 0x04",
    "tcp.flags & 0x12 == 0x12",
    "tcp.flags == 0x018",
    "tcp.len > 0 and tcp.len < 100",
    "tcp.len + 40 > 1400",
    "tcp.hdr_len > 20",
    "tcp.window_size_value < 1000",
    "tcp.options.timestamp.tsval > 0",
    "udp.length > 100",
    "frame.len > 1000",
    "frame.cap_len != frame.len",
    "frame.number in {1..3, 7}",
    "frame.time_relative < 0.05",
    "frame.time_delta > 0.01",
    // Streams.
    "tcp.stream == 0",
    "tcp.stream > 1",
    "udp.stream == 0",
    "tcp.seq == 1",
    "tcp.ack == 1",
    "tcp.time_relative > 0.1",
    // Bytes.
    "tcp.payload contains \"HTTP\"",
    "tcp.payload[0] == 16",
    "tcp contains \"GET\"",
    "tcp[13] & 2",
    "udp.payload[2:2] == 01:00",
    "frame[12:2] == 08:00",
    "frame matches \"user-agent\"",
    "len(tcp.payload) > 1000",
    "count(ip.addr) > 2",
    "ip.src#1 == 10.0.0.0/8",
    // Protocols above.
    "dns.flags.response == 1 and dns.flags.rcode != 0",
    "dns.qry.name contains \"www\"",
    "tls.handshake.type == 1",
    "http.request.method == \"GET\"",
    "http.response.code >= 400",
    // What the flow thinks.
    "tcp.analysis.retransmission",
    "tcp.analysis.duplicate_ack",
    "tcp.analysis.zero_window",
    "tcp.analysis.out_of_order",
    "tcp.analysis.keep_alive",
];

/// Captures over the protocols, each given by the end of its path below the corpus' `pcaps`.
const CAPTURES: [&str; 52] = [
    "DNS-OARC+dnscap/frags.pcap",
    "FoxIO-LLC+ja4/gre-erspan-vxlan.pcap",
    "FoxIO-LLC+ja4/socks4-https.pcap",
    "OISF+suricata-verify/defrag__bug-6887-defrag-eth-vlan-ipv6-tcp__frag-eth-vlan-ipv6-tcp.pcap",
    "OISF+suricata-verify/dns__bug-1158__input.pcap",
    "OISF+suricata-verify/dns__dns-udp-eve-txt__input.pcap",
    "OISF+suricata-verify/http-all-headers__input.pcap",
    "OISF+suricata-verify/http2-keywords2__input.pcap",
    "OISF+suricata-verify/krb5-request-frag-log__krb5-frag.pcap",
    "OISF+suricata-verify/quic-alerts__input.pcap",
    "OISF+suricata-verify/quic-initial-not-first__input.pcap",
    "OISF+suricata-verify/sip-tcp-method__sip-tcp.pcap",
    "OISF+suricata-verify/tcp-rst-unacked-stream-10__TLPW1-tcp-174.56.47.59-10.3.11.101-tcp-80-49309.pcap",
    "OISF+suricata-verify/tls__tls-store-02__tls-client-auth.pcap",
    "OISF+suricata-verify/tls__tls13-draft28__tls13_draft28.pcap",
    "arkime+arkime/http-tcp-seq-issue.pcap",
    "arkime+arkime/ipv6-gtp6.pcap",
    "arkime+arkime/openssl-tls1.pcap",
    "arkime+arkime/pppoe.pcap",
    "arkime+arkime/ssl-selfsign.pcap",
    "cisco+joy/tls11.pcap",
    "cisco+mercury/pppoe_double_vlan_tagging.pcap",
    "kbandla+dpkt/examples__data__nb6-http.pcap",
    "ntop+nDPI/quic_cc_ack.pcapng",
    "ntop+nDPI/tls_2_reasms.pcapng",
    "seladb+PcapPlusPlus/MplsPackets.pcap",
    "seladb+PcapPlusPlus/VlanPackets.pcap",
    "stanford-esrg+retina/quic.pcap",
    "the-tcpdump-group+libpcap/filter__ah-ipip-ping.pcap",
    "the-tcpdump-group+libpcap/filter__rarp_req_reply.pcapng",
    "the-tcpdump-group+tcpdump/EIGRP_adjacency.pcap",
    "the-tcpdump-group+tcpdump/HDLC.pcap",
    "the-tcpdump-group+tcpdump/OSPFv3_NBMA_adjacencies.pcap",
    "the-tcpdump-group+tcpdump/e1000g.pcap",
    "the-tcpdump-group+tcpdump/icmpv6_nodeinfo_replyipv4.pcap",
    "the-tcpdump-group+tcpdump/isis_poi.pcap",
    "the-tcpdump-group+tcpdump/quic_vn.pcap",
    "zeek+zeek/dns-txt-multiple.pcap",
    "zeek+zeek/dns__dns_notify2.pcap",
    "zeek+zeek/dnssec__nsec.pcap",
    "zeek+zeek/http__261__variant-09-te_obs_fold.pcap",
    "zeek+zeek/http__ctu-62604-80.pcap",
    "zeek+zeek/http__m57-long-49600-80.pcap",
    "zeek+zeek/http__zeek-image-1080-80-x.pcapng",
    "zeek+zeek/ipv4__fragmented-1.pcap",
    "zeek+zeek/postgresql__psql-aws-ssl-require.pcap",
    "zeek+zeek/tls__imap-starttls.pcap",
    "zeek+zeek/tls__telesec.pcap",
    "zeek+zeek/tls__webrtc-stun.pcap",
    "zeek+zeek/tunnels__gtp__gtp1_gn_normal_incl_fragmentation.pcap",
    "zeek+zeek/tunnels__gtp__gtp_ext_header.pcap",
    "zeek+zeek/websocket__wstunnel-http.pcap",
];

/// Captures of the laboratory.
const LAB: [&str; 14] = [
    "tcp_keepalive.client.pcap",
    "tcp_zero_window.client.pcap",
    "tcp_out_of_order.client.pcap",
    "tcp_rto_backoff.client.pcap",
    "http1_variety.client.pcap",
    "http2_tls_parallel.client.pcap",
    "icmp_ping_ttl.client.pcap",
    "ip_fragments_udp.client.pcap",
    "encap_gre.client.pcap",
    "encap_vxlan.client.pcap",
    "encap_vlan_trunk.trunk.pcap",
    "mdns_avahi.client.pcap",
    "dns_truncated_tcp_fallback.client.pcap",
    "cap_any_sll2.any.pcap",
];

/// Where the answers differ, and why: part of the capture's path, the filter, the reason.
const EXPLAINED: &[(&str, &str, &str)] = &[
    ("tcp-rst-unacked-stream-10", "tcp.analysis.retransmission", LATE),
    ("tcp-rst-unacked-stream-10", "tcp.analysis.out_of_order", LATE),
    ("http__ctu-62604-80", "tcp.analysis.retransmission", TWICE),
    ("http__ctu-62604-80", "tcp.analysis.duplicate_ack", TWICE),
    ("http__m57-long-49600-80", "tcp.analysis.retransmission", TWICE),
    ("http__m57-long-49600-80", "tcp.analysis.duplicate_ack", TWICE),
    (
        "tls__imap-starttls",
        "tcp.analysis.duplicate_ack",
        "the acknowledgment is repeated while nothing is outstanding: no duplicate by RFC 5681 section 2",
    ),
    (
        "tcp_zero_window.client",
        "tcp.analysis.keep_alive",
        "probes of a closed window: tcp.analysis.zero_window_probe here",
    ),
    ("http-all-headers__input", "http", BODY),
    ("tcp-rst-unacked-stream-10", "http", BODY),
    ("http__ctu-62604-80", "http", BODY),
    ("http__m57-long-49600-80", "http", BODY),
    ("http__zeek-image-1080-80-x", "http", BODY),
    ("gtp1_gn_normal_incl_fragmentation", "http", BODY),
    ("cap_any_sll2.any", "http", BODY),
    ("encap_gre.client", "http", BODY),
    ("encap_vlan_trunk.trunk", "http", BODY),
    ("encap_vxlan.client", "http", BODY),
    ("http1_variety.client", "http", BODY),
    (
        "http-tcp-seq-issue",
        "http",
        "the request overlaps a part of it that came before: tshark takes it for a retransmission and reads nothing",
    ),
    ("tls_2_reasms", "tls", PIECE),
    ("retina/quic.pcap", "tls", PIECE),
    ("http2_tls_parallel", "tls", PIECE),
    (
        "psql-aws-ssl-require",
        "tls",
        "the records lie in two segments out of order: tshark shows them with the first that came, here they \
      belong to the one that fills the hole",
    ),
    (
        "socks4-https",
        "tls",
        "the server's first segments are missing: here the handshake is found behind the hole, tshark shows data",
    ),
    ("quic-alerts", "quic", "Google QUIC before version 46 is `gquic` to tshark, and `quic` here"),
    ("quic_vn", "tls", OPENED),
    ("quic_vn", "tls.handshake.type == 1", OPENED),
    (
        "nb6-http",
        "dns",
        "an ICMP error quotes the datagram: here its payload is read for the flow, and no message of its own",
    ),
    (
        "261__variant-09-te_obs_fold",
        "http.request.method == \"GET\"",
        "Transfer-Encoding is folded over two lines: here it is read, so that the body ends and a second request follows; tshark takes \
      the rest as the body",
    ),
    ("ipv4__fragmented-1", "udp", UNFINISHED),
    ("ipv4__fragmented-1", "tcp or udp", UNFINISHED),
    ("ipv4__fragmented-1", "udp.stream == 0", UNFINISHED),
];

/// A message belongs to one packet here, and to another one there.
const BODY: &str = "a response belongs to the packet that completes its head; to tshark, to the one that completes its body, and without one to none";
const LATE: &str = "segments that fill a hole 0.9 s and more after it showed: out of order to tshark, sent again here";
const TWICE: &str =
    "every packet is in the capture twice, with the same IP identification: copies here, sent again to tshark";
const PIECE: &str = "tshark counts a segment that holds a part of a record as TLS, here a record belongs to the packet that completes it";
const OPENED: &str = "QUIC of a draft version whose Initial packets are opened here, and not by tshark 4.0";
const UNFINISHED: &str =
    "two fragments at offset 0, of different lengths: here the datagram stays unfinished, tshark 4.0 joins what it can";

/// Captures above this are left out where all are taken.
const MOST_BYTES: u64 = 300_000;

fn root(variable: &str) -> Option<PathBuf> {
    let root = std::env::var_os(variable).map(PathBuf::from);
    if root.is_none() {
        eprintln!("SKIPPED in part: {variable} is not set");
    }
    root
}

fn has_tshark() -> bool {
    let has = Command::new("tshark").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has {
        eprintln!("SKIPPED: no tshark here");
    }
    has
}

fn captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Some(corpus) = root("WIREGLASS_CORPUS").map(|root| root.join("pcaps")) {
        if std::env::var_os("WIREGLASS_FILTER_ALL").is_some() {
            for folder in fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
            {
                let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
                found.extend(
                    files.filter(|file| file.metadata().is_ok_and(|file| file.is_file() && file.len() < MOST_BYTES)),
                );
            }
        } else {
            found.extend(CAPTURES.iter().map(|name| corpus.join(name)));
        }
    }
    if let Some(lab) = root("WIREGLASS_LAB") {
        found.extend(LAB.iter().map(|name| lab.join("captures").join(name)));
    }
    found.sort();
    for path in &found {
        assert!(path.is_file(), "{} is gone", path.display());
    }
    found
}

/// A listener for each filter that prints the filter's place and the numbers of packets that pass.
fn script(filters: &[&str]) -> String {
    let mut lua = "local function ask(place, filter)\n  local tap = Listener.new('frame', filter)\n  \
                   function tap.packet(pinfo) io.write(place, ' ', pinfo.number, '\\n') end\nend\n"
        .to_owned();
    for (place, filter) in filters.iter().enumerate() {
        writeln!(lua, "ask({place}, [==[{filter}]==])").unwrap();
    }
    lua
}

fn theirs(script: &Path, capture: &Path) -> HashMap<usize, BTreeSet<u64>> {
    // Names are not resolved; whole datagrams are put together, as here.
    let output = Command::new("tshark")
        .args(["-n", "-q", "-X", &format!("lua_script:{}", script.display()), "-r"])
        .arg(capture)
        .output()
        .unwrap();
    let mut passed: HashMap<usize, BTreeSet<u64>> = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some((place, number)) = line.split_once(' ')
            && let (Ok(place), Ok(number)) = (place.parse(), number.parse())
        {
            passed.entry(place).or_default().insert(number);
        }
    }
    passed
}

fn ours(filter: &str, path: &Path) -> BTreeSet<u64> {
    let filter = Filter::new(filter).unwrap_or_else(|mistake| panic!("{mistake}"));
    let source = capture::open(path, 0).unwrap();
    let settings = engine::Settings {
        flow: flow::Settings::default(),
        threads: 1,
        filter: None,
        max_packets: None,
        stop: Arc::new(AtomicBool::new(false)),
        files: Vec::new(),
        trust: None,
        given: engine::Given::default(),
        save: None,
        asking: None,
    };
    let mut passed = BTreeSet::new();
    engine::packets(source, settings, Some(filter), &mut |packet, _, _| {
        passed.insert(packet.number.number());
        Ok(())
    })
    .unwrap();
    passed
}

#[test]
fn the_same_packets_pass_as_with_tshark() {
    if !has_tshark() {
        return;
    }
    let captures = captures();
    if captures.is_empty() {
        return;
    }
    let script_path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("display_filter.lua");
    fs::write(&script_path, script(&FILTERS)).unwrap();
    let (mut pairs, mut with_packets, mut selected) = (0usize, BTreeMap::new(), 0usize);
    let (mut wrong, mut explained) = (Vec::new(), BTreeSet::new());
    for capture in &captures {
        let theirs = theirs(&script_path, capture);
        for (place, filter) in FILTERS.iter().enumerate() {
            let (theirs, ours) = (theirs.get(&place).cloned().unwrap_or_default(), ours(filter, capture));
            pairs += 1;
            selected += ours.len();
            *with_packets.entry(*filter).or_insert(0usize) += usize::from(!theirs.is_empty());
            if theirs == ours {
                continue;
            }
            let shown = capture.display().to_string();
            let reason = EXPLAINED.iter().position(|(part, of, _)| of == filter && shown.contains(part));
            if let Some(reason) = reason {
                explained.insert(reason);
                continue;
            }
            let few = |a: &BTreeSet<u64>, b: &BTreeSet<u64>| a.difference(b).take(6).copied().collect::<Vec<_>>();
            wrong.push(format!(
                "{shown}: `{filter}`: only tshark {:?}, only here {:?}",
                few(&theirs, &ours),
                few(&ours, &theirs)
            ));
        }
    }
    let silent: Vec<_> = with_packets.iter().filter(|(_, count)| **count == 0).map(|(filter, _)| *filter).collect();
    eprintln!(
        "{pairs} pairs of filter and capture, {selected} packets; {} pairs differ unexplained; never selected: {silent:?}",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if root("WIREGLASS_CORPUS").is_some() && root("WIREGLASS_LAB").is_some() {
        assert!(pairs >= FILTERS.len() * 66, "{pairs}");
        assert!(silent.len() <= 1, "filters that select nothing anywhere prove little: {silent:?}");
        assert!(selected > 48_000, "{selected}");
        let unused: Vec<_> = EXPLAINED.iter().enumerate().filter(|(place, _)| !explained.contains(place)).collect();
        assert!(unused.is_empty(), "explained, but not there: {unused:?}");
    }
}

/// Names and types that Wireshark 4.0 has otherwise, and why.
const OTHERWISE: &[(&str, &str)] = &[];

#[test]
fn names_and_types_are_wiresharks() {
    if !has_tshark() {
        return;
    }
    let output = Command::new("tshark").args(["-G", "fields"]).output().unwrap();
    let mut known: HashMap<String, BTreeSet<String>> = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns[..] {
            ["P", _, name, ..] => known.entry(name.to_owned()).or_default().insert("FT_PROTOCOL".to_owned()),
            ["F", _, name, kind, ..] => known.entry(name.to_owned()).or_default().insert(kind.to_owned()),
            _ => continue,
        };
    }
    assert!(known.len() > 100_000, "{}", known.len());
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for field in fields::all().filter(|field| !OTHERWISE.iter().any(|(name, _)| *name == field.name)) {
        seen += 1;
        match known.get(field.name) {
            None => wrong.push(format!("{} is no field of Wireshark's", field.name)),
            Some(kinds) if !kinds.contains(field.kind.wireshark()) => {
                wrong.push(format!("{} is {} here and {kinds:?} there", field.name, field.kind.wireshark()));
            }
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 300, "{seen}");
}
