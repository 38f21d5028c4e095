//! Calls through a whole server: admitted, refused, carried, recorded.

use std::time::Duration;

use agent::{Cause, Event};
use sip_message::{Status, Transport};

use crate::world::{ECHO, RINGS, World, eventually};

#[tokio::test]
async fn a_credential_counts_for_the_very_next_call() {
    let world = World::start().await;
    let connector = world.connector().await;
    let without = world.dial(&connector, ECHO).and_wait().await;
    assert_eq!(without.cause, Cause::Rejected(Status(403)));

    world.put_user(&connector, "pbx", "first").await;
    let admitted = world.dial(&connector, ECHO).user("pbx", "first").and_wait().await;
    assert_eq!(admitted.cause, Cause::HungUp);

    world.put_user(&connector, "pbx", "second").await;
    let old = world.dial(&connector, ECHO).user("pbx", "first").and_wait().await;
    assert!(matches!(old.cause, Cause::Rejected(Status(403))), "{}", old.cause);
    let new = world.dial(&connector, ECHO).user("pbx", "second").and_wait().await;
    assert_eq!(new.cause, Cause::HungUp);
}

#[tokio::test]
async fn audio_goes_both_ways_and_the_record_tells_what_was_heard() {
    let world = World::start().await;
    let connector = world.connector().await;
    world.put_user(&connector, "pbx", "secret").await;
    let ended = world.dial(&connector, ECHO).user("pbx", "secret").and_wait().await;
    let report = ended.report.unwrap();
    assert!(report.heard.has_tone(), "the echo of the caller's tone came back: {report:?}");

    let record = world.record().await;
    assert_eq!(record["state"], "completed");
    assert_eq!(record["sip_user"], "pbx");
    assert_eq!(record["carrier"], "simulated");
    assert_eq!(record["connector"], connector.id.as_str());
    let heard = record["quality"].as_array().unwrap();
    let legs: Vec<&str> = heard.iter().map(|it| it["leg"].as_str().unwrap()).collect();
    assert_eq!(legs, ["caller", "called"]);
    assert!(heard.iter().all(|it| it["packets"].as_u64() > Some(10)), "{heard:?}");
}

#[tokio::test]
async fn a_call_over_tcp_is_carried_like_one_over_udp() {
    let world = World::start().await;
    let connector = world.connector().await;
    world.put_user(&connector, "pbx", "secret").await;
    let dial = world.dial(&connector, ECHO).user("pbx", "secret").over(Transport::Tcp);
    let ended = dial.and_wait().await;
    assert_eq!(ended.cause, Cause::HungUp);
    assert!(ended.report.unwrap().heard.has_tone());
}

#[tokio::test]
async fn the_simulated_carrier_behaves_by_the_number_called() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    for (number, status) in
        [("+12065550130", 486), ("+12065550133", 404), ("+12065550134", 603), ("+13105550133", 404)]
    {
        let ended = world.dial(&connector, number).and_wait().await;
        assert_eq!(ended.cause, Cause::Rejected(Status(status)), "{number}");
    }
}

#[tokio::test]
async fn keys_that_the_called_side_presses_reach_the_caller() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let talk = Duration::from_millis(1800);
    let ended = world.dial(&connector, "+12065550142").talking(talk).and_wait().await;
    assert_eq!(ended.report.unwrap().heard.digits, "123#");
}

#[tokio::test]
async fn a_call_that_is_given_up_while_it_rings_is_recorded_as_cancelled() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let mut phone = world.dial(&connector, RINGS).place();
    phone.until(|event| *event == Event::Progress { status: Status(180) }).await;
    phone.hang_up();
    assert_eq!(phone.ended().await.cause, Cause::Cancelled);
    let record = world.record().await;
    assert_eq!(
        (record["state"].as_str(), record["reason"].as_str()),
        (Some("failed"), Some("cancelled"))
    );
}

#[tokio::test]
async fn a_rejected_call_is_explained_and_counted_by_its_reason() {
    let world = World::start().await;
    let connector = world.connector().await;
    let ended = world.dial(&connector, ECHO).and_wait().await;
    assert_eq!(ended.cause, Cause::Rejected(Status(403)));
    let record = world.record().await;
    let refusal = record["decisions"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(refusal["verdict"], "refuse");
    for part in ["rule", "seen", "expected", "remedy"] {
        assert!(!refusal[part].as_str().unwrap().is_empty(), "{part}: {refusal}");
    }
    let reason = record["reason"].as_str().unwrap();
    let (_, page) = world.admin("/metrics").await;
    let sample = format!("trunkline_calls_rejected_total{{reason=\"{reason}\"}} 1");
    assert!(page.contains(&sample), "{sample} in {page}");
}

#[tokio::test]
async fn a_hundred_calls_at_once_are_all_carried() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let mut phones: Vec<_> =
        (0..100).map(|_| world.dial(&connector, ECHO).for_ever().place()).collect();
    for phone in &mut phones {
        phone.until(|event| *event == Event::Answered).await;
    }
    assert_eq!(world.live_calls().await.len(), 100);
    phones.iter().for_each(|phone| phone.hang_up());
    for phone in phones {
        assert_eq!(phone.ended().await.cause, Cause::HungUp);
    }
    eventually("the end of every call", async || world.live_calls().await.is_empty().then_some(()))
        .await;
}
