//! Which transaction a message belongs to, and what is refused without one.

use sip_core::{Config, Limits, Received, Refusal};
use sip_message::{Message, Status, Transport};

use crate::world::{World, ms, request};

const BRANCH: &str = "z9hG4bKmatch";

#[test]
fn a_cancel_is_answered_and_names_its_invite() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.endpoint.adopt(server, 5);
    let cancel = request("CANCEL", BRANCH, "");
    assert_eq!(world.receive(&cancel), Received::Cancel { invite: server, owner: 5 });
    assert_eq!(world.receive(&cancel), Received::Absorbed, "its answer is repeated");
    let tag = world.endpoint.tag(server).unwrap();
    for ok in world.sent_whole() {
        assert!(ok.starts_with("SIP/2.0 200 OK\r\n"), "{ok}");
        assert!(ok.contains(&format!(";tag={tag}\r\n")), "{ok}");
        assert!(ok.contains("CSeq: 1 CANCEL\r\n"), "{ok}");
    }
    world.respond(server, &invite, Status::REQUEST_TERMINATED);
    assert_eq!(world.sent(), ["SIP/2.0 487 Request Terminated"]);
}

#[test]
fn a_cancel_that_comes_after_the_final_response_changes_nothing() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::OK);
    world.sent();
    assert_eq!(world.receive(&request("CANCEL", BRANCH, "")), Received::Absorbed);
    assert_eq!(world.sent(), ["SIP/2.0 200 OK"]);
}

#[test]
fn a_cancel_without_its_invite_is_answered_481() {
    let mut world = World::new(Transport::Udp);
    let refused = world.receive(&request("CANCEL", BRANCH, ""));
    assert_eq!(refused, Received::Refused(Refusal::NothingToCancel));
    assert_eq!(world.sent(), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn a_cancel_of_a_bye_stops_nothing() {
    let mut world = World::new(Transport::Udp);
    world.accept(&request("BYE", BRANCH, ""));
    let refused = world.receive(&request("CANCEL", BRANCH, ""));
    assert_eq!(refused, Received::Refused(Refusal::NothingToCancel));
}

#[test]
fn the_same_branch_from_another_sender_is_another_transaction() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    world.accept(&invite);
    let other = invite.replace("192.0.2.7:5070;", "192.0.2.8:5070;").replace("call-1", "call-2");
    world.accept(&other);
    let upper = invite.replace("UDP 192.0.2.7", "UDP PBX.example").replace("call-1", "call-3");
    world.accept(&upper);
    assert_eq!(world.receive(&upper.replace("PBX", "pbx")), Received::Absorbed);
}

#[test]
fn a_request_of_rfc_2543_is_matched_by_what_it_says() {
    for branch in ["", ";branch=old", ";branch=z9hG4bK"] {
        let mut world = World::new(Transport::Udp);
        let old =
            |method| request(method, BRANCH, "").replace(&format!(";branch={BRANCH}"), branch);
        let server = world.accept(&old("INVITE"));
        assert_eq!(world.receive(&old("INVITE")), Received::Absorbed);
        world.respond(server, &old("INVITE"), Status::BUSY_HERE);
        let ack = old("ACK").replace("vc.example>\r\nCall", "vc.example>;tag=x\r\nCall");
        assert_eq!(world.receive(&ack), Received::Absorbed);
        world.run_until(ms(5000));
        assert_eq!(world.endpoint.transactions(), 0, "the ACK was not taken: {branch}");
        let next = old("INVITE").replace("CSeq: 1 ", "CSeq: 2 ");
        world.accept(&next);
    }
}

#[test]
fn the_same_request_by_another_way_is_a_loop() {
    let mut world = World::new(Transport::Udp);
    world.accept(&request("INVITE", BRANCH, ""));
    world.sent();
    let merged = request("INVITE", "z9hG4bKother", "");
    assert_eq!(world.receive(&merged), Received::Refused(Refusal::Merged));
    assert_eq!(world.sent(), ["SIP/2.0 482 Loop Detected"]);
}

#[test]
fn a_request_repeated_after_its_rejection_is_no_loop() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    let server = world.accept(&invite);
    world.respond(server, &invite, Status::PROXY_AUTHENTICATION_REQUIRED);
    world.accept(&request("INVITE", "z9hG4bKother", ""));
}

#[test]
fn requests_within_a_dialog_never_merge() {
    let mut world = World::new(Transport::Udp);
    let to_tag = |text: String| text.replace("vc.example>\r\nCall", "vc.example>;tag=t\r\nCall");
    world.accept(&to_tag(request("OPTIONS", BRANCH, "")));
    world.accept(&to_tag(request("OPTIONS", "z9hG4bKother", "")));
}

#[test]
fn invites_beyond_the_limit_are_answered_503_until_one_is_settled() {
    let limits = Limits { invites_open_max: 1, transactions_max: 100 };
    let mut world = World::with(Transport::Udp, Config { limits, ..Config::default() });
    let first = request("INVITE", BRANCH, "");
    let server = world.accept(&first);
    let second = request("INVITE", "z9hG4bKsecond", "").replace("call-1", "call-2");
    assert_eq!(world.receive(&second), Received::Refused(Refusal::InvitesOpen));
    let sent = world.sent_whole();
    assert!(sent[0].starts_with("SIP/2.0 503 Service Unavailable\r\n"), "{}", sent[0]);
    assert!(sent[0].contains("Retry-After: 5\r\n"), "{}", sent[0]);
    world.accept(&request("OPTIONS", "z9hG4bKoptions", ""));
    world.respond(server, &first, Status::OK);
    world.accept(&second);
    assert_eq!(world.endpoint.invites_open(), 1);
}

#[test]
fn transactions_beyond_the_limit_are_refused_both_ways() {
    let limits = Limits { invites_open_max: 10, transactions_max: 1 };
    let mut world = World::with(Transport::Udp, Config { limits, ..Config::default() });
    world.accept(&request("OPTIONS", BRANCH, ""));
    let refused = world.receive(&request("BYE", "z9hG4bKbye", ""));
    assert_eq!(refused, Received::Refused(Refusal::Transactions));
    let sent = world.endpoint.request(
        world.now,
        world.flow,
        sip_message::Method::Bye,
        "z9hG4bKours",
        Vec::new(),
        0,
    );
    assert!(sent.is_err());
}

#[test]
fn a_malformed_request_is_answered_and_never_reaches_the_user() {
    let mut world = World::new(Transport::Udp);
    let bad = request("INVITE", BRANCH, "").replace("CSeq: 1 INVITE", "CSeq: 1 BYE");
    assert!(matches!(world.receive(&bad), Received::Refused(Refusal::Malformed(_))));
    assert_eq!(world.sent(), ["SIP/2.0 400 CSeq Method Does Not Match"]);
    let ack = bad.replace("INVITE sip", "ACK sip");
    assert!(matches!(world.receive(&ack), Received::Refused(Refusal::Malformed(_))));
    assert_eq!(world.sent(), [""; 0], "an ACK is never answered");
    let mute = request("INVITE", BRANCH, "").replace("Via:", "X-Via:");
    assert!(matches!(world.receive(&mute), Received::Refused(Refusal::Unanswerable(_))));
    assert_eq!(world.endpoint.transactions(), 0);
}

#[test]
fn responses_go_to_the_source_port_only_if_rport_asks_for_it() {
    let mut world = World::new(Transport::Udp);
    let asked = request("OPTIONS", "z9hG4bKa;rport", "").replace("7:5070;", "9:5999;");
    let server = world.accept(&asked);
    world.respond(server, &asked, Status::OK);
    let sent = world.endpoint.poll_output().unwrap();
    assert_eq!(sent.flow.remote, "192.0.2.7:5070".parse().unwrap());
    let text = String::from_utf8(sent.bytes).unwrap();
    let via = Message::parse(text.as_bytes()).unwrap().via().unwrap().to_string();
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.9:5999;branch=z9hG4bKa;rport=5070;received=192.0.2.7");

    let plain = request("OPTIONS", "z9hG4bKb", "").replace("7:5070;", "9:5999;");
    let plain = plain.replace("call-1", "call-2");
    let server = world.accept(&plain);
    world.respond(server, &plain, Status::OK);
    let sent = world.endpoint.poll_output().unwrap();
    assert_eq!(sent.flow.remote, "192.0.2.7:5999".parse().unwrap());
}

#[test]
fn a_via_cannot_aim_responses_at_a_third_party() {
    let mut world = World::new(Transport::Udp);
    let aimed = request("OPTIONS", "z9hG4bKa;maddr=203.0.113.9", "").replace("7:5070;", "8;");
    let server = world.accept(&aimed);
    world.respond(server, &aimed, Status::OK);
    let sent = world.endpoint.poll_output().unwrap();
    assert_eq!(sent.flow.remote, "192.0.2.7:5060".parse().unwrap());
}

#[test]
fn a_request_that_was_answered_and_forgotten_is_new_when_it_comes_again() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH, "");
    for _ in 0..2 {
        let server = world.accept(&invite);
        let message = Message::parse(invite.as_bytes()).unwrap();
        let replies = sip_core::Replies::new(&message, &world.flow).unwrap();
        let bytes = replies.bare(Status::FORBIDDEN, "Forbidden", "t");
        world.endpoint.respond_and_forget(server, bytes).unwrap();
        assert_eq!(world.sent(), ["SIP/2.0 403 Forbidden"]);
        assert_eq!((world.endpoint.transactions(), world.endpoint.invites_open()), (0, 0));
    }
    assert_eq!(world.receive(&request("ACK", BRANCH, "")), Received::Ack);
    assert_eq!(world.endpoint.poll_timeout(), None);
}

#[test]
fn a_response_whose_connection_is_gone_asks_for_one_to_the_port_in_via() {
    let mut world = World::new(Transport::Tcp);
    let options = request("OPTIONS", BRANCH, "").replace("7:5070;", "7:5061;");
    let server = world.accept(&options);
    world.endpoint.flow_closed(world.now, world.flow);
    world.respond(server, &options, Status::OK);
    let sent = world.endpoint.poll_output().unwrap();
    assert_eq!(sent.flow.connection, 0);
    assert_eq!(sent.flow.remote, "192.0.2.7:5061".parse().unwrap());
}

#[test]
fn responses_carry_what_their_request_brought() {
    let mut world = World::new(Transport::Udp);
    let headers = "Record-Route: <sip:p2.example;lr>\r\nRecord-Route: <sip:p1.example;lr>\r\n\
                   Timestamp: 54\r\nVia: SIP/2.0/UDP first.example;branch=z9hG4bKfirst\r\n";
    let invite = request("INVITE", BRANCH, headers);
    let server = world.accept(&invite);
    for status in [Status::TRYING, Status::RINGING, Status::FORBIDDEN] {
        world.respond(server, &invite, status);
    }
    let sent = world.sent_whole();
    let tag = format!("vc.example>;tag={}\r\n", {
        let to = sent[1].split(";tag=").last().unwrap();
        to.split("\r\n").next().unwrap()
    });
    for text in &sent {
        let first = text.find("branch=z9hG4bKmatch").unwrap();
        assert!(first < text.find("branch=z9hG4bKfirst").unwrap(), "{text}");
        assert!(text.contains("Timestamp: 54\r\n"), "{text}");
    }
    assert!(!sent[0].contains(&tag), "a 100 has no tag: {}", sent[0]);
    assert!(sent[1].contains(&tag) && sent[2].contains(&tag));
    let routes = "Record-Route: <sip:p2.example;lr>\r\nRecord-Route: <sip:p1.example;lr>\r\n";
    assert!(sent[1].contains(routes), "{}", sent[1]);
    assert!(!sent[2].contains("Record-Route"), "{}", sent[2]);
}
