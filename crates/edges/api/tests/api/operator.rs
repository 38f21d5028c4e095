//! The operator API.

use std::sync::{Arc, Mutex};

use api::operator::dto;
use api::{ApiConfig, HungUp, LiveCall, LiveCalls, LiveFuture, ServiceInfo};
use model::{
    AccountId, CallRecord, CallStatus, Decision, Direction, KeyPolicy, TransactionId, UnixMillis,
    Verdict, VoiceConnectorId,
};
use serde_json::{Value, json};

use crate::world::{Key, START, World};

#[tokio::test]
async fn it_is_for_full_keys_of_the_operators_account_alone() {
    let world = World::start().await;
    let reader = world.key("AKIAREADER", "000000000000", KeyPolicy::ReadOnly).await;
    let tenant = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    for (method, path) in [
        ("GET", "status"),
        ("GET", "keys"),
        ("POST", "keys"),
        ("DELETE", "keys/x"),
        ("GET", "carriers"),
        ("POST", "carriers"),
        ("GET", "numbers"),
        ("POST", "numbers"),
        ("GET", "calls"),
        ("GET", "explain"),
        ("POST", "backups"),
        ("GET", "backups/x"),
        ("GET", "backups/x/data"),
        ("POST", "seal/rotate"),
        ("GET", "nowhere"),
    ] {
        for key in [&reader, &tenant] {
            let answer = world.call_as(key, method, &format!("/operator/{path}"), "").await;
            answer.refused(403, "ForbiddenException");
        }
    }
    world.call("GET", "/operator/nowhere", "").await.refused(404, "UnknownOperationException");
    world.call("GET", "/operator", "").await.refused(404, "UnknownOperationException");
}

#[tokio::test]
async fn a_key_is_created_used_disabled_enabled_and_deleted() {
    let world = World::start().await;
    let body = json!({"account": "111122223333", "policy": "read-only", "name": "ci"});
    let created = world.call("POST", "/operator/keys", body).await.expect(201);
    let created: dto::CreatedKey = serde_json::from_value(created).unwrap();
    let id = created.key.access_key_id.clone();
    assert!(id.starts_with("AKIA") && id.len() == 20, "{id}");
    assert_eq!(created.secret_access_key.expose().len(), 40);
    assert_eq!(created.key.name, "ci");

    let key = Key { id: id.clone(), secret: created.secret_access_key.expose().into() };
    world.call_as(&key, "GET", "/voice-connectors", "").await.expect(200);
    let disabled =
        world.call("POST", &format!("/operator/keys/{id}/disable"), "").await.expect(200);
    assert_eq!(disabled["status"], "disabled");
    world
        .call_as(&key, "GET", "/voice-connectors", "")
        .await
        .refused(401, "UnauthorizedClientException");
    world.call("POST", &format!("/operator/keys/{id}/enable"), "").await.expect(200);
    world.call_as(&key, "GET", "/voice-connectors", "").await.expect(200);

    let listed = world.call("GET", "/operator/keys?account=111122223333", "").await;
    assert!(!listed.body.contains(&key.secret), "secrets are told once");
    let listed: dto::KeyList = serde_json::from_value(listed.expect(200)).unwrap();
    assert_eq!(listed.keys, [created.key]);
    let all = world.call("GET", "/operator/keys", "").await.expect(200);
    assert_eq!(all["keys"].as_array().unwrap().len(), 2);

    world.call("DELETE", &format!("/operator/keys/{id}"), "").await.expect(204);
    world
        .call_as(&key, "GET", "/voice-connectors", "")
        .await
        .refused(401, "UnauthorizedClientException");
    for (method, suffix) in [("DELETE", ""), ("POST", "/enable"), ("POST", "/disable")] {
        let answer = world.call(method, &format!("/operator/keys/{id}{suffix}"), "").await;
        answer.refused(404, "NotFoundException");
    }
}

#[tokio::test]
async fn the_last_key_that_can_operate_is_neither_disabled_nor_deleted() {
    let world = World::start().await;
    world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    world.key("AKIAREADER", "000000000000", KeyPolicy::ReadOnly).await;
    let path = format!("/operator/keys/{}", world.key.id);
    world.call("DELETE", &path, "").await.refused(409, "ConflictException");
    let answer = world.call("POST", &format!("{path}/disable"), "").await;
    answer.refused(409, "ConflictException");

    world.key("AKIASECOND", "000000000000", KeyPolicy::Full).await;
    world.call("DELETE", &path, "").await.expect(204);
}

#[tokio::test]
async fn key_requests_that_break_a_rule_are_refused() {
    let world = World::start().await;
    for body in [
        json!({"account": "1"}),
        json!({"policy": "root"}),
        json!({"name": "x".repeat(65)}),
        json!({"name": "a\nb"}),
        json!({"nmae": "typo"}),
        json!([]),
    ] {
        world.call("POST", "/operator/keys", body).await.refused(400, "BadRequestException");
    }
    world.call("GET", "/operator/keys?acount=1", "").await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn a_carrier_is_added_told_and_removed_and_its_password_never_told() {
    let world = World::start().await;
    let body = json!({
        "name": "upstream", "host": "sip.example.com", "port": 5080, "transport": "tcp", "priority": 2,
        "weight": 50, "username": "us", "password": "hunter2", "sources": ["203.0.113.0/24", "192.0.2.7"],
        "inbound_username": "them", "inbound_password": "hunter3", "redirects": "follow",
    });
    let added = world.call("POST", "/operator/carriers", &body).await;
    assert!(!added.body.contains("hunter"));
    let added = added.expect(201);
    assert_eq!(
        added,
        json!({
            "name": "upstream", "host": "sip.example.com", "port": 5080, "transport": "tcp",
            "lookup": "address", "priority": 2, "weight": 50, "username": "us",
            "sources": ["203.0.113.0/24", "192.0.2.7/32"], "called_number": "request-uri",
            "probing": "on", "srtp": "never", "added": "2026-11-23T10:11:12.345Z",
            "inbound_username": "them", "inbound_realm": "carriers.voiceconnector.localhost",
            "redirects": "follow",
        })
    );
    world.call("POST", "/operator/carriers", &body).await.refused(409, "ConflictException");
    let twin = json!({
        "name": "twin", "host": "x", "inbound_username": "them", "inbound_password": "other",
    });
    let twin = world.call("POST", "/operator/carriers", twin).await;
    assert!(twin.body.contains("upstream"), "the other carrier is named");
    twin.refused(409, "ConflictException");
    assert_eq!(world.call("GET", "/operator/carriers/upstream", "").await.expect(200), added);
    let listed = world.call("GET", "/operator/carriers", "").await.expect(200);
    assert_eq!(listed, json!({"carriers": [added]}));

    world.call("DELETE", "/operator/carriers/upstream", "").await.expect(204);
    world.call("DELETE", "/operator/carriers/upstream", "").await.refused(404, "NotFoundException");
    world.call("GET", "/operator/carriers/upstream", "").await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn a_carriers_defaults_are_those_of_sip() {
    let world = World::start().await;
    let body = json!({"name": "a", "host": "127.0.0.1"});
    let added = world.call("POST", "/operator/carriers", body).await.expect(201);
    assert_eq!((&added["port"], &added["transport"]), (&json!(5060), &json!("udp")));
    assert_eq!((&added["priority"], &added["weight"]), (&json!(1), &json!(1)));
    for bad in [
        json!({"name": "A", "host": "x"}),
        json!({"name": "b", "host": "x y"}),
        json!({"name": "b"}),
        json!({"name": "b", "host": "x", "port": 0}),
        json!({"name": "b", "host": "x", "port": 65536}),
        json!({"name": "b", "host": "x", "priority": 0}),
        json!({"name": "b", "host": "x", "weight": 101}),
        json!({"name": "b", "host": "x", "transport": "sctp"}),
        json!({"name": "b", "host": "x", "transport": "udp", "tls": {"insecure": true}}),
        json!({"name": "b", "host": "x", "tls": {"insecure": true, "pin": "00".repeat(32)}}),
        json!({"name": "b", "host": "x", "tls": {"pin": "00"}}),
        json!({"name": "b", "host": "x", "tls": {"server_name": "x y"}}),
        json!({"name": "b", "host": "x", "tls": {"authorities": "none"}}),
        json!({"name": "b", "host": "x", "tls": {"certificate": "c"}}),
        json!({"name": "b", "host": "x", "tls": {"key": "k"}}),
        json!({"name": "b", "host": "x", "tls": {"certificate": "c", "key": "k"}}),
        json!({"name": "b", "host": "x", "username": "u"}),
        json!({"name": "b", "host": "x", "password": "p"}),
        json!({"name": "b", "host": "x", "username": "u", "password": ""}),
        json!({"name": "b", "host": "x", "sources": ["203.0.113.1/24"]}),
        json!({"name": "b", "host": "x", "sources": ["x"]}),
        json!({"name": "b", "host": "x", "inbound_username": "u"}),
        json!({"name": "b", "host": "x", "inbound_password": "p"}),
        json!({"name": "b", "host": "x", "inbound_username": "a:b", "inbound_password": "p"}),
        json!({"name": "b", "host": "x", "inbound_username": "u", "inbound_password": ""}),
        json!({"name": "b", "host": "x", "redirects": "sometimes"}),
    ] {
        world.call("POST", "/operator/carriers", bad).await.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn a_carrier_over_tls_is_told_with_its_trust_and_without_its_key() {
    let world = World::start().await;
    let made = rcgen::generate_simple_self_signed(["sbc.example.com".to_owned()]).unwrap();
    let key = made.signing_key.serialize_pem();
    let body = json!({
        "name": "upstream", "host": "sip.example.com", "transport": "tls", "tls": {
            "server_name": "sbc.example.com", "authorities": made.cert.pem(),
            "certificate": made.cert.pem(), "key": key,
        },
    });
    let added = world.call("POST", "/operator/carriers", &body).await;
    assert!(!added.body.contains("PRIVATE KEY"));
    let added = added.expect(201);
    assert_eq!((&added["port"], &added["lookup"]), (&json!(5061), &json!("services")));
    assert_eq!(added["tls"]["server_name"], "sbc.example.com");
    assert_eq!(added["tls"]["trust"], "authorities");
    assert_eq!(added["tls"]["certificate"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn what_an_operator_leaves_out_the_name_servers_are_asked_for() {
    let world = World::start().await;
    for (name, more, lookup) in [
        ("a", json!({"port": 5060}), "address"),
        ("b", json!({"transport": "tcp"}), "services"),
        ("c", json!({}), "everything"),
    ] {
        let mut body = json!({"name": name, "host": "sip.example.com"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let added = world.call("POST", "/operator/carriers", body).await.expect(201);
        assert_eq!(added["lookup"], lookup);
    }
}

async fn add(world: &World, body: Value) -> Value {
    world.call("POST", "/operator/numbers", body).await.expect(201)
}

async fn numbers(world: &World, query: &str) -> Vec<String> {
    let listed = world.call("GET", &format!("/operator/numbers{query}"), "").await.expect(200);
    let listed: dto::NumberList = serde_json::from_value(listed).unwrap();
    listed.numbers.into_iter().map(|it| it.number).collect()
}

#[tokio::test]
async fn numbers_are_added_one_by_one_or_by_range_and_owned_at_once_if_asked() {
    let world = World::start().await;
    let range = json!({"ranges": [{"first": "+12065550100", "last": "+12065550104"}]});
    assert_eq!(
        add(&world, range.clone()).await,
        json!({"added": 5, "assigned": 0, "unchanged": 0})
    );
    assert_eq!(add(&world, range).await, json!({"added": 0, "assigned": 0, "unchanged": 5}));
    let owned = json!({"numbers": ["12065550103", "+12125550100"], "account": "111122223333"});
    assert_eq!(
        add(&world, owned.clone()).await,
        json!({"added": 1, "assigned": 1, "unchanged": 0})
    );
    assert_eq!(add(&world, owned).await, json!({"added": 0, "assigned": 0, "unchanged": 2}));
    let again = json!({"numbers": ["+12065550103"]});
    assert_eq!(add(&world, again).await, json!({"added": 0, "assigned": 0, "unchanged": 1}));

    assert_eq!(numbers(&world, "?account=111122223333").await, ["+12065550103", "+12125550100"]);
    assert_eq!(numbers(&world, "?prefix=%2B1206").await.len(), 5);
    assert_eq!(numbers(&world, "?prefix=1212").await, ["+12125550100"]);
    assert_eq!(numbers(&world, "?free=true").await.len(), 4);
    assert_eq!(numbers(&world, "?free=true&prefix=+1212").await, Vec::<String>::new());
    assert_eq!(numbers(&world, "?account=111122223333&prefix=%2B1212").await, ["+12125550100"]);
}

#[tokio::test]
async fn a_number_of_another_account_is_refused_and_so_is_the_whole_request() {
    let world = World::start().await;
    add(&world, json!({"numbers": ["+12065550101"], "account": "111122223333"})).await;
    let body = json!({"numbers": ["+12065550100", "+12065550101"], "account": "000000000000"});
    let answer = world.call("POST", "/operator/numbers", body).await;
    let message = answer.refused(409, "ConflictException");
    assert!(message.contains("+12065550101") && message.contains("111122223333"), "{message}");
    assert_eq!(numbers(&world, "").await, ["+12065550101"]);

    world.call("DELETE", "/operator/numbers/%2B12065550101", "").await.expect(204);
    let answer = world.call("DELETE", "/operator/numbers/+12065550101", "").await;
    answer.refused(404, "NotFoundException");
}

#[tokio::test]
async fn the_inventory_is_told_page_by_page() {
    let world = World::start().await;
    add(&world, json!({"ranges": [{"first": "+12065550100", "last": "+12065550149"}]})).await;
    add(&world, json!({"numbers": ["+12065550110", "+12065550120"], "account": "000000000000"}))
        .await;
    for filter in ["free=true&", "", "prefix=1206555&"] {
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let target = format!("/operator/numbers?{filter}max-results=7{token}");
            let page = world.call("GET", &target, "").await.expect(200);
            let page: dto::NumberList = serde_json::from_value(page).unwrap();
            assert!(page.numbers.len() <= 7);
            seen.extend(page.numbers.into_iter().map(|it| it.number));
            let Some(next) = page.next_token else { break };
            token = format!("&next-token={next}");
        }
        assert!(seen.is_sorted(), "{seen:?}");
        assert_eq!(seen.len(), if filter.starts_with("free") { 48 } else { 50 });
    }
    for bad in [
        "max-results=1001",
        "max-results=0",
        "prefix=x",
        "free=1",
        "free=true&account=000000000000",
    ] {
        let answer = world.call("GET", &format!("/operator/numbers?{bad}"), "").await;
        answer.refused(400, "BadRequestException");
    }
    for bad in
        [json!({}), json!({"numbers": ["x"]}), json!({"numbers": ["+12065550100"], "account": "1"})]
    {
        world.call("POST", "/operator/numbers", bad).await.refused(400, "BadRequestException");
    }
}

/// A signalling side with calls as given.
#[derive(Default)]
struct Calls(Mutex<Vec<LiveCall>>);

impl LiveCalls for Calls {
    fn list(&self) -> LiveFuture<'_, Vec<LiveCall>> {
        Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
    }
    fn find<'a>(&'a self, call: &'a str) -> LiveFuture<'a, Option<LiveCall>> {
        Box::pin(async move {
            let calls = self.0.lock().unwrap();
            let is_it =
                |it: &&LiveCall| it.call_id == call || it.transaction_id.to_string() == call;
            Ok(calls.iter().find(is_it).cloned())
        })
    }
    fn hang_up(&self, call: TransactionId) -> LiveFuture<'_, HungUp> {
        Box::pin(async move {
            let mut calls = self.0.lock().unwrap();
            let before = calls.len();
            calls.retain(|it| it.transaction_id != call);
            Ok(if calls.len() < before { HungUp::Ordered } else { HungUp::NoSuchCall })
        })
    }
    fn service(&self) -> LiveFuture<'_, ServiceInfo> {
        Box::pin(async {
            Ok(ServiceInfo {
                started: START,
                listeners: vec![dto::Listener {
                    name: "sip_udp".into(),
                    address: "127.0.0.1:5060".into(),
                }],
                simulated_carrier: true,
                calls_live: 1,
            })
        })
    }
}

fn decision() -> Decision {
    Decision {
        rule: "digest".into(),
        verdict: Verdict::Pass,
        seen: "pbx".into(),
        expected: "a known user".into(),
        remedy: "".into(),
    }
}

fn live_call() -> LiveCall {
    LiveCall {
        transaction_id: TransactionId::from_random([1; 16]),
        call_id: "live@pbx".into(),
        peer_call_id: None,
        attempt_call_ids: Vec::new(),
        account: Some(AccountId::DEFAULT),
        connector: Some(VoiceConnectorId::from_random([1; 22])),
        direction: Direction::Outbound,
        from: "+12065550100".into(),
        to: "+12125550100".into(),
        source: "127.0.0.1:5062".into(),
        sip_user: Some("pbx".into()),
        carrier: None,
        started: UnixMillis(START.0 - 3000),
        answered: Some(UnixMillis(START.0 - 2000)),
        decisions: vec![decision()],
        quality: Vec::new(),
    }
}

fn record(number: u8, status: CallStatus) -> CallRecord {
    let started = UnixMillis(START.0 - 100_000 + u64::from(number) * 1000);
    CallRecord {
        transaction_id: TransactionId::from_random([number; 16]),
        call_id: format!("ended-{number}@pbx"),
        peer_call_id: None,
        attempt_call_ids: Vec::new(),
        account: Some(AccountId::DEFAULT),
        connector: Some(VoiceConnectorId::from_random([number; 22])),
        direction: if number.is_multiple_of(2) { Direction::Inbound } else { Direction::Outbound },
        status,
        reason: "completed".into(),
        status_message: "Normal call clearing".into(),
        sip_status: Some(200),
        sip_user: None,
        from: format!("+120655501{number:02}"),
        to: "+12125550100".into(),
        source: "127.0.0.1:5062".into(),
        carrier: Some("upstream".into()),
        started,
        answered: Some(started),
        ended: UnixMillis(started.0 + 500),
        decisions: vec![decision()],
        quality: Vec::new(),
    }
}

async fn with_calls() -> World {
    let live = Calls(Mutex::new(vec![live_call()]));
    let world = World::with(ApiConfig::default(), Arc::new(live)).await;
    let records = (10..20)
        .map(|it| record(it, if it < 13 { CallStatus::Rejected } else { CallStatus::Completed }))
        .collect();
    world.store.append_records(records).await.unwrap();
    world
}

async fn calls(world: &World, query: &str) -> dto::CallList {
    let listed = world.call("GET", &format!("/operator/calls{query}"), "").await.expect(200);
    serde_json::from_value(listed).unwrap()
}

#[tokio::test]
async fn calls_are_told_live_ones_first_then_newest_first() {
    let world = with_calls().await;
    let all = calls(&world, "").await;
    assert_eq!(all.calls.len(), 11);
    assert_eq!(all.calls[0].state, dto::CallState::Answered);
    assert_eq!(all.calls[0].duration_ms, 2000);
    assert_eq!(all.calls[1].call_id, "ended-19@pbx");
    assert_eq!(all.calls[10].call_id, "ended-10@pbx");
    assert_eq!(all.calls[1].duration_ms, 500);
    assert!(all.calls.iter().all(|it| it.decisions.is_empty()), "a list tells no decisions");
    assert_eq!(all.next_token, None);
}

#[tokio::test]
async fn calls_are_filtered_and_paged() {
    let world = with_calls().await;
    for (query, count) in [
        ("?state=live", 1),
        ("?state=answered", 1),
        ("?state=ringing", 0),
        ("?state=ended", 10),
        ("?state=rejected", 3),
        ("?state=completed", 7),
        ("?state=failed", 0),
        ("?direction=inbound", 5),
        ("?direction=outbound", 6),
        ("?from=%2B12065550110", 1),
        ("?to=+12125550100", 11),
        ("?account=111122223333", 0),
        ("?since=2026-11-23T10:09:45.345Z&state=ended", 7),
        ("?until=2026-11-23T10:09:45.345Z", 3),
    ] {
        assert_eq!(calls(&world, query).await.calls.len(), count, "{query}");
    }
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = calls(&world, &format!("?direction=inbound&max-results=2{token}")).await;
        seen.extend(page.calls.into_iter().map(|it| it.call_id));
        let Some(next) = page.next_token else { break };
        token = format!("&next-token={next}");
    }
    assert_eq!(seen, [18, 16, 14, 12, 10].map(|it| format!("ended-{it}@pbx")));
    for bad in
        ["state=x", "direction=x", "account=x", "connector=x", "since=x", "max-results=x", "what=x"]
    {
        let answer = world.call("GET", &format!("/operator/calls?{bad}"), "").await;
        answer.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn a_call_is_explained_by_either_of_its_ids() {
    let world = with_calls().await;
    let live = live_call();
    for (id, call_id) in [
        (live.transaction_id.to_string(), "live@pbx"),
        ("live%40pbx".into(), "live@pbx"),
        (TransactionId::from_random([12; 16]).to_string(), "ended-12@pbx"),
        ("ended-12@pbx".into(), "ended-12@pbx"),
    ] {
        let told = world.call("GET", &format!("/operator/explain?call={id}"), "").await.expect(200);
        let told: dto::Call = serde_json::from_value(told).unwrap();
        assert_eq!(told.call_id, call_id);
        assert_eq!(told.decisions, [decision()]);
    }
    let message = world
        .call("GET", "/operator/explain?call=never", "")
        .await
        .refused(404, "NotFoundException");
    assert!(message.contains("'never'"), "{message}");
    world.call("GET", "/operator/explain", "").await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn a_live_call_is_hung_up_once() {
    let world = with_calls().await;
    let target = format!("/operator/calls/{}/hang-up", live_call().transaction_id);
    world.call("POST", &target, "").await.expect(204);
    world.call("POST", &target, "").await.refused(404, "NotFoundException");
    world.call("POST", "/operator/calls/x/hang-up", "").await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn the_seal_is_rotated_and_the_keys_go_on_working() {
    let world = World::start().await;
    let told = world.call("POST", "/operator/seal/rotate", "").await.expect(200);
    let told: dto::SealRotation = serde_json::from_value(told).unwrap();
    assert!(told.resealed >= 1 && !told.resumed, "{told:?}");
    let again = world.call("POST", "/operator/seal/rotate", "").await.expect(200);
    assert_ne!(again["key"], told.key, "each rotation has a key of its own");
    world.call("GET", "/operator/seal/rotate", "").await.refused(404, "UnknownOperationException");
}

#[tokio::test]
async fn the_status_tells_the_process() {
    let world = with_calls().await;
    let told = world.call("GET", "/operator/status", "").await.expect(200);
    let told: dto::Status = serde_json::from_value(told).unwrap();
    assert_eq!(told.version, env!("CARGO_PKG_VERSION"));
    assert_eq!((told.calls_live, told.simulated_carrier), (1, true));
    assert_eq!(told.listeners[0].name, "sip_udp");
    assert_eq!(told.revision, world.store.revision());
    assert_eq!(told.started.to_string(), "2026-11-23T10:11:12.345Z");
}
