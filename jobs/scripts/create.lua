-- create: nothing -> queued, with its Celery message if it may run now; or scheduled, if it is to run later; or nothing.
-- ARGV    job_id
--         fields         of the record
--         start_within   ms, from when it is queued
--         remembered_as  the key of the request's Idempotency-Key
--         fingerprint    of the request; '' without an Idempotency-Key
--         remember       s
--         retry_of       the job that this one retries, whose steps and files lie staged for it; '' if it retries none
--         named_in       the field in which that job names this retry
--         left_out       the steps that are to be made anew
--         on_limit       when as many jobs with its concurrency key run as may: queue, reject or cancel_running
--         dedup          key, seconds (0: until the job has ended), reject (whether a duplicate is refused); or nothing
-- RETURN  {'created', id, created at, ms}, {'replayed', id}, {'conflict', id of the job made under the same key},
--         {'duplicate', id of the job with the same dedup key},
--         {'struck', what is struck and the strike (JSON), with a space between},
--         {'limited', id of a job with the same concurrency key},
--         {'not_final', state} when the job to retry has not ended, or completed and no step is left out
local at = now()
local repeated = get(job_id, 'created_at').created_at
if repeated then return { 'created', job_id, repeated } end

-- What was staged for a retry is of no use then.
local function decline(outcome, found)
  redis.call('UNLINK', JOB .. job_id .. STEPS, JOB .. job_id .. FILES)
  return { outcome, found }
end
if fingerprint ~= '' then
  local made, known = made_before(remembered_as)
  if made then return decline(known == fingerprint and 'replayed' or 'conflict', made) end
end
local dedup_as = dedup.key and dedup_of(fields.user_id, dedup.key)
local first = dedup_as and redis.call('GET', dedup_as)
if first and redis.call('EXISTS', JOB .. first) == 1 then
  if not dedup.reject then note_made(remembered_as, first, fingerprint, remember) end
  return { 'duplicate', first }
end
local gate, strike = struck(fields)
if gate and cjson.decode(strike).new == 'reject' then return decline('struck', gate .. ' ' .. strike) end
local in_the_way = on_limit ~= 'queue' and holders_in_the_way(fields) or {}
if on_limit == 'reject' and in_the_way[1] then return { 'limited', in_the_way[1] } end
if dedup_as then
  redis.call('SET', dedup_as, job_id)
  if dedup.seconds > 0 then redis.call('EXPIRE', dedup_as, dedup.seconds) end
  fields.dedup_key = dedup.key
end
if retry_of ~= '' then
  local source = get(retry_of, 'state', named_in)
  if source[named_in] then
    note_made(remembered_as, source[named_in], fingerprint, remember)
    return decline('replayed', source[named_in])
  end
  if not FINAL[source.state] or (source.state == 'completed' and #left_out == 0) then
    return decline('not_final', source.state or 'gone')
  end
  set(retry_of, { [named_in] = job_id })
  redis.call('PERSIST', JOB .. job_id .. STEPS)
  redis.call('PERSIST', JOB .. job_id .. FILES)
end

note_made(remembered_as, job_id, fingerprint, remember)
for _, other in ipairs(in_the_way) do cancel(other, get(other, 'state').state, 'superseded', at, { by = job_id }) end
make_job(job_id, at, start_within, fields)
release(fields.queue, at)
return { 'created', job_id, string.format('%d', at) }
