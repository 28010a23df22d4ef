//! A line between terminal and bank that can be stopped at the moment when a card has taken its load and the bank
//! does not know it yet.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::program::process::PATIENCE;

/// What happens to what a terminal says once its card holds money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The connection breaks, and so does every later one.
    Cut,
    /// Nothing arrives, and nobody is told.
    Silence,
}

/// A line that listens.
pub(crate) struct Line {
    pub(crate) port: u16,
    stops: Arc<Mutex<Option<(PathBuf, Then)>>>,
    stopped: Receiver<()>,
    mended: Arc<AtomicBool>,
}

impl Line {
    /// A line to this port of the bank's.
    pub(crate) fn to(bank: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stops, mended) = (Arc::default(), Arc::new(AtomicBool::new(true)));
        let (told, stopped) = channel();
        let line = Self { port, stops: Arc::clone(&stops), stopped, mended: Arc::clone(&mended) };
        std::thread::spawn(move || {
            for terminal in listener.incoming().map_while(Result::ok) {
                let Ok(bank) = TcpStream::connect(("127.0.0.1", bank)) else { continue };
                let (mut down, mut up) = (bank.try_clone().unwrap(), terminal.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut down, &mut up));
                let carrier =
                    Carrier { stops: Arc::clone(&stops), told: told.clone(), mended: Arc::clone(&mended) };
                std::thread::spawn(move || carrier.carry(terminal, bank));
            }
        });
        line
    }

    /// From the moment that this card's file holds money, what the terminal says does not arrive.
    pub(crate) fn stop_when_loaded(&self, wallet: &Path, then: Then) {
        self.mended.store(false, Ordering::SeqCst);
        // What did not arrive earlier is of another card.
        while self.stopped.try_recv().is_ok() {}
        *self.stops.lock().unwrap() = Some((wallet.to_owned(), then));
    }

    /// Waits until something did not arrive.
    #[track_caller]
    pub(crate) fn is_stopped(&self) {
        self.stopped.recv_timeout(PATIENCE).expect("the line is stopped");
    }

    /// New connections are carried again.
    pub(crate) fn mend(&self) {
        *self.stops.lock().unwrap() = None;
        self.mended.store(true, Ordering::SeqCst);
    }
}

struct Carrier {
    stops: Arc<Mutex<Option<(PathBuf, Then)>>>,
    told: Sender<()>,
    mended: Arc<AtomicBool>,
}

impl Carrier {
    /// From the terminal to the bank, until either is gone.
    fn carry(&self, mut terminal: TcpStream, mut bank: TcpStream) {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = terminal.read(&mut bytes) {
            if let Some(then) = self.now() {
                // The test may have ended.
                let _ = self.told.send(());
                while then == Then::Silence && !self.mended.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                break;
            }
            if bank.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        for stream in [terminal, bank] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn now(&self) -> Option<Then> {
        let stops = self.stops.lock().unwrap();
        let (wallet, then) = stops.as_ref()?;
        let holds_money = sim::wallet::WalletFile::peek(wallet).unwrap().memory.balance.0 > 0;
        holds_money.then_some(*then)
    }
}
