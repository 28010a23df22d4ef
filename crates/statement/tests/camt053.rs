//! Banks' files: what is read of them, and everything that is refused.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

use model::Currency;
use statement::camt053::{self, BYTES_MAX, BankStatement, DEPTH_MAX, TAG_MAX, TEXT_MAX};
use statement::{CamtReason as R, CamtRefused, DecimalError};
use time::macros::date;

const OLD: &str = include_str!("data/bank-02.xml");
const NEW: &str = include_str!("data/bank-08.xml");

fn read(text: &str) -> Result<Vec<BankStatement>, CamtRefused> {
    camt053::read(text.as_bytes())
}

/// The old file with one place changed.
fn with(from: &str, to: &str) -> CamtRefused {
    assert!(OLD.contains(from), "{from}");
    read(&OLD.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_file_of_the_oldest_version_is_read() {
    let read = read(OLD).unwrap();
    let [statement] = read.as_slice() else { panic!("one statement") };
    assert_eq!((statement.id.as_str(), statement.account.as_str()), ("S-324", "XX00TEST0000000001"));
    assert_eq!((statement.opening, statement.closing), (100_000, 88_050));
    assert_eq!((statement.currency, statement.not_booked), (Currency::EUR, 1));
    let [paid, taken_back] = statement.entries.as_slice() else { panic!("two entries") };
    assert_eq!((paid.number, paid.line, paid.units), (1, 23, 2_050));
    assert_eq!((paid.booked, paid.value), (date!(2026 - 11 - 20), Some(date!(2026 - 11 - 21))));
    assert_eq!(paid.bank_reference.as_deref(), Some("B-1001"));
    assert_eq!(paid.reference.as_deref(), Some("INV 7 & 8"));
    assert_eq!(paid.text, "two invoices — <paid>");
    assert_eq!((taken_back.units, taken_back.reversal), (-14_000, true));
    assert_eq!((taken_back.reference.as_deref(), taken_back.text.as_str()), (None, "taken back"));
}

#[test]
fn a_file_of_the_newest_version_with_a_prefix_is_read() {
    let read = read(NEW).unwrap();
    let statement = &read[0];
    assert_eq!((statement.opening, statement.closing), (-1500, 500));
    let entry = &statement.entries[0];
    assert_eq!((entry.units, entry.booked), (2000, date!(2026 - 11 - 20)));
    // Two transactions in one entry: no reference speaks for it.
    assert_eq!((entry.transactions, entry.reference.as_deref()), (2, None));
}

#[test]
fn every_version_from_02_to_08_is_read_and_no_other() {
    for version in ["02", "03", "04", "05", "06", "07", "08"] {
        read(&OLD.replace("camt.053.001.02", &format!("camt.053.001.{version}"))).unwrap();
    }
    for other in ["camt.053.001.01", "camt.053.001.09", "camt.052.001.02", "pain.001.001.03"] {
        let refused = with("camt.053.001.02", other);
        let namespace = format!("urn:iso:std:iso:20022:tech:xsd:{other}");
        assert_eq!((refused.line, refused.reason), (3, R::WrongNamespace(namespace)));
    }
    let none = with(" xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"", "");
    assert_eq!(none.reason, R::WrongNamespace(String::new()));
}

#[test]
fn latin_1_and_a_mark_are_read_and_other_encodings_are_named() {
    let text = OLD.replace("taken back", "zurückgeholt");
    let latin = text.replace("UTF-8", "ISO-8859-1").replace('—', "-");
    let latin: Vec<u8> = latin.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    assert_eq!(camt053::read(&latin).unwrap()[0].entries[1].text, "zurückgeholt");
    let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    assert_eq!(camt053::read(&marked).unwrap()[0].entries[1].text, "zurückgeholt");

    let refused = |bytes: &[u8]| camt053::read(bytes).unwrap_err();
    assert_eq!(refused(text.replace("UTF-8", "GBK").as_bytes()).reason, R::Encoding("GBK".to_owned()));
    let wide: Vec<u8> = OLD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(&wide).code(), "camt_encoding");
    let wrong = refused(&latin.iter().copied().skip(44).collect::<Vec<_>>());
    assert_eq!(wrong.reason, R::NotInItsEncoding("UTF-8"));
    assert!(wrong.line > 40, "{wrong}");
    let ascii = refused(text.replace("UTF-8", "US-ASCII").as_bytes());
    assert_eq!(ascii.reason, R::NotInItsEncoding("US-ASCII"));
}

#[test]
fn what_is_not_xml_is_refused_as_that() {
    for text in [
        "",
        "date;amount\n2026-11-20;5",
        "<Document",
        &OLD.replace("</Document>", ""),
        &OLD.replace("</Ntry>", "</Entry>"),
        &OLD.replace("</Document>", "</Document>more"),
        &OLD.replace("</Document>", "</Document><Document/>"),
        &OLD.replacen("Ccy=\"EUR\"", "Ccy=\"EUR\" Ccy=\"USD\"", 1),
        &OLD.replacen("Ccy=\"EUR\"", "Ccy=EUR", 1),
        &OLD.replace("&amp;", "&"),
    ] {
        let refused = read(text).unwrap_err();
        assert!(matches!(refused.reason, R::NotXml(_)), "{refused} in {}", text.len());
    }
    assert_eq!(read("<html></html>").unwrap_err().reason, R::WrongRoot("html".to_owned()));
    let other = "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><Other/></Document>";
    assert_eq!(read(other).unwrap_err().reason, R::WrongRoot("Other".to_owned()));
    let empty = other.replace("Other", "BkToCstmrStmt");
    assert_eq!(read(&empty).unwrap_err().reason, R::NoStatement);
}

#[test]
fn nothing_is_declared_and_nothing_is_expanded() {
    let bomb = "<!DOCTYPE Document [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<Document ";
    let refused = with("<Document ", bomb);
    assert_eq!((refused.reason, refused.line), (R::DocumentType, 3));
    let outside = with("<Document ", "<!DOCTYPE Document SYSTEM \"file:///etc/hostname\"><Document ");
    assert_eq!(outside.code(), "camt_document_type");
    let entity = with("&amp;", "&b;");
    assert_eq!((entity.entry, entity.reason), (Some(1), R::Entity("b".to_owned())));
}

#[test]
fn each_limit_is_held() {
    let long = camt053::read(&vec![b' '; BYTES_MAX + 1]).unwrap_err();
    assert_eq!((long.line, long.reason), (0, R::TooLong(BYTES_MAX + 1)));

    let deep = |inner: usize| OLD.replacen("<BkTxCd/>", &("<a>".repeat(inner) + &"</a>".repeat(inner)), 1);
    // Document, BkToCstmrStmt, Stmt, Ntry, and then these.
    read(&deep(DEPTH_MAX - 4)).unwrap();
    assert_eq!(read(&deep(DEPTH_MAX - 3)).unwrap_err().reason, R::TooDeep);

    let tag = |len: usize| OLD.replacen("<BkTxCd/>", &format!("<a b=\"{}\"/>", "c".repeat(len)), 1);
    read(&tag(TAG_MAX - 6)).unwrap();
    assert_eq!(read(&tag(TAG_MAX)).unwrap_err().reason, R::TagTooLong);

    let words = |len: usize| OLD.replace("taken back", &"w".repeat(len));
    read(&words(TEXT_MAX - 1)).unwrap();
    assert_eq!(read(&words(TEXT_MAX + 1)).unwrap_err().reason, R::TextTooLong);

    let waiting = "<Ntry><Amt Ccy=\"EUR\">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts></Ntry>";
    let many = |count: usize| OLD.replacen("</Stmt>", &(waiting.repeat(count) + "</Stmt>"), 1);
    assert_eq!(read(&many(100_000 - 3)).unwrap()[0].not_booked, 100_000 - 2);
    let over = read(&many(100_000 - 2)).unwrap_err();
    assert_eq!((over.reason, over.line), (R::TooManyEntries, 52));
}

#[test]
fn amounts_are_those_of_their_currency() {
    let decimals = with("20.50", "20.500");
    let many = DecimalError::TooManyDecimals { given: 3, currency: Currency::EUR };
    assert_eq!(decimals.reason, R::NotAnAmount { text: "20.500".to_owned(), error: many });
    assert_eq!((decimals.line, decimals.entry), (36, Some(1)));
    assert_eq!(decimals.to_string(), "line 36, entry 1: the amount \"20.500\": 3 decimals, and EUR has 2");
    let yen = NEW.replace(">2000</n:Amt>", ">2000.0</n:Amt>");
    assert_eq!(read(&yen).unwrap_err().code(), "camt_not_an_amount");
    for wrong in ["-20.50", "20,50", "", "twenty", "1e2", "NaN"] {
        assert_eq!(with("20.50", wrong).code(), "camt_not_an_amount", "{wrong}");
    }
    let sides = with("<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>DEBIT</CdtDbtInd>");
    assert_eq!(sides.reason, R::NotADirection("DEBIT".to_owned()));
    let unknown = with("Ccy=\"EUR\">140", "Ccy=\"XTS\">140");
    assert_eq!((unknown.entry, unknown.reason), (Some(2), R::UnknownCurrency("XTS".to_owned())));
    let mixed = with("Ccy=\"EUR\">140", "Ccy=\"USD\">140");
    let expected = R::MixedCurrencies { statement: Currency::EUR, given: Currency::USD };
    assert_eq!((mixed.entry, mixed.reason), (Some(2), expected));
}

#[test]
fn totals_that_do_not_agree_are_both_named() {
    let closing = with("880.5<", "880.51<");
    let expected = R::ClosingDiffers { currency: Currency::EUR, reckoned: 88_050, given: 88_051 };
    assert_eq!((closing.line, closing.reason), (52, expected));
    let sums = |from: &str, to: &str| read(&NEW.replacen(from, to, 1)).unwrap_err().reason;
    assert_eq!(
        sums("<n:Sum>2000<", "<n:Sum>2001<"),
        R::SumDiffers { what: "the sum of entries", currency: Currency::JPY, reckoned: 2000, given: 2001 }
    );
    assert_eq!(
        sums("<n:NbOfNtries>0<", "<n:NbOfNtries>1<"),
        R::CountDiffers { what: "the number of debits", reckoned: 0, given: 1 }
    );
    assert_eq!(sums("<n:NbOfNtries>1<", "<n:NbOfNtries>x<"), R::NotACount("x".to_owned()));
    let most = "9999999999999999.99<";
    let huge = OLD.replacen("1000.00<", most, 1).replacen("20.50<", most, 1);
    assert_eq!(read(&huge).unwrap_err().reason, R::OutOfRange);
}

#[test]
fn a_line_that_was_sent_twice_is_found() {
    let bank = with("B-1002", "B-1001");
    let expected = R::DuplicateReference { reference: "B-1001".to_owned(), first: 1 };
    assert_eq!((bank.entry, bank.reason), (Some(2), expected));
    assert_eq!(bank.line, 48);
    let own = with("<NtryRef>2<", "<NtryRef>1<");
    assert_eq!(own.code(), "camt_duplicate_reference");
}

#[test]
fn what_stands_once_does_not_stand_twice() {
    for (once, what) in [
        ("<Amt Ccy=\"EUR\">1000.00</Amt>", "Bal/Amt"),
        ("<Tp><CdOrPrtry><Cd>PRCD</Cd></CdOrPrtry></Tp>", "Bal/Tp"),
        ("<Amt Ccy=\"EUR\">20.50</Amt>", "Ntry/Amt"),
        ("<Sts>BOOK</Sts>", "Sts"),
        ("<BookgDt><Dt>2026-11-20</Dt></BookgDt>", "BookgDt"),
        ("<ValDt><Dt>2026-11-21</Dt></ValDt>", "ValDt"),
        ("<AcctSvcrRef>B-1001</AcctSvcrRef>", "AcctSvcrRef"),
        ("<EndToEndId>INV 7 &amp; 8</EndToEndId>", "EndToEndId"),
    ] {
        assert_eq!(with(once, &once.repeat(2)).reason, R::Twice(what));
    }
    let late = "</Ntry><Acct><Ccy>USD</Ccy></Acct>";
    let expected = R::MixedCurrencies { statement: Currency::EUR, given: Currency::USD };
    assert_eq!(with("</Ntry>", late).reason, expected);
}

#[test]
fn what_must_be_there_is_missed_by_name() {
    for (from, to, missing) in [
        ("<Id>S-324</Id>", "", "Stmt/Id"),
        ("<IBAN>XX00TEST0000000001</IBAN>", "", "Acct/Id"),
        ("<Cd>PRCD</Cd>", "<Cd>ITBD</Cd>", "the opening balance OPBD"),
        ("<Cd>CLBD</Cd>", "<Cd>CLAV</Cd>", "the closing balance CLBD"),
        ("<Amt Ccy=\"EUR\">20.50</Amt>", "", "Amt"),
        ("<Sts>BOOK</Sts>", "", "Sts"),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "", "CdtDbtInd"),
        ("<BookgDt><DtTm>2026-11-20T23:59:00+01:00</DtTm></BookgDt>", "", "BookgDt"),
    ] {
        assert_eq!(with(from, to).reason, R::Missing(missing));
    }
    assert_eq!(with("<Sts>BOOK</Sts>", "<Sts>DONE</Sts>").reason, R::NotAStatus("DONE".to_owned()));
    assert_eq!(with("<Cd>CLAV</Cd>", "<Cd>CLBD</Cd>").code(), "camt_twice");
    assert_eq!(with("<RvslInd>true<", "<RvslInd>yes<").reason, R::NotATruth("yes".to_owned()));
    for wrong in ["2026-02-29", "2026-13-01", "26-11-20", "2026-11-2", "2026-11-20 1", "二〇二六-11-20"] {
        let refused = with("<BookgDt><Dt>2026-11-20<", &format!("<BookgDt><Dt>{wrong}<"));
        assert_eq!(refused.reason, R::NotADate(wrong.to_owned()));
    }
}

#[test]
fn a_file_that_was_cut_off_or_garbled_anywhere_is_refused_or_read_and_never_worse() {
    for end in 0..OLD.trim_end().len() {
        if let Some(text) = OLD.get(..end) {
            assert!(read(text).is_err(), "cut off at {end}");
        }
    }
    for place in 0..OLD.len() {
        for byte in [b'<', b'&', b'"', 0, 0xff] {
            let mut bytes = OLD.as_bytes().to_vec();
            bytes[place] = byte;
            if let Ok(read) = camt053::read(&bytes) {
                let sum: i64 = read[0].entries.iter().map(|entry| entry.units).sum();
                assert_eq!(read[0].opening + sum, read[0].closing);
            }
        }
    }
}
