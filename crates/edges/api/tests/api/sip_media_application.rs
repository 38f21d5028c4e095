//! SIP media applications, their logging and their calls.

use std::sync::{Arc, Mutex};

use api::{
    ApiConfig, ApplicationCall, ApplicationUpdate, HungUp, LiveCall, LiveCalls, LiveFuture, Quotas,
    ServiceInfo, Updated,
};
use model::{AccountId, E164Number, KeyPolicy, PhoneNumber, TransactionId};
use serde_json::{Value, json};
use store::TypedTx as _;

use crate::world::{Key, START, World};

pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:ivr";
const ABSENT: &str = "00000000-0000-4000-8000-000000000000";
const NUMBER: &str = "+12065550100";

/// A request to create an application.
pub(crate) fn draft(name: &str, region: &str) -> Value {
    let function = FUNCTION.replace("us-east-1", region);
    json!({"Name": name, "AwsRegion": region, "Endpoints": [{"LambdaArn": function}]})
}

/// Creates an application and returns its id.
pub(crate) async fn application(world: &World, region: &str) -> String {
    application_as(world, &world.key, region).await
}

pub(crate) async fn application_as(world: &World, key: &Key, region: &str) -> String {
    let body = draft("ivr", region);
    let created = world.call_as(key, "POST", "/sip-media-applications", body).await.expect(201);
    created["SipMediaApplication"]["SipMediaApplicationId"].as_str().unwrap().to_owned()
}

/// Gives a number to an account, as the operator would.
pub(crate) async fn own(world: &World, number: &str, owner: &str) {
    let number = E164Number::parse(number).unwrap();
    let owner = AccountId::parse(owner).unwrap();
    let phone = PhoneNumber::new(number, Some(owner), START);
    world.store.write(move |tx| tx.put(&phone)).await.unwrap();
}

#[tokio::test]
async fn an_application_is_created_read_updated_listed_and_deleted() {
    let world = World::start().await;
    let created = world
        .call("POST", "/sip-media-applications", draft("ivr 1", "eu-west-1"))
        .await
        .expect(201);
    let application = &created["SipMediaApplication"];
    let id = application["SipMediaApplicationId"].as_str().unwrap();
    assert_eq!(id.len(), 36);
    let function = FUNCTION.replace("us-east-1", "eu-west-1");
    assert_eq!(
        *application,
        json!({
            "SipMediaApplicationId": id,
            "AwsRegion": "eu-west-1",
            "Name": "ivr 1",
            "Endpoints": [{"LambdaArn": function}],
            "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
            "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
            "SipMediaApplicationArn": format!("arn:aws:chime:eu-west-1:000000000000:sma/{id}"),
        })
    );
    let path = format!("/sip-media-applications/{id}");
    assert_eq!(world.call("GET", &path, "").await.expect(200), created);

    world.clock.advance(std::time::Duration::from_millis(655));
    let renamed = world.call("PUT", &path, json!({"Name": "other"})).await.expect(200);
    assert_eq!(renamed["SipMediaApplication"]["Name"], "other");
    assert_eq!(renamed["SipMediaApplication"]["Endpoints"], application["Endpoints"]);
    assert_eq!(renamed["SipMediaApplication"]["UpdatedTimestamp"], "2026-11-23T10:11:13.000Z");
    let endpoints = json!([{"LambdaArn": format!("{function}:live")}]);
    let moved = world.call("PUT", &path, json!({"Endpoints": endpoints})).await.expect(200);
    assert_eq!(moved["SipMediaApplication"]["Name"], "other");
    assert_eq!(moved["SipMediaApplication"]["Endpoints"], endpoints);
    assert_eq!(world.call("GET", &path, "").await.expect(200), moved);

    let listed = world.call("GET", "/sip-media-applications", "").await.expect(200);
    assert_eq!(listed, json!({"SipMediaApplications": [moved["SipMediaApplication"]]}));

    world.call("DELETE", &path, "").await.expect(204);
    let message = world.call("GET", &path, "").await.refused(404, "NotFoundException");
    assert_eq!(message, format!("Could not find SipMediaApplication with Id '{id}'"));
    world.call("DELETE", &path, "").await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn an_application_has_one_function_in_its_own_region() {
    let world = World::start().await;
    let elsewhere = json!([{"LambdaArn": FUNCTION.replace("us-east-1", "us-west-2")}]);
    for (endpoints, named) in [
        (json!([]), "Endpoints"),
        (json!([{}]), "Endpoints[0].LambdaArn"),
        (json!([{"LambdaArn": FUNCTION}, {"LambdaArn": FUNCTION}]), "Endpoints"),
        (json!([{"LambdaArn": "ivr"}]), "LambdaArn"),
        (json!([{"LambdaArn": "arn:aws:s3:::ivr"}]), "LambdaArn"),
        (elsewhere.clone(), "us-west-2"),
    ] {
        let body = json!({"Name": "x", "AwsRegion": "us-east-1", "Endpoints": endpoints});
        let answer = world.call("POST", "/sip-media-applications", body).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(named), "{message}");
    }
    let mut nowhere = draft("x", "us-east-1");
    nowhere["AwsRegion"] = "mars-1".into();
    let answer = world.call("POST", "/sip-media-applications", nowhere).await;
    answer.refused(400, "BadRequestException");
    let id = application(&world, "us-east-1").await;
    let update = json!({"Endpoints": elsewhere});
    world
        .call("PUT", &format!("/sip-media-applications/{id}"), update)
        .await
        .refused(400, "BadRequestException");
}

#[tokio::test]
async fn listing_applications_goes_page_by_page() {
    let world = World::start().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(application(&world, "us-east-1").await);
    }
    made.sort();
    let target = "/sip-media-applications?max-results=2";
    let first = world.call("GET", target, "").await.expect(200);
    let token = first["NextToken"].as_str().unwrap();
    let second = world.call("GET", &format!("{target}&next-token={token}"), "").await.expect(200);
    assert_eq!(second.get("NextToken"), None);
    let ids: Vec<&Value> = [&first, &second]
        .iter()
        .flat_map(|page| page["SipMediaApplications"].as_array().unwrap())
        .map(|it| &it["SipMediaApplicationId"])
        .collect();
    assert_eq!(json!(ids), json!(made));
    world
        .call("GET", &format!("/sip-rules?next-token={token}"), "")
        .await
        .refused(400, "BadRequestException");
}

#[tokio::test]
async fn the_quota_refuses_one_application_too_many() {
    let config = ApiConfig {
        quotas: Quotas { sip_media_applications: 1, ..Quotas::default() },
        ..ApiConfig::default()
    };
    let world = World::with_config(config).await;
    let id = application(&world, "us-east-1").await;
    let answer = world.call("POST", "/sip-media-applications", draft("x", "us-east-1")).await;
    let message = answer.refused(400, "ResourceLimitExceededException");
    assert!(message.contains("SIP media applications\" is 1"), "{message}");
    world.call("DELETE", &format!("/sip-media-applications/{id}"), "").await.expect(204);
    application(&world, "us-east-1").await;
}

#[tokio::test]
async fn sip_messages_are_not_logged_until_it_is_asked_for() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    let path = format!("/sip-media-applications/{id}/logging-configuration");
    let logged = |it: bool| json!({"SipMediaApplicationLoggingConfiguration": {"EnableSipMediaApplicationMessageLogs": it}});
    assert_eq!(world.call("GET", &path, "").await.expect(200), logged(false));
    assert_eq!(world.call("PUT", &path, logged(true)).await.expect(200), logged(true));
    assert_eq!(world.call("GET", &path, "").await.expect(200), logged(true));
    let empty = json!({"SipMediaApplicationLoggingConfiguration": {}});
    assert_eq!(world.call("PUT", &path, empty).await.expect(200), logged(false));
    let message = world.call("PUT", &path, "{}").await.refused(400, "BadRequestException");
    assert!(message.contains("EnableSipMediaApplicationMessageLogs"), "{message}");
}

#[tokio::test]
async fn alexa_skills_are_gone() {
    let world = World::start().await;
    let skill = format!("amzn1.application-oa2-client.{}", "0".repeat(32));
    let body = json!({"SipMediaApplicationAlexaSkillConfiguration":
        {"AlexaSkillStatus": "ACTIVE", "AlexaSkillIds": [skill]}});
    for id in [application(&world, "us-east-1").await, ABSENT.into()] {
        let path = format!("/sip-media-applications/{id}/alexa-skill-configuration");
        world.call("GET", &path, "").await.refused(410, "GoneException");
        world.call("PUT", &path, body.clone()).await.refused(410, "GoneException");
    }
}

fn call_body() -> Value {
    json!({"FromPhoneNumber": NUMBER, "ToPhoneNumber": "+12125550100",
        "SipHeaders": {"X-Order": "17"}, "ArgumentsMap": {"step": "1"}})
}

#[tokio::test]
async fn a_call_wants_an_application_and_a_number_of_the_account_and_fit_headers() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    let path = format!("/sip-media-applications/{id}/calls");
    let message = world.call("POST", &path, call_body()).await.refused(400, "BadRequestException");
    assert!(message.contains("FromPhoneNumber: +12065550100 is not"), "{message}");
    own(&world, NUMBER, "111122223333").await;
    let foreign = world.call("POST", &path, call_body()).await.refused(400, "BadRequestException");
    assert_eq!(foreign, message, "another account's number cannot be told from an absent one");

    own(&world, NUMBER, "000000000000").await;
    for (member, value, named) in [
        ("ToPhoneNumber", json!("911x"), "ToPhoneNumber"),
        ("SipHeaders", json!({"Via": "x"}), "Invalid SIP header(s) provided: Via"),
        ("SipHeaders", json!({"X-Amzn-Id": "x"}), "X-Amzn-Id"),
        ("SipHeaders", json!({"X-A": "b\r\nVia: c"}), "X-A"),
    ] {
        let mut body = call_body();
        body[member] = value;
        let message = world.call("POST", &path, body).await.refused(400, "BadRequestException");
        assert!(message.contains(named), "{message}");
    }
    let absent = format!("/sip-media-applications/{ABSENT}/calls");
    let message =
        world.call("POST", &absent, call_body()).await.refused(400, "BadRequestException");
    assert_eq!(message, format!("Could not find SipMediaApplication with Id '{ABSENT}'"));
}

#[tokio::test]
async fn without_an_engine_for_them_calls_are_unavailable() {
    let world = World::start().await;
    own(&world, NUMBER, "000000000000").await;
    let id = application(&world, "us-east-1").await;
    let path = format!("/sip-media-applications/{id}/calls");
    let update = json!({"Arguments": {"a": "b"}});
    for answer in [
        world.call("POST", &path, call_body()).await,
        world.call("POST", &format!("{path}/{ABSENT}"), update).await,
    ] {
        let message = answer.refused(503, "ServiceUnavailableException");
        assert!(message.contains("no engine for calls of SIP media applications"), "{message}");
        assert_eq!(answer.header("retry-after"), None, "asking again does not help");
    }
}

/// An engine that remembers what it was asked for, and knows one call.
#[derive(Default)]
struct Engine {
    placed: Mutex<Vec<ApplicationCall>>,
    updated: Mutex<Vec<ApplicationUpdate>>,
}

const CALL: [u8; 16] = [7; 16];

impl LiveCalls for Engine {
    fn list(&self) -> LiveFuture<'_, Vec<LiveCall>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn find<'a>(&'a self, _call: &'a str) -> LiveFuture<'a, Option<LiveCall>> {
        Box::pin(async { Ok(None) })
    }
    fn hang_up(&self, _call: TransactionId) -> LiveFuture<'_, HungUp> {
        Box::pin(async { Ok(HungUp::NoSuchCall) })
    }
    fn service(&self) -> LiveFuture<'_, ServiceInfo> {
        Box::pin(std::future::pending())
    }
    fn place(&self, call: ApplicationCall) -> LiveFuture<'_, TransactionId> {
        self.placed.lock().unwrap().push(call);
        Box::pin(async { Ok(TransactionId::from_random(CALL)) })
    }
    fn update(&self, update: ApplicationUpdate) -> LiveFuture<'_, Updated> {
        let is_known = update.call == TransactionId::from_random(CALL);
        self.updated.lock().unwrap().push(update);
        Box::pin(async move { Ok(if is_known { Updated::Ordered } else { Updated::NoSuchCall }) })
    }
}

#[tokio::test]
async fn the_engine_is_handed_calls_and_updates_as_they_were_asked_for() {
    let engine = Arc::new(Engine::default());
    let world = World::with(ApiConfig::default(), engine.clone()).await;
    own(&world, NUMBER, "000000000000").await;
    let id = application(&world, "us-east-1").await;
    let path = format!("/sip-media-applications/{id}/calls");

    let created = world.call("POST", &path, call_body()).await.expect(201);
    let transaction = TransactionId::from_random(CALL).to_string();
    assert_eq!(created, json!({"SipMediaApplicationCall": {"TransactionId": transaction}}));
    {
        let placed = engine.placed.lock().unwrap();
        let [call] = &placed[..] else { panic!("one call: {placed:?}") };
        assert_eq!(call.application.id.to_string(), id);
        assert_eq!(
            (call.from.to_string(), call.to.to_string()),
            (NUMBER.into(), "+12125550100".into())
        );
        let (name, value) = call.headers.iter().next().unwrap();
        assert_eq!((name.expose(), value.expose()), ("X-Order", "17"));
        let (name, value) = call.arguments.iter().next().unwrap();
        assert_eq!((name.expose(), value.expose()), ("step", "1"));
    }

    let update = json!({"Arguments": {"a": "b"}});
    let updated =
        world.call("POST", &format!("{path}/{transaction}"), update.clone()).await.expect(202);
    assert_eq!(updated, created);
    assert_eq!(engine.updated.lock().unwrap()[0].arguments.len(), 1);
    for unknown in [ABSENT, "no-uuid"] {
        let answer = world.call("POST", &format!("{path}/{unknown}"), update.clone()).await;
        let message = answer.refused(404, "NotFoundException");
        assert!(message.contains(unknown), "{message}");
    }
}

#[tokio::test]
async fn applications_of_another_account_cannot_be_told_from_absent_ones() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    own(&world, NUMBER, "111122223333").await;
    let name = json!({"Name": "x"}).to_string();
    let logging = json!({"SipMediaApplicationLoggingConfiguration": {}}).to_string();
    let arguments = json!({"Arguments": {}}).to_string();
    let call = call_body().to_string();
    for (method, suffix, body) in [
        ("GET", "", ""),
        ("PUT", "", name.as_str()),
        ("DELETE", "", ""),
        ("GET", "/logging-configuration", ""),
        ("PUT", "/logging-configuration", &logging),
        ("POST", "/calls", &call),
        ("POST", "/calls/00000000-0000-4000-8000-000000000001", &arguments),
    ] {
        let path = |id: &str| format!("/sip-media-applications/{id}{suffix}");
        let foreign = world.call_as(&other, method, &path(&id), body).await;
        let missing = world.call_as(&other, method, &path(ABSENT), body).await;
        let (status, error) = if suffix == "/calls" {
            (400, "BadRequestException")
        } else {
            (404, "NotFoundException")
        };
        assert_eq!(
            foreign.refused(status, error).replace(&id, "ID"),
            missing.refused(status, error).replace(ABSENT, "ID"),
            "{method} {suffix}"
        );
    }
    let listed = world.call_as(&other, "GET", "/sip-media-applications", "").await.expect(200);
    assert_eq!(listed, json!({"SipMediaApplications": []}));
}
