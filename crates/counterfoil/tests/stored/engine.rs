//! The two engines: their migrations, a database as a script, and one of an earlier version with the same rows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cluster::{Cluster, Database};
use rusqlite::Connection;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    File,
    Server,
}

/// The schemas that are kept in a folder.
pub(crate) fn versions_in(folder: &Path) -> Vec<u32> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let number = |name: &str| name.strip_prefix("schema-")?.strip_suffix(".sql")?.parse::<u32>().ok();
    let mut found: Vec<u32> = files.filter_map(|name| number(name.to_str()?)).collect();
    found.sort_unstable();
    found
}

/// A database in use.
pub(crate) enum Kept {
    File(PathBuf),
    Server(Database),
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::File => "sqlite",
            Self::Server => "postgres",
        }
    }

    /// The scripts of all migrations, in order.
    pub(crate) fn migrations(self) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations").join(self.name());
        let mut scripts: Vec<(u32, PathBuf)> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                (name[1..].split("__").next().unwrap().parse().unwrap(), path)
            })
            .collect();
        scripts.sort();
        scripts.into_iter().map(|(_, path)| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// A database again from its script: the file's, or a server's with its address.
    pub(crate) fn restore(self, script: &Path, file: &Path) -> Option<String> {
        match self {
            Self::File => {
                let script = std::fs::read_to_string(script).unwrap();
                Connection::open(file).unwrap().execute_batch(&script).unwrap();
                None
            }
            Self::Server => Some(Cluster::shared().restored(script).unwrap().url),
        }
    }
}

impl Kept {
    /// Runs a statement.
    pub(crate) fn change(&self, sql: &str) {
        match self {
            Self::File(path) => Connection::open(path).unwrap().execute_batch(sql).unwrap(),
            Self::Server(database) => {
                Cluster::shared().ask(&database.name, sql).unwrap();
            }
        }
    }

    /// As a script.
    pub(crate) fn script(&self) -> String {
        match self {
            Self::File(path) => script_of(&Connection::open(path).unwrap()),
            Self::Server(database) => Cluster::shared().dump(&database.name).unwrap(),
        }
    }

    /// The same rows, as far as an earlier version had tables for them, as a script.
    pub(crate) fn as_of(&self, version: usize) -> String {
        match self {
            Self::File(path) => {
                let folder = tempfile::tempdir().unwrap();
                let earlier = Connection::open(folder.path().join("earlier.db")).unwrap();
                file_as_of(&earlier, path, version);
                script_of(&earlier)
            }
            Self::Server(database) => {
                let earlier = Cluster::shared().fresh(None).unwrap();
                server_as_of(&earlier.name, &database.name, version);
                Cluster::shared().dump(&earlier.name).unwrap()
            }
        }
    }
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

const TABLES: &str = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'";

fn columns(connection: &Connection, schema: &str, table: &str) -> BTreeSet<String> {
    let sql = format!("select name from pragma_table_xinfo('{table}', '{schema}') where hidden = 0");
    texts(connection, &sql).into_iter().collect()
}

/// Tables, rows, numbers that were given; then indexes and triggers, which would act on the rows.
fn script_of(connection: &Connection) -> String {
    let mut script = String::from("pragma foreign_keys = off;\nbegin;\n");
    for sql in
        texts(connection, "select sql from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    {
        writeln!(script, "{sql};").unwrap();
    }
    for table in texts(connection, TABLES) {
        let columns: Vec<String> = columns(connection, "main", &table).into_iter().collect();
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let values =
            columns.iter().map(|name| format!("quote(\"{name}\")")).collect::<Vec<_>>().join(" || ', ' || ");
        for row in texts(connection, &format!("select {values} from \"{table}\"")) {
            writeln!(script, "insert into \"{table}\" ({names}) values ({row});").unwrap();
        }
    }
    if texts(connection, "select name from sqlite_master where name = 'sqlite_sequence'").len() == 1 {
        writeln!(script, "delete from sqlite_sequence;").unwrap();
        let rows = "select quote(name) || ', ' || seq from sqlite_sequence";
        for row in texts(connection, rows) {
            writeln!(script, "insert into sqlite_sequence (name, seq) values ({row});").unwrap();
        }
    }
    for sql in texts(connection, "select sql from sqlite_master where type <> 'table' and sql is not null") {
        writeln!(script, "{sql};").unwrap();
    }
    script + "commit;\n"
}

fn file_as_of(earlier: &Connection, whole: &Path, version: usize) {
    for script in Engine::File.migrations().iter().take(version) {
        earlier.execute_batch(script).unwrap();
    }
    earlier
        .execute_batch(&format!("pragma foreign_keys = off; attach '{}' as whole", whole.display()))
        .unwrap();
    let history =
        texts(earlier, "select sql from whole.sqlite_master where name = 'refinery_schema_history'");
    earlier.execute_batch(&history[0]).unwrap();
    let triggers = texts(earlier, "select sql from main.sqlite_master where type = 'trigger'");
    for name in texts(earlier, "select name from main.sqlite_master where type = 'trigger'") {
        earlier.execute_batch(&format!("drop trigger {name}")).unwrap();
    }
    for table in texts(earlier, TABLES) {
        let both = columns(earlier, "main", &table);
        let both: Vec<String> =
            both.intersection(&columns(earlier, "whole", &table)).map(|name| format!("\"{name}\"")).collect();
        let names = both.join(", ");
        let sql = format!(
            "delete from main.\"{table}\"; insert into main.\"{table}\" ({names}) select {names} from whole.\"{table}\""
        );
        earlier.execute_batch(&sql).unwrap();
    }
    earlier.execute("delete from main.refinery_schema_history where version > ?", [version]).unwrap();
    let numbers = "delete from main.sqlite_sequence; insert into main.sqlite_sequence select * from whole.sqlite_sequence
        where name in (select name from main.sqlite_master)";
    earlier.execute_batch(numbers).unwrap();
    for trigger in triggers {
        earlier.execute_batch(&trigger).unwrap();
    }
    earlier.execute_batch("detach whole").unwrap();
}

fn server_as_of(earlier: &str, whole: &str, version: usize) {
    let cluster = Cluster::shared();
    let ask = |database: &str, sql: &str| -> Vec<String> {
        cluster.ask(database, sql).unwrap().lines().map(str::to_owned).collect()
    };
    for script in Engine::Server.migrations().iter().take(version) {
        feed(earlier, &[], script);
    }
    feed(
        earlier,
        &[],
        "create table refinery_schema_history (version int4 primary key, name varchar(255), applied_on varchar(255), \
         checksum varchar(255))",
    );
    let columns = |database: &str, table: &str| -> BTreeSet<String> {
        let sql = format!(
            "select quote_ident(column_name) from information_schema.columns where table_schema = 'public' \
             and table_name = '{table}' and is_generated = 'NEVER'"
        );
        ask(database, &sql).into_iter().collect()
    };
    for table in ask(earlier, "select tablename from pg_tables where schemaname = 'public'") {
        let both = columns(earlier, &table);
        let names = both.intersection(&columns(whole, &table)).cloned().collect::<Vec<_>>().join(", ");
        let rows = cluster.ask(whole, &format!("copy (select {names} from \"{table}\") to stdout")).unwrap();
        let rows = if rows.is_empty() { rows } else { rows + "\n" };
        // As a superuser: without triggers.
        let before = format!("set session_replication_role = replica; delete from \"{table}\"");
        feed(earlier, &[&before, &format!("copy \"{table}\" ({names}) from stdin")], &rows);
    }
    let numbered = "select format('select setval(pg_get_serial_sequence(%L, %L), greatest(1, (select coalesce(max(%I), 1) from %I)))',
        quote_ident(table_name), column_name, column_name, table_name)
        from information_schema.columns where table_schema = 'public' and is_identity = 'YES'";
    for sql in ask(earlier, numbered) {
        ask(earlier, &sql);
    }
    ask(earlier, &format!("delete from refinery_schema_history where version > {version}"));
}

/// Commands one after the other, and what the last of them reads; without commands a script.
fn feed(database: &str, commands: &[&str], input: &str) {
    let mut psql = Cluster::shared().client("psql", database).unwrap();
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
    for command in commands {
        psql.args(["-c", command]);
    }
    let mut psql = psql.stdin(Stdio::piped()).spawn().unwrap();
    psql.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(psql.wait().unwrap().success(), "{database}: {commands:?}");
}
