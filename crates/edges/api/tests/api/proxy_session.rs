//! Proxy phone sessions.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::ApiConfig;
use api::live::{HungUp, LiveCall, LiveCalls, LiveFuture, ServiceInfo};
use model::{KeyPolicy, ProxySessionId, TransactionId};
use serde_json::{Value, json};

use crate::world::World;

const ALICE: &str = "+12065550111";
const BOB: &str = "+13035550122";
const CAROL: &str = "+14155550133";
/// Numbers of the connector: two of Seattle, one of Denver.
const POOL: [&str; 3] = ["+12065550100", "+12065550101", "+13035550100"];
const MINUTE: Duration = Duration::from_secs(60);

/// A connector with a proxy and its numbers; the path of its sessions.
async fn sessions(world: &World, numbers: &[&str]) -> String {
    let path = format!("/voice-connectors/{}", world.connector().await);
    let proxy = json!({"DefaultSessionExpiryMinutes": 60, "PhoneNumberPoolCountries": ["US"]});
    world.call("PUT", &format!("{path}/programmable-numbers/proxy"), proxy).await.expect(200);
    if !numbers.is_empty() {
        world.numbers("000000000000", numbers).await;
        let body = json!({"E164PhoneNumbers": numbers});
        let target = format!("{path}?operation=associate-phone-numbers");
        world.call("POST", &target, body).await.expect(200);
    }
    format!("{path}/proxy-sessions")
}

fn between(one: &str, other: &str) -> Value {
    json!({"ParticipantPhoneNumbers": [one, other], "Capabilities": ["Voice"]})
}

async fn open(world: &World, sessions: &str, body: Value) -> Value {
    world.call("POST", sessions, body).await.expect(201)["ProxySession"].clone()
}

fn number(session: &Value) -> &str {
    session["Participants"][0]["ProxyPhoneNumber"].as_str().unwrap()
}

fn path(sessions: &str, session: &Value) -> String {
    format!("{sessions}/{}", session["ProxySessionId"].as_str().unwrap())
}

#[tokio::test]
async fn a_session_is_open_until_its_time_is_over() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL).await;
    let mut body = between(ALICE, BOB);
    body["Name"] = "deal 7".into();
    let made = open(&world, &sessions, body).await;
    assert_eq!(
        made,
        json!({
            "VoiceConnectorId": sessions.split('/').nth(2).unwrap(),
            "ProxySessionId": made["ProxySessionId"],
            "Name": "deal 7",
            "Status": "Open",
            "ExpiryMinutes": 60,
            "Capabilities": ["Voice"],
            "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
            "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
            "Participants": [
                {"PhoneNumber": ALICE, "ProxyPhoneNumber": POOL[0]},
                {"PhoneNumber": BOB, "ProxyPhoneNumber": POOL[0]},
            ],
        })
    );
    let path = path(&sessions, &made);
    world.clock.advance(59 * MINUTE);
    let body = json!({"Capabilities": ["Voice", "SMS"], "ExpiryMinutes": 10});
    let updated = world.call("POST", &path, &body).await.expect(201);
    assert_eq!(updated["ProxySession"]["Capabilities"], json!(["Voice", "SMS"]));
    world.clock.advance(10 * MINUTE - Duration::from_millis(1));
    assert_eq!(world.call("GET", &path, "").await.expect(200), updated);
    world.clock.advance(Duration::from_millis(1));
    let closed = world.call("GET", &path, "").await.expect(200);
    assert_eq!(closed["ProxySession"]["Status"], "Closed");
    assert_eq!(closed["ProxySession"]["EndedTimestamp"], "2026-11-23T11:20:12.345Z");
    world.call("POST", &path, &body).await.refused(400, "BadRequestException");
    world.call("DELETE", &path, "").await.expect(204);
    assert_eq!(world.call("GET", &path, "").await.expect(200), closed);
}

#[tokio::test]
async fn a_deleted_session_is_closed_and_listed_by_its_status() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL).await;
    let first = open(&world, &sessions, between(ALICE, BOB)).await;
    let second = open(&world, &sessions, between(ALICE, CAROL)).await;
    assert_ne!(number(&first), number(&second), "a number leads each participant to one session");
    world.clock.advance(MINUTE);
    world.call("DELETE", &path(&sessions, &first), "").await.expect(204);
    let list = async |query: &str| -> Vec<Value> {
        let page = world.call("GET", &format!("{sessions}?{query}"), "").await.expect(200);
        let found = page["ProxySessions"].as_array().unwrap().iter();
        found.map(|it| it["ProxySessionId"].clone()).collect()
    };
    assert_eq!(list("").await.len(), 2);
    assert_eq!(list("status=Open").await, [second["ProxySessionId"].clone()]);
    assert_eq!(list("status=Closed").await, [first["ProxySessionId"].clone()]);
    assert_eq!(list("status=InProgress").await, [Value::Null; 0]);
    let page = world.call("GET", &format!("{sessions}?max-results=1"), "").await.expect(200);
    let token = page["NextToken"].as_str().unwrap();
    assert_eq!(list(&format!("max-results=1&next-token={token}")).await.len(), 1);
    let closed = world.call("GET", &path(&sessions, &first), "").await.expect(200);
    assert_eq!(closed["ProxySession"]["EndedTimestamp"], "2026-11-23T10:12:12.345Z");
}

/// An engine that knows of nothing but who talks.
#[derive(Default)]
struct Talking(Mutex<BTreeSet<ProxySessionId>>);

impl LiveCalls for Talking {
    fn talking(&self) -> LiveFuture<'_, BTreeSet<ProxySessionId>> {
        Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
    }
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
}

#[tokio::test]
async fn a_session_is_in_progress_while_its_two_talk_and_closed_when_its_time_is_over() {
    let engine = Arc::new(Talking::default());
    let world = World::with(ApiConfig::default(), engine.clone()).await;
    let sessions = sessions(&world, &POOL).await;
    let busy = open(&world, &sessions, between(ALICE, BOB)).await;
    let quiet = open(&world, &sessions, between(ALICE, CAROL)).await;
    let id = busy["ProxySessionId"].as_str().unwrap();
    engine.0.lock().unwrap().insert(ProxySessionId::parse(id).unwrap());

    let told = async |session: &Value| -> Value {
        let told = world.call("GET", &path(&sessions, session), "").await.expect(200);
        told["ProxySession"]["Status"].clone()
    };
    let listed = async |status: &str| -> Vec<Value> {
        let page = format!("{sessions}?status={status}");
        let page = world.call("GET", &page, "").await.expect(200);
        page["ProxySessions"].as_array().unwrap().iter().map(|it| it["Status"].clone()).collect()
    };
    assert_eq!((told(&busy).await, told(&quiet).await), ("InProgress".into(), "Open".into()));
    assert_eq!(listed("InProgress").await, ["InProgress"]);
    assert_eq!(listed("Open").await, ["Open"]);
    let body = json!({"Capabilities": ["Voice", "SMS"], "ExpiryMinutes": 10});
    let updated = world.call("POST", &path(&sessions, &busy), body).await.expect(201);
    assert_eq!(updated["ProxySession"]["Status"], "InProgress");

    world.clock.advance(10 * MINUTE);
    assert_eq!(told(&busy).await, "Closed", "though the call goes on");
    assert_eq!(listed("InProgress").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_number_serves_strangers_at_once_but_no_participant_twice() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL[..1]).await;
    let first = open(&world, &sessions, between(ALICE, BOB)).await;
    let strangers = open(&world, &sessions, between(CAROL, "+14155550134")).await;
    assert_eq!(number(&first), number(&strangers));
    let answer = world.call("POST", &sessions, between(CAROL, BOB)).await;
    let message = answer.refused(400, "BadRequestException");
    assert!(message.contains("no proxy number is left"), "{message}");
    world.call("DELETE", &path(&sessions, &first), "").await.expect(204);
    world.call("DELETE", &path(&sessions, &strangers), "").await.expect(204);
    open(&world, &sessions, between(CAROL, BOB)).await;
}

#[tokio::test]
async fn history_and_place_are_preferred_as_asked() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL).await;
    let with = |changes: Value| {
        let mut body = between(ALICE, BOB);
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    let denver = json!({"GeoMatchLevel": "AreaCode",
        "GeoMatchParams": {"Country": "US", "AreaCode": "303"}});
    for (changes, expected) in [
        (denver.clone(), POOL[2]),
        (json!({"NumberSelectionBehavior": "PreferSticky"}), POOL[2]),
        (json!({"NumberSelectionBehavior": "AvoidSticky"}), POOL[0]),
        (json!({"NumberSelectionBehavior": "AvoidSticky"}), POOL[1]),
        (json!({"NumberSelectionBehavior": "AvoidSticky"}), POOL[0]),
        (json!({"GeoMatchLevel": "AreaCode", "NumberSelectionBehavior": "PreferSticky"}), POOL[0]),
        (json!({"GeoMatchLevel": "Country"}), POOL[0]),
        (
            json!({"GeoMatchLevel": "AreaCode",
                "GeoMatchParams": {"Country": "US", "AreaCode": "907"}}),
            POOL[0],
        ),
    ] {
        world.clock.advance(MINUTE);
        let made = open(&world, &sessions, with(changes.clone())).await;
        assert_eq!(number(&made), expected, "{changes}");
        for (key, value) in changes.as_object().unwrap() {
            assert_eq!(made[key], *value);
        }
        world.call("DELETE", &path(&sessions, &made), "").await.expect(204);
    }
}

#[tokio::test]
async fn a_session_that_breaks_a_rule_is_refused() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL).await;
    for (change, member) in [
        (json!({"ParticipantPhoneNumbers": [ALICE]}), "ParticipantPhoneNumbers"),
        (json!({"ParticipantPhoneNumbers": [ALICE, ALICE]}), "twice"),
        (json!({"ParticipantPhoneNumbers": [ALICE, "x"]}), "ParticipantPhoneNumbers"),
        (json!({"Capabilities": []}), "Capabilities"),
        (json!({"Capabilities": ["Voice", "Voice"]}), "twice"),
        (json!({"Capabilities": ["Fax"]}), "Capabilities"),
        (json!({"ExpiryMinutes": 0}), "ExpiryMinutes"),
        (json!({"Name": "a-b"}), "Name"),
        (json!({"GeoMatchParams": {"Country": "US", "AreaCode": "206"}}), "GeoMatchLevel"),
        (
            json!({"GeoMatchLevel": "AreaCode", "GeoMatchParams": {"Country": "US", "AreaCode": ""}}),
            "AreaCode",
        ),
    ] {
        let mut body = between(ALICE, BOB);
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = world.call("POST", &sessions, body).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(member), "{change}: {message}");
    }
}

#[tokio::test]
async fn sessions_need_a_proxy_that_is_enabled_and_end_with_it() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL).await;
    let proxy =
        format!("{}/programmable-numbers/proxy", sessions.trim_end_matches("/proxy-sessions"));
    let made = open(&world, &sessions, between(ALICE, BOB)).await;
    let off = json!({"DefaultSessionExpiryMinutes": 60, "PhoneNumberPoolCountries": ["US"],
        "Disabled": true});
    world.call("PUT", &proxy, off).await.expect(200);
    let answer = world.call("POST", &sessions, between(ALICE, CAROL)).await;
    answer.refused(400, "BadRequestException");
    let read = world.call("GET", &path(&sessions, &made), "").await.expect(200);
    assert_eq!(read["ProxySession"]["Status"], "Open", "disabling stops new sessions alone");
    let canada = json!({"DefaultSessionExpiryMinutes": 60, "PhoneNumberPoolCountries": ["CA"]});
    world.call("PUT", &proxy, canada).await.expect(200);
    let answer = world.call("POST", &sessions, between(ALICE, CAROL)).await;
    answer.refused(400, "BadRequestException");
    world.call("DELETE", &proxy, "").await.expect(204);
    let read = world.call("GET", &path(&sessions, &made), "").await.expect(200);
    assert_eq!(read["ProxySession"]["Status"], "Closed");
    let answer = world.call("POST", &sessions, between(ALICE, CAROL)).await;
    answer.refused(404, "NotFoundException");
}

#[tokio::test]
async fn sessions_that_closed_long_ago_are_forgotten() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL).await;
    let made = open(&world, &sessions, between(ALICE, BOB)).await;
    world.call("DELETE", &path(&sessions, &made), "").await.expect(204);
    world.clock.advance(Duration::from_secs(90 * 86_400));
    world.call("GET", &path(&sessions, &made), "").await.expect(200);
    open(&world, &sessions, between(ALICE, BOB)).await;
    world.call("GET", &path(&sessions, &made), "").await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn another_accounts_session_is_absent() {
    let world = World::start().await;
    let sessions = sessions(&world, &POOL).await;
    let made = open(&world, &sessions, between(ALICE, BOB)).await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let update = json!({"Capabilities": ["Voice"]}).to_string();
    let path = path(&sessions, &made);
    for (method, target, body) in [
        ("GET", &path, ""),
        ("POST", &path, update.as_str()),
        ("DELETE", &path, ""),
        ("GET", &sessions, ""),
        ("POST", &sessions, &between(ALICE, BOB).to_string()),
    ] {
        world.call_as(&other, method, target, body).await.refused(404, "NotFoundException");
    }
    for absent in ["00000000-0000-4000-8000-000000000000", "x"] {
        let target = format!("{sessions}/{absent}");
        let message = world.call("GET", &target, "").await.refused(404, "NotFoundException");
        assert_eq!(message, format!("Could not find ProxySession with Id '{absent}'"));
    }
}
