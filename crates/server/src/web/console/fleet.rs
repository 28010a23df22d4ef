//! The fleet: the map of states, channels, what waits, alerts.
//!
//! For: the day of whoever looks after cards in the field. Three things are done here: a downlink is taken back, one
//! goes before or after others, an alert is cleared.
//! Refuses: deciding whether they may be (`crate::fleet::queue`).
//! Next: [`channel`] for one channel's page, [`timeline`] for its frames.

pub(super) mod channel;
mod timeline;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fleet::{AlertKind, CancelRefused, DownlinkId, DownlinkState, FailReason, Presence, Priority};
use model::ChannelId;
use pages::{
    AlertRow, ChannelRow, ConsoleAlerts, ConsoleDownlink, ConsoleFleet, ConsoleQueue, DownlinkRow,
    FleetSearch, GroupRow, Href, Tally, UpTo,
};
use serde::Deserialize;
use store::{
    ChannelFilter, ChannelGroup, ChannelTally, Reading, StoreError, StoredAlert, StoredChannel,
    StoredDownlink,
};
use visit::Visitor;

use super::{ROWS, ROWS_LENGTH, failed, found, not_found};
use crate::fleet::{Cursor, QueueRefused, clear_alert, find};
use crate::http::Api;
use crate::operators::Actor;
use crate::web::text;

pub(super) const FLEET: &str = "/console/fleet";
pub(super) const QUEUE: &str = "/console/fleet/queue";
pub(super) const ALERTS: &str = "/console/fleet/alerts";
/// Groups on the map; the rest are found by the search.
const GROUPS_MAX: usize = 100;
/// As far as is counted what has no counter.
const COUNTED_MAX: u32 = 1_000;

/// What is looked for, as the form sends it.
#[derive(Deserialize)]
pub(super) struct Sought {
    #[serde(default)]
    q: String,
    #[serde(default)]
    presence: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    tag: String,
    after: Option<String>,
}

impl Sought {
    /// Where the list goes on behind a cursor, looking for the same.
    fn after(&self, cursor: &Cursor) -> Href {
        let said = [("q", &self.q), ("presence", &self.presence), ("group", &self.group), ("tag", &self.tag)];
        let said = said.into_iter().filter(|(_, value)| !value.is_empty());
        said.fold(Href::new(FLEET), |href, (name, value)| href.with(name, value))
            .with("after", &cursor.to_string())
    }
}

pub(super) async fn map(State(api): State<Api>, visitor: Visitor, Query(sought): Query<Sought>) -> Response {
    let after = match sought.after.as_deref().map(str::parse::<Cursor>) {
        Some(Ok(cursor)) => Some(cursor),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    let presence = match (sought.presence.as_str(), Presence::from_name(&sought.presence)) {
        ("", _) => None,
        (_, Some(presence)) => Some(presence),
        (_, None) => return not_found(&visitor),
    };
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let groups = rows.groups()?;
        let group = groups.iter().find(|group| group.name == sought.group);
        if group.is_none() && !sought.group.is_empty() {
            return Ok(None);
        }
        let tag = Some(sought.tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        let filter = ChannelFilter { presence, group: group.map(|group| group.id), tag, between: None };
        let found = find(rows, &sought.q, filter, after.as_ref(), ROWS)?;
        let tallies = rows.channel_tally()?;
        Ok(Some(ConsoleFleet {
            page: visitor.page(),
            tally: tally(&tallies),
            groups: group_rows(&groups, &tallies),
            alerts: up_to(rows.open_alert_count(COUNTED_MAX + 1)?),
            waiting: up_to(rows.waiting_downlink_count(COUNTED_MAX + 1)?),
            rows: found.channels.iter().map(|it| channel_row(rows, it)).collect::<Result<_, _>>()?,
            further: found.next.map(|next| sought.after(&next)),
            search: FleetSearch {
                presence: presence.map(shown_presence),
                group: group.map(|group| group.name.clone()),
                tag: sought.tag,
                typed: sought.q,
                groups: groups.into_iter().map(|group| group.name).collect(),
            },
        }))
    })
    .await
}

fn tally<'t>(tallies: impl IntoIterator<Item = &'t ChannelTally>) -> Tally {
    tallies.into_iter().fold(Tally::default(), |mut sum, part| {
        let count = match part.presence {
            Presence::Present => &mut sum.present,
            Presence::Silent => &mut sum.silent,
            Presence::Unheard => &mut sum.unheard,
        };
        *count = count.saturating_add(part.channels);
        sum
    })
}

fn group_rows(groups: &[ChannelGroup], tallies: &[ChannelTally]) -> Vec<GroupRow> {
    let of = |group| tally(tallies.iter().filter(move |tally| tally.group == group));
    let named = groups.iter().take(GROUPS_MAX).map(|group| GroupRow {
        name: Some(group.name.clone()),
        tally: of(Some(group.id)),
        href: Some(Href::new(FLEET).with("group", &group.name)),
    });
    let none = GroupRow { name: None, tally: of(None), href: None };
    named.chain([none]).filter(|row| row.tally.all() > 0).collect()
}

fn up_to(count: u64) -> UpTo {
    let most = u64::from(COUNTED_MAX);
    UpTo { count: count.min(most), more: count > most }
}

fn channel_row(rows: &dyn Reading, channel: &StoredChannel) -> Result<ChannelRow, StoreError> {
    let heard = &channel.heard;
    Ok(ChannelRow {
        channel: channel.id.to_string(),
        href: channel_href(channel.id),
        card: card_on(rows, channel.id)?,
        name: channel.registration.name.clone(),
        presence: shown_presence(heard.presence),
        last_heard: heard.at.map(text::day_and_time),
        signal: text::signal(&heard.reception),
        battery_percent: heard.battery.map(text::percent),
        firmware: heard.firmware.map(text::version),
    })
}

fn card_on(rows: &dyn Reading, channel: ChannelId) -> Result<Option<String>, StoreError> {
    let card = rows.card_on_channel(channel)?;
    Ok(card.map(|card| format!("{} {}", card.id(), card.record.information.number)))
}

fn channel_href(channel: ChannelId) -> Href {
    Href::new(format!("{FLEET}/channel/{channel}"))
}

fn shown_presence(presence: Presence) -> pages::Presence {
    match presence {
        Presence::Present => pages::Presence::Present,
        Presence::Silent => pages::Presence::Silent,
        Presence::Unheard => pages::Presence::Unheard,
    }
}

/// Where a list goes on.
#[derive(Deserialize)]
pub(super) struct Further {
    after: Option<String>,
    before: Option<String>,
    all: Option<String>,
}

pub(super) async fn queue(
    State(api): State<Api>,
    visitor: Visitor,
    Query(further): Query<Further>,
) -> Response {
    let after = match further.after.as_deref().map(str::parse::<DownlinkId>) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let mut waiting = rows.waiting_downlinks(after, ROWS + 1)?;
        let more = waiting.len() > ROWS_LENGTH;
        waiting.truncate(ROWS_LENGTH);
        let last = waiting.last().filter(|_| more).map(|last| last.id);
        Ok(Some(ConsoleQueue {
            page: visitor.page(),
            rows: waiting.iter().map(downlink_row).collect(),
            further: last.map(|id| Href::new(QUEUE).with("after", &id.to_string())),
        }))
    })
    .await
}

fn downlink_row(downlink: &StoredDownlink) -> DownlinkRow {
    DownlinkRow {
        id: downlink.id.to_string(),
        href: (downlink.state == DownlinkState::Queued).then(|| downlink_href(downlink.id)),
        channel: downlink.channel.to_string(),
        channel_href: channel_href(downlink.channel),
        card: downlink.card.to_string(),
        order: downlink.order.map(|order| order.to_string()),
        state: shown_state(downlink),
        changed_at: text::day_and_time(downlink.updated_at),
        priority: match downlink.priority {
            Priority::High => pages::DownlinkPriority::High,
            Priority::Normal => pages::DownlinkPriority::Normal,
            Priority::Low => pages::DownlinkPriority::Low,
        },
        made_at: text::day_and_time(downlink.created_at),
        until: text::day_and_time(downlink.expires_at),
    }
}

fn downlink_href(id: DownlinkId) -> Href {
    Href::new(format!("{QUEUE}/{id}"))
}

fn shown_state(downlink: &StoredDownlink) -> pages::DownlinkState {
    use pages::{DownlinkFailure as Why, DownlinkState as Shown};
    match downlink.state {
        // A frame is made when it can go: with one, only its bearer is waited for.
        DownlinkState::Queued if downlink.frame.is_empty() => Shown::Queued,
        DownlinkState::Queued => Shown::QueuedForBearer,
        DownlinkState::Handed => Shown::Handed,
        DownlinkState::Sent => Shown::Sent,
        DownlinkState::Delivered => Shown::Delivered,
        DownlinkState::Acknowledged => Shown::Acknowledged,
        DownlinkState::Expired => Shown::Expired,
        DownlinkState::Canceled => Shown::Canceled,
        DownlinkState::Failed(reason) => Shown::Failed(match reason {
            FailReason::TooLong => Why::TooLong,
            FailReason::NoAddress => Why::NoAddress,
            FailReason::NoBearer => Why::NoBearer,
            FailReason::Refused => Why::Refused,
            FailReason::Unreachable => Why::Unreachable,
            FailReason::NotAcknowledged => Why::NotAcknowledged,
            FailReason::GivenUp => Why::GivenUp,
            FailReason::Superseded => Why::Superseded,
        }),
    }
}

pub(super) type Named = Result<Path<String>, PathRejection>;

/// The id that an address names.
fn named<T: std::str::FromStr>(id: Named) -> Option<T> {
    id.ok()?.0.parse().ok()
}

pub(super) async fn ask(State(api): State<Api>, visitor: Visitor, id: Named) -> Response {
    match named(id) {
        Some(id) => question(&api, &visitor, id, None).await,
        None => not_found(&visitor),
    }
}

async fn question(api: &Api, visitor: &Visitor, id: DownlinkId, refused: Option<&'static str>) -> Response {
    found(api.fleet.app().store(), visitor, move |rows, visitor| {
        let Some(downlink) = rows.downlink(id)? else { return Ok(None) };
        Ok(Some(ConsoleDownlink {
            page: visitor.page(),
            row: downlink_row(&downlink),
            confirm: downlink_href(id),
            refused,
            can_change: downlink.state == DownlinkState::Queued,
        }))
    })
    .await
}

/// What an operator wants of a downlink.
#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    r#do: String,
}

pub(super) async fn change(
    State(api): State<Api>,
    Extension(by): Extension<Actor>,
    visitor: Visitor,
    id: Named,
    Form(wish): Form<Wish>,
) -> Response {
    let Some(id) = named::<DownlinkId>(id) else { return not_found(&visitor) };
    let done = match (wish.r#do.as_str(), Priority::from_name(&wish.r#do)) {
        ("cancel", _) => api.fleet.cancel_downlink(by, id).await,
        (_, Some(priority)) => api.fleet.set_priority(by, id, priority).await,
        (_, None) => return question(&api, &visitor, id, None).await,
    };
    let words = &visitor.page().language.words().fleet;
    let refused = match done {
        Ok(()) => {
            tracing::info!(downlink = %id, wish = wish.r#do, "an operator changed what waits");
            return Redirect::to(QUEUE).into_response();
        }
        Err(QueueRefused::NoSuchDownlink) => return not_found(&visitor),
        Err(QueueRefused::Store(error)) => return failed(&visitor, &error),
        Err(QueueRefused::Cancel(CancelRefused::WithTheNetwork)) => words.with_network,
        Err(QueueRefused::Cancel(CancelRefused::Sent | CancelRefused::Ended) | QueueRefused::NotQueued) => {
            words.not_here
        }
    };
    question(&api, &visitor, id, Some(refused)).await
}

pub(super) async fn alerts(
    State(api): State<Api>,
    visitor: Visitor,
    Query(further): Query<Further>,
) -> Response {
    let before = match further.before.as_deref().map(str::parse::<i64>) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    let all = further.all.is_some();
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let mut alerts = rows.alerts_before(!all, before, ROWS + 1)?;
        let more = alerts.len() > ROWS_LENGTH;
        alerts.truncate(ROWS_LENGTH);
        let last = alerts.last().filter(|_| more).map(|last| last.id.to_string());
        let list = if all { Href::new(ALERTS).with("all", "1") } else { Href::new(ALERTS) };
        Ok(Some(ConsoleAlerts {
            page: visitor.page(),
            all,
            rows: alerts.into_iter().map(alert_row).collect(),
            older: last.map(|id| list.with("before", &id)),
        }))
    })
    .await
}

fn alert_row(alert: StoredAlert) -> AlertRow {
    AlertRow {
        kind: match alert.kind {
            AlertKind::BatteryLow => pages::AlertKind::BatteryLow,
            AlertKind::Silent => pages::AlertKind::Silent,
            AlertKind::WrongCodes => pages::AlertKind::WrongCodes,
            AlertKind::ChannelMoved => pages::AlertKind::Moved,
        },
        channel: alert.channel.to_string(),
        channel_href: channel_href(alert.channel),
        detail: alert.detail,
        since: text::day_and_time(alert.raised_at),
        over: alert.cleared_at.map(text::day_and_time),
        clear: alert.cleared_at.is_none().then(|| Href::new(format!("{ALERTS}/{}", alert.id))),
    }
}

pub(super) async fn clear(
    State(api): State<Api>,
    Extension(by): Extension<Actor>,
    visitor: Visitor,
    id: Named,
) -> Response {
    let Some(id) = named::<i64>(id) else { return not_found(&visitor) };
    let app = api.fleet.app();
    let now = app.now();
    match clear_alert(app.store(), by, id, now).await {
        Ok(cleared) => {
            // One that is over already is what was wished for.
            tracing::info!(alert = id, cleared, "an operator cleared an alert");
            Redirect::to(ALERTS).into_response()
        }
        Err(error) => failed(&visitor, &error),
    }
}
