//! Which connector or group a number belongs to.

use model::KeyPolicy;
use serde_json::{Value, json};

use crate::world::{Answer, Key, World};

const ONE: &str = "+12065550100";
const TWO: &str = "+12065550101";

/// Where the numbers of a connector or group are changed.
struct Target {
    path: String,
}

impl Target {
    async fn connector(world: &World) -> Self {
        Self { path: format!("/voice-connectors/{}", world.connector().await) }
    }

    async fn group(world: &World) -> Self {
        Self { path: format!("/voice-connector-groups/{}", world.group(&[]).await) }
    }

    fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    async fn associate_as(&self, world: &World, key: &Key, body: Value) -> Answer {
        let target = format!("{}?operation=associate-phone-numbers", self.path);
        world.call_as(key, "POST", &target, body).await
    }

    async fn associate(&self, world: &World, body: Value) -> Value {
        let answer = self.associate_as(world, &world.key, body).await.expect(200);
        answer["PhoneNumberErrors"].clone()
    }

    async fn disassociate(&self, world: &World, numbers: &[&str]) -> Value {
        let target = format!("{}?operation=disassociate-phone-numbers", self.path);
        let body = json!({"E164PhoneNumbers": numbers});
        let answer = world.call("POST", &target, body).await.expect(200);
        answer["PhoneNumberErrors"].clone()
    }
}

/// The code of the only error of a list, for `number`.
#[track_caller]
fn only_code(errors: &Value, number: &str) -> String {
    let errors = errors.as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["PhoneNumberId"], number.replace('+', "%2B"));
    assert!(errors[0]["ErrorMessage"].as_str().unwrap().contains(number));
    errors[0]["ErrorCode"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_number_is_given_to_a_connector_once_and_taken_again() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE, TWO]).await;
    let target = Target::connector(&world).await;
    let body = json!({"E164PhoneNumbers": [ONE, TWO]});
    assert_eq!(target.associate(&world, body.clone()).await, json!([]));
    assert_eq!(target.associate(&world, body).await, json!([]), "once more is fine");

    let message = world.call("DELETE", &target.path, "").await.refused(409, "ConflictException");
    assert!(message.contains(ONE) && message.contains(TWO), "{message}");

    assert_eq!(target.disassociate(&world, &[ONE, TWO]).await, json!([]));
    assert_eq!(only_code(&target.disassociate(&world, &[ONE]).await, ONE), "NotFound");
    world.call("DELETE", &target.path, "").await.expect(204);
}

#[tokio::test]
async fn a_number_that_belongs_elsewhere_moves_only_by_force() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE, TWO]).await;
    let (first, second) = (Target::connector(&world).await, Target::group(&world).await);
    assert_eq!(first.associate(&world, json!({"E164PhoneNumbers": [ONE]})).await, json!([]));

    let errors = second.associate(&world, json!({"E164PhoneNumbers": [ONE, TWO]})).await;
    assert_eq!(only_code(&errors, ONE), "PhoneNumberAssociationsExist");
    assert!(errors[0]["ErrorMessage"].as_str().unwrap().contains(first.id()));
    assert_eq!(second.disassociate(&world, &[TWO]).await, json!([]), "the other one was given");

    let body = json!({"E164PhoneNumbers": [ONE], "ForceAssociate": true});
    assert_eq!(second.associate(&world, body).await, json!([]));
    assert_eq!(only_code(&first.disassociate(&world, &[ONE]).await, ONE), "NotFound");
    world.call("DELETE", &first.path, "").await.expect(204);
    assert_eq!(second.disassociate(&world, &[ONE]).await, json!([]));
}

#[tokio::test]
async fn a_number_that_the_account_does_not_have_is_told_and_the_others_are_given() {
    let world = World::start().await;
    world.numbers("000000000000", &[ONE]).await;
    world.numbers("111122223333", &[TWO]).await;
    let target = Target::connector(&world).await;
    let body = json!({"E164PhoneNumbers": [TWO, ONE], "ForceAssociate": true});
    assert_eq!(only_code(&target.associate(&world, body).await, TWO), "NotFound");
    assert_eq!(only_code(&target.disassociate(&world, &[ONE, TWO]).await, TWO), "NotFound");
}

#[tokio::test]
async fn lists_that_name_no_number_are_refused() {
    let world = World::start().await;
    for target in [Target::connector(&world).await, Target::group(&world).await] {
        for body in [
            json!({}),
            json!({"E164PhoneNumbers": []}),
            json!({"E164PhoneNumbers": ["1001x"]}),
            json!({"E164PhoneNumbers": [ONE, ""]}),
        ] {
            let answer = target.associate_as(&world, &world.key, body).await;
            let message = answer.refused(400, "BadRequestException");
            assert!(message.contains("E164PhoneNumbers"), "{message}");
        }
    }
}

#[tokio::test]
async fn another_accounts_connectors_and_groups_take_no_numbers() {
    let world = World::start().await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    world.numbers("111122223333", &[ONE]).await;
    for target in [Target::connector(&world).await, Target::group(&world).await] {
        let body = json!({"E164PhoneNumbers": [ONE]});
        target.associate_as(&world, &other, body).await.refused(404, "NotFoundException");
    }
}
