//! What real clients send although the model forbids it, read as what they mean.
//!
//! The list is short and each row names its client: without one, the model's word stands.

use crate::node::{Node, Text};
use crate::operation::Operation;
use crate::phone_number_id::e164_of_phone_number_id;

/// The CDK construct passes the `PhoneNumberId` that it got, `%2B12065550100`, as a number.
const IDS_AS_NUMBERS: &[Operation] = &[
    Operation::AssociatePhoneNumbersWithVoiceConnector,
    Operation::AssociatePhoneNumbersWithVoiceConnectorGroup,
    Operation::DisassociatePhoneNumbersFromVoiceConnector,
    Operation::DisassociatePhoneNumbersFromVoiceConnectorGroup,
];

/// Rewrites the input of an operation into what its constraints admit.
pub(crate) fn accommodate(operation: Operation, document: &mut Node<'_>) {
    if IDS_AS_NUMBERS.contains(&operation) {
        ids_as_numbers(document);
    }
    // Terraform's provider sends `"CdrBucket": ""` for "no bucket".
    if operation == Operation::UpdateGlobalSettings {
        no_empty_bucket(document);
    }
}

fn ids_as_numbers(document: &mut Node<'_>) {
    let Some(Node::List(numbers)) = document.member_mut("E164PhoneNumbers") else { return };
    for number in numbers {
        let Node::Text(text) = number else { continue };
        if !text.as_str().starts_with('%') {
            continue;
        }
        if let Some(e164) = e164_of_phone_number_id(text.as_str()) {
            *text = Text::new(e164);
        }
    }
}

fn no_empty_bucket(document: &mut Node<'_>) {
    let Some(settings) = document.member_mut("VoiceConnector") else { return };
    let Some(bucket) = settings.member_mut("CdrBucket") else { return };
    if matches!(bucket, Node::Text(text) if text.as_str().is_empty()) {
        *bucket = Node::Null;
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::decode;
    use crate::operation::Method;
    use crate::route::route;
    use crate::types::{
        DisassociatePhoneNumbersFromVoiceConnectorRequest, UpdateGlobalSettingsRequest,
    };

    #[test]
    fn a_number_may_be_written_as_the_id_that_the_api_returned() {
        let query = "operation=disassociate-phone-numbers";
        let matched =
            route(Method::Post, "/voice-connectors/abcdefghijklmnopqrstuv", query).unwrap();
        let read = |body: &str| {
            decode::<DisassociatePhoneNumbersFromVoiceConnectorRequest>(
                &matched.labels,
                query,
                body.as_bytes(),
            )
            .map(|it| it.e164_phone_numbers.iter().map(|it| it.expose().to_owned()).collect())
        };
        let numbers: Vec<String> =
            read(r#"{"E164PhoneNumbers":["%2B12065550100","%252B12065550101","+12065550102"]}"#)
                .unwrap();
        assert_eq!(numbers, ["+12065550100", "+12065550101", "+12065550102"]);
        let refused = read(r#"{"E164PhoneNumbers":["%2C12065550100"]}"#).unwrap_err();
        assert!(refused.to_string().contains("E164PhoneNumbers[0]"), "{refused}");
    }

    #[test]
    fn an_empty_bucket_is_none() {
        let matched = route(Method::Put, "/settings", "").unwrap();
        let read = |body: &str| {
            decode::<UpdateGlobalSettingsRequest>(&matched.labels, "", body.as_bytes())
                .map(|it| it.voice_connector.cdr_bucket)
        };
        assert_eq!(read(r#"{"VoiceConnector":{"CdrBucket":""}}"#), Ok(None));
        assert_eq!(read(r#"{"VoiceConnector":{}}"#), Ok(None));
        let kept = read(r#"{"VoiceConnector":{"CdrBucket":"records"}}"#);
        assert_eq!(kept, Ok(Some("records".into())));
        assert!(read(r#"{"VoiceConnector":{"CdrBucket":" "}}"#).is_err());
    }
}
