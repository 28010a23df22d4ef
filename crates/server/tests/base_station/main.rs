//! Cards over real UDP: what is answered, what is refused by which name, and what a push reaches.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod datagrams;
mod frames;
mod paying;
mod pushing;
mod radio;
mod stopping;
#[path = "../town/mod.rs"]
mod town;

use coap::Config;
use server::bearer::coap::BaseStation;

use radio::Radio;
use town::Town;

/// A town with a base station.
struct Coast {
    town: Town,
    station: BaseStation,
}

impl Coast {
    async fn open() -> Self {
        Self::with(Town::open().await, Config::default()).await
    }

    async fn with(town: Town, config: Config) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        let station = BaseStation::start(address, config, 7, town.fleet.clone()).await.unwrap();
        Self { town, station }
    }

    async fn radio(&self) -> Radio {
        self.radio_at("127.0.0.1").await
    }

    /// A radio at another of the machine's own addresses.
    async fn radio_at(&self, ip: &str) -> Radio {
        Radio::on(ip, self.station.address()).await
    }
}

/// A station that acknowledges quickly and answers later, for the stories in which something is slow.
fn hasty() -> Config {
    Config { ack_delay_ms: 20, ..Config::default() }
}
