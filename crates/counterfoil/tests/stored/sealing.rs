//! Secrets that earlier versions left in clear: sealed by the first start, and nowhere in clear afterwards.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cluster::Cluster;
use crypto::{KeyName, SealedSecret, SecretKeys as _, SecretPlace};
use keystore::{Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile, system_entropy};
use model::UnixMillis;
use operator::{Password, PasswordHash, TotpSecret};
use rusqlite::Connection;

use crate::engine::Engine;
use crate::program::platform::{PASSPHRASE, PASSWORD, Person, Platform};
use crate::program::process::{PATIENCE, Program};

/// An operator of an earlier version, and what their authenticator shares.
const NAME: &str = "an.earlier";
const TOTP: [u8; 20] = *b"authenticator's own!";
/// A webhook's secret, of an endpoint with this id.
const WEBHOOK: [u8; 32] = *b"what a merchant's server knows..";
const ENDPOINT: [u8; 16] = [0x0e; 16];
/// Endpoints that take a first start so long that it can be killed in the middle.
const MANY: u32 = 12_000;

fn hex_of(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// A platform's database, of either engine.
enum Rows {
    File(PathBuf),
    /// By its name at the shared server.
    Server(String),
}

impl Rows {
    fn of(engine: Engine, platform: &Platform) -> Self {
        match engine {
            Engine::File => Self::File(platform.database()),
            Engine::Server => {
                let config = std::fs::read_to_string(&platform.config).unwrap();
                let url = config.lines().find(|line| line.starts_with("url = ")).unwrap();
                Self::Server(url.trim_end_matches('"').rsplit('/').next().unwrap().to_owned())
            }
        }
    }

    fn change(&self, sql: &str) {
        match self {
            Self::File(path) => Connection::open(path).unwrap().execute_batch(sql).unwrap(),
            Self::Server(name) => {
                Cluster::shared().ask(name, sql).unwrap();
            }
        }
    }

    fn number(&self, sql: &str) -> u32 {
        match self {
            Self::File(path) => {
                let connection = Connection::open(path).unwrap();
                connection.busy_timeout(PATIENCE).unwrap();
                connection.query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Self::Server(name) => Cluster::shared().ask(name, sql).unwrap().parse().unwrap(),
        }
    }

    fn has_column(&self, table: &str, column: &str) -> bool {
        let sql = match self {
            Self::File(_) => {
                format!("select count(*) from pragma_table_info('{table}') where name = '{column}'")
            }
            Self::Server(_) => format!(
                "select count(*) from information_schema.columns where table_name = '{table}' and column_name = '{column}'"
            ),
        };
        self.number(&sql) == 1
    }

    /// Bytes, as a statement writes them.
    fn bytes(&self, bytes: &[u8]) -> String {
        match self {
            Self::File(_) => format!("x'{}'", hex_of(bytes)),
            Self::Server(_) => format!("'\\x{}'", hex_of(bytes)),
        }
    }

    /// Whether the bytes stand anywhere: in the files, or in a server's dump.
    fn holds(&self, secret: &[u8]) -> bool {
        let is_in_dump = match self {
            Self::File(_) => false,
            Self::Server(name) => Cluster::shared().dump(name).unwrap().contains(&hex_of(secret)),
        };
        is_in_dump || self.is_on_disk(secret)
    }

    /// Whether the bytes stand in the file or its log; in a server's files of the two tables.
    fn is_on_disk(&self, secret: &[u8]) -> bool {
        match self {
            Self::File(path) => {
                let mut log = path.clone().into_os_string();
                log.push("-wal");
                [path.clone(), log.into()].iter().any(|path| {
                    let content = std::fs::read(path).unwrap_or_default();
                    content.windows(secret.len()).any(|window| window == secret)
                })
            }
            Self::Server(name) => {
                let ask = |sql: &str| Cluster::shared().ask(name, sql).unwrap();
                ask("checkpoint");
                ["console_operator", "webhook_secret"].iter().any(|table| {
                    let file = format!("pg_read_binary_file(pg_relation_filepath('{table}'))");
                    ask(&format!("select position({} in {file}) > 0", self.bytes(secret))) == "t"
                })
            }
        }
    }
}

/// What an earlier version left in clear.
pub(crate) struct Left {
    rows: Rows,
    operator: bool,
    webhook: bool,
    /// How many there are in clear, with what the state has of its own.
    operators: u32,
    webhooks: u32,
}

impl Left {
    /// Puts it into a state of an earlier schema, as far as that has tables for it.
    pub(crate) fn in_clear(engine: Engine, platform: &Platform) -> Self {
        let rows = Rows::of(engine, platform);
        let in_clear = |table, column| rows.has_column(table, column) && !rows.has_column(table, "sealed_by");
        let operator = in_clear("console_operator", "totp_secret");
        let webhook = in_clear("webhook_secret", "secret");
        if operator {
            let password = Password::new(PASSWORD.into()).unwrap();
            let hash = PasswordHash::make(&password, [7; 16], operator::Cost::Testing).unwrap();
            rows.change(&format!(
                "insert into console_operator (name, role, password, totp_secret, created_at)
                 values ('{NAME}', 'viewer', '{}', {}, 0)",
                hash.as_str(),
                rows.bytes(&TOTP),
            ));
        }
        if webhook {
            let endpoint = rows.bytes(&ENDPOINT);
            rows.change(&format!(
                "insert into webhook_endpoint (id, merchant, shard, url, wanted, description, created_at, updated_at)
                 values ({endpoint}, 4000000, 6, 'https://shop.example/', '*', '', 0, 0);
                 insert into webhook_secret (endpoint, number, secret) values ({endpoint}, 1, {})",
                rows.bytes(&WEBHOOK),
            ));
        }
        let count = |there, table: &str| match there {
            true => rows.number(&format!("select count(*) from {table}")),
            false => 0,
        };
        let (operators, webhooks) = (count(operator, "console_operator"), count(webhook, "webhook_secret"));
        Self { rows, operator, webhook, operators, webhooks }
    }

    /// After a start.
    pub(crate) fn is_sealed(&self, platform: &Platform) {
        for table in ["console_operator", "webhook_secret"] {
            let clear = format!("select count(*) from {table} where sealed_by is null");
            assert_eq!(self.rows.number(&clear), 0, "{table}");
        }
        // Other stories' transactions on the same server may hold it back at the start.
        let until = Instant::now() + 2 * PATIENCE;
        while self.rows.number("select count(*) from residue") > 0 {
            assert!(Instant::now() < until, "the files were not written anew");
            std::thread::sleep(Duration::from_millis(200));
        }
        if self.operator {
            assert!(!self.rows.holds(&TOTP));
            // Their authenticator is good as it was.
            let person = Person { name: NAME.into(), codes: Vec::new().into() };
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let now = UnixMillis(i64::try_from(now.as_millis()).unwrap());
            let code = TotpSecret::new(TOTP).code_of(TotpSecret::step_at(now));
            let adjustment = format!("adj_{:032x}", 1);
            let said =
                platform.run_typed_as(&person, &["adjust", "approve", &adjustment], PASSWORD, &code).badly();
            assert!(said.contains("an.earlier is viewer, which may not"), "{said}");
        }
        if self.webhook {
            assert!(!self.rows.holds(&WEBHOOK));
        }
        let said = platform.run(&["keys", "secrets"]).well();
        assert!(said.contains("; 0 of operators and 0 of webhooks were sealed now.\n"), "{said}");
        assert!(!said.contains("do not open"), "{said}");
        let listed = platform.run(&["audit", "list"]).well();
        // Each portion is entered with what it sealed.
        let Self { operators, webhooks, .. } = self;
        for (there, counts) in [
            (
                self.operator,
                format!("secrets_seal {operators} of operators, 0 of webhooks under secrets-1 ("),
            ),
            (self.webhook, format!("secrets_seal 0 of operators, {webhooks} of webhooks under secrets-1 (")),
        ] {
            assert_eq!(listed.contains(&counts), there, "{listed}");
        }
    }
}

/// A key store of before there were keys for this.
fn earlier_key_store(path: &Path) {
    let passphrase = Passphrase::new(PASSPHRASE.into()).unwrap();
    let store =
        SealedFile::create(path, &passphrase, Environment::Test, Cost::Testing, &mut system_entropy).unwrap();
    let custodian = Custodian::new("Li Na").unwrap();
    for (name, key_use) in [("issuer-1", KeyUse::DeriveCardKeys), ("transport-1", KeyUse::WrapCardKeys)] {
        let name = KeyName::new(name).unwrap();
        store.generate(name, key_use, &custodian, UnixMillis(0), &mut system_entropy).unwrap();
        store.set_state(name, KeyEvent::Activate, &custodian, UnixMillis(0)).unwrap();
    }
}

fn secret_of(number: u32) -> [u8; 24] {
    let mut secret = [0x77; 24];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    secret
}

fn id_of(number: u32) -> [u8; 16] {
    let mut id = [0x22; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    id
}

/// A platform of the last schema that had them in clear, with many endpoints.
fn with_many() -> Platform {
    let platform = Platform::bare();
    std::fs::create_dir_all(&platform.data).unwrap();
    earlier_key_store(&platform.data.join("keys.cfks"));
    let migrations = Engine::File.migrations();
    let connection = Connection::open(platform.database()).unwrap();
    let before = migrations.iter().position(|script| script.contains("sealed_by")).unwrap();
    // The program's own history of what was done: as it writes it.
    let newest = Platform::new();
    newest.run(&["merchant", "add", "Morning Market"]).well();
    let newest = newest.database();
    let sql = format!(
        "attach '{}' as newest; create table refinery_schema_history as select * from newest.refinery_schema_history \
         where version <= {before}; detach newest",
        newest.display()
    );
    connection.execute_batch(&sql).unwrap();
    for script in &migrations[..before] {
        connection.execute_batch(script).unwrap();
    }
    connection.execute_batch("begin").unwrap();
    for number in 0..MANY {
        let sql = "insert into webhook_endpoint (id, merchant, shard, url, wanted, description, created_at, updated_at)
                   values (?, 1, 0, 'https://shop.example/', '*', '', 0, 0)";
        connection.execute(sql, [id_of(number)]).unwrap();
        let sql = "insert into webhook_secret (endpoint, number, secret) values (?, 1, ?)";
        connection.execute(sql, (id_of(number), secret_of(number))).unwrap();
    }
    connection.execute_batch("commit").unwrap();
    drop(connection);
    std::fs::set_permissions(platform.database(), std::fs::Permissions::from_mode(0o600)).unwrap();
    platform
}

#[test]
fn a_start_that_is_killed_while_it_seals_has_lost_nothing_and_the_next_goes_on() {
    let platform = with_many();
    let rows = Rows::of(Engine::File, &platform);
    let sealed = || {
        if rows.has_column("webhook_secret", "sealed_by") {
            rows.number("select count(*) from webhook_secret where sealed_by is not null")
        } else {
            0
        }
    };
    let mut in_the_middle = 0;
    while sealed() < MANY {
        let before = sealed();
        let serving = Program::start(&mut platform.command(&["serve"]));
        let until = Instant::now() + PATIENCE;
        while sealed() == before {
            assert!(Instant::now() < until, "nothing is sealed: {}", serving.complaints());
            std::thread::sleep(Duration::from_millis(2));
        }
        serving.kill();
        if (before + 1..MANY).contains(&sealed()) {
            in_the_middle += 1;
        }
        // The last of them is not killed.
        if in_the_middle == 3 {
            break;
        }
    }
    assert!(in_the_middle > 0, "it was killed in the middle at least once");
    let serving = platform.serve();
    assert_eq!(sealed(), MANY);
    serving.signal("TERM");
    serving.ended().well();
    assert!(!rows.holds(&[0x77; 16]), "not one of them");

    // One key was made, and under it each opens as what it was.
    let passphrase = Passphrase::new(PASSPHRASE.into()).unwrap();
    let keys = SealedFile::open(&platform.data.join("keys.cfks"), &passphrase, Environment::Test).unwrap();
    let made = keys.keys().into_iter().filter(|key| key.key_use == KeyUse::SealSecrets).count();
    assert_eq!((made, rows.number("select count(*) from secret_key")), (1, 1));
    let connection = Connection::open(platform.database()).unwrap();
    let mut all =
        connection.prepare("select endpoint, secret from webhook_secret order by endpoint").unwrap();
    let all = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    for (number, row) in (0..).zip(all) {
        let (id, bytes): ([u8; 16], Vec<u8>) = row.unwrap();
        let place = SecretPlace { table: "webhook_secret.secret", owner: &id, number: 1 };
        let opened = keys.open_secret(&place, &SealedSecret::parse(&bytes).unwrap()).unwrap();
        assert_eq!((id, opened.as_slice()), (id_of(number), secret_of(number).as_slice()));
    }
    platform.run(&["audit", "verify"]).well();
}

#[test]
fn a_server_s_files_are_written_anew_when_nobody_looks_at_them_as_they_were_any_more() {
    let platform = Platform::new();
    let database = Cluster::shared().fresh(None).unwrap();
    let section = format!("\n[database]\nurl = \"{}\"\n", database.url);
    let config = std::fs::read_to_string(&platform.config).unwrap() + &section;
    std::fs::write(&platform.config, config).unwrap();
    platform.run(&["merchant", "add", "Morning Market"]).well();
    // As an earlier version left it.
    let rows = Rows::Server(database.name.clone());
    let endpoint = rows.bytes(&ENDPOINT);
    rows.change(&format!(
        "insert into webhook_endpoint (id, merchant, shard, url, wanted, description, created_at, updated_at)
         values ({endpoint}, 1, 6, 'https://shop.example/', '*', '', 0, 0);
         insert into webhook_secret (endpoint, number, secret) values ({endpoint}, 1, {})",
        rows.bytes(&WEBHOOK),
    ));
    let marks = "select count(*) from residue";
    rows.change("delete from residue");

    // A dump.
    let dump = Cluster::shared().onlooker(&database.name, "select 1").unwrap();
    let serving = platform.serve();
    assert_eq!(rows.number("select count(*) from webhook_secret where sealed_by is null"), 0);
    serving.complains("they are written anew when it does no more");
    assert!(rows.is_on_disk(&WEBHOOK), "it would be for whoever looks at the moment before");
    assert_eq!(rows.number(marks), 1);
    drop(dump);
    // The platform that serves sees to it.
    let until = Instant::now() + PATIENCE;
    while rows.number(marks) > 0 {
        assert!(Instant::now() < until, "{}", serving.complaints());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(!rows.is_on_disk(&WEBHOOK));
    serving.signal("TERM");
    serving.ended().well();
}
