"""The asyncio client of the `kubernetes` package, without the synchronous one.

`import kubernetes` brings that in by itself, with requests, urllib3, OAuth and informers: a sixth of what the
start of a command costs, and nothing of it is used here. So its parent package is put in place without being
run; whoever else in this process asks it for a part gets it then.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

_PACKAGE = "kubernetes"


def _part(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}") from error


if _PACKAGE not in sys.modules and (_spec := importlib.util.find_spec(_PACKAGE)) is not None:
    _module = importlib.util.module_from_spec(_spec)
    vars(_module)["__getattr__"] = _part
    sys.modules[_PACKAGE] = _module

from kubernetes.aio.client.configuration import Configuration  # noqa: E402
from kubernetes.aio.config import (  # noqa: E402
    ConfigException,
    kube_config,
    load_incluster_config,
    load_kube_config,
)

__all__ = ["ConfigException", "Configuration", "kube_config", "load_incluster_config", "load_kube_config"]
