// SPDX-License-Identifier: GPL-3.0-or-later
//! What metalinks of both versions say, and what is refused.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";
const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn version_4(inside: &str) -> String {
    format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">{inside}</metalink>")
}

fn one(text: &str) -> File {
    let mut files = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(files.len(), 1, "{text}");
    files.remove(0)
}

/// The one file of a version 4 metalink with these elements.
fn file(inside: &str) -> File {
    one(&version_4(&format!("<file name=\"f\">{inside}</file>")))
}

fn urls(file: &File) -> Vec<&str> {
    file.urls.iter().map(Url::as_str).collect()
}

#[track_caller]
fn problem(text: &str) -> String {
    parse(text.as_bytes()).expect_err(text).problem
}

#[test]
fn a_metalink_of_version_4() {
    // After the example of RFC 5854 section 1.1.
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <published>2009-05-15T12:23:23Z</published>
  <file name="example.ext">
    <size>14471447</size>
    <identity>Example</identity>
    <version>1.0</version>
    <language>en</language>
    <description>A description of the example file &amp; more.</description>
    <publisher name="Example &#60;Inc&#x3E;" url="http://example.com/"/>
    <hash type="sha-256">{SHA256}</hash>
    <hash type="MD5"> {upper} </hash>
    <hash type="whirlpool">abc</hash>
    <url location="de" priority="2">ftp://ftp.example.com/example.ext</url>
    <url>http://last.example/example.ext</url>
    <url location="fr" priority="1">http://example.com/example.ext?a=1&amp;b=2</url>
    <metaurl mediatype="torrent" priority="1">http://example.com/example.ext.torrent</metaurl>
  </file>
  <file name="docs/second"><url><![CDATA[https://example.com/2]]></url></file>
</metalink>
"#,
        upper = MD5.to_uppercase()
    );
    let files = parse(text.as_bytes()).unwrap();
    assert_eq!(files.len(), 2);
    let first = &files[0];
    assert_eq!((first.line, first.name.as_str(), first.size), (4, "example.ext", Some(14_471_447)));
    assert_eq!(first.description.as_deref(), Some("A description of the example file & more."));
    assert_eq!(first.publisher.as_deref(), Some("Example <Inc>"));
    let sums: Vec<_> = first.checksums.iter().map(ToString::to_string).collect();
    assert_eq!(sums, [format!("sha256:{SHA256}"), format!("md5:{MD5}")]);
    assert_eq!(
        urls(first),
        [
            "http://example.com/example.ext?a=1&b=2",
            "ftp://ftp.example.com/example.ext",
            "http://last.example/example.ext"
        ]
    );
    assert_eq!((files[1].line, files[1].name.as_str()), (19, "docs/second"));
    assert_eq!(urls(&files[1]), ["https://example.com/2"]);
}

#[test]
fn a_metalink_of_version_3() {
    let text = format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" type="dynamic" origin="http://example.com/f.metalink">
  <publisher><name>Not the file's</name></publisher>
  <files>
    <file name="f.iso">
      <publisher><name>Example</name><url>http://example.com/not-the-file</url></publisher>
      <size>25</size>
      <verification>
        <hash type="sha1">{SHA1}</hash>
        <signature type="pgp" file="f.iso.asc">-----BEGIN PGP SIGNATURE-----</signature>
        <pieces length="10" type="sha1">
          <hash piece="0">{SHA1}</hash><hash piece="2">{two}</hash><hash piece="1">{one}</hash>
        </pieces>
      </verification>
      <resources maxconnections="2">
        <url type="ftp" preference="90">ftp://b.example/f.iso</url>
        <url type="bittorrent" preference="100">http://c.example/f.iso.torrent</url>
        <url type="http" location="se" preference="100">http://a.example/f.iso</url>
        <url type="http">http://d.example/f.iso</url>
      </resources>
    </file>
  </files>
</metalink>"#,
        one = "1".repeat(40),
        two = "2".repeat(40),
    );
    let file = one(&text);
    assert_eq!((file.name.as_str(), file.size, file.publisher.as_deref()), ("f.iso", Some(25), Some("Example")));
    assert_eq!(file.checksums, [format!("sha1:{SHA1}").parse().unwrap()]);
    assert_eq!(urls(&file), ["http://a.example/f.iso", "ftp://b.example/f.iso", "http://d.example/f.iso"]);
    let pieces = file.pieces.unwrap();
    assert_eq!((pieces.algorithm, pieces.length), (Algorithm::Sha1, 10));
    assert_eq!(pieces.hashes, [SHA1.to_owned(), "1".repeat(40), "2".repeat(40)]);
}

#[test]
fn only_pieces_that_fit_count_and_the_strongest_of_them() {
    let pieces = |kind: &str, length: &str, hash: &str, count: usize| {
        format!("<pieces length=\"{length}\" type=\"{kind}\">{}</pieces>", format!("<hash>{hash}</hash>").repeat(count))
    };
    let size = "<size>25</size>";
    let found = |inside: &str| file(inside).pieces.map(|pieces| (pieces.algorithm, pieces.hashes.len()));
    let (weak, strong) = (pieces("sha-1", "10", SHA1, 3), pieces("sha-256", "5", SHA256, 5));
    assert_eq!(found(&format!("{weak}{size}")), Some((Algorithm::Sha1, 3)));
    assert_eq!(found(&format!("{strong}{size}{weak}")), Some((Algorithm::Sha256, 5)));
    // Without a size it is for the server to tell whether they fit.
    assert_eq!(found(&weak), Some((Algorithm::Sha1, 3)));
    for odd in [
        pieces("sha-1", "10", SHA1, 2),
        pieces("sha-1", "10", SHA1, 4),
        pieces("sha-1", "10", MD5, 3),
        pieces("sha-1", "0", SHA1, 3),
        pieces("sha-1", "", SHA1, 3),
        pieces("crc32", "10", SHA1, 3),
        pieces("sha-1", "10", "", 3),
        weak.replace("<hash>", "<hash piece=\"1\">"),
        weak.replace("<hash>", "<hash piece=\"x\">"),
        weak.replace("length", "size"),
        "<pieces length=\"10\" type=\"sha-1\"/>".to_owned(),
    ] {
        assert_eq!(found(&format!("{odd}{size}")), None, "{odd}");
    }
}

#[test]
fn only_addresses_that_can_be_fetched_count_each_once() {
    let file = file(
        "<url priority='9'>http://a.example/</url><url priority='0'>http://z.example/</url>\
         <url priority='x'>http://y.example/</url><url priority='2'>magnet:?xt=x</url><url>/relative</url>\
         <url>example.org/f</url><url priority='1'>HTTP://A.example</url><url/>\
         <url>file:///etc/passwd</url><url>http://b.example/ c</url>",
    );
    assert_eq!(urls(&file), ["http://a.example/", "http://z.example/", "http://y.example/"]);
}

#[test]
fn what_belongs_to_others_is_passed_over() {
    let text = format!(
        "<?xml version='1.0'?><!DOCTYPE metalink [<!ENTITY a 'b'>]><!-- <file> -->\
         <m:metalink xmlns:m='urn:ietf:params:xml:ns:metalink' xmlns:x='urn:x'><?pi <file>?>\
         <x:file name='no'/><m:file x:name='no' name='yes'><x:size>1</x:size><m:size>2<x:u>3</x:u></m:size>\
         <m:other><m:url>http://no.example/</m:url></m:other><m:url>http://yes.<!-- no -->example/</m:url>\
         <x:hash type='md5'>{MD5}</x:hash></m:file></m:metalink>"
    );
    let file = one(&text);
    assert_eq!((file.name.as_str(), file.size, file.checksums.len()), ("yes", Some(2), 0));
    assert_eq!(urls(&file), ["http://yes.example/"]);
    // One that forgets its namespace is read all the same.
    assert_eq!(one("\u{feff}\n<metalink><file name=\"f\"/></metalink>").name, "f");
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    for name in
        ["", " ", "/etc/passwd", "../f", "a/../../f", "a/..", "..", "..\\f", "\\\\host\\f", "a&#10;b", "a&#x7f;"]
    {
        let text = version_4(&format!("<file name=\"{name}\"><url>http://h/</url></file>"));
        assert!(problem(&text).contains("cannot be the name"), "{name}");
    }
    assert_eq!(one(&version_4("<file name=\"a/..b/c..\"/>")).name, "a/..b/c..");
}

#[test]
fn errors_tell_the_place_and_the_cause() {
    let wrong = |inside: &str| problem(&version_4(&format!("<file name='f'>{inside}</file>")));
    assert!(wrong("<size>ten</size>").contains("“ten” is not a number of bytes"));
    assert!(wrong("<size>+1</size>").contains("not a number"));
    assert!(wrong("<size>18446744073709551616</size>").contains("not a number"));
    assert!(wrong("<size>1</size><size>2</size>").contains("1 bytes and 2"));
    assert!(wrong("<hash type='sha-256'>abc</hash>").contains("64 hexadecimal digits, not 3"));
    assert!(wrong("<description>&unknown;</description>").contains("“unknown” is not known"));
    assert!(wrong("<description>&#0;</description>").contains("character"));
    assert!(wrong("<size>1</url>").contains("size"));
    assert!(problem(&version_4("<file/>")).contains("no name"));
    assert!(problem(&version_4("<file name='a' name2='&x;'/><file name='&x;'/>")).contains('x'));
    assert!(problem("<html><body/></html>").contains("it begins with <html>"));
    assert!(problem("<metalink><file name='f'>").contains("cut off"));
    assert!(problem("<metalink><files/></metalink>").contains("no file"));
    assert!(problem("").contains("no file"));
    assert!(problem("https://example.org/f").contains("text stands outside"));
    assert!(problem("<metalink><file name='f'").contains("tag"));

    assert!(wrong("<size>\x1b[2J</size>").contains("“\u{fffd}[2J”"));
    assert_eq!(wrong(&format!("<size>{}</size>", "ä".repeat(5_000))).chars().count(), MOST_WORDS);

    let place = |text: &[u8]| parse(text).map_err(|error| (error.line, error.column)).unwrap_err();
    assert_eq!(place("<metalink>\n<file name='ä'><size>ü</size></file></metalink>".as_bytes()), (2, 23));
    assert_eq!(place(b"<metalink>\n<file \xff"), (2, 7));
    let error = parse(b"<a/>").unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: this is no metalink: it begins with <a>");
}

#[test]
fn what_is_too_much_is_refused() {
    assert!(problem(&"<".repeat(MOST_BYTES + 1)).contains("no more than 16777216 bytes"));
    let files = |count: usize| version_4(&"<file name='f'/>".repeat(count));
    assert_eq!(parse(files(MOST_FILES).as_bytes()).map(|files| files.len()), Ok(MOST_FILES));
    assert!(problem(&files(MOST_FILES + 1)).contains("no more than 10000 files"));
    let urls = |count: usize| (0..count).map(|n| format!("<url>http://h/{n}</url>")).collect::<String>();
    assert_eq!(file(&urls(1_000)).urls.len(), 1_000);
    let text = version_4(&format!("<file name='f'>{}</file>", urls(1_001)));
    assert!(problem(&text).contains("no more than 1000 addresses"));
    // Ends, whatever it says.
    for piece in ["<a>", "<a b='c'", "<file name='f' ", "&amp;", "<![CDATA[", "<metalink>", "<a xmlns:b='c'>", "\n"] {
        let _ = parse(format!("<metalink><file name='f'><size>{}", piece.repeat(200_000)).as_bytes());
    }
    let attributes = (0..100_000).map(|n| format!(" a{n}='x'")).collect::<String>();
    assert_eq!(one(&format!("<metalink><file{attributes} name='f'/></metalink>")).name, "f");
}

#[test]
fn what_is_xml_is_told_from_a_list() {
    for xml in ["<metalink>", "\u{feff}\r\n <?xml ?>", "<!-- -->"] {
        assert!(is_xml(xml.as_bytes()), "{xml}");
    }
    for list in ["", "https://example.org/", "# <metalink>", "\u{feff}a"] {
        assert!(!is_xml(list.as_bytes()), "{list}");
    }
}

/// Writes a file as version 4 has it.
fn written(file: &File) -> String {
    let escaped = |text: &str| quick_xml::escape::escape(text).into_owned();
    let mut text = format!("<file name=\"{}\">", escaped(&file.name));
    text.extend(file.size.map(|size| format!("<size>{size}</size>")));
    text.extend(file.description.iter().map(|words| format!("<description>{}</description>", escaped(words))));
    text.extend(file.publisher.iter().map(|words| format!("<publisher name=\"{}\"/>", escaped(words))));
    text.extend(file.checksums.iter().map(|sum| format!("<hash type=\"{}\">{}</hash>", sum.algorithm.name(), sum.hex)));
    if let Some(pieces) = &file.pieces {
        text.push_str(&format!("<pieces length=\"{}\" type=\"{}\">", pieces.length, pieces.algorithm.name()));
        text.extend(pieces.hashes.iter().map(|hash| format!("<hash>{hash}</hash>")));
        text.push_str("</pieces>");
    }
    // The worst first, to see them sorted.
    for (index, url) in file.urls.iter().enumerate().rev() {
        text.push_str(&format!("<url priority=\"{}\">{}</url>", index + 1, escaped(url.as_str())));
    }
    text + "</file>"
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop_oneof![Just(Algorithm::Md5), Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha512)]
}

fn checksum() -> impl Strategy<Value = Checksum> {
    algorithm().prop_flat_map(|algorithm| {
        let hex = proptest::string::string_regex(&format!("[0-9a-f]{{{}}}", algorithm.digits())).unwrap();
        hex.prop_map(move |hex| Checksum { algorithm, hex })
    })
}

fn any_file() -> impl Strategy<Value = File> {
    let words = "[ -~äé€]{0,10}[!-~]";
    let sums = vec(checksum(), 0..3);
    let pieces = option::of((checksum(), 1_u64..9, 1_usize..5));
    let urls = vec("(https?|ftps?)://[a-z]{1,5}/[a-z?&=<']{0,9}", 0..4);
    let name = "[ -.0-\\[\\]-~ä]{0,10}[a-z]";
    (name, any::<bool>(), sums, pieces, urls, option::of(words), option::of(words)).prop_map(
        |(name, is_sized, checksums, pieces, urls, description, publisher)| {
            let pieces = pieces.map(|(sum, length, count)| Pieces {
                algorithm: sum.algorithm,
                length,
                hashes: vec![sum.hex; count],
            });
            let size = pieces.as_ref().map_or(u64::MAX, |pieces| pieces.length * pieces.hashes.len() as u64);
            let mut urls: Vec<Url> = urls.iter().map(|url| url.parse().unwrap()).collect();
            let mut seen = std::collections::HashSet::new();
            urls.retain(|url| seen.insert(url.clone()));
            let trimmed = |words: Option<String>| words.map(|words| words.trim().to_owned());
            File {
                line: 1,
                name,
                size: is_sized.then_some(size),
                checksums,
                pieces,
                urls,
                description: trimmed(description),
                publisher: publisher.map(|words| words.trim().to_owned()),
            }
        },
    )
}

/// What every file that was read obeys.
fn is_sound(file: &File) -> bool {
    let leads_out = file.name.starts_with('/') || file.name.split('/').any(|component| component == "..");
    let pieces = file.pieces.as_ref();
    !file.name.trim().is_empty()
        && !leads_out
        && pieces.is_none_or(|pieces| pieces.check_hashes().is_ok() && !pieces.hashes.is_empty())
        && pieces.zip(file.size).is_none_or(|(pieces, size)| pieces.check(size).is_ok())
        && file.urls.iter().all(|url| SCHEMES.contains(&url.scheme()))
        && file.checksums.iter().all(|sum| sum.to_string().parse().as_ref() == Ok(sum))
}

proptest! {
    #[test]
    fn what_is_written_is_read(files in vec(any_file(), 1..4)) {
        let text = version_4(&files.iter().map(written).collect::<String>());
        prop_assert_eq!(parse(text.as_bytes()), Ok(files));
    }

    #[test]
    fn nothing_panics_and_what_is_read_is_sound(
        bytes: Vec<u8>,
        tags in vec(prop_oneof![
            Just("<metalink>"), Just("<files>"), Just("<file name='f'>"), Just("<file name='../f'>"), Just("</file>"),
            Just("<size>"), Just("9"), Just("</size>"), Just("<hash type='md5'>"), Just(MD5), Just("</hash>"),
            Just("<pieces length='5' type='md5'>"), Just("</pieces>"), Just("<url priority='1'>"), Just("http://h/"),
            Just("</url>"), Just("<x/>"), Just("&lt;"), Just("&x;"), Just("<!--"), Just("]]>"), Just("</metalink>"),
        ], 0..40),
    ) {
        let _ = parse(&bytes);
        for text in [tags.concat(), format!("<metalink><file name='f'>{}</file></metalink>", tags.concat())] {
            if let Ok(files) = parse(text.as_bytes()) {
                prop_assert!(files.iter().all(is_sound), "{:?}", files);
            }
        }
    }

    #[test]
    fn a_metalink_that_is_cut_off_is_none(file in any_file(), at: prop::sample::Index) {
        let text = version_4(&written(&file));
        let cut = text.floor_char_boundary(at.index(text.len()));
        prop_assert!(parse(&text.as_bytes()[..cut]).is_err());
    }
}
