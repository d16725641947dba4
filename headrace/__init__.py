"""What authors of kinds import, and nothing else: a kind is a `Kind`, and its pipeline is given a `JobContext`.

async def make(job: JobContext, input: PodcastInput) -> PodcastResult: ...

KIND = Kind(name="podcast", path="/podcasts", input=PodcastInput, result=PodcastResult, summary="...", make=make)
"""

from headrace.backoff import backoff
from headrace.context import JobContext
from headrace.errors import (
    Busy,
    Interrupted,
    InvalidAnswer,
    PipelineError,
    ProviderError,
    RateLimited,
    Rejected,
    Unavailable,
)
from headrace.fields import Line
from headrace.generated import GeneratedInput
from headrace.metered import Estimate, MeteredCall
from headrace.provider import Image, Provider, ProviderPlugin, Style
from headrace.step import Step
from jobs.errors import FileNotFound
from jobs.kind import InvalidKind, Kind
from jobs.model import FileRef, Frozen
from jobs.private_hosts import PrivateHosts
from jobs.states import Reason

__all__ = [
    "Busy",
    "Estimate",
    "FileNotFound",
    "FileRef",
    "Frozen",
    "GeneratedInput",
    "Image",
    "Interrupted",
    "InvalidAnswer",
    "InvalidKind",
    "JobContext",
    "Kind",
    "Line",
    "MeteredCall",
    "PipelineError",
    "PrivateHosts",
    "Provider",
    "ProviderError",
    "ProviderPlugin",
    "RateLimited",
    "Reason",
    "Rejected",
    "Step",
    "Style",
    "Unavailable",
    "backoff",
]
