//! Devices are made known over a real gRPC connection, to a server of the published interface that keeps what it is told.
#![cfg(feature = "chirpstack-api")]
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on fails.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use chirpstack_api::api::device_service_server::{DeviceService, DeviceServiceServer};
use chirpstack_api::api::*;
use provision::{Destination, NewDevice, ProvisionError, Provisioned, Provisioner, Token};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

const APPLICATION: &str = "17c82e96-be03-4f38-aef3-f83d48582d97";
const PROFILE: &str = "14855bf7-d10d-4aee-b618-ebfcb64dc7ad";

/// Devices by DevEUI, each with its name and key.
type Known = Arc<Mutex<BTreeMap<String, (String, Option<String>)>>>;

struct Server(Known);

fn let_in<T>(request: &Request<T>) -> Result<(), Status> {
    match request.metadata().get("authorization") {
        Some(said) if said == "Bearer right" => Ok(()),
        _ => Err(Status::unauthenticated("invalid token")),
    }
}

/// What this interface offers besides, and nobody here asks for: as `async_trait` writes it, which does not look into macros.
macro_rules! unasked {
    ($($method:ident($request:ty) -> $response:ty;)*) => {
        $(fn $method<'life0, 'async_trait>(
            &'life0 self,
            _: Request<$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<$response>, Status>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(Status::unimplemented("nobody asks for this")) })
        })*
    };
}

#[tonic::async_trait]
impl DeviceService for Server {
    async fn create(&self, request: Request<CreateDeviceRequest>) -> Result<Response<()>, Status> {
        let_in(&request)?;
        let device = request.into_inner().device.unwrap();
        if (device.application_id.as_str(), device.device_profile_id.as_str()) != (APPLICATION, PROFILE) {
            return Err(Status::not_found("Object does not exist (id: x)"));
        }
        let mut known = self.0.lock().unwrap();
        if known.contains_key(&device.dev_eui) {
            return Err(Status::already_exists("Object already exists"));
        }
        known.insert(device.dev_eui, (device.name, None));
        Ok(Response::new(()))
    }

    async fn create_keys(&self, request: Request<CreateDeviceKeysRequest>) -> Result<Response<()>, Status> {
        let_in(&request)?;
        let keys = request.into_inner().device_keys.unwrap();
        let mut known = self.0.lock().unwrap();
        let (_, key) = known.get_mut(&keys.dev_eui).unwrap();
        if key.is_some() {
            return Err(Status::already_exists("Object already exists"));
        }
        *key = Some(keys.nwk_key);
        Ok(Response::new(()))
    }

    async fn update_keys(&self, request: Request<UpdateDeviceKeysRequest>) -> Result<Response<()>, Status> {
        let_in(&request)?;
        let keys = request.into_inner().device_keys.unwrap();
        self.0.lock().unwrap().get_mut(&keys.dev_eui).unwrap().1 = Some(keys.nwk_key);
        Ok(Response::new(()))
    }

    unasked! {
        get(GetDeviceRequest) -> GetDeviceResponse;
        update(UpdateDeviceRequest) -> ();
        delete(DeleteDeviceRequest) -> ();
        list(ListDevicesRequest) -> ListDevicesResponse;
        get_keys(GetDeviceKeysRequest) -> GetDeviceKeysResponse;
        delete_keys(DeleteDeviceKeysRequest) -> ();
        flush_dev_nonces(FlushDevNoncesRequest) -> ();
        activate(ActivateDeviceRequest) -> ();
        deactivate(DeactivateDeviceRequest) -> ();
        get_activation(GetDeviceActivationRequest) -> GetDeviceActivationResponse;
        get_random_dev_addr(GetRandomDevAddrRequest) -> GetRandomDevAddrResponse;
        get_metrics(GetDeviceMetricsRequest) -> GetDeviceMetricsResponse;
        get_link_metrics(GetDeviceLinkMetricsRequest) -> GetDeviceLinkMetricsResponse;
        enqueue(EnqueueDeviceQueueItemRequest) -> EnqueueDeviceQueueItemResponse;
        flush_queue(FlushDeviceQueueRequest) -> ();
        get_queue(GetDeviceQueueItemsRequest) -> GetDeviceQueueItemsResponse;
        get_next_f_cnt_down(GetDeviceNextFCntDownRequest) -> GetDeviceNextFCntDownResponse;
    }
}

async fn server() -> (Destination, Known) {
    let known = Known::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = DeviceServiceServer::new(Server(Arc::clone(&known)));
    let serving = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(serving.serve_with_incoming(TcpListenerStream::new(listener)));
    let destination = Destination {
        url,
        token: Token::new("right".into()),
        application: APPLICATION.into(),
        profile: PROFILE.into(),
    };
    (destination, known)
}

fn device(key: &str) -> NewDevice {
    NewDevice {
        channel: "deveui:70b3d57ed0000001".parse().unwrap(),
        name: "card 1".into(),
        key: key.parse().unwrap(),
    }
}

const FIRST: &str = "000102030405060708090a0b0c0d0e0f";
const SECOND: &str = "101112131415161718191a1b1c1d1e1f";

#[tokio::test]
async fn a_device_and_its_key_are_made_known_and_saying_it_again_sets_the_key() {
    let (destination, known) = server().await;
    let mut provisioner = Provisioner::connect(&destination).await.unwrap();
    assert_eq!(provisioner.provision(&device(FIRST)).await, Ok(Provisioned::Created));
    assert_eq!(provisioner.provision(&device(SECOND)).await, Ok(Provisioned::Known));
    let known = known.lock().unwrap().clone();
    let expected = ("card 1".to_owned(), Some(SECOND.to_owned()));
    assert_eq!(known, BTreeMap::from([("70b3d57ed0000001".to_owned(), expected)]));
    assert!(!format!("{destination:?} {:?}", device(FIRST)).contains("right"));
    assert!(!format!("{:?}", device(FIRST)).contains(FIRST));
}

#[tokio::test]
async fn what_is_refused_says_what_to_do() {
    let (destination, _) = server().await;
    let with = |change: fn(&mut Destination)| {
        let mut destination = destination.clone();
        change(&mut destination);
        destination
    };
    let provision = async |destination: Destination, device: NewDevice| {
        Provisioner::connect(&destination).await?.provision(&device).await
    };
    let error = provision(with(|d| d.token = Token::new("wrong".into())), device(FIRST)).await;
    assert_eq!(error, Err(ProvisionError::NotAllowed));
    let error = provision(with(|d| d.profile = "x".into()), device(FIRST)).await;
    assert!(matches!(error, Err(ProvisionError::NotFound(_))), "{error:?}");
    let error = provision(with(|d| d.url = "mqtt://localhost".into()), device(FIRST)).await;
    assert!(matches!(error, Err(ProvisionError::Url(_))), "{error:?}");
    let error = provision(with(|d| d.url = "http://127.0.0.1:1".into()), device(FIRST)).await;
    assert!(matches!(error, Err(ProvisionError::Unreachable(_))), "{error:?}");
    let imei = NewDevice { channel: "imei:356938035643809".parse().unwrap(), ..device(FIRST) };
    let error = provision(destination.clone(), imei).await;
    assert!(matches!(error, Err(ProvisionError::NotLoRaWan(_))), "{error:?}");
}
