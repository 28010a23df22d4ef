//! [`LeaseReading`] and [`LeaseUnit`] over a session.

use model::UnixMillis;
use payment::OrderId;

use super::read::{Rows, select};
use super::row::{Column, Read, col};
use super::write::{Changes, read_through};
use super::{Row, params};
use crate::error::StoreError;
use crate::lease::{LeaseReading, LeaseUnit};
use crate::rows::{Lease, StoredNode};

const LEASE: &str = "name, node, start, epoch, until";
const NODE: &str =
    "name, start, epoch, roles, addresses, carries, version, entered_at, heard_at, until, clock_apart";
const CHANGED: &str = "seq, order_id";

fn lease(row: &Row<'_>) -> Read<Lease> {
    Ok(Lease {
        name: col!(LEASE, "name").get(row)?,
        node: col!(LEASE, "node").get(row)?,
        start: col!(LEASE, "start").get(row)?,
        epoch: col!(LEASE, "epoch").get(row)?,
        until: UnixMillis(col!(LEASE, "until").get(row)?),
    })
}

fn node(row: &Row<'_>) -> Read<StoredNode> {
    Ok(StoredNode {
        name: col!(NODE, "name").get(row)?,
        start: col!(NODE, "start").get(row)?,
        epoch: col!(NODE, "epoch").get(row)?,
        roles: col!(NODE, "roles").get(row)?,
        addresses: col!(NODE, "addresses").get(row)?,
        carries: col!(NODE, "carries").get(row)?,
        version: col!(NODE, "version").get(row)?,
        entered_at: UnixMillis(col!(NODE, "entered_at").get(row)?),
        heard_at: UnixMillis(col!(NODE, "heard_at").get(row)?),
        until: UnixMillis(col!(NODE, "until").get(row)?),
        clock_apart: col!(NODE, "clock_apart").get(row)?,
    })
}

impl LeaseReading for Rows<'_> {
    fn database_clock(&self) -> Result<UnixMillis, StoreError> {
        let now = self.one("select at from database_clock", params![], |row| row.get(0))?;
        now.map(UnixMillis).ok_or(StoreError::Malformed("database_clock"))
    }

    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        self.one(select!(LEASE, "from lease where name = ?"), [name], lease)
    }

    fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        self.many(select!(LEASE, "from lease order by name"), params![], lease)
    }

    fn node(&self, name: &str) -> Result<Option<StoredNode>, StoreError> {
        self.one(select!(NODE, "from node where name = ?"), [name], node)
    }

    fn nodes(&self) -> Result<Vec<StoredNode>, StoreError> {
        self.many(select!(NODE, "from node order by name"), params![], node)
    }

    fn newest_event(&self) -> Result<i64, StoreError> {
        let newest =
            self.one("select seq from event order by seq desc limit 1", params![], |row| row.get(0))?;
        Ok(newest.unwrap_or(0))
    }

    fn orders_changed_after(&self, seq: i64, limit: u32) -> Result<Vec<(i64, OrderId)>, StoreError> {
        let sql = select!(CHANGED, "from event where seq > ? order by seq limit ?");
        self.many(sql, params![seq, limit], |row| {
            let id = col!(CHANGED, "order_id").get(row)?;
            Ok((col!(CHANGED, "seq").get(row)?, OrderId(u128::from_be_bytes(id))))
        })
    }
}

read_through! { LeaseReading:
    fn database_clock(&self) -> UnixMillis;
    fn lease(&self, name: &str) -> Option<Lease>;
    fn leases(&self) -> Vec<Lease>;
    fn node(&self, name: &str) -> Option<StoredNode>;
    fn nodes(&self) -> Vec<StoredNode>;
    fn newest_event(&self) -> i64;
    fn orders_changed_after(&self, seq: i64, limit: u32) -> Vec<(i64, OrderId)>;
}

impl LeaseUnit for Changes<'_> {
    fn put_lease(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let sql = "insert into lease (name, node, start, epoch, until) values (?1, ?2, ?3, ?4, ?5) \
                   on conflict (name) do update set node = ?2, start = ?3, epoch = ?4, until = ?5";
        self.execute(sql, params![lease.name, lease.node, lease.start, lease.epoch, lease.until.0])?;
        Ok(())
    }

    fn put_node(&mut self, node: &StoredNode) -> Result<(), StoreError> {
        let sql = "insert into node (name, start, epoch, roles, addresses, carries, version, entered_at, heard_at, \
                   until, clock_apart) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
                   on conflict (name) do update set start = ?2, epoch = ?3, roles = ?4, addresses = ?5, carries = ?6, \
                   version = ?7, entered_at = ?8, heard_at = ?9, until = ?10, clock_apart = ?11";
        self.execute(
            sql,
            params![
                node.name,
                node.start,
                node.epoch,
                node.roles,
                node.addresses,
                node.carries,
                node.version,
                node.entered_at.0,
                node.heard_at.0,
                node.until.0,
                node.clock_apart,
            ],
        )?;
        Ok(())
    }

    fn forget_nodes(&mut self, before: UnixMillis) -> Result<u32, StoreError> {
        let gone = self.execute("delete from node where until < ?", [before.0])?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}
