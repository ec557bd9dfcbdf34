"""The tenants: hansekontor (a shop, with staging), nordwind (readings of wind turbines) and fleetwerk (tracking of lorries)."""

from lib import system
from lib.backups import location, schedule
from lib.certificates import certificate
from lib.network import allow_dns, allow_within, default_deny, policy
from lib.policies import report
from lib.rbac import binding, group
from lib.workload import budget, command_probe, container, deployment, mounts, scaler, scratch, service, stateful_set


def build(cluster):
    hansekontor(cluster)
    nordwind(cluster)
    fleetwerk(cluster)


def space(cluster, tenant, env, born, pods="40"):
    """A tenant's namespace as the platform hands it over."""
    name = f"{tenant}-{'prod' if env == 'production' else env}"
    cluster.namespace(name, born=born, pod_security="restricted", env=env, eidp_example__edge="public",
                      proofbook_dev__owner=f"{tenant}-team",
                      proofbook_dev__tenant=tenant)
    cluster.add("v1", "ResourceQuota", "tenant", name, spec={"hard": {
        "limits.memory": "64Gi", "pods": pods, "requests.cpu": "16", "requests.memory": "48Gi", "requests.storage": "500Gi",
        "services.nodeports": "2"}})
    cluster.add("v1", "LimitRange", "defaults", name, spec={"limits": [{
        "default": {"memory": "256Mi"}, "defaultRequest": {"cpu": "50m", "memory": "128Mi"}, "type": "Container"}]})
    binding(cluster, "tenant-developers", name, "eidp:tenant-developer", group(f"oidc:{tenant}-developers"), kind="ClusterRole")
    binding(cluster, "tenant-viewers", name, "view", group(f"oidc:{tenant}-viewers"), kind="ClusterRole")
    default_deny(cluster, name)
    allow_dns(cluster, name)
    allow_within(cluster, name)
    policy(cluster, "allow-edge", name, {}, ingress=[
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}], "ports": [{"port": 8080}]}])
    if env == "production":
        policy(cluster, "allow-https-out", name, {}, egress=[{"ports": [{"port": 443, "protocol": "TCP"}], "to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]}}]}])
        # Backups of a tenant lie in a bucket of its own, under a key of its own.
        location(cluster, tenant, f"eidp-backups-{tenant}", "eu-west-1", "https://objects.eu-west-1.waterland.example",
                 kmsKeyId=f"vault-transit-{tenant}")
        schedule(cluster, f"{tenant}-daily", [name], "0 1 * * *", location_name=tenant)
    else:
        schedule(cluster, f"{tenant}-{env}-daily", [name], "30 2 * * *", ttl="336h0m0s")
    return name


def program(cluster, name, namespace, path, tag, *, replicas, env=(), memory="256Mi", created=None):
    """A stateless program with its Service, its budget and what the policy engine said of it."""
    deployment(cluster, name, namespace, [container(
        name, cluster.image(path, tag), ports={"http": 8080}, memory=memory, volumeMounts=mounts(tmp="/tmp"), env=list(env))],
        replicas=replicas, created=created, volumes=scratch("tmp"))
    service(cluster, name, namespace, {"http": 8080}, created=created)
    if replicas > 1:
        budget(cluster, name, namespace, created)
    report(cluster, "Deployment", name, namespace)


def postgres(cluster, namespace, replicas, storage):
    """PostgreSQL as the platform's managed service runs it, with its password from Vault."""
    external_secret(cluster, "postgres", namespace, "password")
    stateful_set(cluster, "postgres", namespace, [container(
        "postgres", cluster.image("eidp/postgres", "18.1-3"), ports={"postgres": 5432},
        probes=command_probe("pg_isready", "-h", "127.0.0.1"), cpu="500m", memory="2Gi",
        volumeMounts=mounts(data="/var/lib/postgresql", run="/var/run/postgresql", tmp="/tmp") + [
            {"mountPath": "/etc/postgres-secret", "name": "password", "readOnly": True}],
        env=[{"name": "PGDATA", "value": "/var/lib/postgresql/data"},
             {"name": "POSTGRES_PASSWORD_FILE", "value": "/etc/postgres-secret/password"}],
    )], replicas=replicas, storage=storage, volumes=[{"name": "password", "secret": {"secretName": "postgres"}}, *scratch("run", "tmp")])
    service(cluster, "postgres", namespace, {"postgres": 5432})
    if replicas > 1:
        budget(cluster, "postgres", namespace)
    report(cluster, "StatefulSet", "postgres", namespace)


def external_secret(cluster, name, namespace, *keys):
    tenant = namespace.rsplit("-", 1)[0]
    system.external_secret(cluster, name, namespace, tenant, f"vault-{tenant}", *keys)


def secret_env(name, secret, key):
    return {"name": name, "valueFrom": {"secretKeyRef": {"key": key, "name": secret}}}


def ingress(cluster, name, namespace, host, target, *, tls=True, created=None):
    spec = {"ingressClassName": "traefik", "rules": [{"host": host, "http": {"paths": [
        {"backend": {"service": {"name": target, "port": {"number": 8080}}}, "path": "/", "pathType": "Prefix"}]}}]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": f"{name}-tls"}]
    cluster.add("networking.k8s.io/v1", "Ingress", name, namespace, created=created, spec=spec,
                annotations={"cert-manager.io/cluster-issuer": "public-acme"} if tls else None,
                status={"loadBalancer": {"ingress": [{"ip": "203.0.113.10"}]}})


def config(cluster, name, namespace, **data):
    cluster.add("v1", "ConfigMap", name, namespace, data={key.replace("__", "."): value for key, value in data.items()})


def hansekontor(cluster):
    prod = space(cluster, "hansekontor", "production", "2026-04-02")
    postgres(cluster, prod, 3, "100Gi")
    external_secret(cluster, "shop", prod, "payment_key", "session_key")
    config(cluster, "shop", prod, shop__properties="currency=EUR\ncheckout.timeout=30s\nsearch.url=http://api:8080/search\n")
    program(cluster, "web", prod, "hansekontor/shop-web", "2026.46.1", replicas=3, env=[{"name": "API_URL", "value": "http://api:8080"}])
    program(cluster, "api", prod, "hansekontor/shop-api", "2026.46.1", replicas=3, memory="512Mi",
            env=[{"name": "DB_HOST", "value": "postgres"}, secret_env("PAYMENT_API_KEY", "shop", "payment_key"),
                 secret_env("SESSION_SECRET", "shop", "session_key")])
    scaler(cluster, "api", prod, 3, 8)
    ingress(cluster, "shop", prod, "shop.hansekontor.example", "web")
    certificate(cluster, "shop-tls", prod, ["shop.hansekontor.example"], "public-acme")
    staging = space(cluster, "hansekontor", "staging", "2026-04-02", pods="15")
    postgres(cluster, staging, 1, "20Gi")
    program(cluster, "web", staging, "hansekontor/shop-web", "2026.47.0-rc2", replicas=1,
            env=[{"name": "API_URL", "value": "http://api:8080"}])
    ingress(cluster, "shop", staging, "shop-staging.hansekontor.example", "web")
    certificate(cluster, "shop-tls", staging, ["shop-staging.hansekontor.example"], "public-acme")


def nordwind(cluster):
    prod = space(cluster, "nordwind", "production", "2026-05-18")
    external_secret(cluster, "meters", prod, "api_token", "queue_password")
    config(cluster, "ingest", prod, ingest__properties="batch.size=500\nqueue.url=amqps://queue.nordwind.example:5671\n")
    program(cluster, "portal", prod, "nordwind/portal", "4.12.0", replicas=3, env=[{"name": "LOCALE", "value": "de_DE"}])
    program(cluster, "ingest", prod, "nordwind/ingest", "4.12.0", replicas=3, memory="512Mi",
            env=[secret_env("METER_API_TOKEN", "meters", "api_token"), secret_env("QUEUE_PASSWORD", "meters", "queue_password")])
    cluster.add("gateway.networking.k8s.io/v1", "HTTPRoute", "portal", prod, spec={
        "hostnames": ["portal.nordwind.example"], "parentRefs": [{"name": "public", "namespace": "edge", "sectionName": "https"}],
        "rules": [{"backendRefs": [{"name": "portal", "port": 8080}], "matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}]})
    certificate(cluster, "portal-tls", "edge", ["portal.nordwind.example"], "public-acme", created="2026-05-18")


def fleetwerk(cluster):
    prod = space(cluster, "fleetwerk", "production", "2026-07-06")
    postgres(cluster, prod, 3, "50Gi")
    external_secret(cluster, "tracker", prod, "db_password", "map_key")
    config(cluster, "tracker", prod,
           application__properties="spring.datasource.url=jdbc:postgresql://postgres:5432/tracker\n"
           "spring.datasource.username=tracker\nserver.port=8080\n")
    program(cluster, "tracker", prod, "fleetwerk/tracker", "1.31.4", replicas=3, memory="1Gi",
            env=[secret_env("SPRING_DATASOURCE_PASSWORD", "tracker", "db_password"), secret_env("MAP_API_KEY", "tracker", "map_key")])
    ingress(cluster, "tracker", prod, "tracker.fleetwerk.example", "tracker")
    certificate(cluster, "tracker-tls", prod, ["tracker.fleetwerk.example"], "public-acme")
