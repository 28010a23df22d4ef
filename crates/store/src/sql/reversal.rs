//! [`ReversalReading`] and [`ReversalUnit`] over a session.

use model::{Asn, Fen, UnixMillis};
use payment::{
    Ground, LoadId, LoadState, OperatorId, Reversal, ReversalId, ReversalState, ReversalWish, TransferId,
};

use super::read::{Rows, select};
use super::row::{Column, Read, col, id_bytes, malformed, small};
use super::write::{Changes, read_through};
use super::{Row, params};
use crate::error::StoreError;
use crate::reversal::{ReversalReading, ReversalUnit};
use crate::rows::{StoredLoad, StoredReversal};

const REVERSAL: &str = "id, load, asn, amount, reason, ground, held, asked_by, asked_at, state, decided_by, transfer, \
                        updated_at";
const WAITING: &str = "from load_reversal where state = 'asked' and id < ? order by id desc limit ?";
const OF_LOAD: &str = "from load_reversal where load = ? order by id desc limit ?";
const GIVEN_BACK: &str = "select cast(coalesce(sum(amount), 0) as bigint) from load_reversal \
                          where asn = ? and state = 'posted' and held is not null";

fn reversal(row: &Row<'_>) -> Read<StoredReversal> {
    let held = match col!(REVERSAL, "held").get::<Option<i64>>(row)? {
        Some(_) => Some(Fen(small(row, col!(REVERSAL, "held"))?)),
        None => None,
    };
    let ground = Ground::from_name(&col!(REVERSAL, "ground").get::<String>(row)?, held)
        .ok_or(StoreError::Malformed("load_reversal.ground"))?;
    let reason = col!(REVERSAL, "reason").get::<String>(row)?;
    let wish = ReversalWish {
        amount: Fen(small(row, col!(REVERSAL, "amount"))?),
        reason: reason.parse().map_err(malformed("load_reversal.reason"))?,
        ground,
    };
    let decided_by = col!(REVERSAL, "decided_by").get::<Option<u32>>(row)?.map(OperatorId);
    let state = ReversalState::from_name(&col!(REVERSAL, "state").get::<String>(row)?, decided_by)
        .ok_or(StoreError::Malformed("load_reversal.state"))?;
    let asn = Asn::new(col!(REVERSAL, "asn").get(row)?).map_err(malformed("load_reversal.asn"))?;
    let asked_by = OperatorId(small(row, col!(REVERSAL, "asked_by"))?);
    let reversal = Reversal::from_stored(
        ReversalId(id_bytes(row, col!(REVERSAL, "id"))?),
        (LoadId(id_bytes(row, col!(REVERSAL, "load"))?), asn),
        (asked_by, UnixMillis(col!(REVERSAL, "asked_at").get(row)?)),
        wish,
        state,
    );
    let transfer = col!(REVERSAL, "transfer").get::<Option<[u8; 16]>>(row)?;
    Ok(StoredReversal {
        reversal: reversal.map_err(malformed("load_reversal.decided_by"))?,
        transfer: transfer.map(|id| TransferId(u128::from_be_bytes(id))),
        updated_at: UnixMillis(col!(REVERSAL, "updated_at").get(row)?),
    })
}

impl ReversalReading for Rows<'_> {
    fn reversal(&self, id: ReversalId) -> Result<Option<StoredReversal>, StoreError> {
        let sql = select!(REVERSAL, "from load_reversal where id = ?");
        self.one(sql, [id.0.to_be_bytes()], reversal)
    }

    fn reversals_before(
        &self,
        waiting: bool,
        before: Option<ReversalId>,
        limit: u32,
    ) -> Result<Vec<StoredReversal>, StoreError> {
        let before = before.map_or([0xff; 16], |id| id.0.to_be_bytes());
        let sql = if waiting {
            select!(REVERSAL, WAITING)
        } else {
            select!(REVERSAL, "from load_reversal where id < ? order by id desc limit ?")
        };
        self.many(sql, params![before, limit], reversal)
    }

    fn reversals_of(&self, load: LoadId, limit: u32) -> Result<Vec<StoredReversal>, StoreError> {
        self.many(select!(REVERSAL, OF_LOAD), params![load.0.to_be_bytes(), limit], reversal)
    }

    fn given_back_of(&self, asn: Asn) -> Result<Fen, StoreError> {
        let sum = self.one(GIVEN_BACK, [asn.to_bytes()], |row| row.get::<i64>(0))?;
        Ok(Fen(u32::try_from(sum.unwrap_or(0)).unwrap_or(u32::MAX)))
    }
}

read_through! { ReversalReading:
    fn reversal(&self, id: ReversalId) -> Option<StoredReversal>;
    fn reversals_before(&self, waiting: bool, before: Option<ReversalId>, limit: u32) -> Vec<StoredReversal>;
    fn reversals_of(&self, load: LoadId, limit: u32) -> Vec<StoredReversal>;
    fn given_back_of(&self, asn: Asn) -> Fen;
}

impl ReversalUnit for Changes<'_> {
    fn add_reversal(&mut self, stored: &StoredReversal) -> Result<(), StoreError> {
        let sql = "insert into load_reversal (id, load, asn, amount, reason, ground, held, asked_by, asked_at, state, \
                   decided_by, transfer, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let reversal = &stored.reversal;
        let wish = reversal.wish();
        let params = params![
            reversal.id().0.to_be_bytes(),
            reversal.load().0.to_be_bytes(),
            reversal.asn().to_bytes(),
            wish.amount.0,
            wish.reason.as_str(),
            wish.ground.name(),
            wish.ground.held().map(|held| held.0),
            reversal.asked_by().0,
            reversal.asked_at().0,
            reversal.state().name(),
            reversal.state().operator().map(|by| by.0),
            stored.transfer.map(|id| id.0.to_be_bytes()),
            stored.updated_at.0,
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn put_reversal(&mut self, stored: &StoredReversal) -> Result<(), StoreError> {
        let sql = "update load_reversal set state = ?, decided_by = ?, transfer = ?, updated_at = ? \
                   where id = ? and asn = ? and state = 'asked'";
        let reversal = &stored.reversal;
        let params = params![
            reversal.state().name(),
            reversal.state().operator().map(|by| by.0),
            stored.transfer.map(|id| id.0.to_be_bytes()),
            stored.updated_at.0,
            reversal.id().0.to_be_bytes(),
            reversal.asn().to_bytes(),
        ];
        self.change_one("load_reversal", sql, params)
    }

    fn reverse_load(&mut self, stored: &StoredLoad) -> Result<(), StoreError> {
        let sql = "update load set state = ?, updated_at = ?, note = ? \
                   where id = ? and asn = ? and state in ('closed', 'settled_credited')";
        let load = &stored.load;
        let (id, asn) = (load.id.0.to_be_bytes(), load.asn.to_bytes());
        let state = LoadState::Reversed.name();
        self.change_one("load", sql, params![state, stored.updated_at.0, stored.note, id, asn])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sqlite::connection;

    #[test]
    fn what_waits_and_what_a_load_or_card_has_is_found_by_an_index_and_never_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection::ready(&folder.path().join("counterfoil.db"), Duration::ZERO).unwrap();
        for (sql, index) in [
            (format!("select * {WAITING}"), "load_reversal_waiting (id<?)"),
            (format!("select * {OF_LOAD}"), "load_reversal_by_load (load=?)"),
            (GIVEN_BACK.to_owned(), "load_reversal_by_card (asn=?)"),
        ] {
            let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
            let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
            let steps = statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
            let plan = steps.collect::<Result<Vec<String>, _>>().unwrap().join("; ");
            assert!(
                plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP"),
                "{sql}: {plan}"
            );
        }
    }
}
