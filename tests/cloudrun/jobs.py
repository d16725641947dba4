"""Cloud Run Jobs: executions that run a container to its end."""

import copy
import threading
from uuid import uuid4

from tests.cloudrun.containers import Runtime
from tests.cloudrun.logs import resource
from tests.cloudrun.wire import ApiError, Json, Request, Route, condition, not_found, now, stamped

_NAMESPACE = r"/apis/run\.googleapis\.com/v1/namespaces/([^/]+)"


class Jobs:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.jobs: dict[tuple[str, str], Json] = {}
        self.executions: dict[tuple[str, str], Json] = {}

    def routes(self) -> list[Route]:
        return [
            Route.of("POST", f"{_NAMESPACE}/jobs", self._create),
            Route.of("GET", rf"{_NAMESPACE}/jobs/([^/:]+)", self._get),
            Route.of("PUT", rf"{_NAMESPACE}/jobs/([^/:]+)", self._put),
            Route.of("POST", rf"{_NAMESPACE}/jobs/([^/:]+):run", self._run),
            Route.of("GET", rf"{_NAMESPACE}/executions/([^/]+)", self._execution),
        ]

    def _get(self, _: Request, project: str, name: str) -> Json:
        if (project, name) not in self.jobs:
            raise not_found(f"Resource '{name}' of kind 'JOB'")
        return self.jobs[project, name]

    def _create(self, request: Request, project: str) -> Json:
        return self._put(request, project, request.body["metadata"]["name"])

    def _put(self, request: Request, project: str, name: str) -> Json:
        earlier = self.jobs.get((project, name))
        job = stamped(request.body, project=project, earlier=earlier)
        count = earlier["status"]["executionCount"] if earlier else 0
        generation = job["metadata"]["generation"]
        ready = [condition("Ready", ok=True)]
        job["status"] = {"observedGeneration": generation, "executionCount": count, "conditions": ready}
        self.jobs[project, name] = job
        return job

    def _execution(self, _: Request, project: str, name: str) -> Json:
        if (project, name) not in self.executions:
            raise not_found(f"Resource '{name}' of kind 'EXECUTION'")
        return self.executions[project, name]

    def _run(self, request: Request, project: str, name: str) -> Json:
        job = self._get(request, project, name)
        specification = copy.deepcopy(job["spec"]["template"]["spec"])
        container = specification["template"]["spec"]["containers"][0]
        for override in request.body.get("overrides", {}).get("containerOverrides", []):
            container["args"] = override.get("args") or container.get("args", [])
            container["env"] = container.get("env", []) + override.get("env", [])
        job["status"]["executionCount"] += 1
        execution: Json = {
            "apiVersion": "run.googleapis.com/v1",
            "kind": "Execution",
            "metadata": {
                "name": f"{name}-{uuid4().hex[:5]}",
                "namespace": project,
                "uid": str(uuid4()),
                "generation": 1,
                "creationTimestamp": now(),
                "labels": {**job["metadata"]["labels"], "run.googleapis.com/job": name},
            },
            "spec": specification,
            "status": {"observedGeneration": 1, "startTime": now(), "runningCount": 1, "conditions": _conditions()},
        }
        self.executions[project, execution["metadata"]["name"]] = execution
        threading.Thread(target=self._execute, args=(execution, project, name), daemon=True).start()
        return execution

    def _execute(self, execution: Json, project: str, job: str) -> None:
        task = execution["spec"]["template"]["spec"]
        trouble = self._run_task(task, execution["metadata"]["name"], project, job)
        execution["status"] = {
            "observedGeneration": 1,
            "startTime": execution["status"]["startTime"],
            "completionTime": now(),
            "runningCount": 0,
            "failedCount" if trouble else "succeededCount": 1,
            "conditions": _conditions(ok=not trouble, message=trouble),
        }

    def _run_task(self, task: Json, execution: str, project: str, job: str) -> str:
        """Returns why it failed, or ""."""
        says = {
            "CLOUD_RUN_JOB": job,
            "CLOUD_RUN_EXECUTION": execution,
            "CLOUD_RUN_TASK_INDEX": "0",
            "CLOUD_RUN_TASK_COUNT": "1",
        }
        labels = resource("cloud_run_job", project, job_name=job)
        try:
            container = self._runtime.start(task["containers"][0], project=project, resource=labels, says=says)
        except ApiError as error:
            return str(error)
        code = container.wait(float(task.get("timeoutSeconds", 600)))
        if code is None:
            container.stop()
            return "Terminating task because it has reached the maximum timeout."
        return f"The container exited with an error (exit code {code})." if code else ""


def _conditions(*, ok: bool | None = None, message: str = "") -> list[Json]:
    return [
        condition("ResourcesAvailable", ok=True),
        condition("Started", ok=True),
        condition("Completed", ok=ok, message=message),
    ]
