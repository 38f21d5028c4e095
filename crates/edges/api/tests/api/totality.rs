//! Whatever a stranger with a key sends, the answer is never a fault of ours.

use std::sync::OnceLock;

use chime_api::Operation;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::world::World;

/// One world for all cases: a fault would show however it got there.
fn shared() -> &'static (Runtime, World, String) {
    static SHARED: OnceLock<(Runtime, World, String)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(World::start());
        let id = runtime.block_on(world.terminated_connector());
        (runtime, world, id)
    })
}

/// Texts that rules let pass.
const PLAUSIBLE: &[&str] = &[
    "US",
    "UDP",
    "10.0.0.0/28",
    "+12065550100",
    "us-east-1",
    "sip.example.com",
    "full",
    "Caller",
    "en-US",
    "RequestUriHostname",
    "arn:aws:lambda:us-east-1:000000000000:function:f",
    "arn:aws:kms:us-east-1:000000000000:key/1",
    "VoiceConnector",
    "Voice",
    "SNS",
    "RIBBON_SBC",
    "000000000000",
    "98109",
    "WA",
];

/// JSON that is near what operations take, so that it comes past the first check.
fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(PLAUSIBLE).prop_map(Value::from),
    ];
    let name = prop_oneof![
        "Name|RequireEncryption|Tags|Key|Value|AwsRegion|NetworkType|IntegrationType",
        "Termination|CpsLimit|CallingRegions|CidrAllowedList|Disabled|DefaultPhoneNumber",
        "Credentials|Username|Password|Usernames|Origination|Routes|Host|Port|Protocol|Priority|Weight",
        "Endpoints|LambdaArn|TriggerType|TriggerValue|TargetApplications|SipMediaApplicationId",
        "SipMediaApplicationLoggingConfiguration|EnableSipMediaApplicationMessageLogs|Arguments",
        "ServerSideEncryptionConfiguration|KmsKeyArn|Description|ClientRequestToken|SpeakerSearchTaskId",
        "TransactionId|VoiceProfileDomainId|CallLeg|LanguageCode|FromPhoneNumber|ToPhoneNumber",
        "VoiceConnectorItems|VoiceConnectorId|CallDistributionType|E164PhoneNumbers|ForceAssociate",
        "StreamingConfiguration|DataRetentionInHours|StreamingNotificationTargets|NotificationTarget",
        "MediaInsightsConfiguration|ConfigurationArn|LoggingConfiguration|EnableSIPLogs|CdrBucket",
        "EmergencyCallingConfiguration|DNIS|EmergencyPhoneNumber|CallingCountry|VoiceConnector",
        "SessionBorderControllerTypes|ContactCenterSystemTypes|ProductType|CallingName|PhoneNumberIds",
        "UpdatePhoneNumberRequestItems|PhoneNumberId|DefaultSessionExpiryMinutes|Capabilities",
        "PhoneNumberPoolCountries|FallBackPhoneNumber|ParticipantPhoneNumbers|ExpiryMinutes",
        "GeoMatchLevel|GeoMatchParams|Country|AreaCode|NumberSelectionBehavior",
        "AwsAccountId|StreetNumber|StreetInfo|City|State|PostalCode",
        "ResourceARN|TagKeys|account|policy|name|host|port|sources|numbers|ranges|first|last",
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let built: Vec<Operation> =
        Operation::all().filter(|it| api::operation::is_implemented(*it)).collect();
    prop::sample::select(built)
}

fn target(operation: Operation, id: &str) -> String {
    let spec = operation.spec();
    let query = spec.selector.map(|it| format!("?{}={}", it.key, it.value)).unwrap_or_default();
    let path = spec.path.replace("{voiceConnectorId}", id).replace("{VoiceConnectorId}", id);
    path.replace("{phoneNumberId}", "%2B12065550100") + &query
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any body to any operation is served or refused as the caller's mistake.
    #[test]
    fn any_json_to_any_operation_is_no_fault_of_ours(operation in operation(), body in body()) {
        let (runtime, world, id) = shared();
        let method = operation.spec().method.as_str();
        let id = if operation == Operation::DeleteVoiceConnector { "0000000000000000000000" } else { id };
        let answer = runtime.block_on(world.call(method, &target(operation, id), body));
        prop_assert!(answer.status < 500, "{operation}: {answer:?}");
        let error = answer.error();
        let declared = operation.spec().errors.iter().any(|it| it.name() == error);
        prop_assert!(error.is_empty() || declared, "{operation}: {answer:?}");
    }

    /// Any bytes are no fault of ours either.
    #[test]
    fn any_bytes_to_any_operation_are_no_fault_of_ours(
        operation in operation(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (runtime, world, id) = shared();
        let id = if operation == Operation::DeleteVoiceConnector { "0000000000000000000000" } else { id };
        let method = operation.spec().method.as_str();
        let request = world.signed(&world.key, method, &target(operation, id), &body);
        let answer = runtime.block_on(world.send(&request));
        prop_assert!(answer.status < 500, "{operation}: {answer:?}");
    }

    /// Any path and query under any method are told what they are.
    #[test]
    fn any_target_is_no_fault_of_ours(
        method in "GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS",
        path in "(/(voice-connectors|tags|operator|calls|numbers|keys|[a-z0-9%.]{1,8})){0,4}/?",
        query in "((operation|max-results|next-token|arn|prefix|state|since)=[a-zA-Z0-9%+._-]{0,12}&?){0,3}",
    ) {
        let (runtime, world, _) = shared();
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let target = format!("{path}?{query}");
        let answer = runtime.block_on(world.call(&method, &target, ""));
        prop_assert!(answer.status < 500 || answer.status == 501, "{target}: {answer:?}");
    }

    /// Any JSON to the operator API is served or refused as the caller's mistake.
    #[test]
    fn any_json_to_the_operator_api_is_no_fault_of_ours(
        path in "keys|carriers|numbers|keys/x/enable|calls/x/hang-up",
        body in body(),
    ) {
        let (runtime, world, _) = shared();
        let answer = runtime.block_on(world.call("POST", &format!("/operator/{path}"), body));
        prop_assert!(answer.status < 500, "{answer:?}");
    }
}

#[test]
fn near_misses_of_the_signature_are_no_fault_of_ours() {
    let (runtime, world, _) = shared();
    let request = world.signed(&world.key, "GET", "/voice-connectors", b"");
    let authorization = request.header("authorization").to_owned();
    for cut in 0..authorization.len() {
        let mut request = request.clone();
        request.set("authorization", Some(&authorization[..cut]));
        let answer = runtime.block_on(world.send(&request));
        assert!((400..500).contains(&answer.status), "{}: {answer:?}", json!(authorization[..cut]));
    }
}
