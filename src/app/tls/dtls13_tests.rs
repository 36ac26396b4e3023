//! Records sealed by another implementation of the primitives (Python's `cryptography`, OpenSSL), from the text of RFC 9147
//! 4.2.3 and 5.9: secrets are the bytes 0, 1, 2 and so on, numbers and content as the tests name them.
use super::*;
use crate::record::{KeyLog, PacketNumber, Timestamp};

const RANDOM: [u8; 32] = [7; 32];
const C: Direction = Direction::ClientToServer;
const S: Direction = Direction::ServerToClient;

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn packet() -> PacketRef {
    PacketRef { index: 0, number: PacketNumber::new(0, 1), timestamp: Timestamp::from_parts(1, 0) }
}

/// A client whose application secret is known, and what it counts.
struct Flow {
    keys: Dtls13,
    decryption: Decryption,
    secrets: Secrets,
    latest: u64,
}

impl Flow {
    fn new(suite: u32) -> Self {
        let secret: Vec<u8> = (0..if suite == 0x1302 { 48 } else { 32 }).collect();
        let (mut log, mut secrets) = (KeyLog::default(), Secrets::default());
        log.add(RANDOM, SecretLabel::ClientTraffic, Secret::new(&secret), 0);
        secrets.add(log, 0);
        let mut keys = Dtls13::new(C, RANDOM);
        keys.negotiated(suite);
        Self { keys, decryption: Decryption::new(true), secrets, latest: 0 }
    }

    /// Content type and content of a record.
    fn open(&mut self, direction: Direction, record: &[u8], connection_id: Option<usize>) -> Option<(u8, String)> {
        let (record, rest) = dtls13::unified(record, connection_id).unwrap();
        assert!(rest.is_empty());
        let epoch = dtls13::epoch(self.latest, record.epoch_bits);
        let mut content = Vec::new();
        let sealed = (epoch, record);
        let (decryption, secrets) = (&mut self.decryption, &self.secrets);
        let inner = self.keys.open(direction, sealed, &mut content, decryption, secrets, packet())?;
        self.latest = self.latest.max(epoch);
        Some((inner, String::from_utf8(content).unwrap()))
    }
}

const AES_128_GCM: &str = "2f67790020489888043209169cfffa3d79fce2cb2a447048a860c551f85e7f271a815796fc";
const AES_256_GCM: &str = "2f244f00203729c692bdd566684c88773fe182f68958deb4fb614220e3c872470db5cf6743";
const CHACHA20: &str = "2fde21002014afe50aaaf252511e7d63c956bac631558f0e3736a7b2850fc60f5d545379d3";
const AES_128_CCM: &str = "2f1854002097f8ba34290402dcdce4f402cf17af3e86373795009279b880a43e534b5df439";
const AES_128_CCM_8: &str = "2f1854001897f8ba34290402dcdce4f402cf17af3e5318b19d254c2a9a";
const WITH_CONNECTION_ID: &str =
    "3f0a0b0c80030025c9bf6a9888b0f61704c3c0faf0af1e6805d7ef298280e48347b8ea98f8e008414d2d8f034a";
const SHORT: &str = "231653709301514133ae178abceaa62d84d104fe4804f477f71eec089e5712009daf";
const AFTER_ONE_UPDATE: &str = "2c0b8600217624f20fe682fdd9da298f50400618c0525b13d43dfab93b1b685fb405a5faa0d6";
const AFTER_TWO_UPDATES: &str = "2d0d8d0022a78c10d86848a4549fa4ff4ea8b75be5fc24c9285620aa0e31876fdf22ad7caa79ce";
const NUMBER_0X10003: &str = "2f8ce70024d664d2672d79242ee92f8edf92282fda7c6cab259dd618993f76579b47903be1e1c1028b";

#[test]
fn every_suite_of_tls_13() {
    let records = [AES_128_GCM, AES_256_GCM, CHACHA20, AES_128_CCM, AES_128_CCM_8];
    for (suite, record) in (0x1301..).zip(records) {
        let mut flow = Flow::new(suite);
        assert_eq!(flow.open(C, &bytes(record), None), Some((23, "hello, datagram".into())), "{suite:04x}");
        assert_eq!((flow.decryption.opened, flow.decryption.failed), (1, 0));
        // The same again is a retransmission or a duplicate: it opens, too.
        assert!(flow.open(C, &bytes(record), None).is_some());
    }
}

#[test]
fn connection_ids_and_short_headers_are_authenticated_as_they_stand() {
    let mut flow = Flow::new(0x1304);
    let record = bytes(WITH_CONNECTION_ID);
    assert_eq!(flow.open(C, &record, Some(3)), Some((23, "with a connection id".into())));
    let mut changed = record;
    changed[2] ^= 1;
    assert_eq!(flow.open(C, &changed, Some(3)), None);
    // Padding behind the content's type goes, too.
    assert_eq!(Flow::new(0x1303).open(C, &bytes(SHORT), None), Some((23, "short header".into())));
}

#[test]
fn key_updates_are_followed_by_epoch() {
    let mut flow = Flow::new(0x1301);
    assert!(flow.open(C, &bytes(AES_128_GCM), None).is_some());
    assert_eq!(flow.open(C, &bytes(AFTER_ONE_UPDATE), None), Some((23, "after one update".into())));
    // One that comes late.
    assert!(flow.open(C, &bytes(AES_128_GCM), None).is_some());
    assert_eq!(flow.open(C, &bytes(AFTER_TWO_UPDATES), None), Some((23, "after two updates".into())));
    assert_eq!(flow.decryption.failed, 0);
}

#[test]
fn numbers_beyond_what_is_sent_are_counted_on() {
    let mut flow = Flow::new(0x1301);
    assert_eq!(flow.open(C, &bytes(NUMBER_0X10003), None), None, "3 is nearer to the start");
    flow.keys.halves[C.index()].epochs[0].next = 0xfff0;
    assert_eq!(flow.open(C, &bytes(NUMBER_0X10003), None), Some((23, "beyond sixteen bits".into())));
}

#[test]
fn what_has_no_key_is_no_failure_and_what_was_changed_is() {
    let mut flow = Flow::new(0x1301);
    let mut record = bytes(AES_128_GCM);
    assert_eq!(flow.open(S, &record, None), None);
    assert_eq!(flow.decryption.failed, 0);
    let last = record.len() - 1;
    record[last] ^= 1;
    for _ in 0..100 {
        assert_eq!(flow.open(C, &record, None), None);
    }
    assert_eq!(flow.decryption.failed, u64::from(limits::MAX_TLS_FAILURES));
}
