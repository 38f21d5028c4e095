//! Origination.

use serde_json::{Value, json};

use crate::world::{Answer, World};

async fn put(world: &World, id: &str, origination: Value) -> Answer {
    let body = json!({"Origination": origination});
    world.call("PUT", &format!("/voice-connectors/{id}/origination"), body).await
}

#[tokio::test]
async fn a_put_replaces_all_routes_and_fills_in_what_they_leave_out() {
    let world = World::start().await;
    let id = world.connector().await;
    let path = format!("/voice-connectors/{id}/origination");
    let full = json!({"Disabled": true, "Routes": [
        {"Host": "200.100.12.1", "Port": 5061, "Protocol": "TCP", "Priority": 1, "Weight": 1},
        {"Host": "sip.example.com", "Port": 0, "Protocol": "UDP", "Priority": 100, "Weight": 100},
    ]});
    let answered = put(&world, &id, full.clone()).await.expect(200);
    assert_eq!(answered, json!({"Origination": full}));
    assert_eq!(world.call("GET", &path, "").await.expect(200), answered);

    let bare = put(&world, &id, json!({"Routes": [{"Host": "200.100.12.1"}]})).await.expect(200);
    assert_eq!(
        bare,
        json!({"Origination": {"Disabled": false, "Routes": [
            {"Host": "200.100.12.1", "Port": 5060, "Protocol": "UDP", "Priority": 1, "Weight": 1},
        ]}})
    );
    assert_eq!(world.call("GET", &path, "").await.expect(200), bare);

    let none = put(&world, &id, json!({"Disabled": true})).await.expect(200);
    assert_eq!(none, json!({"Origination": {"Disabled": true, "Routes": []}}));
}

#[tokio::test]
async fn an_encrypted_connector_takes_any_protocol_and_defaults_to_tcp() {
    let world = World::start().await;
    let body = json!({"Name": "x", "RequireEncryption": true});
    let created = world.call("POST", "/voice-connectors", body).await.expect(201);
    let id = created["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap();
    let routes = json!([{"Host": "209.166.124.147", "Protocol": "UDP"}, {"Host": "200.100.12.1"}]);
    let answered = put(&world, id, json!({"Routes": routes})).await.expect(200);
    assert_eq!(answered["Origination"]["Routes"][0]["Protocol"], "UDP");
    assert_eq!(answered["Origination"]["Routes"][1]["Protocol"], "TCP");
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused() {
    let world = World::start().await;
    let id = world.connector().await;
    let route = |member: &str, value: Value| {
        let mut route = json!({"Host": "200.100.12.1"});
        route[member] = value;
        json!({"Routes": [route]})
    };
    for (origination, named) in [
        (json!({}), "Routes"),
        (json!({"Routes": [{"Port": 5060}]}), "Routes[0].Host"),
        (route("Host", json!("sip:x@y")), "Routes[0].Host"),
        (route("Host", json!("")), "Routes[0].Host"),
        (route("Host", json!("0.0.0.0")), "Routes[0].Host"),
        (route("Host", json!("2001:db8::1")), "DUAL_STACK"),
        (route("Port", json!(65536)), "Port"),
        (route("Port", json!(-1)), "Port"),
        (route("Protocol", json!("TLS")), "Protocol"),
        (route("Priority", json!(0)), "Priority"),
        (route("Priority", json!(101)), "Priority"),
        (route("Weight", json!(0)), "Weight"),
        (json!({"Routes": vec![json!({"Host": "200.100.12.1"}); 21]}), "21 routes"),
    ] {
        let answer = put(&world, &id, origination.clone()).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(named), "{origination}: {message}");
    }
    let twenty = json!({"Routes": vec![json!({"Host": "200.100.12.1"}); 20]});
    put(&world, &id, twenty).await.expect(200);
}

#[tokio::test]
async fn an_unset_origination_is_not_found_and_deleting_it_is_fine() {
    let world = World::start().await;
    let id = world.connector().await;
    let path = format!("/voice-connectors/{id}/origination");
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
    world.call("DELETE", &path, "").await.expect(204);
    put(&world, &id, json!({"Disabled": false})).await.expect(200);
    world.call("DELETE", &path, "").await.expect(204);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
}
