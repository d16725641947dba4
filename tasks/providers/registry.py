"""The providers of a process: chosen by the settings and by each job, opened when a job first asks for one."""

import asyncio

from headrace.errors import Rejected
from headrace.generated import FIXED_MODELS, GeneratedInput
from headrace.provider import Chosen, Provider, ProviderPlugin
from jobs.providers import announced, check_name
from jobs.settings import Settings
from jobs.states import Reason


class Providers:
    """Opens each provider once, in a thread: a vendor's SDK takes a second to import, a local model several to load."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: dict[str, asyncio.Task[Provider]] = {}

    def choose(self, requested: GeneratedInput) -> Chosen:
        """Who does a job. Raises Rejected for models that it cannot be asked for."""
        name = requested.provider or self._settings.usual_provider
        if name in FIXED_MODELS and (requested.model or requested.image_model):
            raise _refused(f"The {name} provider has no choice of models: leave them out, or name another `provider`")
        return Chosen(name, lambda: self._open(name), requested.model, requested.image_model)

    async def aclose(self) -> None:
        opened = await asyncio.gather(*self._opened.values(), return_exceptions=True)
        for provider in opened:
            if not isinstance(provider, BaseException):
                await provider.aclose()

    async def _open(self, name: str) -> Provider:
        if name not in self._opened:
            lack = missing(name, self._settings)
            if lack:
                raise _refused(f"The {name} provider cannot be used here: {lack}")
            self._opened[name] = asyncio.create_task(asyncio.to_thread(open_provider, name, self._settings))
        opening = self._opened[name]
        try:
            # A job that is cancelled meanwhile does not take the others' provider along.
            return await asyncio.shield(opening)
        except Exception as error:
            self._opened.pop(name, None)
            raise _refused(f"The {name} provider does not open: {type(error).__name__}: {error}") from error


def missing(name: str, settings: Settings) -> str | None:
    """What a provider lacks, and the remedy; None when it has all."""
    try:
        return _plugin(name).missing(settings)
    except Exception as error:  # noqa: BLE001  # a package of anyone's
        return f"{type(error).__name__}: {error}"


def open_provider(name: str, settings: Settings) -> Provider:
    """The provider of that name, which lacks nothing. Blocks while an SDK is imported or a model loaded."""
    return _plugin(name).open(settings)


def _plugin(name: str) -> ProviderPlugin:
    """Raises ValueError for a name that no package announces, TypeError when what it announces is no plugin."""
    point = announced()[check_name(name)]
    plugin = point.load()
    if not isinstance(plugin, ProviderPlugin):
        raise TypeError(f"entry point {point.name!r}: {point.value} is no ProviderPlugin")
    return plugin


def _refused(why: str) -> Rejected:
    return Rejected(why, reason=Reason.PROVIDER_REJECTED)
