//! Many cards over two sockets.

use futures_util::future::join_all;
use sim::PayError;
use sim::crowd::Crowd;

use crate::platform::{Account, Mode, Platform, breakfast};
use crate::soon;

#[tokio::test]
async fn a_crowd_pays_side_by_side() {
    let mut accounts = (1..=24).map(Account::new).collect::<Vec<_>>();
    let images = accounts.iter().map(Account::image).collect::<Vec<_>>();
    for account in &mut accounts {
        account.order = Some(breakfast());
        account.endless = true;
        account.presses = 2;
    }
    accounts[0].order = None;
    let platform = Platform::start(accounts).await;
    let crowd = Crowd::new(images, platform.address, 2).await.unwrap();
    assert_eq!(crowd.len(), 24);
    // Full and wide hello 55, wide transaction 25, result 23; then 67 in all.
    for bytes in [103, 67, 67] {
        let paid = soon(join_all((1..24).map(|card| crowd.pay_pressing(card, 2)))).await;
        for times in paid {
            let times = times.unwrap();
            assert_eq!(times.bytes, bytes);
            assert!(!times.hello_to_transaction.is_zero() && !times.result_to_receipt.is_zero());
        }
    }
    assert!(platform.shared().cards[1..].iter().all(|card| card.decisions.len() == 3));

    soon(crowd.greet(0)).await.unwrap();
    soon(crowd.greet(0)).await.unwrap();
    assert_eq!(soon(crowd.pay(0)).await, Err(PayError::NothingWaits));
    assert_eq!(soon(crowd.pay(24)).await, Err(PayError::NoSuchCard(24)));
    let wrong = PayError::Voided(air::Outcome::WrongPresses);
    assert_eq!(soon(crowd.pay(1)).await, Err(wrong));
    platform.mode(Mode::Refuse(coap::Code::SERVICE_UNAVAILABLE));
    let refused = PayError::Refused(coap::Code::SERVICE_UNAVAILABLE);
    assert_eq!(soon(crowd.pay(1)).await, Err(refused));
    platform.mode(Mode::Retry);
    soon(crowd.pay_pressing(1, 2)).await.unwrap();
}
