//! Areas: which country a region of a cloud lies in, and which countries an area holds.

// ISO 3166-1 alpha-2. The union as of 2020-02-01; the area adds Iceland, Liechtenstein and Norway.
const UNION: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
const ECONOMIC_AREA: &str = "IS LI NO";
const REST_OF_EUROPE: &str = "AD AL BA BY CH GB GG GI IM JE MC MD ME MK RS SM UA VA XK";

// Regions of large clouds by the beginning of their name, as their operators document them.
const REGIONS: &[(&str, &str)] = &[
    ("ap-northeast-1", "JP"),
    ("ap-northeast-2", "KR"),
    ("ap-south-1", "IN"),
    ("ap-southeast-1", "SG"),
    ("ap-southeast-2", "AU"),
    ("asia-northeast1", "JP"),
    ("asia-southeast1", "SG"),
    ("australia-southeast1", "AU"),
    ("ca-central-1", "CA"),
    ("eastus", "US"),
    ("eu-amsterdam-1", "NL"),
    ("eu-central-1", "DE"),
    ("eu-central-2", "CH"),
    ("eu-ch2", "CH"),
    ("eu-de", "DE"),
    ("eu-frankfurt-1", "DE"),
    ("eu-gb", "GB"),
    ("eu-madrid-1", "ES"),
    ("eu-marseille-1", "FR"),
    ("eu-milan-1", "IT"),
    ("eu-nl", "NL"),
    ("eu-north-1", "SE"),
    ("eu-paris-1", "FR"),
    ("eu-south-1", "IT"),
    ("eu-south-2", "ES"),
    ("eu-stockholm-1", "SE"),
    ("eu-west-1", "IE"),
    ("eu-west-2", "GB"),
    ("eu-west-3", "FR"),
    ("eu-zurich-1", "CH"),
    ("europe-central2", "PL"),
    ("europe-north1", "FI"),
    ("europe-north2", "SE"),
    ("europe-southwest1", "ES"),
    ("europe-west1", "BE"),
    ("europe-west10", "DE"),
    ("europe-west12", "IT"),
    ("europe-west2", "GB"),
    ("europe-west3", "DE"),
    ("europe-west4", "NL"),
    ("europe-west6", "CH"),
    ("europe-west8", "IT"),
    ("europe-west9", "FR"),
    ("fr-par", "FR"),
    ("francecentral", "FR"),
    ("fsn1", "DE"),
    ("germanywestcentral", "DE"),
    ("hel1", "FI"),
    ("nbg1", "DE"),
    ("nl-ams", "NL"),
    ("northeurope", "IE"),
    ("pl-waw", "PL"),
    ("sa-east-1", "BR"),
    ("swedencentral", "SE"),
    ("switzerlandnorth", "CH"),
    ("uksouth", "GB"),
    ("us-", "US"),
    ("us-central1", "US"),
    ("westeurope", "NL"),
    ("westus", "US"),
];

/// The country of a place: itself, or that of a cloud's region or zone.
#[must_use]
pub fn country_of(place: &str) -> Option<&str> {
    if place.len() == 2 && place.bytes().all(|byte| byte.is_ascii_uppercase()) && !matches!(place, "EU") {
        return Some(if place == "UK" { "GB" } else { place });
    }
    let lower = place.to_ascii_lowercase();
    // A zone adds a letter or a part to the name of its region; another digit makes it another region.
    let of = |region: &str| {
        lower.strip_prefix(region).is_some_and(|rest| region.ends_with('-') || !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    REGIONS.iter().filter(|(region, _)| of(region)).max_by_key(|(region, _)| region.len()).map(|(_, country)| *country)
}

/// Whether all of `place` lies in `area`; false where it is not known.
#[must_use]
pub fn lies_in(place: &str, area: &str) -> bool {
    let holds = |list: &str, country: &str| list.split(' ').any(|known| known == country);
    if place == area {
        return true;
    }
    match (place, area) {
        ("EU", "EEA" | "Europe") | ("EEA", "Europe") => return true,
        ("EU" | "EEA" | "Europe", _) => return false,
        _ => {}
    }
    let lower = place.to_ascii_lowercase();
    let area_lower = area.to_ascii_lowercase();
    // A zone lies in its region.
    if country_of(area).is_some() && area.len() > 2 {
        return lower.starts_with(&area_lower);
    }
    let Some(country) = country_of(place) else { return false };
    match area {
        "EU" => holds(UNION, country),
        "EEA" => holds(UNION, country) || holds(ECONOMIC_AREA, country),
        "Europe" => holds(UNION, country) || holds(ECONOMIC_AREA, country) || holds(REST_OF_EUROPE, country),
        "UK" => country == "GB",
        other => country == other,
    }
}

/// Whether a text names an area, a country or a known region.
#[must_use]
pub fn is_place(text: &str) -> bool {
    matches!(text, "EU" | "EEA" | "Europe") || country_of(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_lies_in_its_areas_and_in_no_other() {
        for (place, area) in [
            ("DE", "EU"),
            ("NO", "EEA"),
            ("CH", "Europe"),
            ("eu-central-1", "EU"),
            ("eu-central-1a", "DE"),
            ("fsn1-dc14", "DE"),
            ("europe-west12-c", "IT"),
            ("eu-de-01", "DE"),
            ("EU", "EEA"),
        ] {
            assert!(lies_in(place, area), "{place} in {area}");
        }
        for (place, area) in [
            ("NO", "EU"),
            ("eu-west-2", "EU"),
            ("us-east-1", "EU"),
            ("EU", "DE"),
            ("somewhere", "EU"),
            ("eu-central-2b", "EU"),
            ("eu-zurich-1", "EU"),
            ("eu-ch2", "EU"),
            ("eu-unheard-of-1", "EU"),
            ("europe-west10-a", "BE"),
            ("CH", "EEA"),
        ] {
            assert!(!lies_in(place, area), "{place} in {area}");
        }
    }
}
