"""The rules by id: what a change of each part of the configuration costs, and where that stands.

The source was read at controller 1.11.0, and `types_equals.go` also as it was before 1.0 and at 1.6: what is
compared has only grown since. Its paths are those of 1.11.
"""

from __future__ import annotations

from blueshift.controllers.changes import Rule

_AT = "ingress-nginx 1.11.0"
_EQUAL = f"{_AT}, pkg/apis/ingress/types_equals.go"
_ENOUGH = f"{_AT}, pkg/util/ingress/ingress.go: IsDynamicConfigurationEnough"
_SERVERS = f"{_AT}, internal/ingress/controller/controller.go: getBackendServers"
_STORE = f"{_AT}, internal/ingress/controller/store/store.go"
_STREAMS = f"{_AT}, internal/ingress/controller/controller.go: getStreamServices"
_WRITTEN = f"{_AT}, internal/ingress/controller/nginx.go: generateTemplate"
_READ = f"{_AT}, internal/ingress/controller/template/configmap.go: ReadConfig"
_ANNOTATIONS = f"{_AT}, internal/ingress/annotations/annotations.go"
_KUBERNETES = "Kubernetes: Deployment, spec.template"

_ALL = (
    # reload
    Rule("server", "reload", "a host comes or goes: each has a server block in nginx.conf", _EQUAL),
    Rule("location", "reload", "a path comes or goes: each has a location in nginx.conf", _EQUAL),
    Rule("upstream-name", "reload", "the location in nginx.conf names the Service and port", _EQUAL),
    Rule("service-there", "reload", "a Service that an Ingress names came or went", _EQUAL),
    Rule("location-annotation", "reload", "it is written into the location in nginx.conf", _EQUAL),
    Rule("server-annotation", "reload", "it is written into the server block in nginx.conf", _EQUAL),
    Rule("secret-file", "reload", "nginx reads this Secret from a file that nginx.conf names", _EQUAL),
    Rule(
        "default-certificate",
        "reload",
        "it is the default certificate, whose content is compared with the configuration "
        "(pull request 6796, controller 0.44)",
        _EQUAL,
    ),
    Rule("setting", "reload", "the settings' checksum is part of the configuration", _READ),
    Rule("stream", "reload", "nginx listens at the port of a TCP or UDP service by nginx.conf", _STREAMS),
    Rule("default-backend", "reload", "the location is sent to another upstream", _SERVERS),
    # dynamic
    Rule("upstream", "dynamic", "upstreams are sent to Lua, not written into nginx.conf", _ENOUGH),
    Rule("endpoints", "dynamic", "endpoints are sent to Lua, not written into nginx.conf", _ENOUGH),
    Rule("upstream-annotation", "dynamic", "it is sent to Lua with the upstream", _ENOUGH),
    Rule("canary", "dynamic", "a canary is an upstream beside another one, and only Lua knows it", _ENOUGH),
    Rule("certificate", "dynamic", "certificates are sent to Lua and chosen by SNI", _ENOUGH),
    # nothing until something else happens
    Rule(
        "waits-for-reload",
        "nothing",
        "it stands in nginx.conf, but the controller does not compare it: in force from the next reload on, "
        "whatever causes that",
        _EQUAL,
    ),
    Rule(
        "waits-for-change",
        "nothing",
        "the controller does not compare it: sent to Lua with the next change of any upstream",
        _EQUAL,
    ),
    Rule(
        "read-when-written",
        "nothing",
        "it is read only when nginx.conf is written, and not watched: in force from the next reload on",
        _WRITTEN,
    ),
    Rule(
        "read-with-ingress",
        "nothing",
        "it is read when an Ingress that names it changes, or the controller's own ConfigMap: in force from "
        "the next reload after that",
        f"{_STORE}: handleCfgMapEvent",
    ),
    Rule(
        "template",
        "nothing",
        "the controller takes up the new template once the kubelet has updated the volume, and uses it at "
        "the next reload",
        f"{_AT}, internal/ingress/controller/nginx.go: NewNGINXController (onTemplateChange); "
        "syncIngress compares the configuration and not the template",
    ),
    Rule("same", "nothing", "the configuration that follows from it is the same as before", _EQUAL),
    Rule("other-class", "nothing", "this controller does not serve it", f"{_STORE}: GetIngressClass"),
    Rule("unknown-annotation", "nothing", "this controller does not read it", _ANNOTATIONS),
    Rule("unknown-setting", "nothing", "this version does not read the key", _READ),
    Rule(
        "settings-kept",
        "nothing",
        "the controller hears of no ConfigMap that goes: it keeps the settings until it starts anew",
        f"{_STORE}: cmEventHandler, which has no DeleteFunc",
    ),
    Rule("no-snippets", "nothing", "snippets in annotations are off (allow-snippet-annotations)", _SERVERS),
    Rule(
        "too-risky",
        "nothing",
        "an annotation is riskier than annotations-risk-level: the Ingress as it was stays in force until "
        "the controller starts anew, and the webhook refuses the change where there is one",
        f"{_STORE}: syncIngress; internal/ingress/annotations/parser: CheckAnnotationRisk",
    ),
    Rule("unreferenced", "nothing", "nothing that this controller serves names it", _STORE),
    Rule(
        "class",
        "nothing",
        "Ingresses are judged by their class when they change or the controller starts: until then those "
        "that are served stay, and others stay out",
        f"{_STORE}: ingressClassEventHandler",
    ),
    Rule("not-watched", "nothing", "the controller does not watch this kind", _STORE),
    Rule(
        "own-service",
        "nothing",
        "it is in front of the controller: nginx is not told, but load balancer and kube-proxy are, and "
        "its addresses are published in the status of Ingresses",
        f"{_AT}, internal/ingress/status; kube-proxy and the load balancer's controller",
    ),
    Rule(
        "scaler",
        "nothing",
        "by itself; it may add or end pods of the controller later",
        "Kubernetes: HorizontalPodAutoscaler",
    ),
    Rule(
        "eviction",
        "nothing",
        "it only limits how many pods may be evicted at a time",
        "Kubernetes: PodDisruptionBudget",
    ),
    # pods
    Rule("pod-template", "new pods", "each pod is replaced by one of the new template", _KUBERNETES),
    Rule(
        "replicas",
        "new pods",
        "no pod is replaced, but pods of the controller are added or ended",
        "Kubernetes: Deployment, spec.replicas",
    ),
    Rule(
        "workload",
        "new pods",
        "the controller's pods come or go with their workload",
        "Kubernetes: Deployment and DaemonSet",
    ),
    Rule(
        "rollout",
        "nothing",
        "it says how the next rollout goes, and begins none",
        "Kubernetes: Deployment, all but spec.template and spec.replicas",
    ),
)
RULES = {rule.id: rule for rule in _ALL}
