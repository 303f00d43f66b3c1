"""One key per service with a limit of its own, made and listed with a management key."""

import os

import requests

KEYS = os.environ["BASE_URL"] + "/keys"
MANAGEMENT = {"Authorization": f"Bearer {os.environ['API_KEY']}"}

made = requests.post(KEYS, headers=MANAGEMENT, json={"name": "backend-prod", "limit": 50.0}, timeout=30).json()
# Where OpenRouter puts it is beside `data`; scripts look in `data`, and through Farebox it is in both.
print("made:", made["data"]["key"])

for key in requests.get(KEYS, headers=MANAGEMENT, timeout=30).json().get("data", []):
    print(f"{key['name']}: ${key.get('usage', 0):.4f} / ${key.get('limit', 'unlimited')}")
