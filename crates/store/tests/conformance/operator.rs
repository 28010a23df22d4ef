//! Operators, their sessions, and the audit chain.

use model::UnixMillis;
use operator::{
    AuditEntry, AuditHead, AuditNote, Cost, Password, PasswordHash, Role, SessionTimes, Stage, TotpStep,
    Verifier,
};
use payment::OperatorId;
use store::{NewOperator, OperatorSession, Store, StoreError, StoredOperator, WriteError};

use crate::maker::tap::{bank_card, with_bank_card};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, holder, kept, seen};
use crate::secret::sealed;

fn hash(salt: u8) -> PasswordHash {
    let password = Password::new("correct horse battery".into()).unwrap();
    PasswordHash::make(&password, [salt; 16], Cost::Testing).unwrap()
}

fn new(name: &str, role: Role) -> NewOperator {
    let (name, totp) = (name.parse().unwrap(), sealed(1, &[0xff; 20]));
    NewOperator { name, role, password: hash(1), totp, created_at: MORNING }
}

async fn added(store: &Store, name: &'static str, role: Role) -> OperatorId {
    let new = new(name, role);
    kept(store, move |unit| unit.add_operator(&new)).await
}

fn note(n: i64) -> AuditNote {
    AuditNote {
        at: MORNING.plus(n),
        operator: "li.wei".into(),
        address: "192.0.2.1".into(),
        action: "view".into(),
        subject: format!("/console/{n} 号"),
        outcome: "granted".into(),
    }
}

pub(crate) async fn every_field_of_an_operator_comes_back(store: Store) {
    let mut expected = Vec::new();
    for (name, role) in ["d", "c", "b", "a"].into_iter().zip(Role::ALL) {
        let id = added(&store, name, role).await;
        let NewOperator { name, password, totp, created_at, .. } = new(name, role);
        let (totp_step, disabled_at) = (TotpStep(0), None);
        let stored = StoredOperator {
            id,
            name: name.clone(),
            role,
            password,
            totp: totp.into(),
            totp_step,
            disabled_at,
            created_at,
        };
        assert_eq!(seen(&store, move |rows| rows.operator(id)).await.as_ref(), Some(&stored));
        let found = seen(&store, move |rows| rows.operator_of_name(&name)).await;
        assert_eq!(found.as_ref(), Some(&stored));
        expected.insert(0, stored);
    }
    assert_eq!(seen(&store, |rows| rows.operators(3)).await, expected[..3]);
    assert_eq!(seen(&store, |rows| rows.operator(OperatorId(99))).await, None);
    breaks_a_rule(&store, |unit| unit.add_operator(&new("a", Role::Viewer)).map(|_| ())).await;
}

pub(crate) async fn an_operator_changes_in_all_but_the_name_and_is_never_deleted(store: Store) {
    let id = added(&store, "li.wei", Role::Viewer).await;
    let mut stored = seen(&store, move |rows| rows.operator(id)).await.unwrap();
    stored.role = Role::Administrator;
    stored.password = hash(2);
    stored.totp = sealed(2, &[0; 20]).into();
    stored.totp_step = TotpStep(u64::from(u32::MAX));
    stored.disabled_at = Some(UnixMillis(i64::MAX));
    let put = StoredOperator { name: "somebody".parse().unwrap(), ..stored.clone() };
    kept(&store, move |unit| unit.put_operator(&put)).await;
    assert_eq!(seen(&store, move |rows| rows.operator(id)).await.as_ref(), Some(&stored));
    let nobody = StoredOperator { id: OperatorId(99), ..stored };
    changes_nothing(&store, "console_operator", move |unit| unit.put_operator(&nobody)).await;
}

pub(crate) async fn a_recovery_code_is_good_once(store: Store) {
    let [mine, other] = [added(&store, "a", Role::Viewer).await, added(&store, "b", Role::Viewer).await];
    kept(&store, move |unit| unit.put_recovery_codes(mine, &[[1; 32], [2; 32], [3; 32]])).await;
    let used = async |operator, byte: u8| {
        kept(&store, move |unit| unit.use_recovery_code(operator, &[byte; 32], MORNING)).await
    };
    let left = async || seen(&store, move |rows| rows.recovery_codes_left(mine)).await;
    assert_eq!(left().await, 3);
    assert!(!used(other, 1).await, "another's");
    assert!(used(mine, 1).await);
    assert!(!used(mine, 1).await, "once");
    assert!(!used(mine, 9).await, "nobody's");
    assert_eq!(left().await, 2);
    kept(&store, move |unit| unit.put_recovery_codes(mine, &[[1; 32]])).await;
    assert!(!used(mine, 2).await, "replaced");
    assert!(used(mine, 1).await, "new");
    assert_eq!(left().await, 0);
}

fn session(byte: u8, operator: OperatorId, stage: Stage) -> OperatorSession {
    let at = MORNING.plus(byte.into());
    let times = SessionTimes { created_at: at, seen_at: at };
    OperatorSession { digest: [byte; 32], operator, stage, times }
}

pub(crate) async fn a_session_is_found_by_its_digest_touched_and_ended_once(store: Store) {
    let [mine, other] = [added(&store, "a", Role::Viewer).await, added(&store, "b", Role::Viewer).await];
    for (byte, stage) in (1..).zip(Stage::ALL) {
        let stored = session(byte, mine, stage);
        kept(&store, move |unit| unit.add_operator_session(&stored)).await;
        let found = seen(&store, move |rows| rows.operator_session(&[byte; 32])).await;
        assert_eq!(found, Some(stored));
        breaks_a_rule(&store, move |unit| unit.add_operator_session(&stored)).await;
    }
    let theirs = session(9, other, Stage::Full);
    kept(&store, move |unit| unit.add_operator_session(&theirs)).await;
    let touched = async |byte: u8| {
        kept(&store, move |unit| unit.touch_operator_session(&[byte; 32], MORNING.plus(777))).await
    };
    assert!(touched(1).await && !touched(8).await);
    let found = seen(&store, |rows| rows.operator_session(&[1; 32])).await.unwrap();
    assert_eq!(found.times, SessionTimes { created_at: MORNING.plus(1), seen_at: MORNING.plus(777) });
    for ended in [true, false] {
        assert_eq!(kept(&store, |unit| unit.end_operator_session(&[1; 32])).await, ended);
    }
    assert_eq!(kept(&store, move |unit| unit.end_sessions_of(mine)).await, 2);
    assert_eq!(seen(&store, |rows| rows.operator_session(&[2; 32])).await, None);
    assert_eq!(seen(&store, |rows| rows.operator_session(&[9; 32])).await, Some(theirs));
    let orphan = session(7, OperatorId(99), Stage::Full);
    breaks_a_rule(&store, move |unit| unit.add_operator_session(&orphan)).await;
}

pub(crate) async fn sessions_are_forgotten_by_their_beginning_and_by_portions(store: Store) {
    let id = added(&store, "a", Role::Viewer).await;
    kept(&store, move |unit| {
        (1..=5).try_for_each(|byte| unit.add_operator_session(&session(byte, id, Stage::Full)))
    })
    .await;
    for forgotten in [2, 1, 0] {
        let before = MORNING.plus(4);
        assert_eq!(kept(&store, move |unit| unit.forget_operator_sessions(before, 2)).await, forgotten);
    }
    for byte in 1..=5 {
        let left = seen(&store, move |rows| rows.operator_session(&[byte; 32])).await;
        assert_eq!(left.is_some(), byte >= 4);
    }
}

fn verified(entries: &[AuditEntry], kept: AuditHead) {
    let mut verifier = Verifier::default();
    entries.iter().for_each(|entry| verifier.take(entry).unwrap());
    verifier.end(kept).unwrap();
}

pub(crate) async fn the_audit_chain_goes_on_by_one_and_stands(store: Store) {
    assert_eq!(seen(&store, |rows| rows.audit_head()).await, AuditHead::default());
    for n in 1..=5 {
        let entry = kept(&store, move |unit| unit.append_audit(&note(n))).await;
        assert_eq!((entry.seq, entry.note.clone()), (n.unsigned_abs(), note(n)));
        assert_eq!(seen(&store, |rows| rows.audit_head()).await, entry.head());
    }
    let all = seen(&store, |rows| rows.audit_after(0, 9)).await;
    verified(&all, all[4].head());
    let seqs = |entries: Vec<AuditEntry>| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(seqs(seen(&store, |rows| rows.audit_after(2, 2)).await), [3, 4]);
    assert_eq!(seqs(seen(&store, |rows| rows.audit_before(None, 2)).await), [5, 4]);
    assert_eq!(seqs(seen(&store, |rows| rows.audit_before(Some(3), 9)).await), [2, 1]);
}

pub(crate) async fn a_refusal_leaves_no_entry(store: Store) {
    let refused = store.write(|unit| {
        unit.append_audit(&note(1))?;
        Err::<(), _>(StoreError::Malformed("nothing"))
    });
    assert_eq!(refused.await, Err(WriteError::Refused(StoreError::Malformed("nothing"))));
    assert_eq!(seen(&store, |rows| rows.audit_head()).await, AuditHead::default());
    assert!(seen(&store, |rows| rows.audit_after(0, 9)).await.is_empty());
}

pub(crate) async fn two_hundred_who_append_at_once_make_one_chain(store: Store) {
    let writes: Vec<_> = (0..200)
        .map(|n| store.queue_write::<_, StoreError, _>(move |unit| unit.append_audit(&note(n))))
        .collect();
    for write in writes {
        write.await.unwrap();
    }
    let all = seen(&store, |rows| rows.audit_after(0, 999)).await;
    assert_eq!(all.len(), 200);
    verified(&all, seen(&store, |rows| rows.audit_head()).await);
}

pub(crate) async fn a_holder_s_bank_cards_are_found(store: Store) {
    kept(&store, |unit| with_bank_card(unit, 1)).await;
    kept(&store, |unit| with_bank_card(unit, 2)).await;
    let whose = bank_card(1).holder;
    let found = seen(&store, move |rows| {
        Ok(rows.bank_cards_of_holder(whose)?.into_iter().map(|card| card.number).collect::<Vec<_>>())
    })
    .await;
    assert_eq!(found, [bank_card(1).number]);
    let nobody = holder(9).reference;
    let none = seen(&store, move |rows| Ok(rows.bank_cards_of_holder(nobody)?.len())).await;
    assert_eq!(none, 0);
}
