//! Properties that hold for every description, ours and strangers'.

use proptest::prelude::*;
use sdp::{OriginRewrite, Relayed, Rewrite, Session};

fn attribute() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a=sendonly".to_owned()),
        Just("a=rtcp:4001 IN IP4 10.0.0.5".to_owned()),
        Just("a=rtpmap:101 telephone-event/8000".to_owned()),
        Just("a=candidate:1 1 UDP 1 10.0.0.5 4000 typ host".to_owned()),
        "a=[a-z]{1,8}(:[ -~]{0,20})?",
        "b=[A-Z]{2}:[0-9]{1,4}",
    ]
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("\r\n"), Just("\n")]
}

prop_compose! {
    fn section()(
        media in prop_oneof![Just("audio"), Just("video"), Just("image")],
        port: u16,
        protocol in prop_oneof![Just("RTP/AVP"), Just("RTP/SAVP"), Just("udptl")],
        formats in proptest::collection::vec(0..128u8, 1..5),
        lines in proptest::collection::vec((attribute(), line_end()), 0..6),
        end in line_end(),
    ) -> String {
        let formats: Vec<_> = formats.iter().map(u8::to_string).collect();
        let mut text = format!("m={media} {port} {protocol} {}{end}", formats.join(" "));
        for (line, end) in lines {
            text.push_str(&line);
            text.push_str(end);
        }
        text
    }
}

prop_compose! {
    fn description()(
        sections in proptest::collection::vec(section(), 0..4),
        lines in proptest::collection::vec((attribute(), line_end()), 0..4),
        id: u64,
        end in line_end(),
    ) -> String {
        let mut text = format!("v=0{end}o=- {id} 1 IN IP4 10.0.0.5{end}s=-{end}c=IN IP4 10.0.0.5{end}t=0 0{end}");
        for (line, end) in lines {
            text.push_str(&line);
            text.push_str(end);
        }
        text.extend(sections);
        text
    }
}

fn is_address_or_media(line: &str) -> bool {
    ["o=", "c=", "m=", "a=rtcp:", "a=candidate:"].iter().any(|start| line.starts_with(start))
}

proptest! {
    #[test]
    fn lines_glued_together_are_the_body(text in description()) {
        let session = Session::parse(text.as_bytes()).expect("a sound fixture");
        let glued: Vec<u8> = session.lines().flat_map(|line| line.raw.to_vec()).collect();
        prop_assert_eq!(glued, text.as_bytes());
    }

    #[test]
    fn a_rewrite_leaves_every_other_line_as_it_was(text in description(), port in 1u16..65_000) {
        let session = Session::parse(text.as_bytes()).expect("a sound fixture");
        let relayed: Vec<_> =
            session.sections().iter().map(|section| Relayed::new(section.index, port)).collect();
        let rewrite = Rewrite {
            address: "192.0.2.1".parse().expect("a sound fixture"),
            origin: OriginRewrite::Address,
            relayed: &relayed,
        };
        let mut out = Vec::new();
        session.rewrite(&rewrite, &mut out);
        let out = String::from_utf8(out).expect("a sound fixture");

        let untouched = |text: &str| -> Vec<String> {
            text.split_inclusive('\n').filter(|line| !is_address_or_media(line)).map(str::to_owned).collect()
        };
        prop_assert_eq!(untouched(&text), untouched(&out));
        prop_assert!(!out.contains("IN IP4 10.0.0.5"), "{}", out);
        let again = Session::parse(out.as_bytes()).expect("a sound fixture");
        prop_assert_eq!(again.sections().len(), session.sections().len());
        for (before, after) in session.sections().iter().zip(again.sections()) {
            prop_assert_eq!(before.formats, after.formats);
            prop_assert_eq!(after.port, if before.port == 0 { 0 } else { port });
        }
    }

    #[test]
    fn a_second_rewrite_changes_nothing_more(text in description()) {
        let rewrite = Rewrite {
            address: "192.0.2.1".parse().expect("a sound fixture"),
            origin: OriginRewrite::Address,
            relayed: &[Relayed::new(0, 20_000)],
        };
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        Session::parse(text.as_bytes()).expect("a sound fixture").rewrite(&rewrite, &mut once);
        Session::parse(&once).expect("a sound fixture").rewrite(&rewrite, &mut twice);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn any_bytes_are_refused_or_hold_every_invariant(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        sdp::fuzzing::session(&bytes);
    }

    #[test]
    fn a_damaged_description_is_refused_or_holds_every_invariant(
        text in description(), at: prop::sample::Index, byte: u8
    ) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        sdp::fuzzing::session(&bytes);
    }
}

/// What the fuzzer has found worth keeping, and some damage to each.
#[test]
fn the_fuzz_corpus_holds_every_invariant() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../fuzz/corpus/sdp");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        sdp::fuzzing::session(&bytes);
        for cut in 0..bytes.len() {
            sdp::fuzzing::session(&bytes[..cut]);
            sdp::fuzzing::session(&[&bytes[..cut], &bytes[cut + 1..]].concat());
        }
        inputs += 1;
    }
    assert!(inputs > 0, "the corpus is there");
}
