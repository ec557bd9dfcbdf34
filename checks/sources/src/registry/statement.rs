//! What in-toto statements say, as far as checks read it: where an image was built, by what, from which source, and how many
//! components a bill of materials names.

use serde_json::{Value as Json, json};

/// The kind of a statement, and what it says.
pub(super) fn statement(told: &Json) -> Json {
    let kind = told["predicateType"].as_str().unwrap_or_default();
    let predicate = &told["predicate"];
    let mut out = json!({"predicate_type": kind});
    if kind.starts_with("https://slsa.dev/provenance/") {
        let (builder, source) = provenance(predicate);
        out["builder"] = json!(builder);
        out["sources"] = json!(source);
    }
    let components = [&predicate["components"], &predicate["packages"]].into_iter().find_map(Json::as_array);
    if let Some(components) = components {
        out["components"] = json!(components.len());
    }
    out
}

// The builder and the sources, in the first or an earlier version of provenance.
fn provenance(predicate: &Json) -> (Option<&str>, Vec<&str>) {
    let first = &predicate["buildDefinition"];
    if first.is_object() {
        let dependencies =
            first["resolvedDependencies"].as_array().into_iter().flatten().filter_map(|dependency| dependency["uri"].as_str());
        let workflow = first["externalParameters"]["workflow"]["repository"].as_str();
        return (predicate["runDetails"]["builder"]["id"].as_str(), workflow.into_iter().chain(dependencies.take(1)).collect());
    }
    let source = predicate["invocation"]["configSource"]["uri"].as_str();
    let materials = predicate["materials"].as_array().into_iter().flatten().filter_map(|material| material["uri"].as_str());
    (predicate["builder"]["id"].as_str(), source.into_iter().chain(materials.take(1)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provenance_is_read_in_both_forms() {
        let first = json!({"predicateType": "https://slsa.dev/provenance/v1", "predicate": {
            "buildDefinition": {
                "externalParameters": {"workflow": {"repository": "https://git.example/a/b"}},
                "resolvedDependencies": [{"uri": "git+https://git.example/a/b@refs/heads/main"}, {"uri": "pkg:x"}],
            },
            "runDetails": {"builder": {"id": "https://builder.example/v1"}},
        }});
        let told = statement(&first);
        assert_eq!(told["builder"], "https://builder.example/v1");
        assert_eq!(told["sources"], json!(["https://git.example/a/b", "git+https://git.example/a/b@refs/heads/main"]));
        let earlier = json!({"predicateType": "https://slsa.dev/provenance/v0.2", "predicate": {
            "builder": {"id": "b"}, "invocation": {"configSource": {"uri": "git+https://x"}}, "materials": [],
        }});
        assert_eq!(statement(&earlier)["sources"], json!(["git+https://x"]));
        let bill = json!({"predicateType": "https://cyclonedx.org/bom", "predicate": {"components": [{}, {}]}});
        assert_eq!(statement(&bill), json!({"predicate_type": "https://cyclonedx.org/bom", "components": 2}));
    }
}
