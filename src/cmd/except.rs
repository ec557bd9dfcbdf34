//! `proofbook except`: write an exception for people to review, or tell how those of the workspace stand.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use proofbook_checks::Catalog;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_controls::{CheckId, ControlId};
use proofbook_evidence::approval::{Approval, LONGEST_DAYS};
use proofbook_evidence::audit::{self, ExceptionNotes};
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::exception::{Exceptions, Kind, Person};

use crate::cli::{Common, Format};
use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::paragraph;
use crate::workspace::Workspace;
use crate::written::{person, quoted, write_new};

/// Arguments of `except`.
#[derive(Debug, Args)]
pub(crate) struct Except {
    /// The check whose failures are accepted, or the control in which alone they are.
    #[arg(value_name = "CHECK", required_unless_present = "list")]
    about: Option<String>,
    /// Tell how the exceptions of the workspace stand, and what is wrong with them.
    #[arg(long, conflicts_with_all = ["about", "subjects"])]
    list: bool,
    /// A subject as `Kind/namespace/name` or `Kind/name`; `*` stands for a part of a name. Give it several times.
    #[arg(long = "subject", value_name = "SUBJECT", required_unless_present = "list")]
    subjects: Vec<String>,
    /// What kind of deviation it is.
    #[arg(long, value_name = "KIND", default_value = "exception", value_parser = kind)]
    kind: Kind,
    /// Why it is accepted.
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    reason: Option<String>,
    /// The risk that is left.
    #[arg(long, value_enum, default_value = "moderate")]
    risk: Risk,
    /// Who asks for it, as ROLE, or ROLE=PERSON where several hold the role.
    #[arg(long, value_name = "ROLE", required_unless_present = "list")]
    requester: Option<String>,
    /// Who approved it: somebody else, in a role that may approve.
    #[arg(long, value_name = "ROLE", required_unless_present = "list")]
    approver: Option<String>,
    /// Where the work on it is kept.
    #[arg(long, value_name = "TICKET", required_unless_present = "list")]
    ticket: Option<String>,
    /// A check that must pass for as long as it counts. Give it several times.
    #[arg(long = "compensating", value_name = "CHECK")]
    compensating: Vec<CheckId>,
    /// A field that its kind needs, as NAME=VALUE (`product=...`). Give it several times.
    #[arg(long = "with", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// When it was approved, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    created: Option<Timestamp>,
    /// Until when it counts, as RFC 3339; as long as the workspace allows, 180 days at most, where nothing is said.
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// When it is looked at again, as RFC 3339; half way where nothing is said.
    #[arg(long, value_name = "TIME")]
    review: Option<Timestamp>,
    /// The id; the check and the day where nothing is said.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// With `--list`: the time to judge by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME", requires = "list")]
    at: Option<Timestamp>,
    /// With `--list`: how to print the result.
    #[arg(long, value_enum, default_value_t, requires = "list")]
    format: Format,
}

/// How large a risk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Risk {
    Low,
    Moderate,
    High,
    Critical,
}

impl Risk {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Moderate => "moderate",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    let known = || Kind::ALL.iter().map(|kind| kind.as_str());
    let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| did_you_mean(text, known(), &format!("one of {}", known().collect::<Vec<_>>().join(", "))))
}

impl Except {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let exceptions = workspace.exceptions(&catalog)?;
        if self.list {
            return self.print_list(common, &workspace, &exceptions, output);
        }
        let (name, text) = self.written(&catalog, &exceptions.approval)?;
        let mut files = exceptions.files.clone();
        if files.get(&name).is_some() {
            bail!("{} is there already, and nothing is written over it; give another --id", workspace.root.join(name).display());
        }
        files.insert(&*name, text.as_str());
        Exceptions::load(&files, &catalog, exceptions.approval.clone())?;
        let path = write_new(&workspace.root, &name, &text)?;
        output.result(path.display())?;
        output.say("commit it, and have the approver review the commit: it counts from the next scan");
        Ok(Exit::Held)
    }

    fn written(&self, catalog: &Catalog, approval: &Approval) -> Result<(String, String)> {
        let given = |text: &Option<String>, name: &str| text.clone().with_context(|| format!("--{name} is missing"));
        let about = given(&self.about, "check")?;
        let target = target(catalog, &about)?;
        let created = self.created.unwrap_or_else(clock::now);
        let longest = SignedDuration::from_hours(24 * i64::from(approval.longest_days.min(LONGEST_DAYS)));
        let expires = match self.expires {
            Some(expires) => expires,
            None => created.checked_add(longest).context("--created is too late")?,
        };
        let half = expires.duration_since(created).as_secs() / 2;
        let review = match self.review {
            Some(review) => review,
            None => created.checked_add(SignedDuration::from_secs(half)).context("--created is too late")?,
        };
        let day: String = created.to_string().chars().take(10).filter(|c| *c != '-').collect();
        let id = self.id.clone().unwrap_or_else(|| format!("{about}-{day}"));
        let requester = person(approval, &given(&self.requester, "requester")?, created)?;
        let approver = person(approval, &given(&self.approver, "approver")?, created)?;
        let mut out = "# yaml-language-server: $schema=../schemas/exception.schema.json\n".to_owned();
        writeln!(out, "id: {}\nkind: {}\n{target}: {about}\nsubjects:", quoted(&id)?, self.kind)?;
        for subject in &self.subjects {
            writeln!(out, "  - {}", quoted(subject)?)?;
        }
        writeln!(out, "reason: {}\nrisk: {}", quoted(&given(&self.reason, "reason")?)?, self.risk.as_str())?;
        if !self.compensating.is_empty() {
            let named: Vec<&str> = self.compensating.iter().map(CheckId::as_str).collect();
            writeln!(out, "compensating: [{}]", named.join(", "))?;
        }
        writeln!(out, "requester: {}\napprover: {}", written(&requester)?, written(&approver)?)?;
        writeln!(out, "created: {created}\nexpires: {expires}\nreview: {review}")?;
        writeln!(out, "ticket: {}", quoted(&given(&self.ticket, "ticket")?)?)?;
        for field in &self.fields {
            let (name, value) = field.split_once('=').with_context(|| format!("`{field}` is no NAME=VALUE"))?;
            let value = match name {
                "proof" => format!("[{}]", quoted(value)?),
                "check_version" => value.to_owned(),
                _ => quoted(value)?,
            };
            writeln!(out, "{name}: {value}")?;
        }
        Ok((format!("exceptions/{id}.yaml"), out))
    }

    fn print_list(&self, common: &Common, workspace: &Workspace, exceptions: &Exceptions, output: &Output) -> Result<Exit> {
        let (name, _) = workspace.environment(common)?;
        let newest = workspace.ledger(&name)?.newest_full()?;
        let newest = newest.map(|path| Bundle::open(&path)?.assessment()).transpose()?;
        let notes = audit::exceptions(exceptions, newest.as_ref(), self.at.unwrap_or_else(clock::now));
        match self.format {
            Format::Json => output.json(&notes)?,
            Format::Text if notes.is_empty() => output.say("the workspace has no exceptions"),
            Format::Text => notes.iter().try_for_each(|notes| print(notes, output))?,
        }
        let lapsed = notes.iter().flat_map(|notes| &notes.notes).any(|note| note.is_lapse());
        Ok(if lapsed { Exit::NotAsPromised } else { Exit::Held })
    }
}

fn written(person: &Person) -> Result<String> {
    Ok(format!("{{role: {}, person_ref: {}}}", quoted(&person.role)?, quoted(&person.person_ref)?))
}

// The field by which it is named.
fn target(catalog: &Catalog, about: &str) -> Result<&'static str> {
    if catalog.checks.keys().any(|id| id.as_str() == about) {
        return Ok("check");
    }
    if catalog.controls.controls.keys().any(|id| id.as_str() == about) {
        return Ok("control");
    }
    let known = catalog.checks.keys().map(CheckId::as_str).chain(catalog.controls.controls.keys().map(ControlId::as_str));
    bail!("unknown check or control `{about}`: {}", did_you_mean(about, known, "see `proofbook checks list`"))
}

fn print(notes: &ExceptionNotes, output: &Output) -> Result<()> {
    let words: Vec<&str> = notes.notes.iter().map(|note| note.as_str()).collect();
    let words = if words.is_empty() { "in order".to_owned() } else { words.join(", ") };
    output.result(format_args!("{}  {}", notes.id, words))?;
    let covers = notes.findings.map_or_else(String::new, |findings| format!("; covers {findings} in the newest full run"));
    let text = format!("{} of {}, until {}, approved by {}{covers}", notes.kind, notes.about, notes.until, notes.approver);
    output.result(paragraph("  ", &text))?;
    output.result(paragraph("  ", &notes.subjects.join(", ")))
}
