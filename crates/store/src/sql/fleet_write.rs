//! [`FleetUnit`] over a session in a transaction.

use ::fleet::{AlertKind, DownlinkId, Presence, Priority};
use model::{CardId, ChannelId, UnixMillis};
use payment::OrderId;

use super::ahead::{self, About};
use super::fleet_row as row;
use super::params;
use super::write::{Changes, read_through};
use crate::error::StoreError;
use crate::fleet::{FleetReading, FleetUnit};
use crate::rows::{
    ChannelFilter, ChannelGroup, ChannelPage, ChannelTally, GroupId, HeardState, ImportProgress, NewFrame,
    Registered, Registration, StoredAlert, StoredChannel, StoredDownlink, StoredFrame,
};

read_through! { FleetReading:
    fn channel(&self, id: ChannelId) -> Option<StoredChannel>;
    fn channel_of_device(&self, bearer: &str, device: &str) -> Option<ChannelId>;
    fn channels_after(&self, filter: &ChannelFilter, after: Option<ChannelId>, limit: u32) -> ChannelPage;
    fn channels_named(&self, begins: &str, after: Option<(&str, ChannelId)>, limit: u32) -> Vec<StoredChannel>;
    fn tags_of(&self, channel: ChannelId) -> Vec<String>;
    fn groups(&self) -> Vec<ChannelGroup>;
    fn group_of_name(&self, name: &str) -> Option<GroupId>;
    fn channel_tally(&self) -> Vec<ChannelTally>;
    fn channels_to_look_at(&self, now: UnixMillis, limit: u32) -> Vec<StoredChannel>;
    fn downlink(&self, id: DownlinkId) -> Option<StoredDownlink>;
    fn downlink_of_network(&self, network_id: &str) -> Option<DownlinkId>;
    fn queued_downlinks(&self, card: CardId, channel: ChannelId) -> Vec<StoredDownlink>;
    fn waiting_downlinks(&self, after: Option<DownlinkId>, limit: u32) -> Vec<StoredDownlink>;
    fn downlinks_to_hand(&self, after: Option<(Priority, DownlinkId)>, limit: u32) -> Vec<StoredDownlink>;
    fn waiting_downlink_count(&self, limit: u32) -> u64;
    fn downlinks_before(&self, channel: ChannelId, before: Option<DownlinkId>, limit: u32)
        -> Vec<StoredDownlink>;
    fn overdue_downlinks(&self, now: UnixMillis, limit: u32) -> Vec<DownlinkId>;
    fn frames_before(&self, channel: ChannelId, before: Option<i64>, limit: u32) -> Vec<StoredFrame>;
    fn alerts_before(&self, open: bool, before: Option<i64>, limit: u32) -> Vec<StoredAlert>;
    fn alerts_of_channel(&self, channel: ChannelId, limit: u32) -> Vec<StoredAlert>;
    fn open_alert_count(&self, limit: u32) -> u64;
    fn channel_import(&self, digest: [u8; 32]) -> Option<ImportProgress>;
}

/// A present channel that may be silent for another time than before is looked at anew, at once.
const REGISTER: &str = "insert into channel (id, name, group_id, bearer, application, device, listening, \
     silent_seconds, registered_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
     on conflict (id) do update set name = ?2, group_id = ?3, bearer = ?4, application = ?5, device = ?6, \
     listening = ?7, silent_seconds = ?8, \
     look_at = case when channel.presence = 1 and channel.silent_seconds is distinct from ?8 \
     then channel.heard_at else channel.look_at end";

impl Changes<'_> {
    /// Keeps which channel a device is, where that is a table of its own.
    fn name_device(
        &self,
        channel: ChannelId,
        before: Option<&Registration>,
        now: &Registration,
    ) -> Result<(), StoreError> {
        fn device(of: &Registration) -> Option<(&str, &str)> {
            of.bearer.as_deref().zip(of.device.as_deref())
        }
        let (before, now) = (before.and_then(device), device(now));
        if before == now || !self.0.has_rules_apart() {
            return Ok(());
        }
        if let Some((bearer, device)) = before {
            let sql = "delete from channel_device where bearer = ? and device = ? and channel = ?";
            self.execute(sql, params![bearer, device, channel.to_bytes()])?;
        }
        if let Some((bearer, device)) = now {
            let sql = "insert into channel_device (bearer, device, channel) values (?, ?, ?)";
            self.execute(sql, params![bearer, device, channel.to_bytes()])?;
        }
        Ok(())
    }
}

impl FleetUnit for Changes<'_> {
    fn group_named(&mut self, name: &str) -> Result<GroupId, StoreError> {
        if let Some(group) = self.group_of_name(name)? {
            return Ok(group);
        }
        let sql = "insert into channel_group (name) values (?) returning id";
        self.insert("channel_group", sql, [name]).map(GroupId)
    }

    fn register_channel(
        &mut self,
        id: ChannelId,
        registration: &Registration,
        tags: &[&str],
        at: UnixMillis,
    ) -> Result<Registered, StoreError> {
        let known = self.channel(id)?;
        let tags_before = if known.is_some() { self.tags_of(id)? } else { Vec::new() };
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        let same_tags = tags == tags_before;
        let registered = match &known {
            None => Registered::Added,
            Some(known) if known.registration == *registration && same_tags => return Ok(Registered::Same),
            Some(_) => Registered::Changed,
        };
        let params = params![
            id.to_bytes(),
            registration.name,
            registration.group.map(|group| group.0),
            registration.bearer,
            registration.application,
            registration.device,
            registration.listening.map(fleet::Listening::number),
            registration.silent_seconds,
            at.0,
        ];
        self.execute(REGISTER, params)?;
        self.name_device(id, known.as_ref().map(|known| &known.registration), registration)?;
        if !same_tags {
            if !tags_before.is_empty() {
                self.execute("delete from channel_tag where channel = ?", [id.to_bytes()])?;
            }
            for tag in tags {
                let sql = "insert into channel_tag (tag, channel) values (?, ?)";
                self.execute(sql, params![tag, id.to_bytes()])?;
            }
        }
        Ok(registered)
    }

    fn know_channel(&mut self, id: ChannelId, at: UnixMillis) -> Result<(), StoreError> {
        let sql = "insert into channel (id, registered_at) values (?, ?) on conflict (id) do nothing";
        self.later(&[About::channel(id)], sql, params![id.to_bytes(), at.0])
    }

    fn put_heard(
        &mut self,
        id: ChannelId,
        heard: &HeardState,
        look_at: Option<UnixMillis>,
    ) -> Result<(), StoreError> {
        let reception = &heard.reception;
        let params = params![
            id.to_bytes(),
            heard.at.map(|at| at.0),
            heard.by,
            reception.rssi_dbm,
            reception.snr_tenths,
            reception.data_rate,
            heard.battery,
            heard.firmware,
        ];
        // A column that is said again is written again in every index that holds it: the frequent case says neither
        // presence nor the next look.
        self.change_one_later(
            "channel",
            &[About::channel(id)],
            "update channel set heard_at = ?2, heard_by = ?3, rssi = ?4, snr = ?5, data_rate = ?6, \
             battery = ?7, firmware = ?8 where id = ?1",
            params,
        )?;
        if let Some(look_at) = look_at {
            let sql = "update channel set presence = ?2, look_at = ?3 where id = ?1";
            let params = params![id.to_bytes(), heard.presence.number(), look_at.0];
            self.change_one("channel", sql, params)?;
        }
        Ok(())
    }

    fn look_again(&mut self, id: ChannelId, at: Option<UnixMillis>) -> Result<(), StoreError> {
        match at {
            Some(at) => {
                let sql = "update channel set look_at = ? where id = ?";
                self.change_one("channel", sql, params![at.0, id.to_bytes()])
            }
            None => {
                let sql = "update channel set presence = ?, look_at = null where id = ?";
                self.change_one("channel", sql, params![Presence::Silent.number(), id.to_bytes()])
            }
        }
    }

    fn add_downlink(&mut self, downlink: &StoredDownlink) -> Result<(), StoreError> {
        let sql = "insert into downlink (id, card, channel, order_id, priority, frame, address, state, reason, \
                   network_id, created_at, expires_at, updated_at) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let params = params![
            downlink.id.0.to_be_bytes(),
            downlink.card.0,
            downlink.channel.to_bytes(),
            downlink.order.map(|order| order.0.to_be_bytes()),
            downlink.priority.number(),
            downlink.frame,
            downlink.address,
            downlink.state.name(),
            downlink.state.reason().map(fleet::FailReason::code),
            downlink.network_id,
            downlink.created_at.0,
            downlink.expires_at.0,
            downlink.updated_at.0,
        ];
        self.later(&[About::downlink(downlink)], sql, params)
    }

    fn put_downlink(&mut self, downlink: &StoredDownlink) -> Result<(), StoreError> {
        let sql = "update downlink set frame = ?, address = ?, state = ?, reason = ?, network_id = ?, \
                   expires_at = ?, updated_at = ? where id = ? and card = ?";
        let params = params![
            downlink.frame,
            downlink.address,
            downlink.state.name(),
            downlink.state.reason().map(fleet::FailReason::code),
            downlink.network_id,
            downlink.expires_at.0,
            downlink.updated_at.0,
            downlink.id.0.to_be_bytes(),
            downlink.card.0,
        ];
        self.change_one_later("downlink", &[About::downlink(downlink)], sql, params)
    }

    fn put_downlink_priority(&mut self, id: DownlinkId, priority: Priority) -> Result<(), StoreError> {
        let sql = "update downlink set priority = ? where id = ? and state = 'queued'";
        self.change_one("downlink", sql, params![priority.number(), id.0.to_be_bytes()])
    }

    fn queued_downlink_of_order(
        &self,
        card: CardId,
        order: OrderId,
    ) -> Result<Option<StoredDownlink>, StoreError> {
        let (about, params) = (About::downlink_of(order), params![order.0.to_be_bytes(), card.0]);
        self.read().one_about(about, ahead::queued_downlink(), params, row::downlink)
    }

    fn add_frame(&mut self, frame: &NewFrame) -> Result<(), StoreError> {
        let sql = "insert into frame (channel, at, bearer, upward, bytes, answer, downlink, outcome, rssi, snr, \
                   data_rate, battery) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let params = params![
            frame.channel.to_bytes(),
            frame.at.0,
            frame.bearer,
            frame.upward,
            frame.bytes,
            frame.answer,
            frame.downlink.map(|id| id.0.to_be_bytes()),
            frame.outcome,
            frame.reception.rssi_dbm,
            frame.reception.snr_tenths,
            frame.reception.data_rate,
            frame.battery,
        ];
        self.later(&[], sql, params)
    }

    fn raise_alert(
        &mut self,
        channel: ChannelId,
        kind: AlertKind,
        detail: Option<&str>,
        at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let sql = "insert into alert (channel, kind, detail, raised_at) values (?, ?, ?, ?) \
                   on conflict (channel, kind) where cleared_at is null do nothing";
        Ok(self.execute(sql, params![channel.to_bytes(), kind.number(), detail, at.0])? > 0)
    }

    fn clear_alert(
        &mut self,
        channel: ChannelId,
        kind: AlertKind,
        at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let sql = "update alert set cleared_at = ? where channel = ? and kind = ? and cleared_at is null";
        Ok(self.execute(sql, params![at.0, channel.to_bytes(), kind.number()])? > 0)
    }

    fn clear_alert_of_id(&mut self, id: i64, at: UnixMillis) -> Result<bool, StoreError> {
        let sql = "update alert set cleared_at = ? where id = ? and cleared_at is null";
        Ok(self.execute(sql, params![at.0, id])? > 0)
    }

    fn put_channel_import(
        &mut self,
        digest: [u8; 32],
        progress: &ImportProgress,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let sql = "insert into channel_import (digest, lines, added, changed, same, refused, updated_at) \
                   values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict (digest) do update set \
                   lines = ?2, added = ?3, changed = ?4, same = ?5, refused = ?6, updated_at = ?7";
        let ImportProgress { lines, added, changed, same, refused } = progress;
        self.execute(sql, params![digest, lines, added, changed, same, refused, at.0])?;
        Ok(())
    }

    fn forget_frames(&mut self, before: UnixMillis, keep: u64, limit: u32) -> Result<u32, StoreError> {
        // Sequence numbers rise with time: the oldest stand first. No more than a portion is looked at, whether or
        // not any of it has grown old.
        let sql = "delete from frame where seq in (select seq from \
                   (select seq, at from frame order by seq limit ?3) as oldest \
                   where at < ?1 or seq <= (select max(seq) from frame) - ?2)";
        let forgotten =
            self.execute(sql, params![before.0, i64::try_from(keep).unwrap_or(i64::MAX), limit])?;
        Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    fn forget_downlinks(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        // Ids begin with their time: those made before a moment stand first.
        let below = DownlinkId::from_time_and_random(before, 0).0.to_be_bytes();
        let sql = "delete from downlink where id in (select id from downlink where id < ? and \
                   state not in ('queued', 'handed') order by id limit ?)";
        let forgotten = self.execute(sql, params![below, limit])?;
        Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    fn forget_alerts(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        let sql = "delete from alert where id in (select id from alert where cleared_at < ? \
                   order by cleared_at limit ?)";
        self.forget(sql, before, limit)
    }
}
