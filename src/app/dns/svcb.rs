//! SVCB and HTTPS (RFC 9460): a priority, a target, parameters. What a recipient must treat as malformed (2.2, 8) is no
//! such record: it is printed as octets.
use std::fmt::Write as _;

use super::coding::{base64, character_string, quoted};
use super::parser::Cursor;
use super::rdata::{Field, print_field};

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;
const DOH_PATH: u16 = 7;
const OHTTP: u16 = 8;
const TLS_SUPPORTED_GROUPS: u16 = 9;
const DOC_PATH: u16 = 10;
const PVD: u16 = 11;
const OOTS: u16 = 12;

/// RDATA of SVCB and HTTPS (RFC 9460 2.1, 2.2).
pub(super) fn service_binding(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    write!(out, "{} ", cursor.u16()?).ok()?;
    cursor.name()?.write(out, true).ok()?;
    let mut last = None;
    // Keys that the record says it needs, in their order; met when their parameters come.
    let mut needed: &[u8] = &[];
    while !cursor.is_empty() {
        let (key, length) = (cursor.u16()?, cursor.u16()?);
        let value = cursor.take(usize::from(length))?;
        // In order, and each once (RFC 9460 2.2).
        if last.is_some_and(|last| last >= key) {
            return None;
        }
        last = Some(key);
        if let Some((next, rest)) = needed.split_first_chunk::<2>()
            && u16::from_be_bytes(*next) == key
        {
            needed = rest;
        }
        if key == MANDATORY {
            needed = value;
        }
        out.push(' ');
        parameter(key, value, out)?;
    }
    needed.is_empty().then_some(())
}

fn write_key(key: u16, out: &mut String) {
    let name = match key {
        MANDATORY => "mandatory",
        ALPN => "alpn",
        NO_DEFAULT_ALPN => "no-default-alpn",
        PORT => "port",
        IPV4_HINT => "ipv4hint",
        ECH => "ech",
        IPV6_HINT => "ipv6hint",
        DOH_PATH => "dohpath",
        OHTTP => "ohttp",
        TLS_SUPPORTED_GROUPS => "tls-supported-groups",
        DOC_PATH => "docpath",
        PVD => "pvd",
        OOTS => "oots",
        _ => {
            let _ = write!(out, "key{key}");
            return;
        }
    };
    out.push_str(name);
}

/// One parameter: `key=value`, or the key alone when there is no value.
fn parameter(key: u16, value: &[u8], out: &mut String) -> Option<()> {
    write_key(key, out);
    match key {
        NO_DEFAULT_ALPN | OHTTP if !value.is_empty() => return None,
        // An empty list of paths is the root (RFC 9953).
        NO_DEFAULT_ALPN | OHTTP | DOC_PATH.. if value.is_empty() => return Some(()),
        MANDATORY..=TLS_SUPPORTED_GROUPS if value.is_empty() => return None,
        _ => {}
    }
    out.push('=');
    let mut cursor = Cursor { bytes: value, at: 0 };
    let mut separator = "";
    match key {
        MANDATORY => {
            let mut last = MANDATORY; // which must not name itself
            while !cursor.is_empty() {
                out.push_str(separator);
                separator = ",";
                let number = cursor.u16().filter(|&number| number > last)?;
                last = number;
                write_key(number, out);
            }
        }
        TLS_SUPPORTED_GROUPS => {
            while !cursor.is_empty() {
                write!(out, "{separator}{}", cursor.u16()?).ok()?;
                separator = ",";
            }
        }
        ALPN | DOC_PATH => {
            // A comma or backslash inside an item is escaped once for the list and once for the string (RFC 9460 A.1).
            let mut list = Vec::with_capacity(value.len());
            while !cursor.is_empty() {
                list.extend_from_slice(separator.as_bytes());
                separator = ",";
                let item = character_string(&mut cursor)?;
                if key == ALPN && item.is_empty() {
                    return None;
                }
                for &octet in item {
                    if matches!(octet, b',' | b'\\') {
                        list.push(b'\\');
                    }
                    list.push(octet);
                }
            }
            quoted(&list, out);
        }
        PORT => {
            write!(out, "{}", cursor.u16()?).ok()?;
            return cursor.is_empty().then_some(());
        }
        IPV4_HINT | IPV6_HINT => {
            let field = if key == IPV4_HINT { Field::V4 } else { Field::V6 };
            while !cursor.is_empty() {
                out.push_str(separator);
                separator = ",";
                print_field(field, true, &mut cursor, out)?;
            }
        }
        ECH => {
            out.push('"');
            base64(value, out);
            out.push('"');
        }
        _ => quoted(value, out),
    }
    Some(())
}
