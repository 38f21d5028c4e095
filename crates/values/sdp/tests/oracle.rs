//! Another parser of SDP reads what we print, and sees in offers what we see.

use sdp::{Local, OriginRewrite, Relayed, Rewrite, Session, build_answer, build_offer};

/// Offers as common user agents send them, with made-up addresses.
const OFFERS: [&str; 3] = [
    "v=0\r\no=- 1447 1447 IN IP4 10.1.2.3\r\ns=Asterisk\r\nc=IN IP4 10.1.2.3\r\nt=0 0\r\n\
     m=audio 17284 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
     a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n",
    "v=0\r\no=FreeSWITCH 1700 1701 IN IP6 2001:db8::5\r\ns=FreeSWITCH\r\nc=IN IP6 2001:db8::5\r\nt=0 0\r\n\
     m=audio 31000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=rtcp:31001 IN IP6 2001:db8::5\r\n",
    "v=0\r\no=linphone 11 22 IN IP4 192.168.1.7\r\ns=Talk\r\nc=IN IP4 192.168.1.7\r\nb=AS:380\r\nt=0 0\r\n\
     a=rtcp-xr:rcvr-rtt=all:10000\r\nm=audio 7078 RTP/AVPF 96 0 97\r\na=rtpmap:96 opus/48000/2\r\n\
     a=rtpmap:97 telephone-event/8000\r\na=rtcp-fb:* trr-int 1000\r\nm=video 9078 RTP/AVPF 98\r\na=rtpmap:98 VP8/90000\r\n",
];

fn oracle(bytes: &[u8]) -> sdp_types::Session {
    sdp_types::Session::parse(bytes).unwrap_or_else(|error| {
        panic!("{error} in {}", String::from_utf8_lossy(bytes));
    })
}

#[test]
fn both_parsers_see_the_same_sections() {
    for text in OFFERS {
        let ours = Session::parse(text.as_bytes()).unwrap();
        let theirs = oracle(text.as_bytes());
        assert_eq!(ours.origin().session_id, theirs.origin.sess_id);
        assert_eq!(ours.sections().len(), theirs.medias.len());
        for (our, their) in ours.sections().iter().zip(&theirs.medias) {
            assert_eq!(
                (our.media, our.port, our.formats),
                (&*their.media, their.port, &*their.fmt)
            );
            assert_eq!(our.protocol.to_string(), their.proto);
            let rtpmaps = their.attributes.iter().filter(|it| it.attribute == "rtpmap").count();
            assert_eq!(our.rtpmaps().count(), rtpmaps);
        }
    }
}

#[test]
fn the_other_parser_reads_what_we_rewrite() {
    for text in OFFERS {
        let session = Session::parse(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        session.rewrite(
            &Rewrite {
                address: "198.51.100.1".parse().unwrap(),
                origin: OriginRewrite::Whole { username: "-", session_id: "1", version: 2 },
                relayed: &[Relayed { formats: Some(&[0, 8, 97, 101]), ..Relayed::new(0, 20_000) }],
            },
            &mut out,
        );
        let theirs = oracle(&out);
        assert_eq!(theirs.medias[0].port, 20_000);
        assert!(theirs.medias[1..].iter().all(|media| media.port == 0));
        assert_eq!(theirs.connection.unwrap().connection_address, "198.51.100.1");
        assert_eq!(theirs.origin.unicast_address, "198.51.100.1");
    }
}

#[test]
fn the_other_parser_reads_what_we_build() {
    let local = Local::new("2001:db8::10".parse().unwrap(), 4000);
    let mut offer = Vec::new();
    build_offer(&local, &mut offer);
    assert_eq!(oracle(&offer).medias[0].fmt, "0 8 101");
    for text in OFFERS {
        let mut answer = Vec::new();
        build_answer(&Session::parse(text.as_bytes()).unwrap(), &local, &mut answer).unwrap();
        assert_eq!(oracle(&answer).medias.len(), oracle(text.as_bytes()).medias.len());
    }
}
