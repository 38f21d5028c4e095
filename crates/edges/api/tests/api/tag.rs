//! Tags.

use model::KeyPolicy;
use serde_json::{Value, json};

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
