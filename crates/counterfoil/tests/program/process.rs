//! One process of the program: what it says, how it is stopped, how it ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// The longest that anything may take; nothing waits this long unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The program without the settings of whoever runs the tests.
pub(crate) fn counterfoil<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COUNTERFOIL_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    Program::start(command).ended()
}

/// Runs a command to its end while somebody types these lines.
pub(crate) fn run_typed(command: &mut Command, lines: &[&str]) -> Ended {
    let mut program = Program::start_typed(command);
    lines.iter().for_each(|line| program.answers(line));
    program.ended()
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Nothing when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// What it said; it must have succeeded.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// What it said; it must have ended with this code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.out
    }

    /// Why it failed; it must have, and by itself, and in one line for people.
    #[track_caller]
    pub(crate) fn badly(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        let error = self.err.lines().find(|line| line.starts_with("error: "));
        error.unwrap_or_else(|| panic!("no error was named: {}", self.err)).to_owned()
    }
}

/// A process that runs. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    keyboard: Option<ChildStdin>,
    out: Heard,
    err: Heard,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::null())
    }

    /// One that somebody types to.
    pub(crate) fn start_typed(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::piped())
    }

    fn start_with(command: &mut Command, stdin: Stdio) -> Self {
        let command = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = Heard::from(child.stdout.take().unwrap());
        let err = Heard::from(child.stderr.take().unwrap());
        Self { keyboard: child.stdin.take(), child, out, err }
    }

    /// Somebody types a line. One that has ended already reads it no more.
    pub(crate) fn answers(&mut self, line: &str) {
        let keyboard = self.keyboard.as_mut().expect("somebody types");
        let _ = writeln!(keyboard, "{line}").and_then(|()| keyboard.flush());
    }

    /// Waits until it has asked this on standard error.
    #[track_caller]
    pub(crate) fn asks(&self, text: &str) -> String {
        match self.err.wait(|said| said.text.contains(text)) {
            Some(said) => said,
            None => panic!("it never asked {text:?}: {}{}", self.out.so_far(), self.err.so_far()),
        }
    }

    /// Waits until its standard output contains this, and gives back all that it said so far.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> String {
        match self.out.wait(|said| said.text.contains(text)) {
            Some(said) => said,
            None => panic!("it never said {text:?}: {}{}", self.out.so_far(), self.err.so_far()),
        }
    }

    /// Waits until it has said so on standard error.
    pub(crate) fn complains(&self, text: &str) {
        let said = self.err.wait(|said| said.text.contains(text));
        assert!(said.is_some(), "it never complained of {text:?}: {}", self.err.so_far());
    }

    /// What it said on standard error so far.
    pub(crate) fn complaints(&self) -> String {
        self.err.so_far()
    }

    /// Sends a signal: `INT` is Ctrl-C.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Its files may be as large as they like, if they might not.
    pub(crate) fn may_fill_files(&self) {
        let pid = self.child.id().to_string();
        let allowed = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:"]).status();
        assert!(allowed.unwrap().success());
    }

    /// Stops it where it is, and waits until it stands still; `CONT` lets it go on.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
        let until = Instant::now() + PATIENCE;
        // The signal is one thread's; the others go on until that one has passed it on.
        let stands = || {
            let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
            threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat"))).all(|stat| {
                // One that has ended meanwhile does nothing more.
                stat.is_err()
                    || stat.is_ok_and(|stat| {
                        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
                    })
            })
        };
        while !stands() {
            assert!(Instant::now() < until, "it does not stand still");
            std::thread::yield_now();
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "it had ended by itself: {}", self.err.so_far());
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        // Nobody types any more.
        self.keyboard = None;
        let out = self.out.wait(|said| said.closed);
        let err = self.err.wait(|said| said.closed);
        let (Some(out), Some(err)) = (out, err) else {
            panic!("it did not end: {}{}", self.out.so_far(), self.err.so_far());
        };
        Ended { code: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Default)]
struct Said {
    text: String,
    closed: bool,
}

/// One of its outputs, taken in as it comes.
#[derive(Clone)]
struct Heard(Arc<(Mutex<Said>, Condvar)>);

impl Heard {
    fn from(stream: impl Read + Send + 'static) -> Self {
        let heard = Self(Arc::default());
        let ear = heard.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
                ear.tell(|said| said.text.push_str(&line));
                line.clear();
            }
            ear.tell(|said| said.closed = true);
        });
        heard
    }

    fn tell(&self, news: impl FnOnce(&mut Said)) {
        let (said, changed) = &*self.0;
        news(&mut said.lock().unwrap());
        changed.notify_all();
    }

    fn wait(&self, mut wanted: impl FnMut(&Said) -> bool) -> Option<String> {
        let (said, changed) = &*self.0;
        let said = said.lock().unwrap();
        // What ended says nothing more.
        let over = |said: &mut Said| !wanted(said) && !said.closed;
        let (said, _) = changed.wait_timeout_while(said, PATIENCE, over).unwrap();
        wanted(&said).then(|| said.text.clone())
    }

    fn so_far(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }
}
