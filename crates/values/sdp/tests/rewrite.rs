//! What a relay changes in a description, and that it changes nothing else.

use sdp::{OriginRewrite, Relayed, Rewrite, Session};

fn rewrite(text: &str, rewrite: &Rewrite<'_>) -> String {
    let mut out = Vec::new();
    Session::parse(text.as_bytes()).expect("a sound fixture").rewrite(rewrite, &mut out);
    String::from_utf8(out).expect("a sound fixture")
}

fn relayed<'r>(sections: &'r [Relayed<'r>]) -> Rewrite<'r> {
    Rewrite {
        address: "198.51.100.1".parse().expect("a sound fixture"),
        origin: OriginRewrite::Address,
        relayed: sections,
    }
}

#[test]
fn addresses_and_ports_are_replaced_and_all_else_stays_byte_for_byte() {
    let seen = "v=0\r\no=pbx 77 2 IN IP4 10.0.0.5\r\ns=  odd  spacing \r\ni=caf\u{e9}\r\n\
        c=IN IP4 10.0.0.5\r\nb=AS:84\nt=0 0\r\na=x-vendor;keep\r\n\
        m=audio 4000/2 rtp/avp 0 101\r\na=rtcp:4001 IN IP4 10.0.0.5\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=silenceSupp:off - - - -";
    let wanted = "v=0\r\no=pbx 77 2 IN IP4 198.51.100.1\r\ns=  odd  spacing \r\ni=caf\u{e9}\r\n\
        c=IN IP4 198.51.100.1\r\nb=AS:84\nt=0 0\r\na=x-vendor;keep\r\n\
        m=audio 20000 rtp/avp 0 101\r\na=rtcp:20001 IN IP4 198.51.100.1\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=silenceSupp:off - - - -";
    assert_eq!(rewrite(seen, &relayed(&[Relayed::new(0, 20_000)])), wanted);
}

#[test]
fn an_address_of_the_other_family_changes_the_family_too() {
    let seen = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\n";
    let rewritten = rewrite(
        seen,
        &Rewrite { address: "2001:db8::1".parse().unwrap(), ..relayed(&[Relayed::new(0, 20_000)]) },
    );
    assert!(rewritten.contains("o=- 1 1 IN IP6 2001:db8::1\r\n"), "{rewritten}");
    assert!(rewritten.contains("c=IN IP6 2001:db8::1\r\n"), "{rewritten}");
}

#[test]
fn the_relay_can_be_the_origin() {
    let seen = "v=0\r\no=pbx 77 2 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\n";
    let origin = OriginRewrite::Whole { username: "trunkline", session_id: "9", version: 3 };
    let rewritten = rewrite(seen, &Rewrite { origin, ..relayed(&[Relayed::new(0, 20_000)]) });
    assert!(rewritten.contains("o=trunkline 9 3 IN IP4 198.51.100.1\r\n"), "{rewritten}");
}

#[test]
fn a_section_that_is_not_relayed_is_rejected_and_tells_no_address() {
    let seen = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.5\r\n\
        m=video 4002 RTP/AVP 96\r\nc=IN IP4 10.0.0.6\r\na=rtcp:4003 IN IP4 10.0.0.6\r\na=rtpmap:96 H264/90000\r\n";
    let rewritten = rewrite(seen, &relayed(&[Relayed::new(0, 20_000)]));
    assert!(rewritten.contains("m=audio 20000 RTP/AVP 0\r\n"), "{rewritten}");
    assert!(rewritten.contains("m=video 0 RTP/AVP 96\r\n"), "{rewritten}");
    assert!(rewritten.contains("a=rtpmap:96 H264/90000\r\n"), "{rewritten}");
    assert!(!rewritten.contains("10.0.0."), "{rewritten}");
    assert!(!rewritten.contains("a=rtcp:"), "{rewritten}");
}

#[test]
fn a_section_rejected_by_the_peer_stays_rejected() {
    let seen = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
        m=audio 0 RTP/AVP 0\r\n";
    let rewritten = rewrite(seen, &relayed(&[Relayed::new(0, 20_000)]));
    assert!(rewritten.contains("m=audio 0 RTP/AVP 0\r\n"), "{rewritten}");
}

#[test]
fn ice_and_keys_are_not_passed_on() {
    let seen = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\na=ice-lite\r\n\
        m=audio 4000 RTP/AVP 0\r\na=ice-ufrag:ZZZZ\r\na=ice-pwd:YYYY\r\n\
        a=candidate:1 1 UDP 2130706431 10.0.0.5 4000 typ host\r\na=end-of-candidates\r\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:XXXX\r\na=candidates-are-not:this\r\n";
    let rewritten = rewrite(seen, &relayed(&[Relayed::new(0, 20_000)]));
    for leaked in ["ice-", "a=candidate:", "end-of", "crypto", "10.0.0.5"] {
        assert!(!rewritten.contains(leaked), "{leaked} in {rewritten}");
    }
    assert!(rewritten.contains("a=candidates-are-not:this\r\n"), "only whole names count");
}

#[test]
fn a_misplaced_rtcp_address_above_the_sections_is_not_passed_on() {
    let seen = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
        a=rtcp:4001 IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\n";
    let rewritten = rewrite(seen, &relayed(&[Relayed::new(0, 20_000)]));
    assert!(!rewritten.contains("a=rtcp"), "{rewritten}");
}

#[test]
fn the_old_way_to_hold_stays_a_hold() {
    let seen = "v=0\r\no=- 1 2 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\n";
    let rewritten = rewrite(seen, &relayed(&[Relayed::new(0, 20_000)]));
    assert!(rewritten.contains("c=IN IP4 0.0.0.0\r\n"), "{rewritten}");
    assert!(rewritten.contains("m=audio 20000 "), "{rewritten}");
}

#[test]
fn formats_are_limited_and_put_in_order_with_their_lines() {
    let seen = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 18 8 0 101\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n\
        a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
    let section = Relayed { formats: Some(&[0, 8, 101, 13]), ..Relayed::new(0, 20_000) };
    let rewritten = rewrite(seen, &relayed(&[section]));
    assert!(rewritten.contains("m=audio 20000 RTP/AVP 0 8 101\r\n"), "{rewritten}");
    assert!(!rewritten.contains(":18 "), "{rewritten}");
    assert!(rewritten.contains("a=fmtp:101 0-15\r\n"), "{rewritten}");
}

#[test]
fn an_event_type_is_added_to_the_list_and_told_of_before_the_attributes() {
    let seen = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 18\r\na=rtpmap:18 G729/8000\r\na=sendrecv\r\n\
        m=video 0 RTP/AVP 99\r\n";
    let section =
        Relayed { formats: Some(&[0]), telephone_event: Some(96), ..Relayed::new(0, 20_000) };
    let rewritten = rewrite(seen, &relayed(&[section]));
    assert!(
        rewritten.ends_with(
            "m=audio 20000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n\
             a=sendrecv\r\nm=video 0 RTP/AVP 99\r\n"
        ),
        "{rewritten}"
    );
}
