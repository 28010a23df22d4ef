//! Transactions: a card in software, a bank of the test's own, and everything that can go wrong between them.

use crypto::{LoadOrder, Pin, PurseKind, PurseMasterKey, TerminalSuite};
use model::{Asn, Fen, OnlineCounter, PurseTime};
use sim::wallet::{Field, SoftReader, SoftWallet, Tear};
use tap::apdu;
use tap::card::{WalletImage, WalletKeys};
use tap::message::{Authorized, Body, Command, CommandList, End, ListEnding, Reference, SmsAnswer, SmsCode};
use tap::{CardAnswer, CardNeed, Outcome, Reader, ReaderError, RefusalCode, StatusWord};
use terminal::{Asked, AttachedReader, Ending, Events, Opening, Stage, Watcher};

use super::*;
use crate::bank::{Act, say};

const AID: [u8; 9] = [0xa0, 0, 0, 0, 3, 0x86, 0x98, 7, 1];
const REFERENCE: Reference = Reference([5; 16]);
const PIN: &str = "135790";

fn asn() -> Asn {
    "00001000751234567801".parse().unwrap()
}

fn load_master() -> PurseMasterKey {
    PurseMasterKey::from_bytes([0x11; 16])
}

/// An activated card with 100.00 yuan.
fn wallet() -> SoftWallet {
    let key = |byte| PurseMasterKey::from_bytes([byte; 16]).diversify(asn());
    let keys = WalletKeys::new(load_master().diversify(asn()), key(2), key(3), key(4));
    let mut image = WalletImage::new(&AID, asn(), keys);
    image.memory.set_validity([0x20, 0x26, 1, 1], [0x20, 0x36, 0x12, 0x31]);
    image.memory.balance = Fen(10_000);
    image.memory.online = OnlineCounter(7);
    SoftWallet::new(image)
}

/// A terminal, a bank, and a card in the field of a reader.
struct Tap {
    world: World,
    terminal: Terminal,
    wallet: SoftWallet,
    field: Field,
    reader: AttachedReader,
}

impl Tap {
    async fn new() -> Self {
        Self::of(World::new().await).await
    }

    async fn of(world: World) -> Self {
        let terminal = world.terminal().await;
        let (wallet, field) = (wallet(), Field::new());
        field.hold(&wallet);
        let soft = SoftReader::new(field.clone(), Duration::from_millis(100));
        let reader = AttachedReader::new("field", soft).unwrap();
        Self { world, terminal, wallet, field, reader }
    }

    async fn run(&self, asked: Asked) -> Ending {
        self.watched(asked, Events::new().0).await
    }

    async fn watched(&self, asked: Asked, events: Events) -> Ending {
        let card = match asked {
            Asked::Load { .. } | Asked::Activation { .. } => Some(asn()),
            Asked::Balance | Asked::VerifiedBalance | Asked::SupplementaryLoad => None,
        };
        let opening = Opening { industry: "0101".parse().unwrap(), card, card_pin: None, asked };
        self.terminal.run(opening, &self.reader, events).await
    }

    fn steps(&self) -> Vec<tap::message::Step> {
        self.world.bank.heard().iter().map(|message| message.body.step()).collect()
    }
}

fn load() -> Asked {
    let sms = SmsAnswer { reference: [7; 16], code: SmsCode::new(*b"123456").unwrap() };
    Asked::Load { amount: Fen(2_000), sms, pin: PIN.parse().unwrap() }
}

fn permits() -> Act {
    say(|_| Body::Authorized(Authorized { reference: REFERENCE }))
}

/// What a bank says to `card`: CREDIT FOR LOAD with its MAC2.
fn credits() -> Act {
    say(|message| {
        let Body::Card(card) = &message.body else { panic!("{message:?}") };
        let initialized = card.initialized.unwrap();
        let when = PurseTime::from_bytes([0x20, 0x26, 0x11, 0x24, 9, 30, 0]);
        let order = LoadOrder { amount: Fen(2_000), kind: PurseKind::PurseLoad, terminal: TERMINAL, when };
        let key = load_master().diversify(card.asn);
        let mac2 = key.load_session(initialized.random, initialized.counter).load_mac2(&order);
        let credit = Command { apdu: apdu::credit_for_load(when, mac2), allowed: vec![StatusWord::DONE] };
        Body::Commands(CommandList { reference: REFERENCE, list: 1, commands: vec![credit] })
    })
}

fn ends(outcome: Outcome) -> Act {
    say(move |_| Body::End(End::of(outcome)))
}

#[tokio::test]
async fn a_balance_is_read_without_a_bank() {
    let tap = Tap::new().await;
    let asked = tap.world.bank.asked().len();
    let ending = tap.run(Asked::Balance).await;
    assert_eq!(ending.outcome(), Some(Outcome::BalanceRead), "{ending:?}");
    assert_eq!((ending.report.end.balance, ending.report.end.asn), (Some(Fen(10_000)), Some(asn())));
    assert!(tap.world.bank.heard().is_empty());
    assert!(!tap.world.bank.asked()[asked..].contains(&"key_state".to_owned()));
}

#[tokio::test]
async fn a_load_goes_through_in_every_suite_and_the_pin_is_under_the_key_of_its_message() {
    for suite in [TerminalSuite::Aes128Gcm, TerminalSuite::Sm4Gcm] {
        let world = World::new().await;
        world.bank.set_suite(suite);
        let tap = Tap::of(world).await;
        tap.world.bank.will([permits(), credits(), ends(Outcome::Loaded)]);
        let (events, watcher) = Events::new();
        let stages = tokio::spawn(stages(watcher));
        let ending = tap.watched(load(), events).await;
        assert_eq!(ending.outcome(), Some(Outcome::Loaded), "{ending:?}");
        assert_eq!((ending.report_pending, ending.cause), (false, None));
        assert_eq!(tap.wallet.balance(), Fen(12_000));
        assert_eq!(tap.terminal.condition().reports_waiting, 0);

        let heard = tap.world.bank.heard();
        let Body::Authorize(authorize) = &heard[0].body else { panic!("{heard:?}") };
        let pin = tap.world.bank.pin_key(tap.world.bank.key_id()).open(&authorize.pin, asn()).unwrap();
        assert!(pin == PIN.parse::<Pin>().unwrap());
        let Body::Outputs(outputs) = &heard[2].body else { panic!("{heard:?}") };
        assert_eq!(outputs.ending, ListEnding::Done);
        assert!(matches!(&outputs.outputs[0], CardAnswer::Said { data, .. } if data.len() == 4));
        let stages = stages.await.unwrap();
        assert_eq!(stages.last(), Some(&Stage::Over));
        assert!(stages.contains(&Stage::TalkingToBank(CardNeed::Done)), "{stages:?}");
    }
}

/// Every stage that was seen, until the end.
async fn stages(mut watcher: Watcher) -> Vec<Stage> {
    let mut seen = vec![watcher.now().stage];
    while watcher.progress.changed().await.is_ok() {
        seen.push(watcher.now().stage);
    }
    seen
}

#[tokio::test]
async fn a_message_whose_connection_breaks_is_sent_once_more_with_a_new_number() {
    let tap = Tap::new().await;
    tap.world.bank.will([permits(), Act::Close, credits(), Act::Close, ends(Outcome::Loaded)]);
    let ending = tap.run(load()).await;
    assert_eq!(ending.outcome(), Some(Outcome::Loaded), "{ending:?}");
    use tap::message::Step::{Authorize, Card, Outputs};
    assert_eq!(tap.steps(), [Authorize, Card, Card, Outputs, Outputs]);
    let heard = tap.world.bank.heard();
    assert_eq!((&heard[1], &heard[3]), (&heard[2], &heard[4]));
    assert_eq!(tap.world.bank.highest(tap.world.bank.key_id()), 5);
}

#[tokio::test]
async fn a_key_that_ends_on_the_way_is_renewed_and_the_pin_goes_under_the_new_one() {
    let tap = Tap::new().await;
    tap.world.bank.will([Act::Refuse(RefusalCode::KeyExpired), permits()]);
    tap.world.bank.will([Act::Refuse(RefusalCode::KeyExpired), credits(), ends(Outcome::Loaded)]);
    let ending = tap.run(load()).await;
    assert_eq!(ending.outcome(), Some(Outcome::Loaded), "{ending:?}");
    assert_eq!(tap.world.bank.key_id(), 3);
    let heard = tap.world.bank.heard();
    for (message, key_id) in [(&heard[0], 1), (&heard[1], 2)] {
        let Body::Authorize(authorize) = &message.body else { panic!("{message:?}") };
        let pin = tap.world.bank.pin_key(key_id).open(&authorize.pin, asn());
        assert!(pin.is_ok_and(|pin| pin == PIN.parse::<Pin>().unwrap()), "{key_id}");
    }
    assert_eq!(heard[2], heard[3]);
}

#[tokio::test]
async fn a_refusal_in_clear_is_no_outcome_once_money_may_be_set_aside() {
    for code in RefusalCode::ALL.iter().copied() {
        let tap = Tap::new().await;
        let refuse = || Act::Refuse(code);
        // As often as it may be sent again, and some more.
        tap.world.bank.will([permits(), refuse(), refuse(), refuse(), refuse()]);
        let ending = tap.run(load()).await;
        assert_eq!(ending.outcome(), Some(Outcome::Unanswered), "{code}: {ending:?}");
        assert!(ending.cause.unwrap().contains(code.code()), "{code}");
        assert_eq!(tap.wallet.balance(), Fen(10_000));
    }
}

#[tokio::test]
async fn before_the_card_is_told_of_a_refusal_says_that_nothing_was_paid() {
    for (code, outcome) in [
        (RefusalCode::TerminalRevoked, Outcome::TerminalRefused),
        (RefusalCode::WrongCode, Outcome::TerminalRefused),
        (RefusalCode::Unavailable, Outcome::Unavailable),
        (RefusalCode::MalformedMessage, Outcome::Malformed),
    ] {
        let tap = Tap::new().await;
        tap.world.bank.will([Act::Refuse(code), Act::Refuse(code)]);
        assert_eq!(tap.run(load()).await.outcome(), Some(outcome), "{code}");
    }
}

#[tokio::test]
async fn an_answer_under_another_key_is_none() {
    let tap = Tap::new().await;
    tap.world.bank.will([permits(), Act::Forge]);
    let ending = tap.run(load()).await;
    assert_eq!(ending.outcome(), Some(Outcome::Unanswered), "{ending:?}");
    assert_eq!(tap.steps().len(), 2);
}

#[tokio::test]
async fn a_report_that_nobody_answers_is_kept_and_repeated_until_somebody_does() {
    let tap = Tap::new().await;
    tap.world.bank.will([permits(), credits(), Act::Close, Act::Close]);
    let ending = tap.run(load()).await;
    assert_eq!(ending.outcome(), Some(Outcome::LoadedReportPending), "{ending:?}");
    assert!(ending.report_pending);
    assert_eq!(tap.wallet.balance(), Fen(12_000));
    assert_eq!(tap.terminal.condition().reports_waiting, 1);
    tap.world.bank.will([Act::Refuse(RefusalCode::KeyExpired), ends(Outcome::Loaded)]);
    soon("it is answered", || tap.terminal.condition().reports_waiting == 0).await;
    let heard = tap.world.bank.heard();
    assert_eq!(heard[2], heard[heard.len() - 1]);
}

#[tokio::test]
async fn a_report_outlives_the_process_and_one_that_is_refused_for_good_is_set_aside() {
    let tap = Tap::new().await;
    tap.world.bank.will([permits(), credits(), Act::Close, Act::Close]);
    assert!(tap.run(load()).await.report_pending);
    let Tap { terminal, world, .. } = tap;
    terminal.close().await;
    let folder = world.path().join("reports");
    let reports = || std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(reports(), 1);
    world.bank.will([Act::Refuse(RefusalCode::MalformedMessage)]);
    let terminal = world.open().await;
    soon("it is set aside", || terminal.condition().reports_refused == 1).await;
    assert_eq!((terminal.condition().reports_waiting, reports()), (0, 1));
}

#[tokio::test]
async fn a_card_torn_while_it_is_credited_is_reported_as_gone() {
    let tap = Tap::new().await;
    // SELECT, READ, INITIALIZE, CREDIT.
    tap.wallet.tear(Tear::after(4));
    tap.world.bank.will([permits(), credits(), ends(Outcome::PaidNotWritten)]);
    let ending = tap.run(load()).await;
    assert_eq!(ending.outcome(), Some(Outcome::PaidNotWritten), "{ending:?}");
    let heard = tap.world.bank.heard();
    let Body::Outputs(outputs) = &heard[2].body else { panic!("{heard:?}") };
    assert_eq!(outputs.ending, ListEnding::CardGone);
}

#[tokio::test]
async fn a_card_that_is_gone_for_a_moment_while_it_is_read_is_read_again() {
    let tap = Tap::new().await;
    tap.wallet.tear(Tear::before(3));
    let (field, wallet) = (tap.field.clone(), tap.wallet.clone());
    let hand = tokio::spawn(async move {
        soon("it is torn", || field.wallet().is_none()).await;
        field.hold(&wallet);
    });
    let ending = tap.run(Asked::Balance).await;
    assert_eq!(ending.outcome(), Some(Outcome::BalanceRead), "{ending:?}");
    hand.await.unwrap();

    // One that does not come back is gone, and nothing was paid.
    tap.wallet.tear(Tear::before(2));
    tap.world.bank.will([permits()]);
    let ending = tap.run(load()).await;
    assert_eq!(ending.outcome(), Some(Outcome::CardGone), "{ending:?}");
    assert_eq!(tap.steps().len(), 1);
}

#[tokio::test]
async fn no_card_is_waited_for_without_end_and_waiting_can_be_canceled() {
    let tap = Tap::new().await;
    tap.field.remove();
    assert_eq!(tap.run(Asked::Balance).await.outcome(), Some(Outcome::TimedOut));

    let (events, mut watcher) = Events::new();
    let hand = tokio::spawn(async move {
        watcher.progress.wait_for(|progress| progress.stage == Stage::HoldCard).await.unwrap();
        assert!(watcher.now().remaining() <= waits().card);
        watcher.cancel();
    });
    assert_eq!(tap.watched(Asked::Balance, events).await.outcome(), Some(Outcome::Canceled));
    hand.await.unwrap();
    // The reader is free again.
    tap.field.hold(&tap.wallet);
    assert_eq!(tap.run(Asked::Balance).await.outcome(), Some(Outcome::BalanceRead));
}

#[tokio::test]
async fn canceling_after_the_bank_was_told_of_the_card_stops_nothing() {
    let tap = Tap::new().await;
    tap.world.bank.will([permits(), credits(), ends(Outcome::Loaded)]);
    let (events, mut watcher) = Events::new();
    let hand = tokio::spawn(async move {
        let told =
            |progress: &terminal::Progress| matches!(progress.stage, Stage::TalkingToBank(CardNeed::Waits));
        watcher.progress.wait_for(told).await.unwrap();
        watcher.cancel();
    });
    assert_eq!(tap.watched(load(), events).await.outcome(), Some(Outcome::Loaded));
    hand.abort();
}

#[tokio::test]
async fn one_reader_serves_one_transaction_at_a_time() {
    let tap = Tap::new().await;
    tap.field.remove();
    let (events, mut watcher) = Events::new();
    let (first, second) = tokio::join!(tap.watched(Asked::Balance, events), async {
        watcher.progress.wait_for(|progress| progress.stage == Stage::HoldCard).await.unwrap();
        let second = tap.run(Asked::Balance).await;
        watcher.cancel();
        second
    });
    assert_eq!(first.outcome(), Some(Outcome::Canceled));
    assert_eq!(second.outcome(), Some(Outcome::Unavailable));
    assert!(second.cause.unwrap().contains("reader"));
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_no_transaction() {
    let tap = Tap::new().await;
    tap.world.bank.will([permits(), credits(), ends(Outcome::Loaded)]);
    let (events, watcher) = Events::new();
    let told = |stage: &Stage| matches!(stage, Stage::TalkingToBank(CardNeed::NotYet));
    let mut progress = watcher.progress.clone();
    tokio::select! {
        _ = tap.watched(load(), events) => {}
        _ = progress.wait_for(|now| told(&now.stage)) => {}
    }
    soon("it ends by itself", || tap.wallet.balance() == Fen(12_000)).await;
    soon("the bank hears of it", || tap.steps().len() == 3).await;
}

#[tokio::test]
async fn a_bank_that_is_away_is_told_before_anybody_holds_a_card() {
    let world = World::new().await;
    let tap = Tap::of(world).await;
    soon("a key comes", || tap.terminal.condition().key.is_some()).await;
    tap.world.bank.end_key(1);
    let Tap { world, terminal, wallet, field, reader } = tap;
    let World { bank, stand, authority, folder } = world;
    drop(stand);
    // Another server at another address: the terminal's is gone.
    let stand = Stand::start(authority.server(), |_, _| crate::stand::Reply::Close).await;
    let world = World { bank, stand, authority, folder };
    let tap = Tap { world, terminal, wallet, field, reader };
    let ending = tap.run(load()).await;
    assert_eq!(ending.outcome(), Some(Outcome::ServerAway), "{ending:?}");
    assert!(ending.cause.unwrap().contains("cannot be reached"));
    // What needs no bank goes on.
    assert_eq!(tap.run(Asked::Balance).await.outcome(), Some(Outcome::BalanceRead));
}

/// A reader with trouble.
struct Troubled {
    connects: Vec<Result<(), ReaderError>>,
    transmits: Vec<Result<Vec<u8>, ReaderError>>,
    hang: bool,
}

impl Reader for Troubled {
    fn connect(&mut self) -> Result<(), ReaderError> {
        if self.connects.is_empty() { Ok(()) } else { self.connects.remove(0) }
    }
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, ReaderError> {
        if self.hang {
            std::thread::sleep(Duration::from_secs(2));
        }
        if self.transmits.is_empty() { Ok(vec![0x6a, 0x82]) } else { self.transmits.remove(0) }
    }
    fn disconnect(&mut self) {}
}

#[tokio::test]
async fn what_a_reader_says_becomes_what_a_holder_can_do() {
    let mut tap = Tap::new().await;
    let no = || Err(ReaderError::CardGone);
    let gone = || Err(ReaderError::CardGone);
    for (connects, transmits, hang, outcome) in [
        (vec![], vec![], false, Outcome::NotAWallet),
        // A reader's service takes a second to notice that a card came back.
        (vec![no(), Err(ReaderError::Failed("mute".into()))], vec![], false, Outcome::NotAWallet),
        (vec![Err(ReaderError::ReaderGone); 9], vec![], false, Outcome::ReaderGone),
        (vec![no(); 9], vec![], false, Outcome::CardGone),
        (vec![], vec![Err(ReaderError::ReaderGone)], false, Outcome::ReaderGone),
        (vec![], vec![Ok(vec![]), Ok(vec![0x90])], false, Outcome::NotAWallet),
        (vec![], vec![gone(); 9], false, Outcome::CardGone),
        (vec![], vec![], true, Outcome::CardGone),
    ] {
        let troubled = Troubled { connects: connects.clone(), transmits: transmits.clone(), hang };
        tap.reader = AttachedReader::new("troubled", troubled).unwrap();
        // A reader that hangs would hang this story: the time limit is the reader's own.
        let ending = tap.run(Asked::Balance).await;
        assert_eq!(ending.outcome(), Some(outcome), "{connects:?} {transmits:?}: {ending:?}");
    }
}

#[tokio::test]
async fn an_industry_without_a_pack_and_a_card_that_is_not_named_go_nowhere() {
    let tap = Tap::new().await;
    let opening = |industry: &str, asked| Opening {
        industry: industry.parse().unwrap(),
        card: None,
        card_pin: None,
        asked,
    };
    for (opening, outcome) in [
        (opening("9999", Asked::Balance), Outcome::UnknownIndustry),
        (opening("0101", load()), Outcome::Malformed),
    ] {
        let ending = tap.terminal.run(opening, &tap.reader, Events::new().0).await;
        assert_eq!(ending.outcome(), Some(outcome));
    }
    assert!(tap.world.bank.heard().is_empty());
}
