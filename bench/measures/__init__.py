"""The measures. Each module has a TABLE and `async def measure(bench)`, which records the figures of its columns."""
