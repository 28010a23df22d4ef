//! `counterfoil demo`, as whoever tries it first meets it: by itself with `--headless`, in a folder that is kept,
//! beside another one, and stopped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use program::demo::Demo;
use program::process::{Ended, Program, counterfoil, run};
use program::secrets::Secrets;

/// A purchase by itself in a folder that stays for a look.
struct Purchase {
    program: Program,
    folder: PathBuf,
}

impl Purchase {
    fn begin(folder: &Path, decision: &str) -> Self {
        let mut command = counterfoil(["demo", "--headless", "--decision", decision, "--data"]);
        Self { program: Program::start(command.arg(folder)), folder: folder.to_owned() }
    }

    /// Its end, at which no secret was told.
    fn ended(self) -> Ended {
        let ended = self.program.ended();
        let secrets = Secrets::of(&self.folder);
        secrets.are_not_in(&ended.out);
        secrets.are_not_in(&ended.err);
        ended
    }
}

#[track_caller]
fn assert_ledger(out: &str, rows: &[&str]) {
    let ledger: Vec<String> = out
        .lines()
        .filter_map(|line| line.strip_prefix("ledger: "))
        .map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for row in rows {
        assert!(ledger.iter().any(|found| found == row), "no {row:?} in {ledger:?}");
    }
    assert!(ledger.contains(&"sum 0, 0 balances differ from their postings".to_owned()), "{ledger:?}");
}

#[test]
fn whoever_agrees_pays_twice_and_the_second_time_takes_67_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let out = Purchase::begin(folder.path(), "agree").ended().well();
    let (first, second) = out.split_once("second purchase").unwrap();
    for purchase in [first, second] {
        for step in ["S0 ", "S1-S2 card → platform  hello", "S3-S4 platform → card  transaction", "S5 "] {
            assert!(purchase.contains(step), "{step}: {out}");
        }
        for step in
            ["S6    card → platform  result", "S7    platform → card  receipt", "the card's light: Green"]
        {
            assert!(purchase.contains(step), "{step}: {out}");
        }
        assert!(purchase.contains("    order paid\n"), "{out}");
    }
    // The first hello carries the card's information and is wide; after it everything is brief.
    assert!(first.contains("    103 bytes for hello, transaction and result\n"), "{out}");
    assert!(second.contains("    67 bytes for hello, transaction and result\n"), "{out}");
    assert_ledger(&out, &["holder ¥460.00", "merchant ¥40.00", "settlement −¥500.00"]);
}

#[test]
fn a_decision_other_than_to_agree_is_not_paid_and_the_order_says_why() {
    let decisions = [
        // The slowest first: they run side by side.
        ("silent", "expired"),
        ("refuse", "declined (refused_by_holder)"),
        ("not-me", "declined (not_me)"),
        ("miscount", "declined (wrong_presses)"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let purchases = decisions
        .map(|(decision, order)| (decision, order, Purchase::begin(&folder.path().join(decision), decision)));
    for (decision, order, purchase) in purchases {
        let ended = purchase.ended();
        assert_eq!(ended.code, Some(3), "{decision}: {}{}", ended.out, ended.err);
        assert!(ended.out.contains(&format!("    order {order}")), "{decision}: {}", ended.out);
        assert!(!ended.out.contains("second purchase"), "{decision}: {}", ended.out);
        // Nobody has less money, and nothing is set aside.
        assert_ledger(&ended.out, &["holder ¥500.00", "merchant ¥0.00"]);
    }
}

#[test]
fn a_folder_that_is_kept_goes_on_with_the_same_cards() {
    let folder = tempfile::tempdir().unwrap();
    let card = |out: &str| {
        let line = out.lines().find(|line| line.starts_with("S0 ")).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let first = Purchase::begin(folder.path(), "agree").ended().well();
    let second = Purchase::begin(folder.path(), "agree").ended().well();
    assert_eq!(card(&first), card(&second));
    assert_ledger(&first, &["merchant ¥40.00"]);
    assert_ledger(&second, &["merchant ¥80.00", "holder ¥420.00"]);
}

#[test]
fn a_folder_in_use_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let demo = || {
        let mut command = counterfoil(["demo", "--port", "0", "--air-port", "0", "--data"]);
        command.arg(folder.path());
        command
    };
    let running = Demo::of(Program::start(&mut demo()));
    let error = run(&mut demo()).badly();
    assert!(error.contains(&format!("is using {}", folder.path().display())), "{error}");
    assert!(error.contains("--data"), "{error}");
    // The one that was first is not disturbed, and lets go of the folder when it ends.
    running.program.signal("INT");
    running.program.ended().well();
    let next = Demo::of(Program::start(&mut demo()));
    next.program.signal("TERM");
    next.program.ended().well();
}

#[test]
fn a_folder_that_no_demonstration_made_is_refused() {
    let platform = program::platform::Platform::new();
    let error = run(counterfoil(["demo", "--headless", "--data"]).arg(&platform.data)).badly();
    assert!(error.contains(&platform.data.display().to_string()) && error.contains("--data"), "{error}");
}

#[test]
fn a_port_that_is_taken_is_named_with_the_option_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = run(&mut counterfoil(["demo", "--port", &port, "--air-port", "0"])).badly();
    assert!(
        error.contains(&format!("127.0.0.1:{port}")) && error.contains("another port: --port"),
        "{error}"
    );

    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = run(&mut counterfoil(["demo", "--port", "0", "--air-port", &port])).badly();
    assert!(
        error.contains(&format!("127.0.0.1:{port}")) && error.contains("another port: --air-port"),
        "{error}"
    );
}

#[test]
fn it_stops_when_it_is_asked_to_whatever_is_open() {
    for signal in ["INT", "TERM"] {
        let demo = Demo::start();
        // A page that listens for events, and never hangs up by itself.
        let face = demo.with_display().face.trim_start_matches("http://").to_owned();
        let (host, path) = face.split_once('/').unwrap();
        let mut page = std::net::TcpStream::connect(host).unwrap();
        let request = format!("GET /{path}/live HTTP/1.1\r\nHost: {host}\r\n\r\n");
        std::io::Write::write_all(&mut page, request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        std::io::Read::read_exact(&mut page, &mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");

        demo.program.signal(signal);
        let ended = demo.program.ended();
        assert_eq!(ended.err, "", "nothing to complain of");
        assert!(ended.well().ends_with("Stopped.\n"));
        assert!(TcpListener::bind(host).is_ok(), "{host} is free again");
    }
}
