//! Every suite of a terminal's messages from end to end: the real program as bank and as terminal, over HTTPS, with
//! those of the DES family that a program holds only where it was built with `legacy`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use program::platform::Platform;
use program::ports;
use program::process::{Ended, PATIENCE, counterfoil};

const PIN: &str = "246810\n";
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/industries");

/// A suite: as `bank terminal` takes it, as lists show it, and whether operators are warned.
const SUITES: [(&str, &str, bool); 3] = [
    ("des", "DES-CBC with retail MAC", true),
    ("triple-des", "3DES-CBC with retail MAC", true),
    ("sm4", "SM4-GCM", false),
];

/// A bank's folder whose two servers for terminals run when it serves.
struct Bank {
    platform: Platform,
    transaction: u16,
    security: u16,
    messages: Receiver<String>,
}

impl Bank {
    fn new() -> Self {
        let platform = Platform::bare();
        let (transaction, security) = (ports::free(), ports::free());
        let (gateway, messages) = gateway();
        let pack = std::fs::read_to_string(Path::new(EXAMPLES).join("0101-bus.pack.toml")).unwrap();
        let signer = pack.split_once("key=").unwrap().1.split_whitespace().next().unwrap();
        let tls = platform.data.join("tls");
        let text = format!(
            "\n[tap]\ncertificate = {:?}\nprivate_key = {:?}\ntransaction_listen = \"127.0.0.1:{transaction}\"\n\
             security_listen = \"127.0.0.1:{security}\"\nindustries = {EXAMPLES:?}\npack_signers = {signer:?}\n\n\
             [sms]\nurl = \"http://127.0.0.1:{gateway}/\"\n",
            tls.join("server.pem"),
            tls.join("server.key"),
        );
        let config = std::fs::OpenOptions::new().append(true).open(&platform.config);
        config.unwrap().write_all(text.as_bytes()).unwrap();
        for command in [["keys", "init"], ["tls", "dev"], ["keys", "tap"]] {
            platform.run(&command).well();
        }
        Self { platform, transaction, security, messages }
    }

    /// A bank card with money behind it.
    fn bank_card(&self) -> String {
        let said = self.platform.run(&["holder", "add", "--name", "Li Na", "--document", "G12345678"]).well();
        let holder = said.lines().next().unwrap().trim().to_owned();
        self.platform.fund(&holder, 50_000);
        let command = ["bank", "card", "--holder", &holder, "--phone", "+8613812345678"];
        let said = Typed::start(&mut self.platform.command(&command)).answered(PIN).well();
        said.split_whitespace().nth(2).unwrap().to_owned()
    }

    /// A new wallet card: its serial number and its file.
    fn wallet(&self, bank_card: &str) -> (String, PathBuf) {
        let command = ["wallet", "issue", "--industry", "0101", "--bank-card", bank_card];
        let said = self.platform.run(&command).well();
        let (asn, path) = said.lines().next().unwrap().split_once(' ').unwrap();
        (asn.to_owned(), path.trim().into())
    }

    /// The six digits of the next text message.
    fn sms_code(&self) -> String {
        let message = self.messages.recv_timeout(PATIENCE).expect("a text message comes");
        let mut runs = message.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6);
        runs.next().unwrap_or_else(|| panic!("no code in {message}")).to_owned()
    }
}

/// The SMS gateway that the bank posts to: its port, and what it was given.
fn gateway() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sent, messages) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            if sent.send(String::from_utf8(body).unwrap()).is_err() {
                return;
            }
        }
    });
    (port, messages)
}

/// A command that somebody types answers to.
struct Typed(Child);

impl Typed {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Types all that is left to type, and waits for its end.
    fn answered(mut self, answers: &str) -> Ended {
        self.0.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
        let output = self.0.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A terminal's folder.
struct Terminal {
    folder: PathBuf,
    number: String,
}

impl Terminal {
    fn command(&self, arguments: &[&str]) -> Typed {
        let mut command = counterfoil([&["terminal"], arguments].concat());
        command.env("COUNTERFOIL_TERMINAL", &self.folder);
        Typed::start(command.env("COUNTERFOIL_TERMINAL_PASSPHRASE", "nine kettles under the bridge"))
    }

    fn enrol(&self, bank: &Bank, code: &str) -> String {
        let ca = bank.platform.data.join("tls").join("ca.pem");
        let [security, transaction] =
            [bank.security, bank.transaction].map(|port| format!("https://127.0.0.1:{port}"));
        let words = ["enrol", "--terminal", &self.number, "--ca", ca.to_str().unwrap()];
        let servers = ["--security", &security, "--transaction", &transaction];
        self.command(&[&words[..], &servers].concat()).answered(&format!("{code}\n")).well()
    }
}

#[test]
fn a_terminal_of_every_suite_enrols_activates_and_loads_and_weak_ones_are_named() {
    let bank = Bank::new();
    let bank_card = bank.bank_card();
    let serving = bank.platform.serve();
    for (number, (suite, name, is_weak)) in (1..).zip(SUITES) {
        let terminal = Terminal { folder: bank.platform.data.join(suite), number: format!("{number:012}") };
        let register = ["bank", "terminal", &terminal.number, "--name", suite, "--suite", suite];
        let registered = bank.platform.run(&register);
        let warned = registered.err.contains(&format!("warning: {name} is for interoperation"));
        assert_eq!(warned, is_weak, "{suite}: {}", registered.err);
        let said = registered.well();
        let code = said.lines().find_map(|line| line.strip_prefix("    ")).unwrap();

        let said = terminal.enrol(&bank, code);
        assert!(said.contains("is enrolled"), "{suite}: {said}");
        let pack = format!("{EXAMPLES}/0101-bus.pack.toml");
        assert!(terminal.command(&["install", &pack]).answered("").well().contains("Installed 0101"));

        let (asn, wallet) = bank.wallet(&bank_card);
        let card = ["--industry", "0101", "--wallet", wallet.to_str().unwrap()];
        let activate = [&["activate"], &card[..]].concat();
        let said = terminal.command(&activate).answered(PIN).well();
        assert!(said.contains(&asn), "{suite}: {said}");

        let load = terminal.command(&[&["load", "--amount", "50"], &card[..]].concat());
        let answers = format!("{}\n{PIN}", bank.sms_code());
        let said = load.answered(&answers).well();
        assert!(said.contains("balance   50.00 yuan"), "{suite}: {said}");
        let balance = [&["balance", "--verified"], &card[..]].concat();
        let said = terminal.command(&balance).answered("").well();
        assert!(said.contains("balance   50.00 yuan  (checked by the bank)"), "{suite}: {said}");
    }

    let listed = bank.platform.run(&["bank", "terminals"]).well();
    for (suite, name, is_weak) in SUITES {
        let line = listed.lines().find(|line| line.ends_with(&format!(" {suite}"))).unwrap();
        assert!(line.contains(&format!(" {name} ")), "{line}");
        assert_eq!(line.contains("(insecure)"), is_weak, "{line}");
    }
    let loads = bank.platform.run(&["bank", "loads"]).well();
    assert!(loads.contains("3 closed "), "{loads}");
    serving.signal("TERM");
    serving.ended().well();
    bank.platform.ledger();
}
