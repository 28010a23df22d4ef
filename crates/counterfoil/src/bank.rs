//! `bank …`: the operators of the bank's end of wallet cards.

use std::io::Read as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use crypto::{KeyStoreError, Pin, TerminalSuite};
use model::{HolderReference, TerminalId};
use payment::{LoadId, LoadState};
use server::Actor;
use server::bank::{Bank, BankCardError, Found, NewBankCard};
use server::security::Security;
use store::Store;
use zeroize::Zeroizing;

use crate::cli::{ConfigArguments, Failure, holder_reference, print, runtime};
use crate::database::Database;
use crate::keys;
use crate::places::Places;
use crate::platform::open_app;
use crate::tap::{industries, open_bank};

/// Shown below the help of `bank`.
pub(crate) const EXAMPLES: &str = "\
Examples, in their order; the keys come first (counterfoil keys init, counterfoil keys tap):
  counterfoil holder add --name \"Li Na\" --document G12345678
  counterfoil holder fund hld_0123456789abcdef 50000
  counterfoil bank card --holder hld_0123456789abcdef --phone +8613812345678
  counterfoil wallet issue --industry 0101 --bank-card 6212345678901234
  counterfoil bank terminal 000001000050 --name kiosk
  counterfoil bank loads --state open

A load stays open when its card left too early. The card's next tap finishes it; a person does only when the
card cannot be read any more:
  counterfoil bank settle load_0123456789abcdef0123456789abcdef unreadable --note \"card broken, seen\"
  counterfoil bank settle load_0123456789abcdef0123456789abcdef not-credited --note \"its log has no load\"

A load that its card was credited with is given back by two persons: counterfoil bank reversal --help";

/// A key store without the bank's keys, or without those of a product.
pub(crate) const KEYS_MISSING: &str =
    "the key store has no keys for this; `counterfoil keys tap` adds those of the bank and of every product";

#[derive(Args)]
pub(crate) struct TerminalArguments {
    /// The terminal's number: 12 hexadecimal digits
    #[arg(value_parser = terminal_id)]
    terminal: TerminalId,
    /// What operators call it; without it the name that it had, or its number
    #[arg(long)]
    name: Option<String>,
    /// How it encrypts. The DES family is for interoperation with older terminals only
    #[arg(long, value_enum, default_value_t = SuiteName::Aes)]
    suite: SuiteName,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SuiteName {
    /// AES-128-GCM
    Aes,
    /// SM4-GCM
    Sm4,
    /// DES and retail MAC: insecure, interoperation only
    Des,
    /// Two-key 3DES and retail MAC: weak, interoperation only
    TripleDes,
}

#[derive(Args)]
pub(crate) struct OneTerminal {
    /// The terminal's number: 12 hexadecimal digits
    #[arg(value_parser = terminal_id)]
    terminal: TerminalId,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct CardArguments {
    /// The holder whose account pays
    #[arg(long, value_parser = holder_reference)]
    holder: HolderReference,
    /// Where SMS codes go: + and digits
    #[arg(long)]
    phone: String,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct FreezeArguments {
    /// The bank card's number
    number: String,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct LoadsArguments {
    /// Only those that stand so
    #[arg(long, value_enum)]
    state: Option<StateName>,
    /// How many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StateName {
    Open,
    Closed,
    InDoubt,
    SettledCredited,
    SettledReturned,
    Reversed,
}

impl StateName {
    const fn state(self) -> LoadState {
        match self {
            Self::Open => LoadState::Open,
            Self::Closed => LoadState::Closed,
            Self::InDoubt => LoadState::InDoubt,
            Self::SettledCredited => LoadState::SettledCredited,
            Self::SettledReturned => LoadState::SettledReturned,
            Self::Reversed => LoadState::Reversed,
        }
    }
}

#[derive(Args)]
pub(crate) struct SettleArguments {
    /// The load: load_ and 32 hexadecimal digits
    load: LoadId,
    /// What was found. An open load whose card cannot be read any more is put in doubt first
    #[arg(value_enum)]
    found: FoundName,
    /// What you saw; it is kept with the load
    #[arg(long)]
    note: String,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FoundName {
    /// The card cannot be read any more: the load waits for a person, not for a tap
    Unreadable,
    /// The card holds the money
    Credited,
    /// The card does not hold it: the money is the holder's again
    NotCredited,
}

/// Reads a terminal's number from the command line.
pub(crate) fn terminal_id(text: &str) -> Result<TerminalId, String> {
    text.parse().map_err(|error: model::TerminalIdError| error.to_string())
}

/// A bank counter that is open: the bank on the platform's store and keys.
pub(crate) struct BankCounter {
    pub(crate) bank: Bank,
    pub(crate) places: Places,
}

impl BankCounter {
    pub(crate) fn open(arguments: &ConfigArguments) -> Result<Self, Failure> {
        let config = arguments.load()?;
        let places = Places::at(&config.data)?;
        let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
        let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
        let app = open_app(&Database::of(&config, &places)?, key_store.clone(), config.rules())?;
        let bank = open_bank(app, key_store, industries(&config, &places)?)?;
        Ok(Self { bank, places })
    }
}

/// `bank terminal`.
pub(crate) fn terminal(arguments: TerminalArguments) -> Result<ExitCode, Failure> {
    let counter = BankCounter::open(&arguments.config)?;
    let suite = match arguments.suite {
        SuiteName::Aes => TerminalSuite::Aes128Gcm,
        SuiteName::Sm4 => TerminalSuite::Sm4Gcm,
        SuiteName::Des => TerminalSuite::Des,
        SuiteName::TripleDes => TerminalSuite::TripleDes,
    };
    if suite.is_legacy() {
        eprintln!(
            "warning: {} is for interoperation with older terminals only; it protects little",
            suite.name()
        );
    }
    let name = match arguments.name {
        Some(name) => name,
        None => {
            let known = counter.bank.app().store().peek(|rows| rows.terminal(arguments.terminal))?;
            known.map_or_else(|| arguments.terminal.to_string(), |terminal| terminal.name)
        }
    };
    let security = Security::new(counter.bank, Vec::new());
    let code = runtime()?.block_on(security.register_terminal(arguments.terminal, &name, suite))?;
    print(&format!(
        "Terminal {} is registered. Its one-time code, good for 24 hours, shown once:\n\n    {}\n\n\
         On the terminal: counterfoil terminal enrol --terminal {} --security URL --transaction URL --ca FILE\n",
        arguments.terminal, code, arguments.terminal,
    ))
}

/// `bank revoke`.
pub(crate) fn revoke(arguments: OneTerminal) -> Result<ExitCode, Failure> {
    let counter = BankCounter::open(&arguments.config)?;
    let security = Security::new(counter.bank, Vec::new());
    runtime()?.block_on(security.revoke_terminal(arguments.terminal))?;
    print(&format!("Terminal {} is refused from now on.\n", arguments.terminal))
}

/// `bank terminals`.
pub(crate) fn terminals(arguments: ConfigArguments) -> Result<ExitCode, Failure> {
    const LIMIT: u32 = 1_000;
    let rows = reading_store(&arguments)?.peek(|rows| rows.terminals_after(None, LIMIT))?;
    let mut text = String::from("TERMINAL      STATE       SUITE        KEY  NAME\n");
    for terminal in rows {
        let suite = if terminal.suite.is_legacy() {
            format!("{} (insecure)", terminal.suite.name())
        } else {
            terminal.suite.name().to_owned()
        };
        text += &format!(
            "{}  {:<10}  {suite:<12} {:<4} {}\n",
            terminal.id,
            terminal.state.name(),
            terminal.key_id,
            terminal.name,
        );
    }
    print(&text)
}

/// `bank card`: the PIN comes on standard input, so that it stands in no shell history.
pub(crate) fn card(arguments: CardArguments) -> Result<ExitCode, Failure> {
    let counter = BankCounter::open(&arguments.config)?;
    eprintln!("The card's PIN, 4 to 12 digits, then Enter:");
    let mut typed = Zeroizing::new(String::new());
    std::io::stdin().lock().take(64).read_to_string(&mut typed)?;
    let pin: Pin = typed.trim().parse()?;
    let new = NewBankCard { holder: arguments.holder, phone: arguments.phone, pin };
    let number = runtime()?.block_on(counter.bank.add_bank_card(new)).map_err(|error| match error {
        BankCardError::NoSuchHolder => {
            "there is no holder with this reference; `counterfoil holder add` makes one".to_owned()
        }
        BankCardError::KeyStore(KeyStoreError::NoSuchKey) => KEYS_MISSING.to_owned(),
        error => error.to_string(),
    })?;
    print(&format!(
        "Bank card {number} of {}.\nNext: counterfoil wallet issue --industry CODE --bank-card {number}\n",
        arguments.holder
    ))
}

/// `bank freeze` and `bank unfreeze`.
pub(crate) fn freeze(arguments: FreezeArguments, frozen: bool) -> Result<ExitCode, Failure> {
    let counter = BankCounter::open(&arguments.config)?;
    let frozen_by = counter.bank.freeze_bank_card(Actor::command_line(), &arguments.number, frozen);
    runtime()?.block_on(frozen_by)?;
    print(if frozen { "The bank card is frozen.\n" } else { "The bank card may pay again.\n" })
}

/// `bank loads`.
pub(crate) fn loads(arguments: LoadsArguments) -> Result<ExitCode, Failure> {
    let (state, limit) = (arguments.state.map(StateName::state), arguments.limit);
    let (counts, loads) = reading_store(&arguments.config)?
        .peek(|rows| Ok((rows.load_counts()?, rows.loads_before(state, None, limit)?)))?;
    let mut text = String::new();
    for count in counts {
        text += &format!("{} {}  ", count.count, count.state.name().replace('_', " "));
    }
    text += "\n\nLOAD                                   CARD                  COUNTER  YUAN        STATE             NOTE\n";
    for stored in loads {
        let load = &stored.load;
        text += &format!(
            "{}  {}  {:<7}  {:<10}  {:<16}  {}\n",
            load.id,
            load.asn,
            load.counter.0,
            load.amount.to_string(),
            load.state.name(),
            stored.note.unwrap_or_default().replace('\n', "; "),
        );
    }
    print(&text)
}

/// `bank settle`.
pub(crate) fn settle(arguments: SettleArguments) -> Result<ExitCode, Failure> {
    let counter = BankCounter::open(&arguments.config)?;
    let found = match arguments.found {
        FoundName::Unreadable => Found::CardUnreadable,
        FoundName::Credited => Found::Credited,
        FoundName::NotCredited => Found::NotCredited,
    };
    runtime()?.block_on(counter.bank.settle(arguments.load, found, &arguments.note))?;
    print(match arguments.found {
        FoundName::Unreadable => "The load is in doubt now; settle it as credited or not credited.\n",
        FoundName::Credited => "Settled: the money moved to the card's side.\n",
        FoundName::NotCredited => "Settled: the money is the holder's again.\n",
    })
}

/// The platform's database, for reading lists.
pub(crate) fn reading_store(arguments: &ConfigArguments) -> Result<Store, Failure> {
    let config = arguments.load()?;
    let database = Database::of(&config, &Places::at(&config.data)?)?;
    database.open_known()
}
