//! The merchant interface against its own description, as somebody else reads it: schemathesis (PyPI; `scripts/python-peers`
//! puts it where it is looked for) asks a platform that runs everything that the description allows, and much that it
//! does not, and checks every answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // Tests.

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use program::buyer::Buyers;
use program::merchant::Merchant;
use program::platform::Platform;
use serde_json::Value;

/// More than any order asks for.
const FUNDS: u32 = u32::MAX;

/// How often an endpoint answered with a status: by method, path and status.
fn answers(report: &str) -> BTreeMap<(String, u64), usize> {
    let mut answers = BTreeMap::new();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let recorder = &event["ScenarioFinished"]["recorder"];
        let Some(cases) = recorder["cases"].as_object() else { continue };
        for (id, case) in cases {
            let Some(status) = recorder["interactions"][id]["response"]["status_code"].as_u64() else {
                continue;
            };
            let case = &case["value"];
            let label = format!("{} {}", case["method"].as_str().unwrap(), case["path"].as_str().unwrap());
            *answers.entry((label, status)).or_default() += 1;
        }
    }
    answers
}

/// Asks a platform what its description says, with this key, about these paths; how often it answered what.
fn ask(merchant: &Merchant, paths: [&str; 2], known: &[(&str, &str)]) -> BTreeMap<(String, u64), usize> {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.ndjson");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interface");
    let program = ours.join("../../../../target/peers/venv/bin/schemathesis");
    assert!(program.is_file(), "schemathesis is missing: run scripts/python-peers");
    let mut command = Command::new(program);
    command.current_dir(folder.path()).arg("--config-file").arg(ours.join("schemathesis.toml"));
    command.args(["run", &format!("{}/openapi.json", merchant.url()), "--no-color", "--continue-on-failure"]);
    command.args(["--header", &format!("Authorization: Bearer {}", merchant.key())]).args(paths);
    command.args(["--request-timeout", "30", "--report", "ndjson", "--report-ndjson-path"]).arg(&report);
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &ours).env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(known.iter().copied());
    // As long as it takes: each request has its own end.
    let said = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}{err}");
    answers(&std::fs::read_to_string(&report).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_the_answer_is_one_that_the_description_has() {
    let platform = Platform::new();
    let said = platform.run(&["merchant", "add", "Morning Market"]).well();
    let key = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{said}"));
        Merchant::new(platform.http, line.split_whitespace().last().unwrap())
    };
    let (merchant, tester) = (key("API key"), key("Test key"));
    let card = platform.card(&[]);
    platform.fund(&card.holder, FUNDS);
    let serving = platform.serve();

    // One order that is paid and in part given back, one that has ended.
    let buyers = Buyers::begin(&platform, &merchant, std::slice::from_ref(&card)).await;
    buyers.settled.reaches(1).await;
    let paid = buyers.finish().await.remove(0).order;
    let refund = merchant.give_back(&paid, 1).await;
    let ended = merchant.order(&card.id, 500).await.id;
    assert!(merchant.cancel(&ended).await.unwrap().status().is_success());
    let known = [
        ("CARD", card.id.as_str()),
        ("HOLDER", &card.holder),
        ("PAID_ORDER", &paid),
        ("ENDED_ORDER", &ended),
        ("REFUND", &refund),
    ];

    // With a live key what moves money, with a test key what is of the test mode.
    let mut answers = ask(&merchant, ["--exclude-path-regex", "^/v1/test/"], &known);
    answers.extend(ask(&tester, ["--include-path-regex", "^/v1/test/"], &known));

    // It has asked everything, and was not only refused.
    let asked: BTreeSet<_> = answers.keys().map(|(label, _)| label.clone()).collect();
    let description = merchant.description().await;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let label = format!("{} {path}", method.to_uppercase());
            assert!(asked.contains(&label), "{label} was not asked: {answers:?}");
        }
    }
    for (label, status) in [
        ("POST /v1/orders", 201),
        ("POST /v1/orders", 400),
        ("POST /v1/orders", 401),
        ("POST /v1/orders", 415),
        ("POST /v1/orders", 422),
        ("GET /v1/orders", 200),
        ("GET /v1/orders/{id}", 200),
        ("GET /v1/orders/{id}/events", 200),
        ("POST /v1/orders/{id}/cancel", 200),
        ("POST /v1/orders/{id}/refunds", 201),
        ("GET /v1/refunds/{id}", 200),
        ("GET /v1/holders/{holder}/cards", 200),
        ("GET /v1/settlements", 200),
        ("GET /v1/settlements/{date}", 404),
        ("POST /v1/test/cards", 201),
        ("POST /v1/test/cards", 422),
        ("GET /v1/test/cards/{id}", 200),
        ("DELETE /v1/test/cards/{id}", 204),
        ("PUT /v1/test/cards/{id}/script", 200),
        ("POST /v1/test/cards/{id}/press", 409),
        ("POST /v1/test/clock/advance", 200),
    ] {
        assert!(
            answers.contains_key(&(label.to_owned(), status)),
            "{label} never answered {status}: {answers:?}"
        );
    }

    // And the platform lives, with its books in order.
    serving.signal("INT");
    serving.ended().well();
    platform.ledger();
}
