//! Signatures of requests: AWS Signature Version 4, by the library that Amazon keeps for it.

use std::fmt;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::header::{HeaderMap, HeaderName};
use reqwest::{Method, Url};

use super::services::Service;
use crate::settings::Secret;
use crate::web::sensitive_header;

/// Signs with one pair of keys. The keys are never printed.
pub(crate) struct Signer {
    credentials: Credentials,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    pub(crate) fn new(id: &Secret, key: &Secret, session: Option<&Secret>) -> Self {
        let session = session.map(|session| session.reveal().to_owned());
        Self { credentials: Credentials::new(id.reveal(), key.reveal(), session, None, "proofbook") }
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        Self { credentials: Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None, None, "tests") }
    }

    /// Adds the signature of a request to its headers.
    pub(crate) fn sign(&self, request: &Unsigned<'_>, headers: &mut HeaderMap, at: SystemTime) -> Result<(), String> {
        let mut settings = SigningSettings::default();
        if matches!(request.service, Service::S3 | Service::Control) {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(request.region)
            .name(request.service.signing_name())
            .time(at)
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?;
        let given: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned())).collect();
        let signable = SignableRequest::new(
            request.method.as_str(),
            request.url.as_str(),
            given.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            SignableBody::Bytes(request.body),
        )
        .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &parameters.into()).map_err(|error| error.to_string())?.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
            sensitive_header(headers, name, value)?;
        }
        Ok(())
    }
}

/// A request before it is signed.
pub(crate) struct Unsigned<'r> {
    pub(crate) service: Service,
    pub(crate) region: &'r str,
    pub(crate) method: &'r Method,
    pub(crate) url: &'r Url,
    pub(crate) body: &'r [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example `GET ?lifecycle` of Amazon's description of Signature Version 4 for S3.
    #[test]
    fn the_signature_is_that_of_the_documented_example() {
        let url = Url::parse("https://examplebucket.s3.amazonaws.com/?lifecycle").unwrap();
        let request = Unsigned { service: Service::S3, region: "us-east-1", method: &Method::GET, url: &url, body: b"" };
        let mut headers = HeaderMap::new();
        let at: jiff::Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        Signer::for_tests().sign(&request, &mut headers, at.into()).unwrap();
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(authorization.ends_with("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"), "{authorization}");
        assert!(headers["authorization"].is_sensitive());
        assert_eq!(format!("{:?}", Signer::for_tests()), "Signer(…)");
    }
}
