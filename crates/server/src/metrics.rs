//! What is counted, for Prometheus. Labels are codes of this program, never anything from outside.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Step {
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobName {
    job: &'static str,
}

/// The platform's counters.
pub struct Metrics {
    registry: Registry,
    payments: Family<Outcome, Counter>,
    frames_refused: Family<Reason, Counter>,
    datagrams_refused: Family<Reason, Counter>,
    downlinks: Family<Outcome, Counter>,
    bearer_events: Family<Kind, Counter>,
    bearer_failures: Family<Reason, Counter>,
    tap_outcomes: Family<Outcome, Counter>,
    tap_refused: Family<Code, Counter>,
    sms: Family<Outcome, Counter>,
    loads: Family<State, Gauge>,
    steps: Family<Step, Histogram>,
    write_queue: Gauge,
    open_exchanges: Gauge,
    webhook_attempts: Family<Outcome, Counter>,
    nodes: Gauge,
    clock_apart: Gauge,
    duties: Family<JobName, Gauge>,
    signals: Family<Outcome, Counter>,
}

/// Upper bounds in seconds: from a cached read to a card that is slow.
const BOUNDS: [f64; 14] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("counterfoil");
        let payments = Family::default();
        registry.register("payments", "Orders that ended, by outcome", payments.clone());
        let frames_refused = Family::default();
        registry.register("frames_refused", "Frames from cards that were refused", frames_refused.clone());
        let datagrams_refused = Family::default();
        registry.register("datagrams_refused", "CoAP datagrams that were refused", datagrams_refused.clone());
        let downlinks = Family::default();
        registry.register("downlinks", "Frames sent to cards, by what became of them", downlinks.clone());
        let bearer_events = Family::default();
        let help = "What networks told, by kind";
        registry.register("bearer_events", help, bearer_events.clone());
        let bearer_failures = Family::default();
        let help = "What networks told that was refused, and connections to them that failed, by reason";
        registry.register("bearer_failures", help, bearer_failures.clone());
        let tap_outcomes = Family::default();
        let help = "Transactions with wallet cards that the bank ended, by outcome";
        registry.register("tap_outcomes", help, tap_outcomes.clone());
        let tap_refused = Family::default();
        let help = "Requests of terminals that were refused in clear, by code";
        registry.register("tap_refused", help, tap_refused.clone());
        let sms = Family::default();
        registry.register("sms", "SMS codes, by what became of them", sms.clone());
        let loads = Family::default();
        registry.register("loads", "Loads of wallet cards that have not ended, by state", loads.clone());
        let steps: Family<Step, Histogram> = Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let help = "From a frame's or request's arrival to its durable answer";
        registry.register_with_unit("step", help, Unit::Seconds, steps.clone());
        let write_queue = Gauge::default();
        registry.register("write_queue", "Units of work that wait for the writer", write_queue.clone());
        let open_exchanges = Gauge::default();
        registry.register("coap_open_exchanges", "CoAP requests in hand", open_exchanges.clone());
        let webhook_attempts = Family::default();
        let help = "Attempts to tell merchants' servers something, by outcome";
        registry.register("webhook_attempts", help, webhook_attempts.clone());
        let nodes = Gauge::default();
        registry.register("nodes", "Nodes that serve on this database, this one included", nodes.clone());
        let clock_apart = Gauge::default();
        let help = "This node's clock less the database's, in milliseconds";
        registry.register("clock_apart_milliseconds", help, clock_apart.clone());
        let duties = Family::default();
        registry.register("duties", "What this node does for all: 1 if it is its own", duties.clone());
        let signals = Family::default();
        let help = "What nodes told each other, by what became of it";
        registry.register("signals", help, signals.clone());
        Self {
            registry,
            payments,
            frames_refused,
            datagrams_refused,
            downlinks,
            bearer_events,
            bearer_failures,
            tap_outcomes,
            tap_refused,
            sms,
            loads,
            steps,
            write_queue,
            open_exchanges,
            webhook_attempts,
            nodes,
            clock_apart,
            duties,
            signals,
        }
    }

    /// An order ended so: `paid`, `expired`, `canceled`, or a decline's reason.
    pub fn payment(&self, outcome: &'static str) {
        self.payments.get_or_create(&Outcome { outcome }).inc();
    }

    /// A frame was refused for this reason.
    pub fn frame_refused(&self, reason: &'static str) {
        self.frames_refused.get_or_create(&Reason { reason }).inc();
    }

    /// A datagram was refused for this reason.
    pub fn datagram_refused(&self, reason: &'static str) {
        self.datagrams_refused.get_or_create(&Reason { reason }).inc();
    }

    /// A downlink fared so.
    pub fn downlink(&self, outcome: &'static str) {
        self.downlinks.get_or_create(&Outcome { outcome }).inc();
    }

    /// A network told something of this kind.
    pub fn bearer_event(&self, kind: &'static str) {
        self.bearer_events.get_or_create(&Kind { kind }).inc();
    }

    /// Something that a network told was refused, or a connection to it failed, for this reason.
    pub fn bearer_failed(&self, reason: &'static str) {
        self.bearer_failures.get_or_create(&Reason { reason }).inc();
    }

    /// The bank ended a transaction with a wallet card so.
    pub fn tap_outcome(&self, outcome: &'static str) {
        self.tap_outcomes.get_or_create(&Outcome { outcome }).inc();
    }

    /// A terminal's request was refused by this code.
    pub fn tap_refused(&self, code: &'static str) {
        self.tap_refused.get_or_create(&Code { code }).inc();
    }

    /// An attempt to tell a merchant's server ended so: `delivered`, `refused` (by its status), or why there was no answer.
    pub fn webhook_attempt(&self, outcome: &'static str) {
        self.webhook_attempts.get_or_create(&Outcome { outcome }).inc();
    }

    /// An SMS code fared so: `queued`, `delivered`, `failed` (an attempt), `expired`, or an outcome's name.
    pub fn sms(&self, outcome: &'static str) {
        self.sms.get_or_create(&Outcome { outcome }).inc();
    }

    /// So many loads stand so now: `open` or `in_doubt`.
    pub fn loads(&self, state: &'static str, count: u64) {
        self.loads.get_or_create(&State { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A step took this long.
    pub fn step(&self, step: &'static str, took: Duration) {
        self.steps.get_or_create(&Step { step }).observe(took.as_secs_f64());
    }

    /// Requests in hand at the base station.
    pub fn open_exchanges(&self, count: usize) {
        self.open_exchanges.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// So many nodes are there, and this one's clock is so far from the database's.
    pub fn nodes(&self, count: usize, apart_millis: i64) {
        self.nodes.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.clock_apart.set(apart_millis);
    }

    /// Whether a job is this node's.
    pub fn duty(&self, job: &'static str, own: bool) {
        self.duties.get_or_create(&JobName { job }).set(i64::from(own));
    }

    /// A signal fared so: `heard`, `unknown`, or `missed` (the connection is new).
    pub fn signal(&self, outcome: &'static str) {
        self.signals.get_or_create(&Outcome { outcome }).inc();
    }

    /// Everything as OpenMetrics text.
    pub fn encode(&self, writes_waiting: usize) -> String {
        self.write_queue.set(i64::try_from(writes_waiting).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
