//! Requests find their operation, and what finds none is told what is near.

use crate::support::{Members, request, valid};
use chime_api::{
    Effect, ErrorShape, Method, Operation, RouteError, Support, route, route_error_of_method,
};
use proptest::prelude::*;

const ID: &str = "dr3rbaar376u5r4ntcnlq4";

#[test]
fn every_operation_is_found_at_its_method_path_and_query() {
    assert_eq!(Operation::all().len(), 96);
    for operation in Operation::all() {
        let request = request(operation.spec(), &valid(operation.spec().input, Members::Required));
        let matched = route(request.method, &request.path, &request.query).unwrap();
        assert_eq!(matched.operation, operation);
        assert_eq!(Operation::parse(operation.name()), Some(operation));
    }
}

#[test]
fn the_query_tells_operations_of_one_path_apart() {
    let at = |query: &str| route(Method::Post, "/phone-numbers/%2B12065550100", query);
    assert_eq!(at("").unwrap().operation, Operation::UpdatePhoneNumber);
    assert_eq!(at("x=1").unwrap().operation, Operation::UpdatePhoneNumber);
    assert_eq!(at("operation=restore").unwrap().operation, Operation::RestorePhoneNumber);
    assert_eq!(at("a&operation=restore&b=").unwrap().operation, Operation::RestorePhoneNumber);
    assert_eq!(
        at("operation=destroy").unwrap_err().to_string(),
        "POST /phone-numbers/{phoneNumberId} knows no operation=\"destroy\"; \
         use one of operation=restore"
    );
    assert_eq!(
        at("operation=restore&operation=restore").unwrap_err(),
        RouteError::SelectorTwice { key: "operation" }
    );
}

#[test]
fn a_missing_query_key_is_asked_for() {
    let error = route(Method::Post, &format!("/voice-connectors/{ID}"), "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /voice-connectors/{voiceConnectorId} needs operation= in its query to say which \
         operation is meant; add one of operation=associate-phone-numbers, \
         operation=disassociate-phone-numbers"
    );
    assert_eq!((error.wire().status, error.wire().error_type), (400, "BadRequestException"));
    let search = route(Method::Get, "/search", "").unwrap_err();
    assert!(search.to_string().contains("type=phone-numbers"), "{search}");
}

#[test]
fn a_key_that_means_nothing_here_is_ignored() {
    let matched = route(Method::Get, "/voice-connectors", "operation=put").unwrap();
    assert_eq!(matched.operation, Operation::ListVoiceConnectors);
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let path = format!("/voice-connectors/{ID}/termination");
    let error = route(Method::Post, &path, "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/voice-connectors/{voiceConnectorId}/termination is not served by POST; \
         use GET or PUT or DELETE"
    );
    assert_eq!(error.wire().status, 405);
    assert_eq!(
        route_error_of_method("PATCH", &path).to_string(),
        "/voice-connectors/{voiceConnectorId}/termination is not served by PATCH; \
         use GET or PUT or DELETE"
    );
    assert!(matches!(route_error_of_method("PATCH", "/x"), RouteError::UnknownPath { .. }));
}

#[test]
fn an_unknown_path_is_told_the_nearest() {
    let near = |path: &str| match route(Method::Get, path, "") {
        Err(error @ RouteError::UnknownPath { near, .. }) => {
            assert_eq!(error.wire().error_type, "UnknownOperationException");
            near
        }
        other => panic!("{path}: {other:?}"),
    };
    assert_eq!(
        near(&format!("/voice-connectors/{ID}/terminations")),
        Some("/voice-connectors/{voiceConnectorId}/termination")
    );
    assert_eq!(near("/voice-connector"), Some("/voice-connectors"));
    assert_eq!(near("/settings/"), Some("/settings"));
    assert_eq!(near("/tags/x"), Some("/tags"));
    assert_eq!(near("/zzz"), None);
    assert_eq!(near("/"), None);
    assert_eq!(near(""), None);
    assert_eq!(near("voice-connectors"), None, "a path begins with a slash");
    assert!(near(&format!("/voice-connectors/{}", "a".repeat(70_000))).is_some());
}

#[test]
fn an_empty_id_is_named() {
    for (method, path, operation) in [
        (Method::Get, "/voice-connectors/", Operation::GetVoiceConnector),
        (Method::Delete, "/voice-connectors/", Operation::DeleteVoiceConnector),
        (Method::Get, "/voice-connectors//termination", Operation::GetVoiceConnectorTermination),
    ] {
        match route(method, path, "") {
            Err(error @ RouteError::EmptyLabel { .. }) => {
                let text = error.to_string();
                assert!(text.starts_with("VoiceConnectorId is required and empty"), "{text}");
                assert!(text.contains(operation.name()), "{text}");
                assert_eq!(error.wire().status, 400);
            }
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn labels_are_decoded_once() {
    let label = |path: &str| {
        let matched = route(Method::Get, path, "").unwrap();
        matched.labels.get("phoneNumberId").unwrap().to_owned()
    };
    assert_eq!(label("/phone-numbers/%2B12065550100"), "+12065550100");
    assert_eq!(label("/phone-numbers/%252B12065550100"), "%2B12065550100");
    assert_eq!(label("/phone-numbers/+12065550100"), "+12065550100");
    assert_eq!(label("/phone-numbers/a%2Fb"), "a/b");
    for path in ["/phone-numbers/%", "/phone-numbers/%zz", "/phone-numbers/%ff"] {
        let error = route(Method::Get, path, "").unwrap_err();
        assert!(matches!(error, RouteError::Encoding { member: "PhoneNumberId", .. }), "{path}");
    }
}

#[test]
fn debug_output_of_labels_holds_no_values() {
    let matched = route(Method::Get, "/phone-numbers/%2B12065550100", "").unwrap();
    assert!(!format!("{matched:?}").contains("5550100"));
}

#[test]
fn the_table_tells_what_the_model_tells() {
    let put = Operation::PutVoiceConnectorTerminationCredentials.spec();
    assert_eq!((put.method, put.status), (Method::Post, 204));
    assert!(put.output.is_none());
    assert_eq!(put.effect, Effect::Idempotent);
    assert!(put.declares(ErrorShape::NotFoundException));
    assert!(!put.declares(ErrorShape::ConflictException));

    assert_eq!(Operation::GetPhoneNumber.spec().status, 200, "an unset status means 200");
    assert_eq!(Operation::UpdateVoiceConnectorGroup.spec().status, 202);
    assert_eq!(Operation::UpdateProxySession.spec().status, 201);
    assert_eq!(Operation::CreateVoiceConnector.spec().effect, Effect::Once);
    assert_eq!(Operation::ListPhoneNumbers.spec().effect, Effect::Read);
    assert_eq!(Operation::GetProxySession.spec().support, Support::Deprecated(Some("2026-04-07")));
    assert_eq!(Operation::GetVoiceConnector.spec().support, Support::Current);
}

#[test]
fn every_exception_has_its_status_and_code() {
    assert_eq!(ErrorShape::ALL.len(), 12);
    for (error, status, code) in [
        (ErrorShape::BadRequestException, 400, "BadRequest"),
        (ErrorShape::ResourceLimitExceededException, 400, "ResourceLimitExceeded"),
        (ErrorShape::UnauthorizedClientException, 401, "Unauthorized"),
        (ErrorShape::AccessDeniedException, 403, "AccessDenied"),
        (ErrorShape::ForbiddenException, 403, "Forbidden"),
        (ErrorShape::NotFoundException, 404, "NotFound"),
        (ErrorShape::ConflictException, 409, "Conflict"),
        (ErrorShape::GoneException, 410, "Gone"),
        (ErrorShape::UnprocessableEntityException, 422, "Unprocessable"),
        (ErrorShape::ThrottledClientException, 429, "Throttled"),
        (ErrorShape::ServiceFailureException, 500, "ServiceFailure"),
        (ErrorShape::ServiceUnavailableException, 503, "ServiceUnavailable"),
    ] {
        assert_eq!((error.status(), error.code().as_str()), (status, code), "{error}");
        assert_eq!(ErrorShape::parse(error.name()), Some(error));
    }
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Get), Just(Method::Post), Just(Method::Put), Just(Method::Delete)]
}

proptest! {
    /// Any path and query is an operation or an error of bounded length, never a panic.
    #[test]
    fn any_request_line_is_routed_or_refused(
        method in method(),
        path in "(/(voice-connectors|phone-numbers|tags|termination|%2B|.{0,6})){0,5}|.{0,40}",
        query in "(operation=|type=|put|&|=|.){0,8}",
    ) {
        if let Err(error) = route(method, &path, &query) {
            prop_assert!(error.to_string().len() < 1_500);
        }
    }
}
