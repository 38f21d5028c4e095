//! The `Authorization` header of Signature Version 4, taken apart.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::UnixMillis;

use crate::error::{ApiError, ErrorKind};

/// The one algorithm that is served.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a request claims about its signature. Nothing in it has been verified.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    /// The public half of the key.
    pub(crate) key_id: &'a str,
    /// `20261123`.
    pub(crate) date: &'a str,
    /// `us-east-1`.
    pub(crate) region: &'a str,
    /// `chime` or `sts`, if the caller is at the right address.
    pub(crate) service: &'a str,
    /// Names of the signed headers, as listed.
    pub(crate) signed_headers: &'a str,
    /// The signature's 32 bytes.
    pub(crate) signature: [u8; 32],
}

impl<'a> Authorization<'a> {
    /// Reads the header. `query` tells a presigned request from an unsigned one.
    pub(crate) fn parse(headers: &'a HeaderMap, query: &str) -> Result<Self, ApiError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Err(unsigned(query)) };
        if values.next().is_some() {
            return Err(incomplete("there is more than one Authorization header; send one"));
        }
        let text = value
            .to_str()
            .map_err(|_| incomplete("the Authorization header is not printable US-ASCII"))?;
        let (scheme, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme != ALGORITHM {
            let scheme: String = scheme.chars().take(32).collect();
            return Err(incomplete(&format!(
                "the Authorization scheme is '{scheme}', but only {ALGORITHM} is served"
            )));
        }
        Self::parse_parameters(parameters)
    }

    fn parse_parameters(parameters: &'a str) -> Result<Self, ApiError> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parameters.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => {
                    return Err(incomplete(
                        "it has a part other than Credential, SignedHeaders and Signature",
                    ));
                }
            };
            if slot.replace(value).is_some() {
                return Err(incomplete(&format!("{name} is given twice")));
            }
        }
        let present = |slot: Option<&'a str>, name: &str| {
            slot.filter(|it| !it.is_empty())
                .ok_or_else(|| incomplete(&format!("{name} is missing")))
        };
        let credential = present(credential, "Credential")?;
        let signed_headers = present(signed_headers, "SignedHeaders")?;
        let signature = present(signature, "Signature")?;

        let scope: Vec<&str> = credential.split('/').collect();
        let [key_id, date, region, service, "aws4_request"] = scope[..] else {
            return Err(incomplete(
                "Credential is not of the form {key id}/{yyyymmdd}/{region}/{service}/aws4_request",
            ));
        };
        Ok(Self {
            key_id,
            date,
            region,
            service,
            signed_headers,
            signature: parse_hex(signature)
                .ok_or_else(|| incomplete("Signature is not 64 lower-case hex digits"))?,
        })
    }
}

/// Why there is no Authorization header.
fn unsigned(query: &str) -> ApiError {
    if query.split('&').any(|it| it.starts_with("X-Amz-")) {
        return incomplete(
            "the signature is in the query (a presigned URL), which this service does not take; \
             sign with the Authorization header",
        );
    }
    ApiError::new(
        ErrorKind::MissingAuthenticationToken,
        format!(
            "the request is not signed: it has no Authorization header; sign it with {ALGORITHM} for the \
             service 'chime', with a key made by `trunkline key create`"
        ),
    )
}

/// A signature that lacks something.
pub(crate) fn incomplete(reason: &str) -> ApiError {
    ApiError::new(
        ErrorKind::IncompleteSignature,
        format!("the request's signature cannot be read: {reason}"),
    )
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let text = <&[u8; 64]>::try_from(text.as_bytes()).ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Reads `20261123T101112Z`.
pub(crate) fn parse_date(text: &str) -> Option<UnixMillis> {
    let bytes = <&[u8; 16]>::try_from(text.as_bytes()).ok()?;
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0_u64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    let framed = bytes[8] == b'T' && bytes[15] == b'Z';
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !framed || !in_range {
        return None;
    }
    // Counts the year from March, so that the leap day ends it; then finds 1970-01-01 at 719,468.
    let (from_march, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * from_march + from_march / 4 - from_march / 100
        + from_march / 400
        + (153 * shifted + 2) / 5
        + day
        - 1;
    let date = UnixMillis((days.checked_sub(719_468)?) * 86_400_000);
    (date.date() == (year, month, day))
        .then(|| UnixMillis(date.0 + ((hour * 60 + minute) * 60 + second) * 1000))
}

/// Prints `20261123T101112Z`.
pub(crate) fn print_date(at: UnixMillis) -> String {
    let (year, month, day) = at.date();
    let second = at.seconds() % 86_400;
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SIGNATURE: &str = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

    fn parse(value: &str) -> Result<String, ErrorKind> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        Authorization::parse(&headers, "")
            .map(|it| format!("{} {} {}", it.key_id, it.service, it.signed_headers))
            .map_err(|error| error.kind)
    }

    #[test]
    fn a_header_is_read_with_and_without_spaces_after_its_commas() {
        for gap in ["", " ", "   "] {
            let value = format!(
                "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/chime/aws4_request,{gap}\
                 SignedHeaders=host;x-amz-date,{gap}Signature={SIGNATURE}"
            );
            assert_eq!(parse(&value), Ok("AKID chime host;x-amz-date".into()));
        }
    }

    #[test]
    fn a_header_that_lacks_or_repeats_a_part_is_incomplete() {
        let scope = "Credential=AKID/20261123/us-east-1/chime/aws4_request";
        for bad in [
            "Basic dXNlcjpwYXNz".to_owned(),
            "AWS4-HMAC-SHA256".to_owned(),
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host"),
            format!("AWS4-HMAC-SHA256 {scope}, Signature={SIGNATURE}"),
            format!("AWS4-HMAC-SHA256 SignedHeaders=host, Signature={SIGNATURE}"),
            format!("AWS4-HMAC-SHA256 {scope}, {scope}, SignedHeaders=host, Signature={SIGNATURE}"),
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=abc"),
            format!("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature={SIGNATURE}"),
        ] {
            assert_eq!(parse(&bad), Err(ErrorKind::IncompleteSignature), "{bad}");
        }
    }

    #[test]
    fn a_presigned_url_is_told_from_an_unsigned_request() {
        let none = HeaderMap::new();
        let kind = |query: &str| Authorization::parse(&none, query).unwrap_err().kind;
        assert_eq!(kind("operation=put"), ErrorKind::MissingAuthenticationToken);
        assert_eq!(kind("X-Amz-Algorithm=AWS4-HMAC-SHA256"), ErrorKind::IncompleteSignature);
    }

    #[test]
    fn dates_print_as_they_were_read_and_others_are_refused() {
        for good in ["19700101T000000Z", "20240229T235959Z", "20261123T101112Z"] {
            assert_eq!(parse_date(good).map(print_date).as_deref(), Some(good));
        }
        for bad in
            ["", "20230229T000000Z", "20261123T101112", "2026-11-23T10:11Z", "20261323T000000Z"]
        {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
