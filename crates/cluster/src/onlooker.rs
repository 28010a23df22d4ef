//! A session that goes on looking, or changing: what a server keeps for it, a story is about.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use crate::ClusterError;

/// Somebody who is in the middle of a transaction for as long as this lives.
pub struct Onlooker {
    psql: Child,
}

impl Onlooker {
    /// Has begun, and done these statements.
    pub(crate) fn begin(mut psql: Command, sql: &str) -> Result<Self, ClusterError> {
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut onlooker = Self { psql: psql.spawn()? };
        let (Some(says), Some(hears)) = (&mut onlooker.psql.stdin, &mut onlooker.psql.stdout) else {
            return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        };
        writeln!(says, "begin isolation level repeatable read; {sql};\n\\echo looks")?;
        let mut said = Vec::new();
        let mut byte = [0];
        while !said.ends_with(b"looks\n") {
            hears.read_exact(&mut byte)?;
            said.extend(byte);
        }
        Ok(onlooker)
    }
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        drop(self.psql.stdin.take());
        let _ = self.psql.wait();
    }
}
