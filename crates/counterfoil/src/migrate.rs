//! `store migrate`: what a database needs to be of this program's schema, a trial of it, and doing it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use store::Books;
use store::migration::{Plan, Trial};

use crate::cli::{ConfigArguments, Failure, print};
use crate::database::Database;
use crate::places::Places;

#[derive(Args)]
pub(crate) struct MigrateArguments {
    /// Try it, and leave the database as it is: on a copy of the file, or in a transaction that the server undoes
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn run(arguments: &MigrateArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let places = Places::at(&config.data)?;
    let database = Database::of(&config, &places)?;
    if let Database::Embedded(file) = &database
        && !file.exists()
    {
        return Err(
            format!("there is no database at {}; `counterfoil serve` begins one", file.display()).into()
        );
    }
    let plan = match &database {
        Database::Embedded(file) => store::sqlite::plan(file)?,
        Database::Server(settings) => store::postgres::plan(settings)?,
    };
    print(&told(&plan, matches!(database, Database::Server(_))))?;
    if plan.steps.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.dry_run {
        let trial = match &database {
            Database::Embedded(file) => try_on_copy(&places, file)?,
            Database::Server(settings) => {
                if let Some(node) = store::postgres::served_by(settings)? {
                    return Err(format!(
                        "{node} serves on this database, and a trial would hold its tables: nobody could pay meanwhile. Try it on a \
                         restored copy of the database, or stop the nodes first"
                    )
                    .into());
                }
                store::postgres::try_on(settings)?
            }
        };
        return outcome(&trial);
    }
    let began = Instant::now();
    match &database {
        Database::Embedded(file) => {
            let _lock = places.lock()?;
            drop(store::sqlite::open(file)?);
        }
        Database::Server(settings) => {
            store::postgres::migrate(settings)?;
        }
    }
    print(&format!(
        "The database is of version {} now; {:.1} s. `counterfoil ledger check` sums it up.\n",
        plan.known,
        began.elapsed().as_secs_f64()
    ))
}

/// Beside the file, where there is room for another or the real thing would not find any either.
fn try_on_copy(places: &Places, file: &Path) -> Result<Trial, Failure> {
    let folder = tempfile::Builder::new().prefix("trial-").tempdir_in(places.folder())?;
    let copy = folder.path().join("trial.db");
    store::sqlite::backup(file, &copy)?;
    Ok(store::sqlite::try_on(&copy)?)
}

fn told(plan: &Plan, by_a_server: bool) -> String {
    if plan.steps.is_empty() {
        return format!(
            "The database is of version {}, this program's. Nothing is to be done.\n",
            plan.found
        );
    }
    let mut text = format!(
        "The database is of version {}, this program of version {}. To be done:\n",
        plan.found, plan.known
    );
    for step in &plan.steps {
        text += &format!("  {} {}\n", step.number, step.name);
        for change in &step.changes {
            let rows = change.table().and_then(|table| plan.rows.get(table));
            let rows = rows.map_or_else(String::new, |rows| format!(", which has {rows} rows"));
            let holds = if by_a_server { format!("; holds up {}", change.holds()) } else { String::new() };
            text += &format!("    {change}{rows}{holds}\n");
        }
    }
    if !by_a_server {
        text += "The file takes no other writes meanwhile.\n";
    }
    text
}

fn outcome(trial: &Trial) -> Result<ExitCode, Failure> {
    let mut text = String::from("Tried, and undone:\n");
    for (number, took) in &trial.took {
        text += &format!("  {number} took {:.3} s\n", took.as_secs_f64());
    }
    for (table, rows) in &trial.tables {
        let what = match rows {
            (Some(before), Some(after)) if before == after => continue,
            (Some(before), Some(after)) => format!("{before} rows before, {after} after"),
            (None, Some(after)) => format!("new, {after} rows"),
            (Some(before), None) => format!("gone, with {before} rows"),
            (None, None) => continue,
        };
        text += &format!("  {table}: {what}\n");
    }
    text += &books(&trial.books);
    let Some(fault) = trial.books.fault() else {
        print(&(text + "The database is as it was. It can be migrated.\n"))?;
        return Ok(ExitCode::SUCCESS);
    };
    print(&text)?;
    Err(format!(
        "after the migration {fault}. The database is as it was: do not migrate it before you know why"
    )
    .into())
}

/// What books come to, in a few lines.
pub(crate) fn books(books: &Books) -> String {
    let accounts: u64 = books.totals.iter().map(|total| total.accounts).sum();
    let [pending, posted, voided, expired] = books.transfers;
    let mut text = format!(
        "  {accounts} accounts; transfers: {pending} pending, {posted} posted, {voided} voided, {expired} expired\n"
    );
    for (currency, sum) in books.sums() {
        text += &format!("  {currency} sums to {sum}\n");
    }
    if let Ok(head) = &books.audit {
        text += &format!("  the audit log stands: {} entries\n", head.seq);
    }
    text
}
