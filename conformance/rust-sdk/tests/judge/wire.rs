//! Errors and retries.

use std::net::SocketAddr;

use aws_sdk_chimesdkvoice::Client;
use aws_sdk_chimesdkvoice::config::Credentials;
use aws_sdk_chimesdkvoice::error::ProvideErrorMetadata as _;
use aws_sdk_chimesdkvoice::operation::RequestId as _;
use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use trunkline_judge_rust::{client, config, variable};

#[tokio::test]
async fn an_error_has_its_type_its_request_id_and_a_message_that_names_the_value() {
    let id = "a".repeat(22);
    let refused = client().get_voice_connector().voice_connector_id(&id).send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 404);
    assert!(refused.request_id().is_some());
    let refused = refused.into_service_error();
    assert!(refused.is_not_found_exception());
    assert_eq!(refused.code(), Some("NotFoundException"));
    let message = refused.message().unwrap();
    assert!(
        message.contains(&format!("Could not find VoiceConnector with Id '{id}'")),
        "{message}"
    );
}

#[tokio::test]
async fn what_the_sdk_does_not_check_the_service_does() {
    let refused = client().create_voice_connector().name("x/!").require_encryption(false);
    let refused = refused.send().await.unwrap_err().into_service_error();
    assert!(refused.is_bad_request_exception());
    assert!(refused.message().unwrap().starts_with("Name "));
}

#[tokio::test]
async fn an_unknown_key_is_an_unauthorized_client() {
    let stranger =
        Credentials::new("AKIAXXXXXXXXXXXXXXXX", "nobody-knows-this", None, None, "test");
    let stranger = Client::from_conf(config().credentials_provider(stranger).build());
    let refused = stranger.list_voice_connectors().send().await.unwrap_err();
    assert!(refused.into_service_error().is_unauthorized_client_exception());
}

/// A relay to the service that closes its first connections before they are answered.
async fn faulty(mut closes: u32) -> SocketAddr {
    let service: SocketAddr = variable("AWS_ENDPOINT_URL_CHIME_SDK_VOICE")
        .trim_start_matches("http://")
        .parse()
        .expect("the endpoint is an address of the loopback");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            if closes > 0 {
                closes -= 1;
                let _ = caller.read(&mut [0; 1]).await;
                continue;
            }
            tokio::spawn(async move {
                let mut called = TcpStream::connect(service).await.unwrap();
                let _ = copy_bidirectional(&mut caller, &mut called).await;
            });
        }
    });
    here
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let relay = faulty(2).await;
    let through = Client::from_conf(config().endpoint_url(format!("http://{relay}")).build());
    let made = through.create_voice_connector().name("after all").require_encryption(false);
    assert!(made.send().await.unwrap().voice_connector.is_some());
}

#[tokio::test]
#[ignore = "test_rust_sdk.py runs it while the store is away"]
async fn a_store_that_is_away_is_asked_again_until_it_is_back() {
    let made = client().create_voice_connector().name("later").require_encryption(false);
    assert!(made.send().await.unwrap().voice_connector.is_some());
}
