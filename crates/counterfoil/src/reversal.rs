//! `bank reversal …`: a load that its card was credited with, given back by two persons.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use model::Fen;
use payment::{Ground, LoadId, Reason, ReversalId, ReversalState, ReversalWish};
use store::{Reading, StoreError, StoredReversal};

use crate::bank::{BankCounter, reading_store};
use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::person::PersonArguments;

pub(crate) const EXAMPLES: &str = "\
Examples. The card is frozen first (counterfoil wallet freeze): no load may begin meanwhile.
  counterfoil bank reversal ask load_… --ground in-hand --held 3000 --amount 3000 \\
      --reason 'form 7: card worn out, kept at the counter' --operator li.wei
  counterfoil bank reversal list
  counterfoil bank reversal approve rev_… --operator zhang.min

Two persons are two accounts of `counterfoil operator`: password and one-time code are asked each time.
A card whose load was given back is withdrawn for ever. What is asked for waits seven days.";

/// How many are listed.
const LISTED_MAX: u32 = 100;

#[derive(Subcommand)]
pub(crate) enum ReversalCommand {
    /// Ask that a load is given back
    Ask(Box<AskArguments>),
    /// Approve what another operator asked for: the money is the holder's again, at once
    Approve(AnswerArguments),
    /// Reject it, or take one's own back
    Reject(AnswerArguments),
    /// List those that wait
    List(ListArguments),
}

/// Why the value on the card will not be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GroundName {
    /// The bank has the card and keeps it; --held is the balance read from it
    InHand,
    /// The industry refuses the card everywhere; --held is the balance by its books
    Blacklisted,
    /// The card never took this load: it was settled as credited by mistake
    NotWritten,
}

#[derive(Args)]
pub(crate) struct AskArguments {
    /// The load: load_ and 32 hexadecimal digits
    load: LoadId,
    /// Why the card will not spend it
    #[arg(long, value_enum)]
    ground: GroundName,
    /// What the card holds, in fen
    #[arg(long, value_name = "FEN", required_if_eq_any([("ground", "in-hand"), ("ground", "blacklisted")]))]
    held: Option<u32>,
    /// How much is given back, in fen: at most the load, and at most what the card holds
    #[arg(long, value_name = "FEN")]
    amount: u32,
    /// Why, and where it is written down, in 5 to 200 bytes
    #[arg(long)]
    reason: Reason,
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct AnswerArguments {
    /// The reversal: rev_ and 32 hexadecimal digits
    id: ReversalId,
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
    /// Go on below this reversal
    #[arg(long, value_name = "ID")]
    before: Option<ReversalId>,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn run(command: ReversalCommand) -> Result<ExitCode, Failure> {
    match command {
        ReversalCommand::Ask(arguments) => ask(*arguments),
        ReversalCommand::Approve(arguments) => {
            let counter = BankCounter::open(&arguments.config)?;
            let account = arguments.person.prove(counter.bank.app())?;
            said(&counter, &runtime()?.block_on(counter.bank.approve_reversal(account, arguments.id))?)
        }
        ReversalCommand::Reject(arguments) => {
            let counter = BankCounter::open(&arguments.config)?;
            let account = arguments.person.prove(counter.bank.app())?;
            said(&counter, &runtime()?.block_on(counter.bank.reject_reversal(account, arguments.id))?)
        }
        ReversalCommand::List(arguments) => list(&arguments),
    }
}

fn ask(arguments: AskArguments) -> Result<ExitCode, Failure> {
    let contradicts = || "a card that never took the load holds nothing of it: leave --held out";
    let ground = match (arguments.ground, arguments.held) {
        (GroundName::InHand, Some(held)) => Ground::InHand { held: Fen(held) },
        (GroundName::Blacklisted, Some(held)) => Ground::Blacklisted { held: Fen(held) },
        (GroundName::InHand | GroundName::Blacklisted, None) => return Err("give --held".into()),
        (GroundName::NotWritten, None) => Ground::NotWritten,
        (GroundName::NotWritten, Some(_)) => return Err(contradicts().into()),
    };
    let counter = BankCounter::open(&arguments.config)?;
    let account = arguments.person.prove(counter.bank.app())?;
    let wish = ReversalWish { amount: Fen(arguments.amount), reason: arguments.reason, ground };
    let asked = runtime()?.block_on(counter.bank.ask_reversal(account, arguments.load, wish))?;
    said(&counter, &asked)?;
    let id = asked.reversal.id();
    print(&format!("Next: another operator says `counterfoil bank reversal approve {id} --operator NAME`\n"))
}

fn said(counter: &BankCounter, stored: &StoredReversal) -> Result<ExitCode, Failure> {
    print(&counter.bank.app().store().peek(|rows| line(rows, stored))?)
}

fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let (waiting, before) = (!arguments.all, arguments.before);
    let text = reading_store(&arguments.config)?.peek(|rows| {
        let reversals = rows.reversals_before(waiting, before, LISTED_MAX)?;
        let mut text = String::new();
        for stored in &reversals {
            text += &line(rows, stored)?;
        }
        if u32::try_from(reversals.len()).unwrap_or(u32::MAX) >= LISTED_MAX
            && let Some(last) = reversals.last()
        {
            text += &format!("More: --before {}\n", last.reversal.id());
        }
        Ok(text)
    })?;
    print(if text.is_empty() { "No reversal waits.\n" } else { &text })
}

fn line(rows: &dyn Reading, stored: &StoredReversal) -> Result<String, StoreError> {
    let (reversal, wish) = (&stored.reversal, stored.reversal.wish());
    let person = |id| Ok::<_, StoreError>(rows.operator_name(id)?.unwrap_or_default());
    let held = wish.ground.held().map_or_else(String::new, |held| format!(", holding {held}"));
    let decided = match reversal.state() {
        ReversalState::Asked | ReversalState::Expired => String::new(),
        state @ (ReversalState::Posted { approved_by: by } | ReversalState::Rejected { by }) => {
            format!(", {} by {}", state.name(), person(by)?)
        }
    };
    let transfer = stored.transfer.map_or_else(String::new, |transfer| format!(" ({transfer})"));
    Ok(format!(
        "{} {:<8} {} CNY of {} ({}{held}): {:?}; asked by {}{decided}{transfer}\n",
        reversal.id(),
        reversal.state().name(),
        wish.amount,
        reversal.load(),
        wish.ground.name(),
        wish.reason,
        person(reversal.asked_by())?,
    ))
}
