//! Observations as sealed files: a line an object, a line a listing, a line a request, enough to build the inventory again.
//!
//! A listing carries the projection that it was read through, so that a field which nobody collected can be told from
//! one that is absent for as long as the bundle exists. Lines are plain JSON with sorted keys and not RFC 8785, which
//! knows one kind of number: `1` and `1.0` are different values to an expression.

use std::collections::BTreeMap;

use proofbook_checks::inventory::{Completeness, Inventory, Listing, Request, Target, Wanted};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use serde::{Deserialize, Serialize};

use super::BundleError;
use super::read::SealedFiles;
use super::staging::Staging;

const LISTINGS: &str = "observations/listings.ndjson.zst";
pub(crate) const REQUESTS: &str = "requests.ndjson.zst";

/// A listing without its objects.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListingLine {
    resource: Resource,
    completeness: Completeness,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_version: Option<String>,
    count: u64,
    // None where the objects are whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    projection: Option<Projection>,
}

fn file_of(resource: &Resource) -> String {
    format!("observations/{}/{}.ndjson.zst", resource.source, resource.name)
}

pub(crate) fn write(staging: &mut Staging, inventory: &Inventory, wanted: &Wanted) -> Result<(), BundleError> {
    let mut out = staging.zst(LISTINGS)?;
    for (resource, listing) in &inventory.listings {
        out.json_line(&ListingLine {
            resource: resource.clone(),
            completeness: listing.completeness.clone(),
            resource_version: listing.resource_version.clone(),
            count: listing.objects.len() as u64,
            projection: wanted.get(resource).cloned(),
        })?;
    }
    staging.end_zst(out)?;
    for (resource, listing) in inventory.listings.iter().filter(|(_, listing)| !listing.objects.is_empty()) {
        let mut out = staging.zst(&file_of(resource))?;
        listing.objects.iter().try_for_each(|object| out.json_line(object))?;
        staging.end_zst(out)?;
    }
    let mut requests: Vec<&Request> = inventory.requests.iter().collect();
    requests.sort();
    let mut out = staging.zst(REQUESTS)?;
    requests.into_iter().try_for_each(|request| out.json_line(request))?;
    staging.end_zst(out)
}

/// Builds the inventory again, with the masks that it was read through.
pub(crate) fn read(sealed: &SealedFiles, targets: &[Target]) -> Result<Inventory, BundleError> {
    let mut inventory = read_some(sealed, targets, |_| true)?;
    sealed.for_each(REQUESTS, |request: Request| {
        inventory.requests.push(request);
        Ok(())
    })?;
    Ok(inventory)
}

/// The same of some resources alone, without the requests.
pub(crate) fn read_some(sealed: &SealedFiles, targets: &[Target], of: impl Fn(&Resource) -> bool) -> Result<Inventory, BundleError> {
    let mut listings = BTreeMap::new();
    sealed.for_each(LISTINGS, |line: ListingLine| {
        if !of(&line.resource) {
            return Ok(());
        }
        let mut objects = Vec::new();
        if line.count > 0 {
            sealed.for_each(&file_of(&line.resource), |object: Value| {
                objects.push(line.projection.as_ref().map_or_else(|| object.clone(), |projection| projection.remask(&object)));
                Ok(())
            })?;
        }
        if objects.len() as u64 != line.count {
            let detail = format!("holds {} objects, and the listing counted {}", objects.len(), line.count);
            return Err(BundleError::Malformed { file: file_of(&line.resource), detail });
        }
        let listing = Listing { completeness: line.completeness, objects, resource_version: line.resource_version };
        listings.insert(line.resource, listing);
        Ok(())
    })?;
    Ok(Inventory { listings, targets: targets.to_vec(), requests: Vec::new() })
}
