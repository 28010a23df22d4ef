//! The stories of the contract.

use fleet::{DownlinkId, DownlinkState, FailReason, Listening, Priority};
use payment::OrderId;
use server::Actor;
use server::fleet::QueueRefused;
use store::{Registration, StoreError, StoredDownlink};

use crate::town::EVENING;
use crate::{Network, Shore, Word};

impl<N: Network> Shore<N> {
    /// Operators say that a card sleeps but for so many seconds after its frames.
    async fn sleeps(&self, channel: model::ChannelId, seconds: u32) {
        let listening = Some(Listening::AfterUplink { seconds });
        let kept = self.town.app.store().write::<_, StoreError, _>(move |unit| {
            let known = unit.channel(channel)?.map(|known| known.registration).unwrap_or_default();
            let registration = Registration { listening, ..known };
            unit.register_channel(channel, &registration, &[], EVENING).map(|_| ())
        });
        kept.await.unwrap();
    }

    /// A card that sleeps and was heard long ago, and two orders that wait for it: their downlinks, the older first.
    async fn two_wait(&mut self) -> (crate::Hand, [OrderId; 2], [DownlinkId; 2]) {
        let card = self.listening(1).await;
        self.sleeps(card.link.channel, 20).await;
        self.town.pass(60_000);
        let first = self.town.order(card.id, 2_000).await;
        self.town.pass(1);
        let second = self.town.order(card.id, 3_000).await;
        let waiting = self.pushes(card.link.channel);
        let [newer, older] = <[StoredDownlink; 2]>::try_from(waiting).unwrap();
        assert_eq!([older.order, newer.order], [Some(first), Some(second)]);
        assert!(older.frame.is_empty(), "a frame is made when it can be sent");
        (card, [first, second], [older.id, newer.id])
    }
}

pub(crate) async fn a_frame_that_the_network_repeats_is_taken_once<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let mut card = shore.card(1, false).await;
    let order = shore.town.order(card.id, 2_000).await;
    shore.network.uplink(card.link.channel, &card.press()).await;
    let transaction = shore.network.downlink().await;
    shore.network.sends().await;
    shore.network.repeat().await;
    card.hear(&transaction);
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    let mut receipt = shore.network.downlink().await;
    if receipt == transaction {
        // A network of datagrams asks again, and gets the same bytes.
        receipt = shore.network.downlink().await;
    }
    card.hear(&receipt);
    assert!(card.is_green());
    assert_eq!(shore.town.state(order), "paid");
    let link = shore.town.app.store().peek(|rows| rows.link_state(card.id)).unwrap();
    assert_eq!(link.prompts, 1, "asked once");
    assert_eq!(shore.town.counts("payments"), [("paid".to_owned(), 1)].into());
}

pub(crate) async fn a_card_pays_by_answers_in_the_same_window<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let mut card = shore.card(1, false).await;
    for fen in [2_000, 3_000] {
        let order = shore.town.order(card.id, fen).await;
        shore.network.uplink(card.link.channel, &card.press()).await;
        card.hear(&shore.network.downlink().await);
        assert!(card.is_lit());
        shore.network.sends().await;
        shore.network.uplink(card.link.channel, &card.agree(1)).await;
        card.hear(&shore.network.downlink().await);
        shore.network.sends().await;
        assert!(card.is_green());
        assert_eq!(shore.town.state(order), "paid");
    }
    assert_eq!(shore.town.counts("frames_refused"), [].into());
}

pub(crate) async fn a_push_reaches_a_card_that_listens_and_no_more_is_said_than_is_known<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let mut card = shore.listening(1).await;
    let order = shore.town.order(card.id, 2_000).await;
    let push = shore.network.downlink().await;
    let id = shore.pushes(card.link.channel)[0].id;
    if N::QUEUES {
        shore.stands(id, DownlinkState::Handed).await;
        shore.network.sends().await;
    }
    shore.stands(id, N::OUT).await;
    card.hear(&push);
    shore.network.says(Word::Acknowledged).await;
    shore.stands(id, DownlinkState::Acknowledged).await;
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    card.hear(&shore.network.downlink().await);
    assert!(card.is_green());
    assert_eq!(shore.town.state(order), "paid");
}

pub(crate) async fn a_push_that_nobody_confirms_has_failed_and_goes_out_again_when_the_card_is_heard<
    N: Network,
>() {
    let mut shore = Shore::<N>::open().await;
    let mut card = shore.listening(1).await;
    let order = shore.town.order(card.id, 2_000).await;
    let push = shore.network.downlink().await;
    let id = shore.pushes(card.link.channel)[0].id;
    shore.network.sends().await;
    shore.stands(id, N::OUT).await;
    if !N::TELLS_FAILURE {
        // Nobody says so; so nobody is told so.
        shore.town.pass(180_000);
        assert!(shore.network.is_quiet(&shore.town).await);
        assert_eq!(shore.state(id), N::OUT);
        return;
    }
    shore.network.says(Word::NotAcknowledged).await;
    shore.stands(id, DownlinkState::Failed(FailReason::NotAcknowledged)).await;
    shore.town.pass(1_000);
    shore.network.uplink(card.link.channel, &card.status()).await;
    assert_eq!(shore.network.downlink().await, push, "one B, one plaintext");
    shore.network.sends().await;
    let again = shore.pushes(card.link.channel)[0].id;
    shore.stands(again, N::OUT).await;
    assert_eq!(shore.state(id), DownlinkState::Failed(FailReason::NotAcknowledged), "what was, was");
    card.hear(&push);
    shore.network.says(Word::Acknowledged).await;
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    card.hear(&shore.network.downlink().await);
    assert_eq!(shore.town.state(order), "paid");
}

pub(crate) async fn an_order_for_a_sleeping_card_waits_until_the_card_is_heard<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let (mut card, [first, _], [older, newer]) = shore.two_wait().await;
    assert!(shore.network.is_quiet(&shore.town).await, "nobody listens");
    assert_eq!(shore.state(older), DownlinkState::Queued);
    // The card tells how it is: now it listens.
    shore.network.uplink(card.link.channel, &card.status()).await;
    let push = shore.network.downlink().await;
    shore.network.sends().await;
    shore.stands(older, N::OUT).await;
    assert_eq!(shore.state(newer), DownlinkState::Queued, "one open question a card");
    card.hear(&push);
    assert!(card.is_lit());
    shore.network.says(Word::Acknowledged).await;
    shore.stands(older, DownlinkState::Acknowledged).await;
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    let town = &shore.town;
    crate::until("paid", || town.state(first) == "paid").await;
}

pub(crate) async fn what_waits_too_long_expires<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let (_, _, [older, newer]) = shore.two_wait().await;
    assert_eq!(shore.town.fleet.expire().await, Ok(0));
    shore.town.pass(180_000);
    assert_eq!(shore.town.fleet.expire().await, Ok(2));
    for id in [older, newer] {
        assert_eq!(shore.state(id), DownlinkState::Expired);
    }
    assert!(shore.network.is_quiet(&shore.town).await);
    assert_eq!(shore.town.counted("downlinks", "expired"), 2);
}

pub(crate) async fn what_waits_is_taken_back_and_what_went_out_is_not<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let (mut card, _, [older, newer]) = shore.two_wait().await;
    assert_eq!(shore.town.fleet.cancel_downlink(Actor::command_line(), older).await, Ok(()));
    assert_eq!(shore.state(older), DownlinkState::Canceled);
    shore.network.uplink(card.link.channel, &card.status()).await;
    shore.network.downlink().await;
    shore.network.sends().await;
    shore.stands(newer, N::OUT).await;
    for id in [older, newer] {
        let refused = shore.town.fleet.cancel_downlink(Actor::command_line(), id).await;
        assert!(matches!(refused, Err(QueueRefused::Cancel(_))), "{refused:?}");
    }
    assert_eq!(
        shore.town.fleet.cancel_downlink(Actor::command_line(), DownlinkId(9)).await,
        Err(QueueRefused::NoSuchDownlink)
    );
}

pub(crate) async fn of_two_that_wait_the_more_urgent_goes_first<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let (mut card, _, [older, newer]) = shore.two_wait().await;
    assert_eq!(shore.town.fleet.set_priority(Actor::command_line(), newer, Priority::High).await, Ok(()));
    shore.network.uplink(card.link.channel, &card.status()).await;
    shore.network.downlink().await;
    shore.network.sends().await;
    shore.stands(newer, N::OUT).await;
    assert_eq!(shore.state(older), DownlinkState::Queued);
    assert_eq!(
        shore.town.fleet.set_priority(Actor::command_line(), newer, Priority::Low).await,
        Err(QueueRefused::NotQueued)
    );
}

pub(crate) async fn the_channel_is_elided_where_the_network_vouches_for_it_and_only_there<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let mut card = shore.card(1, false).await;
    shore.town.order(card.id, 2_000).await;
    let hello = card.press();
    assert_eq!(hello.len(), if N::VOUCHES { 46 } else { 55 }, "full and wide");
    shore.network.uplink(card.link.channel, &hello).await;
    card.hear(&shore.network.downlink().await);
    assert!(card.is_lit());
    // A frame that names no channel, from a card of the other kind of bearer.
    let channel = N::channel(2);
    let other = crate::Wish { holder: 2, channel: Some(channel), brief: true, ..crate::Wish::default() };
    let mut other = shore.town.card(other).await;
    shore.network.uplink(channel, &other.press()).await;
    if N::VOUCHES {
        other.hear(&shore.network.downlink().await);
    } else {
        shore.until("no channel", |town| town.counted("frames_refused", "no_channel") == 1).await;
    }
}

pub(crate) async fn a_frame_over_the_limit_is_refused_by_naming_both<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let card = shore.listening(1).await;
    let link = shore.town.app.store().peek(|rows| rows.link_state(card.id)).unwrap();
    let downlink = StoredDownlink {
        id: DownlinkId(7),
        card: card.id,
        channel: card.link.channel,
        order: Some(OrderId(7)),
        priority: Priority::Normal,
        frame: vec![0x51; 1_300],
        address: link.address,
        state: DownlinkState::Queued,
        network_id: None,
        created_at: EVENING,
        expires_at: EVENING.plus(60_000),
        updated_at: EVENING,
    };
    let kept = shore.town.app.store().write::<_, StoreError, _>(move |unit| unit.add_downlink(&downlink));
    kept.await.unwrap();
    shore.town.fleet.hand_waiting().await.unwrap();
    shore.stands(DownlinkId(7), DownlinkState::Failed(FailReason::TooLong)).await;
    assert!(shore.network.is_quiet(&shore.town).await);
    assert_eq!(shore.town.counted("downlinks", "too_long"), 1);
}

pub(crate) async fn what_was_not_told_of_is_handed_over_again_after_a_restart<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let mut card = shore.listening(1).await;
    // A push is durable, and the program ends before any bearer has it: as after `kill -9`.
    let push = shore.town.app.push(card.id, reached()).await.unwrap();
    assert_eq!(push, server::app::Pushed::Nothing, "no order yet");
    let order = shore.town.order_unpushed(card.id, 2_000).await;
    shore.town.app.push(card.id, reached()).await.unwrap();
    let id = shore.pushes(card.link.channel)[0].id;
    assert_eq!(shore.state(id), DownlinkState::Queued);
    shore.town.fleet.hand_waiting().await.unwrap();
    // Handing over again what is in hand already does nothing twice.
    shore.town.fleet.hand_waiting().await.unwrap();
    card.hear(&shore.network.downlink().await);
    shore.network.sends().await;
    shore.network.says(Word::Acknowledged).await;
    shore.stands(id, DownlinkState::Acknowledged).await;
    assert!(shore.network.is_quiet(&shore.town).await);
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    card.hear(&shore.network.downlink().await);
    assert_eq!(shore.town.state(order), "paid");
}

pub(crate) async fn an_answer_goes_before_the_next_order<N: Network>() {
    let mut shore = Shore::<N>::open().await;
    let mut card = shore.listening(1).await;
    let first = shore.town.order(card.id, 2_000).await;
    card.hear(&shore.network.downlink().await);
    shore.network.sends().await;
    shore.network.says(Word::Acknowledged).await;
    let second = shore.town.order(card.id, 3_000).await;
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    card.hear(&shore.network.downlink().await);
    assert!(card.is_green(), "the receipt comes first");
    assert_eq!(shore.town.state(first), "paid");
    card.hear(&shore.network.downlink().await);
    shore.network.uplink(card.link.channel, &card.agree(1)).await;
    card.hear(&shore.network.downlink().await);
    assert_eq!(shore.town.state(second), "paid");
}

/// A bearer of any address that carries 51 bytes.
fn reached() -> std::sync::Arc<server::app::Reach> {
    std::sync::Arc::new(|address: &str| Some(server::app::Reached { room: 51, address: address.to_owned() }))
}
