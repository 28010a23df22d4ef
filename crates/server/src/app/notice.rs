//! Telling whoever looks at an order that it changed. What it is now they read from the store.

use std::sync::{Arc, OnceLock};

use payment::OrderId;
use tokio::sync::{Notify, broadcast};

use crate::nodes::{Hint, Nodes};

/// How many changes a slow reader may fall behind; after that it reads everything it follows anew.
const BACKLOG: usize = 1024;

/// The hub of changes: those that are made on this node, and those that others tell of.
pub struct Notices {
    /// `None`: any order may have changed.
    sender: broadcast::Sender<Option<OrderId>>,
    /// This node's courier of webhooks, who has an event to look for.
    courier: Arc<Notify>,
    others: OnceLock<Nodes>,
}

impl Notices {
    pub(super) fn new(courier: &Arc<Notify>) -> Self {
        let sender = broadcast::Sender::new(BACKLOG);
        Self { sender, courier: Arc::clone(courier), others: OnceLock::new() }
    }

    /// Other nodes are told as well from now on.
    pub(super) fn join(&self, nodes: Nodes) {
        let _ = self.others.set(nodes);
    }

    /// An order was changed here.
    pub(super) fn tell(&self, order: OrderId) {
        self.told(order);
        if let Some(others) = self.others.get() {
            others.tell(&Hint::Order(order));
        }
    }

    /// An order was changed elsewhere.
    pub fn told(&self, order: OrderId) {
        // Nobody looking is no error.
        let _ = self.sender.send(Some(order));
        self.courier.notify_one();
    }

    /// Something may have been missed: whoever looks at an order reads it anew.
    pub fn missed(&self) {
        let _ = self.sender.send(None);
        self.courier.notify_one();
    }

    /// Whether anybody looks.
    pub fn has_readers(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Follows one order from now on.
    pub fn follow(&self, order: OrderId) -> Following {
        Following { order, receiver: self.sender.subscribe() }
    }
}

/// One reader of one order's changes.
pub struct Following {
    order: OrderId,
    receiver: broadcast::Receiver<Option<OrderId>>,
}

impl Following {
    /// Waits until the order may have changed; `false` when the platform stops.
    pub async fn changed(&mut self) -> bool {
        loop {
            match self.receiver.recv().await {
                Ok(order) if order.is_none_or(|order| order == self.order) => return true,
                Ok(_) => {}
                // What was missed may have been this order's.
                Err(broadcast::error::RecvError::Lagged(_)) => return true,
                Err(broadcast::error::RecvError::Closed) => return false,
            }
        }
    }
}
