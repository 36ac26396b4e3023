//! The protocol hierarchy: how many packets and bytes each path of protocols had, per file.
use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::{record::ProtocolCount, wire::Path};

/// Counts of one path, those of deeper paths not included.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    packets: u64,
    bytes: u64,
}

/// Counts by file and path. A path's node is a small number that packets carry on to the workers.
#[derive(Debug, Default)]
pub struct Hierarchy {
    nodes: HashMap<(u16, Path), u16, foldhash::fast::RandomState>,
    counts: Vec<((u16, Path), Count)>,
    latest: u16,
}

impl Hierarchy {
    /// The node of packets that have none.
    pub const NOWHERE: u16 = u16::MAX;

    /// Counts a packet; answers its node. Nothing when there are too many different paths.
    pub fn count(&mut self, file: u16, path: &Path, bytes: u32) -> Option<u16> {
        let key = (file, *path);
        if self.counts.get(usize::from(self.latest)).is_none_or(|(latest, _)| *latest != key) {
            self.latest = match self.nodes.get(&key) {
                Some(node) => *node,
                None => {
                    let node = u16::try_from(self.counts.len()).ok().filter(|node| *node != Self::NOWHERE)?;
                    self.counts.push((key, Count::default()));
                    self.nodes.insert(key, node);
                    node
                }
            };
        }
        let (_, count) = self.counts.get_mut(usize::from(self.latest))?;
        count.packets += 1;
        count.bytes += u64::from(bytes);
        Some(self.latest)
    }

    /// The hierarchy of `file`: every path and its beginnings, deeper ones included in the counts. `applications` are
    /// counts by node of protocols above the transport.
    #[must_use]
    pub fn protocols(&self, file: u16, applications: &Applications) -> Vec<ProtocolCount> {
        let mut paths: BTreeMap<String, Count> = BTreeMap::new();
        for ((of_file, path), count) in &self.counts {
            if *of_file == file {
                let mut prefix = String::new();
                for protocol in path.iter() {
                    if !prefix.is_empty() {
                        prefix.push(':');
                    }
                    prefix.push_str(protocol.name());
                    let sum = paths.entry(prefix.clone()).or_default();
                    sum.packets += count.packets;
                    sum.bytes += count.bytes;
                }
            }
        }
        for ((node, application), count) in &applications.counts {
            if let Some(((of_file, path), _)) = self.counts.get(usize::from(*node))
                && *of_file == file
            {
                // One application may stand inside another: `udpencap:esp`. What the path ends with is counted there.
                let (path, names) = (path.to_string(), application.split(':').collect::<Vec<_>>());
                let common = (0..=names.len()).rev().find(|count| {
                    let begins = names[..*count].join(":");
                    begins.is_empty() || path.ends_with(&format!(":{begins}"))
                });
                for end in common.unwrap_or(0) + 1..=names.len() {
                    let below = names[common.unwrap_or(0)..end].join(":");
                    let sum = paths.entry(format!("{path}:{below}")).or_default();
                    sum.packets += count.packets;
                    sum.bytes += count.bytes;
                }
            }
        }
        paths
            .into_iter()
            .map(|(path, count)| ProtocolCount { path, packets: count.packets, bytes: count.bytes })
            .collect()
    }
}

/// Packets whose payload belongs to a protocol above the transport, by node of the hierarchy.
#[derive(Debug, Default)]
pub struct Applications {
    places: HashMap<(u16, &'static str), u32, foldhash::fast::RandomState>,
    counts: Vec<((u16, &'static str), Count)>,
}

impl Applications {
    /// Counts packets of `application`. `place` is where the same flow was counted before: it spares a look-up when node
    /// and application are still the same, and is brought up to date.
    pub fn add(&mut self, node: u16, application: &'static str, packets: u64, bytes: u64, place: &mut u32) {
        let key = (node, application);
        if self.counts.get(*place as usize).is_none_or(|(there, _)| *there != key) {
            *place = *self.places.entry(key).or_insert_with(|| {
                self.counts.push((key, Count::default()));
                (self.counts.len() - 1) as u32
            });
        }
        if let Some((_, count)) = self.counts.get_mut(*place as usize) {
            count.packets += packets;
            count.bytes += bytes;
        }
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        for ((node, application), count) in &other.counts {
            self.add(*node, application, count.packets, count.bytes, &mut 0);
        }
    }
}
