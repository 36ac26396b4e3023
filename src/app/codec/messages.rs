//! What protocols that are recognised, and read only as far as their first facts, have in common: they collect facts into
//! one `application` record of a flow, and say one line and one layer for each packet.
use std::fmt::Write as _;

use crate::{
    app::{Note, Sink},
    limits,
    record::{
        Application, ApplicationFact, Context, Direction, Evidence, Finding, Layer, PacketRef, Record, Severity,
        Subject, Value,
    },
};

/// Fields of a layer, by Wireshark's names.
pub type Fields = Vec<(&'static str, Value)>;

/// The facts of one flow on their way into its record.
#[derive(Debug, Default)]
pub struct Facts {
    facts: Vec<ApplicationFact>,
    evidence: Evidence,
    left_out: bool,
}

impl Facts {
    /// The record rests on this packet too.
    pub fn see(&mut self, packet: PacketRef) {
        self.evidence.add(packet.number);
    }

    /// One more fact, unless there are [`limits::MAX_APPLICATION_FACTS`] or it was said before in the same words.
    pub fn add(&mut self, name: &'static str, value: impl Into<String>, from: Direction, packet: PacketRef) {
        let (value, side) = (value.into(), from.sender());
        if self.facts.iter().any(|fact| fact.name == name && fact.side == side && fact.value == value) {
            return;
        }
        if self.facts.len() < limits::MAX_APPLICATION_FACTS {
            self.facts.push(ApplicationFact { name, value: cut(value), side, packet: packet.number });
        } else {
            self.left_out = true;
        }
    }

    /// Something else of the flow was not kept: it is told with the facts.
    pub fn leave_out(&mut self) {
        self.left_out = true;
    }

    /// The same for a fact that each side has once: its first value counts, unless the other side said the same.
    pub fn first(&mut self, name: &'static str, value: impl Into<String>, from: Direction, packet: PacketRef) {
        let value = value.into();
        let said = |fact: &ApplicationFact| fact.side == from.sender() || fact.value == value;
        if !self.facts.iter().any(|fact| fact.name == name && said(fact)) {
            self.add(name, value, from, packet);
        }
    }

    /// The same for a fact that it does not matter who says: each value once.
    pub fn either(&mut self, name: &'static str, value: impl Into<String>, from: Direction, packet: PacketRef) {
        let value = value.into();
        if !self.knows(name, &value) {
            self.add(name, value, from, packet);
        }
    }

    /// Whether this is known already.
    #[must_use]
    pub fn knows(&self, name: &str, value: &str) -> bool {
        self.facts.iter().any(|fact| fact.name == name && fact.value == value)
    }

    /// Reports them as what `protocol` says, if there are any; what comes after this makes another record.
    pub fn tell(&mut self, protocol: &'static str, context: &Context<'_>, out: &mut Sink<'_>) {
        let Self { facts, evidence, left_out } = std::mem::take(self);
        if left_out {
            out.limit(&limits::APPLICATION);
        }
        if !facts.is_empty() {
            let subject = Subject::new(context.flow.id, evidence);
            let (client, server) = (context.flow.client, context.flow.server);
            out.record(Record::Application(Box::new(Application { subject, client, server, protocol, facts })));
        }
    }
}

/// Something worth attention in the flow being read.
pub fn finding(
    context: &Context<'_>,
    evidence: impl IntoIterator<Item = PacketRef>,
    (severity, code): (Severity, &'static str),
    title: String,
    (explanation, reference): (&str, &'static str),
) -> Finding {
    let evidence = evidence.into_iter().map(|packet| packet.number).collect();
    Finding {
        subject: Subject::new(context.flow.id, evidence),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation: explanation.to_owned(),
        reference: Some(reference),
    }
}

/// Says what the packet being processed holds.
pub fn note(protocol: &'static str, info: String, fields: Fields, out: &mut Sink<'_>) {
    if out.wants_notes() {
        let layer = Layer { protocol, osi: 7, unit: "message", offset: 0, length: 0, fields };
        out.note(Note::new(info, layer));
    }
}

/// A number as a field's value.
pub fn number(value: impl Into<u64>) -> Value {
    Value::Number(value.into())
}

/// Text as a field's value.
pub fn words(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// Adds one value as it is, several as a list, none not at all.
pub fn add_all(fields: &mut Fields, name: &'static str, mut values: Vec<Value>) {
    if values.len() > 1 {
        fields.push((name, Value::List(values)));
    } else if let Some(value) = values.pop() {
        fields.push((name, value));
    }
}

/// Text of a message: up to its first zero byte, and not longer than a fact may be.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let bounded = text.get(..limits::MAX_FACT_TEXT_BYTES).unwrap_or(text);
    String::from_utf8_lossy(bounded).into_owned()
}

/// Bytes in hex, as many as a fact may hold.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let bounded = bytes.get(..limits::MAX_FACT_TEXT_BYTES / 2).unwrap_or(bytes);
    bounded.iter().fold(String::with_capacity(bounded.len().saturating_mul(2)), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A hardware address, or other bytes in the same notation.
#[must_use]
pub fn colons(bytes: &[u8]) -> String {
    let pairs: Vec<String> =
        bytes.iter().take(limits::MAX_FACT_TEXT_BYTES / 3).map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

fn cut(mut text: String) -> String {
    if text.len() > limits::MAX_FACT_TEXT_BYTES {
        let end = (0..=limits::MAX_FACT_TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}

/// Sums of a duration that was measured several times, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Measurements.
    pub count: u64,
    /// The least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    sum: i128,
}

impl Spread {
    /// One more measurement.
    pub fn add(&mut self, ns: i64) {
        (self.min, self.max) = if self.count == 0 { (ns, ns) } else { (self.min.min(ns), self.max.max(ns)) };
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(ns.into());
    }

    /// The mean, if anything was measured.
    #[must_use]
    pub fn mean(&self) -> Option<i64> {
        let mean = self.sum.checked_div(self.count.into())?;
        i64::try_from(mean).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::Said,
        record::{Certainty, Endpoint, FlowFacts, FlowId, Secrets, Transport, Wanted},
    };

    #[test]
    fn facts_are_bounded_and_said_once() {
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let flow = FlowFacts {
            id: FlowId::default(),
            transport: Transport::Udp,
            client: end(1),
            server: end(2),
            client_certainty: Certainty::Assumed,
        };
        let context = Context {
            flow: &flow,
            packet: PacketRef::default(),
            origins: &[],
            from_start: false,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: Secrets::none(),
        };
        let mut facts = Facts::default();
        for value in 0..=limits::MAX_APPLICATION_FACTS {
            facts.add("value", value.to_string(), Direction::ClientToServer, context.packet);
            facts.add("value", "0", Direction::ClientToServer, context.packet);
        }
        facts.first("value", "other", Direction::ClientToServer, context.packet);
        let mut said = Vec::new();
        facts.tell("some", &context, &mut Sink::new(Wanted::usual(), false, &mut said));
        facts.tell("some", &context, &mut Sink::new(Wanted::usual(), false, &mut said));
        assert!(matches!(said.as_slice(), [Said::Limit(_), Said::Record(Record::Application(record))]
            if record.facts.len() == limits::MAX_APPLICATION_FACTS && record.protocol == "some"));
    }

    #[test]
    fn text_is_cut_at_a_character() {
        let long = "ä".repeat(limits::MAX_FACT_TEXT_BYTES);
        assert_eq!(cut(long).len(), limits::MAX_FACT_TEXT_BYTES + '…'.len_utf8());
        assert_eq!(text(b"name\0rest"), "name");
        assert_eq!((hex(&[1, 0xab]), colons(&[1, 0xab])), ("01ab".to_owned(), "01:ab".to_owned()));
    }

    #[test]
    fn spreads_have_a_mean() {
        let mut spread = Spread::default();
        assert_eq!(spread.mean(), None);
        [-3, 5, 4].into_iter().for_each(|ns| spread.add(ns));
        assert_eq!((spread.min, spread.max, spread.mean()), (-3, 5, Some(2)));
    }
}
