//! The configuration: a TOML file, and environment variables over it.
//!
//! A wrong key or value is named with its line; a wrong variable by its name. Nothing is guessed.

pub(crate) mod check;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use fleet::AlertRules;
use networks::chirpstack::FPort;
use networks::lorawan::Region;
use operator::Rate;
use serde::Deserialize;
use server::Rules;
use server::fleet::FleetRules;
use server::webhooks;
use toml::{Table, Value};

/// Everything that a platform is told at its start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where database, key store and lock are.
    pub(crate) data: PathBuf,
    pub(crate) database: DatabaseSection,
    pub(crate) air: Air,
    pub(crate) fleet: FleetSection,
    pub(crate) chirpstack: ChirpStackSection,
    pub(crate) northbound: NorthboundSection,
    pub(crate) ctwing: CtWingSection,
    pub(crate) onenet: OneNetSection,
    pub(crate) oceanconnect: OceanConnectSection,
    pub(crate) sigfox: SigfoxSection,
    pub(crate) http: Http,
    pub(crate) operations: Operations,
    pub(crate) keys: Keys,
    pub(crate) orders: Orders,
    pub(crate) settlement: Settlement,
    pub(crate) test_mode: TestModeSection,
    pub(crate) tap: Tap,
    pub(crate) sms: Sms,
    pub(crate) log: Log,
    pub(crate) webhooks: WebhooksSection,
}

/// A database server; the file in the data folder where none is named.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatabaseSection {
    pub(crate) url: String,
    pub(crate) password_file: PathBuf,
    pub(crate) authorities: PathBuf,
    pub(crate) node: String,
    pub(crate) roles: String,
}

impl core::fmt::Debug for DatabaseSection {
    /// The address may hold a password.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DatabaseSection").field("url", &"[redacted]").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Air {
    pub(crate) listen: SocketAddr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FleetSection {
    pub(crate) silent_seconds: u32,
    pub(crate) battery_low_percent: u8,
    pub(crate) wrong_codes_an_hour: u32,
    pub(crate) frames_kept: u64,
    pub(crate) frames_days: u32,
}

impl FleetSection {
    fn rules(&self) -> FleetRules {
        // A battery is told in halves of a per cent; it is well again ten per cent above the bound.
        let low = self.battery_low_percent.saturating_mul(2);
        let alerts = AlertRules {
            battery_low_below: low,
            battery_well_from: low.saturating_add(20).min(200),
            silent_seconds: self.silent_seconds,
            wrong_codes_an_hour: self.wrong_codes_an_hour,
        };
        FleetRules {
            alerts,
            frames_kept: self.frames_kept,
            frames_millis: i64::from(self.frames_days) * 86_400_000,
            ..FleetRules::default()
        }
    }
}

/// A ChirpStack's broker. It is connected to where it is named.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChirpStackSection {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password_file: PathBuf,
    pub(crate) client_id: String,
    pub(crate) authorities: PathBuf,
    pub(crate) topic_prefix: String,
    pub(crate) applications: String,
    pub(crate) f_port: u8,
    pub(crate) confirmed: bool,
    pub(crate) region: String,
}

/// Where operators' platforms push.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NorthboundSection {
    pub(crate) listen: String,
    pub(crate) public_url: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CtWingSection {
    pub(crate) api_url: String,
    pub(crate) secret_file: PathBuf,
    pub(crate) application: String,
    pub(crate) application_secret_file: PathBuf,
    pub(crate) product: u64,
    pub(crate) master_key_file: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneNetSection {
    pub(crate) api_url: String,
    pub(crate) token_file: PathBuf,
    pub(crate) api_key_file: PathBuf,
    pub(crate) resource: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OceanConnectSection {
    pub(crate) api_url: String,
    pub(crate) secret_file: PathBuf,
    pub(crate) application: String,
    pub(crate) application_secret_file: PathBuf,
    pub(crate) authorities: PathBuf,
    pub(crate) service: String,
    pub(crate) field: String,
    pub(crate) method: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SigfoxSection {
    pub(crate) secret_file: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: String,
    pub(crate) key_requests_per_second: u32,
    pub(crate) key_requests_burst: u32,
    pub(crate) address_requests_per_second: u32,
    pub(crate) address_requests_burst: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operations {
    pub(crate) listen: SocketAddr,
    pub(crate) names: String,
    pub(crate) tls: bool,
}

impl Operations {
    /// The names under which the console answers.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    pub(crate) environment: Environment,
    pub(crate) passphrase_file: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Environment {
    Test,
    Production,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Orders {
    pub(crate) lifetime_seconds: u32,
    pub(crate) prompt_seconds_max: u32,
    pub(crate) prompts_per_hour: u32,
    pub(crate) waiting_max: usize,
    pub(crate) uncounted_minor_max: u32,
}

/// Days that are closed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settlement {
    pub(crate) utc_offset: String,
}

impl Settlement {
    /// Seconds east of UTC: `+08:00`, from -12:00 to +14:00.
    fn offset_seconds(&self) -> Option<i32> {
        let (sign, rest) = match self.utc_offset.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let number = |text: &str| -> Option<i32> {
            if text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
        };
        let (hours, minutes) = (number(hours)?, number(minutes).filter(|minutes| *minutes < 60)?);
        Some(sign * (hours * 3_600 + minutes * 60)).filter(|seconds| (-43_200..=50_400).contains(seconds))
    }
}

/// A second platform of made-up money, for merchants' own tests.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestModeSection {
    pub(crate) enabled: bool,
    pub(crate) database: String,
    pub(crate) cards_a_merchant: u32,
    pub(crate) keep_days: u32,
}

impl core::fmt::Debug for TestModeSection {
    /// The address may hold a password.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TestModeSection").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

/// The bank's two servers for wallet cards. They run where both files are named.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tap {
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
    pub(crate) transaction_listen: SocketAddr,
    pub(crate) security_listen: SocketAddr,
    pub(crate) industries: PathBuf,
    pub(crate) pack_signers: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sms {
    pub(crate) url: String,
    pub(crate) header: String,
    pub(crate) template: String,
}

/// Where merchants' servers are told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhooksSection {
    pub(crate) allow_private: bool,
    pub(crate) authorities: PathBuf,
}

impl WebhooksSection {
    pub(crate) fn settings(&self) -> webhooks::Settings {
        let named = !self.authorities.as_os_str().is_empty();
        webhooks::Settings {
            authorities: named.then(|| self.authorities.clone()),
            ..webhooks::Settings::default()
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Every setting with its default and what it means: what `config print` writes, and what a file may leave out.
const TEMPLATE: &str = include_str!("config.toml");

/// Variables over the file begin so: `COUNTERFOIL_HTTP_LISTEN` is `listen` in `[http]`.
const PREFIX: &str = "COUNTERFOIL_";
/// Variables that are no settings of the file.
const OTHER_VARIABLES: [&str; 4] =
    ["COUNTERFOIL_PASSPHRASE", "COUNTERFOIL_LOG", "COUNTERFOIL_TERMINAL", "COUNTERFOIL_TERMINAL_PASSPHRASE"];

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("there is no configuration {path}. `counterfoil config print > {path}` writes one")]
    Missing { path: PathBuf },
    #[error("the configuration {path} cannot be read: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{path}, {what}")]
    Wrong { path: PathBuf, what: String },
    #[error("the environment variable {name} {what}")]
    Variable { name: String, what: String },
    #[error("{path}, key `{key}`: {what}")]
    OutOfRange { path: PathBuf, key: &'static str, what: &'static str },
}

impl Config {
    /// Reads a file (or only the defaults) and the variables over it.
    pub(crate) fn load(
        path: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let named = path.unwrap_or(Path::new("the defaults")).to_owned();
        let wrong = |what: String| ConfigError::Wrong { path: named.clone(), what };
        let mut settings: Table =
            TEMPLATE.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        if let Some(path) = path {
            let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
                _ => ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() },
            })?;
            let file: Table =
                text.parse().map_err(|error: toml::de::Error| wrong(error.to_string().trim().to_owned()))?;
            overlay(&mut settings, file, &text, "").map_err(wrong)?;
        }
        for (name, value) in variables {
            if let Some(setting) = name.strip_prefix(PREFIX)
                && !OTHER_VARIABLES.contains(&name.as_str())
            {
                set_variable(&mut settings, setting, &value)
                    .map_err(|what| ConfigError::Variable { name: name.clone(), what })?;
            }
        }
        let config: Self =
            settings.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        config.check(named)
    }

    fn check(self, path: PathBuf) -> Result<Self, ConfigError> {
        let out = |key, what| Err(ConfigError::OutOfRange { path: path.clone(), key, what });
        let orders = &self.orders;
        if !(10..=86_400).contains(&orders.lifetime_seconds) {
            return out("orders.lifetime_seconds", "must be 10 to 86400");
        }
        if !(10..=2_550).contains(&orders.prompt_seconds_max) {
            return out("orders.prompt_seconds_max", "must be 10 to 2550, what a frame can say");
        }
        if !(1..=64).contains(&orders.waiting_max) {
            return out("orders.waiting_max", "must be 1 to 64");
        }
        if self.settlement.offset_seconds().is_none() {
            return out("settlement.utc_offset", "must be -12:00 to +14:00, as in +08:00");
        }
        let http = &self.http;
        for (key, value) in [
            ("http.key_requests_per_second", http.key_requests_per_second),
            ("http.key_requests_burst", http.key_requests_burst),
            ("http.address_requests_per_second", http.address_requests_per_second),
            ("http.address_requests_burst", http.address_requests_burst),
        ] {
            if !(1..=1_000_000).contains(&value) {
                return out(key, "must be 1 to 1000000");
            }
        }
        let fleet = &self.fleet;
        if !(60..=31_536_000).contains(&fleet.silent_seconds) {
            return out("fleet.silent_seconds", "must be 60 to 31536000");
        }
        if !(1..=99).contains(&fleet.battery_low_percent) {
            return out("fleet.battery_low_percent", "must be 1 to 99");
        }
        if !(1..=1_000_000).contains(&fleet.wrong_codes_an_hour) {
            return out("fleet.wrong_codes_an_hour", "must be 1 to 1000000");
        }
        if !(1..=3_650).contains(&fleet.frames_days) {
            return out("fleet.frames_days", "must be 1 to 3650");
        }
        let chirpstack = &self.chirpstack;
        if FPort::new(chirpstack.f_port).is_err() {
            return out("chirpstack.f_port", "must be 1 to 223");
        }
        if Region::from_name(&chirpstack.region).is_none() {
            return out("chirpstack.region", "must be eu868, us915, cn470, as923 or as923-dwell");
        }
        if chirpstack.user.is_empty() != chirpstack.password_file.as_os_str().is_empty() {
            return out("chirpstack.password_file", "must be given with chirpstack.user, or neither");
        }
        if !(1..=10_000).contains(&self.test_mode.cards_a_merchant) {
            return out("test_mode.cards_a_merchant", "must be 1 to 10000");
        }
        if !(1..=3_650).contains(&self.test_mode.keep_days) {
            return out("test_mode.keep_days", "must be 1 to 3650");
        }
        if !self.test_mode.database.is_empty() && self.test_mode.database == self.database.url {
            return out(
                "test_mode.database",
                "must not be that of [database]: test data and live money never mix",
            );
        }
        if !self.northbound.listen.is_empty() && self.northbound.listen.parse::<SocketAddr>().is_err() {
            return out("northbound.listen", "must be an address and a port, or empty");
        }
        if self.tap.certificate.as_os_str().is_empty() != self.tap.private_key.as_os_str().is_empty() {
            return out("tap.private_key", "must be given with tap.certificate, or neither");
        }
        if !self.sms.template.contains("{text}") {
            return out("sms.template", "must hold {text}, where the code is put");
        }
        if !self.http.public_url.starts_with("http://") && !self.http.public_url.starts_with("https://") {
            return out("http.public_url", "must begin with http:// or https://");
        }
        Ok(self)
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            order_seconds_default: self.orders.lifetime_seconds,
            prompt_seconds_max: self.orders.prompt_seconds_max,
            prompts_per_hour: self.orders.prompts_per_hour,
            waiting_max: self.orders.waiting_max,
            press: payment::PressRule { uncounted_minor_max: self.orders.uncounted_minor_max },
            settlement_offset_seconds: self.settlement.offset_seconds().unwrap_or(0),
            fleet: self.fleet.rules(),
            key_rate: Rate {
                per_second: self.http.key_requests_per_second,
                burst: self.http.key_requests_burst,
            },
            address_rate: Rate {
                per_second: self.http.address_requests_per_second,
                burst: self.http.address_requests_burst,
            },
            webhook_mode: if self.webhooks.allow_private {
                webhooks::Mode::Test
            } else {
                webhooks::Mode::Live
            },
            ..Rules::default()
        }
    }

    /// The commented template.
    pub(crate) fn template() -> &'static str {
        TEMPLATE
    }
}

/// Puts a file's values over the defaults; a key that the defaults do not have, or of another type, is named
/// with its line.
fn overlay(settings: &mut Table, file: Table, text: &str, section: &str) -> Result<(), String> {
    for (key, value) in file {
        let line = line_of(text, section, &key);
        let Some(known) = settings.get_mut(&key) else {
            let near: Vec<&str> = settings.keys().map(String::as_str).collect();
            let place = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
            return Err(format!("line {line}: unknown key `{key}`{place}; known are {}", near.join(", ")));
        };
        match (known, value) {
            (Value::Table(known), Value::Table(file)) => overlay(known, file, text, &key)?,
            (known, value) => {
                set(known, value).map_err(|what| format!("line {line}: `{key}` {what}"))?;
                // The type fits; now the value itself must mean something.
                probe(section, &key, known).map_err(|what| format!("line {line}: `{key}` {what}"))?;
            }
        }
    }
    Ok(())
}

fn set(known: &mut Value, value: Value) -> Result<(), String> {
    if known.type_str() != value.type_str() {
        return Err(format!("must be of type {}, not {}", known.type_str(), value.type_str()));
    }
    *known = value;
    Ok(())
}

/// Reads one value as its setting's type by itself, so that the error is this key's.
fn probe(section: &str, key: &str, value: &Value) -> Result<(), String> {
    let mut settings: Table = TEMPLATE.parse().unwrap_or_default();
    let place = if section.is_empty() {
        settings.get_mut(key)
    } else {
        settings.get_mut(section).and_then(|table| table.get_mut(key))
    };
    if let Some(place) = place {
        *place = value.clone();
    }
    Config::deserialize(settings).map(|_| ()).map_err(|error| format!("is wrong: {}", error.message()))
}

/// The line on which a key of a section stands, counted from 1.
fn line_of(text: &str, section: &str, key: &str) -> usize {
    let mut current = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            current = header.trim();
            if section.is_empty() && current == key {
                return index + 1;
            }
        } else if current == section
            && line.split('=').next().is_some_and(|name| name.trim().trim_matches('"') == key)
        {
            return index + 1;
        }
    }
    1
}

/// `HTTP_LISTEN` is `listen` in `[http]`; `DATA` stands outside of any section.
fn set_variable(settings: &mut Table, name: &str, value: &str) -> Result<(), String> {
    let name = name.to_ascii_lowercase();
    let mut known_names = String::new();
    for (key, place) in settings.iter_mut() {
        match place {
            Value::Table(section) => {
                for (inner, place) in section.iter_mut() {
                    let _ = write!(known_names, " {PREFIX}{}_{}", key.to_uppercase(), inner.to_uppercase());
                    if name == format!("{key}_{inner}") {
                        set(place, typed(place, value)?)?;
                        return probe(key, inner, place);
                    }
                }
            }
            place if *key == name => return set(place, typed(place, value)?),
            _ => {
                let _ = write!(known_names, " {PREFIX}{}", key.to_uppercase());
            }
        }
    }
    Err(format!("is no setting; known are{known_names}"))
}

fn typed(like: &Value, value: &str) -> Result<Value, String> {
    match like {
        Value::Integer(_) => value.parse().map(Value::Integer).map_err(|_| "must be a whole number".into()),
        Value::Boolean(_) => value.parse().map(Value::Boolean).map_err(|_| "must be true or false".into()),
        _ => Ok(Value::String(value.to_owned())),
    }
}

#[cfg(test)]
mod tests;
