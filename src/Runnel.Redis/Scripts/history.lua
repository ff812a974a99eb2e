-- Reads a topic's history after an offset.
-- KEYS: position, log
-- ARGV: now, epoch of the position to read after (empty: from the beginning), its offset, most messages to return, most bytes of them (the last may have
--       more)
-- Returns {epoch or '', latest offset, 1 if nothing is missing, 1 if there are more, offset, payload, offset, payload, ...}.
local position, log = KEYS[1], KEYS[2]
local after_epoch, after, limit, room = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local PAGE = 8 -- at once, since they may be large

forget_aged(position, log)
local known = redis.call('HMGET', position, 'epoch', 'offset')
if not known[1] then
  return {'', 0, after_epoch == '' and 1 or 0, 0}
end
local latest = tonumber(known[2])
local first = latest - redis.call('XLEN', log) + 1
local complete = after_epoch == '' or (after_epoch == known[1] and after >= first - 1 and after <= latest)
if not complete or after_epoch == '' then
  after = first - 1
end
local answer = {known[1], latest, complete and 1 or 0, 0}
local from = limit > 0 and (after + 1) .. '-0'
while from do
  local page = redis.call('XRANGE', log, from, '+', 'COUNT', PAGE)
  from = #page == PAGE and '(' .. page[PAGE][1]
  for _, entry in ipairs(page) do
    if limit == 0 or room <= 0 then
      answer[4] = 1
      return answer
    end
    answer[#answer + 1] = tonumber(entry[1]:match('^%d+'))
    answer[#answer + 1] = entry[2][6]
    limit = limit - 1
    room = room - #entry[2][6]
  end
end
return answer
