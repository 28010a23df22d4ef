//! A transaction that asks little of its server: what its units of work will read is read for all of them at once, and what
//! they change and do not look at again is sent at the end, the same statement once for all.
//!
//! Each unit of work is tried on what is known. What it asks beyond that is noted and read for all, and it is tried again; one that
//! met nothing unknown is done, as if it had been alone with the server. What cannot be done so is run in earnest, one after the
//! other. What ties readings and changes together is [`About`]: a reading of what was changed and not sent yet sends it first.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use deadpool_postgres::ClientWrapper;
use futures_util::future::join_all;
use hashbrown::{HashMap, HashSet};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Row};

use super::grouped;
use super::session::{Work, slots};
use super::statement::words;
use crate::error::StoreError;
use crate::sql::{About, Arg, Ask, Asked, Owned, Session, Take, ahead};

/// Where a look for what is not known yet finds nothing, for nearly all units of work.
const MOSTLY_ABSENT: [&str; 5] = ["channel", "downlink", "fee_rule", "idempotency", "place"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A unit of work is run on what is known. What it changes is kept apart until it is done.
    Trying,
    /// They are run.
    Doing,
    /// Each statement by itself, at once: whoever meets an error sees it where it is.
    Plainly,
}

/// A statement, and all that it will be run with.
struct Later {
    sql: &'static str,
    /// Each changes exactly one row of this table.
    one: Option<&'static str>,
    rows: Vec<Vec<Owned>>,
}

/// How far a unit of work came that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempted {
    /// To its end: it changed something, or refused.
    Done,
    /// It wants to read what is not known yet.
    Asked,
    /// It does something that must be done at once, or meets what another has changed.
    Unclear,
}

/// A change of a unit of work that is tried.
struct Change {
    sql: &'static str,
    one: Option<&'static str>,
    args: Vec<Owned>,
}

/// What a unit of work has done while it is tried.
#[derive(Default)]
struct Attempt {
    changes: Vec<Change>,
    changed: Vec<About>,
    /// It met something that makes its end worth nothing.
    spoilt: bool,
}

/// A transaction's statements.
pub(super) struct Gather<'w> {
    work: &'w Work<'w>,
    mode: Cell<Mode>,
    known: RefCell<HashMap<Ask, Rc<Vec<Row>>>>,
    asked: RefCell<Vec<Ask>>,
    later: RefCell<Vec<Later>>,
    /// What [`Gather::later`] holds changes of.
    changed: RefCell<HashSet<About>>,
    tables: RefCell<HashSet<&'static str>>,
    /// What was found to be there, or is to be added.
    there: RefCell<HashSet<About>>,
    puts: Cell<u64>,
    attempt: RefCell<Attempt>,
}

/// The table that a statement changes, if it changes one.
fn changes(sql: &str) -> Option<&str> {
    let rest = ["insert into ", "update ", "delete from "].iter().find_map(|verb| sql.strip_prefix(verb))?;
    rest.split([' ', '(']).next()
}

impl<'w> Gather<'w> {
    pub(super) fn over(work: &'w Work<'w>, plainly: bool) -> Self {
        Self {
            work,
            mode: Cell::new(if plainly { Mode::Plainly } else { Mode::Doing }),
            known: RefCell::default(),
            asked: RefCell::default(),
            later: RefCell::default(),
            changed: RefCell::default(),
            tables: RefCell::default(),
            there: RefCell::default(),
            puts: Cell::new(0),
            attempt: RefCell::default(),
        }
    }

    pub(super) fn work(&self) -> &'w Work<'w> {
        self.work
    }

    /// Rows changed so far, those that are not sent yet included.
    pub(super) fn changes(&self) -> u64 {
        self.work.changes().saturating_add(self.puts.get())
    }

    pub(super) fn is_trying(&self) -> bool {
        self.mode.get() == Mode::Trying
    }

    /// Whether a unit of work is tried that cannot be done any more: it is only asked what it reads.
    pub(super) fn is_spoilt(&self) -> bool {
        self.is_trying() && self.attempt.borrow().spoilt
    }

    /// Whatever the unit of work comes to that is tried: it is not done.
    pub(super) fn spoil(&self) {
        self.attempt.borrow_mut().spoilt = true;
    }

    /// Runs something on what is known; whether it was done, and whether what it changed is kept. It says itself whether
    /// that is worth keeping.
    pub(super) fn attempt(&self, what: impl FnOnce() -> bool) -> (Attempted, bool) {
        let before = self.asked.borrow().len();
        self.mode.set(Mode::Trying);
        let keep = what();
        self.mode.set(Mode::Doing);
        let attempt = self.attempt.take();
        match (attempt.spoilt, self.asked.borrow().len() > before) {
            (true, true) => (Attempted::Asked, false),
            (true, false) => (Attempted::Unclear, false),
            (false, _) => {
                if keep {
                    self.keep(attempt);
                }
                (Attempted::Done, keep)
            }
        }
    }

    /// What was changed is sent with all else.
    fn keep(&self, attempt: Attempt) {
        self.changed.borrow_mut().extend(&attempt.changed);
        self.there.borrow_mut().extend(attempt.changed);
        attempt.changes.into_iter().for_each(|change| self.put(change));
    }

    fn put(&self, change: Change) {
        let Change { sql, one, args } = change;
        if let Some(table) = changes(sql) {
            self.tables.borrow_mut().insert(table);
        }
        self.puts.set(self.puts.get().saturating_add(1));
        let mut later = self.later.borrow_mut();
        match later.iter_mut().find(|later| std::ptr::eq(later.sql, sql)) {
            Some(later) => later.rows.push(args),
            None => later.push(Later { sql, one, rows: vec![args] }),
        }
    }

    /// Reads what was asked for, and what follows from it.
    pub(super) fn read_ahead(&self) -> Result<(), StoreError> {
        let asked = self.asked.take();
        self.fetch(asked)
    }

    fn fetch(&self, mut asked: Vec<Ask>) -> Result<(), StoreError> {
        while !asked.is_empty() {
            let mut next = Vec::new();
            for (ask, rows) in self.fetch_together(asked)? {
                let read: Vec<&crate::sql::Row<'_>> =
                    rows.iter().map(|row| row as &crate::sql::Row<'_>).collect();
                ahead::follows(&ask, &read, &mut next)?;
                if !rows.is_empty() {
                    self.there.borrow_mut().insert(ask.about);
                }
                self.known.borrow_mut().insert(ask, Rc::new(rows));
            }
            let (known, changed) = (self.known.borrow(), self.changed.borrow());
            next.retain(|ask| !known.contains_key(ask) && !changed.contains(&ask.about));
            asked = next;
        }
        Ok(())
    }

    /// Each question once, the same statement once for all who ask it.
    fn fetch_together(&self, asked: Vec<Ask>) -> Result<Vec<(Ask, Vec<Row>)>, StoreError> {
        let asked: HashSet<Ask> = asked.into_iter().collect();
        let groups = by_statement(asked, |ask| ask.sql);
        let answers = self.together(groups.iter().map(|group| answers(self.work.client(), group)))?;
        Ok(groups.into_iter().flatten().zip(answers.into_iter().flatten()).collect())
    }

    /// Sends all without waiting for any, then waits for all.
    fn together<T>(
        &self,
        all: impl Iterator<Item = impl Future<Output = Result<T, Error>>>,
    ) -> Result<Vec<T>, StoreError> {
        self.work.run(async { first_trouble(join_all(all).await) })
    }

    /// Sends what was to be run later.
    pub(super) fn send(&self) -> Result<(), StoreError> {
        let later = self.later.take();
        if later.is_empty() {
            return Ok(());
        }
        let counts = self.together(later.iter().map(|later| self.run_all(later)))?;
        for (later, count) in later.iter().zip(counts) {
            if let Some(what) = later.one
                && usize::try_from(count) != Ok(later.rows.len())
            {
                return Err(self.work.fail(StoreError::Malformed(what)));
            }
        }
        let changed = self.changed.take();
        self.tables.borrow_mut().clear();
        self.known.borrow_mut().retain(|ask, _| !changed.contains(&ask.about));
        Ok(())
    }

    /// One statement with all that it is to be run with; how many rows it changed.
    async fn run_all(&self, later: &Later) -> Result<u64, Error> {
        let client = self.work.client();
        let words = words(later.sql);
        let one = client.prepare_cached(&words.one).await?;
        let rows: Vec<&[Owned]> = later.rows.iter().map(Vec::as_slice).collect();
        let many = if rows.len() > 1 { words.many(one.params()) } else { None };
        if let Some((many, columns)) = many.zip(grouped::columns(one.params(), &rows)) {
            let many = client.prepare_cached(many).await?;
            let columns: Vec<_> = columns.iter().map(|column| &**column as _).collect();
            return client.execute(&many, &columns).await;
        }
        let each = join_all(rows.iter().map(|args| async {
            let args: Vec<Arg<'_>> = args.iter().map(crate::sql::ToArg::arg).collect();
            client.execute(&one, &slots(&args)).await
        }));
        Ok(first_trouble(each.await)?.into_iter().sum())
    }

    /// Whether this was changed and not sent, by the unit of work that is tried as well.
    fn is_changed(&self, about: &About) -> bool {
        self.changed.borrow().contains(about)
            || (self.is_trying() && self.attempt.borrow().changed.contains(about))
    }

    fn is_there(&self, about: &About) -> bool {
        self.there.borrow().contains(about)
            || (self.is_trying() && self.attempt.borrow().changed.contains(about))
    }

    /// Something that nobody can do who is only tried.
    fn at_once(&self) -> StoreError {
        self.spoil();
        StoreError::Closed
    }

    /// What is there now is asked for by whoever wants it next.
    fn forget(&self, table: &str) {
        self.known.borrow_mut().retain(|ask, _| ask.about.table != table);
        self.there.borrow_mut().retain(|about| about.table != table);
    }
}

/// The rows of each of the same statement's questions.
pub(super) async fn answers(client: &ClientWrapper, group: &[Ask]) -> Result<Vec<Vec<Row>>, Error> {
    let Some(first) = group.first() else { return Ok(Vec::new()) };
    let words = words(first.sql);
    let one = client.prepare_cached(&words.one).await?;
    let args: Vec<&[Owned]> = group.iter().map(|ask| ask.args.as_slice()).collect();
    let many = if group.len() > 1 { words.many(one.params()) } else { None };
    if let Some((many, columns)) = many.zip(grouped::columns(one.params(), &args)) {
        let many = client.prepare_cached(many).await?;
        let columns: Vec<_> = columns.iter().map(|column| &**column as _).collect();
        let mut answers: Vec<Vec<Row>> = Vec::new();
        answers.resize_with(group.len(), Vec::new);
        for row in client.query(&many, &columns).await? {
            let place: i64 = row.try_get(row.len().saturating_sub(1))?;
            let place = usize::try_from(place).unwrap_or(0).wrapping_sub(1);
            if let Some(rows) = answers.get_mut(place) {
                rows.push(row);
            }
        }
        return Ok(answers);
    }
    let each = join_all(args.iter().map(|args| async {
        let args: Vec<Arg<'_>> = args.iter().map(crate::sql::ToArg::arg).collect();
        client.query(&one, &slots(&args)).await
    }));
    first_trouble(each.await)
}

/// Those of the same statement together.
pub(super) fn by_statement<T>(
    all: impl IntoIterator<Item = T>,
    sql: impl Fn(&T) -> &'static str,
) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    for one in all {
        match groups
            .iter_mut()
            .find(|group| group.first().is_some_and(|first| ahead::same(sql(first), sql(&one))))
        {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// All of them, or what went wrong first: what came after it in its transaction says only that something had.
pub(super) fn first_trouble<T>(all: Vec<Result<T, Error>>) -> Result<Vec<T>, Error> {
    let mut good = Vec::with_capacity(all.len());
    let mut trouble: Option<Error> = None;
    for one in all {
        match one {
            Ok(value) => good.push(value),
            Err(error) => {
                let known_better = trouble.as_ref().is_some_and(|known| {
                    known.code() != Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
                        || error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
                });
                if !known_better {
                    trouble = Some(error);
                }
            }
        }
    }
    trouble.map_or(Ok(good), Err)
}

impl Session for Gather<'_> {
    fn rows(&self, sql: &'static str, args: &[Arg<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        let changes = changes(sql);
        match self.mode.get() {
            Mode::Trying => return Err(self.at_once()),
            Mode::Plainly => {}
            Mode::Doing => {
                // Whatever it names may be what it sees, or refers to.
                if changes.is_some() || self.tables.borrow().iter().any(|table| sql.contains(table)) {
                    self.send()?;
                }
            }
        }
        self.work.rows(sql, args, take)?;
        if let Some(table) = changes {
            self.forget(table);
        }
        Ok(())
    }

    fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        match self.mode.get() {
            Mode::Trying => return Err(self.at_once()),
            Mode::Plainly => {}
            Mode::Doing => self.send()?,
        }
        let changed = Session::run(self.work, sql, args)?;
        if let Some(table) = changes(sql) {
            self.forget(table);
        }
        Ok(changed)
    }

    fn rows_about(
        &self,
        about: About,
        sql: &'static str,
        args: &[Arg<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), StoreError> {
        match self.mode.get() {
            Mode::Plainly => return self.work.rows(sql, args, take),
            // It would have to be sent first.
            Mode::Trying if self.is_changed(&about) => return Err(self.at_once()),
            Mode::Doing if self.is_changed(&about) => self.send()?,
            Mode::Trying | Mode::Doing => {}
        }
        let mut known = self.known.borrow().get(&Asked { sql, args }).map(Rc::clone);
        if known.is_none() {
            let ask = Ask::new(about, sql, args);
            if self.is_trying() {
                self.spoil();
                self.asked.borrow_mut().push(ask);
                let absent = MOSTLY_ABSENT.contains(&about.table);
                return if absent { Ok(()) } else { Err(StoreError::Closed) };
            }
            self.fetch(vec![ask])?;
            known = self.known.borrow().get(&Asked { sql, args }).map(Rc::clone);
        }
        for row in known.iter().flat_map(|rows| rows.iter()) {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }

    fn later(
        &self,
        about: &[About],
        one: Option<&'static str>,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<(), StoreError> {
        if self.is_spoilt() {
            return Ok(());
        }
        // Whether a row is there that nobody has seen is said at once.
        let unseen = one.is_some() && !about.iter().any(|about| self.is_there(about));
        // One statement changes a row once.
        let twice = about.iter().any(|about| self.is_changed(about));
        let change = || Change { sql, one, args: args.iter().copied().map(Owned::from).collect() };
        match self.mode.get() {
            Mode::Trying if unseen || twice => self.spoil(),
            Mode::Trying => {
                let mut attempt = self.attempt.borrow_mut();
                attempt.changed.extend(about);
                attempt.changes.push(change());
            }
            Mode::Doing if !unseen => {
                if twice {
                    self.send()?;
                }
                self.changed.borrow_mut().extend(about);
                self.there.borrow_mut().extend(about);
                self.put(change());
            }
            Mode::Doing | Mode::Plainly => {
                return match (self.run(sql, args)?, one) {
                    (1, _) | (_, None) => Ok(()),
                    (_, Some(what)) => Err(StoreError::Malformed(what)),
                };
            }
        }
        Ok(())
    }
}
