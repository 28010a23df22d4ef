//! Channels, downlinks and frames as values to start from.

use fleet::{DownlinkId, DownlinkState, Presence, Priority, Reception};
use store::{HeardState, NewFrame, Registered, Registration, Store, StoredDownlink};

use super::{MORNING, card, channel, kept};

/// How radio is at its extremes: as low, and as high, as it can be told.
pub(crate) const FAINT: Reception =
    Reception { rssi_dbm: Some(i16::MIN), snr_tenths: Some(i16::MIN), data_rate: Some(0), battery: None };
pub(crate) const LOUD: Reception = Reception {
    rssi_dbm: Some(i16::MAX),
    snr_tenths: Some(i16::MAX),
    data_rate: Some(u8::MAX),
    battery: None,
};

pub(crate) async fn register(
    store: &Store,
    n: u32,
    registration: &Registration,
    tags: &'static [&str],
) -> Registered {
    let registration = registration.clone();
    kept(store, move |unit| unit.register_channel(channel(n), &registration, tags, MORNING)).await
}

pub(crate) fn heard(presence: Presence, millis: i64) -> HeardState {
    HeardState { presence, at: Some(MORNING.plus(millis)), ..HeardState::default() }
}

/// A downlink made `millis` after the morning, for the card and the channel of a number.
pub(crate) fn downlink(millis: i64, on: u32) -> StoredDownlink {
    let created_at = MORNING.plus(millis);
    StoredDownlink {
        id: DownlinkId::from_time_and_random(created_at, u128::from(on)),
        card: card(on).record.information.card_id,
        channel: channel(on),
        order: None,
        priority: Priority::Normal,
        frame: Vec::new(),
        address: None,
        state: DownlinkState::Queued,
        network_id: None,
        created_at,
        expires_at: created_at.plus(180_000),
        updated_at: created_at,
    }
}

pub(crate) async fn add_downlinks(store: &Store, downlinks: impl IntoIterator<Item = StoredDownlink>) {
    let downlinks = Vec::from_iter(downlinks);
    kept(store, move |unit| downlinks.iter().try_for_each(|downlink| unit.add_downlink(downlink))).await;
}

/// A frame that came `n` milliseconds after the morning, on the channel of a number.
pub(crate) fn frame(n: u8, on: u32) -> NewFrame {
    NewFrame {
        channel: channel(on),
        at: MORNING.plus(n.into()),
        bearer: "chirpstack".into(),
        upward: n != 3,
        bytes: vec![n; 51],
        answer: vec![n; usize::from(n)],
        downlink: Some(downlink(n.into(), 1).id),
        outcome: "asked".into(),
        reception: Reception {
            rssi_dbm: Some(-99),
            snr_tenths: Some(-5),
            data_rate: Some(2),
            ..Reception::default()
        },
        battery: Some(n),
    }
}
