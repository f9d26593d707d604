// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever hangs, frames are drawn: a disk that does not answer, a name that is not found, a connection
//! that is not made. Each hangs for three seconds, in which 180 frames are due; a busy machine may miss
//! two of three, and none for less than a second.

mod support;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command as Process;
use std::time::{Duration, Instant};

use freshet::engine::engine::Config;
use freshet::engine::{Command, State};
use socket2::{Domain, Socket, Type};
use support::device::Device;
use support::engine::Running;
use support::faulty::{Faulty, Resource};
use support::files;
use support::mainloop::Frames;
use support::process::skip;
use url::Url;

const MIB: u64 = 1 << 20;
const HANGS: Duration = Duration::from_secs(3);
const LEAST_FRAMES: usize = 60;
const LONGEST_GAP: Duration = Duration::from_secs(1);

/// Runs the main loop while something hangs, with `act` at every beat of a hundred milliseconds.
#[track_caller]
fn frames_while(running: &Running, mut act: impl FnMut(u32)) {
    let (frames, begin) = (Frames::start(&running.main_loop), Instant::now());
    for beat in 0.. {
        let left = HANGS.saturating_sub(begin.elapsed());
        if left.is_zero() {
            break;
        }
        act(beat);
        running.main_loop.run_for(left.min(Duration::from_millis(100)));
    }
    let drawn = frames.drawn();
    assert!(drawn.count >= LEAST_FRAMES && drawn.longest_gap < LONGEST_GAP, "{drawn:?}");
}

#[test]
fn a_stalled_disk_holds_up_no_frame() {
    let Some(mut device) = Device::image("ext4", 64 * MIB) else { return };
    let server = Faulty::start();
    // The list and the file are on it.
    let list = Some(device.path().join("list.sqlite"));
    let running = Running::with(Config { list, ..Config::default() });
    let file = Resource::new(1, 16 * MIB);
    server.on("/f", move |request| file.answer(request).rate(4 * MIB));
    let mut spec = running.spec(server.url("/f"));
    spec.folder = device.path();
    // A device that does not answer is no server that is silent.
    spec.patience.silence = Duration::from_secs(10);
    let id = running.engine.add(spec);
    running.until(id, "some is here", |now| now.progress.received > MIB);
    device.freeze();
    frames_while(&running, |beat| match beat % 10 {
        3 => running.engine.send(Command::Pause(id)),
        6 => running.engine.send(Command::Resume(id)),
        _ => {}
    });
    device.thaw();
    files::assert_same(&running.completed(id), 1, 16 * MIB);
    running.stop();
}

/// Its part file is made only after the device answers again.
#[test]
fn a_disk_that_stalls_when_a_file_is_opened_holds_up_no_frame() {
    let Some(mut device) = Device::image("ext4", 64 * MIB) else { return };
    let server = Faulty::start();
    let running = Running::start();
    let file = Resource::new(1, MIB);
    server.on("/f", move |request| file.answer(request));
    let mut spec = running.spec(server.url("/f"));
    spec.folder = device.path();
    spec.patience.silence = Duration::from_secs(10);
    let before = device.names();
    device.freeze();
    let id = running.engine.add(spec);
    frames_while(&running, |_| {});
    assert_eq!(device.names(), before, "the part file was opened");
    assert!(!server.seen_at("/f").is_empty(), "nothing was asked for that could be written");
    device.thaw();
    files::assert_same(&running.completed(id), 1, MIB);
    running.stop();
}

/// Set for the program that runs where names are not found.
const INSIDE: &str = "FRESHET_TEST_IS_INSIDE";
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

/// In a mount namespace of its own: the only name server is one that never answers.
#[test]
fn a_name_lookup_that_hangs_holds_up_no_frame() {
    if std::env::var_os(INSIDE).is_some() {
        return hang_in_a_lookup();
    }
    let Ok(silent) = UdpSocket::bind((NAME_SERVER, 53)) else { return skip("to be a name server takes root") };
    let folder = tempfile::tempdir().unwrap();
    let (resolver, switch) = (folder.path().join("resolv.conf"), folder.path().join("nsswitch.conf"));
    fs::write(&resolver, format!("nameserver {NAME_SERVER}\noptions timeout:5 attempts:1\n")).unwrap();
    fs::write(&switch, "hosts: files dns\n").unwrap();
    let inside = Process::new("unshare")
        .args(["--mount", "sh", "-ec"])
        .arg("mount --bind \"$1\" /etc/resolv.conf; mount --bind \"$2\" /etc/nsswitch.conf; exec \"$3\" --exact \"$4\"")
        .arg("sh")
        .args([&resolver, &switch, &std::env::current_exe().unwrap()])
        .arg("a_name_lookup_that_hangs_holds_up_no_frame")
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inside.stdout);
    assert!(inside.status.success(), "{said}{}", String::from_utf8_lossy(&inside.stderr));
    assert!(said.contains("1 passed"), "{said}");
    silent.set_nonblocking(true).unwrap();
    assert!(silent.recv(&mut [0; 512]).is_ok(), "nobody has asked for the name");
}

fn hang_in_a_lookup() {
    let running = Running::start();
    let mut ids = Vec::new();
    frames_while(&running, |beat| {
        // One that stays, others that are cancelled while their names are looked up.
        match beat % 5 {
            0 => ids.push(running.add(Url::parse(&format!("http://host-{beat}.example.org/f")).unwrap())),
            2 if ids.len() > 1 => running.engine.send(Command::Remove(ids.pop().unwrap())),
            _ => {}
        }
    });
    assert_eq!(running.state(ids[0]), State::Connecting, "it does not hang");
    let begin = Instant::now();
    running.stop();
    assert!(begin.elapsed() < LONGEST_GAP, "the end took {:?}", begin.elapsed());
}

#[test]
fn a_transfer_that_is_cancelled_while_it_connects_holds_up_no_frame() {
    let (_full, address) = full_queue();
    let running = Running::start();
    let url = |number| Url::parse(&format!("http://{address}/{number}")).unwrap();
    let mut last = None;
    frames_while(&running, |beat| {
        if let Some(id) = last.take() {
            assert_eq!(running.state(id), State::Connecting, "it does not hang");
            running.engine.send(if beat % 2 == 0 { Command::Pause(id) } else { Command::Remove(id) });
        }
        last = Some(running.add(url(beat)));
    });
    running.stop();
}

/// A listener whose queue of connections is full: whoever comes now waits for an answer.
fn full_queue() -> (Vec<Socket>, SocketAddr) {
    let new = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = new();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let fill = || {
        let socket = new();
        socket.set_nonblocking(true).unwrap();
        // It is under way, which is no success.
        let _ = socket.connect(&address);
        socket
    };
    let waiting: Vec<_> = std::iter::repeat_with(fill).take(4).collect();
    (waiting.into_iter().chain([listener]).collect(), address.as_socket().unwrap())
}
