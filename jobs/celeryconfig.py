"""The Celery configuration, a reason for each line.

Commonly advised settings that are not here because they do nothing on Redis, or not what people think
(Celery 5.7.0, kombu 5.7.0, redis-py 8.1.0, each one measured or read in their source):

- `broker_heartbeat`: ignored, the Redis transport has no heartbeats. `health_check_interval` below is what works.
- `broker_connection_retry_delay`: does not exist; the back-off is fixed at 2, 4, ... 30 s.
- `broker_pool_limit`: bounds publishers. Nothing here publishes through Celery: `jobs.messages` only renders.
- `task_acks_late`, `task_reject_on_worker_lost`: the job record is the truth, and the message only says where
  to look. A late ack adds second copies on a reset connection, and a worker that waits for ever after a failed ack.
- `worker_cancel_long_running_tasks_on_connection_loss`: would throw away an hour of work for a dropped connection.
- `task_soft_time_limit`: a signal raised anywhere in an event loop. The soft limit is a timeout around the pipeline.
- `worker_soft_shutdown_timeout`, `REMAP_SIGTERM`: `tasks.engine.worker` has the child hand its job back, after which a
  warm shutdown has nothing to wait for.
- `task_compression`, `result_compression`: a message is a job id; compression makes 39 bytes 60 and lets gzip bombs in.
- `result_expires`, `redis_*`: there is no result backend.
- `retry_on_timeout`: a push whose reply was lost would be pushed again.
- `socket_keepalive_options` with string keys raises TypeError, and without `socket_keepalive` is ignored; the usual
  300/60/5 finds a dead peer only after ten minutes.
- `worker_max_memory_per_child` cannot prevent an out-of-memory kill: it looks after the job, not during it.
- `worker_disable_rate_limits`: no task here has a rate limit, so there is nothing to disable.
"""

import socket
from typing import Any

from kombu import Queue

from jobs.queues import queue_names
from jobs.redis_address import RedisAddress
from jobs.settings import Settings

# Seconds until a silent connection is asked, between questions, and questions before it is given up: 60 s in all.
KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}


def celery_config(settings: Settings) -> dict[str, Any]:
    address = RedisAddress.of(settings)
    return {
        "broker_url": address.broker_url,
        # Without it kombu trusts every server, also at rediss://.
        "broker_use_ssl": address.tls or False,
        # -- Messages -------------------------------------------------------------------------------------------------
        # A queue per name that a kind asks for; a worker consumes all of them unless told otherwise with -Q.
        "task_queues": [Queue(name) for name in queue_names()],
        "task_default_queue": queue_names()[0],
        # A typo in -Q is an error instead of a new, empty queue.
        "task_create_missing_queues": False,
        # JSON only: a pickled message would be code.
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        # -- Results --------------------------------------------------------------------------------------------------
        # The job record has result, error and progress. A backend would block publishers for 20 s when Redis is away.
        "result_backend": None,
        "task_ignore_result": True,
        # -- Delivery -------------------------------------------------------------------------------------------------
        # Early ack: a message only says which job to look at. Losing it costs seconds (sweep.lua).
        "task_acks_late": False,
        # A busy worker holds no second message, so that an idle one can have it (measured: queue 1, unacked 0).
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        # -- Processes ------------------------------------------------------------------------------------------------
        # Jobs per worker. Calls within a job are concurrent (HEADRACE_CONCURRENCY); more jobs want more workers.
        "worker_concurrency": 1,
        # No `worker_max_tasks_per_child`: a child counts its jobs itself (tasks.engine.pool), Celery only messages.
        # KiB, looked at after each message; the child itself looks after each job. Well above the measured baseline of
        # a child (tests/acceptance checks it): a limit below it would replace the child after every job.
        "worker_max_memory_per_child": settings.max_memory_per_child or None,
        # -- Connections ----------------------------------------------------------------------------------------------
        # Workers may start before Redis does.
        "broker_connection_retry_on_startup": True,
        # Bounded: after about 15 minutes without Redis the worker exits, and the platform starts a fresh one.
        "broker_connection_retry": True,
        "broker_connection_max_retries": 32,
        # A full or read-only Redis is a reason to reconnect, not to die.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            # kombu's default is no timeout at all: one command on a half-open connection then stops a worker for ever.
            # Not shorter either: an ack that times out costs the worker its only prefetch credit.
            "socket_timeout": 30,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
            # A BRPOP that is silent for this and a second more is given up: so long a frozen primary keeps a worker
            # from the one that was promoted.
            "health_check_interval": 8,
            # How long a message may stay popped but unacknowledged. With early acks that is milliseconds, or the
            # seconds a child takes to be replaced; a repeated message is refused by claim.lua.
            "visibility_timeout": 60,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
        },
        # -- Seeing ---------------------------------------------------------------------------------------------------
        # For Flower: task id = job id, task name = kind.
        "worker_send_task_events": True,
        # The service logs through structlog, on one configured root logger.
        "worker_hijack_root_logger": False,
        "worker_log_color": False,
    }
