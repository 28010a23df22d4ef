//! What is kept of an SMS code: a digest that is worth something only beside its random reference, for minutes.

use sha2::{Digest as _, Sha256};
use store::SmsCode;
use subtle::ConstantTimeEq as _;

/// SHA-256 over reference and digits. It does not hide six digits from whoever reads the database; it keeps
/// them out of copies and logs while the code lives.
pub(crate) fn digest(reference: [u8; 16], digits: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(reference).chain_update(digits).finalize().into()
}

/// Whether these are the code's digits, compared in constant time.
pub(super) fn agrees(code: &SmsCode, digits: &tap::SmsCode) -> bool {
    digest(code.reference, digits.digits()).ct_eq(&code.digest).into()
}
