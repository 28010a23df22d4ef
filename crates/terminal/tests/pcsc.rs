//! The readers of PC/SC through the real service, with a card in software in its virtual reader (vpcd).
//!
//! Needs the packages pcscd and vsmartcard-vpcd. Where no service runs, it starts one for itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crypto::PurseMasterKey;
use model::{Asn, Fen, TerminalId};
use sim::wallet::{Field, PcscService, SoftWallet, Tear, VPCD_ADDRESS, VpcdCard};
use tap::apdu;
use tap::card::{WalletImage, WalletKeys};
use tap::message::InitializeAnswer;
use tap::{Reader, ReaderError};
use terminal::{PcscReader, list_readers};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::spawn_blocking;

const AID: [u8; 9] = [0xa0, 0, 0, 0, 3, 0x86, 0x98, 7, 1];
const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
/// As long as a transaction tries again to connect.
const AGAIN: Duration = Duration::from_secs(3);

fn virtual_reader() -> Option<String> {
    list_readers().ok()?.into_iter().find(|name| PcscService::is_virtual(name))
}

fn wallet() -> SoftWallet {
    let asn: Asn = "00001000751234567801".parse().unwrap();
    let key = |byte| PurseMasterKey::from_bytes([byte; 16]).diversify(asn);
    let mut image = WalletImage::new(&AID, asn, WalletKeys::new(key(1), key(2), key(3), key(4)));
    image.memory.set_validity([0x20, 0x26, 1, 1], [0x20, 0x36, 0x12, 0x31]);
    image.memory.balance = Fen(10_000);
    SoftWallet::new(image)
}

/// Connects as a transaction does: no card is waited for, trouble is tried again.
fn connect(reader: &mut PcscReader, within: Duration) -> Result<(), ReaderError> {
    let began = Instant::now();
    loop {
        match reader.connect() {
            Ok(()) => return Ok(()),
            Err(error) if began.elapsed() > within => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn select(reader: &mut PcscReader) {
    let answer = reader.transmit(&apdu::select_by_name(&AID)).unwrap();
    assert_eq!(answer[answer.len() - 2..], [0x90, 0x00], "{answer:02x?}");
}

fn initialize(reader: &mut PcscReader) -> Result<InitializeAnswer, ReaderError> {
    let apdu = apdu::initialize_for_load(1, Fen(2_000), TERMINAL, crypto::PurseKind::PurseLoad);
    let answer = reader.transmit(&apdu)?;
    assert_eq!(answer.len(), 18, "{answer:02x?}");
    Ok(InitializeAnswer::parse(answer[..16].try_into().unwrap()))
}

/// An outgoing connection with this address at its near end, unless that is taken already.
async fn outgoing_from(near: SocketAddr) -> Option<(TcpStream, TcpListener)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(near).ok()?;
    Some((socket.connect(listener.local_addr().unwrap()).await.unwrap(), listener))
}

/// All in one: there is one virtual reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_found_talked_to_torn_and_found_again_through_the_real_service() {
    // Another connection has the driver's own port, as happens: it is one of those that outgoing connections are given.
    let _other = outgoing_from(VPCD_ADDRESS).await;
    let service =
        spawn_blocking(|| PcscService::there(|| virtual_reader().is_some())).await.unwrap().unwrap();
    let (field, wallet) = (Field::new(), wallet());
    let card = VpcdCard::start(service.address(), field.clone());

    let mut reader = spawn_blocking(|| {
        let mut reader = PcscReader::new(&virtual_reader().expect("a virtual reader")).unwrap();
        assert_eq!(reader.connect(), Err(ReaderError::NoCard));
        assert_eq!(reader.transmit(&[0, 0xa4, 4, 0]), Err(ReaderError::NoCard));
        reader
    })
    .await
    .unwrap();

    // A card comes.
    field.hold(&wallet);
    reader = spawn_blocking(move || {
        connect(&mut reader, Duration::from_secs(10)).unwrap();
        select(&mut reader);
        let answer = initialize(&mut reader).unwrap();
        assert_eq!((answer.balance, answer.counter.0), (Fen(10_000), 0));
        // Let go of and connected again it is fresh: nothing is selected.
        reader.disconnect();
        connect(&mut reader, AGAIN).unwrap();
        assert_eq!(reader.transmit(&apdu::get_balance(crypto::PurseKind::PurseLoad)).unwrap(), [0x69, 0x85]);
        reader
    })
    .await
    .unwrap();

    // It is torn out in the middle of a command, which it has done; the field is empty then.
    wallet.tear(Tear::after(2));
    reader = spawn_blocking(move || {
        select(&mut reader);
        assert_eq!(initialize(&mut reader), Err(ReaderError::CardGone));
        reader.disconnect();
        reader
    })
    .await
    .unwrap();
    assert!(field.wallet().is_none());

    // It is back at once, and found within the time that a transaction tries again.
    for pause in [0, 50, 300, 900] {
        field.hold(&wallet);
        reader = spawn_blocking(move || {
            connect(&mut reader, AGAIN).unwrap();
            select(&mut reader);
            initialize(&mut reader).unwrap();
            reader
        })
        .await
        .unwrap();
        field.remove();
        // Whoever talks to a card that was taken away hears that it is gone.
        reader = spawn_blocking(move || {
            assert_eq!(initialize(&mut reader), Err(ReaderError::CardGone));
            reader.disconnect();
            reader
        })
        .await
        .unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    // A reader that is none.
    spawn_blocking(|| {
        let mut none = PcscReader::new("no such reader").unwrap();
        assert_eq!(none.connect(), Err(ReaderError::ReaderGone));
    })
    .await
    .unwrap();
    drop(reader);
    card.stop().await;
}
