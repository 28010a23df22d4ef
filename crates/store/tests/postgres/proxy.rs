//! A road between store and server that ends when a story says so.
#![allow(dead_code)] // Each test binary uses its own part.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A simple query `commit`, as it crosses the road.
const COMMIT: &[u8] = b"Q\0\0\0\x0bcommit\0";

/// What becomes of a commit that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passed,
    /// The connection ends, and the server never hears of the commit.
    CutBefore,
    /// The server hears of it, and the client never hears what became of it.
    CutAfter,
    /// As before the cuts, but nobody is told that the connection has ended; nor does anything pass from then on.
    SilentBefore,
    SilentAfter,
}

type Fates = Box<dyn FnMut() -> Fate + Send>;

struct Road {
    server: u16,
    fates: Mutex<Fates>,
    silent: AtomicBool,
    cut: AtomicUsize,
    clients: Mutex<Vec<TcpStream>>,
}

pub(crate) struct Proxy {
    port: u16,
    road: Arc<Road>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let fates = Mutex::new(Box::new(|| Fate::Passed) as Fates);
        let road = Road {
            server,
            fates,
            silent: AtomicBool::new(false),
            cut: AtomicUsize::new(0),
            clients: Mutex::default(),
        };
        let road = Arc::new(road);
        let taking = Arc::clone(&road);
        std::thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                let road = Arc::clone(&taking);
                std::thread::spawn(move || carry(&road, &client));
            }
        });
        Self { port, road }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// From now on commits meet these fates.
    pub(crate) fn decide(&self, fates: impl FnMut() -> Fate + Send + 'static) {
        *self.road.fates.lock().unwrap() = Box::new(fates);
    }

    /// Nothing passes, and nobody is told; or it does again, for connections that begin from now on.
    pub(crate) fn be_silent(&self, silent: bool) {
        self.road.silent.store(silent, Ordering::SeqCst);
    }

    /// Every connection that there is ends, and whoever waits there is told.
    pub(crate) fn part(&self) {
        self.road.clients.lock().unwrap().drain(..).for_each(|client| drop(client.shutdown(Shutdown::Both)));
    }

    /// How many commits were cut off.
    pub(crate) fn cut(&self) -> usize {
        self.road.cut.load(Ordering::SeqCst)
    }
}

fn carry(road: &Arc<Road>, client: &TcpStream) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", road.server)) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    road.clients.lock().unwrap().push(client.try_clone().unwrap());
    let dead = Arc::new(AtomicBool::new(false));
    let (back, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let (its_road, its_dead) = (Arc::clone(road), Arc::clone(&dead));
    std::thread::spawn(move || {
        pass(&back, &to, |_| {
            // Once silent, silent for good: what was lost on the way does not come later.
            let silent = its_road.silent.load(Ordering::SeqCst);
            if silent {
                its_dead.store(true, Ordering::SeqCst);
            }
            !its_dead.load(Ordering::SeqCst)
        });
        if !its_dead.load(Ordering::SeqCst) {
            let _ = to.shutdown(Shutdown::Both);
        }
    });
    pass(client, &server, |bytes| {
        if road.silent.load(Ordering::SeqCst) {
            dead.store(true, Ordering::SeqCst);
        }
        if dead.load(Ordering::SeqCst) {
            return false;
        }
        if !bytes.windows(COMMIT.len()).any(|some| some == COMMIT) {
            return true;
        }
        let fate = (road.fates.lock().unwrap())();
        if fate == Fate::Passed {
            return true;
        }
        dead.store(true, Ordering::SeqCst);
        road.cut.fetch_add(1, Ordering::SeqCst);
        if matches!(fate, Fate::CutAfter | Fate::SilentAfter) {
            let _ = (&server).write_all(bytes);
        }
        if matches!(fate, Fate::SilentBefore | Fate::SilentAfter) {
            road.silent.store(true, Ordering::SeqCst);
        } else {
            let _ = client.shutdown(Shutdown::Both);
        }
        false
    });
    // The server reads what it was sent before it sees the end.
    let _ = server.shutdown(Shutdown::Write);
}

/// Carries bytes one way, those that may go.
fn pass(mut from: &TcpStream, mut to: &TcpStream, mut may_go: impl FnMut(&[u8]) -> bool) {
    let mut bytes = vec![0; 65_536];
    loop {
        match from.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                if may_go(&bytes[..length]) && to.write_all(&bytes[..length]).is_err() {
                    return;
                }
            }
        }
    }
}
