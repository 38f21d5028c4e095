//! What a call costs the engine, without sockets: CPU time per call and bytes per held call.
//!
//! `cargo bench -p call` places authenticated calls, nine messages in and nine out each, at 2,000
//! calls per virtual second, and prints medians. The peers' side is not measured: a first run
//! records what they send, and since an engine does the same for the same seed, a second one plays
//! it back to a fresh engine. A number as argument sets the calls per round, for counting
//! instructions: `valgrind --tool=callgrind --toggle-collect='whole_call::Bench::play' … 500`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may stop")]
#![expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait; this one counts and delegates")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use call::{
    Change, Config, Directory, Engine, Input, Listener, MediaCommand, MediaEvent, Now, Output,
    ResolvedCarrier, Seeds,
};
use media::PortRange;
use model::{
    AccountId, Carrier, CarrierName, DigestKeys, E164Number, NetworkType, PhoneNumber, Region,
    Secret, SipUser, Termination, UnixMillis, Username, VoiceConnector, VoiceConnectorId,
};
use sip_core::digest::Client;
use sip_message::{Flow, Message, Method, Name, Transport};

const ROUNDS: usize = 5;
const CALLS_DEFAULT: u32 = 10_000;
const HELD: u32 = 10_000;
const HOST: &str = "dr3rbaar376u5r4ntcnlq4.voiceconnector.localhost";
const PASSWORD: &str = "correct horse battery staple";
/// Virtual time between two calls: 2,000 in a second.
const PACE: Duration = Duration::from_micros(500);

/// The system's allocator, counting what is asked of it and what is held.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD_BYTES: Cell<i64> = const { Cell::new(0) };
}

fn note(bytes: i64) {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + u64::from(bytes > 0)));
    let _ = HELD_BYTES.try_with(|held| held.set(held.get() + bytes));
}

fn size(layout: Layout) -> i64 {
    i64::try_from(layout.size()).unwrap_or(i64::MAX)
}

// SAFETY: every method hands its arguments to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(size(layout));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(-size(layout));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let calls = std::env::args().find_map(|it| it.parse().ok()).unwrap_or(CALLS_DEFAULT);
    let mut bench = Bench::new();
    for n in 0..calls {
        bench.whole_call(n);
    }
    let script = bench.script;
    let mut rounds: Vec<(Duration, u64)> = (0..ROUNDS)
        .map(|_| {
            let mut fresh = Bench::new();
            let (before, allocated) = (cpu_time(), ALLOCATIONS.get());
            fresh.play(&script);
            let (spent, allocations) = (cpu_time() - before, ALLOCATIONS.get() - allocated);
            (spent / calls, allocations / u64::from(calls))
        })
        .collect();
    rounds.sort_unstable();
    let (spent, allocations) = rounds[ROUNDS / 2];
    let nanos = spent.as_nanos();
    println!("authenticated call, engine alone {nanos:>8} ns of CPU, {allocations} allocations");
    println!("held call                        {:>8} bytes", held_bytes());
}

/// CPU time this process has used, which a busy machine does not stretch as it does wall time.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// One thing that happens to an engine.
enum Step {
    Message(Flow, Vec<u8>),
    Closed(MediaEvent),
    Pass(Duration),
}

/// What one answered call holds, half a minute after its answer, with 10,000 of them.
fn held_bytes() -> i64 {
    let mut bench = Bench::new();
    let before = HELD_BYTES.get();
    for n in 0..HELD {
        bench.answered_call(n);
        bench.script.clear();
    }
    for _ in 0..60 {
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(bench.engine.calls_open(), HELD as usize, "every call is held");
    (HELD_BYTES.get() - before) / i64::from(HELD)
}

struct Bench {
    engine: Engine,
    directory: Directory,
    start: Instant,
    elapsed: Duration,
    script: Vec<Step>,
    sent: Vec<Vec<u8>>,
    closed: Vec<MediaEvent>,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn clock() -> Instant {
    Instant::now()
}

impl Bench {
    fn new() -> Self {
        let us = "203.0.113.1:5060".parse().unwrap();
        let listener = Listener { transport: Transport::Udp, local: us, advertised: us };
        let mut config = Config::new(vec![listener], us.ip());
        config.limits.account_calls_max = 50_000;
        let seeds = Seeds { random: [7; 32], nonce_secret: [8; 16], process: 9 };
        let mut bench = Self {
            engine: Engine::new(config, &seeds),
            directory: directory(),
            start: clock(),
            elapsed: Duration::ZERO,
            script: Vec::new(),
            sent: Vec::new(),
            closed: Vec::new(),
        };
        let ports = PortRange::parse(2, 65_535).unwrap();
        let bound = (0..ports.pairs()).filter_map(|at| ports.port(at)).collect();
        bench.put(Input::PortsReady(bound));
        bench
    }

    fn now(&self) -> Now {
        let millis = u64::try_from(self.elapsed.as_millis()).unwrap();
        Now { instant: self.start + self.elapsed, unix: UnixMillis(1_795_428_672_345 + millis) }
    }

    #[inline(never)]
    fn play(&mut self, script: &[Step]) {
        for step in script {
            match step {
                Step::Message(flow, bytes) => self.put(Input::Message { flow: *flow, bytes }),
                Step::Closed(event) => self.put(Input::Media(event.clone())),
                Step::Pass(duration) => self.pass(*duration),
            }
            self.sent.clear();
            self.closed.clear();
        }
    }

    fn put(&mut self, input: Input<'_>) {
        self.engine.handle_input(self.now(), input, &self.directory);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send { bytes, .. } => self.sent.push(bytes),
                Output::Media(MediaCommand::Close { call }) => {
                    self.closed.push(MediaEvent::Closed { call, quality: None });
                }
                Output::Media(_) | Output::Record(_) | Output::Health(_) | Output::Peer(_) => {}
            }
        }
    }

    fn pass(&mut self, duration: Duration) {
        let end = self.elapsed + duration;
        while let Some(due) = self.engine.poll_timeout().map(|(at, _)| at - self.start) {
            if due > end {
                break;
            }
            self.elapsed = self.elapsed.max(due);
            self.engine.handle_timeout(self.now(), &self.directory);
            self.drain();
        }
        self.elapsed = end;
    }

    fn message(&mut self, from: &str, text: &str) {
        let flow = Flow::udp("203.0.113.1:5060".parse().unwrap(), from.parse().unwrap());
        self.put(Input::Message { flow, bytes: text.as_bytes() });
        self.script.push(Step::Message(flow, text.into()));
    }

    fn take(&mut self, start: &str) -> String {
        let at = self.sent.iter().position(|it| it.starts_with(start.as_bytes()));
        String::from_utf8(self.sent.remove(at.unwrap_or_else(|| panic!("no {start}")))).unwrap()
    }

    /// From INVITE to ACK; gives our tag on the caller's leg.
    fn answered_call(&mut self, n: u32) -> String {
        self.pass(PACE);
        self.script.push(Step::Pass(PACE));
        self.sent.clear();
        self.message(PBX, &request("INVITE", n, 1, "1", "", &[], OFFER));
        let challenge = self.take("SIP/2.0 407");
        let tag = to_tag(&challenge);
        self.message(PBX, &request("ACK", n, 1, "1", &tag, &[], ""));
        let credentials = credentials(&challenge);
        self.message(PBX, &request("INVITE", n, 2, "2", "", &[&credentials], OFFER));
        let left = self.take("INVITE ");
        self.message(CARRIER, &response(&left, "100 Trying", ""));
        self.message(CARRIER, &response(&left, "180 Ringing", ""));
        self.message(CARRIER, &response(&left, "200 OK", ANSWER));
        let answer = self.take("SIP/2.0 200");
        let tag = to_tag(&answer);
        self.message(PBX, &request("ACK", n, 2, "ack", &tag, &[], ""));
        tag
    }

    fn whole_call(&mut self, n: u32) {
        let tag = self.answered_call(n);
        self.sent.clear();
        self.message(PBX, &request("BYE", n, 3, "bye", &tag, &[], ""));
        let bye = self.take("BYE ");
        self.message(CARRIER, &response(&bye, "200 OK", ""));
        for closed in std::mem::take(&mut self.closed) {
            self.put(Input::Media(closed.clone()));
            self.script.push(Step::Closed(closed));
        }
    }
}

const PBX: &str = "192.0.2.10:5060";
const CARRIER: &str = "198.51.100.20:5060";

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
const ANSWER: &str = "v=0\r\no=- 2 1 IN IP4 198.51.100.20\r\ns=-\r\nc=IN IP4 198.51.100.20\r\nt=0 0\r\n\
    m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

fn request(
    method: &str,
    n: u32,
    cseq: u32,
    branch: &str,
    to_tag: &str,
    headers: &[&str],
    body: &str,
) -> String {
    let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let headers: String = headers.iter().map(|it| format!("{it}\r\n")).collect();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:+12065550100@{HOST} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK-{n}-{branch}\r\n\
         Max-Forwards: 70\r\n\
         From: \"PBX\" <sip:+12065550199@192.0.2.10:5060>;tag=caller{n}\r\n\
         To: <sip:+12065550100@{HOST}>{tag}\r\n\
         Call-ID: call-{n}@192.0.2.10\r\n\
         CSeq: {cseq} {method}\r\n\
         Contact: <sip:pbx@192.0.2.10:5060>\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n\
         User-Agent: PBX/1.0\r\n\
         {headers}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn response(request: &str, status: &str, body: &str) -> String {
    let message = Message::parse(request.as_bytes()).unwrap();
    let value = |name| message.first(name).unwrap();
    let tag = if value(Name::To).contains("tag=") || status.starts_with("100") {
        ""
    } else {
        ";tag=called"
    };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:{CARRIER}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        value(Name::Via),
        value(Name::From),
        value(Name::To),
        value(Name::CallId),
        value(Name::CSeq),
        body.len()
    )
}

fn to_tag(text: &str) -> String {
    let message = Message::parse(text.as_bytes()).unwrap();
    message.to().unwrap().tag().unwrap().to_owned()
}

fn credentials(challenge: &str) -> String {
    let mut client = Client::new("pbx".into(), Secret::new(PASSWORD.into()), &[3; 16]);
    // Only the first challenge, as common user agents do.
    let first: String = challenge.replace("algorithm=SHA-256", "algorithm=unknown");
    client.challenged(&Message::parse(first.as_bytes()).unwrap()).unwrap();
    let uri = format!("sip:+12065550100@{HOST}");
    let authorization = client.authorization(Method::Invite, &uri).unwrap();
    format!("{}: {authorization}", authorization.name())
}

fn directory() -> Directory {
    let id = VoiceConnectorId::parse("dr3rbaar376u5r4ntcnlq4").unwrap();
    let account = AccountId::DEFAULT;
    let mut directory = Directory::new();
    directory.apply(Change::PutConnector(VoiceConnector {
        id: id.clone(),
        account,
        region: Region::default(),
        name: "trunk".into(),
        require_encryption: false,
        outbound_host_name: HOST.into(),
        integration_type: None,
        network_type: NetworkType::default(),
        created: UnixMillis(0),
        updated: UnixMillis(0),
    }));
    directory.apply(Change::PutTermination(Termination {
        account,
        connector: id.clone(),
        cps_limit: NonZeroU32::new(100_000).unwrap(),
        default_phone_number: None,
        calling_regions: vec!["US".into()],
        cidr_allowed_list: vec!["192.0.2.0/24".parse().unwrap()],
        disabled: false,
    }));
    directory.apply(Change::PutUser(SipUser {
        account,
        connector: id,
        username: Username::parse("pbx").unwrap(),
        keys: DigestKeys::derive("pbx", HOST, Secret::new(PASSWORD.into())),
    }));
    let number = E164Number::parse("+12065550199").unwrap();
    let phone = PhoneNumber::new(number, Some(account), UnixMillis(0));
    directory.apply(Change::PutNumber(phone));
    let name = CarrierName::parse("first").unwrap();
    let carrier = Carrier::new(name, "198.51.100.20".into(), 5060, UnixMillis(0));
    let address = CARRIER.parse().unwrap();
    directory.apply(Change::PutCarrier(ResolvedCarrier::new(carrier, [address])));
    directory
}
