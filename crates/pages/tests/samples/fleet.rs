//! The fleet in the console: on a good day, with nothing in it, and with everything that can be wrong.

use pages::*;

use super::{Sample, by, page};

const ORDER: &str = "ord_019aa2f07c1b700064e0824c78853c82";

fn href(path: &str) -> Href {
    Href::new(path)
}

fn channel(channel: &str, name: Option<&str>, presence: Presence) -> ChannelRow {
    let heard = presence != Presence::Unheard;
    ChannelRow {
        channel: channel.into(),
        href: href(&format!("/console/fleet/channel/{channel}")),
        card: heard.then(|| "card_00c0ffee 6212••••4417".into()),
        name: name.map(Into::into),
        presence,
        last_heard: heard.then(|| "2026-11-20 18:31:31 UTC".into()),
        signal: heard.then(|| "-97 dBm, 4.5 dB".into()),
        battery_percent: heard.then_some(86),
        firmware: heard.then(|| "1.2".into()),
    }
}

fn downlink(state: DownlinkState, priority: DownlinkPriority) -> DownlinkRow {
    let waits = matches!(state, DownlinkState::Queued | DownlinkState::QueuedForBearer);
    DownlinkRow {
        id: "dl_019aa2f07c1b700064e0824c78853c82".into(),
        href: waits.then(|| href("/console/fleet/queue/dl_019aa2f07c1b700064e0824c78853c82")),
        channel: "imei:356938035643809".into(),
        channel_href: href("/console/fleet/channel/imei:356938035643809"),
        card: "card_00c0ffee".into(),
        order: Some(ORDER.into()),
        state,
        changed_at: "2026-11-20 18:31:29 UTC".into(),
        priority,
        made_at: "2026-11-20 18:31:28 UTC".into(),
        until: "2026-11-20 18:33:28 UTC".into(),
    }
}

fn downlinks() -> Vec<DownlinkRow> {
    use DownlinkFailure as F;
    use DownlinkState as S;
    let failures = [
        F::TooLong,
        F::NoAddress,
        F::NoBearer,
        F::Refused,
        F::Unreachable,
        F::NotAcknowledged,
        F::GivenUp,
        F::Superseded,
    ];
    let states = [
        S::Queued,
        S::QueuedForBearer,
        S::Handed,
        S::Sent,
        S::Delivered,
        S::Acknowledged,
        S::Expired,
        S::Canceled,
    ];
    let priorities = DownlinkPriority::ALL.into_iter().cycle();
    states.into_iter().chain(failures.map(S::Failed)).zip(priorities).map(|(s, p)| downlink(s, p)).collect()
}

fn alert(kind: AlertKind, detail: Option<&str>, over: bool) -> AlertRow {
    AlertRow {
        kind,
        channel: "deveui:70b3d57ed0061a2f".into(),
        channel_href: href("/console/fleet/channel/deveui:70b3d57ed0061a2f"),
        detail: detail.map(Into::into),
        since: "2026-11-20 09:00:00 UTC".into(),
        over: over.then(|| "2026-11-20 12:00:00 UTC".into()),
        clear: (!over).then(|| href("/console/fleet/alerts/7")),
    }
}

fn alerts() -> Vec<AlertRow> {
    vec![
        alert(AlertKind::BatteryLow, Some("17%"), false),
        alert(AlertKind::Silent, None, false),
        alert(AlertKind::WrongCodes, None, false),
        alert(AlertKind::Moved, Some("chirpstack/app-1 → chirpstack/app-2"), false),
        alert(AlertKind::Silent, None, true),
    ]
}

const TRANSACTION: &str = "2110b1071dac2ace9678315c34b84f6cd945171df58f3e4910b100ee49608223e26cbc0a";

fn frame(direction: Direction, kind: FrameKind, hex: &str, outcome: FrameOutcome) -> FrameRow {
    FrameRow {
        time: "2026-11-20 18:31:28 UTC".into(),
        direction,
        kind,
        length: hex.len() / 2,
        hex: hex.into(),
        bearer: "chirpstack".into(),
        outcome,
        signal: (direction == Direction::Up).then(|| "-97 dBm, 4.5 dB".into()),
    }
}

/// Every outcome once, as far as it goes with its kind.
fn timeline() -> Vec<FrameRow> {
    use CardRefusal as R;
    use FrameOutcome as F;
    let (up, down) = (Direction::Up, Direction::Down);
    let refusals = [
        R::InformationDiffers,
        R::HolderDiffers,
        R::NotBound,
        R::NotActive,
        R::Frozen,
        R::Lost,
        R::Expired,
        R::Closed,
    ];
    let hellos = [
        F::Clock,
        F::NothingWaits,
        F::Repeated,
        F::WrongCode,
        F::OldTimeFactor,
        F::TooFarAhead,
        F::PromptLimit,
        F::Malformed,
        F::KeyUnavailable,
        F::NotKept,
        F::Unknown,
    ];
    let hello = |outcome| frame(up, FrameKind::Hello, "4910b100ee49608223e26cbc", outcome);
    let result = |outcome| frame(up, FrameKind::Result, "7210b1006f2c19aa2f07c1b70006", outcome);
    let status = |outcome| frame(up, FrameKind::Status, "7910b1006f2c", outcome);
    let pushed =
        [DownlinkState::Handed, DownlinkState::Sent, DownlinkState::Failed(DownlinkFailure::NotAcknowledged)];
    let mut rows = vec![
        frame(down, FrameKind::Receipt, "3410b1006f2c19aa", F::Answered),
        result(F::Order(Outcome::Paid)),
        frame(down, FrameKind::Transaction, TRANSACTION, F::Answered),
        hello(F::Asked),
        status(F::StatusKept),
        status(F::StatusOld),
        result(F::Order(Outcome::Declined)),
        result(F::WrongResult),
        result(F::SecondResult),
        frame(up, FrameKind::Unknown, "ff", F::Unknown),
    ];
    rows.extend(pushed.map(|state| frame(down, FrameKind::Transaction, TRANSACTION, F::Pushed(state))));
    rows.extend(hellos.map(hello));
    rows.extend(refusals.map(|refusal| hello(F::Refused(refusal))));
    rows
}

pub(super) fn fleet(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let tally = |present, silent, unheard| Tally { present, silent, unheard };
    let group = |name: Option<&str>, tally| GroupRow {
        href: name.map(|name| href("/console/fleet").with("group", name)),
        name: name.map(Into::into),
        tally,
    };
    let north = by(language, "North", "北区");
    let map = ConsoleFleet {
        page: setting.clone(),
        tally: tally(982_114, 12_003, 5_883),
        groups: vec![
            group(Some(&north), tally(900_000, 11_000, 800)),
            group(Some("B-7"), tally(82_000, 1_003, 0)),
            group(None, tally(114, 0, 5_083)),
        ],
        alerts: UpTo { count: 1_000, more: true },
        waiting: UpTo { count: 12, more: false },
        search: FleetSearch {
            typed: "deveui:70b3".into(),
            presence: Some(Presence::Silent),
            group: Some(north.clone()),
            tag: "spare".into(),
            groups: vec![north.clone(), "B-7".into()],
        },
        rows: vec![
            channel(
                "deveui:70b3d57ed0061a2f",
                Some(&by(language, "Bakery 1", "早餐铺 1")),
                Presence::Present,
            ),
            channel("imei:356938035643809", None, Presence::Silent),
            channel("deveui:70b3d57ed0061a31", None, Presence::Unheard),
        ],
        further: Some(href("/console/fleet").with("after", "0170b3d57ed0061a31")),
    };
    let empty = ConsoleFleet {
        tally: tally(0, 0, 0),
        groups: Vec::new(),
        alerts: UpTo { count: 0, more: false },
        waiting: UpTo { count: 0, more: false },
        search: FleetSearch::default(),
        rows: Vec::new(),
        further: None,
        ..map.clone()
    };
    let not_found = ConsoleFleet { rows: Vec::new(), further: None, ..map.clone() };
    let goes_on = ConsoleFleet { rows: Vec::new(), ..map.clone() };
    let plot = |points: &[i32], between| {
        let hours = (0_i64..).step_by(5);
        let points = hours.zip(points).map(|(at, value)| (at, (*value != 0).then_some(*value))).collect();
        let (from, to) = ("2026-11-18 18:00 UTC".to_owned(), "2026-11-20 18:31 UTC".to_owned());
        Plot::new(points, between, 6, from, to)
    };
    let fact = |label, text: &str| Fact { label, text: text.into() };
    let w = &language.words().fleet;
    let one = ConsoleChannel {
        page: setting.clone(),
        channel: "deveui:70b3d57ed0061a2f".into(),
        presence: Presence::Present,
        facts: vec![
            fact(w.card, "card_00c0ffee 6212••••4417"),
            fact(w.group, &north),
            fact(w.last_heard, "2026-11-20 18:31:31 UTC"),
            fact(w.signal, "-97 dBm, 4.5 dB"),
            fact(w.battery, "86%"),
        ],
        signal: plot(&[-101, -99, -104, 0, 0, -98, -97, -96, -99, -97], (-120, -60)),
        battery: plot(&[92, 92, 91, 91, 90, 89, 88, 87, 86], (0, 100)),
        alerts: alerts().into_iter().take(1).collect(),
        downlinks: downlinks(),
        frames: timeline(),
        older: Some(href("/console/fleet/channel/deveui:70b3d57ed0061a2f").with("before", "17")),
    };
    let unheard = ConsoleChannel {
        presence: Presence::Unheard,
        facts: one.facts.iter().take(1).cloned().collect(),
        signal: None,
        battery: None,
        alerts: Vec::new(),
        downlinks: Vec::new(),
        frames: Vec::new(),
        older: None,
        ..one.clone()
    };
    let waiting = downlinks().into_iter().take(3).collect();
    let queue = ConsoleQueue { page: setting.clone(), rows: waiting, further: Some(href("?after=dl_0")) };
    let ask = ConsoleDownlink {
        page: setting.clone(),
        row: downlink(DownlinkState::Queued, DownlinkPriority::Normal),
        confirm: href("/console/fleet/queue/dl_019aa2f07c1b700064e0824c78853c82"),
        refused: None,
        can_change: true,
    };
    let too_late = ConsoleDownlink {
        row: downlink(DownlinkState::Handed, DownlinkPriority::Normal),
        refused: Some(w.with_network),
        can_change: false,
        ..ask.clone()
    };
    let told =
        ConsoleAlerts { page: setting.clone(), all: true, rows: alerts(), older: Some(href("?before=3")) };
    vec![
        page("console-fleet", &map),
        page("console-fleet-empty", &empty),
        page("console-fleet-not-found", &not_found),
        page("console-fleet-goes-on", &goes_on),
        page("console-fleet-channel", &one),
        page("console-fleet-channel-unheard", &unheard),
        page("console-fleet-queue", &queue),
        page("console-fleet-queue-empty", &ConsoleQueue { rows: Vec::new(), further: None, ..queue.clone() }),
        page("console-fleet-downlink", &ask),
        page("console-fleet-downlink-too-late", &too_late),
        page("console-fleet-alerts", &told),
        page(
            "console-fleet-alerts-none",
            &ConsoleAlerts { all: false, rows: Vec::new(), older: None, ..told.clone() },
        ),
        page("console-fleet-alerts-never", &ConsoleAlerts { rows: Vec::new(), older: None, ..told.clone() }),
    ]
}

/// Pages on which all that comes from outside is hostile.
pub(crate) fn hostile_fleet(language: Language, hostile: &str) -> Vec<String> {
    let setting = Page::new(language).at(format!("/x?{hostile}"));
    let text = || Some(hostile.to_owned());
    let named = ChannelRow {
        channel: hostile.into(),
        href: Href::new(hostile),
        card: text(),
        last_heard: text(),
        signal: text(),
        firmware: text(),
        ..channel("x", Some(hostile), Presence::Silent)
    };
    let group = GroupRow {
        name: text(),
        tally: Tally { present: 1, silent: 1, unheard: 1 },
        href: Some(Href::new("/console/fleet").with("group", hostile)),
    };
    let search = FleetSearch {
        typed: hostile.into(),
        presence: None,
        group: text(),
        tag: hostile.into(),
        groups: vec![hostile.into()],
    };
    let row = DownlinkRow {
        id: hostile.into(),
        channel: hostile.into(),
        card: hostile.into(),
        order: text(),
        ..downlink(DownlinkState::Queued, DownlinkPriority::Low)
    };
    let alert = AlertRow { channel: hostile.into(), ..alert(AlertKind::Moved, Some(hostile), false) };
    let points = vec![(0, Some(1)), (1, Some(2))];
    let plot = Plot::new(points, (0, 3), 10, hostile.into(), hostile.into());
    let heard = FrameRow {
        time: hostile.into(),
        bearer: hostile.into(),
        signal: text(),
        ..frame(Direction::Up, FrameKind::Unknown, hostile, FrameOutcome::Unknown)
    };
    let pages = [
        ConsoleFleet {
            page: setting.clone(),
            tally: group.tally,
            groups: vec![group.clone(), group],
            alerts: UpTo { count: 1, more: false },
            waiting: UpTo { count: 1, more: false },
            search,
            rows: vec![named],
            further: Some(Href::new("/console/fleet").with("tag", hostile)),
        }
        .render(),
        ConsoleChannel {
            page: setting.clone(),
            channel: hostile.into(),
            presence: Presence::Present,
            facts: vec![Fact { label: language.words().fleet.application, text: hostile.into() }],
            signal: plot.clone(),
            battery: plot,
            alerts: vec![alert.clone()],
            downlinks: vec![row.clone()],
            frames: vec![heard],
            older: Some(Href::new(hostile)),
        }
        .render(),
        ConsoleQueue { page: setting.clone(), rows: vec![row.clone()], further: None }.render(),
        ConsoleDownlink {
            page: setting.clone(),
            row,
            confirm: Href::new(hostile),
            refused: None,
            can_change: true,
        }
        .render(),
        ConsoleAlerts { page: setting, all: true, rows: vec![alert], older: None }.render(),
    ];
    pages.map(|page| page.expect("a hostile page")).into()
}
