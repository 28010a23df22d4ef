//! `wallet …`: the issuer of wallet cards.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use crypto::{CheckValue, KeyStoreError, PurseKey, WrappedPurseKey};
use model::{Asn, IndustryCode};
use server::bank::{Bank, IssueWalletError, NewWallet};
use sim::wallet::WalletFile;
use tap::card::{WalletImage, WalletKeys};

use crate::bank::{BankCounter, KEYS_MISSING, reading_store};
use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::keys;
use crate::places::Places;

/// Shown below the help of `wallet`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil wallet issue --industry 0101 --bank-card 6212345678901234
  counterfoil wallet issue --industry 0102 --bank-card 6212345678901234 --count 100 --out cards
  counterfoil wallet list
  counterfoil wallet freeze 01011234567890123456

Each card is a file: the card's secure element, keys included. It is activated at a terminal before its first load:
  counterfoil terminal activate --industry 0101 --wallet data/wallets/01011234567890123456.json";

#[derive(Args)]
pub(crate) struct IssueArguments {
    /// Which product: four digits, such as 0101
    #[arg(long)]
    industry: IndustryCode,
    /// The bank card that pays its loads
    #[arg(long)]
    bank_card: String,
    /// How many
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// The folder that the software cards are written to; without it, `wallets` in the data folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct OneWallet {
    /// The serial number: 20 digits
    asn: Asn,
    #[command(flatten)]
    config: ConfigArguments,
}

/// The most wallet cards of one command.
const COUNT_MAX: u32 = 100_000;

/// Makes one wallet card and its file: its keys go into the bank's books and, through the card maker, into the card.
pub(crate) async fn make(
    bank: &Bank,
    maker: &crypto::TransportKey,
    industry: IndustryCode,
    bank_card: &str,
    path: impl Fn(Asn) -> PathBuf,
) -> Result<(Asn, PathBuf), Failure> {
    let (asn, image) = make_image(bank, maker, industry, bank_card).await?;
    let path = path(asn);
    WalletFile::create(&path, image)?;
    Ok((asn, path))
}

/// Makes one wallet card that has no file yet.
pub(crate) async fn make_image(
    bank: &Bank,
    maker: &crypto::TransportKey,
    industry: IndustryCode,
    bank_card: &str,
) -> Result<(Asn, WalletImage), Failure> {
    let new = NewWallet { industry, bank_card: bank_card.to_owned() };
    let issued = bank.issue_wallet(new).await.map_err(|error| match error {
        IssueWalletError::KeyStore(KeyStoreError::NoSuchKey) => KEYS_MISSING.to_owned(),
        error => error.to_string(),
    })?;
    let pack = bank
        .industries()
        .get(industry)
        .map(|industry| industry.pack.clone())
        .ok_or("the bank serves no such industry")?;
    let key = |(wrapped, check): (WrappedPurseKey, CheckValue)| -> Result<PurseKey, Failure> {
        let key = maker.unwrap_purse_key(&wrapped)?;
        if key.check_value() != check {
            return Err("a wallet card's key has another check value than the bank said".into());
        }
        Ok(key)
    };
    let keys =
        WalletKeys::new(key(issued.load)?, key(issued.purchase)?, key(issued.tac)?, key(issued.maintenance)?);
    let mut image = WalletImage::new(&pack.aid, issued.asn, keys);
    image.memory.set_issuer(issued.issuer);
    image.profile.proof_number = pack.proof_number;
    image.profile.purchase_log = pack.log_file;
    image.profile.load_log = pack.load_log_file;
    image.profile.balance_max = pack.balance_max;
    Ok((issued.asn, image))
}

/// `wallet issue`.
pub(crate) fn issue(arguments: IssueArguments) -> Result<ExitCode, Failure> {
    if !(1..=COUNT_MAX).contains(&arguments.count) {
        return Err(format!("--count is 1 to {COUNT_MAX}").into());
    }
    let counter = BankCounter::open(&arguments.config)?;
    let maker = keys::card_maker_key(&counter.places)?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
    }
    let place = |places: &Places, asn: Asn| match &arguments.out {
        Some(folder) => folder.join(format!("{asn}.json")),
        None => places.wallet(asn),
    };
    runtime()?.block_on(async {
        for number in 1..=arguments.count {
            let (asn, path) = make(&counter.bank, &maker, arguments.industry, &arguments.bank_card, |asn| {
                place(&counter.places, asn)
            })
            .await?;
            if number <= 20 {
                print(&format!("{asn}  {}\n", path.display()))?;
            } else if number.is_multiple_of(100) || number == arguments.count {
                eprint!("\r{number} of {} wallet cards", arguments.count);
            }
        }
        if arguments.count > 20 {
            eprintln!();
        }
        print("Next: activate each at a terminal (counterfoil terminal activate).\n")
    })
}

/// `wallet freeze` and `wallet unfreeze`.
pub(crate) fn freeze(arguments: OneWallet, frozen: bool) -> Result<ExitCode, Failure> {
    let counter = BankCounter::open(&arguments.config)?;
    runtime()?.block_on(counter.bank.freeze_wallet(arguments.asn, frozen))?;
    print(if frozen { "The wallet card is frozen.\n" } else { "The wallet card may be loaded again.\n" })
}

/// `wallet list`.
pub(crate) fn list(arguments: ConfigArguments) -> Result<ExitCode, Failure> {
    const LIMIT: u32 = 1_000;
    let rows = reading_store(&arguments)?.peek(|rows| rows.wallets_after(None, LIMIT))?;
    let mut text = String::from("CARD                  INDUSTRY  STATE      COUNTER  BANK CARD\n");
    for wallet in rows {
        let hidden = wallet.bank_card.len().saturating_sub(4);
        text += &format!(
            "{}  {}      {:<10} {:<8} ••••{}\n",
            wallet.asn,
            wallet.industry,
            wallet.state.name(),
            wallet.counter.0,
            wallet.bank_card.get(hidden..).unwrap_or_default(),
        );
    }
    print(&text)
}
