//! Randomness, given by the caller so that a simulation can repeat itself.

/// Fills a buffer with random bytes, or says that it cannot.
pub type Entropy<'a> = dyn FnMut(&mut [u8]) -> Result<(), EntropyFailed> + 'a;

/// The source of randomness gave none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness gave none; nothing was done, try again")]
pub struct EntropyFailed;

/// The operating system's randomness: what everybody but a simulation gives, as `&mut system_entropy`.
pub fn system_entropy(bytes: &mut [u8]) -> Result<(), EntropyFailed> {
    getrandom::fill(bytes).map_err(|_| EntropyFailed)
}
