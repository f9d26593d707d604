// SPDX-License-Identifier: GPL-3.0-or-later
//! Digests in header fields: Repr-Digest and Content-Digest (RFC 9530), and what came before them,
//! Digest (RFC 3230) and Content-MD5 (RFC 1864). One that is damaged counts as absent, and all that
//! its field says with it.

use super::encoding::base64;
use super::{Fields, joined};
use crate::engine::download::spec::{Algorithm, Checksum};

/// See [`super::representation_digests`].
pub fn of_representation(fields: &Fields) -> Vec<Checksum> {
    let newer = joined(fields, "repr-digest").and_then(|value| dictionary(&value));
    let older = joined(fields, "digest").and_then(|value| instance_digests(&value));
    without_repetition(newer.into_iter().chain(older).flatten())
}

/// See [`super::content_digests`].
pub fn of_content(fields: &Fields) -> Vec<Checksum> {
    let newer = joined(fields, "content-digest").and_then(|value| dictionary(&value));
    let older = joined(fields, "content-md5").and_then(|value| checksum(Algorithm::Md5, value.trim()));
    without_repetition(newer.into_iter().flatten().chain(older))
}

fn without_repetition(checksums: impl Iterator<Item = Checksum>) -> Vec<Checksum> {
    let mut each_once = Vec::new();
    for checksum in checksums {
        if !each_once.contains(&checksum) {
            each_once.push(checksum);
        }
    }
    each_once
}

/// A dictionary of byte sequences (RFC 9651 sections 3.2 and 3.3.5), `sha-256=:base64:, ...`. Members of
/// unknown algorithms may be anything that holds no comma; of two of one algorithm the last counts.
fn dictionary(value: &str) -> Option<Vec<Checksum>> {
    let mut checksums: Vec<Checksum> = Vec::new();
    for member in value.split(',') {
        let (key, value) = member.split_once('=').unwrap_or((member, ""));
        let Some(algorithm) = algorithm(key.trim_matches([' ', '\t'])) else { continue };
        let sequence = value.split(';').next().unwrap_or_default().trim_ascii_end();
        let checksum = checksum(algorithm, sequence.strip_prefix(':')?.strip_suffix(':')?)?;
        checksums.retain(|before| before.algorithm != algorithm);
        checksums.push(checksum);
    }
    Some(checksums)
}

/// `SHA-256=base64,MD5=base64` (RFC 3230 section 4.3.2).
fn instance_digests(value: &str) -> Option<Vec<Checksum>> {
    let members = value.split(',').filter_map(|member| {
        let (name, base64) = member.trim().split_once('=')?;
        Some(checksum(algorithm(&name.to_ascii_lowercase())?, base64))
    });
    members.collect()
}

/// The names in the registries of both RFCs, in lower case.
fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "md5" => Some(Algorithm::Md5),
        "sha" => Some(Algorithm::Sha1),
        "sha-256" => Some(Algorithm::Sha256),
        "sha-512" => Some(Algorithm::Sha512),
        _ => None,
    }
}

fn checksum(algorithm: Algorithm, text: &str) -> Option<Checksum> {
    let hex: String = base64(text)?.iter().map(|byte| format!("{byte:02x}")).collect();
    (hex.len() == algorithm.digits()).then_some(Checksum { algorithm, hex })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Of `{"hello": "world"}` and a line break, as in RFC 9530 appendix B.
    const SHA256: &str = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";
    const SHA256_HEX: &str = "sha256:44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38";
    // Of nothing.
    const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
    const MD5_HEX: &str = "md5:d41d8cd98f00b204e9800998ecf8427e";
    const SHA1: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    const SHA1_HEX: &str = "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709";

    fn fields(list: &[(&str, &str)]) -> Fields {
        list.iter().copied().collect()
    }

    fn words(checksums: &[Checksum]) -> Vec<String> {
        checksums.iter().map(ToString::to_string).collect()
    }

    fn representation(list: &[(&str, &str)]) -> Vec<String> {
        words(&of_representation(&fields(list)))
    }

    fn content(list: &[(&str, &str)]) -> Vec<String> {
        words(&of_content(&fields(list)))
    }

    #[test]
    fn digests_of_the_representation() {
        let newer = format!("sha-256=:{SHA256}:");
        assert_eq!(representation(&[("repr-digest", &newer)]), [SHA256_HEX]);
        let several = format!("unixsum=1;a=\"b\", sha=:{SHA1}: ,crc32c , {newer};x=1");
        assert_eq!(representation(&[("repr-digest", &several)]), [SHA1_HEX, SHA256_HEX]);
        let md5 = format!("md5=:{MD5}:");
        assert_eq!(representation(&[("repr-digest", &newer), ("x", ""), ("repr-digest", &md5)]), [SHA256_HEX, MD5_HEX]);
        let older = format!("SHA-256={SHA256},UNIXsum=30637, md5={MD5},sha={SHA1}");
        assert_eq!(representation(&[("digest", &older)]), [SHA256_HEX, MD5_HEX, SHA1_HEX]);
        assert_eq!(representation(&[("digest", &older), ("repr-digest", &newer)]), [SHA256_HEX, MD5_HEX, SHA1_HEX]);
        assert!(representation(&[("content-digest", &newer), ("content-md5", MD5)]).is_empty());
    }

    #[test]
    fn digests_of_the_body() {
        let newer = format!("sha-256=:{SHA256}:");
        assert_eq!(content(&[("content-digest", &newer), ("content-md5", MD5)]), [SHA256_HEX, MD5_HEX]);
        assert_eq!(content(&[("content-md5", &format!(" {MD5} "))]), [MD5_HEX]);
        assert!(content(&[("repr-digest", &newer), ("digest", &format!("MD5={MD5}"))]).is_empty());
        assert!(content(&[("content-md5", SHA1)]).is_empty());
        // Two that differ are none.
        assert!(content(&[("content-md5", MD5), ("content-md5", MD5)]).is_empty());
    }

    #[test]
    fn the_last_of_one_algorithm_counts() {
        let two = format!("sha-256=:{}:,sha-256=:{SHA256}:", "A".repeat(43));
        assert_eq!(representation(&[("repr-digest", &two)]), [SHA256_HEX]);
    }

    #[test]
    fn a_damaged_digest_takes_its_field_with_it() {
        for odd in ["sha-256", "sha-256=", "sha-256=::", "sha-256=:abc", "sha-256=\"abc\"", "sha-256=:####:", "md5=1"] {
            assert!(representation(&[("repr-digest", &format!("{odd}, sha=:{SHA1}:"))]).is_empty(), "{odd}");
        }
        for odd in [format!("sha-256={SHA256}"), format!("sha-256=:{SHA256}"), format!("sha-256=\"{SHA256}\"")] {
            assert!(representation(&[("repr-digest", &odd)]).is_empty(), "{odd}");
        }
        let short = format!("sha-512=:{SHA256}:");
        assert!(representation(&[("repr-digest", &short)]).is_empty());
        assert!(representation(&[("repr-digest", &format!("SHA-256=:{SHA256}:"))]).is_empty(), "keys are lower case");
        assert!(representation(&[("digest", &format!("md5=abc,sha={SHA1}"))]).is_empty());
        assert!(representation(&[("digest", "")]).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read(md5: [u8; 16], sha256: [u8; 32], sha512: [u8; 32]) {
            let sha512 = [sha512, sha256].concat();
            let encoded = |bytes: &[u8]| glib::base64_encode(bytes);
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let wanted = [
                format!("md5:{}", hex(&md5)), format!("sha256:{}", hex(&sha256)), format!("sha512:{}", hex(&sha512)),
            ];
            let (md5, sha256, sha512) = (encoded(&md5), encoded(&sha256), encoded(&sha512));
            let newer = format!("md5=:{md5}:, sha-256=:{sha256}:,\tsha-512=:{sha512}:");
            prop_assert_eq!(representation(&[("repr-digest", &newer)]), &wanted);
            let older = format!("md5={md5}, SHA-256={sha256},sha-512={sha512}");
            prop_assert_eq!(representation(&[("digest", &older)]), &wanted);
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>, odd in "(sha(-256|-512)?|md5|=|:|,|;|\"|[A-Za-z0-9+/=]{22,44}| ){0,12}") {
            for value in [bytes, odd.into_bytes()] {
                for name in ["repr-digest", "content-digest", "digest", "content-md5"] {
                    let fields = Fields::from_iter([(name, &value), (name, &value)]);
                    for checksum in of_representation(&fields).into_iter().chain(of_content(&fields)) {
                        prop_assert_eq!(checksum.to_string().parse(), Ok(checksum));
                    }
                }
            }
        }
    }
}
