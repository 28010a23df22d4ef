//! A statement as camt.053.001.08. Elements stand in the order of the schema.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use time::{Date, OffsetDateTime};

use super::NAMESPACE;
use crate::decimal;
use crate::statement::{ID_CHARS_MAX, Line, Statement, Total, write_date, write_moment};

/// What stands in the message's header (`GrpHdr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// What the message is called, 1 to 35 characters; of a longer one the first 35 are written.
    pub message_id: &'a str,
    /// When it is made.
    pub created_at: OffsetDateTime,
}

/// Writes a statement.
///
/// An entry's `AcctSvcrRef` is its transfer. `EndToEndId` is the merchant's reference where it has 1 to 35 characters, else
/// `NOTPROVIDED` (as ISO 20022 has it); `TxId` is the order without its prefix, since 36 characters do not fit.
///
/// # Errors
/// What the writer says.
pub fn write(statement: &Statement, header: Header<'_>, out: impl io::Write) -> io::Result<()> {
    let mut xml = Xml(Writer::new_with_indent(out, b' ', 2));
    xml.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let namespace = format!("{NAMESPACE}08");
    let document = BytesStart::new("Document").with_attributes([("xmlns", namespace.as_str())]);
    xml.0.write_event(Event::Start(document))?;
    xml.within("BkToCstmrStmt", |xml| {
        xml.within("GrpHdr", |xml| {
            let id: String = header.message_id.chars().take(ID_CHARS_MAX).collect();
            xml.leaf("MsgId", &id)?;
            xml.leaf("CreDtTm", &write_moment(header.created_at))
        })?;
        xml.within("Stmt", |xml| xml.statement(statement, header))
    })?;
    xml.0.write_event(Event::End(BytesEnd::new("Document")))?;
    xml.0.into_inner().flush()
}

struct Xml<W: io::Write>(Writer<W>);

impl<W: io::Write> Xml<W> {
    fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        self.0.write_event(Event::Start(BytesStart::new(name)))?;
        inner(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    fn leaf(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.leaf_of(BytesStart::new(name), text)
    }

    fn leaf_of(&mut self, start: BytesStart<'_>, text: &str) -> io::Result<()> {
        let end = start.to_end().into_owned();
        self.0.write_event(Event::Start(start))?;
        self.0.write_event(Event::Text(BytesText::new(text)))?;
        self.0.write_event(Event::End(end))
    }

    fn statement(&mut self, statement: &Statement, header: Header<'_>) -> io::Result<()> {
        let period = statement.period();
        let (first, last) = (period.from(), period.last());
        let part = statement.part();
        self.leaf("Id", statement.id())?;
        if part.of() > 1 {
            self.within("StmtPgntn", |xml| {
                xml.leaf("PgNb", &part.number().to_string())?;
                xml.leaf("LastPgInd", if part.is_last() { "true" } else { "false" })
            })?;
        }
        self.leaf("ElctrncSeqNb", &statement.number().to_string())?;
        self.leaf("CreDtTm", &write_moment(header.created_at))?;
        self.within("FrToDt", |xml| {
            xml.leaf("FrDtTm", &write_moment(first))?;
            xml.leaf("ToDtTm", &write_moment(last))
        })?;
        self.within("Acct", |xml| {
            xml.within("Id", |xml| xml.within("Othr", |xml| xml.leaf("Id", &statement.account().id)))?;
            xml.leaf("Ccy", statement.currency().letters())?;
            xml.within("Ownr", |xml| xml.leaf("Nm", &statement.account().name))
        })?;
        self.balance(statement, ("OPBD", part.is_first()), statement.opening(), first.date())?;
        self.balance(statement, ("CLBD", part.is_last()), statement.closing(), last.date())?;
        self.summary(statement)?;
        statement.lines().iter().try_for_each(|line| self.within("Ntry", |xml| xml.entry(line)))
    }

    /// A balance of the period, or (not `own`) one between two of its parts.
    fn balance(
        &mut self,
        statement: &Statement,
        (code, own): (&str, bool),
        units: i64,
        date: Date,
    ) -> io::Result<()> {
        self.within("Bal", |xml| {
            xml.within("Tp", |xml| {
                xml.within("CdOrPrtry", |xml| xml.leaf("Cd", code))?;
                if own { Ok(()) } else { xml.within("SubTp", |xml| xml.leaf("Cd", "INTM")) }
            })?;
            xml.amount(units, statement.currency())?;
            xml.within("Dt", |xml| xml.leaf("Dt", &write_date(date)))
        })
    }

    /// `Amt` and `CdtDbtInd`. Zero is a credit.
    fn amount(&mut self, units: i64, currency: model::Currency) -> io::Result<()> {
        let amount = BytesStart::new("Amt").with_attributes([("Ccy", currency.letters())]);
        self.leaf_of(amount, &decimal::write(i128::from(units).abs(), currency))?;
        self.leaf("CdtDbtInd", direction(i128::from(units)))
    }

    fn summary(&mut self, statement: &Statement) -> io::Result<()> {
        let currency = statement.currency();
        let totals = statement.totals();
        let (all, credits, debits) = (totals.all(), totals.credits, totals.debits);
        let count = |xml: &mut Self, total: Total, sum: i128| {
            xml.leaf("NbOfNtries", &total.count.to_string())?;
            xml.leaf("Sum", &decimal::write(sum, currency))
        };
        self.within("TxsSummry", |xml| {
            xml.within("TtlNtries", |xml| {
                // The sum of all, whichever way they went; then what remains of them.
                count(xml, all, credits.units - debits.units)?;
                xml.within("TtlNetNtry", |xml| {
                    xml.leaf("Amt", &decimal::write(all.units.abs(), currency))?;
                    xml.leaf("CdtDbtInd", direction(all.units))
                })
            })?;
            xml.within("TtlCdtNtries", |xml| count(xml, credits, credits.units))?;
            xml.within("TtlDbtNtries", |xml| count(xml, debits, -debits.units))
        })
    }

    fn entry(&mut self, line: &Line) -> io::Result<()> {
        let entry = &line.entry;
        let date = write_date(line.at.date());
        self.amount(entry.units, entry.currency)?;
        self.within("Sts", |xml| xml.leaf("Cd", "BOOK"))?;
        self.within("BookgDt", |xml| xml.leaf("DtTm", &write_moment(line.at)))?;
        self.within("ValDt", |xml| xml.leaf("Dt", &date))?;
        self.leaf("AcctSvcrRef", &entry.transfer.to_string())?;
        self.within("BkTxCd", |xml| {
            xml.within("Prtry", |xml| {
                xml.leaf("Cd", entry.kind.name())?;
                xml.leaf("Issr", "Counterfoil")
            })
        })?;
        let fits = |text: &&str| (1..=ID_CHARS_MAX).contains(&text.chars().count());
        let reference = entry.reference.as_deref().filter(fits).unwrap_or("NOTPROVIDED");
        self.within("NtryDtls", |xml| {
            xml.within("TxDtls", |xml| {
                xml.within("Refs", |xml| {
                    xml.leaf("EndToEndId", reference)?;
                    entry.order.map_or(Ok(()), |order| xml.leaf("TxId", &format!("{:032x}", order.0)))
                })?;
                xml.amount(entry.units, entry.currency)
            })
        })
    }
}

const fn direction(units: i128) -> &'static str {
    if units < 0 { "DBIT" } else { "CRDT" }
}
