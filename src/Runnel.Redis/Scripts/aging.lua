-- Deletes what is older than the history keeps it. When the oldest entry came is remembered, so that this mostly costs one look.
local function forget_aged(position, log)
  local known = redis.call('HMGET', position, 'age', 'oldest')
  if not known[1] then return end
  local limit = now - tonumber(known[1])
  if tonumber(known[2]) > limit then return end
  while true do
    local aged, oldest = {}, nil
    for _, entry in ipairs(redis.call('XRANGE', log, '-', '+', 'COUNT', 16)) do
      oldest = tonumber(entry[2][4])
      if oldest > limit then break end
      aged[#aged + 1] = entry[1]
    end
    if #aged > 0 then redis.call('XDEL', log, unpack(aged)) end
    if #aged < 16 then
      redis.call('HSET', position, 'oldest', string.format('%.0f', oldest or now))
      return
    end
  end
end
