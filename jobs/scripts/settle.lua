-- settle: a call that was admitted has ended: what it used is counted and stands in place of what was reserved. The fence
-- is not asked for: who held it when the call was admitted has spent the money.
-- KEYS    1 job (hash)   2 rate of the model (hash)
-- ARGV    1 job id   2 call id   3 what it used (JSON list of usage items, costs in micro-dollars)   4 tokens it took
--         5 tokens a minute, 0 for no limit   6 how long nobody may call the model, ms, 0 for no pause
-- RETURN  {1}, or {0} when it is settled already, or was never admitted
local at, call = now(), 'call:' .. ARGV[2]
local job = redis.call('HMGET', KEYS[1], call, 'user_id')
if not job[1] then return { 0 } end
local reserved, day, tokens = string.match(job[1], '^(%S+) (%S+) (%S+)$')
-- Frees memory, and so a Redis that is full takes all of this: it is paid for.
redis.call('HDEL', KEYS[1], call)

local items, cost = cjson.decode(ARGV[3]), 0
for _, item in ipairs(items) do cost = cost + (item.cost or 0) end
use(ARGV[1], job[2], day, items)
if cost ~= tonumber(reserved) then
  redis.call('HINCRBY', KEYS[1], 'spent', cost - reserved)
  redis.call('HINCRBY', USAGE .. day .. ':' .. job[2], 'spent', cost - reserved)
end

local rate = redis.call('HMGET', KEYS[2], 'requests', 'tokens', 'paused')
local per_minute, pause = tonumber(ARGV[5]), tonumber(ARGV[6])
if rate[2] and per_minute > 0 then rate[2] = rate[2] + (ARGV[4] - tokens) * 60000 / per_minute end
-- A pause moves all that is booked: it comes after the pause as it would have come without it.
local longer = at + pause - math.max(at, tonumber(rate[3] or 0))
if pause > 0 and longer > 0 then
  for i = 1, 2 do
    if rate[i] then rate[i] = math.max(tonumber(rate[i]), at) + longer end
  end
  rate[3] = at + pause
  redis.call('HINCRBYFLOAT', KEYS[2], 'shift', longer)
end
local last = at
for i, name in ipairs({ 'requests', 'tokens', 'paused' }) do
  if rate[i] then
    redis.call('HSET', KEYS[2], name, string.format('%.3f', rate[i]))
    last = math.max(last, tonumber(rate[i]))
  end
end
redis.call('PEXPIRE', KEYS[2], math.ceil(last - at) + 60000)
return { 1 }
