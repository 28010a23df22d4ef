//! The servers that an address names, tried one after the other.
//!
//! For: a primary and its standbys. The first that takes changes is the one; a host that takes a connection and then says
//! nothing (a machine that hangs, a disk that does) costs its own time and not that of the next.
//! Refuses: nothing; `connection` does, before.
//! Next: `error` for what is told when none is left.

use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, RecyclingMethod};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use rustls::ClientConfig;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::signals::messages_of;

/// How long to wait for one host to answer at all, and then for it to let us in.
pub(super) const HOST_WAIT: Duration = Duration::from_secs(3);

/// How long a server may take nothing of what a copy sends.
const STANDSTILL: Duration = Duration::from_secs(600);

/// Each host by itself, and whom to believe that they are it.
#[derive(Clone)]
pub(super) struct Hosts {
    each: Vec<Config>,
    tls: Option<ClientConfig>,
}

type Connected = Result<(Client, JoinHandle<()>), Error>;

/// A connection that nobody drives but whoever takes its messages.
pub(super) struct Listening {
    pub(super) client: Client,
    pub(super) messages: BoxStream<'static, Result<AsyncMessage, Error>>,
}

impl Hosts {
    /// The hosts of an address that was looked at: it names one or more, and as many ports and numbers as hosts, or fewer.
    pub(super) fn of(config: &Config, tls: Option<ClientConfig>) -> Self {
        let each = (0..config.get_hosts().len()).map(|place| one(config, place)).collect();
        Self { each, tls }
    }

    /// For one long thing on a server that may stand still for a while, as when it writes a checkpoint of what it is sent: a connection
    /// on which nothing is taken is not dead for that.
    pub(super) fn unhurried(mut self) -> Self {
        for host in &mut self.each {
            host.tcp_user_timeout(STANDSTILL);
        }
        self
    }

    /// How long it takes at most to have tried them all.
    pub(super) fn wait(&self) -> Duration {
        let hosts = u32::try_from(self.each.len()).unwrap_or(u32::MAX);
        HOST_WAIT.saturating_mul(hosts).saturating_add(Duration::from_secs(1))
    }

    /// A connection to the first that takes changes. Ends only by the caller's own patience where none says anything.
    pub(super) async fn reach(&self) -> Connected {
        let Listening { client, mut messages } = self.listen().await?;
        let driving = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                if let Err(error) = message {
                    tracing::debug!(%error, "a connection to the database has ended");
                    return;
                }
            }
        });
        Ok((client, driving))
    }

    /// The same, with what the server says unasked.
    pub(super) async fn listen(&self) -> Result<Listening, Error> {
        let mut told = None;
        for host in &self.each {
            let connecting = async {
                match &self.tls {
                    Some(tls) => connect(host, MakeRustlsConnect::new(tls.clone())).await,
                    None => connect(host, NoTls).await,
                }
            };
            match timeout(HOST_WAIT, connecting).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => told = Some(error),
                Err(_) => {}
            }
        }
        match told {
            Some(error) => Err(error),
            None => std::future::pending().await,
        }
    }

    pub(super) fn manager(&self) -> Manager {
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        Manager::from_connect(Config::new(), self.clone(), how)
    }
}

impl Connect for Hosts {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        Box::pin(self.reach())
    }
}

async fn connect<T>(host: &Config, tls: T) -> Result<Listening, Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = host.connect(tls).await?;
    Ok(Listening { client, messages: messages_of(connection) })
}

/// What the address says of one of its hosts, and how long a connection may be dead before that is noticed.
fn one(config: &Config, place: usize) -> Config {
    let mut host = Config::new();
    match config.get_hosts().get(place) {
        Some(tokio_postgres::config::Host::Tcp(name)) => host.host(name),
        Some(tokio_postgres::config::Host::Unix(path)) => host.host_path(path),
        None => &mut host,
    };
    if let Some(number) = config.get_hostaddrs().get(place) {
        host.hostaddr(*number);
    }
    if let Some(port) = config.get_ports().get(place).or(config.get_ports().first()) {
        host.port(*port);
    }
    for (given, set) in [
        (config.get_user(), Config::user as fn(&mut Config, String) -> &mut Config),
        (config.get_dbname(), Config::dbname),
        (config.get_options(), Config::options),
    ] {
        if let Some(given) = given {
            set(&mut host, given.to_owned());
        }
    }
    if let Some(password) = config.get_password() {
        host.password(password);
    }
    host.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .application_name("counterfoil")
        .connect_timeout(HOST_WAIT)
        .tcp_user_timeout(Duration::from_secs(5))
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3)
        // Of several hosts the primary is the one that takes changes.
        .target_session_attrs(TargetSessionAttrs::ReadWrite);
    host
}
