//! Which image arrived last in a repository of a cloud, and when it was scanned.
//!
//! Neither Amazon nor Google lists images by their time, so every image of a repository is listed and the latest is picked here.
//! Indexes of platforms and what is attached to images (signatures, attestations) are left out: they are not scanned.

use jiff::Timestamp;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use crate::observed::Unread;

/// The status that the check knows, in Harbor's word.
const SCANNED: &str = "Success";

/// The image of a list that arrived last, and when.
pub(super) fn latest(images: &[Json], arrived: impl Fn(&Json) -> Option<Timestamp>) -> Result<Option<(Timestamp, &Json)>, Unread> {
    let mut found: Option<(Timestamp, &Json)> = None;
    for image in images.iter().filter(|image| is_image(image)) {
        let at = arrived(image).ok_or_else(|| Unread::new(Reason::ParseError, "an image does not tell when it arrived"))?;
        if found.is_none_or(|(latest, _)| latest < at) {
            found = Some((at, image));
        }
    }
    Ok(found)
}

// Attached things are known by their tag, by the scheme of cosign, or by their type.
fn is_image(told: &Json) -> bool {
    let text = |key: &str| told[key].as_str().unwrap_or_default();
    let tags: Vec<&str> =
        ["imageTags", "tags"].iter().flat_map(|key| told[*key].as_array().into_iter().flatten()).filter_map(Json::as_str).collect();
    let attached = !tags.is_empty() && tags.iter().all(|tag| tag.starts_with("sha256-"));
    let manifest = format!("{}{}", text("imageManifestMediaType"), text("mediaType"));
    let index = manifest.contains("image.index") || manifest.contains("manifest.list");
    let kind = format!("{}{}", text("artifactMediaType"), text("artifactType"));
    let other = !(kind.is_empty() || kind.contains("image.config") || kind.contains("container.image"));
    !attached && !index && !other
}

/// The latest image as `DescribeImages` of Amazon tells it.
pub(super) fn amazon(images: &[Json]) -> Result<Json, Unread> {
    let seconds = |value: &Json| {
        let seconds = value.as_f64()?;
        // Milliseconds of any year that has four digits fit.
        #[expect(clippy::cast_possible_truncation, reason = "a number that does not fit is no time, and is refused by the conversion")]
        Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
    };
    let Some((pushed, image)) = latest(images, |image| seconds(&image["imagePushedAt"]))? else { return Ok(json!({})) };
    let scanned = seconds(&image["imageScanFindingsSummary"]["imageScanCompletedAt"]);
    let status = image["imageScanStatus"]["status"].as_str().unwrap_or_default();
    // Scans on arrival end; those of Amazon Inspector go on, and have been made once where they tell a time.
    let done = status == "COMPLETE" || status == "ACTIVE" && scanned.is_some();
    Ok(arrival(pushed, if done { SCANNED } else { status }, scanned))
}

/// The latest image as Google lists it, with what its analysis says of it.
pub(super) fn google(pushed: Timestamp, occurrences: &Json) -> Json {
    let time = |value: &Json| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let told = occurrences["occurrences"].as_array().into_iter().flatten().filter(|one| one["kind"] == "DISCOVERY");
    let told = told.map(|one| {
        let discovery = &one["discovery"];
        (time(&discovery["lastScanTime"]).or_else(|| time(&one["updateTime"])), discovery["analysisStatus"].as_str().unwrap_or_default())
    });
    let Some((scanned, status)) = told.max() else { return arrival(pushed, "", None) };
    arrival(pushed, if matches!(status, "FINISHED_SUCCESS" | "COMPLETE") { SCANNED } else { status }, scanned)
}

fn arrival(pushed: Timestamp, status: &str, scanned: Option<Timestamp>) -> Json {
    let mut told = json!({"pushed_at": pushed.to_string()});
    if !status.is_empty() {
        told["scan_status"] = status.into();
    }
    if let Some(scanned) = scanned {
        told["scanned_at"] = scanned.to_string().into();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_image_is_picked_and_attached_things_are_none() {
        let image = |at: f64, more: Json| {
            let mut told = json!({"imagePushedAt": at, "imageScanStatus": {"status": "COMPLETE"}});
            told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            told
        };
        let images = [
            image(1_780_000_000.5, json!({"imageScanFindingsSummary": {"imageScanCompletedAt": 1_780_000_060.0}})),
            image(1_770_000_000.0, json!({"imageTags": ["1.0"]})),
            image(1_790_000_000.0, json!({"imageTags": ["sha256-00.sig"]})),
            image(1_790_000_000.0, json!({"imageManifestMediaType": "application/vnd.oci.image.index.v1+json"})),
            image(1_790_000_000.0, json!({"artifactMediaType": "application/vnd.cncf.notary.signature"})),
        ];
        let told = amazon(&images).unwrap();
        assert_eq!(told, json!({"pushed_at": "2026-05-28T20:26:40.5Z", "scan_status": "Success", "scanned_at": "2026-05-28T20:27:40Z"}));
        assert_eq!(amazon(&images[2..]).unwrap(), json!({}));
        assert_eq!(amazon(&[json!({"imageTags": ["1"]})]).unwrap_err().reason, Reason::ParseError);
    }

    #[test]
    fn states_of_scans_are_told_as_they_are() {
        let amazon = |status: &str, summary: Json| {
            let image = json!({"imagePushedAt": 1_780_000_000, "imageScanStatus": {"status": status}, "imageScanFindingsSummary": summary});
            amazon(&[image]).unwrap()["scan_status"].clone()
        };
        let when = || json!({"imageScanCompletedAt": 1_780_000_060});
        assert_eq!(amazon("COMPLETE", when()), "Success");
        assert_eq!((amazon("ACTIVE", when()), amazon("ACTIVE", Json::Null)), (json!("Success"), json!("ACTIVE")));
        assert_eq!((amazon("FAILED", when()), amazon("IN_PROGRESS", Json::Null)), (json!("FAILED"), json!("IN_PROGRESS")));
        let google = |discovery: Json| {
            let pushed = "2026-05-30T10:00:00Z".parse().unwrap();
            google(pushed, &json!({"occurrences": [{"kind": "DISCOVERY", "discovery": discovery}, {"kind": "VULNERABILITY"}]}))
        };
        let when = "2026-05-30T10:01:00.123456Z";
        assert_eq!(google(json!({"analysisStatus": "FINISHED_SUCCESS", "lastScanTime": when}))["scan_status"], "Success");
        assert_eq!(google(json!({"analysisStatus": "FINISHED_UNSUPPORTED", "lastScanTime": when}))["scan_status"], "FINISHED_UNSUPPORTED");
        assert_eq!(google(json!({})), json!({"pushed_at": "2026-05-30T10:00:00Z"}));
    }
}
