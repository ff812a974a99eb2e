-- Stores messages: groups of them, each wholly or not at all, or singly as many as there is room for. What stands behind a group that waits for room is
-- not stored, nor is what was sent behind such a request: it would overtake. Nor is what was sent behind a request that has not been here.
-- KEYS: the channel's, then the sender's last answer, the deduplication ids seen, the answer to the request that was sent before
-- ARGV: now, 1 if sent before without an answer, the request's number, for how long the answer is kept (ms), the number of the request that was sent before
--       and had no answer yet, or 0, then for each group: capacity, messages, 'singles', 'plain' or 'full', 1 if it waits for room,
--       and for each message: id, entry, and in a full group: deduplication id or '', its window (us)
-- Returns for each group how many messages were stored, or -1 when there is no room for all of them; then how many had expired. Returns nothing, and
-- stores nothing, if the request that was sent before has not been here: it failed, or Redis had lost the scripts when it came, and got them back since.
local ANSWER, SEEN, BEFORE = KEYS[15], KEYS[16], KEYS[17]
local request = ARGV[3]

-- Its first copy may have been done and only the answer been lost.
if ARGV[2] == '1' then
  local number, answer = (call('GET', ANSWER) or ''):match('^(%d+)[ !](.*)$')
  if number == request then
    local results = {}
    for count in answer:gmatch('%S+') do results[#results + 1] = tonumber(count) end
    return results
  end
end

local before, mark = (ARGV[5] ~= '0' and call('GET', BEFORE) or ''):match('^(%d+)(.)')
if ARGV[5] ~= '0' and tonumber(before or 0) < tonumber(ARGV[5]) then return {} end

local had_ready = call('EXISTS', READY, RETURNED) > 0
expire()
local held = call('HLEN', MESSAGES) - (more and call('ZCOUNT', EXPIRIES, '-inf', score(now)) or 0) -- what has expired takes no room
local results = {}
local at = 6
local is_behind = before == ARGV[5] and mark == '!'

local longest, remembered = 0, 0

local function store_plain(count)
  for from = at, at + 2 * count - 1, 1000 do
    local to = math.min(from + 999, at + 2 * count - 1)
    call('HSET', MESSAGES, unpack(ARGV, from, to))
    for i = from, to, 2 do stored_ready[#stored_ready + 1] = place_of(ARGV[i], ARGV[i + 1]) end
  end
  return count
end

local function find_new(count)
  local fresh, in_batch = {}, {}
  for i = 0, count - 1 do
    local from = at + 4 * i
    local dedup = ARGV[from + 2]
    if dedup == '' then
      fresh[#fresh + 1] = from
    elseif not in_batch[dedup] and tonumber(call('ZSCORE', SEEN, dedup) or 0) <= now then
      in_batch[dedup] = true
      fresh[#fresh + 1] = from
    end
  end
  return fresh
end

local function store_full(fresh)
  local stored = 0
  for _, from in ipairs(fresh) do
    if ARGV[from + 2] ~= '' then
      local window = tonumber(ARGV[from + 3])
      call('ZADD', SEEN, score(now + window), ARGV[from + 2])
      longest, remembered = math.max(longest, window), remembered + 1
    end
    if store(ARGV[from], ARGV[from + 1]) then stored = stored + 1 end
  end
  return stored
end

-- Not before something is stored: a Redis that is full refuses a first write that deletes nothing. What nothing is added to goes by itself.
local function forget_seen()
  if remembered == 0 then return end
  local aged = math.min(call('ZCOUNT', SEEN, '-inf', score(now)), BATCH + remembered)
  if aged > 0 then call('ZREMRANGEBYRANK', SEEN, 0, aged - 1) end
  if call('PTTL', SEEN) < longest / 1000 then call('PEXPIRE', SEEN, math.ceil(longest / 1000)) end
end

while at <= #ARGV do
  local capacity, count, kind, waits = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3] == '1'
  at = at + 4
  local stored
  if is_behind then
    stored = kind == 'singles' and 0 or -1
  elseif kind == 'singles' then
    stored = math.min(count, math.max(capacity - held, 0))
    store_plain(stored)
  else
    local fresh = kind == 'full' and find_new(count)
    local wanted = fresh and #fresh or count
    if wanted > 0 and held + wanted > capacity then
      stored = -1
    else
      stored = fresh and store_full(fresh) or store_plain(count)
    end
  end
  is_behind = is_behind or waits and (stored < 0 or kind == 'singles' and stored < count)
  held = held + math.max(stored, 0)
  results[#results + 1] = stored
  at = at + count * (kind == 'full' and 4 or 2)
end

place_stored()
forget_seen()
if woken and (not had_ready or call('EXISTS', GONE) == 1) then ring() end
results[#results + 1] = expired
call('SET', ANSWER, request .. (is_behind and '!' or ' ') .. table.concat(results, ' '), 'PX', ARGV[4])
return results
