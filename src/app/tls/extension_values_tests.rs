//! Known bodies and their values; bodies that are wrong in every way; and any bytes at all.
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

const CLIENT: Place = Place::ClientHello { ech: false };

const PLACES: [Place; 7] = [
    CLIENT,
    Place::ClientHello { ech: true },
    Place::ServerHello,
    Place::HelloRetryRequest,
    Place::EncryptedExtensions,
    Place::CertificateRequest,
    Place::NewSessionTicket,
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The value as JSON; what was expected, as text, when it is malformed; null when it is not decoded.
fn value(kind: u16, body: &[u8], place: Place) -> Json {
    match read(kind, body, place, true) {
        None => Json::Null,
        Some(Ok(value)) => serde_json::to_value(value).unwrap(),
        Some(Err(expected)) => json!(format!("malformed: {expected}")),
    }
}

fn of(kind: u16, hex: &str, place: Place) -> Json {
    value(kind, &bytes(hex), place)
}

fn is_malformed(kind: u16, hex: &str, place: Place) -> bool {
    matches!(read(kind, &bytes(hex), place, true), Some(Err(_)))
}

#[test]
fn the_hellos_of_rfc_8448_section_3() {
    let group = |id: u16, name: &str| json!({"id": id, "name": name});
    assert_eq!(of(0, "0009 00 0006 736572766572", CLIENT), json!({"host_names": ["server"], "outer": false}));
    assert_eq!(of(0xff01, "00", CLIENT), json!({"bytes": 0, "items": null}));
    assert_eq!(
        of(10, "0012 001d 0017 0018 0019 0100 0101 0102 0103 0104", CLIENT),
        json!([
            group(29, "x25519"),
            group(23, "secp256r1"),
            group(24, "secp384r1"),
            group(25, "secp521r1"),
            group(256, "ffdhe2048"),
            group(257, "ffdhe3072"),
            group(258, "ffdhe4096"),
            group(259, "ffdhe6144"),
            group(260, "ffdhe8192"),
        ])
    );
    assert_eq!(of(35, "", CLIENT), json!({"bytes": 0, "items": null}));
    let share = "99381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c";
    let client_share = format!("0024 001d 0020 {share}");
    assert_eq!(of(51, &client_share, CLIENT), json!([{"group": 29, "name": "x25519", "length": 32}]));
    let server_share = format!("001d 0020 {share}");
    assert_eq!(of(51, &server_share, Place::ServerHello), json!([{"group": 29, "name": "x25519", "length": 32}]));
    assert_eq!(of(43, "02 0304", CLIENT), json!([group(0x0304, "TLS 1.3")]));
    assert_eq!(of(43, "0304", Place::ServerHello), json!([group(0x0304, "TLS 1.3")]));
    assert_eq!(of(45, "01 01", CLIENT), json!([group(1, "psk_dhe_ke")]));
    assert_eq!(of(28, "4001", CLIENT), json!({"bytes": 16385}));
    // EncryptedExtensions and NewSessionTicket of the same section, the HelloRetryRequest of section 5.
    assert_eq!(of(0, "", Place::EncryptedExtensions), json!(true));
    assert_eq!(of(42, "00000400", Place::NewSessionTicket), json!({"bytes": 1024}));
    assert_eq!(of(51, "0017", Place::HelloRetryRequest), json!([{"group": 23, "name": "secp256r1", "length": null}]));
    assert_eq!(of(44, "0004 71dcd04b", Place::HelloRetryRequest), json!({"bytes": 4, "items": null}));
}

#[test]
fn keys_of_earlier_sessions() {
    // Shaped as in RFC 8448 section 4: an identity of 178 bytes, its age, and a binder of 32.
    let mut body = vec![0, 184, 0, 178];
    body.extend([0x2c; 178]);
    body.extend([0xfa, 0xd6, 0xaa, 0xc5]);
    body.extend([0, 33, 32]);
    body.extend([0x3a; 32]);
    let offered = json!({"identities": [{"length": 178, "obfuscated_ticket_age": 0xfad6_aac5_u32}], "binders": [32]});
    assert_eq!(value(41, &body, CLIENT), offered);
    assert_eq!(of(41, "0001", Place::ServerHello), json!({"selected_identity": 1}));
    // One more identity than binders.
    assert!(is_malformed(41, "0007 0001 aa 00000000 0000", CLIENT));
}

#[test]
fn transport_parameters_of_rfc_9001_appendix_a() {
    let body = "04 08 ff ff ff ff ff ff ff ff 05 04 80 00 ff ff 07 04 80 00 ff ff 08 01 10 01 04 80 00 75 30 09 01 10 0f 08 \
                83 94 c8 f0 3e 51 57 08 06 04 80 00 ff ff";
    let parameter = |id: u64, name: &str, length: u64, number: Option<u64>, text: Option<&str>| json!({"id": id, "name": name, "length": length, "number": number, "text": text});
    assert_eq!(
        of(57, body, CLIENT),
        json!([
            parameter(4, "initial_max_data", 8, Some((1 << 62) - 1), None),
            parameter(5, "initial_max_stream_data_bidi_local", 4, Some(65535), None),
            parameter(7, "initial_max_stream_data_uni", 4, Some(65535), None),
            parameter(8, "initial_max_streams_bidi", 1, Some(16), None),
            parameter(1, "max_idle_timeout", 4, Some(30000), None),
            parameter(9, "initial_max_streams_uni", 1, Some(16), None),
            parameter(15, "initial_source_connection_id", 8, None, Some("8394c8f03e515708")),
            parameter(6, "initial_max_stream_data_bidi_remote", 4, Some(65535), None),
        ])
    );
    assert!(is_malformed(57, "04 08 ff", CLIENT));
    // An early draft's form is not decoded, and no fault.
    assert_eq!(of(0xffa5, "ff00 0012 0034", CLIENT), Json::Null);
    assert_eq!(of(57, "1b 02 0102", CLIENT)[0]["name"], "GREASE".to_owned().as_str());
    assert_eq!(of(57, "11 08 00000001 6b3343cf", CLIENT)[0]["text"], "0x00000001 0x6b3343cf");
}

#[test]
fn encrypted_hellos() {
    let outer = of(0xfe0d, "00 0001 0001 2a 0004 01020304 0003 aabbcc", CLIENT);
    assert_eq!(
        outer,
        json!({"form": "outer", "config_id": 42, "kdf": {"id": 1, "name": "HKDF-SHA256"},
               "aead": {"id": 1, "name": "AES-128-GCM"}, "enc_length": 4, "payload_length": 3})
    );
    assert_eq!(of(0xfe0d, "01", CLIENT), json!({"form": "inner"}));
    assert!(is_malformed(0xfe0d, "02", CLIENT) && is_malformed(0xfe0d, "0102", CLIENT));
    assert_eq!(
        of(0, "0005 00 0002 6162", Place::ClientHello { ech: true }),
        json!({"host_names": ["ab"], "outer": true})
    );
    // ECHConfig: id 7, X25519, a key of two bytes, one suite, longest name 0, public name `ab`, no extensions.
    let contents = "07 0020 0002 0102 0004 00010001 00 02 6162 0000";
    let config = format!("0017 fe0d 0013 {contents}");
    assert_eq!(
        of(0xfe0d, &config, Place::EncryptedExtensions),
        json!({"retry_configs": [{"version": 0xfe0d, "config_id": 7, "kem": "DHKEM(X25519, HKDF-SHA256)",
               "public_name": "ab"}]})
    );
    assert_eq!(of(0xfe0d, "0102030405060708", Place::HelloRetryRequest), json!({"bytes": 8, "items": null}));
}

#[test]
fn the_other_common_ones() {
    let cases: [(u16, &str, Place, Json); 22] = [
        (1, "04", CLIENT, json!({"bytes": 4096})),
        (5, "01 0000 0000", CLIENT, json!([{"status_type": "ocsp", "responder_ids": 0}])),
        (5, "", Place::ServerHello, json!(true)),
        (
            11,
            "03 00 01 02",
            CLIENT,
            json!([{"id": 0, "name": "uncompressed"}, {"id": 1, "name": "ansiX962_compressed_prime"}, {"id": 2, "name": "ansiX962_compressed_char2"}]),
        ),
        (
            14,
            "0004 0007 0001 00",
            CLIENT,
            json!({"profiles": [{"id": 7, "name": "SRTP_AEAD_AES_128_GCM"}, {"id": 1, "name": "SRTP_AES128_CM_HMAC_SHA1_80"}], "mki_length": 0}),
        ),
        (15, "01", CLIENT, json!([{"id": 1, "name": "peer_allowed_to_send"}])),
        (16, "000c 02 6832 08 687474702f312e31", CLIENT, json!(["h2", "http/1.1"])),
        (16, "0003 02 6832", Place::EncryptedExtensions, json!(["h2"])),
        (17, "0007 02 0004 0000 0000", CLIENT, json!([{"status_type": "ocsp_multi", "responder_ids": 0}])),
        (18, "", CLIENT, json!(true)),
        (18, "0007 0002 aabb 0001 cc", Place::ServerHello, json!({"bytes": 3, "items": 2})),
        (21, "000000", CLIENT, json!({"bytes": 3, "items": null})),
        (22, "", CLIENT, json!(true)),
        (23, "", Place::ServerHello, json!(true)),
        (27, "04 0002 0001", CLIENT, json!([{"id": 2, "name": "brotli"}, {"id": 1, "name": "zlib"}])),
        (34, "0002 0403", CLIENT, json!([{"id": 0x0403, "name": "ecdsa_secp256r1_sha256"}])),
        (49, "", CLIENT, json!(true)),
        (54, "04 01020304", CLIENT, json!({"bytes": 4, "items": null})),
        (58, "0201", CLIENT, json!({"new_session_count": 2, "resumption_count": 1})),
        (62, "02 01 80", CLIENT, json!([{"id": 0, "name": "flag 0"}, {"id": 15, "name": "flag 15"}])),
        (13172, "02 6832 03 616263", Place::ServerHello, json!(["h2", "abc"])),
        (17613, "0003 02 6832", CLIENT, json!(["h2"])),
    ];
    for (kind, body, place, expected) in cases {
        assert_eq!(of(kind, body, place), expected, "{kind} {body}");
    }
    // CN=a, as in a list of authorities.
    let authority = "0010 000e 300c310a300806035504030c0161";
    assert_eq!(of(47, authority, Place::CertificateRequest), json!({"names": ["CN=a"], "names_total": 1}));
    assert_eq!(of(0x2a2a, "00", CLIENT), Json::Null);
    assert_eq!(of(12345, "001122", CLIENT), Json::Null);
}

#[test]
fn wrong_bodies_are_told() {
    let wrong: [(u16, &str, Place); 24] = [
        (0, "", CLIENT),
        (0, "0000", CLIENT),
        (0, "0009 00 0006 7365727665", CLIENT),
        (0, "00", Place::EncryptedExtensions),
        (1, "05", CLIENT),
        (5, "01 0000", CLIENT),
        (10, "0003 001d 00", CLIENT),
        (10, "0000", CLIENT),
        (11, "00", CLIENT),
        (13, "0004 0403", CLIENT),
        (14, "0002 0001", CLIENT),
        (16, "0004 02 6832", CLIENT),
        (16, "0001 00", CLIENT),
        (16, "0006 02 6832 02 6832", Place::EncryptedExtensions),
        (23, "00", CLIENT),
        (28, "003f", CLIENT),
        (42, "00", CLIENT),
        (43, "03 0304 03", CLIENT),
        (43, "02 0304", Place::ServerHello),
        (44, "0000", CLIENT),
        (45, "00", CLIENT),
        (51, "0004 001d 0000", CLIENT),
        (51, "0017 00", Place::HelloRetryRequest),
        (62, "01 00", CLIENT),
    ];
    for (kind, body, place) in wrong {
        assert!(is_malformed(kind, body, place), "{kind} {body:?} {place:?}");
        // What is only checked is judged alike.
        assert!(matches!(read(kind, &bytes(body), place, false), Some(Err(_))), "{kind} {body:?}");
    }
}

fn all_types() -> impl Strategy<Value = u16> {
    prop_oneof![0..66_u16, Just(13172), Just(17513), Just(17613), Just(64768), Just(65037), Just(65281), Just(65445)]
}

proptest! {
    #[test]
    fn any_body(kind in all_types(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for place in PLACES {
            let (kept, walked) = (read(kind, &body, place, true), read(kind, &body, place, false));
            // Keeping the value or not, the judgement is the same.
            prop_assert_eq!(kept.as_ref().map(Result::is_ok), walked.as_ref().map(Result::is_ok));
        }
    }

    #[test]
    fn any_list(kind in all_types(), list in proptest::collection::vec(any::<u8>(), 1..60)) {
        // Lists with right lengths reach deeper than bytes at random.
        let length = u8::try_from(list.len()).unwrap();
        let bodies = [[vec![length], list.clone()].concat(), [vec![0, length], list].concat()];
        for (place, body) in PLACES.into_iter().flat_map(|place| bodies.iter().map(move |body| (place, body))) {
            for end in 0..=body.len() {
                let _ = read(kind, &body[..end], place, true);
            }
        }
    }
}
