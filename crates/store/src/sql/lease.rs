//! [`LeaseReading`] and [`LeaseUnit`] over a session.

use model::UnixMillis;

use super::read::{Rows, select};
use super::row::{Column, Read, col};
use super::write::{Changes, read_through};
use super::{Row, params};
use crate::error::StoreError;
use crate::lease::{LeaseReading, LeaseUnit};
use crate::rows::Lease;

const LEASE: &str = "name, node, start, epoch, until";

fn lease(row: &Row<'_>) -> Read<Lease> {
    Ok(Lease {
        name: col!(LEASE, "name").get(row)?,
        node: col!(LEASE, "node").get(row)?,
        start: col!(LEASE, "start").get(row)?,
        epoch: col!(LEASE, "epoch").get(row)?,
        until: UnixMillis(col!(LEASE, "until").get(row)?),
    })
}

impl LeaseReading for Rows<'_> {
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        self.one(select!(LEASE, "from lease where name = ?"), [name], lease)
    }
}

read_through! { LeaseReading:
    fn lease(&self, name: &str) -> Option<Lease>;
}

impl LeaseUnit for Changes<'_> {
    fn put_lease(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let sql = "insert into lease (name, node, start, epoch, until) values (?1, ?2, ?3, ?4, ?5) \
                   on conflict (name) do update set node = ?2, start = ?3, epoch = ?4, until = ?5";
        self.execute(sql, params![lease.name, lease.node, lease.start, lease.epoch, lease.until.0])?;
        Ok(())
    }
}
