//! A platform as its operator has it: a folder, a configuration, and the commands on them.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::merchant::Merchant;
use super::ports;
use super::process::{Ended, Program, counterfoil, run, run_typed};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) const PASSPHRASE: &str = "seven breakfasts before noon";

/// A platform's folder with its configuration. The ports stay the same, however often it is started.
pub(crate) struct Platform {
    _temporary: Option<TempDir>,
    pub(crate) data: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) air: u16,
    pub(crate) http: u16,
    pub(crate) operations: u16,
}

/// An operator with their recovery codes, each good once: a one-time code is good once in half a minute.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) codes: RefCell<Vec<String>>,
}

/// A software card at its holder's.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) id: String,
    pub(crate) holder: String,
    pub(crate) image: PathBuf,
}

impl Platform {
    /// A folder with a configuration and nothing else.
    pub(crate) fn bare() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().to_owned();
        Self { _temporary: Some(temporary), ..Self::inside(&folder) }
    }

    /// The same inside a folder that somebody else made.
    pub(crate) fn inside(folder: &Path) -> Self {
        let (data, config) = (folder.join("data"), folder.join("counterfoil.toml"));
        let [air, http, operations] = [ports::free(), ports::free(), ports::free()];
        let text = format!(
            "data = {data:?}\n\n[air]\nlisten = \"127.0.0.1:{air}\"\n\n[http]\nlisten = \"127.0.0.1:{http}\"\n\
             public_url = \"http://127.0.0.1:{http}\"\nkey_requests_per_second = 100000\nkey_requests_burst = 100000\n\
             address_requests_per_second = 100000\naddress_requests_burst = 100000\n\n[operations]\nlisten = \"127.0.0.1:{operations}\"\n\n\
             [orders]\nprompts_per_hour = 100000\nwaiting_max = 64\n",
        );
        std::fs::write(&config, text).unwrap();
        Self { _temporary: None, data, config, air, http, operations }
    }

    /// What stands in front of platforms: addresses, and nothing to run.
    pub(crate) fn in_front(air: u16, http: u16) -> Self {
        Self { _temporary: None, data: PathBuf::new(), config: PathBuf::new(), air, http, operations: 0 }
    }

    /// With keys.
    pub(crate) fn new() -> Self {
        let platform = Self::bare();
        platform.run(&["keys", "init"]).well();
        platform
    }

    /// A command of the program on this platform.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = counterfoil(arguments.iter().copied());
        command.arg("--config").arg(&self.config).env("COUNTERFOIL_PASSPHRASE", PASSPHRASE);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    /// Serves, and is ready.
    #[track_caller]
    pub(crate) fn serve(&self) -> Program {
        let program = Program::start(&mut self.command(&["serve"]));
        program.says("Ctrl-C stops it");
        program
    }

    pub(crate) fn merchant(&self, name: &str) -> Merchant {
        let said = self.run(&["merchant", "add", name]).well();
        let key = said.split_whitespace().last().unwrap();
        Merchant::new(self.http, key)
    }

    /// Issues a card and hands it over.
    pub(crate) fn card(&self, options: &[&str]) -> Issued {
        let card = self.issued(options);
        self.bind(&card).well();
        card
    }

    /// Several cards of one holder: issuers work side by side.
    pub(crate) fn cards(&self, count: usize) -> Vec<Issued> {
        let first = self.card(&[]);
        let mut cards = vec![first.clone()];
        std::thread::scope(|scope| {
            let issue = |_| scope.spawn(|| self.card(&["--holder", &first.holder]));
            let issuers: Vec<_> = (1..count).map(issue).collect();
            cards.extend(issuers.into_iter().map(|issuer| issuer.join().unwrap()));
        });
        cards
    }

    /// Issues a card.
    pub(crate) fn issued(&self, options: &[&str]) -> Issued {
        let said = self.run(&[&["card", "issue"], options].concat()).well();
        let mut words = said.split_whitespace();
        let id = words.next().unwrap().to_owned();
        let holder = words.find(|word| word.starts_with("hld_")).unwrap().to_owned();
        Issued { image: self.data.join("cards").join(format!("{id}.json")), id, holder }
    }

    pub(crate) fn bind(&self, card: &Issued) -> Ended {
        let Issued { id, holder, .. } = card;
        self.run(&["card", "bind", id, "--holder", holder, "--name", "Lin Wei", "--document", "G12345678"])
    }

    pub(crate) fn fund(&self, holder: &str, minor: u32) {
        self.run(&["holder", "fund", holder, &minor.to_string()]).well();
    }

    /// Adds an operator; the first recovery code.
    pub(crate) fn operator(&self, name: &str, role: &str) -> String {
        let mut command = self.command(&["operator", "add", name, "--role", role]);
        let said = run_typed(&mut command, &[PASSWORD]).well();
        let code = said.lines().find(|line| line.trim().len() == 19 && line.matches('-').count() == 3);
        code.unwrap_or_else(|| panic!("no recovery code: {said}")).trim().to_owned()
    }

    /// Adds an operator who will give commands as a person.
    pub(crate) fn person(&self, name: &str, role: &str) -> Person {
        let mut command = self.command(&["operator", "add", name, "--role", role]);
        let said = run_typed(&mut command, &[PASSWORD]).well();
        let is_code = |line: &&str| line.len() == 19 && line.matches('-').count() == 3;
        let codes = said.lines().map(str::trim).filter(is_code).map(str::to_owned).collect();
        Person { name: name.to_owned(), codes: RefCell::new(codes) }
    }

    /// A command that takes a person: they type password and code.
    pub(crate) fn run_as(&self, person: &Person, arguments: &[&str]) -> Ended {
        let code = person.codes.borrow_mut().pop().unwrap();
        self.run_typed_as(person, arguments, PASSWORD, &code)
    }

    pub(crate) fn run_typed_as(
        &self,
        person: &Person,
        arguments: &[&str],
        password: &str,
        code: &str,
    ) -> Ended {
        let mut command = self.command(&[arguments, &["--operator", &person.name]].concat());
        run_typed(&mut command, &[password, code])
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data.join("counterfoil.db")
    }

    /// What `ledger check` says; it must find everything sound.
    #[track_caller]
    pub(crate) fn ledger(&self) -> String {
        let said = self.run(&["ledger", "check"]).well();
        assert!(said.contains("The ledger is sound"), "{said}");
        said
    }
}
