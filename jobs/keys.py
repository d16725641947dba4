r"""Every Redis key of Headrace.

The script loader writes these constants at the head of each Lua script, so this is the only list. The broker's lists
(`default`, `default\x06\x163`, ...), `_kombu.*` and `unacked*` belong to kombu.

A *lane* is one of the broker's lists: a queue at one of kombu's priority steps. Its name is the list's key.
"""

from urllib.parse import quote

JOB = "hr:job:"
"""Hash `hr:job:{id}`: the job. Also the prefix of the keys below."""
EVENTS = ":events"
"""Stream `hr:job:{id}:events`: what happened, entry ids `{sequence}-0` from 1 on. It is begun by the second event."""
INPUT = ":input"
"""String `hr:job:{id}:input`: JSON, as the kind's input model dumps it. Apart, so that the hash stays small."""
STEPS = ":steps"
"""Hash `hr:job:{id}:steps`: step name -> saved result (JSON)."""
FILES = ":files"
"""Hash `hr:job:{id}:files`: step name -> the files that it made (JSON list)."""

QUEUES = "hr:queues"
"""Set: every queue a job was ever in."""
QUEUE = "hr:queue:"
"""Prefix `hr:queue:{queue}` of the keys below."""
WAITING = ":waiting"
"""Zset `hr:queue:{queue}:waiting`: its queued jobs by the time they were queued, ms; but for those that are held."""
ORDER = ":order"
"""Zset `hr:queue:{queue}:order`: those of them that have no message yet, in the order in which they will run."""
RELEASED = ":released"
"""Zset `hr:queue:{queue}:released`: those that have one, by the time it was last seen on its lane, ms; negative: since
when it is missing there."""
HELD = ":held"
"""Zset `hr:queue:{queue}:held`: its queued jobs that are parked at a gate, by the time they were queued, ms. They are
not in WAITING."""
RUNNING = ":running"
"""Set `hr:queue:{queue}:running`: its running jobs."""
SLOTS = ":slots"
"""Zset `hr:queue:{queue}:slots`: the workers that take its jobs, by the time they last reported, ms. Those of
them that run N jobs at once, if that is more than one, are in `hr:queue:{queue}:slots:{N}` as well."""
SHARES = ":shares"
"""Set `hr:queue:{queue}:shares`: each such N."""
TENANTS = ":tenants"
"""Zset `hr:queue:{queue}:tenants`: `{priority}:{user id}` by the place in ORDER at which the user's last turn ends."""
TURN = ":turn"
"""Hash `hr:queue:{queue}:turn`: priority -> the place in ORDER that is served now."""
PAUSES = "hr:pauses"
"""Hash: `queue:{queue}` or `kind:{kind}` -> who paused it, when and why (JSON)."""
STRIKES = "hr:strikes"
"""Hash: `kind:{kind}`, `user:{user id}`, `provider:{provider}` or `model:{provider}/{model}` -> who struck it, when,
why, and what becomes of new and of running jobs (JSON)."""
PARKED = "hr:parked:"
"""Zset `hr:parked:{gate}`: the queued jobs that may not pass a gate (`kind:story`), by the place they had in ORDER."""
HOLDERS = "hr:holders:"
"""Zset `hr:holders:{gate}`: the jobs that hold a slot of a gate that lets so many run at once (`key:site-7`), by their
place in ORDER; -1 once they are released or run."""
OPENING = "hr:opening"
"""Set: gates that are open again, from which more jobs are to go back into the order."""
PURGES = "hr:purges"
"""Hash: `queue:{queue}` or `kind:{kind}` -> how far its purge has come (JSON). The sweep goes on with it. So for
`running {gate}`, the running jobs of what was struck."""
OLD_LANES = "hr:lanes"
"""Set, of version 0.1: every lane a job was queued on. Once the sweep has seen it, it lives for a day: a worker of 0.1
may still hand jobs back."""
OLD_QUEUED = "hr:queued:"
"""Zset `hr:queued:{lane}`, of version 0.1: queued jobs. The sweep moves them to their queues."""
SIGNAL = "hr:signal:"
"""List `hr:signal:{child}`: the jobs that are no longer its own; wakes the process whose claims' tokens begin with this
name and a colon. Lives a minute."""
LEASES = "hr:leases"
"""Zset: running jobs by the time their lease ends, ms."""
SCHEDULED = "hr:scheduled"
"""Zset: jobs waiting for a retry, or for the time that their client gave, by due time, ms."""
DEADLINES = "hr:deadlines"
"""Zset: queued jobs never started yet, by start deadline, ms."""
DEAD = "hr:dead"
"""Zset: failed jobs by the time they failed, ms: the dead letters."""
RETAINED = "hr:retained"
"""Zset: finished jobs by the time their keys expire, ms. The sweep takes them out of the indexes then."""

INDEX_ALL = "hr:index:all"
"""Zset: every job by creation time, ms."""
INDEX_STATE = "hr:index:state:"
"""Zset `hr:index:state:{state}`, by creation time, ms."""
INDEX_KIND = "hr:index:kind:"
"""Zset `hr:index:kind:{kind}`, by creation time, ms."""
INDEX_USER = "hr:index:user:"
"""Zset `hr:index:user:{user id}`, by creation time, ms. The one index with a TTL: there may be any number of users."""

BATCH = "hr:batch:"
"""Hash `hr:batch:{id}`: the batch and how many of its jobs are in which state. With EVENTS: what happened to it."""
PENDING = ":pending"
"""List `hr:batch:{id}:pending`: its jobs that are still to be made, each a JSON list: id, ms to start in, fields."""
MEMBERS = ":jobs"
"""List `hr:batch:{id}:jobs`: its job ids, in the order of the request, each with the client's own id after a space."""
EXPANDING = "hr:batches"
"""Zset: batches with jobs still to be made, by creation time, ms."""

CANCELLING = "hr:cancelling"
"""Zset: batches that are being cancelled, by how many of their members the sweep has been through."""

SCHEDULE = "hr:schedule:"
"""Hash `hr:schedule:{id}`: when its jobs are made, and what their records begin with."""
RUNS = ":runs"
"""List `hr:schedule:{id}:runs`: its last runs, newest first, each a JSON object."""
SCHEDULES = "hr:schedules"
"""Zset: every schedule, by its id, which is in the order of time."""
SCHEDULES_OF = "hr:schedules:of:"
"""Set `hr:schedules:of:{user id}`: a user's schedules; those without a user are together."""
SCHEDULES_DUE = "hr:schedules:due"
"""Zset: those that are not paused, by the time of their next run, ms."""

RATE = "hr:rate:"
"""Hash `hr:rate:{provider}/{model}`: how far ahead the model's calls are booked. Lives as long as that."""
RETURNED = "hr:returned:"
"""Zset `hr:returned:{provider}/{model}`: places under the rate that were booked and given back, with the ms that each
takes of the buckets, by their times, ms, less the rate's shift. Lives as long as the bookings do."""
USAGE = "hr:usage:"
"""Hashes `hr:usage:{day}` and `hr:usage:{day}:{user id}`: what all calls of a day, UTC, used. The day is its number
since the epoch, the user id is empty for jobs without a user."""

IDEMPOTENCY = "hr:idempotency:"
"""Hash `hr:idempotency:{owner}:{key}`: job id and fingerprint of the request that made it."""
AVERAGES = "hr:averages"
"""Hash: `kind:{kind}` and `queue:{queue}` -> how long a run takes, ms: a running average."""
DEDUP = "hr:dedup:"
"""String `hr:dedup:{user id} {dedup key}`: the job that another one with this key would repeat. With a TTL, or until
that job has ended."""
STATS = "hr:stats"
"""Hash: the fleet's counters, bumped by the script that makes the change."""
WORKERS = "hr:workers"
"""Zset: workers by the time they last reported, ms."""
WORKER = "hr:worker:"
"""String `hr:worker:{worker}`: what a worker reports of itself (JSON)."""
UPLOAD = "hr:upload:"
"""String `hr:upload:{id}`: the content type of an upload. Its TTL is how long jobs can be submitted with it."""
QUARANTINED = "hr:quarantined"
"""Hash: job or batch -> why a sweep could not deal with it and has put it aside."""
SWEPT = "hr:swept"
"""String: when the last sweep was, ms. Others need not sweep for a while; a clock that has jumped shows by it."""
OLD_SWEEPING = "hr:sweeping"
"""String with a TTL, by which version 0.1 knows that one swept just now. While it is there, no worker of 0.1 sweeps:
it would tear the records of today."""


def job(job_id: str) -> str:
    return JOB + job_id


def events(job_id: str) -> str:
    return JOB + job_id + EVENTS


def input_of(job_id: str) -> str:
    return JOB + job_id + INPUT


def steps(job_id: str) -> str:
    return JOB + job_id + STEPS


def files(job_id: str) -> str:
    return JOB + job_id + FILES


def signal(child: str) -> str:
    return SIGNAL + child


def queue(name: str, part: str) -> str:
    """`part` is WAITING, ORDER, ..."""
    return QUEUE + name + part


def upload(upload_id: str) -> str:
    return UPLOAD + upload_id


def batch(batch_id: str) -> str:
    return BATCH + batch_id


def schedule(schedule_id: str) -> str:
    return SCHEDULE + schedule_id


def rate(provider: str, model: str) -> str:
    return f"{RATE}{provider}/{model}"


def usage(day: int, user_id: str | None = None) -> str:
    """Of a user, or of everybody."""
    return f"{USAGE}{day}" if user_id is None else f"{USAGE}{day}:{user_id}"


def idempotency(owner: str, key: str) -> str:
    """An owner's name may have a colon in it; escaped, it cannot reach another owner's keys."""
    return f"{IDEMPOTENCY}{quote(owner, safe='')}:{key}"


NOTHING = "hr:nothing"
"""Never there. To delete it is a write that changes nothing, which only a primary takes."""
