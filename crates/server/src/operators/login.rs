//! Logging in, staying, and leaving.

use ::operator::{
    AuditAction, OperatorName, Password, PasswordHash, RecoveryCode, Role, SessionTimes, SessionToken, Stage,
    TotpCode,
};
use model::UnixMillis;
use payment::OperatorId;
use store::{OperatorSession, StoreError, StoredOperator, Unit};

use super::delays::Who;
use super::{Actor, Operators};
use crate::secrets::SecretRefused;

/// Why nobody is logged in. One text for every wrong name, password or code: none tells which it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// Name, password or code is wrong, or the operator is disabled.
    #[error("name, password or code is wrong")]
    Wrong,
    /// Too many wrong tries: in so many seconds.
    #[error("too many wrong tries; try again in {0} s")]
    Wait(u64),
    /// The password was given too long ago, or never.
    #[error("begin again with name and password")]
    BeginAgain,
    /// The machine has no memory to hash with.
    #[error("the password cannot be checked at the moment; try again")]
    Hashing,
    /// The authenticator's secret does not open here: no one-time code is compared. A recovery code is.
    #[error("the one-time code cannot be checked here: {0} (a recovery code can)")]
    Sealed(SecretRefused),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoginRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wrong => "login_wrong",
            Self::Wait(_) => "login_wait",
            Self::BeginAgain => "login_begin_again",
            Self::Hashing => "login_hashing",
            Self::Sealed(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// What came of a code.
enum Came {
    Right,
    Wrong,
    Sealed(SecretRefused),
}

/// An operator who is logged in. Nobody but this module makes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Signed {
    /// Their number.
    pub id: OperatorId,
    /// What they are called.
    pub name: OperatorName,
    /// What they may.
    pub role: Role,
    /// Digest of their session's token.
    pub session: [u8; 32],
}

impl Operators {
    /// The first step: name and password. The answer is the token of a session that can do nothing but the second.
    pub async fn password(
        &self,
        name: &str,
        password: String,
        address: &str,
    ) -> Result<SessionToken, LoginRefused> {
        let now = self.now();
        // Longer ones are nobody's, and would fill the memory of delays.
        let typed: String = name.trim().chars().take(OperatorName::LENGTH_MAX + 1).collect();
        let whom = [Who::Account(typed.clone()), Who::from_address(address)];
        let begun_try = self.inner.delays.begin(&whom, now).map_err(LoginRefused::Wait)?;
        let named = typed.parse::<OperatorName>().ok();
        let found = match &named {
            Some(name) => self.inner.store.peek(|rows| rows.operator_of_name(name))?,
            None => None,
        };
        let hash = found.as_ref().map(|operator| operator.password.clone());
        let right = match Password::new(password) {
            Ok(password) => self.is_password(hash, password).await?,
            Err(_) => false,
        };
        let actor = Actor::nobody(address);
        let Some(operator) = found.as_ref().filter(|it| right && it.disabled_at.is_none()) else {
            // A name that is nobody's may be a password in the wrong field: it is not written down.
            let subject = found.map_or_else(|| "(unknown)".to_owned(), |operator| operator.name.to_string());
            self.enter(actor, AuditAction::Login, subject, "wrong_password".into()).await?;
            return Err(LoginRefused::Wrong);
        };
        self.inner.delays.forgive(begun_try);
        let token = SessionToken::new(self.drawn());
        let session = begun(&token, operator.id, Stage::Password, now);
        self.write::<_, LoginRefused>(move |unit| {
            unit.forget_operator_sessions(now.plus(-2 * SessionTimes::ABSOLUTE_MILLIS), 100)?;
            Ok(unit.add_operator_session(&session)?)
        })
        .await?;
        Ok(token)
    }

    /// Compares, on a thread of its own; with the hash of nobody where there is none.
    async fn is_password(
        &self,
        hash: Option<PasswordHash>,
        password: Password,
    ) -> Result<bool, LoginRefused> {
        let Ok(_permit) = self.inner.hashing.acquire().await else { return Err(LoginRefused::Hashing) };
        let operators = self.clone();
        let compared = tokio::task::spawn_blocking(move || match hash {
            Some(hash) => hash.is_of(&password),
            // As long as for somebody: once to compare. The first of all takes it twice.
            None => {
                let inner = &operators.inner;
                let nobody = match inner.nobody.get() {
                    Some(nobody) => Some(nobody.clone()),
                    None => PasswordHash::make(&password, operators.drawn(), inner.cost)
                        .ok()
                        .map(|made| inner.nobody.get_or_init(|| made).clone()),
                };
                let _ = nobody.is_some_and(|nobody| nobody.is_of(&password));
                false
            }
        });
        compared.await.map_err(|_| LoginRefused::Hashing)
    }

    /// The second step: the one-time code, or a recovery code in its place. The answer is the token of a full session.
    pub async fn code(
        &self,
        token: &SessionToken,
        typed: &str,
        address: &str,
    ) -> Result<SessionToken, LoginRefused> {
        let now = self.now();
        let digest = token.digest();
        let (_, operator) = self.at_stage(&digest, Stage::Password, now)?.ok_or(LoginRefused::BeginAgain)?;
        let whom = [Who::Account(operator.name.to_string()), Who::from_address(address)];
        let begun_try = self.inner.delays.begin(&whom, now).map_err(LoginRefused::Wait)?;
        let (code, recovery) = (TotpCode::read(typed), RecoveryCode::read(typed));
        let full = SessionToken::new(self.drawn());
        let session = begun(&full, operator.id, Stage::Full, now);
        let (id, by) = (operator.id, Actor::operator(&operator.name, address));
        let secrets = self.inner.secrets.clone();
        let came = self
            .write::<_, LoginRefused>(move |unit| {
                // Read again: of two who send the same code at once, one is let in.
                let mut operator = unit.operator(id)?.filter(|it| it.disabled_at.is_none());
                let by_what = match (&mut operator, code, &recovery) {
                    (Some(operator), Some(code), _) => {
                        let totp = match &secrets {
                            Some(secrets) => secrets.open_totp(unit, &operator.name, &operator.totp),
                            None => Err(SecretRefused::NoKeyStore),
                        };
                        let totp = match totp {
                            Ok(totp) => totp,
                            Err(SecretRefused::Store(error)) => return Err(error.into()),
                            Err(refused) => {
                                by.enter(unit, now, AuditAction::Login, "code", refused.code())?;
                                return Ok(Came::Sealed(refused));
                            }
                        };
                        totp.step_of(code, now, Some(operator.totp_step)).map(|step| {
                            operator.totp_step = step;
                            "one-time code"
                        })
                    }
                    (Some(operator), None, Some(recovery)) => unit
                        .use_recovery_code(operator.id, &recovery.digest(), now)?
                        .then_some("recovery code"),
                    (Some(_), None, None) | (None, _, _) => None,
                };
                let (Some(operator), Some(by_what)) = (operator, by_what) else {
                    by.enter(unit, now, AuditAction::Login, "code", "wrong_code")?;
                    return Ok(Came::Wrong);
                };
                unit.put_operator(&operator)?;
                if !unit.end_operator_session(&digest)? {
                    return Err(LoginRefused::BeginAgain);
                }
                unit.add_operator_session(&session)?;
                by.enter(unit, now, AuditAction::Login, by_what, "done")?;
                Ok(Came::Right)
            })
            .await?;
        match came {
            Came::Right => {}
            Came::Wrong => return Err(LoginRefused::Wrong),
            Came::Sealed(refused) => {
                // Nothing was compared: it was no try.
                self.inner.delays.forgive(begun_try);
                return Err(LoginRefused::Sealed(refused));
            }
        }
        self.inner.delays.forgive(begun_try);
        self.inner.delays.forget(&whom[..1]);
        Ok(full)
    }

    /// A link that logs an operator in once, within 12 hours: its last part. For demonstrations.
    pub async fn link(&self, name: &OperatorName) -> Result<Option<SessionToken>, StoreError> {
        let now = self.now();
        let Some(operator) = self.inner.store.peek(|rows| rows.operator_of_name(name))? else {
            return Ok(None);
        };
        let token = SessionToken::new(self.drawn());
        let session = begun(&token, operator.id, Stage::Link, now);
        let name = operator.name.to_string();
        self.write::<_, StoreError>(move |unit| {
            unit.add_operator_session(&session)?;
            Actor::command_line().enter(unit, now, AuditAction::LoginLink, &name, "done")
        })
        .await?;
        Ok(Some(token))
    }

    /// Uses a link up.
    pub async fn follow(&self, link: &SessionToken, address: &str) -> Result<SessionToken, LoginRefused> {
        let now = self.now();
        let digest = link.digest();
        let whom = [Who::from_address(address)];
        let begun_try = self.inner.delays.begin(&whom, now).map_err(LoginRefused::Wait)?;
        let (_, operator) = self.at_stage(&digest, Stage::Link, now)?.ok_or(LoginRefused::BeginAgain)?;
        self.inner.delays.forgive(begun_try);
        let full = SessionToken::new(self.drawn());
        let session = begun(&full, operator.id, Stage::Full, now);
        let by = Actor::operator(&operator.name, address);
        self.write::<_, LoginRefused>(move |unit| {
            if !unit.end_operator_session(&digest)? {
                return Err(LoginRefused::BeginAgain);
            }
            unit.add_operator_session(&session)?;
            Ok(by.enter(unit, now, AuditAction::Login, "link", "done")?)
        })
        .await?;
        Ok(full)
    }

    /// Who is logged in with a token, if anybody.
    pub fn signed(&self, token: &SessionToken) -> Result<Option<Signed>, StoreError> {
        let found = self.at_stage(&token.digest(), Stage::Full, self.now())?;
        Ok(found.map(|(session, operator)| Signed {
            id: operator.id,
            name: operator.name,
            role: operator.role,
            session: session.digest,
        }))
    }

    /// Whether the password was given with this token, and the code is still asked.
    pub fn awaits_code(&self, token: &SessionToken) -> Result<bool, StoreError> {
        Ok(self.at_stage(&token.digest(), Stage::Password, self.now())?.is_some())
    }

    fn at_stage(
        &self,
        digest: &[u8; 32],
        stage: Stage,
        now: UnixMillis,
    ) -> Result<Option<(OperatorSession, StoredOperator)>, StoreError> {
        self.inner.store.peek(|rows| {
            let session = rows.operator_session(digest)?;
            let Some(session) = session.filter(|it| it.stage == stage && stage.holds(it.times, now)) else {
                return Ok(None);
            };
            let operator = rows.operator(session.operator)?;
            Ok(operator.filter(|operator| operator.disabled_at.is_none()).map(|operator| (session, operator)))
        })
    }

    /// Somebody who is logged in looks at a page: the session goes on, and it is entered, before the page is made.
    pub async fn view(&self, signed: &Signed, address: &str, path: &str) -> Result<(), StoreError> {
        let now = self.now();
        let (digest, path) = (signed.session, path.to_owned());
        let by = Actor::operator(&signed.name, address);
        self.write(move |unit| {
            unit.touch_operator_session(&digest, now)?;
            by.enter(unit, now, AuditAction::View, &path, "granted")
        })
        .await
    }

    /// Ends a session.
    pub async fn logout(&self, signed: &Signed, address: &str) -> Result<(), StoreError> {
        let (now, digest) = (self.now(), signed.session);
        let by = Actor::operator(&signed.name, address);
        self.write(move |unit| {
            unit.end_operator_session(&digest)?;
            by.enter(unit, now, AuditAction::Logout, "session", "done")
        })
        .await
    }

    /// Ends what a token began, whatever it is: another login takes its place.
    pub async fn drop_token(&self, token: &SessionToken) -> Result<(), StoreError> {
        let digest = token.digest();
        self.write(move |unit: &mut dyn Unit| unit.end_operator_session(&digest).map(|_| ())).await
    }
}

fn begun(token: &SessionToken, operator: OperatorId, stage: Stage, now: UnixMillis) -> OperatorSession {
    let times = SessionTimes { created_at: now, seen_at: now };
    OperatorSession { digest: token.digest(), operator, stage, times }
}
