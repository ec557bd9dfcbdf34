//! The forms of a dump that are read, and what of each counts as complete.

use std::fs;
use std::io::Write;

use proofbook_checks::inventory::{Assurance, Completeness, Reason};
use proofbook_checks::resource::{Resource, Source};
use proofbook_sources::collector::{Collector, Unwatched};
use proofbook_sources::dump::{Dump, DumpError};
use serde_json::Value as Json;

use super::{
    all_wanted, assert_same, cluster_files, completeness, data, failure, kinds, names, read, read_files, unpacked, wanted, write_files,
};

#[test]
fn a_folder_of_lists_is_read_in_full() {
    let inventory = read(&data("cluster-small"), &all_wanted());
    let truth: Json = serde_json::from_slice(&unpacked(&data("cluster-small/truth.json"))).unwrap();
    let mut total = 0;
    for (kind, count) in truth["counts"].as_object().unwrap() {
        let of_kind = |resource: &&Resource| {
            inventory.objects(resource).first().is_some_and(|object| object.get("kind").and_then(|kind| kind.as_str()) == Some(kind))
        };
        let resource = inventory.listings.keys().find(of_kind).unwrap();
        assert_eq!(Some(names(&inventory, &resource.name).len() as u64), count.as_u64(), "{kind}");
        total += inventory.objects(resource).len();
    }
    assert_eq!(total, inventory.listings.values().map(|listing| listing.objects.len()).sum::<usize>());
    assert_eq!(inventory.listings.len(), kinds().len());
    assert!(names(&inventory, "pods").is_sorted());
    assert!(inventory.listings.values().all(|listing| listing.resource_version.is_none()));
    let [target] = inventory.targets.as_slice() else { panic!("{:?}", inventory.targets) };
    assert_eq!((target.assurance, target.actor.identity.as_str(), target.identity.len()), (Assurance::AsSupplied, "as-supplied", 64));
    assert!(inventory.requests.iter().all(|request| request.status == "read" && request.response_sha256.is_some()));
}

#[test]
fn yaml_holds_the_same_as_json() {
    let lists = read(&data("cluster-small"), &all_wanted());
    assert_same(&read(&data("cluster-small.yaml.gz"), &all_wanted()), &lists);
    // As one List, in block style with the items before the kind, as kubectl prints it.
    let yaml = String::from_utf8(unpacked(&data("cluster-small.yaml.gz"))).unwrap();
    let mut list = "apiVersion: v1\nitems:\n".to_owned();
    for document in yaml.split("---\n").filter(|document| !document.is_empty()) {
        for (number, line) in document.lines().enumerate() {
            list.push_str(if number == 0 { "- " } else { "  " });
            list.push_str(line);
            list.push('\n');
        }
    }
    list.push_str("kind: List\nmetadata:\n  resourceVersion: \"\"\n");
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &[("all.yml", list.as_bytes())]);
    assert_same(&read(folder.path(), &all_wanted()), &lists);
}

#[test]
fn compression_names_and_folders_do_not_matter() {
    let lists = read(&data("cluster-small"), &all_wanted());
    let folder = tempfile::tempdir().unwrap();
    for (number, file) in cluster_files().into_values().enumerate() {
        let plain = unpacked(&file);
        match number % 3 {
            0 => write_files(folder.path(), &[(&format!("kubernetes/{number}.json.zst"), &zstd::encode_all(plain.as_slice(), 1).unwrap())]),
            1 => {
                // Two members, and a name that does not tell.
                let (first, second) = plain.split_at(plain.len() / 2);
                let mut packed = Vec::new();
                for part in [first, second] {
                    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                    member.write_all(part).unwrap();
                    packed.extend(member.finish().unwrap());
                }
                write_files(folder.path(), &[(&format!("{number}.json"), &packed)]);
            }
            _ => write_files(folder.path(), &[(&format!("kubernetes/{number}.ndjson"), &plain)]),
        }
    }
    write_files(folder.path(), &[("notes.txt", b"not read"), ("other/pods.json", b"not read either"), (".hidden.json", b"nor this")]);
    assert_same(&read(folder.path(), &all_wanted()), &lists);
}

#[test]
fn the_same_object_may_stand_in_two_files() {
    let lists = read(&data("cluster-small"), &all_wanted());
    let folder = tempfile::tempdir().unwrap();
    write_files(
        folder.path(),
        &[("all.yaml", &unpacked(&data("cluster-small.yaml.gz"))), ("pods.json", &unpacked(&data("cluster-small/pods.json.gz")))],
    );
    assert_same(&read(folder.path(), &all_wanted()), &lists);
}

const POD: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x"},"spec":{"nodeName":"n"}}"#;

#[test]
fn two_states_of_one_object_cannot_both_be_true() {
    let other = POD.replace("\"n\"", "\"m\"");
    let inventory = read_files(&[("1.json", POD.as_bytes()), ("2.json", other.as_bytes())], &["pods"]);
    let (why, detail) = failure(&inventory, "pods");
    assert_eq!(why, Reason::ParseError);
    assert!(detail.contains("x/a stands in 1.json and in 2.json"), "{detail}");
}

#[test]
fn single_objects_and_sequences_of_them_are_read() {
    let second = POD.replace("\"a\"", "\"b\"");
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Json>(&second).unwrap()).unwrap();
    // The kind may come last.
    let late = r#"{"spec":{"nodeName":"n"},"metadata":{"namespace":"x","name":"c"},"kind":"Pod","apiVersion":"v1"}"#;
    let text = format!("{POD}\n{pretty}\n{late}");
    let yaml = "# a comment\n---\n---\nmetadata: {name: d, namespace: x}\nkind: Pod\napiVersion: v1\n--- # another\napiVersion: v1\nkind: Node\nmetadata: {name: n}\n";
    let inventory = read_files(&[("pods.json", text.as_bytes()), ("more.yaml", yaml.as_bytes())], &["pods"]);
    assert_eq!(names(&inventory, "pods"), ["x/a", "x/b", "x/c", "x/d"]);
    assert_eq!(inventory.requests.iter().map(|request| request.items).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn typed_lists_give_their_items_the_type() {
    let list = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[
        {"metadata":{"name":"a","namespace":"x"},"spec":{}}]}"#;
    let yaml = "kind: NodeList\napiVersion: v1\nitems:\n- metadata: {name: two}\n- {apiVersion: v1, kind: Node, metadata: {name: one}}\n";
    // A custom resource's list prints its items before its kind, and they carry their type.
    let custom = r#"{"apiVersion":"velero.io/v1","items":[{"apiVersion":"velero.io/v1","kind":"Backup","metadata":{"name":"b"}}],"kind":"BackupList","metadata":{}}"#;
    let files = [("a.json", list.as_bytes()), ("b.yaml", yaml.as_bytes()), ("c.json", custom.as_bytes())];
    let inventory = read_files(&files, &["pods", "nodes", "backups.velero.io"]);
    assert_eq!(names(&inventory, "pods"), ["x/a"]);
    assert_eq!(names(&inventory, "nodes"), ["one", "two"]);
    assert_eq!(names(&inventory, "backups.velero.io"), ["b"]);
    let pod = &inventory.objects(&Resource::kubernetes("pods"))[0];
    assert_eq!(pod.get("apiVersion").and_then(|version| version.as_str()), Some("v1"));
}

#[test]
fn an_empty_list_says_what_there_is_none_of_or_it_says_nothing() {
    let empty = br#"{"apiVersion":"v1","items":[],"kind":"List","metadata":{"resourceVersion":""}}"#;
    let files: [(&str, &[u8]); 6] = [
        ("typed.json", br#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#),
        ("null.json", br#"{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":null}"#),
        ("typed.yaml", b"apiVersion: apps/v1\nitems: []\nkind: DeploymentList\n"),
        ("networkpolicies.networking.k8s.io.json", empty),
        ("cronjobs.batch.yaml.gz", b"apiVersion: v1\nitems: []\nkind: List\n"),
        ("whatever.json", empty),
    ];
    let inventory =
        read_files(&files, &["pods", "nodes", "deployments.apps", "networkpolicies.networking.k8s.io", "cronjobs.batch", "services"]);
    for name in ["pods", "nodes", "deployments.apps", "networkpolicies.networking.k8s.io", "cronjobs.batch"] {
        assert!(names(&inventory, name).is_empty());
    }
    assert_eq!(*completeness(&inventory, "services"), Completeness::NotCollected);
}

#[test]
fn a_list_with_a_continue_token_is_only_a_part() {
    let json = format!(r#"{{"apiVersion":"v1","items":[{POD}],"kind":"List","metadata":{{"continue":"x"}}}}"#);
    let yaml = b"kind: NodeList\napiVersion: v1\nmetadata: {continue: abc}\nitems: []\n";
    let inventory = read_files(&[("a.json", json.as_bytes()), ("b.yaml", yaml)], &["pods", "nodes", "services"]);
    for name in ["pods", "nodes"] {
        let (why, detail) = failure(&inventory, name);
        assert_eq!(why, Reason::IncompleteList);
        assert!(detail.contains("continue token"), "{detail}");
    }
    assert_eq!(*completeness(&inventory, "services"), Completeness::NotCollected);
}

#[test]
fn the_description_tells_what_files_cannot() {
    let description = b"collected_at: 2026-06-01T00:00:00Z\nabsent: [nodes, pods, secrets]\nnot_served: [backups.velero.io]\n";
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &[("pods.json", POD.as_bytes()), ("dump.yaml", description)]);
    let dump = Dump::open("test", folder.path()).unwrap();
    assert_eq!(dump.collected_at(), Some("2026-06-01T00:00:00Z"));
    let inventory = dump.read(&wanted(&["pods", "nodes", "services", "backups.velero.io"]), &Unwatched);
    assert!(names(&inventory, "nodes").is_empty());
    assert_eq!(*completeness(&inventory, "backups.velero.io"), Completeness::NotServed);
    assert_eq!(*completeness(&inventory, "services"), Completeness::NotCollected);
    let (_, detail) = failure(&inventory, "pods");
    assert!(detail.contains("dump.yaml says that there are none"), "{detail}");
    for (text, told) in [
        ("absnt: [pods]", "absnt"),
        ("collected_at: yesterday", "RFC 3339"),
        ("absent: [pods]\nnot_served: [pods]", "pods stands under"),
        ("absent: pods", "line 1"),
    ] {
        fs::write(folder.path().join("dump.yaml"), text).unwrap();
        let fault = Dump::open("test", folder.path()).unwrap_err();
        assert!(matches!(fault, DumpError::Description { .. }) && fault.to_string().contains(told), "{fault}");
    }
}

#[test]
fn handshakes_come_from_their_own_folder() {
    let record = br#"{"apiVersion":"proofbook.dev/tls","kind":"Endpoint","metadata":{"name":"a.example:443"},"host":"a.example","outcome":"handshake"}"#;
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &[("tls/endpoints.ndjson", record), ("pods.json", POD.as_bytes())]);
    let mut wanted = wanted(&["pods"]);
    wanted.insert(Resource::tls_endpoints(), super::projection());
    let inventory = read(folder.path(), &wanted);
    assert_eq!(inventory.objects(&Resource::tls_endpoints()).len(), 1);
    assert_eq!(inventory.targets.iter().map(|target| target.source).collect::<Vec<_>>(), [Source::Kubernetes, Source::Tls]);
    // A dump without that folder says nothing of endpoints, so that they can be read live beside it.
    fs::remove_dir_all(folder.path().join("tls")).unwrap();
    assert!(!read(folder.path(), &wanted).listings.contains_key(&Resource::tls_endpoints()));
}

#[test]
fn the_identity_is_that_of_the_content() {
    let identity = |files: &[(&str, &[u8])]| read_files(files, &["pods"]).targets.remove(0).identity;
    let first = identity(&[("a.json", POD.as_bytes()), ("b.json", b"{}")]);
    assert_eq!(identity(&[("b.json", b"{}"), ("a.json", POD.as_bytes())]), first);
    assert_ne!(identity(&[("c.json", POD.as_bytes()), ("b.json", b"{}")]), first);
    assert_ne!(identity(&[("a.json", POD.as_bytes()), ("b.json", b"{} ")]), first);
}

#[test]
fn collecting_does_not_hold_up_what_runs_beside_it() {
    let dump = Dump::open("test", &data("cluster-small")).unwrap();
    let wanted = all_wanted();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let inventory = runtime.block_on(dump.collect(&wanted, &Unwatched));
    assert_same(&inventory, &dump.read(&wanted, &Unwatched));
    assert_eq!(dump.plan(&wanted).len(), inventory.requests.len());
}
