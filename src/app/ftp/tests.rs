//! Control connections: whole, cut, one side alone, with lost bytes, and going over to TLS.
use proptest::prelude::*;

use super::PROTOCOL;
use crate::{
    app::{
        Carrier, Verdict,
        codec::trial::{assert_same_when_cut, drive, probe, run, shown},
    },
    record::Direction::{self, ClientToServer as Client, ServerToClient as Server},
};

const DIALOGUE: &[(Direction, &[u8])] = &[
    (Server, b"220-Welcome\r\n 220 is not the end\r\n220 (vsFTPd 3.0.3)\r\n"),
    (Client, b"USER alice\r\n"),
    (Server, b"331 Please specify the password.\r\n"),
    (Client, b"PASS not-a-real-password\r\n"),
    (Server, b"230 Login successful.\r\n"),
    (Client, b"SYST\r\nFEAT\r\n"),
    (Server, b"215 UNIX Type: L8\r\n211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End\r\n"),
    (Client, b"CWD /pub\r\n"),
    (Server, b"250 Directory successfully changed.\r\n"),
    (Client, b"PASV\r\n"),
    (Server, b"227 Entering Passive Mode (10,0,0,9,18,52).\r\n"),
    (Client, b"RETR a file.txt\r\n"),
    (Server, b"150 Opening BINARY mode data connection for a file.txt (5 bytes).\r\n226 Transfer complete.\r\n"),
    (Client, b"EPRT |1|10.0.0.1|4660|\r\n"),
    (Server, b"200 EPRT command successful.\r\n"),
    (Client, b"STOR forbidden\r\n"),
    (Server, b"550 Permission denied.\r\n"),
    (Client, b"DELE old\r\n"),
    (Server, b"250 Deleted.\r\n"),
    (Client, b"QUIT\r\n"),
    (Server, b"221 Goodbye.\r\n"),
];

#[test]
fn a_whole_dialogue() {
    let heard = run(&PROTOCOL, DIALOGUE);
    assert_eq!(
        heard.facts(),
        [
            ("banner", "Welcome"),
            ("software", "vsFTPd 3.0.3"),
            ("user", "alice"),
            ("login", "accepted"),
            ("system", "UNIX Type: L8"),
            ("features", "AUTH TLS, UTF8"),
            ("directory", "CWD /pub"),
            ("data_passive", "10.0.0.9:4660"),
            ("file", "RETR a file.txt (226)"),
            ("data_active", "10.0.0.1:4660"),
            ("file", "STOR forbidden (550)"),
            ("change", "DELE old (250)"),
            ("starttls", "offered, not used"),
        ]
    );
    assert_eq!(heard.codes(), ["application.plaintext-credentials"]);
    assert!(!format!("{heard:?}").contains("not-a-real-password"));
    assert_eq!(
        heard.infos()[..4],
        [
            "Response: 220-Welcome",
            "Request: USER alice",
            "Response: 331 Please specify the password.",
            "Request: PASS ****",
        ]
    );
    assert_eq!(shown(heard.notes[5].1.get("ftp.request.command")), "SYST|FEAT");
    assert_eq!(shown(heard.notes[12].1.get("ftp.response.code")), "150|226");
}

#[test]
fn tls_is_asked_for_refused_and_used() {
    let hello = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    let heard = run(
        &PROTOCOL,
        &[(Server, b"220 ProFTPD\r\n"), (Client, b"AUTH TLS\r\n"), (Server, b"234 go\r\n"), (Client, &hello)],
    );
    assert_eq!(heard.handed_over.as_ref().map(|left| left[0].as_slice()), Some(&hello[..]));
    assert_eq!((heard.fact("starttls"), heard.codes().len()), (Some("used"), 0));
    let heard = run(
        &PROTOCOL,
        &[
            (Server, b"220 ProFTPD\r\n"),
            (Client, b"AUTH TLS\r\n"),
            (Server, b"502 no\r\n"),
            (Client, b"USER a\r\n"),
            (Server, b"530 no\r\n"),
        ],
    );
    assert_eq!(heard.codes(), ["starttls.refused"]);
    assert_eq!((heard.fact("starttls"), heard.fact("login")), (Some("refused"), Some("refused (530)")));
    let heard = run(&PROTOCOL, &[(Server, b"220 x FTP\r\n"), (Client, &hello)]);
    assert_eq!(heard.codes(), ["starttls.not-asked"]);
}

#[test]
fn nothing_is_said_of_a_password_that_tls_hides_or_that_is_none() {
    let hidden: Vec<_> = DIALOGUE.iter().map(|(direction, bytes)| (*direction, Some(*bytes))).collect();
    assert!(drive(&PROTOCOL, &hidden, false, Carrier::Tls).codes().is_empty());
    let anonymous: &[(Direction, &[u8])] =
        &[(Server, b"220 FTP\r\n"), (Client, b"USER anonymous\r\n"), (Client, b"PASS guest@\r\n")];
    assert!(run(&PROTOCOL, anonymous).codes().is_empty());
}

#[test]
fn an_address_that_is_not_the_servers() {
    let heard =
        run(&PROTOCOL, &[(Server, b"220 FTP\r\n"), (Client, b"PASV\r\n"), (Server, b"227 (192,168,1,2,1,0)\r\n")]);
    assert_eq!(heard.codes(), ["ftp.foreign-data-address"]);
    assert_eq!(heard.fact("data_passive"), Some("192.168.1.2:256"));
    let heard = run(&PROTOCOL, &[(Server, b"220 FTP\r\n"), (Client, b"EPSV\r\n"), (Server, b"229 x (|||256|)\r\n")]);
    assert_eq!((heard.codes().len(), heard.fact("data_passive")), (0, Some("10.0.0.9:256")));
}

#[test]
fn the_greeting_may_come_after_what_the_client_said() {
    let heard = run(
        &PROTOCOL,
        &[
            (Client, b"USER a\r\n"),
            (Server, b"220 FTP\r\n331 yes\r\n"),
            (Client, b"PASS b\r\n"),
            (Server, b"530 no\r\n"),
        ],
    );
    assert_eq!((heard.fact("banner"), heard.fact("login")), (Some("FTP"), Some("refused (530)")));
}

#[test]
fn one_side_alone_and_lost_bytes() {
    let of = |side| DIALOGUE.iter().copied().filter(|(direction, _)| *direction == side).collect::<Vec<_>>();
    let server = run(&PROTOCOL, &of(Server));
    assert_eq!((server.fact("login"), server.fact("data_passive")), (Some("accepted"), Some("10.0.0.9:4660")));
    let client = run(&PROTOCOL, &of(Client));
    assert_eq!(client.fact("file"), Some("RETR a file.txt (no reply seen)"));
    let mut with_gap: Vec<_> = DIALOGUE.iter().map(|(direction, bytes)| (*direction, Some(*bytes))).collect();
    with_gap[11].1 = None;
    let heard = drive(&PROTOCOL, &with_gap, false, Carrier::Tcp);
    assert_eq!(heard.facts().iter().filter(|(name, _)| *name == "file").count(), 1);
    assert_eq!(heard.fact("file"), Some("STOR forbidden (550)"));
}

#[test]
fn files_beyond_the_first_are_counted() {
    let mut pieces: Vec<(Direction, &[u8])> = vec![(Server, b"220 FTP\r\n")];
    for _ in 0..20 {
        pieces.extend([(Client, &b"RETR x\r\n"[..]), (Server, &b"226 ok\r\n"[..])]);
    }
    let heard = run(&PROTOCOL, &pieces);
    assert_eq!(heard.facts().iter().filter(|(name, _)| *name == "file").count(), crate::limits::MAX_REPEATED_FACTS);
    assert_eq!(heard.fact("files"), Some("20"));
}

#[test]
fn recognised_by_what_only_it_says() {
    for (direction, bytes, port, expected) in [
        (Server, &b"220 (vsFTPd 3.0.3)\r\n"[..], 9, Verdict::Certain),
        (Server, b"220 mail ESMTP Postfix\r\n", 21, Verdict::No),
        (Server, b"220 ready\r\n", 9, Verdict::Maybe),
        (Server, b"220 ready\r\n", 21, Verdict::Likely),
        (Server, b"22", 9, Verdict::Maybe),
        (Server, b"200 x\r\n", 21, Verdict::No),
        (Client, b"auth tls\r\n", 9, Verdict::Certain),
        (Client, b"USER alice\r\n", 21, Verdict::Certain),
        (Client, b"USER alice\r\n", 9, Verdict::Maybe),
        (Client, b"USER nick 0 * :name\r\n", 21, Verdict::No),
        (Client, b"GET / HTTP/1.1\r\n", 21, Verdict::No),
    ] {
        assert_eq!(probe(&PROTOCOL, direction, bytes, true, port), expected, "{}", bytes.escape_ascii());
    }
    // A connection whose beginning was missed.
    for (direction, bytes, expected) in [
        (Server, &b"227 Entering Passive Mode (10,0,0,9,18,52).\r\n"[..], Verdict::Certain),
        (Server, b"220 FTP\r\n", Verdict::No),
        (Client, b"PASV\r\n", Verdict::Certain),
        (Client, b"USER a\r\n", Verdict::No),
    ] {
        assert_eq!(probe(&PROTOCOL, direction, bytes, false, 21), expected, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #[test]
    fn any_cut_says_the_same(cuts in proptest::collection::vec(1_usize..30, 1..12)) {
        assert_same_when_cut(&PROTOCOL, DIALOGUE, &cuts);
    }

    #[test]
    fn any_bytes_end_well(pieces in proptest::collection::vec((any::<bool>(), "[A-Z0-9 |,()\r\n\\-]{0,40}"), 0..10)) {
        let pieces: Vec<(Direction, &[u8])> =
            pieces.iter().map(|(client, text)| (if *client { Client } else { Server }, text.as_bytes())).collect();
        run(&PROTOCOL, &pieces);
    }

    #[test]
    fn any_raw_bytes_end_well(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8)) {
        let pieces: Vec<(Direction, &[u8])> =
            pieces.iter().map(|(client, bytes)| (if *client { Client } else { Server }, bytes.as_slice())).collect();
        run(&PROTOCOL, &pieces);
    }
}
