//! `fleet queue`, `cancel`, `priority` and `alerts`.

use std::process::ExitCode;

use clap::Args;
use fleet::{DownlinkId, Priority};
use server::fleet::{cancel_downlink, clear_alert, set_priority};
use server::{Actor, Clock as _, SystemClock};

use super::{open, time};
use crate::cli::{ConfigArguments, Failure, print, runtime};

#[derive(Args)]
pub(crate) struct QueueArguments {
    /// Only what came after this downlink
    #[arg(long, value_name = "DOWNLINK")]
    after: Option<DownlinkId>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct CancelArguments {
    /// The downlink: dl_ and 32 hexadecimal digits
    downlink: DownlinkId,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct PriorityArguments {
    /// The downlink: dl_ and 32 hexadecimal digits
    downlink: DownlinkId,
    /// high, normal or low
    #[arg(value_parser = priority_named)]
    priority: Priority,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct AlertArguments {
    /// Those that are over as well
    #[arg(long)]
    all: bool,
    /// Clear this one
    #[arg(long, value_name = "ALERT")]
    clear: Option<i64>,
    /// Only what is older than this alert
    #[arg(long, value_name = "ALERT")]
    before: Option<i64>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    #[command(flatten)]
    config: ConfigArguments,
}

fn priority_named(text: &str) -> Result<Priority, String> {
    Priority::from_name(text).ok_or_else(|| "high, normal or low".into())
}

pub(super) fn queue(arguments: &QueueArguments) -> Result<ExitCode, Failure> {
    let store = open(&arguments.config)?;
    let waiting = store.peek(|rows| rows.waiting_downlinks(arguments.after, arguments.limit))?;
    let mut text = String::new();
    if !arguments.json {
        text += "DOWNLINK                             CARD           STATE   PRIORITY  UNTIL                   WAITS FOR\n";
    }
    for downlink in &waiting {
        let waits_for = match (downlink.state, downlink.frame.is_empty()) {
            (fleet::DownlinkState::Handed, _) => "the network",
            (_, true) => "the card to be heard",
            (_, false) => "its bearer",
        };
        text += &if arguments.json {
            let object = serde_json::json!({
                "downlink": downlink.id.to_string(),
                "card": downlink.card.to_string(),
                "channel": downlink.channel.to_string(),
                "order": downlink.order.map(|order| order.to_string()),
                "state": downlink.state.name(),
                "priority": downlink.priority.name(),
                "expires_at": downlink.expires_at.0,
            });
            format!("{object}\n")
        } else {
            format!(
                "{} {} {:<7} {:<9} {:<23} {waits_for}\n",
                downlink.id,
                downlink.card,
                downlink.state.name(),
                downlink.priority.name(),
                time(downlink.expires_at)
            )
        };
    }
    if let Some(last) = waiting.last().filter(|_| waiting.len() >= arguments.limit as usize) {
        let more = format!("… more with --after {}\n", last.id);
        // Objects are for programs: nothing else stands among them.
        if arguments.json { eprint!("{more}") } else { text += &more }
    }
    print(&text)
}

pub(super) fn cancel(arguments: &CancelArguments) -> Result<ExitCode, Failure> {
    let store = open(&arguments.config)?;
    runtime()?.block_on(cancel_downlink(
        &store,
        Actor::command_line(),
        arguments.downlink,
        SystemClock.now(),
    ))?;
    print(&format!(
        "{} is taken back. Its order waits on: the card can still fetch it.\n",
        arguments.downlink
    ))
}

pub(super) fn priority(arguments: &PriorityArguments) -> Result<ExitCode, Failure> {
    let store = open(&arguments.config)?;
    runtime()?.block_on(set_priority(
        &store,
        Actor::command_line(),
        arguments.downlink,
        arguments.priority,
        SystemClock.now(),
    ))?;
    print(&format!("{} has priority {}.\n", arguments.downlink, arguments.priority.name()))
}

pub(super) fn alerts(arguments: &AlertArguments) -> Result<ExitCode, Failure> {
    let store = open(&arguments.config)?;
    if let Some(id) = arguments.clear {
        let now = SystemClock.now();
        let cleared = clear_alert(&store, Actor::command_line(), id, now);
        return match runtime()?.block_on(cleared) {
            Ok(true) => print(&format!("Alert {id} is cleared.\n")),
            Ok(false) => Err(format!("alert {id} is not open").into()),
            Err(error) => Err(error.into()),
        };
    }
    let alerts = store.peek(|rows| rows.alerts_before(!arguments.all, arguments.before, arguments.limit))?;
    let mut text = String::from("ALERT  SINCE                   CHANNEL                   WHAT\n");
    for alert in &alerts {
        let over = alert.cleared_at.map(|at| format!(", over since {}", time(at))).unwrap_or_default();
        text += &format!(
            "{:<6} {:<23} {:<25} {} {}{over}\n",
            alert.id,
            time(alert.raised_at),
            alert.channel.to_string(),
            alert.kind.name(),
            alert.detail.as_deref().unwrap_or_default(),
        );
    }
    print(&text)
}
