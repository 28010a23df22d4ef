//! Where keys are kept: [`SealedFile`], the first back end of [`crypto::KeyStore`] and [`crypto::BankKeys`].
//!
//! For: holding issuer master keys (derive card keys), transport keys (wrap card keys), masters of wallet cards,
//! roots of terminals, keys for PINs, keys of databases and imported card keys in one file that a passphrase opens; doing with them
//! what the contracts name; and the custodians' acts on them (generate, import by components, rotate, suspend,
//! retire, destroy), each written down.
//! Refuses: giving a key out; a file that others can read; a wrong passphrase, a damaged file and a newer
//! format, each by its name; test keys in a production store; using a name or a card's key version twice.
//! Cannot refuse: an older copy of the file put back while nobody has it open, a debugger, a core dump, swap.
//! For those: backups that are destroyed with the keys, `LimitCORE=0`, no swap, or an HSM. Buffers of keys are
//! zeroised; what moving a value, or a cipher's own code, leaves on the stack is not in our hands.
//! Next: `sealed_file` for the file's life, `ceremony` for the custodians' acts, `card_keys` and `bank_keys` for
//! the hot path, `secret_keys` for secrets in a database, `sealed` for the file's form, `encoding` for its body, `state` for what each state allows.
//!
//! # The hot path
//! Keys are in memory, in one snapshot behind an `RwLock`. `seal_frame` and `open_frame` take its read side,
//! which readers share, for the one or two CMACs of the derivation and the EAX or CCM of the frame; they
//! allocate nothing and touch no file. So do the operations of `bank_keys`, for the few blocks of 3DES or AES that
//! derive a card's or terminal's key and the text itself; only a text too short for its tag grows. A change is made ready (file read, changed, written, synced) outside
//! the lock; its write side is held for the exchange of two pointers only. As the read side is held through
//! the frame, no frame is worked with a destroyed key once `destroy` has returned. No bench stands here:
//! the ciphers of `crypto` are what a frame costs, and are measured there.
//!
//! # The file
//! Rewritten whole at each change, which waits for the disk and perhaps for another process: not to be done
//! on a thread that serves others. A store of a hundred thousand imported cards writes 2 MB an import; issuers
//! that derive their card keys write at ceremonies and card destructions only.

mod bank_keys;
mod card_keys;
mod ceremony;
mod contents;
mod custodian;
mod encoding;
mod entropy;
mod environment;
mod error;
mod place;
mod record;
mod sealed_file;
mod secret_keys;
mod state;

pub use ceremony::Component;
pub use custodian::{Action, Custodian, CustodianEntry, CustodianError};
pub use entropy::{Entropy, EntropyFailed, system_entropy};
pub use environment::Environment;
pub use error::{CeremonyError, SealedFileError};
pub use record::{KeyRecord, KeyUse};
pub use sealed::{Cost, Damage, Passphrase, PassphraseError};
pub use sealed_file::SealedFile;
pub use state::{ForbiddenTransition, KeyEvent, KeyState};
