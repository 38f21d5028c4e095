//! What a trunk makes of the audio in a description, and why it refuses one.

use sdp::{Codec, Direction, Refusal, Rtcp, Session, payload_pairs};

fn audio(lines: &str) -> Result<sdp::Audio, Refusal> {
    let text =
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}");
    Session::parse(text.as_bytes()).expect("a sound fixture").audio()
}

#[test]
fn static_payload_types_need_no_rtpmap() {
    let audio = audio("m=audio 4000 RTP/AVP 8 0 3\r\n").unwrap();
    assert_eq!(audio.codecs.iter().collect::<Vec<_>>(), [(Codec::Pcma, 8), (Codec::Pcmu, 0)]);
    assert_eq!(audio.telephone_event, None);
    assert_eq!(audio.rtp, "192.0.2.1:4000".parse().ok());
    assert_eq!(audio.rtcp, Rtcp::Separate("192.0.2.1:4001".parse().ok()));
}

#[test]
fn a_rtpmap_says_what_a_number_is_whatever_its_case() {
    let audio = audio(
        "m=audio 4000 RTP/AVP 96 97 98\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 pcmu/8000/1\r\n\
         a=rtpmap:98 Telephone-Event/8000\r\n",
    )
    .unwrap();
    assert_eq!(audio.codecs.iter().collect::<Vec<_>>(), [(Codec::Pcmu, 97)]);
    assert_eq!(audio.telephone_event, Some(98));
    assert_eq!(audio.payload_types().as_slice(), [97, 98]);
}

#[test]
fn events_of_another_clock_are_not_ours() {
    let audio = audio(
        "m=audio 4000 RTP/AVP 0 110 101\r\na=rtpmap:110 telephone-event/48000\r\n\
         a=rtpmap:101 telephone-event/8000\r\n",
    );
    assert_eq!(audio.unwrap().telephone_event, Some(101));
}

#[test]
fn a_wideband_pcmu_is_not_the_codec() {
    let refusal = audio("m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/16000\r\n");
    assert_eq!(refusal, Err(Refusal::NoCommonCodec));
}

#[test]
fn each_refusal_has_its_reason() {
    for (lines, refusal) in [
        ("", Refusal::NoAudio),
        ("m=video 4000 RTP/AVP 96\r\n", Refusal::NoAudio),
        ("m=audio 0 RTP/AVP 0\r\n", Refusal::NoAudio),
        ("m=audio 4000 RTP/AVP 18\r\n", Refusal::NoCommonCodec),
        ("m=audio 4000 RTP/SAVP 0\r\n", Refusal::NoCommonSuite),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", Refusal::Dtls),
        ("m=audio 4000 TCP/MRCPv2 0\r\n", Refusal::UnknownProtocol),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 pbx.example.com\r\n", Refusal::NoAddress),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n", Refusal::NoAddress),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 255.255.255.255\r\n", Refusal::NoAddress),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ff02::1\r\n", Refusal::NoAddress),
    ] {
        assert_eq!(audio(lines), Err(refusal), "{lines}");
        assert_eq!(refusal.status(), 488);
    }
}

#[test]
fn a_description_without_any_address_is_refused() {
    let text = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    assert_eq!(Session::parse(text).unwrap().audio(), Err(Refusal::NoAddress));
}

#[test]
fn a_malformed_body_is_a_bad_request() {
    let malformed = Session::parse(b"v=1\r\n").unwrap_err();
    assert_eq!(Refusal::from(malformed).status(), 400);
}

#[test]
fn plain_audio_beside_encrypted_audio_is_taken() {
    let audio = audio("m=audio 4000 RTP/SAVP 0\r\nm=audio 5000 RTP/AVP 0\r\n").unwrap();
    assert_eq!((audio.section, audio.rtp), (1, "192.0.2.1:5000".parse().ok()));
}

#[test]
fn every_way_to_hold_is_seen() {
    let with = |lines: &str| audio(&format!("m=audio 4000 RTP/AVP 0\r\n{lines}")).unwrap();
    assert!(!with("").is_held());
    assert!(!with("a=recvonly\r\n").is_held(), "who only listens wants to hear");
    assert!(with("a=sendonly\r\n").is_held());
    assert!(with("a=inactive\r\n").is_held());
    let old_way = with("c=IN IP4 0.0.0.0\r\n");
    assert!(old_way.is_held());
    assert_eq!(old_way.rtp, None);
    assert_eq!(old_way.direction, Direction::SendRecv);
}

#[test]
fn muxed_rtcp_is_told() {
    let audio = audio("m=audio 4000 RTP/AVP 0\r\na=rtcp-mux\r\n").unwrap();
    assert_eq!(audio.rtcp, Rtcp::Mux);
}

#[test]
fn payload_types_are_paired_by_what_they_mean() {
    let from = audio("m=audio 4 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n").unwrap();
    let to = audio(
        "m=audio 4 RTP/AVP 97 96\r\na=rtpmap:97 PCMU/8000\r\na=rtpmap:96 telephone-event/8000\r\n",
    )
    .unwrap();
    assert_eq!(payload_pairs(&from, &to).collect::<Vec<_>>(), [(0, 97), (101, 96)]);
    assert_eq!(payload_pairs(&to, &from).collect::<Vec<_>>(), [(97, 0), (96, 101)]);
}

#[test]
fn directions_reverse_and_narrow() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (one, reversed) in
        [(SendRecv, SendRecv), (SendOnly, RecvOnly), (RecvOnly, SendOnly), (Inactive, Inactive)]
    {
        assert_eq!(one.reversed(), reversed);
        assert_eq!(SendRecv.and(one), one);
        assert_eq!(Inactive.and(one), Inactive);
        assert_eq!(one.and(one), one);
    }
    assert_eq!(SendOnly.and(RecvOnly), Inactive);
}
