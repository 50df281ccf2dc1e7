"""Configuration files of the lab's programs, as jinja2 templates beside this file."""

from __future__ import annotations

from typing import Any


def render(template: str, **values: Any) -> str:
    """Fill a template in; a value that it needs and does not get is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("blueshift.lab.config", "."),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 configuration files, not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
