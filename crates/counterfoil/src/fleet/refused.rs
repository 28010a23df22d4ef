//! The lines that an import passes over: the first on the screen, all in a file beside the imported one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use server::fleet::RefusedLine;

use crate::cli::Failure;

/// The lines that are shown.
const SHOWN_MAX: usize = 20;

/// The list of refused lines. It is on the disk before the unit of work that passes them over is, so that none is lost;
/// what it has beyond what was kept is cut off when the import is taken up again.
pub(super) struct Refused {
    path: Option<PathBuf>,
    file: Option<File>,
    bar: Option<ProgressBar>,
    told: usize,
}

impl Refused {
    /// A list that is only shown.
    pub(super) fn shown() -> Self {
        Self { path: None, file: None, bar: None, told: 0 }
    }

    /// A list in `FILE.refused.csv`: what it says of lines up to `through` stays, for they will not come again.
    pub(super) fn written(imported: &Path, through: u64) -> Result<Self, Failure> {
        let mut path = imported.as_os_str().to_owned();
        path.push(".refused.csv");
        let path = PathBuf::from(path);
        cut(&path, through).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path: Some(path), ..Self::shown() })
    }

    /// Where it is written.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What it shows goes above a bar.
    pub(super) fn beside(self, bar: Option<ProgressBar>) -> Self {
        Self { bar, ..self }
    }

    /// Tells of lines; durable when it returns.
    pub(super) fn tell(&mut self, lines: &[RefusedLine]) -> io::Result<()> {
        self.write(lines)?;
        for line in lines.iter().take((SHOWN_MAX + 1).saturating_sub(self.told)) {
            match &self.path {
                _ if self.told < SHOWN_MAX => self.show(&format!("line {}: {}", line.line, line.why)),
                Some(path) => self.show(&format!("more are written to {}", path.display())),
                None => self.show("more are not shown"),
            }
            self.told += 1;
        }
        Ok(())
    }

    fn show(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    fn write(&mut self, lines: &[RefusedLine]) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                if file.metadata()?.len() == 0 {
                    writer.write_record(["line", "reason", "text"])?;
                }
                self.file.insert(file)
            }
        };
        for line in lines {
            writer.write_record([&line.line.to_string(), &line.why.to_string(), &line.text])?;
        }
        let text = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        file.write_all(&text)?;
        file.sync_data()
    }
}

/// Keeps of a list what it says of lines up to one, whole or not at all; without any such, takes it away.
fn cut(path: &Path, through: u64) -> io::Result<()> {
    let mut list = match File::open(path) {
        Ok(list) => BufReader::new(list),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut kept = BufWriter::new(File::create(&part)?);
    let (mut any, mut first, mut row) = (false, true, Vec::new());
    // A row that was cut short is of a line that comes again: its unit of work was never kept.
    while list.read_until(b'\n', &mut row)? > 0 && row.ends_with(b"\n") {
        let line = row.split(|byte| *byte == b',').next().and_then(|line| std::str::from_utf8(line).ok());
        let known = line.and_then(|line| line.parse::<u64>().ok()).is_some_and(|line| line <= through);
        if first || known {
            kept.write_all(&row)?;
        }
        any |= known;
        first = false;
        row.clear();
    }
    kept.into_inner().map_err(|error| error.into_error())?.sync_data()?;
    if any { fs::rename(&part, path) } else { fs::remove_file(&part).and_then(|()| fs::remove_file(path)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use server::fleet::LineRefused;

    fn line(line: u64) -> RefusedLine {
        RefusedLine { line, why: LineRefused::Doubled(2), text: format!("a,\"b {line}\"") }
    }

    #[test]
    fn a_list_that_is_taken_up_again_holds_each_line_once_and_none_that_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let (imported, path) = (folder.path().join("a.csv"), folder.path().join("a.csv.refused.csv"));
        let row = |n: u64| format!("{n},the channel stands in line 2 already,\"a,\"\"b {n}\"\"\"\n");
        let mut refused = Refused::written(&imported, 1).unwrap();
        refused.tell(&[line(9), line(900)]).unwrap();
        refused.tell(&[line(1_200)]).unwrap();
        // The process died in the middle of a row.
        let torn = fs::read_to_string(&path).unwrap() + "15";
        fs::write(&path, torn).unwrap();
        for (through, rows) in [(1_001, vec![9, 900]), (900, vec![9, 900]), (899, vec![9])] {
            let mut refused = Refused::written(&imported, through).unwrap();
            refused.tell(&[line(2_000)]).unwrap();
            let rows: String = rows.into_iter().chain([2_000]).map(row).collect();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("line,reason,text\n{rows}"), "{through}");
        }
        // Begun anew, an old list is not taken for this one's.
        Refused::written(&imported, 1).unwrap();
        assert!(!path.exists());
    }
}
