//! Who gives a command: an operator who proves it with password and one-time code, as at the console's login.
//!
//! For: commands that take a person and not only a machine: money by hand, and whatever needs two. The name on the command line
//! says whose account; password and code are asked on the terminal, unseen, or read as two lines of standard input.
//! Refuses: secrets as arguments, which a shell's history and every list of processes would keep.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use clap::Args;
use operator::{Cost, OperatorName};
use server::operators::Account;
use server::{Actor, App};
use zeroize::Zeroizing;

use crate::cli::{Failure, runtime};

/// The longest line of standard input, in bytes: a password's longest and its end.
const LINE_MAX: u64 = 1_027;

#[derive(Args)]
pub(crate) struct PersonArguments {
    /// Whose account: password and one-time code are asked, or read as two lines of standard input
    #[arg(long, value_name = "NAME")]
    operator: OperatorName,
}

impl PersonArguments {
    /// Asks for password and code, and proves the account.
    pub(crate) fn prove(&self, app: &App) -> Result<Account, Failure> {
        let (password, code) = asked()?;
        let here = Actor::here();
        let operators = app.operators(Cost::Recommended);
        let proving = operators.prove(&self.operator, password.as_str().to_owned(), &code, &here);
        Ok(runtime()?.block_on(proving)?)
    }
}

fn asked() -> Result<(Zeroizing<String>, Zeroizing<String>), Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let password = Zeroizing::new(rpassword::prompt_password("Password: ")?);
        let code = Zeroizing::new(rpassword::prompt_password("One-time code, or a recovery code: ")?);
        return Ok((password, code));
    }
    let mut lines = stdin.lock().take(2 * LINE_MAX);
    let mut line = || {
        let mut line = Zeroizing::new(String::new());
        lines.read_line(&mut line)?;
        let length = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(length);
        Ok::<_, std::io::Error>(line)
    };
    Ok((line()?, line()?))
}
