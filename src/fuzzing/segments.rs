//! A script of TCP segments against a model: every byte that reaches the reader must be the byte that was sent at that
//! place, and when all were sent and nothing was acknowledged early, all must arrive, in whatever order they came.
use crate::{
    flow::{Consumer, Packet, Settings, Table},
    limits::Limit,
    record::{
        Context, Direction, FlowFacts, FlowId, Input, LinkType, PacketNumber, PacketRef, Progress, Record, Timestamp,
        Wanted,
    },
    wire,
};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// What was sent at a place of a stream. Overlapping segments agree.
fn content(direction: Direction, offset: u64) -> u8 {
    let mixed = (offset as u32 ^ (direction.index() as u32) << 30).wrapping_mul(0x9e37_79b1);
    (mixed >> 24) as u8 ^ offset as u8
}

/// Reads as the model does. `policy` decides how much it takes at once.
struct Model {
    policy: u8,
    opened: u32,
    delivered: [u64; 2],
    limited: bool,
}

/// What the reader of one connection knows: where it is in each direction, unless the connection began unseen.
struct Reader {
    place: [Option<u64>; 2],
    turns: u8,
    ended: [bool; 2],
    done: bool,
}

impl Consumer for Model {
    type Conversation = Reader;

    fn open(&mut self, _: &FlowFacts) -> Reader {
        self.opened += 1;
        let place = (self.opened == 1).then_some(0);
        Reader { place: [place; 2], turns: 0, ended: [false; 2], done: false }
    }

    fn input(&mut self, reader: &mut Reader, input: Input<'_>, context: &Context<'_>) -> Progress {
        assert!(!reader.done || input == Input::Close, "{input:?} after Done");
        assert!(context.origins.windows(2).all(|pair| pair[0].offset <= pair[1].offset));
        match input {
            Input::Stream { direction, bytes } => {
                let side = direction.index();
                assert!(!bytes.is_empty() && !reader.ended[side]);
                if let Some(place) = reader.place[side] {
                    for (offset, byte) in (place..).zip(bytes) {
                        assert_eq!(*byte, content(direction, offset), "{direction:?} byte {offset}");
                    }
                }
                reader.turns = reader.turns.wrapping_add(1);
                let turn = usize::from(reader.turns);
                let progress = match self.policy {
                    0 => Progress::Consumed(bytes.len()),
                    1 => Progress::Consumed(bytes.len().min(turn % 5)),
                    2 if turn % 3 == 0 => Progress::Skip(turn as u64 * 7),
                    2 => Progress::Need { consumed: bytes.len() / 2, at_least: turn },
                    _ if turn % 8 == 0 => Progress::HandOver(bytes.len().min(3)),
                    _ if turn == 250 => Progress::Done,
                    _ => Progress::Consumed(bytes.len() / 2),
                };
                let taken = match progress {
                    Progress::Consumed(taken) | Progress::HandOver(taken) => taken as u64,
                    Progress::Need { consumed, .. } => consumed as u64,
                    Progress::Skip(taken) => taken,
                    Progress::Done => 0,
                };
                reader.done = progress == Progress::Done;
                self.delivered[side] += taken;
                reader.place[side] = reader.place[side].map(|place| place + taken);
                progress
            }
            Input::Skipped { length, missing, .. } => {
                assert!(length > 0 && missing <= length);
                Progress::Consumed(0)
            }
            Input::Gap { direction, length } => {
                let side = direction.index();
                assert!(length > 0 && !reader.ended[side]);
                reader.place[side] = reader.place[side].map(|place| place + length);
                Progress::Consumed(0)
            }
            Input::End { direction, .. } => {
                assert!(!std::mem::replace(&mut reader.ended[direction.index()], true), "two ends");
                Progress::Consumed(0)
            }
            Input::Datagram { .. } => panic!("a datagram in TCP"),
            Input::Close => Progress::Done,
        }
    }

    fn take_reoffer(&mut self, reader: &mut Reader) -> bool {
        self.policy == 3 && reader.turns % 16 == 7
    }

    fn application(&self, _: &Reader) -> Option<&'static str> {
        None
    }

    fn emit(&mut self, _: u64, _: FlowId, record: Record) {
        serde_json::to_string(&record).expect("every record has a JSON form");
    }

    fn limit(&mut self, _: &'static Limit, _: PacketRef) {
        self.limited = true;
    }
}

/// One run over a table.
struct Driver {
    table: Table<Model>,
    model: Model,
    starts: [u32; 2],
    packets: u64,
    clock: i64,
}

impl Driver {
    fn new(policy: u8, starts: [u32; 2]) -> Self {
        let settings = Settings {
            max_flows: 2,
            wanted: crate::record::RecordKind::ALL.into_iter().collect::<Wanted>(),
            ..Settings::default()
        };
        let model = Model { policy, opened: 0, delivered: [0; 2], limited: false };
        Self { table: Table::new(settings), model, starts, packets: 0, clock: 0 }
    }

    /// Both SYNs and the ACK.
    fn handshake(&mut self) {
        let [client, server] = self.starts;
        self.segment(Direction::ClientToServer, client.wrapping_sub(1), 0, SYN, &[]);
        self.segment(Direction::ServerToClient, server.wrapping_sub(1), client, SYN | ACK, &[]);
        self.segment(Direction::ClientToServer, client, server, ACK, &[]);
    }

    fn segment(&mut self, direction: Direction, sequence: u32, acknowledged: u32, flags: u8, payload: &[u8]) {
        let mut bytes = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0];
        bytes[2..4].copy_from_slice(&(payload.len() as u16 + 40).to_be_bytes());
        let (from, to) = if direction == Direction::ClientToServer { (1, 2) } else { (2, 1) };
        let ports = [[0x9c, 0x40], [0, 80]];
        bytes.extend_from_slice(&[10, 0, 0, from, 10, 0, 0, to]);
        bytes.extend_from_slice(&ports[usize::from(from) - 1]);
        bytes.extend_from_slice(&ports[usize::from(to) - 1]);
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&acknowledged.to_be_bytes());
        bytes.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend_from_slice(payload);
        self.clock += 1_000_000;
        let at = PacketRef {
            index: self.packets,
            number: PacketNumber::new(0, self.packets + 1),
            timestamp: Timestamp(self.clock),
        };
        self.packets += 1;
        let wire_length = bytes.len() as u32;
        let decoded = wire::decode(LinkType(101), &bytes, wire_length);
        let checksum = decoded.transport_checksum(&bytes);
        let packet = Packet {
            at,
            clock: Timestamp(self.clock),
            bytes: &bytes,
            decoded: &decoded,
            checksum,
            wire_length,
            encapsulated: None,
        };
        self.table.expire(packet.clock, |_| at, &mut self.model);
        self.table.packet(&packet, &mut self.model);
    }

    /// Bytes of a stream from `offset` on, with nothing acknowledged.
    fn data(&mut self, direction: Direction, offset: u32, length: u32, acknowledged: u32, flags: u8) {
        // A SYN has a number of its own; data comes behind it.
        let syn = u32::from(flags & SYN != 0);
        let place = |byte: u32| u64::from(offset.wrapping_add(syn).wrapping_add(byte));
        let payload: Vec<u8> = (0..length).map(|byte| content(direction, place(byte))).collect();
        let sequence = self.starts[direction.index()].wrapping_add(offset);
        self.segment(direction, sequence, acknowledged, flags, &payload);
    }

    fn finish(mut self) -> Model {
        let at = PacketRef { index: self.packets, ..PacketRef::default() };
        self.table.finish(at, &mut self.model);
        assert_eq!(self.table.open_flows(), 0);
        self.model
    }
}

/// Byte 0: bits 0-1 how the reader reads, bit 2 whether the script may do anything, bit 3 no handshake. Bytes 1 and 2:
/// initial sequence numbers near their end. Then steps of 4 bytes: operation, length, offset.
pub fn flow_segments(script: &[u8]) {
    let [mode, first, second, steps @ ..] = script else { return };
    let starts = [u32::MAX - (u32::from(*first) << 6), u32::MAX - (u32::from(*second) << 3)];
    let wild = mode & 4 != 0;
    let mut driver = Driver::new(mode & 3, starts);
    if mode & 8 == 0 {
        driver.handshake();
    } else {
        // The reader cannot know where it is.
        driver.model.opened = 1;
    }
    let (mut wanted, mut ends) = ([Vec::new(), Vec::new()], [0u32; 2]);
    for step in steps.as_chunks::<4>().0 {
        let [operation, length, high, low] = *step;
        let direction = Direction::BOTH[usize::from(operation & 1)];
        let side = direction.index();
        let offset = u32::from(u16::from_be_bytes([high, low]));
        let length = u32::from(length) * (1 + u32::from(operation >> 1 & 3));
        let back = starts[direction.reverse().index()];
        if wild {
            match operation >> 3 & 15 {
                0..=7 => driver.data(direction, offset, length, back, ACK),
                8 => driver.data(direction, offset << 15, length, back, ACK),
                9 => driver.data(direction, offset, length, back, ACK | FIN),
                10 => driver.data(direction, offset, length, back, RST),
                11 => driver.data(direction, 0, 0, back.wrapping_add(offset), ACK),
                12 => driver.data(direction, offset, length.min(2), back, SYN),
                13 => driver.data(direction, offset, 0, back.wrapping_add(offset), ACK | RST),
                14 => driver.clock += i64::from(offset) * 1_000_000_000,
                _ => driver.data(direction, 0u32.wrapping_sub(offset), 0, back, operation),
            }
        } else if length > 0 {
            // Close to what was sent already, so that holes are filled.
            let offset = (offset % (ends[side] + 512)).min(40_000);
            ends[side] = ends[side].max(offset + length);
            wanted[side].push((offset, length));
            driver.data(direction, offset, length, back, ACK);
        }
    }
    if wild || mode & 8 != 0 {
        driver.finish();
        return;
    }
    // What is missing, last part first, and the whole once more: now everything was sent.
    for direction in Direction::BOTH {
        let side = direction.index();
        let mut place = ends[side];
        while place > 0 {
            let start = place.saturating_sub(997);
            driver.data(direction, start, place - start, starts[1 - side], ACK);
            place = start;
        }
    }
    let model = driver.finish();
    if mode & 3 == 0 && !model.limited {
        assert_eq!(model.delivered, ends.map(u64::from), "not everything arrived");
    }
}
