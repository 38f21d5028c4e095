//! What hostile messages may cost: sizes and counts have limits, work grows with the bytes alone.

#![expect(
    clippy::disallowed_methods,
    reason = "this test measures its own work; no code of ours does"
)]

use std::time::{Duration, Instant};

use sip_message::{
    Fault, HEADERS_INLINE, HEADERS_MAX, MESSAGE_BYTES_MAX, Message, Name, ParseError, Uri,
    UriError, fuzzing,
};

const HEAD: &str = "OPTIONS sip:example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n\
    Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n";

fn with_headers(count: usize) -> String {
    let lines: String = (0..count).map(|n| format!("X-{n}: {n}\r\n")).collect();
    format!("{HEAD}{lines}\r\n")
}

#[test]
fn headers_beyond_the_inline_table_are_found_like_the_others() {
    for count in [HEADERS_INLINE - 5, HEADERS_INLINE - 4, HEADERS_MAX - 5] {
        let bytes = with_headers(count);
        let message = Message::parse(bytes.as_bytes()).unwrap();
        assert_eq!(message.check(), Ok(()));
        assert_eq!(message.headers().count(), count + 5);
        let last = message.headers().last().unwrap();
        assert_eq!(last.line, format!("X-{n}: {n}\r\n", n = count - 1).as_bytes());
    }
}

#[test]
fn one_header_too_many_is_refused_by_name() {
    let bytes = with_headers(HEADERS_MAX - 4);
    let refusal = Message::parse(bytes.as_bytes()).unwrap_err();
    assert_eq!(refusal, ParseError::TooManyHeaders { max: HEADERS_MAX });
}

#[test]
fn a_message_of_the_largest_size_is_read_and_one_byte_more_is_not() {
    let head = format!("{HEAD}\r\n");
    let mut bytes = head.clone().into_bytes();
    bytes.resize(MESSAGE_BYTES_MAX, b'x');
    assert_eq!(Message::parse(&bytes).unwrap().body().len(), MESSAGE_BYTES_MAX - head.len());
    bytes.push(b'x');
    let refusal = Message::parse(&bytes).unwrap_err();
    assert_eq!(refusal, ParseError::TooLarge { bytes: 65_536, max: MESSAGE_BYTES_MAX });
}

#[test]
fn a_header_name_may_have_255_bytes() {
    for (length, fault) in [(255, None), (256, Some(Fault::NameTooLong))] {
        let bytes = format!("{HEAD}{}: 1\r\n\r\n", "n".repeat(length));
        assert_eq!(Message::parse(bytes.as_bytes()).unwrap().fault(), fault, "{length}");
    }
}

#[test]
fn a_uri_has_at_most_32_parameters_and_32_headers() {
    let params = |count| (0..count).map(|n| format!(";p{n}=1")).collect::<String>();
    let headers = |count| (0..count).map(|n| format!("h{n}=1")).collect::<Vec<_>>().join("&");
    for (count, fits) in [(32, true), (33, false)] {
        let refusal = (!fits).then_some(UriError::TooManyParams);
        let with_params = format!("sip:example.com{}", params(count));
        assert_eq!(Uri::parse(&with_params).err(), refusal);
        let with_headers = format!("sip:example.com?{}", headers(count));
        assert_eq!(Uri::parse(&with_headers).err(), refusal);
    }
}

#[test]
fn nothing_but_line_ends_or_zeros_is_a_keep_alive() {
    for bytes in [&b""[..], b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0"] {
        assert_eq!(Message::parse(bytes).unwrap_err(), ParseError::KeepAlive, "{bytes:?}");
    }
}

/// Shapes that make careless parsers work quadratically, each grown to `size` bytes.
fn hostile_shapes(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let room = size - HEAD.len() - 16;
    let line = |name: &str, unit: &str| {
        let value = unit.repeat((room - name.len()) / unit.len());
        format!("{HEAD}{name}: {value}\r\n\r\n").into_bytes()
    };
    let folds = format!("{HEAD}Subject: a{}\r\n\r\n", "\r\n a".repeat(room / 4));
    let lines = |count: usize| {
        let value = "a".repeat(room / count - 8);
        format!("{HEAD}{}\r\n", format!("X-A: {value}\r\n").repeat(count)).into_bytes()
    };
    vec![
        ("commas in Via", line("Via", ",")),
        ("Vias on one line", line("Via", "SIP/2.0/UDP a,")),
        ("parameters", line("Contact", ";a=1")),
        ("semicolons after an address", line("Contact", "<sip:a@b>;")),
        ("addresses", line("Contact", "<sip:a@b>,")),
        ("unclosed brackets", line("Route", "<,")),
        ("unclosed quotes", line("Route", "\"\\\",")),
        ("escapes", line("Subject", "\\\"")),
        ("challenges", line("WWW-Authenticate", "a b,")),
        ("auth parameters", line("Authorization", "Digest a=b,")),
        ("auth commas", line("Authorization", "Digest ,,,,")),
        ("tokens", line("Require", "a,")),
        ("reasons", line("Reason", "SIP;cause=1,")),
        ("privacy", line("Privacy", "id;")),
        ("comments", line("Retry-After", "(")),
        ("URI parameters", line("Contact", "<sip:a;b;c;d;e;f;g;h>,")),
        ("folds", folds.into_bytes()),
        ("many long lines", lines(100)),
        ("no line end", vec![b'a'; size]),
        ("line ends", [b"A b SIP/2.0".to_vec(), b"\n".repeat(size - 11)].concat()),
        ("carriage returns", line("Subject", "\r")),
    ]
}

#[test]
fn work_grows_with_the_bytes_and_not_with_their_square() {
    const SMALL: usize = 2_000;
    const GROWTH: usize = 16;
    const ATTEMPTS: usize = 8;
    /// Hundreds of times what linear work takes: no need to try again.
    const HOPELESS: Duration = Duration::from_secs(20);
    let took = |name: &str, bytes: &[u8], turns: usize| {
        let start = Instant::now();
        for _ in 0..turns {
            fuzzing::message(bytes);
            fuzzing::stream(bytes);
        }
        let took = start.elapsed();
        assert!(took < HOPELESS, "{name}: {took:?} for {} bytes", bytes.len() * turns);
        took
    };
    let large = hostile_shapes(SMALL * GROWTH);
    for ((name, small), (_, large)) in hostile_shapes(SMALL).iter().zip(&large) {
        // As many bytes each time, in sixteen messages or in one. Linear work takes as long for
        // both; quadratic work sixteen times as long for the one, in every attempt. A busy machine
        // can make one attempt look like that, and not all of them.
        let is_linear = (0..ATTEMPTS).any(|_| took(name, large, 1) < took(name, small, GROWTH) * 4);
        assert!(is_linear, "{name}: one large message costs far more than sixteen small ones");
    }
}

#[test]
fn the_lookup_of_an_absent_header_is_none() {
    let bytes = with_headers(3);
    let message = Message::parse(bytes.as_bytes()).unwrap();
    assert_eq!(message.first(Name::Route), None);
    assert_eq!(message.all(Name::Route).count(), 0);
    assert_eq!(message.named("x-1").collect::<Vec<_>>(), ["1"]);
    assert_eq!(message.named("x-9").count(), 0);
}
