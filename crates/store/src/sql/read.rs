//! [`Reading`] over a connection.

use model::{CardId, ChannelId, Currency, HolderReference, KeyVersion, PlaceId, TimeFactor, UnixMillis};
use payment::{Account, AccountId, AccountKind, MerchantId, OrderId, TransferId};

use super::ahead::{self, About};
use super::row::{self, Column, col};
use super::{Args, Desk, Row, Session, params};
use crate::error::StoreError;
use crate::rows::{
    Alarm, ApiKey, ApiKeyId, BalanceDifference, CardSummary, Holder, Idempotent, LinkState, Merchant,
    OrderCursor, Place, StoredApiKey, StoredAuthorization, StoredCard, StoredEvent, StoredOrder,
    StoredTransfer, Today, Totals,
};
use crate::unit::Reading;

/// A session as something to read from.
pub(crate) struct Rows<'s>(pub(crate) &'s dyn Session);

impl Rows<'_> {
    pub(super) fn one<T>(
        &self,
        sql: &'static str,
        args: impl Args,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (mut read, mut found) = (Some(read), None);
        args.with(|args| {
            self.0.rows(sql, args, &mut |row| {
                found = read.take().map(|read| read(row)).transpose()?;
                Ok(false)
            })
        })?;
        Ok(found)
    }

    pub(super) fn many<T>(
        &self,
        sql: &'static str,
        args: impl Args,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        args.with(|args| {
            self.0.rows(sql, args, &mut |row| {
                found.push(read(row)?);
                Ok(true)
            })
        })?;
        Ok(found)
    }
}

impl Rows<'_> {
    /// [`Rows::one`] of what may have been read ahead.
    pub(super) fn one_about<T>(
        &self,
        about: About,
        sql: &'static str,
        args: impl Args,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (mut read, mut found) = (Some(read), None);
        args.with(|args| {
            self.0.rows_about(about, sql, args, &mut |row| {
                found = read.take().map(|read| read(row)).transpose()?;
                Ok(false)
            })
        })?;
        Ok(found)
    }

    /// What a desk holds back is in the tables, before they are summed.
    fn see_all(&self) -> Result<(), StoreError> {
        self.0.desk().map_or(Ok(()), Desk::write)
    }
}

const TODAY: &str = "state, currency";
const TOTALS: &str = "kind, currency";

/// `select COLUMNS from TABLE ...` as a constant, so that a cached statement costs no formatting.
macro_rules! select {
    ($columns:expr, $rest:expr) => {{
        static SQL: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| format!("select {} {}", $columns, $rest));
        SQL.as_str()
    }};
}
pub(crate) use select;

impl Reading for Rows<'_> {
    fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
        self.one("select name from merchant where id = ?", [id.0], |row| {
            Ok(Merchant { id, name: row.get(0)? })
        })
    }

    fn api_key(&self, digest: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let sql = select!(row::API_KEY, "from api_key where hash = ? and revoked_at is null");
        Ok(self.one(sql, [digest], row::api_key)?.map(|stored| stored.key))
    }

    fn api_key_of_id(&self, id: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        let (first, last) = id.digests();
        let sql = select!(row::API_KEY, "from api_key where hash >= ? and hash <= ?");
        self.one(sql, params![first, last], row::api_key)
    }

    fn api_keys_of(&self, merchant: MerchantId, limit: u32) -> Result<Vec<StoredApiKey>, StoreError> {
        let sql = select!(row::API_KEY, "from api_key where merchant = ? order by created_at, hash limit ?");
        self.many(sql, params![merchant.0, limit], row::api_key)
    }

    fn place(&self, id: PlaceId) -> Result<Option<Place>, StoreError> {
        self.one("select name from place where id = ?", [id.0], |row| Ok(Place { id, name: row.get(0)? }))
    }

    fn holder(&self, reference: HolderReference) -> Result<Option<Holder>, StoreError> {
        let sql = "select name, document_digest from holder where reference = ?";
        self.one(sql, [row::signed(reference.0)], |row| {
            Ok(Holder { reference, name: row.get(0)?, document_digest: row.get(1)? })
        })
    }

    fn card(&self, id: CardId) -> Result<Option<StoredCard>, StoreError> {
        self.one_about(About::card(id), ahead::card(), [id.0], row::card)
    }

    fn card_on_channel(&self, channel: ChannelId) -> Result<Option<StoredCard>, StoreError> {
        self.one(ahead::card_on_channel(), [channel.to_bytes()], row::card)
    }

    fn card_of_number(&self, digits: &str) -> Result<Option<StoredCard>, StoreError> {
        let Ok(number) = digits.parse::<u64>() else { return Ok(None) };
        let sql = select!(row::CARD, "from card where id = (select card from card_number where number = ?)");
        self.one(sql, [row::signed(number)], row::card)
    }

    fn cards_of_holder(&self, holder: HolderReference) -> Result<Vec<StoredCard>, StoreError> {
        let sql = select!(row::CARD, "from card where bound_to = ? order by id");
        self.many(sql, [row::signed(holder.0)], row::card)
    }

    fn cards_after(&self, after: Option<CardId>, limit: u32) -> Result<Vec<CardSummary>, StoreError> {
        let after = after.map_or(-1, |id| i64::from(id.0));
        let sql = select!(row::CARD, "from card where id > ? order by id limit ?");
        let cards = self.many(sql, params![after, limit], row::card)?;
        cards
            .into_iter()
            .map(|card| {
                let sql =
                    "select count(*) from orders where card = ? and state in ('awaiting_card', 'processing')";
                let waiting = self.one(sql, [card.id().0], |row| row.get(0))?.unwrap_or(0);
                Ok(CardSummary { link: self.link_state(card.id())?, waiting, card })
            })
            .collect()
    }

    fn card_count(&self) -> Result<u64, StoreError> {
        Ok(self.one("select count(*) from card", params![], |row| row.get(0))?.unwrap_or(0))
    }

    fn link_state(&self, card: CardId) -> Result<LinkState, StoreError> {
        let found = self.one_about(About::link(card), ahead::link(), [card.0], row::link_state)?;
        Ok(found.unwrap_or_default())
    }

    fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
        self.one_about(About::order(id), ahead::order(), [id.0.to_be_bytes()], row::order)
    }

    fn order_of(&self, card: CardId, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
        let params = params![id.0.to_be_bytes(), card.0];
        self.one_about(About::order(id), ahead::order_of(), params, row::order)
    }

    fn waiting_orders(&self, card: CardId) -> Result<Vec<StoredOrder>, StoreError> {
        let mut found = Vec::new();
        [card.0].with(|args| {
            self.0.rows_about(About::orders_of(card), ahead::waiting(), args, &mut |row| {
                found.push(row::order(row)?);
                Ok(true)
            })
        })?;
        Ok(found)
    }

    fn orders_before(
        &self,
        merchant: Option<MerchantId>,
        before: OrderCursor,
        limit: u32,
    ) -> Result<Vec<StoredOrder>, StoreError> {
        let before = before.map_or([0xff; 16], |id| id.0.to_be_bytes());
        match merchant {
            Some(merchant) => {
                let sql =
                    select!(row::ORDER, "from orders where merchant = ? and id < ? order by id desc limit ?");
                self.many(sql, params![merchant.0, before, limit], row::order)
            }
            None => {
                let sql = select!(row::ORDER, "from orders where id < ? order by id desc limit ?");
                self.many(sql, params![before, limit], row::order)
            }
        }
    }

    fn lapsed_orders(&self, now: UnixMillis, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let sql = "select id from orders where state in ('awaiting_card', 'processing') and expires_at <= ? \
                   order by expires_at, id limit ?";
        self.many(sql, params![now.0, limit], |row| Ok(OrderId(row::id_bytes(row, col!("id", "id"))?)))
    }

    fn open_authorization(&self, card: CardId) -> Result<Option<StoredAuthorization>, StoreError> {
        self.one_about(About::questions_of(card), ahead::question(), [card.0], row::authorization)
    }

    fn authorization(
        &self,
        card: CardId,
        key: KeyVersion,
        b: TimeFactor,
    ) -> Result<Option<StoredAuthorization>, StoreError> {
        let params = params![card.0, key.get(), b.seconds()];
        self.one_about(About::questions_of(card), ahead::question_of_b(), params, row::authorization)
    }

    fn authorizations_by_narrow(
        &self,
        card: CardId,
        key: KeyVersion,
        narrow: u16,
        limit: u32,
    ) -> Result<Vec<StoredAuthorization>, StoreError> {
        let sql = select!(
            row::AUTHORIZATION,
            "from authorization where card = ? and key_version = ? and (b & 65535) = ? \
             order by b desc limit ?"
        );
        self.many(sql, params![card.0, key.get(), narrow, limit], row::authorization)
    }

    fn authorization_by_hello(
        &self,
        card: CardId,
        key: KeyVersion,
        hello: &[u8],
        (first, last): (TimeFactor, TimeFactor),
    ) -> Result<Option<StoredAuthorization>, StoreError> {
        let sql = select!(
            row::AUTHORIZATION,
            "from authorization where card = ? and key_version = ? and b between ? and ? and hello = ? \
             order by b desc limit 1"
        );
        let params = params![card.0, key.get(), first.seconds(), last.seconds(), hello];
        self.one(sql, params, row::authorization)
    }

    fn authorization_of_order(&self, order: OrderId) -> Result<Option<StoredAuthorization>, StoreError> {
        let sql =
            select!(row::AUTHORIZATION, "from authorization where order_id = ? order by b desc limit 1");
        self.one(sql, [order.0.to_be_bytes()], row::authorization)
    }

    fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        if let Some(desk) = self.0.desk() {
            return desk.account(id);
        }
        self.one(ahead::account(), [id.0], row::account)
    }

    fn account_of(
        &self,
        kind: AccountKind,
        owner: i64,
        currency: Currency,
    ) -> Result<Option<Account>, StoreError> {
        if let Some(desk) = self.0.desk() {
            return desk.account_of(kind, owner, currency);
        }
        self.one(ahead::account_of(), params![kind.name(), owner, currency.number()], row::account)
    }

    fn transfer(&self, id: TransferId) -> Result<Option<StoredTransfer>, StoreError> {
        self.one_about(About::transfer(id), ahead::transfer(), [id.0.to_be_bytes()], row::transfer)
    }

    fn events_of_order(&self, order: OrderId, after: i64) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = "select seq, kind, at from event where order_id = ? and seq > ? order by seq";
        self.many(sql, params![order.0.to_be_bytes(), after], |row| {
            Ok(StoredEvent { seq: row.get(0)?, kind: row.get(1)?, at: UnixMillis(row.get(2)?) })
        })
    }

    fn alarms(&self, limit: u32) -> Result<Vec<Alarm>, StoreError> {
        let sql = "select card, subject, kind, at from alarm order by seq desc limit ?";
        self.many(sql, [limit], |row| {
            Ok(Alarm {
                card: row.get::<Option<u32>>(0)?.map(CardId),
                subject: row.get(1)?,
                kind: row.get(2)?,
                at: UnixMillis(row.get(3)?),
            })
        })
    }

    fn alarms_since(&self, card: CardId, kind: &str, since: &str) -> Result<u64, StoreError> {
        let sql = "select count(*) from alarm where card = ?1 and kind = ?2 and seq > \
                   coalesce((select max(seq) from alarm where card = ?1 and kind = ?3), 0)";
        Ok(self.one(sql, params![card.0, kind, since], |row| row.get(0))?.unwrap_or(0))
    }

    fn idempotent(
        &self,
        merchant: MerchantId,
        endpoint: &str,
        key: &str,
    ) -> Result<Option<Idempotent>, StoreError> {
        let sql = "select body_digest, status, body, created_at from idempotency \
                   where merchant = ? and endpoint = ? and key = ?";
        self.one_about(
            About::first_answer(merchant, endpoint, key),
            sql,
            params![merchant.0, endpoint, key],
            |row| {
                Ok(Idempotent {
                    body_digest: row.get(0)?,
                    status: row.get(1)?,
                    body: row.get(2)?,
                    created_at: UnixMillis(row.get(3)?),
                })
            },
        )
    }

    fn today(&self, since: UnixMillis) -> Result<Today, StoreError> {
        // Ids begin with their time: the primary key finds the day.
        let first = OrderId::from_time_and_random(since, 0);
        let sql = "select state, currency, count(*) as number, cast(sum(amount) as bigint) as units from orders \
                   where id >= ? group by state, currency order by state, currency";
        let by_state = self.many(sql, [first.0.to_be_bytes()], |row| {
            Ok((row.get(0)?, row::currency(row, col!(TODAY, "currency"))?, row.get(2)?, row.get(3)?))
        })?;
        Ok(Today { by_state })
    }

    fn totals(&self) -> Result<Vec<Totals>, StoreError> {
        self.see_all()?;
        let sql = "select kind, currency, count(*) as accounts, cast(sum(posted) as bigint) as posted, \
                   cast(sum(pending_out) as bigint) as pending_out, \
                   cast(sum(pending_in) as bigint) as pending_in \
                   from account group by kind, currency order by currency, kind";
        self.many(sql, params![], |row| {
            Ok(Totals {
                kind: row::account_kind(row, col!(TOTALS, "kind"))?,
                currency: row::currency(row, col!(TOTALS, "currency"))?,
                accounts: row.get(2)?,
                posted: row.get(3)?,
                pending_out: row.get(4)?,
                pending_in: row.get(5)?,
            })
        })
    }

    fn transfer_counts(&self) -> Result<[u64; 4], StoreError> {
        let mut counts = [0; 4];
        let sql = "select state, count(*) from transfer group by state";
        for (state, count) in self.many(sql, params![], |row| Ok((row.get::<usize>(0)?, row.get(1)?)))? {
            *counts.get_mut(state).ok_or(StoreError::Malformed("transfer.state"))? = count;
        }
        Ok(counts)
    }

    fn balance_differences(&self) -> Result<Vec<BalanceDifference>, StoreError> {
        self.see_all()?;
        let sql = "
            with entries as (select account, cast(sum(units) as bigint) as units from posting group by account),
            pending as (
                select account, cast(sum(outgoing) as bigint) as outgoing,
                    cast(sum(incoming) as bigint) as incoming from (
                    select from_account as account, amount as outgoing, 0 as incoming
                    from transfer where state = 0
                    union all
                    select to_account, 0, amount from transfer where state = 0
                ) as sides group by account
            ),
            whole as (
                select id as account from account
                union select account from entries
                union select account from pending
            )
            select whole.account,
                coalesce(a.posted, 0), coalesce(a.pending_out, 0), coalesce(a.pending_in, 0),
                coalesce(e.units, 0), coalesce(p.outgoing, 0), coalesce(p.incoming, 0)
            from whole
            left join account a on a.id = whole.account
            left join entries e on e.account = whole.account
            left join pending p on p.account = whole.account
            where coalesce(a.posted, 0) <> coalesce(e.units, 0)
                or coalesce(a.pending_out, 0) <> coalesce(p.outgoing, 0)
                or coalesce(a.pending_in, 0) <> coalesce(p.incoming, 0)
            order by 1";
        self.many(sql, params![], |row| {
            Ok(BalanceDifference {
                account: AccountId(row.get(0)?),
                stored: [row.get(1)?, row.get(2)?, row.get(3)?],
                recomputed: [row.get(4)?, row.get(5)?, row.get(6)?],
            })
        })
    }
}
