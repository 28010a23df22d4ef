//! Envelopes that are refused in clear, each by its code; and that none of them uses up a sequence or a load.

use model::TerminalId;
use store::TerminalState;
use tap::{Body, Header, Message, RefusalCode, Transaction};

use crate::counter::{OTHER_TERMINAL, TERMINAL, bus};
use crate::hand::Hand;
use crate::scene::{AMOUNT, LOADED, SET_ASIDE, Scene, list_of};
use crate::till::Till;

/// Where an envelope in suite 1 has what.
const VERSION: usize = 0;
const SUITE: usize = 1;
const TERMINAL_NUMBER: usize = 7;
const KEY_ID: usize = 11;
const SEQUENCE: usize = 19;
const NONCE: std::ops::Range<usize> = 20..32;
const TEXT: usize = 32;
const TAG_LENGTH: usize = 16;

/// A code, and whether something was said beside it.
type Said = Result<(), (RefusalCode, Option<String>)>;

impl Scene {
    async fn send(&self, envelope: &[u8]) -> Said {
        let answered = self.counter.bank.answer(envelope).await;
        answered.map(|_| ()).map_err(|refused| (refused.code, refused.detail))
    }

    /// A request that the bank would answer.
    fn request(&self) -> String {
        let body = Body::Card(self.hold().reading());
        Message { industry: bus(), transaction: Transaction::SupplementaryLoad, body }.to_text()
    }

    fn sealed(&self) -> Vec<u8> {
        self.counter.till(TERMINAL).seal(&self.request(), &self.counter.dice).1
    }

    fn sealed_under(&self, header: &Header) -> Vec<u8> {
        self.counter.till(TERMINAL).seal_under(header, self.request().as_bytes(), &self.counter.dice)
    }

    fn sealed_by(&self, till: &Till) -> Vec<u8> {
        till.seal(&self.request(), &self.counter.dice).1
    }
}

fn refused(code: RefusalCode) -> Said {
    Err((code, None))
}

fn changed(envelope: &[u8], place: usize) -> Vec<u8> {
    let mut changed = envelope.to_vec();
    changed[place] ^= 0x40;
    changed
}

#[tokio::test]
async fn what_is_changed_is_refused_wherever_it_is_changed_and_the_original_is_as_good_as_before() {
    let scene = Scene::begin(801).await;
    let envelope = scene.sealed();
    for place in 0..envelope.len() {
        let expected = match place {
            VERSION => RefusalCode::MalformedEnvelope,
            SUITE => RefusalCode::SuiteRefused,
            2..=TERMINAL_NUMBER => RefusalCode::UnknownTerminal,
            8..=KEY_ID => RefusalCode::UnknownKey,
            // The sequence is higher then: good, but not under this tag. So are nonce, text and tag.
            _ => RefusalCode::WrongCode,
        };
        assert_eq!(scene.send(&changed(&envelope, place)).await, refused(expected), "byte {place}");
    }
    assert!(envelope.len() > TEXT + TAG_LENGTH && NONCE.end == TEXT && SEQUENCE + 1 == NONCE.start);
    assert_eq!(scene.send(&envelope).await, Ok(()), "none of it used up the sequence");
    assert_eq!(scene.send(&envelope).await, refused(RefusalCode::Replayed));
}

#[tokio::test]
async fn an_envelope_of_one_terminal_is_no_envelope_of_another() {
    let scene = Scene::begin(802).await;
    let mut envelope = scene.sealed();
    envelope[2..8].copy_from_slice(&OTHER_TERMINAL.0);
    assert_eq!(scene.send(&envelope).await, refused(RefusalCode::WrongCode));
    envelope[2..8].copy_from_slice(&TERMINAL.0);
    assert_eq!(scene.send(&envelope).await, Ok(()));
}

#[tokio::test]
async fn the_banks_own_answer_is_no_request() {
    let scene = Scene::begin(803).await;
    let answer = scene.counter.bank.answer(&scene.sealed()).await.unwrap();
    assert_eq!(scene.send(&answer).await, refused(RefusalCode::Replayed), "it has the request's sequence");
    let mut later = answer;
    later[SEQUENCE] += 1;
    assert_eq!(scene.send(&later).await, refused(RefusalCode::WrongCode));
}

#[tokio::test]
async fn cut_and_too_long_envelopes_are_none() {
    let scene = Scene::begin(804).await;
    let envelope = scene.sealed();
    for length in 0..TEXT + TAG_LENGTH {
        let cut = scene.send(&envelope[..length]).await;
        assert_eq!(cut, refused(RefusalCode::MalformedEnvelope), "{length} bytes");
    }
    for length in [TEXT + TAG_LENGTH, envelope.len() - 1] {
        assert_eq!(scene.send(&envelope[..length]).await, refused(RefusalCode::WrongCode), "{length} bytes");
    }
    let longer = |length: usize| {
        let mut longer = envelope.clone();
        longer.resize(length, 0);
        longer
    };
    assert_eq!(scene.send(&longer(32 * 1024)).await, refused(RefusalCode::WrongCode));
    assert_eq!(scene.send(&longer(32 * 1024 + 1)).await, refused(RefusalCode::TooLarge));
    assert_eq!(scene.send(&envelope).await, Ok(()));
}

#[tokio::test]
async fn another_version_or_suite_is_refused_before_anything_is_looked_at() {
    let scene = Scene::begin(805).await;
    let envelope = scene.sealed();
    for version in [0, 2, 255] {
        let mut other = envelope.clone();
        other[VERSION] = version;
        assert_eq!(scene.send(&other).await, refused(RefusalCode::MalformedEnvelope), "version {version}");
    }
    for suite in [0, 2, 3, 4, 5, 255] {
        let mut other = envelope.clone();
        other[SUITE] = suite;
        assert_eq!(scene.send(&other).await, refused(RefusalCode::SuiteRefused), "suite {suite}");
    }
    assert_eq!(scene.send(&envelope).await, Ok(()));
}

#[tokio::test]
async fn a_key_is_good_until_its_end_and_no_other_key_is_good_at_all() {
    let scene = Scene::begin(806).await;
    let till = scene.counter.till(TERMINAL);
    for key_id in [0, 2, u32::MAX] {
        let header = Header { key_id, ..till.next_header() };
        assert_eq!(
            scene.send(&scene.sealed_under(&header)).await,
            refused(RefusalCode::UnknownKey),
            "{key_id}"
        );
    }
    scene.counter.pass(12 * 3_600_000 - 1);
    assert_eq!(scene.send(&scene.sealed()).await, Ok(()), "its last moment");
    scene.counter.pass(1);
    let late = scene.sealed();
    assert_eq!(scene.send(&late).await, refused(RefusalCode::KeyExpired));
    scene.counter.pass(-1);
    assert_eq!(scene.send(&late).await, Ok(()), "it used up nothing");
}

#[tokio::test]
async fn only_an_active_terminal_is_listened_to() {
    let scene = Scene::begin(807).await;
    let [unknown, registered, revoked] = [0x60, 0x61, 0x62].map(|last| TerminalId([0, 0, 1, 0, 0, last]));
    scene.counter.register(registered, TerminalState::Registered).await;
    scene.counter.register(revoked, TerminalState::Revoked).await;
    for (id, code) in [
        (unknown, RefusalCode::UnknownTerminal),
        (registered, RefusalCode::UnknownTerminal),
        (revoked, RefusalCode::TerminalRevoked),
    ] {
        let till = scene.counter.till_of(id);
        assert_eq!(scene.send(&scene.sealed_by(&till)).await, refused(code));
    }
}

#[tokio::test]
async fn a_terminal_that_is_reported_lost_is_silenced_in_the_middle_of_a_load() {
    let mut scene = Scene::begin(808).await;
    let (mut held, list) = scene.begin_load().await;
    let outputs = held.run(&list);
    scene
        .counter
        .write(|unit| {
            let mut terminal = unit.terminal(TERMINAL)?.unwrap();
            terminal.state = TerminalState::Revoked;
            unit.put_terminal(&terminal)
        })
        .await;
    let body = Body::Outputs(outputs);
    let said = scene.ask_at(TERMINAL, bus(), Transaction::Load, body).await;
    assert_eq!(said.unwrap_err().code, RefusalCode::TerminalRevoked);
    // Another terminal finishes what was begun.
    let mut hand = Hand::default();
    hand.walk_over();
    let opening = hand.finish(scene.asn);
    let ended = hand.tap(&mut scene.counter, opening, &scene.wallet).await;
    assert_eq!(ended.outcome(), tap::Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_sequence_is_taken_once_and_only_upwards() {
    let scene = Scene::begin(809).await;
    let till = scene.counter.till(TERMINAL);
    let at = |sequence| Header { sequence, ..till.next_header() };
    for sequence in [100, 103] {
        assert_eq!(scene.send(&scene.sealed_under(&at(sequence))).await, Ok(()), "{sequence}");
    }
    for (sequence, code) in [
        (103, RefusalCode::Replayed),
        (100, RefusalCode::Replayed),
        (102, RefusalCode::OutOfOrder),
        (40, RefusalCode::OutOfOrder),
        (39, RefusalCode::Replayed),
        (0, RefusalCode::Replayed),
    ] {
        assert_eq!(scene.send(&scene.sealed_under(&at(sequence))).await, refused(code), "{sequence}");
    }
    assert_eq!(scene.send(&scene.sealed_under(&at(104))).await, Ok(()));
}

#[tokio::test]
async fn what_was_seen_is_still_known_after_a_kill_and_gets_no_second_mac2() {
    let mut scene = Scene::begin(810).await;
    let reference = scene.authorized(AMOUNT).await;
    let body = Body::Card(scene.hold().initialized(Some(reference), AMOUNT));
    let message = Message { industry: bus(), transaction: Transaction::Load, body }.to_text();
    let (header, envelope) = scene.counter.till(TERMINAL).seal(&message, &scene.counter.dice);
    let answer = scene.counter.bank.answer(&envelope).await.unwrap();
    let first = Message::parse(&scene.counter.till(TERMINAL).open(&header, &answer)).unwrap().body;
    assert_eq!(scene.send(&envelope).await, refused(RefusalCode::Replayed));
    scene.counter.kill();
    assert_eq!(scene.send(&envelope).await, refused(RefusalCode::Replayed));
    assert_eq!(scene.counter.money(), SET_ASIDE);
    let (_, probe) = scene.probe().await;
    assert_eq!(probe.reference, list_of(first).reference);
}

#[tokio::test]
async fn the_same_envelope_at_the_same_moment_is_answered_once() {
    let scene = Scene::begin(811).await;
    let reference = scene.authorized(AMOUNT).await;
    let body = Body::Card(scene.hold().initialized(Some(reference), AMOUNT));
    let message = Message { industry: bus(), transaction: Transaction::Load, body }.to_text();
    let (_, envelope) = scene.counter.till(TERMINAL).seal(&message, &scene.counter.dice);
    let mut answered = 0;
    let sent: Vec<_> = (0..8)
        .map(|_| {
            let (bank, envelope) = (scene.counter.bank.clone(), envelope.clone());
            tokio::spawn(async move { bank.answer(&envelope).await })
        })
        .collect();
    for one in sent {
        match one.await.unwrap() {
            Ok(_) => answered += 1,
            Err(refused) => assert_eq!(refused.code, RefusalCode::Replayed),
        }
    }
    assert_eq!(answered, 1);
    assert_eq!(scene.counter.money(), SET_ASIDE);
}
