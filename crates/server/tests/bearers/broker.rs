//! A real broker: Mosquitto, on a port of its own, with a folder of its own.

#![allow(dead_code)] // Each test binary uses its own part.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::until;

/// A broker that runs; it ends with this value.
pub(crate) struct Broker {
    pub(crate) port: u16,
    child: Option<Child>,
    folder: TempDir,
    users: bool,
}

fn program() -> PathBuf {
    let known = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
    known
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .expect("mosquitto is missing: apt-get install mosquitto mosquitto-clients")
}

impl Broker {
    /// A broker for everybody.
    pub(crate) async fn open() -> Self {
        Self::with(false).await
    }

    /// A broker for the user `counterfoil` with the password `right`.
    pub(crate) async fn for_users() -> Self {
        Self::with(true).await
    }

    async fn with(users: bool) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        if users {
            let file = folder.path().join("users");
            let mut make = Command::new("mosquitto_passwd");
            make.args(["-b", "-c"]).arg(&file).args(["counterfoil", "right"]);
            let made = make.status().expect("mosquitto_passwd is missing: apt-get install mosquitto");
            assert!(made.success());
        }
        let mut broker = Self { port, child: None, folder, users };
        broker.start().await;
        broker
    }

    /// Starts it, on what it kept.
    pub(crate) async fn start(&mut self) {
        let folder = self.folder.path();
        let access = if self.users {
            format!("allow_anonymous false\npassword_file {}\n", folder.join("users").display())
        } else {
            "allow_anonymous true\n".to_owned()
        };
        let config = format!(
            "listener {} 127.0.0.1\n{access}persistence true\npersistence_location {}/\nautosave_interval 1\n\
             max_inflight_messages 1000\nmax_queued_messages 100000\nuser root\nlog_type error\n",
            self.port,
            folder.display()
        );
        let file = folder.join("mosquitto.conf");
        std::fs::write(&file, config).unwrap();
        let started = Command::new(program())
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto starts");
        self.child = Some(started);
        until("the broker", || TcpStream::connect(("127.0.0.1", self.port)).is_ok()).await;
    }

    /// Ends it as an operator does: it keeps its sessions.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let asked = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(asked.success());
        child.wait().unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
