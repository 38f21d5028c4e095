//! Tags.

use model::{AccountId, KeyPolicy, Tags};
use serde_json::{Value, json};
use store::TypedView as _;

use crate::world::{Answer, World};

async fn arn(world: &World) -> String {
    let id = world.connector().await;
    format!("arn:aws:chime:us-east-1:000000000000:vc/{id}")
}

async fn tag(world: &World, arn: &str, tags: Value) -> Answer {
    world
        .call("POST", "/tags?operation=tag-resource", json!({"ResourceARN": arn, "Tags": tags}))
        .await
}

async fn tags(world: &World, arn: &str) -> Value {
    world.call("GET", &format!("/tags?arn={arn}"), "").await.expect(200)["Tags"].clone()
}

#[tokio::test]
async fn tags_are_added_changed_and_removed_by_key() {
    let world = World::start().await;
    let arn = arn(&world).await;
    assert_eq!(tags(&world, &arn).await, json!([]), "an untagged connector has an empty list");

    let two = json!([{"Key": "b", "Value": ""}, {"Key": "a", "Value": "1"}]);
    tag(&world, &arn, two).await.expect(204);
    tag(&world, &arn, json!([{"Key": "a", "Value": "2"}])).await.expect(204);
    assert_eq!(
        tags(&world, &arn).await,
        json!([{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    );

    let untag = json!({"ResourceARN": arn, "TagKeys": ["a", "never-there"]});
    world.call("POST", "/tags?operation=untag-resource", untag).await.expect(204);
    assert_eq!(tags(&world, &arn).await, json!([{"Key": "b", "Value": ""}]));
}

#[tokio::test]
async fn the_fifty_first_tag_is_refused() {
    let world = World::start().await;
    let arn = arn(&world).await;
    let fifty: Vec<Value> =
        (0..50).map(|at| json!({"Key": format!("k{at}"), "Value": "v"})).collect();
    tag(&world, &arn, json!(fifty)).await.expect(204);
    tag(&world, &arn, json!([{"Key": "k7", "Value": "w"}])).await.expect(204);
    let answer = tag(&world, &arn, json!([{"Key": "one more", "Value": "v"}])).await;
    answer.refused(400, "ResourceLimitExceededException");
    assert_eq!(tags(&world, &arn).await.as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn tags_that_break_a_rule_are_refused() {
    let world = World::start().await;
    let arn = arn(&world).await;
    for bad in [
        json!([]),
        json!([{"Key": "", "Value": ""}]),
        json!([{"Key": "x".repeat(129), "Value": ""}]),
        json!([{"Key": "x", "Value": "x".repeat(257)}]),
        json!([{"Key": "x"}]),
        json!([{"Key": "AWS:x", "Value": ""}]),
        json!([{"Key": "x", "Value": "1"}, {"Key": "x", "Value": "2"}]),
        json!((0..51).map(|at| json!({"Key": at.to_string(), "Value": ""})).collect::<Vec<_>>()),
    ] {
        tag(&world, &arn, bad).await.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn an_arn_that_is_malformed_unknown_or_foreign_is_refused() {
    let world = World::start().await;
    let arn = arn(&world).await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    world
        .call_as(&other, "GET", &format!("/tags?arn={arn}"), "")
        .await
        .refused(404, "NotFoundException");
    for absent in [
        arn.replace("us-east-1", "us-west-2"),
        arn.replace(":vc/", ":sma/"),
        arn.replace(":000000000000:", ":111122223333:"),
        "arn:aws:chime:us-east-1:000000000000:vc/0000000000000000000000".into(),
    ] {
        let answer = world.call("GET", &format!("/tags?arn={absent}"), "").await;
        let message = answer.refused(404, "NotFoundException");
        assert!(message.contains(&absent), "{message}");
        tag(&world, &absent, json!([{"Key": "a", "Value": ""}]))
            .await
            .refused(404, "NotFoundException");
        let untag = json!({"ResourceARN": absent, "TagKeys": ["a"]});
        let answer = world.call("POST", "/tags?operation=untag-resource", untag).await;
        answer.refused(404, "NotFoundException");
    }
    for malformed in ["x", "arn:aws:s3:::bucket", ""] {
        let answer = world.call("GET", &format!("/tags?arn={malformed}"), "").await;
        answer.refused(400, "BadRequestException");
    }
    world.call("GET", "/tags", "").await.refused(400, "BadRequestException");
}

/// What can have tags: how it is created, and the member that tells its ARN.
const TAGGABLE: [(&str, &str, &str, &str); 3] = [
    (
        "/voice-connectors",
        r#"{"Name":"x","RequireEncryption":false}"#,
        "VoiceConnector",
        "VoiceConnectorArn",
    ),
    (
        "/sip-media-applications",
        r#"{"Name":"x","AwsRegion":"us-east-1","Endpoints":[{"LambdaArn":"arn:aws:lambda:us-east-1:000000000000:function:f"}]}"#,
        "SipMediaApplication",
        "SipMediaApplicationArn",
    ),
    (
        "/voice-profile-domains",
        r#"{"Name":"x","ServerSideEncryptionConfiguration":{"KmsKeyArn":"arn:aws:kms:us-east-1:000000000000:key/1"}}"#,
        "VoiceProfileDomain",
        "VoiceProfileDomainArn",
    ),
];

#[tokio::test]
async fn every_taggable_resource_takes_tags_at_its_creation_and_later_and_loses_them_with_itself() {
    let world = World::start().await;
    for (path, body, noun, member) in TAGGABLE {
        let mut body: Value = serde_json::from_str(body).unwrap();
        let untagged = world.call("POST", path, &body).await.expect(201);
        let untagged = untagged[noun][member].as_str().unwrap();
        assert_eq!(tags(&world, untagged).await, json!([]), "{noun}");
        tag(&world, untagged, json!([{"Key": "a", "Value": "1"}])).await.expect(204);
        assert_eq!(tags(&world, untagged).await, json!([{"Key": "a", "Value": "1"}]));

        body["Tags"] = json!([{"Key": "b", "Value": "2"}]);
        let tagged = world.call("POST", path, &body).await.expect(201);
        let arn = tagged[noun][member].as_str().unwrap();
        tag(&world, arn, json!([{"Key": "c", "Value": "3"}])).await.expect(204);
        let untag = json!({"ResourceARN": arn, "TagKeys": ["b"]});
        world.call("POST", "/tags?operation=untag-resource", untag).await.expect(204);
        assert_eq!(tags(&world, arn).await, json!([{"Key": "c", "Value": "3"}]), "{noun}");

        let id = arn.rsplit('/').next().unwrap();
        world.call("DELETE", &format!("{path}/{id}"), "").await.expect(204);
        let gone = world.call("GET", &format!("/tags?arn={arn}"), "").await;
        gone.refused(404, "NotFoundException");
        let stored = arn.to_owned();
        let left = world
            .store
            .read(move |view| view.get::<Tags>(&AccountId::DEFAULT, &stored))
            .await
            .unwrap();
        assert_eq!(left, None, "{noun}");

        body["Tags"] = json!([{"Key": "aws:x", "Value": ""}]);
        world.call("POST", path, &body).await.refused(400, "BadRequestException");
        let many: Vec<Value> =
            (0..51).map(|at| json!({"Key": at.to_string(), "Value": ""})).collect();
        body["Tags"] = json!(many);
        world.call("POST", path, &body).await.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn what_cannot_have_tags_is_told_so_whether_it_exists_or_not() {
    let world = World::start().await;
    for kind in ["vcg", "voice-profile", "phone-number", "x"] {
        let arn = format!("arn:aws:chime:us-east-1:000000000000:{kind}/1");
        let answer = world.call("GET", &format!("/tags?arn={arn}"), "").await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains("sma") && message.contains(kind), "{message}");
        let answer = tag(&world, &arn, json!([{"Key": "a", "Value": ""}])).await;
        answer.refused(400, "BadRequestException");
    }
}
