// SPDX-License-Identifier: GPL-3.0-or-later
//! From options to downloads: reads the addresses, decides where each file goes, and makes the
//! folders. Everything that is wrong is found here, before anything starts.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::options::Options;
use super::words;
use crate::engine::DownloadSpec;
use crate::engine::download::spec::{Manners, Patience};
use crate::engine::import::list::Entry;
use crate::engine::import::{address, list};

/// What is to be downloaded, or everything that is wrong with what was asked for.
pub fn specs(options: &Options) -> Result<Vec<DownloadSpec>, Vec<String>> {
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    for text in &options.urls {
        match address::parse(text) {
            Ok(url) => {
                entries.push(Entry { urls: vec![url], name: None, folder: None, checksum: None, headers: Vec::new() });
            }
            Err(failure) => {
                problems.push(format!("{}: {}", words::printable(text), words::sentence(&failure.kind)));
            }
        }
    }
    if let Some(file) = &options.input_file {
        let name = if is_dash(file) { "standard input".into() } else { file.to_string_lossy() };
        match read(file) {
            Ok(text) => {
                let (more, errors) = list::parse(&text);
                problems.extend(errors.iter().map(|error| format!("{name}, {error}")));
                entries.extend(more);
            }
            Err(error) => problems.push(format!("{name} can not be read: {error}")),
        }
        if entries.is_empty() && problems.is_empty() {
            problems.push(format!("{name} holds no address"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    assemble(options, entries).map_err(|problem| vec![problem])
}

/// Makes the target folders that are not there. The error names the folder.
pub fn make_folders(specs: &[DownloadSpec]) -> Result<(), String> {
    let folders: BTreeSet<&Path> = specs.iter().map(|spec| spec.folder.as_path()).collect();
    for folder in folders {
        fs::create_dir_all(folder)
            .map_err(|error| format!("the folder {} can not be made: {error}", folder.display()))?;
    }
    Ok(())
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn read(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if is_dash(file) {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(file)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn assemble(options: &Options, entries: Vec<Entry>) -> Result<Vec<DownloadSpec>, String> {
    if entries.len() > 1 {
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
    Ok(entries.into_iter().filter_map(|entry| spec(options, &base, name.as_deref(), entry)).collect())
}

/// `DIR/NAME` below the target folder.
fn split_output(base: &Path, output: &Path) -> Result<(PathBuf, Option<String>), String> {
    if is_dash(output) {
        return Err(
            "standard output can not be the target, because a file arrives in several places at once".to_owned()
        );
    }
    let whole = base.join(output);
    let name = output.file_name().filter(|_| !output.as_os_str().as_bytes().ends_with(b"/") && !whole.is_dir());
    let (Some(name), Some(folder)) = (name, whole.parent()) else {
        return Err(format!("--output {} is a folder: use --dir for it", output.display()));
    };
    let name = name.to_str().ok_or("--output takes names in UTF-8 only")?;
    Ok((folder.to_owned(), Some(name.to_owned())))
}

fn spec(options: &Options, base: &Path, name: Option<&str>, entry: Entry) -> Option<DownloadSpec> {
    let mut urls = entry.urls.into_iter();
    let mut headers = options.headers.clone();
    headers.extend(entry.headers);
    Some(DownloadSpec {
        url: urls.next()?,
        mirrors: urls.collect(),
        folder: match entry.folder {
            // Joining an absolute path gives that path.
            Some(folder) => base.join(folder),
            None => base.to_owned(),
        },
        name: name.map(str::to_owned).or(entry.name),
        on_exists: options.on_exists(),
        resume: !options.no_resume,
        checksum: options.checksum.clone().or(entry.checksum),
        connections: options.connections,
        manners: Manners {
            headers,
            user_agent: options.user_agent.clone(),
            referer: options.referer.clone(),
            credentials: options.user.clone(),
            netrc: options.netrc,
            proxy: options.proxy.clone(),
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
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use url::Url;

    use super::*;

    fn options(args: &[&str]) -> Options {
        Options::try_parse_from(["freshet get"].iter().chain(args).chain(&["http://h/f"])).unwrap()
    }

    fn entry(url: &str) -> Entry {
        let urls = vec![Url::parse(url).unwrap()];
        Entry { urls, name: None, folder: None, checksum: None, headers: Vec::new() }
    }

    fn one(args: &[&str]) -> Result<DownloadSpec, String> {
        assemble(&options(args), vec![entry("http://h/f")]).map(|mut specs| specs.remove(0))
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
            let problem = assemble(&options(&args), several()).unwrap_err();
            assert!(problem.contains(args[0].trim_start_matches("-o")) && problem.contains("several"), "{problem}");
        }
        assert_eq!(assemble(&options(&["-d", "/d"]), several()).unwrap().len(), 2);
    }

    #[test]
    fn an_entrys_own_options_come_with_it() {
        let entry = Entry {
            urls: vec![Url::parse("http://h/f").unwrap(), Url::parse("http://m/f").unwrap()],
            name: Some("own".into()),
            folder: Some("sub".into()),
            checksum: Some("md5:d41d8cd98f00b204e9800998ecf8427e".parse().unwrap()),
            headers: vec!["B: 2".into()],
        };
        let mut specs = assemble(&options(&["-d", "/d", "--header", "A: 1"]), vec![entry]).unwrap();
        let spec = specs.remove(0);
        assert_eq!((spec.url.as_str(), spec.mirrors[0].as_str()), ("http://h/f", "http://m/f"));
        assert_eq!((spec.folder, spec.name.as_deref()), ("/d/sub".into(), Some("own")));
        assert_eq!(spec.manners.headers, ["A: 1", "B: 2"]);
        assert!(spec.checksum.is_some());
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
        let problems = specs(&options).unwrap_err();
        assert!(problems[0].starts_with("/no/such/list can not be read: "), "{problems:?}");
    }

    #[test]
    fn folders_are_made_and_one_that_can_not_be_is_named() {
        let root = tempfile::tempdir().unwrap();
        let within = |sub: &str| DownloadSpec::new(Url::parse("http://h/f").unwrap(), root.path().join(sub));
        make_folders(&[within("a/b"), within("c"), within("c")]).unwrap();
        assert!(root.path().join("a/b").is_dir() && root.path().join("c").is_dir());
        fs::write(root.path().join("file"), "").unwrap();
        let problem = make_folders(&[within("file/d")]).unwrap_err();
        assert!(problem.contains("file/d can not be made"), "{problem}");
    }
}
