//! The industries of the bank: a folder of packs and products, read at start and whenever it is told to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use model::IndustryCode;
use tap::pack::DriverPack;

use crate::error::ProductError;
use crate::examples::{example_signer, examples};
use crate::key::VerifyingKey;
use crate::packs::Contents as PackContents;
use crate::place::{self, BadFile, FolderError};
use crate::product::{PRODUCT_LENGTH_MAX, Product};

/// How a product's file name ends.
const ENDING: &str = ".product.toml";

/// An industry that the bank serves: it has both files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Industry {
    /// What terminals know of it.
    pub pack: Arc<DriverPack>,
    /// What only the bank knows of it.
    pub product: Product,
}

/// Every industry that the bank serves. Shared between threads; what is in use stays what it was.
#[derive(Debug)]
pub struct Industries {
    /// `None`: in memory only.
    folder: Option<(PathBuf, Vec<VerifyingKey>)>,
    contents: RwLock<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    by_code: BTreeMap<IndustryCode, Arc<Industry>>,
    bad: Vec<BadFile>,
}

impl Industries {
    /// Reads a folder; one that is not there is made. A bad file is listed and stops no other.
    pub fn load(folder: &Path, trusted: &[VerifyingKey]) -> Result<Self, FolderError> {
        let contents = RwLock::new(Contents::read(folder, trusted)?);
        Ok(Self { folder: Some((folder.into(), trusted.to_vec())), contents })
    }

    /// The example industries, without a folder: for demonstrations and tests.
    pub fn examples() -> Self {
        let mut packs = PackContents::trusting(&[example_signer()]);
        let mut products = Vec::new();
        for example in examples() {
            packs.take(example.pack_file.to_owned(), example.pack.as_bytes());
            products.push((example.product_file.to_owned(), Ok(example.product.as_bytes().to_vec())));
        }
        Self { folder: None, contents: RwLock::new(Contents::of(packs, products)) }
    }

    /// These industries, without a folder. Of two with one code the later is taken.
    pub fn of(industries: impl IntoIterator<Item = Industry>) -> Self {
        let by_code =
            industries.into_iter().map(|industry| (industry.product.code, Arc::new(industry))).collect();
        Self { folder: None, contents: RwLock::new(Contents { by_code, bad: Vec::new() }) }
    }

    /// Reads the folder anew. On an error nothing changes; without a folder there is nothing to read.
    pub fn reload(&self) -> Result<(), FolderError> {
        if let Some((folder, trusted)) = &self.folder {
            let contents = Contents::read(folder, trusted)?;
            *self.contents.write().unwrap_or_else(PoisonError::into_inner) = contents;
        }
        Ok(())
    }

    /// The industry of a code, where the bank serves it.
    pub fn get(&self, code: IndustryCode) -> Option<Arc<Industry>> {
        self.with(|contents| contents.by_code.get(&code).cloned())
    }

    /// All industries that the bank serves, by code.
    pub fn all(&self) -> Vec<Arc<Industry>> {
        self.with(|contents| contents.by_code.values().cloned().collect())
    }

    /// The files that are not used, each with its reason.
    pub fn bad_files(&self) -> Vec<BadFile> {
        self.with(|contents| contents.bad.clone())
    }

    fn with<T>(&self, read: impl FnOnce(&Contents) -> T) -> T {
        read(&self.contents.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Contents {
    fn read(folder: &Path, trusted: &[VerifyingKey]) -> Result<Self, FolderError> {
        let packs = PackContents::read(folder, trusted)?;
        Ok(Self::of(packs, place::files(folder, ENDING, PRODUCT_LENGTH_MAX)?))
    }

    fn of(packs: PackContents, products: Vec<place::Entry>) -> Self {
        let mut contents = Self { by_code: BTreeMap::new(), bad: packs.bad };
        for (name, bytes) in products {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => {
                    contents.bad.push(place::unreadable(name, &error));
                    continue;
                }
            };
            if let Err(error) = contents.take(&packs.by_code, &bytes) {
                contents.bad.push(BadFile { name, code: error.code(), reason: error.to_string() });
            }
        }
        contents
    }

    fn take(
        &mut self,
        packs: &BTreeMap<IndustryCode, Arc<DriverPack>>,
        bytes: &[u8],
    ) -> Result<(), ProductError> {
        let product = Product::parse(&String::from_utf8_lossy(bytes))?;
        let code = product.code;
        if self.by_code.contains_key(&code) {
            return Err(ProductError::Doubled { code });
        }
        let pack = packs.get(&code).cloned().ok_or(ProductError::NoPack { code })?;
        self.by_code.insert(code, Arc::new(Industry { pack, product }));
        Ok(())
    }
}
