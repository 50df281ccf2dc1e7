"""The charts and values that a run works with: the running ones out of Helm's record, the target's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blueshift.app.session import Session
from blueshift.app.values_file import not_nested, values_of
from blueshift.controllers.profile import Profile
from blueshift.discovery.render import RECORD
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import Chart, ChartRef, read_chart, read_local
from blueshift.helm.records import ReleaseRecord, whole, write_chart
from blueshift.helm.values import merge
from blueshift.playbook.config import Config
from blueshift.steps.revisions import Revisions


async def revisions_of(session: Session, record: ReleaseRecord, profile: Profile, scratch: Path) -> Revisions:
    """The revisions of a run. Raises BlueshiftError for a chart or values that cannot be had."""
    rebuildable(record, profile.name)
    running = read_chart(write_chart(record, scratch / "running"))
    target = running
    if session.config.chart is not None:
        into = scratch / "target"
        into.mkdir()
        target = await session.helm.fetch(_ref(session.config), into)
        _same_kind(running, target)
    not_nested(target_values(session.config, {}), target, "`values` in blueshift.yaml")
    return Revisions(
        profile,
        running=running,
        running_values=record.values,
        target=target,
        target_values=target_values(session.config, record.values),
    )


def readable(config: Config, scratch: Path) -> None:
    """See that what the settings name on this machine can be read: values, a chart that is here.

    Raises BlueshiftError. It needs no cluster, and so is told before one is asked.
    """
    target_values(config, {})
    if config.chart is not None and config.chart.path is not None:
        read_local(_ref(config), scratch)


def target_values(config: Config, running: dict[str, Any]) -> dict[str, Any]:
    """One mapping: the running release's values (or nothing), each file over them, then `inline`."""
    merged: dict[str, Any] = dict(running) if config.values.base == "running" else {}
    for file in config.values.files:
        hint = "`values.files` in blueshift.yaml names it; paths begin at that file"
        merged = merge(merged, values_of(Path(file), hint))
    return merge(merged, config.values.inline)


def source_of(config: Config) -> str:
    """Where the target's chart comes from, as in `Rendered.source`."""
    chart = config.chart
    if chart is None:
        return RECORD
    if chart.repo:
        return f"repo {chart.repo}"
    return f"registry {chart.oci}" if chart.oci else f"path {chart.path or chart.name}"


def _ref(config: Config) -> ChartRef:
    chart = config.chart
    assert chart is not None
    ref = chart.path or chart.oci or chart.name or ""
    return ChartRef(str(ref), repo=chart.repo or "", version=chart.version or "")


def rebuildable(record: ReleaseRecord, controller: str) -> None:
    """See that the temporary can be made of the chart that runs: Helm keeps no subcharts in its records.

    Of a company's own chart around the controller's it has the outer one alone, and overrides are set where
    the controller's own chart has them. Raises BlueshiftError with the way to a release of that chart, which
    renders the same objects.
    """
    keys = {one.get("alias") or one["name"]: one["name"] for one in record.dependencies}
    key = next((key for key, name in keys.items() if name == controller), None)
    if key is None:
        return whole(record)
    name, others = controller, [one for one in keys if one != key]
    also = f"; what else it holds ({', '.join(others)}) needs a release of its own before" if others else ""
    raise BlueshiftError(
        f"the chart {record.chart_name} of {record.name} wraps {name}, and Helm's record holds no subcharts",
        hint=f"make {record.name} a release of {name} itself: `helm upgrade {record.name}` with that chart "
        f"in its version, and with the values that stand below `{key}:`, changes no object of it{also} "
        "(docs/troubleshooting.md has the commands)",
    )


def _same_kind(running: Chart, target: Chart) -> None:
    """A slip of the pen must not replace the controller by something else."""
    if running.name != target.name:
        raise BlueshiftError(
            f"the running release was made from the chart {running.name}, and the target is {target.name}",
            hint="name the right chart: `chart:` in blueshift.yaml, or --chart",
        )
