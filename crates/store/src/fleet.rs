//! What a unit of work can see and change of the fleet.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these.
//! Refuses: the life of a downlink and the bounds of alerts (the crate `fleet`). What is guarded here holds when
//! everything above fails: an order waits in one downlink, a channel has one open alert a kind, a device of a network
//! names one channel.
//! Next: [`crate::rows`] for the values.

use ::fleet::{AlertKind, DownlinkId, Priority};
use model::{CardId, ChannelId, UnixMillis};
use payment::OrderId;

use crate::StoreError;
use crate::rows::{
    ChannelFilter, ChannelGroup, ChannelPage, ChannelTally, GroupId, HeardState, ImportProgress, NewFrame,
    Registered, Registration, StoredAlert, StoredChannel, StoredDownlink, StoredFrame,
};

type Found<T> = Result<Option<T>, StoreError>;
type Listed<T> = Result<Vec<T>, StoreError>;

/// How many channels one page looks at, however few of them it shows.
pub const SCAN_MAX: u32 = 2_000;

/// What can be read of the fleet.
pub trait FleetReading {
    /// A channel.
    fn channel(&self, id: ChannelId) -> Found<StoredChannel>;
    /// The channel that a network calls by this name.
    fn channel_of_device(&self, bearer: &str, device: &str) -> Found<ChannelId>;
    /// Channels above an id, by id; no page looks at more than [`SCAN_MAX`].
    fn channels_after(
        &self,
        filter: &ChannelFilter,
        after: Option<ChannelId>,
        limit: u32,
    ) -> Result<ChannelPage, StoreError>;
    /// Channels whose names begin so, by name, above a name and id.
    fn channels_named(
        &self,
        begins: &str,
        after: Option<(&str, ChannelId)>,
        limit: u32,
    ) -> Listed<StoredChannel>;
    /// A channel's tags, in order.
    fn tags_of(&self, channel: ChannelId) -> Listed<String>;
    /// All groups, by name.
    fn groups(&self) -> Listed<ChannelGroup>;
    /// The group of a name.
    fn group_of_name(&self, name: &str) -> Found<GroupId>;
    /// How many channels stand how, group by group.
    fn channel_tally(&self) -> Listed<ChannelTally>;
    /// Channels that are present and due for a look whether they have fallen silent.
    fn channels_to_look_at(&self, now: UnixMillis, limit: u32) -> Listed<StoredChannel>;
    /// A downlink.
    fn downlink(&self, id: DownlinkId) -> Found<StoredDownlink>;
    /// The newest downlink with this name in a network's queue.
    fn downlink_of_network(&self, network_id: &str) -> Found<DownlinkId>;
    /// A card's downlinks that wait here for its channel, the first first.
    fn queued_downlinks(&self, card: CardId, channel: ChannelId) -> Listed<StoredDownlink>;
    /// Downlinks that wait, here or with a network, oldest first, above an id.
    fn waiting_downlinks(&self, after: Option<DownlinkId>, limit: u32) -> Listed<StoredDownlink>;
    /// Downlinks that wait here with a frame and an address, the first first, behind one of them.
    fn downlinks_to_hand(&self, after: Option<(Priority, DownlinkId)>, limit: u32) -> Listed<StoredDownlink>;
    /// How many downlinks wait, counted up to a limit.
    fn waiting_downlink_count(&self, limit: u32) -> Result<u64, StoreError>;
    /// A channel's downlinks, newest first, below an id.
    fn downlinks_before(
        &self,
        channel: ChannelId,
        before: Option<DownlinkId>,
        limit: u32,
    ) -> Listed<StoredDownlink>;
    /// Waiting downlinks whose time is over.
    fn overdue_downlinks(&self, now: UnixMillis, limit: u32) -> Listed<DownlinkId>;
    /// A channel's frames, newest first, below a sequence number.
    fn frames_before(&self, channel: ChannelId, before: Option<i64>, limit: u32) -> Listed<StoredFrame>;
    /// Alerts, newest first, below an id; only the open ones, or all.
    fn alerts_before(&self, open: bool, before: Option<i64>, limit: u32) -> Listed<StoredAlert>;
    /// A channel's alerts, newest first.
    fn alerts_of_channel(&self, channel: ChannelId, limit: u32) -> Listed<StoredAlert>;
    /// How many alerts are open, counted up to a limit.
    fn open_alert_count(&self, limit: u32) -> Result<u64, StoreError>;
    /// How far the import of a file has come.
    fn channel_import(&self, digest: [u8; 32]) -> Found<ImportProgress>;
}

/// What can be changed of the fleet.
pub trait FleetUnit: FleetReading {
    /// The group of a name, made if it is new.
    fn group_named(&mut self, name: &str) -> Result<GroupId, StoreError>;
    /// Keeps what operators say of a channel, with its tags in place of those before.
    fn register_channel(
        &mut self,
        id: ChannelId,
        registration: &Registration,
        tags: &[&str],
        at: UnixMillis,
    ) -> Result<Registered, StoreError>;
    /// Makes a channel known, if it is not.
    fn know_channel(&mut self, id: ChannelId, at: UnixMillis) -> Result<(), StoreError>;
    /// Keeps what networks said of a channel that is known. Where it stands is kept only with `look_at`, when it begins
    /// to be present: most frames come from channels that are.
    fn put_heard(
        &mut self,
        id: ChannelId,
        heard: &HeardState,
        look_at: Option<UnixMillis>,
    ) -> Result<(), StoreError>;
    /// Looks at a present channel again later; or, with `None`, no more, until it is heard: it has fallen silent.
    fn look_again(&mut self, id: ChannelId, at: Option<UnixMillis>) -> Result<(), StoreError>;
    /// Adds a downlink.
    fn add_downlink(&mut self, downlink: &StoredDownlink) -> Result<(), StoreError>;
    /// Keeps a downlink's frame, address, state and times.
    fn put_downlink(&mut self, downlink: &StoredDownlink) -> Result<(), StoreError>;
    /// Keeps a waiting downlink's priority.
    fn put_downlink_priority(&mut self, id: DownlinkId, priority: Priority) -> Result<(), StoreError>;
    /// The downlink that waits here for an order of this card, if one.
    fn queued_downlink_of_order(&self, card: CardId, order: OrderId) -> Found<StoredDownlink>;
    /// Keeps a frame for a while.
    fn add_frame(&mut self, frame: &NewFrame) -> Result<(), StoreError>;
    /// Raises an alert; whether it was not open already.
    fn raise_alert(
        &mut self,
        channel: ChannelId,
        kind: AlertKind,
        detail: Option<&str>,
        at: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Clears a channel's open alert of a kind; whether there was one.
    fn clear_alert(
        &mut self,
        channel: ChannelId,
        kind: AlertKind,
        at: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Clears an open alert; whether it was open.
    fn clear_alert_of_id(&mut self, id: i64, at: UnixMillis) -> Result<bool, StoreError>;
    /// Keeps how far the import of a file has come.
    fn put_channel_import(
        &mut self,
        digest: [u8; 32],
        progress: &ImportProgress,
        at: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Forgets frames that are older than a moment or beyond the newest `keep`; how many.
    fn forget_frames(&mut self, before: UnixMillis, keep: u64, limit: u32) -> Result<u32, StoreError>;
    /// Forgets ended downlinks that were made before a moment; how many.
    fn forget_downlinks(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
    /// Forgets alerts that were cleared before a moment; how many.
    fn forget_alerts(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
}
