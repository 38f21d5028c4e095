//! What the transaction layer costs, without sockets.
//!
//! `cargo bench -p sip-core` prints the CPU time per piece of work, the median of some rounds. Time
//! inside is virtual; the figures are for comparing, not for passing. A number as argument sets the
//! calls per round, for counting instructions: `valgrind --tool=callgrind … 500`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may stop")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use model::{DigestKeys, Secret, UnixMillis};
use sip_core::dialog::{Dialog, State};
use sip_core::digest::{Client, Guard, GuardConfig, Stale, Verdict};
use sip_core::{Config, Endpoint, Received, Replies};
use sip_message::{Flow, Host, Message, Method, Name, Status, Via};

const ROUNDS: usize = 7;
const CALLS_DEFAULT: u32 = 20_000;
const REALM: &str = "dr3rbaar376u5r4ntcnlq4.voiceconnector.localhost";

fn main() {
    let calls = std::env::args().find_map(|it| it.parse().ok()).unwrap_or(CALLS_DEFAULT);
    let report = |name: &str, work: fn(u32) -> Duration| {
        let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| work(calls) / calls).collect();
        rounds.sort_unstable();
        println!("{name:<50} {:>8} ns", rounds[ROUNDS / 2].as_nanos());
    };
    report("INVITE, 407, ACK, timer I", challenge_and_ack);
    report("authenticated call, transactions of both legs", whole_call);
    report("digest challenge (two headers)", challenge);
    report("digest check, MD5, right password", check);
}

/// CPU time this process has used, which a busy machine does not stretch as it does wall time.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]
fn start() -> Instant {
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

/// The server transaction of dependencies' prototype: parse, check, key, 407, ACK, timer I.
fn challenge_and_ack(calls: u32) -> Duration {
    let wires: Vec<_> = (0..calls)
        .map(|call| (request("INVITE", call, 1, "a", ""), request("ACK", call, 1, "a", ";tag=x")))
        .collect();
    let mut endpoint = endpoint();
    let mut now = start();
    let began = cpu_time();
    for (invite, ack) in &wires {
        now += Duration::from_micros(500);
        let (server, replies) = new_server(&mut endpoint, now, invite);
        reply(&mut endpoint, now, server, &replies, Status::PROXY_AUTHENTICATION_REQUIRED);
        let message = Message::parse(ack).unwrap();
        assert_eq!(endpoint.receive(now, flow(), &message), Received::Absorbed);
        endpoint.handle_timeout(now);
    }
    endpoint.handle_timeout(now + Duration::from_secs(6));
    let took = cpu_time() - began;
    assert_eq!(endpoint.transactions(), 0);
    took
}

/// Eight messages in and eight out, with everything but the call's own decisions and digests.
fn whole_call(calls: u32) -> Duration {
    let wires: Vec<_> = (0..calls)
        .map(|call| {
            (
                request("INVITE", call, 1, "a", ""),
                request("ACK", call, 1, "a", ";tag=x"),
                request("INVITE", call, 2, "b", ""),
                request("BYE", call, 3, "c", ";tag=x"),
            )
        })
        .collect();
    let mut endpoint = endpoint();
    let mut now = start();
    let began = cpu_time();
    for (invite, ack, second, bye) in &wires {
        now += Duration::from_micros(500);
        let (server, replies) = new_server(&mut endpoint, now, invite);
        reply(&mut endpoint, now, server, &replies, Status::PROXY_AUTHENTICATION_REQUIRED);
        endpoint.receive(now, flow(), &Message::parse(ack).unwrap());

        let (a, a_replies) = new_server(&mut endpoint, now, second);
        reply(&mut endpoint, now, a, &a_replies, Status::TRYING);
        let sent = send(&mut endpoint, now, Method::Invite);
        for status in [Status::TRYING, Status::RINGING, Status::OK] {
            answer(&mut endpoint, now, &sent, status);
            if status != Status::TRYING {
                reply(&mut endpoint, now, a, &a_replies, status);
            }
        }
        let message = Message::parse(second).unwrap();
        black_box(Dialog::uas(&message, "local", State::Confirmed).unwrap());
        let ok = Message::parse(ack).unwrap();
        black_box(endpoint.receive(now, flow(), &ok));
        endpoint.acknowledged(now, a);
        endpoint.send(flow(), black_box(ack.clone()));

        let (bye_server, bye_replies) = new_server(&mut endpoint, now, bye);
        reply(&mut endpoint, now, bye_server, &bye_replies, Status::OK);
        let sent = send(&mut endpoint, now, Method::Bye);
        answer(&mut endpoint, now, &sent, Status::OK);
        endpoint.handle_timeout(now);
        pump(&mut endpoint);
    }
    endpoint.handle_timeout(now + Duration::from_secs(33));
    pump(&mut endpoint);
    let took = cpu_time() - began;
    assert_eq!(endpoint.transactions(), 0);
    took
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
    endpoint.request(now, flow(), method, &branch, bytes, 1).unwrap();
    endpoint.poll_output().unwrap().bytes
}

/// The other side's answer. Printing it is in the figure and stands for nothing of ours, so the
/// whole-call figure is an upper bound.
fn answer(endpoint: &mut Endpoint, now: Instant, sent: &[u8], status: Status) {
    let replies = Replies::new(&Message::parse(sent).unwrap(), &flow()).unwrap();
    let bytes = replies.bare(status, status.reason(), "remote");
    let message = Message::parse(&bytes).unwrap();
    black_box(endpoint.receive(now, flow(), &message));
}

const NOW: UnixMillis = UnixMillis(1_795_428_672_345);
const URI: &str = "sip:+12065550100@dr3rbaar376u5r4ntcnlq4.voiceconnector.localhost";

fn challenge(calls: u32) -> Duration {
    let mut guard = Guard::new(GuardConfig::new([9; 16], 1));
    let mut out = Vec::with_capacity(1024);
    let began = cpu_time();
    for _ in 0..calls {
        out.clear();
        let mut writer = sip_message::MessageWriter::resume(&mut out);
        for challenge in guard.challenges(NOW, REALM, Stale::No) {
            writer.header(Name::ProxyAuthenticate, challenge);
        }
        black_box(&out);
    }
    cpu_time() - began
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
    let began = cpu_time();
    for message in &messages {
        let verdict = guard.check(NOW, message, Name::ProxyAuthorization, REALM, |_| Some(&keys));
        assert!(matches!(black_box(verdict), Verdict::Pass(_)));
    }
    cpu_time() - began
}
