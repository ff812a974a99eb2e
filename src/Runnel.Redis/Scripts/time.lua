-- Microseconds since 1970. The server's clock is everybody's, unless a test brings its own (0: the server's).
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
