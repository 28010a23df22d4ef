//! A load: the amount, the code that goes to the holder's phone, and the PIN.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use crypto::Pin;
use model::{Asn, Fen, IndustryCode};
use pages::{AmountChoice, CardPin, CodeSent, ConfirmPage, Href, LoadPage, TimeLimit};
use serde::Deserialize;
use tap::message::{CardPin as TypedCardPin, End, SmsAnswer, SmsCode, Transaction};
use tap::{DriverPack, Outcome, Report};
use visit::Visitor;
use zeroize::Zeroizing;

use super::session::{Card, Code, Goal, Session, Stage, Wrongs};
use super::wrong::Wrong;
use super::{Desk, notice, text};
use crate::error::SmsError;
use crate::opening::{Asked, Ending, Opening};

/// What the form sends for an amount that is typed.
const OTHER: &str = "other";
/// As long as the form's field.
const OTHER_LENGTH_MAX: usize = 12;

#[derive(Deserialize)]
pub(super) struct AmountForm {
    #[serde(default)]
    amount: String,
    #[serde(default)]
    other_amount: String,
}

/// What is typed; zeroised once it is read.
#[derive(Deserialize)]
pub(super) struct ConfirmForm {
    #[serde(default)]
    code: Zeroizing<String>,
    #[serde(default)]
    pin: Zeroizing<String>,
    #[serde(default)]
    card_pin: Zeroizing<String>,
}

/// A card was read, and no transaction runs; otherwise where to go instead.
pub(super) fn card_in_hand(session: &Session, id: &str) -> Result<Card, String> {
    match session.card {
        Some(card) if !session.is_running() => Ok(card),
        Some(_) | None => Err(session.path(id)),
    }
}

pub(super) async fn amounts(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    desk.look_at_bank();
    let page = desk.sessions.with(&id, |session| {
        let card = card_in_hand(session, &id)?;
        Ok::<_, String>(amounts_page(&desk, &id, session, card, &visitor))
    });
    match page {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(page)) => visit::page(StatusCode::OK, &page),
    }
}

fn amounts_page(desk: &Desk, id: &str, session: &Session, card: Card, visitor: &Visitor) -> LoadPage {
    let (pack, draft) = (&session.pack, &session.draft);
    let choice = |amount: &Fen| AmountChoice { value: amount.0.to_string(), money: text::money(*amount) };
    LoadPage {
        page: visitor.page(),
        nav: desk.nav.clone(),
        industry: text::industry(pack),
        masked_card: text::masked(card.asn),
        balance: text::money(card.balance),
        amounts: pack.amounts.iter().map(choice).collect(),
        chosen: draft.chosen.clone(),
        other_amount: draft.other.clone(),
        per_load_max: text::money(pack.per_load_max).text,
        balance_max: text::money(pack.balance_max).text,
        error: draft.wrongs.amount.as_ref().map(|wrong| wrong.shown(visitor.language)),
        send: Href::new(format!("/taps/{id}/amount")),
        back: Href::new(format!("/industries/{}", pack.code)),
    }
}

/// The amount was chosen: a code is sent.
pub(super) async fn amount(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<AmountForm>,
) -> Response {
    let chosen = desk.sessions.with(&id, |session| {
        let card = card_in_hand(session, &id)?;
        let checked = check_amount(&form, &session.pack, card.balance);
        let draft = &mut session.draft;
        draft.other = form.other_amount.chars().filter(|c| !c.is_control()).take(OTHER_LENGTH_MAX).collect();
        draft.chosen = Some(form.amount.chars().take(OTHER_LENGTH_MAX).collect());
        match checked {
            Ok(amount) => Ok((session.pack.code, card.asn, amount)),
            Err(wrong) => {
                draft.wrongs = Wrongs { amount: Some(wrong), ..Wrongs::default() };
                session.stage = Stage::Amount;
                Err(session.path(&id))
            }
        }
    });
    match chosen {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok((industry, asn, amount))) => {
            desk.send_code(&visitor, &id, industry, asn, amount, Stage::Amount).await
        }
    }
}

fn check_amount(form: &AmountForm, pack: &DriverPack, balance: Fen) -> Result<Fen, Wrong> {
    let amount = match form.amount.as_str() {
        OTHER => text::yuan(&form.other_amount),
        value => value.parse().ok().map(Fen),
    };
    let amount = amount.ok_or_else(Wrong::amount_malformed)?;
    if !pack.allows(amount) {
        return Err(Wrong::outcome(Outcome::AmountRefused));
    }
    if !pack.leaves_room(balance, amount) {
        return Err(Wrong::outcome(Outcome::BalanceOverLimit));
    }
    Ok(amount)
}

/// Another code for the same.
pub(super) async fn resend(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    let asked = desk.sessions.with(&id, |session| {
        let card = card_in_hand(session, &id)?;
        let amount = session.draft.amount.filter(|_| session.draft.code.is_some());
        amount.map(|amount| (session.pack.code, card.asn, amount)).ok_or_else(|| session.path(&id))
    });
    match asked {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok((industry, asn, amount))) => {
            desk.send_code(&visitor, &id, industry, asn, amount, Stage::Code).await
        }
    }
}

impl Desk {
    /// Has a code sent, and leads to where it is entered; where none is sent, to the form of this stage or to the
    /// result.
    async fn send_code(
        self: &Arc<Self>,
        visitor: &Visitor,
        id: &str,
        industry: IndustryCode,
        asn: Asn,
        amount: Fen,
        form: Stage,
    ) -> Response {
        let asked = self.terminal.request_sms(industry, asn, Transaction::Load, Some(amount)).await;
        self.standing.hear_sms(asked.as_ref().err());
        let now = self.terminal.bank_time();
        let path = self.sessions.with(id, |session| {
            if session.is_running() {
                return session.path(id);
            }
            match asked {
                Ok(sent) => {
                    session.draft.amount = Some(amount);
                    session.draft.wrongs = Wrongs::default();
                    session.draft.code = Some(Code {
                        reference: sent.reference,
                        phone_hint: sent.phone_hint,
                        sent_at: now,
                        expires_at: sent.expires_at,
                    });
                    session.stage = Stage::Code;
                }
                Err(error) => {
                    let outcome = error.outcome();
                    log(&error);
                    if helps_to_enter_again(outcome) {
                        let wrong = Some(Wrong::outcome(outcome));
                        session.draft.wrongs = match form {
                            Stage::Code => Wrongs { whole: wrong, ..Wrongs::default() },
                            _ => Wrongs { amount: wrong, ..Wrongs::default() },
                        };
                        session.stage = form;
                    } else {
                        let (transaction, mut end) = (Transaction::Load, End::of(outcome));
                        end.asn = Some(asn);
                        end.amount = Some(amount);
                        let report = Report { industry, transaction, end };
                        session.goal = Goal::Load;
                        session.end(Ending { report, report_pending: false, cause: None }, now);
                    }
                }
            }
            session.path(id)
        });
        match path {
            Some(path) => Redirect::to(&path).into_response(),
            None => notice::gone(visitor),
        }
    }
}

fn log(error: &SmsError) {
    tracing::info!(%error, "no code was sent");
}

/// Whether another amount, or another try a little later, may go through.
fn helps_to_enter_again(outcome: Outcome) -> bool {
    use Outcome as O;
    matches!(
        outcome,
        O::AmountRefused
            | O::BalanceOverLimit
            | O::DayLimit
            | O::InsufficientFunds
            | O::SmsTooOften
            | O::ServerAway
            | O::Unavailable
    )
}

pub(super) async fn confirm(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Response {
    let page = desk.sessions.with(&id, |session| {
        let card = card_in_hand(session, &id)?;
        match (&session.draft.code, session.draft.amount) {
            (Some(code), Some(amount)) => {
                Ok(confirm_page(&desk, &id, session, card, (code, amount), &visitor))
            }
            (None, _) | (_, None) => Err(format!("/taps/{id}/load")),
        }
    });
    match page {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(page)) => visit::page(StatusCode::OK, &page),
    }
}

fn confirm_page(
    desk: &Desk,
    id: &str,
    session: &Session,
    card: Card,
    (code, amount): (&Code, Fen),
    visitor: &Visitor,
) -> ConfirmPage {
    let wrongs = &session.draft.wrongs;
    let shown = |wrong: &Option<Wrong>| wrong.as_ref().map(|wrong| wrong.shown(visitor.language));
    let limit = TimeLimit {
        opened_at_ms: text::millis(code.sent_at),
        expires_at_ms: text::millis(code.expires_at),
        now_ms: text::millis(desk.terminal.bank_time()),
    };
    ConfirmPage {
        page: visitor.page(),
        nav: desk.nav.clone(),
        industry: text::industry(&session.pack),
        masked_card: text::masked(card.asn),
        amount: text::money(amount),
        code: CodeSent { phone_hint: code.phone_hint.clone(), limit },
        error: shown(&wrongs.whole),
        code_error: shown(&wrongs.code),
        pin_error: shown(&wrongs.pin),
        card_pin: session.pack.card_pin.then(|| CardPin { error: shown(&wrongs.card_pin) }),
        submit: Href::new(format!("/taps/{id}/confirm")),
        resend: Href::new(format!("/taps/{id}/resend")),
        change: Href::new(format!("/taps/{id}/load")),
    }
}

/// Code and PIN were entered: the bank is asked, and then the card is wanted.
pub(super) async fn submit(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<ConfirmForm>,
) -> Response {
    let opening = desk.sessions.with(&id, |session| {
        let card = card_in_hand(session, &id)?;
        let (Some(code), Some(amount)) = (&session.draft.code, session.draft.amount) else {
            return Err(format!("/taps/{id}/load"));
        };
        match opening(&form, &session.pack, card.asn, amount, code.reference) {
            Ok(opening) => Ok(opening),
            Err(wrongs) => {
                session.draft.wrongs = *wrongs;
                session.stage = Stage::Code;
                Err(session.path(&id))
            }
        }
    });
    drop(form);
    match opening {
        None => notice::gone(&visitor),
        Some(Err(path)) => Redirect::to(&path).into_response(),
        Some(Ok(opening)) => desk.go_on(&visitor, id, Goal::Load, opening),
    }
}

/// The opening of a load from what was typed, or all that is wrong with it.
fn opening(
    form: &ConfirmForm,
    pack: &DriverPack,
    asn: Asn,
    amount: Fen,
    reference: [u8; 16],
) -> Result<Opening, Box<Wrongs>> {
    let code = form.code.trim().parse::<SmsCode>();
    let pin = form.pin.parse::<Pin>();
    let card_pin = pack.card_pin.then(|| form.card_pin.parse::<TypedCardPin>()).transpose();
    match (code, pin, card_pin) {
        (Ok(code), Ok(pin), Ok(card_pin)) => {
            let asked = Asked::Load { amount, sms: SmsAnswer { reference, code }, pin };
            Ok(Opening { industry: pack.code, card: Some(asn), card_pin, asked })
        }
        (code, pin, card_pin) => Err(Box::new(Wrongs {
            code: code.err().map(|_| Wrong::code_malformed()),
            pin: pin.err().map(|_| Wrong::pin_malformed()),
            card_pin: card_pin.err().map(|_| Wrong::card_pin_malformed()),
            ..Wrongs::default()
        })),
    }
}
