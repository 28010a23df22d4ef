//! What the tests of several files start from: cards, orders and questions as values, and hands on a store.
#![allow(dead_code)] // Each test binary uses its own part.

pub(crate) mod fleet;
pub(crate) mod gate;
pub(crate) mod ledger;
pub(crate) mod random;
pub(crate) mod tap;

use std::fmt::Debug;

use air::{Answering, Lifetime, PromptText, Transaction, TransactionContext};
use crypto::{CheckValue, KeyName, KeyOrigin, Suite};
use model::{
    Amount, CardId, CardInformation, CardNumber, CertificateNumber, ChannelId, ChannelKind, Currency,
    HolderReference, KeyVersion, PlaceId, TimeFactor, UnixMillis,
};
use payment::{
    Authorization, AuthorizationState, CardRecord, LifeCycle, MerchantId, Order, OrderId, OrderState,
    TransferId,
};
use store::{
    Evidence, Holder, Idempotent, Reading, Store, StoreError, StoredAuthorization, StoredCard, StoredOrder,
    Unit, WriteError,
};

/// 2027-01-15T08:00:00Z.
pub(crate) const MORNING: UnixMillis = UnixMillis(1_800_000_000_000);

pub(crate) fn factor(seconds: u32) -> TimeFactor {
    TimeFactor::new(seconds).unwrap()
}

pub(crate) fn yuan(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

/// Holders, numbers and certificates lie above what a signed integer can say: half of all do.
pub(crate) fn holder(n: u64) -> Holder {
    Holder {
        reference: HolderReference(u64::MAX - n),
        name: format!("持有人 {n}"),
        document_digest: [0xd0; 32],
    }
}

pub(crate) fn channel(n: u32) -> ChannelId {
    ChannelId::new(ChannelKind::DevEui, (u64::MAX - u64::from(n)).to_be_bytes()).unwrap()
}

/// A card as it is issued: not handed over, on a channel of its own.
pub(crate) fn card(n: u32) -> StoredCard {
    StoredCard {
        record: CardRecord {
            information: CardInformation {
                number: CardNumber::new(9_999_999_999_999_999_999 - u64::from(n)).unwrap(),
                card_id: CardId(n),
                holder: holder(n.into()).reference,
                certificate: CertificateNumber(u64::MAX - u64::from(n)),
                created: u32::MAX - n,
            },
            life_cycle: LifeCycle::Issued,
            bound_to: None,
            valid_until: MORNING.plus(1_000_000),
            has_display: true,
        },
        channel: channel(n),
        suite: Suite::Aes128Eax,
        key_version: KeyVersion::FIRST,
        key_origin: KeyOrigin::Derived(KeyName::new("issuer-2027").unwrap()),
        key_check: CheckValue([0xff, 0, n.to_be_bytes()[3]]),
        listens: false,
    }
}

/// An order made `millis` after the morning, for a card of this number.
pub(crate) fn order(millis: i64, on: u32) -> StoredOrder {
    let created_at = MORNING.plus(millis);
    StoredOrder {
        order: Order {
            id: OrderId::from_time_and_random(created_at, u128::from(on)),
            merchant: MerchantId(1),
            card: CardId(on),
            amount: yuan(2_000),
            place: PlaceId(7),
            presses: None,
            state: OrderState::AwaitingCard,
            reservation: TransferId(u128::MAX - u128::from(millis.unsigned_abs())),
            created_at,
            expires_at: created_at.plus(180_000),
        },
        text: None,
        reference: None,
        return_url: None,
        updated_at: created_at,
    }
}

/// An open question to a card of this number under B, answering a hello.
pub(crate) fn question(on: u32, b: u32) -> StoredAuthorization {
    StoredAuthorization {
        card: CardId(on),
        key_version: KeyVersion::FIRST,
        order: order(i64::from(b % 1_000), on).order.id,
        authorization: Authorization {
            b: factor(b),
            until: MORNING.plus(60_000),
            state: AuthorizationState::Open,
        },
        context: TransactionContext {
            answering: Answering::Hello(factor(u32::MAX)),
            number: card(on).record.information.number,
            holder: holder(on.into()).reference,
        },
        shown: Transaction {
            amount: yuan(4_294_967_295),
            place: PlaceId(u32::MAX),
            lifetime: Lifetime::at_least_seconds(120),
            text: Some(PromptText::new("咖啡 2 杯").unwrap()),
        },
        evidence: Evidence {
            hello: b.to_be_bytes().to_vec(),
            transaction: vec![0x20, 0xff, 0x00],
            ..Evidence::default()
        },
        created_at: MORNING,
    }
}

pub(crate) fn first_answer(body: &str, at: UnixMillis) -> Idempotent {
    Idempotent { body_digest: [0xb0; 32], status: 201, body: body.to_owned(), created_at: at }
}

/// Runs a unit of work that is expected to be kept.
pub(crate) async fn kept<T, E>(
    store: &Store,
    work: impl FnMut(&mut dyn Unit) -> Result<T, E> + Send + 'static,
) -> T
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    match store.write(work).await {
        Ok(value) => value,
        Err(error) => panic!("not kept: {error:?}"),
    }
}

/// Runs a unit of work that somebody else was faster than, by a rule of the schema.
pub(crate) async fn breaks_a_rule(
    store: &Store,
    mut work: impl FnMut(&mut dyn Unit) -> Result<(), StoreError> + Send + 'static,
) {
    let answer = store.write(move |unit| work(unit)).await;
    assert!(matches!(answer, Err(WriteError::Refused(StoreError::Constraint(_)))), "{answer:?}");
}

/// Runs a unit of work whose change meets no row that it may change.
pub(crate) async fn changes_nothing(
    store: &Store,
    table: &'static str,
    mut work: impl FnMut(&mut dyn Unit) -> Result<(), StoreError> + Send + 'static,
) {
    let answer = store.write(move |unit| work(unit)).await;
    assert_eq!(answer, Err(WriteError::Refused(StoreError::Malformed(table))));
}

/// What a reading answers, asked in each of the three ways there are: they must agree.
pub(crate) async fn seen<T: Debug + PartialEq + Send + 'static>(
    store: &Store,
    reading: impl Fn(&dyn Reading) -> Result<T, StoreError> + Clone + Send + 'static,
) -> T {
    let peeked = store.peek(reading.clone()).unwrap();
    let read = store.read(reading.clone()).await.unwrap();
    let inside = kept(store, move |unit| reading(&*unit)).await;
    assert_eq!(peeked, read);
    assert_eq!(peeked, inside);
    peeked
}
