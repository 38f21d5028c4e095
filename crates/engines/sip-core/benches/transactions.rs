//! What the transaction layer costs, without sockets: `cargo bench -p sip-core`.
//!
//! Prints the best of many short rounds for each piece of work, nanoseconds; what the other side
//! does is not in the figure. The best is what the code costs; the rest is what the machine was
//! doing besides. A number as argument (`-- 100`) sets the rounds, for counting instructions under
//! callgrind. Time inside is virtual.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may stop")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use model::{DigestKeys, Secret, UnixMillis};
use sip_core::dialog::{Dialog, State};
use sip_core::digest::{Client, Guard, GuardConfig, Stale, Verdict};
use sip_core::{Config, Endpoint, Received, Replies};
use sip_message::{Flow, Host, Message, Method, Name, Status, Via};

const ROUNDS_DEFAULT: u32 = 200;
/// Calls in one round: enough for tables and wheel to have something in them.
const CALLS: u32 = 200;
const REALM: &str = "dr3rbaar376u5r4ntcnlq4.voiceconnector.localhost";

fn main() {
    let rounds = std::env::args().find_map(|it| it.parse().ok()).unwrap_or(ROUNDS_DEFAULT);
    let report = |name: &str, work: fn(u32) -> Duration| {
        let best = (0..rounds).map(|_| work(CALLS) / CALLS).min().unwrap();
        println!("{name:<50} {:>8} ns", best.as_nanos());
    };
    report("INVITE, 407, ACK, timer I", challenge_and_ack);
    report("authenticated call, transactions of both legs", whole_call);
    report("digest challenge (two headers)", challenge);
    report("digest check, MD5, right password", check);
}

/// Adds up the time of the pieces that are ours.
#[derive(Default)]
struct Stopwatch(Duration);

impl Stopwatch {
    #[inline(always)]
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let began = clock();
        let result = work();
        self.0 += began.elapsed();
        result
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn clock() -> Instant {
    Instant::now()
}

fn flow() -> Flow {
    Flow::udp(([198, 51, 100, 1], 5060).into(), ([192, 0, 2, 7], 5070).into())
}

fn endpoint() -> Endpoint {
    Endpoint::new(Config::default(), [7; 32])
}

fn request(method: &str, call: u32, cseq: u32, branch: &str, to_tag: &str) -> Vec<u8> {
    format!(
        "{method} sip:+12065550100@{REALM} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5070;rport;branch=z9hG4bK-{call}-{branch}\r\n\
         Max-Forwards: 70\r\n\
         From: \"PBX\" <sip:+12065550199@192.0.2.7:5070>;tag=from-{call}\r\n\
         To: <sip:+12065550100@{REALM}>{to_tag}\r\n\
         Call-ID: call-{call}@192.0.2.7\r\n\
         CSeq: {cseq} {method}\r\n\
         Contact: <sip:pbx@192.0.2.7:5070>\r\n\
         User-Agent: bench\r\n\
         Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn new_server(
    endpoint: &mut Endpoint,
    now: Instant,
    bytes: &[u8],
) -> (sip_core::ServerId, Replies) {
    let message = Message::parse(bytes).unwrap();
    let Received::Request { server } = endpoint.receive(now, flow(), &message) else {
        panic!("each request is new");
    };
    (server, Replies::new(&message, &flow()).unwrap())
}

fn reply(
    endpoint: &mut Endpoint,
    now: Instant,
    server: sip_core::ServerId,
    replies: &Replies,
    status: Status,
) {
    let tag = endpoint.tag(server).unwrap();
    let mut bytes = Vec::with_capacity(640);
    replies.start(&mut bytes, status, status.reason(), &tag).finish();
    endpoint.respond(now, server, status, bytes).unwrap();
    black_box(endpoint.poll_output());
}

fn pump(endpoint: &mut Endpoint) {
    while let Some(out) = endpoint.poll_output() {
        black_box(out);
    }
    while let Some(event) = endpoint.poll_event() {
        black_box(event);
    }
}

/// A caller that is challenged and acknowledges: parse, check, key, 407, ACK, timer I.
fn challenge_and_ack(calls: u32) -> Duration {
    let wires: Vec<_> = (0..calls)
        .map(|call| (request("INVITE", call, 1, "a", ""), request("ACK", call, 1, "a", ";tag=x")))
        .collect();
    let mut endpoint = endpoint();
    let mut now = clock();
    let mut watch = Stopwatch::default();
    watch.time(|| {
        for (invite, ack) in &wires {
            now += Duration::from_micros(500);
            let (server, replies) = new_server(&mut endpoint, now, invite);
            reply(&mut endpoint, now, server, &replies, Status::PROXY_AUTHENTICATION_REQUIRED);
            let message = Message::parse(ack).unwrap();
            assert_eq!(endpoint.receive(now, flow(), &message), Received::Absorbed);
            endpoint.handle_timeout(now);
        }
        endpoint.handle_timeout(now + Duration::from_secs(6));
    });
    assert_eq!(endpoint.transactions(), 0);
    watch.0
}

/// Eight messages in and eight out, with everything but the call's own decisions, its digests and
/// its SDP.
fn whole_call(calls: u32) -> Duration {
    let wires: Vec<_> = (0..calls)
        .map(|call| {
            [
                request("INVITE", call, 1, "a", ""),
                request("ACK", call, 1, "a", ";tag=x"),
                request("INVITE", call, 2, "b", ""),
                request("ACK", call, 2, "d", ";tag=x"),
                request("BYE", call, 3, "c", ";tag=x"),
            ]
        })
        .collect();
    let mut endpoint = endpoint();
    let mut now = clock();
    let mut watch = Stopwatch::default();
    for wire in &wires {
        now += Duration::from_micros(500);
        one_call(&mut endpoint, now, wire, &mut watch);
    }
    watch.time(|| {
        endpoint.handle_timeout(now + Duration::from_secs(33));
        pump(&mut endpoint);
    });
    assert_eq!(endpoint.transactions(), 0);
    watch.0
}

fn one_call(endpoint: &mut Endpoint, now: Instant, wire: &[Vec<u8>; 5], watch: &mut Stopwatch) {
    let [first, first_ack, invite, ack, bye] = wire;
    let (server, replies, sent) = watch.time(|| {
        let (server, replies) = new_server(endpoint, now, first);
        reply(endpoint, now, server, &replies, Status::PROXY_AUTHENTICATION_REQUIRED);
        endpoint.receive(now, flow(), &Message::parse(first_ack).unwrap());

        let (server, replies) = new_server(endpoint, now, invite);
        reply(endpoint, now, server, &replies, Status::TRYING);
        (server, replies, send(endpoint, now, Method::Invite))
    });
    for status in [Status::TRYING, Status::RINGING, Status::OK] {
        let answer = answer(&sent, status);
        watch.time(|| {
            let message = Message::parse(&answer).unwrap();
            black_box(endpoint.receive(now, flow(), &message));
            if status != Status::TRYING {
                reply(endpoint, now, server, &replies, status);
            }
        });
    }
    let sent = watch.time(|| {
        let dialog = Dialog::uas(&Message::parse(invite).unwrap(), "local", State::Confirmed);
        black_box(dialog.unwrap());
        black_box(endpoint.receive(now, flow(), &Message::parse(ack).unwrap()));
        endpoint.acknowledged(now, server);
        endpoint.send(flow(), black_box(ack.clone()));

        let (server, replies) = new_server(endpoint, now, bye);
        reply(endpoint, now, server, &replies, Status::OK);
        send(endpoint, now, Method::Bye)
    });
    let answer = answer(&sent, Status::OK);
    watch.time(|| {
        let message = Message::parse(&answer).unwrap();
        black_box(endpoint.receive(now, flow(), &message));
        endpoint.handle_timeout(now);
        pump(endpoint);
    });
}

/// Sends a request of ours; gives what went out.
fn send(endpoint: &mut Endpoint, now: Instant, method: Method<'_>) -> Vec<u8> {
    let branch = endpoint.new_branch();
    let via = Via::new("UDP", Host::V4([198, 51, 100, 1].into()), Some(5060), &branch);
    let mut bytes = Vec::with_capacity(640);
    sip_message::MessageWriter::request(&mut bytes, method, "sip:+12065550100@203.0.113.9")
        .header(Name::Via, via)
        .header(Name::MaxForwards, 70)
        .header(Name::From, "<sip:+12065550199@198.51.100.1>;tag=b")
        .header(Name::To, "<sip:+12065550100@203.0.113.9>")
        .header(Name::CallId, "b-leg")
        .header(Name::CSeq, format_args!("1 {method}"))
        .header(Name::Contact, "<sip:198.51.100.1:5060>")
        .finish();
    pump(endpoint);
    endpoint.request(now, flow(), method, &branch, bytes, 1).unwrap();
    endpoint.poll_output().unwrap().bytes
}

/// The other side's answer.
fn answer(sent: &[u8], status: Status) -> Vec<u8> {
    let replies = Replies::new(&Message::parse(sent).unwrap(), &flow()).unwrap();
    replies.bare(status, status.reason(), "remote")
}

const NOW: UnixMillis = UnixMillis(1_795_428_672_345);
const URI: &str = "sip:+12065550100@dr3rbaar376u5r4ntcnlq4.voiceconnector.localhost";

fn challenge(calls: u32) -> Duration {
    let mut guard = Guard::new(GuardConfig::new([9; 16], 1));
    let mut out = Vec::with_capacity(1024);
    let mut watch = Stopwatch::default();
    watch.time(|| {
        for _ in 0..calls {
            out.clear();
            let mut writer = sip_message::MessageWriter::resume(&mut out);
            for challenge in guard.challenges(NOW, REALM, Stale::No) {
                writer.header(Name::ProxyAuthenticate, challenge);
            }
            black_box(&out);
        }
    });
    watch.0
}

fn check(calls: u32) -> Duration {
    let mut guard = Guard::new(GuardConfig::new([9; 16], 1));
    let keys = DigestKeys::derive("pbx", REALM, Secret::new("secret".into()));
    let mut client = Client::new("pbx".into(), Secret::new("secret".into()), &[3; 16]);
    let offers: Vec<String> = (0..calls)
        .map(|_| {
            let challenge = guard.challenges(NOW, REALM, Stale::No).next().unwrap().to_string();
            let text = format!(
                "SIP/2.0 407 P\r\nProxy-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
            );
            client = Client::new("pbx".into(), Secret::new("secret".into()), &[3; 16]);
            client.challenged(&Message::parse(text.as_bytes()).unwrap()).unwrap();
            let it = client.authorization(Method::Invite, URI).unwrap();
            format!("INVITE {URI} SIP/2.0\r\n{}: {it}\r\nContent-Length: 0\r\n\r\n", it.name())
        })
        .collect();
    let messages: Vec<_> = offers.iter().map(|it| Message::parse(it.as_bytes()).unwrap()).collect();
    let mut watch = Stopwatch::default();
    watch.time(|| {
        for message in &messages {
            let header = Name::ProxyAuthorization;
            let verdict = guard.check(NOW, message, header, REALM, |_| Some(&keys));
            assert!(matches!(black_box(verdict), Verdict::Pass(_)));
        }
    });
    watch.0
}
