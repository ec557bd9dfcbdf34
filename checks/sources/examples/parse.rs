//! Parses the JSON files of a folder into `serde_json` values, one after the other: the measure for reading a dump.
//!
//! `parse DIR`

use std::io::{self, Write};
use std::{env, fs};

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1) else {
        return Err(io::Error::other("usage: parse DIR"));
    };
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let text = fs::read(path)?;
            bytes += text.len();
            std::hint::black_box(serde_json::from_slice::<serde_json::Value>(&text)?);
        }
    }
    writeln!(io::stdout(), "{bytes} bytes")
}
