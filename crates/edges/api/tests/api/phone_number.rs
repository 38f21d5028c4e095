//! Phone numbers: orders, changes, the deletion queue.

use std::time::Duration;

use api::{ApiConfig, Quotas};
use model::KeyPolicy;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::phone_number_search::{numbers, search};
use crate::world::{Key, World};

const ONE: &str = "+12065550100";
const TWO: &str = "+12065550101";
const DAY: Duration = Duration::from_secs(86_400);

/// The target of a number.
fn target(number: &str) -> String {
    format!("/phone-numbers/{}", number.replace('+', "%2B"))
}

/// Orders numbers and waits until the order is decided.
async fn order(world: &World, key: &Key, product: &str, numbers: &[&str]) -> Value {
    let body = json!({"ProductType": product, "E164PhoneNumbers": numbers, "Name": "desk"});
    let made = world.call_as(key, "POST", "/phone-number-orders", body).await.expect(201);
    let order = &made["PhoneNumberOrder"];
    assert_eq!(order["Status"], "Processing");
    let id = order["PhoneNumberOrderId"].as_str().unwrap();
    let target = format!("/phone-number-orders/{id}");
    for _ in 0..10_000 {
        let read = world.call_as(key, "GET", &target, "").await.expect(200);
        if read["PhoneNumberOrder"]["Status"] != "Processing" {
            return read["PhoneNumberOrder"].clone();
        }
    }
    panic!("the order is never decided: {made}");
}

#[tokio::test]
async fn an_order_is_fulfilled_from_the_inventory_and_each_number_tells_what_became_of_it() {
    let world = World::start().await;
    world.numbers("", &[ONE]).await;
    let done = order(&world, &world.key, "VoiceConnector", &[ONE, TWO]).await;
    let id = done["PhoneNumberOrderId"].as_str().unwrap();
    assert_eq!(
        done,
        json!({
            "PhoneNumberOrderId": id,
            "ProductType": "VoiceConnector",
            "Status": "Partial",
            "OrderType": "New",
            "OrderedPhoneNumbers": [
                {"E164PhoneNumber": ONE, "Status": "Acquired"},
                {"E164PhoneNumber": TWO, "Status": "Failed"},
            ],
            "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
            "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
        })
    );
    let listed = world.call("GET", "/phone-number-orders", "").await.expect(200);
    assert_eq!(listed, json!({"PhoneNumberOrders": [done]}));

    let number = world.call("GET", &target(ONE), "").await.expect(200);
    assert_eq!(
        number["PhoneNumber"],
        json!({
            "PhoneNumberId": "%2B12065550100",
            "PhoneNumberArn": "arn:aws:chime:us-east-1:000000000000:phone-number/+12065550100",
            "E164PhoneNumber": ONE,
            "Country": "US",
            "Type": "Local",
            "ProductType": "VoiceConnector",
            "Status": "Unassigned",
            "Capabilities": {"InboundCall": true, "OutboundCall": true, "InboundSMS": false,
                "OutboundSMS": false, "InboundMMS": false, "OutboundMMS": false},
            "Associations": [],
            "CallingNameStatus": "Unassigned",
            "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
            "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
            "OrderId": id,
            "Name": "desk",
        })
    );
    world.call("GET", &target(TWO), "").await.refused(404, "NotFoundException");
    let again = order(&world, &world.key, "VoiceConnector", &[ONE]).await;
    assert_eq!(again["Status"], "Failed", "what is owned is not for sale");
    let missing = "/phone-number-orders/00000000-0000-4000-8000-000000000000";
    world.call("GET", missing, "").await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn an_order_that_breaks_a_rule_is_refused() {
    let world = World::start().await;
    for (body, member) in [
        (json!({"E164PhoneNumbers": [ONE]}), "ProductType"),
        (json!({"ProductType": "Fax", "E164PhoneNumbers": [ONE]}), "ProductType"),
        (json!({"ProductType": "VoiceConnector"}), "E164PhoneNumbers"),
        (json!({"ProductType": "VoiceConnector", "E164PhoneNumbers": []}), "E164PhoneNumbers"),
        (json!({"ProductType": "VoiceConnector", "E164PhoneNumbers": ["x"]}), "E164PhoneNumbers"),
        (json!({"ProductType": "VoiceConnector", "E164PhoneNumbers": [ONE, ONE]}), "twice"),
        (
            json!({"ProductType": "VoiceConnector", "E164PhoneNumbers": ["+442079460100"]}),
            "SipMediaApplicationDialIn",
        ),
    ] {
        let answer = world.call("POST", "/phone-number-orders", &body).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(member), "{body}: {message}");
    }
}

#[tokio::test]
async fn an_order_that_a_crash_left_waiting_is_fulfilled_at_the_next_start() {
    use store::TypedTx as _;
    let world = World::start().await;
    world.numbers("", &[ONE]).await;
    let id = model::PhoneNumberOrderId::from_random([7; 16]);
    let waiting = model::PhoneNumberOrder {
        id,
        account: model::AccountId::DEFAULT,
        product_type: model::ProductType::VoiceConnector,
        name: None,
        status: model::OrderStatus::Processing,
        numbers: vec![model::OrderedNumber {
            number: model::E164Number::parse(ONE).unwrap(),
            status: model::OrderedStatus::Processing,
        }],
        created: crate::world::START,
        updated: crate::world::START,
    };
    world.store.write(move |tx| tx.put(&waiting)).await.unwrap();
    let (live, clock) = (std::sync::Arc::new(api::NoCalls), world.clock.clone());
    api::Context::open(world.store.clone(), ApiConfig::default(), live, clock).await.unwrap();
    for _ in 0..10_000 {
        let read = world.call("GET", &format!("/phone-number-orders/{id}"), "").await.expect(200);
        if read["PhoneNumberOrder"]["Status"] == "Successful" {
            return;
        }
    }
    panic!("the order still waits");
}

#[tokio::test]
async fn the_quota_bounds_the_numbers_of_an_account() {
    let quotas = Quotas { phone_numbers: 1, ..Quotas::default() };
    let world = World::with_config(ApiConfig { quotas, ..ApiConfig::default() }).await;
    world.numbers("", &[ONE, TWO]).await;
    let body = json!({"ProductType": "VoiceConnector", "E164PhoneNumbers": [ONE, TWO]});
    let answer = world.call("POST", "/phone-number-orders", body).await;
    answer.refused(400, "ResourceLimitExceededException");
    order(&world, &world.key, "VoiceConnector", &[ONE]).await;
    world.call("DELETE", &target(ONE), "").await.expect(204);
    let second = order(&world, &world.key, "VoiceConnector", &[TWO]).await;
    assert_eq!(second["Status"], "Successful", "what waits in the queue does not count");
    let restore = format!("{}?operation=restore", target(ONE));
    world.call("POST", &restore, "").await.refused(400, "ResourceLimitExceededException");
}

#[tokio::test]
async fn every_spelling_of_an_id_names_the_number() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE]).await;
    for spelling in ["+12065550100", "%2B12065550100", "%252B12065550100", "12065550100"] {
        let answer = world.call("GET", &format!("/phone-numbers/{spelling}"), "").await.expect(200);
        assert_eq!(answer["PhoneNumber"]["E164PhoneNumber"], ONE, "{spelling}");
    }
    for bad in ["x", "%2B0", "%252525252B1206"] {
        let answer = world.call("GET", &format!("/phone-numbers/{bad}"), "").await;
        answer.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn a_deleted_number_waits_seven_days_can_be_restored_and_is_then_free_for_others() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE]).await;
    let restore = format!("{}?operation=restore", target(ONE));
    world.call("POST", &restore, "").await.refused(400, "BadRequestException");

    world.call("DELETE", &target(ONE), "").await.expect(204);
    let read = world.call("GET", &target(ONE), "").await.expect(200);
    assert_eq!(read["PhoneNumber"]["Status"], "DeleteInProgress");
    assert_eq!(read["PhoneNumber"]["DeletionTimestamp"], "2026-11-23T10:11:12.345Z");
    world.clock.advance(DAY);
    world.call("DELETE", &target(ONE), "").await.expect(204);
    assert_eq!(world.call("GET", &target(ONE), "").await.expect(200), read, "once is enough");
    let body = json!({"Name": "x"});
    let message = world.call("POST", &target(ONE), body).await.refused(400, "BadRequestException");
    assert!(message.contains("RestorePhoneNumber"), "{message}");

    let restored = world.call("POST", &restore, "").await.expect(200);
    assert_eq!(restored["PhoneNumber"]["Status"], "Unassigned");
    assert_eq!(restored["PhoneNumber"].get("DeletionTimestamp"), None);

    world.call("DELETE", &target(ONE), "").await.expect(204);
    world.clock.advance(7 * DAY - Duration::from_millis(1));
    world.call("GET", &target(ONE), "").await.expect(200);
    assert_eq!(numbers(&search(&world, "area-code=206").await), [""; 0]);
    world.clock.advance(Duration::from_millis(1));
    world.call("GET", &target(ONE), "").await.refused(404, "NotFoundException");
    world.call("POST", &restore, "").await.refused(404, "NotFoundException");
    assert_eq!(numbers(&search(&world, "area-code=206").await), [ONE]);
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let done = order(&world, &other, "VoiceConnector", &[ONE]).await;
    assert_eq!(done["Status"], "Successful");
}

#[tokio::test]
async fn the_operator_sees_a_number_as_free_once_its_time_in_the_queue_is_over() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE]).await;
    world.call("DELETE", &target(ONE), "").await.expect(204);
    let count = async |query: &str| {
        let listed = world.call("GET", &format!("/operator/numbers?{query}"), "").await.expect(200);
        listed["numbers"].as_array().unwrap().len()
    };
    assert_eq!((count("account=000000000000").await, count("free=true").await), (1, 0));
    world.clock.advance(7 * DAY);
    assert_eq!((count("account=000000000000").await, count("free=true").await), (0, 1));
}

#[tokio::test]
async fn a_number_that_belongs_to_something_is_not_deleted() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE, TWO]).await;
    let id = world.connector().await;
    let associate = format!("/voice-connectors/{id}?operation=associate-phone-numbers");
    let body = json!({"E164PhoneNumbers": [ONE]});
    world.call("POST", &associate, &body).await.expect(200);

    let read = world.call("GET", &target(ONE), "").await.expect(200);
    assert_eq!(read["PhoneNumber"]["Status"], "Assigned");
    assert_eq!(
        read["PhoneNumber"]["Associations"],
        json!([{"Name": "VoiceConnectorId", "Value": id,
            "AssociatedTimestamp": "2026-11-23T10:11:12.345Z"}])
    );
    let message = world.call("DELETE", &target(ONE), "").await.refused(400, "BadRequestException");
    assert!(message.contains(&id), "{message}");
    let body = json!({"PhoneNumberIds": ["%2B12065550100", TWO, "+12065550199"]});
    let batch = world.call("POST", "/phone-numbers?operation=batch-delete", body).await.expect(200);
    let codes: Vec<_> = batch["PhoneNumberErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["PhoneNumberId"].as_str().unwrap(), it["ErrorCode"].as_str().unwrap()))
        .collect();
    assert_eq!(
        codes,
        [("%2B12065550100", "PhoneNumberAssociationsExist"), ("%2B12065550199", "NotFound")]
    );
    let read = world.call("GET", &target(TWO), "").await.expect(200);
    assert_eq!(read["PhoneNumber"]["Status"], "DeleteInProgress");
    let body = json!({"E164PhoneNumbers": [TWO]});
    let errors = world.call("POST", &associate, body).await.expect(200);
    assert_eq!(errors["PhoneNumberErrors"][0]["ErrorCode"], "PreconditionFailed");
}

#[tokio::test]
async fn one_attribute_is_changed_at_a_time() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE, TWO, "+18005550100", "+442079460100"]).await;
    let named = world.call("POST", &target(ONE), json!({"Name": "front desk"})).await.expect(200);
    assert_eq!(named["PhoneNumber"]["Name"], "front desk");
    let cleared = world.call("POST", &target(ONE), json!({"Name": ""})).await.expect(200);
    assert_eq!(cleared["PhoneNumber"].get("Name"), None);
    let product = json!({"ProductType": "SipMediaApplicationDialIn"});
    let changed = world.call("POST", &target(ONE), &product).await.expect(200);
    assert_eq!(changed["PhoneNumber"]["ProductType"], "SipMediaApplicationDialIn");

    let id = world.connector().await;
    let associate = format!("/voice-connectors/{id}?operation=associate-phone-numbers");
    let body = json!({"E164PhoneNumbers": [ONE, TWO]});
    let errors = world.call("POST", &associate, body).await.expect(200);
    assert_eq!(errors["PhoneNumberErrors"][0]["ErrorCode"], "BadRequest", "the product type");
    world.call("POST", &target(TWO), &product).await.refused(409, "ConflictException");

    for (number, body) in [
        (ONE, json!({})),
        (ONE, json!({"Name": "a", "CallingName": "ab"})),
        (ONE, json!({"Name": " x"})),
        ("+18005550100", json!({"CallingName": "Acme"})),
        ("+442079460100", json!({"CallingName": "Acme"})),
    ] {
        world.call("POST", &target(number), body).await.refused(400, "BadRequestException");
    }
    let foreign = target("+442079460100");
    world.call("POST", &foreign, &product).await.expect(200);
    let back = json!({"ProductType": "VoiceConnector"});
    world.call("POST", &foreign, back).await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn a_batch_changes_what_it_can_and_tells_the_rest() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE]).await;
    let target = "/phone-numbers?operation=batch-update";
    let items = json!({"UpdatePhoneNumberRequestItems": [
        {"PhoneNumberId": "%2B12065550100", "Name": "desk"},
        {"PhoneNumberId": TWO, "Name": "desk"},
        {"PhoneNumberId": "+12065550102"},
    ]});
    let done = world.call("POST", target, items).await.expect(200);
    let codes: Vec<_> = done["PhoneNumberErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["ErrorCode"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["NotFound", "BadRequest"]);
    let read = world.call("GET", &self::target(ONE), "").await.expect(200);
    assert_eq!(read["PhoneNumber"]["Name"], "desk");
    for bad in [
        json!([]),
        json!([{"PhoneNumberId": ONE, "Name": "a"}, {"PhoneNumberId": "%2B12065550100", "Name": "b"}]),
        json!([{"Name": "a"}]),
        json!([{"PhoneNumberId": "x", "Name": "a"}]),
    ] {
        let body = json!({"UpdatePhoneNumberRequestItems": bad});
        world.call("POST", target, body).await.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn a_calling_name_is_pending_for_a_while_and_cannot_change_meanwhile() {
    let config =
        ApiConfig { calling_name_delay: Duration::from_secs(72 * 3600), ..ApiConfig::default() };
    let world = World::with_config(config).await;
    world.numbers("000000000000", &[ONE]).await;
    let body = json!({"CallingName": "Acme 1"});
    let named = world.call("POST", &target(ONE), body).await.expect(200);
    assert_eq!(named["PhoneNumber"]["CallingName"], "Acme 1");
    assert_eq!(named["PhoneNumber"]["CallingNameStatus"], "UpdateInProgress");
    let other = json!({"CallingName": "Acme 2"});
    world.clock.advance(3 * DAY - Duration::from_millis(1));
    world.call("POST", &target(ONE), &other).await.refused(409, "ConflictException");
    let read = world.call("GET", &target(ONE), "").await.expect(200);
    assert_eq!(read["PhoneNumber"]["CallingNameStatus"], "UpdateInProgress");
    world.clock.advance(Duration::from_millis(1));
    let read = world.call("GET", &target(ONE), "").await.expect(200);
    assert_eq!(read["PhoneNumber"]["CallingNameStatus"], "UpdateSucceeded");
    world.call("POST", &target(ONE), &other).await.expect(200);
    world.clock.advance(3 * DAY);
    let cleared = world.call("POST", &target(ONE), json!({"CallingName": ""})).await.expect(200);
    assert_eq!(cleared["PhoneNumber"]["CallingNameStatus"], "Unassigned");
    assert_eq!(cleared["PhoneNumber"].get("CallingName"), None);
}

#[tokio::test]
async fn the_accounts_calling_name_changes_once_in_seven_days() {
    let world = World::start().await;
    let settings = "/settings/phone-number";
    assert_eq!(world.call("GET", settings, "").await.expect(200), json!({}));
    let name = |text: &str| json!({"CallingName": text});
    world.call("PUT", settings, name("Acme")).await.expect(204);
    assert_eq!(
        world.call("GET", settings, "").await.expect(200),
        json!({"CallingName": "Acme", "CallingNameUpdatedTimestamp": "2026-11-23T10:11:12.345Z"})
    );
    world.clock.advance(7 * DAY - Duration::from_millis(1));
    world.call("PUT", settings, name("Acme")).await.expect(204);
    let message =
        world.call("PUT", settings, name("Other")).await.refused(400, "BadRequestException");
    assert!(message.contains("2026-11-30T10:11:12.345Z"), "{message}");
    world.clock.advance(Duration::from_millis(1));
    world.call("PUT", settings, name("")).await.expect(204);
    let read = world.call("GET", settings, "").await.expect(200);
    assert_eq!(read, json!({"CallingNameUpdatedTimestamp": "2026-11-30T10:11:12.345Z"}));
    for bad in [json!({}), name("x"), name("no_underscores"), name("sixteen letters!")] {
        world.call("PUT", settings, bad).await.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn listing_filters_by_status_product_and_what_a_number_belongs_to() {
    let world = World::start().await;
    let all = [ONE, TWO, "+12065550102", "+12065550103"];
    world.numbers("000000000000", &all).await;
    world.numbers("111122223333", &["+12065550104"]).await;
    let (connector, group) = (world.connector().await, world.group(&[]).await);
    for (target, number) in [
        (format!("/voice-connectors/{connector}"), ONE),
        (format!("/voice-connector-groups/{group}"), TWO),
    ] {
        let target = format!("{target}?operation=associate-phone-numbers");
        world.call("POST", &target, json!({"E164PhoneNumbers": [number]})).await.expect(200);
    }
    world.call("DELETE", &target(all[2]), "").await.expect(204);
    let body = json!({"ProductType": "SipMediaApplicationDialIn"});
    world.call("POST", &target(all[3]), body).await.expect(200);
    let list = async |query: &str| -> Vec<String> {
        let page = world.call("GET", &format!("/phone-numbers?{query}"), "").await.expect(200);
        assert_eq!(page.get("NextToken"), None);
        let found = page["PhoneNumbers"].as_array().unwrap().iter();
        found.map(|it| it["E164PhoneNumber"].as_str().unwrap().to_owned()).collect()
    };
    for (query, found) in [
        (String::new(), all.to_vec()),
        ("status=Assigned".into(), vec![ONE, TWO]),
        ("status=Unassigned".into(), vec![all[3]]),
        ("status=DeleteInProgress".into(), vec![all[2]]),
        ("status=PortinInProgress".into(), vec![]),
        ("product-type=SipMediaApplicationDialIn".into(), vec![all[3]]),
        (format!("filter-name=VoiceConnectorId&filter-value={connector}"), vec![ONE]),
        (format!("filter-name=VoiceConnectorGroupId&filter-value={group}"), vec![TWO]),
        (format!("filter-name=VoiceConnectorId&filter-value={group}"), vec![]),
        ("filter-name=SipRuleId&filter-value=x".into(), vec![]),
    ] {
        assert_eq!(list(&query).await, found, "{query}");
    }
    let first = world.call("GET", "/phone-numbers?max-results=3", "").await.expect(200);
    let token = first["NextToken"].as_str().unwrap();
    assert_eq!(list(&format!("max-results=3&next-token={token}")).await, [all[3]]);
    for bad in ["status=Lost", "filter-name=VoiceConnectorId", "filter-value=x", "max-results=101"]
    {
        let answer = world.call("GET", &format!("/phone-numbers?{bad}"), "").await;
        answer.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn a_number_of_a_sip_rule_is_assigned_while_the_rule_is_enabled() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE]).await;
    let body = json!({"ProductType": "SipMediaApplicationDialIn"});
    world.call("POST", &target(ONE), body).await.expect(200);
    let body = json!({"AwsRegion": "us-east-1", "Name": "app", "Endpoints": [
        {"LambdaArn": "arn:aws:lambda:us-east-1:000000000000:function:ivr"}]});
    let app = world.call("POST", "/sip-media-applications", body).await.expect(201);
    let app = &app["SipMediaApplication"]["SipMediaApplicationId"];
    let targets = json!([{"SipMediaApplicationId": app, "Priority": 1, "AwsRegion": "us-east-1"}]);
    let body = json!({"Name": "rule", "TriggerType": "ToPhoneNumber", "TriggerValue": ONE,
        "TargetApplications": targets});
    let rule = world.call("POST", "/sip-rules", body).await.expect(201);
    let rule = rule["SipRule"]["SipRuleId"].as_str().unwrap().to_owned();
    let read = world.call("GET", &target(ONE), "").await.expect(200);
    assert_eq!(read["PhoneNumber"]["Status"], "Assigned");
    assert_eq!(read["PhoneNumber"]["Associations"][0]["Name"], "SipRuleId");
    assert_eq!(read["PhoneNumber"]["Associations"][0]["Value"], rule);
    let query = format!("/phone-numbers?filter-name=SipRuleId&filter-value={rule}");
    let listed = world.call("GET", &query, "").await.expect(200);
    assert_eq!(listed["PhoneNumbers"].as_array().unwrap().len(), 1);
    let message = world.call("DELETE", &target(ONE), "").await.refused(400, "BadRequestException");
    assert!(message.contains(&rule), "{message}");
    let body = json!({"Name": "rule", "Disabled": true});
    world.call("PUT", &format!("/sip-rules/{rule}"), body).await.expect(202);
    world.call("DELETE", &target(ONE), "").await.expect(204);
}

#[tokio::test]
async fn another_accounts_number_or_order_is_absent() {
    let world = World::start().await;
    world.numbers("", &[ONE]).await;
    let done = order(&world, &world.key, "VoiceConnector", &[ONE]).await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let name = json!({"Name": "mine"}).to_string();
    for (method, suffix, body) in [
        ("GET", "", ""),
        ("DELETE", "", ""),
        ("POST", "", name.as_str()),
        ("POST", "?operation=restore", ""),
    ] {
        let foreign = world.call_as(&other, method, &(target(ONE) + suffix), body).await;
        let absent = world.call_as(&other, method, &(target(TWO) + suffix), body).await;
        assert_eq!(
            foreign.refused(404, "NotFoundException").replace(ONE, "N"),
            absent.refused(404, "NotFoundException").replace(TWO, "N"),
        );
    }
    let id = done["PhoneNumberOrderId"].as_str().unwrap();
    let answer = world.call_as(&other, "GET", &format!("/phone-number-orders/{id}"), "").await;
    answer.refused(404, "NotFoundException");
    for (path, list) in
        [("/phone-numbers", "PhoneNumbers"), ("/phone-number-orders", "PhoneNumberOrders")]
    {
        let listed = world.call_as(&other, "GET", path, "").await.expect(200);
        assert_eq!(listed, json!({list: []}));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// However orders of two accounts overlap and race, each number has one owner: that of the one
    /// order that tells it as acquired.
    #[test]
    fn of_orders_that_race_for_a_number_exactly_one_wins(
        wanted in prop::collection::vec((any::<bool>(), prop::collection::btree_set(0..6_u8, 1..5)), 2..7),
    ) {
        Runtime::new().unwrap().block_on(async {
            let world = World::start().await;
            let all: Vec<String> = (0..5).map(|last| format!("+1206555010{last}")).collect();
            let texts: Vec<&str> = all.iter().map(String::as_str).collect();
            world.numbers("", &texts).await;
            let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
            let mut racing = tokio::task::JoinSet::new();
            let world = std::sync::Arc::new(world);
            for (is_other, lasts) in wanted.clone() {
                let key = if is_other { other.clone() } else { world.key.clone() };
                let world = std::sync::Arc::clone(&world);
                racing.spawn(async move {
                    let texts: Vec<String> = lasts.iter().map(|it| format!("+1206555010{it}")).collect();
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    (is_other, order(&world, &key, "VoiceConnector", &texts).await)
                });
            }
            let mut winners = std::collections::BTreeMap::new();
            for (is_other, done) in racing.join_all().await {
                let ordered = done["OrderedPhoneNumbers"].as_array().unwrap();
                let acquired = ordered.iter().filter(|it| it["Status"] == "Acquired");
                let acquired: Vec<&str> =
                    acquired.map(|it| it["E164PhoneNumber"].as_str().unwrap()).collect();
                let status = match acquired.len() {
                    0 => "Failed",
                    some if some == ordered.len() => "Successful",
                    _ => "Partial",
                };
                assert_eq!(done["Status"], status);
                for number in acquired {
                    let earlier = winners.insert(number.to_owned(), is_other);
                    assert_eq!(earlier, None, "{number} was sold twice");
                }
            }
            let asked = wanted.iter().flat_map(|(_, lasts)| lasts).filter(|it| **it < 5);
            let asked: std::collections::BTreeSet<String> =
                asked.map(|it| format!("+1206555010{it}")).collect();
            assert!(winners.keys().eq(asked.iter()), "what is in stock and asked for is sold");
            for (number, is_other) in &winners {
                let (owner, stranger) = if *is_other { (&other, &world.key) } else { (&world.key, &other) };
                world.call_as(owner, "GET", &target(number), "").await.expect(200);
                world.call_as(stranger, "GET", &target(number), "").await.refused(404, "NotFoundException");
            }
        });
    }
}
