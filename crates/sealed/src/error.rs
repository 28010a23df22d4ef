//! Why a file does not open or cannot be made. Callers add which file, and what to do about it.

use std::io;

/// In which way a file is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It ends too early.
    #[error("it is cut off")]
    Truncated,
    /// It goes on after its end.
    #[error("something follows its end")]
    Trailing,
    /// Its first 76 bytes were changed.
    #[error("its header was changed")]
    Header,
    /// Its sealed part was changed.
    #[error("its sealed part was changed")]
    Body,
    /// What was sealed is not what such a file says: whoever sealed it went wrong. Found by whoever reads the body.
    #[error("its contents do not fit together")]
    Contents,
}

/// Why a file is not one that this build reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It is a file of another kind, or none of ours.
    #[error("it is another kind of file")]
    OtherKind,
    /// A later build wrote it.
    #[error("it has format {0}; use the version that wrote it, or a later one")]
    Newer(u16),
    /// It was changed or cut off.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// Why there are no keys for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The header is whole, and the passphrase is not that of the file.
    #[error("the passphrase is not that of the file; give the right one")]
    WrongPassphrase,
    /// The passphrase could not be stretched.
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
}

/// The memory that the passphrase's stretching needs is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is not enough free memory to stretch the passphrase; free some and try again")]
pub struct OutOfMemory;

/// The body is more than a file of its kind holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is more to seal than such a file holds")]
pub struct TooLarge;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is there.
    #[error("there is no such file")]
    Missing,
    /// It is a folder or another thing.
    #[error("it is not a file")]
    NotAFile,
    /// Others than the owner can read or write it.
    #[error("it has mode {mode:04o}: others than its owner have access; run `chmod 600` on it")]
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
    /// It is longer than any of its kind.
    #[error("it is longer than any such file")]
    TooLarge,
    /// The operating system refused.
    #[error("it cannot be read: {0}")]
    System(#[source] io::Error),
}
