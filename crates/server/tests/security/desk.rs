//! A bank with both of its doors open behind TLS, on a real database and a real key store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use crypto::{ActivationSecret, KeyName, Pin, TerminalSuite};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use keystore::{Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile};
use model::{Amount, Asn, Currency, HolderReference, OnlineCounter, TerminalId};
use packs::{Industries, Product};
use payment::TransferId;
use rustls::ClientConfig;
use serde_json::{Value, json};
use server::app::Funding;
use server::bank::{Bank, BankKeyNames, BankRules, NewBankCard};
use server::security::Security;
use server::tls::{DevCertificates, ServerTls, TlsListener, dev_certificates, trusting};
use server::{App, Metrics, Rules, SystemChance};
use store::{Holder, StoreError, Wallet, WalletState};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::device::Device;
use crate::town::keys::Keys;
use crate::town::parts::StandingClock;
use crate::town::{EVENING, soon};

pub(crate) const TERMINAL: TerminalId = TerminalId([0x31, 0, 0, 0, 0, 0x01]);
pub(crate) const OTHER: TerminalId = TerminalId([0x31, 0, 0, 0, 0, 0x02]);
pub(crate) const PHONE: &str = "+8613912345678";
/// The PIN of every bank card.
pub(crate) const PIN: &str = "135790";
/// The public keys of two pack signers, as the bank names them.
pub(crate) const SIGNERS: [[u8; 32]; 2] = [[0x51; 32], [0x52; 32]];

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

/// A key store with the bank's own keys.
fn key_store(folder: &Path) -> SealedFile {
    let path = folder.join("keys");
    let passphrase = Passphrase::new("correct horse battery staple".into()).unwrap();
    if path.exists() {
        return SealedFile::open(&path, &passphrase, Environment::Test).unwrap();
    }
    let entropy = &mut keystore::system_entropy;
    let store = SealedFile::create(&path, &passphrase, Environment::Test, Cost::Testing, entropy).unwrap();
    let custodian = Custodian::new("Li Na").unwrap();
    for (key, key_use) in [
        ("terminals", KeyUse::DeriveTerminalKeys),
        ("pins", KeyUse::VerifyPins),
        ("transport", KeyUse::WrapCardKeys),
    ] {
        store.generate(name(key), key_use, &custodian, EVENING, entropy).unwrap();
        store.set_state(name(key), KeyEvent::Activate, &custodian, EVENING).unwrap();
    }
    store
}

/// The bank. It ends with this value.
pub(crate) struct Desk {
    pub(crate) bank: Bank,
    pub(crate) security: Security,
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) certificates: DevCertificates,
    pub(crate) folder: TempDir,
    tap: TlsListener,
    door: TlsListener,
    caller: Caller,
    wallets: u64,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        dev_certificates(&folder.path().join("tls"), &[], machine_now(), false).unwrap();
        Self::open_in(folder, Arc::new(StandingClock::at(EVENING)), 0).await
    }

    async fn open_in(folder: TempDir, clock: Arc<StandingClock>, wallets: u64) -> Self {
        let store = store::sqlite::open(&folder.path().join("bank.db")).unwrap();
        let keys = Arc::new(Keys::default());
        // Chance as it is: throws that are the same in every run would come again after a restart.
        let (chance, metrics) = (Arc::new(SystemChance), Arc::new(Metrics::new()));
        let app = App::new(store, keys, clock.clone(), chance, Rules::default(), metrics);
        let names = BankKeyNames {
            terminal_root: name("terminals"),
            pin_verification: name("pins"),
            transport: name("transport"),
        };
        let sealed = Arc::new(key_store(folder.path()));
        let industries = Arc::new(Industries::examples());
        let bank = Bank::new(app, sealed, names, industries, BankRules::default());
        let security = Security::new(bank.clone(), SIGNERS.to_vec());
        let tls = folder.path().join("tls");
        let certificates = DevCertificates {
            authority: tls.join("ca.pem"),
            certificate: tls.join("server.pem"),
            key: tls.join("server.key"),
        };
        let config = ServerTls::load(&certificates.certificate, &certificates.key).unwrap();
        let serve = async |router| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            TlsListener::serve(listener, router, config.clone()).unwrap()
        };
        let tap = serve(server::bank::http::router(bank.clone())).await;
        let door = serve(server::security::http::router(security.clone())).await;
        let caller = Caller::trusting(trusting(Some(&certificates.authority)).unwrap());
        Self { bank, security, clock, certificates, folder, tap, door, caller, wallets }
    }

    /// Ends in order and begins again on the same files.
    pub(crate) async fn restart(self) -> Self {
        let Self { bank, security, clock, folder, tap, door, wallets, caller, .. } = self;
        drop(caller);
        tap.stop().await;
        door.stop().await;
        drop((bank, security));
        Self::open_in(folder, clock, wallets).await
    }

    pub(crate) fn app(&self) -> &App {
        self.bank.app()
    }

    pub(crate) fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn at_door(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.door.address().port())
    }

    pub(crate) fn at_tap(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.tap.address().port())
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) async fn register(&self, id: TerminalId) -> ActivationSecret {
        let registered = self.security.register_terminal(id, "Kiosk, gate 3", TerminalSuite::Aes128Gcm);
        registered.await.unwrap()
    }

    /// `POST /activate`.
    pub(crate) async fn activate(&self, id: TerminalId, code: &str) -> Answer {
        let body = json!({ "terminal": id.to_string(), "code": code, "software": "test 1.0" });
        let url = self.at_door("/activate");
        self.caller.post(&url, "application/json", body.to_string()).await.unwrap()
    }

    /// A terminal that was registered and activated.
    pub(crate) async fn device(&self, id: TerminalId) -> Device {
        let code = self.register(id).await;
        let answer = self.activate(id, &code.to_string()).await;
        Device::activated(id, &code, &answer.json())
    }

    /// `POST /ask`.
    pub(crate) async fn ask(&self, envelope: Vec<u8>) -> Answer {
        let url = self.at_door("/ask");
        self.caller.post(&url, "application/octet-stream", envelope).await.unwrap()
    }

    /// `POST /tap`.
    pub(crate) async fn tap(&self, envelope: Vec<u8>) -> Answer {
        let url = self.at_tap("/tap");
        self.caller.post(&url, "application/octet-stream", envelope).await.unwrap()
    }

    /// What a device is answered to a JSON of its own.
    pub(crate) async fn asks(&self, device: &mut Device, ask: &Value) -> Value {
        let envelope = device.seal(&ask.to_string());
        let answer = self.ask(envelope).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
        device.open(&answer.body)
    }

    /// The product of the first industry.
    pub(crate) fn product(&self) -> Product {
        self.bank.industries().all()[0].product.clone()
    }

    /// An active wallet card with a bank card and money of its own behind it.
    pub(crate) async fn wallet(&mut self) -> Asn {
        self.wallets += 1;
        let holder = HolderReference(0x1000 + self.wallets);
        let now = self.app().now();
        let put = move |unit: &mut dyn store::Unit| {
            let (name, document_digest) = ("王小明".to_owned(), [0x1d; 32]);
            unit.put_holder(&Holder { reference: holder, name, document_digest }, now)
        };
        self.app().store().write::<_, StoreError, _>(put).await.unwrap();
        let (id, amount) = (TransferId(self.wallets.into()), Amount::new(1_000_000, Currency::CNY).unwrap());
        self.app().fund(Funding { id, holder, amount }).await.unwrap();
        let pin: Pin = PIN.parse().unwrap();
        let bank_card = NewBankCard { holder, phone: PHONE.into(), pin };
        let number = self.bank.add_bank_card(bank_card).await.unwrap();
        let asn: Asn = format!("{:020}", self.wallets + 77_000).parse().unwrap();
        let wallet = Wallet {
            asn,
            industry: self.product().code,
            state: WalletState::Active,
            bank_card: number,
            counter: OnlineCounter(0),
            issued_at: now,
            activated_at: Some(now),
        };
        let add = move |unit: &mut dyn store::Unit| unit.add_wallet(&wallet);
        self.app().store().write::<_, StoreError, _>(add).await.unwrap();
        asn
    }

    /// Changes a wallet card's row.
    pub(crate) async fn put_wallet(&self, asn: Asn, change: impl Fn(&mut Wallet) + Send + 'static) {
        let put = move |unit: &mut dyn store::Unit| {
            let mut wallet = unit.wallet(asn)?.unwrap();
            change(&mut wallet);
            unit.put_wallet(&wallet)
        };
        self.app().store().write::<_, StoreError, _>(put).await.unwrap();
    }

    /// A counter by name and label, zero where it was never counted.
    pub(crate) fn counted(&self, name: &str, label: &str) -> u64 {
        let text = self.app().metrics().encode(0);
        let begins = format!("counterfoil_{name}_total{{");
        let ends = format!("\"{label}\"}} ");
        let line = text.lines().find(|line| line.starts_with(&begins) && line.contains(&ends));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// Every byte of the database and its journal.
    pub(crate) fn stored_bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let database =
            files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("bank.db"));
        database.flat_map(|path| std::fs::read(path).unwrap()).collect()
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code of a refusal.
    pub(crate) fn refused(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap().to_owned())
    }
}

/// A client with its own trust.
pub(crate) struct Caller(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Caller {
    pub(crate) fn trusting(tls: ClientConfig) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    pub(crate) async fn post(
        &self,
        url: &str,
        media_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, hyper_util::client::legacy::Error> {
        self.send("POST", url, media_type, body.into()).await
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Answer, hyper_util::client::legacy::Error> {
        self.send("GET", url, "text/plain", Bytes::new()).await
    }

    async fn send(
        &self,
        method: &str,
        url: &str,
        media_type: &str,
        body: Bytes,
    ) -> Result<Answer, hyper_util::client::legacy::Error> {
        let request = Request::builder().method(method).uri(url).header("content-type", media_type);
        let request = request.body(Full::new(body)).unwrap();
        let response = soon("an answer", self.0.request(request)).await?;
        let status = response.status();
        let body = soon("its body", response.into_body().collect()).await.unwrap();
        Ok(Answer { status, body: body.to_bytes().to_vec() })
    }
}

/// Certificates are judged by the machine's clock, not by the town's.
pub(crate) fn machine_now() -> model::UnixMillis {
    use server::Clock as _;
    server::SystemClock.now()
}
