//! Object storage as the place of a ledger: S3, Google Cloud Storage, Azure Blob Storage.
//!
//! Nothing that was committed is ever written again: a bundle's objects lie under the run's id, which follows from their content,
//! and the record that makes the run a part of the chain is put only where no object is. Requests that fail for a moment are tried
//! again within the given time. The interface blocks; what waits inside does so on the runtime that the caller brings.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as Name;
use object_store::{
    ClientOptions, Error, HeaderMap, HeaderValue, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig, WriteMultipart,
};
use tokio::runtime::Runtime;

use super::{Chain, LedgerError, RunRef, TOMBSTONES, Tombstone, folder, names};
use crate::bundle::manifest::{MANIFEST, Manifest, SEAL, is_plain_name, sha256_hex};
use crate::seal::{SealFile, Stamped};

/// How object storage is reached.
#[derive(Clone, Debug)]
pub struct ObjectSettings {
    /// `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
    pub url: String,
    /// Options of the storage's client, named as its environment variables are: `AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`,
    /// `AZURE_STORAGE_ACCOUNT_NAME`. Names that it does not know are passed over.
    pub options: Vec<(String, String)>,
    /// A server that speaks the protocol, in place of the provider's own.
    pub endpoint: Option<String>,
    /// The region of the bucket (S3).
    pub region: Option<String>,
    /// The lock that every object gets (S3).
    pub lock: Option<Lock>,
    /// How long one request may take.
    pub timeout: Duration,
    /// For how long requests that fail for a moment are tried again.
    pub retry_for: Duration,
}

/// A lock of S3: until then nobody can delete or change the version of the object that was written.
#[derive(Clone, Debug)]
pub struct Lock {
    /// `COMPLIANCE`, which nobody can lift, or `GOVERNANCE`.
    pub mode: String,
    /// Until when, RFC 3339.
    pub until: String,
}

/// A place in object storage.
#[derive(Clone, Debug)]
pub struct Objects {
    url: String,
    prefix: String,
    reads: Arc<dyn ObjectStore>,
    // Its requests carry the headers of the lock.
    writes: Arc<dyn ObjectStore>,
    runtime: Arc<Runtime>,
}

// Larger files go up in parts of this size.
const PART: u64 = 8 * 1024 * 1024;
// So many requests are under way at once.
const AT_ONCE: usize = 8;
// A conditional put whose outcome is not known is looked up so often.
const LOOKS: u32 = 6;
// Its existence shows that the storage keeps the condition.
const PROBE: &str = "conditional-put";

impl Objects {
    /// Opens a place. Nothing is asked of it yet.
    ///
    /// # Errors
    /// A URL of another form, or settings that its client refuses.
    pub fn open(settings: &ObjectSettings, runtime: Arc<Runtime>) -> Result<Self, LedgerError> {
        let place = |detail: &str| LedgerError::Place { place: settings.url.clone(), detail: detail.to_owned() };
        let url = settings.url.trim_end_matches('/');
        let known = "expected s3://bucket/prefix, gs://bucket/prefix or az://container/prefix";
        let (scheme, rest) = url.split_once("://").ok_or_else(|| place(known))?;
        let (container, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if container.is_empty() {
            return Err(place(known));
        }
        let build = |lock: Option<&Lock>| -> Result<Arc<dyn ObjectStore>, Error> {
            match scheme {
                "s3" => Ok(Arc::new(s3(settings, container, lock)?)),
                "gs" => Ok(Arc::new(google(settings, container)?)),
                _ => Ok(Arc::new(azure(settings, container)?)),
            }
        };
        if !["s3", "gs", "az"].contains(&scheme) {
            return Err(place(known));
        }
        if settings.lock.is_some() && scheme != "s3" {
            return Err(place("only S3 takes a lock with every object; set a retention policy on the bucket instead"));
        }
        let refused = |source| LedgerError::Object { place: url.to_owned(), source };
        let reads = build(None).map_err(refused)?;
        let writes = if settings.lock.is_some() { build(settings.lock.as_ref()).map_err(refused)? } else { Arc::clone(&reads) };
        Ok(Self { url: url.to_owned(), prefix: prefix.to_owned(), reads, writes, runtime })
    }

    /// The URL without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn name(&self, name: &str) -> Name {
        if self.prefix.is_empty() { Name::from(name) } else { Name::from(format!("{}/{name}", self.prefix)) }
    }

    fn at<'e>(&'e self, name: &'e str) -> impl Fn(Error) -> LedgerError + 'e {
        move |source| LedgerError::Object { place: format!("{}/{name}", self.url), source }
    }

    async fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        Ok(self.reads.get(&self.name(name)).await?.bytes().await?.to_vec())
    }

    /// The bytes of an object.
    pub(super) fn get(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        self.runtime.block_on(self.read(name)).map_err(self.at(name))
    }

    /// The bytes of an object that may not be there.
    pub(super) fn find(&self, name: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        match self.runtime.block_on(self.read(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.at(name)(error)),
        }
    }

    /// Whether an object is there.
    pub(super) fn exists(&self, name: &str) -> Result<bool, LedgerError> {
        match self.runtime.block_on(self.reads.head(&self.name(name))) {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.at(name)(error)),
        }
    }

    /// The bytes of several objects, in their order.
    pub(super) fn get_all(&self, names: &[String]) -> Result<Vec<Vec<u8>>, LedgerError> {
        let reads = stream::iter(names).map(|name| async move { self.read(name).await.map_err(self.at(name)) });
        self.runtime.block_on(reads.buffered(AT_ONCE).try_collect())
    }

    /// The first `limit` names below a prefix, or all, in the order of names.
    pub(super) fn first_names(&self, below: &str, limit: Option<usize>) -> Result<Vec<String>, LedgerError> {
        let prefix = self.name(below);
        let list = self.reads.list(Some(&prefix)).take(limit.unwrap_or(usize::MAX));
        let found: Result<Vec<_>, Error> = self.runtime.block_on(list.try_collect());
        let own = |location: &Name| {
            let location = location.as_ref();
            let relative = location.strip_prefix(&self.prefix).unwrap_or(location);
            relative.trim_start_matches('/').to_owned()
        };
        Ok(found.map_err(self.at(below))?.iter().map(|meta| own(&meta.location)).collect())
    }

    /// The runs of which something was uploaded, whether or not they became a part of the chain.
    pub(super) fn run_ids(&self) -> Result<Vec<String>, LedgerError> {
        let prefix = (!self.prefix.is_empty()).then(|| Name::from(self.prefix.as_str()));
        let found = self.runtime.block_on(self.reads.list_with_delimiter(prefix.as_ref())).map_err(self.at(""))?;
        Ok(found.common_prefixes.iter().filter_map(|prefix| prefix.filename().map(str::to_owned)).collect())
    }

    /// Name within the run and size of every object of a run.
    pub(super) fn files_of(&self, run_id: &str) -> Result<Vec<(String, u64)>, LedgerError> {
        let prefix = self.name(run_id);
        let found: Result<Vec<_>, Error> = self.runtime.block_on(self.reads.list(Some(&prefix)).try_collect());
        let own = |meta: object_store::ObjectMeta| {
            let name = meta.location.as_ref().strip_prefix(prefix.as_ref())?.trim_start_matches('/').to_owned();
            Some((name, meta.size))
        };
        Ok(found.map_err(self.at(run_id))?.into_iter().filter_map(own).collect())
    }

    /// Writes an object, whatever is there: for content under a name that follows from it.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        let payload = PutPayload::from(bytes.to_vec());
        self.runtime.block_on(self.writes.put(&self.name(name), payload)).map(drop).map_err(self.at(name))
    }

    /// Writes an object only where none is, and tells whether these bytes stand there now.
    ///
    /// A request may be lost on its way back, so what stands there decides and not the answer alone.
    pub(super) fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool, LedgerError> {
        let mut looked = 0;
        loop {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let put = self.runtime.block_on(self.writes.put_opts(&self.name(name), PutPayload::from(bytes.to_vec()), options));
            let error = match put {
                Ok(_) => return Ok(true),
                Err(error @ (Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::NotImplemented { .. })) => {
                    return Err(self.at(name)(error));
                }
                Err(error) => error,
            };
            if let Some(found) = self.find(name)? {
                return Ok(found == bytes);
            }
            looked += 1;
            if looked == LOOKS {
                return Err(self.at(name)(error));
            }
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50 << looked)).await });
        }
    }

    /// Makes sure that the storage keeps the condition of a conditional put: one that ignores it would let two writers fork the
    /// chain.
    pub(super) fn require_conditions(&self) -> Result<(), LedgerError> {
        let create = || {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            self.runtime.block_on(self.writes.put_opts(&self.name(PROBE), PutPayload::from_static(b"kept\n"), options))
        };
        for _ in 0..2 {
            match create() {
                Err(Error::AlreadyExists { .. }) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(self.at(PROBE)(error)),
            }
        }
        let detail = "the storage writes over an object although the request says `If-None-Match: *`; two writers could fork the \
            ledger, so nothing is written to it"
            .to_owned();
        Err(LedgerError::Place { place: self.url.clone(), detail })
    }

    /// Uploads files of a run, given by name within the run.
    pub(super) fn put_files<'f>(&self, run_id: &str, dir: &Path, names: impl Iterator<Item = &'f str>) -> Result<(), LedgerError> {
        let uploads = stream::iter(names).map(|name| async move {
            let (object, path) = (format!("{run_id}/{name}"), dir.join(name));
            self.upload(&object, &path).await
        });
        self.runtime.block_on(uploads.buffer_unordered(AT_ONCE).try_collect())
    }

    async fn upload(&self, name: &str, path: &Path) -> Result<(), LedgerError> {
        let file = LedgerError::file(path);
        let size = fs::metadata(path).map_err(&file)?.len();
        let object = self.name(name);
        if size <= PART {
            let bytes = fs::read(path).map_err(&file)?;
            return self.writes.put(&object, PutPayload::from(bytes)).await.map(drop).map_err(self.at(name));
        }
        let part = usize::try_from(PART).unwrap_or(usize::MAX);
        let upload = self.writes.put_multipart(&object).await.map_err(self.at(name))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, part);
        let mut reader = File::open(path).map_err(&file)?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = reader.read(&mut buffer).map_err(&file)?;
            if read == 0 {
                break;
            }
            upload.wait_for_capacity(2).await.map_err(self.at(name))?;
            upload.write(&buffer[..read]);
        }
        upload.finish().await.map(drop).map_err(self.at(name))
    }

    /// Deletes objects; one that is not there any more is no error.
    pub(super) fn delete(&self, names: &[String]) -> Result<(), LedgerError> {
        for name in names {
            match self.runtime.block_on(self.reads.delete(&self.name(name))) {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.at(name)(error)),
            }
        }
        Ok(())
    }

    /// What lies in `seal/` of a run, by name.
    pub(super) fn seal_names(&self, run_id: &str) -> Result<Vec<String>, LedgerError> {
        let below = format!("{run_id}/{SEAL}/");
        let names = self.first_names(&below, None)?;
        let names: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(&below)).collect();
        // Whoever can write here chooses these names, and they become paths.
        if let Some(name) = names.iter().find(|name| !is_plain_name(name)) {
            let detail = format!("`{name}` is no name of a file of a seal");
            return Err(LedgerError::Entry { place: format!("{}/{below}", self.url), detail });
        }
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// Makes `seal/` of a run what it is in the bundle on disk. What lies in storage alone stays, since somebody else may have put
    /// it there, unless it is a stamp, or a request for one, over what was replaced.
    pub(super) fn put_seal(&self, run_id: &str, bundle: &Path) -> Result<(), LedgerError> {
        let of_seal = |name: &String| SealFile::of(name).is_some_and(|file| file != SealFile::Leftover);
        let here: Vec<String> =
            folder::names(&bundle.join(SEAL))?.into_iter().filter(of_seal).map(|name| format!("{SEAL}/{name}")).collect();
        let there = self.seal_names(run_id)?;
        let mut stale = Vec::new();
        for name in there.iter().map(|name| format!("{SEAL}/{name}")).filter(|name| here.contains(name)) {
            if fs::read(bundle.join(&name)).map_err(LedgerError::file(&bundle.join(&name)))? != self.get(&format!("{run_id}/{name}"))? {
                stale.extend(stamps_over(&name));
            }
        }
        let stale = stale.into_iter().filter(|name| !here.contains(name)).map(|name| format!("{run_id}/{name}"));
        // First: a seal that lost its stamp is whole, one with a stamp over something else is not.
        self.delete(&stale.collect::<Vec<_>>())?;
        self.put_files(run_id, bundle, here.iter().map(String::as_str))
    }

    // What lies in `seal/` of a run comes to the bundle on disk. What was replaced is replaced, with the stamps over it.
    fn bring_seal(&self, run_id: &str, bundle: &Path) -> Result<(), LedgerError> {
        let there: Vec<String> = self.seal_names(run_id)?.into_iter().map(|name| format!("{SEAL}/{name}")).collect();
        let objects: Vec<String> = there.iter().map(|name| format!("{run_id}/{name}")).collect();
        for (name, bytes) in there.iter().zip(self.get_all(&objects)?) {
            let own = folder::read_if_there(&bundle.join(name))?;
            if own.as_ref() == Some(&bytes) {
                continue;
            }
            for stale in stamps_over(name).into_iter().filter(|stale| own.is_some() && !there.contains(stale)) {
                super::sequence::remove_if_there(&bundle.join(stale))?;
            }
            folder::write_whole(&bundle.join(name), &bytes)?;
        }
        Ok(())
    }

    /// Brings a bundle to `path`, every byte held to the manifest and that to the ledger. A bundle that is there already only
    /// gets what was done to its seal, and what retention has deleted goes from it too.
    pub(super) fn fetch(&self, run: &RunRef, path: &Path, tombstones: &Chain<Tombstone>) -> Result<PathBuf, LedgerError> {
        let around = path.parent().unwrap_or(path);
        fs::create_dir_all(around).map_err(LedgerError::file(around))?;
        let deleted = self.bring_tombstones(run, around, tombstones)?;
        let there = folder::read_if_there(&path.join(MANIFEST))?.is_some_and(|bytes| sha256_hex(&bytes) == run.manifest_sha256);
        if !there {
            self.bring_files(run, path, &deleted)?;
        }
        for name in &deleted {
            super::sequence::remove_if_there(&path.join(name))?;
        }
        self.bring_seal(&run.run_id, path)?;
        Ok(path.to_path_buf())
    }

    // The chain of tombstones lies beside the bundle, where verification looks for it. Gives the files of this run that it names.
    fn bring_tombstones(&self, run: &RunRef, around: &Path, tombstones: &Chain<Tombstone>) -> Result<Vec<String>, LedgerError> {
        let links = tombstones.entries(None)?;
        let beside = around.join(format!("{TOMBSTONES}.ndjson"));
        if links.is_empty() {
            super::sequence::remove_if_there(&beside)?;
            return Ok(Vec::new());
        }
        super::sequence::rewrite(&beside, links.iter().map(|link| Ok(serde_json_canonicalizer::to_vec(link)?)))?;
        let own = links.into_iter().map(|link| link.event).filter(|tombstone| tombstone.run_id == run.run_id);
        Ok(own.flat_map(|tombstone| tombstone.files).map(|file| file.name).collect())
    }

    fn bring_files(&self, run: &RunRef, path: &Path, deleted: &[String]) -> Result<(), LedgerError> {
        let damaged = |detail: String| LedgerError::Entry { place: format!("{}/{}", self.url, run.run_id), detail };
        let bytes = self.get(&format!("{}/{MANIFEST}", run.run_id))?;
        let digest = sha256_hex(&bytes);
        if digest != run.manifest_sha256 {
            return Err(damaged(format!("the manifest is sha256:{digest}, and the ledger names sha256:{}", run.manifest_sha256)));
        }
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| damaged(format!("the manifest cannot be read: {error}")))?;
        names::sealed(&manifest).map_err(damaged)?;
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(format!(".new-{}", std::process::id()));
        let fresh = PathBuf::from(fresh);
        clear(&fresh)?;
        let wanted: Vec<_> = manifest.subject.iter().filter(|file| !deleted.contains(&file.name)).collect();
        let reads = stream::iter(&wanted).map(|file| async {
            let name = format!("{}/{}", run.run_id, file.name);
            let bytes = self.read(&name).await.map_err(self.at(&name))?;
            let found = sha256_hex(&bytes);
            if found != file.digest.sha256 {
                return Err(damaged(format!("{} is sha256:{found}, and was sealed as sha256:{}", file.name, file.digest.sha256)));
            }
            write(&fresh.join(&file.name), &bytes)
        });
        let read: Result<Vec<()>, LedgerError> = self.runtime.block_on(reads.buffer_unordered(AT_ONCE).try_collect());
        read.and_then(|_| write(&fresh.join(MANIFEST), &bytes))
            .and_then(|()| clear(path))
            .and_then(|()| fs::rename(&fresh, path).map_err(LedgerError::file(path)))
            .inspect_err(|_| drop(clear(&fresh)))
    }
}

// The requests and stamps, by name within the bundle, that are over a file of the seal, or answer it.
fn stamps_over(name: &str) -> Vec<String> {
    match name.strip_prefix(SEAL).and_then(|name| SealFile::of(name.trim_start_matches('/'))) {
        Some(SealFile::Envelope(id)) => {
            let stamped = Stamped::Signature(id);
            vec![stamped.request(), stamped.response()]
        }
        Some(SealFile::Request(stamped)) => vec![stamped.response()],
        _ => Vec::new(),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(LedgerError::file(parent))?;
    File::create(path).and_then(|mut file| file.write_all(bytes)).map_err(LedgerError::file(path))
}

fn clear(dir: &Path) -> Result<(), LedgerError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LedgerError::file(dir)(error)),
        _ => Ok(()),
    }
}

fn client(settings: &ObjectSettings, lock: Option<&Lock>) -> ClientOptions {
    let http = settings.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let options = ClientOptions::new().with_timeout(settings.timeout).with_connect_timeout(settings.timeout).with_allow_http(http);
    let Some(lock) = lock else { return options };
    let mut headers = HeaderMap::new();
    let named = [
        ("x-amz-object-lock-mode", lock.mode.as_str()),
        ("x-amz-object-lock-retain-until-date", &lock.until),
        // A lock is taken only by a request that says how its digest was made.
        ("x-amz-sdk-checksum-algorithm", "SHA256"),
    ];
    for (name, value) in named {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    options.with_default_headers(headers)
}

fn retry(settings: &ObjectSettings) -> RetryConfig {
    RetryConfig { max_retries: 20, retry_timeout: settings.retry_for, ..RetryConfig::default() }
}

fn s3(settings: &ObjectSettings, bucket: &str, lock: Option<&Lock>) -> Result<impl ObjectStore + use<>, Error> {
    let known = settings.options.iter().filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)));
    let mut builder = known.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value));
    builder = builder.with_bucket_name(bucket).with_retry(retry(settings)).with_client_options(client(settings, lock));
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    // S3 takes a lock only with a digest of what is locked.
    builder.with_checksum_algorithm(Checksum::SHA256).build()
}

fn google(settings: &ObjectSettings, bucket: &str) -> Result<impl ObjectStore + use<>, Error> {
    let known = settings.options.iter().filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)));
    let mut builder = known.fold(GoogleCloudStorageBuilder::new(), |builder, (key, value)| builder.with_config(key, value));
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_config(object_store::gcp::GoogleConfigKey::BaseUrl, endpoint);
    }
    builder.with_bucket_name(bucket).with_retry(retry(settings)).with_client_options(client(settings, None)).build()
}

fn azure(settings: &ObjectSettings, container: &str) -> Result<impl ObjectStore + use<>, Error> {
    let known = settings.options.iter().filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)));
    let mut builder = known.fold(MicrosoftAzureBuilder::new(), |builder, (key, value)| builder.with_config(key, value));
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    builder.with_container_name(container).with_retry(retry(settings)).with_client_options(client(settings, None)).build()
}
