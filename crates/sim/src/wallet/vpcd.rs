//! A virtual reader of the PC/SC service: the card's side of vpcd, the driver of the vsmartcard project.
//!
//! For: [`VpcdCard`], which connects whatever card is in a [`Field`] to vpcd and closes the connection when the
//! card leaves the field, so that terminals find it through PC/SC as they find a real card.
//! Refuses: anything but the loopback's plain TCP; vpcd knows no other. Frames are a length in two bytes and
//! so many bytes; a frame of one byte is a control, every other a command to the card.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use socket2::SockRef;
use tap::card::ATR;
use tap::reader::ReaderError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;
use tracing::{debug, info};

use super::Field;
use super::field::Presented;

/// Where vpcd listens unless it was told otherwise.
pub const VPCD_ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 35963));

/// How long until the service is tried again.
const RETRY: Duration = Duration::from_millis(500);

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const GET_ATR: u8 = 4;

/// A task that is the card's side of one virtual reader. It runs until it is stopped or dropped.
#[derive(Debug)]
pub struct VpcdCard {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    connected: watch::Receiver<bool>,
}

impl VpcdCard {
    /// Starts in the current runtime. A service that is not there is tried again as long as a card is held.
    pub fn start(address: SocketAddr, field: Field) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, connected) = watch::channel(false);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = serve(address, field, &tell) => {}
                // Stopped, or every handle is gone.
                _ = stopped => {}
            }
            let _ = tell.send(false);
        });
        Self { stop, task, connected }
    }

    /// Whether a card is connected to the service, and every change of it.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.connected.clone()
    }

    /// Closes the connection and waits until that is done. The card stays in the field.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        // It ends by itself; that it panicked was told where it did.
        let _ = self.task.await;
    }
}

async fn serve(address: SocketAddr, field: Field, tell: &watch::Sender<bool>) {
    let mut changes = field.watch();
    loop {
        changes.mark_unchanged();
        if let Some(presented) = field.presented() {
            let mut ended = changes.clone();
            tokio::select! {
                end = one_connection(address, &field, &presented, tell) => match end {
                    Ok(()) => info!(%address, "the virtual reader closed the connection"),
                    Err(failure) => debug!(%address, %failure, "no connection to the virtual reader"),
                },
                _ = ended.changed() => {}
            }
            tell.send_if_modified(std::mem::take);
            if changes.has_changed().unwrap_or(true) {
                continue;
            }
            // The same card is still there, the service is not.
            tokio::select! {
                () = sleep(RETRY) => {}
                _ = changes.changed() => {}
            }
        } else if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn one_connection(
    address: SocketAddr,
    field: &Field,
    presented: &Presented,
    tell: &watch::Sender<bool>,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // The service writes length and bytes apart: with a delayed acknowledgement each command takes 40 ms.
    quick(&stream)?;
    tell.send_replace(true);
    loop {
        let mut length = [0; 2];
        match stream.read_exact(&mut length).await {
            Err(failure) if failure.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        };
        quick(&stream)?;
        let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut frame).await?;
        quick(&stream)?;
        match frame.as_slice() {
            [POWER_OFF | POWER_ON | RESET] => presented.wallet.reset(),
            [GET_ATR] => answer(&mut stream, &ATR).await?,
            _ => match process(field, presented, frame).await {
                Ok(bytes) => answer(&mut stream, &bytes).await?,
                Err(failure) => return Err(io::Error::other(failure)),
            },
        }
    }
}

/// The card waits for its disk: not on the thread that serves others.
async fn process(field: &Field, presented: &Presented, apdu: Vec<u8>) -> Result<Vec<u8>, ReaderError> {
    let (field, presented) = (field.clone(), presented.clone());
    let done = spawn_blocking(move || field.transmit(&presented, &apdu)).await;
    done.unwrap_or(Err(ReaderError::ReaderGone))
}

async fn answer(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    // A card's answer has at most 258 bytes.
    let mut frame = (bytes.len() as u16).to_be_bytes().to_vec();
    frame.extend_from_slice(bytes);
    stream.write_all(&frame).await
}

/// The system takes it back by itself: it is set again after each receipt.
fn quick(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_quickack(true)
}
