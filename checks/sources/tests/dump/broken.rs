//! Files that cannot be read to their end: an error with its place for all that they held or could have held.

use std::fs;
use std::io::Write;
use std::path::Path;

use proofbook_checks::inventory::Reason;
use proofbook_sources::dump::{Dump, DumpError};

use super::{data, failure, names, read_files, unpacked};

const NODE: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}"#;

/// A dump of one broken file beside one that is well; what is told of the broken one.
fn broken(name: &str, content: &[u8]) -> String {
    let inventory = read_files(&[(name, content), ("nodes.json", NODE.as_bytes())], &["pods", "nodes", "services"]);
    // What is found in a file that is well stays so.
    assert_eq!(names(&inventory, "nodes"), ["n"]);
    for kind in ["pods", "services"] {
        assert_eq!(failure(&inventory, kind).0, Reason::ParseError, "{kind}");
    }
    assert!(inventory.requests.iter().any(|request| request.query == name && request.status == "broken"));
    let (_, detail) = failure(&inventory, "pods");
    assert!(detail.contains(name), "{detail}");
    assert!(!format!("{inventory:?}").contains("hunter22"), "an error must not quote the file");
    detail
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

#[test]
fn truncated_files() {
    let pods = unpacked(&data("cluster-small/pods.json.gz"));
    let half = &pods[..pods.len() / 2];
    assert!(broken("pods.json", half).contains("ends in the middle of an object"));
    let packed = gzip(&pods);
    assert!(broken("pods.json.gz", &packed[..packed.len() / 2]).contains("the compressed file ends early"));
    let packed = zstd::encode_all(pods.as_slice(), 1).unwrap();
    assert!(broken("pods.json.zst", &packed[..packed.len() / 2]).contains("ends early"));
    let mut damaged = gzip(&pods);
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40].fill(0xAA);
    assert!(broken("pods.json.gz", &damaged).contains("pods.json.gz: "));
    assert!(broken("pods.json.gz", &[&gzip(&pods), b"trailing".as_slice()].concat()).contains("pods.json.gz: "));
}

#[test]
fn json_that_is_none() {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"x":"hunter22"}}"#;
    for (text, told) in [
        ("hunter22", "expected a JSON object (line 1, byte 0)"),
        ("\n\n[]", "expected a JSON object (line 3, byte 2)"),
        (
            "{\"apiVersion\":\"v1\",\"items\":[\n{\"kind\":\"Pod\",\"spec\":{\"x\":\n hunter22}}]}",
            "expected value (line 3, in the object at byte 29)",
        ),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[{"metadata":["hunter22"]},7]}"#, "the items of a List must be objects"),
        (r#"{"apiVersion":"v1","kind":{"hunter22":1}}"#, "a value of another type than Kubernetes gives it"),
        (r#"{"apiVersion":"v1","kind":"List","items":[{"hunter22":1}]}"#, "without apiVersion and kind"),
        (r#"{"apiVersion":"v1","kind":"PodList","items":[{"kind":"Node","apiVersion":"v1"}]}"#, "another kind"),
        (r#"{"apiVersion":"v1","kind":"Allowance","items":[{"kind":"hunter22","apiVersion":"v1"}]}"#, "not a List"),
        (r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"hunter22"}"#, "an error answer of the API server"),
        (
            &format!("{pod}{}", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":".to_owned() + &"[".repeat(500) + &"]".repeat(500) + "}"),
            "recursion limit",
        ),
    ] {
        let detail = broken("x.json", text.as_bytes());
        assert!(detail.contains(told), "{text}: {detail}");
    }
}

#[test]
fn yaml_that_is_none() {
    let levels: Vec<String> =
        (1..9).map(|level| format!("  a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "))).collect();
    let bomb = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  a0: &a0 [x, x, x, x, x, x]\n{}", levels.concat());
    let deep = format!("apiVersion: v1\nkind: Pod\nspec: {}{}\n", "[".repeat(200), "]".repeat(200));
    for (text, told) in [
        ("apiVersion: v1\nkind: Pod\nspec: {a: hunter22, a: hunter22}\n", "the same key twice in one mapping (line 3)"),
        ("---\napiVersion: v1\nkind: Pod\n---\nkind: [\n", "(line "),
        ("- hunter22\n", "(line 1)"),
        ("hunter22", "(line 1)"),
        ("apiVersion: v1\nkind: Pod\nspec: {commit: 9e669930}\n", "quote it"),
        ("apiVersion: v1\nkind: PodList\nitems: {a: hunter22}\n", "`items` that are not a list"),
        ("apiVersion: v1\nitems:\n- metadata: {name: a}\nkind: PodList\n", "whose kind does not stand before its items"),
        ("apiVersion: v1\nkind: Pod\nspec: *hunter\n", "an alias without its anchor"),
        ("kind: Status\napiVersion: v1\nmessage: hunter22\n", "an error answer of the API server"),
        (&bomb, "its aliases unfold too far"),
        (&deep, "too deep or too large"),
    ] {
        let detail = broken("x.yaml", text.as_bytes());
        assert!(detail.contains(told), "{text}: {detail}");
    }
    assert!(broken("x.yaml", b"\xFF\xFEa\0:\0 \0b\0").contains("UTF-16"));
}

#[test]
fn the_line_counts_from_the_start_of_the_file() {
    let text = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, name: c}\n";
    assert!(broken("x.yaml", text.as_bytes()).contains("(line 8)"));
}

#[test]
fn invalid_utf8() {
    assert!(broken("x.json", b"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"unread\":\"\xFF\"}").contains("invalid UTF-8 (byte 42)"));
    assert!(broken("x.yaml", b"apiVersion: v1\nkind: Pod\nunread: \"\xFF\"\n").contains("UTF-8"));
}

#[test]
fn a_line_of_500_mb_is_refused_in_little_memory() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":""#).unwrap();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..500 {
        packed.write_all(&chunk).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(broken("x.json.gz", &packed).contains("more than 32 MiB"));
    assert!(broken("x.yaml.gz", &packed).contains("more than 32 MiB"));
    let peak = fs::read_to_string("/proc/self/status").unwrap();
    let peak: u64 = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 400_000, "{peak} kB");
}

#[test]
fn what_holds_no_kubernetes_object_is_passed_over() {
    let files: [(&str, &[u8]); 4] = [("a.json", b"{\"counts\":{\"Pod\":1}}"), ("b.yaml", b"# nothing\n"), ("c.json", b""), ("d.yaml", b"")];
    let inventory = read_files(&[&files[..], &[("nodes.json", NODE.as_bytes())]].concat(), &["nodes"]);
    assert_eq!(names(&inventory, "nodes"), ["n"]);
    assert!(inventory.requests.iter().all(|request| request.status == "read"));
}

#[test]
fn objects_without_a_name_are_no_objects() {
    let pod = |metadata: &str| format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{metadata}}}"#);
    let named = pod(r#"{"namespace":"a","name":"b"}"#);
    for nameless in [pod("{}"), pod(r#"{"namespace":"c"}"#)] {
        let inventory = read_files(&[("a.json", named.as_bytes()), ("b.json", nameless.as_bytes())], &["pods"]);
        assert!(failure(&inventory, "pods").1.contains("a Pod without a name"));
    }
}

#[test]
fn a_dump_that_is_not_there() {
    let missing = Dump::open("test", Path::new("/nowhere/dump")).unwrap_err();
    assert!(matches!(missing, DumpError::Unreadable { .. }));
    assert!(missing.to_string().contains("/nowhere/dump"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("readme.txt"), "x").unwrap();
    let empty = Dump::open("test", folder.path()).unwrap_err();
    assert!(matches!(empty, DumpError::Empty { .. }) && empty.to_string().contains("kubectl get"), "{empty}");
}
