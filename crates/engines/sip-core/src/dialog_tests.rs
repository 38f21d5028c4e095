use sip_message::Host;

use super::*;

const INVITE: &str = "INVITE sip:+12065550100@vc.example SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa\r\n\
    From: \"PBX\" <sip:+12065550199@192.0.2.1>;tag=from1\r\n\
    To: <sip:+12065550100@vc.example>\r\n\
    Call-ID: call-1@192.0.2.1\r\n\
    CSeq: 7 INVITE\r\n\
    Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>\r\n\
    Contact: <sip:pbx@192.0.2.1:5070>\r\n\
    Content-Length: 0\r\n\r\n";

fn answer(to_tag: &str, record_route: &str, contact: &str) -> String {
    format!(
        "SIP/2.0 200 OK\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa\r\n\
         From: <sip:a@192.0.2.1>;tag=from1\r\n\
         To: <sip:b@vc.example>;tag={to_tag}\r\n\
         Call-ID: call-1\r\nCSeq: 7 INVITE\r\n{record_route}{contact}Content-Length: 0\r\n\r\n"
    )
}

fn message(text: &str) -> Message<'_> {
    let message = Message::parse(text.as_bytes()).unwrap();
    message.check().unwrap();
    message
}

fn via() -> Via<'static> {
    Via::new("UDP", Host::parse("198.51.100.1").unwrap(), Some(5060), "z9hG4bKnew")
}

fn bye(dialog: &mut Dialog) -> String {
    let mut out = Vec::new();
    dialog.request(&mut out, Method::Bye, &via()).finish();
    message(std::str::from_utf8(&out).unwrap());
    String::from_utf8(out).unwrap()
}

#[test]
fn the_server_sends_back_along_the_record_route() {
    let mut dialog = Dialog::uas(&message(INVITE), "local1", State::Confirmed).unwrap();
    assert_eq!(
        bye(&mut dialog),
        "BYE sip:pbx@192.0.2.1:5070 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKnew;rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:+12065550100@vc.example>;tag=local1\r\n\
         To: \"PBX\" <sip:+12065550199@192.0.2.1>;tag=from1\r\n\
         Call-ID: call-1@192.0.2.1\r\n\
         Route: <sip:p2.example;lr>, <sip:p1.example;lr>\r\n\
         CSeq: 1 BYE\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(dialog.next_hop(), "sip:p2.example;lr");
}

#[test]
fn the_client_reverses_the_record_route_and_counts_on() {
    let text = answer(
        "to1",
        "Record-Route: <sip:p2.example;lr>\r\nRecord-Route: <sip:p1.example;lr>\r\n",
        "Contact: <sip:b@203.0.113.9>\r\n",
    );
    let mut dialog = Dialog::uac(&message(&text), "sip:b@vc.example").unwrap();
    assert_eq!((dialog.local_tag(), dialog.remote_tag()), ("from1", "to1"));
    let bye = bye(&mut dialog);
    assert!(bye.starts_with("BYE sip:b@203.0.113.9 SIP/2.0\r\n"), "{bye}");
    assert!(bye.contains("Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n"), "{bye}");
    assert!(bye.contains("CSeq: 8 BYE\r\n"), "{bye}");
}

#[test]
fn a_strict_router_gets_the_request_uri_and_the_target_goes_last() {
    let text = answer(
        "to1",
        "Record-Route: <sip:p2.example>, <sip:p1.example>\r\n",
        "Contact: <sip:b@203.0.113.9>\r\n",
    );
    let mut dialog = Dialog::uac(&message(&text), "sip:b@vc.example").unwrap();
    let bye = bye(&mut dialog);
    assert!(bye.starts_with("BYE sip:p1.example SIP/2.0\r\n"), "{bye}");
    assert!(bye.contains("Route: <sip:p2.example>\r\nRoute: <sip:b@203.0.113.9>\r\n"), "{bye}");
}

#[test]
fn the_ack_for_a_2xx_bears_the_invites_number() {
    let text = answer("to1", "", "Contact: <sip:b@203.0.113.9>\r\n");
    let dialog = Dialog::uac(&message(&text), "sip:b@vc.example").unwrap();
    let mut out = Vec::new();
    dialog.ack(&mut out, 7, &via()).finish();
    let ack = std::str::from_utf8(&out).unwrap();
    assert!(ack.contains("CSeq: 7 ACK\r\n"), "{ack}");
    assert_eq!(dialog.local_cseq(), 7);
}

#[test]
fn a_dialog_knows_its_messages_by_call_id_and_both_tags() {
    let text = answer("to1", "", "");
    let dialog = Dialog::uac(&message(&text), "sip:b@vc.example").unwrap();
    assert!(dialog.matches(&message(&text)));
    assert!(!dialog.matches(&message(&answer("fork", "", ""))));
    let request = |from: &str, to: &str, call_id: &str| {
        format!(
            "BYE sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKb\r\n\
             From: <sip:b@vc.example>;tag={from}\r\nTo: <sip:a@192.0.2.1>;tag={to}\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        )
    };
    assert!(dialog.matches(&message(&request("to1", "from1", "call-1"))));
    assert!(!dialog.matches(&message(&request("from1", "to1", "call-1"))));
    assert!(!dialog.matches(&message(&request("to1", "from1", "call-2"))));
}

#[test]
fn a_lower_cseq_is_out_of_order_and_an_ack_is_not_ordered() {
    let mut dialog = Dialog::uas(&message(INVITE), "local1", State::Confirmed).unwrap();
    let request = |method: &str, number: u32| {
        format!(
            "{method} sip:x@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKb\r\n\
             From: <sip:a@b>;tag=from1\r\nTo: <sip:c@d>;tag=local1\r\n\
             Call-ID: call-1@192.0.2.1\r\nCSeq: {number} {method}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    assert_eq!(dialog.receive(&message(&request("OPTIONS", 9))), Ok(()));
    assert_eq!(dialog.receive(&message(&request("BYE", 8))), Err(OutOfOrder { got: 8, seen: 9 }));
    assert_eq!(dialog.receive(&message(&request("ACK", 7))), Ok(()));
    assert_eq!(dialog.receive(&message(&request("BYE", 9))), Ok(()), "the same is taken");
    assert_eq!(dialog.receive(&message(&request("BYE", 20))), Ok(()));
    assert_eq!(dialog.remote_cseq(), Some(20));
}

#[test]
fn confirming_an_early_dialog_takes_target_and_routes_from_the_2xx() {
    let early =
        answer("to1", "Record-Route: <sip:p1.example;lr>\r\n", "").replace("200 OK", "180 Ringing");
    let mut dialog = Dialog::uac(&message(&early), "sip:b@vc.example").unwrap();
    assert_eq!((dialog.state(), dialog.remote_target()), (State::Early, "sip:b@vc.example"));
    dialog.confirm(&message(&answer("to1", "", "Contact: <sip:b@203.0.113.9>\r\n")));
    assert_eq!((dialog.state(), dialog.remote_target()), (State::Confirmed, "sip:b@203.0.113.9"));
    assert_eq!(dialog.next_hop(), "sip:b@203.0.113.9");
}

#[test]
fn an_invite_without_contact_makes_no_dialog() {
    let text = INVITE.replace("Contact: <sip:pbx@192.0.2.1:5070>\r\n", "");
    let error = Dialog::uas(&message(&text), "local1", State::Early).unwrap_err();
    assert_eq!((error.name, error.problem), (Name::Contact, Problem::Missing));
}

#[test]
fn only_a_response_with_a_tag_between_101_and_299_makes_a_dialog() {
    let ok = answer("to1", "", "");
    let cases = [
        (ok.clone(), true),
        (ok.replace("200 OK", "180 Ringing"), true),
        (ok.replace("200 OK", "100 Trying"), false),
        (ok.replace("200 OK", "404 Not Found"), false),
        (ok.replace(";tag=to1", ""), false),
    ];
    for (text, makes) in cases {
        assert_eq!(makes_dialog(&message(&text)), makes, "{text}");
    }
}
