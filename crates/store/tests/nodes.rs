//! Two nodes on one PostgreSQL database: what each decides rests on what the other did.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use cluster::Cluster;
use model::{Amount, Currency, UnixMillis};
use payment::{MerchantId, OrderId, RefundId, TransferId};
use store::postgres::{PATIENCE, Settings};
use store::{Store, StoreError, StoredRefund, WriteError};

const ORDER: OrderId = OrderId(7);
const PAID: i64 = 2_000;

#[derive(Debug, PartialEq)]
enum Refused {
    Above,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Gives 3.00 back if so much is left. No account is touched: the order's rest alone keeps the nodes apart.
async fn refund(store: Store, n: u128) -> Result<(), WriteError<Refused>> {
    store
        .write(move |unit| {
            let refunded_before = unit.refunded(ORDER)?;
            if refunded_before + 300 > PAID {
                return Err(Refused::Above);
            }
            let amount = Amount::new(300, Currency::CNY).map_err(|_| StoreError::Malformed("amount"))?;
            unit.add_refund(&StoredRefund {
                id: RefundId(n),
                order: ORDER,
                merchant: MerchantId(1),
                amount,
                refunded_before,
                transfer: TransferId(n),
                fee_back: 0,
                fee_transfer: None,
                reference: None,
                created_at: UnixMillis(0),
            })?;
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_refunds_on_two_nodes_no_more_is_given_back_than_was_paid() {
    let database = Cluster::shared().fresh(None).unwrap();
    let node = |n: u8| {
        let settings = Settings {
            url: database.url.clone(),
            password: None,
            tls: None,
            writer: [n; 16],
            patience: PATIENCE,
        };
        store::postgres::open(&settings).unwrap()
    };
    let nodes = [node(1), node(2)];
    let asked: Vec<_> =
        (1..=40_u128).map(|n| tokio::spawn(refund(nodes[usize::from(n % 2 == 0)].clone(), n))).collect();
    let mut made = 0;
    for answer in asked {
        match answer.await.unwrap() {
            Ok(()) => made += 1,
            Err(refused) => assert_eq!(refused, WriteError::Refused(Refused::Above)),
        }
    }
    assert_eq!(made, 6);
    for node in &nodes {
        assert_eq!(node.peek(|rows| rows.refunded(ORDER)), Ok(1_800));
    }
}
