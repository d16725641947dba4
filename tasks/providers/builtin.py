"""The providers that Headrace brings, announced as any package's. What they need is imported when they are opened."""

from importlib.util import find_spec

from headrace.provider import Provider, ProviderPlugin
from jobs.settings import Settings


def _open_openai(settings: Settings) -> Provider:
    from tasks.providers.openai import OpenAIProvider  # noqa: PLC0415  # its SDK takes 1 s and 50 MB to import

    return OpenAIProvider(
        api_key=settings.openai_key,
        base_url=settings.openai_base_url,
        text_model=settings.openai_text_model,
        image_model=settings.openai_image_model,
        timeout=settings.provider_timeout,
    )


def _missing_for_openai(settings: Settings) -> str | None:
    return None if settings.openai_key else "OPENAI_API_KEY is not set; servers without keys take any"


def _open_gemini(settings: Settings) -> Provider:
    from tasks.providers.gemini import GeminiProvider  # noqa: PLC0415  # so does its SDK

    return GeminiProvider(
        api_key=settings.gemini_key,
        base_url=settings.gemini_base_url,
        text_model=settings.gemini_text_model,
        image_model=settings.gemini_image_model,
        timeout=settings.provider_timeout,
    )


def _missing_for_gemini(settings: Settings) -> str | None:
    return None if settings.gemini_key else "GEMINI_API_KEY is not set"


def _open_local(settings: Settings) -> Provider:
    from tasks.providers.local import LocalProvider  # noqa: PLC0415  # it speaks through OpenAI's

    assert settings.local_model is not None, "missing() comes first"
    return LocalProvider(settings.local_model, illustrator=_open_offline(settings), timeout=settings.provider_timeout)


def _missing_locally(settings: Settings) -> str | None:
    model = settings.local_model
    if model is None:
        return "HEADRACE_LOCAL_MODEL is not set; it names the GGUF file of a model"
    if not model.is_file():
        return f"HEADRACE_LOCAL_MODEL names {model}, which is not a file"
    if find_spec("xllamacpp") is None:
        return "the extra `local` is not installed: pip install 'headrace[local]'"
    return None


def _open_offline(settings: Settings) -> Provider:
    from kinds.offline import OfflineProvider, parse_faults  # noqa: PLC0415  # numpy and Pillow, 18 MB

    return OfflineProvider(
        delay=settings.offline_delay,
        faults=parse_faults(settings.offline_faults),
        ledger=settings.offline_ledger,
    )


OPENAI = ProviderPlugin(_open_openai, missing=_missing_for_openai)
GEMINI = ProviderPlugin(_open_gemini, missing=_missing_for_gemini)
LOCAL = ProviderPlugin(_open_local, missing=_missing_locally)
OFFLINE = ProviderPlugin(_open_offline)
