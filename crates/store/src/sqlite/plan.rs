//! How SQLite finds what the fleet is asked: by an index, and none of them stands idle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::fleet::{AlertKind, DownlinkId, DownlinkState, Presence, Priority, Reception};
use model::{CardId, ChannelId, UnixMillis};
use payment::OrderId;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::connection;
use super::session::Transaction;
use crate::error::StoreError;
use crate::rows::{ChannelFilter, HeardState, ImportProgress, NewFrame, Registration, StoredDownlink};
use crate::sql::write::Changes;
use crate::unit::Unit;

/// Everything that can be asked of the fleet and done to it, once.
fn everything(unit: &mut dyn Unit) -> Result<(), StoreError> {
    let (id, at) = (ChannelId::imei(1).unwrap(), UnixMillis(1));
    let group = unit.group_named("North")?;
    let said = Registration { group: Some(group), device: Some("1".into()), ..Registration::default() };
    unit.register_channel(id, &said, &["old"], at)?;
    unit.register_channel(id, &said, &["new"], at)?;
    unit.know_channel(id, at)?;
    unit.put_heard(id, &HeardState::default(), Some(at))?;
    unit.look_again(id, Some(at))?;
    unit.look_again(id, None)?;
    let downlink = StoredDownlink {
        id: DownlinkId(1),
        card: CardId(1),
        channel: id,
        order: None,
        priority: Priority::Normal,
        frame: Vec::new(),
        address: None,
        state: DownlinkState::Queued,
        network_id: None,
        created_at: at,
        expires_at: at,
        updated_at: at,
    };
    unit.add_downlink(&downlink)?;
    unit.put_downlink(&downlink)?;
    unit.put_downlink_priority(downlink.id, Priority::High)?;
    unit.queued_downlink_of_order(CardId(1), OrderId(1))?;
    unit.add_frame(&NewFrame {
        channel: id,
        at,
        bearer: "udp".into(),
        upward: true,
        bytes: Vec::new(),
        answer: Vec::new(),
        downlink: None,
        outcome: "asked".into(),
        reception: Reception::default(),
        battery: None,
    })?;
    unit.raise_alert(id, AlertKind::Silent, None, at)?;
    unit.clear_alert(id, AlertKind::Silent, at)?;
    unit.clear_alert_of_id(1, at)?;
    unit.put_channel_import([1; 32], &ImportProgress::default(), at)?;
    unit.forget_frames(at, 1, 1)?;
    unit.forget_downlinks(at, 1)?;
    unit.forget_alerts(at, 1)?;
    unit.channel_of_device("udp", "1")?;
    let presence = Some(Presence::Present);
    for tag in [None, Some("new".to_owned())] {
        for (group, presence) in
            [(None, None), (None, presence), (Some(group), None), (Some(group), presence)]
        {
            let filter = ChannelFilter { presence, group, tag: tag.clone(), between: None };
            unit.channels_after(&filter, None, 1)?;
        }
    }
    unit.channels_named("St", None, 1)?;
    unit.groups()?;
    unit.channel_tally()?;
    unit.channels_to_look_at(at, 1)?;
    unit.downlink(DownlinkId(1))?;
    unit.downlink_of_network("1")?;
    unit.queued_downlinks(CardId(1), id)?;
    unit.waiting_downlinks(None, 1)?;
    unit.downlinks_to_hand(None, 1)?;
    unit.waiting_downlink_count(1)?;
    unit.downlinks_before(id, None, 1)?;
    unit.overdue_downlinks(at, 1)?;
    unit.frames_before(id, None, 1)?;
    unit.alerts_before(true, None, 1)?;
    unit.alerts_before(false, None, 1)?;
    unit.alerts_of_channel(id, 1)?;
    unit.open_alert_count(1)?;
    unit.channel_import([1; 32])?;
    Ok(())
}

/// What is walked from its beginning all the same: few (groups, and three for each), or as far as a limit
/// goes, in the order that the index has.
const FROM_END_TO_END: [&str; 9] = [
    "SCAN channel_group USING COVERING INDEX sqlite_autoindex_channel_group_1",
    "SCAN channel_tally",
    "SCAN downlink USING INDEX downlink_to_hand",
    "SCAN downlink USING INDEX downlink_queue",
    "SCAN alert USING INDEX alert_open",
    "SCAN waiting",
    "SCAN open_alerts",
    "SCAN oldest",
    // The oldest, by number, a portion.
    "SCAN frame",
];

/// What is asked often, and how it is found.
const OFTEN: [(&str, &str); 18] = [
    ("from channel_device where bearer = ?", "one_channel_a_device (bearer=? AND device=?)"),
    ("where channel_tag.tag = ?4", "PRIMARY KEY (tag=? AND channel>? AND channel<?)"),
    ("where group_id = ?4 and id", "channel_by_group (group_id=? AND id>? AND id<?)"),
    (
        "where group_id = ?4 and presence",
        "channel_by_group_and_presence (group_id=? AND presence=? AND id>? AND id<?)",
    ),
    ("where presence = ?4", "channel_by_presence (presence=? AND id>? AND id<?)"),
    ("from channel where id > ?1", "PRIMARY KEY (id>? AND id<?)"),
    ("from channel where name", "channel_by_name ((name,id)>(?,?) AND name<?)"),
    ("from channel where look_at", "channel_to_look_at (look_at>? AND look_at<?)"),
    ("from downlink where network_id", "downlink_by_network (network_id=?)"),
    ("from downlink where order_id", "one_waiting_downlink_an_order (order_id=?)"),
    ("from downlink where channel = ? and card", "downlink_waiting (channel=?)"),
    ("from downlink where channel = ? and id", "downlink_by_channel (channel=? AND id<?)"),
    ("state in ('queued', 'handed') and id > ?", "downlink_queue (id>?)"),
    ("and expires_at <= ?", "downlink_expiring (expires_at<?)"),
    ("from frame where channel", "frame_by_channel (channel=? AND seq<?)"),
    ("from alert where channel", "alert_by_channel (channel=?)"),
    ("update alert set cleared_at = ? where channel", "one_open_alert_a_kind (channel=? AND kind=?)"),
    ("delete from channel_tag", "channel_tag_by_channel (channel=?)"),
];

fn texts(connection: &Connection, sql: &str, column: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.raw_query();
    let mut texts = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        texts.push(row.get(column).unwrap());
    }
    texts
}

#[test]
fn what_is_asked_of_the_fleet_is_found_by_an_index_and_never_sorted_and_no_index_stands_idle() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connection::ready(&folder.path().join("counterfoil.db"), Duration::ZERO).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let hear = move |event: TraceEvent<'_>| {
        // What a trigger does comes as a comment.
        if let TraceEvent::Stmt(_, sql) = event
            && !sql.starts_with("--")
        {
            heard.lock().unwrap().push(sql.to_owned());
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(hear)).unwrap();
    let unit = Transaction::begin(&mut connection).unwrap();
    everything(&mut Changes(&unit)).unwrap();
    unit.commit().unwrap();
    let asked: Vec<String> = std::mem::take(&mut *asked.lock().unwrap());
    let mut plans = BTreeMap::new();
    for sql in asked.iter().filter(|sql| !sql.starts_with("BEGIN") && !sql.starts_with("COMMIT")) {
        let plan = texts(&connection, &format!("explain query plan {sql}"), "detail");
        plans.insert(sql.as_str(), plan);
    }
    assert!(plans.len() > 40, "{}", plans.len());
    for (sql, plan) in &plans {
        for step in plan {
            let allowed = FROM_END_TO_END.contains(&step.as_str());
            assert!(allowed || !step.contains("SCAN"), "{sql}: {step}");
            assert!(!step.contains("TEMP B-TREE") && !step.contains("AUTOMATIC"), "{sql}: {step}");
        }
    }
    for (part, found_by) in OFTEN {
        let mut plans = plans.iter().filter(|(sql, _)| sql.contains(part));
        let (Some((sql, plan)), None) = (plans.next(), plans.next()) else { panic!("not one: {part}") };
        assert!(plan.iter().any(|step| step.ends_with(found_by)), "{sql}: {plan:?}");
    }
    // And an index that nothing is found by would cost every write for nothing.
    let indexes = "select name from sqlite_master where type = 'index' and sql is not null and tbl_name in \
                   ('channel', 'channel_group', 'channel_tag', 'channel_tally', 'channel_import', 'downlink', \
                   'frame', 'alert')";
    let indexes = texts(&connection, indexes, "name");
    assert!(indexes.len() > 15, "{indexes:?}");
    for index in indexes {
        let uses = |step: &String| step.split(' ').any(|word| word == index);
        assert!(plans.values().flatten().any(uses), "{index}");
    }
}
