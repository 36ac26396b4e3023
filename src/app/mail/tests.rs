//! Dialogues of the three: whole, cut, one side alone, with lost bytes, and going over to TLS.
use proptest::prelude::*;

use super::{IMAP, POP3, SMTP};
use crate::{
    app::{
        Carrier, Protocol, Verdict,
        codec::trial::{Heard, assert_same_when_cut, drive, probe, run, shown},
    },
    record::Direction::{self, ClientToServer as Client, ServerToClient as Server},
};

type Dialogue = &'static [(Direction, &'static [u8])];

/// base64 of `\0alice\0not-a-real-password`.
const SMTP_DIALOGUE: Dialogue = &[
    (Server, b"220 mail.example.org ESMTP Postfix (Debian)\r\n"),
    (Client, b"EHLO client.example\r\n"),
    (Server, b"250-mail.example.org\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"),
    (Client, b"AUTH PLAIN AGFsaWNlAG5vdC1hLXJlYWwtcGFzc3dvcmQ=\r\n"),
    (Server, b"235 2.7.0 Authentication successful\r\n"),
    (Client, b"MAIL FROM:<a@example.org> SIZE=12\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n"),
    (Server, b"250 ok\r\n250 ok\r\n550 5.1.1 nobody\r\n354 go ahead\r\n"),
    (Client, b"Subject: x\r\n\r\nQUIT\r\n..\r\nRCPT TO:<in@message>\r\n.\r\nQUIT\r\n"),
    (Server, b"250 2.0.0 queued\r\n221 bye\r\n"),
];

#[test]
fn a_mail_is_sent() {
    let heard = run(&SMTP, SMTP_DIALOGUE);
    assert_eq!(
        heard.facts(),
        [
            ("banner", "mail.example.org ESMTP Postfix (Debian)"),
            ("software", "Postfix"),
            ("hello", "EHLO client.example"),
            ("capabilities", "SIZE 10240000, STARTTLS, AUTH PLAIN LOGIN"),
            ("auth_mechanism", "PLAIN"),
            ("user", "alice"),
            ("login", "accepted"),
            ("sender", "a@example.org"),
            ("recipient", "b@example.com"),
            ("recipient", "c@example.com"),
            ("recipient_refused", "c@example.com: refused (550 5.1.1 nobody)"),
            ("message", "accepted (250), 1 recipient, 46 bytes"),
            ("starttls", "offered, not used"),
        ]
    );
    assert_eq!(heard.codes(), ["application.plaintext-credentials"]);
    let all = format!("{heard:?}");
    assert!(!all.contains("AGFs") && !all.contains("not-a-real") && !all.contains("in@message"));
    assert_eq!(
        heard.infos(),
        [
            "S: 220 mail.example.org ESMTP Postfix (Debian)",
            "C: EHLO client.example",
            "S: 250-mail.example.org | SIZE 10240000 | STARTTLS | AUTH PLAIN LOGIN",
            "C: AUTH PLAIN",
            "S: 235 2.7.0 Authentication successful",
            "C: MAIL FROM:<a@example.org> SIZE=12 | C: RCPT TO:<b@example.com> | C: RCPT TO:<c@example.com> | C: DATA",
            "S: 250 ok, S: 250 ok, S: 550 5.1.1 nobody, S: 354 go ahead",
            "C: DATA fragment, 49 bytes | C: QUIT",
            "S: 250 2.0.0 queued, S: 221 bye",
        ]
    );
    assert_eq!(shown(heard.notes[6].1.get("smtp.response.code")), "250|250|550|354");
    assert_eq!(shown(heard.notes[5].1.get("smtp.req.command")), "MAIL|RCPT|RCPT|DATA");
}

#[test]
fn logins_of_smtp_in_several_steps() {
    let login = |steps: &[&'static [u8]], last: &'static [u8]| {
        let mut pieces: Vec<(Direction, &[u8])> = vec![(Server, b"220 x ESMTP\r\n")];
        for (place, step) in steps.iter().enumerate() {
            pieces.push((Client, step));
            pieces.push((Server, if place + 1 == steps.len() { last } else { b"334 VXNlcm5hbWU6\r\n" }));
        }
        pieces.push((Client, b"MAIL FROM:<>\r\n"));
        run(&SMTP, &pieces)
    };
    let heard = login(&[b"auth login\r\n", b"YWxpY2U=\r\n", b"c2VjcmV0\r\n"], b"535 5.7.8 no\r\n");
    assert_eq!((heard.fact("user"), heard.fact("login")), (Some("alice"), Some("refused (535 5.7.8 no)")));
    assert_eq!((heard.fact("sender"), heard.codes().len()), (Some("<>"), 1));
    let heard = login(&[b"AUTH CRAM-MD5\r\n", b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n"], b"235 ok\r\n");
    assert_eq!((heard.fact("user"), heard.codes().len()), (Some("tim"), 0));
    // The client takes it back (RFC 4954 4).
    let heard = login(&[b"AUTH LOGIN\r\n", b"*\r\n"], b"501 cancelled\r\n");
    assert_eq!((heard.fact("user"), heard.fact("sender"), heard.codes().len()), (None, Some("<>"), 0));
}

#[test]
fn refused_data_and_chunks() {
    let heard = run(
        &SMTP,
        &[
            (Server, b"220 x ESMTP\r\n"),
            (Client, b"DATA\r\n"),
            (Server, b"503 no recipients\r\n"),
            (Client, b"RCPT TO:<a@b>\r\nBDAT 6\r\nabcdefBDAT 3 LAST\r\n.\r\nQUIT\r\n"),
            (Server, b"250 ok\r\n250 ok\r\n250 done\r\n221 bye\r\n"),
        ],
    );
    let messages: Vec<_> =
        heard.facts().into_iter().filter(|(name, _)| *name == "message").map(|(_, text)| text).collect();
    assert_eq!(messages, ["not sent: refused (503 no recipients)", "accepted (250), 1 recipient, 9 bytes"]);
    let greeting = run(&SMTP, &[(Server, b"554 go away\r\n")]);
    assert_eq!(greeting.fact("greeting"), Some("refused (554 go away)"));
}

#[test]
fn a_large_message_passes_whatever_is_lost_of_it() {
    let body = b"0123456789abcdef".repeat(1000);
    let pieces: Vec<(Direction, Option<&[u8]>)> = vec![
        (Server, Some(b"220 x ESMTP\r\n")),
        (Client, Some(b"MAIL FROM:<a@b>\r\nDATA\r\n")),
        (Server, Some(b"250 ok\r\n354 go\r\n")),
        (Client, Some(&body)),
        (Client, None),
        (Client, Some(b"rest\r\n.\r\nQUIT\r\n")),
        (Server, Some(b"250 queued\r\n")),
    ];
    let heard = drive(&SMTP, &pieces, true, Carrier::Tcp);
    assert_eq!(heard.fact("message"), Some("accepted (250), 0 recipients, 16106 bytes"));
    assert_eq!(heard.infos().last(), Some(&"S: 250 queued"));
}

const POP3_DIALOGUE: Dialogue = &[
    (Server, b"+OK Dovecot (Debian) ready. <1.2@host>\r\n"),
    (Client, b"CAPA\r\n"),
    (Server, b"+OK\r\nTOP\r\nUIDL\r\nSTLS\r\n.\r\n"),
    (Client, b"USER alice\r\n"),
    (Server, b"+OK\r\n"),
    (Client, b"PASS not-a-real-password\r\n"),
    (Server, b"-ERR [AUTH] Authentication failed.\r\n"),
    (Client, b"USER alice\r\nPASS not-a-real-password\r\n"),
    (Server, b"+OK\r\n+OK Logged in.\r\n"),
    (Client, b"STAT\r\nLIST\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"),
    (Server, b"+OK 2 640\r\n+OK 2 messages:\r\n1 320\r\n2 320\r\n.\r\n"),
    (Server, b"+OK 320 octets\r\nSubject: x\r\n\r\n-ERR in the message\r\n..\r\n.\r\n+OK deleted\r\n+OK bye\r\n"),
];

#[test]
fn mail_is_fetched() {
    let heard = run(&POP3, POP3_DIALOGUE);
    assert_eq!(
        heard.facts(),
        [
            ("banner", "Dovecot (Debian) ready. <1.2@host>"),
            ("software", "Dovecot"),
            ("capabilities", "TOP, UIDL, STLS"),
            ("user", "alice"),
            ("login", "accepted"),
            ("user", "alice"),
            ("mailbox", "2 messages, 640 bytes"),
            ("messages_retrieved", "1"),
            ("messages_deleted", "1"),
            ("starttls", "offered, not used"),
        ]
    );
    assert_eq!(heard.codes(), ["application.plaintext-credentials"]);
    assert!(!format!("{heard:?}").contains("not-a-real-password"));
    assert_eq!(shown(heard.notes[7].1.get("pop.request.command")), "USER|PASS");
    let digest = run(
        &POP3,
        &[
            (Server, b"+OK POP <1@b>\r\n"),
            (Client, b"APOP bob c4c9334bac560ecc979e58001b3e22fb\r\n"),
            (Server, b"+OK\r\n"),
        ],
    );
    assert_eq!((digest.fact("user"), digest.fact("login"), digest.codes().len()), (Some("bob"), Some("accepted"), 0));
    let sasl = run(
        &POP3,
        &[
            (Server, b"+OK POP\r\n"),
            (Client, b"AUTH PLAIN\r\n"),
            (Server, b"+ \r\n"),
            (Client, b"AGFsaWNlAHg=\r\n"),
            (Server, b"-ERR\r\n"),
            (Client, b"USER b\r\n"),
        ],
    );
    let users: Vec<_> = sasl.facts().into_iter().filter(|(name, _)| *name == "user").map(|(_, user)| user).collect();
    assert_eq!((users, sasl.fact("login"), sasl.codes().len()), (vec!["alice", "b"], Some("refused"), 1));
}

const IMAP_DIALOGUE: Dialogue = &[
    (Server, b"* OK [CAPABILITY IMAP4rev1 ID STARTTLS AUTH=PLAIN] Dovecot (Debian) ready.\r\n"),
    (Client, b"a1 ID (\"name\" \"mutt\" \"version\" \"2.2\")\r\n"),
    (Server, b"* ID (\"name\" \"Dovecot\")\r\na1 OK ID completed.\r\n"),
    (Client, b"a2 LOGIN {5}\r\n"),
    (Server, b"+ OK\r\n"),
    (Client, b"alice {19}\r\nnot-a-real-password\r\n"),
    (Server, b"a2 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"),
    (Client, b"a3 LOGIN \"al\\\"ice\" hush\r\n"),
    (Server, b"a3 OK [CAPABILITY IMAP4rev1 IDLE] Logged in\r\n"),
    (Client, b"a4 SELECT \"My Box\"\r\n"),
    (Server, b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\na4 OK [READ-WRITE] Select completed.\r\n"),
    (Client, b"a5 FETCH 1 BODY[]\r\n"),
    (Server, b"* 1 FETCH (BODY[] {20}\r\na5 NO in the body\r\n\r\n FLAGS (\\Seen))\r\na5 OK Fetch completed.\r\n"),
    (Client, b"a6 IDLE\r\nDONE\r\na7 SELECT none\r\na8 LOGOUT\r\n"),
    (Server, b"a6 OK Idle completed.\r\na7 NO [NONEXISTENT] no such\r\n* BYE bye\r\na8 OK Logout completed.\r\n"),
];

#[test]
fn a_mailbox_is_read() {
    let heard = run(&IMAP, IMAP_DIALOGUE);
    assert_eq!(
        heard.facts(),
        [
            ("banner", "Dovecot (Debian) ready."),
            ("software", "Dovecot"),
            ("capabilities", "IMAP4rev1, ID, STARTTLS, AUTH=PLAIN"),
            ("client_software", "mutt 2.2"),
            ("user", "alice"),
            ("login", "accepted"),
            ("user", "al\"ice"),
            ("mailbox", "My Box (3 messages)"),
            ("mailbox", "none: refused ([NONEXISTENT] no such)"),
            ("starttls", "offered, not used"),
        ]
    );
    assert_eq!(heard.codes(), ["application.plaintext-credentials"]);
    let all = format!("{heard:?}");
    assert!(!all.contains("not-a-real-password") && !all.contains("hush"));
    assert_eq!(heard.infos()[3], "Request: a2 LOGIN {5} ****");
    assert_eq!(shown(heard.notes[8].1.get("imap.response.status")), "OK");
    let sasl = run(
        &IMAP,
        &[
            (Server, b"* OK x\r\n"),
            (Client, b"1 AUTHENTICATE PLAIN AGFsaWNlAHg=\r\n"),
            (Server, b"1 OK in\r\n"),
            (Client, b"2 EXAMINE INBOX\r\n"),
            (Server, b"2 OK ok\r\n"),
        ],
    );
    assert_eq!(
        (sasl.fact("user"), sasl.fact("login"), sasl.fact("mailbox")),
        (Some("alice"), Some("accepted"), Some("INBOX"))
    );
}

type Before = [(Direction, &'static [u8]); 3];

#[test]
fn tls_is_handed_over() {
    let hello = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    let cases: [(&Protocol, Before); 3] = [
        (&SMTP, [(Server, b"220 x ESMTP\r\n"), (Client, b"starttls\r\n"), (Server, b"220 go\r\n")]),
        (&POP3, [(Server, b"+OK POP3\r\n"), (Client, b"STLS\r\n"), (Server, b"+OK\r\n")]),
        (&IMAP, [(Server, b"* OK x\r\n"), (Client, b"a STARTTLS\r\n"), (Server, b"a OK begin\r\n")]),
    ];
    for (protocol, before) in cases {
        let mut pieces = before.to_vec();
        pieces.push((Client, &hello));
        let heard = run(protocol, &pieces);
        assert_eq!(heard.handed_over.as_ref().map(|left| left[0].as_slice()), Some(&hello[..]), "{}", protocol.name);
        assert_eq!((heard.fact("starttls"), heard.codes().len()), (Some("used"), 0));
        pieces.drain(1..3);
        assert_eq!(run(protocol, &pieces).codes(), ["starttls.not-asked"]);
        let refusals: [&[u8]; 3] = [b"454 no\r\n", b"-ERR no\r\n", b"a BAD no\r\n"];
        for refusal in refusals {
            let heard = run(protocol, &[before[0], before[1], (Server, refusal)]);
            let fits = heard.fact("starttls") == Some("refused");
            assert_eq!(heard.codes().len(), usize::from(fits), "{} {}", protocol.name, refusal.escape_ascii());
        }
    }
}

#[test]
fn what_may_be_a_password_behind_lost_bytes_is_not_shown() {
    for (protocol, greeting) in [(&SMTP, &b"220 x ESMTP\r\n"[..]), (&POP3, b"+OK POP\r\n"), (&IMAP, b"* OK x\r\n")] {
        let pieces = [
            (Server, Some(greeting)),
            (Client, None),
            (Client, Some(&b"\r\nAGFsaWNlAG5vdC1hLXJlYWwtcGFzc3dvcmQ=\r\n"[..])),
        ];
        let heard = drive(protocol, &pieces, true, Carrier::Tcp);
        assert!(!format!("{heard:?}").contains("AGFsaWN"), "{}: {heard:?}", protocol.name);
    }
}

#[test]
fn one_side_alone_and_lost_bytes() {
    let of = |dialogue: Dialogue, side| -> Vec<(Direction, &'static [u8])> {
        dialogue.iter().copied().filter(|(direction, _)| *direction == side).collect()
    };
    let client = run(&SMTP, &of(SMTP_DIALOGUE, Client));
    assert_eq!((client.fact("user"), client.fact("recipient")), (Some("alice"), Some("b@example.com")));
    let server = run(&SMTP, &of(SMTP_DIALOGUE, Server));
    assert_eq!((server.fact("login"), server.fact("software")), (Some("accepted"), Some("Postfix")));
    assert!(server.fact("capabilities").is_some());
    assert_eq!(run(&POP3, &of(POP3_DIALOGUE, Client)).fact("user"), Some("alice"));
    assert_eq!(run(&POP3, &of(POP3_DIALOGUE, Server)).fact("software"), Some("Dovecot"));
    assert_eq!(run(&IMAP, &of(IMAP_DIALOGUE, Client)).fact("user"), Some("alice"));
    assert!(run(&IMAP, &of(IMAP_DIALOGUE, Server)).fact("capabilities").is_some());
    for (protocol, dialogue) in [(&SMTP, SMTP_DIALOGUE), (&POP3, POP3_DIALOGUE), (&IMAP, IMAP_DIALOGUE)] {
        for lost in 1..dialogue.len() {
            let mut pieces: Vec<_> = dialogue.iter().map(|(direction, bytes)| (*direction, Some(*bytes))).collect();
            pieces[lost].1 = None;
            let heard: Heard = drive(protocol, &pieces, true, Carrier::Tcp);
            assert!(heard.fact("banner").is_some());
            let all = format!("{heard:?}");
            let secret = ["not-a-real-password", "AGFsaWN"].iter().any(|secret| all.contains(secret));
            assert!(!secret, "{} without {lost}: {all}", protocol.name);
        }
    }
}

#[test]
fn recognised_by_what_only_they_say() {
    for (protocol, direction, bytes, port, expected) in [
        (&SMTP, Server, &b"220 x ESMTP\r\n"[..], 9, Verdict::Certain),
        (&SMTP, Server, b"220 FTP\r\n", 25, Verdict::No),
        (&SMTP, Server, b"220 hello\r\n", 25, Verdict::Likely),
        (&SMTP, Server, b"220 hello\r\n", 9, Verdict::Maybe),
        (&SMTP, Server, b"2", 9, Verdict::Maybe),
        (&SMTP, Client, b"ehlo x\r\n", 9, Verdict::Certain),
        (&SMTP, Client, b"EH", 9, Verdict::Maybe),
        (&SMTP, Client, b"GET / HTTP/1.1\r\n", 25, Verdict::No),
        (&POP3, Server, b"+OK POP3 ready\r\n", 9, Verdict::Certain),
        (&POP3, Server, b"+OK hello\r\n", 9, Verdict::Likely),
        (&POP3, Server, b"+", 9, Verdict::Maybe),
        (&POP3, Server, b"+PONG\r\n", 9, Verdict::No),
        (&POP3, Client, b"CAPA\r\n", 9, Verdict::Certain),
        (&POP3, Client, b"USER a\r\n", 110, Verdict::Likely),
        (&POP3, Client, b"USER a\r\n", 21, Verdict::No),
        (&IMAP, Server, b"* OK ready\r\n", 9, Verdict::Certain),
        (&IMAP, Server, b"* x\r\n", 143, Verdict::No),
        (&IMAP, Client, b"a1 CAPABILITY\r\n", 9, Verdict::Certain),
        (&IMAP, Client, b"a1 LOGIN x y\r\n", 9, Verdict::Certain),
        (&IMAP, Client, b"GET LOGIN\r\n", 9, Verdict::No),
    ] {
        assert_eq!(probe(protocol, direction, bytes, true, port), expected, "{}", bytes.escape_ascii());
    }
    assert_eq!(probe(&SMTP, Client, b"MAIL FROM:<a@b>\r\n", false, 9), Verdict::Certain);
    assert_eq!(probe(&SMTP, Client, b"EHLO x\r\n", false, 25), Verdict::No);
    assert_eq!(probe(&IMAP, Server, b"* 12 FETCH (FLAGS (\\Seen))\r\n", false, 9), Verdict::Certain);
    assert_eq!(probe(&IMAP, Server, b"* 12 FISH (FLAGS (\\Seen))\r\n", false, 9), Verdict::No);
}

proptest! {
    #[test]
    fn any_cut_says_the_same(cuts in proptest::collection::vec(1_usize..40, 1..12)) {
        assert_same_when_cut(&SMTP, SMTP_DIALOGUE, &cuts);
        assert_same_when_cut(&POP3, POP3_DIALOGUE, &cuts);
        assert_same_when_cut(&IMAP, IMAP_DIALOGUE, &cuts);
    }

    #[test]
    fn any_words_end_well(
        which in 0_usize..3,
        pieces in proptest::collection::vec(
            (any::<bool>(), r"((a1 |\* |\+OK |250[ -])?(AUTH PLAIN|LOGIN|DATA|BDAT 9|RETR 1|CAPA|OK|[a-z]{1,4})?( ?(\{[0-9]{1,3}\}|[.A-Z=]{1,9}))?(\r\n)?){1,4}"),
            0..10,
        ),
    ) {
        let pieces: Vec<(Direction, &[u8])> =
            pieces.iter().map(|(client, text)| (if *client { Client } else { Server }, text.as_bytes())).collect();
        run([&SMTP, &POP3, &IMAP][which], &pieces);
    }

    #[test]
    fn any_raw_bytes_end_well(which in 0_usize..3, pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8)) {
        let pieces: Vec<(Direction, &[u8])> =
            pieces.iter().map(|(client, bytes)| (if *client { Client } else { Server }, bytes.as_slice())).collect();
        run([&SMTP, &POP3, &IMAP][which], &pieces);
    }
}
