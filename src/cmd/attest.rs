//! `proofbook attest`: write a statement for somebody to review, or tell how those of the workspace stand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_controls::{Control, Controls};
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::audit::{self, Note, StatementNotes};
use proofbook_evidence::bundle::manifest::sha256_hex;

use crate::cli::{Common, Format};
use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::paragraph;
use crate::workspace::Workspace;
use crate::written::{person, quoted, write_new};

/// Arguments of `attest`.
#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// The need that is answered, or the control where it has one need alone.
    #[arg(value_name = "NEED", required_unless_present = "list")]
    need: Option<String>,
    /// Tell how the statements of the workspace stand.
    #[arg(long, conflicts_with = "need")]
    list: bool,
    /// The role that states it, as ROLE, or ROLE=PERSON where several hold the role.
    #[arg(long, value_name = "ROLE", required_unless_present = "list")]
    role: Option<String>,
    /// What is stated, as a full sentence.
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    statement: Option<String>,
    /// A file of the workspace that shows it, as FILE, or FILE=WHAT IT SHOWS. Give it several times.
    #[arg(long, value_name = "FILE")]
    evidence: Vec<String>,
    /// How it was found out.
    #[arg(long, value_enum, default_value = "examine")]
    method: Method,
    /// It is stated again every quarter.
    #[arg(long)]
    quarterly: bool,
    /// When it was signed, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    signed: Option<Timestamp>,
    /// Until when it counts, as RFC 3339; as long as the need allows where nothing is said.
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// The file of the older statement that it takes the place of.
    #[arg(long, value_name = "FILE")]
    supersedes: Option<String>,
    /// With `--list`: the time to judge by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME", requires = "list")]
    at: Option<Timestamp>,
    /// With `--list`: how to print the result.
    #[arg(long, value_enum, default_value_t, requires = "list")]
    format: Format,
}

/// How a statement was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Documents and records were read.
    Examine,
    /// People were asked.
    Interview,
}

impl Attest {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let attestations = workspace.attestations(&catalog)?;
        if self.list {
            return self.print_list(&workspace, &attestations, output);
        }
        let (name, text) = self.written(&workspace, &catalog.controls)?;
        let mut files = attestations.files.clone();
        if files.get(&name).is_some() {
            bail!("{} is there already, and nothing is written over it", workspace.root.join(name).display());
        }
        files.insert(&*name, text.as_str());
        Attestations::load(&files, &catalog.controls, &workspace.config.approval())?;
        let path = write_new(&workspace.root, &name, &text)?;
        output.result(path.display())?;
        output.say("commit it with its evidence, and have somebody else review the commit: it counts from the next scan");
        Ok(Exit::Held)
    }

    fn written(&self, workspace: &Workspace, controls: &Controls) -> Result<(String, String)> {
        let given = |text: &Option<String>, name: &str| text.clone().with_context(|| format!("--{name} is missing"));
        let (control, need, days) = need(controls, &given(&self.need, "need")?)?;
        let signed = self.signed.unwrap_or_else(clock::now);
        let days = if self.quarterly { days.min(100) } else { days };
        let expires = match self.expires {
            Some(expires) => expires,
            None => signed.checked_add(SignedDuration::from_hours(24 * i64::from(days))).context("--signed is too late")?,
        };
        let person = person(&workspace.config.approval(), &given(&self.role, "role")?, signed)?;
        let mut out = "# yaml-language-server: $schema=../schemas/attestation.schema.json\n".to_owned();
        writeln!(out, "id: {need}\ncontrol: {}", control.id)?;
        writeln!(out, "statement: {}", quoted(&given(&self.statement, "statement")?)?)?;
        writeln!(out, "role: {}\nperson_ref: {}", quoted(&person.role)?, quoted(&person.person_ref)?)?;
        let method = match self.method {
            Method::Examine => "examine",
            Method::Interview => "interview",
        };
        writeln!(out, "method: {method}\nsigned_at: {signed}\nexpires_at: {expires}")?;
        if self.quarterly {
            writeln!(out, "review_cycle: quarterly")?;
        }
        if let Some(older) = &self.supersedes {
            writeln!(out, "supersedes: {}", quoted(older)?)?;
        }
        if self.evidence.is_empty() {
            writeln!(out, "evidence: []")?;
        } else {
            writeln!(out, "evidence:")?;
        }
        for evidence in &self.evidence {
            let (file, shows) = evidence.split_once('=').unwrap_or((evidence, evidence));
            let (name, bytes) = within(&workspace.root, Path::new(file))?;
            writeln!(out, "  - file: {}\n    sha256: {}", quoted(&name)?, sha256_hex(&bytes))?;
            writeln!(out, "    description: {}", quoted(shows)?)?;
        }
        let day: String = signed.to_string().chars().take(10).filter(|c| *c != '-').collect();
        let name = if self.supersedes.is_some() { format!("attestations/{need}-{day}.yaml") } else { format!("attestations/{need}.yaml") };
        Ok((name, out))
    }

    fn print_list(&self, workspace: &Workspace, attestations: &Attestations, output: &Output) -> Result<Exit> {
        let roles = !workspace.config.roles.is_empty();
        let notes = audit::statements(attestations, roles, self.at.unwrap_or_else(clock::now));
        match self.format {
            Format::Json => output.json(&notes)?,
            Format::Text if notes.is_empty() => output.say("the workspace has no statements"),
            Format::Text => notes.iter().try_for_each(|notes| print(notes, output))?,
        }
        let expired = notes.iter().any(|notes| notes.notes.contains(&Note::Expired));
        Ok(if expired { Exit::NotAsPromised } else { Exit::Held })
    }
}

// The control, the need and for how many days a statement counts.
fn need<'c>(controls: &'c Controls, named: &str) -> Result<(&'c Control, &'c str, u32)> {
    let all = || controls.controls.values().flat_map(|control| control.attestations.iter().map(move |need| (control, need)));
    if let Some((control, need)) = all().find(|(_, need)| need.id == named) {
        return Ok((control, need.id.as_str(), need.valid_days));
    }
    let of_control: Vec<_> = all().filter(|(control, _)| control.id.as_str() == named).collect();
    match of_control.as_slice() {
        [(control, need)] => Ok((*control, need.id.as_str(), need.valid_days)),
        [] => {
            let help = did_you_mean(named, all().map(|(_, need)| need.id.as_str()), "see `proofbook controls show`");
            bail!("no control needs a statement `{named}`: {help}")
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|(_, need)| need.id.as_str()).collect();
            bail!("the control `{named}` has several needs; name the one: {}", ids.join(", "))
        }
    }
}

// A file by its place in the workspace, with its bytes.
fn within(root: &Path, file: &Path) -> Result<(String, Vec<u8>)> {
    let real = |path: &Path| -> Result<PathBuf> { path.canonicalize().with_context(|| format!("reading {}", path.display())) };
    let (root, found) = (real(root)?, real(file)?);
    let Ok(inner) = found.strip_prefix(&root) else {
        bail!("{} is outside of the workspace; put it under attestations/evidence, so that it is kept with the statement", file.display());
    };
    let bytes = std::fs::read(&found).with_context(|| format!("reading {}", found.display()))?;
    let parts: Vec<_> = inner.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok((parts.join("/"), bytes))
}

fn print(notes: &StatementNotes, output: &Output) -> Result<()> {
    let words: Vec<&str> = notes.notes.iter().map(|note| note.as_str()).collect();
    let words = if words.is_empty() { "in order".to_owned() } else { words.join(", ") };
    output.result(format_args!("{}  {words}", notes.id))?;
    output.result(paragraph("  ", &format!("{}, by {}, until {}", notes.file, notes.role, notes.expires_at)))
}
