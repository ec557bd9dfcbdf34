//! The parts of a bucket's record: the question behind each, the right that it takes, the code by which a store says that
//! nothing is set, and what is kept of the answer.

use serde_json::{Value as Json, json};

use super::policy;
use super::xml;
use crate::observed::Unread;
use crate::web::Answer;

/// A part of a bucket's record that one question answers.
#[derive(Debug)]
pub(super) struct Part {
    /// The member of the record.
    pub(super) name: &'static str,
    /// The subresource that is asked for.
    pub(super) query: &'static str,
    /// The right that it takes.
    pub(super) permission: &'static str,
    /// The code by which a store says that nothing is set; empty where it says so in an answer.
    pub(super) absent: &'static str,
    /// What stands in the record where nothing is set.
    pub(super) unset: fn() -> Json,
    /// What is kept of an answer.
    pub(super) read: fn(&Answer) -> Result<Json, Unread>,
}

/// All parts that one question answers, in the order in which they are asked.
pub(super) const PARTS: [Part; 12] = [
    Part { name: "location", query: "location", permission: "s3:GetBucketLocation", absent: "", unset: || json!({}), read: location },
    Part {
        name: "encryption",
        query: "encryption",
        permission: "s3:GetEncryptionConfiguration",
        absent: "ServerSideEncryptionConfigurationNotFoundError",
        unset: || json!({"configured": false}),
        read: encryption,
    },
    Part {
        name: "versioning",
        query: "versioning",
        permission: "s3:GetBucketVersioning",
        absent: "",
        unset: || json!({}),
        read: versioning,
    },
    Part {
        name: "object_lock",
        query: "object-lock",
        permission: "s3:GetBucketObjectLockConfiguration",
        absent: "ObjectLockConfigurationNotFoundError",
        unset: || json!({"enabled": false}),
        read: object_lock,
    },
    Part {
        name: "lifecycle",
        query: "lifecycle",
        permission: "s3:GetLifecycleConfiguration",
        absent: "NoSuchLifecycleConfiguration",
        unset: || json!({"rules": []}),
        read: lifecycle,
    },
    Part {
        name: "policy",
        query: "policy",
        permission: "s3:GetBucketPolicy",
        absent: "NoSuchBucketPolicy",
        unset: || json!({"statements": []}),
        read: policy::read,
    },
    Part {
        name: "policy_status",
        query: "policyStatus",
        permission: "s3:GetBucketPolicyStatus",
        absent: "NoSuchBucketPolicy",
        unset: || json!({"public": false}),
        read: policy_status,
    },
    Part {
        name: "public_access_block",
        query: "publicAccessBlock",
        permission: "s3:GetBucketPublicAccessBlock",
        absent: NO_ACCESS_BLOCK,
        unset: || access_block_json(&xml::AccessBlock::default()),
        read: access_block,
    },
    Part { name: "acl", query: "acl", permission: "s3:GetBucketAcl", absent: "", unset: || json!({}), read: acl },
    Part { name: "logging", query: "logging", permission: "s3:GetBucketLogging", absent: "", unset: || json!({}), read: logging },
    Part {
        name: "replication",
        query: "replication",
        permission: "s3:GetReplicationConfiguration",
        absent: "ReplicationConfigurationNotFoundError",
        unset: || json!({"destinations": []}),
        read: replication,
    },
    Part { name: "tags", query: "tagging", permission: "s3:GetBucketTagging", absent: "NoSuchTagSet", unset: || json!({}), read: tags },
];

/// The parts that are asked for where a check `reads` some. The key of a bucket is named by its encryption.
pub(super) fn asked(reads: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static Part> {
    PARTS.iter().filter(move |part| reads(part.name) || part.name == "encryption" && reads("key"))
}

/// The code that says that public access is not blocked; the account's own block has it too.
pub(super) const NO_ACCESS_BLOCK: &str = "NoSuchPublicAccessBlockConfiguration";

/// Days of a year in a retention that is told in years.
const YEAR: u64 = 365;

// The constraint as it is told; what an empty one means depends on the store.
fn location(answer: &Answer) -> Result<Json, Unread> {
    let location: xml::Location = xml::read(answer, &["LocationConstraint"])?;
    Ok(json!({"constraint": location.region.trim()}))
}

fn encryption(answer: &Answer) -> Result<Json, Unread> {
    let encryption: xml::Encryption = xml::read(answer, &["ServerSideEncryptionConfiguration"])?;
    let rule = encryption.rule.into_iter().find_map(|rule| Some((rule.apply_server_side_encryption_by_default?, rule.bucket_key_enabled)));
    Ok(match rule {
        Some((default, bucket_key)) => json!({
            "configured": true,
            "algorithm": default.algorithm,
            "key": default.key.unwrap_or_default(),
            "bucket_key": bucket_key,
        }),
        None => json!({"configured": false}),
    })
}

fn versioning(answer: &Answer) -> Result<Json, Unread> {
    // The second name is that of a stand-in for Amazon's service, which tests of platforms use.
    let versioning: xml::Versioning = xml::read(answer, &["VersioningConfiguration", "GetBucketVersioningResponse"])?;
    let is = |setting: Option<&str>, wanted: &str| setting == Some(wanted);
    Ok(json!({
        "status": versioning.status.as_deref().unwrap_or("Off"),
        "mfa_delete": is(versioning.mfa_delete.as_deref(), "Enabled"),
    }))
}

fn object_lock(answer: &Answer) -> Result<Json, Unread> {
    let lock: xml::ObjectLock = xml::read(answer, &["ObjectLockConfiguration"])?;
    let mut found = json!({"enabled": lock.object_lock_enabled.as_deref() == Some("Enabled")});
    if let Some(retention) = lock.rule.and_then(|rule| rule.default_retention) {
        let days = retention.days.unwrap_or(0).max(retention.years.unwrap_or(0).saturating_mul(YEAR));
        found["mode"] = retention.mode.unwrap_or_default().into();
        found["days"] = days.into();
    }
    Ok(found)
}

fn lifecycle(answer: &Answer) -> Result<Json, Unread> {
    let lifecycle: xml::Lifecycle = xml::read(answer, &["LifecycleConfiguration", "GetBucketLifecycleConfigurationOutput"])?;
    let rules: Vec<Json> = lifecycle.rule.iter().map(rule).collect();
    Ok(json!({"rules": rules}))
}

fn rule(rule: &xml::LifecycleRule) -> Json {
    let filter = rule.filter.clone().unwrap_or_default();
    let both = filter.and.as_ref().map(|and| and.prefix.clone().unwrap_or_default());
    let prefix = rule.prefix.clone().or(filter.prefix).or_else(|| both.clone()).unwrap_or_default();
    let narrowed =
        filter.tag.is_some() || filter.object_size_greater_than.is_some() || filter.object_size_less_than.is_some() || both.is_some();
    let mut found = json!({
        "id": rule.id.as_deref().unwrap_or_default(),
        "enabled": rule.status == "Enabled",
        "prefix": prefix,
        "whole_bucket": prefix.is_empty() && !narrowed,
    });
    if let Some(expiration) = &rule.expiration {
        if let Some(days) = expiration.days {
            found["days"] = days.into();
        }
        if let Some(date) = &expiration.date {
            found["date"] = date.as_str().into();
        }
    }
    if let Some(noncurrent) = &rule.noncurrent_version_expiration {
        found["noncurrent_days"] = noncurrent.noncurrent_days.unwrap_or_default().into();
        found["noncurrent_kept"] = noncurrent.newer_noncurrent_versions.unwrap_or_default().into();
    }
    if let Some(days) = rule.abort_incomplete_multipart_upload.as_ref().and_then(|abort| abort.days_after_initiation) {
        found["abort_days"] = days.into();
    }
    found
}

fn policy_status(answer: &Answer) -> Result<Json, Unread> {
    let status: xml::PolicyStatus = xml::read(answer, &["PolicyStatus"])?;
    Ok(json!({"public": !status.is_public.trim().eq_ignore_ascii_case("false")}))
}

/// What is kept of a block of public access, of a bucket or of a whole account.
pub(super) fn access_block(answer: &Answer) -> Result<Json, Unread> {
    let block: xml::AccessBlock = xml::read(answer, &["PublicAccessBlockConfiguration"])?;
    Ok(access_block_json(&block))
}

/// A block of public access, as records have it.
pub(super) fn access_block_json(block: &xml::AccessBlock) -> Json {
    json!({
        "supported": true,
        "block_public_acls": block.block_public_acls,
        "ignore_public_acls": block.ignore_public_acls,
        "block_public_policy": block.block_public_policy,
        "restrict_public_buckets": block.restrict_public_buckets,
    })
}

fn acl(answer: &Answer) -> Result<Json, Unread> {
    let acl: xml::Acl = xml::read(answer, &["AccessControlPolicy"])?;
    let granted = |group: &str| -> Vec<String> {
        let grants = acl.access_control_list.grant.iter();
        let to_group = grants.filter(|grant| grant.grantee.uri.as_deref().is_some_and(|uri| uri.ends_with(group)));
        to_group.map(|grant| grant.permission.clone()).collect()
    };
    Ok(json!({"everyone": granted("/global/AllUsers"), "every_account": granted("/global/AuthenticatedUsers")}))
}

fn logging(answer: &Answer) -> Result<Json, Unread> {
    let logging: xml::Logging = xml::read(answer, &["BucketLoggingStatus"])?;
    let target = logging.logging_enabled.map(|enabled| enabled.target_bucket).unwrap_or_default();
    Ok(json!({"enabled": !target.is_empty(), "target": target}))
}

// Rules that are switched off send nothing anywhere.
fn replication(answer: &Answer) -> Result<Json, Unread> {
    let replication: xml::Replication = xml::read(answer, &["ReplicationConfiguration"])?;
    let enabled = replication.rule.iter().filter(|rule| rule.status == "Enabled");
    let mut buckets: Vec<&str> = enabled.map(|rule| rule.destination.bucket.rsplit(':').next().unwrap_or_default()).collect();
    buckets.sort_unstable();
    buckets.dedup();
    let destinations: Vec<Json> = buckets.into_iter().map(|bucket| json!({"bucket": bucket})).collect();
    Ok(json!({"destinations": destinations}))
}

fn tags(answer: &Answer) -> Result<Json, Unread> {
    let tagging: xml::Tagging = xml::read(answer, &["Tagging"])?;
    Ok(Json::Object(tagging.tag_set.tag.into_iter().map(|tag| (tag.key, tag.value.into())).collect()))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proofbook_checks::inventory::Reason;

    use super::*;

    fn read(name: &str, body: &str) -> Result<Json, Unread> {
        let part = PARTS.iter().find(|part| part.name == name).unwrap();
        (part.read)(&Answer { status: 200, headers: HeaderMap::new(), body: body.as_bytes().to_vec(), clock_offset_ms: None })
    }

    #[test]
    fn answers_of_amazon_are_read() {
        let xmlns = r#"xmlns="http://s3.amazonaws.com/doc/2006-03-01/""#;
        for (name, body, expected) in [
            ("location", format!("<LocationConstraint {xmlns}>eu-central-1</LocationConstraint>"), json!({"constraint": "eu-central-1"})),
            ("location", format!("<LocationConstraint {xmlns}/>"), json!({"constraint": ""})),
            (
                "encryption",
                format!(
                    "<ServerSideEncryptionConfiguration {xmlns}><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
                     <KMSMasterKeyID>arn:aws:kms:eu-central-1:1:key/2</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>\
                     <BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"
                ),
                json!({"configured": true, "algorithm": "aws:kms", "key": "arn:aws:kms:eu-central-1:1:key/2", "bucket_key": true}),
            ),
            ("encryption", format!("<ServerSideEncryptionConfiguration {xmlns}/>"), json!({"configured": false})),
            (
                "versioning",
                format!("<VersioningConfiguration {xmlns}><Status>Suspended</Status></VersioningConfiguration>"),
                json!({"status": "Suspended", "mfa_delete": false}),
            ),
            ("versioning", format!("<VersioningConfiguration {xmlns}/>"), json!({"status": "Off", "mfa_delete": false})),
            (
                "object_lock",
                "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode>\
                 <Years>2</Years></DefaultRetention></Rule></ObjectLockConfiguration>"
                    .to_owned(),
                json!({"enabled": true, "mode": "COMPLIANCE", "days": 730}),
            ),
            ("policy_status", "<PolicyStatus><IsPublic>TRUE</IsPublic></PolicyStatus>".to_owned(), json!({"public": true})),
            ("policy_status", "<PolicyStatus><IsPublic>false</IsPublic></PolicyStatus>".to_owned(), json!({"public": false})),
            (
                "acl",
                "<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList><Grant><Grantee \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/global/AllUsers\
                 </URI></Grantee><Permission>READ</Permission></Grant><Grant><Grantee><ID>1</ID></Grantee><Permission>FULL_CONTROL\
                 </Permission></Grant></AccessControlList></AccessControlPolicy>"
                    .to_owned(),
                json!({"everyone": ["READ"], "every_account": []}),
            ),
            ("logging", format!("<BucketLoggingStatus {xmlns}/>"), json!({"enabled": false, "target": ""})),
            (
                "replication",
                "<ReplicationConfiguration><Role>r</Role><Rule><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::copy</Bucket>\
                 </Destination></Rule><Rule><Status>Disabled</Status><Destination><Bucket>arn:aws:s3:::old</Bucket></Destination></Rule>\
                 </ReplicationConfiguration>"
                    .to_owned(),
                json!({"destinations": [{"bucket": "copy"}]}),
            ),
            ("tags", "<Tagging><TagSet><Tag><Key>tenant</Key><Value>a</Value></Tag></TagSet></Tagging>".to_owned(), json!({"tenant": "a"})),
        ] {
            assert_eq!(read(name, &body).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn rules_of_the_life_cycle_tell_whether_every_object_is_meant() {
        let body = "<LifecycleConfiguration>\
            <Rule><ID>all</ID><Filter/><Status>Enabled</Status><Expiration><Days>90</Days></Expiration>\
            <NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule>\
            <Rule><ID>old form</ID><Prefix></Prefix><Status>Disabled</Status><Expiration><Days>30</Days></Expiration></Rule>\
            <Rule><ID>some</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>\
            <Rule><ID>tagged</ID><Filter><And><Prefix></Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter><Status>Enabled</Status>\
            <AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>\
            </LifecycleConfiguration>";
        assert_eq!(
            read("lifecycle", body).unwrap()["rules"],
            json!([
                {"id": "all", "enabled": true, "prefix": "", "whole_bucket": true, "days": 90, "noncurrent_days": 1, "noncurrent_kept": 0},
                {"id": "old form", "enabled": false, "prefix": "", "whole_bucket": true, "days": 30},
                {"id": "some", "enabled": true, "prefix": "tmp/", "whole_bucket": false, "days": 1},
                {"id": "tagged", "enabled": true, "prefix": "", "whole_bucket": false, "abort_days": 7},
            ])
        );
    }

    #[test]
    fn an_answer_to_another_question_or_none_at_all_is_never_read_as_unset() {
        let list = "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>";
        for part in &PARTS {
            let answer = |body: &str| {
                (part.read)(&Answer { status: 200, headers: HeaderMap::new(), body: body.as_bytes().to_vec(), clock_offset_ms: None })
            };
            // A policy is JSON, so that XML is damage to it.
            let other = if part.name == "policy" { Reason::ParseError } else { Reason::NotServed };
            assert_eq!(answer(list).map_err(|unread| unread.reason), Err(other), "{}", part.name);
            for garbage in ["", "garbage", "<html", "\u{0}\u{1}"] {
                assert_eq!(answer(garbage).map_err(|unread| unread.reason), Err(Reason::ParseError), "{}: {garbage:?}", part.name);
            }
        }
        assert!(read("acl", "<AccessControlPolicy><Owner/></AccessControlPolicy>").is_err());
        assert!(read("versioning", "<VersioningConfiguration><Status>").is_err());
    }
}
