//! Mobile terminals, with the page that asks before one is revoked, and the wallet cards they serve.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use model::{PurseTime, TerminalId};
use packs::Industries;
use pages::{ConsoleRevoke, ConsoleTerminals, ConsoleWallets, Href, Language, Suite, TerminalRow, WalletRow};
use serde::Deserialize;
use store::{Reading, StoreError, StoredTerminal, TerminalState, Wallet, WalletState};
use visit::Visitor;

use super::{Asked, Console, Older, ROWS, ROWS_LENGTH, failed, found, loads, masked_name, not_found};
use crate::bank::Bank;
use crate::operators::Actor;
use crate::security::{RevokeError, Security};
use crate::web::text;

pub(super) const TERMINALS: &str = "/console/terminals";
pub(super) const WALLETS: &str = "/console/wallets";
/// The last page of wallet cards. A page is found by walking from the first: a cursor would have to be a serial
/// number, and those stay out of addresses.
const PAGES_MAX: u32 = 200;

pub(super) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(older): Query<Older>,
) -> Response {
    let after = match older.after.as_deref().map(str::parse::<TerminalId>) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    let Some(bank) = console.bank else {
        let none = ConsoleTerminals { page: visitor.page(), rows: Vec::new(), older: None, has_bank: false };
        return visit::page(StatusCode::OK, &none);
    };
    found(bank.app().store(), &visitor, move |rows, visitor| {
        let mut terminals = rows.terminals_after(after, ROWS + 1)?;
        let more = terminals.len() > ROWS_LENGTH;
        terminals.truncate(ROWS_LENGTH);
        let last = terminals.last().filter(|_| more).map(|last| last.id);
        Ok(Some(ConsoleTerminals {
            page: visitor.page(),
            rows: terminals.iter().map(|terminal| row(rows, terminal)).collect::<Result<_, StoreError>>()?,
            older: last.map(|id| Href::new(TERMINALS).with("after", &id.to_string())),
            has_bank: true,
        }))
    })
    .await
}

fn row(rows: &dyn Reading, terminal: &StoredTerminal) -> Result<TerminalRow, StoreError> {
    let key = rows.working_key(terminal.id, terminal.key_id)?;
    // Every suite of an envelope is one of the pages'; the numbers are the protocol's.
    let suite = Suite::from_number(terminal.suite.number())
        .ok_or(StoreError::Malformed("a terminal with a suite that has no name"))?;
    Ok(TerminalRow {
        number: terminal.id.to_string(),
        name: terminal.name.clone(),
        state: match terminal.state {
            TerminalState::Registered => pages::TerminalState::Registered,
            TerminalState::Active => pages::TerminalState::Active,
            TerminalState::Revoked => pages::TerminalState::Revoked,
        },
        suite,
        key_id: key.as_ref().map(|key| key.key_id.to_string()),
        key_expires: key.map(|key| text::day_and_time(key.expires_at)),
        last_heard: terminal.heard_at.map(text::day_and_time),
        revoke: (terminal.state != TerminalState::Revoked).then(|| revoke_href(terminal.id)),
    })
}

fn revoke_href(id: TerminalId) -> Href {
    Href::new(format!("{TERMINALS}/{id}/revoke"))
}

pub(super) type Named = Result<Path<String>, PathRejection>;

pub(super) async fn ask(State(console): State<Console>, visitor: Visitor, id: Named) -> Response {
    let Some((bank, id)) = named(console, id) else { return not_found(&visitor) };
    question(&bank, &visitor, id).await
}

/// The bank and the terminal's number, where there are such.
fn named(console: Console, id: Named) -> Option<(Bank, TerminalId)> {
    Some((console.bank?, id.ok()?.0.parse().ok()?))
}

async fn question(bank: &Bank, visitor: &Visitor, id: TerminalId) -> Response {
    found(bank.app().store(), visitor, move |rows, visitor| {
        let Some(terminal) = rows.terminal(id)? else { return Ok(None) };
        Ok(Some(ConsoleRevoke {
            page: visitor.page(),
            terminal: row(rows, &terminal)?,
            confirm: revoke_href(id),
            back: Href::new(TERMINALS),
        }))
    })
    .await
}

pub(super) async fn revoke(
    State(console): State<Console>,
    Extension(by): Extension<Actor>,
    visitor: Visitor,
    id: Named,
    Form(asked): Form<Asked>,
) -> Response {
    let Some((bank, id)) = named(console, id) else { return not_found(&visitor) };
    if !asked.is_confirmed() {
        return question(&bank, &visitor, id).await;
    }
    // Whose packs terminals take is nothing to revoking.
    match Security::new(bank, Vec::new()).revoke_terminal_by(by, id).await {
        Ok(()) => {
            tracing::info!(terminal = %id, "a terminal was revoked");
            Redirect::to(TERMINALS).into_response()
        }
        Err(RevokeError::NoSuchTerminal(_)) => not_found(&visitor),
        Err(RevokeError::Store(error)) => failed(&visitor, &error),
    }
}

/// Which page of the wallet cards.
#[derive(Deserialize)]
pub(super) struct Sheet {
    page: Option<String>,
}

pub(super) async fn wallets(
    State(console): State<Console>,
    visitor: Visitor,
    Query(sheet): Query<Sheet>,
) -> Response {
    let number = sheet.page.map_or(Ok(1), |page| page.parse::<u32>());
    let Some(number) = number.ok().filter(|number| (1..=PAGES_MAX).contains(number)) else {
        return not_found(&visitor);
    };
    let Some(bank) = console.bank else {
        let none = ConsoleWallets { page: visitor.page(), rows: Vec::new(), older: None, has_bank: false };
        return visit::page(StatusCode::OK, &none);
    };
    let industries = bank.industries().clone();
    found(bank.app().store(), &visitor, move |rows, visitor| {
        let wallets = rows.wallets_after(None, number * ROWS + 1)?;
        let more = wallets.len() > number as usize * ROWS_LENGTH && number < PAGES_MAX;
        let page = visitor.page();
        let language = page.language;
        let on_page = wallets.iter().skip((number as usize - 1) * ROWS_LENGTH).take(ROWS_LENGTH);
        let rows = on_page
            .map(|wallet| wallet_row(rows, wallet, &industries, language))
            .collect::<Result<_, StoreError>>()?;
        let older = more.then(|| Href::new(WALLETS).with("page", &(number + 1).to_string()));
        Ok(Some(ConsoleWallets { page, rows, older, has_bank: true }))
    })
    .await
}

fn wallet_row(
    rows: &dyn Reading,
    wallet: &Wallet,
    industries: &Industries,
    language: Language,
) -> Result<WalletRow, StoreError> {
    let holder = match rows.bank_card(&wallet.bank_card)? {
        Some(bank_card) => rows.holder(bank_card.holder)?,
        None => None,
    };
    // As activation wrote it: so many years from its day, as the product says.
    let years = industries.get(wallet.industry).map(|industry| industry.product.validity_years);
    let valid_to = wallet.activated_at.zip(years).map(|(at, years)| {
        let [century, year, month, day] = PurseTime::at(at).date_years_later(years);
        format!("{century:02x}{year:02x}-{month:02x}-{day:02x}")
    });
    Ok(WalletRow {
        masked_card: text::masked(wallet.asn),
        industry: loads::industry(industries, wallet.industry, language),
        holder: holder.map(|holder| masked_name(&holder.name)),
        state: match wallet.state {
            WalletState::Issued => pages::WalletState::Issued,
            WalletState::Active => pages::WalletState::Active,
            WalletState::Frozen => pages::WalletState::Frozen,
            WalletState::Withdrawn => pages::WalletState::Withdrawn,
        },
        valid_to,
        unfinished: rows.unfinished_load(wallet.asn)?.map(|stored| loads::href(stored.load.id)),
    })
}
