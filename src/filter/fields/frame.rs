//! Fields of the packet as such.
use super::{Field, Found, From, Group, Kind, duration, text, u32};
use crate::filter::packet::Fact;

/// One group.
pub(super) static GROUPS: &[Group] = &[Group {
    protocol: Field::new("frame", Kind::Protocol, "The packet as such").from(From::Protocol),
    layers: &[],
    found: Found::Frame,
    fields: &[
        u32("frame.number", "Number of the packet within its file, from 1").fact(Fact::Number),
        u32("frame.len", "Bytes on the wire").fact(Fact::WireLength),
        u32("frame.cap_len", "Bytes in the capture").fact(Fact::CapturedLength),
        Field::new("frame.time", Kind::Moment, "When it was captured").fact(Fact::Time),
        duration("frame.time_epoch", "Seconds since 1970").fact(Fact::Time),
        duration("frame.time_relative", "Seconds since the first packet").fact(Fact::SinceFirst),
        duration("frame.time_delta", "Seconds since the packet before").fact(Fact::SincePrevious),
        duration("frame.time_delta_displayed", "Seconds since the packet before that passed")
            .fact(Fact::SinceDisplayed),
        u32("frame.interface_id", "Number of the interface within the file, from 0").fact(Fact::Interface),
        text("frame.protocols", "Protocols from the link upwards, joined by colons").from(From::Protocols),
    ],
}];
