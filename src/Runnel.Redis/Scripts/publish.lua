-- Publishes a message of a topic that keeps history: numbers it, keeps it, hands it to the subscribers. All or nothing, in one order for all.
-- KEYS: position, log
-- ARGV: now, 1 if sent before without an answer, epoch of a new history (8 bytes), messages to keep, for how long (us), the message's own id, payload, channel
-- Returns {epoch, offset}.
local position, log = KEYS[1], KEYS[2]
local repeated, new_epoch, keep, age, id, payload, channel = ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]

-- The ids of so many messages are remembered beyond their time in a history that keeps fewer.
local REMEMBERED = 256

-- Where the message is, if it is among the latest thousand; a few at a time, since they may be large.
local function find_kept()
  local before = '+'
  for _ = 1, 32 do
    local page = redis.call('XREVRANGE', log, before, '-', 'COUNT', 32)
    for _, entry in ipairs(page) do
      if entry[2][2] == id then return tonumber(entry[1]:match('^%d+')) end
      before = '(' .. entry[1]
    end
    if #page < 32 then return nil end
  end
end

-- Where it was, if later ones have taken its place: it must not come back behind them.
local function find_remembered()
  local fields = redis.call('HGETALL', position)
  for i = 1, #fields, 2 do
    if fields[i + 1] == id then return tonumber(fields[i]:match('^id:(%d+)$')) end
  end
end

local found = repeated and (find_kept() or find_remembered())
if found then
  return {redis.call('HGET', position, 'epoch'), found}
end

local offset = redis.call('HINCRBY', position, 'offset', 1)
local epoch = new_epoch
if offset == 1 then
  redis.call('DEL', log) -- somebody may have deleted only the other key
  redis.call('HSET', position, 'epoch', epoch, 'age', age, 'oldest', now)
else
  epoch = redis.call('HGET', position, 'epoch')
  redis.call('HSET', position, 'age', age)
end
if tonumber(keep) < REMEMBERED then redis.call('HSET', position, 'id:' .. offset, id) end
redis.call('HDEL', position, 'id:' .. (offset - REMEMBERED))
redis.call('XADD', log, 'MAXLEN', keep, offset .. '-0', 'id', id, 'at', string.format('%.0f', now), 'payload', payload)
forget_aged(position, log)
local milliseconds = math.ceil(age / 1000)
redis.call('PEXPIRE', position, milliseconds)
redis.call('PEXPIRE', log, milliseconds)
redis.call('PUBLISH', channel, 'h' .. epoch .. struct.pack('<i8', offset) .. payload)
return {epoch, offset}
