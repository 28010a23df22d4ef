//! The virtual reader's other end, played by the test.

use std::net::SocketAddr;

use sim::wallet::{Field, SoftWallet, Tear, VpcdCard};
use tap::card::ATR;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;

/// The service's end of one connection: one card in the virtual reader.
struct Slot(TcpStream);

impl Slot {
    async fn tell(&mut self, frame: &[u8]) {
        // Length and bytes apart, as the service does.
        self.0.write_all(&(frame.len() as u16).to_be_bytes()).await.unwrap();
        self.0.write_all(frame).await.unwrap();
    }

    /// An answer; `None` when the card left.
    async fn hear(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).await.ok()?;
        let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut frame).await.unwrap();
        Some(frame)
    }

    async fn ask(&mut self, apdu: &str) -> Option<String> {
        self.tell(&hex::decode(apdu).unwrap()).await;
        self.hear().await.map(hex::encode)
    }
}

async fn soon<T>(story: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), story).await.unwrap()
}

async fn service() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_card_in_the_field_is_a_card_in_the_virtual_reader() {
    soon(async {
        let (listener, address) = service().await;
        let (field, wallet) = (Field::new(), SoftWallet::new(image(1)));
        let card = VpcdCard::start(address, field.clone());
        let mut connected = card.watch();
        field.hold(&wallet);
        let mut slot = Slot(listener.accept().await.unwrap().0);
        connected.wait_for(|there| *there).await.unwrap();
        slot.tell(&[4]).await;
        assert_eq!(slot.hear().await.unwrap(), ATR);
        slot.tell(&[1]).await;
        assert!(slot.ask(SELECT).await.unwrap().ends_with("9000"));
        assert_eq!(slot.ask("805c000204").await.unwrap(), "000027109000");
        // A reset leaves nothing selected; an empty frame is answered like any command that is too short.
        slot.tell(&[2]).await;
        assert_eq!(slot.ask("805c000204").await.unwrap(), "6985");
        assert_eq!(slot.ask("").await.unwrap(), "6700");
        slot.tell(&[0]).await;

        // Taken away, and held again.
        field.remove();
        assert_eq!(slot.hear().await, None);
        connected.wait_for(|there| !*there).await.unwrap();
        field.hold(&wallet);
        let mut slot = Slot(listener.accept().await.unwrap().0);

        // A torn command is a closed connection, and an empty field.
        wallet.tear(Tear::after(2));
        assert!(slot.ask(SELECT).await.is_some());
        assert_eq!(slot.ask("00200000021111").await, None);
        assert!(field.wallet().is_none());
        assert_eq!(wallet.image().memory.pin_tries_left, 2);

        field.hold(&wallet);
        let mut slot = Slot(listener.accept().await.unwrap().0);
        card.stop().await;
        assert_eq!(slot.hear().await, None);
        assert!(field.wallet().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_service_that_goes_is_tried_again_while_the_card_is_held() {
    soon(async {
        let (listener, address) = service().await;
        let (field, wallet) = (Field::new(), SoftWallet::new(image(1)));
        field.hold(&wallet);
        let card = VpcdCard::start(address, field.clone());
        drop(listener.accept().await.unwrap());
        let mut slot = Slot(listener.accept().await.unwrap().0);
        assert!(slot.ask(SELECT).await.unwrap().ends_with("9000"));
        // Dropped is stopped.
        drop(card);
        assert_eq!(slot.hear().await, None);
    })
    .await;
}
