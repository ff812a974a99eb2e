-- Deletes what is older than the history keeps it. When the oldest entry came is remembered, so that this mostly costs one look.
-- Where what is kept begins is found by halving, since times go up with the numbers: a few looks, however much has aged. A server whose memory is full does not remember it.
local function forget_aged(position, log)
  local known = redis.call('HMGET', position, 'age', 'oldest', 'offset')
  if not known[1] then return end
  local limit = now - tonumber(known[1])
  if tonumber(known[2]) > limit then return end
  local function entry_from(id) return redis.call('XRANGE', log, id, '+', 'COUNT', 1)[1] end
  local function id_of(offset) return string.format('%.0f-0', offset) end
  local function has_aged(entry) return tonumber(entry[2][4]) <= limit end

  local first = entry_from('-')
  if first and has_aged(first) then
    local aged, kept = tonumber(first[1]:match('^%d+')), tonumber(known[3]) + 1
    while kept - aged > 1 do
      local middle = math.floor((aged + kept) / 2)
      local entry = entry_from(id_of(middle))
      if entry and has_aged(entry) then aged = middle else kept = middle end
    end
    redis.pcall('XTRIM', log, 'MINID', id_of(kept)) -- a history can be read while nothing can be written
    first = entry_from('-')
  end
  redis.pcall('HSET', position, 'oldest', first and first[2][4] or string.format('%.0f', now))
end
