"""`headrace demo`: a picture book through the REST API, with a progress bar from its event stream."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, connect_sse
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cli.stack import HOME, Stack, StackFailed

FINAL = ("completed", "failed", "cancelled", "expired")
AGAIN_EVERY = 0.5
"""Seconds between two tries to take up a broken event stream."""
TRIES = 20
"""Tries without an event after which the API is given up."""


def tell_story(stack: Stack, story: dict[str, Any], console: Console) -> None:
    """Posts the story, shows it being made, and brings its files. Raises StackFailed when it is not completed."""
    try:
        _tell(stack, story, console)
    except httpx.HTTPError as error:
        why = str(error).partition("\n")[0]  # the second line is a link to what a status means
        raise StackFailed(f"The API at {stack.api_url} does not answer as it should: {why}") from None


def _tell(stack: Stack, story: dict[str, Any], console: Console) -> None:
    with stack.client(timeout=30) as client:
        answer = client.post("/stories", json=story)
        if answer.is_error:
            problem = answer.json()
            faults = "; ".join(f"{fault['field']}: {fault['message']}" for fault in problem.get("errors", []))
            raise StackFailed(f"The API did not take the story: {faults or problem['detail']}")
        job_id = answer.json()["id"]
        console.print(f"Job [bold]{job_id}[/bold]  {stack.api_url}/jobs/{job_id}")
        _show_progress(client, job_id, console)
        job = client.get(f"/jobs/{job_id}").json()
        if job["state"] != "completed":
            error = job["error"] or {"message": f"state_reason: {job['state_reason']}"}
            raise StackFailed(f"The story is {job['state']}: {error['message']}")
        _show_book(job, _fetch(client, job), console)


def _show_progress(client: httpx.Client, job_id: str, console: Console) -> None:
    columns = (
        TextColumn("{task.description:>22}", markup=False),
        BarColumn(40),
        TextColumn("{task.percentage:>3.0f} %"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("queued", total=1.0)
        for event in _events(client, job_id):
            data = json.loads(event.data)["data"]
            if event.event == "progress":
                detail = data["detail"] or data["phase"]
                bar.update(task, completed=data["fraction"], description=f"{data['phase']}: {detail}"[:22])
            elif event.event != "step":
                bar.update(task, description=event.event, completed=1.0 if event.event == "completed" else None)


def _events(client: httpx.Client, job_id: str) -> Iterator[ServerSentEvent]:
    """The job's events until the final one; a dropped connection is taken up where it broke."""
    last = ""
    tries = 0
    while tries < TRIES:
        try:
            with connect_sse(
                client, "GET", f"/jobs/{job_id}/events", headers={"Last-Event-ID": last} if last else {}
            ) as source:
                if source.response.is_client_error:
                    source.response.raise_for_status()
                for event in source.iter_sse():
                    if not event.data:
                        continue
                    yield event
                    last, tries = event.id, 0
                    if event.event in FINAL:
                        return
        except httpx.TransportError:
            pass  # taken up again, as is a stream that just ended
        tries += 1
        time.sleep(AGAIN_EVERY)
    raise StackFailed("The API does not answer any more. Look into its log; the job goes on without it.")


def _fetch(client: httpx.Client, job: dict[str, Any]) -> Path:
    """Brings the job's files into a folder named after the story."""
    name = re.sub(r"[^\w-]+", "-", job["result"]["title"].lower()).strip("-") or "story"
    folder = HOME / "demo" / f"{name[:40]}-{job['id'][:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    for ref in job["files"]:
        answer = client.get(f"/jobs/{job['id']}/files/{ref['name']}", follow_redirects=True)
        answer.raise_for_status()
        (folder / ref["name"]).write_bytes(answer.content)
    (folder / "story.json").write_text(json.dumps(job["result"], indent=2, ensure_ascii=False))
    return folder


def _show_book(job: dict[str, Any], folder: Path, console: Console) -> None:
    result = job["result"]
    console.print(f"\n[bold]{escape(result['title'])}[/bold]  (provider: {result['provider']})")
    for page in result["pages"]:
        first, *_ = re.split(r"(?<=[.!?]) ", page["text"])
        console.print(f"  {page['number']:>2}  {first}", highlight=False, markup=False)
    for name in ("story.pdf", "story.html"):
        console.print(f"{name:>12}  {(folder / name).resolve()}", markup=False, soft_wrap=True)
