//! `terminal …`: a mobile terminal on the command line, against any bank, with a reader or a software card.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use crypto::Pin;
use model::{Asn, Fen, IndustryCode, TerminalId};
use sim::wallet::{Field, SoftReader, SoftWallet, Tear, WalletFile};
use tap::message::{SmsAnswer, SmsCode, Transaction};
use tap::{LogRecord, Money};
use terminal::face::{Face, FaceOptions, Locked};
use terminal::{
    Asked, AttachedReader, Cost, Ending, EnrolRequest, Events, Opening, Passphrase, ServerUrl, Stage,
    Terminal, Watcher,
};
use zeroize::Zeroizing;

use crate::bank::terminal_id;
use crate::cli::{Failure, print, runtime};
use crate::config::LogFormat;
use crate::log;
use crate::platform::{StopSignals, address_of, bind};

/// Shown below the help of `terminal`.
pub(crate) const EXAMPLES: &str = "\
Examples, in their order; a bank's operator gives the code (counterfoil bank terminal), the authority and the packs:
  counterfoil terminal enrol --terminal 000001000050 --security https://bank.example:8444 \\
      --transaction https://bank.example:8443 --ca ca.pem
  counterfoil terminal install 0101-bus.pack.toml
  counterfoil terminal activate --industry 0101 --wallet data/wallets/01011234567890123456.json
  counterfoil terminal load --industry 0101 --amount 50 --wallet data/wallets/01011234567890123456.json
  counterfoil terminal balance --industry 0101 --verified --wallet data/wallets/01011234567890123456.json

A load that is torn, and its rescue:
  counterfoil terminal load --industry 0101 --amount 50 --tear after:4 --wallet data/wallets/01011234567890123456.json
  counterfoil terminal finish --industry 0101 --wallet data/wallets/01011234567890123456.json

Exit codes of what a card is held for: 0 done; 1 it could not begin, and standard error says why; 3 nothing was paid
and nothing written; 4 hold the same card again (finish); 5 a person at the bank decides.";

#[derive(Subcommand)]
pub(crate) enum TerminalCommand {
    /// Enrol this terminal at a bank with the one-time code that its operator read to you
    Enrol(EnrolArguments),
    /// What is on the card, with its last records
    Balance(BalanceArguments),
    /// Load the card: an SMS code and the bank card's PIN are asked for
    Load(LoadArguments),
    /// Finish a load that was torn
    Finish(CardArguments),
    /// Activate a new card: the bank card's PIN is asked for
    Activate(CardArguments),
    /// List the readers of this machine (PC/SC)
    Readers,
    /// List the driver packs
    Packs(FolderArguments),
    /// Install a driver pack; a terminal that runs takes it at its next start
    Install(InstallArguments),
    /// Serve the terminal's pages for a phone's screen
    Serve(ServeArguments),
}

#[derive(Args)]
pub(crate) struct FolderArguments {
    /// The terminal's folder
    #[arg(long, value_name = "DIR", default_value = "terminal", env = "COUNTERFOIL_TERMINAL")]
    folder: PathBuf,
    /// A file with the passphrase that seals it; COUNTERFOIL_TERMINAL_PASSPHRASE stands above it, and without
    /// both it is asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct EnrolArguments {
    /// The terminal's number: 12 hexadecimal digits
    #[arg(long, value_parser = terminal_id)]
    terminal: TerminalId,
    /// The bank's security server
    #[arg(long, value_name = "URL")]
    security: ServerUrl,
    /// The bank's transaction server
    #[arg(long, value_name = "URL")]
    transaction: ServerUrl,
    /// The authority that signs the servers' certificates (PEM); without it, the usual ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    folder: FolderArguments,
}

#[derive(Args)]
pub(crate) struct ReaderArguments {
    /// A reader of this machine, as `terminal readers` names it
    #[arg(long, value_name = "NAME", conflicts_with = "wallet")]
    reader: Option<String>,
    /// A software wallet card that is held to a software reader
    #[arg(long, value_name = "FILE")]
    wallet: Option<PathBuf>,
    /// Tears the software card away: before:N or after:N, the N-th command
    #[arg(long, value_name = "WHEN", requires = "wallet", value_parser = tear)]
    tear: Option<Tear>,
}

#[derive(Args)]
pub(crate) struct CardArguments {
    /// Which wallet: four digits, such as 0101
    #[arg(long)]
    industry: IndustryCode,
    #[command(flatten)]
    reader: ReaderArguments,
    #[command(flatten)]
    folder: FolderArguments,
}

#[derive(Args)]
pub(crate) struct BalanceArguments {
    /// Have the bank check it
    #[arg(long)]
    verified: bool,
    #[command(flatten)]
    card: CardArguments,
}

#[derive(Args)]
pub(crate) struct LoadArguments {
    /// How much, in yuan: 50 or 50.00
    #[arg(long, value_parser = yuan)]
    amount: Fen,
    #[command(flatten)]
    card: CardArguments,
}

#[derive(Args)]
pub(crate) struct InstallArguments {
    /// The signed pack
    #[arg(value_name = "FILE")]
    pack: PathBuf,
    #[command(flatten)]
    folder: FolderArguments,
}

#[derive(Args)]
pub(crate) struct ServeArguments {
    /// Where the pages are served
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS:PORT")]
    listen: std::net::SocketAddr,
    #[command(flatten)]
    reader: ReaderArguments,
    #[command(flatten)]
    folder: FolderArguments,
}

/// How it ended, for scripts: 0 done, and these.
const EXIT_NOTHING: u8 = 3;
const EXIT_HOLD_AGAIN: u8 = 4;
const EXIT_AT_THE_BANK: u8 = 5;

/// The variable that holds the passphrase.
const PASSPHRASE_VARIABLE: &str = "COUNTERFOIL_TERMINAL_PASSPHRASE";

pub(crate) fn run(command: TerminalCommand) -> Result<ExitCode, Failure> {
    log::start("warn", LogFormat::Text)?;
    match command {
        TerminalCommand::Readers => readers(),
        TerminalCommand::Enrol(arguments) => runtime()?.block_on(enrol(arguments)),
        TerminalCommand::Balance(arguments) => runtime()?.block_on(balance(arguments)),
        TerminalCommand::Load(arguments) => runtime()?.block_on(load(arguments)),
        TerminalCommand::Finish(arguments) => runtime()?.block_on(finish(arguments)),
        TerminalCommand::Activate(arguments) => runtime()?.block_on(activate(arguments)),
        TerminalCommand::Packs(arguments) => runtime()?.block_on(packs(arguments)),
        TerminalCommand::Install(arguments) => runtime()?.block_on(install(arguments)),
        TerminalCommand::Serve(arguments) => runtime()?.block_on(serve(arguments)),
    }
}

async fn enrol(arguments: EnrolArguments) -> Result<ExitCode, Failure> {
    let passphrase = passphrase(&arguments.folder)?;
    let ca = match &arguments.ca {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?,
        ),
        None => None,
    };
    let code = asked("The one-time code that the bank's operator read to you:").await?.parse()?;
    let request = EnrolRequest {
        terminal: arguments.terminal,
        code,
        security_url: arguments.security,
        transaction_url: arguments.transaction,
        ca,
        passphrase,
        cost: Cost::Recommended,
    };
    let enrolled = terminal::enrol(&arguments.folder.folder, request).await?;
    if let Some(seconds) = enrolled.clock_wrong_by_seconds {
        eprintln!("warning: this machine's clock differs from the bank's by {seconds} s; set it");
    }
    print(&format!(
        "Terminal {} is enrolled. Its master key's check value is {}.\n\
         Next: counterfoil terminal install PACK, then counterfoil terminal balance --industry CODE\n",
        arguments.terminal, enrolled.check_value,
    ))
}

async fn balance(arguments: BalanceArguments) -> Result<ExitCode, Failure> {
    let open = Open::new(&arguments.card).await?;
    let asked = if arguments.verified { Asked::VerifiedBalance } else { Asked::Balance };
    let ending = open.run(None, asked).await?;
    open.close(&ending).await
}

async fn load(arguments: LoadArguments) -> Result<ExitCode, Failure> {
    let open = Open::new(&arguments.card).await?;
    let asn = match open.card_in_hand().await? {
        Ok(asn) => asn,
        Err(ending) => return open.close(&ending).await,
    };
    let (industry, amount) = (open.industry, arguments.amount);
    let sent = match open.terminal.request_sms(industry, asn, Transaction::Load, Some(amount)).await {
        Ok(sent) => sent,
        Err(error) => {
            let outcome = error.outcome();
            print(&format!("{}\nbecause   {error}\n", outcome.english()))?;
            open.terminal.close().await;
            return Ok(exit_code(outcome.money()));
        }
    };
    let code = asked(&format!("The six digits that were sent to {}:", sent.phone_hint)).await?;
    let digits: [u8; 6] = code.as_bytes().try_into().map_err(|_| "an SMS code has six digits")?;
    let sms = SmsAnswer { reference: sent.reference, code: SmsCode::new(digits)? };
    let pin: Pin = asked("The bank card's PIN:").await?.parse()?;
    open.arm();
    let ending = open.run(Some(asn), Asked::Load { amount, sms, pin }).await?;
    open.close(&ending).await
}

async fn finish(arguments: CardArguments) -> Result<ExitCode, Failure> {
    let open = Open::new(&arguments).await?;
    open.arm();
    let ending = open.run(None, Asked::SupplementaryLoad).await?;
    open.close(&ending).await
}

async fn activate(arguments: CardArguments) -> Result<ExitCode, Failure> {
    let open = Open::new(&arguments).await?;
    let asn = match open.card_in_hand().await? {
        Ok(asn) => asn,
        Err(ending) => return open.close(&ending).await,
    };
    let pin: Pin = asked("The bank card's PIN:").await?.parse()?;
    open.arm();
    let ending = open.run(Some(asn), Asked::Activation { pin }).await?;
    open.close(&ending).await
}

/// A software card in the software reader's field, and when it is torn away.
type HeldCard = (SoftWallet, Option<Tear>);

/// A terminal with a reader, for one industry.
struct Open {
    terminal: Terminal,
    industry: IndustryCode,
    reader: AttachedReader,
    soft: Option<HeldCard>,
}

impl Open {
    async fn new(arguments: &CardArguments) -> Result<Self, Failure> {
        let (reader, soft) = attach(&arguments.reader)?;
        let passphrase = passphrase(&arguments.folder)?;
        let terminal = Terminal::open(&arguments.folder.folder, passphrase).await?;
        // Told here and not by the driver: it is this terminal that does not know the industry, not the bank.
        if terminal.pack(arguments.industry).is_none() {
            return Err(format!(
                "this terminal has no driver pack for industry {}: counterfoil terminal install FILE, with the \
                 {}-NAME.pack.toml that the bank gives out",
                arguments.industry, arguments.industry
            )
            .into());
        }
        Ok(Self { terminal, industry: arguments.industry, reader, soft })
    }

    /// The scripted tear is for the transaction itself, not for the look at the card before it.
    fn arm(&self) {
        if let Some((wallet, Some(tear))) = &self.soft {
            wallet.tear(*tear);
        }
    }

    /// Which card it is: what is typed next is for this card only.
    async fn card_in_hand(&self) -> Result<Result<Asn, Ending>, Failure> {
        let ending = self.run(None, Asked::Balance).await?;
        match ending.report.end.asn {
            Some(asn) => {
                let balance = ending.report.end.balance.unwrap_or_default();
                eprintln!("Card •••• {:04}, {balance} yuan.", asn.last_four());
                Ok(Ok(asn))
            }
            None => Ok(Err(ending)),
        }
    }

    async fn run(&self, card: Option<Asn>, asked: Asked) -> Result<Ending, Failure> {
        let card_pin = match self.terminal.pack(self.industry) {
            Some(pack) if pack.card_pin && !matches!(asked, Asked::Balance) => {
                Some(crate::terminal::asked("The card's own PIN:").await?.parse()?)
            }
            Some(_) | None => None,
        };
        let opening = Opening { industry: self.industry, card, card_pin, asked };
        let (events, watcher) = Events::new();
        let told = tokio::spawn(tell(watcher));
        let ending = self.terminal.run(opening, &self.reader, events).await;
        told.abort();
        Ok(ending)
    }

    /// Says how it ended. A report that waits is repeated a little before the program ends; the next start goes on.
    async fn close(self, ending: &Ending) -> Result<ExitCode, Failure> {
        print(&told(ending))?;
        for _ in 0..20 {
            if self.terminal.condition().reports_waiting == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.terminal.close().await;
        Ok(exit_code(ending.report.money()))
    }
}

fn exit_code(money: Money) -> ExitCode {
    match money {
        Money::Done => ExitCode::SUCCESS,
        Money::Nothing => ExitCode::from(EXIT_NOTHING),
        Money::HoldAgain => ExitCode::from(EXIT_HOLD_AGAIN),
        Money::AtTheBank => ExitCode::from(EXIT_AT_THE_BANK),
    }
}

/// Tells what goes on, and takes Ctrl-C as the holder's change of mind.
async fn tell(mut watcher: Watcher) {
    let mut last = None;
    loop {
        let progress = watcher.now();
        if last != Some(progress.stage) {
            let said = match progress.stage {
                Stage::HoldCard => {
                    format!("Hold the card ({} s) …", progress.remaining().as_millis().div_ceil(1_000))
                }
                Stage::ReadingCard => "Reading the card: keep it there …".to_owned(),
                Stage::TalkingToBank(tap::CardNeed::Waits) => {
                    "Asking the bank: keep the card there …".to_owned()
                }
                Stage::TalkingToBank(_) => "Asking the bank …".to_owned(),
                Stage::WritingCard => "Writing the card: keep it there …".to_owned(),
                Stage::Preparing | Stage::Over => String::new(),
            };
            if !said.is_empty() {
                eprintln!("{said}");
            }
            last = Some(progress.stage);
        }
        tokio::select! {
            changed = watcher.progress.changed() => if changed.is_err() { return },
            _ = tokio::signal::ctrl_c() => watcher.cancel(),
        }
    }
}

fn told(ending: &Ending) -> String {
    let end = &ending.report.end;
    let mut text = format!("{}\n", ending.report.english());
    if let Some(asn) = end.asn {
        text += &format!("card      {asn}\n");
    }
    if let Some(balance) = end.balance {
        let verified = if end.verified { "  (checked by the bank)" } else { "" };
        text += &format!("balance   {balance} yuan{verified}\n");
    }
    if let Some(amount) = end.amount {
        text += &format!("amount    {amount} yuan\n");
    }
    if let Some(left) = end.tries_left {
        text += &format!("tries     {left} left\n");
    }
    for record in &end.records {
        text += &line(record);
    }
    if let Some(cause) = &ending.cause {
        text += &format!("because   {cause}\n");
    }
    if ending.report_pending {
        text += "The card's receipt waits for the bank and is sent again by itself.\n";
    }
    text
}

fn line(record: &LogRecord) -> String {
    let sign = if matches!(record.kind, 1 | 2) { '+' } else { '-' };
    format!("  {}  {sign}{} yuan  at {}\n", record.when, record.amount, record.terminal)
}

async fn packs(arguments: FolderArguments) -> Result<ExitCode, Failure> {
    let passphrase = passphrase(&arguments)?;
    let terminal = Terminal::open(&arguments.folder, passphrase).await?;
    let mut text = String::from("CODE  VERSION  NAME\n");
    for pack in terminal.packs().all() {
        text += &format!("{}  {:<7}  {} / {}\n", pack.code, pack.version, pack.names.en, pack.names.zh);
    }
    for bad in terminal.packs().bad_files() {
        text += &format!("refused   {} ({}): {}\n", bad.name, bad.code, bad.reason);
    }
    terminal.close().await;
    print(&text)
}

async fn install(arguments: InstallArguments) -> Result<ExitCode, Failure> {
    let bytes = std::fs::read(&arguments.pack)
        .map_err(|error| format!("{} cannot be read: {error}", arguments.pack.display()))?;
    let passphrase = passphrase(&arguments.folder)?;
    let terminal = Terminal::open(&arguments.folder.folder, passphrase).await?;
    let installed = terminal.packs().install(&bytes);
    let said = installed
        .map(|pack| format!("Installed {} {} version {}.\n", pack.code, pack.names.en, pack.version));
    terminal.close().await;
    print(&said?)
}

fn attach(arguments: &ReaderArguments) -> Result<(AttachedReader, Option<HeldCard>), Failure> {
    const WAIT: Duration = Duration::from_millis(100);
    if let Some(path) = &arguments.wallet {
        let wallet = SoftWallet::new(WalletFile::open(path)?);
        let field = Field::new();
        field.hold(&wallet);
        let reader = AttachedReader::new("software reader", SoftReader::new(field, WAIT))?;
        return Ok((reader, Some((wallet, arguments.tear))));
    }
    Ok((pcsc_reader(arguments.reader.as_deref())?, None))
}

#[cfg(feature = "pcsc")]
fn pcsc_reader(name: Option<&str>) -> Result<AttachedReader, Failure> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => terminal::list_readers()?.into_iter().next().ok_or("no reader is connected")?,
    };
    Ok(AttachedReader::new(&name, terminal::PcscReader::new(&name)?)?)
}

#[cfg(not(feature = "pcsc"))]
fn pcsc_reader(_name: Option<&str>) -> Result<AttachedReader, Failure> {
    Err(NO_PCSC.into())
}

#[cfg(not(feature = "pcsc"))]
const NO_PCSC: &str = "this program was built without readers (PC/SC): build it with `--features pcsc`, or hold a \
                       software card with --wallet FILE";

#[cfg(feature = "pcsc")]
fn readers() -> Result<ExitCode, Failure> {
    let readers = terminal::list_readers()?;
    if readers.is_empty() {
        return print("No reader is connected.\n");
    }
    print(&readers.iter().map(|name| format!("{name}\n")).collect::<String>())
}

#[cfg(not(feature = "pcsc"))]
fn readers() -> Result<ExitCode, Failure> {
    Err(NO_PCSC.into())
}

/// Serves the pages until Ctrl-C. Without a sealed file, one page says how to enrol.
async fn serve(arguments: ServeArguments) -> Result<ExitCode, Failure> {
    let options = FaceOptions::default();
    let listener = bind("the terminal's pages", arguments.listen, "--listen").await?;
    let at = address_of(&listener, arguments.listen);
    let mut stop = StopSignals::listen()?;
    let face = if terminal::is_enrolled(&arguments.folder.folder) {
        let (reader, _soft) = attach(&arguments.reader)?;
        let passphrase = passphrase(&arguments.folder)?;
        let terminal = Terminal::open(&arguments.folder.folder, passphrase).await?;
        Face::new(terminal, vec![reader], &options)
    } else {
        Face::locked(Locked::NotEnrolled, None, &options)
    };
    print(&format!("The terminal's pages: http://{at}/\nCtrl-C stops it when what is begun is done.\n"))?;
    terminal::face::serve(face, listener, async move { stop.asked().await }).await?;
    print("Stopped.\n")
}

fn passphrase(arguments: &FolderArguments) -> Result<Passphrase, Failure> {
    if let Ok(text) = std::env::var(PASSPHRASE_VARIABLE) {
        return Ok(Passphrase::new(text)?);
    }
    match &arguments.passphrase_file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            Ok(Passphrase::new(text.trim_end().to_owned())?)
        }
        None => Ok(Passphrase::new(typed("The terminal's passphrase:")?.to_string())?),
    }
}

/// One line from standard input; Ctrl-C meanwhile is the holder's change of mind. Once a transaction has listened
/// for it, the system does not end the program by itself any more.
async fn asked(question: &str) -> Result<Zeroizing<String>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let (answer, answered) = tokio::sync::oneshot::channel();
    let question = question.to_owned();
    // Heard from before the question is there to be read.
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A thread of its own: a runtime's would have to be waited for at the program's end.
    std::thread::Builder::new().spawn(move || {
        // Nobody listens any more after Ctrl-C.
        let _ = answer.send(typed(&question).map_err(|error| error.to_string()));
    })?;
    tokio::select! {
        answer = answered => Ok(answer.map_err(|_| "the answer could not be read")??),
        _ = interrupt.recv() => Err("stopped at the question: nothing was done, and nothing was paid".into()),
    }
}

/// One line from standard input, so that no secret stands in a shell's history.
fn typed(question: &str) -> Result<Zeroizing<String>, Failure> {
    eprintln!("{question}");
    std::io::stderr().flush()?;
    let mut line = Zeroizing::new(String::with_capacity(128));
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        return Err("the answer was expected on standard input, and it ended".into());
    }
    Ok(Zeroizing::new(line.trim().to_owned()))
}

/// Reads yuan from the command line: 50, 50.5 or 50.00.
fn yuan(text: &str) -> Result<Fen, String> {
    let wrong = || "give yuan, such as 50 or 50.00".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 2 || whole.is_empty() || !(whole.bytes().chain(part.bytes())).all(|b| b.is_ascii_digit())
    {
        return Err(wrong());
    }
    let fen = u32::from_str(&format!("{part:0<2}")).map_err(|_| wrong())?;
    let whole = u32::from_str(whole).map_err(|_| wrong())?;
    let sum = whole.checked_mul(100).and_then(|hundreds| hundreds.checked_add(fen));
    sum.filter(|sum| *sum > 0).map(Fen).ok_or_else(wrong)
}

/// Reads a tear from the command line.
fn tear(text: &str) -> Result<Tear, String> {
    let wrong = || "give before:N or after:N, N from 1".to_owned();
    let (when, nth) = text.split_once(':').ok_or_else(wrong)?;
    let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(wrong)?;
    match when {
        "before" => Ok(Tear::before(nth)),
        "after" => Ok(Tear::after(nth)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_as_people_write_them() {
        assert_eq!(yuan("50"), Ok(Fen(5_000)));
        assert_eq!(yuan("0.5"), Ok(Fen(50)));
        assert_eq!(yuan("12.34"), Ok(Fen(1_234)));
        for wrong in ["", "0", "-1", "1.234", "1,5", "99999999999", ".5", "1e3"] {
            assert!(yuan(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tear_names_its_side_and_command() {
        assert_eq!(tear("after:4"), Ok(Tear::after(4)));
        assert!(tear("after:0").is_err() && tear("4").is_err());
    }
}
