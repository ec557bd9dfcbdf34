//! Answers in XML, as the S3 API documents them.
//!
//! A store that does not know a question may answer another one (a list of objects, most often), so the outermost
//! element must be the expected one before anything is read.

use proofbook_checks::inventory::Reason;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::observed::Unread;
use crate::web::Answer;

/// Reads an answer whose outermost element is one of `roots`.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer, roots: &[&str]) -> Result<T, Unread> {
    let text = answer.text()?;
    let root = root(text).ok_or_else(|| Unread::new(Reason::ParseError, "the answer is no XML"))?;
    if !roots.contains(&root.as_str()) {
        let detail = format!("the store does not know the question: it answers with `{root}` in place of `{}`", roots.join("` or `"));
        return Err(Unread::new(Reason::NotServed, detail));
    }
    quick_xml::de::from_str(text).map_err(|error| Unread::new(Reason::ParseError, format!("the answer cannot be read: {error}")))
}

// The name of the outermost element, without its prefix.
fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                return std::str::from_utf8(element.local_name().into_inner()).ok().map(str::to_owned);
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// An error.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ErrorDocument {
    /// The code.
    pub(super) code: String,
    /// The region in which the bucket is, where the error is that another one was asked.
    #[serde(default)]
    pub(super) region: Option<String>,
}

/// The error that an answer tells; none where it tells none.
pub(super) fn error(text: &str) -> Option<ErrorDocument> {
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(rename = "Error")]
        error: ErrorDocument,
    }
    match root(text)?.as_str() {
        "Error" => quick_xml::de::from_str(text).ok(),
        "ErrorResponse" => quick_xml::de::from_str::<Wrapped>(text).ok().map(|wrapped| wrapped.error),
        _ => None,
    }
}

/// `ListBucketResult`, as far as whether it holds anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ObjectList {
    pub(super) contents: Vec<serde::de::IgnoredAny>,
}

/// `ListVersionsResult`, as far as whether it holds anything but marks of deletion.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VersionList {
    pub(super) version: Vec<serde::de::IgnoredAny>,
    pub(super) is_truncated: bool,
}

/// `ListAllMyBucketsResult`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct BucketList {
    pub(super) buckets: BucketNames,
    pub(super) owner: Owner,
    pub(super) is_truncated: bool,
    pub(super) continuation_token: Option<String>,
}

/// The buckets of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct BucketNames {
    pub(super) bucket: Vec<BucketName>,
}

/// One bucket of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BucketName {
    pub(super) name: String,
}

/// Whose buckets they are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    #[serde(rename = "ID")]
    pub(super) id: String,
}

/// `LocationConstraint`: the region as the text of the element.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Location {
    #[serde(rename = "$text")]
    pub(super) region: String,
}

/// `ServerSideEncryptionConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Encryption {
    pub(super) rule: Vec<EncryptionRule>,
}

/// A rule of the default encryption.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EncryptionRule {
    pub(super) apply_server_side_encryption_by_default: Option<EncryptionDefault>,
    pub(super) bucket_key_enabled: bool,
}

/// With what objects are encrypted that say nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EncryptionDefault {
    #[serde(rename = "SSEAlgorithm")]
    pub(super) algorithm: String,
    #[serde(rename = "KMSMasterKeyID")]
    pub(super) key: Option<String>,
}

/// `VersioningConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Versioning {
    pub(super) status: Option<String>,
    pub(super) mfa_delete: Option<String>,
}

/// `ObjectLockConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ObjectLock {
    pub(super) object_lock_enabled: Option<String>,
    pub(super) rule: Option<LockRule>,
}

/// The lock of objects that say nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LockRule {
    pub(super) default_retention: Option<Retention>,
}

/// For how long, and how firmly.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Retention {
    pub(super) mode: Option<String>,
    pub(super) days: Option<u64>,
    pub(super) years: Option<u64>,
}

/// `LifecycleConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Lifecycle {
    pub(super) rule: Vec<LifecycleRule>,
}

/// A rule of the life cycle.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LifecycleRule {
    #[serde(rename = "ID")]
    pub(super) id: Option<String>,
    pub(super) status: String,
    pub(super) prefix: Option<String>,
    pub(super) filter: Option<LifecycleFilter>,
    pub(super) expiration: Option<Expiration>,
    pub(super) noncurrent_version_expiration: Option<NoncurrentExpiration>,
    pub(super) abort_incomplete_multipart_upload: Option<AbortUpload>,
}

/// Which objects a rule is about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LifecycleFilter {
    pub(super) prefix: Option<String>,
    pub(super) tag: Option<Tag>,
    pub(super) object_size_greater_than: Option<u64>,
    pub(super) object_size_less_than: Option<u64>,
    pub(super) and: Option<LifecycleAnd>,
}

/// Conditions that must all hold; that there are several is enough to know that not every object is meant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LifecycleAnd {
    pub(super) prefix: Option<String>,
}

/// When objects expire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Expiration {
    pub(super) days: Option<u64>,
    pub(super) date: Option<String>,
}

/// When versions that are no longer current expire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NoncurrentExpiration {
    pub(super) noncurrent_days: Option<u64>,
    pub(super) newer_noncurrent_versions: Option<u64>,
}

/// When uploads that were never completed are removed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AbortUpload {
    pub(super) days_after_initiation: Option<u64>,
}

/// `PublicAccessBlockConfiguration`.
#[expect(clippy::struct_excessive_bools, reason = "the four parts that the interface has")]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AccessBlock {
    pub(super) block_public_acls: bool,
    pub(super) ignore_public_acls: bool,
    pub(super) block_public_policy: bool,
    pub(super) restrict_public_buckets: bool,
}

/// `PolicyStatus`. Amazon writes `true`, MinIO `TRUE`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyStatus {
    pub(super) is_public: String,
}

/// `AccessControlPolicy`. A list that is missing is no list without grants.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Acl {
    pub(super) access_control_list: Grants,
}

/// The grants of an access control list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Grants {
    pub(super) grant: Vec<Grant>,
}

/// A grant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Grant {
    pub(super) grantee: Grantee,
    pub(super) permission: String,
}

/// Who is granted it; groups have a URI.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Grantee {
    #[serde(rename = "URI")]
    pub(super) uri: Option<String>,
}

/// `BucketLoggingStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Logging {
    pub(super) logging_enabled: Option<LoggingTarget>,
}

/// Where access is recorded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LoggingTarget {
    pub(super) target_bucket: String,
}

/// `ReplicationConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Replication {
    pub(super) rule: Vec<ReplicationRule>,
}

/// A rule of replication.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ReplicationRule {
    pub(super) status: String,
    pub(super) destination: Destination,
}

/// Where copies go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Destination {
    pub(super) bucket: String,
}

/// `Tagging`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tagging {
    pub(super) tag_set: TagSet,
}

/// The tags of a bucket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TagSet {
    pub(super) tag: Vec<Tag>,
}

/// A tag.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

/// `GetCallerIdentityResponse`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CallerIdentity {
    pub(super) get_caller_identity_result: Caller,
}

/// Who is asking.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Caller {
    pub(super) arn: String,
    pub(super) account: String,
}
