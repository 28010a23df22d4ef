//! Two processes with one file, and one that is killed.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crypto::{CardKeyReference, KeyOrigin, KeyStore, KeyStoreError, Suite};
use keystore::{KeyEvent, KeyState, KeyUse};
use model::{CardId, KeyVersion};

use crate::{Desk, NOW, counting, li, name, open};

const STORE: &str = "KEYSTORE_TEST_STORE";
const CARDS: &str = "KEYSTORE_TEST_CARDS";

fn card(id: u32) -> CardKeyReference {
    let origin = KeyOrigin::Derived(name("issuer-1"));
    CardKeyReference { card_id: CardId(id), version: KeyVersion::FIRST, suite: Suite::Aes128Eax, origin }
}

/// What the other process does: it destroys the keys of cards 0, 1, 2 and on.
#[test]
#[ignore = "run by the tests below, as a process of its own"]
fn the_other_process() {
    let (Ok(path), Ok(cards)) = (std::env::var(STORE), std::env::var(CARDS)) else {
        return;
    };
    let store = open(path.as_ref()).unwrap();
    for id in 0..cards.parse().unwrap() {
        store.destroy_card_key(&card(id)).unwrap();
    }
}

fn other_process(desk: &Desk, cards: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::the_other_process", "--ignored"])
        .env(STORE, &desk.path)
        .env(CARDS, cards.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn is_destroyed(store: &dyn KeyStore, id: u32) -> bool {
    store.card_key_check_value(&card(id)) == Err(KeyStoreError::NotActive)
}

#[test]
fn the_changes_of_two_processes_are_both_kept() {
    let desk = Desk::new();
    let mut other = other_process(&desk, 20);
    for id in 100..120 {
        desk.store.destroy_card_key(&card(id)).unwrap();
    }
    assert!(other.wait().unwrap().success());
    let store = open(&desk.path).unwrap();
    assert!((0..20).chain(100..120).all(|id| is_destroyed(&store, id)));
    assert!(!is_destroyed(&store, 20));
}

#[test]
fn the_changes_of_two_threads_are_both_kept() {
    let desk = Desk::new();
    thread::scope(|scope| {
        for first in [0, 100] {
            let store = &desk.store;
            scope
                .spawn(move || (first..first + 10).for_each(|id| store.destroy_card_key(&card(id)).unwrap()));
        }
    });
    assert!((0..10).chain(100..110).all(|id| is_destroyed(&desk.store, id)));
}

#[test]
fn a_process_that_is_killed_leaves_a_whole_file_and_no_lock() {
    let desk = Desk::new();
    let mut cards = 0;
    for _ in 0..5 {
        let mut other = other_process(&desk, u32::MAX);
        thread::sleep(Duration::from_millis(150));
        other.kill().unwrap();
        other.wait().unwrap();
        let store = open(&desk.path).unwrap();
        let destroyed = (0..).take_while(|id| is_destroyed(&store, *id)).count();
        let last = u32::try_from(destroyed).unwrap();
        assert!((last..last + 1000).all(|id| !is_destroyed(&store, id)));
        store.destroy_card_key(&card(last)).unwrap();
        cards = last;
    }
    assert!(cards > 10, "the other process was killed before it did anything");
}

#[test]
fn what_another_process_suspends_stops_here_after_a_refresh() {
    let desk = Desk::new();
    let command_line = open(&desk.path).unwrap();
    assert!(!desk.store.refresh().unwrap());
    command_line.set_state(name("issuer-1"), KeyEvent::Suspend, &li(), NOW).unwrap();
    assert!(desk.store.refresh().unwrap());
    assert_eq!(desk.store.card_key_check_value(&card(1)), Err(KeyStoreError::NotActive));
}

#[test]
fn a_name_taken_by_another_process_is_taken() {
    let desk = Desk::new();
    let other = open(&desk.path).unwrap();
    other.generate(name("issuer-2"), KeyUse::DeriveCardKeys, &li(), NOW, &mut counting(9)).unwrap();
    let taken = desk.store.generate(name("issuer-2"), KeyUse::DeriveCardKeys, &li(), NOW, &mut counting(10));
    assert!(taken.is_err());
    let rotated =
        desk.store.rotate(name("issuer-1"), name("issuer-3"), &li(), NOW, &mut counting(11)).unwrap();
    assert_eq!(rotated.state, KeyState::Active);
    assert_eq!(desk.store.keys().len(), 4);
}
