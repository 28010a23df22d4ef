//! NB-IoT as the platform sees it: datagrams from a card.

use coap::Config;
use model::ChannelId;
use server::Fleet;
use server::bearer::coap::BaseStation;

use crate::radio::{ACK, CON, EMPTY, Message, RST, Radio};
use crate::town::Town;
use crate::{Network, Word};

pub(crate) struct Udp {
    _station: BaseStation,
    radio: Radio,
    sent: Vec<u8>,
    /// What came that nobody has taken yet.
    came: Vec<Message>,
    push: Option<Message>,
}

impl Udp {
    fn keep(&mut self, message: Message) {
        // Acknowledgements of ours, and "nothing waits", carry no frame.
        if !message.payload.is_empty() {
            self.came.push(message);
        }
    }
}

impl Network for Udp {
    const VOUCHES: bool = false;
    const QUEUES: bool = false;

    async fn open(fleet: Fleet) -> Self {
        let station =
            BaseStation::start("127.0.0.1:0".parse().unwrap(), Config::default(), 7, fleet).await.unwrap();
        let radio = Radio::on("127.0.0.1", station.address()).await;
        Self { _station: station, radio, sent: Vec::new(), came: Vec::new(), push: None }
    }

    fn channel(number: u64) -> ChannelId {
        ChannelId::imei(356_938_035_643_800 + number).unwrap()
    }

    async fn uplink(&mut self, _: ChannelId, frame: &[u8]) {
        self.sent = self.radio.posted(frame);
        self.radio.send(&self.sent).await;
    }

    async fn repeat(&mut self) {
        self.radio.send(&self.sent).await;
    }

    async fn downlink(&mut self) -> Vec<u8> {
        while self.came.is_empty() {
            let message = self.radio.receive().await;
            self.keep(message);
        }
        let message = self.came.remove(0);
        match message.kind {
            ACK => {}
            CON if message.code == crate::radio::POST => self.push = Some(message.clone()),
            CON => self.radio.acknowledge(&message).await,
            other => panic!("{other}: {message:?}"),
        }
        message.payload
    }

    async fn sends(&mut self) {}

    async fn says(&mut self, word: Word) {
        let Some(push) = self.push.take() else { return };
        match word {
            Word::Acknowledged => self.radio.take(&push).await,
            Word::NotAcknowledged => {
                self.radio.send(&[0x70, EMPTY, (push.mid >> 8) as u8, push.mid as u8]).await;
            }
        }
    }

    async fn is_quiet(&mut self, _: &Town) -> bool {
        let (mid, _) = self.radio.fresh();
        self.radio.send(&crate::radio::message(CON, EMPTY, mid, &[], &[], &[])).await;
        loop {
            let message = self.radio.receive().await;
            if (message.kind, message.mid) == (RST, mid) {
                return self.came.is_empty();
            }
            self.keep(message);
        }
    }
}
