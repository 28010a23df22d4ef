//! [`FleetReading`] over a connection.

use ::fleet::{DownlinkId, Priority};
use model::{CardId, ChannelId, UnixMillis};

use super::ahead::About;
use super::fleet_row as row;
use super::read::{Rows, select};
use super::row::{Column, col};
use super::{ToArg, params};
use crate::error::StoreError;
use crate::fleet::{FleetReading, SCAN_MAX};
use crate::rows::{
    ChannelFilter, ChannelGroup, ChannelPage, ChannelTally, GroupId, ImportProgress, StoredAlert,
    StoredChannel, StoredDownlink, StoredFrame,
};

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;
const TALLY: &str = "group_id, presence, channels";
const IDS: &str = "id, group_id, presence";
const LOWEST: [u8; ChannelId::LENGTH] = [0; ChannelId::LENGTH];
const HIGHEST: [u8; ChannelId::LENGTH] = [0xff; ChannelId::LENGTH];

/// Which index walks a filter; what it does not hold is compared row by row.
fn walk(filter: &ChannelFilter) -> (&'static str, Vec<Box<dyn ToArg>>) {
    match filter {
        ChannelFilter { tag: Some(tag), .. } => (
            "select channel.id, channel.group_id, channel.presence from channel_tag \
             join channel on channel.id = channel_tag.channel \
             where channel_tag.tag = ?4 and channel_tag.channel > ?1 and channel_tag.channel <= ?2 \
             order by channel_tag.channel limit ?3",
            vec![Box::new(tag.clone())],
        ),
        ChannelFilter { group: Some(group), presence: Some(presence), .. } => (
            "select id, group_id, presence from channel indexed by channel_by_group_and_presence \
             where group_id = ?4 and presence = ?5 and id > ?1 and id <= ?2 order by id limit ?3",
            vec![Box::new(group.0), Box::new(presence.number())],
        ),
        ChannelFilter { group: Some(group), .. } => (
            "select id, group_id, presence from channel indexed by channel_by_group \
             where group_id = ?4 and id > ?1 and id <= ?2 order by id limit ?3",
            vec![Box::new(group.0)],
        ),
        ChannelFilter { presence: Some(presence), .. } => (
            "select id, group_id, presence from channel indexed by channel_by_presence \
             where presence = ?4 and id > ?1 and id <= ?2 order by id limit ?3",
            vec![Box::new(presence.number())],
        ),
        ChannelFilter { .. } => (
            "select id, group_id, presence from channel where id > ?1 and id <= ?2 order by id limit ?3",
            vec![],
        ),
    }
}

/// The bytes just below a channel's, so that `>` includes it.
fn just_below(mut bytes: [u8; ChannelId::LENGTH]) -> [u8; ChannelId::LENGTH] {
    for byte in bytes.iter_mut().rev() {
        let (lower, borrowed) = byte.overflowing_sub(1);
        *byte = lower;
        if !borrowed {
            return bytes;
        }
    }
    LOWEST
}

impl FleetReading for Rows<'_> {
    fn channel(&self, id: ChannelId) -> Result<Option<StoredChannel>, StoreError> {
        let sql = select!(row::CHANNEL, "from channel where id = ?");
        self.one_about(About::channel(id), sql, [id.to_bytes()], row::channel)
    }

    fn channel_of_device(&self, bearer: &str, device: &str) -> Result<Option<ChannelId>, StoreError> {
        let sql = "select channel as id from channel_device where bearer = ? and device = ?";
        self.one(sql, [bearer, device], |found| row::channel_id(found, col!("id", "id")))
    }

    fn channels_after(
        &self,
        filter: &ChannelFilter,
        after: Option<ChannelId>,
        limit: u32,
    ) -> Result<ChannelPage, StoreError> {
        let (first, last) = filter.between.unwrap_or((LOWEST, HIGHEST));
        let above = after.map_or(just_below(first), ChannelId::to_bytes).max(just_below(first));
        let (sql, more) = walk(filter);
        // Only a tag leaves anything to compare; all else is in the index that is walked.
        let scan = if filter.tag.is_some() { SCAN_MAX.max(limit) } else { limit };
        let mut params: Vec<Box<dyn ToArg>> = vec![Box::new(above), Box::new(last), Box::new(scan)];
        params.extend(more);
        let looked_at = self.many(sql, params, |found| {
            let group = col!(IDS, "group_id").get::<Option<u32>>(found)?.map(GroupId);
            let presence = row::presence(found, col!(IDS, "presence"))?;
            let fits = filter.group.is_none_or(|wanted| group == Some(wanted))
                && filter.presence.is_none_or(|wanted| presence == wanted);
            Ok((row::channel_id(found, col!(IDS, "id"))?, fits))
        })?;
        let (mut channels, mut seen) = (Vec::new(), 0_u32);
        let mut last_seen = None;
        for (id, fits) in looked_at {
            if channels.len() >= limit as usize {
                return Ok(ChannelPage { channels, next: last_seen });
            }
            (seen, last_seen) = (seen + 1, Some(id));
            if fits {
                channels.extend(self.channel(id)?);
            }
        }
        Ok(ChannelPage { channels, next: last_seen.filter(|_| seen >= scan) })
    }

    fn channels_named(
        &self,
        begins: &str,
        after: Option<(&str, ChannelId)>,
        limit: u32,
    ) -> Result<Vec<StoredChannel>, StoreError> {
        let (name, id) = after.map_or((begins, LOWEST), |(name, id)| (name, id.to_bytes()));
        // The last of all characters, more often than it has room in a name: behind every name that begins so.
        let end = begins.to_owned() + &"\u{10ffff}".repeat(NAME_BYTES_MAX / 4 + 1);
        let sql = select!(
            row::CHANNEL,
            "from channel where name is not null and (name, id) > (?, ?) and name >= ? \
             and name < ? order by name, id limit ?"
        );
        self.many(sql, params![name, id, begins, end, limit], row::channel)
    }

    fn tags_of(&self, channel: ChannelId) -> Result<Vec<String>, StoreError> {
        let sql = "select tag from channel_tag where channel = ? order by tag";
        self.many(sql, [channel.to_bytes()], |found| found.get(0))
    }

    fn groups(&self) -> Result<Vec<ChannelGroup>, StoreError> {
        self.many("select id, name from channel_group order by name", params![], |found| {
            Ok(ChannelGroup { id: GroupId(found.get(0)?), name: found.get(1)? })
        })
    }

    fn group_of_name(&self, name: &str) -> Result<Option<GroupId>, StoreError> {
        self.one("select id from channel_group where name = ?", [name], |found| Ok(GroupId(found.get(0)?)))
    }

    fn channel_tally(&self) -> Result<Vec<ChannelTally>, StoreError> {
        let sql = select!(TALLY, "from channel_tally where channels > 0 order by group_id, presence");
        self.many(sql, params![], |found| {
            let group = col!(TALLY, "group_id").get::<u32>(found)?;
            Ok(ChannelTally {
                group: (group != 0).then_some(GroupId(group)),
                presence: row::presence(found, col!(TALLY, "presence"))?,
                channels: col!(TALLY, "channels").get(found)?,
            })
        })
    }

    fn channels_to_look_at(&self, now: UnixMillis, limit: u32) -> Result<Vec<StoredChannel>, StoreError> {
        let sql = select!(
            row::CHANNEL,
            "from channel where look_at is not null and look_at <= ? order by look_at limit ?"
        );
        self.many(sql, params![now.0, limit], row::channel)
    }

    fn downlink(&self, id: DownlinkId) -> Result<Option<StoredDownlink>, StoreError> {
        let sql = select!(row::DOWNLINK, "from downlink where id = ?");
        self.one(sql, [id.0.to_be_bytes()], row::downlink)
    }

    fn downlink_of_network(&self, network_id: &str) -> Result<Option<DownlinkId>, StoreError> {
        let sql = "select id from downlink where network_id = ? order by id desc limit 1";
        self.one(sql, [network_id], |found| Ok(DownlinkId(super::row::id_bytes(found, col!("id", "id"))?)))
    }

    fn queued_downlinks(&self, card: CardId, channel: ChannelId) -> Result<Vec<StoredDownlink>, StoreError> {
        let sql = select!(
            row::DOWNLINK,
            "from downlink where channel = ? and card = ? and state = 'queued' order by priority, id"
        );
        self.many(sql, params![channel.to_bytes(), card.0], row::downlink)
    }

    fn waiting_downlinks(
        &self,
        after: Option<DownlinkId>,
        limit: u32,
    ) -> Result<Vec<StoredDownlink>, StoreError> {
        let after = after.map_or([0; 16], |id| id.0.to_be_bytes());
        let sql = select!(
            row::DOWNLINK,
            "from downlink where state in ('queued', 'handed') and id > ? order by id limit ?"
        );
        self.many(sql, params![after, limit], row::downlink)
    }

    fn downlinks_to_hand(
        &self,
        after: Option<(Priority, DownlinkId)>,
        limit: u32,
    ) -> Result<Vec<StoredDownlink>, StoreError> {
        let (priority, id) =
            after.map_or((0, [0; 16]), |(priority, id)| (priority.number(), id.0.to_be_bytes()));
        let sql = select!(
            row::DOWNLINK,
            "from downlink where state = 'queued' and address is not null and length(frame) > 0 \
             and (priority, id) > (?, ?) order by priority, id limit ?"
        );
        self.many(sql, params![priority, id, limit], row::downlink)
    }

    fn waiting_downlink_count(&self, limit: u32) -> Result<u64, StoreError> {
        let sql = "select count(*) from \
                   (select 1 from downlink where state in ('queued', 'handed') limit ?) as waiting";
        Ok(self.one(sql, [limit], |found| found.get(0))?.unwrap_or(0))
    }

    fn downlinks_before(
        &self,
        channel: ChannelId,
        before: Option<DownlinkId>,
        limit: u32,
    ) -> Result<Vec<StoredDownlink>, StoreError> {
        let before = before.map_or([0xff; 16], |id| id.0.to_be_bytes());
        let sql =
            select!(row::DOWNLINK, "from downlink where channel = ? and id < ? order by id desc limit ?");
        self.many(sql, params![channel.to_bytes(), before, limit], row::downlink)
    }

    fn overdue_downlinks(&self, now: UnixMillis, limit: u32) -> Result<Vec<DownlinkId>, StoreError> {
        let sql = "select id from downlink where state in ('queued', 'handed') and expires_at <= ? \
                   order by expires_at limit ?";
        self.many(sql, params![now.0, limit], |found| {
            Ok(DownlinkId(super::row::id_bytes(found, col!("id", "id"))?))
        })
    }

    fn frames_before(
        &self,
        channel: ChannelId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredFrame>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let sql = select!(row::FRAME, "from frame where channel = ? and seq < ? order by seq desc limit ?");
        self.many(sql, params![channel.to_bytes(), before, limit], row::frame)
    }

    fn alerts_before(
        &self,
        open: bool,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredAlert>, StoreError> {
        let params = params![before.unwrap_or(i64::MAX), limit];
        if open {
            let sql = select!(
                row::ALERT,
                "from alert where cleared_at is null and id < ? order by id desc limit ?"
            );
            self.many(sql, params, row::alert)
        } else {
            let sql = select!(row::ALERT, "from alert where id < ? order by id desc limit ?");
            self.many(sql, params, row::alert)
        }
    }

    fn alerts_of_channel(&self, channel: ChannelId, limit: u32) -> Result<Vec<StoredAlert>, StoreError> {
        let sql = select!(row::ALERT, "from alert where channel = ? order by id desc limit ?");
        self.many(sql, params![channel.to_bytes(), limit], row::alert)
    }

    fn open_alert_count(&self, limit: u32) -> Result<u64, StoreError> {
        let sql =
            "select count(*) from (select 1 from alert where cleared_at is null limit ?) as open_alerts";
        Ok(self.one(sql, [limit], |found| found.get(0))?.unwrap_or(0))
    }

    fn channel_import(&self, digest: [u8; 32]) -> Result<Option<ImportProgress>, StoreError> {
        let sql = "select lines, added, changed, same, refused from channel_import where digest = ?";
        self.one(sql, [digest], |found| {
            Ok(ImportProgress {
                lines: found.get(0)?,
                added: found.get(1)?,
                changed: found.get(2)?,
                same: found.get(3)?,
                refused: found.get(4)?,
            })
        })
    }
}
