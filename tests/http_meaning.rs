//! What HTTP transactions mean and how they belong together, over the fixtures of `fixtures/generators/http_dialogues.py`.
#![allow(missing_docs)]
use std::{path::Path, process::Command};

use serde_json::Value;

fn records(fixture: &str, more: &[&str]) -> Vec<Value> {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture).join("capture.pcap");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireglass"));
    let output = command.arg(capture).args(["--format", "ndjson"]).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The transactions for a target, in order.
fn of<'r>(records: &'r [Value], target: &str) -> Vec<&'r Value> {
    records.iter().filter(|record| record["type"] == "http" && record["request"]["target"] == target).collect()
}

fn titles<'r>(records: &'r [Value], code: &str) -> Vec<&'r str> {
    records.iter().filter(|record| record["code"] == code).map(|record| record["title"].as_str().unwrap()).collect()
}

#[test]
fn a_redirect_and_its_cookies() {
    let all = records("http_meaning", &[]);
    let first = of(&all, "/old?x=1")[0];
    assert_eq!(first["redirect"]["location"], "//app.lab.example/new/");
    assert_eq!(first["redirect"]["url"], "http://app.lab.example/new/");
    assert_eq!(first["redirect"]["permanent"], true);
    let set = first["cookies_set"].as_array().unwrap();
    assert_eq!(
        (&set[0]["name"], &set[0]["session"], &set[0]["http_only"]),
        (&"sid".into(), &true.into(), &true.into())
    );
    assert_eq!(
        (&set[1]["session"], &set[1]["max_age_seconds"], &set[1]["secure"]),
        (&false.into(), &86400.into(), &true.into())
    );
    let next = of(&all, "/new/")[0];
    assert_eq!(next["redirected_from"]["flow"], first["flow"]);
    assert_eq!(next["redirected_from"]["packet"], first["request"]["packet"]);
    let sent = next["cookies_sent"].as_array().unwrap();
    let set_by: Vec<_> =
        sent.iter().map(|cookie| (cookie["name"].as_str().unwrap(), cookie["set_by"]["flow"].clone())).collect();
    assert_eq!(set_by, [("sid", first["flow"].clone()), ("theme", first["flow"].clone()), ("own", Value::Null)]);
}

#[test]
fn secrets_are_shown_only_on_request() {
    let secrets = ["secret-of-the-session", "dXNlcjpwYXNz", "key-of-the-user"];
    for kinds in ["http,findings", "http2_frames,http"] {
        let hidden = records("http_meaning", &["--only", kinds]).iter().map(Value::to_string).collect::<String>();
        assert!(!secrets.iter().any(|secret| hidden.contains(secret)));
    }
    let shown = records("http_meaning", &["--show-secrets"]).iter().map(Value::to_string).collect::<String>();
    assert!(secrets.iter().all(|secret| shown.contains(secret)));
}

#[test]
fn caches_and_proxies() {
    let all = records("http_meaning", &[]);
    let new = of(&all, "/new/");
    assert_eq!(new[0]["cache"]["etag"], "\"v1\"");
    assert_eq!(new[0]["cache"]["control"], "max-age=60, public");
    assert_eq!(new[0]["cache"]["outcome"], Value::Null);
    assert_eq!(new[1]["cache"]["outcome"], "revalidated");
    assert_eq!(new[1]["cache"]["conditions"], serde_json::json!(["If-None-Match", "If-Modified-Since"]));
    let cached = of(&all, "/cached")[0];
    assert_eq!((&cached["cache"]["outcome"], &cached["cache"]["outcome_by"]), (&"hit".into(), &"X-Cache".into()));
    assert_eq!(cached["cache"]["age_seconds"], 17);
    assert_eq!(cached["proxy"]["server"], "gateway");
    assert_eq!(of(&all, "/last")[0]["cache"], Value::Null);
    assert_eq!(of(&all, "/last")[0]["proxy"], Value::Null);
    assert_eq!(of(&all, "http://far.lab.example/x")[0]["proxy"]["server"], "forward");
    assert_eq!(of(&all, "far.lab.example:80")[0]["proxy"]["server"], "tunnel");
    assert_eq!(of(&all, "/inside").len(), 1);
}

#[test]
fn a_failure_is_tried_again() {
    let all = records("http_meaning", &[]);
    let flaky = of(&all, "/flaky");
    assert_eq!(flaky[0]["response"], Value::Null);
    assert_eq!(flaky[1]["retry_of"]["flow"], flaky[0]["flow"]);
    assert_eq!(flaky[0]["retry_of"], Value::Null);
    assert_eq!((&flaky[1]["method_safe"], &flaky[1]["method_idempotent"]), (&true.into(), &true.into()));
    assert_eq!(of(&all, "/chunks")[0]["method_idempotent"], false);
}

#[test]
fn who_waits_behind_another() {
    let all = records("http_meaning", &[]);
    let [slow, fast, last] = ["/slow", "/fast", "/last"].map(|target| of(&all, target)[0].clone());
    assert_eq!(slow["queued_ns"], Value::Null);
    assert!(fast["queued_ns"].as_i64().unwrap() >= 300_000_000, "{fast}");
    assert!(last["queued_ns"].as_i64() >= fast["queued_ns"].as_i64());
}

#[test]
fn chunks_and_trailers() {
    let all = records("http_meaning", &[]);
    let chunks = of(&all, "/chunks")[0];
    assert_eq!(chunks["chunk_extensions"], serde_json::json!(["sig=\"a;b\"", "last"]));
    let trailers = chunks["request"]["trailers"].as_array().unwrap();
    assert_eq!(trailers[0], serde_json::json!(["X-Digest", "abc"]));
    assert!(trailers[1][1].as_str().unwrap().starts_with("a=sha256:"));
    assert_eq!(chunks["response"]["trailers"], serde_json::json!([["Server-Timing", "db;dur=53"]]));
    assert_eq!(chunks["request"]["body_bytes"], 9);
}

#[test]
fn both_legs_of_a_balancer() {
    let all = records("http_meaning", &[]);
    for (target, backend) in [("/page0", "10.77.5.11"), ("/page1", "10.77.5.12")] {
        let legs = of(&all, target);
        let (back, front) = (legs[0], legs[1]);
        assert_eq!(back["server"]["address"], backend);
        assert_eq!(front["forwarded_as"][0]["flow"], back["flow"]);
        assert_eq!(front["forwarded_as"][0]["by"], "x-forwarded-for");
        assert_eq!(back["proxy"]["forwarded_for"], serde_json::json!(["10.77.4.1"]));
        assert_eq!(back["proxy"]["client_is_proxy"], true);
    }
    let divided = titles(&all, "http.proxied");
    assert_eq!(divided, ["10.77.4.3:80 divides requests between 2 servers"]);
    let cause = titles(&all, "http.gateway-cause");
    assert_eq!(cause.len(), 1);
    assert!(
        cause[0].starts_with("GET /stuck answered 504: 10.77.5.11:8001 behind 10.77.4.3:80 had not answered after 3."),
        "{cause:?}"
    );
}

#[test]
fn the_answer_to_an_upgrade() {
    let all = records("http_meaning", &[]);
    let both = of(&all, "/upgraded");
    assert_eq!(both.len(), 2);
    let (asked, answered) = (both[0], both[1]);
    assert_eq!((&asked["response"]["status"], &asked["version"]), (&101.into(), &"1.1".into()));
    assert_eq!((&answered["response"]["status"], &answered["stream_id"]), (&200.into(), &1.into()));
    assert_eq!(answered["response"]["body_bytes"], 9);
    assert_eq!(answered["upgraded_from"]["packet"], asked["request"]["packet"]);
    assert_eq!(of(&all, "/second")[0]["response"]["status"], 204);
}

#[test]
fn signs_of_smuggling_are_told() {
    let all = records("http_smuggling", &[]);
    let told = titles(&all, "http.smuggling-risk");
    for (target, sign) in [
        ("/both", "both Transfer-Encoding and Content-Length"),
        ("/lengths", "Content-Length values that differ"),
        ("/not-last", "does not end in chunked"),
        ("/in-1.0", "Transfer-Encoding in HTTP/1.0"),
        ("/folded", "folded"),
        ("/space", "blanks before the colon"),
        ("/bare-lf", "bare LF among its line ends"),
        ("/bare-cr", "a bare CR in its header"),
        ("/nul", "a NUL in its header"),
        ("/blank-first", "blanks before its first field"),
        ("/chunk-lf", "a bare LF behind a chunk size"),
        ("/chunk-blank", "blanks before a chunk size"),
        ("/chunk-digits", "more digits than 64 bits need"),
        ("/trailer", "a field in its trailers that belongs to the header"),
        ("/204-with-length", "a length though it can have no content"),
    ] {
        let of_this: Vec<_> = told.iter().filter(|title| title.contains(&format!(" {target} "))).collect();
        assert!(of_this.len() == 1 && of_this[0].contains(sign), "{target}: {of_this:?}");
    }
    assert_eq!(told.len(), 15, "{told:#?}");
    let hosts = titles(&all, "http.invalid-host");
    assert_eq!(hosts, ["GET /no-host has no Host field", "GET /two-hosts has 2 Host fields"]);
    assert_eq!(titles(&all, "http.malformed-body").len(), 1);
}

#[test]
fn what_stands_in_front_is_read() {
    let all = records("proxy_headers", &[]);
    assert_eq!(of(&all, "/behind").len(), 7);
    let told = titles(&all, "proxy.original-addresses");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("192.0.2.1:51000 to 192.0.2.2:80 (PROXY protocol 1)"));
    assert!(told[1].contains("[2001:db8::1]:51000"));
    assert!(told[2].contains("192.0.2.1:51000 to 192.0.2.2:443 (PROXY protocol 2)"));
    let refused = titles(&all, "socks.refused");
    assert!(refused.len() == 1 && refused[0].contains("www.lab.example"), "{refused:?}");
    assert_eq!(titles(&all, "socks.plaintext-credentials").len(), 1);
}

#[test]
fn websocket_connections() {
    let all = records("websocket_frames", &[]);
    let sockets: Vec<_> = all.iter().filter(|record| record["type"] == "websocket").collect();
    assert_eq!(sockets.len(), 7);
    let whole = sockets.iter().find(|socket| socket["client"]["port"] == 44000).unwrap();
    assert_eq!((&whole["sent"]["text_messages"], &whole["received"]["text_messages"]), (&1.into(), &1.into()));
    assert_eq!((&whole["received"]["binary_messages"], &whole["received"]["data_bytes"]), (&1.into(), &40006.into()));
    assert_eq!(
        (&whole["received"]["continuations"], &whole["received"]["pings"], &whole["sent"]["pongs"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert!(whole["ping_rtt_min_ns"].as_i64().unwrap() > 0);
    assert_eq!((&whole["close"][0]["code"], &whole["close"][0]["reason"]), (&1000.into(), &"bye".into()));
    assert_eq!(whole["complete"], true);
    let part = sockets.iter().find(|socket| socket["client"]["port"] == 44005).unwrap();
    assert_eq!((&part["received"]["text_messages"], &part["complete"]), (&1.into(), &true.into()));
    let lost = sockets.iter().find(|socket| socket["client"]["port"] == 44006).unwrap();
    assert_eq!(lost["complete"], false);
    let closed = titles(&all, "websocket.closed-abnormally");
    assert_eq!(closed[0], "WebSocket closed by the server with 1011 (internal error): out of memory");
    assert_eq!(titles(&all, "websocket.accept-mismatch").len(), 1);
    assert!(titles(&all, "websocket.malformed").contains(&"The client sent a frame of the client without a mask"));
    assert!(titles(&all, "websocket.no-close")[0].contains("reset by the client"));
    let application =
        all.iter().find(|record| record["type"] == "connection" && record["client"]["port"] == 44000).unwrap();
    assert_eq!(application["application"], "websocket");
}

#[test]
fn threads_change_nothing() {
    for fixture in ["http_meaning", "http_smuggling", "proxy_headers", "websocket_frames"] {
        assert_eq!(records(fixture, &["--threads", "1"]), records(fixture, &["--threads", "3"]), "{fixture}");
    }
}
