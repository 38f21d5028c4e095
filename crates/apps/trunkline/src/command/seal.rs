//! `trunkline seal`: the key that seals secrets in the database.

use api::operator::dto::SealRotation;
use http::Method;

use crate::cli::{Common, OutputForm, SealCommand};
use crate::connection::{Connection, with_causes};
use crate::failure::Failure;
use crate::screen::Screen;

/// Runs the command.
pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    command: SealCommand,
) -> Result<(), Failure> {
    match command {
        SealCommand::Rotate => {
            let rotation = rotate(&Connection::open(common)?).await?;
            match screen.form {
                OutputForm::Json => screen.json(&rotation),
                OutputForm::Text => screen.done(&sentence(&rotation)),
            }
        }
    }
    Ok(())
}

async fn rotate(connection: &Connection) -> Result<SealRotation, Failure> {
    let answer = connection.client().request(Method::POST, "/operator/seal/rotate", "", None).await;
    let answer = answer.map_err(|error| Failure::Failed(with_causes(&error)))?;
    serde_json::from_slice(&answer.body).map_err(Failure::of)
}

fn sentence(rotation: &SealRotation) -> String {
    let SealRotation { key, resealed, resumed } = rotation;
    let how = if *resumed { "a rotation that was cut short is finished: " } else { "" };
    format!("{how}{resealed} secrets were sealed anew by key {key}; copy the seal key file again")
}
