//! Push: a transaction goes unasked to a card that listens.

use air::platform::DownlinkForm;
use air::{Answering, TransactionContext};
use model::{CardId, UnixMillis};
use payment::OrderId;
use store::{StoreError, Unit};

use super::App;
use super::hello::HelloRefused;

/// A transaction to be carried to a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// For which order.
    pub order: OrderId,
    /// The transaction's bytes.
    pub frame: Vec<u8>,
    /// Where the card was last heard.
    pub address: String,
}

impl App {
    /// Makes the transaction of a card's next waiting order, if the card listens, its clock is known to be
    /// set, and nothing is open with it. S1 to S3 were done by its last hello or status.
    pub async fn push(&self, card: CardId) -> Result<Option<Push>, StoreError> {
        let (app, now) = (self.clone(), self.now());
        let pushed = self.write::<_, HelloRefused>(move |unit| app.push_next(unit, card, now)).await;
        match pushed {
            Ok(Some(push)) => {
                self.inner.notices.tell(push.order);
                Ok(Some(push))
            }
            Ok(None) => Ok(None),
            Err(HelloRefused::Store(error)) => Err(error),
            Err(HelloRefused::WrongCode | HelloRefused::Malformed(_) | HelloRefused::KeyUnavailable) => {
                Ok(None)
            }
        }
    }

    fn push_next(
        &self,
        unit: &mut dyn Unit,
        card: CardId,
        now: UnixMillis,
    ) -> Result<Option<Push>, HelloRefused> {
        let Some(card) = unit.card(card)? else { return Ok(None) };
        let mut link = unit.link_state(card.id())?;
        let Some(address) = link.address.clone() else { return Ok(None) };
        if !card.listens || !link.clock_set || unit.open_authorization(card.id())?.is_some() {
            return Ok(None);
        }
        let Ok(holder) = card.record.may_pay(now) else { return Ok(None) };
        let Some(order) = self.next_waiting(unit, &card, None, now)? else { return Ok(None) };
        if !self.may_prompt(&mut link, now) {
            return Ok(None);
        }
        let context = TransactionContext {
            answering: Answering::Nothing,
            number: card.record.information.number,
            holder,
        };
        let id = order.order.id;
        let form = DownlinkForm::default();
        let asked = self.ask(unit, &card, &mut link, order, None, context, form, &[], now)?;
        let Some(frame) = asked else { return Ok(None) };
        unit.put_link_state(card.id(), card.key_version, &link)?;
        Ok(Some(Push { order: id, frame, address }))
    }
}
