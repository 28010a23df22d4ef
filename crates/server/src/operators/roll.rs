//! The roll of operators: added, disabled, given another role or another authenticator. On the command line alone.

use ::operator::{
    AuditAction, OperatorName, Password, PasswordHash, PasswordHashError, RecoveryCode, Role, TotpSecret,
    TotpStep,
};
use store::{NewOperator, StoreError, StoredOperator, Unit};

use super::{Actor, Operators};
use crate::secrets::SecretRefused;

/// Why the roll stays as it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RollError {
    /// The name was given before; names are given once.
    #[error("there is or was an operator {0}; names are given once: take another")]
    NameTaken(OperatorName),
    /// No such operator.
    #[error("there is no operator {0}; `counterfoil operator list` shows who there is")]
    NoSuchOperator(OperatorName),
    /// Nobody would be left to look after the others.
    #[error("{0} is the last administrator: make another one first")]
    LastAdministrator(OperatorName),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordHashError),
    /// The authenticator's secret could not be sealed.
    #[error(transparent)]
    Sealed(#[from] SecretRefused),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RollError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NameTaken(_) => "operator_name_taken",
            Self::NoSuchOperator(_) => "no_such_operator",
            Self::LastAdministrator(_) => "last_administrator",
            Self::Password(error) => error.code(),
            Self::Sealed(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// What an operator is shown once.
#[derive(Debug)]
pub struct Enrolled {
    /// What the authenticator shares.
    pub totp: TotpSecret,
    /// Each good once in the place of a code.
    pub recovery: Vec<RecoveryCode>,
}

impl Operators {
    fn enrolled(&self) -> Enrolled {
        let recovery = (0..RecoveryCode::COUNT).map(|_| RecoveryCode::new(self.drawn())).collect();
        Enrolled { totp: TotpSecret::new(self.drawn()), recovery }
    }

    /// Adds an operator.
    pub async fn add(
        &self,
        name: OperatorName,
        role: Role,
        password: &Password,
    ) -> Result<Enrolled, RollError> {
        let now = self.now();
        let enrolled = self.enrolled();
        let hash = PasswordHash::make(password, self.drawn(), self.inner.cost)?;
        let (totp, secrets) = (enrolled.totp.clone(), self.secrets()?.clone());
        let digests: Vec<_> = enrolled.recovery.iter().map(RecoveryCode::digest).collect();
        self.write::<_, RollError>(move |unit| {
            if unit.operator_of_name(&name)?.is_some() {
                return Err(RollError::NameTaken(name.clone()));
            }
            let totp = secrets.seal_totp(unit, now, &name, &totp)?;
            let (name, password) = (name.clone(), hash.clone());
            let new = NewOperator { name, role, password, totp, created_at: now };
            let id = unit.add_operator(&new)?;
            unit.put_recovery_codes(id, &digests)?;
            let subject = format!("{} {}", new.name, new.role.name());
            Ok(Actor::command_line().enter(unit, now, AuditAction::OperatorAdd, &subject, "done")?)
        })
        .await?;
        Ok(enrolled)
    }

    /// Changes an operator, ends their sessions, and enters it.
    async fn change<F>(&self, name: OperatorName, action: AuditAction, change: F) -> Result<(), RollError>
    where
        F: Fn(&mut dyn Unit, &mut StoredOperator) -> Result<String, RollError> + Send + 'static,
    {
        let now = self.now();
        self.write::<_, RollError>(move |unit| {
            let found = unit.operator_of_name(&name)?;
            let mut operator = found.ok_or_else(|| RollError::NoSuchOperator(name.clone()))?;
            let was = is_administrator(&operator);
            let subject = change(unit, &mut operator)?;
            if was && !is_administrator(&operator) {
                let all = unit.operators(super::OPERATORS_MAX)?;
                if !all.iter().any(|other| other.id != operator.id && is_administrator(other)) {
                    return Err(RollError::LastAdministrator(name.clone()));
                }
            }
            unit.put_operator(&operator)?;
            unit.end_sessions_of(operator.id)?;
            Ok(Actor::command_line().enter(unit, now, action, &subject, "done")?)
        })
        .await
    }

    /// Lets an operator log in no more. The name stays theirs: it stands in the audit log.
    pub async fn disable(&self, name: OperatorName) -> Result<(), RollError> {
        let now = self.now();
        self.change(name, AuditAction::OperatorDisable, move |_, operator| {
            operator.disabled_at = operator.disabled_at.or(Some(now));
            Ok(operator.name.to_string())
        })
        .await
    }

    /// Gives an operator another role.
    pub async fn set_role(&self, name: OperatorName, role: Role) -> Result<(), RollError> {
        self.change(name, AuditAction::OperatorRole, move |_, operator| {
            operator.role = role;
            Ok(format!("{} {}", operator.name, role.name()))
        })
        .await
    }

    /// Gives an operator another secret for the authenticator, and other recovery codes.
    pub async fn reset_totp(&self, name: OperatorName) -> Result<Enrolled, RollError> {
        let enrolled = self.enrolled();
        let (now, totp, secrets) = (self.now(), enrolled.totp.clone(), self.secrets()?.clone());
        let digests: Vec<_> = enrolled.recovery.iter().map(RecoveryCode::digest).collect();
        self.change(name, AuditAction::OperatorResetTotp, move |unit, operator| {
            operator.totp = secrets.seal_totp(unit, now, &operator.name, &totp)?.into();
            operator.totp_step = TotpStep(0);
            unit.put_recovery_codes(operator.id, &digests)?;
            Ok(operator.name.to_string())
        })
        .await?;
        Ok(enrolled)
    }

    /// Gives an operator another password.
    pub async fn set_password(&self, name: OperatorName, password: &Password) -> Result<(), RollError> {
        let hash = PasswordHash::make(password, self.drawn(), self.inner.cost)?;
        self.change(name, AuditAction::OperatorPassword, move |_, operator| {
            operator.password = hash.clone();
            Ok(operator.name.to_string())
        })
        .await
    }
}

fn is_administrator(operator: &StoredOperator) -> bool {
    operator.role == Role::Administrator && operator.disabled_at.is_none()
}
