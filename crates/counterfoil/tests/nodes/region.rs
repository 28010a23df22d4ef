//! Nodes on one database: each with a folder, addresses and a name of its own, and the same keys.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cluster::{Cluster, Database};
use serde_json::Value;

use crate::program::platform::Platform;
use crate::program::process::{PATIENCE, Program};

pub(crate) struct Region {
    pub(crate) database: Database,
    first: Option<std::path::PathBuf>,
}

impl Region {
    /// A database with its tables, and no node yet.
    pub(crate) fn new() -> Self {
        static LIKE: OnceLock<String> = OnceLock::new();
        let cluster = Cluster::shared();
        let like = LIKE.get_or_init(|| {
            let database = cluster.fresh(None).unwrap();
            let first = Self { database, first: None };
            first.bare("first").run(&["ledger", "check"]).well();
            first.database.name
        });
        Self { database: cluster.fresh(Some(like)).unwrap(), first: None }
    }

    fn bare(&self, name: &str) -> Platform {
        let platform = Platform::bare();
        let section = format!("\n[database]\nurl = \"{}\"\nnode = \"{name}\"\n", self.database.url);
        let text = std::fs::read_to_string(&platform.config).unwrap();
        std::fs::write(&platform.config, text + &section).unwrap();
        platform
    }

    /// One more node; the first makes the keys, which the others copy.
    pub(crate) fn node(&mut self, name: &str) -> Platform {
        self.node_with(name, "")
    }

    /// One more node, with further sections in its configuration.
    pub(crate) fn node_with(&mut self, name: &str, sections: &str) -> Platform {
        let platform = self.bare(name);
        let text = std::fs::read_to_string(&platform.config).unwrap();
        std::fs::write(&platform.config, text + sections).unwrap();
        match &self.first {
            None => {
                platform.run(&["keys", "init"]).well();
                self.first = Some(platform.data.join("keys.cfks"));
            }
            Some(keys) => {
                std::fs::create_dir_all(&platform.data).unwrap();
                std::fs::copy(keys, platform.data.join("keys.cfks")).unwrap();
            }
        }
        platform
    }

    /// What the database says.
    pub(crate) fn asks(&self, sql: &str) -> String {
        Cluster::shared().ask(&self.database.name, sql).unwrap()
    }

    /// Asks the database until it says so.
    pub(crate) async fn says(&self, sql: &str, expected: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.asks(sql);
            if said == expected {
                return;
            }
            assert!(Instant::now() < until, "{sql}: {said}, and not {expected}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What a node says of itself and the others.
pub(crate) async fn health(node: &Platform) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://127.0.0.1:{}/health", node.operations)).send().await.unwrap();
    answer.json().await.unwrap()
}

/// Looks at a node's health until it is so.
pub(crate) async fn becomes(node: &Platform, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let health = health(node).await;
        if is_so(&health) {
            return health;
        }
        assert!(Instant::now() < until, "waited in vain for {what}: {health}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a node has heard of so many that live.
pub(crate) async fn sees(node: &Platform, count: usize) {
    becomes(node, "the others", |health| health["nodes"].as_array().unwrap().len() == count).await;
}

/// A counter of a node.
pub(crate) async fn counted(node: &Platform, series: &str) -> u64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://127.0.0.1:{}/metrics", node.operations)).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    found.unwrap_or(0)
}

/// Starts a node that says why it does not serve.
pub(crate) fn refused(node: &Platform, arguments: &[&str]) -> String {
    Program::start(&mut node.command(&[&["serve"], arguments].concat())).ended().badly()
}
