"""The providers of a process: chosen by the settings and by each job, opened when a job first asks for one."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

from headrace.errors import Rejected
from headrace.generated import FIXED_MODELS, GeneratedInput
from headrace.provider import Chosen, Provider
from jobs.settings import ProviderName, Settings
from jobs.states import Reason


class Providers:
    """Opens each provider once, in a thread: a vendor's SDK takes a second to import, a local model several to load."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: dict[ProviderName, asyncio.Task[Provider]] = {}

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

    async def _open(self, name: ProviderName) -> Provider:
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


def missing(name: ProviderName, settings: Settings) -> str | None:
    """What a provider lacks, and the remedy; None when it has all."""
    match name:
        case "openai" if not settings.openai_key:
            return "OPENAI_API_KEY is not set; servers without keys take any"
        case "gemini" if not settings.gemini_key:
            return "GEMINI_API_KEY is not set"
        case "local":
            return _missing_locally(settings.local_model)
        case _:
            return None


def _missing_locally(model: Path | None) -> str | None:
    if model is None:
        return "HEADRACE_LOCAL_MODEL is not set; it names the GGUF file of a model"
    if not model.is_file():
        return f"HEADRACE_LOCAL_MODEL names {model}, which is not a file"
    if find_spec("xllamacpp") is None:
        return "the extra `local` is not installed: pip install 'headrace[local]'"
    return None


def open_provider(name: ProviderName, settings: Settings) -> Provider:
    """The provider of that name, which lacks nothing. Blocks while an SDK is imported or a model loaded."""
    match name:
        case "openai":
            from tasks.providers.openai import OpenAIProvider  # noqa: PLC0415  # its SDK takes 1 s and 50 MB to import

            return OpenAIProvider(
                api_key=settings.openai_key,
                base_url=settings.openai_base_url,
                text_model=settings.openai_text_model,
                image_model=settings.openai_image_model,
                timeout=settings.provider_timeout,
            )
        case "gemini":
            from tasks.providers.gemini import GeminiProvider  # noqa: PLC0415  # so does its SDK

            return GeminiProvider(
                api_key=settings.gemini_key,
                base_url=settings.gemini_base_url,
                text_model=settings.gemini_text_model,
                image_model=settings.gemini_image_model,
                timeout=settings.provider_timeout,
            )
        case "local":
            from tasks.providers.local import LocalProvider  # noqa: PLC0415  # it speaks through OpenAI's

            assert settings.local_model is not None, "missing() comes first"
            return LocalProvider(
                settings.local_model, illustrator=_open_offline(settings), timeout=settings.provider_timeout
            )
        case "offline":
            return _open_offline(settings)


def _open_offline(settings: Settings) -> Provider:
    from kinds.offline import OfflineProvider, parse_faults  # noqa: PLC0415  # numpy and Pillow, 18 MB

    return OfflineProvider(
        delay=settings.offline_delay,
        faults=parse_faults(settings.offline_faults),
        ledger=settings.offline_ledger,
    )


def _refused(why: str) -> Rejected:
    return Rejected(why, reason=Reason.PROVIDER_REJECTED)
