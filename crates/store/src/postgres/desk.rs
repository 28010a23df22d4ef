//! Accounts during a transaction: read once, changed in memory, written once, in the order of their ids.
//!
//! What lowers what can be spent changes the account's base row: of two nodes that do so at once, the second runs its units
//! of work again. All else adds a part, which waits for nobody: a merchant's thousand payments a second are no queue.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use futures_util::join;
use model::Currency;
use payment::{Account, AccountId, AccountKind};

use super::gather::Gather;
use crate::error::StoreError;
use crate::sql::{About, Arg, Args, Desk, Session, Take, ahead, params, row};

/// How many parts are added to their bases in one transaction of [`FOLD`]: far fewer than an answer is waited for.
pub(super) const FOLD_MAX: i64 = 20_000;

/// Adds parts to their bases, which are held in the order that units of work hold them in. Whole accounts at a time is not
/// needed: a sum is a sum.
pub(super) const FOLD: &str = "
    with gone as (
        delete from account_part where (account, seq) in (
            select account, seq from account_part order by account limit $1 for update skip locked
        ) returning account, posted, pending_out, pending_in
    ), sums as (
        select account, cast(sum(posted) as bigint) as posted, cast(sum(pending_out) as bigint) as pending_out,
            cast(sum(pending_in) as bigint) as pending_in
        from gone group by account
    ), held as (
        select id from account_base where id in (select account from sums) order by id for no key update
    )
    update account_base b set posted = b.posted + s.posted, pending_out = b.pending_out + s.pending_out,
        pending_in = b.pending_in + s.pending_in
    from sums s, held h where b.id = s.account and h.id = b.id";

/// Accounts are changed in the order in which they are given, that of their ids: nodes that change the same ones wait for each
/// other in a row. On a connection that asks by keys the planner has no other way.
const DEBIT: &str = "update account_base b set posted = b.posted + u.posted, \
     pending_out = b.pending_out + u.pending_out, pending_in = b.pending_in + u.pending_in \
     from (select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) \
         as u (id, posted, pending_out, pending_in) offset 0) as u \
     where b.id = u.id";
const CREDIT: &str = "insert into account_part (account, posted, pending_out, pending_in) \
     select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])";

struct Held {
    /// As the tables have it.
    written: Account,
    now: Account,
    /// Whether anything lowered what can be spent.
    debited: bool,
}

type Owner = (&'static str, i64, u16);

/// What anybody who is only asked finds in an account.
const PLENTY: i64 = i64::MAX / 4;

/// The accounts of one transaction, over its statements.
pub(super) struct Counter<'w> {
    gather: &'w Gather<'w>,
    held: RefCell<BTreeMap<AccountId, Held>>,
    owners: RefCell<HashMap<Owner, AccountId>>,
    puts: Cell<u64>,
    /// What accounts were before the unit of work that is tried changed them, oldest first.
    before: RefCell<Vec<(Account, bool)>>,
}

pub(super) use super::gather::Attempted;

impl<'w> Counter<'w> {
    pub(super) fn over(gather: &'w Gather<'w>) -> Self {
        Self {
            gather,
            held: RefCell::default(),
            owners: RefCell::default(),
            puts: Cell::new(0),
            before: RefCell::default(),
        }
    }

    /// Rows changed so far, those that are not written yet included.
    pub(super) fn changes(&self) -> u64 {
        self.gather.changes().saturating_add(self.puts.get())
    }

    /// [`Gather::attempt`]: what it did to accounts is undone with all else.
    pub(super) fn attempt(&self, what: impl FnOnce() -> bool) -> Attempted {
        let puts = self.puts.get();
        let (attempted, kept) = self.gather.attempt(what);
        let before = self.before.take();
        if !kept {
            let mut held = self.held.borrow_mut();
            for (account, debited) in before.into_iter().rev() {
                if let Some(held) = held.get_mut(&account.id) {
                    (held.now, held.debited) = (account, debited);
                }
            }
            self.puts.set(puts);
        }
        attempted
    }

    /// As it is held, or else as the tables have it.
    fn find(&self, about: About, sql: &'static str, args: impl Args) -> Result<Option<Account>, StoreError> {
        let mut found = None;
        args.with(|args| {
            self.gather.rows_about(about, sql, args, &mut |row| {
                found = Some(row::account(row)?);
                Ok(false)
            })
        })?;
        let Some(found) = found else { return Ok(None) };
        let mut held = self.held.borrow_mut();
        let fresh = || Held { written: found, now: found, debited: false };
        Ok(Some(held.entry(found.id).or_insert_with(fresh).now))
    }

    /// Whoever is only asked what it reads goes on as if the account were there.
    fn or_plenty(
        &self,
        found: Result<Option<Account>, StoreError>,
        made_up: Account,
    ) -> Result<Option<Account>, StoreError> {
        if found.is_err() && self.gather.is_trying() {
            return Ok(Some(Account { posted: PLENTY, ..made_up }));
        }
        found
    }
}

/// One column of what is written.
#[derive(Default)]
struct Sums {
    ids: Vec<i64>,
    posted: Vec<i64>,
    pending_out: Vec<i64>,
    pending_in: Vec<i64>,
}

impl Desk for Counter<'_> {
    fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        if let Some(held) = self.held.borrow().get(&id) {
            return Ok(Some(held.now));
        }
        let found = self.find(About::account(id), ahead::account(), [id.0]);
        self.or_plenty(found, Account::new(id, AccountKind::Holder, Currency::CNY))
    }

    fn account_of(
        &self,
        kind: AccountKind,
        owner: i64,
        currency: Currency,
    ) -> Result<Option<Account>, StoreError> {
        let key = (kind.name(), owner, currency.number());
        let known = self.owners.borrow().get(&key).copied();
        if let Some(id) = known {
            return self.account(id);
        }
        let about = About::account_of(kind, owner, key.2);
        let found = self.find(about, ahead::account_of(), params![key.0, owner, key.2]);
        if let Ok(Some(account)) = &found {
            self.owners.borrow_mut().insert(key, account.id);
        }
        let nobody = AccountId(if kind == AccountKind::Holder { -1 } else { -2 });
        self.or_plenty(found, Account::new(nobody, kind, currency))
    }

    fn open(&self, kind: AccountKind, owner: i64, currency: Currency) -> Result<Account, StoreError> {
        let sql = "insert into account_base (kind, owner, currency) values (?, ?, ?) returning id";
        let mut id = None;
        params![kind.name(), owner, currency.number()].with(|args| {
            self.gather.rows(sql, args, &mut |row| {
                id = Some(AccountId(row.get(0)?));
                Ok(false)
            })
        })?;
        let id = id.ok_or(StoreError::Malformed("account"))?;
        let sql = "insert into account_owner (kind, owner, currency, account) values (?, ?, ?, ?)";
        params![kind.name(), owner, currency.number(), id.0].with(|args| self.gather.run(sql, args))?;
        let account = Account::new(id, kind, currency);
        self.held.borrow_mut().insert(id, Held { written: account, now: account, debited: false });
        self.owners.borrow_mut().insert((kind.name(), owner, currency.number()), id);
        Ok(account)
    }

    fn put(&self, account: &Account) -> Result<(), StoreError> {
        if self.gather.is_spoilt() {
            return Ok(());
        }
        if self.account(account.id)?.is_none() {
            return Err(StoreError::Malformed("account"));
        }
        if account.pending_out < 0 || account.pending_in < 0 {
            return Err(StoreError::Constraint("what is pending of an account is never below zero".into()));
        }
        if let Some(held) = self.held.borrow_mut().get_mut(&account.id) {
            if self.gather.is_trying() {
                self.before.borrow_mut().push((held.now, held.debited));
            }
            held.debited |= account.available() < held.now.available() || account.kind == AccountKind::Holder;
            held.now = *account;
        }
        self.puts.set(self.puts.get().saturating_add(1));
        Ok(())
    }

    fn write(&self) -> Result<(), StoreError> {
        if self.gather.is_trying() {
            self.gather.spoil();
            return Ok(());
        }
        let (mut debits, mut credits) = (Sums::default(), Sums::default());
        let mut held = self.held.borrow_mut();
        for (id, held) in held.iter_mut().filter(|(_, held)| held.now != held.written) {
            let sums = if held.debited { &mut debits } else { &mut credits };
            let by = |now: i64, before: i64| {
                now.checked_sub(before).ok_or(StoreError::Malformed("account: sums too far apart"))
            };
            sums.ids.push(id.0);
            sums.posted.push(by(held.now.posted, held.written.posted)?);
            sums.pending_out.push(by(held.now.pending_out, held.written.pending_out)?);
            sums.pending_in.push(by(held.now.pending_in, held.written.pending_in)?);
            (held.written, held.debited) = (held.now, false);
        }
        self.send(&debits, &credits)
    }
}

impl Counter<'_> {
    /// All at once, in this order.
    fn send(&self, debits: &Sums, credits: &Sums) -> Result<(), StoreError> {
        let work = self.gather.work();
        let client = work.client();
        let lowered = async {
            if debits.ids.is_empty() {
                return Ok(0);
            }
            let debit = client.prepare_cached(DEBIT).await?;
            let Sums { ids, posted, pending_out, pending_in } = debits;
            client.execute(&debit, &[ids, posted, pending_out, pending_in]).await
        };
        let raised = async {
            if credits.ids.is_empty() {
                return Ok(0);
            }
            let credit = client.prepare_cached(CREDIT).await?;
            let Sums { ids, posted, pending_out, pending_in } = credits;
            client.execute(&credit, &[ids, posted, pending_out, pending_in]).await
        };
        if debits.ids.is_empty() && credits.ids.is_empty() {
            return Ok(());
        }
        work.run(async {
            let (lowered, raised) = join!(lowered, raised);
            lowered?;
            raised
        })?;
        Ok(())
    }
}

impl Session for Counter<'_> {
    fn rows(&self, sql: &'static str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        self.gather.rows(sql, args, take)
    }

    fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        self.gather.run(sql, args)
    }

    fn rows_about(
        &self,
        about: About,
        sql: &'static str,
        args: &[Arg<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), StoreError> {
        self.gather.rows_about(about, sql, args, take)
    }

    fn later(
        &self,
        about: &[About],
        one: Option<&'static str>,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<(), StoreError> {
        self.gather.later(about, one, sql, args)
    }

    fn has_rules_apart(&self) -> bool {
        true
    }

    fn desk(&self) -> Option<&dyn Desk> {
        Some(self)
    }
}
