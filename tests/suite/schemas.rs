//! The committed JSON Schemas are those of the types that read the files.

use std::path::Path;
use std::process::Command;

#[test]
fn schemas_are_those_of_the_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_proofbook")).args(["schema", "--out"]).arg(out.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut names: Vec<_> = std::fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    for name in names {
        let made = std::fs::read_to_string(out.path().join(&name)).unwrap();
        let kept = std::fs::read_to_string(root.join("schemas").join(&name)).unwrap_or_default();
        assert!(made == kept, "schemas/{} is not current; write it again with `proofbook schema --out schemas`", name.to_string_lossy());
    }
}
