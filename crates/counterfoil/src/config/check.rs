//! `config check`: a configuration and the files that it names, before anything is started with them.
//!
//! Each file that cannot be used is named with its setting, not the first alone. What stands in the files is then read as `serve`
//! reads it: `database`, `tap`, `lorawan`, `northbound`, `keys`. What only a start can tell (a database's version, an address that is taken, a
//! certificate that does not go with its key) is left to it.

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use super::Config;
use crate::cli::{ConfigArguments, Failure, print};
use crate::database::Database;
use crate::tap::TapListens;
use crate::{keys, lorawan, node, northbound};

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil config print > counterfoil.toml
  counterfoil config check --config counterfoil.toml

Run the check as the user who will run the platform, and from the same folder: it reads every file that the configuration names.";

/// A file that a setting names.
struct NamedFile<'a> {
    setting: &'static str,
    path: &'a Path,
    /// Whether the platform does not begin without it.
    needed: bool,
}

/// Every file that a configuration can name.
fn named(config: &Config) -> Vec<NamedFile<'_>> {
    let file = |setting, path, needed| NamedFile { setting, path, needed };
    let (database, chirpstack, tap) = (&config.database, &config.chirpstack, &config.tap);
    let (ctwing, onenet, oceanconnect) = (&config.ctwing, &config.onenet, &config.oceanconnect);
    let (with_ctwing, with_onenet) = (!ctwing.api_url.is_empty(), !onenet.api_url.is_empty());
    let with_oceanconnect = !oceanconnect.api_url.is_empty();
    vec![
        file("database.password_file", &database.password_file, false),
        file("database.authorities", &database.authorities, false),
        file("chirpstack.password_file", &chirpstack.password_file, false),
        file("chirpstack.authorities", &chirpstack.authorities, false),
        file("ctwing.secret_file", &ctwing.secret_file, with_ctwing),
        file("ctwing.application_secret_file", &ctwing.application_secret_file, with_ctwing),
        file("ctwing.master_key_file", &ctwing.master_key_file, with_ctwing),
        file("onenet.token_file", &onenet.token_file, with_onenet),
        file("onenet.api_key_file", &onenet.api_key_file, with_onenet),
        file("oceanconnect.secret_file", &oceanconnect.secret_file, with_oceanconnect),
        file(
            "oceanconnect.application_secret_file",
            &oceanconnect.application_secret_file,
            with_oceanconnect,
        ),
        file("oceanconnect.authorities", &oceanconnect.authorities, false),
        file("sigfox.secret_file", &config.sigfox.secret_file, false),
        file("tap.certificate", &tap.certificate, false),
        file("tap.private_key", &tap.private_key, false),
        file("webhooks.authorities", &config.webhooks.authorities, false),
    ]
}

impl NamedFile<'_> {
    /// What is wrong with it, and what to do.
    fn problem(&self) -> Option<String> {
        let (setting, path) = (self.setting, self.path.display());
        if self.path.as_os_str().is_empty() {
            return self.needed.then(|| format!("{setting} is empty: name the file that holds it"));
        }
        let what = match std::fs::read(self.path) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => {
                "the file is empty: write into it what it is there for".to_owned()
            }
            Ok(_) => return None,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                "there is no such file: make it, readable by its owner alone, or correct the setting".to_owned()
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                "it cannot be read by the user who runs this: give it to the one who runs the platform (chown), mode 0600"
                    .to_owned()
            }
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                "it is a folder: name the file in it".to_owned()
            }
            Err(error) => format!("it cannot be read: {error}"),
        };
        Some(format!("{setting} {path}: {what}"))
    }
}

/// What is wrong with the files that a configuration names. A passphrase that is given otherwise needs no file.
fn problems(config: &Config, has_passphrase: bool) -> Vec<String> {
    let passphrase = NamedFile {
        setting: "keys.passphrase_file",
        path: Path::new(&config.keys.passphrase_file),
        needed: false,
    };
    let passphrase = Some(passphrase).filter(|_| !has_passphrase);
    named(config).into_iter().chain(passphrase).filter_map(|file| file.problem()).collect()
}

pub(crate) fn run(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let has_passphrase = keys::has_passphrase();
    let problems = problems(&config, has_passphrase);
    if !problems.is_empty() {
        return Err(
            format!("files that the configuration wants cannot be used: {}", problems.join("; ")).into()
        );
    }
    Database::check(&config)?;
    TapListens::of(&config, node::roles(&config)?)?;
    lorawan::settings(&config.chirpstack)?;
    northbound::pushes(&config)?;
    if !config.keys.passphrase_file.is_empty() && !has_passphrase {
        keys::passphrase(&config.keys.passphrase_file)?;
    }
    print("The configuration can be used.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::load(Some(file.path()), std::iter::empty()).unwrap()
    }

    #[test]
    fn each_file_that_cannot_be_used_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        std::fs::write(folder.path().join("good"), "a secret of sixteen\n").unwrap();
        let config = config(&format!(
            "[keys]\npassphrase_file = '{place}/away'\n[database]\npassword_file = '{place}/empty'\n\
             [ctwing]\napi_url = 'https://ctwing.example'\nsecret_file = '{place}/good'\nmaster_key_file = '{place}'\n"
        ));
        let all = problems(&config, false);
        let expected = [
            format!("database.password_file {place}/empty: the file is empty"),
            "ctwing.application_secret_file is empty: name the file".to_owned(),
            format!("ctwing.master_key_file {place}: it is a folder"),
            format!("keys.passphrase_file {place}/away: there is no such file"),
        ];
        assert_eq!(all.len(), expected.len(), "{all:?}");
        for (said, expected) in all.iter().zip(&expected) {
            assert!(said.starts_with(expected), "{said}");
        }
        assert_eq!(problems(&config, true), all[..3]);
    }

    #[test]
    fn every_setting_that_names_a_file_is_looked_at() {
        let template: toml::Table = Config::template().parse().unwrap();
        let config = Config::load(None, std::iter::empty()).unwrap();
        let mut known: Vec<_> = named(&config).iter().map(|file| file.setting).collect();
        known.push("keys.passphrase_file");
        for (section, settings) in template.iter().filter_map(|(name, value)| Some((name, value.as_table()?)))
        {
            for key in settings.keys().filter(|key| key.ends_with("_file") || *key == "authorities") {
                let setting = format!("{section}.{key}");
                assert!(known.contains(&setting.as_str()), "{setting}");
            }
        }
    }
}
