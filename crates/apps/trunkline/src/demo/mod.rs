//! `trunkline demo`: the offline first call.
//!
//! A private service in a temporary directory, driven through its real HTTP API and its real SIP
//! port. Each step is done, checked and told; the first one that does not hold ends the demo.

mod report;
mod stage;

use std::time::{Duration, Instant};

use agent::{Credential as SipCredential, Event, Srtp};
use api::operator::dto;
use chime_client::Sensitive;
use chime_client::types::{
    CreateVoiceConnectorRequest, Credential, PutVoiceConnectorTerminationCredentialsRequest,
    PutVoiceConnectorTerminationRequest, Termination, VoiceConnector,
};
use media::EndpointReport;
use model::{AccountId, Secret, Verdict};

use crate::command::call::record;
use crate::connection::with_causes;
use crate::failure::Failure;
use crate::screen::{Screen, duration};
use crate::test_call::{Placed, TestCall};
use report::Report;
use stage::Stage;

/// The caller: a number that is assigned to nobody, as is the called one.
const CALLER: &str = "+12065550150";
/// The called number: rings for 100 ms, answers, echoes.
const CALLED: &str = "+12065550100";
/// The user that the credential is put for.
const USERNAME: &str = "office-pbx";
/// The demo's password: the service is gone a few seconds later.
const PASSWORD: &str = "correct horse battery staple";
/// How long the call talks: enough for the tone, for reports in both directions, and for patience.
const TALK: Duration = Duration::from_millis(1500);

pub(crate) async fn run(screen: &Screen) -> Result<(), Failure> {
    let report = Report::begin(screen);
    tokio::select! {
        outcome = play(report) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::Failed("the demo was interrupted".into())),
    }
}

/// Plays all steps, then shows what came of them. The stage is taken down either way.
async fn play(mut report: Report<'_>) -> Result<(), Failure> {
    let began = Instant::now();
    let stage = match Stage::set().await {
        Ok(stage) => stage,
        Err(failure) => return report.failed("start a private service", failure),
    };
    report.done(began, "start a private service", stage.told());
    let played = steps(&stage, &mut report).await;
    stage.strike().await;
    match played {
        Ok(()) => {
            report.finish();
            Ok(())
        }
        Err(Fallen { step, failure }) => report.failed(step, failure),
    }
}

/// A step that did not hold.
struct Fallen {
    step: &'static str,
    failure: Failure,
}

trait OrFallen<T> {
    fn or_fallen(self, step: &'static str) -> Result<T, Fallen>;
}

impl<T> OrFallen<T> for Result<T, Failure> {
    fn or_fallen(self, step: &'static str) -> Result<T, Fallen> {
        self.map_err(|failure| Fallen { step, failure })
    }
}

async fn steps(stage: &Stage, report: &mut Report<'_>) -> Result<(), Fallen> {
    let connector = create_connector(stage, report).await?;
    let id = connector.voice_connector_id.unwrap_or_default();
    let host = connector.outbound_host_name.unwrap_or_default();
    put_termination(stage, report, &id).await?;
    claim_number(stage, report).await?;
    refused_without_credential(stage, report, &host).await?;
    put_credential(stage, report, &id).await?;
    call_with_credential(stage, report, &host).await?;
    report.set_boto3(&id);
    Ok(())
}

async fn create_connector(
    stage: &Stage,
    report: &mut Report<'_>,
) -> Result<VoiceConnector, Fallen> {
    const STEP: &str = "CreateVoiceConnector";
    let step = report.going_on(STEP);
    let request = CreateVoiceConnectorRequest {
        name: "demo".into(),
        require_encryption: false,
        aws_region: None,
        integration_type: None,
        network_type: None,
        tags: None,
    };
    let created = stage.client().create_voice_connector(request).await;
    let connector = created
        .map_err(|error| Failure::Failed(with_causes(&error)))
        .and_then(|it| {
            it.voice_connector.ok_or_else(|| Failure::Failed("the answer has no connector".into()))
        })
        .or_fallen(STEP)?;
    let host = connector.outbound_host_name.clone().unwrap_or_default();
    report.done(step, STEP, format!("host {host}"));
    Ok(connector)
}

async fn put_termination(stage: &Stage, report: &mut Report<'_>, id: &str) -> Result<(), Fallen> {
    const STEP: &str = "PutVoiceConnectorTermination";
    let step = report.going_on(STEP);
    let termination = Termination {
        calling_regions: Some(vec!["US".into()]),
        cidr_allowed_list: Some(Vec::new()),
        cps_limit: Some(10),
        disabled: Some(false),
        default_phone_number: None,
    };
    let request =
        PutVoiceConnectorTerminationRequest { voice_connector_id: id.into(), termination };
    let put = stage.client().put_voice_connector_termination(request).await;
    put.map_err(|error| Failure::Failed(with_causes(&error))).or_fallen(STEP)?;
    report.done(step, STEP, "calls to US, 10 per second, nobody let in yet");
    Ok(())
}

async fn claim_number(stage: &Stage, report: &mut Report<'_>) -> Result<(), Fallen> {
    const STEP: &str = "trunkline number add";
    let step = report.going_on(STEP);
    let request = dto::AddNumbers {
        numbers: vec![CALLER.into()],
        ranges: Vec::new(),
        account: Some(AccountId::DEFAULT),
    };
    stage.connection.add_numbers(&request).await.or_fallen(STEP)?;
    report.done(step, STEP, format!("{CALLER} is ours"));
    Ok(())
}

/// Before the credential is put, the call is not let in, and the service tells why.
async fn refused_without_credential(
    stage: &Stage,
    report: &mut Report<'_>,
    host: &str,
) -> Result<(), Fallen> {
    const STEP: &str = "call before the credential";
    let step = report.going_on(STEP);
    let placed = call(stage, host).place(|_event| {}).await.or_fallen(STEP)?;
    let Some(status) = placed.refusal() else {
        let text =
            format!("the call was not refused, as it should have been: {}", placed.ended.cause);
        return Err(Fallen { step: STEP, failure: Failure::Failed(text) });
    };
    let refused_by = match &placed.call_id {
        Some(call_id) => record(&stage.connection, call_id).await,
        None => None,
    };
    let rule = refused_by
        .as_ref()
        .and_then(|it| it.decisions.iter().find(|it| it.verdict == Verdict::Refuse))
        .map(|it| format!("; explain: {} ({})", it.rule, it.seen));
    report.done(step, STEP, format!("refused with {status}{}", rule.unwrap_or_default()));
    Ok(())
}

async fn put_credential(stage: &Stage, report: &mut Report<'_>, id: &str) -> Result<(), Fallen> {
    const STEP: &str = "PutVoiceConnectorTerminationCredentials";
    let step = report.going_on(STEP);
    let request = PutVoiceConnectorTerminationCredentialsRequest {
        voice_connector_id: id.into(),
        credentials: Some(vec![Credential {
            username: Some(Sensitive::new(USERNAME)),
            password: Some(Sensitive::new(PASSWORD)),
        }]),
    };
    let put = stage.client().put_voice_connector_termination_credentials(request).await;
    put.map_err(|error| Failure::Failed(with_causes(&error))).or_fallen(STEP)?;
    report.done(step, STEP, format!("user {USERNAME}, effective with this 204"));
    Ok(())
}

/// After it, the same call is challenged, admitted, and heard on both sides.
async fn call_with_credential(
    stage: &Stage,
    report: &mut Report<'_>,
    host: &str,
) -> Result<(), Fallen> {
    const STEP: &str = "the same call with the credential";
    let step = report.going_on(STEP);
    stage.carrier.forget();
    let credential =
        SipCredential { username: USERNAME.into(), password: Secret::new(PASSWORD.into()) };
    let order = TestCall { credential: Some(credential), ..call(stage, host) };
    let mut challenge = None;
    let watch = |event: &Event| {
        if let Event::Challenged { status } = event {
            challenge = Some(*status);
        }
    };
    let placed = order.place(watch).await.or_fallen(STEP)?;
    let challenge = challenge
        .ok_or_else(|| Failure::Failed("the call was admitted without a challenge".into()))
        .or_fallen(STEP)?;
    let after = placed
        .answered_after()
        .ok_or_else(|| {
            Failure::Failed(format!("the call was not answered: {}", placed.ended.cause))
        })
        .or_fallen(STEP)?;
    let told = format!("{challenge} challenge, digest, answered after {}", duration(after));
    report.done(step, STEP, told);
    check_audio(stage, report, &placed).await?;
    check_record(stage, report, &placed).await
}

/// The caller's tone must have come to the carrier, and the carrier's echo of it to the caller.
async fn check_audio(
    stage: &Stage,
    report: &mut Report<'_>,
    placed: &Placed,
) -> Result<(), Fallen> {
    const STEP: &str = "audio both ways";
    let step = report.going_on(STEP);
    let carrier = stage.carrier.ended().await.or_fallen(STEP)?;
    let heard = |who: &str, report: Option<&EndpointReport>| match report {
        Some(it) if it.heard.has_tone() => Ok(it.heard.tone_packets),
        Some(it) => Err(Failure::Failed(format!(
            "the {who} did not hear the 1 kHz tone: {} packets came, {} of them with the tone",
            it.heard.packets, it.heard.tone_packets
        ))),
        None => Err(Failure::Failed(format!("the {who} had no audio"))),
    };
    let at_carrier = heard("carrier", carrier.report.as_ref()).or_fallen(STEP)?;
    let at_caller = heard("caller", placed.ended.report.as_ref()).or_fallen(STEP)?;
    let told =
        format!("1 kHz tone: {at_carrier} packets at the carrier, {at_caller} back at the caller");
    report.done(step, STEP, told);
    report.set_ladder(placed, &stage.carrier.messages());
    Ok(())
}

async fn check_record(
    stage: &Stage,
    report: &mut Report<'_>,
    placed: &Placed,
) -> Result<(), Fallen> {
    const STEP: &str = "call record";
    let step = report.going_on(STEP);
    let call_id = placed.call_id.as_deref().unwrap_or_default();
    let record = record(&stage.connection, call_id)
        .await
        .ok_or_else(|| Failure::Failed("the service wrote no record of the call".into()))
        .or_fallen(STEP)?;
    if record.state != dto::CallState::Completed || record.sip_user.as_deref() != Some(USERNAME) {
        let text = format!("the record says {:?} for {:?}", record.state, record.sip_user);
        return Err(Fallen { step: STEP, failure: Failure::Failed(text) });
    }
    if record.quality.len() != 2 || record.quality.iter().any(|it| it.packets == 0) {
        let text = "the record has no audio of one side".into();
        return Err(Fallen { step: STEP, failure: Failure::Failed(text) });
    }
    report.done(step, STEP, format!("{} · {}", record.transaction_id, record.reason));
    report.set_record(record);
    Ok(())
}

/// The demo's call, without a credential.
fn call(stage: &Stage, host: &str) -> TestCall {
    TestCall {
        service: stage.sip(),
        transport: sip_message::Transport::Udp,
        host: host.into(),
        from: CALLER.into(),
        to: CALLED.into(),
        credential: None,
        talk: TALK,
        srtp: Srtp::Accept,
    }
}
