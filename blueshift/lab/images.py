"""Container images without a container engine: a docker-archive tar that `ctr images import` takes.

The same input gives the same digest; images are cached by what went in.
"""

from __future__ import annotations

import hashlib
import platform
import tarfile
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec

from blueshift.lab.cache import locked, remade
from blueshift.lab.image_layer import BUILT_AT, Entry, write_layer
from blueshift.lab.image_packages import PackageSet, fetch
from blueshift.lab.paths import cache_folder

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class ImageSpec(msgspec.Struct, frozen=True):
    """All that an image is made of."""

    name: str
    """Full reference, with the tag."""
    packages: PackageSet
    entries: tuple[Entry, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    user: str = "0:0"
    folder: str = "/"
    bind_low_ports: tuple[str, ...] = ()
    """Programs that may listen below port 1024 without being root."""


def build_image(spec: ImageSpec, say: Callable[[str], None]) -> Path:
    """The image's tar, from the cache or built now; `say` hears what takes time.

    Blocking: call it in a thread. Raises BlueshiftError when packages cannot be had.
    """
    packages = fetch(spec.packages, say)
    names = [package.name for package in packages]
    key = hashlib.sha256(msgspec.json.encode((spec, names, _recipe()))).hexdigest()[:16]
    folder = cache_folder() / "images" / f"{spec.name.replace('/', '_').replace(':', '_')}-{key}"
    with locked(f"image-{folder.name}", say):
        if not folder.is_dir():
            say(f"image {spec.name}: {len(packages)} Debian packages")
            with remade(folder) as half:
                _write(spec, packages, half / "image.tar")
    return folder / "image.tar"


def _recipe() -> bytes:
    """How images are made is part of what goes in."""
    return b"".join(Path(__file__).with_name(name).read_bytes() for name in ("images.py", "image_layer.py"))


def _write(spec: ImageSpec, packages: tuple[Path, ...], target: Path) -> None:
    with tempfile.TemporaryFile(dir=target.parent) as layer, tarfile.open(target, "w") as archive:
        write_layer(layer, packages, spec.entries, bind_low_ports=spec.bind_low_ports)
        layer.seek(0)
        digest = hashlib.file_digest(layer, "sha256").hexdigest()
        config = msgspec.json.encode(_config(spec, digest))
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": config_name, "RepoTags": [spec.name], "Layers": [f"{digest}.tar"]}]
        info = _member(f"{digest}.tar", layer.tell())
        layer.seek(0)
        archive.addfile(info, layer)
        for name, data in ((config_name, config), ("manifest.json", msgspec.json.encode(manifest))):
            archive.addfile(_member(name, len(data)), BytesIO(data))


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, BUILT_AT
    return info


def _config(spec: ImageSpec, layer_digest: str) -> dict[str, object]:
    return {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": "2024-01-01T00:00:00Z",
        "config": {
            "User": spec.user,
            "Env": [f"{name}={value}" for name, value in spec.environment],
            "Entrypoint": list(spec.entrypoint),
            "Cmd": list(spec.command),
            "WorkingDir": spec.folder,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created": "2024-01-01T00:00:00Z"}],
    }
