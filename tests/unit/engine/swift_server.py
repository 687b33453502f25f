"""OpenStack Swift with its S3 door, from Debian's packages, on loopback ports and in a temporary folder: a real bucket to test against."""

import datetime as dt
import getpass
import hashlib
import hmac
import http.client
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.peers.ports import free_port
from tests.peers.programs import FOLDERS, Missing

PACKAGES = "swift-proxy swift-account swift-container swift-object memcached"
ACCESS_KEY, SECRET_KEY, REGION = "test:tester", "testing", "us-east-1"
_PIPES = {"proxy": "catch_errors cache s3api tempauth slo dlo proxy-server"}


def _program(name: str) -> str:
    found = shutil.which(name, path=FOLDERS)
    if found is None:
        raise Missing(f"{name} is not installed: apt-get install {PACKAGES}")
    return found


class SwiftServer:
    """Account, container, object and proxy server and their memcached; `stop_door` and `start_door` make an outage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._ports = {kind: free_port() for kind in ("account", "container", "object", "memcached")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the server of ours reads."""
        return {
            "AWS_ENDPOINT": self.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
        }  # fmt: skip

    @property
    def options(self) -> dict[str, Any]:
        """The same for S3Store, with short patience."""
        return {
            "endpoint": self.endpoint, "client_options": {"allow_http": True}, "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY,
            "region": REGION, "retry_config": {"max_retries": 1},
        }  # fmt: skip

    def __enter__(self) -> Self:
        (self.folder / "devices" / "d1").mkdir(parents=True)
        memcached = [_program("memcached"), "-l", "127.0.0.1", "-p", str(self._ports["memcached"]), "-m", "16"]
        self._start("memcached", [*memcached, *(["-u", "nobody"] if os.geteuid() == 0 else [])])
        for kind in ("account", "container", "object"):
            self._ring(kind)
            config = self._config(kind, self._ports[kind], f"[app:{kind}-server]\nuse = egg:swift#{kind}\n")
            self._start(kind, [_program(f"swift-{kind}-server"), str(config)])
        self.start_door()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._processes):
            self._stop(name)

    def start_door(self) -> None:
        config = self._config(
            "proxy", self.port,
            "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nallow_account_management = true\n"
            "[filter:catch_errors]\nuse = egg:swift#catch_errors\n[filter:slo]\nuse = egg:swift#slo\n[filter:dlo]\nuse = egg:swift#dlo\n"
            f"[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{self._ports['memcached']}\n"
            f"[filter:s3api]\nuse = egg:swift#s3api\nlocation = {REGION}\n"
            f"[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = {SECRET_KEY} .admin\n",
        )  # fmt: skip
        self._start("proxy", [_program("swift-proxy-server"), str(config)])
        deadline = time.monotonic() + 150
        while self._asks("GET", "/") != 200:
            if time.monotonic() > deadline:
                raise AssertionError("swift does not answer: " + (self.folder / "proxy.log").read_text()[-500:])
            time.sleep(0.1)

    def stop_door(self) -> None:
        self._stop("proxy")

    def make_bucket(self, name: str) -> None:
        status = self._asks("PUT", f"/{name}")
        if status != 200:
            raise AssertionError(f"the bucket was refused with {status}")

    def _ring(self, kind: str) -> None:
        builder = str(self.folder / f"{kind}.builder")
        tool = _program("swift-ring-builder")
        device = f"r1z1-127.0.0.1:{self._ports[kind]}/d1"
        for words in (["create", "2", "1", "0"], ["add", device, "1"], ["rebalance"]):
            subprocess.run([tool, builder, *words], check=True, capture_output=True)

    def _config(self, kind: str, port: int, rest: str) -> Path:
        path = self.folder / f"{kind}.conf"
        path.write_text(
            f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\ndevices = {self.folder / 'devices'}\nmount_check = false\n"
            f"swift_dir = {self.folder}\nuser = {getpass.getuser()}\nworkers = 0\nlog_level = WARNING\n"
            f"[pipeline:main]\npipeline = {_PIPES.get(kind, kind + '-server')}\n{rest}"
        )
        return path

    def _start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _stop(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait(60)

    def _asks(self, method: str, path: str) -> int:
        """The status of an empty request, signed by hand (AWS Signature Version 4)."""
        host, at, empty = f"127.0.0.1:{self.port}", dt.datetime.now(dt.UTC), hashlib.sha256(b"").hexdigest()
        stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
        names = "host;x-amz-content-sha256;x-amz-date"
        request = (
            f"{method}\n{path}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\n{names}\n{empty}"
        )
        scope = f"{day}/{REGION}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{SECRET_KEY}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        said = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
        wire = http.client.HTTPConnection(host, timeout=60)
        try:
            wire.request(
                method, path, headers={"x-amz-date": stamp, "x-amz-content-sha256": empty, "Authorization": said}
            )
            return wire.getresponse().status
        except OSError:
            return 0
        finally:
            wire.close()
