-- One step of a worker: settles what it is done with, and claims what is ready.
-- KEYS: the channel's
-- ARGV: now, 1 if sent before without an answer, worker, the step's number, most messages to claim, most bytes of them (the first may have more),
--       its lease (us) if it is new here, else 0,
--       number of claims that are simply completed, these claims, then for each other settlement: kind, claim and
--         'complete': lane;  'abandon': 1 if an attempt counts, delay (us), 1 if there is a new payload, that payload;  'bury': reason, error
-- Returns {'lost'} when the lease is lost, else {the settlements' results as 1 and 0 each, how long until there is something to look for again (us) or -1, expired, then the entry of each message}.
local repeated, worker, step, most, room, joining = ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local claims = CLAIMS .. worker

go_on_when_full()
if joining > 0 then
  call('ZADD', WORKERS, score(now + joining), worker) -- from now on, also when it joined before and the answer was lost
elseif tonumber(call('ZSCORE', WORKERS, worker) or 0) == 0 then
  return {'lost'}
end

-- While its lease holds, only this worker and an operator's flush remove its claims. So what is missing when it asks again was settled by the same step
-- before, whose answer was lost; or it was flushed, and then it counts as settled, too: nobody is given it any more.
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
      local _, _, entry = read_claim(claim)
      answer[#answer + 1] = entry
    end
  end
  return #answer > 3
end

local CHUNK = 16 -- messages to read before looking whether there is room for more

-- Returns whether it has come to the end of the line.
local function claim_new()
  local fields, ids, taken, expiring = {}, {}, {}, {}
  local left = math.max(most, BATCH) -- to look at: some may have expired, or be gone

  local function may_claim() return #ids < most and left > 0 and room > 0 end

  -- Reads the first of these messages: as many as there is room for, and at least one, else it would never be claimed.
  local function read_fitting(candidates)
    local entries, count = {}, 0
    for from = 1, #candidates, CHUNK do
      local chunk = call('HMGET', MESSAGES, unpack(candidates, from, math.min(from + CHUNK - 1, #candidates)))
      for i = 1, #chunk do
        room = room - (chunk[i] and #chunk[i] or 0)
        if room < 0 and #ids + count > 0 then return entries, count end
        count = count + 1
        entries[count] = chunk[i]
      end
    end
    return entries, count
  end

  local function claim(id, order, entry)
    taken[#taken + 1] = id
    if has(entry, EXPIRES) then
      expiring[#expiring + 1] = id
      if has_expired(entry) then
        expired = expired + 1
        advance(lane_of(entry))
        return
      end
    end
    local number = #ids + 1
    ids[number] = id
    fields[2 * number - 1] = step .. '.' .. number
    fields[2 * number] = id .. struct.pack('<i8', order) .. entry
    answer[#answer + 1] = entry
  end

  local function claim_all(candidates, places, orders, entries)
    left = left - #places
    local is_gone = forget_gone(places)
    for i = 1, #places do
      if entries[i] and not is_gone[i] then claim(candidates[i], orders[i], entries[i]) end
    end
  end

  local function claim_returned()
    local found = call('ZRANGE', RETURNED, 0, math.min(most - #ids, left) - 1, 'WITHSCORES')
    local candidates = {}
    for i = 1, #found, 2 do candidates[#candidates + 1] = id_of(found[i]) end
    local entries, count = read_fitting(candidates)
    if count > 0 then call('ZREMRANGEBYRANK', RETURNED, 0, count - 1) end
    local places, orders = {}, {}
    for i = 1, count do places[i], orders[i] = found[2 * i - 1], tonumber(found[2 * i]) end
    claim_all(candidates, places, orders, entries)
    return #found > 0
  end

  local function claim_ready()
    local found = call('LRANGE', READY, 0, math.min(most - #ids, left) - 1)
    if #found == 0 then return false end
    local candidates = {}
    for i, place in ipairs(found) do candidates[i] = id_of(place) end
    local entries, count = read_fitting(candidates)
    if count == 0 then return true end
    local places = call('LPOP', READY, count)
    local orders, first = {}, next_numbers(count)
    for i = 1, count do orders[i] = first + i - 1 end
    claim_all(candidates, places, orders, entries)
    return true
  end

  while may_claim() and claim_returned() do end
  local is_end = false
  while may_claim() and not is_end do is_end = not claim_ready() end
  call_with_all('ZREM', EXPIRIES, expiring)
  call_with_all('HDEL', MESSAGES, taken)
  call_with_all('HSET', claims, fields)
  return is_end
end

-- When something is due, or expires, which may make way for another: now, if there was too much of it for this step.
local function next_look(was_end)
  if more or not was_end then return 0 end
  local next = -1
  for _, times in ipairs({DELAYED, EXPIRIES}) do
    local first = call('ZRANGE', times, 0, 0, 'WITHSCORES')[2]
    local time = first and math.max(tonumber(first) - now, 0)
    if time and (next < 0 or time < next) then next = time end
  end
  return next
end

if most > 0 then
  expire()
  promote()
  local was_end = not (repeated and claim_again()) and claim_new()
  if was_end then call('DEL', BELL) else ring_if_ready() end
  answer[2] = next_look(was_end)
elseif woken then
  ring()
end
answer[3] = expired
return answer
