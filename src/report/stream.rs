//! `wireglass follow`: the bytes of one flow as text, as a hex dump, as they are, or as JSON.
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use unicode_width::UnicodeWidthChar;

use super::{
    Options, Output,
    escape::{escape, is_hidden},
    ndjson::write_json,
    packets::moment,
    units::{count, counted},
    width::{cut, wrap},
};
use crate::record::{Chunk, Content, Direction, Endpoint, FlowFacts, Side, StreamLayer, Timestamp, Transport};

/// How a followed stream is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// Turn by turn, what a terminal would obey written out.
    Text,
    /// Packet by packet, as a dump with offsets.
    Hex,
    /// The bytes and nothing else.
    Raw,
    /// One JSON object a chunk and line.
    Ndjson,
    /// One JSON array of the same objects.
    Json,
}

/// Columns before the text of a side.
const INDENT: &str = "  ";
/// The same where a line was folded.
const FOLDED: &str = "↪ ";
/// Columns before the dump of what the server sent, so that sides can be told apart.
const SERVER_INDENT: &str = "    ";
/// Columns that a dump of sixteen bytes a line takes.
const WIDE_DUMP: usize = 83;
const TAB: usize = 8;
const RESET: &str = "\x1b[0m";

/// Prints a followed stream as it comes; keeps no more than the line it is at.
pub struct StreamWriter {
    out: Output,
    format: StreamFormat,
    options: Options,
    start: Timestamp,
    previous: Option<Timestamp>,
    transport: Transport,
    is_inside: bool,
    /// Whose turn it is.
    turn: Option<Direction>,
    /// Columns of the row under way that are taken, when one is.
    row: Option<usize>,
    /// The beginning of a character, or a carriage return: what follows decides.
    tail: Vec<u8>,
    is_empty: bool,
    /// Put together here; its memory is used again.
    text: String,
}

impl StreamWriter {
    /// Writes to `out`. Text is folded to the width of `options`; without one, its lines are as long as they are.
    #[must_use]
    pub fn new(out: Output, format: StreamFormat, options: Options) -> Self {
        Self {
            out,
            format,
            options,
            start: Timestamp::default(),
            previous: None,
            transport: Transport::Tcp,
            is_inside: false,
            turn: None,
            row: None,
            tail: Vec::new(),
            is_empty: true,
            text: String::new(),
        }
    }

    /// The flow begins at `start`.
    ///
    /// # Errors
    /// What the output said.
    pub fn begin(&mut self, flow: &FlowFacts, layer: StreamLayer, start: Timestamp) -> io::Result<()> {
        self.start = start;
        self.transport = flow.transport;
        self.is_inside = layer == StreamLayer::Tls;
        if !matches!(self.format, StreamFormat::Text | StreamFormat::Hex) {
            return Ok(());
        }
        let carried = match layer {
            StreamLayer::Tcp => "what TCP carried",
            StreamLayer::Udp => "what UDP carried",
            StreamLayer::Ip => "messages without TCP and UDP",
            StreamLayer::Tls => "what TLS carried, opened with the secrets given (--layer tcp shows it as it was sent)",
        };
        // Messages right above IP have no ports.
        let end = |end: Endpoint| if end.port == 0 { end.address.to_string() } else { end.to_string() };
        let title = format!("flow {} · {} → {} · {carried}", flow.id, end(flow.client), end(flow.server));
        for line in self.options.width.map_or_else(|| vec![title.clone()], |width| wrap(&title, width)) {
            self.text.push_str(&self.bold(&line));
            self.text.push('\n');
        }
        self.put()
    }

    /// The next bytes, or a hole.
    ///
    /// # Errors
    /// What the output said.
    pub fn chunk(&mut self, chunk: &Chunk) -> io::Result<()> {
        match self.format {
            StreamFormat::Text => self.text(chunk),
            StreamFormat::Hex => self.hex(chunk),
            StreamFormat::Raw => match &chunk.content {
                Content::Bytes(bytes) => return self.out.write_all(bytes),
                Content::Missing(_) => {}
            },
            StreamFormat::Ndjson => {
                write_json(&mut self.out, chunk)?;
                self.out.write_all(b"\n")?;
            }
            StreamFormat::Json => {
                self.out.write_all(if self.is_empty { b"[\n" } else { b",\n" })?;
                write_json(&mut self.out, chunk)?;
            }
        }
        self.is_empty = false;
        self.put()
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// What the output said.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.format {
            StreamFormat::Text | StreamFormat::Hex => {
                self.end_turn();
                if self.is_empty {
                    self.text.push_str("\nno bytes\n");
                }
            }
            StreamFormat::Json => self.text.push_str(if self.is_empty { "[]\n" } else { "\n]\n" }),
            StreamFormat::Raw | StreamFormat::Ndjson => {}
        }
        self.put()?;
        self.out.flush()
    }

    fn put(&mut self) -> io::Result<()> {
        let written = self.out.write_all(self.text.as_bytes());
        self.text.clear();
        written
    }

    fn bold(&self, text: &str) -> String {
        if self.options.color { format!("\x1b[1m{text}{RESET}") } else { text.to_owned() }
    }

    /// Cyan for the client, magenta for the server: colours that mean nothing else here.
    fn side(&self, direction: Direction) -> &'static str {
        match direction.sender() {
            _ if !self.options.color => "",
            Side::Client => "\x1b[36m",
            Side::Server => "\x1b[35m",
        }
    }

    /// Who speaks from here on, which packet begins it, and when it passed.
    fn head(&mut self, chunk: &Chunk) {
        self.end_turn();
        self.turn = Some(chunk.direction);
        let ts = chunk.packet.timestamp;
        let time = moment(self.options.time, ts, self.start, self.previous.replace(ts).unwrap_or(ts));
        let who = match chunk.direction {
            Direction::ClientToServer => "client → server",
            Direction::ServerToClient => "server → client",
        };
        // How long a turn will be is not known when it begins; a datagram's length is.
        let is_known = self.format == StreamFormat::Hex || (self.transport != Transport::Tcp && !self.is_inside);
        let length = if is_known { format!("  {}", counted(chunk.length(), "byte")) } else { String::new() };
        let line = format!("{who}  #{}  {time}{length}", chunk.packet.number);
        let line = self.options.width.map_or_else(|| line.clone(), |width| cut(&line, width));
        let _ = writeln!(self.text, "\n{}{}{}", self.side(chunk.direction), self.bold(&line), self.reset());
    }

    fn reset(&self) -> &'static str {
        if self.options.color { RESET } else { "" }
    }

    /// Holes stand where nothing of the stream can: at the beginning of a line.
    fn hole(&mut self, length: u64) {
        self.end_rows();
        let bytes = format!("{} byte{}", count(length), if length == 1 { "" } else { "s" });
        let what = if self.is_inside { "not captured, or not opened" } else { "not captured" };
        let line = format!("[{bytes} {what}]");
        let color = if self.options.color { "\x1b[33m" } else { "" };
        let _ = writeln!(self.text, "{color}{line}{}", self.reset());
    }

    fn text(&mut self, chunk: &Chunk) {
        let is_datagram =
            matches!(chunk.layer, StreamLayer::Udp | StreamLayer::Ip) && matches!(chunk.content, Content::Bytes(_));
        if self.turn != Some(chunk.direction) || is_datagram {
            self.head(chunk);
        }
        match &chunk.content {
            Content::Missing(length) => self.hole(*length),
            Content::Bytes(bytes) if self.tail.is_empty() => self.characters(bytes, chunk.direction),
            Content::Bytes(bytes) => {
                let mut all = std::mem::take(&mut self.tail);
                all.extend_from_slice(bytes);
                self.characters(&all, chunk.direction);
            }
        }
    }

    /// Prints bytes as far as they can be understood yet.
    fn characters(&mut self, bytes: &[u8], direction: Direction) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (valid, after) = match std::str::from_utf8(rest) {
                Ok(text) => (text, None),
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    (std::str::from_utf8(valid).unwrap_or_default(), Some((after, error.error_len())))
                }
            };
            let is_last = after.is_none();
            self.valid(valid, is_last, direction);
            rest = match after {
                None => &[],
                // It may go on in the next packet.
                Some((after, None)) => {
                    self.tail.extend_from_slice(after);
                    &[]
                }
                Some((after, Some(length))) => {
                    let (broken, after) = after.split_at(length.min(after.len()));
                    broken.iter().for_each(|byte| self.shown(&format!("\\x{byte:02x}"), 4, direction));
                    after
                }
            };
        }
    }

    fn valid(&mut self, text: &str, is_last: bool, direction: Direction) {
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\n' => self.line_end(),
                '\r' if characters.peek() == Some(&'\n') => {}
                '\r' if characters.peek().is_none() && is_last => self.tail.push(b'\r'),
                '\t' => match self.options.width {
                    // Where lines are folded, they must be measured.
                    Some(_) => {
                        let at = self.row.unwrap_or(INDENT.len()).saturating_sub(INDENT.len());
                        (0..TAB - at % TAB).for_each(|_| self.shown(" ", 1, direction));
                    }
                    None => self.shown("\t", 1, direction),
                },
                c if is_hidden(c) => {
                    let escaped = escape(c.encode_utf8(&mut [0; 4])).into_owned();
                    self.shown(&escaped, escaped.len(), direction);
                }
                c => self.shown(c.encode_utf8(&mut [0; 4]), c.width().unwrap_or(0), direction),
            }
        }
    }

    /// Adds something visible to the row, or to a new one where it does not fit.
    fn shown(&mut self, text: &str, columns: usize, direction: Direction) {
        let width = self.options.width.map(|width| width.max(super::table::MIN_WIDTH));
        if let (Some(taken), Some(width)) = (self.row, width)
            && taken + columns > width
        {
            self.end_row();
            self.begin_row(FOLDED, direction);
        }
        if self.row.is_none() {
            self.begin_row(INDENT, direction);
        }
        self.text.push_str(text);
        self.row = self.row.map(|taken| taken + columns);
    }

    fn begin_row(&mut self, indent: &str, direction: Direction) {
        self.text.push_str(indent);
        let side = self.side(direction);
        self.text.push_str(side);
        self.row = Some(INDENT.len());
    }

    fn end_row(&mut self) {
        if self.row.take().is_some() {
            let reset = self.reset();
            self.text.push_str(reset);
            self.text.push('\n');
        }
    }

    fn line_end(&mut self) {
        if self.row.is_none() {
            self.text.push('\n');
        } else {
            self.end_row();
        }
    }

    /// What waited for more will not get it.
    fn end_rows(&mut self) {
        if let Some(direction) = self.turn {
            for byte in std::mem::take(&mut self.tail) {
                match byte {
                    b'\r' => self.shown("\\r", 2, direction),
                    byte => self.shown(&format!("\\x{byte:02x}"), 4, direction),
                }
            }
        }
        self.end_row();
    }

    fn end_turn(&mut self) {
        self.end_rows();
        self.turn = None;
    }

    fn hex(&mut self, chunk: &Chunk) {
        self.head(chunk);
        match &chunk.content {
            Content::Missing(length) => self.hole(*length),
            Content::Bytes(bytes) => {
                let of_row = if self.options.width.is_some_and(|width| width < WIDE_DUMP) { 8 } else { 16 };
                let indent = if chunk.direction == Direction::ServerToClient { SERVER_INDENT } else { "" };
                let (side, reset) = (self.side(chunk.direction), self.reset());
                let mut offset = chunk.offset;
                for row in bytes.chunks(of_row) {
                    let _ = write!(self.text, "{indent}{side}{offset:08x} ");
                    for place in 0..of_row {
                        let gap = if place % 8 == 0 { " " } else { "" };
                        match row.get(place) {
                            Some(byte) => drop(write!(self.text, "{gap}{byte:02x} ")),
                            None => drop(write!(self.text, "{gap}   ")),
                        }
                    }
                    self.text.push(' ');
                    let shown = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
                    self.text.extend(row.iter().map(shown));
                    self.text.push_str(reset);
                    self.text.push('\n');
                    offset += row.len() as u64;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;
    use crate::record::{FlowId, PacketNumber, PacketRef};

    /// An output that can be looked at.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn chunk(direction: Direction, number: u64, offset: u64, content: Content) -> Chunk {
        let packet =
            PacketRef { index: number, number: PacketNumber::new(0, number), timestamp: Timestamp(number as i64) };
        Chunk { flow: FlowId::default(), layer: StreamLayer::Tcp, direction, packet, offset, content }
    }

    fn bytes(direction: Direction, number: u64, text: &[u8]) -> Chunk {
        chunk(direction, number, 0, Content::Bytes(text.to_vec()))
    }

    fn printed(format: StreamFormat, width: Option<usize>, color: bool, chunks: &[Chunk]) -> String {
        let out = Shared::default();
        let options = Options { width, color, ..Options::default() };
        let mut writer = StreamWriter::new(Box::new(out.clone()), format, options);
        chunks.iter().for_each(|chunk| writer.chunk(chunk).unwrap());
        writer.finish().unwrap();
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    }

    use Direction::{ClientToServer as C, ServerToClient as S};

    #[test]
    fn turns_have_heads_and_their_text_is_set_in() {
        let said = [bytes(C, 4, b"GET / HT"), bytes(C, 5, b"TP/1.0\r\n\r\n"), bytes(S, 7, b"HTTP/1.0 200 OK\n")];
        let expected =
            "\nclient → server  #4  0.000000\n  GET / HTTP/1.0\n\n\nserver → client  #7  0.000000\n  HTTP/1.0 200 OK\n";
        assert_eq!(printed(StreamFormat::Text, None, false, &said), expected);
    }

    #[test]
    fn nothing_a_terminal_obeys_passes() {
        let said = [bytes(C, 1, b"\x1b[31mred\x07 \xff\xfe \xe2\x80\xae a\rb\x9b\r")];
        let text = printed(StreamFormat::Text, None, false, &said);
        assert!(text.ends_with("  \\x1b[31mred\\x07 \\xff\\xfe \\u{202e} a\\rb\\x9b\\r\n"), "{text}");
    }

    #[test]
    fn a_character_may_be_cut_between_packets() {
        let said =
            [bytes(C, 1, b"na\xc3"), bytes(C, 2, b"\xafve \r"), bytes(C, 3, b"\nx\xe2\x82"), bytes(S, 4, b"\xac")];
        let text = printed(StreamFormat::Text, None, false, &said);
        assert!(text.contains("\n  naïve \n  x\\xe2\\x82\n\nserver"), "{text}");
        assert!(text.ends_with("  \\xac\n"), "{text}");
    }

    #[test]
    fn holes_stand_where_text_cannot() {
        let said =
            [bytes(S, 1, b"abc"), chunk(S, 2, 3, Content::Missing(1460)), bytes(S, 3, b"[1460 bytes not captured]\n")];
        let text = printed(StreamFormat::Text, None, false, &said);
        assert!(text.ends_with("\n  abc\n[1460 bytes not captured]\n  [1460 bytes not captured]\n"), "{text}");
        let hex = printed(StreamFormat::Hex, None, false, &said);
        assert!(hex.contains("\n[1460 bytes not captured]\n"), "{hex}");
    }

    #[test]
    fn dumps_count_each_direction() {
        let said =
            [chunk(C, 1, 0, Content::Bytes((0x30..0x42).collect())), chunk(S, 2, 0x100, Content::Bytes(vec![0, 0xff]))];
        let text = printed(StreamFormat::Hex, None, false, &said);
        let expected = "
client → server  #1  0.000000  18 bytes
00000000  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?
00000010  40 41                                             @A

server → client  #2  0.000000  2 bytes
    00000100  00 ff                                             ..
";
        assert_eq!(text, expected);
    }

    #[test]
    fn raw_is_the_bytes() {
        let said = [bytes(C, 1, b"a\x1b"), chunk(C, 2, 2, Content::Missing(5)), bytes(C, 3, b"\n")];
        assert_eq!(printed(StreamFormat::Raw, None, false, &said), "a\x1b\n");
    }

    #[test]
    fn chunks_are_json_objects() {
        let said = [bytes(C, 1, b"hi"), chunk(S, 2, 7, Content::Missing(5))];
        let text = printed(StreamFormat::Json, None, false, &said);
        let array: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&array[0]["data"], &array[0]["side"], &array[0]["gap"]),
            (&"aGk=".into(), &"client".into(), &false.into())
        );
        assert!(array[1]["data"].is_null());
        assert_eq!((&array[1]["offset"], &array[1]["length"], &array[1]["gap"]), (&7.into(), &5.into(), &true.into()));
        let lines = printed(StreamFormat::Ndjson, None, false, &said);
        assert!(
            lines.lines().all(|line| line.starts_with("{\"type\":\"chunk\",")) && lines.lines().count() == 2,
            "{lines}"
        );
        assert_eq!(printed(StreamFormat::Json, None, false, &[]), "[]\n");
    }

    /// Takes out the colours that this writer itself uses.
    fn plain(text: &str) -> String {
        ["\x1b[36m", "\x1b[35m", "\x1b[33m", "\x1b[1m", RESET]
            .iter()
            .fold(text.to_owned(), |text, code| text.replace(code, ""))
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_harmless_and_fit(
            parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..8),
            width in prop::option::of(24usize..90),
            color in any::<bool>(),
        ) {
            let chunks: Vec<Chunk> = parts.iter().enumerate().map(|(number, (server, part))| {
                bytes(if *server { S } else { C }, number as u64, part)
            }).collect();
            for format in [StreamFormat::Text, StreamFormat::Hex] {
                let text = plain(&printed(format, width, color, &chunks));
                prop_assert!(!text.chars().any(|c| is_hidden(c) && !matches!(c, '\n' | '\t')));
                if let Some(width) = width.filter(|width| format == StreamFormat::Text || *width >= 60) {
                    prop_assert!(!text.contains('\t'));
                    for line in text.lines() {
                        prop_assert!(super::super::width::width(line) <= width, "{width}: {line:?}");
                    }
                }
            }
        }

        #[test]
        fn the_cut_into_packets_does_not_matter(text in ".{0,80}", cuts in prop::collection::vec(0usize..80, 0..6)) {
            let all = text.as_bytes();
            let mut places: Vec<usize> = cuts.into_iter().map(|cut| cut.min(all.len())).chain([0, all.len()]).collect();
            places.sort_unstable();
            let pieces: Vec<Chunk> = places.windows(2).map(|pair| bytes(C, 1, &all[pair[0]..pair[1]])).collect();
            let whole = printed(StreamFormat::Text, Some(40), false, &[bytes(C, 1, all)]);
            prop_assert_eq!(printed(StreamFormat::Text, Some(40), false, &pieces), whole);
        }
    }
}
