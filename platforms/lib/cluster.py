"""A cluster: objects by their identity, and what the controllers of Kubernetes make of them."""

import hashlib
import uuid
from datetime import datetime, timedelta

# Kinds with the resource that each is listed as.
_RESOURCES = {
    "AutoscalingRunnerSet": "autoscalingrunnersets.actions.github.com",
    "AuthorizationPolicy": "authorizationpolicies.security.istio.io",
    "Backup": "backups.velero.io",
    "BackupStorageLocation": "backupstoragelocations.velero.io",
    "Certificate": "certificates.cert-manager.io",
    "CiliumNode": "ciliumnodes.cilium.io",
    "ClusterIssuer": "clusterissuers.cert-manager.io",
    "ClusterPolicy": "clusterpolicies.kyverno.io",
    "ClusterRole": "clusterroles.rbac.authorization.k8s.io",
    "ClusterRoleBinding": "clusterrolebindings.rbac.authorization.k8s.io",
    "ConfigMap": "configmaps",
    "CronJob": "cronjobs.batch",
    "Cluster": "clusters.postgresql.cnpg.io",
    "DaemonSet": "daemonsets.apps",
    "Deployment": "deployments.apps",
    "DestinationRule": "destinationrules.networking.istio.io",
    "EC2NodeClass": "ec2nodeclasses.karpenter.k8s.aws",
    "ETCDSnapshotFile": "etcdsnapshotfiles.k3s.cattle.io",
    "ExternalSecret": "externalsecrets.external-secrets.io",
    "Gateway": "gateways.gateway.networking.k8s.io",
    "GatewayClass": "gatewayclasses.gateway.networking.k8s.io",
    "HTTPRoute": "httproutes.gateway.networking.k8s.io",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers.autoscaling",
    "Ingress": "ingresses.networking.k8s.io",
    "IngressClass": "ingressclasses.networking.k8s.io",
    "Issuer": "issuers.cert-manager.io",
    "Job": "jobs.batch",
    "LimitRange": "limitranges",
    "Middleware": "middlewares.traefik.io",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies.networking.k8s.io",
    "Node": "nodes",
    "OpenTelemetryCollector": "opentelemetrycollectors.opentelemetry.io",
    "PeerAuthentication": "peerauthentications.security.istio.io",
    "PersistentVolume": "persistentvolumes",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Pod": "pods",
    "PodDisruptionBudget": "poddisruptionbudgets.policy",
    "PolicyException": "policyexceptions.kyverno.io",
    "PolicyReport": "policyreports.wgpolicyk8s.io",
    "ReplicaSet": "replicasets.apps",
    "ResourceQuota": "resourcequotas",
    "Restore": "restores.velero.io",
    "Role": "roles.rbac.authorization.k8s.io",
    "RoleBinding": "rolebindings.rbac.authorization.k8s.io",
    "Schedule": "schedules.velero.io",
    "ScheduledBackup": "scheduledbackups.postgresql.cnpg.io",
    "SecretProviderClass": "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "ServiceEntry": "serviceentries.networking.istio.io",
    "Sidecar": "sidecars.networking.istio.io",
    "StatefulSet": "statefulsets.apps",
    "StorageClass": "storageclasses.storage.k8s.io",
    "StorageVersionMigration": "storageversionmigrations.storagemigration.k8s.io",
    "TLSOption": "tlsoptions.traefik.io",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "VerticalPodAutoscaler": "verticalpodautoscalers.autoscaling.k8s.io",
    "VolumeSnapshotClass": "volumesnapshotclasses.snapshot.storage.k8s.io",
}

# When the last round of updates restarted everything; the Pods are younger than what declares them.
ROLLED_OUT = "2026-11-11"


def digest(text):
    """Hex digits that the text always gives."""
    return hashlib.sha256(text.encode()).hexdigest()


def at(day, seed):
    """A time on the day, always the same for the same seed."""
    seconds = int(digest(seed)[:8], 16) % 36_000
    return (datetime.fromisoformat(day) + timedelta(hours=6, seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Cluster:
    """All objects of a cluster. A platform is a subclass that says what is its own."""

    NOW = "2026-11-20T03:00:00Z"
    MADE = "2026-03-10"
    # What the platform is called, its domain, the name space of made-up UIDs, the host of images, the regions where replicas
    # are placed, and the class of volumes
    # that nobody chose another one for.
    NAME = None
    DOMAIN = None
    UIDS = None
    REGISTRY = None
    REGIONS = ()
    STORAGE_CLASS = None
    # Whose certificate stands in each namespace.
    AUTHORITY = None

    def __init__(self):
        self._objects = {}
        self.root_ca = public_pem(self.AUTHORITY)
        self.born = {}
        # Pods of DaemonSets that are not well, by the DaemonSet and the node.
        self.unwell = set()
        # Jobs that are under way.
        self.running_jobs = []

    def image(self, path, tag):
        """An image of the platform's registry, pinned by a made-up digest."""
        return f"{self.REGISTRY}/{path}:{tag}@sha256:{digest(f'{path}:{tag}')}"

    def add(self, api_version, kind, name, namespace=None, *, labels=None, annotations=None, created=None, owner=None, **body):
        """Adds an object; `created` is a day or a time, the birth of its namespace where nothing is said."""
        key = (kind, namespace, name)
        assert key not in self._objects, f"{key} is there already"
        seed = "/".join(part for part in (kind, namespace, name) if part)
        created = created or self.born.get(namespace, self.MADE)
        meta = {
            "creationTimestamp": created if "T" in created else at(created, seed),
            "name": name,
            "resourceVersion": str(1_000_000 + int(digest(seed)[8:14], 16)),
            "uid": str(uuid.uuid5(self.UIDS, seed)),
        }
        assert meta["creationTimestamp"] < self.NOW, f"{key} is from the future"
        if namespace:
            meta["namespace"] = namespace
        if labels:
            meta["labels"] = dict(labels)
        if annotations:
            meta["annotations"] = dict(annotations)
        if owner:
            meta["ownerReferences"] = [{
                "apiVersion": owner["apiVersion"], "blockOwnerDeletion": True, "controller": True,
                "kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
            }]
        item = {"apiVersion": api_version, "kind": kind, "metadata": meta, **body}
        self._objects[key] = item
        return item

    def get(self, kind, name, namespace=None):
        """An object that is there."""
        return self._objects[(kind, namespace, name)]

    def remove(self, kind, name, namespace=None):
        """Takes an object away that is there."""
        del self._objects[(kind, namespace, name)]

    def all(self, kind):
        """All objects of a kind, by namespace and name."""
        found = [item for key, item in self._objects.items() if key[0] == kind]
        return sorted(found, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    def by_resource(self):
        """All objects by `plural.group`."""
        found = {}
        for kind in sorted({key[0] for key in self._objects}):
            for item in self.all(kind):
                # Istio and the Gateway API both have a kind Gateway.
                istio = kind == "Gateway" and item["apiVersion"].startswith("networking.istio.io/")
                found.setdefault("gateways.networking.istio.io" if istio else _RESOURCES[kind], []).append(item)
        return found

    def namespace(self, name, *, born=None, pod_security="privileged", **labels):
        """A namespace with what Kubernetes puts into each."""
        self.born[name] = born or self.MADE
        own = {"kubernetes.io/metadata.name": name, "pod-security.kubernetes.io/enforce": pod_security}
        self.add("v1", "Namespace", name, created=self.born[name],
                 labels=own | {key.replace("__", "/").replace("_", "."): value for key, value in labels.items()},
                 spec={"finalizers": ["kubernetes"]}, status={"phase": "Active"})
        self.add("v1", "ServiceAccount", "default", name, automountServiceAccountToken=False)
        self.add("v1", "ConfigMap", "kube-root-ca.crt", name, data={"ca.crt": self.root_ca})

    def derive(self):
        """Adds what controllers make: ReplicaSets, Jobs, Pods, claims and volumes, and what agents tell of nodes."""
        for item in self.all("Node"):
            self.joined(item)
        workers = [node["metadata"]["name"] for node in self.all("Node") if not node["spec"].get("taints")]
        # Replicas keep to the zones of the platform's own regions.
        placed = [name for name in workers
                  if self.get("Node", name)["metadata"]["labels"]["topology.kubernetes.io/region"] in self.REGIONS]
        for item in self.all("Deployment"):
            self._replica_set(item, placed)
        for item in self.all("StatefulSet"):
            self._stateful_set(item, placed)
        for item in self.all("DaemonSet"):
            everywhere = any(t.get("operator") == "Exists" for t in item["spec"]["template"]["spec"].get("tolerations", []))
            nodes = [node["metadata"]["name"] for node in self.all("Node")] if everywhere else workers
            count, name = len(nodes), item["metadata"]["name"]
            well = count - sum((name, node) in self.unwell for node in nodes)
            item["status"] = {"currentNumberScheduled": count, "desiredNumberScheduled": count, "numberAvailable": well,
                              "numberMisscheduled": 0, "numberReady": well, "updatedNumberScheduled": count}
            revision = digest(repr(item["spec"]["template"]))[:10]
            for node in nodes:
                suffix = digest(f"{item['metadata']['name']}{node}")[:5]
                pod = self._pod(item, f"{name}-{suffix}", node, {"controller-revision-hash": revision})
                if (name, node) in self.unwell:
                    pod["status"]["conditions"][0]["status"] = "False"
        for item in self.all("CronJob"):
            self._job(item)
        for number, item in enumerate(self.running_jobs):
            self._pod(item, f"{item['metadata']['name']}-{digest(item['metadata']['uid'])[:5]}", placed[number % len(placed)], {})

    def joined(self, node):
        """What the agents of a platform add for a node."""

    def volume(self, name, claim, storage_class, zone):
        """The part of a PersistentVolume that only the platform's driver knows."""
        raise NotImplementedError

    def _replica_set(self, deployment, nodes):
        meta, spec = deployment["metadata"], deployment["spec"]
        count = spec["replicas"]
        deployment["status"] = {"availableReplicas": count, "observedGeneration": 1, "readyReplicas": count,
                                "replicas": count, "updatedReplicas": count}
        hashed = digest(repr(spec["template"]))[:10]
        labels = spec["template"]["metadata"]["labels"] | {"pod-template-hash": hashed}
        template = {"metadata": {"labels": labels}, "spec": spec["template"]["spec"]}
        replica_set = self.add(
            "apps/v1", "ReplicaSet", f"{meta['name']}-{hashed}", meta["namespace"], labels=labels, owner=deployment,
            created=max(meta["creationTimestamp"], at(ROLLED_OUT, meta["name"])),
            spec={"replicas": count, "selector": {"matchLabels": labels}, "template": template},
            status={"availableReplicas": count, "observedGeneration": 1, "readyReplicas": count, "replicas": count})
        first = int(digest(meta["name"])[:4], 16)
        for number in range(count):
            suffix = digest(f"{replica_set['metadata']['name']}{number}")[:5]
            self._pod(replica_set, f"{meta['name']}-{hashed}-{suffix}", nodes[(first + number) % len(nodes)], {})

    def _stateful_set(self, item, nodes):
        meta, spec = item["metadata"], item["spec"]
        count, revision = spec["replicas"], f"{meta['name']}-{digest(repr(spec['template']))[:10]}"
        item["status"] = {"availableReplicas": count, "currentRevision": revision, "readyReplicas": count, "replicas": count,
                          "updateRevision": revision, "updatedReplicas": count}
        first = int(digest(meta["namespace"] + meta["name"])[:4], 16)
        for number in range(count):
            node, name = nodes[(first + number) % len(nodes)], f"{meta['name']}-{number}"
            claims = []
            for claim in spec.get("volumeClaimTemplates", []):
                claim_name = f"{claim['metadata']['name']}-{name}"
                claims.append({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim_name}})
                zone = self.get("Node", node)["metadata"]["labels"]["topology.kubernetes.io/zone"]
                self.claim(claim_name, meta["namespace"], claim["spec"], zone, spec["selector"]["matchLabels"])
            labels = {"controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": name,
                      "apps.kubernetes.io/pod-index": str(number)}
            self._pod(item, name, node, labels, claims)

    def claim(self, name, namespace, spec, zone, labels=None, created=None):
        """A claim with the volume that the driver made for it."""
        claim = self.add("v1", "PersistentVolumeClaim", name, namespace, labels=labels, created=created, spec=dict(spec),
                         status={"accessModes": spec["accessModes"], "capacity": spec["resources"]["requests"], "phase": "Bound"})
        volume = f"pvc-{claim['metadata']['uid']}"
        claim["spec"]["volumeName"] = volume
        own = self.volume(volume, claim, self.get("StorageClass", spec["storageClassName"]), zone)
        self.add("v1", "PersistentVolume", volume, created=claim["metadata"]["creationTimestamp"], spec={
            "accessModes": spec["accessModes"], "capacity": spec["resources"]["requests"],
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": name, "namespace": namespace,
                         "uid": claim["metadata"]["uid"]},
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": spec["storageClassName"], "volumeMode": "Filesystem", **own,
        }, status={"phase": "Bound"})

    def _job(self, cron):
        meta, template = cron["metadata"], cron["spec"]["jobTemplate"]["spec"]["template"]
        started = cron["status"]["lastScheduleTime"]
        minutes = int(datetime.fromisoformat(started.replace("Z", "+00:00")).timestamp()) // 60
        job = self.add("batch/v1", "Job", f"{meta['name']}-{minutes}", meta["namespace"], owner=cron, created=started,
                       labels=template["metadata"]["labels"], spec=cron["spec"]["jobTemplate"]["spec"],
                       status={"completionTime": cron["status"]["lastSuccessfulTime"], "startTime": started, "succeeded": 1,
                               "conditions": [{"status": "True", "type": "Complete"}]})
        self._pod(job, f"{job['metadata']['name']}-{digest(job['metadata']['name'])[:5]}", template["spec"]["nodeName"], {},
                  phase="Succeeded")

    def _pod(self, owner, name, node, labels, claims=(), phase="Running"):
        template = owner["spec"]["template"]
        spec = dict(template["spec"]) | {"nodeName": node}
        if claims:
            spec["volumes"] = [*spec.get("volumes", []), *claims]
        created = max(owner["metadata"]["creationTimestamp"], at(ROLLED_OUT, name), self.get("Node", node)["metadata"]["creationTimestamp"])
        return self.add("v1", "Pod", name, owner["metadata"]["namespace"], owner=owner, created=created,
                        labels=template["metadata"]["labels"] | labels, spec=spec,
                        status=self.pod_status(node, name, created, phase, spec))

    def pod_status(self, node, name, started, phase="Running", spec=None):
        """The status of a Pod that is well."""
        host = self.get("Node", node)["status"]["addresses"][0]["address"]
        number = int(digest(name)[:6], 16)
        subnet = self.get("Node", node)["spec"]["podCIDR"].removesuffix(".0/24")
        own = host if (spec or {}).get("hostNetwork") else f"{subnet}.{number % 250 + 2}"
        ready = "True" if phase == "Running" else "False"
        conditions = [{"lastTransitionTime": started, "status": ready, "type": "Ready"}]
        told = {"conditions": conditions, "hostIP": host, "phase": phase, "podIP": own, "qosClass": "Burstable", "startTime": started}
        for key, group in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
            if (spec or {}).get(group):
                told[key] = [{"image": one["image"], "imageID": pulled(one["image"]), "name": one["name"], "ready": ready == "True",
                                  "restartCount": 0} for one in spec[group]]
        return told

    def running(self):
        """The images that Pods run, as `repository@digest`."""
        return {status["imageID"] for pod in self.all("Pod") if pod["status"]["phase"] == "Running"
                for status in pod["status"].get("containerStatuses", []) + pod["status"].get("initContainerStatuses", [])}


def pulled(reference):
    """What the runtime says of an image that it pulled: the repository with the digest."""
    name, _, hashed = reference.partition("@")
    repository = name.rsplit(":", 1)[0] if ":" in name.rsplit("/", 1)[-1] else name
    return f"{repository}@{hashed or 'sha256:' + digest(name)}"


def public_pem(name):
    """A certificate that is none: only its place in the cluster is real."""
    body = "".join(digest(f"{name}{number}") for number in range(4))
    lines = [body[start:start + 64].upper() for start in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])

