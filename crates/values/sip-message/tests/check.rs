//! What a message's check refuses, by its cause, and what it lets pass.

use sip_message::{
    CSEQ_NUMBER_MAX, Fault, HeaderError, Message, MessageWriter, Method, Name, ParseError, Problem,
    Status, UriError, Violation,
};

const REQUEST: &str = "INVITE sip:b@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1;rport\r\n\
    From: <sip:a@example.com>;tag=1\r\n\
    To: <sip:b@example.com>\r\n\
    Call-ID: 1\r\n\
    CSeq: 1 INVITE\r\n";

fn check(head: &str) -> Result<(), Violation> {
    let bytes = format!("{head}\r\n");
    Message::parse(bytes.as_bytes()).expect("readable").check()
}

fn bad(name: Name, problem: Problem) -> Result<(), Violation> {
    Err(Violation::Header(HeaderError { name, problem }))
}

#[test]
fn a_request_of_the_mandatory_headers_alone_is_accepted() {
    assert_eq!(check(REQUEST), Ok(()));
}

#[test]
fn each_mandatory_header_is_missed_by_name() {
    for (name, spelling) in [
        (Name::Via, "Via"),
        (Name::From, "From"),
        (Name::To, "To"),
        (Name::CallId, "Call-ID"),
        (Name::CSeq, "CSeq"),
    ] {
        let without: Vec<_> = REQUEST
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with(&format!("{spelling}:")))
            .collect();
        assert_eq!(check(&without.concat()), Err(Violation::Missing(name)));
    }
}

#[test]
fn a_header_that_may_stand_once_is_refused_twice_in_any_spelling() {
    for (name, line) in [
        (Name::From, "f: <sip:a@example.com>;tag=1"),
        (Name::To, "TO: <sip:b@example.com>"),
        (Name::CallId, "i: 1"),
        (Name::CSeq, "cseq: 1 INVITE"),
        (Name::MaxForwards, "Max-Forwards: 70\r\nmax-forwards: 70"),
        (Name::ContentType, "c: application/sdp\r\nContent-Type: application/sdp"),
        (Name::SessionExpires, "x: 90\r\nSession-Expires: 90"),
    ] {
        let violation = check(&format!("{REQUEST}{line}\r\n"));
        assert_eq!(violation, Err(Violation::Repeated(name)), "{line}");
    }
}

#[test]
fn a_header_a_server_acts_on_is_refused_by_its_cause() {
    for (line, name, problem) in [
        ("Via: SIP/2.0/UDP a b", Name::Via, Problem::Trailing),
        ("Via: SIP/2.0/UDP a,", Name::Via, Problem::Protocol),
        ("Contact: ", Name::Contact, Problem::Empty),
        ("Contact: <sip:a@b>,,<sip:c@d>", Name::Contact, Problem::Empty),
        ("Contact: <sip:a b@c>", Name::Contact, Problem::Uri(UriError::Character)),
        ("Route: <sip:>", Name::Route, Problem::Uri(UriError::Host)),
        ("Record-Route: <sip:a@b", Name::RecordRoute, Problem::AngleUnbalanced),
        ("Max-Forwards: 256", Name::MaxForwards, Problem::OutOfRange),
        ("Max-Forwards: -1", Name::MaxForwards, Problem::Number),
        ("Expires: soon", Name::Expires, Problem::Number),
        ("Session-Expires: 90 s", Name::SessionExpires, Problem::Trailing),
        ("Content-Type: text", Name::ContentType, Problem::Token),
        ("Require: a b", Name::Require, Problem::Token),
        ("RAck: 1 INVITE", Name::RAck, Problem::Number),
        ("Replaces: 1;to-tag=2", Name::Replaces, Problem::Param),
        ("Refer-To: sip:a@b?x=y", Name::ReferTo, Problem::NeedsBrackets),
        ("Authorization: Digest a=b, A=c", Name::Authorization, Problem::ParamRepeated),
        ("Proxy-Authorization:", Name::ProxyAuthorization, Problem::Empty),
    ] {
        assert_eq!(check(&format!("{REQUEST}{line}\r\n")), bad(name, problem), "{line}");
    }
}

#[test]
fn headers_nobody_acts_on_may_hold_anything() {
    for line in [
        "Subject: \"unbalanced <",
        "User-Agent: \u{0}\u{7}",
        "P-Asserted-Identity: nobody",
        "Warning: 1812 overture",
        "X-Odd: ;;,,;;,;",
        "Expires: 99999999999999999999999",
        "Contact: *",
        "Authorization: Unheard ;;;",
    ] {
        assert_eq!(check(&format!("{REQUEST}{line}\r\n")), Ok(()), "{line}");
    }
}

#[test]
fn a_cseq_number_is_less_than_two_to_the_thirty_first() {
    let with = |number: u32| REQUEST.replace("CSeq: 1", &format!("CSeq: {number}"));
    assert_eq!(check(&with(CSEQ_NUMBER_MAX)), Ok(()));
    assert_eq!(check(&with(CSEQ_NUMBER_MAX + 1)), bad(Name::CSeq, Problem::OutOfRange));
}

#[test]
fn another_version_is_answered_505_before_anything_else_is_looked_at() {
    let violation = check("INVITE sip:b@example.com SIP/3.0\r\nVia: nonsense\r\n").unwrap_err();
    assert_eq!((violation, violation.status()), (Violation::Version, Status(505)));
}

#[test]
fn the_version_has_no_case() {
    assert_eq!(check(&REQUEST.replace(" SIP/2.0\r\nVia", " sip/2.0\r\nVia")), Ok(()));
}

#[test]
fn text_that_is_not_utf8_spoils_its_own_header_alone() {
    let with = |line: &[u8]| [REQUEST.as_bytes(), line, b"\r\n\r\n"].concat();
    let bytes = with(b"Subject: gr\xfc\xdfe");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.check(), Ok(()));
    assert_eq!(message.first(Name::Subject), Some(""));
    let line = message.lines(Name::Subject).next();
    assert_eq!(line, Some(&b"Subject: gr\xfc\xdfe\r\n"[..]), "kept byte for byte");

    let bytes = with(b"Contact: \"J\xf6rg\" <sip:j@example.com>");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.check(), bad(Name::Contact, Problem::NotUtf8));
    assert_eq!(message.from().unwrap().tag(), Some("1"), "the others are read as ever");
}

#[test]
fn a_response_is_judged_by_its_mandatory_headers_alone() {
    let response = REQUEST.replace("INVITE sip:b@example.com SIP/2.0", "SIP/2.0 486 Busy");
    assert_eq!(check(&format!("{response}Contact: nonsense\r\nDate: today\r\n")), Ok(()));
    assert_eq!(check(&format!("{response}To: <sip:c@d>\r\n")), Err(Violation::Repeated(Name::To)));
    let broken = response.replace("<sip:a@example.com>", "<sip:a@example.com");
    assert_eq!(check(&broken), bad(Name::From, Problem::AngleUnbalanced));
}

#[test]
fn a_response_without_reason_phrase_or_the_space_before_it_is_read() {
    for line in ["SIP/2.0 486", "SIP/2.0 486 ", "sip/2.0 486 Busy  Here"] {
        let head = REQUEST.replace("INVITE sip:b@example.com SIP/2.0", line);
        assert_eq!(check(&head), Ok(()), "{line:?}");
    }
}

#[test]
fn a_first_line_that_is_neither_kind_is_no_message() {
    for (line, error) in [
        ("GET / HTTP/1.1", ParseError::StartLine),
        ("INVITE", ParseError::StartLine),
        ("INVITE sip:b@example.com", ParseError::StartLine),
        (" INVITE sip:b@example.com SIP/2.0", ParseError::StartLine),
        ("SIP/2.0", ParseError::StatusCode),
        ("SIP/2.0 99 Low", ParseError::StatusCode),
        ("SIP/2.0 700 High", ParseError::StatusCode),
        ("SIP/2.0 2000 Long", ParseError::StatusCode),
        ("SIP/2.0 +20 Signed", ParseError::StatusCode),
        ("SIP/3.0 200 OK", ParseError::ResponseVersion),
    ] {
        let bytes = format!("{line}\r\n\r\n");
        assert_eq!(Message::parse(bytes.as_bytes()).err(), Some(error), "{line:?}");
    }
}

#[test]
fn defects_of_lines_are_named_and_leave_the_rest_readable() {
    for (head, fault) in [
        (REQUEST.replace("\r\n", "\n"), Fault::LineEnding),
        (REQUEST.replace("Call-ID: 1", "Call-ID: 1\rX: 2"), Fault::LineEnding),
        (REQUEST.replace(" SIP/2.0\r\nVia", "\r SIP/2.0\r\nVia"), Fault::LineEnding),
        (format!("{REQUEST}Foobar roobar\r\n"), Fault::HeaderLine),
        (format!("{REQUEST}: empty\r\n"), Fault::HeaderLine),
        (REQUEST.replace("INVITE sip", "IN(VITE sip"), Fault::Method),
    ] {
        let bytes = format!("{head}\r\n");
        let message = Message::parse(bytes.as_bytes()).unwrap();
        assert_eq!(message.check(), Err(Violation::Fault(fault)), "{head:?}");
        assert!(message.can_be_answered(), "{head:?}");
        assert_eq!(message.cseq().unwrap().method, Method::Invite);
    }
}

#[test]
fn an_ack_is_never_answered() {
    let head = REQUEST.replace("INVITE", "ACK");
    let bytes = format!("{head}\r\n");
    assert!(!Message::parse(bytes.as_bytes()).unwrap().can_be_answered());
}

#[test]
fn extensions_required_of_ack_and_cancel_do_not_count() {
    let with = |method: &str| {
        let bytes = format!("{}Require: x\r\n\r\n", REQUEST.replace("INVITE", method));
        Message::parse(bytes.as_bytes()).unwrap().check_support(&[])
    };
    assert_eq!(with("INVITE"), Err(Violation::Extension));
    assert_eq!(with("ACK"), Ok(()));
    assert_eq!(with("CANCEL"), Ok(()));
}

#[test]
fn an_answer_carries_the_stamp_the_tag_and_the_violations_phrase() {
    let bytes = format!("{REQUEST}Max-Forwards: many\r\n\r\n");
    let request = Message::parse(bytes.as_bytes()).unwrap();
    let violation = request.check().unwrap_err();
    let source = "198.51.100.7:40000".parse().unwrap();
    let mut buffer = Vec::new();
    let status = violation.status();
    MessageWriter::response_to(&mut buffer, &request, status, violation, source, "t4g").finish();
    assert_eq!(
        String::from_utf8(buffer).unwrap(),
        "SIP/2.0 400 Bad Max-Forwards: Number Expected\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1;rport=40000;received=198.51.100.7\r\n\
         From: <sip:a@example.com>;tag=1\r\n\
         To: <sip:b@example.com>;tag=t4g\r\n\
         Call-ID: 1\r\n\
         CSeq: 1 INVITE\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(request.response_target(source), Ok(source), "rport is where it came from");
}
