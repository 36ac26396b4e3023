//! IGMP, versions 1 to 3 (RFC 1112, RFC 2236, RFC 3376): its fields, and what a message says on one line.
use std::fmt::Write as _;

use super::{
    Sum,
    describe::{Fields, Scene},
    read::{ipv4_at, u8_at, u16_at},
};
use crate::record::Value;

/// Types of messages.
mod kind {
    pub const QUERY: u8 = 0x11;
    pub const REPORT_V1: u8 = 0x12;
    pub const REPORT_V2: u8 = 0x16;
    pub const LEAVE: u8 = 0x17;
    pub const REPORT_V3: u8 = 0x22;
}

/// Group records and source addresses looked at in one message: what fits into a packet of 1500 bytes.
const MOST: usize = 192;

/// A group record of a report of version 3.
struct GroupRecord<'a> {
    kind: u8,
    auxiliary: u8,
    sources: u16,
    bytes: &'a [u8],
}

/// The group records of a report, as far as they are here.
fn records(bytes: &[u8]) -> impl Iterator<Item = GroupRecord<'_>> {
    let count = usize::from(u16_at(bytes, 6).unwrap_or_default()).min(MOST);
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, auxiliary, sources) = (u8_at(rest, 0)?, u8_at(rest, 1)?, u16_at(rest, 2)?);
        let length = usize::from(sources).saturating_add(usize::from(auxiliary)).saturating_mul(4).saturating_add(8);
        let record = GroupRecord { kind, auxiliary, sources, bytes: rest };
        rest = rest.get(length..).unwrap_or_default();
        Some(record)
    })
    .take(count)
}

/// The version a message is of, as Wireshark tells it.
fn version(bytes: &[u8]) -> Option<u8> {
    Some(match u8_at(bytes, 0)? {
        kind::QUERY if bytes.len() >= 12 => 3,
        kind::QUERY if u8_at(bytes, 1) == Some(0) => 1,
        kind::QUERY | kind::REPORT_V2 | kind::LEAVE => 2,
        kind::REPORT_V1 => 1,
        kind::REPORT_V3 => 3,
        _ => return None,
    })
}

fn sources(bytes: &[u8], at: usize, count: u16) -> Vec<Value> {
    let address = |place: usize| ipv4_at(bytes, place.saturating_mul(4).saturating_add(at));
    let addresses = (0..usize::from(count).min(MOST)).map_while(address);
    addresses.map(|address| Value::Text(address.to_string())).collect()
}

/// Fields of the message.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    let version = version(bytes);
    fields.number("igmp.version", version);
    fields.number("igmp.type", u8_at(bytes, 0));
    if version.is_none() {
        return;
    }
    let message_type = u8_at(bytes, 0);
    if version != Some(1) && message_type != Some(kind::REPORT_V3) {
        fields.number("igmp.max_resp", u8_at(bytes, 1));
    }
    fields.number("igmp.checksum", u16_at(bytes, 2));
    fields.status("igmp.checksum.status", scene.plain_checksum(Sum::new()));
    if message_type == Some(kind::REPORT_V3) {
        fields.number("igmp.num_grp_recs", u16_at(bytes, 6));
        let all: Vec<GroupRecord<'_>> = records(bytes).collect();
        fields.list("igmp.record_type", all.iter().map(|record| Value::Number(record.kind.into())).collect());
        fields.list("igmp.aux_data_len", all.iter().map(|record| Value::Number(record.auxiliary.into())).collect());
        fields.list("igmp.num_src", all.iter().map(|record| Value::Number(record.sources.into())).collect());
        let groups = all.iter().filter_map(|record| ipv4_at(record.bytes, 4));
        fields.list("igmp.maddr", groups.map(|group| Value::Text(group.to_string())).collect());
        fields.list("igmp.saddr", all.iter().flat_map(|record| sources(record.bytes, 8, record.sources)).collect());
        return;
    }
    fields.text("igmp.maddr", ipv4_at(bytes, 4));
    if version == Some(3) {
        let second = u8_at(bytes, 8);
        fields.flag("igmp.s", second.is_some_and(|flags| flags & 8 != 0));
        fields.number("igmp.qrv", second.map(|flags| flags & 7));
        fields.number("igmp.qqic", u8_at(bytes, 9));
        let count = u16_at(bytes, 10);
        fields.number("igmp.num_src", count);
        fields.list("igmp.saddr", sources(bytes, 12, count.unwrap_or_default()));
    }
}

/// What the message says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    let (message_type, group) = (u8_at(bytes, 0)?, ipv4_at(bytes, 4)?);
    match (version(bytes), message_type) {
        (Some(version), kind::QUERY) if group.is_unspecified() => {
            write!(line, "Membership Query v{version}, general").ok()
        }
        (Some(version), kind::QUERY) => write!(line, "Membership Query v{version}, for {group}").ok(),
        (_, kind::REPORT_V1) => write!(line, "Membership Report v1, group {group}").ok(),
        (_, kind::REPORT_V2) => write!(line, "Membership Report v2, group {group}").ok(),
        (_, kind::LEAVE) => write!(line, "Leave Group {group}").ok(),
        (_, kind::REPORT_V3) => {
            line.push_str("Membership Report v3");
            for record in records(bytes).take(4) {
                let group = ipv4_at(record.bytes, 4)?;
                let any = record.sources == 0;
                match record.kind {
                    2 | 4 if any => write!(line, ", join {group} for any source"),
                    1 | 3 if any => write!(line, ", leave {group}"),
                    1 | 3 => write!(line, ", join {group} for {} sources", record.sources),
                    2 | 4 => write!(line, ", join {group} but for {} sources", record.sources),
                    5 => write!(line, ", {group}: {} more sources", record.sources),
                    6 => write!(line, ", {group}: {} sources less", record.sources),
                    other => write!(line, ", {group}: record type {other}"),
                }
                .ok()?;
            }
            Some(())
        }
        (_, 0x13) => write!(line, "DVMRP").ok(),
        (_, 0x14) => write!(line, "PIM version 1").ok(),
        _ => write!(line, "IGMP type {message_type:#04x}").ok(),
    }
}
