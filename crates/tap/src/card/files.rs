//! Selecting and reading: names, files 0015 and 0016, the two logs.

use alloc::vec::Vec;

use super::PAYMENT_ENVIRONMENT;
use super::command::Command;
use super::image::{Blocking, WalletMemory};
use super::refusal::Refusal;
use super::wallet::{Said, Volatile, WalletCard};

const ROOT: u16 = 0x3f00;
/// Bytes of a record.
const RECORD: u8 = 23;

/// A transparent file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    /// 0015.
    Public,
    /// 0016.
    Holder,
}

impl File {
    fn content(self, memory: &WalletMemory) -> &[u8] {
        match self {
            Self::Public => &memory.public_data,
            Self::Holder => &memory.holder_data,
        }
    }

    fn content_mut(self, memory: &mut WalletMemory) -> &mut [u8] {
        match self {
            Self::Public => &mut memory.public_data,
            Self::Holder => &mut memory.holder_data,
        }
    }
}

/// One data object; nothing in this file has 128 bytes or more.
fn object(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = tag.to_vec();
    bytes.push(value.len() as u8);
    bytes.extend_from_slice(value);
    bytes
}

fn control_information(name: &[u8], more: &[u8]) -> Vec<u8> {
    let mut inside = object(&[0x84], name);
    inside.extend_from_slice(&object(&[0xa5], more));
    object(&[0x6f], &inside)
}

impl WalletCard {
    pub(super) fn select(&mut self, command: &Command<'_>) -> Said {
        // Whatever it selects: a transaction that was begun is over.
        self.volatile.initialized = None;
        let application = match (command.p1, command.p2) {
            (0x04, 0x00) if command.data.is_empty() => return Err(Refusal::WrongLength),
            (0x04, 0x00) if command.data == PAYMENT_ENVIRONMENT => false,
            (0x04, 0x00) if command.data == self.image.aid => true,
            (0x04, 0x00) => return Err(Refusal::FileNotFound),
            (0x00, 0x00) => match u16::from_be_bytes(command.data()?) {
                ROOT => false,
                id if id == self.image.file_id => true,
                _ => return Err(Refusal::FileNotFound),
            },
            _ => return Err(Refusal::WrongParameters),
        };
        let information = if application {
            let public = object(&[0x9f, 0x0c], &self.image.memory.public_data);
            control_information(&self.image.aid, &public)
        } else {
            control_information(PAYMENT_ENVIRONMENT, &[])
        };
        command.expects(information.len() as u8)?;
        self.volatile = Volatile { selected: application, ..Volatile::default() };
        match self.image.memory.blocking {
            Blocking::Blocked if application => Err(Refusal::SelectedBlocked),
            Blocking::Locked if application => Err(Refusal::Locked),
            Blocking::Open | Blocking::Blocked | Blocking::Locked => Ok(information),
        }
    }

    /// The file that P1 names by its short identifier.
    fn file(&self, command: &Command<'_>) -> Result<File, Refusal> {
        if command.p1 & 0xe0 != 0x80 {
            return Err(Refusal::WrongParameters);
        }
        self.application(Refusal::FileNotFound)?;
        match command.p1 & 0x1f {
            0x15 => Ok(File::Public),
            0x16 => Ok(File::Holder),
            _ => Err(Refusal::FileNotFound),
        }
    }

    pub(super) fn read_binary(&mut self, command: &Command<'_>) -> Said {
        let file = self.file(command)?;
        command.no_data()?;
        let rest = file.content(&self.image.memory).get(usize::from(command.p2)..).unwrap_or_default();
        if rest.is_empty() {
            return Err(Refusal::WrongOffset);
        }
        let Some(wanted) = command.wanted() else { return Ok(rest.to_vec()) };
        let part = rest.get(..usize::from(wanted));
        part.map(<[u8]>::to_vec).ok_or(Refusal::RightLength(rest.len() as u8))
    }

    pub(super) fn read_record(&mut self, command: &Command<'_>) -> Said {
        // P1 is a record's number, P2 the short identifier and "by number".
        if command.p2 & 0x07 != 0x04 || command.p1 == 0 {
            return Err(Refusal::WrongParameters);
        }
        command.no_data()?;
        self.application(Refusal::FileNotFound)?;
        let (profile, memory) = (&self.image.profile, &self.image.memory);
        let log = match command.p2 >> 3 {
            id if id == profile.purchase_log => &memory.purchases,
            id if id == profile.load_log => &memory.loads,
            _ => return Err(Refusal::FileNotFound),
        };
        let record = log.get(usize::from(command.p1) - 1).ok_or(Refusal::RecordNotFound)?;
        command.expects(RECORD)?;
        Ok(record.to_bytes().to_vec())
    }

    /// Without secure messaging: the holder's file alone, after external authentication.
    pub(super) fn update_binary(&mut self, command: &Command<'_>) -> Said {
        let file = self.file(command)?;
        match file {
            File::Public => return Err(Refusal::CodeMissing),
            File::Holder if !self.volatile.authenticated => return Err(Refusal::SecurityStatus),
            File::Holder => {}
        }
        command.expects_nothing()?;
        if command.data.is_empty() {
            return Err(Refusal::WrongLength);
        }
        self.write(file, command.p2, command.data)
    }

    pub(super) fn update_binary_secure(&mut self, command: &Command<'_>) -> Said {
        let file = self.file(command)?;
        command.expects_nothing()?;
        let data = self.secured(command)?;
        if data.is_empty() {
            return Err(Refusal::WrongLength);
        }
        self.write(file, command.p2, data)
    }

    fn write(&mut self, file: File, offset: u8, data: &[u8]) -> Said {
        let mut memory = self.image.memory.clone();
        let offset = usize::from(offset);
        let place = file.content_mut(&mut memory).get_mut(offset..offset + data.len());
        place.ok_or(Refusal::WrongOffset)?.copy_from_slice(data);
        memory.wrong_maintenance_codes = 0;
        self.commit(memory);
        Ok(Vec::new())
    }
}
