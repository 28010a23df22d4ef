//! Chromium and its driver as processes of this test.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Screen {
    /// 1280 pixels wide, 860 high without the window's own bars.
    Desktop,
    /// 390 wide, at three pixels to two: sharp enough, and small files.
    Phone,
}

/// A chromedriver in a process group of its own, and the profile of its browser.
pub(super) struct Driver {
    child: Child,
    profile: TempDir,
}

impl Driver {
    pub(super) async fn start(screen: Screen) -> (Self, Client) {
        for program in [CHROMIUM, CHROMEDRIVER] {
            let there = Path::new(program).exists();
            assert!(there, "{program} is missing; install it: apt-get install chromium chromium-driver");
        }
        let profile = tempfile::Builder::new().prefix("counterfoil-chromium-").tempdir().unwrap();
        let mut child = Command::new(CHROMEDRIVER)
            .arg("--port=0")
            .env("TMPDIR", profile.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let driver = Self { child, profile };
        let port = said.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("chromedriver says its port");
        // Nobody reads on; a full pipe must not stop it.
        std::thread::spawn(move || said.for_each(drop));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(driver.capabilities(screen))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        let client = client.unwrap_or_else(|error| panic!("chromium does not start: {error}"));
        (driver, client)
    }

    fn capabilities(&self, screen: Screen) -> Capabilities {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut options = json!({
            "binary": CHROMIUM,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en", "--window-size=1280,1003", profile,
            ],
        });
        if let Screen::Phone = screen {
            let metrics =
                json!({ "width": 390, "height": 844, "pixelRatio": 1.5, "mobile": true, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        Capabilities::from_iter([("goog:chromeOptions".to_owned(), options)])
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The whole group: driver and browser. What has ended already needs no end.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
