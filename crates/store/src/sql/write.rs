//! [`Unit`] over a session in a transaction.

use model::{CardId, ChannelId, Currency, HolderReference, KeyVersion, PlaceId, TimeFactor, UnixMillis};
use payment::{
    Account, AccountId, AccountKind, LifeCycle, MerchantId, OrderId, PendingTransfer, PostedTransfer,
    TransferId, TransferState, VoidedTransfer,
};

use super::ahead::About;
use super::read::Rows;
use super::value::FromValue;
use super::{Args, Session, params, row};
use crate::error::StoreError;
use crate::rows::{
    Alarm, ApiKey, ApiKeyId, BalanceDifference, CardSummary, Holder, Idempotent, LinkState, Merchant,
    NewEvent, OrderCursor, Place, StoredApiKey, StoredAuthorization, StoredCard, StoredEvent, StoredOrder,
    StoredTransfer, Today, Totals,
};
use crate::unit::{Reading, Unit};

/// A session as something to change.
pub(crate) struct Changes<'s>(pub(crate) &'s dyn Session);

impl Changes<'_> {
    pub(super) fn execute(&self, sql: &'static str, args: impl Args) -> Result<u64, StoreError> {
        args.with(|args| self.0.run(sql, args))
    }

    /// Adds a row whose small number the engine gives; `what` names the table in errors.
    pub(super) fn insert<T: FromValue>(
        &self,
        what: &'static str,
        sql: &'static str,
        args: impl Args,
    ) -> Result<T, StoreError> {
        self.read().one(sql, args, |row| row.get(0))?.ok_or(StoreError::Malformed(what))
    }

    /// Deletes a portion of what has grown old; how many.
    pub(super) fn forget(
        &self,
        sql: &'static str,
        before: UnixMillis,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let forgotten = self.execute(sql, params![before.0, limit])?;
        Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    /// Changes exactly one row, or names the table whose row is missing.
    pub(super) fn change_one(
        &self,
        what: &'static str,
        sql: &'static str,
        args: impl Args,
    ) -> Result<(), StoreError> {
        match self.execute(sql, args)? {
            1 => Ok(()),
            _ => Err(StoreError::Malformed(what)),
        }
    }

    /// Refuses to refer to a row that is not there, where the schema cannot: it may lie elsewhere. Such rows are never deleted.
    pub(super) fn refers_to(
        &self,
        what: &'static str,
        sql: &'static str,
        args: impl Args,
    ) -> Result<(), StoreError> {
        if !self.0.has_rules_apart() || self.read().one(sql, args, |_| Ok(()))?.is_some() {
            return Ok(());
        }
        Err(StoreError::Constraint(format!("the {what} that is referred to is not there")))
    }

    pub(super) fn refers_to_holder(&self, holder: HolderReference) -> Result<(), StoreError> {
        let sql = "select 1 from holder where reference = ?";
        self.refers_to("holder", sql, [row::signed(holder.0)])
    }

    /// The rules of a card that hold across cards, where they are tables of their own: a channel has one open card, and it is
    /// bound to a holder who is known.
    fn hold_apart(&self, card: &StoredCard) -> Result<(), StoreError> {
        if !self.0.has_rules_apart() {
            return Ok(());
        }
        let (channel, id) = (card.channel.to_bytes(), card.id().0);
        if card.record.life_cycle == LifeCycle::Closed {
            self.execute("delete from card_channel where channel = ? and card = ?", params![channel, id])?;
        } else {
            let sql = "select card from card_channel where channel = ?";
            if self.read().one(sql, [channel], |row| row.get::<u32>(0))? != Some(id) {
                // Another's stands in its way.
                let sql = "insert into card_channel (channel, card) values (?, ?)";
                self.execute(sql, params![channel, id])?;
            }
        }
        card.record.bound_to.map_or(Ok(()), |holder| self.refers_to_holder(holder))
    }

    /// Runs a statement whose count nobody asks for, when it is needed.
    pub(super) fn later(
        &self,
        about: &[About],
        sql: &'static str,
        args: impl Args,
    ) -> Result<(), StoreError> {
        args.with(|args| self.0.later(about, None, sql, args))
    }

    /// [`Changes::change_one`], when it is needed.
    pub(super) fn change_one_later(
        &self,
        what: &'static str,
        about: &[About],
        sql: &'static str,
        args: impl Args,
    ) -> Result<(), StoreError> {
        args.with(|args| self.0.later(about, Some(what), sql, args))
    }

    pub(super) fn read(&self) -> Rows<'_> {
        Rows(self.0)
    }
}

/// Reading among changes is reading in their session.
macro_rules! read_through {
    ($reading:ident: $(fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $answer:ty;)*) => {
        impl $reading for Changes<'_> {
            $(fn $name(&self $(, $arg: $type)*) -> Result<$answer, StoreError> {
                self.read().$name($($arg),*)
            })*
        }
    };
}
pub(super) use read_through;

read_through! { Reading:
    fn merchant(&self, id: MerchantId) -> Option<Merchant>;
    fn api_key(&self, digest: &[u8; 32]) -> Option<ApiKey>;
    fn api_key_of_id(&self, id: ApiKeyId) -> Option<StoredApiKey>;
    fn api_keys_of(&self, merchant: MerchantId, limit: u32) -> Vec<StoredApiKey>;
    fn place(&self, id: PlaceId) -> Option<Place>;
    fn holder(&self, reference: HolderReference) -> Option<Holder>;
    fn card(&self, id: CardId) -> Option<StoredCard>;
    fn card_on_channel(&self, channel: ChannelId) -> Option<StoredCard>;
    fn card_of_number(&self, digits: &str) -> Option<StoredCard>;
    fn cards_of_holder(&self, holder: HolderReference) -> Vec<StoredCard>;
    fn cards_after(&self, after: Option<CardId>, limit: u32) -> Vec<CardSummary>;
    fn card_count(&self) -> u64;
    fn link_state(&self, card: CardId) -> LinkState;
    fn order(&self, id: OrderId) -> Option<StoredOrder>;
    fn order_of(&self, card: CardId, id: OrderId) -> Option<StoredOrder>;
    fn waiting_orders(&self, card: CardId) -> Vec<StoredOrder>;
    fn orders_before(&self, merchant: Option<MerchantId>, before: OrderCursor, limit: u32) -> Vec<StoredOrder>;
    fn lapsed_orders(&self, now: UnixMillis, limit: u32) -> Vec<OrderId>;
    fn open_authorization(&self, card: CardId) -> Option<StoredAuthorization>;
    fn authorization(&self, card: CardId, key: KeyVersion, b: TimeFactor) -> Option<StoredAuthorization>;
    fn authorizations_by_narrow(&self, card: CardId, key: KeyVersion, narrow: u16, limit: u32)
        -> Vec<StoredAuthorization>;
    fn authorization_by_hello(&self, card: CardId, key: KeyVersion, hello: &[u8], b: (TimeFactor, TimeFactor))
        -> Option<StoredAuthorization>;
    fn authorization_of_order(&self, order: OrderId) -> Option<StoredAuthorization>;
    fn account(&self, id: AccountId) -> Option<Account>;
    fn account_of(&self, kind: AccountKind, owner: i64, currency: Currency) -> Option<Account>;
    fn transfer(&self, id: TransferId) -> Option<StoredTransfer>;
    fn events_of_order(&self, order: OrderId, after: i64) -> Vec<StoredEvent>;
    fn alarms(&self, limit: u32) -> Vec<Alarm>;
    fn alarms_since(&self, card: CardId, kind: &str, since: &str) -> u64;
    fn idempotent(&self, merchant: MerchantId, endpoint: &str, key: &str) -> Option<Idempotent>;
    fn today(&self, since: UnixMillis) -> Today;
    fn totals(&self) -> Vec<Totals>;
    fn transfer_counts(&self) -> [u64; 4];
    fn balance_differences(&self) -> Vec<BalanceDifference>;
}

pub(crate) const INSERT_TRANSFER: &str = "insert into transfer \
     (id, from_account, to_account, currency, amount, state, purpose, created_at) values (?, ?, ?, ?, ?, ?, ?, ?)";
pub(crate) const INSERT_POSTING: &str =
    "insert into posting (transfer, account, units, at) values (?, ?, ?, ?)";

impl Unit for Changes<'_> {
    fn add_merchant(&mut self, name: &str, at: UnixMillis) -> Result<MerchantId, StoreError> {
        let sql = "insert into merchant (name, created_at) values (?, ?) returning id";
        self.insert("merchant", sql, params![name, at.0]).map(MerchantId)
    }

    fn add_api_key(&mut self, key: &ApiKey, at: UnixMillis) -> Result<(), StoreError> {
        let sql = "insert into api_key (hash, merchant, hint, live, name, scope, created_at) \
                   values (?, ?, ?, ?, ?, ?, ?)";
        let scope = key.scope.name();
        self.execute(sql, params![key.digest, key.merchant.0, key.hint, key.live, key.name, scope, at.0])?;
        Ok(())
    }

    fn revoke_api_key(&mut self, id: ApiKeyId, at: UnixMillis) -> Result<bool, StoreError> {
        let (first, last) = id.digests();
        let sql = "update api_key set revoked_at = ? where hash >= ? and hash <= ? and revoked_at is null";
        Ok(self.execute(sql, params![at.0, first, last])? == 1)
    }

    fn touch_api_key(&mut self, digest: &[u8; 32], at: UnixMillis) -> Result<bool, StoreError> {
        let sql = "update api_key set used_at = ?1 where hash = ?2 and (used_at is null or used_at < ?1)";
        Ok(self.execute(sql, params![at.0, digest])? == 1)
    }

    fn place_named(&mut self, merchant: MerchantId, name: &str) -> Result<PlaceId, StoreError> {
        let find = "select id from place where merchant = ? and name = ?";
        let found =
            self.read()
                .one_about(About::places_of(merchant), find, params![merchant.0, name], |row| row.get(0));
        if let Some(id) = found? {
            return Ok(PlaceId(id));
        }
        let sql = "insert into place (merchant, name) values (?, ?) returning id";
        self.insert("place", sql, params![merchant.0, name]).map(PlaceId)
    }

    fn put_holder(&mut self, holder: &Holder, at: UnixMillis) -> Result<(), StoreError> {
        let sql = "insert into holder (reference, name, document_digest, created_at) values (?, ?, ?, ?) \
                   on conflict (reference) do update set name = excluded.name, \
                   document_digest = excluded.document_digest";
        let reference = row::signed(holder.reference.0);
        self.execute(sql, params![reference, holder.name, holder.document_digest, at.0])?;
        Ok(())
    }

    fn add_card(&mut self, card: &StoredCard) -> Result<(), StoreError> {
        let sql = "insert into card (id, number, certificate, made_for, made_at, life_cycle, bound_to, \
                   valid_until, has_display, listens, suite, key_version, key_origin, check_value, channel) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let (record, information) = (&card.record, &card.record.information);
        let origin = match &card.key_origin {
            crypto::KeyOrigin::Derived(master) => Some(master.as_str()),
            crypto::KeyOrigin::Imported => None,
        };
        self.execute(
            sql,
            params![
                information.card_id.0,
                row::signed(information.number.digits()),
                row::signed(information.certificate.0),
                row::signed(information.holder.0),
                information.created,
                record.life_cycle.name(),
                record.bound_to.map(|holder| row::signed(holder.0)),
                record.valid_until.0,
                record.has_display,
                card.listens,
                card.suite.number(),
                card.key_version.get(),
                origin,
                card.key_check.0,
                card.channel.to_bytes(),
            ],
        )?;
        if self.0.has_rules_apart() {
            let sql = "insert into card_number (number, card) values (?, ?)";
            self.execute(sql, params![row::signed(information.number.digits()), information.card_id.0])?;
        }
        self.hold_apart(card)
    }

    fn put_card_record(&mut self, card: &StoredCard) -> Result<(), StoreError> {
        let sql = "update card set life_cycle = ?, bound_to = ? where id = ?";
        let record = &card.record;
        let bound_to = record.bound_to.map(|holder| row::signed(holder.0));
        self.change_one("card", sql, params![record.life_cycle.name(), bound_to, card.id().0])?;
        self.hold_apart(card)
    }

    fn put_card_key(&mut self, card: &StoredCard) -> Result<(), StoreError> {
        let sql = "update card set key_version = ?1, key_origin = ?2, check_value = ?3 \
                   where id = ?4 and key_version < ?1";
        let origin = match &card.key_origin {
            crypto::KeyOrigin::Derived(master) => Some(master.as_str()),
            crypto::KeyOrigin::Imported => None,
        };
        self.change_one("card", sql, params![card.key_version.get(), origin, card.key_check.0, card.id().0])
    }

    fn put_link_state(&mut self, card: CardId, key: KeyVersion, link: &LinkState) -> Result<(), StoreError> {
        let sql = "insert into link_state (card, key_version, uplink_mark, downlink_mark, clock_set, battery, \
                   firmware, heard_at, address, last_uplink, last_answer, prompts_since, prompts) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   on conflict (card) do update set key_version = excluded.key_version, \
                   uplink_mark = excluded.uplink_mark, downlink_mark = excluded.downlink_mark, \
                   clock_set = excluded.clock_set, battery = excluded.battery, firmware = excluded.firmware, \
                   heard_at = excluded.heard_at, address = excluded.address, \
                   last_uplink = excluded.last_uplink, last_answer = excluded.last_answer, \
                   prompts_since = excluded.prompts_since, prompts = excluded.prompts";
        self.later(
            &[About::link(card)],
            sql,
            params![
                card.0,
                key.get(),
                link.marks.uplink.map(TimeFactor::seconds),
                link.marks.downlink.map(TimeFactor::seconds),
                link.clock_set,
                link.battery,
                link.firmware,
                link.heard_at.map(|at| at.0),
                link.address,
                link.last_uplink,
                link.last_answer,
                link.prompts_since.0,
                link.prompts,
            ],
        )
    }

    fn add_order(&mut self, stored: &StoredOrder) -> Result<(), StoreError> {
        let sql = "insert into orders (id, merchant, card, currency, amount, place, text, presses, state, \
                   reason, reservation, reference, return_url, created_at, updated_at, expires_at) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let order = &stored.order;
        self.later(
            &[About::order(order.id), About::orders_of(order.card)],
            sql,
            params![
                order.id.0.to_be_bytes(),
                order.merchant.0,
                order.card.0,
                order.amount.currency().number(),
                order.amount.minor(),
                order.place.0,
                stored.text,
                order.presses.map(|count| count.get()),
                order.state.name(),
                order.state.decline_reason().map(|reason| reason.code()),
                order.reservation.0.to_be_bytes(),
                stored.reference,
                stored.return_url,
                order.created_at.0,
                stored.updated_at.0,
                order.expires_at.0,
            ],
        )
    }

    fn put_order_state(&mut self, stored: &StoredOrder) -> Result<(), StoreError> {
        let sql = "update orders set state = ?, reason = ?, updated_at = ?, expires_at = ? where id = ? and card = ?";
        let order = &stored.order;
        let params = params![
            order.state.name(),
            order.state.decline_reason().map(|reason| reason.code()),
            stored.updated_at.0,
            order.expires_at.0,
            order.id.0.to_be_bytes(),
            order.card.0,
        ];
        let about = [About::order(order.id), About::orders_of(order.card)];
        self.change_one_later("orders", &about, sql, params)
    }

    fn add_authorization(&mut self, stored: &StoredAuthorization) -> Result<(), StoreError> {
        let sql = "insert into authorization (card, key_version, b, order_id, state, until, answering, number, \
                   holder, hello, shown, frame, result, decision, receipt, created_at, answered_at) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let (authorization, context) = (&stored.authorization, &stored.context);
        let evidence = &stored.evidence;
        let answering = match context.answering {
            air::Answering::Hello(factor) => factor.seconds(),
            air::Answering::Nothing => 0,
        };
        self.later(
            &[About::questions_of(stored.card)],
            sql,
            params![
                stored.card.0,
                stored.key_version.get(),
                authorization.b.seconds(),
                stored.order.0.to_be_bytes(),
                authorization.state.number(),
                authorization.until.0,
                answering,
                row::signed(context.number.digits()),
                row::signed(context.holder.0),
                evidence.hello,
                stored.shown.to_bytes().as_slice(),
                evidence.transaction,
                evidence.result,
                evidence.decision.map(row::decision_byte),
                evidence.receipt,
                stored.created_at.0,
                evidence.answered_at.map(|at| at.0),
            ],
        )
    }

    fn put_authorization(&mut self, stored: &StoredAuthorization) -> Result<(), StoreError> {
        let sql = "update authorization set state = ?, result = ?, decision = ?, receipt = ?, answered_at = ? \
                   where card = ? and key_version = ? and b = ?";
        let evidence = &stored.evidence;
        let params = params![
            stored.authorization.state.number(),
            evidence.result,
            evidence.decision.map(row::decision_byte),
            evidence.receipt,
            evidence.answered_at.map(|at| at.0),
            stored.card.0,
            stored.key_version.get(),
            stored.authorization.b.seconds(),
        ];
        self.change_one_later("authorization", &[About::questions_of(stored.card)], sql, params)
    }

    fn account_opened(
        &mut self,
        kind: AccountKind,
        owner: i64,
        currency: Currency,
    ) -> Result<Account, StoreError> {
        if let Some(account) = self.account_of(kind, owner, currency)? {
            return Ok(account);
        }
        if let Some(desk) = self.0.desk() {
            return desk.open(kind, owner, currency);
        }
        let sql = "insert into account (kind, owner, currency) values (?, ?, ?) returning id";
        let id = self.insert("account", sql, params![kind.name(), owner, currency.number()])?;
        Ok(Account::new(AccountId(id), kind, currency))
    }

    fn put_account(&mut self, account: &Account) -> Result<(), StoreError> {
        if let Some(desk) = self.0.desk() {
            return desk.put(account);
        }
        let sql = "update account set posted = ?, pending_out = ?, pending_in = ? where id = ?";
        let params = params![account.posted, account.pending_out, account.pending_in, account.id.0];
        self.change_one("account", sql, params)
    }

    fn add_transfer(
        &mut self,
        transfer: &PendingTransfer,
        purpose: &'static str,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let params = params![
            transfer.id().0.to_be_bytes(),
            transfer.from().0,
            transfer.to().0,
            transfer.amount().currency().number(),
            transfer.amount().minor(),
            TransferState::Pending.number(),
            purpose,
            at.0,
        ];
        self.later(&[About::transfer(transfer.id())], INSERT_TRANSFER, params)
    }

    fn post_transfer(&mut self, transfer: &PostedTransfer, at: UnixMillis) -> Result<(), StoreError> {
        // `state = 0` is the last guard against posting twice, below every rule above it.
        let sql = "update transfer set state = 1, posted_amount = ?, ended_at = ? where id = ? and state = 0";
        let params = params![transfer.amount().minor(), at.0, transfer.id().0.to_be_bytes()];
        self.change_one_later("transfer", &[About::transfer(transfer.id())], sql, params)?;
        for posting in transfer.postings() {
            let params = params![posting.transfer.0.to_be_bytes(), posting.account.0, posting.units, at.0];
            self.later(&[], INSERT_POSTING, params)?;
        }
        Ok(())
    }

    fn void_transfer(&mut self, transfer: &VoidedTransfer, at: UnixMillis) -> Result<(), StoreError> {
        let sql = "update transfer set state = ?, ended_at = ? where id = ? and state = 0";
        let params = params![transfer.state().number(), at.0, transfer.id().0.to_be_bytes()];
        self.change_one_later("transfer", &[About::transfer(transfer.id())], sql, params)
    }

    fn add_event(&mut self, event: &NewEvent) -> Result<(), StoreError> {
        let sql = "insert into event (merchant, order_id, kind, at) values (?, ?, ?, ?)";
        self.later(&[], sql, params![event.merchant.0, event.order.0.to_be_bytes(), event.kind, event.at.0])
    }

    fn add_alarm(&mut self, alarm: &Alarm) -> Result<(), StoreError> {
        let sql = "insert into alarm (card, subject, kind, at) values (?, ?, ?, ?)";
        self.later(&[], sql, params![alarm.card.map(|card| card.0), alarm.subject, alarm.kind, alarm.at.0])
    }

    fn add_idempotent(
        &mut self,
        merchant: MerchantId,
        endpoint: &str,
        key: &str,
        answer: &Idempotent,
    ) -> Result<(), StoreError> {
        let sql = "insert into idempotency (merchant, endpoint, key, body_digest, status, body, created_at) \
                   values (?, ?, ?, ?, ?, ?, ?)";
        let params = params![
            merchant.0,
            endpoint,
            key,
            answer.body_digest,
            answer.status,
            answer.body,
            answer.created_at.0
        ];
        self.later(&[About::first_answer(merchant, endpoint, key)], sql, params)
    }

    fn forget_idempotent_before(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        let sql = "delete from idempotency where (merchant, endpoint, key) in \
                   (select merchant, endpoint, key from idempotency where created_at < ? limit ?)";
        self.forget(sql, before, limit)
    }
}
