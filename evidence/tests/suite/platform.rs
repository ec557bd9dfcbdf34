//! A small made-up library, platform and workspace, from which every test makes its bundles.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use proofbook_checks::compile::Check;
use proofbook_checks::inventory::{Actor, Assurance, Completeness, Inventory, Listing, Reason, Request, Target};
use proofbook_checks::resource::{Resource, Source};
use proofbook_checks::settings::{ParamSetting, Settings};
use proofbook_checks::{Catalog, CheckResult, Plan};
use proofbook_controls::files::Files;
use proofbook_evidence::approval::Approval;
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::bundle::manifest::{Manifest, sha256_hex};
use proofbook_evidence::bundle::{BundleError, Collection, RunInputs, Sealed, scan_to_bundle};
use proofbook_evidence::exception::Exceptions;
use proofbook_evidence::freshness::ControlWindows;
use proofbook_evidence::ledger::Ledger;
use proofbook_evidence::scope::Scopes;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const CLOCK: &str = "2026-06-01T00:00:00Z";

fn check(id: &str, rest: &str) -> (String, String) {
    let fixed = "version: 1\ntitle: T\nseverity: high\nmethod: examine\nproves: p\ndoes_not_prove: d\nremedy: r\n\
        manual: 'kubectl get {{ subject.metadata.name }}'\n";
    (format!("checks/library/made/{id}.yaml"), format!("id: {id}\n{fixed}{rest}"))
}

/// The made-up library.
pub(crate) fn library() -> Files {
    let mut files = Files::default();
    let checks = [
        check(
            "ns-owner",
            r#"
subject: {resource: namespaces, where: 'subject.metadata.?labels.?tenant.orValue("") != ""', population: every tenant namespace}
params: {floor: {default: 0.5, doc: share}}
let: {owner: 'subject.metadata.?labels.?owner.orValue("")'}
outcomes:
  - {when: 'owner != "" && params.floor < 1.5', verdict: pass, message: 'owned by {{ owner }}'}
  - {verdict: fail, message: 'nobody owns it'}
measure: {owner: owner, floor: params.floor}
pairs_with: {check: ns-quota, on: namespace}
"#,
        ),
        check(
            "ns-quota",
            r"
subject: {resource: resourcequotas, population: every quota}
outcomes:
  - {when: 'double(subject.spec.share) >= 0.5', verdict: pass}
  - {verdict: fail, code: below-min, message: 'share {{ subject.spec.share }}'}
measure: {share: subject.spec.share}
",
        ),
        check("vm-known", "\nsubject: {resource: machines.example.com, population: every machine}\noutcomes: [{verdict: pass}]\n"),
        check("pod-known", "\nsubject: {resource: pods, population: every pod}\noutcomes: [{verdict: pass}]\n"),
        check("node-probe", "\nopt_in: probes nodes\nsubject: {resource: nodes, population: every node}\noutcomes: [{verdict: pass}]\n"),
    ];
    for (path, text) in checks {
        files.insert(path, text);
    }
    files.insert("checks/library/made/ns-owner.test.yaml", "cases: []\n");
    let control = |id: &str, layer: &str, rest: &str| {
        let fixed = format!("id: {id}\ntitle: T\nobjective: O.\nlayer: {layer}\nreview_months: 12\n");
        let duties = "responsibility: {split: shared, provider: [Run it.], customer: [Use it.]}\n";
        (format!("controls/library/{id}.yaml"), format!("{fixed}{duties}{rest}"))
    };
    let controls = [
        control("owned", "workloads", "checks: {required: [ns-owner], supporting: [ns-quota]}\n"),
        control("quota", "workloads", "checks: {required: [ns-quota], supporting: [node-probe]}\n"),
        control("machines", "facilities", "checks: {required: [vm-known, pod-known]}\n"),
        control("probed", "network", "checks: {required: [node-probe]}\n"),
        control("reviewed", "operations", "attestations: [{id: review, statement: All was reviewed., valid_days: 100}]\n"),
        control("outside", "operations", "no_evidence: nobody can look\n"),
    ];
    for (path, text) in controls {
        files.insert(path, text);
    }
    files.insert(
        "controls/frameworks/made.yaml",
        "id: made\ntitle: Made up\nshort_title: Made\npublisher: P\nedition: '1'\nsource: S\nlicence: L\ngroups: [{id: G, title: All}]\nrequirements:\n\
         - {id: R1, group: G, title: One}\n- {id: R2, group: G, title: Two}\n- {id: R3, group: G, title: Three, binds: customer}\n\
         - {id: R4, group: G, title: Four}\n- {id: R5, group: G, title: Five}\n",
    );
    let mapping = |requirement: &str, control: &str| {
        format!("- {{requirement: {requirement}, control: {control}, relation: intersects, rationale: r, limits: l}}\n")
    };
    let mappings = [("R1", "owned"), ("R1", "reviewed"), ("R2", "reviewed"), ("R4", "outside")].map(|(r, c)| mapping(r, c)).concat();
    files.insert("controls/mappings/made.yaml", format!("framework: made\nreviewed_by: me\nmappings:\n{mappings}"));
    files
}

/// What a test varies.
#[derive(Clone)]
pub(crate) struct Platform {
    pub(crate) files: Files,
    pub(crate) settings: Settings,
    pub(crate) objects: Vec<Value>,
    pub(crate) attestations: Files,
    pub(crate) exceptions: Files,
    pub(crate) approval: Approval,
    pub(crate) scopes: Scopes,
    pub(crate) freshness: ControlWindows,
    pub(crate) clock: Timestamp,
    pub(crate) only: Option<&'static str>,
    pub(crate) collection: Collection,
}

impl Platform {
    pub(crate) fn new() -> Self {
        let namespace =
            |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        let quota = |namespace: &str, share: Value| {
            let metadata = json!({"name": "quota", "namespace": namespace});
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"share": share}})
        };
        let mut settings = Settings::default();
        settings.parameters.insert("floor".to_owned(), ParamSetting::Plain(json!(1.0)));
        Self {
            files: library(),
            settings,
            objects: vec![
                namespace("a", json!({"tenant": "x", "owner": "ann", "unread": "u"})),
                namespace("b", json!({"tenant": "y"})),
                namespace("c", json!({"tenant": "z", "owner": "ann"})),
                namespace("system", json!({})),
                quota("a", json!(1.0)),
                quota("b", json!(0.1 + 0.2)),
                quota("c", json!(0.25)),
            ],
            attestations: Files::default(),
            exceptions: Files::default(),
            approval: Approval::default(),
            scopes: Scopes::default(),
            freshness: ControlWindows::new(),
            clock: CLOCK.parse().unwrap(),
            only: None,
            collection: Collection::default(),
        }
    }

    pub(crate) fn at(mut self, clock: &str) -> Self {
        self.clock = clock.parse().unwrap();
        self
    }

    pub(crate) fn attested(mut self, signed_at: &str, expires_at: &str) -> Self {
        let digest = "0".repeat(64);
        let text = format!(
            "id: review\ncontrol: reviewed\nstatement: I reviewed all.\nrole: CISO\nperson_ref: p-1\nsigned_at: {signed_at}\nexpires_at: {expires_at}\n\
             evidence: [{{file: minutes.pdf, sha256: '{digest}', description: minutes}}]\n"
        );
        self.attestations.insert("attestations/review.yaml", text);
        self
    }

    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::load_without_fixtures(&self.files).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn selected(&self, check: &Check) -> bool {
        self.only.map_or(check.definition.opt_in.is_none(), |only| only == check.id().as_str())
    }

    pub(crate) fn plan<'c>(&self, catalog: &'c Catalog) -> Plan<'c> {
        Plan::new(catalog, &self.settings, |check| self.selected(check)).unwrap_or_else(|errors| panic!("{errors}"))
    }

    pub(crate) fn inventory(&self, plan: &Plan<'_>) -> Inventory {
        let mut inventory = Inventory::default();
        let wanted = plan.wanted();
        for resource in wanted.keys() {
            let listing = match resource.plural() {
                "machines" => Listing::without_objects(Completeness::NotServed),
                "pods" => Listing::failed(Reason::NotPermitted, "403 for pods"),
                _ => Listing { completeness: Completeness::Complete, objects: Vec::new(), resource_version: Some("77".to_owned()) },
            };
            inventory.listings.insert(resource.clone(), listing);
        }
        for object in &self.objects {
            let resource = Resource::of_object(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
            if let (Some(projection), Some(listing)) = (wanted.get(&resource), inventory.listings.get_mut(&resource)) {
                listing.objects.push(projection.project(&resource, object));
            }
        }
        let actor = Actor { identity: "reader".to_owned(), auth: "sa-token".to_owned(), rights_sha256: None };
        inventory.targets.push(Target {
            source: Source::Kubernetes,
            name: "cluster".to_owned(),
            identity: "uid-1".to_owned(),
            version: "v1.36".to_owned(),
            actor,
            clock_offset_ms: Some(3),
            assurance: Assurance::Live,
        });
        inventory.requests = ["/api/v1/resourcequotas", "/api/v1/namespaces"]
            .map(|query| Request {
                source: Source::Kubernetes,
                target: "cluster".to_owned(),
                method: "LIST".to_owned(),
                query: query.to_owned(),
                status: "200".to_owned(),
                items: 3,
                continue_exhausted: Some(true),
                resource_version: Some("77".to_owned()),
                response_sha256: Some("ab".repeat(32)),
                bytes: 1234,
            })
            .to_vec();
        inventory
    }

    pub(crate) fn seal(&self, ledger: &Path) -> Sealed {
        self.try_seal(ledger, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn try_seal(&self, ledger: &Path, on_result: &mut dyn FnMut(&CheckResult)) -> Result<Sealed, BundleError> {
        self.try_seal_in(&Ledger::open(ledger).unwrap(), on_result)
    }

    /// Seals an inventory that a test made otherwise than from the objects.
    pub(crate) fn seal_inventory(&self, ledger: &Path, inventory: &Inventory) -> Sealed {
        let catalog = self.catalog();
        let sealed = self.seal_planned(&Ledger::open(ledger).unwrap(), &catalog, &self.plan(&catalog), inventory, &mut |_| {});
        sealed.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn try_seal_in(&self, ledger: &Ledger, on_result: &mut dyn FnMut(&CheckResult)) -> Result<Sealed, BundleError> {
        let catalog = self.catalog();
        let plan = self.plan(&catalog);
        self.seal_planned(ledger, &catalog, &plan, &self.inventory(&plan), on_result)
    }

    fn seal_planned(
        &self,
        ledger: &Ledger,
        catalog: &Catalog,
        plan: &Plan<'_>,
        inventory: &Inventory,
        on_result: &mut dyn FnMut(&CheckResult),
    ) -> Result<Sealed, BundleError> {
        let attestations =
            Attestations::load(&self.attestations, &catalog.controls, &self.approval).unwrap_or_else(|errors| panic!("{errors}"));
        let loaded = Exceptions::load(&self.exceptions, catalog, self.approval.clone());
        let exceptions = loaded.unwrap_or_else(|errors| panic!("{errors}"));
        let inputs = RunInputs {
            catalog,
            files: &self.files,
            plan,
            inventory,
            attestations: &attestations,
            exceptions: &exceptions,
            scopes: &self.scopes,
            workspace: "made",
            environment: "prod",
            clock: self.clock,
            tool_version: "0.0.0",
            collection: &self.collection,
            freshness: &self.freshness,
            ledger,
            full: self.only.is_none(),
            pseudonyms: None,
        };
        scan_to_bundle(&inputs, on_result)
    }
}

/// A ledger of one run.
pub(crate) fn one_run() -> (TempDir, PathBuf) {
    let ledger = tempfile::tempdir().unwrap();
    let path = Platform::new().seal(ledger.path()).path;
    (ledger, path)
}

/// Every file of a folder with its bytes, by relative path.
pub(crate) fn contents(dir: &Path) -> Vec<(String, Arc<[u8]>)> {
    let mut out = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dir.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                out.push((path.to_str().unwrap().to_owned(), fs::read(dir.join(&path)).unwrap().into()));
            }
        }
    }
    out.sort();
    out
}

pub(crate) fn manifest(bundle: &Path) -> Manifest {
    serde_json::from_slice(&fs::read(bundle.join("manifest.json")).unwrap()).unwrap()
}

/// Writes a manifest that agrees with the files, as somebody would who wants to hide a change, and renames the folder.
pub(crate) fn reseal(bundle: &Path) -> PathBuf {
    let mut forged = manifest(bundle);
    forged.predicate.sizes.clear();
    for file in &mut forged.subject {
        let bytes = fs::read(bundle.join(&file.name)).unwrap();
        file.digest.sha256 = sha256_hex(&bytes);
        forged.predicate.sizes.insert(file.name.clone(), bytes.len() as u64);
    }
    write_manifest(bundle, forged)
}

pub(crate) fn write_manifest(bundle: &Path, mut forged: Manifest) -> PathBuf {
    forged.predicate.run_id = forged.run_id().unwrap();
    fs::write(bundle.join("manifest.json"), forged.to_bytes().unwrap()).unwrap();
    let renamed = bundle.with_file_name(&forged.predicate.run_id);
    fs::rename(bundle, &renamed).unwrap();
    renamed
}

/// Changes the text of a compressed file.
pub(crate) fn edit(bundle: &Path, name: &str, change: impl FnOnce(&str) -> String) {
    let path = bundle.join(name);
    let text = String::from_utf8(zstd::decode_all(&*fs::read(&path).unwrap()).unwrap()).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed, "the edit changes nothing");
    fs::write(&path, zstd::encode_all(changed.as_bytes(), 3).unwrap()).unwrap();
}
