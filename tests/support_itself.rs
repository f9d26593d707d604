// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests of `tests/support`, with a plain socket for a client: a test double that does not do what it
//! says would make every other test a lie.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use support::faulty::{Answer, Faulty, Resource};
use support::files;
use support::listening::Listening;
use support::mainloop::MainLoop;
use support::nginx::{self, Nginx};
use support::process::or_skip;
use support::serving::FileServer;
use support::vsftpd::Vsftpd;

/// Status, head and body of an answer, read until the server closes.
struct Reply {
    head: String,
    body: Vec<u8>,
    error: Option<ErrorKind>,
}

impl Reply {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

fn connect(server: &Faulty) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn get(server: &Faulty, path: &str, headers: &str) -> Reply {
    let mut stream = connect(server);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").unwrap();
    let (mut raw, mut piece, mut error) = (Vec::new(), [0; 4096], None);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => raw.extend(&piece[..n]),
            Err(e) => {
                error = Some(e.kind());
                break;
            }
        }
        if is_whole(&raw) {
            break;
        }
    }
    let at = raw.windows(4).position(|w| w == b"\r\n\r\n").map_or(raw.len(), |at| at + 4);
    Reply { head: String::from_utf8_lossy(&raw[..at]).into_owned(), body: raw[at..].to_vec(), error }
}

/// Whether an answer that keeps its connection has come to its announced end.
fn is_whole(raw: &[u8]) -> bool {
    let Some(at) = raw.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&raw[..at]).into_owned();
    if head.contains("chunked") {
        return raw.ends_with(b"\r\n0\r\n\r\n");
    }
    let len = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).and_then(|len| len.parse().ok());
    len.is_some_and(|len: usize| raw.len() == at + 4 + len)
}

#[test]
fn any_stretch_of_a_generated_file_is_the_same_however_it_is_cut() {
    let whole = files::bytes(3, 0..5000);
    for (start, end) in [(0, 5000), (1, 2), (7, 9), (8, 16), (13, 4999), (4998, 5000), (5, 5)] {
        assert_eq!(files::bytes(3, start..end), whole[start as usize..end as usize], "{start}..{end}");
    }
    assert!((0..5000).all(|at| files::body_byte(3, at) == whole[at as usize]));
    assert_ne!(files::bytes(4, 0..5000), whole, "another seed is another file");
    assert_ne!(whole[..2500], whole[2500..], "a shifted range is not taken for the right one");
}

#[test]
fn a_wrong_byte_and_a_wrong_length_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    files::write(&path, 1, 600_000).unwrap();
    assert_eq!(files::compare(&path, 1, 600_000), Ok(()));
    assert!(files::compare(&path, 1, 600_001).unwrap_err().contains("600000 bytes, not 600001"));
    assert!(files::compare(&path, 1, 599_999).is_err());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[599_999] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(files::compare(&path, 1, 600_000).unwrap_err().ends_with("first wrong byte at 599999"));
}

#[test]
fn a_good_server_answers_ranges_as_the_standard_says() {
    let server = Faulty::start();
    let file = Resource::new(7, 1000);
    let etag = file.etag.clone().unwrap();
    server.serve("/f", file);

    let all = get(&server, "/f", "");
    assert_eq!((all.status(), all.body.as_slice()), ("200", &*files::bytes(7, 0..1000)));
    let middle = get(&server, "/f", "Range: bytes=10-19\r\n");
    assert_eq!((middle.status(), middle.body.as_slice()), ("206", &*files::bytes(7, 10..20)));
    assert!(middle.head.contains("Content-Range: bytes 10-19/1000\r\n"));
    let tail = get(&server, "/f", "Range: bytes=990-5000\r\n");
    assert_eq!(tail.body, files::bytes(7, 990..1000));
    let outside = get(&server, "/f", "Range: bytes=1000-\r\n");
    assert_eq!(outside.status(), "416");
    assert!(outside.head.contains("Content-Range: bytes */1000\r\n"));
    assert_eq!(get(&server, "/f", &format!("Range: bytes=5-\r\nIf-Range: {etag}\r\n")).status(), "206");
    assert_eq!(get(&server, "/f", "Range: bytes=5-\r\nIf-Range: \"old\"\r\n").status(), "200");
    assert_eq!(get(&server, "/none", "").status(), "404");

    let seen = server.seen_at("/f");
    assert_eq!(seen.iter().map(|seen| seen.request.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(seen[1].request.range(), Some((10, Some(19))));
    assert_eq!(seen[1].sent, 10);
    assert_eq!(server.seen().len(), 7);
}

#[test]
fn a_connection_serves_several_requests() {
    let server = Faulty::start();
    server.serve("/f", Resource::new(7, 10));
    let mut stream = connect(&server);
    for _ in 0..3 {
        write!(stream, "GET /f HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut raw = Vec::new();
        while !is_whole(&raw) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            raw.push(byte[0]);
        }
    }
    assert!(server.seen().iter().all(|seen| seen.request.connection == 0));
}

#[test]
fn lies_about_ranges_totals_and_lengths_are_told() {
    let server = Faulty::start();
    let file = Resource::new(7, 1000);
    let (a, b, c, d) = (file.clone(), file.clone(), file.clone(), file);
    server.on("/ignores", move |_| a.without_ranges());
    server.on("/other", move |_| b.part(20..30));
    server.on("/total", move |request| c.answer(request).header("Content-Range", "bytes 10-19/999"));
    server.on("/length", move |request| d.answer(request).claim_length(if request.number == 0 { 1500 } else { 500 }));
    assert_eq!(get(&server, "/ignores", "Range: bytes=10-19\r\n").status(), "200");
    assert!(get(&server, "/other", "Range: bytes=10-19\r\n").head.contains("bytes 20-29/1000"));
    let total = get(&server, "/total", "Range: bytes=10-19\r\n").head;
    assert!(total.contains("bytes 10-19/999\r\n") && !total.contains("/1000"));
    let longer = get(&server, "/length", "");
    assert!(longer.head.contains("Content-Length: 1500") && longer.body.len() == 1000 && longer.error.is_none());
    let shorter = get(&server, "/length", "");
    assert!(shorter.head.contains("Content-Length: 500") && shorter.body.len() == 1000);
}

#[test]
fn a_script_can_change_its_mind_from_request_to_request() {
    let server = Faulty::start();
    let file = Resource::new(7, 100);
    server.on("/f", move |request| match request.number {
        0 => Answer::status(503).header("Retry-After", "1"),
        1 => Answer::status(429),
        2 => file.answer(request),
        _ => file.clone().etag(Some("\"new\"")).answer(request),
    });
    let busy = get(&server, "/f", "");
    assert!(busy.status() == "503" && busy.head.contains("Retry-After: 1\r\n"));
    assert_eq!(get(&server, "/f", "").status(), "429");
    assert!(!get(&server, "/f", "").head.contains("\"new\""));
    assert!(get(&server, "/f", "").head.contains("ETag: \"new\"\r\n"));
}

#[test]
fn a_cut_is_an_end_and_a_reset_is_a_reset() {
    let server = Faulty::start();
    let file = Resource::new(7, 100_000);
    let same = file.clone();
    server.on("/cut", move |request| file.answer(request).cut_after(300));
    server.on("/reset", move |request| same.answer(request).reset_after(300));
    let cut = get(&server, "/cut", "");
    assert_eq!((cut.body.len(), cut.error), (300, None));
    assert_eq!(get(&server, "/reset", "").error, Some(ErrorKind::ConnectionReset));
    assert_eq!(server.sent_at("/cut"), 300);
}

#[test]
fn stalls_drips_and_slow_heads_take_their_time() {
    let server = Faulty::start();
    let file = Resource::new(7, 1000);
    let (a, b, c, d) = (file.clone(), file.clone(), file.clone(), file);
    server.on("/stall", move |request| a.answer(request).stall_after(500, Duration::from_millis(300)));
    server.on("/drip", move |request| b.answer(request).rate(4000));
    server.on("/head", move |request| c.answer(request).slow_head(Duration::from_millis(40)));
    server.on("/silent", move |request| d.answer(request).silent_for(Duration::from_millis(200)));
    for (path, least) in [("/stall", 300), ("/drip", 200), ("/head", 200), ("/silent", 200)] {
        let begin = Instant::now();
        assert_eq!(get(&server, path, "").body, files::bytes(7, 0..1000), "{path}");
        assert!(begin.elapsed() >= Duration::from_millis(least), "{path} took {:?}", begin.elapsed());
    }
}

#[test]
fn bodies_without_length_are_framed_right() {
    let server = Faulty::start();
    let file = Resource::new(7, 1000);
    let same = file.clone();
    server.on("/chunked", move |request| file.answer(request).chunked());
    server.on("/old", move |request| same.answer(request).http10());
    let chunked = get(&server, "/chunked", "");
    assert!(!chunked.head.contains("Content-Length") && chunked.body.starts_with(b"3e8\r\n"));
    assert_eq!(chunked.body[5..1005], files::bytes(7, 0..1000));
    let old = get(&server, "/old", "");
    assert!(old.head.starts_with("HTTP/1.0 200") && !old.head.contains("Content-Length"));
    assert_eq!(old.body, files::bytes(7, 0..1000));
}

#[test]
fn log_ins_redirects_and_odd_heads_are_sent_as_told() {
    let server = Faulty::start();
    server.on("/login", |request| match request.is_from("Aladdin", "open sesame") {
        true => Answer::status(200).bytes("in"),
        false => Answer::login(),
    });
    server.on("/away", |_| Answer::redirect(302, "ftp://127.0.0.1/x"));
    server.on("/giant", |_| Answer::status(200).giant_header(200_000));
    server.on("/page", |_| Answer::login_page());
    server.on("/empty", |request| Resource::new(1, 0).answer(request));
    assert!(get(&server, "/login", "").head.contains("WWW-Authenticate: Basic"));
    // The example of RFC 7617.
    assert_eq!(get(&server, "/login", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n").body, b"in");
    assert!(get(&server, "/away", "").head.contains("Location: ftp://127.0.0.1/x\r\n"));
    assert!(get(&server, "/giant", "").head.len() > 200_000);
    assert!(get(&server, "/page", "").head.contains("text/html"));
    let empty = get(&server, "/empty", "");
    assert!(empty.head.contains("Content-Length: 0\r\n") && empty.body.is_empty());
}

#[test]
fn what_no_server_should_send_is_sent_as_told() {
    let server = Faulty::start();
    server.on("/raw", |_| Answer::raw("no head\n"));
    server.on("/more", |_| {
        let answer = Answer::status(200).bytes("abc").status_line("HTTP/1.1 200").preface("before ");
        answer.one_more_header("A", "1").one_more_header("A", "2").postscript(" behind").unframed()
    });
    server.on("/untold", |_| Answer::status(200).bytes("abc").unframed());
    let all = |path| {
        let reply = get(&server, path, "");
        reply.head + &String::from_utf8(reply.body).unwrap()
    };
    assert_eq!(all("/raw"), "no head\n");
    let wanted = "before HTTP/1.1 200\r\nA: 1\r\nA: 2\r\n\r\nabc behind";
    assert_eq!(all("/more"), wanted);
    assert_eq!(all("/untold"), "HTTP/1.1 200 OK\r\n\r\nabc");
}

#[test]
fn a_request_tells_how_many_others_are_being_answered() {
    let server = Faulty::start();
    server.on("/f", |request| match request.others {
        0 => Answer::nothing(),
        others => Answer::status(200).bytes(others.to_string()),
    });
    let mut waiting = connect(&server);
    write!(waiting, "GET /f HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    while server.seen_at("/f").is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(get(&server, "/f", "").body, b"1");
}

#[test]
fn gzip_is_real_gzip() {
    for len in [0, 1, 0xffff, 0x1_0000, 200_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.gz");
        std::fs::write(&path, files::gzip(&files::bytes(2, 0..len))).unwrap();
        let unpacked = Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
        assert!(unpacked.status.success() && unpacked.stdout == files::bytes(2, 0..len), "{len}");
    }
}

#[test]
fn a_dropped_server_lets_go_of_everybody_at_once() {
    let server = Faulty::start();
    server.on("/never", |_| Answer::nothing());
    let mut waiting = connect(&server);
    write!(waiting, "GET /never HTTP/1.1\r\n\r\n").unwrap();
    let idle = connect(&server);
    let end = Instant::now() + Duration::from_secs(5);
    while server.open_connections() < 2 || server.seen().is_empty() {
        assert!(Instant::now() < end, "both connections are served");
        std::thread::yield_now();
    }
    let begin = Instant::now();
    let address = server.address();
    drop(server);
    assert!(begin.elapsed() < Duration::from_secs(1), "took {:?}", begin.elapsed());
    for mut stream in [waiting, idle] {
        let answer = stream.read(&mut [0]);
        assert!(answer.is_err() || answer.is_ok_and(|n| n == 0));
    }
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn who_listens_no_more_lets_go_of_everybody_at_once() {
    let (told, hear) = channel();
    let listening = Listening::start(move |mut client| {
        client.set_read_timeout(Some(Duration::from_secs(10)))?;
        told.send(()).unwrap();
        client.read(&mut [0]).map(|_| ())
    });
    let address = listening.address();
    let waiting = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
    for _ in &waiting {
        hear.recv_timeout(Duration::from_secs(5)).expect("both connections are served");
    }
    let begin = Instant::now();
    drop(listening);
    assert!(begin.elapsed() < Duration::from_secs(1), "took {:?}", begin.elapsed());
    for mut stream in waiting {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_forgotten_server_ends_by_itself() {
    let server = Faulty::start_with_lifetime(Duration::from_millis(50));
    let mut idle = connect(&server);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_main_loop_runs_until_and_no_longer() {
    let main = MainLoop::take();
    let count = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = count.clone();
    main.run_until(Duration::from_secs(5), "nothing", || true);
    let source = glib::MainContext::default().spawn_local(async move {
        for _ in 0..3 {
            glib::timeout_future(Duration::from_millis(5)).await;
            counted.set(counted.get() + 1);
        }
    });
    main.run_until(Duration::from_secs(5), "three rings", || count.get() == 3);
    drop(source);
    assert!(!main.runs_until(Duration::from_millis(30), || false));
    assert_eq!(main.wake_ups(Duration::from_millis(50)), 0, "an empty loop is idle");
}

/// Fetches with curl's program, a client that is not of our making.
fn curl(args: &[&str]) -> Vec<u8> {
    let output =
        Command::new("curl").args(["--silent", "--show-error", "--fail", "--max-time", "20"]).args(args).output();
    let output = output.unwrap();
    assert!(output.status.success(), "curl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn nginx_serves_a_folder_in_all_its_ways() {
    let folder = tempfile::tempdir().unwrap();
    files::write(&folder.path().join("f.bin"), 5, 100_000).unwrap();
    let nginx = Nginx::start(folder.path(), 1_000_000).unwrap();
    let ca = nginx.ca_file();
    let ca = ca.to_str().unwrap();
    let whole = files::bytes(5, 0..100_000);
    assert_eq!(curl(&[nginx.url("/f.bin").as_str()]), whole);
    assert_eq!(curl(&["--range", "10-19", nginx.url("/f.bin").as_str()]), whole[10..20]);
    assert_eq!(curl(&["--range", "10-19", nginx.url("/no-ranges/f.bin").as_str()]), whole);
    assert_eq!(
        curl(&["--user", &format!("{}:{}", nginx::USER, nginx::PASSWORD), nginx.url("/private/f.bin").as_str()]),
        whole
    );
    assert_eq!(curl(&["--cacert", ca, nginx.https_url("/slow/f.bin").as_str()]), whole);
    let version = ["--cacert", ca, "--output", "/dev/null", "--write-out", "%{http_version}"];
    assert_eq!(curl(&[&version[..], &[nginx.h2_url("/f.bin").as_str()]].concat()), b"2");
    assert_eq!(curl(&[&version[..], &[nginx.https_url("/f.bin").as_str()]].concat()), b"1.1");
    assert!(nginx.log().iter().any(|line| line == "GET /f.bin 206 10 bytes=10-19"), "{:?}", nginx.log());

    let pid = nginx.pid();
    drop(nginx);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn vsftpd_serves_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    files::write(&folder.path().join("f.bin"), 5, 100_000).unwrap();
    let Some(ftp) = or_skip(Vsftpd::start(folder.path())) else { return };
    assert_eq!(curl(&[ftp.url("/f.bin").as_str()]), files::bytes(5, 0..100_000));
    assert_eq!(curl(&["--range", "50000-", ftp.url("/f.bin").as_str()]), files::bytes(5, 50_000..100_000));
}
