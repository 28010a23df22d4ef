//! What is stored of the fleet, as values.

use fleet::{AlertKind, DownlinkId, DownlinkState, Listening, Presence, Priority, Reception};
use model::{CardId, ChannelId, UnixMillis};
use payment::OrderId;

/// A group of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

/// A group and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelGroup {
    /// Its number.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}

/// What operators say of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// A name to find it by.
    pub name: Option<String>,
    /// Its group.
    pub group: Option<GroupId>,
    /// The bearer that it is expected on.
    pub bearer: Option<String>,
    /// The application, or product, there.
    pub application: Option<String>,
    /// Its name there, for networks that do not name channels by the card's own id.
    pub device: Option<String>,
    /// When its card listens; `None`: as its card says.
    pub listening: Option<Listening>,
    /// How long it may be silent, in seconds; `None`: as for all.
    pub silent_seconds: Option<u32>,
}

/// What networks said of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardState {
    /// Where it stands.
    pub presence: Presence,
    /// When a frame with a right code last came.
    pub at: Option<UnixMillis>,
    /// By which bearer and application it came.
    pub by: Option<String>,
    /// How it was heard.
    pub reception: Reception,
    /// Battery as the card last told, 0 to 200.
    pub battery: Option<u8>,
    /// Firmware as the card last told.
    pub firmware: Option<u16>,
}

/// A channel as the registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChannel {
    /// Which.
    pub id: ChannelId,
    /// What operators say.
    pub registration: Registration,
    /// What networks said.
    pub heard: HeardState,
    /// Since when it is known.
    pub registered_at: UnixMillis,
}

/// What a registration changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The channel is new.
    Added,
    /// It was known, and said otherwise.
    Changed,
    /// All was so already.
    Same,
}

/// Which channels are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelFilter {
    /// Those that stand so.
    pub presence: Option<Presence>,
    /// Those of this group.
    pub group: Option<GroupId>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// Those whose 9 bytes lie between these two, both included.
    pub between: Option<([u8; ChannelId::LENGTH], [u8; ChannelId::LENGTH])>,
}

/// A page of a list of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPage {
    /// The channels, by id.
    pub channels: Vec<StoredChannel>,
    /// Where the list goes on, if it does. A page can be short, even empty, and go on all the same: no page looks at
    /// more than a fixed number of channels.
    pub next: Option<ChannelId>,
}

/// How many channels stand so in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelTally {
    /// The group, if one.
    pub group: Option<GroupId>,
    /// How they stand.
    pub presence: Presence,
    /// How many.
    pub channels: u64,
}

/// A downlink as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDownlink {
    /// Which.
    pub id: DownlinkId,
    /// For which card.
    pub card: CardId,
    /// On which channel.
    pub channel: ChannelId,
    /// For which order, if one.
    pub order: Option<OrderId>,
    /// Which of a card's goes first.
    pub priority: Priority,
    /// The frame; empty while it waits for the card to be heard: a frame's life is short.
    pub frame: Vec<u8>,
    /// Where it goes, once that is known.
    pub address: Option<String>,
    /// Where it stands.
    pub state: DownlinkState,
    /// Its name in the network's own queue.
    pub network_id: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When its time is over.
    pub expires_at: UnixMillis,
    /// When its state last changed.
    pub updated_at: UnixMillis,
}

/// A frame to be kept for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFrame {
    /// On which channel.
    pub channel: ChannelId,
    /// When.
    pub at: UnixMillis,
    /// By which bearer.
    pub bearer: String,
    /// Whether the card sent it.
    pub upward: bool,
    /// The frame.
    pub bytes: Vec<u8>,
    /// What was answered at once; empty for nothing.
    pub answer: Vec<u8>,
    /// The downlink that it, or its answer, is.
    pub downlink: Option<DownlinkId>,
    /// What it led to, as a code.
    pub outcome: String,
    /// How it was heard.
    pub reception: Reception,
    /// Battery that it told.
    pub battery: Option<u8>,
}

/// A frame as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFrame {
    /// Rises over all frames.
    pub seq: i64,
    /// What it is.
    pub frame: NewFrame,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAlert {
    /// Which.
    pub id: i64,
    /// Of which channel.
    pub channel: ChannelId,
    /// What.
    pub kind: AlertKind,
    /// More of it.
    pub detail: Option<String>,
    /// Since when.
    pub raised_at: UnixMillis,
    /// Until when, if it is over.
    pub cleared_at: Option<UnixMillis>,
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Lines that were read, without the header.
    pub lines: u64,
    /// Channels that were new.
    pub added: u64,
    /// Channels that were known and said otherwise.
    pub changed: u64,
    /// Lines that said what was known.
    pub same: u64,
    /// Lines that were refused.
    pub refused: u64,
}
