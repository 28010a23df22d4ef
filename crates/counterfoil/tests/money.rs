//! Fees, payouts, days that close, the bank's files and adjustments, as an operator uses them; and what they are told when
//! something is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // Tests.

mod program;

use program::platform::{PASSWORD, Person, Platform};

const PAYOUT: &str = "00000000000000000000000000000abc";

/// A platform with a holder who has 100.00 and a merchant with nothing; the merchant's id and the holder's reference.
fn house() -> (Platform, String, String) {
    let platform = Platform::new();
    let said = platform.run(&["merchant", "add", "Morning Market"]).well();
    let merchant = said.split_whitespace().next().unwrap().to_owned();
    let said = platform.run(&["holder", "add", "--name", "Lin Wei", "--document", "G12345678"]).well();
    let holder = said.split_whitespace().next().unwrap().to_owned();
    platform.fund(&holder, 10_000);
    (platform, merchant, holder)
}

fn proposed(platform: &Platform, from: &str, to: &str, minor: &str, person: &Person) -> String {
    let reason = "paid at the counter while the radio was down";
    let propose = ["adjust", "propose", from, to, minor, "--reason", reason];
    let said = platform.run_as(person, &propose).well();
    assert!(said.contains(" proposed ") && said.contains("Next: another operator"), "{said}");
    said.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn an_adjustment_takes_two_persons() {
    let (platform, merchant, holder) = house();
    let (ann, ben) = (platform.person("ann", "operator"), platform.person("ben", "administrator"));
    let id = proposed(&platform, &holder, &merchant, "7000", &ann);
    let own = platform.run_as(&ann, &["adjust", "approve", &id]).badly();
    assert!(own.contains("another operator must approve it"), "{own}");
    assert!(platform.run(&["adjust", "list"]).well().contains(&id));
    let posted = platform.run_as(&ben, &["adjust", "approve", &id]).well();
    assert!(posted.contains("posted by ben") && posted.contains(&format!("from {holder} to {merchant}")));
    assert_eq!(platform.run(&["adjust", "list"]).well(), "No adjustment waits.\n");
    assert!(platform.run(&["adjust", "list", "--all"]).well().contains("proposed by ann, posted by ben"));

    // What the ledger refuses is approved, and not posted.
    let large = proposed(&platform, &holder, &merchant, "7000", &ann);
    let refused = platform.run_as(&ben, &["adjust", "approve", &large]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.out.contains(" approved "), "{}", refused.out);
    assert!(refused.err.contains(&format!("counterfoil adjust post {large}")), "{}", refused.err);
    let rejected = platform.run_as(&ann, &["adjust", "reject", &large]).well();
    assert!(rejected.contains("rejected by ann"), "{rejected}");
    let short = ["adjust", "propose", "fee", "suspense", "1", "--reason", "why", "--operator", "ann"];
    assert!(platform.run(&short).err.contains("at least 5 bytes"));
    let ledger = platform.ledger();
    assert!(ledger.contains(" 2 posted") && ledger.contains("The ledger is sound"), "{ledger}");
}

#[test]
fn a_name_alone_moves_no_money() {
    let (platform, merchant, holder) = house();
    let ann = platform.person("ann", "operator");
    let viewer = platform.person("vic", "viewer");
    let reason = "paid at the counter while the radio was down";
    let propose = ["adjust", "propose", &holder, &merchant, "7000", "--reason", reason];
    let code = ann.codes.borrow_mut().pop().unwrap();
    let ghost = Person { name: "ghost".into(), codes: Vec::new().into() };
    for (person, password, code) in [
        (&ann, "another horse battery", code.as_str()),
        (&ann, PASSWORD, "000000"),
        (&ann, "", ""),
        (&ghost, PASSWORD, code.as_str()),
    ] {
        let refused = platform.run_typed_as(person, &propose, password, code).badly();
        assert!(refused.contains("name, password or code is wrong"), "{refused}");
    }
    let used = platform.run_typed_as(&ann, &propose, PASSWORD, &code);
    used.well();
    let again = platform.run_typed_as(&ann, &propose, PASSWORD, &code).badly();
    assert!(again.contains("name, password or code is wrong"), "a code is good once: {again}");
    let refused = platform.run_as(&viewer, &propose).badly();
    assert!(refused.contains("vic is viewer, which may not (adjust_money)"), "{refused}");
    assert_eq!(platform.run(&["adjust", "list"]).well().lines().count(), 1);
    let log = platform.run(&["audit", "list"]).well();
    for entry in ["login ann wrong_password", "login code wrong_code", "login (unknown) wrong_password"] {
        assert!(log.contains(entry), "{entry}: {log}");
    }
    assert!(log.contains("adjust_propose adj_") && !log.contains(PASSWORD), "{log}");
    platform.run(&["audit", "verify"]).well();
}

#[test]
fn a_payout_is_found_at_the_bank_and_what_differs_is_resolved() {
    let (platform, merchant, holder) = house();
    let (ann, ben) = (platform.person("ann", "operator"), platform.person("ben", "operator"));
    let id = proposed(&platform, &holder, &merchant, "7000", &ann);
    platform.run_as(&ben, &["adjust", "approve", &id]).well();
    let pay_out = |minor: &str| platform.run(&["payout", &merchant, minor, "--transfer", PAYOUT]);
    assert!(pay_out("7001").badly().contains("has ¥70.00 available and not ¥70.01"));
    assert!(pay_out("5000").well().contains(&format!("with this reference: tr_{PAYOUT}")));
    pay_out("5000").well();
    assert!(pay_out("4999").badly().contains("nothing was paid out"));
    assert!(platform.run(&["payout", "mer_000000ff", "1"]).badly().contains("there is no merchant"));

    // Today's day has not ended.
    assert!(platform.run(&["settle"]).well().contains("Nothing to settle"));
    assert!(platform.run(&["settle", "--date", "9998-01-01"]).badly().contains("has not ended"));
    assert!(platform.run(&["settle", "--date", "tomorrow"]).err.contains("2026-11-21"));

    let file = platform.data.join("bank.csv");
    let today = time::OffsetDateTime::now_utc().date();
    let import = || platform.run(&["reconcile", "import", file.to_str().unwrap()]);
    std::fs::write(&file, "date,amount,currency,reference,text\n2026-11-31,1.00,CNY,,x\n").unwrap();
    assert!(import().badly().contains("line 2"));
    // A column under another name is asked for by the option that names it.
    std::fs::write(&file, "date,amount,currency,reference,摘要\n2026-11-30,1.00,CNY,,x\n").unwrap();
    let refused = import().badly();
    assert!(refused.contains("missing: `text` (--text)"), "{refused}");
    let rows = format!(
        "date,amount,currency,reference,text\n{today},100.00,CNY,,cash\n{today},-50.00,CNY,TR_{},payout\n\
         {today},-0.35,CNY,,charges\n",
        PAYOUT.to_uppercase()
    );
    std::fs::write(&file, rows).unwrap();
    let said = import().well();
    assert!(
        said.contains("3 entries") && said.contains("2 of them ours") && said.contains("1 differences"),
        "{said}"
    );
    assert!(import().well().contains("nothing changed"));
    let listed = platform.run(&["reconcile", "list"]).well();
    assert!(
        listed.contains("unknown") && listed.contains("−¥0.35") && listed.contains("bank.csv"),
        "{listed}"
    );
    let resolve = |reason: &str| {
        platform.run_as(&ann, &["reconcile", "resolve", "1", "--as", "accepted", "--reason", reason])
    };
    let short = ["reconcile", "resolve", "1", "--as", "accepted", "--reason", "ok", "--operator", "ann"];
    assert!(platform.run(&short).err.contains("at least 5 bytes"));
    assert!(resolve("charges of November").well().contains("accepted by ann: charges of November"));
    assert!(resolve("charges of November").badly().contains("was resolved as accepted already"));
    assert!(platform.run(&["reconcile", "list"]).well().contains("No difference is open."));
    assert!(platform.run(&["reconcile", "list", "--all"]).well().contains("accepted"));
    let shown = platform.run(&["reconcile", "show", "1"]).well();
    assert!(shown.contains("bank: line 4") && shown.contains("charges"), "{shown}");
    assert!(platform.run(&["reconcile", "show", "2"]).badly().contains("there is no difference 2"));
    let missing = platform.data.join("none.xml");
    assert!(platform.run(&["reconcile", "import", missing.to_str().unwrap()]).badly().contains("none.xml"));
    assert!(platform.ledger().contains("The ledger is sound"));
}

#[test]
fn a_fee_rule_is_set_shown_and_taken_away() {
    let (platform, merchant, _) = house();
    let fee = |options: &[&str]| platform.run(&[&["merchant", "fee", &merchant], options].concat());
    assert!(fee(&[]).well().contains("has no fee rule"));
    let set =
        fee(&["--basis-points", "60", "--fixed", "10", "--minimum", "20", "--on-refund", "in-proportion"]);
    assert_eq!(
        set.well(),
        "CNY 0.60 % and ¥0.10, at least ¥0.20; given back in proportion when a payment is refunded\n"
    );
    assert_eq!(fee(&["--basis-points", "5", "--currency", "USD"]).code, Some(0));
    assert_eq!(fee(&[]).well().lines().count(), 2);
    assert!(fee(&["--basis-points", "10001"]).badly().contains("the whole amount"));
    assert!(
        fee(&["--basis-points", "1", "--minimum", "5", "--maximum", "4"])
            .badly()
            .contains("below the minimum")
    );
    assert_eq!(fee(&["--none"]).well(), "Nothing is kept from now on.\n");
    assert_eq!(fee(&["--none"]).well(), "There was no rule.\n");
    let nobody = platform.run(&["merchant", "fee", "mer_000000ff", "--basis-points", "1"]).badly();
    assert!(nobody.contains("there is no merchant mer_000000ff"), "{nobody}");
}
