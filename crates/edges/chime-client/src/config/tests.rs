//! The tables of this module's documentation, row by row.

use super::*;
use zeroize::Zeroizing;

const KEYS: &[(&str, &str)] =
    &[("AWS_ACCESS_KEY_ID", "AKENV"), ("AWS_SECRET_ACCESS_KEY", "env-secret")];

/// Sources with these variables and file texts.
fn sources(environment: &[(&str, &str)], config: &str, credentials: &str) -> Sources {
    let file = |path: &str, text: &str| SourceFile {
        path: path.into(),
        text: (!text.is_empty()).then(|| Zeroizing::new(text.to_owned())),
    };
    let environment = environment.iter().copied();
    Sources::new(
        environment,
        file("~/.aws/config", config),
        file("~/.aws/credentials", credentials),
    )
}

fn resolve(environment: &[(&str, &str)], config: &str) -> Result<Config, ConfigError> {
    let environment: Vec<_> = KEYS.iter().chain(environment).copied().collect();
    Config::resolve(&sources(&environment, config, ""), &Overrides::default())
}

fn endpoint(environment: &[(&str, &str)], config: &str) -> String {
    resolve(environment, config).unwrap().endpoint.to_string()
}

const PROFILE: &str = "[default]\nregion = eu-west-1\nservices = tl\nendpoint_url = http://profile\n\
    [services tl]\nchime_sdk_voice =\n  endpoint_url = http://services\n";

#[test]
fn the_endpoint_of_the_service_beats_the_endpoint_of_all() {
    let service = ("AWS_ENDPOINT_URL_CHIME_SDK_VOICE", "http://service");
    let all = ("AWS_ENDPOINT_URL", "http://all");
    assert_eq!(endpoint(&[all, service], PROFILE), "http://service");
    assert_eq!(endpoint(&[all], PROFILE), "http://all");
    assert_eq!(endpoint(&[], PROFILE), "http://services");
    assert_eq!(endpoint(&[], "[default]\nendpoint_url = http://profile\n"), "http://profile");
}

#[test]
fn a_services_section_without_this_service_says_nothing() {
    let config = "[default]\nservices = tl\nendpoint_url = http://profile\n\
        [services tl]\ns3 =\n  endpoint_url = http://s3\n";
    assert_eq!(endpoint(&[], config), "http://profile");
}

#[test]
fn configured_endpoints_can_be_ignored_but_the_command_line_cannot() {
    let environment = [
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("AWS_ENDPOINT_URL_CHIME_SDK_VOICE", "http://service"),
    ];
    assert_eq!(endpoint(&environment, PROFILE), "https://voice-chime.eu-west-1.amazonaws.com");
    let config = format!("{PROFILE}[profile x]\n");
    let config = config.replace("region", "ignore_configured_endpoint_urls = TRUE\nregion");
    assert_eq!(endpoint(&[], &config), "https://voice-chime.eu-west-1.amazonaws.com");

    let overrides =
        Overrides { endpoint_url: Some("http://line:1/".to_owned()), ..Overrides::default() };
    let environment: Vec<_> = KEYS.iter().chain(&environment).copied().collect();
    let config = Config::resolve(&sources(&environment, PROFILE, ""), &overrides).unwrap();
    assert_eq!(config.endpoint.to_string(), "http://line:1");
}

#[test]
fn the_callers_default_stands_in_for_amazons_endpoint_and_for_no_other() {
    let overrides = Overrides {
        endpoint_url_default: Some("http://127.0.0.1:8060".to_owned()),
        ..Overrides::default()
    };
    let endpoint = |environment: &[(&str, &str)]| {
        let environment: Vec<_> = KEYS.iter().chain(environment).copied().collect();
        let found = Config::resolve(&sources(&environment, "", ""), &overrides).unwrap();
        (found.endpoint.to_string(), found.region)
    };
    assert_eq!(endpoint(&[]), ("http://127.0.0.1:8060".into(), "us-east-1".into()));
    assert_eq!(endpoint(&[("AWS_ENDPOINT_URL", "http://other:1")]).0, "http://other:1");
}

#[test]
fn without_an_endpoint_amazons_is_called() {
    let region = ("AWS_REGION", "us-west-2");
    assert_eq!(endpoint(&[region], ""), "https://voice-chime.us-west-2.amazonaws.com");
    assert_eq!(
        endpoint(&[region, ("AWS_USE_FIPS_ENDPOINT", "true")], ""),
        "https://voice-chime-fips.us-west-2.amazonaws.com"
    );
    assert_eq!(
        endpoint(&[region], "[default]\nuse_dualstack_endpoint = true\n"),
        "https://voice-chime.us-west-2.api.aws"
    );
}

#[test]
fn the_region_is_taken_from_the_nearest_source() {
    let region = |environment: &[(&str, &str)], config: &str| {
        resolve(environment, config).map(|it| it.region).map_err(|it| it.to_string())
    };
    let both = [("AWS_DEFAULT_REGION", "ca-central-1"), ("AWS_REGION", "eu-west-2")];
    assert_eq!(region(&both, PROFILE).unwrap(), "eu-west-2");
    assert_eq!(region(&both[..1], PROFILE).unwrap(), "ca-central-1");
    assert_eq!(region(&[], PROFILE).unwrap(), "eu-west-1");
    assert_eq!(region(&[("AWS_ENDPOINT_URL", "http://x")], "").unwrap(), "us-east-1");
    assert_eq!(
        region(&[], "").unwrap_err(),
        "no region: set AWS_REGION, or region in the profile \"default\", or an endpoint"
    );
    assert!(region(&[("AWS_REGION", "us-east-1/evil")], "").unwrap_err().contains("is no region"));
}

const FILES: (&str, &str) = (
    "[profile work]\nregion = eu-west-1\naws_access_key_id = AKCONFIG\naws_secret_access_key = c\n\
     [profile bare]\nregion = eu-west-1\n",
    "[work]\naws_access_key_id = AKFILE\naws_secret_access_key = file-secret\n\
     aws_session_token = file-token\n[trunkline]\naws_access_key_id = AKTL\n\
     aws_secret_access_key = t\nregion = us-east-1\nendpoint_url = http://127.0.0.1:8060\n",
);

fn with_profile(
    environment: &[(&str, &str)],
    profile: Option<&str>,
) -> Result<Config, ConfigError> {
    let overrides = Overrides { profile: profile.map(str::to_owned), ..Overrides::default() };
    Config::resolve(&sources(environment, FILES.0, FILES.1), &overrides)
}

#[test]
fn the_environments_keys_beat_a_profile_of_the_environment_but_not_of_the_command_line() {
    let environment = [KEYS[0], KEYS[1], ("AWS_PROFILE", "work"), ("AWS_SESSION_TOKEN", "t")];
    let by_environment = with_profile(&environment, None).unwrap();
    assert_eq!(by_environment.credentials.access_key_id(), "AKENV");
    assert_eq!(by_environment.credentials.session_token(), Some("t"));
    assert_eq!(by_environment.region, "eu-west-1", "the profile still says the rest");

    let by_line = with_profile(&environment, Some("work")).unwrap();
    assert_eq!(by_line.credentials.access_key_id(), "AKFILE");
    assert_eq!(by_line.credentials.secret_access_key(), "file-secret");
    assert_eq!(by_line.credentials.session_token(), Some("file-token"));
}

#[test]
fn a_profile_of_the_credentials_file_alone_suffices() {
    let config = with_profile(&[("AWS_PROFILE", "trunkline")], None).unwrap();
    assert_eq!(config.endpoint.to_string(), "http://127.0.0.1:8060");
    assert_eq!(config.credentials.access_key_id(), "AKTL");
}

#[test]
fn the_config_files_keys_are_the_last_resort() {
    let sources = sources(&[("AWS_PROFILE", "work")], FILES.0, "");
    let config = Config::resolve(&sources, &Overrides::default()).unwrap();
    assert_eq!(config.credentials.access_key_id(), "AKCONFIG");
}

#[test]
fn what_is_missing_is_named() {
    let message = |environment: &[(&str, &str)], profile| {
        with_profile(environment, profile).unwrap_err().to_string()
    };
    assert_eq!(
        message(&[], Some("wrok")),
        "the profile \"wrok\" is in neither ~/.aws/config nor ~/.aws/credentials; \
         check AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE"
    );
    assert!(message(&[], Some("bare")).starts_with("no credentials: set AWS_ACCESS_KEY_ID"));
    assert_eq!(
        message(&[("AWS_ACCESS_KEY_ID", "AK"), ("AWS_REGION", "us-east-1")], None),
        "the environment has one of access key id and secret access key; set both"
    );
    assert_eq!(
        resolve(&[], "[default]\nservices = gone\n").unwrap_err().to_string(),
        "the profile \"default\" says services = gone, and there is no [services gone]"
    );
    assert_eq!(
        resolve(&[], "nonsense\n").unwrap_err().to_string(),
        "~/.aws/config line 1: a setting stands before any [section]"
    );
}

#[test]
fn ways_to_credentials_that_are_not_spoken_are_named_with_the_way_out() {
    let config = "[default]\nregion = us-east-1\nrole_arn = arn:aws:iam::000000000000:role/x\n";
    let error = Config::resolve(&sources(&[], config, ""), &Overrides::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the profile \"default\" uses role_arn, which this client does not speak; run \
         `eval \"$(aws configure export-credentials --profile default --format env)\"` first"
    );
}

#[test]
fn an_endpoint_is_http_or_https_of_a_host() {
    let of = |url: &str| Endpoint::parse(url, "here").map(|it| it.url("/tags", "arn=x"));
    assert_eq!(of("http://127.0.0.1:8060").unwrap(), "http://127.0.0.1:8060/tags?arn=x");
    assert_eq!(of(" https://[::1]:8060/base/ ").unwrap(), "https://[::1]:8060/base/tags?arn=x");
    for (url, reason) in [
        ("localhost:8060", "does not begin with http"),
        ("ftp://x", "does not begin with http"),
        ("http://user:pass@host", "user or password"),
        ("http://host/?a=b", "query"),
        ("", "no URL"),
    ] {
        let message = of(url).unwrap_err().to_string();
        assert!(message.contains(reason), "{url}: {message}");
    }
}

#[test]
fn no_secret_is_printed() {
    let config = with_profile(&[], Some("work")).unwrap();
    let sources = sources(KEYS, FILES.0, FILES.1);
    for printed in [format!("{config:?}"), format!("{sources:?}")] {
        assert!(!printed.contains("secret\"") && !printed.contains("file-"), "{printed}");
        assert!(!printed.contains("env-secret"), "{printed}");
    }
}
