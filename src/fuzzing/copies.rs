//! A copy of whatever could be read of a capture holds the same packets, and all that belongs to them.
use std::io::ErrorKind;

use super::runs::{Shared, open};
use crate::capture::{Batch, Comment, More, PacketSource, Saved, Saver, Secrets, What};

/// Time, length on the wire, link type, bytes.
type Packet = (i64, u32, u16, Vec<u8>);

/// What a reader says of a capture.
#[derive(Default)]
struct Found {
    packets: Vec<Packet>,
    /// Comments on packets.
    comments: Vec<Comment>,
    secrets: Vec<Secrets>,
    /// Interfaces, statistics, names, secrets of all kinds, in their order. Interfaces by the order of their coming.
    structure: Vec<What>,
    /// Some packet has no time of its own.
    is_untimed: bool,
}

/// All there is; none where the copy needs more than its format can do.
fn read(source: &mut dyn PacketSource, mut save: Option<&mut Saver>) -> Option<Found> {
    let (mut batch, mut found) = (Batch::default(), Found::default());
    source.keep();
    while let Ok(more) = source.next_batch(&mut batch) {
        let kept = source.take_kept();
        for kept in &kept {
            match &kept.what {
                What::Packet { is_untimed, .. } => found.is_untimed |= is_untimed,
                What::Section { .. } => {}
                other => found.structure.push(other.clone()),
            }
        }
        if let Some(save) = &mut save {
            save.read(&batch.heads, kept).unwrap();
        }
        for head in &batch.heads {
            let bytes = batch.bytes(head);
            found.packets.push((head.timestamp.nanoseconds(), head.wire_length, head.link_type.0, bytes.to_vec()));
            if let Some(save) = &mut save {
                match save.packet(head, bytes) {
                    Err(error) if error.kind() == ErrorKind::Unsupported => return None,
                    written => written.unwrap(),
                }
            }
        }
        found.comments.extend(source.take_comments().into_iter().filter(|comment| comment.packet.is_some()));
        found.secrets.extend(source.take_secrets());
        if more == More::No {
            break;
        }
    }
    Some(found)
}

/// A copy of a capture, what was read, and what was written of it; none of what is no capture, or needs more than pcap.
pub(super) fn copy(bytes: &[u8], is_pcap: bool) -> Option<(Vec<u8>, Saved)> {
    copy_and_read(bytes, is_pcap).map(|(copy, _, saved)| (copy, saved))
}

fn copy_and_read(bytes: &[u8], is_pcap: bool) -> Option<(Vec<u8>, Found, Saved)> {
    let mut source = open(bytes)?;
    let out = Shared::default();
    let mut save = Saver::to_output(Box::new(out.clone()), is_pcap);
    let found = read(source.as_mut(), Some(&mut save))?;
    let saved = save.finish().unwrap();
    assert_eq!(saved.packets, found.packets.len() as u64);
    Some((out.take(), found, saved))
}

/// Reads a copy and compares the packets.
fn compare(copy: &[u8], mut expected: Found, saved: &Saved) -> Found {
    let mut source = open(copy).expect("a copy is a capture");
    let mut found = read(source.as_mut(), None).expect("nothing is written here");
    assert_eq!(source.description().damage, None);
    if expected.is_untimed || saved.untold_times > 0 {
        expected.packets.iter_mut().chain(&mut found.packets).for_each(|packet| packet.0 = 0);
    }
    assert!(expected.packets == found.packets, "the copy holds other packets");
    found
}

/// Copies a file of any kind to pcapng and reads the copy.
pub fn read_back(bytes: &[u8]) {
    let Some((copy, expected, saved)) = copy_and_read(bytes, false) else { return };
    compare(&copy, expected, &saved);
}

/// Copies a file of any kind to pcapng and to pcap and reads the copies: the same packets, comments on them, interfaces,
/// names and secrets; and the copy of a copy is the copy.
pub fn capture_roundtrip(bytes: &[u8]) {
    let Some((first, expected, saved)) = copy_and_read(bytes, false) else { return };
    let (comments, secrets, structure) =
        (expected.comments.clone(), expected.secrets.clone(), expected.structure.clone());
    let interfaces = |all: &[What]| all.iter().filter(|what| matches!(what, What::Interface { .. })).count();
    let others = |all: &[What]| -> Vec<What> {
        let is_other = |what: &&What| matches!(what, What::Names(_) | What::Secrets { .. });
        all.iter().filter(is_other).cloned().collect()
    };
    let has_packets = !expected.packets.is_empty();
    let found = compare(&first, expected, &saved);
    assert!(found.comments == comments, "{:?} became {comments:?}", found.comments);
    assert!(found.secrets == secrets, "other secrets");
    // A file that describes none and has packets gets one in its copy.
    assert!(
        interfaces(&found.structure)
            == interfaces(&structure).max(usize::from(has_packets && interfaces(&structure) == 0))
    );
    assert!(others(&found.structure) == others(&structure), "other names or secrets");
    let (second, _, again) = copy_and_read(&first, false).expect("a copy is a capture");
    assert!(second == first, "the copy of a copy is another");
    assert_eq!((again.packets, again.section_comments), (saved.packets, 0));
    if let Some((copy, expected, saved)) = copy_and_read(bytes, true) {
        compare(&copy, expected, &saved);
    }
}
