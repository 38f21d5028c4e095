//! What carriers and strangers send that no well-meaning one would.

use crate::peer::{Request, place, response, sdp};
use crate::world::{CARRIER, PBX, World};

#[test]
fn a_2xx_whose_dialog_cannot_be_read_is_the_routes_failure() {
    for broken in ["Contact: <sip:", "To: \"", "From: <sip:", "To: <sip:a@b"] {
        let mut world = World::new();
        let (_, left) = place(&mut world);
        let contact = format!("Contact: <sip:{CARRIER}>");
        let (name, _) = broken.split_once(':').unwrap();
        let ok = response(&left, "200 OK", "c", &[&contact], Some(&sdp("198.51.100.20", 6000)));
        let lines: Vec<&str> = ok
            .split("\r\n")
            .map(|line| if line.starts_with(&format!("{name}: ")) { broken } else { line })
            .collect();
        world.send(CARRIER, &lines.join("\r\n"));
        world.expect(PBX, "SIP/2.0 5");
        world.expect_nothing(CARRIER);
        assert_eq!(world.engine.counters().dropped["answer-without-dialog"], 1, "{broken}");
        assert_eq!(world.engine.calls_open(), 0, "{broken}");
    }
}

#[test]
fn a_2xx_whose_contact_is_no_uri_is_acknowledged_where_the_invite_went() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    let ok = response(&left, "200 OK", "c", &["Contact: <>"], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    let invited = left.lines().next().unwrap().trim_start_matches("INVITE ");
    world.expect(CARRIER, &format!("ACK {invited}\r\n"));
    world.expect(PBX, "SIP/2.0 200 ");
}

#[test]
fn requests_that_anybody_can_make_up_leave_nothing_behind() {
    let mut world = World::new();
    for n in 0..50 {
        let mut bye = Request { branch: format!("b{n}"), ..Request::plain("BYE") };
        bye.to.push_str(";tag=gone");
        let options = Request { branch: format!("o{n}"), ..Request::plain("OPTIONS") };
        for (request, answer) in [(bye, "SIP/2.0 481 "), (options, "SIP/2.0 200 ")] {
            world.send(PBX, &request.text());
            let first = world.expect(PBX, answer);
            // Nothing is kept, and yet the same request gets the same answer.
            world.send(PBX, &request.text());
            assert_eq!(world.expect(PBX, answer), first);
        }
    }
    assert_eq!(world.engine.transactions(), 0);
}
