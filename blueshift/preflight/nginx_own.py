"""Checks of ingress-nginx: what people put into it themselves, against the target's version."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.controllers.ingress_nginx.version import numbers
from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_sides import Running
from blueshift.discovery.settings import Side
from blueshift.discovery.world import Rendered, World
from blueshift.preflight.nginx_crossing import compared
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns


def running(world: World) -> Running:
    """The primary. Raises NotLooked with the reason where its settings could not be read."""
    return found(world, "nginx-running", Running)


def side_of(revision: Rendered, which: str) -> Side:
    """What a revision would put into force. Raises NotLooked where that is not known."""
    if revision.side is None:
        why = revision.error or revision.unseen or "this World was taken without looking for it"
        raise NotLooked(f"what the {which} revision puts into force is not known: {why}")
    return revision.side


def template(world: World) -> Iterator[Seen]:
    """A custom nginx.tmpl is one that the target can use."""
    now, then = running(world).side.settings, side_of(world.target, "target").settings
    broken = next((one for one in compared(world).changes if one.rule == "template"), None)
    if broken:
        yield fails(
            f"the nginx.tmpl of {then.template} uses {broken.what}, which controller {then.version} does not "
            "have: no configuration is made from it, and no new pod becomes ready",
            "make it anew from the target's own template",
            (then.template,),
        )
    elif why := side_of(world.target, "target").unread.get(then.template):
        raise NotLooked(f"the nginx.tmpl of {then.template} could not be read: {why}")
    elif then.template and then.version != now.version:
        yield warns(
            f"the nginx.tmpl of {then.template} takes the place of the target's own: it was made for another "
            f"version than {then.version}, if for that",
            f"compare it with rootfs/etc/nginx/template/nginx.tmpl of controller {then.version}",
            (then.template,),
        )
    elif now.template and not then.template:
        yield warns(
            f"the primary has the nginx.tmpl of {now.template}, and the target its own: what was changed in "
            "it is lost",
            "set `controller.customTemplate` in the target's values if it is still needed",
            (now.template,),
        )
    elif then.template:
        yield tells(f"the nginx.tmpl of {then.template} stays, as the version does", (then.template,))
    else:
        yield passed("no custom nginx.tmpl is mounted")
        for which, side in (("primary", running(world).side), ("target", side_of(world.target, "target"))):
            if _custom(side):
                yield tells(f"whether the {which}'s own image has an nginx.tmpl of its own cannot be seen")


def plugins(world: World) -> Iterator[Seen]:
    """Lua plugins are loaded by the target too."""
    lost = next((one for one in compared(world).changes if one.rule == "plugins"), None)
    if lost:
        yield fails(
            f"the primary loads Lua plugins, and {lost.what}: {brief(lost.objects)}",
            "see what they do, and do that before the controller or in the applications",
            lost.objects,
        )
    elif used := running(world).side.settings.plugins:
        yield tells(f"the target loads the same Lua plugins: {brief(used)}", used)
    else:
        yield passed("no Lua plugin is loaded")


def image(world: World) -> Iterator[Seen]:
    """Images are those of the charts, and what runs is what it is called."""
    now = running(world)
    settings, called = now.side.settings, world.controller.version
    said = numbers(now.release)
    if not said:
        yield Seen(
            "not-looked",
            f"the version of {settings.image} is that of its tag or label ({called or 'none'}): "
            f"{now.unasked or 'its program said none'}",
            "`/nginx-ingress-controller --version` in a pod says it",
            stops=False,
        )
    elif called and said != numbers(called):
        yield warns(
            f"{settings.image} says that it is {now.release}, and its tag or label says {called}: "
            "the checks of versions go by what it says",
            "give the image a tag that tells its version",
            (settings.image,),
        )
    own = [("primary", now.side), ("target", side_of(world.target, "target"))]
    for which, side in own:
        if _custom(side):
            yield warns(
                f"the {which}'s image {side.settings.image} is not the one of chart {side.chart_version} "
                f"({side.chart_image}): what is changed in it is not known here",
                "see that it is made from the version that its chart expects",
                (side.settings.image,),
            )
    if said and not any(_custom(side) for _, side in own):
        yield passed(f"the images are those of the charts; {settings.image} says that it is {now.release}")


def _custom(side: Side) -> bool:
    """Whether an image is another than the chart's: the digest tells where both have one, else the name."""
    image, default = side.settings.image, side.chart_image
    if not default:
        return False
    digests = [one.partition("@")[2] for one in (image, default)]
    if all(digests):
        return digests[0] != digests[1]
    return image.partition("@")[0] != default.partition("@")[0]


def foreign(world: World) -> Iterator[Seen]:
    """Every annotation below the controller's prefix is known to the target."""
    seen = compared(world)
    if seen.untabled:
        yield Seen("not-looked", seen.untabled, "compare them with that version's documentation", stops=False)
        return
    for name, ingresses in seen.forgotten.items():
        yield warns(
            f"{name} is not known to the target, which ignores it in {len(ingresses)} Ingresses: "
            f"{brief(ingresses)}",
            "take it out, or find what takes its place in the target's version",
            ingresses,
        )
    own = _custom(running(world).side)
    for name, ingresses in seen.foreign.items():
        where = f"{len(ingresses)} Ingresses: {brief(ingresses)}"
        sentence = f"{name} is an annotation of no version known here, in {where}"
        if own:
            yield warns(
                f"{sentence}; the primary's own image may know it",
                "see that the target's image knows it too",
                ingresses,
            )
        else:
            yield tells(f"{sentence}; it has no effect", ingresses)
    if not seen.forgotten and not (own and seen.foreign):
        yield passed("every annotation that has an effect is known to the target")
