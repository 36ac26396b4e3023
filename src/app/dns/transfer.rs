//! Zone transfers: one query, many messages.
use super::parser::{Cursor, Message, ResourceRecord, Section, TYPE_SOA};
use crate::limits::MAX_DNS_TRANSFER_BYTES;
use crate::record::{DnsRecord, DnsResponse};

/// A zone transfer under way (RFC 5936, RFC 1995): many messages answer one query.
#[derive(Default)]
pub(super) struct Transfer {
    /// All answers so far, in the first message's clothes.
    pub response: Option<DnsResponse>,
    /// Records seen, listed or not.
    records: u64,
    /// Bytes held for the records after the first message's.
    bytes: usize,
    first_serial: u32,
    /// In an incremental transfer, SOA records open deletions and additions in turn.
    in_deletions: bool,
    incremental: bool,
    /// Whether the last record came.
    pub complete: bool,
}

impl Transfer {
    /// Takes in one message, read as `part`; whether all records it lists could be kept.
    pub fn add(&mut self, message: &Message<'_>, part: DnsResponse) -> bool {
        self.see(message);
        let Some(response) = &mut self.response else {
            self.response = Some(part);
            return true;
        };
        for (kept, more) in [(&mut response.answers, part.answers), (&mut response.additional, part.additional)] {
            for record in more {
                self.bytes = self.bytes.saturating_add(record_bytes(&record));
                if self.bytes > MAX_DNS_TRANSFER_BYTES {
                    return false;
                }
                kept.push(record);
            }
        }
        true
    }

    /// Sees the answer records of one message.
    fn see(&mut self, message: &Message<'_>) {
        let mut walk = message.walk();
        while let Some(Ok(record)) = walk.record() {
            if record.section != Section::Answer || self.complete {
                break;
            }
            self.records = self.records.saturating_add(1);
            if record.record_type != TYPE_SOA {
                continue;
            }
            let Some(serial) = serial(&record) else { continue };
            match self.records {
                1 => self.first_serial = serial,
                2 if serial != self.first_serial => (self.incremental, self.in_deletions) = (true, true),
                _ if self.in_deletions => self.in_deletions = false,
                _ if serial == self.first_serial => self.complete = true,
                _ => self.in_deletions = self.incremental,
            }
        }
        if message.header.rcode() != 0 || self.records == 0 {
            self.complete = true; // refused, or nothing that could go on
        }
    }
}

/// What a listed record holds in memory, in bytes, roughly.
fn record_bytes(record: &DnsRecord) -> usize {
    let texts = record.name.len().saturating_add(record.record_type.len()).saturating_add(record.data.len());
    texts.saturating_add(size_of::<DnsRecord>())
}

/// SOA's serial.
fn serial(record: &ResourceRecord<'_>) -> Option<u32> {
    let mut cursor = Cursor { bytes: record.message, at: record.data_start };
    cursor.name()?;
    cursor.name()?;
    cursor.u32()
}
