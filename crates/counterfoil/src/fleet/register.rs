//! `fleet register`: one channel, as a line of a file would say it.

use std::process::ExitCode;

use clap::Args;
use server::fleet::{Column, RegisterRefused, register as register_channel};
use server::{Clock as _, SystemClock};
use store::Registered;

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::database::Database;
use crate::places::Places;

#[derive(Args)]
pub(crate) struct RegisterArguments {
    /// deveui:70b3d57ed0000001, imei:356938035643809, mac48:…, eui64:…, sigfox:…
    channel: String,
    /// A check: the card must be there and on this channel
    #[arg(long)]
    card: Option<String>,
    /// A name to find it by. Of this and all below: what is not given stays as it is, an empty text ends it
    #[arg(long)]
    name: Option<String>,
    /// A group; it is made if it is new
    #[arg(long)]
    group: Option<String>,
    /// Tags in place of those before, separated by spaces or |
    #[arg(long)]
    tags: Option<String>,
    /// coap, chirpstack, ctwing, onenet or oceanconnect: heard elsewhere, the channel has moved
    #[arg(long)]
    bearer: Option<String>,
    /// The application or product there
    #[arg(long)]
    application: Option<String>,
    /// The network's own name of the device, where it does not name channels by DevEUI or IMEI
    #[arg(long)]
    device: Option<String>,
    /// never, always, or after-uplink:SECONDS; empty: as the card says
    #[arg(long)]
    listening: Option<String>,
    /// How long it may say nothing, 60 to 31536000; empty: as for all
    #[arg(long)]
    silent_seconds: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

impl RegisterArguments {
    fn of(&self, column: Column) -> Option<&str> {
        let said = match column {
            Column::Channel => return Some(&self.channel),
            Column::Card => &self.card,
            Column::Bearer => &self.bearer,
            Column::Application => &self.application,
            Column::Device => &self.device,
            Column::Name => &self.name,
            Column::Group => &self.group,
            Column::Tags => &self.tags,
            Column::Listening => &self.listening,
            Column::SilentSeconds => &self.silent_seconds,
        };
        said.as_deref()
    }
}

pub(super) fn register(arguments: &RegisterArguments) -> Result<ExitCode, Failure> {
    // A channel may be the first that a data folder sees.
    let config = arguments.config.load()?;
    let store = Database::of(&config, &Places::at(&config.data)?)?.open()?;
    let said: Vec<_> = Column::ALL
        .into_iter()
        .filter_map(|column| arguments.of(column).map(|said| (column, said)))
        .collect();
    let kept = runtime()?.block_on(register_channel(&store, SystemClock.now(), &said));
    let (channel, registered) = kept.map_err(|error| match error {
        RegisterRefused::Said(refused) => format!("the channel is not registered: {refused}"),
        RegisterRefused::Store(error) => error.to_string(),
    })?;
    print(&match registered {
        Registered::Added => format!("{channel} is registered.\n"),
        Registered::Changed => format!("{channel} is changed.\n"),
        Registered::Same => format!("{channel} was so already.\n"),
    })
}
