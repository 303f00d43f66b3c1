"""What must hold for every client."""

import json
import os
import pathlib
import subprocess
from decimal import ROUND_CEILING, Decimal
from typing import Callable, Iterator, Tuple

from farebox import MANAGEMENT_KEY, Gateway, World, get

MODEL = "openai/gpt-4o-mini"
SENTENCE = "Insufficient credits: budget 'lifetime'"
NANO = Decimal("0.000000001")
SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "openrouter"
# No client may take longer: one that keeps repeating a refusal is a failure, not a wait.
SECONDS_MAX = 60


class Skip(Exception):
    """Not on this machine, for a reason."""


def all_of(clients, world: World) -> Iterator[Tuple[str, Callable[[], None]]]:
    for client in clients:
        if client.kind == "openapi":
            yield "openapi: the sandbox answers as OpenRouter's schemas say", lambda client=client: openapi(client, world)
            yield "openapi: broken answers are noticed", lambda client=client: openapi(client, world, "--self-check")
            continue
        for check in (chat, stream, tools, models, refused, refused_stream):
            name = f"{client.name}: {check.__doc__.splitlines()[0]}"
            yield name, lambda check=check, client=client: check(client, world)
        if client.name.startswith("openrouter-"):
            yield f"{client.name}: keys and credits", lambda client=client: account(client, world)
    if all(client.kind == "openapi" for client in clients):
        # It talks to sandboxes of its own: the gateway's books are empty, and there is nothing to hold against them.
        return
    yield "books: what is posted is what the sandbox billed", lambda: books_agree(world)
    yield "catalogue: every model of the sample is served", lambda: catalogue(world)
    yield "serve: SIGTERM drains and exits 0", lambda: ends_well(world)


def chat(client, world: World) -> None:
    """a plain chat, booked at the cost the SDK saw"""
    seen = spend(client, "chat", world)
    assert seen["text"], seen
    assert seen["tokens"] > 0, seen


def stream(client, world: World) -> None:
    """a streamed chat, with its usage chunk"""
    seen = spend(client, "stream", world)
    assert seen["text"], seen
    assert seen["chunks"] > 2, seen
    assert seen["tokens"] > 0, seen


def tools(client, world: World) -> None:
    """a chat with a tool that is called"""
    seen = spend(client, "tools", world)
    assert seen["tool"] == "weather", seen
    json.loads(seen["arguments"])


def models(client, world: World) -> None:
    """the list of models, which costs nothing"""
    before = world.bill()
    seen = call(client, "models", world.rich)
    assert seen["models"] > 0 and MODEL in seen["names"], seen
    assert world.bill()["total"] == before["total"]


def refused(client, world: World) -> None:
    """a budget that is used up: one request, our sentence, nothing billed"""
    is_refused(client, "chat", world)


def refused_stream(client, world: World) -> None:
    """the same for a stream"""
    is_refused(client, "stream", world)


def account(client, world: World) -> None:
    """keys are made, listed and deleted, and the credits told, with a management key"""
    before = world.bill()
    seen = call(client, "account", world.rich, MANAGEMENT_KEY)
    assert "error" not in seen, seen
    assert seen["made"].startswith("sk-or-v1-") and ["made-by-sdk", 5] in seen["keys"], seen
    assert seen["bought"] > 0, seen
    assert Decimal(str(seen["used"])) == Decimal(str(float(before["total"]))), (seen, before)
    assert world.bill() == before, "nothing of it costs anything"


def books_agree(world: World) -> None:
    row = world.rich.budget()
    assert Decimal(row["held_usd"]) == 0, row
    assert Decimal(row["unknown_usd"]) == 0, row
    billed, posted = world.bill()["total"], Decimal(row["posted_usd"])
    # Each call is rounded up to a billionth of a dollar.
    settled = world.rich.stats()["holds_settled"]
    assert billed <= posted <= billed + settled * NANO, f"billed {billed}, posted {posted}"
    available = Decimal(row["limit_usd"]) - posted
    assert Decimal(row["available_usd"]) == available, row
    listed = json.loads(farebox(world, "budgets", "list", "--json", "--console", world.rich.console))
    assert listed == [row], listed


def openapi(client, world: World, *further: str) -> None:
    if not (SHARED / "openapi.yaml").exists():
        raise Skip("OpenRouter's OpenAPI documents are not beside the checkout")
    command = client.command + ["--farebox", str(world.binary), "--shared", str(SHARED), *further]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=5 * SECONDS_MAX)
    assert ended.returncode == 0, f"{ended.stdout[-4000:]}{ended.stderr[-2000:]}"
    print(ended.stdout.strip())


def catalogue(world: World) -> None:
    sample = SHARED / "models-sample.json"
    if not sample.exists():
        raise Skip("the sample of OpenRouter's catalogue is not beside the checkout")
    wanted = {row["id"] for row in json.loads(sample.read_text())["data"]}
    served = {row["id"] for row in get(f"{world.rich.base}/models")["data"]}
    assert wanted <= served, f"missing: {sorted(wanted - served)}"


def ends_well(world: World) -> None:
    before = world.rich.budget()
    for gateway in world.gateways:
        status = gateway.stop()
        assert status == 0, f"{gateway.name} ended with {status}"
    after = json.loads(farebox(world, "budgets", "list", "--json", "--data", str(world.rich.data)))
    assert after == [before], after


def spend(client, what: str, world: World) -> dict:
    """Lets the client make one call; holds what it saw against the books and the bill."""
    billed, posted, requests = world.bill(), world.rich.posted(), world.rich.requests()
    seen = call(client, what, world.rich)
    assert "error" not in seen, seen
    last = world.rich.last()
    assert last["outcome"] == "settled", last
    assert world.rich.requests() - requests == 1, "one call was to be one request"
    now = world.bill()
    assert now["requests"] - billed["requests"] == 1, (billed, now)
    cost = Decimal(last["cost_text"])
    assert cost > 0 and now["total"] - billed["total"] == cost, (billed, now, last)
    assert world.rich.posted() - posted == cost.quantize(NANO, ROUND_CEILING), (posted, last)
    assert Decimal(last["cost_usd"]) <= Decimal(last["held_usd"]), last
    # The SDK read the same text as a float.
    assert float(cost) == float(seen["cost"]), (seen, last)
    return seen


def is_refused(client, what: str, world: World) -> None:
    billed, requests = world.bill(), world.poor.requests()
    seen = call(client, what, world.poor)
    assert "error" in seen, f"nobody refused: {seen}"
    assert SENTENCE in seen["error"], seen
    assert world.poor.requests() - requests == 1, f"{world.poor.requests() - requests} requests for one refusal"
    assert world.bill() == billed, "a refused call reached the sandbox"


def call(client, what: str, gateway: Gateway, key: str = "anything") -> dict:
    """Runs a client program once; what it printed."""
    names = ("OPENAI_", "OPENROUTER_", "FAREBOX_")
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(names)}
    environment.update(BASE_URL=gateway.base, API_KEY=key, MODEL=MODEL, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    ended = subprocess.run(
        client.command + [what], env=environment, capture_output=True, text=True, timeout=SECONDS_MAX
    )
    lines = ended.stdout.strip().splitlines()
    assert ended.returncode == 0 and lines, f"it ended with {ended.returncode}: {ended.stderr[-2000:]}"
    return json.loads(lines[-1])


def farebox(world: World, *arguments: str) -> str:
    ended = subprocess.run([str(world.binary), *arguments], cwd=world.folder, capture_output=True, text=True)
    assert ended.returncode == 0, f"farebox {' '.join(arguments)} ended with {ended.returncode}: {ended.stderr}"
    return ended.stdout
