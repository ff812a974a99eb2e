-- What all scripts of a channel stand on. All keys of one channel are in one slot, and nothing else changes them.
--
-- A message waits (its entry is in 'messages', its id in exactly one of 'ready', 'returned', 'delayed' or its key's lane), is claimed (in the
-- worker's claims, and nowhere else), or is a dead letter. Of the messages of one key only the first, the lane's head, is outside of the lane;
-- for as long as there is one, the key is 'busy'.
--
-- An entry: 1 byte flags (1 has a key, 2 due counts from being stored, 4 expires, 8 so does that; 2 and 8 are gone once it is stored), 2 attempts, 2 crashes, 8 sent (ms), 8 due (us), 8 expires (us), 1 length of the key's name, that name, payload; little-endian.
local MESSAGES, READY, RETURNED, DELAYED, EXPIRIES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local BUSY, LANE, WORKERS, CLAIMS, DEAD, LETTERS, BELL = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local HAS_KEY, DUE_AFTER, EXPIRES, EXPIRES_AFTER = 1, 2, 4, 8
local WORKER_DIED = 1 -- a reason of dead letters, as in DeadLetterReason

local call = redis.call
local woken = false
local expired = 0
local put_aside = 0

local function has(entry, flag)
  return bit.band(entry:byte(1), flag) ~= 0
end

local function lane_of(entry)
  if not has(entry, HAS_KEY) then return nil end
  return entry:sub(31, 30 + entry:byte(30))
end

local function due_of(entry) return (struct.unpack('<i8', entry, 14)) end
local function expiry_of(entry) return (struct.unpack('<i8', entry, 22)) end

local function score(number) return string.format('%.0f', number) end

-- A Redis that is full refuses a script's first write unless that deletes something, be it what is not there: so what makes room gets through.
local function go_on_when_full() call('HDEL', MESSAGES, '') end

-- Another token only where none is: a worker that wakes up looks itself what there is.
local function ring()
  if call('LLEN', BELL) == 0 then call('LPUSH', BELL, '1') end
end

-- Puts a message that waits in line, or until it is due.
local function place(id, entry)
  local due = due_of(entry)
  if due > now then
    call('ZADD', DELAYED, score(due), id)
  else
    call('RPUSH', READY, id)
  end
  woken = true
end

-- The head of a lane is gone: the next one takes its place.
local function advance(lane)
  if not lane then return end
  while true do
    local id = call('LPOP', LANE .. lane)
    if not id then
      call('SREM', BUSY, lane)
      return
    end
    local entry = call('HGET', MESSAGES, id)
    if entry then
      place(id, entry)
      return
    end
  end
end

local function remember_expiry(id, entry)
  if has(entry, EXPIRES) then call('ZADD', EXPIRIES, score(expiry_of(entry)), id) end
end

local function with_times(entry, due, expiry)
  local flags = bit.band(entry:byte(1), HAS_KEY)
  if expiry > 0 then flags = flags + EXPIRES end
  return string.char(flags) .. entry:sub(2, 13) .. struct.pack('<i8i8', due, expiry) .. entry:sub(30)
end

-- Times that count from when the message is stored begin now, by this clock: a sender's may be wrong.
local function begin(entry)
  local due_after, expires_after = has(entry, DUE_AFTER), has(entry, EXPIRES_AFTER)
  if not (due_after or expires_after) then return entry end
  return with_times(entry, due_of(entry) + (due_after and now or 0), expiry_of(entry) + (expires_after and now or 0))
end

-- Takes in a message, at the end of its key's lane if there is one. The same id twice is the same message.
local function store(id, entry)
  entry = begin(entry)
  if call('HSETNX', MESSAGES, id, entry) == 0 then return false end
  remember_expiry(id, entry)
  local lane = lane_of(entry)
  if lane and call('SADD', BUSY, lane) == 0 then
    call('RPUSH', LANE .. lane, id)
  else
    place(id, entry)
  end
  return true
end

-- Takes a message that waits out of wherever it waits.
local function take_out(id, entry)
  call('HDEL', MESSAGES, id)
  if has(entry, EXPIRES) then call('ZREM', EXPIRIES, id) end
  local lane = lane_of(entry)
  if lane and call('LREM', LANE .. lane, 1, id) == 1 then return end
  if call('ZREM', DELAYED, id) == 0 and call('ZREM', RETURNED, id) == 0 then
    call('LREM', READY, 1, id)
  end
  advance(lane)
end

-- A message that a worker had waits again, before all that came later. It is still the head of its lane.
local function give_back(id, order, entry)
  if has(entry, EXPIRES) and expiry_of(entry) <= now then
    expired = expired + 1
    advance(lane_of(entry))
    return
  end
  call('HSET', MESSAGES, id, entry)
  remember_expiry(id, entry)
  local due = due_of(entry)
  if due > now then
    call('ZADD', DELAYED, score(due), id)
  else
    call('ZADD', RETURNED, order, id)
  end
  woken = true
end

local function bury(id, entry, reason, error)
  call('HSET', LETTERS, id, struct.pack('<Bi8I4', reason, now, #error) .. error .. entry)
  call('ZADD', DEAD, score(now + put_aside), id) -- several at once keep their order
  put_aside = put_aside + 1
  advance(lane_of(entry))
end

local function with_counters(entry, attempts, crashes)
  return entry:sub(1, 1) .. struct.pack('<HH', attempts, crashes) .. entry:sub(6)
end

-- A claim: 16 bytes id, 8 bytes its order in line, the entry.
local function read_claim(claim)
  return claim:sub(1, 16), score((struct.unpack('<i8', claim, 17))), claim:sub(25)
end

local function expire()
  local ids = call('ZRANGEBYSCORE', EXPIRIES, '-inf', score(now), 'LIMIT', 0, 1000)
  for _, id in ipairs(ids) do
    local entry = call('HGET', MESSAGES, id)
    call('ZREM', EXPIRIES, id)
    if entry then
      take_out(id, entry)
      expired = expired + 1
    end
  end
end

-- What has become due gets in line.
local function promote()
  while true do
    local ids = call('ZRANGEBYSCORE', DELAYED, '-inf', score(now), 'LIMIT', 0, 1000)
    if #ids == 0 then return end
    call('ZREMRANGEBYRANK', DELAYED, 0, #ids - 1)
    call('RPUSH', READY, unpack(ids))
    woken = true
    if #ids < 1000 then return end
  end
end

local function ready_count()
  return call('LLEN', READY) + call('ZCARD', RETURNED)
end

local function ring_if_ready()
  if ready_count() > 0 then ring() else call('DEL', BELL) end
end
