-- Reads a topic's history after an offset.
-- KEYS: position, log, server
-- ARGV: now, epoch of the position to read after (empty: from the beginning), its offset, most messages to return, most bytes of them (the last may have
--       more), channel
-- Returns {epoch or '', latest offset, 1 if nothing is missing, 1 if there are more, offset, payload, offset, payload, ...}.
local position, log, server_key = KEYS[1], KEYS[2], KEYS[3]
local after_epoch, after, limit, room, channel = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local PAGE = 8 -- at once, since they may be large

local epoch, latest, chain, short = settle_epoch(position, server_key)
forget_aged(position, log)
if not epoch then
  return {'', 0, after_epoch == '' and 1 or 0, 0}
end
local first = latest - redis.call('XLEN', log) + 1
local complete, from_start = true, after_epoch == ''
if after_epoch == epoch then
  complete = after <= latest
  from_start = not complete
elseif not from_start then
  local ended = end_of(chain, after_epoch)
  from_start = not ended
  if ended and after > ended and not is_short(short, after_epoch) then
    -- The reader has more of that epoch than there is here. So others may have less of it than there was: they are told.
    short = (short .. after_epoch):sub(-8 * EPOCHS)
    redis.pcall('HSET', position, 'short', short)
    redis.call('PUBLISH', channel, 'g')
  end
  complete = ended ~= nil and not is_short(short, after_epoch)
  after = math.min(after, ended or 0)
end
if from_start or after < first - 1 then
  complete = complete and after_epoch == ''
  after = first - 1
end
local answer = {epoch, latest, complete and 1 or 0, 0}
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
