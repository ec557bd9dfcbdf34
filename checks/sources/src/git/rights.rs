//! Which permissions of a hosting service reading takes. Clones on this machine take none.

use proofbook_checks::inventory::Wanted;
use proofbook_checks::resource::Source;
use serde_json::{Map, Value as Json, json};

use crate::rights::{Platform, Right};
use crate::wanted::Asked;

/// The permissions of a fine-grained token or an app of GitHub.
pub(crate) fn github(wanted: &Wanted) -> Vec<Right> {
    let asked = Asked::of(Source::Git, wanted);
    let mut out = Vec::new();
    if asked.kind("Branch") || asked.kind("ChangeSet") {
        out.push(Right::new("metadata:read", "which branch is the default, and the rules of rulesets"));
    }
    if asked.kind("Branch") {
        out.push(Right::new("administration:read", "the classic protection of a branch, and who may pass a ruleset by"));
    }
    if asked.kind("ChangeSet") {
        out.push(Right::new("checks:read", "which checks ran on a commit"));
        out.push(Right::new("contents:read", "what came to the branch"));
        out.push(Right::new("pull_requests:read", "what was merged, and who approved it"));
    }
    out
}

/// The scope of a token of GitLab; its holder must be a maintainer of the project, who alone may see its rules.
pub(crate) fn gitlab(wanted: &Wanted) -> Vec<Right> {
    let branches = Asked::of(Source::Git, wanted).kind("Branch");
    branches.then(|| Right::new("read_api", "protected branches and rules of approval, as a maintainer")).into_iter().collect()
}

/// The permissions of GitHub as an app's manifest names them.
#[must_use]
pub fn permissions(wanted: &Wanted) -> Json {
    let rights = Platform::Github.rights(wanted);
    let named: Map<String, Json> =
        rights.iter().filter_map(|right| right.name.split_once(':')).map(|(what, level)| (what.to_owned(), level.into())).collect();
    json!({"default_permissions": named})
}
