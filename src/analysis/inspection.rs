//! Signs that TLS is inspected on the way: authorities that nobody but their makers knows, and that sign for names of
//! others. Told as what it is, a sign: each finding lists its evidence.
use std::collections::BTreeMap;

use super::finding;
use crate::{
    limits,
    record::{Evidence, Finding, FlowId, LeafMarks, PacketNumber, Severity, Tls},
};

/// Names in the authorities that products put between clients and servers, as issuer names show them, in lower case:
/// makers of security gateways, of virus scanners and parental filters that read TLS, and of proxies for debugging. From
/// what these products are known to write into their certificates, not from a published list; names that are also those of
/// public authorities, or of devices' own certificates only, are left out.
const PRODUCTS: &[&str] = &[
    "adguard",
    "avast",
    "avg",
    "barracuda",
    "bitdefender",
    "blue coat",
    "bluecoat",
    "bullguard",
    "charles proxy",
    "check point",
    "cisco umbrella",
    "cloudflare gateway",
    "cloudflare for teams",
    "contentwatch",
    "cyberoam",
    "cybersitter",
    "dr.web",
    "eset",
    "fiddler",
    "fiddlerroot",
    "forcepoint",
    "fortigate",
    "fortinet",
    "g data",
    "goskope",
    "ironport",
    "kaspersky",
    "kindergate",
    "komodia",
    "kurupira",
    "mitmproxy",
    "net nanny",
    "netskope",
    "netspark",
    "nordnet",
    "owasp zed attack proxy",
    "palo alto networks",
    "portswigger",
    "privdog",
    "proxyman",
    "psafe",
    "qustodio",
    "securly",
    "sendori",
    "smoothwall",
    "sonicwall",
    "sophos",
    "superfish",
    "untangle",
    "watchguard",
    "websense",
    "webtitan",
    "zscaler",
];

/// Last labels of names that only a local network knows (RFC 6761, RFC 6762, RFC 8375, and habits).
const LOCAL: [&str; 15] = [
    "local",
    "localhost",
    "localdomain",
    "lan",
    "home",
    "internal",
    "intranet",
    "private",
    "corp",
    "test",
    "example",
    "invalid",
    "arpa",
    "lab",
    "onion",
];

/// Sites that have nothing to do with one another and for which one private authority signs, from which on that is told.
const ENOUGH_SITES: usize = 3;
/// The same when they share one key.
const ENOUGH_WITH_ONE_KEY: usize = 2;
/// 2018-05-01: from then on browsers want timestamps in all that public authorities issue.
const TIMESTAMPS_WANTED: i64 = 1_525_132_800;
/// A certificate that was shown within so many seconds of its beginning may have been made for the purpose: two days.
const FRESH_SECONDS: i64 = 2 * 24 * 3600;
const NANOSECONDS: i64 = 1_000_000_000;

/// What one authority was seen to sign for one site.
#[derive(Debug)]
struct Site {
    host: String,
    packet: PacketNumber,
    key: [u8; 32],
    sha256: String,
    has_scts: bool,
    has_public_pointers: bool,
    not_before: i64,
    /// How long before it was shown it began to be valid.
    age_seconds: i64,
}

/// An authority that is not trusted.
#[derive(Debug)]
struct Authority {
    product: Option<&'static str>,
    flow: FlowId,
    /// By registrable domain, as far as that can be told.
    sites: BTreeMap<String, Site>,
}

/// Authorities that are not trusted, and what they signed.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    authorities: BTreeMap<String, Authority>,
}

impl Inspection {
    /// Counts a handshake in; false when there was no room for it.
    pub fn add(&mut self, tls: &Tls) -> bool {
        let (Some(marks), Some(host), Some(flow)) = (&tls.marks, &tls.server_name, tls.subject.flow) else {
            return true;
        };
        // Nobody judged it, it is trusted, or it is not for the name: then it was not made for it.
        if tls.verification.is_none() || marks.trusted || !marks.for_host {
            return true;
        }
        let Some(domain) = registrable(host) else { return true };
        let product = product(&marks.issuer_words).filter(|product| !domain.contains(product));
        if !self.authorities.contains_key(&marks.issuer) && self.authorities.len() >= limits::MAX_COMPARED_AUTHORITIES {
            return false;
        }
        let new = || Authority { product, flow, sites: BTreeMap::new() };
        let authority = self.authorities.entry(marks.issuer.clone()).or_insert_with(new);
        authority.product = authority.product.or(product);
        if authority.sites.contains_key(&domain) {
            return true;
        }
        if authority.sites.len() >= limits::MAX_COMPARED_SITES {
            return false;
        }
        authority.sites.insert(domain, Site::new(host, marks, tls));
        true
    }

    /// What was found, by authority.
    pub fn findings(&self) -> Vec<Finding> {
        self.authorities.iter().filter_map(|(issuer, authority)| authority.finding(issuer)).collect()
    }
}

impl Site {
    fn new(host: &str, marks: &LeafMarks, tls: &Tls) -> Self {
        let shown = tls.phases.first().map_or(0, |phase| phase.ts.nanoseconds().div_euclid(NANOSECONDS));
        Self {
            host: host.to_owned(),
            packet: marks.packet,
            key: marks.key,
            sha256: marks.sha256.clone(),
            has_scts: marks.has_scts,
            has_public_pointers: marks.has_public_pointers,
            not_before: marks.not_before,
            age_seconds: shown.saturating_sub(marks.not_before),
        }
    }
}

impl Authority {
    fn finding(&self, issuer: &str) -> Option<Finding> {
        // A former public authority says where to ask about revocation, and its certificates have timestamps.
        let private: Vec<&Site> =
            self.sites.values().filter(|site| !site.has_public_pointers && !site.has_scts).collect();
        let mut signs = Vec::new();
        if let Some(product) = self.product {
            signs.push(format!("The issuer's name holds `{product}`, a product that inspects TLS."));
        }
        if private.len() >= ENOUGH_SITES {
            signs.push(format!(
                "One private authority signed for {} sites that have nothing to do with one another ({}), without saying \
                 where to ask about revocation, as public authorities must.",
                private.len(),
                hosts(&private)
            ));
        }
        let shared = largest_with_one_key(&private);
        if shared.len() >= ENOUGH_WITH_ONE_KEY {
            signs.push(format!("Certificates of different sites hold the same key ({}).", hosts(&shared)));
        }
        if signs.is_empty() {
            return None;
        }
        // These alone prove nothing: private authorities do the same for their own servers.
        let sites: Vec<&Site> = self.sites.values().collect();
        if sites.iter().all(|site| !site.has_scts && site.not_before >= TIMESTAMPS_WANTED) {
            signs.push(
                "None of the certificates has a timestamp of a transparency log, without which browsers refuse \
                        those of public authorities."
                    .into(),
            );
        }
        if sites.iter().all(|site| (0..FRESH_SECONDS).contains(&site.age_seconds)) {
            signs.push("All of them began to be valid less than two days before they were shown.".into());
        }
        let evidence: Evidence = sites.iter().map(|site| site.packet).collect();
        let count = match sites.as_slice() {
            [one] => one.host.clone(),
            several => format!("{} sites", several.len()),
        };
        let title = format!("TLS to {count} seems to be inspected on the way: certificates by {issuer}");
        let subject = (Some(self.flow), None, None);
        let explanation = signs.join(" ");
        Some(finding(Severity::Note, "tls.inspection-signs", subject, evidence, (title, &explanation), "RFC 9846 9.3"))
    }
}

/// Some of the names.
fn hosts(sites: &[&Site]) -> String {
    let named: Vec<&str> = sites.iter().map(|site| site.host.as_str()).take(5).collect();
    let more = if sites.len() > named.len() { ", ..." } else { "" };
    format!("{}{more}", named.join(", "))
}

/// Sites with different certificates and one key: the most that share one.
fn largest_with_one_key<'a>(sites: &[&'a Site]) -> Vec<&'a Site> {
    let mut by_key: BTreeMap<[u8; 32], Vec<&'a Site>> = BTreeMap::new();
    for site in sites {
        let same = by_key.entry(site.key).or_default();
        // One certificate for several names is nothing special.
        if !same.iter().any(|known| known.sha256 == site.sha256) {
            same.push(site);
        }
    }
    // Of several as large, the first: the order of the keys is fixed.
    by_key.into_values().fold(Vec::new(), |largest, same| if same.len() > largest.len() { same } else { largest })
}

/// The product whose name stands in the words as whole words.
fn product(words: &[String]) -> Option<&'static str> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    PRODUCTS.iter().copied().find(|product| words.iter().any(|word| has_whole(word, product)))
}

fn has_whole(text: &str, part: &str) -> bool {
    text.match_indices(part).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at.saturating_add(part.len())..).and_then(|after| after.chars().next());
        ![before, after].iter().flatten().any(|letter| letter.is_alphanumeric())
    })
}

/// The part of a public name that somebody registered, roughly: without the list of public suffixes, the last two labels, or
/// three where the last is a country and the second one of those under which countries register. Null of local names
/// and addresses.
fn registrable(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let [.., second, last] = labels.as_slice() else { return None };
    if LOCAL.contains(last) || last.bytes().all(|byte| byte.is_ascii_digit()) || *second == "example" {
        return None;
    }
    let below_country = last.len() == 2 && (second.len() <= 3 || matches!(*second, "gouv" | "govt"));
    let count = if below_country { 3 } else { 2 };
    let start = labels.len().saturating_sub(count);
    labels.get(start..).map(|labels| labels.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{
        Certainty, Endpoint, Phase, Side, Subject, Timestamp, TlsOutcome, TlsTransport, Verification,
        VerificationReason,
    };

    /// 2024-06-15 12:00:00 UTC.
    const NOW: i64 = 1_718_452_800;

    fn marks(number: u64, issuer: &str) -> LeafMarks {
        LeafMarks {
            packet: PacketNumber::new(0, number),
            issuer: format!("CN={issuer}"),
            issuer_words: vec![issuer.to_owned()],
            trusted: false,
            for_host: true,
            has_scts: false,
            has_public_pointers: false,
            key: [number as u8; 32],
            sha256: number.to_string(),
            not_before: NOW - 3600,
        }
    }

    fn tls(host: &str, marks: LeafMarks) -> Tls {
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let packet = marks.packet;
        let ts = Timestamp::from_parts(NOW, 0);
        let reason = if marks.trusted { VerificationReason::Ok } else { VerificationReason::UnknownCa };
        Tls {
            subject: Subject::new(FlowId { opener: packet, depth: 0 }, Evidence::from_iter([packet])),
            client: end(50_000),
            server: end(443),
            transport: TlsTransport::Tcp,
            version: None,
            server_name: Some(host.into()),
            alpn: None,
            client_hellos: Vec::new(),
            server_hellos: Vec::new(),
            cipher_suite: None,
            group: None,
            resumption: None,
            early_data: false,
            client_certificate_requested: None,
            phases: vec![Phase {
                name: "client_hello",
                packet,
                ts,
                side: Side::Client,
                since_previous_ns: None,
                waiting_for: None,
                thinking_ns: None,
                certainty: Certainty::Observed,
            }],
            handshake_ns: None,
            alerts: Vec::new(),
            outcome: TlsOutcome::Established,
            failure: None,
            certificates: Vec::new(),
            verification: Some(Verification {
                ok: marks.trusted,
                reason,
                at: ts,
                reasons: vec![reason],
                explanation: String::new(),
                host: None,
                trust: String::new(),
                now: None,
            }),
            client_certificates: Vec::new(),
            client_verification: None,
            ocsp_staple: None,
            decrypted: false,
            marks: Some(Box::new(marks)),
        }
    }

    fn told(all: &[Tls]) -> Vec<String> {
        let mut inspection = Inspection::default();
        assert!(all.iter().all(|tls| inspection.add(tls)));
        inspection.findings().into_iter().map(|finding| finding.explanation).collect()
    }

    #[test]
    fn one_private_authority_for_many_sites() {
        let sites = ["www.one.com", "two.org", "login.three.co.uk"];
        let all: Vec<Tls> =
            sites.iter().zip(1..).map(|(host, number)| tls(host, marks(number, "Corp Gateway CA"))).collect();
        let [told_once] = &told(&all)[..] else { panic!("not one finding") };
        assert!(told_once.contains("3 sites") && told_once.contains("login.three.co.uk"), "{told_once}");
        assert!(told_once.contains("transparency") && told_once.contains("two days"), "{told_once}");
        // Two are too few; so are three names of one owner.
        assert_eq!(told(&all[..2]), Vec::<String>::new());
        let own: Vec<Tls> = ["a.corp.com", "b.corp.com", "c.corp.com"]
            .iter()
            .zip(1..)
            .map(|(host, number)| tls(host, marks(number, "Corp CA")))
            .collect();
        assert_eq!(told(&own), Vec::<String>::new());
    }

    #[test]
    fn former_public_authorities_are_none() {
        let sites = ["www.one.com", "two.org", "three.net", "four.de"];
        let pointing = |number| LeafMarks { has_public_pointers: true, ..marks(number, "Old Public CA") };
        let all: Vec<Tls> = sites.iter().zip(1..).map(|(host, number)| tls(host, pointing(number))).collect();
        assert_eq!(told(&all), Vec::<String>::new());
        let trusted = |number| LeafMarks { trusted: true, ..marks(number, "Zscaler Root CA") };
        let all: Vec<Tls> = sites.iter().zip(1..).map(|(host, number)| tls(host, trusted(number))).collect();
        assert_eq!(told(&all), Vec::<String>::new());
    }

    #[test]
    fn one_key_for_two_sites() {
        let same = |number| LeafMarks { key: [7; 32], ..marks(number, "Some CA") };
        let all = [tls("www.one.com", same(1)), tls("two.org", same(2))];
        assert!(told(&all)[0].contains("same key (www.one.com, two.org)") || told(&all)[0].contains("same key"));
        // One certificate for both is nothing.
        let one = |number| LeafMarks { sha256: "x".into(), ..same(number) };
        assert_eq!(told(&[tls("www.one.com", one(1)), tls("two.org", one(2))]), Vec::<String>::new());
    }

    #[test]
    fn products_are_known_by_their_authorities() {
        let one = |host: &str, issuer: &str| told(&[tls(host, marks(1, issuer))]);
        assert!(one("www.one.com", "Zscaler Intermediate Root CA")[0].contains("`zscaler`"));
        assert!(one("www.one.com", "DO_NOT_TRUST_FiddlerRoot")[0].contains("`fiddlerroot`"));
        assert_eq!(one("www.one.com", "Preset Widgets CA"), Vec::<String>::new());
        assert_eq!(one("support.fortinet.com", "Fortinet CA"), Vec::<String>::new());
        assert_eq!(one("printer.lan", "Sophos CA"), Vec::<String>::new());
        let other_name = LeafMarks { for_host: false, ..marks(1, "FortiGate CA") };
        assert_eq!(told(&[tls("www.one.com", other_name)]), Vec::<String>::new());
    }

    #[test]
    fn names_that_somebody_registered() {
        let found = |host| registrable(host).unwrap_or_default();
        assert_eq!(found("a.b.Example.com."), "");
        assert_eq!(found("a.b.site.com"), "site.com");
        assert_eq!(found("a.site.co.uk"), "site.co.uk");
        assert_eq!(found("a.site.de"), "site.de");
        for local in ["localhost", "10.0.0.1", "x.local", "x.test", ""] {
            assert_eq!(found(local), "", "{local}");
        }
    }

    #[test]
    fn room_is_bounded() {
        let mut inspection = Inspection::default();
        let full = (0..limits::MAX_COMPARED_AUTHORITIES + 1)
            .filter(|number| !inspection.add(&tls("one.com", marks(1, &number.to_string()))))
            .count();
        assert_eq!(full, 1);
        let full = (0..limits::MAX_COMPARED_SITES + 5)
            .filter(|number| !inspection.add(&tls(&format!("site-{number}.com"), marks(1, "1"))))
            .count();
        assert_eq!(full, 6);
    }
}
