//! Projects of a Harbor: whether tags can be overwritten, and whether images are scanned when they arrive.

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::client::Client;
use crate::observed::{Unread, part};
use crate::wanted::Asked;

/// The API of one Harbor.
pub(super) struct Harbor<'h> {
    pub client: &'h Client,
    pub host: &'h str,
}

impl Harbor<'_> {
    /// What would be asked about a project.
    pub(super) fn plan(&self, project: &str, asked: &Asked<'_>) -> Vec<(String, &'static str)> {
        let mut plan = Vec::new();
        let mut add = |part: &str, path: String, reason: &'static str| {
            if asked.part("Project", part) {
                plan.push((path, reason));
            }
        };
        add("scan_on_push", settings(project), "whether images are scanned on arrival");
        add("immutable", rules(project), "which tags cannot be overwritten");
        add("latest", repositories(project), "where the latest image arrived");
        add("latest", format!("api/v2.0/projects/{project}/repositories/{{repository}}/artifacts"), "when it arrived and was scanned");
        plan
    }

    /// The record of a project.
    pub(super) async fn project(&self, project: &str, asked: &Asked<'_>) -> (String, Json) {
        let mut content = json!({"registry": self.host, "product": "harbor"});
        if asked.part("Project", "scan_on_push") {
            content["scan_on_push"] = part(self.scan_on_push(project).await);
        }
        if asked.part("Project", "immutable") {
            content["immutable"] = part(self.immutable(project).await);
        }
        if asked.part("Project", "latest") {
            content["latest"] = part(self.latest(project).await);
        }
        (format!("{}/{project}", self.host), content)
    }

    async fn scan_on_push(&self, project: &str) -> Result<Json, Unread> {
        let (told, _) = self.client.api(&settings(project)).await?;
        let metadata = told["metadata"].as_object().ok_or_else(|| fault("a project has no metadata"))?;
        Ok(json!(metadata.get("auto_scan").is_some_and(|auto| *auto == "true" || *auto == true)))
    }

    async fn immutable(&self, project: &str) -> Result<Json, Unread> {
        let (told, headers) = self.client.api(&rules(project)).await?;
        let rules = told.as_array().ok_or_else(|| fault("the rules of immutability are no list"))?;
        let total = headers.get("x-total-count").and_then(|count| count.to_str().ok()?.parse::<usize>().ok());
        if total.is_some_and(|total| total > rules.len()) {
            return Err(Unread::new(Reason::IncompleteList, "more rules of immutability than one page holds"));
        }
        let rule = |rule: &Json| {
            let tags = &rule["tag_selectors"][0];
            let repositories = &rule["scope_selectors"]["repository"][0];
            json!({
                "enabled": rule["disabled"] != true,
                "tags": tags["pattern"],
                "excludes": tags["decoration"] == "excludes",
                "repositories": repositories["pattern"],
                "excludes_repositories": repositories["decoration"] == "repoExcludes",
            })
        };
        Ok(rules.iter().map(rule).collect())
    }

    // The image that arrived last, and when it was scanned.
    async fn latest(&self, project: &str) -> Result<Json, Unread> {
        let (told, _) = self.client.api(&repositories(project)).await?;
        let Some(name) = told[0]["name"].as_str() else { return Ok(json!({})) };
        // Slashes within the name of a repository are escaped twice.
        let short = name.strip_prefix(&format!("{project}/")).unwrap_or(name).replace('/', "%252F");
        let path =
            format!("api/v2.0/projects/{project}/repositories/{short}/artifacts?page_size=1&sort=-push_time&with_scan_overview=true");
        let (told, _) = self.client.api(&path).await?;
        let artifact = &told[0];
        let scan = artifact["scan_overview"].as_object().and_then(|reports| reports.values().next());
        Ok(json!({
            "repository": name,
            "pushed_at": artifact["push_time"],
            "scan_status": scan.map(|scan| scan["scan_status"].clone()),
            "scanned_at": scan.map(|scan| scan["end_time"].clone()),
        }))
    }
}

fn settings(project: &str) -> String {
    format!("api/v2.0/projects/{project}")
}

fn rules(project: &str) -> String {
    format!("api/v2.0/projects/{project}/immutabletagrules?page_size=100")
}

fn repositories(project: &str) -> String {
    format!("api/v2.0/projects/{project}/repositories?page_size=1&sort=-update_time")
}

fn fault(detail: &str) -> Unread {
    Unread::new(Reason::ParseError, detail)
}
