//! The words in which a statement is typed: what it is about, how it is said, and over what it speaks.
//!
//! The lists are closed on purpose: they are printed by `docs claims`, written in `claims.yaml`, and scripts rely on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All of them, in the order in which they are printed.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What a promise is about. A typed value decides before the topic: "backups are kept 30 days" is retention.
    Kind {
        /// Encryption in transit, and protocols.
        ProtocolVersion = "protocol-version",
        /// Encryption at rest, hashes, signatures, keys.
        Algorithm = "algorithm",
        /// How long data is kept, or when it is deleted.
        Retention = "retention",
        /// How often something is done.
        Frequency = "frequency",
        /// Where data, people or companies are.
        Residency = "residency",
        /// Frameworks, certificates and reports, with their status.
        CertificationStatus = "certification-status",
        /// Availability, recovery, reaction and notification times.
        Sla = "sla",
        /// Who may do what, and how they prove who they are.
        AccessControl = "access-control",
        /// What is kept apart from what.
        Isolation = "isolation",
        /// Backup, restore and copies without a typed value.
        Backup = "backup",
        /// Logs, audit trails, monitoring, alerts.
        Logging = "logging",
        /// Secrets, and who holds keys.
        Secrets = "secrets",
        /// How software is reviewed, built, scanned and signed.
        SupplyChain = "supply-chain",
        /// A duty that a table or sentence gives to one side.
        Responsibility = "responsibility",
        /// Any other promise.
        Other = "other",
    }
}

words! {
    /// How a statement is meant (claims.md section 7.1): the first that matches.
    Class {
        /// Code, configuration, and comments in it.
        Code = "code",
        /// What a law, a standard or an authority requires.
        QuoteOfLaw = "quote-of-law",
        /// A question.
        Question = "question",
        /// A supposition or an example.
        Hypothetical = "hypothetical",
        /// A duty of the reader, or advice.
        CustomerDuty = "customer-duty",
        /// Says that a certificate, a feature or a programme is not there.
        NegativeStatus = "negative-status",
        /// A plan.
        Future = "future",
        /// An audit, certification or migration that is running.
        InProgress = "in-progress",
        /// There for who switches it on or asks for it.
        Optional = "optional",
        /// There for a plan or tier.
        PlanGated = "plan-gated",
        /// Softened.
        Hedged = "hedged",
        /// The product has or supports something.
        Capability = "capability",
        /// A property of the whole, without mechanism or value.
        Umbrella = "umbrella",
        /// Any other promise.
        Assertion = "assertion",
        /// A fact about somebody else, or about technology as such.
        ThirdParty = "third-party",
        /// The meaning of a term, or the purpose of a page.
        Definition = "definition",
        /// A past state.
        History = "history",
        /// A heading, a link, navigation.
        Heading = "heading",
        /// Praise that nothing could prove false.
        Marketing = "marketing",
        /// Dates, versions of the document, contact lines.
        Metadata = "metadata",
    }
}

impl Class {
    /// Whether a statement of this class promises something that needs backing.
    #[must_use]
    pub const fn is_promise(self) -> bool {
        matches!(
            self,
            Self::InProgress | Self::Optional | Self::PlanGated | Self::Hedged | Self::Capability | Self::Umbrella | Self::Assertion
        )
    }
}

words! {
    /// Over how much a statement speaks.
    Quantifier {
        /// All, every, always.
        All = "all",
        /// Only, exclusively.
        Only = "only",
        /// None, never.
        None = "none",
        /// Most, some, selected.
        Some = "some",
    }
}

words! {
    /// Who owes what a statement promises.
    Party {
        /// Who runs the platform.
        Provider = "provider",
        /// Who uses it.
        Customer = "customer",
        /// Both.
        Shared = "shared",
    }
}
