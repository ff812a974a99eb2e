-- Forgets a channel that held nothing, unless somebody has used it since.
-- KEYS: the channels
-- ARGV: the channel, when it was last used, as it was found
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
