-- -- Bad records --------------------------------------------------------------------------------------------------------------

-- Counts a fault, and keeps it for `headrace doctor`, which names the job, or whatever it is.
local function note_fault(id, fault)
  local text = type(fault) == 'table' and fault.err or tostring(fault)
  redis.call('HSET', QUARANTINED, id, string.sub(text, 1, 300))
  count('quarantined')
end

-- Takes it out of all that a sweep and a release look through. What is kept of it stays.
local function quarantine(id, fault)
  note_fault(id, fault)
  for _, key in ipairs({ LEASES, SCHEDULED, DEADLINES, RETAINED, EXPANDING, CANCELLING }) do redis.call('ZREM', key, id) end
  for _, queue in ipairs(redis.call('SMEMBERS', QUEUES)) do
    for _, part in ipairs({ WAITING, ORDER, RELEASED, HELD }) do redis.call('ZREM', QUEUE .. queue .. part, id) end
    redis.call('SREM', QUEUE .. queue .. RUNNING, id)
  end
  local slots = redis.pcall('HGET', JOB .. id, 'slots')
  for gate in string.gmatch(type(slots) == 'string' and slots or '', '%S+') do
    redis.call('ZREM', HOLDERS .. gate, id)
    redis.call('SADD', OPENING, gate)
  end
end

-- Makes one change of one record: `change(id, ...)`. What is wrong with that one stops no other: it is put aside. Returns
-- whether all went well, and what the change returned. Only to be called after the script's first write: a server that takes
-- none, being full or no primary, has refused that one.
local function isolated(id, change, ...)
  local well, found = pcall(change, id, ...)
  if not well then quarantine(id, found) end
  return well, well and found
end
