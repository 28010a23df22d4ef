//! A file of an earlier program as this one finds it: what the fleet's schema makes of the cards that were there.
//! How a file of version 1 fares is in `tests/sqlite.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod maker;

use std::path::Path;

use fleet::Presence;
use maker::{channel, kept};
use model::{ChannelId, UnixMillis};
use payment::{AccountId, OrderId};
use rusqlite::{Connection, params};
use store::sqlite::open;
use store::{ChannelFilter, ChannelTally, HeardState, Registered, Registration, StoredChannel};

/// The schemas before the fleet's, which no file that has them sees change.
const V1: &str = include_str!("../migrations/sqlite/V1__begin.sql");
const V2: &str = include_str!("../migrations/sqlite/V2__tap.sql");

/// A database as the program of version 2 left it. The checksums in its history are of every byte of the two.
fn made_by_version_2(file: &Path) -> Connection {
    let raw = Connection::open(file).unwrap();
    let history = "create table refinery_schema_history (
            version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255)
        );
        insert into refinery_schema_history values
            (1, 'begin', '2026-11-20T18:31:28Z', '17657208774858686263'),
            (2, 'tap', '2026-11-24T10:02:29Z', '1229893371005541512');";
    raw.execute_batch(&format!("pragma journal_mode = wal; {V1} {V2} {history}")).unwrap();
    raw
}

/// A card made so many seconds after the air epoch.
fn add_card(raw: &Connection, id: u32, life_cycle: &str, made_at: u32, on: ChannelId) {
    let sql =
        "insert into card (id, number, certificate, made_for, made_at, life_cycle, valid_until, has_display,
            listens, suite, key_version, check_value, channel)
        values (?1, ?1, ?1, 1, ?2, ?3, 4102444800000, 1, 0, 1, 1, x'000000', ?4)";
    raw.execute(sql, params![id, made_at, life_cycle, on.to_bytes()]).unwrap();
}

/// What was heard of a card.
fn add_link(raw: &Connection, card: u32, heard_at: Option<i64>, battery: Option<u8>, firmware: Option<u16>) {
    let sql =
        "insert into link_state (card, key_version, heard_at, battery, firmware) values (?, 1, ?, ?, ?)";
    raw.execute(sql, params![card, heard_at, battery, firmware]).unwrap();
}

#[tokio::test]
async fn each_open_card_of_a_database_of_version_2_has_its_channel_and_a_closed_one_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.db");
    let raw = made_by_version_2(&file);
    for (id, life_cycle, made_at) in
        [(1, "issued", 212_205_568), (2, "active", 1), (3, "frozen", 2), (4, "lost", u32::MAX)]
    {
        add_card(&raw, id, life_cycle, made_at, channel(id));
    }
    add_link(&raw, 2, Some(1_795_199_488_001), Some(200), Some(u16::MAX));
    add_link(&raw, 3, None, None, None);
    add_link(&raw, 4, Some(1_795_199_488_000), Some(0), None);
    // One that is closed, and one whose channel another card has since.
    add_card(&raw, 5, "closed", 5, channel(5));
    add_link(&raw, 5, Some(1_795_199_488_002), Some(100), Some(1));
    add_card(&raw, 6, "closed", 6, channel(6));
    add_link(&raw, 6, Some(1_795_199_488_003), Some(50), Some(2));
    add_card(&raw, 7, "issued", 7, channel(6));
    drop(raw);

    let known = |n, registered_at, heard| StoredChannel {
        id: channel(n),
        registration: Registration::default(),
        heard,
        registered_at: UnixMillis(registered_at),
    };
    let present = |at, battery, firmware| HeardState {
        presence: Presence::Present,
        at: Some(UnixMillis(at)),
        battery: Some(battery),
        firmware,
        ..HeardState::default()
    };
    // A card says when it was made in seconds since 2020; a channel, in milliseconds since 1970. By id: the greater
    // the number, the smaller.
    let channels = [
        known(6, 1_577_836_807_000, HeardState::default()),
        known(4, (1_577_836_800 + i64::from(u32::MAX)) * 1_000, present(1_795_199_488_000, 0, None)),
        known(3, 1_577_836_802_000, HeardState::default()),
        known(2, 1_577_836_801_000, present(1_795_199_488_001, 200, Some(u16::MAX))),
        known(1, 1_790_042_368_000, HeardState::default()),
    ];
    let tally = |presence, channels| ChannelTally { group: None, presence, channels };
    // Once to migrate it, once as it is from then on.
    for _ in 0..2 {
        let store = open(&file).unwrap();
        let page = store.peek(|rows| rows.channels_after(&ChannelFilter::default(), None, 9)).unwrap();
        assert_eq!((page.channels, page.next), (channels.to_vec(), None));
        let counted = [tally(Presence::Unheard, 3), tally(Presence::Present, 2)];
        assert_eq!(store.peek(|rows| rows.channel_tally()), Ok(counted.to_vec()));
        // Those that were heard are looked at from when they were, the longest unheard first.
        let due = |at| {
            let due = store.peek(|rows| rows.channels_to_look_at(UnixMillis(at), 9)).unwrap();
            due.into_iter().map(|channel| channel.id).collect::<Vec<_>>()
        };
        assert_eq!(due(1_795_199_487_999), []);
        assert_eq!(due(1_795_199_488_000), [channel(4)]);
        assert_eq!(due(i64::MAX), [channel(4), channel(2)]);
    }
    // And they are registered as all others are.
    let store = open(&file).unwrap();
    let named = Registration { name: Some("Stall 1".into()), ..Registration::default() };
    let registered =
        kept(&store, move |unit| unit.register_channel(channel(1), &named, &["old"], UnixMillis(1))).await;
    assert_eq!(registered, Registered::Changed);
    let first = store.peek(|rows| rows.channel(channel(1))).unwrap().unwrap();
    assert_eq!(
        (first.registration.name.as_deref(), first.registered_at.0),
        (Some("Stall 1"), 1_790_042_368_000)
    );
    drop(store);
    // Its schema is that of a file that began with the fleet's, word for word.
    let new = folder.path().join("new.db");
    drop(open(&new).unwrap());
    let [migrated, begun] = [&file, &new].map(|path| {
        let raw = Connection::open(path).unwrap();
        let sql = "select name, sql from sqlite_master where name <> 'refinery_schema_history' order by name";
        let mut schema = raw.prepare(sql).unwrap();
        let rows = schema.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<Vec<(String, Option<String>)>, _>>().unwrap()
    });
    assert_eq!(migrated, begun);
}

#[tokio::test]
async fn a_payment_of_before_is_known_by_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.db");
    let raw = made_by_version_2(&file);
    raw.execute_batch(
        "insert into account values (7, 'holder', 1, 156, -500, 0, 0), (8, 'merchant', 1, 156, 500, 0, 0);
         insert into transfer values
            (x'00000000000000000000000000000001', 7, 8, 156, 500, 500, 1, 'payment', null, 1, 2);
         insert into posting values (1, x'00000000000000000000000000000001', 7, -500, 2),
            (2, x'00000000000000000000000000000001', 8, 500, 2);
         insert into orders values (x'000000000000000000000000000000ff', 1, 1, 156, 500, 1, null, null, 'paid', null,
            x'00000000000000000000000000000001', 'invoice 7', null, 1, 2, 3);",
    )
    .unwrap();
    drop(raw);
    let store = open(&file).unwrap();
    let all = (UnixMillis(0), UnixMillis(i64::MAX));
    let moved = store.peek(|rows| rows.movements(AccountId(8), all.0, all.1, 0, 9)).unwrap();
    let seen: Vec<_> = moved.iter().map(|it| (it.order, it.reference.as_deref(), it.units)).collect();
    assert_eq!(seen, [(Some(OrderId(255)), Some("invoice 7"), 500)]);
}
