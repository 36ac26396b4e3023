//! HTTP transactions against what the servers logged, what curl measured and what nghttp saw frame by frame, over the lab
//! captures in `$WIREGLASS_LAB` (else `../shared/lab`). Skipped, loudly, without them.
#![allow(missing_docs)]
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn lab() -> Option<PathBuf> {
    let folder = std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from);
    let captures = folder.join("captures");
    if captures.is_dir() {
        return Some(captures);
    }
    eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", folder.display());
    None
}

fn truth(folder: &Path, scenario: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(format!("{scenario}.truth.json"))).unwrap()).unwrap()
}

/// Records of the kinds in `only` from one capture of a scenario, opened with its key log where it has one.
fn records(folder: &Path, capture: &str, only: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireglass"));
    command.arg(folder.join(capture)).args(["--format", "ndjson", "--only", only]);
    let keys = folder.join(format!("{}.keys", capture.split('.').next().unwrap()));
    if keys.is_file() {
        command.arg("--keylog").arg(keys);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{capture}: {}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn end(endpoint: &Value) -> String {
    format!("{}:{}", endpoint["address"].as_str().unwrap(), endpoint["port"])
}

/// What differs between a server's log and the transactions of the captures of its scenario, per client in order.
fn compare_with_log(folder: &Path, scenario: &str, captures: &[&str]) -> (usize, Vec<String>) {
    let mut ours: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for capture in captures {
        for record in records(folder, &format!("{scenario}.{capture}.pcap"), "http") {
            ours.entry(format!("{capture} {}", end(&record["client"]))).or_default().push(record);
        }
    }
    let truth = truth(folder, scenario);
    let mut logged: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in truth["server_log"].as_array().unwrap() {
        logged.entry(row["remote"].as_str().unwrap().to_owned()).or_default().push(row);
    }
    let (mut rows, mut wrong) = (0, Vec::new());
    for (remote, theirs) in &logged {
        let seen: Vec<&Vec<Value>> =
            captures.iter().filter_map(|capture| ours.get(&format!("{capture} {remote}"))).collect();
        if seen.is_empty() {
            wrong.push(format!("{scenario}: {remote}: not seen"));
        }
        for ours in seen {
            if ours.len() != theirs.len() {
                wrong.push(format!("{scenario}: {remote}: {} transactions, {} logged", ours.len(), theirs.len()));
            }
            // Streams of one connection end in any order: they are told apart by what they asked for.
            for row in theirs {
                rows += 1;
                let asked = |http: &&Value| {
                    let version = match http["version"].as_str().unwrap() {
                        "2" => "2.0",
                        version => version,
                    };
                    let request = &http["request"];
                    let words = [request["method"].as_str(), request["target"].as_str()].map(Option::unwrap_or_default);
                    row["req"] == format!("{} {} HTTP/{version}", words[0], words[1])
                };
                let Some(http) = ours.iter().find(asked) else {
                    wrong.push(format!("{scenario}: {remote}: {} is missing", row["req"]));
                    continue;
                };
                let (status, body) = (&http["response"]["status"], http["response"]["body_bytes"].as_u64().unwrap());
                // The log counts the framing of chunks too.
                let chunked = http["response"]["headers"].to_string().to_ascii_lowercase().contains("\"chunked\"");
                let logged = row["body"].as_u64().unwrap();
                let same = body == logged || (chunked && body < logged);
                if *status != row["status"] || !same {
                    wrong.push(format!("{scenario}: {}: {status}, {body} bytes; logged {row}", row["req"]));
                }
            }
        }
    }
    (rows, wrong)
}

#[test]
fn transactions_equal_the_servers_logs() {
    let Some(folder) = lab() else { return };
    let (mut rows, mut wrong) = (0, Vec::new());
    for (scenario, captures) in [
        ("http1_variety", &["client"][..]),
        ("http1_pipelining", &["client"]),
        ("lb_round_robin", &["client", "lb"]),
        ("lb_ip_hash", &["client", "lb"]),
        ("lb_upstream_keepalive", &["client", "lb"]),
        ("lb_upstream_timeout_504", &["client", "lb"]),
        ("http2_tls_parallel", &["client"]),
        ("proxy_squid_connect", &["proxy"]),
    ] {
        let (more, found) = compare_with_log(&folder, scenario, captures);
        rows += more;
        wrong.extend(found);
    }
    assert!(rows >= 50, "{rows}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The backends that a balancer chose, as its own log says: which of its connections carried which request.
#[test]
fn the_balancers_second_leg_is_seen() {
    let Some(folder) = lab() else { return };
    let all = records(&folder, "lb_round_robin.lb.pcap", "http");
    let truth = truth(&folder, "lb_round_robin");
    for row in truth["server_log"].as_array().unwrap() {
        let target = row["req"].as_str().unwrap().split(' ').nth(1).unwrap();
        let legs: Vec<String> =
            all.iter().filter(|http| http["request"]["target"] == target).map(|http| end(&http["server"])).collect();
        assert!(legs.contains(&row["upstream"].as_str().unwrap().to_owned()), "{row}: {legs:?}");
    }
}

/// Which request each balancer sent for which, as its own log says, and how it divided them.
#[test]
fn balancers_legs_are_joined() {
    let Some(folder) = lab() else { return };
    let mut joined = 0;
    for scenario in ["lb_round_robin", "lb_ip_hash", "lb_upstream_keepalive", "lb_upstream_timeout_504"] {
        let all = records(&folder, &format!("{scenario}.lb.pcap"), "http,findings");
        let truth = truth(&folder, scenario);
        for row in truth["server_log"].as_array().unwrap() {
            let upstream = row["upstream"].as_str().unwrap();
            let front = all
                .iter()
                .find(|http| http["type"] == "http" && end(&http["client"]) == row["remote"].as_str().unwrap());
            let front = front.unwrap_or_else(|| panic!("{scenario}: {row}"));
            let link = &front["forwarded_as"][0];
            // The name of the group: no server was left to ask.
            if !upstream.contains(':') {
                assert!(link.is_null(), "{scenario}: {row}: {link}");
                continue;
            }
            let back = all.iter().find(|http| {
                http["type"] == "http"
                    && (&http["flow"], &http["request"]["packet"]) == (&link["flow"], &link["packet"])
            });
            // What the balancer gave up on is told by the later of the two.
            let back = back.or_else(|| {
                all.iter().find(|http| {
                    let from = &http["forwarded_from"];
                    !from.is_null() && (&from["flow"], &from["packet"]) == (&front["flow"], &front["request"]["packet"])
                })
            });
            let back = back.unwrap_or_else(|| panic!("{scenario}: no leg: {row}"));
            assert_eq!(end(&back["server"]), upstream, "{scenario}: {row}");
            joined += 1;
        }
        let served: BTreeMap<String, u64> = serde_json::from_value(truth["distribution"].clone()).unwrap();
        let proxied = all.iter().find(|finding| finding["code"] == "http.proxied").unwrap();
        for (server, count) in served.iter().filter(|(server, _)| server.contains(':')) {
            let said = format!("{server} {count} of ");
            assert!(proxied["explanation"].as_str().unwrap().contains(&said), "{scenario}: {said}: {proxied}");
        }
    }
    assert_eq!(joined, 37);
}

/// One slow server behind the balancer: 504 with its cause; then 502 without anybody asked.
#[test]
fn a_gateway_timeout_names_the_server_behind() {
    let Some(folder) = lab() else { return };
    let all = records(&folder, "lb_upstream_timeout_504.lb.pcap", "http,findings");
    let statuses: Vec<_> = all
        .iter()
        .filter(|http| http["type"] == "http" && http["server"]["port"] == 80)
        .map(|http| http["response"]["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [504, 502]);
    let causes: Vec<_> = all.iter().filter(|finding| finding["code"] == "http.gateway-cause").collect();
    assert_eq!(causes.len(), 1);
    let title = causes[0]["title"].as_str().unwrap();
    // nginx says 0.509 s.
    assert!(title.contains("10.77.30.1:8000 behind 10.77.20.80:80 had not answered after 0.5"), "{title}");
}

/// HAProxy: health checks of its own, round robin, and a cookie that sticks to one server.
#[test]
fn a_sticky_cookie_chooses_the_server() {
    let Some(folder) = lab() else { return };
    let all = records(&folder, "lb_haproxy_health_sticky.lb.pcap", "http");
    let target = |http: &Value| http["request"]["target"].as_str().unwrap_or_default().to_owned();
    assert!(all.iter().filter(|http| target(http) == "/health").count() >= 6);
    assert!(all.iter().filter(|http| target(http) == "/health").all(|http| http["forwarded_from"].is_null()));
    let fronts = || all.iter().filter(|http| http["server"]["port"] == 80);
    let behind = |front: &Value| {
        let link = &front["forwarded_as"][0];
        let back =
            all.iter().find(|http| (&http["flow"], &http["request"]["packet"]) == (&link["flow"], &link["packet"]));
        back.map(|back| end(&back["server"])).unwrap_or_else(|| panic!("no leg: {front}"))
    };
    let (sticky, first): (Vec<_>, Vec<_>) = fronts().partition(|http| target(http).contains("sticky"));
    assert_eq!((sticky.len(), first.len()), (4, 6));
    let chosen: std::collections::BTreeSet<_> = first.iter().map(|front| behind(front)).collect();
    assert_eq!(chosen.len(), 3);
    assert!(sticky.iter().all(|front| behind(front) == behind(sticky[0])));
    // Whoever was asked first without a cookie is given one, as the server's own header says.
    for front in &first {
        let set = &front["cookies_set"][0];
        assert_eq!((&set["name"], &set["session"]), (&"SRV".into(), &true.into()), "{front}");
    }
    // The first of the four is given the cookie that the others send back.
    let (giver, senders) = sticky.split_first().unwrap();
    assert_eq!(giver["cookies_set"][0]["name"], "SRV");
    assert!(senders.iter().all(|front| front["cookies_sent"][0]["set_by"]["flow"] == giver["flow"]));
    // `x-backend: b2` is what curl saw of the server that we say was asked.
    for front in fronts() {
        let headers = front["response"]["headers"].as_array().unwrap();
        let name = headers.iter().find(|field| field[0].as_str().unwrap().eq_ignore_ascii_case("x-backend")).unwrap();
        assert_eq!(format!("10.77.30.{}:8000", name[1].as_str().unwrap().trim_start_matches('b')), behind(front));
    }
}

/// Squid: what it adds is told, its own request is joined to the client's, and tunnels are named.
#[test]
fn a_forward_proxy_is_named() {
    let Some(folder) = lab() else { return };
    let all = records(&folder, "proxy_squid_connect.proxy.pcap", "http");
    let front = all.iter().find(|http| http["request"]["target"] == "http://www.lab.example/").unwrap();
    assert_eq!(front["proxy"]["server"], "forward");
    assert_eq!(front["cache"]["outcome"], "miss");
    let back = all.iter().find(|http| http["request"]["target"] == "/" && http["server"]["port"] == 80).unwrap();
    let log = &truth(&folder, "proxy_squid_connect")["server_log"][0];
    assert_eq!(back["proxy"]["via"][0], log["via"]);
    assert_eq!(back["proxy"]["forwarded_for"][0], log["xff"]);
    assert_eq!(end(&back["client"]), log["remote"].as_str().unwrap());
    assert_eq!(front["forwarded_as"][0]["flow"], back["flow"]);
    assert_eq!(front["forwarded_as"][0]["by"], "x-forwarded-for");
    let tunnels: Vec<_> = all.iter().filter(|http| http["request"]["method"] == "CONNECT").collect();
    assert_eq!(tunnels.len(), 2);
    assert!(tunnels.iter().all(|tunnel| tunnel["proxy"]["server"] == "tunnel"));
    let statuses: Vec<_> = tunnels.iter().map(|tunnel| tunnel["response"]["status"].as_u64().unwrap()).collect();
    assert_eq!((statuses[0], statuses[1] >= 400), (200, true), "{statuses:?}");
}

#[test]
fn transactions_equal_what_curl_measured() {
    let Some(folder) = lab() else { return };
    let mut compared = 0;
    for scenario in ["http1_variety", "http2_h2c_prior", "http2_tls_parallel"] {
        let all = records(&folder, &format!("{scenario}.client.pcap"), "http");
        let truth = truth(&folder, scenario);
        let transfers =
            truth["steps"].as_array().unwrap().iter().flat_map(|step| step["transfers"].as_array().unwrap());
        for transfer in transfers {
            let url = transfer["url_effective"].as_str().unwrap();
            let target = url.splitn(4, '/').nth(3).map_or("/".to_owned(), |path| format!("/{path}"));
            let found = all.iter().find(|http| {
                http["client"]["port"] == transfer["local_port"]
                    && http["request"]["target"] == target
                    && http["response"]["status"] == transfer["response_code"]
            });
            let http = found.unwrap_or_else(|| panic!("{scenario}: {transfer}"));
            let body = http["response"]["body_bytes"].as_u64().unwrap();
            let size = transfer["size_download"].as_u64().unwrap();
            assert!(
                body == size || http["response"]["headers"].to_string().contains("gzip"),
                "{scenario}: {transfer}: {body}"
            );
            compared += 1;
            // Curl's clock starts before it connects or waits for its turn, so it never measured less.
            let ttfb = http["ttfb_ns"].as_f64();
            let measured = transfer["time_starttransfer"].as_f64().unwrap() * 1e9;
            assert!(ttfb.is_none_or(|ttfb| ttfb <= measured + 2e6), "{scenario}: {ttfb:?} {transfer}");
        }
    }
    assert!(compared >= 12, "{compared}");
}

/// `send HEADERS frame <length=47, flags=0x25, stream_id=13>`, in nghttp's own words.
fn logged_frames(log: &str, word: &str) -> Vec<(String, u64, u64, u64)> {
    let number = |text: &str, name: &str| {
        let value = text.split(name).nth(1).unwrap().split([',', '>']).next().unwrap();
        match value.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
            None => value.parse().unwrap(),
        }
    };
    let lines = log.lines().filter_map(|line| line.split_once(&format!(" {word} ")).map(|(_, frame)| frame));
    let frames = lines.filter_map(|line| line.split_once(" frame <"));
    frames
        .filter(|(_, rest)| rest.contains("stream_id="))
        .map(|(name, rest)| {
            (name.to_owned(), number(rest, "length="), number(rest, "flags="), number(rest, "stream_id="))
        })
        .collect()
}

#[test]
fn frames_equal_nghttps_log() {
    const NAMES: [&str; 10] = [
        "DATA",
        "HEADERS",
        "PRIORITY",
        "RST_STREAM",
        "SETTINGS",
        "PUSH_PROMISE",
        "PING",
        "GOAWAY",
        "WINDOW_UPDATE",
        "CONTINUATION",
    ];
    let Some(folder) = lab() else { return };
    let mut compared = 0;
    for scenario in ["http2_h2c_parallel_framelog", "http2_push_trailers_padding"] {
        let all = records(&folder, &format!("{scenario}.client.pcap"), "http2_frames");
        let truth = truth(&folder, scenario);
        let log = truth["steps"][0]["out"].as_str().unwrap();
        for (word, side) in [("send", "client"), ("recv", "server")] {
            let ours: Vec<_> = all
                .iter()
                .filter(|frame| frame["side"] == side && !frame["frame_type"].is_null())
                .map(|frame| {
                    let number = |name: &str| frame[name].as_u64().unwrap();
                    let name = NAMES[number("frame_type") as usize].to_owned();
                    (name, number("length"), number("flags"), number("stream_id"))
                })
                .collect();
            let theirs = logged_frames(log, word);
            assert!(theirs.len() >= 3, "{scenario}: {word}: {theirs:?}");
            // The log keeps its end only.
            assert!(ours.ends_with(&theirs), "{scenario} {word}:\n{ours:?}\n{theirs:?}");
            compared += theirs.len();
        }
        // Header fields in the order in which nghttp received them.
        for line in log.lines().filter(|line| line.contains(" recv (stream_id=")) {
            let field = line.split_once(") ").unwrap().1;
            let colon = field.get(1..).unwrap().find(": ").unwrap() + 1;
            let pair = serde_json::json!([&field[..colon], &field[colon + 2..]]);
            let lists = all.iter().filter_map(|frame| frame["headers"].as_array());
            assert!(lists.flatten().any(|known| *known == pair), "{scenario}: {pair}");
        }
    }
    assert!(compared >= 40, "{compared}");
}

#[test]
fn continuation_push_trailers_and_windows() {
    let Some(folder) = lab() else { return };
    let continued = records(&folder, "http2_continuation.client.pcap", "http,http2_frames");
    let frames = continued.iter().filter(|record| record["type"] == "http2_frame");
    let more: Vec<&Value> = frames.filter(|frame| frame["frame_type"] == 9).collect();
    assert!(!more.is_empty());
    let last = more.last().unwrap()["headers"].as_array().unwrap();
    assert!(last.iter().filter(|field| field[0].as_str().unwrap().starts_with("x-big")).count() >= 5);
    let pushed = records(&folder, "http2_push_trailers_padding.client.pcap", "http");
    let sizes: BTreeMap<u64, (u64, Value)> = pushed
        .iter()
        .map(|http| {
            let body = http["response"]["body_bytes"].as_u64().unwrap();
            assert_eq!(http["response"]["trailers"], serde_json::json!([["x-lab-sum", "42"]]));
            (http["stream_id"].as_u64().unwrap(), (body, http["promised_on"].clone()))
        })
        .collect();
    let expected = [(2, (12_000, Value::from(13))), (4, (45_000, Value::from(13))), (13, (3000, Value::Null))];
    assert_eq!(sizes, expected.into_iter().collect());
    let slow = records(&folder, "http2_small_window.client.pcap", "http,findings");
    assert!(slow.iter().any(|record| record["code"] == "http2.flow-control-stall"), "{slow:?}");
}

/// The upgrade's exchange ends with 101, and what follows is not taken for HTTP.
#[test]
fn a_websocket_is_handed_over() {
    let Some(folder) = lab() else { return };
    let all = records(&folder, "websocket_plain.client.pcap", "http,connections");
    let http: Vec<&Value> = all.iter().filter(|record| record["type"] == "http").collect();
    assert_eq!((http.len(), &http[0]["response"]["status"]), (1, &Value::from(101)));
    assert!(all.iter().any(|record| record["type"] == "connection" && record["application"] == "websocket"));
}

/// A proxy's tunnel is one transaction; what runs inside is read as what it is.
#[test]
fn a_tunnel_is_handed_over() {
    let Some(folder) = lab() else { return };
    let all = records(&folder, "proxy_squid_connect.client.pcap", "http,tls");
    let connects: Vec<&Value> = all.iter().filter(|record| record["request"]["method"] == "CONNECT").collect();
    let statuses: Vec<u64> = connects.iter().map(|http| http["response"]["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 503], "one tunnel, one refused");
    let inside: Vec<&Value> = all.iter().filter(|record| record["type"] == "tls").collect();
    assert_eq!((inside.len(), &inside[0]["server_name"]), (1, &Value::from("www.lab.example")));
    let version_2 = all.iter().find(|record| record["version"] == "2").expect("HTTP/2 inside the tunnel");
    assert_eq!((&version_2["over"], &version_2["request"]["target"]), (&Value::from("tls"), &Value::from("/app.css")));
}
