//! Who is let in, and what the others are told.

use std::time::Duration;

use model::{AccessKey, AccountId, KeyPolicy, KeyStatus};
use store::{TypedTx as _, TypedView as _};

use crate::world::World;

#[tokio::test]
async fn a_request_signed_by_a_known_key_is_served_in_every_region() {
    let world = World::start().await;
    for region in model::Region::ALL {
        let request =
            world.signed_for("chime", region.as_str(), &world.key, "GET", "/voice-connectors", b"");
        world.send(&request).await.expect(200);
    }
}

#[tokio::test]
async fn a_path_with_an_escape_is_signed_with_the_escape_escaped() {
    let world = World::start().await;
    for id in ["%2B12065550100", "%252B12065550100"] {
        let answer = world.call("GET", &format!("/phone-numbers/{id}"), "").await;
        answer.refused(404, "NotFoundException");
    }
}

#[tokio::test]
async fn a_signature_over_host_and_date_alone_is_enough() {
    let world = World::start().await;
    let target = "/voice-connectors";
    let mut request = world.signed_with("chime", "us-east-1", &world.key, "GET", target, b"", &[]);
    assert!(request.header("authorization").contains("SignedHeaders=host;x-amz-date,"));
    world.send(&request).await.expect(200);
    request.set("content-type", Some("text/plain"));
    world.send(&request).await.expect(200);
}

#[tokio::test]
async fn a_signed_header_that_was_changed_or_removed_is_noticed() {
    let world = World::start().await;
    let mut request = world.signed(&world.key, "GET", "/voice-connectors", b"");
    request.set("content-type", Some("text/plain"));
    world.send(&request).await.refused(403, "InvalidSignatureException");
    request.set("content-type", None);
    let message = world.send(&request).await.refused(400, "IncompleteSignatureException");
    assert!(message.contains("content-type"), "{message}");
}

#[tokio::test]
async fn a_refused_request_with_a_large_body_gets_its_answer() {
    let world = World::start().await;
    let mut request = world.signed(&world.key, "POST", "/voice-connectors", &vec![b' '; 4 << 20]);
    request.set("authorization", None);
    world.send(&request).await.refused(403, "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let world = World::start().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let request = |body: &str| {
        let (path, body) = ("/voice-connectors", body.as_bytes());
        world.signed_with("chime", "us-east-1", &world.key, "POST", path, body, &form)
    };
    world.send(&request(r#"{"Name":"x","RequireEncryption":false}"#)).await.expect(201);
    world.send(&request("{}")).await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn an_unsigned_request_is_told_that_it_is() {
    let world = World::start().await;
    let mut request = world.signed(&world.key, "GET", "/voice-connectors", b"");
    request.set("authorization", None);
    let message = world.send(&request).await.refused(403, "MissingAuthenticationTokenException");
    assert!(message.contains("Authorization"), "{message}");
}

#[tokio::test]
async fn a_presigned_url_is_refused_by_name() {
    let world = World::start().await;
    let target = "/voice-connectors?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00";
    let mut request = world.signed(&world.key, "GET", target, b"");
    request.set("authorization", None);
    let message = world.send(&request).await.refused(400, "IncompleteSignatureException");
    assert!(message.contains("presigned"), "{message}");
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_incomplete() {
    let world = World::start().await;
    for value in ["Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256 Credential=x", "AWS4-ECDSA-P256-SHA256 x"]
    {
        let mut request = world.signed(&world.key, "GET", "/voice-connectors", b"");
        request.set("authorization", Some(value));
        let message = world.send(&request).await.refused(400, "IncompleteSignatureException");
        assert!(!message.contains("dXNlcjpwYXNz"), "credentials are not repeated: {message}");
    }
    let mut request = world.signed(&world.key, "GET", "/voice-connectors", b"");
    request.set("x-amz-date", None);
    world.send(&request).await.refused(400, "IncompleteSignatureException");
}

#[tokio::test]
async fn a_key_that_nobody_made_is_unauthorized() {
    let world = World::start().await;
    let mut stranger = world.key.clone();
    stranger.id = "AKIANOBODY0000000000".into();
    let answer = world.call_as(&stranger, "GET", "/voice-connectors", "").await;
    let message = answer.refused(401, "UnauthorizedClientException");
    assert_eq!(answer.json()["Code"], "Unauthorized");
    assert!(message.contains("AKIANOBODY0000000000"), "{message}");
}

#[tokio::test]
async fn a_disabled_key_is_told_so_only_if_it_signs_right() {
    let world = World::start().await;
    let key = world.key("AKIASECOND", "000000000000", KeyPolicy::Full).await;
    world.call_as(&key, "GET", "/voice-connectors", "").await.expect(200);
    world
        .store
        .write(|tx| {
            let mut stored: AccessKey = tx.get(&AccountId::DEFAULT, "AKIASECOND")?.unwrap();
            stored.status = KeyStatus::Disabled;
            tx.put(&stored)
        })
        .await
        .unwrap();

    let answer = world.call_as(&key, "GET", "/voice-connectors", "").await;
    let message = answer.refused(401, "UnauthorizedClientException");
    assert_eq!(answer.json()["Code"], "AccessKeyDisabled");
    assert!(message.contains("trunkline key enable AKIASECOND"), "{message}");

    let mut guess = key;
    guess.secret = "a guess".into();
    let answer = world.call_as(&guess, "GET", "/voice-connectors", "").await;
    answer.refused(403, "InvalidSignatureException");
}

#[tokio::test]
async fn a_wrong_secret_or_a_changed_request_is_an_invalid_signature_that_tells_no_secret() {
    let world = World::start().await;
    let mut guess = world.key.clone();
    guess.secret = "hunter2".into();
    let wrong_secret = world.signed(&guess, "GET", "/voice-connectors", b"");

    let mut other_method = world.signed(&world.key, "GET", "/voice-connectors", b"");
    other_method.method = "DELETE".into();
    let mut other_path = world.signed(&world.key, "GET", "/voice-connectors", b"");
    other_path.target = "/voice-connector-regions".into();
    let mut other_query = world.signed(&world.key, "GET", "/voice-connectors?max-results=1", b"");
    other_query.target = "/voice-connectors?max-results=2".into();
    let mut other_body = world.signed(&world.key, "POST", "/voice-connectors", b"{}");
    other_body.body = b"[]".to_vec();
    let mut other_host = world.signed(&world.key, "GET", "/voice-connectors", b"");
    other_host.set("host", Some("elsewhere:1"));

    for request in [wrong_secret, other_method, other_path, other_query, other_body, other_host] {
        let signature =
            request.header("authorization").split("Signature=").nth(1).unwrap().to_owned();
        let answer = world.send(&request).await;
        let message = answer.refused(403, "InvalidSignatureException");
        assert!(!message.contains(&world.key.secret) && !message.contains("hunter2"), "{message}");
        assert!(!message.contains(&signature), "{message}");
        assert!(message.contains(&world.key.id), "{message}");
    }
}

#[tokio::test]
async fn a_declared_body_hash_that_is_not_the_bodys_is_told_apart() {
    let world = World::start().await;
    let mut request = world.signed(&world.key, "POST", "/voice-connectors", b"{}");
    request.set("x-amz-content-sha256", Some(&"0".repeat(64)));
    let message = world.send(&request).await.refused(403, "InvalidSignatureException");
    assert!(message.contains("x-amz-content-sha256"), "{message}");
    request.set("x-amz-content-sha256", Some("UNSIGNED-PAYLOAD"));
    world.send(&request).await.refused(400, "IncompleteSignatureException");
}

#[tokio::test]
async fn clocks_may_differ_by_five_minutes_and_no_more() {
    let world = World::start().await;
    let request = world.signed(&world.key, "GET", "/voice-connectors", b"");
    world.clock.advance(Duration::from_secs(299));
    world.send(&request).await.expect(200);
    world.clock.advance(Duration::from_secs(2));
    let answer = world.send(&request).await;
    let message = answer.refused(403, "RequestExpired");
    assert!(message.contains("20261123T101112Z"), "{message}");
    assert!(message.contains("20261123T101613Z"), "{message}");
    assert!(answer.header("date").is_some(), "SDKs correct their clock by it");
}

#[tokio::test]
async fn another_service_or_region_is_named() {
    let world = World::start().await;
    for service in ["lambda", "dynamodb"] {
        let request = world.signed_for(service, "us-east-1", &world.key, "GET", "/", b"");
        let message = world.send(&request).await.refused(400, "ServiceNotServedException");
        assert!(message.contains(&format!("not {service}")), "{message}");
    }
    let request = world.signed_for("chime", "mars-1", &world.key, "GET", "/voice-connectors", b"");
    let message = world.send(&request).await.refused(403, "InvalidSignatureException");
    assert!(message.contains("mars-1"), "{message}");
}

#[tokio::test]
async fn s3_is_refused_in_the_xml_that_its_clients_read() {
    let world = World::start().await;
    let request = world.signed_for("s3", "us-east-1", &world.key, "GET", "/bucket", b"");
    let answer = world.send(&request).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.starts_with("<Error><Code>ServiceNotServed</Code>"), "{answer:?}");
    assert!(answer.body.contains("not s3"), "{answer:?}");
}

#[tokio::test]
async fn a_service_that_names_its_operation_in_a_header_is_refused_in_its_own_json() {
    let world = World::start().await;
    let mut request = world.signed_for("dynamodb", "us-east-1", &world.key, "POST", "/", b"{}");
    request.set("x-amz-target", Some("DynamoDB_20120810.ListTables"));
    let answer = world.send(&request).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["__type"], "ServiceNotServedException");
    assert!(answer.json()["message"].as_str().unwrap().contains("not dynamodb"), "{answer:?}");
}

#[tokio::test]
async fn sts_tells_who_asks_and_nothing_else() {
    let world = World::start().await;
    let key = world.key("AKIATENANT", "111122223333", KeyPolicy::ReadOnly).await;
    let body = b"Action=GetCallerIdentity&Version=2011-06-15";
    let request = world.signed_for("sts", "eu-north-1", &key, "POST", "/", body);
    let answer = world.send(&request).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/xml")));
    for part in [
        "<Account>111122223333</Account>",
        "<Arn>arn:aws:iam::111122223333:user/AKIATENANT</Arn>",
        "<UserId>AKIATENANT</UserId>",
        answer.header("x-amzn-requestid").unwrap(),
    ] {
        assert!(answer.body.contains(part), "{answer:?}");
    }

    let other = b"Action=AssumeRole&Version=2011-06-15";
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let request = world.signed_with("sts", "us-east-1", &key, "POST", "/", other, &form);
    let answer = world.send(&request).await;
    assert_eq!((answer.status, answer.error()), (400, "InvalidAction"));
    assert!(
        answer.body.contains("<Error><Type>Sender</Type><Code>InvalidAction</Code>"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_key_that_asks_too_fast_is_throttled_and_others_are_not() {
    let config =
        api::ApiConfig { rate: api::Rate { per_second: 1, burst: 2 }, ..api::ApiConfig::default() };
    let world = World::with_config(config).await;
    let other = world.key("AKIAOTHER", "000000000000", KeyPolicy::Full).await;
    for _ in 0..2 {
        world.call("GET", "/voice-connectors", "").await.expect(200);
    }
    let answer = world.call("GET", "/voice-connectors", "").await;
    answer.refused(429, "ThrottledClientException");
    assert_eq!(answer.header("retry-after"), Some("1"));
    world.call_as(&other, "GET", "/voice-connectors", "").await.expect(200);
    world.clock.advance(Duration::from_secs(1));
    world.call("GET", "/voice-connectors", "").await.expect(200);
}
