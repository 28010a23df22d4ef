//! What the town's platform keeps, as a story looks it up afterwards: orders, questions, alarms, and whose money is where.

use model::Currency;
use payment::{AccountKind, OrderId, OrderState};
use store::{LinkState, StoredAuthorization, StoredCard, StoredOrder};

use crate::hand::Hand;
use crate::town::Town;

/// What each holder has: 500 yuan.
pub(crate) const FUNDS: i64 = 50_000;

/// Whose money is where, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Money {
    /// What the holder can spend.
    pub(crate) available: i64,
    /// What is pending out of the holder's account.
    pub(crate) set_aside: i64,
    /// What the shop has.
    pub(crate) earned: i64,
}

impl Money {
    pub(crate) const UNTOUCHED: Self = Self { available: FUNDS, set_aside: 0, earned: 0 };

    pub(crate) fn paid(fen: i64) -> Self {
        Self { available: FUNDS - fen, set_aside: 0, earned: fen }
    }

    pub(crate) fn waits(fen: i64) -> Self {
        Self { available: FUNDS - fen, set_aside: fen, earned: 0 }
    }
}

impl Town {
    pub(crate) fn stored(&self, order: OrderId) -> StoredOrder {
        self.app().store().peek(|rows| rows.order(order)).unwrap().unwrap()
    }

    pub(crate) fn state(&self, order: OrderId) -> OrderState {
        self.stored(order).order.state
    }

    /// How many presses agree to it.
    pub(crate) fn presses(&self, order: OrderId) -> u8 {
        self.stored(order).order.presses_wanted()
    }

    /// The newest question about an order.
    pub(crate) fn authorization(&self, order: OrderId) -> StoredAuthorization {
        self.app().store().peek(|rows| rows.authorization_of_order(order)).unwrap().unwrap()
    }

    /// The same, whatever became of it since.
    pub(crate) fn authorization_again(&self, earlier: &StoredAuthorization) -> StoredAuthorization {
        let (card, version, b) = (earlier.card, earlier.key_version, earlier.authorization.b);
        self.app().store().peek(|rows| rows.authorization(card, version, b)).unwrap().unwrap()
    }

    pub(crate) fn is_asking(&self, hand: &Hand) -> bool {
        self.app().store().peek(|rows| rows.open_authorization(hand.id)).unwrap().is_some()
    }

    pub(crate) fn stored_card(&self, hand: &Hand) -> StoredCard {
        self.app().store().peek(|rows| rows.card(hand.id)).unwrap().unwrap()
    }

    pub(crate) fn link(&self, hand: &Hand) -> LinkState {
        self.app().store().peek(|rows| rows.link_state(hand.id)).unwrap()
    }

    pub(crate) fn events(&self, order: OrderId) -> Vec<String> {
        let events = self.app().store().peek(|rows| rows.events_of_order(order, 0)).unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    /// What the issuer was told of a card, oldest first.
    pub(crate) fn alarms(&self, hand: &Hand) -> Vec<String> {
        let alarms = self.app().store().peek(|rows| rows.alarms(1_000)).unwrap();
        let mine = alarms.into_iter().filter(|alarm| alarm.card == Some(hand.id));
        let mut kinds: Vec<String> = mine.map(|alarm| alarm.kind).collect();
        kinds.reverse();
        kinds
    }

    /// How many frames were refused for a reason since the platform was started.
    pub(crate) fn refused(&self, reason: &str) -> u64 {
        let line = format!("counterfoil_frames_refused_total{{reason=\"{reason}\"}} ");
        let text = self.app().metrics().encode(0);
        text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }

    pub(crate) fn money(&self, hand: &Hand) -> Money {
        let (holder, shop) = (hand.holder.0.cast_signed(), i64::from(self.shop.0));
        let accounts = self.app().store().peek(|rows| {
            let of = |kind, owner| rows.account_of(kind, owner, Currency::CNY);
            Ok((of(AccountKind::Holder, holder)?, of(AccountKind::Merchant, shop)?))
        });
        let (holder, shop) = accounts.unwrap();
        let holder = holder.unwrap();
        Money {
            available: holder.available(),
            set_aside: holder.pending_out,
            earned: shop.map_or(0, |shop| shop.posted),
        }
    }

    /// How many transfers are pending, posted, voided and expired; the funding of holders counts as posted.
    pub(crate) fn transfers(&self) -> [u64; 4] {
        self.app().store().peek(|rows| rows.transfer_counts()).unwrap()
    }

    /// Every balance is the sum of its postings, and all of them together are nothing.
    pub(crate) fn audit_the_books(&self) {
        let (differences, totals) =
            self.app().store().peek(|rows| Ok((rows.balance_differences()?, rows.totals()?))).unwrap();
        assert_eq!(differences, []);
        assert_eq!(totals.iter().map(|totals| totals.posted).sum::<i64>(), 0);
        let pending = |of: fn(&store::Totals) -> i64| totals.iter().map(of).sum::<i64>();
        assert_eq!(pending(|totals| totals.pending_out), pending(|totals| totals.pending_in));
    }
}
