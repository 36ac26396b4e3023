//! A host: a real TCP implementation (smoltcp), a program that uses it in whatever way chance wants, and a log of the
//! states its endpoint really lived.
use std::{cell::Cell, collections::VecDeque};

use smoltcp::{
    iface::{Config, Interface, SocketHandle, SocketSet},
    phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken},
    socket::tcp::{Socket, SocketBuffer, State},
    time::{Duration, Instant},
    wire::{HardwareAddress, IpAddress, IpCidr, Ipv4Address},
};
use wireglass::record::TcpState;

use crate::chance::Chance;

thread_local! {
    /// Simulated time in milliseconds, for the timestamps option: its generator is a plain function.
    static NOW_MS: Cell<u32> = const { Cell::new(0) };
}

/// An entry of the log.
#[derive(Clone, Copy, Debug)]
pub struct Lived {
    pub time: i64,
    pub state: TcpState,
    /// Which connection of this endpoint, counted from its OPEN.
    pub incarnation: u32,
}

/// A packet as it leaves a host.
#[derive(Clone, Debug)]
pub struct Sent {
    pub bytes: Vec<u8>,
    pub tag: Tag,
}

/// Who sent a packet, in which connection, and how much of its log it had lived by then.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    pub host: usize,
    pub incarnation: u32,
    pub lived: usize,
}

/// The wire's end.
struct Port {
    mtu: usize,
    received: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

pub struct Taken(Vec<u8>);
pub struct Given<'a>(&'a mut Vec<Vec<u8>>);

impl RxToken for Taken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Given<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut bytes = vec![0; length];
        let result = write(&mut bytes);
        self.0.push(bytes);
        result
    }
}

impl Device for Port {
    type RxToken<'a> = Taken;
    type TxToken<'a> = Given<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Taken, Given<'_>)> {
        Some((Taken(self.received.pop_front()?), Given(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Given<'_>> {
        Some(Given(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        let mut checksum = ChecksumCapabilities::default();
        checksum.tcp = Checksum::Tx;
        capabilities.checksum = checksum;
        capabilities
    }
}

/// How a program behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Bytes written at once at most.
    pub writes: u64,
    /// In how many of a hundred turns it writes, reads, closes, aborts.
    pub write: u64,
    pub read: u64,
    pub close: u64,
    pub abort: u64,
    /// In how many of a hundred turns it closes after the peer has.
    pub follow: u64,
    /// Opens actively; else it listens.
    pub active: bool,
}

/// A host.
pub struct Host {
    pub index: usize,
    pub log: Vec<Lived>,
    pub manners: Manners,
    /// Connections it may still open.
    pub openings: u32,
    /// Its program does no more than reading and closing.
    pub winding_up: bool,
    incarnation: u32,
    port: Port,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    outbox: Vec<Sent>,
    stream_place: u64,
}

pub const PORTS: [u16; 2] = [40000, 80];

pub fn address(host: usize) -> Ipv4Address {
    Ipv4Address::new(10, 0, 0, host as u8 + 1)
}

fn name(state: State) -> TcpState {
    match state {
        State::Closed => TcpState::Closed,
        State::Listen => TcpState::Listen,
        State::SynSent => TcpState::SynSent,
        State::SynReceived => TcpState::SynReceived,
        State::Established => TcpState::Established,
        State::FinWait1 => TcpState::FinWait1,
        State::FinWait2 => TcpState::FinWait2,
        State::CloseWait => TcpState::CloseWait,
        State::Closing => TcpState::Closing,
        State::LastAck => TcpState::LastAck,
        State::TimeWait => TcpState::TimeWait,
    }
}

impl Host {
    pub fn new(index: usize, chance: &mut Chance, manners: Manners, openings: u32) -> Self {
        let mut port = Port { mtu: chance.of(&[576, 1500, 1500, 9000]), received: VecDeque::new(), sent: Vec::new() };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = chance.next();
        let mut interface = Interface::new(config, &mut port, Instant::from_micros(0));
        interface.update_ip_addrs(|list| list.push(IpCidr::new(IpAddress::Ipv4(address(index)), 24)).unwrap());
        let window = chance.of(&[600, 2_000, 20_000, 65_535, 300_000]);
        let mut socket = Socket::new(
            SocketBuffer::new(vec![0; window]),
            SocketBuffer::new(vec![0; chance.of(&[500, 5_000, 60_000])]),
        );
        socket.set_ack_delay(chance.percent(60).then(|| Duration::from_millis(10)));
        socket.set_nagle_enabled(chance.percent(50));
        if chance.percent(20) {
            socket.set_keep_alive(Some(Duration::from_millis(chance.of(&[300, 2_000]))));
        }
        if chance.percent(15) {
            socket.set_timeout(Some(Duration::from_millis(chance.of(&[900, 4_000]))));
        }
        if chance.percent(60) {
            socket.set_tsval_generator(Some(|| NOW_MS.get()));
        }
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        Self {
            index,
            log: vec![Lived { time: 0, state: TcpState::Closed, incarnation: 0 }],
            manners,
            openings,
            winding_up: false,
            incarnation: 0,
            port,
            interface,
            sockets,
            handle,
            outbox: Vec::new(),
            stream_place: 0,
        }
    }

    pub fn state(&self) -> State {
        self.sockets.get::<Socket>(self.handle).state()
    }

    /// Writes down what has changed, and takes what was sent meanwhile.
    fn note(&mut self, now: i64) {
        let state = name(self.state());
        if self.log.last().is_none_or(|last| last.state != state) {
            let before = self.log.last().map(|last| last.state);
            // A passive opening that was reset listens again (RFC 9293 3.10.7.4): that connection is gone.
            if before == Some(TcpState::SynReceived) && state == TcpState::Listen {
                self.log.push(Lived { time: now, state: TcpState::Closed, incarnation: self.incarnation });
            }
            if matches!(before, Some(TcpState::Closed)) || state == TcpState::Listen {
                self.incarnation += 1;
            }
            self.log.push(Lived { time: now, state, incarnation: self.incarnation });
        }
        let tag = Tag { host: self.index, incarnation: self.incarnation, lived: self.log.len() };
        self.outbox.extend(self.port.sent.drain(..).map(|bytes| Sent { bytes, tag }));
    }

    fn clock(now: i64) -> Instant {
        NOW_MS.set((now / 1000) as u32);
        Instant::from_micros(now)
    }

    /// A packet arrives.
    pub fn receive(&mut self, now: i64, bytes: Vec<u8>) {
        self.port.received.push_back(bytes);
        self.interface.poll_ingress_single(Self::clock(now), &mut self.port, &mut self.sockets);
        self.note(now);
        self.work(now);
    }

    /// Time has passed: sends what is due.
    pub fn work(&mut self, now: i64) {
        self.interface.poll_egress(Self::clock(now), &mut self.port, &mut self.sockets);
        self.note(now);
    }

    /// When it wants to be called again.
    pub fn due(&mut self, now: i64) -> Option<i64> {
        let due = self.interface.poll_at(Self::clock(now), &self.sockets)?;
        Some(due.total_micros().max(now))
    }

    pub fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.outbox)
    }

    /// The program has its turn.
    pub fn turn(&mut self, now: i64, chance: &mut Chance) {
        let manners = self.manners;
        let peer = (IpAddress::Ipv4(address(1 - self.index)), PORTS[1 - self.index]);
        let own = PORTS[self.index];
        Self::clock(now);
        let socket = self.sockets.get_mut::<Socket>(self.handle);
        match socket.state() {
            State::Closed => {
                if self.openings > 0 && !self.winding_up && chance.percent(40) {
                    self.openings -= 1;
                    if manners.active {
                        let _ = socket.connect(self.interface.context(), peer, own);
                    } else {
                        let _ = socket.listen(own);
                    }
                }
            }
            State::Listen | State::SynReceived | State::TimeWait => {}
            State::SynSent => {
                if chance.percent(manners.abort) || self.winding_up && chance.percent(20) {
                    socket.close();
                }
            }
            state => {
                if socket.can_recv() && chance.percent(manners.read) {
                    let most = chance.of(&[1, 100, 100_000]);
                    let _ = socket.recv(|bytes| (bytes.len().min(most), ()));
                }
                if socket.can_send() && !self.winding_up && chance.percent(manners.write) {
                    let length = 1 + chance.below(manners.writes) as usize;
                    let place = self.stream_place;
                    let bytes: Vec<u8> = (0..length as u64).map(|at| (place + at) as u8).collect();
                    self.stream_place += socket.send_slice(&bytes).unwrap_or(0) as u64;
                }
                let close = if state == State::CloseWait { manners.follow } else { manners.close };
                if chance.percent(manners.abort) {
                    socket.abort();
                } else if chance.percent(close) || self.winding_up && chance.percent(30) {
                    // smoltcp sends keep-alives while its FIN is on the way, with a byte that stands where the FIN
                    // stands, and its peer takes that byte for data; RFC 9293 3.8.4 forbids them unless idle.
                    socket.set_keep_alive(None);
                    socket.close();
                }
            }
        }
        self.note(now);
        self.work(now);
    }
}
