//! A listener behind TLS, and its graceful end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::TlsError;

/// How long open requests may take to finish at a stop.
const STOP_WAIT: Duration = Duration::from_secs(2);
/// How long a client may take to shake hands, and then to send its first request's headers.
const BEGIN_WAIT: Duration = Duration::from_secs(10);
/// How long a connection waits for its next request: longer than clients keep unused ones, so that none is
/// closed in the moment of its use. A holder who types a PIN needs no new handshake.
const IDLE_WAIT: Duration = Duration::from_secs(120);

/// A listener and its graceful end.
pub struct TlsListener {
    address: SocketAddr,
    config: RustlsConfig,
    handle: Handle<SocketAddr>,
    task: JoinHandle<()>,
}

impl TlsListener {
    /// Serves on a socket that is bound already, so that whoever bound it told of a port that is taken.
    pub fn serve(listener: TcpListener, router: Router, tls: Arc<ServerConfig>) -> Result<Self, TlsError> {
        let address = listener.local_addr().map_err(TlsError::Socket)?;
        let (config, handle) = (RustlsConfig::from_config(tls), Handle::new());
        // Answers are small and waited for: none waits for a full packet.
        let acceptor = RustlsAcceptor::new(config.clone())
            .handshake_timeout(BEGIN_WAIT)
            .acceptor(NoDelayAcceptor::new());
        let socket = listener.into_std().map_err(TlsError::Socket)?;
        let server = axum_server::from_tcp(socket).map_err(TlsError::Socket)?;
        let mut server = server.acceptor(acceptor).handle(handle.clone()).http1_only();
        server = server.first_request_timeout(BEGIN_WAIT);
        server.http_builder().http1().header_read_timeout(IDLE_WAIT);
        let task = tokio::spawn(async move {
            if let Err(error) = server.serve(router.into_make_service()).await {
                tracing::error!(%error, "a TLS listener failed");
            }
        });
        Ok(Self { address, config, handle, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes a renewed certificate for the connections to come.
    pub fn renew(&self, tls: Arc<ServerConfig>) {
        self.config.reload_from_config(tls);
    }

    /// Takes nothing new and waits for open requests, but not for ever.
    pub async fn stop(mut self) {
        self.handle.graceful_shutdown(Some(STOP_WAIT));
        if tokio::time::timeout(STOP_WAIT + STOP_WAIT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
