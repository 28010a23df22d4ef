//! Many cards at once, for load.
//!
//! For: [`Crowd`], which pays with thousands of real card controllers over a few UDP sockets. A card costs
//! its controller and its element, no task and no socket: one task serves a socket and all its cards. A
//! holder's time is virtual: each card's clock runs ahead by the guard time and the pause after the presses,
//! so a prompt is answered at once, with the very frames that a patient holder would cause.
//! Refuses: being a card to live with. Memory is not durable, and a card that failed is switched off and on.
//!
//! What a measurement must know:
//! - A time factor is a second, so a card has at most about one payment a second in it, and sixty more at
//!   once: past that the platform stays silent by rule. Many payments a second want as many cards.
//! - All cards of one socket are one CoAP peer to the platform: its `coap::Config::exchanges_per_peer` (8 by
//!   default) must be as large as the payments in flight through one socket, or it takes them for a flood.
//! - A socket's receive buffer holds some two hundred small datagrams as systems are set by default: with
//!   more in flight through one socket, some are lost and come again after two seconds. Take more sockets.
//! - The first hello of a card is full, and wide because its clock is not set; those after it are brief.

mod lane;
mod loose;
mod member;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use crate::card::any_port;
use crate::{CardImage, PayError, StartError};
use lane::{Lane, Wish};
use loose::Loose;
pub use loose::LooseEnd;
use member::{Goal, Member};

/// Wishes that may wait for one socket's task.
const WISHES: usize = 1024;

/// What one payment took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaymentTimes {
    /// From sending the hello that was answered with it to the transaction.
    pub hello_to_transaction: Duration,
    /// From sending the result to its receipt.
    pub result_to_receipt: Duration,
    /// Bytes of that hello, the transaction and the result.
    pub bytes: u32,
}

/// Many cards over a few sockets. Dropping it ends their tasks.
#[derive(Debug)]
pub struct Crowd {
    lanes: Vec<mpsc::Sender<Wish>>,
    cards: usize,
}

impl Crowd {
    /// Switches all cards on, spread evenly over so many sockets (at least one). Nothing is sent yet.
    pub async fn new(
        images: impl IntoIterator<Item = CardImage>,
        platform: SocketAddr,
        sockets: usize,
    ) -> Result<Self, StartError> {
        let lanes = sockets.max(1);
        let mut members = Vec::new();
        members.resize_with(lanes, Vec::new);
        let mut cards = 0;
        for image in images {
            members[cards % lanes].push(Member::new(&image));
            cards += 1;
        }
        let mut crowd = Self { lanes: Vec::with_capacity(lanes), cards };
        for members in members {
            let address = any_port(platform);
            let bound = |source| StartError::Bind { address, source };
            let socket = UdpSocket::bind(address).await.map_err(bound)?;
            socket
                .connect(platform)
                .await
                .map_err(|source| StartError::Bind { address: platform, source })?;
            let (wishes, wanted) = mpsc::channel(WISHES);
            tokio::spawn(Lane::new(socket, members).run(wanted));
            crowd.lanes.push(wishes);
        }
        Ok(crowd)
    }

    /// Switches all cards on, on a bearer that vouches for their channels and that the caller plays. Such a bearer answers
    /// nothing where nothing waits: its cards are not greeted, their first payment introduces them.
    pub fn loose(images: impl IntoIterator<Item = CardImage>) -> (Self, LooseEnd) {
        let members: Vec<Member> = images.into_iter().map(|image| Member::brief(&image)).collect();
        let cards = members.len();
        let (wishes, wanted) = mpsc::channel(WISHES);
        let (loose, end) = Loose::new(members);
        tokio::spawn(loose.run(wanted));
        (Self { lanes: vec![wishes], cards }, end)
    }

    /// How many cards there are.
    pub fn len(&self) -> usize {
        self.cards
    }

    /// Whether there is no card.
    pub fn is_empty(&self) -> bool {
        self.cards == 0
    }

    /// Pays what waits for this card with one press. Cards pay side by side; one card pays one by one.
    pub async fn pay(&self, card: usize) -> Result<PaymentTimes, PayError> {
        self.pay_pressing(card, 1).await
    }

    /// The same with so many presses, for an order that counts them.
    pub async fn pay_pressing(&self, card: usize, presses: u8) -> Result<PaymentTimes, PayError> {
        self.ask(card, Goal::Pay { presses }).await
    }

    /// Sends a hello while no order waits, and takes the time of its answer: sets the card's clock, and makes
    /// every hello after it a brief one.
    pub async fn greet(&self, card: usize) -> Result<Duration, PayError> {
        let times = self.ask(card, Goal::Greet).await?;
        Ok(times.hello_to_transaction)
    }

    async fn ask(&self, card: usize, goal: Goal) -> Result<PaymentTimes, PayError> {
        if card >= self.cards {
            return Err(PayError::NoSuchCard(card));
        }
        let (reply, answer) = oneshot::channel();
        let wish = Wish { member: card / self.lanes.len(), goal, reply };
        self.lanes[card % self.lanes.len()].send(wish).await.map_err(|_| PayError::Gone)?;
        answer.await.unwrap_or(Err(PayError::Gone))
    }
}
