//! Telling whoever looks at an order that it changed. What it is now they read from the store.

use std::sync::Arc;

use payment::OrderId;
use tokio::sync::{Notify, broadcast};

/// How many changes a slow reader may fall behind; after that it reads everything it follows anew.
const BACKLOG: usize = 1024;

/// The hub of changes on this node.
pub struct Notices {
    sender: broadcast::Sender<OrderId>,
    /// This node's courier of webhooks, who has an event to look for.
    courier: Arc<Notify>,
}

impl Notices {
    pub(super) fn new(courier: &Arc<Notify>) -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG), courier: Arc::clone(courier) }
    }

    pub(super) fn tell(&self, order: OrderId) {
        // Nobody looking is no error.
        let _ = self.sender.send(order);
        self.courier.notify_one();
    }

    /// Follows one order from now on.
    pub fn follow(&self, order: OrderId) -> Following {
        Following { order, receiver: self.sender.subscribe() }
    }
}

/// One reader of one order's changes.
pub struct Following {
    order: OrderId,
    receiver: broadcast::Receiver<OrderId>,
}

impl Following {
    /// Waits until the order may have changed; `false` when the platform stops.
    pub async fn changed(&mut self) -> bool {
        loop {
            match self.receiver.recv().await {
                Ok(order) if order == self.order => return true,
                Ok(_) => {}
                // What was missed may have been this order's.
                Err(broadcast::error::RecvError::Lagged(_)) => return true,
                Err(broadcast::error::RecvError::Closed) => return false,
            }
        }
    }
}
