"""From rows to figures. Every count is taken from the rows; none is kept beside them."""

from collections import Counter
from collections.abc import Sequence

from headrace import FileRef
from kinds.warmup import Counts, Finding, Pass, Times, WarmupResult
from kinds.warmup.rows import Row

MAX_FINDINGS = 10


def result(passes: Sequence[Sequence[Row]], rows: FileRef, *, left_out: int, unread: list[Finding]) -> WarmupResult:
    first = passes[0]
    reports = [_pass(number, rows) for number, rows in enumerate(passes, 1)]
    return WarmupResult(
        counts=reports[0].counts,
        left_out=left_out,
        passes=reports,
        slowest=_slowest(first),
        failures=_failures(first),
        failed=_reasons(first, "failed"),
        skipped=_reasons(first, "skipped"),
        unread_sitemaps=unread,
        rows=rows,
    )


def counts(outcomes: Counter[str], *, total: int) -> Counts:
    completed, failed, skipped = (outcomes[name] for name in ("completed", "failed", "skipped"))
    return Counts(
        total=total,
        completed=completed,
        failed=failed,
        skipped=skipped,
        pending=total - completed - failed - skipped,
    )


def _pass(number: int, rows: Sequence[Row]) -> Pass:
    return Pass(
        number=number,
        counts=counts(Counter(row.outcome for row in rows), total=len(rows)),
        statuses=_most_first(Counter(str(row.status) for row in rows if row.status is not None)),
        cache=_most_first(Counter(row.cache for row in rows if row.outcome == "completed" and row.cache)),
        times=_times(sorted(row.ms for row in rows if row.outcome == "completed" and row.ms is not None)),
        bytes=sum(row.bytes for row in rows),
    )


def _slowest(rows: Sequence[Row]) -> list[Finding]:
    timed = sorted((row for row in rows if row.ms is not None), key=lambda row: row.ms or 0, reverse=True)
    return [_finding(row) for row in timed[:MAX_FINDINGS]]


def _failures(rows: Sequence[Row]) -> list[Finding]:
    return [_finding(row) for row in rows if row.outcome == "failed"][:MAX_FINDINGS]


def _reasons(rows: Sequence[Row], outcome: str) -> dict[str, int]:
    return _most_first(Counter(row.reason or "" for row in rows if row.outcome == outcome))


def _finding(row: Row) -> Finding:
    return Finding(url=row.url, ms=row.ms, status=row.status, reason=row.reason, detail=row.detail)


def _most_first(counter: Counter[str]) -> dict[str, int]:
    return dict(counter.most_common())


def _times(ms: list[int]) -> Times | None:
    """By nearest rank."""
    if not ms:
        return None
    return Times(p50_ms=ms[(len(ms) - 1) // 2], p95_ms=ms[-(-len(ms) * 95 // 100) - 1], longest_ms=ms[-1])
