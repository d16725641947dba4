"""Cloud Logging: entries from what processes print, and the part of its filter language that our scripts use."""

import json
import re
import threading
from typing import Any, cast
from uuid import uuid4

from tests.cloudrun.wire import REGION, ApiError, Json, Request, Route, now

SEVERITIES = ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"]
_TERM = re.compile(r'\s*([\w./]+)\s*(>=|<=|=|:)\s*(?:"([^"]*)"|([^\s"()]+))\s*(?:AND\b|$)')


class Logs:
    def __init__(self) -> None:
        self._entries: list[Json] = []
        self._lock = threading.Lock()

    def routes(self) -> list[Route]:
        return [Route.of("POST", r"/v2/entries:list", self._list)]

    def add(self, resource: Json, log: str, severity: str, **content: Any) -> None:  # noqa: ANN401  # any JSON value
        entry = {
            "insertId": uuid4().hex,
            "timestamp": now(),
            "severity": severity,
            "logName": f"projects/{resource['labels']['project_id']}/logs/run.googleapis.com%2F{log}",
            "resource": resource,
            **content,
        }
        with self._lock:
            self._entries.append(entry)

    def add_line(self, resource: Json, line: str) -> None:
        """A line that a container printed: JSON becomes the payload and says its severity, text has none."""
        try:
            payload = json.loads(line)
        except ValueError:
            payload = None
        if isinstance(payload, dict):
            said = cast("Json", payload)
            severity = str(said.pop("severity", "DEFAULT"))
            self.add(resource, "stderr", severity if severity in SEVERITIES else "DEFAULT", jsonPayload=said)
        else:
            self.add(resource, "stderr", "DEFAULT", textPayload=line)

    def text(self, project: str) -> str:
        """Everything that was logged in a project, for people."""
        with self._lock:
            return "\n".join(json.dumps(e) for e in self._entries if f"projects/{project}/" in e["logName"])

    def _list(self, request: Request) -> Json:
        asked = request.body
        terms = parse_filter(asked.get("filter", ""))
        with self._lock:
            found = [
                entry
                for entry in self._entries
                if any(entry["logName"].startswith(f"{name}/") for name in asked["resourceNames"])
                and all(_matches(entry, *term) for term in terms)
            ]
        if "desc" in asked.get("orderBy", ""):
            found.reverse()
        return {"entries": found[: asked.get("pageSize", 1000)]}


def resource(kind: str, project: str, **labels: str) -> Json:
    return {"type": kind, "labels": {"project_id": project, "location": REGION, **labels}}


def parse_filter(text: str) -> list[tuple[str, str, str]]:
    """Comparisons joined by AND; anything else is refused, lest a filter that we do not know be taken for none."""
    terms: list[tuple[str, str, str]] = []
    position = 0
    while text[position:].strip():
        term = _TERM.match(text, position)
        if term is None:
            raise ApiError(400, "INVALID_ARGUMENT", f"Unparseable filter: {text[position:]!r}")
        terms.append((term[1], term[2], term[3] if term[3] is not None else term[4]))
        position = term.end()
    return terms


def _matches(entry: Json, path: str, operator: str, wanted: str) -> bool:
    if path == "severity":
        return _compare(SEVERITIES.index(entry["severity"]), operator, SEVERITIES.index(wanted))
    found: Any = entry
    for part in path.split("."):
        found = cast("Json", found).get(part, "") if isinstance(found, dict) else ""
    return _compare(str(found), operator, wanted)


def _compare(found: Any, operator: str, wanted: Any) -> bool:  # noqa: ANN401  # two of one type
    match operator:
        case ">=":
            return found >= wanted
        case "<=":
            return found <= wanted
        case ":":
            return wanted in found
        case _:
            return found == wanted
