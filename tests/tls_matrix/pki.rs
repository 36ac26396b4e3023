//! Certificates with deliberate faults.
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub const HOST: &str = "www.matrix.example";

/// An authority.
pub struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub key: KeyPair,
    pub der: CertificateDer<'static>,
    pub pem: String,
}

/// A chain without its root, and the leaf's key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

/// A date.
pub type Day = (i32, u8, u8);

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Matrix");
    name.push(DnType::CommonName, common);
    name
}

/// Parameters of an authority, valid around the capture.
pub fn authority(common: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name = name(common);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut parameters, (2023, 1, 1), (2033, 1, 1));
    parameters
}

/// Parameters of a server's certificate, valid around the capture.
pub fn leaf(host: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(vec![host.to_owned()]).unwrap();
    parameters.distinguished_name = name(host);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    valid(&mut parameters, (2024, 1, 1), (2025, 1, 1));
    parameters
}

pub fn valid(parameters: &mut CertificateParams, from: Day, until: Day) {
    parameters.not_before = date_time_ymd(from.0, from.1, from.2);
    parameters.not_after = date_time_ymd(until.0, until.1, until.2);
}

/// The same key once more.
fn again(key: &KeyPair) -> KeyPair {
    KeyPair::try_from(key.serialize_der()).unwrap()
}

/// A root.
pub fn root(common: &str) -> Authority {
    let (parameters, key) = (authority(common), KeyPair::generate().unwrap());
    let certificate = parameters.self_signed(&key).unwrap();
    let (der, pem) = (certificate.der().clone(), certificate.pem());
    Authority { der, pem, key: again(&key), issuer: Issuer::new(parameters, key) }
}

/// An authority below another.
pub fn intermediate(parameters: CertificateParams, above: &Authority) -> Authority {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, &above.issuer).unwrap();
    let (der, pem) = (certificate.der().clone(), certificate.pem());
    Authority { der, pem, key: again(&key), issuer: Issuer::new(parameters, key) }
}

/// A leaf below an authority; `sent`: the authorities' certificates that the server sends with it.
pub fn identity(parameters: &CertificateParams, below: &Authority, sent: &[&Authority]) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, &below.issuer).unwrap();
    let chain = [certificate.der().clone()].into_iter().chain(sent.iter().map(|authority| authority.der.clone()));
    Identity { chain: chain.collect(), key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
}

/// A leaf that signed itself.
pub fn self_signed(parameters: &CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    Identity { chain: vec![certificate.der().clone()], key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
}
