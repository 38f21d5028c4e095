use proptest::prelude::*;

use super::*;

const VC: &str = "arn:aws:chime:us-east-1:000000000000:vc/abc";

fn read(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A policy of one statement with a condition.
fn under(condition: &str) -> Policy {
    read(&format!(
        r#"{{"Version":"2012-10-17","Statement":
            {{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
    ))
}

fn allows(policy: &Policy, action: &str, resource: &str) -> bool {
    policy.decide(action, resource, &Circumstances::example()).is_allowed()
}

fn holds(condition: &str, circumstances: &Circumstances) -> bool {
    under(condition).decide("chime:GetVoiceConnector", VC, circumstances).is_allowed()
}

#[test]
fn actions_are_matched_without_regard_to_case_and_resources_with_it() {
    let policy = read(
        r#"{"Statement":{"Effect":"Allow","Action":"chime:get*","Resource":"arn:aws:chime:*:*:vc/a?c"}}"#,
    );
    assert!(allows(&policy, "chime:GetVoiceConnector", VC));
    assert!(!allows(&policy, "chime:PutVoiceConnectorTermination", VC));
    assert!(!allows(
        &policy,
        "chime:GetVoiceConnector",
        "arn:aws:chime:us-east-1:000000000000:vc/ABC"
    ));
    assert!(!allows(
        &policy,
        "chime:GetVoiceConnector",
        "arn:aws:chime:us-east-1:000000000000:sma/abc"
    ));
}

#[test]
fn a_denial_wins_and_what_nothing_allows_is_not_allowed() {
    let policy = read(
        r#"{"Version":"2012-10-17","Id":"mine","Statement":[
            {"Sid":"all","Effect":"Allow","Action":["chime:*"],"Resource":["*"]},
            {"Sid":"butDeletes","Effect":"Deny","Action":"chime:Delete*","Resource":"*"}]}"#,
    );
    let ask = |action| policy.decide(action, VC, &Circumstances::example());
    assert_eq!(ask("chime:GetVoiceConnector"), Ruling::Allowed);
    assert_eq!(ask("chime:DeleteVoiceConnector"), Ruling::Denied("Statement[1] (Sid butDeletes)"));
    assert_eq!(ask("s3:GetObject"), Ruling::NotAllowed);
}

#[test]
fn all_but_some_actions_and_resources_can_be_named() {
    let policy = read(
        r#"{"Statement":{"Effect":"Allow","NotAction":"chime:Delete*","NotResource":"arn:aws:chime:*:*:vc/abc"}}"#,
    );
    assert!(!allows(&policy, "chime:GetVoiceConnector", VC));
    assert!(allows(
        &policy,
        "chime:GetVoiceConnector",
        "arn:aws:chime:us-east-1:000000000000:vc/x"
    ));
    assert!(!allows(
        &policy,
        "chime:DeleteVoiceConnector",
        "arn:aws:chime:us-east-1:000000000000:vc/x"
    ));
}

#[test]
fn a_document_is_told_back_as_it_was_written() {
    let text = r#"{"Version":"2012-10-17","Statement":{"Sid":"One","Effect":"Deny","Action":["chime:*"],"NotResource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}}"#;
    assert_eq!(read(text).to_string(), text);
    let again: Policy = serde_json::from_str(text).unwrap();
    assert_eq!(again, read(text));
}

#[test]
fn what_cannot_be_followed_to_the_letter_is_refused_by_name() {
    let statement = |inner: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{inner}]}}"#);
    let allow = |rest: &str| statement(&format!(r#"{{"Effect":"Allow",{rest}}}"#));
    let when =
        |condition: &str| allow(&format!(r#""Action":"*","Resource":"*","Condition":{condition}"#));
    for (text, named) in [
        ("[]".to_owned(), "expected an object"),
        (statement(r#"["Sid","Allow","*",null,"*",null,null]"#), "expected an object"),
        ("{".to_owned(), "line 1"),
        (r#"{"Version":"2012-10-17"}"#.into(), "Statement"),
        (r#"{"Version":"2020-01-01","Statement":[]}"#.into(), "2020-01-01"),
        (statement(""), "at least one statement"),
        (r#"{"Statement":[],"Statement":[]}"#.into(), "duplicate field `Statement`"),
        (r#"{"statement":[]}"#.into(), "unknown field `statement`"),
        (allow(r#""Action":"*","Resource":"*","Principal":"*""#), "unknown field `Principal`"),
        (statement(r#"{"Effect":"allow","Action":"*","Resource":"*"}"#), "\"allow\""),
        (allow(r#""Resource":"*""#), "either Action or NotAction"),
        (allow(r#""Action":"*","NotAction":"*","Resource":"*""#), "either Action or NotAction"),
        (allow(r#""Action":"*""#), "either Resource or NotResource"),
        (when("null"), "Statement[0].Condition: null is no value"),
        (when("{}"), "Statement[0].Condition: nothing is compared"),
        (
            when(r#"{"StringEquals":{}}"#),
            "Statement[0].Condition.StringEquals: nothing is compared",
        ),
        (when(r#"{"StringEquals":null}"#), "null"),
        (allow(r#""Action":"*","NotAction":null,"Resource":"*""#), "Statement[0].NotAction: null"),
        (allow(r#""Sid":null,"Action":"*","Resource":"*""#), "Statement[0].Sid: null"),
        (r#"{"Version":null,"Statement":{}}"#.into(), "missing field `Effect`"),
        (allow(r#""Action":[],"Resource":"*""#), "Statement[0].Action: the list is empty"),
        (allow(r#""Action":"Get*","Resource":"*""#), "\"Get*\""),
        (allow(r#""Action":"ch*:Get","Resource":"*""#), "\"ch*:Get\""),
        (allow(r#""Action":"*","Resource":"vc/abc""#), "\"vc/abc\""),
        (allow(r#""Action":"*","Resource":"arn:aws:chime:vc/abc""#), "arn:aws:chime:vc/abc"),
        (allow(r#""Action":"*","Resource":"arn:aws:chime:*:*:vc/${aws:userid}""#), "${aws:userid}"),
        (allow(r#""Sid":"a b","Action":"*","Resource":"*""#), "\"a b\""),
        (when(r#"{"StringSame":{"aws:RequestedRegion":"x"}}"#), "\"StringSame\""),
        (when(r#"{"ForSome:StringEquals":{"aws:TagKeys":"x"}}"#), "\"ForSome:StringEquals\""),
        (when(r#"{"NullIfExists":{"aws:TagKeys":"true"}}"#), "\"NullIfExists\""),
        (when(r#"{"StringEquals":{"aws:Sourceip2":"x"}}"#), "\"aws:Sourceip2\""),
        (when(r#"{"StringEquals":{"chime:Name":"x"}}"#), "\"chime:Name\""),
        (when(r#"{"StringEquals":{"aws:SourceIp":"10.0.0.1"}}"#), "use IpAddress"),
        (when(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/40"}}"#), "10.0.0.0/40"),
        (when(r#"{"Bool":{"aws:SecureTransport":"yes"}}"#), "\"yes\""),
        (when(r#"{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}"#), "\"tomorrow\""),
        (when(r#"{"StringEquals":{"aws:TagKeys":"x"}}"#), "ForAllValues"),
        (when(r#"{"StringEquals":{"aws:RequestTag/":"x"}}"#), "aws:RequestTag/"),
        (when(r#"{"StringEquals":{"aws:RequestedRegion":[]}}"#), "no value"),
        (when(r#"{"Bool":{"aws:SecureTransport":"true"},"Bool":{}}"#), "\"Bool\" is given twice"),
    ] {
        let error = Policy::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
    let two = r#"{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}"#;
    let error = Policy::parse(&statement(&format!("{two},{two}"))).unwrap_err().to_string();
    assert!(error.contains("another statement has this Sid"), "{error}");
}

#[test]
fn a_policy_is_at_most_6144_characters_long_white_space_aside() {
    let of = |name: &str, blanks: usize| {
        format!(
            r#"{{"Statement":{}{{"Effect":"Allow","Action":"chime:{name}","Resource":"*"}}}}"#,
            " ".repeat(blanks)
        )
    };
    let room = Policy::CHARS_MAX - of("", 0).len();
    assert!(Policy::parse(&of(&"a".repeat(room), 9000)).is_ok());
    let error = Policy::parse(&of(&"a".repeat(room + 1), 0)).unwrap_err();
    assert_eq!(error, PolicyError::TooLong { chars: Policy::CHARS_MAX + 1 });
}

#[test]
fn a_source_is_in_a_network_or_is_not() {
    let from = |source: &str| Circumstances {
        source: source.parse().unwrap(),
        ..Circumstances::example()
    };
    let inside = r#"{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}"#;
    let outside = r#"{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}"#;
    for (source, is_inside) in [
        ("192.0.2.7", true),
        ("::ffff:192.0.2.7", true),
        ("2001:db8::1", true),
        ("198.51.100.1", false),
    ] {
        assert_eq!(holds(inside, &from(source)), is_inside, "{source}");
        assert_eq!(holds(outside, &from(source)), !is_inside, "{source}");
    }
}

#[test]
fn time_transport_region_and_account_can_be_asked_for() {
    let here = Circumstances {
        now: UnixMillis(1_795_428_672_345),
        transport: Transport::Tls,
        region: Region::EuWest1,
        ..Circumstances::example()
    };
    for (condition, is_so) in [
        (r#"{"DateGreaterThan":{"aws:CurrentTime":"2026-11-23T10:11:11Z"}}"#, true),
        (r#"{"DateGreaterThan":{"aws:CurrentTime":"2026-11-23T10:11:12Z"}}"#, false),
        (r#"{"DateEquals":{"aws:CurrentTime":"2026-11-23T10:11:12Z"}}"#, true),
        (r#"{"DateNotEquals":{"aws:CurrentTime":"2026-11-23T10:11:12Z"}}"#, false),
        (r#"{"NumericLessThanEquals":{"aws:EpochTime":1795428672}}"#, true),
        (r#"{"NumericLessThan":{"aws:EpochTime":"1795428672"}}"#, false),
        (r#"{"Bool":{"aws:SecureTransport":true}}"#, true),
        (r#"{"Bool":{"aws:securetransport":"false"}}"#, false),
        (r#"{"StringLike":{"aws:RequestedRegion":"eu-*"}}"#, true),
        (r#"{"StringEquals":{"aws:RequestedRegion":"eu-*"}}"#, false),
        (r#"{"StringEqualsIgnoreCase":{"aws:RequestedRegion":"EU-WEST-1"}}"#, true),
        (r#"{"StringNotEquals":{"aws:PrincipalAccount":["000000000000","1"]}}"#, false),
        (
            r#"{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#,
            false,
        ),
    ] {
        assert_eq!(holds(condition, &here), is_so, "{condition}");
    }
}

#[test]
fn an_absent_key_fails_a_condition_unless_it_is_negated_or_says_if_exists() {
    let nothing = Circumstances::example();
    for (condition, is_so) in [
        (r#"{"StringEquals":{"aws:ResourceTag/team":"voice"}}"#, false),
        (r#"{"StringNotEquals":{"aws:ResourceTag/team":"voice"}}"#, true),
        (r#"{"StringEqualsIfExists":{"aws:ResourceTag/team":"voice"}}"#, true),
        (r#"{"Null":{"aws:ResourceTag/team":"true"}}"#, true),
        (r#"{"Null":{"aws:ResourceTag/team":"false"}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}"#, true),
        (r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}"#, false),
        (r#"{"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#, true),
    ] {
        assert_eq!(holds(condition, &nothing), is_so, "{condition}");
    }
}

#[test]
fn tags_are_found_by_keys_without_case_and_compared_as_sets() {
    let tagged = Circumstances {
        request_tags: vec![("Team".into(), "voice".into())],
        tag_keys: vec!["Team".into(), "cost".into()],
        ..Circumstances::example()
    };
    for (condition, is_so) in [
        (r#"{"StringEquals":{"aws:RequestTag/team":"voice"}}"#, true),
        (r#"{"StringLike":{"aws:RequestTag/TEAM":["x","v*"]}}"#, true),
        (r#"{"StringNotEquals":{"aws:RequestTag/team":"voice"}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["Team","cost","more"]}}"#, true),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["Team"]}}"#, false),
        (r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["Team"]}}"#, true),
        (r#"{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["Team"]}}"#, true),
        (r#"{"ForAllValues:StringNotEquals":{"aws:TagKeys":["Team"]}}"#, false),
    ] {
        assert_eq!(holds(condition, &tagged), is_so, "{condition}");
    }
}

#[test]
fn actions_that_are_no_actions_are_told() {
    let known = ["chime:GetVoiceConnector".to_owned(), "chime:ListVoiceConnectors".to_owned()];
    let policy = read(
        r#"{"Statement":{"Effect":"Allow","Action":["chime:get*","chime:GetVoiceConector","*"],"Resource":"*"}}"#,
    );
    assert_eq!(policy.actions_unknown_to(&known), ["chime:GetVoiceConector"]);
}

/// Statements over a small world, so that they meet.
fn statement() -> impl Strategy<Value = serde_json::Value> {
    let action = prop_oneof![
        Just("*"),
        Just("chime:*"),
        Just("chime:Get*"),
        Just("chime:a"),
        Just("chime:?"),
    ];
    let resource = prop_oneof![
        Just("*"),
        Just("arn:aws:chime:*"),
        Just("arn:aws:chime:r:1:vc/a"),
        Just("arn:aws:chime:r:1:vc/?"),
    ];
    let elements = (
        prop_oneof![Just("Action"), Just("NotAction")],
        prop_oneof![Just("Resource"), Just("NotResource")],
    );
    (any::<bool>(), elements, action, resource, any::<bool>()).prop_map(
        |(deny, (actions, resources), action, resource, conditional)| {
            let mut statement = serde_json::json!({
                "Effect": if deny { "Deny" } else { "Allow" },
                actions: action,
                resources: resource,
            });
            if conditional {
                statement["Condition"] =
                    serde_json::json!({"Bool": {"aws:SecureTransport": "true"}});
            }
            statement
        },
    )
}

fn question() -> impl Strategy<Value = (&'static str, &'static str)> {
    (
        prop_oneof![Just("chime:a"), Just("chime:GetB"), Just("trunkline:c")],
        prop_oneof![Just("*"), Just("arn:aws:chime:r:1:vc/a"), Just("arn:aws:chime:r:1:vc/ab")],
    )
}

fn of(statements: &[serde_json::Value]) -> Policy {
    read(&serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string())
}

proptest! {
    /// Whatever else a policy says, what one of its statements denies is denied.
    #[test]
    fn an_explicit_denial_is_never_overruled(
        statements in prop::collection::vec(statement(), 1..6), (action, resource) in question(),
    ) {
        let here = Circumstances::example();
        let denied = statements.iter().any(|it| {
            matches!(of(std::slice::from_ref(it)).decide(action, resource, &here), Ruling::Denied(_))
        });
        let allowed = statements.iter().any(|it| {
            of(std::slice::from_ref(it)).decide(action, resource, &here).is_allowed()
        });
        let policy = of(&statements);
        prop_assert_eq!(policy.decide(action, resource, &here).is_allowed(), allowed && !denied);
    }

    /// Statements can stand in any order.
    #[test]
    fn the_order_of_statements_is_irrelevant(
        statements in prop::collection::vec(statement(), 1..6), (action, resource) in question(),
    ) {
        let here = Circumstances::example();
        let mut reversed = statements.clone();
        reversed.reverse();
        prop_assert_eq!(
            of(&statements).decide(action, resource, &here).is_allowed(),
            of(&reversed).decide(action, resource, &here).is_allowed()
        );
    }

    /// Any text is refused or is a policy that reads back from what it prints.
    #[test]
    fn any_text_is_refused_or_reads_back(text in ".{0,60}|[\\[\\]{}:,\"a-zA-Z*?$ ]{0,80}") {
        if let Ok(policy) = Policy::parse(&text) {
            prop_assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
        }
    }
}
