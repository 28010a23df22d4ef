//! `kill -9` of a bank at any moment, again and again, while terminals load wallet cards that are torn away as it
//! happens: what a card holds is what the books say, once, and nothing waits that a tap could have finished.
//!
//! Terminals and cards live in this test and live on, as they would. A holder whose load did not end well holds the
//! card again, and again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::{Asn, Fen, IndustryCode};
use program::bank::{Bank, PIN, Wallet};
use program::gateway::Gateway;
use program::process::PATIENCE;
use program::terminal::{TERMINAL_PASSPHRASE, Terminal as Enrolled};
use sim::wallet::{Field, SoftReader, SoftWallet, Tear, WalletFile};
use tap::message::{SmsAnswer, SmsCode, Transaction};
use tap::{Money, Outcome};
use terminal::{Asked, AttachedReader, Ending, Events, Opening, Passphrase, SmsError, Terminal, Waits};

const KILLS: usize = 12;
const TERMINALS: usize = 4;
/// An SMS code is given once a minute for a card, so that each card is loaded once.
const CARDS: usize = 400;
const FUNDED: u32 = 10_000_000;
/// Commands of a load, and of the longest rescue.
const COMMANDS: u64 = 4;
const RESCUE_COMMANDS: u64 = 6;

/// A number that nobody chose, below this: the hash keys of the standard library are the system's randomness.
fn any_below(limit: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) % limit
}

fn any_tear(commands: u64) -> Tear {
    let nth = u32::try_from(1 + any_below(commands)).unwrap();
    if any_below(2) == 0 { Tear::before(nth) } else { Tear::after(nth) }
}

/// What all terminals did, for the end.
#[derive(Default)]
struct Counts {
    outcomes: Mutex<BTreeMap<(&'static str, &'static str), usize>>,
    tears: AtomicUsize,
    /// Cards that are through with it.
    settled: AtomicUsize,
    stop: AtomicBool,
}

/// What became of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Terminal or bank said that the money is on it.
    Loaded(Fen),
    /// The holder was told that nothing was paid.
    NothingPaid,
    /// The answer to the wish for a code was lost, and another comes only in a minute.
    NoCode,
}

/// A terminal with its reader, and whoever stands before it.
struct Counter {
    terminal: Terminal,
    field: Field,
    reader: AttachedReader,
    gateway: Gateway,
    counts: Arc<Counts>,
}

impl Counter {
    async fn open(bank: &Bank, enrolled: &Enrolled, counts: &Arc<Counts>) -> Self {
        let waits = Waits { card_again: Duration::from_millis(50), ..Waits::default() };
        let passphrase = Passphrase::new(TERMINAL_PASSPHRASE.into()).unwrap();
        let terminal = Terminal::open_with(&enrolled.folder, passphrase, waits).await.unwrap();
        let field = Field::new();
        let reader = SoftReader::new(field.clone(), Duration::from_millis(20));
        let reader = AttachedReader::new("software reader", reader).unwrap();
        Self { terminal, field, reader, gateway: bank.gateway.clone(), counts: Arc::clone(counts) }
    }

    /// Serves one holder after another until there are no more, or it is told to stop.
    async fn serve(self, cards: Vec<Wallet>) -> Vec<(Wallet, Fate)> {
        let mut served = Vec::new();
        for card in cards {
            if self.counts.stop.load(Ordering::Relaxed) {
                break;
            }
            let fate = self.serve_one(&card).await;
            self.counts.settled.fetch_add(1, Ordering::Relaxed);
            served.push((card, fate));
        }
        // Its folder is free for whoever comes next.
        self.terminal.close().await;
        served
    }

    async fn serve_one(&self, wallet: &Wallet) -> Fate {
        let asn: Asn = wallet.asn.parse().unwrap();
        let card = SoftWallet::new(WalletFile::open(&wallet.file).unwrap());
        let pin = || PIN.parse().unwrap();
        self.until(&card, Some(asn), Asked::Activation { pin: pin() }, &[Outcome::Activated]).await;

        let amount = Fen(100 * u32::try_from(1 + any_below(40)).unwrap());
        let begin = Instant::now();
        let sent = loop {
            let industry = IndustryCode::new(101).unwrap();
            match self.terminal.request_sms(industry, asn, Transaction::Load, Some(amount)).await {
                Ok(sent) => break sent,
                Err(SmsError::Refused(Outcome::SmsTooOften)) => return Fate::NoCode,
                Err(SmsError::Refused(outcome)) => panic!("no code: {}", outcome.name()),
                Err(SmsError::Bank(error)) => assert!(begin.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let (gateway, number) = (self.gateway.clone(), wallet.asn.clone());
        let text = tokio::task::spawn_blocking(move || gateway.text_about(&number)).await.unwrap();
        let digits = text.code().into_bytes().try_into().unwrap();
        let sms = SmsAnswer { reference: sent.reference, code: SmsCode::new(digits).unwrap() };

        // Two of three loads are torn somewhere.
        if any_below(3) > 0 {
            card.tear(any_tear(COMMANDS));
        }
        let ending = self.once(&card, Some(asn), Asked::Load { amount, sms, pin: pin() }).await;
        let told = ending.report.money();
        if ending.outcome() == Some(Outcome::Loaded) {
            return Fate::Loaded(amount);
        }
        // Its first rescue may be torn as well.
        if any_below(2) == 0 {
            card.tear(any_tear(RESCUE_COMMANDS));
        }
        let ends = [Outcome::Loaded, Outcome::NothingOpen];
        let rescued = self.until(&card, None, Asked::SupplementaryLoad, &ends).await;
        match (told, rescued) {
            (Money::Nothing, Outcome::NothingOpen) => Fate::NothingPaid,
            (Money::Nothing, _) => panic!("{asn}: nothing was paid, it said, and then it was: {ending:?}"),
            // The receipt went its own way, or nothing had been set aside: the books say which.
            (Money::Done, Outcome::NothingOpen) | (_, Outcome::Loaded) => Fate::Loaded(amount),
            (Money::HoldAgain, _) if card.balance() == amount => Fate::Loaded(amount),
            (Money::HoldAgain, _) => Fate::NothingPaid,
            (Money::Done | Money::AtTheBank, _) => panic!("{asn}: {ending:?}, then {rescued:?}"),
        }
    }

    /// Holds the card again and again until it ends so.
    async fn until(&self, card: &SoftWallet, asn: Option<Asn>, asked: Asked, ends: &[Outcome]) -> Outcome {
        let begin = Instant::now();
        loop {
            let ending = self.once(card, asn, asked.clone()).await;
            if let Some(outcome) = ending.outcome().filter(|outcome| ends.contains(outcome)) {
                return outcome;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end: {ending:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Holds the card once; a tear that did not happen is forgotten.
    async fn once(&self, card: &SoftWallet, asn: Option<Asn>, asked: Asked) -> Ending {
        let transaction = asked.transaction().name();
        let opening = Opening { industry: IndustryCode::new(101).unwrap(), card: asn, card_pin: None, asked };
        let was_armed = card.is_tear_pending();
        self.field.hold(card);
        let (events, watcher) = Events::new();
        // A card that is torn away while it is read comes back no more: its holder thinks that it is done.
        let field = self.field.clone();
        let mut changed = field.watch();
        let cancel = tokio::spawn(async move {
            while changed.changed().await.is_ok() {
                if field.wallet().is_none() {
                    watcher.cancel();
                    return;
                }
            }
        });
        let ending = self.terminal.run(opening, &self.reader, events).await;
        cancel.abort();
        if was_armed && !card.is_tear_pending() {
            self.counts.tears.fetch_add(1, Ordering::Relaxed);
        }
        card.mend();
        self.field.remove();
        let outcome = ending.outcome().expect("an outcome that this build knows");
        *self.counts.outcomes.lock().unwrap().entry((transaction, outcome.name())).or_default() += 1;
        // What the bank or the card would say of a contradiction, and what ends with a person.
        assert!(
            !matches!(
                outcome,
                Outcome::InDoubt
                    | Outcome::TacWrong
                    | Outcome::Mac1Wrong
                    | Outcome::Mac2Refused
                    | Outcome::StaleCounter
                    | Outcome::PinWrong
                    | Outcome::SmsWrong
                    | Outcome::Malformed
                    | Outcome::TerminalRefused
                    | Outcome::TooManyRounds
                    | Outcome::UnknownCard
            ),
            "{transaction}: {ending:?}"
        );
        ending
    }
}

/// Waits until so many more cards are through.
async fn more_settled(counts: &Counts, more: usize) {
    let wanted = counts.settled.load(Ordering::Relaxed) + more;
    let begin = Instant::now();
    while counts.settled.load(Ordering::Relaxed) < wanted {
        assert!(begin.elapsed() < PATIENCE, "no card gets through");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Fen in an amount as lists print it.
fn fen(text: &str) -> u64 {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// What `ledger check` says that the accounts of this kind hold.
fn posted(ledger: &str, kind: &str) -> u64 {
    let line = ledger.lines().find(|line| line.contains(kind)).unwrap_or_else(|| panic!("{ledger}"));
    fen(line.split_once("posted").unwrap().1.split_whitespace().next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_killed_at_any_moment_and_cards_torn_at_any_command_agree_in_the_end() {
    let bank = Bank::new();
    let holder = bank.holder(FUNDED);
    let mut cards = bank.wallets("0101", &bank.bank_card(&holder), CARDS);
    // Texts name a card by its last four digits: one of each.
    cards.sort_by(|a, b| a.asn[16..].cmp(&b.asn[16..]));
    cards.dedup_by(|a, b| a.asn[16..] == b.asn[16..]);

    let mut serving = bank.serve();
    let counts = Arc::new(Counts::default());
    let enrolled: Vec<_> = (0..TERMINALS)
        .map(|n| Enrolled::enrolled(&bank, &format!("{:012}", n + 1), &["0101-bus.pack.toml"]))
        .collect();
    let mut counters = Vec::new();
    for (index, enrolled) in enrolled.iter().enumerate() {
        let own = cards.iter().skip(index).step_by(TERMINALS).cloned().collect();
        counters.push(tokio::spawn(Counter::open(&bank, enrolled, &counts).await.serve(own)));
    }
    more_settled(&counts, 2).await;
    for _ in 0..KILLS {
        // Loads run again, and then at any moment of what a load takes.
        more_settled(&counts, 2).await;
        tokio::time::sleep(Duration::from_millis(any_below(500))).await;
        serving.kill();
        bank.platform.ledger();
        serving = bank.serve();
    }
    more_settled(&counts, TERMINALS).await;
    counts.stop.store(true, Ordering::Relaxed);
    let mut served = Vec::new();
    for counter in counters {
        served.extend(counter.await.unwrap());
    }
    assert!(served.len() < cards.len(), "the cards were used up before the last kill");

    // Whoever is unsure holds the card once more: nothing of any card waits.
    let last = Counter::open(&bank, &enrolled[0], &counts).await;
    for (wallet, _) in &served {
        let card = SoftWallet::new(WalletFile::open(&wallet.file).unwrap());
        let outcome = last.once(&card, None, Asked::SupplementaryLoad).await.outcome();
        assert_eq!(outcome, Some(Outcome::NothingOpen), "{}", wallet.asn);
    }
    last.terminal.close().await;

    let said = bank.platform.run(&["bank", "loads", "--limit", "1000"]).well();
    let mut loaded: BTreeMap<String, u64> = BTreeMap::new();
    for line in said.lines().filter(|line| line.starts_with("load_")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[4], "closed", "{line}");
        assert_eq!(
            loaded.insert(words[1].to_owned(), fen(words[3])),
            None,
            "a card was loaded twice: {line}"
        );
    }
    for (wallet, fate) in &served {
        let booked = loaded.get(&wallet.asn).copied().unwrap_or(0);
        assert_eq!(u64::from(wallet.balance()), booked, "{}: {fate:?}", wallet.asn);
        let told = match fate {
            Fate::Loaded(amount) => u64::from(amount.0),
            Fate::NothingPaid | Fate::NoCode => 0,
        };
        assert_eq!(told, booked, "{}: {fate:?}", wallet.asn);
    }
    serving.signal("TERM");
    serving.ended().well();

    let total: u64 = loaded.values().sum();
    let ledger = bank.platform.ledger();
    assert_eq!(posted(&ledger, "load_float"), total, "{ledger}");
    assert_eq!(posted(&ledger, " holder "), u64::from(FUNDED) - total, "{ledger}");
    let transfers = format!("transfers: 0 pending, {} posted, 0 voided, 0 expired", loaded.len() + 1);
    assert!(ledger.contains(&transfers), "{transfers}: {ledger}");
    let counted = bank.load_counts();
    assert!(counted.starts_with(&format!("0 open  {} closed  0 in doubt", loaded.len())), "{counted}");

    let count = |fate: fn(&Fate) -> bool| served.iter().filter(|(_, it)| fate(it)).count();
    eprintln!(
        "{KILLS} kills, {} cards: {} loaded with {total} fen, {} nothing paid, {} without a code; {} tears\n{:#?}",
        served.len(),
        count(|it| matches!(it, Fate::Loaded(_))),
        count(|it| *it == Fate::NothingPaid),
        count(|it| *it == Fate::NoCode),
        counts.tears.load(Ordering::Relaxed),
        counts.outcomes.lock().unwrap(),
    );
    assert!(loaded.len() >= KILLS, "few loads met the kills: {}", loaded.len());
    assert!(counts.tears.load(Ordering::Relaxed) >= KILLS);
}
