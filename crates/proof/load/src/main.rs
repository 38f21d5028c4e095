//! Both ends of authenticated calls through a SIP server, for `bench/run`.
//!
//! The caller places calls at a fixed rate: INVITE, 407, ACK, INVITE with an MD5 digest, 180, 200,
//! ACK, a hold, BYE, 200. The called side answers every INVITE with 180 and 200 at once and keeps no
//! state. One thread does both, so that the generator's share of a two-core machine stays small.
//!
//! It reads SIP with plain text searches and not with our own parser: what it measures must not be
//! able to agree with itself.

mod called;
mod caller;
mod text;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Parser;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::caller::{Caller, Plan};

/// Places authenticated calls at a fixed rate through a SIP server and prints what came of them.
///
/// Example: load --server 127.0.0.1:5060 --domain pbx.example --to +12065550100 --rate 500 --calls 5000
#[derive(Parser)]
struct Arguments {
    /// The server's UDP address.
    #[arg(long)]
    server: SocketAddr,
    /// The host part of the Request-URI.
    #[arg(long)]
    domain: String,
    /// Where the called side listens; the server must send its calls there.
    #[arg(long, default_value = "127.0.0.1:5090")]
    called: SocketAddr,
    /// The caller's number.
    #[arg(long, default_value = "+12065550150")]
    from: String,
    /// The called number.
    #[arg(long, default_value = "+12065550100")]
    to: String,
    /// The digest user.
    #[arg(long, default_value = "pbx")]
    user: String,
    /// The digest password: a test value, never a real one.
    #[arg(long, default_value = "secret")]
    password: String,
    /// Calls per second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Calls in all.
    #[arg(long, default_value_t = 1000)]
    calls: u32,
    /// Milliseconds from answer to BYE.
    #[arg(long, default_value_t = 200)]
    hold_ms: u64,
    /// Calls still unfinished after this long, counted from the last one's start, have failed.
    #[arg(long, default_value_t = 10)]
    patience_s: u64,
}

const CALLER: Token = Token(0);
const CALLED: Token = Token(1);
/// The longest the loop sleeps: the resolution of its pacing.
const TICK: Duration = Duration::from_millis(1);

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut poll = Poll::new()?;
    let mut near = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mut far = UdpSocket::bind(arguments.called)?;
    poll.registry().register(&mut near, CALLER, Interest::READABLE)?;
    poll.registry().register(&mut far, CALLED, Interest::READABLE)?;

    let mut caller = Caller::new(Plan {
        local: near.local_addr()?,
        domain: arguments.domain,
        from: arguments.from,
        to: arguments.to,
        user: arguments.user,
        password: arguments.password,
        rate: arguments.rate,
        calls: arguments.calls,
        hold: Duration::from_millis(arguments.hold_ms),
    });
    let mut events = Events::with_capacity(8);
    let mut buffer = vec![0; 65_536];
    let start = Instant::now();
    let pacing = Duration::from_secs_f64(f64::from(arguments.calls) / f64::from(arguments.rate));
    let give_up = start + pacing + Duration::from_secs(arguments.patience_s);
    while !caller.is_done() && Instant::now() < give_up {
        poll.poll(&mut events, Some(TICK))?;
        while let Some((length, _)) = receive(&near, &mut buffer)? {
            caller.receive(start.elapsed(), &String::from_utf8_lossy(&buffer[..length]));
        }
        while let Some((length, from)) = receive(&far, &mut buffer)? {
            let request = String::from_utf8_lossy(&buffer[..length]);
            for answer in called::answers(&request, arguments.called) {
                send(&far, answer.as_bytes(), from)?;
            }
        }
        caller.tick(start.elapsed());
        while let Some(message) = caller.poll_output() {
            send(&near, message.as_bytes(), arguments.server)?;
        }
    }
    let report = caller.report(start.elapsed());
    println!("{}", serde_json::to_string(&report).expect("a report is plain numbers"));
    std::process::exit(i32::from(report.failed > 0));
}

/// One datagram, or `None` when no more wait. An ICMP error of an earlier send is not an end.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    loop {
        match socket.recv_from(buffer) {
            Ok(received) => return Ok(Some(received)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sends, and lets retransmission mend what a full buffer or a closed port loses.
fn send(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    match socket.send_to(bytes, to) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Err(error)
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
