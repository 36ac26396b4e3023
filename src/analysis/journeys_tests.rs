//! Transactions that belong together, and those that only look so.
use super::*;
use crate::record::{Http, HttpCookie, HttpMeaning, HttpOver, HttpRedirect, HttpResponse, HttpSetCookie, Subject};

fn endpoint(text: &str) -> Endpoint {
    let (address, port) = text.rsplit_once(':').unwrap();
    Endpoint { address: address.parse().unwrap(), port: port.parse().unwrap() }
}

/// A transaction of flow `number`, from `start` to `end` in milliseconds.
fn http(
    number: u64,
    (client, server): (&str, &str),
    target: &str,
    (start, end): (i64, Option<i64>),
    status: u16,
) -> Http {
    let flow = FlowId { opener: PacketNumber::new(0, number), depth: 0 };
    let at = |milliseconds: i64| Timestamp(milliseconds * 1_000_000);
    Http {
        subject: Subject::new(flow, Evidence::default()),
        client: endpoint(client),
        server: endpoint(server),
        version: "1.1".to_owned(),
        stream_id: None,
        over: HttpOver::Tcp,
        request: Some(HttpRequest {
            packet: PacketNumber::new(0, number + 1),
            ts: at(start),
            version: "1.1".to_owned(),
            method: Some("GET".to_owned()),
            target: Some(target.to_owned()),
            scheme: None,
            authority: Some("a.example".to_owned()),
            user_agent: None,
            headers: Vec::new(),
            content_type: None,
            content_length: None,
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        }),
        response: end.map(|end| HttpResponse {
            packet: PacketNumber::new(0, number + 2),
            ts: at(end),
            version: "1.1".to_owned(),
            status: Some(status),
            reason: None,
            content_type: None,
            content_length: None,
            headers: Vec::new(),
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        }),
        informational: Vec::new(),
        ttfb_ns: None,
        download_ns: Some(0),
        pipelined: false,
        promised_on: None,
        reset: None,
        grpc_status: None,
        meaning: HttpMeaning { method_idempotent: Some(true), method_safe: Some(true), ..HttpMeaning::default() },
        serial: 0,
    }
}

fn with_field(mut http: Http, name: &str, value: &str) -> Http {
    http.request.as_mut().unwrap().headers.push((name.to_owned(), value.to_owned()));
    http
}

/// Links them in the order in which they are complete.
fn joined(mut all: Vec<Http>) -> (Vec<Http>, Vec<Finding>) {
    let mut journeys = Journeys::default();
    all.iter_mut().for_each(|http| journeys.link(http));
    let findings = journeys.findings();
    (all, findings)
}

const USER: (&str, &str) = ("10.0.0.1:5000", "10.0.1.1:80");
const BEHIND: (&str, &str) = ("10.0.1.1:6000", "10.0.2.1:8080");

#[test]
fn a_redirect_is_followed_over_another_connection() {
    let mut first = http(1, USER, "/old", (0, Some(10)), 302);
    let url = Some("http://b.example/new".to_owned());
    first.meaning.redirect = Some(HttpRedirect { location: "//b.example/new".to_owned(), url, permanent: false });
    let mut second = http(20, ("10.0.0.1:5001", "10.0.3.1:80"), "/new", (12, Some(20)), 200);
    second.request.as_mut().unwrap().authority = Some("B.example:80".to_owned());
    // Another client asks for the same by chance, and the same client for something else.
    let mut other = http(30, ("10.0.0.9:5001", "10.0.3.1:80"), "/new", (12, Some(20)), 200);
    other.request.as_mut().unwrap().authority = Some("b.example".to_owned());
    let unrelated = http(40, USER, "/new", (12, Some(20)), 200);
    let mut late = second.clone();
    late.request.as_mut().unwrap().ts = Timestamp(61_000_000_000);
    // A redirect is followed once.
    let mut once_more = http(50, ("10.0.0.1:5002", "10.0.3.1:80"), "/new", (14, Some(20)), 200);
    once_more.request.as_mut().unwrap().authority = Some("b.example".to_owned());
    let (all, _) = joined(vec![first, second, other, unrelated, late, once_more]);
    let from = all[1].meaning.redirected_from.as_ref().unwrap();
    assert_eq!((from.flow.opener.number(), from.packet.number(), from.by), (1, 2, "location"));
    assert!(all[2..].iter().all(|http| http.meaning.redirected_from.is_none()));
}

#[test]
fn redirects_without_end_are_told_once() {
    let pair = |number: u64, from: &str, to: &str| {
        let mut one = http(number, USER, from, (number as i64, Some(number as i64 + 1)), 302);
        let url = Some(format!("http://a.example{to}"));
        one.meaning.redirect = Some(HttpRedirect { location: to.to_owned(), url, permanent: false });
        one
    };
    let ring = |count: u64| {
        (0..count).map(|n| if n % 2 == 0 { pair(n * 10 + 1, "/a", "/b") } else { pair(n * 10 + 1, "/b", "/a") })
    };
    let (_, findings) = joined(ring(4).collect());
    assert!(findings.is_empty());
    let (all, findings) = joined(ring(12).collect());
    assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["http.redirect-chain"]);
    assert!(all[1..].iter().all(|http| http.meaning.redirected_from.is_some()));
}

#[test]
fn only_what_failed_and_may_be_repeated_is_a_retry() {
    let failed = http(1, USER, "/a", (0, None), 0);
    let again = http(20, ("10.0.0.1:5001", "10.0.1.1:80"), "/a", (50, Some(60)), 200);
    let reload = http(30, ("10.0.0.1:5002", "10.0.1.1:80"), "/a", (70, Some(80)), 200);
    let mut post = http(40, USER, "/b", (0, None), 0);
    post.meaning.method_idempotent = Some(false);
    let posted = http(50, USER, "/b", (10, Some(20)), 200);
    let (all, _) = joined(vec![failed, again, post, posted]);
    assert_eq!(all[1].meaning.retry_of.as_ref().map(|link| link.flow.opener.number()), Some(1));
    assert_eq!(all[3].meaning.retry_of, None);
    // What succeeded is no retry's reason.
    let (all, _) = joined(vec![http(1, USER, "/a", (0, Some(5)), 200), reload]);
    assert_eq!(all[1].meaning.retry_of, None);
}

#[test]
fn a_cookie_is_known_by_name_and_value() {
    let mut first = http(1, USER, "/", (0, Some(10)), 200);
    let set = HttpSetCookie { name: "sid".to_owned(), value: "x".to_owned(), ..HttpSetCookie::default() };
    first.meaning.cookies_set.push(set);
    let mut second = http(20, USER, "/next", (20, Some(30)), 200);
    for (name, value) in [("sid", "x"), ("sid", "y"), ("other", "x")] {
        second.meaning.cookies_sent.push(HttpCookie { name: name.to_owned(), value: value.to_owned(), set_by: None });
    }
    let (all, _) = joined(vec![first, second]);
    let by: Vec<_> = all[1].meaning.cookies_sent.iter().map(|cookie| cookie.set_by.is_some()).collect();
    assert_eq!(by, [true, false, false]);
}

#[test]
fn two_legs_by_addresses_and_time() {
    let back = http(20, BEHIND, "/a", (2, Some(8)), 200);
    let front = http(1, USER, "/a", (0, Some(10)), 200);
    let later = http(30, ("10.0.1.1:6001", "10.0.2.2:8080"), "/a", (20, Some(28)), 200);
    let other = http(40, ("10.0.1.1:6002", "10.0.2.2:8080"), "/other", (2, Some(8)), 200);
    let (all, findings) = joined(vec![back, other, front, later]);
    let links = &all[2].meaning.forwarded_as;
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].flow.opener.number(), links[0].certainty, links[0].by), (20, Certainty::Implied, "addresses"));
    assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["http.proxied"]);
    assert!(findings[0].title.contains("10.0.1.1:80 passes requests on to 10.0.2.1:8080"), "{}", findings[0].title);
}

#[test]
fn identifiers_decide() {
    let id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let next = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01";
    let other = "00-00000000000000000000000000000001-1111111111111111-01";
    let front = |id| with_field(http(1, USER, "/a", (0, Some(10)), 200), "traceparent", id);
    let back =
        |id| with_field(http(20, ("10.9.9.9:6000", "10.0.2.1:8080"), "/a", (2, Some(8)), 200), "Traceparent", id);
    let (all, _) = joined(vec![back(next), front(id)]);
    assert_eq!(all[1].meaning.forwarded_as[0].certainty, Certainty::Observed);
    let (all, _) = joined(vec![back(other), front(id)]);
    assert!(all[1].meaning.forwarded_as.is_empty());
    // Whom it names is somebody else.
    let elsewhere = with_field(http(20, BEHIND, "/a", (2, Some(8)), 200), "X-Forwarded-For", "10.0.0.77");
    let (all, _) = joined(vec![elsewhere, http(1, USER, "/a", (0, Some(10)), 200)]);
    assert!(all[1].meaning.forwarded_as.is_empty());
    let named = with_field(http(20, BEHIND, "/a", (2, Some(8)), 200), "X-Forwarded-For", "192.0.2.1, 10.0.0.1");
    let (all, _) = joined(vec![named, http(1, USER, "/a", (0, Some(10)), 200)]);
    assert_eq!(all[1].meaning.forwarded_as[0].by, "x-forwarded-for");
}

/// The gateway answers before the server behind it is given up.
#[test]
fn a_gateway_that_gave_up_is_explained() {
    let front = http(1, USER, "/slow", (0, Some(3010)), 504);
    let back = http(20, BEHIND, "/slow", (5, None), 0);
    for all in [vec![front.clone(), back.clone()], vec![back, front]] {
        let (all, findings) = joined(all);
        let linked =
            all.iter().filter(|http| !http.meaning.forwarded_as.is_empty() || http.meaning.forwarded_from.is_some());
        assert_eq!(linked.count(), 1);
        let cause = findings.iter().find(|finding| finding.code == "http.gateway-cause").unwrap();
        assert!(
            cause.title.contains("10.0.2.1:8080 behind 10.0.1.1:80 had not answered after 3.005 s"),
            "{}",
            cause.title
        );
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_not_joined() {
    // A connection seen on both sides of a translator keeps its port.
    let inside = http(1, USER, "/a", (0, Some(10)), 200);
    let outside = http(20, ("192.0.2.1:5000", "10.0.1.1:80"), "/a", (1, Some(9)), 200);
    let (all, findings) = joined(vec![outside, inside]);
    assert!(all[1].meaning.forwarded_as.is_empty() && findings.is_empty());
    // Requests side by side of one client.
    let one = http(1, USER, "/a", (0, Some(10)), 200);
    let two = http(20, ("10.0.0.1:5001", "10.0.1.1:80"), "/a", (1, Some(9)), 200);
    let (all, _) = joined(vec![two, one]);
    assert!(all[1].meaning.forwarded_as.is_empty());
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut journeys = Journeys::default();
    for number in 0..(MAX_JOINED_TRANSACTIONS as u64 + 500) {
        let mut failed = http(number * 10 + 1, USER, &format!("/{number}"), (number as i64, None), 0);
        journeys.link(&mut failed);
        let mut same = http(number * 10 + 5, USER, "/same", (number as i64, Some(number as i64)), 200);
        journeys.link(&mut same);
    }
    assert_eq!(journeys.failures.order.len(), MAX_JOINED_TRANSACTIONS);
    assert_eq!(journeys.failures.by_key.len(), MAX_JOINED_TRANSACTIONS);
    assert_eq!(journeys.order.len(), MAX_JOINED_TRANSACTIONS);
    assert!(journeys.legs.values().map(VecDeque::len).sum::<usize>() <= MAX_JOINED_TRANSACTIONS);
    assert!(journeys.legs.values().all(|same| same.len() <= MAX_SAME_REQUESTS));
}
