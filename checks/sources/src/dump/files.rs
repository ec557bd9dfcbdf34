//! The files of a dump: finding them, and reading them decompressed while their digest is taken.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use proofbook_checks::resource::Source;
use sha2::{Digest, Sha256};

use super::DumpError;
use crate::text::hex;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON, one or several documents, also one a line.
    Json,
    /// YAML, one or several documents.
    Yaml,
}

/// One file of a dump.
#[derive(Clone, Debug)]
pub(super) struct DumpFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name relative to the dump.
    pub name: String,
    /// The source whose observations it holds.
    pub source: Source,
    /// How it is written: told by its name. A file that was named by itself and tells nothing is taken for YAML, of which
    /// JSON is a part.
    pub form: Form,
}

impl DumpFile {
    fn new(path: PathBuf, name: String, source: Source) -> Self {
        let form = form_of(&name).unwrap_or(Form::Yaml);
        Self { path, name, source, form }
    }

    /// The name without folder and endings: what a per-kind file is called by.
    pub(super) fn stem(&self) -> &str {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
        ENDINGS.iter().find_map(|(ending, _)| name.strip_suffix(ending)).unwrap_or(name)
    }
}

const ENDINGS: [(&str, Form); 4] = [(".json", Form::Json), (".ndjson", Form::Json), (".yaml", Form::Yaml), (".yml", Form::Yaml)];

fn form_of(name: &str) -> Option<Form> {
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    ENDINGS.iter().find_map(|(ending, form)| name.ends_with(ending).then_some(*form))
}

/// The files of a dump in the order of their names: of a folder those that are JSON or YAML by their names, at its top
/// and in its sub-folders per source; otherwise the file itself.
pub(super) fn find(path: &Path) -> Result<Vec<DumpFile>, DumpError> {
    let about = fs::metadata(path).map_err(|cause| DumpError::unreadable(path, cause))?;
    if !about.is_dir() {
        File::open(path).map_err(|cause| DumpError::unreadable(path, cause))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        return Ok(vec![DumpFile::new(path.to_owned(), name, Source::Kubernetes)]);
    }
    let mut files = list(path, "", Source::Kubernetes)?;
    for source in Source::ALL {
        let folder = path.join(source.as_str());
        if folder.is_dir() {
            files.extend(list(&folder, &format!("{source}/"), source)?);
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn list(folder: &Path, prefix: &str, source: Source) -> Result<Vec<DumpFile>, DumpError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|cause| DumpError::unreadable(folder, cause))? {
        let path = entry.map_err(|cause| DumpError::unreadable(folder, cause))?.path();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            continue;
        };
        let hidden = name.starts_with('.');
        let described = prefix.is_empty() && (name == super::DESCRIPTION || name == super::RECORDING);
        if !hidden && !described && form_of(&name).is_some() && !path.is_dir() {
            files.push(DumpFile::new(path, format!("{prefix}{name}"), source));
        }
    }
    Ok(files)
}

/// What a file was, once it is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprint {
    /// SHA-256 of the file as it lies there, in lower-case hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A file being read, decompressed by its first bytes, whatever its name says.
pub(super) enum Opened {
    /// As it is.
    Plain(Hashing),
    /// Gzip, of one or several members.
    Gzip(Box<MultiGzDecoder<Hashing>>),
    /// Zstandard.
    Zstd(Box<zstd::Decoder<'static, BufReader<Hashing>>>),
}

impl Opened {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut magic = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut magic)?;
        file.rewind()?;
        let raw = Hashing { file, hasher: Sha256::new(), bytes: 0 };
        Ok(match magic.as_slice() {
            [0x1F, 0x8B, ..] => Self::Gzip(Box::new(MultiGzDecoder::new(raw))),
            [0x28, 0xB5, 0x2F, 0xFD] => Self::Zstd(Box::new(zstd::Decoder::new(raw)?)),
            _ => Self::Plain(raw),
        })
    }

    /// Reads what is left and tells what the file was.
    pub(super) fn finish(self) -> io::Result<Fingerprint> {
        let mut raw = match self {
            Self::Plain(raw) => raw,
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish().into_inner(),
        };
        io::copy(&mut raw, &mut io::sink())?;
        Ok(Fingerprint { sha256: hex(&raw.hasher.finalize()), bytes: raw.bytes })
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(raw) => raw.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// A file whose digest is taken while it is read.
pub(super) struct Hashing {
    file: File,
    hasher: Sha256,
    bytes: u64,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
