//! All secrets of a database brought under the key of today: at a start, when a key is renewed, and now and then.
//!
//! A pass reads portions of what is in clear or under earlier keys and seals each anew, a portion a unit of work. Killed anywhere
//! it has lost nothing: a row is as it was, or sealed; the next pass goes on. Run twice, the second finds nothing.

use ::operator::{AuditAction, OperatorName};
use ::webhook::EndpointId;
use crypto::{KeyName, SecretKeyId};
use model::UnixMillis;
use store::{Reading, Residue, Store, StoreError, StoredSecret, StoredSecretKey, Unit, WriteError};

use super::{SecretRefused, Secrets, totp_place, totp_row, webhook_place};
use crate::operators::Actor;

/// Secrets that are sealed in one unit of work.
pub const SEALED_AT_ONCE: u32 = 128;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Operators' secrets that were sealed.
    pub operators: u32,
    /// Webhooks' secrets that were sealed.
    pub webhooks: u32,
    /// Secrets that do not open, and were left as they are.
    pub left: u32,
}

impl Passed {
    fn and(self, other: Self) -> Self {
        Self {
            operators: self.operators.saturating_add(other.operators),
            webhooks: self.webhooks.saturating_add(other.webhooks),
            left: self.left.saturating_add(other.left),
        }
    }
}

/// How far a pass has come among the secrets under one key.
#[derive(Clone, Debug)]
enum Place {
    Operators(Option<OperatorName>),
    Webhooks(Option<(EndpointId, u32)>),
    End,
}

fn flattened(error: WriteError<SecretRefused>) -> SecretRefused {
    match error {
        WriteError::Refused(refused) => refused,
        WriteError::Store(error) => error.into(),
    }
}

impl Secrets {
    /// Takes a key of the key store into use for new secrets, if none is or another was. It is kept and entered in one unit of work; of
    /// two nodes that do it at once, the second finds the first's. Which key it is says whoever made or found it: by its making the
    /// newest may be another, made where a clock was ahead.
    ///
    /// `instead_of` is the key that it takes the place of: nothing changes where another already has.
    pub async fn take_into_use(
        &self,
        store: &Store,
        id: SecretKeyId,
        instead_of: Option<SecretKeyId>,
        by: Actor,
        now: UnixMillis,
    ) -> Result<StoredSecretKey, SecretRefused> {
        let secrets = self.clone();
        let taken = store.write(move |unit| {
            let current = unit.secret_keys()?.into_iter().next();
            let number = match current {
                Some(current) if Some(current.id) != instead_of => return Ok(current),
                Some(current) => current.number.saturating_add(1),
                None => 1,
            };
            let next = StoredSecretKey { number, id, node: secrets.node.to_string(), at: now };
            unit.add_secret_key(&next)?;
            by.enter(unit, now, AuditAction::SecretKey, &id.to_string(), "taken into use")?;
            Ok(next)
        });
        match taken.await.map_err(flattened) {
            // Another node was first.
            Err(SecretRefused::Store(StoreError::Constraint(_))) => {
                let current = store.read(|rows| rows.secret_keys()).await?.into_iter().next();
                let current = current.ok_or(SecretRefused::NoKey)?;
                // The rule that was broken was another: the key was in use before.
                if Some(current.id) == instead_of {
                    Err(SecretRefused::UsedBefore { key: id })
                } else {
                    Ok(current)
                }
            }
            taken => taken,
        }
    }

    /// Seals under the key of today all that is in clear or under an earlier key. What was done is entered with each portion.
    pub async fn pass(&self, store: &Store, by: &Actor, now: UnixMillis) -> Result<Passed, SecretRefused> {
        let mut keys = store.read(|rows| rows.secret_keys()).await?;
        if let (true, Some(newest)) = (keys.is_empty(), self.keys.newest_secret_key()) {
            // A start that could not write: the database was a standby then.
            keys.push(self.take_into_use(store, newest, None, by.clone(), now).await?);
        }
        let Some((current, earlier)) = keys.split_first() else { return Ok(Passed::default()) };
        self.able(current)?;
        let under = std::iter::once(None).chain(earlier.iter().map(|key| Some(key.id.name)));
        let (mut passed, current) = (Passed::default(), current.id);
        for key in under {
            let mut place = Place::Operators(None);
            while !matches!(place, Place::End) {
                let (portion, next) = self.portion(store, key, current, place, by.clone(), now).await?;
                passed = passed.and(portion);
                place = next;
            }
        }
        Ok(passed)
    }

    /// One portion, in one unit of work; nothing is written where there is none.
    async fn portion(
        &self,
        store: &Store,
        key: Option<KeyName>,
        current: SecretKeyId,
        place: Place,
        by: Actor,
        now: UnixMillis,
    ) -> Result<(Passed, Place), SecretRefused> {
        let looked = place.clone();
        if !store.read(move |rows| is_there(rows, key, &looked)).await? {
            return Ok((Passed::default(), next_table(place)));
        }
        let secrets = self.clone();
        let sealed = store.write(move |unit| {
            let done = match place.clone() {
                Place::Operators(after) => secrets.seal_operators(unit, key, current, after)?,
                Place::Webhooks(after) => secrets.seal_webhooks(unit, key, current, after)?,
                Place::End => (Passed::default(), Place::End),
            };
            let Passed { operators, webhooks, .. } = done.0;
            if operators + webhooks > 0 {
                if key.is_none() {
                    unit.mark_residue(&Residue::new(secrets.chance.draw()))?;
                }
                let subject = format!("{operators} of operators, {webhooks} of webhooks under {current}");
                by.enter(unit, now, AuditAction::SecretsSeal, &subject, "done")?;
            }
            Ok(done)
        });
        sealed.await.map_err(flattened)
    }

    fn seal_operators(
        &self,
        unit: &mut dyn Unit,
        key: Option<KeyName>,
        current: SecretKeyId,
        after: Option<OperatorName>,
    ) -> Result<(Passed, Place), SecretRefused> {
        let found = unit.totp_secrets_under(key, after.as_ref(), SEALED_AT_ONCE)?;
        let (mut passed, mut last) = (Passed::default(), None);
        for (name, kept) in found {
            match self.open_totp(unit, &name, &kept) {
                Ok(totp) => {
                    let sealed = self.seal(current, &totp_place(&name), totp.expose_to_key_store())?;
                    passed.operators += u32::from(unit.seal_totp_secret(&name, &kept, &sealed)?);
                }
                Err(error) => passed.left += left(error)?,
            }
            last = Some(name);
        }
        Ok((passed, last.map_or(Place::Webhooks(None), |last| Place::Operators(Some(last)))))
    }

    fn seal_webhooks(
        &self,
        unit: &mut dyn Unit,
        key: Option<KeyName>,
        current: SecretKeyId,
        after: Option<(EndpointId, u32)>,
    ) -> Result<(Passed, Place), SecretRefused> {
        let found = unit.webhook_secrets_under(key, after, SEALED_AT_ONCE)?;
        let (mut passed, mut last) = (Passed::default(), None);
        for (endpoint, number, secret) in found {
            let stored = StoredSecret { number, secret, until: None };
            match self.open_webhook(unit, endpoint, &stored) {
                Ok(secret) => {
                    let owner = endpoint.0.to_be_bytes();
                    let place = webhook_place(&owner, number);
                    let sealed = self.seal(current, &place, secret.expose_to_key_store())?;
                    let kept = unit.seal_webhook_secret(endpoint, number, &stored.secret, &sealed)?;
                    passed.webhooks += u32::from(kept);
                }
                Err(error) => passed.left += left(error)?,
            }
            last = Some((endpoint, number));
        }
        Ok((passed, last.map_or(Place::End, |last| Place::Webhooks(Some(last)))))
    }

    /// The rows whose secret does not open here: operators, then webhooks' endpoints, at most so many of each.
    pub fn unopened(&self, rows: &dyn Reading, limit: u32) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for key in rows.secret_keys()? {
            for (name, kept) in rows.totp_secrets_under(Some(key.id.name), None, limit)? {
                if self.open_totp(rows, &name, &kept).is_err() {
                    found.push(totp_row(&name));
                }
            }
            for (endpoint, number, secret) in rows.webhook_secrets_under(Some(key.id.name), None, limit)? {
                let stored = StoredSecret { number, secret, until: None };
                if self.open_webhook(rows, endpoint, &stored).is_err() {
                    found.push(super::webhook_row(endpoint, number).trim_end_matches(',').to_owned());
                }
            }
        }
        Ok(found)
    }
}

/// A secret that does not open is left as it is, and said; the store's own refusal ends the pass.
fn left(error: SecretRefused) -> Result<u32, SecretRefused> {
    match error {
        SecretRefused::Store(_) => Err(error),
        refused => {
            tracing::warn!(error = %refused, code = refused.code(), "a secret was left as it is");
            Ok(1)
        }
    }
}

fn next_table(place: Place) -> Place {
    match place {
        Place::Operators(_) => Place::Webhooks(None),
        Place::Webhooks(_) | Place::End => Place::End,
    }
}

fn is_there(rows: &dyn Reading, key: Option<KeyName>, place: &Place) -> Result<bool, StoreError> {
    Ok(match place {
        Place::Operators(after) => !rows.totp_secrets_under(key, after.as_ref(), 1)?.is_empty(),
        Place::Webhooks(after) => !rows.webhook_secrets_under(key, *after, 1)?.is_empty(),
        Place::End => false,
    })
}
