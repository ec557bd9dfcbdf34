//! What a server's refusals mean: its documented codes (SQLSTATE), and what never became an answer.

use std::error::Error as _;
use std::io;

use proofbook_checks::inventory::Reason;

use crate::observed::Unread;

/// Why something was not answered. `what` names the question and the right that it takes.
pub(super) fn unread(error: &tokio_postgres::Error, what: &str) -> Unread {
    if let Some(refusal) = error.as_db_error() {
        let code = refusal.code().code();
        return Unread::new(reason(code), format!("{what}: {code} {}", refusal.message()));
    }
    let (cause, of_tls) = innermost(error);
    let reason = match error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind) {
        // A certificate that is not trusted, or a handshake that failed.
        _ if of_tls => Reason::Unreachable,
        Some(io::ErrorKind::TimedOut) => Reason::Timeout,
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => Reason::ParseError,
        Some(_) => Reason::Unreachable,
        None if error.is_closed() => Reason::Unreachable,
        None if cause.contains("TLS") => Reason::NotServed,
        None => Reason::ParseError,
    };
    Unread::new(reason, format!("{what}: {cause}"))
}

/// What a code means.
pub(super) fn reason(code: &str) -> Reason {
    match code {
        // Statement timeout, lock timeout, timeout of a session that idles.
        "57014" | "55P03" | "25P03" => Reason::Timeout,
        // Too many connections.
        "53300" => Reason::Throttled,
        // No such view or function: the server is older than the question. No such database.
        "42P01" | "42883" | "42703" | "3D000" => Reason::NotServed,
        // No right; wrong user, password or rule of authentication.
        "42501" => Reason::NotPermitted,
        _ if code.starts_with("28") => Reason::NotPermitted,
        _ if code.starts_with("08") || code.starts_with("57") || code.starts_with("53") => Reason::Unreachable,
        _ => Reason::ParseError,
    }
}

// The cause that says something, and whether it is one of TLS.
fn innermost(error: &tokio_postgres::Error) -> (String, bool) {
    let mut cause: &dyn std::error::Error = error;
    let mut of_tls = false;
    while let Some(inner) = cause.source() {
        cause = inner;
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        of_tls |= inside.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
    }
    (cause.to_string(), of_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_has_its_reason() {
        for (code, expected) in [
            ("28P01", Reason::NotPermitted),
            ("28000", Reason::NotPermitted),
            ("42501", Reason::NotPermitted),
            ("57014", Reason::Timeout),
            ("53300", Reason::Throttled),
            ("57P03", Reason::Unreachable),
            ("57P01", Reason::Unreachable),
            ("08006", Reason::Unreachable),
            ("3D000", Reason::NotServed),
            ("42P01", Reason::NotServed),
            ("XX000", Reason::ParseError),
        ] {
            assert_eq!(reason(code), expected, "{code}");
        }
    }
}
