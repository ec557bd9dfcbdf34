//! Tables as CSV, safe to open in a spreadsheet: a cell that would be read as a formula is quoted.

use crate::ExportError;

/// Writes a table with a heading.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<Vec<u8>, ExportError> {
    write(heading.into_iter(), rows.map(Vec::from))
}

/// Writes a table of which every row has as many cells as the heading.
pub(crate) fn write<'h>(heading: impl Iterator<Item = &'h str>, rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, ExportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(heading)?;
    for row in rows {
        writer.write_record(row.into_iter().map(guard))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
}

/// A cell that no spreadsheet runs: they run what begins with these characters, but for a whole number.
pub(crate) fn guard(cell: String) -> String {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<i64>().is_err();
    if runs { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        let rows = [["=1+1".to_owned(), "plain, with comma".to_owned()]];
        let out = String::from_utf8(table(["a", "b"], rows.into_iter()).unwrap()).unwrap();
        assert_eq!(out, "a,b\n'=1+1,\"plain, with comma\"\n");
        assert_eq!(["-203", "-1+1", "+a", "7"].map(|cell| guard(cell.to_owned())), ["-203", "'-1+1", "'+a", "7"]);
    }
}
