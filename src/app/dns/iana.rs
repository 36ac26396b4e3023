//! IANA's names: types, classes, opcodes, response codes, EDNS options and extended errors. Numbers without a name are
//! printed as RFC 3597 5 does (`TYPE65280`, `CLASS7`). No parsing here.
use std::borrow::Cow;

/// The name of an RR type; `None` where IANA has none.
#[must_use]
#[rustfmt::skip]
pub fn type_mnemonic(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "A", 2 => "NS", 3 => "MD", 4 => "MF", 5 => "CNAME", 6 => "SOA", 7 => "MB", 8 => "MG", 9 => "MR",
        10 => "NULL", 11 => "WKS", 12 => "PTR", 13 => "HINFO", 14 => "MINFO", 15 => "MX", 16 => "TXT", 17 => "RP",
        18 => "AFSDB", 19 => "X25", 20 => "ISDN", 21 => "RT", 22 => "NSAP", 23 => "NSAP-PTR", 24 => "SIG",
        25 => "KEY", 26 => "PX", 27 => "GPOS", 28 => "AAAA", 29 => "LOC", 30 => "NXT", 31 => "EID", 32 => "NIMLOC",
        33 => "SRV", 34 => "ATMA", 35 => "NAPTR", 36 => "KX", 37 => "CERT", 38 => "A6", 39 => "DNAME", 40 => "SINK",
        41 => "OPT", 42 => "APL", 43 => "DS", 44 => "SSHFP", 45 => "IPSECKEY", 46 => "RRSIG", 47 => "NSEC",
        48 => "DNSKEY", 49 => "DHCID", 50 => "NSEC3", 51 => "NSEC3PARAM", 52 => "TLSA", 53 => "SMIMEA", 55 => "HIP",
        56 => "NINFO", 57 => "RKEY", 58 => "TALINK", 59 => "CDS", 60 => "CDNSKEY", 61 => "OPENPGPKEY", 62 => "CSYNC",
        63 => "ZONEMD", 64 => "SVCB", 65 => "HTTPS", 66 => "DSYNC", 67 => "HHIT", 68 => "BRID", 99 => "SPF",
        100 => "UINFO", 101 => "UID", 102 => "GID", 103 => "UNSPEC", 104 => "NID", 105 => "L32", 106 => "L64",
        107 => "LP", 108 => "EUI48", 109 => "EUI64", 128 => "NXNAME", 249 => "TKEY", 250 => "TSIG", 251 => "IXFR",
        252 => "AXFR", 253 => "MAILB", 254 => "MAILA", 255 => "ANY", 256 => "URI", 257 => "CAA", 258 => "AVC",
        259 => "DOA", 260 => "AMTRELAY", 261 => "RESINFO", 262 => "WALLET", 263 => "CLA", 264 => "IPN",
        32768 => "TA", 32769 => "DLV",
        _ => return None,
    })
}

/// The name of an RR type, else `TYPE65280` (RFC 3597 5).
#[must_use]
pub fn type_name(number: u16) -> Cow<'static, str> {
    type_mnemonic(number).map_or_else(|| Cow::Owned(format!("TYPE{number}")), Cow::Borrowed)
}

/// The name of a class, else `CLASS7` (RFC 3597 5).
#[must_use]
pub fn class_name(number: u16) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        1 => "IN",
        3 => "CH",
        4 => "HS",
        254 => "NONE",
        255 => "ANY",
        _ => return Cow::Owned(format!("CLASS{number}")),
    })
}

/// The name of an opcode (RFC 6895 2.2), else `OPCODE7`.
#[must_use]
pub fn opcode_name(number: u8) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        0 => "QUERY",
        1 => "IQUERY",
        2 => "STATUS",
        4 => "NOTIFY",
        5 => "UPDATE",
        6 => "DSO",
        _ => return Cow::Owned(format!("OPCODE{number}")),
    })
}

/// The name of a response code (RFC 6895 2.3), the extended bits of EDNS included, else `RCODE77`.
#[must_use]
pub fn rcode_name(number: u16) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        16 => "BADVERS",
        17 => "BADKEY",
        18 => "BADTIME",
        19 => "BADMODE",
        20 => "BADNAME",
        21 => "BADALG",
        22 => "BADTRUNC",
        23 => "BADCOOKIE",
        _ => return Cow::Owned(format!("RCODE{number}")),
    })
}

/// The name of an EDNS option (RFC 6891 9), else `OPT65001`.
#[must_use]
pub fn edns_option_name(code: u16) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        1 => "LLQ",
        2 => "UL",
        3 => "NSID",
        5 => "DAU",
        6 => "DHU",
        7 => "N3U",
        8 => "ECS",
        9 => "EXPIRE",
        10 => "COOKIE",
        11 => "KEEPALIVE",
        12 => "PADDING",
        13 => "CHAIN",
        14 => "KEY-TAG",
        15 => "EDE",
        16 => "CLIENT-TAG",
        17 => "SERVER-TAG",
        18 => "REPORT-CHANNEL",
        19 => "ZONEVERSION",
        20292 => "UMBRELLA",
        26946 => "DEVICEID",
        _ => return Cow::Owned(format!("OPT{code}")),
    })
}

/// What an extended error says (RFC 8914 5.2 and the registry it opened).
#[must_use]
pub fn extended_error(code: u16) -> &'static str {
    match code {
        0 => "Other Error",
        1 => "Unsupported DNSKEY Algorithm",
        2 => "Unsupported DS Digest Type",
        3 => "Stale Answer",
        4 => "Forged Answer",
        5 => "DNSSEC Indeterminate",
        6 => "DNSSEC Bogus",
        7 => "Signature Expired",
        8 => "Signature Not Yet Valid",
        9 => "DNSKEY Missing",
        10 => "RRSIGs Missing",
        11 => "No Zone Key Bit Set",
        12 => "NSEC Missing",
        13 => "Cached Error",
        14 => "Not Ready",
        15 => "Blocked",
        16 => "Censored",
        17 => "Filtered",
        18 => "Prohibited",
        19 => "Stale NXDOMAIN Answer",
        20 => "Not Authoritative",
        21 => "Not Supported",
        22 => "No Reachable Authority",
        23 => "Network Error",
        24 => "Invalid Data",
        25 => "Signature Expired before Valid",
        26 => "Too Early",
        27 => "Unsupported NSEC3 Iterations Value",
        28 => "Unable to conform to policy",
        29 => "Synthesized",
        30 => "Invalid Query Type",
        _ => "unassigned code",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_numbers() {
        assert_eq!(type_name(65), "HTTPS");
        assert_eq!(type_name(65280), "TYPE65280");
        assert_eq!(class_name(7), "CLASS7");
        assert_eq!(rcode_name(23), "BADCOOKIE");
        assert_eq!(opcode_name(5), "UPDATE");
        assert_eq!(edns_option_name(15), "EDE");
        assert_eq!(extended_error(6), "DNSSEC Bogus");
    }
}
