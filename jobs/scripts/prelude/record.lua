-- Stands before every script, after the constants that jobs/scripts/__init__.py writes from jobs/keys.py, jobs/record.py
-- and the settings. No key is declared to Redis: one server holds all of them, as Celery's broker needs it anyway.
-- A script may be sent twice (a reply was lost on the way): a repeat does no harm, and is answered as the first was. The
-- answers of five differ, and nobody needs the first: settle says that it is settled, fire_schedule that it was made before,
-- remove_schedule that it is gone; sweep and expand_batch do what is left.

-- -- Time, counters, events -----------------------------------------------------------------------------------------------

-- Milliseconds since the epoch by this server's clock, the only clock for leases and dates.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The day, UTC, as a number since the epoch.
local function day_of(at)
  return string.format('%d', math.floor(at / 86400000))
end

local function count(counter, by)
  redis.call('HINCRBY', STATS, counter, by or 1)
end

-- Adds a duration in ms to the histogram `series` of a kind; BOUNDS are seconds.
local function observe(series, kind, ms)
  local bucket = '+Inf'
  for _, bound in ipairs(BOUNDS) do
    if ms <= bound * 1000 then
      bucket = bound
      break
    end
  end
  count(series .. ':' .. kind .. ':' .. bucket)
  count(series .. ':' .. kind .. ':sum', math.floor(ms))
end

-- Event number `sequence` of the job or batch that is kept at `key`. Who follows the stream is told that it has news.
local function append(key, sequence, event, at, data)
  redis.call('XADD', key .. EVENTS, 'MAXLEN', '~', MAX_EVENTS, sequence .. '-0',
    'event', event, 'at', at, 'data', cjson.encode(data))
  redis.call('PUBLISH', key .. EVENTS, sequence)
end

-- Its next event. The numbers are its own, 1, 2, 3, ..., so that a gap can be seen.
local function emit(key, event, at, data)
  append(key, redis.call('HINCRBY', key, 'events', 1), event, at, data)
end

-- The next event of a job. Its first one, that it was queued, is written with the second: most wait for that for long.
local function emit_job(id, event, at, data)
  local key = JOB .. id
  local sequence = redis.call('HINCRBY', key, 'events', 1)
  if sequence == 1 then
    append(key, 1, 'queued', redis.call('HGET', key, 'created_at'), { state = 'queued' })
    sequence = redis.call('HINCRBY', key, 'events', 1)
  end
  append(key, sequence, event, at, data)
end

-- -- The record of a job: only fields of jobs/record.py ---------------------------------------------------------------------

local function checked(name)
  if IS_FIELD[name] or IS_FIELD[string.match(name, '^[^:]*:?')] then return name end
  error('a job has no field ' .. name)
end

-- The named fields, by name; false for one that is not there and has no default.
local function get(id, ...)
  local names, found = { ... }, {}
  for _, name in ipairs(names) do checked(name) end
  local values = redis.call('HMGET', JOB .. id, ...)
  for position, name in ipairs(names) do found[name] = values[position] or DEFAULTS[name] or false end
  return found
end

local function set(id, fields)
  local flat = {}
  for name, value in pairs(fields) do
    table.insert(flat, checked(name))
    table.insert(flat, value)
  end
  if #flat > 0 then redis.call('HSET', JOB .. id, unpack(flat)) end
end

local function add(id, name, by)
  return redis.call('HINCRBY', JOB .. id, checked(name), by)
end

local function unset(id, ...)
  for _, name in ipairs({ ... }) do checked(name) end
  redis.call('HDEL', JOB .. id, ...)
end

-- -- Usage ------------------------------------------------------------------------------------------------------------------

-- Counts what calls used of models: for the job, for the day, and for the user on that day. `items` are usage items, costs
-- in micro-dollars and left out where no price is known.
local COUNTS = { 'calls', 'input_tokens', 'output_tokens', 'images', 'cost' }
local function use(id, user, day, items)
  for _, hash in ipairs({ JOB .. id, USAGE .. day, USAGE .. day .. ':' .. user }) do
    for _, item in ipairs(items) do
      local model = ':' .. item.provider .. '/' .. item.model
      for _, name in ipairs(COUNTS) do
        if (item[name] or 0) > 0 then redis.call('HINCRBY', hash, 'usage:' .. name .. model, item[name]) end
      end
      if not item.cost then redis.call('HINCRBY', hash, 'usage:unpriced' .. model, item.calls) end
    end
    if hash ~= JOB .. id then redis.call('EXPIRE', hash, USAGE_KEEP) end
  end
end
