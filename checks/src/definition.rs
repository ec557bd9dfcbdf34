//! The YAML form of a check and of its fixtures, as people write it.
//!
//! These types say what may be written; [`crate::compile`] turns them into something that can be trusted.

use indexmap::IndexMap;
use proofbook_controls::CheckId;
use proofbook_controls::yaml::Spanned;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::finding::Verdict;
use crate::inventory::Reason;
use crate::resource::Source;

/// A CEL expression with its place in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Expr(pub Spanned<String>);

impl Expr {
    /// The text of the expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.value
    }
}

impl JsonSchema for Expr {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "description": "An expression in CEL."})
    }
}

/// A check: a rule over observations.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckDefinition {
    /// Stable slug, never reused; equal to the file's name.
    pub id: CheckId,
    /// Raised with every change of what the check decides.
    pub version: u32,
    /// What holds when the check passes, in one line.
    pub title: String,
    /// How bad a failure is by default.
    pub severity: Severity,
    /// EXAMINE (configuration read at rest) or TEST (the mechanism exercised), NIST SP 800-53A.
    pub method: Method,
    /// The class that decides how long a result counts (evidence.md section 4).
    #[serde(default)]
    pub freshness: Freshness,
    /// Why the check must be asked for by name: it needs rights or effects that no default selection may have.
    #[serde(default)]
    pub opt_in: Option<String>,
    /// What verdicts are about.
    pub subject: SubjectDefinition,
    /// Joins: other resources, found by a key through an index. Later ones may use earlier ones.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, JoinDefinition>")]
    pub with: IndexMap<String, JoinDefinition>,
    /// Parts that no expression names by itself: exact, non-secret names at sensitive paths, and dynamic keys.
    #[serde(default)]
    pub reads: Vec<ReadDefinition>,
    /// Parameters with their defaults.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, ParamDefinition>")]
    pub params: IndexMap<String, ParamDefinition>,
    /// Named expressions, evaluated in order; later ones may use earlier ones.
    #[serde(default, rename = "let")]
    #[schemars(with = "std::collections::BTreeMap<String, Expr>")]
    pub lets: IndexMap<String, Expr>,
    /// The first outcome whose `when` holds decides; the last one has no `when`.
    pub outcomes: Vec<OutcomeDefinition>,
    /// Typed values for the value store.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, Expr>")]
    pub measure: IndexMap<String, Expr>,
    /// Measures whose text may be printed for customers, since it names no object, host, account or address. Numbers and booleans
    /// always may.
    #[serde(default)]
    pub publish: Vec<Spanned<String>>,
    /// An independent check of the same promise.
    #[serde(default)]
    pub pairs_with: Option<PairDefinition>,
    /// What a pass proves.
    pub proves: String,
    /// What a pass does not prove.
    pub does_not_prove: String,
    /// How to mend a failure.
    pub remedy: String,
    /// Known false positives and negatives, and how they are avoided.
    #[serde(default)]
    pub traps: Vec<String>,
    /// A command with which a person repeats the check by hand; `{{ }}` holds expressions over `subject` and `params`.
    pub manual: String,
}

/// How bad a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For information.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The assessment method of NIST SP 800-53A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Documents or configuration read at rest.
    Examine,
    /// The mechanism exercised.
    Test,
}

impl Method {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Examine => "examine",
            Self::Test => "test",
        }
    }
}

/// How long a result counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// Configuration of a running system: 24 hours.
    #[default]
    LiveConfig,
    /// Detection that drifts: 7 days.
    Detection,
    /// Backups: 26 hours.
    Backup,
    /// People and process: 90 days.
    Process,
    /// Exercises: 365 days.
    Exercise,
}

impl Freshness {
    /// All classes.
    pub const ALL: [Self; 5] = [Self::LiveConfig, Self::Detection, Self::Backup, Self::Process, Self::Exercise];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LiveConfig => "live-config",
            Self::Detection => "detection",
            Self::Backup => "backup",
            Self::Process => "process",
            Self::Exercise => "exercise",
        }
    }

    /// The window in hours.
    #[must_use]
    pub const fn hours(self) -> i64 {
        match self {
            Self::LiveConfig => 24,
            Self::Detection => 7 * 24,
            Self::Backup => 26,
            Self::Process => 90 * 24,
            Self::Exercise => 365 * 24,
        }
    }
}

/// A view: subjects that are derived from several resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Top owners of pods (Deployment, StatefulSet, DaemonSet, CronJob, Job, bare Pod) with `.template`, the pod template.
    Workload,
    /// ClusterRoleBindings and RoleBindings.
    RbacBinding,
    /// ClusterRoles and Roles.
    RbacRole,
    /// Images that pods run, by digest, with the references, namespaces and pods that use them.
    RunningImage,
    /// Users, groups and service accounts that bindings name, each with all that it is granted.
    EffectiveAccess,
    /// Namespaces, each with the namespaces whose pods reach its pods as far as policies decide.
    Reachability,
}

/// What verdicts are about.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectDefinition {
    /// The source; Kubernetes where nothing is said.
    #[serde(default)]
    pub source: Source,
    /// The resource; for Kubernetes `plural.group`.
    #[serde(default)]
    pub resource: Option<Spanned<String>>,
    /// Or a view.
    #[serde(default)]
    pub view: Option<View>,
    /// Which of them the check is about.
    #[serde(default, rename = "where")]
    pub filter: Option<Expr>,
    /// The population in words, for auditors: "every tenant namespace".
    pub population: String,
}

/// A join.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinDefinition {
    /// The source; Kubernetes where nothing is said.
    #[serde(default)]
    pub source: Source,
    /// The resource; for Kubernetes `plural.group`.
    #[serde(default)]
    pub resource: Option<Spanned<String>>,
    /// Or a view.
    #[serde(default)]
    pub view: Option<View>,
    /// How objects are found for a subject.
    #[serde(default)]
    pub on: Option<JoinOn>,
    /// Or by equal keys: an expression over `subject` (and earlier joins), and one over `object`. Each yields a string or a list of strings.
    #[serde(default)]
    pub key: Option<(Expr, Expr)>,
    /// The resource may be missing from the platform: then the join is empty. Only where more objects can never turn a pass into a fail.
    #[serde(default)]
    pub optional: bool,
}

/// Ready-made ways to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum JoinOn {
    /// Objects of the subject's namespace (of the namespace itself, where the subject is one).
    Namespace,
    /// Objects with the subject's namespace and name.
    Name,
    /// Objects of the namespace whose `spec.selector` selects the subject's pod labels.
    Selector,
    /// Objects that the subject owns.
    Owner,
    /// The Role or ClusterRole that a binding refers to.
    RoleRef,
    /// All objects.
    Cluster,
}

/// A part that is read although no expression names it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadDefinition {
    /// `subject`, or the name of a join.
    pub of: String,
    /// The path, with `*` for every element or key: `spec.containers.*.command`.
    pub path: String,
    /// Exact names (flags, keys) whose values may be kept although the path is sensitive. May name a parameter as `params.x`.
    #[serde(default)]
    pub names: Vec<String>,
}

/// A parameter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamDefinition {
    /// The value where the workspace says nothing.
    pub default: serde_json::Value,
    /// What it means, with its unit.
    pub doc: String,
}

/// An outcome.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeDefinition {
    /// The condition; the last outcome has none.
    #[serde(default)]
    pub when: Option<Expr>,
    /// The verdict: pass, fail, not-applicable or error.
    pub verdict: VerdictName,
    /// The reason code; `as-promised` for pass and `not-as-promised` for fail where nothing is said.
    #[serde(default)]
    pub code: Option<ReasonName>,
    /// One sentence; `{{ }}` holds expressions.
    #[serde(default)]
    pub message: Option<Expr>,
}

/// The verdicts that a rule may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictName {
    /// As promised.
    Pass,
    /// Not as promised.
    Fail,
    /// Does not apply to this subject.
    NotApplicable,
    /// Could not be told from what was read.
    Error,
}

impl From<VerdictName> for Verdict {
    fn from(name: VerdictName) -> Self {
        match name {
            VerdictName::Pass => Self::Pass,
            VerdictName::Fail => Self::Fail,
            VerdictName::NotApplicable => Self::NotApplicable,
            VerdictName::Error => Self::Error,
        }
    }
}

/// A reason code in a rule.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct ReasonName(pub Reason);

impl JsonSchema for ReasonName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ReasonCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "description": "A code of the closed list of reasons."})
    }
}

/// An independent check of the same promise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairDefinition {
    /// The other check.
    pub check: Spanned<String>,
    /// What makes two subjects the same: `name`, `namespace`, `host`.
    pub on: String,
}
