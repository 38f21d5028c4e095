//! Fixtures, and resources to keep.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Mutex;

use model::{
    AccountId, CallRecord, CallStatus, DigestKeys, Direction, E164Number, PhoneNumber, Secret,
    SipUser, Tags, TransactionId, UnixMillis, Username, VoiceConnectorId,
};
use store::{Committed, Keyring, Observer, Store, StoreConfig};

/// A store in a directory of its own.
pub(crate) struct Fixture {
    store: Option<Store>,
    config: StoreConfig,
    _dir: tempfile::TempDir,
}

pub(crate) fn sqlite() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::load_or_create(&dir.path().join("seal.key")).unwrap();
    let mut config = StoreConfig::new(dir.path().join("trunkline.db"), keyring);
    config.log_bytes = 64 * 1024;
    config.feed_changes_min = 100;
    config.retention.count_max = 50;
    config.audit_retention.count_max = 1_000;
    let store = Some(Store::open(config.clone()).unwrap());
    Fixture { store, config, _dir: dir }
}

impl Deref for Fixture {
    type Target = Store;

    fn deref(&self) -> &Store {
        self.store.as_ref().expect("a fixture is open but while it is reopened")
    }
}

impl Fixture {
    /// A path beside the database.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.config.path.with_file_name(name)
    }

    /// The configuration, for a store elsewhere.
    pub(crate) fn config_at(&self, path: PathBuf) -> StoreConfig {
        StoreConfig { path, ..self.config.clone() }
    }

    /// The same directory, as the next start of the program finds it.
    pub(crate) fn reopen(mut self) -> Self {
        self.store = None;
        let keyring = Keyring::load_or_create(self.config.keyring.path()).unwrap();
        self.config.keyring = keyring;
        self.store = Some(Store::open(self.config.clone()).unwrap());
        self
    }
}

/// Everything that was announced, in order.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<(u64, String)>>);

impl Heard {
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|it| it.1.clone()).collect()
    }
}

impl Observer for Heard {
    fn committed(&self, committed: &Committed) {
        assert_eq!(committed.changes.last().unwrap().revision, committed.revision);
        let mut heard = self.0.lock().unwrap();
        heard.extend(committed.changes.iter().map(|it| (it.revision, it.key.clone())));
    }
}

pub(crate) const HOME: AccountId = AccountId::DEFAULT;

pub(crate) fn account(digits: &str) -> AccountId {
    AccountId::parse(digits).unwrap()
}

/// Something without parent or secret: `key`, holding `value`.
pub(crate) fn tags(account: AccountId, key: &str, value: u64) -> Tags {
    let values = BTreeMap::from([("value".to_owned(), value.to_string())]);
    Tags { account, arn: key.into(), values }
}

/// What [`tags`] holds.
pub(crate) fn value(tags: &Tags) -> u64 {
    tags.values["value"].parse().unwrap()
}

pub(crate) fn connector(letter: char) -> VoiceConnectorId {
    VoiceConnectorId::parse(&letter.to_string().repeat(22)).unwrap()
}

/// Something sealed, with a parent.
pub(crate) fn user(connector: &VoiceConnectorId, name: &str, password: &str) -> SipUser {
    SipUser {
        account: HOME,
        connector: connector.clone(),
        username: Username::parse(name).unwrap(),
        keys: DigestKeys::derive(name, "realm.example", Secret::new(password.into())),
    }
}

/// Something that has a parent or none, in no account's scope.
pub(crate) fn number(last: u64, owner: Option<AccountId>) -> PhoneNumber {
    let number = E164Number::parse(&format!("+1206555{last:04}")).unwrap();
    PhoneNumber::new(number, owner, UnixMillis(0))
}

pub(crate) fn transaction(number: u8) -> TransactionId {
    TransactionId::from_random([number; 16])
}

/// A record of a call that started at a time.
pub(crate) fn record(id: u8, started: u64) -> CallRecord {
    CallRecord {
        transaction_id: transaction(id),
        call_id: format!("in-{id}"),
        peer_call_id: Some(format!("out-{id}")),
        attempt_call_ids: vec![format!("tried-{id}"), format!("tried-{id}-again")],
        account: Some(HOME),
        connector: Some(connector('a')),
        direction: Direction::Outbound,
        status: CallStatus::Completed,
        reason: "completed".into(),
        status_message: "OK".into(),
        sip_status: Some(200),
        sip_user: None,
        from: "+12065550100".into(),
        to: "+12065550101".into(),
        source: "192.0.2.1:5060".into(),
        carrier: None,
        started: UnixMillis(started),
        answered: None,
        ended: UnixMillis(started + 10),
        decisions: Vec::new(),
        quality: Vec::new(),
    }
}
