//! The bank's files against the ledger: what is found, what differs, and how that ends.

use model::{Amount, Currency};
use operator::{Cost, Role};
use payment::{Reason, TransferId};
use server::app::{BankFileGiven, BankForm, ImportError, Imported, Payout, ResolveError};
use statement::bank_csv::ColumnMap;
use store::{DifferenceKind, Resolution};

use crate::breakfast_with;
use crate::town::{Town, Wish, account, logged_in};
use serde_json::json;

const DAY: i64 = 86_400_000;

fn yuan(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

/// The bakery has 500.00, and on the 20th three payouts leave: 10.00, 20.00 and 30.00. The holder's 1,000.00 came that day.
async fn payday() -> Town {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    town.bakery.api.post("/v1/orders", &breakfast_with(card.id, "amount", json!(50_000))).await.json(201);
    town.agrees(&mut card, 1).await;
    for (id, minor) in [(0xa, 1_000), (0xb, 2_000), (0xc, 3_000)] {
        pay_out(&town, id, minor).await;
    }
    town
}

async fn pay_out(town: &Town, id: u128, minor: i64) {
    let payout = Payout { id: TransferId(id), merchant: town.bakery.id, amount: yuan(minor) };
    town.app.pay_out(payout).await.unwrap();
}

fn reference(id: u128) -> String {
    TransferId(id).to_string()
}

fn csv(rows: &[(&str, &str, &str)]) -> BankFileGiven {
    let mut text = "date,amount,currency,reference,text\n".to_owned();
    for (date, amount, reference) in rows {
        text += &format!("{date},{amount},CNY,{reference},transfer\n");
    }
    BankFileGiven {
        name: "bank.csv".into(),
        form: BankForm::Csv(Box::default(), None),
        bytes: text.into_bytes(),
    }
}

async fn import(town: &Town, given: BankFileGiven) -> Imported {
    town.app.import_bank_file(given).await.unwrap()
}

/// Kind, ours, the bank's.
fn differing(imported: &Imported) -> Vec<(DifferenceKind, Option<i64>, Option<i64>)> {
    imported.differences.iter().map(|it| (it.kind, it.ours, it.theirs)).collect()
}

fn open(town: &Town) -> Vec<u32> {
    let listed = town.app.store().peek(|rows| rows.differences_before(true, None, 99)).unwrap();
    listed.into_iter().map(|difference| difference.id).collect()
}

#[tokio::test]
async fn what_the_bank_has_as_we_do_is_matched_and_nothing_differs() {
    let town = payday().await;
    let given = csv(&[
        ("2026-11-20", "1000.00", "CASH IN"),
        ("2026-11-21", "-10.00", &reference(0xa)),
        ("2026-11-21", "-20.00", &reference(0xb).to_uppercase()),
        // Its reference was lost on the way: money and date say it.
        ("2026-11-23", "-30.00", ""),
    ]);
    let imported = import(&town, given.clone()).await;
    assert_eq!((imported.file.entries, imported.file.matched, imported.awaited), (4, 4, 0));
    assert_eq!(differing(&imported), []);
    let entry = |id| town.app.store().peek(|rows| rows.bank_entry_of(TransferId(id))).unwrap().unwrap();
    assert_eq!((entry(0xb).number, entry(0xb).found_by.as_deref()), (3, Some("reference")));
    assert_eq!((entry(0xc).line, entry(0xc).found_by.as_deref()), (5, Some("amount_and_date")));
    assert_eq!(entry(1).units, 100_000);

    // The same bytes again, under whatever name, have no second effect.
    let again = import(&town, BankFileGiven { name: "copy.csv".into(), ..given }).await;
    assert!(again.repeated && again.file == imported.file, "{again:?}");
    let files = town.app.store().peek(|rows| rows.bank_files_before(None, 9)).unwrap();
    assert_eq!(files, [imported.file]);
}

#[tokio::test]
async fn what_differs_is_told_by_its_kind_and_kept() {
    let town = payday().await;
    town.pass(4 * DAY);
    let imported = import(
        &town,
        csv(&[
            ("2026-11-20", "1000.00", ""),
            ("2026-11-21", "-10.01", &reference(0xa)),
            ("2026-11-21", "-20.00", &reference(0xb)),
            ("2026-11-24", "-0.35", "CHARGES"),
        ]),
    )
    .await;
    use DifferenceKind as K;
    assert_eq!(
        differing(&imported),
        [
            (K::Differing, Some(-1_000), Some(-1_001)),
            (K::Missing, Some(-3_000), None),
            (K::Unknown, None, Some(-35)),
        ]
    );
    let kept = town.app.store().peek(|rows| rows.difference(imported.differences[0].id)).unwrap();
    assert_eq!(kept.as_ref(), Some(&imported.differences[0]));
    assert_eq!((kept.unwrap().entry, imported.differences[0].day.0), (Some(2), 20_261_121));
    assert_eq!(open(&town).len(), 3);
    // And the console shows them, in whichever language, to whoever logs in today.
    let viewer = logged_in(&town.operators, town.outside.clone(), Role::Viewer).await;
    for (language, kind) in [("en", "Another amount"), ("zh", "金额不符")] {
        let request = viewer.request("GET", "/console/money").header("Accept-Language", language);
        let page = crate::town::customer::Answer::to(request).await;
        assert_eq!(page.status, 200);
        for text in [kind, "−¥10.01", "−¥30.00", "2026-11-24"] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
    }
    // The next file repeats none of them; what is matched already comes twice.
    let next =
        import(&town, csv(&[("2026-11-27", "-20.00", &reference(0xb)), ("2026-11-27", "-5.00", "")])).await;
    assert_eq!(differing(&next), [(K::Unknown, None, Some(-500)), (K::Duplicate, None, Some(-2_000))]);
}

#[tokio::test]
async fn what_may_still_come_is_awaited_and_what_comes_late_closes_its_difference() {
    let town = payday().await;
    let first =
        import(&town, csv(&[("2026-11-20", "1000.00", ""), ("2026-11-22", "-10.00", &reference(0xa))])).await;
    assert_eq!((first.awaited, differing(&first)), (2, vec![]));
    // A file that is dated ahead makes nothing late today.
    let ahead = import(&town, csv(&[("2027-02-01", "-1.00", "A WRONG DATE")])).await;
    assert_eq!((ahead.awaited, differing(&ahead)), (2, vec![(DifferenceKind::Unknown, None, Some(-100))]));
    town.pass(3 * DAY);
    let second = import(&town, csv(&[("2026-11-23", "-20.00", &reference(0xb))])).await;
    assert_eq!(differing(&second), [(DifferenceKind::Missing, Some(-3_000), None)]);
    let missing = second.differences[0].id;
    let wrong_date = ahead.differences[0].id;
    assert_eq!(open(&town), [missing, wrong_date]);
    // The bank has it after all, long after.
    town.pass(10 * DAY);
    let third = import(&town, csv(&[("2026-12-04", "-30.00", &reference(0xc))])).await;
    assert_eq!((third.file.matched, differing(&third)), (1, vec![]));
    let found = town.app.store().peek(|rows| rows.difference(missing)).unwrap().unwrap().resolved.unwrap();
    assert_eq!((found.resolution, found.by), (Resolution::Found, None));
    assert_eq!(found.reason, format!("entry 1 of file {}", third.file.id));
    assert_eq!(open(&town), [wrong_date]);
}

#[tokio::test]
async fn a_person_resolves_a_difference_once_and_with_a_reason() {
    let town = payday().await;
    let imported = import(&town, csv(&[("2026-11-20", "1000.00", ""), ("2026-11-21", "-0.35", "")])).await;
    let id = imported.differences[0].id;
    let reason = || "the bank's charge of November".parse::<Reason>().unwrap();
    let ann = account(&town.app.operators(Cost::Testing), "ann", Role::Operator).await;
    let resolve = async |id, way| town.app.resolve_difference(id, way, reason(), ann.clone()).await;
    assert_eq!(resolve(id, Resolution::Found).await, Err(ResolveError::FoundByFilesOnly));
    assert_eq!(resolve(99, Resolution::Accepted).await, Err(ResolveError::NoSuchDifference(99)));
    let resolved = resolve(id, Resolution::Accepted).await.unwrap().resolved.unwrap();
    assert_eq!((resolved.resolution, resolved.reason.as_str()), (Resolution::Accepted, reason().as_str()));
    let by = town.app.store().peek(|rows| rows.operator_name(resolved.by.unwrap())).unwrap();
    assert_eq!(by.as_deref(), Some("ann"));
    let again = resolve(id, Resolution::Adjusted).await;
    assert_eq!(again, Err(ResolveError::AlreadyResolved { id, was: Resolution::Accepted }));
    assert_eq!(open(&town), Vec::<u32>::new());
}

#[tokio::test]
async fn a_camt_053_of_the_bank_is_taken_once_entry_by_entry() {
    let town = payday().await;
    let xml = |entries: &str, closing: &str| {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>
<CreDtTm>2026-11-21T20:00:00Z</CreDtTm></GrpHdr><Stmt><Id>S</Id><Acct><Id><Othr><Id>6225</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-21</Dt></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>"#
        )
        .into_bytes()
    };
    let entry = |minor: &str, side: &str, bank: &str, end_to_end: &str| {
        format!(
            "<Ntry><Amt Ccy=\"CNY\">{minor}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>2026-11-21</Dt></BookgDt><AcctSvcrRef>{bank}</AcctSvcrRef><NtryDtls><TxDtls><Refs>\
             <EndToEndId>{end_to_end}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
        )
    };
    let given = |bytes| BankFileGiven { name: "bank.xml".into(), form: BankForm::Camt053, bytes };
    let cash = entry("1000.00", "CRDT", "B1", "NOTPROVIDED");
    let payout = entry("10.00", "DBIT", "B2", &reference(0xa));
    let morning = import(&town, given(xml(&format!("{cash}{payout}"), "990.00"))).await;
    assert_eq!((morning.file.entries, morning.file.matched, morning.known), (2, 2, 0));
    // The evening's file has the morning's entries again.
    let more = entry("20.00", "DBIT", "B3", &reference(0xb));
    let evening = import(&town, given(xml(&format!("{cash}{payout}{more}"), "970.00"))).await;
    assert_eq!((evening.file.entries, evening.file.matched, evening.known), (1, 1, 2));
    assert_eq!(differing(&evening), []);

    // One that does not add up is not there.
    let wrong = town.app.import_bank_file(given(xml(&cash, "999.99"))).await.unwrap_err();
    assert!(wrong.to_string().starts_with("line "), "{wrong}");
    let files = town.app.store().peek(|rows| rows.bank_files_before(None, 9)).unwrap();
    assert_eq!(files.len(), 2);
}

#[tokio::test]
async fn a_bad_file_is_refused_by_name_with_its_line_and_leaves_nothing() {
    let town = payday().await;
    let refused = async |given| town.app.import_bank_file(given).await.unwrap_err().to_string();
    let bad = refused(csv(&[("2026-11-20", "10.00", ""), ("2026-11-31", "5.00", "")])).await;
    assert!(bad.contains("line 3"), "{bad}");
    let text = |text: &str| BankFileGiven {
        name: "x".into(),
        form: BankForm::Csv(Box::default(), Some(1)),
        bytes: text.into(),
    };
    let headless = refused(text("when,how much\n2026-11-20,1\n")).await;
    assert!(headless.contains("date"), "{headless}");
    let total = refused(text("date,amount,currency,reference,text\n2026-11-20,0.02,CNY,,\n")).await;
    assert!(total.contains("0.01") && total.contains("0.02"), "{total}");
    let empty = BankFileGiven { form: BankForm::Csv(Box::default(), None), ..csv(&[]) };
    assert_eq!(town.app.import_bank_file(empty).await, Err(ImportError::Empty));
    let map = ColumnMap { date: "日期".into(), ..ColumnMap::default() };
    let other = BankFileGiven { form: BankForm::Csv(Box::new(map), None), ..csv(&[("2026-11-20", "1", "")]) };
    assert!(refused(other).await.contains("日期"));
    assert_eq!(town.app.store().peek(|rows| rows.bank_files_before(None, 9)).unwrap(), []);
    assert_eq!(open(&town), Vec::<u32>::new());
}
