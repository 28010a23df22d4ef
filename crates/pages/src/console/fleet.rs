//! The fleet: the map of states and its list, one channel, what waits, and alerts.

use askama::Template;

use super::Tab;
use super::plot::Plot;
use super::timeline::FrameRow;
use crate::card::Direction;
use crate::href::Href;
use crate::language::Language;
use crate::page::Page;

/// How a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Heard in time.
    Present,
    /// Silent for too long.
    Silent,
    /// Never heard.
    Unheard,
}

impl Presence {
    /// All, as they are shown.
    pub const ALL: [Self; 3] = [Self::Present, Self::Silent, Self::Unheard];

    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Present => "is-paid",
            Self::Silent => "is-declined",
            Self::Unheard => "is-expired",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().fleet;
        match self {
            Self::Present => w.present,
            Self::Silent => w.silent,
            Self::Unheard => w.unheard,
        }
    }

    /// Its word in addresses.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Silent => "silent",
            Self::Unheard => "unheard",
        }
    }
}

/// Why a downlink failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownlinkFailure {
    /// Over the bearer's limit.
    TooLong,
    /// No address.
    NoAddress,
    /// No bearer.
    NoBearer,
    /// The network said no.
    Refused,
    /// The network was away.
    Unreachable,
    /// Nobody confirmed it.
    NotAcknowledged,
    /// The network gave up.
    GivenUp,
    /// What it was for is asked otherwise.
    Superseded,
}

/// Where a downlink stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownlinkState {
    /// It waits for the card to be heard.
    Queued,
    /// It waits for its bearer.
    QueuedForBearer,
    /// It waits with the network.
    Handed,
    /// It went out.
    Sent,
    /// The network said that it arrived.
    Delivered,
    /// The card's end confirmed it.
    Acknowledged,
    /// Its time was over.
    Expired,
    /// It failed.
    Failed(DownlinkFailure),
    /// It was taken back.
    Canceled,
}

impl DownlinkState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Queued | Self::QueuedForBearer | Self::Handed => "is-awaiting",
            Self::Sent => "is-on-card",
            Self::Delivered | Self::Acknowledged => "is-paid",
            Self::Expired | Self::Canceled => "is-expired",
            Self::Failed(_) => "is-declined",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().fleet;
        match self {
            Self::Queued => w.queued,
            Self::QueuedForBearer => w.queued_bearer,
            Self::Handed => w.handed,
            Self::Sent => w.sent,
            Self::Delivered => w.delivered,
            Self::Acknowledged => w.acknowledged,
            Self::Expired => w.expired,
            Self::Failed(_) => w.failed,
            Self::Canceled => w.canceled,
        }
    }

    /// Why, where it failed.
    pub fn reason(self, language: Language) -> Option<&'static str> {
        let w = &language.words().fleet;
        let Self::Failed(failure) = self else { return None };
        Some(match failure {
            DownlinkFailure::TooLong => w.too_long,
            DownlinkFailure::NoAddress => w.no_address,
            DownlinkFailure::NoBearer => w.no_bearer,
            DownlinkFailure::Refused => w.refused,
            DownlinkFailure::Unreachable => w.unreachable,
            DownlinkFailure::NotAcknowledged => w.not_acknowledged,
            DownlinkFailure::GivenUp => w.given_up,
            DownlinkFailure::Superseded => w.superseded,
        })
    }
}

/// Which goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownlinkPriority {
    /// Before others.
    High,
    /// As they come.
    Normal,
    /// After others.
    Low,
}

impl DownlinkPriority {
    /// All, the first first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().fleet;
        match self {
            Self::High => w.high,
            Self::Normal => w.normal,
            Self::Low => w.low,
        }
    }

    /// Its word in forms.
    pub fn tag(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// The battery is low.
    BatteryLow,
    /// Silent for long.
    Silent,
    /// Many wrong codes.
    WrongCodes,
    /// Heard elsewhere.
    Moved,
}

impl AlertKind {
    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().fleet;
        match self {
            Self::BatteryLow => w.battery_low,
            Self::Silent => w.silent_long,
            Self::WrongCodes => w.wrong_codes,
            Self::Moved => w.moved,
        }
    }
}

/// How many channels stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Heard in time.
    pub present: u64,
    /// Silent for too long.
    pub silent: u64,
    /// Never heard.
    pub unheard: u64,
}

impl Tally {
    /// How many stand so.
    pub fn of(&self, presence: &Presence) -> u64 {
        match presence {
            Presence::Present => self.present,
            Presence::Silent => self.silent,
            Presence::Unheard => self.unheard,
        }
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        self.present.saturating_add(self.silent).saturating_add(self.unheard)
    }

    /// Where the part of a bar of 300 units begins, and how wide it is. A part that is not empty can be seen, one that is
    /// empty cannot.
    pub fn part(&self, presence: &Presence) -> (u64, u64) {
        let end = |sum: u64| sum.saturating_mul(300).checked_div(self.all()).unwrap_or(0);
        let seen = |count: u64| u64::from(count > 0) * 2;
        // The ends of the first two parts, moved to where what comes after them has room.
        let second = end(self.present.saturating_add(self.silent))
            .clamp(seen(self.present) + seen(self.silent), 300 - seen(self.unheard));
        let first = end(self.present).clamp(seen(self.present), second - seen(self.silent));
        match presence {
            Presence::Present => (0, first),
            Presence::Silent => (first, second - first),
            Presence::Unheard => (second, 300 - second),
        }
    }
}

/// A group on the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Its name; `None` for the channels without one.
    pub name: Option<String>,
    /// How its channels stand.
    pub tally: Tally,
    /// Its channels.
    pub href: Option<Href>,
}

/// A count that is counted up to a limit only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpTo {
    /// As far as it was counted.
    pub count: u64,
    /// Whether there are more.
    pub more: bool,
}

impl UpTo {
    /// As text: `1,000+`.
    pub fn text(&self, language: &Language) -> String {
        format!("{}{}", language.count(self.count), if self.more { "+" } else { "" })
    }
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FleetSearch {
    /// What was typed.
    pub typed: String,
    /// Only those that stand so.
    pub presence: Option<Presence>,
    /// Only those of this group.
    pub group: Option<String>,
    /// Only those with this tag.
    pub tag: String,
    /// The groups that there are.
    pub groups: Vec<String>,
}

impl FleetSearch {
    fn asks_for(&self, presence: &Presence) -> bool {
        self.presence == Some(*presence)
    }

    fn has_group(&self, name: &str) -> bool {
        self.group.as_deref() == Some(name)
    }
}

/// A line of the list of channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// The channel's id, with its kind.
    pub channel: String,
    /// Its page.
    pub href: Href,
    /// The card that uses it: id and masked number.
    pub card: Option<String>,
    /// What operators call it.
    pub name: Option<String>,
    /// How it stands.
    pub presence: Presence,
    /// When it was last heard, as text.
    pub last_heard: Option<String>,
    /// Its signal, as text: `-97 dBm`.
    pub signal: Option<String>,
    /// Its battery.
    pub battery_percent: Option<u8>,
    /// Its firmware, as text.
    pub firmware: Option<String>,
}

/// `GET /console/fleet`: the map of states, and channels.
#[derive(Debug, Clone, Template)]
#[template(path = "console/fleet.html")]
pub struct ConsoleFleet {
    /// Language and place.
    pub page: Page,
    /// How all channels stand.
    pub tally: Tally,
    /// The same by group.
    pub groups: Vec<GroupRow>,
    /// Open alerts.
    pub alerts: UpTo,
    /// Downlinks that wait.
    pub waiting: UpTo,
    /// What is looked for.
    pub search: FleetSearch,
    /// The channels that were found.
    pub rows: Vec<ChannelRow>,
    /// Where the list goes on.
    pub further: Option<Href>,
}

/// A fact about a channel: label and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// What it says.
    pub text: String,
}

/// A line of a table of downlinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownlinkRow {
    /// Its id.
    pub id: String,
    /// Its page, where something can be changed.
    pub href: Option<Href>,
    /// For which channel, and its page.
    pub channel: String,
    /// The channel's page.
    pub channel_href: Href,
    /// For which card.
    pub card: String,
    /// For which order, if one.
    pub order: Option<String>,
    /// Where it stands.
    pub state: DownlinkState,
    /// Since when it stands so, as text.
    pub changed_at: String,
    /// Which goes first.
    pub priority: DownlinkPriority,
    /// When it was made, as text.
    pub made_at: String,
    /// When its time is over, as text.
    pub until: String,
}

/// A line of a table of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// What.
    pub kind: AlertKind,
    /// Of which channel.
    pub channel: String,
    /// The channel's page.
    pub channel_href: Href,
    /// More of it.
    pub detail: Option<String>,
    /// Since when, as text.
    pub since: String,
    /// Until when, as text, if it is over.
    pub over: Option<String>,
    /// `POST` clears it.
    pub clear: Option<Href>,
}

/// `GET /console/fleet/channel/{channel}`: one channel.
#[derive(Debug, Clone, Template)]
#[template(path = "console/fleet_channel.html")]
pub struct ConsoleChannel {
    /// Language and place.
    pub page: Page,
    /// The channel's id.
    pub channel: String,
    /// How it stands.
    pub presence: Presence,
    /// What is known of it.
    pub facts: Vec<Fact>,
    /// Signal strength over its last frames.
    pub signal: Option<Plot>,
    /// Battery over its last frames.
    pub battery: Option<Plot>,
    /// Its open alerts.
    pub alerts: Vec<AlertRow>,
    /// Its downlinks, newest first.
    pub downlinks: Vec<DownlinkRow>,
    /// Its frames, newest first.
    pub frames: Vec<FrameRow>,
    /// Older frames.
    pub older: Option<Href>,
}

/// `GET /console/fleet/queue`: what waits.
#[derive(Debug, Clone, Template)]
#[template(path = "console/fleet_queue.html")]
pub struct ConsoleQueue {
    /// Language and place.
    pub page: Page,
    /// What waits, the oldest first.
    pub rows: Vec<DownlinkRow>,
    /// Where the list goes on.
    pub further: Option<Href>,
}

/// `GET /console/fleet/queue/{downlink}`: asks what is to be done with one. The forms post `do`: `cancel`, `high`, `normal` or `low`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/fleet_downlink.html")]
pub struct ConsoleDownlink {
    /// Language and place.
    pub page: Page,
    /// Which.
    pub row: DownlinkRow,
    /// `POST`.
    pub confirm: Href,
    /// Why what was asked for was not done.
    pub refused: Option<&'static str>,
    /// Whether it waits here, so that something can be changed.
    pub can_change: bool,
}

/// `GET /console/fleet/alerts`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/fleet_alerts.html")]
pub struct ConsoleAlerts {
    /// Language and place.
    pub page: Page,
    /// Whether those that are over are among them.
    pub all: bool,
    /// The alerts, newest first.
    pub rows: Vec<AlertRow>,
    /// Where the list goes on.
    pub older: Option<Href>,
}

/// Which of the fleet's pages it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FleetTab {
    Map,
    Queue,
    Alerts,
}

macro_rules! in_the_fleet {
    ($($page:ident: $tab:ident;)*) => {
        $(impl $page {
            fn tab(&self) -> Tab {
                Tab::Fleet
            }

            fn fleet_tab(&self) -> FleetTab {
                FleetTab::$tab
            }
        })*
    };
}

impl ConsoleDownlink {
    fn tab(&self) -> Tab {
        Tab::Fleet
    }
}

in_the_fleet! {
    ConsoleFleet: Map;
    ConsoleChannel: Map;
    ConsoleQueue: Queue;
    ConsoleAlerts: Alerts;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_seen_when_there_is_one_and_only_then() {
        for ([present, silent, unheard], widths) in [
            ([15, 2, 0], [264, 36, 0]),
            ([1, 0, 0], [300, 0, 0]),
            ([0, 7, 0], [0, 300, 0]),
            ([0, 0, 7], [0, 0, 300]),
            ([1_000_000, 1, 1], [296, 2, 2]),
            ([1, 1, 1_000_000], [2, 2, 296]),
            ([1_000_000_000, 1, 0], [298, 2, 0]),
        ] {
            let tally = Tally { present, silent, unheard };
            let parts = Presence::ALL.map(|presence| tally.part(&presence));
            assert_eq!(parts.map(|(_, width)| width), widths, "{tally:?}");
            assert_eq!(parts.map(|(begin, _)| begin), [0, widths[0], widths[0] + widths[1]]);
        }
    }
}
