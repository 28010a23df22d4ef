//! The page instead of all others.

use axum::http::StatusCode;
use axum::response::Response;
use model::TerminalId;
use pages::{Locked, LockedPage, TerminalNav};
use visit::Visitor;

use super::Desk;

pub(super) fn page(
    visitor: &Visitor,
    nav: &TerminalNav,
    why: Locked,
    number: Option<TerminalId>,
) -> Response {
    let (page, nav, number) = (visitor.page(), nav.clone(), number.map(|number| number.to_string()));
    visit::page(StatusCode::SERVICE_UNAVAILABLE, &LockedPage { page, nav, why, number })
}

impl Desk {
    /// The page, where the bank does not accept this terminal any more. What was begun is still shown.
    pub(super) fn locked(&self, visitor: &Visitor) -> Option<Response> {
        let revoked = self.standing.is_revoked();
        revoked.then(|| page(visitor, &self.nav, Locked::Revoked, Some(self.terminal.id())))
    }
}
