//! Why a device was not made known.

use tonic::{Code, Status};

/// Why a device was not made known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvisionError {
    /// The address of the interface.
    #[error("{0:?} is no address of a ChirpStack: give http://HOST:PORT or https://HOST:PORT")]
    Url(String),
    /// The token has characters that cannot be sent.
    #[error("the token has characters that no token has; copy it anew from ChirpStack's page of API keys")]
    Token,
    /// A channel that is no DevEUI.
    #[error("{0} is no DevEUI; only LoRaWAN radios are made known to a ChirpStack")]
    NotLoRaWan(model::ChannelId),
    /// It cannot be reached.
    #[error("the ChirpStack cannot be reached: {0}")]
    Unreachable(String),
    /// It does not let us in.
    #[error("the ChirpStack refuses the token: make an API key that may change devices of this tenant")]
    NotAllowed,
    /// The application or the profile is not there.
    #[error("the ChirpStack knows no such application or device profile: {0}")]
    NotFound(String),
    /// It refuses for a reason of its own.
    #[error("the ChirpStack refuses: {0}")]
    Refused(String),
}

impl From<Status> for ProvisionError {
    fn from(status: Status) -> Self {
        let message = status.message().to_owned();
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => Self::NotAllowed,
            Code::NotFound => Self::NotFound(message),
            Code::Unavailable | Code::DeadlineExceeded => Self::Unreachable(message),
            _ => Self::Refused(message),
        }
    }
}
