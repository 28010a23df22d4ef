//! What banks send: camt.053.001.02 to .08, taken whole or refused with line and entry.
//!
//! The file is read once, from the front; nothing is expanded and nothing is fetched. Booked entries are taken, pending
//! and informational ones are counted. Balances other than the opening and closing one are passed over.

use std::collections::HashMap;

use model::Currency;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::draft::{BalanceDraft, EntryDraft, StatementDraft, currency_of, date_of, join, once, units_of};
use super::{DEPTH_MAX, ENTRIES_MAX, NAMESPACE, TAG_MAX, TEXT_MAX, VERSIONS, decode};
use crate::bank_entry::BankEntry;
use crate::decimal::UNITS_MAX;
use crate::error::{CamtReason as R, CamtRefused, excerpt};

/// One statement of a bank's file; it adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankStatement {
    /// What the bank calls it.
    pub id: String,
    /// The account: its IBAN, or what the bank calls it.
    pub account: String,
    /// The currency of the account.
    pub currency: Currency,
    /// The balance before, in minor units (`OPBD`, else `PRCD`).
    pub opening: i64,
    /// The balance after, in minor units (`CLBD`).
    pub closing: i64,
    /// What was booked.
    pub entries: Vec<BankEntry>,
    /// How many entries are not booked: pending, information, future.
    pub not_booked: usize,
}

/// Reads a bank's file.
///
/// # Errors
/// Why it is not taken; nothing of it is taken then.
pub fn read(bytes: &[u8]) -> Result<Vec<BankStatement>, CamtRefused> {
    let source = decode::decode(bytes)?;
    let mut reading = Reading::new(&source);
    match reading.run() {
        Ok(()) => Ok(reading.statements),
        Err(reason) => Err(CamtRefused { line: reading.here(), entry: reading.in_entry(), reason }),
    }
}

macro_rules! elements {
    ($($name:ident)*) => {
        /// An element that is read, or any other one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::upper_case_acronyms)] // As the message has it.
        enum Element { $($name,)* Other }

        impl Element {
            fn of(name: &str) -> Self {
                match name { $(stringify!($name) => Self::$name,)* _ => Self::Other }
            }
        }
    };
}

elements! {
    Document BkToCstmrStmt Stmt Id Acct IBAN Othr Ccy Bal Tp CdOrPrtry Cd Amt CdtDbtInd
    TxsSummry TtlNtries TtlCdtNtries TtlDbtNtries NbOfNtries Sum
    Ntry NtryRef RvslInd Sts BookgDt ValDt Dt DtTm AcctSvcrRef NtryDtls TxDtls Refs EndToEndId RmtInf Ustrd AddtlNtryInf
}

struct Reading<'a> {
    source: &'a str,
    reader: Reader<&'a [u8]>,
    /// Up to where lines were counted, and which line that is.
    counted: (usize, usize),
    stack: Vec<Element>,
    prefix: String,
    root_ended: bool,
    text: String,
    ccy: Option<String>,
    statement: Option<StatementDraft>,
    balance: BalanceDraft,
    entry: Option<EntryDraft>,
    entries_begun: usize,
    bank_references: HashMap<String, usize>,
    statements: Vec<BankStatement>,
}

impl<'a> Reading<'a> {
    fn new(source: &'a str) -> Self {
        let mut reader = Reader::from_str(source);
        reader.config_mut().expand_empty_elements = true;
        Self {
            source,
            reader,
            counted: (0, 1),
            stack: Vec::new(),
            prefix: String::new(),
            root_ended: false,
            text: String::new(),
            ccy: None,
            statement: None,
            balance: BalanceDraft::default(),
            entry: None,
            entries_begun: 0,
            bank_references: HashMap::new(),
            statements: Vec::new(),
        }
    }

    /// The line that the reader has come to. Each byte is looked at once.
    fn here(&mut self) -> usize {
        let position = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let position = position.min(self.source.len());
        let (from, line) = self.counted;
        if position > from {
            let between = self.source.as_bytes().get(from..position).unwrap_or_default();
            self.counted = (position, line + between.iter().filter(|byte| **byte == b'\n').count());
        }
        self.counted.1
    }

    fn in_entry(&self) -> Option<usize> {
        self.entry.as_ref().map(|_| self.entries_begun)
    }

    fn run(&mut self) -> Result<(), R> {
        loop {
            match self.reader.read_event().map_err(|error| R::NotXml(excerpt(&error.to_string())))? {
                Event::Start(start) => self.begin(&start)?,
                Event::End(_) => self.end()?,
                Event::Text(text) => self.add(&text.xml10_content())?,
                Event::CData(text) => self.add(&text.xml10_content())?,
                Event::GeneralRef(reference) => self.refer(&reference)?,
                Event::DocType(_) => return Err(R::DocumentType),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                // Expanded to a start and an end: see `new`.
                Event::Empty(start) => {
                    self.begin(&start)?;
                    self.end()?;
                }
                Event::Eof => break,
            }
        }
        if !self.stack.is_empty() {
            return Err(R::NotXml("the file ends in the middle".to_owned()));
        }
        if !self.root_ended {
            return Err(R::NotXml("there is no element".to_owned()));
        }
        if self.statements.is_empty() { Err(R::NoStatement) } else { Ok(()) }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), R> {
        if start.len() > TAG_MAX {
            return Err(R::TagTooLong);
        }
        if self.stack.len() == DEPTH_MAX {
            return Err(R::TooDeep);
        }
        let name: &str = start.name().into_inner();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let element = if self.stack.is_empty() {
            self.root(start, prefix, local)?
        } else if prefix == self.prefix {
            Element::of(local)
        } else {
            // Of another namespace: nothing of it is read.
            Element::Other
        };
        self.stack.push(element);
        if self.stack.len() == 2 && element != Element::BkToCstmrStmt {
            return Err(R::WrongRoot(excerpt(name)));
        }
        self.text.clear();
        use Element as E;
        match self.path() {
            [E::Stmt] => self.statement = Some(StatementDraft::default()),
            [E::Stmt, E::Bal] => self.balance = BalanceDraft::default(),
            [E::Stmt, E::Ntry] => {
                if self.entries_begun == ENTRIES_MAX {
                    return Err(R::TooManyEntries);
                }
                self.entries_begun += 1;
                let line = self.here();
                self.entry = Some(EntryDraft { line, ..EntryDraft::default() });
            }
            [E::Stmt, E::Ntry, E::NtryDtls, E::TxDtls] => {
                if let Some(entry) = &mut self.entry {
                    entry.transactions += 1;
                }
            }
            [E::Stmt, E::Bal | E::Ntry, E::Amt] => self.ccy = attribute(start, "Ccy")?,
            // Everything else is read at its end, or passed over.
            _ => {}
        }
        Ok(())
    }

    fn root(&mut self, start: &BytesStart<'_>, prefix: &str, local: &str) -> Result<Element, R> {
        if self.root_ended {
            return Err(R::NotXml("a second root element".to_owned()));
        }
        if local != "Document" {
            return Err(R::WrongRoot(excerpt(local)));
        }
        let declared = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        let namespace = attribute(start, &declared)?.unwrap_or_default();
        match namespace.strip_prefix(NAMESPACE) {
            Some(version) if VERSIONS.contains(&version) => {}
            Some(_) | None => return Err(R::WrongNamespace(excerpt(&namespace))),
        }
        prefix.clone_into(&mut self.prefix);
        Ok(Element::Document)
    }

    /// Where we are, below `BkToCstmrStmt`.
    fn path(&self) -> &[Element] {
        self.stack.get(2..).unwrap_or_default()
    }

    fn add(&mut self, text: &str) -> Result<(), R> {
        match self.stack.last() {
            None if text.chars().all(char::is_whitespace) => Ok(()),
            None => Err(R::NotXml("text outside of the root element".to_owned())),
            Some(Element::Other) => Ok(()),
            // Between elements there is room for people.
            Some(_) if text.chars().all(char::is_whitespace) && self.text.is_empty() => Ok(()),
            Some(_) if self.text.len() + text.len() > TEXT_MAX => Err(R::TextTooLong),
            Some(_) => {
                self.text.push_str(text);
                Ok(())
            }
        }
    }

    fn refer(&mut self, reference: &BytesRef<'_>) -> Result<(), R> {
        let not_xml = |error: quick_xml::Error| R::NotXml(excerpt(&error.to_string()));
        let letter = match reference.resolve_char_ref().map_err(not_xml)? {
            Some(letter) => letter,
            None => match &**reference {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                other => return Err(R::Entity(excerpt(other))),
            },
        };
        self.add(letter.encode_utf8(&mut [0; 4]))
    }

    fn end(&mut self) -> Result<(), R> {
        use Element as E;
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let ccy = self.ccy.take();
        // Taken out while drafts are changed; where that is refused, nothing is read on.
        let mut stack = std::mem::take(&mut self.stack);
        match stack.get(2..).unwrap_or_default() {
            [E::Stmt] => self.end_statement()?,
            [E::Stmt, E::Bal] => self.end_balance()?,
            [E::Stmt, E::Ntry] => self.end_entry()?,
            [E::Stmt, E::Bal, rest @ ..] => self.in_balance(rest, text, ccy)?,
            [E::Stmt, E::Ntry, rest @ ..] => self.in_the_entry(rest, text, ccy)?,
            [E::Stmt, rest @ ..] => self.in_statement(rest, text)?,
            _ => {}
        }
        stack.pop();
        self.root_ended |= stack.is_empty();
        self.stack = stack;
        Ok(())
    }

    fn in_statement(&mut self, path: &[Element], text: &str) -> Result<(), R> {
        use Element as E;
        let Some(draft) = &mut self.statement else { return Ok(()) };
        let side = |side: &E| match side {
            E::TtlNtries => Some(0),
            E::TtlCdtNtries => Some(1),
            E::TtlDbtNtries => Some(2),
            _ => None,
        };
        match path {
            [E::Id] => once(&mut draft.id, text, "Stmt/Id"),
            [E::Acct, E::Id, E::IBAN] | [E::Acct, E::Id, E::Othr, E::Id] => {
                once(&mut draft.account, text, "Acct/Id")
            }
            [E::Acct, E::Ccy] => {
                let given = currency_of(text)?;
                match draft.currency.replace(given) {
                    Some(statement) if statement != given => Err(R::MixedCurrencies { statement, given }),
                    Some(_) | None => Ok(()),
                }
            }
            [E::TxsSummry, total, E::NbOfNtries] => {
                let count = text.parse().map_err(|_| R::NotACount(excerpt(text)))?;
                if let Some(side) = side(total) {
                    draft.summary.counts[side] = Some(count);
                }
                Ok(())
            }
            [E::TxsSummry, total, E::Sum] => {
                if let Some(side) = side(total) {
                    draft.summary.sums[side] = Some(text.to_owned());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn in_balance(&mut self, path: &[Element], text: &str, ccy: Option<String>) -> Result<(), R> {
        use Element as E;
        let money = &mut self.balance.money;
        match path {
            [E::Tp, E::CdOrPrtry, E::Cd] => once(&mut self.balance.code, text, "Bal/Tp"),
            [E::Amt] if money.amount.is_some() => Err(R::Twice("Bal/Amt")),
            [E::Amt] => {
                money.amount = Some((text.to_owned(), ccy.unwrap_or_default()));
                Ok(())
            }
            [E::CdtDbtInd] => once(&mut money.direction, text, "Bal/CdtDbtInd"),
            _ => Ok(()),
        }
    }

    fn in_the_entry(&mut self, path: &[Element], text: &str, ccy: Option<String>) -> Result<(), R> {
        use Element as E;
        let Some(entry) = &mut self.entry else { return Ok(()) };
        match path {
            [E::NtryRef] => once(&mut entry.own_reference, text, "NtryRef"),
            [E::Amt] if entry.money.amount.is_some() => Err(R::Twice("Ntry/Amt")),
            [E::Amt] => {
                entry.money.amount = Some((text.to_owned(), ccy.unwrap_or_default()));
                Ok(())
            }
            [E::CdtDbtInd] => once(&mut entry.money.direction, text, "Ntry/CdtDbtInd"),
            [E::RvslInd] => {
                entry.reversal = match text {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    other => return Err(R::NotATruth(excerpt(other))),
                };
                Ok(())
            }
            // A text up to version .07, an element with a code since.
            [E::Sts] if text.is_empty() => Ok(()),
            [E::Sts] | [E::Sts, E::Cd] => once(&mut entry.status, text, "Sts"),
            [E::BookgDt, E::Dt | E::DtTm] => match entry.booked.replace(date_of(text)?) {
                None => Ok(()),
                Some(_) => Err(R::Twice("BookgDt")),
            },
            [E::ValDt, E::Dt | E::DtTm] => match entry.value.replace(date_of(text)?) {
                None => Ok(()),
                Some(_) => Err(R::Twice("ValDt")),
            },
            [E::AcctSvcrRef] => once(&mut entry.bank_reference, text, "AcctSvcrRef"),
            [E::NtryDtls, E::TxDtls, E::Refs, E::EndToEndId] => {
                // Of several transactions none speaks for the entry: those of the first are not looked at later.
                if entry.transactions > 1 || text == "NOTPROVIDED" {
                    return Ok(());
                }
                once(&mut entry.end_to_end, text, "EndToEndId")
            }
            [E::NtryDtls, E::TxDtls, E::RmtInf, E::Ustrd] => join(&mut entry.words, text),
            [E::AddtlNtryInf] => join(&mut entry.more_words, text),
            _ => Ok(()),
        }
    }

    fn end_balance(&mut self) -> Result<(), R> {
        let balance = std::mem::take(&mut self.balance);
        let Some(draft) = &mut self.statement else { return Ok(()) };
        let place = match balance.code.as_deref() {
            Some("OPBD") => &mut draft.opening,
            Some("PRCD") => &mut draft.previous,
            Some("CLBD") => &mut draft.closing,
            Some(_) | None => return Ok(()),
        };
        let units = units_of(&balance.money, &mut draft.currency)?;
        match place.replace(units) {
            None => Ok(()),
            Some(_) => Err(R::Twice("a balance OPBD, PRCD or CLBD")),
        }
    }

    fn end_entry(&mut self) -> Result<(), R> {
        let number = self.entries_begun;
        let (Some(draft), Some(entry)) = (&mut self.statement, &self.entry) else { return Ok(()) };
        let units = units_of(&entry.money, &mut draft.currency)?;
        let currency = draft.currency.ok_or(R::Missing("Acct/Ccy"))?;
        let side = &mut draft.sides[usize::from(units < 0)];
        side.0 += 1;
        side.1 = side.1.checked_add(units).ok_or(R::OutOfRange)?;
        match entry.status.as_deref() {
            Some("BOOK") => {}
            Some("PDNG" | "INFO" | "FUTR") => {
                draft.not_booked += 1;
                self.entry = None;
                return Ok(());
            }
            Some(other) => return Err(R::NotAStatus(excerpt(other))),
            None => return Err(R::Missing("Sts")),
        }
        let booked = entry.booked.or(entry.value).ok_or(R::Missing("BookgDt"))?;
        for (seen, reference) in [
            (&mut self.bank_references, &entry.bank_reference),
            (&mut draft.own_references, &entry.own_reference),
        ] {
            let Some(reference) = reference else { continue };
            if let Some(first) = seen.get(reference) {
                let reference = excerpt(reference);
                return Err(R::DuplicateReference { reference, first: *first });
            }
            seen.insert(reference.clone(), number);
        }
        let Some(entry) = self.entry.take() else { return Ok(()) };
        draft.entries.push(BankEntry {
            number,
            line: entry.line,
            units,
            currency,
            booked,
            value: entry.value,
            bank_reference: entry.bank_reference.or(entry.own_reference),
            reference: entry.end_to_end.filter(|_| entry.transactions == 1),
            text: if entry.words.is_empty() { entry.more_words } else { entry.words },
            transactions: entry.transactions,
            reversal: entry.reversal,
        });
        Ok(())
    }

    fn end_statement(&mut self) -> Result<(), R> {
        let Some(draft) = self.statement.take() else { return Ok(()) };
        let currency = draft.currency.ok_or(R::Missing("Acct/Ccy"))?;
        let opening = draft.opening.or(draft.previous).ok_or(R::Missing("the opening balance OPBD"))?;
        let closing = draft.closing.ok_or(R::Missing("the closing balance CLBD"))?;
        let sum: i128 = draft.entries.iter().map(|entry| i128::from(entry.units)).sum();
        let reckoned = i64::try_from(i128::from(opening) + sum)
            .ok()
            .filter(|sum| (-UNITS_MAX..=UNITS_MAX).contains(sum))
            .ok_or(R::OutOfRange)?;
        if reckoned != closing {
            return Err(R::ClosingDiffers { currency, reckoned, given: closing });
        }
        draft.summary.check(draft.sides, currency)?;
        self.statements.push(BankStatement {
            id: draft.id.ok_or(R::Missing("Stmt/Id"))?,
            account: draft.account.ok_or(R::Missing("Acct/Id"))?,
            currency,
            opening,
            closing,
            entries: draft.entries,
            not_booked: draft.not_booked,
        });
        Ok(())
    }
}

/// An attribute's value as it stands there: what is read of attributes has no letters that must be escaped.
fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, R> {
    let mut found = None;
    // Each is looked at once: the reader's own check compares each with each.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| R::NotXml(excerpt(&error.to_string())))?;
        let key: &str = attribute.key.into_inner();
        if key == name && found.replace(attribute.value.into_owned()).is_some() {
            return Err(R::NotXml(format!("the attribute {name} stands there twice")));
        }
    }
    Ok(found)
}
