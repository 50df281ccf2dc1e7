"""All images of a lab, and how they come into one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from blueshift.lab.build import Progress, controller_tools
from blueshift.lab.containerd import import_image
from blueshift.lab.image_specs import RELEASES, controller_image, echo_image
from blueshift.lab.images import build_image
from blueshift.lab.paths import Lab

_ECHO_SERVER = Path(__file__).with_name("echo_server.py")


async def build_images(say: Callable[[str], None], progress: Callable[[Progress], None]) -> tuple[Path, ...]:
    """The tars of every controller release and of the echo application, from the cache or built now.

    Needs no root. Cold: half a minute, after the controller's programs (a minute).
    """
    specs = [
        controller_image(version, await controller_tools(f"v{version}", say, progress))
        for version in RELEASES
    ]
    specs.append(echo_image(_ECHO_SERVER))
    return tuple([await asyncio.to_thread(build_image, spec, say) for spec in specs])


async def import_images(lab: Lab, images: tuple[Path, ...]) -> None:
    """Put them into a lab that is up."""
    for image in images:
        await import_image(lab, image)
