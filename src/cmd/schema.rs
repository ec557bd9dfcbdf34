//! `proofbook schema`: JSON Schemas of the files that people write, generated from the types that read them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use proofbook_checks::definition::CheckDefinition;
use proofbook_checks::fixture::Fixtures;
use proofbook_controls::crosswalk::CrosswalkFile;
use proofbook_controls::mapping::MappingFile;
use proofbook_controls::{Control, Framework};
use proofbook_documents::DocumentDefinition;
use proofbook_evidence::attestation::Attestation;
use proofbook_evidence::claims::ClaimsFile;
use proofbook_evidence::exception::Exception;
use proofbook_evidence::seal::trust::TrustFile;
use proofbook_sources::file::{
    AccessReviewRegister, ContractRegister, DeletionRegister, DisclosureRegister, DocumentRegister, ExerciseRegister, IncidentRegister,
    ModuleRegister, ProcessingRegister, RequestRegister, RiskRegister, StaffRegister, StoreRegister, SupplierRegister, TicketRegister,
};
use schemars::schema_for;

use crate::config::Config;
use crate::exit::Exit;
use crate::output::Output;

type Generate = fn() -> schemars::Schema;

/// The kinds of files, with what generates their schema.
const SCHEMAS: [(&str, Generate); 27] = [
    ("access-review-register", || schema_for!(AccessReviewRegister)),
    ("attestation", || schema_for!(Attestation)),
    ("check", || schema_for!(CheckDefinition)),
    ("check-test", || schema_for!(Fixtures)),
    ("claims", || schema_for!(ClaimsFile)),
    ("contract-register", || schema_for!(ContractRegister)),
    ("control", || schema_for!(Control)),
    ("crosswalk", || schema_for!(CrosswalkFile)),
    ("deletion-register", || schema_for!(DeletionRegister)),
    ("disclosure-register", || schema_for!(DisclosureRegister)),
    ("document", || schema_for!(DocumentDefinition)),
    ("document-register", || schema_for!(DocumentRegister)),
    ("exception", || schema_for!(Exception)),
    ("exercise-register", || schema_for!(ExerciseRegister)),
    ("framework", || schema_for!(Framework)),
    ("incident-register", || schema_for!(IncidentRegister)),
    ("mapping", || schema_for!(MappingFile)),
    ("module-register", || schema_for!(ModuleRegister)),
    ("processing-register", || schema_for!(ProcessingRegister)),
    ("request-register", || schema_for!(RequestRegister)),
    ("risk-register", || schema_for!(RiskRegister)),
    ("staff-register", || schema_for!(StaffRegister)),
    ("store-register", || schema_for!(StoreRegister)),
    ("supplier-register", || schema_for!(SupplierRegister)),
    ("ticket-register", || schema_for!(TicketRegister)),
    ("trust", || schema_for!(TrustFile)),
    ("workspace", || schema_for!(Config)),
];

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// The kind of file.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(SCHEMAS.map(|(kind, _)| kind)))]
    kind: Option<String>,
    /// Write every schema into this folder, as `KIND.schema.json`.
    #[arg(long, value_name = "DIR", conflicts_with = "kind")]
    out: Option<PathBuf>,
}

impl Schema {
    pub(crate) fn run(&self, output: &Output) -> Result<Exit> {
        match (&self.kind, &self.out) {
            (Some(kind), _) => {
                for (_, generate) in SCHEMAS.iter().filter(|(known, _)| known == kind) {
                    output.json(&generate())?;
                }
            }
            (None, Some(dir)) => {
                std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
                for (kind, generate) in SCHEMAS {
                    let path = dir.join(format!("{kind}.schema.json"));
                    let text = serde_json::to_string_pretty(&generate())? + "\n";
                    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
                    output.say(format_args!("wrote {}", path.display()));
                }
            }
            (None, None) => bail!("name a kind of file, or a folder with --out; kinds: {}", SCHEMAS.map(|(kind, _)| kind).join(", ")),
        }
        Ok(Exit::Held)
    }
}
