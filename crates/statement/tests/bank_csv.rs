//! Banks' tables, as they come.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

use model::Currency;
use statement::bank_csv::{
    self, BYTES_MAX, CELL_MAX, ColumnMap, CurrencyFrom, DateOrder, DecimalMark, Encoding, PROBLEMS_MAX,
    ROWS_MAX,
};
use statement::{CsvRefused, DecimalError, RowProblem, RowReason};
use time::macros::date;

const PLAIN: &str = "date,amount,currency,reference,text\n2026-11-20,20.50,EUR,INV-1,\"two, invoices\"\n2026-11-21,-140,EUR,,fee\n";

fn german() -> ColumnMap {
    ColumnMap {
        date: "Buchungstag".to_owned(),
        amount: "Betrag".to_owned(),
        currency: CurrencyFrom::Always(Currency::EUR),
        reference: Some("Kundenreferenz".to_owned()),
        text: None,
        date_order: DateOrder::DayFirst,
        decimal_mark: DecimalMark::Comma,
        encoding: Encoding::Utf8,
        total: Some("Summe".to_owned()),
    }
}

fn refused(text: &str) -> CsvRefused {
    bank_csv::read(text.as_bytes(), &ColumnMap::default(), None).unwrap_err()
}

fn rows(text: &str) -> Vec<(usize, RowReason)> {
    match refused(text) {
        CsvRefused::Rows(rows) => {
            rows.into_iter().map(|RowProblem { line, reason }| (line, reason)).collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_plain_table_is_read() {
    let entries = bank_csv::read(PLAIN.as_bytes(), &ColumnMap::default(), Some(-11_950)).unwrap();
    let [paid, fee] = entries.as_slice() else { panic!("two entries") };
    assert_eq!((paid.number, paid.line, paid.units), (1, 2, 2_050));
    assert_eq!((paid.booked, paid.reference.as_deref()), (date!(2026 - 11 - 20), Some("INV-1")));
    assert_eq!((paid.text.as_str(), paid.currency), ("two, invoices", Currency::EUR));
    assert_eq!((fee.units, fee.reference.as_deref(), fee.line), (-14_000, None, 3));
}

#[test]
fn another_banks_table_is_read_by_its_map() {
    let text = "\u{feff}Umsätze vom 21.11.2026;;;\r\n\r\nBuchungstag;Name;Betrag;Kundenreferenz\r\n\
        20.11.2026;x;1.234.567,89;A\r\n21.11.2026;y;-0,5;B\r\n;;;\r\nSumme;;1.234.567,39;\r\n";
    let entries = bank_csv::read(text.as_bytes(), &german(), None).unwrap();
    let units: Vec<i64> = entries.iter().map(|entry| entry.units).collect();
    assert_eq!(units, [123_456_789, -50]);
    assert_eq!(entries[0].line, 4);
    let wrong = text.replace("567,39", "567,40");
    assert_eq!(
        bank_csv::read(wrong.as_bytes(), &german(), None),
        Err(CsvRefused::TotalDiffers { currency: Currency::EUR, reckoned: 123_456_739, given: 123_456_740 })
    );
    let cut = text.replace("Summe;;1.234.567,39;\r\n", "");
    assert_eq!(bank_csv::read(cut.as_bytes(), &german(), None), Err(CsvRefused::NoTotal));
    let after = format!("{text}21.11.2026;z;1,00;C\r\n");
    let problem = RowProblem { line: 8, reason: RowReason::AfterTotal };
    assert_eq!(bank_csv::read(after.as_bytes(), &german(), None), Err(CsvRefused::Rows(vec![problem])));
}

#[test]
fn tabs_are_found_and_so_are_other_orders_of_a_date() {
    let map = |date_order| ColumnMap { date_order, ..ColumnMap::default() };
    for (order, text) in [
        (DateOrder::YearFirst, "2026-11-20"),
        (DateOrder::YearFirst, "20261120"),
        (DateOrder::YearFirst, "2026/11/20 09:41:00"),
        (DateOrder::YearFirst, "2026-11-20T09:41:00Z"),
        (DateOrder::DayFirst, "20.11.2026"),
        (DateOrder::MonthFirst, "11/20/2026"),
    ] {
        let table = PLAIN.replace("2026-11-20", text).replace("2026-11-21", text);
        let table = table.replace("\"two, invoices\"", "x").replace(',', "\t");
        let entries = bank_csv::read(table.as_bytes(), &map(order), None).unwrap();
        assert!(entries.iter().all(|entry| entry.booked == date!(2026 - 11 - 20)), "{text}");
    }
}

#[test]
fn chinese_encodings_are_read_where_the_map_says_so_and_named_where_it_does_not() {
    // 日期,金额,摘要 / 2026-11-20,20.50,早餐 in GBK.
    let mut bytes = b"\xc8\xd5\xc6\xda,\xbd\xf0\xb6\xee,\xd5\xaa\xd2\xaa\n".to_vec();
    bytes.extend_from_slice(b"2026-11-20,20.50,\xd4\xe7\xb2\xcd\n");
    let map = ColumnMap {
        date: "日期".to_owned(),
        amount: "金额".to_owned(),
        currency: CurrencyFrom::Always(Currency::CNY),
        reference: None,
        text: Some("摘要".to_owned()),
        encoding: Encoding::Gb18030,
        ..ColumnMap::default()
    };
    assert_eq!(bank_csv::read(&bytes, &map, None).unwrap()[0].text, "早餐");
    let as_utf8 = ColumnMap { encoding: Encoding::Utf8, ..map.clone() };
    assert_eq!(bank_csv::read(&bytes, &as_utf8, None), Err(CsvRefused::LooksLikeGb18030 { line: 1 }));
    let neither = b"date\nok\n\xff\xff\n";
    assert_eq!(
        bank_csv::read(neither, &as_utf8, None),
        Err(CsvRefused::NotInItsEncoding { line: 3, encoding: "UTF-8" })
    );
    assert_eq!(
        bank_csv::read(neither, &map, None),
        Err(CsvRefused::NotInItsEncoding { line: 0, encoding: "GB 18030" })
    );
    let wide: Vec<u8> = PLAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(bank_csv::read(&wide, &map, None), Err(CsvRefused::Utf16));
    assert_eq!(bank_csv::read(&[b"\xff\xfe", wide.as_slice()].concat(), &map, None), Err(CsvRefused::Utf16));
}

#[test]
fn rows_are_refused_together_by_line_and_reason() {
    let table = "date,amount,currency,reference,text\n\
        2026-02-30,1,EUR,,\n\
        2026-11-20,1.000,EUR,,\n\
        2026-11-20,\"1,00\",EUR,,\n\
        2026-11-20,1,EUR,A,\"over\ntwo lines\"\n\
        2026-11-20,1,EUR,A,\n\
        2026-11-20,1,USD,,\n\
        2026-11-20,1,xyz,,\n\
        2026-11-20,1\n\
        26-11-20,\"1,234.00\",EUR,,\n";
    let amount = |text: &str, error| RowReason::BadAmount { text: text.to_owned(), error };
    let many = DecimalError::TooManyDecimals { given: 3, currency: Currency::EUR };
    assert_eq!(
        rows(table),
        [
            (2, RowReason::BadDate("2026-02-30".to_owned())),
            (3, amount("1.000", many)),
            (4, amount("1,00", DecimalError::NotANumber)),
            (7, RowReason::Duplicate { reference: "A".to_owned(), first: 5 }),
            (8, RowReason::OtherCurrency { file: Currency::EUR, given: Currency::USD }),
            (9, RowReason::UnknownCurrency("xyz".to_owned())),
            (10, RowReason::OtherLength { given: 2, header: 5 }),
            (11, RowReason::BadDate("26-11-20".to_owned())),
        ]
    );
}

#[test]
fn amounts_are_numbers_and_nothing_else() {
    for wrong in ["", "-", "+-1", "1.2.3", "12,34", ",123", "1,2345", "(5)", "5-", "1e2", "EUR 5", "0x10"] {
        let table = PLAIN.replace("20.50", &format!("\"{wrong}\""));
        assert!(matches!(rows(&table)[..], [(2, RowReason::BadAmount { .. })]), "{wrong}");
    }
    for (text, units) in [("+5", 500), ("−5.0", -500), ("1,234,567.8", 123_456_780), (" .5 ", 50), ("0", 0)]
    {
        let table = PLAIN.replace("20.50", &format!("\"{text}\""));
        let entries = bank_csv::read(table.as_bytes(), &ColumnMap::default(), None).unwrap();
        assert_eq!(entries[0].units, units, "{text}");
    }
}

#[test]
fn a_header_must_have_every_column_of_the_map() {
    assert_eq!(
        refused(""),
        CsvRefused::NoHeader(["date", "amount", "currency", "reference", "text"].map(str::to_owned).to_vec())
    );
    assert_eq!(
        refused(&PLAIN.replace("amount", "sum").replace("text", "words")),
        CsvRefused::NoHeader(vec!["amount".to_owned(), "text".to_owned()])
    );
    let late = "line\n".repeat(20) + PLAIN;
    assert_eq!(refused(&late).code(), "bank_csv_no_header");
}

#[test]
fn each_limit_is_held() {
    let long = vec![b' '; BYTES_MAX + 1];
    let map = ColumnMap::default();
    assert_eq!(bank_csv::read(&long, &map, None), Err(CsvRefused::TooLong(BYTES_MAX + 1)));
    let row = "2026-11-20,1,EUR,,\n";
    let many = |count: usize| PLAIN.to_owned() + &row.repeat(count - 2);
    assert_eq!(bank_csv::read(many(ROWS_MAX).as_bytes(), &map, None).unwrap().len(), ROWS_MAX);
    assert_eq!(refused(&many(ROWS_MAX + 1)), CsvRefused::TooManyRows);
    let cell = PLAIN.replace("fee", &"f".repeat(CELL_MAX + 1));
    assert_eq!(rows(&cell), [(3, RowReason::CellTooLong)]);
    let bad = PLAIN.to_owned() + &"2026-11-20,x,EUR,,\n".repeat(PROBLEMS_MAX + 7);
    assert_eq!(rows(&bad).len(), PROBLEMS_MAX);
    let huge = PLAIN.to_owned() + &"2026-11-20,9999999999999999.99,EUR,,\n".repeat(2);
    assert_eq!(refused(&huge), CsvRefused::OutOfRange);
    assert_eq!(
        bank_csv::read(PLAIN.as_bytes(), &map, Some(0)).unwrap_err().to_string(),
        "the entries sum to −€119.50, the total is €0.00"
    );
}

#[test]
fn a_table_that_was_garbled_anywhere_is_refused_or_read_and_never_worse() {
    for place in 0..PLAIN.len() {
        for byte in [b'"', b',', b'\n', b'\r', 0x80] {
            let mut bytes = PLAIN.as_bytes().to_vec();
            bytes[place] = byte;
            let _ = bank_csv::read(&bytes, &ColumnMap::default(), None);
        }
    }
}
