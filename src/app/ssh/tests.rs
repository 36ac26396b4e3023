//! Connections up to the new keys: whole, cut, one side alone, with lost bytes, and with nothing in common.
use proptest::prelude::*;

use super::PROTOCOL;
use crate::{
    app::{
        Carrier, Verdict,
        codec::trial::{assert_same_when_cut, drive, probe, run, shown},
    },
    record::Direction::{ClientToServer as Client, ServerToClient as Server},
};

/// A packet in the clear (RFC 4253 6).
fn packet(message: u8, body: &[u8]) -> Vec<u8> {
    let padding = 8 - (5 + 1 + body.len()) % 8;
    let padding = if padding < 4 { padding + 8 } else { padding };
    let mut packet = u32::try_from(2 + body.len() + padding).unwrap().to_be_bytes().to_vec();
    packet.extend([padding as u8, message]);
    packet.extend(body);
    packet.resize(packet.len() + padding, 0);
    packet
}

fn offer(key_exchange: &str, host_key: &str, cipher: [&str; 2], mac: &str) -> Vec<u8> {
    let mut body = vec![7; 16];
    for list in [key_exchange, host_key, cipher[0], cipher[1], mac, mac, "none,zlib@openssh.com", "none", "", ""] {
        body.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
        body.extend(list.as_bytes());
    }
    body.extend([0; 5]);
    packet(20, &body)
}

fn dialogue() -> Vec<(crate::record::Direction, Vec<u8>)> {
    let gcm = "aes128-gcm@openssh.com";
    let client = offer(
        "curve25519-sha256,ecdh-sha2-nistp256,ext-info-c,kex-strict-c-v00@openssh.com",
        "ssh-ed25519,rsa-sha2-256",
        ["chacha20-poly1305@openssh.com,aes256-ctr", gcm],
        "hmac-sha2-256",
    );
    let server = offer(
        "ecdh-sha2-nistp256,curve25519-sha256,kex-strict-s-v00@openssh.com",
        "rsa-sha2-256",
        ["aes256-ctr", gcm],
        "hmac-sha1,hmac-sha2-256",
    );
    vec![
        (Client, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec()),
        (Server, b"Hello, this is a banner\r\nSSH-2.0-dropbear_2022.83\r\n".to_vec()),
        (Client, client),
        (Server, server),
        (Client, packet(30, &[1; 40])),
        (Server, [packet(31, &[2; 200]), packet(21, &[])].concat()),
        (Client, [packet(21, &[]), vec![0xaa; 52]].concat()),
        (Server, vec![0xbb; 100]),
    ]
}

fn borrowed(dialogue: &[(crate::record::Direction, Vec<u8>)]) -> Vec<(crate::record::Direction, &[u8])> {
    dialogue.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect()
}

#[test]
fn what_both_offers_come_to() {
    let dialogue = dialogue();
    let heard = run(&PROTOCOL, &borrowed(&dialogue));
    let facts = heard.facts();
    let without_hassh: Vec<_> = facts.iter().copied().filter(|(name, _)| !name.starts_with("hassh")).collect();
    assert_eq!(
        without_hassh,
        [
            ("client_software", "OpenSSH_9.2p1 Debian-2"),
            ("server_software", "dropbear_2022.83"),
            ("key_exchange", "curve25519-sha256"),
            ("host_key_algorithm", "rsa-sha2-256"),
            ("cipher_to_server", "aes256-ctr"),
            ("cipher_to_client", "aes128-gcm@openssh.com"),
            ("mac_to_server", "hmac-sha2-256"),
            ("mac_to_client", "implicit"),
            ("compression", "none"),
            ("strict_key_exchange", "both sides"),
            ("new_keys", "both sides"),
        ]
    );
    assert!(heard.codes().is_empty());
    assert_eq!(
        heard.infos(),
        [
            "Client: Protocol (SSH-2.0-OpenSSH_9.2p1 Debian-2)",
            "Server: Protocol (SSH-2.0-dropbear_2022.83)",
            "Client: Key Exchange Init",
            "Server: Key Exchange Init",
            "Client: Key Exchange",
            "Server: Key Exchange, Server: New Keys",
            "Client: New Keys, Client: Encrypted packet (len=52)",
            "Server: Encrypted packet (len=100)",
        ]
    );
    assert_eq!(shown(heard.notes[5].1.get("ssh.message_code")), "31|21");
    assert_eq!(shown(heard.notes[1].1.get("ssh.protocol")), "SSH-2.0-dropbear_2022.83");
}

#[test]
fn hassh_is_the_md5_of_four_lists() {
    // echo -n 'a;b;c;d' | md5sum
    let offer = super::parser::KexInit {
        key_exchange: "a".into(),
        host_key: "x".into(),
        encryption: ["b".into(), "y".into()],
        mac: ["c".into(), "y".into()],
        compression: ["d".into(), "y".into()],
    };
    assert_eq!(super::negotiation::hassh(&offer, 0), "845425be4f77f4097e014a6591497010");
}

#[test]
fn nothing_in_common_is_told() {
    let client = offer("curve25519-sha256", "ssh-ed25519", ["aes128-ctr"; 2], "hmac-sha2-256");
    let server = offer("diffie-hellman-group1-sha1", "ssh-dss", ["3des-cbc"; 2], "hmac-md5");
    let heard = run(
        &PROTOCOL,
        &[
            (Client, b"SSH-2.0-a\r\n"),
            (Server, b"SSH-1.99-Cisco-1.25\n"),
            (Client, &client),
            (Server, &server),
            (Client, &packet(1, b"\0\0\0\x03\0\0\0\x02no\0\0\0\0")),
        ],
    );
    assert_eq!(heard.codes(), ["ssh.nothing-in-common"]);
    assert_eq!(heard.fact("server_version"), Some("1.99"));
    assert_eq!(heard.fact("disconnect"), Some("key exchange failed: no"));
    assert_eq!(heard.fact("new_keys"), Some("neither side"));
}

#[test]
fn terrapin_and_weak_algorithms() {
    let client = offer("x,kex-strict-c-v00@openssh.com", "ssh-dss", ["chacha20-poly1305@openssh.com"; 2], "m");
    let server = offer("x", "ssh-dss", ["chacha20-poly1305@openssh.com"; 2], "m");
    let heard =
        run(&PROTOCOL, &[(Client, b"SSH-2.0-a\r\n"), (Server, b"SSH-2.0-b\r\n"), (Client, &client), (Server, &server)]);
    assert_eq!(heard.codes(), ["ssh.weak-algorithm", "ssh.terrapin"]);
    assert_eq!(heard.fact("strict_key_exchange"), Some("client only"));
}

#[test]
fn version_1_is_not_read_further() {
    let heard =
        run(&PROTOCOL, &[(Server, b"SSH-1.5-OldServer\n"), (Client, b"SSH-1.5-OldClient\n"), (Server, &[0; 64])]);
    assert_eq!(heard.codes(), ["ssh.old-version"]);
    assert_eq!(heard.fact("server_version"), Some("1.5"));
    assert_eq!(heard.fact("new_keys"), None);
}

#[test]
fn one_side_alone_and_lost_bytes() {
    let dialogue = dialogue();
    let pieces = borrowed(&dialogue);
    let server: Vec<_> = pieces.iter().copied().filter(|(direction, _)| *direction == Server).collect();
    let heard = run(&PROTOCOL, &server);
    assert_eq!(heard.fact("server_software"), Some("dropbear_2022.83"));
    assert_eq!((heard.fact("key_exchange"), heard.fact("new_keys")), (None, Some("server only")));
    let mut with_gap: Vec<_> = pieces.iter().map(|(direction, bytes)| (*direction, Some(*bytes))).collect();
    with_gap[4].1 = None;
    let heard = drive(&PROTOCOL, &with_gap, false, Carrier::Tcp);
    assert_eq!(heard.fact("key_exchange"), Some("curve25519-sha256"));
    assert_eq!(heard.fact("new_keys"), Some("server only"));
}

#[test]
fn recognised_by_its_first_line() {
    for (bytes, expected) in [
        (&b"SSH-2.0-x\r\n"[..], Verdict::Certain),
        (b"SSH-1.99-x", Verdict::Certain),
        (b"S", Verdict::Maybe),
        (b"SSH-2", Verdict::Maybe),
        (b"SSH-x", Verdict::No),
        (b"GET / HTTP/1.1\r\n", Verdict::No),
    ] {
        assert_eq!(probe(&PROTOCOL, Client, bytes, true, 9), expected, "{}", bytes.escape_ascii());
    }
    // No SYN was seen, and yet it is the beginning.
    assert_eq!(probe(&PROTOCOL, Client, b"SSH-2.0-x\r\n", false, 9), Verdict::Certain);
    assert_eq!(probe(&PROTOCOL, Client, b"SSH", false, 22), Verdict::No);
}

proptest! {
    #[test]
    fn any_cut_says_the_same(cuts in proptest::collection::vec(1_usize..60, 1..12)) {
        let dialogue = dialogue();
        assert_same_when_cut(&PROTOCOL, &borrowed(&dialogue), &cuts);
    }

    #[test]
    fn any_bytes_end_well(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..8)) {
        let mut all: Vec<(crate::record::Direction, &[u8])> = vec![(Client, b"SSH-2.0-a\r\n"), (Server, b"SSH-2.0-b\r\n")];
        all.extend(pieces.iter().map(|(client, bytes)| (if *client { Client } else { Server }, bytes.as_slice())));
        run(&PROTOCOL, &all);
    }
}
