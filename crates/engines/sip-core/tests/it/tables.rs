//! The four machines of RFC 3261 §17 as redrawn by RFC 6026, over UDP: each state, and what each
//! event makes of it. The timers' moments are judged in `clients` and `servers`.

use std::fmt::Write as _;

use sip_core::{ClientId, Event, Received, ServerId};
use sip_message::{Method, Status, Transport};

use crate::world::{World, ms, request, response};

const BRANCH: &str = "z9hG4bKtable";
/// Longer than any state lives by itself.
const AGES: u64 = 600_000;

/// What came of one event: what the user is told, what is sent, what is left of the transaction.
fn outcome(world: &mut World, told: &str) -> String {
    let mut text = String::from(told);
    let mut sent = world.sent();
    sent.iter_mut().for_each(|line| *line = word(line));
    let all = sent.len();
    sent.dedup();
    match &sent[..] {
        [] => {}
        [one] if all == 1 => write!(text, ", sends {one}").unwrap(),
        several => write!(text, ", sends {} {all} times", several.join(" and ")).unwrap(),
    }
    for event in world.events() {
        text.push_str(match event {
            Event::TimedOut { .. } => ", timed out",
            Event::TransportFailed { .. } => ", transport failed",
            Event::NoAck { .. } => ", no ACK to the 2xx",
            Event::RejectionNoAck { .. } => ", no ACK to the rejection",
        });
    }
    write!(text, ", {} left", world.endpoint.transactions()).unwrap();
    text
}

/// The method, or the status, of a start line.
fn word(line: &str) -> String {
    let mut words = line.split(' ');
    let first = words.next().unwrap_or_default();
    let word = if first == "SIP/2.0" { words.next().unwrap_or_default() } else { first };
    word.to_owned()
}

fn told(received: Received) -> &'static str {
    match received {
        Received::Request { .. } => "new",
        Received::Absorbed => "absorbed",
        Received::Ack => "an ACK for the user",
        Received::Cancel { .. } => "cancelled",
        Received::Response { .. } => "told",
        Received::StrayResponse => "stray",
        Received::Refused(_) => "refused",
    }
}

fn let_time_pass(world: &mut World) -> String {
    let end = world.elapsed() + AGES;
    let mut sent = Vec::new();
    while let Some((at, _)) = world.endpoint.poll_timeout()
        && at <= crate::world::start() + ms(end)
    {
        world.now = at.max(world.now);
        world.endpoint.handle_timeout(world.now);
        sent.extend(world.sent());
    }
    let what = sent.first().map(|line| word(line)).unwrap_or_default();
    let repeated =
        if sent.is_empty() { String::new() } else { format!(", {what} {} times more", sent.len()) };
    outcome(world, &format!("time{repeated}"))
}

/// Whether a transaction is left in the state that its messages brought it to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Fresh,
    /// Its last timer has fired.
    Over,
}

/// A client transaction over UDP in a state, reached by these responses.
fn client(method: Method<'_>, responses: &[Status], age: Age) -> (World, ClientId, String) {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(method);
    for status in responses {
        world.receive(&response(&text, *status));
    }
    if age == Age::Over {
        let_time_pass(&mut world);
    }
    world.sent();
    world.events();
    (world, client, text)
}

/// What happens to a client transaction.
#[derive(Clone, Copy)]
enum ToClient {
    Response(Status),
    Time,
    TransportError,
    Cancel,
}

fn client_row(method: Method<'_>, responses: &[Status], age: Age, event: ToClient) -> String {
    let (mut world, client, text) = client(method, responses, age);
    match event {
        ToClient::Response(status) => {
            let received = world.receive(&response(&text, status));
            outcome(&mut world, told(received))
        }
        ToClient::Time => let_time_pass(&mut world),
        ToClient::TransportError => {
            world.endpoint.transport_failed(world.now, world.flow);
            outcome(&mut world, "an error")
        }
        ToClient::Cancel => {
            world.endpoint.cancel(world.now, client, None);
            outcome(&mut world, "a wish")
        }
    }
}

/// A server transaction over UDP in a state, reached by these answers, an ACK, and its end.
#[derive(Clone, Copy)]
struct Served<'a> {
    method: &'a str,
    answers: &'a [Status],
    acks: usize,
    age: Age,
}

/// What happens to a server transaction.
#[derive(Clone, Copy)]
enum ToServer {
    Again,
    Ack,
    Answer(Status),
    Time,
    TransportError,
}

fn answer(world: &mut World, server: ServerId, status: Status) -> &'static str {
    let bytes = format!("SIP/2.0 {} Answer\r\n\r\n", status.0).into_bytes();
    match world.endpoint.respond(world.now, server, status, bytes) {
        Ok(()) => "taken",
        Err(_) => "too late",
    }
}

fn server_row(served: Served<'_>, event: ToServer) -> String {
    let mut world = World::new(Transport::Udp);
    let text = request(served.method, BRANCH, "");
    let ack = request("ACK", BRANCH, "");
    let server = world.accept(&text);
    for status in served.answers {
        answer(&mut world, server, *status);
    }
    for _ in 0..served.acks {
        world.receive(&ack);
    }
    if served.age == Age::Over {
        let_time_pass(&mut world);
    }
    world.sent();
    world.events();
    match event {
        ToServer::Again => {
            let received = world.receive(&text);
            outcome(&mut world, told(received))
        }
        ToServer::Ack => {
            let received = world.receive(&ack);
            outcome(&mut world, told(received))
        }
        ToServer::Answer(status) => {
            let taken = answer(&mut world, server, status);
            outcome(&mut world, taken)
        }
        ToServer::Time => let_time_pass(&mut world),
        ToServer::TransportError => {
            world.endpoint.transport_failed(world.now, world.flow);
            outcome(&mut world, "an error")
        }
    }
}

const CLIENT_EVENTS: [(&str, ToClient); 6] = [
    ("1xx", ToClient::Response(Status::RINGING)),
    ("2xx", ToClient::Response(Status::OK)),
    ("3xx-6xx", ToClient::Response(Status::BUSY_HERE)),
    ("time", ToClient::Time),
    ("transport error", ToClient::TransportError),
    ("cancel", ToClient::Cancel),
];

const SERVER_EVENTS: [(&str, ToServer); 7] = [
    ("request again", ToServer::Again),
    ("ACK", ToServer::Ack),
    ("user's 1xx", ToServer::Answer(Status::RINGING)),
    ("user's 2xx", ToServer::Answer(Status::OK)),
    ("user's 3xx-6xx", ToServer::Answer(Status::BUSY_HERE)),
    ("time", ToServer::Time),
    ("transport error", ToServer::TransportError),
];

/// The rows of a machine's states, one per line.
fn table<'a, Event: Copy + 'a>(
    states: &[&str],
    events: &[(&str, Event)],
    row: impl Fn(usize, Event) -> String,
) -> String {
    let mut text = String::new();
    for (at, state) in states.iter().enumerate() {
        for (name, event) in events {
            writeln!(text, "{state} | {name} | {}", row(at, *event)).unwrap();
        }
    }
    text
}

const INVITE_CLIENT: &str = "\
Calling | 1xx | told, 1 left
Calling | 2xx | told, 1 left
Calling | 3xx-6xx | told, sends ACK, 1 left
Calling | time | time, INVITE 6 times more, timed out, 0 left
Calling | transport error | an error, transport failed, 0 left
Calling | cancel | a wish, 1 left
Proceeding | 1xx | told, 1 left
Proceeding | 2xx | told, 1 left
Proceeding | 3xx-6xx | told, sends ACK, 1 left
Proceeding | time | time, 1 left
Proceeding | transport error | an error, transport failed, 0 left
Proceeding | cancel | a wish, sends CANCEL, 2 left
Accepted | 1xx | absorbed, 1 left
Accepted | 2xx | told, 1 left
Accepted | 3xx-6xx | absorbed, 1 left
Accepted | time | time, 0 left
Accepted | transport error | an error, 1 left
Accepted | cancel | a wish, 1 left
Completed | 1xx | absorbed, 1 left
Completed | 2xx | absorbed, 1 left
Completed | 3xx-6xx | absorbed, sends ACK, 1 left
Completed | time | time, 0 left
Completed | transport error | an error, transport failed, 0 left
Completed | cancel | a wish, 1 left
Terminated | 1xx | stray, 0 left
Terminated | 2xx | stray, 0 left
Terminated | 3xx-6xx | stray, 0 left
Terminated | time | time, 0 left
Terminated | transport error | an error, 0 left
Terminated | cancel | a wish, 0 left
";

const INVITE_SERVER: &str = "\
Proceeding, nothing said | request again | absorbed, 1 left
Proceeding, nothing said | ACK | absorbed, 1 left
Proceeding, nothing said | user's 1xx | taken, sends 180, 1 left
Proceeding, nothing said | user's 2xx | taken, sends 200, 1 left
Proceeding, nothing said | user's 3xx-6xx | taken, sends 486, 1 left
Proceeding, nothing said | time | time, 1 left
Proceeding, nothing said | transport error | an error, 1 left
Proceeding | request again | absorbed, sends 180, 1 left
Proceeding | ACK | absorbed, 1 left
Proceeding | user's 1xx | taken, sends 180, 1 left
Proceeding | user's 2xx | taken, sends 200, 1 left
Proceeding | user's 3xx-6xx | taken, sends 486, 1 left
Proceeding | time | time, 1 left
Proceeding | transport error | an error, 1 left
Accepted | request again | absorbed, 1 left
Accepted | ACK | an ACK for the user, 1 left
Accepted | user's 1xx | too late, 1 left
Accepted | user's 2xx | too late, 1 left
Accepted | user's 3xx-6xx | too late, 1 left
Accepted | time | time, 200 10 times more, no ACK to the 2xx, 0 left
Accepted | transport error | an error, 1 left
Completed | request again | absorbed, sends 486, 1 left
Completed | ACK | absorbed, 1 left
Completed | user's 1xx | too late, 1 left
Completed | user's 2xx | too late, 1 left
Completed | user's 3xx-6xx | too late, 1 left
Completed | time | time, 486 10 times more, no ACK to the rejection, 0 left
Completed | transport error | an error, 1 left
Confirmed | request again | absorbed, 1 left
Confirmed | ACK | absorbed, 1 left
Confirmed | user's 1xx | too late, 1 left
Confirmed | user's 2xx | too late, 1 left
Confirmed | user's 3xx-6xx | too late, 1 left
Confirmed | time | time, 0 left
Confirmed | transport error | an error, 1 left
Terminated | request again | new, 1 left
Terminated | ACK | an ACK for the user, 0 left
Terminated | user's 1xx | too late, 0 left
Terminated | user's 2xx | too late, 0 left
Terminated | user's 3xx-6xx | too late, 0 left
Terminated | time | time, 0 left
Terminated | transport error | an error, 0 left
";

const CLIENT: &str = "\
Trying | 1xx | told, 1 left
Trying | 2xx | told, 1 left
Trying | 3xx-6xx | told, 1 left
Trying | time | time, BYE 10 times more, timed out, 0 left
Trying | transport error | an error, transport failed, 0 left
Proceeding | 1xx | told, 1 left
Proceeding | 2xx | told, 1 left
Proceeding | 3xx-6xx | told, 1 left
Proceeding | time | time, BYE 8 times more, timed out, 0 left
Proceeding | transport error | an error, transport failed, 0 left
Completed | 1xx | absorbed, 1 left
Completed | 2xx | absorbed, 1 left
Completed | 3xx-6xx | absorbed, 1 left
Completed | time | time, 0 left
Completed | transport error | an error, 1 left
Terminated | 1xx | stray, 0 left
Terminated | 2xx | stray, 0 left
Terminated | 3xx-6xx | stray, 0 left
Terminated | time | time, 0 left
Terminated | transport error | an error, 0 left
";

const SERVER: &str = "\
Trying | request again | absorbed, 1 left
Trying | ACK | an ACK for the user, 1 left
Trying | user's 1xx | taken, sends 180, 1 left
Trying | user's 2xx | taken, sends 200, 1 left
Trying | user's 3xx-6xx | taken, sends 486, 1 left
Trying | time | time, 0 left
Trying | transport error | an error, 1 left
Proceeding | request again | absorbed, sends 100, 1 left
Proceeding | ACK | an ACK for the user, 1 left
Proceeding | user's 1xx | taken, sends 180, 1 left
Proceeding | user's 2xx | taken, sends 200, 1 left
Proceeding | user's 3xx-6xx | taken, sends 486, 1 left
Proceeding | time | time, 0 left
Proceeding | transport error | an error, 1 left
Completed | request again | absorbed, sends 200, 1 left
Completed | ACK | an ACK for the user, 1 left
Completed | user's 1xx | too late, 1 left
Completed | user's 2xx | too late, 1 left
Completed | user's 3xx-6xx | too late, 1 left
Completed | time | time, 0 left
Completed | transport error | an error, 1 left
Terminated | request again | new, 1 left
Terminated | ACK | an ACK for the user, 0 left
Terminated | user's 1xx | too late, 0 left
Terminated | user's 2xx | too late, 0 left
Terminated | user's 3xx-6xx | too late, 0 left
Terminated | time | time, 0 left
Terminated | transport error | an error, 0 left
";

#[test]
fn each_state_of_an_invite_client_does_with_each_event_what_figure_5_says() {
    let states: [(&str, &[Status], Age); 5] = [
        ("Calling", &[], Age::Fresh),
        ("Proceeding", &[Status::RINGING], Age::Fresh),
        ("Accepted", &[Status::RINGING, Status::OK], Age::Fresh),
        ("Completed", &[Status::RINGING, Status::BUSY_HERE], Age::Fresh),
        ("Terminated", &[Status::RINGING, Status::BUSY_HERE], Age::Over),
    ];
    let names = states.map(|it| it.0);
    let rows = table(&names, &CLIENT_EVENTS, |at, event| {
        client_row(Method::Invite, states[at].1, states[at].2, event)
    });
    assert_eq!(rows, INVITE_CLIENT);
}

#[test]
fn each_state_of_another_client_does_with_each_event_what_figure_6_says() {
    let states: [(&str, &[Status], Age); 4] = [
        ("Trying", &[], Age::Fresh),
        ("Proceeding", &[Status::TRYING], Age::Fresh),
        ("Completed", &[Status::OK], Age::Fresh),
        ("Terminated", &[Status::OK], Age::Over),
    ];
    let names = states.map(|it| it.0);
    let rows = table(&names, &CLIENT_EVENTS[..5], |at, event| {
        client_row(Method::Bye, states[at].1, states[at].2, event)
    });
    assert_eq!(rows, CLIENT);
}

#[test]
fn each_state_of_an_invite_server_does_with_each_event_what_figure_7_says() {
    let none = Served { method: "INVITE", answers: &[], acks: 0, age: Age::Fresh };
    let rejected = Served { answers: &[Status::BUSY_HERE], ..none };
    let states = [
        ("Proceeding, nothing said", none),
        ("Proceeding", Served { answers: &[Status::RINGING], ..none }),
        ("Accepted", Served { answers: &[Status::OK], ..none }),
        ("Completed", rejected),
        ("Confirmed", Served { acks: 1, ..rejected }),
        ("Terminated", Served { acks: 1, age: Age::Over, ..rejected }),
    ];
    let names = states.map(|it| it.0);
    let rows = table(&names, &SERVER_EVENTS, |at, event| server_row(states[at].1, event));
    assert_eq!(rows, INVITE_SERVER);
}

#[test]
fn each_state_of_another_server_does_with_each_event_what_figure_8_says() {
    let none = Served { method: "BYE", answers: &[], acks: 0, age: Age::Fresh };
    let states = [
        ("Trying", none),
        ("Proceeding", Served { answers: &[Status::TRYING], ..none }),
        ("Completed", Served { answers: &[Status::OK], ..none }),
        ("Terminated", Served { answers: &[Status::OK], age: Age::Over, ..none }),
    ];
    let names = states.map(|it| it.0);
    let rows = table(&names, &SERVER_EVENTS, |at, event| server_row(states[at].1, event));
    assert_eq!(rows, SERVER);
}
