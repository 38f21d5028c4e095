//! The torture tests of RFC 4475 and RFC 5118: each message sorted as its section says.
//!
//! A message is accepted if it parses and passes its check. A refused request names the status it
//! is answered with, the code that is counted and the reason phrase; a refused response, and a
//! request that cannot be answered, is dropped with its code.

use std::collections::BTreeSet;

use sip_message::{Host, Message, Method, Name, Rport, Scheme, Status, Uri, Values, Violation};

struct Case {
    file: &'static str,
    cites: &'static str,
    expect: Expect,
}

enum Expect {
    Accept,
    /// Answered: status, code, reason phrase.
    Refuse(u16, &'static str, &'static str),
    /// Nobody to answer: code.
    Drop(&'static str),
}
use Expect::{Accept, Drop, Refuse};

const fn case(file: &'static str, cites: &'static str, expect: Expect) -> Case {
    Case { file, cites, expect }
}

#[rustfmt::skip]
const RFC_4475: &[Case] = &[
    // Valid messages.
    case("wsinv",      "RFC 4475 §3.1.1.1",  Accept),
    case("intmeth",    "RFC 4475 §3.1.1.2",  Accept),
    case("esc01",      "RFC 4475 §3.1.1.3",  Accept),
    case("escnull",    "RFC 4475 §3.1.1.4",  Accept),
    case("esc02",      "RFC 4475 §3.1.1.5",  Accept),
    case("lwsdisp",    "RFC 4475 §3.1.1.6",  Accept),
    case("longreq",    "RFC 4475 §3.1.1.7",  Accept),
    case("dblreq",     "RFC 4475 §3.1.1.8",  Accept),
    case("semiuri",    "RFC 4475 §3.1.1.9",  Accept),
    case("transports", "RFC 4475 §3.1.1.10", Accept),
    case("mpart01",    "RFC 4475 §3.1.1.11", Accept),
    case("unreason",   "RFC 4475 §3.1.1.12", Accept),
    case("noreason",   "RFC 4475 §3.1.1.13", Accept),
    // Invalid messages.
    case("badinv01",   "RFC 4475 §3.1.2.1",  Drop("header-malformed")),
    case("clerr",      "RFC 4475 §3.1.2.2",  Refuse(400, "body-truncated", "Body Shorter Than Content-Length")),
    case("ncl",        "RFC 4475 §3.1.2.3",  Refuse(400, "content-length-malformed", "Bad Content-Length")),
    case("scalar02",   "RFC 4475 §3.1.2.4",  Refuse(400, "header-malformed", "Bad CSeq: Number Out Of Range")),
    case("scalarlg",   "RFC 4475 §3.1.2.5",  Drop("header-malformed")),
    case("quotbal",    "RFC 4475 §3.1.2.6",  Refuse(400, "header-malformed", "Bad To: Unbalanced Quote")),
    case("ltgtruri",   "RFC 4475 §3.1.2.7",  Refuse(400, "request-uri-malformed", "Bad Request-URI: No URI Scheme")),
    case("lwsruri",    "RFC 4475 §3.1.2.8",  Refuse(400, "request-uri-malformed", "Bad Request-URI: Character Not Allowed In URI")),
    case("lwsstart",   "RFC 4475 §3.1.2.9",  Refuse(400, "start-line-blanks", "Extra Blanks In Request Line")),
    case("trws",       "RFC 4475 §3.1.2.10", Refuse(400, "start-line-blanks", "Extra Blanks In Request Line")),
    case("escruri",    "RFC 4475 §3.1.2.11", Refuse(400, "request-uri-malformed", "Bad Request-URI: Headers In Request-URI")),
    case("baddate",    "RFC 4475 §3.1.2.12", Refuse(400, "header-malformed", "Bad Date: Not A Date In GMT")),
    case("regbadct",   "RFC 4475 §3.1.2.13", Refuse(400, "header-malformed", "Bad Contact: URI Needs Angle Brackets")),
    case("badaspec",   "RFC 4475 §3.1.2.14", Refuse(400, "header-malformed", "Bad To: Character Not Allowed In URI")),
    case("baddn",      "RFC 4475 §3.1.2.15", Refuse(400, "head-unterminated", "No Empty Line After Headers")),
    case("badvers",    "RFC 4475 §3.1.2.16", Refuse(505, "version-unsupported", "Version Not Supported")),
    case("mismatch01", "RFC 4475 §3.1.2.17", Refuse(400, "cseq-method-mismatch", "CSeq Method Does Not Match")),
    case("mismatch02", "RFC 4475 §3.1.2.18", Refuse(400, "cseq-method-mismatch", "CSeq Method Does Not Match")),
    case("bigcode",    "RFC 4475 §3.1.2.19", Drop("status-code-out-of-range")),
    // Transaction layer semantics.
    case("badbranch",  "RFC 4475 §3.2.1",    Accept),
    // Application layer semantics.
    case("insuf",      "RFC 4475 §3.3.1",    Drop("header-missing")),
    case("unkscm",     "RFC 4475 §3.3.2",    Accept),
    case("novelsc",    "RFC 4475 §3.3.3",    Accept),
    case("unksm2",     "RFC 4475 §3.3.4",    Accept),
    case("bext01",     "RFC 4475 §3.3.5",    Accept),
    case("invut",      "RFC 4475 §3.3.6",    Accept),
    case("regaut01",   "RFC 4475 §3.3.7",    Accept),
    case("multi01",    "RFC 4475 §3.3.8",    Refuse(400, "header-repeated", "Repeated CSeq Header")),
    case("mcl01",      "RFC 4475 §3.3.9",    Refuse(400, "content-length-repeated", "Repeated Content-Length")),
    case("bcast",      "RFC 4475 §3.3.10",   Accept),
    case("zeromf",     "RFC 4475 §3.3.11",   Accept),
    case("cparam01",   "RFC 4475 §3.3.12",   Accept),
    case("cparam02",   "RFC 4475 §3.3.13",   Accept),
    case("regescrt",   "RFC 4475 §3.3.14",   Accept),
    case("sdp01",      "RFC 4475 §3.3.15",   Accept),
    // Backward compatibility.
    case("inv2543",    "RFC 4475 §3.4.1",    Accept),
];

#[rustfmt::skip]
const RFC_5118: &[Case] = &[
    case("ipv6-good",                  "RFC 5118 §4.1",  Accept),
    case("ipv6-bad",                   "RFC 5118 §4.2",  Refuse(400, "request-uri-malformed", "Bad Request-URI: Bad Host In URI")),
    case("port-ambiguous",             "RFC 5118 §4.3",  Accept),
    case("port-unambiguous",           "RFC 5118 §4.4",  Accept),
    case("via-received-with-delim",    "RFC 5118 §4.5",  Accept),
    case("via-received-no-delim",      "RFC 5118 §4.5",  Accept),
    case("ipv6-in-sdp",                "RFC 5118 §4.6",  Accept),
    case("mult-ip-in-header",          "RFC 5118 §4.7",  Accept),
    case("mult-ip-in-sdp",             "RFC 5118 §4.8",  Accept),
    case("ipv4-mapped-ipv6",           "RFC 5118 §4.9",  Accept),
    case("ipv6-bug-abnf-3-colons",     "RFC 5118 §4.10", Refuse(400, "header-malformed", "Bad To: Bad Host In URI")),
    case("ipv6-correct-abnf-2-colons", "RFC 5118 §4.10", Accept),
];

fn corpus(rfc: &str) -> String {
    format!("{}/tests/{rfc}", env!("CARGO_MANIFEST_DIR"))
}

fn wire(rfc: &str, file: &str) -> Vec<u8> {
    let path = format!("{}/{file}.dat", corpus(rfc));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What becomes of a message, in the words of the tables.
fn outcome(bytes: &[u8]) -> Expect {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(error) => return Drop(error.code()),
    };
    match message.check() {
        Ok(()) => Accept,
        Err(violation) if message.can_be_answered() => {
            let phrase = Box::leak(violation.to_string().into_boxed_str());
            Refuse(violation.status().0, violation.code(), phrase)
        }
        Err(violation) => Drop(violation.code()),
    }
}

fn describe(expect: &Expect) -> String {
    match expect {
        Accept => "accept".to_owned(),
        Refuse(status, code, phrase) => format!("refuse: {status} {phrase} [{code}]"),
        Drop(code) => format!("drop [{code}]"),
    }
}

/// Runs a table and tells of every row that is wrong, not only the first.
fn run(rfc: &str, cases: &[Case]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let (got, wanted) = (outcome(&wire(rfc, case.file)), &case.expect);
            let (got, wanted) = (describe(&got), describe(wanted));
            (got != wanted).then(|| format!("{} ({}): {wanted}, got {got}", case.file, case.cites))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let listed: BTreeSet<_> = cases.iter().map(|case| format!("{}.dat", case.file)).collect();
    let present: BTreeSet<_> = std::fs::read_dir(corpus(rfc))
        .expect("the corpus is part of the crate")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("ASCII"))
        .collect();
    assert_eq!(listed, present, "every message has its row");
}

#[test]
fn every_message_of_rfc_4475_is_sorted_as_its_section_says() {
    run("rfc4475", RFC_4475);
    let accepted = RFC_4475.iter().filter(|case| matches!(case.expect, Accept)).count();
    assert_eq!((RFC_4475.len(), accepted), (49, 27));
}

#[test]
fn every_message_of_rfc_5118_is_sorted_as_its_section_says() {
    run("rfc5118", RFC_5118);
}

#[test]
fn wsinv_reads_through_folds_compact_names_and_several_values_per_line() {
    let bytes = wire("rfc4475", "wsinv");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.to().unwrap().tag(), Some("1918181833n"));
    let from = message.from().unwrap();
    assert_eq!(from.display_name().as_deref(), Some("J Rosenberg \\\""));
    assert_eq!((from.uri, from.tag()), ("sip:jdrosen@example.com", Some("98asjd8")));
    assert_eq!(message.max_forwards(), Ok(Some(68)));
    assert_eq!(message.cseq().unwrap().number, 9);
    let vias: Vec<_> = message.vias().map(Result::unwrap).collect();
    let read: Vec<_> = vias.iter().map(|via| (via.transport, via.branch.unwrap())).collect();
    assert_eq!(read, [("UDP", "390skdjuw"), ("TCP", "z9hG4bK9ikj8"), ("UDP", "z9hG4bK30239")]);
    assert_eq!(vias[1].host, Host::Name("spindle.example.com"));
    assert_eq!(message.first(Name::Subject), Some(""));
    assert_eq!(
        message.named("newfangledheader").next(),
        Some("newfangled value\r\n continued newfangled value")
    );
    let contact = message.contact().unwrap().unwrap();
    assert_eq!(contact.display_name().as_deref(), Some("Quoted string \"\""));
    assert_eq!(contact.params.get("newparam"), Some("newvalue"));
    assert!(contact.params.contains("secondparam"));
    assert_eq!(contact.params.get("q"), Some("0.33"));
    let route = message.routes().next().unwrap().unwrap().parsed_uri().unwrap();
    assert!(route.is_loose_route());
    assert_eq!(route.params.get("unknownwith"), Some("value"));
    assert_eq!(message.body().len(), 150);
}

#[test]
fn intmeth_keeps_every_odd_character() {
    let bytes = wire("rfc4475", "intmeth");
    let message = Message::parse(&bytes).unwrap();
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(message.method(), Some(Method::Other(method)));
    assert_eq!(message.cseq().unwrap().method, Method::Other(method));
    let uri = message.request_uri().unwrap().unwrap();
    assert_eq!(uri.user, Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(uri.password, Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(
        message.to().unwrap().display_name().as_deref(),
        Some("BEL:\u{7} NUL:\0 DEL:\u{7f}")
    );
    let from = message.from().unwrap();
    assert_eq!(from.display, Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(message.named("extensionHeader-!.%*+_`'~").next(), Some("\u{feff}大停電"));
}

#[test]
fn escapes_are_kept_as_written_and_read_on_demand() {
    let bytes = wire("rfc4475", "esc01");
    let message = Message::parse(&bytes).unwrap();
    let uri = message.request_uri().unwrap().unwrap();
    assert_eq!(uri.user_unescaped().as_deref(), Some("sips:user@example.com"));
    assert_eq!(uri.host, Host::Name("example.net"));
    let to = message.to().unwrap().parsed_uri().unwrap();
    assert!(to.matches(&Uri::parse("sip:user@example.com").unwrap()));
    let from = message.from().unwrap().parsed_uri().unwrap();
    assert_eq!(from.user_unescaped().as_deref(), Some("I have spaces"));

    let bytes = wire("rfc4475", "escnull");
    let message = Message::parse(&bytes).unwrap();
    let users: Vec<_> = message
        .contacts()
        .map(|contact| contact.unwrap().parsed_uri().unwrap().user_unescaped().unwrap())
        .collect();
    assert_eq!(users, ["\0", "\0\0"]);
}

#[test]
fn names_and_methods_are_never_unescaped() {
    let bytes = wire("rfc4475", "esc02");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.method(), Some(Method::Other("RE%47IST%45R")));
    assert_eq!(message.contacts().count(), 2, "C%6Fntact is an extension, not Contact");
    assert_eq!(message.to().unwrap().display_name().as_deref(), Some("%Z%45"));
}

#[test]
fn bytes_after_the_announced_body_are_ignored() {
    let bytes = wire("rfc4475", "dblreq");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.method(), Some(Method::Register));
    assert_eq!(message.body(), b"");
    assert!(bytes[message.bytes().len()..].starts_with(b"\r\nINVITE sip:joe@example.com"));
}

#[test]
fn a_user_part_may_look_like_parameters() {
    let bytes = wire("rfc4475", "semiuri");
    let uri = Message::parse(&bytes).unwrap().request_uri().unwrap().unwrap();
    assert_eq!(uri.user_unescaped().as_deref(), Some("user;par=u@example.net"));
    assert_eq!(uri.host, Host::Name("example.com"));
    assert!(uri.params.is_empty());
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.accept().count(), 6, "a folded line of media types");
}

#[test]
fn every_transport_word_is_read_known_or_not() {
    let bytes = wire("rfc4475", "transports");
    let message = Message::parse(&bytes).unwrap();
    let words: Vec<_> = message.vias().map(|via| via.unwrap().transport).collect();
    assert_eq!(words, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn a_binary_body_is_carried_untouched() {
    let bytes = wire("rfc4475", "mpart01");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.body().len(), 553);
    assert!(message.body().ends_with(b"--7a9cbec02ceef655--\r\n"));
    let media_type = message.content_type().unwrap().unwrap();
    assert!(media_type.is("multipart", "mixed"));
    assert_eq!(media_type.params.get("boundary"), Some("7a9cbec02ceef655"));
    assert_eq!(message.via().unwrap().rport, Rport::Requested);
}

#[test]
fn a_reason_phrase_may_be_unusual_or_empty() {
    let bytes = wire("rfc4475", "unreason");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.status(), Some(Status::OK));
    let sip_message::StartLine::Response(line) = message.start() else { panic!("a response") };
    assert!(line.reason.starts_with("= 2**3 * 5**2 но сто девяносто девять"));

    let bytes = wire("rfc4475", "noreason");
    let message = Message::parse(&bytes).unwrap();
    let sip_message::StartLine::Response(line) = message.start() else { panic!("a response") };
    assert_eq!((line.status, line.reason), (Status::TRYING, ""));
}

#[test]
fn a_branch_of_nothing_but_the_cookie_is_not_unique() {
    let bytes = wire("rfc4475", "badbranch");
    let via = Message::parse(&bytes).unwrap().via().unwrap();
    assert_eq!(via.branch, Some("z9hG4bK"));
    assert!(!via.has_unique_branch());
}

#[test]
fn foreign_schemes_are_messages_and_no_business_of_ours() {
    for (file, scheme) in [("unkscm", "nobodyKnowsThisScheme"), ("novelsc", "soap.beep")] {
        let bytes = wire("rfc4475", file);
        let message = Message::parse(&bytes).unwrap();
        let uri = message.request_uri().unwrap().unwrap();
        assert_eq!(uri.scheme, Scheme::Other(scheme));
        let refusal = message.check_support(&[]);
        assert_eq!(refusal, Err(Violation::Scheme));
        assert_eq!(refusal.map_err(Violation::status), Err(Status::UNSUPPORTED_URI_SCHEME));
    }
}

#[test]
fn required_extensions_nobody_serves_are_named() {
    let bytes = wire("rfc4475", "bext01");
    let message = Message::parse(&bytes).unwrap();
    let refusal = message.check_support(&["timer", "100rel"]);
    assert_eq!(refusal.map_err(Violation::status), Err(Status::BAD_EXTENSION));
    let unsupported: Vec<_> = message.unsupported(&["nothingsupportsthis"]).collect();
    assert_eq!(
        unsupported,
        ["nothingSupportsThisEither", "noProxiesSupportThis", "norDoAnyProxiesSupportThis"]
    );
}

#[test]
fn parameters_belong_to_the_header_outside_the_brackets_and_to_the_uri_inside() {
    let bytes = wire("rfc4475", "cparam01");
    let contact = Message::parse(&bytes).unwrap().contact().unwrap().unwrap();
    assert!(contact.params.contains("unknownparam"));
    assert!(contact.parsed_uri().unwrap().params.is_empty());

    let bytes = wire("rfc4475", "cparam02");
    let contact = Message::parse(&bytes).unwrap().contact().unwrap().unwrap();
    assert!(contact.params.is_empty());
    assert!(contact.parsed_uri().unwrap().params.contains("unknownparam"));
}

#[test]
fn an_unquoted_display_name_with_a_comma_is_refused_by_that_cause() {
    // The archive's file lacks its empty line; the RFC's text does not.
    let mut bytes = wire("rfc4475", "baddn");
    bytes.extend_from_slice(b"\r\n");
    let message = Message::parse(&bytes).unwrap();
    let violation = message.check().unwrap_err();
    assert_eq!(violation.to_string(), "Bad From: Display Name Needs Quotes");
}

#[test]
fn an_ipv6_address_ends_at_its_bracket() {
    let host_and_port = |file| {
        let bytes = wire("rfc5118", file);
        let uri = Message::parse(&bytes).unwrap().request_uri().unwrap().unwrap();
        (uri.host.ip().unwrap().to_string(), uri.port)
    };
    assert_eq!(host_and_port("ipv6-good"), ("2001:db8::10".to_owned(), None));
    assert_eq!(host_and_port("port-ambiguous"), ("2001:db8::10:5070".to_owned(), None));
    assert_eq!(host_and_port("port-unambiguous"), ("2001:db8::10".to_owned(), Some(5070)));
}

#[test]
fn received_is_read_with_and_without_brackets() {
    for file in ["via-received-with-delim", "via-received-no-delim"] {
        let bytes = wire("rfc5118", file);
        let via = Message::parse(&bytes).unwrap().via().unwrap();
        assert_eq!(via.received_ip(), Some("2001:db8::9:255".parse().unwrap()), "{file}");
    }
}

#[test]
fn a_mapped_ipv4_address_stays_an_ipv6_address() {
    let bytes = wire("rfc5118", "ipv4-mapped-ipv6");
    let message = Message::parse(&bytes).unwrap();
    let hosts: Vec<_> = message.vias().map(|via| via.unwrap().host.to_string()).collect();
    assert_eq!(hosts, ["[::ffff:192.0.2.10]", "[::ffff:192.0.2.2]"]);
}

#[test]
fn values_of_a_line_come_apart_at_commas_outside_quotes_and_brackets() {
    let line = "\"a, b\" <sip:c,d@x.org>;p=\"e,f\" , <sip:g@x.org>,h";
    let values: Vec<_> = Values::new(line).collect();
    assert_eq!(values, ["\"a, b\" <sip:c,d@x.org>;p=\"e,f\"", "<sip:g@x.org>", "h"]);
}
