//! Registries of clouds, by their own interface for administration: whether tags can be overwritten, and whether images are scanned
//! when they arrive. Known are Amazon ECR and Google Artifact Registry; every repository of an account and region is a `Project`.
//!
//! Which image arrived last is not asked: neither interface lists images by their time.

use std::time::Duration;

use proofbook_checks::inventory::{Actor, Assurance, Reason, Request, Target};
use proofbook_checks::resource::Source;
use proofbook_checks::settings::glob;
use proofbook_controls::yaml::Spanned;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::clock::our_clock;
use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::s3::{AwsService, Signer, Unsigned, is_region};
use crate::service::{Access, Service};
use crate::settings::{Credential, SettingsError, Setup};
use crate::web::{Web, WebSettings};

/// How many pages a list may have.
const PAGES: usize = 1000;

/// The registry of an AWS account in a region.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcrSettings {
    /// The region.
    pub region: Spanned<String>,
    /// Where it is asked; Amazon's own place of the region where nothing is said.
    #[serde(default)]
    pub endpoint: Option<Spanned<String>>,
    /// The id of the access key.
    pub access_key_id: Credential,
    /// The secret of the access key.
    pub secret_access_key: Credential,
    /// The token of temporary keys.
    #[serde(default)]
    pub session_token: Option<Credential>,
}

/// The Artifact Registry of a Google Cloud project in a location.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactRegistrySettings {
    /// The project.
    pub project: Spanned<String>,
    /// The location: `europe-west3`, `europe`.
    pub location: String,
    /// Where it is asked; Google's own place where nothing is said.
    #[serde(default)]
    pub url: Option<Spanned<String>>,
    /// Who asks: an access token with `artifactregistry.repositories.list`.
    pub access: Access,
}

/// A registry of a cloud.
#[derive(Debug)]
pub(super) enum Cloud {
    Amazon(Amazon),
    Google(Google),
}

/// Amazon's, in a region.
#[derive(Debug)]
pub(super) struct Amazon {
    target: String,
    region: String,
    url: Url,
    signer: Signer,
    web: Web,
}

/// Google's, in a location of a project.
#[derive(Debug)]
pub(super) struct Google {
    service: Service,
    path: String,
}

/// What came of a registry.
pub(super) struct Read {
    pub(super) records: Vec<(String, Json)>,
    pub(super) requests: Vec<Request>,
    pub(super) target: Target,
}

impl EcrSettings {
    pub(super) fn open(&self, target: &str, setup: &Setup<'_>) -> Result<Cloud, SettingsError> {
        let region = &self.region.value;
        let fault = |detail: &str| SettingsError { target: setup.place(&self.region), detail: detail.to_owned() };
        if !is_region(region) {
            return Err(fault("a region has small letters, digits and dashes only"));
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let text = self.endpoint.as_ref().map_or_else(|| format!("https://api.ecr.{region}.{domain}/"), |url| url.value.clone());
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty());
        let url = url.ok_or_else(|| fault("expected an endpoint that starts with https:// or http://"))?;
        let label = format!("{target}/ecr.{region}");
        let session = self.session_token.as_ref().map(|token| setup.secret(&label, token)).transpose()?;
        let (id, key) = (setup.secret(&label, &self.access_key_id)?, setup.secret(&label, &self.secret_access_key)?);
        let signer = Signer::new(&id, &key, session.as_ref());
        let settings = WebSettings { deadline: Duration::from_secs(10), ..WebSettings::new(Source::Registry, &label) };
        let web = Web::new(settings).map_err(|detail| fault(&detail))?;
        Ok(Cloud::Amazon(Amazon { target: label, region: region.clone(), url, signer, web }))
    }
}

impl ArtifactRegistrySettings {
    pub(super) fn open(&self, target: &str, setup: &Setup<'_>) -> Result<Cloud, SettingsError> {
        let sound =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'.'));
        if !sound(&self.project.value) || !sound(&self.location) {
            let detail = "expected the ids of a project and a location".to_owned();
            return Err(SettingsError { target: setup.place(&self.project), detail });
        }
        let url = self.url.clone();
        let url = url.unwrap_or_else(|| Spanned { value: "https://artifactregistry.googleapis.com".to_owned(), span: self.project.span });
        let name = format!("{}/{}", self.project.value, self.location);
        let service = Service::open(Source::Registry, target, &name, &url, &self.access, setup)?;
        let path = format!("v1/projects/{}/locations/{}/repositories", self.project.value, self.location);
        Ok(Cloud::Google(Google { service, path }))
    }
}

impl Cloud {
    pub(super) fn plan(&self) -> Vec<PlannedRequest> {
        match self {
            Self::Google(google) => vec![google.service.planned(&google.path, &[("pageSize", "500")], "whether tags are immutable")],
            Self::Amazon(amazon) => [
                "ecr:DescribeRepositories: whether tags are immutable",
                "ecr:GetRegistryScanningConfiguration: whether images are scanned on arrival",
            ]
            .map(|reason| PlannedRequest {
                source: Source::Registry,
                target: amazon.target.clone(),
                method: "POST".to_owned(),
                query: amazon.url.to_string(),
                reason: reason.to_owned(),
            })
            .to_vec(),
        }
    }

    pub(super) async fn read(&self) -> Read {
        match self {
            Self::Amazon(amazon) => amazon.read().await,
            Self::Google(google) => google.read().await,
        }
    }
}

impl Amazon {
    async fn read(&self) -> Read {
        let nothing = json!({});
        let (repositories, scanning) = tokio::join!(self.repositories(), self.ask("GetRegistryScanningConfiguration", &nothing));
        let records = match repositories {
            Err(unread) => vec![(format!("ecr.{}", self.region), unread.to_json())],
            Ok(found) => found.iter().map(|repository| self.record(repository, &scanning)).collect(),
        };
        let target = Target {
            source: Source::Registry,
            name: self.target.clone(),
            identity: self.url.to_string(),
            version: String::new(),
            actor: Actor { identity: "holder of the access key".to_owned(), auth: "access-key".to_owned(), rights_sha256: None },
            clock_offset_ms: self.web.clock_offset_ms(&self.url),
            assurance: Assurance::Live,
        };
        Read { records, requests: self.web.requests(), target }
    }

    fn record(&self, told: &Json, scanning: &Result<Json, Unread>) -> (String, Json) {
        let name = told["repositoryName"].as_str().unwrap_or_default();
        let place = told["repositoryUri"].as_str().unwrap_or(name);
        let registry = place.split('/').next().unwrap_or_default();
        let immutable = match told["imageTagMutability"].as_str() {
            Some("IMMUTABLE") => json!([rule(false)]),
            // Tags that a filter names can still be moved.
            Some("IMMUTABLE_WITH_EXCLUSION" | "MUTABLE_WITH_EXCLUSION") => json!([rule(true)]),
            Some("MUTABLE") => json!([]),
            _ => Unread::new(Reason::ParseError, "the repository does not tell whether its tags are immutable").to_json(),
        };
        let by_registry = scanning.as_ref().map_err(Clone::clone).map(|told| {
            let rules = told["scanningConfiguration"]["rules"].as_array().into_iter().flatten();
            let mut on_push = rules.filter(|rule| matches!(rule["scanFrequency"].as_str(), Some("SCAN_ON_PUSH" | "CONTINUOUS_SCAN")));
            on_push.any(|rule| {
                let filters = rule["repositoryFilters"].as_array().into_iter().flatten();
                filters.filter_map(|filter| filter["filter"].as_str()).any(|filter| glob(filter, name))
            })
        });
        let own = told["imageScanningConfiguration"]["scanOnPush"] == true;
        let scanned = if own { Ok(json!(true)) } else { by_registry.map(|found| json!(found)) };
        let content = json!({
            "registry": registry, "product": "ecr", "immutable": immutable, "scan_on_push": part(scanned), "latest": not_asked().to_json(),
        });
        (place.to_owned(), content)
    }

    async fn repositories(&self) -> Result<Vec<Json>, Unread> {
        let (mut found, mut input) = (Vec::new(), json!({"maxResults": 1000}));
        for _ in 0..PAGES {
            let told = self.ask("DescribeRepositories", &input).await?;
            let page = told["repositories"].as_array();
            found.extend(page.ok_or_else(|| Unread::new(Reason::ParseError, "the answer lists no repositories"))?.iter().cloned());
            match told["nextToken"].as_str() {
                Some(next) => input["nextToken"] = next.into(),
                None => return Ok(found),
            }
        }
        Err(Unread::new(Reason::IncompleteList, "the list of repositories does not end"))
    }

    async fn ask(&self, action: &str, input: &Json) -> Result<Json, Unread> {
        let unsigned = |error: String| Unread::new(Reason::NotPermitted, format!("the request cannot be signed: {error}"));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        let named = HeaderValue::from_str(&format!("AmazonEC2ContainerRegistry_V20150921.{action}"));
        let named = named.map_err(|_| Unread::new(Reason::ParseError, "the action cannot stand in a header"))?;
        headers.insert(HeaderName::from_static("x-amz-target"), named);
        let body = input.to_string().into_bytes();
        let request = Unsigned { service: AwsService::Ecr, region: &self.region, method: &Method::POST, url: &self.url, body: &body };
        self.signer.sign(&request, &mut headers, our_clock()).map_err(unsigned)?;
        let answer = self.web.request(Method::POST, &self.url, &headers, Some(body)).await?;
        // AWS tells a missing right with 400 and the name of the fault.
        if answer.status == 400 && answer.json().is_ok_and(|told| told["__type"].as_str().is_some_and(|kind| kind.contains("AccessDenied")))
        {
            return Err(Unread::new(Reason::NotPermitted, format!("ecr:{action}")));
        }
        answer
            .ok()
            .and_then(|answer| answer.json())
            .map_err(|unread| Unread::new(unread.reason, format!("ecr:{action}: {}", unread.detail)))
    }
}

impl Google {
    async fn read(&self) -> Read {
        let records = match self.repositories().await {
            Err(unread) => vec![(self.service.name.clone(), unread.to_json())],
            Ok(found) => found.iter().filter(|told| told["format"] == "DOCKER").map(|told| self.record(told)).collect(),
        };
        Read { records, requests: self.service.requests(), target: self.service.met("") }
    }

    fn record(&self, told: &Json) -> (String, Json) {
        let name = told["name"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
        let immutable = if told["dockerConfig"]["immutableTags"] == true { json!([rule(false)]) } else { json!([]) };
        let content = json!({
            "registry": self.service.name,
            "product": "artifact-registry",
            "immutable": immutable,
            "scan_on_push": told["vulnerabilityScanningConfig"]["enablementState"] == "SCANNING_ACTIVE",
            "latest": not_asked().to_json(),
        });
        (format!("{}/{name}", self.service.name), content)
    }

    async fn repositories(&self) -> Result<Vec<Json>, Unread> {
        let (mut found, mut page) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let first = [("pageSize", "500")];
            let more = [("pageSize", "500"), ("pageToken", page.as_str())];
            let told = self.service.json(&self.path, if page.is_empty() { &first } else { &more }).await?;
            // A location without a repository answers with an empty object.
            found.extend(told["repositories"].as_array().into_iter().flatten().cloned());
            match told["nextPageToken"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => page = next.to_owned(),
                None => return Ok(found),
            }
        }
        Err(Unread::new(Reason::IncompleteList, "the list of repositories does not end"))
    }
}

// In the form of the rules of Harbor, by which the check is written.
fn rule(excludes: bool) -> Json {
    json!({"enabled": true, "tags": "**", "excludes": excludes, "repositories": "**", "excludes_repositories": false})
}

fn not_asked() -> Unread {
    Unread::new(Reason::NotServed, "which image arrived last is not told by this registry")
}
