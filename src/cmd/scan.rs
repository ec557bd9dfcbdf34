//! `proofbook scan`: look, decide, seal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use proofbook_checks::inventory::Assurance;
use proofbook_checks::plan::{self, Plan};
use proofbook_checks::pseudonym::Pseudonyms;
use proofbook_checks::redact::{self, Redactions};
use proofbook_checks::settings::Settings;
use proofbook_checks::{Catalog, CheckResult, Verdict};
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_controls::{CheckId, ControlId, FrameworkId};
use proofbook_evidence::assessment::Assessment;
use proofbook_evidence::bundle::manifest::sha256_of;
use proofbook_evidence::bundle::{Collection, CollectionSpan, RunInputs, Sealed, scan_to_bundle};
use proofbook_evidence::exception::Standing;
use proofbook_evidence::freshness::SKEW;
use proofbook_evidence::scope::Scopes;
use proofbook_sources::collector::PlannedRequest;
use proofbook_sources::discovery::Found;
use proofbook_sources::observed::Unread;
use serde::Serialize;

use crate::cli::{Common, Format};
use crate::clock;
use crate::collect;
use crate::exit::Exit;
use crate::output::Output;
use crate::own::Own;
use crate::progress::Bars;
use crate::sealing;
use crate::workspace::Workspace;

/// Which checks a command is about.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Selection {
    /// Only these checks; the run is marked as partial.
    #[arg(long = "check", value_name = "ID")]
    checks: Vec<CheckId>,
    /// Only the checks of these controls.
    #[arg(long = "control", value_name = "ID")]
    controls: Vec<ControlId>,
    /// Only the checks of controls that are mapped to what is in scope of these frameworks.
    #[arg(long = "framework", value_name = "ID")]
    frameworks: Vec<FrameworkId>,
}

impl Selection {
    /// These checks, the checks of these controls, and those of these frameworks.
    pub(crate) const fn of(checks: Vec<CheckId>, controls: Vec<ControlId>, frameworks: Vec<FrameworkId>) -> Self {
        Self { checks, controls, frameworks }
    }

    /// Whether everything that runs by default was left in.
    pub(crate) const fn is_full(&self) -> bool {
        self.checks.is_empty() && self.controls.is_empty() && self.frameworks.is_empty()
    }

    /// The checks that are chosen.
    pub(crate) fn choose(&self, catalog: &Catalog, settings: &Settings, scopes: &Scopes) -> Result<BTreeSet<CheckId>> {
        if self.is_full() {
            let default = catalog.checks.values().filter(|check| plan::selected_by_default(check, settings));
            return Ok(default.map(|check| check.id().clone()).collect());
        }
        let mut chosen = BTreeSet::new();
        for id in &self.checks {
            if !catalog.checks.contains_key(id) {
                let known = catalog.checks.keys().map(CheckId::as_str);
                bail!("unknown check `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook checks list`"));
            }
            chosen.insert(id.clone());
        }
        let mut controls: BTreeSet<&ControlId> = BTreeSet::new();
        for id in &self.controls {
            if !catalog.controls.controls.contains_key(id) {
                let known = catalog.controls.controls.keys().map(ControlId::as_str);
                bail!("unknown control `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook controls list`"));
            }
            controls.insert(id);
        }
        for id in &self.frameworks {
            if !catalog.controls.frameworks.contains_key(id) {
                let known = catalog.controls.frameworks.keys().map(FrameworkId::as_str);
                bail!("unknown framework `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook frameworks list`"));
            }
            if !scopes.covers(id) {
                bail!("the framework `{id}` is not in scope: name it under `frameworks:` in the workspace, or leave out `--framework`");
            }
            controls.extend(scopes.mappings(&catalog.controls, id).map(|mapping| &mapping.control));
        }
        for control in controls {
            let checks = &catalog.controls.controls[control].checks;
            let named = checks.required.iter().chain(&checks.supporting).map(|named| &named.value);
            let runs = named.filter(|id| plan::selected_by_default(&catalog.checks[*id], settings));
            chosen.extend(runs.cloned());
        }
        Ok(chosen)
    }
}

/// Where to look, instead of what the workspace says.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Targets {
    /// Read Kubernetes objects from a folder or file, as `kubectl get -o json` prints them.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["kubeconfig", "context"])]
    pub(crate) dump: Option<PathBuf>,
    /// Read a cluster through this kubeconfig.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Read a cluster through this context.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// Verdicts that make a command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Not as promised.
    Fail,
    /// Could not look.
    Error,
    /// Nothing: findings are no failure of the command.
    Nothing,
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// List every request that would be made, and make none. Only where targets are discovered is the cluster asked for what it
    /// announces, which is told.
    #[arg(long, conflicts_with_all = ["record", "findings"])]
    plan: bool,
    /// With `--plan`: contact nobody at all; what would be discovered stands as `<host of each Ingress, Gateway and route>`.
    #[arg(long, requires = "plan")]
    offline: bool,
    /// Keep what was read as a dump in this folder.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Write every finding to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// The time to judge by, as RFC 3339, where dumps are read; the time of the dump, else now, where nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// Verdicts that make the command fail.
    #[arg(long, value_name = "VERDICTS", value_enum, value_delimiter = ',', default_value = "fail,error")]
    pub(crate) fail_on: Vec<FailOn>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// What a scan came to.
pub(crate) struct Scanned {
    pub(crate) sealed: Sealed,
    /// The exit code that signing and stamping call for.
    pub(crate) sealing: Exit,
    /// Findings by verdict.
    pub(crate) findings: BTreeMap<Verdict, u64>,
    /// Controls by status, for each framework in scope.
    frameworks: BTreeMap<String, BTreeMap<Verdict, u64>>,
}

impl Scan {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        if self.plan {
            return self.print_plan(common, output);
        }
        let scanned = self.scan(common, output)?;
        match self.format {
            Format::Text => {
                scanned.tell(output);
                output.result(scanned.sealed.path.display())?;
            }
            Format::Json => output.json(&scanned.summary())?,
        }
        Ok(scanned.exit(&self.fail_on).max(scanned.sealing))
    }

    /// Looks, decides and seals.
    pub(crate) fn scan(&self, common: &Common, output: &Output) -> Result<Scanned> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let (name, environment) = workspace.environment(common)?;
        let mut settings = workspace.config.settings(&environment);
        let pseudonyms = workspace.config.pseudonyms.as_ref().map(|key| key.open(&workspace.root)).transpose()?;
        if let Some(pseudonyms) = &pseudonyms {
            pseudonyms.settings(&mut settings);
        }
        refuse_credentials(&settings)?;
        let scopes = workspace.scopes();
        let chosen = self.selection.choose(&catalog, &settings, &scopes)?;
        let plan = Plan::new(&catalog, &settings, |check| chosen.contains(check.id()))?;
        let attestations = workspace.attestations(&catalog)?;
        let exceptions = workspace.exceptions(&catalog)?;
        let wanted = plan.wanted();

        let bars = Bars::new(output.quiet());
        let sources = collect::sources(&workspace, &environment, &self.targets, |_| true)?;
        let now = self.at.or(sources.collected_at).unwrap_or_else(clock::now);
        if now.duration_since(clock::now()) > SKEW {
            bail!("the run would be of {now}, which is to come: it is {}", clock::now());
        }
        let started = clock::now();
        let collected = sources.collect(&wanted, &bars)?;
        let finished = clock::now();
        bars.clear();
        tell_discovered(collected.discovered.as_ref(), output);
        let mut inventory = collected.inventory;
        let personal = pseudonyms.as_ref().map_or(0, |pseudonyms| pseudonyms.inventory(&mut inventory));
        let redactions = Redactions { secret: redact::sweep(&mut inventory), personal: personal as u64 };
        output.detail(format_args!("redaction  {redactions}"));
        let live = inventory.targets.iter().find(|target| target.assurance == Assurance::Live);
        if let Some((at, target)) = self.at.zip(live) {
            bail!("--at {at} is for dumps: {} `{}` was read just now, so the run is of now; leave --at out", target.source, target.name);
        }
        let collection = Collection {
            collector_sha256: own_digest(output),
            span: live.map(|_| CollectionSpan { started, finished }),
            reconciled: collected.reconciled,
            redactions,
        };
        if let Some(dir) = &self.record {
            proofbook_sources::dump::record(&inventory, &wanted, &now.to_string(), dir)?;
        }

        let ledger = workspace.ledger(&name)?;
        let own = Own {
            workspace: &workspace,
            environment: &name,
            catalog: &catalog,
            attestations: &attestations,
            exceptions: &exceptions,
            ledger: &ledger,
            clock: now,
        };
        own.add(&mut inventory, &wanted);

        let writer = self.findings.as_ref().map(|path| -> Result<_> {
            let file = std::fs::File::create(path).with_context(|| format!("creating {}", path.display()))?;
            Ok(BufWriter::new(file))
        });
        let mut writer = writer.transpose()?;
        let mut trouble = None;
        let bar = bars.steps("checks", plan.checks.len() as u64);
        let mut on_result = |result: &CheckResult| {
            bar.set_message(result.population.check.to_string());
            bar.inc(1);
            if let Some(writer) = &mut writer {
                trouble = trouble.take().or_else(|| write_findings(writer, result).err());
            }
        };
        let windows = workspace.config.windows();
        let inputs = RunInputs {
            catalog: &catalog,
            files: &workspace.files,
            plan: &plan,
            inventory: &inventory,
            attestations: &attestations,
            exceptions: &exceptions,
            scopes: &scopes,
            workspace: &workspace.config.workspace.value,
            environment: &name,
            clock: now,
            tool_version: env!("CARGO_PKG_VERSION"),
            collection: &collection,
            freshness: &windows,
            ledger: &ledger,
            pseudonyms: pseudonyms.as_ref().map(Pseudonyms::key_id),
            full: self.selection.is_full(),
        };
        let mut sealed = scan_to_bundle(&inputs, &mut on_result)?;
        bar.finish_and_clear();
        tell_exceptions(&sealed.assessment, output);
        crate::ledger::tell(&ledger, std::mem::take(&mut sealed.custody), output);
        if let Some(mut writer) = writer {
            let flushed = trouble.map_or_else(|| writer.flush().map_err(Into::into), Err);
            flushed.context("writing the findings; the bundle itself is sealed")?;
        }
        let frameworks = statuses(&workspace, &catalog, &scopes, &sealed);
        let findings = findings_of(&sealed);
        let sealing = sealing::seal(&workspace, &ledger, &sealed, now, output);
        Ok(Scanned { sealed, sealing, findings, frameworks })
    }

    fn print_plan(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let (_, environment) = workspace.environment(common)?;
        let settings = workspace.config.settings(&environment);
        let chosen = self.selection.choose(&catalog, &settings, &workspace.scopes())?;
        let plan = Plan::new(&catalog, &settings, |check| chosen.contains(check.id()))?;
        let sources = collect::sources(&workspace, &environment, &self.targets, |_| true)?;
        let wanted = plan.wanted();
        let foretold = sources.plan(&wanted, self.offline)?;
        if foretold.made > 0 {
            output.say(format_args!("made {} requests to the cluster, for what it announces; none of the others below", foretold.made));
        }
        tell_discovered(foretold.discovered.as_ref(), output);
        match self.format {
            Format::Json => output.json(&foretold.requests)?,
            Format::Text => {
                for request in &foretold.requests {
                    let PlannedRequest { source, target, method, query, reason } = request;
                    output.result(format_args!("{source}\t{target}\t{method}\t{query}\t{reason}"))?;
                }
            }
        }
        Ok(if matches!(foretold.discovered, Some(Err(_))) { Exit::CouldNotLook } else { Exit::Held })
    }
}

// Parameters are sealed as they are.
fn refuse_credentials(settings: &Settings) -> Result<()> {
    match redact::credential_in(settings) {
        Some(parameter) => {
            bail!("the parameter `{parameter}` holds a credential, and parameters are sealed as they are; take it out of the workspace")
        }
        None => Ok(()),
    }
}

// The findings as the roll-up counts them: a failure that an exception covers is one no more.
fn findings_of(sealed: &Sealed) -> BTreeMap<Verdict, u64> {
    let mut findings = BTreeMap::new();
    for (verdict, number) in sealed.assessment.checks.values().flat_map(|check| &check.counts) {
        *findings.entry(*verdict).or_insert(0) += number;
    }
    findings
}

// How many controls of each framework in scope have each status.
fn statuses(workspace: &Workspace, catalog: &Catalog, scopes: &Scopes, sealed: &Sealed) -> BTreeMap<String, BTreeMap<Verdict, u64>> {
    let of_framework = |id: &FrameworkId| {
        let mut counts = BTreeMap::new();
        let controls: BTreeSet<&ControlId> = scopes.mappings(&catalog.controls, id).map(|mapping| &mapping.control).collect();
        for control in controls {
            let status = sealed.assessment.controls.get(control).map_or(Verdict::Error, |control| control.status);
            *counts.entry(status).or_insert(0) += 1;
        }
        (id.to_string(), counts)
    };
    workspace.frameworks_in_scope(catalog).map(of_framework).collect()
}

// The digest of the program that runs.
fn own_digest(output: &Output) -> Option<String> {
    let digest = std::env::current_exe().and_then(std::fs::File::open).and_then(sha256_of);
    digest.inspect_err(|error| output.warn(format_args!("the digest of the program is not known: {error}"))).ok()
}

/// Tells each exception that does not do what it was written for.
fn tell_exceptions(assessment: &Assessment, output: &Output) {
    for (id, exception) in &assessment.exceptions {
        match exception.standing {
            Standing::InEffect | Standing::NotRun => {}
            Standing::Unused | Standing::NotYet => output.say(format_args!("exception {id}: {}", exception.standing)),
            Standing::Expired
            | Standing::CheckinOverdue
            | Standing::NotMitigated
            | Standing::OtherVersion
            | Standing::CompensationFails => {
                output.warn(format_args!("exception {id}: {}; what it covered fails again", exception.standing));
            }
        }
    }
}

/// How many names of one kind are told.
const NAMES_TOLD: usize = 5;

/// Tells what was announced and is not looked at, by the reason.
fn tell_discovered(discovered: Option<&Result<Found, Unread>>, output: &Output) {
    match discovered {
        None => {}
        Some(Err(unread)) => output.warn(format_args!("no target was discovered: {unread}")),
        Some(Ok(found)) => {
            let mut left_out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (name, why) in found.left_out() {
                left_out.entry(why).or_default().push(name);
            }
            let number: usize = left_out.values().map(Vec::len).sum();
            output.say(format_args!("discovery: {} announced, {number} of them not, or not wholly, looked at", found.announced()));
            for (why, names) in left_out {
                let more = names.len().saturating_sub(NAMES_TOLD);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                output.say(format_args!("  {}{more}: {why}", names[..names.len().min(NAMES_TOLD)].join(", ")));
            }
        }
    }
}

fn write_findings(writer: &mut impl Write, result: &CheckResult) -> Result<()> {
    for finding in &result.findings {
        serde_json::to_writer(&mut *writer, finding)?;
        writer.write_all(b"\n")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Summary<'s> {
    run_id: &'s str,
    bundle: String,
    verdicts: &'s BTreeMap<Verdict, u64>,
    frameworks: &'s BTreeMap<String, BTreeMap<Verdict, u64>>,
}

impl Scanned {
    fn summary(&self) -> Summary<'_> {
        Summary {
            run_id: &self.sealed.run_id,
            bundle: self.sealed.path.display().to_string(),
            verdicts: &self.findings,
            frameworks: &self.frameworks,
        }
    }

    /// Tells the counts of each verdict, over all findings and for the controls of each framework.
    pub(crate) fn tell(&self, output: &Output) {
        output.say(format_args!("findings: {}", counted(&self.findings, output)));
        let width = self.frameworks.keys().map(String::len).max().unwrap_or(0);
        for (framework, counts) in &self.frameworks {
            let controls: u64 = counts.values().sum();
            output.say(format_args!("{framework:<width$}  {controls} controls: {}", counted(counts, output)));
        }
    }

    /// The exit code that the findings call for.
    pub(crate) fn exit(&self, fail_on: &[FailOn]) -> Exit {
        let has = |verdict| self.findings.get(&verdict).is_some_and(|count| *count > 0);
        if fail_on.contains(&FailOn::Error) && has(Verdict::Error) {
            return Exit::CouldNotLook;
        }
        if fail_on.contains(&FailOn::Fail) && has(Verdict::Fail) {
            return Exit::NotAsPromised;
        }
        Exit::Held
    }
}

fn counted(counts: &BTreeMap<Verdict, u64>, output: &Output) -> String {
    let shown = Verdict::ALL.iter().filter_map(|verdict| counts.get(verdict).map(|count| format!("{count} {}", output.verdict(*verdict))));
    shown.collect::<Vec<_>>().join(", ")
}
