//! Dialogues up to TLS and to the end of the login: whole, cut, with lost bytes, and what is none.
use proptest::prelude::*;

use super::{MYSQL, POSTGRESQL, XMPP};
use crate::{
    app::{
        Carrier, Protocol, Verdict,
        codec::trial::{assert_same_when_cut, drive, probe, run},
    },
    record::Direction::{self, ClientToServer as Client, ServerToClient as Server},
};

const HELLO: [u8; 10] = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];

/// A packet of MySQL.
fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], payload].concat()
}

fn greeting() -> Vec<u8> {
    packet(
        0,
        &[
            b"\x0a5.5.5-10.11.6-MariaDB\0",
            &[1; 4][..],
            &[2; 8],
            &[0, 0xff, 0xf7, 8, 2, 0, 0xff, 0x81, 21],
            &[0; 10],
            b"abcdefghijkl\0mysql_native_password\0",
        ]
        .concat(),
    )
}

fn login(user: &str, plugin: &str) -> Vec<u8> {
    let flags: u32 = 0x8 | 0x200 | 0x8000 | 0x8_0000 | 0x10_0000;
    let attributes = b"\x0c_client_name\x08libmysql\x0f_client_version\x058.0.1";
    packet(
        1,
        &[
            &flags.to_le_bytes()[..],
            &[0; 28],
            user.as_bytes(),
            b"\0\x03xyzshop\0",
            plugin.as_bytes(),
            b"\0",
            &[attributes.len() as u8],
            attributes,
        ]
        .concat(),
    )
}

#[test]
fn a_login_to_mysql() {
    let (greeting, login) = (greeting(), login("alice", "mysql_native_password"));
    let ok = packet(2, &[0, 0, 0, 2, 0, 0, 0]);
    let pieces: [(Direction, &[u8]); 3] = [(Server, &greeting), (Client, &login), (Server, &ok)];
    let heard = run(&MYSQL, &pieces);
    assert_eq!(
        heard.facts(),
        [
            ("server_version", "10.11.6-MariaDB"),
            ("database", "shop"),
            ("user", "alice"),
            ("client_software", "libmysql 8.0.1"),
            ("auth_mechanism", "mysql_native_password"),
            ("login", "accepted"),
        ]
    );
    assert_eq!(
        heard.infos(),
        ["Server Greeting  proto=10 version=10.11.6-MariaDB", "Login Request user=alice db=shop", "Response  OK"]
    );
    assert!(heard.done && heard.codes().is_empty());
    assert_same_when_cut(&MYSQL, &pieces, &[1, 3, 7]);
}

#[test]
fn mysql_refuses_switches_and_goes_over_to_tls() {
    let (greeting, login) = (greeting(), login("bob", "x"));
    let switch = packet(2, b"\xfemysql_clear_password\0");
    let answer = packet(3, b"not-a-real-password\0");
    let refusal = packet(4, b"\xff\x15\x04#28000Access denied for user 'bob'");
    let heard =
        run(&MYSQL, &[(Server, &greeting), (Client, &login), (Server, &switch), (Client, &answer), (Server, &refusal)]);
    assert_eq!(heard.fact("auth_mechanism"), Some("mysql_clear_password"));
    assert_eq!(heard.fact("login"), Some("refused (1045 Access denied for user 'bob')"));
    assert_eq!(heard.codes(), ["application.plaintext-credentials"]);
    assert!(!format!("{heard:?}").contains("not-a-real-password"));
    let request = packet(1, &[&0x8a00_u32.to_le_bytes()[..], &[0; 28]].concat());
    let heard = run(&MYSQL, &[(Server, &greeting), (Client, &request), (Client, &HELLO)]);
    assert_eq!(heard.handed_over.as_ref().map(|left| left[0].as_slice()), Some(&HELLO[..]));
    assert_eq!((heard.fact("starttls"), heard.codes().len()), (Some("used"), 0));
    assert_eq!(run(&MYSQL, &[(Server, &greeting), (Client, &HELLO)]).codes(), ["starttls.not-asked"]);
    let full = packet(0, b"\xff\x10\x04Too many connections");
    assert_eq!(run(&MYSQL, &[(Server, &full)]).fact("greeting"), Some("refused (1040 Too many connections)"));
}

#[test]
fn a_login_of_old_mysql() {
    let old = packet(1, b"\x85\x24\0\0\0danny\0");
    let greeting = packet(0, &[b"\x0a3.23.54\0", &[1; 34][..]].concat());
    let heard = run(&MYSQL, &[(Server, &greeting), (Client, &old), (Server, &packet(2, &[0, 0, 0]))]);
    assert_eq!((heard.fact("user"), heard.fact("login")), (Some("danny"), Some("accepted")));
}

/// A message of PostgreSQL.
fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    kind.into_iter().chain(length).chain(body.iter().copied()).collect()
}

const TLS_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

#[test]
fn a_login_to_postgresql() {
    let startup = message(None, b"\0\x03\0\0user\0alice\0database\0shop\0application_name\0psql\0\0");
    let asked = message(Some(b'R'), b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    let first = message(Some(b'p'), b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=abcdefghijklmnopqrstuvwx");
    let accepted = [
        message(Some(b'R'), &[0, 0, 0, 12, b'v']),
        message(Some(b'R'), &[0; 4]),
        message(Some(b'S'), b"server_version\x0015.6\0"),
        message(Some(b'K'), &[1; 8]),
        message(Some(b'Z'), b"I"),
    ]
    .concat();
    let pieces: [(Direction, &[u8]); 7] = [
        (Client, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]),
        (Server, b"N"),
        (Client, &startup),
        (Server, &asked),
        (Client, &first),
        (Server, &accepted),
        (Client, b"Q\0\0\0\x0dselect 1\0"),
    ];
    let heard = run(&POSTGRESQL, &pieces);
    assert_eq!(
        heard.facts(),
        [
            ("user", "alice"),
            ("database", "shop"),
            ("client_software", "psql"),
            ("auth_mechanism", "SCRAM-SHA-256"),
            ("login", "accepted"),
            ("server_version", "15.6"),
        ]
    );
    assert_eq!(heard.infos(), [">", "<", ">", "<R", ">p", "<R/R/S/K/Z"]);
    assert!(heard.done && heard.codes().is_empty());
    assert_same_when_cut(&POSTGRESQL, &pieces, &[1, 2, 5]);
}

#[test]
fn postgresql_refuses_and_goes_over_to_tls() {
    let startup = message(None, b"\0\x03\0\0user\0bob\0\0");
    let refusal = message(Some(b'E'), b"SFATAL\0C28P01\0Mpassword authentication failed\0\0");
    let heard = run(
        &POSTGRESQL,
        &[
            (Client, TLS_REQUEST),
            (Server, b"N"),
            (Client, &startup),
            (Server, &message(Some(b'R'), &[0, 0, 0, 3])),
            (Client, &message(Some(b'p'), b"not-a-real-password\0")),
            (Server, &refusal),
        ],
    );
    assert_eq!(heard.fact("login"), Some("refused (28P01 password authentication failed)"));
    assert_eq!((heard.fact("auth_mechanism"), heard.fact("starttls")), (Some("password"), Some("refused")));
    assert_eq!(heard.codes(), ["starttls.refused", "application.plaintext-credentials"]);
    assert!(!format!("{heard:?}").contains("not-a-real-password"));
    let heard = run(&POSTGRESQL, &[(Client, TLS_REQUEST), (Server, b"S"), (Client, &HELLO)]);
    assert_eq!((heard.handed_over.is_some(), heard.fact("starttls")), (true, Some("used")));
}

#[test]
fn xmpp_goes_over_to_tls() {
    let pieces: [(Direction, &[u8]); 5] = [
        (Client, b"<stream:stream to='x'>"),
        (Server, b"<stream:stream><stream:features><starttls/></stream:features>"),
        (Client, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        (Server, b"<proceed xmlns='x'/>"),
        (Client, &HELLO),
    ];
    let heard = run(&XMPP, &pieces);
    assert_eq!(heard.handed_over.as_ref().map(|left| left[0].as_slice()), Some(&HELLO[..]));
    assert!(heard.codes().is_empty());
    let refused = [pieces[0], pieces[1], pieces[2], (Server, b"<failure/>")];
    assert_eq!(run(&XMPP, &refused).codes(), ["starttls.refused"]);
    assert_eq!(run(&XMPP, &[pieces[0], pieces[1], pieces[4]]).codes(), ["starttls.not-asked"]);
}

#[test]
fn recognised_by_their_beginning() {
    let startup = message(None, b"\0\x03\0\0user\0bob\0\0");
    let greeting = greeting();
    let cases: [(&Protocol, Direction, &[u8], Verdict); 10] = [
        (&POSTGRESQL, Client, TLS_REQUEST, Verdict::Certain),
        (&POSTGRESQL, Client, &TLS_REQUEST[..4], Verdict::Maybe),
        (&POSTGRESQL, Client, &startup, Verdict::Certain),
        (&POSTGRESQL, Server, TLS_REQUEST, Verdict::No),
        (&POSTGRESQL, Client, &[0, 0, 0, 40, 0, 3, 0, 0, 1, 2, 3], Verdict::No),
        (&POSTGRESQL, Client, b"GET ", Verdict::No),
        (&MYSQL, Server, &greeting, Verdict::Certain),
        (&MYSQL, Client, &greeting, Verdict::No),
        (&XMPP, Client, b"<?xml version='1.0'?><stream:stream to='x'>", Verdict::Certain),
        (&XMPP, Client, b"<html>", Verdict::No),
    ];
    for (protocol, direction, bytes, expected) in cases {
        assert_eq!(probe(protocol, direction, bytes, true, 9), expected, "{}", bytes.escape_ascii());
        assert_eq!(probe(protocol, direction, bytes, false, 9), Verdict::No);
    }
}

proptest! {
    #[test]
    fn any_bytes_end_well(
        which in 0_usize..3,
        pieces in proptest::collection::vec((any::<bool>(), proptest::option::of(proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 1..60))), 0..8),
    ) {
        let (greeting, startup) = (greeting(), message(None, b"\0\x03\0\0user\0bob\0\0"));
        let first: [(Direction, &[u8]); 3] = [(Server, &greeting), (Client, &startup), (Client, b"<stream:stream>")];
        let mut all = vec![(first[which].0, Some(first[which].1))];
        all.extend(pieces.iter().map(|(client, bytes)| (if *client { Client } else { Server }, bytes.as_deref())));
        drive([&MYSQL, &POSTGRESQL, &XMPP][which], &all, true, Carrier::Tcp);
    }
}
