"""OpenRouter's OpenAPI documents, and what a body is held against.

Two documents: the published one of 2026-08-22, and one rebuilt from the SDK of 2026-10-27, which has newer shapes. A
body must be valid under each that describes it, and every field must be known to at least one of them.
"""

import json
import pathlib
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import quote

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass
class Document:
    name: str
    tree: Dict[str, Any]
    registry: Registry

    @staticmethod
    def of(name: str, tree: Dict[str, Any]) -> "Document":
        resource = Resource(contents=tree, specification=DRAFT202012)
        return Document(name, tree, Registry().with_resource(name, resource))

    def response(self, method: str, path: str, status: int, kind: str) -> Optional[dict]:
        """The schema of an answer, if this document has one."""
        return self.at("paths", self.path(path), method, "responses", str(status), "content", kind, "schema")

    def request(self, method: str, path: str) -> Optional[dict]:
        return self.at("paths", self.path(path), method, "requestBody", "content", JSON, "schema")

    def has_status(self, method: str, path: str, status: int) -> bool:
        return self.at("paths", self.path(path), method, "responses", str(status)) is not None

    def path(self, path: str) -> str:
        """The SDK calls the same path parameter by another name."""
        renamed = path.replace("/workspaces/{id}/budgets", "/workspaces/{workspace_ref}/budgets")
        return path if path in self.tree["paths"] else renamed

    def at(self, *names: str) -> Optional[dict]:
        """A reference to a place in the tree, if there is such a place."""
        here = self.tree
        for name in names:
            if not isinstance(here, dict) or name not in here:
                return None
            here = here[name]
        pointer = "/".join(quote(name.replace("~", "~0").replace("/", "~1")) for name in names)
        return {"$ref": f"{self.name}#/{pointer}"}

    def component(self, name: str) -> Optional[dict]:
        return self.at("components", "schemas", name)

    def resolve(self, schema: dict) -> dict:
        while "$ref" in schema:
            pointer = schema["$ref"].partition("#")[2]
            schema = self.registry.resolver(self.name).lookup(f"#{pointer}").contents
        return schema

    def unwrapped(self, schema: dict) -> dict:
        """The SDK hands lists out as pages: the body itself is `result`."""
        whole = self.resolve(schema)
        properties = whole.get("properties", {})
        return properties["result"] if {"next", "result"} <= set(properties) else schema

    def errors(self, schema: dict, body: Any) -> List[str]:
        # A reference without a document means the document it stands in.
        rooted = {"$id": f"{self.name}/check", **schema} if "$ref" not in schema else schema
        if schema.get("$ref", "").startswith("#"):
            rooted = {"$ref": self.name + schema["$ref"]}
        validator = Draft202012Validator(rooted, registry=self.registry, format_checker=FormatChecker())
        return [f"{self.name}: {where(error)}: {error.message[:200]}" for error in validator.iter_errors(body)]

    def unknown(self, schema: dict, body: Any, place: str = "") -> List[str]:
        """Fields that the schema does not name."""
        schema = self.resolve(schema)
        branches = [branch for word in ("anyOf", "oneOf") for branch in schema.get(word, [])]
        if branches:
            return min((self.unknown(branch, body, place) for branch in branches), key=len)
        if isinstance(body, list):
            items = schema.get("items", {})
            return [field for row in body for field in self.unknown(items, row, f"{place}[]")] if items else []
        properties = self.properties(schema)
        if not isinstance(body, dict) or not properties:
            return []
        found = []
        for name, value in body.items():
            inner = f"{place}.{name}".lstrip(".")
            found += self.unknown(properties[name], value, inner) if name in properties else [inner]
        return found

    def properties(self, schema: dict) -> dict:
        found = dict(schema.get("properties", {}))
        for branch in schema.get("allOf", []):
            resolved = self.resolve(branch)
            inner = [resolved] + [self.resolve(each) for each in resolved.get("anyOf", [])]
            for each in inner:
                found.update(self.properties(each))
        return found


def documents(folder: pathlib.Path) -> List[Document]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (folder / "openapi.yaml").open(encoding="utf-8") as text:
        published = Document.of("published", yaml.load(text, Loader=loader))
    sdk = json.loads((folder / "openapi-derived-sdk-1.3.84.json").read_text())
    return [published, Document.of("sdk", sdk)]


def where(error) -> str:
    return "/".join(str(part) for part in error.absolute_path) or "(whole)"


def complaints(checks: Iterator, body: Any, allowed: frozenset) -> List[str]:
    """What is wrong with a body under (document, schema) pairs; unknown fields only when no document knows them."""
    wrong, unknown = [], None
    for document, schema in checks:
        schema = document.unwrapped(schema)
        wrong += document.errors(schema, body)
        fields = set(document.unknown(schema, body))
        unknown = fields if unknown is None else unknown & fields
    wrong += [f"no document knows the field {field}" for field in sorted((unknown or set()) - allowed)]
    return wrong
