//! The operators' platforms that are set up, as the configuration says.

use std::net::SocketAddr;
use std::path::Path;

use networks::push::Secret;
use networks::{ctwing, oceanconnect, onenet};
use server::bearer::northbound::{Callback, Platform, Settings};

use crate::cli::Failure;
use crate::config::Config;

/// Where platforms push, which, and whether Sigfox may.
#[derive(Clone, Debug)]
pub(crate) struct Pushes {
    pub(crate) listen: SocketAddr,
    pub(crate) platforms: Vec<Settings>,
    pub(crate) sigfox: Option<Secret>,
}

/// What is set up; `None` where no platform may push.
pub(crate) fn pushes(config: &Config) -> Result<Option<Pushes>, Failure> {
    let mut platforms = Vec::new();
    if !config.ctwing.api_url.is_empty() {
        platforms.push(ctwing(config)?);
    }
    if !config.onenet.api_url.is_empty() {
        platforms.push(onenet(config)?);
    }
    if !config.oceanconnect.api_url.is_empty() {
        platforms.push(oceanconnect(config)?);
    }
    let sigfox = match config.sigfox.secret_file.as_os_str().is_empty() {
        true => None,
        false => Some(secret("sigfox.secret_file", &config.sigfox.secret_file)?),
    };
    let listen = &config.northbound.listen;
    match (listen.is_empty(), platforms.is_empty() && sigfox.is_none()) {
        (true, true) => Ok(None),
        // Nothing would listen there, and a platform would be told to push to it.
        (false, true) => Err(format!(
            "northbound.listen is {listen}, and no platform is set up that could push there: give ctwing.api_url, \
             onenet.api_url, oceanconnect.api_url or sigfox.secret_file, or leave northbound.listen empty"
        )
        .into()),
        (true, false) => {
            Err("northbound.listen must say where the platforms that are set up can push".into())
        }
        (false, false) => Ok(Some(Pushes { listen: listen.parse()?, platforms, sigfox })),
    }
}

fn ctwing(config: &Config) -> Result<Settings, Failure> {
    let section = &config.ctwing;
    let account = ctwing::Account {
        application: section.application.clone(),
        secret: given("ctwing.application_secret_file", &section.application_secret_file)?,
        product: section.product,
        master_key: given("ctwing.master_key_file", &section.master_key_file)?,
    };
    let secret = secret("ctwing.secret_file", &section.secret_file)?;
    let platform = Platform::CtWing { secret, account };
    Ok(Settings { platform, api_url: section.api_url.clone(), authorities: None })
}

fn onenet(config: &Config) -> Result<Settings, Failure> {
    let section = &config.onenet;
    let parts: Vec<u16> = section.resource.split('/').filter_map(|part| part.parse().ok()).collect();
    let [object, instance, resource] = parts.as_slice() else {
        return Err("onenet.resource must be three numbers: OBJECT/INSTANCE/RESOURCE".into());
    };
    let account = onenet::Account {
        api_key: given("onenet.api_key_file", &section.api_key_file)?,
        resource: (*object, *instance, *resource),
    };
    let platform = Platform::OneNet { token: given("onenet.token_file", &section.token_file)?, account };
    Ok(Settings { platform, api_url: section.api_url.clone(), authorities: None })
}

fn oceanconnect(config: &Config) -> Result<Settings, Failure> {
    let section = &config.oceanconnect;
    let file = &section.secret_file;
    let public_url = config.northbound.public_url.trim_end_matches('/');
    // The platform tells what became of a command at an address of ours, which holds the secret.
    let callback = match public_url {
        "" => None,
        url => {
            let secret = text("oceanconnect.secret_file", file)?;
            Some(Callback::new(format!("{url}/push/oceanconnect/{secret}")))
        }
    };
    let platform = Platform::OceanConnect {
        secret: secret("oceanconnect.secret_file", file)?,
        profile: oceanconnect::Profile {
            service: section.service.clone(),
            field: section.field.clone(),
            method: section.method.clone(),
        },
        account: oceanconnect::Account {
            application: section.application.clone(),
            secret: given("oceanconnect.application_secret_file", &section.application_secret_file)?,
        },
        callback,
    };
    let authorities = Some(section.authorities.clone()).filter(|path| !path.as_os_str().is_empty());
    Ok(Settings { platform, api_url: section.api_url.clone(), authorities })
}

/// The one line of a file.
fn text(key: &str, file: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{key} {}: {error}", file.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{key} {}: the file is empty", file.display()).into());
    }
    Ok(text.to_owned())
}

/// A secret that we chose: it stands in an address.
fn secret(key: &str, file: &Path) -> Result<Secret, Failure> {
    Ok(Secret::new(&text(key, file)?).map_err(|error| format!("{key} {}: {error}", file.display()))?)
}

/// A secret that a platform gave.
fn given(key: &str, file: &Path) -> Result<Secret, Failure> {
    Ok(Secret::given(text(key, file)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_push_to_and_a_platform_go_together() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "0123456789abcdef\n").unwrap();
        let mut config = Config::load(None, std::iter::empty()).unwrap();
        assert!(pushes(&config).unwrap().is_none());
        config.northbound.listen = "127.0.0.1:8085".to_owned();
        let alone = pushes(&config).unwrap_err().to_string();
        assert!(alone.starts_with("northbound.listen is 127.0.0.1:8085, and no platform"), "{alone}");
        config.sigfox.secret_file = secret;
        assert!(pushes(&config).unwrap().unwrap().sigfox.is_some());
        config.northbound.listen = String::new();
        let nowhere = pushes(&config).unwrap_err().to_string();
        assert!(nowhere.starts_with("northbound.listen must say where"), "{nowhere}");
    }
}
