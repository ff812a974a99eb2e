-- Forgets a channel that held nothing, unless somebody has used it lately: whoever uses it says so once a minute (touch.lua).
-- A time that is far ahead comes from a clock that was wrong, and counts as long ago.
-- KEYS: the channels
-- ARGV: now, the channel, how long ago is not lately any more (ms)
local touched = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2]))
if touched and math.abs(now / 1000 - touched) > tonumber(ARGV[3]) then redis.call('ZREM', KEYS[1], ARGV[2]) end
return 1
