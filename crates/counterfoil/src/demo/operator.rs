//! The demonstration's operator: made anew with each start, so that whoever started it can log in.

use operator::{Cost, OperatorName, Password, Role};
use server::App;
use server::operators::RollError;

use crate::cli::Failure;

/// How to log in as the demonstration's operator.
pub(super) struct DemoOperator {
    /// The last part of a link that logs in once.
    pub(super) link: String,
    pub(super) password: String,
    /// A recovery code, in the place of an authenticator.
    pub(super) recovery: String,
}

impl DemoOperator {
    pub(super) const NAME: &str = "demo";

    /// Makes the operator, or gives the one of an earlier start another password and another secret.
    pub(super) async fn enrol(app: &App) -> Result<Self, Failure> {
        let operators = app.operators(Cost::Recommended);
        let name: OperatorName = Self::NAME.parse()?;
        let mut random = [0; 12];
        getrandom::fill(&mut random)?;
        let password = hex::encode(random);
        let secret = Password::new(password.clone())?;
        let enrolled = match operators.add(name.clone(), Role::Administrator, &secret).await {
            Err(RollError::NameTaken(_)) => {
                operators.set_password(name.clone(), &secret).await?;
                operators.reset_totp(name.clone()).await?
            }
            added => added?,
        };
        let link = operators.link(&name).await?.ok_or("the demonstration has no operator")?;
        let recovery = enrolled.recovery.first().ok_or("no recovery code")?.shown();
        Ok(Self { link: link.cookie(), password, recovery })
    }
}
