//! A statement as CSV (RFC 4180): a header, the opening balance, the entries, the closing balance; UTF-8. Between the parts of a
//! long period the balance is brought and carried forward (`brought_forward`, `carried_forward`).
//!
//! The columns stay what they are: programs read them. What a merchant wrote is a text cell and cannot become a formula of
//! a table program: where it begins like one, an apostrophe stands before it.

use std::borrow::Cow;
use std::io;

use crate::decimal;
use crate::statement::{Statement, write_moment};

/// The header. New columns come after these.
pub const COLUMNS: [&str; 8] =
    ["at", "kind", "order", "reference", "transfer", "amount", "balance", "currency"];

/// Writes a statement. Amounts have a point, all decimals of their currency, and no thousands.
///
/// # Errors
/// What the writer says.
pub fn write(statement: &Statement, out: impl io::Write) -> io::Result<()> {
    let currency = statement.currency();
    let money = |units: i64| decimal::write(i128::from(units), currency);
    let mut table = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
    let mut row = |cells: [&str; 8]| table.write_record(cells).map_err(io::Error::from);
    row(COLUMNS)?;
    let (period, part) = (statement.period(), statement.part());
    let (from, last) = (write_moment(period.from()), write_moment(period.last()));
    let before = if part.is_first() { "opening" } else { "brought_forward" };
    let after = if part.is_last() { "closing" } else { "carried_forward" };
    let (opening, closing) = (money(statement.opening()), money(statement.closing()));
    row([&from, before, "", "", "", "", &opening, currency.letters()])?;
    for line in statement.lines() {
        let entry = &line.entry;
        row([
            &write_moment(line.at),
            entry.kind.name(),
            &entry.order.map(|order| order.to_string()).unwrap_or_default(),
            &text_cell(entry.reference.as_deref().unwrap_or_default()),
            &entry.transfer.to_string(),
            &money(entry.units),
            &money(line.running),
            currency.letters(),
        ])?;
    }
    row([&last, after, "", "", "", "", &closing, currency.letters()])?;
    table.flush()
}

/// A text that no table program takes for a formula (OWASP, *CSV injection*): also with the wide signs that some read alike.
fn text_cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_gets_an_apostrophe_and_nothing_else_does() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(text_cell(text), format!("'{text}"));
        }
        for text in ["", "A=1", "1-1", "早餐", "'quoted", " =1"] {
            assert_eq!(text_cell(text), text);
        }
    }
}
