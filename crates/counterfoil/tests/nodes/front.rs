//! What stands before a bank's nodes: terminals know one address of each server, and it leads to one node at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::program::bank::Bank;

pub(crate) struct Front {
    node: Arc<AtomicUsize>,
    /// Security, transaction.
    ports: Vec<u16>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Front {
    /// Leads to the first.
    pub(crate) async fn before(banks: &[&Bank]) -> Self {
        let mut front = Self { node: Arc::default(), ports: Vec::new(), tasks: Vec::new() };
        let ports = |of: fn(&Bank) -> u16| banks.iter().map(|bank| of(bank)).collect::<Vec<u16>>();
        for nodes in [ports(|bank| bank.security), ports(|bank| bank.transaction)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            front.ports.push(listener.local_addr().unwrap().port());
            front.tasks.push(tokio::spawn(lead(listener, nodes, Arc::clone(&front.node))));
        }
        front
    }

    /// New connections lead there.
    pub(crate) fn lead_to(&self, node: usize) {
        self.node.store(node, Ordering::SeqCst);
    }

    /// Security, transaction.
    pub(crate) fn addresses(&self) -> [String; 2] {
        [0, 1].map(|server: usize| format!("https://127.0.0.1:{}", self.ports[server]))
    }
}

async fn lead(listener: TcpListener, nodes: Vec<u16>, node: Arc<AtomicUsize>) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let port = nodes[node.load(Ordering::SeqCst)];
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
