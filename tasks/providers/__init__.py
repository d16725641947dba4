"""Who writes and paints."""

from jobs.settings import Settings
from tasks.providers.base import Provider
from tasks.providers.offline import OfflineProvider, parse_faults


def open_provider(settings: Settings) -> Provider:
    """The provider that the settings name."""
    return OfflineProvider(
        delay=settings.offline_delay,
        faults=parse_faults(settings.offline_faults),
        ledger=settings.offline_ledger,
    )
