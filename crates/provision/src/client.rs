//! The interface's client.

use std::time::Duration;

use chirpstack_api::api::device_service_client::DeviceServiceClient;
use chirpstack_api::api::{
    CreateDeviceKeysRequest, CreateDeviceRequest, Device, DeviceKeys, UpdateDeviceKeysRequest,
};
use model::{ChannelId, ChannelKind};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request};
use zeroize::Zeroizing;

use crate::{AppKey, ProvisionError};

/// How long the ChirpStack may take to answer.
const CALL_WAIT: Duration = Duration::from_secs(10);

/// A token of ChirpStack's page of API keys.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes a token.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where devices are made known.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The interface: `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// What lets us in.
    pub token: Token,
    /// The application's id.
    pub application: String,
    /// The device profile's id.
    pub profile: String,
}

/// A device to be made known.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Its DevEUI.
    pub channel: ChannelId,
    /// Its name there.
    pub name: String,
    /// What it joins with.
    pub key: AppKey,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// Device and key are new there.
    Created,
    /// The device was known; it has this key now.
    Known,
}

/// A connection to a ChirpStack. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Provisioner {
    client: DeviceServiceClient<Channel>,
    authorization: MetadataValue<Ascii>,
    application: String,
    profile: String,
}

impl Provisioner {
    /// Connects.
    pub async fn connect(destination: &Destination) -> Result<Self, ProvisionError> {
        let wrong = || ProvisionError::Url(destination.url.clone());
        let mut endpoint =
            Endpoint::from_shared(destination.url.clone()).map_err(|_| wrong())?.timeout(CALL_WAIT);
        match destination.url.split_once("://") {
            Some(("http", _)) => {}
            Some(("https", _)) => {
                let tls = ClientTlsConfig::new().with_native_roots();
                endpoint = endpoint.tls_config(tls).map_err(|_| wrong())?;
            }
            _ => return Err(wrong()),
        }
        let bearer = Zeroizing::new(format!("Bearer {}", destination.token.0.as_str()));
        let mut authorization: MetadataValue<Ascii> = bearer.parse().map_err(|_| ProvisionError::Token)?;
        authorization.set_sensitive(true);
        let channel = endpoint
            .connect_timeout(CALL_WAIT)
            .connect()
            .await
            .map_err(|error| ProvisionError::Unreachable(error.to_string()))?;
        Ok(Self {
            client: DeviceServiceClient::new(channel),
            authorization,
            application: destination.application.clone(),
            profile: destination.profile.clone(),
        })
    }

    /// Makes a device and its key known. Saying the same twice does nothing twice.
    pub async fn provision(&mut self, new: &NewDevice) -> Result<Provisioned, ProvisionError> {
        if new.channel.kind() != ChannelKind::DevEui {
            return Err(ProvisionError::NotLoRaWan(new.channel));
        }
        let dev_eui = new.channel.to_string().trim_start_matches("deveui:").to_owned();
        let device = Device {
            dev_eui: dev_eui.clone(),
            name: new.name.clone(),
            application_id: self.application.clone(),
            device_profile_id: self.profile.clone(),
            ..Device::default()
        };
        let create = self.request(CreateDeviceRequest { device: Some(device) });
        let created = match self.client.create(create).await {
            Ok(_) => Provisioned::Created,
            Err(status) if status.code() == Code::AlreadyExists => Provisioned::Known,
            Err(status) => return Err(status.into()),
        };
        // For LoRaWAN 1.0.x the one root key stands in this field, by the interface's own words.
        let key = || DeviceKeys {
            dev_eui: dev_eui.clone(),
            nwk_key: new.key.to_hex().to_string(),
            ..DeviceKeys::default()
        };
        let keys = self.request(CreateDeviceKeysRequest { device_keys: Some(key()) });
        match self.client.create_keys(keys).await {
            Ok(_) => Ok(created),
            Err(status) if status.code() == Code::AlreadyExists => {
                let keys = self.request(UpdateDeviceKeysRequest { device_keys: Some(key()) });
                self.client.update_keys(keys).await?;
                Ok(Provisioned::Known)
            }
            Err(status) => Err(status.into()),
        }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request
    }
}
