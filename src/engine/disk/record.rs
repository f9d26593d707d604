// SPDX-License-Identifier: GPL-3.0-or-later
//! The lines of a journal and what they say together. Each is `SUM JSON`, where SUM is the begin of
//! the JSON's SHA-256: torn, zeroed or changed lines are left out, and cost no other one.
//!
//! | record | says |
//! |---|---|
//! | `{"freshet-journal":[2,HEAD]}` | what the file is; the last one counts |
//! | `{"durable":[TOLD,[[START,END],...]]}` | these bytes are durable, and of the writes numbered up to TOLD no others count; the last one counts, the one before it is its spare |
//! | `{"epoch":EPOCH}` | the writes that follow are believed only in this epoch (`epoch.rs`) |
//! | `{"written":[NUMBER,START,END]}` | these bytes were written, and may not be durable yet |
//! | `"lost"` | the device has failed: no write is believed that is not durable |

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Journal, JournalError};
use crate::engine::types::ByteRange;

/// The format written; older ones are read, newer ones left alone.
const VERSION: u64 = 2;
/// How many hexadecimal digits of a line's SHA-256 are before it.
const SUM_DIGITS: usize = 16;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Record {
    #[serde(rename = "freshet-journal")]
    Head(u64, Box<Journal>),
    Durable(u64, Vec<(u64, u64)>),
    Epoch(String),
    Written(u64, u64, u64),
    Lost,
}

/// What a journal says.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// With all that may be believed.
    pub journal: Journal,
    /// What of it is known to be durable, if anything was ever claimed to be.
    pub durable: Option<Vec<ByteRange>>,
    /// The highest number of a write; `None` in the first format, which cannot be added to.
    pub last_number: Option<u64>,
}

impl Said {
    /// Whether more is believed than is known to be durable.
    pub fn is_ahead(&self) -> bool {
        self.durable.as_ref().map_or(&[][..], |durable| durable) != self.journal.done
    }
}

/// `journal` without its ranges.
pub fn head(journal: &Journal) -> io::Result<String> {
    line(&Record::Head(VERSION, Box::new(journal.head())))
}

pub fn durable(told: u64, done: &[ByteRange]) -> io::Result<String> {
    line(&Record::Durable(told, done.iter().map(|range| (range.start, range.end)).collect()))
}

pub fn epoch(epoch: &str) -> io::Result<String> {
    line(&Record::Epoch(epoch.to_owned()))
}

/// Made for every write, so without the detours of the others.
pub fn written(number: u64, range: ByteRange) -> String {
    sealed(&format!("{{\"written\":[{number},{},{}]}}", range.start, range.end))
}

pub fn lost() -> io::Result<String> {
    line(&Record::Lost)
}

fn line(record: &Record) -> io::Result<String> {
    Ok(sealed(&serde_json::to_string(record)?))
}

/// JSON as serde_json writes it has no line breaks.
fn sealed(json: &str) -> String {
    let sum = sum(json.as_bytes());
    format!("{sum} {json}\n")
}

fn sum(json: &[u8]) -> String {
    let digest = Sha256::digest(json);
    let begin = digest.first_chunk().copied().map_or(0, u64::from_be_bytes);
    format!("{begin:0width$x}", width = SUM_DIGITS)
}

/// The JSON of a line that is whole.
fn unsealed(line: &[u8]) -> Option<&[u8]> {
    let (sum, json) = line.split_at_checked(SUM_DIGITS)?;
    let json = json.strip_prefix(b" ")?;
    (self::sum(json).as_bytes() == sum).then_some(json)
}

/// What all lines say together. `is_alive`: whether an epoch goes on.
pub fn replay(text: &[u8], is_alive: impl Fn(&str) -> bool) -> Result<Said, JournalError> {
    let mut head = None;
    let mut durables = [None, None];
    let mut writes = Vec::new();
    let (mut is_believed, mut is_lost, mut is_whole) = (false, false, false);
    let mut last_number = 0;
    for json in text.split(|byte| *byte == b'\n').filter_map(unsealed) {
        is_whole = true;
        match serde_json::from_slice(json) {
            Ok(Record::Head(VERSION, journal)) if journal.check().is_ok() => head = Some(*journal),
            Ok(Record::Durable(told, done)) => {
                last_number = last_number.max(told);
                let [_, last] = durables;
                durables = [last, Some((told, ranges(done)))];
            }
            Ok(Record::Epoch(epoch)) => is_believed = is_alive(&epoch),
            Ok(Record::Written(number, start, end)) => {
                last_number = last_number.max(number);
                if is_believed {
                    writes.push((number, (start, end)));
                }
            }
            Ok(Record::Lost) => is_lost = true,
            // Of a newer format nothing but its number may be taken for known.
            Ok(Record::Head(..)) | Err(_) => {
                if let Some(newer) = newer(json) {
                    return Err(JournalError::Newer(newer));
                }
            }
        }
    }
    if !is_whole {
        return first_format::replay(text);
    }
    let mut journal = head.ok_or_else(|| JournalError::Damaged("nothing is left that says what it is of".into()))?;
    let mut known = durables.into_iter().rev().flatten().filter_map(|(told, done)| Some((told, done?)));
    let durable = known.find(|(_, done)| Journal { done: done.clone(), ..journal.clone() }.check().is_ok());
    let told = durable.as_ref().map_or(0, |(told, _)| *told);
    let limit = journal.total.unwrap_or(u64::MAX);
    let writes = writes.into_iter().filter(|(number, (start, end))| {
        let is_within = start < end && *end <= limit;
        is_within && *number > told && !is_lost
    });
    let mut believed: Vec<_> = writes.filter_map(|(_, range)| self::range(range)).collect();
    believed.extend(durable.iter().flat_map(|(_, done)| done));
    journal.done = merged(believed);
    Ok(Said { journal, durable: durable.map(|(_, done)| done), last_number: Some(last_number) })
}

fn range((start, end): (u64, u64)) -> Option<ByteRange> {
    (start < end).then(|| ByteRange::new(start, end))
}

/// `None` if one of them does not run forwards.
fn ranges(pairs: Vec<(u64, u64)>) -> Option<Vec<ByteRange>> {
    pairs.into_iter().map(range).collect()
}

/// Sorted, not touching. One by one a million of them would take minutes to insert.
fn merged(mut ranges: Vec<ByteRange>) -> Vec<ByteRange> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let is_joined = next.start <= last.end;
        if is_joined {
            last.end = last.end.max(next.end);
        }
        is_joined
    });
    ranges
}

/// The number of the format, if it is a newer one.
fn newer(json: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let said = value.get("freshet-journal")?;
    said.get(0).unwrap_or(said).as_u64().filter(|version| *version > VERSION)
}

/// The format of Freshet's first days: one JSON object, `{"freshet-journal":1,"sum":SHA-256,"record":JOURNAL}`.
mod first_format {
    use super::super::sum::hex;
    use super::*;

    #[derive(Deserialize)]
    struct OnDisk {
        #[serde(rename = "freshet-journal")]
        version: u64,
        sum: String,
        record: Value,
    }

    pub fn replay(text: &[u8]) -> Result<Said, JournalError> {
        if let Some(newer) = newer(text) {
            return Err(JournalError::Newer(newer));
        }
        let damaged = |error: serde_json::Error| JournalError::Damaged(error.to_string());
        let on_disk: OnDisk = serde_json::from_slice(text).map_err(damaged)?;
        // Reading the record and writing it again gives the same text, because serde_json keeps the
        // order of its maps and all numbers are integers.
        let sum = hex(&Sha256::digest(on_disk.record.to_string()));
        if on_disk.version != 1 || sum != on_disk.sum {
            return Err(JournalError::Damaged("its checksum does not match".into()));
        }
        let journal: Journal = serde_json::from_value(on_disk.record).map_err(damaged)?;
        journal.check().map_err(JournalError::Damaged)?;
        let durable = Some(journal.done.clone());
        Ok(Said { journal, durable, last_number: None })
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::disk::journal::tests::journal;

    /// As Freshet 0.1 left it when it was killed.
    pub const FIRST_FORMAT: &str = r#"{"freshet-journal":1,"sum":"69e9329085e3385191c3fd805ec91e12e7121f43f18c4ffcbf6dae42f8bcc1f9","record":{"checksum":{"algorithm":"md5","hex":"96fe3a96041c5e9686552ec7f638d588"},"done":[{"end":1048576,"start":0}],"mirrors":[],"modified":{"nanos_since_epoch":0,"secs_since_epoch":1795357088},"name":"f.bin","total":4000000,"url":"http://127.0.0.1:18761/f.bin","validator":{"e-tag":"\"6b02f9a0-3d0900\""}}}"#;

    fn said(text: &[u8]) -> Result<Said, JournalError> {
        replay(text, |epoch| epoch == "now")
    }

    fn done(text: &str) -> Vec<(u64, u64)> {
        said(text.as_bytes()).unwrap().journal.done.iter().map(|range| (range.start, range.end)).collect()
    }

    fn head_of(total: u64) -> String {
        head(&Journal { total: Some(total), ..journal() }).unwrap()
    }

    fn durable_of(told: u64, pairs: &[(u64, u64)]) -> String {
        line(&Record::Durable(told, pairs.to_vec())).unwrap()
    }

    fn written_of(number: u64, start: u64, end: u64) -> String {
        line(&Record::Written(number, start, end)).unwrap()
    }

    #[test]
    fn the_quick_way_to_write_a_line_writes_the_same() {
        assert_eq!(written(7, ByteRange::new(0, u64::MAX)), written_of(7, 0, u64::MAX));
        assert_eq!(durable(3, &[ByteRange::new(1, 2)]).unwrap(), durable_of(3, &[(1, 2)]));
    }

    #[test]
    fn writes_count_only_in_their_epoch_and_only_beyond_what_a_later_claim_was_told() {
        let now = epoch("now").unwrap();
        let begin = head_of(100) + &durable_of(0, &[(0, 10)]);
        let writes = written_of(10, 10, 20) + &written_of(15, 50, 55);
        assert_eq!(done(&begin), [(0, 10)]);
        assert_eq!(done(&(begin.clone() + &writes)), [(0, 10)], "of no epoch");
        assert_eq!(done(&(begin.clone() + &epoch("then").unwrap() + &writes)), [(0, 10)], "of another one");
        let all = begin + &now + &writes;
        assert_eq!(done(&all), [(0, 20), (50, 55)]);
        // The engine had heard of both writes and wants the second one no more.
        assert_eq!(done(&(all.clone() + &durable_of(15, &[(0, 20)]))), [(0, 20)]);
        // It had heard of the first one only.
        let claimed = all.clone() + &durable_of(10, &[(0, 20)]);
        assert_eq!(done(&claimed), [(0, 20), (50, 55)]);
        assert_eq!(said(claimed.as_bytes()).unwrap().durable, Some(vec![ByteRange::new(0, 20)]));
        assert!(said(claimed.as_bytes()).unwrap().is_ahead());
        assert_eq!(done(&(all + &lost().unwrap())), [(0, 10)], "the device failed");
    }

    #[test]
    fn a_claim_that_contradicts_itself_gives_way_to_the_one_before_it() {
        let begin = head_of(100) + &durable_of(0, &[(0, 10)]);
        for pairs in
            [&[(10, 20), (0, 5)][..], &[(0, 10), (5, 20)], &[(0, 10), (10, 20)], &[(5, 5)], &[(9, 5)], &[(0, 101)]]
        {
            assert_eq!(done(&(begin.clone() + &durable_of(0, pairs))), [(0, 10)], "{pairs:?}");
        }
        let writes = [(0, 101), (5, 5), (9, 5), (u64::MAX, 0)].map(|(start, end)| written_of(9, start, end));
        assert_eq!(done(&(begin + &epoch("now").unwrap() + &writes.concat())), [(0, 10)]);
    }

    #[test]
    fn the_last_head_counts() {
        let renamed = head(&Journal { name: "other".into(), total: Some(100), ..journal() }).unwrap();
        let text = head_of(100) + &durable_of(0, &[(0, 10)]) + &renamed;
        let said = said(text.as_bytes()).unwrap();
        assert_eq!((said.journal.name.as_str(), said.journal.done.len()), ("other", 1));
    }

    #[test]
    fn the_first_format_is_read_and_its_damage_noticed() {
        let read = said(FIRST_FORMAT.as_bytes()).unwrap();
        assert_eq!(read.journal.name, "f.bin");
        assert_eq!(read.journal.done, [ByteRange::new(0, 1_048_576)]);
        assert_eq!(read.durable.as_ref(), Some(&read.journal.done));
        for at in 0..FIRST_FORMAT.len() {
            assert!(said(&FIRST_FORMAT.as_bytes()[..at]).is_err(), "cut at {at}");
            let mut bytes = FIRST_FORMAT.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(said(&bytes).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn a_newer_format_is_told_apart_from_damage() {
        let first = br#"{"freshet-journal":3,"something":"else"}"#.to_vec();
        let line = sealed(r#"{"freshet-journal":[3,"something",{"else":1}]}"#).into_bytes();
        for newer in [first, line] {
            assert!(matches!(said(&newer), Err(JournalError::Newer(3))));
        }
        // A line of a kind that a later version of this format may have is left out.
        let more = head_of(100) + &durable_of(0, &[(0, 10)]) + &sealed(r#"{"weather":"fine"}"#);
        assert_eq!(done(&more), [(0, 10)]);
        for none in [&b""[..], b"\n\n", b"{}", b"\0\0\0\0"] {
            assert!(matches!(said(none), Err(JournalError::Damaged(_))));
        }
    }

    #[test]
    fn hundreds_of_thousands_of_small_ranges_are_read_in_no_time() {
        let pairs: Vec<_> = (0..300_000).map(|at| (at * 3, at * 3 + 1)).collect();
        let writes: String = (0..50_000).map(|at| written_of(at + 1, at * 9 + 1, at * 9 + 2)).rev().collect();
        let text = head_of(u64::MAX) + &durable_of(0, &pairs) + &epoch("now").unwrap() + &writes;
        assert_eq!(done(&text).len(), 300_000);
    }

    /// Every cut, and every changed bit of every byte, of a journal with all kinds of lines: what is
    /// left is believed, and nothing else.
    #[test]
    fn damage_anywhere_costs_only_the_lines_it_hits() {
        let lines = [
            head_of(1000),
            durable_of(0, &[(0, 100)]),
            epoch("now").unwrap(),
            written_of(50, 100, 150),
            written_of(80, 300, 330),
            durable_of(50, &[(0, 150)]),
            written_of(90, 330, 340),
        ];
        let whole = lines.concat();
        let without = |hit: &dyn Fn(usize) -> bool| -> String {
            lines.iter().enumerate().filter(|(index, _)| !hit(*index)).map(|(_, line)| line.as_str()).collect()
        };
        let line_at = |at: usize| whole[..at].matches('\n').count();
        for at in 0..whole.len() {
            let cut = &whole.as_bytes()[..at];
            let ends_here = whole[at..].starts_with('\n');
            let left = without(&|index| index >= line_at(at) + usize::from(ends_here));
            assert_eq!(said(cut).ok(), said(left.as_bytes()).ok(), "cut at {at}");
            // A file system that had written the length but not the data shows zeros.
            let mut zeros = cut.to_vec();
            zeros.resize(whole.len(), 0);
            let left = without(&|index| index >= line_at(at));
            assert_eq!(said(&zeros).ok(), said(left.as_bytes()).ok(), "zeros from {at}");
            for bit in 0..8 {
                let mut flipped = whole.clone().into_bytes();
                flipped[at] ^= 1 << bit;
                let left = without(&|index| index == line_at(at) || (ends_here && index == line_at(at) + 1));
                assert_eq!(said(&flipped).ok(), said(left.as_bytes()).ok(), "bit {bit} of {at}");
            }
        }
        let swapped = without(&|_| false).split_inclusive('\n').rev().collect::<String>();
        assert_eq!(done(&swapped), [(0, 100)], "in another order nothing is said but by durable lines");
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_does_no_harm(text in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(said(&text).is_err());
        }

        /// Rubbish between and in place of lines changes nothing that is said by the others.
        #[test]
        fn rubbish_between_lines_is_left_out(rubbish in prop::collection::vec("[^\n]{0,80}", 4)) {
            let lines = [head_of(1000), durable_of(0, &[(0, 10)]), epoch("now").unwrap(), written_of(9, 20, 29)];
            let text: String = lines.iter().zip(&rubbish).map(|(line, rubbish)| format!("{rubbish}\n{line}")).collect();
            prop_assert_eq!(done(&text), [(0, 10), (20, 29)]);
        }
    }
}
