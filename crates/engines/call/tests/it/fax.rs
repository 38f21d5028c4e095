//! A call that becomes a fax: T.38 by re-INVITE (ITU-T T.38 Annex D), and back.

use media::DropReason;

use crate::peer::{ack, body, response, sdp, talk, within};
use crate::world::{CARRIER, PBX, World};

const CONTACT: &str = "Contact: <sip:198.51.100.20:5060>";

/// A fax in the place of the audio, as gateways offer it.
fn fax(address: &str, port: u16) -> String {
    format!(
        "v=0\r\no=- 1 2 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio 0 RTP/AVP 0\r\nm=image {port} udptl t38\r\na=T38FaxVersion:0\r\n\
         a=T38MaxBitRate:14400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
    )
}

fn packet(world: &mut World, port: u16, from: &str, bytes: &[u8]) -> Result<String, DropReason> {
    let mut buffer = [0; 64];
    buffer[..bytes.len()].copy_from_slice(bytes);
    let now = world.now().instant;
    let len = bytes.len();
    let sent = world.relay.handle_in(now, port, from.parse().unwrap(), &mut buffer, len)?;
    assert_eq!(&buffer[..sent.len], bytes, "not a bit is changed");
    Ok(sent.to.to_string())
}

#[test]
fn a_fax_is_handed_on_and_relayed_as_it_is_and_the_call_may_become_audio_again() {
    let mut world = World::new();
    let call = talk(&mut world);
    let to_fax = within(&call.invite, &call.answer, "INVITE", 5).body(&fax("192.0.2.10", 4100));
    world.send(PBX, &to_fax.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert!(body(&left).contains("m=audio 0 RTP/AVP 0\r\nm=image 20002 udptl t38\r\n"), "{left}");
    assert!(body(&left).contains("a=T38FaxUdpEC:t38UDPRedundancy\r\n"), "{left}");
    assert!(!body(&left).contains("192.0.2.10"), "{left}");
    let answer = fax("198.51.100.20", 6100);
    world.send(CARRIER, &response(&left, "200 OK", "", &[CONTACT], Some(&answer)));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert!(body(&answer).contains("m=image 20000 udptl t38\r\n"), "{answer}");
    world.send(PBX, &ack(&to_fax, &answer).text());

    // A UDPTL packet whose number looks like RTCP, and one too short for RTP.
    for bytes in [&[0x80, 0xc8, 1, 6][..], &[0, 1, 0]] {
        let sent = packet(&mut world, 20_000, "192.0.2.10:4100", bytes);
        assert_eq!(sent.as_deref(), Ok("198.51.100.20:6100"));
        let sent = packet(&mut world, 20_002, "198.51.100.20:6100", bytes);
        assert_eq!(sent.as_deref(), Ok("192.0.2.10:4100"));
    }
    let stranger = packet(&mut world, 20_000, "233.252.0.9:4100", &[0, 1, 0]);
    assert_eq!(stranger, Err(DropReason::ForeignSource));

    let back = within(&call.invite, &call.answer, "INVITE", 6).body(&sdp("192.0.2.10", 4000));
    world.send(PBX, &back.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let answer = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&left, "200 OK", "", &[CONTACT], Some(&answer)));
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&back, &answer).text());
    let rtp = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let sent = packet(&mut world, 20_000, "192.0.2.10:4000", &rtp);
    assert_eq!(sent.as_deref(), Ok("198.51.100.20:6000"));
}

#[test]
fn a_fax_that_the_other_side_refuses_leaves_the_call_as_it_was() {
    let mut world = World::new();
    let call = talk(&mut world);
    let to_fax = within(&call.invite, &call.answer, "INVITE", 5).body(&fax("192.0.2.10", 4100));
    world.send(PBX, &to_fax.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "488 Not Acceptable Here", "", &[], None));
    world.expect(CARRIER, "ACK ");
    world.expect(PBX, "SIP/2.0 488 ");
    let rtp = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let sent = packet(&mut world, 20_000, "192.0.2.10:4000", &rtp);
    assert_eq!(sent.as_deref(), Ok("198.51.100.20:6000"));
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_call_cannot_begin_as_a_fax() {
    let mut world = World::without_users();
    let invite = crate::peer::Request::invite().body(&fax("192.0.2.10", 4100));
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 488 ");
    assert_eq!(world.only_record().reason, "sdp-no-audio");
}
