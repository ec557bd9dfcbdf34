//! `proofbook rbac --check`: what the accounts really may do, beside what is needed.

use anyhow::Result;
use proofbook_sources::rights::{Comparison, Platform};
use serde::Serialize;

use super::Asked;
use crate::cli::Format;
use crate::collect;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::{counted, paragraph};
use crate::workspace::Workspace;

/// A comparison with its outcome, for programs.
#[derive(Serialize)]
struct Told<'a> {
    exact: bool,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

impl Asked<'_> {
    /// Asks each platform that is meant, and prints what is missing, what is too much, and what cannot be known.
    pub(super) fn compare(&self, workspace: &Workspace, output: &Output) -> Result<Exit> {
        let platforms: Vec<Platform> =
            self.platforms.iter().copied().filter(|platform| !platform.rights(&self.wanted).is_empty()).collect();
        let is_meant = |source| platforms.iter().any(|platform| platform.source() == source);
        let sources = collect::sources(workspace, self.environment, &self.rbac.targets, is_meant)?;
        let mut found = sources.compare(&self.wanted);
        found.retain(|comparison| platforms.contains(&comparison.platform));
        for platform in platforms {
            if !found.iter().any(|comparison| comparison.platform == platform) {
                let unknown = vec![why_nobody_told(platform).to_owned()];
                found.push(Comparison { unknown, ..Comparison::new(platform, platform.source().as_str()) });
            }
        }
        found.sort_by(|a, b| (a.platform, &a.target).cmp(&(b.platform, &b.target)));
        if found.is_empty() {
            output.say("no selected check takes a right at the platforms that are meant, so nothing was asked");
        }
        match self.rbac.format {
            Format::Json => {
                let told = found.iter().map(|comparison| Told { exact: comparison.is_exact(), comparison });
                output.json(&told.collect::<Vec<_>>())?;
            }
            Format::Text => {
                for comparison in &found {
                    output.result(text(comparison))?;
                }
            }
        }
        Ok(exit(&found))
    }
}

const fn why_nobody_told(platform: Platform) -> &'static str {
    match platform {
        Platform::Kubernetes | Platform::Postgres | Platform::Keycloak | Platform::Aws | Platform::Vault => {
            "there is no live target of it in this environment, so there is no account to ask about"
        }
        Platform::Prometheus | Platform::AuditTrail => "it has no rights of its own: ask the proxy before it",
        Platform::Harbor | Platform::Ecr | Platform::ArtifactRegistry | Platform::Elasticsearch | Platform::Github | Platform::Gitlab => {
            "it does not tell an account in one answer what it may do: compare its settings with `proofbook rbac`"
        }
    }
}

// What nobody was asked about does not hold.
fn exit(found: &[Comparison]) -> Exit {
    if found.is_empty() || found.iter().any(|comparison| !comparison.unknown.is_empty()) {
        Exit::CouldNotLook
    } else if found.iter().any(|comparison| !comparison.is_exact()) {
        Exit::NotAsPromised
    } else {
        Exit::Held
    }
}

fn text(comparison: &Comparison) -> String {
    let Comparison { platform, target, account, held, missing, surplus, unknown } = comparison;
    let place = if target == platform.as_str() { target.clone() } else { format!("{platform} {target}") };
    let account = if account.is_empty() { String::new() } else { format!(", as {account}") };
    let outcome = if comparison.is_exact() { ": exact" } else { "" };
    let mut lines = vec![paragraph("", &format!("{place}{account}{outcome}"))];
    let needed = held.len() + missing.len();
    if needed > 0 {
        lines.push(format!("  has      {} of {}", held.len(), counted(needed, "needed right")));
    }
    lines.extend(missing.iter().map(|right| paragraph("  missing  ", right)));
    for right in surplus {
        let head = if right.grave { "  SURPLUS  " } else { "  surplus  " };
        let grave = if right.grave { " (changes things, gives other rights, or shows secrets)" } else { "" };
        lines.push(paragraph(head, &format!("{}{grave}", right.name)));
    }
    lines.extend(unknown.iter().map(|sentence| paragraph("  unknown  ", sentence)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proofbook_sources::rights::Surplus;

    use super::*;

    #[test]
    fn what_is_unknown_is_no_success() {
        let exact = Comparison::new(Platform::Postgres, "orders");
        let lacking = Comparison { missing: vec!["pg_read_all_stats".to_owned()], ..exact.clone() };
        let over = Comparison { surplus: vec![Surplus { name: "CREATEDB".to_owned(), grave: true }], ..exact.clone() };
        let unknown = Comparison { unknown: vec!["which rights it has".to_owned()], ..exact.clone() };
        assert_eq!(exit(&[]), Exit::CouldNotLook);
        assert_eq!(exit(std::slice::from_ref(&exact)), Exit::Held);
        assert_eq!(exit(&[exact.clone(), lacking.clone()]), Exit::NotAsPromised);
        assert_eq!(exit(std::slice::from_ref(&over)), Exit::NotAsPromised);
        assert_eq!(exit(&[over, lacking, unknown, exact]), Exit::CouldNotLook);
    }
}
