-- One step of a worker: settles what it is done with, and claims what is ready.
-- KEYS: the channel's, then the claims' counter
-- ARGV: now, 1 if sent before without an answer, worker, the step's number, most messages to claim, most bytes of them (the first may have more),
--       its lease (us) if it is new here, else 0,
--       number of claims that are simply completed, these claims, then for each other settlement: kind, claim and
--         'complete': lane;  'abandon': 1 if an attempt counts, delay (us), 1 if there is a new payload, that payload;  'bury': reason, error
-- Returns {'lost'} when the lease is lost, else {the settlements' results as 1 and 0 each, how long until the next is due (us) or -1, expired, then id and entry of each message}.
local ORDER = KEYS[13]
local repeated, worker, step, most, room, joining = ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local claims = CLAIMS .. worker

go_on_when_full()
if joining > 0 then
  call('ZADD', WORKERS, score(now + joining), worker) -- from now on, also when it joined before and the answer was lost
elseif not call('ZSCORE', WORKERS, worker) then
  return {'lost'}
end

-- Only this worker removes its claims. So what is missing when it asks again was settled by the same step before, whose answer was lost.
local missing = repeated and '1' or '0'
local results = {}
local at = 9

local plain = tonumber(ARGV[8])
if plain > 0 then
  local removed = call('HDEL', claims, unpack(ARGV, at, at + plain - 1))
  results[1] = string.rep((removed == plain) and '1' or missing, plain)
  at = at + plain
end

local function complete(field, lane)
  if call('HDEL', claims, field) == 0 then return false end
  advance(lane)
  return true
end

local function abandon(field, counts, delay, has_payload, payload)
  local claim = call('HGET', claims, field)
  if not claim then return false end
  call('HDEL', claims, field)
  local id, order, entry = read_claim(claim)
  local attempts, crashes = struct.unpack('<HH', entry, 2)
  local due = 0
  if delay > 0 then due = now + delay end
  local head = with_counters(entry, math.min(attempts + counts, 65535), crashes)
  local key_end = 30 + head:byte(30)
  entry = head:sub(1, 13) .. struct.pack('<i8', due) .. head:sub(22, key_end) .. (has_payload and payload or head:sub(key_end + 1))
  give_back(id, order, entry)
  return true
end

local function dead_letter(field, reason, error)
  local claim = call('HGET', claims, field)
  if not claim then return false end
  call('HDEL', claims, field)
  local id, _, entry = read_claim(claim)
  local attempts, crashes = struct.unpack('<HH', entry, 2)
  if reason ~= WORKER_DIED then attempts = math.min(attempts + 1, 65535) end
  bury(id, with_counters(entry, attempts, crashes), reason, error)
  return true
end

while at <= #ARGV do
  local kind, field = ARGV[at], ARGV[at + 1]
  local done
  if kind == 'complete' then
    done = complete(field, ARGV[at + 2])
    at = at + 3
  elseif kind == 'abandon' then
    done = abandon(field, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4] == '1', ARGV[at + 5])
    at = at + 6
  else
    done = dead_letter(field, tonumber(ARGV[at + 2]), ARGV[at + 3])
    at = at + 4
  end
  results[#results + 1] = done and '1' or missing
end

local answer = {table.concat(results), -1, 0}

local function claim_again()
  local fields = {}
  for i = 1, most do fields[i] = step .. '.' .. i end
  for _, claim in ipairs(call('HMGET', claims, unpack(fields))) do
    if claim then
      local id, _, entry = read_claim(claim)
      answer[#answer + 1] = id
      answer[#answer + 1] = entry
    end
  end
  return #answer > 3
end

-- How many of these messages there is room for; at least one, else it would never be claimed.
local function fitting(candidates, is_first)
  for i, id in ipairs(candidates) do
    room = room - call('HSTRLEN', MESSAGES, id)
    if room < 0 and not (is_first and i == 1) then return i - 1 end
  end
  return #candidates
end

-- Returns whether it claimed as much as it may: then there may be more.
local function claim_new()
  local fields, ids = {}, {}
  local function claim(id, order, entry)
    if not entry then return end
    if has(entry, EXPIRES) then call('ZREM', EXPIRIES, id) end
    ids[#ids + 1] = id
    fields[#fields + 1] = step .. '.' .. #ids
    fields[#fields + 1] = id .. struct.pack('<i8', order) .. entry
    answer[#answer + 1] = id
    answer[#answer + 1] = entry
  end

  while #ids < most and room > 0 do
    local returned = call('ZRANGE', RETURNED, 0, 0, 'WITHSCORES')
    if not returned[1] then break end
    if fitting({returned[1]}, #ids == 0) == 0 then break end
    call('ZREM', RETURNED, returned[1])
    claim(returned[1], tonumber(returned[2]), call('HGET', MESSAGES, returned[1]))
  end
  while #ids < most and room > 0 do
    local ready = call('LPOP', READY, most - #ids)
    if not ready then break end
    local count = fitting(ready, #ids == 0)
    for i = #ready, count + 1, -1 do call('LPUSH', READY, table.remove(ready)) end
    if count == 0 then break end
    local last = call('INCRBY', ORDER, count)
    if last == count then call('PEXPIRE', ORDER, 3600000) end -- begins anew now and then: it only orders what workers hold now
    local entries = call('HMGET', MESSAGES, unpack(ready))
    for i, id in ipairs(ready) do claim(id, last - count + i, entries[i]) end
  end
  if #ids > 0 then
    call('HDEL', MESSAGES, unpack(ids))
    call('HSET', claims, unpack(fields))
  end
  return #ids == most or room <= 0
end

if most > 0 then
  expire()
  promote()
  if repeated and claim_again() then
    ring_if_ready()
  elseif claim_new() then
    ring_if_ready()
  else
    call('DEL', BELL)
  end
  local next = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
  if next[2] then answer[2] = math.max(tonumber(next[2]) - now, 0) end
elseif woken then
  ring()
end
answer[3] = expired
return answer
