//! What one ordinary INVITE costs: `cargo bench -p sip-message`.
//!
//! Prints the best of many short rounds for each step, nanoseconds. The best is what the code
//! costs; the rest is what the machine was doing besides. A number as argument (`-- 100`) sets the
//! turns per round, and a word picks the steps whose names hold it: for counting instructions
//! under callgrind.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use sip_message::{Message, MessageWriter, Name, StartLine, Via};

const INVITE: &[u8] = include_bytes!("../tests/fixtures/invite-884.dat");
const ROUNDS: usize = 500;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let turns = arguments.iter().find_map(|it| it.parse().ok()).unwrap_or(1_000);
    let wanted = arguments.iter().find(|it| it.parse::<u32>().is_err());
    let measure = |name: &str, run: &mut dyn FnMut()| {
        if wanted.is_none_or(|wanted| name.contains(wanted.as_str())) {
            measure(name, turns, run);
        }
    };
    let size = size_of::<Message<'_>>();
    println!(
        "INVITE of {} bytes; Message has {size} bytes; best of {ROUNDS} x {turns}",
        INVITE.len()
    );
    let mut buffer = Vec::with_capacity(4096);
    measure("parse alone", &mut || drop(black_box(parse())));
    measure("parse + typed access", &mut || access(&parse()));
    measure("parse + check", &mut || black_box(parse().check()).expect("acceptable"));
    measure("parse + rewrite", &mut || rewrite(&parse(), &mut buffer));
    measure("parse + access + forward", &mut || {
        let message = parse();
        access(&message);
        forward(&message, &mut buffer);
    });
}

fn measure(name: &str, turns: u32, run: &mut dyn FnMut()) {
    let best = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        (0..turns).for_each(|_| run());
        start.elapsed() / turns
    });
    println!("{name:26} {:6} ns", best.min().expect("rounds").as_nanos());
}

#[inline(never)]
fn parse() -> Message<'static> {
    Message::parse(black_box(INVITE)).expect("a message")
}

/// Topmost Via, tags, Call-ID, CSeq, Contact.
fn access(message: &Message<'_>) {
    black_box(message.via().expect("a Via").branch);
    black_box((message.from().expect("From").tag(), message.to().expect("To").tag()));
    black_box((message.call_id().expect("Call-ID"), message.cseq().expect("CSeq")));
    black_box(message.contact().expect("Contact"));
}

/// The whole message again, line by line.
fn rewrite(message: &Message<'_>, buffer: &mut Vec<u8>) {
    buffer.clear();
    let StartLine::Request(line) = message.start() else { return };
    let mut writer = MessageWriter::request(buffer, line.method, line.uri);
    for header in message.headers().filter(|it| it.name != Name::ContentLength) {
        writer.raw(header.line);
    }
    writer.raw_body(message.body());
    black_box(&buffer);
}

/// The message as a proxy sends it on: Via added, Max-Forwards counted down, credentials dropped.
fn forward(message: &Message<'_>, buffer: &mut Vec<u8>) {
    buffer.clear();
    let StartLine::Request(line) = message.start() else { return };
    let mut writer = MessageWriter::request(buffer, line.method, line.uri);
    let host = std::net::IpAddr::from([203, 0, 113, 5]).into();
    writer.header(Name::Via, Via::new("UDP", host, Some(5060), "z9hG4bKf00d1234"));
    for header in message.headers() {
        if header.name == Name::MaxForwards {
            let left = message.max_forwards().ok().flatten().unwrap_or(70);
            writer.header(Name::MaxForwards, left.saturating_sub(1));
        } else if !matches!(header.name, Name::ContentLength | Name::ProxyAuthorization) {
            writer.raw(header.line);
        }
    }
    writer.raw_body(message.body());
    black_box(&buffer);
}
