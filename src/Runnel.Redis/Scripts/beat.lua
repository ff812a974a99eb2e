-- A worker says that it lives, on all its channels at once.
-- KEYS: for each channel: workers, ready, returned, delayed
-- ARGV: now, worker, its lease (us)
-- Returns the time, and for each channel a number, the sum of: 1 the lease is lost here, 2 a worker died, 4 there are messages that are ready;
-- and how long until the next message is due (us), or -1.
local worker, expiry = ARGV[2], string.format('%.0f', now + tonumber(ARGV[3]))
local answer = {string.format('%.0f', now)}
for i = 1, #KEYS, 4 do
  local before = redis.call('ZSCORE', KEYS[i], worker)
  local found = 0
  if not before then
    found = 1
  else
    redis.call('ZADD', KEYS[i], 'XX', expiry, worker)
    -- Who has been away itself does not judge: after an outage all leases look as if their workers had died.
    if tonumber(before) > now and redis.call('ZCOUNT', KEYS[i], '-inf', string.format('%.0f', now)) > 0 then found = 2 end
    if redis.call('EXISTS', KEYS[i + 1], KEYS[i + 2]) > 0 then found = found + 4 end
  end
  local next = redis.call('ZRANGE', KEYS[i + 3], 0, 0, 'WITHSCORES')
  answer[#answer + 1] = found
  answer[#answer + 1] = next[2] and math.max(tonumber(next[2]) - now, 0) or -1
end
return answer
