-- Puts a channel in order: hands on what dead workers held, deletes what has expired or aged.
-- KEYS: the channel's
-- ARGV: now, how long dead letters are kept (us), between which times a lease must have ended for its worker to be dead (us; 0 and 0: none is).
--       Both are times at which whoever asks saw the server: after an outage all leases have ended, and nobody is dead.
-- Returns {1 if the channel holds nothing any more, 1 if there is more to do, expired, messages of dead workers, dead letters deleted, the workers that
--          were found dead...}.
local kept = tonumber(ARGV[2])
local handed_on, aged = 0, 0
local died = {}

local function reap(worker)
  local holds_none = take_claims(worker, function(id, order, entry)
    local attempts, crashes = struct.unpack('<HH', entry, 2)
    give_back(id, order, with_times(with_counters(entry, attempts, math.min(crashes + 1, 65535)), 0, 0)) -- it may have been begun in time
    handed_on = handed_on + 1
  end)
  if holds_none then call('ZREM', WORKERS, worker) end
  return holds_none
end

go_on_when_full()
expire()
promote()
-- One that is dead is so from now on, also while others are still being given what it held: its lease has ended at 0.
local from = ARGV[3] == '0' and '(0' or ARGV[3]
for _, worker in ipairs(call('ZRANGEBYSCORE', WORKERS, from, ARGV[4], 'LIMIT', 0, BATCH)) do
  call('ZADD', WORKERS, 'XX', 0, worker)
  died[#died + 1] = worker
end
more = more or #died == BATCH
for _, worker in ipairs(call('ZRANGEBYSCORE', WORKERS, 0, 0, 'LIMIT', 0, BATCH)) do
  if not reap(worker) then
    more = true
    break
  end
end

local old = call('ZRANGEBYSCORE', DEAD, '-inf', score(now - kept), 'LIMIT', 0, 2 * BATCH)
if #old > 0 then
  call('HDEL', LETTERS, unpack(old))
  call('ZREM', DEAD, unpack(old))
  aged = #old
  more = more or aged == 2 * BATCH
end

ring_if_ready()
local empty = call('EXISTS', MESSAGES, LETTERS, WORKERS) == 0
return {empty and 1 or 0, more and 1 or 0, expired, handed_on, aged, unpack(died)}
