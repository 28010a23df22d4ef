//! A platform whose tap rail is on: the bank's two servers, its industries, its SMS gateway.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::gateway::Gateway;
use super::platform::Platform;
use super::ports;
use super::process::{Program, run_typed};

/// The PIN of every bank card.
pub(crate) const PIN: &str = "246810";
/// The packs and products that come with the program.
pub(crate) const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/industries");

/// A bank's folder. The ports stay the same, however often it is started.
pub(crate) struct Bank {
    pub(crate) platform: Platform,
    pub(crate) transaction: u16,
    pub(crate) security: u16,
    pub(crate) gateway: Gateway,
    pub(crate) industries: PathBuf,
}

/// A wallet card at its holder's.
#[derive(Clone, Debug)]
pub(crate) struct Wallet {
    pub(crate) asn: String,
    pub(crate) file: PathBuf,
}

impl Bank {
    /// With keys, certificates and the example industries; packs of this signer beside the examples' are good.
    pub(crate) fn trusting(signer: Option<&str>) -> Self {
        Self::on(Platform::new(), Gateway::open(), signer)
    }

    /// On a platform that has its keys.
    pub(crate) fn on(platform: Platform, gateway: Gateway, signer: Option<&str>) -> Self {
        let bank = Self::beginning(platform, gateway, signer);
        for command in [["tls", "dev"], ["keys", "tap"]] {
            bank.platform.run(&command).well();
        }
        bank
    }

    /// The same bank at another node, which has its keys: certificates and industries are copies.
    pub(crate) fn at(&self, platform: Platform, gateway: Gateway) -> Self {
        let bank = Self::beginning(platform, gateway, None);
        copy(&self.platform.data.join("tls"), &bank.platform.data.join("tls"));
        bank
    }

    fn beginning(platform: Platform, gateway: Gateway, signer: Option<&str>) -> Self {
        let (transaction, security) = (ports::free(), ports::free());
        let (industries, tls) = (platform.data.join("industries"), platform.data.join("tls"));
        copy(Path::new(EXAMPLES), &industries);
        let signers: Vec<String> =
            [Some(example_signer()), signer.map(str::to_owned)].into_iter().flatten().collect();
        let text = format!(
            "\n[tap]\ncertificate = {:?}\nprivate_key = {:?}\ntransaction_listen = \"127.0.0.1:{transaction}\"\n\
             security_listen = \"127.0.0.1:{security}\"\npack_signers = {:?}\n\n\
             [sms]\nurl = \"http://127.0.0.1:{}/\"\n",
            tls.join("server.pem"),
            tls.join("server.key"),
            signers.join(", "),
            gateway.port,
        );
        let mut config = std::fs::OpenOptions::new().append(true).open(&platform.config).unwrap();
        config.write_all(text.as_bytes()).unwrap();
        Self { platform, transaction, security, gateway, industries }
    }

    pub(crate) fn new() -> Self {
        Self::trusting(None)
    }

    /// Serves, and is ready.
    #[track_caller]
    pub(crate) fn serve(&self) -> Program {
        self.platform.serve()
    }

    /// A holder with this much in fen.
    pub(crate) fn holder(&self, fen: u32) -> String {
        let add = ["holder", "add", "--name", "Li Na", "--document", "G12345678"];
        let said = self.platform.run(&add).well();
        let holder = said.lines().next().unwrap().to_owned();
        self.platform.fund(&holder, fen);
        holder
    }

    /// A bank card of this holder.
    pub(crate) fn bank_card(&self, holder: &str) -> String {
        let command = ["bank", "card", "--holder", holder, "--phone", "+8613812345678"];
        let said = run_typed(&mut self.platform.command(&command), &[PIN]).well();
        said.split_whitespace().nth(2).unwrap().to_owned()
    }

    /// New wallet cards; they are not activated.
    pub(crate) fn wallets(&self, industry: &str, bank_card: &str, count: usize) -> Vec<Wallet> {
        let folder = self.platform.data.join("wallets");
        let before = files(&folder);
        let count = count.to_string();
        let command =
            ["wallet", "issue", "--industry", industry, "--bank-card", bank_card, "--count", &count];
        self.platform.run(&command).well();
        let new = files(&folder).into_iter().filter(|file| !before.contains(file));
        let wallet =
            |file: PathBuf| Wallet { asn: file.file_stem().unwrap().to_str().unwrap().to_owned(), file };
        new.map(wallet).collect()
    }

    pub(crate) fn wallet(&self, industry: &str, bank_card: &str) -> Wallet {
        self.wallets(industry, bank_card, 1).remove(0)
    }

    /// Registers a terminal; its one-time code.
    pub(crate) fn register(&self, number: &str) -> String {
        let said = self.platform.run(&["bank", "terminal", number]).well();
        let code = said.lines().find_map(|line| line.strip_prefix("    "));
        code.unwrap_or_else(|| panic!("no code: {said}")).to_owned()
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.platform.data.join("tls").join("ca.pem")
    }

    /// Both servers' addresses: security, transaction.
    pub(crate) fn addresses(&self) -> [String; 2] {
        [self.security, self.transaction].map(|port| format!("https://127.0.0.1:{port}"))
    }

    /// What `bank loads` says of a card: the words of each line, newest first.
    pub(crate) fn loads_of(&self, asn: &str) -> Vec<Vec<String>> {
        let said = self.platform.run(&["bank", "loads", "--limit", "1000"]).well();
        let lines = said.lines().filter(|line| line.starts_with("load_") && line.contains(asn));
        lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    }

    /// The counts of `bank loads`, its first line.
    pub(crate) fn load_counts(&self) -> String {
        self.platform.run(&["bank", "loads"]).well().lines().next().unwrap().trim().to_owned()
    }
}

impl Wallet {
    /// What is on the purse, in fen, read from the card itself.
    pub(crate) fn balance(&self) -> u32 {
        sim::wallet::WalletFile::peek(&self.file).unwrap().memory.balance.0
    }

    pub(crate) fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }
}

/// Who signed the packs that come with the program.
pub(crate) fn example_signer() -> String {
    let pack = std::fs::read_to_string(example("0101-bus.pack.toml")).unwrap();
    pack.split_once("key=").unwrap().1.split_whitespace().next().unwrap().to_owned()
}

pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(EXAMPLES).join(name)
}

/// The files of a folder into one that is new.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let file = entry.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// The cards of a folder that may not be there yet.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).collect()
}
