//! Backups over the operator API.

use crate::world::World;

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
