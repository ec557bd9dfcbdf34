"""The platform of one customer: the mesh with its edge, login, the services that take documents apart, jobs and telemetry."""

from lib import certificates, policies
from lib.backups import location, schedule, velero
from lib.monitoring import monitoring
from lib.network import allow_dns, allow_within, default_deny, policy
from lib.policies import report
from lib.rbac import READ, WRITE, binding, bootstrapped, cluster_binding, cluster_role, controller, group, rule, service_account
from lib.workload import (account, budget, command_probe, container, deployment, labels_of, mounts, probe, scaler, scratch,
                          service, stateful_set, template)

CUSTOMER = "bluefin"
ROLE = "arn:aws:iam::100000000000:role"
SPACES = {"etl-api": {"api": "unstructured/api", "ingest": "unstructured/ingest"},
          "etl-workers": {"partition": "unstructured/partition", "embed": "unstructured/embed"},
          "console": {"web": "unstructured/console"}, "keycloak": {"keycloak": "unstructured/keycloak"}}


def build(cluster):
    bootstrapped(cluster)
    roles(cluster)
    mesh(cluster)
    certificates.manager(cluster, "https://acme.ca.example/directory", solver={"dns01": {"route53": {"region": "us-east-1"}}})
    certificates.certificate(cluster, "public-tls", "istio-ingress", ["app.unstructured.example", "api.unstructured.example",
                                                                      "login.unstructured.example"], "public-acme")
    admission(cluster)
    for namespace, programs in SPACES.items():
        space(cluster, namespace, programs)
    database(cluster)
    platform(cluster)
    for number, begun in ((4411, "2026-11-20T01:12:09Z"), (4412, "2026-11-20T02:31:44Z")):
        job(cluster, number, begun)
    telemetry(cluster)
    backups(cluster)


def roles(cluster):
    """The roles of the documentation, as groups of the identity provider hold them in the cluster."""
    cluster_role(cluster, "unstructured:super-admin", rule([""], ["configmaps", "events", "namespaces", "nodes", "pods", "pods/log",
                                                                 "services"], READ),
                 rule(["apps"], ["daemonsets", "deployments", "statefulsets"], READ + ["patch"]), rule(["batch"], ["jobs"], WRITE))
    cluster_role(cluster, "unstructured:developer", rule([""], ["configmaps", "events", "pods", "pods/log", "services"], READ),
                 rule(["apps"], ["deployments"], READ), rule(["batch"], ["jobs"], READ + ["create"]))
    cluster_role(cluster, "unstructured:billing", rule([""], ["namespaces", "resourcequotas"], READ))
    cluster_binding(cluster, "unstructured:super-admins", "unstructured:super-admin", group("oidc:unstructured-super-admins"))
    cluster_binding(cluster, "unstructured:billing", "unstructured:billing", group("oidc:unstructured-billing"))


def mesh(cluster):
    """Istio with sidecars: nothing speaks plain within the mesh, and what leaves it speaks TLS."""
    cluster.namespace("istio-system", proofbook_dev__owner="team-platform")
    deployment(cluster, "istiod", "istio-system", [container(
        "discovery", cluster.image("mirror/pilot", "1.29.1"), ports={"grpc": 15010, "http": 8080}, probes=probe("/ready", "http"),
        memory="1Gi", volumeMounts=mounts(tmp="/tmp"))], replicas=2, token=True, volumes=scratch("tmp"))
    budget(cluster, "istiod", "istio-system")
    controller(cluster, "istio-system", "istiod", rule([""], ["endpoints", "namespaces", "nodes", "pods", "services"], READ),
               rule(["networking.istio.io", "security.istio.io"],
                    ["authorizationpolicies", "destinationrules", "gateways", "peerauthentications",
                                                                   "serviceentries", "virtualservices"], READ))
    cluster.add("security.istio.io/v1", "PeerAuthentication", "default", "istio-system", spec={"mtls": {"mode": "STRICT"}})
    cluster.namespace("istio-ingress", pod_security="restricted", env="production", proofbook_dev__owner="team-platform")
    deployment(cluster, "ingressgateway", "istio-ingress", [container(
        "istio-proxy", cluster.image("mirror/proxyv2", "1.29.1"), ports={"https": 8443, "status": 15021},
        probes=probe("/healthz/ready", "status"), memory="512Mi", volumeMounts=mounts(tmp="/tmp"))], replicas=3, volumes=scratch("tmp"))
    budget(cluster, "ingressgateway", "istio-ingress")
    scaler(cluster, "ingressgateway", "istio-ingress", 3, 9)
    service(cluster, "ingressgateway", "istio-ingress", {"https": 443}, type="LoadBalancer")
    cluster.add("networking.istio.io/v1", "Gateway", "public", "istio-ingress", spec={
        "selector": {"app.kubernetes.io/name": "ingressgateway"}, "servers": [
            {"hosts": ["*.unstructured.example"], "port": {"name": "https", "number": 443, "protocol": "HTTPS"},
             "tls": {"credentialName": "public-tls", "minProtocolVersion": "TLSV1_2", "mode": "SIMPLE"}}]})
    default_deny(cluster, "istio-ingress")
    allow_dns(cluster, "istio-ingress")
    policy(cluster, "allow-gateway", "istio-ingress", labels_of("ingressgateway"), ingress=[{"ports": [{"port": 8443}]}],
           egress=[{"to": [{"namespaceSelector": {"matchLabels": {"proofbook.dev/tenant": CUSTOMER}}}]}])
    for name, host in (("secrets-manager", "secretsmanager.us-east-1.cloud.example"), ("documents", "documents.s3.us-east-1.cloud.example"),
                       ("models", "models.unstructured.example")):
        cluster.add("networking.istio.io/v1", "ServiceEntry", name, "istio-system", spec={
            "hosts": [host], "location": "MESH_EXTERNAL", "ports": [{"name": "https", "number": 443, "protocol": "HTTPS"}],
            "resolution": "DNS"})
    cluster.add("networking.istio.io/v1", "DestinationRule", "services", "istio-system",
                spec={"host": "*.svc.cluster.local", "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}})
    cluster.add("networking.istio.io/v1", "Sidecar", "default", "istio-system", spec={
        "egress": [{"hosts": ["./*", "istio-system/*"]}], "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}})


def admission(cluster):
    policies.engine(cluster)
    policies.cluster_policies(cluster)
    policies.exception(cluster, "node-agents", "kyverno", ["restrict-host-access"], "2027-03-31", [
        {"kinds": ["DaemonSet", "Pod"], "names": ["alloy*", "aws-node*", "csi-*", "ebs-*", "falco*", "node-agent*", "secrets-provider-*"],
         "namespaces": ["kube-system", "monitoring", "velero"]}])
    policies.built_in(cluster)
    policies.webhooks(cluster)


def space(cluster, name, programs, created=None, **labels):
    """A namespace of the platform: in the mesh, closed, with secrets that are mounted from the cloud's store."""
    born = created or "2026-04-14"
    cluster.namespace(name, born=born, pod_security="restricted", env="production", proofbook_dev__owner="team-etl",
                      proofbook_dev__tenant=CUSTOMER, **{"istio-injection": "enabled"}, **labels)
    cluster.add("v1", "ResourceQuota", "tenant", name, spec={"hard": {
        "limits.memory": "96Gi", "pods": "60", "requests.cpu": "24", "requests.memory": "64Gi", "services.nodeports": "0"}})
    cluster.add("v1", "LimitRange", "defaults", name, spec={"limits": [{
        "default": {"memory": "512Mi"}, "defaultRequest": {"cpu": "100m", "memory": "256Mi"}, "type": "Container"}]})
    default_deny(cluster, name)
    allow_dns(cluster, name)
    allow_within(cluster, name)
    policy(cluster, "allow-mesh", name, {},
           ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"proofbook.dev/tenant": CUSTOMER}}},
                              {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-ingress"}}}]}],
           egress=[{"to": [{"namespaceSelector": {"matchLabels": {"proofbook.dev/tenant": CUSTOMER}}},
                           {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}}}]},
                   {"ports": [{"port": 443, "protocol": "TCP"}], "to": [{"ipBlock": {"cidr": "10.60.128.0/20"}}]}])
    cluster.add("security.istio.io/v1", "AuthorizationPolicy", "allow-platform", name, spec={"action": "ALLOW", "rules": [
        {"from": [{"source": {"namespaces": ["istio-ingress", *SPACES]}}]}]})
    for program, path in programs.items():
        secret_class(cluster, program, name)
        workload(cluster, program, name, path)


def secret_class(cluster, program, namespace):
    cluster.add("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", program, namespace, spec={
        "parameters": {"objects": f'- objectName: "{CUSTOMER}/{program}"\n  objectType: "secretsmanager"\n'}, "provider": "aws"})


def identity(cluster, program, namespace):
    """Lets an account stand for the role of the cloud that may read this program's secrets, and no others."""
    cluster.get("ServiceAccount", program, namespace)["metadata"]["annotations"] = {
        "eks.amazonaws.com/role-arn": f"{ROLE}/{CUSTOMER}-{program}"}


def mounted(program):
    return {"csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": True, "volumeAttributes": {"secretProviderClass": program}},
            "name": "secrets"}


def workload(cluster, program, namespace, path):
    deployment(cluster, program, namespace, [container(
        program, cluster.image(path, "2026.11.3"), ports={"http": 8080}, memory="1Gi",
        volumeMounts=mounts(secrets="/mnt/secrets", tmp="/tmp"),
        env=[{"name": "SECRETS_DIR", "value": "/mnt/secrets"}])],
        replicas=3, volumes=[mounted(program), *scratch("tmp")])
    identity(cluster, program, namespace)
    budget(cluster, program, namespace)
    service(cluster, program, namespace, {"http": 8080})
    scaler(cluster, program, namespace, 3, 12)
    report(cluster, "Deployment", program, namespace)


def database(cluster):
    """The database of the login."""
    secret_class(cluster, "postgres", "keycloak")
    stateful_set(cluster, "postgres", "keycloak", [container(
        "postgres", cluster.image("unstructured/postgres", "18.1-1"), ports={"postgres": 5432}, cpu="500m", memory="2Gi",
        probes=command_probe("pg_isready", "-h", "127.0.0.1"),
        volumeMounts=mounts(data="/var/lib/postgresql", run="/var/run/postgresql", tmp="/tmp", secrets="/mnt/secrets"))],
        replicas=2, storage="50Gi", volumes=[mounted("postgres"), *scratch("run", "tmp")])
    identity(cluster, "postgres", "keycloak")
    budget(cluster, "postgres", "keycloak")
    service(cluster, "postgres", "keycloak", {"postgres": 5432})
    report(cluster, "StatefulSet", "postgres", "keycloak")


def platform(cluster):
    """Who reads the evidence, and who may develop."""
    cluster.namespace("unstructured-system", pod_security="restricted", env="production", proofbook_dev__owner="team-platform")
    account(cluster, "proofbook", "unstructured-system")
    controller(cluster, "unstructured-system", "proofbook",
               rule([""], ["configmaps", "namespaces", "nodes", "pods", "serviceaccounts", "services"], ["list"]),
               rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], ["list"]),
               rule(["networking.k8s.io"], ["networkpolicies"], ["list"]))
    default_deny(cluster, "unstructured-system")
    for namespace in SPACES:
        binding(cluster, "developers", namespace, "unstructured:developer", group(f"oidc:{CUSTOMER}-developers"), kind="ClusterRole")
    deployment(cluster, "jobs", "unstructured-system", [container(
        "jobs", cluster.image("unstructured/job-controller", "2026.11.1"), ports={"http": 8080}, volumeMounts=mounts(tmp="/tmp"))],
        replicas=2, token=True, volumes=scratch("tmp"))
    budget(cluster, "jobs", "unstructured-system")
    cluster_role(cluster, "unstructured:jobs", rule([""], ["namespaces"], READ + ["create", "delete"]),
                 rule(["batch"], ["jobs"], WRITE), rule(["networking.k8s.io"], ["networkpolicies"], READ + ["create"]))
    cluster_binding(cluster, "unstructured:jobs", "unstructured:jobs", service_account("unstructured-system", "jobs"))


def job(cluster, number, begun):
    """A workflow's job in the namespace that was made for it and ends with it."""
    name = f"job-{number}"
    space(cluster, name, {}, created=begun, **{"workflow-job": str(number)})
    account(cluster, "run", name)
    labels = {"app.kubernetes.io/name": "run", "workflow-job": str(number)}
    pod = template(labels, [container(
        "run", cluster.image("unstructured/partition", "2026.11.3"), probes={}, memory="4Gi", cpu="1", volumeMounts=mounts(tmp="/tmp"))],
        account="run", volumes=scratch("tmp"))
    pod["spec"]["restartPolicy"] = "Never"
    made = cluster.add("batch/v1", "Job", "run", name, labels=labels, created=begun.replace("Z", "").rsplit(":", 1)[0] + ":58Z", spec={
        "backoffLimit": 1, "selector": {"matchLabels": labels}, "template": pod, "ttlSecondsAfterFinished": 600}, status={"active": 1})
    cluster.running_jobs.append(made)


def telemetry(cluster):
    """Metrics and traces go through a collector of OpenTelemetry; logs are what containers write to their streams."""
    monitoring(cluster, bucket="unstructured-logs", endpoint="s3.us-east-1.cloud.example", region="us-east-1", log_hours=2160,
               metrics_days=90)
    cluster.add("opentelemetry.io/v1beta1", "OpenTelemetryCollector", "gateway", "monitoring", spec={"mode": "deployment", "config": {
        "exporters": {"otlphttp": {"endpoint": "https://otlp.customer.example"}, "prometheusremotewrite": {
            "endpoint": "http://prometheus:9090/api/v1/write"}},
        "processors": {"batch": {}}, "receivers": {"otlp": {"protocols": {"grpc": {}}}},
        "service": {"pipelines": {
            "metrics": {"exporters": ["prometheusremotewrite", "otlphttp"], "processors": ["batch"], "receivers": ["otlp"]},
            "traces": {"exporters": ["otlphttp"], "processors": ["batch"], "receivers": ["otlp"]}}}}})
    deployment(cluster, "gateway-collector", "monitoring", [container(
        "otc-container", cluster.image("mirror/opentelemetry-collector", "0.140.0"), ports={"otlp": 4317, "health": 13133},
        probes=probe("/", "health"), memory="512Mi")], replicas=2)
    budget(cluster, "gateway-collector", "monitoring")


def backups(cluster):
    """Velero with an identity of the cloud, into a bucket that is copied to another region."""
    velero(cluster, [{"name": "AWS_REGION", "value": "us-east-1"}])
    cluster.get("ServiceAccount", "velero", "velero")["metadata"]["annotations"] = {"eks.amazonaws.com/role-arn": f"{ROLE}/velero"}
    location(cluster, "primary", "unstructured-backups", "us-east-1", "https://s3.us-east-1.cloud.example", default=True,
             serverSideEncryption="AES256")
    schedule(cluster, "platform-daily", [*SPACES, "monitoring", "unstructured-system"], "0 1 * * *")
    cluster.add("velero.io/v1", "Restore", "trial-2026-10", "velero", created="2026-10-08T09:02:11Z", spec={
        "backupName": "platform-daily-202610080100004", "includedNamespaces": ["keycloak"],
        "namespaceMapping": {"keycloak": "restore-trial"},
    }, status={"completionTimestamp": "2026-10-08T09:31:20Z", "phase": "Completed", "progress": {"itemsRestored": 204, "totalItems": 204},
               "startTimestamp": "2026-10-08T09:02:11Z"})
