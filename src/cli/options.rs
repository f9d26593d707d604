// SPDX-License-Identifier: GPL-3.0-or-later
//! The options of `freshet get`, as product.md's table has them. What a value means is checked
//! here; what the options come to together is in `jobs.rs`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::engine::download::spec::{Checksum, Credentials, OnExists};
use crate::engine::import::options::{
    parse_connections, parse_count, parse_header, parse_on_exists, parse_seconds, parse_some_seconds, parse_user,
};
use crate::engine::rate::{Schedule, parse_rate};
use crate::engine::{Limits, Speed};

/// Download files here and now.
///
/// A download that was interrupted, killed or has failed continues where it stopped when the same
/// command is given again.
#[derive(Debug, Parser)]
#[command(
    name = "freshet get",
    bin_name = "freshet get",
    version,
    after_help = "Exit status: 0 all complete; 1 usage; 2 some download failed (network, server, TLS); \
                  3 local file system; 4 checksum or content does not match; 130 interrupted. \
                  If downloads fail in different ways, 4 goes before 3 and 3 before 2."
)]
pub struct Options {
    /// Addresses to download: http, https, ftp, ftps, sftp; or metalink files (.meta4, .metalink)
    #[arg(value_name = "URL", required_unless_present = "input_file")]
    pub urls: Vec<String>,

    /// Target file, for a single address
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Target folder, made if it is not there [default: the current folder]
    #[arg(short, long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Addresses from a file, “-” for standard input: one a line
    ///
    /// Several addresses on a line, separated by a TAB, are mirrors of one file. Lines that begin with
    /// white space are options of the address above, as key=value: out, dir, checksum, header; and, as they
    /// are here, connections, limit-each, user-agent, referer, user, proxy, cacert, retry, retry-wait,
    /// timeout, on-exists, and without a value netrc, insecure, find-checksum, no-resume. What a list says
    /// of one download goes before what is said of all. Options that aria2 has in its input files are read, too; those that
    /// mean nothing here are passed over, and named. Lines that begin with # are comments.
    #[arg(short, long, value_name = "FILE")]
    pub input_file: Option<PathBuf>,

    /// Most connections for one download, 1 to 32; it opens only as many as help
    #[arg(short = 'x', long, value_name = "N", default_value_t = 8, value_parser = parse_connections)]
    pub connections: u8,

    /// Most downloads at a time
    #[arg(short = 'j', long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub parallel: u16,

    /// Most connections to one host [default: 8, or as many as -x asks for]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub per_host: Option<u16>,

    /// Most bytes a second for all downloads together, such as 500K or 1.5M; K is 1024, M 1024 K, G 1024 M
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub limit_rate: Option<Speed>,

    /// Most bytes a second for each download alone
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub limit_each: Option<Speed>,

    /// Other rates at some hours, such as "Mon-Fri 08:00-18:00 500K; daily 23:00-06:00 unlimited"
    ///
    /// The first that covers the present local time counts; where none does, --limit-rate counts. 22:00-06:00
    /// lasts until the next morning, 00:00-24:00 all day. Days are Mon to Sun, such as Mon-Fri or Sat,Sun.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub limit_schedule: Schedule,

    /// What the file must be: md5, sha1, sha256 or sha512, a colon, and the digits
    #[arg(long, value_name = "ALGO:HEX")]
    pub checksum: Option<Checksum>,

    /// Send this header too; may be given more than once
    #[arg(long = "header", value_name = "K: V", value_parser = parse_header)]
    pub headers: Vec<String>,

    /// Name this program as the one that asks
    #[arg(long, value_name = "NAME")]
    pub user_agent: Option<String>,

    /// Name this page as the one the link is on
    #[arg(long, value_name = "URL")]
    pub referer: Option<String>,

    /// Log in with this name and password
    #[arg(long, value_name = "NAME:PASS", value_parser = parse_user)]
    pub user: Option<Credentials>,

    /// Take name and password from ~/.netrc
    #[arg(long)]
    pub netrc: bool,

    /// Go through this proxy
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,

    /// Trust the certificate authorities in this file
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,

    /// Look for a checksum published beside the file (FILE.sha256, SHA256SUMS) where none is given and
    /// the file has a MiB or more
    #[arg(long)]
    pub find_checksum: bool,

    /// Do not check certificates
    #[arg(long)]
    pub insecure: bool,

    /// How often to try again after a temporary error; progress starts the count anew
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = parse_count)]
    pub retry: u32,

    /// The wait before the first retry; it doubles each time, the server's own wish wins,
    /// and none is longer than 15 minutes
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    pub retry_wait: Duration,

    /// Silence after which a connection is given up
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse_some_seconds)]
    pub timeout: Duration,

    /// Start anew even if there is a part file to continue
    #[arg(long)]
    pub no_resume: bool,

    /// Replace a file of the same name; short for --on-exists overwrite
    #[arg(long, conflicts_with = "on_exists")]
    pub overwrite: bool,

    /// What to do if a finished file of the same name is there [default: rename]
    #[arg(long, value_name = "rename|skip|overwrite", value_parser = parse_on_exists)]
    pub on_exists: Option<OnExists>,

    /// Tell what happens as JSON on standard output, one object a line
    #[arg(long)]
    pub json: bool,

    /// Tell failures only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Tell more
    #[arg(short, long)]
    pub verbose: bool,
}

impl Options {
    pub fn limits(&self) -> Limits {
        let per_host = self.per_host.unwrap_or_else(|| u16::from(self.connections).max(8));
        Limits {
            parallel: self.parallel.into(),
            per_host: per_host.into(),
            rate: self.limit_rate,
            schedule: self.limit_schedule.clone(),
        }
    }

    pub fn on_exists(&self) -> OnExists {
        if self.overwrite { OnExists::Overwrite } else { self.on_exists.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(args: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from(["freshet get"].iter().chain(args))
    }

    #[test]
    fn the_definition_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_table() {
        let options = parse(&["http://h/f"]).unwrap();
        assert_eq!(options.limits(), Limits::default());
        assert_eq!(parse(&["-x", "16", "http://h/f"]).unwrap().limits().per_host, 16);
        assert_eq!(parse(&["-x", "2", "http://h/f"]).unwrap().limits().per_host, 8);
        assert_eq!((options.connections, options.retry), (8, 5));
        assert_eq!((options.retry_wait, options.timeout), (Duration::from_secs(1), Duration::from_secs(30)));
        assert_eq!(options.on_exists(), OnExists::Rename);
        assert!(!options.no_resume && !options.json && !options.quiet && !options.verbose && !options.insecure);
    }

    #[test]
    fn every_option_of_the_table_is_read() {
        let digits = "d41d8cd98f00b204e9800998ecf8427e";
        let options = parse(&[
            "-d",
            "/dir",
            "-i",
            "-",
            "-x",
            "32",
            "-j",
            "3",
            "--per-host",
            "4",
            "--limit-rate",
            "1.5M",
            "--limit-each",
            "500K",
            "--limit-schedule",
            "daily 23:00-06:00 unlimited",
            "--checksum",
            &format!("md5:{digits}"),
            "--header",
            "A: b",
            "--header",
            "C;",
            "--user-agent",
            "me",
            "--referer",
            "http://r/",
            "--user",
            "ann:a:b",
            "--netrc",
            "--proxy",
            "socks5h://p:1",
            "--cacert",
            "/ca",
            "--insecure",
            "--retry",
            "0",
            "--retry-wait",
            "0.5",
            "--timeout",
            "7",
            "--no-resume",
            "--on-exists",
            "skip",
            "--json",
            "-v",
            "http://h/f",
        ])
        .unwrap();
        assert_eq!(options.urls, ["http://h/f"]);
        assert_eq!(options.dir, Some("/dir".into()));
        assert_eq!(options.input_file, Some("-".into()));
        assert_eq!(options.connections, 32);
        let schedule = "daily 23:00-06:00 unlimited".parse().unwrap();
        assert_eq!(options.limits(), Limits { parallel: 3, per_host: 4, rate: Some(Speed(1_572_864)), schedule });
        assert_eq!(options.limit_each, Some(Speed(512_000)));
        assert_eq!(options.checksum.as_ref().unwrap().hex, digits);
        assert_eq!(options.headers, ["A: b", "C;"]);
        assert_eq!(options.user_agent.as_deref(), Some("me"));
        assert_eq!(options.referer.as_deref(), Some("http://r/"));
        assert_eq!(options.user, Some(Credentials { user: "ann".into(), password: "a:b".into() }));
        assert_eq!(options.proxy.as_deref(), Some("socks5h://p:1"));
        assert_eq!(options.cacert, Some("/ca".into()));
        assert_eq!((options.retry_wait, options.timeout), (Duration::from_millis(500), Duration::from_secs(7)));
        assert_eq!((options.retry, options.on_exists()), (0, OnExists::Skip));
        assert!(options.netrc && options.insecure && options.no_resume && options.json && options.verbose);

        let short = parse(&["-o", "f", "-q", "--overwrite", "http://h/f"]).unwrap();
        assert_eq!((short.output, short.quiet), (Some("f".into()), true));
        assert_eq!(parse(&["--overwrite", "http://h/f"]).unwrap().on_exists(), OnExists::Overwrite);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_way_out() {
        for (args, says) in [
            (&[][..], "required"),
            (&["-x", "0", "u"], "from 1 to 32"),
            (&["-x", "33", "u"], "from 1 to 32"),
            (&["-j", "0", "u"], "not in 1.."),
            (&["--limit-rate", "fast", "u"], "such as 500000, 200K"),
            (&["--limit-each", "0.5X", "u"], "such as 500000, 200K"),
            (&["--limit-schedule", "Mon 8-18 1K", "u"], "write it as 08:00-18:00"),
            (&["--checksum", "md5:abc", "u"], "32 hexadecimal digits"),
            (&["--header", "no colon", "u"], "Name: value"),
            (&["--header", "A: b\r\nC: d", "u"], "single line"),
            (&["--user", "ann", "u"], "use netrc"),
            (&["--timeout", "0", "u"], "longer than no time"),
            (&["--on-exists", "ask", "u"], "write rename, skip or overwrite"),
            (&["--on-exists", "skip", "--overwrite", "u"], "cannot be used with"),
            (&["-q", "-v", "u"], "cannot be used with"),
            (&["--no-such-option", "u"], "unexpected argument"),
        ] {
            let error = parse(args).unwrap_err();
            assert!(error.use_stderr() && error.to_string().contains(says), "{args:?}: {error}");
        }
        assert!(!parse(&["--help"]).unwrap_err().use_stderr());
        assert!(!parse(&["--version"]).unwrap_err().use_stderr());
    }
}
