//! The whole console, walked from its first page by each role: what is shown may be done, what may be done is shown, and every
//! page and form has its guards.

use std::collections::{BTreeSet, VecDeque};

use crypto::TerminalSuite;
use fleet::DownlinkState;
use model::{Amount, Currency, Fen};
use operator::Role;
use payment::{Ground, LoadState, MerchantId, ReversalWish};
use server::app::{AccountName, NewAdjustment};
use server::web::{ConsoleRoute, Needs, console_routes};
use store::{StoreError, StoredDelivery, StoredEndpoint, StoredMessage, Unit, WalletState};
use webhook::{
    Body, DeliveryId, DeliveryState, EndpointId, EndpointState, EndpointUrl, MessageId, Mode, Wanted,
};

use crate::adjusting::a_difference;
use crate::fleet::{downlink, registered};
use crate::house::{House, TERMINAL, form};
use crate::reversing::{freeze, proven};
use crate::town::customer::{Answer, Customer};
use crate::town::{EVENING, account, logged_in};

/// A house with something of everything that a page can show.
async fn furnished() -> House {
    let house = House::open().await;
    registered(&house).await;
    house.write(|unit| unit.add_downlink(&downlink(1, DownlinkState::Queued))).await;
    house.begun(1, LoadState::InDoubt).await;
    house.begun(2, LoadState::Open).await;
    house.add_wallet(3, WalletState::Withdrawn).await;
    let load = proven(&house, 4).await;
    proven(&house, 5).await;
    freeze(&house, 4).await;
    let ann = account(&house.operators, "ann", Role::Operator).await;
    let ground = Ground::InHand { held: Fen(5_000) };
    let reason = "form 7: card worn out".parse().unwrap();
    house.bank.ask_reversal(ann, load, ReversalWish { amount: Fen(1), reason, ground }).await.unwrap();
    house.add_terminal(TERMINAL, "East", TerminalSuite::Aes128Gcm).await;
    let (merchant, _) = house.bank.app().add_merchant("Corner Shop").await.unwrap();
    house.write(move |unit| told(unit, merchant)).await;
    a_difference(&house).await;
    let cid = account(&house.operators, "cid", Role::Operator).await;
    let new = NewAdjustment {
        from: AccountName::Settlement,
        to: AccountName::Suspense,
        amount: Amount::new(700, Currency::CNY).unwrap(),
        reason: "paid twice at the counter".parse().unwrap(),
    };
    house.bank.app().propose_adjustment(new, cid).await.unwrap();
    house
}

/// A merchant's endpoint that was told something.
fn told(unit: &mut dyn Unit, merchant: MerchantId) -> Result<(), StoreError> {
    let (endpoint, message) = (EndpointId(7), MessageId(8));
    unit.add_webhook_endpoint(&StoredEndpoint {
        id: endpoint,
        merchant,
        url: EndpointUrl::parse("https://shop.example/hooks", Mode::Live).unwrap(),
        wanted: Wanted::All,
        description: String::new(),
        state: EndpointState::new(),
        created_at: EVENING,
        updated_at: EVENING,
        deleted_at: None,
    })?;
    unit.add_webhook_message(&StoredMessage {
        id: message,
        merchant,
        kind: "order.paid".parse().unwrap(),
        order: None,
        body: Body::from_stored("{}".into()).unwrap(),
        created_at: EVENING,
    })?;
    unit.add_webhook_delivery(&StoredDelivery {
        id: DeliveryId(9),
        message,
        endpoint,
        state: DeliveryState::Delivered { made: 1 },
        attempts: 1,
        updated_at: EVENING,
    })
}

/// What stands between two texts, as a browser reads it.
fn attributes<'p>(page: &'p str, before: &'p str) -> impl Iterator<Item = String> + 'p {
    page.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|text| text.replace("&#38;", "&").replace("&amp;", "&").replace("&#39;", "'"))
}

/// Addresses of the console that a page links to, without the switch of languages.
fn links(page: &str) -> Vec<String> {
    let all = attributes(page, "href=\"").filter(|href| href.starts_with("/console"));
    all.filter(|href| !href.contains("lang=")).collect()
}

/// Where a page's forms post to.
fn forms(page: &str) -> Vec<String> {
    let posting = page.split("<form").skip(1).filter_map(|rest| rest.split('>').next());
    posting
        .filter(|form| form.contains("method=\"post\""))
        .flat_map(|form| attributes(form, "action=\"").collect::<Vec<_>>())
        .collect()
}

/// What a role saw.
struct Walked {
    pages: BTreeSet<String>,
    actions: BTreeSet<String>,
}

/// Follows every link from the role's first page on, and looks at each page.
async fn walk(house: &House, customer: &Customer, home: &str) -> Walked {
    let mut walked = Walked { pages: BTreeSet::new(), actions: BTreeSet::new() };
    let mut ahead = VecDeque::from([home.to_owned()]);
    while let Some(address) = ahead.pop_front() {
        if !walked.pages.insert(address.clone()) {
            continue;
        }
        let page = customer.get(&address).await;
        assert_eq!(page.status, 200, "{address} is shown and does not open: {}", page.body);
        house.is_page(&page, 200);
        guarded(&page, customer, &address);
        ahead.extend(links(&page.body));
        walked.actions.extend(forms(&page.body));
    }
    walked
}

/// That a page lets no script of others run and sends no form elsewhere, and that its forms carry the session's token.
fn guarded(page: &Answer, customer: &Customer, address: &str) {
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ] {
        assert!(policy.contains(part), "{address}: {part} is not in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{address}: {policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff", "{address}");
    assert!(!page.body.contains("<script>") && !page.body.contains(" onclick="), "{address}");
    let token = format!("name=\"csrf\" value=\"{}\"", customer.form_token());
    assert_eq!(
        page.body.matches(&token).count(),
        forms(&page.body).len(),
        "{address}: a form without its token"
    );
}

async fn post(customer: &Customer, address: &str, fields: &[(&str, &str)]) -> Answer {
    let request = customer.request("POST", address);
    Answer::to(request.header("content-type", "application/x-www-form-urlencoded").body(form(fields))).await
}

fn is_of(route: &ConsoleRoute, address: &str) -> bool {
    let path = address.split('?').next().unwrap();
    let (wanted, given): (Vec<_>, Vec<_>) = (route.path.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(wanted, given)| wanted.starts_with('{') || *wanted == given)
}

#[tokio::test]
async fn no_role_is_shown_what_it_may_not_and_what_is_shown_does_something() {
    for role in Role::ALL {
        let house = furnished().await;
        // The house's own administrator stands for that role.
        let customer = match role {
            Role::Administrator => house.operations.clone(),
            Role::Viewer | Role::Operator | Role::KeyCustodian => {
                logged_in(&house.operators, house.outside.clone(), role).await
            }
        };
        let walked = walk(&house, &customer, "/console/cards").await;
        let routes = console_routes();
        let token = customer.form_token();
        for action in walked.actions.iter().filter(|action| *action != "/console/logout") {
            let answer = post(&customer, action, &[("csrf", &token)]).await;
            assert_ne!(answer.status, 403, "{role:?} is shown {action}, and may not: {}", answer.body);
            assert_ne!(answer.status, 404, "{role:?} is shown {action}, which is not there");
        }
        // And the other way round: what the role may, it is shown somewhere.
        for route in routes.iter() {
            let Needs::May(permission) = route.needs else { continue };
            let shown = match route.method {
                "GET" => walked.pages.iter().any(|page| is_of(route, page)),
                _ => walked.actions.iter().any(|action| is_of(route, action)),
            };
            assert_eq!(shown, role.may(permission), "{role:?}: {} {}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn every_form_of_every_page_is_refused_without_the_token_of_its_session() {
    let house = furnished().await;
    let walked = walk(&house, &house.operations, "/console").await;
    assert!(walked.pages.len() > 20 && walked.actions.len() > 8, "{:?}", walked.actions);
    let posting = console_routes().into_iter().filter(|route| route.method == "POST");
    let others = posting.map(|route| route.path.replace(['{', '}'], ""));
    for action in walked.actions.into_iter().chain(others) {
        for fields in [&[][..], &[("csrf", "")], &[("csrf", "QmFzZTY0VVJMIG9mIHRoaXJ0eS10d28gYnl0ZXMuLi4")]] {
            let refused = post(&house.operations, &action, fields).await;
            assert_eq!(refused.status, 403, "{action}");
            assert!(refused.body.contains("form_token_wrong"), "{action}: {}", refused.body);
        }
    }
    house.is_page(&house.get("/console").await, 200);
}

#[tokio::test]
async fn the_pages_around_the_login_have_their_guards_too() {
    let house = House::open().await;
    let first = house.outside.get("/console/login").await;
    let cookie = first.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    let session = operator::SessionToken::read(&cookie).unwrap();
    let customer = house.outside.with_session(&session);
    let pages = ["/console/login", "/console/enter/nonsense"];
    for address in pages {
        let page = customer.get(address).await;
        guarded(&page, &customer, address);
        assert!(page.body.contains("name=\"password\""), "{address}");
    }
    // What is refused is a page with the same guards.
    let refused = post(&customer, "/console/login", &[]).await;
    guarded(&refused, &customer, "a refused form");
    let lost = house.get("/console/loads/load_1").await;
    guarded(&lost, &house.operations, "a page that is not there");
    assert_eq!(lost.status, 404);
}
