//! Several captures read as one, in time order. Where they do not overlap in time (a rotated set), whole batches are
//! handed on; where they do, each packet is copied once.
use std::io;

use super::{Batch, Comment, Kept, More, PacketHead, PacketSource, ReadProgress, Secrets};
use crate::{limits, record::Capture, record::Timestamp};

/// One of the captures and what is waiting of it.
struct Lane {
    source: Box<dyn PacketSource>,
    batch: Batch,
    /// The next packet in `batch`.
    next: usize,
    /// The latest time in `batch`.
    latest: Timestamp,
    ended: bool,
}

impl Lane {
    /// Reads until a packet is waiting or the capture has ended.
    fn load(&mut self) -> io::Result<()> {
        while self.next >= self.batch.heads.len() && !self.ended {
            self.next = 0;
            self.ended = self.source.next_batch(&mut self.batch)? == More::No;
            self.latest = self.batch.heads.iter().map(|head| head.timestamp).max().unwrap_or(Timestamp::MIN);
        }
        if self.ended && self.next >= self.batch.heads.len() {
            // A capture that has ended holds no buffer.
            self.batch = Batch::default();
            self.next = 0;
        }
        Ok(())
    }

    fn head(&self) -> Option<PacketHead> {
        self.batch.heads.get(self.next).copied()
    }
}

/// Several captures as one. Packets keep the numbers of their files; equal times keep the order of the files.
pub struct Merged {
    lanes: Vec<Lane>,
}

impl Merged {
    /// Of these, opened with indices in this order.
    #[must_use]
    pub fn new(sources: Vec<Box<dyn PacketSource>>) -> Self {
        let lane = |source| Lane { source, batch: Batch::default(), next: 0, latest: Timestamp::MIN, ended: false };
        Self { lanes: sources.into_iter().map(lane).collect() }
    }

    /// The lane whose packet is next, and the first of the others: its time and whether it wins a tie.
    fn turn(&self) -> Option<(usize, Option<(Timestamp, usize)>)> {
        let mut first: Option<(Timestamp, usize)> = None;
        let mut second: Option<(Timestamp, usize)> = None;
        for (index, lane) in self.lanes.iter().enumerate() {
            let Some(head) = lane.head() else { continue };
            let key = (head.timestamp, index);
            if first.is_none_or(|least| key < least) {
                second = first;
                first = Some(key);
            } else if second.is_none_or(|least| key < least) {
                second = Some(key);
            }
        }
        first.map(|(_, index)| (index, second))
    }
}

impl PacketSource for Merged {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        batch.heads.clear();
        let mut copied = false;
        loop {
            for lane in &mut self.lanes {
                lane.load()?;
            }
            let Some((index, other)) = self.turn() else { return Ok(More::No) };
            let Some(lane) = self.lanes.get_mut(index) else { return Ok(More::No) };
            if other.is_none_or(|other| (lane.latest, index) < other) {
                if copied {
                    return Ok(More::Yes);
                }
                std::mem::swap(batch, &mut lane.batch);
                batch.heads.drain(..lane.next.min(batch.heads.len()));
                lane.batch.heads.clear();
                lane.next = 0;
                return Ok(More::Yes);
            }
            if !copied {
                batch.buffer.clear();
                copied = true;
            }
            // The run of packets before the other lanes' first.
            while let Some(mut head) = lane.head() {
                if other.is_some_and(|other| (head.timestamp, index) > other) {
                    break;
                }
                let start = u32::try_from(batch.buffer.len()).unwrap_or(u32::MAX);
                batch.buffer.extend_from_slice(lane.batch.bytes(&head));
                head.start = start;
                batch.heads.push(head);
                lane.next = lane.next.saturating_add(1);
                if batch.buffer.len() >= limits::READ_BUFFER_BYTES {
                    return Ok(More::Yes);
                }
            }
        }
    }

    /// The sums; what belongs to one file stands in [`Merged::descriptions`].
    fn description(&self) -> Capture {
        let mut all = self.descriptions().into_iter();
        let mut sum = all.next().unwrap_or_default();
        for capture in all {
            sum.file = format!("{}, {}", sum.file, capture.file);
            if sum.format != capture.format {
                sum.format = format!("{}, {}", sum.format, capture.format);
            }
            sum.packets = sum.packets.saturating_add(capture.packets);
            sum.captured_bytes = sum.captured_bytes.saturating_add(capture.captured_bytes);
            sum.wire_bytes = sum.wire_bytes.saturating_add(capture.wire_bytes);
            sum.timestamps_backwards = sum.timestamps_backwards.saturating_add(capture.timestamps_backwards);
            sum.first_ts = [sum.first_ts, capture.first_ts].into_iter().flatten().min();
            sum.last_ts = [sum.last_ts, capture.last_ts].into_iter().flatten().max();
            sum.dropped = [sum.dropped, capture.dropped].into_iter().flatten().reduce(u64::saturating_add);
            sum.snap_length = sum.snap_length.zip(capture.snap_length).map(|(one, other)| one.max(other));
            sum.damage = sum.damage.or(capture.damage);
            for link_type in capture.link_types {
                if !sum.link_types.contains(&link_type) {
                    sum.link_types.push(link_type);
                }
            }
            sum.interfaces.extend(capture.interfaces);
        }
        sum
    }

    fn descriptions(&self) -> Vec<Capture> {
        self.lanes.iter().flat_map(|lane| lane.source.descriptions()).collect()
    }

    fn progress(&self) -> ReadProgress {
        let all = self.lanes.iter().map(|lane| lane.source.progress());
        let start = ReadProgress { bytes_read: 0, total_bytes: Some(0) };
        all.fold(start, |sum, one| ReadProgress {
            bytes_read: sum.bytes_read.saturating_add(one.bytes_read),
            total_bytes: sum.total_bytes.zip(one.total_bytes).map(|(sum, one)| sum.saturating_add(one)),
        })
    }

    fn take_secrets(&mut self) -> Vec<Secrets> {
        self.lanes.iter_mut().flat_map(|lane| lane.source.take_secrets()).collect()
    }

    fn keep(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.source.keep());
    }

    fn take_kept(&mut self) -> Vec<Kept> {
        self.lanes.iter_mut().flat_map(|lane| lane.source.take_kept()).collect()
    }

    fn comments_left_out(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.source.comments_left_out()).fold(0, u64::saturating_add)
    }

    fn take_comments(&mut self) -> Vec<Comment> {
        self.lanes.iter_mut().flat_map(|lane| lane.source.take_comments()).collect()
    }
}
