//! [`OperatorUnit`] over a session in a transaction.

use ::operator::{AuditEntry, AuditHead, AuditNote, OperatorName};
use model::{HolderReference, UnixMillis};

use super::params;
use super::write::{Changes, read_through};
use crate::error::StoreError;
use crate::operator::{OperatorReading, OperatorUnit};
use crate::rows::{BankCard, NewOperator, OperatorSession, StoredOperator};
use payment::OperatorId;

read_through! { OperatorReading:
    fn operator(&self, id: OperatorId) -> Option<StoredOperator>;
    fn operator_of_name(&self, name: &OperatorName) -> Option<StoredOperator>;
    fn operators(&self, limit: u32) -> Vec<StoredOperator>;
    fn recovery_codes_left(&self, operator: OperatorId) -> u32;
    fn operator_session(&self, digest: &[u8; 32]) -> Option<OperatorSession>;
    fn audit_head(&self) -> AuditHead;
    fn audit_after(&self, seq: u64, limit: u32) -> Vec<AuditEntry>;
    fn audit_before(&self, seq: Option<u64>, limit: u32) -> Vec<AuditEntry>;
    fn bank_cards_of_holder(&self, holder: HolderReference) -> Vec<BankCard>;
}

fn counted(changed: u64) -> u32 {
    u32::try_from(changed).unwrap_or(u32::MAX)
}

impl OperatorUnit for Changes<'_> {
    fn add_operator(&mut self, operator: &NewOperator) -> Result<OperatorId, StoreError> {
        let sql = "insert into console_operator (name, role, password, totp_secret, sealed_by, created_at) \
                   values (?, ?, ?, ?, ?, ?) returning id";
        let by = operator.totp.key().name;
        let params = params![
            operator.name.as_str(),
            operator.role.name(),
            operator.password.as_str(),
            operator.totp.as_bytes(),
            by.as_str(),
            operator.created_at.0,
        ];
        Ok(OperatorId(self.insert("console_operator", sql, params)?))
    }

    fn put_operator(&mut self, operator: &StoredOperator) -> Result<(), StoreError> {
        let sql = "update console_operator set role = ?2, password = ?3, totp_secret = ?4, totp_step = ?5, \
                   disabled_at = ?6, sealed_by = ?7 where id = ?1";
        let params = params![
            operator.id.0,
            operator.role.name(),
            operator.password.as_str(),
            operator.totp.bytes(),
            operator.totp_step.0,
            operator.disabled_at.map(|at| at.0),
            operator.totp.sealed_by(),
        ];
        self.change_one("console_operator", sql, params)
    }

    fn put_recovery_codes(&mut self, operator: OperatorId, digests: &[[u8; 32]]) -> Result<(), StoreError> {
        self.execute("delete from recovery_code where operator = ?", [operator.0])?;
        digests.iter().try_for_each(|digest| {
            let sql = "insert into recovery_code (operator, digest) values (?, ?)";
            self.execute(sql, params![operator.0, digest]).map(|_| ())
        })
    }

    fn use_recovery_code(
        &mut self,
        operator: OperatorId,
        digest: &[u8; 32],
        at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let sql =
            "update recovery_code set used_at = ? where operator = ? and digest = ? and used_at is null";
        Ok(self.execute(sql, params![at.0, operator.0, digest])? == 1)
    }

    fn add_operator_session(&mut self, session: &OperatorSession) -> Result<(), StoreError> {
        let sql = "insert into operator_session (digest, operator, stage, created_at, seen_at) \
                   values (?, ?, ?, ?, ?)";
        let params = params![
            session.digest,
            session.operator.0,
            session.stage.name(),
            session.times.created_at.0,
            session.times.seen_at.0,
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn touch_operator_session(&mut self, digest: &[u8; 32], seen_at: UnixMillis) -> Result<bool, StoreError> {
        let sql = "update operator_session set seen_at = ? where digest = ?";
        Ok(self.execute(sql, params![seen_at.0, digest])? == 1)
    }

    fn end_operator_session(&mut self, digest: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.execute("delete from operator_session where digest = ?", [digest])? == 1)
    }

    fn end_sessions_of(&mut self, operator: OperatorId) -> Result<u32, StoreError> {
        self.execute("delete from operator_session where operator = ?", [operator.0]).map(counted)
    }

    fn forget_operator_sessions(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        let sql = "delete from operator_session where digest in \
                   (select digest from operator_session where created_at < ? order by created_at limit ?)";
        self.forget(sql, before, limit)
    }

    fn append_audit(&mut self, note: &AuditNote) -> Result<AuditEntry, StoreError> {
        let head = self.audit_head()?;
        let entry = AuditEntry::after(head, note.clone());
        let sql = "update audit_head set seq = ?1, hash = ?2 where id = 1 and seq = ?3";
        self.change_one("audit_head", sql, params![entry.seq, entry.hash, head.seq])?;
        let sql = "insert into audit_entry (seq, at, operator, address, action, subject, outcome, previous, hash) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let params = params![
            entry.seq,
            entry.note.at.0,
            entry.note.operator,
            entry.note.address,
            entry.note.action,
            entry.note.subject,
            entry.note.outcome,
            entry.previous,
            entry.hash,
        ];
        self.execute(sql, params)?;
        Ok(entry)
    }
}
