//! A control plane on a free port, a clock that stands still, and a client that signs with
//! aws-sigv4: somebody else's signer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use api::{ApiConfig, Clock, Context, Drained, Encryption, LiveCalls, NoCalls};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use model::{AccessKey, AccessKeyId, AccountId, KeyPolicy, KeyStatus, Secret, UnixMillis};
use serde_json::{Value, json};
use store::{Keyring, Store, StoreConfig, TypedTx as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// 2026-11-23T10:11:12.345Z.
pub(crate) const START: UnixMillis = UnixMillis(1_795_428_672_345);

/// A clock that moves when it is told to.
pub(crate) struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// A running control plane.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) context: Arc<Context>,
    /// A full key of the operator's account.
    pub(crate) key: Key,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
    _dir: tempfile::TempDir,
}

/// What a request is signed with.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(ApiConfig::default(), Arc::new(NoCalls)).await
    }

    pub(crate) async fn with_config(config: ApiConfig) -> Self {
        Self::with(config, Arc::new(NoCalls)).await
    }

    pub(crate) async fn with(config: ApiConfig, live: Arc<dyn LiveCalls>) -> Self {
        Self::with_encryption(Encryption::Plaintext, config, live).await
    }

    pub(crate) async fn with_encryption(
        encryption: Encryption,
        config: ApiConfig,
        live: Arc<dyn LiveCalls>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keyring = Keyring::load_or_create(&dir.path().join("seal.key")).unwrap();
        let store = Store::open(StoreConfig::new(dir.path().join("test.db"), keyring)).unwrap();
        let clock = Arc::new(HandClock(AtomicU64::new(START.0)));
        let key =
            put_key(&store, "AKIAOPERATOR00000000", AccountId::DEFAULT, KeyPolicy::Full).await;
        let context = Context::open(store.clone(), config, live, clock.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            stopped.await.ok();
        };
        let served = tokio::spawn(api::serve(listener, encryption, Arc::clone(&context), stopped));
        Self { address, store, clock, context, key, stop, served, _dir: dir }
    }

    /// Makes a key of an account, as the operator would.
    pub(crate) async fn key(&self, id: &str, account: &str, policy: KeyPolicy) -> Key {
        put_key(&self.store, id, AccountId::parse(account).unwrap(), policy).await
    }

    /// Stops accepting, lets open requests finish.
    pub(crate) async fn stop(self) -> Drained {
        self.stop.send(()).ok();
        self.served.await.unwrap()
    }

    /// Sends a signed request with the world's own key.
    pub(crate) async fn call(&self, method: &str, target: &str, body: impl ToString) -> Answer {
        self.call_as(&self.key, method, target, body).await
    }

    /// Sends a signed request.
    pub(crate) async fn call_as(
        &self,
        key: &Key,
        method: &str,
        target: &str,
        body: impl ToString,
    ) -> Answer {
        let body = body.to_string();
        self.send(&self.signed(key, method, target, body.as_bytes())).await
    }

    /// A signed request, to be changed before it is sent.
    pub(crate) fn signed(&self, key: &Key, method: &str, target: &str, body: &[u8]) -> Request {
        self.signed_for("chime", "us-east-1", key, method, target, body)
    }

    /// A request signed for any service and region.
    pub(crate) fn signed_for(
        &self,
        service: &str,
        region: &str,
        key: &Key,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> Request {
        let headers = [("content-type", "application/json")];
        self.signed_with(service, region, key, method, target, body, &headers)
    }

    /// A request signed over any headers, the host's added.
    #[expect(clippy::too_many_arguments, reason = "everything that a signature depends on")]
    pub(crate) fn signed_with(
        &self,
        service: &str,
        region: &str,
        key: &Key,
        method: &str,
        target: &str,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Request {
        let host = self.address.to_string();
        let credentials =
            aws_credential_types::Credentials::new(&key.id, &key.secret, None, None, "test");
        let identity = credentials.into();
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(self.clock.now().0);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let url = format!("http://{host}{target}");
        let headers: Vec<(&str, &str)> =
            [("host", host.as_str())].into_iter().chain(headers.iter().copied()).collect();
        let signable =
            SignableRequest::new(method, &url, headers.iter().copied(), SignableBody::Bytes(body))
                .unwrap();
        let (instructions, _signature) = sign(signable, &parameters).unwrap().into_parts();
        let mut all: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        all.extend(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
        Request { method: method.into(), target: target.into(), headers: all, body: body.to_vec() }
    }

    /// Sends a request as it is, on a connection of its own.
    pub(crate) async fn send(&self, request: &Request) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&request.bytes("close")).await.unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        Answer::parse(&received)
    }

    /// Creates a connector and returns its id.
    pub(crate) async fn connector(&self) -> String {
        self.connector_as(&self.key).await
    }

    pub(crate) async fn connector_as(&self, key: &Key) -> String {
        let body = r#"{"Name":"trunk","RequireEncryption":false}"#;
        let answer = self.call_as(key, "POST", "/voice-connectors", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap().to_owned()
    }

    /// Creates a group of connectors and returns its id.
    pub(crate) async fn group(&self, connectors: &[&str]) -> String {
        let items: Vec<Value> =
            connectors.iter().map(|it| json!({"VoiceConnectorId": it, "Priority": 1})).collect();
        let body = json!({"Name": "group", "VoiceConnectorItems": items});
        let made = self.call("POST", "/voice-connector-groups", body).await.expect(201);
        made["VoiceConnectorGroup"]["VoiceConnectorGroupId"].as_str().unwrap().to_owned()
    }

    /// Puts numbers into the inventory, as the operator would; an account that is named owns them.
    pub(crate) async fn numbers(&self, account: &str, numbers: &[&str]) {
        let mut body = json!({"numbers": numbers});
        if !account.is_empty() {
            body["account"] = account.into();
        }
        self.call("POST", "/operator/numbers", body).await.expect(201);
    }

    /// Creates a connector with a termination.
    pub(crate) async fn terminated_connector(&self) -> String {
        let id = self.connector().await;
        let body = r#"{"Termination":{"CallingRegions":["US"]}}"#;
        self.call("PUT", &format!("/voice-connectors/{id}/termination"), body).await.expect(200);
        id
    }
}

async fn put_key(store: &Store, id: &str, account: AccountId, policy: KeyPolicy) -> Key {
    let secret = format!("secret/of/{id}");
    let key = AccessKey {
        id: AccessKeyId::parse(id).unwrap(),
        account,
        name: String::new(),
        secret: Secret::new(secret.clone()),
        status: KeyStatus::Enabled,
        policy,
        created: START,
    };
    store.write(move |tx| tx.put(&key)).await.unwrap();
    Key { id: id.into(), secret }
}

/// A request before it is bytes.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Replaces or removes a header.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) {
        self.headers.retain(|(known, _)| known != name);
        if let Some(value) = value {
            self.headers.push((name.into(), value.into()));
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| known == name).unwrap().1
    }

    pub(crate) fn bytes(&self, connection: &str) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            out.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        let length = self.body.len();
        out.extend(
            format!("content-length: {length}\r\nconnection: {connection}\r\n\r\n").into_bytes(),
        );
        out.extend(&self.body);
        out
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        // A piece of a backup is no text; everything else is looked at closely enough to tell.
        let text = String::from_utf8_lossy(bytes);
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The exception's name, empty on success.
    pub(crate) fn error(&self) -> &str {
        self.header("x-amzn-errortype").unwrap_or_default()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["Message"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts success of a status and returns the body; an empty one is null.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!((self.status, self.error()), (status, ""), "{self:?}");
        assert_eq!(self.header("x-amzn-requestid").map(str::len), Some(36));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Asserts a failure of a status and name, in the usual envelope, and returns its message.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, error: &str) -> String {
        assert_eq!((self.status, self.error()), (status, error), "{self:?}");
        assert_eq!(self.header("x-amzn-requestid").map(str::len), Some(36));
        assert_eq!(self.header("content-type"), Some("application/json"));
        let json = self.json();
        assert!(json["Code"].is_string() && !self.message().is_empty(), "{self:?}");
        self.message()
    }
}
