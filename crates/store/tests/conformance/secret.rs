//! Secrets as they stand in rows, and the keys that they are sealed under.

use crypto::{CheckValue, DatabaseKey, KeyName, SealedSecret, SecretKeyId, SecretPlace};
use operator::{Cost, OperatorName, Password, PasswordHash, Role};
use payment::MerchantId;
use store::{
    KeptSecret, NewOperator, Residue, Store, StoredEndpoint, StoredOperator, StoredSecret, StoredSecretKey,
    Wiped,
};
use webhook::{EndpointId, EndpointState, EndpointUrl, Mode, Wanted};
use zeroize::Zeroizing;

use crate::maker::{MORNING, breaks_a_rule, kept, seen};

pub(crate) fn key_name(number: u8) -> KeyName {
    KeyName::new(&format!("secrets-{number}")).unwrap()
}

/// A secret under the key of a number. What its row is matters to whoever opens it.
pub(crate) fn sealed(key: u8, text: &[u8]) -> SealedSecret {
    let place = SecretPlace { table: "table", owner: b"owner", number: 1 };
    DatabaseKey::from_bytes([key; 32]).seal(key_name(key), &place, [key; 16], text).unwrap()
}

fn clear(byte: u8, length: usize) -> KeptSecret {
    KeptSecret::Clear(Zeroizing::new(vec![byte; length]))
}

fn name(name: &str) -> OperatorName {
    name.parse().unwrap()
}

async fn operator(store: &Store, called: &'static str, totp: KeptSecret) {
    let password = Password::new("correct horse battery".into()).unwrap();
    let password = PasswordHash::make(&password, [1; 16], Cost::Testing).unwrap();
    let (role, created_at) = (Role::Viewer, MORNING);
    let new = NewOperator { name: name(called), role, password, totp: sealed(1, &[0; 20]), created_at };
    let id = kept(store, move |unit| unit.add_operator(&new)).await;
    let stored = seen(store, move |rows| rows.operator(id)).await.unwrap();
    let put = StoredOperator { totp, ..stored };
    kept(store, move |unit| unit.put_operator(&put)).await;
}

async fn endpoint(store: &Store, id: u128, secrets: Vec<KeptSecret>) {
    let endpoint = StoredEndpoint {
        id: EndpointId(id),
        merchant: MerchantId(1),
        url: EndpointUrl::parse("https://shop.example/hooks", Mode::Live).unwrap(),
        wanted: Wanted::All,
        description: String::new(),
        state: EndpointState::new(),
        created_at: MORNING,
        updated_at: MORNING,
        deleted_at: None,
    };
    let count = secrets.len();
    let secrets: Vec<StoredSecret> = (1..)
        .zip(secrets)
        .map(|(number, secret)| {
            let until = (usize::try_from(number).unwrap() < count).then_some(MORNING);
            StoredSecret { number, secret, until }
        })
        .collect();
    kept(store, move |unit| {
        unit.add_webhook_endpoint(&endpoint)?;
        unit.put_webhook_secrets(endpoint.id, &secrets)
    })
    .await;
}

async fn operators_under(
    store: &Store,
    key: Option<u8>,
    after: Option<&'static str>,
    limit: u32,
) -> Vec<String> {
    let found =
        seen(store, move |rows| rows.totp_secrets_under(key.map(key_name), after.map(name).as_ref(), limit));
    found.await.into_iter().map(|(name, _)| name.to_string()).collect()
}

async fn webhooks_under(
    store: &Store,
    key: Option<u8>,
    after: Option<(u128, u32)>,
    limit: u32,
) -> Vec<(u128, u32)> {
    let after = after.map(|(endpoint, number)| (EndpointId(endpoint), number));
    let found = seen(store, move |rows| rows.webhook_secrets_under(key.map(key_name), after, limit));
    found.await.into_iter().map(|(endpoint, number, _)| (endpoint.0, number)).collect()
}

fn record(number: u32, key: u8, node: &str) -> StoredSecretKey {
    let id = SecretKeyId { name: key_name(key), check_value: CheckValue([key, 0xff, 0]) };
    StoredSecretKey { number, id, node: node.to_owned(), at: MORNING.plus(number.into()) }
}

pub(crate) async fn the_keys_of_secrets_are_kept_the_newest_first_and_each_once(store: Store) {
    assert_eq!(seen(&store, |rows| rows.secret_keys()).await, []);
    for (number, key) in [(1, 7), (2, 3)] {
        kept(&store, move |unit| unit.add_secret_key(&record(number, key, "north 北"))).await;
    }
    let expected = [record(2, 3, "north 北"), record(1, 7, "north 北")];
    assert_eq!(seen(&store, |rows| rows.secret_keys()).await, expected);
    // Of two nodes with a next key, one has it; and no name is of two keys.
    breaks_a_rule(&store, |unit| unit.add_secret_key(&record(2, 4, "south"))).await;
    breaks_a_rule(&store, |unit| unit.add_secret_key(&record(3, 3, "south"))).await;
    assert_eq!(seen(&store, |rows| rows.secret_keys()).await, expected);
}

pub(crate) async fn secrets_are_found_by_their_key_and_sealed_where_they_still_stand(store: Store) {
    operator(&store, "ann", sealed(1, &[1; 20]).into()).await;
    operator(&store, "ben", sealed(2, &[2; 20]).into()).await;
    operator(&store, "cid", sealed(1, &[3; 20]).into()).await;
    endpoint(&store, 5, vec![sealed(1, &[1; 32]).into(), sealed(1, &[2; 32]).into()]).await;
    endpoint(&store, u128::MAX, vec![sealed(2, &[3; 32]).into(), sealed(1, &[4; 64]).into()]).await;
    assert_eq!(operators_under(&store, Some(1), None, 9).await, ["ann", "cid"]);
    assert_eq!(operators_under(&store, Some(1), None, 1).await, ["ann"]);
    assert_eq!(operators_under(&store, Some(1), Some("ann"), 9).await, ["cid"]);
    assert_eq!(operators_under(&store, Some(2), None, 9).await, ["ben"]);
    assert_eq!(operators_under(&store, None, None, 9).await, [""; 0]);
    assert_eq!(webhooks_under(&store, Some(1), None, 9).await, [(5, 1), (5, 2), (u128::MAX, 2)]);
    assert_eq!(webhooks_under(&store, Some(1), Some((5, 1)), 1).await, [(5, 2)]);
    assert_eq!(webhooks_under(&store, Some(2), None, 9).await, [(u128::MAX, 1)]);
    assert_eq!(webhooks_under(&store, None, None, 9).await, []);

    // Sealed anew where it stands as it was read, and only there.
    let (was, next) = (KeptSecret::from(sealed(1, &[1; 20])), sealed(2, &[1; 20]));
    let seal = async |was: &KeptSecret, next: &SealedSecret| {
        let (was, next) = (was.clone(), next.clone());
        kept(&store, move |unit| unit.seal_totp_secret(&name("ann"), &was, &next)).await
    };
    assert!(!seal(&sealed(1, &[9; 20]).into(), &next).await, "another secret by now");
    assert!(seal(&was, &next).await);
    assert!(!seal(&was, &next).await, "once");
    assert_eq!(operators_under(&store, Some(1), None, 9).await, ["cid"]);
    let stored = seen(&store, |rows| rows.operator_of_name(&name("ann"))).await.unwrap();
    assert_eq!(stored.totp, next.into());
    let (was, next) = (KeptSecret::from(sealed(1, &[2; 32])), sealed(2, &[2; 32]));
    let seal = async |number, was: &KeptSecret| {
        let (was, next) = (was.clone(), next.clone());
        kept(&store, move |unit| unit.seal_webhook_secret(EndpointId(5), number, &was, &next)).await
    };
    assert!(!seal(1, &was).await, "another number's");
    assert!(seal(2, &was).await);
    assert!(!seal(2, &was).await, "once");
    let stored = seen(&store, |rows| rows.webhook_secrets(EndpointId(5))).await;
    assert_eq!(stored[0].secret, sealed(2, &[2; 32]).into());
    assert_eq!((stored[0].until, stored[1].until), (None, Some(MORNING)), "nothing else has changed");
}

pub(crate) async fn what_an_earlier_version_left_in_clear_is_found_and_sealed(store: Store) {
    operator(&store, "ann", clear(0x5a, 20)).await;
    operator(&store, "ben", sealed(1, &[2; 20]).into()).await;
    // As long as a sealed one, and with its first byte.
    endpoint(&store, 5, vec![clear(1, 64), sealed(1, &[2; 32]).into()]).await;
    assert_eq!(operators_under(&store, None, None, 9).await, ["ann"]);
    assert_eq!(webhooks_under(&store, None, None, 9).await, [(5, 1)]);
    let stored = seen(&store, |rows| rows.webhook_secrets(EndpointId(5))).await;
    assert_eq!(stored[1].secret, clear(1, 64));
    let (totp, webhook) = (sealed(1, &[0x5a; 20]), sealed(1, &[1; 64]));
    kept::<_, store::StoreError>(&store, move |unit| {
        assert!(unit.seal_totp_secret(&name("ann"), &clear(0x5a, 20), &totp)?);
        assert!(unit.seal_webhook_secret(EndpointId(5), 1, &clear(1, 64), &webhook)?);
        Ok(())
    })
    .await;
    assert_eq!(operators_under(&store, None, None, 9).await, [""; 0]);
    assert_eq!(webhooks_under(&store, None, None, 9).await, []);
}

pub(crate) async fn a_row_that_was_changed_past_the_program_is_read_as_such_and_hides_no_other(store: Store) {
    let unread = KeptSecret::Unread { by: "secrets-9".into(), bytes: vec![9; 70] };
    operator(&store, "ann", unread.clone()).await;
    operator(&store, "ben", sealed(1, &[2; 20]).into()).await;
    endpoint(&store, 5, vec![unread.clone(), sealed(1, &[2; 32]).into()]).await;
    let all = seen(&store, |rows| rows.operators(9)).await;
    assert_eq!(
        all.iter().map(|one| one.totp.clone()).collect::<Vec<_>>(),
        [unread.clone(), sealed(1, &[2; 20]).into()]
    );
    let stored = seen(&store, |rows| rows.webhook_secrets(EndpointId(5))).await;
    assert_eq!(stored[1].secret, unread);
    // Kept as it was.
    let put = stored.clone();
    kept(&store, move |unit| unit.put_webhook_secrets(EndpointId(5), &put)).await;
    assert_eq!(seen(&store, |rows| rows.webhook_secrets(EndpointId(5))).await, stored);
}

pub(crate) async fn what_the_disk_may_hold_is_kept_until_it_is_written_anew(store: Store) {
    let there = async || seen(&store, |rows| rows.residue()).await;
    let [first, second] = [u128::MAX, 1].map(Residue::new);
    let mark = async |mark: &Residue| {
        let mark = mark.clone();
        kept(&store, move |unit| unit.mark_residue(&mark)).await;
    };
    let clear = async |mark: &Residue| {
        let mark = mark.clone();
        kept(&store, move |unit| unit.clear_residue(&mark)).await
    };
    assert_eq!(there().await, None, "a new database");
    mark(&first).await;
    assert_eq!(there().await.as_ref(), Some(&first));
    // Another node seals more, and whoever saw the first mark has had the database written anew in vain.
    mark(&second).await;
    assert_eq!((clear(&first).await, there().await.as_ref()), (false, Some(&second)));
    assert_eq!((clear(&second).await, there().await), (true, None));
    assert!(!clear(&second).await, "once");
    mark(&first).await;
    operator(&store, "ann", sealed(1, &[1; 20]).into()).await;
    endpoint(&store, 5, vec![sealed(1, &[1; 32]).into()]).await;
    assert_eq!(store.wipe().await, Ok(Wiped::Clean));
    assert_eq!(there().await, Some(first), "who has had it done takes the mark away");
    assert_eq!(operators_under(&store, Some(1), None, 9).await, ["ann"]);
    assert_eq!(webhooks_under(&store, Some(1), None, 9).await, [(5, 1)]);
}
