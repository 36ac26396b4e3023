//! What to capture and how, and why it cannot begin. Not what the command line says: [`LiveOptions`] is what it means.
use std::{fs, path::Path, sync::Arc, time::Duration};

use pcap::Error;
use thiserror::Error as ThisError;

use crate::{
    capture::bpf::FilterError,
    record::{InterfaceChange, Timestamp},
};

/// Told at once, on the capturing thread, when an interface changes: its name, and how.
pub type OnChange = Arc<dyn Fn(&str, InterfaceChange, Timestamp) + Send + Sync>;

/// What to capture and how.
#[derive(Clone)]
pub struct LiveOptions {
    /// The interfaces, by name.
    pub interfaces: Vec<InterfaceChoice>,
    /// Bytes of each packet to keep.
    pub snap_length: u32,
    /// Whether to see packets to others too.
    pub promiscuous: bool,
    /// Size of the kernel's buffer of each interface in bytes.
    pub buffer_bytes: u32,
    /// Have each packet at once, not a few at a time.
    pub immediate: bool,
    /// End after so long.
    pub duration: Option<Duration>,
    /// End after so many packets.
    pub max_packets: Option<u64>,
    /// Hand on an empty batch when nothing has come for so long.
    pub tick: Duration,
    /// Who is told of changes.
    pub on_change: Option<OnChange>,
}

/// One interface to capture from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceChoice {
    /// Its name.
    pub name: String,
    /// Its capture filter, for the kernel.
    pub filter: Option<String>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            snap_length: 262_144,
            promiscuous: true,
            buffer_bytes: 64 << 20,
            immediate: false,
            duration: None,
            max_packets: None,
            tick: Duration::from_millis(100),
            on_change: None,
        }
    }
}

/// Why capturing cannot begin.
#[derive(Debug, ThisError)]
pub enum LiveError {
    /// The system does not allow it.
    #[error("{device}: not allowed to capture ({reason}); {remedy}")]
    Permission {
        /// The interface.
        device: String,
        /// libpcap's words.
        reason: String,
        /// What allows it.
        remedy: String,
    },
    /// No such interface.
    #[error("{device}: there is no such interface; `wireglass interfaces` lists them")]
    NoSuchDevice {
        /// The interface.
        device: String,
    },
    /// The interface is down.
    #[error("{device}: the interface is down; bring it up with: sudo ip link set dev {device} up")]
    Down {
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

impl LiveError {
    pub(super) fn new(device: &str, error: Error) -> Self {
        let reason = words(error);
        let device = device.to_owned();
        let lower = reason.to_lowercase();
        if lower.contains("permi") || lower.contains("cap_net_raw") || lower.contains("/dev/bpf") {
            Self::Permission { device, reason, remedy: remedy() }
        } else if lower.contains("no such device") || lower.contains("doesn't exist") {
            Self::NoSuchDevice { device }
        } else if lower.contains("not up") || lower.contains("network is down") {
            Self::Down { device }
        } else {
            Self::Other { device, reason }
        }
    }
}

/// What libpcap said.
pub(super) fn words(error: Error) -> String {
    match error {
        Error::PcapError(reason) => reason,
        other => other.to_string(),
    }
}

/// What lets this program capture: a sentence that ends with the command.
#[must_use]
pub fn remedy() -> String {
    let program = std::env::current_exe().and_then(fs::canonicalize);
    let Ok(program) = program else { return "run it as root: sudo wireglass live ...".to_owned() };
    let name = quoted(&program);
    if !cfg!(target_os = "linux") {
        return format!("run it as root: sudo {name} live ...");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("", str::trim).split_whitespace().next().unwrap_or_default().to_owned()
    };
    if field("Uid:") == "0" {
        return "root itself may not here, as in a container: give that the capability NET_RAW, as in: docker run \
                --cap-add=NET_RAW --cap-add=NET_ADMIN ..."
            .to_owned();
    }
    if field("NoNewPrivs:") == "1" {
        return "and this process can get no more rights (no_new_privs): start it from another shell or service, and \
                there as root or with CAP_NET_RAW"
            .to_owned();
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if is_nosuid(&mounts, &program) {
        return format!(
            "capabilities of files do not count on this file system (nosuid), so run it as root: sudo {name} live ..."
        );
    }
    format!("allow it with: sudo setcap cap_net_raw,cap_net_admin=eip {name}")
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-+".contains(letter));
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Whether the file system that a path lies on ignores set-user-id bits and capabilities, by the text of
/// /proc/self/mountinfo (proc_pid_mountinfo(5)).
fn is_nosuid(mounts: &str, path: &Path) -> bool {
    let mount = |line: &str| {
        let mut words = line.split(' ').skip(4);
        let point = words.next()?.replace(r"\040", " ");
        let nosuid = words.next()?.split(',').any(|option| option == "nosuid");
        path.starts_with(&point).then_some((point.len(), nosuid))
    };
    // Of mounts at the same place, the later one is on top.
    mounts.lines().filter_map(mount).max_by_key(|(length, _)| *length).is_some_and(|(_, nosuid)| nosuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_of_files_need_a_file_system_that_has_them() {
        let mounts = "22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n\
                      30 22 0:25 / /home/my\\040dir rw,nosuid,nodev - tmpfs tmpfs rw\n\
                      31 22 0:26 / /tmp rw,nosuid - tmpfs tmpfs rw\n\
                      32 31 0:27 / /tmp rw - tmpfs tmpfs rw\n";
        assert!(!is_nosuid(mounts, Path::new("/usr/bin/wireglass")));
        assert!(is_nosuid(mounts, Path::new("/home/my dir/wireglass")));
        assert!(!is_nosuid(mounts, Path::new("/home/other/wireglass")));
        assert!(!is_nosuid(mounts, Path::new("/tmp/wireglass")), "the later mount is on top");
    }

    #[test]
    fn libpcaps_words_are_understood() {
        let error = |text: &str| LiveError::new("eth9", Error::PcapError(text.to_owned()));
        assert!(matches!(error("eth9: That device is not up"), LiveError::Down { .. }));
        assert!(matches!(error("eth9: No such device exists (No such device exists)"), LiveError::NoSuchDevice { .. }));
        let denied =
            "eth9: You don't have permission to perform this capture on that device (socket: Operation not permitted)";
        assert!(matches!(error(denied), LiveError::Permission { .. }));
        assert!(matches!(error("something else"), LiveError::Other { .. }));
    }

    #[test]
    fn odd_paths_are_quoted() {
        assert_eq!(quoted(Path::new("/usr/bin/wireglass")), "/usr/bin/wireglass");
        assert_eq!(quoted(Path::new("/my dir/it's")), r"'/my dir/it'\''s'");
    }
}
