//! Terminals and their keys, bank cards, wallet cards, and what was authorized before a tap.

use crypto::{PinReference, TerminalSuite};
use model::{Fen, OnlineCounter, TerminalId, UnixMillis};
use payment::LoadId;
use store::{
    Activation, BankCard, Store, StoreError, StoredTerminal, TapAuthorization, TerminalState, Wallet,
    WalletState, WorkingKey,
};
use tap::SequenceMark;

use crate::maker::tap::{
    HIGH, asn, authorization, bank_card, industry, terminal, terminal_id, wallet, with_bank_card, working_key,
};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, holder, kept, seen};

async fn add_terminals(store: &Store, terminals: impl IntoIterator<Item = StoredTerminal>) {
    let terminals = Vec::from_iter(terminals);
    kept(store, move |unit| terminals.iter().try_for_each(|one| unit.add_terminal(one))).await;
}

pub(crate) async fn every_field_of_a_terminal_comes_back(store: Store) {
    let full = StoredTerminal {
        id: TerminalId([0xff; 6]),
        state: TerminalState::Active,
        suite: TerminalSuite::TripleDes,
        master_version: u8::MAX,
        activation: Some(Activation { digest: [0xac; 32], expires_at: MORNING, tries_left: u8::MAX }),
        key_id: u32::MAX,
        mark: HIGH,
        heard_at: Some(UnixMillis(i64::MAX)),
        ..terminal(1)
    };
    let empty = StoredTerminal { id: TerminalId([0; 6]), name: String::new(), ..terminal(2) };
    for stored in [full, empty] {
        add_terminals(&store, [stored.clone()]).await;
        let (id, again) = (stored.id, stored.clone());
        assert_eq!(seen(&store, move |rows| rows.terminal(id)).await, Some(stored));
        breaks_a_rule(&store, move |unit| unit.add_terminal(&again)).await;
    }
    assert_eq!(seen(&store, |rows| rows.terminal(terminal_id(9))).await, None);
}

pub(crate) async fn a_terminal_changes_in_everything_but_its_number_and_its_day(store: Store) {
    let mut stored = terminal(1);
    add_terminals(&store, [stored.clone(), terminal(2)]).await;
    let code = Activation { digest: [1; 32], expires_at: MORNING, tries_left: 0 };
    for (state, suite) in TerminalState::ALL.into_iter().zip(TerminalSuite::ALL) {
        for activation in [Some(code), None] {
            stored = StoredTerminal {
                name: state.name().into(),
                state,
                suite,
                activation,
                key_id: stored.key_id + 1,
                mark: SequenceMark { highest: stored.mark.highest + (1 << 62), seen: u64::MAX },
                heard_at: activation.map(|_| MORNING),
                ..stored
            };
            let put = stored.clone();
            kept(&store, move |unit| unit.put_terminal(&put)).await;
            assert_eq!(seen(&store, |rows| rows.terminal(terminal_id(1))).await.as_ref(), Some(&stored));
            stored.mark.highest %= 1 << 63;
        }
    }
    let later = StoredTerminal { created_at: MORNING.plus(1), ..terminal(2) };
    kept(&store, move |unit| unit.put_terminal(&later)).await;
    assert_eq!(seen(&store, |rows| rows.terminal(terminal_id(2))).await, Some(terminal(2)));
    changes_nothing(&store, "terminal", |unit| unit.put_terminal(&terminal(9))).await;
}

pub(crate) async fn a_terminal_s_keys_do_not_come_back(store: Store) {
    let stored = StoredTerminal { master_version: 2, key_id: 7, ..terminal(1) };
    add_terminals(&store, [stored.clone()]).await;
    for (master_version, key_id) in [(1, 7), (1, 8), (2, 6), (3, 6)] {
        let earlier = StoredTerminal { master_version, key_id, ..stored.clone() };
        changes_nothing(&store, "terminal", move |unit| unit.put_terminal(&earlier)).await;
    }
    assert_eq!(seen(&store, |rows| rows.terminal(terminal_id(1))).await, Some(stored));
}

pub(crate) async fn terminals_are_listed_by_number_above_a_cursor(store: Store) {
    add_terminals(&store, [5, 0, 255, 3].map(terminal)).await;
    let pages = [(None, vec![0, 3]), (Some(3), vec![5, 255]), (Some(4), vec![5, 255]), (Some(255), vec![])];
    for (after, expected) in pages {
        let page = seen(&store, move |rows| rows.terminals_after(after.map(terminal_id), 2)).await;
        assert_eq!(page, expected.into_iter().map(terminal).collect::<Vec<_>>());
    }
}

pub(crate) async fn a_working_key_s_mark_moves_and_its_end_comes_nearer(store: Store) {
    add_terminals(&store, [terminal(1), terminal(2)]).await;
    let mut key = WorkingKey { key_id: u32::MAX, mark: HIGH, ..working_key(1, 0) };
    let (first, other) = (key.clone(), working_key(2, u32::MAX));
    kept(&store, move |unit| {
        unit.add_working_key(&first)?;
        unit.add_working_key(&other)
    })
    .await;
    let now = async || seen(&store, |rows| rows.working_key(terminal_id(1), u32::MAX)).await;
    assert_eq!(now().await.as_ref(), Some(&key));
    for (highest, ends) in [(1 << 63, 1_000), (u64::MAX, 1_000), (u64::MAX, 600), (0, 0), (1, 0)] {
        key.mark = SequenceMark { highest, seen: !highest };
        key.expires_at = MORNING.plus(ends);
        let put = key.clone();
        kept(&store, move |unit| unit.put_working_key(&put)).await;
        assert_eq!(now().await.as_ref(), Some(&key));
    }
    let longer = WorkingKey { expires_at: MORNING.plus(1), ..key.clone() };
    changes_nothing(&store, "working_key", move |unit| unit.put_working_key(&longer)).await;
    changes_nothing(&store, "working_key", |unit| unit.put_working_key(&working_key(1, 1))).await;
    let issued = WorkingKey { issued_at: UnixMillis(0), ..key.clone() };
    kept(&store, move |unit| unit.put_working_key(&issued)).await;
    assert_eq!(now().await, Some(key));
    let other = seen(&store, |rows| rows.working_key(terminal_id(2), u32::MAX)).await;
    assert_eq!(other, Some(working_key(2, u32::MAX)));
}

pub(crate) async fn a_working_key_is_given_once_and_to_a_terminal_that_is_there(store: Store) {
    add_terminals(&store, [terminal(1), terminal(2)]).await;
    for key in [working_key(1, 1), working_key(1, 2), working_key(2, 1)] {
        let again = key.clone();
        kept(&store, move |unit| unit.add_working_key(&key)).await;
        breaks_a_rule(&store, move |unit| unit.add_working_key(&again)).await;
    }
    breaks_a_rule(&store, |unit| unit.add_working_key(&working_key(3, 1))).await;
    assert_eq!(seen(&store, |rows| rows.working_key(terminal_id(3), 1)).await, None);
}

pub(crate) async fn working_keys_are_forgotten_by_their_end_and_by_portions(store: Store) {
    add_terminals(&store, [terminal(1)]).await;
    kept(&store, |unit| {
        (1..=5).try_for_each(|key_id| {
            let expires_at = MORNING.plus(key_id.into());
            unit.add_working_key(&WorkingKey { expires_at, ..working_key(1, key_id) })
        })
    })
    .await;
    let forget = async |millis| {
        kept(&store, move |unit| unit.forget_working_keys_before(MORNING.plus(millis), 2)).await
    };
    assert_eq!(forget(1).await, 0);
    assert_eq!(forget(4).await, 2);
    assert_eq!(forget(4).await, 1);
    assert_eq!(forget(4).await, 0);
    for key_id in 1..=5 {
        let left = seen(&store, move |rows| rows.working_key(terminal_id(1), key_id)).await;
        assert_eq!(left.is_some(), key_id >= 4);
    }
}

pub(crate) async fn a_bank_card_is_kept_under_its_number(store: Store) {
    breaks_a_rule(&store, |unit| unit.add_bank_card(&bank_card(1))).await;
    kept(&store, |unit| with_bank_card(unit, 1)).await;
    kept(&store, |unit| with_bank_card(unit, 2)).await;
    breaks_a_rule(&store, |unit| unit.add_bank_card(&bank_card(1))).await;
    let now = async || seen(&store, |rows| rows.bank_card(&bank_card(1).number)).await;
    assert!(now().await == Some(bank_card(1)));
    let mut changed = bank_card(1);
    for tries_left in [2, 0, u8::MAX] {
        changed = BankCard {
            phone: format!("+86{tries_left}"),
            pin_reference: PinReference([tries_left; 16]),
            tries_left,
            frozen: !changed.frozen,
            ..changed
        };
        let put = BankCard { holder: holder(2).reference, ..changed.clone() };
        kept(&store, move |unit| unit.put_bank_card(&put)).await;
        assert!(now().await.as_ref() == Some(&changed), "all but the holder");
    }
    changes_nothing(&store, "bank_card", |unit| unit.put_bank_card(&bank_card(3))).await;
    assert!(seen(&store, |rows| rows.bank_card(&bank_card(2).number)).await == Some(bank_card(2)));
    assert!(seen(&store, |rows| rows.bank_card("")).await.is_none());
}

pub(crate) async fn every_field_of_a_wallet_card_comes_back(store: Store) {
    breaks_a_rule(&store, |unit| unit.add_wallet(&wallet(1))).await;
    kept(&store, |unit| with_bank_card(unit, 1)).await;
    kept(&store, |unit| with_bank_card(unit, 2)).await;
    let full = Wallet {
        asn: asn(2),
        industry: industry(9_999),
        state: WalletState::Frozen,
        counter: OnlineCounter(u16::MAX),
        activated_at: Some(UnixMillis(i64::MAX)),
        ..wallet(1)
    };
    for stored in [wallet(1), full] {
        let (added, again, asn) = (stored.clone(), stored.clone(), stored.asn);
        kept(&store, move |unit| unit.add_wallet(&added)).await;
        breaks_a_rule(&store, move |unit| unit.add_wallet(&again)).await;
        assert_eq!(seen(&store, move |rows| rows.wallet(asn)).await, Some(stored));
    }
    assert_eq!(seen(&store, |rows| rows.wallet(asn(9))).await, None);
}

pub(crate) async fn a_wallet_card_changes_and_its_counter_only_rises(store: Store) {
    kept(&store, |unit| {
        with_bank_card(unit, 1)?;
        with_bank_card(unit, 2)?;
        unit.add_wallet(&wallet(1))
    })
    .await;
    let mut changed = wallet(1);
    let passing = WalletState::ALL.into_iter().filter(|state| *state != WalletState::Withdrawn);
    let last = [WalletState::Withdrawn, WalletState::Withdrawn];
    for (n, state) in (1..).zip(passing.clone().chain(passing.clone()).chain(last)) {
        changed = Wallet {
            state,
            bank_card: bank_card(1 + n % 2).number,
            counter: OnlineCounter(u16::from(n / 2) * 10_000),
            activated_at: (n % 2 == 0).then_some(MORNING),
            ..changed
        };
        let put = Wallet { issued_at: UnixMillis(0), industry: industry(7), ..changed.clone() };
        kept(&store, move |unit| unit.put_wallet(&put)).await;
        assert_eq!(seen(&store, |rows| rows.wallet(asn(1))).await.as_ref(), Some(&changed));
    }
    // What is withdrawn stays so, whatever is handed in.
    for state in passing {
        let again = Wallet { state, ..changed.clone() };
        breaks_a_rule(&store, move |unit| unit.put_wallet(&again)).await;
    }
    let back = Wallet { counter: OnlineCounter(changed.counter.0 - 1), ..changed.clone() };
    changes_nothing(&store, "wallet", move |unit| unit.put_wallet(&back)).await;
    changes_nothing(&store, "wallet", |unit| unit.put_wallet(&wallet(2))).await;
    let nobody_s = Wallet { bank_card: bank_card(9).number, ..changed.clone() };
    breaks_a_rule(&store, move |unit| unit.put_wallet(&nobody_s)).await;
    assert_eq!(seen(&store, |rows| rows.wallet(asn(1))).await, Some(changed));
}

pub(crate) async fn wallet_cards_are_listed_by_serial_number_above_a_cursor(store: Store) {
    kept(&store, |unit| {
        with_bank_card(unit, 1)?;
        [5, 0, 255, 3]
            .into_iter()
            .try_for_each(|n| unit.add_wallet(&Wallet { bank_card: bank_card(1).number, ..wallet(n) }))
    })
    .await;
    let pages = [(None, vec![0, 3]), (Some(3), vec![5, 255]), (Some(4), vec![5, 255]), (Some(255), vec![])];
    for (after, expected) in pages {
        let page = seen(&store, move |rows| rows.wallets_after(after.map(asn), 2)).await;
        assert_eq!(
            page.iter().map(|one| one.asn).collect::<Vec<_>>(),
            expected.into_iter().map(asn).collect::<Vec<_>>()
        );
    }
}

pub(crate) async fn an_authorization_is_used_by_one_load(store: Store) {
    let activation = TapAuthorization {
        transaction: u8::MAX,
        amount: None,
        used_by: Some(LoadId(u128::MAX)),
        ..authorization(2)
    };
    let nothing = TapAuthorization { amount: Some(Fen(0)), ..authorization(3) };
    for stored in [authorization(1), activation, nothing] {
        let (added, again, reference) = (stored.clone(), stored.clone(), stored.reference);
        kept(&store, move |unit| unit.add_tap_authorization(&added)).await;
        breaks_a_rule(&store, move |unit| unit.add_tap_authorization(&again)).await;
        assert_eq!(seen(&store, move |rows| rows.tap_authorization(reference)).await, Some(stored));
    }
    assert_eq!(seen(&store, |rows| rows.tap_authorization([9; 16])).await, None);
    let used = TapAuthorization { used_by: Some(LoadId(7)), ..authorization(1) };
    // Twice by the same load is once.
    for _ in 0..2 {
        let put = TapAuthorization { expires_at: UnixMillis(0), ..used.clone() };
        kept(&store, move |unit| unit.put_tap_authorization(&put)).await;
        assert_eq!(seen(&store, |rows| rows.tap_authorization([1; 16])).await.as_ref(), Some(&used));
    }
    for used_by in [Some(LoadId(8)), None] {
        let other = TapAuthorization { used_by, ..used.clone() };
        changes_nothing(&store, "tap_authorization", move |unit| unit.put_tap_authorization(&other)).await;
    }
    changes_nothing(&store, "tap_authorization", |unit| unit.put_tap_authorization(&authorization(9))).await;
    assert_eq!(seen(&store, |rows| rows.tap_authorization([1; 16])).await, Some(used));
}

pub(crate) async fn authorizations_are_forgotten_by_their_end_and_by_portions(store: Store) {
    kept(&store, |unit| {
        (1..=5).try_for_each(|n| {
            let expires_at = MORNING.plus(n.into());
            unit.add_tap_authorization(&TapAuthorization { expires_at, ..authorization(n) })
        })
    })
    .await;
    let forget = async |millis| {
        kept(&store, move |unit| unit.forget_tap_authorizations_before(MORNING.plus(millis), 2)).await
    };
    assert_eq!(forget(1).await, 0);
    assert_eq!(forget(4).await, 2);
    assert_eq!(forget(4).await, 1);
    assert_eq!(forget(4).await, 0);
    for n in 1..=5 {
        let left = seen(&store, move |rows| rows.tap_authorization([n; 16])).await;
        assert_eq!(left.is_some(), n >= 4);
    }
}

pub(crate) async fn what_is_logged_names_nobody(store: Store) {
    let rows = kept(&store, |_| {
        let sms = crate::maker::tap::sms("your code is 123456", 0);
        Ok::<_, StoreError>(format!(
            "{:?} {:?} {:?} {:?}",
            bank_card(1),
            wallet(1),
            sms,
            crate::maker::tap::sms_code(1, 1, 0)
        ))
    })
    .await;
    for secret in [&bank_card(1).number, &bank_card(1).phone, "123456", "+86138", "213, 213"] {
        assert!(!rows.contains(secret), "{secret} in {rows}");
    }
}
