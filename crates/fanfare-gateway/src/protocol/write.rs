//! Appending JSON to a buffer, with the protocol's rule that a zero value is left out.

use super::json::Json;

/// An object under construction. Members are written in call order; the closing brace is written on drop of the
/// closure that [`object`] runs.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

/// Writes one object.
pub(crate) fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    let mut object = Object { out, is_empty: true };
    fill(&mut object);
    out.push(b'}');
}

impl Object<'_> {
    /// A text member, left out when empty.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text_always(name, value);
        }
    }

    pub(crate) fn text_always(&mut self, name: &str, value: &str) {
        self.name(name);
        write_text(self.out, value);
    }

    /// A number, left out when zero.
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        if value != 0 {
            self.number_always(name, value);
        }
    }

    pub(crate) fn number_always(&mut self, name: &str, value: u64) {
        self.name(name);
        write_number(self.out, value);
    }

    /// A flag, left out when false.
    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.name(name);
            self.out.extend_from_slice(b"true");
        }
    }

    /// A raw value, left out when absent. `null` is a value and is written.
    pub(crate) fn json(&mut self, name: &str, value: Option<&Json>) {
        if let Some(value) = value {
            self.name(name);
            self.out.extend_from_slice(value.as_str().as_bytes());
        }
    }

    /// A member whose value is JSON already.
    #[allow(dead_code, reason = "only the stand-alone gateway, a feature, writes it")]
    pub(crate) fn raw(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.out.extend_from_slice(value);
    }

    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        object(self.out, fill);
    }

    /// The same, and says where in the buffer the inner object stands.
    pub(crate) fn object_at(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) -> (usize, usize) {
        self.name(name);
        let start = self.out.len();
        object(self.out, fill);
        (start, self.out.len())
    }

    pub(crate) fn list<'v>(&mut self, name: &str, values: impl IntoIterator<Item = &'v [u8]>) {
        self.name(name);
        self.out.push(b'[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(value);
        }
        self.out.push(b']');
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        write_text(self.out, name);
        self.out.push(b':');
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing text into memory cannot fail");
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    serde_json::to_writer(out, &number).expect("writing a number into memory cannot fail");
}
