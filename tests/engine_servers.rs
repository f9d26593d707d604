// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine against real servers: nginx, Apache, lighttpd, Caddy, vsftpd, OpenSSH. What has to be
//! the same with each of them is written once, in `cases`.

mod support;

#[path = "engine_servers/cases.rs"]
mod cases;
#[path = "engine_servers/logins.rs"]
mod logins;
#[path = "engine_servers/proxies.rs"]
mod proxies;
#[path = "engine_servers/ssh.rs"]
mod ssh;

use std::time::Duration;

use freshet::engine::details::Standing;
use freshet::engine::download::pieces::Pieces;
use freshet::engine::download::spec::Algorithm;
use freshet::engine::{Command, FailureKind, Limits};
use support::apache::Apache;
use support::caddy::Caddy;
use support::engine::{LIMIT, Running};
use support::faulty::{Answer, Faulty, Resource};
use support::files;
use support::lighttpd::Lighttpd;
use support::nginx::{By, Nginx, Way};
use support::process::or_skip;
use support::serving::FileServer;
use support::sshd::Sshd;
use support::vsftpd::Vsftpd;
use tempfile::TempDir;

const MIB: u64 = 1 << 20;

/// A folder to be served: `big.bin` is file 1 with 48 MiB, `page.html` file 2 with 3000 bytes.
fn served() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files::write(&folder.path().join("big.bin"), 1, 48 * MIB).unwrap();
    files::write(&folder.path().join("page.html"), 2, 3000).unwrap();
    folder
}

/// The cases of `cases.rs` for one server. SSH looks for keys at home, so its tests have one each.
macro_rules! served_by {
    ($server:ident, $start:expr) => {
        served_by!($server, $start, |_name, case: fn()| case());
    };
    ($server:ident, at_home, $start:expr) => {
        served_by!($server, $start, |name, case: fn()| support::process::at_home(name, |_| case()));
    };
    ($server:ident, $start:expr, $around:expr) => {
        served_by!($server, $start, $around,
            a_whole_file_an_empty_one_and_one_with_an_odd_name,
            what_is_not_there_is_told,
            a_paused_download_continues_where_it_was,
            a_download_continues_in_another_session,
            a_file_that_changed_between_sessions_is_not_mixed);
    };
    ($server:ident, $start:expr, $around:expr, $($case:ident),+) => {
        mod $server {
            use super::*;
            $(#[test]
            fn $case() {
                $around(concat!(stringify!($server), "::", stringify!($case)), || cases::$case($start));
            })+
        }
    };
}

served_by!(nginx, |folder| By::start(folder, Way::Http));
served_by!(nginx_by_tls, |folder| By::start(folder, Way::Https));
served_by!(nginx_offering_http2, |folder| By::start(folder, Way::H2));
served_by!(apache, Apache::start);
served_by!(lighttpd, Lighttpd::start);
served_by!(caddy, Caddy::start);
served_by!(vsftpd, Vsftpd::start);
served_by!(sshd, at_home, Sshd::start);

#[test]
fn nginx_at_full_speed() {
    let folder = served();
    let (nginx, running) = (Nginx::start(folder.path(), MIB).unwrap(), Running::start());
    let ids =
        [running.add(nginx.url("/big.bin")), running.add(nginx.url("/big.bin")), running.add(nginx.url("/page.html"))];
    files::assert_same(&running.completed(ids[0]), 1, 48 * MIB);
    files::assert_same(&running.completed(ids[1]), 1, 48 * MIB);
    files::assert_same(&running.completed(ids[2]), 2, 3000);
    assert_eq!(running.snapshot(ids[2]).media_type.as_deref(), Some("text/html"));
    assert_eq!(running.snapshot(ids[0]).resumable, Some(true));
}

#[test]
fn nginx_paused_and_continued() {
    let folder = served();
    let (nginx, running) = (Nginx::start(folder.path(), 16 * MIB).unwrap(), Running::start());
    let id = running.engine.add(running.single(nginx.url("/slow/big.bin")));
    for megabytes in [4, 16, 30] {
        running.until(id, "it is so far", |now| now.progress.received > megabytes * MIB);
        running.engine.send(Command::Pause(id));
        running.main_loop.run_for(Duration::from_millis(50));
        running.engine.send(Command::Resume(id));
    }
    files::assert_same(&running.completed(id), 1, 48 * MIB);
    let ranges: Vec<_> = nginx.log().into_iter().filter(|line| line.contains(" 206 ")).collect();
    assert_eq!(ranges.len(), 3, "{ranges:?}");
}

#[test]
fn a_server_without_ranges_begins_anew_after_a_pause() {
    let folder = served();
    let (nginx, running) = (
        Nginx::start(folder.path(), MIB).unwrap(),
        Running::with_limits(Limits { rate: Some(freshet::engine::Speed(8 * MIB)), ..Limits::default() }),
    );
    let id = running.add(nginx.url("/no-ranges/big.bin"));
    running.until(id, "some is there", |now| now.progress.received > MIB);
    assert_eq!(running.snapshot(id).resumable, Some(false));
    running.engine.send(Command::Pause(id));
    running.engine.send(Command::SetLimits(Limits::default()));
    running.engine.send(Command::Resume(id));
    files::assert_same(&running.completed(id), 1, 48 * MIB);
    assert_eq!(running.names(), ["big.bin"]);
}

#[test]
fn tls_with_a_trusted_authority_only() {
    let folder = served();
    let (nginx, running) = (Nginx::start(folder.path(), MIB).unwrap(), Running::start());
    let stranger = running.add(nginx.https_url("/page.html"));
    running.fails_with(stranger, &FailureKind::Certificate);
    let mut trusted = running.spec(nginx.https_url("/big.bin"));
    trusted.manners.ca_file = Some(nginx.ca_file());
    files::assert_same(&running.completed(running.engine.add(trusted)), 1, 48 * MIB);
    let mut careless = running.spec(nginx.https_url("/page.html"));
    careless.manners.insecure = true;
    files::assert_same(&running.completed(running.engine.add(careless)), 2, 3000);
    let plain = format!("https{}", nginx.url("/page.html").as_str().trim_start_matches("http"));
    let mut no_tls = running.spec(plain.parse().unwrap());
    no_tls.patience.retries = 0;
    let id = running.engine.add(no_tls);
    running.fails_with(id, &FailureKind::Tls);
}

/// The file 1 of 12 MiB, served by FTP as `file.bin`; last changed when it was made.
fn served_by_ftp() -> Option<(TempDir, Vsftpd)> {
    let folder = tempfile::tempdir().unwrap();
    files::write(&folder.path().join("file.bin"), 1, 12 * MIB).unwrap();
    let server = or_skip(Vsftpd::start(folder.path()))?;
    Some((folder, server))
}

#[test]
fn a_download_by_http_goes_on_from_a_new_address_by_ftp() {
    let Some((_folder, ftp)) = served_by_ftp() else { return };
    let (http, running) = (Faulty::start(), Running::start());
    http.on("/f", |request| match request.number {
        0 => Resource::new(1, 12 * MIB).answer(request).cut_after(5 * MIB),
        _ => Answer::status(403),
    });
    let id = running.engine.add(running.single(http.url("/f")));
    running.fails_with(id, &FailureKind::HttpStatus(403));
    running.engine.send(Command::Renew { id, url: ftp.url("/file.bin") });
    files::assert_same(&running.completed(id), 1, 12 * MIB);
    assert!(running.main_loop.runs_until(LIMIT, || ftp.has_continued("/file.bin", 5 * MIB, 12 * MIB)));
}

#[test]
fn an_ftp_mirror_of_a_file_with_pieces_shares_the_work() {
    let Some((_folder, ftp)) = served_by_ftp() else { return };
    let (http, running) = (Faulty::start(), Running::start());
    http.on("/f", |request| Resource::new(1, 12 * MIB).answer(request).rate(2 * MIB));
    let piece = |index: u64| {
        let bytes = files::bytes(1, index * MIB..(index + 1) * MIB);
        glib::compute_checksum_for_data(glib::ChecksumType::Sha1, &bytes).unwrap().to_string()
    };
    let hashes = (0..12).map(piece).collect();
    let mut spec = running.spec(http.url("/f"));
    spec.mirrors = vec![ftp.url("/file.bin")];
    spec.pieces = Some(Pieces { algorithm: Algorithm::Sha1, length: MIB, hashes });
    let id = running.engine.add(spec);
    files::assert_same(&running.completed(id), 1, 12 * MIB);
    let details = running.engine.details(id).unwrap();
    assert_eq!(details.sources[1].standing, Standing::Good, "{details:?}");
    assert!(http.sent_at("/f") < 12 * MIB, "the mirror gave nothing");
}
