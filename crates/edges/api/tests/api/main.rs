//! The control plane over real sockets, signed by somebody else's signer.

#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here is a failed test")]

mod association;
mod audit;
mod authentication;
mod connections;
mod coverage;
mod openapi;
mod operator;
mod operator_backup;
mod origination;
mod phone_number;
mod phone_number_search;
mod policy;
mod proxy_session;
mod quota;
mod raw_http;
mod settings;
mod sip_media_application;
mod sip_rule;
mod sip_rule_life;
mod tag;
mod termination;
mod termination_credentials;
mod tls;
mod totality;
mod voice_analysis;
mod voice_connector;
mod voice_connector_group;
mod voice_profile;
mod world;
