//! What the audit log is told of a command: who, which, on what, how it ended.
//!
//! For: the commands that change or read something sensitive. One whose use case enters what it does is entered where it was
//! refused or failed, which its use case undid with all else. Any other is entered before it begins (`begun`, or `granted`
//! where it only reads) and when it has ended (`done`, `failed`); what cannot be entered is not done. The chain is the
//! console's own: both append to its one end, so that commands may run beside `counterfoil serve`. Who: `(command line)` from
//! `local:USER`, the operating system's user of the process.
//! Refuses: arguments that say more than what is meant. Which are told stands in the table; names, documents, telephones and
//! files do not. Next: [`TABLE`], in which every command has its line: a test finds one that has not.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ArgMatches;
use operator::AuditAction;
use server::{Actor, Clock as _, SystemClock};
use store::{Store, StoreError};

use crate::cli::{ConfigArguments, Failure, runtime};
use crate::database::Database;
use crate::places::Places;

/// What is entered of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// It changes something: entered before and after.
    Changes,
    /// It shows something: entered before.
    Shows,
    /// Its use case enters what it does, in its unit of work; that it was refused, or failed, is entered after it.
    EntersItself,
    /// Nothing: it touches no platform's database, or nothing in it that is anybody's.
    Nothing,
}

/// Each command by its words, what is entered of it, and which of its arguments are told.
const TABLE: &[(&str, Sort, &[&str])] = {
    use Sort::{Changes, EntersItself, Nothing, Shows};
    &[
        ("demo", Nothing, &[]),
        ("serve", Nothing, &[]),
        ("config print", Nothing, &[]),
        ("config check", Nothing, &[]),
        // It comes before the platform; the key store has a log of its own, of custodians.
        ("keys init", Nothing, &[]),
        ("keys tap", Changes, &[]),
        ("keys secrets", Changes, &["renew", "lost"]),
        ("keys list", Shows, &[]),
        ("card issue", Changes, &["holder", "channel"]),
        ("card reinject", Changes, &["card"]),
        ("card bind", Changes, &["card", "holder"]),
        ("card unbind", Changes, &["card"]),
        ("card freeze", Changes, &["card"]),
        ("card unfreeze", Changes, &["card"]),
        ("card list", Shows, &[]),
        ("card alarms", Shows, &[]),
        ("card run", Nothing, &[]),
        ("fleet import", Changes, &[]),
        ("fleet register", Changes, &["channel"]),
        // It writes to the network server alone.
        ("fleet provision", Nothing, &[]),
        ("fleet export", Shows, &[]),
        ("fleet list", Shows, &[]),
        ("fleet show", Shows, &[]),
        ("fleet queue", Shows, &[]),
        ("fleet cancel", EntersItself, &[]),
        ("fleet priority", EntersItself, &[]),
        ("fleet alerts", EntersItself, &[]),
        ("holder add", Changes, &[]),
        ("holder fund", Changes, &["holder", "minor", "currency"]),
        ("holder forget", EntersItself, &[]),
        ("bank terminal", Changes, &["terminal"]),
        ("bank terminals", Shows, &[]),
        ("bank revoke", EntersItself, &[]),
        ("bank card", Changes, &["holder"]),
        ("bank freeze", EntersItself, &[]),
        ("bank unfreeze", EntersItself, &[]),
        ("bank loads", Shows, &[]),
        ("bank settle", EntersItself, &[]),
        ("bank reversal ask", EntersItself, &["load"]),
        ("bank reversal approve", EntersItself, &["id"]),
        ("bank reversal reject", EntersItself, &["id"]),
        ("bank reversal list", Shows, &[]),
        ("wallet issue", Changes, &["industry", "count"]),
        ("wallet list", Shows, &[]),
        ("wallet freeze", Changes, &["asn"]),
        ("wallet unfreeze", Changes, &["asn"]),
        // A terminal is another machine, with a folder of its own.
        ("terminal enrol", Nothing, &[]),
        ("terminal balance", Nothing, &[]),
        ("terminal load", Nothing, &[]),
        ("terminal finish", Nothing, &[]),
        ("terminal activate", Nothing, &[]),
        ("terminal readers", Nothing, &[]),
        ("terminal packs", Nothing, &[]),
        ("terminal install", Nothing, &[]),
        ("terminal serve", Nothing, &[]),
        // Packs are signed where the signing key is, which is no platform.
        ("pack key", Nothing, &[]),
        ("pack sign", Nothing, &[]),
        ("pack check", Nothing, &[]),
        ("tls dev", Nothing, &[]),
        ("operator add", EntersItself, &[]),
        ("operator list", Shows, &[]),
        ("operator disable", EntersItself, &[]),
        ("operator reset-totp", EntersItself, &[]),
        ("operator password", EntersItself, &[]),
        ("operator role", EntersItself, &[]),
        ("audit list", Shows, &[]),
        // Its end is noted elsewhere: it must not move it.
        ("audit verify", Nothing, &[]),
        ("merchant add", Changes, &[]),
        ("merchant fee", Changes, &["merchant", "basis_points", "none"]),
        ("merchant test-key", Changes, &["merchant"]),
        ("merchant key add", EntersItself, &[]),
        ("merchant key list", Shows, &[]),
        ("merchant key revoke", EntersItself, &[]),
        ("settle", Changes, &["date"]),
        ("payout", Changes, &["merchant", "minor", "currency"]),
        ("reconcile import", Changes, &[]),
        ("reconcile list", Shows, &[]),
        ("reconcile show", Shows, &["id"]),
        ("reconcile resolve", EntersItself, &[]),
        ("adjust propose", EntersItself, &[]),
        ("adjust approve", EntersItself, &["id"]),
        ("adjust reject", EntersItself, &["id"]),
        ("adjust post", EntersItself, &["id"]),
        ("adjust list", Shows, &[]),
        ("store backup", Shows, &[]),
        ("store check", Nothing, &[]),
        ("store restore", Changes, &[]),
        // Whoever opens a database migrates it: these decide about that, and must find it as it is.
        ("store migrate", Nothing, &[]),
        ("store layout", Nothing, &[]),
        ("store copy", Nothing, &[]),
        ("ledger check", Nothing, &[]),
        ("plan battery", Nothing, &[]),
        ("bench air", Nothing, &[]),
        ("bench ledger", Nothing, &[]),
        ("bench tap", Nothing, &[]),
        ("bench fleet", Nothing, &[]),
        ("bench list", Nothing, &[]),
        ("bench webhooks", Nothing, &[]),
        ("openapi", Nothing, &[]),
    ]
};

/// The longest subject of an entry, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// A command on its way.
pub(crate) struct Entering {
    sort: Sort,
    subject: String,
    config: ConfigArguments,
}

/// The command that was given: its words, and its own arguments.
fn leaf(matches: &ArgMatches) -> (String, &ArgMatches) {
    let (mut words, mut here) = (Vec::new(), matches);
    while let Some((word, below)) = here.subcommand() {
        words.push(word);
        here = below;
    }
    (words.join(" "), here)
}

/// An argument as it was typed, where the command has it and it was given; of one that is given or not, its name.
fn typed(matches: &ArgMatches, id: &str) -> Option<String> {
    let values = matches.try_get_raw(id).ok().flatten()?;
    let values: Vec<_> = values.map(OsStr::to_string_lossy).collect();
    match values.join(" ").as_str() {
        "false" => None,
        "true" => Some(format!("--{id}")),
        value => Some(value.to_owned()),
    }
}

impl Entering {
    /// What is entered of a command; nothing of some.
    pub(crate) fn of(matches: &ArgMatches) -> Option<Self> {
        let (words, own) = leaf(matches);
        let (_, sort, told) = TABLE.iter().find(|(command, ..)| *command == words)?;
        match sort {
            Sort::Changes | Sort::Shows | Sort::EntersItself => {}
            Sort::Nothing => return None,
        }
        let parts = told.iter().filter_map(|id| typed(own, id));
        let subject: String = std::iter::once(words)
            .chain(parts)
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(SUBJECT_CHARS_MAX)
            .collect();
        let config = typed(own, "config").map(PathBuf::from);
        let config = ConfigArguments::new(config, typed(own, "database"));
        Some(Self { sort: *sort, subject, config })
    }

    /// Before the command begins. Where there is no database yet, there is nobody's log.
    pub(crate) fn begin(&self) -> Result<(), Failure> {
        match self.sort {
            Sort::Changes => self.enter("begun"),
            Sort::Shows => self.enter("granted"),
            Sort::EntersItself | Sort::Nothing => Ok(()),
        }
    }

    /// When it has ended.
    pub(crate) fn end(&self, ended: &Result<ExitCode, Failure>) -> Result<(), Failure> {
        match (self.sort, ended) {
            (Sort::Changes, Ok(_)) => self.enter("done"),
            (Sort::Changes | Sort::EntersItself, Err(_)) => self.enter("failed"),
            (Sort::EntersItself, Ok(_)) | (Sort::Shows | Sort::Nothing, _) => Ok(()),
        }
    }

    fn enter(&self, outcome: &'static str) -> Result<(), Failure> {
        // What is wrong with the configuration the command says itself, in its own words.
        let Ok(config) = self.config.load() else { return Ok(()) };
        let database = Database::of(&config, &Places::at(&config.data)?)?;
        match &database {
            Database::Embedded(file) if !file.exists() => return Ok(()),
            Database::Embedded(_) | Database::Server(_) => {}
        }
        let store = match database.open() {
            // The log of a file that has moved goes on at the server; what is left to be done with the file is a copy.
            Err(StoreError::Moved) => return Ok(()),
            opened => opened?,
        };
        append(&store, &self.subject, outcome)
    }
}

/// Enters a command's step.
pub(crate) fn append(store: &Store, subject: &str, outcome: &'static str) -> Result<(), Failure> {
    let (subject, now) = (subject.to_owned(), SystemClock.now());
    let entered = store
        .write(move |unit| Actor::command_line().enter(unit, now, AuditAction::Command, &subject, outcome));
    runtime()?.block_on(entered).map_err(|error| format!("the audit log cannot be written: {error:?}").into())
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::*;
    use crate::cli::Cli;

    /// Every command of the program, by its words, with the ids of its arguments.
    fn commands(of: &Command, words: &str, found: &mut Vec<(String, Vec<String>)>) {
        for below in of.get_subcommands().filter(|below| below.get_name() != "help") {
            let words = format!("{words} {}", below.get_name()).trim().to_owned();
            if below.has_subcommands() {
                commands(below, &words, found);
            } else {
                let ids = below.get_arguments().map(|argument| argument.get_id().to_string()).collect();
                found.push((words, ids));
            }
        }
    }

    #[test]
    fn every_command_says_what_is_entered_of_it_and_only_arguments_that_it_has() {
        let mut found = Vec::new();
        commands(&Cli::command(), "", &mut found);
        assert!(found.len() > 70, "{}", found.len());
        for (words, ids) in &found {
            let line = TABLE.iter().find(|(command, ..)| command == words);
            let (_, sort, told) = line.unwrap_or_else(|| panic!("`{words}` has no line in the table"));
            for id in *told {
                assert!(ids.iter().any(|has| has == id), "`{words}` has no argument {id}: {ids:?}");
            }
            if matches!(sort, Sort::Changes | Sort::Shows) {
                assert!(ids.iter().any(|id| id == "config"), "`{words}` has no platform");
            }
            // What is personal or secret is told of none.
            for id in ["name", "document", "phone", "number", "bank_card", "note", "reason", "file"] {
                assert!(!told.contains(&id), "`{words}` tells {id}");
            }
        }
    }

    #[test]
    fn a_command_that_has_a_platform_and_enters_nothing_is_one_of_these() {
        let mut found = Vec::new();
        commands(&Cli::command(), "", &mut found);
        let nothing =
            |words: &str| TABLE.iter().any(|(command, sort, _)| *command == words && *sort == Sort::Nothing);
        let silent: Vec<_> = found
            .iter()
            .filter(|(words, ids)| ids.iter().any(|id| id == "config") && nothing(words))
            // Built in or not.
            .filter(|(words, _)| words != "fleet provision")
            .map(|(words, _)| words.as_str())
            .collect();
        // They serve, look at a configuration, come before the platform, decide about its database, or add up.
        let expected = [
            "serve",
            "config check",
            "keys init",
            "tls dev",
            "audit verify",
            "store migrate",
            "store layout",
            "store copy",
            "ledger check",
        ];
        assert_eq!(silent, expected);
    }

    #[test]
    fn a_subject_is_the_command_and_what_it_is_about() {
        let subject = |line: &[&str]| {
            let matches = Cli::command().try_get_matches_from(line).unwrap();
            Entering::of(&matches).map(|entering| (entering.subject, entering.sort))
        };
        let freeze = subject(&["counterfoil", "card", "freeze", "card_00c0ffee"]);
        assert_eq!(freeze, Some(("card freeze card_00c0ffee".into(), Sort::Changes)));
        let add = ["counterfoil", "holder", "add", "--name", "Li Na", "--document", "G12345678"];
        assert_eq!(subject(&add), Some(("holder add".into(), Sort::Changes)));
        let fund = subject(&["counterfoil", "holder", "fund", "hld_0000000000000001", "2000"]);
        assert_eq!(fund, Some(("holder fund hld_0000000000000001 2000 CNY".into(), Sort::Changes)));
        assert_eq!(subject(&["counterfoil", "wallet", "list"]), Some(("wallet list".into(), Sort::Shows)));
        assert_eq!(subject(&["counterfoil", "audit", "verify"]), None);
    }
}
