//! `UpdatePhoneNumberSettings`.

use chime_api::types::{NoContent, UpdatePhoneNumberSettingsRequest};
use model::{PhoneNumberSettings, UnixMillis};
use store::{TypedTx as _, TypedView as _};

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Sets the account's default calling name, or clears it with an empty one; once in seven days.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdatePhoneNumberSettingsRequest,
) -> Result<NoContent, ApiError> {
    let calling_name = Some(wire.calling_name.into_exposed()).filter(|it| !it.is_empty());
    let (account, updated) = (permit.account(), context.clock.now());
    context
        .write(move |tx| {
            let known = tx.get::<PhoneNumberSettings>(&account, PhoneNumberSettings::KEY)?;
            if let Some(known) = known {
                if known.calling_name == calling_name {
                    return Ok(());
                }
                let allowed = known.updated.0 + PhoneNumberSettings::CHANGE_MS_MIN;
                if updated.0 < allowed {
                    return Err(ApiError::bad_request(format!(
                        "CallingName was changed at {} and may be changed once in 7 days; change it after {}",
                        known.updated,
                        UnixMillis(allowed)
                    )));
                }
            }
            tx.put(&PhoneNumberSettings { account, calling_name, updated })?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
