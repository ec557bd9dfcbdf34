//! Embedded data is part of the build: a changed file builds the crate again.

fn main() {
    println!("cargo::rerun-if-changed=documents");
}
