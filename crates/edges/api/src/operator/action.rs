//! What policies and the audit call a request to the operator API.

use http::Method;

use super::query;

/// `trunkline:`, a verb and the first word of the path: `GET /operator/calls` is
/// `trunkline:GetCalls`, `POST /operator/keys/{id}/disable` is `trunkline:DisableKeys`. It follows from
/// the request alone, so that a new request has one as well. Words count as they are routed by, decoded:
/// a request has one name, however it is written.
pub(crate) fn action(method: &Method, path: &str) -> String {
    // What cannot be decoded is refused before anything is done.
    let decoded = |word: &str| query::decode(word).unwrap_or_else(|_| word.to_owned());
    let words: Vec<String> = path.split('/').map(decoded).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let noun = words.first().copied().unwrap_or_default();
    let verb = match (method, words.as_slice()) {
        // A verb at the end of the path, after the thing or after what is done to all of it.
        (&Method::POST, [_, _, verb] | ["seal", verb]) => camel_case(verb),
        (&Method::GET, _) => "Get".into(),
        (&Method::POST, _) => "Create".into(),
        (&Method::PUT, _) => "Put".into(),
        (&Method::DELETE, _) => "Delete".into(),
        (other, _) => camel_case(&other.as_str().to_ascii_lowercase()),
    };
    format!("trunkline:{verb}{}", camel_case(noun))
}

/// Whether a request to the operator API leaves an audit record: whatever may change something, and the
/// download of a backup, since that holds everything. Words count as they are routed by, decoded.
pub(crate) fn is_audited(method: &Method, path: &str) -> bool {
    let words: Result<Vec<String>, _> = path.split('/').map(query::decode).collect();
    // What cannot be decoded is refused before anything is done.
    let words = words.unwrap_or_default();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    *method != Method::GET || matches!(words.as_slice(), ["backups", _, "data"])
}

/// `hang-up` as `HangUp`.
fn camel_case(text: &str) -> String {
    let plain = |it: &char| it.is_ascii_alphanumeric();
    text.split('-')
        .map(|word| {
            let mut letters = word.chars().filter(plain).take(32);
            let first = letters.next().map(|it| it.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_an_action() {
        for (method, path, name) in [
            (Method::GET, "status", "trunkline:GetStatus"),
            (Method::GET, "carriers/upstream", "trunkline:GetCarriers"),
            (Method::POST, "keys", "trunkline:CreateKeys"),
            (Method::POST, "keys/AKIA/disable", "trunkline:DisableKeys"),
            (Method::POST, "calls/x/hang-up", "trunkline:HangUpCalls"),
            (Method::POST, "%6beys", "trunkline:CreateKeys"),
            (Method::POST, "keys/AKIA/%64isable", "trunkline:DisableKeys"),
            (Method::POST, "seal/rotate", "trunkline:RotateSeal"),
            (Method::PUT, "quotas/phone-numbers", "trunkline:PutQuotas"),
            (Method::DELETE, "keys/AKIA", "trunkline:DeleteKeys"),
            (Method::GET, "", "trunkline:Get"),
            (Method::PATCH, "a%b", "trunkline:PatchAb"),
        ] {
            assert_eq!(action(&method, path), name);
        }
    }

    #[test]
    fn of_what_only_reads_a_download_of_a_backup_alone_is_audited() {
        for (method, path, audited) in [
            (Method::GET, "status", false),
            (Method::GET, "backups/x", false),
            (Method::GET, "backups/x/data", true),
            (Method::GET, "%62ackups/x/dat%61", true),
            (Method::GET, "a%b", false),
            (Method::POST, "a%b", true),
            (Method::DELETE, "backups/x", true),
        ] {
            assert_eq!(is_audited(&method, path), audited, "{method} {path}");
        }
    }
}
