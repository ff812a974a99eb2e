-- Most trips bring one group of messages without key, delay, expiry or deduplication id, to a channel that has room and in which nothing can expire and nothing
-- was taken out of the line. They are stored here: only to make the functions of channel.lua, and to look for what is not there, takes longer than to store a message.
-- Whatever is not so simple goes on to enqueue.lua, which says what keys, arguments and answers are, and would do the same.
local capacity, count = tonumber(ARGV[6]), tonumber(ARGV[7])
local is_first_and_alone = ARGV[2] == '0' and ARGV[5] == '0' and #ARGV == 9 + 2 * count
if is_first_and_alone and ARGV[8] ~= 'full' and count > 0 and count <= 1000 then
  local call = redis.call
  local MESSAGES, READY, RETURNED, EXPIRIES, BELL, GONE, ANSWER = KEYS[1], KEYS[2], KEYS[3], KEYS[5], KEYS[12], KEYS[13], KEYS[15]
  if call('EXISTS', EXPIRIES, GONE) == 0 and call('HLEN', MESSAGES) + count <= capacity then
    local had_ready = call('EXISTS', READY, RETURNED) > 0
    local places = {}
    for i = 10, #ARGV, 2 do places[#places + 1] = ARGV[i] .. ARGV[i + 1]:sub(6, 13) end
    call('HSET', MESSAGES, unpack(ARGV, 10))
    call('RPUSH', READY, unpack(places))
    if not had_ready and call('EXISTS', BELL) == 0 then call('LPUSH', BELL, '1') end
    call('SET', ANSWER, ARGV[3] .. ' ' .. count .. ' 0', 'PX', ARGV[4])
    return {count, 0}
  end
end
