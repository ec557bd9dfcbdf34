//! `proofbook rbac`: the least-privilege role for the selected checks.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use proofbook_checks::plan::Plan;
use proofbook_checks::rbac;

use crate::cli::Common;
use crate::cmd::scan::Selection;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `rbac`.
#[derive(Debug, Args)]
pub(crate) struct Rbac {
    #[command(flatten)]
    selection: Selection,
    /// The name of the role, its binding and the service account.
    #[arg(long, default_value = "proofbook")]
    name: String,
    /// The namespace of the service account.
    #[arg(long, default_value = "proofbook")]
    namespace: String,
}

impl Rbac {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let (_, environment) = workspace.environment(common)?;
        let settings = workspace.config.settings(&environment);
        let chosen = self.selection.choose(&catalog, &settings, &workspace.scopes())?;
        let plan = Plan::new(&catalog, &settings, |check| chosen.contains(check.id()))?;
        let wanted = plan.wanted();
        output.result(self.manifest(&rbac::rules(&wanted), plan.checks.len()).trim_end())?;
        Ok(Exit::Held)
    }

    // JSON is YAML: each rule stands on one line, and no value can break out of its quotes.
    fn manifest(&self, rules: &[rbac::PolicyRule], checks: usize) -> String {
        let (name, namespace) = (&self.name, &self.namespace);
        let mut out = format!("# The rights that {checks} checks need, and no others. Made by `proofbook rbac`.\n");
        let _ = writeln!(out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\nrules:");
        for rule in rules {
            let _ = writeln!(out, "  - {}", serde_json::to_string(rule).unwrap_or_default());
        }
        let _ = writeln!(
            out,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: {name}\n\
             roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {name}\n\
             subjects:\n  - kind: ServiceAccount\n    name: {name}\n    namespace: {namespace}"
        );
        out
    }
}
