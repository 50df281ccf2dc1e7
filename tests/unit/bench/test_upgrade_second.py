"""What wrk prints."""

from __future__ import annotations

import pytest

from blueshift.errors import BlueshiftError
from tests.bench.upgrade.second import Seen, read

PRINTED = """Running 10s test @ https://app07.lab.test/inbox?wait=0.2
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   203.36ms    2.62ms 218.39ms   85.05%
    Req/Sec    39.35      8.24    60.00     95.96%
  388 requests in 10.01s, 266.75KB read
{more}Requests/sec:     38.77
Transfer/sec:     26.65KB
"""


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        (PRINTED.format(more=""), Seen(388)),
        (PRINTED.format(more="  Non-2xx or 3xx responses: 12\n"), Seen(388, refused=12)),
        (
            PRINTED.format(
                more="  Socket errors: connect 1, read 3, write 0, timeout 2\n  Non-2xx or 3xx responses: 5\n"
            ),
            Seen(388, refused=5, broken=6),
        ),
        ("unable to connect to app07.lab.test:https Connection refused\n", Seen(broken=1)),
    ],
)
def test_figures_of_one_start(printed: str, seen: Seen) -> None:
    assert read(printed) == seen


@pytest.mark.parametrize("printed", ["", "/usr/bin/python3: No module named blueshift.__main__\n"])
def test_what_did_not_run_is_no_witness(printed: str) -> None:
    with pytest.raises(BlueshiftError, match="wrk has no figures"):
        read(printed)


def test_figures_add_up() -> None:
    assert Seen(1, 2, 3).plus(Seen(10, 20, 30)) == Seen(11, 22, 33)
