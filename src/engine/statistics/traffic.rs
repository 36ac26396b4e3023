//! Who talks to whom on one layer: conversations as packets come; endpoints are their sums.
use std::{fmt, net::IpAddr};

use hashbrown::HashMap;

use super::classes::Count;
use crate::{
    limits,
    record::{PacketNumber, Timestamp},
};

/// An address of some layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// IEEE 802.
    Mac([u8; 6]),
    /// IPv4 or IPv6.
    Ip(IpAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Mac([a, b, c, d, e, g]) => write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"),
        }
    }
}

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party {
    pub address: Address,
    /// 0 on layers without ports.
    pub port: u16,
}

/// What a TCP header says of the connection that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    pub sequence: u32,
    pub acknowledgment: u32,
    pub syn: bool,
    pub ack: bool,
}

/// A packet as its layer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub number: PacketNumber,
    pub at: Timestamp,
    pub bytes: u32,
    /// Whether it counts; one that does not still shows where TCP connections begin.
    pub counts: bool,
}

/// All packets between two parties.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Who sent the first packet that counts.
    pub a: Party,
    pub b: Party,
    /// From `a`, from `b`.
    pub ways: [Count; 2],
    pub first: PacketNumber,
    pub earliest: Timestamp,
    pub latest: Timestamp,
    /// What tshark takes for the initial sequence numbers, of the lower party first: they tell one TCP connection from the next
    /// between the same ports.
    bases: [Option<u32>; 2],
}

impl Conversation {
    pub fn packets(&self) -> u64 {
        let [there, back] = self.ways;
        there.packets + back.packets
    }

    pub fn bytes(&self) -> u64 {
        let [there, back] = self.ways;
        there.bytes + back.bytes
    }

    fn count(&mut self, source: Party, destination: Party, seen: Seen) {
        if self.packets() == 0 {
            (self.a, self.b) = (source, destination);
            (self.first, self.earliest, self.latest) = (seen.number, seen.at, seen.at);
        }
        self.earliest = self.earliest.min(seen.at);
        self.latest = self.latest.max(seen.at);
        let [there, back] = &mut self.ways;
        if source == self.a { there } else { back }.add(seen.bytes);
    }
}

/// Two parties, the lower first.
type Pair = (Party, Party);

/// The conversations of one layer.
#[derive(Debug, Default)]
pub struct Traffic {
    conversations: Vec<Conversation>,
    places: HashMap<Pair, u32, foldhash::fast::RandomState>,
    latest: Option<(Pair, u32)>,
    /// Packets of conversations for which there was no room.
    pub left_out: u64,
}

impl Traffic {
    /// Counts a packet from `source` to `destination`; `numbers` when it is a TCP segment.
    pub fn add(&mut self, source: Party, destination: Party, numbers: Option<Numbers>, seen: Seen) {
        let pair = if source <= destination { (source, destination) } else { (destination, source) };
        let side = usize::from(source > destination);
        let known = self.latest.filter(|(latest, _)| *latest == pair).map(|(_, place)| place);
        let known = known.or_else(|| self.places.get(&pair).copied());
        let begins = |place: &u32| {
            let base = self.conversations.get(*place as usize).and_then(|known| known.bases.get(side).copied()?);
            let opening = numbers.filter(|numbers| numbers.syn && !numbers.ack);
            opening.zip(base).is_some_and(|(numbers, base)| numbers.sequence != base)
        };
        let place = match known.filter(|place| !begins(place)) {
            Some(place) => place,
            None if self.conversations.len() >= limits::MAX_STATISTICS_CONVERSATIONS => {
                self.left_out += u64::from(seen.counts);
                return;
            }
            None => {
                let place = self.conversations.len() as u32;
                self.conversations.push(Conversation {
                    a: source,
                    b: destination,
                    ways: [Count::default(); 2],
                    first: seen.number,
                    earliest: seen.at,
                    latest: seen.at,
                    bases: [None; 2],
                });
                self.places.insert(pair, place);
                place
            }
        };
        self.latest = Some((pair, place));
        let Some(conversation) = self.conversations.get_mut(place as usize) else { return };
        if let Some(numbers) = numbers {
            numbers.note(&mut conversation.bases, side);
        }
        if seen.counts {
            conversation.count(source, destination, seen);
        }
    }

    /// Those in which a packet counted, in the order of their first packets.
    pub fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.iter().filter(|conversation| conversation.packets() > 0)
    }

    /// What each party sent and received, in the order of parties. One that talks to itself sends and receives each packet.
    pub fn endpoints(&self) -> Vec<(Party, [Count; 2])> {
        let mut places: HashMap<Party, usize, foldhash::fast::RandomState> = HashMap::default();
        let mut all: Vec<(Party, [Count; 2])> = Vec::new();
        for conversation in self.conversations() {
            let [there, back] = conversation.ways;
            for (party, sent, received) in [(conversation.a, there, back), (conversation.b, back, there)] {
                let place = *places.entry(party).or_insert_with(|| {
                    all.push((party, [Count::default(); 2]));
                    all.len() - 1
                });
                if let Some((_, sums)) = all.get_mut(place) {
                    for (sum, more) in sums.iter_mut().zip([sent, received]) {
                        sum.packets += more.packets;
                        sum.bytes += more.bytes;
                    }
                }
            }
        }
        all.sort_unstable_by_key(|(party, _)| *party);
        all
    }
}

impl Numbers {
    /// As tshark 4.0 finds the initial sequence numbers: a SYN's own, else one before the first number seen; the peer's one
    /// before what is acknowledged.
    fn note(&self, bases: &mut [Option<u32>; 2], side: usize) {
        let own = if self.syn { self.sequence } else { self.sequence.wrapping_sub(1) };
        if let Some(base) = bases.get_mut(side) {
            base.get_or_insert(own);
        }
        if let Some(base) = bases.get_mut(1 - side.min(1))
            && self.ack
        {
            base.get_or_insert(self.acknowledgment.wrapping_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(last: u8, port: u16) -> Party {
        Party { address: Address::Ip([10, 0, 0, last].into()), port }
    }

    fn seen(number: u64, bytes: u32) -> Seen {
        Seen { number: PacketNumber::new(0, number), at: Timestamp(number as i64 * 10), bytes, counts: true }
    }

    fn ways(conversation: &Conversation) -> [(u64, u64); 2] {
        conversation.ways.map(|way| (way.packets, way.bytes))
    }

    #[test]
    fn both_ways_are_one_conversation_named_after_its_first_sender() {
        let mut traffic = Traffic::default();
        traffic.add(party(9, 0), party(2, 0), None, seen(1, 100));
        traffic.add(party(2, 0), party(9, 0), None, seen(2, 60));
        traffic.add(party(2, 0), party(3, 0), None, seen(3, 70));
        traffic.add(party(9, 0), party(2, 0), None, seen(4, 1));
        let all: Vec<_> = traffic.conversations().collect();
        assert_eq!((all[0].a, all[0].b, ways(all[0])), (party(9, 0), party(2, 0), [(2, 101), (1, 60)]));
        assert_eq!((all[0].earliest, all[0].latest), (Timestamp(10), Timestamp(40)));
        assert_eq!(ways(all[1]), [(1, 70), (0, 0)]);
        let sums: Vec<_> =
            traffic.endpoints().into_iter().map(|(of, [out, back])| (of, out.bytes, back.bytes)).collect();
        assert_eq!(sums, [(party(2, 0), 130, 101), (party(3, 0), 0, 70), (party(9, 0), 101, 60)]);
    }

    #[test]
    fn who_talks_to_himself_sends_and_receives() {
        let mut traffic = Traffic::default();
        traffic.add(party(1, 7), party(1, 7), None, seen(1, 50));
        assert_eq!(traffic.endpoints(), [(party(1, 7), [Count { packets: 1, bytes: 50 }; 2])]);
    }

    #[test]
    fn another_syn_begins_another_conversation() {
        let mut traffic = Traffic::default();
        let (client, server) = (party(1, 4000), party(2, 80));
        let numbers = |syn, ack, sequence, acknowledgment| Some(Numbers { syn, ack, sequence, acknowledgment });
        traffic.add(client, server, numbers(true, false, 100, 0), seen(1, 60));
        traffic.add(server, client, numbers(true, true, 500, 101), seen(2, 60));
        traffic.add(client, server, numbers(true, false, 100, 0), seen(3, 60));
        assert_eq!(traffic.conversations().count(), 1, "the same SYN again");
        traffic.add(client, server, numbers(true, false, 900, 0), seen(4, 60));
        traffic.add(server, client, numbers(true, true, 77, 901), seen(5, 60));
        assert_eq!(traffic.conversations().map(Conversation::packets).collect::<Vec<_>>(), [3, 2]);
        // A capture that begins late: the acknowledgement says where the numbers of the other side began.
        let mut late = Traffic::default();
        late.add(server, client, numbers(false, true, 500, 101), seen(1, 60));
        late.add(client, server, numbers(true, false, 100, 0), seen(2, 60));
        assert_eq!(late.conversations().count(), 1);
        late.add(client, server, numbers(true, false, 101, 0), seen(3, 60));
        assert_eq!(late.conversations().count(), 2);
    }

    #[test]
    fn what_does_not_count_opens_nothing_that_is_shown() {
        let mut traffic = Traffic::default();
        traffic.add(party(1, 0), party(2, 0), None, Seen { counts: false, ..seen(1, 60) });
        assert_eq!(traffic.conversations().count(), 0);
        traffic.add(party(2, 0), party(1, 0), None, seen(2, 60));
        let all: Vec<_> = traffic.conversations().collect();
        assert_eq!((all[0].a, all[0].first), (party(2, 0), PacketNumber::new(0, 2)));
    }
}
