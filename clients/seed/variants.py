"""The cheapest provider of a model, a free model, and a cheap model for each kind of task. Prints JSON."""

import json
import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"])
ROUTING = {
    "classification": "openai/gpt-4o-mini",
    "summarization": "anthropic/claude-3-haiku",
    "code_generation": "anthropic/claude-3.5-sonnet",
    "simple_qa": "meta-llama/llama-3.1-8b-instruct",
}


def ask(model: str, max_tokens: int) -> dict:
    messages = [{"role": "user", "content": "Summarize: it rained."}]
    raw = client.chat.completions.with_raw_response.create(model=model, messages=messages, max_tokens=max_tokens)
    answer = raw.parse()
    told = {"route": raw.headers.get("x-farebox-route"), "stand_in": raw.headers.get("x-farebox-model")}
    return {"asked": model, "model": answer.model, "cost": answer.usage.cost, **told}


seen = {
    "floor": ask("anthropic/claude-3.5-sonnet:floor", 500),
    "free": ask("google/gemma-2-9b-it:free", 100),
    "routing": [ask(model, 100) for model in ROUTING.values()],
    # The same table kept in farebox.toml: the program names the task and no model.
    "routes": [ask(f"task/{task}", 100) for task in ROUTING],
}
print(json.dumps(seen))
