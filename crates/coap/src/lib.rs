//! A CoAP endpoint over UDP after RFC 7252, with Observe (RFC 7641): the bearer between a base station and the platform.
//!
//! [`Endpoint`] is a machine without socket, clock or random source. It is client and server at once:
//! both ends of a link are the same type. Peers are named by any type `P` that is [`Peer`]; in practice
//! a `SocketAddr`.
//!
//! # Drain contract
//!
//! After any call of [`handle_datagram`](Endpoint::handle_datagram),
//! [`handle_timeout`](Endpoint::handle_timeout), [`request`](Endpoint::request),
//! [`respond`](Endpoint::respond), [`dismiss`](Endpoint::dismiss), [`observe`](Endpoint::observe) or
//! [`notify`](Endpoint::notify): call
//! [`poll_transmit`](Endpoint::poll_transmit) and [`poll_event`](Endpoint::poll_event) until both return
//! `None`, then sleep until [`poll_timeout`](Endpoint::poll_timeout) or the next datagram. A deadline in
//! the past means: call `handle_timeout` now. Whoever does not drain is told so
//! ([`Refused::QueueFull`]); nothing is queued without bound.
//!
//! # What it does (clauses of RFC 7252, where no other is named)
//!
//! - Confirmable messages are repeated with exponential back-off until acknowledged or reset (§4.2).
//! - Repeated requests and responses are recognised and get the same bytes back (§4.5). A repetition from
//!   another address is a request of its own: only the layer above can know that it is the same.
//! - A request answered within `ack_delay_ms` has its answer in the acknowledgement (§5.2.1); otherwise
//!   it is acknowledged empty and the answer follows as a confirmable message of its own (§5.2.2). A
//!   non-confirmable request has a non-confirmable answer (§5.2.3).
//! - Answers are matched to requests by peer and token (§5.3.2), and go to where the request came from.
//! - Pings, unexpected confirmable responses and malformed confirmable messages are reset (§4.2, §4.3).
//! - Critical options that are not understood are answered 4.02, which says which it was (§5.4.1), unknown
//!   methods 4.05 (§5.8), proxying 5.05 (§5.10.2), too long or block-wise bodies 4.13 with Size1
//!   (§5.9.2.9, RFC 7959).
//! - No more than NSTART requests and notifications at once to a peer (§4.7). One that is not confirmable
//!   counts until it is answered or PROBING_RATE allows for another. Separate answers do not count: the
//!   peer's own requests are their measure.
//! - Who may observe is the caller's choice: it answers a request whose `observe` asks for it by
//!   [`observe`](Endpoint::observe), and tells it more by [`notify`](Endpoint::notify). Notifications are
//!   confirmable, one at a time, in rising numbers and one content format (RFC 7641 §4.2, §4.4, §4.5). A
//!   Reset, a time-out, a deregistration or an error ends the observation.
//! - The client's side takes what is newer and acknowledges the rest (RFC 7641 §3.4); it ends an
//!   observation by a Reset (§3.6), when its request is [cancelled](Endpoint::cancel), and does not
//!   register again by itself.
//!
//! # What it leaves to its caller
//!
//! Resources, `.well-known/core` among them (RFC 6690); 4.04; 4.06 for an `accept` that cannot be met and
//! 4.15 for a `content_format`; Max-Age. Any Uri-Host and Uri-Port is taken for ours.
//!
//! # What it refuses
//!
//! - Block-wise transfer (RFC 7959): 4.13 with Size1 at the first block of several, 4.08 at a later one. A
//!   wish for smaller blocks of an answer is passed over: every answer is one datagram.
//! - Path segments with a slash in them (4.02): joined into a path they would be two.
//! - Preconditions: If-Match and If-None-Match are answered 4.02. ETag and No-Response (RFC 7967) are
//!   elective, and ignored. There is no cache and no proxy.
//! - Multicast: hand in only what came to an address of one's own. From the datagram alone nobody can tell.
//! - DTLS and OSCORE. It protects nothing: whatever must be secret or genuine has to be so before it becomes
//!   a payload, or is the network's to protect.
//!
//! # Example
//!
//! ```
//! use coap::{Code, Config, Endpoint, Event, Millis, Request, Response};
//!
//! let mut card: Endpoint<&str> = Endpoint::new(Config::default(), 1);
//! let mut platform: Endpoint<&str> = Endpoint::new(Config::default(), 2);
//!
//! let asked = card.request(Millis(0), "platform", Request::post("frames", *b"hello"))?;
//! while let Some(transmit) = card.poll_transmit() {
//!     platform.handle_datagram(Millis(10), "card", &transmit.bytes)?;
//! }
//! while let Some(event) = platform.poll_event() {
//!     if let Event::Request { request, responder, .. } = event {
//!         assert_eq!(request.path, "frames");
//!         platform.respond(Millis(20), responder, Response::new(Code::CHANGED))?;
//!     }
//! }
//! while let Some(transmit) = platform.poll_transmit() {
//!     card.handle_datagram(Millis(30), "platform", &transmit.bytes)?;
//! }
//! let Some(Event::Response { exchange, response, .. }) = card.poll_event() else { panic!() };
//! assert_eq!((exchange, response.code), (asked, Code::CHANGED));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where to go next: [`Endpoint`], then [`Config`] for the numbers and [`Refused`] for the rules.

#![no_std]

extern crate alloc;

mod chance;
mod config;
mod endpoint;
mod error;
mod event;
mod exchange;
mod memory;
mod message;
mod observation;
mod peers;
mod time;
mod wire;

pub use config::Config;
pub use endpoint::{Endpoint, Peer};
pub use error::{Failure, Refused, SendError};
pub use event::{Event, Tally, Transmit};
pub use exchange::{ExchangeId, Responder};
pub use message::{Code, ContentFormat, Method, Observe, Request, Response};
pub use observation::{Ended, ObservationId};
pub use time::Millis;
