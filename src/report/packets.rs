//! `wireglass packets` for people: one line a packet, the layer tree of `-V`, the bytes of `-x`.
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use super::{
    Options, Output, TimeStyle, Writer,
    escape::escape,
    width::{cut_end, cut_middle, pad_left, pad_right, width},
};
use crate::record::{Layer, Packet, PacketLayer, Record, Timestamp, Value};

/// Bytes in a line of a hex dump.
const DUMP_BYTES: usize = 16;

/// Columns before `info`.
const COLUMNS: usize = 6;

/// What the columns before `info` begin with, in order: number, time, source, destination, protocol, length. They grow
/// with what they have to hold.
const LEAST: [usize; COLUMNS] = [5, 10, 11, 11, 4, 4];

/// What they never exceed when `info` needs the room too; addresses have a share of the line besides.
const MOST: [usize; COLUMNS] = [9, 20, 39, 39, 12, 7];

/// Fields that name a packet's ends, the better ones first; of each, the innermost layer that has it wins.
const ENDS: [&[(&str, &str)]; 3] = [
    &[("ip.src", "ip.dst"), ("ipv6.src", "ipv6.dst")],
    &[("eth.src", "eth.dst")],
    &[("arp.src.proto_ipv4", "arp.dst.proto_ipv4")],
];

/// Prints packets as they come; takes no other record.
pub struct PacketLines {
    out: Output,
    options: Options,
    tree: bool,
    first: Option<Timestamp>,
    previous: Option<Timestamp>,
    widths: [usize; COLUMNS],
}

impl PacketLines {
    /// Writes to `out`; with `tree` (`-V`) the layers below each line. Lines are cut to the width of `options`; without
    /// one they are as long as they need.
    #[must_use]
    pub fn new(out: Output, options: Options, tree: bool) -> Self {
        let first = options.origin;
        Self { out, options, tree, first, previous: None, widths: LEAST }
    }

    /// The moment from which relative times count, unless there is one: the first packet that is shown need not be the
    /// first one.
    pub fn begin_at(&mut self, first: Timestamp) {
        self.first.get_or_insert(first);
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
        let own = own_layers(packet);
        let (source, destination) = ends(own);
        let cells: [String; COLUMNS] = [
            packet.number.to_string(),
            self.time(packet.ts),
            escape(&source).into_owned(),
            escape(&destination).into_owned(),
            escape(&protocol_name(packet, own)).into_owned(),
            packet.wire_length.to_string(),
        ];
        let most = self.options.width.map(|width| width.max(super::table::MIN_WIDTH));
        let address = most.map_or(usize::MAX, |most| (most * 2 / 9).max(8));
        let mut padded: [String; COLUMNS] = Default::default();
        for (place, cell) in cells.iter().enumerate() {
            let is_address = matches!(place, 2 | 3);
            let room = if is_address { MOST[place].min(address) } else { MOST[place] };
            let cut = if most.is_some() { cut_middle(cell, room) } else { cell.clone() };
            // Link addresses are rare among others: they shift their own line only.
            if !(is_address && cell.split(':').count() == 6 && cell.len() == 17) {
                self.widths[place] = self.widths[place].max(width(&cut)).min(room);
            }
            let columns = self.widths[place];
            padded[place] = if matches!(place, 3 | 4) { pad_right(&cut, columns) } else { pad_left(&cut, columns) };
        }
        let [number, time, source, destination, protocol, length] = padded;
        let front = format!("{number} {time} {source} → {destination} {protocol} {length}");
        let mut info = escape(&packet.info).into_owned();
        if let Some(damage) = &packet.damage {
            let gap = if info.is_empty() { "" } else { " " };
            info = format!("{info}{gap}[{}]", escape(damage));
        }
        let line = match most {
            None => format!("{front} {info}"),
            // Too narrow for anything behind the front: the line is cut as a whole.
            Some(most) if width(&front) + 9 > most => cut_end(&format!("{front} {info}"), most),
            Some(most) => format!("{front} {}", cut_end(&info, most - width(&front) - 1)),
        };
        let line = line.trim_end();
        let is_reset = own.iter().any(|own| own.layer.fields.contains(&("tcp.flags.reset", Value::Bool(true))));
        match (&packet.damage, is_reset) {
            (_, true) if self.options.color => format!("\x1b[31m{line}\x1b[0m"),
            (Some(_), _) if self.options.color => format!("\x1b[33m{line}\x1b[0m"),
            _ => line.to_owned(),
        }
    }

    fn time(&mut self, ts: Timestamp) -> String {
        let first = *self.first.get_or_insert(ts);
        let previous = self.previous.replace(ts).unwrap_or(ts);
        moment(self.options.time, ts, first, previous)
    }
}

/// A moment in the wanted style, to the microsecond.
pub(super) fn moment(style: TimeStyle, ts: Timestamp, first: Timestamp, previous: Timestamp) -> String {
    let clock = |moment: chrono::DateTime<chrono::FixedOffset>| moment.format("%H:%M:%S%.6f").to_string();
    let utc = chrono::DateTime::from_timestamp_nanos(ts.nanoseconds());
    match style {
        TimeStyle::Relative => seconds(ts.since(first)),
        TimeStyle::Delta => seconds(ts.since(previous)),
        TimeStyle::Epoch => seconds(ts.nanoseconds()),
        TimeStyle::Utc => clock(utc.fixed_offset()),
        TimeStyle::Local => clock(utc.with_timezone(&chrono::Local).fixed_offset()),
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

/// The layers without the packet that an ICMP error quotes.
fn own_layers(packet: &Packet) -> &[PacketLayer] {
    let is_error = |PacketLayer { layer, .. }: &PacketLayer| layer.protocol == "icmp" || layer.protocol == "icmpv6";
    let kept = packet.layers.iter().position(is_error).map_or(packet.layers.len(), |place| place + 1);
    packet.layers.get(..kept).unwrap_or_default()
}

/// The innermost source and destination that the layers name.
fn ends(layers: &[PacketLayer]) -> (String, String) {
    let find =
        |layer: &Layer, name: &str| layer.fields.iter().find(|(of, _)| *of == name).map(|(_, value)| text(value));
    for wanted in ENDS {
        for PacketLayer { layer, .. } in layers.iter().rev() {
            for (source, destination) in wanted {
                if let Some(pair) = find(layer, source).zip(find(layer, destination)) {
                    return pair;
                }
            }
        }
    }
    (String::new(), String::new())
}

/// What the packet is called: its innermost protocol that has a name, as people write it.
fn protocol_name(packet: &Packet, own: &[PacketLayer]) -> String {
    let quotes = own.len() < packet.layers.len();
    let last = own.last().map(|own| own.layer.protocol).filter(|_| quotes);
    let innermost = || packet.protocols.rsplit(':').find(|name| *name != "data").unwrap_or_default();
    match last.unwrap_or_else(innermost) {
        "ip" => "IPv4".into(),
        "ipv6" => "IPv6".into(),
        "icmpv6" => "ICMPv6".into(),
        "eth" => "Ethernet".into(),
        other => other.to_uppercase(),
    }
}

/// The layers of a packet and their fields, indented; what `-V` prints.
#[must_use]
pub fn layer_tree(packet: &Packet, color: bool) -> String {
    let mut out = String::new();
    let (bold, dim, red, end) = if color { ("\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m") } else { ("", "", "", "") };
    for PacketLayer { layer, reassembled_from } in &packet.layers {
        let last = layer.offset.saturating_add(layer.length).saturating_sub(1);
        let place = match layer.length {
            0 => format!("at byte {}", layer.offset),
            1 => format!("byte {}", layer.offset),
            _ => format!("bytes {}-{last}", layer.offset),
        };
        let numbers: Vec<String> = reassembled_from.iter().map(ToString::to_string).collect();
        let pieces = match numbers.as_slice() {
            [] => String::new(),
            [number] => format!(", in packet {number}"),
            numbers => format!(", in packets {}", numbers.join(", ")),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  {bold}{}{end} (OSI {}, {}, {place}{pieces})",
            escape(layer.protocol),
            layer.osi,
            layer.unit
        );
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
