-- A worker says that it lives, on all its channels at once.
-- KEYS: for each channel: workers, ready, returned, delayed
-- ARGV: now, worker, its lease (us), since when it has been heard from without a break (us), from when on a lease must have ended until that is as long as
--       a lease (us): see RedisPulse
-- Returns the time, from when on a lease must have ended for its worker to be dead, and for each channel a number, the sum of: 1 the lease is lost here,
-- 2 a worker died, 4 there are messages that are ready; and how long until the next message is due (us), or -1.
local worker, lease, since = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local expiry = string.format('%.0f', now + lease)
local from = now - since >= lease and '0' or ARGV[5]
local answer = {string.format('%.0f', now), from}
for i = 1, #KEYS, 4 do
  local before = redis.call('ZSCORE', KEYS[i], worker)
  local found = 0
  if tonumber(before or 0) == 0 then -- others are being given what it held
    found = 1
  else
    redis.call('ZREM', KEYS[i], '') -- a Redis that is full refuses a first write that deletes nothing
    redis.call('ZADD', KEYS[i], 'XX', expiry, worker)
    if redis.call('ZCOUNT', KEYS[i], from, string.format('%.0f', now)) > 0 then found = 2 end
    if redis.call('EXISTS', KEYS[i + 1], KEYS[i + 2]) > 0 then found = found + 4 end
  end
  local next = redis.call('ZRANGE', KEYS[i + 3], 0, 0, 'WITHSCORES')
  answer[#answer + 1] = found
  answer[#answer + 1] = next[2] and math.max(tonumber(next[2]) - now, 0) or -1
end
return answer
