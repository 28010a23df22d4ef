//! One channel's page: what is known of it, its signal and battery over time, its downlinks and frames.

use axum::extract::{Query, State};
use axum::response::Response;
use fleet::Listening;
use model::ChannelId;
use pages::{ConsoleChannel, Fact, Language, Plot, Point};
use store::{Reading, StoreError, StoredChannel, StoredFrame};
use visit::Visitor;

use super::{
    Further, Named, alert_row, card_on, channel_href, downlink_row, found, named, not_found, shown_presence,
    timeline,
};
use crate::http::Api;
use crate::web::text;

/// Downlinks, and frames of a page.
const SHOWN: u32 = 20;
/// Frames that a plot is made of.
const PLOTTED: u32 = 200;
/// The scale of a plot of signal strength, in dBm, unless a value lies outside.
const SIGNAL_SCALE: (i32, i32) = (-120, -60);
/// The scale of a plot of the battery, in percent.
const BATTERY_SCALE: (i32, i32) = (0, 100);

pub(in crate::web::console) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    id: Named,
    Query(further): Query<Further>,
) -> Response {
    let Some(id) = named::<ChannelId>(id) else { return not_found(&visitor) };
    let before = match further.before.as_deref().map(str::parse::<i64>) {
        Some(Ok(seq)) => Some(seq),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    let silent_seconds = api.fleet.app().rules().fleet.alerts.silent_seconds;
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let Some(channel) = rows.channel(id)? else { return Ok(None) };
        let page = visitor.page();
        let mut frames = rows.frames_before(id, before, PLOTTED)?;
        let silent_seconds = channel.registration.silent_seconds.unwrap_or(silent_seconds);
        let plot = |points, scale| plot(&frames, points, scale, silent_seconds);
        let rssi = |it: &StoredFrame| Some((it.frame.at.0, it.frame.reception.rssi_dbm.map(i32::from)));
        // Most frames tell nothing of the battery: those are no gap in what is known of it.
        let battery = |it: &StoredFrame| Some((it.frame.at.0, Some(text::percent(it.frame.battery?).into())));
        let (signal, battery) = (plot(&rssi, SIGNAL_SCALE), plot(&battery, BATTERY_SCALE));
        let more = frames.len() > SHOWN as usize;
        frames.truncate(SHOWN as usize);
        let last = frames.last().filter(|_| more).map(|last| last.seq.to_string());
        let open = rows.alerts_of_channel(id, SHOWN)?.into_iter().filter(|alert| alert.cleared_at.is_none());
        Ok(Some(ConsoleChannel {
            channel: id.to_string(),
            presence: shown_presence(channel.heard.presence),
            facts: facts(rows, &channel, page.language)?,
            signal,
            battery,
            alerts: open.map(alert_row).collect(),
            downlinks: rows.downlinks_before(id, None, SHOWN)?.iter().map(downlink_row).collect(),
            frames: timeline::rows(rows, id, &frames, before, more)?,
            older: last.map(|seq| channel_href(id).with("before", &seq)),
            page,
        }))
    })
    .await
}

/// A plot of frames that are given newest first; all plots of them have one time axis. A line does not go on over a time for
/// which the channel was silent.
fn plot(
    frames: &[StoredFrame],
    point: &dyn Fn(&StoredFrame) -> Option<Point>,
    scale: (i32, i32),
    silent_seconds: u32,
) -> Option<Plot> {
    let (newest, oldest) = (frames.first()?.frame.at, frames.last()?.frame.at);
    let known = frames.iter().rev().filter_map(point);
    let points: Vec<Point> =
        std::iter::once((oldest.0, None)).chain(known).chain([(newest.0, None)]).collect();
    let (from, to) = (text::day_and_minute(oldest), text::day_and_minute(newest));
    Plot::new(points, scale, i64::from(silent_seconds) * 1_000, from, to)
}

fn facts(rows: &dyn Reading, channel: &StoredChannel, language: Language) -> Result<Vec<Fact>, StoreError> {
    let words = &language.words().fleet;
    let (said, heard) = (&channel.registration, &channel.heard);
    let groups = if said.group.is_some() { rows.groups()? } else { Vec::new() };
    let group = groups.into_iter().find(|group| Some(group.id) == said.group).map(|group| group.name);
    let tags = Some(rows.tags_of(channel.id)?.join(", ")).filter(|tags| !tags.is_empty());
    let facts = [
        (words.card, card_on(rows, channel.id)?),
        (words.name, said.name.clone()),
        (words.group, group),
        (words.tags, tags),
        (words.last_heard, Some(heard.at.map_or_else(|| words.never.into(), text::day_and_time))),
        (words.heard_by, heard.by.clone()),
        (words.signal, text::signal(&heard.reception)),
        (words.battery, heard.battery.map(|battery| format!("{}%", text::percent(battery)))),
        (words.firmware, heard.firmware.map(text::version)),
        (words.bearer, said.bearer.clone()),
        (words.application, said.application.clone()),
        (words.device, said.device.clone()),
        (words.listening, said.listening.map(|listening| listens(listening, language))),
        (language.words().timeline.silent_after, said.silent_seconds.map(|it| language.lasting(it))),
        (words.registered, Some(text::day_and_time(channel.registered_at))),
    ];
    Ok(facts.into_iter().filter_map(|(label, text)| Some(Fact { label, text: text? })).collect())
}

/// When a card listens, in words.
fn listens(listening: Listening, language: Language) -> String {
    let words = &language.words().timeline;
    match listening {
        Listening::Never => words.listens_never.into(),
        Listening::Always => words.listens_always.into(),
        Listening::AfterUplink { seconds } => language.listens_after(seconds),
    }
}
