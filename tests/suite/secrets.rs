//! Credentials are planted everywhere in a cluster where people put them, and everything that the program writes is
//! searched for them: evidence, recordings, site, documents, exports, findings, temporary files, stdout and stderr.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value as Json, json};

use crate::support::contents::{files_below, find_all, unpacked};
use crate::support::server::{Reply, Server};
use crate::support::{AT, Ran, Workspace, data, facts, read_yaml, skipped};

/// Stands in every planted credential.
const CORE: &str = "zQ7xKv9wT4mB2nR8";

/// The credentials of one cluster: each is of its own, and tells where it was planted.
#[derive(Default)]
struct Planted {
    places: Vec<String>,
}

impl Planted {
    /// A new credential for a place.
    fn at(&mut self, place: &str) -> String {
        self.places.push(place.to_owned());
        format!("{CORE}{:05}", self.places.len() - 1)
    }

    /// Plants in an object, wherever its kind has room.
    fn plant(&mut self, object: &mut Json) {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        let metadata = &mut object["metadata"];
        let applied = json!({"spec": {"password": self.at(&format!("{kind} last applied"))}}).to_string();
        metadata["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = applied.into();
        metadata["annotations"]["example.com/api-token"] = self.at(&format!("{kind} annotation")).into();
        metadata["annotations"]["cert-manager.io/issuer"] =
            format!("https://app:{}@issuer.example", self.at(&format!("{kind} public annotation"))).into();
        metadata["labels"]["example.com/key"] = format!("ghp_{}", self.at(&format!("{kind} label"))).into();
        match kind.as_str() {
            "ConfigMap" => {
                let data = &mut object["data"];
                data["app.conf"] = format!("db.password = {}\n", self.at("ConfigMap assignment")).into();
                data["blob"] = self.at("ConfigMap value").into();
                data["key.pem"] = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", self.at("ConfigMap key")).into();
                object["binaryData"] = json!({"blob": base64(self.at("ConfigMap binary").as_bytes())});
            }
            "Secret" => {
                object["data"] = json!({"password": base64(self.at("Secret data").as_bytes()), "plain": self.at("Secret data as text")});
                object["stringData"] = json!({"password": self.at("Secret stringData")});
            }
            "Service" => object["spec"]["externalName"] = format!("https://app:{}@db.example", self.at("Service externalName")).into(),
            "StorageClass" => object["parameters"]["restuserkey"] = self.at("StorageClass parameter").into(),
            "PolicyReport" => {
                let message = format!("env DATABASE_URL=postgres://app:{}@db/x is not allowed", self.at("PolicyReport message"));
                let properties = json!({"value": self.at("PolicyReport property")});
                push(&mut object["results"], json!({"policy": "p", "result": "fail", "message": message, "properties": properties}));
            }
            "ClusterPolicy" => {
                let message = format!("Bearer {}", self.at("ClusterPolicy message"));
                push(&mut object["spec"]["rules"], json!({"name": "n", "validate": {"message": message}}));
            }
            _ => {}
        }
        self.plant_in_containers(object, &kind);
    }

    fn plant_in_containers(&mut self, value: &mut Json, kind: &str) {
        match value {
            Json::Object(map) => {
                for (key, value) in map {
                    match value {
                        Json::Array(containers) if key.ends_with("ontainers") => {
                            containers
                                .iter_mut()
                                .filter(|container| container.is_object())
                                .for_each(|container| self.plant_in(container, kind));
                        }
                        value => self.plant_in_containers(value, kind),
                    }
                }
            }
            Json::Array(list) => list.iter_mut().for_each(|value| self.plant_in_containers(value, kind)),
            _ => {}
        }
    }

    fn plant_in(&mut self, container: &mut Json, kind: &str) {
        let mut at = |place: &str| self.at(&format!("{kind} container {place}"));
        push(&mut container["env"], json!({"name": "DB_PASSWORD", "value": at("environment")}));
        push(
            &mut container["env"],
            json!({"name": "DATABASE_URL", "value": format!("postgres://app:{}@db:5432/x", at("environment URL"))}),
        );
        push(&mut container["env"], json!({"name": "HARMLESS", "value": at("harmless environment")}));
        for word in [format!("--password={}", at("argument")), "--token".to_owned(), at("argument after its name")] {
            push(&mut container["args"], word.into());
        }
        if container["command"].is_array() {
            push(&mut container["command"], format!("--etcd-servers=https://app:{}@etcd:2379", at("command")).into());
        }
        let exec = json!({"exec": {"command": ["sh", "-c", format!("curl -u app:{} localhost", at("hook"))]}});
        container["lifecycle"] = json!({"postStart": exec, "preStop": exec});
        container["livenessProbe"] = exec;
        let header = json!({"name": "Authorization", "value": format!("Bearer {}", at("probe header"))});
        container["readinessProbe"] = json!({"httpGet": {"path": "/", "port": 80, "httpHeaders": [header]}});
    }

    /// Every place in `content` where a credential shows, in clear or in base64.
    fn leaks(&self, name: &str, content: Vec<u8>) -> Vec<String> {
        let forms: Vec<Vec<u8>> = std::iter::once(CORE.as_bytes().to_vec()).chain((0..3).map(inner_base64)).collect();
        let mut leaks = Vec::new();
        for (part, bytes) in unpacked(name, content) {
            for form in &forms {
                leaks.extend(find_all(&bytes, form).into_iter().map(|at| {
                    let number = bytes
                        .get(at + CORE.len()..at + CORE.len() + 5)
                        .and_then(|number| std::str::from_utf8(number).ok()?.parse::<usize>().ok());
                    let place = number.and_then(|number| self.places.get(number)).map_or("some place", String::as_str);
                    let around = String::from_utf8_lossy(&bytes[at.saturating_sub(60)..bytes.len().min(at + 40)]);
                    format!("{part}: planted in {place}: …{around}…")
                }));
            }
        }
        leaks
    }

    /// Asserts that none of it shows in what a workspace holds, nor in what was said.
    #[track_caller]
    fn show_nowhere(&self, workspace: &Workspace, said: &[Ran]) {
        let said = said.iter().flat_map(|ran| [("stdout", &ran.stdout), ("stderr", &ran.stderr)]);
        let said = said.map(|(name, text)| (name.to_owned(), text.clone().into_bytes()));
        let files = files_below(workspace.folder()).into_iter().filter(|(name, _)| !name.contains("kubeconfig"));
        let leaks: Vec<String> = files.chain(said).flat_map(|(name, content)| self.leaks(&name, content)).collect();
        assert!(leaks.is_empty(), "{} leaks, the first: {:#?}", leaks.len(), &leaks[..leaks.len().min(10)]);
    }
}

fn push(list: &mut Json, item: Json) {
    match list {
        Json::Array(items) => items.push(item),
        other => *other = json!([item]),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        for digit in 0..4 {
            text.push(if digit <= chunk.len() { char::from(DIGITS[bits >> (18 - 6 * digit) & 63]) } else { '=' });
        }
    }
    text
}

// The digits that stand for the core whatever is around it, where it begins `shift` bytes after a group of three.
fn inner_base64(shift: usize) -> Vec<u8> {
    let text = base64(&[vec![0; shift], CORE.as_bytes().to_vec()].concat());
    let whole = (shift + CORE.len()) / 3 * 4;
    text.as_bytes()[(shift * 8).div_ceil(6)..whole].to_vec()
}

/// The committed cluster with credentials in every object, as files by kind.
fn planted_cluster(planted: &mut Planted) -> Vec<(String, Json)> {
    let mut lists: Vec<(String, Json)> = Vec::new();
    for (path, bytes) in files_below(&data("cluster-small")) {
        let name = Path::new(&path).file_name().unwrap().to_str().unwrap().trim_end_matches(".gz").to_owned();
        if name.ends_with(".json") && name != "truth.json" {
            let (_, plain) = unpacked(&name, bytes).pop().unwrap();
            lists.push((name, serde_json::from_slice(&plain).unwrap()));
        }
    }
    // Two whose text a check may ask for by name: credentials beside what it looks for.
    let revealed = [
        ("prometheus", "args", format!("--storage.tsdb.retention.time=400d\n--web.password={}\n", planted.at("revealed assignment"))),
        ("loki", "loki.yaml", format!("retention_period: 2160h\ns3: s3://app:{}@eu/logs\n", planted.at("revealed URL"))),
        (
            "prometheus-line",
            "args",
            format!("--storage.tsdb.retention.time=400d --web.auth-password={}", planted.at("revealed assignment in a line")),
        ),
        ("loki-keys", "loki.yaml", format!("retention_period: 2160h\nsecret_access_key: {}\n", planted.at("revealed key"))),
        (
            "loki-flow",
            "loki.yaml",
            format!("limits: {{retention_period: 2160h}}\nredis: {{\"password\": \"{}\"}}\n", planted.at("revealed flow mapping")),
        ),
    ];
    let (_, config_maps) = lists.iter_mut().find(|(name, _)| name == "configmaps.json").unwrap();
    for (name, key, text) in revealed {
        push(
            &mut config_maps["items"],
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "monitoring"}, "data": {key: text}}),
        );
    }
    for (_, list) in &mut lists {
        list["items"].as_array_mut().unwrap().iter_mut().for_each(|object| planted.plant(object));
    }
    lists
}

/// A workspace that can publish, with a word in its facts by which the search is tested.
fn workspace(word: &str) -> Workspace {
    let truth: Json = read_yaml("truth.yaml");
    let mut settings: Map<String, Json> = truth["workspace"].as_object().unwrap().clone();
    let mut facts = facts();
    facts["product"]["name"] = word.into();
    settings.extend([("workspace".to_owned(), json!("planted")), ("facts".to_owned(), facts)]);
    settings["parameters"]["metrics_retention_days"] = 400.into();
    settings["parameters"]["log_retention_days"] = 90.into();
    Workspace::with_settings(&settings.into())
}

#[test]
fn nothing_planted_in_a_dump_is_ever_written() {
    let mut planted = Planted::default();
    let dump = tempfile::tempdir().unwrap();
    for (name, list) in planted_cluster(&mut planted) {
        std::fs::write(dump.path().join(name), list.to_string()).unwrap();
    }
    let found: usize = files_below(dump.path()).into_iter().map(|(name, content)| planted.leaks(&name, content).len()).sum();
    assert!(found >= planted.places.len() && planted.places.len() > 1000, "{found} of {}", planted.places.len());

    let word = "Quokkaplatform";
    let workspace = workspace(word);
    let mut said = vec![workspace.scan(&format!("--dump {} --at {AT} --record recorded", dump.path().display())).0];
    assert!(said[0].stderr.contains(" pass, "), "{:?}", said[0]);
    said.push(workspace.run(&format!("build --profile customer,assessor --at {AT} --out public")).ends_with(0));
    for format in ["auditor-zip", "oscal-ar", "records", "sarif"] {
        said.push(workspace.run(&format!("export --format {format} --at {AT} --out export.{format}")).ends_with(0));
    }
    said.push(workspace.run("verify").ends_with(0));
    planted.show_nowhere(&workspace, &said);
    // What was taken out is counted, and what is handed over says so.
    let bundle = workspace.folder().join(said[0].path());
    let manifest: Json = serde_json::from_slice(&std::fs::read(bundle.join("manifest.json")).unwrap()).unwrap();
    let removed = manifest["predicate"]["collection"]["redactions"]["secret"].as_u64().unwrap();
    assert!(removed > 500, "{removed}");
    let told = format!("values removed: {removed} secrets");
    let zip = unpacked("export", std::fs::read(workspace.path("export.auditor-zip")).unwrap());
    assert!(zip.iter().any(|(name, bytes)| name.ends_with("index.html") && !find_all(bytes, told.as_bytes()).is_empty()), "{told}");

    // The search sees what is published, however it is packed.
    let seen = |name: &str| {
        let files = files_below(workspace.folder()).into_iter().filter(|(path, _)| path.ends_with(name));
        let parts = files.flat_map(|(path, content)| unpacked(&path, content));
        parts.filter(|(_, bytes)| !find_all(bytes, word.as_bytes()).is_empty()).count()
    };
    assert!(seen("index.html") > 0 && seen("evidence-report.pdf") > 0 && seen("auditor-zip") > 0);
    search_documents(&workspace, word);
}

// Text in a PDF is drawn by the numbers of its glyphs, so a reader of such files has to turn it into text again.
fn search_documents(workspace: &Workspace, word: &str) {
    let documents = files_below(workspace.folder()).into_iter().filter(|(name, _)| name.ends_with(".pdf"));
    for (name, _) in documents {
        let Ok(output) = Command::new("pdftotext").args([&name, "-"]).output() else {
            skipped("the text of documents", "pdftotext is missing");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(word) && !text.contains(CORE), "{name}");
    }
}

#[test]
fn nothing_planted_in_a_live_cluster_is_ever_written() {
    let server = Server::start();
    // What is planted is counted where the answers are made.
    server.fault("/api", |_, asked, recorded| {
        let mut list: Json = serde_json::from_slice(&recorded.body).ok()?;
        let kind = list["kind"].as_str()?.strip_suffix("List")?.to_owned();
        if asked.method != "GET" || kind.is_empty() || kind.starts_with("API") {
            return None;
        }
        let mut planted = Planted::default();
        for object in list["items"].as_array_mut()? {
            object["kind"] = kind.clone().into();
            planted.plant(object);
        }
        list["items"].as_array_mut()?.iter_mut().filter_map(Json::as_object_mut).for_each(|object| drop(object.remove("kind")));
        Some(Reply::json(200, &list).with_header("content-type", "application/json"))
    });
    let workspace = workspace("Quokkaplatform");
    let kubeconfig = server.kubeconfig(workspace.folder(), "admin");
    let (ran, findings) = workspace.scan(&format!("--kubeconfig {} --record recorded", kubeconfig.display()));
    assert!(findings.iter().filter(|finding| finding.check == "secrets-not-in-env" && finding.verdict == "fail").count() > 5, "{ran:?}");
    Planted::default().show_nowhere(&workspace, &[ran]);
}

#[test]
fn credentials_of_the_way_to_a_cluster_are_never_shown() {
    let mut planted = Planted::default();
    let server = Server::start();
    let (here, nowhere) = (server.url(), "http://127.0.0.1:9".to_owned());
    let hidden = |url: &str, secret: &str| url.replace("//", &format!("//app:{secret}@"));
    let clusters = [
        json!({"server": hidden(&here, &planted.at("URL of a server"))}),
        json!({"server": hidden(&nowhere, &planted.at("URL of an unreachable server"))}),
        json!({"server": nowhere, "proxy-url": hidden(&nowhere, &planted.at("URL of a proxy"))}),
        json!({"server": nowhere, "certificate-authority-data": planted.at("authority")}),
        json!({"server": format!("no url {}", planted.at("what is no URL"))}),
    ];
    let users = [
        json!({"token": planted.at("token")}),
        json!({"username": "app", "password": planted.at("password")}),
        json!({"client-certificate-data": planted.at("certificate"), "client-key-data": planted.at("key")}),
        json!({"token": [planted.at("token that is none")]}),
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false", "args": [planted.at("plugin")], "interactiveMode": "Never"}}),
    ];
    for cluster in &clusters {
        for user in &users {
            let workspace = Workspace::new("workspace: planted");
            let config = json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "c",
                "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            });
            let path = workspace.write("kubeconfig", config.to_string());
            let (ran, findings) = workspace.scan(&format!("--kubeconfig {} --check pss-enforced", path.display()));
            assert!(ran.code >= 2, "{cluster} {user}: {ran:?}");
            assert!(findings.iter().all(|finding| finding.verdict == "error"), "{findings:?}");
            planted.show_nowhere(&workspace, &[ran]);
        }
    }
}

#[test]
fn a_broken_dump_is_told_without_its_content() {
    let mut planted = Planted::default();
    let secret = planted.at("broken file");
    let start = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}, "spec": {"containers": [{"env": [{"value": "#;
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec:\n  containers:\n  - env:\n    - value: ";
    for (name, content) in [
        ("pods.json", format!("{start}\"{secret}")),
        ("pods.json", format!("{start}{secret}")),
        ("pods.json", format!("{start}\"{secret}\" \"{secret}\": {secret}}}")),
        ("pods.json", format!("{start}\"\\u{secret}\"}}]}}]}}}}]}}")),
        ("pods.yaml", format!("{yaml}\"{secret}")),
        ("pods.yaml", format!("{yaml}*{secret}\n")),
        ("pods.yaml", format!("{yaml}{secret}\n      {secret}: [\n")),
        ("pods.yaml", format!("{yaml}!!{secret} {secret}\n")),
        ("dump.yaml", format!("collected_at: {secret}\n")),
        ("pods.json.gz", secret.clone()),
    ] {
        let workspace = Workspace::new("workspace: planted");
        let dump = tempfile::tempdir().unwrap();
        std::fs::write(dump.path().join(name), &content).unwrap();
        std::fs::write(dump.path().join("namespaces.json"), r#"{"kind": "NamespaceList", "apiVersion": "v1", "items": []}"#).unwrap();
        let (ran, findings) = workspace.scan(&format!("--dump {} --check workload-no-privileged --at {AT}", dump.path().display()));
        assert!(ran.code >= 2, "{name}: {content}: {ran:?}");
        assert!(findings.iter().all(|finding| finding.verdict == "error"), "{content}: {findings:?}");
        if name != "dump.yaml" {
            planted.show_nowhere(&workspace, &[ran]);
        }
    }
}
