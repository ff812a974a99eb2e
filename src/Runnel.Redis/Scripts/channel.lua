-- What all scripts of a channel stand on. All keys of one channel are in one slot, and nothing else changes them.
--
-- A message waits (its entry is in 'messages', its id in exactly one of 'ready', 'returned', 'delayed' or its key's lane), is claimed (in the
-- worker's claims, and nowhere else), or is a dead letter. Of the messages of one key only the first, the lane's head, is outside of the lane;
-- for as long as there is one, the key is 'busy'.
--
-- Where a message waits outside of a lane stands its *place*: 16 bytes id, 8 sent (ms). So nobody has to read a message to tell how old it is. A message
-- that is taken out of the middle of 'ready' leaves its place there, which is then in 'gone' as well.
--
-- No script does more than about BATCH things of a kind, or reads more than about MOST_BYTES, whatever the channel holds: 'more' says that something is left.
--
-- An entry: 1 byte flags (1 has a key, 2 due counts from being stored, 4 expires, 8 so does that; 2 and 8 are gone once it is stored), 2 attempts, 2 crashes, 8 sent (ms), 8 due (us), 8 expires (us), 1 length of the key's name, that name, payload; little-endian.
local MESSAGES, READY, RETURNED, DELAYED, EXPIRIES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local BUSY, LANE, WORKERS, CLAIMS, DEAD, LETTERS, BELL = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local GONE, ORDER = KEYS[13], KEYS[14]
local HAS_KEY, DUE_AFTER, EXPIRES, EXPIRES_AFTER = 1, 2, 4, 8
local WORKER_DIED = 1 -- a reason of dead letters, as in DeadLetterReason
local BATCH, MOST_BYTES = 100, 1048576

local call = redis.call
local woken = false
local more = false
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

local function has_expired(entry) return has(entry, EXPIRES) and expiry_of(entry) <= now end

local sub = string.sub
local function place_of(id, entry) return id .. sub(entry, 6, 13) end
local function id_of(place) return sub(place, 1, 16) end

local function score(number) return string.format('%.0f', number) end

-- One command for many values: one for each would take most of a script's time. Lua passes at most some thousands at once.
local function call_with_all(command, key, values)
  for from = 1, #values, 1000 do call(command, key, unpack(values, from, math.min(from + 999, #values))) end
end

-- A Redis that is full refuses a script's first write unless that deletes something, be it what is not there: so what makes room gets through.
local function go_on_when_full() call('HDEL', MESSAGES, '') end

-- Another token only where none is: a worker that wakes up looks itself what there is.
local function ring()
  if call('LLEN', BELL) == 0 then call('LPUSH', BELL, '1') end
end

-- The first of so many numbers in line, all above those before. It begins anew now and then, at the time: nobody takes a million a second.
local function next_numbers(count)
  local last = call('INCRBY', ORDER, count)
  if last == count then
    last = now + count
    call('SET', ORDER, score(last), 'PX', 3600000)
  end
  return last - count + 1
end

local gone_exists

-- Whether there are places in line whose messages are not there any more: mostly not, which is asked once.
local function are_gone()
  if gone_exists == nil then gone_exists = call('EXISTS', GONE) == 1 end
  return gone_exists
end

-- Says of up to 1,000 places which ones are gone, and forgets that they are.
local function forget_gone(places)
  local is_gone, gone = {}, {}
  if #places == 0 or not are_gone() then return is_gone end
  for i, found in ipairs(call('SMISMEMBER', GONE, unpack(places))) do
    is_gone[i] = found == 1
    if is_gone[i] then gone[#gone + 1] = places[i] end
  end
  call_with_all('SREM', GONE, gone)
  return is_gone
end

-- Puts up to 1,000 places at the end of the line. One that is still there, since its message was taken out before, counts again.
local function get_in_line(places)
  local is_there, new = forget_gone(places), {}
  for i, place in ipairs(places) do
    if not is_there[i] then new[#new + 1] = place end
  end
  call_with_all('RPUSH', READY, new)
  woken = true
end

-- Puts a message that waits in line, or until it is due.
local function place(id, entry)
  local due = due_of(entry)
  if due > now then
    call('ZADD', DELAYED, score(due), place_of(id, entry))
    woken = true
  else
    get_in_line({place_of(id, entry)})
  end
end

-- The head of a lane is gone: the next one takes its place.
local function advance(lane)
  if not lane then return end
  while true do
    local id = call('ZPOPMIN', LANE .. lane)[1]
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

local function get_in_lane(lane, id)
  local last = call('ZRANGE', LANE .. lane, -1, -1, 'WITHSCORES')[2]
  call('ZADD', LANE .. lane, score(last and last + 1 or 0), id)
end

local stored_ready, stored_delayed, stored_expiries = {}, {}, {}

local function add_with_score(list, number, member)
  local count = #list
  list[count + 1], list[count + 2] = score(number), member
end

-- Takes in a message, at the end of its key's lane if there is one. The same id twice is the same message. Where it waits otherwise, it is put by place_stored().
local function store(id, entry)
  entry = begin(entry)
  if call('HSETNX', MESSAGES, id, entry) == 0 then return false end
  if has(entry, EXPIRES) then add_with_score(stored_expiries, expiry_of(entry), id) end
  local lane, due = lane_of(entry), due_of(entry)
  if lane and call('SADD', BUSY, lane) == 0 then
    get_in_lane(lane, id)
  elseif due > now then
    add_with_score(stored_delayed, due, place_of(id, entry))
  else
    stored_ready[#stored_ready + 1] = place_of(id, entry)
  end
  return true
end

-- Puts all that was stored in its places, in its order: a script that stores does so before it does anything else.
local function place_stored()
  call_with_all('ZADD', EXPIRIES, stored_expiries)
  call_with_all('ZADD', DELAYED, stored_delayed)
  for from = 1, #stored_ready, 1000 do get_in_line({unpack(stored_ready, from, math.min(from + 999, #stored_ready))}) end
  woken = woken or #stored_delayed > 0
  stored_ready, stored_delayed, stored_expiries = {}, {}, {}
end

local function remember_gone(places)
  call_with_all('SADD', GONE, places)
  if #places > 0 then gone_exists = true end
end

-- Takes a message out of its lane, or wherever else it waits. Returns its place if that stays in line, to be remembered as gone.
local function leave_place(id, entry)
  local lane = lane_of(entry)
  if lane and call('ZREM', LANE .. lane, id) == 1 then return nil end
  local place = place_of(id, entry)
  local was_there = due_of(entry) > 0 and call('ZREM', DELAYED, place) == 1 or call('ZREM', RETURNED, place) == 1
  advance(lane)
  return not was_there and place or nil
end

-- Takes a message that waits out of wherever it waits.
local function take_out(id, entry)
  call('HDEL', MESSAGES, id)
  if has(entry, EXPIRES) then call('ZREM', EXPIRIES, id) end
  remember_gone({leave_place(id, entry)})
end

-- A message that a worker had waits again, before all that came later. It is still the head of its lane.
local function give_back(id, order, entry)
  if has_expired(entry) then
    expired = expired + 1
    advance(lane_of(entry))
    return
  end
  call('HSET', MESSAGES, id, entry)
  remember_expiry(id, entry)
  local due = due_of(entry)
  if due > now then
    call('ZADD', DELAYED, score(due), place_of(id, entry))
  else
    call('ZADD', RETURNED, order, place_of(id, entry))
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

-- Once more places in line are gone than not, the head of the line is cleared: what is not gone moves among the returned, where taking out leaves nothing.
local function clear_line()
  local gone = call('SCARD', GONE)
  if gone == 0 or gone * 2 < call('LLEN', READY) then return end
  local places = call('LPOP', READY, BATCH)
  if not places then
    call('DEL', GONE) -- somebody has deleted the line
    return
  end
  local is_gone, kept = forget_gone(places), {}
  local first = next_numbers(#places)
  for i, place in ipairs(places) do
    if not is_gone[i] and call('HEXISTS', MESSAGES, id_of(place)) == 1 then add_with_score(kept, first + i - 1, place) end
  end
  call_with_all('ZADD', RETURNED, kept)
end

-- What has expired goes. It may be in line still when a worker comes, which has to look, too.
local function expire()
  local ids = call('ZRANGEBYSCORE', EXPIRIES, '-inf', score(now), 'LIMIT', 0, BATCH / 2) -- which cost most: each is in several places
  if #ids == 0 then return end
  local bytes, looked_at, gone = 0, {}, {}
  for i, id in ipairs(ids) do
    local entry = call('HGET', MESSAGES, id)
    if entry then
      gone[#gone + 1] = leave_place(id, entry)
      expired = expired + 1
      bytes = bytes + #entry
    end
    looked_at[i] = id
    if bytes > MOST_BYTES then break end
  end
  call_with_all('HDEL', MESSAGES, looked_at)
  call_with_all('ZREM', EXPIRIES, looked_at)
  remember_gone(gone)
  clear_line()
  more = more or call('ZCOUNT', EXPIRIES, '-inf', score(now)) > 0
end

-- What has become due gets in line.
local function promote()
  local places = call('ZRANGEBYSCORE', DELAYED, '-inf', score(now), 'LIMIT', 0, 3 * BATCH) -- which costs little for each
  if #places == 0 then return end
  call('ZREMRANGEBYRANK', DELAYED, 0, #places - 1)
  get_in_line(places)
  more = more or #places == 3 * BATCH
end

local function ready_count()
  return math.max(call('LLEN', READY) - call('SCARD', GONE), 0) + call('ZCARD', RETURNED)
end

local function ring_if_ready()
  if ready_count() > 0 then ring() else call('DEL', BELL) end
end
