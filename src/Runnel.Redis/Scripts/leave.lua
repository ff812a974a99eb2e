-- A worker leaves: what it holds is there for others, as if it had never been taken.
-- KEYS: the channel's
-- ARGV: now, worker
-- Returns {expired, 1 if it holds more}.
go_on_when_full()
local holds_none = take_claims(ARGV[2], function(id, order, entry)
  give_back(id, order, entry:sub(1, 13) .. struct.pack('<i8', 0) .. entry:sub(22))
end)
if holds_none then call('ZREM', WORKERS, ARGV[2]) end
if woken then ring() end
return {expired, holds_none and 0 or 1}
