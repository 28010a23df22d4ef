//! Loads of wallet cards: the list, one load, and what a person decides of it, each after a page that asks.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use crypto::PurseKind;
use model::{IndustryCode, PurseTime};
use packs::Industries;
use pages::{
    AttemptRow, ConsoleLoad, ConsoleLoads, ConsoleSettle, EvidenceRow, Finding, Href, Language, LoadCount,
    LoadRow, LoadView, Page, PurseRecord, RecordKind, Settled, Settlement, Sign,
};
use payment::{LoadError, LoadId, LoadState};
use serde::Deserialize;
use store::{LoadAttempt, Reading, StoreError, StoredLoad};
use tap::LogRecord;
use visit::Visitor;

use super::{Asked, Console, ROWS, ROWS_LENGTH, failed, found, not_found, reversals};
use crate::bank::{Bank, Found, SettleError};
use crate::operators::Actor;
use crate::web::text;

pub(super) const PATH: &str = "/console/loads";
/// As operators look for them: those that wait first.
const SHOWN: [LoadState; 6] = [
    LoadState::Open,
    LoadState::InDoubt,
    LoadState::Closed,
    LoadState::SettledCredited,
    LoadState::SettledReturned,
    LoadState::Reversed,
];

/// The address of a load's page.
pub(super) fn href(id: LoadId) -> Href {
    Href::new(format!("{PATH}/{id}"))
}

/// An industry's code and name, or its code alone where the bank does not serve it any more.
pub(super) fn industry(industries: &Industries, code: IndustryCode, language: Language) -> String {
    let Some(industry) = industries.get(code) else { return code.to_string() };
    let names = &industry.pack.names;
    let name = match language {
        Language::English => &names.en,
        Language::Chinese => &names.zh,
    };
    format!("{code} {name}")
}

fn shown(state: LoadState) -> pages::LoadState {
    match state {
        LoadState::Open => pages::LoadState::Open,
        LoadState::Closed => pages::LoadState::Closed,
        LoadState::InDoubt => pages::LoadState::InDoubt,
        LoadState::SettledCredited => pages::LoadState::SettledCredited,
        LoadState::SettledReturned => pages::LoadState::SettledReturned,
        LoadState::Reversed => pages::LoadState::Reversed,
    }
}

/// Which loads are wanted, and where the list goes on.
#[derive(Deserialize)]
pub(super) struct Wanted {
    state: Option<String>,
    before: Option<String>,
}

impl Wanted {
    /// State and cursor; `None` where either says nothing.
    fn read(&self) -> Option<(Option<LoadState>, Option<LoadId>)> {
        let state = match self.state.as_deref() {
            Some(name) => Some(LoadState::from_name(name)?),
            None => None,
        };
        let before = match self.before.as_deref() {
            Some(id) => Some(id.parse().ok()?),
            None => None,
        };
        Some((state, before))
    }
}

pub(super) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Response {
    let Some((state, before)) = wanted.read() else { return not_found(&visitor) };
    let Some(bank) = console.bank else {
        let page = visitor.page();
        let (counts, rows) = (Vec::new(), Vec::new());
        return visit::page(
            StatusCode::OK,
            &ConsoleLoads { page, counts, rows, older: None, has_bank: false },
        );
    };
    found(bank.app().store(), &visitor, move |rows, visitor| {
        let counted = rows.load_counts()?;
        let of = |state| counted.iter().find(|count| count.state == state).map_or(0, |count| count.count);
        let counts = SHOWN.map(|each| LoadCount {
            state: shown(each),
            count: of(each),
            href: Some(narrowed(Some(each))),
            chosen: state == Some(each),
        });
        let mut loads = rows.loads_before(state, before, ROWS + 1)?;
        let more = loads.len() > ROWS_LENGTH;
        loads.truncate(ROWS_LENGTH);
        let last = loads.last().filter(|_| more).map(|last| last.load.id);
        let loads = loads.iter().map(|stored| row(rows, stored)).collect::<Result<_, StoreError>>()?;
        Ok(Some(ConsoleLoads {
            page: visitor.page(),
            counts: counts.into(),
            rows: loads,
            older: last.map(|id| narrowed(state).with("before", &id.to_string())),
            has_bank: true,
        }))
    })
    .await
}

/// The list of one state, or of all.
fn narrowed(state: Option<LoadState>) -> Href {
    state.map_or_else(|| Href::new(PATH), |state| Href::new(PATH).with("state", state.name()))
}

fn row(rows: &dyn Reading, stored: &StoredLoad) -> Result<LoadRow, StoreError> {
    let load = &stored.load;
    Ok(LoadRow {
        opened_at: text::day_and_time(load.created_at),
        load_id: load.id.to_string(),
        href: href(load.id),
        masked_card: text::masked(load.asn),
        amount: text::fen(load.amount),
        state: shown(load.state),
        terminal: stored.terminal.to_string(),
        // They are numbered from one, and come newest first.
        attempts: rows.attempts(load.id)?.first().map_or(0, |newest| newest.number.into()),
    })
}

pub(super) async fn one(
    State(console): State<Console>,
    visitor: Visitor,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let Some((bank, Ok(Path(id)))) = console.bank.zip(Some(id)) else { return not_found(&visitor) };
    let Ok(id) = id.parse() else { return not_found(&visitor) };
    let industries = bank.industries().clone();
    found(bank.app().store(), &visitor, move |rows, visitor| view(rows, &industries, id, visitor.page()))
        .await
}

/// What the page of a load shows; `None` where there is no such load.
pub(super) fn view(
    rows: &dyn Reading,
    industries: &Arc<Industries>,
    id: LoadId,
    page: Page,
) -> Result<Option<ConsoleLoad>, StoreError> {
    let Some(stored) = rows.load(id)? else { return Ok(None) };
    let mut attempts = rows.attempts(id)?;
    attempts.reverse();
    let load = &stored.load;
    let state = shown(load.state);
    let forms: Vec<_> = Finding::ALL
        .into_iter()
        .filter(|finding| finding.fits(state))
        .map(|finding| (finding, posted(id, finding)))
        .collect();
    let ended_at = (!load.state.is_unfinished()).then(|| text::day_and_time(stored.updated_at));
    let settled = match load.state {
        LoadState::SettledCredited | LoadState::SettledReturned | LoadState::Reversed => Some(Settled {
            at: text::day_and_time(stored.updated_at),
            note: stored.note.clone().unwrap_or_default(),
        }),
        LoadState::Open | LoadState::InDoubt | LoadState::Closed => None,
    };
    Ok(Some(ConsoleLoad {
        load: LoadView {
            load_id: id.to_string(),
            masked_card: text::masked(load.asn),
            industry: industry(industries, load.industry, page.language),
            amount: text::fen(load.amount),
            state,
            opened_at: text::day_and_time(load.created_at),
            ended_at,
            counter: load.counter.0.to_string(),
            transfer: load.transfer.to_string(),
            doubt: stored.note.clone().filter(|_| settled.is_none()),
            settled,
        },
        page,
        attempts: attempts.iter().map(|attempt| attempt_row(attempt, stored.proven)).collect(),
        evidence: stored.evidence.chunks(LogRecord::LENGTH).map(evidence_row).collect(),
        settlement: (!forms.is_empty()).then_some(Settlement { forms, note_missing: None }),
        asked: reversals::asked_of(rows, id)?,
        reversal: reversals::form_of(&stored),
        back: Href::new(PATH),
    }))
}

/// Where a finding is posted.
fn posted(id: LoadId, finding: Finding) -> Href {
    Href::new(format!("{PATH}/{id}/{}", finding.tag()))
}

fn attempt_row(attempt: &LoadAttempt, proven: Option<u16>) -> AttemptRow {
    AttemptRow {
        number: attempt.number,
        at: card_time(attempt.when),
        terminal: attempt.terminal.to_string(),
        balance_before: text::fen(attempt.balance),
        proven: proven == Some(attempt.number),
    }
}

/// A moment that a card has in China's time, in the console's: UTC. What is no moment of the calendar stays as the card has it.
fn card_time(when: PurseTime) -> String {
    when.moment().map_or_else(|| format!("{when} UTC+8"), text::day_and_time)
}

/// A card may hold anything: what is no record is shown by its bytes alone.
fn evidence_row(bytes: &[u8]) -> EvidenceRow {
    let record = LogRecord::parse(bytes).ok().filter(|record| is_moment(record.when));
    EvidenceRow {
        counter: record.map(|record| record.sequence.to_string()),
        record: record.map(|record| {
            let (kind, sign) = kind(record.kind);
            PurseRecord {
                kind,
                sign,
                amount: text::fen(record.amount),
                at: card_time(record.when),
                terminal: record.terminal.to_string(),
            }
        }),
        hex: hex::encode(bytes),
    }
}

/// Whether the digits are decimal and name a month: an empty place of a log is all zeros or all ones.
fn is_moment(when: PurseTime) -> bool {
    let bytes = when.to_bytes();
    bytes[2] != 0 && bytes.iter().all(|byte| byte >> 4 <= 9 && byte & 0x0f <= 9)
}

fn kind(number: u8) -> (RecordKind, Sign) {
    match PurseKind::from_number(number) {
        Some(PurseKind::PurseLoad) => (RecordKind::Load, Sign::Plus),
        Some(PurseKind::PursePurchase | PurseKind::CompoundPurchase) => (RecordKind::Purchase, Sign::Minus),
        Some(PurseKind::DepositLoad) => (RecordKind::Other(format!("{number:02X}")), Sign::Plus),
        _ => (RecordKind::Other(format!("{number:02X}")), Sign::Minus),
    }
}

/// What a person found, and whether they were asked once more.
#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    note: String,
    #[serde(flatten)]
    asked: Asked,
}

pub(super) async fn decide(
    State(console): State<Console>,
    Extension(actor): Extension<Actor>,
    visitor: Visitor,
    path: Result<Path<(String, String)>, PathRejection>,
    Form(said): Form<Said>,
) -> Response {
    let Some((bank, Ok(Path((id, tag))))) = console.bank.zip(Some(path)) else { return not_found(&visitor) };
    let (Ok(id), Some(finding)) = (id.parse(), Finding::from_tag(&tag)) else { return not_found(&visitor) };
    // This address can be posted to and not read: the language switch leads to the load.
    let page = visitor.page().at(href(id).as_str());
    let industries = bank.industries().clone();
    let looked = {
        let page = page.clone();
        bank.app().store().read(move |rows| view(rows, &industries, id, page)).await
    };
    let mut shown = match looked {
        Ok(Some(shown)) => shown,
        Ok(None) => return not_found(&visitor),
        Err(error) => return failed(&visitor, &error),
    };
    if !finding.fits(shown.load.state) {
        return refused(page, shown.load.state, id);
    }
    let Ok(note) = Bank::settlement_note(&said.note) else {
        if let Some(settlement) = &mut shown.settlement {
            settlement.note_missing = Some(finding);
        }
        return visit::page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    };
    if !said.asked.is_confirmed() {
        let (load, confirm, back) = (shown.load, posted(id, finding), href(id));
        return visit::page(StatusCode::OK, &ConsoleSettle { page, load, finding, note, confirm, back });
    }
    let by = match finding {
        Finding::Credited => Found::Credited,
        Finding::Returned => Found::NotCredited,
        Finding::Unreadable => Found::CardUnreadable,
    };
    match bank.settle_by(actor, id, by, &note).await {
        Ok(()) => {
            tracing::info!(load = %id, finding = finding.tag(), "a person decided a load");
            Redirect::to(href(id).as_str()).into_response()
        }
        // Somebody was faster, or the card was.
        Err(SettleError::Load(LoadError::Ended(state))) => refused(page, self::shown(state), id),
        Err(SettleError::Load(LoadError::CardDecides)) => refused(page, pages::LoadState::Open, id),
        Err(SettleError::Load(LoadError::NotMoved)) => refused(page, pages::LoadState::InDoubt, id),
        Err(SettleError::NoSuchLoad) => not_found(&visitor),
        Err(SettleError::NoteMissing) => visit::page(StatusCode::UNPROCESSABLE_ENTITY, &shown),
        Err(SettleError::Store(error)) => failed(&visitor, &error),
    }
}

fn refused(page: Page, state: pages::LoadState, id: LoadId) -> Response {
    visit::page(StatusCode::CONFLICT, &ConsoleSettle::refused(page, state, href(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Fen, TerminalId, UnixMillis};

    #[test]
    fn what_a_log_holds_is_read_as_far_as_it_says_something() {
        let record = LogRecord {
            sequence: 43,
            overdraft: [0; 3],
            amount: Fen(5_000),
            kind: PurseKind::PurseLoad.number(),
            terminal: TerminalId([0, 0, 1, 0, 0, 0x50]),
            when: PurseTime::at(UnixMillis(1_795_199_488_000)),
        };
        let row = evidence_row(&record.to_bytes());
        assert_eq!(row.counter.as_deref(), Some("43"));
        assert_eq!(row.hex.len(), 46);
        let read = row.record.unwrap();
        assert_eq!((read.kind, read.sign, &*read.amount.text), (RecordKind::Load, Sign::Plus, "¥50.00"));
        assert_eq!((&*read.at, &*read.terminal), ("2026-11-20 18:31:28 UTC", "000001000050"));
        for (number, expected) in [
            (1, (RecordKind::Other("01".into()), Sign::Plus)),
            (3, (RecordKind::Other("03".into()), Sign::Minus)),
            (6, (RecordKind::Purchase, Sign::Minus)),
            (9, (RecordKind::Purchase, Sign::Minus)),
            (0xa0, (RecordKind::Other("A0".into()), Sign::Minus)),
        ] {
            assert_eq!(kind(number), expected, "{number}");
        }
        for bytes in [&[0; 23][..], &[0xff; 23], &[0; 22], &[0x11]] {
            let row = evidence_row(bytes);
            assert_eq!((row.record, row.counter), (None, None));
            assert_eq!(row.hex, hex::encode(bytes));
        }
    }
}
