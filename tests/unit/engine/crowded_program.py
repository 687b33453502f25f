"""A worker whose slots are all taken by long work, started by test_worker_room: `crowded_program URL FOLDER SLOTS`."""

import sys
import time
from pathlib import Path

from heliograph.engine.db import Database
from heliograph.engine.jobs import Work
from heliograph.engine.jobs.worker import Periodic, run_worker


def main() -> None:
    database, folder, slots = Database(sys.argv[1], name="test-crowded"), Path(sys.argv[2]), int(sys.argv[3])
    database.open()

    def hang(n: int) -> None:
        (folder / f"begun-{n}").touch()
        while not (folder / "enough").exists():
            time.sleep(0.05)

    def beat() -> None:
        with (folder / "beats").open("a") as file:
            file.write(".")

    run_worker(database, [Work("test_hang", hang, tracked=False)], [Periodic("beat", 0.05, beat)], slots=slots)


if __name__ == "__main__":
    main()
