//! Embedded data is part of the build: a changed file builds the crate again.

fn main() {
    for folder in ["crosswalks", "frameworks", "library", "mappings"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
