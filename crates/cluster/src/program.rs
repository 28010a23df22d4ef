//! The programs of PostgreSQL's package.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::ClusterError;

/// Where Debian puts them, newest version first.
pub(crate) fn folder() -> Result<PathBuf, ClusterError> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|_| ClusterError::Missing)?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin): &(u32, PathBuf)| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin).ok_or(ClusterError::Missing)
}

/// A command as somebody whom the server lets run it: root it does not.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // The server's user may not look into the folder where this was started.
    command.current_dir("/").stdin(Stdio::null());
    command
}

pub(crate) fn is_root() -> bool {
    let own = std::fs::metadata("/proc/self").map(|it| std::os::unix::fs::MetadataExt::uid(&it));
    own.is_ok_and(|uid| uid == 0)
}

/// Runs it to its end.
pub(crate) fn run(mut command: Command) -> Result<Output, ClusterError> {
    let output = command.output().map_err(ClusterError::Io)?;
    if output.status.success() {
        return Ok(output);
    }
    Err(ClusterError::Failed {
        program: format!("{:?}", command.get_program()),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
