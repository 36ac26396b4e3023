//! Connections whole, cut, one side alone and with lost bytes, and what is none.
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
    (Client, b"\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x27\xff\xfd\x01\xff\xfd\x03"),
    (Server, b"\xff\xfd\x18\xff\xfd\x1f\xff\xfd\x27\xff\xfb\x01\xff\xfb\x03\xff\xfd\x22"),
    (Server, b"\xff\xfa\x18\x01\xff\xf0"),
    (Client, b"\xff\xfa\x18\x00xterm-256color\xff\xf0\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0\xff\xfc\x22"),
    (Client, b"\xff\xfa\x27\x00\x00DISPLAY\x01:0\x00USER\x01alice\xff\xf0"),
    (Server, b"Debian GNU/Linux 12\r\nhost login: "),
    (Client, b"alice\r\0"),
    (Server, b"alice\r\nPassword: "),
    (Client, b"not-a-real-password\r\0"),
    (Server, b"\r\nLogin incorrect\r\nlogin: "),
    (Client, b"x\xff\xff\r\0\xff\xf4"),
    (Server, b"x\r\nPassword: "),
    (Client, b"hush\r\0"),
    (Server, b"\r\nLast login: today\r\n$ "),
];

#[test]
fn a_whole_dialogue() {
    let heard = run(&PROTOCOL, DIALOGUE);
    assert_eq!(
        heard.facts(),
        [
            ("terminal_type", "xterm-256color"),
            ("window_size", "80x24"),
            ("user", "alice"),
            ("client_options", "terminal type, window size, new environment"),
            ("server_options", "echo, suppress go ahead"),
            ("passwords_sent", "2"),
            ("logins_refused", "1"),
        ]
    );
    assert_eq!(heard.codes(), ["application.plaintext-credentials"]);
    let all = format!("{heard:?}");
    assert!(!all.contains("not-a-real") && !all.contains("hush") && !all.contains("Debian"));
    assert_eq!(heard.infos(), ["Telnet Data ..."; 14]);
    assert_eq!(shown(heard.notes[0].1.get("telnet.cmd")), "251|251|251|253|253");
    assert_eq!(shown(heard.notes[0].1.get("telnet.subcmd")), "24|31|39|1|3");
    assert_eq!(shown(heard.notes[2].1.get("telnet.cmd")), "250|240");
    assert_eq!(shown(heard.notes[2].1.get("telnet.subcmd")), "24|1");
}

#[test]
fn one_side_alone_and_lost_bytes() {
    let of = |side| DIALOGUE.iter().copied().filter(|(direction, _)| *direction == side).collect::<Vec<_>>();
    let client = run(&PROTOCOL, &of(Client));
    assert_eq!((client.fact("terminal_type"), client.fact("client_options")), (Some("xterm-256color"), Some("none")));
    assert!(client.codes().is_empty());
    assert_eq!(run(&PROTOCOL, &of(Server)).fact("passwords_sent"), None);
    let mut with_gap: Vec<_> = DIALOGUE.iter().map(|(direction, bytes)| (*direction, Some(*bytes))).collect();
    with_gap[3].1 = None;
    let heard = drive(&PROTOCOL, &with_gap, false, Carrier::Tcp);
    assert_eq!((heard.fact("terminal_type"), heard.fact("user")), (None, Some("alice")));
}

#[test]
fn recognised_by_its_negotiation() {
    for (bytes, from_start, port, expected) in [
        (&b"\xff\xfd\x18\xff\xfd\x20"[..], true, 9, Verdict::Certain),
        (b"\xff\xfd\x18\xff\xfd\x20", false, 9, Verdict::Certain),
        (b"\xff\xfd\x18", true, 9, Verdict::Likely),
        (b"\xff\xfd\x18", false, 9, Verdict::No),
        (b"\xff\xfd\x18", false, 23, Verdict::Likely),
        (b"\xff\xfd\x18login: ", true, 9, Verdict::No),
        (b"\xff\xfd\x18login: ", true, 23, Verdict::Likely),
        (b"\xff", true, 9, Verdict::Maybe),
        (b"\xff\xfd", true, 9, Verdict::Maybe),
        (b"\xff\xfd\x80\xff\xfd\x80", true, 23, Verdict::No),
        (b"\xff\xff\xff\xff", true, 23, Verdict::No),
        (b"login: ", true, 23, Verdict::No),
        (b"\xff\xfa\x25\x02\x0f\xff\xf0text", false, 9, Verdict::Certain),
        (b"\xff\xfa\x42\x02\x0f\xff\xf0text", false, 9, Verdict::No),
        (b"\xff\xfa\x25\x02\x0f", false, 9, Verdict::No),
    ] {
        assert_eq!(probe(&PROTOCOL, Server, bytes, from_start, port), expected, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #[test]
    fn any_cut_says_the_same(cuts in proptest::collection::vec(1_usize..20, 1..12)) {
        assert_same_when_cut(&PROTOCOL, DIALOGUE, &cuts);
    }

    #[test]
    fn any_bytes_end_well(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(prop_oneof![any::<u8>(), 240_u8..=255], 0..40)), 0..8)) {
        let pieces: Vec<(Direction, &[u8])> =
            pieces.iter().map(|(client, bytes)| (if *client { Client } else { Server }, bytes.as_slice())).collect();
        run(&PROTOCOL, &pieces);
    }
}
