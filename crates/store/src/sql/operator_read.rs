//! [`OperatorReading`] over a connection.

use ::operator::{AuditEntry, AuditHead, OperatorName};
use model::HolderReference;

use super::operator_row as row;
use super::params;
use super::read::{Rows, select};
use super::row::signed;
use super::tap_row;
use crate::error::StoreError;
use crate::operator::OperatorReading;
use crate::rows::{BankCard, OperatorSession, StoredOperator};
use payment::OperatorId;

const CODES_LEFT: &str = "select count(*) from recovery_code where operator = ? and used_at is null";

impl OperatorReading for Rows<'_> {
    fn operator(&self, id: OperatorId) -> Result<Option<StoredOperator>, StoreError> {
        self.one(select!(row::OPERATOR, "from console_operator where id = ?"), [id.0], row::operator)
    }

    fn operator_of_name(&self, name: &OperatorName) -> Result<Option<StoredOperator>, StoreError> {
        let sql = select!(row::OPERATOR, "from console_operator where name = ?");
        self.one(sql, [name.as_str()], row::operator)
    }

    fn operators(&self, limit: u32) -> Result<Vec<StoredOperator>, StoreError> {
        let sql = select!(row::OPERATOR, "from console_operator order by name limit ?");
        self.many(sql, [limit], row::operator)
    }

    fn recovery_codes_left(&self, operator: OperatorId) -> Result<u32, StoreError> {
        Ok(self.one(CODES_LEFT, [operator.0], |row| row.get(0))?.unwrap_or(0))
    }

    fn operator_session(&self, digest: &[u8; 32]) -> Result<Option<OperatorSession>, StoreError> {
        self.one(select!(row::SESSION, "from operator_session where digest = ?"), [digest], row::session)
    }

    fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let head = self.one(select!(row::HEAD, "from audit_head where id = 1"), params![], row::head)?;
        head.ok_or(StoreError::Malformed("audit_head"))
    }

    fn audit_after(&self, seq: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = select!(row::ENTRY, "from audit_entry where seq > ? order by seq limit ?");
        self.many(sql, params![seq, limit], row::entry)
    }

    fn audit_before(&self, seq: Option<u64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = select!(row::ENTRY, "from audit_entry where seq < ? order by seq desc limit ?");
        self.many(sql, params![seq.unwrap_or(u64::MAX), limit], row::entry)
    }

    fn bank_cards_of_holder(&self, holder: HolderReference) -> Result<Vec<BankCard>, StoreError> {
        let sql = select!(tap_row::BANK_CARD, "from bank_card where holder = ? order by number");
        self.many(sql, [signed(holder.0)], tap_row::bank_card)
    }
}
