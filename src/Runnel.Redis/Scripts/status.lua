-- Counts what a channel holds.
-- KEYS: the channel's
-- ARGV: now
-- Returns {ready, scheduled, waiting in all, in workers' hands, dead letters, when the oldest of the first thousand ready ones was sent (ms) or 0, expired,
--          1 if something has expired or become due that is not dealt with yet: then nothing is counted}.
expire()
promote()
if woken then ring() end
if more then return {0, 0, 0, 0, 0, 0, expired, 1} end
local claimed = 0
for _, worker in ipairs(call('ZRANGE', WORKERS, 0, -1)) do
  claimed = claimed + call('HLEN', CLAIMS .. worker)
end
local oldest = 0
local function look(places)
  local gone = #places > 0 and call('SCARD', GONE) > 0 and call('SMISMEMBER', GONE, unpack(places)) or {}
  for i, place in ipairs(places) do
    local sent = struct.unpack('<i8', place, 17)
    if gone[i] ~= 1 and sent > 0 and (oldest == 0 or sent < oldest) then oldest = sent end
  end
end
look(call('ZRANGE', RETURNED, 0, 999))
look(call('LRANGE', READY, 0, 999))
return {ready_count(), call('ZCARD', DELAYED), call('HLEN', MESSAGES), claimed, call('ZCARD', DEAD), score(oldest), expired, 0}
