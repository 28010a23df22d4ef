//! `operator …`: who may look at the console, from the command line. Whoever may read the database may do this; what makes
//! an authenticator's secret takes the key store as well.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use operator::{Cost, OperatorName, Password, Role};
use server::operators::{Enrolled, OPERATORS_MAX};
use server::{Operators, SystemChance, SystemClock};

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::database::Database;
use crate::places::Places;
use crate::secrets;

/// What `operator --help` ends with.
pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil operator add li.wei --role administrator   # asks for a password; or give it on standard input
  counterfoil operator list
  counterfoil operator role li.wei viewer
  counterfoil operator reset-totp li.wei                  # a lost telephone
  counterfoil operator disable li.wei                     # names stay: they stand in the audit log

Roles: viewer, operator, key-custodian, administrator. All of them work beside a running `counterfoil serve`.";

/// What an authenticator calls us.
pub(crate) const ISSUER: &str = "Counterfoil";

#[derive(Subcommand)]
pub(crate) enum OperatorCommand {
    /// Add an operator; the password is asked, or read from standard input
    Add(AddArguments),
    /// List the operators
    List(ConfigArguments),
    /// Let an operator log in no more, at once
    Disable(OneOperator),
    /// Give an operator another secret for the authenticator, and other recovery codes
    ResetTotp(OneOperator),
    /// Give an operator another password; it is asked, or read from standard input
    Password(OneOperator),
    /// Give an operator another role
    Role(RoleArguments),
}

#[derive(Args)]
pub(crate) struct AddArguments {
    /// What they are called: a to z, 0 to 9, '.', '-', '_'
    name: OperatorName,
    /// viewer, operator, key-custodian or administrator
    #[arg(long, value_parser = role)]
    role: Role,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct OneOperator {
    /// What they are called
    name: OperatorName,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct RoleArguments {
    /// What they are called
    name: OperatorName,
    /// viewer, operator, key-custodian or administrator
    #[arg(value_parser = role)]
    role: Role,
    #[command(flatten)]
    config: ConfigArguments,
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| "a role is viewer, operator, key-custodian or administrator".into())
}

fn open(config: &ConfigArguments) -> Result<Operators, Failure> {
    let config = config.load()?;
    let store = Database::of(&config, &Places::at(&config.data)?)?.open_known()?;
    Ok(Operators::new(store, None, Arc::new(SystemClock), Arc::new(SystemChance), Cost::Recommended))
}

/// With the platform's key store: what makes an authenticator's secret seals it.
fn open_sealing(config: &ConfigArguments) -> Result<Operators, Failure> {
    let config = config.load()?;
    let places = Places::at(&config.data)?;
    let database = Database::of(&config, &places)?;
    // With its keys a platform has begun: its operators may come before its first merchant.
    let store = if places.key_store().exists() { database.open()? } else { database.open_known()? };
    let secrets = Some(secrets::for_command(&config, &places, &store)?);
    Ok(Operators::new(store, secrets, Arc::new(SystemClock), Arc::new(SystemChance), Cost::Recommended))
}

/// A password from the terminal, twice and unseen; or one line of standard input.
fn password() -> Result<Password, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let mut line = String::new();
        // One byte more than the longest tells that it is too long.
        let longest = Password::LENGTH_MAX as u64 + 3;
        std::io::Read::take(stdin.lock(), longest).read_line(&mut line)?;
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        return Ok(Password::new(line)?);
    }
    let first = rpassword::prompt_password("Password (12 bytes or more): ")?;
    let again = zeroize::Zeroizing::new(rpassword::prompt_password("Once more: ")?);
    if first != *again {
        return Err("the two are not the same; nothing was changed".into());
    }
    Ok(Password::new(first)?)
}

fn shown_once(name: &OperatorName, enrolled: &Enrolled) -> String {
    let mut text = format!(
        "Shown this once. For the authenticator:\n  {}\nRecovery codes, each good once in the place of a code:\n",
        enrolled.totp.uri(ISSUER, name.as_str())
    );
    for code in &enrolled.recovery {
        text += &format!("  {}\n", code.shown());
    }
    text
}

pub(crate) fn run(command: OperatorCommand) -> Result<ExitCode, Failure> {
    match command {
        OperatorCommand::Add(AddArguments { name, role, config }) => {
            let operators = open_sealing(&config)?;
            let enrolled = runtime()?.block_on(operators.add(name.clone(), role, &password()?))?;
            print(&format!("{name} is {}.\n{}", role.name(), shown_once(&name, &enrolled)))
        }
        OperatorCommand::List(config) => list(&open(&config)?),
        OperatorCommand::Disable(OneOperator { name, config }) => {
            runtime()?.block_on(open(&config)?.disable(name.clone()))?;
            print(&format!("{name} logs in no more; open sessions ended.\n"))
        }
        OperatorCommand::ResetTotp(OneOperator { name, config }) => {
            let enrolled = runtime()?.block_on(open_sealing(&config)?.reset_totp(name.clone()))?;
            print(&shown_once(&name, &enrolled))
        }
        OperatorCommand::Password(OneOperator { name, config }) => {
            let operators = open(&config)?;
            runtime()?.block_on(operators.set_password(name.clone(), &password()?))?;
            print(&format!("{name} has another password; open sessions ended.\n"))
        }
        OperatorCommand::Role(RoleArguments { name, role, config }) => {
            runtime()?.block_on(open(&config)?.set_role(name.clone(), role))?;
            print(&format!("{name} is {}; open sessions ended.\n", role.name()))
        }
    }
}

fn list(operators: &Operators) -> Result<ExitCode, Failure> {
    let found = operators.store().peek(|rows| {
        let all = rows.operators(OPERATORS_MAX)?;
        all.into_iter().map(|one| Ok((rows.recovery_codes_left(one.id)?, one))).collect::<Result<Vec<_>, _>>()
    })?;
    if found.is_empty() {
        return print("There is no operator yet: counterfoil operator add NAME --role administrator\n");
    }
    let mut text =
        String::from("NUMBER      NAME                              ROLE           CODES LEFT  STATE\n");
    for (left, operator) in found {
        let state = match operator.disabled_at {
            Some(at) => format!("disabled {}", server::web::moment(at)),
            None => "active".into(),
        };
        text += &format!(
            "{:<11} {:<33} {:<14} {left:<11} {state}\n",
            operator.id.to_string(),
            operator.name.as_str(),
            operator.role.name()
        );
    }
    print(&text)
}
