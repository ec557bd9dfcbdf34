//! Tables as Apache Parquet, compressed with zstd: one row group, plain types, no nesting.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::ExportError;

/// A column with its name.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) values: Values,
}

/// The values of a column.
pub(crate) enum Values {
    /// Text.
    Text(Vec<String>),
    /// Text, where there is one.
    MaybeText(Vec<Option<String>>),
    /// Whole numbers.
    Whole(Vec<u64>),
    /// Yes or no.
    Flag(Vec<bool>),
    /// Days since 1970-01-01.
    Day(Vec<i32>),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Time(Vec<i64>),
    /// Milliseconds since 1970-01-01T00:00:00Z, where there is a time.
    MaybeTime(Vec<Option<i64>>),
}

impl Values {
    fn form(&self, name: &str) -> String {
        match self {
            Self::Text(_) => format!("required binary {name} (STRING);"),
            Self::MaybeText(_) => format!("optional binary {name} (STRING);"),
            Self::Whole(_) => format!("required int64 {name};"),
            Self::Flag(_) => format!("required boolean {name};"),
            Self::Day(_) => format!("required int32 {name} (DATE);"),
            Self::Time(_) => format!("required int64 {name} (TIMESTAMP(MILLIS,true));"),
            Self::MaybeTime(_) => format!("optional int64 {name} (TIMESTAMP(MILLIS,true));"),
        }
    }
}

/// Writes columns of equal length as a table.
pub(crate) fn table(columns: Vec<Column>) -> Result<Vec<u8>, ExportError> {
    let form: String = columns.iter().map(|column| column.values.form(column.name)).collect();
    let schema = Arc::new(parse_message_type(&format!("message table {{ {form} }}"))?);
    // Who wrote it is told without the version of the library, so that the same runs give the same bytes for longer.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(9)?))
        .set_created_by(concat!("proofbook version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for Column { values, .. } in columns {
        match values {
            Values::Text(texts) => whole::<ByteArrayType>(&mut group, &texts.into_iter().map(text).collect::<Vec<_>>())?,
            Values::MaybeText(texts) => part::<ByteArrayType>(&mut group, texts.into_iter().map(|one| one.map(text)))?,
            Values::Whole(numbers) => {
                let numbers: Vec<i64> = numbers.into_iter().map(|number| i64::try_from(number).unwrap_or(i64::MAX)).collect();
                whole::<Int64Type>(&mut group, &numbers)?;
            }
            Values::Flag(flags) => whole::<BoolType>(&mut group, &flags)?,
            Values::Day(days) => whole::<Int32Type>(&mut group, &days)?,
            Values::Time(times) => whole::<Int64Type>(&mut group, &times)?,
            Values::MaybeTime(times) => part::<Int64Type>(&mut group, times.into_iter())?,
        }
    }
    group.close()?;
    Ok(file.into_inner()?)
}

type Group<'g> = SerializedRowGroupWriter<'g, Vec<u8>>;

fn text(text: String) -> ByteArray {
    ByteArray::from(text.into_bytes())
}

fn whole<T: DataType>(group: &mut Group<'_>, values: &[T::T]) -> Result<(), ParquetError> {
    write::<T>(group, values, None)
}

// What is not there has the definition level 0 and takes no value.
fn part<T: DataType>(group: &mut Group<'_>, values: impl Iterator<Item = Option<T::T>>) -> Result<(), ParquetError> {
    let (mut there, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        there.extend(value);
    }
    write::<T>(group, &there, Some(&levels))
}

fn write<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) -> Result<(), ParquetError> {
    let column = group.next_column()?;
    let mut column = column.ok_or_else(|| ParquetError::General("the table has more columns than its form".to_owned()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}
