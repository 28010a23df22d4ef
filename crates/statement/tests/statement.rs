//! A day of a made-up merchant: it adds up or is refused, and other programs read it.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

use model::{Currency, UnixMillis};
use payment::{OrderId, TransferId};
use statement::camt053::{self, Header};
use statement::{
    Account, Entry, EntryKind, Part, Parts, Period, Statement, StatementError, Total, UNITS_MAX,
};
use time::macros::{date, datetime, offset};

/// 2026-11-21 00:00 in China.
const MIDNIGHT: i64 = 1_795_190_400_000;

fn entry(number: u128, kind: EntryKind, units: i64) -> Entry {
    Entry {
        at: UnixMillis(MIDNIGHT + 3_600_000 * i64::try_from(number).unwrap()),
        kind,
        transfer: TransferId(number),
        order: None,
        reference: None,
        currency: Currency::CNY,
        units,
    }
}

fn day() -> Parts {
    let order = Some(OrderId(0x0192_0000_0000_7000_8000_0000_0000_0001));
    let with = |reference: &str, entry| Entry { order, reference: Some(reference.to_owned()), ..entry };
    Parts {
        id: "mer_00000001-20261121".to_owned(),
        number: 325,
        account: Account { id: "mer_00000001".to_owned(), name: "Morning Market & Sons".to_owned() },
        period: Period::day(date!(2026 - 11 - 21), offset!(+8)).unwrap(),
        part: Part::WHOLE,
        currency: Currency::CNY,
        opening: 10_000,
        entries: vec![
            with("breakfast, \"large\" <1>", entry(0, EntryKind::Payment, 2_000)),
            entry(1, EntryKind::Fee, -12),
            with("=SUM(A1:A9)", entry(2, EntryKind::Refund, -500)),
            entry(3, EntryKind::Payout, -11_500),
            with("a reference that does not fit thirty-five", entry(4, EntryKind::Adjustment, 7)),
        ],
        closing: -5,
    }
}

#[test]
fn a_day_adds_up_line_by_line() {
    let day = Statement::new(day()).unwrap();
    let running: Vec<i64> = day.lines().iter().map(|line| line.running).collect();
    assert_eq!(running, [12_000, 11_988, 11_488, -12, -5]);
    let total = |count, units| Total { count, units };
    assert_eq!(day.totals().of(EntryKind::Payment), total(1, 2_000));
    assert_eq!(day.totals().of(EntryKind::Payout), total(1, -11_500));
    assert_eq!((day.totals().credits, day.totals().debits), (total(2, 2_007), total(3, -12_012)));
    assert_eq!((day.totals().all(), day.closing()), (total(5, -10_005), -5));
}

#[test]
fn a_day_without_entries_is_a_day() {
    let quiet = Parts { entries: Vec::new(), closing: 10_000, ..day() };
    assert_eq!(Statement::new(quiet).unwrap().totals().all(), Total::default());
}

#[test]
fn what_does_not_add_up_is_refused_by_name() {
    use StatementError as E;
    let changed = |number: usize, change: &dyn Fn(&mut Entry)| {
        let mut day = day();
        change(&mut day.entries[number - 1]);
        Statement::new(day).unwrap_err()
    };
    let midnight_before = UnixMillis(MIDNIGHT - 1);
    let midnight_after = UnixMillis(MIDNIGHT + 86_400_000);
    for (error, expected) in [
        (
            changed(3, &|entry| entry.currency = Currency::USD),
            E::OtherCurrency { entry: 3, statement: Currency::CNY, given: Currency::USD },
        ),
        (changed(2, &|entry| entry.units = 0), E::Zero { entry: 2 }),
        (changed(1, &|entry| entry.at = midnight_before), E::OutsidePeriod { entry: 1 }),
        (changed(5, &|entry| entry.at = midnight_after), E::OutsidePeriod { entry: 5 }),
        (changed(5, &|entry| entry.at = UnixMillis(i64::MAX)), E::OutsidePeriod { entry: 5 }),
        (changed(1, &|entry| entry.at = UnixMillis(MIDNIGHT + 4_000_000)), E::OutOfOrder { entry: 2 }),
        (changed(4, &|entry| entry.transfer = TransferId(1)), E::SameTransfer { entry: 4, first: 2 }),
        (changed(1, &|entry| entry.reference = Some("a\nb".to_owned())), E::BadReference { entry: 1 }),
        (changed(1, &|entry| entry.reference = Some("a".repeat(65))), E::BadReference { entry: 1 }),
        (changed(1, &|entry| entry.units = UNITS_MAX), E::OutOfRange { entry: 1 }),
        (changed(1, &|entry| entry.units = i64::MAX), E::OutOfRange { entry: 1 }),
        (
            changed(1, &|entry| entry.units = 2_001),
            E::ClosingDiffers { currency: Currency::CNY, reckoned: -4, given: -5 },
        ),
        (Statement::new(Parts { opening: i64::MIN, ..day() }).unwrap_err(), E::OutOfRange { entry: 0 }),
        (Statement::new(Parts { id: String::new(), ..day() }).unwrap_err(), E::BadId),
        (Statement::new(Parts { id: "a".repeat(36), ..day() }).unwrap_err(), E::BadId),
        (
            Statement::new(Parts { account: Account { id: "a".repeat(35), name: "b".to_owned() }, ..day() })
                .unwrap_err(),
            E::BadAccount,
        ),
        (Period::between(UnixMillis(5), UnixMillis(5), offset!(UTC)).unwrap_err(), E::PeriodEmpty),
    ] {
        assert_eq!(error, expected, "{error}");
        assert!(error.code().starts_with("statement_"));
    }
    let closing = changed(1, &|entry| entry.units = 2_001).to_string();
    assert_eq!(closing, "opening and entries are −¥0.04, the closing balance given is −¥0.05");
    let many = vec![entry(1, EntryKind::Payment, 1); 100_001];
    let many = Statement::new(Parts { entries: many, ..day() });
    assert_eq!(many, Err(E::TooManyEntries(100_001)));
}

#[test]
fn its_table_is_read_again_and_holds_no_formula() {
    let day = Statement::new(day()).unwrap();
    let mut bytes = Vec::new();
    statement::csv::write(&day, &mut bytes).unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.starts_with("at,kind,order,reference,transfer,amount,balance,currency\r\n"));
    assert!(text.ends_with("closing,,,,,,-0.05,CNY\r\n") || text.ends_with("closing,,,,,-0.05,CNY\r\n"));
    let mut table = csv::Reader::from_reader(bytes.as_slice());
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1 + 5 + 1);
    let column = |place: usize| rows.iter().map(|row| row[place].to_owned()).collect::<Vec<_>>();
    assert_eq!(column(1), ["opening", "payment", "fee", "refund", "payout", "adjustment", "closing"]);
    assert_eq!(column(0)[1], "2026-11-21T00:00:00.000+08:00");
    assert_eq!(column(0)[6], "2026-11-21T23:59:59.999+08:00");
    assert_eq!(column(2)[1].parse(), Ok(OrderId(0x0192_0000_0000_7000_8000_0000_0000_0001)));
    assert_eq!(column(3)[1], "breakfast, \"large\" <1>");
    assert_eq!(column(3)[3], "'=SUM(A1:A9)");
    assert_eq!(column(4)[2], "tr_00000000000000000000000000000001");
    // Numbers stay numbers, also below zero.
    assert_eq!(column(5), ["", "20.00", "-0.12", "-5.00", "-115.00", "0.07", ""]);
    assert_eq!(column(6), ["100.00", "120.00", "119.88", "114.88", "-0.12", "-0.05", "-0.05"]);
    assert!(column(7).iter().all(|currency| currency == "CNY"));
}

fn as_camt(day: &Statement) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header = Header { message_id: "CF-1", created_at: datetime!(2026-11-22 01:00 +8) };
    camt053::write(day, header, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_long_day_is_written_in_parts_between_which_the_balance_is_carried() {
    let entries = day().entries;
    let part = |number, entries: &[Entry], opening, closing| {
        let part = Part::new(number, 3).unwrap();
        Statement::new(Parts { part, entries: entries.to_vec(), opening, closing, ..day() }).unwrap()
    };
    let parts = [
        part(1, &entries[..2], 10_000, 11_988),
        part(2, &entries[2..4], 11_988, -12),
        part(3, &entries[4..], -12, -5),
    ];
    for (part, ends, page) in [
        (&parts[0], [("opening", "100.00"), ("carried_forward", "119.88")], ("1", "false")),
        (&parts[1], [("brought_forward", "119.88"), ("carried_forward", "-0.12")], ("2", "false")),
        (&parts[2], [("brought_forward", "-0.12"), ("closing", "-0.05")], ("3", "true")),
    ] {
        let mut bytes = Vec::new();
        statement::csv::write(part, &mut bytes).unwrap();
        let mut table = csv::Reader::from_reader(bytes.as_slice());
        let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
        assert_eq!([&rows[0], &rows[rows.len() - 1]].map(|row| (&row[1], &row[6])), ends);
        let xml = String::from_utf8(as_camt(part)).unwrap();
        let (number, last) = page;
        assert!(
            xml.contains(&format!("<PgNb>{number}</PgNb>\n        <LastPgInd>{last}</LastPgInd>")),
            "{xml}"
        );
        let between = usize::from(!part.part().is_first()) + usize::from(!part.part().is_last());
        assert_eq!(xml.matches("<Cd>INTM</Cd>").count(), between);
        assert_eq!(camt053::read(xml.as_bytes()).unwrap()[0].entries.len(), part.lines().len());
    }
    assert_eq!((Part::new(0, 3), Part::new(4, 3), Part::new(1, 0)), (None, None, None));
}

/// `ours-08.xml` was checked against the published schema camt.053.001.08 with xmllint.
#[test]
fn its_message_is_the_one_that_was_checked_against_the_schema() {
    let written = as_camt(&Statement::new(day()).unwrap());
    let written = String::from_utf8(written).unwrap();
    assert_eq!(written.trim_end(), include_str!("data/ours-08.xml").trim_end());
}

#[test]
fn its_message_is_read_again_by_our_reader_of_banks() {
    let day = Statement::new(day()).unwrap();
    let read = camt053::read(&as_camt(&day)).unwrap();
    let [read] = read.as_slice() else { panic!("one statement") };
    assert_eq!((read.id.as_str(), read.account.as_str()), (day.id(), "mer_00000001"));
    assert_eq!((read.opening, read.closing, read.currency), (10_000, -5, Currency::CNY));
    let units: Vec<i64> = read.entries.iter().map(|entry| entry.units).collect();
    assert_eq!(units, [2_000, -12, -500, -11_500, 7]);
    let references: Vec<Option<&str>> = read.entries.iter().map(|entry| entry.reference.as_deref()).collect();
    // What does not fit is left out, not cut off.
    assert_eq!(references, [Some("breakfast, \"large\" <1>"), None, Some("=SUM(A1:A9)"), None, None]);
    assert_eq!(read.entries[0].bank_reference.as_deref(), Some("tr_00000000000000000000000000000000"));
}

#[test]
fn a_currency_without_decimals_and_one_with_three_are_written_as_they_are() {
    for (currency, opening, units) in [(Currency::JPY, 5, -7), (Currency::KWD, -1, 1_005)] {
        let moved = Entry { currency, ..entry(1, EntryKind::Payment, units) };
        let parts = Parts { currency, opening, entries: vec![moved], closing: opening + units, ..day() };
        let read = camt053::read(&as_camt(&Statement::new(parts).unwrap())).unwrap();
        assert_eq!((read[0].opening, read[0].entries[0].units), (opening, units));
    }
}
