//! ChirpStack v4: events and commands of its MQTT integration, with JSON payloads.
//!
//! **Sends** `application/APPLICATION/device/DEVEUI/event/TYPE`: `up` (an uplink), `ack` (the radio's acknowledgement of a
//! confirmed downlink), `txack` (a gateway sent a downlink), `log`, `join`, `status` (battery and margin that it asked of the
//! radio). Fields at their default are left out. Times are RFC 3339.
//! **Takes** `…/command/down`: a downlink for its queue, with our id, which comes back as `queueItemId`.
//! **Repeats** nothing by itself: the broker does (QoS 1), with the same `deduplicationId`.
//! **Vouches** for the DevEUI: whoever holds the device's session keys sent the frame. It proves nothing to our platform
//! about the card: a tenant can claim any DevEUI, and a frame has a code of its own.
//!
//! Read from: ChirpStack's documentation of the event and command types, and measured at a server.

mod command;
mod event;
mod topic;

pub use command::{Command, FPort, FPortError};
pub use event::{
    Ack, DATA_MAX, Device, Event, EventRefused, Gateway, Join, Log, PAYLOAD_MAX, Status, TxAck, Up,
};
pub use topic::{EventType, Topic, TopicError, command_topic, subscription};
