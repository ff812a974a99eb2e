-- Reads a topic's history after an offset.
-- KEYS: position, log
-- ARGV: now, epoch of the position to read after (empty: from the beginning), its offset, most messages to return
-- Returns {epoch or '', latest offset, 1 if nothing is missing, offset, payload, offset, payload, ...}; one message more than asked for tells that there are more.
local position, log = KEYS[1], KEYS[2]
local after_epoch, after, limit = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

forget_aged(position, log)
local known = redis.call('HMGET', position, 'epoch', 'offset')
if not known[1] then
  return {'', 0, after_epoch == '' and 1 or 0}
end
local latest = tonumber(known[2])
local first = latest - redis.call('XLEN', log) + 1
local complete = after_epoch == '' or (after_epoch == known[1] and after >= first - 1 and after <= latest)
if not complete or after_epoch == '' then
  after = first - 1
end
local answer = {known[1], latest, complete and 1 or 0}
if limit > 0 then
  for _, entry in ipairs(redis.call('XRANGE', log, (after + 1) .. '-0', '+', 'COUNT', limit + 1)) do
    answer[#answer + 1] = tonumber(entry[1]:match('^%d+'))
    answer[#answer + 1] = entry[2][6]
  end
end
return answer
