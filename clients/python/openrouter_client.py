"""OpenRouter's own SDK for Python."""

import json
import os
import sys

from openrouter import OpenRouter
from openrouter.errors import OpenRouterError

client = OpenRouter(api_key=os.environ["API_KEY"], server_url=os.environ["BASE_URL"])
MODEL = os.environ["MODEL"]
MESSAGES = [{"role": "user", "content": "Say hello in five words."}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def chat():
    answer = client.chat.send(model=MODEL, messages=MESSAGES, max_tokens=200)
    usage = answer.usage
    return {"text": answer.choices[0].message.content, "tokens": usage.completion_tokens, "cost": usage.cost}


def stream():
    text, chunks, usage = "", 0, None
    with client.chat.send(model=MODEL, messages=MESSAGES, max_tokens=200, stream=True) as events:
        for chunk in events:
            chunks += 1
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
    return {"text": text, "chunks": chunks, "tokens": usage.completion_tokens, "cost": usage.cost}


def tools():
    messages = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    answer = client.chat.send(
        model=MODEL, messages=messages, tools=[TOOL], tool_choice="required", max_tokens=200
    )
    called = answer.choices[0].message.tool_calls[0].function
    return {"tool": called.name, "arguments": called.arguments, "cost": answer.usage.cost}


def models():
    names = [model.id for model in client.models.list().result.data]
    return {"models": len(names), "names": names}


def account():
    made = client.api_keys.create(name="made-by-sdk", limit=5)
    listed = [(key.name, key.limit) for key in client.api_keys.list().data]
    client.api_keys.delete(hash=made.data.hash)
    credits = client.credits.get_credits().data
    return {
        "made": made.key,
        "keys": listed,
        "bought": credits.total_credits,
        "used": credits.total_usage,
        "label": client.api_keys.get_current_key_metadata().data.label,
    }


try:
    scenes = {"chat": chat, "stream": stream, "tools": tools, "models": models, "account": account}
    seen = scenes[sys.argv[1]]()
except OpenRouterError as error:
    seen = {"error": str(error), "status": error.status_code}
print(json.dumps(seen))
