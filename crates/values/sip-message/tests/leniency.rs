//! Where we take more than the grammar allows, each with what is sent in the field.

use std::borrow::Cow;

use sip_message::{DigestFields, Host, Message, Name, NameAddr, Uri, Via};

const REST: &str = "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n\
    Call-ID: 1\r\nCSeq: 1 INVITE\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\r\n";

#[test]
fn a_status_line_may_end_after_its_code() {
    let bytes = format!("SIP/2.0 486\r\n{REST}");
    assert_eq!(Message::parse(bytes.as_bytes()).unwrap().check(), Ok(()));
}

#[test]
fn unquoted_parameter_values_may_hold_base64_and_addresses() {
    let via = Via::parse("SIP/2.0/UDP h;branch=z9hG4bKYWJj/ZGVm==;received=2001:db8::1").unwrap();
    assert_eq!(via.branch, Some("z9hG4bKYWJj/ZGVm=="));
    let contact = NameAddr::parse("<sip:a@b>;reg-id=1;path=x@y?z&q$r").unwrap();
    assert_eq!(contact.params.get("path"), Some("x@y?z&q$r"));
}

#[test]
fn a_call_id_is_any_visible_text() {
    for call_id in ["MTIzNDU2==", "a@b@c", "x;y=z", "{0F-1}#7"] {
        let bytes =
            format!("SIP/2.0 200 OK\r\n{}", REST.replace(": 1\r\n", &format!(": {call_id}\r\n")));
        let message = Message::parse(bytes.as_bytes()).unwrap();
        assert_eq!(message.check(), Ok(()));
        assert_eq!(message.call_id(), Ok(call_id));
    }
}

#[test]
fn an_unquoted_display_name_may_go_beyond_ascii() {
    let from = NameAddr::parse("Jörg Müller <sip:j@example.com>").unwrap();
    assert_eq!(from.display_name(), Some(Cow::Borrowed("Jörg Müller")));
}

#[test]
fn a_user_part_may_hold_a_number_sign() {
    let uri = Uri::parse("sip:*31#0301234567@example.com").unwrap();
    assert_eq!(uri.user, Some("*31#0301234567"));
}

#[test]
fn a_host_name_may_have_underscores_and_begin_with_digits() {
    for name in ["pbx_1", "3f2a9c81b7de", "sip-2.my_net.local", "1and1.example."] {
        assert_eq!(Host::parse(name), Some(Host::Name(name)), "{name}");
    }
    for name in ["", ".", "a..b", "-a", "a-", "192.0.2", "1.2.3.256", "a.1", "a b", "[::1"] {
        assert_eq!(Host::parse(name), None, "{name}");
    }
}

#[test]
fn a_local_telephone_number_needs_no_context() {
    let uri = Uri::parse("tel:1000").unwrap();
    assert_eq!(uri.phone_digits().as_deref(), Some("1000"));
}

#[test]
fn privacy_is_separated_by_semicolons_or_commas() {
    let bytes = format!("SIP/2.0 200 OK\r\nPrivacy: id; header,user\r\n{REST}");
    let message = Message::parse(bytes.as_bytes()).unwrap();
    assert_eq!(message.privacy().collect::<Vec<_>>(), ["id", "header", "user"]);
}

#[test]
fn several_challenges_may_stand_on_one_line() {
    let challenges =
        "Digest realm=\"a\",nonce=\"1\", Digest realm=\"a\",nonce=\"2\",algorithm=SHA-256";
    let bytes = format!("SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: {challenges}\r\n{REST}");
    let message = Message::parse(bytes.as_bytes()).unwrap();
    let nonces: Vec<_> = message
        .challenges(Name::WwwAuthenticate)
        .map(|it| it.ok().and_then(|it: DigestFields<'_>| it.nonce()).unwrap().into_owned())
        .collect();
    assert_eq!(nonces, ["1", "2"]);
}
