//! What the configuration promises, each as a sentence.

use std::time::Duration;

use super::*;

fn refused(text: &str) -> String {
    Config::load(Sources::text(text)).expect_err(text).to_string()
}

fn with_variables(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    Config::load(Sources { variables, ..Sources::default() })
}

#[test]
fn nothing_set_is_a_working_configuration_on_loopback() {
    let config = Config::load(Sources::default()).unwrap();
    assert_eq!(config.http.listen, "127.0.0.1:8060".parse().unwrap());
    assert_eq!(config.admin.listen, "127.0.0.1:8061".parse().unwrap());
    assert_eq!(config.sip.listen, "127.0.0.1:5060".parse().unwrap());
    assert_eq!(config.sip.domain, "voiceconnector.localhost");
    assert_eq!(config.sip.digest_algorithms, [DigestAlgorithm::Md5, DigestAlgorithm::Sha256]);
    assert_eq!(config.media.ports, Some(20000..=29999));
    assert_eq!(config.calls.caller_id, CallerId::Inventory);
    assert_eq!(config.carriers.simulated, Simulated::WhileAlone);
    assert_eq!(config.storage.database, PathBuf::from("./trunkline-data/trunkline.db"));
}

#[test]
fn session_timers_are_switched_off_by_zero_and_never_below_their_least() {
    let session = |text: &str| Config::load(Sources::text(text)).unwrap().calls.session;
    assert_eq!(session("").map(|it| (it.interval, it.min)), Some((1800, 90)));
    assert_eq!(session("calls.session_expires_s = 0"), None);
    assert!(refused("calls.session_expires_s = 60").contains("at least calls.session_min_s"));
    assert!(refused("calls.session_min_s = 30").contains("it must be from 90 to 86400"));
}

#[test]
fn headers_that_cross_are_named_in_whole_or_by_their_beginning() {
    let config = Config::load(Sources::text("calls.headers_pass = ['X-A*', 'History-Info']"));
    let headers = config.unwrap().calls.headers;
    assert_eq!(
        (headers.prefixes, headers.names),
        (vec!["X-A".into()], vec!["History-Info".into()])
    );
    let defaults = Config::load(Sources::default()).unwrap().calls.headers;
    assert_eq!(defaults, call::HeaderPolicy::default());
    assert!(refused("calls.headers_pass = ['Contact']").contains("never crosses"));
    assert!(refused("calls.headers_pass = ['a b']").contains("is no header name"));
}

#[test]
fn every_key_has_a_path_and_a_variable_of_its_own() {
    let mut paths: Vec<_> = Config::keys().map(|key| key.path).collect();
    paths.sort_unstable();
    let count = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), count);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one() {
    let message =
        refused("data_dir = '/tmp/x'\n\n[http]\nlisten = '127.0.0.1:1'\nlisten_on = 'x'\n");
    assert_eq!(
        message,
        "trunkline.toml:5: there is no key \"http.listen_on\"; did you mean \"http.listen\"?"
    );
}

#[test]
fn an_unknown_section_is_refused_once_with_the_nearest_known_one() {
    let message = refused("[medai]\naddress = '127.0.0.1'\nport_min = 1\n");
    assert_eq!(message, "trunkline.toml:1: there is no key \"medai\"; did you mean \"media\"?");
}

#[test]
fn a_key_like_no_other_is_refused_with_the_way_to_list_them() {
    assert!(refused("colour = 'red'").ends_with("`trunkline config print` lists every key"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let message = refused("http.lisen = 'x'\nsip.domian = 'y'\n");
    assert_eq!(message.lines().count(), 2, "{message}");
    let message = refused("http.listen = 'x'\nmedia.address = 'y'\n");
    assert_eq!(message.lines().count(), 2, "{message}");
}

#[test]
fn a_value_of_another_shape_is_refused_with_the_shape_it_wants() {
    assert_eq!(
        refused("sip.t1_ms = '500'"),
        "trunkline.toml:1: sip.t1_ms wants a whole number, got text"
    );
    assert!(refused("sip.digest_algorithms = 'MD5'").contains("wants a list of texts"));
    assert!(refused("http = 3").contains("there is no key \"http\""));
    assert!(refused("data_dir.x = 3").contains("data_dir wants text in quotes, got a table"));
}

#[test]
fn a_value_out_of_range_is_refused_with_the_range() {
    assert_eq!(
        refused("sip.t1_ms = 5"),
        "trunkline.toml:1: sip.t1_ms = 5 is refused: it must be from 10 to 5000"
    );
    assert!(refused("media.port_min = 70000").contains("from 0 to 65534"));
    assert!(refused("media.port_min = 30000").contains("must be at least 30003"));
}

#[test]
fn what_is_not_toml_is_refused_with_its_line() {
    assert!(refused("a = 1\nb = [\n").starts_with("trunkline.toml:"), "{}", refused("a = ["));
}

#[test]
fn a_variable_sets_any_key_and_wins_over_the_file() {
    let config = Config::load(Sources {
        variables: vec![
            ("TRUNKLINE_HTTP__LISTEN".into(), "127.0.0.1:2".into()),
            ("TRUNKLINE_CARRIERS__SIMULATED".into(), "true".into()),
            ("TRUNKLINE_SIP__DIGEST_ALGORITHMS".into(), "SHA-256, MD5".into()),
            ("TRUNKLINE_SIP__T1_MS".into(), "100".into()),
            ("PATH".into(), "/bin".into()),
        ],
        ..Sources::text("http.listen = '127.0.0.1:1'")
    })
    .unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.carriers.simulated, Simulated::On);
    assert_eq!(config.sip.digest_algorithms, [DigestAlgorithm::Sha256, DigestAlgorithm::Md5]);
    assert_eq!(config.sip.t1.as_millis(), 100);
}

#[test]
fn a_list_in_a_variable_is_written_as_in_the_file_or_with_commas() {
    for text in ["[\"SHA-512-256\", \"SHA-256\"]", "SHA-512-256,SHA-256", " SHA-512-256 , SHA-256 "]
    {
        let config = with_variables(&[("TRUNKLINE_SIP__DIGEST_ALGORITHMS", text)]).unwrap();
        let chosen = [DigestAlgorithm::Sha512_256, DigestAlgorithm::Sha256];
        assert_eq!(config.sip.digest_algorithms, chosen, "{text}");
    }
    assert!(with_variables(&[("TRUNKLINE_SIP__DIGEST_ALGORITHMS", "[1]")]).is_err());
}

#[test]
fn a_flag_wins_over_a_variable() {
    let config = Config::load(Sources {
        variables: vec![("TRUNKLINE_DATA_DIR".into(), "/tmp/a".into())],
        data_dir: Some("/tmp/b".into()),
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(config.storage.data_dir, PathBuf::from("/tmp/b"));
    assert_eq!(config.storage.credentials_file(), PathBuf::from("/tmp/b/credentials"));
}

#[test]
fn a_mistyped_variable_is_refused_and_a_platforms_variable_is_left_alone() {
    let message = with_variables(&[("TRUNKLINE_HTTP__LISEN", "x")]).unwrap_err().to_string();
    assert_eq!(
        message,
        "TRUNKLINE_HTTP__LISEN: there is no key \"http.lisen\"; did you mean \"http.listen\"?"
    );
    assert!(with_variables(&[("TRUNKLINE_HTTP_LISTEN", "x")]).is_err());
    assert!(with_variables(&[("TRUNKLINE_SERVICE_HOST", "10.0.0.1")]).is_ok());
}

#[test]
fn every_value_remembers_where_it_came_from() {
    let config = Config::load(Sources {
        variables: vec![("TRUNKLINE_LOG__LEVEL".into(), "debug".into())],
        data_dir: Some("/tmp/b".into()),
        ..Sources::text("\n[sip]\nt1_ms = 250\n")
    })
    .unwrap();
    let origin = |path| config.settings.get(path).origin.to_string();
    assert_eq!(origin("http.listen"), "default");
    assert_eq!(origin("sip.t1_ms"), "trunkline.toml:3");
    assert_eq!(origin("log.level"), "TRUNKLINE_LOG__LEVEL");
    assert_eq!(origin("data_dir"), "--data-dir");
}

#[test]
fn plaintext_where_other_machines_reach_it_must_be_asked_for() {
    assert!(refused("http.listen = '0.0.0.0:8060'").contains("http.allow_plaintext = true"));
    let config =
        Config::load(Sources::text("[http]\nlisten = '0.0.0.0:8060'\nallow_plaintext = true"));
    assert!(config.is_ok());
}

#[test]
fn with_a_certificate_and_its_key_the_api_may_listen_where_other_machines_reach_it() {
    let text = "[http]\nlisten = '0.0.0.0:8060'\ntls.cert = 'cert.pem'\ntls.key = 'key.pem'";
    let config = Config::load(Sources::text(text)).unwrap();
    let files = TlsFiles { cert: "cert.pem".into(), key: "key.pem".into() };
    assert_eq!(config.http.tls, Some(files));
}

#[test]
fn a_certificate_without_its_key_is_refused_and_so_is_a_key_without_its_certificate() {
    assert_eq!(
        refused("http.tls.cert = '/etc/cert.pem'"),
        "trunkline.toml:1: http.tls.cert = \"/etc/cert.pem\" is refused: a certificate is of no \
         use without its private key; set http.tls.key too"
    );
    assert!(refused("http.tls.key = '/etc/key.pem'").contains("set http.tls.cert too"));
    assert!(refused("http.tls.cert = ''\nhttp.tls.key = 'k'").contains("must not be empty"));
}

#[test]
fn a_file_of_tls_that_cannot_be_served_is_refused_under_its_key_and_line() {
    let text = "http.tls.cert = '/nonexistent/cert.pem'\nhttp.tls.key = '/nonexistent/key.pem'";
    let config = Config::load(Sources::text(text)).unwrap();
    let message = config.http_identity().unwrap_err().to_string();
    let begin =
        "trunkline.toml:1: http.tls.cert = \"/nonexistent/cert.pem\" is refused: it cannot be read";
    assert!(message.starts_with(begin) && message.contains("correct the path"), "{message}");
    assert!(Config::load(Sources::default()).unwrap().http_identity().unwrap().is_none());
}

#[test]
fn an_address_that_stands_for_every_address_needs_one_to_advertise() {
    assert!(refused("sip.listen = '0.0.0.0:5060'").contains("sip.advertised_address"));
    assert!(refused("media.address = '0.0.0.0'").contains("media.advertised_address"));
    let text = "[media]\naddress = '0.0.0.0'\nadvertised_address = '192.0.2.1'\n";
    let config = Config::load(Sources::text(text)).unwrap();
    assert_eq!(config.media.advertised_address.to_string(), "192.0.2.1");
}

#[test]
fn what_a_later_release_brings_is_refused_clearly() {
    let message = refused("database.url = 'postgres://user:hunter2@db/trunkline'");
    assert!(message.contains("is not available yet"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn sip_over_tls_is_spoken_beside_plain_sip_unless_told_otherwise() {
    let listen = |text: &str| {
        let config = Config::load(Sources::text(text)).unwrap();
        config.sip.tls.listen.map(|it| it.to_string())
    };
    assert_eq!(listen("").as_deref(), Some("127.0.0.1:5061"));
    assert_eq!(listen("sip.listen = '127.0.0.1:5080'").as_deref(), Some("127.0.0.1:5081"));
    assert_eq!(listen("sip.listen = '[::1]:0'").as_deref(), Some("[::1]:0"));
    assert_eq!(listen("sip.tls.listen = '127.0.0.2:7000'").as_deref(), Some("127.0.0.2:7000"));
    assert_eq!(listen("sip.tls.listen = 'off'"), None);
    assert!(refused("sip.listen = '127.0.0.1:65535'").contains("sip.tls.listen"));
}

#[test]
fn certificates_of_peers_are_judged_by_somebody_or_not_at_all() {
    let key = "sip.tls.client_certificates";
    for text in [format!("{key} = 'required'"), format!("{key} = 'accepted'")] {
        assert!(refused(&text).contains("sip.tls.client_ca"));
    }
    assert!(refused("sip.tls.client_ca = 'ca.pem'").contains("no use while"));
    assert!(refused(&format!("{key} = 'wanted'")).contains("choose"));
    let text = format!("{key} = 'required'\nsip.tls.client_ca = 'ca.pem'");
    let config = Config::load(Sources::text(&text)).unwrap();
    let required = ClientCertificates::Required("ca.pem".into());
    assert_eq!(config.sip.tls.client_certificates, required);
}

#[test]
fn digest_algorithms_are_each_named_once_and_at_least_one() {
    assert!(refused("sip.digest_algorithms = []").contains("at least one"));
    assert!(refused("sip.digest_algorithms = ['MD5', 'md5']").contains("twice"));
    assert!(refused("sip.digest_algorithms = ['SHA-1']").contains("there is no \"SHA-1\""));
}

#[test]
fn a_choice_mistyped_is_refused_with_the_choices() {
    assert!(refused("log.level = 'inof'").contains("did you mean info?"));
    assert!(refused("calls.caller_id = 'all'").contains("inventory, any"));
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let file = FileSource::Path("/nonexistent/trunkline.toml".into());
    let message = Config::load(Sources { file, ..Sources::default() }).unwrap_err().to_string();
    assert!(message.contains("cannot read /nonexistent/trunkline.toml"), "{message}");
}

#[test]
fn addresses_are_advertised_by_network() {
    let text = "sip.advertised = ['10.0.0.0/8=10.0.0.5', '::/0 = 2001:db8::5']";
    let config = Config::load(Sources::text(text)).unwrap();
    let told: Vec<String> =
        config.sip.advertised.iter().map(|it| format!("{} {}", it.toward, it.address)).collect();
    assert_eq!(told, ["10.0.0.0/8 10.0.0.5", "::/0 2001:db8::5"]);
    for wrong in ["10.0.0.5", "10.0.0.0/8=0.0.0.0", "10.0.0.0/8=x", "=10.0.0.5"] {
        assert!(refused(&format!("sip.advertised = ['{wrong}']")).contains("NETWORK=ADDRESS"));
    }
}

#[test]
fn media_is_advertised_by_network_in_families_that_its_sockets_take() {
    let text = "media.address = '::'\nmedia.advertised_address = '192.0.2.1'\n\
                media.advertised = ['::/0=2001:db8::5']";
    let config = Config::load(Sources::text(text)).unwrap();
    assert_eq!(config.media.advertised[0].address.to_string(), "2001:db8::5");
    let refused = refused("media.advertised = ['::/0=2001:db8::5']");
    assert!(
        refused.contains("127.0.0.1 takes IPv4 alone") && refused.contains("\"::\""),
        "{refused}"
    );
}

#[test]
fn limits_on_media_are_keys_with_ranges() {
    let media = Config::load(Sources::text("")).unwrap().media;
    assert_eq!(media.gather, Duration::from_micros(400));
    let defaults = ::media::RelayConfig::new(::media::PortRange::parse(20_000, 20_003).unwrap());
    assert_eq!(media.packets_per_second_max, defaults.packets_per_second_max);
    assert_eq!(media.unheard, defaults.unverified);
    assert_eq!(Some(media.first_packet_max), defaults.first_packet_timeout);
    assert_eq!(media.one_way_after, defaults.one_way_after);

    let text = "media.one_way_after_s = 0\nmedia.packets_per_second_max = 600\n";
    let media = Config::load(Sources::text(text)).unwrap().media;
    assert_eq!((media.one_way_after, media.packets_per_second_max.get()), (None, 600));
    assert!(refused("media.gather_us = 20000").contains("from 0 to 1000"));
    assert!(refused("media.packets_per_second_max = 5").contains("from 25 to 10000"));
    assert!(refused("media.unheard_max_s = 0").contains("from 1 to 3600"));
}
