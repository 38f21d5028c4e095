//! Voice Connector groups.

use std::time::Duration;

use api::{ApiConfig, Quotas};
use model::KeyPolicy;
use serde_json::{Value, json};

use crate::world::World;

fn item(id: &str, priority: u8) -> Value {
    json!({"VoiceConnectorId": id, "Priority": priority})
}

#[tokio::test]
async fn a_group_is_created_read_updated_listed_emptied_and_deleted() {
    let world = World::start().await;
    let (first, second) = (world.connector().await, world.connector().await);
    let body = json!({"Name": "both", "VoiceConnectorItems": [
        item(&first, 2), {"VoiceConnectorId": second}
    ]});
    let created = world.call("POST", "/voice-connector-groups", body).await.expect(201);
    let id = created["VoiceConnectorGroup"]["VoiceConnectorGroupId"].as_str().unwrap().to_owned();
    assert_eq!(
        created["VoiceConnectorGroup"],
        json!({
            "VoiceConnectorGroupId": id,
            "VoiceConnectorGroupArn": format!("arn:aws:chime:us-east-1:000000000000:vcg/{id}"),
            "Name": "both",
            "VoiceConnectorItems": [item(&first, 2), item(&second, 1)],
            "CallDistributionType": "PriorityWeightedDistribution",
            "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
            "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
        })
    );
    let path = format!("/voice-connector-groups/{id}");
    assert_eq!(world.call("GET", &path, "").await.expect(200), created);

    world.clock.advance(Duration::from_millis(655));
    let body = json!({"Name": "one", "VoiceConnectorItems": [item(&second, 9)],
        "CallDistributionType": "LoadBalancedDistribution"});
    let updated = world.call("PUT", &path, body).await.expect(202);
    assert_eq!(updated["VoiceConnectorGroup"]["Name"], "one");
    assert_eq!(updated["VoiceConnectorGroup"]["VoiceConnectorItems"], json!([item(&second, 9)]));
    assert_eq!(updated["VoiceConnectorGroup"]["UpdatedTimestamp"], "2026-11-23T10:11:13.000Z");
    let listed = world.call("GET", "/voice-connector-groups", "").await.expect(200);
    assert_eq!(listed, json!({"VoiceConnectorGroups": [updated["VoiceConnectorGroup"]]}));

    let message = world.call("DELETE", &path, "").await.refused(409, "ConflictException");
    assert!(message.contains(&second), "{message}");
    let body = json!({"Name": "none", "VoiceConnectorItems": []});
    let emptied = world.call("PUT", &path, body).await.expect(202);
    assert_eq!(emptied["VoiceConnectorGroup"]["VoiceConnectorItems"], json!([]));
    assert_eq!(
        emptied["VoiceConnectorGroup"]["CallDistributionType"], "LoadBalancedDistribution",
        "what the update does not say stays"
    );
    world.call("DELETE", &path, "").await.expect(204);
    let message = world.call("GET", &path, "").await.refused(404, "NotFoundException");
    assert_eq!(message, format!("Could not find VoiceConnectorGroup with Id '{id}'"));
}

#[tokio::test]
async fn a_group_with_numbers_is_not_deleted_and_they_are_named() {
    let world = World::start().await;
    world.numbers("000000000000", &["+12065550100"]).await;
    let path = format!("/voice-connector-groups/{}", world.group(&[]).await);
    let body = json!({"E164PhoneNumbers": ["+12065550100"]});
    let associate = format!("{path}?operation=associate-phone-numbers");
    world.call("POST", &associate, &body).await.expect(200);
    let message = world.call("DELETE", &path, "").await.refused(409, "ConflictException");
    assert!(message.contains("+12065550100"), "{message}");
    let disassociate = format!("{path}?operation=disassociate-phone-numbers");
    world.call("POST", &disassociate, &body).await.expect(200);
    world.call("DELETE", &path, "").await.expect(204);
}

#[tokio::test]
async fn a_connector_of_a_group_is_not_deleted_and_the_group_is_named() {
    let world = World::start().await;
    let connector = world.connector().await;
    let group = world.group(&[&connector]).await;
    let path = format!("/voice-connectors/{connector}");
    let message = world.call("DELETE", &path, "").await.refused(409, "ConflictException");
    assert!(message.contains(&group) && message.contains("UpdateVoiceConnectorGroup"), "{message}");
    let body = json!({"Name": "g", "VoiceConnectorItems": []});
    world.call("PUT", &format!("/voice-connector-groups/{group}"), body).await.expect(202);
    world.call("DELETE", &path, "").await.expect(204);
}

#[tokio::test]
async fn members_that_break_a_rule_are_refused() {
    let world = World::start().await;
    let id = world.connector().await;
    let group = format!("/voice-connector-groups/{}", world.group(&[]).await);
    for (items, member) in [
        (json!([item(&id, 0)]), "Priority"),
        (json!([item(&id, 100)]), "Priority"),
        (json!([item(&id, 1), item(&id, 2)]), "VoiceConnectorItems[1]"),
        (json!([item("x", 1)]), "VoiceConnectorId"),
        (json!([{"Priority": 1}]), "VoiceConnectorId"),
    ] {
        let body = json!({"Name": "g", "VoiceConnectorItems": items});
        for (method, target) in [("POST", "/voice-connector-groups"), ("PUT", group.as_str())] {
            let answer = world.call(method, target, &body).await;
            let message = answer.refused(400, "BadRequestException");
            assert!(message.contains(member), "{body}: {message}");
        }
    }
    let absent = json!({"Name": "g", "VoiceConnectorItems": [item("0000000000000000000000", 1)]});
    for (method, target) in [("POST", "/voice-connector-groups"), ("PUT", group.as_str())] {
        world.call(method, target, &absent).await.refused(404, "NotFoundException");
    }
    let body = json!({"Name": "g"});
    world.call("PUT", &group, body).await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn quotas_bound_the_groups_and_their_connectors() {
    let quotas =
        Quotas { voice_connector_groups: 1, voice_connectors_per_group: 1, ..Quotas::default() };
    let world = World::with_config(ApiConfig { quotas, ..ApiConfig::default() }).await;
    let (first, second) = (world.connector().await, world.connector().await);
    let body = json!({"Name": "g", "VoiceConnectorItems": [item(&first, 1), item(&second, 1)]});
    let answer = world.call("POST", "/voice-connector-groups", body.clone()).await;
    answer.refused(400, "ResourceLimitExceededException");
    let group = world.group(&[&first]).await;
    let path = format!("/voice-connector-groups/{group}");
    world.call("PUT", &path, body).await.refused(400, "BadRequestException");
    let answer = world.call("POST", "/voice-connector-groups", json!({"Name": "g"})).await;
    let message = answer.refused(400, "ResourceLimitExceededException");
    assert!(message.contains("Voice Connector groups"), "{message}");
}

#[tokio::test]
async fn groups_are_listed_page_by_page() {
    let world = World::start().await;
    let mut made = vec![world.group(&[]).await, world.group(&[]).await, world.group(&[]).await];
    made.sort();
    let first = world.call("GET", "/voice-connector-groups?max-results=2", "").await.expect(200);
    let token = first["NextToken"].as_str().unwrap();
    let target = format!("/voice-connector-groups?max-results=2&next-token={token}");
    let second = world.call("GET", &target, "").await.expect(200);
    let ids = |page: &Value| -> Vec<String> {
        let groups = page["VoiceConnectorGroups"].as_array().unwrap().iter();
        groups.map(|it| it["VoiceConnectorGroupId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!([ids(&first), ids(&second)].concat(), made);
    assert_eq!(second.get("NextToken"), None);
}

#[tokio::test]
async fn another_accounts_group_is_absent() {
    let world = World::start().await;
    let path = format!("/voice-connector-groups/{}", world.group(&[]).await);
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let update = json!({"Name": "x", "VoiceConnectorItems": []}).to_string();
    for (method, body) in [("GET", ""), ("DELETE", ""), ("PUT", update.as_str())] {
        world.call_as(&other, method, &path, body).await.refused(404, "NotFoundException");
    }
    let connector = world.connector().await;
    let foreign = json!({"Name": "g", "VoiceConnectorItems": [item(&connector, 1)]});
    let answer = world.call_as(&other, "POST", "/voice-connector-groups", foreign).await;
    answer.refused(404, "NotFoundException");
}
