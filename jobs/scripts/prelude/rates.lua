-- -- Places under a rate ------------------------------------------------------------------------------------------------------

-- Gives back what a job has booked that makes no more calls: each place, with the ms that it takes of its model's buckets. The
-- calls that are booked behind keep their times; whoever books next may have the place.
local function give_back_places(id, at)
  local record = redis.call('HGETALL', JOB .. id)
  for i = 1, #record, 2 do
    local seat = string.match(record[i], '^slot:(.*)$')
    local slot, shift, requests, tokens, model = string.match(seat and record[i + 1] or '', '^(%S+) (%S+) (%S+) (%S+) (.*)$')
    if seat then unset(id, record[i]) end
    local left = model and redis.call('PTTL', RATE .. model) or 0
    if model and slot + 0 > at and left > 0 then
      -- Less the shift: a pause that comes later moves it, as it moves what is booked.
      redis.call('ZADD', RETURNED .. model, slot - shift, table.concat({ requests, tokens, id, seat }, ' '))
      redis.call('PEXPIRE', RETURNED .. model, left)
    end
  end
end
