//! `counterfoil fleet …` as an operator uses it: files of channels that are good, bad and interrupted, and the registry beside a platform that runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use program::buyer::Buyers;
use program::merchant::SMALL;
use program::platform::Platform;
use program::process::{Ended, PATIENCE, Program};
use rusqlite::Connection;
use serde_json::Value;

/// Lines that take a while, on any machine.
const MANY: usize = 60_000;

/// A file beside the data folder.
fn file(platform: &Platform, name: &str, text: &[u8]) -> (String, PathBuf) {
    let path = platform.config.with_file_name(name);
    std::fs::write(&path, text).unwrap();
    let list = path.with_file_name(format!("{name}.refused.csv"));
    (path.to_str().unwrap().to_owned(), list)
}

/// The last line that it says, without the seconds.
fn counts(said: &str) -> &str {
    let line = said.lines().find(|line| line.contains(" lines: ")).unwrap_or_else(|| panic!("{said}"));
    line.split("; ").next().unwrap()
}

/// The numbers that a list of refused lines names, as they stand there.
fn numbers(list: &PathBuf) -> Vec<u64> {
    let mut rows = csv::Reader::from_path(list).unwrap();
    assert_eq!(rows.headers().unwrap(), vec!["line", "reason", "text"]);
    rows.records().map(|row| row.unwrap()[0].parse().unwrap()).collect()
}

/// How far the one import has come, what it added, and how many channels there are.
fn kept(platform: &Platform) -> (usize, usize, usize) {
    let raw = Connection::open(platform.database()).unwrap();
    let sql = "select lines, added, (select count(*) from channel) from channel_import";
    raw.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

/// Many channels; the third line names a card that is not there, and the last a channel of the first lines again.
fn many() -> String {
    let mut text = "channel,name,card\n".to_owned();
    for n in 0..MANY {
        let card = if n == 1 { "card_0badcafe" } else { "" };
        writeln!(text, "deveui:70b3d57e{n:08x},card {n},{card}").unwrap();
    }
    text + "deveui:70b3d57e00000005,again,\n"
}

/// Takes up what was interrupted; at most so many lines were taken before.
fn goes_on(platform: &Platform, path: &str, list: &PathBuf) {
    let kept = kept(platform);
    let again = platform.run(&["fleet", "import", path]);
    let behind = again.err.lines().find(|line| line.contains("taken up again behind line ")).unwrap();
    let behind: usize = behind.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((1_001..MANY).contains(&behind), "{behind}");
    // Channels and progress are of one moment.
    assert_eq!(kept, (behind - 1, behind - 2, behind - 2));
    // The third line was told of before, and is not again.
    assert!(!again.err.contains("card_0badcafe"), "{}", again.err);
    let (lines, taken) = (MANY + 1, MANY - 1);
    assert_eq!(
        counts(&again.with(3)),
        format!("{lines} lines: {taken} added, 0 changed, 0 as they were, 2 refused")
    );
    let last = u64::try_from(MANY).unwrap() + 2;
    assert_eq!(numbers(list), [3, last]);
    let said = std::fs::read_to_string(list).unwrap();
    assert!(
        said.ends_with("the channel stands in line 7 already,\"deveui:70b3d57e00000005,again,\"\n"),
        "{said}"
    );
}

#[test]
fn an_import_that_is_killed_goes_on_behind_its_last_unit_and_loses_and_doubles_nothing() {
    let platform = Platform::bare();
    let (path, list) = file(&platform, "channels.csv", many().as_bytes());
    let import = Program::start(&mut platform.command(&["fleet", "import", &path]));
    // Its first word of progress.
    import.asks(&format!(" of {} lines after ", MANY + 1));
    import.kill();
    // What it did not have the time to finish: a row cut short, and one of a unit of work that was never kept.
    let torn = std::fs::read_to_string(&list).unwrap() + "59000,was not kept,x\n1";
    std::fs::write(&list, torn).unwrap();
    goes_on(&platform, &path, &list);
    // Once more, from its beginning: all is as it says already.
    let said = platform.run(&["fleet", "import", &path]).with(3);
    assert_eq!(
        counts(&said),
        format!("{} lines: 0 added, 0 changed, {} as they were, 2 refused", MANY + 1, MANY - 1)
    );
}

#[test]
fn ctrl_c_stops_an_import_behind_the_unit_in_hand_and_it_says_how_to_go_on() {
    let platform = Platform::bare();
    let (path, list) = file(&platform, "channels.csv", many().as_bytes());
    let import = Program::start(&mut platform.command(&["fleet", "import", &path]));
    import.asks(&format!(" of {} lines after ", MANY + 1));
    import.signal("INT");
    let said = import.ended().with(130);
    assert!(said.contains("Stopped. The same command goes on"), "{said}");
    goes_on(&platform, &path, &list);
}

#[test]
fn a_file_is_refused_by_its_first_line_before_anything_is_taken() {
    let platform = Platform::bare();
    for (text, reason) in [
        (
            &b"chanel\nimei:356938035643809\n"[..],
            "names a column \"chanel\"; known are channel, card, bearer",
        ),
        (b"channel,tags,tags\nimei:356938035643809,,\n", "names the column `tags` twice"),
        (b"card\ncard_0badcafe\n", "names no column `channel`"),
        (b"", "names no column `channel`"),
        (b"\xff\xfec\0h\0a\0", "line 1: the file is UTF-16"),
    ] {
        let (path, list) = file(&platform, "wrong.csv", text);
        let error = platform.run(&["fleet", "import", &path]).badly();
        assert!(error.contains(reason) && error.contains(&path), "{error}");
        assert!(!list.exists());
    }
    let missing = platform.run(&["fleet", "import", "/nowhere/channels.csv"]).badly();
    assert!(missing.starts_with("error: /nowhere/channels.csv: "), "{missing}");
    assert_eq!(platform.run(&["fleet", "list", "--json"]).well(), "");
}

#[test]
fn the_first_refused_lines_are_shown_and_all_are_in_the_list() {
    let platform = Platform::bare();
    let mut text = b"channel,name\n".to_vec();
    (0..25).for_each(|n| text.extend_from_slice(format!("imei:{n},x\n").as_bytes()));
    text.extend_from_slice(b"\nimei:356938035643809,M\xe4rz\nimei:356938035643809,\"a, \"\"b\"\"\"\n");
    let (path, list) = file(&platform, "channels.csv", &text);
    let shown = |ended: &Ended| ended.err.lines().filter(|line| line.starts_with("line ")).count();

    let dry = platform.run(&["fleet", "import", "--dry-run", &path]);
    assert_eq!(shown(&dry), 20);
    assert!(dry.err.contains("more are not shown") && !list.exists(), "{}", dry.err);
    assert_eq!(counts(&dry.with(3)), "28 lines: would be 1 added, 0 changed, 0 as they were, 26 refused");
    assert_eq!(platform.run(&["fleet", "list", "--json"]).well(), "");

    let wet = platform.run(&["fleet", "import", &path]);
    assert_eq!(shown(&wet), 20);
    assert!(
        wet.err.contains("line 2: column `channel`: the id does not have the form of its kind"),
        "{}",
        wet.err
    );
    assert!(wet.err.contains(&format!("more are written to {}", list.display())), "{}", wet.err);
    let said = wet.with(3);
    assert_eq!(counts(&said), "28 lines: 1 added, 0 changed, 0 as they were, 26 refused");
    assert!(said.contains(&format!("refused are in {}", list.display())), "{said}");
    // An empty line is none, and has its number all the same.
    assert_eq!(numbers(&list), (2..=26).chain([28]).collect::<Vec<_>>());

    // Mended, it is another file, and its old list goes.
    let (path, _) = file(&platform, "channels.csv", b"channel,name\nimei:356938035643809,stall\n");
    assert_eq!(
        counts(&platform.run(&["fleet", "import", &path]).well()),
        "1 lines: 0 added, 1 changed, 0 as they were, 0 refused"
    );
    assert!(!list.exists());
    // The same bytes read in another way are another file too.
    let (path, _) = file(&platform, "bare.csv", b"channel\n70B3D57ED0000001\n");
    platform.run(&["fleet", "import", &path]).with(3);
    let said = platform.run(&["fleet", "import", "--kind", "deveui", &path]).well();
    assert_eq!(counts(&said), "1 lines: 1 added, 0 changed, 0 as they were, 0 refused");
}

#[test]
fn what_export_writes_import_finds_as_it_is() {
    let platform = Platform::new();
    let card = platform.card(&["--channel", "imei:356938035643809"]);
    let lines = [
        "name,channel,group,tags,bearer,application,device,listening,silent_seconds,card",
        &format!(
            "\"早市, \"\"7\"\"\",imei:356938035643809,\"a, b\",x|y,onenet,p,d 1,after-uplink:20,7200,{}",
            card.id
        ),
        "=1+1,DEVEUI:70B3D57ED0000001,,,,,,never,,",
        ",sigfox:2a4f1b,'q',z,,,,always,60,",
        ",mac48:0a1b2c3d4e5f,,,,,,,,",
        ",eui64:0123456789abcdef,,,,,,,,",
    ];
    let (path, _) = file(&platform, "channels.csv", lines.join("\r\n").as_bytes());
    assert_eq!(
        counts(&platform.run(&["fleet", "import", &path]).well()),
        "5 lines: 4 added, 1 changed, 0 as they were, 0 refused"
    );
    // Through several pages.
    let mut more = "channel,tags\n".to_owned();
    (0..2_500).for_each(|n| writeln!(more, "deveui:70b3d57f{n:08x},t{}", n % 3).unwrap());
    let (more, _) = file(&platform, "more.csv", more.as_bytes());
    platform.run(&["fleet", "import", &more]).well();

    let out = platform.config.with_file_name("export.csv");
    let out = out.to_str().unwrap();
    platform.run(&["fleet", "export", "--out", out]).well();
    let written = std::fs::read_to_string(out).unwrap();
    assert_eq!(platform.run(&["fleet", "export"]).well(), written);
    assert_eq!(
        written.lines().next(),
        Some("channel,card,bearer,application,device,name,group,tags,listening,silent_seconds")
    );
    let card = format!(
        "imei:356938035643809,{},onenet,p,d 1,\"早市, \"\"7\"\"\",\"a, b\",x y,after-uplink:20,7200",
        card.id
    );
    assert!(written.lines().any(|line| line == card), "{card}");
    let same = "2505 lines: 0 added, 0 changed, 2505 as they were, 0 refused";
    assert_eq!(counts(&platform.run(&["fleet", "import", out]).well()), same);
    // Elsewhere it makes the same registry, but for the card that is not there.
    let other = Platform::bare();
    assert_eq!(
        counts(&other.run(&["fleet", "import", out]).with(3)),
        "2505 lines: 2504 added, 0 changed, 0 as they were, 1 refused"
    );
    let there = other.run(&["fleet", "export"]).well();
    let (here, there): (BTreeSet<_>, BTreeSet<_>) = (written.lines().collect(), there.lines().collect());
    assert_eq!(here.symmetric_difference(&there).copied().collect::<Vec<_>>(), [card.as_str()]);
}

#[test]
fn a_channel_is_registered_found_and_shown_beside_a_platform_that_runs() {
    let platform = Platform::new();
    let card = platform.card(&["--channel", "imei:356938035643809"]);
    let serving = platform.serve();
    let fleet = |arguments: &[&str]| platform.run(&[&["fleet"], arguments].concat());
    let channel = "imei:356938035643809";

    let said =
        fleet(&["register", channel, "--name", "stall 7", "--group", "market", "--tags", "b a"]).well();
    assert_eq!(said, format!("{channel} is changed.\n"));
    assert_eq!(
        fleet(&["register", channel, "--name", "stall 7"]).well(),
        format!("{channel} was so already.\n")
    );
    let said =
        fleet(&["register", "deveui:70b3d57ed0000001", "--name", "stall 8", "--silent-seconds", "60"]).well();
    assert_eq!(said, "deveui:70b3d57ed0000001 is registered.\n");
    for (arguments, reason) in [
        (&["register", "imei:1"][..], "column `channel`: the id does not have the form"),
        (&["register", channel, "--listening", "sometimes"], "column `listening`: when a card listens is"),
        (&["register", channel, "--silent-seconds", "59"], "column `silent_seconds`: 60 to 31536000 seconds"),
        (
            &["register", "deveui:70b3d57ed0000001", "--card", &card.id],
            &format!("card {} is on {channel}", card.id),
        ),
        (&["show", "imei:356938035643800"], "names no channel or card"),
        (&["list", "--group", "nobody"], "there is no group \"nobody\""),
        (&["cancel", "dl_00000000000000000000000000000001"], "there is no downlink with this id"),
        (&["priority", "dl_00000000000000000000000000000001", "low"], "there is no downlink with this id"),
        (&["alerts", "--clear", "7"], "alert 7 is not open"),
    ] {
        let error = fleet(arguments).badly();
        assert!(error.contains(reason), "{error}");
    }
    for arguments in [
        &["list", "--after", "xyz"][..],
        &["list", "--presence", "asleep"],
        &["priority", "dl_1", "low"],
        &["priority", "dl_00000000000000000000000000000001", "urgent"],
        &["import", "--kind", "lora", "x.csv"],
    ] {
        let refused = fleet(arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
    }

    let (path, _) = file(&platform, "channels.csv", b"channel,name\ndeveui:70b3d57ed0000002,stall 9\n");
    fleet(&["import", &path]).well();
    let found = |arguments: &[&str]| -> Vec<String> {
        let rows = fleet(&[&["list", "--json"], arguments].concat()).well();
        rows.lines()
            .map(|row| serde_json::from_str::<Value>(row).unwrap()["channel"].as_str().unwrap().to_owned())
            .collect()
    };
    let [one, two] = ["deveui:70b3d57ed0000001", "deveui:70b3d57ed0000002"];
    for (arguments, channels) in [
        (&["--search", "stall"][..], vec![channel, one, two]),
        (&["--search", "deveui:70b3"], vec![one, two]),
        (&["--search", &card.id], vec![channel]),
        (&["--tag", "a"], vec![channel]),
        (&["--group", "market"], vec![channel]),
        (&["--presence", "present"], vec![]),
    ] {
        assert_eq!(found(arguments), channels, "{arguments:?}");
    }
    // Page by page.
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let more: Vec<&str> = after.as_deref().map_or(vec![], |cursor| vec!["--after", cursor]);
        let page = fleet(&[&["list", "--limit", "1"], more.as_slice()].concat()).well();
        all.extend(
            page.lines()
                .filter(|row| row.contains(':'))
                .map(|row| row.split_whitespace().next().unwrap().to_owned()),
        );
        after =
            page.lines().find_map(|line| line.split_once("--after ")).map(|(_, cursor)| cursor.to_owned());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, [one, two, channel]);
    let shown = fleet(&["show", &card.id]).well();
    for row in
        ["channel      imei:356938035643809", "group        market", "tags         a b", "listening    never"]
    {
        assert!(shown.lines().any(|line| line == row), "{row}: {shown}");
    }
    serving.signal("TERM");
    serving.ended().well();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_listed_put_first_and_taken_back_and_an_alert_is_cleared() {
    let platform = Platform::new();
    let card = platform.card(&["--channel", "imei:356938035643809"]);
    platform.fund(&card.holder, 1_000_000);
    let fleet = |arguments: &[&str]| platform.run(&[&["fleet"], arguments].concat());
    let register =
        |option: &str, value: &str| fleet(&["register", "imei:356938035643809", option, value]).well();
    // It will be heard elsewhere.
    register("--bearer", "onenet");
    register("--listening", "after-uplink:20");
    let serving = platform.serve();
    let merchant = platform.merchant("Morning Market");
    let order = merchant.order(&card.id, SMALL).await;

    // It is answered before it is sent.
    let until = Instant::now() + PATIENCE;
    let rows = loop {
        let rows = fleet(&["queue", "--json"]).well();
        if !rows.is_empty() {
            break rows;
        }
        assert!(Instant::now() < until, "nothing waits");
    };
    let row: Value = serde_json::from_str(rows.trim()).unwrap();
    assert_eq!(
        (row["card"].as_str(), row["order"].as_str()),
        (Some(card.id.as_str()), Some(order.id.as_str()))
    );
    assert_eq!((row["state"].as_str(), row["priority"].as_str()), (Some("queued"), Some("normal")));
    let downlink = row["downlink"].as_str().unwrap();
    assert_eq!(fleet(&["priority", downlink, "high"]).well(), format!("{downlink} has priority high.\n"));
    let listed = fleet(&["queue"]).well();
    assert!(listed.contains(&format!("{downlink} {} queued  high ", card.id)), "{listed}");
    assert!(listed.contains("the card to be heard"), "{listed}");
    let said = fleet(&["cancel", downlink]).well();
    assert!(said.starts_with(&format!("{downlink} is taken back.")), "{said}");
    assert!(fleet(&["cancel", downlink]).badly().contains("the downlink is not taken back"));
    assert!(fleet(&["priority", downlink, "low"]).badly().contains("does not wait here any more"));
    assert_eq!(fleet(&["queue", "--json"]).well(), "");

    // The order waits on, and its card, which does not listen after all, fetches it.
    register("--listening", "");
    let buyers = Buyers::begin(&platform, &merchant, &[card]).await;
    buyers.settled.reaches(1).await;
    buyers.finish().await;
    serving.signal("TERM");
    serving.ended().well();
    let alerts = fleet(&["alerts"]).well();
    let alert = alerts.lines().nth(1).unwrap_or_else(|| panic!("{alerts}"));
    assert!(alert.contains("imei:356938035643809") && alert.contains("onenet → coap"), "{alerts}");
    let id = alert.split_whitespace().next().unwrap();
    let shown = fleet(&["show", "imei:356938035643809"]).well();
    for part in [
        format!("{downlink} canceled "),
        format!("ALERT {id} "),
        "stands       present".into(),
        " coap ".into(),
    ] {
        assert!(shown.contains(&part), "{part}: {shown}");
    }
    assert_eq!(fleet(&["alerts", "--clear", id]).well(), format!("Alert {id} is cleared.\n"));
    assert_eq!(fleet(&["alerts"]).well().lines().count(), 1);
    assert!(fleet(&["alerts", "--all"]).well().contains("over since"));
}
