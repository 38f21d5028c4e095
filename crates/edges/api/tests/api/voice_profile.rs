//! Voice profile domains and voice profiles.

use std::time::Duration;

use api::{ApiConfig, Quotas};
use model::{
    AccountId, AnalysedLeg, Analysis, KeyPolicy, SpeakerSearchTask, SpeakerSearchTaskId,
    TaskStatus, TransactionId, UnixMillis, VoiceConnectorId, VoiceProfile, VoiceProfileDomainId,
    Voiceprint,
};
use serde_json::{Value, json};
use store::{TypedTx as _, TypedView as _};

use crate::world::{START, World};

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ABSENT: &str = "00000000-0000-4000-8000-000000000000";
const DAY: Duration = Duration::from_secs(86_400);

fn draft(name: &str) -> Value {
    json!({"Name": name, "ServerSideEncryptionConfiguration": {"KmsKeyArn": KEY}})
}

/// Creates a domain and returns its id.
pub(crate) async fn domain(world: &World) -> String {
    let created = world.call("POST", "/voice-profile-domains", draft("staff")).await.expect(201);
    created["VoiceProfileDomain"]["VoiceProfileDomainId"].as_str().unwrap().to_owned()
}

/// A search of a domain that an analyser has done: a voiceprint was made now.
fn search(seed: u8, domain: &str, now: UnixMillis) -> SpeakerSearchTask {
    let connector = VoiceConnectorId::from_random([1; 22]);
    let transaction = TransactionId::from_random([seed; 16]);
    let mut analysis = Analysis::queued(AccountId::DEFAULT, connector, transaction, now);
    analysis.status = TaskStatus::Succeeded;
    SpeakerSearchTask {
        id: SpeakerSearchTaskId::from_random([seed; 16]),
        analysis,
        domain: VoiceProfileDomainId::parse(domain).unwrap(),
        leg: AnalysedLeg::Caller,
        matches: Vec::new(),
        voiceprint: Some(Voiceprint::Made { at: now }),
        profile: None,
    }
}

/// Puts a search into the store as an analyser does; returns the body that names it.
async fn put(world: &World, task: SpeakerSearchTask) -> Value {
    let body = json!({"SpeakerSearchTaskId": task.id.to_string()});
    world.store.write(move |tx| tx.put(&task)).await.unwrap();
    body
}

/// Creates a profile from a new search and returns its id.
async fn profile(world: &World, seed: u8, domain: &str) -> String {
    let now = api::Clock::now(&*world.clock);
    let body = put(world, search(seed, domain, now)).await;
    let created = world.call("POST", "/voice-profiles", body).await.expect(201);
    created["VoiceProfile"]["VoiceProfileId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_domain_is_created_read_updated_listed_and_deleted() {
    let world = World::start().await;
    let mut body = draft("staff 1");
    body["Description"] = "who works here".into();
    let created = world.call("POST", "/voice-profile-domains", body).await.expect(201);
    let id = created["VoiceProfileDomain"]["VoiceProfileDomainId"].as_str().unwrap();
    let mut expected = json!({
        "VoiceProfileDomainId": id,
        "VoiceProfileDomainArn":
            format!("arn:aws:chime:us-east-1:000000000000:voice-profile-domain/{id}"),
        "Name": "staff 1",
        "Description": "who works here",
        "ServerSideEncryptionConfiguration": {"KmsKeyArn": KEY},
        "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
        "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
    });
    assert_eq!(created["VoiceProfileDomain"], expected);
    let path = format!("/voice-profile-domains/{id}");
    assert_eq!(world.call("GET", &path, "").await.expect(200), created);

    world.clock.advance(Duration::from_millis(655));
    let renamed = world.call("PUT", &path, json!({"Name": "other"})).await.expect(200);
    expected["Name"] = "other".into();
    expected["UpdatedTimestamp"] = "2026-11-23T10:11:13.000Z".into();
    assert_eq!(renamed["VoiceProfileDomain"], expected, "the description stays");
    let cleared = world.call("PUT", &path, json!({"Description": ""})).await.expect(200);
    expected.as_object_mut().unwrap().remove("Description");
    assert_eq!(cleared["VoiceProfileDomain"], expected);

    let listed = world.call("GET", "/voice-profile-domains", "").await.expect(200);
    expected.as_object_mut().unwrap().remove("ServerSideEncryptionConfiguration");
    assert_eq!(listed, json!({"VoiceProfileDomains": [expected]}), "a summary has no key");
    world.call("DELETE", &path, "").await.expect(204);
    let message = world.call("GET", &path, "").await.refused(404, "NotFoundException");
    assert_eq!(message, format!("Could not find VoiceProfileDomain with Id '{id}'"));
}

#[tokio::test]
async fn a_domain_wants_the_arn_of_an_encryption_key() {
    let world = World::start().await;
    for bad in [json!({}), json!({"KmsKeyArn": "key"}), json!({"KmsKeyArn": "arn:aws:s3:::key"})] {
        let mut body = draft("x");
        body["ServerSideEncryptionConfiguration"] = bad;
        let answer = world.call("POST", "/voice-profile-domains", body).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains("KmsKeyArn"), "{message}");
    }
    let answer = world.call("POST", "/voice-profile-domains", json!({"Name": "x"})).await;
    answer.refused(400, "BadRequestException");
}

#[tokio::test]
async fn a_token_makes_one_domain_however_often_it_is_sent() {
    let world = World::start().await;
    let mut body = draft("staff");
    body["ClientRequestToken"] = "once".into();
    let create = |body: Value| world.call("POST", "/voice-profile-domains", body);
    let first = create(body.clone()).await.expect(201);
    assert_eq!(create(body.clone()).await.expect(201), first);

    let mut other = body.clone();
    other["Name"] = "else".into();
    create(other.clone()).await.refused(409, "ConflictException");
    other["ClientRequestToken"] = "twice".into();
    assert_ne!(create(other).await.expect(201), first);

    world.clock.advance(DAY);
    assert_ne!(create(body).await.expect(201), first, "a token is remembered for a day");
    let listed = world.call("GET", "/voice-profile-domains", "").await.expect(200);
    assert_eq!(listed["VoiceProfileDomains"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_profile_is_created_read_updated_listed_and_deleted() {
    let world = World::start().await;
    let domain = domain(&world).await;
    let body = put(&world, search(1, &domain, START)).await;
    let created = world.call("POST", "/voice-profiles", body.clone()).await.expect(201);
    let id = created["VoiceProfile"]["VoiceProfileId"].as_str().unwrap();
    let mut expected = json!({
        "VoiceProfileId": id,
        "VoiceProfileArn": format!("arn:aws:chime:us-east-1:000000000000:voice-profile/{id}"),
        "VoiceProfileDomainId": domain,
        "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
        "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
        "ExpirationTimestamp": "2029-11-22T10:11:12.345Z",
    });
    assert_eq!(created["VoiceProfile"], expected);
    let path = format!("/voice-profiles/{id}");
    assert_eq!(world.call("GET", &path, "").await.expect(200), created);
    let message =
        world.call("POST", "/voice-profiles", body).await.refused(409, "ConflictException");
    assert!(message.contains(id), "one profile is made from a search: {message}");

    world.clock.advance(10 * DAY);
    let body = put(&world, search(2, &domain, api::Clock::now(&*world.clock))).await;
    let updated = world.call("PUT", &path, body).await.expect(200);
    expected["UpdatedTimestamp"] = "2026-12-03T10:11:12.345Z".into();
    expected["ExpirationTimestamp"] = "2029-12-02T10:11:12.345Z".into();
    assert_eq!(updated["VoiceProfile"], expected, "three years from the new voiceprint");

    let list = format!("/voice-profiles?voice-profile-domain-id={domain}");
    let listed = world.call("GET", &list, "").await.expect(200);
    assert_eq!(listed, json!({"VoiceProfiles": [expected]}));
    world.call("DELETE", &path, "").await.expect(204);
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
    assert_eq!(world.call("GET", &list, "").await.expect(200), json!({"VoiceProfiles": []}));
}

#[tokio::test]
async fn a_voiceprint_must_be_made_kept_and_of_the_profiles_domain() {
    let world = World::start().await;
    let domain = domain(&world).await;
    let id = profile(&world, 1, &domain).await;
    let path = format!("/voice-profiles/{id}");
    let now = api::Clock::now(&*world.clock);

    let mut pending = search(2, &domain, now);
    (pending.analysis.status, pending.voiceprint) = (TaskStatus::InProgress, None);
    let mut failed = search(3, &domain, now);
    (failed.analysis.status, failed.voiceprint) =
        (TaskStatus::PartialSuccess, Some(Voiceprint::Failed));
    let old = search(4, &domain, UnixMillis(now.0 - 86_400_000));
    let forgotten = search(5, &domain, UnixMillis(now.0 - 7 * 86_400_000));
    for (task, status, error) in [
        (pending, 409, "ConflictException"),
        (failed, 400, "BadRequestException"),
        (old, 410, "GoneException"),
        (forgotten, 404, "NotFoundException"),
    ] {
        let body = put(&world, task).await;
        world.call("POST", "/voice-profiles", &body).await.refused(status, error);
        world.call("PUT", &path, &body).await.refused(status, error);
    }
    let absent = json!({"SpeakerSearchTaskId": ABSENT});
    world.call("POST", "/voice-profiles", &absent).await.refused(404, "NotFoundException");

    let elsewhere = put(&world, search(6, &self::domain(&world).await, now)).await;
    let message = world.call("PUT", &path, elsewhere).await.refused(400, "BadRequestException");
    assert!(message.contains(&domain), "{message}");
    let homeless = put(&world, search(7, ABSENT, now)).await;
    let message =
        world.call("POST", "/voice-profiles", homeless).await.refused(404, "NotFoundException");
    assert!(message.contains("VoiceProfileDomain"), "{message}");
}

#[tokio::test]
async fn a_voiceprint_that_no_profile_was_made_from_is_kept_for_a_day() {
    let world = World::start().await;
    let domain = domain(&world).await;
    let body = put(&world, search(1, &domain, START)).await;
    world.clock.advance(DAY - Duration::from_millis(1));
    world.call("POST", "/voice-profiles", body).await.expect(201);
    let body = put(&world, search(2, &domain, START)).await;
    world.clock.advance(Duration::from_millis(1));
    let message = world.call("POST", "/voice-profiles", body).await.refused(410, "GoneException");
    assert!(message.contains("24 hours"), "{message}");
}

#[tokio::test]
async fn a_profile_is_as_good_as_deleted_after_three_years() {
    let config = ApiConfig {
        quotas: Quotas { voice_profiles: 2, ..Quotas::default() },
        ..ApiConfig::default()
    };
    let world = World::with_config(config).await;
    let domain = domain(&world).await;
    let old = profile(&world, 1, &domain).await;
    world.clock.advance(DAY);
    let young = profile(&world, 2, &domain).await;
    let body = put(&world, search(3, &domain, api::Clock::now(&*world.clock))).await;
    let answer = world.call("POST", "/voice-profiles", body).await;
    answer.refused(400, "ResourceLimitExceededException");

    let path = format!("/voice-profiles/{old}");
    world.clock.advance((3 * 365 - 1) * DAY - Duration::from_millis(1));
    world.call("GET", &path, "").await.expect(200);
    world.clock.advance(Duration::from_millis(1));
    let body = put(&world, search(4, &domain, api::Clock::now(&*world.clock))).await;
    world.call("GET", &path, "").await.refused(404, "NotFoundException");
    world.call("PUT", &path, body).await.refused(404, "NotFoundException");
    world.call("DELETE", &path, "").await.refused(404, "NotFoundException");
    let list = format!("/voice-profiles?voice-profile-domain-id={domain}&max-results=1");
    let listed = world.call("GET", &list, "").await.expect(200);
    assert_eq!(listed["VoiceProfiles"].as_array().unwrap().len(), 1);
    assert_eq!(listed["VoiceProfiles"][0]["VoiceProfileId"], json!(young));

    profile(&world, 5, &domain).await;
    let stored = world
        .store
        .read(move |view| view.get::<VoiceProfile>(&AccountId::DEFAULT, &old))
        .await
        .unwrap();
    assert_eq!(stored, None, "a new profile takes its place");
}

#[tokio::test]
async fn deleting_a_domain_deletes_its_profiles_with_it() {
    let world = World::start().await;
    let domain = domain(&world).await;
    let id = profile(&world, 1, &domain).await;
    world.call("DELETE", &format!("/voice-profile-domains/{domain}"), "").await.expect(204);
    world.call("GET", &format!("/voice-profiles/{id}"), "").await.refused(404, "NotFoundException");
    world
        .call("GET", &format!("/voice-profiles?voice-profile-domain-id={domain}"), "")
        .await
        .refused(404, "NotFoundException");
}

#[tokio::test]
async fn domains_and_profiles_are_listed_page_by_page() {
    let world = World::start().await;
    let mut domains = Vec::new();
    for _ in 0..3 {
        domains.push(domain(&world).await);
    }
    let mut profiles = Vec::new();
    for seed in 0..3 {
        profiles.push(profile(&world, seed, &domains[0]).await);
    }
    let in_domain = format!("/voice-profiles?voice-profile-domain-id={}&", domains[0]);
    for (target, noun, id, mut expected) in [
        ("/voice-profile-domains?".into(), "VoiceProfileDomains", "VoiceProfileDomainId", domains),
        (in_domain, "VoiceProfiles", "VoiceProfileId", profiles),
    ] {
        expected.sort();
        let target = format!("{target}max-results=2");
        let first = world.call("GET", &target, "").await.expect(200);
        let token = first["NextToken"].as_str().unwrap();
        let second =
            world.call("GET", &format!("{target}&next-token={token}"), "").await.expect(200);
        assert_eq!(second.get("NextToken"), None);
        let pages = [&first, &second];
        let listed: Vec<&Value> =
            pages.iter().flat_map(|it| it[noun].as_array().unwrap()).map(|it| &it[id]).collect();
        assert_eq!(json!(listed), json!(expected));
    }
    world.call("GET", "/voice-profiles", "").await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn the_quota_refuses_one_domain_too_many() {
    let config = ApiConfig {
        quotas: Quotas { voice_profile_domains: 1, ..Quotas::default() },
        ..ApiConfig::default()
    };
    let world = World::with_config(config).await;
    domain(&world).await;
    let answer = world.call("POST", "/voice-profile-domains", draft("x")).await;
    answer.refused(400, "ResourceLimitExceededException");
}

#[tokio::test]
async fn the_quota_refuses_one_profile_too_many() {
    let config = ApiConfig {
        quotas: Quotas { voice_profiles: 1, ..Quotas::default() },
        ..ApiConfig::default()
    };
    let world = World::with_config(config).await;
    let domain = domain(&world).await;
    profile(&world, 1, &domain).await;
    let body = put(&world, search(2, &domain, START)).await;
    let answer = world.call("POST", "/voice-profiles", body).await;
    let message = answer.refused(400, "ResourceLimitExceededException");
    assert!(message.contains("Voice profiles per domain"), "{message}");
}

#[tokio::test]
async fn domains_and_profiles_of_another_account_cannot_be_told_from_absent_ones() {
    let world = World::start().await;
    let domain = domain(&world).await;
    let profile = profile(&world, 1, &domain).await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let name = json!({"Name": "x"}).to_string();
    let task = put(&world, search(9, &domain, START)).await;
    let foreign_task = task["SpeakerSearchTaskId"].as_str().unwrap().to_owned();
    let from_task = r#"{"SpeakerSearchTaskId":"ID"}"#;
    for (method, target, id, body) in [
        ("GET", "/voice-profile-domains/ID", &domain, ""),
        ("PUT", "/voice-profile-domains/ID", &domain, name.as_str()),
        ("DELETE", "/voice-profile-domains/ID", &domain, ""),
        ("GET", "/voice-profiles?voice-profile-domain-id=ID", &domain, ""),
        ("GET", "/voice-profiles/ID", &profile, ""),
        ("PUT", "/voice-profiles/ID", &profile, from_task),
        ("DELETE", "/voice-profiles/ID", &profile, ""),
        ("POST", "/voice-profiles", &foreign_task, from_task),
    ] {
        let with = |text: &str, id: &str| text.replace("ID", id);
        let foreign = world.call_as(&other, method, &with(target, id), with(body, id)).await;
        let missing =
            world.call_as(&other, method, &with(target, ABSENT), with(body, ABSENT)).await;
        assert_eq!(
            foreign.refused(404, "NotFoundException").replace(id.as_str(), "ID"),
            missing.refused(404, "NotFoundException").replace(ABSENT, "ID"),
            "{method} {target}"
        );
    }
    let listed = world.call_as(&other, "GET", "/voice-profile-domains", "").await.expect(200);
    assert_eq!(listed, json!({"VoiceProfileDomains": []}));
}
