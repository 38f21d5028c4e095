//! Starts, stops, restarts, and what refuses to start.

use std::os::unix::fs::PermissionsExt;

use agent::{Cause, Event};
use server::{Server, StartError};
use sip_message::Status;

use crate::world::{Dial, ECHO, World, configuration, eventually, get};

#[tokio::test]
async fn the_first_start_makes_a_private_directory_and_a_key_that_the_next_start_keeps() {
    let world = World::start().await;
    let file = world.running.config().storage.credentials_file();
    let first = std::fs::read_to_string(&file).unwrap();
    for line in [
        "[trunkline]\n",
        "\naws_access_key_id = AKIA",
        "\naws_secret_access_key = ",
        "\nregion = us-east-1\n",
    ] {
        assert!(first.contains(line), "{line}");
    }
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);

    let world = world.restart().await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), first);
    world.connector().await;
}

#[tokio::test]
async fn what_was_put_admits_calls_after_a_restart() {
    let world = World::start().await;
    let connector = world.connector().await;
    world.put_user(&connector, "pbx", "secret").await;
    let world = world.restart().await;
    let ended = world.dial(&connector, ECHO).user("pbx", "secret").and_wait().await;
    assert_eq!(ended.cause, Cause::HungUp);
}

#[tokio::test]
async fn a_record_survives_the_stop_that_follows_its_call_at_once() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let mut phone = world.dial(&connector, ECHO).for_ever().place();
    phone.until(|event| *event == Event::Answered).await;
    phone.hang_up();
    phone.ended().await;
    let world = world.restart().await;
    assert_eq!(world.record().await["state"], "completed");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let world = World::start().await;
    let refused = Server::start(configuration(world.dir.path(), "")).await.unwrap_err();
    assert!(matches!(refused, StartError::Store(store::StoreError::Locked { .. })), "{refused}");
    assert!(refused.to_string().contains("stop it first"), "{refused}");
}

#[tokio::test]
async fn an_address_in_use_is_refused_by_the_name_of_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for key in ["http.listen", "admin.listen", "sip.listen"] {
        let dir = tempfile::tempdir().unwrap();
        let mut config = configuration(dir.path(), "");
        match key {
            "http.listen" => config.http.listen = address,
            "admin.listen" => config.admin.listen = address,
            _ => config.sip.listen = address,
        }
        let refused = Server::start(config).await.unwrap_err().to_string();
        assert!(refused.contains(key) && refused.contains(&address.to_string()), "{refused}");
    }
}

#[tokio::test]
async fn a_sealing_key_that_was_named_and_is_not_there_is_never_made() {
    let dir = tempfile::tempdir().unwrap();
    let settings = format!("seal.key_file = '{}'", dir.path().join("absent.key").display());
    let refused = Server::start(configuration(dir.path(), &settings)).await.unwrap_err();
    assert!(matches!(refused, StartError::SealKeyMissing { .. }), "{refused}");
}

#[tokio::test]
async fn health_pages_tell_alive_ready_and_the_release() {
    let world = World::start().await;
    assert_eq!(world.admin("/livez").await, (200, "alive\n".into()));
    assert_eq!(world.admin("/readyz").await, (200, "ready\n".into()));
    let (status, version) = world.admin("/version").await;
    assert!(status == 200 && version.contains(server::VERSION));
    assert_eq!(world.admin("/nothing").await.0, 404);
}

#[tokio::test]
async fn a_stopping_server_takes_no_new_calls_and_lets_the_last_one_finish() {
    let world = World::start_with("calls.drain_max_s = 30").await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let mut phone = world.dial(&connector, ECHO).for_ever().place();
    phone.until(|event| *event == Event::Answered).await;
    let addresses = world.running.addresses().clone();
    let World { running, dir: _dir, .. } = world;
    let stopping = tokio::spawn(running.shutdown());
    eventually("the drain", async || {
        (get(addresses.admin, "/readyz").await == (503, "draining\n".into())).then_some(())
    })
    .await;
    let late = Dial::new(&addresses, &connector, ECHO).and_wait().await;
    assert_eq!(late.cause, Cause::Rejected(Status(503)));
    assert!(!stopping.is_finished());
    phone.hang_up();
    assert_eq!(phone.ended().await.cause, Cause::HungUp);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_call_that_outlasts_the_drain_is_hung_up_and_recorded() {
    let world = World::start_with("calls.drain_max_s = 0").await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let mut phone = world.dial(&connector, ECHO).for_ever().place();
    phone.until(|event| *event == Event::Answered).await;
    let world = world.restart().await;
    assert_eq!(phone.ended().await.cause, Cause::PeerHungUp);
    assert_eq!(world.record().await["reason"], "shutdown");
}
