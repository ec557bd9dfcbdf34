//! Directives in authors' own pages, from end to end: `docs fill` for any generator of sites, `docs mdbook` with mdBook itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const WORKSPACE: &str = "workspace: docs
facts:
  organisation: {legal_name: Example Ltd, address: Example Street 1, country: DE, security_contact: security@example.com, privacy_contact: privacy@example.com}
  product: {name: Example, description: A platform.}
frameworks: [iso27001-2022]
";

const CLAIMS: &str = "claims:
  - {id: mesh-mtls, statement: All traffic in the mesh uses mutual TLS., kind: protocol-version, value: mtls,
     values: [mesh-mtls-strict.mode]}
  - {id: classes-encrypted, statement: Every StorageClass encrypts its volumes., kind: algorithm, checks: [storageclass-encrypted]}
";

fn proofbook(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofbook")).current_dir(dir).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

// A workspace with the bundle of the small cluster.
fn workspace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("proofbook.yaml"), WORKSPACE).unwrap();
    fs::write(dir.path().join("claims.yaml"), CLAIMS).unwrap();
    let cluster = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cluster-small");
    let made = proofbook(dir.path(), &["scan", "--quiet", "--dump", cluster.to_str().unwrap(), "--at", "2026-11-20T03:00:00Z"]);
    assert!(!made.stdout.is_empty(), "{}", stderr(&made));
    dir
}

fn page(dir: &Path, name: &str, text: &str) {
    let path = dir.join("pages").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn fill(dir: &Path, at: &str) -> Output {
    proofbook(dir, &["docs", "fill", "pages", "--out", "filled", "--at", at, "--site", "https://trust.example.com/site/"])
}

#[test]
fn pages_are_filled_in_with_links_to_what_shows_it() {
    let dir = workspace();
    page(
        dir.path(),
        "security.mdx",
        "# Security\n\nThe mesh runs {{value mesh-mtls-strict.mode}}; {{ claim mesh-mtls }} `{{value a.b}}` \\{{kept}}\n\n{{status iso27001-2022}}\n",
    );
    page(dir.path(), "sub/matrix.md", "{{matrix data}}\n");
    page(dir.path(), "logo.svg", "<svg/>");
    let output = fill(dir.path(), "2026-11-20T04:00:00Z");
    assert!(output.status.success(), "{}", stderr(&output));
    let filled = fs::read_to_string(dir.path().join("filled/security.mdx")).unwrap();
    let site = "https://trust.example.com/site";
    assert!(filled.contains(&format!("runs [STRICT]({site}/checks/mesh-mtls-strict.html \"measured 2026-11-20 03:00 UTC\");")), "{filled}");
    assert!(
        filled.contains(&format!("All traffic in the mesh uses mutual TLS. ([evidence]({site}/checks/mesh-mtls-strict.html))")),
        "{filled}"
    );
    assert!(filled.contains("`{{value a.b}}` {{kept}}"), "{filled}");
    assert!(
        filled.contains(&format!("({site}/frameworks/iso27001-2022.html), as of 2026-11-20 03:00 UTC: of 127 requirements, ")),
        "{filled}"
    );
    let matrix = fs::read_to_string(dir.path().join("filled/sub/matrix.md")).unwrap();
    assert!(matrix.contains("| Control | The provider has to | The customer has to | Status |"), "{matrix}");
    assert!(matrix.lines().filter(|line| line.starts_with("| [")).count() > 5, "{matrix}");
    // What is filled in later is no promise of its own.
    let promises = proofbook(dir.path(), &["docs", "claims", "pages", "--quiet"]);
    assert!(promises.stdout.is_empty(), "{}", String::from_utf8_lossy(&promises.stdout));
    assert_eq!(fs::read_to_string(dir.path().join("filled/logo.svg")).unwrap(), "<svg/>");
    // Links lead to pages that the site really has.
    assert!(proofbook(dir.path(), &["build", "--quiet", "--at", "2026-11-20T04:00:00Z"]).status.success());
    for text in [&filled, &matrix] {
        for link in text.split(&format!("({site}/")).skip(1).map(|rest| rest.split([')', ' ']).next().unwrap()) {
            assert!(dir.path().join("public/customer/site").join(link).is_file(), "{link}");
        }
    }
}

#[test]
fn what_is_not_true_is_not_printed() {
    let dir = workspace();
    page(dir.path(), "a.md", "The mesh runs {{value mesh-mtls-strict.mode}}.\n");
    assert_eq!(fill(dir.path(), "2026-11-20T04:00:00Z").status.code(), Some(0));
    let before = fs::read_to_string(dir.path().join("filled/a.md")).unwrap();
    // A year later the same value is stale.
    let stale = fill(dir.path(), "2027-11-20T04:00:00Z");
    assert_eq!(stale.status.code(), Some(1));
    assert!(stderr(&stale).contains("check mesh-mtls-strict is `stale`"), "{}", stderr(&stale));
    page(
        dir.path(),
        "b.md",
        "# B\n\nText {{value storageclass-encrypted.customer_key}}\n\n| {{claim classes-encrypted}} | {{value backup-retention.retention_hours}} |\n|---|---|\n",
    );
    let untrue = fill(dir.path(), "2026-11-20T04:00:00Z");
    let told = stderr(&untrue);
    assert_eq!(untrue.status.code(), Some(1), "{told}");
    for expected in [
        "pages/b.md:3:6",
        "check storageclass-encrypted is `fail`",
        "pages/b.md:5:3",
        "the claim `classes-encrypted` does not hold: contradicted",
        "pages/b.md:5:33",
        "check backup-retention is `fail`",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    // The last good pages stay.
    assert_eq!(fs::read_to_string(dir.path().join("filled/a.md")).unwrap(), before);
    assert!(!dir.path().join("filled.new").exists());
}

#[test]
fn what_is_wrongly_written_is_told_with_its_place() {
    let dir = workspace();
    for (text, expected) in [
        ("{{value mesh-mtls-strict.mod}}", "did you mean `mesh-mtls-strict.mode`?"),
        ("{{value rollout-strategy.strategy}}", "is not for the readers of this page"),
        ("{{claim mesh-mtl}}", "did you mean `mesh-mtls`?"),
        ("{{matrix dat}}", "did you mean `data`?"),
        ("{{status iso27001-202}}", "did you mean `iso27001-2022`?"),
        ("{{values a.b}}", "did you mean `value`?"),
        ("{{claim}}", "`claim` is not complete"),
    ] {
        page(dir.path(), "a.md", text);
        let output = fill(dir.path(), "2026-11-20T04:00:00Z");
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}: {told}");
        assert!(told.contains(expected) && told.contains("pages/a.md:1:1"), "{text}: {told}");
    }
    let inside = proofbook(dir.path(), &["docs", "fill", ".", "--out", "filled"]);
    assert_eq!(inside.status.code(), Some(2));
}

#[test]
fn mdbook_calls_it_as_a_preprocessor() {
    let dir = workspace();
    let book = dir.path().join("book");
    fs::create_dir_all(book.join("src")).unwrap();
    let program = env!("CARGO_BIN_EXE_proofbook");
    let toml = format!(
        "[book]\ntitle = \"Handbook\"\n[preprocessor.proofbook]\ncommand = \"{program} docs mdbook --at 2026-11-20T04:00:00Z -C {}\"\n",
        dir.path().display()
    );
    fs::write(book.join("book.toml"), toml).unwrap();
    fs::write(book.join("src/SUMMARY.md"), "# Summary\n\n- [Mesh](mesh.md)\n  - [Matrix](matrix.md)\n").unwrap();
    fs::write(book.join("src/mesh.md"), "# Mesh\n\nIt runs {{value mesh-mtls-strict.mode}}.\n").unwrap();
    fs::write(book.join("src/matrix.md"), "# Matrix\n\n{{matrix network}}\n").unwrap();
    let build = || mdbook_driver::MDBook::load(&book).unwrap().build();
    build().unwrap();
    assert!(fs::read_to_string(book.join("book/mesh.html")).unwrap().contains("It runs STRICT."));
    assert!(fs::read_to_string(book.join("book/matrix.html")).unwrap().contains("<th>The customer has to</th>"));
    // A value that is no longer true fails the build.
    fs::write(book.join("src/mesh.md"), "Backups last {{value backup-retention.retention_hours}}.\n").unwrap();
    assert!(build().is_err());
}

fn build(dir: &Path, at: &str) -> Output {
    proofbook(dir, &["build", "--at", at, "--profile", "customer,assessor"])
}

#[test]
fn pages_of_the_workspace_are_part_of_the_site() {
    let dir = workspace();
    page(
        dir.path(),
        "how-we-work.md",
        "---\ntitle: How we work\n---\nThe mesh runs {{value mesh-mtls-strict.mode}}. See [more](sub/more.md) and ![a](logo.svg).\n",
    );
    page(dir.path(), "sub/more.md", "# More\n\n{{claim mesh-mtls}}\n\n{{status iso27001-2022}}\n");
    page(dir.path(), "logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    let built = build(dir.path(), "2026-11-20T04:00:00Z");
    assert!(built.status.success(), "{}", stderr(&built));
    for profile in ["customer", "assessor"] {
        let site = dir.path().join("public").join(profile).join("site");
        let read = |path: &str| fs::read_to_string(site.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let html = read("pages/how-we-work.html");
        assert!(html.contains("<a href=\"../checks/mesh-mtls-strict.html\" title=\"measured 2026-11-20 03:00 UTC\">STRICT</a>"), "{html}");
        assert!(html.contains("<a href=\"sub/more.html\">more</a>") && !html.contains("title: How"), "{html}");
        assert!(html.contains(">How we work</a></h1>") && html.contains("aria-label=\"The evidence behind this page\""), "{html}");
        let more = read("pages/sub/more.html");
        assert!(more.contains("href=\"../../checks/mesh-mtls-strict.html\""), "{more}");
        assert!(more.contains("href=\"../../frameworks/iso27001-2022.html\""), "{more}");
        assert!(site.join("pages/logo.svg").is_file());
        let written = read("written.html");
        assert!(written.contains("<a href=\"pages/how-we-work.html\">How we work</a>"), "{written}");
        assert!(read("search.js").contains("pages/sub/more.html"));
    }
}

#[test]
fn a_page_of_the_workspace_that_is_not_true_stops_the_build() {
    let dir = workspace();
    page(dir.path(), "a.md", "# A\n\nThe mesh runs {{value mesh-mtls-strict.mode}}.\n");
    assert!(build(dir.path(), "2026-11-20T04:00:00Z").status.success());
    let stale = build(dir.path(), "2027-11-20T04:00:00Z");
    assert_eq!(stale.status.code(), Some(1), "{}", stderr(&stale));
    assert!(stderr(&stale).contains("pages/a.md:3:15") && stderr(&stale).contains("is `stale`"), "{}", stderr(&stale));
    // The last good site stays.
    assert!(dir.path().join("public/customer/site/pages/a.html").is_file());
    page(dir.path(), "a.md", "# A\n\n{{value no-such-check.mode}}\n");
    let wrong = build(dir.path(), "2026-11-20T04:00:00Z");
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
}
