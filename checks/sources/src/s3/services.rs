//! Where the services of an account are: Amazon's by region, or as the workspace names them.

use reqwest::Url;

/// A service that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Buckets.
    S3,
    /// Settings of the account about all of its buckets.
    Control,
    /// Keys.
    Kms,
    /// Who is asking.
    Sts,
    /// Registries of images.
    Ecr,
}

impl Service {
    /// The name in signatures.
    pub(super) const fn signing_name(self) -> &'static str {
        match self {
            Self::S3 | Self::Control => "s3",
            Self::Kms => "kms",
            Self::Sts => "sts",
            Self::Ecr => "ecr",
        }
    }
}

/// Where the services of an account are.
#[derive(Clone, Debug, Default)]
pub(super) struct Services {
    /// The object store; Amazon's where nothing is said.
    pub(super) s3: Option<Url>,
    /// The settings of the account.
    pub(super) control: Option<Url>,
    /// The key service.
    pub(super) kms: Option<Url>,
    /// The identity service.
    pub(super) sts: Option<Url>,
}

impl Services {
    /// Whether the object store is Amazon's own, so that the services of all its regions are known.
    pub(super) const fn is_amazon(&self) -> bool {
        self.s3.is_none()
    }

    /// The URL of a service in a region; none where the account has no such service.
    pub(super) fn url(&self, service: Service, region: &str, account_id: &str) -> Option<Url> {
        let named = match service {
            Service::S3 => &self.s3,
            Service::Control => &self.control,
            Service::Kms => &self.kms,
            Service::Sts => &self.sts,
            Service::Ecr => return None,
        };
        if named.is_some() || !self.is_amazon() {
            return named.clone();
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let host = match service {
            Service::S3 => "s3".to_owned(),
            Service::Control => format!("{account_id}.s3-control"),
            Service::Kms => "kms".to_owned(),
            Service::Sts => "sts".to_owned(),
            Service::Ecr => return None,
        };
        Url::parse(&format!("https://{host}.{region}.{domain}/")).ok()
    }
}

/// Whether a text that a server told can be a region: it becomes a part of a host name.
pub(crate) fn is_region(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazon_is_known_by_region_and_every_other_store_has_what_it_names() {
        let amazon = Services::default();
        let url = |service, region| amazon.url(service, region, "123456789012").map(String::from).unwrap_or_default();
        assert_eq!(url(Service::S3, "eu-central-1"), "https://s3.eu-central-1.amazonaws.com/");
        assert_eq!(url(Service::Control, "eu-west-1"), "https://123456789012.s3-control.eu-west-1.amazonaws.com/");
        assert_eq!(url(Service::Kms, "cn-north-1"), "https://kms.cn-north-1.amazonaws.com.cn/");
        let other = Services { s3: Url::parse("https://minio.example.com").ok(), ..Services::default() };
        assert_eq!(other.url(Service::S3, "eu-west-1", "").map(String::from).as_deref(), Some("https://minio.example.com/"));
        assert_eq!(other.url(Service::Kms, "eu-west-1", ""), None);
    }

    #[test]
    fn what_a_server_calls_a_region_is_no_way_out_of_the_domain() {
        assert!(is_region("eu-central-1") && is_region("auto"));
        for refused in ["", "evil.example.com/", "eu_west", "EU", "a@b", &"x".repeat(33)] {
            assert!(!is_region(refused), "{refused}");
        }
    }
}
