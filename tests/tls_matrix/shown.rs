//! What the sides show of themselves besides a plain chain: staples, clients' certificates, compressed messages.
use std::io::{Read, Write};

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, KeyPair};
use rustls::{
    CertificateCompressionAlgorithm as Algorithm,
    compress::{CertCompressor, CertDecompressor, CompressionFailed, CompressionLevel, DecompressionFailed},
};
use serde_json::{Value, json};

use super::{
    BOTH, Expected, Judge, NEW, OLD, SERIAL, Setup, client_leaf, failed, good,
    ocsp::{self, Staple, Status},
    pki::{Authority, HOST, authority, identity, intermediate, leaf, root, valid},
    setup, would_be_refused,
};

/// A way to compress certificates, and whether it lies.
#[derive(Debug)]
pub struct Compression {
    algorithm: Algorithm,
    /// What comes out is something else than what went in.
    broken: bool,
}

impl CertCompressor for Compression {
    fn compress(&self, input: Vec<u8>, _: CompressionLevel) -> Result<Vec<u8>, CompressionFailed> {
        let packed = match self.algorithm {
            Algorithm::Zlib => {
                let mut packing = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
                packing.write_all(&input).unwrap();
                packing.finish().unwrap()
            }
            #[cfg(feature = "zstd")]
            Algorithm::Zstd => zstd::bulk::compress(&input, 3).unwrap(),
            // An uncompressed meta-block and the empty last one (RFC 7932 9.2).
            Algorithm::Brotli => {
                let header = (input.len() as u32 - 1) << 4 | 1 << 20;
                [&header.to_le_bytes()[..3], &input, &[3]].concat()
            }
            _ => input,
        };
        if self.broken {
            return Ok(packed[..packed.len() - 9].to_vec());
        }
        Ok(packed)
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl CertDecompressor for Compression {
    fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
        match self.algorithm {
            Algorithm::Zlib => {
                flate2::read::ZlibDecoder::new(input).read_exact(output).map_err(|_| DecompressionFailed)
            }
            #[cfg(feature = "zstd")]
            Algorithm::Zstd => {
                zstd::bulk::decompress_to_buffer(input, output).map(|_| ()).map_err(|_| DecompressionFailed)
            }
            Algorithm::Brotli => {
                output.copy_from_slice(&input[3..input.len() - 1]);
                Ok(())
            }
            _ => {
                output.copy_from_slice(input);
                Ok(())
            }
        }
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

const fn packs(algorithm: Algorithm) -> Compression {
    Compression { algorithm, broken: false }
}

static ZLIB: Compression = packs(Algorithm::Zlib);
static BROTLI: Compression = packs(Algorithm::Brotli);
static ZSTD: Compression = packs(Algorithm::Zstd);
static UNKNOWN: Compression = packs(Algorithm::Unknown(16384));
static BROKEN: Compression = Compression { algorithm: Algorithm::Zlib, broken: true };

fn tls(records: &[Value]) -> &Value {
    records.iter().find(|record| record["type"] == "tls").unwrap()
}

/// TLS feature: status_request (RFC 7633).
fn must_staple() -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5])
}

#[test]
fn staples_are_checked() {
    let root = root("Matrix Root");
    let below = intermediate(authority("Matrix Intermediate"), &root);
    let mut judge = Judge::new(&root, "staples");
    let mut numbered = leaf(HOST);
    numbered.serial_number = Some(SERIAL.to_vec().into());
    let about = |status| Staple::about(&below, &SERIAL, status);
    let serve =
        |staple: Vec<u8>| Setup { staple, trusts: Some(&root), ..setup(identity(&numbered, &below, &[&below])) };
    let invalid = would_be_refused("ok", &["tls.staple-invalid"]);
    // Both where the staple is a message of its own, and where it stands in the Certificate message.
    for (version, versions) in [("1.2", [OLD, OLD]), ("1.3", [NEW, NEW])] {
        let mut case = |name: &str, staple: Vec<u8>, expected: &Expected, signed_by: Value, problems: Value| {
            let name = format!("{name}, {version}");
            let records = judge.opened(&name, Setup { versions, ..serve(staple) }, expected);
            let staple = &tls(&records)["ocsp_staple"];
            assert_eq!(staple["signed_by"], signed_by, "{name}: {staple}");
            assert_eq!(staple["problems"], problems, "{name}: {staple}");
        };
        case("good", about(Status::Good).der(), &good(Some("ok")), json!("issuer"), json!([]));
        let by_key = Staple { by_key: true, ..about(Status::Good) };
        case("named by key", by_key.der(), &good(Some("ok")), json!("issuer"), json!([]));
        let revoked = would_be_refused("revoked_by_staple", &["tls.certificate-revoked"]);
        case("revoked", about(Status::Revoked).der(), &revoked, json!("issuer"), json!([]));
        let forged = Staple { forged: true, ..about(Status::Revoked) };
        case("forged", forged.der(), &invalid, Value::Null, json!(["wrong_signature"]));
        let other = Staple { serial: &[0x55, 1], ..about(Status::Revoked) };
        case("another certificate", other.der(), &invalid, json!("issuer"), json!(["other_certificate"]));
        let old = Staple { this_update: "20240501000000Z", next_update: "20240508000000Z", ..about(Status::Good) };
        case("out of date", old.der(), &invalid, json!("issuer"), json!(["outdated"]));
        let early = Staple { this_update: "20240616000000Z", ..about(Status::Good) };
        case("too early", early.der(), &invalid, json!("issuer"), json!(["not_yet_valid"]));
        // 2024-06-15 12:00 is when it was captured: four minutes may be a clock's.
        let late = Staple { next_update: "20240615115600Z", ..about(Status::Good) };
        case("a clock that is wrong by minutes", late.der(), &good(Some("ok")), json!("issuer"), json!([]));
        case("try later", ocsp::try_later(), &invalid, Value::Null, Value::Null);

        // Somebody else signs.
        let certify = |purpose: Option<ExtendedKeyUsagePurpose>, by: &Authority| {
            let mut parameters = leaf("responder");
            parameters.extended_key_usages = purpose.into_iter().collect();
            let key = KeyPair::generate().unwrap();
            let der = parameters.signed_by(&key, &by.issuer).unwrap().der().to_vec();
            (key, der)
        };
        let signed_by = |responder: &(KeyPair, Vec<u8>), status| {
            Staple { responder: Some((&responder.0, &responder.1)), ..about(status) }.der()
        };
        let delegate = certify(Some(ExtendedKeyUsagePurpose::OcspSigning), &below);
        let staple = signed_by(&delegate, Status::Revoked);
        case("revoked by a delegate", staple, &revoked, json!("delegate"), json!([]));
        let unauthorised = json!(["unauthorised_responder"]);
        let servant = certify(Some(ExtendedKeyUsagePurpose::ServerAuth), &below);
        let staple = signed_by(&servant, Status::Revoked);
        case("a server's key signs", staple, &invalid, Value::Null, unauthorised.clone());
        // The root may authorise for itself only (RFC 6960 4.2.2.2).
        let roots = certify(Some(ExtendedKeyUsagePurpose::OcspSigning), &root);
        case("the root's delegate", signed_by(&roots, Status::Revoked), &invalid, Value::Null, unauthorised.clone());
        let stranger = super::root("Stranger");
        let strange = certify(Some(ExtendedKeyUsagePurpose::OcspSigning), &stranger);
        case("a stranger's delegate", signed_by(&strange, Status::Good), &invalid, Value::Null, unauthorised);
    }

    // The certificate that issued it is not shown: it cannot be told, and is not.
    let alone = Setup { staple: about(Status::Good).der(), ..setup(identity(&numbered, &below, &[])) };
    let expected = would_be_refused("missing_intermediate", &["tls.missing-intermediate"]);
    let records = judge.case("issuer not shown", alone, &expected);
    assert_eq!(tls(&records)["ocsp_staple"]["problems"], json!(["not_checked"]));

    let mut demanding = numbered.clone();
    demanding.custom_extensions.push(must_staple());
    for (name, versions) in [("1.2", [OLD, OLD]), ("1.3", [NEW, NEW])] {
        let demanding = || Setup { versions, ..setup(identity(&demanding, &below, &[&below])) };
        let missing = would_be_refused("ok", &["tls.must-staple-missing"]);
        judge.opened(&format!("must-staple, {name}"), demanding(), &missing);
        let stapled = Setup { staple: about(Status::Good).der(), ..demanding() };
        judge.opened(&format!("must-staple and stapled, {name}"), stapled, &good(Some("ok")));
    }
    judge.finish(31);
}

#[test]
fn clients_certificates_are_judged_apart() {
    let root = root("Matrix Root");
    let mut judge = Judge::new(&root, "clients");
    let private = super::root("Private");
    let shows = |parameters: &rcgen::CertificateParams, by: &Authority, wants, versions| Setup {
        versions,
        wants: Some(wants),
        client: Some(identity(parameters, by, &[])),
        ..setup(identity(&leaf(HOST), &root, &[]))
    };
    let reasons = |records: &[Value]| {
        let tls = tls(records);
        (tls["verification"]["reason"].clone(), tls["client_verification"]["reason"].clone())
    };
    let ok = good(Some("ok"));
    for (version, versions) in [("1.2", [OLD, OLD]), ("1.3", [NEW, NEW])] {
        let records = judge.opened(&format!("good, {version}"), shows(&client_leaf(), &root, &root, versions), &ok);
        assert_eq!(reasons(&records), (json!("ok"), json!("ok")), "{version}");
        assert_eq!(tls(&records)["client_certificates"].as_array().unwrap().len(), 1);
        assert_eq!(tls(&records)["client_verification"]["host"], Value::Null);
        // A private authority that the server knows: no finding.
        let accepted = shows(&client_leaf(), &private, &private, versions);
        let records = judge.opened(&format!("private authority, {version}"), accepted, &ok);
        assert_eq!(reasons(&records), (json!("ok"), json!("unknown_ca")), "{version}");
        // The server knows another one, and says so.
        let refused = shows(&client_leaf(), &private, &root, versions);
        // In TLS 1.3 the client goes on before the server can say anything.
        let codes: &'static [&'static str] = match version {
            "1.2" => &["tls.alert", "tls.client-certificate"],
            _ => &["http.no-response", "tls.alert", "tls.client-certificate"],
        };
        let expected =
            Expected { verification: Some("ok"), ..failed("unknown_ca", "client_certificate_refused", codes) };
        let records = judge.opened(&format!("unknown authority, {version}"), refused, &expected);
        assert_eq!(reasons(&records), (json!("ok"), json!("unknown_ca")), "{version}");
        let finding = records.iter().find(|record| record["code"] == "tls.client-certificate").unwrap();
        assert_eq!(finding["severity"], "note", "{finding}");
        assert!(finding["explanation"].as_str().unwrap().contains("was refused"), "{finding}");

        let mut expired = client_leaf();
        valid(&mut expired, (2023, 1, 1), (2024, 6, 1));
        let refused = shows(&expired, &root, &root, versions);
        let expected =
            Expected { verification: Some("ok"), ..failed("certificate_expired", "client_certificate_refused", codes) };
        let records = judge.opened(&format!("expired, {version}"), refused, &expected);
        assert_eq!(reasons(&records), (json!("ok"), json!("expired")), "{version}");
        let finding = records.iter().find(|record| record["code"] == "tls.client-certificate").unwrap();
        assert_eq!(finding["severity"], "error", "{finding}");

        let servers = shows(&leaf("alice"), &root, &root, versions);
        let expected = Expected {
            verification: Some("ok"),
            ..failed("unsupported_certificate", "client_certificate_refused", codes)
        };
        let records = judge.opened(&format!("for servers only, {version}"), servers, &expected);
        assert_eq!(reasons(&records), (json!("ok"), json!("wrong_purpose")), "{version}");

        let mut soon = client_leaf();
        valid(&mut soon, (2024, 1, 1), (2024, 7, 1));
        let expected = Expected { findings: &["tls.certificate-expires"], ..good(Some("ok")) };
        judge.opened(&format!("expires soon, {version}"), shows(&soon, &root, &root, versions), &expected);
    }
    judge.finish(12);
}

#[test]
fn compressed_certificates_are_unpacked() {
    let root = root("Matrix Root");
    let below = intermediate(authority("Matrix Intermediate"), &root);
    let mut judge = Judge::new(&root, "compressed");
    let mut numbered = leaf(HOST);
    numbered.serial_number = Some(SERIAL.to_vec().into());
    let packed = |compression: &'static Compression| Setup {
        versions: [BOTH, BOTH],
        compression: Some(compression),
        staple: Staple::about(&below, &SERIAL, Status::Good).der(),
        wants: Some(&root),
        client: Some(identity(&client_leaf(), &root, &[])),
        ..setup(identity(&numbered, &below, &[&below]))
    };
    let all = [("zlib", &ZLIB), ("brotli", &BROTLI), ("zstd", &ZSTD)];
    for (name, compression) in all.into_iter().filter(|(name, _)| *name != "zstd" || cfg!(feature = "zstd")) {
        let records = judge.opened(name, packed(compression), &good(Some("ok")));
        let tls = tls(&records);
        assert_eq!(tls["certificates"].as_array().unwrap().len(), 2, "{name}");
        assert_eq!(tls["client_verification"]["reason"], "ok", "{name}");
        assert_eq!(tls["ocsp_staple"]["signed_by"], "issuer", "{name}");
        let phases = tls["phases"].as_array().unwrap();
        let sides: Vec<&Value> = phases
            .iter()
            .filter(|phase| phase["name"] == "compressed_certificate")
            .map(|phase| &phase["side"])
            .collect();
        assert_eq!(sides, ["server", "client"], "{name}");
        let shown = records.iter().filter(|record| record["type"] == "certificate").count();
        assert_eq!(shown, 3, "{name}");
    }
    let refused = Expected { findings: &["tls.compressed-certificate"; 2], ..good(None) };
    judge.opened("unknown algorithm", packed(&UNKNOWN), &refused);
    let mut broken = packed(&BROKEN);
    (broken.wants, broken.client) = (None, None);
    let codes = &["tls.alert", "tls.compressed-certificate"];
    let expected = Expected {
        outcome: "failed",
        code: Some("bad_certificate"),
        cause: Some("certificate_refused"),
        verification: None,
        findings: codes,
    };
    judge.opened("cut", broken, &expected);
    judge.finish(5);
}
