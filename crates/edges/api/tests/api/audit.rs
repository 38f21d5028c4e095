//! The audit.

use std::sync::Arc;

use api::{ApiConfig, Quotas};
use chime_api::shape::{Kind, Location, Secrecy, Shape};
use chime_api::{Effect, Operation};
use model::{KeyPolicy, Policy};
use serde_json::{Value, json};

use crate::coverage::target;
use crate::world::{Answer, World};

/// Everything that the audit has, newest first, once what waits is written.
async fn audit(world: &World, filter: &str) -> Vec<Value> {
    let mut records: Vec<Value> = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("/operator/audit?max-results=1000{filter}{token}");
        let page = world.call("GET", &path, "").await.expect(200);
        records.extend(page["records"].as_array().unwrap().clone());
        match page["next_token"].as_str() {
            Some(next) => token = format!("&next-token={next}"),
            None => return records,
        }
    }
}

/// The same, asked again until it has a record of this request.
async fn record_of(world: &World, answer: &Answer) -> Value {
    let id = answer.header("x-amzn-requestid").unwrap();
    for _ in 0..1000 {
        let found = audit(world, "").await.into_iter().find(|it| it["request_id"] == id);
        if let Some(found) = found {
            return found;
        }
        tokio::task::yield_now().await;
    }
    panic!("no record of {answer:?}");
}

#[tokio::test]
async fn a_change_is_recorded_with_who_what_when_where_and_what_came_of_it() {
    let world = World::start().await;
    let tenant = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let body = r#"{"Name":"trunk","RequireEncryption":false}"#;
    let made = world.call_as(&tenant, "POST", "/voice-connectors", body).await;
    let id = made.expect(201)["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap().to_owned();
    // It was written with the change, so it is there at once.
    assert_eq!(
        audit(&world, "").await,
        [json!({
            "time": "2026-11-23T10:11:12.345Z",
            "request_id": made.header("x-amzn-requestid").unwrap(),
            "account": "111122223333",
            "access_key_id": "AKIATENANT",
            "action": "chime:CreateVoiceConnector",
            "resources": [format!("vc/{id}")],
            "source": "127.0.0.1",
            "outcome": "done",
            "status": 201,
            "error": null,
        })]
    );

    let path = format!("/voice-connectors/{id}");
    let refused = world.call("DELETE", &path, "").await;
    refused.refused(404, "NotFoundException");
    let record = record_of(&world, &refused).await;
    assert_eq!(record["account"], "000000000000");
    assert_eq!((&record["status"], &record["outcome"]), (&404.into(), &"refused".into()));
    assert_eq!(record["error"], "NotFoundException");
    assert_eq!(record["resources"], json!([format!("vc/{id}")]));

    world.call_as(&tenant, "GET", &path, "").await.expect(200);
    assert_eq!(audit(&world, "").await.len(), 2, "what only reads has no record");
}

#[tokio::test]
async fn what_the_operator_does_is_recorded_with_the_status_of_its_answer() {
    let world = World::start().await;
    let made = world.call("POST", "/operator/keys", "{}").await;
    let id = made.expect(201)["key"]["access_key_id"].as_str().unwrap().to_owned();
    let key = format!("/operator/keys/{id}");
    let quota = "/operator/quotas/sip-rules";
    let carrier = json!({"name": "upstream", "host": "192.0.2.1"});
    for (method, path, body, action, resource) in [
        (
            "POST",
            &*format!("{key}/disable"),
            json!({}),
            "DisableKeys",
            format!("keys/{id}/disable"),
        ),
        (
            "PUT",
            &*format!("{key}/policy"),
            json!({"policy": "read-only"}),
            "PutKeys",
            format!("keys/{id}/policy"),
        ),
        ("DELETE", &*key, json!({}), "DeleteKeys", format!("keys/{id}")),
        ("POST", "/operator/carriers", carrier, "CreateCarriers", "carriers/upstream".into()),
        (
            "DELETE",
            "/operator/carriers/upstream",
            json!({}),
            "DeleteCarriers",
            "carriers/upstream".into(),
        ),
        (
            "POST",
            "/operator/numbers",
            json!({"numbers": ["+12065550150"]}),
            "CreateNumbers",
            "numbers/+12065550150".into(),
        ),
        (
            "PUT",
            quota,
            json!({"account": "111122223333", "value": 1}),
            "PutQuotas",
            "quotas/sip-rules".into(),
        ),
        ("POST", "/operator/seal/rotate", json!({}), "RotateSeal", "seal/rotate".into()),
        ("POST", "/operator/nowhere", json!({}), "CreateNowhere", "nowhere".into()),
    ] {
        let answer = world.call(method, path, body).await;
        let record = record_of(&world, &answer).await;
        assert_eq!(record["action"], format!("trunkline:{action}"));
        assert_eq!(record["status"], answer.status, "{path}");
        assert_eq!(record["resources"], json!([resource]), "{path}");
    }
    let record = record_of(&world, &made).await;
    assert_eq!(
        (&record["status"], &record["resources"]),
        (&201.into(), &json!([format!("keys/{id}")]))
    );
    let listed = audit(&world, "&operation=DisableKeys&outcome=done").await;
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn refusals_of_every_kind_are_recorded_and_a_strangers_word_is_told_apart() {
    let world = World::start().await;
    let method_and_path = ("POST", "/voice-connectors");
    let (method, path) = method_and_path;
    let mut wrong = world.key.clone();
    wrong.secret = "wrong".into();
    let denied = Policy::parse(r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#);
    let denied = KeyPolicy::Custom(Arc::new(denied.unwrap()));
    let denied = world.key("AKIADENIED", "111122223333", denied).await;
    let mut unsigned = world.signed(&world.key, method, path, b"{}");
    unsigned.set("authorization", None);
    let no_key = Value::Null;
    for (answer, account, key) in [
        (world.call_as(&wrong, method, path, "{}").await, Value::Null, json!(world.key.id)),
        (world.send(&unsigned).await, Value::Null, no_key),
        (
            world.call_as(&denied, method, path, "{}").await,
            json!("111122223333"),
            json!("AKIADENIED"),
        ),
        (world.call(method, path, "{").await, json!("000000000000"), json!(world.key.id)),
        (world.call(method, path, "{}").await, json!("000000000000"), json!(world.key.id)),
    ] {
        let record = record_of(&world, &answer).await;
        assert_eq!(record["action"], "chime:CreateVoiceConnector");
        assert_eq!(record["error"], answer.error(), "{record}");
        assert_eq!((&record["account"], &record["access_key_id"]), (&account, &key), "{record}");
    }
    let strangers = audit(&world, "&key=AKIADENIED").await;
    assert_eq!(strangers.len(), 1);
}

#[tokio::test]
async fn a_change_that_is_refused_in_its_transaction_leaves_one_record() {
    let quotas = Quotas { voice_connectors: 0, ..Quotas::default() };
    let world = World::with_config(ApiConfig { quotas, ..ApiConfig::default() }).await;
    let body = r#"{"Name":"trunk","RequireEncryption":false}"#;
    let answer = world.call("POST", "/voice-connectors", body).await;
    answer.refused(400, "ResourceLimitExceededException");
    let record = record_of(&world, &answer).await;
    assert_eq!(record["error"], "ResourceLimitExceededException");
    assert_eq!(audit(&world, "").await.len(), 1);
}

#[tokio::test]
async fn a_listing_is_filtered_and_paged() {
    let world = World::start().await;
    for _ in 0..5 {
        world.connector().await;
    }
    let first = world.call("GET", "/operator/audit?max-results=3", "").await.expect(200);
    assert_eq!(first["records"].as_array().unwrap().len(), 3);
    let next = first["next_token"].as_str().unwrap();
    let path = format!("/operator/audit?max-results=3&next-token={next}");
    let second = world.call("GET", &path, "").await.expect(200);
    assert_eq!(second["records"].as_array().unwrap().len(), 2);
    assert_eq!(second.get("next_token"), None);

    assert_eq!(audit(&world, "&since=2026-11-23T10:11:13Z").await.len(), 0);
    assert_eq!(audit(&world, "&until=2026-11-23T10:11:13Z").await.len(), 5);
    assert_eq!(audit(&world, "&account=111122223333").await.len(), 0);
    assert_eq!(audit(&world, "&outcome=failed").await.len(), 0);
    for bad in ["outcome=good", "since=yesterday", "account=1", "next-token=00", "who=me"] {
        let path = format!("/operator/audit?{bad}");
        world.call("GET", &path, "").await.refused(400, "BadRequestException");
    }
}

const SENTINEL: &str = "correct-horse-battery-staple";

/// A value of a shape with the sentinel wherever a secret can stand; `None` if none can.
fn with_secrets(shape: &Shape) -> Option<Value> {
    match &shape.kind {
        Kind::Text { .. } => (shape.secrecy == Secrecy::Secret).then(|| SENTINEL.into()),
        Kind::Structure(members) => {
            let members: serde_json::Map<String, Value> = members
                .iter()
                .filter(|it| it.location == Location::Body)
                .filter_map(|it| Some((it.name.to_owned(), with_secrets(it.shape)?)))
                .collect();
            (!members.is_empty()).then(|| members.into())
        }
        Kind::List { element, .. } => with_secrets(element).map(|it| json!([it])),
        Kind::Map { key, value, .. } => {
            let key = with_secrets(key);
            let key = key.as_ref().and_then(Value::as_str).unwrap_or("key").to_owned();
            with_secrets(value).map(|it| json!({ key: it }))
        }
        Kind::Enumeration(_)
        | Kind::Integer(_)
        | Kind::Float(_)
        | Kind::Boolean
        | Kind::Timestamp => None,
    }
}

#[tokio::test]
async fn no_secret_of_any_operation_is_in_the_audit() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let users = json!({"Credentials": [{"Username": "pbx", "Password": SENTINEL}]});
    let path = format!("/voice-connectors/{id}/termination/credentials?operation=put");
    world.call("POST", &path, users).await.expect(204);
    let carrier = json!({"name": "a", "host": "192.0.2.1", "username": "u", "password": SENTINEL});
    world.call("POST", "/operator/carriers", carrier).await.expect(201);

    let mut bearing = 0;
    for operation in Operation::all().filter(|it| it.spec().effect != Effect::Read) {
        let Some(body) = with_secrets(operation.spec().input) else { continue };
        bearing += 1;
        let method = operation.spec().method.as_str();
        let answer = world.call(method, &target(operation), body).await;
        record_of(&world, &answer).await;
    }
    assert!(bearing >= 10, "{bearing}");
    let all = Value::from(audit(&world, "").await).to_string();
    assert!(all.contains("PutVoiceConnectorTerminationCredentials") && !all.contains(SENTINEL));
}
