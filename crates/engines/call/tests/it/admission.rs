//! Every reason for which an INVITE is not let in, as the caller and as the operator sees it.

use std::num::NonZeroU32;
use std::time::Duration;

use call::{CallerIdPolicy, Change, Command, Limits};
use model::{AccountId, CallStatus, E164Number, PhoneNumber, UnixMillis, Verdict, VoiceConnector};
use sip_message::{Name, Transport};

use crate::peer::{Request, ack, authorized, body, header, place, sdp, talk};
use crate::world::{CALLED, CARRIER, OWNED, PASSWORD, PBX, World, connector, host, user};

/// Sends an INVITE that must be refused, and checks answer, record and explanation.
#[track_caller]
fn refused(world: &mut World, from: &str, invite: &Request, status: &str, code: &str) -> String {
    world.records.clear();
    let open = world.engine.calls_open();
    world.send(from, &invite.text());
    let answer = world.expect(from, &format!("SIP/2.0 {status}\r\n"));
    world.send(from, &ack(invite, &answer).text());
    world.expect_nothing(CARRIER);

    let record = world.only_record();
    assert_eq!(record.status, CallStatus::Rejected);
    assert_eq!(record.reason, code);
    assert_eq!(record.sip_status.map(|it| it.to_string()).as_deref(), status.split(' ').next());
    let last = record.decisions.last().unwrap();
    assert_eq!(last.verdict, Verdict::Refuse);
    assert!(!last.remedy.is_empty(), "{last:?}");
    assert!(!last.expected.is_empty(), "{last:?}");
    assert_eq!(world.engine.counters().rejected[code], 1);
    assert_eq!(world.engine.calls_open(), open);
    answer
}

fn from_user(user: &str) -> Request {
    Request { from: format!("<sip:{user}@{PBX}>;tag=caller"), ..Request::invite() }
}

fn to_user(user: &str) -> Request {
    Request { uri: format!("sip:{user}@{}", host()), ..Request::invite() }
}

#[test]
fn a_source_outside_the_allow_list_is_forbidden_and_told_nothing_more() {
    let mut world = World::new();
    let invite = Request { via: "SIP/2.0/UDP 198.18.0.1:5060".into(), ..Request::invite() };
    let answer =
        refused(&mut world, "198.18.0.1:5060", &invite, "403 Forbidden", "source-not-allowed");
    assert!(!answer.contains("Reason:"), "{answer}");
    let row = world.only_record().decisions.last().unwrap().clone();
    assert_eq!(row.rule, "source-address");
    assert_eq!(row.seen, "198.18.0.1:5060");
    assert_eq!(row.expected, "192.0.2.0/24");
    assert_eq!(row.remedy, "add 198.18.0.1/32 to CidrAllowedList");
}

#[test]
fn a_plain_call_to_an_encrypted_connector_is_forbidden() {
    let mut world = World::without_users();
    let encrypted = VoiceConnector { require_encryption: true, ..connector() };
    world.apply(Change::PutConnector(encrypted));
    refused(&mut world, PBX, &Request::invite(), "403 Forbidden", "encryption-required");

    let invite = Request { call_id: "tls".into(), branch: "tls".into(), ..Request::invite() };
    world.send_over(Transport::Tls, PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 488 Encrypted media is required\r\n");
}

#[test]
fn a_connector_without_termination_or_with_it_disabled_is_forbidden() {
    let mut world = World::new();
    world.terminate(|it| it.disabled = true);
    refused(&mut world, PBX, &Request::invite(), "403 Forbidden", "termination-disabled");

    let mut world = World::new();
    world.apply(Change::DeleteTermination(connector().id));
    refused(&mut world, PBX, &Request::invite(), "403 Forbidden", "termination-absent");
}

#[test]
fn without_credentials_and_allow_list_nothing_is_let_in_and_the_record_says_how_to_open_it() {
    let mut world = World::without_users();
    world.terminate(|it| it.cidr_allowed_list.clear());
    refused(&mut world, PBX, &Request::invite(), "403 Forbidden", "nothing-allowed");
    let remedy = &world.only_record().decisions.last().unwrap().remedy;
    assert!(remedy.contains("PutVoiceConnectorTerminationCredentials"), "{remedy}");
    assert!(remedy.contains("192.0.2.10/32"), "{remedy}");
}

#[test]
fn an_empty_allow_list_admits_any_source_by_digest_alone() {
    let mut world = World::new();
    world.terminate(|it| it.cidr_allowed_list.clear());
    place(&mut world);
}

#[test]
fn a_call_without_credentials_is_challenged_once_per_algorithm_and_leaves_no_record() {
    let mut world = World::new();
    let invite = Request::invite();
    world.send(PBX, &invite.text());
    let challenge = world.expect(PBX, "SIP/2.0 407 Proxy Authentication Required\r\n");
    let challenges: Vec<&str> =
        challenge.lines().filter(|it| it.starts_with("Proxy-Authenticate: ")).collect();
    assert_eq!(challenges.len(), 2, "{challenge}");
    assert!(challenges[0].contains("algorithm=MD5"), "{challenge}");
    assert!(challenges[1].contains("algorithm=SHA-256"), "{challenge}");
    assert!(challenges[0].contains(&format!("realm=\"{}\"", host())), "{challenge}");
    world.send(PBX, &ack(&invite, &challenge).text());
    world.expect_nothing(CARRIER);
    assert!(world.records.is_empty());
    assert_eq!(world.engine.counters().challenges, 1);
    assert_eq!(world.engine.counters().attempts, 0);
}

/// An INVITE that answers a fresh challenge.
fn answered_challenge(world: &mut World, username: &str, password: &str) -> Request {
    let invite = Request::invite();
    world.send(PBX, &invite.text());
    let challenge = world.expect(PBX, "SIP/2.0 407 ");
    world.send(PBX, &ack(&invite, &challenge).text());
    authorized(&invite, &challenge, username, password)
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_forbidden_alike() {
    let mut world = World::new();
    let wrong = answered_challenge(&mut world, "pbx", "wrong");
    let first = refused(&mut world, PBX, &wrong, "403 Forbidden", "digest-response-wrong");
    let record = world.only_record();
    assert_eq!(record.sip_user, None);
    assert!(record.decisions.last().unwrap().seen.contains("user pbx"), "{record:?}");

    let mut world = World::new();
    let unknown = answered_challenge(&mut world, "nobody", PASSWORD);
    let second = refused(&mut world, PBX, &unknown, "403 Forbidden", "digest-user-unknown");
    assert_eq!(first, second, "a stranger cannot tell the two apart");
}

#[test]
fn a_response_that_was_used_before_is_forbidden() {
    let mut world = World::new();
    let invite = answered_challenge(&mut world, "pbx", PASSWORD);
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.expect(CARRIER, "INVITE ");
    let replay = Request { branch: "replay".into(), call_id: "replay".into(), cseq: 9, ..invite };
    world.send(PBX, &replay.text());
    world.expect(PBX, "SIP/2.0 403 Forbidden\r\n");
    assert_eq!(world.only_record().reason, "digest-replayed");
}

#[test]
fn an_expired_nonce_is_challenged_as_stale() {
    let mut world = World::new();
    let invite = answered_challenge(&mut world, "pbx", PASSWORD);
    world.wait(Duration::from_secs(301));
    world.send(PBX, &invite.text());
    let challenge = world.expect(PBX, "SIP/2.0 407 ");
    assert!(challenge.contains("stale=true"), "{challenge}");
}

#[test]
fn a_nonce_of_somebody_else_is_challenged_anew() {
    let mut world = World::new();
    let mut elsewhere = World::with(|config| config.digest.nonce_lifetime *= 2);
    let mut stranger = answered_challenge(&mut elsewhere, "pbx", PASSWORD);
    let at = stranger.headers.len() - 1;
    stranger.headers[at] = stranger.headers[at].replace("nonce=\"0", "nonce=\"f");
    world.send(PBX, &stranger.text());
    let challenge = world.expect(PBX, "SIP/2.0 407 ");
    assert!(!challenge.contains("stale"), "{challenge}");
}

#[test]
fn credentials_for_another_realm_do_not_count() {
    let mut world = World::new();
    let invite = Request::invite().header(
        "Proxy-Authorization: Digest username=\"pbx\", realm=\"elsewhere\", nonce=\"1\", \
         uri=\"sip:x\", response=\"00000000000000000000000000000000\"",
    );
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 407 ");
}

#[test]
fn a_new_password_counts_from_the_next_request_on() {
    let mut world = World::new();
    let invite = answered_challenge(&mut world, "pbx", PASSWORD);
    let mut changed = user("pbx");
    changed.keys = model::DigestKeys::derive("pbx", &host(), model::Secret::new("another".into()));
    world.apply(Change::PutUser(changed));
    refused(&mut world, PBX, &invite, "403 Forbidden", "digest-response-wrong");
}

#[test]
fn a_caller_that_is_neither_e164_nor_anonymous_is_a_bad_request() {
    for written in ["1001", "12065550199", "01112065550199", "reception", "%2B"] {
        let mut world = World::without_users();
        let phrase = "400 Source number is not valid E.164 or anonymous value";
        let answer = refused(&mut world, PBX, &from_user(written), phrase, "caller-id-invalid");
        assert!(answer.contains("Reason: SIP;cause=400;text=\"caller-id-invalid\""), "{answer}");
    }
    let mut world = World::without_users();
    let phrase = "400 Source number is not valid E.164 or anonymous value";
    refused(&mut world, PBX, &from_user("12065550199"), phrase, "caller-id-invalid");
    let remedy = &world.only_record().decisions.last().unwrap().remedy;
    assert!(remedy.contains("write +12065550199"), "{remedy}");
}

#[test]
fn a_number_that_the_account_does_not_own_is_forbidden_by_its_name() {
    let mut world = World::without_users();
    let phrase = "403 Caller Id +14435550123 is not valid";
    refused(&mut world, PBX, &from_user("+14435550123"), phrase, "caller-id-not-owned");
    let row = world.only_record().decisions.last().unwrap();
    assert_eq!(row.expected, "a number owned by account 000000000000");
}

#[test]
fn a_caller_is_admitted_by_inventory_by_asserted_identity_by_default_number_or_by_policy() {
    let from = |world: &mut World, invite: Request| {
        world.send(PBX, &invite.text());
        world.expect(PBX, "SIP/2.0 100 ");
        let left = world.expect(CARRIER, "INVITE ");
        (header(&left, Name::From), header(&left, Name::PAssertedIdentity))
    };
    let world = &mut World::without_users();
    let (shown, asserted) = from(world, Request::invite());
    assert!(shown.starts_with(&format!("<sip:{OWNED}@203.0.113.1>;tag=")), "{shown}");
    assert_eq!(asserted, format!("<sip:{OWNED}@203.0.113.1>"));

    // P-Asserted-Identity counts more than From; its first E.164 number is taken.
    let world = &mut World::without_users();
    let identity = "P-Asserted-Identity: \"x\" <sip:1001@pbx>, <tel:+1-206-555-0199>";
    let (shown, _) = from(world, from_user("1001").header(identity));
    assert!(shown.contains(OWNED), "{shown}");

    // The default number overrides whatever the caller says.
    let world = &mut World::without_users();
    let number = E164Number::parse("+12065550177").unwrap();
    world.terminate(|it| it.default_phone_number = Some(number));
    let (shown, _) = from(world, from_user("1001"));
    assert!(shown.contains("+12065550177"), "{shown}");

    // By policy, any number.
    let world = &mut World::with(|config| config.caller_id = CallerIdPolicy::Any);
    world.remove_users();
    let (shown, _) = from(world, from_user("+14435550123"));
    assert!(shown.contains("+14435550123"), "{shown}");
}

#[test]
fn a_default_number_that_another_account_owns_is_not_presented() {
    let mut world = World::without_users();
    let number = E164Number::parse("+12065550177").unwrap();
    let other = AccountId::parse("111122223333").unwrap();
    world.apply(Change::PutNumber(PhoneNumber::new(number, Some(other), UnixMillis(0))));
    world.terminate(|it| it.default_phone_number = Some(number));
    let phrase = "403 Caller Id +12065550177 is not valid";
    refused(&mut world, PBX, &Request::invite(), phrase, "caller-id-not-owned");
}

#[test]
fn an_anonymous_caller_must_show_the_trunk_an_owned_number_and_it_is_withheld() {
    let anonymous = Request {
        from: "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=caller".into(),
        ..Request::invite()
    };
    let mut world = World::without_users();
    let phrase = "403 Caller Id anonymous is not valid";
    refused(&mut world, PBX, &anonymous, phrase, "caller-id-not-owned");

    let mut world = World::without_users();
    let identity = format!("P-Asserted-Identity: <sip:{OWNED}@pbx>");
    world.send(PBX, &anonymous.header(&identity).text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let from = header(&left, Name::From);
    assert!(from.starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), "{from}");
    assert_eq!(header(&left, Name::Privacy), "id");
    assert!(header(&left, Name::PAssertedIdentity).contains(OWNED));
}

#[test]
fn privacy_withholds_the_number_from_the_called_party_alone() {
    let mut world = World::without_users();
    world.send(PBX, &Request::invite().header("Privacy: id;critical").text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert!(header(&left, Name::From).contains("anonymous.invalid"));
    assert!(header(&left, Name::PAssertedIdentity).contains(OWNED));
}

#[test]
fn a_destination_that_is_not_e164_with_a_plus_is_a_bad_request() {
    for (written, hint) in [
        ("12065550100", "write +12065550100"),
        ("2065550100", "write +12065550100"),
        ("0112065550100", "without the international prefix"),
        ("811", "full number"),
        ("anonymous", "full number"),
    ] {
        let mut world = World::without_users();
        let phrase = "400 Destination number is not valid E.164";
        refused(&mut world, PBX, &to_user(written), phrase, "destination-invalid");
        let remedy = &world.only_record().decisions.last().unwrap().remedy;
        assert!(remedy.contains(hint), "{written}: {remedy}");
    }
}

#[test]
fn a_destination_is_called_only_in_the_calling_regions() {
    for (written, phrase, code) in [
        ("+442079460000", "403 Destination country GB is not allowed", "country-not-allowed"),
        ("+18095550100", "403 Destination country DO is not allowed", "country-not-allowed"),
        ("+19005550100", "403 Destination number is premium rate", "destination-premium-rate"),
        ("+881612345678", "403 Destination number is not known", "destination-unknown"),
        ("+12061110100", "403 Destination number is not known", "destination-unknown"),
    ] {
        let mut world = World::without_users();
        refused(&mut world, PBX, &to_user(written), phrase, code);
    }
    let mut world = World::without_users();
    world.send(PBX, &to_user("+1-604-555-0100").text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert!(left.starts_with("INVITE sip:+16045550100@198.51.100.20 SIP/2.0\r\n"), "{left}");
}

fn numbered(n: u32) -> Request {
    Request {
        branch: format!("n{n}"),
        call_id: format!("call-{n}"),
        from: format!("<sip:{OWNED}@{PBX}>;tag=caller{n}"),
        ..Request::invite()
    }
}

#[test]
fn calls_that_come_too_fast_are_sent_away_for_a_second() {
    let mut world = World::without_users();
    world.terminate(|it| it.cps_limit = NonZeroU32::new(2).unwrap());
    for n in 0..2 {
        world.send(PBX, &numbered(n).text());
        world.expect(PBX, "SIP/2.0 100 ");
    }
    world.forget_sent();
    let phrase = "503 Calls per second limit exceeded";
    let answer = refused(&mut world, PBX, &numbered(2), phrase, "cps-exceeded");
    assert_eq!(header(&answer, Name::RetryAfter), "1");
    world.wait(Duration::from_secs(1));
    world.forget_sent();
    world.send(PBX, &numbered(3).text());
    world.expect(PBX, "SIP/2.0 100 ");
}

#[test]
fn calls_at_once_are_limited_for_an_account_and_for_the_engine() {
    for (limits, phrase, code) in [
        (
            Limits {
                account_calls_max: 1,
                connector_calls_max: 9,
                calls_max: 9,
                ..Limits::default()
            },
            "503 Concurrent call limit exceeded",
            "account-calls-exceeded",
        ),
        (
            Limits {
                account_calls_max: 9,
                connector_calls_max: 9,
                calls_max: 1,
                ..Limits::default()
            },
            "503 Service Unavailable",
            "engine-calls-exceeded",
        ),
    ] {
        let mut world = World::with(|config| config.limits = limits);
        talk(&mut world);
        world.remove_users();
        let refused_call = numbered(2);
        world.send(PBX, &refused_call.text());
        let answer = world.expect(PBX, &format!("SIP/2.0 {phrase}\r\n"));
        assert!(answer.contains("Retry-After: "), "{answer}");
        assert_eq!(world.only_record().reason, code);
    }
}

#[test]
fn without_a_free_port_there_is_no_call_and_none_is_lost() {
    let mut world = World::without_users();
    for n in 0..5 {
        world.send(PBX, &numbered(n).text());
    }
    assert_eq!(world.engine.ports(), (0, 10));
    world.forget_sent();
    world.send(PBX, &numbered(5).text());
    let answer = world.expect(PBX, "SIP/2.0 503 No media port available\r\n");
    assert!(answer.contains("Retry-After: "), "{answer}");
    assert_eq!(world.only_record().reason, "media-ports-exhausted");
    world.command(Command::HangUpAll);
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn without_a_carrier_there_is_no_call() {
    let mut world = World::without_users();
    world.apply(Change::DeleteCarrier(model::CarrierName::parse("first").unwrap()));
    let phrase = "503 No carrier available";
    refused(&mut world, PBX, &Request::invite(), phrase, "no-carrier");
    world.assert_clean();
}

#[test]
fn an_offer_that_cannot_become_a_call_is_refused_by_its_cause() {
    let good = sdp("192.0.2.10", 4000);
    for (offer, status, code) in [
        (good.replace("m=audio", "m=video"), "488 No audio in the offer", "sdp-no-audio"),
        (
            good.replace("0 8 101", "9 18").replace("PCM", "G72"),
            "488 No common codec",
            "sdp-no-common-codec",
        ),
        (good.replace("RTP/AVP", "RTP/SAVP"), "488 No common crypto suite", "sdp-no-common-suite"),
        (
            good.replace("RTP/AVP", "UDP/TLS/RTP/SAVP"),
            "488 Media keys by DTLS are not supported",
            "sdp-dtls",
        ),
        (
            good.replace("RTP/AVP", "TCP/MRCP"),
            "488 Media transport is not supported",
            "sdp-unknown-protocol",
        ),
        (
            good.replace("c=IN IP4 192.0.2.10", "c=IN IP4 pbx.example"),
            "488 No media address in the offer",
            "sdp-no-address",
        ),
        ("hello".into(), "400 Malformed SDP", "sdp-malformed"),
    ] {
        let mut world = World::without_users();
        refused(&mut world, PBX, &Request::invite().body(&offer), status, code);
        world.assert_clean();
    }
}

#[test]
fn a_body_that_is_no_sdp_is_refused_with_what_would_be_taken() {
    let mut world = World::without_users();
    let mut invite = Request::invite();
    invite.body = Some(("multipart/mixed;boundary=x".into(), "--x--".into()));
    let answer =
        refused(&mut world, PBX, &invite, "415 Unsupported Media Type", "body-unsupported");
    assert_eq!(header(&answer, Name::Accept), "application/sdp");
}

#[test]
fn a_request_that_cannot_be_served_is_refused_by_its_cause() {
    let with = |change: fn(&mut Request)| {
        let mut invite = Request::invite();
        change(&mut invite);
        invite
    };
    for (invite, status, code) in [
        (with(|it| it.max_forwards = Some(0)), "483 Too Many Hops", "too-many-hops"),
        (with(|it| it.contact = None), "400 Missing Contact Header", "header-missing"),
        (
            with(|it| it.headers = vec!["Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKx".into()]),
            "482 Loop Detected",
            "loop-detected",
        ),
    ] {
        let mut world = World::without_users();
        refused(&mut world, PBX, &invite, status, code);
    }
    let mut world = World::without_users();
    let invite = Request::invite().header("Require: 100rel").header("Proxy-Require: sec-agree");
    let answer = refused(&mut world, PBX, &invite, "420 Bad Extension", "extension-unsupported");
    assert_eq!(header(&answer, Name::Unsupported), "sec-agree");
}

#[test]
fn a_malformed_invite_that_can_be_answered_is_answered_with_the_parsers_reason() {
    let mut world = World::without_users();
    let text = Request::invite().text().replace("CSeq: 1 INVITE", "CSeq: 1 BYE");
    world.send(PBX, &text);
    world.expect(PBX, "SIP/2.0 400 CSeq Method Does Not Match\r\n");
    assert_eq!(world.engine.counters().dropped["cseq-method-mismatch"], 1);
}

#[test]
fn a_draining_server_takes_no_new_call_and_keeps_those_it_has() {
    let mut world = World::new();
    talk(&mut world);
    world.remove_users();
    world.command(Command::Drain);
    world.send(PBX, &numbered(2).text());
    let answer = world.expect(PBX, "SIP/2.0 503 Service Unavailable\r\n");
    assert!(answer.contains("Retry-After: "), "{answer}");
    assert_eq!(world.only_record().reason, "draining");
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_retransmitted_invite_that_was_refused_is_answered_again_and_recorded_once() {
    let mut world = World::without_users();
    let invite = from_user("+14435550123");
    world.send(PBX, &invite.text());
    world.send(PBX, &invite.text());
    let first = world.expect(PBX, "SIP/2.0 403 ");
    let second = world.expect(PBX, "SIP/2.0 403 ");
    assert_eq!(first, second);
    world.only_record();
}

#[test]
fn the_explanation_lists_every_rule_that_was_passed() {
    let mut world = World::new();
    let invite = answered_challenge(&mut world, "pbx", PASSWORD);
    let invite = Request { from: from_user("+14435550123").from, ..invite };
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 403 Caller Id +14435550123 is not valid\r\n");
    let record = world.only_record();
    let rows: Vec<(&str, Verdict, &str, &str)> = record
        .decisions
        .iter()
        .map(|it| (&*it.rule, it.verdict, &*it.seen, &*it.expected))
        .collect();
    let host = host();
    assert_eq!(
        rows,
        [
            ("connector", Verdict::Pass, host.as_str(), "a connector's outbound host name"),
            ("source-address", Verdict::Pass, PBX, "192.0.2.0/24"),
            ("encryption", Verdict::Pass, "UDP", "any transport"),
            ("termination", Verdict::Pass, "enabled", "enabled"),
            ("digest", Verdict::Pass, "user pbx", "the connector's user"),
            (
                "caller-id",
                Verdict::Refuse,
                "+14435550123",
                "a number owned by account 000000000000"
            ),
        ]
    );
    assert_eq!(record.sip_user.as_deref(), Some("pbx"));
    assert_eq!((record.from.as_str(), record.to.as_str()), ("+14435550123", CALLED));
    assert_eq!(record.source, PBX);
}

#[test]
fn unknown_codecs_are_not_offered_onward_and_no_private_address_leaves() {
    let mut world = World::without_users();
    let offer = sdp("10.0.0.9", 4000)
        .replace("RTP/AVP 0 8 101", "RTP/AVP 96 9 0 101")
        .replace("a=rtpmap:8 PCMA/8000", "a=rtpmap:96 opus/48000/2\r\na=rtpmap:9 G722/8000")
        .replace("a=ptime:20", "a=candidate:1 1 UDP 1 10.0.0.9 4000 typ host\r\na=ptime:20");
    world.send(PBX, &Request::invite().body(&offer).text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let offered = body(&left);
    assert!(offered.contains("m=audio 20002 RTP/AVP 0 101\r\n"), "{offered}");
    assert!(!left.contains("10.0.0.9"), "{left}");
    assert!(!offered.contains("opus") && !offered.contains("G722"), "{offered}");
}
