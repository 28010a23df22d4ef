//! A load of complete payments, whatever carries them: as many as go through, or at an even rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::{Amount, CardId, ChannelId, Currency};
use payment::{MerchantId, TransferId};
use server::app::{Binding, Funding, NewOrder, WhenBusy};
use server::{App, Chance as _, SystemChance};
use sim::crowd::{Crowd, PaymentTimes};
use tokio::task::JoinSet;

use crate::card::{Order, make, new_holder};
use crate::cli::Failure;
use crate::keys::{self, card_keys};
use crate::places::Places;

/// Cards that are made, bound and funded side by side.
const PREPARED_AT_ONCE: usize = 512;
/// How long a payment may take before it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Load {
    pub(super) crowd: Arc<Crowd>,
    pub(super) maker: OrderMaker,
    pub(super) cards: Arc<Vec<CardId>>,
}

#[derive(Clone)]
pub(super) enum OrderMaker {
    /// Each merchant in its turn.
    Batch {
        app: App,
        merchants: Arc<[MerchantId]>,
        turn: Arc<AtomicUsize>,
    },
    Http {
        client: reqwest::Client,
        url: Arc<str>,
        key: Arc<str>,
    },
}

pub(super) async fn prepare(
    app: &App,
    places: &Places,
    count: usize,
    channel: fn() -> Result<ChannelId, model::ChannelError>,
) -> Result<(Vec<sim::CardImage>, Vec<CardId>), Failure> {
    let maker = Arc::new(keys::card_maker_key(places)?);
    let keys = card_keys()?;
    let (mut images, mut cards) = (Vec::with_capacity(count), Vec::with_capacity(count));
    while images.len() < count {
        let mut made = JoinSet::new();
        for _ in 0..PREPARED_AT_ONCE.min(count - images.len()) {
            let (app, maker) = (app.clone(), Arc::clone(&maker));
            made.spawn(async move {
                let holder = new_holder();
                let order = Order {
                    holder,
                    channel: channel().map_err(|e| e.to_string())?,
                    has_display: true,
                    listens: false,
                    limit: None,
                    printed_name: String::new(),
                };
                let (issued, image) = make(&app, keys, &maker, order).await.map_err(|e| e.to_string())?;
                let card = issued.information.card_id;
                let binding = Binding { card, holder, name: "bench".into(), document: "bench".into() };
                app.bind_card(binding).await.map_err(|e| e.to_string())?;
                let amount = Amount::new(1_000_000_000, Currency::CNY).map_err(|e| e.to_string())?;
                let funding = Funding { id: TransferId(SystemChance.draw()), holder, amount };
                app.fund(funding).await.map_err(|e| e.to_string())?;
                Ok::<_, String>((image, card))
            });
        }
        while let Some(one) = made.join_next().await {
            let (image, card) = one??;
            images.push(image);
            cards.push(card);
        }
    }
    Ok((images, cards))
}

pub(super) async fn introduce(load: &Load) -> Result<(), Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..64 {
        let (crowd, next) = (Arc::clone(&load.crowd), Arc::clone(&next));
        workers.spawn(async move {
            loop {
                let card = next.fetch_add(1, Ordering::Relaxed);
                if card >= crowd.len() {
                    return Ok::<_, String>(());
                }
                crowd.greet(card).await.map_err(|error| error.to_string())?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

#[derive(Default)]
pub(super) struct Measured {
    pub(super) times: Vec<PaymentTimes>,
    pub(super) failed: u64,
    pub(super) took: Duration,
}

impl Measured {
    pub(super) fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

impl OrderMaker {
    pub(super) fn batch(app: App, merchants: impl Into<Arc<[MerchantId]>>) -> Self {
        Self::Batch { app, merchants: merchants.into(), turn: Arc::default() }
    }

    async fn order(&self, card: CardId) -> Result<(), String> {
        match self {
            Self::Batch { app, merchants, turn } => {
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let merchant = merchants.get(turn % merchants.len().max(1)).ok_or("no merchant")?;
                let amount = Amount::new(1, Currency::CNY).map_err(|error| error.to_string())?;
                let new = NewOrder {
                    merchant: *merchant,
                    card,
                    amount,
                    place: "bench".into(),
                    text: None,
                    reference: None,
                    return_url: None,
                    lifetime_seconds: 60,
                    when_busy: WhenBusy::Wait,
                };
                let render = Arc::new(|_: &store::StoredOrder| String::new());
                app.create_order(new, None, render).await.map(|_| ()).map_err(|error| error.to_string())
            }
            Self::Http { client, url, key } => {
                let body = serde_json::json!({
                    "amount": 1, "currency": "CNY", "card": card.to_string(), "place": "bench", "lifetime_seconds": 60,
                });
                let answer = client
                    .post(&**url)
                    .bearer_auth(key)
                    .json(&body)
                    .send()
                    .await
                    .map_err(|error| error.to_string())?;
                answer.error_for_status().map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }
}

/// One card's next payment, order included.
async fn pay(
    crowd: &Crowd,
    maker: &OrderMaker,
    cards: &[CardId],
    index: usize,
) -> Result<PaymentTimes, String> {
    let card = *cards.get(index).ok_or("no such card")?;
    maker.order(card).await?;
    let paid = tokio::time::timeout(PATIENCE, crowd.pay(index)).await;
    paid.map_err(|_| "no answer".to_owned())?.map_err(|error| error.to_string())
}

impl Load {
    /// Each card pays once.
    pub(super) async fn once(&self, in_flight: usize) -> Result<(), Failure> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..in_flight {
            let (crowd, maker) = (Arc::clone(&self.crowd), self.maker.clone());
            let (cards, next) = (Arc::clone(&self.cards), Arc::clone(&next));
            workers.spawn(async move {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= cards.len() {
                        return Ok::<_, String>(());
                    }
                    pay(&crowd, &maker, &cards, index).await?;
                }
            });
        }
        while let Some(worker) = workers.join_next().await {
            worker??;
        }
        Ok(())
    }

    /// As many payments as go through with so many in flight.
    pub(super) async fn closed(&self, in_flight: usize, time: Duration) -> Result<Measured, Failure> {
        let began = Instant::now();
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..in_flight.min(self.cards.len()) {
            let (crowd, maker) = (Arc::clone(&self.crowd), self.maker.clone());
            let (cards, next) = (Arc::clone(&self.cards), Arc::clone(&next));
            workers.spawn(async move {
                let mut measured = Measured::default();
                while began.elapsed() < time {
                    let index = next.fetch_add(1, Ordering::Relaxed) % cards.len();
                    match pay(&crowd, &maker, &cards, index).await {
                        Ok(times) => measured.times.push(times),
                        Err(error) => {
                            tracing::error!(%error, "a payment failed");
                            measured.failed += 1;
                        }
                    }
                }
                measured
            });
        }
        let mut all = Measured::default();
        while let Some(measured) = workers.join_next().await {
            let measured = measured?;
            all.times.extend(measured.times);
            all.failed += measured.failed;
        }
        all.took = began.elapsed();
        Ok(all)
    }

    /// Payments begun at an even rate, whether the ones before are done or not.
    pub(super) async fn open(&self, per_second: f64, time: Duration) -> Result<Measured, Failure> {
        let began = Instant::now();
        let failed = Arc::new(AtomicU64::new(0));
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let mut payments = JoinSet::new();
        let mut all = Measured::default();
        let mut started = 0_usize;
        while began.elapsed() < time {
            tick.tick().await;
            let due = (began.elapsed().as_secs_f64() * per_second) as usize;
            while started < due {
                let (crowd, maker) = (Arc::clone(&self.crowd), self.maker.clone());
                let (cards, failed) = (Arc::clone(&self.cards), Arc::clone(&failed));
                let index = started % cards.len();
                payments.spawn(async move {
                    let paid = pay(&crowd, &maker, &cards, index).await;
                    if let Err(error) = &paid {
                        tracing::error!(%error, "a payment failed");
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                    paid.ok()
                });
                started += 1;
            }
            while let Some(done) = payments.try_join_next() {
                all.times.extend(done?);
            }
        }
        while let Some(done) = payments.join_next().await {
            all.times.extend(done?);
        }
        all.took = began.elapsed();
        all.failed = failed.load(Ordering::Relaxed);
        Ok(all)
    }
}

/// A percentile in milliseconds.
pub(super) fn percentile<T>(times: &[T], share: f64, of: impl Fn(&T) -> Duration) -> f64 {
    let mut sorted: Vec<Duration> = times.iter().map(of).collect();
    sorted.sort_unstable();
    let index = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(index).map_or(0.0, |duration| duration.as_secs_f64() * 1000.0)
}
