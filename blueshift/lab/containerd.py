"""The lab's image store: archives go into containerd, there is no registry and nothing is pulled."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tarfile
from pathlib import Path

from blueshift.errors import BlueshiftError
from blueshift.lab.paths import SYSTEM_PATH, Lab
from blueshift.lab.processes import run

PAUSE = "localhost/blueshift-pause:1"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


async def import_image(lab: Lab, tar: Path) -> None:
    """Put a docker-archive or OCI-archive into the lab; importing the same again changes nothing."""
    await run(
        ["ctr", "--address", lab.containerd_socket, "--namespace", "k8s.io", "images", "import", tar],
        f"importing {tar.name}",
    )


async def import_pause(lab: Lab) -> None:
    """The image that holds a pod's namespaces: catatonit's `-P` does nothing but reap."""
    program = shutil.which("catatonit", path=SYSTEM_PATH)
    if program is None:
        raise BlueshiftError("catatonit is not installed", hint="blueshift lab doctor --install")
    archive = lab.root / "pause.tar"
    _write_pause_archive(archive, Path(program))
    await import_image(lab, archive)


def _write_pause_archive(target: Path, program: Path) -> None:
    layer = _tar({"pause": program.read_bytes()}, mode=0o755)
    digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": _ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": ["/pause", "-P"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE], "Layers": ["layer.tar"]}]
    texts = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    target.write_bytes(_tar({"layer.tar": layer, **texts}))


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
