-- -- Purging ----------------------------------------------------------------------------------------------------------------

local PURGED_AT_ONCE = 40
local LOOKED_AT_ONCE = 300

-- The sets that have the queued jobs of a queue, or of all queues for a kind. `running kind:...` is for those that run.
local function sets_of(target)
  if string.match(target, '^running ') then return { INDEX_STATE .. 'running' } end
  local queue, sets = string.match(target, '^queue:(.*)$'), {}
  for _, name in ipairs(queue and { queue } or redis.call('SMEMBERS', QUEUES)) do
    table.insert(sets, QUEUE .. name .. WAITING)
    table.insert(sets, QUEUE .. name .. HELD)
  end
  return sets
end

-- Whether a job of these sets is meant: one of the kind, user, provider or model; or any of the queue.
local function is_of(job, target)
  local what, name = string.match(target, '(%a+):(.*)$')
  if what == 'queue' then return true end
  if what == 'kind' then return job.kind == name end
  if what == 'user' then return job.user_id == name end
  for model in string.gmatch(job.models or '', '%S+') do
    if name == (what == 'model' and model or string.match(model, '^[^/]*')) then return true end
  end
  return false
end

-- Begins the next pass through the sets. A job may go from one to another meanwhile, so the last pass is one without a find.
local function begin_pass(purge)
  purge.pass = purge.pass + 1
  purge.set, purge.score, purge.offset, purge.found = 1, 0, 0, 0
end

local function begin_purge(target, by, why, at)
  local purge = { by = by, why = why, at = at, cancelled = 0, pass = 0 }
  begin_pass(purge)
  redis.call('HSET', PURGES, target, cjson.encode(purge))
end

-- Cancels the next jobs of those that were queued when the purge was asked for. Returns whether there is more to do, and how
-- many were cancelled so far.
local function purge_next(target, at)
  local text = redis.call('HGET', PURGES, target)
  if not text then return false, 0 end
  local purge, reason = cjson.decode(text), string.match(target, '^running ') and 'struck' or 'purged'
  local sets, queues = sets_of(target), {}
  if purge.set > #sets then begin_pass(purge) end
  local next = redis.call('ZRANGEBYSCORE', sets[purge.set] or '', purge.score, purge.at, 'WITHSCORES',
    'LIMIT', purge.offset, LOOKED_AT_ONCE)
  local cancelled, passed = 0, 0
  local function purge_one(id)
    local job = get(id, 'state', 'queue', 'kind', 'user_id', 'models')
    if not is_of(job, target) then return nil end
    return cancel(id, job.state, reason, at, { by = purge.by, why = purge.why })
  end
  for i = 1, #next, 2 do
    local id, score = next[i], tonumber(next[i + 1])
    if score > purge.score then purge.score, purge.offset = score, 0 end
    local well, queue = isolated(id, purge_one)
    if queue then
      queues[queue] = true
      cancelled = cancelled + 1
      if cancelled == PURGED_AT_ONCE then break end
    elseif well then
      purge.offset = purge.offset + 1
    end
    passed = passed + 1
  end
  purge.cancelled, purge.found = purge.cancelled + cancelled, purge.found + cancelled
  if passed == #next / 2 and passed < LOOKED_AT_ONCE then
    purge.set, purge.score, purge.offset = purge.set + 1, 0, 0
  end
  local over = purge.set > #sets and purge.found == 0
  if over then
    redis.call('HDEL', PURGES, target)
  else
    redis.call('HSET', PURGES, target, cjson.encode(purge))
  end
  for queue in pairs(queues) do release(queue, at) end
  return not over, purge.cancelled
end

-- Returns whether any purge has more to do.
local function go_on_purging(at)
  local target = redis.call('HKEYS', PURGES)[1]
  return target and purge_next(target, at) or redis.call('EXISTS', PURGES) == 1
end
