-- Deletes all that a channel holds, what workers have in their hands included; the workers stay.
-- KEYS: the channel's, then the claims' counter, then the deduplication ids seen
-- ARGV: now
for _, worker in ipairs(call('ZRANGE', WORKERS, 0, -1)) do call('DEL', CLAIMS .. worker) end
for _, lane in ipairs(call('SMEMBERS', BUSY)) do call('DEL', LANE .. lane) end
call('DEL', MESSAGES, READY, RETURNED, DELAYED, EXPIRIES, BUSY, DEAD, LETTERS, BELL, KEYS[13], KEYS[14])
return 1
