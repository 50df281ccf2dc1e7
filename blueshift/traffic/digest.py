"""What access logs come to: requests, statuses, latencies and clients, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from blueshift.traffic.layouts import MOST_KINDS
from blueshift.traffic.logs import Line, bare, foreign
from blueshift.traffic.quick import Counted, Raw, Reader, identifies
from blueshift.traffic.seen import Seen
from blueshift.traffic.sides import Answered
from blueshift.traffic.span import Span
from blueshift.traffic.targets import NO_TARGET, Target, Targets

MOST_CLIENTS = 20_000
"""Rows kept; beyond that the rarest are told as one number."""
MOST_RAW = 100_000
"""Different status, latency and target together, before they are added up."""


Again = Callable[[list[bytes]], list[bytes] | None]
"""Takes lines that should be accesses and could not be read; gives them as they are tried again where what
reads them has been found."""


class Digest:
    """Takes lines in blocks, of any number of pods and files."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.readers = [reader]
        """One for each file, those of files in which no access was found apart."""
        self.lines = 0
        self.own = 0
        """Requests of our own probes, which count nowhere else."""
        self.again = Targets()
        """Requests whose lines came twice, which count once."""
        self.unread = 0
        """Lines that should have been accesses."""
        self.unread_first = b""
        self.foreign = 0
        """The controller's own messages, nginx's errors, empty lines."""
        self.other_clients = 0
        """Requests of those that are not in `clients`."""
        self.clients: dict[str, int] = {}
        self.targets = Targets()
        self.before = b""
        """What of others stood before the lines, by the first of them."""
        self._counted = Counted()
        self._seen = Seen()
        self._span = Span()

    def read_by(self, reader: Reader) -> None:
        """The blocks to come are read by this: another file's, or of another format."""
        self._settle()
        if not self.accesses:
            self.readers = []
        self.reader = reader
        self.readers.append(reader)

    def add(self, block: Sequence[bytes], again: Again | None = None) -> None:
        """Count the lines of a block; `again` is asked what of it cannot be read."""
        self.lines += len(block)
        unusual = self.reader.count(block, self._counted, self._seen)
        missed = [line for line in unusual if not self._with_care(line, sure=again is not None)]
        for _ in range(MOST_KINDS):
            if not missed or again is None:
                break
            found = again(missed)
            tried = found or missed
            self.lines += len(tried) - len(missed)  # of several an access may be made
            missed = [line for line in tried if not self._with_care(line)]
            if found is None or len(missed) == len(tried):
                break
        if missed:
            self.unread += len(missed)
            self.unread_first = self.unread_first or bare(missed[0])[:200]
        self._seen.age()
        if self.reader.has_time:
            self._span.take(block, self.reader.at)
        if (
            len(self._counted.raw) + len(self._counted.again) > MOST_RAW
            or len(self._counted.clients) > MOST_CLIENTS
        ):
            self._settle()

    def finish(self) -> None:
        """Add up what is left; the figures are whole after this."""
        self._settle()

    @property
    def accesses(self) -> int:
        """Lines that were read, whoever asked for whatever."""
        return self.lines - self.foreign - self.unread

    @property
    def layout(self) -> str:
        """The names of the layouts by which lines were read."""
        return ", ".join(dict.fromkeys(reader.layout.name for reader in self._read))

    @property
    def lacks(self) -> tuple[str, ...]:
        """Variables that any of the layouts lacks."""
        return tuple(dict.fromkeys(name for reader in self._read for name in reader.lacks))

    @property
    def told_by(self) -> frozenset[str]:
        """What requests are told apart by: `host`, `upstream` or `nothing`, more where formats differ."""
        return frozenset(reader.told_by for reader in self._read)

    @property
    def duplicates(self) -> int:
        """Lines that came twice."""
        return sum(target.requests for target in self.again.values())

    @property
    def requests(self) -> int:
        """Of known targets, our own probes and duplicates apart."""
        return sum(target.requests for name, target in self.targets.items() if name != NO_TARGET)

    def answered(self) -> Answered:
        """All known targets, as they are judged."""
        return self.targets.answered()

    def span(self) -> tuple[datetime, datetime] | None:
        """The first and the last instant that was seen."""
        return self._span.told()

    @property
    def _read(self) -> list[Reader]:
        """Those by which lines were read, and those that were tried first."""
        return [one for reader in self.readers for one in (reader, *reader.helped)]

    def _with_care(self, raw: bytes, sure: bool = False) -> bool:
        """Count one line; not, where it should be an access and cannot be read, or not for `sure`."""
        raw = bare(raw)
        line = self.reader.parse(raw)
        if sure and line and not line.client and self.reader.fits(raw) < 1:
            return False
        if line is None:
            if not foreign(raw):
                return False
            self.foreign += 1
        elif identifies(line.request_id) and self._seen.again(raw):
            self.again.of("" if line.own else line.target).add(line.status, line.took)
        elif line.own:
            self.own += 1
        else:
            self.targets.of(line.target).add(line.status, line.took)
            self._counted.clients[line.client.encode()] += 1
        return True

    def _settle(self) -> None:
        text = self.reader.text
        self._add_up(self._counted.raw, self.targets)
        self._add_up(self._counted.again, self.again)
        for client, count in self._counted.clients.items():
            name = text(client)
            self.clients[name] = self.clients.get(name, 0) + count
        if len(self.clients) > MOST_CLIENTS:
            kept = sorted(self.clients.items(), key=lambda item: -item[1])[: MOST_CLIENTS // 2]
            self.other_clients += sum(self.clients.values()) - sum(count for _, count in kept)
            self.clients = dict(kept)
        self._counted = Counted()

    def _add_up(self, counted: Mapping[Raw, int], targets: Targets) -> None:
        text = self.reader.text
        known: dict[tuple[bytes, ...], tuple[int, Target]] = {}
        for (seconds, *rest), count in counted.items():
            what = tuple(rest)
            if what not in known:
                status, host, upstream = rest
                line = _LIKE._replace(
                    status=_number(status),
                    host=text(host).lower(),
                    upstream=text(upstream) if self.reader.has_upstream else "-",
                )
                known[what] = line.status, targets.of(line.target)
            answer, target = known[what]
            target.add(answer, self.reader.seconds(seconds), count)


_LIKE = Line("http", 0.0, "", 0, "-", "", "", "", 0.0, 0, "", "", 0, 0)
"""A line of which only status, host and upstream are known: what it was for follows from these."""


def _number(status: bytes) -> int:
    return int(status) if status.isdigit() else 0
