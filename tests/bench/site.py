"""A site on loopback that stands for a controller: every host answers the same, over TLS and without.

`python -m tests.bench.site CERTIFICATE HTTP HTTPS ADDRESS…` serves at these ports of every address until it
is killed, and says `ready` when it does. CERTIFICATE is a PEM file with its key.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import trustme

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nStrict-Transport-Security: max-age=31536000\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        return
    finally:
        writer.close()


async def serve(certificate: str, http: int, https: int, addresses: Sequence[str]) -> None:
    """Serve until the process ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    await asyncio.start_server(_answer, addresses, http)
    await asyncio.start_server(_answer, addresses, https, ssl=context)
    print("ready", flush=True)
    await asyncio.Event().wait()


@contextmanager
def running(folder: Path, http: int, https: int, *addresses: str) -> Iterator[None]:
    """A site of its own process while the block lasts; its certificate is written into `folder`."""
    issued = trustme.CA().issue_cert("shop.test", "*.shop.test")
    pem = folder / "site.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    argv = [sys.executable, "-m", "tests.bench.site", str(pem), str(http), str(https), *addresses]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n", "the site does not serve"
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
