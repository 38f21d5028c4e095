//! Server transactions: what is repeated, what is absorbed, and when it ends (RFC 3261 §17.2).

use sip_core::{Event, Gone, Reason, Received, Timer};
use sip_message::{Status, Transport};

use crate::world::{World, ms, request};

const BRANCH: &str = "z9hG4bKserver";

#[test]
fn a_repeated_invite_gets_the_last_provisional_again() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    assert_eq!(world.receive(&invite), Received::Absorbed);
    assert_eq!(world.sent(), [""; 0], "nothing was said yet");
    world.respond(server, &invite, Status::TRYING);
    world.respond(server, &invite, Status::RINGING);
    assert_eq!(world.receive(&invite), Received::Absorbed);
    assert_eq!(world.sent(), ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 180 Ringing"]);
}

#[test]
fn a_rejection_is_repeated_until_its_ack_and_the_transaction_ends_after_t4() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::BUSY_HERE);
    assert_eq!(world.sent(), ["SIP/2.0 486 Busy Here"]);
    assert_eq!(world.endpoint.poll_timeout().map(|it| it.1), Some(Reason::Sorting));
    assert_eq!(world.run_until(ms(4000)), [500, 1500, 3500]);
    assert_eq!(world.receive(&invite), Received::Absorbed);
    assert_eq!(world.sent(), ["SIP/2.0 486 Busy Here"]);
    let ack = request("ACK", BRANCH, "");
    assert_eq!(world.receive(&ack), Received::Absorbed);
    assert_eq!(world.receive(&ack), Received::Absorbed);
    assert_eq!(world.receive(&invite), Received::Absorbed);
    assert_eq!(world.run_until(ms(8999)), [0; 0]);
    assert_eq!(world.endpoint.transactions(), 1);
    world.run_until(ms(9000));
    assert_eq!(world.endpoint.transactions(), 0);
    assert_eq!(world.events(), []);
}

#[test]
fn a_rejection_without_ack_is_repeated_up_to_t2_and_given_up_after_64_t1() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::FORBIDDEN);
    world.sent();
    assert_eq!(
        world.run_until(ms(32_000)),
        [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    );
    assert_eq!(world.events(), [Event::RejectionNoAck { server, owner: 0 }]);
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn over_tcp_a_rejection_is_sent_once_and_its_ack_ends_the_transaction() {
    let mut world = World::new(Transport::Tcp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::FORBIDDEN);
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.run_until(ms(31_000)), [0; 0]);
    assert_eq!(world.receive(&request("ACK", BRANCH, "")), Received::Absorbed);
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn an_acceptance_is_repeated_over_every_transport_until_the_ack_is_seen() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = World::new(transport);
        let invite = request("INVITE", BRANCH, "");
        let server = world.accept(&invite);
        world.endpoint.adopt(server, 9);
        world.respond(server, &invite, Status::OK);
        assert_eq!(world.sent(), ["SIP/2.0 200 OK"]);
        assert_eq!(world.receive(&invite), Received::Absorbed);
        assert_eq!(world.sent(), [""; 0], "RFC 6026 §7.1: the repetition is not answered");
        assert_eq!(world.run_until(ms(12_000)), [500, 1500, 3500, 7500, 11_500]);
        assert_eq!(world.receive(&request("ACK", "z9hG4bKack", "")), Received::Ack);
        world.endpoint.acknowledged(world.now, server);
        assert_eq!(world.run_until(ms(40_000)), [0; 0]);
        assert_eq!(world.events(), []);
        assert_eq!(world.endpoint.transactions(), 0);
    }
}

#[test]
fn an_acceptance_that_is_never_acknowledged_is_reported_after_64_t1() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.endpoint.adopt(server, 9);
    world.respond(server, &invite, Status::OK);
    world.run_until(ms(31_999));
    assert_eq!(world.events(), []);
    world.run_until(ms(32_000));
    assert_eq!(world.events(), [Event::NoAck { server, owner: 9 }]);
}

#[test]
fn an_ack_for_a_2xx_with_the_invites_branch_reaches_the_user() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::OK);
    assert_eq!(world.receive(&request("ACK", BRANCH, "")), Received::Ack);
}

#[test]
fn a_repeated_bye_gets_its_answer_again_for_64_t1() {
    let mut world = World::new(Transport::Udp);
    let bye = request("BYE", BRANCH, "");
    let server = world.accept(&bye);
    assert_eq!(world.receive(&bye), Received::Absorbed);
    assert_eq!(world.sent(), [""; 0]);
    world.respond(server, &bye, Status::OK);
    assert_eq!(world.receive(&bye), Received::Absorbed);
    assert_eq!(world.sent(), ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]);
    assert_eq!(world.endpoint.poll_timeout().map(|it| it.1), Some(Reason::Sorting));
    world.run_until(ms(31_999));
    assert_eq!(world.endpoint.transactions(), 1);
    world.run_until(ms(32_000));
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn over_tcp_the_answer_ends_the_transaction() {
    let mut world = World::new(Transport::Tcp);
    let bye = request("BYE", BRANCH, "");
    let server = world.accept(&bye);
    world.respond(server, &bye, Status::OK);
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn a_request_that_nobody_answers_does_not_live_on() {
    let mut world = World::new(Transport::Tcp);
    world.accept(&request("OPTIONS", BRANCH, ""));
    world.run_until(ms(32_000));
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn a_request_that_is_answered_and_forgotten_leaves_nothing_behind() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    for _ in 0..2 {
        let server = world.accept(&invite);
        assert_eq!(world.endpoint.invites_open(), 1);
        let forgotten = world.endpoint.respond_and_forget(server, b"SIP/2.0 407 Asked\r\n".into());
        assert_eq!(forgotten, Ok(()));
        assert_eq!(world.sent(), ["SIP/2.0 407 Asked"]);
        assert_eq!((world.endpoint.transactions(), world.endpoint.invites_open()), (0, 0));
        assert_eq!(world.endpoint.respond_and_forget(server, Vec::new()), Err(Gone));
    }
    assert_eq!(world.receive(&request("ACK", BRANCH, "")), Received::Ack);
    assert_eq!(world.run_until(ms(40_000)), [0; 0]);
    assert_eq!(world.events(), []);
}

#[test]
fn a_second_final_response_is_refused() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::OK);
    let again = world.endpoint.respond(world.now, server, Status::BUSY_HERE, Vec::new());
    assert_eq!(again, Err(Gone));
    world.run_until(ms(60_000));
    assert_eq!(world.endpoint.respond(world.now, server, Status::OK, Vec::new()), Err(Gone));
}

#[test]
fn the_reason_to_wake_is_the_timer_that_is_near() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::BUSY_HERE);
    world.run_until(ms(499));
    assert_eq!(
        world.endpoint.poll_timeout().map(|(at, why)| (at - crate::world::start(), why)),
        Some((ms(500), Reason::Timer(Timer::G)))
    );
}
