-- Counts what a channel holds.
-- KEYS: the channel's
-- ARGV: now
-- Returns {ready, scheduled, waiting in all, in workers' hands, dead letters, when the oldest of the first thousand ready ones was sent (ms) or 0, expired}.
expire()
promote()
local ready = ready_count()
local claimed = 0
for _, worker in ipairs(call('ZRANGE', WORKERS, 0, -1)) do
  claimed = claimed + call('HLEN', CLAIMS .. worker)
end
local oldest = 0
local function look(ids)
  if #ids == 0 then return end
  for _, entry in ipairs(call('HMGET', MESSAGES, unpack(ids))) do
    local sent = entry and struct.unpack('<i8', entry, 6) or 0
    if sent > 0 and (oldest == 0 or sent < oldest) then oldest = sent end
  end
end
look(call('ZRANGE', RETURNED, 0, 999))
look(call('LRANGE', READY, 0, 999))
if woken then ring() end
return {ready, call('ZCARD', DELAYED), call('HLEN', MESSAGES), claimed, call('ZCARD', DEAD), score(oldest), expired}
