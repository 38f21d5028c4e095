//! Speaker search and voice tone analysis: tasks on calls in progress.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{ApiConfig, HungUp, LiveCall, LiveCalls, LiveFuture, Quotas, ServiceInfo, Streamed};
use model::{
    AccountId, CallRecord, CallStatus, ClientRequest, Direction, KeyPolicy, MediaInsights,
    SpeakerMatch, SpeakerSearchTask, Streaming, TaskStatus, TransactionId, UnixMillis,
    VoiceConnectorId, VoiceProfileId, Voiceprint,
};
use serde_json::{Value, json};
use store::{Page, TypedTx as _, TypedView as _};

use crate::voice_profile::domain;
use crate::world::{Answer, START, World};

const ABSENT: &str = "00000000-0000-4000-8000-000000000000";
const DAY: Duration = Duration::from_secs(86_400);
/// The kinds of tasks, as they stand in paths.
const KINDS: [&str; 2] = ["speaker-search-tasks", "voice-tone-analysis-tasks"];

/// A signalling side with calls as given, which an analyser hears or not.
#[derive(Default)]
struct Calls {
    live: Mutex<Vec<LiveCall>>,
    is_deaf: AtomicBool,
}

impl LiveCalls for Calls {
    fn list(&self) -> LiveFuture<'_, Vec<LiveCall>> {
        Box::pin(async { Ok(self.live.lock().unwrap().clone()) })
    }
    fn find<'a>(&'a self, call: &'a str) -> LiveFuture<'a, Option<LiveCall>> {
        let live = self.live.lock().unwrap();
        let found = live.iter().find(|it| it.transaction_id.to_string() == call).cloned();
        Box::pin(async { Ok(found) })
    }
    fn hang_up(&self, _call: TransactionId) -> LiveFuture<'_, HungUp> {
        Box::pin(async { Ok(HungUp::NoSuchCall) })
    }
    fn service(&self) -> LiveFuture<'_, ServiceInfo> {
        Box::pin(std::future::pending())
    }
    fn streamed(&self, _call: TransactionId) -> LiveFuture<'_, Streamed> {
        let is_deaf = self.is_deaf.load(Ordering::SeqCst);
        Box::pin(async move { Ok(if is_deaf { Streamed::No } else { Streamed::Yes }) })
    }
}

/// What becomes of a connector's audio.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Insights {
    On,
    Off,
    None,
    NoStreaming,
}

/// A connector that streams for analysis, with answered calls of the seeds 1, 2 and 3.
struct Scene {
    world: World,
    calls: Arc<Calls>,
    connector: String,
    domain: String,
}

impl Scene {
    async fn start() -> Self {
        Self::with(Quotas::default()).await
    }

    async fn with(quotas: Quotas) -> Self {
        let calls = Arc::new(Calls::default());
        let config = ApiConfig { quotas, ..ApiConfig::default() };
        let world = World::with(config, calls.clone()).await;
        let connector = world.connector().await;
        let domain = domain(&world).await;
        let scene = Self { world, calls, connector, domain };
        scene.stream(Insights::On).await;
        for seed in 1..=3 {
            scene.calls.live.lock().unwrap().push(scene.call(seed));
        }
        scene
    }

    /// Sets the connector's streaming.
    async fn stream(&self, insights: Insights) {
        let arn = "arn:aws:chime:us-east-1:000000000000:media-insights-pipeline-configuration/x";
        let streaming = Streaming {
            account: AccountId::DEFAULT,
            connector: VoiceConnectorId::parse(&self.connector).unwrap(),
            retention_hours: 0,
            disabled: insights == Insights::NoStreaming,
            targets: Vec::new(),
            insights: (insights != Insights::None).then(|| MediaInsights {
                disabled: insights == Insights::Off,
                configuration_arn: Some(arn.into()),
            }),
        };
        self.world.store.write(move |tx| tx.put(&streaming)).await.unwrap();
    }

    fn call(&self, seed: u8) -> LiveCall {
        LiveCall {
            transaction_id: TransactionId::from_random([seed; 16]),
            call_id: format!("{seed}@pbx"),
            peer_call_id: None,
            attempt_call_ids: Vec::new(),
            account: Some(AccountId::DEFAULT),
            connector: Some(VoiceConnectorId::parse(&self.connector).unwrap()),
            direction: Direction::Outbound,
            from: "+12065550100".into(),
            to: "+12125550100".into(),
            source: "127.0.0.1:5062".into(),
            sip_user: None,
            carrier: None,
            started: UnixMillis(START.0 - 3000),
            answered: Some(UnixMillis(START.0 - 2000)),
            decisions: Vec::new(),
            quality: Vec::new(),
        }
    }

    /// The body that starts a task of either kind on a call.
    fn body(&self, seed: u8) -> Value {
        let transaction = TransactionId::from_random([seed; 16]).to_string();
        json!({"TransactionId": transaction, "VoiceProfileDomainId": self.domain,
            "LanguageCode": "en-US"})
    }

    fn path(&self, kind: &str) -> String {
        format!("/voice-connectors/{}/{kind}", self.connector)
    }

    async fn post(&self, kind: &str, body: Value) -> Answer {
        let mut body = body;
        let unknown = if kind == KINDS[0] { "LanguageCode" } else { "VoiceProfileDomainId" };
        body.as_object_mut().unwrap().remove(unknown);
        self.world.call("POST", &self.path(kind), body).await
    }

    /// Starts a task and returns its id.
    async fn started(&self, kind: &str, seed: u8) -> String {
        let body = self.post(kind, self.body(seed)).await.expect(201);
        let (_, task) = body.as_object().unwrap().iter().next().unwrap();
        let id = task.get("SpeakerSearchTaskId").or(task.get("VoiceToneAnalysisTaskId"));
        id.unwrap().as_str().unwrap().to_owned()
    }

    async fn get(&self, kind: &str, id: &str) -> Answer {
        let query = if kind == KINDS[1] { "?isCaller=true" } else { "" };
        self.world.call("GET", &format!("{}/{id}{query}", self.path(kind)), "").await
    }

    async fn stop(&self, kind: &str, id: &str) -> Answer {
        self.world.call("POST", &format!("{}/{id}?operation=stop", self.path(kind)), "").await
    }

    /// Changes a search as an analyser does.
    async fn analyse(
        &self,
        id: &str,
        change: impl FnOnce(&mut SpeakerSearchTask) + Send + 'static,
    ) {
        let id = id.to_owned();
        self.world
            .store
            .write(move |tx| {
                let mut task: SpeakerSearchTask = tx.get(&AccountId::DEFAULT, &id)?.unwrap();
                change(&mut task);
                tx.put(&task)
            })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_search_goes_through_its_life() {
    let scene = Scene::start().await;
    let mut body = scene.body(1);
    body["CallLeg"] = "Callee".into();
    let started = scene.post(KINDS[0], body).await.expect(201);
    let id = started["SpeakerSearchTask"]["SpeakerSearchTaskId"].as_str().unwrap().to_owned();
    let mut expected = json!({
        "SpeakerSearchTaskId": id,
        "SpeakerSearchTaskStatus": "IN_QUEUE",
        "CallDetails": {
            "VoiceConnectorId": scene.connector,
            "TransactionId": TransactionId::from_random([1; 16]).to_string(),
            "IsCaller": false,
        },
        "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
        "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
    });
    assert_eq!(started["SpeakerSearchTask"], expected);
    assert_eq!(scene.get(KINDS[0], &id).await.expect(200), started);

    let found = VoiceProfileId::from_random([9; 16]);
    scene
        .analyse(&id, move |task| {
            task.analysis.status = TaskStatus::Succeeded;
            task.analysis.started = Some(START);
            task.matches = vec![SpeakerMatch { profile: found, confidence: 0.93 }];
            task.voiceprint = Some(Voiceprint::Made { at: START });
        })
        .await;
    expected["SpeakerSearchTaskStatus"] = "SUCCEEDED".into();
    expected["StartedTimestamp"] = "2026-11-23T10:11:12.345Z".into();
    expected["SpeakerSearchDetails"] = json!({
        "Results": [{"VoiceProfileId": found.to_string(), "ConfidenceScore": 0.93}],
        "VoiceprintGenerationStatus": "VoiceprintGenerationSuccess",
    });
    let read = scene.get(KINDS[0], &id).await.expect(200);
    assert_eq!(read["SpeakerSearchTask"], expected);

    let body = json!({"SpeakerSearchTaskId": id});
    let profile = scene.world.call("POST", "/voice-profiles", body).await.expect(201);
    assert_eq!(profile["VoiceProfile"]["VoiceProfileDomainId"], json!(scene.domain));

    scene.world.clock.advance(7 * DAY - Duration::from_millis(1));
    scene.get(KINDS[0], &id).await.expect(200);
    scene.world.clock.advance(Duration::from_millis(1));
    scene.get(KINDS[0], &id).await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn a_tone_analysis_is_started_read_and_stopped() {
    let scene = Scene::start().await;
    let started = scene.post(KINDS[1], scene.body(1)).await.expect(201);
    let task = &started["VoiceToneAnalysisTask"];
    assert_eq!(task["VoiceToneAnalysisTaskStatus"], "IN_QUEUE");
    let id = task["VoiceToneAnalysisTaskId"].as_str().unwrap();
    let path = format!("{}/{id}", scene.path(KINDS[1]));
    for is_caller in [true, false] {
        let read = scene.world.call("GET", &format!("{path}?isCaller={is_caller}"), "").await;
        let read = read.expect(200);
        assert_eq!(read["VoiceToneAnalysisTask"]["CallDetails"]["IsCaller"], json!(is_caller));
    }
    scene.world.call("GET", &path, "").await.refused(400, "BadRequestException");

    assert_eq!(scene.stop(KINDS[1], id).await.expect(204), Value::Null);
    let read = scene.get(KINDS[1], id).await.expect(200);
    assert_eq!(read["VoiceToneAnalysisTask"]["VoiceToneAnalysisTaskStatus"], "STOPPED");
    let mut german = scene.body(2);
    german["LanguageCode"] = "de-DE".into();
    scene.post(KINDS[1], german).await.refused(400, "BadRequestException");
}

#[tokio::test]
async fn only_a_call_that_is_live_answered_and_heard_is_analysed() {
    let scene = Scene::start().await;
    let mut ringing = scene.call(8);
    ringing.answered = None;
    scene.calls.live.lock().unwrap().push(ringing);
    let record = CallRecord {
        transaction_id: TransactionId::from_random([9; 16]),
        call_id: "9@pbx".into(),
        peer_call_id: None,
        attempt_call_ids: Vec::new(),
        account: Some(AccountId::DEFAULT),
        connector: Some(VoiceConnectorId::parse(&scene.connector).unwrap()),
        direction: Direction::Outbound,
        status: CallStatus::Completed,
        reason: "completed".into(),
        status_message: String::new(),
        sip_status: Some(200),
        sip_user: None,
        from: String::new(),
        to: String::new(),
        source: String::new(),
        carrier: None,
        started: START,
        answered: None,
        ended: START,
        decisions: Vec::new(),
        quality: Vec::new(),
    };
    scene.world.store.append_records(vec![record]).await.unwrap();
    for kind in KINDS {
        let answer = scene.post(kind, scene.body(8)).await;
        let message = answer.refused(422, "UnprocessableEntityException");
        assert!(message.contains("not answered"), "{message}");
        scene.post(kind, scene.body(9)).await.refused(410, "GoneException");
        scene.post(kind, scene.body(7)).await.refused(404, "NotFoundException");
        let mut nonsense = scene.body(1);
        nonsense["TransactionId"] = "no-uuid".into();
        scene.post(kind, nonsense).await.refused(404, "NotFoundException");
    }
    let elsewhere = scene.world.connector().await;
    for kind in KINDS {
        for seed in [1, 9] {
            let path = format!("/voice-connectors/{elsewhere}/{kind}");
            let answer = scene.world.call("POST", &path, scene.body(seed)).await;
            answer.refused(404, "NotFoundException");
        }
    }

    scene.calls.is_deaf.store(true, Ordering::SeqCst);
    let answer = scene.post(KINDS[0], scene.body(1)).await;
    let message = answer.refused(422, "UnprocessableEntityException");
    assert!(message.contains("no analyser"), "{message}");
    scene.calls.is_deaf.store(false, Ordering::SeqCst);
    for missing in [Insights::NoStreaming, Insights::Off, Insights::None] {
        scene.stream(missing).await;
        for kind in KINDS {
            let answer = scene.post(kind, scene.body(1)).await;
            let message = answer.refused(422, "UnprocessableEntityException");
            assert!(message.contains("PutVoiceConnectorStreamingConfiguration"), "{message}");
        }
    }
    scene.stream(Insights::On).await;
    scene.started(KINDS[0], 1).await;
}

#[tokio::test]
async fn a_search_wants_a_domain_that_exists() {
    let scene = Scene::start().await;
    let mut body = scene.body(1);
    body["VoiceProfileDomainId"] = ABSENT.into();
    let message = scene.post(KINDS[0], body).await.refused(404, "NotFoundException");
    assert_eq!(message, format!("Could not find VoiceProfileDomain with Id '{ABSENT}'"));

    let started = scene.post(KINDS[0], scene.body(1)).await.expect(201);
    let leg = &started["SpeakerSearchTask"]["CallDetails"]["IsCaller"];
    assert_eq!(leg, &json!(true), "the caller's leg unless another is asked for");
}

#[tokio::test]
async fn one_task_of_a_kind_is_active_on_a_call() {
    let scene = Scene::start().await;
    for kind in KINDS {
        let first = scene.started(kind, 1).await;
        let message = scene.post(kind, scene.body(1)).await.refused(409, "ConflictException");
        assert!(message.contains(&first), "{message}");
        scene.started(kind, 2).await;
        scene.stop(kind, &first).await.expect(204);
        scene.started(kind, 1).await;
    }
}

#[tokio::test]
async fn the_quota_counts_active_tasks() {
    let quotas =
        Quotas { speaker_search_tasks: 2, voice_tone_analysis_tasks: 2, ..Quotas::default() };
    let scene = Scene::with(quotas).await;
    for kind in KINDS {
        let first = scene.started(kind, 1).await;
        scene.started(kind, 2).await;
        let answer = scene.post(kind, scene.body(3)).await;
        let message = answer.refused(400, "ResourceLimitExceededException");
        assert!(message.contains("tasks\" is 2"), "{message}");
        scene.stop(kind, &first).await.expect(204);
        scene.started(kind, 3).await;
    }
}

#[tokio::test]
async fn a_token_starts_one_task_however_often_it_is_sent() {
    let scene = Scene::start().await;
    for kind in KINDS {
        let mut body = scene.body(1);
        body["ClientRequestToken"] = "once".into();
        let first = scene.post(kind, body.clone()).await.expect(201);
        assert_eq!(scene.post(kind, body.clone()).await.expect(201), first);
        body["TransactionId"] = TransactionId::from_random([2; 16]).to_string().into();
        scene.post(kind, body).await.refused(409, "ConflictException");
    }
}

#[tokio::test]
async fn tasks_and_tokens_whose_time_is_over_are_removed() {
    let scene = Scene::start().await;
    let mut old = Vec::new();
    for token in ["one", "two", "three"] {
        let mut body = scene.body(1);
        body["ClientRequestToken"] = token.into();
        let task = scene.post(KINDS[0], body).await.expect(201);
        let id = task["SpeakerSearchTask"]["SpeakerSearchTaskId"].as_str().unwrap().to_owned();
        scene.stop(KINDS[0], &id).await.expect(204);
        old.push(id);
    }
    scene.world.clock.advance(7 * DAY);
    let mut body = scene.body(1);
    body["ClientRequestToken"] = "four".into();
    scene.post(KINDS[0], body).await.expect(201);
    let (tasks, tokens) = scene
        .world
        .store
        .read(|view| {
            let tasks = view.list::<SpeakerSearchTask>(&AccountId::DEFAULT, Page::WHOLE)?;
            let tokens = view.list::<ClientRequest>(&AccountId::DEFAULT, Page::WHOLE)?;
            Ok((tasks.items, tokens.items))
        })
        .await
        .unwrap();
    assert_eq!((tasks.len(), tokens.len()), (1, 1), "{tasks:?} {tokens:?}");
    assert!(!old.contains(&tasks[0].id.to_string()));
}

#[tokio::test]
async fn what_was_stopped_stays_stopped_and_what_has_ended_cannot_be_stopped() {
    let scene = Scene::start().await;
    let id = scene.started(KINDS[0], 1).await;
    scene.stop(KINDS[0], &id).await.expect(204);
    scene.stop(KINDS[0], &id).await.expect(204);
    let body = json!({"SpeakerSearchTaskId": id});
    scene.world.call("POST", "/voice-profiles", body).await.refused(400, "BadRequestException");

    let ended = scene.started(KINDS[0], 2).await;
    scene.analyse(&ended, |task| task.analysis.status = TaskStatus::Failed).await;
    let message = scene.stop(KINDS[0], &ended).await.refused(422, "UnprocessableEntityException");
    assert!(message.contains("FAILED"), "{message}");
    for kind in KINDS {
        scene.stop(kind, ABSENT).await.refused(404, "NotFoundException");
    }
}

#[tokio::test]
async fn tasks_of_another_account_cannot_be_told_from_absent_ones() {
    let scene = Scene::start().await;
    let other = scene.world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let own = scene.world.connector_as(&other).await;
    for kind in KINDS {
        let id = scene.started(kind, 1).await;
        for connector in [&scene.connector, &own] {
            for (method, query) in [("GET", "?isCaller=true"), ("POST", "?operation=stop")] {
                let path = |id: &str| format!("/voice-connectors/{connector}/{kind}/{id}{query}");
                let foreign = scene.world.call_as(&other, method, &path(&id), "").await;
                let missing = scene.world.call_as(&other, method, &path(ABSENT), "").await;
                assert_eq!(
                    foreign.refused(404, "NotFoundException").replace(&id, "ID"),
                    missing.refused(404, "NotFoundException").replace(ABSENT, "ID"),
                );
            }
            let path = format!("/voice-connectors/{connector}/{kind}");
            let live = scene.world.call_as(&other, "POST", &path, scene.body(1)).await;
            let absent = scene.world.call_as(&other, "POST", &path, scene.body(7)).await;
            let hide = |answer: Answer, seed: u8| {
                let id = TransactionId::from_random([seed; 16]).to_string();
                answer.refused(404, "NotFoundException").replace(&id, "ID")
            };
            assert_eq!(hide(live, 1), hide(absent, 7));
        }
    }
}
