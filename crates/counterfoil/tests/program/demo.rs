//! `counterfoil demo` as a process, and the addresses that it prints.

use tempfile::TempDir;

use super::process::{Program, counterfoil};

/// A demonstration that runs.
pub(crate) struct Demo {
    pub(crate) program: Program,
    pub(crate) shop: String,
    pub(crate) console: String,
    /// The merchant interface.
    pub(crate) merchants: String,
    /// A key of the test mode.
    pub(crate) test_key: String,
    /// The link that logs a browser in, once.
    pub(crate) login: String,
    /// With a display; without one; with one, and listening.
    pub(crate) cards: [DemoCard; 3],
    pub(crate) tap: DemoTap,
    _temporary: Option<TempDir>,
}

/// A card that it shows.
#[derive(Debug)]
pub(crate) struct DemoCard {
    pub(crate) id: String,
    pub(crate) face: String,
}

/// Its rail for wallet cards.
#[derive(Debug)]
pub(crate) struct DemoTap {
    pub(crate) terminal: String,
    pub(crate) field: String,
    pub(crate) outbox: String,
    pub(crate) pin: String,
    /// Bus, activated; school and prison, not.
    pub(crate) wallets: [DemoWallet; 3],
}

/// A wallet card that it shows.
#[derive(Debug)]
pub(crate) struct DemoWallet {
    pub(crate) last_four: String,
    pub(crate) is_activated: bool,
}

impl Demo {
    /// Starts one on any free ports.
    pub(crate) fn start() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = counterfoil(["demo", "--port", "0", "--air-port", "0"]);
        // A demonstration that is killed leaves its own temporary folder behind: in ours.
        let program = Program::start(command.env("TMPDIR", temporary.path()));
        Self { _temporary: Some(temporary), ..Self::of(program) }
    }

    /// Reads where it is.
    pub(crate) fn of(program: Program) -> Self {
        let welcome = program.says("Ctrl-C stops everything.");
        let address = |line: &str| {
            let line = welcome.lines().find(|found| found.trim().starts_with(line));
            let line = line.unwrap_or_else(|| panic!("no {line:?}: {welcome}"));
            line.split_whitespace().last().unwrap().trim_end_matches('/').to_owned()
        };
        let faces = welcome.lines().filter_map(|line| {
            let (_, id) = line.split_once("/cards/")?;
            let face = line.split_whitespace().last()?;
            Some(DemoCard { id: id.to_owned(), face: face.to_owned() })
        });
        let cards = faces.collect::<Vec<_>>().try_into().expect("three cards");
        let wallets = welcome.lines().filter_map(|line| {
            let (_, card) = line.split_once("card •••• ")?;
            let (last_four, state) = card.split_once(", ")?;
            Some(DemoWallet { last_four: last_four.to_owned(), is_activated: state == "activated" })
        });
        let tap = DemoTap {
            terminal: address("the terminal,"),
            field: address("its field"),
            outbox: address("the phone "),
            pin: address("the bank card's PIN"),
            wallets: wallets.collect::<Vec<_>>().try_into().expect("three wallet cards"),
        };
        Self {
            _temporary: None,
            tap,
            shop: address("the shop "),
            console: address("the operators' console"),
            merchants: address("the merchant interface,").trim_end_matches("/docs").to_owned(),
            test_key: address("or for made-up money,"),
            login: address("to log in there, once"),
            cards,
            program,
        }
    }

    pub(crate) fn desk(&self) -> String {
        format!("{}/desk", self.shop)
    }

    pub(crate) fn with_display(&self) -> &DemoCard {
        &self.cards[0]
    }

    pub(crate) fn without_display(&self) -> &DemoCard {
        &self.cards[1]
    }

    pub(crate) fn listening(&self) -> &DemoCard {
        &self.cards[2]
    }
}
