//! The note of one packet, put together from the lines or messages in it.
use crate::{
    app::{Note, Sink},
    limits,
    record::{Layer, Value},
};

/// A note in the making. Empty and cheap as long as nothing is added.
#[derive(Debug, Default)]
pub struct Draft {
    info: String,
    fields: Vec<(&'static str, Value)>,
}

impl Draft {
    /// Adds to the one line, behind `between` where something stands there already. What is too long is left out.
    pub fn say(&mut self, between: &str, words: &str) {
        if self.info.len().saturating_add(words.len()) > limits::MAX_APPLICATION_TEXT_BYTES.saturating_mul(2) {
            return;
        }
        if !self.info.is_empty() {
            self.info.push_str(between);
        }
        self.info.push_str(words);
    }

    /// Says the one line unless something is said already.
    pub fn say_first(&mut self, words: &str) {
        if self.info.is_empty() {
            self.info.push_str(words);
        }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.info.is_empty()
    }

    /// Adds a field, by Wireshark's name. Several of one name become a list.
    pub fn field(&mut self, name: &'static str, value: Value) {
        match self.fields.iter_mut().find(|(other, _)| *other == name) {
            Some((_, Value::List(values))) => {
                if values.len() < limits::MAX_APPLICATION_FIELD_VALUES {
                    values.push(value);
                }
            }
            Some((_, first)) => {
                let one = std::mem::replace(first, Value::Bool(false));
                *first = Value::List(vec![one, value]);
            }
            None => self.fields.push((name, value)),
        }
    }

    /// Adds a field of text.
    pub fn text(&mut self, name: &'static str, text: &[u8]) {
        self.field(name, Value::Text(super::facts::text(text)));
    }

    /// Adds a numeric field.
    pub fn number(&mut self, name: &'static str, number: impl Into<u64>) {
        self.field(name, Value::Number(number.into()));
    }

    /// Sets a flag, once for the whole packet.
    pub fn flag(&mut self, name: &'static str, value: bool) {
        if !self.fields.iter().any(|(other, _)| *other == name) {
            self.fields.push((name, Value::Bool(value)));
        }
    }

    /// Says it, if there is something to say.
    pub fn tell(self, protocol: &'static str, out: &mut Sink<'_>) {
        if !self.info.is_empty() {
            let layer = Layer { protocol, osi: 7, unit: "message", offset: 0, length: 0, fields: self.fields };
            out.note(Note::new(self.info, layer));
        }
    }
}
