//! GitHub: the classic protection of a branch and the rulesets that apply to it, which may stand side by side.
//!
//! GitHub says 404 both to who asks for a protection that is not there ("Branch not protected") and to who may not ask ("Not Found"):
//! only the first is an absence.

use proofbook_checks::inventory::Reason;
use serde_json::Value as Json;

use super::branch::Rule;
use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::service::Service;
use crate::wanted::Asked;

/// A repository at GitHub.
pub(super) struct GitHub<'g> {
    pub service: &'g Service,
    pub repository: &'g str,
}

impl GitHub<'_> {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let at = |path: &str, reason: &str| self.service.planned(&format!("repos/{}{path}", self.repository), &[], reason);
        let mut plan = Vec::new();
        if asked.kind("Branch") || asked.kind("ChangeSet") {
            plan.push(at("", "which branch is the default"));
        }
        if asked.kind("Branch") {
            plan.push(at("/branches/{branch}/protection", "the classic protection of the branch"));
            plan.push(at("/rules/branches/{branch}", "the rules of rulesets that apply to the branch"));
            plan.push(at("/rulesets/{id}", "who may pass a ruleset by"));
        }
        if asked.kind("ChangeSet") {
            plan.push(at("/pulls", "what was merged in the period"));
            plan.push(at("/pulls/{number}/reviews", "who approved it"));
            plan.push(at("/commits/{commit}/check-runs", "which checks ran on it"));
            plan.push(at("/commits", "what came to the branch in the period"));
            plan.push(at("/commits/{commit}/pulls", "whether a commit came by a pull request"));
        }
        plan
    }

    pub(super) async fn default_branch(&self) -> Result<String, Unread> {
        let told = get(self.service, &format!("repos/{}", self.repository), &[]).await?;
        let branch = told["default_branch"].as_str().map(str::to_owned);
        branch.ok_or_else(|| Unread::new(Reason::ParseError, "the repository has no default branch"))
    }

    pub(super) async fn rules(&self, branch: &str) -> Result<Vec<Rule>, Unread> {
        let mut rules: Vec<Rule> = self.classic(branch).await?.into_iter().collect();
        rules.extend(self.rulesets(branch).await?);
        Ok(rules)
    }

    async fn classic(&self, branch: &str) -> Result<Option<Rule>, Unread> {
        let path = format!("repos/{}/branches/{branch}/protection", self.repository);
        let answer = self.service.get(&path, &[]).await?;
        if answer.status == 404 {
            let absent = answer.json().is_ok_and(|told| told["message"] == "Branch not protected");
            let refused = || Unread::new(Reason::NotPermitted, format!("{path}: 404, which GitHub says to who may not ask"));
            return if absent { Ok(None) } else { Err(refused()) };
        }
        let told = answer.ok().and_then(|answer| answer.json()).map_err(|unread| named(&path, unread))?;
        let reviews = &told["required_pull_request_reviews"];
        let enabled = |key: &str| told[key]["enabled"] == true;
        let mut bypass = Vec::new();
        if !enabled("enforce_admins") {
            bypass.push("admins".to_owned());
        }
        for (who, list) in reviews["bypass_pull_request_allowances"].as_object().into_iter().flatten() {
            if list.as_array().is_some_and(|list| !list.is_empty()) {
                bypass.push(who.clone());
            }
        }
        let checks = &told["required_status_checks"];
        let contexts = checks["checks"].as_array().into_iter().flatten().filter_map(|check| check["context"].as_str());
        let older = checks["contexts"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let mut contexts: Vec<String> = contexts.chain(older).map(str::to_owned).collect();
        contexts.sort();
        contexts.dedup();
        Ok(Some(Rule {
            source: "classic".to_owned(),
            approvals: reviews["required_approving_review_count"].as_u64().unwrap_or_default(),
            dismisses_stale: reviews["dismiss_stale_reviews"] == true,
            blocks_force_push: !enabled("allow_force_pushes"),
            blocks_deletion: !enabled("allow_deletions"),
            checks: contexts,
            signatures: enabled("required_signatures"),
            bypass,
        }))
    }

    async fn rulesets(&self, branch: &str) -> Result<Vec<Rule>, Unread> {
        let path = format!("repos/{}/rules/branches/{branch}", self.repository);
        let mut rules: Vec<(u64, Rule)> = Vec::new();
        for told in pages(self.service, &path, &[]).await? {
            let id = told["ruleset_id"].as_u64().unwrap_or_default();
            let at = rules.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
                rules.push((id, Rule { source: format!("ruleset {id}"), ..Rule::default() }));
                rules.len() - 1
            });
            add(&mut rules[at].1, &told);
        }
        for (id, rule) in &mut rules {
            rule.bypass = self.bypass(*id).await?;
        }
        Ok(rules.into_iter().map(|(_, rule)| rule).collect())
    }

    // GitHub leaves the list out for who may not see it.
    async fn bypass(&self, ruleset: u64) -> Result<Vec<String>, Unread> {
        let path = format!("repos/{}/rulesets/{ruleset}", self.repository);
        let told = get(self.service, &path, &[("includes_parents", "true")]).await?;
        let actors = told["bypass_actors"].as_array();
        let hidden = || Unread::new(Reason::NotPermitted, format!("{path}: who may pass the ruleset by is not shown to this account"));
        let actors = actors.ok_or_else(hidden)?;
        Ok(actors.iter().filter_map(|actor| actor["actor_type"].as_str()).map(str::to_owned).collect())
    }
}

fn add(rule: &mut Rule, told: &Json) {
    let parameters = &told["parameters"];
    match told["type"].as_str().unwrap_or_default() {
        "pull_request" => {
            rule.approvals = parameters["required_approving_review_count"].as_u64().unwrap_or_default();
            rule.dismisses_stale = parameters["dismiss_stale_reviews_on_push"] == true;
        }
        "required_status_checks" => {
            let checks = parameters["required_status_checks"].as_array().into_iter().flatten();
            rule.checks.extend(checks.filter_map(|check| check["context"].as_str()).map(str::to_owned));
        }
        "non_fast_forward" => rule.blocks_force_push = true,
        "deletion" => rule.blocks_deletion = true,
        "required_signatures" => rule.signatures = true,
        _ => {}
    }
}

fn named(path: &str, unread: Unread) -> Unread {
    Unread::new(unread.reason, format!("{path}: {}", unread.detail))
}

/// An answer of the API. What may not be seen is 404 too.
pub(super) async fn get(service: &Service, path: &str, query: &[(&str, &str)]) -> Result<Json, Unread> {
    let answer = service.get(path, query).await.map_err(|unread| named(path, unread))?;
    // Who asks too often is told so by 403, and by how much is left.
    if answer.status == 403 && answer.header("x-ratelimit-remaining") == Some("0") {
        return Err(named(path, Unread::new(Reason::Throttled, "no requests are left in this hour")));
    }
    answer.ok().and_then(|answer| answer.json()).map_err(|unread| named(path, unread))
}

/// All pages of a list.
pub(super) async fn pages(service: &Service, path: &str, query: &[(&str, &str)]) -> Result<Vec<Json>, Unread> {
    let mut out = Vec::new();
    for page in 1..=PAGES {
        let page = page.to_string();
        let mut query = query.to_vec();
        query.extend([("per_page", "100"), ("page", page.as_str())]);
        let told = get(service, path, &query).await?;
        let list = told.as_array().ok_or_else(|| named(path, Unread::new(Reason::ParseError, "the answer is no list")))?;
        out.extend(list.iter().cloned());
        if list.len() < 100 {
            return Ok(out);
        }
    }
    Err(named(path, Unread::new(Reason::IncompleteList, format!("more than {PAGES} pages"))))
}

/// How many pages a list may have.
const PAGES: u32 = 100;
