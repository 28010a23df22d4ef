//! What can be said on the command line.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use model::{CardId, HolderReference};
use payment::MerchantId;

use crate::config::Config;
use crate::{
    adjust, audit, bank, bench, card, config, copy, demo, fleet, holder, keys, ledger, merchant, operator,
    pack, plan, reconcile, reversal, secrets, serve, settle, terminal, tls, wallet,
};

/// Whatever ends a command, with a text for people.
pub(crate) type Failure = Box<dyn Error>;

/// A payment platform on which no money moves until the card in the holder's hand agrees.
#[derive(Parser)]
#[command(version, about, after_help = "To see it work: counterfoil demo")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything on embedded defaults: platform, shop, and three cards with money
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::DemoArguments),
    /// Run a platform
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::ServeArguments),
    /// Write a configuration
    #[command(subcommand, after_help = config::check::EXAMPLES)]
    Config(ConfigCommand),
    /// Make a platform's key store
    #[command(subcommand, after_help = keys::EXAMPLES)]
    Keys(KeysCommand),
    /// Issue, bind and run cards
    #[command(subcommand, after_help = card::EXAMPLES)]
    Card(CardCommand),
    /// Channels of cards: register, find, watch, and what waits for them
    #[command(subcommand, after_help = fleet::EXAMPLES)]
    Fleet(fleet::FleetCommand),
    /// Add holders and give them money
    #[command(subcommand, after_help = holder::EXAMPLES)]
    Holder(HolderCommand),
    /// The bank's end of wallet cards: terminals, bank cards, loads
    #[command(subcommand, after_help = bank::EXAMPLES)]
    Bank(BankCommand),
    /// Issue wallet cards
    #[command(subcommand, after_help = wallet::EXAMPLES)]
    Wallet(WalletCommand),
    /// A mobile terminal: balance, load, finish, activate
    #[command(subcommand, after_help = terminal::EXAMPLES)]
    Terminal(terminal::TerminalCommand),
    /// Sign and check driver packs
    #[command(subcommand, after_help = pack::EXAMPLES)]
    Pack(pack::PackCommand),
    /// Certificates for demonstrations and tests
    #[command(subcommand, after_help = tls::EXAMPLES)]
    Tls(TlsCommand),
    /// Who may look at the console
    #[command(subcommand, after_help = operator::EXAMPLES)]
    Operator(operator::OperatorCommand),
    /// What operators saw and did
    #[command(subcommand, after_help = audit::EXAMPLES)]
    Audit(audit::AuditCommand),
    /// Add merchants and their API keys, and say what is kept of their payments
    #[command(subcommand, after_help = merchant::EXAMPLES)]
    Merchant(MerchantCommand),
    /// Close the days that have ended: each merchant's account, from opening to closing balance
    #[command(after_help = settle::SETTLE_EXAMPLES)]
    Settle(settle::SettleArguments),
    /// Post money out of a merchant's account to its bank
    #[command(after_help = settle::PAYOUT_EXAMPLES)]
    Payout(settle::PayoutArguments),
    /// Compare the bank's files with the ledger: import, differences, how they ended
    #[command(subcommand, after_help = reconcile::EXAMPLES)]
    Reconcile(reconcile::ReconcileCommand),
    /// Move money by two persons: propose, approve, reject
    #[command(subcommand, after_help = adjust::EXAMPLES)]
    Adjust(adjust::AdjustCommand),
    /// Copy the database while it is in use, check a copy, begin on one
    #[command(subcommand, after_help = copy::EXAMPLES)]
    Store(copy::StoreCommand),
    /// Check the ledger
    #[command(subcommand, after_help = ledger::EXAMPLES)]
    Ledger(LedgerCommand),
    /// Reckon before you build: how long a card's cell lasts
    #[command(subcommand, after_help = plan::EXAMPLES)]
    Plan(plan::PlanCommand),
    /// Measure
    #[command(subcommand, after_help = bench::EXAMPLES)]
    Bench(BenchCommand),
    /// Print the description of the merchant interface (OpenAPI 3.1)
    Openapi,
}

/// Where a platform's configuration is.
#[derive(Args, Clone)]
pub(crate) struct ConfigArguments {
    /// A TOML file; `counterfoil config print` writes one. Without it, the defaults
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: Option<PathBuf>,
    /// A PostgreSQL database in place of the file in the data folder: postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl ConfigArguments {
    /// As if they had been typed so.
    pub(crate) fn new(config: Option<PathBuf>, database: Option<String>) -> Self {
        Self { config, database }
    }

    pub(crate) fn load(&self) -> Result<Config, Failure> {
        // The variable that names the file is no setting of it.
        let variables = std::env::vars().filter(|(name, _)| name != "COUNTERFOIL_CONFIG");
        let mut config = Config::load(self.config.as_deref(), variables)?;
        if let Some(url) = &self.database {
            config.database.url.clone_from(url);
        }
        Ok(config)
    }
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Write every setting with its default and what it means
    Print,
    /// Read a configuration and the files that it names, and say whether they can be used
    #[command(after_help = config::check::EXAMPLES)]
    Check(ConfigArguments),
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a key store with its first keys: issuer master key, transport key, key of the database's secrets
    Init(ConfigArguments),
    /// Add the keys that wallet cards need: the bank's own, and each product's
    Tap(ConfigArguments),
    /// Make the key that seals secrets of the database, or renew it; seal what is not under it
    #[command(after_help = secrets::EXAMPLES)]
    Secrets(secrets::SecretsArguments),
    /// List the keys: names, uses, states and check values, never keys
    List(ConfigArguments),
}

#[derive(Subcommand)]
enum BankCommand {
    /// Register a terminal, or one again that was lost, and print its one-time code
    Terminal(bank::TerminalArguments),
    /// List the terminals
    Terminals(ConfigArguments),
    /// Refuse a lost terminal at once
    Revoke(bank::OneTerminal),
    /// Make a bank card that pays loads; its PIN is read from standard input
    Card(bank::CardArguments),
    /// Stop a bank card
    Freeze(bank::FreezeArguments),
    /// Let a bank card pay again, with all its PIN tries
    Unfreeze(bank::FreezeArguments),
    /// List the loads: open, closed, in doubt
    Loads(bank::LoadsArguments),
    /// Settle by hand what a card cannot decide
    Settle(bank::SettleArguments),
    /// Give back a load that its card was credited with: by two persons
    #[command(subcommand, after_help = reversal::EXAMPLES)]
    Reversal(reversal::ReversalCommand),
}

#[derive(Subcommand)]
enum WalletCommand {
    /// Make software wallet cards; their keys are diversified from the product's master keys
    Issue(wallet::IssueArguments),
    /// List the wallet cards
    List(ConfigArguments),
    /// Stop a wallet card from being loaded
    Freeze(wallet::OneWallet),
    /// Let it be loaded again
    Unfreeze(wallet::OneWallet),
}

#[derive(Subcommand)]
enum TlsCommand {
    /// Make a local certificate authority and a server certificate
    Dev(tls::DevArguments),
}

#[derive(Subcommand)]
enum CardCommand {
    /// Make a card: its key goes into the platform's key store and the card in one act
    Issue(card::IssueArguments),
    /// Give a card that lost its memory a fresh key under the next version
    Reinject(card::ReinjectArguments),
    /// Hand a card over: bind it to its holder
    Bind(card::BindArguments),
    /// Take a card back: end its binding
    Unbind(card::OneCard),
    /// Stop a card for the time being
    Freeze(card::OneCard),
    /// Let a frozen card pay again
    Unfreeze(card::OneCard),
    /// List the cards
    List(card::ListArguments),
    /// List what the issuer was told: "not me", possible clones, wrong codes, states that changed
    Alarms(card::AlarmArguments),
    /// Run a software card as a process of its own, against any platform
    Run(card::RunArguments),
}

#[derive(Subcommand)]
enum HolderCommand {
    /// Add a holder who has no connected card, and print the reference
    Add(holder::AddArguments),
    /// Post money from the bank's side to a holder
    Fund(holder::FundArguments),
    /// Remove a holder's name, document and telephone; what was paid stays in the books
    Forget(holder::ForgetArguments),
}

#[derive(Subcommand)]
enum MerchantCommand {
    /// Add a merchant and print its API key, once
    Add(merchant::AddArguments),
    /// Give a merchant a key for the test mode and print it, once
    TestKey(merchant::KeyArguments),
    /// Set, show or take away what is kept of a merchant's payments; without a rule, nothing is
    Fee(merchant::FeeArguments),
    /// API keys: list, add, revoke
    #[command(subcommand, after_help = merchant::KEY_EXAMPLES)]
    Key(merchant::KeyCommand),
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Recompute every balance from the postings and compare
    Check(ConfigArguments),
}

#[derive(Subcommand)]
enum BenchCommand {
    /// Complete payments over UDP with durable commits, beside the floor of the same engine and disk
    Air(Box<bench::AirArguments>),
    /// Transfers between accounts, beside the floor of the same engine and disk
    Ledger(bench::LedgerArguments),
    /// Complete loads over HTTPS with durable commits, and the time that a card is in the field
    Tap(bench::TapArguments),
    /// Uplinks over MQTT and CoAP, answers within the receive window, and a registry of a million channels
    Fleet(bench::FleetArguments),
    /// Pages of a list of a million orders, at any place in it
    List(bench::ListArguments),
    /// Messages to merchants' servers from a backlog, and what payments notice of it
    Webhooks(bench::WebhookArguments),
}

impl Cli {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Demo(arguments) => demo::run(arguments),
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Config(ConfigCommand::Print) => print(Config::template()),
            Command::Config(ConfigCommand::Check(arguments)) => config::check::run(&arguments),
            Command::Keys(KeysCommand::Init(arguments)) => keys::init(&arguments),
            Command::Keys(KeysCommand::Tap(arguments)) => keys::tap(&arguments),
            Command::Keys(KeysCommand::Secrets(arguments)) => secrets::run(&arguments),
            Command::Keys(KeysCommand::List(arguments)) => keys::list(&arguments),
            Command::Card(CardCommand::Issue(arguments)) => card::issue(arguments),
            Command::Card(CardCommand::Reinject(arguments)) => card::reinject(arguments),
            Command::Card(CardCommand::Bind(arguments)) => card::bind(arguments),
            Command::Card(CardCommand::Unbind(arguments)) => card::unbind(arguments),
            Command::Card(CardCommand::Freeze(arguments)) => card::freeze(arguments),
            Command::Card(CardCommand::Unfreeze(arguments)) => card::unfreeze(arguments),
            Command::Card(CardCommand::List(arguments)) => card::list(arguments),
            Command::Card(CardCommand::Alarms(arguments)) => card::alarms(arguments),
            Command::Card(CardCommand::Run(arguments)) => card::run(arguments),
            Command::Fleet(command) => fleet::run(command),
            Command::Bank(BankCommand::Terminal(arguments)) => bank::terminal(arguments),
            Command::Bank(BankCommand::Terminals(arguments)) => bank::terminals(arguments),
            Command::Bank(BankCommand::Revoke(arguments)) => bank::revoke(arguments),
            Command::Bank(BankCommand::Card(arguments)) => bank::card(arguments),
            Command::Bank(BankCommand::Freeze(arguments)) => bank::freeze(arguments, true),
            Command::Bank(BankCommand::Unfreeze(arguments)) => bank::freeze(arguments, false),
            Command::Bank(BankCommand::Loads(arguments)) => bank::loads(arguments),
            Command::Bank(BankCommand::Settle(arguments)) => bank::settle(arguments),
            Command::Bank(BankCommand::Reversal(command)) => reversal::run(command),
            Command::Wallet(WalletCommand::Issue(arguments)) => wallet::issue(arguments),
            Command::Wallet(WalletCommand::List(arguments)) => wallet::list(arguments),
            Command::Wallet(WalletCommand::Freeze(arguments)) => wallet::freeze(arguments, true),
            Command::Wallet(WalletCommand::Unfreeze(arguments)) => wallet::freeze(arguments, false),
            Command::Terminal(command) => terminal::run(command),
            Command::Pack(command) => pack::run(command),
            Command::Operator(command) => operator::run(command),
            Command::Audit(command) => audit::run(command),
            Command::Tls(TlsCommand::Dev(arguments)) => tls::dev(arguments),
            Command::Holder(HolderCommand::Add(arguments)) => holder::add(arguments),
            Command::Holder(HolderCommand::Fund(arguments)) => holder::fund(arguments),
            Command::Holder(HolderCommand::Forget(arguments)) => holder::forget(&arguments),
            Command::Merchant(MerchantCommand::Add(arguments)) => merchant::add(arguments),
            Command::Merchant(MerchantCommand::TestKey(arguments)) => merchant::test_key(&arguments),
            Command::Merchant(MerchantCommand::Fee(arguments)) => merchant::fee(arguments),
            Command::Merchant(MerchantCommand::Key(command)) => merchant::key(command),
            Command::Settle(arguments) => settle::settle(&arguments),
            Command::Reconcile(command) => reconcile::run(command),
            Command::Adjust(command) => adjust::run(command),
            Command::Payout(arguments) => settle::payout(&arguments),
            Command::Store(command) => copy::run(command),
            Command::Ledger(LedgerCommand::Check(arguments)) => ledger::check(&arguments),
            Command::Plan(plan::PlanCommand::Battery(arguments)) => plan::battery(&arguments),
            Command::Bench(BenchCommand::Air(arguments)) => bench::air(&arguments),
            Command::Bench(BenchCommand::Ledger(arguments)) => bench::ledger(&arguments),
            Command::Bench(BenchCommand::Tap(arguments)) => bench::tap(&arguments),
            Command::Bench(BenchCommand::Fleet(arguments)) => bench::fleet(&arguments),
            Command::Bench(BenchCommand::List(arguments)) => bench::list(&arguments),
            Command::Bench(BenchCommand::Webhooks(arguments)) => bench::webhooks(&arguments),
            Command::Openapi => print(&server::http::openapi::merchant_json()),
        }
    }
}

/// Writes to standard output. A reader that went away early (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<ExitCode, Failure> {
    use std::io::Write as _;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}

/// A runtime for the commands that need one.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Reads a card id from the command line.
pub(crate) fn card_id(text: &str) -> Result<CardId, String> {
    text.parse().map_err(|error: model::CardIdError| error.to_string())
}

/// Reads a holder reference from the command line.
pub(crate) fn holder_reference(text: &str) -> Result<HolderReference, String> {
    text.parse().map_err(|error: model::HolderReferenceError| error.to_string())
}

/// Reads a merchant's id from the command line.
pub(crate) fn merchant_id(text: &str) -> Result<MerchantId, String> {
    text.strip_prefix("mer_")
        .filter(|digits| digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .map(MerchantId)
        .ok_or_else(|| "a merchant's id is mer_ and 8 hexadecimal digits".to_owned())
}

/// Reads an address; a name is looked up.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    use std::net::ToSocketAddrs as _;
    let found = text.to_socket_addrs().map_err(|error| format!("{error}; give HOST:PORT"))?;
    found.into_iter().next().ok_or_else(|| "the name has no address".into())
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::Cli;

    /// The words of an example, as a shell takes them: up to a comment or to what becomes of the output.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for letter in line.chars() {
            match letter {
                letter if quote == Some(letter) => quote = None,
                '\'' | '"' if quote.is_none() => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                ' ' if quote.is_none() => words.extend(word.take()),
                letter => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        let end = words.iter().position(|word| ["#", ">", "|", "||"].contains(&word.as_str()));
        words.truncate(end.unwrap_or(words.len()));
        words
    }

    fn examples(of: &Command, found: &mut Vec<String>) {
        let help = of.get_after_help().map(ToString::to_string).unwrap_or_default();
        let help = help.replace("\\\n", " ");
        found.extend(help.lines().filter_map(|line| line.strip_prefix("  counterfoil ")).map(str::to_owned));
        of.get_subcommands().for_each(|below| examples(below, found));
    }

    #[test]
    fn every_command_has_examples_and_each_example_is_taken() {
        for command in Cli::command().get_subcommands().filter(|it| it.get_name() != "openapi") {
            let mut found = Vec::new();
            examples(command, &mut found);
            assert!(!found.is_empty(), "`{}` has no example", command.get_name());
            // What has letters left out is for the reader to fill.
            for line in found.iter().filter(|line| !line.contains('…')) {
                let typed = std::iter::once("counterfoil".to_owned()).chain(words(line));
                let taken = Cli::command().try_get_matches_from(typed);
                assert!(taken.is_ok(), "counterfoil {line}: {}", taken.unwrap_err());
            }
        }
    }
}
