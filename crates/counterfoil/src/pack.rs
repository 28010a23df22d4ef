//! `pack …`: whoever makes driver packs signs them here, and anybody checks one.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use packs::{SignedPack, SigningKey, VerifyingKey};
use server::{Chance as _, SystemChance};
use zeroize::Zeroizing;

use crate::cli::{Failure, print};

/// Shown below the help of `pack`.
pub(crate) const EXAMPLES: &str = "\
A new industry is three files and no program. Begin with a copy of examples/industries/0101-bus.*.toml:
  counterfoil pack key signer.key
  counterfoil pack sign 0104-ferry.toml --key signer.key --out 0104-ferry.pack.toml
  counterfoil pack check 0104-ferry.pack.toml

The key that `pack key` prints goes into tap.pack_signers before terminals are enrolled. Pack and product go into the
bank's industries folder, `counterfoil keys tap` makes the product's keys, and each terminal takes the pack:
  counterfoil terminal install 0104-ferry.pack.toml";

#[derive(Subcommand)]
pub(crate) enum PackCommand {
    /// Make a signing key and print its public part
    Key(KeyArguments),
    /// Sign a pack's TOML
    Sign(SignArguments),
    /// Say what a pack is, and whether its signature is good
    Check(CheckArguments),
}

#[derive(Args)]
pub(crate) struct KeyArguments {
    /// Where the key is written; nothing may stand there
    #[arg(value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub(crate) struct SignArguments {
    /// The pack's TOML, without its first line if it was signed before
    #[arg(value_name = "TOML")]
    body: PathBuf,
    /// The signing key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the signed pack is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    /// The pack
    #[arg(value_name = "FILE")]
    pack: PathBuf,
    /// Whose signature is good: 64 hexadecimal digits; without it, the one that the pack itself names
    #[arg(long, value_name = "HEX")]
    signer: Option<VerifyingKey>,
}

pub(crate) fn run(command: PackCommand) -> Result<ExitCode, Failure> {
    match command {
        PackCommand::Key(arguments) => key(&arguments),
        PackCommand::Sign(arguments) => sign(&arguments),
        PackCommand::Check(arguments) => check(&arguments),
    }
}

fn key(arguments: &KeyArguments) -> Result<ExitCode, Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    seed[..16].copy_from_slice(&SystemChance.draw().to_be_bytes());
    seed[16..].copy_from_slice(&SystemChance.draw().to_be_bytes());
    let key = SigningKey::from_seed(&seed);
    key.save(&arguments.out)?;
    print(&format!(
        "Made {}. Terminals and bank trust its packs where they know this public key:\n{}\n",
        arguments.out.display(),
        key.verifying_key()
    ))
}

fn sign(arguments: &SignArguments) -> Result<ExitCode, Failure> {
    let text = std::fs::read_to_string(&arguments.body)
        .map_err(|error| format!("{} cannot be read: {error}", arguments.body.display()))?;
    // Signed once more: its old first line is not part of what is signed.
    let body = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("# counterfoil-pack ") => rest,
        _ => &text,
    };
    let signed = packs::sign(body, &SigningKey::load(&arguments.key)?)?;
    std::fs::write(&arguments.out, signed)
        .map_err(|error| format!("{} cannot be written: {error}", arguments.out.display()))?;
    print(&format!("Signed: {}\n", arguments.out.display()))
}

fn check(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    let bytes = std::fs::read(&arguments.pack)
        .map_err(|error| format!("{} cannot be read: {error}", arguments.pack.display()))?;
    let signed = SignedPack::parse(&bytes)?;
    let signer: VerifyingKey = match arguments.signer {
        Some(signer) => signer,
        None => signed.signer().parse()?,
    };
    let pack = signed.verify(&[signer])?;
    print(&format!(
        "{} version {}: {} / {}\ndriver {}\nsigned by {}, and the signature is good\n",
        pack.code,
        pack.version,
        pack.names.en,
        pack.names.zh,
        tap::DriverPack::DRIVER,
        signed.signer()
    ))
}
