//! Logs. What is secret prints `[redacted]`, and a card number its first six and last four digits.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging to standard error. `COUNTERFOIL_LOG` stands above the configuration.
pub(crate) fn start(level: &str, format: LogFormat) -> Result<(), String> {
    let level = std::env::var("COUNTERFOIL_LOG").unwrap_or_else(|_| level.to_owned());
    let filter =
        EnvFilter::try_new(&level).map_err(|error| format!("log.level `{level}` is wrong: {error}"))?;
    // Colours are for people: a file and a journal get none.
    let colours = std::io::stderr().is_terminal();
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    started.map_err(|error| format!("logging cannot start: {error}"))
}
