//! What nobody changes who reaches the database past the program: the audit chain, operators' names, and records of keys. On both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use cluster::Cluster;
use crypto::{DatabaseKey, KeyName, SecretKeyId, SecretPlace};
use model::UnixMillis;
use operator::{AuditNote, Cost, Password, PasswordHash, Role};
use store::postgres::{PATIENCE, Settings};
use store::{NewOperator, Store, StoreError, StoredSecretKey};

/// Each breaks a rule; what they name is there.
const TAMPERING: [&str; 10] = [
    "update audit_entry set operator = 'somebody' where seq = 1",
    "delete from audit_entry where seq = 2",
    "update audit_head set hash = hash where id = 1",
    "update audit_head set seq = 0 where id = 1",
    "delete from audit_head",
    "update console_operator set name = 'somebody'",
    "delete from console_operator",
    "update secret_key set node = 'south'",
    "delete from secret_key",
    "insert into audit_head (id, seq, hash) select 2, seq, hash from audit_head",
];

async fn with_an_operator_and_two_entries(store: &Store) {
    let password = Password::new("correct horse battery".into()).unwrap();
    let password = PasswordHash::make(&password, [1; 16], Cost::Testing).unwrap();
    let at = UnixMillis(1_800_000_000_000);
    let place = SecretPlace { table: "totp", owner: b"li.wei", number: 0 };
    let key = DatabaseKey::from_bytes([1; 32]);
    let totp = key.seal(KeyName::new("secrets-1").unwrap(), &place, [1; 16], &[1; 20]).unwrap();
    let id = SecretKeyId { name: KeyName::new("secrets-1").unwrap(), check_value: key.check_value() };
    let record = StoredSecretKey { number: 1, id, node: "north".into(), at };
    let new =
        NewOperator { name: "li.wei".parse().unwrap(), role: Role::Viewer, password, totp, created_at: at };
    let note = AuditNote {
        at,
        operator: "li.wei".into(),
        address: "local".into(),
        action: "view".into(),
        subject: "/console".into(),
        outcome: "granted".into(),
    };
    let work = store.write::<_, StoreError, _>(move |unit| {
        unit.add_operator(&new)?;
        unit.add_secret_key(&record)?;
        unit.append_audit(&note)?;
        unit.append_audit(&note)
    });
    work.await.unwrap();
}

#[tokio::test]
async fn nobody_changes_the_chain_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.db");
    let store = store::sqlite::open(&file).unwrap();
    with_an_operator_and_two_entries(&store).await;
    let raw = rusqlite::Connection::open(&file).unwrap();
    for sql in TAMPERING {
        let error = raw.execute(sql, []).unwrap_err();
        let code = error.sqlite_error_code();
        assert_eq!(code, Some(rusqlite::ErrorCode::ConstraintViolation), "{sql}: {error}");
    }
    assert_eq!(store.peek(|rows| rows.audit_after(0, 9)).unwrap().len(), 2);
}

#[tokio::test]
async fn nobody_changes_the_chain_on_a_server() {
    let database = Cluster::shared().fresh(None).unwrap();
    let url = database.url;
    let settings =
        Settings { url: url.clone(), tls: None, writer: [7; 16], patience: PATIENCE, password: None };
    let store = tokio::task::spawn_blocking(move || store::postgres::open(&settings).unwrap()).await.unwrap();
    with_an_operator_and_two_entries(&store).await;
    let (raw, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    for sql in TAMPERING.into_iter().chain(["truncate audit_entry"]) {
        let error = raw.batch_execute(sql).await.unwrap_err();
        let class = error.code().unwrap().code();
        assert!(class.starts_with("23"), "{sql}: {error:?}");
    }
    let read = store.read(|rows| rows.audit_after(0, 9)).await.unwrap();
    assert_eq!(read.len(), 2);
    drop(raw);
    connection.await.unwrap().unwrap();
}
