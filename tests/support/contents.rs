//! Everything that is in a file: the bytes themselves, and what they hold compressed or packed, to the bottom.

use std::io::Read;
use std::path::Path;

/// All files below a folder, with their names and bytes.
pub(crate) fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// The bytes, and everything that is packed in them.
pub(crate) fn unpacked(name: &str, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let inner = if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        vec![("zst".to_owned(), zstd::decode_all(bytes.as_slice()).unwrap())]
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        vec![("gz".to_owned(), read_all(flate2::read::GzDecoder::new(bytes.as_slice())).unwrap())]
    } else if bytes.starts_with(b"PK\x03\x04") {
        zip_entries(&bytes)
    } else if bytes.get(257..262) == Some(b"ustar") {
        tar_entries(&bytes)
    } else if bytes.starts_with(b"%PDF") {
        pdf_streams(&bytes)
    } else {
        Vec::new()
    };
    let deeper = inner.into_iter().flat_map(|(part, bytes)| unpacked(&format!("{name}!{part}"), bytes)).collect::<Vec<_>>();
    std::iter::once((name.to_owned(), bytes)).chain(deeper).collect()
}

fn read_all(mut reader: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn zip_entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|at| {
            let entry = archive.by_index(at).unwrap();
            (entry.name().unwrap().into_owned(), read_all(entry).unwrap())
        })
        .collect()
}

fn tar_entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.path().unwrap().display().to_string(), read_all(entry).unwrap())
    });
    entries.collect()
}

// Streams that are not compressed are seen as they stand in the file.
fn pdf_streams(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let starts = find_all(bytes, b"stream").into_iter().filter(|at| !bytes[..*at].ends_with(b"end"));
    let streams = starts.filter_map(|at| {
        let rest = &bytes[at + b"stream".len()..];
        let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
        let inflated = read_all(flate2::read::ZlibDecoder::new(rest)).ok()?;
        Some((format!("stream at {at}"), inflated))
    });
    streams.collect()
}

/// The places at which `part` stands in `bytes`.
pub(crate) fn find_all(bytes: &[u8], part: &[u8]) -> Vec<usize> {
    let first = part[0];
    let candidates = bytes.iter().enumerate().filter(|(_, byte)| **byte == first).map(|(at, _)| at);
    candidates.filter(|at| bytes[*at..].starts_with(part)).collect()
}
