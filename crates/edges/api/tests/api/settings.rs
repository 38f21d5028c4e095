//! What hangs on a connector besides termination and origination, and what an account chooses for
//! all of its connectors.

use model::KeyPolicy;
use serde_json::{Value, json};

use crate::world::World;

const TERMINATION: &str = r#"{"Termination":{"CallingRegions":["US"]}}"#;
const ORIGINATION: &str = r#"{"Origination":{"Routes":[{"Host":"sip.example.com"}]}}"#;
const EMERGENCY: &str = r#"{"EmergencyCallingConfiguration":{"DNIS":[
    {"EmergencyPhoneNumber":"+12065550911","TestPhoneNumber":"+12065550933","CallingCountry":"US"}]}}"#;

async fn path(world: &World) -> String {
    format!("/voice-connectors/{}", world.connector().await)
}

#[tokio::test]
async fn streaming_is_replaced_as_a_whole_and_gone_after_delete() {
    let world = World::start().await;
    let path = format!("{}/streaming-configuration", path(&world).await);
    let message = world.call("GET", &path, "").await.refused(404, "NotFoundException");
    assert!(message.contains("PutVoiceConnectorStreamingConfiguration"), "{message}");
    let whole = json!({"StreamingConfiguration": {
        "DataRetentionInHours": 5,
        "Disabled": false,
        "StreamingNotificationTargets": [{"NotificationTarget": "SQS"}, {"NotificationTarget": "SNS"}],
        "MediaInsightsConfiguration": {"Disabled": false, "ConfigurationArn": "arn:aws:chime:us-east-1:000000000000:media-insights-pipeline-configuration/x"},
    }});
    assert_eq!(world.call("PUT", &path, &whole).await.expect(200), whole);
    assert_eq!(world.call("GET", &path, "").await.expect(200), whole);
    let less = json!({"StreamingConfiguration": {"DataRetentionInHours": 0, "Disabled": true}});
    assert_eq!(world.call("PUT", &path, &less).await.expect(200), less);
    assert_eq!(world.call("GET", &path, "").await.expect(200), less);
    world.call("DELETE", &path, "").await.expect(204);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
    world.call("DELETE", &path, "").await.expect(204);
}

#[tokio::test]
async fn a_streaming_configuration_that_breaks_a_rule_is_refused() {
    let world = World::start().await;
    let path = format!("{}/streaming-configuration", path(&world).await);
    let target = json!({"NotificationTarget": "SNS"});
    for (change, member) in [
        (json!({"DataRetentionInHours": -1}), "DataRetentionInHours"),
        (json!({"DataRetentionInHours": null}), "DataRetentionInHours"),
        (json!({"Disabled": null}), "Disabled"),
        (json!({"StreamingNotificationTargets": []}), "StreamingNotificationTargets"),
        (json!({"StreamingNotificationTargets": [target, target]}), "twice"),
        (json!({"StreamingNotificationTargets": [{}]}), "NotificationTarget"),
        (
            json!({"StreamingNotificationTargets": [{"NotificationTarget": "Fax"}]}),
            "NotificationTarget",
        ),
        (json!({"MediaInsightsConfiguration": {}}), "ConfigurationArn"),
    ] {
        let mut body = json!({"DataRetentionInHours": 1, "Disabled": false});
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = world.call("PUT", &path, json!({"StreamingConfiguration": body})).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(member), "{change}: {message}");
    }
}

#[tokio::test]
async fn logging_is_off_until_it_is_put_and_cannot_be_deleted() {
    let world = World::start().await;
    let path = format!("{}/logging-configuration", path(&world).await);
    let logging = |sip: bool, media: bool| json!({"LoggingConfiguration": {"EnableSIPLogs": sip, "EnableMediaMetricLogs": media}});
    assert_eq!(world.call("GET", &path, "").await.expect(200), logging(false, false));
    let body = json!({"LoggingConfiguration": {"EnableSIPLogs": true}});
    assert_eq!(world.call("PUT", &path, body).await.expect(200), logging(true, false));
    assert_eq!(world.call("GET", &path, "").await.expect(200), logging(true, false));
    let body = json!({"LoggingConfiguration": {"EnableMediaMetricLogs": true}});
    assert_eq!(world.call("PUT", &path, body).await.expect(200), logging(false, true));
    world.call("DELETE", &path, "").await.refused(405, "UnknownOperationException");
}

#[tokio::test]
async fn emergency_calling_needs_calls_out_and_in() {
    let world = World::start().await;
    let connector = path(&world).await;
    let path = format!("{connector}/emergency-calling-configuration");
    let (termination, origination) =
        (format!("{connector}/termination"), format!("{connector}/origination"));
    let refused = async |what: &str| {
        let message = world.call("PUT", &path, EMERGENCY).await.refused(400, "BadRequestException");
        assert!(message.contains(what), "{message}");
    };
    refused("Termination").await;
    world.call("PUT", &termination, TERMINATION).await.expect(200);
    refused("Origination").await;
    let disabled = r#"{"Origination":{"Disabled":true}}"#;
    world.call("PUT", &origination, disabled).await.expect(200);
    refused("is disabled").await;
    world.call("PUT", &origination, ORIGINATION).await.expect(200);
    let put = world.call("PUT", &path, EMERGENCY).await.expect(200);
    assert_eq!(put, serde_json::from_str::<Value>(EMERGENCY).unwrap());
    assert_eq!(world.call("GET", &path, "").await.expect(200), put);
}

#[tokio::test]
async fn calls_out_and_in_stay_while_emergency_calling_needs_them() {
    let world = World::start().await;
    let connector = path(&world).await;
    let path = format!("{connector}/emergency-calling-configuration");
    let (termination, origination) =
        (format!("{connector}/termination"), format!("{connector}/origination"));
    world.call("PUT", &termination, TERMINATION).await.expect(200);
    world.call("PUT", &origination, ORIGINATION).await.expect(200);
    world.call("PUT", &path, EMERGENCY).await.expect(200);

    let off = r#"{"Termination":{"CallingRegions":["US"],"Disabled":true}}"#;
    for (method, target, body) in [
        ("DELETE", &termination, ""),
        ("PUT", &termination, off),
        ("DELETE", &origination, ""),
        ("PUT", &origination, r#"{"Origination":{"Disabled":true}}"#),
    ] {
        let message = world.call(method, target, body).await.refused(400, "BadRequestException");
        assert!(message.contains("EmergencyCallingConfiguration"), "{method} {message}");
    }
    world.call("PUT", &termination, TERMINATION).await.expect(200);
    world.call("PUT", &origination, ORIGINATION).await.expect(200);

    world.call("DELETE", &path, "").await.expect(204);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
    world.call("PUT", &termination, off).await.expect(200);
    world.call("DELETE", &termination, "").await.expect(204);
    world.call("DELETE", &origination, "").await.expect(204);
}

#[tokio::test]
async fn emergency_numbers_that_break_a_rule_are_refused() {
    let world = World::start().await;
    let connector = path(&world).await;
    world.call("PUT", &format!("{connector}/termination"), TERMINATION).await.expect(200);
    world.call("PUT", &format!("{connector}/origination"), ORIGINATION).await.expect(200);
    let path = format!("{connector}/emergency-calling-configuration");
    let us = json!({"EmergencyPhoneNumber": "+12065550911", "CallingCountry": "US"});
    for (numbers, member) in [
        (Value::Null, "DNIS"),
        (json!([]), "DNIS"),
        (json!([us, us]), "DNIS[1].CallingCountry"),
        (json!([{"EmergencyPhoneNumber": "911", "CallingCountry": "XX"}]), "CallingCountry"),
        (json!([{"EmergencyPhoneNumber": "911x", "CallingCountry": "US"}]), "EmergencyPhoneNumber"),
        (json!([{"EmergencyPhoneNumber": "+12065550911"}]), "CallingCountry"),
    ] {
        let body = json!({"EmergencyCallingConfiguration": {"DNIS": numbers}});
        let message = world.call("PUT", &path, body).await.refused(400, "BadRequestException");
        assert!(message.contains(member), "{numbers}: {message}");
    }
}

#[tokio::test]
async fn external_systems_are_replaced_as_a_whole_and_gone_after_delete() {
    let world = World::start().await;
    let path = format!("{}/external-systems-configuration", path(&world).await);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
    let body = json!({
        "SessionBorderControllerTypes": ["RIBBON_SBC", "AVAYA_SBCE"],
        "ContactCenterSystemTypes": ["GENESYS_ENGAGE_ON_PREMISES"],
    });
    let whole = json!({"ExternalSystemsConfiguration": body});
    assert_eq!(world.call("PUT", &path, &body).await.expect(200), whole);
    assert_eq!(world.call("GET", &path, "").await.expect(200), whole);
    let less = world.call("PUT", &path, json!({"ContactCenterSystemTypes": []})).await.expect(200);
    assert_eq!(less["ExternalSystemsConfiguration"]["SessionBorderControllerTypes"], json!([]));
    for bad in [
        json!({}),
        json!({"SessionBorderControllerTypes": ["X"]}),
        json!({"SessionBorderControllerTypes": ["AVAYA_SBCE", "AVAYA_SBCE"]}),
    ] {
        world.call("PUT", &path, bad).await.refused(400, "BadRequestException");
    }
    world.call("DELETE", &path, "").await.expect(204);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn a_proxy_is_replaced_as_a_whole_and_gone_after_delete() {
    let world = World::start().await;
    let path = format!("{}/programmable-numbers/proxy", path(&world).await);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
    let body = json!({"DefaultSessionExpiryMinutes": 60, "PhoneNumberPoolCountries": ["US", "CA", "US"],
        "FallBackPhoneNumber": "+12065550100"});
    let put = world.call("PUT", &path, body).await.expect(200);
    assert_eq!(
        put,
        json!({"Proxy": {"DefaultSessionExpiryMinutes": 60, "Disabled": false,
            "FallBackPhoneNumber": "+12065550100", "PhoneNumberCountries": ["US", "CA"]}})
    );
    assert_eq!(world.call("GET", &path, "").await.expect(200), put);
    for bad in [
        json!({"DefaultSessionExpiryMinutes": 0, "PhoneNumberPoolCountries": ["US"]}),
        json!({"DefaultSessionExpiryMinutes": 1, "PhoneNumberPoolCountries": []}),
        json!({"DefaultSessionExpiryMinutes": 1, "PhoneNumberPoolCountries": [""]}),
        json!({"DefaultSessionExpiryMinutes": 1, "PhoneNumberPoolCountries": ["XX"]}),
        json!({"PhoneNumberPoolCountries": ["US"]}),
    ] {
        world.call("PUT", &path, bad).await.refused(400, "BadRequestException");
    }
    world.call("DELETE", &path, "").await.expect(204);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn global_settings_are_each_accounts_own_and_an_empty_update_clears_the_bucket() {
    let world = World::start().await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let told = |bucket: &str| json!({"VoiceConnector": {"CdrBucket": bucket}});
    let empty = json!({"VoiceConnector": {}});
    assert_eq!(world.call("GET", "/settings", "").await.expect(200), empty);
    world.call("PUT", "/settings", told("records")).await.expect(204);
    assert_eq!(world.call("GET", "/settings", "").await.expect(200), told("records"));
    assert_eq!(world.call_as(&other, "GET", "/settings", "").await.expect(200), empty);
    world.call("PUT", "/settings", &empty).await.expect(204);
    assert_eq!(world.call("GET", "/settings", "").await.expect(200), empty);
    world.call("PUT", "/settings", told("records")).await.expect(204);
    world.call("PUT", "/settings", told("")).await.expect(204);
    assert_eq!(world.call("GET", "/settings", "").await.expect(200), empty, "no bucket is none");
    for bad in [json!({}), told("no spaces"), told(&"x".repeat(65))] {
        world.call("PUT", "/settings", bad).await.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn an_address_for_emergency_calls_is_valid_corrected_or_refused_with_candidates() {
    let world = World::start().await;
    let ask = async |change: Value| {
        let mut body = json!({"AwsAccountId": "000000000000", "StreetNumber": "410",
            "StreetInfo": "TERRY AVE N", "City": "SEATTLE", "State": "WA", "Country": "US",
            "PostalCode": "98109"});
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        world.call("POST", "/emergency-calling/address", body).await
    };
    let valid = ask(json!({})).await.expect(202);
    assert_eq!(valid["ValidationResult"], 0);
    assert_eq!(
        valid["Address"],
        json!({"streetNumber": "410", "streetName": "TERRY", "streetSuffix": "AVE",
            "postDirectional": "N", "city": "SEATTLE", "state": "WA", "postalCode": "98109",
            "country": "US"})
    );
    let corrected = ask(json!({"StreetInfo": "Terry Avenue North, Suite 3"})).await.expect(202);
    assert_eq!(corrected["ValidationResult"], 1);
    assert_eq!(corrected["Address"], valid["Address"]);
    assert_eq!(corrected["AddressExternalId"], valid["AddressExternalId"]);

    let failed = ask(json!({"State": "OR"})).await.expect(202);
    assert_eq!(failed["ValidationResult"], 2);
    assert_eq!(failed.get("Address"), None);
    assert_eq!(failed["CandidateAddressList"][0]["state"], "WA");
    assert_eq!(failed["CandidateAddressList"][0]["streetInfo"], "TERRY AVE N");

    ask(json!({"Country": "DE"})).await.refused(400, "BadRequestException");
    ask(json!({"City": " "})).await.refused(400, "BadRequestException");
    ask(json!({"AwsAccountId": "111122223333"})).await.refused(403, "ForbiddenException");
}

#[tokio::test]
async fn settings_of_another_accounts_connector_are_absent() {
    let world = World::start().await;
    let connector = path(&world).await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let streaming = r#"{"StreamingConfiguration":{"DataRetentionInHours":0,"Disabled":true}}"#;
    let proxy = r#"{"DefaultSessionExpiryMinutes":1,"PhoneNumberPoolCountries":["US"]}"#;
    for (suffix, put) in [
        ("streaming-configuration", streaming),
        ("logging-configuration", r#"{"LoggingConfiguration":{}}"#),
        ("emergency-calling-configuration", EMERGENCY),
        ("external-systems-configuration", r#"{"ContactCenterSystemTypes":[]}"#),
        ("programmable-numbers/proxy", proxy),
    ] {
        let target = format!("{connector}/{suffix}");
        world.call_as(&other, "GET", &target, "").await.refused(404, "NotFoundException");
        world.call_as(&other, "PUT", &target, put).await.refused(404, "NotFoundException");
        if suffix != "logging-configuration" {
            world.call_as(&other, "DELETE", &target, "").await.refused(404, "NotFoundException");
        }
    }
}

#[tokio::test]
async fn a_connector_takes_its_settings_with_it() {
    let world = World::start().await;
    let connector = path(&world).await;
    world.call("PUT", &format!("{connector}/termination"), TERMINATION).await.expect(200);
    world.call("PUT", &format!("{connector}/origination"), ORIGINATION).await.expect(200);
    let target = format!("{connector}/emergency-calling-configuration");
    world.call("PUT", &target, EMERGENCY).await.expect(200);
    let body = r#"{"LoggingConfiguration":{"EnableSIPLogs":true}}"#;
    world.call("PUT", &format!("{connector}/logging-configuration"), body).await.expect(200);
    world.call("DELETE", &connector, "").await.expect(204);
    let left = world
        .store
        .read(|view| {
            use store::TypedView as _;
            let mut left = 0;
            view.all(|_: model::EmergencyCalling| left += 1)?;
            view.all(|_: model::Logging| left += 1)?;
            Ok(left)
        })
        .await;
    assert_eq!(left.unwrap(), 0);
}
