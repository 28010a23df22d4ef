//! Rows of the fleet to values and back.

use ::fleet::{AlertKind, DownlinkId, DownlinkState, FailReason, Listening, Presence, Priority, Reception};
use model::{CardId, ChannelId, UnixMillis};
use payment::OrderId;

use super::Row;
use super::row::{Column, Read, col, id_bytes, malformed, small};
use crate::error::StoreError;
use crate::rows::{
    GroupId, HeardState, NewFrame, Registration, StoredAlert, StoredChannel, StoredDownlink, StoredFrame,
};

pub(super) const CHANNEL: &str = "id, name, group_id, bearer, application, device, listening, silent_seconds, \
     registered_at, presence, heard_at, heard_by, rssi, snr, data_rate, battery, firmware";

pub(super) fn channel_id(row: &Row<'_>, column: Column) -> Read<ChannelId> {
    ChannelId::from_bytes(column.get(row)?).map_err(malformed(column.name))
}

fn moment(row: &Row<'_>, column: Column) -> Read<Option<UnixMillis>> {
    Ok(column.get::<Option<i64>>(row)?.map(UnixMillis))
}

pub(super) fn presence(row: &Row<'_>, column: Column) -> Read<Presence> {
    Presence::from_number(small(row, column)?).ok_or(StoreError::Malformed(column.name))
}

pub(super) fn channel(row: &Row<'_>) -> Read<StoredChannel> {
    let listening = match col!(CHANNEL, "listening").get::<Option<i64>>(row)? {
        Some(number) => {
            Some(Listening::from_number(number).ok_or(StoreError::Malformed("channel.listening"))?)
        }
        None => None,
    };
    Ok(StoredChannel {
        id: channel_id(row, col!(CHANNEL, "id"))?,
        registration: Registration {
            name: col!(CHANNEL, "name").get(row)?,
            group: col!(CHANNEL, "group_id").get::<Option<u32>>(row)?.map(GroupId),
            bearer: col!(CHANNEL, "bearer").get(row)?,
            application: col!(CHANNEL, "application").get(row)?,
            device: col!(CHANNEL, "device").get(row)?,
            listening,
            silent_seconds: col!(CHANNEL, "silent_seconds").get(row)?,
        },
        heard: HeardState {
            presence: presence(row, col!(CHANNEL, "presence"))?,
            at: moment(row, col!(CHANNEL, "heard_at"))?,
            by: col!(CHANNEL, "heard_by").get(row)?,
            reception: Reception {
                rssi_dbm: col!(CHANNEL, "rssi").get(row)?,
                snr_tenths: col!(CHANNEL, "snr").get(row)?,
                data_rate: col!(CHANNEL, "data_rate").get(row)?,
                battery: None,
            },
            battery: col!(CHANNEL, "battery").get(row)?,
            firmware: col!(CHANNEL, "firmware").get(row)?,
        },
        registered_at: UnixMillis(col!(CHANNEL, "registered_at").get(row)?),
    })
}

pub(super) const DOWNLINK: &str = "id, card, channel, order_id, priority, frame, address, state, reason, \
     network_id, created_at, expires_at, updated_at";

pub(super) fn downlink(row: &Row<'_>) -> Read<StoredDownlink> {
    let (state, reason): (String, Option<String>) =
        (col!(DOWNLINK, "state").get(row)?, col!(DOWNLINK, "reason").get(row)?);
    let reason = match reason {
        Some(code) => Some(FailReason::from_code(&code).ok_or(StoreError::Malformed("downlink.reason"))?),
        None => None,
    };
    let order = col!(DOWNLINK, "order_id").get::<Option<[u8; 16]>>(row)?;
    Ok(StoredDownlink {
        id: DownlinkId(id_bytes(row, col!(DOWNLINK, "id"))?),
        card: CardId(small(row, col!(DOWNLINK, "card"))?),
        channel: channel_id(row, col!(DOWNLINK, "channel"))?,
        order: order.map(|bytes| OrderId(u128::from_be_bytes(bytes))),
        priority: Priority::from_number(small(row, col!(DOWNLINK, "priority"))?)
            .ok_or(StoreError::Malformed("downlink.priority"))?,
        frame: col!(DOWNLINK, "frame").get(row)?,
        address: col!(DOWNLINK, "address").get(row)?,
        state: DownlinkState::from_name(&state, reason).ok_or(StoreError::Malformed("downlink.state"))?,
        network_id: col!(DOWNLINK, "network_id").get(row)?,
        created_at: UnixMillis(col!(DOWNLINK, "created_at").get(row)?),
        expires_at: UnixMillis(col!(DOWNLINK, "expires_at").get(row)?),
        updated_at: UnixMillis(col!(DOWNLINK, "updated_at").get(row)?),
    })
}

pub(super) const FRAME: &str = "seq, channel, at, bearer, upward, bytes, answer, downlink, outcome, rssi, snr, \
     data_rate, battery";

pub(super) fn frame(row: &Row<'_>) -> Read<StoredFrame> {
    let downlink = col!(FRAME, "downlink").get::<Option<[u8; 16]>>(row)?;
    Ok(StoredFrame {
        seq: col!(FRAME, "seq").get(row)?,
        frame: NewFrame {
            channel: channel_id(row, col!(FRAME, "channel"))?,
            at: UnixMillis(col!(FRAME, "at").get(row)?),
            bearer: col!(FRAME, "bearer").get(row)?,
            upward: col!(FRAME, "upward").get(row)?,
            bytes: col!(FRAME, "bytes").get(row)?,
            answer: col!(FRAME, "answer").get(row)?,
            downlink: downlink.map(|bytes| DownlinkId(u128::from_be_bytes(bytes))),
            outcome: col!(FRAME, "outcome").get(row)?,
            reception: Reception {
                rssi_dbm: col!(FRAME, "rssi").get(row)?,
                snr_tenths: col!(FRAME, "snr").get(row)?,
                data_rate: col!(FRAME, "data_rate").get(row)?,
                battery: None,
            },
            battery: col!(FRAME, "battery").get(row)?,
        },
    })
}

pub(super) const ALERT: &str = "id, channel, kind, detail, raised_at, cleared_at";

pub(super) fn alert(row: &Row<'_>) -> Read<StoredAlert> {
    Ok(StoredAlert {
        id: col!(ALERT, "id").get(row)?,
        channel: channel_id(row, col!(ALERT, "channel"))?,
        kind: AlertKind::from_number(small(row, col!(ALERT, "kind"))?)
            .ok_or(StoreError::Malformed("alert.kind"))?,
        detail: col!(ALERT, "detail").get(row)?,
        raised_at: UnixMillis(col!(ALERT, "raised_at").get(row)?),
        cleared_at: moment(row, col!(ALERT, "cleared_at"))?,
    })
}
