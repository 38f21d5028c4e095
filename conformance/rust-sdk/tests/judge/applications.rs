//! SIP media applications, SIP rules, voice profiles and analysis.

use aws_sdk_chimesdkvoice::Client;
use aws_sdk_chimesdkvoice::types::{
    CallLegType, LanguageCode, ServerSideEncryptionConfiguration, SipMediaApplicationEndpoint,
    SipMediaApplicationLoggingConfiguration, SipRuleTargetApplication, SipRuleTriggerType,
};
use trunkline_judge_rust::{ABSENT, client};

use crate::connectors::{connector, connector_id};

async fn application(voice: &Client) -> String {
    let function = "arn:aws:lambda:us-east-1:000000000000:function:ivr";
    let endpoint = SipMediaApplicationEndpoint::builder().lambda_arn(function).build();
    let made = voice.create_sip_media_application().aws_region("us-east-1").name("ivr");
    let made = made.endpoints(endpoint).send().await.unwrap().sip_media_application.unwrap();
    made.sip_media_application_id.unwrap()
}

#[tokio::test]
async fn applications_and_rules_are_walked_item_by_item() {
    let voice = client();
    let mut applications = Vec::new();
    for _ in 0..3 {
        applications.push(application(&voice).await);
    }
    let walk = voice.list_sip_media_applications().into_paginator().page_size(1).items().send();
    let walked = walk.collect::<Result<Vec<_>, _>>().await.unwrap();
    let walked: Vec<_> = walked.into_iter().filter_map(|it| it.sip_media_application_id).collect();
    assert!(applications.iter().all(|it| walked.contains(it)));

    let mut rules = Vec::new();
    for _ in 0..2 {
        let target = SipRuleTargetApplication::builder().priority(1);
        let target = target.sip_media_application_id(&applications[0]).build();
        let host = connector(&voice).await.outbound_host_name.unwrap();
        let made = voice.create_sip_rule().name("rule").target_applications(target);
        let made = made.trigger_type(SipRuleTriggerType::RequestUriHostname).trigger_value(host);
        rules.push(made.send().await.unwrap().sip_rule.unwrap().sip_rule_id.unwrap());
    }
    let walk = voice.list_sip_rules().sip_media_application_id(&applications[0]);
    let walk = walk.into_paginator().page_size(1).items().send();
    assert_eq!(walk.collect::<Result<Vec<_>, _>>().await.unwrap().len(), 2);
    let held = voice.delete_sip_media_application().sip_media_application_id(&applications[0]);
    assert!(held.send().await.unwrap_err().into_service_error().is_conflict_exception());
    let changed = voice.update_sip_rule().sip_rule_id(&rules[0]).name("renamed").disabled(true);
    changed.send().await.unwrap();
    let read = voice.get_sip_rule().sip_rule_id(&rules[0]).send().await.unwrap();
    assert_eq!(read.sip_rule.unwrap().disabled, Some(true));
    for rule in rules {
        voice.delete_sip_rule().sip_rule_id(rule).send().await.unwrap();
    }
    for id in applications {
        voice.delete_sip_media_application().sip_media_application_id(id).send().await.unwrap();
    }
}

#[tokio::test]
async fn an_application_is_changed_logged_and_has_no_alexa_skill() {
    let voice = client();
    let id = application(&voice).await;
    let changed = voice.update_sip_media_application().sip_media_application_id(&id).name("menu");
    changed.send().await.unwrap();
    let read =
        voice.get_sip_media_application().sip_media_application_id(&id).send().await.unwrap();
    assert_eq!(read.sip_media_application.unwrap().name(), Some("menu"));
    let logging = SipMediaApplicationLoggingConfiguration::builder();
    let logging = logging.enable_sip_media_application_message_logs(true).build();
    let put = voice.put_sip_media_application_logging_configuration().sip_media_application_id(&id);
    put.sip_media_application_logging_configuration(logging.clone()).send().await.unwrap();
    let read = voice.get_sip_media_application_logging_configuration();
    let read = read.sip_media_application_id(&id).send().await.unwrap();
    assert_eq!(read.sip_media_application_logging_configuration, Some(logging));
    #[expect(deprecated, reason = "the service answers that it is gone, and so does this one")]
    let alexa = voice.get_sip_media_application_alexa_skill_configuration();
    let gone = alexa.sip_media_application_id(&id).send().await.unwrap_err();
    assert!(gone.into_service_error().is_gone_exception());
}

#[tokio::test]
async fn domains_live_and_what_was_never_made_in_them_is_not_found() {
    let voice = client();
    let key = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let encryption = ServerSideEncryptionConfiguration::builder().kms_key_arn(key).build().unwrap();
    let made = voice.create_voice_profile_domain().name("domain");
    let made = made.server_side_encryption_configuration(encryption).send().await.unwrap();
    let domain = made.voice_profile_domain.unwrap().voice_profile_domain_id.unwrap();
    let changed = voice.update_voice_profile_domain().voice_profile_domain_id(&domain);
    changed.name("renamed").description("known voices").send().await.unwrap();
    let read = voice.get_voice_profile_domain().voice_profile_domain_id(&domain).send().await;
    assert_eq!(read.unwrap().voice_profile_domain.unwrap().name(), Some("renamed"));
    let domains = voice.list_voice_profile_domains().send().await.unwrap();
    assert!(!domains.voice_profile_domains().is_empty());
    let profiles = voice.list_voice_profiles().voice_profile_domain_id(&domain).send().await;
    assert!(profiles.unwrap().voice_profiles().is_empty());

    let id = connector_id(&voice).await;
    let profile = voice.create_voice_profile().speaker_search_task_id(ABSENT).send().await;
    assert!(profile.unwrap_err().into_service_error().is_not_found_exception());
    let search = voice.start_speaker_search_task().voice_connector_id(&id).transaction_id(ABSENT);
    let search = search.voice_profile_domain_id(&domain).call_leg(CallLegType::Caller).send().await;
    assert!(search.unwrap_err().into_service_error().is_not_found_exception());
    let tone = voice.start_voice_tone_analysis_task().voice_connector_id(&id);
    let tone = tone.transaction_id(ABSENT).language_code(LanguageCode::EnUs).send().await;
    assert!(tone.unwrap_err().into_service_error().is_not_found_exception());
    voice.delete_voice_profile_domain().voice_profile_domain_id(&domain).send().await.unwrap();
}
