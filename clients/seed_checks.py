"""The cost controls that people write by hand (seed/), run against a gateway and a sandbox: they must give right numbers.

The programs are ours, and make the calls and the sums of the scripts that are passed around: a line of curl for the
balance, keys with limits, a budget in the program, `:floor`, `:free` and a table of tasks, an alert for cron.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import time
from decimal import Decimal
from typing import Callable, Iterator, Tuple

from farebox import MANAGEMENT_KEY, SETTLE_SECONDS_MAX, Gateway, free_addresses, get, spawn, wait_for

HERE = pathlib.Path(__file__).resolve().parent
SECONDS_MAX = 60
AMPLE, SCARCE = "sk-or-v1-ample", "sk-or-v1-scarce"
TASKS = ["classification", "summarization", "code_generation", "simple_qa"]

# /generation is late, as it is at OpenRouter.
SANDBOX = f"""
seed = 3
generation_delay = [400, 900]

[[keys]]
name  = "ample"
key   = "{AMPLE}"
limit = "10"

[[keys]]
name  = "scarce"
key   = "{SCARCE}"
limit = "4"
"""

FAREBOX = """
[[budget]]
name   = "day"
limit  = "25.00"
window = "day"

[limits]
per_request = "1.00"

[routes]
"task/classification"  = "openai/gpt-4o-mini:floor"
"task/summarization"   = ["anthropic/claude-3-haiku", "openai/gpt-4o-mini"]
"task/code_generation" = "anthropic/claude-3.5-sonnet"
"task/simple_qa"       = "meta-llama/llama-3.1-8b-instruct"
"""


class SeedWorld:
    """A sandbox with two keys of its own, and a gateway on each."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, python: str):
        self.binary, self.folder, self.python = binary, folder, python
        self.processes = []

    def start(self) -> None:
        (address,) = free_addresses(1)
        self.own = f"http://{address}/sandbox"
        settings, log = self.folder / "seed-sandbox.toml", self.folder / "seed-sandbox.log"
        settings.write_text(SANDBOX)
        command = [str(self.binary), "sandbox", "--listen", address, "--config", str(settings)]
        sandbox = spawn(command, log, self.folder)
        self.processes.append(sandbox)
        wait_for(f"{self.own}/bill", sandbox, log)
        self.upstream = f"http://{address}/api/v1"
        config = self.folder / "seed-farebox.toml"
        config.write_text(FAREBOX)
        self.ample = self.gateway("seed-ample", AMPLE, config)
        self.scarce = self.gateway("seed-scarce", SCARCE, config)

    def gateway(self, name: str, key: str, config: pathlib.Path) -> Gateway:
        gateway = Gateway(self.binary, self.folder, name, self.upstream, "--config", str(config), key=key)
        self.processes.append(gateway.process)
        return gateway

    def billed(self) -> Decimal:
        return Decimal(get(f"{self.own}/bill")["total_usd"])

    def billed_to(self, key: str) -> Decimal:
        by_key = get(f"{self.own}/bill")["by_key"]
        return Decimal(by_key.get(hashlib.sha256(key.encode()).hexdigest()[:16], "0"))

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def all_of(world: SeedWorld) -> Iterator[Tuple[str, Callable[[], None]]]:
    for check in (balance, enforcer, variants, saved, keys, alert, balance):
        yield f"seed: {check.__doc__.splitlines()[0]}", lambda check=check: check(world)


def balance(world: SeedWorld) -> None:
    """the curl line for the balance, with the sandbox's own numbers"""
    told = json.loads(run(world, ["bash", "balance.sh"], world.ample.base), parse_float=Decimal)
    used = world.billed_to(AMPLE)
    assert told["credits_used"] == used, (told, used)
    assert (told["credit_limit"], told["remaining"]) == (10, 10 - used), told
    assert told["is_free_tier"] is False and told["rate_limit"]["requests"] == -1, told


def enforcer(world: SeedWorld) -> None:
    """a budget in the program: what it records is what was billed, call by call"""
    before, posted = world.billed(), posted_of(world.ample)
    told = json.loads(run(world, [world.python, "enforcer.py"], world.ample.base), parse_float=Decimal)
    assert len(told["calls"]) == 4, told
    for call in told["calls"]:
        # The script asked /generation once, right after the call.
        assert call["recorded"] == call["cost"] > 0, call
    spent = sum(call["cost"] for call in told["calls"])
    assert world.billed() - before == spent, (told, world.billed() - before)
    assert abs(told["spent"] - spent) < Decimal("1e-12"), told
    assert 0 <= posted_of(world.ample) - posted - spent < 4 * Decimal("1e-9"), told
    assert "above $1.0 for one request" in told["refused"], told


def variants(world: SeedWorld) -> None:
    """:floor, :free, a table of tasks in the program, and the same table in farebox.toml"""
    before = world.billed()
    told = json.loads(run(world, [world.python, "variants.py"], world.ample.base), parse_float=Decimal)
    assert told["floor"]["model"].startswith("anthropic/claude-3.5-sonnet") and told["floor"]["cost"] > 0, told
    assert told["free"]["cost"] == 0, told
    for asked, routed, task in zip(told["routing"], told["routes"], TASKS):
        assert asked["cost"] > 0 and routed["cost"] > 0, (asked, routed)
        assert asked["route"] is None and routed["route"] == f"task/{task}", routed
        assert routed["model"] == asked["model"], (asked, routed)
    calls = [told["floor"], told["free"], *told["routing"], *told["routes"]]
    assert world.billed() - before == sum(call["cost"] for call in calls), told


def saved(world: SeedWorld) -> None:
    """what each route saved, from the tokens that were counted"""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    rows = routes(world)
    # They are counted beside the books, a moment later.
    while any(row["calls"] == 0 for row in rows.values()) and time.monotonic() < deadline:
        time.sleep(0.05)
        rows = routes(world)
    assert set(rows) == {f"task/{task}" for task in TASKS}, rows
    for row in rows.values():
        cost, instead = Decimal(row["cost_usd"]), Decimal(row["would_have_cost_usd"])
        assert row["calls"] == 1 and cost > 0, row
        assert Decimal(row["saved_usd"]) == instead - cost, row
    assert Decimal(rows["task/classification"]["saved_usd"]) >= 0, rows


def keys(world: SeedWorld) -> None:
    """a key with a limit is made and listed, and pays for a call"""
    told = run(world, [world.python, "keys.py"], world.ample.base, MANAGEMENT_KEY).splitlines()
    made = told[0].removeprefix("made: ")
    assert made.startswith("sk-or-v1-") and len(made) == 73, told
    used = {key["name"]: Decimal(str(key["usage"])) for key in listed_keys(world)}
    assert "backend-prod: $0.0000 / $50" in told[1:] or "backend-prod: $0.0000 / $50.0" in told[1:], told
    assert any(line.startswith(f"ample: ${used['ample']:.4f} / $10") for line in told), (told, used)
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}
    answer = curl(f"{world.upstream}/chat/completions", made, body)
    assert answer["usage"]["cost"] > 0, answer


def alert(world: SeedWorld) -> None:
    """the alert for cron is silent with ten dollars, and speaks with four"""
    assert run(world, ["bash", "alert.sh"], world.ample.base) == ""
    told = run(world, ["bash", "alert.sh"], world.scarce.base)
    assert told == "ALERT: OpenRouter credits low: $4 remaining\n", told


def routes(world: SeedWorld) -> dict:
    listed = json.loads(farebox(world, "routes", "list", "--json", "--console", world.ample.console))
    return {row["route"]: row for row in listed}


def posted_of(gateway: Gateway) -> Decimal:
    return Decimal(gateway.budget()["posted_usd"])


def listed_keys(world: SeedWorld) -> list:
    return curl(f"{world.upstream}/keys", MANAGEMENT_KEY)["data"]


def curl(url: str, key: str, body: dict = None) -> dict:
    command = ["curl", "--silent", "--noproxy", "*", url, "-H", f"Authorization: Bearer {key}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run(world: SeedWorld, command: list, base: str, key: str = "local") -> str:
    """Runs one of the scripts as it is; only base URL and key are given."""
    names = ("OPENAI_", "OPENROUTER_", "FAREBOX_")
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(names)}
    environment.update(BASE_URL=base, API_KEY=key, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    ended = subprocess.run(
        command, cwd=HERE / "seed", env=environment, capture_output=True, text=True, timeout=SECONDS_MAX
    )
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}: {ended.stderr[-2000:]}"
    return ended.stdout


def farebox(world: SeedWorld, *arguments: str) -> str:
    ended = subprocess.run([str(world.binary), *arguments], cwd=world.folder, capture_output=True, text=True)
    assert ended.returncode == 0, f"farebox {' '.join(arguments)} ended with {ended.returncode}: {ended.stderr}"
    return ended.stdout
