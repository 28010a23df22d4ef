//! What the engine alone can do on a server: the floor that a benchmark measures itself against, and rows that stand in for cards.

use std::ops::Range;

use deadpool_postgres::Object;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use super::Settings;
use super::connection::{Address, Asks};
use super::error::{Trouble, unconnected};
use crate::error::StoreError;
use crate::sql::stand_in::{self, Words};

/// Accounts that the floor's transfers go between.
const ACCOUNTS: i64 = 1_000;

/// Tables of the same columns and indexes as the store's, in a schema of their own.
const MAKE: &str = "
    drop schema if exists counterfoil_floor cascade;
    create schema counterfoil_floor;
    create table counterfoil_floor.account_base (like public.account_base including all);
    create table counterfoil_floor.transfer (like public.transfer including all);
    create table counterfoil_floor.posting (like public.posting including all);
    insert into counterfoil_floor.account_base (id, kind, owner, currency)
    select n, 'suspense', n, 156 from generate_series(0, 999) as n";
const REMOVE: &str = "drop schema if exists counterfoil_floor cascade";
const TRANSFER: &str = "insert into counterfoil_floor.transfer \
     (id, from_account, to_account, currency, amount, posted_amount, state, purpose, created_at, ended_at) \
     select u.id, u.out, u.into, 156, 1, 1, 1, 'floor', 0, 0 \
     from unnest($1::bytea[], $2::bigint[], $3::bigint[]) as u (id, out, \"into\") on conflict (id) do nothing";
const POSTING: &str = "insert into counterfoil_floor.posting (transfer, account, units, at) \
     select u.id, side.account, side.units, 0 \
     from unnest($1::bytea[], $2::bigint[], $3::bigint[]) as u (id, out, \"into\"), \
     lateral (values (u.out, -1::bigint), (u.into, 1::bigint)) as side (account, units)";
const BALANCE: &str = "with sums as (
        select account, cast(sum(units) as bigint) as units
        from unnest($1::bigint[], $2::bigint[]) as u (account, units) group by account
    ), held as (
        select id from counterfoil_floor.account_base where id in (select account from sums) order by id for no key update
    )
    update counterfoil_floor.account_base b set posted = b.posted + s.units
    from sums s, held h where b.id = s.account and h.id = b.id";

const WORDS: Words = Words {
    channel: "convert_to('c' || lpad(n::text, 8, '0'), 'UTF8')",
    check_value: "'\\x000000'::bytea",
    frame: "decode(repeat('00', 32), 'hex')",
    accounts: "account_base",
};

/// A connection of its own for a bench.
struct Own {
    runtime: Runtime,
    connection: Object,
}

impl Own {
    fn to(settings: &Settings) -> Result<Self, StoreError> {
        let address = Address::of(settings)?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        let pool = address.pool(Asks::Anything, 1, settings.patience)?;
        let connection = runtime.block_on(pool.get()).map_err(|error| unconnected(&error).into_error())?;
        Ok(Self { runtime, connection })
    }

    fn run<T>(&self, doing: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        self.runtime.block_on(doing).map_err(|error| Trouble::of(&error).into_error())
    }
}

/// Durable two-posting transfers on this server, `batch` a commit by `unnest`, for `commits` commits, without anything around
/// them. Transfers made. The database must be of this program's schema; what was made is removed again.
pub fn floor(settings: &Settings, batch: u32, commits: u32) -> Result<u64, StoreError> {
    let own = Own::to(settings)?;
    own.run(own.connection.batch_execute(MAKE))?;
    let made = own.run(transfers(&own.connection, batch, commits));
    own.run(own.connection.batch_execute(REMOVE))?;
    made
}

async fn transfers(connection: &Object, batch: u32, commits: u32) -> Result<u64, Error> {
    let transfer = connection.prepare_cached(TRANSFER).await?;
    let posting = connection.prepare_cached(POSTING).await?;
    let balance = connection.prepare_cached(BALANCE).await?;
    let mut made = 0_u64;
    for _ in 0..commits {
        let (mut ids, mut out, mut into) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..batch {
            made += 1;
            let seed = i64::try_from(made).unwrap_or(0) % ACCOUNTS;
            ids.push(u128::from(made).to_be_bytes().to_vec());
            out.push(seed);
            into.push((seed + 7) % ACCOUNTS);
        }
        let accounts: Vec<i64> = out.iter().chain(&into).copied().collect();
        let units: Vec<i64> = out.iter().map(|_| -1).chain(into.iter().map(|_| 1)).collect();
        let rows: [&(dyn ToSql + Sync); 3] = [&ids, &out, &into];
        let sums: [&(dyn ToSql + Sync); 2] = [&accounts, &units];
        // All four are sent before any is waited for.
        let (begun, transferred, posted, balanced) = futures_util::join!(
            connection.batch_execute("begin"),
            connection.execute(&transfer, &rows),
            connection.execute(&posting, &rows),
            connection.execute(&balance, &sums),
        );
        begun?;
        transferred?;
        posted?;
        balanced?;
        connection.batch_execute("commit").await?;
    }
    Ok(made)
}

/// Adds cards of these numbers (from 0) that pay nothing, with holder, link state and account: for a bench alone.
pub fn add_stand_ins(settings: &Settings, cards: Range<u32>) -> Result<(), StoreError> {
    let own = Own::to(settings)?;
    own.run(async {
        own.connection.batch_execute("set statement_timeout = 0").await?;
        let rules = if cards.is_empty() { Vec::new() } else { stand_in::rules_apart(cards.clone()) };
        for statement in stand_in::statements(cards, WORDS).into_iter().chain(rules) {
            own.connection.batch_execute(&statement).await?;
        }
        own.connection.batch_execute("analyze").await
    })
}

/// Opens accounts of the bank's side, which may go below zero, with these owners: for a bench alone.
pub fn open_accounts(settings: &Settings, owners: Range<u32>) -> Result<(), StoreError> {
    let own = Own::to(settings)?;
    own.run(async {
        own.connection.batch_execute("set statement_timeout = 0").await?;
        own.connection.batch_execute(&stand_in::accounts(owners, WORDS.accounts)).await?;
        own.connection.batch_execute(stand_in::OWNERS).await?;
        own.connection.batch_execute("analyze account_base").await
    })
}

/// Bytes of the database.
pub fn size(settings: &Settings) -> Result<u64, StoreError> {
    let own = Own::to(settings)?;
    let bytes: i64 =
        own.run(own.connection.query_one("select pg_database_size(current_database())", &[]))?.get(0);
    Ok(bytes.cast_unsigned())
}
