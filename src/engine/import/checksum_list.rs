// SPDX-License-Identifier: GPL-3.0-or-later
//! Lists of checksums as they lie beside files: `FILE.sha256`, `SHA256SUMS`, `MD5SUMS`; in the form
//! of coreutils, of BSD and OpenSSL, or a bare digest; signed in the text or not.

use url::Url;

use crate::engine::download::spec::{Algorithm, Checksum};

/// The algorithm of the lists at [`places`].
pub const ALGORITHM: Algorithm = Algorithm::Sha256;

/// Endings of files that are about other files, and that nobody makes checksums of.
const ABOUT_OTHERS: [&str; 9] =
    [".md5", ".sha1", ".sha256", ".sha512", ".asc", ".sig", ".minisig", ".sha256sum", "SUMS"];

/// Where a checksum of a file may be found: `FILE.sha256` beside it, then `SHA256SUMS` in its folder.
/// Nowhere, where the address names no file, or has a query: then its path is not where it lies.
pub fn places(url: &Url) -> Vec<Url> {
    let path = url.path().split(";type=").next().unwrap_or_default();
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    if name.is_empty() || url.query().is_some() || ABOUT_OTHERS.iter().any(|ending| name.ends_with(ending)) {
        return Vec::new();
    }
    let beside = |path: String| {
        let mut place = url.clone();
        place.set_path(&path);
        place.set_fragment(None);
        place
    };
    vec![beside(format!("{folder}/{name}.sha256")), beside(format!("{folder}/SHA256SUMS"))]
}

/// The checksum that a list tells of a file, by the last component of its name: of the strongest
/// algorithm, or of the one that the list is known to be of. `None` also where the list tells two
/// checksums of one algorithm, for it cannot be known which of two files is meant.
pub fn find(text: &str, file_name: &str, algorithm: Option<Algorithm>) -> Option<Checksum> {
    let mut found = Vec::new();
    for checksum in sums_of(text, file_name) {
        if algorithm.is_none_or(|algorithm| algorithm == checksum.algorithm) && !found.contains(&checksum) {
            found.push(checksum);
        }
    }
    let best = Checksum::strongest(found.iter().cloned())?;
    let is_only_one = found.iter().filter(|checksum| checksum.algorithm == best.algorithm).count() == 1;
    is_only_one.then_some(best)
}

/// All checksums that are of this file by name; of several directories those in the list's own count
/// first. A text that is nothing but a digest is of the file that it was found beside.
fn sums_of(text: &str, file_name: &str) -> Vec<Checksum> {
    let lines = content_lines(text);
    if let [line] = lines.as_slice()
        && let Some(checksum) = digest(line)
    {
        return vec![checksum];
    }
    let entries = lines.into_iter().filter_map(entry).collect::<Vec<_>>();
    let of = |is_same: &dyn Fn(&str) -> bool| {
        let same = entries.iter().filter(|(name, _)| is_same(name));
        same.map(|(_, checksum)| checksum.clone()).collect::<Vec<_>>()
    };
    let here = of(&|name| name.strip_prefix("./").unwrap_or(name) == file_name);
    if here.is_empty() { of(&|name| name.rsplit('/').next() == Some(file_name)) } else { here }
}

/// The lines that may tell a checksum: without comments, empty lines, and what a signature in the
/// text (RFC 9580 section 7) adds.
fn content_lines(text: &str) -> Vec<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut is_signed = false;
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim_ascii_end).filter(|line| !line.is_empty()) {
        match line {
            "-----BEGIN PGP SIGNED MESSAGE-----" => is_signed = true,
            "-----BEGIN PGP SIGNATURE-----" => break,
            _ if line.starts_with(['#', ';']) || (is_signed && line.starts_with("Hash: ")) => {}
            _ => lines.push(line.strip_prefix("- ").filter(|_| is_signed).unwrap_or(line)),
        }
    }
    lines
}

/// The name and the checksum in a line.
fn entry(line: &str) -> Option<(String, Checksum)> {
    let (line, is_escaped) = line.strip_prefix('\\').map_or((line, false), |line| (line, true));
    let (name, checksum) = tagged(line).or_else(|| untagged(line))?;
    let name = if is_escaped { unescaped(name)? } else { name.to_owned() };
    Some((name, checksum))
}

/// `SHA256 (name) = digest` of BSD, `SHA2-256(name)= digest` of OpenSSL.
fn tagged(line: &str) -> Option<(&str, Checksum)> {
    let (algorithm, rest) = line.split_once('(')?;
    let (name, hex) = rest.rsplit_once(')')?;
    let hex = hex.trim().strip_prefix('=')?;
    let algorithm = algorithm.trim().to_ascii_lowercase().replace("sha2-", "sha");
    Some((name, format!("{algorithm}:{hex}").parse().ok()?))
}

/// `digest  name`, `digest *name`. The algorithm follows from the length of the digest.
fn untagged(line: &str) -> Option<(&str, Checksum)> {
    let (hex, name) = line.trim_ascii_start().split_once([' ', '\t'])?;
    // Behind the space that ends the digest stands what tells text from binary, then the name.
    let name = name.strip_prefix([' ', '*']).unwrap_or(name);
    Some((name, digest(hex)?))
}

fn digest(hex: &str) -> Option<Checksum> {
    let hex = hex.trim();
    let algorithms = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
    let algorithm = algorithms.into_iter().find(|algorithm| algorithm.digits() == hex.len())?;
    format!("{}:{hex}", algorithm.name()).parse().ok()
}

/// Undoes what coreutils do to names with a line break or a backslash in them.
fn unescaped(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(c) = characters.next() {
        plain.push(match c {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";
    const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const OTHER: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[track_caller]
    fn expect(text: &str, name: &str, wanted: &str) {
        let found = find(text, name, None).map(|checksum| checksum.to_string());
        assert_eq!(found.as_deref(), Some(wanted), "{text:?}");
    }

    #[track_caller]
    fn expect_none(text: &str, name: &str) {
        assert_eq!(find(text, name, None), None, "{text:?}");
    }

    #[test]
    fn the_forms_of_a_line() {
        let sha256 = format!("sha256:{SHA256}");
        for line in [
            format!("{SHA256}  f.iso"),
            format!("{SHA256} *f.iso"),
            format!("{SHA256} f.iso"),
            format!("{SHA256}\tf.iso"),
            format!("{}  ./f.iso\r", SHA256.to_uppercase()),
            format!("{SHA256}  build/out/f.iso"),
            format!("SHA256 (f.iso) = {SHA256}"),
            format!("SHA256(f.iso)= {SHA256}"),
            format!("SHA2-256(./f.iso)= {SHA256}"),
            format!("sha-256 (f.iso) = {SHA256}"),
        ] {
            let text = format!("# a comment\n{OTHER}  g.iso\n\n{line}\n{OTHER}  f.iso.asc\n");
            expect(&text, "f.iso", &sha256);
            expect(&format!("\u{feff}{line}"), "f.iso", &sha256);
            expect_none(&text, "f");
        }
        expect(&format!("{MD5}  f\n"), "f", &format!("md5:{MD5}"));
        expect(&format!("{SHA1}  f\n"), "f", &format!("sha1:{SHA1}"));
        let long = OTHER.repeat(2);
        expect(&format!("{long}  f\n"), "f", &format!("sha512:{long}"));
    }

    #[test]
    fn names_of_every_kind() {
        let sha256 = format!("sha256:{SHA256}");
        expect(&format!("{SHA256}  two words  .txt\n"), "two words  .txt", &sha256);
        expect(&format!("{SHA256}   f\n"), " f", &sha256);
        expect(&format!("{SHA256}  *f\n"), "*f", &sha256);
        expect(&format!("SHA256 (a (1) = b) = {SHA256}\n"), "a (1) = b", &sha256);
        expect(&format!("\\{SHA256}  a\\nb\\\\c\\r\n"), "a\nb\\c\r", &sha256);
        expect(&format!("\\SHA256 (a\\\\b) = {SHA256}\n"), "a\\b", &sha256);
        expect(&format!("{SHA256}  a\\nb\n"), "a\\nb", &sha256);
        expect_none(&format!("\\{SHA256}  a\\b\n"), "a\\b");
    }

    #[test]
    fn a_bare_digest_is_of_any_file() {
        expect(SHA256, "f", &format!("sha256:{SHA256}"));
        expect(&format!("# sum\n {SHA256} \r\n\n"), "f", &format!("sha256:{SHA256}"));
        expect_none(&format!("{SHA256}\n{SHA256}\n"), "f");
        for odd in ["", "abc", &SHA256[1..], &format!("{SHA256}0"), &SHA256.replace('e', "g")] {
            expect_none(odd, "f");
        }
    }

    #[test]
    fn a_signature_in_the_text_is_passed_over() {
        let text = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- - a dash\n- {SHA256}  f\n{OTHER}  g\n\
             -----BEGIN PGP SIGNATURE-----\n\n{OTHER}  f\n-----END PGP SIGNATURE-----\n"
        );
        expect(&text, "f", &format!("sha256:{SHA256}"));
        expect(&text, "g", &format!("sha256:{OTHER}"));
        let bare = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{SHA256}\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"
        );
        expect(&bare, "f", &format!("sha256:{SHA256}"));
    }

    #[test]
    fn the_strongest_counts_unless_one_is_asked_for() {
        let text = format!("MD5 (f) = {MD5}\nSHA256 (f) = {SHA256}\nSHA1 (f) = {SHA1}\n");
        expect(&text, "f", &format!("sha256:{SHA256}"));
        assert_eq!(find(&text, "f", Some(Algorithm::Sha1)).unwrap().hex, SHA1);
        assert_eq!(find(&text, "f", Some(Algorithm::Sha512)), None);
        // Of an algorithm whose digests are as long.
        expect_none(&format!("SHA3-256(f)= {SHA256}\nBLAKE2s256 (f) = {SHA256}\nSHA256 (f) = {MD5}"), "f");
    }

    #[test]
    fn two_files_of_one_name_are_told_apart_or_left() {
        let here = format!("{OTHER}  arm/f\n{SHA256}  ./f\n{OTHER}  amd/f\n");
        expect(&here, "f", &format!("sha256:{SHA256}"));
        expect_none(&format!("{OTHER}  arm/f\n{SHA256}  amd/f\n"), "f");
        expect(&format!("{SHA256}  arm/f\n{SHA256}  amd/f\n"), "f", &format!("sha256:{SHA256}"));
        expect_none(&format!("{OTHER}  f\n{SHA256}  f\n"), "f");
    }

    #[test]
    fn places_lie_beside_the_file() {
        let of = |url: &str| places(&url.parse().unwrap()).into_iter().map(String::from).collect::<Vec<_>>();
        assert_eq!(
            of("https://ann@h:1/a/b%20c.iso#x"),
            ["https://ann@h:1/a/b%20c.iso.sha256", "https://ann@h:1/a/SHA256SUMS"]
        );
        assert_eq!(of("ftp://h/f;type=i"), ["ftp://h/f.sha256", "ftp://h/SHA256SUMS"]);
        for nowhere in ["https://h/", "https://h/a/", "https://h/get?f=x", "https://h/f.sha256", "https://h/SHA512SUMS"]
        {
            assert_eq!(of(nowhere), Vec::<String>::new(), "{nowhere}");
        }
    }

    proptest! {
        #[test]
        fn what_coreutils_would_write_is_found(
            names in proptest::collection::vec("[ -.0-~ä\n\r\\\\]{0,8}[a-z]", 1..5),
            digits in "[0-9a-f]{64}", is_binary: bool, is_tagged: bool,
        ) {
            let mut text = String::new();
            for (index, name) in names.iter().enumerate() {
                let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
                let mark = if escaped == *name { "" } else { "\\" };
                let digest = format!("{}{index}", &digits[1..]);
                text += &match (is_tagged, is_binary) {
                    (true, _) => format!("{mark}SHA256 ({escaped}) = {digest}\n"),
                    (false, true) => format!("{mark}{digest} *{escaped}\n"),
                    (false, false) => format!("{mark}{digest}  {escaped}\n"),
                };
            }
            for (index, name) in names.iter().enumerate() {
                if names.iter().filter(|other| *other == name).count() == 1 {
                    let found = find(&text, name, None).map(|checksum| checksum.hex);
                    prop_assert_eq!(found, Some(format!("{}{index}", &digits[1..])), "{}", text);
                }
            }
        }

        #[test]
        fn nothing_panics(text: String, odd in "([0-9a-f]{32}|MD5|[ ()=*\\\\/\n#-]|f|PGP){0,20}", name in "f|\\PC{0,3}") {
            for text in [text, odd] {
                let found = find(&text, &name, None);
                prop_assert!(found.is_none_or(|checksum| checksum.to_string().parse() == Ok(checksum)));
            }
        }

        #[test]
        fn places_are_on_the_same_host(path in "[a-z%./;=?#]{0,20}") {
            let url = Url::parse(&format!("https://example.org/{path}")).unwrap();
            prop_assert!(places(&url).iter().all(|place| place.origin() == url.origin() && place.query().is_none()));
        }
    }
}
