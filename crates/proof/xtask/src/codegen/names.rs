//! Names of the model as Rust spells them.

/// `VoiceConnectorId` → `voice_connector_id`, `E164PhoneNumbers` → `e164_phone_numbers`,
/// `ResourceARN` → `resource_arn`, `DNISEmergency` → `dnis_emergency`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let begins_word = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                let ends_word = before.is_ascii_lowercase() || before.is_ascii_digit();
                ends_word || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins_word {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// A field name, escaped where it is a keyword.
pub(crate) fn field(name: &str) -> String {
    let snake = snake(name);
    if matches!(snake.as_str(), "type" | "match" | "use" | "move" | "ref") {
        return format!("r#{snake}");
    }
    snake
}

/// `VoiceConnectorId` → `VOICE_CONNECTOR_ID`.
pub(crate) fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// An enum's wire value as a variant: `us-east-1` → `UsEast1`, `IPV4_ONLY` → `Ipv4Only`,
/// `PreferSticky` → `PreferSticky`, `SMS` → `Sms`.
pub(crate) fn variant(wire: &str) -> String {
    wire.split(['-', '_', '.', ' ']).map(word).collect()
}

fn word(part: &str) -> String {
    let mut letters = part.chars();
    let Some(first) = letters.next() else { return String::new() };
    let rest: String = letters.collect();
    let shouts = !rest.chars().any(|letter| letter.is_ascii_lowercase());
    let rest = if shouts { rest.to_ascii_lowercase() } else { rest };
    format!("{}{rest}", first.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_become_fields() {
        for (model, rust) in [
            ("VoiceConnectorId", "voice_connector_id"),
            ("E164PhoneNumbers", "e164_phone_numbers"),
            ("ResourceARN", "resource_arn"),
            ("DNIS", "dnis"),
            ("DNISEmergencyCallingConfiguration", "dnis_emergency_calling_configuration"),
            ("ValidateE911Address", "validate_e911_address"),
            ("postalCodePlus4", "postal_code_plus4"),
            ("InboundSMS", "inbound_sms"),
            ("Type", "r#type"),
        ] {
            assert_eq!(field(model), rust);
        }
    }

    #[test]
    fn wire_values_become_variants() {
        for (wire, rust) in [
            ("us-east-1", "UsEast1"),
            ("IPV4_ONLY", "Ipv4Only"),
            ("PreferSticky", "PreferSticky"),
            ("SMS", "Sms"),
            ("en-US", "EnUs"),
            ("EventBridge", "EventBridge"),
        ] {
            assert_eq!(variant(wire), rust);
        }
    }
}
