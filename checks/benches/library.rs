//! What every command waits for first: reading and checking the whole library, all YAML and all CEL.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use proofbook_checks::Catalog;

fn library(criterion: &mut Criterion) {
    let files = Catalog::embedded_files();
    let mut group = criterion.benchmark_group("library");
    group.sample_size(20);
    group.bench_function("controls", |bench| bench.iter(|| black_box(proofbook_controls::Controls::load(black_box(&files)).is_ok())));
    group.bench_function("whole", |bench| bench.iter(|| black_box(Catalog::load(black_box(&files)).is_ok())));
    group.bench_function("with fixtures", |bench| bench.iter(|| black_box(Catalog::load_with_fixtures(black_box(&files)).is_ok())));
    group.finish();
}

criterion_group!(benches, library);
criterion_main!(benches);
