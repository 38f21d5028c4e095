//! The client against a real HTTP server on loopback: what goes on the wire, what is repeated, and
//! what comes back as which error.

mod server;

use std::time::Duration;

use chime_client::errors::{
    CreateVoiceConnectorError, GetVoiceConnectorError, PutVoiceConnectorTerminationCredentialsError,
};
use chime_client::types::{
    CreateVoiceConnectorRequest, Credential, GetPhoneNumberRequest, GetVoiceConnectorRequest,
    ListVoiceConnectorsRequest, NoContent, PutVoiceConnectorTerminationCredentialsRequest,
};
use chime_client::{
    Client, Config, Credentials, Endpoint, Error, ExchangeError, Limits, OperationError, Sensitive,
};
use server::{Reply, Seen, Server};

const ID: &str = "dr3rbaar376u5r4ntcnlq4";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn config(url: &str) -> Config {
    Config {
        endpoint: Endpoint::parse(url, "the test").expect("the test gives a URL"),
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("AKIDEXAMPLE", SECRET, None),
        ca_bundle: None,
        // Retries are immediate, so no test waits.
        limits: Limits { backoff: Duration::ZERO, ..Limits::default() },
    }
}

fn client(server: &Server) -> Client {
    Client::new(config(&server.url())).expect("a plain endpoint needs no certificates")
}

fn get() -> GetVoiceConnectorRequest {
    GetVoiceConnectorRequest { voice_connector_id: ID.to_owned() }
}

fn create() -> CreateVoiceConnectorRequest {
    CreateVoiceConnectorRequest {
        name: "pbx".to_owned(),
        require_encryption: false,
        aws_region: None,
        integration_type: None,
        network_type: None,
        tags: None,
    }
}

fn put(password: &str) -> PutVoiceConnectorTerminationCredentialsRequest {
    PutVoiceConnectorTerminationCredentialsRequest {
        voice_connector_id: ID.to_owned(),
        credentials: Some(vec![Credential {
            username: Some(Sensitive::new("pbx")),
            password: Some(Sensitive::new(password)),
        }]),
    }
}

#[tokio::test]
async fn a_typed_call_is_signed_and_its_answer_is_typed() {
    let body = r#"{"VoiceConnector":{"Name":"pbx","NetworkType":"IPV4_ONLY"}}"#;
    let server = Server::start([Reply::ok(body)]).await;
    let output = client(&server).get_voice_connector(get()).await.unwrap();
    assert_eq!(output.voice_connector.unwrap().name.as_deref(), Some("pbx"));

    let seen = server.seen();
    assert_eq!(seen[0].line(), format!("GET /voice-connectors/{ID}"));
    assert_eq!(seen[0].body, b"");
    assert_eq!(seen[0].header("content-type"), None);
    seen[0].assert_signed("host;x-amz-date", SECRET);
}

#[tokio::test]
async fn the_founding_operation_goes_on_the_wire_as_documented() {
    let server = Server::start([Reply::status(204)]).await;
    let output = client(&server).put_voice_connector_termination_credentials(put("s3cret")).await;
    assert_eq!(output.unwrap(), NoContent {});

    let seen = server.seen();
    assert_eq!(
        seen[0].line(),
        format!("POST /voice-connectors/{ID}/termination/credentials?operation=put")
    );
    assert_eq!(seen[0].body, br#"{"Credentials":[{"Password":"s3cret","Username":"pbx"}]}"#);
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    seen[0].assert_signed("content-type;host;x-amz-date", SECRET);
}

#[tokio::test]
async fn a_phone_number_id_is_encoded_once_on_the_wire_and_twice_in_the_signature() {
    let server = Server::start([Reply::ok("{}")]).await;
    let id = Sensitive::new("%2B12065550100");
    client(&server).get_phone_number(GetPhoneNumberRequest { phone_number_id: id }).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].line(), "GET /phone-numbers/%252B12065550100");
    seen[0].assert_signed("host;x-amz-date", SECRET);
}

#[tokio::test]
async fn a_query_is_encoded_and_signed() {
    let server = Server::start([Reply::ok(r#"{"VoiceConnectors":[],"NextToken":null}"#)]).await;
    let input =
        ListVoiceConnectorsRequest { max_results: Some(7), next_token: Some("a b+/=".to_owned()) };
    let output = client(&server).list_voice_connectors(input).await.unwrap();
    assert_eq!(output.next_token, None);
    let seen = server.seen();
    assert_eq!(seen[0].line(), "GET /voice-connectors?max-results=7&next-token=a%20b%2B%2F%3D");
    seen[0].assert_signed("host;x-amz-date", SECRET);
}

#[tokio::test]
async fn each_declared_exception_is_a_variant() {
    let server = Server::start([
        Reply::error(404, "NotFoundException", r#"{"Code":"NotFound","Message":"gone fishing"}"#),
        Reply::error(418, "TeapotException", r#"{"message":"short and stout"}"#),
    ])
    .await;
    let client = client(&server);
    match client.get_voice_connector(get()).await {
        Err(Error::Service(GetVoiceConnectorError::NotFoundException(failure))) => {
            assert_eq!((failure.status, failure.message.as_str()), (404, "gone fishing"));
            assert_eq!(failure.request_id.as_deref(), Some("request-1"));
        }
        other => panic!("{other:?}"),
    }
    match client.get_voice_connector(get()).await {
        Err(Error::Service(error @ GetVoiceConnectorError::Unhandled(_))) => {
            assert_eq!(
                error.to_string(),
                "TeapotException (418): short and stout (request id request-2)"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_passing_failure_is_repeated_and_each_attempt_is_signed() {
    let server = Server::start([
        Reply::error(429, "ThrottledClientException", "{}"),
        Reply::error(503, "ServiceUnavailableException", "{}"),
        Reply::ok("{}"),
    ])
    .await;
    client(&server).get_voice_connector(get()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    seen.iter().for_each(|it| it.assert_signed("host;x-amz-date", SECRET));
}

#[tokio::test]
async fn attempts_end_and_the_last_answer_is_the_error() {
    let server = Server::start([
        Reply::error(503, "ServiceUnavailableException", "{}"),
        Reply::error(503, "ServiceUnavailableException", "{}"),
        Reply::error(503, "ServiceUnavailableException", r#"{"Message":"third"}"#),
        Reply::ok("{}"),
    ])
    .await;
    match client(&server).put_voice_connector_termination_credentials(put("x")).await {
        Err(Error::Service(error)) => {
            assert!(matches!(
                error,
                PutVoiceConnectorTerminationCredentialsError::ServiceUnavailableException(_)
            ));
            assert_eq!(error.failure().message, "third");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn what_makes_something_new_is_not_repeated() {
    let server = Server::start([
        Reply::error(500, "ServiceFailureException", r#"{"Message":"oops"}"#),
        Reply::ok("{}"),
    ])
    .await;
    match client(&server).create_voice_connector(create()).await {
        Err(Error::Service(CreateVoiceConnectorError::ServiceFailureException(_))) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn connections_are_kept() {
    let server = Server::start([Reply::ok("{}"), Reply::ok("{}"), Reply::ok("{}")]).await;
    let client = client(&server);
    for _ in 0..3 {
        client.get_voice_connector(get()).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_told_and_repeated_where_harmless() {
    let server = Server::start([Reply::Hangup, Reply::ok("{}"), Reply::Hangup]).await;
    let client = client(&server);
    client.get_voice_connector(get()).await.unwrap();
    match client.create_voice_connector(create()).await {
        Err(Error::Exchange(ExchangeError::Broken { endpoint, .. })) => {
            assert_eq!(endpoint, server.url());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nobody_there_is_told_with_the_endpoint() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(config(&url)).unwrap();
    let error = client.get_voice_connector(get()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot connect to {url}: is it running, and is the endpoint right?")
    );
}

#[tokio::test]
async fn silence_ends_with_the_attempts_time() {
    let server = Server::start([Reply::ok("{}"), Reply::Silence]).await;
    let mut config = config(&server.url());
    config.limits.attempts_max = 1;
    let client = Client::new(config).unwrap();
    client.get_voice_connector(get()).await.unwrap();
    // From here on time passes when everybody waits, and the connection is there already.
    tokio::time::pause();
    match client.get_voice_connector(get()).await {
        Err(Error::Exchange(ExchangeError::TimedOut { after, .. })) => {
            assert_eq!(after, Duration::from_secs(60));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_unreadable_without_repeating_it() {
    let server = Server::start([Reply::ok(r#"{"VoiceConnector":"hunter2"}"#)]).await;
    let error = client(&server).get_voice_connector(get()).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }));
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_operation_is_called_by_name_with_plain_json() {
    let server = Server::start([Reply::ok(r#"{"Termination":{"CpsLimit":1}}"#)]).await;
    let json = format!(r#"{{"VoiceConnectorId":"{ID}"}}"#);
    let client = client(&server);
    let answer = client.call_raw("get-voice-connector-termination", json.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(&answer.body[..], br#"{"Termination":{"CpsLimit":1}}"#);
    assert_eq!(answer.request_id.as_deref(), Some("request-1"));

    assert!(matches!(
        client.call_raw("NoSuchOperation", b"{}").await,
        Err(Error::UnknownOperation(_))
    ));
    let error = client.call_raw("GetVoiceConnector", b"{}").await.unwrap_err();
    assert_eq!(error.to_string(), "VoiceConnectorId is required and absent; name it in the path.");
    assert_eq!(server.seen().len(), 1, "nothing more was sent");
}

#[tokio::test]
async fn any_request_can_be_sent_signed() {
    let server = Server::start([
        Reply::ok("[]"),
        Reply::error(503, "ServiceUnavailableException", r#"{"Message":"later"}"#),
    ])
    .await;
    let client = client(&server);
    let body = br#"{"Name":"carrier"}"#.to_vec();
    let answer = client
        .request(http::Method::PUT, "/operator/carriers/x", "verbose=1", Some(body.into()))
        .await
        .unwrap();
    assert_eq!(&answer.body[..], b"[]");
    let error = client.request(http::Method::POST, "/operator/calls", "", None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ServiceUnavailableException (503): later (request id request-2)"
    );

    let seen = server.seen();
    assert_eq!(seen.len(), 2, "a POST of unknown effect is not repeated");
    assert_eq!(seen[0].line(), "PUT /operator/carriers/x?verbose=1");
    seen[0].assert_signed("content-type;host;x-amz-date", SECRET);
    seen[1].assert_signed("host;x-amz-date", SECRET);
}

#[tokio::test]
async fn a_base_path_and_a_session_token_are_used() {
    let server = Server::start([Reply::ok("{}")]).await;
    let mut config = config(&format!("{}/base/", server.url()));
    config.credentials = Credentials::new("AKIDEXAMPLE", SECRET, Some("token".to_owned()));
    Client::new(config).unwrap().get_voice_connector(get()).await.unwrap();
    let seen: Vec<Seen> = server.seen();
    assert_eq!(seen[0].line(), format!("GET /base/voice-connectors/{ID}"));
    seen[0].assert_signed("host;x-amz-date;x-amz-security-token", SECRET);
}

#[tokio::test]
async fn no_secret_is_printed() {
    let server = Server::start([]).await;
    let client = client(&server);
    let printed = format!("{client:?} {:?}", put("hunter2"));
    assert!(!printed.contains(SECRET) && !printed.contains("hunter2"), "{printed}");
}

#[tokio::test]
async fn an_https_endpoint_needs_a_readable_bundle() {
    let mut config = config("https://127.0.0.1:1");
    config.ca_bundle = Some("no-such-bundle.pem".into());
    let error = Client::new(config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the certificates of no-such-bundle.pem; AWS_CA_BUNDLE or ca_bundle names it"
    );
}
