//! What an electronic purse answers, as fields carry it: file 0015, INITIALIZE FOR LOAD, a record of a log.
//!
//! For: one reading of these bytes for card, driver and bank.
//! Refuses: judging them. A code is checked where its key is; dates of a log may be anything.

use crypto::{LoadRequest, PurseCode, PurseKind};
use model::{Asn, AsnError, Fen, OnlineCounter, PurseTime, TerminalId};

/// The first 30 bytes of file 0015 (JR/T 0025.1): what a card says of itself in clear. Nothing proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicData {
    /// Who issued the card.
    pub issuer: [u8; 8],
    /// Which kind of application it is.
    pub application_type: u8,
    /// The application's version.
    pub version: u8,
    /// Application serial number.
    pub asn: Asn,
    /// BCD `YYYYMMDD`; zeros until the card is activated.
    pub start_date: [u8; 4],
    /// BCD `YYYYMMDD`.
    pub end_date: [u8; 4],
    /// What the issuer keeps there besides.
    pub fci: [u8; 2],
}

impl PublicData {
    /// Issuer 8, type 1, version 1, ASN 10, dates 4 and 4, issuer's own 2.
    pub const LENGTH: usize = 30;
    /// Where the two dates begin that activation writes.
    pub const DATES_OFFSET: usize = 20;

    /// Reads the bytes; refuses a serial number that is not decimal.
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, AsnError> {
        let (issuer, rest) = split(bytes);
        let ([application_type, version], rest) = split(rest);
        let (asn, rest) = split(rest);
        let (start_date, rest) = split(rest);
        let (end_date, rest) = split(rest);
        let (fci, _) = split(rest);
        Ok(Self { issuer, application_type, version, asn: Asn::new(asn)?, start_date, end_date, fci })
    }

    /// The bytes.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let Self { issuer, application_type, version, asn, start_date, end_date, fci } = self;
        join([issuer, &[*application_type, *version], &asn.to_bytes(), start_date, end_date, fci])
    }

    /// Whether a start date was written.
    pub fn is_activated(&self) -> bool {
        self.start_date != [0; 4]
    }
}

/// What INITIALIZE FOR LOAD answers, without its status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitializeAnswer {
    /// What is on the card.
    pub balance: Fen,
    /// Its online counter: how many loads it took.
    pub counter: OnlineCounter,
    /// The load key's version.
    pub key_version: u8,
    /// The load key's algorithm; 00 is DES.
    pub algorithm: u8,
    /// What the card drew for this load.
    pub random: [u8; 4],
    /// Proves balance and counter to who has the load key.
    pub mac1: PurseCode,
}

impl InitializeAnswer {
    /// Balance 4, counter 2, key version 1, algorithm 1, random 4, MAC1 4.
    pub const LENGTH: usize = 16;

    /// Reads the bytes.
    pub const fn parse(bytes: &[u8; Self::LENGTH]) -> Self {
        let [b0, b1, b2, b3, c0, c1, key_version, algorithm, r0, r1, r2, r3, m0, m1, m2, m3] = *bytes;
        Self {
            balance: Fen(u32::from_be_bytes([b0, b1, b2, b3])),
            counter: OnlineCounter(u16::from_be_bytes([c0, c1])),
            key_version,
            algorithm,
            random: [r0, r1, r2, r3],
            mac1: PurseCode([m0, m1, m2, m3]),
        }
    }

    /// The bytes.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let Self { balance, counter, key_version, algorithm, random, mac1 } = self;
        join([
            &balance.0.to_be_bytes(),
            &counter.0.to_be_bytes(),
            &[*key_version, *algorithm],
            random,
            &mac1.0,
        ])
    }

    /// What [`Self::mac1`] is over: this answer, and what INITIALIZE was sent with.
    pub const fn request(&self, amount: Fen, kind: PurseKind, terminal: TerminalId) -> LoadRequest {
        let Self { balance, counter, random, .. } = *self;
        LoadRequest { balance, amount, kind, terminal, counter, random }
    }
}

/// A record of a card's log: one load or purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Which one it was.
    pub sequence: u16,
    /// The overdraft limit, zeros on a purse.
    pub overdraft: [u8; 3],
    /// How much.
    pub amount: Fen,
    /// The transaction type identifier; cards write others than [`PurseKind`] knows.
    pub kind: u8,
    /// At which terminal.
    pub terminal: TerminalId,
    /// When, by that terminal's or bank's clock.
    pub when: PurseTime,
}

/// Bytes are not a record of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a log record has 23 bytes; see that the pack names the right file")]
pub struct LogRecordError;

impl LogRecord {
    /// Sequence 2, overdraft 3, amount 4, kind 1, terminal 6, date and time 7.
    pub const LENGTH: usize = 23;

    /// Reads the bytes; refuses another length.
    pub fn parse(bytes: &[u8]) -> Result<Self, LogRecordError> {
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().map_err(|_| LogRecordError)?;
        let (sequence, rest) = split(bytes);
        let (overdraft, rest) = split(rest);
        let (amount, rest) = split(rest);
        let ([kind], rest) = split(rest);
        let (terminal, rest) = split(rest);
        let (when, _) = split(rest);
        Ok(Self {
            sequence: u16::from_be_bytes(sequence),
            overdraft,
            amount: Fen(u32::from_be_bytes(amount)),
            kind,
            terminal: TerminalId(terminal),
            when: PurseTime::from_bytes(when),
        })
    }

    /// The bytes.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let Self { sequence, overdraft, amount, kind, terminal, when } = self;
        join([
            &sequence.to_be_bytes(),
            overdraft,
            &amount.0.to_be_bytes(),
            &[*kind],
            &terminal.0,
            &when.to_bytes(),
        ])
    }
}

/// The first bytes and the rest. Callers begin with as many bytes as they take.
fn split<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    bytes.split_first_chunk().map_or(([0; N], &[]), |(first, rest)| (*first, rest))
}

/// The parts one behind the other; together they have this length.
fn join<const N: usize, const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; N] {
    let mut whole = [0; N];
    whole.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_0015_reads_back_byte_for_byte_and_knows_activation() {
        let mut bytes: [u8; 30] = core::array::from_fn(|i| i as u8);
        bytes[10..20].copy_from_slice(&[0, 0, 0x10, 0, 0x75, 0x12, 0x34, 0x56, 0x78, 0x90]);
        let data = PublicData::parse(&bytes).unwrap();
        assert_eq!(data.to_bytes(), bytes);
        assert_eq!((data.application_type, data.version, data.fci), (8, 9, [28, 29]));
        assert_eq!(data.asn, "00001000751234567890".parse().unwrap());
        assert_eq!((data.start_date, data.end_date), ([20, 21, 22, 23], [24, 25, 26, 27]));
        assert!(data.is_activated());
        bytes[PublicData::DATES_OFFSET..PublicData::DATES_OFFSET + 4].fill(0);
        assert!(!PublicData::parse(&bytes).unwrap().is_activated());
        bytes[10] = 0xa0;
        assert_eq!(PublicData::parse(&bytes), Err(AsnError));
    }

    #[test]
    fn an_answer_of_initialize_reads_back_and_says_what_mac1_is_over() {
        let bytes: [u8; 16] = [0, 0, 0x27, 0x10, 0, 7, 1, 0, 0xa1, 0xb2, 0xc3, 0xd4, 0xda, 0x8a, 0xd9, 0xe6];
        let answer = InitializeAnswer::parse(&bytes);
        assert_eq!(answer.to_bytes(), bytes);
        assert_eq!((answer.balance, answer.counter), (Fen(10_000), OnlineCounter(7)));
        assert_eq!((answer.key_version, answer.algorithm), (1, 0));
        let terminal = TerminalId([0, 0, 1, 0, 0, 0x50]);
        let request = answer.request(Fen(5_000), PurseKind::PurseLoad, terminal);
        assert_eq!(
            (request.balance, request.amount, request.random),
            (Fen(10_000), Fen(5_000), answer.random)
        );
        assert_eq!((request.counter, request.terminal), (OnlineCounter(7), terminal));
    }

    #[test]
    fn a_record_reads_back_whatever_it_holds_and_has_one_length() {
        let bytes: [u8; 23] = core::array::from_fn(|i| 0xff - i as u8);
        let record = LogRecord::parse(&bytes).unwrap();
        assert_eq!(record.to_bytes(), bytes);
        assert_eq!((record.sequence, record.overdraft, record.kind), (0xfffe, [0xfd, 0xfc, 0xfb], 0xf6));
        for length in (0..30).filter(|length| *length != 23) {
            assert_eq!(LogRecord::parse(&[0; 30][..length]), Err(LogRecordError));
        }
    }
}
