//! Termination credentials: the heart.

use std::sync::{Arc, Mutex};

use model::{AccountId, DigestKeys, Kind, Secret, SipUser};
use serde_json::{Value, json};
use store::{Committed, Observer, TypedView as _};

use crate::world::{Answer, World};

async fn put(world: &World, id: &str, credentials: Value) -> Answer {
    let target = format!("/voice-connectors/{id}/termination/credentials?operation=put");
    world.call("POST", &target, json!({"Credentials": credentials})).await
}

async fn names(world: &World, id: &str) -> Value {
    let target = format!("/voice-connectors/{id}/termination/credentials");
    world.call("GET", &target, "").await.expect(200)
}

async fn user(world: &World, id: &str, name: &str) -> Option<SipUser> {
    let key = format!("{id}/{name}");
    world.store.read(move |view| view.get(&AccountId::DEFAULT, &key)).await.unwrap()
}

fn named(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"Username": name, "Password": "p"})).collect()
}

#[tokio::test]
async fn a_put_adds_users_and_replaces_those_of_the_same_name() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    assert_eq!(names(&world, &id).await, json!({"Usernames": []}));

    let answer = put(&world, &id, named(&["b", "a"])).await;
    assert_eq!(answer.expect(204), Value::Null);
    let old = user(&world, &id, "a").await.unwrap();
    put(
        &world,
        &id,
        json!([{"Username": "a", "Password": "new"}, {"Username": "B", "Password": "x"}]),
    )
    .await
    .expect(204);
    assert_eq!(names(&world, &id).await, json!({"Usernames": ["B", "a", "b"]}));

    let new = user(&world, &id, "a").await.unwrap();
    assert_ne!(new.keys, old.keys);
    let realm = format!("{id}.voiceconnector.localhost");
    assert_eq!(new.keys, DigestKeys::derive("a", &realm, Secret::new("new".into())));
}

#[tokio::test]
async fn what_the_call_path_hears_of_is_there_before_the_answer() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);
    impl Observer for Seen {
        fn committed(&self, committed: &Committed) {
            let users = committed.changes.iter().filter(|it| it.kind == Kind::SipUser);
            self.0.lock().unwrap().extend(users.map(|it| it.key.clone()));
        }
    }
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let seen = Arc::new(Seen::default());
    world.store.subscribe(seen.clone());
    put(&world, &id, named(&["pbx"])).await.expect(204);
    assert_eq!(*seen.0.lock().unwrap(), [format!("{id}/pbx")]);
}

#[tokio::test]
async fn a_list_is_taken_whole_or_not_at_all() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    put(&world, &id, named(&["first"])).await.expect(204);
    for (credentials, part) in [
        (json!([]), "1 to 10"),
        (
            json!([{"Username": "ok", "Password": "p"}, {"Username": "x"}]),
            "Credentials[1].Password",
        ),
        (
            json!([{"Username": "ok", "Password": "p"}, {"Password": "p"}]),
            "Credentials[1].Username",
        ),
        (
            json!([{"Username": "ok", "Password": "p"}, {"Username": "x", "Password": ""}]),
            "Credentials[1].Password",
        ),
        (json!([{"Username": "ok", "Password": "p"}, {"Username": "ok", "Password": "q"}]), "'ok'"),
        (json!([{"Username": "a:b", "Password": "p"}]), "Credentials[0].Username"),
        (json!([{"Username": "a\"b", "Password": "p"}]), "Credentials[0].Username"),
        (json!([{"Username": "a\tb", "Password": "p"}]), "Credentials[0].Username"),
        (json!([{"Username": "é", "Password": "p"}]), "Credentials[0].Username"),
        (json!([{"Username": "", "Password": "p"}]), "Credentials[0].Username"),
        (json!([{"Username": "x", "Password": "pä"}]), "Credentials[0].Password"),
        (json!([{"Username": "x", "Password": "p\u{0}"}]), "Credentials[0].Password"),
        (json!([{"Username": "x", "Password": "p".repeat(257)}]), "Credentials[0].Password"),
        (json!([{"Username": 7, "Password": "p"}]), "Username"),
        (json!("x"), "Credentials"),
        (named(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]), "11"),
        (named(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]), "11 users"),
    ] {
        let answer = put(&world, &id, credentials.clone()).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(part), "{credentials}: {message}");
    }
    assert_eq!(names(&world, &id).await, json!({"Usernames": ["first"]}));
    let ten = named(&["first", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
    put(&world, &id, ten).await.expect(204);
}

#[tokio::test]
async fn a_missing_list_is_refused_by_name() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let target = format!("/voice-connectors/{id}/termination/credentials?operation=put");
    for body in ["", "{}", r#"{"Credentials":null}"#] {
        let message = world.call("POST", &target, body).await.refused(400, "BadRequestException");
        assert!(message.contains("Credentials"), "{message}");
    }
}

#[tokio::test]
async fn no_answer_repeats_a_password() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    let target = format!("/voice-connectors/{id}/termination/credentials?operation=put");
    for body in [
        r#"{"Credentials":[{"Username":"x","Password":"hunter2ü"}]}"#,
        r#"{"Credentials":[{"Username":"x","Password":"hunter2","Password":"hunter2"}]}"#,
        r#"{"Credentials":[{"Username":"x","Password":["hunter2"]}]}"#,
        r#"{"Credentials":[{"Username":"hunter2:","Password":"hunter2"}]}"#,
        r#"{"Credentials":[{"Username":"x","Password":"hunter2"#,
        r#"{"Credentials":"hunter2"}"#,
    ] {
        let answer = world.call("POST", &target, body).await;
        answer.refused(400, "BadRequestException");
        assert!(!answer.body.contains("hunter2"), "{answer:?}");
    }
}

#[tokio::test]
async fn credentials_need_a_connector_and_a_termination() {
    let world = World::start().await;
    let answer = put(&world, "0000000000000000000000", named(&["pbx"])).await;
    let message = answer.refused(404, "NotFoundException");
    assert_eq!(message, "Could not find VoiceConnector with Id '0000000000000000000000'");

    let id = world.connector().await;
    let message = put(&world, &id, named(&["pbx"])).await.refused(404, "NotFoundException");
    assert!(message.contains("PutVoiceConnectorTermination"), "{message}");
    assert_eq!(names(&world, &id).await, json!({"Usernames": []}));
}

#[tokio::test]
async fn users_are_deleted_by_name_and_unknown_names_are_passed_over() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    put(&world, &id, named(&["a", "b", "c"])).await.expect(204);
    let target = format!("/voice-connectors/{id}/termination/credentials?operation=delete");
    let body = json!({"Usernames": ["a", "never", "c"]});
    world.call("POST", &target, &body).await.expect(204);
    world.call("POST", &target, &body).await.expect(204);
    assert_eq!(names(&world, &id).await, json!({"Usernames": ["b"]}));
    for bad in [json!({}), json!({"Usernames": []}), json!({"Usernames": "b"})] {
        world.call("POST", &target, bad).await.refused(400, "BadRequestException");
    }
    let absent =
        "/voice-connectors/0000000000000000000000/termination/credentials?operation=delete";
    world.call("POST", absent, body).await.refused(404, "NotFoundException");
}

#[tokio::test]
async fn the_store_being_away_is_a_503_that_changed_nothing() {
    let world = World::start().await;
    let id = world.terminated_connector().await;
    world.store.close().await;
    let answer = put(&world, &id, named(&["pbx"])).await;
    let message = answer.refused(503, "ServiceUnavailableException");
    assert!(message.contains("nothing was changed"), "{message}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    let target = format!("/voice-connectors/{id}");
    world.call("GET", &target, "").await.refused(503, "ServiceUnavailableException");
}
