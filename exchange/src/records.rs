//! Evidence records as lines of JSON: see [`proofbook_evidence::records`] for what they say.

use proofbook_evidence::records;

use crate::{ExportError, Input};

pub(crate) fn write(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    let mut out = Vec::new();
    records::each(input.bundle, |line| {
        out.extend_from_slice(line);
        Ok::<(), ExportError>(())
    })?;
    Ok(out)
}
