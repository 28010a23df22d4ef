//! Loads that the card cannot decide, what is kept of them, and how a person settles them: once.

use model::{Fen, OnlineCounter};
use payment::{LoadError, LoadId, LoadState};
use server::bank::{BankRules, Found, SettleError};
use store::StoredLoad;
use tap::message::{LogRecord, PublicData};
use tap::{Body, Outcome, Transaction};

use crate::counter::{Money, Plan};
use crate::elsewhere::load_elsewhere;
use crate::scene::{AMOUNT, LOADED, SET_ASIDE, Scene, list_of, outcome_of};

const FREED: Money = Money { debited: 0, set_aside: 0, on_cards: 0 };

impl Scene {
    fn open_load(&self) -> StoredLoad {
        self.counter.unfinished(self.asn).unwrap()
    }

    async fn settle(&self, id: LoadId, found: Found) -> Result<(), SettleError> {
        self.counter.bank.settle(id, found, "the card was read at the counter").await
    }

    /// A load that the card took, after which it was loaded elsewhere: n' is n+2, and its proof is of that load.
    async fn in_doubt(seed: u64) -> Self {
        let mut scene = Self::begin(seed).await;
        let (mut held, list) = scene.begin_load().await;
        held.run(&list);
        load_elsewhere(&scene.wallet, Fen(1), scene.counter.now());
        assert_eq!(scene.finish().await, Outcome::InDoubt);
        scene
    }
}

fn is_in_doubt(load: &StoredLoad, note: &str) -> bool {
    (load.load.state, load.note.as_deref()) == (LoadState::InDoubt, Some(note))
}

#[tokio::test]
async fn a_counter_two_further_is_in_doubt_and_the_cards_log_is_kept_as_evidence() {
    let scene = Scene::in_doubt(601).await;
    let open = scene.open_load();
    assert!(is_in_doubt(&open, "the card's counter is 2, the load's 0"), "{open:?}");
    let records: Vec<LogRecord> =
        open.evidence.chunks(LogRecord::LENGTH).map(|record| LogRecord::parse(record).unwrap()).collect();
    let amounts: Vec<(u16, Fen)> = records.iter().map(|record| (record.sequence, record.amount)).collect();
    assert_eq!(amounts, [(2, Fen(1)), (1, AMOUNT)]);
    assert_eq!(scene.counter.money(), SET_ASIDE);
}

#[tokio::test]
async fn a_counter_one_further_without_a_proof_is_in_doubt_even_if_the_balance_fits() {
    let mut scene = Scene::begin(602).await;
    let _torn = scene.begin_load().await;
    load_elsewhere(&scene.wallet, AMOUNT, scene.counter.now());
    assert_eq!(scene.wallet.balance(), AMOUNT, "as if our load had arrived");
    assert_eq!(scene.finish().await, Outcome::InDoubt);
    let open = scene.open_load();
    assert!(is_in_doubt(&open, "the counter says taken, no proof agrees"), "{open:?}");
    assert_eq!(open.evidence.len(), LogRecord::LENGTH);
    assert_eq!(scene.counter.money(), SET_ASIDE);
    assert_eq!(scene.finish().await, Outcome::InDoubt, "and stays so");
    assert_eq!(scene.load(AMOUNT).await, Outcome::OpenLoad);
}

#[tokio::test]
async fn a_counter_that_went_back_is_in_doubt() {
    let mut scene = Scene::begin(603).await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    let _torn = scene.begin_load().await;
    scene.forge(|image| image.memory.online = OnlineCounter(0));
    assert_eq!(scene.finish().await, Outcome::InDoubt);
    assert!(is_in_doubt(&scene.open_load(), "the card's counter is 0, the load's 1"));
    let money = scene.counter.money();
    assert_eq!((money.debited, money.set_aside), (5_000, 5_000));
}

#[tokio::test]
async fn after_the_last_attempt_a_person_decides() {
    let rules = BankRules { attempts_max: 2, ..BankRules::default() };
    let mut scene = Scene::begin_as(Plan { rules, ..Plan::of(604) }, |_| {}).await;
    let _torn = scene.begin_load().await;
    let (mut held, probe) = scene.probe().await;
    let probed = held.run(&probe);
    let second = scene.outputs(&probed).await;
    assert!(matches!(second, Body::Commands(_)), "the second attempt");
    assert_eq!(scene.finish().await, Outcome::InDoubt, "there is no third");
    let open = scene.open_load();
    assert!(is_in_doubt(&open, "too many attempts"), "{open:?}");
    assert_eq!(scene.finish().await, Outcome::InDoubt);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (SET_ASIDE, Fen(0)));
    assert_eq!(scene.settle(open.load.id, Found::NotCredited).await, Ok(()));
    assert_eq!(scene.counter.money(), FREED);
}

#[tokio::test]
async fn a_load_in_doubt_that_the_card_holds_is_posted_by_hand_once() {
    let mut scene = Scene::in_doubt(605).await;
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::Credited).await, Ok(()));
    assert_eq!(scene.counter.money(), LOADED);
    let stored = scene.counter.stored_loads(scene.asn).remove(0);
    assert_eq!(stored.note.unwrap().lines().last(), Some("the card was read at the counter"));
    for found in [Found::Credited, Found::NotCredited, Found::CardUnreadable] {
        let ended = LoadError::Ended(LoadState::SettledCredited);
        assert_eq!(scene.settle(id, found).await, Err(SettleError::Load(ended)));
    }
    assert_eq!(scene.finish().await, Outcome::NothingOpen);
    assert_eq!(scene.counter.money(), LOADED);
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded, "the card is as good as before");
}

#[tokio::test]
async fn a_load_in_doubt_that_the_card_does_not_hold_is_given_back_by_hand_once() {
    let mut scene = Scene::begin(606).await;
    let (_torn, list) = scene.begin_load().await;
    load_elsewhere(&scene.wallet, Fen(1), scene.counter.now());
    assert_eq!(scene.finish().await, Outcome::InDoubt);
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::NotCredited).await, Ok(()));
    assert_eq!(scene.counter.money(), FREED);
    for found in [Found::Credited, Found::NotCredited, Found::CardUnreadable] {
        let ended = LoadError::Ended(LoadState::SettledReturned);
        assert_eq!(scene.settle(id, found).await, Err(SettleError::Load(ended)));
    }
    assert_eq!(scene.finish().await, Outcome::NothingOpen);
    let late = tap::Outputs {
        reference: list.reference,
        list: list.list,
        outputs: vec![tap::CardAnswer::Gone],
        ending: tap::ListEnding::CardGone,
    };
    assert_eq!(outcome_of(scene.outputs(&late).await), Outcome::NothingOpen, "a report that comes late");
    assert_eq!(scene.counter.money(), FREED);
    scene.is_frozen_until_somebody_has_seen_it().await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    assert_eq!(scene.counter.alarms(scene.asn), ["counter_ahead"], "a load that the bank does not know");
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, Fen(5_001)));
}

#[tokio::test]
async fn an_open_load_is_the_cards_to_decide_until_the_card_cannot_be_read() {
    let scene = Scene::begin(607).await;
    let _torn = scene.begin_load().await;
    let id = scene.open_load().load.id;
    for found in [Found::Credited, Found::NotCredited] {
        let refused = Err(SettleError::Load(LoadError::CardDecides));
        assert_eq!(scene.settle(id, found).await, refused);
    }
    assert_eq!((scene.open_load().load.state, scene.counter.money()), (LoadState::Open, SET_ASIDE));
    assert_eq!(scene.settle(id, Found::CardUnreadable).await, Ok(()));
    assert_eq!((scene.open_load().load.state, scene.counter.money()), (LoadState::InDoubt, SET_ASIDE));
    assert_eq!(scene.settle(id, Found::NotCredited).await, Ok(()));
    assert_eq!(scene.counter.money(), FREED);
}

#[tokio::test]
async fn who_settles_says_why_and_of_which_load() {
    let scene = Scene::in_doubt(608).await;
    let id = scene.open_load().load.id;
    for note in ["", "  \n ", &"说".repeat(201)] {
        let refused = scene.counter.bank.settle(id, Found::Credited, note).await;
        assert_eq!(refused, Err(SettleError::NoteMissing), "{note:?}");
    }
    assert_eq!(scene.settle(LoadId(1), Found::Credited).await, Err(SettleError::NoSuchLoad));
    assert_eq!(scene.counter.money(), SET_ASIDE);
    let longest = "说".repeat(200);
    assert_eq!(scene.counter.bank.settle(id, Found::Credited, &longest).await, Ok(()));
    assert_eq!(scene.counter.money(), LOADED);
}

#[tokio::test]
async fn a_proof_closes_a_load_that_a_person_was_to_settle() {
    let mut scene = Scene::begin(609).await;
    let (mut held, list) = scene.begin_load().await;
    held.run(&list);
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::CardUnreadable).await, Ok(()));
    assert_eq!(scene.finish().await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
    let ended = LoadError::Ended(LoadState::Closed);
    assert_eq!(scene.settle(id, Found::NotCredited).await, Err(SettleError::Load(ended)));
    assert_eq!(scene.counter.money(), LOADED);
}

#[tokio::test]
async fn a_tac_that_comes_late_closes_a_load_in_doubt() {
    let scene = Scene::begin(610).await;
    let (mut held, list) = scene.begin_load().await;
    let outputs = held.run(&list);
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::CardUnreadable).await, Ok(()));
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_load_that_a_person_is_to_settle_is_not_offered_again() {
    let mut scene = Scene::begin(611).await;
    let _torn = scene.begin_load().await;
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::CardUnreadable).await, Ok(()));
    assert_eq!(scene.finish().await, Outcome::InDoubt, "the card can be read, and a person is at it");
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (SET_ASIDE, Fen(0)));
}

#[tokio::test]
async fn a_card_whose_load_was_given_back_is_loaded_again_where_it_stands() {
    let mut scene = Scene::begin(612).await;
    let (mut held, dead) = scene.begin_load().await;
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::CardUnreadable).await, Ok(()));
    assert_eq!(scene.settle(id, Found::NotCredited).await, Ok(()));
    scene.is_frozen_until_somebody_has_seen_it().await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
    // Of the one that was given back neither its order nor a report of it is worth anything.
    let refused = held.run(&dead);
    assert_eq!(outcome_of(scene.outputs(&refused).await), Outcome::NothingOpen);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_load_that_was_given_back_and_is_on_the_card_all_the_same_stops_the_card_and_is_told() {
    let mut scene = Scene::begin(615).await;
    // The card took it, its report is late, and the person at the bank said that it did not: the bank's loss, once.
    let (mut held, list) = scene.begin_load().await;
    let late = held.run(&list);
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::CardUnreadable).await, Ok(()));
    assert_eq!(scene.settle(id, Found::NotCredited).await, Ok(()));
    scene.is_frozen_until_somebody_has_seen_it().await;
    assert_eq!(outcome_of(scene.outputs(&late).await), Outcome::InDoubt);
    assert_eq!(scene.counter.alarms(scene.asn), ["returned_load_on_card"]);
    assert_eq!(scene.counter.money(), FREED);
    scene.is_frozen_until_somebody_has_seen_it().await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, Fen(10_000)));
}

#[tokio::test]
async fn an_answer_from_before_a_load_that_was_given_back_by_mistake_credits_nothing() {
    let mut scene = Scene::begin(616).await;
    let mut held = scene.hold();
    let old = held.initialized(None, AMOUNT);
    let (mut held, list) = scene.begin_load().await;
    held.run(&list);
    let id = scene.open_load().load.id;
    assert_eq!(scene.settle(id, Found::CardUnreadable).await, Ok(()));
    assert_eq!(scene.settle(id, Found::NotCredited).await, Ok(()));
    scene.is_frozen_until_somebody_has_seen_it().await;
    let reading = tap::message::CardReading { authorization: Some(scene.authorized(AMOUNT).await), ..old };
    assert!(matches!(scene.load_card(&reading).await, Body::Commands(_)), "its counter is free again");
    assert_eq!(scene.finish().await, Outcome::InDoubt, "the proof on the card is of the other");
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (SET_ASIDE, AMOUNT));
}

#[tokio::test]
async fn what_is_paid_reaches_the_card_after_its_last_day() {
    let mut scene = Scene::begin(617).await;
    let _torn = scene.begin_load().await;
    scene.forge(|image| image.memory.set_validity([0x20, 0x20, 0x01, 0x01], [0x20, 0x26, 0x01, 0x01]));
    assert_eq!(scene.finish().await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_counter_that_is_said_to_be_at_its_end_is_not_believed_in_the_middle() {
    let mut scene = Scene::begin(618).await;
    let _torn = scene.begin_load().await;
    let (mut held, list) = scene.probe().await;
    let mut outputs = held.run(&list);
    outputs.ending = tap::ListEnding::Mismatch;
    if let Some(last) = outputs.outputs.last_mut() {
        *last = tap::CardAnswer::Said { data: Vec::new(), status: tap::StatusWord::COUNTER_END };
    }
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::PaidNotWritten);
    assert_eq!(scene.finish().await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn nothing_is_finished_of_a_card_of_which_nothing_is_open() {
    let scene = Scene::begin(613).await;
    let reading = scene.hold().reading();
    assert_eq!(reading.public_data.len(), PublicData::LENGTH);
    let answer = scene.card(Transaction::SupplementaryLoad, &reading).await;
    assert_eq!(outcome_of(answer), Outcome::NothingOpen);
    scene.nothing_moved();
}

#[tokio::test]
async fn the_log_of_a_card_is_evidence_and_never_money() {
    let mut scene = Scene::begin(614).await;
    let (mut held, list) = scene.begin_load().await;
    held.run(&list);
    load_elsewhere(&scene.wallet, Fen(1), scene.counter.now());
    let (mut held, probe) = scene.probe().await;
    let read_log = list_of(scene.outputs(&held.run(&probe)).await);
    assert_eq!(read_log.commands.len(), 10);
    let records = held.run(&read_log);
    for _ in 0..2 {
        assert_eq!(outcome_of(scene.outputs(&records).await), Outcome::InDoubt);
        assert_eq!(scene.open_load().evidence.len(), 2 * LogRecord::LENGTH);
        assert_eq!(scene.counter.money(), SET_ASIDE);
    }
    assert_eq!(scene.finish().await, Outcome::InDoubt);
}
