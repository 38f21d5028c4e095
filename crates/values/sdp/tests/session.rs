//! Reading a description: what is found, and what is refused.

use sdp::{Direction, Fault, Malformed, Protocol, Session};

const OFFER: &str = "v=0\r\n\
    o=Sonus_UAC 5040 20 IN IP4 203.0.113.5\r\n\
    s=SIP Media Capabilities\r\n\
    c=IN IP4 203.0.113.6\r\n\
    t=0 0\r\n\
    a=sendonly\r\n\
    m=audio 9000 RTP/AVP 0 18 101\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:18 G729/8000/1\r\n\
    a=fmtp:18 annexb=no\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\n\
    a=ptime:20\r\n\
    a=rtcp:9001\r\n\
    m=video 0 RTP/SAVPF 96\r\n\
    c=IN IP6 2001:db8::7\r\n\
    a=inactive\r\n\
    a=rtcp-mux\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n";

fn parse(text: &str) -> Session<'_> {
    Session::parse(text.as_bytes()).expect("a sound description")
}

fn fault(text: &str) -> (u32, Fault) {
    let Malformed { line, fault } =
        Session::parse(text.as_bytes()).expect_err("a malformed description");
    (line, fault)
}

/// A sound head, then `lines`.
fn with(lines: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}")
}

#[test]
fn the_origin_is_read_field_by_field() {
    let origin = parse(OFFER).origin();
    assert_eq!(
        (origin.username, origin.session_id, origin.version, origin.address),
        ("Sonus_UAC", "5040", "20", "203.0.113.5")
    );
}

#[test]
fn a_section_is_read_field_by_field() {
    let session = parse(OFFER);
    let [audio, video] = session.sections() else { panic!("two sections") };
    assert!(audio.is_audio() && !audio.is_rejected());
    assert_eq!((audio.port, audio.protocol, audio.formats), (9000, Protocol::RtpAvp, "0 18 101"));
    assert_eq!(audio.payload_types().collect::<Vec<_>>(), [0, 18, 101]);
    assert_eq!(audio.rtpmaps().count(), 3);
    assert_eq!(audio.rtpmaps().nth(1).map(|map| (map.encoding, map.channels)), Some(("G729", 1)));
    assert_eq!(audio.fmtp(101), Some("0-15"));
    assert_eq!(audio.fmtp(0), None);
    assert_eq!(audio.ptime(), Some(20));
    assert_eq!(audio.rtp_address(), "203.0.113.6:9000".parse().ok());
    assert_eq!(audio.rtcp_address(), "203.0.113.6:9001".parse().ok());
    assert!(!audio.has_rtcp_mux());

    assert!(video.is_rejected() && !video.is_audio());
    assert_eq!(video.protocol, Protocol::RtpSavpf);
    assert_eq!(video.rtp_address(), None);
    assert!(video.has_rtcp_mux());
    assert_eq!(video.cryptos().count(), 1);
}

#[test]
fn a_direction_of_the_session_counts_where_the_section_has_none() {
    let session = parse(OFFER);
    assert_eq!(session.sections()[0].direction(), Direction::SendOnly);
    assert_eq!(session.sections()[1].direction(), Direction::Inactive);
    let silent = with("m=audio 4000 RTP/AVP 0\r\n");
    assert_eq!(parse(&silent).sections()[0].direction(), Direction::SendRecv);
}

#[test]
fn rtcp_goes_where_a_rtcp_says() {
    let rtcp = |lines: &str| {
        parse(&with(&format!("m=audio 4000 RTP/AVP 0\r\n{lines}"))).sections()[0].rtcp_address()
    };
    assert_eq!(rtcp(""), "192.0.2.1:4001".parse().ok());
    assert_eq!(rtcp("a=rtcp:5000\r\n"), "192.0.2.1:5000".parse().ok());
    assert_eq!(rtcp("a=rtcp:5000 IN IP4 192.0.2.9\r\n"), "192.0.2.9:5000".parse().ok());
    assert_eq!(rtcp("a=rtcp:5000 IN IP6 2001:db8::9\r\n"), "[2001:db8::9]:5000".parse().ok());
    assert_eq!(rtcp("a=rtcp:nonsense\r\n"), None);
    assert_eq!(rtcp("a=rtcp:0\r\n"), None);
}

#[test]
fn lines_may_end_in_lf_alone_and_the_last_may_not_end_at_all() {
    let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4 RTP/AVP 0";
    assert_eq!(parse(text).sections()[0].port, 4);
}

#[test]
fn blank_lines_are_taken_at_the_end_only() {
    assert!(Session::parse(with("m=audio 4 RTP/AVP 0\r\n\r\n\r\n").as_bytes()).is_ok());
    assert_eq!(fault(&with("\r\nm=audio 4 RTP/AVP 0\r\n")), (7, Fault::NotALine));
}

#[test]
fn each_fault_names_its_line() {
    assert_eq!(fault(""), (1, Fault::Empty));
    assert_eq!(fault("o=- 1 1 IN IP4 192.0.2.1\r\n"), (1, Fault::Version));
    assert_eq!(fault("v=1\r\n"), (1, Fault::Version));
    assert_eq!(fault("v=0\r\ns=-\r\n"), (1, Fault::OriginCount));
    assert_eq!(fault("v=0\r\no=- 1 1 IN IP4 h\r\no=- 1 1 IN IP4 h\r\n"), (3, Fault::OriginCount));
    assert_eq!(fault("v=0\r\no=- one 1 IN IP4 192.0.2.1\r\n"), (2, Fault::Origin));
    assert_eq!(fault("v=0\r\no=- 1 1 IN IP4\r\n"), (2, Fault::Origin));
    assert_eq!(fault(&with("nonsense\r\n")), (6, Fault::NotALine));
    assert_eq!(fault(&with("A=upper\r\n")), (6, Fault::NotALine));
    assert_eq!(fault(&with("a=one\ra=two\r\n")), (6, Fault::ControlByte));
    assert_eq!(fault(&with("a=nul\0\r\n")), (6, Fault::ControlByte));
    assert_eq!(fault(&with("a=end\r")), (6, Fault::ControlByte));
    assert_eq!(fault(&with("c=IN IP5 192.0.2.1\r\n")), (6, Fault::Connection));
    assert_eq!(fault(&with("c=IN IP4 192.0.2.1/x\r\n")), (6, Fault::Connection));
    for media in [
        "audio",
        "audio x RTP/AVP 0",
        "audio 70000 RTP/AVP 0",
        "audio 4 RTP/AVP",
        "audio +4 RTP/AVP 0",
    ] {
        assert_eq!(fault(&with(&format!("m={media}\r\n"))), (6, Fault::Media), "{media}");
    }
    let many = with(&"m=audio 4 RTP/AVP 0\r\n".repeat(9));
    assert_eq!(fault(&many), (14, Fault::TooManySections));
    let long = with(&format!("a={}\r\n", "x".repeat(sdp::BYTES_MAX)));
    assert_eq!(fault(&long), (1, Fault::TooLong));
}

#[test]
fn a_fault_is_a_sentence_for_the_one_who_sent_it() {
    let malformed = Session::parse(b"v=0\r\no=- 1 1 IN IP4\r\n").unwrap_err();
    assert_eq!(
        malformed.to_string(),
        "SDP line 2: expected o=<username> <id> <version> IN <IP4|IP6> <address>"
    );
}
