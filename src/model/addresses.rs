// SPDX-License-Identifier: GPL-3.0-or-later
//! What is wanted, read from what people type, paste and drop: addresses, and metalinks that give
//! several for one file.

use std::collections::HashSet;

use url::Url;

use super::{amounts, describe, refusals};
use crate::engine::disk::naming;
use crate::engine::import::address;
use crate::engine::import::curl_command;
use crate::engine::import::html;
use crate::engine::import::list::{self, Entry};
use crate::engine::import::pattern;
use crate::i18n::{gettext_f, ngettext_f};

/// So many of a file's faulty lines are told one by one.
const MOST_ERRORS: usize = 3;

/// So many of its options that mean nothing here are named.
const MOST_OPTIONS: usize = 6;

/// What was read from something that should hold addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// One for each file: its address with its mirrors, and what is known of the file.
    pub found: Vec<Entry>,
    /// One sentence for each line that is of no use.
    pub refused: Vec<String>,
    /// Sentences about what was read, but not all as it was meant.
    pub notes: Vec<String>,
}

impl Addresses {
    /// Reads what a person typed or pasted: an address, a pattern of some or a curl command a line, or any
    /// text with addresses in it.
    pub fn in_lines(text: &str) -> Self {
        let mut addresses = Self::default();
        let mut found = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let read = if curl_command::is_command(rest) {
                // It may be longer than its line.
                let (read, after) = curl_command::parse(rest);
                rest = after.trim_start();
                read.map_err(|error| refusals::curl_command(&error))
            } else {
                let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
                rest = after.trim_start();
                in_line(line.trim())
            };
            match read {
                Ok(read) => found.extend(read),
                Err(sentence) => addresses.refused.push(sentence),
            }
        }
        addresses.push(found);
        addresses
    }

    /// Reads what was copied or dropped: a curl command, or a text as [`Addresses::in_prose`] does.
    pub fn in_text(text: &str) -> Self {
        if curl_command::is_command(text) { Self::in_lines(text) } else { Self::in_prose(text) }
    }

    /// Reads the address of what another program handed over: whatever signs are in it, it is one file. `None` where
    /// it is not of a scheme that is downloaded from.
    pub fn in_link(uri: &str) -> Option<Self> {
        let url = address::absolute(uri).ok()?;
        Some(Self { found: vec![Entry::from(url)], ..Self::default() })
    }

    /// Reads a text that was not written for us, like a dropped paragraph: what is no address is
    /// passed over.
    pub fn in_prose(text: &str) -> Self {
        Self { found: address::find_all(text).into_iter().map(Entry::from).collect(), ..Self::default() }
    }

    /// The links of a piece of a page that was copied or dropped, `text` being what of it is seen; `None` where there are no
    /// more of them than addresses in the text, which says as much then.
    pub fn in_page(page: &[u8], text: &str) -> Option<Self> {
        let links = html::links(&html::text(page));
        let is_more = links.len() > Self::in_text(text).found.len();
        is_more.then(|| Self { found: links.into_iter().map(Entry::from).collect(), ..Self::default() })
    }

    /// As lines that [`Addresses::in_lines`] reads as the same plain addresses.
    pub fn lines(&self) -> String {
        let urls = self.found.iter().filter_map(|entry| entry.urls.first());
        urls.map(plain_line).collect::<Vec<_>>().join("\n")
    }

    /// Reads a text file: a list of addresses with what it says of each, as aria2 has them, or, where it is none, whatever
    /// addresses are in it.
    pub fn in_text_file(text: &str, name: &str) -> Self {
        let list = Self::in_list(text.as_bytes(), name);
        if list.refused.is_empty() && !list.found.is_empty() { list } else { Self::in_prose(text) }
    }

    /// What is offered of a text that was copied for whatever purpose: it has to be nothing but whole
    /// addresses, one a line, each of a file by the look of it. Anything else may be a secret.
    pub fn worth_an_offer(text: &str) -> Option<Self> {
        // As RFC 2483 writes a text/uri-list, which is read here, too.
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let file = |line| address::absolute(line).ok().filter(looks_like_file).map(Entry::from);
        let mut addresses = Self::default();
        addresses.push(lines.map(file).collect::<Option<_>>()?);
        (!addresses.found.is_empty()).then_some(addresses)
    }

    /// What a dialog that asks for addresses begins with of a text that was copied for whatever purpose: it has to be
    /// nothing but whole addresses, one a line, or a curl command. Anything else may be a secret: a password can look
    /// like a host, which would be shown and looked up.
    pub fn worth_filling_in(text: &str) -> Option<Self> {
        let is_whole = |line: &str| {
            pattern::expand(line.trim()).is_ok_and(|all| all.iter().all(|one| address::absolute(one).is_ok()))
        };
        let is_meant = curl_command::is_command(text) || text.trim().lines().all(is_whole);
        Some(Self::in_lines(text)).filter(|read| is_meant && read.refused.is_empty() && !read.found.is_empty())
    }

    /// Whether all of these files are among others.
    pub fn is_among(&self, others: &Self) -> bool {
        let others: HashSet<_> = others.found.iter().flat_map(|entry| &entry.urls).collect();
        self.found.iter().all(|entry| entry.urls.first().is_some_and(|url| others.contains(url)))
    }

    /// The sentence that offers what was copied; none for nothing.
    pub fn offer(&self) -> Option<String> {
        let count = self.found.len();
        let url = self.found.first()?.urls.first()?;
        let values = [
            ("file", &*naming::choose(None, None, url, None)),
            ("host", url.host_str().unwrap_or_default()),
            ("n", &amounts::count(count)),
        ];
        // Translators: {file} is the name of a file, {host} of its server.
        let one = gettext_f("You copied a link to “{file}” on {host}", &values);
        let many = ngettext_f("You copied a link to {n} file", "You copied links to {n} files", count, &values);
        Some(if count == 1 { one } else { many })
    }

    /// Reads a metalink, an address list or a list in JSON; `name` is what its own file is called. Somebody else may
    /// have written it: see [`list::List::distrust`].
    pub fn in_list(bytes: &[u8], name: &str) -> Self {
        let mut list = list::read(bytes);
        list.distrust();
        Self::of(list, name)
    }

    /// Reads one that the user chose as a list of downloads, with its folders: see [`Addresses::settle_folders`].
    pub fn in_own_list(bytes: &[u8], name: &str) -> Self {
        Self::of(list::read(bytes), name)
    }

    fn of(list: list::List, name: &str) -> Self {
        let list::List { entries: found, errors, passed_over } = list;
        let sentence = |error: list::ListError| {
            let line = error.line.to_string();
            // Translators: {file} is the name of a file, {problem} a technical text in English.
            gettext_f(
                "“{file}”, line {line}: {problem}",
                &[("file", name), ("line", &line), ("problem", &error.problem)],
            )
        };
        // A file that is no list at all has an error in each of its lines.
        let more = errors.len().saturating_sub(MOST_ERRORS);
        let mut refused: Vec<_> = errors.into_iter().take(MOST_ERRORS).map(sentence).collect();
        if more > 0 {
            let values = [("file", name), ("n", &*amounts::count(more))];
            refused.push(ngettext_f(
                "“{file}”: {n} more line cannot be read",
                "“{file}”: {n} more lines cannot be read",
                more,
                &values,
            ));
        }
        Self { found, refused, notes: passed_over_words(&passed_over, name).into_iter().collect() }
    }

    /// The address, if there is exactly one, of a file of which nothing else is known.
    pub fn only(&self) -> Option<&Url> {
        match self.found.as_slice() {
            [entry] if self.refused.is_empty() && *entry == Entry { urls: entry.urls.clone(), ..Entry::default() } => {
                match entry.urls.as_slice() {
                    [url] => Some(url),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Joins what was read in two places.
    pub fn extend(&mut self, other: Self) {
        self.push(other.found);
        self.refused.extend(other.refused);
        self.notes.extend(other.notes);
    }

    /// Each once.
    fn push(&mut self, entries: Vec<Entry>) {
        // What is asked first: a pattern stands for thousands.
        let mut known: HashSet<_> = self.found.iter().map(|entry| entry.urls.clone()).collect();
        for entry in entries {
            if known.insert(entry.urls.clone()) || !self.found.contains(&entry) {
                self.found.push(entry);
            }
        }
    }
}

/// That options of a list mean nothing here, if some do.
fn passed_over_words(names: &[String], file: &str) -> Option<String> {
    let mut told: Vec<_> = names.iter().take(MOST_OPTIONS).map(String::as_str).collect();
    if told.len() < names.len() {
        told.push("…");
    }
    let (count, told) = (names.len(), told.join(", "));
    let values = [("file", file), ("n", &*count.to_string()), ("names", &*told)];
    // Translators: {file} is the name of a file with a list of downloads, {names} are those of options in it, in English.
    let words = ngettext_f(
        "“{file}”: {n} option was passed over: {names}",
        "“{file}”: {n} options were passed over: {names}",
        count,
        &values,
    );
    (count > 0).then_some(words)
}

/// The address as it is written by hand, where some have signs that would make a pattern of it.
fn plain_line(url: &Url) -> String {
    let text = url.as_str();
    if pattern::expand(text).is_ok_and(|all| all == [text]) {
        return text.to_owned();
    }
    let host = text.find("://").map_or(0, |at| at + "://".len());
    let path = text.get(host..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(text.len(), |at| host + at);
    let (host, path) = text.split_at_checked(path).unwrap_or((text, ""));
    let signs = [("[", "%5B"), ("]", "%5D"), ("{", "%7B"), ("}", "%7D")];
    let path = signs.into_iter().fold(path.to_owned(), |path, (sign, code)| path.replace(sign, code));
    format!("{host}{path}")
}

/// Reads a line that is no command. The error is a sentence for the user.
fn in_line(line: &str) -> Result<Vec<Entry>, String> {
    // Only an address has patterns: braces in a text have another meaning.
    let texts = match line.contains(char::is_whitespace) {
        true => vec![line.to_owned()],
        false => pattern::expand(line).map_err(|error| refusals::pattern(&error))?,
    };
    texts.iter().map(|text| address::parse(text).map(Entry::from)).collect::<Result<_, _>>().or_else(|reason| {
        let inside = Addresses::in_prose(line).found;
        if inside.is_empty() { Err(describe::refused_address(line, &reason)) } else { Ok(inside) }
    })
}

/// Kinds of pages, not of files, by what their addresses end in.
const PAGES: [&str; 9] = ["asp", "aspx", "cgi", "do", "htm", "html", "jsp", "php", "xhtml"];

/// Whether the last part of the address's path has an ending, and not one of a page.
fn looks_like_file(url: &Url) -> bool {
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let ending = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        let is_ending = (1..=10).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_ending && !PAGES.contains(&ending.to_ascii_lowercase().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::download::spec::{DownloadSpec, Manners, OnExists};

    #[test]
    fn a_text_file_is_a_list_with_options_or_a_text_with_addresses() {
        let urls = |text: &str| {
            let read = Addresses::in_text_file(text, "a.txt");
            assert!(read.refused.is_empty(), "{:?}", read.refused);
            read.found.into_iter().map(|entry| (entry.urls.len(), entry.name)).collect::<Vec<_>>()
        };
        let named = Some("named.iso".to_owned());
        assert_eq!(
            urls("http://a.example/1\thttp://b.example/1\n  out=named.iso\nhttp://a.example/2\n"),
            [(2, named), (1, None)]
        );
        assert_eq!(urls("Look at http://a.example/1 and\nalso at http://b.example/2."), [(1, None), (1, None)]);
        assert_eq!(urls("nothing at all\n"), []);
    }

    const METALINK: &str = "<metalink xmlns='urn:ietf:params:xml:ns:metalink'><file name='a/b.iso'><size>9</size>\
        <url>http://one.example/b.iso</url><url>http://two.example/b.iso</url></file></metalink>";

    #[test]
    fn typed_lines_are_addresses_or_told_with_their_cause() {
        let read = Addresses::in_lines("https://example.org/a\n\n https://example.org/a \nnot an address\n");
        assert_eq!(read.found.len(), 1);
        assert_eq!(
            read.refused,
            ["“not an address”: This is not an address. It should look like https://example.org/file."]
        );
    }

    #[test]
    fn a_pattern_is_many_addresses_and_one_that_can_not_be_followed_is_told() {
        let read = Addresses::in_lines("https://example.org/[08-10].zip\nhttps://example.org/09.zip");
        let urls: Vec<_> = read.found.iter().map(|entry| entry.urls[0].as_str()).collect();
        assert_eq!(urls, ["https://example.org/08.zip", "https://example.org/09.zip", "https://example.org/10.zip"]);
        let read = Addresses::in_lines("https://example.org/[9-1].zip");
        assert_eq!(read.refused, ["“[9-1]” counts down. Write the smaller end first."], "{read:?}");
    }

    #[test]
    fn a_link_of_another_program_is_one_file_whatever_is_in_its_address() {
        for uri in ["https://h/disc[01-12].zip", "https://h/{a,b}.zip", "https://h/a[9-1]", "https://[::1]/{x}[1-2]"] {
            let read = Addresses::in_link(uri).unwrap();
            assert_eq!(
                read.only().map(ToString::to_string),
                Some(uri.replace('{', "%7B").replace('}', "%7D")),
                "{uri}"
            );
            // In the dialog it is a line.
            let typed = Addresses::in_lines(&read.lines());
            assert!(typed.refused.is_empty() && typed.found.len() == 1, "{typed:?}");
        }
        for uri in ["file:///srv/list[1-2].txt", "trash:///a", "no link"] {
            assert_eq!(Addresses::in_link(uri), None, "{uri}");
        }
    }

    #[test]
    fn a_curl_command_is_read_with_what_is_around_it() {
        let text = "https://h/a\ncurl 'https://h/b' \\\n  -H 'X-A: b'\n\ncurl -X POST https://h/c\nhttps://h/d";
        let read = Addresses::in_lines(text);
        let paths: Vec<_> = read.found.iter().map(|entry| entry.urls[0].path()).collect();
        assert_eq!((paths, read.refused.len()), (vec!["/a", "/b", "/d"], 1));
        assert!(read.refused[0].starts_with("“-X POST” in the curl command"), "{read:?}");
        assert_eq!(Addresses::in_text("curl https://h/[1-3]").found.len(), 3);
        assert_eq!(Addresses::in_text("see https://h/[1-3]").found.len(), 1);
    }

    #[test]
    fn only_whole_addresses_of_files_are_offered() {
        let offered = |text: &str| Addresses::worth_an_offer(text)?.offer();
        let one = "You copied a link to “a b.iso” on example.org";
        assert_eq!(offered(" https://ann:secret@example.org/x/a%20b.iso?key=1 \n").as_deref(), Some(one));
        let list = "# list\r\nhttps://example.org/a.zip\r\nhttps://example.org/b.zip\r\n";
        assert_eq!(offered(list).as_deref(), Some("You copied links to 2 files"));
        for text in [
            "",
            "correct horse.zip",
            "example.org/a.zip",
            "see https://example.org/a.zip",
            "https://example.org/a.zip\nhunter2",
            "https://example.org/",
            "https://example.org/about",
            "https://example.org/index.HTML",
            "https://example.org/.hidden",
            "file:///home/ann/a.zip",
        ] {
            assert_eq!(offered(text), None, "{text}");
        }
    }

    #[test]
    fn a_dialog_begins_with_whole_addresses_and_no_secrets() {
        let count = |text: &str| Addresses::worth_filling_in(text).map(|addresses| addresses.found.len());
        assert_eq!(count(" https://example.org/about \r\nhttps://example.org/[1-3].zip\n"), Some(4));
        assert_eq!(count("curl -fL 'https://example.org/a' \\\n -o b"), Some(1));
        for text in [
            "",
            "Tr0ub4dor.correct",
            "example.org/a.zip",
            "see https://example.org/a.zip",
            "https://example.org/a.zip\nhunter2.horse",
            "https://example.org/[9-1].zip",
            "file:///home/ann/a.zip",
        ] {
            assert_eq!(count(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_copied_is_among_what_is_added_if_all_of_it_is() {
        let [one, two] = ["https://h/a.zip", "https://h/a.zip\nhttps://h/b.zip"].map(Addresses::in_lines);
        assert!(one.is_among(&two) && one.is_among(&one) && !two.is_among(&one));
    }

    #[test]
    fn of_a_page_its_links_count_where_they_are_more_than_what_is_seen() {
        let of = |page: &str, text: &str| Some(Addresses::in_page(page.as_bytes(), text)?.lines());
        let page = "<p><a href='https://h/a'>here</a> or <a href='https://h/b'>https://seen/b</a></p>";
        assert_eq!(of(page, "here or https://seen/b").as_deref(), Some("https://h/a\nhttps://h/b"));
        assert_eq!(of(page, "https://seen/a or https://seen/b"), None);
        assert_eq!(of("<a href='https://h/a'>https://seen/a</a>", "https://seen/a"), None);
        assert_eq!(of("<b>nothing</b>", "nothing"), None);
    }

    #[test]
    fn lines_of_addresses_are_read_as_the_same_addresses() {
        let page = "<a href='https://[::1]/a[1-3]?{b,c}#[x]'></a><a href='https://h/d?e[]=1'></a>";
        let addresses = Addresses::in_page(page.as_bytes(), "").unwrap();
        let read = Addresses::in_lines(&addresses.lines());
        assert_eq!((read.found.len(), &read.refused[..]), (2, &[] as &[String]), "{}", addresses.lines());
        assert_eq!(addresses.lines(), "https://[::1]/a%5B1-3%5D?%7Bb,c%7D#%5Bx%5D\nhttps://h/d?e[]=1");
    }

    #[test]
    fn a_metalink_is_one_file_with_its_mirrors() {
        let read = Addresses::in_list(METALINK.as_bytes(), "b.meta4");
        let [entry] = read.found.as_slice() else { panic!("{read:?}") };
        assert_eq!((entry.urls.len(), entry.size), (2, Some(9)));
        assert!(read.refused.is_empty());
        let damaged = Addresses::in_list(&METALINK.as_bytes()[..METALINK.len() - 9], "b.meta4");
        assert!(damaged.found.is_empty());
        assert!(damaged.refused[0].starts_with("“b.meta4”, line 1: "), "{damaged:?}");
    }

    #[test]
    fn of_many_faulty_lines_some_are_told_and_the_rest_is_counted() {
        let read = Addresses::in_list(b"http://h/a\nx y\nx y\nx y\nx y\nx y\n", "l.txt");
        assert_eq!((read.found.len(), read.refused.len()), (1, 4));
        assert!(read.refused[0].starts_with("“l.txt”, line 2: "), "{read:?}");
        assert_eq!(read.refused[3], "“l.txt”: 2 more lines cannot be read");
    }

    #[test]
    fn options_that_mean_nothing_here_are_named_once() {
        let of = |options: &str| Addresses::in_list(format!("http://h/a\n{options}http://h/b\n").as_bytes(), "l.txt");
        assert_eq!(of(" out=a\n").notes, [""; 0]);
        let read = of(" gid=1\n pause=true\n gid=2\n");
        assert_eq!((read.found.len(), read.refused.len()), (2, 0));
        assert_eq!(read.notes, ["“l.txt”: 2 options were passed over: gid, pause"]);
        assert!(of(" a=1\n b=1\n c=1\n d=1\n e=1\n f=1\n g=1\n").notes[0].ends_with(": a, b, c, d, e, f, …"));
    }

    #[test]
    fn only_a_list_of_the_user_s_own_names_folders() {
        let list = b"http://h/a\n dir=/srv/x\n";
        assert_eq!(Addresses::in_list(list, "l.txt").found[0].folder, None);
        assert_eq!(Addresses::in_own_list(list, "l.txt").found[0].folder, Some("/srv/x".into()));
    }

    #[test]
    fn only_a_list_of_the_user_s_own_replaces_files_and_says_whom_to_trust() {
        let list = "https://h/a\n on-exists=overwrite\n netrc\n proxy=p:1\n cacert=/ca\n insecure\n user=ann:pw\n\
                    https://h/b\n allow-overwrite=true\n all-proxy=p:1\n all-proxy-user=u\n no-netrc=false\n split=4\n\
                    https://h/c\n insecure\nhttps://h/d\n on-exists=skip\n";
        let specs = |addresses: Addresses| {
            let spec = |entry: Entry| {
                let mut spec = DownloadSpec::new(entry.urls[0].clone(), "/d".into());
                entry.apply(&mut spec);
                spec
            };
            addresses.found.into_iter().map(spec).collect::<Vec<_>>()
        };
        let own = Addresses::in_own_list(list.as_bytes(), "l.txt");
        assert_eq!(own.notes, [""; 0]);
        let own = specs(own);
        assert_eq!((own[0].on_exists, own[1].on_exists), (OnExists::Overwrite, OnExists::Overwrite));
        assert!(own[0].manners.insecure && own[1].manners.proxy_credentials.is_some(), "{own:?}");
        for found in [Addresses::in_list(list.as_bytes(), "l.txt"), Addresses::in_text_file(list, "l.txt")] {
            assert_eq!(found.refused, [""; 0]);
            assert_eq!(found.notes, ["“l.txt”: 5 options were passed over: on-exists, netrc, proxy, cacert, insecure"]);
            assert_eq!(found.found[2], Entry::from(found.found[2].urls[0].clone()));
            let specs = specs(found);
            for spec in &specs {
                let Manners { netrc, proxy, proxy_credentials, ca_file, insecure, .. } = &spec.manners;
                assert_eq!((*netrc, *insecure, proxy, ca_file), (false, false, &None, &None), "{}", spec.url);
                assert_eq!(*proxy_credentials, None, "{}", spec.url);
            }
            assert!(specs[0].manners.credentials.is_some());
            assert_eq!((specs[0].on_exists, specs[1].on_exists), (OnExists::Rename, OnExists::Rename));
            assert_eq!((specs[1].connections, specs[3].on_exists), (4, OnExists::Skip));
        }
    }

    #[test]
    fn the_only_address_is_a_plain_one() {
        assert!(Addresses::in_prose("see http://h/a there").only().is_some());
        assert_eq!(Addresses::in_prose("http://h/a http://h/b").only(), None);
        assert_eq!(Addresses::in_lines("http://h/a\nnothing").only(), None);
        assert_eq!(Addresses::in_list(METALINK.as_bytes(), "").only(), None);
    }
}
