//! What a connection to a ChirpStack is told.

use std::path::PathBuf;
use std::time::Duration;

use model::ChannelId;
use networks::chirpstack::FPort;
use networks::lorawan::{self, Region};
use rumqttc::{MqttOptions, TlsConfiguration, Transport};

use crate::bearer::{FrameLimit, bearer_of};
use crate::tls::{TlsError, trusting};

/// How long nothing may be said before the connection is tried.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// What a connection to a ChirpStack is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bearer's name in addresses: small letters, digits, hyphens.
    pub name: String,
    /// Where its broker is: `mqtt://HOST:PORT` or `mqtts://HOST:PORT`.
    pub url: String,
    /// Under which client id the broker keeps the session: one for each platform.
    pub client_id: String,
    /// User name and password, where the broker wants them.
    pub credentials: Option<(String, Password)>,
    /// Whom to trust with `mqtts`; `None`: whom this machine trusts.
    pub authorities: Option<PathBuf>,
    /// What stands before `application/…` in topics.
    pub prefix: String,
    /// The applications that are listened to; empty: all that the broker shows.
    pub applications: Vec<String>,
    /// On which port of LoRaWAN frames go, both ways.
    pub f_port: FPort,
    /// Whether downlinks ask the radio for its acknowledgement: it costs an uplink each.
    pub confirmed: bool,
    /// The region where an event does not name one.
    pub region: Region,
}

/// A broker's password.
#[derive(Clone)]
pub struct Password(zeroize::Zeroizing<String>);

impl Password {
    /// Takes a password.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The name would not do in an address.
    #[error("the name {0:?} is not 1 to 32 small letters, digits and hyphens")]
    Name(String),
    /// The address of the broker.
    #[error("{0:?} is no broker: give mqtt://HOST:PORT or mqtts://HOST:PORT, without user and password")]
    Url(String),
    /// The client id.
    #[error("the client id {0:?} is not 1 to 64 letters, digits, hyphens and underscores")]
    ClientId(String),
    /// An application's id.
    #[error("{0:?} is no application's id")]
    Application(String),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Settings {
    /// For a broker at this address, everything else as it usually is.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            name: "chirpstack".into(),
            url: url.into(),
            client_id: "counterfoil".into(),
            credentials: None,
            authorities: None,
            prefix: String::new(),
            applications: Vec::new(),
            f_port: FPort::COUNTERFOIL,
            confirmed: false,
            region: Region::Eu868,
        }
    }

    /// Checks all of it.
    pub(super) fn options(&self) -> Result<MqttOptions, SettingsError> {
        let plain = |text: &str, most: usize, others: &str| {
            (1..=most).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        if !plain(&self.name, 32, "-") || self.name.chars().any(|c| c.is_ascii_uppercase()) {
            return Err(SettingsError::Name(self.name.clone()));
        }
        if !plain(&self.client_id, 64, "-_") {
            return Err(SettingsError::ClientId(self.client_id.clone()));
        }
        if let Some(bad) = self.applications.iter().find(|id| !plain(id, 64, "-_")) {
            return Err(SettingsError::Application(bad.clone()));
        }
        let (secured, host, port) =
            host_and_port(&self.url).ok_or_else(|| SettingsError::Url(self.url.clone()))?;
        let mut options = MqttOptions::new(&self.client_id, host, port);
        options.set_keep_alive(KEEP_ALIVE);
        if let Some((user, Password(password))) = &self.credentials {
            options.set_credentials(user, password.as_str());
        }
        if secured {
            let tls = trusting(self.authorities.as_deref())?;
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.into())));
        }
        Ok(options)
    }

    /// The topics that are subscribed to.
    pub(super) fn subscriptions(&self) -> Vec<String> {
        let of = |application| networks::chirpstack::subscription(&self.prefix, application);
        if self.applications.is_empty() {
            vec![of(None)]
        } else {
            self.applications.iter().map(|application| of(Some(application))).collect()
        }
    }

    fn limits(&self) -> impl Iterator<Item = usize> {
        (0..=15).filter_map(|rate| lorawan::downlink_limit(self.region, rate)).filter(|bytes| *bytes > 0)
    }

    /// What the slowest data rate carries that carries anything, in bytes: a text for a push must fit there, since the
    /// network chooses its data rate.
    pub(super) fn room(&self) -> usize {
        self.limits().min().unwrap_or(0)
    }

    /// What no data rate of the region carries more than.
    pub(super) fn longest(&self) -> FrameLimit<'static> {
        let bearer = match self.region {
            Region::Eu868 => "LoRaWAN EU868",
            Region::Us915 => "LoRaWAN US915",
            Region::Cn470 => "LoRaWAN CN470",
            Region::As923 | Region::As923Dwell => "LoRaWAN AS923",
        };
        FrameLimit { bearer, bytes: self.limits().max().unwrap_or(0) }
    }
}

fn host_and_port(url: &str) -> Option<(bool, &str, u16)> {
    let (secured, rest) = match url.split_once("://")? {
        ("mqtt", rest) => (false, rest),
        ("mqtts", rest) => (true, rest),
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['@', '/', '?']) {
        return None;
    }
    let standard = if secured { 8883 } else { 1883 };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) => {
            (host, port.parse().ok()?)
        }
        Some(_) | None => (rest, standard),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then_some((secured, host, port))
}

/// An address as this bearer writes it.
pub(super) fn address(name: &str, application: &str, channel: ChannelId) -> String {
    format!("{name}:{application}/{channel}")
}

/// The application and the channel of an address that this bearer wrote.
pub(super) fn application_and_device<'a>(name: &str, address: &'a str) -> Option<(&'a str, ChannelId)> {
    if bearer_of(address) != name {
        return None;
    }
    let (application, channel) = address.get(name.len() + 1..)?.split_once('/')?;
    Some((application, channel.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_named_by_scheme_host_and_port() {
        for (url, read) in [
            ("mqtt://localhost", Some((false, "localhost", 1883))),
            ("mqtt://localhost:2000/", Some((false, "localhost", 2000))),
            ("mqtts://broker.example", Some((true, "broker.example", 8883))),
            ("mqtt://[::1]:1884", Some((false, "::1", 1884))),
            ("mqtt://[::1]", Some((false, "::1", 1883))),
            ("localhost:1883", None),
            ("http://localhost", None),
            ("mqtt://", None),
            ("mqtt://user:word@localhost", None),
            ("mqtt://localhost:99999", None),
            ("mqtt://localhost/path", None),
        ] {
            assert_eq!(host_and_port(url), read, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let good = Settings::at("mqtt://localhost");
        assert!(good.options().is_ok());
        let bad = |change: fn(&mut Settings)| {
            let mut settings = good.clone();
            change(&mut settings);
            settings.options().err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(bad(|s| s.name = "Chirp:Stack".into()).contains("Chirp:Stack"));
        assert!(bad(|s| s.client_id = "a/b".into()).contains("a/b"));
        assert!(bad(|s| s.applications = vec!["+".into()]).contains("application"));
        assert!(bad(|s| s.url = "tcp://x".into()).contains("mqtt://HOST:PORT"));
        let settings =
            Settings { credentials: Some(("u".into(), Password::new("secret".into()))), ..good.clone() };
        assert_eq!(format!("{:?}", settings.credentials), r#"Some(("u", [redacted]))"#);
    }

    #[test]
    fn an_address_reads_back() {
        let channel = "deveui:70b3d57ed0000001".parse().unwrap();
        let written = address("chirpstack", "app-1", channel);
        assert_eq!(application_and_device("chirpstack", &written), Some(("app-1", channel)));
        assert_eq!(application_and_device("other", &written), None);
        assert_eq!(application_and_device("chirpstack", "chirpstack:app-1"), None);
    }
}
