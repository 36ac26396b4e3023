//! One interface: its libpcap handle, its counters, and what happens to it. Non-blocking; who reads several decides when.
//!
//! On Linux libpcap reads a ring of blocks (TPACKET_V3): packets become visible when their block is full, or a timeout after
//! the block was begun. libpcap's own read timeout does not return on an idle interface by design, so that [`super::wait`]
//! waits instead.
use std::{
    fs,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use pcap::{Active, Error, Linktype, Precision};

use super::{
    clock,
    counts::{Counts, Wrapping},
    options::{InterfaceChoice, LiveError, LiveOptions, OnChange, words},
};
use crate::{
    capture::bpf::{FilterError, refuse_names},
    limits,
    record::{Interface, InterfaceChange, InterfaceEvent, LinkType, Timestamp},
};

/// After how long the kernel shows a block that is not full: of one interface, and of several, which wait for each other.
const BLOCK_ALONE: Duration = Duration::from_millis(50);
const BLOCK_SEVERAL: Duration = Duration::from_millis(10);
/// What the kernel's timers and this thread may be late.
const LATE: Duration = Duration::from_millis(10);
/// How often counters are read, and the state of the link.
const COUNT_EVERY: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A filter that no packet passes: those of no bytes.
const NOTHING: &str = "less 0";

/// LINKTYPE_LINUX_SLL2: the cooked header that names the interface, of `any`.
const SLL2: i32 = 276;

/// An open interface.
pub(super) struct Lane {
    pub(super) capture: pcap::Capture<Active>,
    pub(super) name: String,
    pub(super) link_type: LinkType,
    snap_length: u32,
    nanoseconds: bool,
    /// Time in which a packet is visible, if the interface has been read to its end then.
    pub(super) hold: Duration,
    index: usize,
    counts: Counts,
    received: Wrapping,
    by_kernel: Wrapping,
    by_interface: Wrapping,
    /// Whether libpcap has told its counters.
    counted: Option<Instant>,
    looked: Instant,
    suspect: bool,
    state: InterfaceChange,
    events: Vec<InterfaceEvent>,
    on_change: Option<OnChange>,
}

/// What becomes of a packet that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was taken; another one is welcome.
    More,
    /// It was taken; no more for now.
    Enough,
    /// It is not wanted.
    Refused,
}

/// What reading an interface came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// All that is visible was read.
    Empty,
    /// Enough was read; there may be more.
    Enough,
    /// A packet was not wanted.
    Refused,
    /// The interface is no more.
    Gone,
}

impl Lane {
    pub(super) fn open(
        choice: &InterfaceChoice,
        index: usize,
        options: &LiveOptions,
        counts: &Counts,
    ) -> Result<Self, LiveError> {
        if let Some(filter) = &choice.filter {
            refuse_names(filter)?;
        }
        let name = choice.name.clone();
        let fail = |error| LiveError::new(&name, error);
        // Elsewhere libpcap may refuse nanoseconds, and the crate does not say whether it did.
        let nanoseconds = cfg!(target_os = "linux");
        let block = if options.interfaces.len() > 1 { BLOCK_SEVERAL } else { BLOCK_ALONE };
        let inactive = pcap::Capture::from_device(name.as_str())
            .map_err(fail)?
            .snaplen(i32::try_from(options.snap_length).unwrap_or(i32::MAX))
            .promisc(options.promiscuous)
            .buffer_size(i32::try_from(options.buffer_bytes).unwrap_or(i32::MAX))
            .immediate_mode(options.immediate)
            .timeout(i32::try_from(block.as_millis()).unwrap_or(i32::MAX))
            .precision(if nanoseconds { Precision::Nano } else { Precision::Micro });
        let mut capture = inactive.open().map_err(fail)?.setnonblock().map_err(fail)?;
        if name == "any" {
            // The older header, which libpcap begins with, does not say which interface; an old libpcap has no other.
            let _ = capture.set_datalink(Linktype(SLL2));
        }
        let [mut received, mut by_kernel, mut by_interface] = [Wrapping::default(); 3];
        if let Some(filter) = &choice.filter {
            // What came before there was a filter was counted, and is thrown away by libpcap when there is one. With one that
            // lets nothing pass, the counters stand still until the other is there.
            if capture.filter(NOTHING, false).is_ok()
                && let Ok(so_far) = capture.stats()
            {
                received.begin(so_far.received);
                by_kernel.begin(so_far.dropped);
                by_interface.begin(so_far.if_dropped);
            }
            let syntax = |error| FilterError::Syntax { expression: filter.clone(), reason: words(error) };
            capture.filter(filter, true).map_err(syntax)?;
        }
        let link_type = LinkType::from_dlt(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
        // A block is begun by its first packet, and may be looked at once just before it is due.
        let hold = if options.immediate { LATE } else { block.saturating_mul(2).saturating_add(LATE) };
        Ok(Self {
            capture,
            name,
            link_type,
            snap_length: options.snap_length,
            nanoseconds,
            hold,
            index,
            counts: counts.clone(),
            received,
            by_kernel,
            by_interface,
            counted: None,
            looked: Instant::now(),
            suspect: false,
            state: InterfaceChange::Up,
            events: Vec::new(),
            on_change: options.on_change.clone(),
        })
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state == InterfaceChange::Gone
    }

    /// Reads what is visible. `take` is given each packet's time, its length on the wire, and its bytes.
    pub(super) fn read(&mut self, mut take: impl FnMut(Timestamp, u32, &[u8]) -> Taken) -> Read {
        if self.is_gone() {
            return Read::Gone;
        }
        let mut gone_since = None;
        loop {
            match self.capture.next_packet() {
                Ok(packet) => {
                    let fraction = packet.header.ts.tv_usec;
                    let nanoseconds = if self.nanoseconds { fraction } else { fraction.saturating_mul(1000) };
                    // The fields' widths differ between systems.
                    #[allow(clippy::useless_conversion)]
                    let (seconds, nanoseconds) = (i64::from(packet.header.ts.tv_sec), i64::from(nanoseconds));
                    match take(Timestamp::from_parts(seconds, nanoseconds), packet.header.len, packet.data) {
                        Taken::More => {}
                        Taken::Enough => return Read::Enough,
                        Taken::Refused => return Read::Refused,
                    }
                }
                Err(Error::TimeoutExpired) => return Read::Empty,
                // What came before may still be in a block that is not visible: it is once its time is over.
                Err(_) => match gone_since {
                    None => {
                        gone_since = Some(Instant::now());
                        std::thread::sleep(self.hold);
                    }
                    Some(_) => {
                        self.changed(InterfaceChange::Gone);
                        return Read::Gone;
                    }
                },
            }
        }
    }

    /// Something is wrong with the descriptor. libpcap is asked for packets next: if the device has gone, it says so.
    pub(super) fn suspect(&mut self) {
        self.suspect = true;
    }

    /// Counts packets that were handed on.
    pub(super) fn captured(&self, packets: u64, wire_bytes: u64) {
        if let Some(counts) = self.counts.of(self.index) {
            counts.captured.fetch_add(packets, Ordering::Relaxed);
            counts.wire_bytes.fetch_add(wire_bytes, Ordering::Relaxed);
        }
    }

    /// Reads counters and the link's state, now and then.
    pub(super) fn look_after(&mut self, now: Instant) {
        if self.is_gone() {
            return;
        }
        if self.counted.is_none_or(|counted| now.duration_since(counted) >= COUNT_EVERY) {
            self.count();
        }
        let suspect = std::mem::take(&mut self.suspect);
        if suspect || now.duration_since(self.looked) >= LOOK_EVERY {
            self.looked = now;
            // Where the system does not tell: it is still there, and packets cannot be had from it.
            self.look(suspect.then_some(InterfaceChange::Down));
        }
    }

    /// Reads libpcap's counters.
    pub(super) fn count(&mut self) {
        let Ok(statistics) = self.capture.stats() else { return };
        self.counted = Some(Instant::now());
        let received = self.received.see(statistics.received);
        let by_kernel = self.by_kernel.see(statistics.dropped);
        let by_interface = self.by_interface.see(statistics.if_dropped);
        if let Some(counts) = self.counts.of(self.index) {
            counts.received.store(received, Ordering::Relaxed);
            counts.dropped_by_kernel.store(by_kernel, Ordering::Relaxed);
            counts.dropped_by_interface.store(by_interface, Ordering::Relaxed);
        }
    }

    /// Compares the link's state with what it was. Where the system does not tell, `otherwise` it is.
    fn look(&mut self, otherwise: Option<InterfaceChange>) {
        if let Some(state) = link_state(&self.name).or(otherwise)
            && state != self.state
        {
            self.changed(state);
        }
    }

    /// A packet came: the link is up, if nothing else tells so.
    pub(super) fn came(&mut self) {
        if self.state == InterfaceChange::Down && link_state(&self.name).is_none() {
            self.changed(InterfaceChange::Up);
        }
    }

    fn changed(&mut self, change: InterfaceChange) {
        let ts = clock().unwrap_or_default();
        self.state = change;
        // The last place is for its end.
        let room = limits::MAX_INTERFACE_EVENTS.saturating_sub(usize::from(change != InterfaceChange::Gone));
        if self.events.len() < room {
            self.events.push(InterfaceEvent { ts, what: change });
        }
        if let Some(counts) = self.counts.of(self.index) {
            counts.changed(change);
        }
        if let Some(on_change) = &self.on_change {
            on_change(&self.name, change, ts);
        }
    }

    /// As records have it.
    pub(super) fn describe(&self) -> Interface {
        let told = |counter: Wrapping| self.counted.map(|_| counter.sum());
        let (by_kernel, by_interface) = (told(self.by_kernel), told(self.by_interface));
        Interface {
            name: Some(self.name.clone()),
            link_type: self.link_type.name().into_owned(),
            snap_length: Some(u64::from(self.snap_length)),
            received: told(self.received),
            dropped: by_kernel.zip(by_interface).map(|(one, other)| one.saturating_add(other)),
            dropped_by_kernel: by_kernel,
            dropped_by_interface: by_interface,
            not_analyzed: Some(0),
            events: self.events.clone(),
        }
    }
}

/// The state of a network interface, where sysfs tells of it (Linux: /sys/class/net).
fn link_state(name: &str) -> Option<InterfaceChange> {
    /// IFF_UP in netdevice(7).
    const UP: u32 = 1;
    if !cfg!(target_os = "linux") || name == "any" || name.contains('/') {
        return None;
    }
    let read = |what: &str| fs::read_to_string(format!("/sys/class/net/{name}/{what}")).ok();
    let flags = read("flags")?;
    let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).ok()?;
    if flags & UP == 0 {
        return Some(InterfaceChange::Down);
    }
    let no_carrier = read("carrier").is_some_and(|carrier| carrier.trim() == "0");
    Some(if no_carrier { InterfaceChange::NoCarrier } else { InterfaceChange::Up })
}
