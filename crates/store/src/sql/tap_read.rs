//! [`TapReading`] over a connection.

use model::{Asn, Fen, OnlineCounter, TerminalId, UnixMillis};
use payment::{LoadId, LoadState};

use super::params;
use super::read::{Rows, select};
use super::row::{Column, col};
use super::tap_row as row;
use crate::error::StoreError;
use crate::rows::{
    BankCard, LoadAttempt, LoadCount, OutgoingSms, SmsCode, StoredLoad, StoredTerminal, TapAuthorization,
    Wallet, WorkingKey,
};
use crate::tap::TapReading;

/// The inner selection is answered by the index of serial numbers and counters alone; ids begin with their time.
const LOADED_SINCE: &str = "select cast(coalesce(sum(amount), 0) as bigint) from load \
     where id in (select id from load where asn = ? and id >= ?) and state <> 'settled_returned'";

const UNFINISHED: &str = "from load where asn = ? and state in ('open', 'in_doubt')";
/// What stands in `given_back` of a load that was not.
const NOT_GIVEN_BACK: &[u8] = &[];
const OF_COUNTER: &str = "from load where asn = ? and counter = ? and given_back = ?";
const CLOSED_BEFORE: &str = "from load where state = 'closed' and id < ? order by id desc limit ?";
const IN_STATE_BEFORE: &str =
    "from load where state = ? and state <> 'closed' and id < ? order by id desc limit ?";
const ATTEMPTS: &str = "from load_attempt where load = ? order by number desc";
const NEWEST_CODE: &str = "from sms_code where asn = ? order by created_at desc, reference desc limit 1";
const CODES_SINCE: &str = "select count(*) from sms_code where asn = ? and created_at >= ?";
const ALARM_SINCE: &str = "select 1 from alarm where subject = ? and kind = ? and at >= ? limit 1";
const DUE: &str = "from outgoing_sms where next_at <= ? order by next_at, id limit ?";

/// The index of states leaves out those that closed, and must be told that the query does.
const UNFINISHED_LOADS: &str = "select state, count(*) as number from load \
     where state in ('open', 'in_doubt') and state <> 'closed' group by state";

const LOAD_COUNTS: &str = "state, number, amount";

impl TapReading for Rows<'_> {
    fn terminal(&self, id: TerminalId) -> Result<Option<StoredTerminal>, StoreError> {
        self.one(select!(row::TERMINAL, "from terminal where id = ?"), [id.0], row::terminal)
    }

    fn terminals_after(
        &self,
        after: Option<TerminalId>,
        limit: u32,
    ) -> Result<Vec<StoredTerminal>, StoreError> {
        // The empty blob is below every other.
        let after = after.as_ref().map_or(&[][..], |id| &id.0);
        let sql = select!(row::TERMINAL, "from terminal where id > ? order by id limit ?");
        self.many(sql, params![after, limit], row::terminal)
    }

    fn working_key(&self, terminal: TerminalId, key_id: u32) -> Result<Option<WorkingKey>, StoreError> {
        let sql = select!(row::WORKING_KEY, "from working_key where terminal = ? and key_id = ?");
        self.one(sql, params![terminal.0, key_id], row::working_key)
    }

    fn bank_card(&self, number: &str) -> Result<Option<BankCard>, StoreError> {
        self.one(select!(row::BANK_CARD, "from bank_card where number = ?"), [number], row::bank_card)
    }

    fn wallet(&self, asn: Asn) -> Result<Option<Wallet>, StoreError> {
        self.one(select!(row::WALLET, "from wallet where asn = ?"), [asn.to_bytes()], row::wallet)
    }

    fn wallets_after(&self, after: Option<Asn>, limit: u32) -> Result<Vec<Wallet>, StoreError> {
        let after = after.map(Asn::to_bytes);
        let after = after.as_ref().map_or(&[][..], |asn| asn);
        let sql = select!(row::WALLET, "from wallet where asn > ? order by asn limit ?");
        self.many(sql, params![after, limit], row::wallet)
    }

    fn load(&self, id: LoadId) -> Result<Option<StoredLoad>, StoreError> {
        self.one(select!(row::LOAD, "from load where id = ?"), [id.0.to_be_bytes()], row::load)
    }

    fn load_of(&self, asn: Asn, counter: OnlineCounter) -> Result<Option<StoredLoad>, StoreError> {
        let sql = select!(row::LOAD, OF_COUNTER);
        self.one(sql, params![asn.to_bytes(), counter.0, NOT_GIVEN_BACK], row::load)
    }

    fn unfinished_load(&self, asn: Asn) -> Result<Option<StoredLoad>, StoreError> {
        let sql = select!(row::LOAD, UNFINISHED);
        self.one(sql, [asn.to_bytes()], row::load)
    }

    fn loads_before(
        &self,
        state: Option<LoadState>,
        before: Option<LoadId>,
        limit: u32,
    ) -> Result<Vec<StoredLoad>, StoreError> {
        let before = before.map_or([0xff; 16], |id| id.0.to_be_bytes());
        match state {
            None => {
                let sql = select!(row::LOAD, "from load where id < ? order by id desc limit ?");
                self.many(sql, params![before, limit], row::load)
            }
            // Nearly all are: the primary key finds them, no index is kept for them.
            Some(LoadState::Closed) => {
                let sql = select!(row::LOAD, CLOSED_BEFORE);
                self.many(sql, params![before, limit], row::load)
            }
            Some(state) => {
                let sql = select!(row::LOAD, IN_STATE_BEFORE);
                self.many(sql, params![state.name(), before, limit], row::load)
            }
        }
    }

    fn loaded_since(&self, asn: Asn, since: UnixMillis) -> Result<Fen, StoreError> {
        // Before 1970 nothing was loaded.
        let first = LoadId::from_time_and_random(since.max(UnixMillis(0)), 0);
        let sum =
            self.one(LOADED_SINCE, params![asn.to_bytes(), first.0.to_be_bytes()], |row| row.get::<i64>(0))?;
        Ok(Fen(u32::try_from(sum.unwrap_or(0)).unwrap_or(u32::MAX)))
    }

    fn load_counts(&self) -> Result<Vec<LoadCount>, StoreError> {
        let sql = "select state, count(*) as number, cast(sum(amount) as bigint) as amount from load group by state";
        let found = self.many(sql, params![], |row| {
            Ok(LoadCount {
                state: row::load_state(row, col!(LOAD_COUNTS, "state"))?,
                count: col!(LOAD_COUNTS, "number").get(row)?,
                fen: col!(LOAD_COUNTS, "amount").get(row)?,
            })
        })?;
        let of = |state| found.iter().find(|count| count.state == state).copied();
        Ok(LoadState::ALL.map(|state| of(state).unwrap_or(LoadCount { state, count: 0, fen: 0 })).to_vec())
    }

    fn unfinished_loads(&self) -> Result<[u64; 2], StoreError> {
        let found = self.many(UNFINISHED_LOADS, params![], |row| {
            let state = row::load_state(row, col!(LOAD_COUNTS, "state"))?;
            Ok((state, col!(LOAD_COUNTS, "number").get(row)?))
        })?;
        let of = |wanted| found.iter().find(|(state, _)| *state == wanted).map_or(0, |(_, count)| *count);
        Ok([of(LoadState::Open), of(LoadState::InDoubt)])
    }

    fn attempts(&self, load: LoadId) -> Result<Vec<LoadAttempt>, StoreError> {
        let sql = select!(row::ATTEMPT, ATTEMPTS);
        self.many(sql, [load.0.to_be_bytes()], row::attempt)
    }

    fn tap_authorization(&self, reference: [u8; 16]) -> Result<Option<TapAuthorization>, StoreError> {
        let sql = select!(row::AUTHORIZATION, "from tap_authorization where reference = ?");
        self.one(sql, [reference], row::authorization)
    }

    fn sms_code(&self, reference: [u8; 16]) -> Result<Option<SmsCode>, StoreError> {
        self.one(select!(row::SMS_CODE, "from sms_code where reference = ?"), [reference], row::sms_code)
    }

    fn newest_sms_code(&self, asn: Asn) -> Result<Option<SmsCode>, StoreError> {
        let sql = select!(row::SMS_CODE, NEWEST_CODE);
        self.one(sql, [asn.to_bytes()], row::sms_code)
    }

    fn sms_codes_since(&self, asn: Asn, since: UnixMillis) -> Result<u32, StoreError> {
        let sql = CODES_SINCE;
        Ok(self.one(sql, params![asn.to_bytes(), since.0], |row| row.get(0))?.unwrap_or(0))
    }

    fn has_alarm_since(&self, kind: &str, subject: &str, since: UnixMillis) -> Result<bool, StoreError> {
        Ok(self.one(ALARM_SINCE, params![subject, kind, since.0], |_| Ok(()))?.is_some())
    }

    fn due_sms(&self, now: UnixMillis, limit: u32) -> Result<Vec<OutgoingSms>, StoreError> {
        let sql = select!(row::OUTGOING_SMS, DUE);
        self.many(sql, params![now.0, limit], row::outgoing_sms)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sqlite::connection;

    /// How SQLite will answer, as it tells it.
    fn plan(sql: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection::ready(&folder.path().join("counterfoil.db"), Duration::ZERO).unwrap();
        let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
        let steps = statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
        steps.collect::<Result<Vec<String>, _>>().unwrap().join("; ")
    }

    #[test]
    fn what_a_terminal_waits_for_and_what_pages_list_is_found_by_an_index_and_never_sorted() {
        for (sql, index) in [
            (OF_COUNTER, "one_load_a_counter (asn=? AND counter=? AND given_back=?)"),
            (UNFINISHED, "one_unfinished_load_a_card (asn=?)"),
            (LOADED_SINCE, "COVERING INDEX one_load_a_counter (asn=?"),
            (CLOSED_BEFORE, "PRIMARY KEY (id<?)"),
            (IN_STATE_BEFORE, "load_by_state (state=? AND id<?)"),
            (UNFINISHED_LOADS, "COVERING INDEX load_by_state (state=?)"),
            (ATTEMPTS, "PRIMARY KEY (load=?)"),
            (NEWEST_CODE, "sms_code_by_card (asn=?)"),
            (CODES_SINCE, "COVERING INDEX sms_code_by_card (asn=? AND created_at>?)"),
            (ALARM_SINCE, "COVERING INDEX alarm_by_subject (subject=? AND kind=? AND at>?)"),
            (DUE, "outgoing_sms_by_turn (next_at<?)"),
        ] {
            let sql = if sql.starts_with("select") { sql.to_owned() } else { format!("select * {sql}") };
            let plan = plan(&sql);
            assert!(
                plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP"),
                "{sql}: {plan}"
            );
        }
    }
}
