"""curl, as a script would call it."""

import json
import os
import subprocess
import sys

BASE = os.environ["BASE_URL"]
MODEL = os.environ["MODEL"]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def curl(path, body=None):
    command = ["curl", "--silent", "--show-error", "--no-buffer", BASE + path]
    command += ["-H", f"Authorization: Bearer {os.environ['API_KEY']}", "-w", "\n%{http_code}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text, status = out.rsplit("\n", 1)
    return text, int(status)


def ask(content, **more):
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}], "max_tokens": 200, **more}
    text, status = curl("/chat/completions", body)
    if status != 200:
        print(json.dumps({"error": json.loads(text)["error"]["message"], "status": status}))
        sys.exit()
    return text


def chat():
    answer = json.loads(ask("Say hello in five words."))
    usage = answer["usage"]
    text = answer["choices"][0]["message"]["content"]
    return {"text": text, "tokens": usage["completion_tokens"], "cost": usage["cost"]}


def stream():
    lines = ask("Say hello in five words.", stream=True).splitlines()
    data = [line[len("data: ") :] for line in lines if line.startswith("data: ")]
    assert data[-1] == "[DONE]", data[-1]
    chunks = [json.loads(each) for each in data[:-1]]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    usage = [chunk["usage"] for chunk in chunks if chunk.get("usage")][-1]
    return {"text": text, "chunks": len(chunks), "tokens": usage["completion_tokens"], "cost": usage["cost"]}


def tools():
    answer = json.loads(ask("What is the weather in Lisbon?", tools=[TOOL], tool_choice="required"))
    called = answer["choices"][0]["message"]["tool_calls"][0]["function"]
    return {"tool": called["name"], "arguments": called["arguments"], "cost": answer["usage"]["cost"]}


def models():
    text, status = curl("/models")
    assert status == 200, text
    names = [row["id"] for row in json.loads(text)["data"]]
    return {"models": len(names), "names": names}


print(json.dumps({"chat": chat, "stream": stream, "tools": tools, "models": models}[sys.argv[1]]()))
