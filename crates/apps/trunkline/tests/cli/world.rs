//! A directory of one's own, commands run in it, and a service started there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_trunkline");

/// The account of a fresh installation.
pub(crate) const ACCOUNT: &str = "000000000000";

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    fn of(done: std::process::Output) -> Self {
        Self {
            code: done.status.code(),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// The output of a command that did what it was asked.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// The same as a JSON document.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// Runs a command to its end in `dir`, with nothing of this process's environment that counts.
pub(crate) fn run(dir: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Done {
    Done::of(command(dir, environment, arguments).output().unwrap())
}

/// Runs a command to its end in `dir`, its standard output being `out`.
pub(crate) fn run_into(dir: &Path, out: Stdio, arguments: &[&str]) -> Done {
    let done = command(dir, &[], arguments).stdout(out).output().unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    Done { code: done.status.code(), out: String::new(), err }
}

fn command(dir: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(arguments).current_dir(dir).env_clear().stdin(Stdio::null());
    command.env("HOME", dir).env("TMPDIR", dir).envs(environment.iter().copied());
    command
}

/// A service that was started by `trunkline serve`.
pub(crate) struct Service {
    process: Child,
    /// The ready line.
    pub(crate) ready: Value,
    home: PathBuf,
}

impl Service {
    /// Starts a service on free ports with its data in `home/data`, and waits for its ready line.
    pub(crate) fn start(home: &Path) -> Self {
        Self::start_with(home, &[])
    }

    /// The same, with more settings.
    pub(crate) fn start_with(home: &Path, settings: &[(&str, &str)]) -> Self {
        let environment = [&FREE_PORTS, settings].concat();
        let mut process = command(home, &environment, &["serve", "--data-dir", "data"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {line}"));
        Self { process, ready, home: home.into() }
    }

    /// Runs a command against this service. Credentials are those of its data directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        let endpoint = format!("http://{}", self.ready["http"].as_str().unwrap());
        let environment = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("TRUNKLINE_DATA_DIR", "data")];
        run(&self.home, &environment, arguments)
    }

    /// Runs a command against this service with a text on its standard input.
    pub(crate) fn run_fed(&self, arguments: &[&str], input: &str) -> Done {
        let fed = self.home.join("fed");
        std::fs::write(&fed, input).unwrap();
        let endpoint = format!("http://{}", self.ready["http"].as_str().unwrap());
        let environment = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("TRUNKLINE_DATA_DIR", "data")];
        let mut command = command(&self.home, &environment, arguments);
        Done::of(command.stdin(std::fs::File::open(fed).unwrap()).output().unwrap())
    }

    /// Starts a command against this service and does not wait for it.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let endpoint = format!("http://{}", self.ready["http"].as_str().unwrap());
        let environment = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("TRUNKLINE_DATA_DIR", "data")];
        let mut command = command(&self.home, &environment, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The status of a page of the admin listener.
    pub(crate) fn admin(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(self.ready["admin"].as_str().unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// What a power cut looks like to the process.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub(crate) fn signal(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Sends SIGTERM and returns the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        self.signal();
        self.process.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already if the test ended it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Looks until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not seen in time");
    }
}

/// Every listener takes a free port of the loopback.
pub(crate) const FREE_PORTS: [(&str, &str); 4] = [
    ("TRUNKLINE_HTTP__LISTEN", "127.0.0.1:0"),
    ("TRUNKLINE_ADMIN__LISTEN", "127.0.0.1:0"),
    ("TRUNKLINE_SIP__LISTEN", "127.0.0.1:0"),
    ("TRUNKLINE_MEDIA__PORT_MIN", "0"),
];
