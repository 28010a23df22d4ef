//! What two persons give back of a load that its card was credited with: once, and only where the card stands still.

use model::Fen;
use operator::{Cost, Role};
use payment::{
    Ground, LoadEvent, LoadId, LoadState, PendingTransfer, ReversalError, ReversalId, ReversalState,
    ReversalWish,
};
use server::bank::{Found, IssueWalletError, ReverseError};
use server::operators::Account;
use store::WalletState;

use crate::house::{House, asn, form};
use crate::town::customer::{Answer, Customer};
use crate::town::{account, logged_in};

const REASON: &str = "form 7: card worn out, 王 keeps it";
const WEEK: i64 = 7 * 86_400_000;

/// A load of 50.00 that its card proved.
pub(crate) async fn proven(house: &House, card: u32) -> LoadId {
    let mut stored = house.begun(card, LoadState::Open).await;
    let id = stored.load.id;
    house
        .write(move |unit| {
            stored.load.apply(LoadEvent::Proven).unwrap();
            stored.proven = Some(2);
            unit.put_load(&stored)?;
            let row = unit.transfer(stored.load.transfer)?.unwrap();
            let pending =
                PendingTransfer::from_stored(stored.load.transfer, row.amount, row.from, row.to, row.state);
            let (mut from, mut to) = (unit.account(row.from)?.unwrap(), unit.account(row.to)?.unwrap());
            let posted = pending.unwrap().post(None, &mut from, &mut to).unwrap();
            stored.load.state = LoadState::Closed;
            unit.post_transfer(&posted, stored.updated_at)?;
            unit.put_account(&from)?;
            unit.put_account(&to)
        })
        .await;
    id
}

/// The same, but that a person settled it.
async fn settled(house: &House, card: u32) -> LoadId {
    let id = house.begun(card, LoadState::InDoubt).await.load.id;
    house.bank.settle(id, Found::Credited, "seen").await.unwrap();
    id
}

pub(crate) async fn freeze(house: &House, card: u32) {
    house.bank.freeze_wallet(asn(card), true).await.unwrap();
}

async fn staff(house: &House) -> [Account; 2] {
    [
        account(&house.operators, "ann", Role::Operator).await,
        account(&house.operators, "ben", Role::Administrator).await,
    ]
}

fn wish(amount: u32, ground: Ground) -> ReversalWish {
    ReversalWish { amount: Fen(amount), reason: REASON.parse().unwrap(), ground }
}

const fn in_hand(held: u32) -> Ground {
    Ground::InHand { held: Fen(held) }
}

async fn send(house: &House, customer: &Customer, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = customer.form_token();
    let carrying: Vec<_> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
    let request = customer.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
    let answer = Answer::to(request.body(form(&carrying))).await;
    assert!(answer.status != 403, "{}", answer.body);
    let _ = house;
    answer
}

fn state(house: &House, id: ReversalId) -> ReversalState {
    house.read(|rows| rows.reversal(id)).unwrap().reversal.state()
}

#[tokio::test]
async fn two_persons_give_a_load_back_on_the_console_and_its_card_is_withdrawn() {
    let house = House::open().await;
    let second = logged_in(&house.operators, house.outside.clone(), Role::Operator).await;
    let load = proven(&house, 1).await;
    freeze(&house, 1).await;
    assert_eq!(house.money(), (5_000, 0, 5_000));
    let page = house.get(&format!("/console/loads/{load}")).await;
    house.is_page(&page, 200);
    let path = format!("/console/loads/{load}/reversal");
    assert!(page.body.contains(&format!("action=\"{path}\"")), "{}", page.body);
    let fields = [("amount", "30.00"), ("ground", "in_hand"), ("held", "30"), ("reason", REASON)];
    let asked = house.send(&path, &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let shown = asked.header("location").to_owned();
    let id: ReversalId = shown.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!((state(&house, id), house.money()), (ReversalState::Asked, (5_000, 0, 5_000)));

    // Whoever asked sees no approval, and gets none.
    let own = house.get(&shown).await;
    house.is_page(&own, 200);
    assert!(own.body.contains("another operator must approve it") && !own.body.contains("/approve"));
    let refused = house.send(&format!("{shown}/approve"), &[("confirmed", "yes")]).await;
    house.is_page(&refused, 409);
    assert!(refused.body.contains("You asked for it"), "{}", refused.body);

    let page = second.get(&format!("{shown}?lang=zh")).await;
    house.is_page(&page, 200);
    assert!(page.body.contains("同意并退回") && page.body.contains("/approve"), "{}", page.body);
    let unticked = send(&house, &second, &format!("{shown}/approve"), &[]).await;
    house.is_page(&unticked, 200);
    assert_eq!(state(&house, id), ReversalState::Asked);
    let done = send(&house, &second, &format!("{shown}/approve"), &[("confirmed", "yes")]).await;
    assert_eq!((done.status, done.header("location")), (303, shown.as_str()));
    assert_eq!(house.money(), (2_000, 0, 2_000), "30.00 came back, 20.00 stay on the card's side");
    let stored = house.load(load);
    assert_eq!(stored.load.state, LoadState::Reversed);
    assert_eq!(stored.note, Some(format!("{id} in_hand: {REASON}")));
    let wallet = house.read(|rows| rows.wallet(asn(1))).unwrap();
    assert_eq!(wallet.state, WalletState::Withdrawn);
    for frozen in [true, false] {
        let thaw = house.bank.freeze_wallet(asn(1), frozen).await;
        assert_eq!(thaw, Err(IssueWalletError::Withdrawn));
    }

    // Whatever is repeated has no second effect.
    for answer in ["approve", "reject"] {
        let again = send(&house, &second, &format!("{shown}/{answer}"), &[("confirmed", "yes")]).await;
        house.is_page(&again, 409);
    }
    let again = house.send(&path, &fields).await;
    house.is_page(&again, 409);
    assert_eq!(house.money(), (2_000, 0, 2_000));

    for (path, words) in [
        (shown.clone(), ["Given back", "Transfer back"]),
        (format!("/console/loads/{load}"), ["Given back", "The card is withdrawn."]),
        ("/console/reversals".into(), ["Given back", "administrator"]),
        ("/console/wallets".into(), ["Withdrawn", "•••• "]),
        ("/console/loads?state=reversed".into(), ["Given back", &load.to_string()]),
    ] {
        let page = house.get(&path).await;
        house.is_page(&page, 200);
        for word in words {
            assert!(page.body.contains(word), "{path}: {word}");
        }
    }
    let entries = house.entries(60);
    for entry in [
        format!("administrator reversal_ask {id} of {load}: 30.00 CNY, in_hand holding 30.00 done"),
        format!("operator reversal_approve {id} of {load}: 30.00 CNY, in_hand holding 30.00 done"),
    ] {
        assert!(entries.contains(&entry), "{entry}: {entries:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_given_back_is_refused_by_name_and_nothing_changes() {
    let house = House::open().await;
    let load = proven(&house, 1).await;
    let path = format!("/console/loads/{load}/reversal");
    let good = [("amount", "50.00"), ("ground", "in_hand"), ("held", "50.00"), ("reason", REASON)];
    let but = |name: &'static str, value: &'static str| {
        good.map(|it| if it.0 == name { (name, value) } else { it })
    };
    let refused = house.send(&path, &good).await;
    house.is_page(&refused, 422);
    assert!(refused.body.contains("Freeze it first"), "{}", refused.body);
    assert!(refused.body.contains(REASON), "what was typed is kept");
    freeze(&house, 1).await;
    for (fields, words) in [
        (but("amount", "50.01"), "Give an amount in yuan"),
        (but("amount", "0"), "Give an amount in yuan"),
        (but("amount", "-1"), "Give an amount in yuan"),
        (but("held", "49.99"), "Give an amount in yuan"),
        (but("held", ""), "Give an amount in yuan"),
        (but("ground", "lost"), "Give an amount in yuan"),
        (but("reason", "why"), "Say why in one line"),
        (
            [("amount", "50.00"), ("ground", "not_written"), ("held", ""), ("reason", REASON)],
            "The card proved",
        ),
    ] {
        let refused = house.send(&path, &fields).await;
        house.is_page(&refused, 422);
        assert!(refused.body.contains(words), "{fields:?}: {}", refused.body);
        let chinese = house.send(&format!("{path}?lang=zh"), &fields).await;
        house.is_page(&chinese, 422);
        assert!(!chinese.body.contains(words), "{fields:?}");
    }
    house.is_page(&house.send("/console/loads/load_1/reversal", &good).await, 404);
    house.is_page(&house.send("/console/reversals/rev_1/approve", &[("confirmed", "yes")]).await, 404);
    house.is_page(&house.get("/console/reversals?before=x").await, 404);
    assert_eq!(house.read(|rows| rows.reversals_before(false, None, 9)), []);
    assert_eq!(house.money(), (5_000, 0, 5_000));
    // A load that the card decides, and one that a person does, are not asked back.
    for (card, state) in [(2, LoadState::Open), (3, LoadState::InDoubt)] {
        let id = house.begun(card, state).await.load.id;
        freeze(&house, card).await;
        let refused = house.send(&format!("/console/loads/{id}/reversal"), &good).await;
        house.is_page(&refused, 409);
    }
}

#[tokio::test]
async fn a_card_that_may_be_credited_meanwhile_holds_the_approval_up() {
    let house = House::open().await;
    let [ann, ben] = staff(&house).await;
    let load = settled(&house, 1).await;
    freeze(&house, 1).await;
    let asked = house.bank.ask_reversal(ann.clone(), load, wish(5_000, Ground::NotWritten)).await.unwrap();
    let id = asked.reversal.id();
    let twice = house.bank.ask_reversal(ben.clone(), load, wish(1, in_hand(1))).await;
    assert_eq!(twice, Err(ReverseError::AlreadyAsked(id)));
    house.bank.freeze_wallet(asn(1), false).await.unwrap();
    let refused = house.bank.approve_reversal(ben.clone(), id).await;
    assert_eq!(refused, Err(ReverseError::Refused(ReversalError::CardMayBeLoaded)));
    // It began a load before it was frozen again: MAC2 may be out.
    let mut other = crate::house::load(9, 1, 42, LoadState::Open);
    other.load.transfer = payment::TransferId(77);
    house.write(move |unit| unit.add_load(&other)).await;
    freeze(&house, 1).await;
    let refused = house.bank.approve_reversal(ben.clone(), id).await;
    assert_eq!(refused, Err(ReverseError::Refused(ReversalError::CardUnfinished)));
    assert_eq!((state(&house, id), house.money()), (ReversalState::Asked, (5_000, 0, 5_000)));
    let mut other = crate::house::load(9, 1, 42, LoadState::SettledReturned);
    other.load.transfer = payment::TransferId(77);
    house.write(move |unit| unit.put_load(&other)).await;
    house.bank.approve_reversal(ben, id).await.unwrap();
    assert_eq!(house.money(), (0, 0, 0));
}

#[tokio::test]
async fn of_two_who_approve_at_once_one_gives_it_back() {
    let house = House::open().await;
    let [ann, ben] = staff(&house).await;
    let cid = account(&house.operators, "cid", Role::Operator).await;
    let load = proven(&house, 1).await;
    freeze(&house, 1).await;
    let id = house.bank.ask_reversal(ann, load, wish(5_000, in_hand(5_000))).await.unwrap().reversal.id();
    let (first, second) =
        tokio::join!(house.bank.approve_reversal(ben, id), house.bank.approve_reversal(cid, id));
    assert_eq!([&first, &second].iter().filter(|it| it.is_ok()).count(), 1, "{first:?} {second:?}");
    assert_eq!(house.money(), (0, 0, 0));
}

#[tokio::test]
async fn two_loads_of_a_card_give_back_no_more_than_it_holds() {
    let house = House::open().await;
    let [ann, ben] = staff(&house).await;
    let first = proven(&house, 1).await;
    // The same card's next load.
    let mut second = crate::house::load(1, 1, 42, LoadState::Closed);
    second.load.transfer = house.load(first).load.transfer;
    second.proven = Some(1);
    let second_id = second.load.id;
    house.write(move |unit| unit.add_load(&second)).await;
    freeze(&house, 1).await;
    let give_back = async |load, amount| {
        let asked = house.bank.ask_reversal(ann.clone(), load, wish(amount, in_hand(6_000))).await?;
        house.bank.approve_reversal(ben.clone(), asked.reversal.id()).await
    };
    give_back(first, 4_000).await.unwrap();
    let above =
        ReversalError::AboveWhatTheCardHolds { asked: Fen(2_001), held: Fen(6_000), given_back: Fen(4_000) };
    assert_eq!(give_back(second_id, 2_001).await, Err(ReverseError::Refused(above)));
    // The account of the cards' value has 10.00 left: the ledger has the last word, and it waits.
    let refused = give_back(second_id, 2_000).await;
    assert!(matches!(refused, Err(ReverseError::Refused(ReversalError::Ledger(_)))), "{refused:?}");
    assert_eq!(house.money(), (1_000, 0, 1_000));
}

#[tokio::test]
async fn what_nobody_answers_in_seven_days_expires_and_a_rejected_one_may_be_asked_anew() {
    let house = House::open().await;
    let [ann, ben] = staff(&house).await;
    let load = proven(&house, 1).await;
    freeze(&house, 1).await;
    let ask = async || {
        let asked = house.bank.ask_reversal(ann.clone(), load, wish(1, in_hand(1))).await;
        asked.map(|asked| asked.reversal.id())
    };
    let rejected = ask().await.unwrap();
    house.bank.reject_reversal(ben.clone(), rejected).await.unwrap();
    let back = ask().await.unwrap();
    house.bank.reject_reversal(ann.clone(), back).await.unwrap();
    let late = ask().await.unwrap();
    house.pass(WEEK - 1);
    assert_eq!(house.bank.lapse_reversals().await, Ok(0));
    house.pass(1);
    let refused = house.bank.approve_reversal(ben.clone(), late).await;
    assert_eq!(refused, Err(ReverseError::Refused(ReversalError::TooLate)));
    // Asking anew ends what ran out.
    let anew = ask().await.unwrap();
    let names = [rejected, back, late, anew].map(|id| state(&house, id).name());
    assert_eq!(names, ["rejected", "rejected", "expired", "asked"]);
    house.bank.approve_reversal(ben, anew).await.unwrap();
    assert_eq!(house.money(), (4_999, 0, 4_999));
}

#[tokio::test]
async fn a_role_that_may_not_sees_no_form_and_does_nothing() {
    let house = House::open().await;
    let [ann, _] = staff(&house).await;
    let load = proven(&house, 1).await;
    freeze(&house, 1).await;
    let id = house.bank.ask_reversal(ann, load, wish(1, in_hand(1))).await.unwrap().reversal.id();
    let viewer = logged_in(&house.operators, house.outside.clone(), Role::Viewer).await;
    for path in [format!("/console/loads/{load}"), format!("/console/reversals/{id}")] {
        let page = viewer.get(&path).await;
        house.is_page(&page, 200);
        assert_eq!(page.body.matches("method=\"post\"").count(), 1, "only the way out: {}", page.body);
    }
    let operators = house.bank.app().operators(Cost::Testing);
    let nobody = account(&operators, "looker", Role::Viewer).await;
    let refused = house.bank.approve_reversal(nobody, id).await;
    assert!(matches!(refused, Err(ReverseError::NotAllowed(_))), "{refused:?}");
}
