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

use super::Row;
use super::value::FromValue;
use crate::error::StoreError;
use crate::rows::{
    ApiKey, ApiScope, Evidence, LinkState, StoredApiKey, StoredAuthorization, StoredCard, StoredOrder,
    StoredTransfer, life_cycle,
};

pub(crate) type Read<T> = Result<T, StoreError>;

/// A column of a select list: its name for errors, its place for reading. A look-up by name would compare
/// every name of the row, for every column of it.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    place: usize,
}

impl Column {
    /// The column of this name in a list of names separated by commas.
    #[expect(clippy::panic, reason = "every use is in a constant: it fails to compile, it never runs")]
    pub(super) const fn of(list: &str, name: &'static str) -> Self {
        let (list, wanted) = (list.as_bytes(), name.as_bytes());
        let (mut at, mut place) = (0, 0);
        while at < list.len() {
            while at < list.len() && (list[at] == b' ' || list[at] == b',') {
                if list[at] == b',' {
                    place += 1;
                }
                at += 1;
            }
            let mut length = 0;
            while at + length < list.len() && list[at + length] != b',' && list[at + length] != b' ' {
                length += 1;
            }
            let mut same = 0;
            while same < length && same < wanted.len() && list[at + same] == wanted[same] {
                same += 1;
            }
            if same == length && length == wanted.len() {
                return Self { name, place };
            }
            at += length;
        }
        panic!("no such column in the list")
    }

    pub(super) fn get<T: FromValue>(self, row: &Row<'_>) -> Result<T, StoreError> {
        let value = row.value(self.place)?;
        T::from_value(value).ok_or(StoreError::Malformed(self.name))
    }
}

/// A column of a list, found when this is compiled.
macro_rules! col {
    ($list:expr, $name:literal) => {
        const { Column::of($list, $name) }
    };
}
pub(super) use col;

/// Unsigned 64 bits as an engine's signed integer, bit for bit.
pub(super) const fn signed(value: u64) -> i64 {
    value.cast_signed()
}

pub(super) fn malformed<T>(what: &'static str) -> impl FnOnce(T) -> StoreError {
    move |_| StoreError::Malformed(what)
}

pub(super) fn unsigned(row: &Row<'_>, column: Column) -> Read<u64> {
    Ok(column.get::<i64>(row)?.cast_unsigned())
}

pub(super) fn small<T: TryFrom<i64>>(row: &Row<'_>, column: Column) -> Read<T> {
    T::try_from(column.get::<i64>(row)?).map_err(malformed(column.name))
}

fn factor(row: &Row<'_>, column: Column) -> Read<Option<TimeFactor>> {
    let Some(seconds) = column.get::<Option<i64>>(row)? else { return Ok(None) };
    let factor = u32::try_from(seconds).ok().and_then(TimeFactor::new);
    factor.map(Some).ok_or(StoreError::Malformed(column.name))
}

pub(super) fn currency(row: &Row<'_>, column: Column) -> Read<Currency> {
    Currency::from_number(small(row, column)?).map_err(malformed("currency"))
}

fn amount(row: &Row<'_>, units: Column, of: Column) -> Read<Amount> {
    Amount::new(units.get(row)?, currency(row, of)?).map_err(malformed("amount"))
}

pub(super) fn id_bytes(row: &Row<'_>, column: Column) -> Read<u128> {
    Ok(u128::from_be_bytes(column.get::<[u8; 16]>(row)?))
}

pub(super) const API_KEY: &str = "hash, merchant, hint, live, name, scope, created_at, used_at, revoked_at";

pub(super) fn api_key(row: &Row<'_>) -> Read<StoredApiKey> {
    let ever = |column: Column| Ok::<_, StoreError>(column.get::<Option<i64>>(row)?.map(UnixMillis));
    Ok(StoredApiKey {
        key: ApiKey {
            merchant: MerchantId(col!(API_KEY, "merchant").get(row)?),
            digest: col!(API_KEY, "hash").get(row)?,
            hint: col!(API_KEY, "hint").get(row)?,
            live: col!(API_KEY, "live").get(row)?,
            name: col!(API_KEY, "name").get(row)?,
            scope: ApiScope::from_name(&col!(API_KEY, "scope").get::<String>(row)?)
                .ok_or(StoreError::Malformed("api_key.scope"))?,
        },
        created_at: UnixMillis(col!(API_KEY, "created_at").get(row)?),
        used_at: ever(col!(API_KEY, "used_at"))?,
        revoked_at: ever(col!(API_KEY, "revoked_at"))?,
    })
}

pub(super) const CARD: &str = "id, number, certificate, made_for, made_at, life_cycle, bound_to, valid_until, \
     has_display, listens, suite, key_version, key_origin, check_value, channel";

pub(crate) fn card(row: &Row<'_>) -> Read<StoredCard> {
    let origin = match col!(CARD, "key_origin").get::<Option<String>>(row)? {
        Some(name) => {
            KeyOrigin::Derived(KeyName::new(&name).ok_or(StoreError::Malformed("card.key_origin"))?)
        }
        None => KeyOrigin::Imported,
    };
    Ok(StoredCard {
        record: CardRecord {
            information: CardInformation {
                number: CardNumber::new(unsigned(row, col!(CARD, "number"))?)
                    .map_err(malformed("card.number"))?,
                card_id: CardId(small(row, col!(CARD, "id"))?),
                holder: HolderReference(unsigned(row, col!(CARD, "made_for"))?),
                certificate: CertificateNumber(unsigned(row, col!(CARD, "certificate"))?),
                created: small(row, col!(CARD, "made_at"))?,
            },
            life_cycle: life_cycle(&col!(CARD, "life_cycle").get::<String>(row)?)?,
            bound_to: col!(CARD, "bound_to")
                .get::<Option<i64>>(row)?
                .map(|r| HolderReference(r.cast_unsigned())),
            valid_until: UnixMillis(col!(CARD, "valid_until").get(row)?),
            has_display: col!(CARD, "has_display").get(row)?,
        },
        channel: ChannelId::from_bytes(col!(CARD, "channel").get(row)?).map_err(malformed("card.channel"))?,
        suite: Suite::from_number(small(row, col!(CARD, "suite"))?).map_err(malformed("card.suite"))?,
        key_version: KeyVersion::new(small(row, col!(CARD, "key_version"))?)
            .map_err(malformed("card.key_version"))?,
        key_origin: origin,
        key_check: CheckValue(col!(CARD, "check_value").get(row)?),
        listens: col!(CARD, "listens").get(row)?,
    })
}

pub(super) const LINK: &str = "uplink_mark, downlink_mark, clock_set, battery, firmware, heard_at, address, \
     last_uplink, last_answer, prompts_since, prompts";

pub(super) fn link_state(row: &Row<'_>) -> Read<LinkState> {
    Ok(LinkState {
        marks: Marks {
            uplink: factor(row, col!(LINK, "uplink_mark"))?,
            downlink: factor(row, col!(LINK, "downlink_mark"))?,
        },
        clock_set: col!(LINK, "clock_set").get::<Option<bool>>(row)?.unwrap_or(false),
        battery: col!(LINK, "battery").get(row)?,
        firmware: col!(LINK, "firmware").get(row)?,
        heard_at: col!(LINK, "heard_at").get::<Option<i64>>(row)?.map(UnixMillis),
        address: col!(LINK, "address").get(row)?,
        last_uplink: col!(LINK, "last_uplink").get::<Option<_>>(row)?.unwrap_or_default(),
        last_answer: col!(LINK, "last_answer").get::<Option<_>>(row)?.unwrap_or_default(),
        prompts_since: UnixMillis(col!(LINK, "prompts_since").get::<Option<_>>(row)?.unwrap_or(0)),
        prompts: col!(LINK, "prompts").get::<Option<_>>(row)?.unwrap_or(0),
    })
}

pub(super) const ORDER: &str = "id, merchant, card, currency, amount, place, text, presses, state, reason, \
     reservation, reference, return_url, created_at, updated_at, expires_at";

pub(super) fn order(row: &Row<'_>) -> Read<StoredOrder> {
    let (state, reason): (String, Option<String>) =
        (col!(ORDER, "state").get(row)?, col!(ORDER, "reason").get(row)?);
    let presses = match col!(ORDER, "presses").get::<Option<u8>>(row)? {
        Some(count) => Some(PressCount::new(count).ok_or(StoreError::Malformed("orders.presses"))?),
        None => None,
    };
    Ok(StoredOrder {
        order: Order {
            id: OrderId(id_bytes(row, col!(ORDER, "id"))?),
            merchant: MerchantId(small(row, col!(ORDER, "merchant"))?),
            card: CardId(small(row, col!(ORDER, "card"))?),
            amount: amount(row, col!(ORDER, "amount"), col!(ORDER, "currency"))?,
            place: PlaceId(small(row, col!(ORDER, "place"))?),
            presses,
            state: OrderState::from_name(&state, reason.as_deref())
                .ok_or(StoreError::Malformed("orders.state"))?,
            reservation: TransferId(id_bytes(row, col!(ORDER, "reservation"))?),
            created_at: UnixMillis(col!(ORDER, "created_at").get(row)?),
            expires_at: UnixMillis(col!(ORDER, "expires_at").get(row)?),
        },
        text: col!(ORDER, "text").get(row)?,
        reference: col!(ORDER, "reference").get(row)?,
        return_url: col!(ORDER, "return_url").get(row)?,
        updated_at: UnixMillis(col!(ORDER, "updated_at").get(row)?),
    })
}

pub(super) const AUTHORIZATION: &str = "card, key_version, b, order_id, state, until, answering, number, \
     holder, hello, shown, frame, result, decision, receipt, created_at, answered_at";

/// A decision as one byte: that of a result frame's first.
pub(super) fn decision_byte(decision: Decision) -> u8 {
    ResultText { decision, battery: 0 }.to_bytes()[0]
}

fn decision(row: &Row<'_>) -> Read<Option<Decision>> {
    match col!(AUTHORIZATION, "decision").get::<Option<u8>>(row)? {
        Some(byte) => ResultText::from_bytes([byte, 0])
            .map(|text| Some(text.decision))
            .map_err(malformed("authorization.decision")),
        None => Ok(None),
    }
}

pub(crate) fn authorization(row: &Row<'_>) -> Read<StoredAuthorization> {
    // Zero is stored for a push, and is no factor.
    let answering = match col!(AUTHORIZATION, "answering").get::<i64>(row)? {
        0 => Answering::Nothing,
        _ => Answering::Hello(
            factor(row, col!(AUTHORIZATION, "answering"))?.ok_or(StoreError::Malformed("answering"))?,
        ),
    };
    Ok(StoredAuthorization {
        card: CardId(small(row, col!(AUTHORIZATION, "card"))?),
        key_version: KeyVersion::new(small(row, col!(AUTHORIZATION, "key_version"))?)
            .map_err(malformed("authorization.key_version"))?,
        order: OrderId(id_bytes(row, col!(AUTHORIZATION, "order_id"))?),
        authorization: Authorization {
            b: factor(row, col!(AUTHORIZATION, "b"))?.ok_or(StoreError::Malformed("authorization.b"))?,
            until: UnixMillis(col!(AUTHORIZATION, "until").get(row)?),
            state: AuthorizationState::from_number(small(row, col!(AUTHORIZATION, "state"))?)
                .ok_or(StoreError::Malformed("authorization.state"))?,
        },
        context: TransactionContext {
            answering,
            number: CardNumber::new(unsigned(row, col!(AUTHORIZATION, "number"))?)
                .map_err(malformed("authorization.number"))?,
            holder: HolderReference(unsigned(row, col!(AUTHORIZATION, "holder"))?),
        },
        shown: Transaction::from_bytes(&col!(AUTHORIZATION, "shown").get::<Vec<u8>>(row)?)
            .map_err(malformed("authorization.shown"))?,
        evidence: Evidence {
            hello: col!(AUTHORIZATION, "hello").get::<Option<_>>(row)?.unwrap_or_default(),
            transaction: col!(AUTHORIZATION, "frame").get(row)?,
            result: col!(AUTHORIZATION, "result").get::<Option<_>>(row)?.unwrap_or_default(),
            decision: decision(row)?,
            receipt: col!(AUTHORIZATION, "receipt").get::<Option<_>>(row)?.unwrap_or_default(),
            answered_at: col!(AUTHORIZATION, "answered_at").get::<Option<i64>>(row)?.map(UnixMillis),
        },
        created_at: UnixMillis(col!(AUTHORIZATION, "created_at").get(row)?),
    })
}

pub(crate) const ACCOUNT: &str = "id, kind, currency, posted, pending_out, pending_in";

pub(crate) fn account(row: &Row<'_>) -> Read<Account> {
    Ok(Account {
        id: AccountId(col!(ACCOUNT, "id").get(row)?),
        kind: account_kind(row, col!(ACCOUNT, "kind"))?,
        currency: currency(row, col!(ACCOUNT, "currency"))?,
        posted: col!(ACCOUNT, "posted").get(row)?,
        pending_out: col!(ACCOUNT, "pending_out").get(row)?,
        pending_in: col!(ACCOUNT, "pending_in").get(row)?,
    })
}

pub(super) fn account_kind(row: &Row<'_>, column: Column) -> Read<AccountKind> {
    AccountKind::from_name(&column.get::<String>(row)?).ok_or(StoreError::Malformed("account.kind"))
}

pub(super) const TRANSFER: &str = "id, from_account, to_account, currency, amount, state";

pub(super) fn transfer(row: &Row<'_>) -> Read<StoredTransfer> {
    Ok(StoredTransfer {
        id: TransferId(id_bytes(row, col!(TRANSFER, "id"))?),
        from: AccountId(col!(TRANSFER, "from_account").get(row)?),
        to: AccountId(col!(TRANSFER, "to_account").get(row)?),
        amount: amount(row, col!(TRANSFER, "amount"), col!(TRANSFER, "currency"))?,
        state: TransferState::from_number(small(row, col!(TRANSFER, "state"))?)
            .ok_or(StoreError::Malformed("transfer.state"))?,
    })
}
