//! A copy of whatever could be read of a capture holds the same packets.
use std::{
    io::{self, Cursor, Write},
    sync::{Arc, Mutex, PoisonError},
};

use crate::capture::{self, Batch, More, PacketSource, Saver, What};

/// An output that can be read when the writer has gone.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Time, length on the wire, link type, bytes.
type Packet = (i64, u32, u16, Vec<u8>);

/// All packets, and whether each has a time of its own.
fn packets(source: &mut dyn PacketSource, mut save: Option<&mut Saver>) -> (Vec<Packet>, bool) {
    let (mut batch, mut packets, mut is_timed) = (Batch::default(), Vec::new(), true);
    source.keep();
    while let Ok(more) = source.next_batch(&mut batch) {
        let kept = source.take_kept();
        is_timed &= !kept.iter().any(|kept| matches!(kept.what, What::Packet { is_untimed: true, .. }));
        if let Some(save) = &mut save {
            save.read(&batch.heads, kept).unwrap();
        }
        for head in &batch.heads {
            let bytes = batch.bytes(head);
            packets.push((head.timestamp.nanoseconds(), head.wire_length, head.link_type.0, bytes.to_vec()));
            if let Some(save) = &mut save {
                save.packet(head, bytes).unwrap();
            }
        }
        if more == More::No {
            break;
        }
    }
    (packets, is_timed)
}

/// Copies a file of any kind to pcapng and reads the copy.
pub fn read_back(bytes: &[u8]) {
    let open = |bytes: &[u8]| capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "fuzz", 0, None);
    let Ok(mut source) = open(bytes) else { return };
    let kept = Kept::default();
    let mut save = Saver::to_output(Box::new(kept.clone()), false);
    let (mut expected, is_timed) = packets(source.as_mut(), Some(&mut save));
    let saved = save.finish().unwrap();
    assert_eq!(saved.packets, expected.len() as u64);
    let copy = std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner));
    let mut source = open(&copy).unwrap();
    let (mut found, _) = packets(source.as_mut(), None);
    if !is_timed || saved.untold_times > 0 {
        expected.iter_mut().chain(&mut found).for_each(|packet| packet.0 = 0);
    }
    assert!(expected == found, "the copy holds other packets");
    assert_eq!(source.description().damage, None);
}
