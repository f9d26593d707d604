// SPDX-License-Identifier: GPL-3.0-or-later
//! Undoes the content codings gzip and deflate (RFC 9110 section 8.4.1). Not by libcurl's own decoder:
//! that calls a stream whole which has no end, and an HTTP/1.0 body that is cut has no other sign.

use gio::prelude::*;
use gio::{ConverterFlags, ConverterResult, ZlibCompressorFormat, ZlibDecompressor};

use super::headers::Fields;
use super::sink::Took;
use crate::engine::error::{Failure, FailureKind};

/// What is asked for where decoding is wanted: all that [`Decoder`] can undo.
pub const ACCEPTED: &str = "gzip, deflate";

/// The most that is decoded at a time, however small the input.
const PIECE: usize = 16 * 1024;

/// The content codings of a body in the order they were applied, in lower case, without `identity`.
pub fn codings(fields: &Fields) -> Vec<String> {
    fields
        .all("content-encoding")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|coding| String::from_utf8_lossy(coding.trim_ascii()).to_ascii_lowercase())
        .filter(|coding| !matches!(coding.as_str(), "" | "identity"))
        .collect()
}

/// A body on its way from its coding to the sink.
#[derive(Debug)]
pub struct Decoder {
    coding: String,
    /// Made from the first bytes: deflate comes in two formats.
    stream: Option<ZlibDecompressor>,
    is_over: bool,
    /// How much of the bytes offered last is decoded already; they are offered again when the sink
    /// could not take all.
    eaten: usize,
    /// Decoded, and not taken yet.
    made: Vec<u8>,
    /// The stream may hold more than there was room for.
    is_full: bool,
}

impl Decoder {
    /// # Errors
    /// `UninvitedEncoding` where one of the codings is unknown, or there are several.
    pub fn new(codings: &[String]) -> Result<Self, Failure> {
        match codings {
            [coding] if matches!(coding.as_str(), "gzip" | "x-gzip" | "deflate") => Ok(Self {
                coding: coding.clone(),
                stream: None,
                is_over: false,
                eaten: 0,
                made: Vec::new(),
                is_full: false,
            }),
            others => {
                let detail = format!("Content-Encoding: {}, which cannot be undone", others.join(", "));
                Err(Failure::new(FailureKind::UninvitedEncoding, detail))
            }
        }
    }

    /// Decodes bytes piece by piece. When a piece is not taken, the reason is returned, and the same
    /// bytes have to be offered again, alone or with more behind them.
    ///
    /// # Errors
    /// `Protocol` when they are not of the coding.
    pub fn pass(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8]) -> Took) -> Result<Took, Failure> {
        loop {
            if !self.made.is_empty() {
                match take(&self.made) {
                    Took::All => self.made.clear(),
                    other => return Ok(other),
                }
            }
            let rest = bytes.get(self.eaten..).unwrap_or_default();
            if rest.is_empty() && !self.is_full {
                self.eaten = 0;
                return Ok(Took::All);
            }
            self.convert(rest)?;
        }
    }

    fn convert(&mut self, rest: &[u8]) -> Result<(), Failure> {
        if self.is_over {
            // A gzip file may have several members (RFC 1952 section 2.2).
            if self.coding == "deflate" || rest.first() != Some(&0x1f) {
                return Err(self.damaged("there is more behind its end"));
            }
            self.is_over = false;
            if let Some(stream) = &self.stream {
                stream.reset();
            }
        }
        let format = format(&self.coding, rest);
        let stream = self.stream.get_or_insert_with(|| ZlibDecompressor::new(format));
        let flags = if rest.is_empty() { ConverterFlags::FLUSH } else { ConverterFlags::NONE };
        let mut piece = vec![0; PIECE];
        match stream.convert(rest, &mut piece, flags) {
            Ok((result, eaten, made)) => {
                self.eaten += eaten;
                self.is_over = result == ConverterResult::Finished;
                self.is_full = made == PIECE && !self.is_over;
                piece.truncate(made);
                self.made = piece;
                Ok(())
            }
            Err(error) => Err(self.damaged(error.message())),
        }
    }

    /// Whether the body was whole.
    ///
    /// # Errors
    /// `EndedEarly` when its end is missing.
    pub fn check_end(&self) -> Result<(), Failure> {
        if self.is_over || self.stream.is_none() {
            return Ok(());
        }
        Err(Failure::new(FailureKind::EndedEarly, format!("the {} body has no end", self.coding)))
    }

    fn damaged(&self, why: &str) -> Failure {
        Failure::new(FailureKind::Protocol, format!("the {} body is damaged: {why}", self.coding))
    }
}

/// Many servers send deflate without the zlib format's head (RFC 1950) that belongs around it.
fn format(coding: &str, bytes: &[u8]) -> ZlibCompressorFormat {
    let is_zlib = match bytes {
        [method, flags, ..] => method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31),
        _ => true,
    };
    match coding {
        "deflate" if is_zlib => ZlibCompressorFormat::Zlib,
        "deflate" => ZlibCompressorFormat::Raw,
        _ => ZlibCompressorFormat::Gzip,
    }
}

#[cfg(test)]
mod tests {
    use gio::ZlibCompressor;
    use proptest::prelude::*;

    use super::*;

    fn encoded(format: ZlibCompressorFormat, bytes: &[u8]) -> Vec<u8> {
        let compressor = ZlibCompressor::new(format, -1);
        let mut out = vec![0; bytes.len() + 1000];
        let (result, read, written) = compressor.convert(bytes, &mut out, ConverterFlags::INPUT_AT_END).unwrap();
        assert_eq!((result, read), (ConverterResult::Finished, bytes.len()));
        out.truncate(written);
        out
    }

    fn decoder(coding: &str) -> Decoder {
        Decoder::new(&[coding.to_owned()]).unwrap()
    }

    fn decoded(coding: &str, encoded: &[u8]) -> Result<Vec<u8>, FailureKind> {
        let (mut decoder, mut all) = (decoder(coding), Vec::new());
        let keep = |piece: &[u8]| {
            all.extend_from_slice(piece);
            Took::All
        };
        decoder.pass(encoded, keep).and_then(|_| decoder.check_end()).map(|()| all).map_err(|failure| failure.kind)
    }

    #[test]
    fn codings_are_read_from_all_fields() {
        let fields = ["identity", "GZIP , br", ""].map(|value| ("content-encoding", value));
        assert_eq!(codings(&fields.into_iter().collect()), ["gzip", "br"]);
        assert!(Decoder::new(&["gzip".to_owned(), "gzip".to_owned()]).is_err());
        assert!(Decoder::new(&["br".to_owned()]).is_err());
    }

    #[test]
    fn deflate_is_read_in_both_formats() {
        for format in [ZlibCompressorFormat::Zlib, ZlibCompressorFormat::Raw] {
            assert_eq!(decoded("deflate", &encoded(format, b"hello hello hello")).unwrap(), b"hello hello hello");
        }
    }

    #[test]
    fn a_stream_of_several_members_is_one_body() {
        let member = |bytes: &[u8]| encoded(ZlibCompressorFormat::Gzip, bytes);
        assert_eq!(decoded("gzip", &[member(b"one "), member(b""), member(b"two")].concat()).unwrap(), b"one two");
        assert_eq!(decoded("gzip", &[&*member(b"one"), b"more"].concat()), Err(FailureKind::Protocol));
        assert_eq!(decoded("gzip", b"").unwrap(), b"");
    }

    #[test]
    fn a_stream_that_expands_a_thousandfold_comes_in_pieces() {
        let (mut decoder, mut all) = (decoder("gzip"), 0);
        let take = |piece: &[u8]| {
            assert!(piece.len() <= PIECE);
            all += piece.len();
            Took::All
        };
        decoder.pass(&encoded(ZlibCompressorFormat::Gzip, &vec![0; 5_000_000]), take).unwrap();
        decoder.check_end().unwrap();
        assert_eq!(all, 5_000_000);
    }

    proptest! {
        #[test]
        fn no_cut_and_no_changed_sum_goes_unnoticed(bytes in proptest::collection::vec(any::<u8>(), 0..2000), at: prop::sample::Index) {
            let mut whole = encoded(ZlibCompressorFormat::Gzip, &bytes);
            let cut = at.index(whole.len() - 1) + 1;
            prop_assert!(decoded("gzip", &whole[..cut]).is_err() || cut == whole.len());
            let sum = whole.len() - 1 - at.index(8);
            whole[sum] ^= 1;
            prop_assert!(decoded("gzip", &whole).is_err());
        }

        /// However the bytes are cut, however often the sink refuses.
        #[test]
        fn what_is_refused_is_offered_again(
            bytes in proptest::collection::vec(0_u8..3, 0..100_000),
            cut in 1_usize..5000,
            refuse_each in 2_usize..5,
        ) {
            let whole = encoded(ZlibCompressorFormat::Gzip, &bytes);
            let (mut decoder, mut all, mut offers) = (decoder("gzip"), Vec::new(), 0);
            for piece in whole.chunks(cut) {
                loop {
                    let took = decoder.pass(piece, |made| {
                        offers += 1;
                        if offers % refuse_each == 0 {
                            return Took::NoRoom;
                        }
                        all.extend_from_slice(made);
                        Took::All
                    });
                    if took.unwrap() == Took::All {
                        break;
                    }
                }
            }
            decoder.check_end().unwrap();
            prop_assert_eq!(all, bytes);
        }
    }
}
