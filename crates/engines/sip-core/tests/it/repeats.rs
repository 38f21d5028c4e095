//! What is counted of repetitions: each once, whoever repeats.

use sip_core::Repeats;
use sip_message::{Method, Status, Transport};

use crate::world::{World, ms, request, response};

fn timeouts(repeats: &Repeats) -> Vec<(&'static str, u64)> {
    repeats.timeouts().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn an_invite_that_nobody_answers_counts_six_repetitions_and_timer_b() {
    let mut world = World::new(Transport::Udp);
    let (client, _) = world.request(Method::Invite);
    world.run_until(ms(31_999));
    assert_eq!(world.endpoint.times_sent(client), Some(7));
    world.run_until(ms(33_000));
    let repeats = *world.endpoint.repeats();
    assert_eq!(repeats.requests_sent, 6);
    assert_eq!(timeouts(&repeats), [("B", 1)]);
    assert_eq!(world.endpoint.times_sent(client), None);
}

#[test]
fn a_request_that_nobody_answers_counts_ten_repetitions_and_timer_f() {
    let mut world = World::new(Transport::Udp);
    world.request(Method::Options);
    world.run_until(ms(33_000));
    let repeats = *world.endpoint.repeats();
    assert_eq!(repeats.requests_sent, 10);
    assert_eq!(timeouts(&repeats), [("F", 1)]);
}

#[test]
fn a_rejection_without_ack_counts_its_repetitions_and_timer_h() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", "z9hG4bKa", "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::BUSY_HERE);
    world.receive(&invite);
    world.run_until(ms(33_000));
    let repeats = *world.endpoint.repeats();
    assert_eq!((repeats.requests_received, repeats.responses_sent), (1, 11));
    assert_eq!(timeouts(&repeats), [("H", 1)]);
}

#[test]
fn an_answer_without_ack_counts_its_repetitions_and_timer_l() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", "z9hG4bKa", "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::OK);
    world.run_until(ms(33_000));
    let repeats = *world.endpoint.repeats();
    assert_eq!(repeats.responses_sent, 10);
    assert_eq!(timeouts(&repeats), [("L", 1)]);
}

#[test]
fn a_rejection_that_comes_again_counts_with_the_ack_that_it_is_given_again() {
    let mut world = World::new(Transport::Udp);
    let (_, invite) = world.request(Method::Invite);
    let busy = response(&invite, Status::BUSY_HERE);
    world.receive(&busy);
    world.receive(&busy);
    let repeats = *world.endpoint.repeats();
    assert_eq!((repeats.responses_received, repeats.requests_sent), (1, 1));
}

#[test]
fn a_call_on_a_path_that_loses_nothing_counts_nothing() {
    let mut world = World::new(Transport::Udp);
    let (_, options) = world.request(Method::Options);
    world.receive(&response(&options, Status::OK));
    let asked = request("OPTIONS", "z9hG4bKb", "");
    let server = world.accept(&asked);
    world.respond(server, &asked, Status::OK);
    world.run_until(ms(70_000));
    assert_eq!(*world.endpoint.repeats(), Repeats::default());
}
