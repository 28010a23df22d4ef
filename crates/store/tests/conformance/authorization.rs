//! Questions put to cards, and what became of them.

use air::Answering;
use model::{CardId, Decision, KeyVersion, Outcome};
use payment::{AuthorizationState, OrderId};
use store::{Evidence, Store, StoreError, StoredAuthorization, WriteError};

use crate::maker::{MORNING, breaks_a_rule, factor, kept, question, seen};

async fn add(store: &Store, question: &StoredAuthorization) {
    let question = question.clone();
    kept(store, move |unit| unit.add_authorization(&question)).await;
}

async fn by_name(store: &Store, question: &StoredAuthorization) -> Option<StoredAuthorization> {
    let (card, key, b) = (question.card, question.key_version, question.authorization.b);
    seen(store, move |rows| rows.authorization(card, key, b)).await
}

fn answered(mut question: StoredAuthorization, outcome: Outcome) -> StoredAuthorization {
    question.authorization.state = AuthorizationState::Answered(outcome);
    question
}

pub(crate) async fn every_field_of_a_question_comes_back(store: Store) {
    let mut last = question(u32::MAX, u32::MAX);
    last.key_version = KeyVersion::new(15).unwrap();
    (last.shown.text, last.order) = (None, OrderId(u128::MAX));
    // Kept for evidence although nobody asked: ended when it is added.
    let mut ended = answered(question(2, 9), Outcome::TooLate);
    ended.evidence.result = vec![0xee];
    ended.evidence.receipt = vec![0xcc];
    ended.evidence.decision = Some(Decision::Refused);
    ended.evidence.answered_at = Some(MORNING);
    for question in [question(0, 1), last, ended] {
        add(&store, &question).await;
        assert_eq!(by_name(&store, &question).await.as_ref(), Some(&question));
        let order = question.order;
        assert_eq!(
            seen(&store, move |rows| rows.authorization_of_order(order)).await.as_ref(),
            Some(&question)
        );
        let card = question.card;
        let open = Some(question).filter(|q| q.authorization.state == AuthorizationState::Open);
        assert_eq!(seen(&store, move |rows| rows.open_authorization(card)).await, open);
    }
    assert_eq!(by_name(&store, &question(0, 2)).await, None);
    assert_eq!(seen(&store, |rows| rows.authorization_of_order(OrderId(0))).await, None);
    assert_eq!(seen(&store, |rows| rows.open_authorization(CardId(9))).await, None);
}

pub(crate) async fn a_push_answers_nothing(store: Store) {
    let mut push = question(1, 1);
    push.context.answering = Answering::Nothing;
    push.evidence.hello.clear();
    add(&store, &push).await;
    assert_eq!(by_name(&store, &push).await, Some(push));
}

pub(crate) async fn every_answer_comes_back(store: Store) {
    use AuthorizationState as S;
    use Outcome as O;
    let agreed = |presses| Some(Decision::Agreed { presses });
    let answers = [
        (S::Answered(O::Settled), agreed(1)),
        (S::Answered(O::TooLate), agreed(15)),
        (S::Answered(O::Refused), Some(Decision::Refused)),
        (S::Answered(O::Refused), Some(Decision::NotMe)),
        (S::Answered(O::ByPlatform), Some(Decision::OverLimit)),
        (S::Answered(O::WrongPresses), agreed(2)),
        (S::Answered(O::TooLate), Some(Decision::NotAnswered)),
        (S::Answered(O::Refused), Some(Decision::Busy)),
        (S::Superseded, None),
        (S::Lapsed, None),
        (S::Open, None),
    ];
    for (b, (state, decision)) in (1..).zip(answers) {
        let mut question = question(1, b);
        add(&store, &question).await;
        question.authorization.state = state;
        question.evidence = Evidence {
            result: decision.map_or(vec![], |_| vec![0x30, 0xff]),
            receipt: decision.map_or(vec![], |_| vec![0x40]),
            answered_at: decision.map(|_| MORNING),
            decision,
            ..question.evidence
        };
        let put = question.clone();
        kept(&store, move |unit| unit.put_authorization(&put)).await;
        assert_eq!(by_name(&store, &question).await, Some(question));
    }
    let absent = store.write(|unit| unit.put_authorization(&question(9, 9))).await;
    assert_eq!(absent, Err(WriteError::Refused(StoreError::Malformed("authorization"))));
}

pub(crate) async fn a_question_is_found_by_what_the_card_sends(store: Store) {
    let lapsed = |b, hello: &[u8]| {
        let mut question = question(1, b);
        (question.authorization.state, question.evidence.hello) =
            (AuthorizationState::Lapsed, hello.to_vec());
        question.order = OrderId(7);
        question
    };
    let old = lapsed(0x0001_1234, b"hello");
    let newer = lapsed(0x0002_1234, b"hello");
    let newest = lapsed(0xffff_1234, b"other");
    let mut rekeyed = lapsed(0x0003_1234, b"hello");
    rekeyed.key_version = KeyVersion::new(2).unwrap();
    let mut foreign = lapsed(0x0004_1234, b"hello");
    (foreign.card, foreign.order) = (CardId(2), OrderId(8));
    for question in [&newer, &newest, &old, &lapsed(0x0005_1235, b"h"), &rekeyed, &foreign] {
        add(&store, question).await;
    }
    let (card, key) = (CardId(1), KeyVersion::FIRST);
    let narrow =
        async |limit| seen(&store, move |rows| rows.authorizations_by_narrow(card, key, 0x1234, limit)).await;
    assert_eq!(narrow(9).await, [newest.clone(), newer.clone(), old.clone()]);
    assert_eq!(narrow(1).await, std::slice::from_ref(&newest));
    let answering = async |hello: &'static [u8], first, last| {
        let range = (factor(first), factor(last));
        seen(&store, move |rows| rows.authorization_by_hello(card, key, hello, range)).await
    };
    assert_eq!(answering(b"hello", 1, u32::MAX).await, Some(newer.clone()));
    assert_eq!(answering(b"hello", 0x0001_1234, 0x0002_1233).await, Some(old));
    assert_eq!(answering(b"hell", 1, u32::MAX).await, None);
    assert_eq!(answering(b"hello", 0x0002_1235, u32::MAX).await, None);
    assert_eq!(seen(&store, |rows| rows.authorization_of_order(OrderId(7))).await, Some(newest));
}

pub(crate) async fn one_b_is_used_once(store: Store) {
    let mut first = question(1, 9);
    first.authorization.state = AuthorizationState::Superseded;
    add(&store, &first).await;
    let mut again = question(1, 9);
    again.order = OrderId(1);
    breaks_a_rule(&store, move |unit| unit.add_authorization(&again)).await;
    // Under another key, or by another card, it is another B.
    let mut rekeyed = question(1, 9);
    rekeyed.key_version = KeyVersion::new(2).unwrap();
    add(&store, &rekeyed).await;
    add(&store, &question(2, 9)).await;
}

pub(crate) async fn a_card_has_one_open_question(store: Store) {
    let mut first = question(1, 1);
    add(&store, &first).await;
    breaks_a_rule(&store, |unit| unit.add_authorization(&question(1, 2))).await;
    first.authorization.state = AuthorizationState::Superseded;
    let superseded = first.clone();
    kept(&store, move |unit| {
        unit.put_authorization(&superseded)?;
        unit.add_authorization(&question(1, 2))
    })
    .await;
    assert_eq!(seen(&store, |rows| rows.open_authorization(CardId(1))).await, Some(question(1, 2)));
    // And the old one does not open again beside it.
    breaks_a_rule(&store, |unit| unit.put_authorization(&question(1, 1))).await;
}

pub(crate) async fn an_order_settles_once(store: Store) {
    let [first, second] = [1, 2].map(|b| {
        let mut question = question(1, b);
        question.order = OrderId(7);
        question
    });
    let settled = answered(first.clone(), Outcome::Settled);
    add(&store, &settled).await;
    add(&store, &second).await;
    let twice = answered(second.clone(), Outcome::Settled);
    breaks_a_rule(&store, move |unit| unit.put_authorization(&twice)).await;
    let late = answered(second, Outcome::TooLate);
    let put = late.clone();
    kept(&store, move |unit| unit.put_authorization(&put)).await;
    assert_eq!(by_name(&store, &late).await, Some(late));
}
