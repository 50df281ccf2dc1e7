"""The DNS tests' BIND."""

from tests.contract.dns.conftest import bind

__all__ = ["bind"]
