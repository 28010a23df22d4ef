//! A load that its card was credited with, given back by two persons: by commands, and by a platform that is killed at any
//! moment while they answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::sync::Arc;
use std::time::Duration;

use model::{Asn, Currency, Fen, IndustryCode, OnlineCounter, UnixMillis};
use operator::{Cost, SessionToken};
use payment::{
    AccountKind, Ground, Load, LoadId, LoadState, PendingTransfer, ReversalId, ReversalState, ReversalWish,
    TransferId,
};
use program::bank::{Bank, Wallet};
use program::process::PATIENCE;
use reqwest::Client;
use reqwest::redirect::Policy;
use server::operators::Account;
use server::{Clock as _, Operators, SystemChance, SystemClock};
use store::{Store, StoredLoad};

const REASON: &str = "form 7: card worn out, kept at the counter";
/// What each load is of, in fen.
const LOADED: u32 = 100;

/// A bank with this many cards, each credited with one load that a person settled. The loads, card by card.
fn credited(count: usize) -> (Bank, Vec<(Wallet, LoadId)>) {
    let bank = Bank::new();
    let holder = bank.holder(100_000);
    let card = bank.bank_card(&holder);
    let wallets = bank.wallets("0101", &card, count);
    let store = store::sqlite::open(&bank.platform.database()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let loads = wallets
        .into_iter()
        .enumerate()
        .map(|(n, wallet)| {
            let load = runtime.block_on(load_of(&store, &wallet, n));
            (wallet, load)
        })
        .collect();
    (bank, loads)
}

/// A load as a tap left it that the card took and a person settled.
async fn load_of(store: &Store, wallet: &Wallet, n: usize) -> LoadId {
    let asn: Asn = wallet.asn.parse().unwrap();
    let n = u128::try_from(n).unwrap();
    let now = SystemClock.now();
    let id = LoadId::from_time_and_random(now, n);
    store
        .write(move |unit| {
            let card = unit.wallet(asn)?.unwrap();
            let holder = unit.bank_card(&card.bank_card)?.unwrap().holder;
            let float = i64::from(card.industry.number());
            let owner = holder.0.cast_signed();
            let mut from = unit.account_opened(AccountKind::Holder, owner, Currency::CNY)?;
            let mut to = unit.account_opened(AccountKind::LoadFloat, float, Currency::CNY)?;
            let (transfer, amount) = (TransferId(7_000 + n), Fen(LOADED).amount().unwrap());
            let pending = PendingTransfer::reserve(transfer, amount, &mut from, &mut to).unwrap();
            unit.add_transfer(&pending, "load", now)?;
            let posted = pending.post(None, &mut from, &mut to).unwrap();
            unit.post_transfer(&posted, now)?;
            unit.put_account(&from)?;
            unit.put_account(&to)?;
            unit.add_load(&StoredLoad {
                load: Load {
                    id,
                    asn,
                    counter: OnlineCounter(0),
                    industry: card.industry,
                    amount: Fen(LOADED),
                    transfer,
                    state: LoadState::SettledCredited,
                    created_at: now,
                },
                holder,
                authorization: [0; 16],
                terminal: "000001000050".parse().unwrap(),
                updated_at: now,
                note: Some("seen".into()),
                evidence: Vec::new(),
                proven: None,
            })
        })
        .await
        .unwrap();
    id
}

/// What is on the cards' side of the books, in fen.
fn on_cards(store: &Store) -> i64 {
    let industry: IndustryCode = "0101".parse().unwrap();
    let float = i64::from(industry.number());
    let account = store.peek(|rows| rows.account_of(AccountKind::LoadFloat, float, Currency::CNY)).unwrap();
    account.map_or(0, |account| account.posted)
}

#[test]
fn two_persons_give_a_load_back_by_commands() {
    let (bank, loads) = credited(1);
    let (wallet, load) = &loads[0];
    let platform = &bank.platform;
    let (ann, ben) = (platform.person("ann", "operator"), platform.person("ben", "operator"));
    let load = load.to_string();
    let ask = [
        "bank", "reversal", "ask", &load, "--ground", "in-hand", "--held", "60", "--amount", "60",
        "--reason", REASON,
    ];
    let refused = platform.run_as(&ann, &ask).badly();
    assert!(refused.contains("freeze it first"), "{refused}");
    platform.run(&["wallet", "freeze", &wallet.asn]).well();
    let said = platform.run_as(&ann, &ask).well();
    assert!(said.contains(" asked    0.60 CNY of load_") && said.contains("asked by ann"), "{said}");
    let id = said.split_whitespace().next().unwrap().to_owned();
    let own = platform.run_as(&ann, &["bank", "reversal", "approve", &id]).badly();
    assert!(own.contains("ann asked for it: another operator must approve it"), "{own}");
    assert!(platform.run(&["bank", "reversal", "list"]).well().contains(&id));
    let done = platform.run_as(&ben, &["bank", "reversal", "approve", &id]).well();
    assert!(done.contains("posted by ben") && done.contains("(tr_"), "{done}");
    assert!(platform.run_as(&ben, &["bank", "reversal", "approve", &id]).badly().contains("posted already"));
    assert_eq!(platform.run(&["bank", "reversal", "list"]).well(), "No reversal waits.\n");
    assert!(platform.run(&["bank", "reversal", "list", "--all"]).well().contains(REASON));
    assert!(platform.run(&["bank", "loads", "--state", "reversed"]).well().contains(&load));
    assert!(platform.run(&["wallet", "list"]).well().contains("withdrawn"));
    let thawed = platform.run(&["wallet", "unfreeze", &wallet.asn]).badly();
    assert!(thawed.contains("this wallet card is withdrawn"), "{thawed}");
    let contradiction = ["bank", "reversal", "ask", &load, "--ground", "not-written", "--held", "1"];
    let rest = ["--amount", "1", "--reason", REASON, "--operator", "ann"];
    let refused = platform.run(&[&contradiction[..], &rest].concat()).badly();
    assert!(refused.contains("leave --held out"), "{refused}");
    let store = store::sqlite::open(&platform.database()).unwrap();
    assert_eq!(on_cards(&store), 40);
    platform.ledger();
    let log = platform.run(&["audit", "list"]).well();
    // Nobody approves what they asked for, and that they tried is told.
    assert!(log.contains(&format!("bank reversal approve {id} failed")), "{log}");
    assert!(log.contains(&format!("reversal_approve {id} of {load}: 0.60 CNY, in_hand holding 0.60 done")));
    platform.run(&["audit", "verify"]).well();
}

/// A moment that nobody chose: the hash keys of the standard library are the system's randomness.
fn any_moment(within: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0);
    Duration::from_micros(random % u64::try_from(within.as_micros()).unwrap())
}

/// An account and its session at the console, on the platform's own database.
async fn logged_in(operators: &Operators, name: &str) -> (Account, SessionToken) {
    let name = name.parse().unwrap();
    let link = operators.link(&name).await.unwrap().unwrap();
    let token = operators.follow(&link, "127.0.0.1").await.unwrap();
    (operators.signed(&token).unwrap().unwrap().account("127.0.0.1"), token)
}

/// A second person at the console, who answers one reversal after the other, and again until each is answered.
struct Answerer {
    http: Client,
    operations: u16,
    token: SessionToken,
}

impl Answerer {
    /// Posts the approval; what it was answered, if it was.
    async fn approve(&self, id: ReversalId) -> Option<u16> {
        let url = format!("http://127.0.0.1:{}/console/reversals/{id}/approve", self.operations);
        let fields = format!("confirmed=yes&csrf={}", self.token.csrf().field());
        let request = self
            .http
            .post(url)
            .header("cookie", format!("counterfoil={}", self.token.cookie()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields);
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Until it is told that it is done: now, or before. How often it asked in vain.
    async fn approve_at_last(&self, id: ReversalId) -> usize {
        for in_vain in 0.. {
            match self.approve(id).await {
                Some(303 | 409) => return in_vain,
                Some(503) | None => tokio::time::sleep(Duration::from_millis(20)).await,
                Some(other) => panic!("{id}: {other}"),
            }
        }
        0
    }
}

const REVERSALS: usize = 120;
const KILLS: usize = 6;

#[test]
fn a_platform_killed_at_any_moment_gives_nothing_back_twice() {
    let (bank, loads) = credited(REVERSALS);
    let platform = &bank.platform;
    for name in ["ann", "ben", "cid"] {
        platform.person(name, "operator");
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = store::sqlite::open(&platform.database()).unwrap();
    let operators =
        Operators::new(store.clone(), None, Arc::new(SystemClock), Arc::new(SystemChance), Cost::Recommended);
    let mut serving = platform.serve();
    runtime.block_on(async {
        let ((ann, _), (_, ben), (_, cid)) = (
            logged_in(&operators, "ann").await,
            logged_in(&operators, "ben").await,
            logged_in(&operators, "cid").await,
        );
        let ids = asked(&store, &ann, &loads).await;
        let answerer = |token: &SessionToken| Answerer {
            http: Client::builder().timeout(PATIENCE).no_proxy().redirect(Policy::none()).build().unwrap(),
            operations: platform.operations,
            token: token.clone(),
        };
        // Two who answer the same ones in the same order: each reversal is approved twice, and more.
        let answering = [answerer(&ben), answerer(&cid)].map(|answerer| {
            let ids = ids.clone();
            tokio::spawn(async move {
                let mut in_vain = 0;
                for id in ids {
                    in_vain += answerer.approve_at_last(id).await;
                }
                in_vain
            })
        });
        let posted = || {
            let of = |id: &ReversalId| store.peek(|rows| rows.reversal(*id)).unwrap().unwrap();
            ids.iter().map(of).filter(|it| it.reversal.state() != ReversalState::Asked).count()
        };
        let mut met = 0;
        for _ in 0..KILLS {
            let before = posted();
            while posted() == before && before < REVERSALS {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(any_moment(Duration::from_millis(40))).await;
            met += usize::from(posted() < REVERSALS);
            serving.kill();
            platform.ledger();
            serving = platform.serve();
        }
        assert!(met >= 2, "too few of the kills met an answer");
        for answered in answering {
            answered.await.unwrap();
        }
        assert_eq!(posted(), REVERSALS);
        serving.kill();
    });

    // Each came back once: by the row, by the load, by its card, and by the sums.
    let mut transfers = std::collections::BTreeSet::new();
    for (wallet, load) in &loads {
        let (of, stored, card) = store
            .peek(|rows| {
                let asn = wallet.asn.parse().unwrap();
                Ok((rows.reversals_of(*load, 9)?, rows.load(*load)?.unwrap(), rows.wallet(asn)?.unwrap()))
            })
            .unwrap();
        assert_eq!(of.len(), 1);
        assert!(matches!(of[0].reversal.state(), ReversalState::Posted { .. }));
        assert!(transfers.insert(of[0].transfer.unwrap()), "one transfer for two");
        assert_eq!((stored.load.state, card.state), (LoadState::Reversed, store::WalletState::Withdrawn));
    }
    assert_eq!(on_cards(&store), 0);
    platform.ledger();
    let log = platform.run(&["audit", "verify"]).well();
    assert!(log.contains("The audit log stands"), "{log}");
    let done = store.peek(|rows| rows.audit_before(None, 10_000)).unwrap();
    let done = done.iter().filter(|entry| entry.note.action == "reversal_approve").count();
    assert_eq!(done, REVERSALS, "each is in the log once");
}

/// Asks that every load is given back, by the rules, on the platform's own database.
async fn asked(store: &Store, ann: &Account, loads: &[(Wallet, LoadId)]) -> Vec<ReversalId> {
    let mut ids = Vec::new();
    for (n, (_, load)) in loads.iter().enumerate() {
        let (load, by) = (*load, ann.name().as_str().to_owned());
        let id = store
            .write(move |unit| {
                let stored = unit.load(load)?.unwrap();
                let card = unit.wallet(stored.load.asn)?.unwrap();
                unit.put_wallet(&store::Wallet { state: store::WalletState::Frozen, ..card })?;
                let by = unit.operator_named(&by)?;
                let now = UnixMillis(SystemClock.now().0);
                let id = ReversalId::from_time_and_random(now, u128::try_from(n).unwrap());
                let ground = Ground::NotWritten;
                let wish = ReversalWish { amount: Fen(LOADED), reason: REASON.parse().unwrap(), ground };
                let card =
                    payment::CardNow { may_be_loaded: false, has_unfinished: false, given_back: Fen(0) };
                let of = (&stored.load, false);
                let reversal = payment::Reversal::ask(id, (by, now), wish, of, card).unwrap();
                unit.add_reversal(&store::StoredReversal { reversal, transfer: None, updated_at: now })?;
                Ok::<_, store::StoreError>(id)
            })
            .await
            .unwrap();
        ids.push(id);
    }
    ids
}
