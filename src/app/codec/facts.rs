//! The first facts of a flow, as a session gathers them: bounded, with the packets they rest on, and told once.
use crate::{
    app::Sink,
    limits,
    record::{Application, ApplicationFact, Context, Evidence, PacketRef, Record, Side, Subject},
};

/// What is known so far.
#[derive(Debug, Default)]
pub struct Facts {
    facts: Vec<ApplicationFact>,
    evidence: Evidence,
    left_out: bool,
    told: bool,
}

impl Facts {
    /// Adds one.
    pub fn add(&mut self, name: &'static str, value: impl Into<String>, side: Side, packet: PacketRef) {
        if self.facts.len() >= limits::MAX_APPLICATION_FACTS {
            self.left_out = true;
            return;
        }
        self.evidence.add(packet.number);
        self.facts.push(ApplicationFact { name, value: value.into(), side, packet: packet.number });
    }

    /// Something else of the flow was not kept: it is told with the facts.
    pub fn leave_out(&mut self) {
        self.left_out = true;
    }

    /// Adds one unless there is one of this name.
    pub fn add_once(&mut self, name: &'static str, value: impl Into<String>, side: Side, packet: PacketRef) {
        self.add_few(name, value, side, packet, 1);
    }

    /// Adds one unless there are `most` of this name.
    pub fn add_few(
        &mut self,
        name: &'static str,
        value: impl Into<String>,
        side: Side,
        packet: PacketRef,
        most: usize,
    ) {
        if self.facts.iter().filter(|fact| fact.name == name).count() < most {
            self.add(name, value, side, packet);
        }
    }

    /// Replaces what the last one of this name says, or adds it.
    pub fn update(&mut self, name: &'static str, value: impl Into<String>, side: Side, packet: PacketRef) {
        match self.facts.iter_mut().rfind(|fact| fact.name == name) {
            Some(fact) => {
                self.evidence.add(packet.number);
                (fact.value, fact.packet) = (value.into(), packet.number);
            }
            None => self.add(name, value, side, packet),
        }
    }

    /// What the first one of this name says.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Reports them, once.
    pub fn tell(&mut self, protocol: &'static str, context: &Context<'_>, out: &mut Sink<'_>) {
        if std::mem::replace(&mut self.told, true) || self.facts.is_empty() {
            return;
        }
        if self.left_out {
            out.limit(&limits::APPLICATION);
        }
        out.record(Record::Application(Box::new(Application {
            subject: Subject::new(context.flow.id, std::mem::take(&mut self.evidence)),
            client: context.flow.client,
            server: context.flow.server,
            protocol,
            facts: std::mem::take(&mut self.facts),
        })));
    }
}

/// Bytes as the value of a fact: trimmed text of bounded length; what is cut off is marked by an ellipsis.
pub fn text(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii();
    let Some(start) = bytes.get(..limits::MAX_APPLICATION_TEXT_BYTES) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    if start.len() == bytes.len() {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    // A character that is cut in two is left out.
    let whole = start.utf8_chunks().next().map_or(start, |chunk| match chunk.valid().len() {
        length if start.len().saturating_sub(length) < 4 => chunk.valid().as_bytes(),
        _ => start,
    });
    format!("{}…", String::from_utf8_lossy(whole))
}

/// So many of something: `1 message`, `2 messages`. The number may be as it was said.
pub fn counted(number: &str, noun: &str) -> String {
    format!("{number} {noun}{}", if number == "1" { "" } else { "s" })
}

/// Words as one value, as many as fit.
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for word in words {
        if all.len().saturating_add(word.len()) > limits::MAX_APPLICATION_LIST_BYTES {
            all.push_str(", …");
            break;
        }
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(text(b"  plain\r\n"), "plain");
        let exact = "x".repeat(limits::MAX_APPLICATION_TEXT_BYTES);
        assert_eq!(text(exact.as_bytes()), exact);
        let long = format!("{}ü and more", "x".repeat(limits::MAX_APPLICATION_TEXT_BYTES - 1));
        assert_eq!(text(long.as_bytes()), format!("{}…", &long[..limits::MAX_APPLICATION_TEXT_BYTES - 1]));
    }

    #[test]
    fn lists_are_bounded() {
        assert_eq!(list(["a", "b"]), "a, b");
        let word = "x".repeat(100);
        let many = list(std::iter::repeat_n(word.as_str(), 1000));
        assert!(many.ends_with(", …") && many.len() <= 2 * limits::MAX_APPLICATION_LIST_BYTES);
    }

    #[test]
    fn facts_are_bounded_by_name_and_in_all() {
        let (mut facts, packet) = (Facts::default(), PacketRef::default());
        for value in ["1", "2", "3"] {
            facts.add_few("a", value, Side::Client, packet, 2);
            facts.add_once("b", value, Side::Server, packet);
            facts.update("c", value, Side::Server, packet);
        }
        let said: Vec<_> = facts.facts.iter().map(|fact| (fact.name, fact.value.as_str())).collect();
        assert_eq!(said, [("a", "1"), ("b", "1"), ("c", "3"), ("a", "2")]);
        (0..100).for_each(|_| facts.add("d", "", Side::Client, packet));
        assert_eq!((facts.facts.len(), facts.left_out), (limits::MAX_APPLICATION_FACTS, true));
    }
}
