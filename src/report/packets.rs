//! `wireglass packets` for people: one line a packet, the layer tree of `-V`, the bytes of `-x`.
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use super::{
    Options, Output, TimeStyle, Writer,
    escape::escape,
    width::{cut_middle, pad_left, pad_right, width},
};
use crate::record::{Layer, Packet, Record, Timestamp, Value};

/// Bytes in a line of a hex dump.
const DUMP_BYTES: usize = 16;

/// Widths of the columns before `info`, in order.
const NUMBER: usize = 6;
const TIME: usize = 12;
const PROTOCOL: usize = 8;
const LENGTH: usize = 6;

/// Fields that name a packet's ends; the innermost layer that has one wins.
const ENDS: [(&str, &str); 4] = [
    ("ip.src", "ip.dst"),
    ("ipv6.src", "ipv6.dst"),
    ("arp.src.proto_ipv4", "arp.dst.proto_ipv4"),
    ("eth.src", "eth.dst"),
];

/// Prints packets as they come; takes no other record.
pub struct PacketLines {
    out: Output,
    options: Options,
    tree: bool,
    first: Option<Timestamp>,
    previous: Option<Timestamp>,
}

impl PacketLines {
    /// Writes to `out`; with `tree` (`-V`) the layers below each line.
    #[must_use]
    pub fn new(out: Output, options: Options, tree: bool) -> Self {
        let first = options.origin;
        Self { out, options, tree, first, previous: None }
    }

    /// One packet, and its bytes as with `-x` when they are given.
    ///
    /// # Errors
    /// What the output said.
    pub fn packet(&mut self, packet: &Packet, bytes: Option<&[u8]>) -> io::Result<()> {
        let line = self.summary_line(packet);
        writeln!(self.out, "{line}")?;
        if self.tree {
            self.out.write_all(layer_tree(packet, self.options.color).as_bytes())?;
        }
        if let Some(bytes) = bytes {
            self.out.write_all(hex_dump(bytes).as_bytes())?;
        }
        if self.tree || bytes.is_some() {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn summary_line(&mut self, packet: &Packet) -> String {
        let time = self.time(packet.ts);
        let (source, destination) = ends(packet);
        let protocol = packet.protocols.rsplit(':').next().unwrap_or_default();
        let most = self.options.columns();
        // IPv6 addresses need room where there is some; the rest is for `info`.
        let address = if most >= 160 { 39 } else { 15.max(most / 6).min(24) };
        let end = |text: &str, right: bool| {
            let cut = cut_middle(&escape(text), address);
            if right { pad_left(&cut, address) } else { pad_right(&cut, address) }
        };
        let front = format!(
            "{} {} {} → {} {} {}",
            pad_left(&packet.number.to_string(), NUMBER),
            pad_left(&time, TIME),
            end(&source, true),
            end(&destination, false),
            pad_right(&cut_middle(&escape(protocol), PROTOCOL), PROTOCOL),
            pad_left(&packet.wire_length.to_string(), LENGTH),
        );
        let mut info = escape(&packet.info).into_owned();
        if let Some(damage) = &packet.damage {
            let gap = if info.is_empty() { "" } else { " " };
            info = format!("{info}{gap}[{}]", escape(damage));
        }
        let room = most.saturating_sub(width(&front) + 1);
        // Too narrow for anything behind the front: the line is cut as a whole.
        if room < 8 {
            return cut_middle(format!("{front} {info}").trim_end(), most);
        }
        let line = format!("{front} {}", cut_middle(&info, room));
        let line = line.trim_end();
        let is_reset = packet.layers.iter().any(|layer| layer.fields.contains(&("tcp.flags.reset", Value::Bool(true))));
        match (&packet.damage, is_reset) {
            (_, true) if self.options.color => format!("\x1b[31m{line}\x1b[0m"),
            (Some(_), _) if self.options.color => format!("\x1b[33m{line}\x1b[0m"),
            _ => line.to_owned(),
        }
    }

    fn time(&mut self, ts: Timestamp) -> String {
        let first = *self.first.get_or_insert(ts);
        let previous = self.previous.replace(ts).unwrap_or(ts);
        let clock = |moment: chrono::DateTime<chrono::FixedOffset>| moment.format("%H:%M:%S%.6f").to_string();
        let utc = chrono::DateTime::from_timestamp_nanos(ts.nanoseconds());
        match self.options.time {
            TimeStyle::Relative => seconds(ts.since(first)),
            TimeStyle::Delta => seconds(ts.since(previous)),
            TimeStyle::Epoch => seconds(ts.nanoseconds()),
            TimeStyle::Utc => clock(utc.fixed_offset()),
            TimeStyle::Local => clock(utc.with_timezone(&chrono::Local).fixed_offset()),
        }
    }
}

impl Writer for PacketLines {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Packet(packet) => self.packet(packet, None),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Seconds with six decimals, cut and not rounded, as tshark prints them.
fn seconds(nanoseconds: i64) -> String {
    let microseconds = nanoseconds.unsigned_abs() / 1_000;
    format!("{}{}.{:06}", if nanoseconds < 0 { "-" } else { "" }, microseconds / 1_000_000, microseconds % 1_000_000)
}

/// The innermost source and destination that the layers name.
fn ends(packet: &Packet) -> (String, String) {
    let find =
        |layer: &Layer, name: &str| layer.fields.iter().find(|(of, _)| *of == name).map(|(_, value)| text(value));
    // A link address is only shown where nothing better is known.
    for wanted in [ENDS.get(..3).unwrap_or_default(), ENDS.get(3..).unwrap_or_default()] {
        for layer in packet.layers.iter().rev() {
            for (source, destination) in wanted {
                if let Some(pair) = find(layer, source).zip(find(layer, destination)) {
                    return pair;
                }
            }
        }
    }
    (String::new(), String::new())
}

/// The layers of a packet and their fields, indented; what `-V` prints.
#[must_use]
pub fn layer_tree(packet: &Packet, color: bool) -> String {
    let mut out = String::new();
    let (bold, dim, red, end) = if color { ("\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m") } else { ("", "", "", "") };
    for layer in &packet.layers {
        let last = layer.offset.saturating_add(layer.length).saturating_sub(1);
        let place = match layer.length {
            0 => format!("at byte {}", layer.offset),
            1 => format!("byte {}", layer.offset),
            _ => format!("bytes {}-{last}", layer.offset),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {bold}{}{end} (OSI {}, {}, {place})", escape(layer.protocol), layer.osi, layer.unit);
        for (name, value) in &layer.fields {
            let _ = writeln!(out, "      {dim}{}:{end} {}", escape(name), escape(&text(value)));
        }
    }
    if let Some(damage) = &packet.damage {
        let _ = writeln!(out, "  {red}stopped: {}{end}", escape(damage));
    }
    out
}

fn text(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}

/// Bytes in hex and ASCII, sixteen to a line, as `text2pcap` reads them back.
#[must_use]
pub fn hex_dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (place, line) in bytes.chunks(DUMP_BYTES).enumerate() {
        let mut hex = String::with_capacity(DUMP_BYTES * 3);
        for byte in line {
            let _ = write!(hex, "{byte:02x} ");
        }
        let ascii: String =
            line.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(out, "{:04x}  {hex:<48}  {ascii}", place * DUMP_BYTES);
    }
    out
}
