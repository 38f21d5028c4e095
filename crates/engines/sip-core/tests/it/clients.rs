//! Client transactions: what is sent when, and when it ends (RFC 3261 §17.1).

use sip_core::{Event, Received};
use sip_message::{Method, Status, Transport};

use crate::world::{World, ms, request, response};

#[test]
fn an_invite_over_udp_is_sent_seven_times_and_times_out_after_64_t1() {
    let mut world = World::new(Transport::Udp);
    let (client, _) = world.request(Method::Invite);
    let mut moments = vec![world.sent().len() as u64 - 1];
    moments.extend(world.run_until(ms(31_999)));
    assert_eq!(moments, [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert_eq!(world.events(), []);
    world.run_until(ms(32_000));
    assert_eq!(world.events(), [Event::TimedOut { client, owner: 42 }]);
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn an_invite_over_tcp_is_sent_once_and_times_out_after_64_t1() {
    let mut world = World::new(Transport::Tcp);
    let (client, _) = world.request(Method::Invite);
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.run_until(ms(40_000)), [0; 0]);
    assert_eq!(world.events(), [Event::TimedOut { client, owner: 42 }]);
}

#[test]
fn a_request_over_udp_is_repeated_at_doubling_intervals_up_to_t2() {
    let mut world = World::new(Transport::Udp);
    let (client, _) = world.request(Method::Bye);
    world.sent();
    let moments = world.run_until(ms(40_000));
    assert_eq!(moments, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(world.events(), [Event::TimedOut { client, owner: 42 }]);
}

#[test]
fn a_provisional_response_slows_a_request_down_to_t2_and_does_not_save_it() {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(Method::Options);
    world.sent();
    let trying = response(&text, Status::TRYING);
    assert_eq!(world.receive(&trying), Received::Response { client, owner: 42 });
    let moments = world.run_until(ms(40_000));
    assert_eq!(moments, [500, 4500, 8500, 12_500, 16_500, 20_500, 24_500, 28_500]);
    assert_eq!(world.events(), [Event::TimedOut { client, owner: 42 }]);
}

#[test]
fn a_provisional_response_ends_the_repetitions_of_an_invite() {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(Method::Invite);
    world.sent();
    world.run_until(ms(600));
    let ringing = response(&text, Status::RINGING);
    assert_eq!(world.receive(&ringing), Received::Response { client, owner: 42 });
    assert_eq!(world.run_until(ms(600_000)), [0; 0]);
    assert_eq!(world.events(), [], "how long it may ring is the user's affair");
}

#[test]
fn a_rejection_is_acknowledged_each_time_and_delivered_once() {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(Method::Invite);
    world.sent();
    let busy = response(&text, Status::BUSY_HERE);
    assert_eq!(world.receive(&busy), Received::Response { client, owner: 42 });
    assert_eq!(world.receive(&busy), Received::Absorbed);
    let acks = world.sent_whole();
    assert_eq!(acks.len(), 2);
    assert_eq!(acks[0], acks[1]);
    let via = text.split("\r\n").nth(1).unwrap();
    assert_eq!(
        acks[0],
        format!(
            "ACK sip:+12065550100@vc.example SIP/2.0\r\n{via}\r\nMax-Forwards: 70\r\n\
             From: <sip:+12065550199@192.0.2.7>;tag=from1\r\n\
             To: <sip:+12065550100@vc.example>;tag=remote1\r\nCall-ID: call-1\r\n\
             CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
        )
    );
    world.run_until(ms(31_999));
    assert_eq!(world.endpoint.transactions(), 1, "timer D runs for 32 s");
    world.run_until(ms(32_000));
    assert_eq!(world.endpoint.transactions(), 0);
    assert_eq!(world.receive(&busy), Received::StrayResponse);
}

#[test]
fn a_rejection_whose_to_cannot_be_read_is_acknowledged_with_the_to_of_its_invite() {
    let mut world = World::new(Transport::Udp);
    let (_, text) = world.request(Method::Invite);
    world.sent();
    let busy = response(&text, Status::BUSY_HERE);
    let to = busy.lines().find(|line| line.starts_with("To:")).unwrap();
    world.receive(&busy.replace(to, "To: "));
    let to = text.lines().find(|line| line.starts_with("To:")).unwrap();
    let acks = world.sent_whole();
    assert!(acks[0].lines().any(|line| line == to), "{}", acks[0]);
}

#[test]
fn over_tcp_a_rejection_ends_the_transaction_at_once() {
    let mut world = World::new(Transport::Tcp);
    let (_, text) = world.request(Method::Invite);
    world.receive(&response(&text, Status::BUSY_HERE));
    assert_eq!(world.sent().len(), 2, "INVITE and ACK");
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn an_acceptance_is_delivered_each_time_for_64_t1_and_never_acknowledged_here() {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(Method::Invite);
    world.sent();
    let ok = response(&text, Status::OK);
    let fork = ok.replace("remote1", "remote2");
    for answer in [&ok, &ok, &fork] {
        assert_eq!(world.receive(answer), Received::Response { client, owner: 42 });
    }
    assert_eq!(world.receive(&response(&text, Status::BUSY_HERE)), Received::Absorbed);
    assert_eq!(world.sent(), [""; 0]);
    world.run_until(ms(32_000));
    assert_eq!(world.endpoint.transactions(), 0);
    assert_eq!(world.receive(&ok), Received::StrayResponse);
    assert_eq!(world.events(), []);
}

#[test]
fn a_final_response_to_bye_is_delivered_once_and_absorbed_for_t4() {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(Method::Bye);
    let ok = response(&text, Status::OK);
    assert_eq!(world.receive(&ok), Received::Response { client, owner: 42 });
    assert_eq!(world.receive(&ok), Received::Absorbed);
    world.run_until(ms(4999));
    assert_eq!(world.endpoint.transactions(), 1);
    world.run_until(ms(5000));
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(Method::Invite);
    world.sent();
    world.endpoint.cancel(world.now, client, Some("SIP;cause=200"));
    world.endpoint.cancel(world.now, client, None);
    assert_eq!(world.sent(), [""; 0]);
    world.receive(&response(&text, Status::TRYING));
    let sent = world.sent_whole();
    let via = text.split("\r\n").nth(1).unwrap();
    assert_eq!(
        sent,
        [format!(
            "CANCEL sip:+12065550100@vc.example SIP/2.0\r\n{via}\r\nMax-Forwards: 70\r\n\
             From: <sip:+12065550199@192.0.2.7>;tag=from1\r\n\
             To: <sip:+12065550100@vc.example>\r\nCall-ID: call-1\r\nCSeq: 1 CANCEL\r\n\
             Reason: SIP;cause=200\r\nContent-Length: 0\r\n\r\n"
        )]
    );
    let ok_to_cancel = response(&sent[0], Status::OK);
    assert_eq!(world.receive(&ok_to_cancel), Received::Absorbed);
    let terminated = response(&text, Status::REQUEST_TERMINATED);
    assert_eq!(world.receive(&terminated), Received::Response { client, owner: 42 });
    world.endpoint.cancel(world.now, client, None);
    assert_eq!(world.sent(), ["ACK sip:+12065550100@vc.example SIP/2.0"]);
}

#[test]
fn a_cancelled_invite_that_gets_no_final_response_times_out() {
    let mut world = World::new(Transport::Udp);
    let (client, text) = world.request(Method::Invite);
    world.receive(&response(&text, Status::RINGING));
    world.run_until(ms(10_000));
    world.endpoint.cancel(world.now, client, None);
    world.run_until(ms(41_999));
    assert_eq!(world.events(), []);
    world.run_until(ms(42_000));
    assert_eq!(world.events(), [Event::TimedOut { client, owner: 42 }]);
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn a_transport_failure_ends_the_requests_that_wait_on_it() {
    let mut world = World::new(Transport::Tcp);
    let (invite, _) = world.request(Method::Invite);
    let (bye, _) = world.request(Method::Bye);
    let mut elsewhere = world.flow;
    elsewhere.connection += 1;
    world.endpoint.transport_failed(world.now, elsewhere);
    assert_eq!(world.events(), []);
    world.endpoint.flow_closed(world.now, world.flow);
    assert_eq!(
        world.events(),
        [
            Event::TransportFailed { client: invite, owner: 42 },
            Event::TransportFailed { client: bye, owner: 42 },
        ]
    );
}

#[test]
fn a_response_with_two_vias_or_a_foreign_branch_is_not_ours() {
    let mut world = World::new(Transport::Udp);
    let (_, text) = world.request(Method::Options);
    let ok = response(&text, Status::OK);
    let two = ok.replacen("Via:", "Via: SIP/2.0/UDP other.example;branch=z9hG4bKo\r\nVia:", 1);
    assert!(matches!(world.receive(&two), Received::Refused(_)));
    let foreign = response(&request("OPTIONS", "z9hG4bKforeign", ""), Status::OK);
    assert_eq!(world.receive(&foreign), Received::StrayResponse);
}

#[test]
fn a_response_to_another_method_with_our_branch_is_stray() {
    let mut world = World::new(Transport::Udp);
    let (_, text) = world.request(Method::Options);
    let wrong = response(&text, Status::OK).replace("1 OPTIONS", "1 BYE");
    assert_eq!(world.receive(&wrong), Received::StrayResponse);
}
