//! SNMP's messages (RFC 3416 3, RFC 3412 6): pure parsing, bounded by what holds each element; and how they are recognised.
use crate::{
    app::{
        Carrier, Probe, Verdict,
        codec::ber::{self, element, expect, number, object_identifier, tag},
    },
    limits,
};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// 0 is SNMPv1, 1 SNMPv2c, 3 SNMPv3.
    pub version: i64,
    /// Of versions 1 and 2c.
    pub community: Option<&'a [u8]>,
    /// Of version 3.
    pub secured: Option<Secured<'a>>,
    /// Null when it is encrypted.
    pub data: Option<Pdu>,
    /// Whether something in it cannot be read.
    pub is_damaged: bool,
}

/// What version 3 puts in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secured<'a> {
    /// Message id.
    pub id: i64,
    /// Largest message that the sender takes.
    pub max_size: i64,
    /// 1 authenticated, 2 encrypted, 4 wants a report.
    pub flags: u8,
    /// 3 is the user-based model.
    pub model: i64,
    /// The authoritative engine.
    pub engine: &'a [u8],
    /// How often it started, and for how many seconds it runs.
    pub boots_and_time: (i64, i64),
    /// On whose behalf.
    pub user: &'a [u8],
    /// Of the scoped data.
    pub context: &'a [u8],
}

/// What is asked or answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pdu {
    /// Its tag less 0xa0: 0 get-request to 8 report.
    pub kind: u8,
    /// Connects answers with requests.
    pub request_id: i64,
    /// Error status; of a bulk request how many do not repeat.
    pub error_status: i64,
    /// Error index; of a bulk request how often to repeat.
    pub error_index: i64,
    /// Of a trap of version 1: enterprise, kind and specific kind.
    pub trap: Option<(String, i64, i64)>,
    /// Names of the first variables.
    pub names: Vec<String>,
    /// How many there are.
    pub variables: usize,
    /// Variables that do not exist (RFC 3416 3: tags 0x80 to 0x82).
    pub missing: usize,
}

/// Kind of a trap of version 1.
const TRAP1: u8 = 4;

/// The message in a datagram; null if it is none.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let (outer, _) = element(bytes)?;
    if outer.tag != tag::SEQUENCE {
        return None;
    }
    let (version, rest) = number(outer.content)?;
    let mut message = Message { version, community: None, secured: None, data: None, is_damaged: !outer.is_whole };
    match version {
        0 | 1 => {
            let (community, rest) = expect(rest, tag::OCTET_STRING)?;
            message.community = Some(community);
            message.take_data(rest);
        }
        3 => {
            let (global, rest) = expect(rest, tag::SEQUENCE)?;
            let mut secured = Secured::default();
            let (id, global) = number(global)?;
            let (max_size, global) = number(global)?;
            let (flags, global) = expect(global, tag::OCTET_STRING)?;
            let (model, _) = number(global)?;
            (secured.id, secured.max_size, secured.model) = (id, max_size, model);
            secured.flags = flags.first().copied()?;
            let (parameters, rest) = expect(rest, tag::OCTET_STRING)?;
            if model == 3 && secured.user_based(parameters).is_none() {
                message.is_damaged = true;
            }
            match element(rest) {
                Some((scoped, _)) if scoped.tag == tag::SEQUENCE => {
                    let inside = expect(scoped.content, tag::OCTET_STRING)
                        .and_then(|(engine, rest)| Some((engine, expect(rest, tag::OCTET_STRING)?)));
                    match inside {
                        Some((_, (context, rest))) => {
                            secured.context = context;
                            message.take_data(rest);
                        }
                        None => message.is_damaged = true,
                    }
                }
                // Encrypted.
                Some((scoped, _)) if scoped.tag == tag::OCTET_STRING => {}
                _ => message.is_damaged = true,
            }
            message.secured = Some(secured);
        }
        _ => return None,
    }
    Some(message)
}

impl Message<'_> {
    fn take_data(&mut self, bytes: &[u8]) {
        match element(bytes) {
            Some((data, _)) if (0xa0..=0xa8).contains(&data.tag) => {
                let mut pdu = Pdu { kind: data.tag & 0x0f, ..Pdu::default() };
                let read = if pdu.kind == TRAP1 { pdu.trap(data.content) } else { pdu.request(data.content) };
                self.is_damaged |= read.is_none() || !data.is_whole;
                self.data = Some(pdu);
            }
            _ => self.is_damaged = true,
        }
    }
}

impl<'a> Secured<'a> {
    /// RFC 3414 2.4.
    fn user_based(&mut self, parameters: &'a [u8]) -> Option<()> {
        let (parameters, _) = expect(parameters, tag::SEQUENCE)?;
        let (engine, rest) = expect(parameters, tag::OCTET_STRING)?;
        self.engine = engine;
        let (boots, rest) = number(rest)?;
        let (time, rest) = number(rest)?;
        self.boots_and_time = (boots, time);
        let (user, _) = expect(rest, tag::OCTET_STRING)?;
        self.user = user;
        Some(())
    }
}

impl Pdu {
    fn request(&mut self, content: &[u8]) -> Option<()> {
        let (id, rest) = number(content)?;
        let (status, rest) = number(rest)?;
        let (index, rest) = number(rest)?;
        (self.request_id, self.error_status, self.error_index) = (id, status, index);
        self.variables(rest)
    }

    /// RFC 1157 4.1.6.
    fn trap(&mut self, content: &[u8]) -> Option<()> {
        let (enterprise, rest) = expect(content, tag::OBJECT_IDENTIFIER)?;
        // The agent's address, of an application's type.
        let (_, rest) = element(rest)?;
        let (kind, rest) = number(rest)?;
        let (specific, rest) = number(rest)?;
        let (_, rest) = element(rest)?;
        self.trap = Some((object_identifier(enterprise)?, kind, specific));
        self.variables(rest)
    }

    fn variables(&mut self, bytes: &[u8]) -> Option<()> {
        let (mut list, _) = expect(bytes, tag::SEQUENCE)?;
        while !list.is_empty() {
            let (variable, rest) = expect(list, tag::SEQUENCE)?;
            list = rest;
            let (name, value) = expect(variable, tag::OBJECT_IDENTIFIER)?;
            if self.variables < limits::MAX_SNMP_VARIABLES {
                self.names.push(object_identifier(name)?);
            }
            self.variables = self.variables.saturating_add(1);
            if matches!(value.first(), Some(0x80..=0x82)) {
                self.missing = self.missing.saturating_add(1);
            }
        }
        Some(())
    }
}

/// A message that fills its datagram, on any port; on the usual ones one that begins well.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp || probe.bytes.first() != Some(&tag::SEQUENCE) {
        return Verdict::No;
    }
    let Some(message) = message(probe.bytes) else { return Verdict::No };
    let usual = [probe.flow.client.port, probe.flow.server.port].iter().any(|port| matches!(port, 161 | 162));
    let fills = ber::element(probe.bytes).is_some_and(|(outer, rest)| outer.is_whole && rest.is_empty());
    let sealed = message.secured.as_ref().is_some_and(|secured| secured.flags & 2 != 0 && !secured.engine.is_empty());
    match (message.is_damaged, fills && (message.data.is_some() || sealed)) {
        (false, true) => Verdict::Certain,
        _ if usual => Verdict::Likely,
        _ => Verdict::No,
    }
}

/// Wireshark's name of a kind of message.
#[must_use]
pub fn kind_name(kind: u8) -> &'static str {
    match kind {
        0 => "get-request",
        1 => "get-next-request",
        2 => "get-response",
        3 => "set-request",
        4 => "trap",
        5 => "getBulkRequest",
        6 => "informRequest",
        7 => "snmpV2-trap",
        _ => "report",
    }
}

/// RFC 3416 3.
#[must_use]
pub fn error_name(status: i64) -> &'static str {
    match status {
        0 => "noError",
        1 => "tooBig",
        2 => "noSuchName",
        3 => "badValue",
        4 => "readOnly",
        5 => "genErr",
        6 => "noAccess",
        7 => "wrongType",
        8 => "wrongLength",
        9 => "wrongEncoding",
        10 => "wrongValue",
        11 => "noCreation",
        12 => "inconsistentValue",
        13 => "resourceUnavailable",
        14 => "commitFailed",
        15 => "undoFailed",
        16 => "authorizationError",
        17 => "notWritable",
        18 => "inconsistentName",
        _ => "unknown error",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, content.len() as u8][..], content].concat()
    }

    /// A get-request of SNMPv2c for sysUpTime.
    fn request() -> Vec<u8> {
        let name = wrap(6, &[0x2b, 6, 1, 2, 1, 1, 3, 0]);
        let variables = wrap(0x30, &wrap(0x30, &[&name[..], &[5, 0]].concat()));
        let pdu = wrap(0xa0, &[&[2, 1, 38, 2, 1, 0, 2, 1, 0][..], &variables].concat());
        wrap(0x30, &[&[2, 1, 1, 4, 6, b'p', b'u', b'b', b'l', b'i', b'c'][..], &pdu].concat())
    }

    #[test]
    fn a_request_of_version_2() {
        let bytes = request();
        let read = message(&bytes).unwrap();
        assert_eq!((read.version, read.community, read.is_damaged), (1, Some(&b"public"[..]), false));
        let names = vec!["1.3.6.1.2.1.1.3.0".to_owned()];
        assert_eq!(read.data.unwrap(), Pdu { request_id: 38, names, variables: 1, ..Pdu::default() });
    }

    #[test]
    fn version_3_with_and_without_encryption() {
        let user =
            wrap(4, &wrap(0x30, &[&[4, 2, 0x80, 1, 2, 1, 7, 2, 1, 9, 4, 5][..], b"admin", &[4, 0, 4, 0]].concat()));
        let global = wrap(0x30, &[2, 1, 5, 2, 2, 5, 0xdc, 4, 1, 3, 2, 1, 3]);
        let sealed = wrap(0x30, &[&[2, 1, 3][..], &global, &user, &[4, 3, 1, 2, 3]].concat());
        let read = message(&sealed).unwrap();
        assert!(!read.is_damaged && read.data.is_none());
        let secured = read.secured.unwrap();
        assert_eq!((secured.id, secured.max_size, secured.flags, secured.model), (5, 1500, 3, 3));
        assert_eq!((secured.engine, secured.boots_and_time, secured.user), (&[0x80, 1][..], (7, 9), &b"admin"[..]));
    }

    #[test]
    fn every_prefix_is_damaged_or_nothing() {
        let bytes = request();
        for end in 0..bytes.len() {
            assert!(message(&bytes[..end]).is_none_or(|message| message.is_damaged), "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..120), at in 0_usize..40, byte in any::<u8>()) {
            let _ = message(&bytes);
            let mut altered = request();
            altered[at] = byte;
            let _ = message(&altered);
        }
    }
}
