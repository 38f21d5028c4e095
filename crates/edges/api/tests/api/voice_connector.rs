//! Voice Connectors.

use api::{ApiConfig, Quotas};
use model::{
    AccountId, AssociationTarget, E164Number, KeyPolicy, PhoneNumberAssociation, VoiceConnectorId,
};
use serde_json::{Value, json};
use store::TypedTx as _;

use crate::world::{START, World};

#[tokio::test]
async fn a_connector_is_created_read_updated_listed_and_deleted() {
    let world = World::start().await;
    let body = json!({"Name": "trunk 1", "RequireEncryption": true, "AwsRegion": "eu-west-1"});
    let created = world.call("POST", "/voice-connectors", body).await.expect(201);
    let connector = &created["VoiceConnector"];
    let id = connector["VoiceConnectorId"].as_str().unwrap();
    assert_eq!(id.len(), 22);
    assert_eq!(
        *connector,
        json!({
            "VoiceConnectorId": id,
            "AwsRegion": "eu-west-1",
            "Name": "trunk 1",
            "OutboundHostName": format!("{id}.voiceconnector.localhost"),
            "RequireEncryption": true,
            "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
            "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
            "VoiceConnectorArn": format!("arn:aws:chime:eu-west-1:000000000000:vc/{id}"),
            "NetworkType": "IPV4_ONLY",
        })
    );

    let path = format!("/voice-connectors/{id}");
    assert_eq!(world.call("GET", &path, "").await.expect(200), created);

    world.clock.advance(std::time::Duration::from_millis(655));
    let body = json!({"Name": "other", "RequireEncryption": false});
    let updated = world.call("PUT", &path, body).await.expect(200);
    assert_eq!(updated["VoiceConnector"]["Name"], "other");
    assert_eq!(updated["VoiceConnector"]["RequireEncryption"], false);
    assert_eq!(updated["VoiceConnector"]["CreatedTimestamp"], "2026-11-23T10:11:12.345Z");
    assert_eq!(updated["VoiceConnector"]["UpdatedTimestamp"], "2026-11-23T10:11:13.000Z");
    assert_eq!(world.call("GET", &path, "").await.expect(200), updated);

    let listed = world.call("GET", "/voice-connectors", "").await.expect(200);
    assert_eq!(listed, json!({"VoiceConnectors": [updated["VoiceConnector"]]}));

    let deleted = world.call("DELETE", &path, "").await;
    assert_eq!(deleted.expect(204), Value::Null);
    assert_eq!(deleted.header("content-type"), None);
    let message = world.call("GET", &path, "").await.refused(404, "NotFoundException");
    assert_eq!(message, format!("Could not find VoiceConnector with Id '{id}'"));
}

#[tokio::test]
async fn an_empty_account_lists_no_connectors() {
    let world = World::start().await;
    let listed = world.call("GET", "/voice-connectors", "").await.expect(200);
    assert_eq!(listed, json!({"VoiceConnectors": []}));
}

#[tokio::test]
async fn the_members_that_are_chosen_at_creation_are_kept() {
    let world = World::start().await;
    let body = json!({
        "Name": "x", "RequireEncryption": false, "NetworkType": "DUAL_STACK",
        "IntegrationType": "CONNECT_ANALYTICS_CONNECTOR",
        "Tags": [{"Key": "team", "Value": "voice"}],
    });
    let created = world.call("POST", "/voice-connectors", body).await.expect(201);
    let connector = &created["VoiceConnector"];
    assert_eq!(connector["AwsRegion"], "us-east-1");
    assert_eq!(connector["NetworkType"], "DUAL_STACK");
    assert_eq!(connector["IntegrationType"], "CONNECT_ANALYTICS_CONNECTOR");
    let arn = connector["VoiceConnectorArn"].as_str().unwrap();
    let tags = world.call("GET", &format!("/tags?arn={arn}"), "").await.expect(200);
    assert_eq!(tags, json!({"Tags": [{"Key": "team", "Value": "voice"}]}));
}

#[tokio::test]
async fn values_that_break_a_rule_are_refused_with_the_member_named() {
    let world = World::start().await;
    for (body, member) in [
        (json!({"RequireEncryption": true}), "Name"),
        (json!({"Name": "x"}), "RequireEncryption"),
        (json!({"Name": "x/!", "RequireEncryption": true}), "Name"),
        (json!({"Name": "", "RequireEncryption": true}), "Name"),
        (json!({"Name": "x".repeat(257), "RequireEncryption": true}), "Name"),
        (json!({"Name": 7, "RequireEncryption": true}), "Name"),
        (json!({"Name": "x", "RequireEncryption": "yes"}), "RequireEncryption"),
        (json!({"Name": "x", "RequireEncryption": true, "AwsRegion": "mars"}), "AwsRegion"),
        (json!({"Name": "x", "RequireEncryption": true, "NetworkType": "X"}), "NetworkType"),
        (json!({"Name": "x", "RequireEncryption": true, "Tags": []}), "Tags"),
        (
            json!({"Name": "x", "RequireEncryption": true, "Tags": [{"Key": "aws:x", "Value": ""}]}),
            "Tags[0].Key",
        ),
    ] {
        let answer = world.call("POST", "/voice-connectors", &body).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(member), "{body}: {message}");
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_a_bad_request_and_an_empty_one_names_the_member() {
    let world = World::start().await;
    for path in ["/voice-connectors/x", "/voice-connectors/", "/voice-connectors/%2F"] {
        let message = world.call("GET", path, "").await.refused(400, "BadRequestException");
        assert!(message.contains("VoiceConnectorId"), "{path}: {message}");
    }
}

#[tokio::test]
async fn listing_goes_page_by_page_and_tokens_are_bound_to_their_listing() {
    let world = World::start().await;
    let mut created = Vec::new();
    for _ in 0..5 {
        created.push(world.connector().await);
    }
    created.sort();
    let mut seen = Vec::new();
    let mut target = "/voice-connectors?max-results=2".to_owned();
    let mut pages = 0;
    loop {
        let page = world.call("GET", &target, "").await.expect(200);
        pages += 1;
        for connector in page["VoiceConnectors"].as_array().unwrap() {
            seen.push(connector["VoiceConnectorId"].as_str().unwrap().to_owned());
        }
        let Some(token) = page["NextToken"].as_str() else { break };
        target = format!("/voice-connectors?max-results=2&next-token={token}");
    }
    assert_eq!((seen, pages), (created, 3));

    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let last = target;
    let answer = world.call_as(&other, "GET", &last, "").await;
    answer.refused(400, "BadRequestException");
    for bad in ["max-results=0", "max-results=101", "max-results=x", "next-token=x", "next-token="]
    {
        let answer = world.call("GET", &format!("/voice-connectors?{bad}"), "").await;
        answer.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn a_connector_with_numbers_is_not_deleted_and_they_are_named() {
    let world = World::start().await;
    let id = world.connector().await;
    let association = PhoneNumberAssociation {
        account: AccountId::DEFAULT,
        number: E164Number::parse("+12065550100").unwrap(),
        target: AssociationTarget::Connector(VoiceConnectorId::parse(&id).unwrap()),
        associated: START,
    };
    let stored = association.clone();
    world.store.write(move |tx| tx.put(&stored)).await.unwrap();
    let path = format!("/voice-connectors/{id}");
    let message = world.call("DELETE", &path, "").await.refused(409, "ConflictException");
    assert!(message.contains("+12065550100"), "{message}");
    world.call("GET", &path, "").await.expect(200);

    world
        .store
        .write(|tx| tx.delete::<PhoneNumberAssociation>(&AccountId::DEFAULT, "+12065550100"))
        .await
        .unwrap();
    world.call("DELETE", &path, "").await.expect(204);
}

#[tokio::test]
async fn deleting_a_connector_deletes_its_settings_with_it() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let path = format!("/voice-connectors/{id}");
    let body = json!({"Credentials": [{"Username": "pbx", "Password": "secret"}]});
    world
        .call("POST", &format!("{path}/termination/credentials?operation=put"), body)
        .await
        .expect(204);
    let body = json!({"Origination": {"Routes": [{"Host": "sip.example.com"}]}});
    world.call("PUT", &format!("{path}/origination"), body).await.expect(200);

    world.call("DELETE", &path, "").await.expect(204);
    for setting in
        ["/termination", "/termination/credentials", "/termination/health", "/origination"]
    {
        let answer = world.call("GET", &format!("{path}{setting}"), "").await;
        let message = answer.refused(404, "NotFoundException");
        assert_eq!(message, format!("Could not find VoiceConnector with Id '{id}'"));
    }
    let left = world
        .store
        .read(|view| {
            use store::TypedView as _;
            let mut left = 0;
            view.all(|_: model::SipUser| left += 1)?;
            view.all(|_: model::Termination| left += 1)?;
            view.all(|_: model::Origination| left += 1)?;
            Ok(left)
        })
        .await;
    assert_eq!(left.unwrap(), 0);
}

#[tokio::test]
async fn the_quota_refuses_one_connector_too_many_until_one_is_deleted() {
    let config = ApiConfig {
        quotas: Quotas { voice_connectors: 2, ..Quotas::default() },
        ..ApiConfig::default()
    };
    let world = World::with_config(config).await;
    let first = world.connector().await;
    world.connector().await;
    let body = json!({"Name": "x", "RequireEncryption": false});
    let answer = world.call("POST", "/voice-connectors", &body).await;
    let message = answer.refused(400, "ResourceLimitExceededException");
    assert!(
        message.contains("Amazon Chime SDK Voice Connectors") && message.contains('2'),
        "{message}"
    );

    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    world.call_as(&other, "POST", "/voice-connectors", &body).await.expect(201);

    world.call("DELETE", &format!("/voice-connectors/{first}"), "").await.expect(204);
    world.call("POST", "/voice-connectors", &body).await.expect(201);
}

#[tokio::test]
async fn the_ten_regions_are_told() {
    let world = World::start().await;
    let told = world.call("GET", "/voice-connector-regions", "").await.expect(200);
    let told: Vec<_> = told["VoiceConnectorRegions"].as_array().unwrap().clone();
    assert_eq!(told.len(), 10);
    assert!(told.contains(&json!("us-east-1")) && told.contains(&json!("ap-southeast-2")));
}

#[tokio::test]
async fn what_another_account_owns_cannot_be_told_from_what_does_not_exist() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let path = format!("/voice-connectors/{id}");
    let absent = "/voice-connectors/0000000000000000000000";
    let termination = json!({"Termination": {"CallingRegions": ["US"]}}).to_string();
    let origination = json!({"Origination": {"Disabled": true}}).to_string();
    let credentials = json!({"Credentials": [{"Username": "u", "Password": "p"}]}).to_string();
    let usernames = json!({"Usernames": ["u"]}).to_string();
    let update = json!({"Name": "x", "RequireEncryption": true}).to_string();
    for (method, suffix, body) in [
        ("GET", "", ""),
        ("PUT", "", update.as_str()),
        ("DELETE", "", ""),
        ("GET", "/termination", ""),
        ("PUT", "/termination", &termination),
        ("DELETE", "/termination", ""),
        ("GET", "/termination/health", ""),
        ("GET", "/termination/credentials", ""),
        ("POST", "/termination/credentials?operation=put", &credentials),
        ("POST", "/termination/credentials?operation=delete", &usernames),
        ("GET", "/origination", ""),
        ("PUT", "/origination", &origination),
        ("DELETE", "/origination", ""),
    ] {
        let foreign = world.call_as(&other, method, &format!("{path}{suffix}"), body).await;
        let missing = world.call_as(&other, method, &format!("{absent}{suffix}"), body).await;
        assert_eq!(
            foreign.refused(404, "NotFoundException").replace(&id, "ID"),
            missing.refused(404, "NotFoundException").replace("0000000000000000000000", "ID"),
            "{method} {suffix}"
        );
    }
    let listed = world.call_as(&other, "GET", "/voice-connectors", "").await.expect(200);
    assert_eq!(listed, json!({"VoiceConnectors": []}));
    world.call("GET", &format!("{path}/termination"), "").await.expect(200);
}
