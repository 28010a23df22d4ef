//! A server: a folder, a port, and a shell that ends it when its pipe ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::database::Database;
use crate::frozen::Frozen;
use crate::onlooker::Onlooker;
use crate::program::{command, folder, is_root, run};

/// How long a server may take to begin or to end.
const WAIT: Duration = Duration::from_secs(60);

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// PostgreSQL's server is not installed.
    #[error("PostgreSQL is missing: apt-get install postgresql")]
    Missing,
    /// A file or process.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// One of its programs failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: String,
        /// What it said.
        said: String,
    },
    /// It does not answer.
    #[error("the server does not answer; its log: {0}")]
    Silent(String),
}

/// Whether what is committed is on the disk when it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    Full,
    /// In memory: a story about rows is told sooner.
    None,
}

/// A server of its own. It ends, and its folder is removed, when this is dropped or the process ends.
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    keeper: Option<Child>,
    made: AtomicU32,
}

impl Cluster {
    /// Makes and starts one; `settings` are lines of `postgresql.conf`.
    pub fn start(durability: Durability, settings: &[&str]) -> Result<Self, ClusterError> {
        let folder = fresh_folder()?;
        let mut init = command(&self::folder()?.join("initdb"));
        init.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]);
        init.arg(folder.join("data"));
        run(init)?;
        let mut lines: Vec<String> = settings.iter().map(ToString::to_string).collect();
        if durability == Durability::None {
            lines.push("fsync = off".into());
            lines.push("full_page_writes = off".into());
        }
        Self::on(folder, lines)
    }

    /// A server on a folder that has its data.
    fn on(folder: PathBuf, settings: Vec<String>) -> Result<Self, ClusterError> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut cluster = Self { folder, port, settings, keeper: None, made: AtomicU32::new(0) };
        cluster.resume()?;
        Ok(cluster)
    }

    /// The one that all stories of a process share.
    #[expect(clippy::panic, reason = "for tests, which cannot go on without it")]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start(Durability::None, &["max_connections = 500"]) {
            Ok(cluster) => cluster,
            Err(error) => panic!("{error}"),
        })
    }

    /// A standby of this server, which follows it; its `settings` are lines of `postgresql.conf`.
    pub fn standby(&self, name: &str, settings: &[&str]) -> Result<Self, ClusterError> {
        let folder = fresh_folder()?;
        let mut copy = command(&self::folder()?.join("pg_basebackup"));
        copy.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-X",
            "stream",
            "-c",
            "fast",
            "-D",
        ]);
        copy.arg(folder.join("data"));
        run(copy)?;
        let mut lines: Vec<String> = settings.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "primary_conninfo = 'host=127.0.0.1 port={} user=postgres application_name={name}'",
            self.port
        ));
        // An empty file is what makes it one.
        let signal = folder.join("data/standby.signal");
        std::fs::write(&signal, "")?;
        give_to_server(&signal)?;
        Self::on(folder, lines)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How a database of it is reached.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Starts it again after [`Cluster::kill`] or [`Cluster::stop`].
    pub fn resume(&mut self) -> Result<(), ClusterError> {
        let data = self.folder.join("data");
        // A server's own processes outlive it by moments when it is killed, and another is refused its data meanwhile.
        let until = Instant::now() + WAIT;
        while is_held(&data) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut script =
            String::from("postgres=$1; data=$2; shift 2; \"$postgres\" -D \"$data\" \"$@\" & server=$!\n");
        // Whatever ends whoever started this closes the pipe.
        script.push_str("cat > /dev/null\nkill -QUIT $server 2> /dev/null\nwait $server\n");
        let mut keeper = command(Path::new("/bin/sh"));
        keeper.args(["-c", &script, "sh"]).arg(folder()?.join("postgres")).arg(&data);
        keeper.args(["-c", &format!("port={}", self.port), "-c", "listen_addresses=127.0.0.1"]);
        keeper.arg("-c").arg(format!("unix_socket_directories={}", self.folder.display()));
        for setting in &self.settings {
            keeper.arg("-c").arg(setting.replacen(" = ", "=", 1).replace('\'', ""));
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"))?;
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::from(log));
        self.keeper = Some(keeper.spawn()?);
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&self) -> Result<(), ClusterError> {
        let until = Instant::now() + WAIT;
        let program = folder()?.join("pg_isready");
        loop {
            let mut ask = Command::new(&program);
            ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if ask.status()?.success() {
                return Ok(());
            }
            if Instant::now() >= until {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(ClusterError::Silent(log));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `kill -9` of the server and everything that works for it: what was not on the disk is gone.
    pub fn kill(&mut self) -> Result<(), ClusterError> {
        let server = self.server()?;
        let mut children = Command::new("pgrep");
        children.args(["-P", &server]);
        let children = children.output()?.stdout;
        // All at once: the head would begin again what is taken from it.
        let mut all = Command::new("kill");
        all.args(["-KILL", &server]).args(String::from_utf8_lossy(&children).split_whitespace());
        run(all)?;
        self.await_keeper();
        Ok(())
    }

    /// The number of its own process, whose children work for it.
    fn server(&self) -> Result<String, ClusterError> {
        let first = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        Ok(first.lines().next().unwrap_or_default().to_owned())
    }

    /// It stands still with everything that works for it, until what this gives back is dropped.
    pub fn freeze(&self) -> Result<Frozen, ClusterError> {
        Frozen::stop(&self.server()?)
    }

    /// Somebody is in the middle of a transaction at repeatable read in which they did this.
    pub fn onlooker(&self, database: &str, sql: &str) -> Result<Onlooker, ClusterError> {
        Onlooker::begin(self.client("psql", database)?, sql)
    }

    /// Ends it as an operator does.
    pub fn stop(&mut self) -> Result<(), ClusterError> {
        let mut stop = command(&folder()?.join("pg_ctl"));
        stop.args(["stop", "-m", "fast", "-D"]).arg(self.folder.join("data"));
        run(stop)?;
        self.await_keeper();
        Ok(())
    }

    /// Makes a standby a primary.
    pub fn promote(&self) -> Result<(), ClusterError> {
        let mut promote = command(&folder()?.join("pg_ctl"));
        promote.args(["promote", "-w", "-D"]).arg(self.folder.join("data"));
        run(promote).map(|_| ())
    }

    fn await_keeper(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// What a statement answers, as text.
    pub fn ask(&self, database: &str, sql: &str) -> Result<String, ClusterError> {
        let mut psql = Command::new(folder()?.join("psql"));
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres", "-d", database]);
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]).stdin(Stdio::null());
        let output = run(psql)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// A command of the package's on one of its databases, as its superuser: `psql`, `pg_dump`.
    pub fn client(&self, program: &str, database: &str) -> Result<Command, ClusterError> {
        let mut client = Command::new(folder()?.join(program));
        client.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres", "-d", database]);
        Ok(client)
    }

    /// A database as a script that makes it anew.
    pub fn dump(&self, database: &str) -> Result<String, ClusterError> {
        let mut dump = self.client("pg_dump", database)?;
        let output = run({
            dump.args(["--no-owner", "--no-privileges", "--inserts"]);
            dump
        })?;
        let script = String::from_utf8_lossy(&output.stdout);
        // Words of its client alone, which an earlier one does not know.
        let lines = script.lines().filter(|line| !line.starts_with('\\'));
        Ok(lines.fold(String::new(), |script, line| script + line + "\n"))
    }

    /// A new database, made by a script of [`Cluster::dump`].
    pub fn restored(&self, script: &Path) -> Result<Database, ClusterError> {
        let database = self.fresh(None)?;
        let mut load = self.client("psql", &database.name)?;
        load.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(script).stdin(Stdio::null());
        run(load)?;
        Ok(database)
    }

    /// A new database: empty, or like another.
    pub fn fresh(&self, like: Option<&str>) -> Result<Database, ClusterError> {
        let name = format!("story_{}", self.made.fetch_add(1, Ordering::Relaxed));
        let like = like.unwrap_or("template0");
        self.ask("postgres", &format!("create database {name} template {like}"))?;
        Ok(Database::of(self, name))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.await_keeper();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A folder of the server's user. What processes that are gone have left is removed.
fn fresh_folder() -> Result<PathBuf, ClusterError> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let place = std::env::temp_dir();
    for entry in std::fs::read_dir(&place)?.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix("counterfoil-cluster-")) else {
            continue;
        };
        let process = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let folder = place.join(format!("counterfoil-cluster-{}-{number}", std::process::id()));
    std::fs::create_dir(&folder)?;
    give_to_server(&folder)?;
    Ok(folder)
}

fn give_to_server(path: &Path) -> Result<(), ClusterError> {
    if is_root() {
        let mut give = Command::new("chown");
        give.arg("postgres:postgres").arg(path);
        run(give)?;
    }
    Ok(())
}

/// Whether processes of a server that has ended hold its shared memory: the seventh line of its `postmaster.pid` names that.
fn is_held(data: &Path) -> bool {
    let Ok(left) = std::fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let Some(block) = left.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) else {
        return false;
    };
    let known = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    known.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(1) == Some(&block) && columns.get(6).is_some_and(|holders| *holders != "0")
    })
}
