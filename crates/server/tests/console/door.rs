//! Who gets into the console, how, and what each route needs: over real sockets.

use operator::{Cost, OperatorName, Password, Role, SessionTimes, SessionToken, TotpSecret};
use server::web::{ConsoleRoute, Needs, console_routes};

use crate::house::{House, form};
use crate::town::customer::{Answer, Customer};
use crate::town::{PASSWORD, logged_in};

const FORM: &str = "application/x-www-form-urlencoded";

/// Sends a form as a browser of this customer's would.
async fn send(customer: &Customer, path: &str, fields: &[(&str, &str)]) -> Answer {
    let request = customer.request("POST", path).header("content-type", FORM);
    Answer::to(request.body(form(fields))).await
}

/// The token that an answer put into the browser.
pub(crate) fn cookie_of(answer: &Answer) -> SessionToken {
    let cookie = answer.header("set-cookie");
    let (name, rest) = cookie.split_once('=').unwrap_or_else(|| panic!("no cookie: {answer:?}"));
    assert_eq!(name, "counterfoil", "not `__Host-`: no TLS here");
    let (value, attributes) = rest.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Strict");
    SessionToken::read(value).unwrap()
}

/// Somebody whose browser has opened the login page.
async fn at_the_door(house: &House) -> Customer {
    at_the_door_of(house, &house.outside).await
}

/// The same at another machine.
pub(crate) async fn at_the_door_of(house: &House, outside: &Customer) -> Customer {
    let page = outside.get("/console/login").await;
    house.is_page(&page, 200);
    let customer = outside.with_session(&cookie_of(&page));
    assert!(page.body.contains(&format!("name=\"csrf\" value=\"{}\"", customer.form_token())));
    customer
}

pub(crate) async fn give_password(customer: &Customer, name: &str, password: &str) -> Answer {
    let token = customer.form_token();
    send(customer, "/console/login", &[("name", name), ("password", password), ("csrf", &token)]).await
}

pub(crate) async fn give_code(customer: &Customer, code: &str) -> Answer {
    let token = customer.form_token();
    send(customer, "/console/login/code", &[("code", code), ("csrf", &token)]).await
}

/// An operator, with what was shown once: the secret, and recovery codes.
async fn enrolled(house: &House, name: &str, role: Role) -> (TotpSecret, Vec<String>) {
    let password = Password::new(PASSWORD.into()).unwrap();
    let enrolled = house.operators.add(name.parse().unwrap(), role, &password).await.unwrap();
    (enrolled.totp, enrolled.recovery.iter().map(|code| code.shown()).collect())
}

impl House {
    fn code(&self, totp: &TotpSecret) -> String {
        totp.code_of(TotpSecret::step_at(self.bank.app().now()))
    }

    /// The newest audit entries: who, what, how it ended.
    pub(crate) fn entries(&self, count: u32) -> Vec<String> {
        let entries = self.read(|rows| rows.audit_before(None, count));
        let line = |note: operator::AuditNote| {
            format!("{} {} {} {}", note.operator, note.action, note.subject, note.outcome)
        };
        entries.into_iter().map(|entry| line(entry.note)).collect()
    }
}

/// A path of the table, with something in its gaps.
fn filled(route: &ConsoleRoute) -> String {
    let fill = |part: &str| match part {
        "{id}" if route.path.contains("terminals") => "000001000050".to_owned(),
        "{finding}" => "credited".into(),
        part if part.starts_with('{') => "1".into(),
        part => part.to_owned(),
    };
    route.path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

async fn asked(customer: &Customer, route: &ConsoleRoute) -> Answer {
    let path = filled(route);
    match route.method {
        "GET" => customer.get(&path).await,
        "POST" => send(customer, &path, &[("csrf", &customer.form_token())]).await,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_route_of_the_console_has_a_permission_and_none_is_reached_without_a_session() {
    let house = House::open().await;
    let routes = console_routes();
    assert!(routes.len() > 20, "{}", routes.len());
    let ways_in: Vec<_> =
        routes.iter().filter(|it| it.needs == Needs::Nothing).map(|it| (it.method, it.path)).collect();
    assert_eq!(
        ways_in,
        [
            ("GET", "/"),
            ("GET", "/console/login"),
            ("POST", "/console/login"),
            ("GET", "/console/login/code"),
            ("POST", "/console/login/code"),
            ("GET", "/console/enter/{link}"),
        ],
        "whatever else is added needs a permission"
    );
    let stranger = house.outside.with_session(&SessionToken::new([9; 32]));
    for route in routes.iter().filter(|it| it.needs != Needs::Nothing) {
        // With no cookie, and with one of no session and forms that carry its token.
        for customer in [&house.outside, &stranger] {
            let answer = asked(customer, route).await;
            let refused = (answer.status, answer.header("location"));
            assert!(matches!(refused, (303, "/console/login") | (403, "")), "{route:?}: {answer:?}");
        }
        assert_eq!(asked(&stranger, route).await.header("location"), "/console/login", "{route:?}");
    }
}

#[tokio::test]
async fn each_role_reaches_what_the_table_allows_and_nothing_else() {
    let house = House::open().await;
    for role in [Role::Viewer, Role::Operator, Role::KeyCustodian] {
        let customer = logged_in(&house.operators, house.outside.clone(), role).await;
        for route in console_routes() {
            let Needs::May(permission) = route.needs else { continue };
            let answer = asked(&customer, &route).await;
            // What is asked for may not be there; that is not said to whoever may not ask.
            assert_eq!(answer.status == 403, !role.may(permission), "{role:?} {route:?}: {}", answer.status);
            if !role.may(permission) {
                let expected =
                    format!("{} refused {} not_allowed {}", role.name(), filled(&route), permission.name());
                assert_eq!(house.entries(1), [expected]);
            }
        }
    }
}

#[tokio::test]
async fn an_operator_logs_in_with_password_and_code_and_leaves() {
    let house = House::open().await;
    let (totp, _) = enrolled(&house, "li.wei", Role::Operator).await;
    let customer = at_the_door(&house).await;
    let asked = give_password(&customer, " li.wei ", PASSWORD).await;
    assert_eq!((asked.status, asked.header("location")), (303, "/console/login/code"));
    let half = house.outside.with_session(&cookie_of(&asked));
    assert_eq!(half.get("/console").await.header("location"), "/console/login", "a password is not all");
    house.is_page(&half.get("/console/login/code").await, 200);
    let inside = give_code(&half, &house.code(&totp)).await;
    assert_eq!((inside.status, inside.header("location")), (303, "/console"));
    let customer = house.outside.with_session(&cookie_of(&inside));
    assert_ne!(customer.form_token(), half.form_token(), "another token with each step");
    let page = customer.get("/console").await;
    house.is_page(&page, 200);
    assert!(page.body.contains("li.wei") && page.body.contains("Operator"), "{}", page.body);
    assert_eq!(house.entries(2), ["li.wei view /console granted", "li.wei login one-time code done"]);
    let left = send(&customer, "/console/logout", &[("csrf", &customer.form_token())]).await;
    assert_eq!((left.status, left.header("location")), (303, "/console/login"));
    assert!(left.header("set-cookie").ends_with("; Max-Age=0"));
    assert_eq!(customer.get("/console").await.status, 303);
    assert_eq!(house.entries(1), ["li.wei logout session done"]);
}

#[tokio::test]
async fn the_login_is_told_in_both_languages() {
    let house = House::open().await;
    for (language, words) in [("en", ["Log in", "Password"]), ("zh", ["登录", "密码"])] {
        let page = house.outside.get(&format!("/console/login?lang={language}")).await;
        house.is_page(&page, 200);
        for word in words {
            assert!(page.body.contains(word), "{word}");
        }
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'; object-src 'none'; base-uri 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_so_is_a_recovery_code() {
    let house = House::open().await;
    let (totp, recovery) = enrolled(&house, "li.wei", Role::Viewer).await;
    let half = async || {
        let answer = give_password(&at_the_door(&house).await, "li.wei", PASSWORD).await;
        house.outside.with_session(&cookie_of(&answer))
    };
    let code = house.code(&totp);
    assert_eq!(give_code(&half().await, &code).await.status, 303);
    assert_eq!(give_code(&half().await, &code).await.status, 401, "used");
    assert_eq!(house.entries(1), ["li.wei login code wrong_code"]);
    assert_eq!(give_code(&half().await, &recovery[3].to_lowercase()).await.status, 303);
    assert_eq!(house.entries(1), ["li.wei login recovery code done"]);
    assert_eq!(give_code(&half().await, &recovery[3]).await.status, 401, "used");
}

#[tokio::test]
async fn who_is_wrong_too_often_waits_and_the_wait_ends() {
    let house = House::open().await;
    let (totp, _) = enrolled(&house, "li.wei", Role::Viewer).await;
    let customer = at_the_door(&house).await;
    for n in 0..5 {
        let answer = give_password(&customer, "li.wei", "wrong horse battery").await;
        assert_eq!(answer.status, 401, "{n}");
        assert!(answer.body.contains("Name, password or code is wrong."), "{}", answer.body);
    }
    assert_eq!(house.entries(1), ["(nobody) login li.wei wrong_password"]);
    let waits = give_password(&customer, "li.wei", PASSWORD).await;
    assert_eq!((waits.status, waits.header("retry-after")), (429, "1"), "even with the right one");
    house.pass(1_000);
    let answer = give_password(&customer, "li.wei", PASSWORD).await;
    assert_eq!(answer.status, 303);
    let half = house.outside.with_session(&cookie_of(&answer));
    assert_eq!(give_code(&half, "000000").await.status, 401, "one more, by the code");
    assert_eq!(give_code(&half, &house.code(&totp)).await.status, 429);
    house.pass(2_000);
    assert_eq!(give_code(&half, &house.code(&totp)).await.status, 303);
}

#[tokio::test]
async fn a_name_that_is_nobodys_is_answered_like_a_wrong_password_and_not_written_down() {
    let house = House::open().await;
    let customer = at_the_door(&house).await;
    let (known, unknown) = (
        give_password(&customer, "administrator", "wrong horse battery").await,
        give_password(&customer, "my secret password", "wrong horse battery").await,
    );
    assert_eq!((known.status, known.body), (unknown.status, unknown.body));
    assert_eq!(
        house.entries(2),
        ["(nobody) login (unknown) wrong_password", "(nobody) login administrator wrong_password"]
    );
}

#[tokio::test]
async fn a_form_without_its_sessions_token_is_refused_by_name_and_nothing_is_done() {
    let house = House::open().await;
    let other = SessionToken::new([7; 32]).csrf().field();
    for fields in [&[("confirmed", "yes")][..], &[("csrf", &other)], &[("csrf", "")]] {
        let answer = send(&house.operations, "/console/logout", fields).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("form_token_wrong"), "{}", answer.body);
    }
    house.is_page(&house.get("/console").await, 200);
    let (entries, _) = house.read(|rows| Ok((rows.audit_after(0, 1_000)?, rows.audit_head()?)));
    let refused = entries.iter().filter(|entry| entry.note.outcome == "form_token_wrong");
    assert_eq!(refused.clone().count(), 3);
    assert!(refused.into_iter().all(|entry| entry.note.action == "refused"));
    let long = "x".repeat(9_000);
    let token = house.operations.form_token();
    let answer = send(&house.operations, "/console/logout", &[("csrf", &token), ("note", &long)]).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn every_form_of_the_console_carries_the_token() {
    let house = House::open().await;
    let stored = house.begun(1, payment::LoadState::InDoubt).await;
    house.add_terminal(crate::house::TERMINAL, "East", crypto::TerminalSuite::Aes128Gcm).await;
    for path in [
        "/console".to_owned(),
        format!("/console/loads/{}", stored.load.id),
        "/console/terminals/000001000050/revoke".into(),
        "/console/audit".into(),
    ] {
        let page = house.get(&path).await;
        house.is_page(&page, 200);
        let forms = page.body.matches("method=\"post\"").count();
        let token = format!("name=\"csrf\" value=\"{}\"", house.operations.form_token());
        assert!(forms > 0);
        assert_eq!(page.body.matches(&token).count(), forms, "{path}");
    }
}

#[tokio::test]
async fn a_session_ends_unused_and_a_disabled_operator_s_at_once() {
    let house = House::open().await;
    let viewer = logged_in(&house.operators, house.outside.clone(), Role::Viewer).await;
    for _ in 0..3 {
        house.pass(SessionTimes::IDLE_MILLIS - 1);
        house.is_page(&viewer.get("/console").await, 200);
    }
    house.pass(SessionTimes::IDLE_MILLIS);
    assert_eq!(viewer.get("/console").await.header("location"), "/console/login");
    let operator = logged_in(&house.operators, house.outside.clone(), Role::Operator).await;
    house.is_page(&operator.get("/console").await, 200);
    house.operators.disable("operator".parse().unwrap()).await.unwrap();
    assert_eq!(operator.get("/console").await.header("location"), "/console/login");
    let refused = give_password(&at_the_door(&house).await, "operator", PASSWORD).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_link_logs_in_once() {
    let house = House::open().await;
    let name: OperatorName = "administrator".parse().unwrap();
    let link = house.operators.link(&name).await.unwrap().unwrap();
    let path = format!("/console/enter/{}", link.cookie());
    let entered = house.outside.get(&path).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/console"));
    let customer = house.outside.with_session(&cookie_of(&entered));
    house.is_page(&customer.get("/console").await, 200);
    for path in [path, "/console/enter/nonsense".into()] {
        let again = house.outside.get(&path).await;
        house.is_page(&again, 401);
        assert!(again.body.contains("This link was used or is too old."), "{}", again.body);
    }
    // A link is no session, and a session no link.
    let by_link = house.outside.with_session(&link);
    assert_eq!(by_link.get("/console").await.header("location"), "/console/login");
}

#[tokio::test]
async fn the_audit_log_is_shown_to_administrators_and_stands() {
    let house = House::open().await;
    house.get("/console/cards").await;
    let page = house.get("/console/audit?lang=en").await;
    house.is_page(&page, 200);
    for text in
        ["administrator", "view", "/console/cards", "127.0.0.1", "Looked at a page", "Shown", "operator_add"]
    {
        assert!(page.body.contains(text), "{text}");
    }
    for _ in 0..50 {
        house.get("/console/cards").await;
    }
    let first = house.get("/console/audit").await;
    let next = first.body.split("href=\"").find(|part| part.contains("before=")).unwrap();
    house.is_page(&house.get(next.split('"').next().unwrap()).await, 200);
    house.is_page(&house.get("/console/audit?before=x").await, 404);
    let mut verifier = operator::Verifier::default();
    let (entries, head) = house.read(|rows| Ok((rows.audit_after(0, 1_000)?, rows.audit_head()?)));
    entries.iter().for_each(|entry| verifier.take(entry).unwrap());
    verifier.end(head).unwrap();
}

#[tokio::test]
async fn until_there_is_an_operator_the_console_says_how_to_make_one_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (house, address, listener) = House::without_operators(folder.path(), false).await;
    let outside = Customer::at(address);
    for route in console_routes() {
        let answer = asked(&outside, &route).await;
        assert_eq!(answer.status, 503, "{route:?}");
        assert!(answer.body.contains("counterfoil operator add NAME --role administrator"));
        assert!(!answer.body.contains("<form"));
    }
    let password = Password::new(PASSWORD.into()).unwrap();
    let operators = house.operators(Cost::Testing);
    operators.add("first".parse().unwrap(), Role::Administrator, &password).await.unwrap();
    assert_eq!(outside.get("/console/login").await.status, 200);
    listener.abort();
}

#[tokio::test]
async fn behind_tls_the_cookie_is_for_this_host_over_tls_alone_and_the_terminator_says_who_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (app, address, listener) = House::without_operators(folder.path(), true).await;
    let (operators, outside) = (app.operators(Cost::Testing), Customer::at(address));
    let password = Password::new(PASSWORD.into()).unwrap();
    let name: OperatorName = "first".parse().unwrap();
    operators.add(name.clone(), Role::Viewer, &password).await.unwrap();
    let page = outside.get("/console/login").await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-counterfoil="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    let link = operators.link(&name).await.unwrap().unwrap();
    let request = outside.request("GET", &format!("/console/enter/{}", link.cookie()));
    let entered = Answer::to(request.header("x-forwarded-for", "10.0.0.1, 192.0.2.77")).await;
    assert_eq!(entered.status, 303);
    let entry = app.store().peek(|rows| rows.audit_before(None, 1)).unwrap().remove(0);
    assert_eq!((entry.note.operator.as_str(), entry.note.address.as_str()), ("first", "192.0.2.77"));
    // A cookie of the other name is no session here.
    let token = entered.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    let by_plain = outside.request("GET", "/console").header("cookie", format!("counterfoil={token}"));
    assert_eq!(Answer::to(by_plain).await.header("location"), "/console/login");
    let by_host = outside.request("GET", "/console").header("cookie", format!("__Host-counterfoil={token}"));
    assert_eq!(Answer::to(by_host).await.status, 200);
    listener.abort();
}
