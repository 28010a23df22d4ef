//! What people look at: an order's page, and the operators' console.
//!
//! For: filling the templates of `pages` from the store, and sending a page's live part again when its order
//! changes. Refuses: markup (see `pages`), and letting the console be reached where merchants are: it has a
//! listener of its own.
//! Next: `pay.rs`, which shows S1 to S7.

mod caller;
mod console;
mod order_view;
mod pay;
mod text;

use axum::Router;
use visit::{HostNames, Policy};

use crate::bank::Bank;
use crate::http::{self, Api};
use crate::operators::Operators;

pub(crate) use caller::Caller;
pub use console::routes::{ConsoleRoute, Needs, all as console_routes};

/// A moment as the pages write it: day and time, in UTC.
pub fn moment(at: model::UnixMillis) -> String {
    text::day_and_time(at)
}

/// The public listener: merchant interface and order pages. `desk` may show them in a frame.
pub fn public(api: Api, framed_by: &[&str]) -> Router {
    let policy = Policy::new(&[], framed_by, "'none'");
    let mut pages = pay::router(api.clone());
    if let Some(beside) = api.beside() {
        pages = pages.merge(pay::router(beside.clone()));
    }
    visit::welcome(pages, policy).merge(http::router(api))
}

/// The operators' listener of a node without the console: health and metrics.
pub fn health(api: Api, names: &[&str]) -> Router {
    visit::only_under(http::operations(api), HostNames::new(names.iter().copied()))
}

/// The operators' listener: console, health and metrics. Without a bank the console says so where wallet cards
/// would be. It answers under addresses, `localhost` and these
/// names only. `tls`: a terminator with TLS stands in front, and its `X-Forwarded-For` says who calls.
pub fn operations(api: Api, bank: Option<Bank>, operators: Operators, names: &[&str], tls: bool) -> Router {
    let policy = Policy::new(&[], &[], "'none'");
    let console = console::Console::new(api.clone(), bank, operators, tls);
    let routes = visit::welcome(console::router(console), policy).merge(http::operations(api));
    visit::only_under(routes, HostNames::new(names.iter().copied()))
}
