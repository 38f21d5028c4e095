//! What one side encodes the other decodes; what nobody encoded is refused without a panic.

use std::collections::BTreeMap;

use crate::support::{Members, Request, accept, request, valid};
use chime_api::types::{
    CreateVoiceConnectorResponse, GetVoiceConnectorTerminationHealthResponse, NoContent,
    TerminationHealth, VoiceConnector,
};
use chime_api::{
    Effect, ErrorShape, Input, Operation, Sensitive, Timestamp, encode, encode_error,
    for_each_operation, request_parts, request_parts_of,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any JSON of modest size.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9+ .-]{0,12}".prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = "(Name|Termination|Credentials|Username|Tags|Key|Value|.{0,4})";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    (0..Operation::all().len()).prop_map(|at| Operation::all().nth(at).expect("in range"))
}

proptest! {
    /// Any bytes as a body are an input or a violation, never a panic.
    #[test]
    fn any_bytes_are_decoded_or_refused(
        operation in any_operation(),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            r#"[\[\]{}",:0-9eE.\\u+-]{0,40}"#.prop_map(String::into_bytes),
        ],
    ) {
        let spec = operation.spec();
        let request = Request { body, ..request(spec, &valid(spec.input, Members::Required)) };
        if let Err(refusal) = accept(&request) {
            prop_assert!(refusal.message().len() < 2_000);
        }
    }

    /// Any JSON put in place of any member is an input that serializes, or a violation.
    #[test]
    fn any_json_is_decoded_or_refused(
        operation in any_operation(),
        at in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let spec = operation.spec();
        let mut document = valid(spec.input, Members::All);
        if !spec.input.members().is_empty() {
            let name = at.get(spec.input.members()).name;
            document[name] = value;
        }
        if let Err(refusal) = accept(&request(spec, &document)) {
            prop_assert!(refusal.message().len() < 2_000, "{}", refusal.message());
        }
    }
}

macro_rules! typed_round_trip {
    ($($operation:ident => $input:ident;)+) => {
        /// JSON → typed input → parts → routed and decoded JSON, for one operation.
        fn through_types(operation: Operation, document: &Value) -> (Operation, Value) {
            fn one<T: Input>(document: &Value) -> chime_api::RequestParts {
                let input: T = serde_json::from_value(document.clone()).expect("the sample fits");
                request_parts(&input).expect("the sample can be sent")
            }
            let parts = match operation {
                $(Operation::$operation => one::<chime_api::types::$input>(document),)+
            };
            let request = Request {
                method: parts.method,
                path: parts.path,
                query: parts.query,
                body: parts.body.map(|body| body.to_vec()).unwrap_or_default(),
            };
            accept(&request).unwrap_or_else(|it| panic!("{operation}: {}", it.message()))
        }
    };
}
for_each_operation!(typed_round_trip);

#[test]
fn every_input_survives_the_way_from_client_to_server() {
    for operation in Operation::all() {
        for which in [Members::Required, Members::All] {
            let document = valid(operation.spec().input, which);
            assert_eq!(through_types(operation, &document), (operation, document));
        }
    }
}

#[test]
fn the_parts_of_a_request_are_encoded_as_other_clients_encode_them() {
    let parts = request_parts_of(
        Operation::UpdatePhoneNumber,
        br#"{"PhoneNumberId":"%2B12065550100","Name":"desk"}"#,
    )
    .unwrap();
    assert_eq!(parts.path, "/phone-numbers/%252B12065550100");
    assert_eq!(parts.query, "");
    assert_eq!(parts.body.unwrap().as_slice(), br#"{"Name":"desk"}"#);

    let parts = request_parts_of(
        Operation::SearchAvailablePhoneNumbers,
        br#"{"City":"New York","MaxResults":5}"#,
    )
    .unwrap();
    assert_eq!(parts.query, "type=phone-numbers&city=New%20York&max-results=5");
    assert!(parts.body.is_none());

    let parts = request_parts_of(
        Operation::PutVoiceConnectorTerminationCredentials,
        br#"{"VoiceConnectorId":"abc"}"#,
    )
    .unwrap();
    assert_eq!(parts.path, "/voice-connectors/abc/termination/credentials");
    assert_eq!(parts.query, "operation=put");
    assert_eq!(parts.body.unwrap().as_slice(), b"{}", "an operation with body members has a body");
}

#[test]
fn a_label_of_dots_stays_a_label() {
    let path = |id: &str| {
        let json = format!(r#"{{"SipRuleId":"{id}"}}"#);
        request_parts_of(Operation::GetSipRule, json.as_bytes()).unwrap().path
    };
    assert_eq!(path("."), "/sip-rules/%2E");
    assert_eq!(path(".."), "/sip-rules/%2E%2E");
    assert_eq!(path("a/.."), "/sip-rules/a%2F..");
}

#[test]
fn what_cannot_be_sent_is_refused_before_it_is_sent() {
    let refused = |operation: Operation, json: &str| {
        request_parts_of(operation, json.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(Operation::GetVoiceConnector, "{}"),
        "VoiceConnectorId is required and absent; name it in the path."
    );
    assert_eq!(
        refused(Operation::GetVoiceConnector, r#"{"VoiceConnectorId":""}"#),
        "VoiceConnectorId must not be empty; give it a value."
    );
    assert_eq!(
        refused(Operation::GetVoiceConnector, r#"{"VoiceConnectorID":"x"}"#),
        "VoiceConnectorID is not a member of this operation; choose from VoiceConnectorId."
    );
    assert_eq!(
        refused(Operation::GetVoiceConnector, r#"{"VoiceConnectorId":7}"#),
        "VoiceConnectorId must be a string, not a number; send a string."
    );
    assert_eq!(
        refused(
            Operation::PutVoiceConnectorTerminationCredentials,
            r#"{"VoiceConnectorId":"x","Credentials":[{"User":"pbx"}]}"#
        ),
        "Credentials[0].User is not a member of this operation; choose from Password, Username."
    );
    assert_eq!(
        refused(Operation::GetVoiceConnector, "[]"),
        "The request body must be an object, not a list; send an object."
    );
}

#[test]
fn constraints_are_left_to_the_server() {
    let sent = br#"{"Name":"x/!","RequireEncryption":true,"AwsRegion":"mars"}"#;
    assert!(request_parts_of(Operation::CreateVoiceConnector, sent).is_ok());
}

#[test]
fn an_output_leaves_absent_members_out_and_prints_moments_with_milliseconds() {
    let output = CreateVoiceConnectorResponse {
        voice_connector: Some(VoiceConnector {
            voice_connector_id: Some("dr3rbaar376u5r4ntcnlq4".to_owned()),
            require_encryption: Some(false),
            created_timestamp: Some(Timestamp::from_unix_ms(1_795_428_672_345)),
            ..VoiceConnector::default()
        }),
    };
    let encoded = encode(Operation::CreateVoiceConnector, &output);
    assert_eq!(encoded.status, 201);
    assert_eq!(
        String::from_utf8(encoded.body).unwrap(),
        r#"{"VoiceConnector":{"CreatedTimestamp":"2026-11-23T10:11:12.345Z","RequireEncryption":false,"VoiceConnectorId":"dr3rbaar376u5r4ntcnlq4"}}"#
    );
}

#[test]
fn an_operation_without_output_has_an_empty_body() {
    let encoded = encode(Operation::DeleteVoiceConnector, &NoContent {});
    assert_eq!((encoded.status, encoded.body.len()), (204, 0));
}

#[test]
fn every_output_sample_reads_into_its_type_and_back() {
    macro_rules! outputs {
        ($($operation:ident => $input:ident;)+) => {
            fn through(operation: Operation, document: Value) -> Value {
                fn one<T: Input>(document: Value) -> Value {
                    let output: T::Output = serde_json::from_value(document).expect("it fits");
                    serde_json::to_value(&output).expect("it serializes")
                }
                match operation {
                    $(Operation::$operation => one::<chime_api::types::$input>(document),)+
                }
            }
        };
    }
    for_each_operation!(outputs);
    for operation in Operation::all() {
        let Some(shape) = operation.spec().output else { continue };
        let document = valid(shape, Members::All);
        // A whole number is a valid float, and comes back as one.
        let text = |value: &Value| value.to_string().replace("1.0", "1");
        assert_eq!(text(&through(operation, document.clone())), text(&document), "{operation}");
    }
}

#[test]
fn moments_in_answers_may_be_seconds() {
    let read = |timestamp: Value| {
        let answer = json!({ "TerminationHealth": { "Timestamp": timestamp } });
        let read: GetVoiceConnectorTerminationHealthResponse =
            serde_json::from_value(answer).unwrap();
        read.termination_health.and_then(|it: TerminationHealth| it.timestamp).unwrap().unix_ms()
    };
    assert_eq!(read(json!(1_795_428_672)), 1_795_428_672_000);
    assert_eq!(read(json!(1_795_428_672.5)), 1_795_428_672_500);
    assert_eq!(read(json!("2026-11-23T10:11:12Z")), 1_795_428_672_000);
}

#[test]
fn an_error_carries_code_and_message() {
    let encoded = encode_error(ErrorShape::NotFoundException, "no \"such\" connector");
    assert_eq!(encoded.status, 404);
    assert_eq!(
        String::from_utf8(encoded.body).unwrap(),
        r#"{"Code":"NotFound","Message":"no \"such\" connector"}"#
    );
}

#[test]
fn sensitive_map_keys_and_values_survive() {
    let arguments = BTreeMap::from([(Sensitive::new("a"), Sensitive::new("b"))]);
    let text = serde_json::to_string(&arguments).unwrap();
    assert_eq!(text, r#"{"a":"b"}"#);
    assert_eq!(serde_json::from_str::<BTreeMap<Sensitive, Sensitive>>(&text).unwrap(), arguments);
}

#[test]
fn reads_are_gets_and_the_validation_of_an_address() {
    for operation in Operation::all() {
        let spec = operation.spec();
        let reads =
            spec.method == chime_api::Method::Get || operation == Operation::ValidateE911Address;
        assert_eq!(reads, spec.effect == Effect::Read, "{operation}");
        assert_eq!(spec.output.is_none(), spec.status == 204, "{operation}");
    }
}
