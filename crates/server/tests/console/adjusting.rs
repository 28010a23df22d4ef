//! Money that two persons move on the console, and what stands at the bank of a difference.

use model::Currency;
use operator::Role;
use payment::AdjustmentId;
use store::{BankFile, Day, DifferenceKind, Resolution, Resolved, StoredBankEntry, StoredDifference};

use crate::house::{House, form};
use crate::town::customer::{Answer, Customer};
use crate::town::{EVENING, logged_in};

const LIST: &str = "/console/adjustments";
const REASON: &str = "paid twice at the counter, 王 has the slip";
const WEEK: i64 = 7 * 86_400_000;

async fn send(customer: &Customer, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = customer.form_token();
    let carrying: Vec<_> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
    let request = customer.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
    Answer::to(request.body(form(&carrying))).await
}

fn state(house: &House, id: AdjustmentId) -> &'static str {
    house.read(|rows| rows.adjustment(id)).unwrap().adjustment.state().name()
}

/// From the holder, who has 10,000.00, to what nobody could assign yet.
fn wish(amount: &'static str) -> [(&'static str, &'static str); 5] {
    [
        ("from", "hld_0000000000000007"),
        ("to", "suspense"),
        ("amount", amount),
        ("currency", "CNY"),
        ("reason", REASON),
    ]
}

/// Proposes it as the administrator; its page's address and its id.
async fn proposed(house: &House, fields: &[(&str, &str)]) -> (String, AdjustmentId) {
    let answer = house.send(LIST, fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let shown = answer.header("location").to_owned();
    let id = shown.rsplit('/').next().unwrap().parse().unwrap();
    (shown, id)
}

fn assert_sound(house: &House) {
    assert_eq!(house.read(|rows| rows.balance_differences()), []);
}

#[tokio::test]
async fn two_persons_adjust_money_on_the_console_once_and_both_stand_in_the_audit_log() {
    let house = House::open().await;
    let second = logged_in(&house.operators, house.outside.clone(), Role::Operator).await;
    let empty = house.get(LIST).await;
    house.is_page(&empty, 200);
    assert!(empty.body.contains("No money was adjusted.") && empty.body.contains("name=\"from\""));
    let (shown, id) = proposed(&house, &wish("12.5")).await;
    assert_eq!(state(&house, id), "proposed");

    // Whoever proposed sees no approval, and gets none.
    let own = house.get(&shown).await;
    house.is_page(&own, 200);
    assert!(own.body.contains("another operator must approve it") && !own.body.contains("/approve"));
    let refused = house.send(&format!("{shown}/approve"), &[("confirmed", "yes")]).await;
    house.is_page(&refused, 409);
    assert!(refused.body.contains("You proposed it"), "{}", refused.body);
    assert_eq!(state(&house, id), "proposed");

    let page = second.get(&format!("{shown}?lang=zh")).await;
    house.is_page(&page, 200);
    for text in ["同意并入账", "/approve", "¥12.50", "王••", "hld_0000000000000007", REASON] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let unticked = send(&second, &format!("{shown}/approve"), &[]).await;
    house.is_page(&unticked, 200);
    assert_eq!(state(&house, id), "proposed");
    let done = send(&second, &format!("{shown}/approve"), &[("confirmed", "yes")]).await;
    assert_eq!((done.status, done.header("location")), (303, shown.as_str()));
    assert_eq!(state(&house, id), "posted");
    let stored = house.read(|rows| rows.adjustment(id)).unwrap();
    let holder = house.read(|rows| rows.account(stored.adjustment.legs().from())).unwrap();
    assert_eq!(holder.posted, crate::house::FUNDS - 1_250);
    assert_sound(&house);

    // Whatever is repeated has no second effect.
    for answer in ["approve", "post", "reject"] {
        let again = send(&second, &format!("{shown}/{answer}"), &[("confirmed", "yes")]).await;
        house.is_page(&again, 409);
    }
    let after = house.read(|rows| rows.account(stored.adjustment.legs().from())).unwrap();
    assert_eq!(after.posted, holder.posted);
    for (path, words) in [(shown.as_str(), ["Posted", "tr_"]), (LIST, ["Posted", "administrator"])] {
        let page = house.get(path).await;
        house.is_page(&page, 200);
        for word in words {
            assert!(page.body.contains(word), "{path}: {word}");
        }
    }
    let entries = house.entries(60);
    for entry in [
        format!("administrator adjust_propose {id} ¥12.50 CNY from hld_0000000000000007 to suspense done"),
        format!("operator adjust_approve {id} done"),
        format!("administrator ask {shown}/approve not_done 409"),
    ] {
        assert!(entries.contains(&entry), "{entry}: {entries:?}");
    }
    // The log names it in the reader's language, and keeps the word.
    for (language, words) in [("en", "Approved an adjustment"), ("zh", "复核调账")] {
        let log = house.get(&format!("/console/audit?lang={language}")).await;
        house.is_page(&log, 200);
        assert!(log.body.contains(words) && log.body.contains(">adjust_approve<"), "{words}");
    }
}

#[tokio::test]
async fn what_the_ledger_refuses_waits_approved_and_is_posted_when_the_money_is_there() {
    let house = House::open().await;
    let second = logged_in(&house.operators, house.outside.clone(), Role::Operator).await;
    let back = wish("3.00").map(|(name, value)| match name {
        "from" => (name, "suspense"),
        "to" => (name, "hld_0000000000000007"),
        _ => (name, value),
    });
    let (shown, id) = proposed(&house, &back).await;
    let approved = send(&second, &format!("{shown}/approve"), &[("confirmed", "yes")]).await;
    assert_eq!((approved.status, state(&house, id)), (303, "approved"));
    let page = house.get(&shown).await;
    house.is_page(&page, 200);
    assert!(page.body.contains("Approved, not posted") && page.body.contains(&format!("{shown}/post")));
    let refused = house.send(&format!("{shown}/post"), &[]).await;
    assert_eq!((refused.status, state(&house, id)), (303, "approved"));

    let (other, _) = proposed(&house, &wish("3.00")).await;
    assert_eq!(send(&second, &format!("{other}/approve"), &[("confirmed", "yes")]).await.status, 303);
    let posted = house.send(&format!("{shown}/post"), &[]).await;
    assert_eq!((posted.status, state(&house, id)), (303, "posted"));
    assert_sound(&house);
}

#[tokio::test]
async fn what_cannot_be_proposed_is_refused_by_name_and_what_was_typed_is_kept() {
    let house = House::open().await;
    let but = |name: &'static str, value: &'static str| {
        wish("7.00").map(|it| if it.0 == name { (name, value) } else { it })
    };
    for (fields, words) in [
        (but("from", "somebody"), "There is no such account"),
        (but("from", "hld_00000000000000ff"), "There is no such account"),
        (but("to", "mer_000000ff"), "There is no such account"),
        (but("to", "hld_0000000000000007"), "The two accounts are the same"),
        (but("amount", "0"), "Give an amount above zero"),
        (but("amount", "-1"), "Give an amount above zero"),
        (but("amount", "1.005"), "Give an amount above zero"),
        (but("amount", "99999999999"), "Give an amount above zero"),
        (but("currency", "XXY"), "Give an amount above zero"),
        (but("reason", "why"), "Say why in one line"),
    ] {
        let refused = house.send(LIST, &fields).await;
        house.is_page(&refused, 422);
        assert!(refused.body.contains(words), "{fields:?}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{}\"", fields[0].1)), "what was typed is kept");
        let chinese = house.send(&format!("{LIST}?lang=zh"), &fields).await;
        house.is_page(&chinese, 422);
        assert!(!chinese.body.contains(words), "{fields:?}");
    }
    assert_eq!(house.read(|rows| rows.adjustments_before(false, None, 9)), []);
    house.is_page(&house.get(&format!("{LIST}/adj_1")).await, 404);
    house.is_page(&house.get(&format!("{LIST}?before=x")).await, 404);
    house.is_page(&house.send(&format!("{LIST}/adj_1/approve"), &[("confirmed", "yes")]).await, 404);
    let (shown, _) = proposed(&house, &wish("7.00")).await;
    house.is_page(&house.send(&format!("{shown}/fly"), &[]).await, 404);
}

#[tokio::test]
async fn one_is_taken_back_and_what_nobody_answers_in_seven_days_is_shown_as_over() {
    let house = House::open().await;
    let (shown, id) = proposed(&house, &wish("7.00")).await;
    assert!(house.get(&shown).await.body.contains("Take it back"));
    assert_eq!(house.send(&format!("{shown}/reject"), &[]).await.status, 303);
    assert_eq!(state(&house, id), "rejected");
    let (shown, id) = proposed(&house, &wish("7.00")).await;
    house.pass(WEEK);
    // The administrator's session ended long before.
    let later = logged_in(&house.operators, house.outside.clone(), Role::Operator).await;
    let page = later.get(&shown).await;
    house.is_page(&page, 200);
    assert!(page.body.contains("Expired") && !page.body.contains("/approve"), "{}", page.body);
    let refused = send(&later, &format!("{shown}/approve"), &[("confirmed", "yes")]).await;
    house.is_page(&refused, 409);
    assert!(refused.body.contains("its seven days ran out"), "{}", refused.body);
    assert_eq!(state(&house, id), "proposed");
}

#[tokio::test]
async fn a_role_that_may_not_sees_adjustments_and_no_form() {
    let house = House::open().await;
    let (shown, id) = proposed(&house, &wish("7.00")).await;
    let viewer = logged_in(&house.operators, house.outside.clone(), Role::Viewer).await;
    for path in [LIST, &shown] {
        let page = viewer.get(path).await;
        house.is_page(&page, 200);
        assert_eq!(page.body.matches("method=\"post\"").count(), 1, "only the way out: {}", page.body);
    }
    for path in [LIST.to_owned(), format!("{shown}/approve"), format!("{shown}/reject")] {
        assert_eq!(send(&viewer, &path, &wish("1.00")).await.status, 403, "{path}");
    }
    assert_eq!(state(&house, id), "proposed");
    assert_eq!(house.read(|rows| rows.adjustments_before(false, None, 9)).len(), 1);
}

/// A bank's file with one entry that nobody knows.
pub(crate) async fn a_difference(house: &House) {
    house
        .write(|unit| {
            let file = unit.add_bank_file(&BankFile {
                id: 0,
                digest: [7; 32],
                name: "november.csv".into(),
                form: "csv".into(),
                first_day: Day(20_261_120),
                last_day: Day(20_261_120),
                entries: 1,
                matched: 0,
                imported_at: EVENING,
            })?;
            unit.add_bank_entry(&StoredBankEntry {
                file,
                number: 1,
                line: 118,
                currency: Currency::CNY,
                units: -35,
                booked: Day(20_261_120),
                bank_reference: Some("20261120-0004417".into()),
                reference: None,
                text: "charges <b>November</b>".into(),
                transfer: None,
                found_by: None,
            })?;
            let difference = StoredDifference {
                id: 0,
                kind: DifferenceKind::Unknown,
                file,
                entry: Some(1),
                transfer: None,
                currency: Currency::CNY,
                ours: None,
                theirs: Some(-35),
                day: Day(20_261_120),
                found_at: EVENING,
                resolved: None,
            };
            unit.add_difference(&difference).map(|_| ())
        })
        .await;
}

#[tokio::test]
async fn a_difference_leads_to_the_entry_of_the_bank() {
    let house = House::open().await;
    a_difference(&house).await;
    let list = house.get("/console/money").await;
    house.is_page(&list, 200);
    assert!(list.body.contains("href=\"/console/money/1\""), "{}", list.body);
    for (language, words) in
        [("en", ["Not with us", "Line", "no such transfer"]), ("zh", ["我方缺失", "行号", "没有对应转账"])]
    {
        let page = house.get(&format!("/console/money/1?lang={language}")).await;
        house.is_page(&page, 200);
        let facts =
            ["20261120-0004417", "−¥0.35", "2026-11-20", ">118<", "1: november.csv", "reconcile resolve 1"];
        for word in words.into_iter().chain(facts) {
            assert!(page.body.contains(word), "{language}: {word}: {}", page.body);
        }
        assert!(!page.body.contains("<b>November"), "the bank's words stay words");
    }
    for path in ["/console/money/2", "/console/money/x"] {
        house.is_page(&house.get(path).await, 404);
    }
    let reason = "bank charge of November".to_owned();
    house
        .write(move |unit| {
            let resolved =
                Resolved { resolution: Resolution::Accepted, reason: reason.clone(), by: None, at: EVENING };
            unit.resolve_difference(1, &resolved)
        })
        .await;
    let page = house.get("/console/money/1").await;
    house.is_page(&page, 200);
    assert!(page.body.contains("Accepted as it is") && page.body.contains("bank charge of November"));
}
