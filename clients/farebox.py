"""A sandbox and two gateways over it, as processes of the real binary: one with money, one without."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from decimal import Decimal
from typing import List, Optional

START_SECONDS_MAX = 30
SETTLE_SECONDS_MAX = 10
UPSTREAM_KEY = "sk-or-v1-test"
# The sandbox takes this one for account administration.
MANAGEMENT_KEY = "sk-or-v1-sandbox-management"
# Between the clients and the gateway nothing may stand, whatever the environment says of proxies.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DidNotStart(Exception):
    pass


class Gateway:
    """One `farebox serve`."""

    def __init__(
        self, binary: pathlib.Path, folder: pathlib.Path, name: str, upstream: str, *more: str, key: str = UPSTREAM_KEY
    ):
        listen, self.console = free_addresses(2)
        self.base = f"http://{listen}/api/v1"
        self.name = name
        self.data = folder / name
        self.log = folder / f"{name}.log"
        command = [str(binary), "serve", "--listen", listen, "--console", self.console]
        command += ["--data", str(self.data), "--upstream", upstream, *more]
        self.process = spawn(command, self.log, folder, key)
        wait_for(f"http://{self.console}/readyz", self.process, self.log)

    def stats(self) -> dict:
        return get(f"http://{self.console}/stats")

    def requests(self) -> int:
        return self.stats()["requests"]

    def budget(self) -> dict:
        rows = get(f"http://{self.console}/budgets")
        assert len(rows) == 1, f"one budget was configured, {len(rows)} are listed"
        return rows[0]

    def posted(self) -> Decimal:
        return Decimal(self.budget()["posted_usd"])

    def last(self) -> dict:
        """The newest explanation, once its request has ended."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            last = get(f"http://{self.console}/explain/last")
            if "cost_usd" in last or last.get("reason") or time.monotonic() > deadline:
                return last
            time.sleep(0.02)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


class World:
    def __init__(self, binary: pathlib.Path, folder: pathlib.Path):
        self.binary = binary
        self.folder = folder
        self.sandbox: Optional[subprocess.Popen] = None
        self.gateways: List[Gateway] = []

    def start(self) -> None:
        if not self.binary.exists():
            raise DidNotStart(f"there is no {self.binary}; cargo build makes it")
        (address,) = free_addresses(1)
        self.sandbox_address = address
        log = self.folder / "sandbox.log"
        self.sandbox = spawn([str(self.binary), "sandbox", "--listen", address, "--seed", "1"], log, self.folder)
        wait_for(f"http://{address}/sandbox/bill", self.sandbox, log)
        upstream = f"http://{address}/api/v1"
        self.rich = Gateway(self.binary, self.folder, "rich", upstream, "--budget", "1/lifetime")
        self.gateways.append(self.rich)
        self.poor = Gateway(self.binary, self.folder, "poor", upstream, "--budget", "0.000001/lifetime")
        self.gateways.append(self.poor)

    def bill(self) -> dict:
        bill = get(f"http://{self.sandbox_address}/sandbox/bill")
        return {"total": Decimal(bill["total_usd"]), "requests": bill["requests"]}

    def stop(self) -> None:
        processes = [gateway.process for gateway in self.gateways] + ([self.sandbox] if self.sandbox else [])
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def tell_logs(self) -> None:
        for log in sorted(self.folder.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-15:]
            if lines:
                print(f"-- the end of {log.name}", *lines, sep="\n   ")


def spawn(
    command: List[str], log: pathlib.Path, folder: pathlib.Path, key: str = UPSTREAM_KEY
) -> subprocess.Popen:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FAREBOX_", "OPENROUTER_"))}
    environment["OPENROUTER_API_KEY"] = key
    with log.open("ab") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, cwd=folder
        )


def wait_for(url: str, process: subprocess.Popen, log: pathlib.Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            get(url)
            return
        except (OSError, urllib.error.HTTPError):
            pass
        if process.poll() is not None:
            raise DidNotStart(f"{process.args[1]} ended with {process.returncode}: {log.read_text(errors='replace')}")
        time.sleep(0.05)
    raise DidNotStart(f"{process.args[1]} does not answer at {url}: {log.read_text(errors='replace')}")


def get(url: str):
    with OPENER.open(url, timeout=10) as answer:
        return json.loads(answer.read())


def free_addresses(count: int) -> List[str]:
    """Addresses that nobody listens on, all found before any is let go."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    finally:
        for each in sockets:
            each.close()
