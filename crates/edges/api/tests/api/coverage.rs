//! All 96 operations, with no key, a stranger's, a read-only and a full one.

use chime_api::shape::{Location, Presence};
use chime_api::{Effect, ErrorShape, Operation};
use model::KeyPolicy;

use crate::world::{Answer, World};

/// The request line's target of an operation, its labels filled with ids that exist nowhere.
pub(crate) fn target(operation: Operation) -> String {
    let spec = operation.spec();
    let path: Vec<&str> = spec
        .path
        .split('/')
        .map(|segment| match segment {
            "{voiceConnectorId}" => "0000000000000000000000",
            "{e164PhoneNumber}" | "{phoneNumberId}" => "%2B12065550100",
            label if label.starts_with('{') => "00000000-0000-4000-8000-000000000000",
            literal => literal,
        })
        .collect();
    let query = spec.selector.map(|it| format!("?{}={}", it.key, it.value)).unwrap_or_default();
    path.join("/") + &query
}

/// The answer is the operation's success, or an error that the model declares for it.
fn is_documented(operation: Operation, answer: &Answer) -> bool {
    let spec = operation.spec();
    match answer.error() {
        "" => answer.status == spec.status,
        error => spec.errors.iter().any(|it| it.name() == error && it.status() == answer.status),
    }
}

#[tokio::test]
async fn unsigned_no_operation_is_served() {
    let world = World::start().await;
    for operation in Operation::all() {
        let method = operation.spec().method.as_str();
        let mut request = world.signed(&world.key, method, &target(operation), b"");
        request.set("authorization", None);
        let answer = world.send(&request).await;
        assert_eq!(answer.error(), "MissingAuthenticationTokenException", "{operation}");
    }
}

#[tokio::test]
async fn signed_by_a_stranger_no_operation_is_served() {
    let world = World::start().await;
    let mut stranger = world.key.clone();
    stranger.id = "AKIANOBODY".into();
    for operation in Operation::all() {
        let method = operation.spec().method.as_str();
        let answer = world.call_as(&stranger, method, &target(operation), "").await;
        answer.refused(401, "UnauthorizedClientException");
    }
}

#[tokio::test]
async fn signed_every_operation_gives_its_documented_answer_or_says_that_it_is_not_built() {
    let world = World::start().await;
    let mut built = 0;
    for operation in Operation::all() {
        let method = operation.spec().method.as_str();
        let answer = world.call(method, &target(operation), "").await;
        if api::operation::is_implemented(operation) {
            built += 1;
            assert!(is_documented(operation, &answer), "{operation}: {answer:?}");
        } else {
            let message = answer.refused(501, "NotImplementedException");
            assert!(message.contains(operation.name()), "{message}");
        }
    }
    assert_eq!(built + api::operation::not_implemented().count(), 96);
}

#[tokio::test]
async fn an_empty_next_token_is_refused_by_every_listing_with_the_remedy() {
    let world = World::start().await;
    let mut listings = 0;
    for operation in Operation::all().filter(|it| api::operation::is_implemented(*it)) {
        let members = operation.spec().input.members();
        let queries = members.iter().filter_map(|it| match it.location {
            Location::Query(key) => Some((key, it.presence)),
            Location::Body | Location::Label(_) => None,
        });
        let queries: Vec<(&str, Presence)> = queries.collect();
        if !queries.iter().any(|(key, _)| *key == "next-token") {
            continue;
        }
        listings += 1;
        let mut asked = target(operation);
        let required = queries.iter().filter(|(_, presence)| *presence == Presence::Required);
        let required =
            required.map(|(key, _)| format!("{key}=00000000-0000-4000-8000-000000000000"));
        // A search says where, which is not in the model.
        let place =
            (operation == Operation::SearchAvailablePhoneNumbers).then(|| "area-code=206".into());
        for parameter in required.chain(place).chain(["next-token=".to_owned()]) {
            asked.push(if asked.contains('?') { '&' } else { '?' });
            asked.push_str(&parameter);
        }
        let message = world.call("GET", &asked, "").await.refused(400, "BadRequestException");
        assert!(message.starts_with("NextToken: "), "{operation}: {message}");
        assert!(message.contains("leave it out to begin anew"), "{operation}: {message}");
    }
    assert!(listings >= 10, "{listings} listings were asked");
}

#[tokio::test]
async fn a_read_only_key_reads_and_changes_nothing() {
    let world = World::start().await;
    let key = world.key("AKIAREADER", "000000000000", KeyPolicy::ReadOnly).await;
    for operation in Operation::all() {
        let spec = operation.spec();
        let answer = world.call_as(&key, spec.method.as_str(), &target(operation), "").await;
        match spec.effect {
            Effect::Read => assert_ne!(answer.status, 403, "{operation}: {answer:?}"),
            Effect::Idempotent | Effect::Once => {
                let declared = if spec.declares(ErrorShape::AccessDeniedException) {
                    "AccessDeniedException"
                } else {
                    "ForbiddenException"
                };
                let message = answer.refused(403, declared);
                assert!(message.contains("read-only"), "{operation}: {message}");
                assert!(is_documented(operation, &answer), "{operation}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_operation_is_told_so_and_not_as_an_absent_resource() {
    let world = World::start().await;
    for (method, target, status) in [
        ("GET", "/", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/voice-connectors/0000000000000000000000/x", 404),
        ("PATCH", "/voice-connectors", 405),
        ("DELETE", "/voice-connectors", 405),
    ] {
        let answer = world.call(method, target, "").await;
        answer.refused(status, "UnknownOperationException");
    }
    let target =
        "/voice-connectors/0000000000000000000000/termination/credentials?operation=replace";
    let message = world.call("POST", target, "{}").await.refused(400, "BadRequestException");
    assert!(message.contains("operation=put"), "{message}");
}
