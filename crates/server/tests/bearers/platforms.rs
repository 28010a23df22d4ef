//! Operators' platforms as ours sees them: they push over HTTP, and take commands at an interface of their own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::DownlinkState;
use md5::{Digest as _, Md5};
use model::ChannelId;
use networks::push::Secret;
use networks::{ctwing, oceanconnect, onenet};
use serde_json::{Value, json};
use server::Fleet;
use server::bearer::northbound::{Callback, Northbound, Platform, Settings};
use store::{Registration, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::town::{EVENING, Town, listen, soon};
use crate::{Network, Word, until};

pub(crate) const SECRET: &str = "town-secret-0123456789";

/// A command as the platform took it.
pub(crate) struct Taken {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) id: String,
}

#[derive(Clone)]
struct Interface {
    kind: &'static str,
    taken: mpsc::UnboundedSender<Taken>,
    count: Arc<AtomicU64>,
    logins: Arc<AtomicU64>,
    away: Arc<AtomicBool>,
}

/// The platform's interface: takes a command, names it, and says so in its own words.
async fn interface(State(here): State<Interface>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if here.away.load(Ordering::SeqCst) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    if uri.path() == "/iocm/app/sec/v1.1.0/login" {
        here.logins.fetch_add(1, Ordering::SeqCst);
        assert_eq!(body, &b"appId=town-app&secret=town-app-secret"[..]);
        return axum::Json(json!({ "accessToken": "token-1", "expiresIn": 3600 })).into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let number = here.count.fetch_add(1, Ordering::SeqCst);
    let (id, answer) = match here.kind {
        "ctwing" => {
            let id = number.to_string();
            let result = json!({ "commandId": id.as_str(), "commandStatus": "SAVED" });
            (id, json!({ "code": 0, "msg": "ok", "result": result }))
        }
        "onenet" => {
            let id = format!("2302-{number}");
            let answer = json!({ "errno": 0, "error": "succ", "data": { "uuid": id.as_str() } });
            (id, answer)
        }
        _ => {
            let id = format!("{number:032x}");
            let answer = json!({ "commandId": id.as_str(), "status": "PENDING" });
            (id, answer)
        }
    };
    let path = uri.to_string();
    let _ = here.taken.send(Taken { path, headers, body, id });
    axum::Json(answer).into_response()
}

/// A platform of some kind: both its ends.
pub(crate) struct Operator {
    _ours: Northbound,
    listeners: Vec<JoinHandle<()>>,
    pub(crate) client: reqwest::Client,
    /// Where our routes are.
    pub(crate) ours: String,
    interface: Interface,
    taken: mpsc::UnboundedReceiver<Taken>,
    came: VecDeque<Taken>,
    pub(crate) last: Option<Taken>,
    pushed: Option<String>,
    clock: i64,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.listeners.iter().for_each(JoinHandle::abort);
    }
}

pub(crate) fn device(channel: ChannelId) -> String {
    format!("device-{}", channel.to_string().trim_start_matches("imei:"))
}

fn channel(number: u64) -> ChannelId {
    ChannelId::imei(356_938_035_643_800 + number).unwrap()
}

pub(crate) fn ctwing_platform() -> Platform {
    Platform::CtWing {
        secret: Secret::new(SECRET).unwrap(),
        account: ctwing::Account {
            application: "town-app".into(),
            secret: Secret::given("town-app-secret".into()),
            product: 10_086_001,
            master_key: Secret::given("town-master".into()),
        },
    }
}

impl Operator {
    pub(crate) async fn with(platform: impl FnOnce(&str) -> Platform, fleet: Fleet) -> Self {
        let (taking, taken) = mpsc::unbounded_channel();
        // Our address is known to a platform before we listen, as a callback.
        let trial = platform("http://ours");
        let interface = Interface {
            kind: trial.name(),
            taken: taking,
            count: Arc::new(AtomicU64::new(1)),
            logins: Arc::default(),
            away: Arc::default(),
        };
        let theirs = Router::new().fallback(self::interface).with_state(interface.clone());
        let (theirs, first) = listen(theirs).await;
        let settings = Settings { platform: trial, api_url: format!("http://{theirs}/"), authorities: None };
        let sigfox = Some(Secret::new(SECRET).unwrap());
        let ours = Northbound::start(vec![settings], sigfox, &fleet).unwrap();
        let (address, second) = listen(ours.router()).await;
        // The platform's names of its devices are registered.
        let bearer = interface.kind.to_owned();
        let registered = fleet.app().store().write::<_, StoreError, _>(move |unit| {
            for number in 0..10 {
                let channel = channel(number);
                let device = Some(device(channel));
                let registration =
                    Registration { bearer: Some(bearer.clone()), device, ..Registration::default() };
                unit.register_channel(channel, &registration, &[], EVENING)?;
            }
            Ok(())
        });
        registered.await.unwrap();
        Self {
            _ours: ours,
            listeners: vec![first, second],
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            ours: format!("http://{address}"),
            interface,
            taken,
            came: VecDeque::new(),
            last: None,
            pushed: None,
            clock: EVENING.0,
        }
    }

    /// The platform's interface is away, or back.
    pub(crate) fn goes_away(&self, away: bool) {
        self.interface.away.store(away, Ordering::SeqCst);
    }

    pub(crate) fn logins(&self) -> u64 {
        self.interface.logins.load(Ordering::SeqCst)
    }

    pub(crate) fn route(&self) -> String {
        match self.interface.kind {
            "onenet" => format!("{}/push/onenet", self.ours),
            kind => format!("{}/push/{kind}/{SECRET}", self.ours),
        }
    }

    pub(crate) async fn post(&self, url: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let request = self.client.post(url).header("content-type", "application/json").body(body);
        let answer = soon("an answer", request.send()).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn push(&mut self, body: String) {
        let (status, answer) = self.post(&self.route(), body.clone()).await;
        assert_eq!((status, answer.as_str()), (200, ""), "{body}");
        self.pushed = Some(body);
    }

    async fn again(&mut self) {
        let body = self.pushed.clone().unwrap();
        self.push(body).await;
    }

    pub(crate) async fn command(&mut self) -> &Taken {
        let taken = match self.came.pop_front() {
            Some(taken) => taken,
            None => soon("a command", self.taken.recv()).await.unwrap(),
        };
        self.last.insert(taken)
    }

    async fn quiet(&mut self, town: &Town) -> bool {
        // A push is answered when all that it led to is done, but for the command, which is handed over side by side.
        town.app.can_keep().await.unwrap();
        town.fleet.hand_waiting().await.unwrap();
        tokio::task::yield_now().await;
        while let Ok(taken) = self.taken.try_recv() {
            self.came.push_back(taken);
        }
        self.came.is_empty()
    }

    /// The platform names a command only when it has answered it.
    async fn is_named(&self, town: &Fleet) {
        let named = format!("{}:{}", self.interface.kind, self.last.as_ref().unwrap().id);
        until("the command's name", || {
            town.app().store().peek(|rows| rows.downlink_of_network(&named)).unwrap().is_some()
        })
        .await;
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }
}

/// CTWing.
pub(crate) struct CtWing(Operator, Fleet);

impl CtWing {
    pub(crate) fn operator(&self) -> &Operator {
        &self.0
    }

    async fn tells(&mut self, code: &str) {
        let Some(last) = &self.0.last else { return };
        let id: i64 = last.id.parse().unwrap();
        self.0.is_named(&self.1).await;
        let body = json!({
            "timestamp": self.0.tick(), "tenantId": "10000001", "taskId": id, "protocol": "lwm2m",
            "result": { "resultCode": code, "resultDetail": "" }, "messageType": "commandResponse", "deviceId": "d",
        });
        self.0.push(body.to_string()).await;
    }
}

impl CtWing {
    /// What it pushes of a card's frame.
    pub(crate) fn report(&mut self, channel: ChannelId, frame: &[u8]) -> String {
        let imei = channel.to_string().trim_start_matches("imei:").to_owned();
        json!({
            "upPacketSN": -1, "upDataSN": -1, "topic": "v1/up/ad19", "timestamp": self.0.tick(),
            "tenantId": "10000001", "serviceId": "", "protocol": "lwm2m", "productId": "10086001",
            "payload": { "APPdata": STANDARD.encode(frame) }, "messageType": "dataReport", "deviceType": "",
            "deviceId": device(channel), "assocAssetId": "", "IMSI": "460111100000001", "IMEI": imei,
        })
        .to_string()
    }
}

impl Network for CtWing {
    const VOUCHES: bool = true;
    const QUEUES: bool = true;

    async fn open(fleet: Fleet) -> Self {
        Self(Operator::with(|_| ctwing_platform(), fleet.clone()).await, fleet)
    }

    fn channel(number: u64) -> ChannelId {
        channel(number)
    }

    async fn uplink(&mut self, channel: ChannelId, frame: &[u8]) {
        let report = self.report(channel, frame);
        self.0.push(report).await;
    }

    async fn repeat(&mut self) {
        self.0.again().await;
    }

    async fn downlink(&mut self) -> Vec<u8> {
        let taken = self.0.command().await;
        assert_eq!(taken.path, "/aep_device_command/command");
        assert_eq!(taken.headers["application"], "town-app");
        assert_eq!(taken.headers["masterkey"], "town-master");
        assert!(!taken.headers["signature"].is_empty());
        hex::decode(taken.body["content"]["payload"].as_str().unwrap()).unwrap()
    }

    async fn sends(&mut self) {
        self.tells("SENT").await;
    }

    async fn says(&mut self, word: Word) {
        self.tells(if word == Word::Acknowledged { "COMPLETED" } else { "TIMEOUT" }).await;
    }

    async fn is_quiet(&mut self, town: &Town) -> bool {
        self.0.quiet(town).await
    }
}

/// OneNET.
pub(crate) struct OneNet(Operator, Fleet);

pub(crate) fn onenet_platform() -> Platform {
    Platform::OneNet {
        token: Secret::new(SECRET).unwrap(),
        account: onenet::Account { api_key: Secret::given("town-key".into()), resource: (3_200, 0, 5_527) },
    }
}

impl OneNet {
    async fn push(&mut self, message: Value) {
        let (message, nonce) = (message.to_string(), "abcdefgh");
        let signature = STANDARD.encode(Md5::digest(format!("{SECRET}{nonce}{message}")));
        let body = format!(r#"{{"msg":{message},"nonce":"{nonce}","msg_signature":"{signature}"}}"#);
        self.0.push(body).await;
    }

    async fn tells(&mut self, kind: u8) {
        let Some(last) = &self.0.last else { return };
        let id = last.id.clone();
        self.0.is_named(&self.1).await;
        let at = self.0.tick();
        self.push(json!({ "type": 7, "dev_id": 1, "cmd_id": id, "cmd_type": kind, "at": at })).await;
    }
}

impl Network for OneNet {
    const VOUCHES: bool = true;
    const QUEUES: bool = true;
    const OUT: DownlinkState = DownlinkState::Delivered;
    const TELLS_FAILURE: bool = false;

    async fn open(fleet: Fleet) -> Self {
        Self(Operator::with(|_| onenet_platform(), fleet.clone()).await, fleet)
    }

    fn channel(number: u64) -> ChannelId {
        channel(number)
    }

    async fn uplink(&mut self, channel: ChannelId, frame: &[u8]) {
        let at = self.0.tick();
        let (device, value) = (device(channel), hex::encode(frame));
        self.push(json!({ "type": 1, "dev_id": device, "ds_id": "3200_0_5750", "at": at, "value": value }))
            .await;
    }

    async fn repeat(&mut self) {
        self.0.again().await;
    }

    async fn downlink(&mut self) -> Vec<u8> {
        let taken = self.0.command().await;
        assert!(taken.path.starts_with("/nbiot/execute/offline?imei=35693803564380"), "{}", taken.path);
        // The end of its time, by the platform's own clock.
        assert!(taken.path.contains("&expired_time=2026-11-21T02:3"), "{}", taken.path);
        assert_eq!(taken.headers["api-key"], "town-key");
        hex::decode(taken.body["args"].as_str().unwrap()).unwrap()
    }

    async fn sends(&mut self) {
        self.tells(1).await;
    }

    async fn says(&mut self, word: Word) {
        if word == Word::Acknowledged {
            self.tells(2).await;
        }
    }

    async fn is_quiet(&mut self, town: &Town) -> bool {
        self.0.quiet(town).await
    }
}

/// OceanConnect.
pub(crate) struct OceanConnect(Operator, Fleet);

impl OceanConnect {
    async fn tells(&mut self, code: &str) {
        let Some(last) = &self.0.last else { return };
        let body = json!({
            "deviceId": "d", "commandId": last.id, "result": { "resultCode": code, "resultDetail": null },
        });
        self.0.is_named(&self.1).await;
        self.0.push(body.to_string()).await;
    }
}

impl Network for OceanConnect {
    const VOUCHES: bool = true;
    const QUEUES: bool = true;

    async fn open(fleet: Fleet) -> Self {
        let platform = |ours: &str| Platform::OceanConnect {
            secret: Secret::new(SECRET).unwrap(),
            profile: oceanconnect::Profile {
                service: "Counterfoil".into(),
                field: "frame".into(),
                method: "DOWN".into(),
            },
            account: oceanconnect::Account {
                application: "town-app".into(),
                secret: Secret::given("town-app-secret".into()),
            },
            callback: Some(Callback::new(format!("{ours}/push/oceanconnect/{SECRET}"))),
        };
        Self(Operator::with(platform, fleet.clone()).await, fleet)
    }

    fn channel(number: u64) -> ChannelId {
        channel(number)
    }

    async fn uplink(&mut self, channel: ChannelId, frame: &[u8]) {
        let at = self.0.tick();
        let body = json!({
            "notifyType": "deviceDataChanged", "requestId": null, "deviceId": device(channel), "gatewayId": "g",
            "service": {
                "serviceId": "Counterfoil", "serviceType": "Counterfoil",
                "data": { "frame": STANDARD.encode(frame) }, "eventTime": at.to_string(),
            },
        });
        self.0.push(body.to_string()).await;
    }

    async fn repeat(&mut self) {
        self.0.again().await;
    }

    async fn downlink(&mut self) -> Vec<u8> {
        let taken = self.0.command().await;
        assert_eq!(taken.path, "/iocm/app/cmd/v1.4.0/deviceCommands");
        assert_eq!(taken.headers["app_key"], "town-app");
        assert_eq!(taken.headers["authorization"], "Bearer token-1");
        assert!(taken.body["callbackUrl"].as_str().unwrap().ends_with(SECRET));
        let frame = STANDARD.decode(taken.body["command"]["paras"]["frame"].as_str().unwrap()).unwrap();
        assert_eq!(self.0.logins(), 1, "a token is asked for once");
        frame
    }

    async fn sends(&mut self) {
        self.tells("SENT").await;
    }

    async fn says(&mut self, word: Word) {
        self.tells(if word == Word::Acknowledged { "SUCCESSFUL" } else { "TIMEOUT" }).await;
    }

    async fn is_quiet(&mut self, town: &Town) -> bool {
        self.0.quiet(town).await
    }
}
