//! Information produced by the entity: for each check a sheet on why its population can be relied on (complete, accurate), and the
//! populations as a table, a line a listing.

use std::fmt::Write as _;

use proofbook_evidence::bundle::Reconciliation;
use proofbook_evidence::records::{CollectionRecord, RequestGroup, Sheet};

use crate::ExportError;
use crate::markdown_table::{escaped, section};
use crate::sheet::Table;

/// The sheets as Markdown, one section a check.
#[must_use]
pub fn markdown(sheets: &[Sheet]) -> String {
    let mut out = String::from("# Information produced by the entity\n\n");
    if let Some(first) = sheets.first() {
        let shared = &first.shared;
        let facts = [
            ("Run", shared.run_id.clone()),
            ("Workspace and environment", format!("{}/{}", shared.workspace, shared.environment)),
            ("Collected", shared.collection.started.to_string()),
            ("Read to the end by", shared.collection.finished.map_or_else(|| "not known".to_owned(), |at| at.to_string())),
            ("Program", program(&shared.collection)),
            ("Manifest", format!("sha256:{}", shared.seal.manifest_sha256)),
            ("Rules", shared.check.catalog_digest.as_ref().map_or_else(String::new, |digest| format!("library sha256:{digest}"))),
        ];
        for (name, fact) in facts {
            let _ = writeln!(out, "- {name}: {}", escaped(&fact));
        }
        out.push('\n');
    }
    for sheet in sheets {
        add(&mut out, sheet);
    }
    out
}

fn add(out: &mut String, sheet: &Sheet) {
    let shared = &sheet.shared;
    let population = &shared.population;
    let complete = if population.complete { "yes: every listing behind it was read to its end" } else { "no" };
    let facts = [
        ("definition", population.definition.clone()),
        ("count", format!("{} subjects of {} objects", population.count, population.enumerated)),
        ("complete", complete.to_owned()),
        ("period", format!("{} to {} ({})", shared.observed_period.from, shared.observed_period.to, shared.observed_period.basis)),
        (
            "read by",
            shared
                .actors
                .iter()
                .map(|actor| format!("{} ({}) at {}", actor.identity, actor.auth, actor.target))
                .collect::<Vec<_>>()
                .join("; "),
        ),
        (
            "transformation",
            format!(
                "the fields below, then the rule {} version {}, sha256:{}",
                shared.check.id, shared.check.version, shared.evaluation.rule_digest
            ),
        ),
        ("fields", sheet.fields.join("; ")),
        (
            "parameters",
            shared
                .parameters
                .iter()
                .map(|(name, parameter)| format!("{name} = {} ({})", parameter.value, parameter.source))
                .collect::<Vec<_>>()
                .join("; "),
        ),
        ("by hand", sheet.manual.clone()),
    ];
    section(
        out,
        &format!("{}: {}", shared.check.id, escaped(&shared.check.title)),
        ["fact", "value"],
        facts.into_iter().map(|(name, fact)| [name.to_owned(), fact]),
    );
    let rows = shared.collection.requests.iter().map(request);
    section(out, "Query", ["target", "request", "status", "requests", "items", "read to the end", "sha256 of the answers"], rows);
    let rows = population.listings.iter().zip(&sheet.files).map(|(listing, file)| {
        let version = listing.resource_version.clone().unwrap_or_default();
        let digest = file.sha256.clone().unwrap_or_else(|| "no objects".to_owned());
        [listing.resource.clone(), listing.state.clone(), listing.count.to_string(), version, file.file.clone(), digest]
    });
    section(out, "Completeness and accuracy", ["listing", "state", "objects", "version", "sealed as", "sha256"], rows);
    let rows = population.reconciled_with.iter().map(reconciled);
    section(out, "Held against a second source", ["listing", "objects", "second source", "counts", "difference"], rows);
    let rows = population.excluded.iter().map(|rule| [rule.rule.clone(), rule.count.to_string(), rule.reason.clone()]);
    section(out, "Left out", ["rule", "objects", "reason"], rows);
}

fn program(collection: &CollectionRecord) -> String {
    let digest = collection.binary_sha256.as_ref().map_or_else(String::new, |digest| format!(", sha256:{digest}"));
    format!("{} {}{digest}", collection.collector, collection.collector_version)
}

fn reconciled(held: &Reconciliation) -> [String; 5] {
    let number = |number: Option<u64>| number.map_or_else(|| "not known".to_owned(), |number| number.to_string());
    let difference = held.difference.map(|difference| difference.to_string()).or_else(|| held.why.clone());
    [
        held.resource.clone(),
        number(held.listed),
        format!("{}: {}", held.with, held.query),
        number(held.counted),
        difference.unwrap_or_default(),
    ]
}

fn request(group: &RequestGroup) -> [String; 7] {
    [
        format!("{}/{}", group.source, group.target),
        format!("{} {}", group.method, group.path.as_deref().unwrap_or("several")),
        group.status.clone(),
        group.requests.to_string(),
        group.items.to_string(),
        group.continue_exhausted.map(|exhausted| (if exhausted { "yes" } else { "no" }).to_owned()).unwrap_or_default(),
        group.responses_sha256.clone().unwrap_or_else(|| "not taken".to_owned()),
    ]
}

/// The populations as CSV, a line a listing behind each.
///
/// # Errors
/// None that a sheet can cause.
pub fn populations(sheets: &[Sheet]) -> Result<Vec<u8>, ExportError> {
    populations_table(sheets).csv()
}

/// The same as a table of a workbook.
#[must_use]
pub fn populations_table(sheets: &[Sheet]) -> Table {
    let rows = sheets.iter().flat_map(|sheet| sheet.shared.population.listings.iter().zip(&sheet.files).map(move |pair| (sheet, pair)));
    let rows = rows.map(|(sheet, (listing, file))| {
        let population = &sheet.shared.population;
        [
            sheet.shared.check.id.clone(),
            population.definition.clone(),
            population.enumerated.to_string(),
            population.count.to_string(),
            population.complete.to_string(),
            population.excluded.iter().map(|rule| rule.count).sum::<u64>().to_string(),
            listing.resource.clone(),
            listing.state.clone(),
            listing.count.to_string(),
            listing.resource_version.clone().unwrap_or_default(),
            file.file.clone(),
            file.sha256.clone().unwrap_or_default(),
        ]
    });
    let columns = [
        ("check", 28),
        ("population", 44),
        ("enumerated", 11),
        ("subjects", 10),
        ("complete", 10),
        ("excluded", 10),
        ("listing", 34),
        ("state", 14),
        ("objects", 10),
        ("resource_version", 17),
        ("sealed_file", 40),
        ("sha256", 66),
    ];
    Table::new("Populations", "The population of every check, a line a listing behind it", columns, rows)
}
