//! A base station starts where nobody else is, and stops without leaving a card unanswered.

use std::io::ErrorKind;

use coap::Config;
use server::bearer::coap::BaseStation;
use tokio::net::UdpSocket;

use crate::radio::EMPTY;
use crate::town::{Town, Wish, soon};
use crate::{Coast, hasty};

#[tokio::test]
async fn what_is_in_hand_is_answered_before_the_end() {
    let mut coast = Coast::with(Town::open().await, hasty()).await;
    let mut card = coast.town.card(Wish::default()).await;
    let order = coast.town.order(card.id, 2_000).await;
    let mut radio = coast.radio().await;
    let hold = coast.town.hold_writer().await;
    let request = radio.posted(&card.press());
    radio.send(&request).await;
    assert_eq!(radio.receive().await.code, EMPTY, "in hand");
    let address = coast.station.address();
    let stopping = tokio::spawn(coast.station.stop());
    drop(hold);
    let answer = radio.answer().await;
    card.hear(&answer.payload);
    assert!(card.is_lit());
    soon("the end", stopping).await.unwrap();
    assert_eq!(coast.town.state(order), "processing");
    // The port is free again.
    UdpSocket::bind(address).await.unwrap();
}

#[tokio::test]
async fn a_station_with_nothing_in_hand_stops_at_once() {
    let coast = Coast::open().await;
    soon("the end", coast.station.stop()).await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let town = Town::open().await;
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let started = BaseStation::start(address, Config::default(), 7, town.fleet.clone()).await;
    assert_eq!(started.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
}
