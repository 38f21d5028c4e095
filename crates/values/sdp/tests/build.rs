//! Offers and answers of our own.

use sdp::{
    Codec, Direction, Local, OriginRewrite, Refusal, Relayed, Rewrite, Rtcp, Session,
    SessionVersion, build_answer, build_offer, read_answer,
};

fn local(port: u16) -> Local<'static> {
    Local::new("192.0.2.10".parse().expect("a sound fixture"), port)
}

fn offer(local: &Local<'_>) -> String {
    let mut out = Vec::new();
    build_offer(local, &mut out);
    String::from_utf8(out).expect("a sound fixture")
}

fn answer(offer: &str, local: &Local<'_>) -> Result<(String, sdp::Agreed), Refusal> {
    let mut out = Vec::new();
    let agreed = build_answer(&Session::parse(offer.as_bytes())?, local, &mut out)?;
    Ok((String::from_utf8(out).expect("a sound fixture"), agreed))
}

#[test]
fn an_offer_reads_as_what_it_was_built_from() {
    let ours = Local {
        direction: Direction::RecvOnly,
        session: SessionVersion { id: 5, version: 6 },
        ..local(4000)
    };
    let text = offer(&ours);
    let session = Session::parse(text.as_bytes()).unwrap();
    let audio = session.audio().unwrap();
    assert_eq!((session.origin().session_id, session.origin().version), ("5", "6"));
    assert_eq!(audio.codecs.iter().collect::<Vec<_>>(), [(Codec::Pcmu, 0), (Codec::Pcma, 8)]);
    assert_eq!(audio.telephone_event, Some(101));
    assert_eq!(audio.direction, Direction::RecvOnly);
    assert_eq!(audio.ptime, Some(20));
    assert_eq!(audio.rtp, "192.0.2.10:4000".parse().ok());
}

#[test]
fn both_sides_of_an_exchange_agree() {
    let (caller, callee) = (local(4000), local(5000));
    let (text, at_callee) = answer(&offer(&caller), &callee).unwrap();
    let at_caller = read_answer(&caller, &Session::parse(text.as_bytes()).unwrap()).unwrap();
    assert_eq!((at_callee.codec, at_caller.codec), (Codec::Pcmu, Codec::Pcmu));
    assert_eq!((at_callee.payload_type, at_caller.payload_type), (0, 0));
    assert_eq!((at_callee.telephone_event, at_caller.telephone_event), (Some(101), Some(101)));
    assert_eq!(at_callee.rtp, "192.0.2.10:4000".parse().ok());
    assert_eq!(at_caller.rtp, "192.0.2.10:5000".parse().ok());
    assert_eq!(at_caller.rtcp, Rtcp::Separate("192.0.2.10:5001".parse().ok()));
}

#[test]
fn an_answer_keeps_the_offers_numbers_and_its_order_of_preference() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 18 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\n";
    let (text, agreed) = answer(text, &local(5000)).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::Pcma, 8));
    assert_eq!(agreed.telephone_event, Some(96));
    assert!(text.contains("m=audio 5000 RTP/AVP 8 96\r\n"), "{text}");
}

#[test]
fn an_answer_has_one_section_for_each_of_the_offer() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=video 4002 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0\r\nm=image 4004 udptl t38\r\n";
    let (text, _) = answer(text, &local(5000)).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines, ["m=video 0 RTP/AVP 96", "m=audio 5000 RTP/AVP 0", "m=image 0 udptl t38"]);
}

#[test]
fn a_hold_is_answered_by_listening() {
    let caller = Local { direction: Direction::SendOnly, ..local(4000) };
    let (text, agreed) = answer(&offer(&caller), &local(5000)).unwrap();
    assert_eq!(agreed.direction, Direction::RecvOnly);
    assert!(text.contains("a=recvonly\r\n"), "{text}");
    let at_caller = read_answer(&caller, &Session::parse(text.as_bytes()).unwrap()).unwrap();
    assert_eq!(at_caller.direction, Direction::SendOnly);
}

#[test]
fn codecs_that_we_do_not_take_are_not_agreed_on() {
    let mu_only = Local { codecs: &[Codec::Pcmu], ..local(4000) };
    let a_only = Local { codecs: &[Codec::Pcma], ..local(5000) };
    assert_eq!(answer(&offer(&mu_only), &a_only).unwrap_err(), Refusal::NoCommonCodec);
}

#[test]
fn an_answer_of_another_shape_is_refused() {
    let two = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n";
    let session = Session::parse(two.as_bytes()).unwrap();
    assert_eq!(read_answer(&local(4000), &session), Err(Refusal::SectionsDiffer));
}

#[test]
fn an_offer_and_its_answer_pass_through_a_relay() {
    let (caller, callee) = (local(4000), local(5000));
    let relay = |text: &str, port| {
        let mut out = Vec::new();
        Session::parse(text.as_bytes()).unwrap().rewrite(
            &Rewrite {
                address: "198.51.100.1".parse().unwrap(),
                origin: OriginRewrite::Address,
                relayed: &[Relayed::new(0, port)],
            },
            &mut out,
        );
        String::from_utf8(out).unwrap()
    };
    let (text, at_callee) = answer(&relay(&offer(&caller), 20_000), &callee).unwrap();
    let text = relay(&text, 20_002);
    let at_caller = read_answer(&caller, &Session::parse(text.as_bytes()).unwrap()).unwrap();
    assert_eq!(at_callee.rtp, "198.51.100.1:20000".parse().ok());
    assert_eq!(at_caller.rtp, "198.51.100.1:20002".parse().ok());
}
