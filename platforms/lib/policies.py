"""Policies at the API: Kyverno's, the built-in ones, and the webhooks that put them into effect."""

from .rbac import READ, controller, rule
from .workload import budget, container, deployment, mounts, probe, scratch, service


def engine(cluster):
    """Kyverno, in a namespace of its own."""
    cluster.namespace("kyverno", pod_security="restricted", proofbook_dev__owner="team-security")
    for name, replicas in (("kyverno-admission-controller", 3), ("kyverno-background-controller", 1)):
        path = f"mirror/{name.replace('-admission-controller', '').replace('-controller', '')}"
        deployment(cluster, name, "kyverno", [container(
            name.removeprefix("kyverno-"), cluster.image(path, "v1.17.0"), ports={"https": 9443, "metrics-port": 8000},
            probes=probe("/health/liveness", "https", "HTTPS"), cpu="100m", memory="384Mi", volumeMounts=mounts(sigstore="/.sigstore"),
        )], replicas=replicas, token=True, volumes=scratch("sigstore"))
    budget(cluster, "kyverno-admission-controller", "kyverno")
    service(cluster, "kyverno-svc", "kyverno", {"https": 443}, app="kyverno-admission-controller")
    controller(cluster, "kyverno", "kyverno-admission-controller",
               rule(["kyverno.io"], ["clusterpolicies", "policies", "policyexceptions"], READ + ["patch", "update"]),
               rule([""], ["configmaps", "namespaces"], READ),
               rule(["admissionregistration.k8s.io"], ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
                    READ + ["create", "patch", "update"]))
    controller(cluster, "kyverno", "kyverno-background-controller",
               rule(["kyverno.io"], ["clusterpolicies", "policies", "policyexceptions", "updaterequests"], READ + ["patch", "update"]),
               rule(["wgpolicyk8s.io"], ["clusterpolicyreports", "policyreports"], READ + ["create", "delete", "patch", "update"]),
               rule([""], ["namespaces", "pods"], READ))


def validate(name, message, pattern, *, kinds=None, namespaces=None):
    """A rule that refuses what does not fit a pattern."""
    resources = {"kinds": kinds or ["Pod"]} | ({"namespaces": namespaces} if namespaces else {})
    return {"match": {"any": [{"resources": resources}]}, "name": name,
            "validate": {"allowExistingViolations": False, "failureAction": "Enforce", "message": message, "pattern": pattern}}


def cluster_policies(cluster):
    def containers(pattern):
        return {"spec": {"=(initContainers)": [pattern], "containers": [pattern]}}

    policies = {
        "require-image-digest": [validate("digest", "Images are pinned by their digest.", containers({"image": "*@sha256:*"}))],
        "require-namespace-owner": [validate("owner", "A namespace names its owner.",
                                             {"metadata": {"labels": {"proofbook.dev/owner": "?*"}}}, kinds=["Namespace"])],
        "restrict-host-access": [validate("host-access", "Nothing of the node is shared, and nothing is privileged.", {"spec": {
            "=(hostIPC)": False, "=(hostNetwork)": False, "=(hostPID)": False, "=(volumes)": [{"X(hostPath)": "null"}],
            "containers": [{"=(securityContext)": {"=(privileged)": False}}]}})],
        "restrict-image-registries": [validate("registry", "Images come from the platform's registry.",
                                               containers({"image": f"{cluster.REGISTRY}/*"}))],
        "verify-platform-images": [{
            "match": {"any": [{"resources": {"kinds": ["Pod"], "namespaces": [f"{cluster.NAME}-system"]}}]},
            "name": "signed-by-the-pipeline",
            "verifyImages": [{"attestors": [{"entries": [{"keys": {"kms": f"hashivault://{cluster.NAME}-release"}}]}],
                              "failureAction": "Enforce", "imageReferences": [f"{cluster.REGISTRY}/{cluster.NAME}/*"],
                              "mutateDigest": False, "verifyDigest": True}]}],
    }
    for name, rules in policies.items():
        cluster.add("kyverno.io/v1", "ClusterPolicy", name, spec={"admission": True, "background": True, "emitWarning": False,
                "rules": rules}, status={
            "conditions": [{"lastTransitionTime": "2026-03-10T13:02:17Z", "message": "Ready", "reason": "Succeeded", "status": "True",
                            "type": "Ready"}]})


def exception(cluster, name, namespace, policies, expires, resources, created=None):
    cluster.add("kyverno.io/v2", "PolicyException", name, namespace, created=created, annotations={"proofbook.dev/expires": expires}, spec={
        "exceptions": [{"policyName": policy, "ruleNames": ["*"]} for policy in policies],
        "match": {"any": [{"resources": one} for one in resources]}})


def report(cluster, kind, name, namespace, *, failed=0, skipped=0, created=None):
    """What Kyverno's background scan says of an object by the three policies for Pods; the report is named by the object's uid."""
    owner = cluster.get(kind, name, namespace)
    uid = owner["metadata"]["uid"]
    counts = {"fail": failed, "skip": skipped, "pass": 3 - failed - skipped}
    told = [result for result, count in counts.items() for _ in range(count)]
    rules = (("require-image-digest", "digest"), ("restrict-image-registries", "registry"), ("restrict-host-access", "host-access"))
    results = [{"policy": name, "result": result, "rule": rule_name, "scored": True, "source": "kyverno"} for (name, rule_name),
               result in zip(rules, told)]
    cluster.add("wgpolicyk8s.io/v1alpha2", "PolicyReport", uid, namespace, created=created,
                labels={"app.kubernetes.io/managed-by": "kyverno"}, results=results,
                scope={"apiVersion": owner["apiVersion"], "kind": kind, "name": name, "namespace": namespace, "uid": uid},
                summary={"error": 0, "warn": 0, **counts})


def built_in(cluster):
    """ValidatingAdmissionPolicies, for what must hold while no webhook answers."""
    group = "admissionregistration.k8s.io"
    policies = {
        "deny-external-ips": ("services", [""], "!has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0",
                              "Services claim no external addresses."),
        "deny-default-namespace": ("pods", [""], 'object.metadata.namespace != "default"', "Nothing runs in the namespace default."),
    }
    for name, (resource, groups, expression, message) in policies.items():
        cluster.add(f"{group}/v1", "ValidatingAdmissionPolicy", name, spec={
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{"apiGroups": groups, "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                    "resources": [resource]}]},
            "validations": [{"expression": expression, "message": message}]})
        cluster.add(f"{group}/v1", "ValidatingAdmissionPolicyBinding", name,
                    spec={"policyName": name, "validationActions": ["Deny", "Audit"]})


def webhook(cluster, configuration, name, namespace, service_name, path, groups, resources, selector=None):
    """A webhook that refuses while nobody answers it."""
    cluster.add("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", configuration, webhooks=[{
        "admissionReviewVersions": ["v1"], "clientConfig": {"service": {"name": service_name, "namespace": namespace, "path": path,
                "port": 443}},
        "failurePolicy": "Fail", "matchPolicy": "Equivalent", "name": name, "namespaceSelector": selector or {},
        "rules": [{"apiGroups": groups, "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": resources,
                   "scope": "*"}],
        "sideEffects": "None", "timeoutSeconds": 10}])


def webhooks(cluster):
    """Those of the engine and of cert-manager."""
    # The engine leaves out itself and the control plane, so that the cluster can heal.
    own = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "kyverno"]}]}
    webhook(cluster, "kyverno-resource-validating-webhook-cfg", "validate.kyverno.svc-fail", "kyverno", "kyverno-svc", "/validate/fail",
            ["", "apps", "batch"],
            ["cronjobs", "daemonsets", "deployments", "jobs", "namespaces", "pods", "statefulsets"], own)
    webhook(cluster, "kyverno-policy-validating-webhook-cfg", "validate-policy.kyverno.svc", "kyverno", "kyverno-svc", "/policyvalidate",
            ["kyverno.io"],
            ["clusterpolicies", "policies"])
    webhook(cluster, "cert-manager-webhook", "webhook.cert-manager.io", "cert-manager", "cert-manager-webhook", "/validate",
            ["acme.cert-manager.io", "cert-manager.io"],
            ["certificaterequests", "certificates", "clusterissuers", "issuers"],
            {"matchExpressions": [{"key": "cert-manager.io/disable-validation", "operator": "NotIn", "values": ["true"]}]})
