//! Death at any moment: what was answered is there, whole, and nothing else is half there.
//!
//! The victim is this very test binary, started again. `TRUNKLINE_SEED=n` reruns one world.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use model::{AccountId, DigestKeys, Secret, SipUser, Tags, Username, VoiceConnectorId};
use store::{
    Action, Feed, Keyring, Page, Store, StoreConfig, StoreError, TypedTx, TypedView, View,
};

const WRITERS: u64 = 8;
const DIRECTORY: &str = "TRUNKLINE_TEST_DIRECTORY";
const HOME: AccountId = AccountId::DEFAULT;

fn config(directory: &Path) -> StoreConfig {
    let keyring = Keyring::load_or_create(&directory.join("seal.key")).unwrap();
    let mut config = StoreConfig::new(directory.join("trunkline.db"), keyring);
    // A short log and feed, so that checkpoints and trimming are among what is cut short.
    config.log_bytes = 256 * 1024;
    config.feed_changes_min = 500;
    config
}

fn tags(key: String, value: u64) -> Tags {
    Tags { account: HOME, arn: key, values: [("value".to_owned(), value.to_string())].into() }
}

fn user(writer: u64, value: u64) -> SipUser {
    let username = format!("user-{writer}");
    SipUser {
        account: HOME,
        connector: VoiceConnectorId::parse(&"c".repeat(22)).unwrap(),
        keys: DigestKeys::derive(&username, "realm", Secret::new(value.to_string())),
        username: Username::parse(&username).unwrap(),
    }
}

/// Starts this binary again to run one of the ignored tests below.
fn start(part: &str, directory: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", part, "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a writer has been told is durable, per writer: the last value.
type Acknowledged = HashMap<u64, u64>;

/// Lets the victim live for `acks` answers, kills it, and reads what else it was told.
fn kill_after(victim: &mut Child, acks: usize, told: &mut Acknowledged) {
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut seen = 0;
    let mut killed = false;
    let mut pid = Some(victim);
    for line in lines.map_while(Result::ok) {
        let Some(ack) = line.strip_prefix("ack ") else { continue };
        // A line that the kill cut short acknowledges nothing.
        let Some((writer, value)) = ack.strip_suffix('.').and_then(|it| it.split_once(' ')) else {
            continue;
        };
        told.insert(writer.parse().unwrap(), value.parse().unwrap());
        seen += 1;
        if seen == acks
            && let Some(victim) = pid.take()
        {
            victim.kill().unwrap();
            victim.wait().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the victim ended by itself after {seen} answers");
}

#[test]
fn a_kill_amid_acknowledged_writes_loses_none_and_halves_none() {
    let seed = env::var("TRUNKLINE_SEED").map_or(1, |it| it.parse().unwrap());
    let mut random: u64 = seed;
    let directory = tempfile::tempdir().unwrap();
    let mut told = Acknowledged::new();
    for round in 0..6 {
        // Knuth's MMIX constants; the upper bits are the good ones.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let acks = 1 + usize::try_from(random >> 33).unwrap() % 600;
        let mut victim = start("the_victim_writes_until_it_is_killed", directory.path());
        kill_after(&mut victim, acks, &mut told);

        let store = Store::open(config(directory.path())).unwrap();
        let context = format!("TRUNKLINE_SEED={seed}, round {round}, killed after {acks}");
        let checked = store.read_blocking(|view| {
            // What came through without being told is what the next victim goes on from.
            told = check(view, &told, &context);
            view.revision()
        });
        assert_eq!(checked.unwrap(), store.revision(), "{context}");
    }
}

/// Compares the store with what was told, and tells what it has.
fn check(view: &dyn View, told: &Acknowledged, context: &str) -> Acknowledged {
    let mut wrote = HashMap::new();
    let mut has = Acknowledged::new();
    for writer in 0..WRITERS {
        let mut get = |side: &str| {
            let key = format!("{side}-{writer}");
            let row = view.get_raw(model::Kind::Tags, &HOME, &key).unwrap();
            row.map(|row| {
                wrote.insert(key, row.revision);
                row.decode::<Tags>().unwrap().values["value"].parse::<u64>().unwrap()
            })
        };
        let (left, right) = (get("left"), get("right"));
        assert_eq!(left, right, "writer {writer}: {context}");
        let (found, told) = (left.unwrap_or(0), told.get(&writer).copied().unwrap_or(0));
        // Each writer has one write under way, which may or may not have come through.
        assert!(
            found == told || found == told + 1,
            "{found} of {told}, writer {writer}: {context}"
        );
        has.insert(writer, found);
        if found > 0 {
            let key = model::Resource::key(&user(writer, found));
            let sealed = view.get::<SipUser>(&HOME, &key).unwrap();
            assert_eq!(sealed, Some(user(writer, found)), "writer {writer}: {context}");
        }
    }
    check_feed(view, &wrote, context);
    has
}

/// The feed has no gap, ends at the store's revision, and ends for each key with what its row says.
fn check_feed(view: &dyn View, wrote: &HashMap<String, u64>, context: &str) {
    let last = view.revision().unwrap();
    let oldest = match view.changes(0, 1).unwrap() {
        Feed::Trimmed { oldest } => oldest,
        Feed::Entries(_) => 1,
    };
    let Feed::Entries(entries) = view.changes(oldest - 1, usize::MAX).unwrap() else {
        panic!("it begins at {oldest}: {context}");
    };
    let revisions: Vec<u64> = entries.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, Vec::from_iter(oldest..=last), "{context}");
    let mut ends = HashMap::new();
    for entry in entries.iter().filter(|it| it.kind == model::Kind::Tags) {
        assert_eq!(entry.action, Action::Put);
        ends.insert(entry.key.clone(), entry.revision);
    }
    for (key, revision) in wrote.iter().filter(|it| *it.1 >= oldest) {
        assert_eq!(ends.get(key), Some(revision), "{key}: {context}");
    }
}

#[test]
#[ignore = "the victim of the test above, which starts it"]
fn the_victim_writes_until_it_is_killed() {
    let directory = env::var_os(DIRECTORY).expect("the test that starts it names a directory");
    let store = Store::open(config(directory.as_ref())).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn_on(write_on(store.clone(), writer), runtime.handle());
    }
    runtime.block_on(writers.join_all());
}

async fn write_on(store: Store, writer: u64) {
    let key = format!("left-{writer}");
    let last = store.read(move |view| view.get::<Tags>(&HOME, &key)).await.unwrap();
    let mut value = last.map_or(0, |it| it.values["value"].parse().unwrap());
    // Far more than the parent waits for: ends by itself if nobody kills it.
    for _ in 0..100_000 {
        value += 1;
        store
            .write(move |tx| {
                tx.put(&tags(format!("left-{writer}"), value))?;
                tx.put(&user(writer, value))?;
                tx.put(&tags(format!("right-{writer}"), value))
            })
            .await
            .unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack {writer} {value}.").and_then(|()| out.flush()).unwrap();
    }
}

#[test]
fn another_process_is_refused_and_told_whose_store_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(config(directory.path())).unwrap();

    let told = outcome(start("an_intruder_opens_the_store", directory.path()));
    assert!(told.contains("refused"), "{told}");
    assert!(told.contains(&format!("process {}", std::process::id())), "{told}");

    drop(store);
    let told = outcome(start("an_intruder_opens_the_store", directory.path()));
    assert!(told.contains("opened"), "{told}");
}

fn outcome(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "the other process of the test above, which starts it"]
fn an_intruder_opens_the_store() {
    let directory = env::var_os(DIRECTORY).expect("the test that starts it names a directory");
    match Store::open(config(directory.as_ref())) {
        Ok(_) => println!("opened"),
        Err(error @ StoreError::Locked { .. }) => println!("refused: {error}"),
        Err(error) => panic!("{error}"),
    }
}

/// The kernel itself fails writes beyond a file size limit, in the middle of commits, until the
/// limit is lifted: no signal handler, no seam of ours, the errors SQLite meets are real.
#[test]
fn a_device_that_fails_to_write_costs_errors_but_neither_data_nor_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let executable = env::current_exe().unwrap();
    let mut limited = Command::new("sh")
        // Ignored, the signal becomes an error of the write that went too far.
        .args(["-c", "trap '' XFSZ; ulimit -S -f 600; exec \"$0\" \"$@\""])
        .arg(executable)
        .args(["--exact", "a_limited_process_writes", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(limited.stdout.take().unwrap()).lines().map_while(Result::ok);
    let failed = told.find(|line| line.contains("unavailable")).expect("it meets the limit");
    assert!(failed.contains("the limit on the size of files"), "{failed}");
    assert!(failed.contains("ulimit -f"), "{failed}");

    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited:unlimited", "--pid", &limited.id().to_string()])
        .status()
        .unwrap();
    assert!(lifted.success());
    limited.stdin.take().unwrap().write_all(b"lifted\n").unwrap();
    let last: Vec<String> = told.collect();
    assert!(limited.wait().unwrap().success(), "{last:?}");

    let store = Store::open(config(directory.path())).unwrap();
    let acknowledged = last.iter().find_map(|it| it.strip_prefix("kept ")).unwrap();
    let listed = store.read_blocking(|view| view.list::<Tags>(&HOME, Page::WHOLE)).unwrap().items;
    let kept: Vec<&str> = listed.iter().map(|it| it.arn.as_str()).collect();
    assert_eq!(kept.join(" "), acknowledged);
}

#[test]
#[ignore = "the limited process of the test above, which starts it"]
fn a_limited_process_writes() {
    let directory = env::var_os(DIRECTORY).expect("the test that starts it names a directory");
    let mut config = config(directory.as_ref());
    config.log_bytes = 0;
    let store = Store::open(config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let put = |key: String| {
        let mut big = tags(key, 0);
        big.values.insert("filling".into(), "x".repeat(20_000));
        runtime.block_on(store.write(move |tx| tx.put(&big))).map_err(StoreError::from)
    };
    let mut kept = Vec::new();
    for at in 0..1000 {
        let key = format!("{at:04}");
        match put(key.clone()) {
            Ok(()) => kept.push(key),
            Err(error) => {
                // Reads go on, and the failed write is not among what they see.
                let count = store.read_blocking(|view| view.count::<Tags>(&HOME, 9999)).unwrap();
                assert_eq!(count, kept.len() as u64);
                assert_eq!(store.revision(), count);
                println!("{error}");
                break;
            }
        }
    }
    let mut lifted = String::new();
    std::io::stdin().read_line(&mut lifted).unwrap();
    put("after".into()).unwrap();
    kept.push("after".into());
    println!("kept {}", kept.join(" "));
}
