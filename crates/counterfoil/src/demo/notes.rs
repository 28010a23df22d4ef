//! What a demonstration must know to go on in the same folder. A real platform keeps none of this in one file.

use keystore::Passphrase;
use model::CardId;
use serde::{Deserialize, Serialize};
use server::{Chance as _, SystemChance};

use crate::cli::Failure;
use crate::places::{Places, read, write_private};

#[derive(Serialize, Deserialize)]
pub(super) struct Notes {
    passphrase: String,
    pub(super) api_key: String,
    /// Its key for the test mode.
    #[serde(default)]
    pub(super) test_key: String,
    pub(super) holder: String,
    #[serde(with = "card_ids")]
    pub(super) cards: Vec<CardId>,
    /// The bank card that pays the wallet cards' loads.
    #[serde(default)]
    pub(super) bank_card: String,
    /// Wallet cards by serial number, each with its industry.
    #[serde(default)]
    pub(super) wallets: Vec<(String, String)>,
}

impl Notes {
    /// The folder's notes, or those of a new demonstration.
    pub(super) fn load(places: &Places) -> Result<Self, Failure> {
        let path = places.demo_notes();
        if path.exists() {
            return Ok(serde_json::from_slice(&read(&path)?)?);
        }
        if places.key_store().exists() {
            return Err(format!(
                "{} holds a platform that no demonstration made; give --data another folder",
                path.with_file_name("").display()
            )
            .into());
        }
        Ok(Self {
            passphrase: format!("{:032x}", SystemChance.draw()),
            api_key: String::new(),
            test_key: String::new(),
            holder: String::new(),
            cards: Vec::new(),
            bank_card: String::new(),
            wallets: Vec::new(),
        })
    }

    pub(super) fn passphrase(&self) -> Result<Passphrase, Failure> {
        Ok(Passphrase::new(self.passphrase.clone())?)
    }

    pub(super) fn save(&self, places: &Places) -> Result<(), Failure> {
        Ok(write_private(&places.demo_notes(), &serde_json::to_vec_pretty(self)?)?)
    }
}

mod card_ids {
    use model::CardId;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(ids: &[CardId], serializer: S) -> Result<S::Ok, S::Error> {
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CardId>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}
