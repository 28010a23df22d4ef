//! `merchant add`, `merchant key …`, `merchant test-key` and `merchant fee`.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use model::Currency;
use payment::{FeeOnRefund, FeeRule, MerchantId};
use server::Actor;
use server::app::{API_KEYS_MAX, ApiKeyError, NewApiKey};
use store::{ApiKey, ApiKeyId, ApiScope, Merchant, Store, StoredApiKey};

use crate::bank::reading_store;
use crate::cli::{ConfigArguments, Failure, merchant_id, print, runtime};
use crate::config::Config;
use crate::database::Database;
use crate::places::Places;
use crate::platform::open_app;
use crate::settle::platform;
use crate::{entering, keys, test_mode};

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil merchant add 'Morning Market'
  counterfoil merchant fee mer_00000001 --basis-points 60 --minimum 1    # 0.6 %, at least one fen
  counterfoil merchant test-key mer_00000001
  counterfoil merchant key list";

#[derive(Args)]
pub(crate) struct AddArguments {
    /// The name as holders read it
    name: String,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct KeyArguments {
    /// The merchant: mer_ and 8 hexadecimal digits
    #[arg(value_parser = merchant_id)]
    merchant: MerchantId,
    #[command(flatten)]
    config: ConfigArguments,
}

/// What a refund gives back of the fee.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnRefund {
    /// Nothing
    Kept,
    /// Its share of the fee
    InProportion,
}

#[derive(Args)]
pub(crate) struct FeeArguments {
    /// The merchant: mer_ and 8 hexadecimal digits
    #[arg(value_parser = merchant_id)]
    merchant: MerchantId,
    /// The share of each payment in basis points, 0 to 10000: 60 is 0.6 %. Without it, the rules that there are are shown
    #[arg(long, value_name = "BP")]
    basis_points: Option<u16>,
    /// A fixed part of each payment, in minor units
    #[arg(long, value_name = "MINOR", default_value_t = 0, requires = "basis_points")]
    fixed: u32,
    /// At least this much, in minor units; never more than the payment
    #[arg(long, value_name = "MINOR", default_value_t = 0, requires = "basis_points")]
    minimum: u32,
    /// At most this much, in minor units
    #[arg(long, value_name = "MINOR", requires = "basis_points")]
    maximum: Option<u32>,
    /// What a refund gives back of the fee
    #[arg(long, value_enum, default_value = "kept", requires = "basis_points")]
    on_refund: OnRefund,
    /// ISO 4217 letters
    #[arg(long, default_value = "CNY")]
    currency: String,
    /// Take the rule away
    #[arg(long, conflicts_with = "basis_points")]
    none: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn fee(arguments: FeeArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let (merchant, currency) = (arguments.merchant, Currency::from_letters(&arguments.currency)?);
    let places = Places::at(&config.data)?;
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    let app = open_app(&Database::of(&config, &places)?, key_store, config.rules())?;
    if arguments.none {
        let there = runtime()?.block_on(app.remove_fee_rule(merchant, currency))?;
        let said = if there { "Nothing is kept from now on." } else { "There was no rule." };
        return print(&format!("{said}\n"));
    }
    if let Some(basis_points) = arguments.basis_points {
        let on_refund = match arguments.on_refund {
            OnRefund::Kept => FeeOnRefund::Kept,
            OnRefund::InProportion => FeeOnRefund::InProportion,
        };
        let rule = FeeRule::new(currency, basis_points, arguments.fixed)?
            .within(arguments.minimum, arguments.maximum)?
            .on_refund(on_refund);
        runtime()?.block_on(app.set_fee_rule(merchant, rule))?;
    }
    let rules = app.store().peek(|rows| rows.fee_rules(merchant))?;
    if rules.is_empty() {
        return print(&format!("{merchant} has no fee rule: nothing is kept of its payments.\n"));
    }
    print(&rules.iter().map(|stored| told(&stored.rule)).collect::<String>())
}

fn told(rule: &FeeRule) -> String {
    let currency = rule.currency();
    let money = |minor: u32| currency.display(i64::from(minor)).to_string();
    let share = rule.basis_points();
    let mut text = format!("{currency} {}.{:02} %", share / 100, share % 100);
    if rule.fixed() > 0 {
        text += &format!(" and {}", money(rule.fixed()));
    }
    if rule.minimum() > 0 {
        text += &format!(", at least {}", money(rule.minimum()));
    }
    if let Some(maximum) = rule.maximum() {
        text += &format!(", at most {}", money(maximum));
    }
    text + match rule.word_on_refund() {
        FeeOnRefund::Kept => "; kept when a payment is refunded\n",
        FeeOnRefund::InProportion => "; given back in proportion when a payment is refunded\n",
    }
}

pub(crate) fn add(arguments: AddArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let name = arguments.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err("a merchant's name is 1 to 64 characters".into());
    }
    let places = Places::at(&config.data)?;
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    let app = open_app(&Database::of(&config, &places)?, key_store, config.rules())?;
    runtime()?.block_on(async {
        let (merchant, key) = app.add_merchant(name).await?;
        let mut said = format!("{merchant} {name}\n");
        if let Some(tests) = test_mode::of(&config, &places).await? {
            let known = Merchant { id: merchant, name: name.to_owned() };
            let key = tests.add_key(&known).await?;
            said += &format!("Test key, shown this once: {}\n", key.reveal());
        }
        print(&format!("{said}API key, shown this once: {}\n", key.reveal()))
    })
}

/// `merchant test-key`.
pub(crate) fn test_key(arguments: &KeyArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let places = Places::at(&config.data)?;
    let known = known(&Database::of(&config, &places)?.open_known()?, arguments.merchant)?;
    runtime()?.block_on(async {
        let tests = test_mode::of(&config, &places).await?;
        let tests = tests.ok_or("the test mode is off: see [test_mode] in the configuration")?;
        let key = tests.add_key(&known).await?;
        print(&format!("{} {}\nTest key, shown this once: {}\n", known.id, known.name, key.reveal()))
    })
}

fn known(store: &Store, id: MerchantId) -> Result<Merchant, Failure> {
    let found = store.peek(|rows| rows.merchant(id))?;
    Ok(found.ok_or_else(|| format!("there is no merchant {id}; `counterfoil merchant add` adds one"))?)
}

pub(crate) const KEY_EXAMPLES: &str = "\
Examples:
  counterfoil merchant key add mer_00000001 --name 'till 2' --scope read
  counterfoil merchant key list
  counterfoil merchant key revoke key_0123456789abcdef    # at once, on every node; a key is shown once, its id here";

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make another API key, and print it once
    Add(KeyAddArguments),
    /// List the keys, those of the test mode with them: what they may, since when they are, when they were last used; never the keys
    List(KeyListArguments),
    /// Refuse a key from now on
    Revoke(KeyRevokeArguments),
}

/// What a key may.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeName {
    /// Everything
    All,
    /// Look, and change nothing
    Read,
}

#[derive(Args)]
pub(crate) struct KeyAddArguments {
    /// The merchant: mer_ and 8 hexadecimal digits
    #[arg(value_parser = merchant_id)]
    merchant: MerchantId,
    /// What it is called: who has it, and what for
    #[arg(long)]
    name: String,
    /// What it may
    #[arg(long, value_enum, default_value = "all")]
    scope: ScopeName,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct KeyListArguments {
    /// One merchant's only: mer_ and 8 hexadecimal digits
    #[arg(value_parser = merchant_id)]
    merchant: Option<MerchantId>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct KeyRevokeArguments {
    /// The key: key_ and 16 hexadecimal digits, out of the list
    key: ApiKeyId,
    #[command(flatten)]
    config: ConfigArguments,
}

/// How many merchants are read at once.
const PORTION: u32 = 100;

pub(crate) fn key(command: KeyCommand) -> Result<ExitCode, Failure> {
    match command {
        KeyCommand::Add(arguments) => add_key(arguments),
        KeyCommand::List(arguments) => list_keys(&arguments),
        KeyCommand::Revoke(arguments) => revoke_key(&arguments),
    }
}

fn revoke_key(arguments: &KeyRevokeArguments) -> Result<ExitCode, Failure> {
    let (app, id) = (platform(&arguments.config)?, arguments.key);
    let revoked = match runtime()?.block_on(app.revoke_api_key(Actor::command_line(), id)) {
        Err(unknown @ ApiKeyError::NoSuchKey(_)) => match revoke_test_key(arguments, app.store())? {
            Some(revoked) => revoked,
            None => return Err(unknown.into()),
        },
        revoked => revoked?,
    };
    let ApiKey { merchant, hint, .. } = revoked.key;
    print(&format!("{id} ({hint}…) of {merchant} is refused from now on.\n"))
}

/// A key of the test mode, where it is one. The platform's audit log has an entry of it: the test mode's own is nobody's to read.
fn revoke_test_key(arguments: &KeyRevokeArguments, live: &Store) -> Result<Option<StoredApiKey>, Failure> {
    let (config, id) = (arguments.config.load()?, arguments.key);
    let Some(store) = test_store(&config)? else { return Ok(None) };
    if store.peek(|rows| rows.api_key_of_id(id))?.is_none() {
        return Ok(None);
    }
    drop(store);
    let places = Places::at(&config.data)?;
    let Some(tests) = runtime()?.block_on(test_mode::of(&config, &places))? else { return Ok(None) };
    let said = format!("merchant key revoke {id} test");
    entering::append(live, &said, "begun")?;
    let revoked = runtime()?.block_on(tests.app().revoke_api_key(Actor::command_line(), id));
    entering::append(live, &said, if revoked.is_ok() { "done" } else { "failed" })?;
    Ok(Some(revoked?))
}

/// What the test mode keeps, where it has begun.
fn test_store(config: &Config) -> Result<Option<Store>, Failure> {
    let Some(database) = Database::of_test_mode(config, &Places::at(&config.data)?)? else { return Ok(None) };
    match &database {
        Database::Embedded(file) if !file.exists() => Ok(None),
        Database::Embedded(_) | Database::Server(_) => Ok(Some(database.open()?)),
    }
}

fn add_key(arguments: KeyAddArguments) -> Result<ExitCode, Failure> {
    let app = platform(&arguments.config)?;
    let scope = match arguments.scope {
        ScopeName::All => ApiScope::All,
        ScopeName::Read => ApiScope::Read,
    };
    let new = NewApiKey { merchant: arguments.merchant, name: arguments.name, scope };
    let (id, key) = runtime()?.block_on(app.add_api_key(Actor::command_line(), new))?;
    print(&format!("{id} of {}\nAPI key, shown this once: {}\n", arguments.merchant, key.reveal()))
}

fn list_keys(arguments: &KeyListArguments) -> Result<ExitCode, Failure> {
    let store = reading_store(&arguments.config)?;
    let tests = test_store(&arguments.config.load()?)?;
    let mut text = String::from(
        "KEY                   BEGINS        MERCHANT      MAY   MADE                     LAST USED                STATE                           NAME\n",
    );
    let mut after = None;
    loop {
        let merchants = match arguments.merchant {
            Some(merchant) if after.is_none() => {
                store.peek(|rows| rows.merchant(merchant))?.into_iter().collect()
            }
            Some(_) => Vec::new(),
            None => store.peek(|rows| rows.merchants_after(after, PORTION))?,
        };
        let Some(last) = merchants.last() else { return print(&text) };
        after = Some(last.id);
        for merchant in &merchants {
            for store in [Some(&store), tests.as_ref()].into_iter().flatten() {
                let keys = store.peek(|rows| rows.api_keys_of(merchant.id, API_KEYS_MAX))?;
                text.extend(keys.iter().map(listed));
            }
        }
    }
}

fn listed(stored: &StoredApiKey) -> String {
    let key = &stored.key;
    let used = stored.used_at.map_or_else(|| "never".to_owned(), server::web::moment);
    let state = match stored.revoked_at {
        Some(at) => format!("revoked {}", server::web::moment(at)),
        None => "good".into(),
    };
    format!(
        "{:<21} {:<13} {:<13} {:<5} {:<24} {used:<24} {state:<31} {}\n",
        key.id().to_string(),
        key.hint,
        key.merchant.to_string(),
        key.scope.name(),
        server::web::moment(stored.created_at),
        key.name
    )
}
