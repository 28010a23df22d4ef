//! Which industry, and what to do there.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use model::UnixMillis;
use pages::{Href, IndustryCard, IndustryPage, KeyCondition, KeyView, TerminalHome, Warning};
use tap::DriverPack;
use visit::Visitor;

use super::session::{Goal, Plan};
use super::{Desk, notice, text};

/// A key with less time than this is renewed before the next transaction.
const RENEW_SOON_MINUTES: u32 = 15;
const MINUTE_MILLIS: u64 = 60_000;

pub(super) async fn home(State(desk): State<Arc<Desk>>, visitor: Visitor) -> Response {
    desk.look_at_bank();
    if let Some(locked) = desk.locked(&visitor) {
        return locked;
    }
    let industries = desk.terminal.packs().all();
    let industries = industries.iter().map(|pack| IndustryCard {
        industry: text::industry(pack),
        href: Href::new(format!("/industries/{}", pack.code)),
    });
    let page = TerminalHome {
        page: visitor.page(),
        nav: desk.nav.clone(),
        warnings: desk.warnings(),
        industries: industries.collect(),
        number: desk.terminal.id().to_string(),
        key: desk.key(),
        bank: desk.standing.bank(),
        reader: desk.reader().map(|reader| reader.name().to_owned()),
    };
    visit::page(StatusCode::OK, &page)
}

pub(super) async fn industry(
    State(desk): State<Arc<Desk>>,
    Path(code): Path<String>,
    visitor: Visitor,
) -> Response {
    desk.look_at_bank();
    if let Some(locked) = desk.locked(&visitor) {
        return locked;
    }
    let Some(pack) = desk.pack(&code) else { return notice::not_found(&visitor) };
    let href = |what: &str| Href::new(format!("/industries/{}/{what}", pack.code));
    let page = IndustryPage {
        page: visitor.page(),
        nav: desk.nav.clone(),
        warnings: desk.warnings(),
        industry: text::industry(&pack),
        balance: href("balance"),
        load: href("load"),
        finish: href("finish"),
        activate: href("activate"),
    };
    visit::page(StatusCode::OK, &page)
}

pub(super) async fn balance(desk: State<Arc<Desk>>, code: Path<String>, visitor: Visitor) -> Response {
    begin(&desk, &code, &visitor, Goal::Balance)
}

pub(super) async fn load(desk: State<Arc<Desk>>, code: Path<String>, visitor: Visitor) -> Response {
    begin(&desk, &code, &visitor, Goal::Load)
}

pub(super) async fn finish(desk: State<Arc<Desk>>, code: Path<String>, visitor: Visitor) -> Response {
    begin(&desk, &code, &visitor, Goal::Finish)
}

pub(super) async fn activate(desk: State<Arc<Desk>>, code: Path<String>, visitor: Visitor) -> Response {
    begin(&desk, &code, &visitor, Goal::Activate)
}

fn begin(desk: &Arc<Desk>, code: &str, visitor: &Visitor, goal: Goal) -> Response {
    match desk.pack(code) {
        Some(pack) => desk.begin(visitor, Plan::new(pack, goal)),
        None => notice::not_found(visitor),
    }
}

impl Desk {
    fn pack(&self, code: &str) -> Option<Arc<DriverPack>> {
        self.terminal.pack(code.parse().ok()?)
    }

    /// What keeps cards from being served.
    fn warnings(&self) -> Vec<Warning> {
        use pages::Connection::Away;
        let is_reader_gone = self.reader().is_none() || self.standing.reader_gone();
        [
            (is_reader_gone, Warning::ReaderGone),
            (self.standing.bank() == Away, Warning::BankAway),
            (self.key().condition == KeyCondition::Expired, Warning::KeyExpired),
            (self.standing.is_refused(), Warning::Refused),
            (self.terminal.suite().is_legacy(), Warning::LegacySuite),
        ]
        .into_iter()
        .filter_map(|(is_so, warning)| is_so.then_some(warning))
        .collect()
    }

    /// The working key, by the bank's time.
    pub(super) fn key(&self) -> KeyView {
        let Some((key_id, expires_at)) = self.terminal.condition().key else {
            let condition = KeyCondition::Missing;
            return KeyView { condition, key_id: String::new(), expires_at: String::new(), minutes_left: 0 };
        };
        let minutes_left = minutes_between(self.terminal.bank_time(), expires_at);
        let condition = match minutes_left {
            0 if self.terminal.bank_time() >= expires_at => KeyCondition::Expired,
            minutes if minutes < RENEW_SOON_MINUTES => KeyCondition::RenewSoon,
            _ => KeyCondition::Good,
        };
        let (key_id, expires_at) = (format!("{key_id:08}"), text::minute(expires_at));
        KeyView { condition, key_id, expires_at, minutes_left }
    }
}

fn minutes_between(now: UnixMillis, end: UnixMillis) -> u32 {
    u32::try_from(end.since(now) / MINUTE_MILLIS).unwrap_or(u32::MAX)
}
