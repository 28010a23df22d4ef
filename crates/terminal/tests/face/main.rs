//! Stories of the terminal's own pages, over a real socket and without a browser: a terminal that was enrolled at a
//! bank of the test's own, with a card in software.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

#[allow(dead_code, reason = "the stories of transactions use more of it")]
#[path = "../terminal/bank.rs"]
mod bank;
mod browser;
mod entering;
mod showing;
#[allow(dead_code, reason = "the stories of transactions use more of it")]
#[path = "../terminal/stand.rs"]
mod stand;
mod tapping;

use std::sync::Arc;
use std::time::Duration;

use crypto::PurseMasterKey;
use model::{Asn, Fen, OnlineCounter, TerminalId};
use sim::wallet::{Field, SoftReader, SoftWallet};
use tap::card::{WalletImage, WalletKeys};
use tempfile::TempDir;
use terminal::face::{Face, FaceOptions};
use terminal::{AttachedReader, Cost, EnrolRequest, Passphrase, Terminal, Waits};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use bank::Bank;
use browser::Browser;
use stand::{Authority, Stand};

const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
const AID: [u8; 9] = [0xa0, 0, 0, 0, 3, 0x86, 0x98, 7, 1];

fn asn() -> Asn {
    "00001000751234567801".parse().unwrap()
}

fn load_master() -> PurseMasterKey {
    PurseMasterKey::from_bytes([0x11; 16])
}

/// An activated card with 100.00 yuan.
fn wallet() -> SoftWallet {
    let key = |byte| PurseMasterKey::from_bytes([byte; 16]).diversify(asn());
    let keys = WalletKeys::new(load_master().diversify(asn()), key(2), key(3), key(4));
    let mut image = WalletImage::new(&AID, asn(), keys);
    image.memory.set_validity([0x20, 0x26, 1, 1], [0x20, 0x36, 0x12, 0x31]);
    image.memory.balance = Fen(10_000);
    image.memory.online = OnlineCounter(7);
    SoftWallet::new(image)
}

/// A terminal that serves its pages, the bank that it was enrolled at, and a card beside the reader.
struct Counter {
    bank: Arc<Bank>,
    terminal: Terminal,
    wallet: SoftWallet,
    field: Field,
    browser: Browser,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
    _stand: Stand,
    _folder: TempDir,
}

impl Counter {
    async fn new() -> Self {
        Self::with(FaceOptions::default()).await
    }

    async fn with(options: FaceOptions) -> Self {
        let authority = Authority::new();
        let bank = Arc::new(Bank::new());
        let answering = Arc::clone(&bank);
        let stand = Stand::start(authority.server(), move |path, body| answering.answer(path, body)).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terminal");
        let passphrase = || Passphrase::new("correct horse battery".into()).unwrap();
        let request = EnrolRequest {
            terminal: TERMINAL,
            code: bank.code().clone(),
            security_url: stand.url().parse().unwrap(),
            transaction_url: stand.url().parse().unwrap(),
            ca: Some(authority.pem().into()),
            passphrase: passphrase(),
            cost: Cost::Testing,
        };
        terminal::enrol(&path, request).await.unwrap();
        std::fs::create_dir(path.join("packs")).unwrap();
        packs::write_examples(&path.join("packs")).unwrap();
        std::fs::write(path.join("packs/strange.pack.toml"), "# no pack\n").unwrap();
        let waits = Waits {
            card: Duration::from_secs(20),
            card_again: Duration::from_millis(600),
            reader: Duration::from_secs(2),
        };
        let terminal = Terminal::open_with(&path, passphrase(), waits).await.unwrap();

        let (wallet, field) = (wallet(), Field::new());
        let reader = |name, field| {
            AttachedReader::new(name, SoftReader::new(field, Duration::from_millis(50))).unwrap()
        };
        let readers = vec![reader("front reader", field.clone()), reader("back reader", Field::new())];
        let face = Face::new(terminal.clone(), readers, &options);
        let (browser, stop, served) = serve(face).await;
        Self {
            bank,
            terminal,
            wallet,
            field,
            browser,
            stop: Some(stop),
            served,
            _stand: stand,
            _folder: folder,
        }
    }
}

/// Waits until something is so.
async fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not soon: {what}");
}

/// Serves a face at any port.
async fn serve(face: Face) -> (Browser, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let browser = Browser::at(listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let stopped = async move {
        // Whoever drops it stops it too.
        let _ = stopped.await;
    };
    let served = tokio::spawn(async move { terminal::face::serve(face, listener, stopped).await.unwrap() });
    (browser, stop, served)
}
