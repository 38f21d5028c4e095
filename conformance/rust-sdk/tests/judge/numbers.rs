//! Numbers from search to deletion, and proxy sessions.

use aws_sdk_chimesdkvoice::Client;
use aws_sdk_chimesdkvoice::types::{
    Capability, ErrorCode, PhoneNumberOrder, PhoneNumberOrderStatus, PhoneNumberProductType,
    PhoneNumberStatus, ProxySessionStatus, UpdatePhoneNumberRequestItem,
};
use trunkline_judge_rust::client;

use crate::connectors::connector_id;

/// Orders numbers and polls until the order is decided.
async fn order(voice: &Client, numbers: &[String]) -> PhoneNumberOrder {
    let made =
        voice.create_phone_number_order().product_type(PhoneNumberProductType::VoiceConnector);
    let made = made.set_e164_phone_numbers(Some(numbers.to_vec())).send().await.unwrap();
    let mut order = made.phone_number_order.unwrap();
    let id = order.phone_number_order_id.clone().unwrap();
    while order.status == Some(PhoneNumberOrderStatus::Processing) {
        let read = voice.get_phone_number_order().phone_number_order_id(&id).send().await.unwrap();
        order = read.phone_number_order.unwrap();
    }
    order
}

#[tokio::test]
async fn numbers_are_searched_by_pages_ordered_named_given_back_and_restored() {
    let voice = client();
    let mut pages = voice
        .search_available_phone_numbers()
        .area_code("971")
        .into_paginator()
        .page_size(2)
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(page.unwrap().e164_phone_numbers.unwrap());
    }
    assert_eq!(found.len(), 5);
    let bought = order(&voice, &found[..3]).await;
    assert_eq!(bought.status, Some(PhoneNumberOrderStatus::Successful));
    let orders = voice.list_phone_number_orders().send().await.unwrap();
    assert_eq!(orders.phone_number_orders(), [bought]);

    let read = voice.get_phone_number().phone_number_id(&found[0]).send().await.unwrap();
    let id = read.phone_number.unwrap().phone_number_id.unwrap();
    assert_eq!(id, found[0].replace('+', "%2B"));
    // The id as it came is encoded once more by the SDK, and names the same number.
    let named = voice.update_phone_number().phone_number_id(&id).name("front desk").send().await;
    assert_eq!(named.unwrap().phone_number.unwrap().name(), Some("front desk"));

    let item = |id: &str| {
        UpdatePhoneNumberRequestItem::builder().phone_number_id(id).name("lab").build().unwrap()
    };
    let batch = voice.batch_update_phone_number();
    let batch = batch.update_phone_number_request_items(item(&found[1]));
    let batch = batch.update_phone_number_request_items(item(&found[4])).send().await.unwrap();
    let errors: Vec<_> = batch.phone_number_errors().iter().map(|it| it.error_code()).collect();
    assert_eq!(errors, [Some(&ErrorCode::NotFound)]);

    voice.delete_phone_number().phone_number_id(&id).send().await.unwrap();
    voice.batch_delete_phone_number().phone_number_ids(&found[1]).send().await.unwrap();
    let waiting = voice.list_phone_numbers().status("DeleteInProgress");
    let waiting = waiting.into_paginator().page_size(1).send().collect::<Result<Vec<_>, _>>().await;
    let waiting: Vec<_> = waiting.unwrap().into_iter().filter_map(|it| it.phone_numbers).collect();
    assert_eq!(waiting.concat().len(), 2);
    let restored = voice.restore_phone_number().phone_number_id(&id).send().await.unwrap();
    assert_eq!(restored.phone_number.unwrap().status, Some(PhoneNumberStatus::Unassigned));
}

#[tokio::test]
async fn countries_and_the_accounts_calling_name() {
    let voice = client();
    let product = PhoneNumberProductType::VoiceConnector;
    let countries = voice.list_supported_phone_number_countries().product_type(product);
    let countries = countries.send().await.unwrap();
    assert_eq!(countries.phone_number_countries()[0].country_code(), Some("US"));
    let settings = || voice.update_phone_number_settings();
    settings().calling_name("Acme").send().await.unwrap();
    let refused = settings().calling_name("Other").send().await.unwrap_err();
    assert!(refused.into_service_error().is_bad_request_exception());
    let read = voice.get_phone_number_settings().send().await.unwrap();
    assert_eq!(read.calling_name(), Some("Acme"));
}

#[expect(deprecated, reason = "AWS ended proxy sessions; here they stay")]
#[tokio::test]
async fn numbers_serve_proxy_sessions_of_their_connector() {
    let voice = client();
    let id = connector_id(&voice).await;
    let put = voice.put_voice_connector_proxy().voice_connector_id(&id);
    let put = put.default_session_expiry_minutes(60).phone_number_pool_countries("US");
    put.send().await.unwrap();
    let number = "+15035550100";
    let given = voice.associate_phone_numbers_with_voice_connector().voice_connector_id(&id);
    let given = given.e164_phone_numbers(number).send().await.unwrap();
    assert!(given.phone_number_errors().is_empty());

    let made = voice.create_proxy_session().voice_connector_id(&id).capabilities(Capability::Voice);
    let made =
        made.participant_phone_numbers("+14015550101").participant_phone_numbers("+12065550192");
    let session = made.send().await.unwrap().proxy_session.unwrap().proxy_session_id.unwrap();
    let changed = voice.update_proxy_session().voice_connector_id(&id).proxy_session_id(&session);
    changed.capabilities(Capability::Voice).expiry_minutes(5).send().await.unwrap();
    let listed = voice.list_proxy_sessions().voice_connector_id(&id).send().await.unwrap();
    assert_eq!(listed.proxy_sessions().len(), 1);
    let delete = voice.delete_proxy_session().voice_connector_id(&id).proxy_session_id(&session);
    delete.send().await.unwrap();
    let read = voice.get_proxy_session().voice_connector_id(&id).proxy_session_id(&session);
    let closed = read.send().await.unwrap().proxy_session.unwrap();
    assert_eq!(closed.status, Some(ProxySessionStatus::Closed));
    assert!(closed.ended_timestamp.is_some());
    voice.delete_voice_connector_proxy().voice_connector_id(&id).send().await.unwrap();
    let taken = voice.disassociate_phone_numbers_from_voice_connector().voice_connector_id(&id);
    taken.e164_phone_numbers(number).send().await.unwrap();
}
