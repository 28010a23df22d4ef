//! Units of work beside one another: what is kept, what is undone, and who sees what. Alarms are the marks
//! that they leave here, because all of them can be listed.

use std::sync::mpsc;

use model::{CardId, KeyVersion, UnixMillis};
use payment::{MerchantId, OrderState};
use store::{Alarm, Reading, Store, StoreError, Unit, WriteError};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::maker::gate::Gate;
use crate::maker::{MORNING, card, channel, first_answer, kept, order, question, seen};

fn mark(unit: &mut dyn Unit, kind: &str) -> Result<(), StoreError> {
    unit.add_alarm(&Alarm { card: None, subject: None, kind: kind.to_owned(), at: MORNING })
}

fn marks(rows: &dyn Reading) -> Result<Vec<String>, StoreError> {
    Ok(rows.alarms(u32::MAX)?.into_iter().rev().map(|alarm| alarm.kind).collect())
}

#[derive(Debug, PartialEq, Eq)]
enum Refused {
    AtOnce,
    AfterAChange,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(crate) async fn a_refusal_keeps_nothing_and_disturbs_nobody_in_its_batch(store: Store) {
    for round in 0..2 {
        let gate = Gate::shut(&store).await;
        let mut batch = Vec::new();
        for n in 0..6 {
            let store = store.clone();
            batch.push(tokio::spawn(async move {
                let work = move |unit: &mut dyn Unit| match n {
                    1 => Err(Refused::AtOnce),
                    // In the second round nobody changes anything before refusing: one commit for all.
                    3 if round == 0 => {
                        mark(unit, "undone")?;
                        Err(Refused::AfterAChange)
                    }
                    _ => Ok(mark(unit, &format!("{round}{n}"))?),
                };
                store.write(work).await
            }));
        }
        gate.open_when_waiting(&store, batch.len()).await;
        for (n, answer) in batch.into_iter().enumerate() {
            let expected = match n {
                1 => Err(WriteError::Refused(Refused::AtOnce)),
                3 if round == 0 => Err(WriteError::Refused(Refused::AfterAChange)),
                _ => Ok(()),
            };
            assert_eq!(answer.await.unwrap(), expected);
        }
    }
    let left = ["00", "02", "04", "05", "10", "12", "13", "14", "15"];
    assert_eq!(seen(&store, |rows| marks(rows)).await, left);
}

pub(crate) async fn in_a_batch_each_sees_what_those_before_it_changed(store: Store) {
    const CARD: u32 = 7;
    let gate = Gate::shut(&store).await;
    let mut batch = Vec::new();
    for n in 0..40 {
        let store = store.clone();
        batch.push(tokio::spawn(async move {
            let work = move |unit: &mut dyn Unit| {
                let waiting = unit.waiting_orders(CardId(CARD))?;
                let mut link = unit.link_state(CardId(CARD))?;
                link.prompts += 1;
                unit.put_link_state(CardId(CARD), KeyVersion::FIRST, &link)?;
                // Every other one ends the newest order, so that a row is changed more than once in the batch.
                if let Some(mut newest) = waiting.last().cloned()
                    && n % 2 == 1
                {
                    newest.order.state = OrderState::Canceled;
                    unit.put_order_state(&newest)?;
                    assert_eq!(unit.order(newest.order.id)?, Some(newest));
                }
                unit.add_order(&order(n, CARD))?;
                Ok::<_, StoreError>((link.prompts, unit.waiting_orders(CardId(CARD))?.len()))
            };
            store.write(work).await
        }));
    }
    gate.open_when_waiting(&store, batch.len()).await;
    let mut prompts = Vec::new();
    for answer in batch {
        let (prompt, waiting) = answer.await.unwrap().unwrap();
        assert!(waiting > 0);
        prompts.push(prompt);
    }
    prompts.sort_unstable();
    assert_eq!(prompts, (1..=40).collect::<Vec<_>>());
    let left = seen(&store, |rows| rows.waiting_orders(CardId(CARD))).await;
    let canceled = seen(&store, |rows| rows.today(UnixMillis(0))).await.by_state;
    let canceled: u64 =
        canceled.iter().filter(|(state, ..)| state == "canceled").map(|(_, _, count, _)| *count).sum();
    assert_eq!(left.len() as u64 + canceled, 40);
    assert!(canceled > 0);
}

pub(crate) async fn of_a_batch_only_the_one_that_breaks_a_rule_is_refused(store: Store) {
    let gate = Gate::shut(&store).await;
    let mut batch = Vec::new();
    for n in 0..12 {
        let store = store.clone();
        batch.push(tokio::spawn(async move {
            // The sixth and the seventh are the same order.
            let work = move |unit: &mut dyn Unit| unit.add_order(&order(if n == 6 { 5 } else { n }, 1));
            store.write(work).await
        }));
    }
    gate.open_when_waiting(&store, batch.len()).await;
    let (mut made, mut refused) = (0, 0);
    for answer in batch {
        match answer.await.unwrap() {
            Ok(()) => made += 1,
            Err(WriteError::Refused(StoreError::Constraint(_))) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((made, refused), (11, 1));
    assert_eq!(seen(&store, |rows| rows.waiting_orders(CardId(1))).await.len(), 11);
}

pub(crate) async fn one_row_asked_for_by_itself_is_the_newest_that_was_kept(store: Store) {
    let (a, b) = (card(1), card(2));
    let both = (a.clone(), b.clone());
    kept(&store, move |unit| {
        unit.add_card(&both.0)?;
        unit.add_card(&both.1)
    })
    .await;
    let (first, second, nobody) =
        tokio::join!(store.card_heard(a.channel), store.card_heard(b.channel), store.card_heard(channel(9)));
    assert_eq!((first, second, nobody), (Ok(Some(a.clone())), Ok(Some(b)), Ok(None)));
    assert_eq!(store.open_question(a.id()).await, Ok(None));
    let asked = question(1, 100);
    let expected = asked.clone();
    kept(&store, move |unit| unit.add_authorization(&asked)).await;
    assert_eq!(store.open_question(a.id()).await, Ok(Some(expected)));
}

pub(crate) async fn of_two_who_race_one_wins_and_the_other_sees_it(store: Store) {
    for key in ["a", "b", "c"] {
        let mut racers = JoinSet::new();
        for racer in 0..2 {
            let store = store.clone();
            racers.spawn(async move {
                kept(&store, move |unit| {
                    if let Some(first) = unit.idempotent(MerchantId(1), "orders", key)? {
                        return Ok::<_, StoreError>((false, first.body));
                    }
                    let mine = first_answer(&format!("racer {racer}"), MORNING);
                    unit.add_idempotent(MerchantId(1), "orders", key, &mine)?;
                    Ok((true, mine.body))
                })
                .await
            });
        }
        let answers = racers.join_all().await;
        assert_eq!(answers.iter().filter(|(won, _)| *won).count(), 1);
        assert_eq!(answers[0].1, answers[1].1);
    }
}

pub(crate) async fn two_thousand_at_once_are_all_answered_and_all_there(store: Store) {
    let mut writers = JoinSet::new();
    for n in 0..2_000 {
        let store = store.clone();
        writers.spawn(async move { store.write(move |unit| mark(unit, &format!("{n:04}"))).await });
    }
    assert!(writers.join_all().await.into_iter().all(|answer| answer == Ok(())));
    let mut left = seen(&store, |rows| marks(rows)).await;
    left.sort_unstable();
    assert_eq!(left, (0..2_000).map(|n| format!("{n:04}")).collect::<Vec<_>>());
    assert_eq!(store.queue().waiting, 0);
}

pub(crate) async fn a_reading_sees_one_moment(store: Store) {
    let (writer, runtime) = (store.clone(), tokio::runtime::Handle::current());
    let reading = move |rows: &dyn Reading| {
        let before = marks(rows)?;
        // Durable before the reading goes on: sums that are read one after the other still agree.
        runtime.block_on(kept(&writer, |unit| mark(unit, "meanwhile")));
        Ok((before, marks(rows)?))
    };
    assert_eq!(store.read(reading).await, Ok((vec![], vec![])));
    assert_eq!(seen(&store, |rows| marks(rows)).await, ["meanwhile"]);
}

pub(crate) async fn what_is_not_committed_is_not_seen(store: Store) {
    let (opener, opened) = mpsc::channel::<()>();
    let (tell, changed) = oneshot::channel();
    let (writer, mut tell) = (store.clone(), Some(tell));
    let writing = tokio::spawn(async move {
        let work = move |unit: &mut dyn Unit| {
            mark(unit, "late")?;
            assert_eq!(marks(&*unit)?, ["late"]);
            tell.take().map(|tell| tell.send(()));
            let _ = opened.recv();
            Ok::<(), StoreError>(())
        };
        writer.write(work).await
    });
    changed.await.unwrap();
    assert_eq!(store.peek(marks), Ok(vec![]));
    drop(opener);
    assert_eq!(writing.await.unwrap(), Ok(()));
    assert_eq!(store.peek(marks), Ok(vec!["late".to_owned()]));
}

pub(crate) async fn whoever_leaves_before_the_answer_is_served_all_the_same(store: Store) {
    let gate = Gate::shut(&store).await;
    let leaving = store.clone();
    let asked = tokio::spawn(async move { leaving.write(|unit| mark(unit, "left")).await });
    while store.queue().waiting < 1 {
        tokio::task::yield_now().await;
    }
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    gate.open_when_waiting(&store, 1).await;
    // Nobody is told when it is done; what is handed in after it is answered after it.
    kept(&store, |_| Ok::<(), StoreError>(())).await;
    assert_eq!(seen(&store, |rows| marks(rows)).await, ["left"]);
}

pub(crate) async fn a_unit_of_work_that_panics_is_its_own_misfortune(store: Store) {
    let gate = Gate::shut(&store).await;
    let mut batch = Vec::new();
    for n in 0..4 {
        let store = store.clone();
        batch.push(tokio::spawn(async move {
            let work = move |unit: &mut dyn Unit| {
                mark(unit, &n.to_string())?;
                assert!(n != 2, "a mistake in the platform");
                Ok::<(), StoreError>(())
            };
            store.write(work).await
        }));
    }
    gate.open_when_waiting(&store, batch.len()).await;
    for (n, answer) in batch.into_iter().enumerate() {
        let expected = if n == 2 { Err(WriteError::Store(StoreError::Panicked)) } else { Ok(()) };
        assert_eq!(answer.await.unwrap(), expected);
    }
    let read = store.read(|_| -> Result<(), StoreError> { panic!("another one") }).await;
    assert_eq!(read, Err(StoreError::Panicked));
    assert_eq!(seen(&store, |rows| marks(rows)).await, ["0", "1", "3"]);
}
