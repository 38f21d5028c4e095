//! Termination and its health.

use std::net::IpAddr;

use api::{ApiConfig, PrivateNetworks, Quotas};
use model::{AccountId, TerminationHealth, VoiceConnectorId};
use serde_json::{Value, json};
use store::TypedTx as _;

use crate::world::{START, World};

async fn put(world: &World, id: &str, termination: Value) -> crate::world::Answer {
    let body = json!({"Termination": termination});
    world.call("PUT", &format!("/voice-connectors/{id}/termination"), body).await
}

#[tokio::test]
async fn a_put_replaces_all_of_it_and_what_is_left_out_gets_its_default() {
    let world = World::start().await;
    let id = world.connector().await;
    let path = format!("/voice-connectors/{id}/termination");
    let full = json!({
        "CpsLimit": 5, "DefaultPhoneNumber": "+12065550100", "CallingRegions": ["US", "CA"],
        "CidrAllowedList": ["50.35.78.96/32", "10.0.0.0/27"], "Disabled": true,
    });
    let answered = put(&world, &id, full.clone()).await.expect(200);
    assert_eq!(answered, json!({"Termination": full}));
    assert_eq!(world.call("GET", &path, "").await.expect(200), answered);

    let bare = put(&world, &id, json!({"CallingRegions": ["US"]})).await.expect(200);
    assert_eq!(
        bare,
        json!({"Termination": {
            "CpsLimit": 1, "CallingRegions": ["US"], "CidrAllowedList": [], "Disabled": false,
        }})
    );
    assert_eq!(world.call("GET", &path, "").await.expect(200), bare);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let id = world.connector().await;
    let before = put(&world, &id, json!({"CallingRegions": ["US"]})).await.expect(200);
    let us = json!(["US"]);
    for (termination, named) in [
        (json!({}), "CallingRegions"),
        (json!({"CallingRegions": []}), "CallingRegions"),
        (json!({"CallingRegions": ["USA"]}), "CallingRegions[0]"),
        (json!({"CallingRegions": ["US", "us"]}), "CallingRegions[1]"),
        (json!({"CallingRegions": us, "CpsLimit": 0}), "CpsLimit"),
        (json!({"CallingRegions": us, "CpsLimit": 10_001}), "Calls per second per Voice Connector"),
        (json!({"CallingRegions": us, "CpsLimit": 1.5}), "CpsLimit"),
        (json!({"CallingRegions": us, "DefaultPhoneNumber": "1001 "}), "DefaultPhoneNumber"),
        (json!({"CallingRegions": us, "CidrAllowedList": ["10.24.34.0/23"]}), "CidrAllowedList[0]"),
        (json!({"CallingRegions": us, "CidrAllowedList": ["50.35.78.97/27"]}), "50.35.78.96/27"),
        (json!({"CallingRegions": us, "CidrAllowedList": ["50.35.78.96"]}), "50.35.78.96/32"),
        (json!({"CallingRegions": us, "CidrAllowedList": ["2001:db8::/64"]}), "DUAL_STACK"),
        (
            json!({"CallingRegions": us, "CidrAllowedList": vec!["50.35.78.96/32"; 11]}),
            "11 networks",
        ),
    ] {
        let answer = put(&world, &id, termination.clone()).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(named), "{termination}: {message}");
    }
    let path = format!("/voice-connectors/{id}/termination");
    assert_eq!(world.call("GET", &path, "").await.expect(200), before);
}

#[tokio::test]
async fn a_dual_stack_connector_takes_ipv6_networks() {
    let world = World::start().await;
    let body = json!({"Name": "x", "RequireEncryption": false, "NetworkType": "DUAL_STACK"});
    let created = world.call("POST", "/voice-connectors", body).await.expect(201);
    let id = created["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap();
    let termination = json!({"CallingRegions": ["US"], "CidrAllowedList": ["2001:db8::/64"]});
    let answered = put(&world, id, termination).await.expect(200);
    assert_eq!(answered["Termination"]["CidrAllowedList"], json!(["2001:db8::/64"]));
}

#[tokio::test]
async fn the_operator_can_refuse_private_networks_and_lower_the_quota() {
    let config = ApiConfig {
        private_networks: PrivateNetworks::Refused,
        quotas: Quotas { calls_per_second: 3, ..Quotas::default() },
        ..ApiConfig::default()
    };
    let world = World::with_config(config).await;
    let id = world.connector().await;
    let private = json!({"CallingRegions": ["US"], "CidrAllowedList": ["10.0.0.0/28"]});
    put(&world, &id, private).await.refused(400, "BadRequestException");
    put(&world, &id, json!({"CallingRegions": ["US"], "CpsLimit": 4}))
        .await
        .refused(400, "BadRequestException");
    put(&world, &id, json!({"CallingRegions": ["US"], "CpsLimit": 3})).await.expect(200);
}

#[tokio::test]
async fn an_unset_termination_is_not_found_and_deleting_it_is_fine() {
    let world = World::start().await;
    let id = world.connector().await;
    let path = format!("/voice-connectors/{id}/termination");
    for suffix in ["", "/health"] {
        let answer = world.call("GET", &format!("{path}{suffix}"), "").await;
        let message = answer.refused(404, "NotFoundException");
        assert!(message.contains("has no Termination"), "{message}");
    }
    world.call("DELETE", &path, "").await.expect(204);
    put(&world, &id, json!({"CallingRegions": ["US"]})).await.expect(200);
    world.call("DELETE", &path, "").await.expect(204);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn credentials_outlive_the_termination_they_belong_to() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let path = format!("/voice-connectors/{id}/termination");
    let body = json!({"Credentials": [{"Username": "pbx", "Password": "secret"}]});
    world.call("POST", &format!("{path}/credentials?operation=put"), body).await.expect(204);
    world.call("DELETE", &path, "").await.expect(204);
    let listed = world.call("GET", &format!("{path}/credentials"), "").await.expect(200);
    assert_eq!(listed, json!({"Usernames": ["pbx"]}));
}

#[tokio::test]
async fn health_is_empty_until_an_options_request_came() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let path = format!("/voice-connectors/{id}/termination/health");
    let empty = world.call("GET", &path, "").await.expect(200);
    assert_eq!(empty, json!({"TerminationHealth": {}}));

    let health = TerminationHealth {
        account: AccountId::DEFAULT,
        connector: VoiceConnectorId::parse(&id).unwrap(),
        timestamp: START,
        source: "192.0.2.7".parse::<IpAddr>().unwrap(),
    };
    world.store.write(move |tx| tx.put(&health)).await.unwrap();
    let told = world.call("GET", &path, "").await.expect(200);
    assert_eq!(
        told,
        json!({"TerminationHealth": {"Source": "192.0.2.7", "Timestamp": "2026-11-23T10:11:12.345Z"}})
    );
}
