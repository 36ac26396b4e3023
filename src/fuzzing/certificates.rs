//! What the sides of a TLS handshake show of themselves: certificates, staples, timestamps. Around the fuzzed bytes stands a
//! handshake that is right, so that they are reached at once.
use std::sync::Arc;

use crate::{
    app::{
        Carrier, Said, Sink,
        tls::{self, trust::Trust, verification::Verifier},
    },
    limits,
    record::{
        Certainty, Context, Direction, Endpoint, FlowFacts, FlowId, Input, PacketNumber, PacketRef, Record, Secrets,
        Side, Timestamp, Transport,
    },
};

/// 2024-06-15 12:00:00 UTC, when the seeds were captured.
const CAPTURED_NS: i64 = 1_718_452_800_000_000_000;

/// A chain: the first byte says of which version and of which side, and how it is compressed; then each certificate behind
/// two bytes of length.
pub fn tls_certificate(bytes: &[u8]) {
    let Some((flags, rest)) = bytes.split_first() else { return };
    let chain = chain(rest);
    let shown = Shown { flags: *flags, chain, timestamps: &[], response: None };
    let records = shown.twice();
    let count = records.iter().filter(|record| matches!(record, Record::Certificate(_))).count();
    assert!(count <= limits::MAX_CERTIFICATES, "{count} certificates");
    for record in &records {
        if let Record::Certificate(certificate) = record {
            assert!(certificate.der.len() as u64 == certificate.der_length && certificate.sha256.len() == 64);
            assert!(certificate.scts.len() <= 2 * limits::MAX_SCTS);
        }
        if let Record::Tls(tls) = record {
            for verdict in tls.verification.iter().chain(&tls.client_verification) {
                assert_eq!(verdict.ok, verdict.reasons.is_empty(), "{verdict:?}");
                assert!(verdict.reasons.is_sorted(), "{verdict:?}");
            }
        }
    }
}

/// A list of timestamps and an OCSP response, each behind two bytes of length, and the chain they come with, as above.
pub fn tls_staple(bytes: &[u8]) {
    let Some((flags, rest)) = bytes.split_first() else { return };
    let (timestamps, rest) = behind_length(rest);
    let (response, rest) = behind_length(rest);
    let shown = Shown { flags: *flags & 1, chain: chain(rest), timestamps, response: Some(response) };
    for record in shown.twice() {
        let Record::Tls(tls) = record else { continue };
        let Some(staple) = tls.ocsp_staple else { continue };
        assert!(staple.problems.is_sorted(), "{staple:?}");
        assert_eq!(staple.problems.is_empty(), staple.explanation.is_empty(), "{staple:?}");
        // Nothing is believed that nobody signed.
        assert!(staple.signed_by.is_some() || !staple.problems.is_empty(), "{staple:?}");
    }
}

/// What stands behind two bytes of length, and the rest.
fn behind_length(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes {
        [high, low, rest @ ..] => rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*high, *low])))),
        _ => (&[], &[]),
    }
}

fn chain(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut chain = Vec::new();
    while !bytes.is_empty() && chain.len() < 64 {
        let (der, rest) = behind_length(bytes);
        chain.push(der);
        bytes = rest;
    }
    chain
}

struct Shown<'a> {
    flags: u8,
    chain: Vec<&'a [u8]>,
    timestamps: &'a [u8],
    response: Option<&'a [u8]>,
}

fn u16_of(length: usize) -> [u8; 2] {
    (length.min(0xffff) as u16).to_be_bytes()
}

fn u24_of(length: usize) -> [u8; 3] {
    let [_, high, middle, low] = (length as u32).to_be_bytes();
    [high, middle, low]
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &u24_of(body.len()), body].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &u16_of(body.len()), body].concat()
}

fn extensions(all: &[Vec<u8>]) -> Vec<u8> {
    let all = all.concat();
    [&u16_of(all.len())[..], &all].concat()
}

impl Shown<'_> {
    fn is_tls13(&self) -> bool {
        self.flags & 1 == 1
    }

    fn client_hello() -> Vec<u8> {
        let name = b"www.matrix.example";
        let name = [&u16_of(name.len() + 3)[..], &[0], &u16_of(name.len()), name].concat();
        let asks = [extension(0, &name), extension(5, &[1, 0, 0, 0, 0]), extension(18, &[])];
        message(1, &[&[3, 3][..], &[1; 32], &[0, 0, 2, 0x13, 1, 1, 0], &extensions(&asks)].concat())
    }

    fn server_hello(&self) -> Vec<u8> {
        let (suite, said) = match self.is_tls13() {
            true => ([0x13, 1], vec![extension(43, &[3, 4])]),
            false => ([0xc0, 0x2f], vec![extension(5, &[]), extension(18, self.timestamps)]),
        };
        message(2, &[&[3, 3][..], &[2; 32], &[0], &suite, &[0], &extensions(&said)].concat())
    }

    /// The messages of who shows the chain.
    fn certificates(&self) -> Vec<u8> {
        let status = self.response.map(|response| [&[1][..], &u24_of(response.len()), response].concat());
        let mut list = Vec::new();
        for (place, der) in self.chain.iter().enumerate() {
            list.extend([&u24_of(der.len())[..], der].concat());
            if self.is_tls13() {
                let mut with = Vec::new();
                if place == 0 {
                    with.extend(status.iter().map(|status| extension(5, status)));
                    with.push(extension(18, self.timestamps));
                }
                list.extend(extensions(&with));
            }
        }
        let list = [&u24_of(list.len())[..], &list].concat();
        if !self.is_tls13() {
            let status = status.map(|status| message(22, &status)).unwrap_or_default();
            return [message(11, &list), status].concat();
        }
        let body = [&[0][..], &list].concat();
        match self.flags >> 2 & 3 {
            0 => message(11, &body),
            // The first certificate is what is compressed, and two bytes before it say to what length it unpacks.
            algorithm => {
                let first = self.chain.first().copied().unwrap_or_default();
                let (length, packed) = first.split_first_chunk().unwrap_or((&[0, 0], &[]));
                message(25, &[&[0, algorithm, 0][..], length, &u24_of(packed.len()), packed].concat())
            }
        }
    }

    /// All that is said, and the same again from a verifier that remembers.
    fn twice(&self) -> Vec<Record> {
        let mut verifier = Verifier::new(Arc::new(Trust::mozilla().with_now(1_800_000_000)));
        let first = self.run(&mut verifier);
        let second = self.run(&mut verifier);
        let json = |records: &[Record]| -> Vec<String> {
            records.iter().map(|record| serde_json::to_string(record).expect("every record has a JSON form")).collect()
        };
        assert_eq!(json(&first), json(&second), "what is remembered is another");
        first
    }

    fn run(&self, verifier: &mut Verifier) -> Vec<Record> {
        use Direction::{ClientToServer as Up, ServerToClient as Down};
        let carrier = if self.is_tls13() { Carrier::QuicCrypto } else { Carrier::Tcp };
        let mut session = (tls::PROTOCOL.session)(carrier);
        let side = if self.flags & 2 == 2 { Side::Client } else { Side::Server };
        let shows = if side == Side::Client { Up } else { Down };
        let done = message(14, &[]);
        let flights =
            [(Up, Self::client_hello()), (Down, self.server_hello()), (shows, self.certificates()), (Down, done)];
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let flow = FlowFacts {
            id: FlowId::default(),
            transport: Transport::Tcp,
            client: end(50_000),
            server: end(443),
            client_certainty: Certainty::Observed,
        };
        let mut said = Vec::new();
        let mut packet = PacketRef { index: 0, number: PacketNumber::new(0, 1), timestamp: Timestamp(CAPTURED_NS) };
        let mut seen = [false; 2];
        let mut ask = |input: Input<'_>, from_start| {
            packet.index += 1;
            packet.number = PacketNumber::new(0, packet.index + 1);
            let context = Context {
                flow: &flow,
                packet,
                origins: &[],
                from_start,
                round_trip_ns: None,
                server_round_trip_ns: None,
                hop_limit: None,
                secrets: Secrets::none(),
            };
            let sink = Sink::new(super::runs::everything(), true, &mut said);
            session.input(input, &context, &mut sink.with_verifier(Some(verifier)))
        };
        for (direction, messages) in flights {
            let pieces: Vec<Vec<u8>> = match carrier {
                Carrier::Tcp => {
                    messages.chunks(1 << 14).map(|part| [&[22, 3, 3][..], &u16_of(part.len()), part].concat()).collect()
                }
                _ => vec![messages],
            };
            let from_start = !std::mem::replace(&mut seen[direction.index()], true);
            let bytes = pieces.concat();
            ask(Input::Stream { direction, bytes: &bytes }, from_start);
        }
        ask(Input::Close, false);
        said.into_iter().filter_map(|said| if let Said::Record(record) = said { Some(record) } else { None }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{SctSource, Tls};

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = content.len() as u16;
        let head =
            if length < 128 { vec![tag, length as u8] } else { [&[tag, 0x82][..], &length.to_be_bytes()].concat() };
        [head, content].concat()
    }

    /// A list with one timestamp of the log whose id is `log`, 32 times.
    fn timestamps(log: u8) -> Vec<u8> {
        let one = [&[0][..], &[log; 32], &1_718_000_000_000_u64.to_be_bytes(), &[0, 0, 4, 3, 0, 0]].concat();
        [&u16_of(one.len() + 2)[..], &u16_of(one.len()), &one].concat()
    }

    /// A response about serial number 7 that nobody signed, with a timestamp.
    fn response(scts: &[u8]) -> Vec<u8> {
        let (time, hash) = (tlv(0x18, &[b"20240610000000Z"]), tlv(4, &[&[9; 20]]));
        let id = tlv(0x30, &[&tlv(0x30, &[&tlv(6, &[&[0x2b, 14, 3, 2, 26]])]), &hash, &hash, &tlv(2, &[&[7]])]);
        let oid = tlv(6, &[&[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 5]]);
        let with = tlv(0xa1, &[&tlv(0x30, &[&tlv(0x30, &[&oid, &tlv(4, &[&tlv(4, &[scts])])])])]);
        let single = tlv(0x30, &[&id, &[0x80, 0], &time, &with]);
        let data = tlv(0x30, &[&tlv(0xa2, &[&hash]), &time, &tlv(0x30, &[&single])]);
        let algorithm = tlv(0x30, &[&tlv(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]);
        let basic = tlv(4, &[&tlv(0x30, &[&data, &algorithm, &tlv(3, &[&[0, 1]])])]);
        let typed = tlv(0x30, &[&tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 48, 1, 1]]), &basic]);
        tlv(0x30, &[&[10, 1, 0], &tlv(0xa0, &[&typed])])
    }

    fn leaf() -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(vec!["www.matrix.example".to_owned()]).unwrap();
        parameters.serial_number = Some(vec![7].into());
        let list = tlv(4, &[&timestamps(1)]);
        let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
        parameters.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&oid, list)];
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn tls(records: &[Record]) -> &Tls {
        let tls = records.iter().find_map(|record| if let Record::Tls(tls) = record { Some(tls) } else { None });
        tls.expect("a handshake")
    }

    #[test]
    fn timestamps_from_all_three_places() {
        let (leaf, extension, response) = (leaf(), timestamps(2), response(&timestamps(3)));
        for flags in [0, 1] {
            let shown =
                Shown { flags, chain: vec![&leaf], timestamps: &extension, response: Some(response.as_slice()) };
            let records = shown.twice();
            let found: Vec<_> = records
                .iter()
                .filter_map(
                    |record| if let Record::Certificate(certificate) = record { Some(certificate) } else { None },
                )
                .collect();
            let [certificate] = &found[..] else { panic!("{} certificates", found.len()) };
            let scts: Vec<_> = certificate.scts.iter().map(|sct| (sct.source, sct.log_id.clone().unwrap())).collect();
            let expected = [SctSource::Certificate, SctSource::TlsExtension, SctSource::OcspStaple]
                .into_iter()
                .zip(1_u8..)
                .map(|(source, log)| (source, format!("{log:02x}").repeat(32)));
            assert_eq!(scts, expected.collect::<Vec<_>>(), "{flags}");
            let staple = tls(&records).ocsp_staple.as_ref().unwrap();
            assert_eq!((staple.serial.as_str(), staple.signed_by), ("7", None), "{flags}");
        }
    }

    #[test]
    fn a_certificate_that_no_staple_follows_is_not_lost() {
        let leaf = leaf();
        for flags in [0, 1, 2, 3] {
            let records = Shown { flags, chain: vec![&leaf, &leaf], timestamps: &[], response: None }.twice();
            let count = records.iter().filter(|record| matches!(record, Record::Certificate(_))).count();
            assert_eq!(count, 2, "{flags}");
            let tls = tls(&records);
            let (server, client) = (tls.certificates.len(), tls.client_certificates.len());
            assert_eq!((server, client), if flags & 2 == 0 { (2, 0) } else { (0, 2) }, "{flags}");
        }
    }
}
