//! `GetGlobalSettings`.

use chime_api::types::{
    GetGlobalSettingsRequest, GetGlobalSettingsResponse, VoiceConnectorSettings,
};
use model::GlobalSettings;
use store::TypedView as _;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells an account's settings. `VoiceConnector` is always there, be it empty: clients look inside.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    _wire: GetGlobalSettingsRequest,
) -> Result<GetGlobalSettingsResponse, ApiError> {
    let account = permit.account();
    let found =
        context.read(move |view| view.get::<GlobalSettings>(&account, GlobalSettings::KEY)).await?;
    let voice_connector = VoiceConnectorSettings { cdr_bucket: found.map(|it| it.cdr_bucket) };
    Ok(GetGlobalSettingsResponse { voice_connector: Some(voice_connector) })
}
