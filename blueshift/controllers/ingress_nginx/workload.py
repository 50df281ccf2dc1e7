"""What a Deployment or DaemonSet tells about the ingress-nginx in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from blueshift.controllers.ingress_nginx.version import numbers
from blueshift.controllers.profile import Match, Readiness, Workload
from blueshift.discovery.raw import Raw, containers, dig, labels, listed, mapped, namespace
from blueshift.discovery.workload import GRACE, arguments

PROGRAM = "nginx-ingress-controller"

# Names under which images of it are published: upstream before and after the move to registry.k8s.io and with
# chroot, Rancher, Bitnami, Chainguard, and forks that kept the path.
_IMAGE = re.compile(
    r"(?:^|/)(?:ingress-nginx/controller(?:-chroot)?|nginx-ingress-controller|ingress-nginx-controller)$"
)

# Flags that only this controller has; a private image may carry another name for the program too.
_OWN_FLAGS = frozenset({"configmap", "publish-service", "controller-class", "election-id", "ingress-class"})

_SLEEP = re.compile(r"\bsleep\s+(\d+)s?(?![\w.])")
_ENVIRONMENT = re.compile(r"\$\((\w+)\)")


def matches(workload: Workload) -> Match | None:
    """Recognise it by its program, by its image, or by its own flags."""
    found = container(workload)
    if found is None:
        return None
    image, tag = split_image(str(found.get("image", "")))
    version = ".".join(map(str, numbers(tag))) or ".".join(
        map(str, numbers(labels(workload).get("app.kubernetes.io/version", "")))
    )
    if _runs_program(found):
        return Match(version, 1.0, f"its command runs {PROGRAM}")
    if _IMAGE.search(image):
        return Match(version, 0.9, f"its image is {image}")
    flags = _OWN_FLAGS & parse_flags(arguments(found)).keys()
    return Match(version, 0.7, f"it has the flags {', '.join('--' + flag for flag in sorted(flags))}")


def container(workload: Workload) -> Raw | None:
    """The container that is the controller, or None. Sidecars are injected before or behind it."""
    found = containers(workload)
    by_program = [one for one in found if _runs_program(one)]
    by_image = [one for one in found if _IMAGE.search(split_image(str(one.get("image", "")))[0])]
    by_flags = [one for one in found if _has_flags(one)]
    return next(iter([*by_program, *by_image, *by_flags]), None)


def _runs_program(found: Raw) -> bool:
    return any(part.rsplit("/", 1)[-1] == PROGRAM for part in arguments(found)[:4])


def _has_flags(found: Raw) -> bool:
    environment = {variable.get("name") for variable in listed(found, "env")}
    own = _OWN_FLAGS & parse_flags(arguments(found)).keys()
    return len(own) >= 2 and {"POD_NAME", "POD_NAMESPACE"} <= environment


def split_image(image: str) -> tuple[str, str]:
    """(`registry.k8s.io/ingress-nginx/controller`, `v1.15.1`); a digest is no version, so it goes."""
    name = image.partition("@")[0]
    path, colon, tag = name.rpartition(":")
    return (path, tag) if colon and "/" not in tag else (name, "")


def parse_flags(arguments: tuple[str, ...]) -> dict[str, str]:
    """Flags by name, as pflag reads them: `--a=b`, `--a b`, and `--a` alone for true; the last one counts."""
    flags: dict[str, str] = {}
    for place, argument in enumerate(arguments):
        if not argument.startswith("--"):
            continue
        name, equals, value = argument[2:].partition("=")
        following = arguments[place + 1] if place + 1 < len(arguments) else "--"
        if not equals:
            value = "true" if following.startswith("-") else following
        flags[name] = value
    return flags


def flags(workload: Workload) -> dict[str, str]:
    """The controller's flags, with what Kubernetes puts in for `$(NAME)` where that can be known."""
    found = container(workload)
    if found is None:
        return {}
    known = _known_environment(workload, found)

    def resolve(value: str) -> str:
        return _ENVIRONMENT.sub(lambda reference: known.get(reference[1], reference[0]), value)

    return {name: resolve(value) for name, value in parse_flags(arguments(found)).items()}


def _known_environment(workload: Workload, found: Raw) -> Mapping[str, str]:
    known = {}
    for variable in listed(found, "env"):
        if dig(variable, "valueFrom", "fieldRef", "fieldPath") == "metadata.namespace":
            known[str(variable["name"])] = namespace(workload)
        elif variable.get("value") is not None:
            known[str(variable["name"])] = str(variable["value"])
    return known


def prestop(workload: Workload) -> tuple[str, ...]:
    """The command of the controller's preStop exec hook; empty without one."""
    found = container(workload) or {}
    return tuple(map(str, listed(found, "lifecycle", "preStop", "exec", "command")))


def readiness(workload: Workload) -> Readiness | None:
    """The controller's readiness probe, if it asks by HTTP."""
    probe = mapped(container(workload) or {}, "readinessProbe")
    http = mapped(probe, "httpGet")
    if not http:
        return None
    return Readiness(
        path=str(http.get("path", "/")),
        port=str(http.get("port", "")),
        period=int(probe.get("periodSeconds", 10)),
        failures=int(probe.get("failureThreshold", 3)),
    )


def config_map(workload: Workload) -> tuple[str, str] | None:
    """(namespace, name) of the ConfigMap that `--configmap` names."""
    place, slash, name = flags(workload).get("configmap", "").partition("/")
    return (place, name) if slash else None


def image(workload: Workload) -> str:
    """The controller's image as the workload names it."""
    return str((container(workload) or {}).get("image", ""))


def grace(workload: Workload) -> int:
    """terminationGracePeriodSeconds, in seconds."""
    found = dig(workload, "spec", "template", "spec", "terminationGracePeriodSeconds")
    return GRACE if found is None else int(found)


def slept(workload: Workload) -> int:
    """Seconds that the controller's preStop hook sleeps before or beside all else."""
    native = dig(container(workload) or {}, "lifecycle", "preStop", "sleep", "seconds")
    return int(native or 0) + sum(map(int, _SLEEP.findall(" ".join(prestop(workload)))))


def mounted(workload: Workload, path: str) -> str:
    """`namespace/name` of the ConfigMap (or the volume's name alone) that is mounted at or below a path."""
    mounts = listed(container(workload) or {}, "volumeMounts")
    names = {one.get("name") for one in mounts if (str(one.get("mountPath")) + "/").startswith(path + "/")}
    for volume in listed(workload, "spec", "template", "spec", "volumes"):
        if volume.get("name") in names:
            called = dig(volume, "configMap", "name")
            return f"{namespace(workload)}/{called}" if called else str(volume["name"])
    return ""


def default_image(defaults: Mapping[str, Any], app_version: str) -> str:
    """The image that a chart's own values.yaml names, put together as its templates do; empty without one."""
    image = mapped(defaults, "controller", "image")
    registry = image.get("registry") or dig(defaults, "global", "image", "registry") or ""
    path = image.get("repository") or "/".join(filter(None, (registry, image.get("image"))))
    if not path:
        return ""
    digest = image.get("digestChroot" if image.get("chroot") else "digest")
    chroot = "-chroot" if image.get("chroot") else ""
    tag = image.get("tag") or f"v{app_version}"
    return f"{path}{chroot}:{tag}" + (f"@{digest}" if digest else "")
