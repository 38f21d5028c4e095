//! Every constraint of the model is enforced, and what is valid is let in.

use crate::support::{Members, Refusal, accept, broken_inputs, request, valid};
use chime_api::shape::{Kind, Location, Secrecy, Shape};
use chime_api::{Operation, RouteError, Rule, Shown, decode, route, shapes, types};
use serde_json::json;

#[test]
fn a_minimal_and_a_full_input_of_every_operation_are_accepted() {
    for operation in Operation::all() {
        let spec = operation.spec();
        for which in [Members::Required, Members::All] {
            let document = valid(spec.input, which);
            let request = request(spec, &document);
            let (found, input) = accept(&request)
                .unwrap_or_else(|it| panic!("{operation} {which:?}: {}", it.message()));
            assert_eq!(found, operation);
            assert_eq!(input, document, "{operation}: everything sent is there");
        }
    }
}

/// Violations that are admitted because a client sends them (`accommodate.rs`).
const ACCOMMODATED: &[(Operation, &str, &str)] =
    &[(Operation::UpdateGlobalSettings, "VoiceConnector.CdrBucket", "too short")];

#[test]
fn every_constraint_of_every_input_refuses_a_violation_by_the_members_name() {
    let mut checked = 0;
    for operation in Operation::all() {
        for broken in broken_inputs(operation.spec()) {
            if ACCOMMODATED.contains(&(operation, &broken.member, broken.fault)) {
                assert!(accept(&request(operation.spec(), &broken.document)).is_ok());
                continue;
            }
            let request = request(operation.spec(), &broken.document);
            let context = || format!("{operation} {} {}", broken.member, broken.fault);
            match accept(&request) {
                Err(Refusal::Violation(violation)) => {
                    assert_eq!(violation.member(), broken.member, "{}: {violation}", context());
                    let message = violation.to_string();
                    assert!(message.starts_with(&broken.member), "{message}");
                    assert!(message.len() < 2_000, "{message}");
                }
                Err(Refusal::Route(RouteError::EmptyLabel { member, .. })) => {
                    assert_eq!(member, broken.member, "{}", context());
                }
                other => panic!("{}: {other:?}", context()),
            }
            checked += 1;
        }
    }
    assert!(checked > 750, "only {checked} violations were made of the descriptors");
}

/// Every shape that an operation's input or output reaches.
fn reached() -> Vec<&'static Shape> {
    fn walk(shape: &'static Shape, found: &mut Vec<&'static Shape>) {
        if found.iter().any(|it| std::ptr::eq(*it, shape)) {
            return;
        }
        found.push(shape);
        match &shape.kind {
            Kind::Structure(members) => members.iter().for_each(|it| walk(it.shape, found)),
            Kind::List { element, .. } => walk(element, found),
            Kind::Map { key, value, .. } => {
                walk(key, found);
                walk(value, found);
            }
            Kind::Text { .. }
            | Kind::Enumeration(_)
            | Kind::Integer(_)
            | Kind::Float(_)
            | Kind::Boolean
            | Kind::Timestamp => {}
        }
    }
    let mut found = Vec::new();
    for operation in Operation::all() {
        walk(operation.spec().input, &mut found);
        operation.spec().output.into_iter().for_each(|it| walk(it, &mut found));
    }
    found
}

#[test]
fn every_pattern_compiles_and_every_shape_has_a_valid_sample() {
    let shapes = reached();
    assert!(shapes.len() > 300, "{}", shapes.len());
    for shape in shapes {
        let sample = valid(shape, Members::All);
        if let Kind::Text { pattern: Some(pattern), .. } = &shape.kind {
            assert!(pattern.matches(sample.as_str().unwrap()), "{}", shape.name);
        }
    }
}

#[test]
fn a_secret_is_never_repeated() {
    let secret = "hunter2-hunter2";
    let sent = json!({
        "VoiceConnectorId": "dr3rbaar376u5r4ntcnlq4",
        "Credentials": [{ "Username": "pbx", "Password": { "text": secret } }],
    });
    let spec = Operation::PutVoiceConnectorTerminationCredentials.spec();
    let violation = accept(&request(spec, &sent)).unwrap_err();
    assert_eq!(
        violation.message(),
        "Credentials[0].Password must be a string, not an object; send a string."
    );

    let misplaced = json!({ "VoiceConnectorId": "dr3rbaar376u5r4ntcnlq4", "Credentials": secret });
    let violation = accept(&request(spec, &misplaced)).unwrap_err();
    assert!(!violation.message().contains("hunter"), "{}", violation.message());

    let blank =
        json!({ "ResourceARN": "arn:x", "Tags": [{ "Key": secret.repeat(20), "Value": "" }] });
    let violation = accept(&request(Operation::TagResource.spec(), &blank)).unwrap_err();
    assert_eq!(
        violation.message(),
        "Tags[0].Key (its 300 characters are withheld here) must have between 1 and 128 \
         characters, not 300; shorten it."
    );
}

#[test]
fn personal_data_goes_back_to_its_sender_and_into_no_log() {
    let sent = json!({ "FromPhoneNumber": "206", "ToPhoneNumber": "+1206-555-0100",
        "SipMediaApplicationId": "x" });
    let spec = Operation::CreateSipMediaApplicationCall.spec();
    let Err(Refusal::Violation(violation)) = accept(&request(spec, &sent)) else {
        panic!("a number with dashes is no E.164 number")
    };
    assert!(violation.to_string().contains("\"+1206-555-0100\""), "{violation}");
    assert!(!violation.log_text().contains("555"), "{}", violation.log_text());
    assert!(!format!("{violation:?}").contains("555"));
}

#[test]
fn the_marks_of_the_model_are_told_apart() {
    assert_eq!(shapes::SENSITIVE_STRING.secrecy, Secrecy::Secret);
    assert_eq!(shapes::SENSITIVE_NON_EMPTY_STRING.secrecy, Secrecy::Secret);
    assert_eq!(shapes::E164_PHONE_NUMBER.secrecy, Secrecy::Personal);
    assert_eq!(shapes::VOICE_CONNECTOR_NAME.secrecy, Secrecy::Open);
}

#[test]
fn a_violation_tells_member_value_rule_and_remedy() {
    let message = |operation: Operation, document: serde_json::Value| {
        accept(&request(operation.spec(), &document)).unwrap_err().message()
    };
    assert_eq!(
        message(Operation::CreateVoiceConnector, json!({ "RequireEncryption": true })),
        "Name is required and absent; add it to the JSON body."
    );
    assert_eq!(
        message(
            Operation::CreateVoiceConnector,
            json!({ "Name": "pbx", "RequireEncryption": true, "AwsRegion": "mars" })
        ),
        "AwsRegion is \"mars\" but must be one of us-east-1, us-west-2, ca-central-1, \
         eu-central-1, eu-west-1, eu-west-2, ap-northeast-2, ap-northeast-1, ap-southeast-1, \
         ap-southeast-2; send one of these, spelled exactly so."
    );
    assert_eq!(
        message(Operation::ListVoiceConnectors, json!({ "MaxResults": 1000 })),
        "MaxResults is 1000 but must be between 1 and 100; send a number that is between 1 and 100."
    );
    assert_eq!(
        message(Operation::GetVoiceConnector, json!({ "VoiceConnectorId": "x" })),
        "VoiceConnectorId is \"x\" but must match the pattern \
         ([a-z0-9]{21,22}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}); \
         change it so that the whole value matches."
    );
    assert_eq!(
        message(Operation::ListSupportedPhoneNumberCountries, json!({})),
        "ProductType is required and absent; add `product-type=…` to the query."
    );
}

/// Decodes a body of CreateVoiceConnector.
fn create(body: &[u8]) -> Result<types::CreateVoiceConnectorRequest, chime_api::Violation> {
    let matched =
        route(chime_api::Method::Post, "/voice-connectors", "").expect("a path of the API");
    decode(&matched.labels, "", body)
}

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    for (body, rule) in [
        (&b"{\"Name\":"[..], "is not JSON: EOF while parsing a value"),
        (b"nonsense", "is not JSON: expected ident"),
        (b"{} {}", "is not JSON: trailing characters"),
        (b"[1]", "must be an object, not a list"),
        (b"\"x\"", "must be an object, not a string"),
        (b"null", "must be an object, not null"),
        (b"{\"Name\":\"\xff\"}", "must be UTF-8, and is not at byte 9"),
        (b"{\"Name\":\"a\nb\"}", "is not JSON: control character"),
        (b"{\"Name\":\"\\ud800\"}", "is not JSON: "),
        (b"{\"Name\":01}", "is not JSON: invalid number"),
        (b"\xef\xbb\xbf{}", "is not JSON: expected value"),
    ] {
        let violation = create(body).unwrap_err();
        assert_eq!(violation.member(), "The request body");
        assert!(violation.to_string().contains(rule), "{violation}");
    }
}

#[test]
fn a_key_given_twice_is_refused_by_its_place() {
    let place = |body: &str| {
        let violation = create(body.as_bytes()).unwrap_err();
        assert_eq!(*violation.rule(), Rule::Twice);
        assert_eq!(*violation.value(), Shown::Nothing);
        violation.member().to_owned()
    };
    assert_eq!(place(r#"{"Name":"a","Name":"a"}"#), "Name");
    assert_eq!(place(r#"{"Name":"a","N\u0061me":"a"}"#), "Name");
    assert_eq!(place(r#"{"Tags":[{"Key":"a"},{"Key":"a","Value":"b","Key":"c"}]}"#), "Tags[1].Key");
    assert_eq!(place(r#"{"x y":{"z":1,"z":2}}"#), r#""x y".z"#);
}

#[test]
fn the_keys_of_secret_maps_are_not_repeated() {
    let matched = route(chime_api::Method::Post, "/sip-media-applications/x/calls", "").unwrap();
    let body = br#"{"ArgumentsMap":{"token-abc":"1","token-abc":"2"}}"#;
    let violation =
        decode::<types::CreateSipMediaApplicationCallRequest>(&matched.labels, "", body)
            .unwrap_err();
    assert_eq!(violation.member(), "ArgumentsMap{a key}");
}

#[test]
fn depth_count_and_length_are_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep = create(format!(r#"{{"x":{}}}"#, nested(32)).as_bytes()).unwrap_err();
    assert_eq!(*deep.rule(), Rule::Depth(32));
    let allowed = create(format!(r#"{{"x":{}}}"#, nested(31)).as_bytes()).unwrap_err();
    assert_eq!(
        *allowed.rule(),
        Rule::Required(Location::Body),
        "31 and the object itself are let in"
    );
    let very_deep = create(nested(500_000).as_bytes()).unwrap_err();
    assert_eq!(*very_deep.rule(), Rule::Depth(32));

    let many = format!(r#"{{"x":[{}0]}}"#, "0,".repeat(70_000));
    assert_eq!(*create(many.as_bytes()).unwrap_err().rule(), Rule::Nodes(65_536));

    let long = format!(r#"{{"x":"{}"}}"#, "a".repeat(1 << 20));
    assert_eq!(*create(long.as_bytes()).unwrap_err().rule(), Rule::Bytes(1 << 20));
}

#[test]
fn null_is_absence_and_unknown_members_are_ignored() {
    let body = br#"{"Name":"pbx","RequireEncryption":false,"AwsRegion":null,"Colour":[{}]}"#;
    let input = create(body).unwrap();
    assert_eq!(input.aws_region, None);
    assert!(!input.require_encryption);
}

#[test]
fn a_null_in_a_list_is_refused() {
    let body = br#"{"Name":"pbx","RequireEncryption":false,"Tags":[null]}"#;
    let violation = create(body).unwrap_err();
    assert_eq!(violation.member(), "Tags[0]");
}

#[test]
fn an_empty_body_is_an_empty_object() {
    assert_eq!(*create(b"").unwrap_err().rule(), Rule::Required(Location::Body));
}

#[test]
fn a_body_cannot_speak_for_the_path() {
    let id = "dr3rbaar376u5r4ntcnlq4";
    let matched = route(chime_api::Method::Put, &format!("/voice-connectors/{id}"), "").unwrap();
    let body =
        br#"{"VoiceConnectorId":"another0connector00000","Name":"a","RequireEncryption":true}"#;
    let input: types::UpdateVoiceConnectorRequest = decode(&matched.labels, "", body).unwrap();
    assert_eq!(input.voice_connector_id, id);
}

#[test]
fn query_values_are_typed_once_and_decoded() {
    let list = |query: &str| {
        let matched = route(chime_api::Method::Get, "/phone-numbers", query).unwrap();
        decode::<types::ListPhoneNumbersRequest>(&matched.labels, query, b"ignored")
    };
    let input = list("max-results=7&filter-value=New+York%2B&unknown=1").unwrap();
    assert_eq!(input.max_results, Some(7));
    assert_eq!(input.filter_value.as_deref(), Some("New York+"));
    for query in ["max-results=7.0", "max-results=", "max-results=x", "max-results=+7"] {
        let violation = list(query).unwrap_err();
        assert_eq!(violation.member(), "MaxResults", "{query}");
        assert!(matches!(violation.rule(), Rule::Type { .. }), "{query}: {violation}");
    }
    assert_eq!(*list("max-results=7&max-results=7").unwrap_err().rule(), Rule::Twice);
    assert_eq!(*list("status=%zz").unwrap_err().rule(), Rule::Encoding);
    assert!(matches!(list("max-results=99999999999999999999").unwrap_err().rule(), Rule::Range(_)));
}

#[test]
fn query_booleans_are_true_or_false() {
    let path = "/voice-connectors/dr3rbaar376u5r4ntcnlq4/voice-tone-analysis-tasks/x";
    let get = |query: &str| {
        let matched = route(chime_api::Method::Get, path, query).unwrap();
        decode::<types::GetVoiceToneAnalysisTaskRequest>(&matched.labels, query, b"")
    };
    assert!(get("isCaller=true").unwrap().is_caller);
    assert!(!get("isCaller=false").unwrap().is_caller);
    assert_eq!(
        get("isCaller=yes").unwrap_err().to_string(),
        "IsCaller is \"yes\" but must be true or false, not a string; send true or false."
    );
}

#[test]
fn whole_numbers_have_no_fraction_and_thirty_two_bits() {
    let weight = |text: &str| {
        let body = format!(r#"{{"Termination":{{"CpsLimit":{text}}}}}"#);
        let path = "/voice-connectors/dr3rbaar376u5r4ntcnlq4/termination";
        let matched = route(chime_api::Method::Put, path, "").unwrap();
        decode::<types::PutVoiceConnectorTerminationRequest>(&matched.labels, "", body.as_bytes())
            .map(|input| input.termination.cps_limit)
            .map_err(|it| it.to_string())
    };
    assert_eq!(weight("1"), Ok(Some(1)));
    assert_eq!(weight("2147483647"), Ok(Some(i32::MAX)));
    assert_eq!(
        weight("0").unwrap_err(),
        "Termination.CpsLimit is 0 but must be at least 1; send a number that is at least 1."
    );
    assert_eq!(
        weight("2147483648").unwrap_err(),
        "Termination.CpsLimit is 2147483648 but must be between 1 and 2147483647; \
         send a number that is between 1 and 2147483647."
    );
    for text in ["1.0", "1e0", "99999999999999999999999999", "true", "\"1\""] {
        assert!(weight(text).unwrap_err().contains("must be a whole number"), "{text}");
    }
}

#[test]
fn a_long_value_is_cut_in_the_message() {
    let body = format!(r#"{{"Name":"{}","RequireEncryption":true}}"#, "!".repeat(250));
    let message = create(body.as_bytes()).unwrap_err().to_string();
    assert!(message.contains("… (250 characters)"), "{message}");
    assert!(message.len() < 300, "{message}");
}
