//! The test clock: the machine's and a span ahead, which only grows and is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::UnixMillis;
use payment::MerchantId;
use store::StoreError;

use super::{AdvanceError, TestMode};
use crate::app::{Clock, IdempotencyKey, first_answer, keep_first_answer};

const ENDPOINT: &str = "test.clock.advance";
const STATUS_OK: u16 = 200;

/// The machine's clock and a span ahead.
pub struct TestModeClock {
    machine: Arc<dyn Clock>,
    ahead: AtomicI64,
}

impl TestModeClock {
    pub(super) fn new(machine: Arc<dyn Clock>, ahead: i64) -> Self {
        Self { machine, ahead: AtomicI64::new(ahead) }
    }

    /// Never less than before.
    pub(super) fn set_ahead(&self, millis: i64) {
        self.ahead.fetch_max(millis, Ordering::SeqCst);
    }

    fn machine_with(&self, ahead: i64) -> UnixMillis {
        self.machine.now().plus(ahead)
    }
}

impl Clock for TestModeClock {
    fn now(&self) -> UnixMillis {
        self.machine_with(self.ahead.load(Ordering::SeqCst))
    }

    fn machine(&self) -> UnixMillis {
        self.machine.now()
    }
}

/// Where the clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// What it says.
    pub now: UnixMillis,
    /// How far it is ahead of the machine's, in milliseconds.
    pub ahead: i64,
}

/// How the clock becomes the body of an answer.
pub type RenderClock = Arc<dyn Fn(Advanced) -> String + Send + Sync>;

impl TestMode {
    /// What the clock says.
    pub fn clock(&self) -> Advanced {
        let ahead = self.inner.clock.ahead.load(Ordering::SeqCst);
        Advanced { now: self.inner.clock.machine_with(ahead), ahead }
    }

    /// Sets the clock ahead, and does what is due then: orders lapse, late answers arrive, cards go on with what waits,
    /// first answers and old orders are forgotten, days are closed. The answer's body; `true` if it is the first one again.
    pub async fn advance(
        &self,
        merchant: MerchantId,
        seconds: u32,
        idempotency: Option<IdempotencyKey>,
        render: RenderClock,
    ) -> Result<(String, bool), AdvanceError> {
        let (step_max, ahead_max) = (self.rules().advance_seconds_max, self.rules().ahead_seconds_max);
        if !(1..=step_max).contains(&seconds) {
            return Err(AdvanceError::Step(step_max));
        }
        let mode = self.clone();
        let (body, ahead) = self
            .app()
            .write::<_, AdvanceError>(move |unit| {
                if let Some(first) =
                    first_answer::<AdvanceError>(unit, merchant, ENDPOINT, idempotency.as_ref())?
                {
                    return Ok((first.body, None));
                }
                let clock = unit.test_clock()?.ok_or(StoreError::Malformed("test_clock"))?;
                let ahead = clock.ahead.saturating_add(i64::from(seconds) * 1_000);
                if ahead > i64::from(ahead_max) * 1_000 {
                    return Err(AdvanceError::TooFar(ahead_max));
                }
                unit.put_test_clock(ahead)?;
                // Kept at the time that it leads to: it is not forgotten by its own effect.
                let advanced = Advanced { now: mode.inner.clock.machine_with(ahead), ahead };
                let body = render(advanced);
                let answer = (STATUS_OK, body.as_str());
                keep_first_answer(unit, merchant, ENDPOINT, idempotency.as_ref(), answer, advanced.now)?;
                Ok((body, Some(ahead)))
            })
            .await?;
        let Some(ahead) = ahead else { return Ok((body, true)) };
        self.inner.clock.set_ahead(ahead);
        self.catch_up().await?;
        Ok((body, false))
    }

    /// Does what is due.
    async fn catch_up(&self) -> Result<(), AdvanceError> {
        while self.app().lapse().await? > 0 {}
        while self.fleet().expire().await? > 0 {}
        while self.app().forget_first_answers().await? > 0 {}
        while self.forget().await? > 0 {}
        self.act_all().await?;
        self.app().settle(None).await?;
        Ok(())
    }
}
