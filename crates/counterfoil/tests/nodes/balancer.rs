//! What stands before the nodes: connections and datagrams go to one that is in, and elsewhere when it is out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

use crate::program::platform::Platform;

struct Target {
    is_in: AtomicBool,
    http: u16,
    air: u16,
}

pub(crate) struct Balancer {
    targets: Arc<Vec<Target>>,
    tasks: Vec<JoinHandle<()>>,
    pub(crate) http: u16,
    pub(crate) air: u16,
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Balancer {
    pub(crate) async fn before(nodes: &[Platform]) -> Self {
        let target =
            |node: &Platform| Target { is_in: AtomicBool::new(true), http: node.http, air: node.air };
        let targets: Arc<Vec<Target>> = Arc::new(nodes.iter().map(target).collect());
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let air = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let [http_port, air_port] = [http.local_addr().unwrap().port(), air.local_addr().unwrap().port()];
        let tasks = vec![
            tokio::spawn(connections(http, Arc::clone(&targets))),
            tokio::spawn(datagrams(air, Arc::clone(&targets))),
        ];
        Self { targets, tasks, http: http_port, air: air_port }
    }

    /// A node takes nothing new, or takes its part again.
    pub(crate) fn set(&self, node: usize, is_in: bool) {
        self.targets[node].is_in.store(is_in, Ordering::SeqCst);
    }
}

async fn connections(listener: TcpListener, targets: Arc<Vec<Target>>) {
    for turn in 0_usize.. {
        let (mut client, _) = listener.accept().await.unwrap();
        let targets = Arc::clone(&targets);
        tokio::spawn(async move {
            for step in 0..targets.len() {
                let target = &targets[(turn + step) % targets.len()];
                if target.is_in.load(Ordering::SeqCst)
                    && let Ok(mut node) = TcpStream::connect(("127.0.0.1", target.http)).await
                {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
                    return;
                }
            }
        });
    }
}

/// A card's datagrams go to one node as long as it is in, each from a socket of the card's own.
async fn datagrams(air: Arc<UdpSocket>, targets: Arc<Vec<Target>>) {
    let mut ways: HashMap<SocketAddr, (Arc<UdpSocket>, Arc<Mutex<usize>>)> = HashMap::new();
    let mut datagram = vec![0; 2_048];
    loop {
        let (length, from) = air.recv_from(&mut datagram).await.unwrap();
        if !ways.contains_key(&from) {
            let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
            let (back, down) = (Arc::clone(&air), Arc::clone(&socket));
            tokio::spawn(async move {
                let mut datagram = vec![0; 2_048];
                loop {
                    // A port that is closed answers with an error, and the next datagram comes all the same.
                    if let Ok((length, _)) = down.recv_from(&mut datagram).await {
                        back.send_to(&datagram[..length], from).await.unwrap();
                    }
                }
            });
            ways.insert(from, (socket, Arc::new(Mutex::new(ways.len() % targets.len()))));
        }
        let (socket, chosen) = &ways[&from];
        let port = {
            let mut chosen = chosen.lock().unwrap();
            let is_in = |at: &usize| targets[*at].is_in.load(Ordering::SeqCst);
            if !is_in(&chosen) {
                *chosen = (0..targets.len()).find(is_in).unwrap_or(*chosen);
            }
            targets[*chosen].air
        };
        let _ = socket.send_to(&datagram[..length], ("127.0.0.1", port)).await;
    }
}
