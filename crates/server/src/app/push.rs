//! Push: a transaction goes unasked to a card that listens; one that sleeps is asked when it is heard.
//!
//! What waits is the order, not a frame: a frame's life is counted in tens of seconds from its making, so it is made
//! when its card can be reached and not before. The downlink that waits without a frame says so to operators.

use std::sync::Arc;

use air::platform::DownlinkForm;
use air::{Answering, TransactionContext};
use fleet::{DownlinkId, DownlinkState, FailReason, Listening, Priority};
use model::{CardId, ChannelId, UnixMillis};
use payment::{OrderId, OrderState};
use store::{StoreError, StoredAuthorization, StoredCard, StoredDownlink, StoredOrder, Unit};

use super::App;
use super::exchange::Asked;
use super::hello::HelloRefused;

/// A transaction to be carried to a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The downlink that it is: whatever becomes of it is told under this id.
    pub id: DownlinkId,
    /// For which order.
    pub order: OrderId,
    /// On which channel.
    pub channel: ChannelId,
    /// The transaction's bytes.
    pub frame: Vec<u8>,
    /// Where the card was last heard.
    pub address: String,
    /// Sent later than this, it would be void.
    pub expires_at: UnixMillis,
}

/// How an address is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How many bytes its bearer carries.
    pub room: usize,
    /// The address, with whoever is to hand the frame over.
    pub address: String,
}

/// Who reaches an address now; `None` where nobody does.
pub type Reach = dyn Fn(&str) -> Option<Reached> + Send + Sync;

/// What became of the orders that wait for a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// None waits, or its card asks for itself.
    Nothing,
    /// So many began to wait for the card to be heard.
    Waits(usize),
    /// This one goes to the card now.
    Now(Push),
}

impl App {
    /// Makes the transaction of a card's next waiting order, if the card can be reached, its clock is known to be
    /// set, and nothing is open with it. S1 to S3 were done by its last hello or status.
    pub async fn push(&self, card: CardId, reach: Arc<Reach>) -> Result<Pushed, StoreError> {
        let (app, now) = (self.clone(), self.now());
        let pushed = self.write::<_, HelloRefused>(move |unit| {
            let mut asked = None;
            let pushed = app.push_next(unit, card, &*reach, now, &mut asked)?;
            Ok((pushed, asked))
        });
        match pushed.await {
            Ok((pushed, asked)) => {
                if let Pushed::Now(push) = &pushed {
                    self.inner.notices.tell(push.order);
                }
                if let Some((card, asked)) = asked {
                    self.inner.exchanges.keep(&card, Some(Arc::new(asked)));
                }
                Ok(pushed)
            }
            Err(HelloRefused::Store(error)) => Err(error),
            Err(HelloRefused::WrongCode | HelloRefused::Malformed(_) | HelloRefused::KeyUnavailable) => {
                Ok(Pushed::Nothing)
            }
        }
    }

    fn push_next(
        &self,
        unit: &mut dyn Unit,
        card: CardId,
        reach: &Reach,
        now: UnixMillis,
        asked: &mut Option<(StoredCard, Asked)>,
    ) -> Result<Pushed, HelloRefused> {
        let Some(card) = unit.card(card)? else { return Ok(Pushed::Nothing) };
        let listening = listening(unit, &card)?;
        if listening == Listening::Never {
            return Ok(Pushed::Nothing);
        }
        let mut link = unit.link_state(card.id())?;
        let queued = unit.queued_downlinks(card.id(), card.channel)?;
        let listens = listening.reaches(link.heard_at, now) && link.clock_set;
        let reached = if listens { link.address.as_deref().and_then(reach) } else { None };
        let open = unit.open_authorization(card.id())?;
        if let (Some(open), Some(Reached { address, .. })) = (&open, &reached)
            && let Some(push) = self.push_again(unit, &card, open, address, now)?
        {
            return Ok(Pushed::Now(push));
        }
        let (None, Some(Reached { room, address }), Ok(holder)) = (open, reached, card.record.may_pay(now))
        else {
            return self.wait(unit, &card, &queued, now);
        };
        let preferred = queued.iter().find_map(|downlink| downlink.order);
        let Some(order) = self.next_waiting(unit, &card, preferred, now)? else { return Ok(Pushed::Nothing) };
        if !self.may_prompt(&mut link, now) {
            return self.wait(unit, &card, &queued, now);
        }
        let context = TransactionContext {
            answering: Answering::Nothing,
            number: card.record.information.number,
            holder,
        };
        let id = order.order.id;
        let form = DownlinkForm::default();
        let question = self.ask(unit, &card, &mut link, order, None, context, form, &[], room, now)?;
        let Some(question) = question else { return self.wait(unit, &card, &queued, now) };
        let frame = question.evidence.transaction.clone();
        unit.put_link_state(card.id(), card.key_version, &link)?;
        let until = question.authorization.until;
        let waited = queued.into_iter().find(|downlink| downlink.order == Some(id));
        let known = waited.is_some();
        let mut downlink = waited.unwrap_or_else(|| self.downlink(&card, id, now));
        downlink.frame.clone_from(&frame);
        downlink.address = Some(address.clone());
        downlink.state = DownlinkState::Queued;
        (downlink.expires_at, downlink.updated_at) = (until, now);
        if known {
            unit.put_downlink(&downlink)?;
        } else {
            unit.add_downlink(&downlink)?;
        }
        let channel = card.channel;
        *asked = Some((card, Asked { question, battery: link.battery, heard_at: link.heard_at }));
        Ok(Pushed::Now(Push { id: downlink.id, order: id, channel, frame, address, expires_at: until }))
    }

    /// The question that is open was pushed, and nobody confirmed it: the card may have been elsewhere. It is heard now, and gets
    /// the same bytes again.
    fn push_again(
        &self,
        unit: &mut dyn Unit,
        card: &StoredCard,
        open: &StoredAuthorization,
        address: &str,
        now: UnixMillis,
    ) -> Result<Option<Push>, HelloRefused> {
        let until = open.authorization.until;
        if open.context.answering != Answering::Nothing || until <= now {
            return Ok(None);
        }
        let lost = DownlinkState::Failed(FailReason::NotAcknowledged);
        let newest = unit.downlinks_before(card.channel, None, 1)?;
        let newest = newest.first().filter(|last| last.order == Some(open.order) && last.state == lost);
        if newest.is_none() {
            return Ok(None);
        }
        let downlink = StoredDownlink {
            frame: open.evidence.transaction.clone(),
            address: Some(address.to_owned()),
            expires_at: until,
            ..self.downlink(card, open.order, now)
        };
        unit.add_downlink(&downlink)?;
        Ok(Some(Push {
            id: downlink.id,
            order: open.order,
            channel: card.channel,
            frame: downlink.frame,
            address: address.to_owned(),
            expires_at: until,
        }))
    }

    /// Each order that waits for the card has a downlink that waits with it.
    fn wait(
        &self,
        unit: &mut dyn Unit,
        card: &StoredCard,
        queued: &[StoredDownlink],
        now: UnixMillis,
    ) -> Result<Pushed, HelloRefused> {
        let mut began = 0;
        for stored in unit.waiting_orders(card.id())? {
            let id = stored.order.id;
            let waits = stored.order.state == OrderState::AwaitingCard && stored.order.expires_at > now;
            if !waits || queued.iter().any(|downlink| downlink.order == Some(id)) {
                continue;
            }
            let mut downlink = self.downlink(card, id, now);
            downlink.expires_at = stored.order.expires_at;
            unit.add_downlink(&downlink)?;
            began += 1;
        }
        Ok(if began == 0 { Pushed::Nothing } else { Pushed::Waits(began) })
    }

    fn downlink(&self, card: &StoredCard, order: OrderId, now: UnixMillis) -> StoredDownlink {
        StoredDownlink {
            id: DownlinkId::from_time_and_random(now, self.random()),
            card: card.id(),
            channel: card.channel,
            order: Some(order),
            priority: Priority::Normal,
            frame: Vec::new(),
            address: None,
            state: DownlinkState::Queued,
            network_id: None,
            created_at: now,
            expires_at: now,
            updated_at: now,
        }
    }
}

/// When a card listens: as its channel's registration says, else as the card says.
fn listening(unit: &dyn Unit, card: &StoredCard) -> Result<Listening, StoreError> {
    let registered = unit.channel(card.channel)?.and_then(|channel| channel.registration.listening);
    Ok(registered.unwrap_or(if card.listens { Listening::Always } else { Listening::Never }))
}

/// An order is asked otherwise, or has ended: what waits to ask it waits no more.
pub(super) fn supersede(
    unit: &mut dyn Unit,
    stored: &StoredOrder,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let order = &stored.order;
    let Some(mut downlink) = unit.queued_downlink_of_order(order.card, order.id)? else { return Ok(()) };
    (downlink.state, downlink.updated_at) = (DownlinkState::Failed(FailReason::Superseded), now);
    unit.put_downlink(&downlink)
}
