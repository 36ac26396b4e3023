//! A header block as a message: what its fields say, kept within limits.
use crate::{
    app::codec::{
        hpack::{Decoder, ENTRY_OVERHEAD, Field, HpackError},
        http::redact::{Secrecy, line, secrecy, value},
    },
    limits::{MAX_HTTP_FIELDS, MAX_HTTP2_HEADER_LIST_BYTES},
};

/// Fields in order; what only missed packets held is none.
pub type Fields = Vec<(Option<String>, Option<String>)>;

/// What is wanted of a block besides its meaning: copies cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep {
    /// The fields that are no pseudo-header fields, for `http`.
    pub fields: bool,
    /// All of them, for `http2_frame`.
    pub list: bool,
    /// Values of cookies and credentials in full.
    pub secrets: bool,
}

/// A header section, or trailers.
#[derive(Debug, Default)]
pub struct Message {
    pub method: Option<String>,
    pub scheme: Option<String>,
    pub authority: Option<String>,
    pub path: Option<String>,
    pub status: Option<u16>,
    pub host: Option<String>,
    pub user_agent: Option<String>,
    pub content_type: Option<String>,
    pub content_length: Option<String>,
    pub grpc_status: Option<u32>,
    /// Credentials by RFC 7617.
    pub basic_credentials: bool,
    /// Fields that are no pseudo-header fields; those not wholly known are left out.
    pub fields: Vec<(String, String)>,
    /// All of them, where wanted.
    pub list: Option<Fields>,
    /// Fields whose name is not known: one of them may be a pseudo-header field.
    pub unknown: u32,
    /// More than is kept.
    pub truncated: bool,
    /// What they cost together, as RFC 9113 6.5.2 counts.
    cost: usize,
}

impl Message {
    /// Decodes a block. What was decoded before an error counts.
    ///
    /// # Errors
    /// When the block is no valid HPACK.
    pub fn decode(decoder: &mut Decoder, block: &[u8], keep: Keep) -> (Self, Result<(), HpackError>) {
        let mut message = Self { list: keep.list.then(Vec::new), ..Self::default() };
        let mut count = 0_usize;
        let result = decoder.decode(block, &mut |field| {
            let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
            let cost = length(field.name).saturating_add(length(field.value)).saturating_add(ENTRY_OVERHEAD);
            message.cost = message.cost.saturating_add(cost);
            count = count.saturating_add(1);
            if message.cost > MAX_HTTP2_HEADER_LIST_BYTES || count > MAX_HTTP_FIELDS {
                message.truncated = true;
                return;
            }
            message.field(field, keep);
        });
        (message, result)
    }

    fn field(&mut self, field: Field<'_>, keep: Keep) {
        let secrecy = |name: &[u8]| if keep.secrets { Secrecy::Open } else { secrecy(name) };
        if let Some(list) = &mut self.list {
            let secrecy = secrecy(field.name.unwrap_or_default());
            list.push((field.name.map(line), field.value.map(|bytes| value(bytes, secrecy))));
        }
        let Some(name) = field.name else {
            self.unknown = self.unknown.saturating_add(1);
            return;
        };
        let Some(content) = field.value else { return };
        // Names are lower-case (RFC 9113 8.2.1); a sender that does otherwise is refused, and not heeded here.
        match name {
            b":method" => set(&mut self.method, content),
            b":scheme" => set(&mut self.scheme, content),
            b":authority" => set(&mut self.authority, content),
            b":path" => set(&mut self.path, content),
            b":status" => {
                let digits = std::str::from_utf8(content).ok().filter(|text| text.len() == 3);
                self.status = self.status.or(digits.and_then(|digits| digits.parse().ok()));
            }
            b"host" => set(&mut self.host, content),
            b"user-agent" => set(&mut self.user_agent, content),
            b"content-type" => set(&mut self.content_type, content),
            b"content-length" => set(&mut self.content_length, content),
            b"grpc-status" => {
                self.grpc_status = std::str::from_utf8(content).ok().and_then(|digits| digits.parse().ok());
            }
            b"authorization" | b"proxy-authorization" => {
                let scheme = content.get(..6).unwrap_or_default();
                self.basic_credentials |= scheme.eq_ignore_ascii_case(b"basic ");
            }
            _ => {}
        }
        if keep.fields && name.first() != Some(&b':') {
            self.fields.push((line(name), value(content, secrecy(name))));
        }
    }

    /// gRPC's media type (`application/grpc`, `application/grpc+proto`, ...).
    pub fn is_grpc(&self) -> bool {
        self.content_type.as_deref().and_then(|kind| kind.get(..16)).is_some_and(|kind| kind == "application/grpc")
    }
}

fn set(place: &mut Option<String>, bytes: &[u8]) {
    if place.is_none() {
        *place = Some(line(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One octet for each reference to an entry of 4000: what it unpacks to is told, not kept.
    #[test]
    fn a_bomb_is_bounded() {
        let mut decoder = Decoder::default();
        let entry = [&[0x40, 1, b'a', 0x7f, 0xa1, 0x1e], vec![b'x'; 4000].as_slice()].concat();
        let keep = Keep { fields: true, list: true, secrets: false };
        let block = [entry, vec![0xbe; 20_000]].concat();
        let (message, result) = Message::decode(&mut decoder, &block, keep);
        assert_eq!(result, Ok(()));
        assert!(message.truncated);
        let kept: usize = message.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(kept <= MAX_HTTP2_HEADER_LIST_BYTES && message.fields.len() > 60, "{kept}");
        assert_eq!(message.list.map(|list| list.len()), Some(message.fields.len()));
    }

    #[test]
    fn many_short_fields_are_bounded() {
        let (message, result) = Message::decode(
            &mut Decoder::default(),
            &vec![0x90; 5000],
            Keep { fields: true, list: false, secrets: false },
        );
        assert_eq!((result, message.fields.len(), message.truncated), (Ok(()), MAX_HTTP_FIELDS, true));
    }
}
