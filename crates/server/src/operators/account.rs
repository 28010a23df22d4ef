//! An operator who has just proved who they are, for what takes a person and not only a name.
//!
//! For: money by hand. Two persons are two accounts: whoever proposes or approves is given as an [`Account`], and none is made
//! but by a session of the console or by password and code at a command. Refuses: names that are only said.

use ::operator::{OperatorName, Permission, Role};

use super::{Actor, LoginRefused, Operators, Signed};

/// An operator who proved who they are. Only this crate's logins make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    name: OperatorName,
    role: Role,
    address: String,
}

/// The account's role may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {}, which may not ({}); `counterfoil operator role` changes it", role.name(), permission.name())]
pub struct NotAllowed {
    name: OperatorName,
    role: Role,
    permission: Permission,
}

impl NotAllowed {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "not_allowed"
    }
}

impl Account {
    /// What they are called.
    pub fn name(&self) -> &OperatorName {
        &self.name
    }

    /// Who that is in the audit chain.
    pub fn actor(&self) -> Actor {
        Actor::operator(&self.name, &self.address)
    }

    /// Whether their role may.
    ///
    /// # Errors
    /// [`NotAllowed`], with role and permission.
    pub fn may(&self, permission: Permission) -> Result<(), NotAllowed> {
        if self.role.may(permission) {
            return Ok(());
        }
        Err(NotAllowed { name: self.name.clone(), role: self.role, permission })
    }
}

impl Signed {
    /// The account of who is logged in, from where.
    pub fn account(&self, address: &str) -> Account {
        Account { name: self.name.clone(), role: self.role, address: address.to_owned() }
    }
}

impl Operators {
    /// Who gives password and one-time code (or a recovery code) at a command. It is entered as a login; no session stays.
    ///
    /// # Errors
    /// As at the console's login: one text for every wrong name, password or code.
    pub async fn prove(
        &self,
        name: &OperatorName,
        password: String,
        code: &str,
        address: &str,
    ) -> Result<Account, LoginRefused> {
        let half = self.password(name.as_str(), password, address).await?;
        let proved = self.code(&half, code, address).await;
        let full = match proved {
            Ok(full) => full,
            Err(error) => {
                self.drop_token(&half).await?;
                return Err(error);
            }
        };
        let signed = self.signed(&full)?;
        self.drop_token(&full).await?;
        Ok(signed.ok_or(LoginRefused::Wrong)?.account(address))
    }
}
