//! What an operator sees and does while calls go on.

use agent::{Cause, Event};
use http::Method;
use serde_json::json;

use crate::world::{ECHO, RINGS, World, eventually};

#[tokio::test]
async fn a_live_call_is_listed_found_by_its_call_id_and_hung_up_by_order() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let mut phone = world.dial(&connector, ECHO).for_ever().place();
    phone.until(|event| *event == Event::Answered).await;
    let live = world.live_calls().await;
    assert_eq!(live.len(), 1);
    assert_eq!((live[0]["state"].as_str(), live[0]["to"].as_str()), (Some("answered"), Some(ECHO)));

    let query = format!("call={}", live[0]["call_id"].as_str().unwrap());
    let found = world.operator(Method::GET, "/operator/explain", &query, None).await.unwrap();
    assert_eq!(found["transaction_id"], live[0]["transaction_id"]);

    let path = format!("/operator/calls/{}/hang-up", live[0]["transaction_id"].as_str().unwrap());
    world.operator(Method::POST, &path, "", None).await.unwrap();
    assert_eq!(phone.ended().await.cause, Cause::PeerHungUp);
    assert_eq!(world.record().await["reason"], "operator");
    assert_eq!(world.operator(Method::POST, &path, "", None).await, Err(404));
}

#[tokio::test]
async fn the_status_tells_the_listeners_and_whether_the_simulated_carrier_takes_calls() {
    let world = World::start().await;
    let status = || world.operator(Method::GET, "/operator/status", "", None);
    let told = status().await.unwrap();
    let addresses = world.running.addresses();
    let listener = |name: &str| {
        let all = told["listeners"].as_array().unwrap();
        let found = all.iter().find(|it| it["name"] == name).unwrap();
        found["address"].as_str().unwrap().to_owned()
    };
    assert_eq!(listener("http"), addresses.http.to_string());
    assert_eq!(listener("sip_udp"), addresses.sip_udp.to_string());
    assert_eq!(listener("sip_tcp"), addresses.sip_tcp.to_string());
    assert_eq!(told["simulated_carrier"], true);

    let carrier = json!({ "name": "upstream", "host": "192.0.2.1" });
    world.operator(Method::POST, "/operator/carriers", "", Some(carrier)).await.unwrap();
    assert_eq!(status().await.unwrap()["simulated_carrier"], false);
}

#[tokio::test]
async fn the_simulated_carrier_can_be_switched_off() {
    let world = World::start_with("carriers.simulated = false").await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let ended = world.dial(&connector, RINGS).and_wait().await;
    assert!(matches!(ended.cause, Cause::Rejected(_)), "{}", ended.cause);
    let record = world.record().await;
    let refusal = record["decisions"].as_array().unwrap().last().unwrap().clone();
    assert!(refusal["remedy"].as_str().unwrap().contains("trunkline carrier add"), "{refusal}");
}

#[tokio::test]
async fn a_place_that_does_not_answer_is_told_with_its_failure_and_next_trial_and_in_the_metrics() {
    let world = World::start_with("sip.probe_interval_s = 1\nsip.probe_failures_max = 1").await;
    // Nothing listens there, and nobody else is given the port while it is held.
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap();
    let carrier = json!({ "name": "silent", "host": "127.0.0.1", "port": at.port() });
    world.operator(Method::POST, "/operator/carriers", "", Some(carrier)).await.unwrap();
    let place = eventually("the silent carrier to be down", async || {
        let told = world.operator(Method::GET, "/operator/peers", "", None).await.unwrap();
        let peers = told["peers"].as_array().unwrap().clone();
        peers.into_iter().find(|it| it["address"] == at.to_string() && it["state"] == "down")
    })
    .await;
    assert_eq!(place["carriers"], json!(["silent"]));
    let moment = |member: &str| place[member].as_str().unwrap_or_default().to_owned();
    assert!(!moment("failed").is_empty(), "{place}");
    assert!(moment("next_try") > moment("failed"), "{place}");
    assert!(place["answered"].is_null(), "{place}");

    let (_, page) = world.admin("/metrics").await;
    let line = |name: &str| format!(r#"{name}{{carrier="silent",transport="udp",address="{at}"}}"#);
    assert!(page.contains(&format!("{} 0\n", line("trunkline_sip_peer_up"))), "{page}");
    assert!(page.contains(&line("trunkline_sip_peer_failures")), "{page}");
    assert!(
        page.contains(r#"trunkline_sip_retransmissions_total{what="request_sent"} "#),
        "{page}"
    );
}

#[tokio::test]
async fn an_options_that_is_answered_becomes_the_connectors_health() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let us = socket.local_addr().unwrap();
    let options = format!(
        "OPTIONS sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKhealth;rport\r\n\
         From: <sip:pbx@{us}>;tag=1\r\nTo: <sip:{host}>\r\nCall-ID: health@test\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        host = connector.host
    );
    socket.send_to(options.as_bytes(), world.running.addresses().sip_udp).await.unwrap();
    let mut answer = [0; 2048];
    let (length, _) = socket.recv_from(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 200 "), "{:?}", &answer[..40]);

    let told = eventually("the connector's health", async || {
        let request = chime_client::types::GetVoiceConnectorTerminationHealthRequest {
            voice_connector_id: connector.id.clone(),
        };
        let told = world.client.get_voice_connector_termination_health(request).await.ok()?;
        told.termination_health?.source
    })
    .await;
    assert_eq!(told, "127.0.0.1");
}
