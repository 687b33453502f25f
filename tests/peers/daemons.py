"""A daemon of Debian in a folder: started and stopped as often as one likes, on the ports that it was given."""

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_LISTENS_WITHIN_S = 60
_ENDS_WITHIN_S = 60


class Daemon:
    """`words` is how it is called; it is there when its port on loopback answers. What it says is in said.txt."""

    def __init__(self, folder: Path, port: int, words: list[str]) -> None:
        self.folder, self._listens, self._words = folder, port, words
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        with (self.folder / "said.txt").open("ab") as said:
            self._process = subprocess.Popen(
                self._words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
        deadline = time.monotonic() + _LISTENS_WITHIN_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._listens), timeout=5).close()
            except OSError:
                assert self._process.poll() is None, (self.folder / "said.txt").read_text(errors="replace")
                assert time.monotonic() < deadline, f"{self._words[0]} does not listen"
                time.sleep(0.05)
            else:
                return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_ENDS_WITHIN_S)
            self._process = None
