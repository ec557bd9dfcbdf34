//! Registries of clouds, by their own interface for administration: whether tags can be overwritten, and whether images are scanned
//! when they arrive. Known are Amazon ECR and Google Artifact Registry; every repository of an account and region is a `Project`.

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

use super::arrivals;
use crate::clock::our_clock;
use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::s3::{AwsService, Signer, Unsigned, is_region};
use crate::service::{Access, Service};
use crate::settings::{Credential, SettingsError, Setup};
use crate::wanted::Asked;
use crate::web::{Web, WebSettings};

/// How many pages a list may have.
const PAGES: usize = 1000;

/// The part of a record that tells whether images are scanned when they arrive.
const SCANNING: &str = "scan_on_push";

/// The size of Google's pages.
const PAGE: [(&str, &str); 1] = [("pageSize", "500")];

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
    /// Where the analysis of images is asked; Google's own place where nothing is said.
    #[serde(default)]
    pub analysis_url: Option<Spanned<String>>,
    /// Who asks: an access token with `artifactregistry.repositories.list`, and for the latest image
    /// `artifactregistry.dockerimages.list` and `containeranalysis.occurrences.list`.
    pub access: Access,
}

/// A registry of a cloud.
#[derive(Debug)]
pub(super) enum Cloud {
    Amazon(Box<Amazon>),
    Google(Box<Google>),
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
    analysis: Service,
    occurrences: String,
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
        Ok(Cloud::Amazon(Box::new(Amazon { target: label, region: region.clone(), url, signer, web })))
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
        let at = |given: &Option<Spanned<String>>, usual: &str| {
            given.clone().unwrap_or_else(|| Spanned { value: usual.to_owned(), span: self.project.span })
        };
        let url = at(&self.url, "https://artifactregistry.googleapis.com");
        let analysis = at(&self.analysis_url, "https://containeranalysis.googleapis.com");
        let name = format!("{}/{}", self.project.value, self.location);
        let service = Service::open(Source::Registry, target, &name, &url, &self.access, setup)?;
        let analysis = Service::open(Source::Registry, target, &name, &analysis, &self.access, setup)?;
        let path = format!("v1/projects/{}/locations/{}/repositories", self.project.value, self.location);
        let occurrences = format!("v1/projects/{}/occurrences", self.project.value);
        Ok(Cloud::Google(Box::new(Google { service, path, analysis, occurrences })))
    }
}

impl Cloud {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let (scanning, latest) = (asked.part("Project", SCANNING), asked.part("Project", "latest"));
        match self {
            Self::Google(google) => {
                let mut plan = vec![google.service.planned(&google.path, &PAGE, "whether tags are immutable")];
                if latest {
                    let images = format!("{}/{{repository}}/dockerImages", google.path);
                    plan.push(google.service.planned(&images, &PAGE, "which image arrived last"));
                    let filter = [("filter", "kind=\"DISCOVERY\" AND resourceUrl=\"https://{image}\"")];
                    plan.push(google.analysis.planned(&google.occurrences, &filter, "when it was scanned"));
                }
                plan
            }
            Self::Amazon(amazon) => [
                "ecr:DescribeRepositories: whether tags are immutable",
                "ecr:GetRegistryScanningConfiguration: whether images are scanned on arrival",
                "ecr:DescribeImages: which image arrived last, and when it was scanned",
            ]
            .into_iter()
            .filter(|reason| scanning || !reason.starts_with("ecr:GetRegistryScanningConfiguration"))
            .filter(|reason| latest || !reason.starts_with("ecr:DescribeImages"))
            .map(|reason| PlannedRequest {
                source: Source::Registry,
                target: amazon.target.clone(),
                method: "POST".to_owned(),
                query: amazon.url.to_string(),
                reason: reason.to_owned(),
            })
            .collect(),
        }
    }

    pub(super) async fn read(&self, asked: &Asked<'_>) -> Read {
        let latest = asked.part("Project", "latest");
        match self {
            Self::Amazon(amazon) => amazon.read(asked.part("Project", SCANNING), latest).await,
            Self::Google(google) => google.read(latest).await,
        }
    }
}

impl Amazon {
    async fn read(&self, scanning: bool, latest: bool) -> Read {
        let all = self.list("DescribeRepositories", "repositories", json!({"maxResults": 1000}));
        let nothing = json!({});
        let by_registry = async { if scanning { Some(self.ask("GetRegistryScanningConfiguration", &nothing).await) } else { None } };
        let (repositories, scanning) = tokio::join!(all, by_registry);
        let mut records = Vec::new();
        match repositories {
            Err(unread) => records.push((format!("ecr.{}", self.region), unread.to_json())),
            Ok(found) => {
                for repository in &found {
                    let (name, mut content) = record_of_amazon(repository, scanning.as_ref());
                    if latest {
                        content["latest"] = part(self.latest(repository).await);
                    }
                    records.push((name, content));
                }
            }
        }
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

    async fn latest(&self, repository: &Json) -> Result<Json, Unread> {
        let input = json!({"registryId": repository["registryId"], "repositoryName": repository["repositoryName"], "maxResults": 1000});
        arrivals::amazon(&self.list("DescribeImages", "imageDetails", input).await?)
    }

    async fn list(&self, action: &str, field: &str, mut input: Json) -> Result<Vec<Json>, Unread> {
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let told = self.ask(action, &input).await?;
            let page = told[field].as_array();
            let fault = || Unread::new(Reason::ParseError, format!("ecr:{action}: the answer has no list `{field}`"));
            found.extend(page.ok_or_else(fault)?.iter().cloned());
            match told["nextToken"].as_str() {
                Some(next) => input["nextToken"] = next.into(),
                None => return Ok(found),
            }
        }
        Err(Unread::new(Reason::IncompleteList, format!("ecr:{action}: the list does not end")))
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
    async fn read(&self, latest: bool) -> Read {
        let mut records = Vec::new();
        match self.list(&self.path, "repositories").await {
            Err(unread) => records.push((self.service.name.clone(), unread.to_json())),
            Ok(found) => {
                for told in found.iter().filter(|told| told["format"] == "DOCKER") {
                    let (repository, mut content) = self.record(told);
                    if latest {
                        content["latest"] = part(self.latest(&repository).await);
                    }
                    records.push((format!("{}/{repository}", self.service.name), content));
                }
            }
        }
        let requests = self.service.requests().into_iter().chain(self.analysis.requests()).collect();
        Read { records, requests, target: self.service.met("") }
    }

    fn record(&self, told: &Json) -> (String, Json) {
        let name = told["name"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
        let immutable = if told["dockerConfig"]["immutableTags"] == true { json!([rule(false)]) } else { json!([]) };
        let content = json!({
            "registry": self.service.name,
            "product": "artifact-registry",
            "immutable": immutable,
            "scan_on_push": told["vulnerabilityScanningConfig"]["enablementState"] == "SCANNING_ACTIVE",
        });
        (name.to_owned(), content)
    }

    async fn latest(&self, repository: &str) -> Result<Json, Unread> {
        let images = self.list(&format!("{}/{repository}/dockerImages", self.path), "dockerImages").await?;
        let Some((pushed, image)) = arrivals::latest(&images, |image| image["uploadTime"].as_str()?.parse().ok())? else {
            return Ok(json!({}));
        };
        let uri = image["uri"].as_str().ok_or_else(|| Unread::new(Reason::ParseError, "an image tells no address"))?;
        let filter = format!("kind=\"DISCOVERY\" AND resourceUrl=\"https://{uri}\"");
        Ok(arrivals::google(pushed, &self.analysis.json(&self.occurrences, &[("filter", &filter)]).await?))
    }

    async fn list(&self, path: &str, field: &str) -> Result<Vec<Json>, Unread> {
        let (mut found, mut page) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let more = [PAGE[0], ("pageToken", page.as_str())];
            let told = self.service.json(path, if page.is_empty() { &PAGE } else { &more }).await?;
            // Where there is nothing to list, the answer is an empty object.
            found.extend(told[field].as_array().into_iter().flatten().cloned());
            match told["nextPageToken"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => page = next.to_owned(),
                None => return Ok(found),
            }
        }
        Err(Unread::new(Reason::IncompleteList, format!("{path}: the list does not end")))
    }
}

// Whether images are scanned stands there where the configuration of the registry was asked for.
fn record_of_amazon(told: &Json, scanning: Option<&Result<Json, Unread>>) -> (String, Json) {
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
    let mut content = json!({"registry": registry, "product": "ecr", "immutable": immutable});
    let Some(scanning) = scanning else { return (place.to_owned(), content) };
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
    content[SCANNING] = part(scanned);
    (place.to_owned(), content)
}

// In the form of the rules of Harbor, by which the check is written.
fn rule(excludes: bool) -> Json {
    json!({"enabled": true, "tags": "**", "excludes": excludes, "repositories": "**", "excludes_repositories": false})
}
