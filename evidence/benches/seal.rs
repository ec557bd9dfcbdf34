//! Sealing and verifying at the speed of the disk: what a hash of the files costs, against the bare hash of the same bytes.

#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use proofbook_evidence::bundle::manifest::{Manifest, sha256_hex};
use proofbook_evidence::seal;
use proofbook_evidence::seal::key::PrivateKey;
use proofbook_evidence::verify::{self, Demands};
use serde_json::json;
use sha2::{Digest, Sha256};

const SIZE: usize = 64 << 20;
const FILES: usize = 8;

fn bytes() -> Vec<u8> {
    let mut state: u64 = 7;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..SIZE / 8).flat_map(|_| next()).collect()
}

/// A sealed set of large files, with a manifest that names them.
fn bundle(dir: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(dir.join("observations")).unwrap();
    let (mut subject, mut sizes) = (Vec::new(), serde_json::Map::new());
    for (at, part) in bytes.chunks(SIZE / FILES).enumerate() {
        let name = format!("observations/{at}.ndjson.zst");
        std::fs::write(dir.join(&name), part).unwrap();
        subject.push(json!({"name": name, "digest": {"sha256": sha256_hex(part)}}));
        sizes.insert(name, part.len().into());
    }
    let run = json!({
        "workspace": "bench", "environment": "prod", "run_id": "", "previous": null, "tool_version": "0", "semantics": 1, "full": true,
        "checks": [], "clock": "2026-06-01T00:00:00Z", "assurance": "live", "targets": [], "sizes": sizes,
    });
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "https://proofbook.dev/run/v1", "predicate": run,
    });
    let mut manifest: Manifest = serde_json::from_value(statement).unwrap();
    manifest.predicate.run_id = manifest.run_id().unwrap();
    std::fs::write(dir.join("manifest.json"), manifest.to_bytes().unwrap()).unwrap();
}

fn hashing(criterion: &mut Criterion) {
    let (bytes, dir) = (bytes(), tempfile::tempdir().unwrap());
    bundle(dir.path(), &bytes);
    let alone = Demands { alone: true, ..Demands::default() };
    assert!(verify::verify_against(dir.path(), &alone).unwrap().is_intact());
    let mut group = criterion.benchmark_group("hash 64 MiB");
    group.throughput(Throughput::Bytes(SIZE as u64)).sample_size(10);
    group.bench_function("sha2, in memory", |bench| bench.iter(|| Sha256::digest(black_box(&bytes))));
    let aws = &aws_lc_rs::digest::SHA256;
    group.bench_function("aws-lc, in memory", |bench| bench.iter(|| aws_lc_rs::digest::digest(aws, black_box(&bytes))));
    group.bench_function("verify --static", |bench| bench.iter(|| verify::verify_against(dir.path(), &alone).unwrap()));
    group.finish();
}

fn signing(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    bundle(dir.path(), &[1; 64]);
    // Ed25519 in PKCS#8 around 32 bytes.
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----\n";
    let key = PrivateKey::from_pem(pem.as_bytes()).unwrap();
    criterion.bench_function("sign a manifest, with the file on disk", |bench| {
        let fresh = || drop(std::fs::remove_dir_all(dir.path().join("seal")));
        bench.iter_batched(fresh, |()| seal::sign(dir.path(), &key).unwrap(), BatchSize::PerIteration);
    });
}

criterion_group!(benches, hashing, signing);
criterion_main!(benches);
