//! RDATA in presentation format: each type's layout as a list of fields, and the few that are no such list. What does
//! not fit its layout, and every type without one, is printed as RFC 3597 5 does: `\# 3 0102ff`.
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::DateTime;

use super::iana;
use super::parser::{Cursor, ResourceRecord, TYPE_OPT};
use crate::limits::{MAX_DNS_DATA_TEXT_BYTES, MAX_DNS_EDNS_OPTIONS};
use crate::record::{DnsEdns, DnsEdnsOption};

/// One field of a layout. Names hold the rest of what a field means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    U8,
    U16,
    U32,
    V4,
    V6,
    Name,
    /// A character-string (RFC 1035 3.3).
    Text,
    /// Character-strings to the end.
    Texts,
    /// What is left, as one quoted string (RFC 7553, RFC 8659).
    QuotedRest,
    /// A character-string printed bare: CAA's tag.
    Tag,
    HexRest,
    Base64Rest,
    /// A u16 length, then so many octets in base64; `-` for none.
    Base64Sized,
    /// An RR type.
    Type,
    /// Type bitmaps to the end (RFC 4034 4.1.2); may be empty.
    Types,
    /// Seconds since 1970 as YYYYMMDDHHmmSS (RFC 4034 3.2).
    Time,
    /// The same in 48 bits, printed in seconds (RFC 8945 4.2).
    Time48,
    /// Salt: u8 length, hex; `-` for none (RFC 5155 3.3).
    Salt,
    /// Next hashed owner: u8 length, base32hex (RFC 5155 3.3).
    Hash32,
    /// Octets in hex joined by hyphens (RFC 7043).
    Dashed,
    /// Four groups of hex (RFC 6742 2.1).
    Locator64,
    /// An extended response code.
    Rcode,
    /// CERT's type (RFC 4398 2.1).
    CertificateType,
}

fn layout(record_type: u16) -> Option<&'static [Field]> {
    use Field::*;
    Some(match record_type {
        1 => &[V4],
        28 => &[V6],
        2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 23 | 39 => &[Name],
        6 => &[Name, Name, U32, U32, U32, U32, U32],
        13 => &[Text, Text],
        14 | 17 | 58 => &[Name, Name],
        15 | 18 | 21 | 36 | 107 => &[U16, Name],
        16 | 20 | 56 | 99 | 258 | 261 | 262 => &[Texts],
        19 => &[Text],
        24 | 46 => &[Type, U8, U8, U32, Time, Time, U16, Name, Base64Rest],
        25 | 48 | 57 | 60 => &[U16, U8, U8, Base64Rest],
        26 => &[U16, Name, Name],
        27 => &[Text, Text, Text],
        33 => &[U16, U16, U16, Name],
        35 => &[U16, U16, Text, Text, Text, Name],
        37 => &[CertificateType, U16, U8, Base64Rest],
        43 | 59 | 32768 | 32769 => &[U16, U8, U8, HexRest],
        44 => &[U8, U8, HexRest],
        47 => &[Name, Types],
        49 | 61 => &[Base64Rest],
        50 => &[U8, U8, U16, Salt, Hash32, Types],
        51 => &[U8, U8, U16, Salt],
        52 | 53 => &[U8, U8, U8, HexRest],
        62 => &[U32, U16, Types],
        63 => &[U32, U8, U8, HexRest],
        66 => &[Type, U8, U16, Name],
        104 | 106 => &[U16, Locator64],
        105 => &[U16, V4],
        108 | 109 => &[Dashed],
        249 => &[Name, Time, Time, U16, Rcode, Base64Sized, Base64Sized],
        250 => &[Name, Time48, U16, Base64Sized, U16, Rcode, Base64Sized],
        256 => &[U16, U16, QuotedRest],
        257 => &[U8, Tag, QuotedRest],
        _ => return None,
    })
}

/// A record's data in presentation format.
#[must_use]
pub fn text(record: &ResourceRecord<'_>) -> String {
    let mut out = String::with_capacity(16);
    if known(record, &mut out).is_none() || out.len() > MAX_DNS_DATA_TEXT_BYTES {
        out.clear();
        generic(record.data(), &mut out);
    }
    out
}

/// RFC 3597 5.
fn generic(data: &[u8], out: &mut String) {
    let _ = write!(out, "\\# {}", data.len());
    if !data.is_empty() {
        out.push(' ');
        hex(data, out);
    }
}

fn known(record: &ResourceRecord<'_>, out: &mut String) -> Option<()> {
    let mut cursor = Cursor { bytes: record.message, at: record.data_start };
    match record.record_type {
        11 => well_known_services(&mut cursor, out)?,
        22 => {
            out.push_str("0x");
            hex(cursor.rest(), out);
        }
        29 => location(&mut cursor, out)?,
        TYPE_OPT => options(record, &mut cursor, out)?,
        45 | 260 => gateway(record.record_type, &mut cursor, out)?,
        42 => address_prefixes(&mut cursor, out)?,
        55 => host_identity(&mut cursor, out)?,
        64 | 65 => service_binding(&mut cursor, out)?,
        other => {
            let fields = layout(other)?;
            for (place, &field) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(' ');
                }
                print_field(field, fields.len() > 1, &mut cursor, out)?;
            }
            if out.ends_with(' ') {
                out.pop(); // an empty list at the end
            }
        }
    }
    cursor.is_empty().then_some(())
}

fn print_field(field: Field, several: bool, cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    match field {
        Field::U8 => write!(out, "{}", cursor.u8()?).ok()?,
        Field::U16 => write!(out, "{}", cursor.u16()?).ok()?,
        Field::U32 => write!(out, "{}", cursor.u32()?).ok()?,
        Field::V4 => write!(out, "{}", Ipv4Addr::from(*cursor.take(4)?.first_chunk::<4>()?)).ok()?,
        Field::V6 => write!(out, "{}", Ipv6Addr::from(*cursor.take(16)?.first_chunk::<16>()?)).ok()?,
        Field::Name => cursor.name()?.write(out, several).ok()?,
        Field::Text => quoted(character_string(cursor)?, out),
        Field::Texts => {
            let mut first = true;
            while !cursor.is_empty() {
                if !first {
                    out.push(' ');
                }
                first = false;
                quoted(character_string(cursor)?, out);
            }
        }
        Field::QuotedRest => quoted(cursor.rest(), out),
        Field::Tag => {
            let tag = character_string(cursor)?;
            if tag.is_empty() || !tag.iter().all(u8::is_ascii_alphanumeric) {
                return None;
            }
            out.extend(tag.iter().copied().map(char::from));
        }
        Field::HexRest => hex(cursor.rest(), out),
        Field::Base64Rest => base64(cursor.rest(), out),
        Field::Base64Sized => {
            let length = cursor.u16()?;
            match cursor.take(usize::from(length))? {
                [] => out.push('-'),
                octets => base64(octets, out),
            }
        }
        Field::Type => out.push_str(&iana::type_name(cursor.u16()?)),
        Field::Types => type_bitmaps(cursor, out)?,
        Field::Time => {
            let moment = DateTime::from_timestamp(i64::from(cursor.u32()?), 0)?;
            write!(out, "{}", moment.format("%Y%m%d%H%M%S")).ok()?;
        }
        Field::Time48 => {
            let (high, low) = (cursor.u16()?, cursor.u32()?);
            write!(out, "{}", u64::from(high) << 32 | u64::from(low)).ok()?;
        }
        Field::Salt => match character_string(cursor)? {
            [] => out.push('-'),
            salt => hex(salt, out),
        },
        Field::Hash32 => base32hex(character_string(cursor)?, out),
        Field::Dashed => {
            for (place, octet) in cursor.rest().iter().enumerate() {
                write!(out, "{}{octet:02x}", if place > 0 { "-" } else { "" }).ok()?;
            }
        }
        Field::Locator64 => {
            for separator in ["", ":", ":", ":"] {
                write!(out, "{separator}{:x}", cursor.u16()?).ok()?;
            }
        }
        Field::Rcode => match cursor.u16()? {
            16 => out.push_str("BADSIG"), // in TSIG and TKEY 16 is not BADVERS (RFC 8945 3)
            code => out.push_str(&iana::rcode_name(code)),
        },
        Field::CertificateType => match cursor.u16()? {
            1 => out.push_str("PKIX"),
            2 => out.push_str("SPKI"),
            3 => out.push_str("PGP"),
            4 => out.push_str("IPKIX"),
            5 => out.push_str("ISPKI"),
            6 => out.push_str("IPGP"),
            7 => out.push_str("ACPKIX"),
            8 => out.push_str("IACPKIX"),
            253 => out.push_str("URI"),
            254 => out.push_str("OID"),
            other => write!(out, "{other}").ok()?,
        },
    }
    Some(())
}

fn character_string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u8()?;
    cursor.take(usize::from(length))
}

fn escaped(octets: &[u8], out: &mut String) {
    for &octet in octets {
        match octet {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(octet));
            }
            0x20..=0x7e => out.push(char::from(octet)),
            _ => {
                let _ = write!(out, "\\{octet:03}");
            }
        }
    }
}

fn quoted(octets: &[u8], out: &mut String) {
    out.push('"');
    escaped(octets, out);
    out.push('"');
}

fn digit(alphabet: &[u8], place: u32) -> char {
    alphabet.get(place as usize).copied().map_or('?', char::from)
}

fn hex(octets: &[u8], out: &mut String) {
    const DIGITS: &[u8] = b"0123456789abcdef";
    for &octet in octets {
        out.push(digit(DIGITS, u32::from(octet >> 4)));
        out.push(digit(DIGITS, u32::from(octet & 15)));
    }
}

/// RFC 4648 4.
fn base64(octets: &[u8], out: &mut String) {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in octets.chunks(3) {
        let mut three = [0_u8; 4];
        for (to, from) in three.iter_mut().skip(1).zip(group) {
            *to = *from;
        }
        let bits = u32::from_be_bytes(three);
        for (place, shift) in [18_u32, 12, 6, 0].into_iter().enumerate() {
            out.push(if place <= group.len() { digit(DIGITS, bits >> shift & 63) } else { '=' });
        }
    }
}

/// RFC 4648 7 without padding, lower case as zone files have it.
fn base32hex(octets: &[u8], out: &mut String) {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
    let (mut bits, mut count) = (0_u32, 0_u32);
    for &octet in octets {
        bits = bits << 8 | u32::from(octet);
        count = count.saturating_add(8);
        while count >= 5 {
            count = count.saturating_sub(5);
            out.push(digit(DIGITS, bits >> count & 31));
        }
        bits &= 0xff;
    }
    if count > 0 {
        out.push(digit(DIGITS, bits << 5_u32.saturating_sub(count) & 31));
    }
}

fn type_bitmaps(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let mut first = true;
    while !cursor.is_empty() {
        let window = cursor.u8()?;
        let bitmap = character_string(cursor)?;
        if bitmap.is_empty() || bitmap.len() > 32 {
            return None;
        }
        for (bit, _) in set_bits(bitmap) {
            if !first {
                out.push(' ');
            }
            first = false;
            out.push_str(&iana::type_name(u16::from(window) << 8 | bit));
        }
    }
    Some(())
}

/// The numbers of the bits that are set, the highest bit of the first octet being 0.
fn set_bits(bitmap: &[u8]) -> impl Iterator<Item = (u16, ())> {
    (0_u16..)
        .zip(bitmap.iter().flat_map(|&octet| (0..8_u32).map(move |bit| octet & 0x80_u8.wrapping_shr(bit) != 0)))
        .filter(|&(_, set)| set)
        .map(|(number, _)| (number, ()))
}

/// WKS (RFC 1035 3.4.2), ports as numbers.
fn well_known_services(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    print_field(Field::V4, true, cursor, out)?;
    write!(out, " {}", cursor.u8()?).ok()?;
    for (port, ()) in set_bits(cursor.rest()) {
        write!(out, " {port}").ok()?;
    }
    Some(())
}

/// LOC (RFC 1876 2, 3).
fn location(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    if cursor.u8()? != 0 {
        return None;
    }
    let sizes = [cursor.u8()?, cursor.u8()?, cursor.u8()?];
    for letters in [["N", "S"], ["E", "W"]] {
        let from_equator = i64::from(cursor.u32()?).saturating_sub(1 << 31);
        let thousandths = from_equator.unsigned_abs();
        let [positive, negative] = letters;
        write!(
            out,
            "{} {} {}.{:03} {} ",
            thousandths / 3_600_000,
            thousandths / 60_000 % 60,
            thousandths / 1000 % 60,
            thousandths % 1000,
            if from_equator < 0 { negative } else { positive }
        )
        .ok()?;
    }
    let centimetres = i64::from(cursor.u32()?).saturating_sub(10_000_000);
    let sign = if centimetres < 0 { "-" } else { "" };
    write!(out, "{sign}{}.{:02}m", centimetres.unsigned_abs() / 100, centimetres.unsigned_abs() % 100).ok()?;
    for size in sizes {
        let (mantissa, exponent) = (size >> 4, size & 15);
        if mantissa > 9 || exponent > 9 {
            return None;
        }
        let size = u64::from(mantissa).saturating_mul(10_u64.saturating_pow(u32::from(exponent)));
        match size % 100 {
            0 => write!(out, " {}m", size / 100),
            part => write!(out, " {}.{part:02}m", size / 100),
        }
        .ok()?;
    }
    Some(())
}

/// IPSECKEY (RFC 4025 2.1) and AMTRELAY (RFC 8777 4).
fn gateway(record_type: u16, cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let precedence = cursor.u8()?;
    let second = cursor.u8()?;
    let kind = if record_type == 45 {
        let algorithm = cursor.u8()?;
        write!(out, "{precedence} {second} {algorithm} ").ok()?;
        second
    } else {
        write!(out, "{precedence} {} {} ", second >> 7, second & 0x7f).ok()?;
        second & 0x7f
    };
    match kind {
        0 => out.push('.'),
        1 => print_field(Field::V4, true, cursor, out)?,
        2 => print_field(Field::V6, true, cursor, out)?,
        3 => print_field(Field::Name, true, cursor, out)?,
        _ => return None,
    }
    if record_type == 45 && !cursor.is_empty() {
        out.push(' ');
        base64(cursor.rest(), out);
    }
    Some(())
}

/// APL (RFC 3123 4, 5).
fn address_prefixes(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let mut first = true;
    while !cursor.is_empty() {
        let (family, prefix, flags) = (cursor.u16()?, cursor.u8()?, cursor.u8()?);
        let part = cursor.take(usize::from(flags & 0x7f))?;
        let mut octets = [0_u8; 16];
        octets.get_mut(..part.len())?.copy_from_slice(part);
        let negated = if flags & 0x80 == 0 { "" } else { "!" };
        let space = if first { "" } else { " " };
        first = false;
        match family {
            1 if part.len() <= 4 => {
                let address = Ipv4Addr::from(*octets.first_chunk::<4>()?);
                write!(out, "{space}{negated}1:{address}/{prefix}").ok()?;
            }
            2 => write!(out, "{space}{negated}2:{}/{prefix}", Ipv6Addr::from(octets)).ok()?,
            _ => return None,
        }
    }
    Some(())
}

/// HIP (RFC 8005 5, 6).
fn host_identity(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let (tag_length, algorithm, key_length) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
    write!(out, "{algorithm} ").ok()?;
    hex(cursor.take(usize::from(tag_length))?, out);
    out.push(' ');
    base64(cursor.take(usize::from(key_length))?, out);
    while !cursor.is_empty() {
        if out.len() > MAX_DNS_DATA_TEXT_BYTES {
            return None;
        }
        out.push(' ');
        cursor.name()?.write(out, true).ok()?;
    }
    Some(())
}

/// SVCB and HTTPS (RFC 9460 2.1, 2.2).
fn service_binding(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    write!(out, "{} ", cursor.u16()?).ok()?;
    cursor.name()?.write(out, true).ok()?;
    while !cursor.is_empty() {
        let (key, length) = (cursor.u16()?, cursor.u16()?);
        let value = cursor.take(usize::from(length))?;
        out.push(' ');
        service_parameter(key, value, out)?;
    }
    Some(())
}

fn service_key(key: u16, out: &mut String) {
    let name = match key {
        0 => "mandatory",
        1 => "alpn",
        2 => "no-default-alpn",
        3 => "port",
        4 => "ipv4hint",
        5 => "ech",
        6 => "ipv6hint",
        7 => "dohpath",
        8 => "ohttp",
        9 => "tls-supported-groups",
        _ => {
            let _ = write!(out, "key{key}");
            return;
        }
    };
    out.push_str(name);
}

fn service_parameter(key: u16, value: &[u8], out: &mut String) -> Option<()> {
    service_key(key, out);
    let mut cursor = Cursor { bytes: value, at: 0 };
    if value.is_empty() {
        return Some(());
    }
    out.push('=');
    let mut separator = "";
    match key {
        0 | 9 => {
            while !cursor.is_empty() {
                out.push_str(separator);
                separator = ",";
                let number = cursor.u16()?;
                if key == 0 { service_key(number, out) } else { write!(out, "{number}").ok()? }
            }
        }
        1 => {
            // A comma or backslash inside an id is escaped once for the list and once for the string (RFC 9460 A.1).
            let mut list = Vec::with_capacity(value.len());
            while !cursor.is_empty() {
                list.extend_from_slice(separator.as_bytes());
                separator = ",";
                for &octet in character_string(&mut cursor)? {
                    if matches!(octet, b',' | b'\\') {
                        list.push(b'\\');
                    }
                    list.push(octet);
                }
            }
            quoted(&list, out);
        }
        3 => {
            write!(out, "{}", cursor.u16()?).ok()?;
            return cursor.is_empty().then_some(());
        }
        4 | 6 => {
            let field = if key == 4 { Field::V4 } else { Field::V6 };
            while !cursor.is_empty() {
                out.push_str(separator);
                separator = ",";
                print_field(field, true, &mut cursor, out)?;
            }
        }
        5 => {
            out.push('"');
            base64(value, out);
            out.push('"');
        }
        _ => quoted(value, out),
    }
    Some(())
}

/// What an OPT record says (RFC 6891 6.1), as far as it can be read, and whether there are more options than listed.
#[must_use]
pub fn edns(record: &ResourceRecord<'_>) -> (DnsEdns, bool) {
    let mut edns = DnsEdns {
        version: u8::try_from(record.ttl >> 16 & 0xff).unwrap_or_default(),
        udp_payload_size: record.class,
        dnssec_ok: record.ttl & 0x8000 != 0,
        options: Vec::new(),
    };
    let mut cursor = Cursor { bytes: record.message, at: record.data_start };
    while let (Some(code), Some(length)) = (cursor.u16(), cursor.u16()) {
        let Some(value) = cursor.take(usize::from(length)) else { break };
        if edns.options.len() >= MAX_DNS_EDNS_OPTIONS {
            return (edns, true);
        }
        let mut text = String::new();
        option(code, value, &mut text);
        edns.options.push(DnsEdnsOption { name: iana::edns_option_name(code).into_owned(), value: text });
    }
    (edns, false)
}

/// OPT (RFC 6891 6.1): what its header fields say, then the options.
fn options(record: &ResourceRecord<'_>, cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let version = record.ttl >> 16 & 0xff;
    let dnssec_ok = if record.ttl & 0x8000 == 0 { "" } else { " do" };
    write!(out, "version {version}{dnssec_ok} udp {}", record.class).ok()?;
    while !cursor.is_empty() {
        let (code, length) = (cursor.u16()?, cursor.u16()?);
        let value = cursor.take(usize::from(length))?;
        write!(out, " {}=", iana::edns_option_name(code)).ok()?;
        option(code, value, out);
    }
    Some(())
}

fn option(code: u16, value: &[u8], out: &mut String) {
    let mut inner = Cursor { bytes: value, at: 0 };
    let before = out.len();
    let printed = match code {
        8 => client_subnet(&mut inner, out),
        15 => error(value).map(|error| out.push_str(&error)),
        12 => write!(out, "{}", value.len()).ok(),
        // RFC 6975 3: numbers of algorithms; RFC 8145 4.1: key tags; RFC 7314 2 and RFC 7828 3.1: times.
        5..=7 => list(&mut inner, out, |inner| inner.u8().map(u32::from)),
        14 => list(&mut inner, out, |inner| inner.u16().map(u32::from)),
        9 if value.len() == 4 => list(&mut inner, out, |inner| inner.u32()),
        11 if value.len() == 2 => inner.u16().and_then(|tenths| write!(out, "{}.{}s", tenths / 10, tenths % 10).ok()),
        13 | 18 => inner.name().filter(|_| inner.is_empty()).and_then(|name| name.write(out, true).ok()),
        3 => {
            quoted(value, out);
            Some(())
        }
        _ => None,
    };
    if printed.is_none() {
        out.truncate(before);
        hex(value, out);
    }
}

/// Numbers to the end, joined by commas.
fn list(cursor: &mut Cursor<'_>, out: &mut String, next: impl Fn(&mut Cursor<'_>) -> Option<u32>) -> Option<()> {
    let mut separator = "";
    while !cursor.is_empty() {
        write!(out, "{separator}{}", next(cursor)?).ok()?;
        separator = ",";
    }
    Some(())
}

/// RFC 7871 6.
fn client_subnet(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let (family, source, scope) = (cursor.u16()?, cursor.u8()?, cursor.u8()?);
    let part = cursor.rest();
    let mut octets = [0_u8; 16];
    octets.get_mut(..part.len())?.copy_from_slice(part);
    match family {
        1 if part.len() <= 4 => write!(out, "{}/{source}/{scope}", Ipv4Addr::from(*octets.first_chunk::<4>()?)).ok(),
        2 => write!(out, "{}/{source}/{scope}", Ipv6Addr::from(octets)).ok(),
        _ => None,
    }
}

/// RFC 8914 2.
fn error(value: &[u8]) -> Option<String> {
    let mut cursor = Cursor { bytes: value, at: 0 };
    let code = cursor.u16()?;
    let mut out = format!("{code} ({})", iana::extended_error(code));
    let text = cursor.rest();
    if !text.is_empty() {
        out.push(' ');
        quoted(text, &mut out);
    }
    Some(out)
}

/// The extended errors (RFC 8914) an OPT record carries, as text joined by `; `.
#[must_use]
pub fn extended_errors(record: &ResourceRecord<'_>) -> Option<String> {
    let mut cursor = Cursor { bytes: record.message, at: record.data_start };
    let mut found: Option<String> = None;
    while let (Some(code), Some(length)) = (cursor.u16(), cursor.u16()) {
        let Some(value) = cursor.take(usize::from(length)) else { break };
        if let Some(error) = (code == 15).then(|| error(value)).flatten() {
            let all = found.get_or_insert_default();
            if !all.is_empty() {
                all.push_str("; ");
            }
            all.push_str(&error);
        }
    }
    found
}

#[cfg(test)]
#[path = "rdata_tests.rs"]
mod tests;
