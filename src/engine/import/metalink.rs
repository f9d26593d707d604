// SPDX-License-Identifier: GPL-3.0-or-later
//! Metalinks: files with their mirrors, sizes and hashes, in XML. Version 4 (RFC 5854, `.meta4`) and
//! version 3 (`.metalink`) are read by the same rules, for no name means two things in them.
//! Nothing is expanded but characters and XML's own five entities; a document type is passed over.

mod draft;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceError, ResolveResult};
use quick_xml::reader::NsReader;
use quick_xml::{Error as XmlError, XmlVersion};
use url::Url;

use self::draft::Draft;
use crate::engine::download::pieces::Pieces;
use crate::engine::download::spec::{Algorithm, Checksum};
use crate::engine::net::version::SCHEMES;

/// A longer text is not read.
const MOST_BYTES: usize = 16 * 1024 * 1024;
const MOST_FILES: usize = 10_000;
/// A problem that quotes the metalink is cut off here.
const MOST_WORDS: usize = 200;

/// One file that a metalink describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The line its description begins at, counted from 1.
    pub line: usize,
    /// A path of one or more components, as written: relative and without `..`, but not yet a safe
    /// file name.
    pub name: String,
    /// In bytes.
    pub size: Option<u64>,
    /// Those of known algorithms, in the order of the metalink.
    pub checksums: Vec<Checksum>,
    /// Those of the strongest algorithm. They are sound, and fit the size where that is told.
    pub pieces: Option<Pieces>,
    /// The best first, each once; only those that Freshet downloads from, so there may be none.
    pub urls: Vec<Url>,
    pub description: Option<String>,
    pub publisher: Option<String>,
}

/// Why a text is no metalink to go by, and where, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct MetalinkError {
    pub line: usize,
    pub column: usize,
    pub problem: String,
}

impl MetalinkError {
    fn new(text: &str, offset: usize, problem: &str) -> Self {
        // Names and values of the metalink are in it, of any length and with any character.
        let problem = problem.chars().take(MOST_WORDS).map(|c| if c.is_control() { '\u{fffd}' } else { c });
        let before = text.get(..offset).unwrap_or(text);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line: line_breaks(before) + 1, column, problem: problem.collect() }
    }
}

fn line_breaks(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Whether a text can only be meant as XML, so that [`parse`] tells best what is wrong with it.
pub fn is_xml(bytes: &[u8]) -> bool {
    without_mark(bytes).trim_ascii_start().starts_with(b"<")
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// Reads a metalink. All of its files are returned or none: one that is wrong in one place is not to
/// be trusted in others. What does not concern the bytes of the files is passed over.
pub fn parse(bytes: &[u8]) -> Result<Vec<File>, MetalinkError> {
    let bytes = without_mark(bytes);
    if bytes.len() > MOST_BYTES {
        return Err(MetalinkError::new("", 0, &format!("a metalink has no more than {MOST_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
        MetalinkError::new(&String::from_utf8_lossy(sound), error.valid_up_to(), "this is not UTF-8")
    })?;
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut document = Document::default();
    let (mut at, mut line) = (0, 1);
    loop {
        let next = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        line += text.get(at..next).map_or(0, line_breaks);
        at = next;
        let taken = match reader.read_resolved_event() {
            Ok((_, Event::Eof)) => document.check_end().map(|()| true),
            Ok((namespace, event)) => document.take(&namespace, &event, line).map(|()| false),
            Err(XmlError::Namespace(NamespaceError::TooManyBindings(_))) => Err("too many namespaces".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match taken {
            Ok(true) => return Ok(document.files),
            Ok(false) => {}
            Err(problem) => return Err(MetalinkError::new(text, at, &problem)),
        }
    }
}

/// The elements that mean something, where they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Metalink,
    Files,
    File,
    /// Version 3 gathers hashes and addresses in elements of their own.
    Verification,
    Resources,
    Size,
    Description,
    Publisher,
    PublisherName,
    Hash,
    Pieces,
    PieceHash,
    Url,
    /// Everything else, with all that is in it.
    Other,
}

impl Element {
    fn of(parent: Option<Self>, name: &str) -> Self {
        match (parent, name) {
            (None, "metalink") => Self::Metalink,
            (Some(Self::Metalink), "files") => Self::Files,
            (Some(Self::Metalink | Self::Files), "file") => Self::File,
            (Some(Self::File), "verification") => Self::Verification,
            (Some(Self::File), "resources") => Self::Resources,
            (Some(Self::File), "size") => Self::Size,
            (Some(Self::File), "description") => Self::Description,
            (Some(Self::File), "publisher") => Self::Publisher,
            (Some(Self::Publisher), "name") => Self::PublisherName,
            (Some(Self::File | Self::Verification), "hash") => Self::Hash,
            (Some(Self::File | Self::Verification), "pieces") => Self::Pieces,
            (Some(Self::Pieces), "hash") => Self::PieceHash,
            (Some(Self::File | Self::Resources), "url") => Self::Url,
            _ => Self::Other,
        }
    }
}

/// What has been read so far.
#[derive(Default)]
struct Document {
    files: Vec<File>,
    draft: Draft,
    /// The namespace of the first element: what is of another is somebody's extension.
    namespace: Option<String>,
    open: Vec<Element>,
    /// What stands in the innermost element that means something.
    text: String,
}

impl Document {
    fn take(&mut self, namespace: &ResolveResult, event: &Event, line: usize) -> Result<(), String> {
        match event {
            Event::Start(start) => self.begin(namespace, start, line),
            Event::End(_) => self.end(),
            Event::Text(text) => self.add_text(&text.xml10_content()),
            Event::CData(text) => self.add_text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.add_text(&character(reference)?),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {
                Ok(())
            }
        }
    }

    fn begin(&mut self, namespace: &ResolveResult, start: &BytesStart, line: usize) -> Result<(), String> {
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => Some(namespace.as_ref()),
            ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
        };
        let parent = self.open.last().copied();
        if parent.is_none() {
            self.namespace = namespace.map(str::to_owned);
        }
        let name = start.local_name();
        let is_ours = self.namespace.as_deref() == namespace;
        let element = if is_ours { Element::of(parent, name.as_ref()) } else { Element::Other };
        match element {
            Element::Other if parent.is_none() => {
                return Err(format!("this is no metalink: it begins with <{}>", name.as_ref()));
            }
            Element::File => {
                let name = attribute(start, "name")?.ok_or("<file> has no name")?;
                self.draft = Draft::new(line, &name)?;
            }
            Element::Hash => self.draft.begin_hash(attribute(start, "type")?),
            Element::Pieces => {
                let algorithm = attribute(start, "type")?.and_then(|name| Algorithm::named(&name));
                self.draft.begin_pieces(algorithm, attribute(start, "length")?.as_deref());
            }
            Element::PieceHash => self.draft.begin_piece(attribute(start, "piece")?.as_deref()),
            Element::Url => {
                let rank = rank(attribute(start, "priority")?.as_deref(), attribute(start, "preference")?.as_deref());
                // Version 3 names the protocol: the HTTP address of a torrent is not the file's.
                let is_file = attribute(start, "type")?.is_none_or(|kind| is_transfer(&kind));
                self.draft.begin_url(rank, is_file);
            }
            Element::Publisher => self.draft.set_publisher(&attribute(start, "name")?.unwrap_or_default()),
            Element::Metalink
            | Element::Files
            | Element::Verification
            | Element::Resources
            | Element::Size
            | Element::Description
            | Element::PublisherName
            | Element::Other => {}
        }
        if element != Element::Other {
            self.text.clear();
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let text = self.text.trim();
        match self.open.pop() {
            Some(Element::Size) => self.draft.set_size(text),
            Some(Element::Description) => {
                self.draft.set_description(text);
                Ok(())
            }
            Some(Element::PublisherName) => {
                self.draft.set_publisher(text);
                Ok(())
            }
            Some(Element::Hash) => self.draft.end_hash(text),
            Some(Element::PieceHash) => {
                self.draft.end_piece(text);
                Ok(())
            }
            Some(Element::Pieces) => {
                self.draft.end_pieces();
                Ok(())
            }
            Some(Element::Url) => self.draft.end_url(text),
            Some(Element::File) if self.files.len() == MOST_FILES => {
                Err(format!("a metalink has no more than {MOST_FILES} files"))
            }
            Some(Element::File) => {
                self.files.push(std::mem::take(&mut self.draft).finish());
                Ok(())
            }
            Some(
                Element::Metalink
                | Element::Files
                | Element::Verification
                | Element::Resources
                | Element::Publisher
                | Element::Other,
            )
            | None => Ok(()),
        }
    }

    fn add_text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last() {
            None if !text.trim().is_empty() => Err("this is no metalink: text stands outside of it".to_owned()),
            None | Some(Element::Other) => Ok(()),
            Some(_) => {
                self.text.push_str(text);
                Ok(())
            }
        }
    }

    fn check_end(&self) -> Result<(), String> {
        match (self.open.last(), self.files.is_empty()) {
            (Some(_), _) => Err("the metalink is cut off: it ends inside of an element".to_owned()),
            (None, true) => Err("there is no file in this metalink".to_owned()),
            (None, false) => Ok(()),
        }
    }
}

/// `&lt;` and its four like, `&#60;`.
fn character(reference: &BytesRef) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let known = resolve_predefined_entity(reference).map(str::to_owned);
    known.ok_or_else(|| format!("the entity “{}” is not known", &**reference))
}

/// The first attribute of this name. A second one is no harm: whichever is right, the checksum tells.
fn attribute(start: &BytesStart, name: &str) -> Result<Option<String>, String> {
    // The library's own check takes time in the square of their number.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// The lowest is the best. Version 4 has a priority, of which 1 is the best, version 3 a preference,
/// of which 100 is; without either an address is the last choice.
fn rank(priority: Option<&str>, preference: Option<&str>) -> u32 {
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<u32>().ok());
    match (number(priority), number(preference)) {
        (Some(priority @ 1..), _) => priority,
        (_, Some(preference @ 0..=100)) => 101 - preference,
        _ => u32::MAX,
    }
}

fn is_transfer(kind: &str) -> bool {
    SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(kind.trim()))
}

#[cfg(test)]
mod tests;
