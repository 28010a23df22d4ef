//! `counterfoil fleet …` as an operator uses it: a file of channels in, found, watched, and out again; and a process that is killed in
//! the middle of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // Tests.
#![allow(dead_code)] // Each test binary uses its own part of what they share.

mod program;

use std::path::{Path, PathBuf};
use std::process::Command;

use program::process::{Program, counterfoil, run};
use rusqlite::Connection;
use tempfile::TempDir;

/// A data folder and the command line at it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn fleet(&self, arguments: &[&str]) -> Command {
        let mut command = counterfoil(["fleet"]);
        command.args(arguments).env("COUNTERFOIL_DATA", self.path("data")).current_dir(self.folder.path());
        command
    }

    fn write(&self, name: &str, lines: impl IntoIterator<Item = String>) {
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        std::fs::write(self.path(name), text).unwrap();
    }

    fn channels(&self) -> u64 {
        let raw = Connection::open(self.path("data/counterfoil.db")).unwrap();
        raw.query_row("select count(*) from channel", [], |row| row.get(0)).unwrap()
    }
}

fn eui(number: u32) -> String {
    format!("deveui:70b3d57ed00{number:05x}")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_file_of_channels_is_taken_and_what_is_wrong_in_it_is_told_and_written_down() {
    let desk = Desk::new();
    desk.write(
        "channels.csv",
        [
            "channel,name,group,tags".into(),
            format!("{},market 1,north,spare", eui(1)),
            "imei:12,x,,".into(),
            format!("{},market 2,south,", eui(2)),
            format!("{},again,,", eui(1)),
        ],
    );
    let said = run(&mut desk.fleet(&["import", "channels.csv", "--dry-run"])).with(3);
    assert!(said.starts_with("4 lines: would be 2 added, 0 changed, 0 as they were, 2 refused"), "{said}");
    assert_eq!(desk.channels(), 0);
    let ended = run(&mut desk.fleet(&["import", "channels.csv"]));
    assert!(
        ended.err.contains("line 3: column `channel`")
            && ended.err.contains("line 5: the channel stands in line 2 already")
    );
    let said = ended.with(3);
    assert!(said.starts_with("4 lines: 2 added, 0 changed, 0 as they were, 2 refused"), "{said}");
    let refused = text(&desk.path("channels.csv.refused.csv"));
    let lines: Vec<&str> = refused.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "line,reason,text"));
    assert!(lines[2].starts_with("5,the channel stands in line 2 already,"), "{refused}");

    let listed = run(&mut desk.fleet(&["list", "--group", "north"])).well();
    assert!(listed.contains(&eui(1)) && !listed.contains(&eui(2)) && listed.contains("unheard"), "{listed}");
    let json = run(&mut desk.fleet(&["list", "--search", "market", "--json"])).well();
    let named: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (named.len(), &named[0]["name"], &named[0]["tags"][0]),
        (2, &"market 1".into(), &"spare".into())
    );
    let shown = run(&mut desk.fleet(&["show", &eui(1)])).well();
    assert!(shown.contains("group        north") && shown.contains("tags         spare"), "{shown}");
    assert!(run(&mut desk.fleet(&["show", "nobody"])).badly().contains("fleet list --search"));
    assert!(run(&mut desk.fleet(&["list", "--group", "west"])).badly().contains("no group \"west\""));
    assert!(run(&mut desk.fleet(&["queue"])).well().starts_with("DOWNLINK"));
    assert!(run(&mut desk.fleet(&["alerts"])).well().starts_with("ALERT"));
    assert!(run(&mut desk.fleet(&["alerts", "--clear", "7"])).badly().contains("alert 7 is not open"));
    let nobodys = format!("dl_{:032x}", 7);
    assert!(run(&mut desk.fleet(&["cancel", &nobodys])).badly().contains("no downlink"));
}

#[test]
fn what_is_exported_says_nothing_new_when_it_is_imported() {
    let desk = Desk::new();
    let lines = (0..1_200)
        .map(|n| format!("{},\"name, {n}\",group {},t{} t{},after-uplink:30", eui(n), n % 3, n % 5, n % 7));
    desk.write("in.csv", std::iter::once("channel,name,group,tags,listening".to_owned()).chain(lines));
    run(&mut desk.fleet(&["import", "in.csv"])).well();
    run(&mut desk.fleet(&["export", "--out", "out.csv"])).well();
    assert_eq!(text(&desk.path("out.csv")).lines().count(), 1_201);
    let said = run(&mut desk.fleet(&["import", "out.csv"])).well();
    assert!(said.starts_with("1200 lines: 0 added, 0 changed, 1200 as they were, 0 refused"), "{said}");
}

#[test]
fn a_list_goes_on_where_its_page_ended() {
    let desk = Desk::new();
    let lines = (0..25).map(eui);
    desk.write("in.csv", std::iter::once("channel".to_owned()).chain(lines));
    run(&mut desk.fleet(&["import", "in.csv"])).well();
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut arguments = vec!["list", "--limit", "10"];
        if let Some(after) = &after {
            arguments.extend(["--after", after]);
        }
        let said = run(&mut desk.fleet(&arguments)).well();
        seen.extend(
            said.lines().filter(|line| line.starts_with("deveui:")).map(|line| line[..23].to_owned()),
        );
        after = said.lines().find_map(|line| line.strip_prefix("… more with --after ")).map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..25).map(eui).collect::<Vec<_>>());
    let wrong = run(&mut desk.fleet(&["list", "--after", "zz"]));
    assert!(wrong.err.contains("not where a list goes on"), "{}", wrong.err);
}

#[test]
fn an_import_that_is_killed_goes_on_behind_what_it_kept_and_counts_each_line_once() {
    const LINES: u32 = 60_000;
    let desk = Desk::new();
    let lines = (0..LINES).map(|n| format!("{},card {n}", eui(n)));
    let doubled = std::iter::once(format!("{},again", eui(3)));
    desk.write("many.csv", std::iter::once("channel,name".to_owned()).chain(lines).chain(doubled));
    let importing = Program::start(&mut desk.fleet(&["import", "many.csv"]));
    // In the middle, wherever that is.
    let database = desk.path("data/counterfoil.db");
    let kept = || {
        let raw = Connection::open(&database).ok()?;
        raw.query_row("select lines from channel_import", [], |row| row.get::<_, u32>(0)).ok()
    };
    while kept().is_none_or(|lines| lines < 5_000) {
        std::thread::yield_now();
    }
    importing.signal("KILL");
    drop(importing);
    let before = kept().unwrap();
    assert!(before < LINES, "it was over too soon");
    assert_eq!(desk.channels(), u64::from(before), "channels and progress are of one moment");
    let ended = run(&mut desk.fleet(&["import", "many.csv"]));
    assert!(ended.err.contains(&format!("taken up again behind line {}", before + 1)), "{}", ended.err);
    assert!(ended.err.contains("line 60002: the channel stands in line 5 already"), "{}", ended.err);
    let said = ended.with(3);
    assert!(said.starts_with("60001 lines: 60000 added, 0 changed, 0 as they were, 1 refused"), "{said}");
    assert_eq!(desk.channels(), u64::from(LINES));
}

#[test]
fn an_import_that_is_interrupted_says_how_to_go_on() {
    const LINES: u32 = 80_000;
    let desk = Desk::new();
    let lines = (0..LINES).map(eui);
    desk.write("many.csv", std::iter::once("channel".to_owned()).chain(lines));
    let importing = Program::start(&mut desk.fleet(&["import", "many.csv"]));
    let database = desk.path("data/counterfoil.db");
    let begun = || {
        let raw = Connection::open(&database).ok()?;
        raw.query_row("select lines from channel_import", [], |row| row.get::<_, u32>(0)).ok()
    };
    while begun().is_none() {
        std::thread::yield_now();
    }
    importing.signal("INT");
    let said = importing.ended().with(130);
    assert!(said.contains("goes on behind the last of these lines"), "{said}");
    let said = run(&mut desk.fleet(&["import", "many.csv"])).well();
    assert!(said.starts_with("80000 lines: 80000 added"), "{said}");
}
