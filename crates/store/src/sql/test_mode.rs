//! [`TestReading`] and [`TestUnit`] over a session.

use model::{CardId, UnixMillis};
use payment::{MerchantId, OrderId, TestAnswer, TestHabit};

use super::read::{Rows, select};
use super::row::{Column, Read, col};
use super::write::{Changes, read_through};
use super::{Row, params};
use crate::error::StoreError;
use crate::rows::{Merchant, StoredTestCard, TestClock, TestTask};
use crate::test_mode::{TestReading, TestUnit};

const CARD: &str = "card, merchant, name, answers, habit, funded, memory, order_id, answer, done, created_at";
const CARDS: &str = "from test_card where merchant = ? and card > ? order by card limit ?";
/// A card that waits for somebody to press has nothing to do; nor has one that did what it does, until its order ends.
const TO_ACT: &str = "select t.card from test_card t left join orders c on c.id = t.order_id \
     where t.card > ?1 and ((c.id is not null and t.done = 1 and t.answer = 'late' \
         and c.state not in ('awaiting_card', 'processing')) \
       or (not (c.id is not null and t.done = 1 and c.state in ('awaiting_card', 'processing')) \
         and (t.habit <> 'wait' or t.answers <> '' or (t.answer is not null and t.done = 0)) \
         and exists (select 1 from orders o where o.card = t.card and o.state in ('awaiting_card', 'processing')))) \
     order by t.card limit ?2";

/// Ids begin with their time: those made before a moment stand first.
const OLD_ORDERS: &str = "select id from orders o where id < ?1 and state not in ('awaiting_card', 'processing') \
     and exists (select 1 from test_clock) \
     and not exists (select 1 from event e join webhook_outbox w on w.event = e.seq where e.order_id = o.id) \
     order by id limit ?2";

/// Below every card.
const NO_CARD: i64 = -1;

fn card(row: &Row<'_>) -> Read<StoredTestCard> {
    let answer_of = |name: &str| TestAnswer::from_name(name).ok_or(StoreError::Malformed("test_card.answer"));
    let answers: String = col!(CARD, "answers").get(row)?;
    let habit: String = col!(CARD, "habit").get(row)?;
    let order: Option<[u8; 16]> = col!(CARD, "order_id").get(row)?;
    let answer: Option<String> = col!(CARD, "answer").get(row)?;
    let task = match order.zip(answer) {
        Some((order, answer)) => Some(TestTask {
            order: OrderId(u128::from_be_bytes(order)),
            answer: answer_of(&answer)?,
            done: col!(CARD, "done").get(row)?,
        }),
        None => None,
    };
    Ok(StoredTestCard {
        card: CardId(col!(CARD, "card").get(row)?),
        merchant: MerchantId(col!(CARD, "merchant").get(row)?),
        name: col!(CARD, "name").get(row)?,
        answers: answers.split_whitespace().map(answer_of).collect::<Result<_, _>>()?,
        habit: TestHabit::from_name(&habit).ok_or(StoreError::Malformed("test_card.habit"))?,
        funded: col!(CARD, "funded").get(row)?,
        memory: col!(CARD, "memory").get(row)?,
        task,
        created_at: UnixMillis(col!(CARD, "created_at").get(row)?),
    })
}

fn above(card: Option<CardId>) -> i64 {
    card.map_or(NO_CARD, |card| i64::from(card.0))
}

fn words(answers: &[TestAnswer]) -> String {
    answers.iter().map(|answer| answer.name()).collect::<Vec<_>>().join(" ")
}

impl TestReading for Rows<'_> {
    fn test_clock(&self) -> Result<Option<TestClock>, StoreError> {
        self.one("select ahead, begun_at from test_clock where id = 1", params![], |row| {
            Ok(TestClock { ahead: row.get(0)?, begun_at: UnixMillis(row.get(1)?) })
        })
    }

    fn test_card(&self, id: CardId) -> Result<Option<StoredTestCard>, StoreError> {
        self.one(select!(CARD, "from test_card where card = ?"), [id.0], card)
    }

    fn test_cards_after(
        &self,
        merchant: MerchantId,
        after: Option<CardId>,
        limit: u32,
    ) -> Result<Vec<StoredTestCard>, StoreError> {
        self.many(select!(CARD, CARDS), params![merchant.0, above(after), limit], card)
    }

    fn test_card_count(&self, merchant: MerchantId) -> Result<u32, StoreError> {
        let sql = "select count(*) from test_card where merchant = ?";
        Ok(self.one(sql, [merchant.0], |row| row.get(0))?.unwrap_or(0))
    }

    fn test_cards_to_act(&self, after: Option<CardId>, limit: u32) -> Result<Vec<CardId>, StoreError> {
        self.many(TO_ACT, params![above(after), limit], |row| Ok(CardId(row.get(0)?)))
    }

    fn has_test_orders_before(&self, before: UnixMillis) -> Result<bool, StoreError> {
        let below = OrderId::from_time_and_random(before, 0).0.to_be_bytes();
        Ok(self.one(OLD_ORDERS, params![below, 1_u32], |_| Ok(()))?.is_some())
    }
}

read_through! { TestReading:
    fn test_clock(&self) -> Option<TestClock>;
    fn test_card(&self, id: CardId) -> Option<StoredTestCard>;
    fn test_cards_after(&self, merchant: MerchantId, after: Option<CardId>, limit: u32) -> Vec<StoredTestCard>;
    fn test_card_count(&self, merchant: MerchantId) -> u32;
    fn test_cards_to_act(&self, after: Option<CardId>, limit: u32) -> Vec<CardId>;
    fn has_test_orders_before(&self, before: UnixMillis) -> bool;
}

impl TestUnit for Changes<'_> {
    fn begin_test_clock(&mut self, at: UnixMillis) -> Result<(), StoreError> {
        self.execute("insert into test_clock (id, ahead, begun_at) values (1, 0, ?)", [at.0])?;
        Ok(())
    }

    fn put_test_clock(&mut self, ahead: i64) -> Result<(), StoreError> {
        let sql = "update test_clock set ahead = ?1 where id = 1 and ahead <= ?1";
        self.change_one("test_clock", sql, [ahead])
    }

    fn put_test_merchant(&mut self, merchant: &Merchant, at: UnixMillis) -> Result<(), StoreError> {
        let sql = "insert into merchant (id, name, created_at) values (?, ?, ?) on conflict (id) do nothing";
        self.execute(sql, params![merchant.id.0, merchant.name, at.0])?;
        Ok(())
    }

    fn add_test_card(&mut self, card: &StoredTestCard) -> Result<(), StoreError> {
        let sql = "insert into test_card (card, merchant, name, answers, habit, funded, memory, done, created_at) \
                   values (?, ?, ?, ?, ?, ?, ?, 0, ?)";
        self.execute(
            sql,
            params![
                card.card.0,
                card.merchant.0,
                card.name,
                words(&card.answers),
                card.habit.name(),
                card.funded,
                card.memory,
                card.created_at.0,
            ],
        )?;
        Ok(())
    }

    fn put_test_card(&mut self, card: &StoredTestCard) -> Result<(), StoreError> {
        let sql = "update test_card set answers = ?2, habit = ?3, order_id = ?4, answer = ?5, done = ?6 \
                   where card = ?1";
        let task = card.task;
        self.change_one(
            "test_card",
            sql,
            params![
                card.card.0,
                words(&card.answers),
                card.habit.name(),
                task.map(|task| task.order.0.to_be_bytes()),
                task.map(|task| task.answer.name()),
                task.is_some_and(|task| task.done),
            ],
        )
    }

    fn put_test_card_memory(&mut self, card: CardId, memory: &[u8]) -> Result<(), StoreError> {
        self.change_one(
            "test_card",
            "update test_card set memory = ?2 where card = ?1",
            params![card.0, memory],
        )
    }

    fn remove_test_card(&mut self, card: CardId) -> Result<(), StoreError> {
        self.change_one("test_card", "delete from test_card where card = ?", [card.0])
    }

    fn forget_test_orders(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        let below = OrderId::from_time_and_random(before, 0).0.to_be_bytes();
        let old = self.read().many(OLD_ORDERS, params![below, limit], |row| row.get::<[u8; 16]>(0))?;
        for order in &old {
            for sql in [
                "delete from authorization where order_id = ?",
                "delete from event where order_id = ?",
                "delete from orders where id = ?",
            ] {
                self.execute(sql, [order])?;
            }
        }
        Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
    }
}
