//! Why a file is not taken.

use std::io;
use std::path::PathBuf;

use model::IndustryCode;

/// Why a file is no driver pack for this terminal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The first line is another.
    #[error(
        "this is no driver pack: its first line must be `# counterfoil-pack v1 key=… signature=…`, which `counterfoil pack sign` writes"
    )]
    NotAPack,
    /// Larger than any pack.
    #[error("this is no driver pack: it has more than {max} bytes")]
    TooLarge {
        /// The largest.
        max: usize,
    },
    /// A later format of file or body.
    #[error("this pack has format {found}; this program knows {known}. Update the program")]
    NewerFormat {
        /// The file's.
        found: u64,
        /// This build's.
        known: u16,
    },
    /// The key that signed is not among those trusted.
    #[error(
        "this pack is signed by {key}, whom nobody here trusts: that key must stand in the bank's setting tap.pack_signers before terminals are enrolled"
    )]
    UnknownSigner {
        /// The key that the file names.
        key: String,
    },
    /// The signature does not agree with the bytes.
    #[error("the signature does not agree: the file was changed after it was signed. Get it anew")]
    BadSignature,
    /// For another driver.
    #[error("this pack is for the driver `{found}`, and this terminal has `{known}`", known = tap::pack::DriverPack::DRIVER)]
    WrongDriver {
        /// The pack's.
        found: String,
    },
    /// What stands in the body, by rule.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl PackError {
    /// The name for logs and interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAPack => "not_a_pack",
            Self::TooLarge { .. } => "too_large",
            Self::NewerFormat { .. } => "newer_format",
            Self::UnknownSigner { .. } => "unknown_signer",
            Self::BadSignature => "bad_signature",
            Self::WrongDriver { .. } => "wrong_driver",
            Self::Body(error) => error.code(),
        }
    }
}

/// What is wrong in a body. The line is that of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// No TOML.
    #[error("line {line}: {what}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What the reader of TOML says.
        what: String,
    },
    /// A key that must be there is not.
    #[error("the key `{key}` is missing")]
    Missing {
        /// With its table.
        key: String,
    },
    /// A value of another type.
    #[error("the key `{key}` must be {wanted}")]
    WrongType {
        /// With its table.
        key: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A key that this format does not have: a misspelt one must not pass for a default.
    #[error("the key `{key}` is not known; take it away or correct it")]
    UnknownKey {
        /// With its table.
        key: String,
    },
    /// A value that cannot be.
    #[error("the key `{key}` must be {wanted}")]
    OutOfRange {
        /// With its table.
        key: String,
        /// What it must be.
        wanted: &'static str,
    },
}

impl BodyError {
    /// The name for logs and interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Missing { .. } => "missing_key",
            Self::WrongType { .. } => "wrong_type",
            Self::UnknownKey { .. } => "unknown_key",
            Self::OutOfRange { .. } => "out_of_range",
        }
    }
}

/// Why a file is no product of the bank.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// Larger than any product.
    #[error("this is no product: it has more than {max} bytes")]
    TooLarge {
        /// The largest.
        max: usize,
    },
    /// A later format.
    #[error("this product has format {found}; this program knows {known}. Update the program")]
    NewerFormat {
        /// The file's.
        found: u64,
        /// This build's.
        known: u16,
    },
    /// Another file of the folder serves this industry already.
    #[error("industry {code} has a product already; take one of the two files away")]
    Doubled {
        /// The industry.
        code: IndustryCode,
    },
    /// No good pack of this industry.
    #[error("industry {code} has a product and no driver pack: put its pack into the same folder")]
    NoPack {
        /// The industry.
        code: IndustryCode,
    },
    /// What stands in it, by rule.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl ProductError {
    /// The name for logs and interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NewerFormat { .. } => "newer_format",
            Self::Doubled { .. } => "doubled",
            Self::NoPack { .. } => "no_pack",
            Self::Body(error) => error.code(),
        }
    }
}

/// Why a pack was not installed. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// It is no good pack.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A newer one is installed. An older pack may have faults that were mended.
    #[error("industry {code} has version {installed} already, and this pack is version {offered}")]
    Older {
        /// The industry.
        code: IndustryCode,
        /// What is installed.
        installed: u16,
        /// What was given.
        offered: u16,
    },
    /// Another pack under the same number: whoever made it forgot to raise the version.
    #[error("industry {code} has another pack of version {version}; raise the version and sign it again")]
    SameVersion {
        /// The industry.
        code: IndustryCode,
        /// The version of both.
        version: u16,
    },
    /// As many industries as a folder may have.
    #[error("there are {max} industries already; take packs that are not used out of the folder")]
    Full {
        /// The most.
        max: usize,
    },
    /// The folder did not take it.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl InstallError {
    /// The name for logs and interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pack(error) => error.code(),
            Self::Older { .. } => "older_version",
            Self::SameVersion { .. } => "same_version",
            Self::Full { .. } => "full",
            Self::Write { .. } => "cannot_write",
        }
    }
}

/// Why a signing key's file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// A key is never written over another.
    #[error("{} exists already; a signing key is never overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others may read it.
    #[error("{} may be read by others (mode {mode:o}): chmod 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not 64 hexadecimal digits.
    #[error("{} is no signing key: it must hold 64 hexadecimal digits", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The system.
    #[error("{}: {source}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
