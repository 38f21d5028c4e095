//! Signed HTTP requests over kept-alive connections, for `bench/api.py`.
//!
//! Each connection sends a request, reads the answer, and sends the next one. The requests are signed
//! beforehand, by somebody else's signer, and sent over and over: so the generator's share of a small
//! machine stays small, and the server verifies each as it would any. One thread does it all.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use clap::Parser;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde::Serialize;

/// Sends signed requests and prints how many were answered, and how fast.
///
/// Example: AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… http --server 127.0.0.1:8060 --service chime
/// --path /voice-connectors --connections 64 --seconds 5
#[derive(Parser)]
struct Arguments {
    /// The server.
    #[arg(long)]
    server: SocketAddr,
    /// The service name to sign for.
    #[arg(long)]
    service: String,
    /// The method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// Path and query. `{n}` becomes a number that differs from request to request.
    #[arg(long)]
    path: String,
    /// The body, with `{n}` likewise.
    #[arg(long, default_value = "")]
    body: String,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// How long to send.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The most requests.
    #[arg(long, default_value_t = u64::MAX)]
    requests: u64,
    /// The key that signs.
    #[arg(long, env = "AWS_ACCESS_KEY_ID")]
    access_key_id: String,
    /// Its secret.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true)]
    secret_access_key: String,
}

/// Requests that are signed beforehand: so many different bodies there are.
const VARIANTS: u64 = 64;
/// Answers still missing after this long have failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of it, as one line of JSON.
#[derive(Serialize)]
struct Report {
    seconds: f64,
    answered: BTreeMap<u16, u64>,
    per_second: f64,
    p50_us: u64,
    p99_us: u64,
    mean_us: u64,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let requests: Vec<Vec<u8>> = (0..VARIANTS).map(|n| signed(&arguments, n)).collect();
    let mut poll = Poll::new()?;
    let mut connections = (0..arguments.connections)
        .map(|at| {
            let stream = connect(arguments.server, &poll, at)?;
            let (received, ended) = (Vec::new(), Ended::No);
            Ok(Connection { stream, received, ended, sent_at: None, next: at })
        })
        .collect::<io::Result<Vec<_>>>()?;

    let began = Instant::now();
    let ends = began + Duration::from_secs_f64(arguments.seconds);
    let mut left = arguments.requests;
    let mut outcome = Outcome::default();
    for connection in &mut connections {
        if left > 0 {
            left -= 1;
            connection.send(&requests)?;
        }
    }
    let mut events = Events::with_capacity(256);
    let mut last_answer = began;
    while connections.iter().any(|it| it.sent_at.is_some()) {
        poll.poll(&mut events, Some(PATIENCE))?;
        for event in &events {
            let connection = &mut connections[event.token().0];
            connection.receive()?;
            while let Some((status, took)) = connection.answer()? {
                outcome.add(status, took);
                last_answer = Instant::now();
                if last_answer < ends && left > 0 {
                    left -= 1;
                    if connection.ended == Ended::Yes {
                        connection.stream = connect(arguments.server, &poll, event.token().0)?;
                        connection.ended = Ended::No;
                    }
                    connection.send(&requests)?;
                }
            }
        }
        if last_answer.elapsed() > PATIENCE {
            return Err(io::Error::new(ErrorKind::TimedOut, "the server does not answer"));
        }
    }
    let report = outcome.report(last_answer - began);
    println!("{}", serde_json::to_string(&report).expect("a report is plain numbers"));
    Ok(())
}

/// Connects by means of the standard library, which waits until it is done.
fn connect(server: SocketAddr, poll: &Poll, at: usize) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
    Ok(stream)
}

/// Whether the server has closed a connection, as some do after each answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Yes,
    No,
}

/// One connection and its request.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    ended: Ended,
    sent_at: Option<Instant>,
    next: usize,
}

impl Connection {
    fn send(&mut self, requests: &[Vec<u8>]) -> io::Result<()> {
        let request = &requests[self.next % requests.len()];
        self.next += 1;
        self.sent_at = Some(Instant::now());
        // A request of a few kilobytes fits the socket's buffer when nothing else is in it.
        self.stream.write_all(request)
    }

    /// Reads all that waits.
    fn receive(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    self.ended = Ended::Yes;
                    return Ok(());
                }
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The answer, once it is whole: its status and how long it took.
    fn answer(&mut self) -> io::Result<Option<(u16, Duration)>> {
        let Some(end) = self.received.windows(4).position(|it| it == b"\r\n\r\n") else {
            return self.missing();
        };
        let head = String::from_utf8_lossy(&self.received[..end]).to_ascii_lowercase();
        let field =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let length: usize =
            field("content-length").and_then(|it| it.trim().parse().ok()).unwrap_or(0);
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.ok_or_else(|| io::Error::from(ErrorKind::InvalidData))?;
        if self.received.len() < end + 4 + length {
            return self.missing();
        }
        if field("connection").is_some_and(|it| it.trim() == "close") {
            self.ended = Ended::Yes;
        }
        self.received.drain(..end + 4 + length);
        Ok(self.sent_at.take().map(|at| (status, at.elapsed())))
    }
}

impl Connection {
    /// What it means that there is no whole answer.
    fn missing(&self) -> io::Result<Option<(u16, Duration)>> {
        if self.ended == Ended::Yes && self.sent_at.is_some() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(None)
    }
}

/// Answers and their times.
#[derive(Default)]
struct Outcome {
    answered: BTreeMap<u16, u64>,
    took_us: Vec<u64>,
}

impl Outcome {
    fn add(&mut self, status: u16, took: Duration) {
        *self.answered.entry(status).or_default() += 1;
        self.took_us.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    fn report(mut self, all: Duration) -> Report {
        self.took_us.sort_unstable();
        let count = self.took_us.len();
        let share = |percent: usize| self.took_us.get(count * percent / 100).copied().unwrap_or(0);
        Report {
            seconds: all.as_secs_f64(),
            per_second: count as f64 / all.as_secs_f64(),
            p50_us: share(50),
            p99_us: share(99),
            mean_us: self.took_us.iter().sum::<u64>() / (count as u64).max(1),
            answered: self.answered,
        }
    }
}

/// A request as it goes over the wire.
fn signed(arguments: &Arguments, n: u64) -> Vec<u8> {
    let fill = |text: &str| text.replace("{n}", &(n + 1).to_string());
    let (path, body) = (fill(&arguments.path), fill(&arguments.body));
    let host = arguments.server.to_string();
    let url = format!("http://{host}{path}");
    let key = Credentials::new(
        &arguments.access_key_id,
        &arguments.secret_access_key,
        None,
        None,
        "bench",
    );
    let identity = key.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(&arguments.service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("every parameter is given");
    let headers = [("host", host.as_str()), ("content-type", "application/json")];
    let signable = SignableRequest::new(
        &arguments.method,
        &url,
        headers.into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    )
    .expect("the path makes a URL");
    let (instructions, _) =
        sign(signable, &parameters.into()).expect("the request can be signed").into_parts();
    let mut request = format!("{} {path} HTTP/1.1\r\n", arguments.method);
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    request.into_bytes()
}
