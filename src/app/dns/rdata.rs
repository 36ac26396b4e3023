//! RDATA in presentation format: each type's layout as a list of fields, and the few that are no such list. What does
//! not fit its layout, and every type without one, is printed as RFC 3597 5 does: `\# 3 0102ff`.
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::DateTime;

use super::coding::{base32hex, base64, character_string, hex, quoted, set_bits};
use super::parser::{Cursor, ResourceRecord, TYPE_OPT};
use super::{edns, iana, rdata_special as special, svcb};
use crate::limits::MAX_DNS_DATA_TEXT_BYTES;

/// One field of a layout. Names hold the rest of what a field means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    U8,
    U16,
    U32,
    U64,
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
    /// So many octets in hex, joined by hyphens (RFC 7043).
    Dashed(u8),
    /// Four groups of hex (RFC 6742 2.1).
    Locator64,
    /// An extended response code.
    Rcode,
    /// CERT's type (RFC 4398 2.1).
    CertificateType,
    /// DSYNC's scheme (RFC 9859 2.1).
    Scheme,
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
        16 | 20 | 56 | 99 | 258 | 261 | 262 | 263 => &[Texts],
        19 => &[Text],
        24 | 46 => &[Type, U8, U8, U32, Time, Time, U16, Name, Base64Rest],
        25 | 48 | 57 | 60 => &[U16, U8, U8, Base64Rest],
        26 => &[U16, Name, Name],
        27 => &[Text, Text, Text],
        33 => &[U16, U16, U16, Name],
        35 => &[U16, U16, Text, Text, Text, Name],
        31 | 32 => &[HexRest],
        37 => &[CertificateType, U16, U8, Base64Rest],
        43 | 59 | 32768 | 32769 => &[U16, U8, U8, HexRest],
        44 => &[U8, U8, HexRest],
        47 => &[Name, Types],
        40 => &[U8, U8, U8, Base64Rest],
        49 | 61 | 67 | 68 => &[Base64Rest],
        50 => &[U8, U8, U16, Salt, Hash32, Types],
        51 => &[U8, U8, U16, Salt],
        52 | 53 => &[U8, U8, U8, HexRest],
        62 => &[U32, U16, Types],
        63 => &[U32, U8, U8, HexRest],
        66 => &[Type, Scheme, U16, Name],
        104 | 106 => &[U16, Locator64],
        105 => &[U16, V4],
        108 => &[Dashed(6)],
        109 => &[Dashed(8)],
        249 => &[Name, Time, Time, U16, Rcode, Base64Sized, Base64Sized],
        250 => &[Name, Time48, U16, Base64Sized, U16, Rcode, Base64Sized],
        256 => &[U16, U16, QuotedRest],
        257 => &[U8, Tag, QuotedRest],
        264 => &[U64],
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
        11 => special::well_known_services(&mut cursor, out)?,
        22 if !record.data().is_empty() => {
            out.push_str("0x");
            hex(cursor.rest(), out);
        }
        29 => special::location(&mut cursor, out)?,
        30 => special::next_name(&mut cursor, out)?,
        34 => special::atm_address(&mut cursor, out)?,
        38 => special::chained_address(&mut cursor, out)?,
        TYPE_OPT => edns::options(record, &mut cursor, out)?,
        45 | 260 => special::gateway(record.record_type, &mut cursor, out)?,
        42 => special::address_prefixes(&mut cursor, out)?,
        55 => special::host_identity(&mut cursor, out)?,
        259 => special::digital_object(&mut cursor, out)?,
        64 | 65 => svcb::service_binding(&mut cursor, out)?,
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
    // No octets at all can only be written as such.
    (cursor.is_empty() && !out.is_empty()).then_some(())
}

/// One field; `several` when others stand beside it, so that a blank would be taken for what is between them.
pub(super) fn print_field(field: Field, several: bool, cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    match field {
        Field::U8 => write!(out, "{}", cursor.u8()?).ok()?,
        Field::U16 => write!(out, "{}", cursor.u16()?).ok()?,
        Field::U32 => write!(out, "{}", cursor.u32()?).ok()?,
        Field::U64 => write!(out, "{}", u64::from_be_bytes(*cursor.take(8)?.first_chunk()?)).ok()?,
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
        Field::Dashed(count) => {
            for (place, octet) in cursor.take(usize::from(count))?.iter().enumerate() {
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
        Field::Scheme => match cursor.u8()? {
            1 => out.push_str("NOTIFY"),
            other => write!(out, "{other}").ok()?,
        },
    }
    Some(())
}

fn type_bitmaps(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let mut first = true;
    while !cursor.is_empty() {
        let window = cursor.u8()?;
        let bitmap = character_string(cursor)?;
        if bitmap.is_empty() || bitmap.len() > 32 {
            return None;
        }
        for bit in set_bits(bitmap) {
            if !first {
                out.push(' ');
            }
            first = false;
            out.push_str(&iana::type_name(u16::from(window) << 8 | bit));
        }
    }
    Some(())
}

#[cfg(test)]
#[path = "rdata_tests.rs"]
mod tests;
