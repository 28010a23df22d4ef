//! A mobile terminal as whoever runs it has it: a folder, a passphrase, and the commands on them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::bank::{Bank, PIN, Wallet, example};
use super::process::{Ended, Program, counterfoil, run, run_typed};

pub(crate) const TERMINAL_PASSPHRASE: &str = "nine kettles under the bridge";

/// A terminal's folder.
pub(crate) struct Terminal {
    _temporary: TempDir,
    pub(crate) folder: PathBuf,
    pub(crate) number: String,
}

impl Terminal {
    /// A folder that is not there yet.
    pub(crate) fn new(number: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { folder: temporary.path().join("terminal"), _temporary: temporary, number: number.into() }
    }

    /// Registered, enrolled, and with the packs of these industries; the bank serves.
    pub(crate) fn enrolled(bank: &Bank, number: &str, packs: &[&str]) -> Self {
        let terminal = Self::new(number);
        terminal.enrol(bank, &bank.register(number)).well();
        for pack in packs {
            terminal.install(&example(pack)).well();
        }
        terminal
    }

    /// A command of the program on this terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = counterfoil([&["terminal"], arguments].concat());
        command.env("COUNTERFOIL_TERMINAL", &self.folder);
        command.env("COUNTERFOIL_TERMINAL_PASSPHRASE", TERMINAL_PASSPHRASE);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    /// Enrols with this code.
    pub(crate) fn enrol(&self, bank: &Bank, code: &str) -> Ended {
        run_typed(&mut self.enrolment(bank, &bank.authority()), &[code])
    }

    /// The command that enrols, before its code is typed.
    pub(crate) fn enrolment(&self, bank: &Bank, authority: &Path) -> Command {
        self.enrolment_at(bank.addresses(), authority)
    }

    /// The same with other addresses: security, transaction.
    pub(crate) fn enrolment_at(&self, addresses: [String; 2], authority: &Path) -> Command {
        let [security, transaction] = addresses;
        let words = ["enrol", "--terminal", &self.number, "--ca", authority.to_str().unwrap()];
        let servers = ["--security", &security, "--transaction", &transaction];
        self.command(&[&words[..], &servers].concat())
    }

    pub(crate) fn install(&self, pack: &Path) -> Ended {
        self.run(&["install", pack.to_str().unwrap()])
    }

    /// A transaction with a card in the field.
    pub(crate) fn card(&self, words: &[&str], wallet: &Wallet) -> Command {
        let card = ["--industry", &wallet.asn[..4], "--wallet", wallet.path()];
        self.command(&[words, &card].concat())
    }

    pub(crate) fn tap(&self, words: &[&str], wallet: &Wallet) -> Ended {
        run(&mut self.card(words, wallet))
    }

    pub(crate) fn activate(&self, wallet: &Wallet) -> Ended {
        run_typed(&mut self.card(&["activate"], wallet), &[PIN])
    }

    /// A load whose code is read from the phone; options such as a tear go with it.
    #[track_caller]
    pub(crate) fn load(&self, bank: &Bank, wallet: &Wallet, yuan: &str, options: &[&str]) -> Ended {
        let mut load = self.begin_load(wallet, yuan, options);
        load.answers(&bank.gateway.text_about(&wallet.asn).code());
        load.answers(PIN);
        load.ended()
    }

    /// A load that waits for its code.
    #[track_caller]
    pub(crate) fn begin_load(&self, wallet: &Wallet, yuan: &str, options: &[&str]) -> Program {
        let words = [&["load", "--amount", yuan], options].concat();
        let load = Program::start_typed(&mut self.card(&words, wallet));
        load.asks("The six digits that were sent to ***5678:");
        load
    }
}
