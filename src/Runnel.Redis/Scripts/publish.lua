-- Publishes a message of a topic that keeps history: numbers it, keeps it, hands it to the subscribers. All or nothing, in one order for all.
-- KEYS: position, log
-- ARGV: now, 1 if sent before without an answer, epoch of a new history (8 bytes), messages to keep, for how long (us), the message's own id, payload, channel
-- Returns {epoch, offset}.
local position, log = KEYS[1], KEYS[2]
local repeated, new_epoch, keep, age, id, payload, channel = ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]

if repeated then
  for _, entry in ipairs(redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1000)) do
    if entry[2][2] == id then
      return {redis.call('HGET', position, 'epoch'), tonumber(entry[1]:match('^%d+'))}
    end
  end
end

local offset = redis.call('HINCRBY', position, 'offset', 1)
local epoch = new_epoch
if offset == 1 then
  redis.call('HSET', position, 'epoch', epoch, 'age', age, 'oldest', now)
else
  epoch = redis.call('HGET', position, 'epoch')
  redis.call('HSET', position, 'age', age)
end
redis.call('XADD', log, 'MAXLEN', keep, offset .. '-0', 'id', id, 'at', string.format('%.0f', now), 'payload', payload)
forget_aged(position, log)
local milliseconds = math.ceil(age / 1000)
redis.call('PEXPIRE', position, milliseconds)
redis.call('PEXPIRE', log, milliseconds)
redis.call('PUBLISH', channel, 'h' .. epoch .. struct.pack('<i8', offset) .. payload)
return {epoch, offset}
