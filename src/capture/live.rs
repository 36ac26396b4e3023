//! Live capture through libpcap: each packet is copied once, into the batch. Never blocks for longer than a tick, so that
//! a stop, a duration and idle time take effect on a silent wire.
//!
//! libpcap's own read timeout does not return on an idle Linux interface (by design of TPACKET_V3), and poll(2) on its
//! descriptor needs unsafe code here; so the handle is non-blocking and an idle wire is looked at every few
//! milliseconds, while the kernel's buffer keeps what arrives meanwhile.
use std::{
    fs, io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use pcap::{Active, Device, Error, Precision};
use thiserror::Error as ThisError;

use super::{
    Batch, More, PacketSource,
    bpf::{FilterError, refuse_names},
    tally::{Found, Tally},
};
use crate::{
    limits,
    record::{Capture, Interface, LinkType, Timestamp},
};

/// How long an idle interface is left alone.
const IDLE_WAIT: Duration = Duration::from_millis(5);
/// How long packets may wait for a batch to fill.
const BATCH_WAIT: Duration = Duration::from_millis(50);

/// What to capture and how.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// The interface's name.
    pub device: String,
    /// Bytes of each packet to keep.
    pub snap_length: u32,
    /// Whether to see packets to others too.
    pub promiscuous: bool,
    /// Size of the kernel's buffer in bytes.
    pub buffer_bytes: u32,
    /// A capture filter, for the kernel.
    pub filter: Option<String>,
    /// End after so long.
    pub duration: Option<Duration>,
    /// Hand on an empty batch when nothing has come for so long.
    pub tick: Duration,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            device: "any".to_owned(),
            snap_length: 262_144,
            promiscuous: true,
            buffer_bytes: 64 << 20,
            filter: None,
            duration: None,
            tick: Duration::from_millis(200),
        }
    }
}

/// Why capturing cannot begin.
#[derive(Debug, ThisError)]
pub enum LiveError {
    /// The system does not allow it.
    #[error("{device}: not allowed to capture ({reason}); allow it with: {remedy}")]
    Permission {
        /// The interface.
        device: String,
        /// libpcap's words.
        reason: String,
        /// The command that allows it.
        remedy: String,
    },
    /// No such interface.
    #[error("{device}: there is no such interface; `wireglass interfaces` lists them")]
    NoSuchDevice {
        /// The interface.
        device: String,
    },
    /// The filter is not usable.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Anything else libpcap says.
    #[error("{device}: {reason}; `wireglass interfaces` lists what can be captured from")]
    Other {
        /// The interface.
        device: String,
        /// libpcap's words.
        reason: String,
    },
}

/// The command that lets this program capture without being root.
#[must_use]
pub fn remedy() -> String {
    let program = std::env::current_exe().map_or_else(|_| "wireglass".to_owned(), |path| path.display().to_string());
    if cfg!(target_os = "linux") {
        format!("sudo setcap cap_net_raw,cap_net_admin=eip '{program}'")
    } else {
        format!("sudo '{program}' live")
    }
}

impl LiveError {
    fn new(device: &str, error: Error) -> Self {
        let reason = match error {
            Error::PcapError(reason) => reason,
            other => other.to_string(),
        };
        let device = device.to_owned();
        let lower = reason.to_lowercase();
        if lower.contains("permi") || lower.contains("cap_net_raw") || lower.contains("/dev/bpf") {
            Self::Permission { device, reason, remedy: remedy() }
        } else if lower.contains("no such device") || lower.contains("doesn't exist") {
            Self::NoSuchDevice { device }
        } else {
            Self::Other { device, reason }
        }
    }
}

/// An interface being captured from.
pub struct LiveSource {
    capture: pcap::Capture<Active>,
    options: LiveOptions,
    link_type: LinkType,
    nanoseconds: bool,
    stop: Arc<AtomicBool>,
    end: Option<Instant>,
    tally: Tally,
    received: Option<u64>,
    dropped: Option<u64>,
    ended: bool,
}

impl LiveSource {
    /// Begins capturing; `stop` ends it.
    ///
    /// # Errors
    /// See [`LiveError`].
    pub fn open(options: LiveOptions, stop: Arc<AtomicBool>) -> Result<Self, LiveError> {
        if let Some(filter) = &options.filter {
            refuse_names(filter)?;
        }
        let device = options.device.clone();
        let fail = |error| LiveError::new(&device, error);
        // Elsewhere libpcap may refuse nanoseconds, and the crate does not say whether it did.
        let nanoseconds = cfg!(target_os = "linux");
        let inactive = pcap::Capture::from_device(device.as_str())
            .map_err(fail)?
            .snaplen(i32::try_from(options.snap_length).unwrap_or(i32::MAX))
            .promisc(options.promiscuous)
            .buffer_size(i32::try_from(options.buffer_bytes).unwrap_or(i32::MAX))
            .timeout(100)
            .precision(if nanoseconds { Precision::Nano } else { Precision::Micro });
        let mut capture = inactive.open().map_err(fail)?.setnonblock().map_err(fail)?;
        if let Some(filter) = &options.filter {
            capture.filter(filter, true).map_err(|error| {
                let reason = match error {
                    Error::PcapError(reason) => reason,
                    other => other.to_string(),
                };
                FilterError::Syntax { expression: filter.clone(), reason }
            })?;
        }
        let link_type = LinkType::from_dlt(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
        let end = options.duration.and_then(|duration| Instant::now().checked_add(duration));
        Ok(Self {
            capture,
            options,
            link_type,
            nanoseconds,
            stop,
            end,
            tally: Tally::default(),
            received: None,
            dropped: None,
            ended: false,
        })
    }

    fn statistics(&mut self) {
        if let Ok(statistics) = self.capture.stats() {
            self.received = Some(u64::from(statistics.received));
            self.dropped = Some(u64::from(statistics.dropped).saturating_add(u64::from(statistics.if_dropped)));
        }
    }
}

impl PacketSource for LiveSource {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        batch.heads.clear();
        batch.buffer.clear();
        let began = Instant::now();
        while !self.ended {
            let now = Instant::now();
            if self.stop.load(Ordering::Relaxed) || self.end.is_some_and(|end| now >= end) {
                self.ended = true;
                break;
            }
            let waited = now.duration_since(began);
            if waited >= self.options.tick || (!batch.heads.is_empty() && waited >= BATCH_WAIT) {
                break;
            }
            match self.capture.next_packet() {
                Ok(packet) => {
                    let fraction = packet.header.ts.tv_usec;
                    let nanoseconds = if self.nanoseconds { fraction } else { fraction.saturating_mul(1000) };
                    let timestamp = Timestamp::from_parts(packet.header.ts.tv_sec, i64::from(nanoseconds));
                    let start = batch.buffer.len();
                    batch.buffer.extend_from_slice(packet.data);
                    let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
                    let wire = packet.header.len;
                    let mut found = Found { heads: &mut batch.heads, tally: &mut self.tally, file: 0 };
                    found.packet(timestamp, start, captured, wire, 0, self.link_type);
                    if batch.buffer.len() >= limits::READ_BUFFER_BYTES {
                        break;
                    }
                }
                Err(Error::TimeoutExpired) => thread::sleep(IDLE_WAIT),
                Err(Error::NoMorePackets) => self.ended = true,
                Err(error) => {
                    // The interface went away: what came before stays.
                    let what = format!("capturing from {} ended: {error}", self.options.device);
                    self.tally.damage(0, || what);
                    self.ended = true;
                }
            }
        }
        self.statistics();
        Ok(if self.ended { More::No } else { More::Yes })
    }

    fn description(&self) -> Capture {
        let name = self.link_type.name().into_owned();
        let snap_length = Some(u64::from(self.options.snap_length));
        let mut capture = Capture {
            file: self.options.device.clone(),
            format: "live".to_owned(),
            link_types: vec![name.clone()],
            snap_length,
            interfaces: vec![Interface {
                name: Some(self.options.device.clone()),
                link_type: name,
                snap_length,
                received: self.received,
                dropped: self.dropped,
            }],
            dropped: self.dropped,
            ..Capture::default()
        };
        self.tally.describe(&mut capture);
        capture
    }

    fn clock(&self) -> Option<Timestamp> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok().map(Timestamp)
    }
}

/// An interface that can be captured from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureDevice {
    /// Its name.
    pub name: String,
    /// What the system says it is.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is up.
    pub up: bool,
    /// Whether it is the loopback.
    pub loopback: bool,
}

/// The interfaces libpcap knows.
///
/// # Errors
/// When libpcap cannot list them.
pub fn interfaces() -> Result<Vec<CaptureDevice>, LiveError> {
    let all = Device::list().map_err(|error| LiveError::new("interfaces", error))?;
    Ok(all
        .into_iter()
        .map(|device| CaptureDevice {
            up: device.flags.is_up(),
            loopback: device.flags.is_loopback(),
            addresses: device.addresses.iter().map(|address| address.addr).collect(),
            description: device.desc,
            name: device.name,
        })
        .collect())
}

/// Whether this process may capture now; none when that cannot be told without trying.
#[must_use]
pub fn allowed() -> Option<bool> {
    /// CAP_NET_RAW in capabilities(7).
    const NET_RAW: u32 = 13;
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        let effective = u64::from_str_radix(effective.trim(), 16).ok()?;
        return Some(effective & (1 << NET_RAW) != 0);
    }
    let device = fs::metadata("/dev/bpf0").ok().map(|_| "/dev/bpf0")?;
    Some(fs::File::open(device).is_ok())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    /// Needs the right to capture; says so when it has not.
    #[test]
    fn captures_loopback_and_stops() {
        if allowed() != Some(true) {
            eprintln!("SKIPPED: not allowed to capture");
            return;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let options = LiveOptions {
            device: "lo".to_owned(),
            filter: Some("udp port 47011".to_owned()),
            duration: Some(Duration::from_secs(5)),
            ..LiveOptions::default()
        };
        let mut source = LiveSource::open(options, Arc::clone(&stop)).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..3 {
            socket.send_to(b"wireglass", "127.0.0.1:47011").unwrap();
        }
        let began = Instant::now();
        let mut batch = Batch::default();
        while source.description().packets < 3 && source.next_batch(&mut batch).unwrap() == More::Yes {
            for head in &batch.heads {
                assert!(batch.bytes(head).ends_with(b"wireglass"));
            }
        }
        // An idle wire: a tick, then the stop.
        assert_eq!(source.next_batch(&mut batch).unwrap(), More::Yes);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(source.next_batch(&mut batch).unwrap(), More::No);
        assert!(began.elapsed() < Duration::from_secs(4));
        let capture = source.description();
        assert!(capture.packets >= 3);
        assert_eq!(capture.dropped, Some(0));
        assert_eq!(capture.link_types, ["Ethernet"]);
    }

    #[test]
    fn names_the_missing_interface() {
        let options = LiveOptions { device: "nosuch0".to_owned(), ..LiveOptions::default() };
        let error = LiveSource::open(options, Arc::default()).err().unwrap();
        assert!(error.to_string().starts_with("nosuch0: "), "{error}");
        let denied = LiveError::new("eth0", Error::PcapError("You don't have permission to capture".to_owned()));
        assert!(denied.to_string().contains("setcap"), "{denied}");
    }
}
