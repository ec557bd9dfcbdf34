//! How fast documents are read and typed, and how fast their promises are held against a registry.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use proofbook_claims::checking::{self, Evidence};
use proofbook_claims::document::Document;
use proofbook_claims::typing::Reader;
use proofbook_evidence::claims::Registry;

const PAGE: &str = "# Security\n\nAll external connections use TLS 1.2 or higher. You should rotate your API keys. Backups are taken every night and kept \
for 30 days.\n\n## Access\n\n- MFA is mandatory for all employees\n- Access to production is granted for four hours at most\n\n| Data | Retention |\n|---|---|\n\
| Logs | 90 days |\n| Metrics | 13 months |\n\n> [!NOTE]\n> If an attacker obtained a disk, nothing could be read.\n\n```yaml\nretention: 7d\n```\n\n";

fn read(criterion: &mut Criterion) {
    let text = PAGE.repeat(20);
    let mut reader = Reader::new();
    let mut group = criterion.benchmark_group("documents");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("read", |bencher| bencher.iter(|| black_box(Document::read("a.md", text.clone().into_bytes()))));
    group.bench_function("read and type", |bencher| {
        bencher.iter(|| black_box(checking::promises(&Document::read("a.md", text.clone().into_bytes()), &mut reader)));
    });
    let registry = Registry::default();
    let documents = [checking::promises(&Document::read("a.md", text.clone().into_bytes()), &mut reader)];
    let attestations = std::collections::BTreeMap::new();
    let evidence =
        Evidence { registry: &registry, store: None, attestations: &attestations, certifications: &[], at: Timestamp::UNIX_EPOCH };
    group.bench_function("check", |bencher| bencher.iter(|| black_box(checking::check(&documents, &evidence))));
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
