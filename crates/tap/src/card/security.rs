//! Who may: the card's PIN, challenges, external authentication, secure messaging, blocking.

use alloc::vec::Vec;

use crypto::PurseCode;
use subtle::ConstantTimeEq;

use super::command::Command;
use super::image::{Blocking, StoredPin};
use super::refusal::Refusal;
use super::wallet::{Challenge, Said, WalletCard};
use super::{WRONG_AUTHENTICATIONS_MAX, WRONG_MAINTENANCE_CODES_MAX, WRONG_PINS_MAX};

impl WalletCard {
    pub(super) fn verify_pin(&mut self, command: &Command<'_>) -> Said {
        command.parameters(0, 0)?;
        if !(2..=6).contains(&command.data.len()) {
            return Err(Refusal::WrongLength);
        }
        command.expects_nothing()?;
        self.application(Refusal::KeyNotFound)?;
        let pin = self.image.keys.pin.as_ref().ok_or(Refusal::KeyNotFound)?;
        let mut memory = self.image.memory.clone();
        if memory.pin_tries_left == 0 {
            return Err(Refusal::TriesUsedUp);
        }
        let right = StoredPin::new(command.data).is_some_and(|said| pin.is(&said));
        memory.pin_tries_left = if right { WRONG_PINS_MAX } else { memory.pin_tries_left - 1 };
        let left = memory.pin_tries_left;
        self.volatile.pin_verified = right;
        self.commit(memory);
        if right { Ok(Vec::new()) } else { Err(Refusal::Wrong { left }) }
    }

    pub(super) fn get_challenge(&mut self, command: &Command<'_>, random: &mut dyn FnMut(&mut [u8])) -> Said {
        command.parameters(0, 0)?;
        command.no_data()?;
        match command.wanted() {
            Some(4) => {
                let mut challenge = [0; 4];
                random(&mut challenge);
                self.volatile.challenge = Some(Challenge::Four(challenge));
                Ok(challenge.to_vec())
            }
            Some(8) | None => {
                let mut challenge = [0; 8];
                random(&mut challenge);
                self.volatile.challenge = Some(Challenge::Eight(challenge));
                Ok(challenge.to_vec())
            }
            Some(_) => Err(Refusal::WrongLength),
        }
    }

    pub(super) fn external_authenticate(&mut self, command: &Command<'_>) -> Said {
        if command.p1 != 0 {
            return Err(Refusal::WrongParameters);
        }
        let said: [u8; 8] = command.data()?;
        command.expects_nothing()?;
        self.application(Refusal::KeyNotFound)?;
        if command.p2 != 0 {
            return Err(Refusal::KeyNotFound);
        }
        let mut memory = self.image.memory.clone();
        if memory.external_tries_left == 0 {
            return Err(Refusal::TriesUsedUp);
        }
        let challenge = match self.volatile.challenge.take().ok_or(Refusal::NoChallenge)? {
            Challenge::Four([a, b, c, d]) => [a, b, c, d, 0, 0, 0, 0],
            Challenge::Eight(whole) => whole,
        };
        let right: bool = self.image.keys.external.authenticate(challenge).ct_eq(&said).into();
        memory.external_tries_left =
            if right { WRONG_AUTHENTICATIONS_MAX } else { memory.external_tries_left - 1 };
        let left = memory.external_tries_left;
        self.volatile.authenticated = right;
        self.commit(memory);
        if right { Ok(Vec::new()) } else { Err(Refusal::Wrong { left }) }
    }

    pub(super) fn application_block(&mut self, command: &Command<'_>) -> Said {
        // P2 1 locks for good.
        let blocking = match (command.p1, command.p2) {
            (0, 0) => Blocking::Blocked,
            (0, 1) => Blocking::Locked,
            _ => return Err(Refusal::WrongParameters),
        };
        command.data::<4>()?;
        command.expects_nothing()?;
        self.application(Refusal::NotInThisState)?;
        self.secured(command)?;
        let mut memory = self.image.memory.clone();
        memory.blocking = blocking;
        memory.wrong_maintenance_codes = 0;
        self.volatile.initialized = None;
        self.commit(memory);
        Ok(Vec::new())
    }

    /// Opens the application, and a load that wrong MAC2 locked.
    pub(super) fn application_unblock(&mut self, command: &Command<'_>) -> Said {
        command.parameters(0, 0)?;
        command.data::<4>()?;
        command.expects_nothing()?;
        if !self.volatile.selected {
            return Err(Refusal::NotInThisState);
        }
        match self.image.memory.blocking {
            Blocking::Locked => return Err(Refusal::Locked),
            Blocking::Open | Blocking::Blocked => {}
        }
        self.secured(command)?;
        let mut memory = self.image.memory.clone();
        memory.blocking = Blocking::Open;
        memory.wrong_load_codes = 0;
        memory.wrong_maintenance_codes = 0;
        self.commit(memory);
        Ok(Vec::new())
    }

    /// Checks the code at the end of the data field under the challenge, which is used up by that, and
    /// returns the data before it. Whoever then changes the memory forgives the wrong codes before.
    pub(super) fn secured<'a>(&mut self, command: &Command<'a>) -> Result<&'a [u8], Refusal> {
        let (data, code) = command.data.split_last_chunk::<4>().ok_or(Refusal::CodeMissing)?;
        let challenge = match self.volatile.challenge.take() {
            Some(Challenge::Four(challenge)) => challenge,
            Some(Challenge::Eight(_)) | None => return Err(Refusal::NoChallenge),
        };
        let right = self.image.keys.maintenance.secure_message(challenge, command.header(), data);
        if right == PurseCode(*code) {
            return Ok(data);
        }
        let mut memory = self.image.memory.clone();
        memory.wrong_maintenance_codes = memory.wrong_maintenance_codes.saturating_add(1);
        if memory.wrong_maintenance_codes >= WRONG_MAINTENANCE_CODES_MAX {
            memory.blocking = Blocking::Locked;
        }
        self.commit(memory);
        Err(Refusal::CodeWrong)
    }
}
