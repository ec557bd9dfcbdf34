"""An API server of Kubernetes that lists many Pods in pages, for benches/live-lists.sh. Reads nothing, keeps nothing."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

COUNT = int(sys.argv[2])


def pod(number):
    name = f"shop-{number:06d}"
    return {
        "metadata": {
            "name": name, "namespace": f"tenant-{number % 200}", "uid": f"00000000-0000-4000-8000-{number:012d}", "resourceVersion": "1000",
            "creationTimestamp": "2026-11-01T00:00:00Z", "labels": {"app.kubernetes.io/name": "shop", "pod-template-hash": f"{number:08x}"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop", "uid": "u", "controller": True}],
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                               "fieldsV1": {f"f:field{index}": {".": {}, "f:value": {}} for index in range(24)}}],
        },
        "spec": {
            "serviceAccountName": "shop", "nodeName": f"node-{number % 300}", "restartPolicy": "Always",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": container, "image": f"registry.example/{container}@sha256:{number:064x}",
                "env": [{"name": f"SETTING_{index}", "value": "value"} for index in range(8)],
                "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            } for container in ("web", "log-shipper")],
        },
        "status": {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": kind, "status": "True"} for kind in ("Ready", "Initialized")]},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path == "/version":
            return self.answer({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})
        if url.path == "/api":
            return self.answer({"kind": "APIVersions", "versions": ["v1"]})
        if url.path == "/apis":
            return self.answer({"kind": "APIGroupList", "groups": []})
        if url.path == "/api/v1":
            kinds = [("pods", "Pod"), ("namespaces", "Namespace"), ("serviceaccounts", "ServiceAccount")]
            resources = [{"name": name, "kind": kind, "namespaced": name != "namespaces", "singularName": "", "verbs": ["get", "list"]}
                         for name, kind in kinds]
            return self.answer({"kind": "APIResourceList", "groupVersion": "v1", "resources": resources})
        if url.path == "/api/v1/namespaces/kube-system":
            return self.answer({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": "cluster"}})
        if url.path == "/api/v1/pods":
            start, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", [str(COUNT)])[0])
            return self.answer(page(start, limit))
        if url.path.startswith("/api/v1/"):
            kind = {"/api/v1/namespaces": "NamespaceList"}.get(url.path, "ServiceAccountList")
            return self.answer({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1000"}, "items": []})
        return self.answer({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"}, 404)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.split("?")[0].endswith("/selfsubjectreviews"):
            return self.answer({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                                "status": {"userInfo": {"username": "bench"}}}, 201)
        if self.path.split("?")[0].endswith("/selfsubjectaccessreviews"):
            return self.answer({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": {"allowed": True}}, 201)
        return self.answer({"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1",
                            "status": {"resourceRules": [{"verbs": ["list", "get"], "apiGroups": ["*"], "resources": ["*"]}],
                                       "nonResourceRules": [], "incomplete": False}}, 201)

    def log_message(self, *_):
        pass


PAGES = {}


def page(start, limit):
    if (start, limit) not in PAGES:
        items = [pod(number) for number in range(start, min(start + limit, COUNT))]
        rest = COUNT - start - len(items)
        metadata = {"resourceVersion": "1000"} | ({"continue": str(start + limit), "remainingItemCount": rest} if rest else {})
        PAGES[start, limit] = json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}).encode()
    return PAGES[start, limit]


# Pages are made before anybody asks, in the size that the client asks for.
for start in range(0, COUNT, 500):
    page(start, 500)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
