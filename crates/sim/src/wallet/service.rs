//! The PC/SC service with a virtual reader, for a test or a measurement.
//!
//! For: [`PcscService`], which uses the service that runs, or starts one with a reader whose port no outgoing
//! connection is given. vpcd's own port is one of those that are: now and then another connection has it, and the
//! service comes up without a reader.
//! Refuses: setting up a machine; pcscd and vpcd must be installed.
//! Next: [`super::VpcdCard`], the card in that reader.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::NamedTempFile;

use super::VPCD_ADDRESS;

/// Where the package of vpcd says what its driver is.
const INSTALLED: &str = "/etc/reader.conf.d/vpcd";
/// How long the service may take to start.
const START_WAIT: Duration = Duration::from_secs(10);
/// Ports for a reader: no system of today gives them to outgoing connections by itself. A reader has two slots, and
/// each a port.
const PORTS: std::ops::Range<u16> = 23_000..24_000;

/// The service; it ends with this where it was started here.
#[derive(Debug)]
pub struct PcscService {
    address: SocketAddr,
    _started: Option<Started>,
}

#[derive(Debug)]
struct Started {
    service: Child,
    /// Removed with the service.
    _configuration: NamedTempFile,
}

impl PcscService {
    /// Whether a name of PC/SC is that of a virtual reader.
    pub fn is_virtual(name: &str) -> bool {
        name.starts_with("Virtual PCD")
    }

    /// The service with a virtual reader: the one that runs, or one of its own. Blocks while it starts.
    ///
    /// `has_reader` asks the service whether it has a virtual reader.
    ///
    /// # Errors
    ///
    /// In words, what is not installed or did not start within ten seconds.
    pub fn there(has_reader: impl Fn() -> bool) -> Result<Self, String> {
        if has_reader() {
            return Ok(Self { address: VPCD_ADDRESS, _started: None });
        }
        let installed = fs::read_to_string(INSTALLED)
            .map_err(|error| format!("{INSTALLED} cannot be read: install vsmartcard-vpcd ({error})"))?;
        let port = free_port().ok_or("no port is free for a virtual reader")?;
        let configuration =
            configuration(&installed, port).map_err(|error| format!("no file for pcscd: {error}"))?;
        let service = Command::new("pcscd")
            .arg("--foreground")
            .arg("--config")
            .arg(configuration.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("pcscd does not start: install pcscd ({error})"))?;
        let mut started = Started { service, _configuration: configuration };
        let began = Instant::now();
        while !has_reader() {
            if let Ok(Some(status)) = started.service.try_wait() {
                return Err(format!(
                    "pcscd ended at once ({status}): does another run, without a virtual reader?"
                ));
            }
            if began.elapsed() > START_WAIT {
                return Err("pcscd has no virtual reader: is vsmartcard-vpcd installed as a whole?".into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), _started: Some(started) })
    }

    /// Where the reader waits for its card.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Asked to end, it takes its files away.
        let asked = Command::new("kill").arg(self.service.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.service.kill();
        }
        let _ = self.service.wait();
    }
}

/// The first port of [`PORTS`] that is free, and so the next.
fn free_port() -> Option<u16> {
    PORTS.step_by(2).find(|port| {
        [*port, port + 1].iter().all(|port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok())
    })
}

/// The installed reader with another port.
fn configuration(installed: &str, port: u16) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::with_prefix("counterfoil-pcscd-")?;
    for line in installed.lines() {
        match line.split_whitespace().next() {
            Some("DEVICENAME") => writeln!(file, "DEVICENAME /dev/null:{port:#x}")?,
            Some("CHANNELID") => writeln!(file, "CHANNELID {port:#x}")?,
            _ => writeln!(file, "{line}")?,
        }
    }
    file.flush()?;
    Ok(file)
}
