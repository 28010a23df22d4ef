//! What is read together: what a statement is about, and what is nearly always asked after it.
//!
//! For: engines to which each question is a journey. They read ahead, and run later whatever needs no answer.
//! Refuses: deciding when; that is the session's. What [`About`] two statements share is all that ties them together: whoever
//! changes rows says each of those that a reading by this file could see.

use std::hash::{DefaultHasher, Hash, Hasher};

use model::{CardId, ChannelId};
use payment::{AccountId, AccountKind, MerchantId, OrderId, TransferId};

use super::read::select;
use super::row::{self, Column, col};
use super::{Arg, Owned, Row, ToArg, fleet_row, money_row};
use crate::error::StoreError;
use crate::rows::StoredDownlink;

/// What a statement reads or changes: rows of a table, by a number that they have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct About {
    pub(crate) table: &'static str,
    key: u128,
}

impl About {
    const fn of(table: &'static str, key: u128) -> Self {
        Self { table, key }
    }

    /// Two that share a number though they differ are taken for the same: that costs time and nothing else.
    fn hashed(table: &'static str, of: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        Self::of(table, hasher.finish().into())
    }

    pub(crate) fn card(id: CardId) -> Self {
        Self::of("card", id.0.into())
    }

    pub(crate) fn link(card: CardId) -> Self {
        Self::of("link_state", card.0.into())
    }

    pub(crate) fn order(id: OrderId) -> Self {
        Self::of("orders", id.0)
    }

    /// All orders of a card. An order's id begins with its time, and is no card's.
    pub(crate) fn orders_of(card: CardId) -> Self {
        Self::of("orders", card.0.into())
    }

    pub(crate) fn questions_of(card: CardId) -> Self {
        Self::of("authorization", card.0.into())
    }

    pub(crate) const fn transfer(id: TransferId) -> Self {
        Self::of("transfer", id.0)
    }

    pub(crate) fn first_answer(merchant: MerchantId, endpoint: &str, key: &str) -> Self {
        Self::hashed("idempotency", (merchant.0, endpoint, key))
    }

    pub(crate) fn merchant(id: MerchantId) -> Self {
        Self::of("fee_rule", id.0.into())
    }

    pub(crate) fn places_of(merchant: MerchantId) -> Self {
        Self::of("place", merchant.0.into())
    }

    pub(crate) fn channel(id: ChannelId) -> Self {
        let wide = id.to_bytes().into_iter().fold(0, |wide, byte| wide << 8 | u128::from(byte));
        Self::of("channel", wide)
    }

    pub(crate) const fn downlink_of(order: OrderId) -> Self {
        Self::of("downlink", order.0)
    }

    /// By its order, where it has one: that is how it is read ahead.
    pub(crate) fn downlink(downlink: &StoredDownlink) -> Self {
        Self::of("downlink", downlink.order.map_or(downlink.id.0, |order| order.0))
    }

    pub(crate) fn account(id: AccountId) -> Self {
        Self::of("account", u128::from(id.0.cast_unsigned()))
    }

    pub(crate) fn account_of(kind: AccountKind, owner: i64, currency: u16) -> Self {
        Self::hashed("account", (kind.name(), owner, currency))
    }
}

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) about: About,
    pub(crate) sql: &'static str,
    pub(crate) args: Vec<Owned>,
}

impl Ask {
    pub(crate) fn new(about: About, sql: &'static str, args: &[Arg<'_>]) -> Self {
        Self { about, sql, args: args.iter().copied().map(Owned::from).collect() }
    }

    /// For the card that is heard on a channel.
    pub(crate) fn card_heard(channel: ChannelId) -> Self {
        Self::of(About::channel(channel), card_on_channel(), Owned::Blob(channel.to_bytes().to_vec()))
    }

    /// For a card's open question.
    pub(crate) fn open_question(card: CardId) -> Self {
        Self::of(About::questions_of(card), question(), i64::from(card.0))
    }

    /// For the orders that wait for a card.
    pub(crate) fn waiting_order(card: CardId) -> Self {
        Self::of(About::orders_of(card), waiting(), i64::from(card.0))
    }

    fn of(about: About, sql: &'static str, arg: impl Into<Owned>) -> Self {
        Self { about, sql, args: vec![arg.into()] }
    }
}

impl PartialEq for Ask {
    fn eq(&self, other: &Self) -> bool {
        same(self.sql, other.sql) && self.args == other.args
    }
}

impl Eq for Ask {}

impl Hash for Ask {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_question(self.sql, self.args.iter().map(ToArg::arg), state);
    }
}

/// Whether two statements are one. Nearly always they stand at one place, and are not read for it.
pub(crate) fn same(one: &'static str, other: &'static str) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// The words of an [`Ask`], to find it by.
pub(crate) struct Asked<'a> {
    pub(crate) sql: &'static str,
    pub(crate) args: &'a [Arg<'a>],
}

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_question(self.sql, self.args.iter().copied(), state);
    }
}

impl hashbrown::Equivalent<Ask> for Asked<'_> {
    fn equivalent(&self, ask: &Ask) -> bool {
        same(self.sql, ask.sql) && self.args.iter().copied().eq(ask.args.iter().map(ToArg::arg))
    }
}

/// The same words at another place are found by being equal, and asked once more at worst.
fn hash_question<'a>(sql: &'static str, args: impl Iterator<Item = Arg<'a>>, state: &mut impl Hasher) {
    sql.as_ptr().hash(state);
    args.for_each(|arg| arg.hash(state));
}

impl From<u128> for Owned {
    fn from(id: u128) -> Self {
        Self::Blob(id.to_be_bytes().to_vec())
    }
}

impl From<i64> for Owned {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $columns:expr, $rest:literal;)*) => {
        $($(#[$doc])* pub(crate) fn $name() -> &'static str {
            select!($columns, $rest)
        })*
    };
}

statements! {
    card: row::CARD, "from card where id = ?";
    card_on_channel: row::CARD, "from card where id = (select card from card_channel where channel = ?)";
    link: row::LINK, "from link_state where card = ?";
    order: row::ORDER, "from orders where id = ?";
    order_of: row::ORDER, "from orders where id = ? and card = ?";
    waiting: row::ORDER, "from orders where card = ? and state in ('awaiting_card', 'processing') order by id";
    /// The open one.
    question: row::AUTHORIZATION, "from authorization where card = ? and state = 0";
    question_of_b: row::AUTHORIZATION, "from authorization where card = ? and key_version = ? and b = ?";
    transfer: row::TRANSFER, "from transfer where id = ?";
    fee_rule: money_row::FEE_RULE, "from fee_rule where merchant = ? and currency = ?";
    queued_downlink: fleet_row::DOWNLINK, "from downlink where order_id = ? and card = ? and state = 'queued'";
    account: row::ACCOUNT, "from account where id = ?";
    account_of: row::ACCOUNT, "from account where id = \
        (select account from account_owner where kind = ? and owner = ? and currency = ?)";
}

/// What a unit of work asks next, nearly always, once it has asked this.
pub(crate) fn follows(ask: &Ask, rows: &[&Row<'_>], next: &mut Vec<Ask>) -> Result<(), StoreError> {
    let card = match ask.args.first() {
        Some(Owned::Int(id)) => u32::try_from(*id).ok().map(CardId),
        Some(Owned::Null | Owned::Text(_) | Owned::Blob(_)) | None => None,
    };
    let of_card = |card: CardId, about: About, sql| Ask::of(about, sql, i64::from(card.0));
    match (ask.sql, card) {
        // A hello begins so. A result asks for it only where it says what its hello did not.
        (sql, Some(id)) if sql == link() => {
            next.push(of_card(id, About::questions_of(id), question()));
            next.push(of_card(id, About::orders_of(id), waiting()));
        }
        (sql, Some(id)) if sql == question_of_b() => {
            next.push(of_card(id, About::card(id), self::card()));
            for row in rows.iter().copied() {
                let of = row::id_bytes(row, col!(row::AUTHORIZATION, "order_id"))?;
                let mut asked = Ask::of(About::order(OrderId(of)), order_of(), of);
                asked.args.push(Owned::Int(id.0.into()));
                next.push(asked);
            }
        }
        (sql, None) if sql == order() || sql == order_of() => {
            for row in rows.iter().copied() {
                let reserved = row::id_bytes(row, col!(row::ORDER, "reservation"))?;
                next.push(Ask::of(About::transfer(TransferId(reserved)), transfer(), reserved));
                queued(row, next)?;
                let merchant: u32 = row::small(row, col!(row::ORDER, "merchant"))?;
                let currency: i64 = col!(row::ORDER, "currency").get(row)?;
                let mut rule =
                    Ask::of(About::merchant(MerchantId(merchant)), fee_rule(), i64::from(merchant));
                rule.args.push(Owned::Int(currency));
                next.push(rule);
            }
        }
        (sql, Some(_)) if sql == waiting() => {
            rows.iter().copied().try_for_each(|row| queued(row, next))?;
        }
        (sql, None) if sql == transfer() => {
            for row in rows.iter().copied() {
                for column in [col!(row::TRANSFER, "from_account"), col!(row::TRANSFER, "to_account")] {
                    let id: i64 = column.get(row)?;
                    next.push(Ask::of(About::account(AccountId(id)), account(), id));
                }
            }
        }
        (_, Some(_) | None) => {}
    }
    Ok(())
}

fn queued(row: &Row<'_>, next: &mut Vec<Ask>) -> Result<(), StoreError> {
    let of = row::id_bytes(row, col!(row::ORDER, "id"))?;
    let mut waits = Ask::of(About::downlink_of(OrderId(of)), queued_downlink(), of);
    waits.args.push(Owned::Int(col!(row::ORDER, "card").get(row)?));
    next.push(waits);
    Ok(())
}
