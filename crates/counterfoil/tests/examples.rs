//! The examples for merchants, run as their readers run them: beside a demonstration, with its test key. `scripts/examples`
//! puts beside them what they need.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // Tests.

mod program;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use program::demo::Demo;
use program::merchant::Merchant;
use program::process::{Ended, run};
use serde_json::json;

/// In bash with curl, in Python, in TypeScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Example {
    Curl,
    Python,
    TypeScript,
}

const EXAMPLES: [Example; 3] = [Example::Curl, Example::Python, Example::TypeScript];

impl Example {
    /// It in the hands of somebody who has read its first lines.
    fn command(self, platform: &str, key: &str) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let prepared = |path: PathBuf| {
            assert!(path.is_file(), "{} is missing: run scripts/examples", path.display());
            path
        };
        let mut command = match self {
            Self::Curl => Command::new(folder.join("curl/merchant.sh")),
            Self::Python => {
                let mut command = Command::new(prepared(folder.join("python/venv/bin/python")));
                command.arg(folder.join("python/merchant.py"));
                command
            }
            Self::TypeScript => {
                let mut command = Command::new("node");
                command.arg(prepared(folder.join("typescript/build/merchant.js")));
                command
            }
        };
        for variable in ["CARD", "WEBHOOK_PORT", "WEBHOOK_URL"] {
            command.env_remove(variable);
        }
        command.env("PLATFORM_URL", platform).env("API_KEY", key);
        command
    }

    fn takes_webhooks(self) -> bool {
        self != Self::Curl
    }
}

/// Runs every example to its end, side by side.
fn each(command: impl Fn(Example) -> Command) -> Vec<(Example, Ended)> {
    std::thread::scope(|scope| {
        let running = EXAMPLES.map(|example| {
            let mut command = command(example);
            (example, scope.spawn(move || run(&mut command)))
        });
        running.map(|(example, ended)| (example, ended.join().unwrap())).into()
    })
}

/// The order's id, as the example says it.
fn order_of(said: &str) -> &str {
    let (_, order) = said.split_once("order ord_").unwrap_or_else(|| panic!("no order: {said}"));
    &order[..32]
}

/// A line that loses every third connection, and the first that begins by deleting something, when its answer begins: what was
/// asked has arrived.
fn lossy_line(to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let deleted = Arc::new(AtomicBool::new(false));
    std::thread::spawn(move || {
        for (number, asker) in listener.incoming().flatten().enumerate() {
            let Ok(platform) = TcpStream::connect(&to) else { continue };
            let deleted = Arc::clone(&deleted);
            std::thread::spawn(move || {
                let is_lost = begins_to_delete(&asker) && !deleted.swap(true, Ordering::Relaxed);
                let (from, into) = (asker.try_clone().unwrap(), platform.try_clone().unwrap());
                std::thread::spawn(move || carry(from, into, false));
                carry(platform, asker, is_lost || number % 3 == 0);
            });
        }
    });
    address
}

fn begins_to_delete(asker: &TcpStream) -> bool {
    let mut verb = [0; 6];
    // What is only looked at is still there for whoever carries it.
    while asker.peek(&mut verb).is_ok_and(|length| 0 < length && length < verb.len()) {}
    &verb == b"DELETE"
}

fn carry(mut from: TcpStream, mut into: TcpStream, is_lost: bool) {
    let mut bytes = [0; 4_096];
    while let Ok(length) = from.read(&mut bytes) {
        if length == 0 || is_lost || into.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = (into.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
}

#[test]
fn each_is_paid_once_gives_a_part_back_and_believes_what_is_signed() {
    let demo = Demo::start();
    for (example, ended) in each(|example| example.command(&demo.merchants, &demo.test_key)) {
        let said = ended.well();
        for line in ["asked again: the same order\n", "order paid\n", ": 500 of 2000 CNY\n"] {
            assert!(said.contains(line), "{example:?}: {said}");
        }
        if example.takes_webhooks() {
            let events = "  order.awaiting_card\n  order.processing\n  order.paid\norder paid\n";
            assert!(said.contains(events), "{example:?}: {said}");
            for line in
                ["webhook order.paid, verified\n", "order.refunded, verified: refunded 500, partial\n"]
            {
                assert!(said.contains(line), "{example:?}: {said}");
            }
        } else {
            assert!(said.contains("the order now says: refunded 500, partial\n"), "{example:?}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_buys_once_over_a_line_that_loses_answers() {
    let demo = Demo::start();
    let line = lossy_line(demo.merchants.trim_start_matches("http://").to_owned());
    let ended = each(|example| example.command(&line, &demo.test_key));
    let orders: Vec<_> = ended.into_iter().map(|(_, ended)| ended.well()).collect();
    let merchant = Merchant::at_url(&demo.merchants, &demo.test_key);
    let mut expected: Vec<_> = orders.iter().map(|said| format!("ord_{}", order_of(said))).collect();
    expected.sort();
    assert_eq!(
        merchant.all().await.into_iter().collect::<Vec<_>>(),
        expected,
        "one order each, and no other"
    );
    for order in &expected {
        let refunds = merchant.asks("GET", &format!("/v1/orders/{order}/refunds"), None).await;
        let refunds: serde_json::Value = refunds.json().await.unwrap();
        assert_eq!(refunds["data"].as_array().unwrap().len(), 1, "{refunds}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_says_why_an_order_was_not_paid_or_not_made() {
    let demo = Demo::start();
    let merchant = Merchant::at_url(&demo.merchants, &demo.test_key);
    let made = merchant.asks("POST", "/v1/test/cards", Some(json!({ "otherwise": "refuse" }))).await;
    let card = made.json::<serde_json::Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let refused = each(|example| {
        let mut command = example.command(&demo.merchants, &demo.test_key);
        command.env("CARD", &card);
        command
    });
    for (example, ended) in refused {
        assert_eq!(ended.code, Some(3), "{example:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains("not paid: refused_by_holder"), "{example:?}: {}", ended.err);
    }
    let nobody = each(|example| example.command(&demo.merchants, "cf_test_wrong"));
    for (example, ended) in nobody {
        assert_eq!(ended.code, Some(1), "{example:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains("wrong_api_key"), "{example:?}: {}", ended.err);
    }
    let without = each(|example| {
        let mut command = example.command(&demo.merchants, "");
        command.env_remove("API_KEY");
        command
    });
    for (example, ended) in without {
        assert_eq!(ended.code, Some(1), "{example:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains("API_KEY"), "{example:?}: {}", ended.err);
    }
}
