"""A provider that needs no network and no model: it composes stories from arcs and draws their pictures."""

from kinds.offline.provider import OfflineProvider, parse_faults

__all__ = ["OfflineProvider", "parse_faults"]
