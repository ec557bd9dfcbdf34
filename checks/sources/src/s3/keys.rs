//! Keys of the key service: who holds them, whether they are in use, and how they are replaced.

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::account::Account;
use crate::observed::{Unread, part};

/// The days between two rotations where the key service names none.
const DEFAULT_PERIOD: u64 = 365;

/// The key that a bucket's default encryption names.
///
/// `holder` is `provider` for keys that the store or its key service manages, `customer` for those of the account, and
/// `none` where nothing is encrypted.
pub(super) async fn of_bucket(account: &Account, bucket: &str, encryption: &Json) -> Result<Json, Unread> {
    let algorithm = encryption["algorithm"].as_str().unwrap_or_default();
    let key = encryption["key"].as_str().unwrap_or_default();
    if algorithm.is_empty() {
        return Ok(json!({"holder": "none", "id": ""}));
    }
    // Without a name the store takes a key of its own, or the one that the key service manages for it.
    if !algorithm.starts_with("aws:kms") || key.is_empty() {
        return Ok(json!({"holder": "provider", "id": ""}));
    }
    let region = region_of_arn(key).unwrap_or_else(|| account.known_region(bucket));
    let key = describe(account, &region, key).await?;
    let holder = if text(&key, "KeyManager") == "CUSTOMER" { "customer" } else { "provider" };
    Ok(json!({"holder": holder, "id": text(&key, "Arn"), "state": text(&key, "KeyState"), "origin": text(&key, "Origin")}))
}

/// Every key of an account in its region, with its rotation where the account is its holder.
pub(super) async fn list(account: &Account) -> Result<Vec<(String, Json)>, Unread> {
    let mut ids = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let input = marker.as_ref().map_or_else(|| json!({}), |marker| json!({"Marker": marker}));
        let page = account.key_service(&account.region, "ListKeys", &input).await?;
        let keys = page["Keys"].as_array().ok_or_else(|| Unread::new(Reason::ParseError, "kms:ListKeys: the answer holds no keys"))?;
        ids.extend(keys.iter().filter_map(|key| key["KeyId"].as_str()).map(str::to_owned));
        if !page["Truncated"].as_bool().unwrap_or(false) {
            break;
        }
        let next = page["NextMarker"].as_str().map(str::to_owned);
        if next.is_none() || next == marker {
            return Err(Unread::new(Reason::IncompleteList, "the list of keys is cut off and does not tell how it goes on"));
        }
        marker = next;
    }
    ids.sort();
    let mut found = Vec::new();
    for id in ids {
        let record = match describe(account, &account.region, &id).await {
            Ok(key) => record(account, &id, &key).await,
            Err(unread) => unread.to_json(),
        };
        found.push((id, record));
    }
    Ok(found)
}

async fn record(account: &Account, id: &str, key: &Json) -> Json {
    let customer = text(key, "KeyManager") == "CUSTOMER";
    let mut record = json!({
        "id": text(key, "Arn"),
        "holder": if customer { "customer" } else { "provider" },
        "state": text(key, "KeyState"),
        "origin": text(key, "Origin"),
        "spec": text(key, "KeySpec"),
    });
    // Seconds with a fraction, as all times of this interface.
    let created = key["CreationDate"].as_f64().map(|seconds| jiff::Timestamp::from_millisecond(millis(seconds)));
    record["created"] = part(match created {
        Some(Ok(created)) => Ok(json!({"at": jiff::Timestamp::from_second(created.as_second()).unwrap_or(created).to_string()})),
        _ => Err(Unread::new(Reason::ParseError, "kms:DescribeKey: the answer tells no date of creation")),
    });
    // Of keys that the provider manages nothing is told about rotation.
    if customer {
        let possible = text(key, "KeySpec") == "SYMMETRIC_DEFAULT" && text(key, "Origin") == "AWS_KMS";
        record["rotation"] = if possible { part(rotation(account, id).await) } else { json!({"possible": false, "enabled": false}) };
    }
    record
}

async fn rotation(account: &Account, id: &str) -> Result<Json, Unread> {
    let status = account.key_service(&account.region, "GetKeyRotationStatus", &json!({"KeyId": id})).await?;
    let enabled = status["KeyRotationEnabled"]
        .as_bool()
        .ok_or_else(|| Unread::new(Reason::ParseError, "kms:GetKeyRotationStatus: the answer does not tell"))?;
    let period = status["RotationPeriodInDays"].as_u64().unwrap_or(DEFAULT_PERIOD);
    Ok(json!({"possible": true, "enabled": enabled, "period_days": period}))
}

async fn describe(account: &Account, region: &str, key: &str) -> Result<Json, Unread> {
    let mut answer = account.key_service(region, "DescribeKey", &json!({"KeyId": key})).await?;
    let key = answer["KeyMetadata"].take();
    if text(&key, "KeyManager").is_empty() || text(&key, "Arn").is_empty() {
        return Err(Unread::new(Reason::ParseError, "kms:DescribeKey: the answer does not tell who holds the key"));
    }
    Ok(key)
}

fn text<'j>(object: &'j Json, key: &str) -> &'j str {
    object.get(key).and_then(Json::as_str).unwrap_or_default()
}

// `arn:aws:kms:eu-central-1:123456789012:key/…`
fn region_of_arn(key: &str) -> Option<String> {
    let mut parts = key.split(':');
    let region = (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten()?;
    super::services::is_region(region).then(|| region.to_owned())
}

#[expect(clippy::cast_possible_truncation, reason = "a date in milliseconds fits; what does not becomes the furthest date")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_a_key_stands_in_its_name() {
        assert_eq!(region_of_arn("arn:aws:kms:eu-central-1:123456789012:key/a").as_deref(), Some("eu-central-1"));
        assert_eq!(region_of_arn("alias/backup"), None);
        assert_eq!(region_of_arn("arn:aws:kms:evil.example.com/:1:key/a"), None);
    }
}
