//! The OpenAPI documents, as a stranger fetches them.

use std::collections::BTreeSet;

use chime_api::Operation;
use serde_json::Value;

use crate::world::{Answer, Request, World};

const DOCUMENTS: [&str; 2] = ["/openapi/chime-sdk-voice.json", "/openapi/operator.json"];

async fn ask(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let all = [("host", "localhost")].into_iter().chain(headers.iter().copied());
    let headers = all.map(|(name, it)| (name.to_owned(), it.to_owned())).collect();
    let request = Request { method: method.into(), target: path.into(), headers, body: Vec::new() };
    world.send(&request).await
}

#[tokio::test]
async fn a_stranger_may_read_what_the_apis_are_like() {
    let world = World::start().await;
    for path in DOCUMENTS {
        let answer = ask(&world, "GET", path, &[]).await;
        assert_eq!(answer.expect(200)["openapi"], "3.1.0");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let head = ask(&world, "HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), answer.header("content-length"));
        ask(&world, "GET", &format!("{path}?x=y"), &[]).await.expect(200);
        let answer = ask(&world, "POST", path, &[]).await;
        let message = answer.refused(405, "UnknownOperationException");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        assert!(message.contains(path), "{message}");
    }
    ask(&world, "GET", "/openapi/other.json", &[])
        .await
        .refused(403, "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn who_has_a_document_already_is_not_sent_it_again() {
    let world = World::start().await;
    let mut tags = BTreeSet::new();
    for path in DOCUMENTS {
        let tag = ask(&world, "GET", path, &[]).await.header("etag").unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"old\", {tag}"), "*".into()] {
            let answer = ask(&world, "GET", path, &[("if-none-match", &known)]).await;
            assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{known}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
        }
        ask(&world, "GET", path, &[("if-none-match", "\"old\"")]).await.expect(200);
        tags.insert(tag);
    }
    assert_eq!(tags.len(), 2, "each has its own");
}

#[tokio::test]
async fn every_operation_stands_in_the_document_with_its_status_and_exceptions() {
    let world = World::start().await;
    let document = ask(&world, "GET", DOCUMENTS[0], &[]).await.expect(200);
    for operation in Operation::all() {
        let spec = operation.spec();
        let it = &document["paths"][spec.path][spec.method.as_str().to_ascii_lowercase()];
        let id = it["operationId"].as_str().unwrap_or_else(|| panic!("{operation} is not there"));
        let stands = |name: &Value| name["name"] == spec.name;
        let alone = it["x-operations"].as_array().map(|all| all.iter().any(stands));
        assert!(alone.unwrap_or(id == spec.name), "{operation} is not named at its path");
        assert!(it["responses"][spec.status.to_string()].is_object(), "{operation}");
        if let Some(selector) = spec.selector {
            let parameters = it["parameters"].as_array().unwrap();
            let meant = parameters.iter().find(|it| it["name"] == selector.key).unwrap();
            let values = meant["schema"]["enum"].as_array().unwrap();
            assert!(values.iter().any(|it| it == selector.value), "{operation}");
        }
        let responses = it["responses"].to_string();
        for error in spec.errors {
            assert!(responses.contains(error.name()), "{operation} lacks {}", error.name());
        }
    }
}
