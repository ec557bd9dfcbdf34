//! Observations as sealed files: a line an object, a line a listing, a line a request, enough to build the inventory again.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use proofbook_checks::inventory::{Completeness, Inventory, Listing, Request, Target, Wanted};
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use serde::{Deserialize, Serialize};

use super::BundleError;
use super::read::Sealed;
use super::staging::Staging;

const LISTINGS: &str = "observations/listings.ndjson.zst";
const REQUESTS: &str = "requests.ndjson.zst";

/// A listing without its objects.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListingLine {
    resource: Resource,
    completeness: Completeness,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_version: Option<String>,
    count: u64,
}

fn file_of(resource: &Resource) -> String {
    format!("observations/{}/{}.ndjson.zst", resource.source, resource.name)
}

pub(crate) fn write(staging: &mut Staging, inventory: &Inventory) -> Result<(), BundleError> {
    staging.write_zst(LISTINGS, |out| {
        for (resource, listing) in &inventory.listings {
            let line = ListingLine {
                resource: resource.clone(),
                completeness: listing.completeness.clone(),
                resource_version: listing.resource_version.clone(),
                count: listing.objects.len() as u64,
            };
            write_line(out, &line)?;
        }
        Ok(())
    })?;
    for (resource, listing) in inventory.listings.iter().filter(|(_, listing)| !listing.objects.is_empty()) {
        staging.write_zst(&file_of(resource), |out| listing.objects.iter().try_for_each(|object| write_line(out, object)))?;
    }
    let mut requests: Vec<&Request> = inventory.requests.iter().collect();
    requests.sort();
    staging.write_zst(REQUESTS, |out| requests.iter().try_for_each(|request| write_line(out, request)))
}

/// Writes one JSON value as a line.
pub(crate) fn write_line(out: &mut (impl Write + ?Sized), value: &impl Serialize) -> Result<(), BundleError> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n").map_err(BundleError::Write)
}

/// Builds the inventory again, with the masks that the plan derives.
pub(crate) fn read(sealed: &Sealed, wanted: &Wanted, targets: &[Target]) -> Result<Inventory, BundleError> {
    let mut listings = BTreeMap::new();
    for_each(sealed, LISTINGS, |line: ListingLine| {
        let mut objects = Vec::new();
        if line.count > 0 {
            let projection = wanted.get(&line.resource).cloned().unwrap_or_default();
            for_each(sealed, &file_of(&line.resource), |object: Value| {
                objects.push(projection.remask(&object));
                Ok(())
            })?;
        }
        let listing = Listing { completeness: line.completeness, objects, resource_version: line.resource_version };
        listings.insert(line.resource, listing);
        Ok(())
    })?;
    let mut requests = Vec::new();
    for_each(sealed, REQUESTS, |request: Request| {
        requests.push(request);
        Ok(())
    })?;
    Ok(Inventory { listings, targets: targets.to_vec(), requests })
}

/// Reads a compressed file of JSON lines.
pub(crate) fn for_each<T: serde::de::DeserializeOwned>(
    sealed: &Sealed,
    name: &str,
    mut take: impl FnMut(T) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    let mut reader = sealed.lines(name)?;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(BundleError::file(&sealed.path(name)))? == 0 {
            break;
        }
        let value = serde_json::from_slice(&line).map_err(|source| BundleError::Line { file: name.to_owned(), line: number, source })?;
        take(value)?;
    }
    Ok(())
}
