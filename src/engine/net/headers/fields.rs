// SPDX-License-Identifier: GPL-3.0-or-later
//! Header fields as they are kept. There are some ten in each answer, of which few are read.

use std::fmt;

/// The header fields of an answer in order: names in lower case, values as sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// All names and values, one behind the other.
    text: Vec<u8>,
    /// Where each name ends in it, and the value behind.
    ends: Vec<(usize, usize)>,
}

impl Fields {
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        if self.ends.is_empty() {
            // As many as most answers have.
            self.text.reserve(512);
            self.ends.reserve(16);
        }
        self.text.extend(name.iter().map(u8::to_ascii_lowercase));
        let name_end = self.text.len();
        self.text.extend_from_slice(value);
        self.ends.push((name_end, self.text.len()));
    }

    /// The value of the last field goes on, if there is one.
    pub fn go_on(&mut self, more: &[u8]) {
        if let Some((_, end)) = self.ends.last_mut() {
            self.text.push(b' ');
            self.text.extend_from_slice(more);
            *end = self.text.len();
        }
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let part = |from, to| self.text.get(from..to).unwrap_or_default();
        self.ends.iter().scan(0, move |start, (name_end, end)| {
            Some((part(std::mem::replace(start, *end), *name_end), part(*name_end, *end)))
        })
    }

    /// The values of all fields of this name.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.iter().filter(move |(field, _)| *field == name.as_bytes()).map(|(_, value)| value)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| String::from_utf8_lossy(bytes);
        f.debug_map().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut all = Self::default();
        for (name, value) in fields {
            all.push(name.as_ref(), value.as_ref());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_keeps_its_name_and_its_value() {
        let mut fields = Fields::from_iter([("A-b", "c"), ("", ""), ("a-B", "D"), ("e", "")]);
        fields.go_on(b"f");
        let all: Vec<_> = fields.iter().collect();
        assert_eq!(all, [(&b"a-b"[..], &b"c"[..]), (b"", b""), (b"a-b", b"D"), (b"e", b" f")]);
        assert_eq!(fields.all("a-b").collect::<Vec<_>>(), [b"c", b"D"]);
        assert_eq!(format!("{fields:?}"), r#"{"a-b": "c", "": "", "a-b": "D", "e": " f"}"#);
        fields.clear();
        fields.go_on(b"g");
        assert_eq!(fields, Fields::default());
    }
}
