-- Takes back a message that no worker has.
-- KEYS: the channel's
-- ARGV: now, id
-- Returns {1 if it was there, expired}.
expire()
local entry = call('HGET', MESSAGES, ARGV[2])
if entry then
  take_out(ARGV[2], entry)
  if woken then ring() end
end
return {entry and 1 or 0, expired}
