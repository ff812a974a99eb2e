-- Deletes dead letters.
-- KEYS: the channel's
-- ARGV: now, ids
-- Returns {how many, how many ids: all of them}.
local ids = {unpack(ARGV, 2)}
call('ZREM', DEAD, unpack(ids))
return {call('HDEL', LETTERS, unpack(ids)), #ids}
