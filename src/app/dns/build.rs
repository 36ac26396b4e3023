//! From a message to the parts of records: only called when somebody wants them.
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::iana;
use super::names::Malformed;
use super::parser::{Cursor, Message, Question, ResourceRecord, Section, TYPE_OPT};
use super::{edns, rdata};
use crate::limits::{MAX_DNS_MESSAGE_TEXT_BYTES, MAX_DNS_QUESTIONS, MAX_DNS_RECORDS};
use crate::record::{DnsEdns, DnsQuery, DnsQuestion, DnsRecord, DnsResponse, PacketRef};

/// The Internet (RFC 1035 3.2.4).
const CLASS_IN: u16 = 1;
/// Types of records that clients use and may keep: A, NS, CNAME, PTR, MX, TXT, AAAA, SRV, DNAME, SVCB, HTTPS. Others have
/// a time to live of 0 by their nature, such as TKEY.
const MAY_BE_KEPT: [u16; 11] = [1, 2, 5, 12, 15, 16, 28, 33, 39, 64, 65];

/// Everything a message holds, as text.
#[derive(Debug, Default)]
pub struct Content {
    pub questions: Vec<DnsQuestion>,
    pub answers: Vec<DnsRecord>,
    pub authority: Vec<DnsRecord>,
    pub additional: Vec<DnsRecord>,
    /// The upper eight bits of the response code (RFC 6891 6.1.3).
    pub extended_rcode: u16,
    /// What the OPT record says, if there is one.
    pub edns: Option<Box<DnsEdns>>,
    /// Extended errors (RFC 8914).
    pub errors: Option<String>,
    /// Hash of the answers without regard to their order and times to live.
    pub answer_hash: u64,
    /// Whether an answer of a common type may not be kept, as its time to live is 0.
    pub ttl_zero: bool,
    /// Whether there were more questions or records than are listed.
    pub cut: bool,
    /// Why reading stopped early.
    pub malformed: Option<Malformed>,
}

impl Content {
    /// Reads `message`. In mDNS the top bit of a class is a flag (RFC 6762 5.4, 10.2).
    pub fn read(message: &Message<'_>, multicast: bool) -> Self {
        let mut content = Self::default();
        if let Err(malformed) = content.fill(message, multicast) {
            content.malformed = Some(malformed);
        }
        content
    }

    fn fill(&mut self, message: &Message<'_>, multicast: bool) -> Result<(), Malformed> {
        let mut walk = message.walk();
        let mut text_bytes = 0_usize;
        while let Some(question) = walk.question() {
            let question = question?;
            if self.questions.len() < MAX_DNS_QUESTIONS {
                self.questions.push(dns_question(&question, multicast)?);
            } else {
                self.cut = true;
            }
        }
        while let Some(record) = walk.record() {
            let record = record?;
            if record.record_type == TYPE_OPT && record.section == Section::Additional {
                let (edns, cut) = edns::edns(&record);
                self.edns = Some(Box::new(edns));
                self.cut |= cut;
                self.extended_rcode = u16::try_from(record.ttl >> 24).unwrap_or_default() << 4;
                self.errors = edns::extended_errors(&record);
                continue;
            }
            if record.section == Section::Answer {
                self.ttl_zero |= record.ttl == 0 && MAY_BE_KEPT.contains(&record.record_type);
                self.answer_hash = self.answer_hash.wrapping_add(hash_record(&record));
            }
            let section = match record.section {
                Section::Answer => &mut self.answers,
                Section::Authority => &mut self.authority,
                Section::Additional => &mut self.additional,
            };
            if section.len() < MAX_DNS_RECORDS && text_bytes < MAX_DNS_MESSAGE_TEXT_BYTES {
                let record = dns_record(&record, multicast)?;
                text_bytes = text_bytes.saturating_add(record.name.len()).saturating_add(record.data.len());
                section.push(record);
            } else {
                self.cut = true;
            }
        }
        Ok(())
    }
}

/// Hash of what a record says. A name inside the data counts with its pointers: two senders may write one differently.
fn hash_record(record: &ResourceRecord<'_>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write_u16(record.record_type);
    let mut cursor = Cursor { bytes: record.message, at: record.data_start };
    let name = match record.record_type {
        2 | 5 | 12 | 39 => cursor.name(),
        _ => None,
    };
    match name {
        // A name that cannot be read is told elsewhere.
        Some(name) => drop(name.hash_caseless(&mut hasher)),
        None => hasher.write(record.data()),
    }
    hasher.finish()
}

/// A question as text.
pub fn dns_question(question: &Question<'_>, multicast: bool) -> Result<DnsQuestion, Malformed> {
    let class = if multicast { question.class & 0x7fff } else { question.class };
    Ok(DnsQuestion {
        name: question.name.text()?,
        record_type: iana::type_name(question.record_type).into_owned(),
        class: iana::class_name(class).into_owned(),
    })
}

/// A record as text.
pub fn dns_record(record: &ResourceRecord<'_>, multicast: bool) -> Result<DnsRecord, Malformed> {
    let class = if multicast { record.class & 0x7fff } else { record.class };
    // An OPT record's class is a size.
    let usual = class == CLASS_IN || record.record_type == TYPE_OPT;
    Ok(DnsRecord {
        name: record.name.text()?,
        record_type: iana::type_name(record.record_type).into_owned(),
        class: (!usual).then(|| iana::class_name(class).into_owned()),
        ttl: record.ttl,
        data: rdata::text(record),
    })
}

/// The query half of a transaction.
pub fn query(message: &Message<'_>, content: Content, packet: PacketRef) -> DnsQuery {
    let question = content.questions.into_iter().next();
    let (name, record_type, class) = match question {
        Some(question) => (Some(question.name), Some(question.record_type), Some(question.class)),
        None => (None, None, None),
    };
    DnsQuery {
        packet: packet.number,
        ts: packet.timestamp,
        name,
        record_type,
        class,
        recursion_desired: message.header.recursion_desired(),
        checking_disabled: message.header.checking_disabled(),
        edns: content.edns.is_some(),
        opt: content.edns,
        answers: content.answers,
        authority: content.authority,
    }
}

/// The response half; with the question when the query was not seen.
pub fn response(message: &Message<'_>, content: Content, packet: PacketRef, query_seen: bool) -> DnsResponse {
    let question = if query_seen { None } else { content.questions.into_iter().next() };
    let (name, record_type) = question.map(|question| (question.name, question.record_type)).unzip();
    let header = message.header;
    DnsResponse {
        packet: packet.number,
        ts: packet.timestamp,
        name,
        record_type,
        rcode: iana::rcode_name(header.rcode() | content.extended_rcode).into_owned(),
        authoritative: header.authoritative(),
        truncated: header.truncated(),
        recursion_available: header.recursion_available(),
        authentic_data: header.authentic_data(),
        opt: content.edns,
        answers: content.answers,
        authority: content.authority,
        additional: content.additional,
    }
}
