//! The forms of reports in one shape: the members of CycloneDX, SPDX, Grype and Trivy that checks need. A document is parsed once,
//! whatever it is, and what is not needed is passed over.

use serde::Deserialize;

/// A document of one of the known forms.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Report {
    // CycloneDX
    pub bom_format: Option<String>,
    pub spec_version: Option<String>,
    pub metadata: Option<BillMetadata>,
    pub components: Option<Vec<Component>>,
    // SPDX
    pub spdx_version: Option<String>,
    pub creation_info: Option<CreationInfo>,
    pub name: Option<String>,
    pub document_describes: Vec<String>,
    pub relationships: Vec<Relationship>,
    pub packages: Option<Vec<Package>>,
    // Grype
    pub matches: Option<Vec<Match>>,
    pub source: Option<GrypeSource>,
    pub descriptor: Option<Descriptor>,
    // Trivy
    #[serde(rename = "SchemaVersion")]
    pub trivy_schema: Option<u64>,
    #[serde(rename = "CreatedAt")]
    pub trivy_created: Option<String>,
    #[serde(rename = "ArtifactName")]
    pub trivy_artifact: Option<String>,
    #[serde(rename = "Trivy")]
    pub trivy: Option<TrivyVersion>,
    #[serde(rename = "Metadata")]
    pub trivy_metadata: Option<TrivyMetadata>,
    #[serde(rename = "Results")]
    pub trivy_results: Option<Vec<TrivyResult>>,
}

impl Report {
    /// Reads a document; none where it is of no known form.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let report: Self = serde_json::from_slice(content).ok()?;
        let known = report.bom_format.as_deref() == Some("CycloneDX")
            || report.spdx_version.is_some()
            || (report.matches.is_some() && report.descriptor.is_some())
            || (report.trivy_schema.is_some() && report.trivy_artifact.is_some());
        known.then_some(report)
    }

    /// Whether it is a bill of materials, and not the report of a scanner.
    pub(super) const fn is_bill(&self) -> bool {
        self.bom_format.is_some() || self.spdx_version.is_some()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BillMetadata {
    pub timestamp: Option<String>,
    pub component: Option<Component>,
    pub tools: Option<Tools>,
}

/// Tools as CycloneDX had them until 1.4, and has them since.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Tools {
    Since { components: Vec<Component> },
    Until(Vec<Component>),
}

impl Tools {
    pub(super) fn names(&self) -> Vec<String> {
        let (Self::Since { components } | Self::Until(components)) = self;
        components.iter().map(|tool| format!("{} {}", tool.name, tool.version.as_deref().unwrap_or_default()).trim().to_owned()).collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub version: Option<String>,
    pub purl: Option<String>,
    pub properties: Vec<Property>,
    pub components: Vec<Component>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Property {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CreationInfo {
    pub created: Option<String>,
    pub creators: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Relationship {
    pub spdx_element_id: String,
    pub relationship_type: String,
    pub related_spdx_element: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Package {
    #[serde(rename = "SPDXID")]
    pub id: String,
    pub name: String,
    pub version_info: Option<String>,
    pub primary_package_purpose: Option<String>,
    pub external_refs: Vec<ExternalRef>,
    pub attribution_texts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ExternalRef {
    pub reference_type: String,
    pub reference_locator: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Match {
    pub vulnerability: GrypeVulnerability,
    pub related_vulnerabilities: Vec<GrypeVulnerability>,
    pub artifact: Component,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GrypeVulnerability {
    pub id: String,
    pub severity: String,
    pub fix: Option<GrypeFix>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GrypeFix {
    pub versions: Vec<String>,
    pub state: String,
    pub available: Vec<FixDate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FixDate {
    pub date: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GrypeSource {
    pub target: Option<GrypeTarget>,
}

/// What Grype looked at: an image, or the path of a folder or a file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum GrypeTarget {
    Image {
        #[serde(default, rename = "userInput")]
        user_input: String,
        #[serde(default, rename = "manifestDigest")]
        manifest_digest: String,
        #[serde(default, rename = "repoDigests")]
        repo_digests: Vec<String>,
    },
    Path(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Descriptor {
    pub version: Option<String>,
    pub timestamp: Option<String>,
    pub db: Option<GrypeDatabase>,
}

/// The database as older versions tell it, and as newer ones do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GrypeDatabase {
    pub built: Option<String>,
    pub status: Option<Box<GrypeDatabase>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TrivyVersion {
    #[serde(rename = "Version")]
    pub version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TrivyMetadata {
    #[serde(rename = "RepoDigests")]
    pub repo_digests: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TrivyResult {
    #[serde(rename = "Vulnerabilities")]
    pub vulnerabilities: Option<Vec<TrivyVulnerability>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TrivyVulnerability {
    #[serde(rename = "VulnerabilityID")]
    pub id: String,
    #[serde(rename = "VendorIDs")]
    pub vendor_ids: Vec<String>,
    pub pkg_name: String,
    pub installed_version: String,
    pub fixed_version: Option<String>,
    pub status: Option<String>,
    pub severity: String,
    pub published_date: Option<String>,
}
