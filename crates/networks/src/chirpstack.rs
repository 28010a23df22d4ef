//! ChirpStack v4: events and commands of its MQTT integration, with JSON payloads.
//!
//! **Sends** `application/APPLICATION/device/DEVEUI/event/TYPE`: `up` (an uplink), `ack` (the radio's acknowledgement of a
//! confirmed downlink), `txack` (a gateway sent a downlink), `log`, `join`, `status` (battery and margin that it asked of the
//! radio). Fields at their default are left out. Times are RFC 3339.
//! **Takes** `…/command/down`: a downlink for its queue, with our id, which comes back as `queueItemId`.
//! **Says of an item**: `txack` that a gateway took it for sending, which is not that it was received; `ack` that the radio
//! acknowledged it or, `acknowledged` left out, that the server no longer waits for that; `log` with `EXPIRED`, at the next
//! uplink, that it outlived `expiresAt`, or with `DOWNLINK_PAYLOAD_SIZE` that it did not fit. Which item, a log says in
//! `context.queue_item_id`; `DOWNLINK_GATEWAY` (a gateway would not send) names none.
//! **Repeats** nothing by itself: the broker does (QoS 1), with the same `deduplicationId`.
//! **Vouches** for the DevEUI: whoever holds the device's session keys sent the frame. It proves nothing to our platform
//! about the card: a tenant can claim any DevEUI, and a frame has a code of its own. The broker vouches for the topic, so a
//! body that names another device or application is refused.
//!
//! Read from: ChirpStack's documentation of the event and command types and its `integration.proto`, and measured at a
//! server. Events that its version 4 has beside these (`location`, `integration`) are refused as not known.

mod command;
mod event;
mod topic;

pub use command::{Command, FPort, FPortError};
pub use event::{
    Ack, Class, DATA_MAX, DESCRIPTION_MAX, Device, Event, EventRefused, Gateway, Join, Log, PAYLOAD_MAX,
    Status, TAGS_MAX, TxAck, Up,
};
pub use topic::{EventType, Topic, TopicError, command_topic, subscription};
