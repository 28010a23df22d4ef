//! Rows of operators, sessions and the audit chain to values.

use ::operator::{AuditEntry, AuditHead, AuditNote, PasswordHash, Role, SessionTimes, Stage, TotpStep};
use model::UnixMillis;

use super::Row;
use super::row::{Column, Read, col, malformed};
use crate::error::StoreError;
use crate::rows::{KeptSecret, OperatorSession, StoredOperator};
use payment::OperatorId;

fn at(row: &Row<'_>, column: Column) -> Read<UnixMillis> {
    Ok(UnixMillis(column.get(row)?))
}

pub(super) const OPERATOR: &str =
    "id, name, role, password, totp_secret, sealed_by, totp_step, disabled_at, created_at";

pub(super) fn operator(row: &Row<'_>) -> Read<StoredOperator> {
    let name: String = col!(OPERATOR, "name").get(row)?;
    let role: String = col!(OPERATOR, "role").get(row)?;
    let password = PasswordHash::read(col!(OPERATOR, "password").get(row)?);
    Ok(StoredOperator {
        id: OperatorId(col!(OPERATOR, "id").get(row)?),
        name: name.parse().map_err(malformed("console_operator.name"))?,
        role: Role::from_name(&role).ok_or(StoreError::Malformed("console_operator.role"))?,
        password: password.map_err(malformed("console_operator.password"))?,
        totp: KeptSecret::read(
            col!(OPERATOR, "totp_secret").get(row)?,
            col!(OPERATOR, "sealed_by").get(row)?,
        ),
        totp_step: TotpStep(col!(OPERATOR, "totp_step").get(row)?),
        disabled_at: col!(OPERATOR, "disabled_at").get::<Option<i64>>(row)?.map(UnixMillis),
        created_at: at(row, col!(OPERATOR, "created_at"))?,
    })
}

pub(super) const SESSION: &str = "digest, operator, stage, created_at, seen_at";

pub(super) fn session(row: &Row<'_>) -> Read<OperatorSession> {
    let stage: String = col!(SESSION, "stage").get(row)?;
    Ok(OperatorSession {
        digest: col!(SESSION, "digest").get(row)?,
        operator: OperatorId(col!(SESSION, "operator").get(row)?),
        stage: Stage::from_name(&stage).ok_or(StoreError::Malformed("operator_session.stage"))?,
        times: SessionTimes {
            created_at: at(row, col!(SESSION, "created_at"))?,
            seen_at: at(row, col!(SESSION, "seen_at"))?,
        },
    })
}

pub(super) const ENTRY: &str = "seq, at, operator, address, action, subject, outcome, previous, hash";

/// As it stands there, whether or not it is right: a verifier must see what is.
pub(super) fn entry(row: &Row<'_>) -> Read<AuditEntry> {
    Ok(AuditEntry {
        seq: col!(ENTRY, "seq").get(row)?,
        note: AuditNote {
            at: at(row, col!(ENTRY, "at"))?,
            operator: col!(ENTRY, "operator").get(row)?,
            address: col!(ENTRY, "address").get(row)?,
            action: col!(ENTRY, "action").get(row)?,
            subject: col!(ENTRY, "subject").get(row)?,
            outcome: col!(ENTRY, "outcome").get(row)?,
        },
        previous: col!(ENTRY, "previous").get(row)?,
        hash: col!(ENTRY, "hash").get(row)?,
    })
}

pub(super) const HEAD: &str = "seq, hash";

pub(super) fn head(row: &Row<'_>) -> Read<AuditHead> {
    Ok(AuditHead { seq: col!(HEAD, "seq").get(row)?, hash: col!(HEAD, "hash").get(row)? })
}
