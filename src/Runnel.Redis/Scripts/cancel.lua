-- Takes back a message that no worker has.
-- KEYS: the channel's
-- ARGV: now, id
-- Returns {1 if it was there, expired}.
expire()
local entry = call('HGET', MESSAGES, ARGV[2])
local was_there = entry and not has_expired(entry)
if entry then
  take_out(ARGV[2], entry)
  clear_line()
  if not was_there then expired = expired + 1 end
end
if woken then ring() end
return {was_there and 1 or 0, expired}
