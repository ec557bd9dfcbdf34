//! Measures the verdicts of `docs check` over labelled cases: documents, measured values, and what must follow.
//!
//! `cargo run -p proofbook-claims --example verdicts -- tests/claims/contradictions/*.yaml [--list]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example program prints its result")]

mod cases;

use std::collections::BTreeMap;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let list = arguments.iter().any(|argument| argument == "--list");
    let mut tallies: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for path in arguments.iter().filter(|argument| !argument.starts_with("--")) {
        let cases = match cases::read(path.as_ref()) {
            Ok(cases) => cases,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(2);
            }
        };
        for case in &cases {
            for judged in cases::judged(case) {
                for name in [judged.allowed[0].as_str(), "all"] {
                    let tally = tallies.entry(name.to_owned()).or_default();
                    tally.0 += u32::from(judged.right);
                    tally.1 += 1;
                }
                if list && !judged.right {
                    println!("{}: {:?} expected {:?}, found {:?}", case.id, judged.text, judged.allowed, judged.found);
                }
            }
        }
    }
    for (verdict, (right, all)) in &tallies {
        println!("{verdict:<16} {right:>4} of {all}");
    }
    ExitCode::SUCCESS
}
