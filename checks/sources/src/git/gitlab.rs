//! GitLab: protected branches, who may push and merge, rules of approval, and whether pipelines must succeed.

use proofbook_checks::inventory::Reason;
use serde_json::Value as Json;

use super::branch::Rule;
use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::service::Service;
use crate::wanted::Asked;

/// A project at GitLab.
pub(super) struct GitLab<'g> {
    pub service: &'g Service,
    pub repository: &'g str,
}

impl GitLab<'_> {
    // Slashes within the name of a project are escaped.
    fn project(&self) -> String {
        format!("api/v4/projects/{}", self.repository.replace('/', "%2F"))
    }

    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        if !asked.kind("Branch") {
            return Vec::new();
        }
        let at = |path: &str, reason: &str| self.service.planned(&format!("{}{path}", self.project()), &[], reason);
        vec![
            at("", "which branch is the default, and whether pipelines must succeed"),
            at("/protected_branches/{branch}", "who may push to the branch"),
            at("/approval_rules", "how many must approve"),
            at("/approvals", "whether new commits take approvals back, and authors approve their own"),
        ]
    }

    pub(super) async fn default_branch(&self) -> Result<String, Unread> {
        let told = self.service.json(&self.project(), &[]).await?;
        let branch = told["default_branch"].as_str().map(str::to_owned);
        branch.ok_or_else(|| Unread::new(Reason::ParseError, "the project has no default branch"))
    }

    pub(super) async fn rules(&self, branch: &str) -> Result<Vec<Rule>, Unread> {
        let project = self.service.json(&self.project(), &[]).await?;
        let path = format!("{}/protected_branches/{}", self.project(), branch.replace('/', "%2F"));
        let protection = match self.service.json(&path, &[]).await {
            // The project was there, so it is the protection that is not.
            Err(unread) if unread.reason == Reason::NotServed => return Ok(Vec::new()),
            protection => protection?,
        };
        let approval_rules = self.service.json(&format!("{}/approval_rules", self.project()), &[]).await?;
        let approvals = self.service.json(&format!("{}/approvals", self.project()), &[]).await?;
        let rules = approval_rules.as_array().ok_or_else(|| Unread::new(Reason::ParseError, "the rules of approval are no list"))?;
        let covers = |rule: &&Json| {
            let branches = rule["protected_branches"].as_array().map(Vec::as_slice).unwrap_or_default();
            branches.is_empty() || rule["applies_to_all_protected_branches"] == true || branches.iter().any(|of| of["name"] == branch)
        };
        let asked = rules.iter().filter(covers).filter_map(|rule| rule["approvals_required"].as_u64()).max().unwrap_or_default();
        let mut bypass = Vec::new();
        // Level 0 is nobody: whoever else may push passes the review by.
        for level in protection["push_access_levels"].as_array().into_iter().flatten() {
            match level["access_level"].as_u64() {
                Some(0) => {}
                Some(60) => bypass.push("admins".to_owned()),
                Some(40) => bypass.push("maintainers".to_owned()),
                Some(30) => bypass.push("developers".to_owned()),
                _ => bypass.push("some".to_owned()),
            }
        }
        if approvals["merge_requests_author_approval"] == true {
            bypass.push("authors".to_owned());
        }
        Ok(vec![Rule {
            source: "protected branch".to_owned(),
            approvals: asked,
            dismisses_stale: approvals["reset_approvals_on_push"] == true,
            blocks_force_push: protection["allow_force_push"] != true,
            // Protected branches cannot be deleted but by those who may unprotect them.
            blocks_deletion: true,
            checks: if project["only_allow_merge_if_pipeline_succeeds"] == true { vec!["pipeline".to_owned()] } else { Vec::new() },
            signatures: false,
            bypass,
        }])
    }
}
