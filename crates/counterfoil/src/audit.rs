//! `audit list` and `audit verify`: what operators saw and did, and whether the chain of it stands.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use operator::{AuditEntry, AuditHead, Verifier};
use store::Store;

use crate::cli::{ConfigArguments, Failure, print};
use crate::database::Database;
use crate::places::Places;

/// Entries that are read at once.
const PORTION: u32 = 1_000;

/// What `audit --help` ends with.
pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil audit list --limit 200
  counterfoil audit verify                          # note the end that it prints somewhere else
  counterfoil audit verify --noted 1042:5be0…       # and see later that the chain still passes it";

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List the newest entries
    List(ListArguments),
    /// Reckon every hash of the chain anew, and name the first entry that does not stand
    Verify(VerifyArguments),
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Only what is older than this entry
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct VerifyArguments {
    /// An end that was noted before, as it was printed: the chain must pass it. May be given several times
    #[arg(long, value_name = "NUMBER:HASH", value_parser = noted)]
    noted: Vec<AuditHead>,
    #[command(flatten)]
    config: ConfigArguments,
}

fn noted(text: &str) -> Result<AuditHead, String> {
    text.parse().map_err(|error: &str| error.to_owned())
}

fn open(config: &ConfigArguments) -> Result<Store, Failure> {
    let config = config.load()?;
    Database::of(&config, &Places::at(&config.data)?)?.open_known()
}

pub(crate) fn run(command: AuditCommand) -> Result<ExitCode, Failure> {
    match command {
        AuditCommand::List(arguments) => {
            let store = open(&arguments.config)?;
            let entries = store.peek(|rows| rows.audit_before(arguments.before, arguments.limit))?;
            let mut text = String::from(
                "ENTRY    TIME                     OPERATOR          FROM             ACTION SUBJECT OUTCOME\n",
            );
            text.extend(entries.iter().map(line));
            print(&text)
        }
        AuditCommand::Verify(arguments) => verify(&open(&arguments.config)?, arguments.noted),
    }
}

fn line(entry: &AuditEntry) -> String {
    let note = &entry.note;
    format!(
        "{:<8} {:<24} {:<17} {:<16} {} {} {}\n",
        entry.seq,
        server::web::moment(note.at),
        note.operator,
        note.address,
        note.action,
        note.subject,
        note.outcome
    )
}

fn verify(store: &Store, noted: Vec<AuditHead>) -> Result<ExitCode, Failure> {
    let mut verifier = Verifier::passed(noted);
    // The end first: what is appended while this walks is behind it.
    let kept = store.peek(|rows| rows.audit_head())?;
    let broken = loop {
        let after = verifier.head().seq;
        let entries = store.peek(|rows| rows.audit_after(after, PORTION))?;
        let mut within = entries.iter().take_while(|entry| entry.seq <= kept.seq).peekable();
        if within.peek().is_none() {
            // Entries beyond the end that is kept were put there past the program.
            break match verifier.end(kept) {
                Ok(head) => {
                    return print(&format!(
                        "The audit log stands: {} entries.\nIts end, to be noted elsewhere: {head}\n",
                        head.seq
                    ));
                }
                Err(broken) => broken,
            };
        }
        if let Err(broken) = within.try_for_each(|entry| verifier.take(entry)) {
            break broken;
        }
    };
    print(&format!("NOT SOUND ({}): {broken}\n", broken.code()))?;
    Ok(ExitCode::FAILURE)
}
