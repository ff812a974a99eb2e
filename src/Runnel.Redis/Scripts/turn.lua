-- Takes the turn to put all channels in order, unless somebody has it.
-- KEYS: who has it
-- ARGV: now, node, for how long (ms)
-- Returns {1 if it is the node's now, the time (us)}.
local time = string.format('%.0f', now)
if redis.call('EXISTS', KEYS[1]) == 1 then return {0, time} end
redis.call('DEL', KEYS[1]) -- a Redis that is full refuses a first write that deletes nothing
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {1, time}
