//! `fleet export`: the registry in the form that `fleet import` reads.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use server::fleet::COLUMNS;
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
            let part = path.with_extension("part");
            let file =
                std::fs::File::create(&part).map_err(|error| format!("{}: {error}", part.display()))?;
            let written = write(&store, BufWriter::new(file))?;
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
    writer.write_record(COLUMNS)?;
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
    // In the order of `COLUMNS`.
    Ok(vec![
        channel.id.to_string(),
        card.map(|card| card.id().to_string()).unwrap_or_default(),
        text(&registration.bearer),
        text(&registration.application),
        text(&registration.device),
        text(&registration.name),
        registration.group.and_then(|group| groups.get(&group).cloned()).unwrap_or_default(),
        rows.tags_of(channel.id)?.join(" "),
        registration.listening.map(|listening| listening.to_string()).unwrap_or_default(),
        registration.silent_seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
    ])
}
