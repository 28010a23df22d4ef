//! `demo --headless`: one purchase over the same sockets, each step printed with its frame.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use air::Kind;
use air::card::{HOLD_NOT_ME_MILLIS, HOLD_REFUSE_MILLIS, Light};
use model::{CardId, Currency};
use serde::Deserialize;
use serde_json::json;
use sim::{Direction, FrameNote, SoftwareCard};
use tokio::sync::broadcast::Receiver;

use super::{Demo, HolderDecision, Ports, Rails};
use crate::cli::{Failure, print};

/// The purchase ended, and was not paid.
const NOT_PAID: u8 = 3;
/// An order that nobody answers lapses after this long.
const SILENT_LIFETIME_SECONDS: u32 = 10;
const LIFETIME_SECONDS: u32 = 60;
/// The longest that any step may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(folder: &Path, decision: HolderDecision) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let demo = Demo::start(folder, Ports::any(), Rails::Air).await?;
    say(&format!(
        "platform http://{}  base station coap://{}  shop http://{}",
        demo.platform.http, demo.platform.air, demo.shop
    ))?;
    // Pressing another number than the page's needs a page that shows one: that of a card without a display.
    let blind = decision == HolderDecision::Miscount;
    let card =
        demo.cards.iter().find(|card| card.has_display() != blind).ok_or("the demo has no such card")?;
    let paid = Purchase::make(&demo, card, decision, "first purchase").await?;
    say(&format!("first payment done {} ms after the start", began.elapsed().as_millis()))?;
    if decision == HolderDecision::Agree {
        say("")?;
        Purchase::make(
            &demo,
            card,
            decision,
            "second purchase: the information is known, the hello is brief",
        )
        .await?;
    }
    let sound = show_ledger(&demo, paid)?;
    demo.stop().await;
    Ok(match (paid, sound) {
        (true, true) => ExitCode::SUCCESS,
        (false, true) => ExitCode::from(NOT_PAID),
        (_, false) => ExitCode::FAILURE,
    })
}

fn say(line: &str) -> Result<(), Failure> {
    print(&format!("{line}\n")).map(|_| ())
}

#[derive(Deserialize)]
struct OrderAnswer {
    id: String,
    state: String,
    reason: Option<String>,
    pay_url: String,
}

struct Purchase<'d> {
    demo: &'d Demo,
    http: reqwest::Client,
    card: &'d SoftwareCard,
    frames: Receiver<FrameNote>,
    payment_bytes: usize,
}

impl<'d> Purchase<'d> {
    /// Orders a breakfast, lets the holder decide, and prints S0 to S7. Whether it was paid.
    async fn make(
        demo: &'d Demo,
        card: &'d SoftwareCard,
        decision: HolderDecision,
        title: &str,
    ) -> Result<bool, Failure> {
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let frames = card.subscribe_frames();
        let mut purchase = Self { demo, http, card, frames, payment_bytes: 0 };
        say(&format!("— {title} —"))?;
        let information = card.information();
        let check = demo
            .platform
            .app
            .store()
            .peek(|rows| rows.card(information.card_id))?
            .ok_or("the card is not in the platform's store")?
            .key_check;
        say(&format!(
            "S0  {} {}: one key in card and platform, check value {check}",
            information.card_id, information.number
        ))?;
        let order = purchase.order(information.card_id, decision).await?;
        let presses = purchase.presses_on_page(&order.pay_url).await?;
        say(&format!("    order {} ¥20.00 · its page says: press {presses} time(s)", order.id))?;
        // A card that listens may have been asked already; this one asks.
        card.key(air::card::Edge::Down).await?;
        card.key(air::card::Edge::Up).await?;
        tokio::time::timeout(PATIENCE, purchase.follow(presses, decision))
            .await
            .map_err(|_| "no step for 30 s")??;
        let ended = purchase.ended(&order.id).await?;
        let reason = ended.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        say(&format!("    order {}{reason}", ended.state))?;
        say(&format!("    {} bytes for hello, transaction and result", purchase.payment_bytes))?;
        Ok(ended.state == "paid")
    }

    async fn order(&self, card: CardId, decision: HolderDecision) -> Result<OrderAnswer, Failure> {
        let lifetime = match decision {
            HolderDecision::Silent => SILENT_LIFETIME_SECONDS,
            HolderDecision::Agree
            | HolderDecision::Refuse
            | HolderDecision::NotMe
            | HolderDecision::Miscount => LIFETIME_SECONDS,
        };
        let body = json!({
            "amount": 2000, "currency": "CNY", "card": card.to_string(), "place": "Morning Market 早市",
            "lifetime_seconds": lifetime,
        });
        let url = format!("http://{}/v1/orders", self.demo.platform.http);
        let request = self.http.post(url).bearer_auth(&self.demo.api_key).json(&body);
        let answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(format!("the order was refused: {}", answer.text().await?).into());
        }
        Ok(answer.json().await?)
    }

    /// Reads the number from the page, as the holder does: it is nowhere else.
    async fn presses_on_page(&self, pay_url: &str) -> Result<u8, Failure> {
        let page = self.http.get(pay_url).send().await?.error_for_status()?.text().await?;
        let number = page.split("class=\"press-number\">").nth(1).and_then(|rest| rest.split('<').next());
        Ok(number.ok_or("the order's page shows no number")?.trim().parse()?)
    }

    /// Prints each frame, and presses when the light comes on, until the card is done.
    async fn follow(&mut self, presses: u8, decision: HolderDecision) -> Result<(), Failure> {
        loop {
            let note = self.frames.recv().await?;
            self.print_frame(&note)?;
            match note.kind {
                Some(Kind::Transaction) => {
                    self.card.prompted().await?;
                    self.decide(presses, decision).await?;
                }
                Some(Kind::Receipt) => {
                    let shown = self.card.until(|state| state.light != Light::Working).await?;
                    return say(&format!("    the card's light: {:?}", shown.light));
                }
                Some(Kind::Hello | Kind::Result | Kind::Retry | Kind::Clock | Kind::Status) | None => {}
            }
        }
    }

    async fn decide(&self, presses: u8, decision: HolderDecision) -> Result<(), Failure> {
        let longer = |millis| Duration::from_millis(millis + 50);
        say("S5  the card derives, compares, decrypts, checks; its light comes on")?;
        match decision {
            HolderDecision::Agree => {
                self.card.press(presses).await?;
            }
            HolderDecision::Miscount => {
                self.card.press(presses - 1).await?;
            }
            HolderDecision::Refuse => {
                self.card.hold(longer(HOLD_REFUSE_MILLIS)).await?;
            }
            HolderDecision::NotMe => {
                self.card.hold(longer(HOLD_NOT_ME_MILLIS)).await?;
            }
            HolderDecision::Silent => {}
        }
        Ok(())
    }

    fn print_frame(&mut self, note: &FrameNote) -> Result<(), Failure> {
        let (step, adds) = match note.kind {
            Some(Kind::Hello) => ("S1-S2", true),
            Some(Kind::Transaction) => ("S3-S4", true),
            Some(Kind::Result) => ("S6", true),
            Some(Kind::Receipt) => ("S7", false),
            Some(Kind::Retry | Kind::Clock | Kind::Status) | None => ("", false),
        };
        if adds {
            self.payment_bytes += note.bytes.len();
        }
        let arrow = match note.direction {
            Direction::Up => "card → platform",
            Direction::Down => "platform → card",
        };
        let kind = note.kind.map_or("?", Kind::name);
        say(&format!(
            "{step:<5} {arrow}  {kind:<11} {:>2} bytes  {}",
            note.bytes.len(),
            hex::encode(&note.bytes)
        ))
    }

    /// Waits until the order has ended: a silent one lapses by itself.
    async fn ended(&self, id: &str) -> Result<OrderAnswer, Failure> {
        let url = format!("http://{}/v1/orders/{id}", self.demo.platform.http);
        let id = id.parse::<payment::OrderId>()?;
        let mut following = self.demo.platform.app.notices().follow(id);
        loop {
            let request = self.http.get(&url).bearer_auth(&self.demo.api_key);
            let order: OrderAnswer = request.send().await?.error_for_status()?.json().await?;
            if !["awaiting_card", "processing"].contains(&order.state.as_str()) {
                return Ok(order);
            }
            tokio::time::timeout(PATIENCE, following.changed()).await.map_err(|_| "the order did not end")?;
        }
    }
}

/// Prints the ledger; whether it is sound and shows what was said.
fn show_ledger(demo: &Demo, paid: bool) -> Result<bool, Failure> {
    let store = demo.platform.app.store();
    let (totals, differences) = store.peek(|rows| Ok((rows.totals()?, rows.balance_differences()?)))?;
    say("")?;
    let mut sum = 0_i64;
    let mut merchant = 0_i64;
    for total in &totals {
        let posted = Currency::CNY.display(total.posted).to_string();
        say(&format!("ledger: {:<10} {posted:>10}", total.kind.name()))?;
        sum = sum.checked_add(total.posted).ok_or("the ledger's sum is out of range")?;
        if total.kind == payment::AccountKind::Merchant {
            merchant = total.posted;
        }
    }
    let sound = sum == 0 && differences.is_empty();
    say(&format!("ledger: sum {sum}, {} balances differ from their postings", differences.len()))?;
    Ok(sound && (merchant > 0) == paid)
}
