//! EDNS (RFC 6891): what an OPT record says, its options as text, extended errors (RFC 8914).
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::coding::{hex, quoted};
use super::iana;
use super::parser::{Cursor, ResourceRecord};
use crate::limits::MAX_DNS_EDNS_OPTIONS;
use crate::record::{DnsEdns, DnsEdnsOption};

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
pub(super) fn options(record: &ResourceRecord<'_>, cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
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
        1 if value.len() == 18 => long_lived_query(&mut inner, out),
        // RFC 9664 4: seconds of the lease, and of its keys' if they have one of their own.
        2 if matches!(value.len(), 4 | 8) => list(&mut inner, out, |inner| inner.u32()),
        3 => {
            quoted(value, out);
            Some(())
        }
        // RFC 6975 3: numbers of algorithms.
        5..=7 => list(&mut inner, out, |inner| inner.u8().map(u32::from)),
        8 => client_subnet(&mut inner, out),
        // RFC 7314 2: seconds.
        9 if value.len() == 4 => list(&mut inner, out, |inner| inner.u32()),
        // RFC 7828 3.1.
        11 if value.len() == 2 => inner.u16().and_then(|tenths| write!(out, "{}.{}s", tenths / 10, tenths % 10).ok()),
        12 => write!(out, "{}", value.len()).ok(),
        13 | 18 => inner.name().filter(|_| inner.is_empty()).and_then(|name| name.write(out, true).ok()),
        // RFC 8145 4.1: key tags; draft-bellis-dnsop-edns-tags: tags of a client and a server.
        14 => list(&mut inner, out, |inner| inner.u16().map(u32::from)),
        16 | 17 if value.len() == 2 => list(&mut inner, out, |inner| inner.u16().map(u32::from)),
        15 => error(value).map(|error| out.push_str(&error)),
        19 if !value.is_empty() => zone_version(&mut inner, out),
        _ => None,
    };
    if printed.is_none() {
        out.truncate(before);
        hex(value, out);
    }
}

/// LLQ (RFC 8764 3.2).
fn long_lived_query(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let (version, opcode, error) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
    write!(out, "version {version} opcode {opcode} error {error} id ").ok()?;
    hex(cursor.take(8)?, out);
    write!(out, " lease {}s", cursor.u32()?).ok()
}

/// RFC 9660 2: how many labels the zone's name has, and its version, which for type 0 is the SOA's serial.
fn zone_version(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let (labels, kind) = (cursor.u8()?, cursor.u8()?);
    write!(out, "labels {labels} ").ok()?;
    match (kind, cursor.rest()) {
        (0, serial) => write!(out, "SOA-SERIAL {}", u32::from_be_bytes(serial.try_into().ok()?)).ok(),
        (kind, version) => {
            write!(out, "type {kind} ").ok()?;
            hex(version, out);
            Some(())
        }
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
    // UTF-8, which some end with a zero octet.
    let text = cursor.rest();
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    if !text.is_empty() {
        out.push(' ');
        match std::str::from_utf8(text) {
            Ok(words) if !words.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) => {
                let _ = write!(out, "\"{words}\"");
            }
            _ => quoted(text, &mut out),
        }
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
