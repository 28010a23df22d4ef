//! The key store of a data folder: made with its first keys, and opened.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crypto::{KeyName, TransportKey};
use keystore::{
    CeremonyError, Component, Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile,
    SealedFileError, system_entropy,
};
use model::UnixMillis;
use zeroize::Zeroizing;

use packs::Industries;
use server::bank::BankKeyNames;
use server::{Clock as _, SystemClock};

use crate::cli::{ConfigArguments, Failure, print};
use crate::config;
use crate::places::{Places, PlacesError, read, write_private};

pub(crate) const EXAMPLES: &str = "\
Examples:
  export COUNTERFOIL_PASSPHRASE='at least twelve characters'    # or a file: keys.passphrase_file
  counterfoil keys init         # once, before anything else
  counterfoil keys tap          # again whenever a product is new
  counterfoil keys secrets      # what seals secrets of the database; `keys init` makes it too
  counterfoil keys list

Keep a copy of keys.cfks, and the passphrase elsewhere: without either, no card pays any more.";

/// The first issuer master key.
const ISSUER: &str = "issuer-1";
/// The first transport key.
const TRANSPORT: &str = "transport-1";
/// Derives terminals' keys.
const TERMINAL_ROOT: &str = "terminal-root-1";
/// Verifies bank cards' PINs.
const PIN_VERIFICATION: &str = "pin-verification-1";
/// The variable that holds the passphrase.
const PASSPHRASE_VARIABLE: &str = "COUNTERFOIL_PASSPHRASE";

/// Why there is no key store to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("there is no key store at {}; `counterfoil keys init` makes one", .0.display())]
    Missing(std::path::PathBuf),
    #[error(transparent)]
    File(#[from] SealedFileError),
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    #[error(transparent)]
    Places(#[from] PlacesError),
    #[error(
        "no passphrase for the key store: set COUNTERFOIL_PASSPHRASE, or name a file in keys.passphrase_file"
    )]
    NoPassphrase,
    #[error("the passphrase cannot be used: {0}")]
    Passphrase(#[from] keystore::PassphraseError),
    #[error("the card maker's key {0} is not 64 hexadecimal digits")]
    CardMakerKey(std::path::PathBuf),
    #[error("the system's random source failed")]
    Entropy,
    #[error("a built-in name was refused")]
    Name,
    #[error("a custodian's name was refused: {0}")]
    Custodian(#[from] keystore::CustodianError),
}

/// The names of the keys that cards are made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CardKeys {
    pub(crate) master: KeyName,
    pub(crate) transport: KeyName,
}

pub(crate) fn card_keys() -> Result<CardKeys, KeysError> {
    let name = |text| KeyName::new(text).ok_or(KeysError::Name);
    Ok(CardKeys { master: name(ISSUER)?, transport: name(TRANSPORT)? })
}

/// The names of the bank's own keys for wallet cards.
pub(crate) fn bank_keys() -> Result<BankKeyNames, KeysError> {
    let name = |text| KeyName::new(text).ok_or(KeysError::Name);
    Ok(BankKeyNames {
        terminal_root: name(TERMINAL_ROOT)?,
        pin_verification: name(PIN_VERIFICATION)?,
        transport: name(TRANSPORT)?,
    })
}

/// Makes those keys of wallet cards that a key store does not have yet: the bank's own, and each product's.
/// Says which were made.
pub(crate) fn add_bank_keys(
    store: &SealedFile,
    industries: &Industries,
    now: UnixMillis,
) -> Result<Vec<KeyName>, KeysError> {
    let names = bank_keys()?;
    let mut wanted =
        vec![(names.terminal_root, KeyUse::DeriveTerminalKeys), (names.pin_verification, KeyUse::VerifyPins)];
    for industry in industries.all() {
        let keys = &industry.product.keys;
        wanted.extend([
            (keys.load, KeyUse::LoadPurses),
            (keys.tac, KeyUse::ProvePurses),
            (keys.purchase, KeyUse::BuyWithPurses),
            (keys.maintenance, KeyUse::MaintainPurses),
        ]);
    }
    let mut there: Vec<KeyName> = store.keys().into_iter().map(|key| key.name).collect();
    let (first, second) = (Custodian::new("custodian one")?, Custodian::new("custodian two")?);
    let mut made = Vec::new();
    for (name, key_use) in wanted {
        if there.contains(&name) {
            continue;
        }
        store.generate(name, key_use, &first, now, &mut system_entropy)?;
        store.set_state(name, KeyEvent::Activate, &second, now)?;
        there.push(name);
        made.push(name);
    }
    Ok(made)
}

pub(crate) fn environment(environment: config::Environment) -> Environment {
    match environment {
        config::Environment::Test => Environment::Test,
        config::Environment::Production => Environment::Production,
    }
}

/// Whether the environment gives the passphrase: then no file is read for it.
pub(crate) fn has_passphrase() -> bool {
    std::env::var_os(PASSPHRASE_VARIABLE).is_some()
}

/// The passphrase from the environment, or from the file that the configuration names.
pub(crate) fn passphrase(file: &str) -> Result<Passphrase, KeysError> {
    if let Ok(text) = std::env::var(PASSPHRASE_VARIABLE) {
        return Ok(Passphrase::new(text)?);
    }
    if file.is_empty() {
        return Err(KeysError::NoPassphrase);
    }
    let bytes = Zeroizing::new(read(Path::new(file))?);
    Ok(Passphrase::new(String::from_utf8_lossy(&bytes).trim_end().to_owned())?)
}

/// Makes a key store with an issuer master key, a key that seals secrets of the database, and a transport key. The last is put together from two
/// components; its copy for the card maker is written beside the store.
pub(crate) fn create(
    places: &Places,
    passphrase: &Passphrase,
    environment: Environment,
    now: UnixMillis,
) -> Result<SealedFile, KeysError> {
    let store = SealedFile::create(
        &places.key_store(),
        passphrase,
        environment,
        Cost::Recommended,
        &mut system_entropy,
    )?;
    let names = card_keys()?;
    let (first, second) = (Custodian::new("custodian one")?, Custodian::new("custodian two")?);
    store.generate(names.master, KeyUse::DeriveCardKeys, &first, now, &mut system_entropy)?;
    store.set_state(names.master, KeyEvent::Activate, &second, now)?;
    let mut components = [Zeroizing::new([0; 32]), Zeroizing::new([0; 32])];
    for component in &mut components {
        system_entropy(component.as_mut_slice()).map_err(|_| KeysError::Entropy)?;
    }
    let [a, b] = &components;
    let key = TransportKey::from_components([&**a, &**b]);
    let given = |custodian, bytes: &[u8; 32]| Component {
        custodian,
        bytes: Zeroizing::new(bytes.to_vec()),
        check_value: TransportKey::from_bytes(*bytes).check_value(),
    };
    let given = [given(&first, a), given(&second, b)];
    store.import_components(names.transport, KeyUse::WrapCardKeys, &given, key.check_value(), now)?;
    store.set_state(names.transport, KeyEvent::Activate, &second, now)?;
    crate::secrets::make_key(&store, &[], [first.name(), second.name()], now)?;
    let digits = Zeroizing::new(hex::encode(key.expose_to_key_store()));
    write_private(&places.card_maker_key(), digits.as_bytes())?;
    Ok(store)
}

/// Opens the test mode's key store, and makes it if it is not there. Its keys are worth nothing: it needs nobody's passphrase.
pub(crate) fn open_test(places: &Places, now: UnixMillis) -> Result<Arc<SealedFile>, KeysError> {
    let (path, words) = (places.test_key_store(), places.test_passphrase());
    if !path.exists() {
        let mut drawn = Zeroizing::new([0; 32]);
        system_entropy(drawn.as_mut_slice()).map_err(|_| KeysError::Entropy)?;
        let text = Zeroizing::new(hex::encode(drawn.as_slice()));
        // The passphrase first: a key store that nobody can open is worth nothing.
        write_private(&words, text.as_bytes())?;
        let passphrase = Passphrase::new(text.to_string())?;
        // 256 random bits are not guessed, however cheap a try is.
        let store =
            SealedFile::create(&path, &passphrase, Environment::Test, Cost::Testing, &mut system_entropy)?;
        let names = card_keys()?;
        let (first, second) = (Custodian::new("test mode one")?, Custodian::new("test mode two")?);
        let wanted = [(names.master, KeyUse::DeriveCardKeys), (names.transport, KeyUse::WrapCardKeys)];
        for (name, key_use) in wanted {
            store.generate(name, key_use, &first, now, &mut system_entropy)?;
            store.set_state(name, KeyEvent::Activate, &second, now)?;
        }
        return Ok(Arc::new(store));
    }
    let text = Zeroizing::new(read(&words)?);
    let passphrase = Passphrase::new(String::from_utf8_lossy(&text).trim_end().to_owned())?;
    Ok(Arc::new(SealedFile::open(&path, &passphrase, Environment::Test)?))
}

/// Opens the key store.
pub(crate) fn open(
    places: &Places,
    passphrase: &Passphrase,
    environment: Environment,
) -> Result<Arc<SealedFile>, KeysError> {
    let opened = SealedFile::open(&places.key_store(), passphrase, environment);
    Ok(Arc::new(opened.map_err(|error| match error {
        SealedFileError::Missing { path } => KeysError::Missing(path),
        other => other.into(),
    })?))
}

/// The card maker's copy of the transport key.
pub(crate) fn card_maker_key(places: &Places) -> Result<TransportKey, KeysError> {
    let path = places.card_maker_key();
    let digits = Zeroizing::new(read(&path)?);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits.as_slice(), key.as_mut_slice()).map_err(|_| KeysError::CardMakerKey(path))?;
    Ok(TransportKey::from_bytes(*key))
}

/// `keys init`.
pub(crate) fn init(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let places = Places::at(&config.data)?;
    let passphrase = passphrase(&config.keys.passphrase_file)?;
    let store = create(&places, &passphrase, environment(config.keys.environment), SystemClock.now())?;
    print(&format!(
        "Made {}.\n{}The card maker's copy of the transport key is {}: give it to the card maker by another way, \
         then erase it here if this machine makes no cards.\n",
        places.key_store().display(),
        listed(&store),
        places.card_maker_key().display(),
    ))
}

/// `keys tap`.
pub(crate) fn tap(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let places = Places::at(&config.data)?;
    let passphrase = passphrase(&config.keys.passphrase_file)?;
    let store = open(&places, &passphrase, environment(config.keys.environment))?;
    let industries = crate::tap::industries(&config, &places)?;
    let made = add_bank_keys(&store, &industries, SystemClock.now())?;
    let said = match made.as_slice() {
        [] => "Every key is there already.\n".to_owned(),
        made => format!("Made {} keys.\n", made.len()),
    };
    print(&(said + &listed(&store)))?;
    // Whose keys are missing for this is told beside: the platform leaves these out as well.
    for bad in industries.bad_files() {
        eprintln!("warning: left out {}: {}", bad.name, bad.reason);
    }
    Ok(ExitCode::SUCCESS)
}

/// `keys list`.
pub(crate) fn list(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let places = Places::at(&config.data)?;
    let passphrase = passphrase(&config.keys.passphrase_file)?;
    print(&listed(&*open(&places, &passphrase, environment(config.keys.environment))?))
}

pub(crate) fn listed(store: &SealedFile) -> String {
    let mut text = String::from("NAME                 USE                  STATE       CHECK VALUE\n");
    for key in store.keys() {
        let (name, used, state) = (key.name.to_string(), key.key_use.to_string(), key.state.name());
        text += &format!("{name:<20} {used:<20} {state:<11} {}\n", key.check_value);
    }
    text
}
