//! A server of the test's own: TLS as it should be or not, HTTP as it should be or not.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Who signs servers' certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// As a server should be.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.signed(CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap())
    }

    pub(crate) fn server_of_another_name(&self) -> Arc<ServerConfig> {
        self.signed(CertificateParams::new(vec!["bank.example".into()]).unwrap())
    }

    /// Good between these years.
    pub(crate) fn server_of_years(&self, from: i32, to: i32) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        self.signed(params)
    }

    fn signed(&self, params: CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Arc::new(config)
    }
}

/// What a server does with a request.
pub(crate) enum Reply {
    Answer(u16, Vec<u8>),
    /// These bytes, and the end.
    Raw(Vec<u8>),
    /// Nothing at all.
    Hang,
    /// The connection ends.
    Close,
}

impl Reply {
    pub(crate) fn json(status: u16, json: serde_json::Value) -> Self {
        Self::Answer(status, json.to_string().into_bytes())
    }

    pub(crate) fn refusal(status: u16, code: &str) -> Self {
        Self::json(status, serde_json::json!({ "code": code, "detail": "so says the test" }))
    }
}

/// A server that listens until it is dropped.
pub(crate) struct Stand {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Stand {
    /// Serves at any port what this says.
    pub(crate) async fn start(
        tls: Arc<ServerConfig>,
        reply: impl Fn(&str, &[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(tls), reply).await
    }

    /// Takes connections and says nothing.
    pub(crate) async fn silent() -> Self {
        Self::listen(None, |_, _| Reply::Hang).await
    }

    async fn listen(
        tls: Option<Arc<ServerConfig>>,
        reply: impl Fn(&str, &[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reply, connections) = (Arc::new(reply), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let (tls, reply) = (tls.clone(), Arc::clone(&reply));
                open.spawn(async move {
                    let Some(tls) = tls else {
                        std::future::pending::<()>().await;
                        drop(stream);
                        return;
                    };
                    // A client that does not like the certificate goes away.
                    if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                        let _ = serve(stream, &*reply).await;
                    }
                });
            }
        });
        Self { address, connections, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The address of a server that is not there any more.
    pub(crate) async fn gone() -> String {
        let stand = Self::silent().await;
        let url = stand.url();
        drop(stand);
        tokio::task::yield_now().await;
        url
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: &(impl Fn(&str, &[u8]) -> Reply + Send + Sync),
) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
        let path = text.split(' ').nth(1).unwrap().to_owned();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.unwrap().trim().parse().unwrap();
        while read.len() < head + length {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        let body: Vec<u8> = read.drain(..head + length).skip(head).collect();
        match reply(&path, &body) {
            Reply::Answer(status, body) => {
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(&[head.as_bytes(), &body].concat()).await?;
                stream.flush().await?;
            }
            Reply::Raw(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Reply::Hang => std::future::pending::<()>().await,
            Reply::Close => return Ok(()),
        }
    }
}
