//! The payment platform, the fleet and the base station: what joins the cores to the world.
//!
//! For: turning a card's frame into an order's event, durably, and telling everybody who waits. [`app`] holds
//! the use cases; [`fleet`] knows each card's channel; [`bearer`] carries frames; [`http`] is what
//! merchants call; [`webhooks`] calls merchants; [`web`] is what people look at; [`nodes`] is which of several does what;
//! [`operators`] is who may look at the console; [`secrets`] is what is sealed in the database; [`test_mode`] is a second platform of made-up money for merchants' tests.
//! Refuses: rules of money (`payment`), bytes of frames (`air`), SQL (`store`), keys (`keystore`).
//! Next: [`app::App`] and one press of a key, followed in `ARCHITECTURE.md`.

pub mod app;
pub mod bank;
pub mod bearer;
pub mod fleet;
pub mod http;
mod metrics;
pub mod nodes;
pub mod operators;
pub mod secrets;
pub mod security;
pub mod test_mode;
pub mod tls;
pub mod web;
pub mod webhooks;

pub use app::{App, Chance, Clock, Rules, SystemChance, SystemClock};
pub use fleet::Fleet;
pub use metrics::Metrics;
pub use operators::{Actor, Operators};
pub use secrets::Secrets;
