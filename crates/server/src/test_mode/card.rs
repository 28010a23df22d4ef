//! Software cards: made, read, told what to do, frozen, forgotten.

use std::sync::Arc;

use air::card::Flash;
use crypto::Suite;
use model::{Amount, CardId, ChannelId, ChannelKind, HolderReference};
use payment::{CardEvent, MerchantId, TestAnswer, TestHabit, TransferId};
use store::{Reading, StoreError, StoredCard, StoredTestCard};

use super::{TestCardError, TestMode};
use crate::app::{
    Binding, CancelError, CardUseError, Created, Funding, IdempotencyKey, NewCard, NewOrder, OrderRefused,
    STATUS_CREATED, first_answer, keep_first_answer,
};

const ENDPOINT: &str = "test.cards.create";
/// How long a card is valid, in milliseconds: longer than the clock can be set ahead.
const VALID_MILLIS: i64 = 20 * 365 * 86_400_000;
/// Orders that are taken back in one go.
const ORDERS_AT_ONCE: u32 = 256;
const CARDS_AT_ONCE: u32 = 256;

/// A software card to be made.
#[derive(Clone, Debug)]
pub struct NewTestCard {
    /// Whose.
    pub merchant: MerchantId,
    /// What its merchant calls it.
    pub name: String,
    /// Whether it has a display: without one, larger amounts want a number of presses.
    pub has_display: bool,
    /// What it does with its next questions.
    pub answers: Vec<TestAnswer>,
    /// What it does after those.
    pub habit: TestHabit,
    /// What its holder has; without it, whatever an order needs.
    pub funds: Option<Amount>,
}

/// A software card with the card that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCardView {
    /// What it does.
    pub test: StoredTestCard,
    /// The card.
    pub card: StoredCard,
}

impl TestCardView {
    fn of(rows: &dyn Reading, test: StoredTestCard) -> Result<Self, StoreError> {
        let card = rows.card(test.card)?.ok_or(StoreError::Malformed("a test card without its card"))?;
        Ok(Self { test, card })
    }
}

/// How a software card becomes the body of an answer.
pub type RenderCard = Arc<dyn Fn(&TestCardView) -> String + Send + Sync>;

impl TestMode {
    /// Makes a software card, bound to a holder of its own.
    pub async fn make_card(
        &self,
        new: NewTestCard,
        idempotency: Option<IdempotencyKey>,
        render: RenderCard,
    ) -> Result<Created, TestCardError> {
        let (app, now) = (self.app(), self.app().now());
        let (merchant, most) = (new.merchant, self.rules().cards_a_merchant);
        let given = idempotency.clone();
        // Before anything is made: a repeated request makes nothing.
        let first = app.write::<_, TestCardError>(move |unit| {
            let first = first_answer::<TestCardError>(unit, merchant, ENDPOINT, given.as_ref())?;
            if first.is_none() && unit.test_card_count(merchant)? >= most {
                return Err(TestCardError::TooMany(most));
            }
            Ok(first)
        });
        if let Some(first) = first.await? {
            return Ok(Created { body: first.body, repeated: true });
        }
        let holder = HolderReference((app.random() >> 64) as u64);
        let issued = app
            .issue_card(NewCard {
                holder,
                channel: self.channel()?,
                suite: Suite::Aes128Eax,
                has_display: new.has_display,
                listens: false,
                valid_until: now.plus(VALID_MILLIS),
                master: self.inner.master,
                transport: self.inner.transport,
            })
            .await?;
        let id = issued.information.card_id;
        let (name, document) = ("Test Holder 测试持卡人".to_owned(), id.to_string());
        app.bind_card(Binding { card: id, holder, name, document }).await?;
        if let Some(amount) = new.funds {
            app.fund(Funding { id: TransferId(app.random_by_time(now)), holder, amount }).await?;
        }
        let test = StoredTestCard {
            card: id,
            merchant,
            name: new.name,
            answers: new.answers,
            habit: new.habit,
            funded: new.funds.is_none(),
            memory: Flash::default().to_bytes().to_vec(),
            task: None,
            created_at: now,
        };
        app.write::<_, TestCardError>(move |unit| {
            if let Some(first) =
                first_answer::<TestCardError>(unit, merchant, ENDPOINT, idempotency.as_ref())?
            {
                return Ok(Created { body: first.body, repeated: true });
            }
            if unit.test_card_count(merchant)? >= most {
                return Err(TestCardError::TooMany(most));
            }
            unit.add_test_card(&test)?;
            let card = unit.card(id)?.ok_or(TestCardError::NoSuchCard)?;
            let body = render(&TestCardView { test: test.clone(), card });
            keep_first_answer(unit, merchant, ENDPOINT, idempotency.as_ref(), (STATUS_CREATED, &body), now)?;
            Ok(Created { body, repeated: false })
        })
        .await
    }

    /// A channel that no radio has.
    fn channel(&self) -> Result<ChannelId, StoreError> {
        let bytes = ((self.app().random() >> 64) as u64).to_be_bytes();
        ChannelId::new(ChannelKind::Eui64, bytes).map_err(|_| StoreError::Malformed("a channel"))
    }

    /// A software card of a merchant's.
    pub fn card(&self, merchant: MerchantId, id: CardId) -> Result<TestCardView, TestCardError> {
        let found = self.app().store().peek(|rows| {
            let test = rows.test_card(id)?.filter(|test| test.merchant == merchant);
            test.map(|test| TestCardView::of(rows, test)).transpose()
        });
        found?.ok_or(TestCardError::NoSuchCard)
    }

    /// A merchant's software cards above one, by id.
    pub async fn cards(
        &self,
        merchant: MerchantId,
        after: Option<CardId>,
        limit: u32,
    ) -> Result<Vec<TestCardView>, StoreError> {
        let read = move |rows: &dyn Reading| {
            let cards = rows.test_cards_after(merchant, after, limit)?;
            cards.into_iter().map(|test| TestCardView::of(rows, test)).collect()
        };
        self.app().store().read(read).await
    }

    /// Says what a card does from now on; then it does it.
    pub async fn script(
        &self,
        merchant: MerchantId,
        id: CardId,
        answers: Vec<TestAnswer>,
        habit: TestHabit,
    ) -> Result<TestCardView, TestCardError> {
        {
            let _turn = self.turn_of(id).await;
            let written = self.app().write::<_, TestCardError>(move |unit| {
                let mut test = unit.test_card(id)?.filter(|test| test.merchant == merchant);
                let test = test.as_mut().ok_or(TestCardError::NoSuchCard)?;
                (test.answers, test.habit) = (answers.clone(), habit);
                Ok(unit.put_test_card(test)?)
            });
            written.await?;
        }
        self.act(id, None).await?;
        self.card(merchant, id)
    }

    /// Freezes or unfreezes a card.
    pub async fn set_frozen(
        &self,
        merchant: MerchantId,
        id: CardId,
        frozen: bool,
    ) -> Result<TestCardView, TestCardError> {
        self.card(merchant, id)?;
        self.app().card_event(id, if frozen { CardEvent::Freeze } else { CardEvent::Unfreeze }).await?;
        self.card(merchant, id)
    }

    /// Takes a card away: what waits for it is declined.
    pub async fn remove_card(&self, merchant: MerchantId, id: CardId) -> Result<(), TestCardError> {
        let _turn = self.turn_of(id).await;
        self.card(merchant, id)?;
        match self.app().card_event(id, CardEvent::Close).await {
            // Closed already, when this was begun before and stopped.
            Ok(()) | Err(CardUseError::Card(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.app().write::<_, TestCardError>(move |unit| Ok(unit.remove_test_card(id)?)).await
    }

    /// Takes all of a merchant's open orders back and its cards away; how many of each. What has ended stays in the books.
    pub async fn clear(&self, merchant: MerchantId) -> Result<(u32, u32), TestCardError> {
        let (mut orders, mut cards, mut before) = (0, 0, None);
        loop {
            let page = self
                .app()
                .store()
                .read(move |rows| rows.orders_before(Some(merchant), before, ORDERS_AT_ONCE))
                .await?;
            let Some(last) = page.last() else { break };
            before = Some(last.order.id);
            for stored in page.iter().filter(|stored| stored.order.state.is_open()) {
                match self.app().cancel_order(Some(merchant), stored.order.id).await {
                    Ok(_) => orders += 1,
                    // Ended meanwhile.
                    Err(CancelError::Order(_) | CancelError::NoSuchOrder) => {}
                    Err(CancelError::Store(error)) => return Err(error.into()),
                }
            }
        }
        loop {
            let page = self.cards(merchant, None, CARDS_AT_ONCE).await?;
            if page.is_empty() {
                return Ok((orders, cards));
            }
            for view in page {
                self.remove_card(merchant, view.test.card).await?;
                cards += 1;
            }
        }
    }

    /// Before an order is made: its card is this merchant's, and the holder has what it needs, unless the amount says that
    /// they do not.
    pub(crate) async fn before_order(&self, new: &NewOrder) -> Result<(), OrderRefused> {
        let found = self.app().store().peek(|rows| {
            let test = rows.test_card(new.card)?;
            Ok(test.zip(rows.card(new.card)?))
        })?;
        // A card that is closed is refused as such.
        let Some((test, card)) = found else { return Ok(()) };
        if test.merchant != new.merchant {
            return Err(OrderRefused::NoSuchCard);
        }
        let by_amount = test.habit == TestHabit::ByAmount && test.answers.is_empty();
        if by_amount && TestAnswer::lacks_funds(new.amount) {
            return Err(OrderRefused::InsufficientFunds);
        }
        let Some(holder) = card.record.bound_to.filter(|_| test.funded) else { return Ok(()) };
        let id = TransferId(self.app().random_by_time(self.app().now()));
        match self.app().fund(Funding { id, holder, amount: new.amount }).await {
            Ok(()) => Ok(()),
            Err(crate::app::FundError::Ledger(error)) => Err(error.into()),
            Err(crate::app::FundError::Store(error)) => Err(error.into()),
            Err(crate::app::FundError::NoSuchHolder | crate::app::FundError::OtherTransfer) => {
                Err(StoreError::Malformed("a test card's holder").into())
            }
        }
    }
}
