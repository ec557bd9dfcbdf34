//! The templates read what the views really are: a publication of the real types, one of each thing, is set as every document.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::definition::{Method, Severity};
use proofbook_checks::finding::{Exclusion, ListingState};
use proofbook_checks::inventory::{Actor, Assurance, Target};
use proofbook_checks::redact::Redactions;
use proofbook_checks::resource::Source;
use proofbook_checks::{Finding, Population, Reason, Subject, Verdict};
use proofbook_controls::{Binds, CheckId, FrameworkId, Layer, Relation, Split};
use proofbook_documents::Templates;
use proofbook_evidence::assessment::{Basis, Counts, Coverage, Disagreement};
use proofbook_evidence::facts::{Certification, CertificationStatus, Facts, Organisation, Processing, Product, Region, Subprocessor};
use proofbook_evidence::verify::SignatureState;
use proofbook_evidence::views::crosswalk::CrosswalkView;
use proofbook_evidence::views::duty::{CustomerCheckView, DutyView, Inherits, Ownership};
use proofbook_evidence::views::history::HistoryView;
use proofbook_evidence::views::profile::Profile;
use proofbook_evidence::views::{
    AttestationView, CheckView, ControlCheckView, ControlView, FrameworkView, GroupView, LayerView, MappingView, MatrixRow, ParamView,
    Publication, RequirementView, RunView, SignedView, SummaryView, ValueView,
};

const ID: &str = "encryption-in-transit";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn words(text: &str) -> String {
    text.to_owned()
}

fn counts() -> Counts {
    Verdict::ALL.into_iter().zip(1..).collect()
}

fn one<T>(id: &str, value: T) -> BTreeMap<String, T> {
    BTreeMap::from([(id.to_owned(), value)])
}

fn facts() -> Facts {
    Facts {
        organisation: Organisation {
            legal_name: words("Provider"),
            address: words("Street 1, Town"),
            country: words("DE"),
            register: String::new(),
            security_contact: words("security@example.org"),
            privacy_contact: words("privacy@example.org"),
            dpo_contact: None,
        },
        product: Product { name: words("Product"), description: words("A platform."), url: None, portal_url: None },
        regions: vec![Region { id: words("r1"), country: words("US"), operator: words("Operator"), purpose: words("production") }],
        subprocessors: vec![Subprocessor {
            name: words("Company"),
            country: words("US"),
            service: words("hosting"),
            data: words("all"),
            location: words("Town"),
            transfer: words("none needed"),
            since: words("2026-01-01"),
        }],
        certifications: vec![Certification {
            framework: FrameworkId::new("iso27001-2022").unwrap(),
            status: CertificationStatus::InProgress,
            level: None,
            valid_until: None,
            note: String::new(),
        }],
        processing: Some(Processing {
            subject_matter: words("Hosting"),
            duration: words("The contract's"),
            nature: words("Storage"),
            purpose: words("Operation"),
            data_categories: vec![words("Accounts")],
            special_categories: words("None"),
            data_subjects: vec![words("Users")],
            retention: one("Accounts", words("one year")),
            instructions: words("In text form."),
            subprocessor_notice_days: 30,
            breach_notice_hours: 24,
            deletion_days: 30,
            backup_deletion_days: 35,
        }),
    }
}

fn check() -> CheckView {
    let check = CheckId::new("tls-min-version").unwrap();
    let subject = |kind: &str, namespace: Option<&str>| Subject {
        kind: kind.into(),
        namespace: namespace.map(Into::into),
        name: "a".into(),
        uid: None,
    };
    let finding = |verdict, subject| Finding {
        check: check.clone(),
        subject,
        verdict,
        reason_code: Reason::BelowMin,
        message: words("too old"),
        measured: BTreeMap::new(),
        exceptions: Vec::new(),
    };
    CheckView {
        id: check.to_string(),
        version: 1,
        title: words("A check"),
        domain: words("tls"),
        severity: Severity::High,
        method: Method::Test,
        status: Verdict::Fail,
        reason: Reason::BelowMin,
        counts: counts(),
        population: Population {
            check: check.clone(),
            definition: words("every endpoint"),
            enumerated: 12,
            subjects: 10,
            complete: false,
            excluded: vec![Exclusion { rule: String::new(), count: 2, reason: words("left out") }],
            listings: vec![ListingState { resource: words("tls/endpoints"), state: words("timeout"), count: 0 }],
        },
        fresh_until: at("2026-01-02T00:00:00Z"),
        params: vec![ParamView {
            name: words("floor"),
            value: serde_json::json!(["1.2"]),
            source: words("claim:tls"),
            doc: words("`1.2` or `1.3`"),
        }],
        reads: BTreeMap::new(),
        rule: String::new(),
        proves: words("That."),
        does_not_prove: words("Not that."),
        remedy: words("Mend it."),
        traps: Vec::new(),
        manual: words("openssl s_client"),
        manual_example: Some(words("openssl s_client -connect a")),
        failing: vec![finding(Verdict::Fail, subject("Endpoint", None)), finding(Verdict::Error, subject("Pod", Some("n")))],
        passing: vec![words("Endpoint/b")],
        controls: one(ID, true),
        pairs_with: Some(words("another")),
        publish: Vec::new(),
    }
}

fn mapping() -> MappingView {
    MappingView {
        framework: words("iso27001-2022"),
        framework_title: words("ISO 27001"),
        requirement: words("A.8.24"),
        requirement_title: words("Cryptography"),
        control: words(ID),
        control_title: words("A control"),
        control_status: Verdict::Pass,
        relation: Relation::Subset,
        rationale: words("Because."),
        limits: words("Not more."),
    }
}

fn control(status: Verdict, basis: Basis) -> ControlView {
    let need = |status, signed| AttestationView { id: words("need"), statement: words("It is so."), status, signed };
    let signed = SignedView { role: words("Head"), signed_at: at("2025-12-01T00:00:00Z"), expires_at: at("2026-12-01T00:00:00Z") };
    ControlView {
        id: words(ID),
        title: words("A control"),
        objective: words("Traffic is encrypted."),
        layer: Layer::Network,
        layer_title: Layer::Network.title(),
        split: Split::Shared,
        provider: Vec::new(),
        customer: Vec::new(),
        customer_checks: Vec::new(),
        inherited_from: None,
        status,
        basis,
        fresh_until: None,
        disagree: Vec::new(),
        checks: vec![ControlCheckView {
            id: words("tls-min-version"),
            title: words("A check"),
            required: true,
            status: Verdict::Pass,
            counts: counts(),
        }],
        attestations: vec![need(Verdict::Manual, Some(signed)), need(Verdict::Error, None)],
        mappings: vec![mapping()],
        no_evidence: None,
        review_months: 12,
    }
}

fn matrix() -> Vec<LayerView> {
    vec![LayerView {
        layer: Layer::Network,
        title: Layer::Network.title(),
        rows: vec![MatrixRow {
            control: words(ID),
            title: words("A control"),
            split: Split::Shared,
            provider: vec![words("Deny traffic by default.")],
            customer: vec![words("Allow what is needed.")],
            customer_checks: vec![CustomerCheckView {
                id: words("netpol-default-deny"),
                title: words("A check"),
                command: words("kubectl get networkpolicy -n <metadata.name>"),
            }],
            ownership: Ownership::Shared,
            inherited_from: Some(words("somebody")),
            status: Verdict::Pass,
            basis: Basis::Automated,
            requirements: vec![words("iso27001-2022 A.8.24")],
        }],
    }]
}

fn duty() -> DutyView {
    DutyView {
        split: Split::Shared,
        inherits: Inherits::Partial,
        ownership: Ownership::Shared,
        holding: vec![words(ID)],
        open: vec![words("physical-security")],
    }
}

fn publication() -> Publication {
    let disagree =
        vec![Disagreement { on: words("a"), verdicts: BTreeMap::from([(CheckId::new("tls-min-version").unwrap(), Verdict::Fail)]) }];
    let physical = ControlView {
        id: words("physical-security"),
        layer: Layer::Facilities,
        no_evidence: Some(words("Nobody looked.")),
        disagree,
        ..control(Verdict::Error, Basis::None)
    };
    Publication {
        exceptions: BTreeMap::new(),
        run: RunView {
            workspace: words("w"),
            environment: words("production"),
            run_id: words("20260101T000000Z-00000000"),
            collected_at: at("2026-01-01T00:00:00.123456789Z"),
            as_of: at("2026-01-01T01:00:00Z"),
            fresh_until: at("2026-01-02T00:00:00Z"),
            stale: true,
            assurance: Assurance::Live,
            manifest_sha256: "0".repeat(64),
            signature: Some(SignatureState::NotChecked),
            full: false,
            tool_version: words("0.1.0"),
            targets: vec![Target {
                source: Source::Kubernetes,
                name: words("cluster"),
                identity: words("uid"),
                version: words("v1.36.0"),
                actor: Actor { identity: words("reader"), auth: words("sa-token"), rights_sha256: None },
                clock_offset_ms: Some(-5),
                assurance: Assurance::Live,
            }],
            requests: 1,
            removed: Redactions { secret: 2, personal: 1 },
        },
        facts: facts(),
        summary: SummaryView {
            checks: counts(),
            findings: counts(),
            controls_automated: 1,
            controls_attested: 0,
            controls_not_satisfied: 1,
            controls_not_applicable: 0,
        },
        matrix: matrix(),
        crosswalk: CrosswalkView::default(),
        history: HistoryView::default(),
        controls: BTreeMap::from([(words(ID), control(Verdict::Pass, Basis::Automated)), (words("physical-security"), physical)]),
        checks: one("tls-min-version", check()),
        frameworks: one(
            "iso27001-2022",
            FrameworkView {
                id: words("iso27001-2022"),
                title: words("ISO/IEC 27001"),
                short_title: words("ISO 27001"),
                edition: words("2022"),
                licence: words("Ids only."),
                level: None,
                coverage: Coverage::ALL.into_iter().zip(1..).collect(),
                reliance: Vec::new(),
                statuses: counts(),
                groups: vec![GroupView {
                    id: words("A.8"),
                    title: words("Technology"),
                    requirements: vec![RequirementView {
                        id: words("A.8.24"),
                        title: words("Cryptography"),
                        summary: String::new(),
                        binds: Binds::Provider,
                        levels: Vec::new(),
                        objectives: Vec::new(),
                        coverage: Coverage::Automated,
                        reason: None,
                        checks: Vec::new(),
                        status: Some(Verdict::Pass),
                        mappings: vec![mapping()],
                        duty: Some(duty()),
                    }],
                }],
            },
        ),
        sprs: None,
        soa: None,
        values: one(
            "tls-min-version.lowest",
            ValueView {
                id: words("tls-min-version.lowest"),
                check: words("tls-min-version"),
                distinct: vec![(serde_json::json!("tls1.2"), 3)],
            },
        ),
    }
}

#[test]
fn every_document_can_be_set_for_every_profile() {
    let publication = publication();
    for profile in Profile::ALL {
        let seen = publication.for_profile(profile);
        for document in Templates::embedded().documents().unwrap() {
            let rendered =
                document.render(&seen, &[]).unwrap_or_else(|error| panic!("{} for {}: {error}", document.id(), profile.as_str()));
            assert!(rendered.pages > 1, "{}", document.id());
            if document.id() == "dpa" {
                let notes = rendered.notes.join("\n");
                for part in ["`physical-security` is withheld", "Company has its seat outside the EEA", "the region r1 is outside the EEA"]
                {
                    assert!(notes.contains(part), "{notes}");
                }
            }
        }
    }
}
