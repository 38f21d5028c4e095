//! The unmodified SDK, pointed at the server under test by the environment.

use std::env;
use std::time::Duration;

use aws_sdk_chimesdkvoice::Client;
use aws_sdk_chimesdkvoice::config::retry::RetryConfig;
use aws_sdk_chimesdkvoice::config::{BehaviorVersion, Builder, Config, Credentials, Region};

/// An id of the right shape that nothing has.
pub const ABSENT: &str = "00000000-0000-4000-8000-000000000000";

/// A variable of the environment that the tests need.
///
/// # Panics
/// When it is not set.
#[must_use]
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set; test_rust_sdk.py sets it"))
}

/// The configuration of a client, to be changed by a test.
#[must_use]
pub fn config() -> Builder {
    let key = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(key.0, key.1, None, None, "environment"))
        .endpoint_url(variable("AWS_ENDPOINT_URL_CHIME_SDK_VOICE"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(10)
                .with_initial_backoff(Duration::from_millis(50)),
        )
}

/// A client as anybody makes it.
#[must_use]
pub fn client() -> Client {
    Client::from_conf(config().build())
}
