//! [`SecretReading`] and [`SecretUnit`] over a session.

use ::operator::OperatorName;
use ::webhook::EndpointId;
use crypto::{CheckValue, KeyName, SealedSecret, SecretKeyId};
use model::UnixMillis;

use super::read::{Rows, select};
use super::row::{Column, Read, col, malformed};
use super::write::{Changes, read_through};
use super::{Row, params};
use crate::error::StoreError;
use crate::rows::{KeptSecret, Residue, StoredSecretKey};
use crate::secret::{SecretReading, SecretUnit};

const KEY: &str = "number, name, check_value, node, at";
const TOTP: &str = "name, totp_secret, sealed_by";
const WEBHOOK: &str = "endpoint, number, secret, sealed_by";

fn key(row: &Row<'_>) -> Read<StoredSecretKey> {
    let name: String = col!(KEY, "name").get(row)?;
    let name = KeyName::new(&name).ok_or(StoreError::Malformed("secret_key.name"))?;
    let check_value = CheckValue(col!(KEY, "check_value").get(row)?);
    Ok(StoredSecretKey {
        number: col!(KEY, "number").get(row)?,
        id: SecretKeyId { name, check_value },
        node: col!(KEY, "node").get(row)?,
        at: UnixMillis(col!(KEY, "at").get(row)?),
    })
}

fn totp(row: &Row<'_>) -> Read<(OperatorName, KeptSecret)> {
    let name: String = col!(TOTP, "name").get(row)?;
    let name = name.parse().map_err(malformed("console_operator.name"))?;
    let kept = KeptSecret::read(col!(TOTP, "totp_secret").get(row)?, col!(TOTP, "sealed_by").get(row)?);
    Ok((name, kept))
}

fn webhook(row: &Row<'_>) -> Read<(EndpointId, u32, KeptSecret)> {
    let endpoint = EndpointId(u128::from_be_bytes(col!(WEBHOOK, "endpoint").get(row)?));
    let kept = KeptSecret::read(col!(WEBHOOK, "secret").get(row)?, col!(WEBHOOK, "sealed_by").get(row)?);
    Ok((endpoint, col!(WEBHOOK, "number").get(row)?, kept))
}

impl SecretReading for Rows<'_> {
    fn secret_keys(&self) -> Result<Vec<StoredSecretKey>, StoreError> {
        self.many(select!(KEY, "from secret_key order by number desc"), params![], key)
    }

    fn totp_secrets_under(
        &self,
        key: Option<KeyName>,
        after: Option<&OperatorName>,
        limit: u32,
    ) -> Result<Vec<(OperatorName, KeptSecret)>, StoreError> {
        let after = after.map_or("", OperatorName::as_str);
        match key {
            Some(key) => {
                let sql = select!(
                    TOTP,
                    "from console_operator where sealed_by = ? and name > ? order by name limit ?"
                );
                self.many(sql, params![key.as_str(), after, limit], totp)
            }
            None => {
                let sql = select!(
                    TOTP,
                    "from console_operator where sealed_by is null and name > ? order by name limit ?"
                );
                self.many(sql, params![after, limit], totp)
            }
        }
    }

    fn webhook_secrets_under(
        &self,
        key: Option<KeyName>,
        after: Option<(EndpointId, u32)>,
        limit: u32,
    ) -> Result<Vec<(EndpointId, u32, KeptSecret)>, StoreError> {
        // Numbers are from 1.
        let (endpoint, number) = after.unwrap_or((EndpointId(0), 0));
        let endpoint = endpoint.0.to_be_bytes();
        match key {
            Some(key) => {
                let sql = select!(
                    WEBHOOK,
                    "from webhook_secret where sealed_by = ? and (endpoint, number) > (?, ?) \
                     order by endpoint, number limit ?"
                );
                self.many(sql, params![key.as_str(), endpoint, number, limit], webhook)
            }
            None => {
                let sql = select!(
                    WEBHOOK,
                    "from webhook_secret where sealed_by is null and (endpoint, number) > (?, ?) \
                     order by endpoint, number limit ?"
                );
                self.many(sql, params![endpoint, number, limit], webhook)
            }
        }
    }

    fn residue(&self) -> Result<Option<Residue>, StoreError> {
        let sql = "select what from residue where what like 'secrets%' order by what limit 1";
        Ok(self.one(sql, params![], |row| row.get(0))?.map(Residue::read))
    }
}

read_through! { SecretReading:
    fn secret_keys(&self) -> Vec<StoredSecretKey>;
    fn totp_secrets_under(&self, key: Option<KeyName>, after: Option<&OperatorName>, limit: u32)
        -> Vec<(OperatorName, KeptSecret)>;
    fn webhook_secrets_under(&self, key: Option<KeyName>, after: Option<(EndpointId, u32)>, limit: u32)
        -> Vec<(EndpointId, u32, KeptSecret)>;
    fn residue(&self) -> Option<Residue>;
}

/// What a row is compared by before it is sealed. Of one in clear, that it is in clear: its unit of work has read it, and sent as an
/// argument the secret would stand in the log of a server that logs statements.
fn compared(was: &KeptSecret) -> &[u8] {
    if was.sealed_by().is_some() { was.bytes() } else { &[] }
}

impl SecretUnit for Changes<'_> {
    fn add_secret_key(&mut self, key: &StoredSecretKey) -> Result<(), StoreError> {
        let sql = "insert into secret_key (number, name, check_value, node, at) values (?, ?, ?, ?, ?)";
        let StoredSecretKey { number, id, node, at } = key;
        self.execute(sql, params![number, id.name.as_str(), id.check_value.0, node, at.0])?;
        Ok(())
    }

    fn seal_totp_secret(
        &mut self,
        operator: &OperatorName,
        was: &KeptSecret,
        sealed: &SealedSecret,
    ) -> Result<bool, StoreError> {
        let sql = "update console_operator set totp_secret = ?, sealed_by = ? \
                   where name = ? and coalesce(sealed_by, '') = ? and (sealed_by is null or totp_secret = ?)";
        let by = was.sealed_by().unwrap_or_default();
        let name = sealed.key().name;
        let params = params![sealed.as_bytes(), name.as_str(), operator.as_str(), by, compared(was)];
        Ok(self.execute(sql, params)? == 1)
    }

    fn seal_webhook_secret(
        &mut self,
        endpoint: EndpointId,
        number: u32,
        was: &KeptSecret,
        sealed: &SealedSecret,
    ) -> Result<bool, StoreError> {
        let sql = "update webhook_secret set secret = ?, sealed_by = ? \
                   where endpoint = ? and number = ? and coalesce(sealed_by, '') = ? and (sealed_by is null or secret = ?)";
        let by = was.sealed_by().unwrap_or_default();
        let (name, endpoint) = (sealed.key().name, endpoint.0.to_be_bytes());
        let params = params![sealed.as_bytes(), name.as_str(), endpoint, number, by, compared(was)];
        Ok(self.execute(sql, params)? == 1)
    }

    fn mark_residue(&mut self, mark: &Residue) -> Result<(), StoreError> {
        self.execute("delete from residue where what like 'secrets%'", params![])?;
        self.execute("insert into residue (what) values (?)", [mark.as_str()])?;
        Ok(())
    }

    fn clear_residue(&mut self, seen: &Residue) -> Result<bool, StoreError> {
        Ok(self.execute("delete from residue where what = ?", [seen.as_str()])? == 1)
    }
}
