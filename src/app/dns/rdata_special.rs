//! RDATA that is no list of fields: old types, locations, gateways, prefixes, identities.
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::coding::{base64, character_string, hex, quoted, set_bits};
use super::iana;
use super::parser::Cursor;
use super::rdata::{Field, print_field};
use crate::limits::MAX_DNS_DATA_TEXT_BYTES;

/// WKS (RFC 1035 3.4.2), ports as numbers.
pub(super) fn well_known_services(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    print_field(Field::V4, true, cursor, out)?;
    write!(out, " {}", cursor.u8()?).ok()?;
    for port in set_bits(cursor.rest()) {
        write!(out, " {port}").ok()?;
    }
    Some(())
}

/// LOC (RFC 1876 2, 3).
pub(super) fn location(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
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
pub(super) fn gateway(record_type: u16, cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
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
pub(super) fn address_prefixes(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
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
pub(super) fn host_identity(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
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

/// NXT (RFC 2535 5.2): types below 128 as one row of bits.
pub(super) fn next_name(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    print_field(Field::Name, true, cursor, out)?;
    let bitmap = cursor.rest();
    // The first bit stands for a form of the bitmap that was never defined.
    if bitmap.len() > 16 || bitmap.first().is_some_and(|octet| octet & 0x80 != 0) {
        return None;
    }
    for record_type in set_bits(bitmap) {
        write!(out, " {}", iana::type_name(record_type)).ok()?;
    }
    Some(())
}

/// ATMA (ATM Name System Specification 5): an ATM end system address in hex, or a number of E.164.
pub(super) fn atm_address(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    match (cursor.u8()?, cursor.rest()) {
        (_, []) => return None,
        (0, address) => hex(address, out),
        (1, digits) if digits.iter().all(u8::is_ascii_digit) => {
            out.push('+');
            out.extend(digits.iter().copied().map(char::from));
        }
        _ => return None,
    }
    Some(())
}

/// A6 (RFC 2874 3.1): the length of a prefix, the rest of the address unless the prefix is all of it, and the prefix's
/// name unless there is none.
pub(super) fn chained_address(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    let prefix = cursor.u8().filter(|&prefix| prefix <= 128)?;
    write!(out, "{prefix}").ok()?;
    let whole = usize::from(prefix / 8);
    let mut octets = [0_u8; 16];
    let suffix = octets.get_mut(whole..)?;
    suffix.copy_from_slice(cursor.take(suffix.len())?);
    if let Some(first) = suffix.first_mut() {
        // Bits of the prefix say nothing here.
        *first &= 0xff_u8.checked_shr(u32::from(prefix % 8)).unwrap_or(0);
        write!(out, " {}", Ipv6Addr::from(octets)).ok()?;
    }
    if prefix > 0 {
        out.push(' ');
        print_field(Field::Name, true, cursor, out)?;
    }
    Some(())
}

/// DOA (draft-durand-doa-over-dns-03 3): a digital object, or where it is.
pub(super) fn digital_object(cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
    write!(out, "{} {} {} ", cursor.u32()?, cursor.u32()?, cursor.u8()?).ok()?;
    quoted(character_string(cursor)?, out);
    match cursor.rest() {
        [] => out.push_str(" -"),
        object => {
            out.push(' ');
            base64(object, out);
        }
    }
    Some(())
}
