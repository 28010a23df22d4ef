//! A command as the card reads it: which instruction, and its body. Short lengths only.

use super::refusal::Refusal;

/// What the card can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    Select,
    ReadBinary,
    ReadRecord,
    UpdateBinary,
    UpdateBinarySecure,
    VerifyPin,
    GetChallenge,
    ExternalAuthenticate,
    GetBalance,
    Initialize,
    CreditForLoad,
    DebitForPurchase,
    GetTransactionProve,
    ApplicationBlock,
    ApplicationUnblock,
}

impl Instruction {
    const ALL: [(u8, u8, Self); 15] = [
        (0x00, 0xa4, Self::Select),
        (0x00, 0xb0, Self::ReadBinary),
        (0x00, 0xb2, Self::ReadRecord),
        (0x00, 0xd6, Self::UpdateBinary),
        (0x04, 0xd6, Self::UpdateBinarySecure),
        (0x00, 0x20, Self::VerifyPin),
        (0x00, 0x84, Self::GetChallenge),
        (0x00, 0x82, Self::ExternalAuthenticate),
        (0x80, 0x5c, Self::GetBalance),
        (0x80, 0x50, Self::Initialize),
        (0x80, 0x52, Self::CreditForLoad),
        (0x80, 0x54, Self::DebitForPurchase),
        (0x80, 0x5a, Self::GetTransactionProve),
        (0x84, 0x1e, Self::ApplicationBlock),
        (0x84, 0x18, Self::ApplicationUnblock),
    ];

    /// The instruction of this class and code. One that is there under another class is a wrong class.
    fn of(class: u8, code: u8) -> Result<Self, Refusal> {
        let mut refusal = Refusal::UnknownInstruction;
        if !Self::ALL.iter().any(|(known, ..)| *known == class) {
            return Err(Refusal::UnknownClass);
        }
        for (known_class, known_code, instruction) in Self::ALL {
            if known_code == code {
                if known_class == class {
                    return Ok(instruction);
                }
                refusal = Refusal::UnknownClass;
            }
        }
        Err(refusal)
    }
}

/// One command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command<'a> {
    pub(super) instruction: Instruction,
    pub(super) p1: u8,
    pub(super) p2: u8,
    /// Empty where there is none.
    pub(super) data: &'a [u8],
    expected: Option<u8>,
    head: [u8; 4],
}

impl<'a> Command<'a> {
    pub(super) fn parse(apdu: &'a [u8]) -> Result<Self, Refusal> {
        let (head, body) = apdu.split_first_chunk::<4>().ok_or(Refusal::WrongLength)?;
        let [class, code, p1, p2] = *head;
        let instruction = Instruction::of(class, code)?;
        let (data, expected): (&[u8], _) = match body {
            [] => (&[], None),
            [expected] => (&[], Some(*expected)),
            // Zero would begin an extended length.
            [0, ..] => return Err(Refusal::WrongLength),
            [length, rest @ ..] => match rest.split_at_checked(usize::from(*length)) {
                Some((data, [])) => (data, None),
                Some((data, [expected])) => (data, Some(*expected)),
                Some(_) | None => return Err(Refusal::WrongLength),
            },
        };
        Ok(Self { instruction, p1, p2, data, expected, head: *head })
    }

    /// CLA INS P1 P2 Lc: what a code of secure messaging begins with.
    pub(super) fn header(&self) -> [u8; 5] {
        let [class, code, p1, p2] = self.head;
        // A data field of a short command has at most 255 bytes.
        [class, code, p1, p2, self.data.len() as u8]
    }

    pub(super) fn parameters(&self, p1: u8, p2: u8) -> Result<(), Refusal> {
        if (self.p1, self.p2) == (p1, p2) { Ok(()) } else { Err(Refusal::WrongParameters) }
    }

    /// The data field, of exactly this length.
    pub(super) fn data<const N: usize>(&self) -> Result<[u8; N], Refusal> {
        self.data.try_into().map_err(|_| Refusal::WrongLength)
    }

    pub(super) fn no_data(&self) -> Result<(), Refusal> {
        if self.data.is_empty() { Ok(()) } else { Err(Refusal::WrongLength) }
    }

    /// Le as it came, `None` for absent or `00`: as much as there is.
    pub(super) fn wanted(&self) -> Option<u8> {
        self.expected.filter(|expected| *expected != 0)
    }

    /// The answer has this length: Le says so, or leaves it open.
    pub(super) fn expects(&self, length: u8) -> Result<(), Refusal> {
        match self.wanted() {
            Some(wanted) if wanted != length => Err(Refusal::RightLength(length)),
            Some(_) | None => Ok(()),
        }
    }

    /// The answer has no data.
    pub(super) fn expects_nothing(&self) -> Result<(), Refusal> {
        if self.wanted().is_some() { Err(Refusal::WrongLength) } else { Ok(()) }
    }
}
