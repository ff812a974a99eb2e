-- Publishes a message of a topic that keeps history: numbers it, keeps it, hands it to the subscribers. All or nothing, in one order for all.
-- KEYS: position, log, ids, server, the format
-- ARGV: now, 1 if sent before without an answer, epoch of a new history (8 bytes), messages to keep, for how long (us), for how long their position (us), the
--       message's own id, payload, channel, the format
-- Returns {epoch, offset}.
local position, log, ids, server_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local repeated, new_epoch, keep, age, position_age = ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local id, payload, channel = ARGV[7], ARGV[8], ARGV[9]

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
  local fields = redis.call('HGETALL', ids)
  for i = 1, #fields, 2 do
    if fields[i + 1] == id then return tonumber(fields[i]) end
  end
end

local life = math.ceil(position_age / 1000)
local epoch, offset, _, _, server = settle_epoch(position, server_key)
local found = repeated and epoch and (find_kept() or find_remembered())
if found then return {epoch, found} end

offset = offset + 1
if epoch then
  redis.call('HSET', position, 'offset', offset, 'age', age, 'life', life)
else
  epoch = new_epoch
  redis.call('HSET', position, 'epoch', epoch, 'server', server, 'offset', offset, 'age', age, 'life', life, 'oldest', now)
  redis.call('SET', KEYS[5], ARGV[10], 'NX')
  redis.call('DEL', log, ids) -- somebody may have deleted only the other key; a server whose memory is full refuses the first write, and only that
end
redis.call('XADD', log, 'MAXLEN', keep, offset .. '-0', 'id', id, 'at', string.format('%.0f', now), 'payload', payload)
forget_aged(position, log)
local milliseconds = math.ceil(age / 1000)
if tonumber(keep) < REMEMBERED then
  redis.call('HSET', ids, offset, id)
  redis.call('HDEL', ids, offset - REMEMBERED)
  redis.call('PEXPIRE', ids, milliseconds)
end
redis.call('PEXPIRE', position, life)
redis.call('PEXPIRE', log, milliseconds)
redis.call('PUBLISH', channel, 'h' .. epoch .. struct.pack('<i8', offset) .. payload)
return {epoch, offset}
