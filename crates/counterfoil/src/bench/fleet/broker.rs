//! A Mosquitto for the time of a measurement.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::Failure;

/// How long it may take to start.
const START_WAIT: Duration = Duration::from_secs(10);

/// A broker that runs; it ends with this value.
pub(super) struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let known = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
        let program = known.iter().map(PathBuf::from).find(|path| path.exists()).ok_or(
            "a broker is needed: apt-get install mosquitto, or name one with --broker mqtt://HOST:PORT",
        )?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.join("mosquitto.conf");
        // What a network server's broker should say too: by default it lets 20 events go unconfirmed, which is the rate
        // divided by the time of a commit.
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 2000\nmax_queued_messages 100000\n\
             set_tcp_nodelay true\n"
        );
        std::fs::write(&config, text)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let broker = Self { child, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > START_WAIT {
                return Err("the broker did not start".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(broker)
    }

    pub(super) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
