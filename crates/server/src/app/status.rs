//! A card tells its battery and firmware.

use air::platform::{Admission, StatusFrame, VerifyError};
use crypto::BoundKey;
use store::{Alarm, StoreError, StoredCard};

use super::App;

/// Why a status is not believed, or not kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusRefused {
    /// The code does not agree.
    #[error("the verification code is wrong")]
    WrongCode,
    /// Right code, not above the mark, or outside the window.
    #[error("the status is old")]
    NotFresh,
    /// The key store did not answer.
    #[error("the key is not available")]
    KeyUnavailable,
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a status told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Battery, 0 to 200.
    pub battery: u8,
    /// Firmware's version.
    pub firmware: u16,
    /// Whether these bytes were told before.
    pub repeated: bool,
}

impl App {
    /// Keeps what a status says. Nothing goes back to the card.
    pub async fn status(
        &self,
        card: &StoredCard,
        status: &StatusFrame<'_>,
        bytes: &[u8],
        address: &str,
    ) -> Result<Told, StatusRefused> {
        let now = self.now();
        let verified = {
            let key = BoundKey::new(self.inner.keys.as_ref(), card.key());
            status.verify(&card.link(), now, &key).map_err(|error| match error {
                VerifyError::WrongCode | VerifyError::Text(_) => StatusRefused::WrongCode,
                VerifyError::KeyUnavailable => StatusRefused::KeyUnavailable,
            })?
        };
        let (battery, firmware) = (verified.text().battery, verified.text().firmware);
        let (id, version) = (card.id(), card.key_version);
        let (bytes, address) = (bytes.to_vec(), address.to_owned());
        let fresh = self.write::<_, StatusRefused>(move |unit| {
            let mut link = unit.link_state(id)?;
            match link.marks.admit_status(&verified, now) {
                Admission::Admitted => {}
                Admission::NotAboveMark if link.last_uplink == bytes => return Ok(Some(true)),
                Admission::NotAboveMark => {
                    unit.add_alarm(&Alarm {
                        card: Some(id),
                        subject: None,
                        kind: "possible_clone".into(),
                        at: now,
                    })?;
                    return Ok(None);
                }
                Admission::OutsideWindow => return Ok(None),
            }
            link.marks.uplink = Some(verified.factor());
            link.clock_set = true;
            link.heard_at = Some(now);
            link.address = Some(address.clone());
            link.last_uplink.clone_from(&bytes);
            link.last_answer.clear();
            link.battery = Some(verified.text().battery);
            link.firmware = Some(verified.text().firmware);
            unit.put_link_state(id, version, &link)?;
            Ok(Some(false))
        });
        let repeated = fresh.await?.ok_or(StatusRefused::NotFresh)?;
        Ok(Told { battery, firmware, repeated })
    }
}
