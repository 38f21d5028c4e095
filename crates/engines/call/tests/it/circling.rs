//! A PBX that sends a call back to the number that it came by, as a new call each time.

use crate::inward;
use crate::peer::{Request, response};
use crate::world::{OWNED, PBX, World, host};

const OTHER: &str = "+12065550177";

fn world() -> World {
    let mut world = inward::world_with(|config| config.laps_max = 3);
    world.own(OTHER);
    world
}

/// The PBX calls a number that rings at itself.
fn lap(at: usize, caller: &str) -> Request {
    Request {
        uri: format!("sip:{OWNED}@{}", host()),
        to: format!("<sip:{OWNED}@{}>", host()),
        from: format!("<sip:{caller}@{PBX}>;tag=lap{at}"),
        call_id: format!("lap{at}"),
        branch: format!("lap{at}"),
        ..Request::invite()
    }
}

fn place(world: &mut World, lap: &Request) -> String {
    world.forget_sent();
    world.send(PBX, &lap.text());
    let at = world.sent.iter().position(|it| !it.text.starts_with("SIP/2.0 100 "));
    world.sent.remove(at.expect("an INVITE or a refusal leaves")).unwrap().text
}

#[test]
fn a_call_that_a_pbx_sends_back_again_and_again_is_refused_after_some_laps() {
    let mut world = world();
    let mut left = Vec::new();
    for at in 0..3 {
        left.push(place(&mut world, &lap(at, OTHER)));
        assert!(left[at].starts_with("INVITE "), "lap {at}: {}", left[at]);
    }
    let refused = place(&mut world, &lap(3, OTHER));
    assert!(refused.starts_with("SIP/2.0 482 Loop Detected"), "{refused}");
    let record = world.only_record();
    assert_eq!((&*record.reason, record.sip_status), ("loop-through-pbx", Some(482)));
    let row = record.decisions.last().unwrap();
    assert!(row.seen.contains("3 calls of this connector to its own number"), "{row:?}");
    assert!(row.remedy.contains("extension"), "{row:?}");

    // Another caller is no lap of it, and an answered call is none either.
    assert!(place(&mut world, &lap(4, OWNED)).starts_with("INVITE "));
    world.send(
        PBX,
        &response(&left[0], "200 OK", "b", &[], Some(&crate::peer::sdp("192.0.2.10", 5000))),
    );
    assert!(place(&mut world, &lap(5, OTHER)).starts_with("INVITE "));
}
