//! Pings, paths, ARP and Neighbor Discovery of our own captures, held against what the programs printed that made them.
use std::{path::Path, process::Command};

use serde_json::Value;

/// The records of a fixture.
fn records(name: &str, threads: &str) -> Vec<Value> {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("capture.pcap");
    let output = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(["--format", "ndjson", "--threads", threads])
        .arg(capture)
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["type"] == kind).collect()
}

/// Codes of findings about these protocols, sorted.
fn codes(records: &[Value]) -> Vec<&str> {
    let rooms = ["icmp.", "arp.", "nd."];
    let all = of(records, "finding").into_iter().map(|finding| finding["code"].as_str().unwrap());
    let mut codes: Vec<&str> = all.filter(|code| rooms.iter().any(|room| code.starts_with(room))).collect();
    codes.sort_unstable();
    codes
}

fn ms(value: &Value) -> f64 {
    value.as_i64().unwrap_or_else(|| panic!("{value}")) as f64 / 1e6
}

#[test]
fn pings_as_ping_printed_them() {
    let all = records("icmp_ping", "1");
    let echoes = of(&all, "icmp_echo");
    assert_eq!(echoes.len(), 3);
    let v4 = echoes.iter().find(|echo| echo["server"]["address"] == "10.79.3.2").unwrap();
    // 8 packets transmitted, 6 received; the reply has passed two routers.
    assert_eq!((&v4["sent"], &v4["received"], &v4["lost"]), (&8.into(), &6.into(), &2.into()));
    assert_eq!((&v4["reply_hop_limit"], &v4["reply_hops"], &v4["protocol"]), (&62.into(), &2.into(), &"icmp".into()));
    // The wire delays by 6 ms each way; nothing is faster, and only the first waits for ARP.
    assert!((12.0..14.0).contains(&ms(&v4["rtt"]["min_ns"])), "{}", v4["rtt"]);
    assert_eq!(v4["rtt"]["samples"], 6);
    let v6 = echoes.iter().find(|echo| echo["protocol"] == "icmpv6").unwrap();
    assert_eq!((&v6["sent"], &v6["received"], &v6["lost"]), (&4.into(), &4.into(), &0.into()));
    assert!((12.0..14.0).contains(&ms(&v6["rtt"]["min_ns"])), "{}", v6["rtt"]);
    let refused = echoes.iter().find(|echo| echo["server"]["address"] == "10.80.0.1").unwrap();
    assert_eq!(refused["unreachable"][0]["by"], "10.79.1.1");
    assert_eq!((&refused["unreachable"][0]["code"], &refused["lost"]), (&1.into(), &0.into()));
    assert_eq!(codes(&all), ["icmp.ping-loss", "icmp.unreachable"]);
}

#[test]
fn paths_as_traceroute_printed_them() {
    let all = records("icmp_path", "1");
    let paths = of(&all, "path");
    let told: Vec<(String, String, Vec<String>, bool)> = paths
        .iter()
        .map(|path| {
            let hops = path["hops"].as_array().unwrap();
            let hops = hops.iter().map(|hop| hop["address"].as_str().unwrap_or("*").to_owned()).collect();
            let word = |name: &str| path[name].as_str().unwrap().to_owned();
            (word("method"), path["server"]["address"].as_str().unwrap().to_owned(), hops, path["reached"] == true)
        })
        .collect();
    let v4 = ["10.79.1.1", "10.79.2.2", "10.79.3.2"].map(str::to_owned).to_vec();
    let v6 = ["fd79:1::1", "fd79:2::2", "fd79:3::2"].map(str::to_owned).to_vec();
    for (method, server, hops) in
        [("udp", "10.79.3.2", &v4), ("icmp", "10.79.3.2", &v4), ("tcp", "10.79.3.2", &v4), ("udp", "fd79:3::2", &v6)]
    {
        let expected = (method.to_owned(), server.to_owned(), hops.clone(), true);
        assert!(told.contains(&expected), "{expected:?} in {told:#?}");
    }
    // tracepath found the MTU of the last link.
    assert!(paths.iter().any(|path| path["mtu"] == 1400), "{paths:#?}");
    for path in &paths {
        let hops = path["hops"].as_array().unwrap();
        // Behind the wire 12 ms and more, before it hardly anything.
        assert!(ms(&hops[0]["rtt"]["min_ns"]) < 5.0, "{path}");
        assert!(hops[1..].iter().all(|hop| (12.0..40.0).contains(&ms(&hop["rtt"]["min_ns"]))), "{path}");
    }
    // What a traceroute causes is no problem of the network.
    assert_eq!(codes(&all), ["icmp.fragmentation-needed"]);
}

#[test]
fn errors_are_explained_once_each() {
    let all = records("icmp_errors", "1");
    assert_eq!(
        codes(&all),
        [
            "icmp.path-mtu-ignored",
            "icmp.port-unreachable",
            "icmp.time-exceeded",
            "icmp.unreachable",
            "icmp.unreachable"
        ]
    );
    let findings = of(&all, "finding");
    let title =
        |code: &str| findings.iter().find(|finding| finding["code"] == code).unwrap()["title"].as_str().unwrap();
    assert!(title("icmp.path-mtu-ignored").contains("larger than 1400 bytes"), "{}", title("icmp.path-mtu-ignored"));
    assert!(title("icmp.path-mtu-ignored").contains("10.79.2.2"));
    assert!(title("icmp.port-unreachable").contains("10.79.3.2 port 9999"), "{}", title("icmp.port-unreachable"));
    let flow = |code: &str| findings.iter().find(|finding| finding["code"] == code).unwrap()["flow"].as_str().unwrap();
    let udp = of(&all, "udp");
    assert!(udp.iter().any(|udp| udp["flow"] == flow("icmp.port-unreachable") && udp["server"]["port"] == 9999));
    assert_eq!(of(&all, "path").len(), 0, "packets that go in circles are no traceroute");
}

#[test]
fn arp_as_the_hosts_had_it() {
    let all = records("arp_exchanges", "1");
    let exchanges = of(&all, "arp");
    let about = |address: &str| -> Vec<_> {
        exchanges.iter().filter(|arp| arp["target"]["address"] == address).copied().collect()
    };
    let asked = about("10.79.9.2");
    let answered: Vec<_> = asked.iter().filter(|arp| arp["answered"] == true).collect();
    assert_eq!(answered.len(), 2);
    assert!(answered.iter().all(|arp| arp["target"]["mac"] == "02:79:00:00:09:02"));
    assert!(answered.iter().all(|arp| ms(&arp["latency_ns"]) < 5.0));
    assert!(asked.iter().any(|arp| arp["purpose"] == "announcement" && arp["packets"] == 2));
    let probe = about("10.79.9.50");
    assert_eq!(
        (&probe[0]["purpose"], &probe[0]["answered"], &probe[0]["packets"]),
        (&"probe".into(), &false.into(), &2.into())
    );
    let missing = about("10.79.9.77");
    assert_eq!((missing.len(), &missing[0]["packets"], &missing[0]["answered"]), (1, &3.into(), &false.into()));
    assert_eq!(codes(&all), ["arp.address-moved", "arp.conflict", "arp.unanswered"]);
    let findings = of(&all, "finding");
    let title =
        |code: &str| findings.iter().find(|finding| finding["code"] == code).unwrap()["title"].as_str().unwrap();
    assert!(title("arp.conflict").contains("10.79.9.200"), "{}", title("arp.conflict"));
    assert!(title("arp.address-moved").contains("10.79.9.100"), "{}", title("arp.address-moved"));
    assert!(title("arp.address-moved").contains("announced"));
    assert!(title("arp.unanswered").contains("10.79.9.77:"), "{}", title("arp.unanswered"));
}

#[test]
fn neighbours_and_routers() {
    let all = records("icmp_neighbors", "1");
    let exchanges = of(&all, "neighbor");
    let about = |address: &str| -> Vec<_> {
        exchanges.iter().filter(|one| one["target"]["address"] == address).copied().collect()
    };
    let there = about("fd79:9::b");
    assert!(there.iter().any(|one| one["answered"] == true
        && one["target"]["mac"] == "02:79:00:00:09:02"
        && one["duplicate_address_detection"] == false
        && ms(&one["latency_ns"]) < 5.0));
    let missing = about("fd79:9::dead");
    assert_eq!((missing.len(), &missing[0]["packets"], &missing[0]["answered"]), (1, &3.into(), &false.into()));
    let taken = there.iter().find(|one| one["duplicate_address_detection"] == true).unwrap();
    assert_eq!((&taken["answered"], &taken["target"]["mac"]), (&true.into(), &"02:79:00:00:09:02".into()));
    assert!(
        about("fd79:9::d").iter().all(|one| one["duplicate_address_detection"] == true && one["answered"] == false)
    );
    let routers: Vec<_> = exchanges.iter().filter(|one| one["operation"] == "router_advertisement").collect();
    let says = |prefix: &str| {
        let has = |one: &&&&Value| one["router"]["prefixes"][0]["prefix"] == prefix;
        &routers.iter().find(has).unwrap()["router"]
    };
    let other = says("2001:db8:b::/64");
    assert_eq!((&other["mtu"], &other["other_configuration"]), (&1400.into(), &true.into()));
    assert_eq!((&other["dns_servers"][0], &other["search_domains"][0]), (&"fd79:9::b".into(), &"lab.example".into()));
    assert_eq!(says("2001:db8:d::/64")["mtu"], Value::Null);
    let solicited: Vec<_> = exchanges.iter().filter(|one| one["operation"] == "router_solicitation").collect();
    assert!(solicited.iter().any(|one| one["answered"] == true && ms(&one["latency_ns"]) < 1000.0));
    assert_eq!(codes(&all), ["nd.duplicate-address", "nd.several-routers", "nd.unanswered"]);
}

#[test]
fn any_number_of_workers_says_the_same() {
    for name in ["icmp_ping", "icmp_path", "icmp_errors", "arp_exchanges", "icmp_neighbors"] {
        let one = records(name, "1");
        for threads in ["2", "5"] {
            assert!(records(name, threads) == one, "{name} with {threads} threads");
        }
    }
}
