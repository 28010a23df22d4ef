//! What must stand in no output: read from the files that hold it.

use std::path::Path;

use serde_json::Value;

/// The secrets of a data folder.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Whole card numbers and keys of the software cards, the card maker's key, and a passphrase if there is one.
    pub(crate) fn of(data: &Path) -> Self {
        let mut found = vec![std::fs::read_to_string(data.join("card-maker.key")).unwrap()];
        for entry in std::fs::read_dir(data.join("cards")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                found.extend(fields(&path, &["number", "key"]));
            }
        }
        let notes = data.join("demo.json");
        if notes.exists() {
            found.extend(fields(&notes, &["passphrase"]));
        }
        assert!(found.iter().all(|secret| secret.len() >= 16), "secrets are long: {found:?}");
        Self(found)
    }

    #[track_caller]
    pub(crate) fn are_not_in(&self, text: &str) {
        for secret in &self.0 {
            assert!(!text.contains(secret.trim()), "{secret} stands in {text}");
        }
    }
}

fn fields(path: &Path, names: &[&str]) -> Vec<String> {
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    names.iter().map(|name| file[name].as_str().unwrap().to_owned()).collect()
}
