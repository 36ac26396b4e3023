//! What is counted by a small number: lengths, Differentiated Services codepoints, and how far senders are away.
use std::net::IpAddr;

use hashbrown::HashMap;

use crate::limits;

/// Packets and their bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

impl Count {
    pub fn add(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes += u64::from(bytes);
    }
}

/// Lower ends of tshark's ranges of lengths, in bytes.
const LENGTHS: [u32; 10] = [0, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120];

/// Packets by length on the wire.
#[derive(Debug, Default)]
pub struct Lengths([Length; LENGTHS.len()]);

/// Packets in one range of lengths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Length {
    pub count: Count,
    /// The shortest and the longest, once there is one.
    pub extremes: Option<(u32, u32)>,
}

impl Lengths {
    pub fn add(&mut self, length: u32) {
        let place = LENGTHS.partition_point(|from| *from <= length).saturating_sub(1);
        if let Some(range) = self.0.get_mut(place) {
            range.count.add(length);
            let (min, max) = range.extremes.unwrap_or((length, length));
            range.extremes = Some((min.min(length), max.max(length)));
        }
    }

    /// The ranges with their lower and upper ends.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, Option<u32>, &Length)> {
        let ends = LENGTHS.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
        LENGTHS.iter().zip(ends).zip(&self.0).map(|((from, to), range)| (*from, to, range))
    }
}

/// IP headers of one codepoint.
#[derive(Clone, Copy, Debug, Default)]
pub struct Class {
    pub count: Count,
    pub ecn_capable: u64,
    pub congestion_experienced: u64,
}

/// IP headers by the octet of Differentiated Services.
#[derive(Debug)]
pub struct Classes([Class; 64]);

impl Default for Classes {
    fn default() -> Self {
        Self([Class::default(); 64])
    }
}

impl Classes {
    /// `octet` is the Type of Service field of IPv4, the Traffic Class of IPv6.
    pub fn add(&mut self, octet: u8, bytes: u32) {
        if let Some(class) = self.0.get_mut(usize::from(octet >> 2)) {
            class.count.add(bytes);
            class.ecn_capable += u64::from(octet & 3 != 0);
            class.congestion_experienced += u64::from(octet & 3 == 3);
        }
    }

    /// The codepoints that were seen.
    pub fn seen(&self) -> impl Iterator<Item = (u8, &Class)> {
        (0u8..).zip(&self.0).filter(|(_, class)| class.count.packets > 0)
    }
}

/// IANA's names of codepoints (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622).
pub fn codepoint_name(codepoint: u8) -> Option<&'static str> {
    Some(match codepoint {
        0 => "CS0",
        1 => "LE",
        8 => "CS1",
        10 => "AF11",
        12 => "AF12",
        14 => "AF13",
        16 => "CS2",
        18 => "AF21",
        20 => "AF22",
        22 => "AF23",
        24 => "CS3",
        26 => "AF31",
        28 => "AF32",
        30 => "AF33",
        32 => "CS4",
        34 => "AF41",
        36 => "AF42",
        38 => "AF43",
        40 => "CS5",
        44 => "VOICE-ADMIT",
        46 => "EF",
        48 => "CS6",
        56 => "CS7",
        _ => return None,
    })
}

/// Packets by sender and hop limit.
#[derive(Debug, Default)]
pub struct Hops {
    places: HashMap<(IpAddr, u8), u32, foldhash::fast::RandomState>,
    counts: Vec<((IpAddr, u8), Count)>,
    latest: usize,
    /// Packets of pairs for which there was no room.
    pub left_out: u64,
}

impl Hops {
    pub fn add(&mut self, sender: IpAddr, hop_limit: u8, bytes: u32) {
        let key = (sender, hop_limit);
        if self.counts.get(self.latest).is_none_or(|(latest, _)| *latest != key) {
            self.latest = match self.places.get(&key) {
                Some(place) => *place as usize,
                None if self.counts.len() >= limits::MAX_STATISTICS_HOPS => {
                    self.left_out += 1;
                    return;
                }
                None => {
                    let place = self.counts.len();
                    self.places.insert(key, place as u32);
                    self.counts.push((key, Count::default()));
                    place
                }
            };
        }
        if let Some((_, count)) = self.counts.get_mut(self.latest) {
            count.add(bytes);
        }
    }

    /// All pairs, the busiest sender first and of each its commonest hop limit.
    pub fn sorted(&self) -> Vec<((IpAddr, u8), Count)> {
        let mut senders: HashMap<IpAddr, u64, foldhash::fast::RandomState> = HashMap::default();
        for ((sender, _), count) in &self.counts {
            *senders.entry(*sender).or_default() += count.packets;
        }
        let mut all = self.counts.clone();
        let of_sender = |sender: &IpAddr| senders.get(sender).copied().unwrap_or(0);
        all.sort_by_key(|((sender, hop_limit), count)| {
            let most = std::cmp::Reverse;
            (most(of_sender(sender)), *sender, most(count.packets), *hop_limit)
        });
        all
    }
}

/// What systems set as hop limit: old ones 32, Unix 64, Windows 128, routers 255.
pub fn initial_hop_limit(seen: u8) -> u8 {
    match seen {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        129.. => 255,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_tsharks_ranges() {
        let mut lengths = Lengths::default();
        for length in [0, 19, 20, 79, 80, 1280, 2559, 5120, 70_000] {
            lengths.add(length);
        }
        let found: Vec<_> = lengths
            .ranges()
            .map(|(from, to, range)| (from, to, range.count.packets, range.extremes))
            .filter(|(_, _, packets, _)| *packets > 0)
            .collect();
        assert_eq!(
            found,
            [
                (0, Some(19), 2, Some((0, 19))),
                (20, Some(39), 1, Some((20, 20))),
                (40, Some(79), 1, Some((79, 79))),
                (80, Some(159), 1, Some((80, 80))),
                (1280, Some(2559), 2, Some((1280, 2559))),
                (5120, None, 2, Some((5120, 70_000))),
            ]
        );
    }

    #[test]
    fn senders_are_as_far_as_their_hop_limit_says() {
        assert_eq!([1, 32, 33, 64, 65, 128, 129, 255].map(initial_hop_limit), [32, 32, 64, 64, 128, 128, 255, 255]);
        let mut hops = Hops::default();
        let (near, far): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        for (sender, limit) in [(far, 50), (near, 64), (near, 64), (near, 63), (near, 63), (near, 63)] {
            hops.add(sender, limit, 100);
        }
        let order: Vec<_> = hops.sorted().into_iter().map(|(key, count)| (key, count.packets)).collect();
        assert_eq!(order, [((near, 63), 3), ((near, 64), 2), ((far, 50), 1)]);
    }

    #[test]
    fn marks_are_counted_by_codepoint() {
        let mut classes = Classes::default();
        for octet in [0, 0b1011_1000, 0b1011_1011, 0b1011_1001] {
            classes.add(octet, 60);
        }
        let seen: Vec<_> = classes
            .seen()
            .map(|(code, class)| (code, class.count.packets, class.ecn_capable, class.congestion_experienced))
            .collect();
        assert_eq!(seen, [(0, 1, 0, 0), (46, 3, 2, 1)]);
        assert_eq!(codepoint_name(46), Some("EF"));
        assert_eq!(codepoint_name(2), None);
    }
}
