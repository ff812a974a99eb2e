-- Notes facts about all the data under the prefix, unless they have been noted.
-- KEYS: the channels, then a key for each fact
-- ARGV: the facts
redis.call('ZREM', KEYS[1], '') -- a Redis that is full refuses a first write that deletes nothing
for i, fact in ipairs(ARGV) do redis.call('SET', KEYS[i + 1], fact, 'NX') end
return 1
