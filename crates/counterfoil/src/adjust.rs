//! `adjust`: money moved by two persons.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use model::{Amount, Currency};
use payment::{AdjustmentId, Reason};
use server::App;
use server::app::{AccountName, Approved, NewAdjustment};
use store::{Reading, StoreError, StoredAdjustment};

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::person::PersonArguments;
use crate::settle::platform;

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil adjust propose suspense mer_00000001 700 --reason 'paid twice at the counter' --operator li.wei
  counterfoil adjust approve adj_… --operator zhang.min

Two persons are two accounts of `counterfoil operator`: password and one-time code are asked each time.
An account of the ledger is mer_…, hld_…, fee, settlement or suspense. A proposal waits seven days.";

/// How many are listed.
const LISTED_MAX: u32 = 100;

#[derive(Subcommand)]
pub(crate) enum AdjustCommand {
    /// Propose to move money from one account to another
    Propose(Box<ProposeArguments>),
    /// Approve what another operator proposed: it is posted at once
    Approve(DecideArguments),
    /// Reject a proposal, or take one's own back
    Reject(DecideArguments),
    /// Post what is approved and the ledger refused before
    Post(PostArguments),
    /// List those that wait
    List(ListArguments),
}

#[derive(Args)]
pub(crate) struct ProposeArguments {
    /// The account that the money leaves
    from: AccountName,
    /// The account that it goes to
    to: AccountName,
    /// Minor units: 2000 is 20 yuan
    minor: i64,
    /// ISO 4217 letters
    #[arg(default_value = "CNY")]
    currency: String,
    /// Why, in 5 to 200 bytes
    #[arg(long)]
    reason: Reason,
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct DecideArguments {
    /// The adjustment: adj_ and 32 hexadecimal digits
    id: AdjustmentId,
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct PostArguments {
    /// The adjustment: adj_ and 32 hexadecimal digits
    id: AdjustmentId,
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Those that have ended too
    #[arg(long)]
    all: bool,
    /// Go on below this adjustment
    #[arg(long, value_name = "ID")]
    before: Option<AdjustmentId>,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn run(command: AdjustCommand) -> Result<ExitCode, Failure> {
    match command {
        AdjustCommand::Propose(arguments) => propose(*arguments),
        AdjustCommand::Approve(arguments) => {
            let app = platform(&arguments.config)?;
            let account = arguments.person.prove(&app)?;
            let approved = runtime()?.block_on(app.approve_adjustment(arguments.id, account))?;
            posted(&app, &approved)
        }
        AdjustCommand::Post(arguments) => {
            let app = platform(&arguments.config)?;
            let account = arguments.person.prove(&app)?;
            let approved = runtime()?.block_on(app.post_adjustment(arguments.id, account))?;
            posted(&app, &approved)
        }
        AdjustCommand::Reject(arguments) => {
            let app = platform(&arguments.config)?;
            let account = arguments.person.prove(&app)?;
            let stored = runtime()?.block_on(app.reject_adjustment(arguments.id, account))?;
            print(&app.store().peek(|rows| line(rows, &stored))?)
        }
        AdjustCommand::List(arguments) => list(&arguments),
    }
}

fn propose(arguments: ProposeArguments) -> Result<ExitCode, Failure> {
    let amount = Amount::new(arguments.minor, Currency::from_letters(&arguments.currency)?)?;
    let app = platform(&arguments.config)?;
    let account = arguments.person.prove(&app)?;
    let new = NewAdjustment { from: arguments.from, to: arguments.to, amount, reason: arguments.reason };
    let stored = runtime()?.block_on(app.propose_adjustment(new, account))?;
    let id = stored.adjustment.id();
    let line = app.store().peek(|rows| line(rows, &stored))?;
    print(&format!("{line}Next: another operator says `counterfoil adjust approve {id} --operator NAME`\n"))
}

fn posted(app: &App, approved: &Approved) -> Result<ExitCode, Failure> {
    print(&app.store().peek(|rows| line(rows, &approved.stored))?)?;
    match approved.refused {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(format!(
            "it is approved and not posted: {error}. Later: counterfoil adjust post {} --operator NAME",
            approved.stored.adjustment.id()
        )
        .into()),
    }
}

fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let app = platform(&arguments.config)?;
    runtime()?.block_on(app.lapse_adjustments())?;
    let (waiting, before) = (!arguments.all, arguments.before);
    let text = app.store().peek(|rows| {
        let adjustments = rows.adjustments_before(waiting, before, LISTED_MAX)?;
        let mut text = String::new();
        for stored in &adjustments {
            text += &line(rows, stored)?;
        }
        if u32::try_from(adjustments.len()).unwrap_or(u32::MAX) >= LISTED_MAX
            && let Some(last) = adjustments.last()
        {
            text += &format!("More: --before {}\n", last.adjustment.id());
        }
        Ok(text)
    })?;
    print(if text.is_empty() { "No adjustment waits.\n" } else { &text })
}

fn line(rows: &dyn Reading, stored: &StoredAdjustment) -> Result<String, StoreError> {
    let adjustment = &stored.adjustment;
    let legs = adjustment.legs();
    let account = |id: payment::AccountId| {
        let name = rows.account_owner(id)?.and_then(AccountName::of);
        Ok::<_, StoreError>(name.map_or_else(|| format!("account {}", id.0), |name| name.to_string()))
    };
    let person = |id| Ok::<_, StoreError>(rows.operator_name(id)?.unwrap_or_default());
    let decided = match adjustment.state().operator() {
        Some(by) => format!(", {} by {}", adjustment.state().name(), person(by)?),
        None => String::new(),
    };
    let transfer = stored.transfer.map_or_else(String::new, |transfer| format!(" ({transfer})"));
    Ok(format!(
        "{} {:<8} {} {} from {} to {}: {:?}; proposed by {}{decided}{transfer}\n",
        adjustment.id(),
        adjustment.state().name(),
        legs.amount(),
        legs.amount().currency(),
        account(legs.from())?,
        account(legs.to())?,
        adjustment.reason(),
        person(adjustment.proposed_by())?,
    ))
}
