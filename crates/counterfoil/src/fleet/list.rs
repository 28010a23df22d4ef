//! `fleet list` and `fleet show`.

use std::process::ExitCode;

use clap::Args;
use fleet::Presence;
use model::ChannelId;
use server::fleet::{Cursor, find};
use store::{ChannelFilter, GroupId, Reading, StoreError, StoredChannel, StoredDownlink, StoredFrame};

use super::{open, time};
use crate::cli::{ConfigArguments, Failure, print};

/// Rows of each part of `show`.
const SHOWN: u32 = 20;

#[derive(Args)]
pub(crate) struct ListArguments {
    /// A channel, a card, a card's number, the beginning of a channel's digits with its kind, or of a name
    #[arg(long, value_name = "TEXT", default_value = "")]
    search: String,
    /// Only those that stand so: present, silent or unheard
    #[arg(long, value_parser = presence)]
    presence: Option<Presence>,
    /// Only those of this group
    #[arg(long)]
    group: Option<String>,
    /// Only those with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Where the list goes on: what the page before ended with
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
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
pub(crate) struct ShowArguments {
    /// A channel (imei:356938035643809) or a card (card_00c0ffee)
    #[arg(value_name = "CHANNEL|CARD")]
    channel: String,
    #[command(flatten)]
    config: ConfigArguments,
}

fn presence(text: &str) -> Result<Presence, String> {
    Presence::from_name(text).ok_or_else(|| "present, silent or unheard".into())
}

pub(super) fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let store = open(&arguments.config)?;
    let group = match &arguments.group {
        Some(name) => Some(
            store
                .peek(|rows| rows.group_of_name(name))?
                .ok_or_else(|| format!("there is no group {name:?}; groups come with `fleet import`"))?,
        ),
        None => None,
    };
    let filter =
        ChannelFilter { presence: arguments.presence, group, tag: arguments.tag.clone(), between: None };
    let (mut text, mut left, mut after) = (String::new(), arguments.limit, arguments.after.clone());
    if !arguments.json {
        text += "CHANNEL                   CARD           STANDS   LAST HEARD              SIGNAL         BATTERY  NAME\n";
    }
    // A page can be short and go on all the same: it looks at a fixed number of channels.
    loop {
        let found = store.peek(|rows| find(rows, &arguments.search, filter.clone(), after.as_ref(), left))?;
        for channel in &found.channels {
            text += &store.peek(|rows| line(rows, channel, arguments.json))?;
        }
        left = left.saturating_sub(u32::try_from(found.channels.len()).unwrap_or(u32::MAX));
        after = found.next;
        if left == 0 || after.is_none() {
            break;
        }
    }
    if let Some(next) = after {
        let more = format!("… more with --after {next}\n");
        // Objects are for programs: nothing else stands among them.
        if arguments.json { eprint!("{more}") } else { text += &more }
    }
    print(&text)
}

fn line(rows: &dyn Reading, channel: &StoredChannel, json: bool) -> Result<String, StoreError> {
    let card = rows.card_on_channel(channel.id)?.map(|card| card.id().to_string());
    let heard = &channel.heard;
    let registration = &channel.registration;
    if json {
        let object = serde_json::json!({
            "channel": channel.id.to_string(),
            "card": card,
            "presence": heard.presence.name(),
            "heard_at": heard.at.map(|at| at.0),
            "heard_by": heard.by,
            "rssi_dbm": heard.reception.rssi_dbm,
            "snr_db": heard.reception.snr_tenths.map(|tenths| f64::from(tenths) / 10.0),
            "battery_percent": heard.battery.map(|battery| f64::from(battery) / 2.0),
            "firmware": heard.firmware,
            "name": registration.name,
            "bearer": registration.bearer,
            "application": registration.application,
            "device": registration.device,
            "group": group_name(rows, registration.group)?,
            "tags": rows.tags_of(channel.id)?,
            "listening": registration.listening.map(|listening| listening.to_string()),
            "silent_seconds": registration.silent_seconds,
            "registered_at": channel.registered_at.0,
        });
        return Ok(format!("{object}\n"));
    }
    Ok(format!(
        "{:<25} {:<14} {:<8} {:<23} {:<14} {:<8} {}\n",
        channel.id.to_string(),
        card.unwrap_or_else(|| "–".into()),
        heard.presence.name(),
        heard.at.map_or_else(|| "never".into(), time),
        signal(channel),
        heard.battery.map_or_else(String::new, |battery| format!("{}%", u32::from(battery) / 2)),
        registration.name.as_deref().unwrap_or_default(),
    ))
}

fn group_name(rows: &dyn Reading, group: Option<GroupId>) -> Result<Option<String>, StoreError> {
    let Some(id) = group else { return Ok(None) };
    Ok(rows.groups()?.into_iter().find(|group| group.id == id).map(|group| group.name))
}

fn signal(channel: &StoredChannel) -> String {
    let reception = &channel.heard.reception;
    let rssi = reception.rssi_dbm.map(|rssi| format!("{rssi} dBm"));
    let snr = reception.snr_tenths.map(|tenths| format!("{:.1} dB", f64::from(tenths) / 10.0));
    [rssi, snr].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn show(arguments: &ShowArguments) -> Result<ExitCode, Failure> {
    let store = open(&arguments.config)?;
    let found = store.peek(|rows| find(rows, &arguments.channel, ChannelFilter::default(), None, 2))?;
    let [channel] = found.channels.as_slice() else {
        return Err(format!(
            "{:?} names no channel or card; `counterfoil fleet list --search …` finds them",
            arguments.channel
        )
        .into());
    };
    print(&store.peek(|rows| sheet(rows, channel))?)
}

fn sheet(rows: &dyn Reading, channel: &StoredChannel) -> Result<String, StoreError> {
    let (registration, heard) = (&channel.registration, &channel.heard);
    let card = rows.card_on_channel(channel.id)?;
    let group = group_name(rows, registration.group)?;
    let listening = registration.listening.map(|listening| listening.to_string());
    let facts = [
        ("channel", Some(channel.id.to_string())),
        ("card", card.as_ref().map(|card| format!("{} {}", card.id(), card.record.information.number))),
        ("name", registration.name.clone()),
        ("group", group),
        ("tags", Some(rows.tags_of(channel.id)?.join(" "))),
        ("bearer", registration.bearer.clone()),
        ("application", registration.application.clone()),
        ("device", registration.device.clone()),
        (
            "listening",
            listening.or_else(|| card.map(|card| if card.listens { "always" } else { "never" }.into())),
        ),
        ("stands", Some(heard.presence.name().into())),
        ("last heard", heard.at.map(time)),
        ("heard by", heard.by.clone()),
        ("signal", Some(signal(channel))),
        ("battery", heard.battery.map(|battery| format!("{}%", u32::from(battery) / 2))),
        ("firmware", heard.firmware.map(|version| format!("{}.{}", version >> 8, version & 0xff))),
        ("silent after", registration.silent_seconds.map(|seconds| format!("{seconds} s"))),
        ("registered", Some(time(channel.registered_at))),
    ];
    let mut text = String::new();
    for (name, value) in facts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text += &format!("{name:<12} {value}\n");
        }
    }
    text += &alerts(rows, channel.id)?;
    text += &downlinks(&rows.downlinks_before(channel.id, None, SHOWN)?);
    text += &frames(&rows.frames_before(channel.id, None, SHOWN)?);
    Ok(text)
}

fn alerts(rows: &dyn Reading, channel: ChannelId) -> Result<String, StoreError> {
    let mut text = String::new();
    for alert in rows.alerts_of_channel(channel, SHOWN)?.iter().filter(|alert| alert.cleared_at.is_none()) {
        let detail = alert.detail.as_deref().unwrap_or_default();
        text += &format!(
            "ALERT {}    {} since {} {detail}\n",
            alert.id,
            alert.kind.name(),
            time(alert.raised_at)
        );
    }
    Ok(text)
}

pub(super) fn downlinks(downlinks: &[StoredDownlink]) -> String {
    if downlinks.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\nDOWNLINK                             STATE                     MADE                    BYTES\n",
    );
    for downlink in downlinks {
        let state = match downlink.state.reason() {
            Some(reason) => format!("{} ({})", downlink.state.name(), reason.code()),
            None => downlink.state.name().into(),
        };
        text += &format!(
            "{} {state:<25} {:<23} {}\n",
            downlink.id,
            time(downlink.created_at),
            downlink.frame.len()
        );
    }
    text
}

fn frames(frames: &[StoredFrame]) -> String {
    if frames.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nFRAME AT                BEARER      OUTCOME            BYTES\n");
    for StoredFrame { frame, .. } in frames {
        let answer = match frame.answer.is_empty() {
            true => String::new(),
            false => format!(" → {}", hex::encode(&frame.answer)),
        };
        text += &format!(
            "{:<23} {:<11} {:<18} {}{answer}\n",
            time(frame.at),
            frame.bearer,
            frame.outcome,
            hex::encode(&frame.bytes)
        );
    }
    text
}
