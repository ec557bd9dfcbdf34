//! Repositories: real clones with planted violations, read by the real git; and hosting services by recorded, documented answers of
//! GitHub and GitLab, which cannot be had here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "support/library.rs"]
mod library;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use canned::{Canned, CannedServer};
use library::{Judged, assert_findings, open};
use proofbook_sources::collector::Collector;
use proofbook_sources::git::GitTarget;
use proofbook_sources::rights::Platform;
use serde_json::{Value as Json, json};

/// A token as a service would give it, put together so that no detector takes this file for a leak.
fn token() -> String {
    format!("ghp_{}", "0123456789abcdefghijklmnopqrstuvwxyzAB")
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Example").env(format!("GIT_{who}_EMAIL"), "dev@example.test");
    }
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository in a folder, with files.
struct Planted<'p> {
    path: &'p Path,
}

impl<'p> Planted<'p> {
    fn new(path: &'p Path) -> Self {
        fs::create_dir_all(path).unwrap();
        run(path, "git", &["init", "-q", "-b", "main"]);
        Self { path }
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let file = self.path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    fn commit(&self, signing: &[&str]) -> String {
        run(self.path, "git", &["add", "-A"]);
        let mut arguments = signing.to_vec();
        arguments.extend(["commit", "-q", "--allow-empty", "-m", "a change"]);
        run(self.path, "git", &arguments);
        run(self.path, "git", &["rev-parse", "HEAD"])
    }
}

fn repositories(yaml: &str, root: &Path) -> Box<dyn Collector> {
    open::<GitTarget>("git", yaml, root)
}

#[tokio::test]
async fn secrets_in_the_tree_and_in_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let clean_path = folder.path().join("clean");
    let clean = Planted::new(&clean_path);
    clean.write("src/main.rs", "fn main() {}\n").write("secrets.enc.yaml", "password: ENC[AES256_GCM,data:abc=,type:str]\n").commit(&[]);
    let leaky_path = folder.path().join("leaky");
    let leaky = Planted::new(&leaky_path);
    leaky
        .write("deploy/values.yaml", &format!("image: x\ntoken: {}\n", token()))
        .write("binary.bin", &format!("\0{}", token()))
        .commit(&[]);
    let past_path = folder.path().join("past");
    let past = Planted::new(&past_path);
    past.write(".env", &format!("TOKEN={}\n", token())).commit(&[]);
    fs::remove_file(past_path.join(".env")).unwrap();
    past.commit(&[]);
    run(folder.path(), "git", &["clone", "-q", "--depth", "1", &format!("file://{}", past_path.display()), "shallow"]);

    let yaml = "repositories:\n\
                - {name: clean, path: clean, history: true}\n\
                - {name: leaky, path: leaky}\n\
                - {name: past, path: past}\n\
                - {name: past-with-history, path: past, history: true}\n\
                - {name: shallow, path: shallow, history: true}\n";
    let collector = repositories(yaml, folder.path());
    let judged = Judged::by(&["secrets-not-in-git"], &json!({}));
    let inventory = judged.inventory(&*collector).await;
    assert_findings(
        &judged.findings(&inventory, library::now()),
        &[
            "secrets-not-in-git Repository/clean pass",
            "secrets-not-in-git Repository/leaky fail forbidden-object: 1 places look like credentials, deploy/values.yaml:2 (service-token)",
            "secrets-not-in-git Repository/past pass",
            "secrets-not-in-git Repository/past-with-history fail forbidden-object: 1 places in the history look like credentials, once in .env",
            "secrets-not-in-git Repository/shallow error incomplete-list: the clone is shallow",
        ],
    );
    assert!(!format!("{inventory:?}").contains("ghp_"), "what was found is not kept");
    assert_eq!(inventory.requests.len(), 5);
    assert_eq!(judged.planned(&*collector).len(), 5);
}

#[tokio::test]
async fn signatures_of_commits() {
    let folder = tempfile::tempdir().unwrap();
    for key in ["ours", "theirs"] {
        run(folder.path(), "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "dev@example.test", "-f", key]);
    }
    let public = fs::read_to_string(folder.path().join("ours.pub")).unwrap();
    fs::write(folder.path().join("signers"), format!("dev@example.test {public}")).unwrap();
    let key = |name: &str| format!("user.signingKey={}", folder.path().join(name).display());
    let (ours, theirs) = (key("ours"), key("theirs"));
    let by = |key: &str| ["-c", "gpg.format=ssh", "-c", key, "-c", "commit.gpgSign=true"].map(str::to_owned);
    let sign = |planted: &Planted<'_>, key: &str| planted.commit(&by(key).iter().map(String::as_str).collect::<Vec<_>>());

    let (good_path, mixed_path, strange_path) = (folder.path().join("good"), folder.path().join("mixed"), folder.path().join("strange"));
    let good = Planted::new(&good_path);
    sign(&good, &ours);
    sign(&good, &ours);
    let mixed = Planted::new(&mixed_path);
    sign(&mixed, &ours);
    mixed.commit(&[]);
    let strange = Planted::new(&strange_path);
    sign(&strange, &theirs);
    // A program that the clone's own configuration names must not run.
    let trap = folder.path().join("trap");
    fs::write(&trap, format!("#!/bin/sh\ntouch {}\n", folder.path().join("sprung").display())).unwrap();
    run(folder.path(), "chmod", &["+x", "trap"]);
    for setting in ["gpg.program", "gpg.ssh.program", "core.fsmonitor"] {
        run(&strange_path, "git", &["config", setting, trap.to_str().unwrap()]);
    }
    let yaml = "repositories:\n\
                - {name: good, path: good, signers: signers}\n\
                - {name: good-without-signers, path: good}\n\
                - {name: mixed, path: mixed, signers: signers}\n\
                - {name: strange, path: strange, signers: signers}\n";
    let found = Judged::by(&["git-signed-commits"], &json!({})).run(&*repositories(yaml, folder.path())).await;
    assert_findings(
        &found,
        &[
            "git-signed-commits Repository/good pass",
            "git-signed-commits Repository/good-without-signers error parse-error: the signature of",
            "git-signed-commits Repository/mixed fail not-as-promised: the commit",
            "git-signed-commits Repository/strange error parse-error: the signature of",
        ],
    );
    assert!(!folder.path().join("sprung").exists(), "a program of the clone was run");
}

#[tokio::test]
async fn dependencies_of_builds() {
    let folder = tempfile::tempdir().unwrap();
    let (good_path, bad_path) = (folder.path().join("good"), folder.path().join("bad"));
    let manifest = "{\"name\": \"x\", \"dependencies\": {\"a\": \"1\"}}";
    let workflow = |install: &str| format!("on: push\njobs:\n  build:\n    steps:\n    - run: {install}\n");
    let good = Planted::new(&good_path);
    good.write("package.json", manifest)
        .write("package-lock.json", "{\"packages\": {\"a\": {\"integrity\": \"sha512-x\"}}}")
        .write("Cargo.toml", "[workspace]\nmembers = [\"x\"]\n")
        .write("x/Cargo.toml", "[dependencies]\nserde = \"1\"\n")
        .write("Cargo.lock", "checksum = \"00\"\n")
        .write(".github/workflows/ci.yml", &workflow("npm ci"))
        .commit(&[]);
    let bad = Planted::new(&bad_path);
    bad.write("web/package.json", manifest)
        .write("requirements.txt", "flask==3.0\n")
        .write(".gitlab-ci.yml", &workflow("npm install"))
        .commit(&[]);
    let yaml = "repositories: [{name: good, path: good}, {name: bad, path: bad}, {name: gone, path: good, branch: release}]";
    let judged = Judged::by(&["ci-dependency-integrity"], &json!({}));
    assert_findings(
        &judged.run(&*repositories(yaml, folder.path())).await,
        &[
            "ci-dependency-integrity Repository/bad fail missing-object: web/package.json have no lock file",
            "ci-dependency-integrity Repository/gone error unreachable: git rev-parse",
            "ci-dependency-integrity Repository/good pass",
        ],
    );
    bad.write("web/package-lock.json", "{\"integrity\": 1}").commit(&[]);
    assert!(judged.run(&*repositories(yaml, folder.path())).await[0].contains("requirements.txt hold no checksums"));
    bad.write("requirements.txt", "flask==3.0 --hash=sha256:00\n").commit(&[]);
    assert!(judged.run(&*repositories(yaml, folder.path())).await[0].contains("passes the lock file by"));
}

/// A server of recorded answers, by path without query; what is not recorded is 404 as GitHub says it.
fn recorded(answers: BTreeMap<String, Canned>) -> CannedServer {
    CannedServer::answering(move |method, path, head| {
        assert_eq!(method, "GET");
        assert!(head.contains("authorization: Bearer EXAMPLE-token"), "{head}");
        let found = answers.get(path).or_else(|| answers.get(path.split('?').next().unwrap()));
        found.cloned().unwrap_or_else(|| Canned::json(404, &json!({"message": "Not Found", "status": "404"})))
    })
}

fn hosted(product: &str, url: &str, repositories_: &str, root: &Path) -> Box<dyn Collector> {
    fs::write(root.join("token"), "EXAMPLE-token").unwrap();
    let yaml = format!(
        "hosts: [{{name: hub, product: {product}, url: '{url}', access: {{token: {{file: token}}, deadline_seconds: 1}}, \
         repositories: [{repositories_}]}}]"
    );
    repositories(&yaml, root)
}

fn classic(approvals: u64, admins: bool, checks: &[&str]) -> Json {
    json!({
        "required_pull_request_reviews": {"dismiss_stale_reviews": true, "required_approving_review_count": approvals},
        "required_status_checks": {"strict": true, "contexts": checks, "checks": []},
        "enforce_admins": {"enabled": admins}, "allow_force_pushes": {"enabled": false}, "allow_deletions": {"enabled": false},
        "required_signatures": {"enabled": false},
    })
}

fn ruleset(id: u64) -> Json {
    json!([
        {"type": "pull_request", "ruleset_id": id, "parameters": {"required_approving_review_count": 1, "dismiss_stale_reviews_on_push": true}},
        {"type": "non_fast_forward", "ruleset_id": id},
        {"type": "required_status_checks", "ruleset_id": id,
         "parameters": {"required_status_checks": [{"context": "test"}, {"context": "trivy scan"}]}},
    ])
}

#[tokio::test]
async fn branches_at_github_by_recorded_answers() {
    let mut answers = BTreeMap::new();
    let mut add = |path: String, canned: Canned| {
        answers.insert(path, canned);
    };
    for repository in ["reviewed", "admins", "ruled", "open", "hidden", "secret-bypass"] {
        add(format!("/repos/own/{repository}"), Canned::json(200, &json!({"default_branch": "main"})));
        add(format!("/repos/own/{repository}/rules/branches/main"), Canned::json(200, &json!([])));
        let absent = json!({"message": "Branch not protected", "status": "404"});
        add(format!("/repos/own/{repository}/branches/main/protection"), Canned::json(404, &absent));
    }
    let protection = |repository: &str| format!("/repos/own/{repository}/branches/main/protection");
    add(protection("reviewed"), Canned::json(200, &classic(2, true, &[])));
    add(protection("admins"), Canned::json(200, &classic(2, false, &[])));
    add(protection("hidden"), Canned::json(404, &json!({"message": "Not Found", "status": "404"})));
    for (repository, id) in [("ruled", 7), ("secret-bypass", 8)] {
        add(format!("/repos/own/{repository}/rules/branches/main"), Canned::json(200, &ruleset(id)));
    }
    add("/repos/own/ruled/rulesets/7".to_owned(), Canned::json(200, &json!({"enforcement": "active", "bypass_actors": []})));
    add("/repos/own/secret-bypass/rulesets/8".to_owned(), Canned::json(200, &json!({"enforcement": "active"})));
    let server = recorded(answers);
    let folder = tempfile::tempdir().unwrap();
    let all = "own/reviewed, own/admins, own/ruled, own/open, own/hidden, own/secret-bypass, own/gone";
    let collector = hosted("github", &server.url(), all, folder.path());
    let judged = Judged::by(&["git-branch-protection"], &json!({}));
    let inventory = judged.inventory(&*collector).await;
    assert_findings(
        &judged.findings(&inventory, library::now()),
        &[
            "git-branch-protection Branch/hub/own/admins@main fail not-allowed: review may be passed by: admins",
            "git-branch-protection Branch/hub/own/gone error not-served",
            "git-branch-protection Branch/hub/own/hidden@main error not-permitted",
            "git-branch-protection Branch/hub/own/open@main fail missing-object",
            "git-branch-protection Branch/hub/own/reviewed@main pass",
            "git-branch-protection Branch/hub/own/ruled@main pass",
            "git-branch-protection Branch/hub/own/secret-bypass@main error not-permitted",
        ],
    );
    assert!(!format!("{inventory:?}").contains("EXAMPLE-token"));
    assert!(server.asked().iter().all(|head| head.contains("x-github-api-version: 2022-11-28")));
}

#[tokio::test]
async fn changes_at_github_by_recorded_answers() {
    let now = library::now();
    let day = |ago: i64| jiff::Timestamp::from_second(now.as_second() - ago * 86_400).unwrap().to_string();
    let pull = |number: u64, ago: i64, author: u64| {
        json!({
            "number": number, "merged_at": day(ago), "updated_at": day(ago), "merge_commit_sha": format!("merge{number}"),
            "head": {"sha": format!("head{number}")}, "user": {"id": author, "type": "User", "login": "EXAMPLE-person"},
        })
    };
    let commit =
        |sha: &str, parent: &str| json!({"sha": sha, "parents": [{"sha": parent}], "commit": {"author": {"email": "person@example.test"}}});
    let review = |who: u64, state: &str| json!({"user": {"id": who, "login": "EXAMPLE-person"}, "state": state});
    let passed = json!({"total_count": 2, "check_runs": [{"name": "test", "conclusion": "success"}, {"name": "trivy scan", "conclusion": "success"}]});
    let base = |direct: bool| {
        let mut answers = BTreeMap::new();
        let mut add = |path: &str, body: Json| {
            answers.insert(path.to_owned(), Canned::json(200, &body));
        };
        add("/repos/own/app", json!({"default_branch": "main"}));
        add("/repos/own/app/rules/branches/main", ruleset(7));
        add("/repos/own/app/rulesets/7", json!({"bypass_actors": []}));
        let mut closed = pull(3, 5, 1);
        closed["merged_at"] = Json::Null;
        add("/repos/own/app/pulls", json!([pull(2, 1, 1), closed, pull(1, 9, 2), pull(0, 400, 1)]));
        for number in [1, 2] {
            add(&format!("/repos/own/app/commits/head{number}/check-runs"), passed.clone());
        }
        add("/repos/own/app/pulls/1/reviews", json!([review(1, "APPROVED"), review(1, "COMMENTED")]));
        add("/repos/own/app/pulls/2/reviews", json!([review(1, "APPROVED"), review(2, "APPROVED")]));
        // The branch: a merge of number 2, a commit of a rebased request, a merge of number 1; beside it, commits of the merged branch.
        let first = if direct { "direct" } else { "merge2" };
        let mut commits = vec![commit("merge2", "rebased"), commit("side", "merge1"), commit("rebased", "merge1"), commit("merge1", "old")];
        if direct {
            commits.insert(0, commit(first, "merge2"));
        }
        add("/repos/own/app/commits", json!(commits));
        add("/repos/own/app/commits/rebased/pulls", json!([{"merged_at": day(3), "base": {"ref": "main"}}]));
        add("/repos/own/app/commits/direct/pulls", json!([]));
        answers
    };
    let folder = tempfile::tempdir().unwrap();
    let stages = json!({"ci-required-checks": {"pipeline_stages": {"test": ["*test*"], "scan": ["*trivy*"]}}});
    let judged = Judged::by(&["git-change-population", "ci-required-checks"], &stages);
    let mut answers = base(false);
    answers.insert("/repos/own/app/branches/main/protection".to_owned(), Canned::json(404, &json!({"message": "Branch not protected"})));
    let server = recorded(answers.clone());
    let inventory = judged.inventory(&*hosted("github", &server.url(), "own/app", folder.path())).await;
    assert_findings(
        &judged.findings(&inventory, library::now()),
        &["ci-required-checks Branch/hub/own/app@main pass", "git-change-population ChangeSet/hub/own/app@main pass"],
    );
    let everything = format!("{inventory:?}");
    assert!(!everything.contains("EXAMPLE-person") && !everything.contains("person@example.test"), "people are not kept");

    // An approval that was taken back, a check that failed, a commit past review.
    let mut drifted = base(true);
    drifted.insert("/repos/own/app/branches/main/protection".to_owned(), Canned::json(404, &json!({"message": "Branch not protected"})));
    let failed = json!({"total_count": 2, "check_runs": [{"name": "test", "conclusion": "failure"}, {"name": "trivy scan", "conclusion": "success"}]});
    drifted.insert("/repos/own/app/commits/head2/check-runs".to_owned(), Canned::json(200, &failed));
    let server = recorded(drifted.clone());
    let found = judged.run(&*hosted("github", &server.url(), "own/app", folder.path())).await;
    assert_findings(
        &found,
        &[
            "ci-required-checks Branch/hub/own/app@main fail not-as-promised: change 2 was merged without",
            "git-change-population ChangeSet/hub/own/app@main fail forbidden-object: 1 commits came past any pull request",
        ],
    );
    let mut unreviewed = answers.clone();
    let taken_back = json!([review(2, "APPROVED"), review(2, "CHANGES_REQUESTED"), review(1, "APPROVED")]);
    unreviewed.insert("/repos/own/app/pulls/2/reviews".to_owned(), Canned::json(200, &taken_back));
    let server = recorded(unreviewed);
    let found = judged.run(&*hosted("github", &server.url(), "own/app", folder.path())).await;
    assert!(
        found[1].starts_with("git-change-population ChangeSet/hub/own/app@main fail below-min: 1 of 2 changes lack approvals, number 2")
    );

    let limit = Canned::Answer(403, vec![("x-ratelimit-remaining", "0".to_owned())], b"{\"message\":\"API rate limit exceeded\"}".to_vec());
    for (canned, reason) in [
        (Canned::json(401, &json!({"message": "Bad credentials"})), "not-permitted"),
        (Canned::json(403, &json!({"message": "Resource not accessible by personal access token"})), "not-permitted"),
        (limit, "throttled"),
        (Canned::text(500, ""), "unreachable"),
        (Canned::text(200, "<html>"), "parse-error"),
        (Canned::json(200, &json!({"message": "odd"})), "parse-error"),
        (Canned::HangUp, "unreachable"),
        (Canned::Silence, "timeout"),
    ] {
        let mut refusing = answers.clone();
        refusing.insert("/repos/own/app/pulls".to_owned(), canned);
        let server = recorded(refusing);
        let judged = Judged::by(&["git-change-population"], &json!({}));
        let found = judged.run(&*hosted("github", &server.url(), "own/app", folder.path())).await;
        assert_findings(&found, &[&format!("git-change-population ChangeSet/hub/own/app@main error {reason}")]);
    }
}

/// What GitHub answers to a path of a repository whose one change was reviewed and checked, and the permission that the answer takes.
fn reviewed(path: &str, at: &str) -> (&'static str, Json) {
    let user = |id: u64| json!({"id": id, "type": "User"});
    match path {
        "" => ("metadata:read", json!({"default_branch": "main"})),
        "/rules/branches/main" => ("metadata:read", ruleset(7)),
        "/rulesets/7" => ("administration:read", json!({"bypass_actors": []})),
        "/branches/main/protection" => ("administration:read", classic(2, true, &["test"])),
        "/pulls" => {
            let pull = json!({"number": 1, "merged_at": at, "updated_at": at, "merge_commit_sha": "merge", "head": {"sha": "head"}, "user": user(1)});
            ("pull_requests:read", json!([pull]))
        }
        "/pulls/1/reviews" => ("pull_requests:read", json!([{"user": user(2), "state": "APPROVED"}])),
        "/commits" => ("contents:read", json!([{"sha": "merge", "parents": [{"sha": "old"}]}])),
        "/commits/head/check-runs" => {
            let passed = ["test", "trivy scan"].map(|name| json!({"name": name, "conclusion": "success"}));
            ("checks:read", json!({"total_count": 2, "check_runs": passed}))
        }
        other => panic!("{other} was not foreseen"),
    }
}

#[tokio::test]
async fn without_any_one_permission_of_github_exactly_the_checks_that_need_it_are_errors() {
    const CHECKS: [&str; 3] = ["ci-required-checks", "git-branch-protection", "git-change-population"];
    let refused = Arc::new(Mutex::new(String::new()));
    let at_server = Arc::clone(&refused);
    let yesterday = jiff::Timestamp::from_second(library::now().as_second() - 86_400).unwrap().to_string();
    let server = CannedServer::answering(move |_, path, _| {
        let plain = path.split('?').next().unwrap().strip_prefix("/repos/own/app").unwrap();
        let (permission, answer) = reviewed(plain, &yesterday);
        let lacks = *at_server.lock().unwrap() == permission;
        if lacks { Canned::json(403, &json!({"message": "Resource not accessible"})) } else { Canned::json(200, &answer) }
    });
    let folder = tempfile::tempdir().unwrap();
    let collector = hosted("github", &server.url(), "own/app", folder.path());
    let stages = json!({"ci-required-checks": {"pipeline_stages": {"test": ["*test*"], "scan": ["*trivy*"]}}});
    let judged = Judged::by(&CHECKS, &stages);
    let rights: Vec<String> = Platform::Github.rights(&judged.wanted()).into_iter().map(|right| right.name).collect();
    assert_eq!(rights.len(), 5, "{rights:?}");
    for right in rights.iter().map(String::as_str).chain([""]) {
        right.clone_into(&mut refused.lock().unwrap());
        let needs = |check: &&str| {
            let of_check = Judged::by(&[check], &json!({})).wanted();
            Platform::Github.rights(&of_check).iter().any(|needed| needed.name == right)
        };
        let (need, others): (BTreeSet<&str>, BTreeSet<&str>) = CHECKS.into_iter().partition(needs);
        assert_eq!(need.is_empty(), right.is_empty());
        let lines = judged.run(&*collector).await;
        let of = |verdict: &str| -> BTreeSet<&str> {
            lines.iter().filter(|line| line.contains(verdict)).map(|line| line.split(' ').next().unwrap()).collect()
        };
        assert_eq!((of(" error not-permitted"), of(" pass")), (need, others), "without {right}: {lines:#?}");
    }
}

#[tokio::test]
async fn branches_at_gitlab_by_recorded_answers() {
    let mut answers = BTreeMap::new();
    for (project, level, author) in [("good", 0, false), ("pushed", 40, false), ("self", 0, true), ("free", 0, false), ("open", 0, false)] {
        let at = format!("/api/v4/projects/group%2Fsub%2F{project}");
        let mut add = |path: &str, body: Json| answers.insert(format!("{at}{path}"), Canned::json(200, &body));
        add("", json!({"default_branch": "main", "only_allow_merge_if_pipeline_succeeds": true}));
        if project == "open" {
            continue;
        }
        let protection = json!({"name": "main", "push_access_levels": [{"access_level": level}], "merge_access_levels": [{"access_level": 40}], "allow_force_push": false});
        add("/protected_branches/main", protection);
        if project != "free" {
            add("/approval_rules", json!([{"approvals_required": 1, "protected_branches": []}]));
            add("/approvals", json!({"reset_approvals_on_push": true, "merge_requests_author_approval": author}));
        }
    }
    let server = recorded(answers);
    let folder = tempfile::tempdir().unwrap();
    let all = "group/sub/good, group/sub/pushed, group/sub/self, group/sub/free, group/sub/open";
    let found = Judged::by(&["git-branch-protection"], &json!({})).run(&*hosted("gitlab", &server.url(), all, folder.path())).await;
    assert_findings(
        &found,
        &[
            "git-branch-protection Branch/hub/group/sub/free@main error not-served",
            "git-branch-protection Branch/hub/group/sub/good@main pass",
            "git-branch-protection Branch/hub/group/sub/open@main fail missing-object",
            "git-branch-protection Branch/hub/group/sub/pushed@main fail not-allowed: review may be passed by: maintainers",
            "git-branch-protection Branch/hub/group/sub/self@main fail not-allowed: review may be passed by: authors",
        ],
    );
}
