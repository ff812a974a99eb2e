-- Puts dead letters at the end of the line, with their counters at zero and without an expiry, whatever the capacity.
-- KEYS: the channel's
-- ARGV: now, ids, in the order to be handled in
-- Returns how many.
local replayed = 0
for i = 2, #ARGV do
  local letter = call('HGET', LETTERS, ARGV[i])
  if letter then
    call('HDEL', LETTERS, ARGV[i])
    call('ZREM', DEAD, ARGV[i])
    local entry = letter:sub(14 + struct.unpack('<I4', letter, 10))
    store(ARGV[i], with_times(with_counters(entry, 0, 0), 0, 0))
    replayed = replayed + 1
  end
end
if woken then ring() end
return replayed
