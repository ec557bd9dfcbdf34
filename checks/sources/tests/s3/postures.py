"""Sets up buckets and keys as a platform should have them, and as it should not, at the store of the given URL."""

import json
import sys

import boto3

KEYS = {"endpoint_url": sys.argv[1], "region_name": "eu-central-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
s3, kms = boto3.client("s3", **KEYS), boto3.client("kms", **KEYS)


def bucket(name, **options):
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}, **options)


def statement(effect, name, **more):
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    return {"Sid": effect.lower(), "Effect": effect, "Principal": "*", "Action": "s3:*", "Resource": resources} | more


def policy(name, *statements):
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


rotated = kms.create_key(Description="good")["KeyMetadata"]["Arn"]
kms.enable_key_rotation(KeyId=rotated)
other = kms.create_key(Description="good too")["KeyMetadata"]["Arn"]
kms.enable_key_rotation(KeyId=other)
forgotten = kms.create_key(Description="bad")["KeyMetadata"]["Arn"]
kms.create_alias(AliasName="alias/shared", TargetKeyId=forgotten)

bucket("good-sink")
bucket("copies", ObjectLockEnabledForBucket=True)
for name, key, tenant in [("good-a", rotated, "a"), ("good-b", other, "b")]:
    bucket(name, ObjectLockEnabledForBucket=True)
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=name, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True}]}
    )
    s3.put_object_lock_configuration(
        Bucket=name,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 90}}},
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=name,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "all",
                    "Filter": {"Prefix": ""},
                    "Status": "Enabled",
                    "Expiration": {"Days": 364},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                }
            ]
        },
    )
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
        ),
    )
    policy(name, statement("Deny", name, Condition={"Bool": {"aws:SecureTransport": "false"}}))
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "tenant", "Value": tenant}]})
    grants = {
        "Owner": s3.get_bucket_acl(Bucket="good-sink")["Owner"],
        "Grants": [
            {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "Permission": permission}
            for permission in ["WRITE", "READ_ACP"]
        ],
    }
    s3.put_bucket_acl(Bucket="good-sink", AccessControlPolicy=grants)
    s3.put_bucket_logging(
        Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "good-sink", "TargetPrefix": f"{name}/"}}
    )
s3.put_bucket_replication(
    Bucket="good-a",
    ReplicationConfiguration={
        "Role": "arn:aws:iam::123456789012:role/copies",
        "Rules": [{"Status": "Enabled", "Prefix": "", "Priority": 1, "Destination": {"Bucket": "arn:aws:s3:::copies"}}],
    },
)

bucket("bad-a")
policy("bad-a", statement("Allow", "bad-a", Action="s3:GetObject"))
bucket("bad-b")
s3.put_bucket_acl(Bucket="bad-b", ACL="public-read")
for name, tenant in [("bad-a", "a"), ("bad-b", "b")]:
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "tenant", "Value": tenant}]})
s3.put_bucket_encryption(
    Bucket="bad-b",
    ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/shared"}}]
    },
)
s3.put_bucket_versioning(Bucket="bad-b", VersioningConfiguration={"Status": "Suspended"})
s3.put_bucket_lifecycle_configuration(
    Bucket="bad-b",
    LifecycleConfiguration={"Rules": [{"ID": "short", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 7}}]},
)
print(json.dumps({"rotated": rotated.split("/")[1], "other": other.split("/")[1], "forgotten": forgotten.split("/")[1]}))
