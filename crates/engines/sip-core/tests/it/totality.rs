//! Whatever comes, the endpoint neither panics nor grows beyond its limits.

use proptest::prelude::*;
use sip_core::{Config, Limits};
use sip_message::{Message, Method, Status, Transport};

use crate::world::{World, ms, request, response};

const TRANSACTIONS_MAX: usize = 8;

fn world() -> World {
    let limits = Limits { invites_open_max: 3, transactions_max: TRANSACTIONS_MAX };
    World::with(Transport::Udp, Config { limits, ..Config::default() })
}

/// Text that is nearly a message, with some of its bytes changed.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec!["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "FOO"]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (method, 0..4_u8, edits).prop_map(|(method, branch, edits)| {
        let mut bytes = request(method, &format!("z9hG4bK{branch}"), "").into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

#[derive(Debug, Clone)]
enum Step {
    Receive(Vec<u8>),
    Respond(u8, u16),
    Request(Method<'static>),
    Cancel(u8),
    Answer(u8, u16),
    Wait(u64),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let method = prop::sample::select(vec![Method::Invite, Method::Bye, Method::Options]);
    prop_oneof![
        4 => nearly().prop_map(Step::Receive),
        2 => (any::<u8>(), 100..700_u16).prop_map(|(at, status)| Step::Respond(at, status)),
        2 => method.prop_map(Step::Request),
        1 => any::<u8>().prop_map(Step::Cancel),
        2 => (any::<u8>(), 100..700_u16).prop_map(|(at, status)| Step::Answer(at, status)),
        2 => (0..40_000_u64).prop_map(Step::Wait),
        1 => Just(Step::Close),
    ]
}

proptest! {
    #[test]
    fn any_bytes_that_parse_are_taken_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut world = world();
        if let Ok(message) = Message::parse(&bytes) {
            world.endpoint.receive(world.now, world.flow, &message);
        }
    }

    /// In any order of events the table stays within its limit, and in the end it empties.
    #[test]
    fn any_sequence_of_events_stays_within_the_limits(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = world();
        let mut servers = Vec::new();
        let mut clients = Vec::new();
        for step in steps {
            match step {
                Step::Receive(bytes) => {
                    let Ok(message) = Message::parse(&bytes) else { continue };
                    let received = world.endpoint.receive(world.now, world.flow, &message);
                    if let sip_core::Received::Request { server } = received {
                        servers.push(server);
                    }
                }
                Step::Respond(at, status) if !servers.is_empty() => {
                    let server = servers[usize::from(at) % servers.len()];
                    let bytes = b"SIP/2.0 200 OK\r\n\r\n".to_vec();
                    _ = world.endpoint.respond(world.now, server, Status(status), bytes);
                }
                Step::Request(method) => {
                    let branch = world.endpoint.new_branch();
                    let text = request(method.as_str(), &branch, "");
                    let bytes = text.clone().into_bytes();
                    let flow = world.flow;
                    let sent =
                        world.endpoint.request(world.now, flow, method, &branch, bytes, 0);
                    clients.extend(sent.ok().map(|client| (client, text)));
                }
                Step::Cancel(at) if !clients.is_empty() => {
                    let client = clients[usize::from(at) % clients.len()].0;
                    world.endpoint.cancel(world.now, client, None);
                }
                Step::Answer(at, status) if !clients.is_empty() => {
                    let text = &clients[usize::from(at) % clients.len()].1;
                    let answer = response(text, Status(status));
                    world.receive(&answer);
                }
                Step::Wait(millis) => {
                    let end = ms(world.elapsed() + millis);
                    world.run_until(end);
                }
                Step::Close => world.endpoint.flow_closed(world.now, world.flow),
                Step::Respond(..) | Step::Cancel(_) | Step::Answer(..) => {}
            }
            // A CANCEL, ours or theirs, comes on top of the INVITE it belongs to.
            prop_assert!(world.endpoint.transactions() <= 2 * TRANSACTIONS_MAX);
            prop_assert!(world.endpoint.invites_open() <= 3);
            while world.endpoint.poll_output().is_some() {}
            world.events();
        }
        // Whoever ends its part sees everything end.
        for server in servers {
            let bytes = b"SIP/2.0 487 X\r\n\r\n".to_vec();
            _ = world.endpoint.respond(world.now, server, Status(487), bytes);
        }
        for (client, text) in clients {
            world.endpoint.cancel(world.now, client, None);
            world.receive(&response(&text, Status(487)));
        }
        let end = ms(world.elapsed() + 200_000);
        world.run_until(end);
        prop_assert_eq!(world.endpoint.transactions(), 0);
        prop_assert_eq!(world.endpoint.invites_open(), 0);
    }
}
