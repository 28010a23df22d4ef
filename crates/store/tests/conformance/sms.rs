//! SMS codes, and the messages that carry them.

use model::{Fen, UnixMillis};
use store::{OutgoingSms, SmsCode, SmsState, Store};

use crate::maker::tap::{asn, sms, sms_code};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, kept, seen};

async fn add(store: &Store, codes: impl IntoIterator<Item = SmsCode>) {
    let codes = Vec::from_iter(codes);
    kept(store, move |unit| codes.iter().try_for_each(|code| unit.add_sms_code(code))).await;
}

pub(crate) async fn every_field_of_an_sms_code_comes_back(store: Store) {
    let full = SmsCode {
        transaction: u8::MAX,
        amount: None,
        tries_left: u8::MAX,
        state: SmsState::Used,
        expires_at: UnixMillis(i64::MAX),
        ..sms_code(2, 1, 0)
    };
    let largest = SmsCode { amount: Some(Fen(u32::MAX)), ..sms_code(3, 1, 0) };
    for code in [sms_code(1, 1, 0), full, largest] {
        add(&store, [code.clone()]).await;
        let (reference, again) = (code.reference, code.clone());
        assert!(seen(&store, move |rows| rows.sms_code(reference)).await == Some(code));
        breaks_a_rule(&store, move |unit| unit.add_sms_code(&again)).await;
    }
    assert!(seen(&store, |rows| rows.sms_code([9; 16])).await.is_none());
}

pub(crate) async fn an_sms_code_that_does_not_wait_stays_as_it_is(store: Store) {
    for (n, end) in (1..).zip([SmsState::Used, SmsState::Ended]) {
        add(&store, [sms_code(n, 1, 0)]).await;
        let now = async || seen(&store, move |rows| rows.sms_code([n; 16])).await.unwrap();
        for tries_left in [3, 2, 2] {
            let tried = SmsCode { tries_left, digest: [0; 32], ..sms_code(n, 1, 0) };
            kept(&store, move |unit| unit.put_sms_code(&tried)).await;
            assert!(now().await == SmsCode { tries_left, ..sms_code(n, 1, 0) }, "tries, and not the digest");
        }
        changes_nothing(&store, "sms_code", move |unit| unit.put_sms_code(&sms_code(n, 1, 0))).await;
        let ended = SmsCode { tries_left: 1, state: end, ..sms_code(n, 1, 0) };
        let put = ended.clone();
        kept(&store, move |unit| unit.put_sms_code(&put)).await;
        for state in SmsState::ALL {
            let again = SmsCode { state, ..ended.clone() };
            changes_nothing(&store, "sms_code", move |unit| unit.put_sms_code(&again)).await;
        }
        assert!(now().await == ended);
    }
    changes_nothing(&store, "sms_code", |unit| unit.put_sms_code(&sms_code(9, 1, 0))).await;
}

pub(crate) async fn a_card_s_newest_sms_code_is_found_and_its_codes_counted(store: Store) {
    let newest = async |n| seen(&store, move |rows| rows.newest_sms_code(asn(n))).await;
    assert!(newest(1).await.is_none());
    add(&store, [sms_code(5, 1, 10), sms_code(9, 1, -10), sms_code(1, 1, 20), sms_code(7, 2, 30)]).await;
    assert!(newest(1).await == Some(sms_code(1, 1, 20)));
    assert!(newest(2).await == Some(sms_code(7, 2, 30)));
    // Of two of one moment, always the same.
    add(&store, [sms_code(4, 1, 20), sms_code(3, 1, 20)]).await;
    assert!(newest(1).await == Some(sms_code(4, 1, 20)));
    for (millis, count) in [(-11, 5), (-10, 5), (-9, 4), (10, 4), (11, 3), (20, 3), (21, 0)] {
        let moment = MORNING.plus(millis);
        assert_eq!(seen(&store, move |rows| rows.sms_codes_since(asn(1), moment)).await, count, "{millis}");
    }
    assert_eq!(seen(&store, |rows| rows.sms_codes_since(asn(9), UnixMillis(0))).await, 0);
}

pub(crate) async fn sms_codes_are_forgotten_by_their_end_and_by_portions(store: Store) {
    add(&store, (1..=5).map(|n| sms_code(n, n, n.into()))).await;
    let forget = async |millis: i64| {
        kept(&store, move |unit| unit.forget_sms_codes_before(MORNING.plus(1_000 + millis), 2)).await
    };
    assert_eq!(forget(1).await, 0);
    assert_eq!(forget(4).await, 2);
    assert_eq!(forget(4).await, 1);
    assert_eq!(forget(4).await, 0);
    for n in 1..=5 {
        assert_eq!(seen(&store, move |rows| rows.sms_code([n; 16])).await.is_some(), n >= 4);
    }
}

async fn queue(store: &Store, message: OutgoingSms) -> i64 {
    kept(store, move |unit| unit.add_sms(&message)).await
}

fn texts(due: &[OutgoingSms]) -> Vec<&str> {
    due.iter().map(|message| message.text.as_str()).collect()
}

pub(crate) async fn sms_are_due_by_their_turn_the_longest_first(store: Store) {
    let due = async |millis, limit| seen(&store, move |rows| rows.due_sms(MORNING.plus(millis), limit)).await;
    assert!(due(i64::from(u32::MAX), 9).await.is_empty());
    let mut ids = Vec::new();
    for (text, millis) in [("third", 5), ("second", 3), ("first", 1), ("fourth", 5), ("late", 9_000)] {
        ids.push(queue(&store, sms(text, millis)).await);
    }
    assert!(ids.is_sorted_by(|earlier, later| earlier < later), "{ids:?}");
    assert_eq!(texts(&due(0, 9).await), [""; 0]);
    assert_eq!(texts(&due(1, 9).await), ["first"]);
    assert_eq!(texts(&due(8_999, 9).await), ["first", "second", "third", "fourth"]);
    assert_eq!(texts(&due(9_000, 3).await), ["first", "second", "third"]);
    // Too late to be of use, and told all the same: somebody has to clear it away.
    assert_eq!(texts(&due(9_000, 9).await)[4], "late");
    let whole = OutgoingSms { id: ids[2], ..sms("first", 1) };
    assert!(due(1, 9).await == [whole]);
}

pub(crate) async fn an_sms_is_tried_again_later_until_it_is_forgotten(store: Store) {
    let due = async |millis| seen(&store, move |rows| rows.due_sms(MORNING.plus(millis), 9)).await;
    let (id, other) = (queue(&store, sms("one", 1)).await, queue(&store, sms("other", 2)).await);
    kept(&store, move |unit| unit.put_sms_attempt(id, MORNING.plus(50), u32::MAX)).await;
    assert_eq!(texts(&due(49).await), ["other"]);
    let tried = OutgoingSms { id, attempts: u32::MAX, next_at: MORNING.plus(50), ..sms("one", 1) };
    assert!(due(50).await == [OutgoingSms { id: other, ..sms("other", 2) }, tried]);
    // Twice is once: it may have been too late and sent at once.
    for _ in 0..2 {
        kept(&store, move |unit| unit.delete_sms(other)).await;
    }
    assert_eq!(texts(&due(50).await), ["one"]);
    changes_nothing(&store, "outgoing_sms", move |unit| unit.put_sms_attempt(other, MORNING, 1)).await;
    // The id of a forgotten message is not another's.
    assert!(queue(&store, sms("new", 0)).await > other);
}

pub(crate) async fn an_sms_that_is_due_is_taken_by_one_of_those_who_saw_it(store: Store) {
    let id = queue(&store, sms("one", 1)).await;
    let saw = seen(&store, |rows| rows.due_sms(MORNING.plus(1), 9)).await.remove(0);
    let take = async |sms: &OutgoingSms, now: i64, until: i64| {
        let sms = sms.clone();
        kept(&store, move |unit| unit.take_sms_attempt(&sms, MORNING.plus(now), MORNING.plus(until))).await
    };
    assert!(!take(&saw, 0, 50).await, "not due yet");
    // Many nodes saw it at the same moment.
    let together = futures_util::future::join_all((0..8).map(|_| take(&saw, 1, 50))).await;
    assert_eq!(together.iter().filter(|took| **took).count(), 1, "{together:?}");
    let taken = OutgoingSms { id, next_at: MORNING.plus(50), ..sms("one", 1) };
    let due = async |millis| seen(&store, move |rows| rows.due_sms(MORNING.plus(millis), 9)).await;
    assert!(due(49).await.is_empty());
    assert!(due(50).await == [taken.clone()], "its tries are as they were");
    // Whoever took it is gone: another one takes it when its time is over.
    assert!(take(&taken, 50, 90).await);
    // What was tried since is not what was seen before.
    kept(&store, move |unit| unit.put_sms_attempt(id, MORNING.plus(60), 1)).await;
    assert!(!take(&taken, 100, 200).await);
    let tried = OutgoingSms { attempts: 1, next_at: MORNING.plus(60), ..taken };
    assert!(take(&tried, 60, 70).await);
    kept(&store, move |unit| unit.delete_sms(id)).await;
    assert!(!take(&tried, 100, 200).await, "it was sent");
}
