-- Notes that a channel is in use, by the clock that is everybody's, and in which format.
-- KEYS: the channels, the format
-- ARGV: now, the channel, the format
redis.call('ZADD', KEYS[1], string.format('%.0f', now / 1000), ARGV[2])
redis.call('SET', KEYS[2], ARGV[3], 'NX')
return 1
