//! A verified balance: MAC1 over it proves that the card holds it. Nothing is written anywhere but the turn.

use crypto::{KeyStoreError, PurseKind};
use model::IndustryCode;
use tap::{Body, CardReading, End, Outcome, Reference};

use super::Bank;
use super::envelope::{Asker, Refused};
use super::load::{MAC1_WRONG, alarm, check_issuer};
use super::reply::{Answered, end};

impl Bank {
    pub(super) async fn balance(
        &self,
        asker: Asker,
        industry: IndustryCode,
        reading: CardReading,
    ) -> Answered {
        let Some(product) = self.product(industry) else {
            return self.refuse(asker, Outcome::UnknownIndustry).await;
        };
        let (Some(initialized), Some(amount)) = (reading.initialized, reading.amount) else {
            return self.refuse(asker, Outcome::Malformed).await;
        };
        let request = initialized.request(amount, PurseKind::PurseLoad, reading.terminal);
        let keys = &self.inner.keys;
        let right = match keys.verify_load_request(product.keys.load, reading.asn, &request, initialized.mac1)
        {
            Ok(()) => true,
            Err(KeyStoreError::WrongCode) => false,
            Err(trouble) => return Err(trouble.into()),
        };
        self.inner
            .app
            .write::<_, Refused>(move |unit| {
                asker.take_turn(unit)?;
                if let Err(outcome) = check_issuer(&reading, &product) {
                    return Ok(end(outcome));
                }
                let Some(wallet) = unit.wallet(reading.asn)? else { return Ok(end(Outcome::UnknownCard)) };
                if wallet.industry != industry {
                    return Ok(end(Outcome::ForeignCard));
                }
                if !right {
                    alarm(unit, MAC1_WRONG, wallet.asn, asker)?;
                    return Ok(end(Outcome::Mac1Wrong));
                }
                let open = unit.unfinished_load(reading.asn)?;
                let outcome = if open.is_some() { Outcome::OpenLoad } else { Outcome::BalanceRead };
                Ok(Body::End(End {
                    asn: Some(reading.asn),
                    balance: Some(initialized.balance),
                    amount: open.as_ref().map(|open| open.load.amount),
                    reference: open.map(|open| Reference(open.load.id.0.to_be_bytes())),
                    verified: true,
                    ..End::of(outcome)
                }))
            })
            .await
    }
}
