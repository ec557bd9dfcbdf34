//! Reads what is in a workbook back: the sheets by name, each as rows of text. It knows what the program writes, and no more.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

/// The sheets of a workbook.
pub(crate) fn sheets(bytes: &[u8]) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let texts: Vec<String> = between(&part("xl/sharedStrings.xml"), "<si>", "</si>").map(|si| plain(&inner(si, "t"))).collect();
    let book = part("xl/workbook.xml");
    let names: Vec<String> = between(&book, "<sheet ", "/>").map(|sheet| plain(&attribute(sheet, "name"))).collect();
    let read = |(at, name): (usize, String)| {
        let xml = part(&format!("xl/worksheets/sheet{}.xml", at + 1));
        assert!(!xml.contains("<f>"), "{name} holds a formula");
        let rows = between(&xml, "<row ", "</row>").map(|row| cells(row, &texts)).collect();
        (name, rows)
    };
    names.into_iter().enumerate().map(read).collect()
}

// Each `<c r="B2" s="1" t="s"><v>7</v></c>` names a shared text; one without a value is empty.
fn cells(row: &str, texts: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for cell in row.split("<c ").skip(1) {
        let of_row = attribute(cell, "r");
        let column = of_row.bytes().take_while(u8::is_ascii_uppercase).fold(0, |at, letter| at * 26 + usize::from(letter - b'A') + 1);
        assert_eq!(column, out.len() + 1, "cells of a row stand one after the other: {of_row}");
        let text = if cell.contains("<v>") {
            assert_eq!(attribute(cell, "t"), "s", "every cell is text: {of_row}");
            texts[inner(cell, "v").parse::<usize>().unwrap()].clone()
        } else {
            String::new()
        };
        out.push(text);
    }
    out
}

fn between<'t>(text: &'t str, from: &'t str, to: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(from).skip(1).map(move |rest| rest.split(to).next().unwrap())
}

fn attribute(tag: &str, name: &str) -> String {
    between(tag, &format!("{name}=\""), "\"").next().unwrap_or_default().to_owned()
}

fn inner(xml: &str, name: &str) -> String {
    let open = xml.find(&format!("<{name}")).unwrap();
    let start = open + xml[open..].find('>').unwrap() + 1;
    xml[start..start + xml[start..].find(&format!("</{name}>")).unwrap()].to_owned()
}

fn plain(xml: &str) -> String {
    xml.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
