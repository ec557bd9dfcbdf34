//! Arguments of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cmd;

/// Turns a running platform into compliance documentation that is true.
#[derive(Debug, Parser)]
#[command(name = "proofbook", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 held, 1 something is not as promised, 2 usage or input error, 3 could not look.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command knows.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// The workspace; the nearest folder with a `proofbook.yaml` where nothing is said.
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// The environment of the workspace; needed where it has several.
    #[arg(short, long, global = true, value_name = "NAME", env = "PROOFBOOK_ENVIRONMENT")]
    pub(crate) environment: Option<String>,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Say nothing but results and errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: what was held back from documents, one line each.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal that `NO_COLOR` does not forbid.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How tables are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Table {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at the platform and seal what was seen as a bundle.
    Scan(cmd::scan::Scan),
    /// Print site, matrix and documents from a bundle.
    Build(cmd::build::Build),
    /// Scan, then build.
    Run(cmd::run::Run),
    /// Check a bundle: its bytes, who vouches for it, since when, and whether it still decides what it says.
    Verify(cmd::verify::Verify),
    /// Tell what changed between two runs, or what another library makes of one.
    Diff(cmd::diff::Diff),
    /// Draw subjects from a population, so that anybody can draw them again; or tell how the population came about.
    Sample(cmd::sample::Sample),
    /// Put a signature beside a bundle.
    Sign(cmd::sign::Sign),
    /// Have an authority attest since when a bundle has been what it is.
    Timestamp(cmd::timestamp::Timestamp),
    /// Write a bundle, or the history of an environment, in a foreign format.
    Export(cmd::export::Export),
    /// Make a framework of the workspace from a catalog or profile of OSCAL.
    Import(cmd::import::Import),
    /// Tell how each environment stands: its newest full run, what is stale, what goes stale when.
    Status(cmd::status::Status),
    /// List the runs of an environment, or what happened to its evidence.
    Log(cmd::log::Log),
    /// Write a statement that no check can make, or tell how those of the workspace stand.
    Attest(cmd::attest::Attest),
    /// Write an exception for a time, or tell how those of the workspace stand.
    Except(cmd::except::Except),
    /// Delete what has passed its time of retention, each with a tombstone.
    Gc(cmd::gc::Gc),
    /// Hold what documentation promises against the evidence.
    Docs(cmd::docs::Docs),
    /// Hold checks to their own fixtures.
    Test(cmd::test::Test),
    /// Print the rights that the selected checks take, or compare them with what the accounts have.
    Rbac(cmd::rbac::Rbac),
    /// Explain a check, a control or a requirement: what it means here, and what hangs on it.
    Explain(cmd::explain::Explain),
    /// List checks, or show one as it is written.
    Checks(cmd::library::Checks),
    /// List controls, or show one as it is written.
    Controls(cmd::library::Controls),
    /// List frameworks, show one with all its requirements, or compare two editions.
    Frameworks(cmd::library::Frameworks),
    /// Tell how the requirements of a framework are covered.
    Coverage(cmd::coverage::Coverage),
    /// Compute the SPRS score of CMMC level 2 from a bundle.
    Sprs(cmd::sprs::Sprs),
    /// Print the statement of applicability of ISO 27001 from a bundle.
    Soa(cmd::soa::Soa),
    /// Tell what a requirement corresponds to in other frameworks, and how that was derived.
    Crosswalk(cmd::crosswalk::Crosswalk),
    /// Write the JSON Schemas of the files that people write.
    Schema(cmd::schema::Schema),
    /// Print completions for a shell.
    Completions(cmd::completions::Completions),
}
