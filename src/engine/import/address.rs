// SPDX-License-Identifier: GPL-3.0-or-later
//! Single addresses: what a person typed or a program dropped.

use url::Url;

use crate::engine::error::Failure;

/// The schemes that Freshet downloads from.
pub const SCHEMES: [&str; 5] = ["http", "https", "ftp", "ftps", "sftp"];

/// Reads one address. White space around it is dropped; without a scheme `https://` is tried where
/// the text looks like a host (`example.org/file`); anything else is `InvalidAddress`, a scheme
/// that is not one of [`SCHEMES`] is `UnsupportedScheme`. The detail says what was wrong.
pub fn parse(text: &str) -> Result<Url, Failure> {
    let _ = text;
    Err(Failure::new(crate::engine::error::FailureKind::InvalidAddress, ""))
}

/// Every address in a text of any kind (a dropped paragraph, `text/uri-list` with its comments, a
/// mail), in order, without repetition. Punctuation that belongs to the sentence is not taken.
pub fn find_all(text: &str) -> Vec<Url> {
    let _ = text;
    Vec::new()
}
