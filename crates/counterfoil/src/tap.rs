//! The tap rail of a platform: the bank's two servers for wallet cards, each on a listener of its own, TLS 1.3 only.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crypto::BankKeys;
use packs::{BadFile, Industries, VerifyingKey};
use server::App;
use server::bank::{Bank, BankRules};
use server::nodes::{Role, Roles};
use server::security::{Gateway, Security, SmsDelivery, SmsGateway};
use server::tls::{ServerTls, TlsListener};
use tokio::task::JoinHandle;

use crate::cli::Failure;
use crate::config::Config;
use crate::keys;
use crate::places::Places;
use crate::platform::{address_of, bind};

/// How often the industries' folder is looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(5);
/// Every so many times, what ended is forgotten.
const FORGET_EVERY_TICKS: u32 = 12;

/// What the two servers are told at their start.
#[derive(Clone, Debug)]
pub(crate) struct TapListens {
    pub(crate) transaction: SocketAddr,
    pub(crate) security: SocketAddr,
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
    pub(crate) gateway: Option<SmsGateway>,
    /// Whose driver packs terminals are told to trust.
    pub(crate) pack_signers: Vec<VerifyingKey>,
}

impl TapListens {
    /// As the configuration says; `None` where the rail is off, or nothing of it is this node's.
    pub(crate) fn of(config: &Config, roles: Roles) -> Result<Option<Self>, Failure> {
        let (tap, sms) = (&config.tap, &config.sms);
        let (serves, sends) = (roles.has(Role::Tap), roles.has(Role::Jobs));
        let off = tap.certificate.as_os_str().is_empty();
        // A node that only sends texts needs no certificate.
        if (off && (serves || sms.url.is_empty())) || !(serves || sends) {
            return Ok(None);
        }
        let gateway = if sms.url.is_empty() {
            tracing::warn!("sms.url is empty: no SMS code leaves this bank, and so no card can be loaded");
            None
        } else {
            let header = sms
                .header
                .split_once(':')
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
            Some(SmsGateway {
                url: sms.url.clone(),
                headers: header.into_iter().collect(),
                template: sms.template.clone(),
                authorities: None,
            })
        };
        Ok(Some(Self {
            transaction: tap.transaction_listen,
            security: tap.security_listen,
            certificate: tap.certificate.clone(),
            private_key: tap.private_key.clone(),
            gateway,
            pack_signers: pack_signers(config)?,
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
    Ok(Arc::new(Industries::load(&folder, &pack_signers(config)?)?))
}

fn pack_signers(config: &Config) -> Result<Vec<VerifyingKey>, Failure> {
    let listed = config.tap.pack_signers.split(',').map(str::trim).filter(|digits| !digits.is_empty());
    let read =
        |digits: &str| digits.parse().map_err(|error| format!("tap.pack_signers, `{digits}`: {error}"));
    Ok(listed.map(read).collect::<Result<_, _>>()?)
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
    delivery: Option<SmsDelivery>,
    sweeper: JoinHandle<()>,
}

impl TapRail {
    /// Binds both ports, then serves.
    pub(crate) async fn start(bank: Bank, listens: TapListens) -> Result<Self, Failure> {
        Self::start_as(bank, listens, Roles::ALL).await
    }

    /// The same; or does only what its other roles ask for.
    pub(crate) async fn start_as(bank: Bank, listens: TapListens, roles: Roles) -> Result<Self, Failure> {
        let gateway = listens.gateway.as_ref().map(Gateway::new).transpose()?;
        let signers = listens.pack_signers.iter().map(|signer| signer.to_bytes()).collect();
        let server = Security::new(bank.clone(), signers);
        let mut listeners = Vec::new();
        let (mut transaction, mut security) = (listens.transaction, listens.security);
        if roles.has(Role::Tap) {
            (listeners, (transaction, security)) = Self::listen(bank, &server, &listens).await?;
        }
        Ok(Self {
            transaction,
            security,
            listeners,
            delivery: roles.has(Role::Jobs).then(|| server.deliver_sms(gateway)),
            sweeper: tokio::spawn(sweep(server)),
        })
    }

    async fn listen(
        bank: Bank,
        server: &Security,
        listens: &TapListens,
    ) -> Result<(Vec<TlsListener>, (SocketAddr, SocketAddr)), Failure> {
        let tls = ServerTls::load(&listens.certificate, &listens.private_key)?;
        let transaction =
            bind("the bank transaction server", listens.transaction, "tap.transaction_listen").await?;
        let security = bind("the bank security server", listens.security, "tap.security_listen").await?;
        let at = (address_of(&transaction, listens.transaction), address_of(&security, listens.security));
        let listeners = vec![
            TlsListener::serve(transaction, server::bank::http::router(bank), tls.clone())?,
            TlsListener::serve(security, server::security::http::router(server.clone()), tls)?,
        ];
        Ok((listeners, at))
    }

    /// Takes nothing new, finishes what is in flight, and ends.
    pub(crate) async fn stop(self) {
        for listener in self.listeners {
            listener.stop().await;
        }
        if let Some(delivery) = self.delivery {
            delivery.stop().await;
        }
        self.sweeper.abort();
    }
}

/// Names the files of the industries' folder that are not used, each once until its fault changes.
fn tell_bad_files(industries: &Industries, told: &mut Vec<BadFile>) {
    let bad_files = industries.bad_files();
    for bad in bad_files.iter().filter(|bad| !told.contains(bad)) {
        tracing::warn!(file = bad.name, code = bad.code, reason = bad.reason, "not a good pack or product");
    }
    *told = bad_files;
}

/// Takes up packs and products that were put into the folder, and forgets what ended a day ago.
async fn sweep(server: Security) {
    let mut tick = tokio::time::interval(RELOAD_EVERY);
    // Those of the start were told then.
    let mut told = server.bank().industries().bad_files();
    for ticks in 0_u32.. {
        tick.tick().await;
        if let Err(error) = server.bank().industries().reload() {
            tracing::error!(%error, "the industries could not be read again");
        }
        tell_bad_files(server.bank().industries(), &mut told);
        if ticks.is_multiple_of(FORGET_EVERY_TICKS) {
            while server.forget_ended().await.is_ok_and(|forgotten| forgotten > 0) {}
        }
    }
}
