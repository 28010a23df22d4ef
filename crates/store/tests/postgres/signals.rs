//! What nodes tell each other.

use std::time::Duration;

use cluster::{Cluster, Durability};
use store::postgres::{SIGNAL_BYTES_MAX, Signal, Signals, Teller, signals};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::settings;

struct Node {
    _signals: Signals,
    teller: Teller,
    heard: Receiver<Signal>,
}

impl Node {
    async fn on(url: &str) -> Self {
        let (signals, teller, heard) = signals(&settings(url)).unwrap();
        let mut node = Self { _signals: signals, teller, heard };
        assert_eq!(node.hears().await, Signal::Anew);
        node
    }

    async fn hears(&mut self) -> Signal {
        timeout(Duration::from_secs(30), self.heard.recv()).await.expect("a signal").unwrap()
    }
}

fn said(text: &str) -> Signal {
    Signal::Said(text.into())
}

#[tokio::test]
async fn every_other_node_hears_in_order_what_one_tells_and_itself_nothing() {
    let database = Cluster::shared().fresh(None).unwrap();
    let [mut north, mut south, mut east] =
        [Node::on(&database.url).await, Node::on(&database.url).await, Node::on(&database.url).await];
    // More than one telling takes.
    for number in 0..500 {
        assert!(north.teller.tell(format!("{number} of five hundred signals, one after the other")));
    }
    for node in [&mut south, &mut east] {
        for number in 0..500 {
            let expected = format!("{number} of five hundred signals, one after the other");
            assert_eq!(node.hears().await, said(&expected));
        }
    }
    assert!(south.teller.tell("back".into()));
    assert_eq!(north.hears().await, said("back"), "nothing of its own came first");
    assert!(!north.teller.tell("x".repeat(SIGNAL_BYTES_MAX + 1)));
    assert!(!north.teller.tell("two\nlines".into()));
}

#[tokio::test]
async fn a_node_whose_database_came_back_knows_that_it_may_have_missed_something() {
    let mut cluster = Cluster::start(Durability::None, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let (mut north, mut south) = (Node::on(&database.url).await, Node::on(&database.url).await);
    cluster.kill().unwrap();
    cluster.resume().unwrap();
    assert_eq!([north.hears().await, south.hears().await], [Signal::Anew, Signal::Anew]);
    assert!(north.teller.tell("here again".into()));
    assert_eq!(south.hears().await, said("here again"));
}
