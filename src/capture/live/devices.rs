//! What can be captured from, and whether this process may.
use std::{fs, net::IpAddr};

use pcap::Device;

use super::options::LiveError;

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

/// The interfaces libpcap knows, in the order whose numbers [`name`] takes.
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

/// The interface that a word means: by its name, or by its number in the list, counted from 1 as `tcpdump -D` does. A
/// name that is a number wins.
#[must_use]
pub fn name(word: &str, devices: &[CaptureDevice]) -> String {
    let by_number = || {
        let number: usize = word.parse().ok()?;
        devices.get(number.checked_sub(1)?)
    };
    let is_name = devices.iter().any(|device| device.name == word);
    by_number().filter(|_| !is_name).map_or_else(|| word.to_owned(), |device| device.name.clone())
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
    use super::*;

    #[test]
    fn numbers_are_those_of_the_list() {
        let device = |name: &str| CaptureDevice {
            name: name.to_owned(),
            description: None,
            addresses: Vec::new(),
            up: true,
            loopback: false,
        };
        let devices = [device("eth0"), device("1"), device("any")];
        assert_eq!(name("3", &devices), "any");
        assert_eq!(name("1", &devices), "1", "a name wins");
        assert_eq!(name("2", &devices), "1");
        assert_eq!(name("0", &devices), "0");
        assert_eq!(name("4", &devices), "4");
        assert_eq!(name("eth0", &devices), "eth0");
    }
}
