//! What the provider states about itself, as tables: whom it gives personal data to, and how long it keeps which.

use proofbook_evidence::views::Publication;

use crate::sheet::Table;

/// The companies that process personal data on the provider's behalf (GDPR Art. 28(2) and (4)).
pub(crate) fn subprocessors(publication: &Publication) -> Table {
    let columns = [
        ("name", 30),
        ("country", 9),
        ("service", 36),
        ("data", 36),
        ("location", 26),
        ("transfer", 30),
        ("since", 12),
        ("notice_days", 12),
        ("as_of", 22),
    ];
    let notice = publication.facts.processing.as_ref().map(|processing| processing.subprocessor_notice_days.to_string());
    let rows = publication.facts.subprocessors.iter().map(|company| {
        [
            company.name.clone(),
            company.country.clone(),
            company.service.clone(),
            company.data.clone(),
            company.location.clone(),
            company.transfer.clone(),
            company.since.clone(),
            notice.clone().unwrap_or_else(|| "not stated".to_owned()),
            publication.run.as_of.to_string(),
        ]
    });
    Table::new("Subprocessors", "Companies that process personal data on the provider's behalf, as the provider states", columns, rows)
}

/// How long personal data is kept; none where the provider states nothing about its processing.
pub(crate) fn retention(publication: &Publication) -> Option<Table> {
    let processing = publication.facts.processing.as_ref()?;
    let columns =
        [("data", 36), ("period", 60), ("deleted_days_after_contract", 18), ("gone_from_backups_days_after_deletion", 18), ("as_of", 22)];
    let rows = processing.retention.iter().map(|(data, period)| {
        [
            data.clone(),
            period.clone(),
            processing.deletion_days.to_string(),
            processing.backup_deletion_days.to_string(),
            publication.run.as_of.to_string(),
        ]
    });
    Some(Table::new("Retention", "How long which personal data is kept, as the provider states", columns, rows))
}
