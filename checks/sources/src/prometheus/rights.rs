//! Which paths of monitoring reading takes. Prometheus, Alertmanager, Loki and Tempo have no rights of their own: a proxy before them lets
//! paths through. Elasticsearch has privileges.

use proofbook_checks::inventory::Wanted;
use proofbook_checks::resource::Source;
use serde_json::{Value as Json, json};

use super::{alertmanager, elasticsearch, logs, markers, measured, server, traces};
use crate::rights::{Platform, Right};
use crate::wanted::Asked;

/// The paths of Prometheus, Alertmanager, Loki and Tempo that reading takes, each behind the name of its product. That a service keeps its
/// version to itself harms no check, so the paths that tell it are not among them.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    let asked = Asked::of(Source::Prometheus, wanted);
    let paths = server::paths(&asked).into_iter().map(|(path, why)| ("prometheus", path, why));
    let paths = paths.chain(measured::path(&asked).map(|(path, why)| ("prometheus", path, why)));
    let paths = paths.chain(alertmanager::paths(&asked).into_iter().map(|(path, why)| ("alertmanager", path, why)));
    let paths = paths.chain(logs::paths(&asked).into_iter().map(|(path, why)| ("loki", path, why)));
    let markers = asked.kind("Marker").then_some(("loki", markers::SEARCH, "whether markers are in the logs"));
    let traces = asked.kind("TraceStore").then_some(("tempo", traces::CONFIG, "for how long traces are kept"));
    let paths = paths.chain(markers).chain(traces);
    paths.map(|(product, path, why)| Right::new(format!("{product} GET /{path}"), why)).collect()
}

/// The privileges of Elasticsearch that reading takes.
pub(crate) fn elasticsearch(wanted: &Wanted) -> Vec<Right> {
    let asked = Asked::of(Source::Prometheus, wanted);
    let mut out = Vec::new();
    if asked.kind("LogStream") || asked.kind("TraceStore") {
        out.extend(elasticsearch::PRIVILEGES.map(|(name, why)| Right::new(name, why)));
    }
    if asked.kind("Marker") {
        out.push(Right::new("index read", "whether markers are in the logs"));
    }
    out
}

/// A role of Elasticsearch with the needed privileges, as `PUT /_security/role/NAME` takes it.
#[must_use]
pub fn role(wanted: &Wanted, indices: &[String]) -> Json {
    let of = |level: &str| -> Vec<String> {
        let rights = Platform::Elasticsearch.rights(wanted);
        rights.iter().filter_map(|right| right.name.strip_prefix(level)).map(|name| name.trim_start_matches(' ').to_owned()).collect()
    };
    json!({"cluster": of("cluster"), "indices": [{"names": indices, "privileges": of("index")}]})
}
