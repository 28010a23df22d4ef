//! How soon an order that is made at one node lights a card that was heard at another: over HTTP into the first, out of the
//! second's socket, on one database.
//!
//! Cards are many, and lit up one after the other: what is measured is the way, and not a queue.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use air::card::Light;
use futures_util::future::try_join_all;
use model::{Amount, CardId, Currency};
use payment::TransferId;
use server::app::{Binding, Funding};
use server::nodes::{Oneself, Roles};
use server::{App, Chance as _, SystemChance};
use sim::{FlashMedium, Options, SoftwareCard};

use crate::card::{Order, make, new_channel, new_holder};
use crate::cli::Failure;
use crate::database::Database;
use crate::keys::{self, card_keys};
use crate::node::{self, Entered, Serving};
use crate::places::Places;
use crate::platform::{Listens, Platform, StopSignals};

/// Cards that lie at the other node.
const CARDS: usize = 16;
/// How often each is lit up.
const ROUNDS: usize = 16;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A node that serves among others.
pub(super) struct Node {
    app: App,
    platform: Platform,
    serving: Serving,
}

impl Node {
    /// Enters, serves, and is seen. `open` joins a platform with the store of its own.
    pub(super) async fn start(
        name: &str,
        database: &Database,
        listens: Listens,
        open: impl FnOnce(store::Store) -> Result<App, Failure>,
    ) -> Result<Self, Failure> {
        let Database::Server(settings) = database else {
            return Err("nodes share a database server".into());
        };
        let own = Oneself {
            name: name.parse()?,
            start: settings.writer,
            roles: Roles::ALL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            jobs: BTreeSet::new(),
        };
        let store = database.open()?;
        let Entered::Among(member) =
            node::enter_as(own, settings, &store, &mut StopSignals::listen()?).await?
        else {
            return Err(format!("{name} did not enter").into());
        };
        let app = open(store)?;
        app.join(member.nodes());
        let platform = Platform::start(app.clone(), None, None, listens, coap::Config::default()).await?;
        let addresses = format!("http={}", platform.http);
        let serving = member.begin(&platform.fleet, None, addresses).await?;
        Ok(Self { app, platform, serving })
    }

    async fn end(self) -> Result<(), Failure> {
        self.platform.stop().await;
        Ok(self.serving.end().await?)
    }
}

/// Who makes orders, at the first node.
struct Shop {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Shop {
    async fn order(&self, card: CardId) -> Result<(), Failure> {
        let body = serde_json::json!({
            "amount": 1, "currency": "CNY", "card": card.to_string(), "place": "bench", "lifetime_seconds": 60,
        });
        let asked = self.client.post(&self.url).bearer_auth(&self.key).json(&body).send();
        asked.await?.error_for_status()?;
        Ok(())
    }
}

/// A card in its holder's hand.
struct Hand {
    id: CardId,
    card: SoftwareCard,
}

impl Hand {
    /// Waits until its light is so.
    async fn shows(&self, wanted: impl Fn(Light) -> bool) -> Result<(), Failure> {
        match tokio::time::timeout(PATIENCE, self.card.until(|state| wanted(state.light))).await {
            Ok(shown) => Ok(shown.map(|_| ())?),
            Err(_) => Err(format!("{}: no answer", self.id).into()),
        }
    }

    async fn agrees(&self) -> Result<(), Failure> {
        self.card.prompted().await?;
        self.card.press(1).await?;
        self.shows(|light| !matches!(light, Light::Working | Light::Prompt)).await
    }

    /// What it says of its clock is known from then on: it can be lit up.
    async fn says_hello(&self) -> Result<(), Failure> {
        let before = self.card.view().frames;
        self.card.press(1).await?;
        let said = self.card.until(|state| state.frames > before && state.light != Light::Working);
        match tokio::time::timeout(PATIENCE, said).await {
            Ok(said) => Ok(said.map(|_| ())?),
            Err(_) => Err(format!("{}: no answer to a hello", self.id).into()),
        }
    }

    /// Fetches an order and pays it.
    async fn fetches(&self, shop: &Shop) -> Result<(), Failure> {
        shop.order(self.id).await?;
        while self.card.view().light != Light::Prompt {
            self.card.press(1).await?;
            self.shows(|light| light != Light::Working).await?;
        }
        self.agrees().await?;
        self.says_hello().await
    }

    /// From before an order is asked for until the card's light is on, by a push.
    async fn is_lit_up(&self, shop: &Shop) -> Result<Duration, Failure> {
        let began = Instant::now();
        let lit = async {
            self.shows(|light| light == Light::Prompt).await?;
            Ok::<_, Failure>(began.elapsed())
        };
        let (lit, ()) = tokio::try_join!(lit, shop.order(self.id))?;
        Ok(lit)
    }

    async fn pays(&self) -> Result<(), Failure> {
        self.agrees().await?;
        self.says_hello().await
    }
}

/// A card that listens, bound and funded, and switched on near a node.
async fn hand(app: &App, places: &Places, near: SocketAddr) -> Result<Hand, Failure> {
    let holder = new_holder();
    let order = Order {
        holder,
        channel: new_channel()?,
        has_display: true,
        listens: true,
        limit: None,
        printed_name: String::new(),
    };
    let (issued, image) = make(app, card_keys()?, &keys::card_maker_key(places)?, order).await?;
    let id = issued.information.card_id;
    app.bind_card(Binding { card: id, holder, name: "bench".into(), document: "bench".into() }).await?;
    let amount = Amount::new(1_000_000, Currency::CNY)?;
    app.fund(Funding { id: TransferId(SystemChance.draw()), holder, amount }).await?;
    let card = SoftwareCard::start(image, FlashMedium::blank(), Options::to(near)).await?;
    Ok(Hand { id, card })
}

/// Each time from an order at the first node to a light that was off, near the second.
pub(super) async fn measure(first: Node, second: Node, places: &Places) -> Result<Vec<Duration>, Failure> {
    let (_, key) = first.app.add_merchant("bench crossing").await?;
    let shop = Shop {
        client: reqwest::Client::builder().no_proxy().build()?,
        url: format!("http://{}/v1/orders", first.platform.http),
        key: key.reveal().to_owned(),
    };
    let near = second.platform.air;
    let hands = try_join_all((0..CARDS).map(|_| hand(&second.app, places, near))).await?;
    try_join_all(hands.iter().map(|hand| hand.fetches(&shop))).await?;
    let mut times = Vec::with_capacity(CARDS * ROUNDS);
    for _ in 0..ROUNDS {
        for hand in &hands {
            times.push(hand.is_lit_up(&shop).await?);
        }
        try_join_all(hands.iter().map(Hand::pays)).await?;
    }
    for hand in &hands {
        hand.card.stop().await;
    }
    first.end().await?;
    second.end().await?;
    Ok(times)
}
