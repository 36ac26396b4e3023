//! Display filters: a question about one packet, in Wireshark's language (wireshark-filter(4)).
//!
//! A [`Filter`] is compiled once: words become fields of the one table in [`fields`], constants get the type of what they
//! are compared with, and mistakes are told with their place ([`Mistake`]). What it is asked about is anything that is a
//! [`Packet`]; the filter itself reads no header and knows no protocol beyond its table.
//!
//! The language follows Wireshark 4.0, with what later versions added where it means nothing else in 4.0: `xor`, constants
//! on the left, `true` and `false` in lower case, parentheses around arithmetic.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_sign_loss)
)]
mod check;
mod direct;
mod error;
mod expression;
pub mod fields;
mod lexer;
mod literal;
mod nearest;
mod packet;
mod parser;
#[cfg(test)]
mod tests;

pub use error::Mistake;
pub use fields::{Field, Group, Kind};
pub use nearest::nearest;
pub use packet::{Fact, Packet};

/// The grammar, for others who ask in the same language of something else than packets (`check`).
pub(crate) mod grammar {
    pub(crate) use super::parser::{Asked, Extent, Node, Operand, Relation, Sum, Valued, parse_joining};
}

/// A compiled filter.
#[derive(Clone, Debug)]
pub struct Filter {
    test: expression::Test,
    needs: Needs,
}

/// What a filter asks for besides the headers of the packet itself, so that nobody prepares what is not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Numbers that depend on earlier packets of the flow: `tcp.stream`, `tcp.seq`, `tcp.time_delta`.
    pub streams: bool,
    /// What sessions say of the packet: `tls`, `http.host`.
    pub sessions: bool,
    /// Wireshark's judgement of a TCP segment: `tcp.analysis.retransmission`.
    pub analysis: bool,
}

impl Filter {
    /// Compiles `text`.
    ///
    /// # Errors
    /// The first mistake in it, with its place.
    pub fn new(text: &str) -> Result<Self, Mistake> {
        let tree = parser::parse(text).map_err(|mistake| mistake.within(text))?;
        let mut needs = Needs::default();
        let test = check::check(&tree, &mut needs).map_err(|mistake| mistake.within(text))?;
        Ok(Self { test, needs })
    }

    /// What it asks for.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether `packet` passes.
    #[must_use]
    pub fn matches<P: Packet>(&self, packet: &P) -> bool {
        self.test.holds(packet)
    }
}
