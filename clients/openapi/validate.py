#!/usr/bin/env python3
"""Drives every route of `farebox sandbox` and holds each answer, and each body it accepts, against OpenRouter's schemas.

    validate.py --farebox target/debug/farebox --shared ../shared/openrouter
    validate.py … --self-check      the same with answers broken on purpose, each of which must be noticed
"""

import argparse
import copy
import json
import pathlib
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any, Dict, List, Optional, Tuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import farebox
import spec

MANAGEMENT = "sk-or-v1-sandbox-management"
PLAIN = "sk-or-v1-plain"
MODEL = "openai/gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "Say hello in five words."}]
NOTHING = "0" * 64
NO_ID = "00000000-0000-4000-8000-000000000000"
DAY_MS = 86_400_000

# Seen on the wire (CONTRACT 2, 4, 10, 11; probe of 2026-10-02), and in neither document.
FIELDS = frozenset(
    """
    provider choices[].native_finish_reason choices[].message.tool_calls[].index error.availability
    usage.prompt_tokens_details.video_tokens usage.completion_tokens_details.image_tokens
    """.split()
)
# A model's row is data that OpenRouter recorded, not the sandbox's own doing: newer than both documents in places.
RECORDED = ("/models", "/models/user", "/models/{author}/{slug}/endpoints")
# (method, path, status) that CONTRACT states and neither document lists for the route.
STATUSES = {
    ("get", "/keys", 403): "1: a plain key on an administrative route",
    ("get", "/workspaces/{id}", 403): "1",
    ("post", "/chat/completions", 504): "10.1",
}
# Complaints that CONTRACT explains: what was seen is newer, or other, than the document.
EXPLAINED = {
    "output_modalities/0: 'decisions' is not one of": "0: recorded on 2026-10-02, newer than the document",
    "error/code: 'server_error' is not of type 'integer'": "10.1: text within streams",
}


class Judge:
    """Counts what was checked, and remembers what was wrong."""

    def __init__(self, documents: List[spec.Document], spoil=None):
        self.documents = documents
        self.spoil = spoil
        self.checked, self.streams, self.bodies = 0, 0, 0
        self.wrong: List[str] = []
        self.routes = set()
        self.statuses: Dict[str, set] = {}

    def answer(self, method: str, path: str, status: int, body: Any, kind: str = spec.JSON) -> None:
        self.checked += 1
        self.routes.add(f"{method} {path}")
        self.statuses.setdefault(path, set()).add(status)
        if self.spoil:
            body = self.spoil(body)
        documented = [document for document in self.documents if document.has_status(method, path, status)]
        if not documented and (method, path, status) not in STATUSES:
            self.wrong.append(f"{method} {path} {status}: no document has this status")
        checks = [(document, document.response(method, path, status, kind)) for document in self.documents]
        checks = [(document, schema) for document, schema in checks if schema and document.resolve(schema)]
        if not checks and status >= 400:
            checks = [(self.documents[0], self.documents[0].component("BadRequestResponse"))]
        if status == 400 and isinstance(body, dict) and body.get("success") is False:
            # The other shape of some 400s (CONTRACT 10.1).
            if set(body) == {"success", "error"} and set(body["error"]) == {"name", "message"}:
                return
        fields = FIELDS if path not in RECORDED else None
        self.note(f"{method} {path} {status}", checks, body, fields)

    def accepted(self, method: str, path: str, body: Any) -> None:
        """A body that was answered with 200 or 201 must be one that the documents allow."""
        self.bodies += 1
        checks = [(document, document.request(method, path)) for document in self.documents]
        checks = [(document, schema) for document, schema in checks if schema]
        self.note(f"{method} {path} accepted {json.dumps(body)[:80]}", checks, body, FIELDS)

    def chunk(self, body: Any) -> None:
        self.streams += 1
        if self.spoil:
            body = self.spoil(body)
        checks = [(self.documents[0], self.documents[0].component("ChatStreamChunk"))]
        self.note("a chunk of a stream", checks, body, FIELDS)

    def note(self, what: str, checks, body: Any, allowed: Optional[frozenset]) -> None:
        if not checks:
            self.wrong.append(f"{what}: nothing to hold it against")
            return
        found = spec.complaints(iter(checks), body, allowed or frozenset())
        if allowed is None:
            found = [text for text in found if not text.startswith("no document knows")]
        found = [text for text in found if not any(known in text for known in EXPLAINED)]
        self.wrong += [f"{what}: {text}" for text in found]


class Client:
    """Asks one sandbox, and tells the judge."""

    def __init__(self, address: str, judge: Judge):
        self.address, self.judge = address, judge

    def ask(self, method: str, path: str, key: str = MANAGEMENT, body: Any = None, expect: int = 200, **names) -> Any:
        """`path` as the documents have it, `names` for what is in its braces; the query as `query=`."""
        query = names.pop("query", "")
        url = path
        for name, value in names.items():
            url = url.replace("{" + name + "}", value)
        status, answer = self.call(method, f"/api/v1{url}{query}", key, body)
        if status != expect:
            self.judge.wrong.append(f"{method} {path}: {status} and not {expect}: {json.dumps(answer)[:300]}")
        self.judge.answer(method.lower(), path, status, answer)
        if body is not None and status < 300:
            self.judge.accepted(method.lower(), path, body)
        return answer

    def call(self, method: str, url: str, key: str, body: Any) -> Tuple[int, Any]:
        status, text = self.raw(method, url, key, body)
        return status, json.loads(text)

    def raw(self, method: str, url: str, key: str, body: Any) -> Tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}{url}", data=data, method=method)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with farebox.OPENER.open(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def chat(self, key: str = PLAIN, expect: int = 200, **fields) -> Any:
        body = {"model": MODEL, "messages": MESSAGES, "max_tokens": 50, **fields}
        return self.ask("POST", "/chat/completions", key, body, expect)

    def stream(self, **fields) -> None:
        body = {"model": MODEL, "messages": MESSAGES, "max_tokens": 50, "stream": True, **fields}
        status, text = self.raw("POST", "/api/v1/chat/completions", PLAIN, body)
        assert status == 200, text
        self.judge.accepted("post", "/chat/completions", body)
        events = [line[6:] for line in text.decode().splitlines() if line.startswith("data: ")]
        assert len(events) > 2, "a stream without events"
        for event in events:
            if event != "[DONE]":
                self.judge.chunk(json.loads(event))

    def clock(self, offset_ms: int) -> None:
        self.raw("POST", "/sandbox/clock", "", {"offset_ms": offset_ms})

    def faults(self, **fields) -> None:
        status, text = self.raw("POST", "/sandbox/faults", "", fields)
        assert status == 200, text


def catalogue(client: Client) -> None:
    for key in ("", PLAIN):
        client.ask("GET", "/models", key)
        client.ask("GET", "/models/count", key)
        client.ask("GET", "/providers", key)
        retaining = client.ask("GET", "/endpoints/zdr", key)["data"]
        assert {row["model_id"] for row in retaining}, "nobody retains nothing"
    client.ask("GET", "/models/user", PLAIN)
    client.ask("GET", "/models/user", "", expect=401)
    for name in (MODEL, "meta-llama/llama-3.1-8b-instruct", "google/gemma-2-9b-it:free"):
        author, slug = name.split("/")
        client.ask("GET", "/models/{author}/{slug}/endpoints", "", author=author, slug=slug)
    client.ask("GET", "/models/{author}/{slug}/endpoints", "", expect=404, author="nobody", slug="nothing")


def keys(client: Client) -> None:
    client.ask("GET", "/keys", "", expect=401)
    client.ask("GET", "/keys", PLAIN, expect=403)
    client.ask("POST", "/keys", PLAIN, {"name": "a"}, expect=403)
    bodies = [
        {"name": "plain"},
        {"name": "backend-prod", "limit": 50.0},
        {"name": "full", "limit": 0.25, "limit_reset": "weekly", "include_byok_in_limit": True,
         "expires_at": "2099-12-31T23:59:59Z", "creator_user_id": "user_ann"},
        {"name": "nulls", "limit": None, "limit_reset": None, "expires_at": None, "creator_user_id": None},
        {"name": "partner", "external": {"user": "u1", "api_key": "x" * 32}},
    ]
    made = [client.ask("POST", "/keys", body=body, expect=201) for body in bodies]
    for bad in ({}, {"name": ""}, {"name": "a", "limit": -1}, {"name": "a", "limit_reset": "hourly"},
                {"name": "a", "expires_at": "2099-12-31T23:59Z"}):
        client.ask("POST", "/keys", body=bad, expect=400)
    for row in made:
        client.ask("GET", "/key", row["key"])
        client.chat(row["key"])
        client.ask("GET", "/key", row["key"])
        client.ask("GET", "/keys/{hash}", hash=row["data"]["hash"])
    client.ask("GET", "/key", MANAGEMENT)
    client.ask("GET", "/key", "", expect=401)
    for query in ("", "?offset=1", "?include_disabled=true&include_expired=true", "?offset=500"):
        client.ask("GET", "/keys", query=query)
    client.ask("GET", "/keys", query="?offset=-1", expect=400)
    one = made[1]["data"]["hash"]
    for patch in ({"limit": 75, "limit_reset": "daily", "disabled": False}, {"name": "renamed"}, {"limit": None},
                  {"include_byok_in_limit": True}, {"disabled": True}):
        client.ask("PATCH", "/keys/{hash}", body=patch, hash=one)
    client.ask("PATCH", "/keys/{hash}", body={}, expect=400, hash=one)
    client.ask("GET", "/key", made[1]["key"], expect=401)
    client.ask("DELETE", "/keys/{hash}", hash=one)
    for method in ("GET", "DELETE"):
        client.ask(method, "/keys/{hash}", expect=404, hash=one)
    client.ask("PATCH", "/keys/{hash}", body={"name": "x"}, expect=404, hash=NOTHING)


def credits(client: Client) -> None:
    client.ask("GET", "/credits")
    client.ask("GET", "/credits", PLAIN)
    client.ask("GET", "/credits", "", expect=401)
    client.ask("POST", "/credits/coinbase", "", expect=410)


def guardrails(client: Client) -> None:
    client.ask("GET", "/guardrails", "", expect=401)
    bodies = [
        {"name": "bare"},
        {"name": "eng-default", "description": "d", "limit_usd": 20, "reset_interval": "daily",
         "include_byok_in_budgets": False, "allowed_models": [MODEL, "anthropic/claude-haiku-4.5"],
         "ignored_providers": ["groq"], "allowed_providers": None, "enforce_zdr_other": True,
         "content_filters": [{"pattern": "secret", "action": "block"}],
         "content_filter_builtins": [{"slug": "email", "action": "redact"}]},
    ]
    made = [client.ask("POST", "/guardrails", body=body, expect=201)["data"] for body in bodies]
    for bad in ({}, {"name": "a", "limit_usd": 1}, {"name": "a", "reset_interval": "daily"}):
        client.ask("POST", "/guardrails", body=bad, expect=400)
    client.ask("GET", "/guardrails", query="?offset=1&limit=1")
    client.ask("GET", "/guardrails", query="?limit=0", expect=400)
    one = made[1]["id"]
    client.ask("GET", "/guardrails/{id}", id=one)
    client.ask("PATCH", "/guardrails/{id}", body={"limit_usd": 30, "allowed_models": [MODEL]}, id=one)
    client.ask("PATCH", "/guardrails/{id}", body={"limit_usd": None}, expect=400, id=one)
    key = client.ask("POST", "/keys", body={"name": "bound"}, expect=201)
    assign = {"keys": {"key_hashes": [key["data"]["hash"]]}, "members": {"member_user_ids": ["user_a"]}}
    for to, body in assign.items():
        path = "/guardrails/{id}/assignments/" + to
        client.ask("POST", path, body=body, id=one)
        client.ask("POST", path, body={}, expect=400, id=one)
        client.ask("POST", path, body=body, expect=404, id=NO_ID)
        client.ask("GET", path, id=one)
        client.ask("GET", path, expect=404, id=NO_ID)
        client.ask("GET", f"/guardrails/assignments/{to}", query="?limit=1")
        client.ask("GET", f"/guardrails/assignments/{to}", "", expect=401)
    client.ask("GET", "/key", key["key"])
    client.chat(key["key"], 403, model="openai/gpt-4")
    for to, body in assign.items():
        client.ask("POST", f"/guardrails/{{id}}/assignments/{to}/remove", body=body, id=one)
    for method in ("DELETE", "GET"):
        client.ask(method, "/guardrails/{id}", expect=200 if method == "DELETE" else 404, id=one)


def workspaces(client: Client) -> None:
    client.ask("GET", "/workspaces")
    client.ask("GET", "/workspaces", "", expect=401)
    made = client.ask("POST", "/workspaces", body={"name": "Production", "slug": "prod"}, expect=201)["data"]
    client.ask("POST", "/workspaces", body={"name": "x", "slug": "Bad Slug"}, expect=400)
    client.ask("GET", "/workspaces/{id}", id="prod")
    client.ask("GET", "/workspaces/{id}", expect=404, id="nowhere")
    base = "/workspaces/{id}/budgets"
    client.ask("GET", base, id=made["id"])
    budget = f"{base}/{{interval}}"
    for interval, body, status in (
        ("monthly", {"limit_usd": 500}, 200),
        ("weekly", {"limit_usd": 400.5, "include_byok_in_budgets": True}, 200),
        ("lifetime", {"limit_usd": 1000}, 200),
        ("daily", {"limit_usd": 500}, 400),
        ("hourly", {"limit_usd": 1}, 400),
    ):
        client.ask("PUT", budget, body=body, expect=status, id="prod", interval=interval)
    client.ask("GET", base, id="prod")
    client.ask("GET", base, expect=404, id="nowhere")
    client.ask("GET", budget, id="prod", interval="lifetime")
    client.ask("GET", budget, expect=404, id="prod", interval="daily")
    key = client.ask("POST", "/keys", body={"name": "inside", "workspace_id": made["id"]}, expect=201)
    client.ask("GET", "/key", key["key"])
    for _ in range(2):
        client.ask("DELETE", budget, id="prod", interval="monthly")
    client.ask("DELETE", budget, "", expect=401, id="prod", interval="monthly")


def completions(client: Client) -> None:
    tool = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
    answers = [
        client.chat(),
        client.chat(metadata={"sandbox_tokens": "12"}, temperature=0.5, session_id="s", user="u"),
        client.chat(tools=[tool], tool_choice="required"),
        client.chat(model="google/gemma-2-9b-it:free"),
        client.chat(model="openai/gpt-5", reasoning={"effort": "low"}, max_tokens=2000),
        client.chat(models=[MODEL, "openai/gpt-4.1"], provider={"max_price": {"prompt": "1", "completion": "5"}}),
    ]
    for seed in range(6):
        client.stream(seed=seed)
    client.stream(tools=[tool], tool_choice="required")
    client.stream(model="openai/gpt-5", max_tokens=2000)
    client.faults(stream_error=1)
    for seed in range(4):
        client.stream(seed=seed, model="openai/gpt-4.1")
    client.faults(stream_error=0)
    for answer in answers:
        generation(client, answer["id"])
    client.ask("GET", "/generation", PLAIN, expect=404, query="?id=gen-1-nothing")
    client.ask("GET", "/generation", PLAIN, expect=400, query="")
    client.ask("GET", "/generation", "", expect=401, query="?id=gen-1-nothing")
    client.chat("", 401)
    client.chat(MANAGEMENT, 403)
    client.chat(expect=400, model="nobody/nothing")
    client.chat(expect=400, messages=[])
    client.chat(expect=404, provider={"only": ["nobody"]})
    client.chat(expect=404, provider={"max_price": {"prompt": "0.01"}})


def generation(client: Client, name: str) -> None:
    """Asked again until it is there, and judged once."""
    for _ in range(100):
        status, _ = client.raw("GET", f"/api/v1/generation?id={name}", PLAIN, None)
        if status == 200:
            break
        time.sleep(0.05)
    client.ask("GET", "/generation", PLAIN, query=f"?id={name}")


def activity(client: Client) -> None:
    client.clock(DAY_MS)
    rows = client.ask("GET", "/activity")["data"]
    assert rows, "a day without activity"
    client.ask("GET", "/activity", query=f"?date={rows[0]['date']}")
    client.ask("GET", "/activity", query="?group_by=workspace")
    client.ask("GET", "/activity", query="?date=yesterday", expect=400)
    client.ask("GET", "/activity", PLAIN, expect=403)
    client.clock(0)


def analytics(client: Client) -> None:
    client.ask("GET", "/analytics/meta")
    client.ask("GET", "/analytics/meta", "", expect=401)
    client.ask("GET", "/analytics/meta", PLAIN, expect=403)
    page = "/analytics/query"
    bodies = [
        {"metrics": ["request_count"]},
        {"metrics": ["total_usage", "request_count"], "dimensions": ["generation_id", "model"], "granularity": "minute",
         "limit": 2},
        {"metrics": ["tokens_total"], "dimensions": ["api_key_id"], "granularity": "day",
         "filters": [{"field": "model", "operator": "in", "value": [MODEL]}],
         "order_by": {"field": "tokens_total", "direction": "desc"}, "group_limit": 5,
         "time_range": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-08T00:00:00Z"}},
    ]
    rows = [client.ask("POST", page, body=body)["data"]["data"] for body in bodies]
    assert rows[0] and rows[1], "completions that the analytics do not know"
    long = {"start": "2026-01-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"}
    client.ask("POST", page, body={"metrics": ["request_count"], "time_range": long}, expect=400)
    client.ask("POST", page, body={"metrics": []}, expect=400)
    client.ask("POST", page, "", body={"metrics": ["request_count"]}, expect=401)
    client.ask("POST", page, PLAIN, body={"metrics": ["request_count"]}, expect=403)


def late_charges(client: Client) -> None:
    """What a generation looks like that is billed after its error, and one that is corrected."""
    client.faults(late_charge=1, late_charge_ms=0, corrected=1, corrected_ms=0)
    for _ in range(6):
        _, text = client.raw("POST", "/api/v1/chat/completions", PLAIN, {"model": MODEL, "messages": MESSAGES})
        client.judge.answer("post", "/chat/completions", json.loads(text)["error"]["code"], json.loads(text))
    client.faults(late_charge=0)
    client.chat(seed=1)
    client.faults(corrected=0)
    for row in json.loads(client.raw("GET", "/sandbox/generations", "", None)[1])["data"][-7:]:
        for _ in range(50):
            if client.call("GET", f"/api/v1/generation?id={row['id']}", PLAIN, None)[0] == 200:
                break
            time.sleep(0.05)
        client.ask("GET", "/generation", PLAIN, query=f"?id={row['id']}")


def catalogue_of_errors(client: Client) -> None:
    """Every refusal that a fault can bring."""
    for fault, statuses in (
        ("server_error", {500, 502, 503, 504, 524, 529}),
        ("rate_limit", {429}),
        ("money_error", {402, 403}),
        ("request_error", {400, 401, 403, 404, 408, 413, 422}),
    ):
        client.faults(**{fault: 1})
        seen = set()
        for seed in range(60):
            body = {"model": MODEL, "messages": MESSAGES, "seed": seed}
            status, answer = client.call("POST", "/api/v1/chat/completions", PLAIN, body)
            seen.add(status)
            client.judge.answer("post", "/chat/completions", status, answer)
        client.faults(**{fault: 0})
        if seen != statuses:
            client.judge.wrong.append(f"{fault}: {sorted(seen)} and not {sorted(statuses)}")


def scarcity(client: Client) -> None:
    """A sandbox with little money and few free requests."""
    limited = client.ask("POST", "/keys", body={"name": "limited", "limit": 0.0000001}, expect=201)
    client.chat(limited["key"], 402)
    spent = client.ask("POST", "/keys", body={"name": "spent", "limit": 0}, expect=201)
    client.chat(spent["key"], 403)
    client.ask("GET", "/key", spent["key"])
    client.chat(expect=402, model="openai/gpt-5.5-pro", max_tokens=128_000)
    client.chat(model="google/gemma-2-9b-it:free")
    client.chat(expect=429, model="google/gemma-2-9b-it:free")
    client.ask("GET", "/credits", PLAIN, expect=403)
    client.ask("GET", "/key", PLAIN)
    workspace = "/workspaces/{id}/budgets/{interval}"
    client.ask("PUT", workspace, body={"limit_usd": 0.00000001}, id="default", interval="daily")
    client.chat(expect=200)
    client.chat(expect=403)
    client.ask("GET", "/key", PLAIN)


USUAL = (catalogue, keys, credits, guardrails, workspaces, completions, activity, analytics, late_charges,
         catalogue_of_errors)
POOR = 'credits = "0.01"\nfree_per_day = 1\nplain_credits = "forbidden"\nseed = 3\n'


def drive(binary: pathlib.Path, judge: Judge) -> None:
    with tempfile.TemporaryDirectory(prefix="farebox-openapi-") as folder:
        place = pathlib.Path(folder)
        for name, config, rooms in (("usual", "seed = 1\n", USUAL), ("poor", POOR, (scarcity,))):
            address, = farebox.free_addresses(1)
            settings, log = place / f"{name}.toml", place / f"{name}.log"
            settings.write_text(config)
            command = [str(binary), "sandbox", "--listen", address, "--config", str(settings)]
            process = farebox.spawn(command, log, place)
            try:
                farebox.wait_for(f"http://{address}/sandbox/bill", process, log)
                for room in rooms:
                    room(Client(address, judge))
            finally:
                process.kill()
                process.wait()


# Ways to break a body. Each must be noticed, or the check is worth nothing.
def without_a_field(body: Any) -> Any:
    return {name: value for name, value in list(body.items())[1:]} if isinstance(body, dict) else body


def with_text_for_numbers(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: with_text_for_numbers(value) for name, value in body.items()}
    if isinstance(body, list):
        return [with_text_for_numbers(value) for value in body]
    is_number = isinstance(body, (int, float)) and not isinstance(body, bool)
    return str(body) if is_number else body


def with_a_stranger(body: Any) -> Any:
    return {**copy.deepcopy(body), "invented_field": 1} if isinstance(body, dict) else body


SPOILERS = (without_a_field, with_text_for_numbers, with_a_stranger)
# Good answers that this does not break: they hold no number, or are recorded and may have fields of their own.
UNBREAKABLE = {with_text_for_numbers: {"/analytics/meta", "/providers"}, with_a_stranger: set(RECORDED)}


def overlooked(judge: Judge) -> set:
    """Routes whose good answers were broken, and nobody noticed."""
    answered = {path for path, statuses in judge.statuses.items() if 200 in statuses}
    noticed = {path for _, path, status in (text.split(" ")[:3] for text in judge.wrong) if status == "200:"}
    return answered - noticed - UNBREAKABLE.get(judge.spoil, set())


def self_check(binary: pathlib.Path, documents: List[spec.Document]) -> int:
    missed = 0
    for spoil in SPOILERS:
        judge = Judge(documents, spoil)
        # What the rooms read of the answers is not broken, only what the judge sees.
        drive(binary, judge)
        share = len({text.split(": ")[0] for text in judge.wrong})
        unseen = sorted(overlooked(judge))
        missed += share <= 20 or bool(unseen)
        if share > 20 and not unseen:
            print(f"ok {spoil.__name__}: noticed in {share} kinds of answers")
        else:
            print(f"MISSED {spoil.__name__}: noticed in {share} kinds of answers, overlooked at {unseen}")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--farebox", required=True, type=pathlib.Path, help="the binary")
    parser.add_argument("--shared", required=True, type=pathlib.Path, help="the folder of the OpenAPI documents")
    parser.add_argument("--self-check", action="store_true", help="prove that broken answers are noticed")
    arguments = parser.parse_args()
    documents = spec.documents(arguments.shared)
    binary = arguments.farebox.resolve()
    if arguments.self_check:
        return 1 if self_check(binary, documents) else 0
    judge = Judge(documents)
    drive(binary, judge)
    for text in sorted(set(judge.wrong)):
        print(f"WRONG {text}")
    chat = sorted(judge.statuses["/chat/completions"])
    print(f"{len(judge.routes)} routes, {judge.checked} answers, {judge.streams} chunks, {judge.bodies} accepted bodies;"
          f" chat answered {', '.join(map(str, chat))}: {len(set(judge.wrong))} wrong")
    return 1 if judge.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
