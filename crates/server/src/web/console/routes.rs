//! The one table of the console's routes: each with what whoever asks for it needs. A route is served by standing here, so
//! none is without; and pages show a link or a form only where this table lets its reader go.

use std::sync::LazyLock;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get, post};
use operator::{Permission, Role};
use pages::Reach;

use super::door::{self, Door};
use super::{
    Console, adjustments, audit, cards, fleet, ledger, loads, login, merchants, money, reversals, terminals,
    today, webhooks,
};

/// What a route wants of whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it is the way in.
    Nothing,
    /// To be logged in.
    Login,
    /// To be logged in in a role that may.
    May(Permission),
}

/// A route, for whoever wants to know all that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleRoute {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its path, with `{names}`.
    pub path: &'static str,
    /// What it needs.
    pub needs: Needs,
}

struct Served {
    route: ConsoleRoute,
    handler: MethodRouter<Console>,
}

fn see(path: &'static str, needs: Needs, handler: MethodRouter<Console>) -> Served {
    Served { route: ConsoleRoute { method: "GET", path, needs }, handler }
}

fn act(path: &'static str, needs: Needs, handler: MethodRouter<Console>) -> Served {
    Served { route: ConsoleRoute { method: "POST", path, needs }, handler }
}

fn table() -> Vec<Served> {
    use Needs::{Login, May, Nothing};
    use Permission as P;
    vec![
        see("/", Nothing, get(|| async { Redirect::to("/console") })),
        see("/console/login", Nothing, get(login::ask)),
        act("/console/login", Nothing, post(login::password)),
        see("/console/login/code", Nothing, get(login::ask_code)),
        act("/console/login/code", Nothing, post(login::code)),
        see("/console/enter/{link}", Nothing, get(login::enter)),
        act("/console/logout", Login, post(login::logout)),
        see("/console", May(P::SeePayments), get(today)),
        see("/console/cards", May(P::SeeCards), get(cards)),
        see("/console/ledger", May(P::SeeLedger), get(ledger)),
        see(money::PATH, May(P::SeeLedger), get(money::money)),
        see("/console/money/{difference}", May(P::SeeLedger), get(money::difference)),
        see(adjustments::PATH, May(P::SeeLedger), get(adjustments::list)),
        act(adjustments::PATH, May(P::AdjustMoney), post(adjustments::propose)),
        see("/console/adjustments/{id}", May(P::SeeLedger), get(adjustments::one)),
        act("/console/adjustments/{id}/{answer}", May(P::AdjustMoney), post(adjustments::answer)),
        see(fleet::FLEET, May(P::SeeFleet), get(fleet::map)),
        see("/console/fleet/channel/{channel}", May(P::SeeFleet), get(fleet::channel::show)),
        see(fleet::QUEUE, May(P::SeeFleet), get(fleet::queue)),
        see("/console/fleet/queue/{downlink}", May(P::SeeFleet), get(fleet::ask)),
        act("/console/fleet/queue/{downlink}", May(P::ChangeFleet), post(fleet::change)),
        see(fleet::ALERTS, May(P::SeeFleet), get(fleet::alerts)),
        act("/console/fleet/alerts/{alert}", May(P::ChangeFleet), post(fleet::clear)),
        see(loads::PATH, May(P::SeeLoads), get(loads::list)),
        see("/console/loads/{id}", May(P::SeeLoads), get(loads::one)),
        act("/console/loads/{id}/{finding}", May(P::SettleLoads), post(loads::decide)),
        act("/console/loads/{id}/reversal", May(P::ReverseLoads), post(reversals::ask)),
        see(reversals::PATH, May(P::SeeLoads), get(reversals::list)),
        see("/console/reversals/{id}", May(P::SeeLoads), get(reversals::one)),
        act("/console/reversals/{id}/{answer}", May(P::ReverseLoads), post(reversals::answer)),
        see(merchants::PATH, May(P::SeeMerchants), get(merchants::list)),
        see("/console/merchants/keys/{key}/revoke", May(P::RevokeApiKeys), get(merchants::ask)),
        act("/console/merchants/keys/{key}/revoke", May(P::RevokeApiKeys), post(merchants::revoke)),
        see(terminals::TERMINALS, May(P::SeeTerminals), get(terminals::list)),
        see("/console/terminals/{id}/revoke", May(P::RevokeTerminals), get(terminals::ask)),
        act("/console/terminals/{id}/revoke", May(P::RevokeTerminals), post(terminals::revoke)),
        see(terminals::WALLETS, May(P::SeeCards), get(terminals::wallets)),
        see(webhooks::PATH, May(P::SeeWebhooks), get(webhooks::list)),
        see("/console/webhooks/{endpoint}", May(P::SeeWebhooks), get(webhooks::endpoint)),
        see("/console/webhooks/{endpoint}/{delivery}", May(P::SeeWebhooks), get(webhooks::delivery)),
        act("/console/webhooks/{endpoint}/{delivery}", May(P::ResendWebhooks), post(webhooks::resend)),
        see("/console/audit", May(P::ReadAudit), get(audit::list)),
    ]
}

/// Where a role may go: what its pages show.
pub(super) fn reach(role: Role) -> Vec<Reach> {
    static TABLE: LazyLock<Vec<ConsoleRoute>> = LazyLock::new(all);
    let may = |needs: Needs| match needs {
        Needs::Nothing | Needs::Login => true,
        Needs::May(permission) => role.may(permission),
    };
    let open = TABLE.iter().filter(|route| may(route.needs));
    open.map(|route| Reach { method: route.method, path: route.path }).collect()
}

/// All of them.
pub fn all() -> Vec<ConsoleRoute> {
    table().into_iter().map(|served| served.route).collect()
}

/// Each behind its door.
pub(super) fn router(console: &Console) -> Router<Console> {
    table().into_iter().fold(Router::new(), |router, Served { route, handler }| {
        let door = Door { console: console.clone(), needs: route.needs };
        router.route(route.path, handler.route_layer(from_fn_with_state(door, door::pass)))
    })
}
