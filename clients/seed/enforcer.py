"""A budget kept by the program itself: an estimate before each call, the true cost from /generation after it.

Prints what it booked, as JSON. What Farebox adds is that this cannot be got wrong: the estimate below is no bound, two
programs do not know of each other, and a crash forgets all of it.
"""

import json
import os
import time

import requests
from openai import OpenAI

BASE, KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
client = OpenAI(base_url=BASE, api_key=KEY, default_headers={"HTTP-Referer": "https://my-app.example", "X-Title": "my-app"})

# USD per million tokens, prompt and completion.
RATES = {
    "anthropic/claude-3.5-sonnet": (3.0, 15.0),
    "openai/gpt-4o": (2.5, 10.0),
    "openai/gpt-4o-mini": (0.15, 0.6),
    "meta-llama/llama-3.1-8b-instruct": (0.06, 0.06),
}


class BudgetEnforcer:
    def __init__(self, daily_limit: float = 10.0, per_request_limit: float = 0.5):
        self.daily_limit, self.per_request_limit = daily_limit, per_request_limit
        self.day, self.spent = time.strftime("%Y-%m-%d"), 0.0

    def estimate(self, model: str, prompt_tokens: int, max_tokens: int) -> float:
        prompt, completion = RATES.get(model, (3.0, 15.0))
        return (prompt_tokens * prompt + max_tokens * completion) / 1_000_000

    def check(self, model: str, prompt_tokens: int, max_tokens: int) -> None:
        today = time.strftime("%Y-%m-%d")
        if today != self.day:
            self.day, self.spent = today, 0.0
        estimate = self.estimate(model, prompt_tokens, max_tokens)
        if estimate > self.per_request_limit:
            raise ValueError(f"${estimate:.4f} is above ${self.per_request_limit} for one request")
        if self.spent + estimate > self.daily_limit:
            raise ValueError(f"${self.spent:.4f} + ${estimate:.4f} is above ${self.daily_limit} for today")

    def record(self, generation: str) -> float:
        """Asks once, right away, as such scripts do; anything but an answer counts as nothing."""
        try:
            answer = requests.get(
                f"{BASE}/generation?id={generation}", headers={"Authorization": f"Bearer {KEY}"}, timeout=5
            ).json()
            cost = float(answer.get("data", {}).get("total_cost", 0))
        except (requests.RequestException, ValueError):
            return 0.0
        self.spent += cost
        return cost


budget = BudgetEnforcer(daily_limit=25.0, per_request_limit=1.0)
calls = []
for model in RATES:
    budget.check(model, 20, 100)
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Name three rivers."}], max_tokens=100
    )
    calls.append({"model": model, "cost": answer.usage.cost, "recorded": budget.record(answer.id)})
try:
    budget.check("anthropic/claude-3.5-sonnet", 10_000, 100_000)
    refused = None
except ValueError as error:
    refused = str(error)
print(json.dumps({"calls": calls, "spent": budget.spent, "refused": refused}))
