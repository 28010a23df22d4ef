//! `counterfoil serve` and the commands around it, as an operator and an issuer use them; and what they are told when
//! something is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use program::buyer::Buyers;
use program::merchant::{Merchant, Order, SMALL};
use program::platform::{Issued, Platform};
use program::process::{PATIENCE, Program, counterfoil, run};
use program::secrets::Secrets;
use reqwest::{Response, StatusCode};
use rusqlite::Connection;
use serde_json::Value;

// ---- The configuration ----

#[test]
fn what_config_print_writes_config_check_takes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.toml");
    std::fs::write(&file, run(&mut counterfoil(["config", "print"])).well()).unwrap();
    let said = run(counterfoil(["config", "check", "--config"]).arg(&file)).well();
    assert_eq!(said, "The configuration can be used.\n");
}

#[test]
fn a_wrong_configuration_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(counterfoil(["config", "check", "--config"]).arg(&file)).badly()
    };
    let named = format!("error: {}, line 3: ", file.display());
    assert_eq!(
        check("# Ours\n[http]\nlitsen = \"127.0.0.1:80\"\n"),
        format!(
            "{named}unknown key `litsen` in [http]; known are address_requests_burst, address_requests_per_second, \
             key_requests_burst, key_requests_per_second, listen, public_url"
        )
    );
    assert!(check("[air]\n\nlisten = \"nowhere\"\n").starts_with(&format!("{named}`listen` is wrong")));
    assert!(check("\n\n[orders\n").contains("line 3"));
    std::fs::remove_file(&file).unwrap();
    let missing = run(counterfoil(["config", "check", "--config"]).arg(&file)).badly();
    assert!(missing.contains("counterfoil config print"), "{missing}");
}

#[test]
fn files_that_are_not_there_are_all_named_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.toml");
    let secret = folder.path().join("sigfox.secret");
    let text = format!(
        "[northbound]\nlisten = '127.0.0.1:8085'\n[sigfox]\nsecret_file = '{}'\n[tap]\ncertificate = 'no.pem'\nprivate_key = 'no.key'\n",
        secret.display()
    );
    std::fs::write(&file, &text).unwrap();
    let check = || run(counterfoil(["config", "check", "--config"]).arg(&file));
    let said = check().badly();
    for named in [
        format!("sigfox.secret_file {}: there is no such file: make it", secret.display()),
        "tap.certificate no.pem: there is no such file".to_owned(),
        "tap.private_key no.key: there is no such file".to_owned(),
    ] {
        assert!(said.contains(&named), "{named}: {said}");
    }
    std::fs::write(&secret, "too short\n").unwrap();
    std::fs::write(&file, text.split("[tap]").next().unwrap()).unwrap();
    assert!(check().badly().contains("sigfox.secret_file"));
    std::fs::write(&secret, "0123456789abcdef\n").unwrap();
    assert_eq!(check().well(), "The configuration can be used.\n");
}

#[test]
fn an_address_for_platforms_of_which_none_is_set_up_is_refused() {
    let platform = Platform::new();
    let with = |words: &[&str]| {
        run(platform.command(words).env("COUNTERFOIL_NORTHBOUND_LISTEN", "127.0.0.1:0")).badly()
    };
    for said in [with(&["config", "check"]), with(&["serve"])] {
        assert!(said.contains("northbound.listen is 127.0.0.1:0, and no platform is set up"), "{said}");
    }
}

#[test]
fn the_environment_stands_above_the_file() {
    let platform = Platform::new();
    let elsewhere = program::ports::free();
    let listen = format!("127.0.0.1:{elsewhere}");
    let serving = Program::start(platform.command(&["serve"]).env("COUNTERFOIL_HTTP_LISTEN", &listen));
    assert!(serving.says("Ctrl-C stops it").contains(&format!("http://{listen}")));
    serving.signal("INT");
    serving.ended().well();

    let wrong = run(platform.command(&["config", "check"]).env("COUNTERFOIL_HTTP_LISTEN", "nowhere")).badly();
    assert!(wrong.starts_with("error: the environment variable COUNTERFOIL_HTTP_LISTEN is wrong"), "{wrong}");
    let unknown = run(platform.command(&["config", "check"]).env("COUNTERFOIL_HTPP_LISTEN", "x")).badly();
    assert!(unknown.contains("COUNTERFOIL_HTPP_LISTEN is no setting"), "{unknown}");
}

// ---- The issuer's counter ----

#[test]
fn a_card_is_issued_handed_over_frozen_and_taken_back() {
    let platform = Platform::bare();
    let keys = platform.run(&["keys", "init"]).well();
    assert!(keys.contains("issuer-1") && keys.contains("transport-1"), "{keys}");
    assert!(platform.run(&["keys", "init"]).badly().contains("keys.cfks"));
    let listed = platform.run(&["keys", "list"]).well();
    assert!(listed.lines().count() == 4 && listed.matches(" active ").count() == 3, "{listed}");

    let card = platform.issued(&["--blind", "--limit", "5000"]);
    let the_card = |said: String| {
        said.lines().find(|line| line.starts_with(&card.id)).unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    let list = || the_card(platform.run(&["card", "list"]).well());
    assert!(list().contains(" issued ") && list().ends_with("not bound"), "{}", list());
    let other = Issued { holder: "hld_0000000000000001".into(), ..card.clone() };
    assert!(platform.bind(&other).badly().contains("holder"));
    platform.bind(&card).well();
    assert!(list().contains(" active ") && list().ends_with(&card.holder), "{}", list());
    platform.run(&["card", "freeze", &card.id]).well();
    assert!(list().contains(" frozen "), "{}", list());
    let alarms = platform.run(&["card", "alarms"]).well();
    assert!(alarms.contains(&card.id) && alarms.contains("card_frozen"), "{alarms}");
    platform.run(&["card", "unfreeze", &card.id]).well();
    assert!(list().contains(" active "), "{}", list());
    platform.run(&["card", "unbind", &card.id]).well();
    assert!(list().ends_with("not bound"), "{}", list());
    assert!(platform.run(&["card", "freeze", "card_00000000"]).badly().contains("card"));

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for secret in [&card.image, &platform.data.join("keys.cfks"), &platform.data.join("card-maker.key")] {
        assert_eq!(mode(secret), 0o600, "{}", secret.display());
    }
    assert_eq!(mode(&platform.data), 0o700);
    let secrets = Secrets::of(&platform.data);
    for said in [keys, listed, list()] {
        secrets.are_not_in(&said);
    }
}

#[test]
fn the_same_transfer_twice_is_one() {
    let platform = Platform::new();
    let card = platform.card(&[]);
    let transfer = "00000000000000000000000000000017";
    let fund = |minor: &str| platform.run(&["holder", "fund", &card.holder, minor, "--transfer", transfer]);
    assert!(fund("2000").well().contains("¥20.00"));
    fund("2000").well();
    let ledger = platform.ledger();
    assert!(ledger.contains(" 1 posted") && ledger.contains("¥20.00"), "{ledger}");
    // The same id for something else is a mistake, and is told.
    assert!(fund("3000").badly().contains("nothing was posted"));
    assert_eq!(platform.ledger(), ledger);
    assert!(platform.run(&["holder", "fund", &card.holder, "-5"]).code != Some(0));
    assert!(platform.run(&["holder", "fund", &card.holder, "5", "XXX"]).badly().contains("currency"));
}

// ---- A purchase ----

/// A card as a process of its own, pressed over its face's HTTP.
struct Hand {
    _card: Program,
    http: reqwest::Client,
    face: String,
}

impl Hand {
    fn take(platform: &Platform, card: &Issued) -> Self {
        let mut command = counterfoil(["card", "run"]);
        command.arg(&card.image).args(["--platform", &format!("127.0.0.1:{}", platform.air)]);
        let card = Program::start(command.args(["--face", "127.0.0.1:0"]));
        let said = card.says("Ctrl-C switches it off.");
        let face = said.lines().find_map(|line| line.strip_prefix("Its face: ")).unwrap().to_owned();
        Self { _card: card, http: reqwest::Client::builder().no_proxy().build().unwrap(), face }
    }

    async fn edge(&self, edge: &str) {
        let answer = self.http.post(format!("{}/key", self.face)).form(&[("edge", edge)]).send().await;
        assert_eq!(answer.unwrap().status(), StatusCode::NO_CONTENT);
    }

    /// A finger's pace: presses less than 0.6 s apart count together.
    async fn press(&self, times: usize) {
        for _ in 0..times {
            self.edge("down").await;
            tokio::time::sleep(Duration::from_millis(60)).await;
            self.edge("up").await;
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
    }

    /// Follows the face until it shows this.
    async fn shows(&self, text: &str) {
        let follow = async {
            let mut events = self.http.get(format!("{}/live", self.face)).send().await.unwrap();
            let mut seen = String::new();
            while !seen.contains(text) {
                let event = events.chunk().await.unwrap().expect("the face goes on");
                seen.push_str(&String::from_utf8_lossy(&event));
            }
        };
        let shown = tokio::time::timeout(PATIENCE, follow).await;
        assert!(shown.is_ok(), "the card never showed {text:?}");
    }

    /// Fetches what waits, looks, and agrees: in the first 0.7 s of a light no press counts.
    async fn agree(&self, presses: usize) {
        self.press(1).await;
        self.shows("Steady green").await;
        tokio::time::sleep(Duration::from_millis(800)).await;
        self.press(presses).await;
        self.shows("Green: paid").await;
    }
}

/// The number that the order's page shows, and nobody else.
async fn presses_for(merchant: &Merchant, order: &Order) -> usize {
    let page = merchant.page_of(order).await;
    let number = page.split("class=\"press-number\">").nth(1).and_then(|rest| rest.split('<').next());
    number.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_in_its_own_process_pays_at_a_platform_in_another() {
    let platform = Platform::new();
    let merchant = platform.merchant("Morning Market");
    let card = platform.card(&["--blind"]);
    platform.fund(&card.holder, 10_000);
    let serving = platform.serve();
    let hand = Hand::take(&platform, &card);
    let order = merchant.order(&card.id, 2_000).await;
    assert_eq!((order.state.as_str(), &order.reason), ("awaiting_card", &None));
    hand.agree(presses_for(&merchant, &order).await).await;
    assert_eq!(merchant.read(&order.id).await.state, "paid");
    assert_eq!(merchant.balance().await, 2_000);

    // Frozen by another process meanwhile: the platform that runs knows at once.
    platform.run(&["card", "freeze", &card.id]).well();
    let refused = merchant.ask(&card.id, SMALL, None).await.unwrap();
    assert_eq!(problem(refused).await, (StatusCode::CONFLICT, "card_frozen".to_owned()));

    serving.signal("TERM");
    let ended = serving.ended();
    Secrets::of(&platform.data).are_not_in(&ended.err);
    assert!(ended.well().ends_with("Stopped.\n"));
    assert!(platform.ledger().contains("2 posted"));
}

async fn problem(answer: Response) -> (StatusCode, String) {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    (status, body["code"].as_str().unwrap().to_owned())
}

// ---- What is not as it should be ----

#[test]
fn without_a_key_store_it_says_what_to_do() {
    let error = Platform::bare().run(&["serve"]).badly();
    assert!(error.contains("no key store") && error.contains("counterfoil keys init"), "{error}");
}

#[test]
fn without_a_passphrase_or_with_a_wrong_one_it_does_not_begin() {
    let platform = Platform::new();
    let none = run(platform.command(&["serve"]).env_remove("COUNTERFOIL_PASSPHRASE")).badly();
    assert!(none.contains("COUNTERFOIL_PASSPHRASE") && none.contains("keys.passphrase_file"), "{none}");
    for arguments in [&["serve"][..], &["keys", "list"], &["card", "issue"]] {
        let wrong =
            run(platform.command(arguments).env("COUNTERFOIL_PASSPHRASE", "six breakfasts before noon"));
        let error = wrong.badly();
        assert!(error.contains("passphrase"), "{error}");
        assert!(!error.contains("six breakfasts"), "{error}");
    }
    // From a file, as a service gets it.
    let file = platform.config.with_file_name("passphrase");
    std::fs::write(&file, format!("{}\n", program::platform::PASSPHRASE)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut listed = platform.command(&["keys", "list"]);
    listed.env_remove("COUNTERFOIL_PASSPHRASE").env("COUNTERFOIL_KEYS_PASSPHRASE_FILE", &file);
    run(&mut listed).well();
}

#[test]
fn a_second_platform_on_the_folder_is_refused_by_name() {
    let platform = Platform::new();
    let _serving = platform.serve();
    let error = platform.run(&["serve"]).badly();
    assert!(error.contains("is using") && error.contains(platform.data.to_str().unwrap()), "{error}");
    let other = Platform::new();
    let listen = format!("127.0.0.1:{}", platform.http);
    let error = run(other.command(&["serve"]).env("COUNTERFOIL_HTTP_LISTEN", &listen)).badly();
    assert!(error.contains(&listen) && error.contains("http.listen"), "{error}");
}

#[test]
fn a_database_of_a_newer_program_is_refused_by_name() {
    let platform = Platform::new();
    platform.issued(&[]);
    let raw = Connection::open(platform.database()).unwrap();
    raw.execute("insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')", [])
        .unwrap();
    for arguments in [&["serve"][..], &["ledger", "check"], &["card", "list"]] {
        let error = platform.run(arguments).badly();
        assert!(error.contains("version 99") && error.contains("newer"), "{error}");
    }
}

#[test]
fn a_database_that_another_program_keeps_to_itself_is_named() {
    let platform = Platform::new();
    platform.issued(&[]);
    let raw = Connection::open(platform.database()).unwrap();
    raw.execute_batch("pragma locking_mode = exclusive; begin exclusive; create table t (x)").unwrap();
    let error = platform.run(&["serve"]).badly();
    assert!(error.contains("locked by another process"), "{error}");
}

#[test]
fn a_ledger_that_somebody_tampered_with_is_not_sound() {
    let platform = Platform::new();
    let card = platform.card(&[]);
    platform.fund(&card.holder, 2_000);
    platform.ledger();
    let raw = Connection::open(platform.database()).unwrap();
    let changed = raw.execute("update account set posted = posted + 1 where posted = 2000", []).unwrap();
    assert_eq!(changed, 1);
    let ended = platform.run(&["ledger", "check"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("THE LEDGER IS NOT SOUND"), "{}", ended.out);
    assert!(ended.out.contains("DIFFERS account"), "{}", ended.out);
}

// ---- Stopping, and a disk without room ----

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_while_payments_run_it_loses_none() {
    let platform = Platform::new();
    let merchant = platform.merchant("Morning Market");
    let cards = platform.cards(3);
    platform.fund(&cards[0].holder, 100_000);
    let serving = platform.serve();
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(4).await;
    serving.signal("TERM");
    assert!(serving.ended().well().ends_with("Stopped.\n"));
    platform.ledger();

    let serving = platform.serve();
    buyers.settled.reaches(buyers.settled.now() + 3).await;
    let bought = buyers.finish().await;
    let orders: BTreeSet<String> = bought.iter().map(|bought| bought.order.clone()).collect();
    assert_eq!(orders.len(), bought.len());
    assert_eq!(merchant.all().await, orders);
    for id in &orders {
        assert_eq!(merchant.read(id).await.state, "paid", "{id}");
    }
    serving.signal("TERM");
    serving.ended().well();
    assert!(platform.ledger().contains(&format!(" 0 pending, {} posted", bought.len() + 1)));
}

/// Where the child finds its small disk, or where its files may not grow.
const DISK: &str = "COUNTERFOIL_TEST_SMALL_DISK";
const FILES: &str = "COUNTERFOIL_TEST_SMALL_FILES";
/// What is taken away when there is to be room again.
const BALLAST: usize = 1_400_000;

/// Runs the story below in another process, which a shell prepares: `$0` is the program, `$1` the folder.
#[track_caller]
fn child(shell: &mut Command, script: &str, name: &str) {
    let (folder, own) = (tempfile::tempdir().unwrap(), std::env::current_exe().unwrap());
    let run =
        shell.args(["-c", script]).args([&own, folder.path()]).env(name, folder.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && out.contains("1 passed"), "{out}{err}");
}

#[test]
fn files_that_may_not_grow_stop_orders_and_lose_none() {
    let script =
        "trap '' XFSZ && exec prlimit --fsize=1500000: \"$0\" --exact fills_what_there_is --nocapture";
    child(&mut Command::new("sh"), script, FILES);
}

/// On a disk of 3 MiB that only the child sees. Where nobody may mount one, as in most containers, files that may not grow stand
/// for it: the same steps, under another name.
#[test]
fn a_full_disk_stops_orders_and_loses_none() {
    let unshare = ["--user", "--map-root-user", "--mount"];
    let mut tries = Command::new("unshare");
    tries.args(unshare).args(["mount", "-t", "tmpfs", "none", "/tmp"]);
    if !tries.output().is_ok_and(|tried| tried.status.success()) {
        return files_that_may_not_grow_stop_orders_and_lose_none();
    }
    let script =
        "mount -t tmpfs -o size=3m none \"$1\" && exec \"$0\" --exact fills_what_there_is --nocapture";
    child(Command::new("unshare").args(unshare).arg("sh"), script, DISK);
}

/// The child. Run by itself, without a small disk, it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn fills_what_there_is() {
    let of = |name| std::env::var(name).ok();
    let (folder, named) = match (of(DISK), of(FILES)) {
        (Some(disk), _) => (disk, "disk is full"),
        (None, Some(folder)) => (folder, "the disk failed"),
        (None, None) => return,
    };
    let disk = Path::new(&folder);
    let platform = Platform::inside(disk);
    platform.run(&["keys", "init"]).well();
    let merchant = platform.merchant("Morning Market");
    let card = platform.card(&["--blind"]);
    platform.fund(&card.holder, 1_000_000);
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1; BALLAST]).unwrap();
    let serving = platform.serve();
    let hand = Hand::take(&platform, &card);

    let ask =
        async |number: usize| merchant.ask(&card.id, SMALL, Some(&format!("order-{number}"))).await.unwrap();
    let mut acknowledged: Vec<Order> = Vec::new();
    let full = loop {
        let answer = ask(acknowledged.len()).await;
        match answer.status() {
            StatusCode::CREATED => acknowledged.push(answer.json().await.unwrap()),
            _ => break answer,
        }
    };
    assert_eq!(full.headers()["retry-after"], "1");
    assert_eq!(problem(full).await, (StatusCode::SERVICE_UNAVAILABLE, "unavailable".to_owned()));
    serving.complains(named);
    // What it acknowledged it still tells, and nothing else.
    let ids = |orders: &[Order]| orders.iter().map(|order| order.id.clone()).collect::<BTreeSet<_>>();
    assert!(acknowledged.len() > 2, "{}", acknowledged.len());
    assert_eq!(merchant.all().await, ids(&acknowledged));

    // There is room again: the shop's same call is answered, and the card pays what waited for it.
    std::fs::remove_file(&ballast).unwrap();
    serving.may_fill_files();
    let answer = ask(acknowledged.len()).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    acknowledged.push(answer.json().await.unwrap());
    assert_eq!(merchant.all().await, ids(&acknowledged));
    hand.agree(1).await;
    assert_eq!(merchant.balance().await, i64::from(SMALL));
    serving.signal("TERM");
    serving.ended().well();
    platform.ledger();
}
