// SPDX-License-Identifier: GPL-3.0-or-later
//! The resume record beside a part file, `NAME.part.journal`: what of it is durable and how to
//! prove that the server still has the same file.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::engine::download::spec::Checksum;
use crate::engine::net::headers::Validator;
use crate::engine::types::ByteRange;

/// What a journal says. Holds no credentials (a password in the address is stripped).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    pub url: Url,
    #[serde(default)]
    pub mirrors: Vec<Url>,
    /// The file's name when complete.
    pub name: String,
    pub total: Option<u64>,
    pub validator: Option<Validator>,
    pub modified: Option<SystemTime>,
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// Sorted, not touching, not empty.
    pub done: Vec<ByteRange>,
}
