-- Puts dead letters at the end of the line, with their counters at zero and without an expiry, whatever the capacity.
-- KEYS: the channel's
-- ARGV: now, ids, in the order to be handled in
-- Returns {how many, for how many of the ids that is the answer: the others may be asked for again}.
local replayed, done, bytes = 0, 0, 0
for i = 2, #ARGV do
  if bytes > MOST_BYTES then break end
  done = done + 1
  local letter = call('HGET', LETTERS, ARGV[i])
  if letter then
    bytes = bytes + #letter
    call('HDEL', LETTERS, ARGV[i])
    call('ZREM', DEAD, ARGV[i])
    local entry = letter:sub(14 + struct.unpack('<I4', letter, 10))
    store(ARGV[i], with_times(with_counters(entry, 0, 0), 0, 0))
    replayed = replayed + 1
  end
end
place_stored()
if woken then ring() end
return {replayed, done}
