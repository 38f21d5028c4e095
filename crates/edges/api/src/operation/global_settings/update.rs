//! `UpdateGlobalSettings`.

use chime_api::types::{NoContent, UpdateGlobalSettingsRequest};
use model::GlobalSettings;
use store::TypedTx as _;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Sets all of an account's settings: without a bucket, there is none any more.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateGlobalSettingsRequest,
) -> Result<NoContent, ApiError> {
    let account = permit.account();
    context
        .write(move |tx| {
            match wire.voice_connector.cdr_bucket {
                Some(cdr_bucket) => tx.put(&GlobalSettings { account, cdr_bucket })?,
                None => {
                    tx.delete::<GlobalSettings>(&account, GlobalSettings::KEY)?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
