//! A server that stands still: it takes connections, as its system does for it, and says nothing.

use std::process::Command;

use crate::ClusterError;
use crate::program::run;

/// A server with all that works for it, stopped in the middle of whatever it does. It goes on when this is dropped.
pub struct Frozen {
    processes: Vec<String>,
}

impl Frozen {
    /// Stops a server, by its own process.
    pub(crate) fn stop(server: &str) -> Result<Self, ClusterError> {
        // The head first: it begins nobody else after that.
        signal("-STOP", &[server.to_owned()])?;
        let children = Command::new("pgrep").args(["-P", server]).output()?.stdout;
        let children = String::from_utf8_lossy(&children).split_whitespace().map(str::to_owned).collect();
        let mut frozen = Self { processes: children };
        signal("-STOP", &frozen.processes)?;
        frozen.processes.push(server.to_owned());
        Ok(frozen)
    }
}

fn signal(name: &str, processes: &[String]) -> Result<(), ClusterError> {
    let mut kill = Command::new("kill");
    kill.arg(name).args(processes);
    run(kill).map(|_| ())
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = signal("-CONT", &self.processes);
    }
}
