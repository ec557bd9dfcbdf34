//! Every input is also cut into chunks in every way, which must make no difference.

use super::*;

// Every way of cutting `input` into two chunks, and byte by byte, must give the same pieces.
fn pieces(input: &[u8]) -> Result<Vec<String>, Malformed> {
    let cut = |chunks: &[&[u8]]| {
        let mut splitter = Splitter::default();
        let mut out = Vec::new();
        for chunk in chunks {
            splitter.push(chunk, |piece, place| {
                let (what, text) = match piece {
                    Piece::Head(text) => ("head", text),
                    Piece::Item(text) => ("item", text),
                    Piece::Document { text, list: true } => ("list", text),
                    Piece::Document { text, list: false } => ("object", text),
                };
                out.push(format!("{what} {} @{}", String::from_utf8_lossy(text), place.line));
                Ok::<(), Malformed>(())
            })?;
        }
        splitter.finish().map(|()| out)
    };
    let whole = cut(&[input]);
    for at in 0..input.len() {
        let (before, after) = input.split_at(at);
        assert_eq!(cut(&[before, after]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(cut(&bytes), whole, "byte by byte");
    whole
}

#[test]
fn a_list_comes_item_by_item_and_then_without_its_items() {
    let text = br#"{"apiVersion":"v1","items":[
{"a":"}]\\\"{","b":[[1],{}]},
{"c":"\\"} ],
"kind":"List","metadata":{"continue":"x"}}"#;
    let list = "list {\"apiVersion\":\"v1\",\"items\":[],\n\"kind\":\"List\",\"metadata\":{\"continue\":\"x\"}} @1";
    let expected = [r#"head {"apiVersion":"v1","items":[]} @1"#, r#"item {"a":"}]\\\"{","b":[[1],{}]} @2"#, r#"item {"c":"\\"} @3"#, list];
    assert_eq!(pieces(text).unwrap(), expected);
}

#[test]
fn documents_follow_one_another() {
    let text = b"\xEF\xBB\xBF{\"kind\":\"Pod\"}\n{\"spec\":{\"items\":[1]},\"kind\":\"items\"}{\"items\":null} {\"items\":[]}";
    let expected = [
        r#"object {"kind":"Pod"} @1"#,
        r#"object {"spec":{"items":[1]},"kind":"items"} @2"#,
        r#"object {"items":null} @2"#,
        r#"head {"items":[]} @2"#,
        r#"list {"items":[]} @2"#,
    ];
    assert_eq!(pieces(text).unwrap(), expected);
}

#[test]
fn what_is_not_a_sequence_of_objects_is_refused() {
    for (text, what, cut) in [
        ("[{}]", "expected a JSON object", false),
        ("{} x", "expected a JSON object", false),
        (r#"{"items":[1]}"#, "the items of a List must be objects", false),
        (r#"{"items":[{} {}]}"#, "expected a comma or the end of the items", false),
        (r#"{"items":[{},]}"#, "the items of a List must be objects", false),
        (r#"{"items":[{"#, "the input ends in the middle of an object", true),
        (r#"{"items":[{}]"#, "the input ends in the middle of an object", true),
        (r#"{"kind":"Pod"#, "the input ends in the middle of an object", true),
    ] {
        let malformed = pieces(text.as_bytes()).unwrap_err();
        assert_eq!((malformed.what, malformed.cut), (what, cut), "{text}");
    }
}

#[test]
fn an_object_without_end_is_refused_before_it_fills_the_memory() {
    let mut splitter = Splitter::default();
    let mut nothing = |_: Piece<'_>, _: Place| Ok::<(), Malformed>(());
    splitter.push(br#"{"data":""#, &mut nothing).unwrap();
    let chunk = vec![b'x'; 1 << 20];
    let refused = (0..40).find_map(|_| splitter.push(&chunk, &mut nothing).err()).unwrap();
    assert!(refused.what.contains("32 MiB"), "{refused:?}");
}
