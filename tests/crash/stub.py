"""The image of the stub controller, under a name of its own; the chart around it is the lab's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from blueshift.lab.image_layer import Entry
from blueshift.lab.image_set import import_images
from blueshift.lab.image_specs import REGISTRY, RELEASES, echo_image
from blueshift.lab.images import ImageSpec, build_image
from blueshift.lab.paths import Lab
from tests.crash.stub_controller import DUMP, STATUS_PORT

_PROGRAM = Path(__file__).with_name("stub_controller.py")
_NAME = "ingress-nginx/stub"


# In the shell itself: a Python for each look at a pod would keep a small machine busy with nothing else.
_ASK = """exec 3<>/dev/tcp/127.0.0.1/{port}
printf 'GET {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3
while read -r line <&3 && [ "$line" != $'\\r' ]; do :; done
IFS= read -r -d '' body <&3
printf '%s\\n' "$body"
"""


def _script(text: str) -> bytes:
    return f"#!/usr/bin/bash\n{text}\n".encode()


def _asks(path: str) -> bytes:
    return _script(_ASK.format(port=STATUS_PORT, path=path))


def image(version: str) -> ImageSpec:
    """The stub that says to be `version`; on the packages of the echo application."""
    base = echo_image(_PROGRAM)
    return ImageSpec(
        name=f"{REGISTRY}/{_NAME}:v{version}",
        packages=base.packages,
        entries=(
            *(entry for entry in base.entries if not entry.path.startswith("app/")),
            Entry(path="app/stub_controller.py", data=_PROGRAM.read_bytes()),
            Entry(path="usr/bin/nginx", data=_asks(DUMP), mode=0o755),
            Entry(path="usr/bin/curl", data=_asks("/nginx_status"), mode=0o755),
            Entry(path="wait-shutdown", data=_script("kill -TERM 1"), mode=0o755),
        ),
        entrypoint=("/usr/bin/python3", "-S", "/app/stub_controller.py"),
        environment=(*base.environment, ("STUB_VERSION", version)),
        user="www-data",
        bind_low_ports=("usr/bin/python3.11",),
    )


async def bring(lab: Lab, say: Any) -> None:
    """Build the stubs of both versions and put them into a lab."""
    made = [await asyncio.to_thread(build_image, image(version), say) for version in RELEASES]
    await import_images(lab, tuple(made))


def values(ingress_class: str, *, replicas: int = 2) -> dict[str, Any]:
    """What the lab's chart is told for a stub in an Ingress class of its own."""
    return {
        "controller": {
            "image": {"image": _NAME},
            "replicaCount": replicas,
            "ingressClass": ingress_class,
            "ingressClassResource": {"name": ingress_class, "controllerValue": f"k8s.io/{ingress_class}"},
            "admissionWebhooks": {"enabled": False},
            "metrics": {"enabled": True},
            "readinessProbe": {"initialDelaySeconds": 0, "periodSeconds": 1},
            "resources": {"requests": {"cpu": "5m", "memory": "20Mi"}},
            "terminationGracePeriodSeconds": 20,
        }
    }
