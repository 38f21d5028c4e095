//! The body of the fuzz target `api_request`, here so that a stable test replays its corpus.

use crate::shape::Location;
use crate::{
    Input, Labels, Method, Operation, RouteError, Violation, decode, for_each_operation,
    request_parts, route, route_error_of_method,
};

/// Longest request that is printed again: percent-encoding may make three bytes of one, and a path
/// has its limit.
const BYTES_MAX: usize = 20_000;

/// Takes bytes for a request: a line with method and target, then the body. It is routed and decoded,
/// or refused by a sentence that names something; what is accepted is put on the wire as a client
/// does it and is accepted again as the same.
pub fn request(data: &[u8]) {
    let end = data.iter().position(|it| *it == b'\n').unwrap_or(data.len());
    let (line, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let Ok(line) = std::str::from_utf8(line) else { return };
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let routed = match Method::parse(method) {
        Some(method) => route(method, path, query),
        None => Err(route_error_of_method(method, path)),
    };
    match routed {
        Ok(matched) => decode_as(matched.operation, &matched.labels, query, body),
        Err(refusal) => check_route_error(&refusal),
    }
}

fn check_route_error(refusal: &RouteError) {
    let wire = refusal.wire();
    assert!(matches!(wire.status, 400 | 404 | 405), "{refusal}");
    check_sentence(&refusal.to_string());
}

fn check_sentence(text: &str) {
    assert!((10..2_500).contains(&text.len()), "{} bytes: {text}", text.len());
    assert!(!text.contains(['\n', '\r', '\0']), "control characters are escaped: {text:?}");
}

fn check_violation(operation: Operation, violation: &Violation) {
    let text = violation.to_string();
    check_sentence(&text);
    assert!(text.ends_with('.') && text.contains("; "), "without a remedy: {text}");
    assert!(text.starts_with(violation.member()), "{text}");
    let members = operation.spec().input.members();
    let root = violation.member().split(['.', '[', '{']).next().unwrap_or_default();
    let known = root == "The request body" || members.iter().any(|it| it.name == root);
    // A key that is given twice may be one that the operation does not have.
    let twice = *violation.rule() == crate::Rule::Twice;
    assert!(known || twice, "{operation} has no {root}: {text}");
}

macro_rules! decode_by_operation {
    ($($operation:ident => $input:ident;)+) => {
        fn decode_as(operation: Operation, labels: &Labels, query: &str, body: &[u8]) {
            match operation {
                $(Operation::$operation => decode_one::<crate::types::$input>(labels, query, body),)+
            }
        }
    };
}
for_each_operation!(decode_by_operation);

fn decode_one<T: Input>(labels: &Labels, query: &str, body: &[u8]) {
    match decode::<T>(labels, query, body) {
        Ok(input) if query.len() + body.len() <= BYTES_MAX && length(labels) <= BYTES_MAX => {
            check_again(&input);
        }
        Ok(_) => {}
        Err(violation) => check_violation(T::OPERATION, &violation),
    }
}

fn length(labels: &Labels) -> usize {
    labels.iter().map(|it| it.value.len()).sum()
}

/// Puts an accepted input on the wire and takes it off again.
fn check_again<T: Input>(input: &T) {
    const HOLDS: &str = "what was accepted is accepted again";
    let parts = request_parts(input).expect("what was accepted can be sent");
    let matched = route(parts.method, &parts.path, &parts.query).expect(HOLDS);
    assert_eq!(matched.operation, T::OPERATION);
    let labels = T::OPERATION.spec().input.members().iter();
    let labels = labels.filter(|it| matches!(it.location, Location::Label(_))).count();
    assert_eq!(matched.labels.iter().count(), labels);
    let body = parts.body.as_ref().map_or(&[][..], |it| it);
    let again: T = decode(&matched.labels, &parts.query, body).expect(HOLDS);
    let told = |it: &T| serde_json::to_value(it).expect("inputs serialize");
    assert_eq!(told(&again), told(input));
}
