//! `reconcile`: banks' files, what differs, and how it ended.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use model::Currency;
use payment::Reason;
use server::App;
use server::app::{BankFileGiven, BankForm, ImportError, date_of};
use statement::CsvRefused;
use statement::bank_csv::{self, ColumnMap, CurrencyFrom, DateOrder, DecimalMark, Encoding};
use store::{Day, Resolution, StoredDifference};

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::person::PersonArguments;
use crate::settle::platform;

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil reconcile import statement.xml
  counterfoil reconcile import bank.csv --date 日期 --amount 金额 --currency CNY --reference 附言 --text '' --encoding gb18030
  counterfoil reconcile resolve 7 --as accepted --reason 'bank charge of November' --operator li.wei";

/// How many rows are listed.
const LISTED_MAX: u32 = 100;

#[derive(Subcommand)]
pub(crate) enum ReconcileCommand {
    /// Take a bank's file (camt.053 or CSV) and match it with payouts and fundings; the same file again changes nothing
    Import(Box<ImportArguments>),
    /// List what differs and is open, and the newest files
    List(ListArguments),
    /// Show a difference with the bank's entry
    Show(ShowArguments),
    /// End a difference, with a reason
    Resolve(Box<ResolveArguments>),
}

/// How a bank's file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// ISO 20022 camt.053
    Camt053,
    /// CSV
    Csv,
}

/// In which order a date is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Order {
    /// 2026-11-21
    Ymd,
    /// 21.11.2026
    Dmy,
    /// 11/21/2026
    Mdy,
}

/// What stands between whole and decimals.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mark {
    /// 1,234.50
    Point,
    /// 1.234,50
    Comma,
}

/// How bytes become letters.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Letters {
    /// UTF-8
    Utf8,
    /// GB 18030, GBK and GB 2312
    Gb18030,
}

#[derive(Args)]
pub(crate) struct ImportArguments {
    /// The bank's file
    file: PathBuf,
    /// How it is read; by its ending (.xml is camt.053), if not given
    #[arg(long, value_enum)]
    form: Option<Form>,
    /// CSV: the column of the booking date
    #[arg(long, value_name = "COLUMN", default_value = "date")]
    date: String,
    /// CSV: the column of the signed amount
    #[arg(long, value_name = "COLUMN", default_value = "amount")]
    amount: String,
    /// CSV: the column of the currency
    #[arg(long, value_name = "COLUMN", default_value = "currency")]
    currency_column: String,
    /// CSV: the currency, where no column says it
    #[arg(long, value_name = "LETTERS", conflicts_with = "currency_column")]
    currency: Option<String>,
    /// CSV: the column of the payment's reference; empty where there is none
    #[arg(long, value_name = "COLUMN", default_value = "reference")]
    reference: String,
    /// CSV: the column of the text; empty where there is none
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text: String,
    /// CSV: the order of a date
    #[arg(long, value_enum, default_value = "ymd")]
    date_order: Order,
    /// CSV: the decimal mark
    #[arg(long, value_enum, default_value = "point")]
    decimal: Mark,
    /// CSV: the encoding
    #[arg(long, value_enum, default_value = "utf8")]
    encoding: Letters,
    /// CSV: what the date's cell says in the row of the total
    #[arg(long, value_name = "WORD")]
    total: Option<String>,
    /// CSV: what the entries must sum to, in minor units
    #[arg(long, value_name = "MINOR", allow_negative_numbers = true)]
    sum: Option<i64>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Those that have ended too
    #[arg(long)]
    all: bool,
    /// Go on below this difference
    #[arg(long, value_name = "ID")]
    before: Option<u32>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct ShowArguments {
    /// The difference's number
    id: u32,
    #[command(flatten)]
    config: ConfigArguments,
}

/// How a person ends a difference.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Way {
    /// The bank puts it right
    BankCorrects,
    /// An adjustment put it right
    Adjusted,
    /// It stays as it is
    Accepted,
}

#[derive(Args)]
pub(crate) struct ResolveArguments {
    /// The difference's number
    id: u32,
    /// How it ends
    #[arg(long = "as", value_enum)]
    way: Way,
    /// Why, in 5 to 200 bytes
    #[arg(long)]
    reason: Reason,
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn run(command: ReconcileCommand) -> Result<ExitCode, Failure> {
    match command {
        ReconcileCommand::Import(arguments) => import(*arguments),
        ReconcileCommand::List(arguments) => list(&arguments),
        ReconcileCommand::Show(arguments) => show(&arguments),
        ReconcileCommand::Resolve(arguments) => resolve(*arguments),
    }
}

impl ImportArguments {
    /// The options that name columns, with what they name.
    fn options(&self) -> Vec<(&'static str, String)> {
        [
            ("date", &self.date),
            ("amount", &self.amount),
            ("currency-column", &self.currency_column),
            ("reference", &self.reference),
            ("text", &self.text),
        ]
        .map(|(option, column)| (option, column.clone()))
        .into()
    }

    fn bank_form(&self) -> Result<BankForm, Failure> {
        let by_ending = || {
            let ending = self.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if ending.eq_ignore_ascii_case("xml") { Form::Camt053 } else { Form::Csv }
        };
        if self.form.unwrap_or_else(by_ending) == Form::Camt053 {
            return Ok(BankForm::Camt053);
        }
        let column = |name: &String| Some(name.clone()).filter(|name| !name.is_empty());
        let map = ColumnMap {
            date: self.date.clone(),
            amount: self.amount.clone(),
            currency: match &self.currency {
                Some(letters) => CurrencyFrom::Always(Currency::from_letters(letters)?),
                None => CurrencyFrom::Column(self.currency_column.clone()),
            },
            reference: column(&self.reference),
            text: column(&self.text),
            date_order: match self.date_order {
                Order::Ymd => DateOrder::YearFirst,
                Order::Dmy => DateOrder::DayFirst,
                Order::Mdy => DateOrder::MonthFirst,
            },
            decimal_mark: match self.decimal {
                Mark::Point => DecimalMark::Point,
                Mark::Comma => DecimalMark::Comma,
            },
            encoding: match self.encoding {
                Letters::Utf8 => Encoding::Utf8,
                Letters::Gb18030 => Encoding::Gb18030,
            },
            total: self.total.clone(),
        };
        Ok(BankForm::Csv(Box::new(map), self.sum))
    }
}

/// Why a file is not taken, by the options that would help.
fn told(error: &ImportError, options: &[(&'static str, String)]) -> String {
    let ImportError::Csv(CsvRefused::NoHeader(missing)) = error else { return error.to_string() };
    let named: Vec<String> = missing
        .iter()
        .map(|column| match options.iter().find(|(_, name)| name == column) {
            Some((option, _)) => format!("`{column}` (--{option})"),
            None => format!("`{column}`"),
        })
        .collect();
    format!(
        "no line of the first {} has all the columns that are wanted; missing: {}. Say what each is called in this file, as in \
         --text 摘要; --reference '' and --text '' where it has none; --currency CNY in place of a column",
        bank_csv::HEADER_WITHIN,
        named.join(", ")
    )
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let length = std::fs::metadata(path).map_err(failed)?.len();
    // Both forms have the same bound; what is longer is not read into memory.
    if length > u64::try_from(bank_csv::BYTES_MAX)? {
        return Err(
            format!("{}: {length} bytes are more than {}", path.display(), bank_csv::BYTES_MAX).into()
        );
    }
    Ok(std::fs::read(path).map_err(failed)?)
}

fn import(arguments: ImportArguments) -> Result<ExitCode, Failure> {
    let form = arguments.bank_form()?;
    let (bytes, options) = (read(&arguments.file)?, arguments.options());
    let name =
        arguments.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let app = platform(&arguments.config)?;
    let given = BankFileGiven { name, form, bytes };
    let imported = runtime()?
        .block_on(app.import_bank_file(given))
        .map_err(|error| format!("{}: {}", arguments.file.display(), told(&error, &options)))?;
    let file = &imported.file;
    if imported.repeated {
        return print(&format!("These bytes are file {} already: nothing changed.\n", file.id));
    }
    let mut text = format!(
        "File {}: {} entries from {} to {}, {} of them ours.\n",
        file.id,
        file.entries,
        written(file.first_day),
        written(file.last_day),
        file.matched
    );
    if imported.known > 0 {
        text += &format!("{} entries stood in an earlier file.\n", imported.known);
    }
    if imported.awaited > 0 {
        text += &format!("{} of ours may still come: their three days are not over.\n", imported.awaited);
    }
    if imported.differences.is_empty() {
        return print(&(text + "Nothing differs.\n"));
    }
    text += &format!("{} differences:\n", imported.differences.len());
    for difference in &imported.differences {
        text += &line(difference);
    }
    print(&text)
}

fn written(day: Day) -> String {
    date_of(day).map_or_else(|| day.0.to_string(), |date| date.to_string())
}

fn line(difference: &StoredDifference) -> String {
    let money = |units: Option<i64>| {
        units.map_or_else(|| "-".to_owned(), |units| difference.currency.display(units).to_string())
    };
    let state = difference.resolved.as_ref().map_or("open", |resolved| resolved.resolution.name());
    let place = difference.entry.map_or_else(String::new, |entry| format!(" entry {entry}"));
    let transfer = difference.transfer.map_or_else(String::new, |transfer| format!("  {transfer}"));
    format!(
        "{:>6} {:<9} {:<13} {} {} ours {:>14}  bank {:>14}  file {}{place}{transfer}\n",
        difference.id,
        difference.kind.name(),
        state,
        written(difference.day),
        difference.currency,
        money(difference.ours),
        money(difference.theirs),
        difference.file,
    )
}

fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let app = platform(&arguments.config)?;
    let (open, before) = (!arguments.all, arguments.before);
    let (differences, files) = app.store().peek(|rows| {
        Ok((rows.differences_before(open, before, LISTED_MAX)?, rows.bank_files_before(None, 10)?))
    })?;
    let mut text = String::new();
    for file in &files {
        text += &format!(
            "file {:<4} {} to {}  {:>6} entries, {:>6} ours  {}  {}\n",
            file.id,
            written(file.first_day),
            written(file.last_day),
            file.entries,
            file.matched,
            file.form,
            file.name
        );
    }
    if differences.is_empty() {
        text += "No difference is open.\n";
    }
    text += &differences.iter().map(line).collect::<String>();
    if differences.len() >= usize::try_from(LISTED_MAX)?
        && let Some(last) = differences.last()
    {
        text += &format!("More: --before {}\n", last.id);
    }
    print(&text)
}

fn show(arguments: &ShowArguments) -> Result<ExitCode, Failure> {
    let app = platform(&arguments.config)?;
    print(&shown(&app, arguments.id)?)
}

fn shown(app: &App, id: u32) -> Result<String, Failure> {
    let found = app.store().peek(|rows| {
        let Some(difference) = rows.difference(id)? else { return Ok(None) };
        let entry = match difference.entry {
            Some(number) => rows.bank_entry(difference.file, number)?,
            None => None,
        };
        let purpose =
            difference.transfer.map(|transfer| rows.transfer_purpose(transfer)).transpose()?.flatten();
        let by = difference.resolved.as_ref().and_then(|resolved| resolved.by);
        let by = by.map(|by| rows.operator_name(by)).transpose()?.flatten();
        Ok(Some((difference, entry, purpose, by)))
    })?;
    let Some((difference, entry, purpose, by)) = found else {
        return Err(format!(
            "there is no difference {id}; `counterfoil reconcile list` names those that are open"
        )
        .into());
    };
    let mut text = line(&difference);
    if let (Some(transfer), Some(purpose)) = (difference.transfer, purpose) {
        text += &format!("ours: {transfer}, {purpose}\n");
    }
    if let Some(entry) = entry {
        text += &format!("bank: line {}, {}", entry.line, written(entry.booked));
        for (what, value) in [("reference", &entry.reference), ("bank's reference", &entry.bank_reference)] {
            if let Some(value) = value {
                text += &format!(", {what} {value:?}");
            }
        }
        text += &format!(", {:?}\n", entry.text);
    }
    if let Some(resolved) = &difference.resolved {
        let by = by.unwrap_or_else(|| "a later file".to_owned());
        text += &format!("{} by {by}: {}\n", resolved.resolution.name(), resolved.reason);
    }
    Ok(text)
}

fn resolve(arguments: ResolveArguments) -> Result<ExitCode, Failure> {
    let way = match arguments.way {
        Way::BankCorrects => Resolution::BankCorrects,
        Way::Adjusted => Resolution::Adjusted,
        Way::Accepted => Resolution::Accepted,
    };
    let app = platform(&arguments.config)?;
    let account = arguments.person.prove(&app)?;
    let resolving = app.resolve_difference(arguments.id, way, arguments.reason, account);
    runtime()?.block_on(resolving)?;
    print(&shown(&app, arguments.id)?)
}
