//! Connectors, their settings, groups, the account's settings, tags.

use aws_sdk_chimesdkvoice::Client;
use aws_sdk_chimesdkvoice::types::{
    DnisEmergencyCallingConfiguration, EmergencyCallingConfiguration, LoggingConfiguration,
    NotificationTarget, Origination, OriginationRoute, OriginationRouteProtocol,
    SessionBorderControllerType, StreamingConfiguration, StreamingNotificationTarget, Tag,
    Termination, VoiceConnector, VoiceConnectorItem, VoiceConnectorSettings,
};
use trunkline_judge_rust::client;

/// A new connector.
pub(crate) async fn connector(voice: &Client) -> VoiceConnector {
    let made = voice.create_voice_connector().name("rust").require_encryption(false);
    made.send().await.unwrap().voice_connector.unwrap()
}

/// A new connector's id.
pub(crate) async fn connector_id(voice: &Client) -> String {
    connector(voice).await.voice_connector_id.unwrap()
}

fn termination() -> Termination {
    Termination::builder()
        .calling_regions("US")
        .cidr_allowed_list("203.0.113.0/27")
        .cps_limit(5)
        .disabled(false)
        .build()
}

fn origination() -> Origination {
    let route = OriginationRoute::builder()
        .host("198.51.100.7")
        .port(5060)
        .protocol(OriginationRouteProtocol::Udp)
        .priority(1)
        .weight(1)
        .build();
    Origination::builder().routes(route).disabled(false).build()
}

#[tokio::test]
async fn a_connector_is_created_read_changed_listed_by_pages_and_deleted() {
    let voice = client();
    let made = connector(&voice).await;
    let id = made.voice_connector_id.clone().unwrap();
    let read = voice.get_voice_connector().voice_connector_id(&id).send().await.unwrap();
    assert_eq!(read.voice_connector.as_ref(), Some(&made));
    let changed = voice.update_voice_connector().voice_connector_id(&id).name("branch");
    let changed = changed.require_encryption(true).send().await.unwrap().voice_connector.unwrap();
    assert_eq!((changed.name(), changed.require_encryption()), (Some("branch"), Some(true)));

    for _ in 0..3 {
        connector(&voice).await;
    }
    let mut pages = voice.list_voice_connectors().into_paginator().page_size(2).send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap().voice_connectors.unwrap();
        assert!(page.len() <= 2);
        ids.extend(page.into_iter().map(|it| it.voice_connector_id.unwrap()));
    }
    assert!(ids.len() >= 4 && ids.contains(&id));

    voice.delete_voice_connector().voice_connector_id(&id).send().await.unwrap();
    let gone = voice.get_voice_connector().voice_connector_id(&id).send().await.unwrap_err();
    assert!(gone.into_service_error().is_not_found_exception());
    let regions = voice.list_available_voice_connector_regions().send().await.unwrap();
    assert_eq!(regions.voice_connector_regions().len(), 10);
}

#[tokio::test]
async fn termination_credentials_health_and_origination() {
    let voice = client();
    let id = connector_id(&voice).await;
    let put = voice.put_voice_connector_termination().voice_connector_id(&id);
    put.termination(termination()).send().await.unwrap();
    let read = voice.get_voice_connector_termination().voice_connector_id(&id);
    assert_eq!(read.send().await.unwrap().termination, Some(termination()));
    let health = voice.get_voice_connector_termination_health().voice_connector_id(&id);
    assert!(health.send().await.unwrap().termination_health.unwrap().timestamp.is_none());

    let user = aws_sdk_chimesdkvoice::types::Credential::builder();
    let user = user.username("pbx").password("secret").build();
    let put = voice.put_voice_connector_termination_credentials().voice_connector_id(&id);
    put.credentials(user).send().await.unwrap();
    let list =
        || voice.list_voice_connector_termination_credentials().voice_connector_id(&id).send();
    assert_eq!(list().await.unwrap().usernames(), ["pbx"]);
    let delete = voice.delete_voice_connector_termination_credentials().voice_connector_id(&id);
    delete.usernames("pbx").send().await.unwrap();
    assert!(list().await.unwrap().usernames().is_empty());
    voice.delete_voice_connector_termination().voice_connector_id(&id).send().await.unwrap();

    let put = voice.put_voice_connector_origination().voice_connector_id(&id);
    put.origination(origination()).send().await.unwrap();
    let read = || voice.get_voice_connector_origination().voice_connector_id(&id).send();
    assert_eq!(read().await.unwrap().origination, Some(origination()));
    voice.delete_voice_connector_origination().voice_connector_id(&id).send().await.unwrap();
    assert!(read().await.unwrap_err().into_service_error().is_not_found_exception());
}

#[tokio::test]
async fn a_group_holds_its_connectors_until_it_is_emptied() {
    let voice = client();
    let id = connector_id(&voice).await;
    let item = VoiceConnectorItem::builder().voice_connector_id(&id).priority(1).build().unwrap();
    let made = voice.create_voice_connector_group().name("both").voice_connector_items(item);
    let made = made.send().await.unwrap().voice_connector_group.unwrap();
    let group = made.voice_connector_group_id.clone().unwrap();
    let read = voice.get_voice_connector_group().voice_connector_group_id(&group);
    assert_eq!(read.send().await.unwrap().voice_connector_group, Some(made));
    let groups = voice.list_voice_connector_groups().send().await.unwrap();
    assert!(!groups.voice_connector_groups().is_empty());
    let delete = || voice.delete_voice_connector_group().voice_connector_group_id(&group).send();
    assert!(delete().await.unwrap_err().into_service_error().is_conflict_exception());
    let held = voice.delete_voice_connector().voice_connector_id(&id).send().await.unwrap_err();
    assert!(held.into_service_error().is_conflict_exception());
    let emptied = voice.update_voice_connector_group().voice_connector_group_id(&group);
    emptied.name("none").set_voice_connector_items(Some(Vec::new())).send().await.unwrap();
    delete().await.unwrap();
}

#[tokio::test]
async fn the_settings_of_a_connector() {
    let voice = client();
    let id = connector_id(&voice).await;
    let target = StreamingNotificationTarget::builder();
    let target = target.notification_target(NotificationTarget::Sqs).build();
    let streaming = StreamingConfiguration::builder()
        .data_retention_in_hours(5)
        .disabled(false)
        .streaming_notification_targets(target)
        .build()
        .unwrap();
    let put = voice.put_voice_connector_streaming_configuration().voice_connector_id(&id);
    put.streaming_configuration(streaming.clone()).send().await.unwrap();
    let read = voice.get_voice_connector_streaming_configuration().voice_connector_id(&id);
    assert_eq!(read.send().await.unwrap().streaming_configuration, Some(streaming));
    let delete = voice.delete_voice_connector_streaming_configuration().voice_connector_id(&id);
    delete.send().await.unwrap();

    let logging = LoggingConfiguration::builder().enable_sip_logs(true);
    let logging = logging.enable_media_metric_logs(false).build();
    let put = voice.put_voice_connector_logging_configuration().voice_connector_id(&id);
    put.logging_configuration(logging.clone()).send().await.unwrap();
    let read = voice.get_voice_connector_logging_configuration().voice_connector_id(&id);
    assert_eq!(read.send().await.unwrap().logging_configuration, Some(logging));

    let put = voice.put_voice_connector_termination().voice_connector_id(&id);
    put.termination(termination()).send().await.unwrap();
    let put = voice.put_voice_connector_origination().voice_connector_id(&id);
    put.origination(origination()).send().await.unwrap();
    let dnis = DnisEmergencyCallingConfiguration::builder()
        .emergency_phone_number("+12065550911")
        .calling_country("US")
        .build()
        .unwrap();
    let emergency = EmergencyCallingConfiguration::builder().dnis(dnis).build();
    let put = voice.put_voice_connector_emergency_calling_configuration().voice_connector_id(&id);
    put.emergency_calling_configuration(emergency.clone()).send().await.unwrap();
    let read = voice.get_voice_connector_emergency_calling_configuration().voice_connector_id(&id);
    assert_eq!(read.send().await.unwrap().emergency_calling_configuration, Some(emergency));
    let delete = voice.delete_voice_connector_emergency_calling_configuration();
    delete.voice_connector_id(&id).send().await.unwrap();

    let kind = SessionBorderControllerType::AudiocodesMediantSbc;
    let put = voice.put_voice_connector_external_systems_configuration().voice_connector_id(&id);
    put.session_border_controller_types(kind).send().await.unwrap();
    let read = voice.get_voice_connector_external_systems_configuration().voice_connector_id(&id);
    assert!(read.send().await.unwrap().external_systems_configuration.is_some());
    let delete = voice.delete_voice_connector_external_systems_configuration();
    delete.voice_connector_id(&id).send().await.unwrap();
}

#[tokio::test]
async fn the_settings_of_the_account_and_an_address_for_emergency_calls() {
    let voice = client();
    let settings = VoiceConnectorSettings::builder().cdr_bucket("rust-records").build();
    voice.update_global_settings().voice_connector(settings.clone()).send().await.unwrap();
    let read = voice.get_global_settings().send().await.unwrap();
    assert_eq!(read.voice_connector, Some(settings));
    // Unlike boto3, this SDK sends an empty text: no bucket.
    let cleared = VoiceConnectorSettings::builder().cdr_bucket("").build();
    voice.update_global_settings().voice_connector(cleared).send().await.unwrap();
    let read = voice.get_global_settings().send().await.unwrap();
    assert_eq!(read.voice_connector.unwrap().cdr_bucket, None);

    let checked = voice
        .validate_e911_address()
        .aws_account_id("000000000000")
        .street_number("410")
        .street_info("Terry Avenue North")
        .city("Seattle")
        .state("Washington")
        .country("US")
        .postal_code("98109")
        .send()
        .await
        .unwrap();
    assert_eq!(checked.validation_result, 1);
    assert_eq!(checked.address.unwrap().street_suffix(), Some("AVE"));
}

#[tokio::test]
async fn tags_are_added_changed_and_removed() {
    let voice = client();
    let arn = connector(&voice).await.voice_connector_arn.unwrap();
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let add = voice.tag_resource().resource_arn(&arn).tags(tag("a", "1")).tags(tag("b", "2"));
    add.send().await.unwrap();
    voice.untag_resource().resource_arn(&arn).tag_keys("a").send().await.unwrap();
    let listed = voice.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(listed.tags(), [tag("b", "2")]);
}
