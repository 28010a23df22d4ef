//! The operators' console: today's payments, cards, fleet, ledger; wallet cards' loads, terminals, wallets.
//!
//! For: showing what is stored. Where something is done, a page asks before: a load whose card is gone is put in doubt,
//! one in doubt is settled, one that was credited is given back by two persons, money is adjusted by two persons, a terminal
//! or an API key is revoked, a downlink is taken back.
//! Refuses: whole numbers of cards, and deciding (see `bank` and `security`).
//! Next: `routes`, the one table of what there is and who may; `door`, which stands before each; `login`; then `fleet`,
//! `loads`, `reversals`, `adjustments`, `merchants`, `terminals`, `audit`.

mod adjustments;
mod audit;
mod door;
mod fleet;
mod loads;
mod login;
mod merchants;
mod money;
mod reversals;
pub(super) mod routes;
mod terminals;
mod webhooks;

use axum::Router;
use axum::extract::{FromRef, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use model::{CardId, Currency};
use pages::{
    AccountRow, CardRow, ConsoleCards, ConsoleLedger, ConsoleToday, CurrencyLedger, Href, MessagePage,
    Outcome, OutcomeCount, PaymentRow, Template, TransferCounts,
};
use payment::{AccountKind, LifeCycle, OrderId};
use serde::Deserialize;
use store::{CardSummary, Reading, Store, StoreError, Totals};
use visit::Visitor;

use super::{order_view, text};
use crate::bank::Bank;
use crate::http::Api;
use crate::operators::Operators;
use door::SessionCookie;

/// Rows on one page.
const ROWS: u32 = 50;
const ROWS_LENGTH: usize = ROWS as usize;

/// What the handlers are given.
#[derive(Clone)]
pub(super) struct Console {
    pub(super) api: Api,
    /// `None`: no bank for wallet cards runs here.
    pub(super) bank: Option<Bank>,
    operators: Operators,
    cookie: SessionCookie,
}

impl Console {
    /// `tls`: a terminator with TLS stands in front, and says who calls.
    pub(super) fn new(api: Api, bank: Option<Bank>, operators: Operators, tls: bool) -> Self {
        Self { api, bank, operators, cookie: SessionCookie { tls } }
    }
}

impl FromRef<Console> for Api {
    fn from_ref(console: &Console) -> Self {
        console.api.clone()
    }
}

pub(super) fn router(console: Console) -> Router {
    routes::router(&console).with_state(console)
}

/// Where a list goes on.
#[derive(Deserialize)]
struct Older {
    before: Option<String>,
    after: Option<String>,
}

/// Whether a page asked once more before something is done.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    confirmed: String,
}

impl Asked {
    fn is_confirmed(&self) -> bool {
        self.confirmed == "yes"
    }
}

/// Runs a reading off the runtime's threads and renders what it found.
async fn show<T: Template + Send + 'static>(
    api: Api,
    visitor: Visitor,
    reading: impl FnOnce(&dyn Reading, &Visitor) -> Result<T, StoreError> + Send + 'static,
) -> Response {
    let store = api.fleet.app().store();
    found(store, &visitor, |rows, visitor| reading(rows, visitor).map(Some)).await
}

/// The same for what may not be there.
async fn found<T: Template + Send + 'static>(
    store: &Store,
    visitor: &Visitor,
    reading: impl FnOnce(&dyn Reading, &Visitor) -> Result<Option<T>, StoreError> + Send + 'static,
) -> Response {
    let reader = visitor.clone();
    match store.read(move |rows| reading(rows, &reader)).await {
        Ok(Some(page)) => visit::page(StatusCode::OK, &page),
        Ok(None) => not_found(visitor),
        Err(error) => failed(visitor, &error),
    }
}

fn not_found(visitor: &Visitor) -> Response {
    visit::page(StatusCode::NOT_FOUND, &MessagePage::not_found(visitor.page(), None))
}

fn failed(visitor: &Visitor, error: &StoreError) -> Response {
    tracing::error!(%error, "the console could not read or keep something");
    visit::page(StatusCode::SERVICE_UNAVAILABLE, &MessagePage::failed(visitor.page(), None))
}

async fn today(State(api): State<Api>, visitor: Visitor, Query(older): Query<Older>) -> Response {
    let now = api.fleet.app().now();
    let public_url = api.public_url.clone();
    show(api, visitor, move |rows, visitor| {
        let today = rows.today(text::day_began(now))?;
        let count = |names: &[&str]| {
            let named = today.by_state.iter().filter(|(state, ..)| names.contains(&state.as_str()));
            named.map(|(_, _, count, _)| *count).sum()
        };
        let counts = [
            (Outcome::Paid, &["paid"][..]),
            (Outcome::Waiting, &["awaiting_card", "processing"]),
            (Outcome::Declined, &["declined"]),
            (Outcome::Expired, &["expired"]),
            (Outcome::Canceled, &["canceled"]),
            (Outcome::Failed, &["failed"]),
        ];
        let counts = counts.map(|(outcome, names)| OutcomeCount { outcome, count: count(names) }).into();
        let paid = today
            .by_state
            .iter()
            .filter(|(state, ..)| state == "paid")
            .map(|(_, currency, _, units)| text::balance(*units, *currency))
            .collect();
        let before = older.before.as_deref().and_then(|id| id.parse::<OrderId>().ok());
        let mut orders = rows.orders_before(None, before, ROWS + 1)?;
        let more = orders.len() > ROWS_LENGTH;
        orders.truncate(ROWS_LENGTH);
        let last = orders.last().filter(|_| more).map(|last| last.order.id);
        let payments = orders
            .iter()
            .map(|stored| {
                let order = &stored.order;
                Ok(PaymentRow {
                    time: text::time(order.created_at),
                    order_id: order.id.to_string(),
                    order_href: Some(Href::new(format!("{public_url}/pay/{}", order.id))),
                    merchant: rows.merchant(order.merchant)?.map(|m| m.name).unwrap_or_default(),
                    masked_card: rows
                        .card(order.card)?
                        .map(|card| card.record.information.number.to_string())
                        .unwrap_or_default(),
                    amount: text::money(order.amount),
                    state: order_view::state(order.state),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(ConsoleToday {
            page: visitor.page(),
            date: text::day(now),
            counts,
            paid,
            rows: payments,
            older: last.map(|id| Href::new("/console").with("before", &id.to_string())),
        })
    })
    .await
}

/// A page of cards, and where the next begins.
fn card_page(
    rows: &dyn Reading,
    after: Option<&str>,
    path: &'static str,
) -> Result<(Vec<CardSummary>, Option<Href>), StoreError> {
    let after = after.and_then(|id| id.parse::<CardId>().ok());
    let mut cards = rows.cards_after(after, ROWS + 1)?;
    let more = cards.len() > ROWS_LENGTH;
    cards.truncate(ROWS_LENGTH);
    let last = cards.last().filter(|_| more);
    let older = last.map(|last| Href::new(path).with("after", &last.card.id().to_string()));
    Ok((cards, older))
}

async fn cards(State(api): State<Api>, visitor: Visitor, Query(older): Query<Older>) -> Response {
    show(api, visitor, move |rows, visitor| {
        let (cards, older) = card_page(rows, older.after.as_deref(), "/console/cards")?;
        let rows = cards
            .into_iter()
            .map(|CardSummary { card, .. }| {
                let record = &card.record;
                // The demonstration's currency; a holder of several has a page of their own later.
                let balance = match record.bound_to {
                    Some(holder) => {
                        rows.account_of(AccountKind::Holder, holder.0.cast_signed(), Currency::CNY)?
                    }
                    None => None,
                };
                let holder = match record.bound_to {
                    Some(reference) => rows.holder(reference)?.map(|holder| masked_name(&holder.name)),
                    None => None,
                };
                Ok(CardRow {
                    masked_number: record.information.number.to_string(),
                    card_id: card.id().to_string(),
                    holder,
                    life: life(record.life_cycle),
                    channel: card.channel.to_string(),
                    key_version: card.key_version.get(),
                    balance: balance.map(|account| text::balance(account.available(), account.currency)),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(ConsoleCards { page: visitor.page(), rows, older })
    })
    .await
}

/// A name's first letter, and that there is more.
fn masked_name(name: &str) -> String {
    name.chars().take(1).chain("••".chars()).collect()
}

fn life(state: LifeCycle) -> pages::LifeCycle {
    match state {
        LifeCycle::Issued => pages::LifeCycle::Issued,
        LifeCycle::Active => pages::LifeCycle::Active,
        LifeCycle::Frozen => pages::LifeCycle::Frozen,
        LifeCycle::Lost => pages::LifeCycle::Lost,
        LifeCycle::Expired => pages::LifeCycle::Expired,
        LifeCycle::Closed => pages::LifeCycle::Closed,
    }
}

async fn ledger(State(api): State<Api>, visitor: Visitor) -> Response {
    let now = api.fleet.app().now();
    show(api, visitor, move |rows, visitor| {
        let totals = rows.totals()?;
        let [pending, posted, voided, expired] = rows.transfer_counts()?;
        let mut currencies: Vec<Currency> = totals.iter().map(|total| total.currency).collect();
        currencies.dedup();
        let currencies = currencies
            .into_iter()
            .map(|currency| of_currency(currency, totals.iter().filter(|total| total.currency == currency)))
            .collect();
        Ok(ConsoleLedger {
            page: visitor.page(),
            checked_at: text::day_and_time(now),
            currencies,
            transfers: TransferCounts { pending, posted, voided, expired },
        })
    })
    .await
}

fn of_currency<'t>(currency: Currency, totals: impl Iterator<Item = &'t Totals>) -> CurrencyLedger {
    let mut sum = Some(0_i64);
    let rows = totals
        .map(|total| {
            sum = sum.and_then(|sum| sum.checked_add(total.posted));
            AccountRow {
                kind: kind(total.kind),
                accounts: total.accounts,
                posted: currency.display(total.posted).to_string(),
                pending: currency.display(total.pending_in.saturating_sub(total.pending_out)).to_string(),
                available: currency.display(total.posted.saturating_sub(total.pending_out)).to_string(),
            }
        })
        .collect();
    CurrencyLedger {
        code: currency.to_string(),
        rows,
        sum: sum.map(|sum| currency.display(sum).to_string()).unwrap_or_default(),
        balanced: sum == Some(0),
    }
}

fn kind(kind: AccountKind) -> pages::AccountKind {
    match kind {
        AccountKind::Holder => pages::AccountKind::Holder,
        AccountKind::Merchant => pages::AccountKind::Merchant,
        AccountKind::Fee => pages::AccountKind::Fee,
        AccountKind::Settlement => pages::AccountKind::Settlement,
        AccountKind::LoadFloat => pages::AccountKind::LoadFloat,
        AccountKind::Suspense => pages::AccountKind::Suspense,
    }
}
