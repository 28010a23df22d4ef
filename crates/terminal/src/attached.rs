//! A reader on a thread of its own: what blocks there blocks nobody else, and what never answers is given up.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tap::{Reader, ReaderError};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

/// So many calls may wait behind one that hangs.
const CALLS_MAX: usize = 8;

type Reply<T> = oneshot::Sender<Result<T, ReaderError>>;

enum Call {
    Connect(Reply<()>),
    /// The card's own PIN may be in it.
    Transmit(Zeroizing<Vec<u8>>, Reply<Vec<u8>>),
    Disconnect,
}

/// A reader that transactions can use, one at a time. Clones are the same reader.
#[derive(Clone)]
pub struct AttachedReader {
    name: Arc<str>,
    calls: SyncSender<Call>,
    taken: Arc<Mutex<()>>,
}

impl AttachedReader {
    /// Puts a reader on a thread of its own, which ends with the last clone.
    pub fn new(name: &str, reader: impl Reader + Send + 'static) -> io::Result<Self> {
        let (calls, called) = sync_channel(CALLS_MAX);
        thread::Builder::new().name("reader".into()).spawn(move || serve(reader, &called))?;
        Ok(Self { name: name.into(), calls, taken: Arc::default() })
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The reader for one transaction; `None` while another has it.
    pub(crate) fn take(&self) -> Option<TakenReader> {
        let taken = Arc::clone(&self.taken).try_lock_owned().ok()?;
        Some(TakenReader { calls: self.calls.clone(), _taken: taken })
    }
}

impl fmt::Debug for AttachedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AttachedReader").field(&self.name).finish()
    }
}

/// A reader in the hands of one transaction. Dropped, it lets go of the card.
pub(crate) struct TakenReader {
    calls: SyncSender<Call>,
    _taken: OwnedMutexGuard<()>,
}

impl TakenReader {
    /// Waits for a card until this moment. One that comes later is let go of again.
    pub(crate) async fn connect(&self, until: Instant) -> Result<(), ReaderError> {
        let (reply, answer) = oneshot::channel();
        self.call(Call::Connect(reply))?;
        match timeout_at(until, answer).await {
            Ok(answer) => answer.unwrap_or(Err(ReaderError::ReaderGone)),
            Err(_) => Err(ReaderError::NoCard),
        }
    }

    pub(crate) async fn transmit(&self, apdu: Vec<u8>, within: Duration) -> Result<Vec<u8>, ReaderError> {
        let (reply, answer) = oneshot::channel();
        self.call(Call::Transmit(Zeroizing::new(apdu), reply))?;
        match timeout(within, answer).await {
            Ok(answer) => answer.unwrap_or(Err(ReaderError::ReaderGone)),
            Err(_) => Err(ReaderError::TimedOut),
        }
    }

    /// Lets go of the card, once the reader is done with what it does.
    pub(crate) fn disconnect(&self) {
        // A reader that takes no call more has no card either.
        let _ = self.calls.try_send(Call::Disconnect);
    }

    fn call(&self, call: Call) -> Result<(), ReaderError> {
        use std::sync::mpsc::TrySendError::{Disconnected, Full};
        self.calls.try_send(call).map_err(|refused| match refused {
            Full(_) => ReaderError::TimedOut,
            Disconnected(_) => ReaderError::ReaderGone,
        })
    }
}

impl Drop for TakenReader {
    fn drop(&mut self) {
        self.disconnect();
    }
}

fn serve(mut reader: impl Reader, called: &Receiver<Call>) {
    while let Ok(call) = called.recv() {
        let is_heard = match call {
            // Nobody waits any more: the call was given up behind one that hung.
            Call::Connect(reply) if reply.is_closed() => true,
            Call::Connect(reply) => reply.send(reader.connect()).is_ok(),
            Call::Transmit(_, reply) if reply.is_closed() => true,
            Call::Transmit(apdu, reply) => reply.send(reader.transmit(&apdu)).is_ok(),
            Call::Disconnect => false,
        };
        if !is_heard {
            reader.disconnect();
        }
    }
    reader.disconnect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A reader that answers when the test says so.
    struct Slow {
        go_on: mpsc::Receiver<()>,
        told: mpsc::Sender<&'static str>,
    }

    impl Reader for Slow {
        fn connect(&mut self) -> Result<(), ReaderError> {
            self.told.send("connect").unwrap();
            self.go_on.recv().map_err(|_| ReaderError::ReaderGone)
        }
        fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, ReaderError> {
            self.told.send("transmit").unwrap();
            self.go_on.recv().map_err(|_| ReaderError::ReaderGone)?;
            Ok(vec![0x90, 0x00])
        }
        fn disconnect(&mut self) {
            self.told.send("disconnect").unwrap();
        }
    }

    fn slow() -> (AttachedReader, mpsc::Sender<()>, mpsc::Receiver<&'static str>) {
        let ((go, go_on), (told, tell)) = (mpsc::channel(), mpsc::channel());
        (AttachedReader::new("slow", Slow { go_on, told }).unwrap(), go, tell)
    }

    #[tokio::test]
    async fn a_reader_that_hangs_is_given_up_and_lets_go_of_its_card_when_it_wakes() {
        let (reader, go, told) = slow();
        let taken = reader.take().unwrap();
        assert!(reader.take().is_none());
        go.send(()).unwrap();
        taken.connect(Instant::now() + Duration::from_secs(9)).await.unwrap();
        let answer = taken.transmit(vec![0, 0xa4], Duration::from_millis(20)).await;
        assert_eq!(answer, Err(ReaderError::TimedOut));
        // What comes behind it is not done later.
        let behind = taken.transmit(vec![0x80, 0x52], Duration::from_millis(20)).await;
        assert_eq!(behind, Err(ReaderError::TimedOut));
        go.send(()).unwrap();
        assert_eq!([(); 3].map(|()| told.recv().unwrap()), ["connect", "transmit", "disconnect"]);
        drop(taken);
        assert_eq!(told.recv().unwrap(), "disconnect");
        assert!(told.try_recv().is_err());
        assert!(reader.take().is_some());
    }

    #[tokio::test]
    async fn a_card_that_comes_too_late_is_let_go_of() {
        let (reader, go, told) = slow();
        let taken = reader.take().unwrap();
        let late = taken.connect(Instant::now() + Duration::from_millis(20)).await;
        assert_eq!(late, Err(ReaderError::NoCard));
        go.send(()).unwrap();
        assert_eq!([(); 2].map(|()| told.recv().unwrap()), ["connect", "disconnect"]);
    }

    #[tokio::test]
    async fn calls_behind_a_hanging_reader_do_not_pile_up() {
        let (reader, _go, _told) = slow();
        let taken = reader.take().unwrap();
        for _ in 0..CALLS_MAX + 3 {
            let late = taken.connect(Instant::now()).await;
            assert!(matches!(late, Err(ReaderError::NoCard | ReaderError::TimedOut)), "{late:?}");
        }
    }
}
