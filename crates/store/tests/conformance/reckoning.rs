//! The ledger against a model so simple that it cannot be wrong: numbers in a map, rules in a `match`.

use std::collections::BTreeMap;

use model::{Amount, Currency};
use payment::{Account, AccountId, AccountKind, LedgerError, TransferId, TransferState};
use store::{Store, StoreError, Unit, WriteError};

use crate::maker::gate::Gate;
use crate::maker::ledger::{End, Refusal, assert_sound, end, reserve};
use crate::maker::random::Random;
use crate::maker::{kept, seen};

/// Units of work handed in together, so that batches with every mixture of refusals come about.
const TOGETHER: usize = 60;
const ROUNDS: usize = 60;

const CURRENCIES: [Currency; 2] = [Currency::CNY, Currency::USD];

/// One unit of work.
#[derive(Clone, Copy, Debug)]
enum Step {
    Reserve { id: TransferId, minor: u32, from: usize, to: usize, then_think_again: bool },
    End { id: TransferId, how: Ending, then_think_again: bool },
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Whole,
    Part(u32),
    Void,
    Expire,
}

/// How a unit of work is expected to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Kept,
    Ledger(LedgerError),
    IdTaken,
    NoSuchTransfer,
    SecondThoughts,
}

struct Sums {
    kind: AccountKind,
    currency: Currency,
    posted: i64,
    out: i64,
    into: i64,
}

struct Transfer {
    from: usize,
    to: usize,
    minor: u32,
    state: TransferState,
}

/// The whole world, by hand.
struct Model {
    accounts: Vec<Sums>,
    transfers: BTreeMap<TransferId, Transfer>,
}

impl Model {
    fn step(&mut self, step: Step) -> Expected {
        let judged = self.judge(step);
        if judged == Expected::Kept {
            self.apply(step);
        }
        judged
    }

    fn judge(&self, step: Step) -> Expected {
        match step {
            Step::Reserve { id, minor, from, to, then_think_again } => {
                let (payer, payee) = (&self.accounts[from], &self.accounts[to]);
                if from == to {
                    return Expected::Ledger(LedgerError::SameAccount);
                }
                if payer.currency != payee.currency {
                    return Expected::Ledger(LedgerError::CurrencyDiffers);
                }
                if payer.kind != AccountKind::Settlement && payer.posted - payer.out < i64::from(minor) {
                    return Expected::Ledger(LedgerError::InsufficientFunds);
                }
                if self.transfers.contains_key(&id) {
                    return Expected::IdTaken;
                }
                if then_think_again { Expected::SecondThoughts } else { Expected::Kept }
            }
            Step::End { id, how, then_think_again } => {
                let Some(transfer) = self.transfers.get(&id) else { return Expected::NoSuchTransfer };
                if transfer.state != TransferState::Pending {
                    return Expected::Ledger(LedgerError::NotPending(transfer.state));
                }
                if how.outcome(transfer.minor).1 > transfer.minor {
                    return Expected::Ledger(LedgerError::MoreThanPending);
                }
                if then_think_again { Expected::SecondThoughts } else { Expected::Kept }
            }
        }
    }

    /// What a step changes that is kept.
    fn apply(&mut self, step: Step) {
        match step {
            Step::Reserve { id, minor, from, to, .. } => {
                self.accounts[from].out += i64::from(minor);
                self.accounts[to].into += i64::from(minor);
                self.transfers.insert(id, Transfer { from, to, minor, state: TransferState::Pending });
            }
            Step::End { id, how, .. } => {
                let transfer = self.transfers.get_mut(&id).unwrap();
                let (state, moved) = how.outcome(transfer.minor);
                transfer.state = state;
                let (set_aside, moved) = (i64::from(transfer.minor), i64::from(moved));
                let (from, to) = (transfer.from, transfer.to);
                self.accounts[from].out -= set_aside;
                self.accounts[to].into -= set_aside;
                self.accounts[from].posted -= moved;
                self.accounts[to].posted += moved;
            }
        }
    }
}

impl Ending {
    /// Where it leaves a transfer of this amount, and what moves.
    fn outcome(self, minor: u32) -> (TransferState, u32) {
        match self {
            Self::Whole => (TransferState::Posted, minor),
            Self::Part(part) => (TransferState::Posted, part),
            Self::Void => (TransferState::Voided, 0),
            Self::Expire => (TransferState::Expired, 0),
        }
    }
}

fn draw(random: &mut Random, accounts: usize, drawn: &mut u128) -> Step {
    let then_think_again = random.below(20) == 0;
    // Most ids are new; some were used before, some never will be.
    let known = |random: &mut Random| {
        let back = u128::try_from(random.below(30)).unwrap();
        TransferId(drawn.saturating_sub(back) + u128::from(random.below(40) == 0))
    };
    if random.below(2) == 0 {
        let how = match random.below(5) {
            0 | 1 => Ending::Whole,
            2 => Ending::Part(u32::try_from(1 + random.below(3_000)).unwrap()),
            3 => Ending::Void,
            _ => Ending::Expire,
        };
        return Step::End { id: known(random), how, then_think_again };
    }
    let id = if random.below(15) == 0 {
        known(random)
    } else {
        *drawn += 1;
        TransferId(*drawn)
    };
    // The bank's side (accounts 0 and 1) pays often, or nobody would have anything.
    let from = if random.below(3) == 0 { random.below(2) } else { random.below(accounts) };
    let minor = u32::try_from(1 + random.below(4_000)).unwrap();
    Step::Reserve { id, minor, from, to: random.below(accounts), then_think_again }
}

fn carry_out(unit: &mut dyn Unit, step: Step, ids: &[AccountId]) -> Result<(), Refusal> {
    let then_think_again = match step {
        Step::Reserve { id, minor, from, to, then_think_again } => {
            let currency = unit.account(ids[from])?.ok_or(StoreError::Closed)?.currency;
            let amount = Amount::new(minor.into(), currency).unwrap();
            reserve(unit, id, amount, [ids[from], ids[to]])?;
            then_think_again
        }
        Step::End { id, how, then_think_again } => {
            let currency = unit.transfer(id)?.map(|transfer| transfer.amount.currency());
            let how = match how {
                Ending::Whole => End::Post(None),
                Ending::Part(minor) => {
                    End::Post(Some(Amount::new(minor.into(), currency.unwrap_or(Currency::CNY)).unwrap()))
                }
                Ending::Void => End::Void,
                Ending::Expire => End::Expire,
            };
            end(unit, id, how)?;
            then_think_again
        }
    };
    if then_think_again { Err(Refusal::SecondThoughts) } else { Ok(()) }
}

fn as_expected(answer: Result<(), WriteError<Refusal>>) -> Expected {
    match answer {
        Ok(()) => Expected::Kept,
        Err(WriteError::Refused(Refusal::Ledger(error))) => Expected::Ledger(error),
        Err(WriteError::Refused(Refusal::SecondThoughts)) => Expected::SecondThoughts,
        Err(WriteError::Refused(Refusal::Store(StoreError::Constraint(_)))) => Expected::IdTaken,
        Err(WriteError::Refused(Refusal::Store(StoreError::Malformed(_)))) => Expected::NoSuchTransfer,
        Err(error) => panic!("{error:?}"),
    }
}

/// Accounts of every kind, in the store and in a model of it.
async fn opened(store: &Store) -> (Model, Vec<AccountId>) {
    let owners = [
        (AccountKind::Settlement, 0),
        (AccountKind::Holder, 1),
        (AccountKind::Holder, 2),
        (AccountKind::Merchant, 1),
    ];
    let mut world = Model { accounts: Vec::new(), transfers: BTreeMap::new() };
    let mut ids = Vec::new();
    for (kind, owner) in owners {
        for currency in CURRENCIES {
            ids.push(kept(store, move |unit| unit.account_opened(kind, owner, currency)).await.id);
            world.accounts.push(Sums { kind, currency, posted: 0, out: 0, into: 0 });
        }
    }
    (world, ids)
}

async fn assert_stands(store: &Store, world: Model, ids: Vec<AccountId>) {
    for (id, sums) in ids.into_iter().zip(&world.accounts) {
        let expected = Account {
            id,
            kind: sums.kind,
            currency: sums.currency,
            posted: sums.posted,
            pending_out: sums.out,
            pending_in: sums.into,
        };
        assert_eq!(seen(store, move |rows| rows.account(id)).await, Some(expected));
    }
    for (id, transfer) in world.transfers {
        let stored = store.peek(|rows| rows.transfer(id)).unwrap().unwrap();
        assert_eq!((stored.state, stored.amount.minor()), (transfer.state, transfer.minor));
    }
}

pub(crate) async fn thousands_of_random_units_of_work_end_as_a_simple_model_says(store: Store) {
    let (mut world, ids) = opened(&store).await;
    let (mut random, mut drawn) = (Random(20_270_115), 0);
    let mut ends = BTreeMap::<String, usize>::new();
    for _ in 0..ROUNDS {
        let gate = Gate::shut(&store).await;
        let mut asked = Vec::new();
        for _ in 0..TOGETHER {
            let step = draw(&mut random, ids.len(), &mut drawn);
            let ids = ids.clone();
            // One after the other, as they were handed in.
            let writing = store.queue_write(move |unit| carry_out(unit, step, &ids));
            asked.push((step, world.step(step), writing));
        }
        gate.open_when_waiting(&store, asked.len()).await;
        for (step, expected, writing) in asked {
            assert_eq!(as_expected(writing.await), expected, "{step:?}");
            *ends.entry(format!("{expected:?}")).or_default() += 1;
        }
        assert_sound(&store);
    }
    assert_stands(&store, world, ids).await;
    // A model check that never meets a case says nothing about it.
    assert!(ends.len() >= 10 && ends.values().all(|times| *times > 5), "{ends:?}");
}

pub(crate) async fn units_of_work_of_one_moment_are_kept_in_whatever_order_each_whole_or_not_at_all(
    store: Store,
) {
    let (mut world, ids) = opened(&store).await;
    let (mut random, mut drawn) = (Random(20_270_116), 0);
    let (mut kept, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let gate = Gate::shut(&store).await;
        let mut asked = Vec::new();
        for _ in 0..TOGETHER {
            let step = draw(&mut random, ids.len(), &mut drawn);
            let (store, ids) = (store.clone(), ids.clone());
            let writing =
                tokio::spawn(async move { store.write(move |unit| carry_out(unit, step, &ids)).await });
            asked.push((step, writing));
        }
        gate.open_when_waiting(&store, asked.len()).await;
        let (mut begun, mut ended) = (Vec::new(), Vec::new());
        for (step, writing) in asked {
            match (as_expected(writing.await.unwrap()), step) {
                (Expected::Kept, Step::Reserve { .. }) => begun.push(step),
                (Expected::Kept, Step::End { .. }) => ended.push(step),
                _ => refused += 1,
            }
        }
        kept += begun.len() + ended.len();
        // Nobody has anything to spend that was not there, whatever came first.
        begun.into_iter().chain(ended).for_each(|step| world.apply(step));
        let bank = |sums: &Sums| sums.kind == AccountKind::Settlement;
        assert!(world.accounts.iter().all(|sums| bank(sums) || sums.posted >= sums.out));
        assert_sound(&store);
    }
    assert_stands(&store, world, ids).await;
    assert!(kept > 500 && refused > 500, "{kept}, {refused}");
}
