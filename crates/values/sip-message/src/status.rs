//! Status codes and the reason phrases that go with them.

use std::fmt;

/// A response's status code, 100 to 699.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16);

/// The meaning of a status code's first digit (RFC 3261 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 1xx: going on.
    Provisional,
    /// 2xx: done.
    Success,
    /// 3xx: try elsewhere.
    Redirection,
    /// 4xx: not this request, not here.
    ClientError,
    /// 5xx: not now.
    ServerError,
    /// 6xx: not anywhere.
    GlobalFailure,
}

/// Writes the constants and their phrases from one table.
macro_rules! statuses {
    ($( $name:ident = $code:literal, $phrase:literal; )+) => {
        impl Status {
            $( #[doc = concat!("`", stringify!($code), " ", $phrase, "`")]
               pub const $name: Self = Self($code); )+

            /// The registered reason phrase, or one for the class.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self.0 {
                    $( $code => $phrase, )+
                    _ => self.class().reason(),
                }
            }
        }
    };
}

statuses! {
    TRYING = 100, "Trying";
    RINGING = 180, "Ringing";
    CALL_IS_BEING_FORWARDED = 181, "Call Is Being Forwarded";
    QUEUED = 182, "Queued";
    SESSION_PROGRESS = 183, "Session Progress";
    EARLY_DIALOG_TERMINATED = 199, "Early Dialog Terminated";
    OK = 200, "OK";
    ACCEPTED = 202, "Accepted";
    NO_NOTIFICATION = 204, "No Notification";
    MULTIPLE_CHOICES = 300, "Multiple Choices";
    MOVED_PERMANENTLY = 301, "Moved Permanently";
    MOVED_TEMPORARILY = 302, "Moved Temporarily";
    USE_PROXY = 305, "Use Proxy";
    ALTERNATIVE_SERVICE = 380, "Alternative Service";
    BAD_REQUEST = 400, "Bad Request";
    UNAUTHORIZED = 401, "Unauthorized";
    PAYMENT_REQUIRED = 402, "Payment Required";
    FORBIDDEN = 403, "Forbidden";
    NOT_FOUND = 404, "Not Found";
    METHOD_NOT_ALLOWED = 405, "Method Not Allowed";
    NOT_ACCEPTABLE = 406, "Not Acceptable";
    PROXY_AUTHENTICATION_REQUIRED = 407, "Proxy Authentication Required";
    REQUEST_TIMEOUT = 408, "Request Timeout";
    GONE = 410, "Gone";
    CONDITIONAL_REQUEST_FAILED = 412, "Conditional Request Failed";
    REQUEST_ENTITY_TOO_LARGE = 413, "Request Entity Too Large";
    REQUEST_URI_TOO_LONG = 414, "Request-URI Too Long";
    UNSUPPORTED_MEDIA_TYPE = 415, "Unsupported Media Type";
    UNSUPPORTED_URI_SCHEME = 416, "Unsupported URI Scheme";
    BAD_EXTENSION = 420, "Bad Extension";
    EXTENSION_REQUIRED = 421, "Extension Required";
    SESSION_INTERVAL_TOO_SMALL = 422, "Session Interval Too Small";
    INTERVAL_TOO_BRIEF = 423, "Interval Too Brief";
    USE_IDENTITY_HEADER = 428, "Use Identity Header";
    PROVIDE_REFERRER_IDENTITY = 429, "Provide Referrer Identity";
    ANONYMITY_DISALLOWED = 433, "Anonymity Disallowed";
    TEMPORARILY_UNAVAILABLE = 480, "Temporarily Unavailable";
    CALL_DOES_NOT_EXIST = 481, "Call/Transaction Does Not Exist";
    LOOP_DETECTED = 482, "Loop Detected";
    TOO_MANY_HOPS = 483, "Too Many Hops";
    ADDRESS_INCOMPLETE = 484, "Address Incomplete";
    AMBIGUOUS = 485, "Ambiguous";
    BUSY_HERE = 486, "Busy Here";
    REQUEST_TERMINATED = 487, "Request Terminated";
    NOT_ACCEPTABLE_HERE = 488, "Not Acceptable Here";
    BAD_EVENT = 489, "Bad Event";
    REQUEST_PENDING = 491, "Request Pending";
    UNDECIPHERABLE = 493, "Undecipherable";
    SECURITY_AGREEMENT_REQUIRED = 494, "Security Agreement Required";
    SERVER_INTERNAL_ERROR = 500, "Server Internal Error";
    NOT_IMPLEMENTED = 501, "Not Implemented";
    BAD_GATEWAY = 502, "Bad Gateway";
    SERVICE_UNAVAILABLE = 503, "Service Unavailable";
    SERVER_TIMEOUT = 504, "Server Time-out";
    VERSION_NOT_SUPPORTED = 505, "Version Not Supported";
    MESSAGE_TOO_LARGE = 513, "Message Too Large";
    BUSY_EVERYWHERE = 600, "Busy Everywhere";
    DECLINE = 603, "Decline";
    DOES_NOT_EXIST_ANYWHERE = 604, "Does Not Exist Anywhere";
    NOT_ACCEPTABLE_ANYWHERE = 606, "Not Acceptable";
    UNWANTED = 607, "Unwanted";
    REJECTED = 608, "Rejected";
}

impl Status {
    /// The class; a code outside 100–699, which no message holds, counts with the nearest.
    #[must_use]
    pub fn class(self) -> Class {
        match self.0 {
            0..=199 => Class::Provisional,
            200..=299 => Class::Success,
            300..=399 => Class::Redirection,
            400..=499 => Class::ClientError,
            500..=599 => Class::ServerError,
            600.. => Class::GlobalFailure,
        }
    }

    /// 1xx.
    #[must_use]
    pub fn is_provisional(self) -> bool {
        self.class() == Class::Provisional
    }

    /// 2xx.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.class() == Class::Success
    }

    /// 2xx to 6xx.
    #[must_use]
    pub fn is_final(self) -> bool {
        !self.is_provisional()
    }

    /// 3xx to 6xx: final, and no dialog comes of it.
    #[must_use]
    pub fn is_failure(self) -> bool {
        self.0 >= 300
    }
}

impl Class {
    fn reason(self) -> &'static str {
        match self {
            Self::Provisional => "Session Progress",
            Self::Success => "OK",
            Self::Redirection => "Redirection",
            Self::ClientError => "Request Failure",
            Self::ServerError => "Server Failure",
            Self::GlobalFailure => "Global Failure",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digit_decides_the_class() {
        assert_eq!(Status::RINGING.class(), Class::Provisional);
        assert_eq!(Status(299).class(), Class::Success);
        assert_eq!(Status(399).class(), Class::Redirection);
        assert_eq!(Status(400).class(), Class::ClientError);
        assert_eq!(Status(599).class(), Class::ServerError);
        assert_eq!(Status(699).class(), Class::GlobalFailure);
    }

    #[test]
    fn an_unregistered_code_has_its_class_phrase() {
        assert_eq!(Status(487).reason(), "Request Terminated");
        assert_eq!(Status(499).reason(), "Request Failure");
    }
}
