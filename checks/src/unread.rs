//! What a collector could not read of a record.
//!
//! A record of any source but Kubernetes, and what a kubelet tells of itself, may say of itself, or of a part of it, that it could not be read: the part is then
//! an object with the member `unread`, which holds a reason of the closed list and one line of detail. A check that reads
//! the part, of its subject or of a joined record, is an error with that reason, whatever its expressions would have made
//! of it; a check that does not read it goes on. So a bucket whose policy may not be read is judged by its encryption.

use crate::expression::Trouble;
use crate::inventory::Reason;
use crate::mask::Mask;
use crate::resource::{Resource, Source};
use crate::value::Value;

/// The member of a record, or of a part of it, that could not be read.
pub const UNREAD: &str = "unread";

/// Whether records of a resource may say that they could not be read.
pub(crate) fn is_told(resource: &Resource) -> bool {
    resource.source != Source::Kubernetes || *resource == Resource::kubelet_configurations()
}

/// The first part that the mask reads of a value and that could not be read.
pub(crate) fn first(value: &Value, mask: &Mask) -> Option<Trouble> {
    if let Some(items) = value.as_list() {
        return items.iter().find_map(|item| first(item, if mask.whole { mask } else { mask.each.as_deref()? }));
    }
    let entries = value.as_map()?;
    if let Some((_, told)) = entries.iter().find(|(key, _)| *key == UNREAD) {
        return Some(trouble(told));
    }
    entries.iter().find_map(|(key, value)| first(value, if mask.whole { mask } else { mask.child(key)? }))
}

fn trouble(told: &Value) -> Trouble {
    let reason = told.get("reason").and_then(|reason| serde_json::from_value(reason.to_json()).ok());
    let detail = told.get("detail").and_then(Value::as_str).unwrap_or("it could not be read");
    Trouble { reason: reason.unwrap_or(Reason::ParseError), detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mask::Step;

    #[test]
    fn only_what_is_read_matters() {
        let record = Value::from_json(&json!({
            "policy": {"unread": {"reason": "not-permitted", "detail": "403 AccessDenied"}},
            "rules": [{"id": "a"}, {"unread": {"reason": "nonsense"}}],
            "encryption": {"algorithm": "AES256"},
        }));
        let reads = |path: &[&str]| {
            let mut mask = Mask::default();
            mask.add(&path.iter().map(|key| if *key == "*" { Step::Each } else { Step::key(key) }).collect::<Vec<_>>(), true);
            first(&record, &mask).map(|trouble| (trouble.reason, trouble.detail))
        };
        assert_eq!(reads(&["encryption", "algorithm"]), None);
        assert_eq!(reads(&["policy", "statements"]), Some((Reason::NotPermitted, "403 AccessDenied".to_owned())));
        assert_eq!(reads(&["policy"]), Some((Reason::NotPermitted, "403 AccessDenied".to_owned())));
        assert_eq!(reads(&["rules", "*", "id"]), Some((Reason::ParseError, "it could not be read".to_owned())));
        let all = first(&record, &Mask::all()).map(|trouble| trouble.reason);
        assert_eq!(all, Some(Reason::NotPermitted));
    }
}
