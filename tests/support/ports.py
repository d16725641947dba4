"""Free ports of the loopback interface."""

from bench.machine import free_port

__all__ = ["free_port"]
