"""Customers of Enclii: kornblume (a shop for plants), atelier (a studio's sites) and werft9 (a shipyard, on the Enterprise plan)."""

from lib.backups import schedule
from lib.certificates import certificate
from lib.network import allow_dns, allow_within, default_deny, policy
from lib.policies import report
from lib.rbac import binding, group
from lib.system import external_secret
from lib.workload import budget, command_probe, container, deployment, mounts, scratch, service, stateful_set

from .services import AMBIENT


def build(cluster):
    space(cluster, "kornblume", "2026-04-09", ["shop", "api"])
    space(cluster, "atelier", "2026-06-22", ["site"])
    space(cluster, "werft9", "2026-08-03", ["portal", "docks"])


def space(cluster, tenant, born, programs):
    """A customer's namespace, with its programs, its database, its roles and its daily backup."""
    name = f"{tenant}-prod"
    cluster.namespace(name, born=born, pod_security="restricted", env="production", enclii_example__edge="public",
                      proofbook_dev__owner=f"{tenant}-team", proofbook_dev__tenant=tenant, **AMBIENT)
    cluster.add("v1", "ResourceQuota", "tenant", name, spec={"hard": {
        "limits.memory": "32Gi", "pods": "30", "requests.cpu": "8", "requests.memory": "24Gi", "requests.storage": "200Gi",
        "services.nodeports": "0"}})
    cluster.add("v1", "LimitRange", "defaults", name, spec={"limits": [{
        "default": {"memory": "256Mi"}, "defaultRequest": {"cpu": "50m", "memory": "128Mi"}, "type": "Container"}]})
    for who in ("viewer", "developer", "admin", "owner"):
        binding(cluster, f"{who}s", name, f"enclii:{who}", group(f"oidc:{tenant}-{who}s"), kind="ClusterRole")
    default_deny(cluster, name)
    allow_dns(cluster, name)
    allow_within(cluster, name)
    policy(cluster, "allow-edge", name, {}, ingress=[
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}], "ports": [{"port": 8080}]}])
    cluster.add("security.istio.io/v1", "AuthorizationPolicy", "allow-own", name, spec={"action": "ALLOW", "rules": [
        {"from": [{"source": {"namespaces": [name, "edge"]}}]}]})
    schedule(cluster, f"{tenant}-daily", [name], "0 1 * * *", location_name="r2")
    external_secret(cluster, "app", name, tenant, f"lockbox-{tenant}", "session_key")
    external_secret(cluster, "postgres", name, tenant, f"lockbox-{tenant}", "password")
    for program in programs:
        deployment(cluster, program, name, [container(
            program, cluster.image(f"{tenant}/{program}", "46.2"), ports={"http": 8080}, memory="256Mi", volumeMounts=mounts(tmp="/tmp"),
            env=[{"name": "DB_HOST", "value": "postgres"},
                 {"name": "SESSION_KEY", "valueFrom": {"secretKeyRef": {"key": "session_key", "name": "app"}}}])],
            replicas=2, volumes=scratch("tmp"))
        budget(cluster, program, name)
        service(cluster, program, name, {"http": 8080})
        report(cluster, "Deployment", program, name)
        host = f"{program}.{tenant}.example"
        cluster.add("networking.k8s.io/v1", "Ingress", program, name, spec={
            "ingressClassName": "traefik", "rules": [{"host": host, "http": {"paths": [
                {"backend": {"service": {"name": program, "port": {"number": 8080}}}, "path": "/", "pathType": "Prefix"}]}}],
            "tls": [{"hosts": [host], "secretName": f"{program}-tls"}]})
        certificate(cluster, f"{program}-tls", name, [host], "public-acme")
    stateful_set(cluster, "postgres", name, [container(
        "postgres", cluster.image("enclii/postgres", "18.1-2"), ports={"postgres": 5432}, cpu="500m", memory="1Gi",
        probes=command_probe("pg_isready", "-h", "127.0.0.1"), volumeMounts=mounts(data="/var/lib/postgresql", run="/var/run/postgresql",
        tmp="/tmp", password="/etc/postgres-secret"))],
        replicas=2, storage="40Gi", volumes=[{"name": "password", "secret": {"secretName": "postgres"}}, *scratch("run", "tmp")])
    budget(cluster, "postgres", name)
    service(cluster, "postgres", name, {"postgres": 5432})
    report(cluster, "StatefulSet", "postgres", name)
