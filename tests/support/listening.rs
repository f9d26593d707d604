// SPDX-License-Identifier: GPL-3.0-or-later
//! A port of the loopback whose connections are served on a thread each, and all ended when it is dropped: what
//! small servers of the tests have in common.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    has_ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Listening {
    /// Serves every connection so. That a client goes away is ordinary, and ends only its own.
    pub fn start(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of the loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let has_ended = Arc::new(AtomicBool::new(false));
        let accepting = thread::spawn({
            let has_ended = has_ended.clone();
            move || accept(&listener, &has_ended, &Arc::new(serve))
        });
        Self { address, has_ended, accepting: Some(accepting) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::SeqCst);
        // Wakes the accepting thread; when it is gone there is nothing to wake.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

fn accept<S>(listener: &TcpListener, has_ended: &AtomicBool, serve: &Arc<S>)
where
    S: Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
{
    let mut serving = Vec::new();
    for stream in listener.incoming().flatten() {
        if has_ended.load(Ordering::SeqCst) {
            break;
        }
        let (handle, serve) = (stream.try_clone(), serve.clone());
        let thread = thread::spawn(move || serve(stream).unwrap_or_default());
        serving.retain(|(_, thread): &(_, JoinHandle<()>)| !thread.is_finished());
        serving.push((handle, thread));
    }
    for (stream, thread) in serving {
        let _ = stream.and_then(|stream| stream.shutdown(Shutdown::Both));
        let _ = thread.join();
    }
}
