-- Notes that a channel is in use, by the clock that is everybody's.
-- KEYS: the channels
-- ARGV: now, the channel
redis.call('ZADD', KEYS[1], string.format('%.0f', now / 1000), ARGV[2])
return 1
