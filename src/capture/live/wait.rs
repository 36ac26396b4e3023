//! Waiting until an interface has packets. Without polling where the system allows: an idle capture costs nothing.
use std::time::Duration;

use super::interface::Lane;

/// Handles that have no descriptor to wait on: libpcap's own kinds that are no network interfaces.
#[cfg(unix)]
const WITHOUT_DESCRIPTOR: [&str; 5] = ["dbus-", "dag", "snf", "septel", "dpdk:"];
/// How long they are left alone.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until one of `lanes` has packets or something to say, or `most` is over. Answers whether it was for each that
/// something is wrong with it.
#[cfg(unix)]
pub(super) fn wait<'l>(lanes: impl Iterator<Item = &'l Lane>, most: Duration) -> Vec<bool> {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let mut descriptors = Vec::new();
    let mut places = Vec::new();
    let mut pause = most;
    for lane in lanes {
        if WITHOUT_DESCRIPTOR.iter().any(|start| lane.name.starts_with(start)) {
            pause = PAUSE.min(most);
            places.push(None);
        } else {
            places.push(Some(descriptors.len()));
            descriptors.push(PollFd::new(lane.capture.as_fd(), PollFlags::POLLIN));
        }
    }
    // Rounded up: a wait of 0 would be no wait.
    let milliseconds = u16::try_from(pause.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
    if descriptors.is_empty() {
        std::thread::sleep(pause);
    } else if poll(&mut descriptors, PollTimeout::from(milliseconds)).is_err() {
        // A signal came (EINTR); whoever is asked next will see it.
        return vec![false; places.len()];
    }
    let wrong = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    let told = |place: Option<usize>| {
        let revents = place.and_then(|place| descriptors.get(place)).and_then(PollFd::revents);
        revents.is_some_and(|revents| revents.intersects(wrong))
    };
    let wrong: Vec<bool> = places.into_iter().map(told).collect();
    if wrong.contains(&true) {
        // Should the trouble stay, this is no busy loop.
        std::thread::sleep(PAUSE.min(most));
    }
    wrong
}

/// Waits a little: there is nothing to wait on here.
#[cfg(not(unix))]
pub(super) fn wait<'l>(lanes: impl Iterator<Item = &'l Lane>, most: Duration) -> Vec<bool> {
    std::thread::sleep(PAUSE.min(most));
    lanes.map(|_| false).collect()
}
