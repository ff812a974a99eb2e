-- Puts a channel in order: hands on what dead workers held, deletes what has expired or aged.
-- KEYS: the channel's
-- ARGV: now, how long dead letters are kept (us), between which times a lease must have ended for its worker to be dead (us; 0 and 0: none is).
--       Both are times at which whoever asks saw the server: after an outage all leases have ended, and nobody is dead.
-- Returns {1 if the channel holds nothing any more, expired, messages of dead workers, those of them that are dead letters now, dead letters deleted, the dead workers...}.
local kept = tonumber(ARGV[2])
local handed_on, buried, aged = 0, 0, 0
local died = {}

-- A worker's name ends with how many workers may die holding one message.
local function reap(worker)
  local limit = tonumber(worker:match('%d+$'))
  local held = {}
  local all = call('HGETALL', CLAIMS .. worker)
  for i = 2, #all, 2 do
    local id, order, entry = read_claim(all[i])
    held[#held + 1] = {id = id, order = order, entry = entry}
  end
  table.sort(held, function(a, b) return tonumber(a.order) < tonumber(b.order) end)
  for _, claim in ipairs(held) do
    local attempts, crashes = struct.unpack('<HH', claim.entry, 2)
    local entry = with_times(with_counters(claim.entry, attempts, math.min(crashes + 1, 65535)), 0, 0) -- it may have been begun in time
    if crashes + 1 >= limit then
      bury(claim.id, entry, WORKER_DIED, '')
      buried = buried + 1
    else
      give_back(claim.id, claim.order, entry)
    end
  end
  handed_on = handed_on + #held
  call('DEL', CLAIMS .. worker)
  call('ZREM', WORKERS, worker)
  died[#died + 1] = worker
end

go_on_when_full()
expire()
promote()
for _, worker in ipairs(call('ZRANGEBYSCORE', WORKERS, ARGV[3], ARGV[4])) do reap(worker) end

local old = call('ZRANGEBYSCORE', DEAD, '-inf', score(now - kept), 'LIMIT', 0, 1000)
if #old > 0 then
  call('HDEL', LETTERS, unpack(old))
  call('ZREM', DEAD, unpack(old))
  aged = #old
end

ring_if_ready()
local empty = call('EXISTS', MESSAGES, LETTERS, WORKERS) == 0
return {empty and 1 or 0, expired, handed_on, buried, aged, unpack(died)}
