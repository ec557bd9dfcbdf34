//! The population of changes: what was merged into a branch over a period, and what came to it past review.
//!
//! The list of pull requests is walked until it is older than the period, and the branch itself from its head along first parents,
//! so that a commit that no pull request explains is seen. Authors are compared with approvers and then forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::github::{get, pages};
use super::repository::short;
use crate::clock::our_clock;
use crate::observed::Unread;
use crate::service::Service;

/// For how many changes approvals and checks are asked; more are an error rather than a part.
const MOST: usize = 500;

/// The changes of one branch.
pub(super) struct Changes<'c> {
    pub service: &'c Service,
    pub repository: &'c str,
    pub branch: &'c str,
    pub days: u32,
}

impl Changes<'_> {
    pub(super) async fn read(&self) -> Result<Json, Unread> {
        let to = jiff::Timestamp::try_from(our_clock()).map_err(|_| Unread::new(Reason::ClockSkew, "the clock is out of range"))?;
        let period = Duration::from_hours(u64::from(self.days) * 24);
        let from = to.checked_sub(period).map_err(|_| Unread::new(Reason::ParseError, "the period is too long"))?;
        let from = jiff::Timestamp::from_second(from.as_second()).unwrap_or(from).to_string();
        let merged = self.merged(&from).await?;
        if merged.len() > MOST {
            let detail = format!("{} changes in {} days are more than {MOST}; choose a shorter period", merged.len(), self.days);
            return Err(Unread::new(Reason::IncompleteList, detail));
        }
        let direct = self.direct(&from, &merged).await?;
        let mut changes = Vec::new();
        for pull in &merged {
            changes.push(self.change(pull).await?);
        }
        let to = jiff::Timestamp::from_second(to.as_second()).unwrap_or(to).to_string();
        Ok(json!({
            "repository": self.repository, "branch": self.branch, "from": from, "to": to, "days": self.days,
            "changes": changes, "direct": direct,
        }))
    }

    fn at(&self, path: &str) -> String {
        format!("repos/{}/{path}", self.repository)
    }

    // The pull requests that were merged since; the list is in the order of the last change, so it ends with the first older one.
    async fn merged(&self, from: &str) -> Result<Vec<Json>, Unread> {
        let mut out = Vec::new();
        for page in 1_u32..=100 {
            let page = page.to_string();
            let query = [
                ("state", "closed"),
                ("base", self.branch),
                ("sort", "updated"),
                ("direction", "desc"),
                ("per_page", "100"),
                ("page", page.as_str()),
            ];
            let told = get(self.service, &self.at("pulls"), &query).await?;
            let list = told.as_array().ok_or_else(|| Unread::new(Reason::ParseError, "the pull requests are no list"))?;
            out.extend(list.iter().filter(|pull| pull["merged_at"].as_str().is_some_and(|at| at >= from)).cloned());
            let older = list.last().is_some_and(|pull| pull["updated_at"].as_str().is_some_and(|at| at < from));
            if list.len() < 100 || older {
                return Ok(out);
            }
        }
        Err(Unread::new(Reason::IncompleteList, "more pull requests than can be listed"))
    }

    // What the branch holds of the period along first parents, less what pull requests explain.
    async fn direct(&self, from: &str, merged: &[Json]) -> Result<Vec<Json>, Unread> {
        let commits = pages(self.service, &self.at("commits"), &[("sha", self.branch), ("since", from)]).await?;
        let explained: BTreeSet<&str> = merged.iter().filter_map(|pull| pull["merge_commit_sha"].as_str()).collect();
        let by_sha: BTreeMap<&str, &Json> = commits.iter().filter_map(|commit| Some((commit["sha"].as_str()?, commit))).collect();
        let mut out = Vec::new();
        let mut next = commits.first().and_then(|commit| commit["sha"].as_str());
        while let Some(sha) = next {
            let Some(commit) = by_sha.get(sha) else { break };
            next = commit["parents"][0]["sha"].as_str();
            if explained.contains(sha) {
                continue;
            }
            // A pull request that was rebased leaves several commits, of which only the last is named by it.
            let pulls = get(self.service, &self.at(&format!("commits/{sha}/pulls")), &[]).await?;
            let pulls = pulls.as_array().map(Vec::as_slice).unwrap_or_default();
            if !pulls.iter().any(|pull| pull["merged_at"].is_string() && pull["base"]["ref"] == self.branch) {
                out.push(json!({"commit": short(sha)}));
            }
        }
        Ok(out)
    }

    async fn change(&self, pull: &Json) -> Result<Json, Unread> {
        let number = pull["number"].as_u64().unwrap_or_default();
        let reviews = pages(self.service, &self.at(&format!("pulls/{number}/reviews")), &[]).await?;
        let author = &pull["user"]["id"];
        let mut latest: BTreeMap<String, &str> = BTreeMap::new();
        for review in &reviews {
            let state = review["state"].as_str().unwrap_or_default();
            // A comment changes nothing about an approval.
            if review["user"]["id"] != *author && state != "COMMENTED" {
                latest.insert(review["user"]["id"].to_string(), state);
            }
        }
        let head = pull["head"]["sha"].as_str().unwrap_or_default();
        let told = get(self.service, &self.at(&format!("commits/{head}/check-runs")), &[("per_page", "100")]).await?;
        let runs = told["check_runs"].as_array().ok_or_else(|| Unread::new(Reason::ParseError, "the checks are no list"))?;
        if told["total_count"].as_u64().is_some_and(|total| total > runs.len() as u64) {
            return Err(Unread::new(Reason::IncompleteList, "more checks ran on a commit than one page holds"));
        }
        let run = |run: &Json| json!({"name": run["name"], "conclusion": run["conclusion"]});
        Ok(json!({
            "number": number,
            "merged_at": pull["merged_at"],
            "commit": pull["merge_commit_sha"],
            "by_bot": pull["user"]["type"] == "Bot",
            "approvals": latest.values().filter(|state| **state == "APPROVED").count(),
            "checks": runs.iter().map(run).collect::<Vec<_>>(),
        }))
    }
}
