//! A matrix of deliberate faults: two rustls endpoints in memory, something broken, and what wireglass must say of it.
//! Good handshakes stand beside them: of those nothing must be said.
#[path = "tls_matrix/ocsp.rs"]
mod ocsp;
#[path = "tls_matrix/pki.rs"]
mod pki;
#[path = "tls_matrix/shown.rs"]
mod shown;
#[path = "tls_matrix/wire.rs"]
mod wire;

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use ocsp::{Staple, Status};
use pki::{Authority, HOST, Identity, authority, identity, intermediate, leaf, root, self_signed, valid};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, NameConstraints};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring as provider},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{ResolvesServerCertUsingSni, WebPkiClientVerifier},
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use serde_json::Value;
use wire::{CAPTURED, End, ROUND_TRIP_NS, Wire};

const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS13, &TLS12];
const OLD: &[&rustls::SupportedProtocolVersion] = &[&TLS12];
const NEW: &[&rustls::SupportedProtocolVersion] = &[&TLS13];

/// The capture's time, for endpoints that check dates.
#[derive(Debug)]
struct Captured;

impl TimeProvider for Captured {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(CAPTURED as u64)))
    }
}

/// Accepts every certificate, and knows only some signature schemes.
#[derive(Debug)]
struct Careless(Vec<SignatureScheme>);

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

/// What is done with the bytes of one flight in place of passing them on.
enum Instead {
    Pass,
    Change(Vec<u8>),
    /// These bytes come from the other side, and the end.
    Answer(Vec<u8>),
    /// The other side closes.
    Fin,
    /// The other side resets.
    Reset,
    /// Nothing comes any more.
    Silence,
}

type Tamper = fn(End, usize, &[u8]) -> Instead;

/// A key log in memory.
#[derive(Debug, Default)]
struct Log(Mutex<String>);

impl rustls::KeyLog for Log {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        *self.0.lock().unwrap() += &format!("{label} {} {}\n", hex(client_random), hex(secret));
    }
}

/// Two endpoints.
struct Setup<'a> {
    versions: [&'static [&'static rustls::SupportedProtocolVersion]; 2],
    providers: [CryptoProvider; 2],
    identity: Identity,
    /// What the client trusts; null is everything.
    trusts: Option<&'a Authority>,
    schemes: Vec<SignatureScheme>,
    /// Whose certificates the server wants of the client.
    wants: Option<&'a Authority>,
    client: Option<Identity>,
    protocols: [Vec<Vec<u8>>; 2],
    /// The server serves this name only.
    serves: Option<&'static str>,
    staple: Vec<u8>,
    /// How both sides compress their certificates (RFC 8879).
    compression: Option<&'static shown::Compression>,
    /// The client's key log.
    log: Arc<Log>,
    tamper: Tamper,
    /// The server's last words are missing.
    abrupt: bool,
    /// Nanoseconds that each end thinks before it sends.
    thinks: [i64; 2],
}

fn setup(identity: Identity) -> Setup<'static> {
    Setup {
        versions: [OLD, OLD],
        providers: [provider::default_provider(), provider::default_provider()],
        identity,
        trusts: None,
        schemes: vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256],
        wants: None,
        client: None,
        protocols: [Vec::new(), Vec::new()],
        serves: None,
        staple: Vec::new(),
        compression: None,
        log: Arc::default(),
        tamper: |_, _, _| Instead::Pass,
        abrupt: false,
        thinks: [0, 0],
    }
}

impl Setup<'_> {
    fn endpoints(&mut self) -> (rustls::Connection, rustls::Connection) {
        let [mine, theirs] = self.providers.clone().map(Arc::new);
        let builder = ClientConfig::builder_with_details(mine, Arc::new(Captured));
        let builder = builder.with_protocol_versions(self.versions[0]).unwrap();
        let builder = match self.trusts {
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der.clone()).unwrap();
                builder.with_root_certificates(roots)
            }
            None => {
                let careless = Arc::new(Careless(self.schemes.clone()));
                builder.dangerous().with_custom_certificate_verifier(careless)
            }
        };
        let mut client = match self.client.take() {
            Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        client.alpn_protocols = self.protocols[0].clone();
        client.key_log = Arc::clone(&self.log) as Arc<dyn rustls::KeyLog>;
        if let Some(compression) = self.compression {
            client.cert_compressors = vec![compression];
            client.cert_decompressors = vec![compression];
        }
        let builder = ServerConfig::builder_with_details(theirs.clone(), Arc::new(Captured));
        let builder = builder.with_protocol_versions(self.versions[1]).unwrap();
        let builder = match self.wants {
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), theirs.clone());
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
            None => builder.with_no_client_auth(),
        };
        let (chain, key) = (self.identity.chain.clone(), self.identity.key.clone_key());
        let mut server = match self.serves {
            Some(name) => {
                let mut names = ResolvesServerCertUsingSni::new();
                let certified = rustls::sign::CertifiedKey::from_der(chain, key, &theirs).unwrap();
                names.add(name, certified).unwrap();
                builder.with_cert_resolver(Arc::new(names))
            }
            None => builder.with_single_cert_with_ocsp(chain, key, self.staple.clone()).unwrap(),
        };
        server.alpn_protocols = self.protocols[1].clone();
        if let Some(compression) = self.compression {
            server.cert_compressors = vec![compression];
            server.cert_decompressors = vec![compression];
        }
        let name = ServerName::try_from(HOST).unwrap();
        let client = ClientConnection::new(Arc::new(client), name).unwrap();
        (client.into(), ServerConnection::new(Arc::new(server)).unwrap().into())
    }

    /// Lets them talk; answers the capture.
    fn capture(mut self) -> Vec<u8> {
        let (client, server) = self.endpoints();
        let mut ends = [client, server];
        let mut broken = [false; 2];
        let mut wire = Wire::open(443);
        let mut flights = [0_usize; 2];
        let mut asked = false;
        for turn in 0..40 {
            let (me, you, from) = if turn % 2 == 0 { (0, 1, End::Client) } else { (1, 0, End::Server) };
            if me == 0 && !asked && !ends[0].is_handshaking() && !broken[0] {
                asked = true;
                ends[0].writer().write_all(b"GET / HTTP/1.1\r\nHost: www.matrix.example\r\n\r\n").unwrap();
            }
            let mut bytes = Vec::new();
            while ends[me].wants_write() {
                ends[me].write_tls(&mut bytes).unwrap();
            }
            if bytes.is_empty() {
                if broken[me] || (turn > 2 && ends.iter().all(|end| !end.is_handshaking()) && asked && me == 1) {
                    break;
                }
                continue;
            }
            let flight = flights[me];
            flights[me] += 1;
            if flight > 0 || me == 1 {
                wire.wait(self.thinks[me]);
            }
            match (self.tamper)(from, flight, &bytes) {
                Instead::Pass => {}
                Instead::Change(other) => bytes = other,
                Instead::Answer(other) => {
                    wire.send(from, &bytes);
                    wire.send(from.other(), &other);
                    wire.close(from.other());
                    return wire.into_pcap();
                }
                Instead::Fin => {
                    wire.send(from, &bytes);
                    wire.close(from.other());
                    return wire.into_pcap();
                }
                Instead::Reset => {
                    wire.send(from, &bytes);
                    wire.reset(from.other());
                    return wire.into_pcap();
                }
                Instead::Silence => {
                    wire.send(from, &bytes);
                    wire.wait(60_000_000_000);
                    wire.elsewhere();
                    return wire.into_pcap();
                }
            }
            wire.send(from, &bytes);
            if broken[me] {
                wire.close(from);
                return wire.into_pcap();
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() && !broken[you] {
                ends[you].read_tls(&mut rest).unwrap();
                broken[you] = ends[you].process_new_packets().is_err();
            }
            let mut text = [0; 4096];
            if let Ok(length) = ends[you].reader().read(&mut text)
                && length > 0
                && you == 1
            {
                ends[1].writer().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            }
        }
        assert!(!self.abrupt || ends.iter().all(|end| !end.is_handshaking()), "nothing to be abrupt about");
        for (me, from) in [(1, End::Server), (0, End::Client)] {
            if !broken[me] && !self.abrupt {
                ends[me].send_close_notify();
                let mut bytes = Vec::new();
                while ends[me].wants_write() {
                    ends[me].write_tls(&mut bytes).unwrap();
                }
                wire.send(from, &bytes);
            }
        }
        wire.close(End::Server);
        wire.into_pcap()
    }
}

/// What is expected; null in place of a word is null in the record.
struct Expected {
    outcome: &'static str,
    code: Option<&'static str>,
    cause: Option<&'static str>,
    verification: Option<&'static str>,
    /// Codes of all findings, sorted.
    findings: &'static [&'static str],
}

fn good(verification: Option<&'static str>) -> Expected {
    Expected { outcome: "established", code: None, cause: None, verification, findings: &[] }
}

fn would_be_refused(verification: &'static str, findings: &'static [&'static str]) -> Expected {
    Expected { verification: Some(verification), findings, ..good(None) }
}

fn failed(code: &'static str, cause: &'static str, findings: &'static [&'static str]) -> Expected {
    Expected { outcome: "failed", code: Some(code), cause: Some(cause), verification: None, findings }
}

fn refused(code: &'static str, verification: &'static str, findings: &'static [&'static str]) -> Expected {
    Expected { verification: Some(verification), ..failed(code, "certificate_refused", findings) }
}

/// Runs wireglass over captures, trusting one authority.
struct Judge {
    ca: std::path::PathBuf,
    /// A key log, where records are to be opened.
    keys: Option<std::path::PathBuf>,
    wrong: Vec<String>,
    cases: usize,
}

impl Judge {
    fn new(trusted: &Authority, name: &str) -> Self {
        let ca = std::env::temp_dir().join(format!("wireglass-matrix-{name}-{}.pem", std::process::id()));
        std::fs::write(&ca, &trusted.pem).unwrap();
        Self { ca, keys: None, wrong: Vec::new(), cases: 0 }
    }

    fn records(&self, pcap: &[u8]) -> Vec<Value> {
        let mut run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
            .args(["-", "--format", "ndjson", "--only", "tls,findings,certificates", "--now", "2024-06-20", "--ca"])
            .arg(&self.ca)
            .args(self.keys.iter().flat_map(|keys| [std::ffi::OsStr::new("--keylog"), keys.as_os_str()]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        run.stdin.take().unwrap().write_all(pcap).unwrap();
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn case(&mut self, name: &str, setup: Setup<'_>, expected: &Expected) -> Vec<Value> {
        self.pcap(name, &setup.capture(), expected)
    }

    /// With the client's key log.
    fn opened(&mut self, name: &str, setup: Setup<'_>, expected: &Expected) -> Vec<Value> {
        let log = Arc::clone(&setup.log);
        let pcap = setup.capture();
        let keys = self.ca.with_extension("keys");
        std::fs::write(&keys, log.0.lock().unwrap().as_bytes()).unwrap();
        self.keys = Some(keys.clone());
        let records = self.pcap(name, &pcap, expected);
        self.keys = None;
        std::fs::remove_file(keys).unwrap();
        records
    }

    fn pcap(&mut self, name: &str, pcap: &[u8], expected: &Expected) -> Vec<Value> {
        self.cases += 1;
        if let Some(folder) = std::env::var_os("WIREGLASS_MATRIX") {
            std::fs::write(std::path::Path::new(&folder).join(name.replace(' ', "_") + ".pcap"), pcap).unwrap();
        }
        let records = self.records(pcap);
        let tls: Vec<&Value> = records.iter().filter(|record| record["type"] == "tls").collect();
        let null = Value::Null;
        let first = tls.first().copied().unwrap_or(&null);
        let mut expect = |what: &str, found: &Value, expected: Option<&str>| {
            if found.as_str() != expected || (expected.is_none() && !found.is_null()) {
                self.wrong.push(format!("{name}: {what}: found {found}, expected {expected:?}"));
            }
        };
        expect("outcome", &first["outcome"], Some(expected.outcome).filter(|outcome| !outcome.is_empty()));
        expect("failure", &first["failure"]["code"], expected.code);
        expect("cause", &first["failure"]["cause"], expected.cause);
        expect("verification", &first["verification"]["reason"], expected.verification);
        let mut codes: Vec<&str> = records.iter().filter_map(|record| record["code"].as_str()).collect();
        // What TCP has to say is another test's.
        codes.retain(|code| !code.starts_with("tcp."));
        codes.sort_unstable();
        if codes != expected.findings {
            self.wrong.push(format!("{name}: findings: found {codes:?}, expected {:?}", expected.findings));
        }
        records
    }

    fn finish(self, least: usize) {
        let _ = std::fs::remove_file(&self.ca);
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.cases >= least, "{} cases only", self.cases);
    }
}

#[test]
fn good_handshakes_are_passed_over() {
    let root = root("Matrix Root");
    let below = intermediate(authority("Matrix Intermediate"), &root);
    let serve = || identity(&leaf(HOST), &below, &[&below]);
    let mut judge = Judge::new(&root, "good");
    let ok = good(Some("ok"));
    judge.case("tls 1.2", Setup { trusts: Some(&root), ..setup(serve()) }, &ok);
    judge.case("tls 1.2, any", setup(serve()), &ok);
    judge.case("tls 1.3", Setup { versions: [BOTH, BOTH], trusts: Some(&root), ..setup(serve()) }, &good(None));
    let mut one_group = provider::default_provider();
    one_group.kx_groups = vec![provider::kx_group::SECP384R1];
    let hello_retry = Setup {
        versions: [NEW, NEW],
        providers: [provider::default_provider(), one_group],
        trusts: Some(&root),
        ..setup(serve())
    };
    judge.case("tls 1.3 with a HelloRetryRequest", hello_retry, &good(None));
    let client = || Some(identity(&client_leaf(), &root, &[]));
    let mutual =
        |versions| Setup { versions, trusts: Some(&root), wants: Some(&root), client: client(), ..setup(serve()) };
    judge.case("client certificate, 1.2", mutual([OLD, OLD]), &ok);
    judge.case("client certificate, 1.3", mutual([NEW, NEW]), &good(None));
    let protocols = [vec![b"h2".to_vec(), b"http/1.1".to_vec()], vec![b"http/1.1".to_vec()]];
    judge.case("alpn", Setup { protocols, trusts: Some(&root), ..setup(serve()) }, &ok);
    let mut numbered = leaf(HOST);
    numbered.serial_number = Some(SERIAL.to_vec().into());
    let staple = Staple::about(&below, &SERIAL, Status::Good).der();
    let stapled = Setup { staple, trusts: Some(&root), ..setup(identity(&numbered, &below, &[&below])) };
    judge.case("good staple", stapled, &ok);
    let records = judge.case("explained", setup(serve()), &ok);
    let tls = records.iter().find(|record| record["type"] == "tls").unwrap();
    assert_eq!(tls["verification"]["host"], HOST);
    assert_eq!(tls["verification"]["now"]["reason"], "ok");
    let names: Vec<&str> =
        tls["phases"].as_array().unwrap().iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["client_hello", "server_hello", "certificate"], "{names:?}");
    judge.finish(9);
}

fn client_leaf() -> rcgen::CertificateParams {
    client_leaf_for("alice")
}

const SERIAL: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

#[test]
fn faulty_certificates_are_named() {
    let (root, other) = (root("Matrix Root"), root("Unrelated Root"));
    let below = intermediate(authority("Matrix Intermediate"), &root);
    let mut judge = Judge::new(&root, "certificates");
    let strict = |identity: Identity| Setup { trusts: Some(&root), ..setup(identity) };

    // Each once with a client that checks and once with one that does not: "was" and "would be" refused.
    let mut expired = leaf(HOST);
    valid(&mut expired, (2023, 1, 1), (2024, 6, 1));
    let codes = &["tls.alert", "tls.certificate-expired"];
    let fault = || identity(&expired, &below, &[&below]);
    judge.case("expired", strict(fault()), &refused("certificate_expired", "expired", codes));
    judge.case("expired, accepted", setup(fault()), &would_be_refused("expired", &codes[1..]));

    let mut early = leaf(HOST);
    valid(&mut early, (2024, 7, 1), (2025, 7, 1));
    let codes = &["tls.alert", "tls.certificate-not-yet-valid"];
    let fault = || identity(&early, &below, &[&below]);
    judge.case("not yet valid", strict(fault()), &refused("certificate_expired", "not_yet_valid", codes));
    judge.case("not yet valid, accepted", setup(fault()), &would_be_refused("not_yet_valid", &codes[1..]));

    let codes = &["tls.alert", "tls.name-mismatch"];
    let fault = || identity(&leaf("other.matrix.example"), &below, &[&below]);
    judge.case("wrong host", strict(fault()), &refused("bad_certificate", "wrong_host", codes));
    judge.case("wrong host, accepted", setup(fault()), &would_be_refused("wrong_host", &codes[1..]));
    let wildcard = |host: &str| identity(&leaf(host), &below, &[&below]);
    judge.case("wildcard", strict(wildcard("*.matrix.example")), &good(Some("ok")));
    let deep = setup(wildcard("*.example"));
    judge.case("wildcard for one label only", deep, &would_be_refused("wrong_host", &["tls.name-mismatch"]));

    let codes = &["tls.alert", "tls.self-signed"];
    judge.case("self-signed", strict(self_signed(&leaf(HOST))), &refused("unknown_ca", "self_signed", codes));
    judge.case("self-signed, accepted", setup(self_signed(&leaf(HOST))), &would_be_refused("self_signed", &codes[1..]));

    let codes = &["tls.alert", "tls.unknown-ca"];
    let elsewhere = intermediate(authority("Other Intermediate"), &other);
    let fault = || identity(&leaf(HOST), &elsewhere, &[&elsewhere]);
    judge.case("unknown authority", strict(fault()), &refused("unknown_ca", "unknown_ca", codes));
    judge.case("unknown authority, accepted", setup(fault()), &would_be_refused("unknown_ca", &codes[1..]));
    let with_root = || identity(&leaf(HOST), &elsewhere, &[&elsewhere, &other]);
    judge.case("unknown root sent", setup(with_root()), &would_be_refused("unknown_ca", &codes[1..]));
    let direct = || identity(&leaf(HOST), &other, &[]);
    judge.case("issued by an unknown root", setup(direct()), &would_be_refused("unknown_ca", &codes[1..]));

    let codes = &["tls.alert", "tls.missing-intermediate"];
    let fault = || identity(&leaf(HOST), &below, &[]);
    judge.case("missing intermediate", strict(fault()), &refused("unknown_ca", "missing_intermediate", codes));
    judge.case(
        "missing intermediate, accepted",
        setup(fault()),
        &would_be_refused("missing_intermediate", &codes[1..]),
    );
    let unrelated = || identity(&leaf(HOST), &below, &[&elsewhere]);
    judge.case("wrong intermediate sent", setup(unrelated()), &would_be_refused("missing_intermediate", &codes[1..]));
    let disordered = || {
        let second = intermediate(authority("Second Intermediate"), &below);
        identity(&leaf(HOST), &second, &[&below, &second])
    };
    judge.case("intermediates in another order", strict(disordered()), &good(Some("ok")));

    let mut old = authority("Old Intermediate");
    valid(&mut old, (2020, 1, 1), (2024, 1, 1));
    let old = intermediate(old, &root);
    let fault = || identity(&leaf(HOST), &old, &[&old]);
    let codes = &["tls.alert", "tls.certificate-expired"];
    judge.case("expired intermediate", strict(fault()), &refused("certificate_expired", "expired", codes));

    let codes = &["tls.certificate-chain"];
    let purpose = identity(&client_leaf_for(HOST), &below, &[&below]);
    judge.case("for clients only", setup(purpose), &would_be_refused("wrong_purpose", codes));
    let mut no_ca = leaf("Not an authority");
    no_ca.extended_key_usages.clear();
    let no_ca = intermediate(no_ca, &root);
    let fault = identity(&leaf(HOST), &no_ca, &[&no_ca]);
    judge.case("issued by no authority", setup(fault), &would_be_refused("not_a_ca", codes));
    let mut bound = authority("Bound Intermediate");
    bound.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("elsewhere.example".into())],
        excluded_subtrees: Vec::new(),
    });
    let bound = intermediate(bound, &root);
    let fault = identity(&leaf(HOST), &bound, &[&bound]);
    judge.case("name constraints", setup(fault), &would_be_refused("name_constraints", codes));
    let mut short = authority("Short Intermediate");
    short.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = intermediate(short, &root);
    let longer = intermediate(authority("One Too Many"), &short);
    let fault = identity(&leaf(HOST), &longer, &[&longer, &short]);
    judge.case("path length", setup(fault), &would_be_refused("path_length", codes));

    let codes = &["tls.invalid-signature"];
    let altered = || {
        let mut identity = identity(&leaf(HOST), &below, &[&below]);
        let mut der = identity.chain[0].to_vec();
        // In the signature's last number.
        *der.last_mut().unwrap() ^= 1;
        identity.chain[0] = der.into();
        identity
    };
    judge.case("altered certificate", setup(altered()), &would_be_refused("invalid_signature", codes));

    let mut soon = leaf(HOST);
    valid(&mut soon, (2024, 1, 1), (2024, 7, 10));
    let fault = identity(&soon, &below, &[&below]);
    judge.case("expires soon", strict(fault), &would_be_refused("ok", &["tls.certificate-expires"]));

    let mut numbered = leaf(HOST);
    numbered.serial_number = Some(SERIAL.to_vec().into());
    let stapled = |status| Setup {
        staple: Staple::about(&below, &SERIAL, status).der(),
        ..strict(identity(&numbered, &below, &[&below]))
    };
    judge.case(
        "revoked by staple",
        stapled(Status::Revoked),
        &would_be_refused("revoked_by_staple", &["tls.certificate-revoked"]),
    );
    judge.case("good staple", stapled(Status::Good), &good(Some("ok")));

    // In TLS 1.3 the certificate is encrypted: nothing is said of it, and the refusal is known by its size and place.
    let hidden = |identity| Setup { versions: [NEW, NEW], ..strict(identity) };
    let probably = failed("encrypted_alert", "certificate_probably_refused", &["tls.handshake-incomplete"]);
    judge.case("unknown authority, 1.3", hidden(identity(&leaf(HOST), &elsewhere, &[&elsewhere])), &probably);
    judge.case("expired, 1.3", hidden(identity(&expired, &below, &[&below])), &probably);
    judge.finish(29);
}

fn client_leaf_for(host: &str) -> rcgen::CertificateParams {
    let mut parameters = leaf(host);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    parameters
}

#[test]
fn nothing_in_common_is_told_apart() {
    let root = root("Matrix Root");
    let serve = || identity(&leaf(HOST), &root, &[]);
    let mut judge = Judge::new(&root, "parameters");
    let alert = &["tls.alert"];
    let versions = |versions| Setup { versions, ..setup(serve()) };
    let none = failed("protocol_version", "no_common_version", alert);
    judge.case("client too old", versions([OLD, NEW]), &none);
    judge.case("server too old", versions([NEW, OLD]), &none);

    let suites = |client, server| {
        let mut providers = [provider::default_provider(), provider::default_provider()];
        providers[0].cipher_suites = vec![client];
        providers[1].cipher_suites = vec![server];
        providers
    };
    use provider::cipher_suite as s;
    let old = suites(s::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, s::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
    let none = failed("handshake_failure", "no_common_cipher_suite", alert);
    judge.case("no cipher suite, 1.2", Setup { providers: old, ..setup(serve()) }, &none);
    let new = suites(s::TLS13_AES_128_GCM_SHA256, s::TLS13_CHACHA20_POLY1305_SHA256);
    judge.case("no cipher suite, 1.3", Setup { providers: new, versions: [NEW, NEW], ..setup(serve()) }, &none);

    let groups = || {
        let mut providers = [provider::default_provider(), provider::default_provider()];
        providers[0].kx_groups = vec![provider::kx_group::X25519];
        providers[1].kx_groups = vec![provider::kx_group::SECP384R1];
        providers
    };
    let none = failed("handshake_failure", "no_common_group", alert);
    judge.case("no group, 1.3", Setup { providers: groups(), versions: [NEW, NEW], ..setup(serve()) }, &none);
    judge.case("no group, 1.2", Setup { providers: groups(), ..setup(serve()) }, &none);

    // rustls itself breaks off without an alert here; OpenSSL's is put in its place.
    let none = failed("handshake_failure", "no_common_signature_algorithm", alert);
    let refuses: Tamper = |_, _, _| Instead::Answer(vec![21, 3, 3, 0, 2, 2, 40]);
    let schemes = || Setup { schemes: vec![SignatureScheme::ED25519], tamper: refuses, ..setup(serve()) };
    judge.case("no signature algorithm, 1.2", schemes(), &none);
    judge.case("no signature algorithm, 1.3", Setup { versions: [NEW, NEW], ..schemes() }, &none);

    let protocols = || [vec![b"h2".to_vec()], vec![b"mqtt".to_vec()]];
    let none = failed("no_application_protocol", "no_common_application_protocol", alert);
    judge.case("no application protocol", Setup { protocols: protocols(), ..setup(serve()) }, &none);

    let mut elsewhere = setup(identity(&leaf("elsewhere.example"), &root, &[]));
    elsewhere.serves = Some("elsewhere.example");
    judge.case("unknown name", elsewhere, &failed("access_denied", "unknown_server_name", alert));

    // Client certificates: in TLS 1.2 they are to be seen.
    let asks = |client, versions| Setup { wants: Some(&root), client, versions, ..setup(serve()) };
    let missing = failed("certificate_required", "client_certificate_missing", alert);
    let with_ok = |expected: Expected| Expected { verification: Some("ok"), ..expected };
    judge.case("client certificate missing, 1.2", asks(None, [OLD, OLD]), &with_ok(missing));
    let stranger = pki::root("Stranger");
    let strange = || Some(identity(&client_leaf(), &stranger, &[]));
    let both = &["tls.alert", "tls.client-certificate"];
    let wrong = failed("unknown_ca", "client_certificate_refused", both);
    judge.case("client certificate unknown, 1.2", asks(strange(), [OLD, OLD]), &with_ok(wrong));
    let probably = || failed("encrypted_alert", "client_certificate_probably_refused", &["tls.handshake-incomplete"]);
    judge.case("client certificate missing, 1.3", asks(None, [NEW, NEW]), &probably());
    judge.case("client certificate unknown, 1.3", asks(strange(), [NEW, NEW]), &probably());
    judge.finish(14);
}

#[test]
fn ends_and_strangers_are_told() {
    let root = root("Matrix Root");
    let serve = || identity(&leaf(HOST), &root, &[]);
    let mut judge = Judge::new(&root, "ends");
    let tampered = |tamper: Tamper| Setup { tamper, ..setup(serve()) };
    fn at(from: End, flight: usize, wanted: (End, usize), then: Instead) -> Instead {
        if (from, flight) == wanted { then } else { Instead::Pass }
    }
    const HELLO: (End, usize) = (End::Client, 0);
    const FLIGHT: (End, usize) = (End::Server, 0);
    let broken = &["tls.handshake-incomplete"];
    let after_hello = |code| failed(code, "broken_off_after_hello", broken);
    judge.case("FIN after the hello", tampered(|f, n, _| at(f, n, HELLO, Instead::Fin)), &after_hello("closed"));
    judge.case("RST after the hello", tampered(|f, n, _| at(f, n, HELLO, Instead::Reset)), &after_hello("reset"));
    let silent = tampered(|f, n, _| at(f, n, HELLO, Instead::Silence));
    judge.case("silence after the hello", silent, &failed("silence", "silence", &["tls.no-answer"]));
    let quiet = |code| Expected { verification: Some("ok"), ..failed(code, "certificate_probably_refused", broken) };
    judge.case("FIN after the certificate", tampered(|f, n, _| at(f, n, FLIGHT, Instead::Fin)), &quiet("closed"));
    judge.case("RST after the certificate", tampered(|f, n, _| at(f, n, FLIGHT, Instead::Reset)), &quiet("reset"));
    let silent = tampered(|f, n, _| at(f, n, FLIGHT, Instead::Silence));
    let expected = Expected { verification: Some("ok"), ..failed("silence", "silence", &["tls.no-answer"]) };
    judge.case("silence after the certificate", silent, &expected);

    let stranger = failed("not_tls", "not_tls", &["tls.not-tls"]);
    let http = tampered(|f, n, _| {
        at(f, n, HELLO, Instead::Answer(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec()))
    });
    judge.case("TLS to an HTTP port", http, &stranger);
    let ssh = tampered(|f, n, _| at(f, n, HELLO, Instead::Answer(b"Invalid SSH identification string.\r\n".to_vec())));
    judge.case("TLS to an SSH port", ssh, &stranger);
    let smtp = tampered(|f, n, _| at(f, n, HELLO, Instead::Answer(b"220 mail.example ESMTP\r\n".to_vec())));
    judge.case("TLS to an SMTP port", smtp, &stranger);

    let nothing = |findings| Expected { outcome: "", findings, ..good(None) };
    let mut wire = Wire::open(443);
    wire.send(End::Client, b"GET / HTTP/1.1\r\nHost: www.matrix.example\r\n\r\n");
    wire.send(End::Server, &[21, 3, 3, 0, 2, 2, 10]);
    wire.close(End::Server);
    judge.pcap("HTTP to a TLS port", &wire.into_pcap(), &nothing(&["http.no-response", "http.to-tls-port"]));
    let mut wire = Wire::open(443);
    wire.send(End::Client, b"SSH-2.0-OpenSSH_9.6\r\n");
    wire.send(End::Server, &[21, 3, 3, 0, 2, 2, 70]);
    wire.close(End::Server);
    let both = nothing(&["tls.alert", "tls.plain-text-to-tls-port"]);
    judge.pcap("SSH to a TLS port", &wire.into_pcap(), &both);

    // A bit of the client's Finished turned over on the way.
    let flipped = tampered(|from, flight, bytes| {
        let mut other = bytes.to_vec();
        *other.last_mut().unwrap() ^= 1;
        at(from, flight, (End::Client, 1), Instead::Change(other))
    });
    let garbled = Expected { verification: Some("ok"), ..failed("bad_record_mac", "keys_disagree", &["tls.alert"]) };
    judge.case("a bit turned over", flipped, &garbled);
    // A hello whose session id is longer than the message.
    let damaged = tampered(|from, flight, bytes| {
        let mut other = bytes.to_vec();
        if from == End::Client {
            other[43] = 255;
        }
        at(from, flight, HELLO, Instead::Change(other))
    });
    let records = judge.records(&damaged.capture());
    assert!(records.iter().any(|record| record["code"] == "tls.alert"), "{records:?}");

    let abrupt = Setup { abrupt: true, ..setup(serve()) };
    let expected = Expected { findings: &["tls.no-close-notify"], ..good(Some("ok")) };
    judge.case("no close_notify", abrupt, &expected);
    let cut = tampered(|from, flight, bytes| {
        let cut = bytes.get(..bytes.len() - 3).unwrap_or_default().to_vec();
        at(from, flight, (End::Server, 2), Instead::Change(cut))
    });
    let expected = Expected { findings: &["tls.truncated"], ..good(Some("ok")) };
    judge.case("cut in a record", Setup { abrupt: true, ..cut }, &expected);
    judge.finish(14);
}

#[test]
fn time_is_told_by_whose_it_was() {
    const MS: i64 = 1_000_000;
    let root = root("Matrix Root");
    let judge = Judge::new(&root, "time");
    let cases = [
        ("nobody", [0, 0], ["network", "client"]),
        ("the server", [0, 300 * MS], ["server", "client"]),
        ("the client", [150 * MS, 0], ["network", "client"]),
        ("both", [70 * MS, 90 * MS], ["server", "client"]),
    ];
    for (name, thinks, whose) in cases {
        for versions in [[OLD, OLD], [NEW, NEW]] {
            let identity = identity(&leaf(HOST), &root, &[]);
            let records = judge.records(&Setup { versions, thinks, ..setup(identity) }.capture());
            let tls = records.iter().find(|record| record["type"] == "tls").unwrap();
            let phases = tls["phases"].as_array().unwrap();
            let phase = |wanted: &dyn Fn(&Value) -> bool| phases.iter().find(|phase| wanted(phase)).unwrap();
            let hello = phase(&|phase| phase["name"] == "server_hello");
            let answer = phase(&|phase| phase["side"] == "client" && phase["name"] != "client_hello");
            // The wire adds 50 us for the acknowledgement before and 100 us for the segment itself.
            let expected = ROUND_TRIP_NS + thinks[1];
            let took = hello["since_previous_ns"].as_i64().unwrap();
            assert!((took - expected).abs() <= MS / 2, "{name}: server_hello after {took}, set {expected}");
            let took = answer["since_previous_ns"].as_i64().unwrap();
            assert!((took - thinks[0]).abs() <= MS / 2, "{name}: the client's answer after {took}, set {}", thinks[0]);
            assert_eq!(hello["waiting_for"], whose[0], "{name}: {phases:?}");
            assert_eq!(answer["waiting_for"], whose[1], "{name}: {phases:?}");
        }
    }
    judge.finish(0);
}
