//! Stories of software cards: real sockets, real frames, a platform made by hand.
#![allow(clippy::unwrap_used, clippy::panic)]

mod crowd;
mod face;
mod paying;
mod platform;
mod silence;
mod virtual_world;

use std::time::Duration;

use air::Kind;
use platform::{Account, Platform};
use sim::{Direction, FlashMedium, Options, SoftwareCard};

/// A card of the platform's first account, on a loopback radio.
async fn card(platform: &Platform, change: impl FnOnce(&mut sim::CardImage, &mut Options)) -> SoftwareCard {
    let mut image = platform.shared().cards[0].image();
    let mut options = options(platform);
    change(&mut image, &mut options);
    SoftwareCard::start(image, FlashMedium::blank(), options).await.unwrap()
}

fn options(platform: &Platform) -> Options {
    Options { bind: "127.0.0.1:0".parse().unwrap(), ..Options::to(platform.address) }
}

async fn platform() -> Platform {
    Platform::start(vec![Account::new(1)]).await
}

/// The kinds and lengths of what crossed the air.
fn heard(card: &SoftwareCard) -> Vec<(Direction, Kind, usize)> {
    card.frames().iter().map(|note| (note.direction, note.kind.unwrap(), note.bytes.len())).collect()
}

/// A test that hangs says nothing; one that ends here says where.
async fn soon<T>(story: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), story).await.unwrap()
}
