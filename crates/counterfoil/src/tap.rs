//! The tap rail of a platform: the bank's two servers for wallet cards, each on a listener of its own, TLS 1.3 only.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crypto::BankKeys;
use packs::{Industries, VerifyingKey};
use server::App;
use server::bank::{Bank, BankRules};
use server::security::{Security, SmsGateway};
use server::tls::{ServerTls, TlsListener};

use crate::cli::Failure;
use crate::config::Config;
use crate::keys;
use crate::places::Places;
use crate::platform::{address_of, bind};

/// What the two servers are told at their start.
#[derive(Clone, Debug)]
pub(crate) struct TapListens {
    pub(crate) transaction: SocketAddr,
    pub(crate) security: SocketAddr,
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
    pub(crate) gateway: Option<SmsGateway>,
}

impl TapListens {
    /// As the configuration says; `None` where the rail is off.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, Failure> {
        let (tap, sms) = (&config.tap, &config.sms);
        if tap.certificate.as_os_str().is_empty() {
            return Ok(None);
        }
        let gateway = if sms.url.is_empty() {
            None
        } else {
            Some(SmsGateway::new(&sms.url, &sms.header, &sms.template)?)
        };
        Ok(Some(Self {
            transaction: tap.transaction_listen,
            security: tap.security_listen,
            certificate: tap.certificate.clone(),
            private_key: tap.private_key.clone(),
            gateway,
        }))
    }
}

/// The industries of a platform: its folder of packs and products.
pub(crate) fn industries(config: &Config, places: &Places) -> Result<Arc<Industries>, Failure> {
    let folder = if config.tap.industries.as_os_str().is_empty() {
        places.industries()
    } else {
        config.tap.industries.clone()
    };
    let signers = config
        .tap
        .pack_signers
        .split(',')
        .map(str::trim)
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse())
        .collect::<Result<Vec<VerifyingKey>, _>>()?;
    Ok(Arc::new(Industries::load(&folder, &signers)?))
}

/// Joins the bank with the platform that it stands on.
pub(crate) fn open_bank(
    app: App,
    keys: Arc<dyn BankKeys>,
    industries: Arc<Industries>,
) -> Result<Bank, Failure> {
    Ok(Bank::new(app, keys, keys::bank_keys()?, industries, BankRules::default()))
}

/// The two servers, while they run.
pub(crate) struct TapRail {
    pub(crate) transaction: SocketAddr,
    pub(crate) security: SocketAddr,
    listeners: Vec<TlsListener>,
    server: Security,
}

impl TapRail {
    /// Binds both ports, then serves.
    pub(crate) async fn start(bank: Bank, listens: TapListens) -> Result<Self, Failure> {
        let tls = ServerTls::load(&listens.certificate, &listens.private_key)?;
        let transaction =
            bind("the bank transaction server", listens.transaction, "tap.transaction_listen").await?;
        let security = bind("the bank security server", listens.security, "tap.security_listen").await?;
        let (transaction_at, security_at) =
            (address_of(&transaction, listens.transaction), address_of(&security, listens.security));
        let server = Security::start(bank.clone(), listens.gateway);
        let listeners = vec![
            TlsListener::serve(transaction, server::bank::http::router(bank), tls.clone())?,
            TlsListener::serve(security, server::security::http::router(server.clone()), tls)?,
        ];
        Ok(Self { transaction: transaction_at, security: security_at, listeners, server })
    }

    /// Takes nothing new, finishes what is in flight, and ends.
    pub(crate) async fn stop(self) {
        for listener in self.listeners {
            listener.stop().await;
        }
        self.server.stop().await;
    }
}
