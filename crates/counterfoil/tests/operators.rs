//! Operators, the audit log and a holder's end, as whoever looks after the machine does them on the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use program::platform::{PASSWORD, Platform};
use program::process::{counterfoil, run, run_typed};
use rusqlite::Connection;

/// Whoever runs these tests, as the audit log names them.
fn machine_user() -> String {
    let said = std::process::Command::new("id").arg("-un").output().unwrap();
    let user = format!("local:{}", String::from_utf8(said.stdout).unwrap().trim());
    format!("(command line)    {user:<16}")
}

fn platform() -> Platform {
    let platform = Platform::new();
    platform.merchant("Corner Shop");
    platform
}

#[test]
fn operators_may_come_before_the_first_merchant() {
    let platform = Platform::bare();
    assert!(platform.run(&["operator", "list"]).badly().contains("`counterfoil keys init`"));
    platform.run(&["keys", "init"]).well();
    let add = &mut platform.command(&["operator", "add", "li.wei", "--role", "administrator"]);
    run_typed(add, &[PASSWORD]).well();
    assert!(platform.run(&["operator", "list"]).well().contains("li.wei"));
}

#[test]
fn a_bench_leaves_a_folder_alone_that_holds_a_platform() {
    let platform = platform();
    let names = || {
        let entries = std::fs::read_dir(&platform.data).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = names();
    for bench in ["ledger", "air", "list", "tap"] {
        let mut command = counterfoil(["bench", bench, "--data"]);
        let said = run(command.arg(&platform.data)).badly();
        assert!(said.contains("give it an empty folder"), "{bench}: {said}");
    }
    assert_eq!(names(), before);
}

#[test]
fn an_operator_is_added_listed_changed_and_disabled_and_no_secret_is_said_twice() {
    let platform = platform();
    assert!(platform.run(&["operator", "list"]).well().contains("There is no operator yet"));
    let add = |name: &str, password: &str| {
        let command = &mut platform.command(&["operator", "add", name, "--role", "administrator"]);
        run_typed(command, &[password])
    };
    let said = add("li.wei", PASSWORD).well();
    assert!(said.contains("otpauth://totp/Counterfoil:li.wei?secret="), "{said}");
    assert!(!said.contains(PASSWORD));
    let codes: Vec<_> = said.lines().filter(|line| line.trim().len() == 19).map(str::trim).collect();
    assert_eq!(codes.len(), 8, "{said}");
    assert!(add("li.wei", PASSWORD).badly().contains("names are given once"));
    assert!(add("zhang", "short").badly().contains("a password has at least 12 bytes"));
    assert_eq!(platform.run(&["operator", "add", "Zhang", "--role", "viewer"]).code, Some(2));
    assert_eq!(platform.run(&["operator", "add", "zhang", "--role", "root"]).code, Some(2));

    for last in [&["operator", "disable", "li.wei"][..], &["operator", "role", "li.wei", "viewer"]] {
        assert!(platform.run(last).badly().contains("the last administrator"));
    }
    add("zhang", PASSWORD).well();
    platform.run(&["operator", "role", "zhang", "key-custodian"]).well();
    platform.run(&["operator", "role", "zhang", "administrator"]).well();
    let again = platform.run(&["operator", "reset-totp", "li.wei"]).well();
    assert!(again.contains("otpauth://") && codes.iter().all(|code| !again.contains(code)));
    run_typed(&mut platform.command(&["operator", "password", "li.wei"]), &["another horse"]).well();
    platform.run(&["operator", "disable", "li.wei"]).well();
    let list = platform.run(&["operator", "list"]).well();
    assert!(list.contains("zhang") && list.contains("disabled 20") && !list.contains("otpauth"), "{list}");
    assert!(platform.run(&["operator", "disable", "nobody"]).badly().contains("there is no operator nobody"));

    let log = platform.run(&["audit", "list"]).well();
    for entry in [
        &format!("{} operator_add li.wei administrator done", machine_user()),
        "operator_role zhang key-custodian done",
        "operator_reset_totp li.wei done",
        "operator_password li.wei done",
        "operator_disable li.wei done",
    ] {
        assert!(log.contains(entry), "{entry}: {log}");
    }
}

#[test]
fn an_audit_log_that_was_tampered_with_is_named_by_its_first_broken_entry() {
    let platform = platform();
    for name in ["a", "b", "c", "d"] {
        platform.operator(name, "administrator");
    }
    let sound = platform.run(&["audit", "verify"]).well();
    // The merchant's making is an entry as well (of a database that was not there, only its end), and so is the key that the
    // first operator's secret was sealed under.
    assert!(sound.contains("The audit log stands: 6 entries."), "{sound}");
    let end = sound.split_whitespace().last().unwrap().to_owned();
    platform.operator("e", "viewer");
    platform.run(&["audit", "verify", "--noted", &end]).well();
    let other = end.replace("6:", "3:");
    let remade = platform.run(&["audit", "verify", "--noted", &other]).with(1);
    assert!(remade.contains("NOT SOUND (audit_remade): entry 3"), "{remade}");

    // Somebody who owns the file takes the triggers away.
    let raw = Connection::open(platform.database()).unwrap();
    raw.execute_batch("drop trigger audit_entry_stays; drop trigger audit_entry_is_kept;").unwrap();
    raw.execute_batch("update audit_entry set operator = 'somebody' where seq = 3").unwrap();
    let said = platform.run(&["audit", "verify"]).with(1);
    assert!(said.contains("NOT SOUND (audit_entry_changed): entry 3 was changed"), "{said}");
    raw.execute_batch("delete from audit_entry where seq = 2").unwrap();
    let said = platform.run(&["audit", "verify"]).with(1);
    assert!(said.contains("NOT SOUND (audit_entry_missing): entry 2 is missing"), "{said}");
    raw.execute_batch("delete from audit_entry").unwrap();
    let said = platform.run(&["audit", "verify"]).with(1);
    assert!(said.contains("NOT SOUND (audit_cut_off)"), "{said}");
}

#[test]
fn a_holder_is_forgotten_when_no_card_of_theirs_can_pay_and_the_books_stay() {
    let platform = platform();
    let card = platform.card(&[]);
    platform.fund(&card.holder, 5_000);
    let forget = || platform.run(&["holder", "forget", &card.holder]);
    let refused = forget().badly();
    assert!(refused.contains(&format!("{} is bound to this holder", card.id)), "{refused}");
    platform.run(&["card", "unbind", &card.id]).well();
    let raw = Connection::open(platform.database()).unwrap();
    let books = || -> i64 {
        raw.query_row("select sum(units * account) from posting", [], |row| row.get(0)).unwrap()
    };
    let before = books();
    forget().well();
    let (name, digest): (String, Vec<u8>) = raw
        .query_row("select name, document_digest from holder", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((name.as_str(), digest), ("(removed)", vec![0; 32]));
    assert_eq!(books(), before);
    platform.ledger();
    let log = platform.run(&["audit", "list"]).well();
    assert!(log.contains(&format!("holder_forget {} done", card.holder)), "{log}");
    assert!(!log.contains("Lin Wei"));
    let nobody = platform.run(&["holder", "forget", "hld_0000000000000009"]).badly();
    assert!(nobody.contains("there is no holder"), "{nobody}");
}

#[test]
fn commands_are_in_the_audit_log_beside_a_platform_that_serves_and_the_chain_stands() {
    let platform = platform();
    let serving = platform.serve();
    let card = platform.card(&[]);
    platform.run(&["card", "freeze", &card.id]).well();
    platform.run(&["card", "freeze", "card_00000001"]).badly();
    platform.run(&["holder", "add", "--name", "Lin Wei", "--document", "G12345678"]).well();
    platform.run(&["card", "list"]).well();
    let log = platform.run(&["audit", "list"]).well();
    let who = machine_user();
    for entry in [
        format!("{who} command merchant add done"),
        format!("{who} command card issue begun"),
        format!("{who} command card bind {} {} begun", card.id, card.holder),
        format!("{who} command card freeze {} begun", card.id),
        format!("{who} command card freeze {} done", card.id),
        format!("{who} command card freeze card_00000001 failed"),
        format!("{who} command holder add done"),
        format!("{who} command card list granted"),
        format!("{who} command audit list granted"),
    ] {
        assert!(log.contains(&entry), "{entry}: {log}");
    }
    assert!(!log.contains("Lin Wei") && !log.contains("G12345678"), "{log}");
    // Many at once, beside the platform: each finds the chain's end, and it stands.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..3).for_each(|_| drop(platform.run(&["card", "freeze", &card.id]).well())));
        }
    });
    let verified = platform.run(&["audit", "verify"]).well();
    assert!(verified.contains("The audit log stands"), "{verified}");
    let log = platform.run(&["audit", "list", "--limit", "1000"]).well();
    assert_eq!(log.matches(&format!("card freeze {} done", card.id)).count(), 13);
    serving.signal("TERM");
    serving.ended().well();
}
