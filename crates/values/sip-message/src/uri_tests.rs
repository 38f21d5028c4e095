use super::*;
use proptest::prelude::*;

/// Pieces that the two readers could differ about, in any order.
fn written() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("sip:"),
        Just("sips:"),
        Just("SIP:"),
        Just("alice"),
        Just("+1206"),
        Just("@"),
        Just(":"),
        Just("5060"),
        Just("99999"),
        Just(";"),
        Just("lr"),
        Just("transport=tcp"),
        Just("="),
        Just("?"),
        Just("&"),
        Just("%41"),
        Just("%4"),
        Just("."),
        Just("-"),
        Just("example"),
        Just("192.0.2.1"),
        Just("[2001:db8::1]"),
        Just("_"),
        Just("/"),
        Just(" "),
        Just("é"),
        Just("<"),
    ];
    proptest::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_the_short_walk_reads_the_full_grammar_reads_alike(
        scheme in prop_oneof![Just("sip:"), Just("sips:"), Just("")],
        tail in written(),
    ) {
        let text = format!("{scheme}{tail}");
        if let Some(uri) = parse_plain(&text) {
            prop_assert_eq!(Ok(uri), parse_full(&text));
        }
    }
}

#[test]
fn a_label_neither_begins_nor_ends_with_a_hyphen_and_is_never_empty() {
    for text in ["a-b.c_d", "a.", "4a", "1.a", "x1.2y", "_sip._udp.example"] {
        assert_eq!(Host::parse(text), Some(Host::Name(text)), "{text}");
    }
    for text in ["", ".", "a..b", ".a", "-a", "a-", "a-.b", "a.-b", "a b", "a.1", "1.2.3.4."] {
        assert_eq!(Host::parse(text), None, "{text}");
    }
}

#[test]
fn four_numbers_are_an_address_and_anything_near_it_is_no_host() {
    assert_eq!(Host::parse("192.0.2.1"), Some(Host::V4(Ipv4Addr::new(192, 0, 2, 1))));
    assert_eq!(Host::parse("255.255.255.255"), Some(Host::V4(Ipv4Addr::BROADCAST)));
    assert_eq!(Host::parse("0.0.0.0"), Some(Host::V4(Ipv4Addr::UNSPECIFIED)));
    for text in ["256.0.2.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.00", "1.2..4", "1.2.3.4444"]
    {
        assert_eq!(Host::parse(text), None, "{text}");
        assert_eq!(text.parse::<Ipv4Addr>().ok(), None, "{text}");
    }
}
