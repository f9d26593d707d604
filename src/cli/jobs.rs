// SPDX-License-Identifier: GPL-3.0-or-later
//! From options to downloads: reads the addresses, decides where each file goes, and makes the
//! folders. Everything that is wrong is found here, before anything starts.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use url::Url;

use super::options::Options;
use super::{sandbox, words};
use crate::engine::download::spec::{Manners, Patience};
use crate::engine::import::list::{Entry, List};
use crate::engine::import::plain::PlainList;
use crate::engine::import::{address, list};
use crate::engine::{DownloadSpec, FailureKind, Limits};

/// What is to be downloaded, in order. Each download is made up when its turn comes: of a long list
/// the addresses alone are kept.
#[derive(Debug)]
pub struct Jobs<'a> {
    options: &'a Options,
    base: PathBuf,
    /// Where `--output` says so.
    name: Option<String>,
    entries: VecDeque<Job>,
    /// Behind those, what a list holds that needs no more than to be read.
    plain: PlainList,
    /// What does not keep them from being downloaded, but was meant otherwise.
    notes: Vec<String>,
}

/// One of them. Most have nothing but an address.
#[derive(Debug)]
enum Job {
    Plain(Url),
    Listed(Box<Entry>),
}

impl From<Entry> for Job {
    fn from(mut entry: Entry) -> Self {
        let urls = std::mem::take(&mut entry.urls);
        match <[Url; 1]>::try_from(urls) {
            Ok([url]) if entry == Entry::default() => Self::Plain(url),
            Ok(urls) => Self::Listed(Box::new(Entry { urls: urls.into(), ..entry })),
            Err(urls) => Self::Listed(Box::new(Entry { urls, ..entry })),
        }
    }
}

impl Job {
    fn listed(&self) -> Option<&Entry> {
        match self {
            Self::Plain(_) => None,
            Self::Listed(entry) => Some(entry),
        }
    }
}

impl Iterator for Jobs<'_> {
    /// What is wrong with an address was found before, so no problem is to be expected.
    type Item = Result<DownloadSpec, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = match self.entries.pop_front() {
            Some(Job::Plain(url)) => url.into(),
            Some(Job::Listed(entry)) => *entry,
            None => match self.plain.next()? {
                Ok(url) => url.into(),
                Err(failure) => return Some(Err(words::sentence(&failure.kind, true))),
            },
        };
        Some(Ok(self.spec(entry)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.entries.len() + self.plain.len();
        (count, Some(count))
    }
}

impl ExactSizeIterator for Jobs<'_> {}

impl Jobs<'_> {
    /// What the user is told of them.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Makes the target folders that are not there. The error names the folder that cannot be made, or is of no use.
    pub fn make_folders(&self) -> Result<(), String> {
        let mut folders: BTreeSet<_> = self.entries.iter().map(|job| self.folder(job.listed())).collect();
        if self.plain.len() > 0 {
            folders.insert(self.folder(None));
        }
        for folder in folders {
            fs::create_dir_all(&folder)
                .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
            sandbox::problem(&folder).map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// What the options say of all downloads together. A list that wants more connections for one of them
    /// wants them at its host, too.
    pub fn limits(&self) -> Limits {
        let mut limits = self.options.limits();
        if self.options.per_host.is_none() {
            let own = self.entries.iter().filter_map(|job| job.listed()?.options.as_ref()?.connections).max();
            limits.per_host = limits.per_host.max(own.unwrap_or_default().into());
        }
        limits
    }

    fn folder(&self, entry: Option<&Entry>) -> Cow<'_, Path> {
        match entry.and_then(|entry| entry.folder.as_ref()) {
            // Joining an absolute path gives that path.
            Some(folder) => Cow::Owned(self.base.join(folder)),
            None => Cow::Borrowed(&self.base),
        }
    }

    fn spec(&self, mut entry: Entry) -> DownloadSpec {
        let options = self.options;
        let folder = self.folder(Some(&entry)).into_owned();
        let mut mirrors = std::mem::take(&mut entry.urls);
        let url = mirrors.remove(0);
        let mut spec = DownloadSpec {
            url,
            mirrors,
            folder,
            otherwise: None,
            name: self.name.clone().or_else(|| entry.name.take()),
            on_exists: options.on_exists(),
            resume: !options.no_resume,
            checksum: options.checksum.clone().or_else(|| entry.checksum.take()),
            size: entry.size,
            pieces: entry.pieces.take(),
            find_checksum: options.find_checksum,
            keep: false,
            connections: options.connections,
            rate: options.limit_each,
            manners: Manners {
                headers: options.headers.clone(),
                user_agent: options.user_agent.clone(),
                referer: options.referer.clone(),
                credentials: options.user.clone(),
                netrc: options.netrc,
                proxy: options.proxy.clone(),
                proxy_credentials: None,
                ca_file: options.cacert.clone(),
                insecure: options.insecure,
            },
            patience: Patience {
                retries: options.retry,
                first_wait: options.retry_wait,
                silence: options.timeout,
                // A command that hangs for hours helps nobody; it can be given again.
                wait_for_space: false,
            },
        };
        entry.apply(&mut spec);
        spec
    }
}

/// What is to be downloaded, or everything that is wrong with what was asked for.
pub fn read_all(options: &Options) -> Result<Jobs<'_>, Vec<String>> {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let mut entries = Vec::new();
    for text in &options.urls {
        let path = Path::new(text);
        if is_metalink(path) {
            entries.extend(listed(path, read(path), &mut problems, &mut notes));
            continue;
        }
        match address::parse(text) {
            Ok(url) => entries.push(url.into()),
            Err(failure) => {
                // What is wrong with it, and not only that it is.
                let problem = match failure.kind {
                    FailureKind::InvalidAddress => failure.detail,
                    kind => words::sentence(&kind, true),
                };
                problems.push(format!("{}: {problem}", words::printable(text)));
            }
        }
    }
    let mut plain = PlainList::default();
    if let Some(file) = &options.input_file {
        let bytes = read(file);
        match bytes.as_deref().ok().and_then(PlainList::read) {
            Some(list) => plain = list,
            None => entries.extend(listed(file, bytes, &mut problems, &mut notes)),
        }
        if entries.is_empty() && plain.len() == 0 && problems.is_empty() {
            problems.push(format!("{} holds no address", name_of(file)));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    assemble(options, entries, plain, notes).map_err(|problem| vec![problem])
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether an argument that stands for an address is a metalink that lies here.
fn is_metalink(path: &Path) -> bool {
    let has_its_ending = path
        .extension()
        .is_some_and(|ending| ["meta4", "metalink"].iter().any(|known| ending.eq_ignore_ascii_case(known)));
    has_its_ending && path.is_file()
}

/// What a list or metalink says is to be downloaded; what is wrong with it goes to the problems, what was
/// passed over to the notes.
fn listed(file: &Path, bytes: io::Result<Vec<u8>>, problems: &mut Vec<String>, notes: &mut Vec<String>) -> Vec<Entry> {
    let name = name_of(file);
    match bytes {
        Ok(bytes) => {
            let List { entries, errors, passed_over } = list::read(&bytes);
            if !passed_over.is_empty() {
                notes.push(format!(
                    "{name}: options that mean nothing here were passed over: {}",
                    passed_over.join(", ")
                ));
            }
            problems.extend(errors.iter().map(|error| words::printable(&format!("{name}, {error}"))));
            entries
        }
        Err(error) => {
            problems.push(format!("{name} cannot be read: {error}"));
            Vec::new()
        }
    }
}

fn name_of(file: &Path) -> Cow<'_, str> {
    if is_dash(file) { "standard input".into() } else { file.to_string_lossy() }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if !is_dash(file) {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn assemble(options: &Options, entries: Vec<Entry>, plain: PlainList, notes: Vec<String>) -> Result<Jobs<'_>, String> {
    if entries.len() + plain.len() > 1 {
        if options.output.is_some() {
            return Err("--output names one file, and there are several addresses: use --dir, \
                        or a list with out=NAME below each address"
                .to_owned());
        }
        if options.checksum.is_some() {
            return Err("--checksum belongs to one file, and there are several addresses: use a list with \
                        checksum=ALGO:HEX below each address"
                .to_owned());
        }
    }
    let base = std::path::absolute(options.dir.as_deref().unwrap_or(Path::new(".")))
        .map_err(|error| format!("the target folder is not known: {error}"))?;
    let (base, name) = match &options.output {
        Some(output) => split_output(&base, output)?,
        None => (base, None),
    };
    let entries = entries.into_iter().filter(|entry| !entry.urls.is_empty()).map(Job::from).collect();
    Ok(Jobs { options, base, name, entries, plain, notes })
}

/// `DIR/NAME` below the target folder.
fn split_output(base: &Path, output: &Path) -> Result<(PathBuf, Option<String>), String> {
    if is_dash(output) {
        return Err("standard output cannot be the target, because a file arrives in several places at once".to_owned());
    }
    let whole = base.join(output);
    let name = output.file_name().filter(|_| !output.as_os_str().as_bytes().ends_with(b"/") && !whole.is_dir());
    let (Some(name), Some(folder)) = (name, whole.parent()) else {
        return Err(format!("--output {} is a folder: use --dir for it", output.display()));
    };
    let name = name.to_str().ok_or("--output takes names in UTF-8 only")?;
    Ok((folder.to_owned(), Some(name.to_owned())))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::engine::Speed;

    fn options(args: &[&str]) -> Options {
        Options::try_parse_from(["freshet get"].iter().chain(args).chain(&["http://h/f"])).unwrap()
    }

    fn entry(url: &str) -> Entry {
        let urls = vec![Url::parse(url).unwrap()];
        Entry { urls, ..Entry::default() }
    }

    fn one(args: &[&str]) -> Result<DownloadSpec, String> {
        assemble(&options(args), vec![entry("http://h/f")], PlainList::default(), Vec::new())?.next().unwrap()
    }

    #[test]
    fn the_target_is_made_of_dir_and_output() {
        let here = std::env::current_dir().unwrap();
        for (args, folder, name) in [
            (&[][..], here.clone(), None),
            (&["-d", "/d"], "/d".into(), None),
            (&["-d", "sub"], here.join("sub"), None),
            (&["-o", "n"], here.clone(), Some("n")),
            (&["-o", "sub/n"], here.join("sub"), Some("n")),
            (&["-d", "/d", "-o", "sub/n"], "/d/sub".into(), Some("n")),
            (&["-d", "/d", "-o", "/e/n"], "/e".into(), Some("n")),
        ] {
            let spec = one(args).unwrap();
            assert_eq!(spec.folder.as_os_str(), folder.as_os_str(), "{args:?}");
            assert_eq!(spec.name.as_deref(), name, "{args:?}");
        }
    }

    #[test]
    fn an_output_that_is_no_file_name_is_refused() {
        for output in ["sub/", "/", "..", "/tmp", "-"] {
            assert!(one(&["-o", output]).is_err(), "{output}");
        }
    }

    #[test]
    fn what_belongs_to_one_file_is_refused_for_several() {
        let several = || vec![entry("http://h/a"), entry("http://h/b")];
        for args in [["-o", "n"], ["--checksum", "md5:d41d8cd98f00b204e9800998ecf8427e"]] {
            let problem = assemble(&options(&args), several(), PlainList::default(), Vec::new()).unwrap_err();
            assert!(problem.contains(args[0].trim_start_matches("-o")) && problem.contains("several"), "{problem}");
        }
        assert_eq!(assemble(&options(&["-d", "/d"]), several(), PlainList::default(), Vec::new()).unwrap().len(), 2);
    }

    #[test]
    fn an_entrys_own_options_come_with_it() {
        let entry = Entry {
            urls: vec![Url::parse("http://h/f").unwrap(), Url::parse("http://m/f").unwrap()],
            name: Some("own".into()),
            folder: Some("sub".into()),
            checksum: Some("md5:d41d8cd98f00b204e9800998ecf8427e".parse().unwrap()),
            headers: vec!["B: 2".into()],
            ..Entry::default()
        };
        let options = options(&["-d", "/d", "--header", "A: 1"]);
        let spec = assemble(&options, vec![entry], PlainList::default(), Vec::new()).unwrap().next().unwrap().unwrap();
        assert_eq!((spec.url.as_str(), spec.mirrors[0].as_str()), ("http://h/f", "http://m/f"));
        assert_eq!((spec.folder, spec.name.as_deref()), ("/d/sub".into(), Some("own")));
        assert_eq!(spec.manners.headers, ["A: 1", "B: 2"]);
        assert!(spec.checksum.is_some());
    }

    #[test]
    fn a_list_says_of_each_download_how_it_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, "http://h/a\n limit-each=2K\n connections=12\n user-agent=own\nhttp://h/b\n").unwrap();
        let path = path.to_str().unwrap();
        let read = |args: &[&str]| Options::try_parse_from(["freshet get", "-i", path].iter().chain(args)).unwrap();
        let options = read(&["--limit-each", "1K", "--user-agent", "all"]);
        let jobs = read_all(&options).unwrap();
        assert_eq!(jobs.limits().per_host, 12);
        let specs = jobs
            .map(Result::unwrap)
            .map(|spec| (spec.rate, spec.connections, spec.manners.user_agent))
            .collect::<Vec<_>>();
        let all = (Some(Speed(1024)), 8, Some("all".to_owned()));
        assert_eq!(specs, [(Some(Speed(2048)), 12, Some("own".to_owned())), all]);
        assert_eq!(read_all(&read(&["--per-host", "3"])).unwrap().limits().per_host, 3);
        fs::write(path, "http://h/a\n gid=1\n connections=3\n").unwrap();
        let jobs = read_all(&options).unwrap();
        assert_eq!(
            (jobs.len(), jobs.notes().join("|")),
            (1, format!("{path}: options that mean nothing here were passed over: gid"))
        );
        fs::write(path, "http://h/a\n connections=99\n").unwrap();
        let problems = read_all(&options).unwrap_err();
        assert_eq!(problems, [format!("{path}, line 2: “connections” is wrong: write a number from 1 to 32")]);
    }

    #[test]
    fn a_list_of_addresses_comes_behind_those_of_the_command_and_is_several() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("list"), folder.path().join("new"));
        fs::write(&path, "http://h/b\n# comment\nhttp://h/c\n").unwrap();
        let (path, dir) = (path.to_str().unwrap(), target.to_str().unwrap());
        let read = |args: &[&str]| Options::try_parse_from(["freshet get", "-i", path].iter().chain(args)).unwrap();
        let options = read(&["-d", dir, "http://h/a"]);
        let jobs = read_all(&options).unwrap();
        assert_eq!((jobs.entries.len(), jobs.plain.len(), jobs.len()), (1, 2, 3));
        jobs.make_folders().unwrap();
        assert!(target.is_dir());
        let urls: Vec<_> = jobs.map(|spec| spec.unwrap().url.to_string()).collect();
        assert_eq!(urls, ["http://h/a", "http://h/b", "http://h/c"]);
        assert!(read_all(&read(&["-o", "f"])).unwrap_err()[0].contains("several"));
        fs::write(path, "http://h/a\nnonsense\n").unwrap();
        let problems = read_all(&read(&[])).unwrap_err();
        assert!(problems[0].starts_with(&format!("{path}, line 2: ")), "{problems:?}");
        fs::write(path, "# nothing\n").unwrap();
        assert_eq!(read_all(&read(&[])).unwrap_err(), [format!("{path} holds no address")]);
    }

    #[test]
    fn of_what_has_nothing_but_an_address_nothing_else_is_kept() {
        let mirrored =
            Entry { urls: vec!["http://h/f".parse().unwrap(), "http://m/f".parse().unwrap()], ..entry("http://h/f") };
        let named = Entry { name: Some("n".into()), ..entry("http://h/f") };
        assert!(matches!(Job::from(entry("http://h/f")), Job::Plain(_)));
        for entry in [mirrored, named] {
            assert_eq!(Job::from(entry.clone()).listed(), Some(&entry));
        }
    }

    #[test]
    fn each_download_has_a_limit_of_its_own_besides_that_of_all() {
        let options = options(&["--limit-each", "1K", "--limit-rate", "3K"]);
        let entries = vec![entry("http://h/a"), entry("http://h/b")];
        let mut specs = assemble(&options, entries, PlainList::default(), Vec::new()).unwrap();
        assert!(specs.all(|spec| spec.unwrap().rate == Some(Speed(1024))));
        assert_eq!(options.limits().rate, Some(Speed(3072)));
    }

    #[test]
    fn a_command_does_not_wait_for_space() {
        let spec = one(&["--retry", "2", "--no-resume", "--user", "a:b"]).unwrap();
        assert!(!spec.patience.wait_for_space && !spec.resume);
        assert_eq!(spec.patience.retries, 2);
        assert_eq!(spec.manners.credentials.unwrap().user, "a");
    }

    #[test]
    fn a_list_that_can_not_be_read_is_named() {
        let options = Options::try_parse_from(["freshet get", "-i", "/no/such/list"]).unwrap();
        let problems = read_all(&options).unwrap_err();
        assert!(problems[0].starts_with("/no/such/list cannot be read: "), "{problems:?}");
    }

    #[test]
    fn a_metalink_is_taken_for_what_it_lists() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.Meta4");
        let metalink = |pieces: &str| {
            format!(
                "<metalink xmlns='urn:ietf:params:xml:ns:metalink'><file name='sub/f.iso'><size>3</size>\
                 <hash type='md5'>d41d8cd98f00b204e9800998ecf8427e</hash>{pieces}\
                 <url priority='2'>http://m/f</url><url priority='1'>http://h/f</url></file></metalink>"
            )
        };
        let hash = "0".repeat(32);
        let text = metalink(&format!("<pieces length='2' type='md5'><hash>{hash}</hash><hash>{hash}</hash></pieces>"));
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        for args in [&["freshet get", path][..], &["freshet get", "-i", path]] {
            let spec = read_all(&Options::try_parse_from(args).unwrap()).unwrap().next().unwrap().unwrap();
            assert_eq!((spec.url.as_str(), spec.mirrors[0].as_str()), ("http://h/f", "http://m/f"));
            assert_eq!((spec.name.as_deref(), spec.size), (Some("f.iso"), Some(3)));
            assert_eq!(spec.checksum.unwrap().algorithm.name(), "md5");
            assert_eq!(spec.pieces.unwrap().hashes.len(), 2);
        }
        fs::write(path, metalink("<")).unwrap();
        let problems = read_all(&Options::try_parse_from(["freshet get", path]).unwrap()).unwrap_err();
        assert!(problems.len() == 1 && problems[0].starts_with(&format!("{path}, line 1: column ")), "{problems:?}");
        // What does not lie here is an address, or none.
        let other = Options::try_parse_from(["freshet get", "https://h/f.meta4"]).unwrap();
        assert_eq!(read_all(&other).unwrap().next().unwrap().unwrap().url.as_str(), "https://h/f.meta4");
    }

    #[test]
    fn folders_are_made_and_one_that_can_not_be_is_named() {
        let root = tempfile::tempdir().unwrap();
        let options = options(&["-d", root.path().to_str().unwrap()]);
        let make = |folders: &[&str]| {
            let within = |sub: &&str| Entry { folder: Some(sub.into()), ..entry("http://h/f") };
            assemble(&options, folders.iter().map(within).collect(), PlainList::default(), Vec::new())
                .unwrap()
                .make_folders()
        };
        make(&["a/b", "c", "c"]).unwrap();
        assert!(root.path().join("a/b").is_dir() && root.path().join("c").is_dir());
        fs::write(root.path().join("file"), "").unwrap();
        let problem = make(&["file/d"]).unwrap_err();
        assert!(problem.contains("file/d cannot be made"), "{problem}");
    }
}
