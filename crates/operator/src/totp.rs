//! One-time codes by time (RFC 6238 over RFC 4226): SHA-1, 6 digits, 30 s, one step either way.
//!
//! A step is used once: whoever saw a code over a shoulder has nothing of it. The last used step is kept by the caller.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::UnixMillis;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The secret that an authenticator shares: 20 bytes, as RFC 4226, section 4 recommends.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct TotpSecret([u8; Self::LENGTH]);

/// A number of 30 s since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotpStep(pub u64);

/// Six digits as they were typed.
#[derive(Clone, Copy, Zeroize)]
pub struct TotpCode([u8; 6]);

impl TotpCode {
    /// Reads six digits; spaces between them are how authenticators show them.
    pub fn read(text: &str) -> Option<Self> {
        let mut digits = text.bytes().filter(|byte| *byte != b' ');
        let mut code = [0; 6];
        for place in &mut code {
            *place = digits.next().filter(u8::is_ascii_digit)?;
        }
        digits.next().is_none().then_some(Self(code))
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode([redacted])")
    }
}

impl TotpSecret {
    /// Bytes of a secret.
    pub const LENGTH: usize = 20;
    /// Seconds of a step.
    pub const STEP_SECONDS: u64 = 30;
    /// Steps that a clock may be off, each way.
    pub const WINDOW: u64 = 1;

    /// A secret of bytes that were drawn for it.
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever seals them. Nobody else needs them.
    pub const fn expose_to_key_store(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The step of a moment.
    pub fn step_at(now: UnixMillis) -> TotpStep {
        TotpStep(u64::try_from(now.0).unwrap_or(0) / (Self::STEP_SECONDS * 1_000))
    }

    /// The code of a step, six digits (RFC 4226, section 5.3).
    pub fn code_of(&self, TotpStep(step): TotpStep) -> String {
        String::from_utf8_lossy(&self.digits(step)).into_owned()
    }

    fn digits(&self, step: u64) -> [u8; 6] {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return [b'-'; 6] };
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 0x0f);
        let truncated =
            u32::from_be_bytes([hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
        let mut number = (truncated & 0x7fff_ffff) % 1_000_000;
        let mut digits = [b'0'; 6];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        digits
    }

    /// The step that a code is of: now or one either way, above the last that was used. `None`: wrong, or used.
    pub fn step_of(&self, code: TotpCode, now: UnixMillis, last_used: Option<TotpStep>) -> Option<TotpStep> {
        let TotpStep(here) = Self::step_at(now);
        let mut found = None;
        // Each is compared, so that time does not tell which.
        for step in here.saturating_sub(Self::WINDOW)..=here + Self::WINDOW {
            let is_it = bool::from(self.digits(step).ct_eq(&code.0));
            if is_it && last_used.is_none_or(|last| TotpStep(step) > last) {
                found = Some(TotpStep(step));
            }
        }
        found
    }

    /// What an authenticator is told: `otpauth://totp/…`. It is the secret: shown once.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let secret = BASE32_NOPAD.encode(&self.0);
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
        )
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: TotpSecret = TotpSecret::new(*b"12345678901234567890");

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        for (seconds, eight) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = TotpSecret::step_at(UnixMillis(seconds * 1_000));
            assert_eq!(RFC.code_of(step), &eight[2..], "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_either_way_and_once() {
        let now = UnixMillis(1_800_000_015_000);
        let TotpStep(here) = TotpSecret::step_at(now);
        for (off, good) in [(-2_i64, false), (-1, true), (0, true), (1, true), (2, false)] {
            let step = TotpStep(here.checked_add_signed(off).unwrap());
            let code = TotpCode::read(&RFC.code_of(step)).unwrap();
            assert_eq!(RFC.step_of(code, now, None), good.then_some(step), "{off}");
            assert_eq!(RFC.step_of(code, now, Some(step)), None, "used: {off}");
        }
        // What was used ends what is older, too.
        let before = TotpCode::read(&RFC.code_of(TotpStep(here - 1))).unwrap();
        assert_eq!(RFC.step_of(before, now, Some(TotpStep(here))), None);
    }

    #[test]
    fn six_digits_are_read_and_nothing_else() {
        assert!(TotpCode::read("123 456").is_some());
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345"] {
            assert!(TotpCode::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_authenticator_is_told_all_of_it_and_nobody_else() {
        let uri = RFC.uri("Counterfoil", "li.wei");
        assert_eq!(
            uri,
            "otpauth://totp/Counterfoil:li.wei?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Counterfoil\
             &algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(format!("{RFC:?}"), "TotpSecret([redacted])");
    }
}
