//! A small publication as a run over a drifted platform gives it, written by hand.

use std::collections::BTreeMap;

use proofbook_checks::definition::{Method, Severity};
use proofbook_checks::finding::{Exclusion, ListingState};
use proofbook_checks::inventory::{Actor, Assurance, Target};
use proofbook_checks::redact::Redactions;
use proofbook_checks::resource::Source;
use proofbook_checks::{Finding, Population, Reason, Subject, Verdict};
use proofbook_controls::crosswalk::Way;
use proofbook_controls::framework::Poam;
use proofbook_controls::{Binds, Layer, Relation, Split};
use proofbook_evidence::assessment::{Basis, Counts, Coverage, Disagreement};
use proofbook_evidence::facts::{Certification, CertificationStatus, Facts, Organisation, Product, Region, Subprocessor};
use proofbook_evidence::views::coverage::RelianceView;
use proofbook_evidence::views::crosswalk::{
    AlikeView, CatalogView, CrosswalkView, ElsewhereView, InCatalogView, PairView, ReachedView, SourceView, WayTally,
};
use proofbook_evidence::views::duty::Ownership;
use proofbook_evidence::views::history::{HistoryView, PastRun};
use proofbook_evidence::views::soa::{Implemented, SoaRow, SoaStatement, SoaView};
use proofbook_evidence::views::sprs::{SprsControl, SprsFinding, SprsPartial, SprsRow, SprsView, Standing};
use proofbook_evidence::views::{
    AttestationView, CheckView, ControlCheckView, ControlView, FrameworkView, GroupView, LayerView, MappingView, MatrixRow, ParamView,
    Publication, RequirementView, RunView, SignedView, SummaryView, ValueView,
};
use serde_json::json;

const RULE: &str = "# yaml-language-server: $schema=../../../schemas/check.schema.json
id: tls-min-version
version: 1
title: Every endpoint refuses TLS versions below the promised floor
subject:
  source: tls
  resource: endpoints
let:
  old: '[\"ssl3\", \"tls1.0\"].filter(v, v < params.min_tls_version && true)'

outcomes:
  - when: size(old) > 0
    verdict: fail
    message: 'accepts {{ old.join(\", \") }}'
  - verdict: pass
";

fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn counts<const N: usize>(counts: [(Verdict, u64); N]) -> Counts {
    counts.into()
}

/// The publication.
pub(crate) fn publication() -> Publication {
    let checks: BTreeMap<_, _> = checks().into_iter().map(|check| (check.id.clone(), check)).collect();
    let controls: BTreeMap<_, _> = controls(&checks).into_iter().map(|control| (control.id.clone(), control)).collect();
    let matrix = Layer::ALL.map(|layer| LayerView {
        layer,
        title: layer.title(),
        rows: controls.values().filter(|control| control.layer == layer).map(matrix_row).collect(),
    });
    Publication {
        exceptions: BTreeMap::new(),
        run: run(),
        facts: facts(),
        summary: SummaryView {
            checks: counts([(Verdict::Pass, 1), (Verdict::Fail, 1), (Verdict::Error, 1), (Verdict::Skipped, 1)]),
            findings: counts([(Verdict::Pass, 51), (Verdict::Fail, 2), (Verdict::Error, 1), (Verdict::Skipped, 1)]),
            controls_automated: 1,
            controls_attested: 1,
            controls_not_satisfied: 2,
            controls_not_applicable: 0,
        },
        matrix: matrix.into(),
        frameworks: [framework(&controls)].map(|framework| (framework.id.clone(), framework)).into(),
        values: values(),
        crosswalk: crosswalk(),
        history: history(&checks),
        sprs: Some(sprs()),
        soa: Some(soa()),
        controls,
        checks,
    }
}

fn history(checks: &BTreeMap<String, CheckView>) -> HistoryView {
    let now: BTreeMap<_, _> = checks.values().map(|check| (check.id.clone(), check.status)).collect();
    let mut before = now.clone();
    before.insert("tls-min-version".into(), Verdict::Pass);
    before.insert("backup-recency".into(), Verdict::Pass);
    before.insert("netpol-default-deny".into(), Verdict::Fail);
    let run = |run_id: &str, at, statuses| PastRun { run_id: run_id.into(), collected_at: time(at), assurance: Assurance::Live, statuses };
    let runs =
        [run("20260531T030000Z-0f0f0f0f", "2026-05-31T03:00:00Z", before), run("20260601T030000Z-1a2b3c4d", "2026-06-01T03:00:00Z", now)];
    HistoryView::new(&runs, checks)
}

fn run() -> RunView {
    let actor =
        Actor { identity: "system:serviceaccount:proofbook:scanner".into(), auth: "sa-token".into(), rights_sha256: Some("ab".repeat(32)) };
    RunView {
        workspace: "eidp".into(),
        environment: "prod".into(),
        run_id: "20260601T030000Z-1a2b3c4d".into(),
        collected_at: time("2026-06-01T03:00:00Z"),
        as_of: time("2026-06-01T06:00:00Z"),
        fresh_until: time("2026-06-02T03:00:00Z"),
        stale: false,
        assurance: Assurance::Live,
        manifest_sha256: "0123456789abcdef".repeat(4),
        signature: None,
        full: true,
        tool_version: "0.1.0".into(),
        targets: vec![Target {
            source: Source::Kubernetes,
            name: "prod-cluster".into(),
            identity: "6f1f1f0e-0000-4000-8000-000000000001".into(),
            version: "v1.36.1".into(),
            actor,
            clock_offset_ms: Some(12),
            assurance: Assurance::Live,
        }],
        requests: 84,
        removed: Redactions { secret: 2, personal: 1 },
    }
}

fn facts() -> Facts {
    let text = str::to_owned;
    Facts {
        organisation: Organisation {
            legal_name: text("Example Internal Platforms GmbH"),
            address: text("Lindenstrasse 1, 10969 Berlin"),
            country: text("DE"),
            register: text("Amtsgericht Charlottenburg, HRB 000001"),
            security_contact: text("security@eidp.example"),
            privacy_contact: text("privacy@eidp.example"),
            dpo_contact: None,
        },
        product: Product {
            name: text("EIDP"),
            description: text("A developer platform on Kubernetes for companies that are regulated in the EU."),
            url: Some(text("https://docs.eidp.example")),
            portal_url: None,
        },
        regions: vec![Region {
            id: text("eu-central-1"),
            country: text("DE"),
            operator: text("Example Hosting AG"),
            purpose: text("production"),
        }],
        subprocessors: vec![Subprocessor {
            name: text("Example Mail SAS"),
            country: text("FR"),
            service: text("sends mail"),
            data: text("names and mail addresses"),
            location: text("FR"),
            transfer: text("none needed"),
            since: text("2025-01-01"),
        }],
        certifications: vec![Certification {
            framework: "iso27001-2022".parse().unwrap(),
            status: CertificationStatus::InProgress,
            level: None,
            valid_until: None,
            note: text("Stage 1 took place in May 2026."),
        }],
        processing: None,
    }
}

fn check(id: &str, domain: &str, title: &str, status: Verdict, reason: Reason, found: Counts) -> CheckView {
    let subjects = found.values().sum();
    CheckView {
        id: id.into(),
        version: 1,
        title: title.into(),
        domain: domain.into(),
        severity: Severity::High,
        method: Method::Examine,
        status,
        reason,
        population: Population {
            check: id.parse().unwrap(),
            definition: "every namespace that carries the tenant label".into(),
            enumerated: subjects + 3,
            subjects,
            complete: status != Verdict::Error,
            excluded: vec![Exclusion { rule: "Namespace/kube-system".into(), count: 1, reason: "belongs to the platform".into() }],
            listings: vec![ListingState { resource: "kubernetes/namespaces".into(), state: "complete".into(), count: subjects + 3 }],
        },
        counts: found,
        fresh_until: time("2026-06-02T03:00:00Z"),
        params: vec![ParamView {
            name: "tenant_label".into(),
            value: json!("proofbook.dev/tenant"),
            source: "default".into(),
            doc: "label that marks a tenant namespace".into(),
        }],
        reads: [("namespaces".to_owned(), vec!["metadata.labels".to_owned(), "metadata.name".to_owned()])].into(),
        rule: format!("id: {id}\nversion: 1\ntitle: {title}\n"),
        proves: "When it was read, each namespace had the `NetworkPolicy` that the rule asks for.".into(),
        does_not_prove: "That the network plugin enforces it.".into(),
        remedy: "Add the object that the finding names.".into(),
        traps: vec!["A policy without `policyTypes` says nothing on egress.".into()],
        manual: "kubectl get networkpolicy -n <metadata.name> -o yaml".into(),
        manual_example: None,
        failing: Vec::new(),
        passing: Vec::new(),
        controls: BTreeMap::new(),
        publish: Vec::new(),
        pairs_with: None,
    }
}

fn checks() -> Vec<CheckView> {
    let mut tls = check(
        "tls-min-version",
        "tls",
        "Every endpoint refuses TLS versions below the promised floor",
        Verdict::Fail,
        Reason::BelowMin,
        counts([(Verdict::Fail, 2), (Verdict::Pass, 39)]),
    );
    tls.method = Method::Test;
    tls.rule = RULE.into();
    tls.manual = "openssl s_client -connect <host>:<port> -servername <host> -tls1_1".into();
    tls.manual_example = Some("openssl s_client -connect 192.0.2.7:443 -servername legacy.eidp.example -tls1_1".into());
    tls.failing = ["legacy.eidp.example:443@192.0.2.7", "old.eidp.example:443@192.0.2.8"].map(failing).into();
    tls.passing = (1..=39).map(|at| format!("Endpoint/app{at:02}.eidp.example:443@192.0.2.{}", at + 10)).collect();
    tls.controls = [("encryption-in-transit".to_owned(), true)].into();
    tls.params = vec![ParamView {
        name: "min_tls_version".into(),
        value: json!("1.2"),
        source: "claim:tls-floor".into(),
        doc: "lowest protocol version that an endpoint may accept".into(),
    }];

    let denied = counts([(Verdict::Pass, 12)]);
    let mut netpol = check(
        "netpol-default-deny",
        "network",
        "Every tenant namespace denies traffic by default",
        Verdict::Pass,
        Reason::AsPromised,
        denied,
    );
    netpol.passing = (1..=12).map(|at| format!("Namespace/tenant-{at:02}")).collect();
    netpol.controls = [("network-isolation".to_owned(), true)].into();
    netpol.pairs_with = Some("netpol-enforced".into());

    let mut backup = check(
        "backup-recency",
        "backup",
        "The latest backup of every tenant namespace is recent and complete",
        Verdict::Error,
        Reason::NotPermitted,
        counts([(Verdict::Error, 1)]),
    );
    backup.population.listings.push(ListingState {
        resource: "kubernetes/backups.velero.io".into(),
        state: "not-permitted".into(),
        count: 0,
    });
    backup.failing = vec![Finding {
        check: "backup-recency".parse().unwrap(),
        subject: Subject { kind: "Population".into(), namespace: None, name: "backup-recency".into(), uid: None },
        verdict: Verdict::Error,
        reason_code: Reason::NotPermitted,
        message: "backups.velero.io could not be listed: 403".into(),
        measured: BTreeMap::new(),
        exceptions: Vec::new(),
    }];
    backup.controls = [("backup".to_owned(), true)].into();

    let skipped = counts([(Verdict::Skipped, 1)]);
    let enforced = check("netpol-enforced", "network", "Denied traffic does not flow", Verdict::Skipped, Reason::OptIn, skipped);
    vec![tls, netpol, backup, enforced]
}

fn failing(name: &str) -> Finding {
    Finding {
        check: "tls-min-version".parse().unwrap(),
        subject: Subject { kind: "Endpoint".into(), namespace: None, name: name.into(), uid: None },
        verdict: Verdict::Fail,
        reason_code: Reason::BelowMin,
        message: "accepts tls1.0, tls1.1, the floor is TLS 1.2".into(),
        measured: [("lowest".into(), serde_json::from_value(json!("tls1.0")).unwrap())].into(),
        exceptions: Vec::new(),
    }
}

fn control(id: &str, title: &str, layer: Layer, status: Verdict, checks: &[&CheckView]) -> ControlView {
    let part = |check: &&CheckView| ControlCheckView {
        id: check.id.clone(),
        title: check.title.clone(),
        required: true,
        status: check.status,
        counts: check.counts.clone(),
    };
    ControlView {
        id: id.into(),
        title: title.into(),
        objective: "Clients reach the platform's endpoints only over a current version of TLS.".into(),
        layer,
        layer_title: layer.title(),
        split: Split::Shared,
        provider: vec!["Terminate TLS at every entry point with the promised lowest version.".into()],
        customer: vec!["Declare TLS for every host that the customer's routes serve.".into()],
        customer_checks: Vec::new(),
        inherited_from: None,
        status,
        basis: if checks.is_empty() { Basis::Attested } else { Basis::Automated },
        fresh_until: None,
        disagree: Vec::new(),
        checks: checks.iter().map(part).collect(),
        attestations: Vec::new(),
        mappings: Vec::new(),
        no_evidence: None,
        review_months: 6,
    }
}

fn controls(checks: &BTreeMap<String, CheckView>) -> Vec<ControlView> {
    let mut tls = control(
        "encryption-in-transit",
        "Encryption of traffic from outside",
        Layer::Network,
        Verdict::Fail,
        &[&checks["tls-min-version"]],
    );
    tls.mappings = vec![mapping("A.8.24", "Use of cryptography", &tls)];
    let mut isolation = control(
        "network-isolation",
        "Network isolation of tenants",
        Layer::Network,
        Verdict::Pass,
        &[&checks["netpol-default-deny"], &checks["netpol-enforced"]],
    );
    isolation.checks[1].required = false;
    isolation.disagree = vec![Disagreement {
        on: "Namespace/tenant-07".into(),
        verdicts: [("netpol-default-deny".parse().unwrap(), Verdict::Pass), ("netpol-enforced".parse().unwrap(), Verdict::Skipped)].into(),
    }];
    isolation.mappings = vec![mapping("A.8.22", "Segregation of networks", &isolation)];
    let backup = control("backup", "Scheduled backups", Layer::Data, Verdict::Error, &[&checks["backup-recency"]]);
    let mut physical = control("physical-security", "Physical security of data centres", Layer::Facilities, Verdict::Manual, &[]);
    physical.attestations = vec![AttestationView {
        id: "data-centre-certificate".into(),
        statement: "The operator holds a valid certificate for each data centre in use.".into(),
        status: Verdict::Manual,
        signed: Some(SignedView {
            role: "Head of infrastructure".into(),
            signed_at: time("2026-03-01T09:00:00Z"),
            expires_at: time("2027-03-01T09:00:00Z"),
        }),
    }];
    vec![tls, isolation, backup, physical]
}

fn mapping(requirement: &str, title: &str, control: &ControlView) -> MappingView {
    MappingView {
        framework: "iso27001-2022".into(),
        framework_title: "ISO 27001".into(),
        requirement: requirement.into(),
        requirement_title: title.into(),
        control: control.id.clone(),
        control_title: control.title.clone(),
        control_status: control.status,
        relation: Relation::Subset,
        rationale: "Traffic over public networks is encrypted.".into(),
        limits: "Keys and their owners are not part of it.".into(),
    }
}

fn matrix_row(control: &ControlView) -> MatrixRow {
    MatrixRow {
        control: control.id.clone(),
        title: control.title.clone(),
        split: control.split,
        provider: control.provider.clone(),
        customer: control.customer.clone(),
        customer_checks: control.customer_checks.clone(),
        ownership: Ownership::Shared,
        inherited_from: None,
        status: control.status,
        basis: control.basis,
        requirements: control.mappings.iter().map(|mapping| format!("{} {}", mapping.framework, mapping.requirement)).collect(),
    }
}

fn framework(controls: &BTreeMap<String, ControlView>) -> FrameworkView {
    let requirement = |id: &str, title: &str, coverage, binds| {
        let mappings: Vec<_> =
            controls.values().flat_map(|control| &control.mappings).filter(|one| one.requirement == id).cloned().collect();
        RequirementView {
            id: id.into(),
            title: title.into(),
            summary: String::new(),
            binds,
            levels: Vec::new(),
            objectives: Vec::new(),
            coverage,
            reason: (coverage == Coverage::Customer).then(|| "binds the customer".into()),
            checks: Vec::new(),
            status: mappings.iter().map(|one| one.control_status).min(),
            mappings,
            duty: None,
        }
    };
    FrameworkView {
        id: "iso27001-2022".into(),
        title: "ISO/IEC 27001:2022".into(),
        short_title: "ISO 27001".into(),
        edition: "2022".into(),
        licence: "Only ids are ISO's; titles are our own words.".into(),
        level: None,
        coverage: [(Coverage::Automated, 2), (Coverage::Customer, 1), (Coverage::None, 1)].into(),
        reliance: vec![RelianceView { id: "tls-min-version".into(), requirements: 1, alone: 1 }],
        statuses: counts([(Verdict::Fail, 1), (Verdict::Pass, 1)]),
        groups: vec![GroupView {
            id: "A.8".into(),
            title: "Technological controls".into(),
            requirements: vec![
                requirement("A.8.22", "Segregation of networks", Coverage::Automated, Binds::Provider),
                requirement("A.8.24", "Use of cryptography", Coverage::Automated, Binds::Provider),
                requirement("A.8.1", "User endpoint devices", Coverage::Customer, Binds::Customer),
                requirement("A.8.34", "Tests during an audit", Coverage::None, Binds::Provider),
            ],
        }],
    }
}

fn crosswalk() -> CrosswalkView {
    let catalog = |id: &str, title: &str, in_scope| CatalogView { id: id.into(), title: title.into(), in_scope };
    let ways = vec![WayTally { way: Way::Direct, pairs: 2, uncertain: 0 }];
    let reached = |id: &str| ReachedView { id: id.into(), via: Vec::new(), control: None, further: 0 };
    let direct = AlikeView {
        way: Way::Direct,
        relation: Relation::Intersects,
        certain: true,
        sources: vec!["nist-olir-155".into()],
        profile: false,
        requirements: vec![reached("SC-12"), reached("AC-2(1)")],
    };
    let elsewhere = ElsewhereView {
        ways: ways.clone(),
        catalogs: vec![InCatalogView { catalog: "nist-800-53r5".into(), alike: vec![direct], more: 0 }],
    };
    let rows = [("A.8.1", ElsewhereView::default()), ("A.8.24", elsewhere)].map(|(id, row)| (id.to_owned(), row));
    CrosswalkView {
        catalogs: vec![catalog("iso27001-2022", "ISO 27001", true), catalog("nist-800-53r5", "NIST SP 800-53", false)],
        pairs: vec![PairView { one: "iso27001-2022".into(), other: "nist-800-53r5".into(), ways }],
        sources: vec![SourceView {
            id: "nist-olir-155".into(),
            title: "NIST SP 800-53 and ISO 27001".into(),
            publisher: "NIST".into(),
            source: "NIST OLIR catalog, informative reference 155".into(),
            licence: "public domain".into(),
            pairs: 2,
        }],
        requirements: [("iso27001-2022".to_owned(), rows.into())].into(),
    }
}

fn sprs() -> SprsView {
    let row = |id: &str, title: &str, finding, deduction| SprsRow {
        id: id.into(),
        title: title.into(),
        finding,
        weight: Some(5),
        deduction,
        because: if deduction == 0 { "every mapped control passes".into() } else { "fails: encryption-in-transit".into() },
        partial: (deduction == 3).then(|| SprsPartial {
            weight: 3,
            when: "encryption is used and not validated".into(),
            earned: true,
            statement: Some("All customer data is encrypted with modules that are not validated yet.".into()),
            signed: None,
        }),
        controls: vec![SprsControl {
            id: "encryption-in-transit".into(),
            title: "Encryption in transit".into(),
            status: if deduction == 0 { Verdict::Pass } else { Verdict::Fail },
            relation: Relation::Intersects,
        }],
        poam: Poam::Conditional,
        may_stay_open: deduction == 3,
    };
    SprsView {
        framework: "iso27001-2022".into(),
        title: "ISO 27001".into(),
        level: "Level 2".into(),
        start: 2,
        lowest: -8,
        threshold: 2,
        score: Some(-1),
        standing: Standing::Open,
        because: "-1 is below 2, the score that a conditional status needs".into(),
        met: 1,
        met_by_statement: 0,
        met_as_not_applicable: 0,
        met_in_part_mapped: 1,
        not_met: 1,
        requirements: vec![row("A.8.22", "Segregation", SprsFinding::Met, 0), row("A.8.24", "Cryptography", SprsFinding::NotMet, 3)],
    }
}

fn soa() -> SoaView {
    let row = |id: &str, excluded: Option<&str>| SoaRow {
        id: id.into(),
        title: "A row".into(),
        applicable: excluded.is_none(),
        justification: excluded.unwrap_or("baseline").into(),
        implemented: excluded.is_none().then_some(Implemented::No),
        status: excluded.is_none().then_some(Verdict::Fail),
        coverage: Coverage::Automated,
        responsibility: "provider".into(),
        controls: Vec::new(),
        checks: BTreeMap::new(),
        attested: vec![SoaStatement { id: "n".into(), statement: "It is done.".into(), status: Verdict::Error, signed: None }],
    };
    SoaView {
        framework: "iso27001-2022".into(),
        title: "ISO 27001".into(),
        collected_at: time("2026-06-01T03:00:00Z"),
        as_of: time("2026-06-01T06:00:00Z"),
        applicable: 1,
        excluded: 1,
        implemented: [(Implemented::No, 1)].into(),
        rows: vec![row("A.8.24", None), row("A.8.30", Some("nobody outside writes code"))],
    }
}

fn values() -> BTreeMap<String, ValueView> {
    let value = |name: &str, distinct| {
        let id = format!("tls-min-version.{name}");
        (id.clone(), ValueView { id, check: "tls-min-version".into(), distinct })
    };
    [value("lowest", vec![(json!("tls1.0"), 2), (json!("tls1.2"), 39)]), value("highest", vec![(json!("tls1.3"), 41)])].into()
}
