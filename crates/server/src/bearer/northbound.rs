//! Operators' platforms over HTTP: CTWing, OneNET, OceanConnect; and Sigfox, which only tells.
//!
//! A platform pushes what its devices said to our routes, and takes commands at its own interface. What a device is answered is a command
//! like any other: it goes out while the device still listens, or waits with the platform until it is heard.
//! Each route checks who pushes before it reads what: OneNET by its signature, the others by a secret in the address.
//! A push that is repeated is taken once; one that cannot be kept is answered 503, and comes again.
//!
//! Refuses: TLS (a terminator stands in front), compressed or encrypted bodies, and downlinks to Sigfox: a payment does not fit.
//! Next: `doors` for what comes in, `caller` for what goes out, `networks` for the bytes of both.

mod caller;
mod doors;

use std::sync::Arc;

use axum::Router;
use networks::push::Secret;
use networks::{ctwing, oceanconnect, onenet};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::caller::Caller;
use super::seen::Seen;
use super::{FrameLimit, queue};
use crate::fleet::Fleet;

pub use caller::CallerError;

/// Commands that wait for one platform.
const COMMANDS_MAX: usize = 1_024;

/// A platform, what it pushes with, and how it is asked.
#[derive(Clone, Debug)]
pub enum Platform {
    /// CTWing.
    CtWing {
        /// What its pushes have in their address.
        secret: Secret,
        /// Whose commands they are.
        account: ctwing::Account,
    },
    /// OneNET.
    OneNet {
        /// What its pushes are signed with.
        token: Secret,
        /// Whose commands they are.
        account: onenet::Account,
    },
    /// OceanConnect.
    OceanConnect {
        /// What its pushes have in their address.
        secret: Secret,
        /// How the profile calls things.
        profile: oceanconnect::Profile,
        /// Whose commands they are.
        account: oceanconnect::Account,
        /// Where it tells what became of a command: our own address, with the secret.
        callback: Option<Callback>,
    },
}

/// An address of ours that holds a secret.
#[derive(Clone)]
pub struct Callback(zeroize::Zeroizing<String>);

impl Callback {
    /// Takes an address.
    pub fn new(address: String) -> Self {
        Self(address.into())
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Platform {
    /// The bearer's name in addresses, and of the route.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CtWing { .. } => "ctwing",
            Self::OneNet { .. } => "onenet",
            Self::OceanConnect { .. } => "oceanconnect",
        }
    }

    /// What it carries in one command.
    const fn limit(&self) -> FrameLimit<'static> {
        let bearer = match self {
            Self::CtWing { .. } => "CTWing",
            Self::OneNet { .. } => "OneNET",
            Self::OceanConnect { .. } => "OceanConnect",
        };
        FrameLimit { bearer, bytes: 1_024 }
    }
}

/// A platform and where its interface is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which, and how.
    pub platform: Platform,
    /// Where it takes commands: `https://HOST`.
    pub api_url: String,
    /// Whom to trust there; `None`: whom this machine trusts.
    pub authorities: Option<std::path::PathBuf>,
}

/// Platforms that are served. They end with this value; what they have not taken stays queued.
pub struct Northbound {
    router: Router,
    tasks: Vec<JoinHandle<()>>,
}

/// What the routes share.
#[derive(Clone)]
struct Doors {
    fleet: Fleet,
    platforms: Arc<Vec<Door>>,
    sigfox: Option<Secret>,
    seen: Arc<Seen>,
}

struct Door {
    platform: Platform,
    limit: FrameLimit<'static>,
    commands: mpsc::Sender<Command>,
}

/// A frame for a device, to be told of by the platform.
struct Command {
    id: fleet::DownlinkId,
    channel: model::ChannelId,
    device: String,
    frame: Vec<u8>,
    expires_at: model::UnixMillis,
    /// Whether it stays queued when it cannot be handed over now.
    waits: bool,
}

impl Northbound {
    /// Serves these platforms. Each is attached to the fleet under its name.
    pub fn start(
        platforms: Vec<Settings>,
        sigfox: Option<Secret>,
        fleet: &Fleet,
    ) -> Result<Self, CallerError> {
        let (mut doors, mut tasks) = (Vec::new(), Vec::new());
        for settings in platforms {
            let limit = settings.platform.limit();
            let name = settings.platform.name();
            let (bearer, pushes) = queue(name, &limit);
            let (commands, wanted) = mpsc::channel(COMMANDS_MAX);
            let caller = Caller::new(settings.clone(), fleet.clone())?;
            fleet.attach(Arc::new(bearer));
            tasks.push(tokio::spawn(caller.run(pushes, wanted)));
            doors.push(Door { platform: settings.platform, limit, commands });
        }
        let doors = Doors { fleet: fleet.clone(), platforms: Arc::new(doors), sigfox, seen: Arc::default() };
        Ok(Self { router: doors::router(doors), tasks })
    }

    /// The routes under `/push/`.
    pub fn router(&self) -> Router {
        self.router.clone()
    }
}

impl Drop for Northbound {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
