//! The command line: arguments in, one stage of the pipeline after the other, results to stdout, talk to stderr.

mod authored;
mod cli;
mod clock;
mod cmd;
mod collect;
mod config;
mod exit;
mod ledger;
mod output;
mod outside;
mod own;
mod posture;
mod progress;
mod pseudonyms;
mod reconcile;
mod scope;
mod sealing;
mod text;
mod workspace;
mod written;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(&cli.common);
    let result = match &cli.command {
        Command::Scan(verb) => verb.run(&cli.common, &output),
        Command::Build(verb) => verb.run(&cli.common, &output),
        Command::Run(verb) => verb.run(&cli.common, &output),
        Command::Verify(verb) => verb.run(&cli.common, &output),
        Command::Diff(verb) => verb.run(&cli.common, &output),
        Command::Sample(verb) => verb.run(&cli.common, &output),
        Command::Sign(verb) => verb.run(&cli.common, &output),
        Command::Timestamp(verb) => verb.run(&cli.common, &output),
        Command::Export(verb) => verb.run(&cli.common, &output),
        Command::Import(verb) => verb.run(&cli.common, &output),
        Command::Status(verb) => verb.run(&cli.common, &output),
        Command::Log(verb) => verb.run(&cli.common, &output),
        Command::Attest(verb) => verb.run(&cli.common, &output),
        Command::Except(verb) => verb.run(&cli.common, &output),
        Command::Gc(verb) => verb.run(&cli.common, &output),
        Command::Docs(verb) => verb.run(&cli.common, &output),
        Command::Test(verb) => verb.run(&cli.common, &output),
        Command::Rbac(verb) => verb.run(&cli.common, &output),
        Command::Explain(verb) => verb.run(&cli.common, &output),
        Command::Checks(verb) => verb.run(&cli.common, &output),
        Command::Controls(verb) => verb.run(&cli.common, &output),
        Command::Frameworks(verb) => verb.run(&cli.common, &output),
        Command::Coverage(verb) => verb.run(&cli.common, &output),
        Command::Sprs(verb) => verb.run(&cli.common, &output),
        Command::Soa(verb) => verb.run(&cli.common, &output),
        Command::Crosswalk(verb) => verb.run(&cli.common, &output),
        Command::Schema(verb) => verb.run(&output),
        Command::Completions(verb) => verb.run(&output),
    };
    let exit = result.unwrap_or_else(|error| {
        // A reader that went away (`proofbook checks list | head`) is no fault of the input.
        if output::is_broken_pipe(&error) {
            return Exit::Held;
        }
        output.error(&error);
        if output::could_not_look(&error) {
            Exit::CouldNotLook
        } else if output::is_untrue(&error) {
            Exit::NotAsPromised
        } else {
            Exit::Input
        }
    });
    exit.code()
}
