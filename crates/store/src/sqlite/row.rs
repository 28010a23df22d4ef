//! Rows to values and back: the one place that knows how each type is stored.

use air::platform::Marks;
use air::{Answering, ResultText, Transaction, TransactionContext};
use crypto::{CheckValue, KeyName, KeyOrigin, Suite};
use model::{
    Amount, CardId, CardInformation, CardNumber, CertificateNumber, ChannelId, Currency, Decision,
    HolderReference, KeyVersion, PlaceId, TimeFactor, UnixMillis,
};
use payment::{
    Account, AccountId, AccountKind, Authorization, AuthorizationState, CardRecord, MerchantId, Order,
    OrderId, OrderState, PressCount, TransferId, TransferState,
};
use rusqlite::Row;

use crate::error::StoreError;
use crate::rows::{
    Evidence, LinkState, StoredAuthorization, StoredCard, StoredOrder, StoredTransfer, life_cycle,
};

type Read<T> = Result<T, StoreError>;

/// Unsigned 64 bits as SQLite's signed integer, bit for bit.
pub(super) const fn signed(value: u64) -> i64 {
    value.cast_signed()
}

fn malformed<T>(what: &'static str) -> impl FnOnce(T) -> StoreError {
    move |_| StoreError::Malformed(what)
}

fn unsigned(row: &Row<'_>, column: &str) -> Read<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

fn small<T: TryFrom<i64>>(row: &Row<'_>, column: &'static str) -> Read<T> {
    T::try_from(row.get::<_, i64>(column)?).map_err(malformed(column))
}

fn factor(row: &Row<'_>, column: &'static str) -> Read<Option<TimeFactor>> {
    let Some(seconds) = row.get::<_, Option<i64>>(column)? else { return Ok(None) };
    let factor = u32::try_from(seconds).ok().and_then(TimeFactor::new);
    factor.map(Some).ok_or(StoreError::Malformed(column))
}

pub(super) fn currency(row: &Row<'_>) -> Read<Currency> {
    Currency::from_number(small(row, "currency")?).map_err(malformed("currency"))
}

fn amount(row: &Row<'_>) -> Read<Amount> {
    Amount::new(row.get("amount")?, currency(row)?).map_err(malformed("amount"))
}

pub(super) fn id_bytes(row: &Row<'_>, column: &'static str) -> Read<u128> {
    Ok(u128::from_be_bytes(row.get::<_, [u8; 16]>(column)?))
}

pub(super) const CARD: &str = "id, number, certificate, made_for, made_at, life_cycle, bound_to, valid_until, \
     has_display, listens, suite, key_version, key_origin, check_value, channel";

pub(super) fn card(row: &Row<'_>) -> Read<StoredCard> {
    let origin = match row.get::<_, Option<String>>("key_origin")? {
        Some(name) => {
            KeyOrigin::Derived(KeyName::new(&name).ok_or(StoreError::Malformed("card.key_origin"))?)
        }
        None => KeyOrigin::Imported,
    };
    Ok(StoredCard {
        record: CardRecord {
            information: CardInformation {
                number: CardNumber::new(unsigned(row, "number")?).map_err(malformed("card.number"))?,
                card_id: CardId(small(row, "id")?),
                holder: HolderReference(unsigned(row, "made_for")?),
                certificate: CertificateNumber(unsigned(row, "certificate")?),
                created: small(row, "made_at")?,
            },
            life_cycle: life_cycle(&row.get::<_, String>("life_cycle")?)?,
            bound_to: row.get::<_, Option<i64>>("bound_to")?.map(|r| HolderReference(r.cast_unsigned())),
            valid_until: UnixMillis(row.get("valid_until")?),
            has_display: row.get("has_display")?,
        },
        channel: ChannelId::from_bytes(row.get("channel")?).map_err(malformed("card.channel"))?,
        suite: Suite::from_number(small(row, "suite")?).map_err(malformed("card.suite"))?,
        key_version: KeyVersion::new(small(row, "key_version")?).map_err(malformed("card.key_version"))?,
        key_origin: origin,
        key_check: CheckValue(row.get("check_value")?),
        listens: row.get("listens")?,
    })
}

pub(super) const LINK: &str = "uplink_mark, downlink_mark, clock_set, battery, firmware, heard_at, address, \
     last_uplink, last_answer, prompts_since, prompts";

pub(super) fn link_state(row: &Row<'_>) -> Read<LinkState> {
    Ok(LinkState {
        marks: Marks { uplink: factor(row, "uplink_mark")?, downlink: factor(row, "downlink_mark")? },
        clock_set: row.get::<_, Option<bool>>("clock_set")?.unwrap_or(false),
        battery: row.get("battery")?,
        firmware: row.get("firmware")?,
        heard_at: row.get::<_, Option<i64>>("heard_at")?.map(UnixMillis),
        address: row.get("address")?,
        last_uplink: row.get::<_, Option<_>>("last_uplink")?.unwrap_or_default(),
        last_answer: row.get::<_, Option<_>>("last_answer")?.unwrap_or_default(),
        prompts_since: UnixMillis(row.get::<_, Option<_>>("prompts_since")?.unwrap_or(0)),
        prompts: row.get::<_, Option<_>>("prompts")?.unwrap_or(0),
    })
}

pub(super) const ORDER: &str = "id, merchant, card, currency, amount, place, text, presses, state, reason, \
     reservation, reference, return_url, created_at, updated_at, expires_at";

pub(super) fn order(row: &Row<'_>) -> Read<StoredOrder> {
    let (state, reason): (String, Option<String>) = (row.get("state")?, row.get("reason")?);
    let presses = match row.get::<_, Option<u8>>("presses")? {
        Some(count) => Some(PressCount::new(count).ok_or(StoreError::Malformed("orders.presses"))?),
        None => None,
    };
    Ok(StoredOrder {
        order: Order {
            id: OrderId(id_bytes(row, "id")?),
            merchant: MerchantId(small(row, "merchant")?),
            card: CardId(small(row, "card")?),
            amount: amount(row)?,
            place: PlaceId(small(row, "place")?),
            presses,
            state: OrderState::from_name(&state, reason.as_deref())
                .ok_or(StoreError::Malformed("orders.state"))?,
            reservation: TransferId(id_bytes(row, "reservation")?),
            created_at: UnixMillis(row.get("created_at")?),
            expires_at: UnixMillis(row.get("expires_at")?),
        },
        text: row.get("text")?,
        reference: row.get("reference")?,
        return_url: row.get("return_url")?,
        updated_at: UnixMillis(row.get("updated_at")?),
    })
}

pub(super) const AUTHORIZATION: &str = "card, key_version, b, order_id, state, until, answering, number, \
     holder, hello, shown, frame, result, decision, receipt, created_at, answered_at";

/// A decision as one byte: that of a result frame's first.
pub(super) fn decision_byte(decision: Decision) -> u8 {
    ResultText { decision, battery: 0 }.to_bytes()[0]
}

fn decision(row: &Row<'_>) -> Read<Option<Decision>> {
    match row.get::<_, Option<u8>>("decision")? {
        Some(byte) => ResultText::from_bytes([byte, 0])
            .map(|text| Some(text.decision))
            .map_err(malformed("authorization.decision")),
        None => Ok(None),
    }
}

pub(super) fn authorization(row: &Row<'_>) -> Read<StoredAuthorization> {
    // Zero is stored for a push, and is no factor.
    let answering = match row.get::<_, i64>("answering")? {
        0 => Answering::Nothing,
        _ => Answering::Hello(factor(row, "answering")?.ok_or(StoreError::Malformed("answering"))?),
    };
    Ok(StoredAuthorization {
        card: CardId(small(row, "card")?),
        key_version: KeyVersion::new(small(row, "key_version")?)
            .map_err(malformed("authorization.key_version"))?,
        order: OrderId(id_bytes(row, "order_id")?),
        authorization: Authorization {
            b: factor(row, "b")?.ok_or(StoreError::Malformed("authorization.b"))?,
            until: UnixMillis(row.get("until")?),
            state: AuthorizationState::from_number(small(row, "state")?)
                .ok_or(StoreError::Malformed("authorization.state"))?,
        },
        context: TransactionContext {
            answering,
            number: CardNumber::new(unsigned(row, "number")?).map_err(malformed("authorization.number"))?,
            holder: HolderReference(unsigned(row, "holder")?),
        },
        shown: Transaction::from_bytes(&row.get::<_, Vec<u8>>("shown")?)
            .map_err(malformed("authorization.shown"))?,
        evidence: Evidence {
            hello: row.get::<_, Option<_>>("hello")?.unwrap_or_default(),
            transaction: row.get("frame")?,
            result: row.get::<_, Option<_>>("result")?.unwrap_or_default(),
            decision: decision(row)?,
            receipt: row.get::<_, Option<_>>("receipt")?.unwrap_or_default(),
            answered_at: row.get::<_, Option<i64>>("answered_at")?.map(UnixMillis),
        },
        created_at: UnixMillis(row.get("created_at")?),
    })
}

pub(super) const ACCOUNT: &str = "id, kind, currency, posted, pending_out, pending_in";

pub(super) fn account(row: &Row<'_>) -> Read<Account> {
    Ok(Account {
        id: AccountId(row.get("id")?),
        kind: account_kind(row)?,
        currency: currency(row)?,
        posted: row.get("posted")?,
        pending_out: row.get("pending_out")?,
        pending_in: row.get("pending_in")?,
    })
}

pub(super) fn account_kind(row: &Row<'_>) -> Read<AccountKind> {
    AccountKind::from_name(&row.get::<_, String>("kind")?).ok_or(StoreError::Malformed("account.kind"))
}

pub(super) fn transfer(row: &Row<'_>) -> Read<StoredTransfer> {
    Ok(StoredTransfer {
        id: TransferId(id_bytes(row, "id")?),
        from: AccountId(row.get("from_account")?),
        to: AccountId(row.get("to_account")?),
        amount: amount(row)?,
        state: TransferState::from_number(small(row, "state")?)
            .ok_or(StoreError::Malformed("transfer.state"))?,
    })
}
