//! The connection to a ChirpStack, as the configuration says.

use networks::chirpstack::FPort;
use networks::lorawan::Region;
use server::bearer::chirpstack::{Password, Settings};

use crate::cli::Failure;
use crate::config::ChirpStackSection;

/// What the connection is told; `None` where no broker is named.
pub(crate) fn settings(section: &ChirpStackSection) -> Result<Option<Settings>, Failure> {
    if section.url.is_empty() {
        return Ok(None);
    }
    let credentials = match section.user.as_str() {
        "" => None,
        user => {
            let file = &section.password_file;
            let password = std::fs::read_to_string(file)
                .map_err(|error| format!("chirpstack.password_file {}: {error}", file.display()))?;
            Some((user.to_owned(), Password::new(password.trim_end_matches(['\r', '\n']).to_owned())))
        }
    };
    let defaults = Settings::at(section.url.clone());
    let applications = section.applications.split(',').map(str::trim).filter(|id| !id.is_empty());
    Ok(Some(Settings {
        client_id: section.client_id.clone(),
        credentials,
        authorities: Some(section.authorities.clone()).filter(|path| !path.as_os_str().is_empty()),
        prefix: section.topic_prefix.clone(),
        applications: applications.map(str::to_owned).collect(),
        f_port: FPort::new(section.f_port)?,
        confirmed: section.confirmed,
        region: Region::from_name(&section.region).unwrap_or(defaults.region),
        ..defaults
    }))
}
