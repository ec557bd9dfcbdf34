//! Answers that are none: documented error codes, and what each of them means.
//!
//! That a setting is not there is an answer, that it may not be read is none. Both come as errors, told apart by their
//! codes alone, so an unknown code is never taken for absence.

use proofbook_checks::inventory::Reason;
use serde_json::Value as Json;

use super::services::is_region;
use super::xml;
use crate::observed::Unread;
use crate::web::Answer;

/// The header in which a store tells where a bucket is.
const REGION: &str = "x-amz-bucket-region";

/// The code of an error answer; empty where there is none.
pub(super) fn code_of(answer: &Answer) -> String {
    let Ok(text) = answer.text() else { return String::new() };
    if let Some(error) = xml::error(text) {
        return error.code;
    }
    // The key service speaks JSON: `{"__type": "com.amazonaws.kms#AccessDeniedException"}`.
    let json: Json = serde_json::from_str(text).unwrap_or_default();
    let code = json.get("__type").and_then(Json::as_str).unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().to_owned()
}

/// Another region than the one that was asked, in which the answer says the bucket is.
pub(super) fn other_region(answer: &Answer, asked: &str) -> Option<String> {
    if !matches!(answer.status, 301 | 307 | 400) {
        return None;
    }
    let told = answer.header(REGION).map(str::to_owned).or_else(|| xml::error(answer.text().ok()?)?.region);
    told.filter(|region| is_region(region) && region != asked)
}

/// The region that the answer's headers tell, whatever its status.
pub(super) fn told_region(answer: &Answer) -> Option<String> {
    answer.header(REGION).filter(|region| is_region(region)).map(str::to_owned)
}

/// Why an answer is none. `what` names the question and the permission that it takes.
pub(super) fn refusal(answer: &Answer, what: &str) -> Unread {
    let code = code_of(answer);
    let reason = reason(&code, answer.status);
    let space = if code.is_empty() { "" } else { " " };
    Unread::new(reason, format!("{what}: the answer is {}{space}{code}", answer.status))
}

fn reason(code: &str, status: u16) -> Reason {
    match code.strip_suffix("Exception").unwrap_or(code) {
        "AccessDenied"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "ExpiredToken"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidToken"
        | "NotSignedUp"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired"
        | "Unauthorized"
        | "UnauthorizedAccess"
        | "UnrecognizedClient" => Reason::NotPermitted,
        "RequestTimeTooSkewed" | "RequestExpired" => Reason::ClockSkew,
        "SlowDown" | "Throttled" | "Throttling" | "RequestLimitExceeded" | "TooManyRequests" => Reason::Throttled,
        "MethodNotAllowed" | "NotImplemented" | "UnsupportedOperation" | "XNotImplemented" => Reason::NotServed,
        "NoSuchBucket" | "NotFound" => Reason::DanglingReference,
        "RequestTimeout" => Reason::Timeout,
        // In another region or at another endpoint, which was not told or did not help.
        "AuthorizationHeaderMalformed" | "IllegalLocationConstraint" | "PermanentRedirect" | "Redirect" | "TemporaryRedirect" => {
            Reason::Unreachable
        }
        _ => match status {
            401 | 403 => Reason::NotPermitted,
            404 | 405 | 501 => Reason::NotServed,
            429 => Reason::Throttled,
            _ => Reason::Unreachable,
        },
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec(), clock_offset_ms: None }
    }

    fn error(status: u16, code: &str) -> Answer {
        answer(status, &format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>User: arn:x</Message></Error>"))
    }

    #[test]
    fn every_documented_code_has_its_reason() {
        for (status, code, reason) in [
            (403, "AccessDenied", Reason::NotPermitted),
            (403, "AllAccessDisabled", Reason::NotPermitted),
            (403, "InvalidAccessKeyId", Reason::NotPermitted),
            (403, "SignatureDoesNotMatch", Reason::NotPermitted),
            (400, "ExpiredToken", Reason::NotPermitted),
            (403, "RequestTimeTooSkewed", Reason::ClockSkew),
            (503, "SlowDown", Reason::Throttled),
            (503, "ServiceUnavailable", Reason::Unreachable),
            (500, "InternalError", Reason::Unreachable),
            (501, "NotImplemented", Reason::NotServed),
            (405, "MethodNotAllowed", Reason::NotServed),
            (404, "NoSuchBucket", Reason::DanglingReference),
            (400, "RequestTimeout", Reason::Timeout),
            (301, "PermanentRedirect", Reason::Unreachable),
            (307, "TemporaryRedirect", Reason::Unreachable),
            (400, "AuthorizationHeaderMalformed", Reason::Unreachable),
            (404, "SomethingNew", Reason::NotServed),
            (400, "SomethingNew", Reason::Unreachable),
        ] {
            let unread = refusal(&error(status, code), "GET ?policy");
            assert_eq!(unread.reason, reason, "{status} {code}");
            assert_eq!(unread.detail, format!("GET ?policy: the answer is {status} {code}"));
        }
    }

    #[test]
    fn an_answer_without_a_code_is_told_by_its_status() {
        for (status, reason) in [
            (403, Reason::NotPermitted),
            (404, Reason::NotServed),
            (429, Reason::Throttled),
            (502, Reason::Unreachable),
            (302, Reason::Unreachable),
        ] {
            assert_eq!(refusal(&answer(status, "<html>no</html>"), "GET ?acl").reason, reason, "{status}");
        }
        let of_keys = answer(400, r#"{"__type":"com.amazonaws.kms#AccessDeniedException","message":"no"}"#);
        assert_eq!(refusal(&of_keys, "kms").reason, Reason::NotPermitted);
        let of_identity = answer(403, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code></Error></ErrorResponse>");
        assert_eq!(refusal(&of_identity, "sts").detail, "sts: the answer is 403 InvalidClientTokenId");
    }

    #[test]
    fn another_region_is_taken_from_the_header_or_the_error() {
        let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
        assert_eq!(other_region(&answer(400, malformed), "us-east-1").as_deref(), Some("eu-west-1"));
        assert_eq!(other_region(&answer(400, malformed), "eu-west-1"), None);
        assert_eq!(other_region(&answer(403, malformed), "us-east-1"), None);
        let mut redirected = error(301, "PermanentRedirect");
        assert_eq!(other_region(&redirected, "us-east-1"), None);
        redirected.headers.insert("x-amz-bucket-region", "ap-south-1".parse().unwrap());
        assert_eq!(other_region(&redirected, "us-east-1").as_deref(), Some("ap-south-1"));
        redirected.headers.insert("x-amz-bucket-region", "evil.example.com/".parse().unwrap());
        assert_eq!(other_region(&redirected, "us-east-1"), None);
    }
}
