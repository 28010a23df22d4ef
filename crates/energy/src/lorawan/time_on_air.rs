//! How long a frame is on the air.

use super::region::Modulation;

/// Symbols of preamble, all regions.
const PREAMBLE: f64 = 8.0;
/// Symbols of preamble that the modem adds.
const SYNC: f64 = 4.25;
/// MAC header 1, address 4, control 1, counter 2, port 1, integrity code 4.
const MAC_BYTES: u16 = 13;
/// From this length of a symbol on, the low data rate optimisation is on.
const SLOW_SYMBOL_MS: f64 = 16.0;
/// Coding rate 4/5.
const CODING: i32 = 1;

/// How long a frame is on the air, explicit header, coding rate 4/5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeOnAir {
    /// Preamble and payload.
    pub ms: f64,
    /// Of which a symbol.
    pub symbol_ms: f64,
}

impl TimeOnAir {
    /// An uplink with this many bytes of application payload.
    pub fn uplink(modulation: Modulation, payload_bytes: u16) -> Self {
        Self::of(modulation, payload_bytes + MAC_BYTES, true)
    }

    /// A downlink, which has no check sum of the radio's.
    pub fn downlink(modulation: Modulation, payload_bytes: u16) -> Self {
        Self::of(modulation, payload_bytes + MAC_BYTES, false)
    }

    /// Of so many bytes as the radio sees them.
    pub fn of(modulation: Modulation, radio_bytes: u16, check_sum: bool) -> Self {
        let factor = i32::from(modulation.spreading_factor);
        let symbol_ms = modulation.symbol_ms();
        let slow = i32::from(symbol_ms >= SLOW_SYMBOL_MS);
        let bits = 8 * i32::from(radio_bytes) - 4 * factor + 28 + 16 * i32::from(check_sum);
        let blocks = (f64::from(bits) / f64::from(4 * (factor - 2 * slow))).ceil().max(0.0);
        let symbols = PREAMBLE + SYNC + 8.0 + blocks * f64::from(CODING + 4);
        Self { ms: symbols * symbol_ms, symbol_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures that others printed: spreading factor, kHz, bytes, check sum, milliseconds.
    const PRINTED: &[(u8, u32, u16, bool, f64, &str)] = &[
        (9, 125_000, 13, true, 164.864, "spreadsheet after Semtech AN1200.13"),
        (7, 125_000, 10, true, 41.216, "rfwireless-world.com, example 1"),
        (11, 125_000, 10, true, 577.536, "rfwireless-world.com, example 2: optimised"),
        (12, 125_000, 64, true, 2_793.472, "github.com/tanupoo/lorawan_toa: optimised"),
        (12, 500_000, 1, true, 206.848, "Semtech's SX1261 calculator, as in micropython-lib's tests"),
        (12, 500_000, 1, false, 165.888, "the same, without check sum"),
        (12, 500_000, 192, true, 1_476.608, "the same"),
    ];

    #[test]
    fn time_on_air_is_what_others_printed() {
        for &(spreading_factor, bandwidth_hz, bytes, check_sum, ms, source) in PRINTED {
            let time = TimeOnAir::of(Modulation { spreading_factor, bandwidth_hz }, bytes, check_sum);
            assert!((time.ms - ms).abs() < 0.000_5, "{source}: {} for {ms}", time.ms);
        }
    }

    #[test]
    fn the_frames_of_a_payment_take_what_the_formula_gives_by_hand() {
        let slow = Modulation { spreading_factor: 12, bandwidth_hz: 125_000 };
        let fast = Modulation { spreading_factor: 7, bandwidth_hz: 125_000 };
        // 25 bytes at SF12: (8*25 - 48 + 44) / 40 = 4.9, so 5 blocks: 12.25 + 8 + 25 symbols of 32.768 ms.
        assert!((TimeOnAir::uplink(slow, 12).ms - 45.25 * 32.768).abs() < 1e-9);
        // 36 bytes at SF12 without check sum: (288 - 48 + 28) / 40 = 6.7, so 7 blocks.
        assert!((TimeOnAir::downlink(slow, 23).ms - 55.25 * 32.768).abs() < 1e-9);
        // 25 bytes at SF7: (200 - 28 + 44) / 28 = 7.7, so 8 blocks: 60.25 symbols of 1.024 ms.
        assert!((TimeOnAir::uplink(fast, 12).ms - 60.25 * 1.024).abs() < 1e-9);
    }

    #[test]
    fn more_bytes_never_take_less_time() {
        for spreading_factor in 7..=12 {
            for bandwidth_hz in [125_000, 250_000, 500_000] {
                let modulation = Modulation { spreading_factor, bandwidth_hz };
                let mut last = 0.0;
                for bytes in 0..=242 {
                    let ms = TimeOnAir::uplink(modulation, bytes).ms;
                    assert!(ms >= last, "SF{spreading_factor} {bytes}");
                    last = ms;
                }
            }
        }
    }
}
