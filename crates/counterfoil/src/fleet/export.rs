//! `fleet export`: the registry in the form that `fleet import` reads.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use server::fleet::Column;
use store::{ChannelFilter, GroupId, Reading, Store, StoredChannel};

use super::open;
use crate::cli::{ConfigArguments, Failure};

/// Channels in one reading.
const PAGE: u32 = 1_000;

#[derive(Args)]
pub(crate) struct ExportArguments {
    /// Where it is written; without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(super) fn export(arguments: &ExportArguments) -> Result<ExitCode, Failure> {
    let store = open(&arguments.config)?;
    let written = match &arguments.out {
        Some(path) => {
            // Whole or not at all: a file that is half written could be imported.
            let mut part = path.as_os_str().to_owned();
            part.push(".part");
            let part = PathBuf::from(part);
            let failed = |error: std::io::Error| format!("{}: {error}", part.display());
            let file = std::fs::File::create(&part).map_err(failed)?;
            let written = write(&store, BufWriter::new(&file))?;
            file.sync_all().map_err(failed)?;
            std::fs::rename(&part, path).map_err(|error| format!("{}: {error}", path.display()))?;
            written
        }
        None => match write(&store, BufWriter::new(std::io::stdout().lock())) {
            // A reader that went away early is no error.
            Err(error) if broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
            written => written?,
        },
    };
    eprintln!("{written} channels");
    Ok(ExitCode::SUCCESS)
}

fn broken_pipe(error: &Failure) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        || error.downcast_ref::<csv::Error>().is_some_and(|error| match error.kind() {
            csv::ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
            _ => false,
        })
}

fn write(store: &Store, to: impl Write) -> Result<u64, Failure> {
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(Column::ALL.map(Column::name))?;
    let groups = store.peek(|rows| rows.groups())?;
    let groups: HashMap<GroupId, String> = groups.into_iter().map(|group| (group.id, group.name)).collect();
    let (mut after, mut count) = (None, 0);
    loop {
        let page = store.peek(|rows| rows.channels_after(&ChannelFilter::default(), after, PAGE))?;
        for channel in &page.channels {
            writer.write_record(store.peek(|rows| record(rows, channel, &groups))?)?;
            count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    writer.flush()?;
    Ok(count)
}

fn record(
    rows: &dyn Reading,
    channel: &StoredChannel,
    groups: &HashMap<GroupId, String>,
) -> Result<Vec<String>, store::StoreError> {
    let registration = &channel.registration;
    let card = rows.card_on_channel(channel.id)?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let tags = rows.tags_of(channel.id)?;
    Ok(Column::ALL
        .into_iter()
        .map(|column| match column {
            Column::Channel => channel.id.to_string(),
            Column::Card => card.as_ref().map(|card| card.id().to_string()).unwrap_or_default(),
            Column::Bearer => text(&registration.bearer),
            Column::Application => text(&registration.application),
            Column::Device => text(&registration.device),
            Column::Name => text(&registration.name),
            Column::Group => {
                registration.group.and_then(|group| groups.get(&group).cloned()).unwrap_or_default()
            }
            Column::Tags => tags.join(" "),
            Column::Listening => {
                registration.listening.map(|listening| listening.to_string()).unwrap_or_default()
            }
            Column::SilentSeconds => {
                registration.silent_seconds.map(|seconds| seconds.to_string()).unwrap_or_default()
            }
        })
        .collect())
}
