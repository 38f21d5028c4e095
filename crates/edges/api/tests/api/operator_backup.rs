//! Backups over the operator API.

use model::KeyPolicy;
use serde_json::{Value, json};

use crate::world::{Answer, Key, World};

/// What lies beside the database and is a backup's.
fn files(world: &World) -> Vec<String> {
    let directory = world.store.path().parent().unwrap();
    directory
        .read_dir()
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|it| it.contains("backup"))
        .collect()
}

async fn ready(world: &World) -> (String, u64) {
    let begun = world.call("POST", "/operator/backups", "").await.expect(202);
    let path = format!("/operator/backups/{}", begun["id"].as_str().unwrap());
    loop {
        let seen = world.call("GET", &path, "").await.expect(200);
        match seen["state"].as_str().unwrap() {
            "making" => tokio::task::yield_now().await,
            "ready" => return (path, seen["bytes"].as_u64().unwrap()),
            other => panic!("{other}: {seen}"),
        }
    }
}

#[tokio::test]
async fn a_backup_is_made_told_and_deleted_and_there_is_one_at_a_time() {
    let world = World::start().await;
    world.connector().await;

    let (path, bytes) = ready(&world).await;

    assert_eq!(files(&world).len(), 1);
    let told = world.call("GET", &path, "").await.expect(200);
    assert_eq!(told["revision"], world.store.revision());
    let second = world.call("POST", "/operator/backups", "").await;
    assert!(second.refused(409, "ConflictException").contains(&path), "it names the other");
    // Past the end there is nothing, which is how a client knows that it has all.
    world.call("GET", &format!("{path}/data?offset={bytes}"), "").await.expect(200);
    for bad in ["offset=-1", "offset=x", "length=1"] {
        let refused = world.call("GET", &format!("{path}/data?{bad}"), "").await;
        refused.refused(400, "BadRequestException");
    }

    world.call("DELETE", &path, "").await.expect(204);

    assert!(files(&world).is_empty());
    for (method, path) in [("GET", path.clone()), ("GET", format!("{path}/data")), ("DELETE", path)]
    {
        world.call(method, &path, "").await.refused(404, "NotFoundException");
    }
}

async fn piece(world: &World, key: &Key, path: &str, offset: u64) -> Answer {
    let answer = world.call_as(key, "GET", &format!("{path}/data?offset={offset}"), "").await;
    assert_eq!(answer.status, 200);
    answer
}

/// What the audit has of downloads that were done, newest first.
async fn downloads(world: &World) -> Vec<Value> {
    let path = "/operator/audit?operation=GetBackups&outcome=done";
    let page = world.call("GET", path, "").await.expect(200);
    page["records"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_download_is_recorded_once_for_whoever_fetches_it() {
    let world = World::start().await;
    let (path, bytes) = ready(&world).await;
    let other = world.key("AKIAOTHER", "000000000000", KeyPolicy::Full).await;
    assert!(downloads(&world).await.is_empty(), "to ask how far it is leaves no record");

    let first = piece(&world, &world.key, &path, 0).await;
    for offset in [1, bytes] {
        piece(&world, &world.key, &path, offset).await;
    }

    // It was durable before the answer, so it is there at once.
    let records = downloads(&world).await;
    assert_eq!(records.len(), 1, "{records:?}");
    let resource = format!("{}/data", path.strip_prefix("/operator/").unwrap());
    assert_eq!(records[0]["resources"], json!([resource]));
    assert_eq!(records[0]["request_id"], first.header("x-amzn-requestid").unwrap());
    assert_eq!(records[0]["access_key_id"], world.key.id);

    // Whoever leaves out the first piece does not leave out the record.
    piece(&world, &other, &path, 1).await;
    let records = downloads(&world).await;
    assert_eq!((records.len(), &records[0]["access_key_id"]), (2, &"AKIAOTHER".into()));
    piece(&world, &other, &path, 0).await;
    assert_eq!(downloads(&world).await.len(), 3, "it begins anew");
}

#[tokio::test]
async fn while_one_backup_is_being_made_another_is_refused_by_its_name() {
    let world = World::start().await;

    let (first, second) = tokio::join!(
        world.call("POST", "/operator/backups", ""),
        world.call("POST", "/operator/backups", "")
    );

    let (made, refused) = if first.status == 202 { (first, second) } else { (second, first) };
    let made = made.expect(202);
    assert_eq!(made["state"], "making");
    let message = refused.refused(409, "ConflictException");
    assert!(message.contains(made["id"].as_str().unwrap()), "{message}");
}

#[tokio::test]
async fn what_an_earlier_process_left_of_a_backup_is_thrown_away() {
    let world = World::start().await;
    let left = "4f0c6a52-2f5e-4a3e-9df0-6f3c2a1b9e77";
    let directory = world.store.path().parent().unwrap().to_owned();
    for name in [format!("backup-{left}"), format!(".backup-{left}.17.copy")] {
        std::fs::write(directory.join(name), "half").unwrap();
    }
    std::fs::write(directory.join("backup-of-monday"), "the operator's own").unwrap();

    let (clock, config) = (world.clock.clone(), Default::default());
    let live = std::sync::Arc::new(api::NoCalls);
    api::Context::open(world.store.clone(), config, live, clock).await.unwrap();

    assert_eq!(files(&world), ["backup-of-monday"]);
}
