//! A buyer who orders and takes it back, as fast as it goes: whatever happens to the platform, it happens to one of
//! these calls.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::merchant::Merchant;
use super::platform::Issued;
use super::process::PATIENCE;

/// Between two calls: a person's pace would meet too few kills, a machine's would fill the pages.
const BREATH: Duration = Duration::from_millis(8);

/// What was ordered and taken back.
#[derive(Debug, Default)]
pub(crate) struct Wavered {
    /// Idempotency keys and the orders that they made.
    pub(crate) orders: Vec<(String, String)>,
    /// Calls that the platform did not answer as it should.
    pub(crate) in_vain: usize,
}

/// Someone who cannot decide.
pub(crate) struct Waverer {
    stop: Arc<watch::Sender<bool>>,
    task: JoinHandle<Wavered>,
}

impl Waverer {
    pub(crate) fn begin(merchant: &Merchant, card: &Issued) -> Self {
        let stop = Arc::new(watch::Sender::new(false));
        let (merchant, card, stopped) = (merchant.clone(), card.id.clone(), stop.subscribe());
        let task = tokio::spawn(async move {
            let mut wavered = Wavered::default();
            while !*stopped.borrow() {
                let key = format!("{card}-wavering-{}", wavered.orders.len());
                let (order, in_vain) = merchant.order_at_last(&card, &key).await;
                wavered.in_vain += in_vain;
                sleep(BREATH).await;
                wavered.in_vain += take_back(&merchant, &order.id).await;
                wavered.orders.push((key, order.id));
            }
            wavered
        });
        Self { stop, task }
    }

    /// Decides: nothing more.
    pub(crate) async fn finish(self) -> Wavered {
        self.stop.send_replace(true);
        timeout(PATIENCE, self.task).await.expect("it decides").unwrap()
    }
}

/// An answer that was lost is asked for again, and then it is that the order has ended already.
async fn take_back(merchant: &Merchant, order: &str) -> usize {
    let mut in_vain = 0;
    loop {
        match merchant.cancel(order).await.map(|answer| answer.status()) {
            Ok(StatusCode::OK) => return in_vain,
            Ok(StatusCode::CONFLICT) if in_vain > 0 => return in_vain,
            Ok(StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY) | Err(_) => in_vain += 1,
            Ok(other) => panic!("{order}: {other}"),
        }
        sleep(BREATH).await;
    }
}
