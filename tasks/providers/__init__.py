"""Who writes and paints."""

from jobs.settings import Settings
from tasks.providers.base import Provider
from tasks.providers.offline import OfflineProvider, parse_faults


def open_provider(settings: Settings) -> Provider:
    """The provider that the settings name: `openai` when its key is set and nothing else is said, else `offline`."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    if settings.provider == "openai" or (settings.provider is None and key):
        from tasks.providers.openai import OpenAIProvider  # noqa: PLC0415  # its SDK takes 1 s and 50 MB to import

        return OpenAIProvider(
            api_key=key,
            base_url=settings.openai_base_url,
            text_model=settings.openai_text_model,
            image_model=settings.openai_image_model,
            timeout=settings.provider_timeout,
        )
    return OfflineProvider(
        delay=settings.offline_delay,
        faults=parse_faults(settings.offline_faults),
        ledger=settings.offline_ledger,
    )
