//! What came of a transaction, and what the holder can do next.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use pages::{
    BalancePage, Href, Language, Meaning, NextStep, OpenLoad, PurseRecord, RecordKind, ResultPage, Sign,
};
use tap::message::LogRecord;
use tap::{Money, Outcome};
use visit::Visitor;

use super::session::{Ended, Goal, Plan, Purpose, Session, Stage};
use super::{Desk, notice, text};

enum Shown {
    Balance(Box<BalancePage>),
    Result(Box<ResultPage>),
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    let seen = desk.sessions.with(&id, |session| match &session.stage {
        Stage::Ended(ended) => Ok(shown(&desk, &id, session, ended, &visitor)),
        Stage::Running | Stage::Amount | Stage::Code | Stage::Pin => Err(session.path(&id)),
    });
    match seen {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(Shown::Balance(page))) => visit::page(StatusCode::OK, &*page),
        Some(Ok(Shown::Result(page))) => visit::page(StatusCode::OK, &*page),
    }
}

fn shown(desk: &Desk, id: &str, session: &Session, ended: &Ended, visitor: &Visitor) -> Shown {
    let end = &ended.ending.report.end;
    let is_balance = match session.goal {
        Goal::Balance | Goal::VerifiedBalance => {
            matches!(ended.ending.outcome(), Some(Outcome::BalanceRead | Outcome::OpenLoad))
        }
        Goal::Load | Goal::Finish | Goal::Activate => false,
    };
    match (is_balance, end.asn, end.balance) {
        (true, Some(asn), Some(balance)) => {
            let parts = (text::masked(asn), text::money(balance));
            Shown::Balance(Box::new(balance_page(desk, id, session, ended, parts, visitor)))
        }
        (_, _, _) => Shown::Result(Box::new(result_page(desk, id, session, ended, visitor))),
    }
}

fn balance_page(
    desk: &Desk,
    id: &str,
    session: &Session,
    ended: &Ended,
    (masked_card, balance): (String, pages::Money),
    visitor: &Visitor,
) -> BalancePage {
    let (pack, end) = (&session.pack, &ended.ending.report.end);
    let href = |what: &str| Href::new(format!("/taps/{id}/{what}"));
    let is_open = ended.ending.outcome() == Some(Outcome::OpenLoad);
    let open_load = is_open.then(|| OpenLoad { amount: end.amount.map(text::money), finish: href("finish") });
    // The bank's end of a verified balance has no records: they were read just before.
    let records = if end.records.is_empty() { &session.records } else { &end.records };
    BalancePage {
        page: visitor.page(),
        nav: desk.nav.clone(),
        industry: text::industry(pack),
        masked_card,
        balance,
        verified: end.verified,
        read_at: text::time(ended.at),
        records: records.iter().map(record).collect(),
        open_load,
        // A balance does not say it; the bank does, where a load or a verified balance is asked for.
        activate: None,
        load: (!is_open).then(|| href("load")),
        // A card that wants its own PIN first is not asked for what the bank could verify.
        verify: (!end.verified && !pack.card_pin).then(|| href("verify")),
        again: href("balance"),
        back: Href::new(format!("/industries/{}", pack.code)),
    }
}

fn record(record: &LogRecord) -> PurseRecord {
    let (kind, sign) = match record.kind {
        1 | 2 => (RecordKind::Load, Sign::Plus),
        5 | 6 => (RecordKind::Purchase, Sign::Minus),
        other => (RecordKind::Other(format!("{other:02x}")), Sign::Minus),
    };
    PurseRecord {
        kind,
        sign,
        amount: text::money(record.amount),
        at: record.when.to_string(),
        terminal: record.terminal.to_string(),
    }
}

fn result_page(desk: &Desk, id: &str, session: &Session, ended: &Ended, visitor: &Visitor) -> ResultPage {
    let report = &ended.ending.report;
    let (outcome, end) = (report.outcome(), &report.end);
    let text = match visitor.language {
        Language::English => report.english(),
        Language::Chinese => report.chinese(),
    };
    let card = match outcome {
        // Whose number it names is the other card's.
        Some(Outcome::AnotherCard) => session.run.only,
        _ => end.asn.or(session.card.map(|card| card.asn)),
    };
    let entered = session.draft.amount.filter(|_| session.run.purpose == Purpose::Do);
    let (primary, others) = next_steps(id, session, ended);
    ResultPage {
        page: visitor.page(),
        nav: desk.nav.clone(),
        task: session.goal.task(),
        industry: text::industry(&session.pack),
        meaning: meaning(outcome, report.money()),
        outcome: outcome.map_or_else(|| format!("outcome_{}", end.outcome), |known| known.name().to_owned()),
        text: text.to_owned(),
        tries_left: end.tries_left,
        masked_card: card.map(text::masked),
        amount: end.amount.or(entered).map(text::money),
        balance: end.balance.map(text::money),
        at: text::time(ended.at),
        reference: end.reference.map(|reference| reference.to_string()),
        primary,
        others,
    }
}

fn meaning(outcome: Option<Outcome>, money: Money) -> Meaning {
    match (outcome, money) {
        (Some(Outcome::PaidNotWritten), _) => Meaning::PaidNotWritten,
        (_, Money::Done) => Meaning::Done,
        (_, Money::Nothing) => Meaning::NothingPaid,
        (_, Money::HoldAgain) => Meaning::HoldAgain,
        (_, Money::AtTheBank) => Meaning::AtTheBank,
    }
}

fn next_steps(id: &str, session: &Session, ended: &Ended) -> (NextStep, Vec<NextStep>) {
    let href = |what: &str| Href::new(format!("/taps/{id}/{what}"));
    let back = NextStep::Back(Href::new(format!("/industries/{}", session.pack.code)));
    let again = NextStep::HoldAgain(href("again"));
    // What was typed is not kept: it is typed again.
    let form = match (session.run.purpose, session.goal) {
        (Purpose::Do, Goal::Load) => Some(NextStep::EnterAgain(href("load"))),
        (Purpose::Do, Goal::Activate) => Some(NextStep::EnterAgain(href("activate"))),
        (Purpose::Do, Goal::Balance | Goal::VerifiedBalance | Goal::Finish) | (Purpose::Read, _) => None,
    };
    let outcome = ended.ending.outcome();
    match ended.ending.report.money() {
        Money::Done => (back, vec![NextStep::Balance(href("balance"))]),
        Money::AtTheBank => (back, Vec::new()),
        Money::HoldAgain => match (session.goal, outcome) {
            (Goal::Activate, _) => (form.unwrap_or(again), vec![back]),
            (_, Some(Outcome::OpenLoad)) => (NextStep::Finish(href("finish")), vec![back]),
            (_, _) => (again, vec![back]),
        },
        Money::Nothing => match outcome {
            Some(Outcome::NotActivated) => (NextStep::Activate(href("activation")), vec![back]),
            Some(outcome) if nobody_here_helps(outcome) => (back, Vec::new()),
            Some(_) | None => (form.unwrap_or(again), vec![back]),
        },
    }
}

/// Whether the same again would end the same.
fn nobody_here_helps(outcome: Outcome) -> bool {
    use Outcome as O;
    matches!(
        outcome,
        O::UnknownIndustry
            | O::UnknownCard
            | O::ForeignCard
            | O::CardFrozen
            | O::AccountFrozen
            | O::CardExpired
            | O::PinBlocked
            | O::Mac1Wrong
            | O::CounterEnd
            | O::CardLocked
            | O::CardPinBlocked
            | O::TerminalRefused
    )
}

/// Holds the same card again. Where money may be set aside that finishes the load; otherwise it is the same again.
pub(super) async fn again(desk: State<Arc<Desk>>, id: Path<String>, visitor: Visitor) -> Response {
    follow(&desk, &id, &visitor, |session, ended| {
        let is_open = ended.ending.report.money() == Money::HoldAgain;
        match session.goal {
            Goal::Balance | Goal::VerifiedBalance | Goal::Load | Goal::Finish if is_open => {
                finishing(session, ended)
            }
            goal => Plan {
                expected: session.expected,
                amount: session.draft.amount.filter(|_| goal == Goal::Finish),
                records: session.records.clone(),
                ..Plan::new(Arc::clone(&session.pack), goal)
            },
        }
    })
}

/// Finishes the load that is open of this card.
pub(super) async fn finish(desk: State<Arc<Desk>>, id: Path<String>, visitor: Visitor) -> Response {
    follow(&desk, &id, &visitor, finishing)
}

/// Reads any card of the industry.
pub(super) async fn balance(desk: State<Arc<Desk>>, id: Path<String>, visitor: Visitor) -> Response {
    follow(&desk, &id, &visitor, |session, _| Plan::new(Arc::clone(&session.pack), Goal::Balance))
}

/// Has the balance of this card verified.
pub(super) async fn verify(desk: State<Arc<Desk>>, id: Path<String>, visitor: Visitor) -> Response {
    follow(&desk, &id, &visitor, |session, ended| Plan {
        expected: ended.ending.report.end.asn,
        records: ended.ending.report.end.records.clone(),
        ..Plan::new(Arc::clone(&session.pack), Goal::VerifiedBalance)
    })
}

fn finishing(session: &Session, ended: &Ended) -> Plan {
    let end = &ended.ending.report.end;
    let known = session.card.map(|card| card.asn).or(session.run.only);
    Plan {
        expected: end.asn.or(known),
        amount: end.amount.or(session.draft.amount),
        ..Plan::new(Arc::clone(&session.pack), Goal::Finish)
    }
}

/// Begins what follows on a visit that has ended, as a visit of its own: this one's result stays.
fn follow(
    desk: &Arc<Desk>,
    id: &str,
    visitor: &Visitor,
    plan: impl FnOnce(&Session, &Ended) -> Plan,
) -> Response {
    let planned = desk.sessions.with(id, |session| match &session.stage {
        Stage::Ended(ended) => Ok(plan(session, ended)),
        Stage::Running | Stage::Amount | Stage::Code | Stage::Pin => Err(session.path(id)),
    });
    match planned {
        None => notice::gone(visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(plan)) => desk.begin(visitor, plan),
    }
}
