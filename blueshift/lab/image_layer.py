"""The one layer of an image: Debian packages unpacked side by side, our files on top; the same every time.

No package's maintainer script runs, so nothing depends on the machine that builds.
"""

from __future__ import annotations

import io
import stat
import struct
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from blueshift.errors import BlueshiftError

BUILT_AT = 1_704_067_200
"""Seconds since 1970 that every entry carries as its time (2024-01-01): an image knows no build time."""

_MERGED = ("bin", "lib", "lib64", "sbin")
_SKIPPED = tuple(
    f"usr/share/{name}/"
    for name in ("bash-completion", "bug", "doc", "doc-base", "info", "lintian", "locale", "man", "terminfo")
)

_CAP_NET_BIND_SERVICE = 10
# vfs_cap_data of linux/capability.h, revision 2: magic and "effective" flag, then permitted and inheritable
# of both halves. Container runtimes unpack it from the PAX record SCHILY.xattr.<name>.
_BIND_LOW_PORTS = struct.pack("<5I", 0x0200_0001, 1 << _CAP_NET_BIND_SERVICE, 0, 0, 0)


class Entry(msgspec.Struct, frozen=True):
    """A file, folder or link of an image."""

    path: str
    """From the image's root, without a leading slash."""
    data: bytes = b""
    """Content of a file."""
    link: str = ""
    """Target of a symbolic link."""
    folder: bool = False
    mode: int = 0o644
    user: int = 0
    group: int = 0


def write_layer(
    target: BinaryIO,
    packages: Iterable[Path],
    entries: Sequence[Entry],
    *,
    bind_low_ports: Sequence[str] = (),
) -> None:
    """Write the layer as a tar. Programs in `bind_low_ports` may listen below 1024 without being root.

    Raises BlueshiftError for a program that is not in the layer.
    """
    members: dict[str, tuple[tarfile.TarInfo, bytes]] = {}
    for name in _MERGED:
        _put(members, _info(Entry(path=name, link=f"usr/{name}", mode=0o777)), b"")
        _put(members, _info(Entry(path=f"usr/{name}", folder=True, mode=0o755)), b"")
    for package in packages:
        _unpack(package, members)
    for entry in entries:
        _put(members, _info(entry), entry.data)
    for path in bind_low_ports:
        if path not in members:
            raise BlueshiftError(f"the image has no {path}, which is to listen on low ports")
        members[path][0].pax_headers = {"SCHILY.xattr.security.capability": _BIND_LOW_PORTS.decode("latin-1")}
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(members):
            info, data = members[path]
            archive.addfile(info, io.BytesIO(data))


def _info(entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.path)
    info.type = tarfile.SYMTYPE if entry.link else tarfile.DIRTYPE if entry.folder else tarfile.REGTYPE
    info.linkname, info.mode, info.size = entry.link, entry.mode, len(entry.data)
    info.uid, info.gid, info.mtime = entry.user, entry.group, BUILT_AT
    return info


def _put(members: dict[str, tuple[tarfile.TarInfo, bytes]], info: tarfile.TarInfo, data: bytes) -> None:
    for parent in reversed(Path(info.name).parents[:-1]):
        if str(parent) not in members:
            members[str(parent)] = _info(Entry(path=str(parent), folder=True, mode=0o755)), b""
    members[info.name] = info, data


def _unpack(package: Path, members: dict[str, tuple[tarfile.TarInfo, bytes]]) -> None:
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=False)
    if done.returncode != 0:
        raise BlueshiftError(
            f"{package.name} cannot be unpacked: {done.stderr.decode(errors='replace').strip()}",
            hint=f"Remove {package.parent} and build again.",
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            path = _merged(member.name)
            if not path or path.startswith(_SKIPPED):
                continue
            if member.isdir() and path in members:
                continue  # `bin` may be a link already
            content = archive.extractfile(member) if member.isreg() else None
            _put(members, _copy(member, path), content.read() if content else b"")


def _copy(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.size, info.mode = member.type, member.size, stat.S_IMODE(member.mode)
    info.linkname = _merged(member.linkname) if member.islnk() else member.linkname
    info.uid, info.gid, info.mtime = member.uid, member.gid, BUILT_AT
    return info


def _merged(name: str) -> str:
    """`./lib/x` as `usr/lib/x`: Debian's merged /usr, which older packages leave to an install script."""
    path = name.removeprefix("./").strip("/")
    if path == ".":
        return ""
    first, inside, _ = path.partition("/")
    return f"usr/{path}" if inside and first in _MERGED else path
