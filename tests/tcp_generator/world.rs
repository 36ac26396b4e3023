//! The world between two hosts: a path that delays, loses, reorders and doubles packets, and a tap somewhere on it that
//! may do the same to what it writes down.
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use crate::{
    chance::Chance,
    host::{Host, Lived, Manners, Sent, Tag},
};

/// What happens to packets on a way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// Microseconds.
    pub delay: i64,
    /// Microseconds more, by chance: the cause of reordering.
    pub jitter: i64,
    /// In a thousand.
    pub loss: u64,
    /// In a thousand.
    pub doubled: u64,
}

impl Way {
    fn arrivals(self, chance: &mut Chance) -> Vec<i64> {
        let copies = if chance.below(1000) < self.doubled { 2 } else { 1 };
        let mut arrivals = Vec::new();
        for _ in 0..copies {
            if chance.below(1000) >= self.loss {
                arrivals.push(self.delay + chance.between(0, self.jitter));
            }
        }
        arrivals
    }
}

/// What the tap does to what it sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tap {
    /// In a thousand.
    pub loss: u64,
    /// In a thousand.
    pub doubled: u64,
    /// In a thousand: written down behind the packet that follows.
    pub swapped: u64,
    /// Packets it misses because it was switched on late.
    pub late: usize,
    /// The only host whose packets it sees.
    pub one_sided: Option<usize>,
}

impl Tap {
    pub fn is_faithful(&self) -> bool {
        self.loss == 0 && self.swapped == 0 && self.doubled == 0 && self.late == 0 && self.one_sided.is_none()
    }
}

/// A packet as the tap has it.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Microseconds.
    pub time: i64,
    pub bytes: Vec<u8>,
    pub tag: Tag,
}

/// A run.
pub struct Run {
    pub capture: Vec<Captured>,
    pub logs: [Vec<Lived>; 2],
    pub tap: Tap,
    /// Whether nothing was lost or reordered on the path.
    pub calm: bool,
    /// When it was over, in microseconds.
    pub end: i64,
}

enum What {
    /// A packet passes the tap.
    Passes(Sent),
    /// A packet reaches the other host.
    Arrives(Sent),
    /// A program has its turn.
    Turn(usize),
    /// A host has something to do.
    Due(usize),
}

struct World {
    agenda: BinaryHeap<Reverse<(i64, u64)>>,
    things: BTreeMap<u64, What>,
    order: u64,
}

impl World {
    fn add(&mut self, time: i64, what: What) {
        self.order += 1;
        self.agenda.push(Reverse((time, self.order)));
        self.things.insert(self.order, what);
    }
}

fn manners(chance: &mut Chance, active: bool) -> Manners {
    Manners {
        writes: chance.of(&[1, 50, 2_000, 40_000]),
        write: chance.of(&[0, 20, 60]),
        read: chance.of(&[5, 50, 100, 100]),
        close: chance.of(&[0, 4, 15, 40]),
        abort: chance.of(&[0, 0, 0, 2, 10]),
        follow: chance.of(&[3, 30, 80]),
        active,
    }
}

/// Lets two hosts live for a while.
pub fn run(seed: u64) -> Run {
    let mut chance = Chance::new(seed);
    let calm = chance.percent(25);
    let both_open = chance.percent(12);
    let openings = chance.of(&[1, 1, 2, 4]);
    let mut hosts = [true, both_open].map(|active| (manners(&mut chance, active), openings));
    if both_open {
        hosts[1].1 = openings;
    }
    let mut index = 0;
    let mut hosts = hosts.map(|(manners, openings)| {
        let host = Host::new(index, &mut chance, manners, openings);
        index += 1;
        host
    });
    let rough = |chance: &mut Chance, delay: i64| Way {
        delay,
        jitter: if calm { 0 } else { chance.of(&[0, 0, 300, 5_000, 60_000]) },
        loss: if calm { 0 } else { chance.of(&[0, 0, 20, 100, 250]) },
        doubled: if calm { 0 } else { chance.of(&[0, 0, 20, 100]) },
    };
    // Each direction: to the tap, and from there.
    let (near, far) = (Way { delay: 5, ..Way::default() }, chance.of(&[500, 10_000, 50_000]));
    let place = chance.below(3);
    let ways: [[Way; 2]; 2] = [0, 1].map(|host| {
        let far = |chance: &mut Chance| rough(chance, far);
        match (place, host) {
            (0, 0) | (1, 1) => [near, far(&mut chance)],
            (0, 1) | (1, 0) => [far(&mut chance), near],
            _ => [far(&mut chance), far(&mut chance)],
        }
    });
    let faulty = chance.percent(30);
    let tap = Tap {
        loss: if faulty { chance.of(&[0, 10, 100, 300]) } else { 0 },
        doubled: if faulty { chance.of(&[0, 50, 500]) } else { 0 },
        swapped: if faulty { chance.of(&[0, 50, 300]) } else { 0 },
        late: if chance.percent(10) { chance.below(20) as usize } else { 0 },
        one_sided: chance.percent(5).then(|| chance.below(2) as usize),
    };
    let mut world = World { agenda: BinaryHeap::new(), things: BTreeMap::new(), order: 0 };
    let pace = chance.of(&[2_000, 20_000, 200_000]);
    if !both_open {
        // The listener first: else every first SYN is refused.
        let early = if chance.percent(90) { 0 } else { 50_000 };
        hosts[1].openings += 3;
        hosts[1].manners.active = false;
        world.add(early, What::Turn(1));
    }
    for host in [0, 1] {
        world.add(chance.between(1, pace), What::Turn(host));
    }
    let (busy, end) = (chance.of(&[300_000, 2_000_000, 8_000_000]), 45_000_000);
    let mut capture: Vec<Captured> = Vec::new();
    let mut dues = [i64::MAX; 2];
    let mut now = 0;
    let mut passed = 0usize;
    while let Some(Reverse((time, order))) = world.agenda.pop() {
        if time > end || passed > 1_500 {
            break;
        }
        now = time;
        match world.things.remove(&order) {
            Some(What::Turn(host)) => {
                hosts[host].winding_up |= now > busy;
                hosts[host].turn(now, &mut chance);
                let pace = if now > busy { 500_000 } else { pace };
                world.add(now + chance.between(pace / 4 + 1, pace * 2), What::Turn(host));
            }
            Some(What::Due(host)) if dues[host] == time => {
                dues[host] = i64::MAX;
                hosts[host].work(now);
            }
            // It was due earlier, and has been called.
            Some(What::Due(_)) => {}
            Some(What::Passes(sent)) => {
                passed += 1;
                let seen = tap.one_sided.is_none_or(|host| host == sent.tag.host) && passed > tap.late;
                if seen && chance.below(1000) >= tap.loss {
                    let copies = if chance.below(1000) < tap.doubled { 2 } else { 1 };
                    for copy in 0..copies {
                        let one = Captured { time: now + copy * 20, bytes: sent.bytes.clone(), tag: sent.tag };
                        capture.push(one);
                    }
                }
                for delay in ways[sent.tag.host][1].arrivals(&mut chance) {
                    world.add(now + delay, What::Arrives(sent.clone()));
                }
            }
            Some(What::Arrives(sent)) => hosts[1 - sent.tag.host].receive(now, sent.bytes),
            None => {}
        }
        for host in &mut hosts {
            for sent in host.take_sent() {
                for delay in ways[host.index][0].arrivals(&mut chance) {
                    world.add(now + delay, What::Passes(sent.clone()));
                }
            }
            if let Some(due) = host.due(now) {
                // A host that is due at once but has nothing to send would stop the world.
                let due = due.max(now + 50);
                if due < dues[host.index] {
                    dues[host.index] = due;
                    world.add(due, What::Due(host.index));
                }
            }
        }
    }
    let mut at = 0;
    while at + 1 < capture.len() {
        if chance.below(1000) < tap.swapped {
            capture.swap(at, at + 1);
            if chance.percent(50) {
                // Some taps write times in order all the same.
                let (one, other) = (capture[at].time, capture[at + 1].time);
                capture[at].time = one.min(other);
                capture[at + 1].time = one.max(other);
            }
            at += 1;
        }
        at += 1;
    }
    let logs = hosts.map(|host| host.log);
    Run { capture, logs, tap, calm, end: now }
}
