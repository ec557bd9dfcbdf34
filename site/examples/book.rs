//! Builds the site of a sealed run, or writes its chapters as a book on disk, as `mdbook build` takes it: the measure for the site.
//!
//! `book site|chapters BUNDLE WORKSPACE OUT`: WORKSPACE is the `proofbook.yaml` with the facts for publication.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use proofbook_controls::diagnostic::Diagnostics;
use proofbook_controls::yaml;
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::facts::Facts;
use proofbook_evidence::views::Publication;
use proofbook_evidence::views::profile::Profile;
use proofbook_site::{Authored, Page};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let [what, bundle, workspace, out] =
        env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "usage: book site|chapters BUNDLE WORKSPACE OUT")?;
    let config: Value = yaml::parse(&workspace, &fs::read_to_string(&workspace)?).map_err(Diagnostics::from)?;
    let facts: Facts = serde_json::from_value(config["facts"].clone())?;
    let bundle = Bundle::open(Path::new(&bundle))?;
    let as_of = bundle.manifest().predicate.clock;
    let publication = Publication::new(&bundle, facts, as_of, None)?.for_profile(Profile::Customer);

    let out = Path::new(&out);
    if what == "site" {
        return Ok(proofbook_site::build(&publication, &[], &Authored::default(), out)?);
    }
    let mut summary = String::from("# Summary\n\n");
    write(&proofbook_site::chapters(&publication, &[])?, 0, &out.join("src"), &mut summary)?;
    fs::write(out.join("src/SUMMARY.md"), summary)?;
    fs::write(out.join("book.toml"), "[book]\ntitle = \"The same chapters\"\n\n[output.html.print]\nenable = false\n")?;
    Ok(())
}

fn write(pages: &[Page], depth: usize, dir: &Path, summary: &mut String) -> Result<(), Box<dyn Error>> {
    for page in pages {
        writeln!(summary, "{}- [{}]({})", "  ".repeat(depth), page.name, page.path)?;
        let path = dir.join(&page.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, &page.text)?;
        write(&page.beneath, depth + 1, dir, summary)?;
    }
    Ok(())
}
